//! Zones, their entries and their revisions.

use super::journal;
use super::many::{parts, rows};
use super::rulebook::name;
use super::trip::{Question, Statement};
use super::{Connection, Result, StoreError, Tx, cbor, on};
use shared::allow_list::{AllowList, Delta, Digest, Epoch, Revision};
use shared::card::CardToken;
use shared::ids::{CardId, MemberId, OrganisationId, ZoneId};
use shared::rights::Entry;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// Where a zone's list stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneHead {
    /// Which revision.
    pub revision: Revision,
    /// How many entries.
    pub entries: u64,
    /// What they add up to.
    pub digest: Digest,
    /// Which card key.
    pub card_key: u32,
    /// How often the policy changed.
    pub policy_number: u64,
    /// The policy's body, encoded.
    pub policy: Vec<u8>,
    /// Why nothing is published any more.
    pub stopped: Option<String>,
}

#[derive(Debug, sqlx::FromRow)]
struct ZoneRow {
    id: String,
    card_key: i64,
    epoch_number: i64,
    epoch_id: Vec<u8>,
    number: i64,
    entries: i64,
    digest: Vec<u8>,
    policy_number: i64,
    policy: Vec<u8>,
    stopped: Option<String>,
}

fn bytes<const N: usize>(
    bytes: &[u8],
    table: &'static str,
    row: &str,
    column: &'static str,
) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| StoreError::Row {
        table,
        row: row.to_owned(),
        column,
    })
}

fn number<T: TryFrom<i64>>(value: i64, row: &str, column: &'static str) -> Result<T> {
    T::try_from(value).map_err(|_| StoreError::Row {
        table: "zones",
        row: row.to_owned(),
        column,
    })
}

impl ZoneRow {
    fn read(self) -> Result<(ZoneId, ZoneHead)> {
        let id = self.id;
        let epoch = Epoch {
            number: number(self.epoch_number, &id, "epoch_number")?,
            id: bytes(&self.epoch_id, "zones", &id, "epoch_id")?,
        };
        let head = ZoneHead {
            revision: Revision {
                epoch,
                number: number(self.number, &id, "number")?,
            },
            entries: number(self.entries, &id, "entries")?,
            digest: Digest(bytes(&self.digest, "zones", &id, "digest")?),
            card_key: number(self.card_key, &id, "card_key")?,
            policy_number: number(self.policy_number, &id, "policy_number")?,
            policy: self.policy,
            stopped: self.stopped,
        };
        Ok((name(&id, "zones")?, head))
    }
}

/// A question for zones of an organisation, `$1`; the rest of it says which.
fn heads(rest: &str) -> Statement {
    Statement::new(format!(
        "SELECT id, card_key, epoch_number, epoch_id, number, entries, digest, policy_number, policy, stopped \
         FROM zones WHERE organisation = $1 {rest}"
    ))
}

fn all_heads(organisation: &OrganisationId) -> Statement {
    heads("ORDER BY id").bind(organisation.as_str())
}

/// All zones of an organisation.
pub async fn zones(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<(ZoneId, ZoneHead)>> {
    let rows: Vec<ZoneRow> = tx.ask(all_heads(organisation)).await?;
    rows.into_iter().map(ZoneRow::read).collect()
}

/// A question for all zones.
#[derive(Debug)]
#[must_use]
pub struct ZonesAhead(Question<ZoneRow>);

/// Asks for all zones ahead, where that locks nothing; only for a transaction that changes no zone but by
/// [`advance`], each once.
pub fn ask_zones(tx: &mut Tx, organisation: &OrganisationId) -> Option<ZonesAhead> {
    // Read unlocked, a zone could be moved on by somebody else.
    let Connection::Sqlite(_) = tx.connection else {
        return None;
    };
    Some(ZonesAhead(tx.put([all_heads(organisation)])))
}

/// The zones that were asked for ahead.
pub async fn zones_ahead(
    tx: &mut Tx,
    asked: Option<ZonesAhead>,
) -> Result<BTreeMap<ZoneId, ZoneHead>> {
    let Some(ZonesAhead(question)) = asked else {
        return Ok(BTreeMap::new());
    };
    let rows = tx.answer(question).await?;
    rows.into_iter().map(ZoneRow::read).collect()
}

/// One zone, locked until the transaction ends.
pub async fn lock_zone(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
) -> Result<ZoneHead> {
    // A SQLite transaction that writes holds the whole file already.
    let rest = match tx.connection {
        Connection::Sqlite(_) => "AND id = $2",
        Connection::Postgres(_) => "AND id = $2 FOR UPDATE",
    };
    let question = heads(rest).bind(organisation.as_str()).bind(zone.as_str());
    let row: Option<ZoneRow> = tx.ask(question).await?.pop();
    let row = row.ok_or(StoreError::Missing {
        table: "zones",
        row: zone.to_string(),
    })?;
    Ok(row.read()?.1)
}

/// Entries of a member's cards in all zones.
pub async fn of_member(tx: &mut Tx, member: MemberId) -> Result<Vec<(ZoneId, Entry)>> {
    let sql = "SELECT zone, entry FROM entries WHERE member = $1";
    let rows: Vec<(String, Vec<u8>)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?);
    rows.into_iter()
        .map(|(zone, entry)| {
            Ok((
                name(&zone, "entries")?,
                cbor(&entry, "entries", "entry", &zone)?,
            ))
        })
        .collect()
}

