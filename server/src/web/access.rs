//! Which membership types open a zone, and when.

use super::Here;
use super::extract::{Asked, At, Body};
use super::organisation::{Approval, expect_type};
use super::preview::{Preview, weigh};
use super::problem::{Answer, Problem};
use super::zones::{AccessBody, Zone, find};
use crate::app::Work;
use crate::membership::entrance::Opening;
use crate::said::Said;
use crate::setup;
use crate::store::rulebook;
use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use shared::ids::{MembershipTypeId, ScheduleId, ZoneId};
use shared::rights::ZoneAccess;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A type that is to open a zone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Opener {
    /// Which type.
    #[schema(value_type = String)]
    pub membership: MembershipTypeId,
    /// On which schedule; left out: always.
    #[schema(value_type = Option<String>)]
    pub schedule: Option<ScheduleId>,
}

/// All types that are to open a zone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessTable {
    /// Each type once; a type that is not named opens nothing.
    pub access: Vec<Opener>,
}

/// By type: the schedule, or always.
type Table = BTreeMap<MembershipTypeId, Option<ScheduleId>>;

impl AccessTable {
    fn read(self) -> Answer<Table> {
        let mut table = Table::new();
        for (index, opener) in self.access.into_iter().enumerate() {
            if table.insert(opener.membership, opener.schedule).is_some() {
                let field = format!("access[{index}].membership");
                return Err(Problem::field(field, Said::of("refused-access-once")));
            }
        }
        Ok(table)
    }
}

/// What opens a zone now.
async fn table(state: &Here, work: &mut Work, id: &ZoneId) -> Answer<Table> {
    let zone = find(state, &mut work.tx, id).await?;
    Ok(zone.access.into_iter().collect())
}

/// What a table would change, weighed.
async fn weighed(state: &Here, work: &mut Work, id: &ZoneId, table: &Table) -> Answer<Preview> {
    let organisation = &state.app.organisation;
    let (schedules, numbers) = rulebook::schedules(&mut work.tx, organisation).await?;
    let mut access = Vec::with_capacity(table.len());
    for (membership, schedule) in table {
        expect_type(&work.rulebook, "type", membership)?;
        let number = match schedule {
            None => 0,
            Some(schedule) => *numbers
                .get(schedule)
                .ok_or_else(|| Problem::unknown("schedule", "schedule"))?,
        };
        access.push(ZoneAccess {
            membership: membership.clone(),
            schedule: number,
        });
    }
    let rulebook = work.rulebook.clone();
    let before = rulebook.zones.get(id).ok_or(Problem::not_found("zone"))?;
    let opening = |access| Opening {
        access,
        schedules: &schedules,
    };
    let both = [opening(&before.access), opening(&access)];
    weigh(work, organisation, &[both]).await
}

/// Puts a table in place of what opens a zone, under the mass brake.
async fn change(
    state: &Here,
    work: &mut Work,
    id: &ZoneId,
    after: Table,
    approved: bool,
) -> Answer<()> {
    let before = table(state, work, id).await?;
    weighed(state, work, id, &after).await?.expect(approved)?;
    let organisation = &state.app.organisation;
    let (mut opened, mut closed) = (Vec::new(), Vec::new());
    for (membership, schedule) in &after {
        if before.get(membership) != Some(schedule) {
            setup::zone_access(
                &mut work.tx,
                organisation,
                id,
                membership,
                schedule.as_ref(),
            )
            .await?;
            opened.push(membership.as_str());
        }
    }
    for membership in before.keys().filter(|known| !after.contains_key(known)) {
        setup::remove_zone_access(&mut work.tx, organisation, id, membership).await?;
        closed.push(membership.as_str());
    }
    if opened.is_empty() && closed.is_empty() {
        return Ok(());
    }
    let told = [("opens to", opened), ("no longer opens to", closed)];
    let told = told.into_iter().filter(|(_, types)| !types.is_empty());
    let told: Vec<String> = told
        .map(|(how, types)| format!("{how} {}", types.join(", ")))
        .collect();
    let cause = format!("zone {id} {}", told.join(" and "));
    state.derive_all(work, &cause, approved).await?;
    state.note(work, "zone.access", None, &cause);
    Ok(())
}

async fn answer(state: Here, mut work: Work, id: &ZoneId) -> Answer<Json<Zone>> {
    let zone = find(&state, &mut work.tx, id).await?.into();
    state.done(work).await?;
    Ok(Json(zone))
}

/// Look at what other types or hours would do to whom, and change nothing
#[utoipa::path(post, path = "/api/v1/zones/{zone}/access/preview", tag = "zones", params(("zone" = String, Path)),
    request_body = AccessTable, responses((status = OK, body = Preview), Problem))]
pub async fn preview(
    state: Here,
    At(id): At<ZoneId>,
    Body(body): Body<AccessTable>,
) -> Answer<Json<Preview>> {
    let mut work = state.work().await?;
    find(&state, &mut work.tx, &id).await?;
    Ok(Json(weighed(&state, &mut work, &id, &body.read()?).await?))
}

/// Name all membership types that open a zone
#[utoipa::path(put, path = "/api/v1/zones/{zone}/access", tag = "zones", params(("zone" = String, Path), Approval),
    request_body = AccessTable, responses((status = OK, body = Zone), Problem))]
pub async fn put_all(
    state: Here,
    At(id): At<ZoneId>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<AccessTable>,
) -> Answer<Json<Zone>> {
    let after = body.read()?;
    let mut work = state.work().await?;
    change(&state, &mut work, &id, after, approved).await?;
    answer(state, work, &id).await
}

/// Let a membership type open a zone
#[utoipa::path(put, path = "/api/v1/zones/{zone}/access/{type}", tag = "zones",
    params(("zone" = String, Path), ("type" = String, Path), Approval), request_body = AccessBody,
    responses((status = OK, body = Zone), Problem))]
pub async fn put(
    state: Here,
    At((id, membership)): At<(ZoneId, MembershipTypeId)>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<AccessBody>,
) -> Answer<Json<Zone>> {
    let mut work = state.work().await?;
    let mut after = table(&state, &mut work, &id).await?;
    after.insert(membership, body.schedule);
    change(&state, &mut work, &id, after, approved).await?;
    answer(state, work, &id).await
}

/// Take a zone from a membership type
#[utoipa::path(delete, path = "/api/v1/zones/{zone}/access/{type}", tag = "zones",
    params(("zone" = String, Path), ("type" = String, Path), Approval), responses((status = NO_CONTENT), Problem))]
pub async fn remove(
    state: Here,
    At((id, membership)): At<(ZoneId, MembershipTypeId)>,
    Asked(Approval { approved }): Asked<Approval>,
) -> Answer<StatusCode> {
    let mut work = state.work().await?;
    let mut after = table(&state, &mut work, &id).await?;
    if after.remove(&membership).is_none() {
        return Err(Problem::not_found("access of this type to this zone"));
    }
    change(&state, &mut work, &id, after, approved).await?;
    state.done(work).await?;
    Ok(StatusCode::NO_CONTENT)
}
