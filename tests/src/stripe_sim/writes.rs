//! The REST interface: what changes the account.

use serde_json::Value;

use super::StripeSim;
use super::api::unrecognized;
use super::model::{CollectionMethod, Metadata};
use super::objects::deleted;
use super::params::{Params, Problem};

pub(crate) type Answer = Result<Value, Problem>;

impl StripeSim {
    /// At the time of the test clock that the request's customer has, if it has one.
    pub(crate) fn write(&mut self, method: &str, segments: &[&str], params: &Params<'_>) -> Answer {
        if let ["test_helpers", "test_clocks", rest @ ..] = segments {
            return self.write_clock(method, rest, params);
        }
        let clock = match segments {
            ["customers"] => params.filled("test_clock").map(str::to_owned),
            _ => self.clock_of(segments, params),
        };
        if let Some(id) = clock.as_deref() {
            self.clock_json(id)
                .ok_or_else(|| Problem::missing("test_clock", id))?;
        }
        self.at_clock(clock.as_deref(), |sim| {
            sim.write_now(method, segments, params)
        })
    }

    fn write_now(&mut self, method: &str, segments: &[&str], params: &Params<'_>) -> Answer {
        match (method, segments) {
            (_, ["accounts", rest @ ..]) => self.write_account(method, rest, params),
            (_, ["customers", rest @ ..]) => self.write_customer(method, rest, params),
            (_, ["subscriptions", rest @ ..]) => self.write_subscription(method, rest, params),
            (_, ["plans" | "prices" | "products", ..]) => {
                self.write_catalogue(method, segments, params)
            }
            (_, ["invoices" | "invoiceitems" | "credit_notes", ..]) => {
                self.write_billing(method, segments, params)
            }
            ("POST", ["subscription_schedules"]) => self.post_schedule(params),
            ("POST", ["subscription_schedules", id]) => self.update_schedule(id, params),
            ("POST", ["subscription_schedules", id, action]) => self.act_on_schedule(id, action),
            ("POST", ["coupons"]) => self.post_coupon(params),
            ("POST", ["coupons", id]) => self.update_coupon(id, params),
            ("DELETE", ["coupons", id]) => self.remove_coupon(id),
            ("POST", ["promotion_codes"]) => self.post_promotion_code(params),
            ("POST", ["promotion_codes", id]) => self.update_promotion_code(id, params),
            ("POST", ["checkout", "sessions"]) => self.post_session(params),
            ("POST", ["checkout", "sessions", id, "expire"]) => self.post_expire(id),
            ("POST", ["payment_pages", id, "confirm"]) => self.confirm_page(id, params),
            ("POST", ["billing_portal", "sessions"]) => self.post_portal(params),
            ("POST", ["billing_portal", "configurations"]) => {
                let id = self.add_configuration(params);
                Ok(self.configurations.must(&id).value.clone())
            }
            ("POST", ["billing_portal", "configurations", id]) => {
                self.update_configuration(id, params)
            }
            _ => self.write_payment(method, segments, params),
        }
    }

    fn write_payment(&mut self, method: &str, segments: &[&str], params: &Params<'_>) -> Answer {
        match (method, segments) {
            ("POST", ["payment_methods"]) => self.post_method(params),
            ("POST", ["payment_methods", id]) => self.update_method(id, params),
            ("POST", ["payment_methods", id, action]) => self.act_on_method(id, action, params),
            ("POST", ["payment_intents"]) => self.post_intent(params),
            ("POST", ["payment_intents", id]) => self.update_intent(id, params),
            ("POST", ["payment_intents", id, action]) => self.act_on_intent(id, action, params),
            ("POST", ["setup_intents"]) => self.post_setup(params),
            ("POST", ["setup_intents", id, "cancel"]) => self.cancel_setup(id, params),
            ("POST", ["refunds"]) => self.post_refund(params),
            ("POST", ["refunds", id]) => self.update_refund(id, params),
            ("POST", ["disputes", id]) => self.update_dispute(id, params),
            ("POST", ["disputes", id, "close"]) => self.give_in(id),
            _ => Err(unrecognized(segments)),
        }
    }

    fn write_billing(&mut self, method: &str, segments: &[&str], params: &Params<'_>) -> Answer {
        match (method, segments) {
            ("POST", ["invoices"]) => self.post_invoice(params),
            ("POST", ["invoices", "create_preview"]) => self.post_preview(params),
            ("POST", ["invoices", id]) => self.update_invoice(id, params),
            ("POST", ["invoices", id, action]) => self.act_on_invoice(id, action, params),
            ("DELETE", ["invoices", id]) => self.delete_invoice(id),
            ("POST", ["invoiceitems"]) => self.post_invoice_item(params),
            ("DELETE", ["invoiceitems", id]) => self.delete_invoice_item(id),
            ("POST", ["credit_notes"]) => self.post_credit_note(params),
            ("POST", ["credit_notes", id]) => self.update_credit_note(id, params),
            ("POST", ["credit_notes", id, "void"]) => self.void_credit_note(id),
            _ => Err(unrecognized(segments)),
        }
    }

    fn write_catalogue(&mut self, method: &str, segments: &[&str], params: &Params<'_>) -> Answer {
        match (method, segments) {
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
            _ => Err(unrecognized(segments)),
        }
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

pub(crate) fn collection(params: &Params<'_>) -> Result<Option<CollectionMethod>, Problem> {
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
