//! The rows of the simulated account; one truth from which every API shape is drawn.

use std::collections::BTreeMap;

use super::calendar::Interval;
use super::table::{Row, rows};

/// Stripe's metadata hash.
pub(crate) type Metadata = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub active: bool,
    pub created: i64,
    pub updated: i64,
    pub deleted: bool,
}

/// A price; a recurring one is also the plan of the same id.
#[derive(Clone, Debug)]
pub(crate) struct Price {
    pub id: String,
    pub product: String,
    pub nickname: Option<String>,
    pub lookup_key: Option<String>,
    pub metadata: Metadata,
    pub amount: i64,
    pub currency: String,
    pub interval: Interval,
    pub interval_count: i64,
    /// For single payments only: its interval means nothing.
    pub one_time: bool,
    pub active: bool,
    pub created: i64,
    pub deleted: bool,
}

/// What happens when a payment method is charged (docs.stripe.com/testing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    /// There is none: the attempt fails without a charge.
    None,
    /// Charges succeed.
    Works,
    /// Charges are declined.
    Declines,
    /// The payer has to do something first, such as 3-D Secure.
    NeedsAction,
    /// Charges succeed and are disputed at once.
    Disputes,
    /// Charges succeed and the bank inquires at once.
    Inquires,
    /// Charges succeed; refunds fail later.
    RefundFails,
    /// Charges succeed; refunds are pending for a while.
    RefundWaits,
    /// A bank debit: charges are pending for days, then succeed.
    Settles,
    /// A bank debit: charges are pending for days, then fail.
    Bounces,
}

#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub id: String,
    pub email: Option<String>,
    pub name: Option<String>,
    pub metadata: Metadata,
    /// Cents; negative is credit, as in Stripe.
    pub balance: i64,
    pub description: Option<String>,
    pub default_method: Option<String>,
    pub discount: Option<String>,
    pub clock: Option<String>,
    pub delinquent: bool,
    pub created: i64,
    pub next_number: i64,
    pub deleted: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct BalanceTransaction {
    pub id: String,
    pub customer: String,
    pub amount: i64,
    pub ending_balance: i64,
    pub kind: &'static str,
    pub invoice: Option<String>,
    pub credit_note: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub created: i64,
}

/// The status of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The first payment has not succeeded yet.
    Incomplete,
    /// The first payment did not come within 23 hours.
    IncompleteExpired,
    /// In its trial.
    Trialing,
    /// In good order, as Stripe sees it.
    Active,
    /// The latest invoice is open after a failed attempt or its due date.
    PastDue,
    /// Retries are over and the account leaves the subscription standing.
    Unpaid,
    /// Ended.
    Canceled,
    /// Paused itself, not only its collection (docs.stripe.com/changelog/endive/2026-09-30/pause-subscription).
    Paused,
}

impl Status {
    /// Stripe's word for this status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Canceled => "canceled",
            Self::Paused => "paused",
        }
    }

    /// Whether the subscription can never change again.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::IncompleteExpired | Self::Canceled => true,
            Self::Incomplete
            | Self::Trialing
            | Self::Active
            | Self::PastDue
            | Self::Unpaid
            | Self::Paused => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub id: String,
    pub price: String,
    pub quantity: i64,
    pub period_start: i64,
    pub period_end: i64,
    pub created: i64,
    pub metadata: Metadata,
}

/// What happens to the invoices of a subscription whose collection is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseBehavior {
    /// Invoices stay drafts.
    KeepAsDraft,
    /// Invoices are marked uncollectible.
    MarkUncollectible,
    /// Invoices are voided.
    Void,
}

impl PauseBehavior {
    /// Stripe's word for this behaviour.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeepAsDraft => "keep_as_draft",
            Self::MarkUncollectible => "mark_uncollectible",
            Self::Void => "void",
        }
    }

    /// Reads Stripe's word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::KeepAsDraft, Self::MarkUncollectible, Self::Void]
            .into_iter()
            .find(|behavior| behavior.as_str() == word)
    }
}

/// Whether Stripe charges the card by itself or sends an invoice with a due date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CollectionMethod {
    /// The default payment method is charged.
    #[default]
    ChargeAutomatically,
    /// An invoice is sent.
    SendInvoice,
}

impl CollectionMethod {
    /// Stripe's word for this method.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChargeAutomatically => "charge_automatically",
            Self::SendInvoice => "send_invoice",
        }
    }
}

/// What a trial does at its end if there is no payment method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingMethod {
    /// It bills as if there were one.
    #[default]
    CreateInvoice,
    /// The subscription is cancelled.
    Cancel,
    /// The subscription is paused.
    Pause,
}

