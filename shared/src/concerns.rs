//! What a human should look at about a member, told by the facts alone: it comes and goes with them, and the order in
//! which they were learned is no input.

use crate::facts::{
    Coverage, Facts, HandPayment, Invoice, InvoiceStatus, Subscription, SubscriptionStatus,
};
use crate::reversals::DisputeState;
use crate::standing::{Access, Because, Cause};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// So long before its end a payment by hand is reminded of.
pub const REMINDER: Span = Span::days(7);

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Concern {
    /// What it is.
    pub kind: ConcernKind,
    /// The subscription, invoice, item, customer, grant or payment it is about.
    pub subject: String,
}

/// What there is to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConcernKind {
    /// The plan of a member who pays no longer names a membership type.
    TypeLost,
    /// Stripe uses a status that this version does not know.
    UnknownStatus,
    /// Stripe keeps a subscription running though its invoice was voided or written off.
    ActiveWithoutPayment,
    /// Cancelled while paid time was left, which was left to the member.
    CancelledEarly,
    /// Two subscriptions give the same member the same type.
    DuplicateSubscription,
    /// All that was paid for the running period was given back.
    Refund,
    /// The bank asks about a payment of the running period.
    DisputeInquiry,
    /// A payment is disputed.
    Dispute,
    /// A dispute was lost.
    DisputeLost,
    /// Seats are paid and cover nobody.
    SeatUnnamed,
    /// Fewer seats are paid than members were named for; the last-named loses access with the period.
    SeatRemoved,
    /// Two customers of the member pay at the same time.
    TwoCustomers,
    /// Only a grant without an end lets the member in; everything at Stripe has ended.
    GrantedNotActive,
    /// Money received by hand is used up soon.
    PaymentEnding,
    /// Stripe could not finalize an invoice.
    InvoiceStuck,
}

impl ConcernKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::TypeLost,
        Self::UnknownStatus,
        Self::ActiveWithoutPayment,
        Self::CancelledEarly,
        Self::DuplicateSubscription,
        Self::Refund,
        Self::DisputeInquiry,
        Self::Dispute,
        Self::DisputeLost,
        Self::SeatUnnamed,
        Self::SeatRemoved,
        Self::TwoCustomers,
        Self::GrantedNotActive,
        Self::PaymentEnding,
        Self::InvoiceStuck,
    ];

    /// The word in the database and in the interface.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::TypeLost => "type_lost",
            Self::UnknownStatus => "unknown_status",
            Self::ActiveWithoutPayment => "active_without_payment",
            Self::CancelledEarly => "cancelled_early",
            Self::DuplicateSubscription => "duplicate_subscription",
            Self::Refund => "refund",
            Self::DisputeInquiry => "dispute_inquiry",
            Self::Dispute => "dispute",
            Self::DisputeLost => "dispute_lost",
            Self::SeatUnnamed => "seat_unnamed",
            Self::SeatRemoved => "seat_removed",
            Self::TwoCustomers => "two_customers",
            Self::GrantedNotActive => "granted_not_active",
            Self::PaymentEnding => "payment_ending",
            Self::InvoiceStuck => "invoice_stuck",
        }
    }
}

/// What there is to look at, given the windows of access that the facts give.
pub(crate) fn concerns(facts: &Facts, windows: &[Access], now: Timestamp) -> BTreeSet<Concern> {
    let about = |kind, subject: &str| Concern {
        kind,
        subject: subject.to_owned(),
    };
    let mut found = BTreeSet::new();
    // Of several members whom one subscription covers, the one in its first seat stands for it.
    let first = || facts.coverage.iter().filter(|coverage| coverage.seat == 1);
    for access in windows.iter().filter(|access| access.holds(now)) {
        if let Because::Subscription { id, cause, .. } = &access.because
            && first().any(|coverage| coverage.subscription.id == *id)
            && let Some(kind) = of_cause(*cause)
        {
            found.insert(about(kind, id));
        }
    }
    for coverage in first() {
        for invoice in &coverage.invoices {
            found.extend(of_invoice(invoice, now).map(|kind| about(kind, &invoice.id)));
        }
    }
    found.extend(lost_seats(&facts.coverage, windows, now));
    let unnamed = facts.open_seats.iter().map(|seats| &seats.item);
    found.extend(unnamed.map(|item| about(ConcernKind::SeatUnnamed, item)));
    let ending = facts.payments.iter().filter(|payment| {
        let reminded = now >= payment.until - REMINDER && now < payment.until + REMINDER;
        reminded && !outlasted(payment, &facts.payments, windows)
    });
    found.extend(ending.map(|payment| {
        about(
            ConcernKind::PaymentEnding,
            &format!("payment {}", payment.id),
        )
    }));
    found.extend(twice(&facts.coverage));
    found.extend(granted_only(facts, windows, now));
    found
}

/// Whether anything lets the member in for longer than a payment by hand. Of such payments their own ends count, without
/// the slack that all of them have.
fn outlasted(payment: &HandPayment, others: &[HandPayment], windows: &[Access]) -> bool {
    let later = |other: &HandPayment| (other.until, other.id) > (payment.until, payment.id);
    let outlasts = |access: &Access| match &access.because {
        Because::Payment { id } => others.iter().any(|other| other.id == *id && later(other)),
        Because::Subscription { .. } | Because::Grant { .. } => {
            access.until.is_none_or(|until| until > payment.until)
        }
    };
    windows.iter().any(outlasts)
}

