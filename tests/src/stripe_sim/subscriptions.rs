//! Subscriptions: begun, renewed, changed, paused, ended.

use serde_json::Value;

use super::StripeSim;
use super::billing::{NewInvoice, Payer};
use super::calendar::{DAY, HOUR, next_boundary};
use super::model::{
    CollectionMethod, InvoiceStatus, Item, Line, Metadata, PauseBehavior, PendingItem, Status,
    Subscription,
};

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

pub(crate) struct NewSubscription {
    pub customer: String,
    pub items: Vec<(String, i64)>,
    pub trial_end: Option<i64>,
    pub collection: CollectionMethod,
    pub days_until_due: i64,
    pub behavior: PaymentBehavior,
    pub percent_off: i64,
    pub metadata: Metadata,
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
    fn wake_subscription(&mut self, id: &str) {
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
        moments.push(row.created + 23 * HOUR);
        if let Some(next) = moments.into_iter().filter(|at| *at > now).min() {
            self.wake(next, id);
        }
    }

    /// Begins a subscription (docs.stripe.com/billing/subscriptions/overview#subscription-lifecycle); answers its id.
    pub(crate) fn begin(&mut self, new: NewSubscription) -> String {
        let id = self.next_id("sub_1");
        let now = self.now;
        let mut items = Vec::new();
        for (price, quantity) in new.items {
            let row = self.prices.must(&price);
            let end = next_boundary(now, now, row.interval, row.interval_count);
            let item = self.new_item(price, quantity, (now, new.trial_end.unwrap_or(end)));
            items.push(item);
        }
        let trial = new.trial_end;
        self.subscriptions.insert(Subscription {
            id: id.clone(),
            customer: new.customer.clone(),
            status: if trial.is_some() {
                Status::Trialing
            } else {
                Status::Incomplete
            },
            items,
            anchor: trial.unwrap_or(now),
            created: now,
            trial_start: trial.map(|_| now),
            trial_end: trial,
            trial_warned: trial.is_some_and(|end| end <= now + 3 * DAY),
            cancel_at: None,
            cancel_at_period_end: false,
            cancelled_in_portal: false,
            canceled_at: None,
            ended_at: None,
            cancel_reason: None,
            cancel_comment: None,
            pause: None,
            collection: new.collection,
            days_until_due: new.days_until_due,
            latest_invoice: None,
            percent_off: new.percent_off,
            metadata: new.metadata,
            description: None,
        });
        self.being_created = Some(id.clone());
        let mut lines: Vec<Line> = Vec::new();
        for item in self.subscriptions.must(&id).items.clone() {
            lines.push(self.period_line(&id, &item, trial.is_some()));
        }
        lines.extend(self.take_pending(&new.customer, &id));
        let invoice = self.draft_invoice(NewInvoice {
            customer: new.customer,
            subscription: Some(id.clone()),
            reason: "subscription_create",
            lines,
            period: (now, now),
        });
        self.subscriptions.must_mut(&id).latest_invoice = Some(invoice.clone());
        let told = self.emit("customer.subscription.created", Value::Null);
        self.emit("invoice.created", self.invoice_value(&invoice));
        // docs.stripe.com/billing/subscriptions/overview: an invoice that is sent leaves the subscription active.
        if new.collection == CollectionMethod::SendInvoice && trial.is_none() {
            self.subscriptions.must_mut(&id).status = Status::Active;
            self.finalize_in_an_hour(&invoice);
        } else if new.behavior == PaymentBehavior::DefaultIncomplete
            && self.invoices.must(&invoice).amount_due > 0
        {
            self.open(&invoice);
        } else {
            self.finalize(&invoice, Payer::DefaultCard);
        }
        self.being_created = None;
        let object = self.subscription_value(&id);
        if let Some(event) = self.events.get_mut(told) {
            event.object = object;
        }
        self.wake_subscription(&id);
        id
    }

    pub(crate) fn new_item(&mut self, price: String, quantity: i64, period: (i64, i64)) -> Item {
        Item {
            id: self.next_id("si_"),
            price,
            quantity,
            period_start: period.0,
            period_end: period.1,
            created: self.now,
            metadata: Metadata::new(),
        }
    }

    pub(crate) fn period_line(&mut self, subscription: &str, item: &Item, trial: bool) -> Line {
        let price = self.prices.must(&item.price).clone();
        let name = price
            .nickname
            .clone()
            .unwrap_or_else(|| self.products.must(&price.product).name.clone());
        Line {
            id: self.next_id("il_1"),
            amount: if trial {
                0
            } else {
                price.amount * item.quantity
            },
            description: if trial {
                format!("Trial period for {name}")
            } else {
                format!("{} × {name}", item.quantity)
            },
            price: Some(price.id),
            quantity: item.quantity,
            period: (item.period_start, item.period_end),
            subscription: Some(subscription.to_owned()),
            item: Some(item.id.clone()),
            invoice_item: None,
            proration: false,
            cut_at: None,
        }
    }

    pub(crate) fn take_pending(&mut self, customer: &str, subscription: &str) -> Vec<Line> {
        let mine = |item: &PendingItem| {
            item.customer == customer
                && item
                    .line
                    .subscription
                    .as_deref()
                    .is_none_or(|of| of == subscription)
        };
        let taken = self
            .pending
            .iter()
            .filter(|item| mine(item))
            .map(|item| item.line.clone())
            .collect();
        self.pending.retain(|item| !mine(item));
        taken
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
            if row.status != Status::Paused && row.items.iter().any(|item| item.period_end <= now) {
                self.renew(id);
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
        self.pending
            .retain(|item| item.line.subscription.as_deref() != Some(id));
        self.emit("customer.subscription.deleted", self.subscription_value(id));
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
