//! What an organisation begins with, and changes of what seldom changes: types, zones, schedules, doors.

use crate::doors::publish::refresh_policy;
use crate::store::places::Door;
use crate::store::rulebook::ZoneSettings;
use crate::store::{Result, Tx, journal, on, rulebook, to_json};
use shared::allow_list::{Digest, Epoch};
use shared::decide::Policy;
use shared::ids::{AgentId, LocationId, MembershipTypeId, OrganisationId, ScheduleId, ZoneId};
use shared::schedule::Schedule;
use shared::time::Timestamp;

/// The location that an organisation begins with.
pub const FIRST_LOCATION: &str = "main";

/// Makes sure that the organisation exists, with one location in UTC.
pub async fn organisation(tx: &mut Tx, id: &OrganisationId, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO organisations (id, name, created_at) VALUES ($1, $1, $2) ON CONFLICT (id) DO NOTHING";
    let made = on!(tx, c => sqlx::query(sql).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    if made == 1 {
        let main = LocationId::new(FIRST_LOCATION).expect("a name");
        location(tx, id, &main, "Main", "UTC", &[]).await?;
    }
    Ok(())
}

/// Makes or changes a location; the caller has checked time zone and holidays (`YYYY-MM-DD`).
pub async fn location(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &LocationId,
    name: &str,
    time_zone: &str,
    holidays: &[String],
) -> Result<()> {
    let sql = "INSERT INTO locations (organisation, id, name, time_zone, holidays) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (organisation, id) DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone, \
               holidays = excluded.holidays";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(id.as_str()).bind(name).bind(time_zone).bind(to_json(&holidays))
        .execute(c).await?.rows_affected());
    rulebook::changed(tx).await
}

/// Makes or changes a membership type; without a policy the defaults hold.
pub async fn membership_type(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &MembershipTypeId,
    name: &str,
    rank: i64,
    policy: Option<&shared::facts::TypePolicy>,
) -> Result<()> {
    let sql = "INSERT INTO membership_types (organisation, id, name, rank, policy) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (organisation, id) DO UPDATE SET name = excluded.name, rank = excluded.rank, \
               policy = excluded.policy";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(id.as_str()).bind(name).bind(rank).bind(policy.map(to_json))
        .execute(c).await?.rows_affected());
    rulebook::changed(tx).await
}

/// Sets the type that stands in for a well-formed but unknown `X`.
pub async fn default_type(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: Option<&MembershipTypeId>,
) -> Result<()> {
    let sql = "UPDATE organisations SET default_type = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id.map(MembershipTypeId::as_str))
        .execute(c).await?.rows_affected());
    rulebook::changed(tx).await
}

/// Makes or changes a schedule; its number, by which rights name it, never changes.
pub async fn schedule(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &ScheduleId,
    name: &str,
    schedule: &Schedule,
) -> Result<()> {
    let sql = "INSERT INTO schedules (organisation, id, name, number, windows) VALUES ($1, $2, $3, \
               (SELECT COALESCE(MAX(number), 0) + 1 FROM schedules WHERE organisation = $1), $4) \
               ON CONFLICT (organisation, id) DO UPDATE SET name = excluded.name, windows = excluded.windows";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(id.as_str()).bind(name).bind(to_json(&schedule.windows))
        .execute(c).await?.rows_affected());
    rulebook::changed(tx).await
}

/// Makes a zone with an empty list.
pub async fn zone(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &ZoneId,
    name: &str,
    location: &LocationId,
    epoch: Epoch,
    now: Timestamp,
) -> Result<()> {
    let policy = minicbor::to_vec(Policy::standard()).expect("writing to memory cannot fail");
    let sql = "INSERT INTO zones (organisation, id, name, location, settings, card_key, epoch_number, epoch_id, number, \
               entries, digest, policy_number, policy) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, 0, 0, $8, 1, $9)";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(id.as_str()).bind(name).bind(location.as_str())
        .bind(to_json(&ZoneSettings::default())).bind(i64::from(epoch.number)).bind(epoch.id.as_slice())
        .bind(Digest::default().0.as_slice()).bind(policy)
        .execute(c).await?.rows_affected());
    journal::policy(tx, organisation, id, now);
    refresh_policy(tx, organisation, id, now).await?;
    rulebook::changed(tx).await
}

/// Changes a zone's settings and, with them, the policy of its doors.
pub async fn zone_settings(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &ZoneId,
    settings: &ZoneSettings,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE zones SET settings = $3 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id.as_str()).bind(to_json(settings))
        .execute(c).await?.rows_affected());
    refresh_policy(tx, organisation, id, now).await?;
    Ok(())
}

/// Lets a type open a zone, on a schedule or always.
pub async fn zone_access(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    membership: &MembershipTypeId,
    schedule: Option<&ScheduleId>,
) -> Result<()> {
    let sql = "INSERT INTO zone_access (organisation, zone, membership, schedule) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (organisation, zone, membership) DO UPDATE SET schedule = excluded.schedule";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(membership.as_str()).bind(schedule.map(ScheduleId::as_str))
        .execute(c).await?.rows_affected());
    rulebook::changed(tx).await
}

/// Takes a zone from a type.
pub async fn remove_zone_access(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    membership: &MembershipTypeId,
) -> Result<bool> {
    let sql = "DELETE FROM zone_access WHERE organisation = $1 AND zone = $2 AND membership = $3";
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(membership.as_str()).execute(c).await?.rows_affected());
    rulebook::changed(tx).await?;
    Ok(rows == 1)
}

/// Makes an agent, not yet paired.
pub async fn agent(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &AgentId,
    name: &str,
) -> Result<()> {
    let sql = "INSERT INTO agents (organisation, id, name, config_number, command_counter, report_counter) \
               VALUES ($1, $2, $3, 1, 0, 0)";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id.as_str()).bind(name)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Makes or changes a door; the agents concerned get a new configuration.
pub async fn door(tx: &mut Tx, organisation: &OrganisationId, door: &Door) -> Result<()> {
    let agent = door.agent.as_ref().map(AgentId::as_str);
    let sql = "UPDATE agents SET config_number = config_number + 1 WHERE organisation = $1 AND (id = $3 OR id IN \
               (SELECT agent FROM doors WHERE organisation = $1 AND id = $2))";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(door.id.as_str()).bind(agent)
        .execute(c).await?.rows_affected());
    let sql = "INSERT INTO doors (organisation, id, name, zone, agent, enrols, again_within) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) \
               ON CONFLICT (organisation, id) DO UPDATE SET name = excluded.name, zone = excluded.zone, \
               agent = excluded.agent, enrols = excluded.enrols, again_within = excluded.again_within";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(door.id.as_str()).bind(&door.name).bind(door.zone.as_str())
        .bind(agent).bind(i64::from(door.enrols)).bind(door.again_within.map(|span| span.0))
        .execute(c).await?.rows_affected());
    Ok(())
}
