//! Credit notes: less to pay, or something given back (docs.stripe.com/invoicing/dashboard/credit-notes).

use serde_json::Value;

use super::StripeSim;
use super::model::{InvoiceStatus, Metadata};
use super::money::{ChargeStatus, CreditNote};
use super::params::{Params, Problem};
use super::writes::{Answer, edit_metadata, metadata};

/// How what was already paid is given back; in cents.
#[derive(Clone, Copy, Debug, Default)]
struct Back {
    refund: i64,
    balance: i64,
    out_of_band: i64,
}

/// What a credit note says of itself.
#[derive(Clone, Debug, Default)]
struct Words {
    description: Option<String>,
    reason: Option<String>,
    memo: Option<String>,
    metadata: Metadata,
}

impl StripeSim {
    /// Credits cents of an invoice: off what is owed, the rest to the customer's balance; answers the note's id.
    pub fn credit(&mut self, invoice: &str, amount: i64) -> String {
        let owed = self.owed(invoice);
        let back = Back {
            balance: amount - amount.min(owed),
            ..Back::default()
        };
        self.credit_invoice(invoice, amount, back, Words::default())
    }

    fn owed(&self, invoice: &str) -> i64 {
        let row = self.invoices.must(invoice);
        match row.status {
            InvoiceStatus::Open | InvoiceStatus::Uncollectible => row.amount_due - row.amount_paid,
            InvoiceStatus::Draft | InvoiceStatus::Paid | InvoiceStatus::Void => 0,
        }
    }

    pub(crate) fn credit_note_value(&self, id: &str) -> Value {
        self.credit_note_json(self.credit_notes.must(id))
    }

    fn credit_invoice(&mut self, invoice: &str, amount: i64, back: Back, words: Words) -> String {
        let id = self.next_id("cn_1");
        let row = self.invoices.must(invoice).clone();
        let before_payment = amount.min(self.owed(invoice));
        let after_payment = amount - before_payment;
        let before = self.invoice_value(invoice);
        let held = self.invoices.must_mut(invoice);
        held.credited.0 += before_payment;
        held.credited.1 += after_payment;
        held.amount_due -= before_payment;
        if let Some(intent) = row.intent.as_deref().filter(|_| before_payment > 0) {
            self.intents.must_mut(intent).amount -= before_payment;
        }
        let number = format!(
            "{}-CN-{:02}",
            row.number.clone().unwrap_or_default(),
            self.credit_notes.of(invoice).count() + 1
        );
        let refund = (back.refund > 0).then(|| {
            let charge = row.charge.clone().unwrap_or_default();
            self.refund_charge(&charge, back.refund, None, Metadata::new())
        });
        let balance_transaction = (back.balance > 0).then(|| {
            let amount = -back.balance;
            self.change_balance(&row.customer, amount, "credit_note", Some(invoice), None)
        });
        if let Some(transaction) = &balance_transaction {
            self.balance_transactions.must_mut(transaction).credit_note = Some(id.clone());
        }
        self.credit_notes.insert(CreditNote {
            id: id.clone(),
            number,
            invoice: invoice.to_owned(),
            customer: row.customer,
            currency: row.currency,
            before_payment,
            after_payment,
            out_of_band: back.out_of_band,
            refund,
            balance_transaction,
            description: words.description,
            reason: words.reason,
            memo: words.memo,
            voided_at: None,
            metadata: words.metadata,
            created: self.now,
        });
        self.emit("credit_note.created", self.credit_note_value(&id));
        let after = self.invoice_value(invoice);
        self.emit_change("invoice.updated", before, after);
        // docs.stripe.com/invoicing/dashboard/credit-notes: nothing left to pay is paid.
        if before_payment > 0 && self.owed(invoice) == 0 {
            self.mark_paid(invoice, 0, None, false);
        }
        id
    }

