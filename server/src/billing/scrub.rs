//! What is left of a raw event once its payer was forgotten: whatever the mirror and the books are made of, and no word
//! about a person.

use serde_json::Value;

/// Texts that are kept, by their field; all others may be about a person (docs.stripe.com/api).
const KEPT: &[&str] = &[
    "account",
    "api_version",
    "billing_reason",
    "billing_scheme",
    "charge",
    "collection_method",
    "created",
    "currency",
    "customer",
    "id",
    "interval",
    "invoice",
    "invoice_item",
    "latest_charge",
    "latest_invoice",
    "lookup_key",
    "membertype",
    "mode",
    "nickname",
    "object",
    "payment_intent",
    "payment_status",
    "plan",
    "price",
    "product",
    "proration_behavior",
    "reason",
    "schedule",
    "status",
    "subscription",
    "subscription_item",
    "type",
    "usage_type",
];

/// What holds a person or a means of payment whole.
const DROPPED: &[&str] = &[
    "address",
    "billing_details",
    "card",
    "custom_fields",
    "customer_address",
    "customer_details",
    "customer_shipping",
    "customer_tax_ids",
    "payment_method_details",
    "shipping",
    "shipping_details",
];

/// Whether a raw event is about one of those.
#[must_use]
pub fn names_any(body: &[u8], needles: &[String]) -> bool {
    let text = String::from_utf8_lossy(body).to_lowercase();
    needles
        .iter()
        .any(|needle| text.contains(&needle.to_lowercase()))
}

/// The event without its person; what cannot be read is emptied.
#[must_use]
pub fn scrub(body: &[u8]) -> Vec<u8> {
    let Ok(mut event) = serde_json::from_slice::<Value>(body) else {
        return b"{}".to_vec();
    };
    clean("", &mut event);
    event.to_string().into_bytes()
}

fn clean(field: &str, value: &mut Value) {
    match value {
        Value::Object(_) if DROPPED.contains(&field) => *value = Value::Null,
        Value::Object(fields) => {
            for (field, value) in fields {
                clean(field, value);
            }
        }
        Value::Array(values) => {
            for value in values {
                clean(field, value);
            }
        }
        Value::String(_) if !KEPT.contains(&field) => *value = Value::Null,
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_stay_and_words_about_a_person_go() {
        let event = json!({"id": "evt_1", "type": "invoice.paid", "created": 5, "data": {
            "object": {"id": "in_1", "object": "invoice", "customer": "cus_1", "customer_email": "ada@x.example",
                "customer_name": "Ada", "total": 4000, "paid": true, "description": "for Ada",
                "customer_address": {"line1": "Row 1", "country": "DE"}, "metadata": {"who": "Ada", "membertype": "5"},
                "lines": {"data": [{"id": "il_1", "amount": 4000, "description": "1 x Ada"}]}},
            "previous_attributes": {"email": "old@x.example", "status": "open"}}});
        let left = scrub(event.to_string().as_bytes());
        let text = String::from_utf8(left.clone()).expect("text");
        for word in ["Ada", "x.example", "Row", "DE"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        let left: Value = serde_json::from_slice(&left).expect("JSON");
        assert_eq!(left.pointer("/data/object/total"), Some(&json!(4000)));
        assert_eq!(left.pointer("/data/object/customer"), Some(&json!("cus_1")));
        assert_eq!(
            left.pointer("/data/object/lines/data/0/amount"),
            Some(&json!(4000))
        );
        assert_eq!(
            left.pointer("/data/object/metadata/membertype"),
            Some(&json!("5"))
        );
        assert_eq!(
            left.pointer("/data/previous_attributes/status"),
            Some(&json!("open"))
        );
        assert_eq!(scrub(b"no JSON of Ada"), b"{}");
    }

    #[test]
    fn an_event_is_found_by_id_or_address() {
        let needles = ["cus_1".to_owned(), "Ada@x.example".to_owned()];
        assert!(names_any(b"{\"customer\":\"cus_1\"}", &needles));
        assert!(names_any(b"{\"email\":\"aDa@X.example\"}", &needles));
        assert!(!names_any(b"{\"customer\":\"cus_2\"}", &needles));
    }
}
