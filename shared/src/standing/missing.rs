//! What would have to change for somebody who is out, or about to be.

use super::{Access, Because, Cause, Standing, State, windows};
use crate::facts::{Facts, Invoice, InvoiceStatus, Rules};
use crate::ids::HoldId;
use crate::time::Timestamp;

/// An invoice that somebody has to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// `in_…`
    pub invoice: String,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
}

/// The one thing that would have to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A hold would have to be lifted.
    Lifted(HoldId),
    /// Invoices would have to be paid; none are known: the one that Stripe makes.
    Paid(Vec<Owed>),
    /// It begins by itself.
    Begun(Timestamp),
    /// The first payment would have to arrive.
    FirstPayment,
    /// The plan of this subscription would have to name a membership type.
    Named(String),
    /// The seats of this subscription would have to be paid for again.
    Seated(String),
    /// This subscription would have to be resumed.
    Resumed(String),
    /// What ended would have to be had anew.
    Renewed,
    /// Anything at all: a subscription, a payment, a grant.
    AnyFact,
}

/// What would have to change for a member to be in good standing; none: nothing.
#[must_use]
pub fn missing(standing: &Standing, facts: &Facts, rules: &Rules) -> Option<Missing> {
    match &standing.state {
        State::Good { .. } => None,
        State::Held { hold, .. } => Some(Missing::Lifted(*hold)),
        State::Pending { from: Some(from) } => Some(Missing::Begun(*from)),
        State::Pending { from: None } => Some(Missing::FirstPayment),
        State::Stranger => Some(Missing::AnyFact),
        State::Grace { .. } => Some(Missing::Paid(owed(facts, None))),
        State::Lapsed { .. } => {
            // A standing forgets windows that are long over.
            let windows = windows(facts, rules);
            let last = windows.iter().max_by_key(|access| access.until);
            Some(last.map_or(Missing::Renewed, |access| of_lapsed(access, facts)))
        }
    }
}

fn of_lapsed(access: &Access, facts: &Facts) -> Missing {
    let Because::Subscription { id, cause, .. } = &access.because else {
        return Missing::Renewed;
    };
    match cause {
        Cause::Cancelled | Cause::EndedByHand | Cause::Ending | Cause::Reversed => Missing::Renewed,
        Cause::TypeLost => Missing::Named(id.clone()),
        Cause::SeatRemoved => Missing::Seated(id.clone()),
        Cause::Paused | Cause::Trial => Missing::Resumed(id.clone()),
        Cause::Paid
        | Cause::Renewing
        | Cause::Grace
        | Cause::FirstInvoice
        | Cause::Unpaid
        | Cause::Forgiven
        | Cause::UnknownStatus => Missing::Paid(owed(facts, Some(id))),
    }
}

/// Invoices that are still owed, oldest first; of one subscription or of all.
fn owed(facts: &Facts, subscription: Option<&str>) -> Vec<Owed> {
    let of = |invoice: &&Invoice| {
        subscription.is_none_or(|id| invoice.subscription.as_deref() == Some(id))
            && matches!(
                invoice.status,
                InvoiceStatus::Draft | InvoiceStatus::Open | InvoiceStatus::Uncollectible
            )
    };
    let all = facts.coverage.iter().flat_map(|covered| &covered.invoices);
    let mut owed: Vec<&Invoice> = all.filter(of).collect();
    owed.sort_by_key(|invoice| (invoice.created, &invoice.id));
    owed.dedup_by_key(|invoice| &invoice.id);
    let owed = owed.into_iter().map(|invoice| Owed {
        invoice: invoice.id.clone(),
        amount: invoice.total.saturating_sub(invoice.amount_paid),
        currency: invoice.currency.clone(),
    });
    owed.filter(|owed| owed.amount > 0).collect()
}
