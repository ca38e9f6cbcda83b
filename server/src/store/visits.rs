//! When members were let in and when not, counted; and how their standing went.

use super::trip::Statement;
use super::{Result, Tx, json, on};
use shared::ids::{MemberId, OrganisationId};
use shared::reasons::Reason;
use shared::standing::Standing;
use shared::time::{Span, Timestamp};

/// Cards shown within a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visits {
    /// How many stretches after the first.
    pub place: i64,
    /// How often a lock was released.
    pub passed: i64,
    /// How often not.
    pub refused: i64,
}

/// Whose cards.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Everybody's, and unknown ones.
    All(&'a OrganisationId),
    /// Of the member whom doors know by this number.
    Holder(i64),
}

/// Cards shown since a moment, by stretches of this length; those without any are left out.
pub async fn counted(
    tx: &mut Tx,
    whose: Whose<'_>,
    since: Timestamp,
    length: Span,
) -> Result<Vec<Visits>> {
    let grants = Reason::ALL.into_iter().filter(|reason| reason.grants());
    let grants: Vec<String> = grants
        .map(|reason| format!("'{}'", reason.name()))
        .collect();
    let whom = match whose {
        Whose::All(_) => "organisation = $1",
        Whose::Holder(_) => "holder = $1",
    };
    let passed = format!("reason IN ({})", grants.join(", "));
    // Both databases divide whole numbers to whole numbers.
    let sql = format!(
        "SELECT (at - $2) / $3 AS place, COUNT(CASE WHEN {passed} THEN 1 END), \
         COUNT(CASE WHEN {passed} THEN NULL ELSE 1 END) FROM badges \
         WHERE {whom} AND at >= $2 AND kind = 'card' GROUP BY 1 ORDER BY 1"
    );
    let question = match whose {
        Whose::All(organisation) => Statement::new(sql).bind(organisation.as_str()),
        Whose::Holder(holder) => Statement::new(sql).bind(holder),
    };
    let rows: Vec<(i64, i64, i64)> = tx.ask(question.bind(since.0).bind(length.0)).await?;
    let visits = |(place, passed, refused)| Visits {
        place,
        passed,
        refused,
    };
    Ok(rows.into_iter().map(visits).collect())
}

/// How a member's standing changed since a moment, oldest first.
pub async fn standings(
    tx: &mut Tx,
    member: MemberId,
    since: Timestamp,
) -> Result<Vec<(Timestamp, Standing)>> {
    let sql = "SELECT id, at, body FROM audit WHERE member = $1 AND action = 'standing' AND at > $2 \
               AND body IS NOT NULL ORDER BY at, id";
    let rows: Vec<(i64, i64, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).bind(since.0).fetch_all(c).await?);
    let read =
        |(id, at, body): (i64, i64, String)| Ok((Timestamp(at), json(&body, "audit", "body", id)?));
    rows.into_iter().map(read).collect()
}
