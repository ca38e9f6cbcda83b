//! Money that went back, or may have to: refunds, credit notes and disputes of an invoice's payment.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What became of an invoice's payment later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reversal {
    /// When all that was paid had been given back.
    pub refunded_at: Option<Timestamp>,
    /// The dispute of the payment, and since when; none: there is none, or the club won.
    pub dispute: Option<(DisputeState, Timestamp)>,
}

/// How a dispute stands (docs.stripe.com/api/disputes/object#dispute_object-status).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DisputeState {
    /// The bank only asks.
    Inquiry,
    /// Not decided.
    Open,
    /// Decided against the club.
    Lost,
}

impl DisputeState {
    /// Reads Stripe's word; none: it is over, and the club keeps the money. An unknown word is not decided.
    #[must_use]
    pub fn read(status: &str) -> Option<Self> {
        match status {
            "won" | "warning_closed" | "prevented" => None,
            "lost" => Some(Self::Lost),
            _ if status.starts_with("warning_") => Some(Self::Inquiry),
            _ => Some(Self::Open),
        }
    }
}

/// What kind of record tells of money that went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalKind {
    /// A refund of its own.
    Refund,
    /// What a charge says was refunded of it, all refunds together.
    Charge,
    /// A credit note for a paid invoice.
    CreditNote,
    /// A dispute.
    Dispute,
}

impl ReversalKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Refund, Self::Charge, Self::CreditNote, Self::Dispute];

    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Charge => "charge",
            Self::CreditNote => "credit_note",
            Self::Dispute => "dispute",
        }
    }
}

/// One record of money that went back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Of which kind.
    pub kind: ReversalKind,
    /// Stripe's word for its state.
    pub status: String,
    /// Minor units.
    pub amount: i64,
    /// When.
    pub at: Timestamp,
}

impl Returned {
    /// Whether the money is gone or on its way; a refund that failed came back (docs.stripe.com/refunds#failed-refunds).
    fn counts(&self) -> bool {
        match self.kind {
            ReversalKind::Refund => !matches!(self.status.as_str(), "failed" | "canceled"),
            ReversalKind::CreditNote => self.status != "void",
            ReversalKind::Charge => true,
            ReversalKind::Dispute => false,
        }
    }
}

/// What became of a payment of so many minor units; the order of the records is no matter.
#[must_use]
pub fn reversal(paid: i64, records: &[Returned]) -> Reversal {
    let of = |kind: ReversalKind| records.iter().filter(move |record| record.kind == kind);
    // A refund has its own record since long; what the charge says of all together is for accounts that send no other.
    let refunds = if of(ReversalKind::Refund).next().is_some() {
        ReversalKind::Refund
    } else {
        ReversalKind::Charge
    };
    // A credit note may bring its refund with it, so the two are not added up.
    let refunded_at = [refunds, ReversalKind::CreditNote]
        .into_iter()
        .filter_map(|kind| given_back(paid, of(kind).filter(|record| record.counts())))
        .min();
    let dispute = of(ReversalKind::Dispute)
        .filter_map(|record| Some((DisputeState::read(&record.status)?, record.at)))
        .max();
    Reversal {
        refunded_at,
        dispute,
    }
}

/// When the sum of these reached what was paid.
fn given_back<'r>(paid: i64, records: impl Iterator<Item = &'r Returned>) -> Option<Timestamp> {
    let mut records: Vec<&Returned> = records.collect();
    records.sort_by_key(|record| record.at);
    let mut sum = 0;
    records
        .into_iter()
        .find(|record| {
            sum += record.amount;
            paid > 0 && sum >= paid
        })
        .map(|record| record.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: ReversalKind, status: &str, amount: i64, at: i64) -> Returned {
        Returned {
            kind,
            status: status.to_owned(),
            amount,
            at: Timestamp(at),
        }
    }

    #[test]
    fn a_payment_is_refunded_when_the_parts_add_up_and_not_before() {
        let half = record(ReversalKind::Refund, "succeeded", 2000, 10);
        let rest = record(ReversalKind::Refund, "pending", 3000, 20);
        assert_eq!(
            reversal(5000, std::slice::from_ref(&half)),
            Reversal::default()
        );
        let both = reversal(5000, &[rest.clone(), half.clone()]);
        assert_eq!(both.refunded_at, Some(Timestamp(20)));
        let failed = record(ReversalKind::Refund, "failed", 3000, 20);
        assert_eq!(reversal(5000, &[half, failed]), Reversal::default());
    }

    #[test]
    fn what_a_charge_says_counts_only_where_no_refund_is_known() {
        let charge = record(ReversalKind::Charge, "", 5000, 10);
        let only = reversal(5000, std::slice::from_ref(&charge));
        assert_eq!(only.refunded_at, Some(Timestamp(10)));
        let failed = record(ReversalKind::Refund, "failed", 5000, 9);
        assert_eq!(reversal(5000, &[charge, failed]), Reversal::default());
    }

    #[test]
    fn a_credit_note_and_its_refund_are_one() {
        let note = record(ReversalKind::CreditNote, "issued", 2500, 10);
        let refund = record(ReversalKind::Refund, "succeeded", 2500, 11);
        assert_eq!(reversal(5000, &[note.clone(), refund]), Reversal::default());
        let whole = Returned {
            amount: 5000,
            ..note.clone()
        };
        assert_eq!(reversal(5000, &[whole]).refunded_at, Some(Timestamp(10)));
        let void = record(ReversalKind::CreditNote, "void", 5000, 10);
        assert_eq!(reversal(5000, &[void]), Reversal::default());
    }

    #[test]
    fn what_cost_nothing_cannot_be_given_back() {
        let refund = record(ReversalKind::Refund, "succeeded", 0, 1);
        assert_eq!(reversal(0, &[refund]), Reversal::default());
    }

    #[test]
    fn the_gravest_dispute_counts_and_a_won_one_does_not() {
        let states = [
            ("needs_response", Some(DisputeState::Open)),
            ("under_review", Some(DisputeState::Open)),
            ("appeal_under_review", Some(DisputeState::Open)),
            ("warning_needs_response", Some(DisputeState::Inquiry)),
            ("warning_closed", None),
            ("prevented", None),
            ("won", None),
            ("lost", Some(DisputeState::Lost)),
        ];
        for (status, state) in states {
            let one = [record(ReversalKind::Dispute, status, 5000, 7)];
            let expected = state.map(|state| (state, Timestamp(7)));
            assert_eq!(reversal(5000, &one).dispute, expected, "{status}");
        }
    }
}
