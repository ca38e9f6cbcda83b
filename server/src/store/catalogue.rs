//! What Stripe sells, as it last showed it, and the types that an admin gave to prices.

use super::mirror::Object;
use super::prices::PriceRow;
use super::trip::Statement;
use super::{Result, Tx, json, on, to_json};
use shared::facts::Subscription;
use shared::ids::{AccountId, MembershipTypeId, OrganisationId};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What Stripe last showed of a price.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct PriceFace {
    /// The `X` that it names there now; another one may rule while a change waits for an admin.
    pub x: Option<String>,
    /// Where that stands.
    pub place: Option<String>,
    /// Near misses and contradictions, in words.
    pub warnings: Vec<String>,
    /// The description staff see.
    pub nickname: Option<String>,
    /// Id of its product.
    pub product: Option<String>,
    /// Name of its product, if it was ever shown.
    pub product_name: Option<String>,
    /// Minor units.
    pub amount: Option<i64>,
    /// ISO 4217, lower case.
    pub currency: Option<String>,
    /// `day`, `week`, `month` or `year`; none for what is sold once.
    pub interval: Option<String>,
    /// So many of those.
    pub interval_count: i64,
    /// Still sold.
    pub active: bool,
    /// Where this stands among the words about the price.
    pub stamp: String,
}

/// A price as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sold {
    /// `price_…`, or the id a plan was given.
    pub id: String,
    /// What it is called and which type that names, as it rules.
    pub row: PriceRow,
    /// What Stripe last showed.
    pub face: PriceFace,
    /// Since when Stripe does not have it any more.
    pub gone_at: Option<Timestamp>,
    /// The type that an admin gave it.
    pub mapped: Option<MembershipTypeId>,
    /// Where what was last said of it stands in the order.
    pub stamp: String,
}

#[derive(sqlx::FromRow)]
struct SoldRow {
    id: String,
    x: Option<String>,
    place: Option<String>,
    warnings: String,
    waiting: Option<String>,
    stamp: String,
    face: Option<String>,
    gone_at: Option<i64>,
    membership: Option<String>,
}

impl SoldRow {
    fn read(self) -> Result<Sold> {
        let row = PriceRow {
            x: self.x,
            place: self.place,
            warnings: json(&self.warnings, "prices", "warnings", &self.id)?,
            waiting: self.waiting.is_some(),
        };
        // Never shown in full: what rules is what is known of it.
        let bare = || PriceFace {
            x: match &self.waiting {
                Some(waiting) => Some(waiting.clone()).filter(|x| !x.is_empty()),
                None => row.x.clone(),
            },
            place: row.place.clone(),
            warnings: row.warnings.clone(),
            active: true,
            interval_count: 1,
            ..PriceFace::default()
        };
        let face = match &self.face {
            Some(text) => json(text, "prices", "face", &self.id)?,
            None => bare(),
        };
        let mapped = self.membership.as_deref();
        Ok(Sold {
            mapped: mapped
                .map(|id| super::rulebook::name(id, "mappings"))
                .transpose()?,
            id: self.id,
            row,
            face,
            gone_at: self.gone_at.map(Timestamp),
            stamp: self.stamp,
        })
    }
}

const SOLD: &str = "SELECT p.id, p.x, p.place, p.warnings, p.waiting, p.stamp, p.face, p.gone_at, m.membership FROM prices p \
                    LEFT JOIN mappings m ON m.account = p.account AND m.price = p.id WHERE p.account = $1";

/// Every price on record, in the order of ids.
pub async fn all(tx: &mut Tx, account: AccountId) -> Result<Vec<Sold>> {
    let sql = format!("{SOLD} ORDER BY p.id");
    let rows: Vec<SoldRow> = tx.ask(Statement::new(sql).bind(account.0)).await?;
    rows.into_iter().map(SoldRow::read).collect()
}

/// One price on record.
pub async fn one(tx: &mut Tx, account: AccountId, id: &str) -> Result<Option<Sold>> {
    let sql = format!("{SOLD} AND p.id = $2");
    let rows: Vec<SoldRow> = tx.ask(Statement::new(sql).bind(account.0).bind(id)).await?;
    rows.into_iter().next().map(SoldRow::read).transpose()
}

/// Asks for the catalogue to be listed again, for something that no price shows has changed.
pub fn want_list(tx: &mut Tx, account: AccountId, now: Timestamp) {
    let sql = "UPDATE accounts SET wants_list = $2 WHERE id = $1";
    tx.later(Statement::new(sql).bind(account.0).bind(now.0));
}

