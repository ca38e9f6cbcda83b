//! Payment intents and their charges: confirmed, captured, settled days later, cancelled.

use serde_json::Value;

use super::StripeSim;
use super::calendar::DAY;
use super::model::{Card, Metadata};
use super::money::{Charge, ChargeStatus, Intent, IntentStatus};

/// A bank debit is known to have arrived after four business days at most
/// (docs.stripe.com/payments/ach-direct-debit#timing).
const SETTLES_AFTER: i64 = 4 * DAY;

pub(crate) struct NewIntent {
    pub customer: Option<String>,
    pub invoice: Option<String>,
    pub session: Option<String>,
    pub amount: i64,
    pub currency: String,
    pub kinds: Vec<String>,
    pub manual_capture: bool,
    pub description: Option<String>,
    pub metadata: Metadata,
}

impl StripeSim {
    pub(crate) fn intent_value(&self, id: &str) -> Value {
        self.intent_json(self.intents.must(id))
    }

    pub(crate) fn add_intent(&mut self, new: NewIntent) -> String {
        let id = self.next_id("pi_3");
        self.intents.insert(Intent {
            id: id.clone(),
            customer: new.customer,
            invoice: new.invoice,
            session: new.session,
            amount: new.amount,
            currency: new.currency,
            status: IntentStatus::RequiresPaymentMethod,
            method: None,
            kinds: new.kinds,
            manual_capture: new.manual_capture,
            latest_charge: None,
            declined: false,
            settles_at: None,
            canceled_at: None,
            cancel_reason: None,
            description: new.description,
            metadata: new.metadata,
            created: self.now,
        });
        self.emit("payment_intent.created", self.intent_value(&id));
        id
    }

    /// Charges a payment method, or finds that it needs something first
    /// (docs.stripe.com/payments/paymentintents/lifecycle).
    pub(crate) fn confirm_intent(&mut self, id: &str, method: &str) -> IntentStatus {
        let card = self.methods.must(method).card;
        let row = self.intents.must_mut(id);
        row.method = Some(method.to_owned());
        row.declined = false;
        let manual = row.manual_capture;
        match card {
            Card::None => self.charge_intent(id, ChargeStatus::Failed),
            Card::Declines => self.charge_intent(id, ChargeStatus::Failed),
            Card::NeedsAction => {
                row.status = IntentStatus::RequiresAction;
                self.emit("payment_intent.requires_action", self.intent_value(id));
            }
            Card::Settles | Card::Bounces => {
                self.charge_intent(id, ChargeStatus::Pending);
                let at = self.now + SETTLES_AFTER;
                self.intents.must_mut(id).settles_at = Some(at);
                self.wake(at, id);
            }
            Card::Works
            | Card::Disputes
            | Card::Inquires
            | Card::RefundFails
            | Card::RefundWaits => {
                self.charge_intent(id, ChargeStatus::Succeeded);
                if !manual {
                    self.dispute_as_told(id, card);
                }
            }
        }
        self.intents.must(id).status
    }

    fn dispute_as_told(&mut self, id: &str, card: Card) {
        let charge = self.intents.must(id).latest_charge.clone();
        let Some(charge) = charge else { return };
        match card {
            Card::Disputes => {
                self.dispute_charge(&charge, "needs_response");
            }
            Card::Inquires => {
                self.dispute_charge(&charge, "warning_needs_response");
            }
            Card::None
            | Card::Works
            | Card::Declines
            | Card::NeedsAction
            | Card::RefundFails
            | Card::RefundWaits
            | Card::Settles
            | Card::Bounces => {}
        }
    }

