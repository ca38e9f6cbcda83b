//! Raw Stripe events, kept before anything is done with them.

use super::{Result, Tx, on};
use shared::ids::AccountId;
use shared::time::Timestamp;

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

/// Keeps an event; false if it was there already.
pub async fn insert(tx: &mut Tx, arrival: &Arrival, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO inbox (account, event, kind, created, body, received_at, state, tries) \
               VALUES ($1, $2, $3, $4, $5, $6, 'pending', 0) ON CONFLICT (account, event) DO NOTHING";
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(arrival.account.0)
        .bind(&arrival.event)
        .bind(&arrival.kind)
        .bind(arrival.created.0)
        .bind(&arrival.body)
        .bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// The oldest waiting events.
pub async fn waiting(tx: &mut Tx, limit: i64) -> Result<Vec<Waiting>> {
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
