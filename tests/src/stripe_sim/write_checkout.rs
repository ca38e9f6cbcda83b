//! The REST interface: checkout sessions, the pages behind them, and the billing portal.

use serde_json::{Value, json};

use super::StripeSim;
use super::calendar::DAY;
use super::model::MissingMethod;
use super::params::{Params, Problem};
use super::terms::{Plain, Session};
use super::writes::{Answer, metadata};

impl StripeSim {
    pub(crate) fn post_session(&mut self, params: &Params<'_>) -> Answer {
        let mode = match params.need("mode")? {
            "payment" => "payment",
            "subscription" => "subscription",
            other => {
                let text = format!("Unsupported mode: {other}");
                return Err(Problem::invalid(text, "mode"));
            }
        };
        let mut lines = Vec::new();
        for row in params.rows("line_items") {
            let price = row
                .get("price")
                .ok_or_else(|| Problem::required("line_items[0][price]"))?;
            let quantity = row.get("quantity").and_then(|value| value.parse().ok());
            lines.push((self.living_price(price)?, quantity.unwrap_or(1)));
        }
        if lines.is_empty() {
            return Err(Problem::required("line_items"));
        }
        let recurring = lines
            .iter()
            .any(|(price, _)| !self.prices.must(price).one_time);
        if recurring != (mode == "subscription") {
            let text = "The prices do not fit the mode.";
            return Err(Problem::invalid(text, "mode"));
        }
        let customer = params
            .filled("customer")
            .map(|id| self.living_customer(id))
            .transpose()?;
        let discount = self.asked_discounts(params, customer.as_deref())?.pop();
        let own = |key: &str| params.filled(key).map(str::to_owned);
        let kinds = params.array("payment_method_types");
        let missing = "subscription_data[trial_settings][end_behavior][missing_payment_method]";
        let details = params.nested("subscription_data");
        let details = Params(&details);
        let row = self.new_session(mode, lines);
        let id = row.id.clone();
        self.insert_session(Session {
            customer,
            email: own("customer_email"),
            client_reference_id: own("client_reference_id"),
            discount,
            trial_days: details.number("trial_period_days")?.unwrap_or(0),
            missing_method: params
                .filled(missing)
                .and_then(MissingMethod::parse)
                .unwrap_or_default(),
            subscription_metadata: metadata(&details),
            kinds: if kinds.is_empty() {
                row.kinds.clone()
            } else {
                kinds.iter().map(|kind| (*kind).to_owned()).collect()
            },
            success_url: own("success_url"),
            cancel_url: own("cancel_url"),
            metadata: metadata(params),
            expires_at: params.number("expires_at")?.unwrap_or(self.now + DAY),
            ..row
        });
        Ok(self.session_value(&id))
    }

    pub(crate) fn known_session(&self, id: &str) -> Result<(), Problem> {
        let row = self.sessions.get(id);
        row.map(drop)
            .ok_or_else(|| Problem::missing("checkout.session", id))
    }

    pub(crate) fn post_expire(&mut self, id: &str) -> Answer {
        self.known_session(id)?;
        if self.sessions.must(id).status != "open" {
            let text = "Only Checkout Sessions with a status in [\"open\"] can be expired.";
            return Err(Problem::invalid(text, "session"));
        }
        self.expire_checkout(id);
        Ok(self.session_value(id))
    }

    /// What Stripe's own page does when the payer presses the button; the CLI's triggers do the same.
    pub(crate) fn confirm_page(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.known_session(id)?;
        let expected = params.number("expected_amount")?;
        if expected.is_some_and(|amount| amount != self.sessions.must(id).amount_total) {
            let text = "The amount is not what was expected.";
            return Err(Problem::invalid(text, "expected_amount"));
        }
        let method = params
            .filled("payment_method")
            .map(|name| self.named_method(name))
            .transpose()?;
        self.finish_session(id, method.as_deref())?;
        Ok(self.session_value(id))
    }

