//! What an organisation consists of, as staff see it: locations, types, zones, schedules, agents, doors.

use super::lists::ZoneHead;
use super::rulebook::{ZoneSettings, name};
use super::trip::Statement;
use super::{Result, StoreError, Tx, json, lists, on};
use shared::facts::TypePolicy;
use shared::ids::{
    AgentId, DoorId, LocationId, MembershipTypeId, OrganisationId, ScheduleId, ZoneId,
};
use shared::schedule::{Schedule, Window};
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// An organisation's name and its stand-in type.
pub async fn organisation(
    tx: &mut Tx,
    id: &OrganisationId,
) -> Result<(String, Option<MembershipTypeId>)> {
    let sql = "SELECT name, default_type FROM organisations WHERE id = $1";
    let row: Option<(String, Option<String>)> =
        on!(tx, c => sqlx::query_as(sql).bind(id.as_str()).fetch_optional(c).await?);
    let (title, default) = row.ok_or(StoreError::Missing {
        table: "organisations",
        row: id.to_string(),
    })?;
    Ok((
        title,
        default
            .map(|text| name(&text, "organisations"))
            .transpose()?,
    ))
}

/// Renames an organisation.
pub async fn rename(tx: &mut Tx, id: &OrganisationId, title: &str) -> Result<()> {
    let sql = "UPDATE organisations SET name = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id.as_str()).bind(title).execute(c).await?.rows_affected());
    Ok(())
}

/// An address with its time zone and holidays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Which.
    pub id: LocationId,
    /// What people call it.
    pub name: String,
    /// Where it is, for people.
    pub address: String,
    /// Of the IANA database.
    pub time_zone: String,
    /// As `YYYY-MM-DD`.
    pub holidays: Vec<String>,
}

/// The time zone by which an organisation counts days: its first location's.
pub async fn time_zone(tx: &mut Tx, organisation: &OrganisationId) -> Result<String> {
    let first = locations(tx, organisation).await?.into_iter().next();
    Ok(first.map_or("UTC".to_owned(), |location| location.time_zone))
}

/// All locations.
pub async fn locations(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<Location>> {
    let sql = "SELECT id, name, address, time_zone, holidays FROM locations WHERE organisation = $1 ORDER BY id";
    let rows: Vec<(String, String, String, String, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|(id, title, address, time_zone, holidays)| {
            let holidays = json(&holidays, "locations", "holidays", &id)?;
            Ok(Location {
                id: name(&id, "locations")?,
                name: title,
                address,
                time_zone,
                holidays,
            })
        })
        .collect()
}

/// Writes where a location is, for people.
pub async fn put_address(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &LocationId,
    address: &str,
) -> Result<()> {
    let sql = "UPDATE locations SET address = $3 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id.as_str()).bind(address)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// A membership type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// The `X` of `membertype_X`.
    pub id: MembershipTypeId,
    /// What people call it.
    pub name: String,
    /// Higher is more.
    pub rank: i64,
    /// Its knobs; none: the defaults.
    pub policy: Option<TypePolicy>,
}

/// All membership types, highest rank first.
pub async fn types(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<Type>> {
    let sql = "SELECT id, name, rank, policy FROM membership_types WHERE organisation = $1 ORDER BY rank DESC, id";
    let rows: Vec<(String, String, i64, Option<String>)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|(id, title, rank, policy)| {
            let policy = policy
                .map(|text| json(&text, "membership_types", "policy", &id))
                .transpose()?;
            Ok(Type {
                id: name(&id, "membership_types")?,
                name: title,
                rank,
                policy,
            })
        })
        .collect()
}

/// The types that members may change to by themselves.
pub async fn members_choose(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<BTreeSet<MembershipTypeId>> {
    let sql = "SELECT id FROM membership_types WHERE organisation = $1 AND members_choose = 1";
    let rows: Vec<String> =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.iter().map(|id| name(id, "membership_types")).collect()
}

/// Says whether members may change to a type by themselves.
pub async fn let_members_choose(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &MembershipTypeId,
    choose: bool,
) -> Result<()> {
    let sql = "UPDATE membership_types SET members_choose = $3 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id.as_str()).bind(i64::from(choose))
        .execute(c).await?.rows_affected());
    Ok(())
}

/// A schedule and the number by which rights name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSchedule {
    /// Which.
    pub id: ScheduleId,
    /// What people call it.
    pub name: String,
    /// From 1; 0 is *always*.
    pub number: u16,
    /// When it is open.
    pub schedule: Schedule,
}

