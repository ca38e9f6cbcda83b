//! A member's story, as the interface shows it.

use super::values::{Moment, Told};
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
    pub source: String,
    /// As which type.
    pub membership: String,
    /// From when.
    pub from: Moment,
    /// Why it began.
    pub cause: String,
    /// The type before, if a plan change began it.
    pub instead_of: Option<String>,
    /// Until when; none: it runs.
    pub until: Option<Moment>,
    /// Why it ended.
    pub end_cause: Option<String>,
    /// The type after, if a plan change ended it.
    pub changed_to: Option<String>,
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
    pub at: Moment,
    /// `opened`, `plan_changed`, `renewed`, `paid`, `voided`, `ended` or `lapsed`.
    pub what: &'static str,
    /// To which type.
    pub membership: String,
    /// What it rests on.
    pub source: String,
    /// What happened and what was charged for it, in sentences.
    pub sentence: Told,
    /// What brought it: event ids, an admin's deed, the clock, or the record of the money.
    pub cause: String,
    /// What was charged for it; none: nothing, or not yet.
    pub charge: Option<Charge>,
}

/// What was really charged.
#[derive(Debug, Serialize, ToSchema)]
pub struct Charge {
    /// `in_…`, or `payment` and its number.
    pub record: String,
    /// Minor units; of a part of an invoice, what that part came to: negative, it was taken off. None: it is not on
    /// record.
    pub amount: Option<i64>,
    /// ISO 4217, lower case; none without an amount.
    pub currency: Option<String>,
    /// Minor units of the customer's credit that were used besides; negative: the credit grew.
    pub credit_used: i64,
    /// Minor units that are added to the next invoice; negative: that an earlier one had left.
    pub carried_over: i64,
    /// Why nothing was charged: `credit balance`, `discount`, `trial`, `below the minimum charge`, …
    pub free: Option<&'static str>,
    /// Whether it is a part of an invoice that was made for something else.
    pub part: bool,
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
            sentence: Told(sentence),
            cause: chapter.cause,
            charge,
        }
    }
}
