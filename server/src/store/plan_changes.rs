//! Plan changes that an admin asked for: previewed, then performed at Stripe under one token.

use super::trip::Statement;
use super::{Result, Tx, on};
use shared::ids::{AccountId, MemberId, OrganisationId};
use shared::time::Timestamp;

/// A plan change.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PlanChange {
    /// Names it, and every request to Stripe that it takes.
    pub token: String,
    /// Whose.
    pub member: i64,
    /// `cus_…`
    pub customer: String,
    /// `sub_…`
    pub subscription: String,
    /// `si_…`
    pub item: String,
    /// What is paid now.
    pub from_price: String,
    /// What is to be paid.
    pub to_price: String,
    /// At the end of the period rather than now.
    pub at_period_end: i64,
    /// The moment that the preview was made for, in seconds since 1970.
    pub proration_date: i64,
    /// When it was previewed, in milliseconds since 1970.
    pub made_at: i64,
    /// `previewed`, `performing`, `done` or `refused`.
    pub state: String,
    /// `sub_sched_…`, if one performs it.
    pub schedule: Option<String>,
}

/// Keeps a preview.
pub async fn preview(
    tx: &mut Tx,
    organisation: &OrganisationId,
    account: AccountId,
    change: &PlanChange,
) -> Result<()> {
    let sql = "INSERT INTO plan_changes (token, organisation, account, member, customer, subscription, item, from_price, \
               to_price, at_period_end, proration_date, made_at, state) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'previewed')";
    on!(tx, c => sqlx::query(sql)
        .bind(&change.token).bind(organisation.as_str()).bind(account.0).bind(change.member)
        .bind(&change.customer).bind(&change.subscription).bind(&change.item)
        .bind(&change.from_price).bind(&change.to_price).bind(change.at_period_end)
        .bind(change.proration_date).bind(change.made_at)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// A member's plan change by its token.
pub async fn find(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
    token: &str,
) -> Result<Option<PlanChange>> {
    let sql = "SELECT token, member, customer, subscription, item, from_price, to_price, at_period_end, proration_date, \
               made_at, state, schedule FROM plan_changes WHERE organisation = $1 AND member = $2 AND token = $3";
    let question = Statement::new(sql).bind(organisation.as_str());
    Ok(tx.ask(question.bind(member.0).bind(token)).await?.pop())
}

/// Notes how far a plan change has come.
pub async fn put_state(
    tx: &mut Tx,
    token: &str,
    state: &str,
    schedule: Option<&str>,
) -> Result<()> {
    let sql =
        "UPDATE plan_changes SET state = $2, schedule = COALESCE($3, schedule) WHERE token = $1";
    on!(tx, c => sqlx::query(sql).bind(token).bind(state).bind(schedule).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets previews that were not used in time.
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<()> {
    let sql = "DELETE FROM plan_changes WHERE state = 'previewed' AND made_at < $1";
    on!(tx, c => sqlx::query(sql).bind(before.0).execute(c).await?.rows_affected());
    Ok(())
}
