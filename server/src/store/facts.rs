//! The facts that standings rest on, of many members at once.

use super::many::{list, parts};
use super::mirror::Object;
use super::rulebook::{Rulebook, name};
use super::{Result, StoreError, Tx, json, on};
use shared::facts::{Coverage, Facts, Grant, HandPayment, Hold, Invoice, Subscription};
use shared::ids::{AccountId, GrantId, HoldId, MemberId, MembershipTypeId, PaymentId};
use shared::time::Timestamp;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

/// The facts a member's standing rests on, and when Stripe could not be read.
pub async fn facts(tx: &mut Tx, member: MemberId, rulebook: &Rulebook) -> Result<Facts> {
    let mut facts = all_facts(tx, &[member], rulebook).await?;
    Ok(facts.remove(&member).unwrap_or_default())
}

/// The facts of members; a member without any is missing.
pub async fn all_facts(
    tx: &mut Tx,
    members: &[MemberId],
    rulebook: &Rulebook,
) -> Result<BTreeMap<MemberId, Facts>> {
    let mut all = BTreeMap::new();
    for part in parts(members) {
        coverage(tx, part, rulebook, &mut all).await?;
        deeds(tx, part, &mut all).await?;
    }
    Ok(all)
}

/// Grants, holds and payments by hand.
async fn deeds(
    tx: &mut Tx,
    members: &[MemberId],
    all: &mut BTreeMap<MemberId, Facts>,
) -> Result<()> {
    let places = list(1, members.len());
    let sql = format!(
        "SELECT 'grant' AS kind, member, id, membership, starts_at, ends_at FROM grants WHERE member IN ({places}) \
         UNION ALL SELECT 'hold', member, id, NULL, starts_at, ends_at FROM holds WHERE member IN ({places}) \
         UNION ALL SELECT 'payment', member, id, membership, period_from, period_until FROM payments \
         WHERE member IN ({places}) AND account IS NULL AND period_from IS NOT NULL"
    );
    type Row = (String, i64, i64, Option<String>, i64, Option<i64>);
    let rows: Vec<Row> = on!(tx, c => {
        let query = sqlx::query_as(AssertSqlSafe(sql));
        members.iter().fold(query, |query, member| query.bind(member.0)).fetch_all(c).await?
    });
    for (kind, member, id, membership, from, until) in rows {
        let facts: &mut Facts = all.entry(MemberId(member)).or_default();
        let membership = membership
            .map(|text| name::<MembershipTypeId>(&text, "grants"))
            .transpose()?;
        let (from, until) = (Timestamp(from), until.map(Timestamp));
        match (kind.as_str(), membership) {
            ("hold", _) => facts.holds.push(Hold {
                id: HoldId(id),
                from,
                until,
            }),
            ("grant", Some(membership)) => facts.grants.push(Grant {
                id: GrantId(id),
                membership,
                from,
                until,
            }),
            ("payment", Some(membership)) => facts.payments.push(HandPayment {
                id: PaymentId(id),
                membership,
                from,
                until: until.unwrap_or(from),
            }),
            _ => {
                return Err(StoreError::Row {
                    table: "grants",
                    row: id.to_string(),
                    column: "membership",
                });
            }
        }
    }
    Ok(())
}

/// An object that matters to a member.
#[derive(sqlx::FromRow)]
struct ObjectRow {
    whom: i64,
    account: i64,
    id: String,
    kind: String,
    body: String,
    owner: Option<i64>,
    unread_since: Option<i64>,
}

/// Seats that admins gave: account, item and seat, and whom it covers.
type Seats = BTreeMap<(i64, String, i64), i64>;

/// Customers whose objects matter to a member: the member's own, and those whose seats an admin gave the member.
async fn coverage(
    tx: &mut Tx,
    members: &[MemberId],
    rulebook: &Rulebook,
    all: &mut BTreeMap<MemberId, Facts>,
) -> Result<()> {
    let places = list(1, members.len());
    let sql = format!(
        "SELECT c.member AS whom, o.account, o.id, o.kind, o.body, c.member AS owner, c.unread_since FROM customers c \
         JOIN objects o ON o.account = c.account AND o.customer = c.id WHERE c.member IN ({places}) \
         UNION SELECT v.member, o.account, o.id, o.kind, o.body, c.member, c.unread_since FROM coverage v \
         JOIN objects o ON o.account = v.account AND o.customer = v.customer \
         JOIN customers c ON c.account = o.account AND c.id = o.customer WHERE v.member IN ({places})"
    );
    let rows: Vec<ObjectRow> = on!(tx, c => {
        let query = sqlx::query_as(AssertSqlSafe(sql));
        members.iter().fold(query, |query, member| query.bind(member.0)).fetch_all(c).await?
    });
    if rows.is_empty() {
        return Ok(());
    }
    let mut seats = named_seats(tx, members).await?;
    let mut objects: BTreeMap<MemberId, Vec<ObjectRow>> = BTreeMap::new();
    for row in rows {
        objects.entry(MemberId(row.whom)).or_default().push(row);
    }
    for (member, rows) in objects {
        let seats = seats.remove(&member).unwrap_or_default();
        all.entry(member).or_default().coverage = covered(member, rows, &seats, rulebook)?;
    }
    Ok(())
}

