//! The OpenID provider: another way in beside password and passkey, for accounts that somebody linked while signed in.

use super::look::Look;
use super::passkeys::fresh;
use super::sign_in::{
    Refusal, begin_by, brought, came_in, refuse, told, with_cookie, without_cookie,
};
use super::{cookie, see, shown, signed_in};
use crate::oidc::provider::{Provider, ProviderError};
use crate::oidc::{AWAY, Begun};
use crate::own::BY_SOURCE;
use crate::random::Handed;
use crate::said::Said;
use crate::store::attention::{AuditLine, audit};
use crate::store::{identities, staff};
use crate::web::extract::{Asked, At};
use crate::web::own::Source;
use crate::web::problem::{Answer, Problem};
use crate::web::{Here, Open, State};
use askama::Template;
use axum::http::header::{ORIGIN, REFRESH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// How the cookies of those who are at the provider begin.
const AT_PROVIDER: &str = "at-provider";
/// What is in them is sealed for.
const PURPOSE: &str = "sign-in at the OpenID provider";

#[derive(Template)]
#[template(path = "onward.html")]
struct Onward {
    look: Look,
    name: String,
    address: String,
}

/// Sends somebody to the provider to sign in.
pub async fn leave(
    state: Open,
    look: Look,
    Source(source): Source,
    headers: HeaderMap,
) -> Answer<Response> {
    if !may_talk(&state, &source) {
        return refused(&state, look, None, Refusal::Wait);
    }
    send(&state, look, &headers, None).await
}

/// Sends whoever asks to the provider to link an account there.
pub async fn link(state: Here, look: Look, headers: HeaderMap) -> Answer<Response> {
    let mut work = state.work().await?;
    let linking = fresh(&state, &mut work).await?;
    drop(work);
    send(&state, look, &headers, Some(linking)).await
}

/// Whether the provider is talked to for this network once more: few talks at once are waited for, and nobody has all.
fn may_talk(state: &State, source: &str) -> bool {
    let (key, now) = (format!("provider {source}"), state.now());
    state.asked().sources.may(&key, BY_SOURCE, now)
}

/// The provider, if there is one.
fn provider(state: &State) -> Answer<&Provider> {
    let provider = state.app.provider.as_deref();
    provider.ok_or_else(|| Problem::not_found("provider"))
}

/// Where people come back to.
fn back(state: &State) -> String {
    format!("{}/admin/sign-in/provider", state.app.address)
}

/// A page that leads to the provider at once: a form may lead nowhere else itself.
async fn send(
    state: &State,
    look: Look,
    headers: &HeaderMap,
    linking: Option<(i64, i64)>,
) -> Answer<Response> {
    let provider = provider(state)?;
    is_at_home(state, headers)?;
    let mut secret = [0; 32];
    state
        .app
        .with_random(|random| random.fill_bytes(&mut secret));
    let now = state.now();
    let begun = Begun {
        at: now,
        linking,
        secret,
    };
    let address = match provider.entrance(&begun, &back(state), now).await {
        Ok(address) => String::from(address),
        Err(error) => return refused(state, look, linking, away(&error)),
    };
    let refresh = HeaderValue::from_str(&format!("0; url={address}"));
    let mut random = Handed::new(|bytes| state.app.with_random(|random| random.fill_bytes(bytes)));
    let sealed = state
        .app
        .keys
        .seal_secret(&begun.written(), PURPOSE, &mut random);
    let sealed = URL_SAFE_NO_PAD.encode(sealed);
    let cookie = brought(state, (AT_PROVIDER, &sealed), AWAY, headers)?;
    let name = provider.settings.name.clone();
    let mut page = shown(&Onward {
        look,
        name,
        address,
    });
    let refresh = refresh.map_err(|_| Problem::fault())?;
    page.headers_mut().insert(REFRESH, refresh);
    Ok(with_cookie(page, &cookie))
}

/// The provider sends people back to the address that is set; elsewhere their browser would not know them again.
fn is_at_home(state: &State, headers: &HeaderMap) -> Answer<()> {
    let home = reqwest::Url::parse(&state.app.address);
    let home = home.map_err(|_| Problem::fault())?.origin();
    let here = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    if here.is_none_or(|here| here == home.ascii_serialization()) {
        return Ok(());
    }
    let detail = Said::of("refused-provider-home").put("address", state.app.address.as_str());
    Err(Problem::conflict("PUBLIC_URL", detail))
}

/// What the provider sends back with somebody (RFC 6749, 4.1.2; RFC 9207).
#[derive(Deserialize)]
pub struct Back {
    #[serde(default)]
    state: String,
    code: Option<String>,
    iss: Option<String>,
}

/// Takes somebody in who comes back, or links the account.
pub async fn come_back(
    state: Open,
    look: Look,
    Source(source): Source,
    headers: HeaderMap,
    Asked(brought): Asked<Back>,
) -> Answer<Response> {
    let provider = provider(&state)?;
    let begun = carried(&state, &headers);
    let begun = begun.filter(|begun| begun.fits(&brought.state, state.now()));
    let Some(begun) = begun else {
        tracing::warn!("somebody came back from the OpenID provider who was not sent there");
        return refused(&state, look, None, Refusal::Elsewhere);
    };
    if !may_talk(&state, &source) {
        return refused(&state, look, begun.linking, Refusal::Wait);
    }
    let outcome = vouched(&state, provider, &begun, &brought).await?;
    let answer = match (outcome, begun.linking) {
        (Err(refusal), linking) => refused(&state, look, linking, refusal),
        (Ok(subject), None) => enter(&state, look, &headers, &subject).await,
        (Ok(subject), Some(linking)) => add(&state, look, &headers, linking, &subject).await,
    };
    let answer = answer.unwrap_or_else(axum::response::IntoResponse::into_response);
    without_cookie(answer, &state, AT_PROVIDER)
}

/// What a browser carries that was sent to the provider.
fn carried(state: &State, headers: &HeaderMap) -> Option<Begun> {
    let sealed = URL_SAFE_NO_PAD
        .decode(cookie(state, AT_PROVIDER, headers)?)
        .ok()?;
    Begun::read(&state.app.keys.open_secret(&sealed, PURPOSE)?)
}

/// Whom the provider vouches for, or why nobody is let in.
async fn vouched(
    state: &State,
    provider: &Provider,
    begun: &Begun,
    brought: &Back,
) -> Answer<Result<String, Refusal>> {
    let issuer = &provider.settings.issuer;
    if brought.iss.as_ref().is_some_and(|iss| iss != issuer) {
        tracing::warn!("somebody came back from another OpenID provider");
        return Ok(Err(Refusal::Elsewhere));
    }
    let Some(code) = &brought.code else {
        tracing::warn!("the OpenID provider let somebody not in");
        return Ok(Err(Refusal::NotThere));
    };
    let came = (code.as_str(), &*back(state));
    match provider.subject(begun, came, state.now()).await {
        Ok(subject) => Ok(Ok(subject)),
        Err(error) => {
            if let ProviderError::Token(wrong) = &error {
                note_refusal(state, "token", &wrong.to_string()).await?;
            }
            Ok(Err(away(&error)))
        }
    }
}

/// Why the provider vouches for nobody; the log says more.
fn away(error: &ProviderError) -> Refusal {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "a sign-in at the OpenID provider failed"
    );
    match error {
        ProviderError::Busy => Refusal::Busy,
        ProviderError::Token(_) | ProviderError::Status { .. } => Refusal::NotThere,
        ProviderError::Unreachable { .. }
        | ProviderError::Garbled(_)
        | ProviderError::Other
        | ProviderError::Open => Refusal::Away,
    }
}

