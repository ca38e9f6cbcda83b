//! What Stripe last said of each object, and which customers must be asked again.

use super::journal;
use super::many::{list, parts, rows};
use super::trip::{Question, Statement};
use super::{Result, StoreError, Tx, json, on, to_json};
use crate::billing::order::Stamp;
use shared::facts::{Invoice, Subscription};
use shared::ids::{AccountId, MemberId};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An object as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// A subscription.
    Subscription(Subscription),
    /// An invoice.
    Invoice(Invoice),
}

impl Object {
    /// The word in the database.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Subscription(_) => "subscription",
            Self::Invoice(_) => "invoice",
        }
    }

    /// Stripe's id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Subscription(subscription) => &subscription.id,
            Self::Invoice(invoice) => &invoice.id,
        }
    }

    pub(super) fn body(&self) -> String {
        match self {
            Self::Subscription(subscription) => to_json(subscription),
            Self::Invoice(invoice) => to_json(invoice),
        }
    }
}

/// An object with what decides whether news of it is newer.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The object.
    pub object: Object,
    /// Where its last event stands in the order of events.
    pub stamp: Option<Stamp>,
    /// When it was last fetched; events made before say nothing new.
    pub as_of: Timestamp,
}

impl Kept {
    /// When it was last fetched; a moment that has yet to come was read off a clock that was wrong, and orders nothing.
    #[must_use]
    pub fn fetched(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.as_of).filter(|as_of| *as_of <= now)
    }
}

/// An object's columns.
pub type ObjectRow = (String, String, String, i64, String);

fn object(row: ObjectRow) -> Result<Kept> {
    let (id, kind, stamp, as_of, body) = row;
    let object = match kind.as_str() {
        "subscription" => Object::Subscription(json(&body, "objects", "body", &id)?),
        "invoice" => Object::Invoice(json(&body, "objects", "body", &id)?),
        _ => {
            return Err(StoreError::Row {
                table: "objects",
                row: id,
                column: "kind",
            });
        }
    };
    Ok(Kept {
        object,
        stamp: json(&stamp, "objects", "stamp", &id)?,
        as_of: Timestamp(as_of),
    })
}

/// One object.
pub async fn find(tx: &mut Tx, account: AccountId, id: &str) -> Result<Option<Kept>> {
    let asked = ask_objects(tx, account, &[id]);
    Ok(objects(tx, asked).await?.pop())
}

/// Asks for those of the objects that are known.
pub fn ask_objects(tx: &mut Tx, account: AccountId, ids: &[&str]) -> Question<ObjectRow> {
    ask_by(tx, account, "id", ids)
}

/// Asks for all objects of the customers.
pub fn ask_of_customers(tx: &mut Tx, account: AccountId, ids: &[&str]) -> Question<ObjectRow> {
    ask_by(tx, account, "customer", ids)
}

fn ask_by(tx: &mut Tx, account: AccountId, column: &str, ids: &[&str]) -> Question<ObjectRow> {
    let statements = parts(ids).map(|part| {
        let sql = format!(
            "SELECT id, kind, stamp, as_of, body FROM objects WHERE account = $1 AND {column} IN ({})",
            list(2, part.len())
        );
        let statement = Statement::new(sql).bind(account.0);
        part.iter()
            .fold(statement, |statement, id| statement.bind(*id))
    });
    tx.put(statements)
}

/// The objects that were asked for.
pub async fn objects(tx: &mut Tx, asked: Question<ObjectRow>) -> Result<Vec<Kept>> {
    tx.answer(asked).await?.into_iter().map(object).collect()
}

/// The customer whose an object is.
pub async fn customer_of(tx: &mut Tx, account: AccountId, id: &str) -> Result<Option<String>> {
    let sql = "SELECT customer FROM objects WHERE account = $1 AND id = $2";
    Ok(on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(id).fetch_optional(c).await?))
}

