//! Who pays for whom: customers, the members they are, and the seats they pay for.

use super::many::{list, parts};
use super::trip::Statement;
use super::{Result, Tx, json, on};
use shared::facts::{Subscription, SubscriptionStatus};
use shared::ids::{AccountId, MemberId};
use shared::time::Timestamp;
use std::collections::BTreeSet;

/// A seat and whom it covers.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Seat {
    /// Our row for the Stripe account.
    pub account: i64,
    /// `cus_…`
    pub customer: String,
    /// `si_…`
    pub item: String,
    /// From 1.
    pub seat: i64,
    /// Whom.
    pub member: i64,
    /// Since when, in milliseconds since 1970.
    pub named_at: i64,
}

/// Seats that an admin named for a member, or that a member's customers pay for.
pub async fn seats_of(tx: &mut Tx, member: MemberId) -> Result<Vec<Seat>> {
    let sql = "SELECT account, customer, item, seat, member, named_at FROM coverage WHERE member = $1 OR EXISTS \
               (SELECT 1 FROM customers c WHERE c.account = coverage.account AND c.id = coverage.customer \
               AND c.member = $1) ORDER BY item, seat";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?))
}

/// One named seat.
pub async fn seat(tx: &mut Tx, account: AccountId, item: &str, seat: i64) -> Result<Option<Seat>> {
    let sql = "SELECT account, customer, item, seat, member, named_at FROM coverage \
               WHERE account = $1 AND item = $2 AND seat = $3";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(account.0).bind(item).bind(seat).fetch_optional(c).await?),
    )
}

/// The seats named of an item, in the order of their numbers.
pub async fn named_seats(tx: &mut Tx, account: AccountId, item: &str) -> Result<Vec<Seat>> {
    let sql = "SELECT account, customer, item, seat, member, named_at FROM coverage \
               WHERE account = $1 AND item = $2 ORDER BY seat";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(account.0).bind(item).fetch_all(c).await?))
}

/// Names whom a seat covers.
pub async fn name_seat(
    tx: &mut Tx,
    account: AccountId,
    customer: &str,
    (item, seat): (&str, i64),
    member: MemberId,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO coverage (account, customer, item, seat, member, named_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (account, item, seat) DO UPDATE SET customer = excluded.customer, \
               member = excluded.member, named_at = excluded.named_at";
    on!(tx, c => sqlx::query(sql)
        .bind(account.0).bind(customer).bind(item).bind(seat).bind(member.0).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Takes a named seat away; false if nobody was named.
pub async fn free_seat(tx: &mut Tx, account: AccountId, item: &str, seat: i64) -> Result<bool> {
    let sql = "DELETE FROM coverage WHERE account = $1 AND item = $2 AND seat = $3";
    Ok(
        on!(tx, c => sqlx::query(sql).bind(account.0).bind(item).bind(seat).execute(c).await?.rows_affected())
            == 1,
    )
}

/// A customer at Stripe and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CustomerFace {
    /// Our row for the Stripe account.
    pub account: i64,
    /// `cus_…`
    pub id: String,
    /// Whose.
    pub member: Option<i64>,
    /// By what it was linked.
    pub link: Option<String>,
    /// Whether nobody has to look at the link any more.
    pub confirmed: i64,
    /// The mail address Stripe has.
    pub mail: Option<String>,
    /// The name Stripe has.
    pub name: Option<String>,
    /// When we first heard of it, in milliseconds since 1970.
    pub seen_at: i64,
    /// Since when Stripe could not be read.
    pub unread_since: Option<i64>,
}

/// Which customers are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// All.
    Anybodys,
    /// Of nobody yet.
    Nobodys,
    /// Of a member.
    Of(MemberId),
}

/// Customers in the order of their ids.
pub async fn customers(
    tx: &mut Tx,
    account: AccountId,
    whose: Whose,
    after: &str,
    limit: i64,
) -> Result<Vec<CustomerFace>> {
    let sql = "SELECT account, id, member, link, confirmed, mail, name, seen_at, unread_since FROM customers \
               WHERE account = $1 AND id > $2 AND ($3 < 0 OR COALESCE(member, 0) = $3) ORDER BY id LIMIT $4";
    let member = match whose {
        Whose::Anybodys => -1,
        Whose::Nobodys => 0,
        Whose::Of(member) => member.0,
    };
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(account.0).bind(after).bind(member).bind(limit).fetch_all(c).await?),
    )
}

/// The members whose these customers are: customer, number and name.
pub async fn whose(
    tx: &mut Tx,
    account: AccountId,
    customers: BTreeSet<&str>,
) -> Result<Vec<(String, i64, String)>> {
    let customers: Vec<&str> = customers.into_iter().collect();
    let statements = parts(&customers).map(|part| {
        let sql = format!(
            "SELECT c.id, m.id, m.name FROM customers c JOIN members m ON m.id = c.member \
             WHERE c.account = $1 AND c.id IN ({})",
            list(2, part.len())
        );
        let ask = Statement::new(sql).bind(account.0);
        part.iter().fold(ask, |ask, id| ask.bind(*id))
    });
    let asked = tx.put(statements);
    tx.answer(asked).await
}

/// Notes that an admin looked at a customer's link.
pub async fn confirm_link(tx: &mut Tx, account: AccountId, customer: &str) -> Result<bool> {
    let sql =
        "UPDATE customers SET confirmed = 1 WHERE account = $1 AND id = $2 AND member IS NOT NULL";
    Ok(
        on!(tx, c => sqlx::query(sql).bind(account.0).bind(customer).execute(c).await?.rows_affected())
            == 1,
    )
}

/// The type that a held catalogue change would give a price, and when it was told; empty: none.
pub async fn waiting_price(
    tx: &mut Tx,
    account: AccountId,
    id: &str,
) -> Result<Option<(String, String)>> {
    let sql =
        "SELECT waiting, stamp FROM prices WHERE account = $1 AND id = $2 AND waiting IS NOT NULL";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(account.0).bind(id).fetch_optional(c).await?))
}

/// Members whom a running subscription is for: its customer's own, and those whom its seats cover.
pub async fn paying(tx: &mut Tx, account: AccountId) -> Result<BTreeSet<MemberId>> {
    let sql = "SELECT o.id, o.body, c.member, v.member FROM objects o \
               JOIN customers c ON c.account = o.account AND c.id = o.customer \
               LEFT JOIN coverage v ON v.account = o.account AND v.customer = o.customer \
               WHERE o.account = $1 AND o.kind = 'subscription'";
    type Row = (String, String, Option<i64>, Option<i64>);
    let rows: Vec<Row> = on!(tx, c => sqlx::query_as(sql).bind(account.0).fetch_all(c).await?);
    let mut paying = BTreeSet::new();
    for (id, body, own, covered) in rows {
        let subscription: Subscription = json(&body, "objects", "body", &id)?;
        let runs = matches!(
            subscription.status,
            SubscriptionStatus::Active
                | SubscriptionStatus::Trialing
                | SubscriptionStatus::PastDue
                | SubscriptionStatus::Unpaid
        );
        if runs && subscription.pause.is_none() {
            paying.extend(own.into_iter().chain(covered).map(MemberId));
        }
    }
    Ok(paying)
}
