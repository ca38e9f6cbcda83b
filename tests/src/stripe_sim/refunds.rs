//! Money that goes back: refunds and disputes.

use super::StripeSim;
use super::model::{Charge, Dispute, Refund};
use super::params::{Params, Problem};
use super::writes::Answer;

impl StripeSim {
    /// Refunds cents of an invoice's charge; answers the refund's id.
    ///
    /// # Panics
    /// If the invoice has no charge that succeeded: there is nothing to refund.
    pub fn refund(&mut self, invoice: &str, amount: i64) -> String {
        let charge = self.paid_charge(invoice).id.clone();
        self.refund_charge(&charge, amount)
    }

    pub(crate) fn refund_charge(&mut self, charge: &str, amount: i64) -> String {
        let before = self.charge_json(self.charges.must(charge));
        let id = self.next_id("re_3");
        self.charges.must_mut(charge).amount_refunded += amount;
        self.refunds.insert(Refund {
            id: id.clone(),
            charge: charge.to_owned(),
            amount,
            status: "succeeded",
            created: self.now,
        });
        let after = self.charge_json(self.charges.must(charge));
        self.emit_change("charge.refunded", before, after);
        self.emit("refund.created", self.refund_json(self.refunds.must(&id)));
        id
    }

    /// The refund comes back (docs.stripe.com/refunds#failed-refunds).
    pub fn fail_refund(&mut self, refund: &str) {
        let row = self.refunds.must_mut(refund);
        row.status = "failed";
        let (charge, amount) = (row.charge.clone(), row.amount);
        self.charges.must_mut(&charge).amount_refunded -= amount;
        self.emit("refund.failed", self.refund_json(self.refunds.must(refund)));
    }

    /// The payer disputes an invoice's charge; answers the dispute's id.
    ///
    /// # Panics
    /// If the invoice has no charge that succeeded: there is nothing to dispute.
    pub fn dispute(&mut self, invoice: &str) -> String {
        let charge = self.paid_charge(invoice);
        let (charge, amount) = (charge.id.clone(), charge.amount);
        let id = self.next_id("du_1");
        self.charges.must_mut(&charge).disputed = true;
        self.disputes.insert(Dispute {
            id: id.clone(),
            charge,
            amount,
            status: "needs_response",
            reason: "fraudulent",
            created: self.now,
        });
        self.emit(
            "charge.dispute.created",
            self.dispute_json(self.disputes.must(&id)),
        );
        id
    }

    /// The bank decides.
    pub fn close_dispute(&mut self, dispute: &str, won: bool) {
        self.disputes.must_mut(dispute).status = if won { "won" } else { "lost" };
        self.emit(
            "charge.dispute.closed",
            self.dispute_json(self.disputes.must(dispute)),
        );
    }

    fn paid_charge(&self, invoice: &str) -> &Charge {
        let charge = self.invoices.must(invoice).charge.as_deref();
        charge
            .map(|id| self.charges.must(id))
            .filter(|charge| charge.succeeded)
            .expect("the story names an invoice that a charge has paid")
    }

    pub(crate) fn post_refund(&mut self, params: &Params<'_>) -> Answer {
        let charge = match (params.filled("charge"), params.filled("payment_intent")) {
            (Some(charge), _) => charge.to_owned(),
            (None, Some(intent)) => intent.replacen("pi_", "ch_", 1),
            (None, None) => return Err(Problem::required("charge")),
        };
        let row = self
            .charges
            .get(&charge)
            .ok_or_else(|| Problem::missing("charge", &charge))?;
        let left = row.amount - row.amount_refunded;
        let amount = params.number("amount")?.unwrap_or(left);
        if !row.succeeded || amount <= 0 || amount > left {
            return Err(Problem {
                code: Some("charge_already_refunded"),
                ..Problem::invalid("Nothing left to refund.", "amount")
            });
        }
        let id = self.refund_charge(&charge, amount);
        Ok(self.refund_json(self.refunds.must(&id)))
    }
}
