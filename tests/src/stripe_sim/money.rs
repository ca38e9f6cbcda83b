//! The rows of payments: methods, intents, charges, refunds, disputes, credit notes.

use super::model::{Card, Metadata};
use super::table::{Row, rows};

/// The kind of a payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// A card.
    Card,
    /// A European bank account.
    SepaDebit,
    /// An account in the United States, debited by ACH.
    UsBankAccount,
}

impl MethodKind {
    /// Stripe's word for this kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::SepaDebit => "sepa_debit",
            Self::UsBankAccount => "us_bank_account",
        }
    }

    /// Reads Stripe's word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Card, Self::SepaDebit, Self::UsBankAccount]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// A payment method and how its charges turn out.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    pub id: String,
    pub customer: Option<String>,
    pub kind: MethodKind,
    pub card: Card,
    pub email: Option<String>,
    pub name: Option<String>,
    pub created: i64,
    pub metadata: Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    RequiresCapture,
    Processing,
    Succeeded,
    Canceled,
}

impl IntentStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub id: String,
    pub customer: Option<String>,
    pub invoice: Option<String>,
    pub session: Option<String>,
    pub amount: i64,
    pub currency: String,
    pub status: IntentStatus,
    pub method: Option<String>,
    pub kinds: Vec<String>,
    pub manual_capture: bool,
    pub latest_charge: Option<String>,
    pub declined: bool,
    /// When a bank debit settles.
    pub settles_at: Option<i64>,
    pub canceled_at: Option<i64>,
    pub cancel_reason: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
    pub created: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChargeStatus {
    Pending,
    Succeeded,
    Failed,
}

impl ChargeStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub id: String,
    pub customer: Option<String>,
    pub invoice: Option<String>,
    pub intent: String,
    pub method: String,
    pub amount: i64,
    pub amount_refunded: i64,
    pub currency: String,
    pub status: ChargeStatus,
    pub captured: bool,
    pub disputed: bool,
    pub description: Option<String>,
    pub created: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Refund {
    pub id: String,
    pub charge: String,
    pub amount: i64,
    pub status: &'static str,
    pub reason: Option<String>,
    pub metadata: Metadata,
    pub created: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Dispute {
    pub id: String,
    pub charge: String,
    pub amount: i64,
    pub status: &'static str,
    pub reason: &'static str,
    pub submissions: i64,
    pub metadata: Metadata,
    pub created: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct CreditNote {
    pub id: String,
    pub number: String,
    pub invoice: String,
    pub customer: String,
    pub currency: String,
    /// Cents taken off what was still owed, and cents given back of what was paid.
    pub before_payment: i64,
    pub after_payment: i64,
    pub out_of_band: i64,
    pub refund: Option<String>,
    pub balance_transaction: Option<String>,
    pub description: Option<String>,
    pub reason: Option<String>,
    pub memo: Option<String>,
    pub voided_at: Option<i64>,
    pub metadata: Metadata,
    pub created: i64,
}

rows!(Refund: charge, Dispute: charge, CreditNote: invoice);

macro_rules! rows_of_customers {
    ($($row:ty),+) => {
        $(impl Row for $row {
            fn id(&self) -> &str {
                &self.id
            }
            fn group(&self) -> &str {
                self.customer.as_deref().unwrap_or_default()
            }
        })+
    };
}

rows_of_customers!(Method, Intent, Charge);
