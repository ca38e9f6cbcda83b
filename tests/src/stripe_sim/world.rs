//! The dashboard and the world: what people do to the account without the REST interface.

use serde_json::Value;

use super::begin::NewSubscription;
use super::billing::Payer;
use super::calendar::DAY;
use super::model::{
    Card, CollectionMethod, Customer, Invoice, InvoiceStatus, Metadata, MissingMethod,
    PauseBehavior, Status,
};
use super::render::render;
use super::subscriptions::{ItemChange, PaymentBehavior, Proration};
use super::terms::{Duration, Off};
use super::{StripeSim, objects};

/// How a subscription begins; the default is a charged, monthly-as-priced one without a trial.
#[derive(Clone, Debug, Default)]
pub struct Subscribe {
    /// Days of free trial; 0 for none.
    pub trial_days: i64,
    /// Whether the card is charged or an invoice sent.
    pub collection_method: CollectionMethod,
    /// Days from finalization to the due date of a sent invoice; 0 means 30.
    pub days_until_due: i64,
    /// What the first payment waits for.
    pub payment_behavior: PaymentBehavior,
    /// A coupon for ever, in percent; 0 for none.
    pub percent_off: i32,
    /// A coupon of that id.
    pub coupon: Option<String>,
    /// A promotion code of that id.
    pub promotion_code: Option<String>,
    /// What the end of a trial does without a payment method.
    pub missing_method: MissingMethod,
    /// The subscription's metadata.
    pub metadata: Vec<(String, String)>,
}

