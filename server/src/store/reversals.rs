//! Money that went back, and by which payment it had come.

use super::many::{self, parts};
use super::trip::Statement;
use super::{Result, StoreError, Tx, of, on};
use shared::ids::AccountId;
use shared::reversals::{Returned, ReversalKind};
use shared::time::Timestamp;

/// A record of money that went back, as Stripe last showed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reversed {
    /// `re_…`, `dp_…`, `cn_…`, or the `ch_…` that shows its refunds together.
    pub id: String,
    /// The payment that it takes back: `pi_…`, or `ch_…` where there is no intent.
    pub payment: Option<String>,
    /// `in_…`, if Stripe says.
    pub invoice: Option<String>,
    /// `cus_…`, if Stripe says.
    pub customer: Option<String>,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Stripe's word for why.
    pub reason: String,
    /// Kind, state, amount and moment.
    pub returned: Returned,
    /// Orders what is said of it.
    pub stamp: String,
}

/// Which invoice a payment paid, and whose it was, as far as somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// `pi_…`, or `ch_…` where there is no intent.
    pub payment: String,
    /// `in_…`
    pub invoice: Option<String>,
    /// `cus_…`
    pub customer: Option<String>,
}

/// So often Stripe is asked which invoice a payment paid.
const TRIES: i64 = 5;

/// Keeps a record; what was said later stays.
pub fn put(tx: &mut Tx, account: AccountId, reversed: &Reversed, now: Timestamp) {
    let sql = "INSERT INTO reversals (account, id, kind, payment, invoice, customer, amount, currency, status, reason, \
               made_at, stamp, trace_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
               ON CONFLICT (account, id) DO UPDATE SET payment = COALESCE(excluded.payment, reversals.payment), \
               invoice = COALESCE(excluded.invoice, reversals.invoice), \
               customer = COALESCE(excluded.customer, reversals.customer), amount = excluded.amount, \
               status = excluded.status, reason = excluded.reason, made_at = excluded.made_at, stamp = excluded.stamp \
               WHERE excluded.stamp > reversals.stamp";
    let Returned {
        kind,
        status,
        amount,
        at,
    } = &reversed.returned;
    let write = Statement::new(sql)
        .bind(account.0)
        .bind(reversed.id.as_str())
        .bind(kind.word())
        .bind(reversed.payment.as_deref())
        .bind(reversed.invoice.as_deref())
        .bind(reversed.customer.as_deref())
        .bind(*amount)
        .bind(reversed.currency.as_str())
        .bind(status.as_str())
        .bind(reversed.reason.as_str())
        .bind(at.0)
        .bind(reversed.stamp.as_str())
        .bind(now.0);
    tx.later(write);
}

/// Keeps what is known of payments, each once.
pub fn collected(tx: &mut Tx, account: AccountId, collected: &[&Collected]) {
    for part in parts(collected) {
        let row = |row: usize| format!("($1, {})", many::list(2 + row * 3, 3));
        let sql = format!(
            "INSERT INTO charges (account, payment, invoice, customer) VALUES {} \
             ON CONFLICT (account, payment) DO UPDATE SET \
             invoice = COALESCE(charges.invoice, excluded.invoice), \
             customer = COALESCE(charges.customer, excluded.customer)",
            (0..part.len()).map(row).collect::<Vec<String>>().join(", ")
        );
        let write = |write: Statement, collected: &&Collected| {
            write
                .bind(collected.payment.as_str())
                .bind(collected.invoice.as_deref())
                .bind(collected.customer.as_deref())
        };
        let statement = Statement::new(sql).bind(account.0);
        tx.later(part.iter().fold(statement, write));
    }
}

