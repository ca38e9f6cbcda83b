//! Agents, their doors, what they reported and what happened at their doors.

use super::rulebook::name;
use super::{Result, StoreError, Tx, on};
use shared::badge::{BadgeEvent, What};
use shared::door_clock::Quality;
use shared::ids::{AgentId, BootId, DoorId, OrganisationId, ZoneId};
use shared::keys::{PublicKey, SealingKey};
use shared::time::{Span, Timestamp};
use shared::wire::{Ack, DoorConfig};

/// An agent as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Which.
    pub id: AgentId,
    /// Whose signatures count; none before pairing.
    pub key: Option<PublicKey>,
    /// To whom its secrets are sealed.
    pub sealing: Option<SealingKey>,
    /// SHA-256 of its broker password.
    pub password: Option<[u8; 32]>,
    /// When its rights were taken.
    pub revoked_at: Option<Timestamp>,
    /// How often its configuration changed.
    pub config_number: u64,
    /// Its running boot, as last reported.
    pub boot: Option<BootId>,
    /// Counter of its last report in that boot.
    pub report_counter: u64,
    /// When its last report came.
    pub report_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct AgentRow {
    id: String,
    public_key: Option<Vec<u8>>,
    sealing_key: Option<Vec<u8>>,
    password_sha256: Option<Vec<u8>>,
    revoked_at: Option<i64>,
    config_number: i64,
    boot: Option<Vec<u8>>,
    report_counter: i64,
    report_at: Option<i64>,
}

fn array<const N: usize>(
    bytes: Option<Vec<u8>>,
    row: &str,
    column: &'static str,
) -> Result<Option<[u8; N]>> {
    bytes
        .map(|bytes| {
            bytes.try_into().map_err(|_| StoreError::Row {
                table: "agents",
                row: row.to_owned(),
                column,
            })
        })
        .transpose()
}

impl AgentRow {
    fn read(self) -> Result<Agent> {
        let id = self.id;
        Ok(Agent {
            key: array(self.public_key, &id, "public_key")?.map(PublicKey),
            sealing: array(self.sealing_key, &id, "sealing_key")?.map(SealingKey),
            password: array(self.password_sha256, &id, "password_sha256")?,
            revoked_at: self.revoked_at.map(Timestamp),
            config_number: self.config_number.unsigned_abs(),
            boot: array(self.boot, &id, "boot")?.map(BootId),
            report_counter: self.report_counter.unsigned_abs(),
            report_at: self.report_at.map(Timestamp),
            id: name(&id, "agents")?,
        })
    }
}

const AGENTS: &str = "SELECT id, public_key, sealing_key, password_sha256, revoked_at, config_number, boot, \
                      report_counter, report_at FROM agents WHERE organisation = $1 ORDER BY id";
const AGENT: &str = "SELECT id, public_key, sealing_key, password_sha256, revoked_at, config_number, boot, \
                     report_counter, report_at FROM agents WHERE organisation = $1 AND id = $2";

/// All agents of an organisation.
pub async fn all(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<Agent>> {
    let rows: Vec<AgentRow> =
        on!(tx, c => sqlx::query_as(AGENTS).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter().map(AgentRow::read).collect()
}

/// One agent.
pub async fn find(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &AgentId,
) -> Result<Option<Agent>> {
    let row: Option<AgentRow> = on!(tx, c => sqlx::query_as(AGENT)
        .bind(organisation.as_str()).bind(agent.as_str()).fetch_optional(c).await?);
    row.map(AgentRow::read).transpose()
}

/// Whether another organisation has an agent of this name: at a broker they share, a name is one agent's.
pub async fn is_taken(tx: &mut Tx, organisation: &OrganisationId, agent: &AgentId) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM agents WHERE organisation <> $1 AND id = $2";
    let others: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(agent.as_str()).fetch_one(c).await?);
    Ok(others > 0)
}

/// The doors of an agent.
pub async fn doors(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &AgentId,
) -> Result<Vec<DoorConfig>> {
    let sql = "SELECT id, zone, enrols, again_within FROM doors WHERE organisation = $1 AND agent = $2 ORDER BY id";
    let rows: Vec<(String, String, i64, Option<i64>)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(agent.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|(door, zone, enrols, again_within)| {
            Ok(DoorConfig {
                door: name::<DoorId>(&door, "doors")?,
                zone: name::<ZoneId>(&zone, "doors")?,
                enrols: enrols != 0,
                again_within: again_within.map(Span),
            })
        })
        .collect()
}

/// Marks an agent's configuration as changed.
pub async fn config_changed(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &AgentId,
) -> Result<()> {
    let sql =
        "UPDATE agents SET config_number = config_number + 1 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(agent.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Keeps a report unless one with a higher counter of the same boot is kept; false then.
pub async fn put_report(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &AgentId,
    boot: BootId,
    counter: u64,
    body: &[u8],
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE agents SET boot = $3, report_counter = $4, report = $5, report_at = $6 \
               WHERE organisation = $1 AND id = $2 AND (boot IS NULL OR boot <> $3 OR report_counter < $4)";
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(agent.as_str()).bind(boot.0.as_slice())
        .bind(i64::try_from(counter).unwrap_or(i64::MAX)).bind(body).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The last report's body.
pub async fn report(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &AgentId,
) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT report FROM agents WHERE organisation = $1 AND id = $2";
    let row: Option<Option<Vec<u8>>> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(agent.as_str()).fetch_optional(c).await?);
    Ok(row.flatten())
}

