//! What was paid twice, for somebody else, or went back.

use crate::stripe::{customer, hear, member, one, open, pay, price, resolve, state, subscription};
use crate::support::Api;
use serde_json::{Value, json};
use shared::time::Span;

/// Someone with a month that is paid; answers the member.
async fn payer(api: &Api) -> i64 {
    api.furnish().await;
    let eve = member(api, "Eve", "eve@example.org").await;
    hear(
        api,
        "customer.created",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    pay(
        api,
        "1",
        "cus_1",
        &price("price_1", "membertype_full-monthly"),
    )
    .await;
    assert_eq!(state(api, eve).await, "good");
    eve
}

/// The subscription of [`payer`] is cancelled at once.
async fn cancel(api: &Api) {
    let full = price("price_1", "membertype_full-monthly");
    api.wait(Span::seconds(1));
    let mut cancelled = subscription(api, "1", "cus_1", &full, "canceled", 1);
    cancelled["ended_at"] = json!(api.now().as_seconds());
    hear(api, "customer.subscription.deleted", cancelled).await;
}

#[tokio::test]
async fn what_was_cancelled_early_ends_now_or_stays_to_the_paid_end() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    cancel(&api).await;
    assert_eq!(
        one(&api, "cancelled_early").await["actions"],
        json!(["end_now", "seen"])
    );
    assert_eq!(state(&api, eve).await, "good");
    resolve(
        &api,
        "cancelled_early",
        json!({"action": "end_now", "reason": "as agreed"}),
    )
    .await;
    assert_eq!(state(&api, eve).await, "lapsed");
    assert_eq!(open(&api, "cancelled_early").await, [Value::Null; 0]);
    let hold = api.get(&format!("/api/v1/members/{eve}/holds")).await[0].clone();
    assert_eq!(
        (&hold["subscription"], &hold["reason"]),
        (&json!("sub_1"), &json!("as agreed"))
    );
    // Whoever comes back and pays again is in.
    pay(
        &api,
        "2",
        "cus_1",
        &price("price_1", "membertype_full-monthly"),
    )
    .await;
    assert_eq!(state(&api, eve).await, "good");

    let api = Api::new().await;
    let eve = payer(&api).await;
    cancel(&api).await;
    resolve(&api, "cancelled_early", json!({"action": "seen"})).await;
    hear(
        &api,
        "customer.updated",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    assert_eq!(state(&api, eve).await, "good");
    assert_eq!(open(&api, "cancelled_early").await, [Value::Null; 0]);
    api.wait(Span::days(30));
    api.app.tick(api.now()).await.expect("a step");
    assert_eq!(state(&api, eve).await, "lapsed");
}

#[tokio::test]
async fn what_is_paid_twice_covers_somebody_else() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    let (mia, zoe) = (
        member(&api, "Mia", "mia@example.org").await,
        member(&api, "Zoe", "zoe@example.org").await,
    );
    let full = price("price_1", "membertype_full-monthly");
    api.wait(Span::seconds(1));
    pay(&api, "2", "cus_1", &full).await;
    resolve(
        &api,
        "duplicate_subscription",
        json!({"action": "cover", "member": mia}),
    )
    .await;
    assert_eq!(
        (
            state(&api, eve).await.as_str(),
            state(&api, mia).await.as_str()
        ),
        ("good", "good")
    );
    assert_eq!(open(&api, "duplicate_subscription").await, [Value::Null; 0]);
    // Two more seats are bought: each names its member, and the item stays until none is left.
    api.wait(Span::seconds(1));
    hear(
        &api,
        "customer.subscription.updated",
        subscription(&api, "1", "cus_1", &full, "active", 3),
    )
    .await;
    resolve(
        &api,
        "seat_unnamed",
        json!({"action": "cover", "member": zoe}),
    )
    .await;
    assert_eq!(state(&api, zoe).await, "good");
    assert_eq!(open(&api, "seat_unnamed").await.len(), 1);
    let ada = 1;
    resolve(
        &api,
        "seat_unnamed",
        json!({"action": "cover", "member": ada}),
    )
    .await;
    assert_eq!(open(&api, "seat_unnamed").await, [Value::Null; 0]);
    assert_eq!(state(&api, ada).await, "good");
}

#[tokio::test]
async fn the_second_customer_of_a_member_turns_out_to_be_somebody_elses() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    let mia = member(&api, "Mia", "mia@example.org").await;
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    hear(
        &api,
        "customer.created",
        customer("cus_2", "eve@example.org"),
    )
    .await;
    pay(
        &api,
        "2",
        "cus_2",
        &price("price_2", "membertype_less-monthly"),
    )
    .await;
    assert_eq!(one(&api, "two_customers").await["subject"], "cus_2");
    resolve(
        &api,
        "two_customers",
        json!({"action": "link", "member": mia}),
    )
    .await;
    assert_eq!(open(&api, "two_customers").await, [Value::Null; 0]);
    assert_eq!(
        (
            state(&api, eve).await.as_str(),
            state(&api, mia).await.as_str()
        ),
        ("good", "good")
    );
}

#[tokio::test]
async fn money_that_went_back_leads_to_a_hold_if_an_admin_says_so() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    let refund = json!({"id": "re_1", "object": "refund", "amount": 4000, "currency": "eur", "status": "succeeded",
        "payment_intent": "pi_1", "created": api.now().as_seconds()});
    let collected = json!({"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "customer": "cus_1",
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"}});
    hear(&api, "invoice_payment.paid", collected).await;
    hear(&api, "refund.created", refund).await;
    resolve(&api, "refund", json!({"action": "hold"})).await;
    assert_eq!(state(&api, eve).await, "held");
    assert_eq!(open(&api, "refund").await, [Value::Null; 0]);
    let hold = api.get(&format!("/api/v1/members/{eve}/holds")).await[0].clone();
    assert_eq!(
        (&hold["subscription"], &hold["reason"]),
        (&Value::Null, &json!("refund in_1"))
    );
}

#[tokio::test]
async fn a_grant_that_outlived_its_subscription_is_ended() {
    let api = Api::new().await;
    let eve = payer(&api).await;
    let body = json!({"membership": "full", "reason": "until the card works"});
    api.post(&format!("/api/v1/members/{eve}/grants"), body)
        .await;
    cancel(&api).await;
    resolve(&api, "cancelled_early", json!({"action": "end_now"})).await;
    resolve(&api, "granted_not_active", json!({"action": "end_grant"})).await;
    assert_eq!(state(&api, eve).await, "lapsed");
    assert_eq!(open(&api, "granted_not_active").await, [Value::Null; 0]);
}
