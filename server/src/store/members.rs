//! Members, their cards, and the facts their standing rests on.

use super::mirror::Object;
use super::rulebook::Rulebook;
use super::{Result, StoreError, Tx, json, on, to_json};
use shared::facts::{Coverage, Facts, Grant, HandPayment, Hold, Invoice, Subscription};
use shared::ids::{
    AccountId, CardId, GrantId, HoldId, Holder, MemberId, MembershipTypeId, OrganisationId,
    PaymentId,
};
use shared::standing::Standing;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// A member's row, locked until the transaction ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Whose member.
    pub organisation: OrganisationId,
    /// As doors know the person.
    pub holder: Holder,
    /// Exempt from lockdown and staleness.
    pub keyholder: bool,
    /// As last derived.
    pub standing: Option<Standing>,
    /// When the clock changes it next.
    pub next_change: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    organisation: String,
    holder: i64,
    keyholder: i64,
    standing: Option<String>,
    next_change: Option<i64>,
}

/// Locks and reads a member.
pub async fn lock(tx: &mut Tx, member: MemberId) -> Result<Member> {
    const SQL: &str =
        "SELECT organisation, holder, keyholder, standing, next_change FROM members WHERE id = $1";
    const LOCKED: &str = "SELECT organisation, holder, keyholder, standing, next_change FROM members WHERE id = $1 FOR UPDATE";
    let sql = match tx {
        Tx::Sqlite(_) => SQL,
        Tx::Postgres(_) => LOCKED,
    };
    let row: Option<MemberRow> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_optional(c).await?);
    let row = row.ok_or(StoreError::Missing {
        table: "members",
        row: member.to_string(),
    })?;
    Ok(Member {
        organisation: super::rulebook::name(&row.organisation, "members")?,
        holder: Holder(row.holder),
        keyholder: row.keyholder != 0,
        standing: row
            .standing
            .map(|text| json(&text, "members", "standing", member))
            .transpose()?,
        next_change: row.next_change.map(Timestamp),
    })
}

/// Makes a member.
pub async fn create(
    tx: &mut Tx,
    organisation: &OrganisationId,
    new: &NewMember<'_>,
    now: Timestamp,
) -> Result<MemberId> {
    let sql = "INSERT INTO members (organisation, holder, name, mail, mail_folded, keyholder, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let id: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(new.holder.0).bind(new.name).bind(new.mail).bind(new.mail.map(fold))
        .bind(i64::from(new.keyholder)).bind(now.0)
        .fetch_one(c).await?);
    Ok(MemberId(id))
}

/// Removes a member who was made for a payment that turned out to be somebody else's, if nothing else hangs on it.
pub async fn forget_if_empty(tx: &mut Tx, member: MemberId) -> Result<()> {
    let sql = "SELECT (SELECT COUNT(*) FROM cards WHERE member = $1) + (SELECT COUNT(*) FROM customers WHERE member = $1) \
               + (SELECT COUNT(*) FROM coverage WHERE member = $1) + (SELECT COUNT(*) FROM payments WHERE member = $1) \
               + (SELECT COUNT(*) FROM grants WHERE member = $1) + (SELECT COUNT(*) FROM holds WHERE member = $1)";
    let held: i64 = on!(tx, c => sqlx::query_scalar(sql).bind(member.0).fetch_one(c).await?);
    if held == 0 {
        for sql in [
            "DELETE FROM terms WHERE member = $1",
            "DELETE FROM members WHERE id = $1",
        ] {
            on!(tx, c => sqlx::query(sql).bind(member.0).execute(c).await?.rows_affected());
        }
    }
    Ok(())
}

/// What a member begins with.
#[derive(Debug, Clone, Copy)]
pub struct NewMember<'a> {
    /// As doors will know the person; random.
    pub holder: Holder,
    /// The name, for staff.
    pub name: &'a str,
    /// The mail address.
    pub mail: Option<&'a str>,
    /// Exempt from lockdown and staleness.
    pub keyholder: bool,
}

/// A mail address as it is compared.
#[must_use]
pub fn fold(mail: &str) -> String {
    mail.trim().to_lowercase()
}

