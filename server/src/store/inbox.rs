//! Raw Stripe events, kept before anything is done with them.

use super::many::{list, parts, rows};
use super::trip::{Question, Statement};
use super::{Result, Tx, on};
use crate::billing::late::is_late;
use shared::ids::{AccountId, MemberId};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// `evt_…`
    pub event: String,
    /// The raw body.
    #[sqlx(try_from = "Vec<u8>")]
    pub body: Arc<[u8]>,
    /// How often applying it failed.
    pub tries: i64,
    created: i64,
    received_at: i64,
    approved_at: Option<i64>,
}

impl Waiting {
    /// Whether it is old news that no admin has said yes to.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.approved_at.is_none() && is_late(Timestamp(self.created), Timestamp(self.received_at))
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its content is in the mirror.
    Applied,
    /// It says nothing about access.
    Ignored,
    /// It does not say how its object is now: that has to be asked.
    Asking,
    /// Applying it failed for good.
    Poisoned,
}

impl Fate {
    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Asking => "asking",
            Self::Poisoned => "poisoned",
        }
    }
}

/// Keeps events, with their fate if it is decided in this transaction; the answer says which were not there before.
pub fn insert_all(
    tx: &mut Tx,
    arrivals: &[Arrival],
    fates: &[Option<Fate>],
    now: Timestamp,
) -> Question<(i64, String)> {
    let mut fates = fates.iter();
    let statements = parts(arrivals).map(|part| {
        let sql = format!(
            "INSERT INTO inbox (account, event, kind, created, body, received_at, state, tries) VALUES {} \
             ON CONFLICT (account, event) DO NOTHING RETURNING account, event",
            rows(1, part.len(), 8)
        );
        let write = |write: Statement, arrival: &Arrival| {
            let fate = fates.next().copied().flatten();
            write
                .bind(arrival.account.0)
                .bind(arrival.event.as_str())
                .bind(arrival.kind.as_str())
                .bind(arrival.created.0)
                .bind(arrival.body.as_slice())
                .bind(now.0)
                .bind(fate.map_or("pending", Fate::word))
                .bind(0)
        };
        part.iter().fold(Statement::new(sql), write)
    });
    tx.put(statements)
}

/// For each event whether it was not there before it was inserted.
pub async fn fresh(
    tx: &mut Tx,
    arrivals: &[Arrival],
    inserted: Question<(i64, String)>,
) -> Result<Vec<bool>> {
    let mut kept: BTreeSet<(i64, String)> = tx.answer(inserted).await?.into_iter().collect();
    // Of one event that comes twice at once, the first is the one that was kept.
    let fresh = |arrival: &Arrival| kept.remove(&(arrival.account.0, arrival.event.clone()));
    Ok(arrivals.iter().map(fresh).collect())
}

const WAITING: &str = "SELECT id, account, event, body, tries, created, received_at, approved_at FROM inbox \
                       WHERE state = 'pending' AND account = $1 ORDER BY id LIMIT $2";

/// The oldest waiting events of an account.
pub async fn waiting(tx: &mut Tx, account: AccountId, most: usize) -> Result<Vec<Waiting>> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(on!(tx, c => sqlx::query_as(WAITING).bind(account.0).bind(limit).fetch_all(c).await?))
}

/// Events of an account whose objects should be asked for by now, oldest first.
pub async fn asking(
    tx: &mut Tx,
    account: AccountId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Waiting>> {
    let sql = "SELECT id, account, event, body, tries, created, received_at, approved_at FROM inbox \
               WHERE state = 'asking' AND COALESCE(ask_at, 0) <= $1 AND account = $2 ORDER BY id LIMIT $3";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(now.0).bind(account.0).bind(limit).fetch_all(c).await?),
    )
}

/// Puts a question about an event's object off, after so many tries.
pub fn ask_again(tx: &mut Tx, id: i64, tries: i64, at: Timestamp) {
    let sql = "UPDATE inbox SET tries = $2, ask_at = $3 WHERE id = $1";
    tx.later(Statement::new(sql).bind(id).bind(tries).bind(at.0));
}

/// Whether an event is there and its content counts.
pub async fn is_closed(tx: &mut Tx, account: AccountId, event: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM inbox WHERE account = $1 AND event = $2 AND state IN ('applied', 'ignored')";
    let closed: i64 =
        on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(event).fetch_one(c).await?);
    Ok(closed > 0)
}

/// Closes an event.
pub async fn finish(tx: &mut Tx, id: i64, fate: Fate, note: Option<&str>) -> Result<()> {
    let sql = "UPDATE inbox SET state = $2, note = $3 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(fate.word()).bind(note).execute(c).await?.rows_affected());
    Ok(())
}

