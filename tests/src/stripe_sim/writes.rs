//! The REST interface: what changes the account.

use serde_json::Value;

use super::StripeSim;
use super::api::unrecognized;
use super::billing::Payer;
use super::calendar::DAY;
use super::model::{Card, CollectionMethod, InvoiceStatus, Metadata, PauseBehavior, Status};
use super::objects::deleted;
use super::params::{Params, Problem};
use super::subscriptions::{ItemChange, NewSubscription, PaymentBehavior, Proration};

pub(crate) type Answer = Result<Value, Problem>;

impl StripeSim {
    pub(crate) fn write(&mut self, method: &str, segments: &[&str], params: &Params<'_>) -> Answer {
        match (method, segments) {
            ("POST", ["subscriptions"]) => self.post_subscription(params),
            ("POST", ["subscriptions", id]) => self.update_subscription(id, params),
            ("POST", ["subscriptions", id, "resume"]) => {
                self.living_subscription(id)?;
                self.resume(id);
                Ok(self.subscription_value(id))
            }
            ("DELETE", ["subscriptions", id]) => {
                self.living_subscription(id)?;
                self.cancel_now(id);
                Ok(self.subscription_value(id))
            }
            ("POST", ["invoices", id, action]) => self.act_on_invoice(id, action, params),
            ("POST", ["customers"]) => self.post_customer(params),
            ("POST", ["customers", id]) => self.update_customer(id, params),
            ("DELETE", ["customers", id]) => {
                self.living_customer(id)?;
                self.delete_customer(id);
                Ok(deleted(id, "customer"))
            }
            ("POST", ["customers", id, "balance_transactions"]) => {
                let customer = self.living_customer(id)?;
                let amount = params
                    .number("amount")?
                    .ok_or_else(|| Problem::required("amount"))?;
                params.need("currency")?;
                let description = params.filled("description").map(str::to_owned);
                let id = self.change_balance(&customer, amount, "adjustment", None, description);
                Ok(self.balance_transaction_json(self.balance_transactions.must(&id)))
            }
            ("POST", ["plans"]) => self.post_plan(params),
            ("POST", ["prices"]) => self.post_price(params),
            ("POST", ["plans" | "prices", id]) => self.update_price(segments, id, params),
            ("DELETE", ["plans", id]) => {
                self.living_price(id)?;
                self.delete_plan(id);
                Ok(deleted(id, "plan"))
            }
            ("POST", ["products"]) => self.post_product(params),
            ("POST", ["products", id]) => self.update_product(id, params),
            ("DELETE", ["products", id]) => self.delete_product(id),
            ("POST", ["refunds"]) => self.post_refund(params),
            _ => Err(unrecognized(segments)),
        }
    }

    fn living_subscription(&self, id: &str) -> Result<(), Problem> {
        let row = self
            .subscriptions
            .get(id)
            .ok_or_else(|| Problem::missing("subscription", id))?;
        if row.status == Status::Canceled {
            return Err(Problem {
                status: 404,
                ..Problem::missing("subscription", id)
            });
        }
        Ok(())
    }