/// Members with a mail address, two at most.
pub async fn by_mail(
    tx: &mut Tx,
    organisation: &OrganisationId,
    mail: &str,
) -> Result<Vec<MemberId>> {
    let sql =
        "SELECT id FROM members WHERE organisation = $1 AND mail_folded = $2 ORDER BY id LIMIT 2";
    let rows: Vec<i64> = on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).bind(fold(mail)).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}

/// Whether the organisation has this member.
pub async fn exists(tx: &mut Tx, organisation: &OrganisationId, member: MemberId) -> Result<bool> {
    let sql = "SELECT id FROM members WHERE organisation = $1 AND id = $2";
    let row: Option<i64> = on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).bind(member.0).fetch_optional(c).await?);
    Ok(row.is_some())
}

/// Members of an organisation.
pub async fn all(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<MemberId>> {
    let sql = "SELECT id FROM members WHERE organisation = $1 ORDER BY id";
    let rows: Vec<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}

/// Members whose standing the clock changes now, earliest first.
pub async fn due(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<MemberId>> {
    let sql = "SELECT id FROM members WHERE next_change <= $1 ORDER BY next_change, id LIMIT $2";
    let rows: Vec<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(now.0).bind(limit).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}

/// Writes what was derived.
pub async fn put_standing(
    tx: &mut Tx,
    member: MemberId,
    standing: &Standing,
    next_change: Option<Timestamp>,
) -> Result<()> {
    let sql = "UPDATE members SET standing = $2, next_change = $3 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(member.0).bind(to_json(standing)).bind(next_change.map(|at| at.0))
        .execute(c).await?.rows_affected());
    Ok(())
}

/// A card of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Our id.
    pub id: CardId,
    /// Its number, sealed.
    pub uid_sealed: Vec<u8>,
    /// Whether it counts.
    pub state: CardRow,
    /// Since when.
    pub since: Timestamp,
}

/// Whether a card counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardRow {
    /// It does.
    Ok,
    /// Reported lost.
    Lost,
    /// Given back.
    Returned,
}

impl CardRow {
    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Lost => "lost",
            Self::Returned => "returned",
        }
    }
}

/// Cards of a member.
pub async fn cards(tx: &mut Tx, member: MemberId) -> Result<Vec<Card>> {
    let sql = "SELECT id, uid_sealed, state, state_since FROM cards WHERE member = $1 ORDER BY id";
    let rows: Vec<(i64, Vec<u8>, String, i64)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?);
    rows.into_iter()
        .map(|(id, uid_sealed, state, since)| {
            let state = [CardRow::Ok, CardRow::Lost, CardRow::Returned]
                .into_iter()
                .find(|known| known.word() == state)
                .ok_or(StoreError::Row {
                    table: "cards",
                    row: id.to_string(),
                    column: "state",
                })?;
            Ok(Card {
                id: CardId(id),
                uid_sealed,
                state,
                since: Timestamp(since),
            })
        })
        .collect()
}

/// The facts a member's standing rests on, and when Stripe could not be read.
pub async fn facts(tx: &mut Tx, member: MemberId, rulebook: &Rulebook) -> Result<Facts> {
    let coverage = coverage(tx, member, rulebook).await?;
    let mut facts = Facts {
        coverage,
        ..Facts::default()
    };
    let sql = "SELECT 'grant' AS kind, id, membership, starts_at, ends_at FROM grants WHERE member = $1 \
               UNION ALL SELECT 'hold', id, NULL, starts_at, ends_at FROM holds WHERE member = $1 \
               UNION ALL SELECT 'payment', id, membership, period_from, period_until FROM payments \
               WHERE member = $1 AND account IS NULL AND period_from IS NOT NULL";
    type Row = (String, i64, Option<String>, i64, Option<i64>);
    let rows: Vec<Row> = on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?);
    for (kind, id, membership, from, until) in rows {
        let membership = membership
            .map(|text| super::rulebook::name::<MembershipTypeId>(&text, "grants"))
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
    Ok(facts)
}

