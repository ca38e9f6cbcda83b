//! Invoices: drafted, finalized, paid from the balance and then by the card, retried, given up.

use serde_json::Value;

use super::StripeSim;
use super::calendar::{DAY, HOUR};
use super::intents::NewIntent;
use super::model::{
    BalanceTransaction, Card, CollectionMethod, Invoice, InvoiceStatus, Line, Metadata,
    PauseBehavior, Status,
};
use super::money::IntentStatus;

/// Stripe's smallest charge in US cents (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
const MINIMUM_CHARGE: i64 = 50;

/// Who pays when an invoice is paid outside the automatic retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Payer {
    /// The default payment method, whatever it answers.
    DefaultCard,
    /// A payment method of that id.
    Method(String),
    /// Another card that works.
    AnotherCard,
    /// Somebody who recorded cash.
    OutOfBand,
}

/// What came of an attempt to collect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Paid,
    Declined,
    NeedsAction,
    Processing,
}

pub(crate) struct NewInvoice {
    pub customer: String,
    pub subscription: Option<String>,
    pub reason: &'static str,
    pub lines: Vec<Line>,
    pub period: (i64, i64),
}

impl StripeSim {
    pub(crate) fn invoice_value(&self, id: &str) -> Value {
        self.invoice_json(self.invoices.must(id))
    }

    /// Stores a draft; announcing it and finalizing it is the caller's business.
    pub(crate) fn draft_invoice(&mut self, new: NewInvoice) -> String {
        let id = self.next_id("in_1");
        let subscription = new
            .subscription
            .as_deref()
            .map(|id| self.subscriptions.must(id));
        let collection = subscription.map_or(CollectionMethod::default(), |subscription| {
            subscription.collection
        });
        let days_until_due = subscription.map_or(30, |subscription| subscription.days_until_due);
        let customer = self.customers.must(&new.customer);
        let mut applied = subscription.map_or(Vec::new(), |row| row.discounts.clone());
        if applied.is_empty() {
            applied.extend(customer.discount.clone());
        }
        let discounts = self.discounts_on(&new.lines, &applied);
        let priced = new.lines.iter().find_map(|line| line.price.as_deref());
        let currency = priced.map_or("usd", |price| &self.prices.must(price).currency);
        // docs.stripe.com/billing/subscriptions/pause-payment
        let pause = subscription.and_then(|subscription| subscription.pause);
        let kept_as_draft = matches!(pause, Some((PauseBehavior::KeepAsDraft, _)));
        let row = Invoice {
            id: id.clone(),
            number: None,
            customer: new.customer,
            subscription: new.subscription,
            status: InvoiceStatus::Draft,
            reason: new.reason,
            discounts,
            lines: new.lines,
            currency: currency.to_owned(),
            description: None,
            days_until_due,
            created: self.now,
            period: new.period,
            starting_balance: 0,
            ending_balance: None,
            amount_due: 0,
            amount_paid: 0,
            attempt_count: 0,
            first_attempt: None,
            next_attempt: None,
            finalize_at: None,
            auto_advance: !kept_as_draft,
            collection,
            due_date: None,
            finalized_at: None,
            paid_at: None,
            voided_at: None,
            uncollectible_at: None,
            intent: None,
            charge: None,
            paid_out_of_band: false,
            credited: (0, 0),
            metadata: Metadata::new(),
        };
        self.invoices.insert(row);
        self.sum_up(&id);
        id
    }

    /// What a draft would ask for if it were finalized now.
    pub(crate) fn sum_up(&mut self, id: &str) {
        let balance = self
            .customers
            .must(&self.invoices.must(id).customer)
            .balance;
        let row = self.invoices.must_mut(id);
        row.starting_balance = balance;
        row.amount_due = (row.total() + balance).max(0);
    }

    /// Lets a draft be finalized an hour later (docs.stripe.com/billing/invoices/subscription#invoice-lifecycle).
    pub(crate) fn finalize_in_an_hour(&mut self, id: &str) {
        let at = self.now + HOUR;
        let invoice = self.invoices.must_mut(id);
        invoice.finalize_at = Some(at);
        invoice.next_attempt = Some(at);
        self.wake(at, id);
    }

    /// Whatever is due for an invoice now.
    pub(crate) fn run_invoice(&mut self, id: &str) {
        let Some(row) = self.invoices.get(id).cloned() else {
            return;
        };
        let due = |at: Option<i64>| at.is_some_and(|at| at <= self.now);
        match row.status {
            InvoiceStatus::Draft if row.auto_advance && due(row.finalize_at) => {
                self.finalize_or_pause(id)
            }
            InvoiceStatus::Open if row.auto_advance && due(row.next_attempt) => {
                self.attempt(id, Payer::DefaultCard);
            }
            InvoiceStatus::Open
                if row.collection == CollectionMethod::SendInvoice && due(row.due_date) =>
            {
                self.emit("invoice.overdue", self.invoice_json(&row));
                self.set_past_due(&row);
            }
            InvoiceStatus::Draft
            | InvoiceStatus::Open
            | InvoiceStatus::Paid
            | InvoiceStatus::Void
            | InvoiceStatus::Uncollectible => {}
        }
    }

