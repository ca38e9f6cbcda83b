//! An admin moves a member to another tagged price: first Stripe's own preview of what that costs, then, by its token, the
//! change itself, now or at the end of the period.

mod requests;

use super::catalogue::refusal;
use super::client::{Stripe, StripeError};
use crate::app::{App, Work};
use crate::store::attention::{AuditLine, audit};
use crate::store::payers::{self, Whose};
use crate::store::plan_changes::{self, PlanChange};
use crate::store::{StoreError, catalogue, mirror};
use requests::{current, perform, preview_request, text};
use serde_json::Value;
use shared::ids::{MemberId, MembershipTypeId};
use shared::time::{Span, Timestamp};

/// So long a preview is good for.
const GOOD_FOR: Span = Span::hours(1);

/// Which change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Whose plan.
    pub member: MemberId,
    /// Which of several subscriptions.
    pub subscription: Option<String>,
    /// To which price.
    pub price: String,
    /// At the end of the period rather than now.
    pub at_period_end: bool,
}

/// A line of a previewed invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Stripe's words.
    pub description: String,
    /// Minor units; negative is given back.
    pub amount: i64,
}

/// What a change would do, in Stripe's own numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The change as it is kept.
    pub change: PlanChange,
    /// The type paid for now.
    pub from: MembershipTypeId,
    /// The type paid for then.
    pub to: MembershipTypeId,
    /// What is charged at the next invoice, minor units.
    pub amount_due: i64,
    /// What that is before credit is taken off.
    pub total: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// What it is made of.
    pub lines: Vec<Line>,
}

/// Why a plan was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PlanChangeError {
    /// There is no key, or not the right one.
    #[error(
        "without a Stripe key of the account on record no plan can be changed: set STRIPE_SECRET_KEY"
    )]
    NoKey,
    /// Nothing to change.
    #[error("the member has no running subscription with a membership type")]
    NoSubscription,
    /// More than one.
    #[error("the member has several subscriptions, name one of them: {}", .0.join(", "))]
    Several(Vec<String>),
    /// More than one item in the subscription.
    #[error(
        "several items of subscription {0} name a membership type: change it in Stripe's dashboard"
    )]
    SeveralItems(String),
    /// The price names no type that exists, or is not sold any more.
    #[error(
        "the price names no membership type, or is not sold any more: see the catalogue for those that do"
    )]
    NoType,
    /// Nothing would change.
    #[error("the subscription is on this price already")]
    Same,
    /// A schedule has other plans.
    #[error(
        "subscription {0} follows a schedule already: release that in Stripe's dashboard first"
    )]
    Scheduled(String),
    /// It ends before the change could be.
    #[error("subscription {0} is set to end: take that back first, or change the plan now")]
    Ending(String),
    /// The token is not of a preview of this change.
    #[error("this is no preview of this change, or it is older than an hour: ask for another")]
    NoPreview,
    /// Something changed since.
    #[error("the subscription has changed since the preview: ask for another")]
    Changed,
    /// Stripe did not do it.
    #[error("{}", refusal(.0, "change subscriptions", "Subscriptions"))]
    Stripe(Box<StripeError>),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StripeError> for PlanChangeError {
    fn from(error: StripeError) -> Self {
        Self::Stripe(Box::new(error))
    }
}

type Result<T> = std::result::Result<T, PlanChangeError>;

impl App {
    /// What a change would cost, as Stripe says; keeps the preview under a token.
    pub async fn preview_plan_change(&self, wish: &Wish, now: Timestamp) -> Result<Preview> {
        let stripe = self.stripe_for_changes(now).await?;
        let mut work = self.work(now).await?;
        let (customer, id) = self.chosen(&mut work, wish).await?;
        let to = self.target(&mut work, &wish.price).await?;
        let rulebook = work.rulebook.clone();
        drop(work);
        let current = current(stripe, &id, |price| {
            rulebook
                .prices
                .get(&(self.account, price.to_owned()))
                .cloned()
        })
        .await?;
        if current.price == wish.price {
            return Err(PlanChangeError::Same);
        }
        if current.schedule().is_some() {
            return Err(PlanChangeError::Scheduled(current.id()));
        }
        if wish.at_period_end && current.is_ending() {
            return Err(PlanChangeError::Ending(current.id()));
        }
        let token = self
            .with_random(|random| format!("{:016x}{:016x}", random.next_u64(), random.next_u64()));
        let change = PlanChange {
            token,
            member: wish.member.0,
            customer,
            subscription: current.id(),
            item: text(&current.item["id"]),
            from_price: current.price.clone(),
            to_price: wish.price.clone(),
            at_period_end: i64::from(wish.at_period_end),
            proration_date: now.as_seconds(),
            made_at: now.0,
            state: "previewed".to_owned(),
            schedule: None,
        };
        let invoice = stripe.change(preview_request(&change, &current)).await?;
        let mut tx = self.store.begin().await?;
        plan_changes::forget(&mut tx, now - GOOD_FOR).await?;
        plan_changes::preview(&mut tx, &self.organisation, self.account, &change).await?;
        tx.commit().await?;
        let lines = invoice["lines"]["data"].as_array();
        let line = |line: &Value| Line {
            description: text(&line["description"]),
            amount: line["amount"].as_i64().unwrap_or_default(),
        };
        Ok(Preview {
            change,
            from: current.membership,
            to,
            amount_due: invoice["amount_due"].as_i64().unwrap_or_default(),
            total: invoice["total"].as_i64().unwrap_or_default(),
            currency: text(&invoice["currency"]),
            lines: lines.into_iter().flatten().map(line).collect(),
        })
    }

