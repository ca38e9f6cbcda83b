//! Where somebody with rights arrives: the first one with the server's token, everybody else by an invitation.

use super::form::Form;
use super::look::Look;
use super::sign_in::{begin, purpose, with_cookie};
use super::{see, shown};
use crate::random::Handed;
use crate::rights::Role;
use crate::said::Said;
use crate::staff::{self, CodeSecret, Password};
use crate::store::attention::{AuditLine, audit};
use crate::store::staff::{self as table, Staff};
use crate::web::problem::{Answer, Problem};
use crate::web::values::{Mail, Title};
use crate::web::{Open, State};
use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

#[derive(Template)]
#[template(path = "welcome.html")]
struct Page {
    look: Look,
    /// Whether the server's token has to be shown, for there is nobody yet.
    is_first: bool,
    name: String,
    mail: String,
    invitation: String,
    secret: String,
    /// The secret as phones read it: SVG.
    picture: String,
    refused: Option<String>,
}

/// What the address of an invitation carries.
#[derive(Deserialize)]
pub struct Invited {
    #[serde(default)]
    invitation: String,
}

/// What people type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equipment {
    #[serde(default)]
    invitation: String,
    #[serde(default)]
    token: String,
    name: Option<Title>,
    mail: Option<Mail>,
    #[serde(default)]
    password: String,
    secret: String,
    #[serde(default)]
    code: String,
}

/// Whoever may come in here.
enum Guest {
    /// Nobody is there yet.
    First,
    Invited(Box<Staff>),
}

async fn guest(state: &State, invitation: &str) -> Answer<Option<Guest>> {
    let organisation = &state.app.organisation;
    let mut tx = state.app.store.begin_read().await?;
    if !table::anybody(&mut tx, organisation).await? {
        return Ok(Some(Guest::First));
    }
    let digest = staff::digest(invitation);
    let person = table::by_invitation(&mut tx, organisation, &digest, state.now()).await?;
    Ok(person.map(|person| Guest::Invited(Box::new(person))))
}

/// Asks for all that is needed to sign in from now on.
pub async fn show(
    state: Open,
    look: Look,
    axum::extract::Query(Invited { invitation }): axum::extract::Query<Invited>,
) -> Answer<Response> {
    let Some(guest) = guest(&state, &invitation).await? else {
        return Ok(see(&look.to("/admin/sign-in")));
    };
    let mut bytes = [0; 20];
    state
        .app
        .with_random(|random| random.fill_bytes(&mut bytes));
    let secret = CodeSecret::new(&bytes).ok_or_else(Problem::fault)?;
    let (is_first, name, mail) = match guest {
        Guest::First => (true, String::new(), String::new()),
        Guest::Invited(person) => (false, person.name, person.mail),
    };
    let picture = picture(
        &secret,
        &look.club,
        if mail.is_empty() { "admin" } else { &mail },
    );
    let (secret, refused) = (secret.text(), None);
    Ok(shown(&Page {
        look,
        is_first,
        name,
        mail,
        invitation,
        secret,
        picture,
        refused,
    }))
}

/// A QR code (ISO/IEC 18004) as SVG.
fn picture(secret: &CodeSecret, club: &str, mail: &str) -> String {
    let code = secret
        .uri(club, mail)
        .and_then(|uri| qrcode::QrCode::new(uri).ok());
    code.map_or(String::new(), |code| {
        let svg = code
            .render::<qrcode::render::svg::Color<'_>>()
            .min_dimensions(200, 200)
            .build();
        // Within a page it is an element, not a document.
        svg.find("<svg")
            .map_or(String::new(), |start| svg[start..].to_owned())
    })
}

/// Makes the first owner, or lets an invited person in; signed in at once.
pub async fn equip(
    state: Open,
    look: Look,
    headers: HeaderMap,
    Form(typed): Form<Equipment>,
) -> Answer<Response> {
    let Some(guest) = guest(&state, &typed.invitation).await? else {
        return Ok(see(&look.to("/admin/sign-in")));
    };
    let secret = CodeSecret::read(&typed.secret);
    let unread = || Problem::field("secret", Said::of("refused-secret-shown"));
    let secret = secret.ok_or_else(unread)?;
    let (is_first, name, mail) = match &guest {
        Guest::First => {
            let name = typed.name.as_ref().map_or("", Title::as_str);
            (true, name, typed.mail.as_ref().map_or("", Mail::as_str))
        }
        Guest::Invited(person) => (false, person.name.as_str(), person.mail.as_str()),
    };
    let token = staff::digest(&typed.token);
    let password = Password::typed(typed.password);
    let step = secret.step(&typed.code, 0, state.now());
    let refused = if is_first && !bool::from(token.ct_eq(&state.admin_token)) {
        Some("welcome-token-wrong")
    } else if name.is_empty() || mail.is_empty() {
        Some("welcome-incomplete")
    } else if !password.is_good(&[name, mail, &look.club]) {
        Some("welcome-password-weak")
    } else if step.is_none() {
        Some("welcome-code-wrong")
    } else {
        None
    };
    let (None, Some(step)) = (refused, step) else {
        let refused = refused.map(|key| look.words.say(key));
        let (name, mail) = (name.to_owned(), mail.to_owned());
        let picture = picture(
            &secret,
            &look.club,
            if mail.is_empty() { "admin" } else { &mail },
        );
        let page = shown(&Page {
            look,
            is_first,
            name,
            mail,
            invitation: typed.invitation,
            secret: secret.text(),
            picture,
            refused,
        });
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let place = state.passwords.place().ok_or_else(Problem::busy)?;
    let mut salt = [0; 16];
    state.app.with_random(|random| random.fill_bytes(&mut salt));
    let hashed = state
        .passwords
        .hash(place, password, salt)
        .await
        .ok_or_else(Problem::fault)?;
    let mut work = state.work().await?;
    let organisation = &state.app.organisation;
    // What was true before the password was hashed may be over.
    let id = match &guest {
        Guest::First if table::anybody(&mut work.tx, organisation).await? => {
            return Ok(see(&look.to("/admin/sign-in")));
        }
        Guest::First => {
            table::add(
                &mut work.tx,
                organisation,
                (name, mail, Role::Owner),
                work.now,
            )
            .await?
        }
        Guest::Invited(_) => {
            let digest = staff::digest(&typed.invitation);
            match table::by_invitation(&mut work.tx, organisation, &digest, work.now).await? {
                Some(person) => person.id,
                None => return Ok(see(&look.to("/admin/sign-in"))),
            }
        }
    };
    let mut random = Handed::new(|bytes| state.app.with_random(|random| random.fill_bytes(bytes)));
    let sealed = state
        .app
        .keys
        .seal_secret(secret.bytes(), &purpose(id), &mut random);
    table::equip(&mut work.tx, id, &hashed, (&sealed, step)).await?;
    let actor = format!("staff {id}");
    let line = AuditLine {
        actor: &actor,
        action: "staff.arrive",
        member: None,
        cause: if is_first {
            "the server's token"
        } else {
            "an invitation"
        },
        body: None,
    };
    audit(&mut work.tx, organisation, work.now, line);
    let begun = begin(&state, &mut work, id, &headers).await?;
    work.tx.commit().await?;
    Ok(with_cookie(see(&look.to("/admin")), &begun))
}