    /// docs.stripe.com/billing/subscriptions/pause-payment
    fn finalize_or_pause(&mut self, id: &str) {
        if self.is_stuck(self.invoices.must(id)) {
            self.emit("invoice.finalization_failed", self.invoice_value(id));
            return;
        }
        let pause = self
            .invoices
            .must(id)
            .subscription
            .as_deref()
            .and_then(|subscription| self.subscriptions.must(subscription).pause);
        match pause {
            None => self.finalize(id, Payer::DefaultCard),
            Some((PauseBehavior::KeepAsDraft, _)) => {
                let before = self.invoice_value(id);
                self.invoices.must_mut(id).auto_advance = false;
                self.emit_change("invoice.updated", before, self.invoice_value(id));
            }
            Some((PauseBehavior::Void, _)) => {
                self.open(id);
                self.void(id);
            }
            Some((PauseBehavior::MarkUncollectible, _)) => {
                self.open(id);
                self.mark_uncollectible(id);
            }
        }
    }

    /// Finalizes and collects. Nothing due is paid without a charge
    /// (docs.stripe.com/billing/invoices/overview#how-invoices-work, docs.stripe.com/billing/customer/balance).
    pub(crate) fn finalize(&mut self, id: &str, payer: Payer) {
        self.open(id);
        let row = self.invoices.must(id).clone();
        if row.amount_due == 0 {
            self.mark_paid(id, 0, None, false);
            return;
        }
        match row.collection {
            CollectionMethod::ChargeAutomatically => {
                self.attempt(id, payer);
            }
            CollectionMethod::SendInvoice => {
                let due = row.due_date.unwrap_or(self.now);
                self.wake(due, id);
                self.emit("invoice.sent", self.invoice_json(&row));
            }
        }
    }

    /// Draft to open: number, balance, amount due. The balance is touched here and nowhere earlier.
    pub(crate) fn open(&mut self, id: &str) {
        let before = self.invoice_value(id);
        let row = self.invoices.must(id).clone();
        let customer = self.customers.must_mut(&row.customer);
        let number = customer.next_number;
        customer.next_number += 1;
        let starting = customer.balance;
        let total = row.total();
        let sum = total + starting;
        // A rest too small to charge is carried as a debit (docs.stripe.com/billing/customer/balance#types).
        let too_small = sum > 0 && sum < MINIMUM_CHARGE;
        let amount_due = if too_small { 0 } else { sum.max(0) };
        let ending = if too_small { sum } else { sum.min(0) };
        let number = format!("{}-{number:04}", self.invoice_prefix(&row.customer));
        let now = self.now;
        let invoice = self.invoices.must_mut(id);
        invoice.status = InvoiceStatus::Open;
        invoice.number = Some(number);
        invoice.finalized_at = Some(now);
        invoice.finalize_at = None;
        invoice.next_attempt = None;
        invoice.starting_balance = starting;
        invoice.ending_balance = Some(ending);
        invoice.amount_due = amount_due;
        if invoice.collection == CollectionMethod::SendInvoice {
            invoice.due_date = Some(now + row.days_until_due * DAY);
        }
        if ending != starting {
            let kind = if too_small {
                "invoice_too_small"
            } else {
                "applied_to_invoice"
            };
            self.change_balance(&row.customer, ending - starting, kind, Some(id), None);
        }
        self.use_up_discounts(id);
        let after = self.invoice_value(id);
        self.emit_change("invoice.updated", before, after.clone());
        self.emit("invoice.finalized", after);
        if amount_due > 0 {
            let intent = self.add_intent(NewIntent {
                customer: Some(row.customer),
                invoice: Some(id.to_owned()),
                session: None,
                amount: amount_due,
                currency: row.currency,
                kinds: vec!["card".to_owned()],
                manual_capture: false,
                description: Some("Subscription update".to_owned()),
                metadata: Metadata::new(),
            });
            self.invoices.must_mut(id).intent = Some(intent);
        }
    }

    /// Moves a customer's balance and writes the transaction; answers its id.
    pub(crate) fn change_balance(
        &mut self,
        customer: &str,
        amount: i64,
        kind: &'static str,
        invoice: Option<&str>,
        description: Option<String>,
    ) -> String {
        let before = self.customer_json(self.customers.must(customer));
        self.customers.must_mut(customer).balance += amount;
        let ending_balance = self.customers.must(customer).balance;
        let id = self.next_id("cbtxn_1");
        self.balance_transactions.insert(BalanceTransaction {
            id: id.clone(),
            customer: customer.to_owned(),
            amount,
            ending_balance,
            kind,
            invoice: invoice.map(str::to_owned),
            credit_note: None,
            description,
            metadata: Metadata::new(),
            created: self.now,
        });
        let after = self.customer_json(self.customers.must(customer));
        self.emit_change("customer.updated", before, after);
        id
    }

