//! Inductions: who was shown how to use a zone.

use super::Here;
use super::extract::At;
use super::members::expect_member;
use super::problem::{Answer, Problem};
use super::values::Moment;
use crate::store::inductions::{self, Induction as Row};
use axum::Json;
use axum::http::StatusCode;
use serde::Serialize;
use shared::ids::{MemberId, ZoneId};
use utoipa::ToSchema;

/// An induction of a member for a zone.
#[derive(Debug, Serialize, ToSchema)]
pub struct Induction {
    /// For which zone.
    zone: String,
    /// Who noted it.
    given_by: String,
    /// When.
    given_at: Moment,
}

impl From<Row> for Induction {
    fn from(row: Row) -> Self {
        Self {
            zone: row.zone.into(),
            given_by: row.given_by,
            given_at: Moment(row.given_at),
        }
    }
}

/// The zones for which a member has had an induction
#[utoipa::path(get, path = "/api/v1/members/{member}/inductions", tag = "members", params(("member" = i64, Path)),
    responses((status = OK, body = Vec<Induction>), Problem))]
pub async fn list(state: Here, At(member): At<MemberId>) -> Answer<Json<Vec<Induction>>> {
    let mut tx = state.app.store.begin_read().await?;
    expect_member(&state, &mut tx, "member", member).await?;
    let rows = inductions::of_member(&mut tx, member).await?;
    Ok(Json(rows.into_iter().map(Induction::from).collect()))
}

/// Note that a member has had the induction for a zone
#[utoipa::path(put, path = "/api/v1/members/{member}/inductions/{zone}", tag = "members",
    params(("member" = i64, Path), ("zone" = String, Path)),
    responses((status = OK, body = Vec<Induction>), Problem))]
pub async fn note(
    state: Here,
    At((member, zone)): At<(MemberId, ZoneId)>,
) -> Answer<Json<Vec<Induction>>> {
    let mut work = state.work().await?;
    expect_member(&state, &mut work.tx, "member", member).await?;
    if !work.rulebook.zones.contains_key(&zone) {
        return Err(Problem::not_found("zone"));
    }
    let (organisation, now) = (&state.app.organisation, work.now);
    if inductions::note(
        &mut work.tx,
        organisation,
        (member, &zone),
        state.actor(),
        now,
    )
    .await?
    {
        let cause = format!("induction for zone {zone}");
        state.note(&mut work, "induction.note", Some(member), &cause);
        state.app.derive(&mut work, member, &cause).await?;
    }
    let rows = inductions::of_member(&mut work.tx, member).await?;
    state.done(work).await?;
    Ok(Json(rows.into_iter().map(Induction::from).collect()))
}

/// Take an induction back
#[utoipa::path(delete, path = "/api/v1/members/{member}/inductions/{zone}", tag = "members",
    params(("member" = i64, Path), ("zone" = String, Path)), responses((status = NO_CONTENT), Problem))]
pub async fn take_back(
    state: Here,
    At((member, zone)): At<(MemberId, ZoneId)>,
) -> Answer<StatusCode> {
    let mut work = state.work().await?;
    expect_member(&state, &mut work.tx, "member", member).await?;
    if !inductions::take_back(&mut work.tx, member, &zone).await? {
        return Err(Problem::not_found("induction"));
    }
    let cause = format!("no induction for zone {zone}");
    state.note(&mut work, "induction.take_back", Some(member), &cause);
    state.app.derive(&mut work, member, &cause).await?;
    state.done(work).await?;
    Ok(StatusCode::NO_CONTENT)
}
