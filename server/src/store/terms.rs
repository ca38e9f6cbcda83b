//! The story of a member: which type, from when to when, because of what.

use super::Tx;
use super::trip::Statement;
use shared::ids::MemberId;
use shared::time::Timestamp;

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

/// Ends a term.
pub fn close(tx: &mut Tx, term: i64, now: Timestamp) {
    let sql = "UPDATE terms SET closed_at = $2 WHERE id = $1";
    tx.later(Statement::new(sql).bind(term).bind(now.0));
}

/// Begins a term that rests on a fact, of a type.
pub fn begin(
    tx: &mut Tx,
    member: MemberId,
    (source, membership): (&str, &str),
    now: Timestamp,
    cause: &str,
) {
    let sql = "INSERT INTO terms (member, source, membership, opened_at, cause) VALUES ($1, $2, $3, $4, $5)";
    let write = Statement::new(sql)
        .bind(member.0)
        .bind(source)
        .bind(membership)
        .bind(now.0)
        .bind(cause);
    tx.later(write);
}
