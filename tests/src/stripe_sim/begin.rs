//! Subscriptions: begun, with their items and the lines that bill them.

use serde_json::Value;

use super::StripeSim;
use super::billing::{NewInvoice, Payer};
use super::calendar::{DAY, next_boundary};
use super::model::{
    CollectionMethod, Item, Line, Metadata, MissingMethod, PendingItem, Status, Subscription,
};
use super::subscriptions::PaymentBehavior;

#[derive(Clone, Debug, Default)]
pub(crate) struct NewSubscription {
    pub customer: String,
    pub items: Vec<(String, i64)>,
    pub trial_end: Option<i64>,
    pub collection: CollectionMethod,
    pub days_until_due: i64,
    pub behavior: PaymentBehavior,
    /// Coupons, each with the promotion code that led to it.
    pub coupons: Vec<(String, Option<String>)>,
    pub missing_method: MissingMethod,
    pub default_method: Option<String>,
    pub schedule: Option<String>,
    pub metadata: Metadata,
    pub description: Option<String>,
}

impl StripeSim {
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
            discounts: Vec::new(),
            schedule: new.schedule,
            pending_update: None,
            paused_because: None,
            missing_method: new.missing_method,
            default_method: new.default_method,
            metadata: new.metadata,
            description: new.description,
            said: None,
        });
        self.being_created = Some(id.clone());
        for (coupon, code) in new.coupons {
            let discount = self.add_discount(&coupon, code, &new.customer, Some(&id));
            self.subscriptions.must_mut(&id).discounts.push(discount);
        }
        let invoice = self.first_invoice(&id, &new.customer, trial.is_some());
        let told = self.emit("customer.subscription.created", Value::Null);
        self.emit("invoice.created", self.invoice_value(&invoice));
        self.collect_first(&id, &invoice, new.behavior);
        self.being_created = None;
        let object = self.subscription_value(&id);
        if let Some(event) = self.events.get_mut(told) {
            event.object = object;
        }
        // docs.stripe.com/billing/subscriptions/trials: at once, if fewer than three days are left.
        if trial.is_some_and(|end| end <= now + 3 * DAY) {
            let value = self.subscription_value(&id);
            self.emit("customer.subscription.trial_will_end", value);
        }
        self.wake_subscription(&id);
        id
    }

    /// What becomes of the first invoice.
    fn collect_first(&mut self, id: &str, invoice: &str, behavior: PaymentBehavior) {
        let row = self.subscriptions.must(id);
        // docs.stripe.com/billing/subscriptions/overview: an invoice that is sent leaves the subscription active.
        let later = row.collection == CollectionMethod::SendInvoice || row.schedule.is_some();
        if later && row.trial_end.is_none() {
            self.subscriptions.must_mut(id).status = Status::Active;
            self.finalize_in_an_hour(invoice);
        } else if behavior == PaymentBehavior::DefaultIncomplete
            && self.invoices.must(invoice).amount_due > 0
        {
            self.open(invoice);
        } else {
            self.finalize(invoice, Payer::DefaultCard);
        }
    }

    fn first_invoice(&mut self, id: &str, customer: &str, trial: bool) -> String {
        let mut lines: Vec<Line> = Vec::new();
        for item in self.subscriptions.must(id).items.clone() {
            lines.push(self.period_line(id, &item, trial));
        }
        lines.extend(self.take_pending(customer, id));
        let invoice = self.draft_invoice(NewInvoice {
            customer: customer.to_owned(),
            subscription: Some(id.to_owned()),
            reason: "subscription_create",
            lines,
            period: (self.now, self.now),
        });
        self.subscriptions.must_mut(id).latest_invoice = Some(invoice.clone());
        invoice
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
}
