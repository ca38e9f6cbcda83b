//! The REST interface: what changes products, prices and plans.

use super::StripeSim;
use super::calendar::Interval;
use super::model::{Price, Product};
use super::objects::deleted;
use super::params::{Params, Problem};
use super::writes::{Answer, edit_metadata, metadata};

impl StripeSim {
    pub(crate) fn living_price(&self, id: &str) -> Result<String, Problem> {
        let row = self.prices.get(id).filter(|row| !row.deleted);
        row.map(|row| row.id.clone()).ok_or_else(|| Problem {
            status: 400,
            ..Problem::missing("price", id)
        })
    }

    fn product_of(&mut self, params: &Params<'_>, nested: &str) -> Result<String, Problem> {
        if let Some(product) = params.filled("product") {
            self.products.get(product).ok_or_else(|| Problem {
                status: 400,
                ..Problem::missing("product", product)
            })?;
            return Ok(product.to_owned());
        }
        let name = params.need(&format!("{nested}[name]"))?;
        Ok(self.create_product(name, None, &[]))
    }

    pub(crate) fn post_plan(&mut self, params: &Params<'_>) -> Answer {
        let interval = interval(params, "interval")?;
        let id = params.filled("id").map(str::to_owned);
        if let Some(id) = id
            .as_deref()
            .filter(|id| self.prices.get(id).is_some_and(|row| !row.deleted))
        {
            let text = format!("Plan already exists: {id}");
            return Err(Problem {
                code: Some("resource_already_exists"),
                ..Problem::invalid(text, "id")
            });
        }
        let amount = params
            .number("amount")?
            .ok_or_else(|| Problem::required("amount"))?;
        let row = self.new_price(
            params,
            id,
            "plan_",
            amount,
            "product",
            interval,
            "interval_count",
        )?;
        let id = self.add_price(row);
        Ok(self.plan_json(self.prices.must(&id)))
    }

    pub(crate) fn post_price(&mut self, params: &Params<'_>) -> Answer {
        let one_time = params.hash("recurring").is_empty();
        let interval = if one_time {
            Interval::Month
        } else {
            interval(params, "recurring[interval]")?
        };
        let amount = params
            .number("unit_amount")?
            .ok_or_else(|| Problem::required("unit_amount"))?;
        let key = params.filled("lookup_key").map(str::to_owned);
        let taken = self
            .prices
            .iter()
            .any(|row| key.is_some() && row.lookup_key == key);
        let transfer = params.flag("transfer_lookup_key")? == Some(true);
        if taken && !transfer {
            return Err(Problem::invalid(
                "A price already uses that lookup key.",
                "lookup_key",
            ));
        }
        let mut row = self.new_price(
            params,
            None,
            "price_1",
            amount,
            "product_data",
            interval,
            "recurring[interval_count]",
        )?;
        row.one_time = one_time;
        let id = self.add_price(row);
        if key.is_some() {
            self.set_lookup_key(&id, key.as_deref());
        }
        Ok(self.price_json(self.prices.must(&id)))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "plans and prices name the same things differently"
    )]
    fn new_price(
        &mut self,
        params: &Params<'_>,
        id: Option<String>,
        prefix: &str,
        amount: i64,
        product: &str,
        interval: Interval,
        count: &str,
    ) -> Result<Price, Problem> {
        let currency = params.need("currency")?.to_owned();
        let interval_count = params.number(count)?.unwrap_or(1);
        let product = self.product_of(params, product)?;
        Ok(Price {
            id: id.unwrap_or_else(|| self.next_id(prefix)),
            product,
            nickname: params.filled("nickname").map(str::to_owned),
            lookup_key: None,
            metadata: metadata(params),
            amount,
            currency,
            interval,
            interval_count,
            one_time: false,
            active: params.flag("active")?.unwrap_or(true),
            created: self.now,
            deleted: false,
        })
    }

    pub(crate) fn update_price(
        &mut self,
        segments: &[&str],
        id: &str,
        params: &Params<'_>,
    ) -> Answer {
        let id = self.living_price(id)?;
        let active = params.flag("active")?;
        self.change_price_row(&id, |row| {
            if let Some(nickname) = params.get("nickname") {
                row.nickname = Some(nickname.to_owned()).filter(|text| !text.is_empty());
            }
            row.active = active.unwrap_or(row.active);
            edit_metadata(&mut row.metadata, &params.hash("metadata"));
        });
        if let Some(key) = params.get("lookup_key") {
            self.set_lookup_key(&id, Some(key).filter(|key| !key.is_empty()));
        }
        let row = self.prices.must(&id);
        Ok(if segments.first() == Some(&"plans") {
            self.plan_json(row)
        } else {
            self.price_json(row)
        })
    }

    pub(crate) fn post_product(&mut self, params: &Params<'_>) -> Answer {
        let name = params.need("name")?.to_owned();
        let id = params
            .filled("id")
            .map_or_else(|| self.next_id("prod_"), str::to_owned);
        let id = self.add_product(Product {
            id,
            name,
            description: params.filled("description").map(str::to_owned),
            metadata: metadata(params),
            active: params.flag("active")?.unwrap_or(true),
            created: self.now,
            updated: self.now,
            deleted: false,
        });
        Ok(self.product_json(self.products.must(&id)))
    }

    pub(crate) fn update_product(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.products
            .get(id)
            .filter(|row| !row.deleted)
            .ok_or_else(|| Problem::missing("product", id))?;
        let active = params.flag("active")?;
        self.change_product_row(id, |row| {
            if let Some(name) = params.filled("name") {
                row.name = name.to_owned();
            }
            if let Some(text) = params.get("description") {
                row.description = Some(text.to_owned()).filter(|text| !text.is_empty());
            }
            row.active = active.unwrap_or(row.active);
            edit_metadata(&mut row.metadata, &params.hash("metadata"));
        });
        Ok(self.product_json(self.products.must(id)))
    }

    /// docs.stripe.com/api/products/delete: only without prices.
    pub(crate) fn delete_product(&mut self, id: &str) -> Answer {
        self.products
            .get(id)
            .filter(|row| !row.deleted)
            .ok_or_else(|| Problem::missing("product", id))?;
        if self.prices.of(id).any(|row| !row.deleted) {
            return Err(Problem::invalid(
                "This product cannot be deleted because it has one or more user-created prices.",
                "id",
            ));
        }
        let value = self.product_json(self.products.must(id));
        self.products.must_mut(id).deleted = true;
        self.emit("product.deleted", value);
        Ok(deleted(id, "product"))
    }
}

fn interval(params: &Params<'_>, key: &str) -> Result<Interval, Problem> {
    let word = params.need(key)?;
    Interval::parse(word).ok_or_else(|| Problem::invalid(format!("Invalid interval: {word}"), key))
}
