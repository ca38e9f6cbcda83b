//! What was really charged, for what occasion, and why nothing was.

use crate::facts::{Invoice, Line};
use crate::ids::{AccountId, MembershipTypeId, PaymentId};
use crate::story::{Mark, Source};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// ISO 4217's code for no currency at all: it stands where nobody wrote down how much was paid.
pub const NO_CURRENCY: &str = "xxx";

/// What an invoice was made for (docs.stripe.com/api/invoices/object#invoice_object-billing_reason).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A subscription began.
    First,
    /// A further period.
    Renewal,
    /// A subscription changed.
    Change,
    /// Something else.
    Other,
}

/// Why nothing was charged though it counts as paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// Credit of the customer's balance paid for it, as a gift card leaves it.
    Credit,
    /// A discount took all of it.
    Discount,
    /// There was nothing to pay for.
    Trial,
    /// It was less than the smallest charge.
    TooSmall,
    /// What was left of the old plan was worth as much as the new one.
    Proration,
    /// Billing credits or a credit note took the rest of it.
    Credited,
    /// It was marked as paid, and Stripe has no money for it.
    Elsewhere,
}

impl Free {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Credit,
        Self::Discount,
        Self::Trial,
        Self::TooSmall,
        Self::Proration,
        Self::Credited,
        Self::Elsewhere,
    ];

    /// The words in the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Credit => "credit balance",
            Self::Discount => "discount",
            Self::Trial => "trial",
            Self::TooSmall => "below the minimum charge",
            Self::Proration => "change of plan, nothing due",
            Self::Credited => "billing credits",
            Self::Elsewhere => "paid outside Stripe",
        }
    }
}

impl Invoice {
    /// What it was made for.
    #[must_use]
    pub fn occasion(&self) -> Occasion {
        match self.reason.as_str() {
            "subscription_create" => Occasion::First,
            // Until 2018 there was one word for whatever a subscription was charged for.
            "subscription_cycle" | "subscription" => Occasion::Renewal,
            "subscription_update" => Occasion::Change,
            _ => Occasion::Other,
        }
    }

    /// Why nothing was charged; none if something was.
    #[must_use]
    pub fn free(&self) -> Option<Free> {
        if self.amount_paid != 0 {
            return None;
        }
        let amounts = self.lines.iter().map(|line| line.amount);
        let before_discounts = amounts.fold(0, i64::saturating_add);
        let prorated = self.lines.iter().any(|line| line.proration);
        Some(if self.total > 0 {
            match (self.carried_over > 0, self.credit_used > 0) {
                (true, _) => Free::TooSmall,
                (false, true) => Free::Credit,
                (false, false) => Free::Elsewhere,
            }
        } else if before_discounts <= 0 && prorated {
            Free::Proration
        } else if self.discounted > 0 {
            Free::Discount
        } else if before_discounts > 0 {
            Free::Credited
        } else {
            Free::Trial
        })
    }
}

/// What was charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// `in_…`, or `payment` and our number.
    pub record: String,
    /// Minor units really charged; of a part of an invoice, what that part came to: negative, it was taken off.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// Minor units of the customer's credit that were used besides; negative: the credit grew.
    pub credit_used: i64,
    /// Minor units that are added to the next invoice; negative: that an earlier one had left.
    pub carried_over: i64,
    /// Why nothing was charged.
    pub free: Option<Free>,
    /// Whether it is a part of an invoice that was made for something else.
    pub part: bool,
}

/// Money received for a membership, or an invoice that counts as paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What it was paid for.
    pub source: Source,
    /// For what occasion.
    pub occasion: Occasion,
    /// When it was paid.
    pub at: Timestamp,
    /// First moment no longer paid for.
    pub until: Timestamp,
    /// The types that it paid for.
    pub named: BTreeSet<MembershipTypeId>,
    /// The money.
    pub charge: Charge,
    /// What changes within a period came to, by the moment of the change.
    pub changes: BTreeMap<Timestamp, Change>,
    /// Whether the member's own customer paid.
    pub own: bool,
    /// When and why it was declared void.
    pub void: Option<Mark>,
}

/// What a change within a period came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The types that the rest of the period was charged for.
    pub to: BTreeSet<MembershipTypeId>,
    /// Minor units; negative: it was taken off.
    pub amount: i64,
}

