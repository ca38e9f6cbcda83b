//! Subscriptions: begun, renewed, changed, paused, ended.

use serde_json::Value;

use super::StripeSim;
use super::billing::NewInvoice;
use super::calendar::{DAY, HOUR, next_boundary};
use super::model::{Card, InvoiceStatus, MissingMethod, PauseBehavior, Status, Subscription};

/// What happens to the unused and the remaining part of a period when items change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proration {
    /// Nothing; the next invoice bears the new price.
    None,
    /// Items wait for the next invoice.
    #[default]
    CreateProrations,
    /// Items are invoiced at once.
    AlwaysInvoice,
}

/// What happens when the first payment of a new subscription is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaymentBehavior {
    /// The card is charged at once; if it declines, the subscription is incomplete.
    #[default]
    AllowIncomplete,
    /// Nothing is charged; the subscription waits, incomplete, for the member to pay.
    DefaultIncomplete,
    /// Nothing is left behind if the first payment fails.
    ErrorIfIncomplete,
    /// For changes: they wait until their invoice is paid.
    PendingIfIncomplete,
}

/// A change of one subscription item; a change without an item adds one.
#[derive(Clone, Debug, Default)]
pub struct ItemChange {
    /// `si_…` of the item; none adds an item.
    pub item: Option<String>,
    /// The new price.
    pub price: Option<String>,
    /// The new quantity.
    pub quantity: Option<i64>,
    /// Whether the item is removed.
    pub deleted: bool,
}

impl StripeSim {
    pub(crate) fn subscription_value(&self, id: &str) -> Value {
        self.subscription_json(self.subscriptions.must(id))
    }

    /// Changes a subscription and tells of it; one that has ended never changes.
    pub(crate) fn change_subscription(&mut self, id: &str, change: impl FnOnce(&mut Subscription)) {
        if self.subscriptions.must(id).status.is_terminal() {
            return;
        }
        let before = self.subscription_value(id);
        change(self.subscriptions.must_mut(id));
        self.tell_change(id, before);
    }

    pub(crate) fn tell_change(&mut self, id: &str, before: Value) {
        let after = self.subscription_value(id);
        if self.being_created.as_deref() != Some(id) {
            self.emit_change("customer.subscription.updated", before, after);
        }
        self.wake_subscription(id);
    }

    /// Sets an alarm for every moment at which something may be due; what is due is decided when it rings.
    pub(crate) fn wake_subscription(&mut self, id: &str) {
        let row = self.subscriptions.must(id);
        if row.status.is_terminal() {
            return;
        }
        let now = self.now;
        let mut moments: Vec<i64> = row.items.iter().map(|item| item.period_end).collect();
        moments.extend(
            [
                row.cancel_at,
                row.trial_end,
                row.trial_end.map(|end| end - 3 * DAY),
            ]
            .into_iter()
            .flatten(),
        );
        moments.extend(row.pause.and_then(|(_, resumes_at)| resumes_at));
        moments.extend(
            row.pending_update
                .as_ref()
                .map(|pending| pending.expires_at),
        );
        moments.push(row.created + 23 * HOUR);
        if let Some(next) = moments.into_iter().filter(|at| *at > now).min() {
            self.wake(next, id);
        }
    }

