//! PINs of members: set and taken away, never shown.

use super::extract::{At, Body};
use super::problem::{Answer, Problem};
use super::values::Moment;
use super::{Here, State};
use crate::app::Work;
use crate::random::Handed;
use crate::store::people::{self, Person};
use crate::store::pins;
use axum::Json;
use axum::http::StatusCode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use shared::ids::{Holder, MemberId};
use shared::pin::Pin;
use utoipa::ToSchema;

/// Digits as they were chosen.
struct Chosen(Pin);

impl<'de> Deserialize<'de> for Chosen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = zeroize::Zeroizing::new(String::deserialize(deserializer)?);
        Pin::choose(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A PIN for a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPin {
    /// Four to eight digits, neither all the same nor a run like 1234.
    #[schema(value_type = String)]
    pin: Chosen,
}

/// That a member has a PIN; its digits are never shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct PinSet {
    /// Since when.
    pin_since: Moment,
}

async fn find(state: &State, work: &mut Work, member: MemberId) -> Answer<Person> {
    let person = people::find(&mut work.tx, &state.app.organisation, member).await?;
    person.ok_or(Problem::not_found("member"))
}

/// Give a member a PIN, to be typed after the card where a zone asks for it
#[utoipa::path(put, path = "/api/v1/members/{member}/pin", tag = "members", params(("member" = i64, Path)),
    request_body = NewPin, responses((status = OK, body = PinSet), Problem))]
pub async fn set(
    state: Here,
    At(member): At<MemberId>,
    Body(body): Body<NewPin>,
) -> Answer<Json<PinSet>> {
    let mut work = state.work().await?;
    let holder = Holder(find(&state, &mut work, member).await?.holder);
    let mut random = Handed::new(|bytes| state.app.with_random(|random| random.fill_bytes(bytes)));
    let sealed = state.app.keys.seal_pin(&body.pin.0, holder, &mut random);
    let now = work.now;
    pins::put(&mut work.tx, member, &sealed, now).await?;
    state.note(&mut work, "pin.set", Some(member), "by hand");
    state.app.derive(&mut work, member, "a PIN was set").await?;
    state.done(work).await?;
    Ok(Json(PinSet {
        pin_since: Moment(now),
    }))
}

/// Take a member's PIN away
#[utoipa::path(delete, path = "/api/v1/members/{member}/pin", tag = "members", params(("member" = i64, Path)),
    responses((status = NO_CONTENT), Problem))]
pub async fn remove(state: Here, At(member): At<MemberId>) -> Answer<StatusCode> {
    let mut work = state.work().await?;
    find(&state, &mut work, member).await?;
    if !pins::take_away(&mut work.tx, member).await? {
        return Err(Problem::not_found("PIN"));
    }
    state.note(&mut work, "pin.remove", Some(member), "by hand");
    state
        .app
        .derive(&mut work, member, "the PIN was taken away")
        .await?;
    state.done(work).await?;
    Ok(StatusCode::NO_CONTENT)
}