/// Customers whose objects matter to a member: the member's own, and those whose seats an admin gave the member.
async fn coverage(tx: &mut Tx, member: MemberId, rulebook: &Rulebook) -> Result<Vec<Coverage>> {
    let sql = "SELECT o.account, o.id, o.kind, o.customer, o.body, c.member, c.unread_since FROM objects o \
               JOIN customers c ON c.account = o.account AND c.id = o.customer WHERE c.member = $1 \
               UNION SELECT o.account, o.id, o.kind, o.customer, o.body, c.member, c.unread_since FROM coverage v \
               JOIN objects o ON o.account = v.account AND o.customer = v.customer \
               JOIN customers c ON c.account = o.account AND c.id = o.customer WHERE v.member = $1";
    type Row = (
        i64,
        String,
        String,
        String,
        String,
        Option<i64>,
        Option<i64>,
    );
    let rows: Vec<Row> = on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?);
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT v.account, v.item, v.seat, v.member FROM coverage v WHERE v.member = $1 \
               UNION SELECT v.account, v.item, v.seat, v.member FROM coverage v \
               JOIN customers c ON c.account = v.account AND c.id = v.customer WHERE c.member = $1";
    let named: Vec<(i64, String, i64, i64)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?);
    let named: BTreeMap<(i64, String, i64), i64> = named
        .into_iter()
        .map(|(account, item, seat, member)| ((account, item, seat), member))
        .collect();
    let mut subscriptions: Vec<(AccountId, Option<i64>, bool, Subscription)> = Vec::new();
    let mut invoices: BTreeMap<(AccountId, String), Vec<Invoice>> = BTreeMap::new();
    for (account, id, kind, _, body, owner, unread) in rows {
        let account = AccountId(account);
        match read(&kind, &body, &id)? {
            Object::Subscription(mut subscription) => {
                for item in &mut subscription.items {
                    item.membership = rulebook.prices.get(&(account, item.price.clone())).cloned();
                }
                subscriptions.push((account, owner, unread.is_some(), subscription));
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
            for seat in seats(&named, (account, &item.id), member, owner) {
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
    named: &BTreeMap<(i64, String, i64), i64>,
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

/// Every member that a customer's objects may concern.
pub async fn concerned(tx: &mut Tx, account: AccountId, customer: &str) -> Result<Vec<MemberId>> {
    let sql = "SELECT member FROM customers WHERE account = $1 AND id = $2 AND member IS NOT NULL \
               UNION SELECT member FROM coverage WHERE account = $1 AND customer = $2";
    let rows: Vec<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(account.0).bind(customer).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}

/// Records a paid invoice in the ledger; news of the same invoice changes the row, never adds one.
pub async fn book(
    tx: &mut Tx,
    organisation: &OrganisationId,
    account: AccountId,
    customer: &str,
    invoice: &Invoice,
    paid_at: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO payments (organisation, source, account, invoice, customer, member, amount, currency, reason, \
               period_from, period_until, paid_at, note) \
               SELECT $1, 'stripe', $2, $3, $4, (SELECT member FROM customers WHERE account = $2 AND id = $4), \
               $5, $6, $7, $8, $9, $10, '' WHERE 1 = 1 \
               ON CONFLICT (account, invoice) DO UPDATE SET amount = excluded.amount, reason = excluded.reason, \
               period_from = excluded.period_from, period_until = excluded.period_until, \
               member = COALESCE(payments.member, excluded.member)";
    let from = invoice.lines.iter().map(|line| line.from.0).min();
    let until = invoice.lines.iter().map(|line| line.to.0).max();
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(account.0).bind(&invoice.id).bind(customer)
        .bind(invoice.amount_paid).bind(&invoice.currency).bind(ledger_reason(invoice))
        .bind(from).bind(until).bind(paid_at.0)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Why an invoice was paid, or why nothing had to be.
fn ledger_reason(invoice: &Invoice) -> &'static str {
    match (
        invoice.amount_paid,
        invoice.balance_applied,
        invoice.reason.as_str(),
    ) {
        (0, applied, _) if applied > 0 => "credit balance",
        (0, _, _) if invoice.total > 0 => "below the minimum charge",
        (0, _, "subscription_create") => "trial or discount",
        (0, _, "subscription_update") => "change of plan, nothing due",
        (0, _, _) => "discount",
        (_, _, "subscription_create") => "first payment",
        (_, _, "subscription_cycle") => "renewal",
        (_, _, "subscription_update") => "change of plan",
        _ => "invoice",
    }
}
