//! Who may do what: people with rights, the table of roles, and one's own sessions.

use super::form::Form;
use super::look::Look;
use super::passkeys::{challenge_to_add, fresh};
use super::sign_in::{provider_name, secret};
use super::{see, shown};
use crate::passkeys::ALGORITHMS;
use crate::rights::{Role, TABLE};
use crate::said::Said;
use crate::staff::{INVITED, digest};
use crate::store::identities::{self, Identity};
use crate::store::letters::{self, Content, Letter, Reader};
use crate::store::passkeys::{self, Passkey};
use crate::store::post;
use crate::store::staff::{self as table, Session, Staff};
use crate::web::Here;
use crate::web::extract::At;
use crate::web::problem::{Answer, Problem};
use crate::web::values::{Mail, Moment, Title};
use askama::Template;
use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "people.html")]
struct Page {
    look: Look,
    people: Vec<Staff>,
    /// An invitation that was just made: for whom, and its address below the server's own.
    invited: Option<(String, String)>,
    /// Whether it was mailed as well.
    is_mailed: bool,
}

impl Page {
    fn table(&self) -> Vec<(&'static str, [bool; 5])> {
        let row = |row: &(&'static str, &[Role], &[&str])| {
            (row.0, Role::ALL.map(|role| row.1.contains(&role)))
        };
        TABLE.iter().map(row).collect()
    }

    /// An action in the words of people.
    fn action(&self, name: &str) -> String {
        self.look.words.say(&action_word(name))
    }

    fn roles(&self) -> [Role; 5] {
        Role::ALL
    }
}

/// The word of an action.
fn action_word(name: &str) -> String {
    format!("may-{}", name.replace(['.', '_'], "-"))
}

/// The words of all actions.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = String> {
    TABLE.iter().map(|row| action_word(row.0))
}

/// The page.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    page(&state, look, None).await
}

async fn page(state: &Here, look: Look, invited: Option<(String, String)>) -> Answer<Response> {
    let mut tx = state.app.store.begin_read().await?;
    let people = table::all(&mut tx, &state.app.organisation).await?;
    Ok(shown(&Page {
        look,
        people,
        invited,
        is_mailed: state.app.is_mailed,
    }))
}

/// Somebody who is to have rights.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    name: Title,
    mail: Mail,
    role: Role,
}

/// Invites somebody, or invites them anew: whoever lost phone or password comes in again by this. The link is shown once.
pub async fn invite(
    state: Here,
    look: Look,
    headers: HeaderMap,
    Form(Invitation { name, mail, role }): Form<Invitation>,
) -> Answer<Response> {
    let link = secret(&state);
    let organisation = &state.app.organisation;
    let mut work = state.work().await?;
    let (me, _) = fresh(&state, &mut work).await?;
    let known = table::by_mail(&mut work.tx, organisation, mail.as_str()).await?;
    let id = match known {
        // Nobody has to prove anything to the holder of an invitation.
        Some(known) if known.id == me => {
            let valid = Said::of("refused-own-address");
            return Err(Problem::conflict("mail", valid));
        }
        Some(known) if known.role != role => {
            let valid = Said::of("refused-other-role");
            return Err(Problem::conflict("mail", valid));
        }
        Some(known) => known.id,
        None => {
            let who = (name.as_str(), mail.as_str(), role);
            table::add(&mut work.tx, organisation, who, work.now).await?
        }
    };
    let until = work.now + INVITED;
    table::invite(&mut work.tx, id, &digest(&link), until).await?;
    let path = format!("/admin/welcome?invitation={link}");
    if state.app.is_mailed {
        let letter = Letter {
            reader: Reader::Staff(id),
            content: Content::Invited { until },
            cause: &until.to_string(),
            secret: Some(state.app.seal_link(&path)),
        };
        letters::put(&mut work.tx, organisation, letter, work.now);
    }
    state.note(
        &mut work,
        "staff.invite",
        None,
        &format!("staff {id} as {}", role.word()),
    );
    work.tx.commit().await?;
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let address = format!("{}{}", origin.unwrap_or_default(), look.to(&path));
    page(&state, look, Some((name.as_str().to_owned(), address))).await
}

/// Somebody else's new role.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    role: Role,
}

/// Gives somebody another role.
pub async fn change_role(
    state: Here,
    look: Look,
    At(id): At<i64>,
    Form(NewRole { role }): Form<NewRole>,
) -> Answer<Response> {
    let mut work = state.work().await?;
    fresh(&state, &mut work).await?;
    let person = other(&state, &mut work, id, role == Role::Owner).await?;
    table::put_role(&mut work.tx, id, role).await?;
    let cause = format!("staff {id}");
    let what = ("staff.role", None, cause.as_str());
    state.note_change(&mut work, what, [Some(&person.role), Some(&role)]);
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/people")))
}