/// All objects of a customer.
pub async fn of_customer(tx: &mut Tx, account: AccountId, customer: &str) -> Result<Vec<Kept>> {
    let sql = "SELECT id, kind, stamp, as_of, body FROM objects WHERE account = $1 AND customer = $2 ORDER BY id";
    let rows: Vec<ObjectRow> =
        on!(tx, c => sqlx::query_as(sql).bind(account.0).bind(customer).fetch_all(c).await?);
    rows.into_iter().map(object).collect()
}

/// Writes an object.
pub fn put(tx: &mut Tx, account: AccountId, customer: &str, kept: &Kept, now: Timestamp) {
    put_all(tx, &[(account, customer, kept)], now);
}

/// Writes objects with whose they are, each once; what they said before stays in the journal.
pub fn put_all(tx: &mut Tx, objects: &[(AccountId, &str, &Kept)], now: Timestamp) {
    journal::objects(tx, objects, now);
    for part in parts(objects) {
        let sql = format!(
            "INSERT INTO objects (account, id, kind, customer, stamp, as_of, body) VALUES {} \
             ON CONFLICT (account, id) DO UPDATE SET customer = excluded.customer, stamp = excluded.stamp, \
             as_of = excluded.as_of, body = excluded.body",
            rows(1, part.len(), 7)
        );
        let write = |write: Statement, row: &(AccountId, &str, &Kept)| {
            let (account, customer, kept) = row;
            write
                .bind(account.0)
                .bind(kept.object.id())
                .bind(kept.object.kind())
                .bind(*customer)
                .bind(to_json(&kept.stamp))
                .bind(kept.as_of.0)
                .bind(kept.object.body())
        };
        tx.later(part.iter().fold(Statement::new(sql), write));
    }
}

/// A customer at Stripe and the members it concerns.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Customer {
    /// `cus_…`
    pub id: String,
    /// Whose it is.
    pub member: Option<i64>,
    /// How it was linked: `reference`, `mail`, `created` or `admin`.
    pub link: Option<String>,
    /// Whether nobody has to look at the link any more.
    pub confirmed: i64,
    /// The mail address Stripe has.
    pub mail: Option<String>,
    /// The name Stripe has.
    pub name: Option<String>,
    /// The member named in metadata or in our reference.
    pub reference: Option<String>,
    /// Where the last word about the customer itself stands in the order; empty if there was none.
    pub stamp: String,
    /// Whether Stripe has told us about the customer itself.
    pub known: i64,
    /// When we first heard of it.
    pub seen_at: i64,
    /// The newest ticket whose answer was applied.
    pub ticket: i64,
    /// When an answer was last applied.
    pub fetched_at: Option<i64>,
    /// Since when Stripe could not be read.
    pub unread_since: Option<i64>,
    /// Whom an admin gave a seat that the customer pays for.
    #[sqlx(skip)]
    pub covers: BTreeSet<MemberId>,
}

impl Customer {
    /// Every member that its objects may concern.
    #[must_use]
    pub fn concerned(&self) -> BTreeSet<MemberId> {
        let own = self.member.map(MemberId);
        self.covers.iter().copied().chain(own).collect()
    }
}

/// A customer, once for each seat that it pays for and that was given to somebody.
#[derive(sqlx::FromRow)]
pub struct Seat {
    #[sqlx(flatten)]
    customer: Customer,
    covered: Option<i64>,
}

/// One customer.
pub async fn customer(tx: &mut Tx, account: AccountId, id: &str) -> Result<Option<Customer>> {
    let asked = ask_customers(tx, account, &[id]);
    Ok(customers(tx, asked).await?.pop())
}

/// Asks for those of the customers that are known.
pub fn ask_customers(tx: &mut Tx, account: AccountId, ids: &[&str]) -> Question<Seat> {
    let statements = parts(ids).map(|part| {
        let sql = format!(
            "SELECT c.id, c.member, c.link, c.confirmed, c.mail, c.name, c.reference, c.stamp, c.known, c.seen_at, c.ticket, \
             c.fetched_at, c.unread_since, v.member AS covered \
             FROM customers c LEFT JOIN coverage v ON v.account = c.account AND v.customer = c.id \
             WHERE c.account = $1 AND c.id IN ({})",
            list(2, part.len())
        );
        let statement = Statement::new(sql).bind(account.0);
        part.iter().fold(statement, |statement, id| statement.bind(*id))
    });
    tx.put(statements)
}

