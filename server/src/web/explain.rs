//! A member's standing in words.

use super::Here;
use super::extract::{Asked, At};
use super::members::MONEY;
use super::problem::{Answer, Problem};
use super::values::{Moment, Told};
use crate::membership::explain::{badge_lines, explain_to};
use crate::said::Said;
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use utoipa::{IntoParams, ToSchema};

/// Which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct When {
    /// A moment in the past; left out: now.
    #[param(value_type = Option<Moment>)]
    pub at: Option<Moment>,
}

/// A standing in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explained {
    /// Whom it is about.
    pub member: i64,
    /// The moment it is about.
    pub at: Moment,
    /// Standing in one sentence.
    pub standing: Told,
    /// Why: one sentence for each fact.
    pub reasons: Vec<Told>,
    /// What would have to change for good standing; none: nothing.
    pub missing: Option<Told>,
    /// What brought this standing about, and when.
    pub cause: Option<Told>,
    /// What each zone's list says.
    pub zones: Vec<ZoneSays>,
    /// What each door does with the member's cards.
    pub doors: Vec<DoorSays>,
    /// What changes next, and when.
    pub next: Option<Told>,
}

/// What a zone's list says.
#[derive(Debug, Serialize, ToSchema)]
pub struct ZoneSays {
    /// Which.
    pub zone: String,
    /// In words.
    pub says: Told,
}

/// What a door does with a member's cards.
#[derive(Debug, Serialize, ToSchema)]
pub struct DoorSays {
    /// Which.
    pub door: String,
    /// In words.
    pub says: Told,
}

/// A badge event in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct BadgeExplained {
    /// What the door did, what it went by, and what was known here; line by line.
    pub lines: Vec<String>,
}

/// Why a door did what it did when a card was shown
#[utoipa::path(get, path = "/api/v1/badges/{badge}/explain", tag = "events",
    params(("badge" = i64, Path)), responses((status = OK, body = BadgeExplained), Problem))]
pub async fn badge(state: Here, At(id): At<i64>) -> Answer<Json<BadgeExplained>> {
    let lines = badge_lines(&state.app, id).await?;
    let lines = lines.ok_or(Problem::not_found("badge event"))?;
    Ok(Json(BadgeExplained { lines }))
}

/// A member's standing in words, now or at a moment in the past
#[utoipa::path(get, path = "/api/v1/members/{member}/explain", tag = "members",
    params(("member" = i64, Path), When), responses((status = OK, body = Explained), Problem))]
pub async fn show(
    state: Here,
    At(id): At<MemberId>,
    Asked(When { at }): Asked<When>,
) -> Answer<Json<Explained>> {
    let now = state.now();
    let at = at.map_or(now, |moment| moment.0);
    if at > now {
        return Err(Problem::field("at", Said::of("refused-past-only")));
    }
    let sees_money = state.who.role.may(MONEY);
    let told = explain_to(&state.app, id, at, sees_money)
        .await?
        .ok_or(Problem::not_found("member"))?;
    let zones = told.zones.into_iter().map(|(zone, says)| ZoneSays {
        zone: zone.into(),
        says: Told(says),
    });
    let doors = told.doors.into_iter().map(|(door, says)| DoorSays {
        door: door.into(),
        says: Told(says),
    });
    Ok(Json(Explained {
        member: told.member.0,
        at: Moment(told.at),
        standing: Told(told.standing),
        reasons: told.reasons.into_iter().map(Told).collect(),
        missing: told.missing.map(Told),
        cause: told.cause.map(Told),
        zones: zones.collect(),
        doors: doors.collect(),
        next: told.next.map(Told),
    }))
}
