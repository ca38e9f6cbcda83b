//! The story of a member, told from what was written down as it happened: terms that opened and closed.

mod chapters;

pub use chapters::{Chapter, Step, story};

use crate::ids::{AccountId, GrantId, MembershipTypeId, PaymentId};
use crate::standing::{Because, Cause};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Stripe tells one change in several events, seconds apart: a plan, its invoice, the payment. What was undone sooner
/// than this was news on its way and no part of the story; doors and the audit log have every step.
pub const SETTLING: Span = Span::minutes(1);

/// The fact that a term rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A subscription at Stripe: our row for the account, and `sub_…`.
    Subscription(AccountId, String),
    /// Money received outside Stripe.
    Payment(PaymentId),
    /// Given by an admin.
    Grant(GrantId),
}

impl Source {
    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "subscription" => {
                let (account, id) = rest.split_once(' ')?;
                Some(Self::Subscription(account.parse().ok()?, id.to_owned()))
            }
            "payment" => Some(Self::Payment(rest.parse().ok()?)),
            "grant" => Some(Self::Grant(rest.parse().ok()?)),
            _ => None,
        }
    }

    /// Whether what rests on one goes on with the other: every payment by hand is a record of its own.
    fn continues(&self, other: &Self) -> bool {
        let by_hand = |source: &Self| matches!(source, Self::Payment(_));
        self == other || by_hand(self) && by_hand(other)
    }
}

impl From<&Because> for Source {
    fn from(because: &Because) -> Self {
        match because {
            Because::Subscription { account, id, .. } => Self::Subscription(*account, id.clone()),
            Because::Payment { id } => Self::Payment(*id),
            Because::Grant { id } => Self::Grant(*id),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription(account, id) => write!(out, "subscription {account} {id}"),
            Self::Payment(id) => write!(out, "payment {id}"),
            Self::Grant(id) => write!(out, "grant {id}"),
        }
    }
}

/// When, and what brought it: event ids, an admin's deed, or the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The moment.
    pub at: Timestamp,
    /// What brought it.
    pub cause: String,
}

/// A stretch of one membership type as it was written down, step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What it rested on.
    pub source: Source,
    /// As which type.
    pub membership: MembershipTypeId,
    /// How it began.
    pub opened: Mark,
    /// How it ended, and what its fact said at last; none: it runs.
    pub closed: Option<(Mark, Last)>,
}

/// What the fact that a term rested on said at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Last {
    /// Of a subscription, that.
    Said(Cause),
    /// That its time was up.
    Up,
    /// Nothing: it was withdrawn, or covers the member no longer, or gives another type.
    Gone,
}

impl Last {
    /// Whether a term ended for want of money rather than by anybody's wish.
    #[must_use]
    pub fn is_lapse(self, source: &Source) -> bool {
        match self {
            Self::Said(
                Cause::Paid
                | Cause::Trial
                | Cause::Renewing
                | Cause::Grace
                | Cause::FirstInvoice
                | Cause::Unpaid
                | Cause::Forgiven
                | Cause::UnknownStatus,
            ) => true,
            Self::Said(
                Cause::Ending
                | Cause::Paused
                | Cause::Cancelled
                | Cause::EndedByHand
                | Cause::TypeLost
                | Cause::SeatRemoved
                | Cause::Reversed,
            )
            | Self::Gone => false,
            Self::Up => matches!(source, Source::Payment(_)),
        }
    }
}

/// A term of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it rests on; of several payments by hand, the first.
    pub source: Source,
    /// As which type.
    pub membership: MembershipTypeId,
    /// How it began.
    pub opened: Mark,
    /// The type before, if a plan change opened it.
    pub instead_of: Option<MembershipTypeId>,
    /// How it ended; none: it runs.
    pub closed: Option<Closed>,
}

/// The end of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// When, and what brought it.
    pub mark: Mark,
    /// What became of it.
    pub end: End,
}

/// What became of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Another type went on in its place.
    Changed(MembershipTypeId),
    /// It was over.
    Over(Last),
}

impl Term {
    /// When it was over, if nothing went on in its place.
    fn over(&self) -> Option<Timestamp> {
        match &self.closed {
            Some(Closed {
                mark,
                end: End::Over(_),
            }) => Some(mark.at),
            Some(_) | None => None,
        }
    }

    /// Whether a step of the same type that begins then goes on with it.
    fn goes_on(&self, at: Timestamp) -> bool {
        self.closed.is_none() || self.over().is_some_and(|over| at - over < SETTLING)
    }

    /// Whether a step of another type that begins then comes in its place.
    fn gives_way(&self, at: Timestamp) -> bool {
        let near = |over| at - over < SETTLING && over - at < SETTLING;
        self.over().is_some_and(near)
    }

    /// Whether a step that begins then takes back the change to this type.
    fn is_undone(&self, by: &MembershipTypeId, at: Timestamp) -> bool {
        let brief = |over| over - self.opened.at < SETTLING;
        self.instead_of.as_ref() == Some(by) && self.gives_way(at) && self.over().is_some_and(brief)
    }
}

/// The terms of the story, in the order in which they opened. A change that was undone within [`SETTLING`] is left out,
/// and a gap as short is none.
#[must_use]
pub fn terms(mut written: Vec<Written>) -> Vec<Term> {
    written.sort_by_key(|step| step.opened.at);
    let mut terms: Vec<Term> = Vec::new();
    for step in written {
        let Written {
            source,
            membership,
            opened,
            closed,
        } = step;
        let closed = closed.map(|(mark, last)| Closed {
            mark,
            end: End::Over(last),
        });
        let at = opened.at;
        let follows = |term: &Term| term.source.continues(&source);
        let undone = |term: &Term| follows(term) && term.is_undone(&membership, at);
        if let Some(place) = terms.iter().rposition(undone) {
            let undone = terms.remove(place);
            let gave_way = Closed {
                mark: undone.opened,
                end: End::Changed(undone.membership),
            };
            let before = |term: &&mut Term| {
                follows(term)
                    && term.membership == membership
                    && term.closed.as_ref() == Some(&gave_way)
            };
            if let Some(term) = terms.iter_mut().rfind(before) {
                term.closed = closed;
                continue;
            }
        }
        let same = |term: &&mut Term| follows(term) && term.membership == membership;
        let again = terms
            .iter_mut()
            .rfind(|term| same(term) && term.goes_on(at));
        if let Some(term) = again {
            term.closed = later(term.closed.take(), closed);
            continue;
        }
        let before = terms
            .iter_mut()
            .rfind(|term| follows(term) && term.gives_way(at));
        let instead_of = before.map(|term| {
            term.closed = Some(Closed {
                mark: opened.clone(),
                end: End::Changed(membership.clone()),
            });
            term.membership.clone()
        });
        terms.push(Term {
            source,
            membership,
            opened,
            instead_of,
            closed,
        });
    }
    terms
}

/// The later of two ends; none: it runs.
fn later(one: Option<Closed>, other: Option<Closed>) -> Option<Closed> {
    let (one, other) = (one?, other?);
    Some(if one.mark.at > other.mark.at {
        one
    } else {
        other
    })
}

#[cfg(test)]
mod tests;
