//! What prices are called and which membership types they name.

use super::{Result, Tx, json, on, to_json};
use shared::ids::{AccountId, OrganisationId};
use std::collections::HashMap;

/// What a price is called and which type that names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceRow {
    /// The `X` of `membertype_X`.
    pub x: Option<String>,
    /// Where it was found.
    pub place: Option<String>,
    /// Near misses and contradictions, in words.
    pub warnings: Vec<String>,
    /// Whether a change of the type waits for an admin.
    pub waiting: bool,
}

/// A price's columns.
#[derive(sqlx::FromRow)]
struct PriceColumns {
    account: i64,
    id: String,
    x: Option<String>,
    place: Option<String>,
    warnings: String,
    waiting: Option<String>,
    stamp: String,
}

impl PriceColumns {
    fn row(&self) -> Result<PriceRow> {
        Ok(PriceRow {
            x: self.x.clone(),
            place: self.place.clone(),
            warnings: json(&self.warnings, "prices", "warnings", &self.id)?,
            waiting: self.waiting.is_some(),
        })
    }
}

/// All prices of an organisation's accounts.
pub async fn all(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<HashMap<(AccountId, String), PriceRow>> {
    let sql = "SELECT p.account, p.id, p.x, p.place, p.warnings, p.waiting, p.stamp FROM prices p \
               JOIN accounts a ON a.id = p.account WHERE a.organisation = $1";
    let rows: Vec<PriceColumns> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|columns| {
            let row = columns.row()?;
            Ok(((AccountId(columns.account), columns.id), row))
        })
        .collect()
}

/// Customers with an object that names a price; possibly some more.
pub async fn payers_of(tx: &mut Tx, account: AccountId, price: &str) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT customer FROM objects WHERE account = $1 AND body LIKE $2 ORDER BY customer";
    let named = format!("%\"{price}\"%");
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(named).fetch_all(c).await?))
}

/// A price as it is kept: the row, and where what was last said of it stands in the order.
pub async fn find(tx: &mut Tx, account: AccountId, id: &str) -> Result<Option<(PriceRow, String)>> {
    let sql = "SELECT account, id, x, place, warnings, waiting, stamp FROM prices WHERE account = $1 AND id = $2";
    let columns: Option<PriceColumns> =
        on!(tx, c => sqlx::query_as(sql).bind(account.0).bind(id).fetch_optional(c).await?);
    columns
        .map(|columns| Ok((columns.row()?, columns.stamp)))
        .transpose()
}

/// Writes a price.
pub async fn put(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    row: &PriceRow,
    stamp: &str,
) -> Result<()> {
    let sql = "INSERT INTO prices (account, id, x, place, warnings, stamp) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (account, id) DO UPDATE SET x = excluded.x, place = excluded.place, \
               warnings = excluded.warnings, stamp = excluded.stamp, waiting = NULL";
    on!(tx, c => sqlx::query(sql)
        .bind(account.0).bind(id).bind(row.x.as_deref()).bind(row.place.as_deref())
        .bind(to_json(&row.warnings)).bind(stamp)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Keeps a change of a price's type until an admin agrees.
pub async fn hold(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    x: Option<&str>,
    stamp: &str,
) -> Result<()> {
    let sql = "UPDATE prices SET waiting = $3, stamp = $4 WHERE account = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(account.0).bind(id).bind(x.unwrap_or("")).bind(stamp)
        .execute(c).await?.rows_affected());
    Ok(())
}
