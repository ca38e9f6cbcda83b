//! What we know about a member: what Stripe said, what an admin wrote, what was paid by hand.

use crate::calendar::Calendar;
use crate::ids::{AccountId, GrantId, HoldId, MembershipTypeId, PaymentId};
use crate::reversals::{DisputeState, Reversal};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything a member's standing rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Subscription items whose seats cover the member.
    pub coverage: Vec<Coverage>,
    /// Payments recorded by hand.
    pub payments: Vec<HandPayment>,
    /// Access given by an admin.
    pub grants: Vec<Grant>,
    /// Access withheld by an admin.
    pub holds: Vec<Hold>,
    /// Seats that the member pays for and that cover nobody.
    #[serde(default)]
    pub open_seats: Vec<OpenSeats>,
}

/// Seats of an item that are paid and cover nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSeats {
    /// The item's id.
    pub item: String,
    /// How many.
    pub count: u32,
}

/// One seat of one item of a subscription, with what was invoiced for that subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The Stripe account the subscription lives in.
    pub account: AccountId,
    /// The item's id.
    pub item: String,
    /// Counted from 1.
    pub seat: u32,
    /// Its place among the seats named of the item ([`crate::seats::place`]).
    pub place: u32,
    /// Since when the seat covers the member by an admin's word.
    #[serde(default)]
    pub named_at: Option<Timestamp>,
    /// Stripe could not be read for this customer when it was last asked.
    #[serde(default)]
    pub unread: Option<Unread>,
    /// The subscription as Stripe last showed it.
    pub subscription: Subscription,
    /// Its invoices, in any order.
    pub invoices: Vec<Invoice>,
}

/// How long Stripe has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unread {
    /// Since when it does not.
    pub since: Timestamp,
    /// When it was asked and answered last.
    pub read_at: Option<Timestamp>,
}

impl Coverage {
    /// What is subscribed to; none once it was taken out of the subscription.
    #[must_use]
    pub fn of_item(&self) -> Option<&Item> {
        let mut items = self.subscription.items.iter();
        items.find(|item| item.id == self.item)
    }
}

/// A subscription as the rules see it (docs.stripe.com/api/subscriptions/object), free of API versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// `sub_…`
    pub id: String,
    /// `cus_…`
    pub customer: String,
    /// Stripe's status.
    pub status: SubscriptionStatus,
    /// When Stripe made it.
    pub created: Timestamp,
    /// Ends with the item's period.
    #[serde(default)]
    pub cancel_at_period_end: bool,
    /// Ends at this moment.
    #[serde(default)]
    pub cancel_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Why it was cancelled.
    #[serde(default)]
    pub cancellation: Option<Cancellation>,
    /// Set while collection is paused.
    #[serde(default)]
    pub pause: Option<Pause>,
    /// Why the status is `paused` (`status_details.paused.subscription.type`).
    #[serde(default)]
    pub paused_because: Option<String>,
    /// How it is paid.
    #[serde(default)]
    pub collection: Collection,
    /// End of the trial.
    #[serde(default)]
    pub trial_end: Option<Timestamp>,
    /// What is subscribed to.
    pub items: Vec<Item>,
}

impl Subscription {
    /// An end of an item that was set beforehand: its period's end, or the moment named, whichever is earlier.
    #[must_use]
    pub fn set_end_of(&self, item: &Item) -> Option<Timestamp> {
        let with_period = self.cancel_at_period_end.then_some(item.period_end);
        [self.cancel_at, with_period].into_iter().flatten().min()
    }

    /// The first end of any item that was set beforehand.
    #[must_use]
    pub fn set_end(&self) -> Option<Timestamp> {
        let ends = self.items.iter().filter_map(|item| self.set_end_of(item));
        ends.min().or(self.cancel_at)
    }