impl Receipt {
    /// Of an invoice that counts as paid, its lines with their types.
    #[must_use]
    pub fn of_invoice(
        account: AccountId,
        subscription: &str,
        invoice: &Invoice,
        own: bool,
    ) -> Self {
        // Credit for the unused part of an old plan pays for nothing.
        let bought = |line: &&Line| !(line.proration && line.amount < 0);
        let types = |line: &Line| line.membership.clone();
        let mut changes: BTreeMap<Timestamp, Change> = BTreeMap::new();
        for line in invoice.lines.iter().filter(|line| line.proration) {
            let change = changes.entry(line.from).or_default();
            change.amount = change.amount.saturating_add(line.amount);
            change.to.extend(Some(line).filter(bought).and_then(types));
        }
        let lines = || invoice.lines.iter().filter(bought);
        let paid_for = lines().filter(|line| line.membership.is_some());
        let until = paid_for.map(|line| line.to).max();
        let at = invoice.paid_at.unwrap_or(invoice.created);
        Self {
            source: Source::Subscription(account, subscription.to_owned()),
            occasion: invoice.occasion(),
            at,
            until: until.or(lines().map(|line| line.to).max()).unwrap_or(at),
            named: lines().filter_map(types).collect(),
            charge: Charge {
                record: invoice.id.clone(),
                amount: invoice.amount_paid,
                currency: invoice.currency.clone(),
                credit_used: invoice.credit_used,
                carried_over: invoice.carried_over,
                free: invoice.free(),
                part: false,
            },
            changes,
            own,
            void: None,
        }
    }

    /// Of money received by hand at a moment.
    #[must_use]
    pub fn by_hand(
        id: PaymentId,
        membership: MembershipTypeId,
        (at, until): (Timestamp, Timestamp),
        (amount, currency): (i64, String),
        void: Option<Mark>,
    ) -> Self {
        Self {
            source: Source::Payment(id),
            occasion: Occasion::Renewal,
            at,
            until,
            named: BTreeSet::from([membership]),
            charge: Charge {
                record: format!("payment {id}"),
                amount,
                currency,
                credit_used: 0,
                carried_over: 0,
                free: None,
                part: false,
            },
            changes: BTreeMap::new(),
            own: true,
            void,
        }
    }

    /// When what it was charged for happened: a change may be paid for later.
    pub(crate) fn begun(&self) -> Timestamp {
        self.changes.keys().next().copied().unwrap_or(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// An invoice that counts as paid, with lines of so many minor units, each prorated or not.
    fn invoice(total: i64, paid: i64, lines: &[(i64, bool)]) -> Invoice {
        let line = |(at, (amount, prorated)): (usize, &(i64, bool))| {
            json!({
                "item": "si_1", "price": format!("price_{at}"), "from": 0, "to": 30, "amount": amount,
                "proration": prorated, "quantity": 1,
            })
        };
        let lines: Vec<_> = lines.iter().enumerate().map(line).collect();
        let value = json!({
            "id": "in_1", "status": "paid", "reason": "subscription_cycle", "total": total, "amount_paid": paid,
            "currency": "eur", "created": 0, "lines": lines,
        });
        serde_json::from_value(value).expect("an invoice")
    }

    #[test]
    fn nothing_charged_has_its_reason() {
        let whole = [(5000, false)];
        let credit = Invoice {
            credit_used: 5000,
            ..invoice(5000, 0, &whole)
        };
        let small = Invoice {
            credit_used: 4980,
            carried_over: 20,
            ..invoice(5000, 0, &whole)
        };
        let coupon = Invoice {
            discounted: 5000,
            ..invoice(0, 0, &whole)
        };
        let downgrade = Invoice {
            credit_used: -3000,
            ..invoice(-3000, 0, &[(-8000, true), (5000, true)])
        };
        // A discount takes nothing off what is no charge.
        let discounted_downgrade = Invoice {
            discounted: 1000,
            ..downgrade.clone()
        };
        for (invoice, free) in [
            (invoice(5000, 5000, &whole), None),
            (credit, Some(Free::Credit)),
            (small, Some(Free::TooSmall)),
            (coupon, Some(Free::Discount)),
            (invoice(0, 0, &[(0, false)]), Some(Free::Trial)),
            (downgrade, Some(Free::Proration)),
            (discounted_downgrade, Some(Free::Proration)),
            (invoice(0, 0, &whole), Some(Free::Credited)),
            (invoice(5000, 0, &whole), Some(Free::Elsewhere)),
        ] {
            assert_eq!(invoice.free(), free, "{invoice:?}");
        }
    }

    #[test]
    fn every_reason_has_words_of_its_own() {
        let words: BTreeSet<&str> = Free::ALL.into_iter().map(Free::word).collect();
        assert_eq!(words.len(), Free::ALL.len());
    }

    #[test]
    fn credit_for_an_old_plan_names_no_type_and_counts_in_what_the_change_came_to() {
        let mut upgrade = invoice(3000, 3000, &[(-5000, true), (8000, true)]);
        for (line, name) in upgrade.lines.iter_mut().zip(["5", "7"]) {
            line.membership = Some(MembershipTypeId::new(name).expect("valid"));
        }
        let receipt = Receipt::of_invoice(AccountId(1), "sub_1", &upgrade, true);
        let to = BTreeSet::from([MembershipTypeId::new("7").expect("valid")]);
        assert_eq!(receipt.named, to);
        let change = Change { to, amount: 3000 };
        assert_eq!(receipt.changes, BTreeMap::from([(Timestamp(0), change)]));
    }
}