    /// Tries to collect an open invoice.
    pub(crate) fn attempt(&mut self, id: &str, payer: Payer) -> Attempt {
        let row = self.invoices.must(id).clone();
        let now = self.now;
        if payer == Payer::OutOfBand {
            self.mark_paid(id, row.amount_due, None, true);
            return Attempt::Paid;
        }
        let invoice = self.invoices.must_mut(id);
        invoice.attempt_count += 1;
        invoice.first_attempt.get_or_insert(now);
        let (Some(method), Some(intent)) = (self.method_for(&row, payer), row.intent) else {
            self.failed(id, None);
            return Attempt::Declined;
        };
        let status = self.confirm_intent(&intent, &method);
        let charge = self.intents.must(&intent).latest_charge.clone();
        match status {
            IntentStatus::Succeeded => {
                self.mark_paid(id, row.amount_due, charge, false);
                Attempt::Paid
            }
            IntentStatus::Processing => {
                self.processing(id, charge);
                Attempt::Processing
            }
            IntentStatus::RequiresAction => {
                self.failed(id, charge);
                self.emit("invoice.payment_action_required", self.invoice_value(id));
                Attempt::NeedsAction
            }
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresCapture
            | IntentStatus::Canceled => {
                self.failed(id, charge);
                Attempt::Declined
            }
        }
    }

    fn method_for(&mut self, invoice: &Invoice, payer: Payer) -> Option<String> {
        match payer {
            Payer::OutOfBand => None,
            Payer::Method(id) => Some(id),
            Payer::AnotherCard => self.named_method("pm_card_visa").ok(),
            Payer::DefaultCard => {
                let subscription = invoice.subscription.as_deref();
                subscription
                    .and_then(|id| self.subscriptions.must(id).default_method.clone())
                    .or_else(|| {
                        self.customers
                            .must(&invoice.customer)
                            .default_method
                            .clone()
                    })
                    .filter(|id| {
                        let method = self.methods.get(id);
                        method.is_some_and(|method| method.card != Card::None)
                    })
            }
        }
    }

    /// A bank debit is on its way: the invoice stays open, and a first payment makes the subscription active
    /// (docs.stripe.com/api/subscriptions/create#create_subscription-payment_behavior).
    fn processing(&mut self, id: &str, charge: Option<String>) {
        let before = self.invoice_value(id);
        let invoice = self.invoices.must_mut(id);
        invoice.charge = charge;
        invoice.next_attempt = None;
        let subscription = invoice.subscription.clone();
        let after = self.invoice_value(id);
        self.emit_change("invoice.updated", before, after);
        if let Some(subscription) = subscription
            && self.subscriptions.must(&subscription).status == Status::Incomplete
        {
            self.change_subscription(&subscription, |row| row.status = Status::Active);
        }
    }

    /// The bank has answered the debit of an invoice.
    pub(crate) fn invoice_settled(&mut self, id: &str, charge: &str, arrived: bool) {
        let Some(row) = self.invoices.get(id) else {
            return;
        };
        if row.status != InvoiceStatus::Open {
            return;
        }
        let (amount, charge) = (row.amount_due, Some(charge.to_owned()));
        if arrived {
            self.mark_paid(id, amount, charge, false);
        } else {
            // The retries count from the bank's answer.
            self.invoices.must_mut(id).first_attempt = Some(self.now);
            self.failed(id, charge);
        }
    }

    pub(crate) fn mark_paid(
        &mut self,
        id: &str,
        amount: i64,
        charge: Option<String>,
        out_of_band: bool,
    ) {
        let before = self.invoice_value(id);
        let now = self.now;
        let invoice = self.invoices.must_mut(id);
        invoice.status = InvoiceStatus::Paid;
        invoice.paid_at = Some(now);
        invoice.amount_paid = amount;
        invoice.next_attempt = None;
        invoice.auto_advance = false;
        invoice.charge = charge;
        invoice.paid_out_of_band = out_of_band;
        let customer = invoice.customer.clone();
        let subscription = invoice.subscription.clone();
        let intent = invoice.intent.clone();
        let after = self.invoice_value(id);
        self.emit_change("invoice.updated", before, after.clone());
        // docs.stripe.com/billing/subscriptions/webhooks: both are sent, also for a total of zero.
        self.emit("invoice.paid", after.clone());
        self.emit("invoice.payment_succeeded", after);
        if let Some(intent) = intent {
            if self.intents.must(&intent).status == IntentStatus::Succeeded {
                let payment = self.invoice_payment_json(self.invoices.must(id), &intent);
                self.emit("invoice_payment.paid", payment);
            } else {
                self.cancel_intent(&intent, None);
            }
        }
        self.set_delinquent(&customer);
        if let Some(subscription) = subscription {
            self.apply_pending_update(&subscription, id);
            self.follow_latest_invoice(&subscription);
        }
    }
}