    /// Adds items that were taken out of a subscription which goes on without any membership: what was paid for them
    /// counts on, as it does for a plan that has lost its tag.
    pub fn remember_gone_items(&mut self, invoices: &[Invoice]) {
        if self.items.iter().any(|item| item.membership.is_some()) {
            return;
        }
        let mut gone: BTreeMap<&str, Item> = BTreeMap::new();
        let paid = invoices
            .iter()
            .filter(|invoice| invoice.status == InvoiceStatus::Paid);
        for line in paid.flat_map(|invoice| &invoice.lines) {
            let (Some(id), Some(price), Some(_)) = (&line.item, &line.price, &line.membership)
            else {
                continue;
            };
            if self.items.iter().any(|item| item.id == *id) {
                continue;
            }
            let item = gone.entry(id).or_insert_with(|| Item {
                id: id.clone(),
                price: price.clone(),
                membership: None,
                quantity: line.quantity,
                period_start: line.from,
                period_end: line.to,
            });
            if line.to > item.period_end {
                (item.quantity, item.period_start, item.period_end) =
                    (line.quantity, line.from, line.to);
            }
        }
        self.items.extend(gone.into_values());
    }
}

/// One line of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// `si_…`
    pub id: String,
    /// Id of its price or plan.
    pub price: String,
    /// The membership type of that price; filled in from the catalogue, never stored.
    #[serde(skip)]
    pub membership: Option<MembershipTypeId>,
    /// Seats.
    pub quantity: u32,
    /// Start of the running period.
    pub period_start: Timestamp,
    /// End of the running period.
    pub period_end: Timestamp,
}

/// docs.stripe.com/api/subscriptions/object#subscription_object-status
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SubscriptionStatus {
    /// First payment missing.
    Incomplete,
    /// First payment never came.
    IncompleteExpired,
    /// In its trial.
    Trialing,
    /// Running.
    Active,
    /// A renewal is unpaid and still retried.
    PastDue,
    /// A renewal is unpaid and given up.
    Unpaid,
    /// Ended.
    Canceled,
    /// Service withheld by a pause.
    Paused,
    /// A status this version does not know.
    Other(String),
}

impl From<String> for SubscriptionStatus {
    fn from(text: String) -> Self {
        match text.as_str() {
            "incomplete" => Self::Incomplete,
            "incomplete_expired" => Self::IncompleteExpired,
            "trialing" => Self::Trialing,
            "active" => Self::Active,
            "past_due" => Self::PastDue,
            "unpaid" => Self::Unpaid,
            "canceled" => Self::Canceled,
            "paused" => Self::Paused,
            _ => Self::Other(text),
        }
    }
}

impl From<SubscriptionStatus> for String {
    fn from(status: SubscriptionStatus) -> Self {
        status.as_str().to_owned()
    }
}

impl SubscriptionStatus {
    /// Stripe's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Canceled => "canceled",
            Self::Paused => "paused",
            Self::Other(text) => text,
        }
    }

    /// A state that a subscription never leaves.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

/// Why a subscription was cancelled (`cancellation_details.reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancellation {
    /// Somebody asked for it, or Stripe gave no reason.
    Requested,
    /// A payment failed for good.
    PaymentFailed,
    /// A payment was disputed.
    PaymentDisputed,
}

/// What `pause_collection` does with invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// Invoices are voided: no service is given.
    Void,
    /// Invoices stay drafts: service is given.
    KeepAsDraft,
    /// Invoices are written off: service is given.
    MarkUncollectible,
}

/// How invoices are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// Charged by itself.
    #[default]
    Automatic,
    /// Mailed, with a due date.
    SendInvoice,
}

/// An invoice as the rules see it (docs.stripe.com/api/invoices/object).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// `in_…`
    pub id: String,
    /// `sub_…`, if it is for one.
    #[serde(default)]
    pub subscription: Option<String>,
    /// `cus_…`
    #[serde(default)]
    pub customer: Option<String>,
    /// Stripe's status.
    pub status: InvoiceStatus,
    /// Why Stripe made it (`billing_reason`).
    pub reason: String,
    /// Minor units; may be negative.
    pub total: i64,
    /// Minor units really paid.
    pub amount_paid: i64,
    /// Minor units of the customer's credit that were used up; negative: the credit grew.
    #[serde(default, alias = "balance_applied")]
    pub credit_used: i64,
    /// Minor units too few to charge, which the next invoice asks for; negative: that an earlier one had left.
    #[serde(default)]
    pub carried_over: i64,
    /// Minor units that discounts took off.
    #[serde(default)]
    pub discounted: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// When Stripe made it.
    pub created: Timestamp,
    /// When it was paid, as Stripe says since 2019.
    #[serde(default)]
    pub paid_at: Option<Timestamp>,
    /// When a mailed invoice is due.
    #[serde(default)]
    pub due_date: Option<Timestamp>,
    /// Whether all that was paid was given back, as far as the invoice itself shows.
    #[serde(default)]
    pub refunded: bool,
    /// Whether Stripe could not finalize it (`last_finalization_error`).
    #[serde(default)]
    pub stuck: bool,
    /// A draft that Stripe leaves alone until somebody finalizes it (`auto_advance`).
    #[serde(default)]
    pub parked: bool,
    /// What became of its payment later; filled in from the ledger, never stored.
    #[serde(skip)]
    pub reversal: Reversal,
    /// What it is for.
    pub lines: Vec<Line>,
}

