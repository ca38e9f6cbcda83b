//! What staff write down about members.

use super::{Result, Tx, on};
use shared::ids::{MemberId, OrganisationId};
use shared::time::Timestamp;

/// A note about a member.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NoteRow {
    /// Our id.
    pub id: i64,
    /// About whom.
    pub member: i64,
    /// What it says; none once it was erased.
    pub text: Option<String>,
    /// By whom, as the audit log has it.
    pub made_by: String,
    /// When, in milliseconds since 1970.
    pub made_at: i64,
    /// Who erased it.
    pub erased_by: Option<String>,
    /// When.
    pub erased_at: Option<i64>,
}

/// Notes about a member, newest first.
pub async fn of(tx: &mut Tx, member: MemberId) -> Result<Vec<NoteRow>> {
    let sql = "SELECT id, member, text, made_by, made_at, erased_by, erased_at FROM member_notes \
               WHERE member = $1 ORDER BY id DESC";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?))
}

/// One note.
pub async fn find(tx: &mut Tx, organisation: &OrganisationId, id: i64) -> Result<Option<NoteRow>> {
    let sql = "SELECT id, member, text, made_by, made_at, erased_by, erased_at FROM member_notes \
               WHERE organisation = $1 AND id = $2";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(id).fetch_optional(c).await?),
    )
}

/// Writes a note down.
pub async fn add(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
    (text, made_by): (&str, &str),
    now: Timestamp,
) -> Result<i64> {
    let sql = "INSERT INTO member_notes (organisation, member, text, made_by, made_at) \
               VALUES ($1, $2, $3, $4, $5) RETURNING id";
    Ok(on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(member.0).bind(text).bind(made_by).bind(now.0)
        .fetch_one(c).await?))
}

/// Erases what a note says; false if that was done before.
pub async fn erase(tx: &mut Tx, id: i64, erased_by: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE member_notes SET text = NULL, erased_by = $2, erased_at = $3 \
               WHERE id = $1 AND erased_at IS NULL";
    let rows = on!(tx, c => sqlx::query(sql).bind(id).bind(erased_by).bind(now.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}
