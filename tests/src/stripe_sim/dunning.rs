//! Payments that fail, and invoices that are given up.

use super::calendar::DAY;
use super::model::{Invoice, InvoiceStatus, Status};
use super::{AfterRetries, StripeSim};

impl StripeSim {
    /// docs.stripe.com/billing/revenue-recovery/smart-retries: a fixed schedule, then the account's setting.
    pub(crate) fn failed(&mut self, id: &str, charge: Option<String>) {
        let before = self.invoice_value(id);
        let row = self.invoices.must(id).clone();
        let first_payment = row.subscription.as_deref().is_some_and(|subscription| {
            self.subscriptions.must(subscription).status == Status::Incomplete
        });
        // docs.stripe.com/billing/subscriptions/pending-updates: the old items stay paid for.
        let waits = self.waits_for(&row);
        let retries_left =
            !first_payment && !waits && row.auto_advance && row.subscription.is_some();
        let next = usize::try_from(row.attempt_count - 1)
            .ok()
            .and_then(|at| self.retry_days.get(at))
            .filter(|_| retries_left)
            .map(|days| row.first_attempt.unwrap_or(self.now) + days * DAY)
            .filter(|at| *at > self.now);
        let invoice = self.invoices.must_mut(id);
        invoice.next_attempt = next;
        invoice.charge = charge.or_else(|| invoice.charge.clone());
        let after = self.invoice_value(id);
        self.emit_change("invoice.updated", before, after.clone());
        self.emit("invoice.payment_failed", after);
        self.set_delinquent(&row.customer);
        if let Some(at) = next {
            self.wake(at, id);
        }
        if first_payment || waits {
            return;
        }
        if self.pauses_at_first_failure {
            self.pause_for(&row, "first_payment_failure");
        }
        self.set_past_due(&row);
        if next.is_none() && retries_left {
            self.give_up(&row);
        }
    }

    /// docs.stripe.com/billing/subscriptions/overview#subscription-statuses: past_due follows the latest finalized invoice.
    pub(crate) fn set_past_due(&mut self, invoice: &Invoice) {
        let Some(subscription) = invoice.subscription.clone() else {
            return;
        };
        let row = self.subscriptions.must(&subscription);
        let latest = self
            .latest_finalized(&subscription)
            .is_some_and(|latest| latest.id == invoice.id);
        if latest && matches!(row.status, Status::Active | Status::Trialing) {
            self.change_subscription(&subscription, |row| row.status = Status::PastDue);
        }
    }

    fn give_up(&mut self, invoice: &Invoice) {
        let Some(subscription) = invoice.subscription.clone() else {
            return;
        };
        if self.subscriptions.must(&subscription).status != Status::PastDue {
            return;
        }
        self.invoices.must_mut(&invoice.id).auto_advance = false;
        match self.after_retries {
            AfterRetries::Cancel => self.end_subscription(&subscription, "payment_failed"),
            AfterRetries::MarkUnpaid => {
                self.change_subscription(&subscription, |row| row.status = Status::Unpaid);
            }
            AfterRetries::Pause => self.pause_for(invoice, "final_payment_failure"),
            AfterRetries::LeavePastDue => {}
        }
    }

    /// docs.stripe.com/billing/revenue-recovery/smart-retries/pause-on-payment-failure
    fn pause_for(&mut self, invoice: &Invoice, reason: &'static str) {
        if let Some(subscription) = &invoice.subscription {
            self.pause_because(subscription, reason);
        }
    }

    /// Whether a change of the subscription's items waits for this invoice.
    pub(crate) fn waits_for(&self, invoice: &Invoice) -> bool {
        let subscription = invoice.subscription.as_deref();
        subscription
            .and_then(|id| self.subscriptions.must(id).pending_update.as_ref())
            .is_some_and(|pending| pending.invoice == invoice.id)
    }

    pub(crate) fn set_delinquent(&mut self, customer: &str) {
        let open = self
            .invoices
            .of(customer)
            .any(|invoice| invoice.status == InvoiceStatus::Open && invoice.attempt_count > 0);
        if self.customers.must(customer).delinquent != open {
            let before = self.customer_json(self.customers.must(customer));
            self.customers.must_mut(customer).delinquent = open;
            let after = self.customer_json(self.customers.must(customer));
            self.emit_change("customer.updated", before, after);
        }
    }

    /// Voids an open invoice (docs.stripe.com/invoicing/overview#void); the balance it used comes back.
    pub(crate) fn void(&mut self, id: &str) {
        let before = self.invoice_value(id);
        let now = self.now;
        let row = self.invoices.must_mut(id);
        row.status = InvoiceStatus::Void;
        row.voided_at = Some(now);
        row.next_attempt = None;
        row.auto_advance = false;
        let customer = row.customer.clone();
        let subscription = row.subscription.clone();
        let intent = row.intent.clone();
        let used = row
            .ending_balance
            .map_or(0, |ending| ending - row.starting_balance);
        let after = self.invoice_value(id);
        self.emit_change("invoice.updated", before, after.clone());
        self.emit("invoice.voided", after);
        if used != 0 && !self.customers.must(&customer).deleted {
            self.change_balance(&customer, -used, "unapplied_from_invoice", Some(id), None);
        }
        if let Some(intent) = intent {
            self.cancel_intent(&intent, Some("void_invoice"));
        }
        self.set_delinquent(&customer);
        if let Some(subscription) = subscription {
            self.follow_latest_invoice(&subscription);
        }
    }

    pub(crate) fn mark_uncollectible(&mut self, id: &str) {
        let before = self.invoice_value(id);
        let now = self.now;
        let row = self.invoices.must_mut(id);
        row.status = InvoiceStatus::Uncollectible;
        row.uncollectible_at = Some(now);
        row.next_attempt = None;
        row.auto_advance = false;
        let subscription = row.subscription.clone();
        let after = self.invoice_value(id);
        self.emit_change("invoice.updated", before, after.clone());
        self.emit("invoice.marked_uncollectible", after);
        if let Some(subscription) = subscription {
            self.follow_latest_invoice(&subscription);
        }
    }

    /// The newest invoice of a subscription that was finalized and still asks for payment or has it.
    pub(crate) fn latest_finalized(&self, subscription: &str) -> Option<&Invoice> {
        let customer = &self.subscriptions.must(subscription).customer;
        self.invoices.of(customer).rev().find(|invoice| {
            invoice.subscription.as_deref() == Some(subscription)
                && matches!(invoice.status, InvoiceStatus::Open | InvoiceStatus::Paid)
        })
    }

    /// After an invoice was paid, voided or given up: what the latest finalized invoice makes of the subscription.
    pub(crate) fn follow_latest_invoice(&mut self, id: &str) {
        let latest = self.latest_finalized(id).map(|invoice| invoice.status);
        let good = latest.is_none_or(|status| status == InvoiceStatus::Paid);
        let row = self.subscriptions.must(id);
        match row.status {
            Status::Incomplete if latest == Some(InvoiceStatus::Paid) => {
                self.change_subscription(id, |row| row.status = Status::Active);
            }
            Status::PastDue | Status::Unpaid if good => {
                self.change_subscription(id, |row| row.status = Status::Active);
            }
            Status::Paused if good && row.paused_because.is_some_and(is_about_payment) => {
                self.resume(id);
            }
            Status::Incomplete
            | Status::IncompleteExpired
            | Status::Trialing
            | Status::Active
            | Status::PastDue
            | Status::Unpaid
            | Status::Canceled
            | Status::Paused => {}
        }
    }
}

fn is_about_payment(reason: &str) -> bool {
    matches!(reason, "first_payment_failure" | "final_payment_failure")
}