/// Tells the records of payments which invoice and whose they are, as far as is known; each payment with whose it
/// turns out to be.
pub async fn resolve(
    tx: &mut Tx,
    account: AccountId,
    payments: &[&str],
) -> Result<Vec<(String, String)>> {
    let invoice = "UPDATE reversals SET invoice = COALESCE(invoice, (SELECT c.invoice FROM charges c \
                   WHERE c.account = reversals.account AND c.payment = reversals.payment))";
    let customer = "UPDATE reversals SET customer = COALESCE(customer, (SELECT c.customer FROM charges c \
                    WHERE c.account = reversals.account AND c.payment = reversals.payment), \
                    (SELECT o.customer FROM objects o WHERE o.account = reversals.account AND o.id = reversals.invoice))";
    let of = |sql: &str, part: &[&str]| {
        let those = many::list(2, part.len());
        let statement =
            Statement::new(format!("{sql} WHERE account = $1 AND payment IN ({those})"));
        part.iter()
            .fold(statement.bind(account.0), |statement, payment| {
                statement.bind(*payment)
            })
    };
    for sql in [invoice, customer] {
        for part in parts(payments) {
            tx.later(of(sql, part));
        }
    }
    let whose = "SELECT DISTINCT payment, customer FROM reversals";
    let asked = tx.put(parts(payments).map(|part| of(whose, part)));
    let rows: Vec<(String, Option<String>)> = tx.answer(asked).await?;
    let known = rows.into_iter();
    Ok(known
        .filter_map(|(payment, customer)| Some((payment, customer?)))
        .collect())
}

/// Payments of an account that were taken back, of which no invoice is known and about which Stripe should be asked by
/// now.
pub async fn untraced(
    tx: &mut Tx,
    account: AccountId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT payment FROM reversals WHERE invoice IS NULL AND payment IS NOT NULL \
               AND trace_at <= $1 AND tries < $2 AND account = $3 ORDER BY payment LIMIT $4";
    Ok(
        on!(tx, c => sqlx::query_scalar(sql).bind(now.0).bind(TRIES).bind(account.0).bind(limit).fetch_all(c).await?),
    )
}

/// Counts that Stripe was asked about a payment, and when it may be asked again.
pub fn asked(tx: &mut Tx, account: AccountId, payment: &str, again: Timestamp) {
    let sql =
        "UPDATE reversals SET tries = tries + 1, trace_at = $3 WHERE account = $1 AND payment = $2";
    let write = Statement::new(sql)
        .bind(account.0)
        .bind(payment)
        .bind(again.0);
    tx.later(write);
}

/// A record for the interface.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ReversalRow {
    /// Stripe's id.
    pub id: String,
    /// `refund`, `charge`, `credit_note` or `dispute`.
    pub kind: String,
    /// Whose; none while the customer belongs to nobody.
    pub member: Option<i64>,
    /// `cus_…`
    pub customer: Option<String>,
    /// `in_…`
    pub invoice: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Stripe's word.
    pub status: String,
    /// Stripe's word.
    pub reason: String,
    /// When, in milliseconds since 1970.
    pub made_at: i64,
}

/// Records of an account, newest first, of one member or of all; after the one with this moment and id.
pub async fn list(
    tx: &mut Tx,
    account: AccountId,
    member: Option<i64>,
    before: (Timestamp, &str),
    limit: i64,
) -> Result<Vec<ReversalRow>> {
    let whose = of(member, "c.member", "$2");
    let sql = format!(
        "SELECT r.id, r.kind, c.member, r.customer, r.invoice, r.amount, r.currency, r.status, r.reason, r.made_at \
         FROM reversals r LEFT JOIN customers c ON c.account = r.account AND c.id = r.customer \
         WHERE r.account = $1 AND {whose} AND (r.made_at, r.id) < ($3, $4) \
         ORDER BY r.made_at DESC, r.id DESC LIMIT $5"
    );
    let question = Statement::new(sql)
        .bind(account.0)
        .bind(member.unwrap_or(0));
    tx.ask(question.bind(before.0.0).bind(before.1).bind(limit))
        .await
}

/// Reads a kind's word.
pub(super) fn kind(word: &str, id: &str) -> Result<ReversalKind> {
    let known = ReversalKind::ALL.into_iter();
    known
        .into_iter()
        .find(|kind| kind.word() == word)
        .ok_or_else(|| StoreError::Row {
            table: "reversals",
            row: id.to_owned(),
            column: "kind",
        })
}
