//! The REST interface: subscriptions begun, changed, paused, ended.

use super::StripeSim;
use super::api::unrecognized;
use super::begin::NewSubscription;
use super::calendar::DAY;
use super::checkout::declined_card;
use super::model::{Card, CollectionMethod, MissingMethod, PauseBehavior, Status};
use super::params::{Params, Problem};
use super::subscriptions::{ItemChange, PaymentBehavior};
use super::write_schedules::proration;
use super::writes::{Answer, collection, edit_metadata, metadata};

const MISSING_METHOD: &str = "trial_settings[end_behavior][missing_payment_method]";

impl StripeSim {
    pub(crate) fn write_subscription(
        &mut self,
        method: &str,
        segments: &[&str],
        params: &Params<'_>,
    ) -> Answer {
        match (method, segments) {
            ("POST", []) => self.post_subscription(params),
            ("POST", [id]) => self.update_subscription(id, params),
            ("POST", [id, "pause"]) => {
                self.living_subscription(id)?;
                self.pause(id);
                Ok(self.subscription_value(id))
            }
            ("POST", [id, "resume"]) => {
                self.living_subscription(id)?;
                self.resume(id);
                Ok(self.subscription_value(id))
            }
            ("DELETE", [id]) => {
                self.living_subscription(id)?;
                self.cancel_now(id);
                Ok(self.subscription_value(id))
            }
            ("DELETE", [id, "discount"]) => {
                self.living_subscription(id)?;
                self.set_discounts(id, Vec::new());
                Ok(super::objects::deleted(id, "discount"))
            }
            _ => Err(unrecognized(segments)),
        }
    }

    pub(crate) fn living_subscription(&self, id: &str) -> Result<(), Problem> {
        let row = self.subscriptions.get(id);
        row.filter(|row| row.status != Status::Canceled)
            .map(drop)
            .ok_or_else(|| Problem::missing("subscription", id))
    }

    /// Prices and quantities under `items`.
    pub(crate) fn new_items(&self, params: &Params<'_>) -> Result<Vec<(String, i64)>, Problem> {
        let mut items = Vec::new();
        for row in params.rows("items") {
            let price = row
                .get("price")
                .or(row.get("plan"))
                .ok_or_else(|| Problem::required("items[0][price]"))?;
            let price = self.living_price(price)?;
            if self.prices.must(&price).one_time {
                let text = format!("The price {price} is not recurring.");
                return Err(Problem::invalid(text, "items[0][price]"));
            }
            let quantity = row.get("quantity").and_then(|value| value.parse().ok());
            items.push((price, quantity.unwrap_or(1)));
        }
        Ok(items)
    }

    fn post_subscription(&mut self, params: &Params<'_>) -> Answer {
        let customer = self.living_customer(params.need("customer")?)?;
        let items = self.new_items(params)?;
        if items.is_empty() {
            return Err(Problem::required("items"));
        }
        let days = params.number("trial_period_days")?.filter(|days| *days > 0);
        let trial_end = match params.filled("trial_end") {
            Some("now") => None,
            Some(_) => params.number("trial_end")?,
            None => days.map(|days| self.now + days * DAY),
        };
        let behavior = behavior(params)?;
        let collection = collection(params)?.unwrap_or_default();
        let coupons = self.asked_discounts(params, Some(&customer))?;
        let default_method = params
            .filled("default_payment_method")
            .map(|name| self.attach_method(name, &customer))
            .transpose()?;
        let free = items
            .iter()
            .all(|(price, _)| self.prices.must(price).amount == 0);
        if self.card_of(&customer) == Card::None
            && default_method.is_none()
            && coupons.is_empty()
            && behavior == PaymentBehavior::AllowIncomplete
            && collection == CollectionMethod::ChargeAutomatically
            && trial_end.is_none()
            && !free
        {
            let text = "This customer has no attached payment source or default payment method.";
            return Err(Problem {
                code: Some("resource_missing"),
                ..Problem::invalid(text, "customer")
            });
        }
        // docs.stripe.com/api/subscriptions/create#create_subscription-payment_behavior: as if it had never been.
        let saved = (behavior == PaymentBehavior::ErrorIfIncomplete).then(|| self.clone());
        let id = self.begin(NewSubscription {
            customer,
            items,
            trial_end,
            collection,
            days_until_due: params.number("days_until_due")?.unwrap_or(30),
            behavior,
            coupons,
            missing_method: missing_method(params)?.unwrap_or_default(),
            default_method,
            schedule: None,
            metadata: metadata(params),
            description: params.filled("description").map(str::to_owned),
        });
        if let Some(saved) = saved.filter(|_| self.status(&id) == Status::Incomplete) {
            *self = saved;
            return Err(declined_card());
        }
        self.set_end(&id, params)?;
        Ok(self.subscription_value(&id))
    }

    fn set_end(&mut self, id: &str, params: &Params<'_>) -> Result<(), Problem> {
        if let Some(on) = params.flag("cancel_at_period_end")? {
            let was = self.subscriptions.must(id).cancel_at_period_end;
            if was != on {
                self.end_with_period(id, on, false);
            }
        }
        let items = &self.subscriptions.must(id).items;
        let ends = items.iter().map(|item| item.period_end);
        match params.get("cancel_at") {
            None => {}
            Some("") => self.end_at(id, None),
            Some("min_period_end") => {
                let end = ends.min();
                self.end_at(id, end);
            }
            Some("max_period_end") => {
                let end = ends.max();
                self.end_at(id, end);
            }
            Some(_) => {
                let at = params.number("cancel_at")?;
                self.end_at(id, at);
            }
        }
        Ok(())
    }

