//! A member's standing in words.

use super::Here;
use super::extract::{Asked, At};
use super::problem::{Answer, Problem};
use super::values::Moment;
use crate::membership::explain::explain;
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
    at: Option<Moment>,
}

/// A standing in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explained {
    /// Whom it is about.
    member: i64,
    /// The moment it is about.
    at: Moment,
    /// Standing in one sentence.
    standing: String,
    /// Why: one sentence for each fact.
    reasons: Vec<String>,
    /// What brought this standing about, and when.
    cause: Option<String>,
    /// What each zone's list says.
    zones: Vec<ZoneSays>,
    /// What changes next, and when.
    next: Option<String>,
}

/// What a zone's list says.
#[derive(Debug, Serialize, ToSchema)]
pub struct ZoneSays {
    /// Which.
    zone: String,
    /// In words.
    says: String,
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
        return Err(Problem::field(
            "at",
            "Write a moment that has passed; the future is not known.",
        ));
    }
    let told = explain(&state.app, id, at)
        .await?
        .ok_or(Problem::not_found("member"))?;
    let zones = told.zones.into_iter().map(|(zone, says)| ZoneSays {
        zone: zone.into(),
        says,
    });
    Ok(Json(Explained {
        member: told.member.0,
        at: Moment(told.at),
        standing: told.standing,
        reasons: told.reasons,
        cause: told.cause,
        zones: zones.collect(),
        next: told.next,
    }))
}
