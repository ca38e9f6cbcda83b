//! Standing and the facts it rests on, as the interface shows them.

use super::values::{Moment, Told};
use crate::membership::causes::of_cause;
use crate::said::Said;
use serde::{Deserialize, Serialize};
use shared::facts::Facts;
use shared::standing::{Access, Because, Standing, State as Word};
use utoipa::ToSchema;

/// Standing in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateWord {
    /// In good standing.
    Good,
    /// In, but a payment is missing.
    Grace,
    /// Out, though an admin could say why.
    Held,
    /// Not yet in.
    Pending,
    /// Was in, is out.
    Lapsed,
    /// Never in, as far as the facts go.
    Stranger,
}

impl StateWord {
    /// Every word, from those who are let in to those who never were.
    pub const ALL: [Self; 6] = [
        Self::Good,
        Self::Grace,
        Self::Pending,
        Self::Lapsed,
        Self::Held,
        Self::Stranger,
    ];

    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Grace => "grace",
            Self::Held => "held",
            Self::Pending => "pending",
            Self::Lapsed => "lapsed",
            Self::Stranger => "stranger",
        }
    }
}

/// Standing in one word, and its date: in until, out since, or in from.
pub fn word(state: &Word) -> (StateWord, Option<Moment>) {
    match state {
        Word::Good { until } => (StateWord::Good, Moment::maybe(*until)),
        Word::Grace { until } => (StateWord::Grace, Some(Moment(*until))),
        Word::Held { until, .. } => (StateWord::Held, Moment::maybe(*until)),
        Word::Pending { from } => (StateWord::Pending, Moment::maybe(*from)),
        Word::Lapsed { since } => (StateWord::Lapsed, Some(Moment(*since))),
        Word::Stranger => (StateWord::Stranger, None),
    }
}

/// What a member may do now, and because of what.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingView {
    /// In one word.
    pub state: StateWord,
    /// Whether doors open for the member.
    pub is_in: bool,
    /// In until then, out since then, or in from then on.
    pub date: Option<Moment>,
    /// The hold, if on hold.
    pub hold: Option<i64>,
    /// Access that holds, is to come, or ended lately.
    pub access: Vec<AccessView>,
}

/// A stretch of access and the fact it rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessView {
    /// As which type.
    pub membership: String,
    /// First moment of access; none: since ever.
    pub from: Option<Moment>,
    /// First moment without access; none: until ended.
    pub until: Option<Moment>,
    /// False while a renewal may move the end on.
    pub certain: bool,
    /// `subscription`, `payment` or `grant`.
    pub fact: &'static str,
    /// The fact's id.
    pub fact_id: String,
    /// What about it, in one sentence.
    pub because: Told,
}

impl From<&Standing> for StandingView {
    fn from(standing: &Standing) -> Self {
        let (state, date) = word(&standing.state);
        let hold = match &standing.state {
            Word::Held { hold, .. } => Some(hold.0),
            Word::Good { .. }
            | Word::Grace { .. }
            | Word::Pending { .. }
            | Word::Lapsed { .. }
            | Word::Stranger => None,
        };
        let access = standing.access.iter().map(AccessView::from).collect();
        Self {
            state,
            is_in: standing.state.is_in(),
            date,
            hold,
            access,
        }
    }
}

impl From<&Access> for AccessView {
    fn from(access: &Access) -> Self {
        let (fact, fact_id, because) = match &access.because {
            Because::Subscription { id, cause, .. } => {
                ("subscription", id.clone(), of_cause(*cause))
            }
            Because::Payment { id } => ("payment", id.to_string(), Said::of("because-hand")),
            Because::Grant { id } => ("grant", id.to_string(), Said::of("because-admin")),
        };
        Self {
            membership: access.membership.to_string(),
            from: Moment::maybe(access.from),
            until: Moment::maybe(access.until),
            certain: access.certain,
            fact,
            fact_id,
            because: Told(because),
        }
    }
}

/// A seat that covers the member, with what Stripe last showed of its subscription.
#[derive(Debug, Serialize, ToSchema)]
pub struct Covered {
    /// `sub_…`
    pub subscription: String,
    /// Stripe's word for its state.
    pub status: String,
    /// `cus_…`
    pub customer: String,
    /// `si_…`
    pub item: String,
    /// Counted from 1.
    pub seat: u32,
    /// The type that its price names.
    pub membership: Option<String>,
    /// Start of the running period.
    pub period_start: Option<Moment>,
    /// End of the running period.
    pub period_end: Option<Moment>,
    /// Ends with the running period.
    pub cancel_at_period_end: bool,
    /// Ends at this moment.
    pub cancel_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Whether Stripe could not be read when it was last asked.
    pub unread: bool,
    /// What was invoiced.
    pub invoices: Vec<Invoiced>,
}

/// An invoice of a subscription.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invoiced {
    /// `in_…`
    pub id: String,
    /// Whether it is paid; zero totals count as paid.
    pub paid: bool,
    /// Minor units.
    pub total: i64,
    /// Minor units really paid.
    pub amount_paid: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// When Stripe made it.
    pub created: Moment,
}

/// The seats that cover a member.
pub fn covered(facts: Facts) -> Vec<Covered> {
    let view = |coverage: shared::facts::Coverage| {
        let subscription = coverage.subscription;
        let item = subscription
            .items
            .iter()
            .find(|item| item.id == coverage.item);
        let invoices = coverage.invoices.into_iter().map(|invoice| Invoiced {
            paid: invoice.status == shared::facts::InvoiceStatus::Paid,
            id: invoice.id,
            total: invoice.total,
            amount_paid: invoice.amount_paid,
            currency: invoice.currency,
            created: Moment(invoice.created),
        });
        Covered {
            status: subscription.status.as_str().to_owned(),
            membership: item
                .and_then(|item| item.membership.clone())
                .map(String::from),
            period_start: item.map(|item| Moment(item.period_start)),
            period_end: item.map(|item| Moment(item.period_end)),
            subscription: subscription.id,
            customer: subscription.customer,
            item: coverage.item,
            seat: coverage.seat,
            cancel_at_period_end: subscription.cancel_at_period_end,
            cancel_at: Moment::maybe(subscription.cancel_at),
            ended_at: Moment::maybe(subscription.ended_at),
            unread: coverage.unread.is_some(),
            invoices: invoices.collect(),
        }
    };
    facts.coverage.into_iter().map(view).collect()
}
