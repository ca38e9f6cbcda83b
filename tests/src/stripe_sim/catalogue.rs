//! Products, prices and plans as the dashboard edits them.

use super::StripeSim;
use super::calendar::Interval;
use super::model::{Metadata, Price, Product};
use super::world::metadata_of;

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
            one_time: false,
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

    /// A price for a single payment, with a product of its own; `amount` in cents.
    pub fn create_one_time_price(&mut self, name: &str, amount: i64) -> String {
        let id = self.create_price(Some(name), None, &[], amount, Interval::Month);
        // Told as it is: the events of the recurring price are taken back.
        self.events.truncate(self.events.len() - 2);
        self.prices.must_mut(&id).one_time = true;
        self.emit("price.created", self.price_json(self.prices.must(&id)));
        id
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
            one_time: false,
            active: true,
            created: self.now,
            deleted: false,
        })
    }

    pub(crate) fn add_price(&mut self, row: Price) -> String {
        let id = row.id.clone();
        let (plan, price) = (self.plan_json(&row), self.price_json(&row));
        let recurring = !row.one_time;
        self.prices.insert(row);
        if recurring {
            self.emit("plan.created", plan);
        }
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
        if !new.one_time {
            self.emit_change("plan.updated", self.plan_json(&row), self.plan_json(&new));
        }
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
}