    fn post_subscription(&mut self, params: &Params<'_>) -> Answer {
        let customer = self.living_customer(params.need("customer")?)?;
        let mut items = Vec::new();
        for row in params.rows("items") {
            let price = row
                .get("price")
                .or(row.get("plan"))
                .ok_or_else(|| Problem::required("items[0][price]"))?;
            let quantity = row
                .get("quantity")
                .and_then(|value| value.parse().ok())
                .unwrap_or(1);
            items.push((self.living_price(price)?, quantity));
        }
        if items.is_empty() {
            return Err(Problem::required("items"));
        }
        let days = params.number("trial_period_days")?.filter(|days| *days > 0);
        let trial_end = match params.filled("trial_end") {
            Some("now") => None,
            Some(_) => params.number("trial_end")?,
            None => days.map(|days| self.now + days * DAY),
        };
        let behavior = match params.filled("payment_behavior") {
            None | Some("allow_incomplete") => PaymentBehavior::AllowIncomplete,
            Some("default_incomplete") => PaymentBehavior::DefaultIncomplete,
            Some(other) => {
                return Err(Problem::invalid(
                    format!("Unsupported payment_behavior: {other}"),
                    "payment_behavior",
                ));
            }
        };
        let collection = collection(params)?.unwrap_or_default();
        let no_card = self.customers.must(&customer).card == Card::None;
        if no_card
            && behavior == PaymentBehavior::AllowIncomplete
            && collection == CollectionMethod::ChargeAutomatically
            && trial_end.is_none()
            && items
                .iter()
                .any(|(price, _)| self.prices.must(price).amount > 0)
        {
            let text = "This customer has no attached payment source or default payment method.";
            return Err(Problem {
                code: Some("resource_missing"),
                ..Problem::invalid(text, "customer")
            });
        }
        let id = self.begin(NewSubscription {
            customer,
            items,
            trial_end,
            collection,
            days_until_due: params.number("days_until_due")?.unwrap_or(30),
            behavior,
            percent_off: 0,
            metadata: metadata(params),
        });
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
        match params.get("cancel_at") {
            None => {}
            Some("") => self.end_at(id, None),
            Some("min_period_end" | "max_period_end") => {
                let ends = self
                    .subscriptions
                    .must(id)
                    .items
                    .iter()
                    .map(|item| item.period_end);
                let end = if params.get("cancel_at") == Some("min_period_end") {
                    ends.min()
                } else {
                    ends.max()
                };
                self.end_at(id, end);
            }
            Some(_) => {
                let at = params.number("cancel_at")?;
                self.end_at(id, at);
            }
        }
        Ok(())
    }