    /// Opens the portal for a customer (docs.stripe.com/api/customer_portal/sessions/create).
    pub(crate) fn post_portal(&mut self, params: &Params<'_>) -> Answer {
        let customer = self.living_customer(params.need("customer")?)?;
        let first = self.configurations.iter().next().map(|row| row.id.clone());
        let asked = params.filled("configuration").map(str::to_owned);
        let configuration = match asked.or(first) {
            Some(id) => id,
            None => self.add_configuration(&Params(&[])),
        };
        let flow = self.portal_flow(&customer, params)?;
        let id = self.next_id("bps_1");
        let value = json!({
            "id": id, "object": "billing_portal.session", "configuration": configuration, "created": self.now,
            "customer": customer, "customer_account": null, "flow": flow, "livemode": self.livemode, "locale": null,
            "on_behalf_of": null, "return_url": params.filled("return_url"),
            "url": format!("https://billing.stripe.com/p/session/{id}"),
        });
        self.emit("billing_portal.session.created", value.clone());
        Ok(value)
    }

    /// What the payer comes for (docs.stripe.com/customer-management/portal-deep-links).
    fn portal_flow(&self, customer: &str, params: &Params<'_>) -> Answer {
        let Some(kind) = params.filled("flow_data[type]") else {
            return Ok(Value::Null);
        };
        let field = "flow_data[subscription_cancel][subscription]";
        let cancel = match kind {
            "payment_method_update" => Value::Null,
            "subscription_cancel" => {
                let id = params.need(field)?;
                let row = self.subscriptions.get(id);
                let row = row.filter(|row| row.customer == customer);
                row.ok_or_else(|| Problem::missing("subscription", id))?;
                json!({"subscription": id, "retention": null})
            }
            other => {
                let text = format!("Invalid flow type: {other}");
                return Err(Problem::invalid(text, "flow_data[type]"));
            }
        };
        Ok(
            json!({"type": kind, "after_completion": {"type": "portal_homepage", "redirect": null,
            "hosted_confirmation": null}, "subscription_cancel": cancel, "subscription_update": null,
            "subscription_update_confirm": null}),
        )
    }

    pub(crate) fn add_configuration(&mut self, params: &Params<'_>) -> String {
        let id = self.next_id("bpc_1");
        let first = self.configurations.iter().next().is_none();
        let value = json!({
            "id": id, "object": "billing_portal.configuration", "active": true, "application": null,
            "business_profile": {
                "headline": params.filled("business_profile[headline]"),
                "privacy_policy_url": params.filled("business_profile[privacy_policy_url]"),
                "terms_of_service_url": params.filled("business_profile[terms_of_service_url]"),
            },
            "created": self.now, "default_return_url": null,
            "features": {
                "customer_update": {"allowed_updates": [], "enabled": false},
                "invoice_history": {"enabled": true}, "payment_method_update": {"enabled": true, "payment_method_configuration": null},
                "subscription_cancel": {
                    "cancellation_reason": {"enabled": false, "options": []}, "enabled": true,
                    "mode": "at_period_end", "proration_behavior": "none",
                },
                "subscription_update": {
                    "billing_cycle_anchor": null, "default_allowed_updates": [], "enabled": false, "products": [],
                    "proration_behavior": "none", "schedule_at_period_end": {"conditions": []},
                    "trial_update_behavior": "end_trial",
                },
            },
            "is_default": first, "livemode": self.livemode, "login_page": {"enabled": false, "url": null},
            "metadata": metadata(params), "name": null, "updated": self.now,
        });
        self.configurations.insert(Plain {
            id: id.clone(),
            value: value.clone(),
        });
        self.emit("billing_portal.configuration.created", value);
        id
    }

    pub(crate) fn update_configuration(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let missing = || Problem::missing("billing_portal.configuration", id);
        let before = self
            .configurations
            .get(id)
            .ok_or_else(missing)?
            .value
            .clone();
        let value = &mut self.configurations.must_mut(id).value;
        for (key, text) in params.hash("metadata") {
            value["metadata"][key] = json!(text);
        }
        let after = value.clone();
        self.emit_change(
            "billing_portal.configuration.updated",
            before,
            after.clone(),
        );
        Ok(after)
    }
}
