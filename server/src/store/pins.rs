//! What members type after their cards, sealed.

use super::{Result, Tx, on};
use shared::ids::{MemberId, OrganisationId, ZoneId};
use shared::time::Timestamp;

/// A member's PIN as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPin {
    /// Its digits, sealed.
    pub sealed: Vec<u8>,
    /// Since when it counts.
    pub since: Timestamp,
}

/// Gives a member a PIN, whether there was one or not.
pub async fn put(tx: &mut Tx, member: MemberId, sealed: &[u8], now: Timestamp) -> Result<()> {
    let sql = "UPDATE members SET pin_sealed = $2, pin_since = $3 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(member.0).bind(sealed).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes a member's PIN away; false if there is none.
pub async fn take_away(tx: &mut Tx, member: MemberId) -> Result<bool> {
    let sql = "UPDATE members SET pin_sealed = NULL, pin_since = NULL WHERE id = $1 AND pin_since IS NOT NULL";
    let rows = on!(tx, c => sqlx::query(sql).bind(member.0).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Members whom a zone's list names although they have no PIN.
pub async fn listed_without(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
) -> Result<Vec<MemberId>> {
    let sql = "SELECT DISTINCT e.member FROM entries e JOIN members m ON m.id = e.member \
               WHERE e.organisation = $1 AND e.zone = $2 AND m.pin_since IS NULL ORDER BY e.member";
    let rows: Vec<i64> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}