    /// The changes of items that a request asks for.
    pub(crate) fn item_changes(
        &self,
        id: &str,
        params: &Params<'_>,
    ) -> Result<Vec<ItemChange>, Problem> {
        let own = &self.subscriptions.must(id).items;
        let mut changes = Vec::new();
        for row in params.rows("items") {
            let item = row.get("id").map(|id| (*id).to_owned());
            let known = |item: &String| own.iter().any(|own| own.id == *item);
            if let Some(item) = item.as_ref().filter(|item| !known(item)) {
                return Err(Problem {
                    status: 400,
                    ..Problem::missing("subscription_item", item)
                });
            }
            let price = row.get("price").or(row.get("plan"));
            changes.push(ItemChange {
                item,
                price: price.map(|price| self.living_price(price)).transpose()?,
                quantity: row.get("quantity").and_then(|value| value.parse().ok()),
                deleted: row.get("deleted") == Some(&"true"),
            });
        }
        Ok(changes)
    }

    fn update_subscription(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.living_subscription(id)?;
        let proration = proration(params)?;
        let behavior = behavior(params)?;
        let changes = self.item_changes(id, params)?;
        let pause = self.pause_wanted(params)?;
        let customer = self.subscriptions.must(id).customer.clone();
        let coupons = self.asked_discounts(params, Some(&customer))?;
        let method = params
            .filled("default_payment_method")
            .map(|name| self.attach_method(name, &customer))
            .transpose()?;
        let missing = missing_method(params)?;
        self.change_subscription(id, |row| {
            edit_metadata(&mut row.metadata, &params.hash("metadata"));
            if let Some(text) = params.get("description") {
                row.description = Some(text.to_owned()).filter(|text| !text.is_empty());
            }
            if let Some(text) = params.filled("cancellation_details[comment]") {
                row.cancel_comment = Some(text.to_owned());
            }
            row.default_method = method.or(row.default_method.take());
            row.missing_method = missing.unwrap_or(row.missing_method);
        });
        if !coupons.is_empty() || params.get("discounts") == Some("") {
            self.set_discounts(id, coupons);
        }
        if params.get("trial_end") == Some("now") {
            self.end_trial(id);
        }
        if !changes.is_empty() && behavior == PaymentBehavior::PendingIfIncomplete {
            self.change_items_if_paid(id, &changes);
        } else if !changes.is_empty() {
            self.change_items(id, &changes, proration);
        }
        if let Some(pause) = pause {
            self.set_pause_collection(id, pause);
        }
        self.set_end(id, params)?;
        Ok(self.subscription_value(id))
    }

    /// Puts discounts in the place of those that a subscription has.
    pub(crate) fn set_discounts(&mut self, id: &str, coupons: Vec<(String, Option<String>)>) {
        let row = self.subscriptions.must(id);
        let (customer, old) = (row.customer.clone(), row.discounts.clone());
        let new: Vec<String> = coupons
            .into_iter()
            .map(|(coupon, code)| self.add_discount(&coupon, code, &customer, Some(id)))
            .collect();
        self.change_subscription(id, |row| row.discounts = new);
        for gone in old {
            self.emit("customer.discount.deleted", self.discount_value(&gone));
        }
    }

    #[expect(
        clippy::type_complexity,
        reason = "outer: whether asked for; inner: set or cleared"
    )]
    fn pause_wanted(
        &self,
        params: &Params<'_>,
    ) -> Result<Option<Option<(PauseBehavior, Option<i64>)>>, Problem> {
        if params.get("pause_collection") == Some("") {
            return Ok(Some(None));
        }
        let Some(word) = params.filled("pause_collection[behavior]") else {
            return Ok(None);
        };
        let behavior = PauseBehavior::parse(word).ok_or_else(|| {
            Problem::invalid(
                format!("Invalid behavior: {word}"),
                "pause_collection[behavior]",
            )
        })?;
        Ok(Some(Some((
            behavior,
            params.number("pause_collection[resumes_at]")?,
        ))))
    }
}

fn behavior(params: &Params<'_>) -> Result<PaymentBehavior, Problem> {
    match params.filled("payment_behavior") {
        None | Some("allow_incomplete") => Ok(PaymentBehavior::AllowIncomplete),
        Some("default_incomplete") => Ok(PaymentBehavior::DefaultIncomplete),
        Some("error_if_incomplete") => Ok(PaymentBehavior::ErrorIfIncomplete),
        Some("pending_if_incomplete") => Ok(PaymentBehavior::PendingIfIncomplete),
        Some(other) => Err(Problem::invalid(
            format!("Unsupported payment_behavior: {other}"),
            "payment_behavior",
        )),
    }
}

fn missing_method(params: &Params<'_>) -> Result<Option<MissingMethod>, Problem> {
    let Some(word) = params.filled(MISSING_METHOD) else {
        return Ok(None);
    };
    let parsed = MissingMethod::parse(word);
    let wrong = || Problem::invalid(format!("Invalid behavior: {word}"), MISSING_METHOD);
    parsed.map(Some).ok_or_else(wrong)
}