    /// Whatever is due for a subscription now.
    pub(crate) fn run_subscription(&mut self, id: &str) {
        let Some(row) = self.subscriptions.get(id).cloned() else {
            return;
        };
        let now = self.now;
        if row.status.is_terminal() {
            return;
        }
        if row.status == Status::Incomplete {
            if row.created + 23 * HOUR <= now {
                self.expire(&row);
            }
        } else if row.cancel_at.is_some_and(|at| at <= now) {
            self.end_subscription(id, row.cancel_reason.unwrap_or("cancellation_requested"));
        } else {
            if row
                .pending_update
                .is_some_and(|pending| pending.expires_at <= now)
            {
                self.expire_pending_update(id);
            }
            if row
                .pause
                .is_some_and(|(_, resumes)| resumes.is_some_and(|at| at <= now))
            {
                self.change_subscription(id, |row| row.pause = None);
            }
            if row.status == Status::Trialing
                && !row.trial_warned
                && row.trial_end.is_some_and(|end| end - 3 * DAY <= now)
            {
                self.subscriptions.must_mut(id).trial_warned = true;
                self.emit(
                    "customer.subscription.trial_will_end",
                    self.subscription_value(id),
                );
            }
            // A phase that begins with a period decides what that period costs.
            if let Some(schedule) = &row.schedule {
                self.run_schedule(schedule);
            }
            let row = self.subscriptions.must(id);
            let over = row.items.iter().any(|item| item.period_end <= now);
            if over && !row.status.is_terminal() && row.status != Status::Paused {
                self.renew_or_pause(id);
            }
        }
        self.wake_subscription(id);
    }

    /// docs.stripe.com/billing/subscriptions/overview#subscription-statuses: 23 hours for the first payment.
    fn expire(&mut self, row: &Subscription) {
        self.change_subscription(&row.id, |row| row.status = Status::IncompleteExpired);
        self.subscriptions.must_mut(&row.id).ended_at = Some(self.now);
        if let Some(invoice) = row.latest_invoice.clone()
            && self.invoices.must(&invoice).status == InvoiceStatus::Open
        {
            self.void(&invoice);
        }
    }

    /// docs.stripe.com/billing/subscriptions/trials#create-free-trials-without-payment
    fn renew_or_pause(&mut self, id: &str) {
        let row = self.subscriptions.must(id);
        let lacks = row.status == Status::Trialing
            && row.default_method.is_none()
            && self.card_of(&row.customer) == Card::None;
        match row.missing_method {
            MissingMethod::Pause if lacks => {
                self.pause_because(id, "trial_end_without_payment_method");
            }
            MissingMethod::Cancel if lacks => self.end_subscription(id, "cancellation_requested"),
            MissingMethod::Pause | MissingMethod::Cancel | MissingMethod::CreateInvoice => {
                self.renew(id);
            }
        }
    }

    pub(crate) fn pause_because(&mut self, id: &str, reason: &'static str) {
        self.change_subscription(id, |row| {
            row.status = Status::Paused;
            row.paused_because = Some(reason);
        });
        let value = self.subscription_value(id);
        self.emit("customer.subscription.paused", value);
    }

    /// Ends a trial now (docs.stripe.com/billing/subscriptions/trials#end-a-trial-early).
    pub(crate) fn end_trial(&mut self, id: &str) {
        if self.subscriptions.must(id).status != Status::Trialing {
            return;
        }
        let now = self.now;
        let row = self.subscriptions.must_mut(id);
        row.trial_end = Some(now);
        row.trial_warned = true;
        row.anchor = now;
        for item in &mut row.items {
            item.period_end = now;
        }
        let value = self.subscription_value(id);
        self.emit("customer.subscription.trial_will_end", value);
        self.run_subscription(id);
    }

    /// The period moves on at once; its invoice stays a draft for an hour (docs.stripe.com/billing/invoices/subscription).
    fn renew(&mut self, id: &str) {
        let before = self.subscription_value(id);
        let row = self.subscriptions.must(id).clone();
        let now = self.now;
        let mut lines = Vec::new();
        let mut items = row.items.clone();
        let mut period = (now, now);
        for item in items.iter_mut().filter(|item| item.period_end <= now) {
            let price = self.prices.must(&item.price);
            period = (item.period_start, item.period_end);
            // Only a resumed subscription has an anchor later than the end of its last period.
            let start = item.period_end.max(row.anchor);
            let end = next_boundary(row.anchor, start, price.interval, price.interval_count);
            (item.period_start, item.period_end) = (start, end);
            lines.push(self.period_line(id, item, false));
        }
        lines.extend(self.take_pending(&row.customer, id));
        let invoice = self.draft_invoice(NewInvoice {
            customer: row.customer.clone(),
            subscription: Some(id.to_owned()),
            reason: "subscription_cycle",
            lines,
            period,
        });
        let subscription = self.subscriptions.must_mut(id);
        subscription.items = items;
        subscription.latest_invoice = Some(invoice.clone());
        if subscription.status == Status::Trialing {
            subscription.status = Status::Active;
        }
        // docs.stripe.com/billing/subscriptions/overview: invoices of an unpaid subscription stay drafts.
        if row.status == Status::Unpaid {
            self.invoices.must_mut(&invoice).auto_advance = false;
        } else {
            self.finalize_in_an_hour(&invoice);
        }
        self.tell_change(id, before);
        self.emit("invoice.created", self.invoice_value(&invoice));
    }

