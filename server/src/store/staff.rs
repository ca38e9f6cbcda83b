//! People with rights and the browsers in which they are signed in.

use super::members::fold;
use super::{Result, StoreError, Tx, identities, on, passkeys};
use crate::rights::Role;
use shared::ids::OrganisationId;
use shared::time::Timestamp;

/// Somebody with rights.
#[derive(Clone)]
pub struct Staff {
    /// Which.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The mail address, by which they sign in.
    pub mail: String,
    /// What they may do.
    pub role: Role,
    /// argon2id; none: invited, and not there yet.
    pub password: Option<String>,
    /// The secret of their codes, sealed.
    pub totp_sealed: Option<Vec<u8>>,
    /// The last time step whose code was used.
    pub totp_step: i64,
    /// Wrong tries since the last right one.
    pub failures: i64,
    /// When the last wrong try was.
    pub failed_at: Option<Timestamp>,
    /// Until when the invitation works.
    pub invited_until: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct StaffRow {
    id: i64,
    name: String,
    mail: String,
    role: String,
    password: Option<String>,
    totp_sealed: Option<Vec<u8>>,
    totp_step: i64,
    failures: i64,
    failed_at: Option<i64>,
    invited_until: Option<i64>,
    created_at: i64,
}

impl StaffRow {
    fn read(self) -> Result<Staff> {
        let role = Role::read(&self.role).ok_or(StoreError::Row {
            table: "staff",
            row: self.id.to_string(),
            column: "role",
        })?;
        Ok(Staff {
            id: self.id,
            name: self.name,
            mail: self.mail,
            role,
            password: self.password,
            totp_sealed: self.totp_sealed,
            totp_step: self.totp_step,
            failures: self.failures,
            failed_at: self.failed_at.map(Timestamp),
            invited_until: self.invited_until.map(Timestamp),
            created_at: Timestamp(self.created_at),
        })
    }
}

/// The question for people of one organisation who were not removed.
macro_rules! staff_where {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, mail, role, password, totp_sealed, totp_step, failures, failed_at, invited_until, ",
            "created_at FROM staff WHERE organisation = $1 AND removed_at IS NULL ",
            $rest
        )
    };
}

/// Everybody with rights, in the order in which they came.
pub async fn all(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<Staff>> {
    let sql = staff_where!("ORDER BY id");
    let rows: Vec<StaffRow> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter().map(StaffRow::read).collect()
}

/// Whether there is somebody who can sign in.
pub async fn anybody(tx: &mut Tx, organisation: &OrganisationId) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM staff WHERE organisation = $1 AND removed_at IS NULL AND password IS NOT NULL";
    let count: i64 =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_one(c).await?);
    Ok(count > 0)
}

/// Somebody by number.
pub async fn find(tx: &mut Tx, organisation: &OrganisationId, id: i64) -> Result<Option<Staff>> {
    let sql = staff_where!("AND id = $2");
    let row: Option<StaffRow> = on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(id).fetch_optional(c).await?);
    row.map(StaffRow::read).transpose()
}

/// Somebody by mail address.
pub async fn by_mail(
    tx: &mut Tx,
    organisation: &OrganisationId,
    mail: &str,
) -> Result<Option<Staff>> {
    let sql = staff_where!("AND mail_folded = $2");
    let row: Option<StaffRow> = on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(fold(mail)).fetch_optional(c).await?);
    row.map(StaffRow::read).transpose()
}

/// Whom an invitation is for that still works.
pub async fn by_invitation(
    tx: &mut Tx,
    organisation: &OrganisationId,
    sha256: &[u8],
    now: Timestamp,
) -> Result<Option<Staff>> {
    let sql = staff_where!("AND invitation = $2 AND invited_until > $3");
    let row: Option<StaffRow> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(sha256).bind(now.0).fetch_optional(c).await?);
    row.map(StaffRow::read).transpose()
}

/// Somebody who is to be there; their number.
pub async fn add(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (name, mail, role): (&str, &str, Role),
    now: Timestamp,
) -> Result<i64> {
    let sql = "INSERT INTO staff (organisation, name, mail, mail_folded, role, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    Ok(on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(name).bind(mail).bind(fold(mail)).bind(role.word()).bind(now.0)
        .fetch_one(c).await?))
}

/// Lets somebody come by a link that carries what has this SHA-256; an earlier link no longer works.
pub async fn invite(tx: &mut Tx, id: i64, sha256: &[u8], until: Timestamp) -> Result<()> {
    let sql = "UPDATE staff SET invitation = $2, invited_until = $3 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(sha256).bind(until.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Keeps how somebody signs in from now on; the invitation is used up, every session ends, and so does every other way in: a
/// passkey may be on the phone that was lost.
pub async fn equip(
    tx: &mut Tx,
    id: i64,
    password: &str,
    (totp_sealed, totp_step): (&[u8], i64),
) -> Result<()> {
    let sql = "UPDATE staff SET password = $2, totp_sealed = $3, totp_step = $4, failures = 0, failed_at = NULL, \
               invitation = NULL, invited_until = NULL WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(password).bind(totp_sealed).bind(totp_step)
        .execute(c).await?.rows_affected());
    passkeys::remove_all(tx, id).await?;
    identities::remove_all(tx, id).await?;
    end_all(tx, id).await
}

