//! The way in and out: mail address, password and the code of a phone, in one step.

use super::form::Form;
use super::look::Look;
use super::passkeys::challenge_to_sign_in;
use super::{STAFF, cookie_name, see, shown};
use crate::staff::{self, CodeSecret, LIFE, Password};
use crate::store::attention::{AuditLine, audit};
use crate::store::members::fold;
use crate::store::staff::{self as table, Staff};
use crate::web::problem::Answer;
use crate::web::{Here, Open, State};
use askama::Template;
use axum::http::header::{ORIGIN, RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::time::Span;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    look: Look,
    mail: String,
    refused: Option<String>,
    /// What a passkey is asked to sign.
    challenge: String,
    /// What people call the OpenID provider; none: there is none.
    provider: Option<String>,
}

impl Page {
    fn new(state: &State, look: Look, mail: String, refused: Option<String>) -> Self {
        Self {
            look,
            mail,
            refused,
            challenge: challenge_to_sign_in(state),
            provider: provider_name(state),
        }
    }
}

/// What people call the OpenID provider, if there is one.
pub fn provider_name(state: &State) -> Option<String> {
    let provider = state.app.provider.as_ref();
    provider.map(|provider| provider.settings.name.clone())
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Something was wrong, and it is not told what.
    Wrong,
    /// Too many tries for this address.
    Wait,
    /// Too many people, or a flood.
    Busy,
    /// The OpenID provider does not answer as one.
    Away,
    /// The OpenID provider vouches for nobody.
    NotThere,
    /// Not sent to the OpenID provider from here, or too long ago.
    Elsewhere,
    /// Nobody linked this account at the OpenID provider.
    Unlinked,
}

/// A refusal in the words of people.
pub fn told(state: &State, look: &Look, refusal: Refusal) -> String {
    let (words, name) = (&look.words, provider_name(state).unwrap_or_default());
    match refusal {
        Refusal::Wrong => words.say("sign-in-refused"),
        Refusal::Wait => words.say("sign-in-wait"),
        Refusal::Busy => words.say("sign-in-busy"),
        Refusal::Away => words.with("provider-away", "name", &name),
        Refusal::NotThere => words.with("provider-not-there", "name", &name),
        Refusal::Elsewhere => words.say("provider-elsewhere"),
        Refusal::Unlinked => words.with("provider-unlinked", "name", &name),
    }
}

/// The page with what was wrong.
pub fn refuse(state: &State, look: Look, mail: String, refusal: Refusal) -> Response {
    let (status, wait) = match refusal {
        Refusal::Wrong | Refusal::NotThere | Refusal::Elsewhere | Refusal::Unlinked => {
            (StatusCode::FORBIDDEN, None)
        }
        Refusal::Wait => (StatusCode::TOO_MANY_REQUESTS, Some("60")),
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, Some("5")),
        Refusal::Away => (StatusCode::BAD_GATEWAY, None),
    };
    let refused = Some(told(state, &look, refusal));
    let page = Page::new(state, look, mail, refused);
    let mut response = (status, shown(&page)).into_response();
    if let Some(wait) = wait {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(wait));
    }
    response
}

/// Where people sign in; before there is anybody, where the first one is made.
pub async fn show(state: Open, look: Look) -> Answer<Response> {
    let mut tx = state.app.store.begin_read().await?;
    if !table::anybody(&mut tx, &state.app.organisation).await? {
        return Ok(see(&look.to("/admin/welcome")));
    }
    Ok(shown(&Page::new(&state, look, String::new(), None)))
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
    // Before the try is counted: who is sent away for the others has not failed.
    let Some(place) = state.passwords.place() else {
        return Ok(refuse(&state, look, mail, Refusal::Busy));
    };
    let person = match charge(&state, &mail).await? {
        Charged::Wait => return Ok(refuse(&state, look, mail, Refusal::Wait)),
        Charged::Known(person) => Some(person),
        Charged::Unknown => None,
    };
    let stored = person.as_ref().and_then(|person| person.password.clone());
    let password = Password::typed(typed.password);
    let fits = state.passwords.fits(place, password, stored).await;
    let step = person.as_ref().and_then(|person| {
        let sealed = person.totp_sealed.as_deref()?;
        let secret = state.app.keys.open_secret(sealed, &purpose(person.id))?;
        CodeSecret::new(&secret)?.step(&typed.code, person.totp_step, state.now())
    });
    let known = person.as_ref().map(|person| person.id);
    if let (true, Some(person), Some(step)) = (fits, person, step) {
        let mut work = state.work().await?;
        if table::came_in(&mut work.tx, person.id, step).await? {
            came_in(&state, &mut work, person.id, "password and code");
            let begun = begin(&state, &mut work, person.id, &headers).await?;
            work.tx.commit().await?;
            return Ok(with_cookie(see(&look.to("/admin")), &begun));
        }
    }
    tracing::warn!(staff = known, "a sign-in by password was refused");
    Ok(refuse(&state, look, mail, Refusal::Wrong))
}

/// Writes down that somebody came in, and how.
pub fn came_in(state: &State, work: &mut crate::app::Work, person: i64, how: &str) {
    let actor = format!("staff {person}");
    let line = AuditLine {
        actor: &actor,
        action: "staff.sign_in",
        member: None,
        cause: how,
        body: None,
    };
    audit(&mut work.tx, &state.app.organisation, work.now, line);
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
    begin_by(state, work, (person, false), headers).await
}

/// The same, for whoever came in here or by the OpenID provider.
pub async fn begin_by(
    state: &State,
    work: &mut crate::app::Work,
    (person, by_provider): (i64, bool),
    headers: &HeaderMap,
) -> Answer<HeaderValue> {
    let (token, browser) = (secret(state), browser_of(headers));
    let digest = staff::digest(&token);
    let kept = (digest.as_slice(), browser.as_str(), by_provider);
    table::begin(
        &mut work.tx,
        &state.app.organisation,
        person,
        kept,
        work.now,
    )
    .await?;
    brought(state, (STAFF, &token), LIFE, headers)
}

/// The cookie that carries a token from now on, among those that begin so.
pub fn brought(
    state: &State,
    (whose, token): (&str, &str),
    life: Span,
    headers: &HeaderMap,
) -> Answer<HeaderValue> {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    // Browsers name no origin where a redirect leads here: then it is the address that people use.
    let origin = origin.unwrap_or(&state.app.address);
    let is_secure = origin.starts_with("https://");
    let (name, secure) = (
        cookie_name(state, whose, is_secure),
        if is_secure { "; Secure" } else { "" },
    );
    let cookie = format!(
        "{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        life.0 / 1000
    );
    HeaderValue::from_str(&cookie).map_err(|_| super::Problem::fault())
}

/// Something that nobody guesses.
pub fn secret(state: &State) -> String {
    state.app.fresh_token()
}

/// What the browser says it is, shortened.
pub fn browser_of(headers: &HeaderMap) -> String {
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    browser(agent.unwrap_or_default())
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
    let response = cleared(see(&look.to("/admin/sign-in")));
    without_cookie(response, &state, STAFF)
}

/// An answer after which the browser forgets the pages that it has shown (www.w3.org/TR/clear-site-data).
pub fn cleared(mut response: Response) -> Response {
    let what = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert("clear-site-data", what);
    response
}

/// An answer that takes the cookies away that begin so.
pub fn without_cookie(mut response: Response, state: &State, whose: &str) -> Answer<Response> {
    for is_secure in [true, false] {
        let (name, secure) = (
            cookie_name(state, whose, is_secure),
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
