//! Refunds: whole, partial, several, waiting, failed (docs.stripe.com/refunds).

use serde_json::Value;

use super::StripeSim;
use super::calendar::DAY;
use super::model::{Card, Metadata};
use super::money::{Charge, ChargeStatus, Refund};
use super::params::{Params, Problem};
use super::writes::{Answer, edit_metadata, metadata};

impl StripeSim {
    /// Refunds cents of an invoice's charge; answers the refund's id.
    ///
    /// # Panics
    /// If the invoice has no charge that succeeded: there is nothing to refund.
    pub fn refund(&mut self, invoice: &str, amount: i64) -> String {
        let charge = self.paid_charge(invoice).id.clone();
        self.refund_charge(&charge, amount, None, Metadata::new())
    }

    pub(crate) fn refund_value(&self, id: &str) -> Value {
        self.refund_json(self.refunds.must(id))
    }

    pub(crate) fn refund_charge(
        &mut self,
        charge: &str,
        amount: i64,
        reason: Option<String>,
        metadata: Metadata,
    ) -> String {
        let before = self.charge_value(charge);
        let id = self.next_id("re_3");
        let row = self.charges.must_mut(charge);
        row.amount_refunded += amount;
        let card = self.methods.must(&row.method.clone()).card;
        let waits = card == Card::RefundWaits;
        self.refunds.insert(Refund {
            id: id.clone(),
            charge: charge.to_owned(),
            amount,
            status: if waits { "pending" } else { "succeeded" },
            reason,
            metadata,
            created: self.now,
        });
        let after = self.charge_value(charge);
        self.emit_change("charge.refunded", before, after);
        self.emit("refund.created", self.refund_value(&id));
        if waits || card == Card::RefundFails {
            // docs.stripe.com/testing#refunds: asynchronously.
            self.wake(self.now + DAY, &id);
        }
        id
    }

    /// What becomes of a refund that was not finished at once.
    pub(crate) fn settle_refund(&mut self, id: &str) {
        match self.refunds.must(id).status {
            "pending" => self.change_refund(id, |row| row.status = "succeeded"),
            "succeeded" => self.fail_refund(id),
            _ => {}
        }
    }

    /// The refund comes back (docs.stripe.com/refunds#failed-refunds).
    pub fn fail_refund(&mut self, refund: &str) {
        let row = self.refunds.must(refund);
        let (charge, amount) = (row.charge.clone(), row.amount);
        self.charges.must_mut(&charge).amount_refunded -= amount;
        self.change_refund(refund, |row| row.status = "failed");
        self.emit("refund.failed", self.refund_value(refund));
    }

    fn change_refund(&mut self, id: &str, change: impl FnOnce(&mut Refund)) {
        let before = self.refund_value(id);
        change(self.refunds.must_mut(id));
        let after = self.refund_value(id);
        self.emit_change("charge.refund.updated", before.clone(), after.clone());
        self.emit_change("refund.updated", before, after);
    }

    pub(crate) fn paid_charge(&self, invoice: &str) -> &Charge {
        let charge = self.invoices.must(invoice).charge.as_deref();
        charge
            .map(|id| self.charges.must(id))
            .filter(|charge| charge.status == ChargeStatus::Succeeded)
            .expect("the story names an invoice that a charge has paid")
    }

    /// What was charged for an invoice, in cents, if nothing of it went back and nobody disputes it.
    pub(crate) fn whole_charge(&self, invoice: &str) -> Option<i64> {
        let charge = self
            .charges
            .get(self.invoices.must(invoice).charge.as_deref()?)?;
        let whole = charge.status == ChargeStatus::Succeeded
            && charge.amount_refunded == 0
            && !self
                .disputes
                .iter()
                .any(|dispute| dispute.charge == charge.id)
            && self.invoices.must(invoice).credited == (0, 0);
        whole.then_some(charge.amount)
    }

    pub(crate) fn post_refund(&mut self, params: &Params<'_>) -> Answer {
        let charge = match (params.filled("charge"), params.filled("payment_intent")) {
            (Some(charge), _) => charge.to_owned(),
            (None, Some(intent)) => self
                .intents
                .get(intent)
                .and_then(|row| row.latest_charge.clone())
                .ok_or_else(|| Problem::missing("payment_intent", intent))?,
            (None, None) => return Err(Problem::required("charge")),
        };
        let row = self
            .charges
            .get(&charge)
            .ok_or_else(|| Problem::missing("charge", &charge))?;
        let left = row.amount - row.amount_refunded;
        let amount = params.number("amount")?.unwrap_or(left);
        if row.status != ChargeStatus::Succeeded || amount <= 0 || amount > left {
            return Err(Problem {
                code: Some("charge_already_refunded"),
                ..Problem::invalid("Nothing left to refund.", "amount")
            });
        }
        let reason = params.filled("reason").map(str::to_owned);
        let id = self.refund_charge(&charge, amount, reason, metadata(params));
        Ok(self.refund_value(&id))
    }

    pub(crate) fn update_refund(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.refunds
            .get(id)
            .ok_or_else(|| Problem::missing("refund", id))?;
        self.change_refund(id, |row| {
            edit_metadata(&mut row.metadata, &params.hash("metadata"));
        });
        Ok(self.refund_value(id))
    }
}