/// An entry with whose it is.
pub type Owned = (MemberId, CardId, Entry);

/// Writes entries, each token once.
pub fn put_all(tx: &mut Tx, organisation: &OrganisationId, zone: &ZoneId, entries: &[Owned]) {
    for part in parts(entries) {
        let sql = format!(
            "INSERT INTO entries (organisation, zone, token, member, card, entry) VALUES {} \
             ON CONFLICT (organisation, zone, token) DO UPDATE SET member = excluded.member, card = excluded.card, \
             entry = excluded.entry",
            rows(1, part.len(), 6)
        );
        let write = |write: Statement, (member, card, entry): &Owned| {
            let encoded = minicbor::to_vec(entry).expect("writing to memory cannot fail");
            write
                .bind(organisation.as_str())
                .bind(zone.as_str())
                .bind(entry.token.0.as_slice())
                .bind(member.0)
                .bind(card.0)
                .bind(encoded)
        };
        tx.later(part.iter().fold(Statement::new(sql), write));
    }
}

/// Takes an entry out.
pub fn remove(tx: &mut Tx, organisation: &OrganisationId, zone: &ZoneId, token: CardToken) {
    let sql = "DELETE FROM entries WHERE organisation = $1 AND zone = $2 AND token = $3";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(zone.as_str())
        .bind(token.0.as_slice());
    tx.later(write);
}

/// Records a revision and what led to it.
pub fn advance(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    delta: &Delta,
    entries: u64,
    now: Timestamp,
) {
    let number = i64::try_from(delta.number).expect("a revision number fits");
    let sql = "UPDATE zones SET number = $3, entries = $4, digest = $5 WHERE organisation = $1 AND id = $2";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(zone.as_str())
        .bind(number)
        .bind(i64::try_from(entries).expect("a count of rows fits"))
        .bind(delta.digest.0.as_slice());
    tx.later(write);
    let sql = "INSERT INTO revisions (organisation, zone, epoch_number, number, delta, made_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(zone.as_str())
        .bind(i64::from(delta.epoch.number))
        .bind(number)
        .bind(minicbor::to_vec(delta).expect("writing to memory cannot fail"))
        .bind(now.0);
    tx.later(write);
}

/// The deltas after a revision, oldest first; fewer than the gap if history was cut.
pub async fn deltas_after(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    held: Revision,
    limit: i64,
) -> Result<Vec<Delta>> {
    let sql = "SELECT delta FROM revisions WHERE organisation = $1 AND zone = $2 AND epoch_number = $3 \
               AND number > $4 ORDER BY number LIMIT $5";
    let rows: Vec<Vec<u8>> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(i64::from(held.epoch.number))
        .bind(i64::try_from(held.number).unwrap_or(i64::MAX)).bind(limit)
        .fetch_all(c).await?);
    rows.iter()
        .map(|delta| cbor(delta, "revisions", "delta", zone))
        .collect()
}

/// The whole list.
pub async fn list(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    revision: Revision,
) -> Result<AllowList> {
    let sql = "SELECT entry FROM entries WHERE organisation = $1 AND zone = $2";
    let rows: Vec<Vec<u8>> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).fetch_all(c).await?);
    let entries: Vec<Entry> = rows
        .iter()
        .map(|entry| cbor(entry, "entries", "entry", zone))
        .collect::<Result<_>>()?;
    Ok(AllowList::build(revision, entries))
}

/// What a zone lists under a token, and whose card it is.
pub async fn listed(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    token: CardToken,
) -> Result<Option<Owned>> {
    let sql = "SELECT member, card, entry FROM entries WHERE organisation = $1 AND zone = $2 AND token = $3";
    let row: Option<(i64, i64, Vec<u8>)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(token.0.as_slice()).fetch_optional(c).await?);
    row.map(|(member, card, entry)| {
        let entry = cbor(&entry, "entries", "entry", zone)?;
        Ok((MemberId(member), CardId(card), entry))
    })
    .transpose()
}

/// Replaces a zone's policy.
pub async fn set_policy(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    policy: &[u8],
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE zones SET policy = $3, policy_number = policy_number + 1 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(zone.as_str()).bind(policy)
        .execute(c).await?.rows_affected());
    journal::policy(tx, organisation, zone, now);
    Ok(())
}

/// Stops publishing for a zone, or starts again.
pub async fn stop(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    why: Option<&str>,
) -> Result<()> {
    let sql = "UPDATE zones SET stopped = $3 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(zone.as_str()).bind(why)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Begins a new line of history for a zone, and publishing again if it was stopped.
pub async fn begin_epoch(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    epoch: Epoch,
) -> Result<()> {
    let sql = "UPDATE zones SET epoch_number = $3, epoch_id = $4, number = number + 1, stopped = NULL \
               WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(i64::from(epoch.number)).bind(epoch.id.as_slice())
        .execute(c).await?.rows_affected());
    Ok(())
}