    /// Performs a previewed change; the same token performs it once, however often it is sent.
    pub async fn perform_plan_change(
        &self,
        wish: &Wish,
        token: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<PlanChange> {
        let stripe = self.stripe_for_changes(now).await?;
        let mut work = self.work(now).await?;
        let found = plan_changes::find(&mut work.tx, &self.organisation, wish.member, token);
        let change = found.await?.ok_or(PlanChangeError::NoPreview)?;
        let same = change.to_price == wish.price
            && (change.at_period_end != 0) == wish.at_period_end
            && wish
                .subscription
                .as_ref()
                .is_none_or(|id| *id == change.subscription);
        let begun = change.state == "performing";
        let fresh = change.state == "previewed" && now < Timestamp(change.made_at) + GOOD_FOR;
        if same && change.state == "done" {
            return Ok(change);
        }
        if !same || !(begun || fresh) {
            return Err(PlanChangeError::NoPreview);
        }
        if fresh {
            self.target(&mut work, &change.to_price).await?;
            plan_changes::put_state(&mut work.tx, token, "performing", None).await?;
            let cause = format!(
                "subscription {} from {} to {}{}",
                change.subscription,
                change.from_price,
                change.to_price,
                if wish.at_period_end {
                    " at period end"
                } else {
                    ""
                }
            );
            self.note_plan(&mut work, actor, "member.plan_change", &change, &cause);
        }
        let rulebook = work.rulebook.clone();
        work.tx.commit().await?;
        let typed = |price: &str| {
            rulebook
                .prices
                .get(&(self.account, price.to_owned()))
                .cloned()
        };
        let performed = perform(stripe, &change, begun, typed).await;
        self.settle_plan(change, performed, now).await
    }

    async fn settle_plan(
        &self,
        change: PlanChange,
        performed: Result<Option<String>>,
        now: Timestamp,
    ) -> Result<PlanChange> {
        let mut work = self.work(now).await?;
        let settled = match performed {
            Ok(schedule) => {
                let schedule = schedule.as_deref();
                plan_changes::put_state(&mut work.tx, &change.token, "done", schedule).await?;
                self.note_plan(
                    &mut work,
                    "server",
                    "member.plan_changed",
                    &change,
                    "Stripe has it",
                );
                mirror::want_fetch(&mut work.tx, self.account, &change.customer, now);
                Ok(PlanChange {
                    state: "done".to_owned(),
                    schedule: schedule.map(str::to_owned),
                    ..change
                })
            }
            Err(PlanChangeError::Stripe(error)) if error.leaves_open() => {
                return Err(PlanChangeError::Stripe(error));
            }
            Err(error) => {
                plan_changes::put_state(&mut work.tx, &change.token, "refused", None).await?;
                Err(error)
            }
        };
        work.tx.commit().await?;
        settled
    }

    async fn stripe_for_changes(&self, now: Timestamp) -> Result<&dyn Stripe> {
        let stripe = self.billing.stripe.as_ref();
        let stripe = stripe.ok_or(PlanChangeError::NoKey)?;
        if !self.confirm(now).await? {
            return Err(PlanChangeError::NoKey);
        }
        Ok(stripe.as_ref())
    }

    /// The customer and the subscription to change: the named one, or the only one.
    async fn chosen(&self, work: &mut Work, wish: &Wish) -> Result<(String, String)> {
        let whose = Whose::Of(wish.member);
        let customers = payers::customers(&mut work.tx, self.account, whose, "", i64::MAX).await?;
        let mut found = Vec::new();
        for customer in customers {
            for running in catalogue::running(&mut work.tx, self.account, &customer.id).await? {
                let typed = running.items.iter().any(|item| {
                    let key = (self.account, item.price.clone());
                    work.rulebook.prices.contains_key(&key)
                });
                let named = wish
                    .subscription
                    .as_ref()
                    .is_none_or(|id| *id == running.id);
                if typed && named {
                    found.push((customer.id.clone(), running.id));
                }
            }
        }
        match found.len() {
            0 => Err(PlanChangeError::NoSubscription),
            1 => found.pop().ok_or(PlanChangeError::NoSubscription),
            _ => Err(PlanChangeError::Several(
                found.into_iter().map(|(_, id)| id).collect(),
            )),
        }
    }

    /// The type of a price that members can be moved to.
    async fn target(&self, work: &mut Work, price: &str) -> Result<MembershipTypeId> {
        let sold = catalogue::one(&mut work.tx, self.account, price).await?;
        let typed = work.rulebook.prices.get(&(self.account, price.to_owned()));
        match (sold, typed) {
            (Some(sold), Some(typed)) if sold.face.active && sold.gone_at.is_none() => {
                Ok(typed.clone())
            }
            (_, _) => Err(PlanChangeError::NoType),
        }
    }

    fn note_plan(
        &self,
        work: &mut Work,
        actor: &str,
        action: &str,
        change: &PlanChange,
        cause: &str,
    ) {
        let line = AuditLine {
            actor,
            action,
            member: Some(MemberId(change.member)),
            cause,
            body: None,
        };
        audit(&mut work.tx, &self.organisation, work.now, line);
    }
}
