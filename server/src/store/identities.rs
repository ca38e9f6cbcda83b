//! Accounts at the OpenID provider by which people with rights sign in.

use super::{Result, Tx, on};
use shared::ids::OrganisationId;
use shared::time::Timestamp;

/// An account at a provider, linked to somebody.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Identity {
    /// Which.
    pub id: i64,
    /// Whose.
    pub staff: i64,
    /// At which provider.
    pub issuer: String,
    /// Since when, in milliseconds since 1970.
    pub created_at: i64,
    /// When it last let somebody in, in milliseconds since 1970; none: never.
    pub used_at: Option<i64>,
}

/// The question for identities of one organisation.
macro_rules! identities_where {
    ($rest:literal) => {
        concat!(
            "SELECT id, staff, issuer, created_at, used_at FROM identities WHERE organisation = $1 ",
            $rest
        )
    };
}

/// Somebody's identities, oldest first.
pub async fn of(tx: &mut Tx, organisation: &OrganisationId, staff: i64) -> Result<Vec<Identity>> {
    let sql = identities_where!("AND staff = $2 ORDER BY id");
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(staff).fetch_all(c).await?),
    )
}

/// The identity that a provider calls so.
pub async fn find(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (issuer, subject): (&str, &str),
) -> Result<Option<Identity>> {
    let sql = identities_where!("AND issuer = $2 AND subject = $3");
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(issuer).bind(subject).fetch_optional(c).await?))
}

/// Links an identity to somebody; its number, or none if it is linked already.
pub async fn add(
    tx: &mut Tx,
    organisation: &OrganisationId,
    staff: i64,
    (issuer, subject): (&str, &str),
    now: Timestamp,
) -> Result<Option<i64>> {
    let sql = "INSERT INTO identities (organisation, staff, issuer, subject, created_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (organisation, issuer, subject) DO NOTHING RETURNING id";
    Ok(on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(staff).bind(issuer).bind(subject).bind(now.0)
        .fetch_optional(c).await?))
}

/// Notes that an identity let somebody in.
pub async fn used(tx: &mut Tx, id: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE identities SET used_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes one of somebody's identities; false if there is none.
pub async fn remove(tx: &mut Tx, staff: i64, id: i64) -> Result<bool> {
    let sql = "DELETE FROM identities WHERE staff = $1 AND id = $2";
    let rows =
        on!(tx, c => sqlx::query(sql).bind(staff).bind(id).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Removes all of somebody's identities.
pub async fn remove_all(tx: &mut Tx, staff: i64) -> Result<()> {
    let sql = "DELETE FROM identities WHERE staff = $1";
    on!(tx, c => sqlx::query(sql).bind(staff).execute(c).await?.rows_affected());
    Ok(())
}
