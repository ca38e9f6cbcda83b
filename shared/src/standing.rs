//! Facts and a moment become standing: what a member may do, until when, because of which facts.
//!
//! Every fact is first turned into a window of access that does not depend on the moment asked about; standing then
//! reads the windows at that moment. So nothing is counted up, and the order in which facts were learned is no input.

pub mod missing;
mod stripe;

use crate::concerns::{self, Concern};
use crate::facts::{Facts, HandPayment, Hold, Rules};
use crate::ids::{AccountId, GrantId, HoldId, MembershipTypeId, PaymentId};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long after an end doors can still say *lapsed* rather than *unknown*.
pub const REMEMBERED: Span = Span::days(30);

/// How long before an uncertain end Stripe is asked once more.
pub const LOOK_AHEAD: Span = Span::hours(1);

/// A stretch of access and the fact it rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Access {
    /// As which type.
    pub membership: MembershipTypeId,
    /// First moment of access; none: since ever.
    pub from: Option<Timestamp>,
    /// First moment without access; none: until ended.
    pub until: Option<Timestamp>,
    /// False while a renewal may move the end on.
    pub certain: bool,
    /// Which fact, and what about it.
    pub because: Because,
}

impl Access {
    fn begun(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now)
    }

    fn over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether it gives access at this moment.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.begun(now) && !self.over(now)
    }
}

/// The fact that access rests on, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Because {
    /// A subscription at Stripe.
    Subscription {
        /// Whose account.
        account: AccountId,
        /// `sub_…`
        id: String,
        /// What about it.
        cause: Cause,
    },
    /// Money received outside Stripe.
    Payment {
        /// Our id.
        id: PaymentId,
    },
    /// Given by an admin.
    Grant {
        /// Our id.
        id: GrantId,
    },
}

/// What about a subscription gives, limits or ends access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The running period is paid.
    Paid,
    /// In its trial.
    Trial,
    /// The invoice of the running period is not paid yet.
    Renewing,
    /// A renewal failed and is retried.
    Grace,
    /// A first invoice sent by staff waits for its due date.
    FirstInvoice,
    /// It ends at a moment set beforehand.
    Ending,
    /// Invoices are voided while it pauses.
    Paused,
    /// It was cancelled.
    Cancelled,
    /// Stripe gave up collecting.
    Unpaid,
    /// The plan no longer names a membership type.
    TypeLost,
    /// The running period's invoice was voided or written off.
    Forgiven,
    /// It was cancelled, and an admin did not leave the paid time to the member.
    EndedByHand,
    /// The seat was taken away.
    SeatRemoved,
    /// The running period's payment was given back or disputed, and the type's policy ends access then.
    Reversed,
    /// Stripe uses a status this version does not know.
    UnknownStatus,
}

/// What a member may do now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// In one word, with what exists in that state.
    pub state: State,
    /// Access that holds, is to come, or ended within [`REMEMBERED`]; sorted.
    pub access: Vec<Access>,
}

/// Standing in one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// In good standing.
    Good {
        /// Until then as things stand; none: until ended.
        until: Option<Timestamp>,
    },
    /// In, but a payment is missing.
    Grace {
        /// Out from then on.
        until: Timestamp,
    },
    /// Out, though an admin could say why.
    Held {
        /// The hold.
        hold: HoldId,
        /// Lifted by the clock then.
        until: Option<Timestamp>,
    },
    /// Not yet in.
    Pending {
        /// In from then on, if known.
        from: Option<Timestamp>,
    },
    /// Was in, is out.
    Lapsed {
        /// Since then.
        since: Timestamp,
    },
    /// Never in, as far as the facts go.
    Stranger,
}

impl State {
    /// Whether the doors open.
    #[must_use]
    pub fn is_in(&self) -> bool {
        matches!(self, Self::Good { .. } | Self::Grace { .. })
    }
}

/// What facts say of a member at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// What the member may do.
    pub standing: Standing,
    /// The next moment at which the clock alone may change any of this, or at which Stripe should be asked.
    pub next: Option<Timestamp>,
    /// What a human should look at.
    pub concerns: BTreeSet<Concern>,
}

/// Everything that the facts say at `now`, from one reading of them.
#[must_use]
pub fn outlook(facts: &Facts, rules: &Rules, now: Timestamp) -> Outlook {
    let windows = windows(facts, rules);
    let next = [
        change_after(&windows, facts, now),
        look_after(&windows, now),
        concerns::next(facts, now),
    ];
    Outlook {
        next: next.into_iter().flatten().min(),
        concerns: concerns::concerns(facts, &windows, now),
        standing: standing_of(windows, facts, now),
    }
}

/// What a member may do at `now`.
#[must_use]
pub fn standing(facts: &Facts, rules: &Rules, now: Timestamp) -> Standing {
    standing_of(windows(facts, rules), facts, now)
}

fn standing_of(windows: Vec<Access>, facts: &Facts, now: Timestamp) -> Standing {
    let state = match held(facts, now) {
        Some((hold, until)) => State::Held { hold, until },
        None => state(&windows, facts, now),
    };
    let access = windows
        .into_iter()
        .filter(|access| !access.over(now - REMEMBERED))
        .collect();
    Standing { state, access }
}

/// The next moment after `now` at which [`standing`] answers differently although no fact changed.
fn change_after(windows: &[Access], facts: &Facts, now: Timestamp) -> Option<Timestamp> {
    let windows = windows.iter().flat_map(|access| {
        [
            access.from,
            access.until,
            access.until.map(|until| until + REMEMBERED),
        ]
        .into_iter()
        .flatten()
    });
    let holds = facts
        .holds
        .iter()
        .flat_map(|hold| [Some(hold.from), hold.until].into_iter().flatten());
    windows.chain(holds).filter(|moment| *moment > now).min()
}