impl Invoice {
    /// Whether nobody collects it any more, although it was never paid.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        match self.status {
            InvoiceStatus::Void | InvoiceStatus::Uncollectible => true,
            InvoiceStatus::Draft => self.parked,
            InvoiceStatus::Open | InvoiceStatus::Paid => false,
        }
    }

    /// Whether all that was paid went back, by refund or by a lost dispute.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        let lost = |(state, _)| state == DisputeState::Lost;
        self.refunded
            || self.reversal.refunded_at.is_some()
            || self.reversal.dispute.is_some_and(lost)
    }
}

/// docs.stripe.com/invoicing/overview#invoice-statuses
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// Not yet final.
    Draft,
    /// Final, unpaid.
    Open,
    /// Written off.
    Uncollectible,
    /// Withdrawn.
    Void,
    /// Paid, also when nothing was due.
    Paid,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `si_…`
    #[serde(default)]
    pub item: Option<String>,
    /// Id of its price or plan.
    #[serde(default)]
    pub price: Option<String>,
    /// The membership type of that price; filled in from the catalogue, never stored.
    #[serde(skip)]
    pub membership: Option<MembershipTypeId>,
    /// Start of the period it is for.
    pub from: Timestamp,
    /// End of the period it is for.
    pub to: Timestamp,
    /// Minor units; may be negative.
    pub amount: i64,
    /// Part of a period after a change.
    #[serde(default)]
    pub proration: bool,
    /// Seats.
    pub quantity: u32,
}

/// Money received outside Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandPayment {
    /// Our id.
    pub id: PaymentId,
    /// What it pays for.
    pub membership: MembershipTypeId,
    /// First moment paid for.
    pub from: Timestamp,
    /// First moment no longer paid for.
    pub until: Timestamp,
}

/// Access given by an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Our id.
    pub id: GrantId,
    /// As which type.
    pub membership: MembershipTypeId,
    /// First moment.
    pub from: Timestamp,
    /// First moment after it; none: until ended.
    pub until: Option<Timestamp>,
}

/// Access withheld by an admin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Our id.
    pub id: HoldId,
    /// First moment.
    pub from: Timestamp,
    /// First moment after it; none: until lifted.
    pub until: Option<Timestamp>,
    /// `sub_…`, if only what that one gives is withheld.
    #[serde(default)]
    pub subscription: Option<String>,
}

/// The knobs of one membership type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypePolicy {
    /// How long access outlasts a paid period, waiting for news of the renewal.
    pub slack: Span,
    /// How long access outlasts the start of an unpaid period.
    pub grace: Span,
    /// Whether a trial opens doors.
    pub trial_access: bool,
    /// Whether a plan change must be paid before its type counts.
    pub upgrade_needs_payment: bool,
    /// Whether a full refund of the running period ends access at once.
    #[serde(default)]
    pub refund_revokes: bool,
    /// Whether a dispute of the running period's payment ends access until it is decided for the club.
    #[serde(default)]
    pub dispute_revokes: bool,
}

impl TypePolicy {
    /// The defaults; news travels slower without a Stripe key, so the slack is longer.
    #[must_use]
    pub fn standard(with_key: bool) -> Self {
        Self {
            slack: Span::days(if with_key { 3 } else { 10 }),
            grace: Span::days(14),
            trial_access: true,
            upgrade_needs_payment: true,
            refund_revokes: false,
            dispute_revokes: false,
        }
    }
}

/// The rules of an organisation that standing needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Knobs for each type.
    pub types: BTreeMap<MembershipTypeId, TypePolicy>,
    /// Where ends that we choose fall.
    pub calendar: Calendar,
}