/// The customers that were asked for, in the order of their ids.
pub async fn customers(tx: &mut Tx, asked: Question<Seat>) -> Result<Vec<Customer>> {
    let mut found: BTreeMap<String, Customer> = BTreeMap::new();
    for Seat { customer, covered } in tx.answer(asked).await? {
        let customer = found.entry(customer.id.clone()).or_insert(customer);
        customer.covers.extend(covered.map(MemberId));
    }
    Ok(found.into_values().collect())
}

/// Makes sure that there is a row for the customer.
pub fn meet(tx: &mut Tx, account: AccountId, id: &str, now: Timestamp) {
    meet_all(tx, account, &[id], now);
}

/// Makes sure that there is a row for each customer.
pub fn meet_all(tx: &mut Tx, account: AccountId, ids: &[&str], now: Timestamp) {
    for part in parts(ids) {
        let row = |row: usize| format!("($1, ${}, 0, 0, $2, 0, 0)", row + 3);
        let sql = format!(
            "INSERT INTO customers (account, id, confirmed, known, seen_at, tries, ticket) VALUES {} \
             ON CONFLICT (account, id) DO NOTHING",
            (0..part.len()).map(row).collect::<Vec<String>>().join(", ")
        );
        let write = Statement::new(sql).bind(account.0).bind(now.0);
        tx.later(part.iter().fold(write, |write, id| write.bind(*id)));
    }
}

/// What Stripe says about a customer; missing parts leave what is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerNews {
    /// The mail address.
    pub mail: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The member named in metadata or in our reference.
    pub reference: Option<String>,
    /// Whether this is from the customer object itself.
    pub known: bool,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Where this stands among the words about the customer itself; none for what is said in passing.
    pub stamp: Option<String>,
}

/// Records what Stripe says about a customer; an older word about it than the last says nothing, and nothing is kept
/// about one who was forgotten.
pub fn describe(tx: &mut Tx, account: AccountId, id: &str, news: &CustomerNews) {
    let sql = "UPDATE customers SET mail = COALESCE($3, mail), name = COALESCE($4, name), \
               reference = COALESCE($5, reference), known = CASE WHEN $6 = 1 THEN 1 ELSE known END, \
               deleted_at = COALESCE($7, deleted_at), stamp = COALESCE($8, stamp) \
               WHERE account = $1 AND id = $2 AND erased_at IS NULL AND stamp <= COALESCE($8, stamp)";
    let write = Statement::new(sql)
        .bind(account.0)
        .bind(id)
        .bind(news.mail.as_deref())
        .bind(news.name.as_deref())
        .bind(news.reference.as_deref())
        .bind(i64::from(news.known))
        .bind(news.deleted_at.map(|at| at.0))
        .bind(news.stamp.as_deref());
    tx.later(write);
}

/// Links a customer to a member; what the customer paid goes with it.
pub fn link(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    member: MemberId,
    how: &str,
    confirmed: bool,
) {
    let sql = "UPDATE customers SET member = $3, link = $4, confirmed = $5 WHERE account = $1 AND id = $2";
    let write = Statement::new(sql)
        .bind(account.0)
        .bind(id)
        .bind(member.0)
        .bind(how)
        .bind(i64::from(confirmed));
    tx.later(write);
    let sql = "UPDATE payments SET member = $3 WHERE account = $1 AND customer = $2";
    let write = Statement::new(sql).bind(account.0).bind(id).bind(member.0);
    tx.later(write);
}

/// Asks for a customer to be fetched at a moment; an earlier wish stands.
pub fn want_fetch(tx: &mut Tx, account: AccountId, id: &str, at: Timestamp) {
    let sql = "UPDATE customers SET wants_fetch = CASE WHEN wants_fetch IS NULL OR wants_fetch > $3 THEN $3 \
               ELSE wants_fetch END WHERE account = $1 AND id = $2";
    tx.later(Statement::new(sql).bind(account.0).bind(id).bind(at.0));
}