    /// A new charge of the intent, and what it makes of the intent.
    fn charge_intent(&mut self, id: &str, status: ChargeStatus) {
        let charge = self.next_id("ch_3");
        let row = self.intents.must(id).clone();
        self.charges.insert(Charge {
            id: charge.clone(),
            customer: row.customer.clone(),
            invoice: row.invoice.clone(),
            intent: row.id.clone(),
            method: row.method.clone().unwrap_or_default(),
            amount: row.amount,
            amount_refunded: 0,
            currency: row.currency.clone(),
            status,
            captured: status == ChargeStatus::Succeeded && !row.manual_capture,
            disputed: false,
            description: row.description.clone(),
            created: self.now,
        });
        let intent = self.intents.must_mut(id);
        intent.latest_charge = Some(charge.clone());
        let (charge_kind, intent_kind) = match status {
            ChargeStatus::Pending => {
                intent.status = IntentStatus::Processing;
                ("charge.pending", "payment_intent.processing")
            }
            ChargeStatus::Succeeded if row.manual_capture => {
                intent.status = IntentStatus::RequiresCapture;
                (
                    "charge.succeeded",
                    "payment_intent.amount_capturable_updated",
                )
            }
            ChargeStatus::Succeeded => {
                intent.status = IntentStatus::Succeeded;
                ("charge.succeeded", "payment_intent.succeeded")
            }
            ChargeStatus::Failed => {
                intent.status = IntentStatus::RequiresPaymentMethod;
                intent.method = None;
                intent.declined = true;
                ("charge.failed", "payment_intent.payment_failed")
            }
        };
        self.emit(charge_kind, self.charge_value(&charge));
        self.emit(intent_kind, self.intent_value(id));
    }

    pub(crate) fn charge_value(&self, id: &str) -> Value {
        self.charge_json(self.charges.must(id))
    }

    /// Takes the money that was only reserved (docs.stripe.com/payments/place-a-hold-on-a-payment-method).
    pub(crate) fn capture_intent(&mut self, id: &str) {
        let charge = self.intents.must(id).latest_charge.clone();
        if let Some(charge) = charge {
            let before = self.charge_value(&charge);
            self.charges.must_mut(&charge).captured = true;
            let after = self.charge_value(&charge);
            self.emit_change("charge.captured", before, after);
        }
        self.intents.must_mut(id).status = IntentStatus::Succeeded;
        self.emit("payment_intent.succeeded", self.intent_value(id));
    }

    pub(crate) fn cancel_intent(&mut self, id: &str, reason: Option<&str>) {
        let now = self.now;
        let row = self.intents.must_mut(id);
        if matches!(row.status, IntentStatus::Succeeded | IntentStatus::Canceled) {
            return;
        }
        row.status = IntentStatus::Canceled;
        row.canceled_at = Some(now);
        row.cancel_reason = reason.map(str::to_owned);
        row.settles_at = None;
        self.emit("payment_intent.canceled", self.intent_value(id));
    }

    /// The bank's answer to a debit, days later; whoever waits for the money hears of it.
    pub(crate) fn settle_intent(&mut self, id: &str) {
        let row = self.intents.must(id).clone();
        let due = row.settles_at.is_some_and(|at| at <= self.now);
        let (Some(charge), true) = (row.latest_charge, due) else {
            return;
        };
        let method = self.charges.must(&charge).method.clone();
        let arrives = self.methods.must(&method).card != Card::Bounces;
        let status = if arrives {
            ChargeStatus::Succeeded
        } else {
            ChargeStatus::Failed
        };
        let held = self.charges.must_mut(&charge);
        held.status = status;
        held.captured = arrives;
        let intent = self.intents.must_mut(id);
        intent.settles_at = None;
        intent.declined = !arrives;
        intent.status = if arrives {
            IntentStatus::Succeeded
        } else {
            IntentStatus::RequiresPaymentMethod
        };
        if !arrives {
            intent.method = None;
        }
        let (charge_kind, intent_kind) = if arrives {
            ("charge.succeeded", "payment_intent.succeeded")
        } else {
            ("charge.failed", "payment_intent.payment_failed")
        };
        self.emit(charge_kind, self.charge_value(&charge));
        self.emit(intent_kind, self.intent_value(id));
        if let Some(invoice) = &row.invoice {
            self.invoice_settled(invoice, &charge, arrives);
        }
        let session = row.session.or_else(|| {
            let invoice = row.invoice.as_deref()?;
            let of_invoice = |session: &&super::terms::Session| {
                session.invoice.as_deref() == Some(invoice) && session.payment_status == "unpaid"
            };
            self.sessions
                .iter()
                .find(of_invoice)
                .map(|row| row.id.clone())
        });
        if let Some(session) = session {
            self.session_settled(&session, arrives);
        }
    }
}
