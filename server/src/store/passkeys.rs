//! Passkeys of people with rights.

use super::{Result, Tx, on};
use shared::ids::OrganisationId;
use shared::time::Timestamp;

/// A key on somebody's device.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Passkey {
    /// Which.
    pub id: i64,
    /// Whose.
    pub staff: i64,
    /// What its owner calls it.
    pub name: String,
    /// By which the device knows it.
    pub credential: Vec<u8>,
    /// COSE (RFC 9052).
    pub public_key: Vec<u8>,
    /// For whose pages it was made: scheme, host and port.
    pub origin: String,
    /// How often it says that it signed.
    pub signatures: i64,
    /// Since when, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last used, in milliseconds since 1970; none: never.
    pub used_at: Option<i64>,
}

/// The question for passkeys of one organisation.
macro_rules! passkeys_where {
    ($rest:literal) => {
        concat!(
            "SELECT id, staff, name, credential, public_key, origin, signatures, created_at, used_at FROM passkeys ",
            "WHERE organisation = $1 ",
            $rest
        )
    };
}

/// Somebody's passkeys, oldest first.
pub async fn of(tx: &mut Tx, organisation: &OrganisationId, staff: i64) -> Result<Vec<Passkey>> {
    let sql = passkeys_where!("AND staff = $2 ORDER BY id");
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(staff).fetch_all(c).await?),
    )
}

/// The passkey that a device calls so.
pub async fn find(
    tx: &mut Tx,
    organisation: &OrganisationId,
    credential: &[u8],
) -> Result<Option<Passkey>> {
    let sql = passkeys_where!("AND credential = $2");
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(credential).fetch_optional(c).await?),
    )
}

/// A passkey that is to be kept.
pub struct New<'a> {
    /// Whose.
    pub staff: i64,
    /// What its owner calls it.
    pub name: &'a str,
    /// For whose pages it was made.
    pub origin: &'a str,
    /// The key itself.
    pub made: &'a crate::passkeys::Made,
}

/// Keeps a passkey; its number, or none if one of this credential is kept already.
pub async fn add(
    tx: &mut Tx,
    organisation: &OrganisationId,
    new: &New<'_>,
    now: Timestamp,
) -> Result<Option<i64>> {
    let sql = "INSERT INTO passkeys (organisation, staff, name, credential, public_key, origin, signatures, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organisation, credential) DO NOTHING RETURNING id";
    Ok(on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(new.staff).bind(new.name).bind(new.made.credential.as_slice())
        .bind(new.made.public_key.as_slice()).bind(new.origin).bind(i64::from(new.made.signatures)).bind(now.0)
        .fetch_optional(c).await?))
}

/// Notes that a passkey signed what was asked then; false if it was used since, so that nothing is answered twice.
pub async fn used(
    tx: &mut Tx,
    id: i64,
    (signatures, asked_at): (u32, Timestamp),
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE passkeys SET used_at = $2, signatures = $3 WHERE id = $1 AND (used_at IS NULL OR used_at < $4)";
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(id).bind(now.0).bind(i64::from(signatures)).bind(asked_at.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Removes one of somebody's passkeys; false if there is none.
pub async fn remove(tx: &mut Tx, staff: i64, id: i64) -> Result<bool> {
    let sql = "DELETE FROM passkeys WHERE staff = $1 AND id = $2";
    let rows =
        on!(tx, c => sqlx::query(sql).bind(staff).bind(id).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Removes all of somebody's passkeys.
pub async fn remove_all(tx: &mut Tx, staff: i64) -> Result<()> {
    let sql = "DELETE FROM passkeys WHERE staff = $1";
    on!(tx, c => sqlx::query(sql).bind(staff).execute(c).await?.rows_affected());
    Ok(())
}
