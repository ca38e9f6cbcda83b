//! Terms and receipts, told in order of time: each change with what was charged for it.

use super::{End, Last, SETTLING, Source, Term};
use crate::ids::MembershipTypeId;
use crate::receipts::{Change, Charge, Occasion, Receipt};
use crate::time::Timestamp;

/// Something that happened to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: Step,
    /// To which type.
    pub membership: MembershipTypeId,
    /// What it rests on.
    pub source: Source,
    /// What brought it: event ids, an admin's deed, the clock, or the record of the money.
    pub cause: String,
    /// What was charged for it.
    pub charge: Option<Charge>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A membership began.
    Opened,
    /// Another type took the place of this one.
    Changed(MembershipTypeId),
    /// A further period was paid, to this end.
    Renewed(Timestamp),
    /// Something else was paid.
    Paid,
    /// What was paid was declared void.
    Voided,
    /// A membership ended.
    Ended(Last),
}

impl Step {
    /// The word in the interface.
    #[must_use]
    pub fn word(&self, source: &Source) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Changed(_) => "plan_changed",
            Self::Renewed(_) => "renewed",
            Self::Paid => "paid",
            Self::Voided => "voided",
            Self::Ended(last) if last.is_lapse(source) => "lapsed",
            Self::Ended(_) => "ended",
        }
    }
}

/// The story of terms, as [`super::terms`] answers them, and of the money received for them.
#[must_use]
pub fn story(terms: &[Term], mut receipts: Vec<Receipt>) -> Vec<Chapter> {
    receipts.sort_by(|a, b| (a.at, &a.charge.record).cmp(&(b.at, &b.charge.record)));
    let mut till = Till {
        terms,
        spent: vec![false; receipts.len()],
        receipts,
    };
    let mut chapters = Vec::new();
    for term in terms {
        let (step, charge) = match &term.instead_of {
            Some(before) => (Step::Changed(before.clone()), till.charged_for_change(term)),
            None => (Step::Opened, till.charged_for_opening(term)),
        };
        let chapter = |at, step, cause: &String, charge| Chapter {
            at,
            step,
            membership: term.membership.clone(),
            source: term.source.clone(),
            cause: cause.clone(),
            charge,
        };
        let opened = &term.opened;
        chapters.push(chapter(opened.at, step, &opened.cause, charge));
        if let Some(closed) = &term.closed
            && let End::Over(last) = closed.end
        {
            let mark = &closed.mark;
            chapters.push(chapter(mark.at, Step::Ended(last), &mark.cause, None));
        }
    }
    chapters.extend(till.voided());
    chapters.extend(till.rest());
    chapters.sort_by_key(|chapter| chapter.at);
    chapters
}

/// Receipts in the order of payment, and which of them are told already.
struct Till<'a> {
    terms: &'a [Term],
    receipts: Vec<Receipt>,
    spent: Vec<bool>,
}

impl Till<'_> {
    /// Takes the last receipt that is right.
    fn take(&mut self, right: impl Fn(&Receipt) -> bool) -> Option<Charge> {
        let mut newest = (0..self.receipts.len()).rev();
        let place = newest.find(|place| !self.spent[*place] && right(&self.receipts[*place]))?;
        self.spent[place] = true;
        Some(self.receipts[place].charge.clone())
    }

    /// What let the member in: the last that was paid before and for a time after.
    fn charged_for_opening(&mut self, term: &Term) -> Option<Charge> {
        let at = term.opened.at;
        self.take(|receipt| {
            receipt.source.continues(&term.source)
                && receipt.named.contains(&term.membership)
                && receipt.void.as_ref().is_none_or(|void| void.at > at)
                && receipt.at < at + SETTLING
                && receipt.until > at
        })
    }

    /// What a plan change cost: its own invoice, or its part of a later one.
    fn charged_for_change(&mut self, term: &Term) -> Option<Charge> {
        let before = |other: &&Term| {
            let closed = other.closed.as_ref();
            other.source.continues(&term.source)
                && closed.is_some_and(|closed| {
                    closed.mark == term.opened && matches!(closed.end, End::Changed(_))
                })
        };
        let since = self.terms.iter().find(before)?.opened.at;
        // News of a change comes after it, and never before the last one.
        let fits =
            |moment: Timestamp| moment > since - SETTLING && moment < term.opened.at + SETTLING;
        let own = self.take(|receipt| {
            receipt.source.continues(&term.source)
                && receipt.occasion == Occasion::Change
                && receipt.named.contains(&term.membership)
                && fits(receipt.begun())
        });
        own.or_else(|| {
            let of_source = |receipt: &&Receipt| receipt.source.continues(&term.source);
            self.receipts.iter().filter(of_source).find_map(|receipt| {
                let mut changes = receipt.changes.iter().rev();
                let right = |(moment, change): &(&Timestamp, &Change)| {
                    fits(**moment) && change.to.contains(&term.membership)
                };
                let (_, change) = changes.find(right)?;
                Some(Charge {
                    amount: change.amount,
                    credit_used: 0,
                    carried_over: 0,
                    free: None,
                    part: true,
                    ..receipt.charge.clone()
                })
            })
        })
    }

    /// What was declared void; what was told of it before stays told.
    fn voided(&self) -> Vec<Chapter> {
        let chapter = |receipt: &Receipt| {
            let void = receipt.void.clone()?;
            Some(Chapter {
                at: void.at,
                step: Step::Voided,
                membership: receipt.named.first()?.clone(),
                source: receipt.source.clone(),
                cause: void.cause,
                charge: None,
            })
        };
        self.receipts.iter().filter_map(chapter).collect()
    }

    /// What was paid besides, by the member's own customers or while they covered the member.
    fn rest(self) -> impl Iterator<Item = Chapter> {
        let Self {
            terms,
            receipts,
            spent,
        } = self;
        let left = receipts.into_iter().zip(spent);
        let left = left.filter(|(_, spent)| !spent);
        left.filter_map(move |(receipt, _)| {
            let mut of_source = terms
                .iter()
                .filter(|term| term.source.continues(&receipt.source));
            let running = of_source.clone().rev().find(|term| term.ran(receipt.at));
            if running.is_none() && !receipt.own {
                return None;
            }
            let named = running.map(|term| &term.membership);
            let named = named.or(receipt.named.first());
            let membership = named.or(of_source.next().map(|term| &term.membership))?;
            Some(Chapter {
                at: receipt.at,
                step: match receipt.occasion {
                    Occasion::Renewal => Step::Renewed(receipt.until),
                    Occasion::First | Occasion::Change | Occasion::Other => Step::Paid,
                },
                membership: membership.clone(),
                cause: receipt.charge.record.clone(),
                source: receipt.source,
                charge: Some(receipt.charge),
            })
        })
    }
}

impl Term {
    /// Whether it ran at a moment, give or take the time that news needs.
    fn ran(&self, at: Timestamp) -> bool {
        let closed = self.closed.as_ref();
        self.opened.at - SETTLING <= at
            && closed.is_none_or(|closed| at < closed.mark.at + SETTLING)
    }
}

#[cfg(test)]
mod tests;