impl MissingMethod {
    /// Stripe's word for this behaviour.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateInvoice => "create_invoice",
            Self::Cancel => "cancel",
            Self::Pause => "pause",
        }
    }

    /// Reads Stripe's word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::CreateInvoice, Self::Cancel, Self::Pause]
            .into_iter()
            .find(|behavior| behavior.as_str() == word)
    }
}

/// A change of items that waits for its invoice to be paid (docs.stripe.com/billing/subscriptions/pending-updates).
#[derive(Clone, Debug)]
pub(crate) struct PendingUpdate {
    pub items: Vec<Item>,
    pub invoice: String,
    pub expires_at: i64,
    /// False while the first attempt to pay is still running.
    pub visible: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub id: String,
    pub customer: String,
    pub status: Status,
    pub items: Vec<Item>,
    pub anchor: i64,
    pub created: i64,
    pub trial_start: Option<i64>,
    pub trial_end: Option<i64>,
    pub trial_warned: bool,
    pub cancel_at: Option<i64>,
    pub cancel_at_period_end: bool,
    /// Cancelled in the portal: on flexible billing only `cancel_at` shows it.
    pub cancelled_in_portal: bool,
    pub canceled_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub cancel_reason: Option<&'static str>,
    pub cancel_comment: Option<String>,
    pub pause: Option<(PauseBehavior, Option<i64>)>,
    pub collection: CollectionMethod,
    pub days_until_due: i64,
    pub latest_invoice: Option<String>,
    pub discounts: Vec<String>,
    pub schedule: Option<String>,
    pub pending_update: Option<PendingUpdate>,
    /// Why it is paused, if it is.
    pub paused_because: Option<&'static str>,
    pub missing_method: MissingMethod,
    pub default_method: Option<String>,
    pub metadata: Metadata,
    pub description: Option<String>,
    /// A status that is shown instead of its own.
    pub said: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub id: String,
    pub amount: i64,
    pub description: String,
    pub price: Option<String>,
    pub quantity: i64,
    pub period: (i64, i64),
    pub subscription: Option<String>,
    pub item: Option<String>,
    pub invoice_item: Option<String>,
    pub proration: bool,
    /// The moment from which this period counts no more, because the unused rest was credited.
    pub cut_at: Option<i64>,
}

/// An amount that waits for the customer's next invoice.
#[derive(Clone, Debug)]
pub(crate) struct PendingItem {
    pub customer: String,
    pub currency: String,
    pub line: Line,
    pub metadata: Metadata,
}

impl PendingItem {
    /// An item of a subscription, which is billed in dollars as everything the stories sell.
    pub(crate) fn of(customer: &str, line: Line) -> Self {
        Self {
            customer: customer.to_owned(),
            currency: "usd".to_owned(),
            line,
            metadata: Metadata::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Void,
    Uncollectible,
}

impl InvoiceStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Void => "void",
            Self::Uncollectible => "uncollectible",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub id: String,
    pub number: Option<String>,
    pub customer: String,
    pub subscription: Option<String>,
    pub status: InvoiceStatus,
    pub reason: &'static str,
    pub lines: Vec<Line>,
    /// Each discount with the cents it takes off.
    pub discounts: Vec<(String, i64)>,
    pub currency: String,
    pub description: Option<String>,
    pub days_until_due: i64,
    pub created: i64,
    pub period: (i64, i64),
    pub starting_balance: i64,
    pub ending_balance: Option<i64>,
    pub amount_due: i64,
    pub amount_paid: i64,
    pub attempt_count: i64,
    pub first_attempt: Option<i64>,
    pub next_attempt: Option<i64>,
    pub finalize_at: Option<i64>,
    pub auto_advance: bool,
    pub collection: CollectionMethod,
    pub due_date: Option<i64>,
    pub finalized_at: Option<i64>,
    pub paid_at: Option<i64>,
    pub voided_at: Option<i64>,
    pub uncollectible_at: Option<i64>,
    pub intent: Option<String>,
    pub charge: Option<String>,
    pub paid_out_of_band: bool,
    /// Cents credited by credit notes before and after payment.
    pub credited: (i64, i64),
    pub metadata: Metadata,
}

impl Invoice {
    pub(crate) fn subtotal(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    pub(crate) fn total(&self) -> i64 {
        self.subtotal() - self.discounted()
    }

    pub(crate) fn discounted(&self) -> i64 {
        self.discounts.iter().map(|(_, amount)| amount).sum()
    }
}

rows!(
    Price: product,
    BalanceTransaction: customer,
    Subscription: customer,
    Invoice: customer
);

impl Row for Product {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Row for Customer {
    fn id(&self) -> &str {
        &self.id
    }
}
