//! The way in and out: mail address, password and the code of a phone, in one step.

use super::form::Form;
use super::look::Look;
use super::{cookie_name, see, shown};
use crate::staff::{self, CodeSecret, LIFE, Password};
use crate::store::members::fold;
use crate::store::staff::{self as table, Staff};
use crate::web::problem::Answer;
use crate::web::{Here, Open, State};
use askama::Template;
use axum::http::header::{ORIGIN, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    look: Look,
    mail: String,
    refused: Option<String>,
}

/// Where people sign in; before there is anybody, where the first one is made.
pub async fn show(state: Open, look: Look) -> Answer<Response> {
    let mut tx = state.app.store.begin_read().await?;
    if !table::anybody(&mut tx, &state.app.organisation).await? {
        return Ok(see(&look.to("/admin/welcome")));
    }
    let (mail, refused) = (String::new(), None);
    Ok(shown(&Page {
        look,
        mail,
        refused,
    }))
}

/// What people type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    #[serde(default)]
    mail: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

/// Begins a session, or says that something was wrong and not what.
pub async fn enter(
    state: Open,
    look: Look,
    headers: HeaderMap,
    Form(typed): Form<SignIn>,
) -> Answer<Response> {
    let mail = typed.mail.trim().to_owned();
    let person = match charge(&state, &mail).await? {
        Charged::Wait => {
            let refused = Some(look.words.say("sign-in-wait"));
            let page = shown(&Page {
                look,
                mail,
                refused,
            });
            return Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response());
        }
        Charged::Known(person) => Some(person),
        Charged::Unknown => None,
    };
    let stored = person.as_ref().and_then(|person| person.password.clone());
    let password = Password::typed(typed.password);
    let fits = state.passwords.fits(password, stored).await;
    let step = person.as_ref().and_then(|person| {
        let sealed = person.totp_sealed.as_deref()?;
        let secret = state.app.keys.open_secret(sealed, &purpose(person.id))?;
        CodeSecret::new(&secret)?.step(&typed.code, person.totp_step, state.now())
    });
    if let (true, Some(person), Some(step)) = (fits, person, step) {
        let mut work = state.work().await?;
        if table::came_in(&mut work.tx, person.id, step).await? {
            let begun = begin(&state, &mut work, person.id, &headers).await?;
            work.tx.commit().await?;
            return Ok(with_cookie(see(&look.to("/admin")), &begun));
        }
    }
    let refused = Some(look.words.say("sign-in-refused"));
    let page = shown(&Page {
        look,
        mail,
        refused,
    });
    Ok((StatusCode::FORBIDDEN, page).into_response())
}

enum Charged {
    /// Tried too often.
    Wait,
    Known(Box<Staff>),
    Unknown,
}

/// Counts a try before it is looked at, so that many at once are no more than one after the other.
async fn charge(state: &State, mail: &str) -> Answer<Charged> {
    let now = state.now();
    let mut tx = state.app.store.begin().await?;
    let person = table::by_mail(&mut tx, &state.app.organisation, mail).await?;
    let Some(person) = person else {
        return Ok(match state.strangers().may_try(&fold(mail), now) {
            true => Charged::Unknown,
            false => Charged::Wait,
        });
    };
    if staff::may_try(person.failures, person.failed_at).is_some_and(|from| now < from) {
        return Ok(Charged::Wait);
    }
    table::failed(&mut tx, person.id, now).await?;
    tx.commit().await?;
    Ok(Charged::Known(Box::new(person)))
}

/// What the secret of somebody's codes is sealed for.
pub fn purpose(staff: i64) -> String {
    format!("codes of staff {staff}")
}

/// A fresh session of somebody; its cookie.
pub async fn begin(
    state: &State,
    work: &mut crate::app::Work,
    person: i64,
    headers: &HeaderMap,
) -> Answer<HeaderValue> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let token = secret(state);
    let browser = browser(text(USER_AGENT).unwrap_or_default());
    let digest = staff::digest(&token);
    let kept = (digest.as_slice(), browser.as_str());
    table::begin(
        &mut work.tx,
        &state.app.organisation,
        person,
        kept,
        work.now,
    )
    .await?;
    let is_secure = text(ORIGIN).is_some_and(|origin| origin.starts_with("https://"));
    let (name, secure) = (
        cookie_name(state, is_secure),
        if is_secure { "; Secure" } else { "" },
    );
    let cookie = format!(
        "{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        LIFE.0 / 1000
    );
    HeaderValue::from_str(&cookie).map_err(|_| super::Problem::fault())
}

/// Something that nobody guesses: 256 bits.
pub fn secret(state: &State) -> String {
    let mut bytes = [0; 32];
    state
        .app
        .with_random(|random| random.fill_bytes(&mut bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A browser and its system, as people know them again.
fn browser(agent: &str) -> String {
    let found = |known: &[&'static str]| known.iter().find(|name| agent.contains(**name)).copied();
    // Each names all that came before it.
    let name = match found(&["Firefox", "Edg", "OPR", "Chrome", "Safari"]) {
        Some("Edg") => "Edge",
        Some("OPR") => "Opera",
        Some(name) => name,
        None => "?",
    };
    let system = match found(&["Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux"]) {
        Some("Macintosh") => "Mac",
        Some(system) => system,
        None => "?",
    };
    format!("{name}, {system}")
}

/// An answer that brings a cookie along.
pub fn with_cookie(mut response: Response, cookie: &HeaderValue) -> Response {
    response.headers_mut().append(SET_COOKIE, cookie.clone());
    response
}

/// Ends the session of whoever asks.
pub async fn leave(state: Here, look: Look) -> Answer<Response> {
    let mut tx = state.app.store.begin().await?;
    if let Some((person, session)) = state.who.session {
        table::end(&mut tx, person, session).await?;
    }
    tx.commit().await?;
    let mut response = see(&look.to("/admin/sign-in"));
    for is_secure in [true, false] {
        let (name, secure) = (
            cookie_name(&state, is_secure),
            if is_secure { "; Secure" } else { "" },
        );
        let gone = format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}");
        let gone = HeaderValue::from_str(&gone).map_err(|_| super::Problem::fault())?;
        response.headers_mut().append(SET_COOKIE, gone);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_by_its_name() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
                "Firefox, Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1 Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari, iPhone",
            ),
            ("", "?, ?"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }
}
