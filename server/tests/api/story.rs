//! A member's story: terms, and each change with what was really charged for it.

use crate::stripe::{hear, invoice, member, price, subscription};
use crate::support::Api;
use serde_json::{Value, json};
use shared::time::Span;

const DAY: i64 = 86_400;

/// A month that begins now is billed by invoice `in_1_{month}`.
async fn bill(api: &Api, month: u8, reason: &str, full: &Value, money: Value) {
    let now = api.now().as_seconds();
    let mut paid = invoice(api, "1", "cus_1", full, true);
    paid["id"] = json!(format!("in_1_{month}"));
    paid["billing_reason"] = json!(reason);
    paid["created"] = json!(now);
    paid["lines"]["data"][0]["period"] = json!({"start": now, "end": now + 30 * DAY});
    for (field, value) in money.as_object().expect("fields") {
        paid[field] = value.clone();
    }
    let mut running = subscription(api, "1", "cus_1", full, "active", 1);
    let item = &mut running["items"]["data"][0];
    item["current_period_start"] = json!(now);
    item["current_period_end"] = json!(now + 30 * DAY);
    hear(api, "customer.subscription.updated", running).await;
    hear(api, "invoice.paid", paid).await;
}

#[tokio::test]
async fn each_change_is_told_with_what_was_charged_and_why_nothing_was() {
    let api = Api::new().await;
    api.furnish().await;
    let full = price("price_1", "membertype_full-monthly");
    hear(&api, "price.created", full.clone()).await;
    let ada = member(&api, "Ada", "ada@example.org").await;
    let customer =
        json!({"id": "cus_1", "object": "customer", "email": "ada@example.org", "metadata": {}});
    hear(&api, "customer.created", customer).await;
    let months = [
        ("subscription_create", json!({})),
        (
            "subscription_cycle",
            json!({"amount_paid": 0, "starting_balance": -4000, "ending_balance": 0}),
        ),
        (
            "subscription_cycle",
            json!({"amount_paid": 2500, "starting_balance": -1500, "ending_balance": 0}),
        ),
        (
            "subscription_cycle",
            json!({"amount_paid": 0, "total": 0, "total_discount_amounts": [{"amount": 4000}]}),
        ),
    ];
    for (month, (reason, money)) in (1..).zip(months) {
        bill(&api, month, reason, &full, money).await;
        api.wait(Span::days(30));
    }
    api.wait(Span::days(14));
    api.app.tick(api.now()).await.expect("a step");
    let view = api.get(&format!("/api/v1/members/{ada}")).await;
    let told: Vec<[Value; 5]> = view["story"]
        .as_array()
        .expect("a story")
        .iter()
        .map(|chapter| {
            let charge = &chapter["charge"];
            [
                &chapter["what"],
                &charge["amount"],
                &charge["credit_used"],
                &charge["free"],
                &chapter["sentence"],
            ]
            .map(Value::clone)
        })
        .collect();
    let expected = [
        json!([
            "opened",
            4000,
            0,
            null,
            "Member as Full. 40.00 EUR were charged (in_1_1)."
        ]),
        json!([
            "renewed",
            0,
            4000,
            "credit balance",
            "Full was renewed until 2026-03-06T10:00:00Z. Nothing was charged (in_1_2): Credit of the customer's balance paid for it: a gift card, or what a change of plan left over. 40.00 EUR of credit were used."
        ]),
        json!([
            "renewed",
            2500,
            1500,
            null,
            "Full was renewed until 2026-04-05T10:00:00Z. 25.00 EUR were charged (in_1_3). 15.00 EUR of credit were used."
        ]),
        json!([
            "renewed",
            0,
            0,
            "discount",
            "Full was renewed until 2026-05-05T10:00:00Z. Nothing was charged (in_1_4): A discount took all of it."
        ]),
        json!([
            "lapsed",
            null,
            null,
            null,
            "Full lapsed. No renewal was paid in time."
        ]),
    ];
    assert_eq!(json!(told), json!(expected));
    let terms = view["terms"].as_array().expect("terms");
    assert_eq!(terms.len(), 1, "renewals open no terms");
    assert_eq!(terms[0]["end_cause"], "the clock");
}
