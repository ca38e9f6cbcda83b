//! Passkeys: added and removed by whoever is signed in, and another way in beside password and code.

use super::form::Form;
use super::look::Look;
use super::see;
use super::sign_in::{Refusal, begin, came_in, refuse, with_cookie};
use crate::passkeys::{self, ASKED, Known, Question, Signed};
use crate::random::Handed;
use crate::said::{Part, Said};
use crate::store::passkeys::{self as table, New};
use crate::store::staff;
use crate::web::extract::At;
use crate::web::problem::{Answer, Problem};
use crate::web::values::Title;
use crate::web::{Here, Open, State};
use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use shared::time::{Span, Timestamp};

/// Whoever signed in longer ago has to do it again before ways in are changed: somebody else may sit there by now.
const FRESH: Span = Span::minutes(15);
/// What challenges of people who are not signed in are for.
const SIGN_IN: &str = "passkey challenge to sign in";

/// What challenges of somebody who adds a passkey are for.
fn adding(staff: i64) -> String {
    format!("passkey challenge to add one of staff {staff}")
}

/// What a browser is asked to sign: the moment, sealed, so that nothing is kept of those that are not answered.
fn challenge(state: &State, purpose: &str) -> String {
    let now = state.now().0.to_be_bytes();
    let mut random = Handed::new(|bytes| state.app.with_random(|random| random.fill_bytes(bytes)));
    URL_SAFE_NO_PAD.encode(state.app.keys.seal_secret(&now, purpose, &mut random))
}

/// For somebody who signs in.
pub fn challenge_to_sign_in(state: &State) -> String {
    challenge(state, SIGN_IN)
}

/// For somebody who adds a passkey.
pub fn challenge_to_add(state: &State, staff: i64) -> String {
    challenge(state, &adding(staff))
}

/// When a challenge was made; none: not by us, not for this, or too long ago.
fn asked_at(state: &State, challenge: &[u8], purpose: &str) -> Option<Timestamp> {
    let opened = state.app.keys.open_secret(challenge, purpose)?;
    let at = Timestamp(i64::from_be_bytes(opened.as_slice().try_into().ok()?));
    (at + ASKED >= state.now()).then_some(at)
}

/// Bytes as the script writes them (base64url).
pub struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text);
        bytes
            .map(Self)
            .map_err(|_| serde::de::Error::custom("not base64url"))
    }
}

/// Where the browser says that its page is; whether that is ours was looked at before.
fn origin(headers: &HeaderMap) -> &str {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.unwrap_or_default()
}

/// A passkey that was just made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Added {
    name: Title,
    challenge: Bytes,
    client_data: Bytes,
    attestation: Bytes,
}

/// Keeps a passkey of whoever asks; their other sessions end.
pub async fn add(
    state: Here,
    look: Look,
    headers: HeaderMap,
    Form(added): Form<Added>,
) -> Answer<Response> {
    let mut work = state.work().await?;
    let (person, session) = fresh(&state, &mut work).await?;
    let question = Question {
        origin: origin(&headers),
        challenge: &added.challenge.0,
    };
    let refused = |why: passkeys::Wrong| {
        Problem::field(
            "attestation",
            Said::of("refused-passkey-not-taken").put("why", Part::word(why)),
        )
    };
    if asked_at(&state, question.challenge, &adding(person)).is_none() {
        return Err(refused(passkeys::Wrong::Elsewhere));
    }
    let made =
        passkeys::made(question, &added.client_data.0, &added.attestation.0).map_err(refused)?;
    let new = New {
        staff: person,
        name: added.name.as_str(),
        origin: question.origin,
        made: &made,
    };
    let now = work.now;
    let id = table::add(&mut work.tx, &state.app.organisation, &new, now).await?;
    let known = || Problem::conflict("attestation", Said::of("refused-passkey-known"));
    let id = id.ok_or_else(known)?;
    staff::end_others(&mut work.tx, person, session).await?;
    state.note(
        &mut work,
        "staff.passkey_add",
        None,
        &format!("staff {person}, passkey {id}"),
    );
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/me")))
}

/// Removes a passkey of whoever asks; their other sessions end.
pub async fn remove(state: Here, look: Look, At(id): At<i64>) -> Answer<Response> {
    let mut work = state.work().await?;
    let (person, session) = fresh(&state, &mut work).await?;
    if !table::remove(&mut work.tx, person, id).await? {
        return Err(Problem::not_found("passkey"));
    }
    staff::end_others(&mut work.tx, person, session).await?;
    state.note(
        &mut work,
        "staff.passkey_remove",
        None,
        &format!("staff {person}, passkey {id}"),
    );
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/me")))
}

/// Whoever asks, if they signed in a short while ago: person and session.
pub async fn fresh(state: &Here, work: &mut crate::app::Work) -> Answer<(i64, i64)> {
    let (person, session) = state.who.session.ok_or_else(Problem::signed_out)?;
    let sessions = staff::sessions(&mut work.tx, person).await?;
    let own = sessions.iter().find(|one| one.id == session);
    let own = own.filter(|own| own.by_provider == 0);
    let since = own.map(|own| Timestamp(own.created_at));
    if since.is_some_and(|since| since + FRESH >= work.now) {
        return Ok((person, session));
    }
    let detail = Said::of("refused-fresh");
    Err(Problem::conflict("session", detail))
}

/// What a passkey signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    challenge: Bytes,
    credential: Bytes,
    client_data: Bytes,
    authenticator_data: Bytes,
    signature: Bytes,
}

/// Begins a session by a passkey, or says that something was wrong and not what.
pub async fn enter(
    state: Open,
    look: Look,
    headers: HeaderMap,
    Form(shown): Form<Shown>,
) -> Answer<Response> {
    match owner(&state, &headers, &shown).await? {
        Some((mut work, person)) => {
            came_in(&state, &mut work, person, "passkey");
            let begun = begin(&state, &mut work, person, &headers).await?;
            work.tx.commit().await?;
            Ok(with_cookie(see(&look.to("/admin")), &begun))
        }
        None => {
            tracing::warn!("a sign-in by passkey was refused");
            Ok(refuse(&state, look, String::new(), Refusal::Wrong))
        }
    }
}

/// Whose passkey signed, noted in a change that is begun; none: nobody's, or it does not fit.
async fn owner(
    state: &State,
    headers: &HeaderMap,
    shown: &Shown,
) -> Answer<Option<(crate::app::Work, i64)>> {
    let Some(asked_at) = asked_at(state, &shown.challenge.0, SIGN_IN) else {
        return Ok(None);
    };
    let mut work = state.work().await?;
    let organisation = &state.app.organisation;
    let Some(key) = table::find(&mut work.tx, organisation, &shown.credential.0).await? else {
        return Ok(None);
    };
    let question = Question {
        origin: &key.origin,
        challenge: &shown.challenge.0,
    };
    let known = Known {
        public_key: &key.public_key,
        signatures: u32::try_from(key.signatures).unwrap_or(u32::MAX),
    };
    let signed = Signed {
        client_data: &shown.client_data.0,
        authenticator_data: &shown.authenticator_data.0,
        signature: &shown.signature.0,
    };
    let signatures = match passkeys::signed(question, known, signed) {
        Ok(signatures) if origin(headers) == key.origin => signatures,
        Ok(_) | Err(_) => return Ok(None),
    };
    let now = work.now;
    if !table::used(&mut work.tx, key.id, (signatures, asked_at), now).await? {
        return Ok(None);
    }
    let person = staff::find(&mut work.tx, organisation, key.staff).await?;
    Ok(person.map(|person| (work, person.id)))
}