/// Notes that a customer counts as unread if no answer came since a moment.
pub async fn not_asked(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE customers SET unread_since = COALESCE(unread_since, $4) \
               WHERE account = $1 AND id = $2 AND (fetched_at IS NULL OR fetched_at < $3)";
    on!(tx, c => sqlx::query(sql).bind(account.0).bind(id).bind(since.0).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Customers of an account whose fetch is due, oldest wish first.
pub async fn due_fetches(
    tx: &mut Tx,
    account: AccountId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>> {
    let sql = "SELECT id FROM customers WHERE wants_fetch <= $1 AND account = $2 ORDER BY wants_fetch, id LIMIT $3";
    Ok(
        on!(tx, c => sqlx::query_scalar(sql).bind(now.0).bind(account.0).bind(limit).fetch_all(c).await?),
    )
}

/// Takes a ticket for a fetch and puts the wish off until `again`, so that it outlives a crash.
pub async fn take_ticket(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    again: Timestamp,
) -> Result<i64> {
    let sql = "UPDATE customers SET wants_fetch = $3 WHERE account = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql).bind(account.0).bind(id).bind(again.0).execute(c).await?.rows_affected());
    tx.count("fetch ticket").await
}

/// Marks a fetch as applied if its ticket is newer than the stored one; false otherwise. The wish is fulfilled unless
/// somebody has wished again since it was put off until `again`.
pub async fn fetched(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    ticket: i64,
    at: Timestamp,
    again: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE customers SET ticket = $3, fetched_at = $4, unread_since = NULL, tries = 0, \
               wants_fetch = CASE WHEN wants_fetch = $5 THEN NULL ELSE wants_fetch END \
               WHERE account = $1 AND id = $2 AND ticket < $3";
    let rows = on!(tx, c => sqlx::query(sql).bind(account.0).bind(id).bind(ticket).bind(at.0).bind(again.0)
        .execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Records that Stripe could not be read for a customer; it is asked again at the first of two moments the first time,
/// and later after that. Whether this was the first time since an answer.
pub async fn fetch_failed(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
    now: Timestamp,
    (soon, later): (Timestamp, Timestamp),
) -> Result<bool> {
    let sql = "UPDATE customers SET wants_fetch = CASE WHEN tries = 0 THEN $4 ELSE $5 END, tries = tries + 1, \
               unread_since = COALESCE(unread_since, $3) WHERE account = $1 AND id = $2 RETURNING tries";
    let tries: i64 = on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(id).bind(now.0).bind(soon.0).bind(later.0)
        .fetch_one(c).await?);
    Ok(tries == 1)
}

/// Customers of an account without a member, first seen in a stretch of time and still unknown.
pub async fn unclaimed(
    tx: &mut Tx,
    account: AccountId,
    until: Timestamp,
    since: Timestamp,
) -> Result<Vec<String>> {
    let sql = "SELECT id FROM customers WHERE member IS NULL AND known = 0 AND mail IS NULL \
               AND seen_at <= $1 AND seen_at > $2 AND account = $3 ORDER BY id";
    Ok(
        on!(tx, c => sqlx::query_scalar(sql).bind(until.0).bind(since.0).bind(account.0).fetch_all(c).await?),
    )
}

/// The first so many subscriptions after one, by id, that run as far as is known, with their customers.
pub async fn running(
    tx: &mut Tx,
    account: AccountId,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String)>> {
    let sql = "SELECT id, customer FROM objects WHERE account = $1 AND id > $2 AND kind = 'subscription' \
               AND body NOT LIKE '%\"status\":\"canceled\"%' AND body NOT LIKE '%\"status\":\"incomplete_expired\"%' \
               ORDER BY id LIMIT $3";
    let account = account.0;
    Ok(on!(tx, c => sqlx::query_as(sql).bind(account).bind(after).bind(most).fetch_all(c).await?))
}