/// The next moment after `now` at which the clock alone brings a concern.
pub(crate) fn next(facts: &Facts, now: Timestamp) -> Option<Timestamp> {
    let payments = facts.payments.iter();
    payments
        .flat_map(|payment| [payment.until - REMINDER, payment.until + REMINDER])
        .filter(|moment| *moment > now)
        .min()
}

fn of_cause(cause: Cause) -> Option<ConcernKind> {
    match cause {
        Cause::TypeLost => Some(ConcernKind::TypeLost),
        Cause::UnknownStatus => Some(ConcernKind::UnknownStatus),
        Cause::Forgiven => Some(ConcernKind::ActiveWithoutPayment),
        Cause::Cancelled => Some(ConcernKind::CancelledEarly),
        Cause::Paid
        | Cause::Trial
        | Cause::Renewing
        | Cause::Grace
        | Cause::FirstInvoice
        | Cause::Ending
        | Cause::Paused
        | Cause::Unpaid
        | Cause::EndedByHand
        | Cause::SeatRemoved
        | Cause::Reversed => None,
    }
}

fn of_invoice(invoice: &Invoice, now: Timestamp) -> impl Iterator<Item = ConcernKind> {
    let runs = invoice.lines.iter().any(|line| line.to > now);
    let dispute = invoice.reversal.dispute.map(|(state, _)| state);
    let refunded = invoice.refunded || invoice.reversal.refunded_at.is_some();
    let found = [
        (runs && refunded).then_some(ConcernKind::Refund),
        match dispute {
            Some(DisputeState::Open) => Some(ConcernKind::Dispute),
            Some(DisputeState::Inquiry) if runs => Some(ConcernKind::DisputeInquiry),
            Some(DisputeState::Lost) if runs => Some(ConcernKind::DisputeLost),
            Some(DisputeState::Inquiry | DisputeState::Lost) | None => None,
        },
        (invoice.stuck && invoice.status == InvoiceStatus::Draft)
            .then_some(ConcernKind::InvoiceStuck),
    ];
    found.into_iter().flatten()
}

fn runs(subscription: &Subscription) -> bool {
    match subscription.status {
        SubscriptionStatus::Active | SubscriptionStatus::Trialing | SubscriptionStatus::PastDue => {
            true
        }
        SubscriptionStatus::Incomplete
        | SubscriptionStatus::IncompleteExpired
        | SubscriptionStatus::Unpaid
        | SubscriptionStatus::Canceled
        | SubscriptionStatus::Paused
        | SubscriptionStatus::Other(_) => false,
    }
}

/// What is paid twice: the same type by two subscriptions, or memberships by two customers.
fn twice(coverage: &[Coverage]) -> BTreeSet<Concern> {
    let mut running: Vec<(&Subscription, &str)> = coverage
        .iter()
        .filter(|coverage| coverage.seat == 1 && runs(&coverage.subscription))
        .filter_map(|coverage| {
            let item = coverage.of_item()?;
            Some((&coverage.subscription, item.membership.as_ref()?.as_str()))
        })
        .collect();
    running.sort_by_key(|(subscription, _)| (subscription.created, &subscription.id));
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut customers: BTreeSet<&str> = BTreeSet::new();
    let mut found = BTreeSet::new();
    for (subscription, membership) in running {
        let first = *types.entry(membership).or_insert(&subscription.id);
        if first != subscription.id {
            found.insert(Concern {
                kind: ConcernKind::DuplicateSubscription,
                subject: subscription.id.clone(),
            });
        }
        if customers.insert(&subscription.customer) && customers.len() > 1 {
            found.insert(Concern {
                kind: ConcernKind::TwoCustomers,
                subject: subscription.customer.clone(),
            });
        }
    }
    found
}

/// Seats that are no longer paid for, as long as they give access.
fn lost_seats(coverage: &[Coverage], windows: &[Access], now: Timestamp) -> Vec<Concern> {
    let ends = |coverage: &&Coverage| {
        let by_it = |access: &Access| match &access.because {
            Because::Subscription { id, cause, .. } => {
                *cause == Cause::SeatRemoved && *id == coverage.subscription.id
            }
            Because::Payment { .. } | Because::Grant { .. } => false,
        };
        windows
            .iter()
            .any(|access| access.holds(now) && by_it(access))
    };
    let beyond = coverage.iter().filter(|coverage| {
        let item = coverage.of_item();
        coverage.seat > 1 && item.is_some_and(|item| coverage.place > item.quantity)
    });
    let concern = |coverage: &Coverage| Concern {
        kind: ConcernKind::SeatRemoved,
        subject: format!("{} seat {}", coverage.item, coverage.seat),
    };
    beyond.filter(ends).map(concern).collect()
}

/// A grant without an end, where nothing else lets the member in any more.
fn granted_only(facts: &Facts, windows: &[Access], now: Timestamp) -> Option<Concern> {
    let ended = |coverage: &Coverage| coverage.subscription.status.is_terminal();
    if facts.coverage.is_empty() || !facts.coverage.iter().all(ended) {
        return None;
    }
    let granted = |access: &&Access| match access.because {
        Because::Grant { .. } => true,
        Because::Subscription { .. } | Because::Payment { .. } => false,
    };
    let holding: Vec<&Access> = windows.iter().filter(|access| access.holds(now)).collect();
    if !holding.iter().all(granted) {
        return None;
    }
    holding
        .into_iter()
        .find(|access| access.until.is_none())
        .and_then(|access| match access.because {
            Because::Grant { id } => Some(Concern {
                kind: ConcernKind::GrantedNotActive,
                subject: format!("grant {id}"),
            }),
            Because::Subscription { .. } | Because::Payment { .. } => None,
        })
}

#[cfg(test)]
mod tests;