    /// Ends a subscription now; its unfinished invoices are no longer collected
    /// (docs.stripe.com/billing/subscriptions/cancel).
    pub(crate) fn end_subscription(&mut self, id: &str, reason: &'static str) {
        let now = self.now;
        let row = self.subscriptions.must_mut(id);
        if row.status.is_terminal() {
            return;
        }
        row.status = Status::Canceled;
        row.canceled_at = row.canceled_at.or(Some(now));
        row.ended_at = Some(now);
        row.cancel_reason = Some(reason);
        let customer = row.customer.clone();
        let schedule = row.schedule.take();
        row.pending_update = None;
        self.pending
            .retain(|item| item.line.subscription.as_deref() != Some(id));
        self.emit("customer.subscription.deleted", self.subscription_value(id));
        if let Some(schedule) = schedule {
            self.schedule_lost(&schedule, reason);
        }
        let unfinished: Vec<String> = self
            .invoices
            .of(&customer)
            .filter(|invoice| invoice.subscription.as_deref() == Some(id) && invoice.auto_advance)
            .map(|invoice| invoice.id.clone())
            .collect();
        for invoice in unfinished {
            let before = self.invoice_value(&invoice);
            let row = self.invoices.must_mut(&invoice);
            row.auto_advance = false;
            row.next_attempt = None;
            row.finalize_at = None;
            let after = self.invoice_value(&invoice);
            self.emit_change("invoice.updated", before, after);
        }
    }

    /// Sets or clears the end at the period's end.
    pub(crate) fn end_with_period(&mut self, id: &str, on: bool, in_portal: bool) {
        let now = self.now;
        self.change_subscription(id, |row| {
            let end = row.items.iter().map(|item| item.period_end).min();
            row.cancel_at_period_end = on;
            row.cancelled_in_portal = on && in_portal;
            row.cancel_at = if on { end } else { None };
            row.canceled_at = on.then_some(now);
            row.cancel_reason = on.then_some("cancellation_requested");
        });
    }

    /// Sets or clears a fixed end.
    pub(crate) fn end_at(&mut self, id: &str, at: Option<i64>) {
        let now = self.now;
        self.change_subscription(id, |row| {
            row.cancel_at_period_end = false;
            row.cancelled_in_portal = false;
            row.cancel_at = at;
            row.canceled_at = at.map(|_| now);
            row.cancel_reason = at.map(|_| "cancellation_requested");
        });
    }

    /// The end of the latest item period whose invoice is paid, zero totals included; Unix seconds.
    pub fn paid_until(&self, subscription: &str) -> Option<i64> {
        let row = self.subscriptions.get(subscription)?;
        self.invoices
            .of(&row.customer)
            .filter(|invoice| invoice.subscription.as_deref() == Some(subscription))
            .filter(|invoice| invoice.status == InvoiceStatus::Paid)
            .flat_map(|invoice| &invoice.lines)
            .filter(|line| !line.proration && line.item.is_some())
            .map(|line| {
                line.cut_at
                    .map_or(line.period.1, |cut| cut.min(line.period.1))
            })
            .max()
    }

    pub(crate) fn set_pause_collection(
        &mut self,
        id: &str,
        pause: Option<(PauseBehavior, Option<i64>)>,
    ) {
        self.change_subscription(id, |row| row.pause = pause);
    }
}