    pub(crate) fn post_credit_note(&mut self, params: &Params<'_>) -> Answer {
        let invoice = params.need("invoice")?.to_owned();
        let row = self.invoices.get(&invoice).ok_or_else(|| Problem {
            status: 400,
            ..Problem::missing("invoice", &invoice)
        })?;
        if matches!(row.status, InvoiceStatus::Draft | InvoiceStatus::Void) {
            let text = "A credit note can only be issued for a finalized invoice.";
            return Err(Problem::invalid(text, "invoice"));
        }
        let left = row.total().max(0) - row.credited.0 - row.credited.1;
        let charged = row
            .charge
            .as_deref()
            .is_some_and(|id| self.charges.must(id).status == ChargeStatus::Succeeded);
        let lines: i64 = params
            .rows("lines")
            .iter()
            .map(|line| line_amount(line))
            .sum();
        let amount = params.number("amount")?.unwrap_or(lines);
        if amount <= 0 || amount > left {
            let text = format!("The credit must be between 1 and {left}.");
            return Err(Problem::invalid(text, "amount"));
        }
        let number = |key: &str| params.number(key).map(Option::unwrap_or_default);
        let mut back = Back {
            refund: number("refund_amount")?,
            balance: number("credit_amount")?,
            out_of_band: number("out_of_band_amount")?,
        };
        let after_payment = amount - amount.min(self.owed(&invoice));
        let given = back.refund + back.balance + back.out_of_band;
        if given == 0 {
            back.balance = after_payment;
        } else if given != after_payment || (back.refund > 0 && !charged) {
            let text = format!("Refund, credit and out of band must come to {after_payment}.");
            return Err(Problem::invalid(text, "credit_amount"));
        }
        let own = |key: &str| params.filled(key).map(str::to_owned);
        let words = Words {
            description: own("lines[0][description]"),
            reason: own("reason"),
            memo: own("memo"),
            metadata: metadata(params),
        };
        let id = self.credit_invoice(&invoice, amount, back, words);
        Ok(self.credit_note_value(&id))
    }

    pub(crate) fn update_credit_note(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.credit_notes
            .get(id)
            .ok_or_else(|| Problem::missing("credit_note", id))?;
        let before = self.credit_note_value(id);
        let held = self.credit_notes.must_mut(id);
        edit_metadata(&mut held.metadata, &params.hash("metadata"));
        if let Some(memo) = params.get("memo") {
            held.memo = Some(memo.to_owned()).filter(|memo| !memo.is_empty());
        }
        let after = self.credit_note_value(id);
        self.emit_change("credit_note.updated", before, after.clone());
        Ok(after)
    }

    /// docs.stripe.com/api/credit_notes/void: only while its invoice is open.
    pub(crate) fn void_credit_note(&mut self, id: &str) -> Answer {
        let row = self
            .credit_notes
            .get(id)
            .ok_or_else(|| Problem::missing("credit_note", id))?
            .clone();
        if self.invoices.must(&row.invoice).status != InvoiceStatus::Open || row.voided_at.is_some()
        {
            let text = "This credit note cannot be voided.";
            return Err(Problem::invalid(text, "id"));
        }
        self.credit_notes.must_mut(id).voided_at = Some(self.now);
        let before = self.invoice_value(&row.invoice);
        let held = self.invoices.must_mut(&row.invoice);
        held.credited.0 -= row.before_payment;
        held.amount_due += row.before_payment;
        if let Some(intent) = held.intent.clone() {
            self.intents.must_mut(&intent).amount += row.before_payment;
        }
        let after = self.invoice_value(&row.invoice);
        self.emit("credit_note.voided", self.credit_note_value(id));
        self.emit_change("invoice.updated", before, after);
        Ok(self.credit_note_value(id))
    }
}

fn line_amount(line: &std::collections::BTreeMap<&str, &str>) -> i64 {
    let number = |key: &str| line.get(key).and_then(|value| value.parse::<i64>().ok());
    number("amount")
        .unwrap_or_else(|| number("unit_amount").unwrap_or(0) * number("quantity").unwrap_or(1))
}
