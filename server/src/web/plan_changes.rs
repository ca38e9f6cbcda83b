//! A member's plan is changed from here: previewed by Stripe, then performed by the preview's token.

use super::extract::{At, Body};
use super::members::expect_member;
use super::problem::{Answer, Problem};
use super::{Here, through};
use crate::billing::plan_change::{PlanChangeError, Preview, Wish};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use utoipa::ToSchema;

/// When a plan changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At once; what is left of the period is set off.
    Now,
    /// With the next period.
    PeriodEnd,
}

/// A plan change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanChangeBody {
    /// The price to pay by: one with a membership type, see the catalogue.
    pub price: String,
    /// When.
    pub when: When,
    /// Which subscription; may be left out if the member has one.
    pub subscription: Option<String>,
    /// The token of a preview, to perform it; left out: only preview it.
    pub confirm: Option<String>,
}

/// A line of an invoice.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceLine {
    /// Stripe's words.
    pub description: String,
    /// Minor units; negative is given back.
    pub amount: i64,
}

/// A plan change, previewed or performed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanChangeView {
    /// Whether it was performed.
    pub performed: bool,
    /// Send it as `confirm` within the hour to perform the change.
    pub token: String,
    /// `sub_…`
    pub subscription: String,
    /// What is paid now.
    pub from_price: String,
    /// What is to be paid.
    pub to_price: String,
    /// When.
    pub when: When,
    /// `sub_sched_…` that changes the plan at the end of the period.
    pub schedule: Option<String>,
    /// In a preview: Stripe's own numbers.
    pub preview: Option<PreviewView>,
}

/// What Stripe says a change costs.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewView {
    /// The type paid for now.
    pub from: String,
    /// The type paid for then.
    pub to: String,
    /// Minor units that the next invoice charges, credit taken off.
    pub amount_due: i64,
    /// Minor units before that.
    pub total: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// What it is made of.
    pub lines: Vec<InvoiceLine>,
}

impl From<Preview> for PreviewView {
    fn from(preview: Preview) -> Self {
        let line = |line: crate::billing::plan_change::Line| InvoiceLine {
            description: line.description,
            amount: line.amount,
        };
        Self {
            from: preview.from.into(),
            to: preview.to.into(),
            amount_due: preview.amount_due,
            total: preview.total,
            currency: preview.currency,
            lines: preview.lines.into_iter().map(line).collect(),
        }
    }
}

impl From<PlanChangeError> for Problem {
    fn from(error: PlanChangeError) -> Self {
        let said = error.to_string();
        match error {
            PlanChangeError::NoKey => Self::conflict("STRIPE_SECRET_KEY", said),
            PlanChangeError::NoSubscription | PlanChangeError::Several(_) => {
                Self::field("subscription", said)
            }
            PlanChangeError::NoType => Self::field("price", said),
            PlanChangeError::Same => Self::conflict("price", said),
            PlanChangeError::SeveralItems(_) | PlanChangeError::Scheduled(_) => {
                Self::conflict("subscription", said)
            }
            PlanChangeError::Ending(_) => Self::conflict("when", said),
            PlanChangeError::NoPreview | PlanChangeError::Changed => {
                Self::conflict("confirm", said)
            }
            PlanChangeError::Stripe(error) => Self::stripe(&error, said),
            PlanChangeError::Store(error) => error.into(),
        }
    }
}

/// See what a plan change costs, then perform it by the preview's token
#[utoipa::path(post, path = "/api/v1/members/{member}/plan-change", tag = "billing",
    params(("member" = i64, Path)), request_body = PlanChangeBody,
    responses((status = OK, body = PlanChangeView), Problem))]
pub async fn change(
    state: Here,
    At(member): At<MemberId>,
    Body(body): Body<PlanChangeBody>,
) -> Answer<Json<PlanChangeView>> {
    let mut tx = state.app.store.begin_read().await?;
    let known = expect_member(&state, &mut tx, "member", member).await;
    known.map_err(|_| Problem::not_found("member"))?;
    drop(tx);
    let wish = Wish {
        member,
        subscription: body.subscription,
        price: body.price,
        at_period_end: body.when == When::PeriodEnd,
    };
    let (held, now) = (state.clone(), state.now());
    let (change, preview) = match body.confirm {
        None => {
            let preview = held.app.preview_plan_change(&wish, now).await?;
            (preview.change.clone(), Some(preview.into()))
        }
        Some(token) => {
            let performed = through(async move {
                held.app
                    .perform_plan_change(&wish, &token, held.actor(), now)
                    .await
            });
            let change = performed.await??;
            state.bells.fetch.notify_one();
            (change, None)
        }
    };
    Ok(Json(PlanChangeView {
        performed: change.state == "done",
        token: change.token,
        subscription: change.subscription,
        from_price: change.from_price,
        to_price: change.to_price,
        when: body.when,
        schedule: change.schedule,
        preview,
    }))
}
