//! Thin events: what happened to which object, without the object (docs.stripe.com/event-destinations#thin-events).

use serde_json::{Value, json};

use super::calendar::{DAY, date};
use super::events::Event;

/// Where an object of each kind is read.
const PATHS: [(&str, &str); 22] = [
    ("account", "/v1/accounts"),
    (
        "billing_portal.configuration",
        "/v1/billing_portal/configurations",
    ),
    ("charge", "/v1/charges"),
    ("checkout.session", "/v1/checkout/sessions"),
    ("coupon", "/v1/coupons"),
    ("credit_note", "/v1/credit_notes"),
    ("customer", "/v1/customers"),
    ("dispute", "/v1/disputes"),
    ("invoice", "/v1/invoices"),
    ("invoice_payment", "/v1/invoice_payments"),
    ("invoiceitem", "/v1/invoiceitems"),
    ("payment_intent", "/v1/payment_intents"),
    ("payment_method", "/v1/payment_methods"),
    ("plan", "/v1/plans"),
    ("price", "/v1/prices"),
    ("product", "/v1/products"),
    ("promotion_code", "/v1/promotion_codes"),
    ("refund", "/v1/refunds"),
    ("setup_intent", "/v1/setup_intents"),
    ("subscription", "/v1/subscriptions"),
    ("subscription_schedule", "/v1/subscription_schedules"),
    ("test_helpers.test_clock", "/v1/test_helpers/test_clocks"),
];

impl Event {
    /// The thin event beside this one
    /// (docs.stripe.com/changelog/endive/2026-09-30/thin-events-for-api-v1-resources-generally-available).
    pub fn thin_body(&self, livemode: bool) -> Value {
        let kind = self.object["object"].as_str().unwrap_or_default();
        let id = self.object["id"].as_str();
        let path = PATHS.iter().find(|(name, _)| *name == kind);
        let related = path.zip(id).map(
            |((name, path), id)| json!({"id": id, "type": name, "url": format!("{path}/{id}")}),
        );
        let reason = self.request.as_ref().map(|(id, key)| {
            json!({"type": "request", "request": {"id": id, "idempotency_key": key.clone().unwrap_or_default()}})
        });
        json!({
            "id": self.id.replacen("evt_", "evt_65", 1), "object": "v2.core.event", "context": self.account,
            "created": written(self.created), "livemode": livemode, "reason": reason, "related_object": related,
            "snapshot_event": self.id, "type": format!("v1.{}", self.kind),
        })
    }
}

/// Unix seconds as RFC 3339.
fn written(seconds: i64) -> String {
    let (year, month, day) = date(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.000Z",
        second % 60
    )
}
