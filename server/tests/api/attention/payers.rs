//! Who a payer is: a member, a new one, or nobody yet.

use crate::stripe::{customer, hear, invoice, member, one, open, path, pay, price, resolve, state};
use crate::support::Api;
use axum::http::Method;
use serde_json::{Value, json};
use shared::time::Span;

#[tokio::test]
async fn of_several_members_one_is_linked_or_a_new_one_made() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let twins = [
        member(&api, "Eve", "eve@example.org").await,
        member(&api, "Eva", "eve@example.org").await,
    ];
    let full = price("price_1", "membertype_full-monthly");
    for (id, of) in [("1", "cus_1"), ("2", "cus_2")] {
        hear(&api, "customer.created", customer(of, "eve@example.org")).await;
        pay(&api, id, of, &full).await;
    }
    let asked = open(&api, "unmatched_customer").await;
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1]["actions"], json!(["link", "new_member", "seen"]));
    api.post(
        &path(&asked[1]),
        json!({"action": "link", "member": twins[1]}),
    )
    .await;
    assert_eq!(
        (
            state(&api, twins[1]).await.as_str(),
            state(&api, twins[0]).await.as_str()
        ),
        ("good", "stranger")
    );
    resolve(&api, "unmatched_customer", json!({"action": "new_member"})).await;
    let made = one(&api, "needs_card").await["member"]
        .as_i64()
        .expect("a member");
    assert!(made > twins[1] && ada < twins[0]);
    assert_eq!(state(&api, made).await, "good");
    assert_eq!(
        api.get(&format!("/api/v1/members/{made}")).await["name"],
        "A. Payer"
    );
    // Nothing of it is asked again when more is heard.
    api.wait(Span::seconds(1));
    hear(
        &api,
        "customer.updated",
        customer("cus_2", "eve@example.org"),
    )
    .await;
    assert_eq!(open(&api, "unmatched_customer").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_payment_of_nobodys_customer_is_asked_about_and_counted_when_it_is_linked() {
    let api = Api::new().await;
    api.furnish().await;
    let eve = member(&api, "Eve", "eve@example.org").await;
    let shirt = price("price_shirt", "T-shirt");
    hear(
        &api,
        "customer.created",
        customer("cus_1", "EVE@example.org"),
    )
    .await;
    hear(
        &api,
        "invoice.paid",
        invoice(&api, "1", "cus_1", &shirt, false),
    )
    .await;
    // Of this one nothing says that it is a member's.
    hear(
        &api,
        "customer.created",
        customer("cus_9", "stranger@example.org"),
    )
    .await;
    hear(
        &api,
        "invoice.paid",
        invoice(&api, "9", "cus_9", &shirt, false),
    )
    .await;
    let asked = one(&api, "unmatched_payment").await;
    assert_eq!(
        (&asked["subject"], &asked["member"]),
        (&json!("in_1"), &json!(eve))
    );
    let owner = async |invoice: &str| {
        let paid = api.get("/api/v1/payments").await["items"].clone();
        let rows = paid.as_array().cloned().unwrap_or_default();
        rows.into_iter()
            .find(|row| row["invoice"] == invoice)
            .expect("in the ledger")["member"]
            .clone()
    };
    assert_eq!(owner("in_1").await, Value::Null);
    api.post(&path(&asked), json!({"action": "link"})).await;
    assert_eq!(
        (owner("in_1").await, owner("in_9").await),
        (json!(eve), Value::Null)
    );
    hear(
        &api,
        "invoice.paid",
        invoice(&api, "2", "cus_1", &shirt, false),
    )
    .await;
    assert_eq!(owner("in_2").await, json!(eve));
    assert_eq!(open(&api, "unmatched_payment").await, [Value::Null; 0]);
    // What names a membership type is asked about whoever pays it, and not again once it was accepted.
    let full = price("price_1", "membertype_full-for a year");
    hear(&api, "price.created", full.clone()).await;
    hear(
        &api,
        "invoice.paid",
        invoice(&api, "10", "cus_9", &full, false),
    )
    .await;
    resolve(&api, "unmatched_payment", json!({"action": "seen"})).await;
    api.wait(Span::seconds(1));
    hear(
        &api,
        "customer.updated",
        customer("cus_9", "stranger@example.org"),
    )
    .await;
    assert_eq!(open(&api, "unmatched_payment").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_new_payer_gets_a_card_or_turns_out_to_be_a_member() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let full = price("price_1", "membertype_full-monthly");
    for (id, of) in [("1", "cus_1"), ("2", "cus_2")] {
        hear(
            &api,
            "customer.created",
            customer(of, &format!("{of}@example.org")),
        )
        .await;
        pay(&api, id, of, &full).await;
    }
    let made = open(&api, "needs_card").await;
    assert_eq!(made.len(), 2);
    let refused = api
        .refused(
            Method::POST,
            &path(&made[1]),
            Some(json!({"action": "give_card"})),
        )
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (422, Some("uid")));
    api.post(
        &path(&made[1]),
        json!({"action": "give_card", "uid": "0415AB3C"}),
    )
    .await;
    assert_eq!(
        api.get("/api/v1/cards").await["items"][0]["member"],
        made[1]["member"]
    );
    resolve(&api, "needs_card", json!({"action": "link", "member": ada})).await;
    assert_eq!(state(&api, ada).await, "good");
    let gone = format!("/api/v1/members/{}", made[0]["member"]);
    assert_eq!(
        api.refused(Method::GET, &gone, None).await.0,
        404,
        "nobody is left over"
    );
}
