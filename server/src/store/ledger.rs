//! What a member was given and denied, and what was paid: grants, holds, payments.

use super::trip::Statement;
use super::{Result, Tx, of, on};
use shared::ids::{GrantId, HoldId, MemberId, MembershipTypeId, OrganisationId, PaymentId};
use shared::receipts::NO_CURRENCY;
use shared::time::Timestamp;

/// A grant or a hold.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Deed {
    /// Our id.
    pub id: i64,
    /// Whom.
    pub member: i64,
    /// As which type; none for a hold.
    pub membership: Option<String>,
    /// `sub_…`, for a hold on what that one gives alone.
    pub subscription: Option<String>,
    /// From when, in milliseconds since 1970.
    pub starts_at: i64,
    /// Until when.
    pub ends_at: Option<i64>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub made_by: String,
}

/// A member's grants, newest first.
pub async fn grants(tx: &mut Tx, member: MemberId) -> Result<Vec<Deed>> {
    let sql = "SELECT id, member, membership, NULL AS subscription, starts_at, ends_at, reason, made_by FROM grants WHERE member = $1 \
               ORDER BY id DESC";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?))
}

/// A member's holds, newest first.
pub async fn holds(tx: &mut Tx, member: MemberId) -> Result<Vec<Deed>> {
    let sql = "SELECT id, member, NULL AS membership, subscription, starts_at, ends_at, reason, made_by FROM holds WHERE member = $1 \
               ORDER BY id DESC";
    Ok(on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?))
}

/// A stretch of time and why, for a grant or a hold.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// First moment.
    pub from: Timestamp,
    /// First moment after it; none: until ended.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: &'a str,
    /// By whom.
    pub made_by: &'a str,
}

/// Gives access.
pub async fn grant(
    tx: &mut Tx,
    member: MemberId,
    membership: &MembershipTypeId,
    stretch: Stretch<'_>,
) -> Result<GrantId> {
    let sql = "INSERT INTO grants (member, membership, starts_at, ends_at, reason, made_by) \
               VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    let id: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(member.0).bind(membership.as_str()).bind(stretch.from.0).bind(stretch.until.map(|at| at.0))
        .bind(stretch.reason).bind(stretch.made_by).fetch_one(c).await?);
    Ok(GrantId(id))
}

/// Withholds access: all of it, or what one `subscription` gives.
pub async fn hold(
    tx: &mut Tx,
    member: MemberId,
    subscription: Option<&str>,
    stretch: Stretch<'_>,
) -> Result<HoldId> {
    let sql = "INSERT INTO holds (member, subscription, starts_at, ends_at, reason, made_by) \
               VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    let id: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(member.0).bind(subscription).bind(stretch.from.0).bind(stretch.until.map(|at| at.0))
        .bind(stretch.reason).bind(stretch.made_by).fetch_one(c).await?);
    Ok(HoldId(id))
}

/// One grant.
pub async fn find_grant(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: GrantId,
) -> Result<Option<Deed>> {
    let sql = "SELECT g.id, g.member, g.membership, NULL AS subscription, g.starts_at, g.ends_at, g.reason, g.made_by \
               FROM grants g \
               JOIN members m ON m.id = g.member WHERE m.organisation = $1 AND g.id = $2";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(id.0).fetch_optional(c).await?),
    )
}

/// One hold.
pub async fn find_hold(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: HoldId,
) -> Result<Option<Deed>> {
    let sql = "SELECT h.id, h.member, NULL AS membership, h.subscription, h.starts_at, h.ends_at, h.reason, h.made_by \
               FROM holds h \
               JOIN members m ON m.id = h.member WHERE m.organisation = $1 AND h.id = $2";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(id.0).fetch_optional(c).await?),
    )
}

/// Sets a grant's end.
pub async fn end_grant(tx: &mut Tx, id: GrantId, at: Timestamp) -> Result<()> {
    let sql = "UPDATE grants SET ends_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id.0).bind(at.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Sets a hold's end.
pub async fn end_hold(tx: &mut Tx, id: HoldId, at: Timestamp) -> Result<()> {
    let sql = "UPDATE holds SET ends_at = $2 WHERE id = $1";
    on!(tx, c => sqlx::query(sql).bind(id.0).bind(at.0).execute(c).await?.rows_affected());
    Ok(())
}

/// A payment, Stripe's or recorded by hand.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PaymentRow {
    /// Our id.
    pub id: i64,
    /// `stripe`, `cash` or `transfer`.
    pub source: String,
    /// Whose; none while the customer belongs to nobody.
    pub member: Option<i64>,
    /// `cus_…`
    pub customer: Option<String>,
    /// `in_…`
    pub invoice: Option<String>,
    /// What it paid for, if recorded by hand.
    pub membership: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Why, or why nothing had to be paid.
    pub reason: String,
    /// First moment paid for, in milliseconds since 1970.
    pub period_from: Option<i64>,
    /// First moment no longer paid for.
    pub period_until: Option<i64>,
    /// When.
    pub paid_at: i64,
    /// A remark.
    pub note: String,
    /// From which moment's day and time of day the next period is counted, if recorded by hand in periods.
    pub anchor_at: Option<i64>,
    /// When it was declared void.
    pub voided_at: Option<i64>,
    /// Why.
    pub void_reason: Option<String>,
}

impl PaymentRow {
    /// Minor units and currency; none if nobody wrote down how much it was.
    #[must_use]
    pub fn money(&self) -> Option<(i64, &str)> {
        let known = self.currency != NO_CURRENCY;
        known.then_some((self.amount, self.currency.as_str()))
    }
}