/// By member, the seats named for the member, and those named of the member's own customers.
async fn named_seats(tx: &mut Tx, members: &[MemberId]) -> Result<BTreeMap<MemberId, Seats>> {
    let places = list(1, members.len());
    let sql = format!(
        "SELECT v.member AS whom, v.account, v.item, v.seat, v.member FROM coverage v WHERE v.member IN ({places}) \
         UNION SELECT c.member, v.account, v.item, v.seat, v.member FROM coverage v \
         JOIN customers c ON c.account = v.account AND c.id = v.customer WHERE c.member IN ({places})"
    );
    let rows: Vec<(i64, i64, String, i64, i64)> = on!(tx, c => {
        let query = sqlx::query_as(AssertSqlSafe(sql));
        members.iter().fold(query, |query, member| query.bind(member.0)).fetch_all(c).await?
    });
    let mut seats: BTreeMap<MemberId, Seats> = BTreeMap::new();
    for (whom, account, item, seat, member) in rows {
        seats
            .entry(MemberId(whom))
            .or_default()
            .insert((account, item, seat), member);
    }
    Ok(seats)
}

fn covered(
    member: MemberId,
    rows: Vec<ObjectRow>,
    named: &Seats,
    rulebook: &Rulebook,
) -> Result<Vec<Coverage>> {
    let mut subscriptions: Vec<(AccountId, Option<i64>, bool, Subscription)> = Vec::new();
    let mut invoices: BTreeMap<(AccountId, String), Vec<Invoice>> = BTreeMap::new();
    for ObjectRow {
        account,
        id,
        kind,
        body,
        owner,
        unread_since,
        ..
    } in rows
    {
        let account = AccountId(account);
        match read(&kind, &body, &id)? {
            Object::Subscription(mut subscription) => {
                for item in &mut subscription.items {
                    item.membership = rulebook.prices.get(&(account, item.price.clone())).cloned();
                }
                subscriptions.push((account, owner, unread_since.is_some(), subscription));
            }
            Object::Invoice(mut invoice) => {
                for line in &mut invoice.lines {
                    line.membership = line
                        .price
                        .as_ref()
                        .and_then(|price| rulebook.prices.get(&(account, price.clone())).cloned());
                }
                if let Some(subscription) = invoice.subscription.clone() {
                    invoices
                        .entry((account, subscription))
                        .or_default()
                        .push(invoice);
                }
            }
        }
    }
    let mut covered = Vec::new();
    for (account, owner, unread, subscription) in subscriptions {
        let invoices = invoices
            .remove(&(account, subscription.id.clone()))
            .unwrap_or_default();
        for item in &subscription.items {
            for seat in seats(named, (account, &item.id), member, owner) {
                covered.push(Coverage {
                    account,
                    item: item.id.clone(),
                    seat,
                    unread,
                    subscription: subscription.clone(),
                    invoices: invoices.clone(),
                });
            }
        }
    }
    covered.sort_by(|a, b| {
        (&a.subscription.id, &a.item, a.seat).cmp(&(&b.subscription.id, &b.item, b.seat))
    });
    Ok(covered)
}

/// Seat 1 covers the customer's own member unless an admin pointed it elsewhere; further seats cover whom they name.
fn seats(
    named: &Seats,
    (account, item): (AccountId, &str),
    member: MemberId,
    owner: Option<i64>,
) -> Vec<u32> {
    let first = (account.0, item.to_owned(), 1);
    let own = owner == Some(member.0) && !named.contains_key(&first);
    let given = named
        .range(first..=(account.0, item.to_owned(), i64::MAX))
        .filter(|(_, covered)| **covered == member.0)
        .filter_map(|((_, _, seat), _)| u32::try_from(*seat).ok());
    own.then_some(1).into_iter().chain(given).collect()
}

fn read(kind: &str, body: &str, id: &str) -> Result<Object> {
    match kind {
        "subscription" => Ok(Object::Subscription(json(body, "objects", "body", id)?)),
        "invoice" => Ok(Object::Invoice(json(body, "objects", "body", id)?)),
        _ => Err(StoreError::Row {
            table: "objects",
            row: id.to_owned(),
            column: "kind",
        }),
    }
}