pub(crate) fn metadata_of(pairs: &[(&str, &str)]) -> Metadata {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

impl StripeSim {
    pub(crate) fn change_customer_row(&mut self, id: &str, change: impl FnOnce(&mut Customer)) {
        let before = self.customer_json(self.customers.must(id));
        change(self.customers.must_mut(id));
        let after = self.customer_json(self.customers.must(id));
        self.emit_change("customer.updated", before, after);
    }

    /// A customer with a card that works.
    pub fn create_customer(
        &mut self,
        email: Option<&str>,
        name: Option<&str>,
        metadata: &[(&str, &str)],
    ) -> String {
        self.add_customer(
            email.map(str::to_owned),
            name.map(str::to_owned),
            metadata_of(metadata),
            Card::Works,
        )
    }

    pub(crate) fn add_customer(
        &mut self,
        email: Option<String>,
        name: Option<String>,
        metadata: Metadata,
        card: Card,
    ) -> String {
        let id = self.next_id("cus_");
        let default_method = self.give_method(&id, card);
        let row = Customer {
            id: id.clone(),
            email,
            name,
            metadata,
            balance: 0,
            description: None,
            default_method,
            discount: None,
            clock: None,
            delinquent: false,
            created: self.now,
            next_number: 1,
            deleted: false,
        };
        let value = self.customer_json(&row);
        self.customers.insert(row);
        self.emit("customer.created", value);
        id
    }

    /// Whether charges of the customer's card succeed from now on.
    pub fn set_card(&mut self, customer: &str, works: bool) {
        self.set_payment_method(customer, if works { Card::Works } else { Card::Declines });
    }

    /// Sets or removes the customer's default payment method.
    pub fn set_payment_method(&mut self, customer: &str, card: Card) {
        let method = self.give_method(customer, card);
        self.change_customer_row(customer, |row| row.default_method = method);
    }

    /// Changes the customer's mail address.
    pub fn set_email(&mut self, customer: &str, email: &str) {
        self.change_customer_row(customer, |row| row.email = Some(email.to_owned()));
    }

    /// Adds to the customer's balance; negative cents are credit, such as a gift card.
    pub fn add_balance(&mut self, customer: &str, cents: i64) {
        self.change_balance(customer, cents, "adjustment", None, None);
    }

    /// The customer's balance in cents; negative is credit.
    pub fn balance(&self, customer: &str) -> i64 {
        self.customers.must(customer).balance
    }

    /// Begins a subscription.
    pub fn subscribe(&mut self, customer: &str, items: &[(&str, i64)], how: Subscribe) -> String {
        let mut coupons: Vec<(String, Option<String>)> = how
            .coupon
            .into_iter()
            .map(|coupon| (coupon, None))
            .collect();
        if how.percent_off > 0 {
            let off = Off::Percent(how.percent_off * 100);
            coupons.push((self.create_coupon("", off, Duration::Forever), None));
        }
        if let Some(code) = how.promotion_code {
            let coupon = self.promotion_codes.must(&code).coupon.clone();
            coupons.push((coupon, Some(code)));
        }
        self.begin(NewSubscription {
            customer: customer.to_owned(),
            items: items
                .iter()
                .map(|(price, quantity)| ((*price).to_owned(), *quantity))
                .collect(),
            trial_end: (how.trial_days > 0).then(|| self.now + how.trial_days * DAY),
            collection: how.collection_method,
            days_until_due: if how.days_until_due == 0 {
                30
            } else {
                how.days_until_due
            },
            behavior: how.payment_behavior,
            coupons,
            missing_method: how.missing_method,
            metadata: how.metadata.into_iter().collect(),
            ..NewSubscription::default()
        })
    }

    /// Puts another price on the item at `item_index`.
    pub fn change_price(
        &mut self,
        subscription: &str,
        item_index: usize,
        price: &str,
        proration: Proration,
    ) {
        let item = self.item_id(subscription, item_index);
        let change = ItemChange {
            item: Some(item),
            price: Some(price.to_owned()),
            ..ItemChange::default()
        };
        self.change_items(subscription, &[change], proration);
    }

    /// Changes the quantity of the item at `item_index`.
    pub fn set_quantity(
        &mut self,
        subscription: &str,
        item_index: usize,
        quantity: i64,
        proration: Proration,
    ) {
        let item = self.item_id(subscription, item_index);
        let change = ItemChange {
            item: Some(item),
            quantity: Some(quantity),
            ..ItemChange::default()
        };
        self.change_items(subscription, &[change], proration);
    }

    /// Adds an item.
    pub fn add_item(
        &mut self,
        subscription: &str,
        price: &str,
        quantity: i64,
        proration: Proration,
    ) {
        let change = ItemChange {
            price: Some(price.to_owned()),
            quantity: Some(quantity),
            ..ItemChange::default()
        };
        self.change_items(subscription, &[change], proration);
    }

    /// Removes the item at `item_index`.
    pub fn remove_item(&mut self, subscription: &str, item_index: usize, proration: Proration) {
        let item = self.item_id(subscription, item_index);
        let change = ItemChange {
            item: Some(item),
            deleted: true,
            ..ItemChange::default()
        };
        self.change_items(subscription, &[change], proration);
    }

    fn item_id(&self, subscription: &str, index: usize) -> String {
        let items = &self.subscriptions.must(subscription).items;
        items
            .get(index)
            .map(|item| item.id.clone())
            .expect("the story names an item that the subscription has")
    }

    /// Ends a subscription at once.
    pub fn cancel_now(&mut self, subscription: &str) {
        self.end_subscription(subscription, "cancellation_requested");
    }

    /// Ends a subscription at once, as Stripe does for a reason of its own, such as `payment_disputed`.
    pub fn cancel_because(&mut self, subscription: &str, reason: &'static str) {
        self.end_subscription(subscription, reason);
    }

    /// Sets or clears `cancel_at_period_end`.
    pub fn cancel_at_period_end(&mut self, subscription: &str, on: bool) {
        self.end_with_period(subscription, on, false);
    }

    /// The member cancels or comes back in the billing portal; newer shapes show it as `cancel_at` alone.
    pub fn cancel_in_portal(&mut self, subscription: &str, on: bool) {
        self.end_with_period(subscription, on, true);
    }

    /// Sets or clears a fixed end, Unix seconds.
    pub fn cancel_at(&mut self, subscription: &str, at: Option<i64>) {
        self.end_at(subscription, at);
    }

    /// Pauses collection, until `resumes_at` if that is given.
    pub fn pause_collection(
        &mut self,
        subscription: &str,
        behavior: PauseBehavior,
        resumes_at: Option<i64>,
    ) {
        self.set_pause_collection(subscription, Some((behavior, resumes_at)));
    }

    /// Pauses the subscription itself, if it is running (docs.stripe.com/changelog/endive/2026-09-30/pause-subscription).
    pub fn pause(&mut self, subscription: &str) {
        if matches!(self.status(subscription), Status::Active | Status::PastDue) {
            self.pause_because(subscription, "pause_requested");
        }
    }

    /// Ends a pause of collection, or of the subscription, which then begins a new cycle if its period is over.
    pub fn resume(&mut self, subscription: &str) {
        if self.status(subscription) != Status::Paused {
            self.set_pause_collection(subscription, None);
            return;
        }
        let now = self.now;
        self.change_subscription(subscription, |row| {
            row.status = Status::Active;
            row.paused_because = None;
            if row.items.iter().any(|item| item.period_end <= now) {
                row.anchor = now;
            }
        });
        let value = self.subscription_value(subscription);
        self.emit("customer.subscription.resumed", value);
        self.run_subscription(subscription);
    }

    /// Lets a subscription show a status that no version knows yet, or its own again; it runs on as it did.
    pub fn say_status(&mut self, subscription: &str, status: Option<&'static str>) {
        self.change_subscription(subscription, |row| row.said = status);
    }

    /// Whether the customer's address is good enough to compute taxes; without it no invoice is finalized
    /// (docs.stripe.com/tax/customer-locations).
    pub fn set_address(&mut self, customer: &str, works: bool) {
        if !works {
            self.unplaceable.insert(customer.to_owned());
            return;
        }
        self.unplaceable.remove(customer);
        let drafts: Vec<String> = self
            .invoices
            .of(customer)
            .filter(|invoice| invoice.status == InvoiceStatus::Draft)
            .map(|invoice| invoice.id.clone())
            .collect();
        for draft in drafts {
            self.wake(self.now, &draft);
        }
    }

    /// Whether an invoice should be finalized by now and cannot be.
    pub(crate) fn is_stuck(&self, invoice: &Invoice) -> bool {
        invoice.status == InvoiceStatus::Draft
            && invoice.finalize_at.is_some_and(|at| at <= self.now)
            && self.unplaceable.contains(&invoice.customer)
    }

    /// Deletes a customer; its subscriptions end at once (docs.stripe.com/api/customers/delete).
    pub fn delete_customer(&mut self, customer: &str) {
        if self.customers.must(customer).deleted {
            return;
        }
        let value = self.customer_json(self.customers.must(customer));
        self.emit("customer.deleted", value);
        let living: Vec<String> = self
            .subscriptions
            .of(customer)
            .filter(|row| !row.status.is_terminal())
            .map(|row| row.id.clone())
            .collect();
        for subscription in living {
            self.end_subscription(&subscription, "cancellation_requested");
        }
        self.customers.must_mut(customer).deleted = true;
    }

    /// The member pays every open invoice with another card; answers how many.
    pub fn pay_open_invoice(&mut self, customer: &str) -> usize {
        let open: Vec<String> = self
            .invoices
            .of(customer)
            .filter(|invoice| invoice.status == InvoiceStatus::Open)
            .map(|invoice| invoice.id.clone())
            .collect();
        for invoice in &open {
            self.attempt(invoice, Payer::AnotherCard);
        }
        open.len()
    }

    /// Voids an open invoice.
    pub fn void_invoice(&mut self, invoice: &str) {
        self.void(invoice);
    }

    /// Marks an open invoice uncollectible.
    pub fn write_off_invoice(&mut self, invoice: &str) {
        self.mark_uncollectible(invoice);
    }

    /// The subscription as the account's API version shows it.
    pub fn subscription(&self, id: &str) -> Value {
        render(&self.subscription_value(id), self.shape)
    }

    /// The subscription's status.
    pub fn status(&self, id: &str) -> Status {
        self.subscriptions.must(id).status
    }

    /// The customer as the account's API version shows it; Stripe's stub if it is deleted.
    pub fn customer(&self, id: &str) -> Value {
        self.object(id).map_or_else(
            || objects::deleted(id, "customer"),
            |value| render(&value, self.shape),
        )
    }

    /// A subscription's invoices, oldest first, as the account's API version shows them.
    pub fn invoices_of(&self, subscription: &str) -> Vec<Value> {
        self.bills_of(subscription)
            .map(|invoice| render(&self.invoice_json(invoice), self.shape))
            .collect()
    }

    /// The same, as they are.
    pub(crate) fn bills_of(&self, subscription: &str) -> impl Iterator<Item = &Invoice> {
        let customer = &self.subscriptions.must(subscription).customer;
        let bills = self.invoices.of(customer);
        bills.filter(move |invoice| invoice.subscription.as_deref() == Some(subscription))
    }

    /// The ids of a customer's subscriptions, oldest first, ended ones too.
    pub fn subscriptions_of(&self, customer: &str) -> Vec<String> {
        self.subscriptions
            .of(customer)
            .map(|row| row.id.clone())
            .collect()
    }

    /// The ids of all customers that are not deleted, oldest first.
    pub fn customer_ids(&self) -> Vec<String> {
        self.customers
            .iter()
            .filter(|row| !row.deleted)
            .map(|row| row.id.clone())
            .collect()
    }
}