/// Payments, newest first, of one member or of all.
pub async fn payments(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: Option<MemberId>,
    before: i64,
    limit: i64,
) -> Result<Vec<PaymentRow>> {
    let wanted = Wanted {
        member,
        ..Wanted::default()
    };
    list(tx, organisation, wanted, before, limit).await
}

/// Which payments are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Only of this member.
    pub member: Option<MemberId>,
    /// Only that came this way.
    pub source: Option<&'a str>,
    /// Only from this moment on.
    pub from: Timestamp,
    /// Only before this moment.
    pub until: Timestamp,
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Self {
            member: None,
            source: None,
            from: Timestamp::MIN,
            until: Timestamp::MAX,
        }
    }
}

/// Payments, newest first.
pub async fn list(
    tx: &mut Tx,
    organisation: &OrganisationId,
    wanted: Wanted<'_>,
    before: i64,
    limit: i64,
) -> Result<Vec<PaymentRow>> {
    let member = wanted.member.map(|member| member.0);
    let whose = of(member, "member", "$3");
    let sql = format!(
        "SELECT id, source, member, customer, invoice, membership, amount, currency, reason, period_from, period_until, \
         paid_at, note, anchor_at, voided_at, void_reason FROM payments WHERE organisation = $1 AND id < $2 AND {whose} \
         AND ($4 = '' OR source = $4) AND paid_at >= $5 AND paid_at < $6 ORDER BY id DESC LIMIT $7"
    );
    let question = Statement::new(sql).bind(organisation.as_str()).bind(before);
    let question = question
        .bind(member.unwrap_or(0))
        .bind(wanted.source.unwrap_or(""));
    let question = question.bind(wanted.from.0).bind(wanted.until.0);
    tx.ask(question.bind(limit)).await
}

/// What payments come to: of each currency and way, how many and how much; without those that are void or of an unknown
/// amount.
pub async fn totals(
    tx: &mut Tx,
    organisation: &OrganisationId,
    wanted: Wanted<'_>,
) -> Result<Vec<(String, String, i64, i64)>> {
    let sql = "SELECT currency, source, COUNT(*), CAST(SUM(amount) AS BIGINT) FROM payments \
               WHERE organisation = $1 AND ($2 = 0 OR member = $2) AND ($3 = '' OR source = $3) \
               AND paid_at >= $4 AND paid_at < $5 AND voided_at IS NULL AND currency <> $6 \
               GROUP BY currency, source ORDER BY currency, source";
    Ok(on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(wanted.member.map_or(0, |member| member.0))
        .bind(wanted.source.unwrap_or("")).bind(wanted.from.0).bind(wanted.until.0).bind(NO_CURRENCY)
        .fetch_all(c).await?))
}

/// One payment.
pub async fn payment(
    tx: &mut Tx,
    organisation: &OrganisationId,
    id: PaymentId,
) -> Result<Option<PaymentRow>> {
    let found = payments(tx, organisation, None, id.0.saturating_add(1), 1).await?;
    Ok(found.into_iter().find(|row| row.id == id.0))
}

/// Declares a payment by hand void; false if it is none, or was before.
pub async fn void(tx: &mut Tx, id: PaymentId, reason: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE payments SET voided_at = $2, void_reason = $3 \
               WHERE id = $1 AND account IS NULL AND voided_at IS NULL";
    let done = on!(tx, c => sqlx::query(sql).bind(id.0).bind(now.0).bind(reason).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Money received by hand.
#[derive(Debug, Clone, Copy)]
pub struct ByHand<'a> {
    /// `cash` or `transfer`.
    pub source: &'a str,
    /// Whose.
    pub member: MemberId,
    /// What for.
    pub membership: &'a MembershipTypeId,
    /// Minor units and currency (ISO 4217, lower case); none: it is not known how much it was.
    pub money: Option<(i64, &'a str)>,
    /// First moment paid for.
    pub from: Timestamp,
    /// First moment no longer paid for.
    pub until: Timestamp,
    /// From which moment's day and time of day the next period is counted.
    pub anchor: Timestamp,
    /// When.
    pub paid_at: Timestamp,
    /// A remark.
    pub note: &'a str,
}

/// Records money received by hand.
pub async fn record(
    tx: &mut Tx,
    organisation: &OrganisationId,
    payment: ByHand<'_>,
) -> Result<PaymentId> {
    let sql = "INSERT INTO payments (organisation, source, member, membership, amount, currency, reason, period_from, \
               period_until, paid_at, note, anchor_at) \
               VALUES ($1, $2, $3, $4, $5, $6, 'recorded by hand', $7, $8, $9, $10, $11) \
               RETURNING id";
    let (amount, currency) = payment.money.unwrap_or((0, NO_CURRENCY));
    let id: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(payment.source).bind(payment.member.0).bind(payment.membership.as_str())
        .bind(amount).bind(currency).bind(payment.from.0).bind(payment.until.0)
        .bind(payment.paid_at.0).bind(payment.note).bind(payment.anchor.0)
        .fetch_one(c).await?);
    Ok(PaymentId(id))
}

/// Says for which type a payment by hand pays.
pub fn put_membership(tx: &mut Tx, id: PaymentId, membership: &MembershipTypeId) {
    let sql = "UPDATE payments SET membership = $2 WHERE id = $1 AND account IS NULL";
    tx.later(Statement::new(sql).bind(id.0).bind(membership.as_str()));
}

/// Says until when a payment by hand pays; from then the next one is counted.
pub fn put_until(tx: &mut Tx, id: PaymentId, until: Timestamp) {
    let sql =
        "UPDATE payments SET period_until = $2, anchor_at = $2 WHERE id = $1 AND account IS NULL";
    tx.later(Statement::new(sql).bind(id.0).bind(until.0));
}
