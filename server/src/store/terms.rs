//! The story of a member: which type, from when to when, because of what.

use super::many::{list, parts};
use super::{Result, Tx, on};
use shared::ids::MemberId;
use shared::time::Timestamp;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

/// A term that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Our id.
    pub id: i64,
    /// The fact it rests on.
    pub source: String,
    /// Of which type.
    pub membership: String,
}

/// The terms of members that have not ended.
pub async fn open(tx: &mut Tx, members: &[MemberId]) -> Result<BTreeMap<MemberId, Vec<Term>>> {
    let mut open: BTreeMap<MemberId, Vec<Term>> = BTreeMap::new();
    for part in parts(members) {
        let sql = format!(
            "SELECT member, id, source, membership FROM terms WHERE closed_at IS NULL AND member IN ({}) ORDER BY id",
            list(1, part.len())
        );
        let rows: Vec<(i64, i64, String, String)> = on!(tx, c => {
            let query = sqlx::query_as(AssertSqlSafe(sql));
            part.iter().fold(query, |query, member| query.bind(member.0)).fetch_all(c).await?
        });
        for (member, id, source, membership) in rows {
            open.entry(MemberId(member)).or_default().push(Term {
                id,
                source,
                membership,
            });
        }
    }
    Ok(open)
}

/// Ends a term.
pub async fn close(tx: &mut Tx, term: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE terms SET closed_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(term).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Begins a term that rests on a fact, of a type.
pub async fn begin(
    tx: &mut Tx,
    member: MemberId,
    (source, membership): (&str, &str),
    now: Timestamp,
    cause: &str,
) -> Result<()> {
    let sql = "INSERT INTO terms (member, source, membership, opened_at, cause) VALUES ($1, $2, $3, $4, $5)";
    on!(tx, c => sqlx::query(sql).bind(member.0).bind(source).bind(membership).bind(now.0).bind(cause)
        .execute(c).await?.rows_affected());
    Ok(())
}
