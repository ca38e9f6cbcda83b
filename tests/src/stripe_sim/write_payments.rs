//! The REST interface: payment intents and setup intents.

use serde_json::{Value, json};

use super::StripeSim;
use super::checkout::declined_card;
use super::intents::NewIntent;
use super::model::Card;
use super::money::IntentStatus;
use super::params::{Params, Problem};
use super::terms::Plain;
use super::writes::{Answer, edit_metadata, metadata};

impl StripeSim {
    pub(crate) fn post_intent(&mut self, params: &Params<'_>) -> Answer {
        let amount = params
            .number("amount")?
            .ok_or_else(|| Problem::required("amount"))?;
        let currency = params.need("currency")?.to_owned();
        let customer = params
            .filled("customer")
            .map(|id| self.living_customer(id))
            .transpose()?;
        let kinds = params.array("payment_method_types");
        let method = params
            .filled("payment_method")
            .map(|name| self.named_method(name))
            .transpose()?;
        let id = self.add_intent(NewIntent {
            customer,
            invoice: None,
            session: None,
            amount,
            currency,
            kinds: if kinds.is_empty() {
                vec!["card".to_owned()]
            } else {
                kinds.iter().map(|kind| (*kind).to_owned()).collect()
            },
            manual_capture: params.filled("capture_method") == Some("manual"),
            description: params.filled("description").map(str::to_owned),
            metadata: metadata(params),
        });
        if params.flag("confirm")? == Some(true) {
            let method = method.ok_or_else(|| Problem::required("payment_method"))?;
            return self.try_intent(&id, &method);
        }
        if let Some(method) = method {
            let row = self.intents.must_mut(&id);
            row.method = Some(method);
            row.status = IntentStatus::RequiresConfirmation;
        }
        Ok(self.intent_value(&id))
    }

    fn try_intent(&mut self, id: &str, method: &str) -> Answer {
        self.confirm_intent(id, method);
        if self.intents.must(id).declined {
            return Err(declined_card());
        }
        Ok(self.intent_value(id))
    }

    pub(crate) fn update_intent(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.known_intent(id)?;
        let row = self.intents.must_mut(id);
        edit_metadata(&mut row.metadata, &params.hash("metadata"));
        if let Some(text) = params.filled("description") {
            row.description = Some(text.to_owned());
        }
        Ok(self.intent_value(id))
    }

    fn known_intent(&self, id: &str) -> Result<IntentStatus, Problem> {
        let row = self.intents.get(id);
        row.map(|row| row.status)
            .ok_or_else(|| Problem::missing("payment_intent", id))
    }

    pub(crate) fn act_on_intent(&mut self, id: &str, action: &str, params: &Params<'_>) -> Answer {
        let status = self.known_intent(id)?;
        let done = matches!(status, IntentStatus::Succeeded | IntentStatus::Canceled);
        match action {
            "confirm" if !done => {
                let named = params.filled("payment_method");
                let method = match (named, self.intents.must(id).method.clone()) {
                    (Some(name), _) => self.named_method(name)?,
                    (None, Some(method)) => method,
                    (None, None) => return Err(Problem::required("payment_method")),
                };
                self.try_intent(id, &method)
            }
            "capture" if status == IntentStatus::RequiresCapture => {
                self.capture_intent(id);
                Ok(self.intent_value(id))
            }
            "cancel" if !done => {
                self.cancel_intent(id, params.filled("cancellation_reason"));
                Ok(self.intent_value(id))
            }
            "confirm" | "capture" | "cancel" => Err(Problem {
                code: Some("payment_intent_unexpected_state"),
                ..Problem::invalid(
                    format!("This PaymentIntent has a status of {}.", status.as_str()),
                    "intent",
                )
            }),
            _ => Err(super::api::unrecognized(&["payment_intents", id, action])),
        }
    }

    /// A card is kept for later (docs.stripe.com/payments/setupintents/lifecycle).
    pub(crate) fn post_setup(&mut self, params: &Params<'_>) -> Answer {
        let method = params
            .filled("payment_method")
            .map(|name| self.named_method(name))
            .transpose()?;
        let confirm = params.flag("confirm")? == Some(true);
        let card = method.as_deref().map(|id| self.methods.must(id).card);
        let status = match card {
            None => "requires_payment_method",
            Some(_) if !confirm => "requires_confirmation",
            Some(Card::Declines) => "requires_payment_method",
            Some(Card::NeedsAction) => "requires_action",
            Some(_) => "succeeded",
        };
        let id = self.next_id("seti_1");
        let customer = params.filled("customer");
        let value = json!({
            "id": id, "object": "setup_intent", "application": null, "automatic_payment_methods": null,
            "cancellation_reason": null, "client_secret": format!("{id}_secret_sim"), "created": self.now,
            "customer": customer, "customer_account": null, "description": params.filled("description"),
            "excluded_payment_method_types": null, "flow_directions": null, "last_setup_error": null,
            "latest_attempt": null, "livemode": self.livemode, "mandate": null, "metadata": metadata(params),
            "next_action": null, "on_behalf_of": null, "payment_method": method,
            "payment_method_configuration_details": null, "payment_method_options": {},
            "payment_method_types": ["card"], "single_use_mandate": null, "status": status, "usage": "off_session",
        });
        self.setup_intents.insert(Plain {
            id: id.clone(),
            value: value.clone(),
        });
        self.emit("setup_intent.created", value);
        if !confirm {
            return Ok(self.setup_value(&id));
        }
        match status {
            "succeeded" => {
                self.emit("setup_intent.succeeded", self.setup_value(&id));
                if let (Some(customer), Some(method)) = (customer, &method) {
                    self.attach_method(method, customer)?;
                }
            }
            "requires_action" => {
                self.emit("setup_intent.requires_action", self.setup_value(&id));
            }
            _ => {
                self.setup_intents.must_mut(&id).value["payment_method"] = Value::Null;
                self.emit("setup_intent.setup_failed", self.setup_value(&id));
                return Err(declined_card());
            }
        }
        Ok(self.setup_value(&id))
    }

    fn setup_value(&self, id: &str) -> Value {
        self.setup_intents.must(id).value.clone()
    }

    pub(crate) fn cancel_setup(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let row = self.setup_intents.get_mut(id);
        let value = &mut row
            .ok_or_else(|| Problem::missing("setup_intent", id))?
            .value;
        value["status"] = json!("canceled");
        value["cancellation_reason"] = json!(params.filled("cancellation_reason"));
        self.emit("setup_intent.canceled", self.setup_value(id));
        Ok(self.setup_value(id))
    }
}