    fn update_subscription(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.living_subscription(id)?;
        let proration = match params.filled("proration_behavior") {
            None | Some("create_prorations") => Proration::CreateProrations,
            Some("none") => Proration::None,
            Some("always_invoice") => Proration::AlwaysInvoice,
            Some(other) => {
                return Err(Problem::invalid(
                    format!("Invalid proration_behavior: {other}"),
                    "proration_behavior",
                ));
            }
        };
        let mut changes = Vec::new();
        for row in params.rows("items") {
            let item = row.get("id").map(|id| (*id).to_owned());
            let known = |item: &String| {
                self.subscriptions
                    .must(id)
                    .items
                    .iter()
                    .any(|own| own.id == *item)
            };
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
        let pause = self.pause_wanted(params)?;
        let metadata = params.hash("metadata");
        if !metadata.is_empty()
            || params.get("description").is_some()
            || params.get("cancellation_details[comment]").is_some()
        {
            self.change_subscription(id, |row| {
                edit_metadata(&mut row.metadata, &metadata);
                if let Some(text) = params.get("description") {
                    row.description = Some(text.to_owned()).filter(|text| !text.is_empty());
                }
                if let Some(text) = params.filled("cancellation_details[comment]") {
                    row.cancel_comment = Some(text.to_owned());
                }
            });
        }
        if params.get("trial_end") == Some("now") {
            self.end_trial(id);
        }
        if !changes.is_empty() {
            self.change_items(id, &changes, proration);
        }
        if let Some(pause) = pause {
            self.set_pause_collection(id, pause);
        }
        self.set_end(id, params)?;
        Ok(self.subscription_value(id))
    }

    fn end_trial(&mut self, id: &str) {
        if self.subscriptions.must(id).status != Status::Trialing {
            return;
        }
        let now = self.now;
        let row = self.subscriptions.must_mut(id);
        row.trial_end = Some(now);
        row.anchor = now;
        for item in &mut row.items {
            item.period_end = now;
        }
        self.run_subscription(id);
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

    fn act_on_invoice(&mut self, id: &str, action: &str, params: &Params<'_>) -> Answer {
        let status = self
            .invoices
            .get(id)
            .map(|row| row.status)
            .ok_or_else(|| Problem::missing("invoice", id))?;
        let wrong = |text: &str| Problem {
            code: Some("invoice_not_editable"),
            ..Problem::invalid(text, "id")
        };
        match (action, status) {
            ("finalize", InvoiceStatus::Draft) => self.finalize(id, Payer::DefaultCard),
            ("pay", InvoiceStatus::Paid) => return Err(wrong("Invoice is already paid")),
            ("pay", InvoiceStatus::Draft | InvoiceStatus::Open | InvoiceStatus::Uncollectible) => {
                if status == InvoiceStatus::Draft {
                    self.open(id);
                }
                let out_of_band = params.flag("paid_out_of_band")? == Some(true);
                if !self.attempt(
                    id,
                    if out_of_band {
                        Payer::OutOfBand
                    } else {
                        Payer::DefaultCard
                    },
                ) {
                    return Err(Problem::plain(
                        402,
                        "card_error",
                        Some("card_declined"),
                        "Your card was declined.",
                    ));
                }
            }
            ("void", InvoiceStatus::Open | InvoiceStatus::Uncollectible) => self.void(id),
            ("mark_uncollectible", InvoiceStatus::Open) => self.mark_uncollectible(id),
            ("pay" | "void" | "mark_uncollectible" | "finalize", _) => {
                return Err(wrong("The invoice's status does not allow this."));
            }
            _ => return Err(unrecognized(&["invoices", id, action])),
        }
        Ok(self.invoice_value(id))
    }

    fn post_customer(&mut self, params: &Params<'_>) -> Answer {
        let own = |key: &str| params.filled(key).map(str::to_owned);
        let card = card(params).unwrap_or(Card::None);
        let id = self.add_customer(own("email"), own("name"), metadata(params), card);
        if let Some(balance) = params.number("balance")?.filter(|balance| *balance != 0) {
            self.change_balance(&id, balance, "initial", None, None);
        }
        Ok(self.customer_json(self.customers.must(&id)))
    }

    fn update_customer(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let id = self.living_customer(id)?;
        let text = |key: &str| {
            params
                .get(key)
                .map(|value| Some(value.to_owned()).filter(|value| !value.is_empty()))
        };
        let (email, name, card) = (text("email"), text("name"), card(params));
        self.change_customer_row(&id, |row| {
            row.email = email.unwrap_or(row.email.take());
            row.name = name.unwrap_or(row.name.take());
            row.card = card.unwrap_or(row.card);
            edit_metadata(&mut row.metadata, &params.hash("metadata"));
        });
        if let Some(balance) = params.number("balance")? {
            let change = balance - self.balance(&id);
            if change != 0 {
                self.change_balance(&id, change, "adjustment", None, None);
            }
        }
        Ok(self.customer_json(self.customers.must(&id)))
    }
}

pub(crate) fn metadata(params: &Params<'_>) -> Metadata {
    let mut metadata = Metadata::new();
    edit_metadata(&mut metadata, &params.hash("metadata"));
    metadata
}

/// docs.stripe.com/api/metadata: an empty value removes the key.
pub(crate) fn edit_metadata(metadata: &mut Metadata, changes: &[(&str, &str)]) {
    for (key, value) in changes {
        if value.is_empty() {
            metadata.remove(*key);
        } else {
            metadata.insert((*key).to_owned(), (*value).to_owned());
        }
    }
}

/// docs.stripe.com/testing: the named test cards.
fn card(params: &Params<'_>) -> Option<Card> {
    let named = [
        "source",
        "payment_method",
        "invoice_settings[default_payment_method]",
        "default_source",
    ];
    let name = named.iter().find_map(|key| params.filled(key))?;
    let declines = name.contains("hargeCustomerFail") || name.contains("hargeDeclined");
    Some(if declines {
        Card::Declines
    } else {
        Card::Works
    })
}

fn collection(params: &Params<'_>) -> Result<Option<CollectionMethod>, Problem> {
    match params.filled("collection_method") {
        None => Ok(None),
        Some("charge_automatically") => Ok(Some(CollectionMethod::ChargeAutomatically)),
        Some("send_invoice") => Ok(Some(CollectionMethod::SendInvoice)),
        Some(other) => Err(Problem::invalid(
            format!("Invalid collection_method: {other}"),
            "collection_method",
        )),
    }
}
