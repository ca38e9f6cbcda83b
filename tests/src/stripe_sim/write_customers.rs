//! The REST interface: customers, their balance and their cards.

use super::StripeSim;
use super::api::unrecognized;
use super::model::Card;
use super::objects::deleted;
use super::params::{Params, Problem};
use super::writes::{Answer, edit_metadata, metadata};

impl StripeSim {
    pub(crate) fn write_customer(
        &mut self,
        method: &str,
        segments: &[&str],
        params: &Params<'_>,
    ) -> Answer {
        match (method, segments) {
            ("POST", []) => self.post_customer(params),
            ("POST", [id]) => self.update_customer(id, params),
            ("DELETE", [id]) => {
                self.living_customer(id)?;
                self.delete_customer(id);
                Ok(deleted(id, "customer"))
            }
            ("POST", [id, "balance_transactions"]) => {
                let customer = self.living_customer(id)?;
                let amount = params
                    .number("amount")?
                    .ok_or_else(|| Problem::required("amount"))?;
                params.need("currency")?;
                let description = params.filled("description").map(str::to_owned);
                let id = self.change_balance(&customer, amount, "adjustment", None, description);
                self.balance_transactions.must_mut(&id).metadata = metadata(params);
                Ok(self.balance_transaction_json(self.balance_transactions.must(&id)))
            }
            ("POST", [id, "sources"]) => self.post_source(id, params),
            ("POST", [_, "sources", source]) => self.update_source(source, params),
            ("DELETE", [id, "discount"]) => {
                let customer = self.living_customer(id)?;
                self.set_customer_discount(&customer, None);
                Ok(deleted(id, "discount"))
            }
            _ => Err(unrecognized(segments)),
        }
    }

    fn post_customer(&mut self, params: &Params<'_>) -> Answer {
        let own = |key: &str| params.filled(key).map(str::to_owned);
        let id = self.add_customer(own("email"), own("name"), metadata(params), Card::None);
        let row = self.customers.must_mut(&id);
        row.clock = own("test_clock");
        row.description = own("description");
        // Told as it was made, with everything the request gave it.
        let told = self.events.len() - 1;
        row.default_method = None;
        if let Some(balance) = params.number("balance")?.filter(|balance| *balance != 0) {
            self.change_balance(&id, balance, "initial", None, None);
        }
        self.coupon_of_customer(&id, params)?;
        if let Some(method) = self.asked_method(&id, params)? {
            self.customers.must_mut(&id).default_method = Some(method);
        }
        let value = self.customer_json(self.customers.must(&id));
        if let Some(event) = self.events.get_mut(told) {
            event.object = value.clone();
        }
        Ok(value)
    }

    fn update_customer(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let id = self.living_customer(id)?;
        let text = |key: &str| {
            params
                .get(key)
                .map(|value| Some(value.to_owned()).filter(|value| !value.is_empty()))
        };
        let (email, name, description) = (text("email"), text("name"), text("description"));
        let method = self.asked_method(&id, params)?;
        self.change_customer_row(&id, |row| {
            row.email = email.unwrap_or(row.email.take());
            row.name = name.unwrap_or(row.name.take());
            row.description = description.unwrap_or(row.description.take());
            row.default_method = method.or(row.default_method.take());
            edit_metadata(&mut row.metadata, &params.hash("metadata"));
        });
        self.coupon_of_customer(&id, params)?;
        if let Some(balance) = params.number("balance")? {
            let change = balance - self.balance(&id);
            if change != 0 {
                self.change_balance(&id, change, "adjustment", None, None);
            }
        }
        Ok(self.customer_json(self.customers.must(&id)))
    }
}
