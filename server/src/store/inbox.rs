//! Raw Stripe events, kept before anything is done with them.

use super::many::{list, parts, rows};
use super::{Result, Tx, on};
use shared::ids::AccountId;
use shared::time::Timestamp;
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;

/// A verified event as it came.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Whose account.
    pub account: AccountId,
    /// `evt_…`
    pub event: String,
    /// `customer.subscription.updated` and the like.
    pub kind: String,
    /// When Stripe made it.
    pub created: Timestamp,
    /// The raw body.
    pub body: Vec<u8>,
}

/// An event waiting to be applied.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Waiting {
    /// Our id: the order of arrival.
    pub id: i64,
    /// Whose account.
    pub account: i64,
    /// The raw body.
    pub body: Vec<u8>,
    /// How often applying it failed.
    pub tries: i64,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its content is in the mirror.
    Applied,
    /// It says nothing about access.
    Ignored,
    /// Applying it failed for good.
    Poisoned,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Poisoned => "poisoned",
        }
    }
}

/// Keeps events, with their fate if it is decided in this transaction; for each whether it was not there before.
pub async fn insert_all(
    tx: &mut Tx,
    arrivals: &[Arrival],
    fates: &[Option<Fate>],
    now: Timestamp,
) -> Result<Vec<bool>> {
    let mut fates = fates.iter();
    let mut fresh = Vec::with_capacity(arrivals.len());
    for part in parts(arrivals) {
        let sql = format!(
            "INSERT INTO inbox (account, event, kind, created, body, received_at, state, tries) VALUES {} \
             ON CONFLICT (account, event) DO NOTHING RETURNING account, event",
            rows(1, part.len(), 8)
        );
        let kept: Vec<(i64, String)> = on!(tx, c => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for arrival in part {
                query = query
                    .bind(arrival.account.0)
                    .bind(&arrival.event)
                    .bind(&arrival.kind)
                    .bind(arrival.created.0)
                    .bind(&arrival.body)
                    .bind(now.0)
                    .bind(fates.next().copied().flatten().map_or("pending", Fate::word))
                    .bind(0_i64);
            }
            query.fetch_all(c).await?
        });
        let mut kept: BTreeSet<(i64, String)> = kept.into_iter().collect();
        // Of one event that comes twice at once, the first is the one that was kept.
        fresh.extend(
            part.iter()
                .map(|arrival| kept.remove(&(arrival.account.0, arrival.event.clone()))),
        );
    }
    Ok(fresh)
}

/// The oldest waiting events.
pub async fn waiting(tx: &mut Tx, most: usize) -> Result<Vec<Waiting>> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let sql =
        "SELECT id, account, body, tries FROM inbox WHERE state = 'pending' ORDER BY id LIMIT $1";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(limit).fetch_all(c).await?))
}

/// Closes an event.
pub async fn finish(tx: &mut Tx, id: i64, fate: Fate, note: Option<&str>) -> Result<()> {
    let sql = "UPDATE inbox SET state = $2, note = $3 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(fate.word()).bind(note).execute(c).await?.rows_affected());
    Ok(())
}

/// Closes events.
pub async fn finish_all(tx: &mut Tx, ids: &[i64], fate: Fate) -> Result<()> {
    for part in parts(ids) {
        let sql = format!(
            "UPDATE inbox SET state = $1, note = NULL WHERE id IN ({})",
            list(2, part.len())
        );
        on!(tx, c => {
            let query = sqlx::query(AssertSqlSafe(sql)).bind(fate.word());
            part.iter().fold(query, |query, id| query.bind(*id)).execute(c).await?.rows_affected()
        });
    }
    Ok(())
}

/// Counts a failure to apply an event.
pub async fn failed(tx: &mut Tx, id: i64, note: &str) -> Result<()> {
    let sql = "UPDATE inbox SET tries = tries + 1, note = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(note).execute(c).await?.rows_affected());
    Ok(())
}

/// Puts every stored event of an account back into waiting, oldest first; for replay.
pub async fn replay(tx: &mut Tx, account: AccountId) -> Result<u64> {
    let sql = "UPDATE inbox SET state = 'pending', tries = 0 WHERE account = $1";
    Ok(on!(tx, c => sqlx::query(sql).bind(account.0).execute(c).await?.rows_affected()))
}

/// The raw body of an event.
pub async fn body(tx: &mut Tx, account: AccountId, event: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT body FROM inbox WHERE account = $1 AND event = $2";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(event).fetch_optional(c).await?))
}
