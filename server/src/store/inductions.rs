//! Who was shown how to use a zone.

use super::{Result, Tx, on};
use crate::store::rulebook::name;
use shared::ids::{MemberId, OrganisationId, ZoneId};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An induction of a member for a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Induction {
    /// For which zone.
    pub zone: ZoneId,
    /// Who noted it.
    pub given_by: String,
    /// When.
    pub given_at: Timestamp,
}

/// A member's inductions, by zone.
pub async fn of_member(tx: &mut Tx, member: MemberId) -> Result<Vec<Induction>> {
    let sql = "SELECT zone, given_by, given_at FROM inductions WHERE member = $1 ORDER BY zone";
    let rows: Vec<(String, String, i64)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?);
    rows.into_iter()
        .map(|(zone, given_by, given_at)| {
            Ok(Induction {
                zone: name(&zone, "inductions")?,
                given_by,
                given_at: Timestamp(given_at),
            })
        })
        .collect()
}

/// Everybody's inductions.
pub async fn all(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<BTreeMap<MemberId, BTreeSet<ZoneId>>> {
    let sql = "SELECT member, zone FROM inductions WHERE organisation = $1";
    let rows: Vec<(i64, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    let mut all: BTreeMap<MemberId, BTreeSet<ZoneId>> = BTreeMap::new();
    for (member, zone) in rows {
        let of = all.entry(MemberId(member)).or_default();
        of.insert(name(&zone, "inductions")?);
    }
    Ok(all)
}

/// Notes an induction; false if it is noted already.
pub async fn note(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (member, zone): (MemberId, &ZoneId),
    given_by: &str,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO inductions (organisation, zone, member, given_by, given_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (member, zone) DO NOTHING";
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).bind(member.0).bind(given_by).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Takes an induction back; false if there is none.
pub async fn take_back(tx: &mut Tx, member: MemberId, zone: &ZoneId) -> Result<bool> {
    let sql = "DELETE FROM inductions WHERE member = $1 AND zone = $2";
    let rows = on!(tx, c => sqlx::query(sql).bind(member.0).bind(zone.as_str()).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Members whom a zone's list names although no induction is noted.
pub async fn listed_without(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
) -> Result<Vec<MemberId>> {
    let sql = "SELECT DISTINCT member FROM entries e WHERE organisation = $1 AND zone = $2 AND NOT EXISTS \
               (SELECT 1 FROM inductions i WHERE i.member = e.member AND i.zone = e.zone) ORDER BY member";
    let rows: Vec<i64> = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}