/// Whether the catalogue should be listed: somebody asked, or it was not listed since a moment.
pub async fn wants_list(
    tx: &mut Tx,
    account: AccountId,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM accounts WHERE id = $1 \
               AND (wants_list IS NOT NULL OR listed_at IS NULL OR listed_at < $2 OR listed_at > $3)";
    let wanted: i64 = on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(since.0).bind(now.0).fetch_one(c).await?);
    Ok(wanted > 0)
}

/// Notes that the catalogue was listed; a wish from after Stripe was asked stands.
pub fn listed(tx: &mut Tx, account: AccountId, asked_at: Timestamp) {
    let sql = "UPDATE accounts SET listed_at = $2, \
               wants_list = CASE WHEN wants_list > $2 THEN wants_list ELSE NULL END WHERE id = $1";
    tx.later(Statement::new(sql).bind(account.0).bind(asked_at.0));
}

/// Keeps what Stripe shows of a price that is on record.
pub fn show(tx: &mut Tx, account: AccountId, id: &str, face: &PriceFace) {
    let sql = "UPDATE prices SET face = $3 WHERE account = $1 AND id = $2";
    tx.later(
        Statement::new(sql)
            .bind(account.0)
            .bind(id)
            .bind(to_json(face)),
    );
}

/// Notes that Stripe does not have a price any more, or has it after all; an earlier note stands.
pub fn note_gone(tx: &mut Tx, account: AccountId, id: &str, at: Option<Timestamp>) {
    let sql = "UPDATE prices SET gone_at = CASE WHEN $3 IS NULL THEN NULL ELSE COALESCE(gone_at, $3) END \
               WHERE account = $1 AND id = $2";
    let at = at.map(|at| at.0);
    tx.later(Statement::new(sql).bind(account.0).bind(id).bind(at));
}

/// The customers who pay by each price now: those with a subscription on it that has not ended.
pub async fn payers(tx: &mut Tx, account: AccountId) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let sql =
        "SELECT id, body FROM objects WHERE account = $1 AND kind = 'subscription' ORDER BY id";
    let rows: Vec<(String, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(account.0).fetch_all(c).await?);
    let mut payers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, body) in rows {
        let subscription: Subscription = json(&body, "objects", "body", &id)?;
        if subscription.status.is_terminal() {
            continue;
        }
        for item in subscription.items {
            let of = payers.entry(item.price).or_default();
            of.insert(subscription.customer.clone());
        }
    }
    Ok(payers)
}

/// A customer's subscriptions that have not ended.
pub async fn running(tx: &mut Tx, account: AccountId, customer: &str) -> Result<Vec<Subscription>> {
    let kept = super::mirror::of_customer(tx, account, customer).await?;
    let running = kept.into_iter().filter_map(|kept| match kept.object {
        Object::Subscription(subscription) => Some(subscription),
        Object::Invoice(_) => None,
    });
    Ok(running
        .filter(|subscription| !subscription.status.is_terminal())
        .collect())
}

/// The types that admins gave to prices.
pub async fn mappings(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<HashMap<(AccountId, String), MembershipTypeId>> {
    let sql = "SELECT m.account, m.price, m.membership FROM mappings m \
               JOIN accounts a ON a.id = m.account WHERE a.organisation = $1";
    let rows: Vec<(i64, String, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|(account, price, membership)| {
            let membership = super::rulebook::name(&membership, "mappings")?;
            Ok(((AccountId(account), price), membership))
        })
        .collect()
}

/// Gives a price a type, whatever it is called.
pub async fn map(
    tx: &mut Tx,
    (account, price): (AccountId, &str),
    membership: &MembershipTypeId,
    made_by: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO mappings (account, price, membership, made_by, made_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (account, price) DO UPDATE SET membership = excluded.membership, \
               made_by = excluded.made_by, made_at = excluded.made_at";
    on!(tx, c => sqlx::query(sql)
        .bind(account.0).bind(price).bind(membership.as_str()).bind(made_by).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Lets a price be what it is called again; false if no admin had given it a type.
pub async fn unmap(tx: &mut Tx, account: AccountId, price: &str) -> Result<bool> {
    let sql = "DELETE FROM mappings WHERE account = $1 AND price = $2";
    let rows = on!(tx, c => sqlx::query(sql).bind(account.0).bind(price).execute(c).await?.rows_affected());
    Ok(rows == 1)
}
