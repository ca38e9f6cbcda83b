//! What Stripe tells in these tests, and what staff see and do of it.

use crate::happened::{deliver, signed};
use crate::support::Api;
use serde_json::{Value, json};

const DAY: i64 = 86_400;

/// Stripe tells of an object.
pub async fn hear(api: &Api, kind: &str, object: Value) {
    let seconds = api.now().as_seconds();
    let id = format!(
        "evt_{}_{}_{seconds}",
        kind.replace('.', "_"),
        object["id"].as_str().expect("an id")
    );
    let event = json!({"id": id, "object": "event", "type": kind, "created": seconds, "livemode": false,
        "api_version": "2026-09-30.endive", "data": {"object": object}});
    let body = event.to_string();
    assert_eq!(deliver(api, Some(&signed(api, &body)), body).await, 200);
    while api.app.apply(api.now()).await.expect("applied").events > 0 {}
}

pub fn price(id: &str, nickname: &str) -> Value {
    json!({"id": id, "object": "price", "active": true, "nickname": nickname, "metadata": {}, "currency": "eur",
        "unit_amount": 4000, "recurring": {"interval": "month", "interval_count": 1}, "product": "prod_1"})
}

pub fn customer(id: &str, mail: &str) -> Value {
    json!({"id": id, "object": "customer", "email": mail, "name": "A. Payer", "metadata": {}})
}

/// A month by one price, as `status`.
pub fn subscription(
    api: &Api,
    id: &str,
    customer: &str,
    price: &Value,
    status: &str,
    seats: i64,
) -> Value {
    let now = api.now().as_seconds();
    let item = json!({"id": format!("si_{id}"), "object": "subscription_item", "price": price, "quantity": seats,
        "current_period_start": now - DAY, "current_period_end": now + 29 * DAY});
    json!({"id": format!("sub_{id}"), "object": "subscription", "customer": customer, "status": status,
        "created": now - DAY, "cancel_at_period_end": false, "cancel_at": null, "ended_at": null, "metadata": {},
        "collection_method": "charge_automatically", "items": {"object": "list", "data": [item], "has_more": false}})
}

/// A paid invoice: of a subscription, or on its own.
pub fn invoice(api: &Api, id: &str, customer: &str, price: &Value, of_subscription: bool) -> Value {
    let now = api.now().as_seconds();
    let details = |key: &str| {
        match of_subscription {
        true => json!({"type": "subscription_details", "subscription_details": {"subscription": format!("sub_{id}")},
            "subscription_item_details": {"subscription_item": format!("si_{id}"), "proration": false}})[key]
            .clone(),
        false => Value::Null,
    }
    };
    let parent = json!({"subscription_details": details("subscription_details")});
    let of_line = json!({"subscription_item_details": details("subscription_item_details")});
    let line = json!({"id": format!("il_{id}"), "amount": 4000, "quantity": 1, "parent": of_line,
        "period": {"start": now - DAY, "end": now + 29 * DAY}, "pricing": {"price_details": {"price": price["id"]}}});
    json!({"id": format!("in_{id}"), "object": "invoice", "customer": customer, "status": "paid", "total": 4000,
        "amount_paid": 4000, "currency": "eur", "created": now - DAY, "billing_reason": "manual", "parent": parent,
        "lines": {"object": "list", "data": [line], "has_more": false}})
}

/// A customer pays for a month.
pub async fn pay(api: &Api, id: &str, of: &str, price: &Value) {
    hear(
        api,
        "customer.subscription.created",
        subscription(api, id, of, price, "active", 1),
    )
    .await;
    hear(api, "invoice.paid", invoice(api, id, of, price, true)).await;
}

pub async fn member(api: &Api, name: &str, mail: &str) -> i64 {
    let made = api
        .post("/api/v1/members", json!({"name": name, "mail": mail}))
        .await;
    made["id"].as_i64().expect("a number")
}

pub async fn state(api: &Api, member: i64) -> String {
    let view = api.get(&format!("/api/v1/members/{member}")).await;
    view["standing"]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Open items of a kind.
pub async fn open(api: &Api, kind: &str) -> Vec<Value> {
    let list = api.get("/api/v1/attention").await;
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items
        .into_iter()
        .filter(|item| item["kind"] == kind)
        .collect()
}

pub async fn one(api: &Api, kind: &str) -> Value {
    let found = open(api, kind).await;
    assert_eq!(found.len(), 1, "{kind}: {found:?}");
    found[0].clone()
}

pub fn path(item: &Value) -> String {
    format!("/api/v1/attention/{}/resolve", item["id"])
}

/// Does what is asked about the only open item of a kind.
pub async fn resolve(api: &Api, kind: &str, body: Value) -> Value {
    let item = one(api, kind).await;
    api.post(&path(&item), body).await
}
