//! Events: whom they are about, and the state before.

use super::super::*;
use super::{at, endive};
use serde_json::{Value, json};
use shared::facts::SubscriptionStatus;
use shared::time::Timestamp;

pub(super) fn event(object: &Value, previous: &Value) -> Value {
    json!({
        "id": "evt_1", "object": "event", "api_version": "2026-09-30.endive", "created": 1000, "livemode": true,
        "type": "customer.subscription.updated", "pending_webhooks": 1, "request": {"id": null},
        "data": {"object": object, "previous_attributes": previous},
    })
}

pub(super) fn read(value: &Value) -> Result<Event, ReadError> {
    Event::read(value.to_string().as_bytes())
}

#[test]
fn an_event_is_read_with_whom_it_is_about() {
    let value = event(&endive(), &json!({"status": "past_due"}));
    let mut read = read(&value).expect("readable");
    assert_eq!(
        (read.id.as_str(), read.created, read.livemode),
        ("evt_1", at(1000), true)
    );
    assert_eq!(read.kind, "customer.subscription.updated");
    assert_eq!(read.api_version.as_deref(), Some("2026-09-30.endive"));
    assert_eq!(
        (read.object_kind.as_deref(), read.object_id.as_deref()),
        (Some("subscription"), Some("sub_1"))
    );
    assert_eq!(
        (read.customer.as_deref(), read.account.as_deref()),
        (Some("cus_1"), None)
    );
    assert_eq!(read.previous, Some(json!({"status": "past_due"})));
    let before = subscription(&read.take_before().expect("it says how it was")).expect("readable");
    assert_eq!(before.status, SubscriptionStatus::PastDue);
    let head = Head::read(value.to_string().as_bytes()).expect("readable");
    assert_eq!(
        (head.id, head.kind, head.created, head.livemode),
        (read.id, read.kind, read.created, true)
    );
}

#[test]
fn a_customers_event_is_about_the_customer() {
    let read = read(&event(
        &json!({"id": "cus_1", "object": "customer"}),
        &Value::Null,
    ))
    .expect("readable");
    assert_eq!(
        (read.customer.as_deref(), read.previous),
        (Some("cus_1"), None)
    );
}

#[test]
fn a_thin_event_has_no_payload_but_says_what_to_fetch() {
    let thin = json!({
        "id": "evt_2", "object": "v2.core.event", "type": "v1.customer.subscription.past_due", "livemode": true,
        "created": "2026-10-01T00:00:00.250Z", "context": "acct_2",
        "related_object": {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"},
    });
    let read = read(&thin).expect("readable");
    assert_eq!(read.created, Timestamp(1_790_812_800_250));
    assert_eq!(
        (read.object_kind.as_deref(), read.object_id.as_deref()),
        (Some("subscription"), Some("sub_1"))
    );
    assert_eq!(
        (read.object, read.customer, read.account.as_deref()),
        (Value::Null, None, Some("acct_2"))
    );
}

#[test]
fn an_event_of_unknown_content_is_an_event() {
    for object in [
        Value::Null,
        json!(5),
        json!([]),
        json!({"object": "novelty"}),
        json!({"object": "upcoming", "id": null}),
    ] {
        let read = read(&event(&object, &json!("odd"))).expect("readable");
        assert_eq!(
            (read.object_id, read.customer, read.previous),
            (None, None, None),
            "{object}"
        );
    }
}

#[test]
fn an_event_whose_payload_cannot_be_read_says_so_instead_of_nothing() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for data in [
        "\"odd\"",
        r#"{"object": {"name": "\ud83d"}}"#,
        r#"{"object": {"amount": 1e400}}"#,
        &format!("{{\"object\": {deep}}}"),
    ] {
        let mut value = event(&Value::Null, &Value::Null);
        value["data"] = json!("here");
        let body = value.to_string().replace("\"here\"", data);
        assert!(
            matches!(Event::read(body.as_bytes()), Err(ReadError::Field { field, .. }) if field == "data"),
            "{data}"
        );
    }
}

#[test]
fn an_event_without_its_own_fields_is_none() {
    for (key, field) in [
        ("id", "id"),
        ("type", "type"),
        ("created", "created"),
        ("livemode", "livemode"),
    ] {
        for bad in [Value::Null, json!({}), json!([])] {
            let mut value = event(&endive(), &Value::Null);
            value[key] = bad;
            assert!(
                matches!(read(&value), Err(ReadError::Field { field: named, .. }) if named == field)
            );
        }
    }
    for body in [
        &b""[..],
        b"null",
        b"5",
        b"[]",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"{} {}",
    ] {
        assert!(
            matches!(Event::read(body), Err(ReadError::NotJson { .. })),
            "{body:?}"
        );
        assert!(
            matches!(Head::read(body), Err(ReadError::NotJson { .. })),
            "{body:?}"
        );
    }
}

#[test]
fn the_state_before_is_put_together_member_by_member() {
    let now = json!({"a": {"b": 1, "c": 2}, "list": [1, 2], "new": 5, "same": true, "pause": null});
    let previous = json!({"a": {"b": 0}, "list": [1], "new": null, "pause": {"behavior": "void"}});
    let before = json!({"a": {"b": 0, "c": 2}, "list": [1], "new": null, "same": true, "pause": {"behavior": "void"}});
    assert_eq!(overlaid(now, previous), before);
}
