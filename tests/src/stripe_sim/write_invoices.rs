//! The REST interface: invoices made by hand, their items, and what is done with them.

use serde_json::Value;

use super::StripeSim;
use super::api::unrecognized;
use super::billing::{Attempt, NewInvoice, Payer};
use super::checkout::declined_card;
use super::model::{CollectionMethod, InvoiceStatus, Line, PendingItem};
use super::objects::deleted;
use super::params::{Params, Problem};
use super::writes::{Answer, collection, edit_metadata, metadata};

fn not_now(text: &str) -> Problem {
    Problem {
        code: Some("invoice_not_editable"),
        ..Problem::invalid(text, "id")
    }
}

impl StripeSim {
    fn known_invoice(&self, id: &str) -> Result<InvoiceStatus, Problem> {
        let row = self.invoices.get(id);
        row.map(|row| row.status)
            .ok_or_else(|| Problem::missing("invoice", id))
    }

    /// docs.stripe.com/api/invoices/create
    pub(crate) fn post_invoice(&mut self, params: &Params<'_>) -> Answer {
        let customer = self.living_customer(params.need("customer")?)?;
        let subscription = params.filled("subscription").map(str::to_owned);
        if let Some(id) = &subscription {
            self.living_subscription(id)?;
        }
        let included = params.filled("pending_invoice_items_behavior") != Some("exclude");
        let lines = if included {
            self.take_pending(&customer, subscription.as_deref().unwrap_or_default())
        } else {
            Vec::new()
        };
        let id = self.draft_invoice(NewInvoice {
            customer,
            subscription,
            reason: "manual",
            lines,
            period: (self.now, self.now),
        });
        let collection = collection(params)?;
        let days = params.number("days_until_due")?;
        let auto_advance = params.flag("auto_advance")? == Some(true);
        let row = self.invoices.must_mut(&id);
        row.auto_advance = auto_advance;
        row.collection = collection.unwrap_or(row.collection);
        row.days_until_due = days.unwrap_or(row.days_until_due);
        row.description = params.filled("description").map(str::to_owned);
        row.metadata = metadata(params);
        self.emit("invoice.created", self.invoice_value(&id));
        if auto_advance {
            self.finalize_in_an_hour(&id);
        }
        Ok(self.invoice_value(&id))
    }

    pub(crate) fn update_invoice(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.known_invoice(id)?;
        let before = self.invoice_value(id);
        let auto_advance = params.flag("auto_advance")?;
        let row = self.invoices.must_mut(id);
        edit_metadata(&mut row.metadata, &params.hash("metadata"));
        row.auto_advance = auto_advance.unwrap_or(row.auto_advance);
        if let Some(text) = params.get("description") {
            row.description = Some(text.to_owned()).filter(|text| !text.is_empty());
        }
        let after = self.invoice_value(id);
        self.emit_change("invoice.updated", before, after.clone());
        Ok(after)
    }

    pub(crate) fn delete_invoice(&mut self, id: &str) -> Answer {
        if self.known_invoice(id)? != InvoiceStatus::Draft {
            return Err(not_now("You can only delete draft invoices."));
        }
        let value = self.invoice_value(id);
        self.invoices.remove(id);
        self.emit("invoice.deleted", value);
        Ok(deleted(id, "invoice"))
    }

    pub(crate) fn act_on_invoice(&mut self, id: &str, action: &str, params: &Params<'_>) -> Answer {
        let status = self.known_invoice(id)?;
        match (action, status) {
            ("finalize", InvoiceStatus::Draft) => self.finalize_by_hand(id),
            ("send", InvoiceStatus::Draft | InvoiceStatus::Open) => {
                if self.invoices.must(id).collection != CollectionMethod::SendInvoice {
                    return Err(not_now("This invoice is collected automatically."));
                }
                if status == InvoiceStatus::Draft {
                    self.open(id);
                }
                self.emit("invoice.sent", self.invoice_value(id));
            }
            ("pay", InvoiceStatus::Paid) => return Err(not_now("Invoice is already paid")),
            ("pay", InvoiceStatus::Draft | InvoiceStatus::Open | InvoiceStatus::Uncollectible) => {
                self.pay_by_hand(id, params)?;
            }
            ("void", InvoiceStatus::Open | InvoiceStatus::Uncollectible) => self.void(id),
            ("mark_uncollectible", InvoiceStatus::Open) => self.mark_uncollectible(id),
            ("pay" | "void" | "mark_uncollectible" | "finalize" | "send", _) => {
                return Err(not_now("The invoice's status does not allow this."));
            }
            _ => return Err(unrecognized(&["invoices", id, action])),
        }
        Ok(self.invoice_value(id))
    }