/// What is committed of a boot; nothing yet: number 0 and a digest of zeros.
pub async fn committed(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &AgentId,
    boot: BootId,
) -> Result<Ack> {
    let sql = "SELECT up_to, chain FROM boots WHERE organisation = $1 AND agent = $2 AND boot = $3";
    let row: Option<(i64, Vec<u8>)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(agent.as_str()).bind(boot.0.as_slice()).fetch_optional(c).await?);
    let Some((up_to, chain)) = row else {
        return Ok(Ack {
            boot,
            up_to: 0,
            digest: [0; 32],
        });
    };
    let digest = chain.try_into().map_err(|_| StoreError::Row {
        table: "boots",
        row: boot.to_string(),
        column: "chain",
    })?;
    Ok(Ack {
        boot,
        up_to: up_to.unsigned_abs(),
        digest,
    })
}

/// Records how far a boot is committed.
pub async fn commit_up_to(
    tx: &mut Tx,
    organisation: &OrganisationId,
    agent: &AgentId,
    ack: &Ack,
) -> Result<()> {
    let sql = "INSERT INTO boots (organisation, agent, boot, up_to, chain) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (organisation, agent, boot) DO UPDATE SET up_to = excluded.up_to, chain = excluded.chain";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(agent.as_str()).bind(ack.boot.0.as_slice())
        .bind(i64::try_from(ack.up_to).unwrap_or(i64::MAX)).bind(ack.digest.as_slice())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// A badge event with where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Badge<'a> {
    /// Of which agent.
    pub agent: &'a AgentId,
    /// Of which run.
    pub boot: BootId,
    /// The event.
    pub event: &'a BadgeEvent,
    /// As it was spooled.
    pub body: &'a [u8],
    /// SHA-256 of that.
    pub sha256: [u8; 32],
}

/// Keeps a badge event once; false if this very event is kept already.
pub async fn put_badge(
    tx: &mut Tx,
    organisation: &OrganisationId,
    badge: Badge<'_>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO badges (organisation, agent, boot, sequence, sha256, at, trusted, door, kind, reason, holder, \
               body, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
               ON CONFLICT (organisation, agent, boot, sequence, sha256) DO NOTHING";
    let (kind, reason, holder) = match &badge.event.what {
        What::Card { reason, holder, .. } => ("card", Some(reason.name()), *holder),
        What::Exit => ("exit", None, None),
        What::Command { .. } => ("command", None, None),
        What::Local { .. } => ("local", None, None),
        What::Gap { .. } => ("gap", None, None),
        What::Started => ("started", None, None),
        What::Rejected { .. } => ("rejected", None, None),
        What::Contact { .. } => ("contact", None, None),
        What::Alarm { .. } => ("alarm", None, None),
        What::Refusals { .. } => ("refusals", None, None),
    };
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(badge.agent.as_str()).bind(badge.boot.0.as_slice())
        .bind(i64::try_from(badge.event.sequence).unwrap_or(i64::MAX)).bind(badge.sha256.as_slice())
        .bind(badge.event.at.0).bind(i64::from(badge.event.quality == Quality::Trusted))
        .bind(badge.event.door.as_ref().map(DoorId::as_str)).bind(kind).bind(reason)
        .bind(holder.map(|holder| holder.0)).bind(badge.body).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Lets go of some of the oldest events, if they came before a moment; how many.
///
/// Their numbers are in the order in which they came, so only the first are looked at.
pub async fn drop_badges(
    tx: &mut Tx,
    organisation: &OrganisationId,
    before: Timestamp,
    at_most: i64,
) -> Result<u64> {
    let sql = "DELETE FROM badges WHERE id IN (SELECT id FROM (SELECT id, received_at FROM badges WHERE organisation = $1 \
               ORDER BY id LIMIT $3) AS oldest WHERE received_at < $2)";
    Ok(
        on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(before.0).bind(at_most)
        .execute(c).await?.rows_affected()),
    )
}

/// Whether another event is kept under this identity.
pub async fn claimed_twice(
    tx: &mut Tx,
    organisation: &OrganisationId,
    badge: Badge<'_>,
) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM badges WHERE organisation = $1 AND agent = $2 AND boot = $3 AND sequence = $4 \
               AND sha256 <> $5";
    let count: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(badge.agent.as_str()).bind(badge.boot.0.as_slice())
        .bind(i64::try_from(badge.event.sequence).unwrap_or(i64::MAX)).bind(badge.sha256.as_slice())
        .fetch_one(c).await?);
    Ok(count > 0)
}
