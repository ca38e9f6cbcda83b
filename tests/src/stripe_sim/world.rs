//! The dashboard and the world: what people do to the account without the REST interface.

use serde_json::Value;

use super::billing::Payer;
use super::calendar::{DAY, Interval};
use super::model::{
    Card, Charge, CollectionMethod, Customer, Dispute, InvoiceStatus, Metadata, PauseBehavior,
    Price, Product, Refund, Status,
};
use super::render::render;
use super::subscriptions::{ItemChange, NewSubscription, PaymentBehavior, Proration};
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
    pub percent_off: i64,
    /// The subscription's metadata.
    pub metadata: Vec<(String, String)>,
}

fn metadata_of(pairs: &[(&str, &str)]) -> Metadata {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

impl StripeSim {
    /// A plan and price of that id, with a product of its own; `amount` in cents.
    pub fn create_plan(
        &mut self,
        id: &str,
        nickname: Option<&str>,
        amount: i64,
        interval: Interval,
    ) -> String {
        let product = self.create_product(nickname.unwrap_or(id), None, &[]);
        self.add_price(Price {
            id: id.to_owned(),
            product,
            nickname: nickname.map(str::to_owned),
            lookup_key: None,
            metadata: Metadata::new(),
            amount,
            currency: "usd".to_owned(),
            interval,
            interval_count: 1,
            active: true,
            created: self.now,
            deleted: false,
        })
    }

    /// A price with an id of Stripe's own choice and a product of its own; `amount` in cents.
    pub fn create_price(
        &mut self,
        nickname: Option<&str>,
        lookup_key: Option<&str>,
        metadata: &[(&str, &str)],
        amount: i64,
        interval: Interval,
    ) -> String {
        let product = self.create_product(nickname.unwrap_or("Membership"), None, &[]);
        self.create_price_of(&product, nickname, lookup_key, metadata, amount, interval)
    }

    /// A further price of a product; `amount` in cents.
    pub fn create_price_of(
        &mut self,
        product: &str,
        nickname: Option<&str>,
        lookup_key: Option<&str>,
        metadata: &[(&str, &str)],
        amount: i64,
        interval: Interval,
    ) -> String {
        let id = self.next_id("price_1");
        self.add_price(Price {
            id,
            product: product.to_owned(),
            nickname: nickname.map(str::to_owned),
            lookup_key: lookup_key.map(str::to_owned),
            metadata: metadata_of(metadata),
            amount,
            currency: "usd".to_owned(),
            interval,
            interval_count: 1,
            active: true,
            created: self.now,
            deleted: false,
        })
    }

    pub(crate) fn add_price(&mut self, row: Price) -> String {
        let id = row.id.clone();
        let (plan, price) = (self.plan_json(&row), self.price_json(&row));
        self.prices.insert(row);
        self.emit("plan.created", plan);
        self.emit("price.created", price);
        id
    }

    /// A product.
    pub fn create_product(
        &mut self,
        name: &str,
        description: Option<&str>,
        metadata: &[(&str, &str)],
    ) -> String {
        let id = self.next_id("prod_");
        self.add_product(Product {
            id,
            name: name.to_owned(),
            description: description.map(str::to_owned),
            metadata: metadata_of(metadata),
            active: true,
            created: self.now,
            updated: self.now,
            deleted: false,
        })
    }

    pub(crate) fn add_product(&mut self, row: Product) -> String {
        let id = row.id.clone();
        let value = self.product_json(&row);
        self.products.insert(row);
        self.emit("product.created", value);
        id
    }

    pub(crate) fn change_price_row(&mut self, id: &str, change: impl FnOnce(&mut Price)) {
        let row = self.prices.must(id).clone();
        change(self.prices.must_mut(id));
        let new = self.prices.must(id).clone();
        self.emit_change("plan.updated", self.plan_json(&row), self.plan_json(&new));
        self.emit_change(
            "price.updated",
            self.price_json(&row),
            self.price_json(&new),
        );
    }

    pub(crate) fn change_product_row(&mut self, id: &str, change: impl FnOnce(&mut Product)) {
        let before = self.product_json(self.products.must(id));
        let now = self.now;
        let row = self.products.must_mut(id);
        change(row);
        row.updated = now;
        let after = self.product_json(self.products.must(id));
        self.emit_change("product.updated", before, after);
    }

    pub(crate) fn change_customer_row(&mut self, id: &str, change: impl FnOnce(&mut Customer)) {
        let before = self.customer_json(self.customers.must(id));
        change(self.customers.must_mut(id));
        let after = self.customer_json(self.customers.must(id));
        self.emit_change("customer.updated", before, after);
    }

    /// Edits the description that people see of a plan and price.
    pub fn edit_nickname(&mut self, price: &str, nickname: Option<&str>) {
        self.change_price_row(price, |row| row.nickname = nickname.map(str::to_owned));
    }

    /// Gives a price a lookup key; whoever had it loses it (`transfer_lookup_key`).
    pub fn set_lookup_key(&mut self, price: &str, key: Option<&str>) {
        let losers: Vec<String> = self
            .prices
            .iter()
            .filter(|row| key.is_some() && row.lookup_key.as_deref() == key && row.id != price)
            .map(|row| row.id.clone())
            .collect();
        for loser in losers {
            self.change_price_row(&loser, |row| row.lookup_key = None);
        }
        self.change_price_row(price, |row| row.lookup_key = key.map(str::to_owned));
    }

    /// Sets one metadata value of a price and its plan.
    pub fn set_price_metadata(&mut self, price: &str, key: &str, value: &str) {
        self.change_price_row(price, |row| {
            row.metadata.insert(key.to_owned(), value.to_owned());
        });
    }

    /// Edits a product's name.
    pub fn edit_product_name(&mut self, product: &str, name: &str) {
        self.change_product_row(product, |row| row.name = name.to_owned());
    }

    /// Deletes a plan; subscriptions on it go on (docs.stripe.com/api/plans/delete).
    pub fn delete_plan(&mut self, id: &str) {
        let row = self.prices.must_mut(id);
        row.deleted = true;
        row.active = false;
        let row = row.clone();
        self.emit("plan.deleted", self.plan_json(&row));
        self.emit("price.deleted", self.price_json(&row));
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
        let row = Customer {
            id: id.clone(),
            email,
            name,
            metadata,
            balance: 0,
            card,
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
        self.change_customer_row(customer, |row| row.card = card);
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
            percent_off: how.percent_off,
            metadata: how.metadata.into_iter().collect(),
        })
    }

    /// A hosted checkout: the session's event, then the paid subscription; answers its id.
    pub fn checkout(
        &mut self,
        customer: &str,
        price: &str,
        client_reference_id: Option<&str>,
    ) -> String {
        let subscription = self.subscribe(customer, &[(price, 1)], Subscribe::default());
        let id = self.next_id(if self.livemode {
            "cs_live_"
        } else {
            "cs_test_"
        });
        let row = self.subscriptions.must(&subscription);
        let invoice = row.latest_invoice.clone();
        let amount = invoice
            .as_deref()
            .map_or(0, |id| self.invoices.must(id).amount_due);
        let session = serde_json::json!({
            "id": id, "object": "checkout.session", "amount_total": amount, "amount_subtotal": amount,
            "client_reference_id": client_reference_id, "created": self.now, "currency": "usd",
            "customer": customer, "customer_details": {"email": self.customers.must(customer).email},
            "invoice": invoice, "livemode": self.livemode, "metadata": {}, "mode": "subscription",
            "payment_status": if amount == 0 { "no_payment_required" } else { "paid" }, "status": "complete",
            "subscription": subscription,
        });
        self.emit("checkout.session.completed", session);
        subscription
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

    /// Pauses the subscription itself (docs.stripe.com/changelog/endive/2026-09-30/pause-subscription).
    pub fn pause(&mut self, subscription: &str) {
        self.change_subscription(subscription, |row| row.status = Status::Paused);
        self.emit(
            "customer.subscription.paused",
            self.subscription_value(subscription),
        );
    }

    /// Ends a pause of collection or of the subscription; a paused subscription begins a new cycle if its period is over.
    pub fn resume(&mut self, subscription: &str) {
        if self.subscriptions.must(subscription).status == Status::Paused {
            self.change_subscription(subscription, |row| row.status = Status::Active);
            self.emit(
                "customer.subscription.resumed",
                self.subscription_value(subscription),
            );
            self.run_subscription(subscription);
        } else {
            self.set_pause_collection(subscription, None);
        }
    }

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

    /// Deletes a customer; its subscriptions end at once (docs.stripe.com/api/customers/delete).
    pub fn delete_customer(&mut self, customer: &str) {
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
        let customer = &self.subscriptions.must(subscription).customer;
        self.invoices
            .of(customer)
            .filter(|invoice| invoice.subscription.as_deref() == Some(subscription))
            .map(|invoice| render(&self.invoice_json(invoice), self.shape))
            .collect()
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