    /// docs.stripe.com/invoicing/integration/automatic-advancement-collection: without it nobody is charged.
    fn finalize_by_hand(&mut self, id: &str) {
        if self.invoices.must(id).auto_advance {
            self.finalize(id, Payer::DefaultCard);
            return;
        }
        self.open(id);
        if self.invoices.must(id).amount_due == 0 {
            self.mark_paid(id, 0, None, false);
        }
    }

    fn pay_by_hand(&mut self, id: &str, params: &Params<'_>) -> Result<(), Problem> {
        let method = params
            .filled("payment_method")
            .or(params.filled("source"))
            .map(|name| self.named_method(name))
            .transpose()?;
        let payer = match method {
            _ if params.flag("paid_out_of_band")? == Some(true) => Payer::OutOfBand,
            Some(method) => Payer::Method(method),
            None => Payer::DefaultCard,
        };
        if self.invoices.must(id).status == InvoiceStatus::Draft {
            self.open(id);
        }
        if self.invoices.must(id).amount_due == 0 {
            self.mark_paid(id, 0, None, payer == Payer::OutOfBand);
            return Ok(());
        }
        match self.attempt(id, payer) {
            Attempt::Paid | Attempt::Processing => Ok(()),
            Attempt::Declined => Err(declined_card()),
            Attempt::NeedsAction => Err(Problem::plain(
                402,
                "card_error",
                Some("invoice_payment_intent_requires_action"),
                "The payment needs an action of the payer.",
            )),
        }
    }

    /// docs.stripe.com/api/invoiceitems/create: waits for the customer's next invoice, or is put on a draft.
    pub(crate) fn post_invoice_item(&mut self, params: &Params<'_>) -> Answer {
        let customer = self.living_customer(params.need("customer")?)?;
        let price = params
            .filled("price")
            .or(params.filled("pricing[price]"))
            .map(|id| self.living_price(id))
            .transpose()?;
        let quantity = params.number("quantity")?.unwrap_or(1);
        let priced = price.as_deref().map(|id| self.prices.must(id).clone());
        let amount = match (&priced, params.number("amount")?) {
            (Some(price), _) => price.amount * quantity,
            (None, Some(amount)) => amount,
            (None, None) => return Err(Problem::required("amount")),
        };
        let line = Line {
            id: self.next_id("il_1"),
            amount,
            description: params.filled("description").unwrap_or_default().to_owned(),
            price,
            quantity,
            period: (self.now, self.now),
            subscription: params.filled("subscription").map(str::to_owned),
            item: None,
            invoice_item: Some(self.next_id("ii_1")),
            proration: false,
            cut_at: None,
        };
        let row = PendingItem {
            customer,
            currency: params.filled("currency").unwrap_or("usd").to_owned(),
            line,
            metadata: metadata(params),
        };
        let value = self.pending_item_json(&row, None);
        self.emit("invoiceitem.created", value.clone());
        match params.filled("invoice") {
            None => self.pending.push(row),
            Some(invoice) => {
                if self.known_invoice(invoice)? != InvoiceStatus::Draft {
                    return Err(not_now("This invoice is no longer editable"));
                }
                self.invoices.must_mut(invoice).lines.push(row.line);
                self.sum_up(invoice);
            }
        }
        Ok(value)
    }

    pub(crate) fn delete_invoice_item(&mut self, id: &str) -> Answer {
        let at = self
            .pending
            .iter()
            .position(|row| row.line.invoice_item.as_deref() == Some(id));
        let at = at.ok_or_else(|| Problem::missing("invoiceitem", id))?;
        let row = self.pending.remove(at);
        let value: Value = self.pending_item_json(&row, None);
        self.emit("invoiceitem.deleted", value);
        Ok(deleted(id, "invoiceitem"))
    }

    /// Every invoice item, those that wait and those that are on an invoice.
    pub(crate) fn invoice_items(&self) -> Vec<Value> {
        let billed = self.invoices.iter().flat_map(|invoice| {
            let items = invoice
                .lines
                .iter()
                .filter(|line| line.invoice_item.is_some());
            items.map(move |line| (invoice, line))
        });
        let mut all: Vec<Value> = billed
            .map(|(invoice, line)| {
                let row = PendingItem {
                    currency: invoice.currency.clone(),
                    ..PendingItem::of(&invoice.customer, line.clone())
                };
                self.pending_item_json(&row, Some(&invoice.id))
            })
            .collect();
        all.extend(
            self.pending
                .iter()
                .map(|row| self.pending_item_json(row, None)),
        );
        all
    }
}