/// All schedules.
pub async fn schedules(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<NamedSchedule>> {
    let sql =
        "SELECT id, name, number, windows FROM schedules WHERE organisation = $1 ORDER BY number";
    let rows: Vec<(String, String, i64, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|(id, title, number, windows)| {
            let windows: Vec<Window> = json(&windows, "schedules", "windows", &id)?;
            let number = u16::try_from(number).map_err(|_| StoreError::Row {
                table: "schedules",
                row: id.clone(),
                column: "number",
            })?;
            Ok(NamedSchedule {
                id: name(&id, "schedules")?,
                name: title,
                number,
                schedule: Schedule { windows },
            })
        })
        .collect()
}

/// A zone as staff see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Which.
    pub id: ZoneId,
    /// What people call it.
    pub name: String,
    /// Where.
    pub location: LocationId,
    /// Knobs and lasting states.
    pub settings: ZoneSettings,
    /// Which types open it, and on which schedule; none: always.
    pub access: Vec<(MembershipTypeId, Option<ScheduleId>)>,
    /// Where its list stands.
    pub head: ZoneHead,
}

/// What people call each zone, by its id.
pub async fn zone_names(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<BTreeMap<String, String>> {
    let sql = "SELECT id, name FROM zones WHERE organisation = $1";
    let question = Statement::new(sql).bind(organisation.as_str());
    let rows: Vec<(String, String)> = tx.ask(question).await?;
    Ok(rows.into_iter().collect())
}

/// All zones.
pub async fn zones(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<Zone>> {
    let sql = "SELECT id, name, location, settings FROM zones WHERE organisation = $1 ORDER BY id";
    let rows: Vec<(String, String, String, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    let sql = "SELECT zone, membership, schedule FROM zone_access WHERE organisation = $1 ORDER BY zone, membership";
    let access: Vec<(String, String, Option<String>)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    let heads = lists::zones(tx, organisation).await?;
    let mut zones = Vec::with_capacity(rows.len());
    for ((id, title, location, settings), (_, head)) in rows.into_iter().zip(heads) {
        let opens =
            access
                .iter()
                .filter(|(zone, _, _)| *zone == id)
                .map(|(_, membership, schedule)| {
                    let schedule = schedule
                        .as_ref()
                        .map(|text| name(text, "zone_access"))
                        .transpose()?;
                    Ok((name(membership, "zone_access")?, schedule))
                });
        zones.push(Zone {
            access: opens.collect::<Result<_>>()?,
            location: name(&location, "zones")?,
            settings: json(&settings, "zones", "settings", &id)?,
            id: name(&id, "zones")?,
            name: title,
            head,
        });
    }
    Ok(zones)
}

/// Renames a zone.
pub async fn rename_zone(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &ZoneId,
    title: &str,
) -> Result<()> {
    let sql = "UPDATE zones SET name = $3 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id.as_str()).bind(title)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Moves a zone to another location; its policy is to be refreshed by the caller.
pub async fn move_zone(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: &ZoneId,
    to: &LocationId,
) -> Result<()> {
    let sql = "UPDATE zones SET location = $3 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id.as_str()).bind(to.as_str())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// A door as staff see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Which.
    pub id: DoorId,
    /// What people call it.
    pub name: String,
    /// Whose list it follows.
    pub zone: ZoneId,
    /// Who serves it.
    pub agent: Option<AgentId>,
    /// Whether cards may be enrolled there.
    pub enrols: bool,
    /// A card that passes again within this time is marked; none: never.
    pub again_within: Option<Span>,
}

/// All doors.
pub async fn doors(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<Door>> {
    type Row = (String, String, String, Option<String>, i64, Option<i64>);
    let sql = "SELECT id, name, zone, agent, enrols, again_within FROM doors WHERE organisation = $1 ORDER BY id";
    let rows: Vec<Row> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|(id, title, zone, agent, enrols, again_within)| {
            Ok(Door {
                id: name(&id, "doors")?,
                name: title,
                zone: name(&zone, "doors")?,
                agent: agent.map(|text| name(&text, "doors")).transpose()?,
                enrols: enrols != 0,
                again_within: again_within.map(Span),
            })
        })
        .collect()
}

/// Takes a door away; false if there is none.
pub async fn remove_door(tx: &mut Tx, organisation: &OrganisationId, id: &DoorId) -> Result<bool> {
    let sql = "DELETE FROM doors WHERE organisation = $1 AND id = $2";
    let rows = on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(id.as_str())
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// An agent's name, when it was paired, and its last report.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AgentFace {
    /// Which.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When it was paired, in milliseconds since 1970.
    pub paired_at: Option<i64>,
    /// The body of its last report, encoded.
    pub report: Option<Vec<u8>>,
}

/// All agents' faces.
pub async fn agent_faces(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<AgentFace>> {
    let sql = "SELECT id, name, paired_at, report FROM agents WHERE organisation = $1 ORDER BY id";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?))
}

/// Takes an agent's rights: its signature and password no longer count, and unused codes are void.
pub async fn revoke_agent(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &AgentId,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE agents SET revoked_at = $3, password_sha256 = NULL WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(agent.as_str()).bind(now.0)
        .execute(c).await?.rows_affected());
    let sql = "DELETE FROM pairing_codes WHERE organisation = $1 AND agent = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(agent.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