/// Closes events.
pub fn finish_all(tx: &mut Tx, ids: &[i64], fate: Fate) {
    put_state(tx, ids, fate.word());
}

fn put_state(tx: &mut Tx, ids: &[i64], state: &str) {
    for part in parts(ids) {
        let sql = format!(
            "UPDATE inbox SET state = $1, note = NULL WHERE id IN ({})",
            list(2, part.len())
        );
        let write = Statement::new(sql).bind(state);
        tx.later(part.iter().fold(write, |write, id| write.bind(*id)));
    }
}

/// Counts a failure to apply an event.
pub async fn failed(tx: &mut Tx, id: i64, note: &str) -> Result<()> {
    let sql = "UPDATE inbox SET tries = tries + 1, note = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(note).execute(c).await?.rows_affected());
    Ok(())
}

/// An event with what became of it.
#[derive(Debug, sqlx::FromRow)]
pub struct Stored {
    /// Our id: the order of arrival.
    pub id: i64,
    /// The raw body.
    pub body: Vec<u8>,
    /// The word for what became of it.
    pub state: String,
}

/// The plus keeps SQLite from gathering all of the account's events to put them in order.
const STORED: &str = "SELECT id, body, state FROM inbox WHERE +account = $1 AND id > $2 AND state <> 'held' \
                      ORDER BY id LIMIT $3";

/// So many events of an account that arrived after another, in the order of arrival; without those that wait for an
/// admin's yes.
pub async fn stored(
    tx: &mut Tx,
    account: AccountId,
    after: i64,
    limit: i64,
) -> Result<Vec<Stored>> {
    Ok(
        on!(tx, c => sqlx::query_as(STORED).bind(account.0).bind(after).bind(limit).fetch_all(c).await?),
    )
}

/// Members who lost access by old news since a moment.
pub async fn late_losers(
    tx: &mut Tx,
    account: AccountId,
    since: Timestamp,
) -> Result<BTreeSet<MemberId>> {
    let sql = "SELECT member FROM late_losses WHERE account = $1 AND lost_at > $2";
    let members: Vec<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(since.0).fetch_all(c).await?);
    Ok(members.into_iter().map(MemberId).collect())
}

/// Notes that a member lost access by old news.
pub fn note_late_loser(tx: &mut Tx, account: AccountId, member: MemberId, now: Timestamp) {
    let sql = "INSERT INTO late_losses (account, member, lost_at) VALUES ($1, $2, $3) \
               ON CONFLICT (account, member) DO UPDATE SET lost_at = excluded.lost_at";
    tx.later(
        Statement::new(sql)
            .bind(account.0)
            .bind(member.0)
            .bind(now.0),
    );
}

/// Puts events aside until an admin says yes.
pub fn hold(tx: &mut Tx, ids: &[i64]) {
    put_state(tx, ids, "held");
}

/// Lets all events of an account that were held back go on.
pub fn release(tx: &mut Tx, account: AccountId, now: Timestamp) {
    let sql = "UPDATE inbox SET state = 'pending', approved_at = $2 WHERE account = $1 AND state = 'held'";
    tx.later(Statement::new(sql).bind(account.0).bind(now.0));
}

/// Puts one event of an account back into waiting.
pub async fn again(tx: &mut Tx, account: AccountId, id: i64) -> Result<()> {
    let sql = "UPDATE inbox SET state = 'pending', tries = 0 WHERE account = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(account.0).bind(id).execute(c).await?.rows_affected());
    Ok(())
}

/// The raw body of an event.
pub async fn body(tx: &mut Tx, account: AccountId, event: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT body FROM inbox WHERE account = $1 AND event = $2";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(event).fetch_optional(c).await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    async fn plan(tx: &mut Tx, sql: &str) -> Result<Vec<String>> {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let rows: Vec<(i64, i64, i64, String)> = on!(tx, c => {
            let question = sqlx::query_as(sqlx::AssertSqlSafe(sql));
            question.bind(1_i64).bind(1_i64).bind(1_i64).fetch_all(c).await?
        });
        Ok(rows.into_iter().map(|row| row.3).collect())
    }

    #[tokio::test]
    async fn what_is_asked_all_the_time_walks_through_nothing_else() {
        let store = Store::open("sqlite::memory:").await.expect("opens");
        let mut tx = store.begin().await.expect("begins");
        for (sql, index) in [(WAITING, "inbox_pending"), (STORED, "PRIMARY KEY")] {
            let steps = plan(&mut tx, sql).await.expect("a plan");
            assert_eq!(steps.len(), 1, "what is found is in order: {steps:?}");
            assert!(steps[0].contains(index), "{steps:?}");
        }
    }
}