/// Takes all rights from somebody.
pub async fn remove(state: Here, look: Look, At(id): At<i64>) -> Answer<Response> {
    let mut work = state.work().await?;
    fresh(&state, &mut work).await?;
    other(&state, &mut work, id, false).await?;
    let now = work.now;
    table::remove(&mut work.tx, id, now).await?;
    state.note(&mut work, "staff.remove", None, &format!("staff {id}"));
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/people")))
}

/// Ends all of somebody's sessions.
pub async fn sign_out(state: Here, look: Look, At(id): At<i64>) -> Answer<Response> {
    let mut work = state.work().await?;
    let person = table::find(&mut work.tx, &state.app.organisation, id).await?;
    person.ok_or(Problem::not_found("person"))?;
    table::end_all(&mut work.tx, id).await?;
    state.note(&mut work, "staff.sign_out", None, &format!("staff {id}"));
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/people")))
}

/// Somebody whose rights are to change; not the last owner who can sign in, unless an owner stays.
async fn other(
    state: &Here,
    work: &mut crate::app::Work,
    id: i64,
    stays_owner: bool,
) -> Answer<Staff> {
    let all = table::all(&mut work.tx, &state.app.organisation).await?;
    let owners = all
        .iter()
        .filter(|one| one.role == Role::Owner && one.password.is_some());
    let is_last = owners.clone().count() == 1 && owners.clone().any(|owner| owner.id == id);
    if is_last && !stays_owner {
        let detail = Said::of("refused-last-owner");
        return Err(Problem::conflict("role", detail));
    }
    let found = all.into_iter().find(|one| one.id == id);
    found.ok_or(Problem::not_found("person"))
}

#[derive(Template)]
#[template(path = "me.html")]
struct Own {
    look: Look,
    person: Option<Staff>,
    sessions: Vec<Session>,
    current: i64,
    is_mailed: bool,
    passkeys: Vec<Passkey>,
    identities: Vec<Identity>,
    /// What people call the OpenID provider; none: there is none.
    provider: Option<String>,
    /// What a new passkey is asked to sign.
    challenge: String,
}

impl Own {
    /// By which devices tell apart whose passkeys they keep; says nothing of the person.
    fn user(&self) -> String {
        let id = self.person.as_ref().map_or(0, |person| person.id);
        URL_SAFE_NO_PAD.encode(format!("staff {id}"))
    }

    fn algorithms(&self) -> String {
        ALGORITHMS.map(|number| number.to_string()).join(" ")
    }

    fn known(&self) -> String {
        let ids = self.passkeys.iter();
        let ids = ids.map(|passkey| URL_SAFE_NO_PAD.encode(&passkey.credential));
        ids.collect::<Vec<_>>().join(" ")
    }

    fn at(&self, key: &str, milliseconds: &i64) -> String {
        let at = self.look.moment(&Moment::of(*milliseconds));
        self.look.words.with(key, "at", &at)
    }

    fn is_current(&self, session: &Session) -> bool {
        session.id == self.current
    }
}

/// One's own page.
pub async fn me(state: Here, look: Look) -> Answer<Response> {
    let Some((id, current)) = state.who.session else {
        return Err(Problem::signed_out());
    };
    let mut tx = state.app.store.begin_read().await?;
    let person = table::find(&mut tx, &state.app.organisation, id).await?;
    let sessions = table::sessions(&mut tx, id).await?;
    let is_mailed = post::is_mailed(&mut tx, id).await?;
    let passkeys = passkeys::of(&mut tx, &state.app.organisation, id).await?;
    let identities = identities::of(&mut tx, &state.app.organisation, id).await?;
    let provider = provider_name(&state);
    let challenge = challenge_to_add(&state, id);
    Ok(shown(&Own {
        look,
        person,
        sessions,
        current,
        is_mailed,
        passkeys,
        identities,
        provider,
        challenge,
    }))
}

/// Ends one of one's own sessions.
pub async fn end_session(state: Here, look: Look, At(session): At<i64>) -> Answer<Response> {
    let Some((id, _)) = state.who.session else {
        return Err(Problem::signed_out());
    };
    let mut tx = state.app.store.begin().await?;
    table::end(&mut tx, id, session).await?;
    tx.commit().await?;
    Ok(see(&look.to("/admin/me")))
}
