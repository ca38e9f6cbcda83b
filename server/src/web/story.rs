//! A member's story, as the interface shows it.

use super::values::Moment;
use crate::membership::story::sentence;
use serde::Serialize;
use shared::ids::MembershipTypeId;
use shared::receipts::NO_CURRENCY;
use shared::story::{self, End};
use utoipa::ToSchema;

/// A term of a member's story.
#[derive(Debug, Serialize, ToSchema)]
pub struct Term {
    /// What it rests on.
    source: String,
    /// As which type.
    membership: String,
    /// From when.
    from: Moment,
    /// Why it began.
    cause: String,
    /// The type before, if a plan change began it.
    instead_of: Option<String>,
    /// Until when; none: it runs.
    until: Option<Moment>,
    /// Why it ended.
    end_cause: Option<String>,
    /// The type after, if a plan change ended it.
    changed_to: Option<String>,
}

impl From<story::Term> for Term {
    fn from(term: story::Term) -> Self {
        let (mark, end) = match term.closed {
            Some(closed) => (Some(closed.mark), Some(closed.end)),
            None => (None, None),
        };
        Self {
            source: term.source.to_string(),
            membership: term.membership.into(),
            from: Moment(term.opened.at),
            cause: term.opened.cause,
            instead_of: term.instead_of.map(String::from),
            until: mark.as_ref().map(|mark| Moment(mark.at)),
            end_cause: mark.map(|mark| mark.cause),
            changed_to: match end {
                Some(End::Changed(to)) => Some(to.into()),
                Some(End::Over(_)) | None => None,
            },
        }
    }
}

/// Something that happened to a member.
#[derive(Debug, Serialize, ToSchema)]
pub struct Chapter {
    /// When.
    at: Moment,
    /// `opened`, `plan_changed`, `renewed`, `paid`, `voided`, `ended` or `lapsed`.
    what: &'static str,
    /// To which type.
    membership: String,
    /// What it rests on.
    source: String,
    /// What happened and what was charged for it, in sentences.
    sentence: String,
    /// What brought it: event ids, an admin's deed, the clock, or the record of the money.
    cause: String,
    /// What was charged for it; none: nothing, or not yet.
    charge: Option<Charge>,
}

/// What was really charged.
#[derive(Debug, Serialize, ToSchema)]
pub struct Charge {
    /// `in_…`, or `payment` and its number.
    record: String,
    /// Minor units; of a part of an invoice, what that part came to: negative, it was taken off. None: it is not on
    /// record.
    amount: Option<i64>,
    /// ISO 4217, lower case; none without an amount.
    currency: Option<String>,
    /// Minor units of the customer's credit that were used besides; negative: the credit grew.
    credit_used: i64,
    /// Minor units that are added to the next invoice; negative: that an earlier one had left.
    carried_over: i64,
    /// Why nothing was charged: `credit balance`, `discount`, `trial`, `below the minimum charge`, …
    free: Option<&'static str>,
    /// Whether it is a part of an invoice that was made for something else.
    part: bool,
}

impl Chapter {
    /// In the words that people use for types.
    pub fn told(chapter: story::Chapter, name: impl Fn(&MembershipTypeId) -> String) -> Self {
        let sentence = sentence(&chapter, name);
        let charge = chapter.charge.map(|charge| Charge {
            record: charge.record,
            amount: (charge.currency != NO_CURRENCY).then_some(charge.amount),
            currency: Some(charge.currency).filter(|currency| currency != NO_CURRENCY),
            credit_used: charge.credit_used,
            carried_over: charge.carried_over,
            free: charge.free.map(shared::receipts::Free::word),
            part: charge.part,
        });
        Self {
            at: Moment(chapter.at),
            what: chapter.step.word(&chapter.source),
            membership: chapter.membership.into(),
            source: chapter.source.to_string(),
            sentence,
            cause: chapter.cause,
            charge,
        }
    }
}