/// The next moment after `now` at which Stripe should be asked before the clock takes access away: an hour before an
/// end that a renewal may have moved on.
fn look_after(windows: &[Access], now: Timestamp) -> Option<Timestamp> {
    windows
        .iter()
        .filter(|access| !access.certain && matches!(access.because, Because::Subscription { .. }))
        .filter_map(|access| access.until.map(|until| until - LOOK_AHEAD))
        .filter(|moment| *moment > now)
        .min()
}

/// All windows of access that the facts give, whatever the moment; sorted, each once.
#[must_use]
pub fn windows(facts: &Facts, rules: &Rules) -> Vec<Access> {
    let stripe = facts
        .coverage
        .iter()
        .filter_map(|coverage| stripe::access(coverage, rules))
        .flat_map(|access| withhold(access, &facts.holds));
    let by_hand = facts.payments.iter().filter_map(|payment| {
        Some(Access {
            membership: payment.membership.clone(),
            from: Some(payment.from),
            until: Some(slack_end(payment, rules)?),
            certain: false,
            because: Because::Payment { id: payment.id },
        })
    });
    let granted = facts
        .grants
        .iter()
        .filter(|grant| rules.types.contains_key(&grant.membership))
        .map(|grant| Access {
            membership: grant.membership.clone(),
            from: Some(grant.from),
            until: grant.until,
            certain: true,
            because: Because::Grant { id: grant.id },
        });
    let mut all: Vec<Access> = stripe
        .chain(by_hand)
        .chain(granted)
        .filter(is_not_empty)
        .collect();
    all.sort();
    all.dedup();
    all
}

/// When access by a payment by hand is over; none for a type that is none.
fn slack_end(payment: &HandPayment, rules: &Rules) -> Option<Timestamp> {
    let policy = rules.types.get(&payment.membership)?;
    Some(rules.calendar.working_noon(payment.until + policy.slack))
}

/// The payment by hand that a further one for the same type goes on from: the last whose access is not over.
#[must_use]
pub fn runs_on<'a>(
    payments: &'a [HandPayment],
    membership: &MembershipTypeId,
    rules: &Rules,
    now: Timestamp,
) -> Option<&'a HandPayment> {
    payments
        .iter()
        .filter(|payment| payment.membership == *membership)
        .filter(|payment| slack_end(payment, rules).is_some_and(|end| end > now))
        .max_by_key(|payment| (payment.until, payment.id))
}

/// What holds on its subscription alone leave of a window.
fn withhold(access: Access, holds: &[Hold]) -> Vec<Access> {
    let Because::Subscription { account, id, .. } = access.because.clone() else {
        return vec![access];
    };
    let ended = Because::Subscription {
        account,
        id: id.clone(),
        cause: Cause::EndedByHand,
    };
    let mut left = vec![access];
    for hold in holds
        .iter()
        .filter(|hold| hold.subscription.as_ref() == Some(&id))
    {
        let cut = |access: Access| {
            if access.over(hold.from) || hold.until.is_some_and(|until| !access.begun(until)) {
                return [Some(access), None];
            }
            let before = Access {
                until: Some(hold.from),
                certain: true,
                because: ended.clone(),
                ..access.clone()
            };
            let after = hold.until.map(|until| Access {
                from: Some(access.from.map_or(until, |from| from.max(until))),
                ..access
            });
            [Some(before), after]
        };
        left = left.into_iter().flat_map(cut).flatten().collect();
    }
    left
}

fn is_not_empty(access: &Access) -> bool {
    match (access.from, access.until) {
        (Some(from), Some(until)) => from < until,
        (None, _) | (_, None) => true,
    }
}

fn held(facts: &Facts, now: Timestamp) -> Option<(HoldId, Option<Timestamp>)> {
    facts
        .holds
        .iter()
        .filter(|hold| hold.subscription.is_none())
        .filter(|hold| hold.from <= now && hold.until.is_none_or(|until| now < until))
        .max_by_key(|hold| (hold.until.unwrap_or(Timestamp::MAX), hold.id))
        .map(|hold| (hold.id, hold.until))
}

fn state(windows: &[Access], facts: &Facts, now: Timestamp) -> State {
    let holding = || windows.iter().filter(|access| access.holds(now));
    let last = |ends: &mut dyn Iterator<Item = Option<Timestamp>>| {
        ends.map(|until| until.unwrap_or(Timestamp::MAX))
            .max()
            .map(|end| (end != Timestamp::MAX).then_some(end))
    };
    if let Some(until) = last(
        &mut holding()
            .filter(|access| !is_grace(access))
            .map(|access| access.until),
    ) {
        return State::Good { until };
    }
    if let Some(Some(until)) = last(&mut holding().map(|access| access.until)) {
        return State::Grace { until };
    }
    if let Some(from) = windows
        .iter()
        .filter(|access| !access.begun(now))
        .filter_map(|access| access.from)
        .min()
    {
        return State::Pending { from: Some(from) };
    }
    if let Some(since) = windows
        .iter()
        .filter_map(|access| access.until)
        .filter(|until| *until <= now)
        .max()
    {
        return State::Lapsed { since };
    }
    if facts.coverage.iter().any(stripe::is_pending) {
        State::Pending { from: None }
    } else {
        State::Stranger
    }
}

fn is_grace(access: &Access) -> bool {
    matches!(
        access.because,
        Because::Subscription {
            cause: Cause::Grace,
            ..
        }
    )
}

#[cfg(test)]
mod tests;
