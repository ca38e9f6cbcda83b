//! How members come in: they type their mail address, and open the link that is mailed to it. There is no password.

use super::form::Form;
use super::look::Look;
use super::sign_in::{brought, browser_of, cleared, secret, with_cookie, without_cookie};
use super::{MEMBERS, see, shown};
use crate::own::{BY_ADDRESS, BY_SOURCE, LIFE};
use crate::staff;
use crate::store::member_sessions as table;
use crate::store::members::fold;
use crate::web::extract::{Asked, At};
use crate::web::own::{Own, Source};
use crate::web::problem::Answer;
use crate::web::values::Mail;
use crate::web::{Open, State};
use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::ids::MemberId;

#[derive(Template)]
#[template(path = "own_sign_in.html")]
struct Page {
    look: Look,
    step: Step,
}

/// How far somebody is.
enum Step {
    /// The address is asked for; with what was wrong, if anything was.
    Ask(Option<&'static str>),
    /// A link is on its way, if anybody has the address.
    Sent,
    /// The link was opened; programs that look through mail do not press the button.
    Enter(String),
    /// Several members have the address.
    Choose(String, Vec<(MemberId, String)>),
}

fn page(look: Look, step: Step) -> Response {
    shown(&Page { look, step })
}

/// Where members sign in.
pub async fn show(look: Look) -> Response {
    std::future::ready(page(look, Step::Ask(None))).await
}

/// What people type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    mail: Mail,
}

/// Notes that a link is wanted, for anybody's address and for nobody's alike: which it is shows neither in the answer
/// nor in how long it takes.
pub async fn ask(
    state: Open,
    look: Look,
    Source(source): Source,
    Form(Wanted { mail }): Form<Wanted>,
) -> Answer<Response> {
    let now = state.now();
    let may = {
        let mut asked = state.asked();
        // Who asks too often for many is not counted against each of these.
        let may_ask = asked.sources.may(&format!("link {source}"), BY_SOURCE, now);
        may_ask && asked.addresses.may(&fold(mail.as_str()), BY_ADDRESS, now)
    };
    if !may {
        let wait = page(look, Step::Ask(Some("own-wait")));
        return Ok((StatusCode::TOO_MANY_REQUESTS, wait).into_response());
    }
    let mut tx = state.app.store.begin().await?;
    table::ask(&mut tx, &state.app.organisation, mail.as_str(), now).await?;
    tx.commit().await?;
    Ok(page(look, Step::Sent))
}

/// What the address of a mailed link carries.
#[derive(Deserialize)]
pub struct Carried {
    #[serde(default)]
    link: String,
}

/// Shows a button, and does nothing yet.
pub async fn open(look: Look, Asked(Carried { link }): Asked<Carried>) -> Response {
    std::future::ready(page(look, Step::Enter(link))).await
}

/// What the button sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entered {
    #[serde(default)]
    link: String,
    member: Option<MemberId>,
}

/// Begins a session and uses the link up; of several members with the address, whoever was chosen.
pub async fn enter(
    state: Open,
    look: Look,
    headers: HeaderMap,
    Form(Entered { link, member }): Form<Entered>,
) -> Answer<Response> {
    let mut work = state.work().await?;
    let (organisation, now) = (&state.app.organisation, work.now);
    let digest = staff::digest(&link);
    let found = table::link(&mut work.tx, organisation, &digest, now).await?;
    let Some((id, mail)) = found else {
        return Ok(gone(look));
    };
    let mut known = table::members(&mut work.tx, organisation, &mail).await?;
    if let Some(member) = member {
        known.retain(|(known, _)| *known == member);
    }
    let member = match known[..] {
        [] => return Ok(gone(look)),
        [(only, _)] => only,
        _ => return Ok(page(look, Step::Choose(link, known))),
    };
    if !table::use_up(&mut work.tx, id).await? {
        return Ok(gone(look));
    }
    let (token, browser) = (secret(&state), browser_of(&headers));
    let digest = staff::digest(&token);
    let kept = (digest.as_slice(), browser.as_str());
    table::begin(&mut work.tx, organisation, member, kept, now).await?;
    work.tx.commit().await?;
    let cookie = brought(&state, (MEMBERS, &token), LIFE, &headers)?;
    Ok(with_cookie(see(&look.to("/me")), &cookie))
}

/// That a link is too old, or was used.
fn gone(look: Look) -> Response {
    let page = page(look, Step::Ask(Some("own-link-gone")));
    (StatusCode::FORBIDDEN, page).into_response()
}

/// Ends one of one's own sessions.
pub async fn end_session(own: Own, look: Look, At(session): At<i64>) -> Answer<Response> {
    end(&own, own.member, session).await?;
    Ok(see(&look.to("/me")))
}

/// Ends the session of whoever asks.
pub async fn leave(own: Own, look: Look) -> Answer<Response> {
    end(&own, own.member, own.session).await?;
    without_cookie(cleared(see(&look.to("/me/sign-in"))), &own, MEMBERS)
}

async fn end(state: &State, member: MemberId, session: i64) -> Answer<()> {
    let mut tx = state.app.store.begin().await?;
    table::end(&mut tx, member, session).await?;
    Ok(tx.commit().await?)
}
