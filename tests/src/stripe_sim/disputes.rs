//! Disputes and inquiries, through all their states (docs.stripe.com/disputes/how-disputes-work).

use serde_json::Value;

use super::StripeSim;
use super::model::Metadata;
use super::money::Dispute;
use super::params::{Params, Problem};
use super::writes::{Answer, edit_metadata};

impl StripeSim {
    /// The payer disputes an invoice's charge; answers the dispute's id.
    ///
    /// # Panics
    /// If the invoice has no charge that succeeded: there is nothing to dispute.
    pub fn dispute(&mut self, invoice: &str) -> String {
        let charge = self.paid_charge(invoice).id.clone();
        self.dispute_charge(&charge, "needs_response")
    }

    /// The bank asks about an invoice's charge before anything is disputed; answers the inquiry's id.
    ///
    /// # Panics
    /// If the invoice has no charge that succeeded.
    pub fn inquire(&mut self, invoice: &str) -> String {
        let charge = self.paid_charge(invoice).id.clone();
        self.dispute_charge(&charge, "warning_needs_response")
    }

    /// A dispute that never was, because the network settled it beforehand (docs.stripe.com/disputes/prevention).
    ///
    /// # Panics
    /// If the invoice has no charge that succeeded.
    pub fn prevent_dispute(&mut self, invoice: &str) -> String {
        let charge = self.paid_charge(invoice).id.clone();
        self.dispute_charge(&charge, "prevented")
    }

    pub(crate) fn dispute_value(&self, id: &str) -> Value {
        self.dispute_json(self.disputes.must(id))
    }

    pub(crate) fn dispute_charge(&mut self, charge: &str, status: &'static str) -> String {
        let id = self.next_id("du_1");
        let row = self.charges.must_mut(charge);
        row.disputed = true;
        let amount = row.amount;
        self.disputes.insert(Dispute {
            id: id.clone(),
            charge: charge.to_owned(),
            amount,
            status,
            reason: "fraudulent",
            submissions: 0,
            metadata: Metadata::new(),
            created: self.now,
        });
        let value = self.dispute_value(&id);
        self.emit("charge.dispute.created", value.clone());
        match status {
            "needs_response" => {
                self.emit("charge.dispute.funds_withdrawn", value);
            }
            "prevented" => {
                self.emit("charge.dispute.closed", value);
            }
            _ => {}
        }
        id
    }

    fn change_dispute(&mut self, id: &str, change: impl FnOnce(&mut Dispute)) {
        let before = self.dispute_value(id);
        change(self.disputes.must_mut(id));
        let after = self.dispute_value(id);
        self.emit_change("charge.dispute.updated", before, after);
    }

    /// The space sends its evidence.
    pub fn respond_to_dispute(&mut self, id: &str) {
        self.change_dispute(id, |row| {
            row.submissions += 1;
            row.status = match row.status {
                "needs_response" => "under_review",
                "warning_needs_response" => "warning_under_review",
                other => other,
            };
        });
    }

    /// An inquiry becomes a dispute.
    pub fn escalate_dispute(&mut self, id: &str) {
        self.change_dispute(id, |row| row.status = "needs_response");
        self.emit("charge.dispute.funds_withdrawn", self.dispute_value(id));
    }

    /// The bank decides; an inquiry is only closed.
    pub fn close_dispute(&mut self, dispute: &str, won: bool) {
        let row = self.disputes.must_mut(dispute);
        let inquiry = row.status.starts_with("warning_");
        row.status = match (inquiry, won) {
            (true, _) => "warning_closed",
            (false, true) => "won",
            (false, false) => "lost",
        };
        let value = self.dispute_value(dispute);
        self.emit("charge.dispute.closed", value.clone());
        if won && !inquiry {
            self.emit("charge.dispute.funds_reinstated", value);
        }
    }

    pub(crate) fn update_dispute(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.disputes
            .get(id)
            .ok_or_else(|| Problem::missing("dispute", id))?;
        if !params.hash("metadata").is_empty() {
            self.change_dispute(id, |row| {
                edit_metadata(&mut row.metadata, &params.hash("metadata"));
            });
        }
        if params.flag("submit")? == Some(true) {
            self.respond_to_dispute(id);
        }
        Ok(self.dispute_value(id))
    }

    /// docs.stripe.com/api/disputes/close: the space gives in.
    pub(crate) fn give_in(&mut self, id: &str) -> Answer {
        self.disputes
            .get(id)
            .ok_or_else(|| Problem::missing("dispute", id))?;
        self.close_dispute(id, false);
        Ok(self.dispute_value(id))
    }
}
