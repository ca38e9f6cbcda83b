//! How members come to their own pages: links that are mailed to them, and browsers in which they are signed in.

use super::members::fold;
use super::{Result, Tx, on};
use shared::ids::{MemberId, OrganisationId};
use shared::time::Timestamp;

/// Notes that somebody wants a link; whether anybody has this address is not looked at.
pub async fn ask(
    tx: &mut Tx,
    organisation: &OrganisationId,
    mail: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO member_links (organisation, mail_folded, asked_at) VALUES ($1, $2, $3)";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(fold(mail)).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Links that have yet to be mailed, by number, with the folded address; the oldest first.
pub async fn asked(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<(i64, String)>> {
    let sql = "SELECT id, mail_folded FROM member_links WHERE organisation = $1 AND token IS NULL \
               ORDER BY id LIMIT 100";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?))
}

/// Makes a link work: it carries what has this SHA-256.
pub async fn arm(tx: &mut Tx, link: i64, sha256: &[u8], until: Timestamp) -> Result<()> {
    let sql = "UPDATE member_links SET token = $2, works_until = $3 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(link).bind(sha256).bind(until.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Makes a link to an address that works at once.
pub async fn make(
    tx: &mut Tx,
    organisation: &OrganisationId,
    mail: &str,
    (sha256, until): (&[u8], Timestamp),
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO member_links (organisation, mail_folded, asked_at, token, works_until) \
               VALUES ($1, $2, $3, $4, $5)";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(fold(mail)).bind(now.0).bind(sha256).bind(until.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Removes a link; false if it was gone: each is used once.
pub async fn use_up(tx: &mut Tx, link: i64) -> Result<bool> {
    let sql = "DELETE FROM member_links WHERE id = $1";
    Ok(on!(tx, c => sqlx::query(sql).bind(link).execute(c).await?.rows_affected()) == 1)
}

/// Removes links that no longer work.
pub async fn forget(tx: &mut Tx, organisation: &OrganisationId, now: Timestamp) -> Result<()> {
    let sql = "DELETE FROM member_links WHERE organisation = $1 AND works_until <= $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// The link that carries what has this SHA-256 and still works, and the folded address it went to.
pub async fn link(
    tx: &mut Tx,
    organisation: &OrganisationId,
    sha256: &[u8],
    now: Timestamp,
) -> Result<Option<(i64, String)>> {
    let sql = "SELECT id, mail_folded FROM member_links \
               WHERE organisation = $1 AND token = $2 AND works_until > $3";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(sha256).bind(now.0)
        .fetch_optional(c).await?),
    )
}

/// Members with a folded address, with their names, in the order of their numbers.
pub async fn members(
    tx: &mut Tx,
    organisation: &OrganisationId,
    mail_folded: &str,
) -> Result<Vec<(MemberId, String)>> {
    let sql = "SELECT id, name FROM members WHERE organisation = $1 AND mail_folded = $2 ORDER BY id LIMIT 20";
    let rows: Vec<(i64, String)> = on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(mail_folded).fetch_all(c).await?);
    Ok(rows
        .into_iter()
        .map(|(id, name)| (MemberId(id), name))
        .collect())
}

/// A browser in which a member is signed in.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// Which.
    pub id: i64,
    /// Whose.
    pub member: i64,
    /// What the browser says it is.
    pub browser: String,
    /// Since when, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last used, in milliseconds since 1970; to the minute.
    pub seen_at: i64,
}

/// Begins a session.
pub async fn begin(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
    (sha256, browser): (&[u8], &str),
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO member_sessions (organisation, member, token, browser, created_at, seen_at) \
               VALUES ($1, $2, $3, $4, $5, $5)";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(member.0).bind(sha256).bind(browser).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// The session of a cookie.
pub async fn session(
    tx: &mut Tx,
    organisation: &OrganisationId,
    sha256: &[u8],
) -> Result<Option<Session>> {
    let sql = "SELECT id, member, browser, created_at, seen_at FROM member_sessions \
               WHERE organisation = $1 AND token = $2";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(sha256).fetch_optional(c).await?),
    )
}

/// A member's sessions, the last used first.
pub async fn sessions(tx: &mut Tx, member: MemberId) -> Result<Vec<Session>> {
    let sql = "SELECT id, member, browser, created_at, seen_at FROM member_sessions WHERE member = $1 \
               ORDER BY seen_at DESC, id";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?))
}

/// Notes that a session is used.
pub async fn seen(tx: &mut Tx, session: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE member_sessions SET seen_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(session).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Ends one of a member's sessions.
pub async fn end(tx: &mut Tx, member: MemberId, session: i64) -> Result<()> {
    let sql = "DELETE FROM member_sessions WHERE member = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(member.0).bind(session).execute(c).await?.rows_affected());
    Ok(())
}

/// Ends all of a member's sessions.
pub async fn end_all(tx: &mut Tx, member: MemberId) -> Result<()> {
    let sql = "DELETE FROM member_sessions WHERE member = $1";
    on!(tx, c => sqlx::query(sql).bind(member.0).execute(c).await?.rows_affected());
    Ok(())
}
