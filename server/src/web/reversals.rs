//! Money that went back: refunds, credit notes and disputes, each in its own row.

use super::Here;
use super::extract::Asked;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::Moment;
use crate::store::reversals::{self, ReversalRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// Money that went back, or may have to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reversal {
    /// `re_…`, `cn_…`, `dp_…`; or `ch_…` for what a charge says of its refunds together.
    pub id: String,
    /// `refund`, `credit_note`, `dispute` or `charge`.
    pub kind: String,
    /// Whose payment; none while the customer belongs to nobody.
    pub member: Option<i64>,
    /// `cus_…`
    pub customer: Option<String>,
    /// `in_…`
    pub invoice: Option<String>,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Stripe's word for its state.
    pub status: String,
    /// Stripe's word for why.
    pub reason: String,
    /// When.
    pub at: Moment,
}

impl From<ReversalRow> for Reversal {
    fn from(row: ReversalRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            member: row.member,
            customer: row.customer,
            invoice: row.invoice,
            amount: row.amount,
            currency: row.currency,
            status: row.status,
            reason: row.reason,
            at: Moment::of(row.made_at),
        }
    }
}

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReversalFilter {
    /// Only of this member.
    pub member: Option<i64>,
    /// The `next` of the part before.
    pub before: Option<String>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// Refunds, credit notes and disputes, newest first
#[utoipa::path(get, path = "/api/v1/reversals", tag = "billing", params(ReversalFilter),
    responses((status = OK, body = Page<Reversal>), Problem))]
pub async fn list(
    state: Here,
    Asked(filter): Asked<ReversalFilter>,
) -> Answer<Json<Page<Reversal>>> {
    let limit = limit(filter.limit)?;
    let before = filter.before.as_deref().map(place).transpose()?;
    let before = before.unwrap_or((Timestamp::MAX, ""));
    let mut tx = state.app.store.begin_read().await?;
    let rows =
        reversals::list(&mut tx, state.app.account, filter.member, before, limit + 1).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| format!("{} {}", row.made_at, row.id),
        Reversal::from,
    )))
}

/// Where a part begins: a moment and an id.
fn place(text: &str) -> Answer<(Timestamp, &str)> {
    text.split_once(' ')
        .and_then(|(at, id)| Some((Timestamp(at.parse().ok()?), id)))
        .ok_or(Problem::field(
            "before",
            "Write the `next` of the part before.",
        ))
}
