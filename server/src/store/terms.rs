//! Terms as they were written down when they opened and closed; [`shared::story`] tells them.

use super::rulebook::name;
use super::trip::Statement;
use super::{Result, StoreError, Tx, json, on, to_json};
use shared::ids::MemberId;
use shared::story::{Last, Mark, Source, Written};
use shared::time::Timestamp;

/// A term that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Our id.
    pub id: i64,
    /// The fact it rests on.
    pub source: String,
    /// Of which type.
    pub membership: String,
}

/// Ends a term, with what its fact says now.
pub fn close(tx: &mut Tx, term: i64, mark: &Mark, last: Last) {
    let sql =
        "UPDATE terms SET closed_at = $2, closed_cause = $3, closed_because = $4 WHERE id = $1";
    let write = Statement::new(sql)
        .bind(term)
        .bind(mark.at.0)
        .bind(mark.cause.as_str())
        .bind(to_json(&last));
    tx.later(write);
}

/// Begins a term that rests on a fact, of a type.
pub fn begin(tx: &mut Tx, member: MemberId, (source, membership): (&str, &str), mark: &Mark) {
    let sql = "INSERT INTO terms (member, source, membership, opened_at, cause) VALUES ($1, $2, $3, $4, $5)";
    let write = Statement::new(sql)
        .bind(member.0)
        .bind(source)
        .bind(membership)
        .bind(mark.at.0)
        .bind(mark.cause.as_str());
    tx.later(write);
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    source: String,
    membership: String,
    opened_at: i64,
    cause: String,
    closed_at: Option<i64>,
    closed_cause: Option<String>,
    closed_because: Option<String>,
}

/// Every term of a member, in the order in which they were written down.
pub async fn written(tx: &mut Tx, member: MemberId) -> Result<Vec<Written>> {
    let sql = "SELECT id, source, membership, opened_at, cause, closed_at, closed_cause, closed_because FROM terms \
               WHERE member = $1 ORDER BY id";
    let rows: Vec<Row> = on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?);
    rows.into_iter().map(Row::read).collect()
}

impl Row {
    fn read(self) -> Result<Written> {
        let last = match self.closed_because {
            Some(text) => json(&text, "terms", "closed_because", self.id)?,
            None => Last::Gone,
        };
        let closed = self.closed_at.map(|at| {
            let mark = Mark {
                at: Timestamp(at),
                cause: self.closed_cause.unwrap_or_default(),
            };
            (mark, last)
        });
        Ok(Written {
            source: Source::read(&self.source).ok_or(StoreError::Row {
                table: "terms",
                row: self.id.to_string(),
                column: "source",
            })?,
            membership: name(&self.membership, "terms")?,
            opened: Mark {
                at: Timestamp(self.opened_at),
                cause: self.cause,
            },
            closed,
        })
    }
}