/// Says why not: at the page where people sign in, or as a refusal of what they did.
fn refused(
    state: &State,
    look: Look,
    linking: Option<(i64, i64)>,
    refusal: Refusal,
) -> Answer<Response> {
    match linking {
        None => Ok(refuse(state, look, String::new(), refusal)),
        Some(_) => Err(Problem::conflict("provider", told(state, &look, refusal))),
    }
}

/// Begins a session of whoever linked this account.
async fn enter(state: &State, look: Look, headers: &HeaderMap, subject: &str) -> Answer<Response> {
    let issuer = &provider(state)?.settings.issuer;
    let organisation = &state.app.organisation;
    let mut work = state.work().await?;
    let known = identities::find(&mut work.tx, organisation, (issuer, subject)).await?;
    let person = match &known {
        Some(known) => staff::find(&mut work.tx, organisation, known.staff).await?,
        None => None,
    };
    let (Some(known), Some(person)) = (known, person) else {
        drop(work);
        tracing::warn!("an account at the OpenID provider is linked to nobody");
        return match note_refusal(state, subject, "an account that is linked to nobody").await? {
            true => refused(state, look, None, Refusal::Unlinked),
            false => refused(state, look, None, Refusal::Wait),
        };
    };
    let now = work.now;
    identities::used(&mut work.tx, known.id, now).await?;
    came_in(state, &mut work, person.id, "the OpenID provider");
    let begun = begin_by(state, &mut work, (person.id, true), headers).await?;
    work.tx.commit().await?;
    Ok(with_cookie(see(&look.to("/admin")), &begun))
}

/// Writes down that somebody was refused for whom the provider vouched, or said so; false if that is too often.
async fn note_refusal(state: &State, who: &str, why: &str) -> Answer<bool> {
    let mut work = state.work().await?;
    if !state
        .strangers()
        .may_try(&format!("provider {who}"), work.now)
    {
        return Ok(false);
    }
    let line = AuditLine {
        actor: "server",
        action: "staff.sign_in_refused",
        member: None,
        cause: why,
        body: None,
    };
    audit(&mut work.tx, &state.app.organisation, work.now, line);
    work.tx.commit().await?;
    Ok(true)
}

/// Links an account to whoever went to the provider for that and is still signed in; their other sessions end.
async fn add(
    state: &Open,
    look: Look,
    headers: &HeaderMap,
    linking: (i64, i64),
    subject: &str,
) -> Answer<Response> {
    let who = signed_in(state, headers).await?;
    let who = who.filter(|who| who.session == Some(linking));
    let state = Here::of(state, who.ok_or_else(Problem::signed_out)?);
    let issuer = &provider(&state)?.settings.issuer;
    let mut work = state.work().await?;
    let (person, session) = fresh(&state, &mut work).await?;
    let (organisation, now) = (&state.app.organisation, work.now);
    let id = identities::add(&mut work.tx, organisation, person, (issuer, subject), now).await?;
    let known = || Problem::conflict("provider", look.words.say("provider-known"));
    let id = id.ok_or_else(known)?;
    staff::end_others(&mut work.tx, person, session).await?;
    let cause = format!("staff {person}, identity {id}");
    state.note(&mut work, "staff.identity_add", None, &cause);
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/me")))
}

/// Unlinks an account of whoever asks; their other sessions end.
pub async fn unlink(state: Here, look: Look, At(id): At<i64>) -> Answer<Response> {
    let mut work = state.work().await?;
    let (person, session) = fresh(&state, &mut work).await?;
    if !identities::remove(&mut work.tx, person, id).await? {
        return Err(Problem::not_found("account"));
    }
    staff::end_others(&mut work.tx, person, session).await?;
    let cause = format!("staff {person}, identity {id}");
    state.note(&mut work, "staff.identity_remove", None, &cause);
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/me")))
}
