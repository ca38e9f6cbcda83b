//! What letters tell by the clock: members in grace, and a week in numbers.

use super::{Result, Tx, json, on};
use crate::attention::Kind;
use shared::ids::{MemberId, OrganisationId};
use shared::standing::{Standing, State};
use shared::time::Timestamp;

/// Members whose standing was last derived as this word's.
async fn standing_as(
    tx: &mut Tx,
    organisation: &OrganisationId,
    word: &str,
    before: Timestamp,
) -> Result<Vec<(MemberId, State)>> {
    let sql = "SELECT id, standing FROM members WHERE organisation = $1 AND standing LIKE $2 \
               AND (next_change IS NULL OR next_change <= $3) ORDER BY id";
    let like = format!("%\"state\":{{\"state\":\"{word}\"%");
    let rows: Vec<(i64, String)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(like).bind(before.0).fetch_all(c).await?);
    let read = |(id, text): (i64, String)| {
        let standing: Standing = json(&text, "members", "standing", id)?;
        Ok((MemberId(id), standing.state))
    };
    rows.into_iter().map(read).collect()
}

/// Members in grace whom the clock looks at before a moment, with their standing.
pub async fn in_grace(
    tx: &mut Tx,
    organisation: &OrganisationId,
    before: Timestamp,
) -> Result<Vec<(MemberId, State)>> {
    standing_as(tx, organisation, "grace", before).await
}

/// Numbers of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Members whose first term began in it.
    pub joined: i64,
    /// Members who are out since then.
    pub lapsed: i64,
    /// Members in grace now.
    pub grace: i64,
    /// Payers and payments that are nobody's now.
    pub unmatched: i64,
}

/// What happened in a week, and what is open at its end.
pub async fn numbers(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Numbers> {
    let sql = "SELECT COUNT(*) FROM (SELECT MIN(t.opened_at) AS began FROM terms t JOIN members m ON m.id = t.member \
               WHERE m.organisation = $1 GROUP BY t.member) AS firsts WHERE began >= $2 AND began < $3";
    let joined: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(from.0).bind(until.0).fetch_one(c).await?);
    let out = standing_as(tx, organisation, "lapsed", Timestamp::MAX).await?;
    let then =
        |state: &State| matches!(state, State::Lapsed { since } if (from..until).contains(since));
    let lapsed = out.iter().filter(|(_, state)| then(state)).count();
    let grace = in_grace(tx, organisation, Timestamp::MAX).await?.len();
    let sql = "SELECT COUNT(*) FROM attention WHERE organisation = $1 AND kind IN ($2, $3) AND resolved_at IS NULL";
    let unmatched: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str())
        .bind(Kind::UnmatchedCustomer.word()).bind(Kind::UnmatchedPayment.word())
        .fetch_one(c).await?);
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(Numbers {
        joined,
        lapsed: number(lapsed),
        grace: number(grace),
        unmatched,
    })
}

/// Whether anybody was told of a week.
pub async fn is_told(tx: &mut Tx, organisation: &OrganisationId, cause: &str) -> Result<bool> {
    let sql =
        "SELECT COUNT(*) FROM letters WHERE organisation = $1 AND kind = 'digest' AND cause = $2";
    let count: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(cause).fetch_one(c).await?);
    Ok(count > 0)
}

/// Who is told of a week.
pub async fn readers(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<i64>> {
    let sql = "SELECT id FROM staff WHERE organisation = $1 AND removed_at IS NULL AND password IS NOT NULL \
               AND mailed = 1 AND role IN ('owner', 'admin', 'treasurer') ORDER BY id";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_all(c).await?))
}