/// Keeps another password of somebody.
pub async fn put_password(tx: &mut Tx, id: i64, password: &str) -> Result<()> {
    let sql = "UPDATE staff SET password = $2, failures = 0, failed_at = NULL WHERE id = $1 AND removed_at IS NULL";
    on!(tx, c => sqlx::query(sql).bind(id).bind(password).execute(c).await?.rows_affected());
    Ok(())
}

/// Notes a try that was wrong.
pub async fn failed(tx: &mut Tx, id: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE staff SET failures = failures + 1, failed_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Notes a try that was right; false if the code was used meanwhile.
pub async fn came_in(tx: &mut Tx, id: i64, totp_step: i64) -> Result<bool> {
    let sql = "UPDATE staff SET failures = 0, failed_at = NULL, totp_step = $2 WHERE id = $1 AND totp_step < $2";
    let rows =
        on!(tx, c => sqlx::query(sql).bind(id).bind(totp_step).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Gives somebody another role; every session ends.
pub async fn put_role(tx: &mut Tx, id: i64, role: Role) -> Result<()> {
    let sql = "UPDATE staff SET role = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(role.word()).execute(c).await?.rows_affected());
    end_all(tx, id).await
}

/// Takes all rights from somebody; name, address and secrets are erased, the number stays for the audit log.
pub async fn remove(tx: &mut Tx, id: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE staff SET name = '', mail = '', mail_folded = '', password = NULL, totp_sealed = NULL, \
               invitation = NULL, invited_until = NULL, removed_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(now.0).execute(c).await?.rows_affected());
    passkeys::remove_all(tx, id).await?;
    identities::remove_all(tx, id).await?;
    end_all(tx, id).await
}

/// A browser in which somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// Which.
    pub id: i64,
    /// Whose.
    pub staff: i64,
    /// What the browser says it is.
    pub browser: String,
    /// Since when, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last used, in milliseconds since 1970; to the minute.
    pub seen_at: i64,
    /// Whether the OpenID provider let them in, which may not have asked who sits there; 0 or 1.
    pub by_provider: i64,
}

/// Begins a session; its number.
pub async fn begin(
    tx: &mut Tx,
    organisation: &OrganisationId,
    staff: i64,
    (sha256, browser, by_provider): (&[u8], &str, bool),
    now: Timestamp,
) -> Result<i64> {
    let sql = "INSERT INTO sessions (organisation, staff, token, browser, created_at, seen_at, by_provider) \
               VALUES ($1, $2, $3, $4, $5, $5, $6) RETURNING id";
    Ok(on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(staff).bind(sha256).bind(browser).bind(now.0).bind(i64::from(by_provider))
        .fetch_one(c).await?))
}

/// The session of a cookie.
pub async fn session(
    tx: &mut Tx,
    organisation: &OrganisationId,
    sha256: &[u8],
) -> Result<Option<Session>> {
    let sql = "SELECT id, staff, browser, created_at, seen_at, by_provider FROM sessions WHERE organisation = $1 AND token = $2";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(sha256).fetch_optional(c).await?),
    )
}

/// Somebody's sessions, the last used first.
pub async fn sessions(tx: &mut Tx, staff: i64) -> Result<Vec<Session>> {
    let sql = "SELECT id, staff, browser, created_at, seen_at, by_provider FROM sessions WHERE staff = $1 ORDER BY seen_at DESC, id";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(staff).fetch_all(c).await?))
}

/// Notes that a session is used.
pub async fn seen(tx: &mut Tx, session: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE sessions SET seen_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(session).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Ends one of somebody's sessions.
pub async fn end(tx: &mut Tx, staff: i64, session: i64) -> Result<()> {
    let sql = "DELETE FROM sessions WHERE staff = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(staff).bind(session).execute(c).await?.rows_affected());
    Ok(())
}

/// Ends all of somebody's sessions but one.
pub async fn end_others(tx: &mut Tx, staff: i64, session: i64) -> Result<()> {
    let sql = "DELETE FROM sessions WHERE staff = $1 AND id <> $2";
    on!(tx, c => sqlx::query(sql).bind(staff).bind(session).execute(c).await?.rows_affected());
    Ok(())
}

/// Ends all of somebody's sessions.
pub async fn end_all(tx: &mut Tx, staff: i64) -> Result<()> {
    let sql = "DELETE FROM sessions WHERE staff = $1";
    on!(tx, c => sqlx::query(sql).bind(staff).execute(c).await?.rows_affected());
    Ok(())
}
