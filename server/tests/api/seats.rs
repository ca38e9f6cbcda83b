//! Fewer seats than members: nobody loses access at once, and the last-named does in the end.

use crate::stripe::{hear, member, open, path, pay, price, resolve, state, subscription};
use crate::support::{Api, START};
use axum::http::Method;
use serde_json::{Value, json};
use shared::time::Span;

/// A payer of three seats, whose second and third were named the other way round; all four people.
async fn family(api: &Api) -> (i64, i64, i64) {
    api.furnish().await;
    let full = price("price_1", "membertype_full-monthly");
    hear(api, "price.created", full.clone()).await;
    let customer = json!({"id": "cus_1", "object": "customer", "email": "pia@example.org", "name": "Pia", "metadata": {}});
    hear(api, "customer.created", customer).await;
    let pia = member(api, "Pia", "pia@example.org").await;
    pay(api, "1", "cus_1", &full).await;
    quantity(api, 3).await;
    let (ben, kim) = (api.member("Ben").await, api.member("Kim").await);
    name(api, 3, ben).await;
    name(api, 2, kim).await;
    (pia, ben, kim)
}

/// The number of seats is changed at Stripe.
async fn quantity(api: &Api, seats: i64) {
    api.wait(Span::seconds(1));
    let full = price("price_1", "membertype_full-monthly");
    let mut changed = subscription(api, "1", "cus_1", &full, "active", seats);
    let item = &mut changed["items"]["data"][0];
    item["current_period_start"] = json!((START - Span::days(1)).as_seconds());
    item["current_period_end"] = json!((START + Span::days(29)).as_seconds());
    hear(api, "customer.subscription.updated", changed).await;
}

async fn name(api: &Api, seat: i64, member: i64) {
    api.wait(Span::seconds(1));
    let body = json!({"customer": "cus_1", "member": member});
    api.put(&format!("/api/v1/coverage/si_1/{seat}"), body)
        .await;
}

async fn states(api: &Api, members: [i64; 3]) -> [String; 3] {
    let mut states = Vec::new();
    for member in members {
        states.push(state(api, member).await);
    }
    states.try_into().expect("three")
}

#[tokio::test]
async fn when_nobody_looks_the_last_named_keeps_the_seat_to_the_end_of_the_period() {
    let api = Api::new().await;
    let (pia, ben, kim) = family(&api).await;
    assert_eq!(
        states(&api, [pia, ben, kim]).await,
        ["good", "good", "good"]
    );
    quantity(&api, 2).await;
    assert_eq!(
        states(&api, [pia, ben, kim]).await,
        ["good", "good", "good"]
    );
    let items = open(&api, "seat_removed").await;
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(
        (
            &items[0]["subject"],
            &items[0]["member"],
            &items[0]["actions"]
        ),
        (
            &json!("si_1 seat 2"),
            &json!(kim),
            &json!(["uncover", "seen"])
        )
    );
    api.post(&path(&items[0]), json!({"action": "seen"})).await;
    assert_eq!(open(&api, "seat_removed").await, [Value::Null; 0]);
    api.wait(Span::days(29));
    api.app.tick(api.now()).await.expect("a step");
    assert_eq!(
        states(&api, [pia, ben, kim]).await,
        ["good", "good", "lapsed"]
    );
    let told = api.get(&format!("/api/v1/members/{kim}/explain")).await;
    let missing = told["missing"].as_str().unwrap_or_default();
    assert!(missing.contains("seat of subscription sub_1"), "{told}");
}

#[tokio::test]
async fn an_admin_agrees_or_chooses_who_gives_up_the_seat() {
    let api = Api::new().await;
    let (pia, ben, kim) = family(&api).await;
    quantity(&api, 2).await;
    let item = open(&api, "seat_removed").await[0].clone();
    for nobody in [pia, 99] {
        let body = json!({"action": "uncover", "member": nobody});
        let refused = api.refused(Method::POST, &path(&item), Some(body)).await;
        assert_eq!((refused.0, refused.1.as_deref()), (422, Some("member")));
    }
    let body = json!({"customer": "cus_1", "member": ben});
    let path = "/api/v1/coverage/si_1/2";
    let refused = api.refused(Method::PUT, path, Some(body)).await;
    assert_eq!((refused.0, refused.1.as_deref()), (409, Some("seat")));
    resolve(
        &api,
        "seat_removed",
        json!({"action": "uncover", "member": ben}),
    )
    .await;
    assert_eq!(
        states(&api, [pia, ben, kim]).await,
        ["good", "stranger", "good"]
    );
    assert_eq!(open(&api, "seat_removed").await, [Value::Null; 0]);
    quantity(&api, 1).await;
    resolve(&api, "seat_removed", json!({"action": "uncover"})).await;
    assert_eq!(
        states(&api, [pia, ben, kim]).await,
        ["good", "stranger", "stranger"]
    );
    assert_eq!(open(&api, "seat_removed").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_seat_that_nobody_has_is_lost_before_any_and_one_that_comes_back_is_kept() {
    let api = Api::new().await;
    let (pia, ben, kim) = family(&api).await;
    api.delete("/api/v1/coverage/si_1/2").await;
    assert_eq!(open(&api, "seat_unnamed").await.len(), 1);
    quantity(&api, 2).await;
    assert_eq!(open(&api, "seat_unnamed").await.len(), 0);
    assert_eq!(
        open(&api, "seat_removed").await.len(),
        0,
        "Ben's is the second now"
    );
    quantity(&api, 0).await;
    assert_eq!(
        states(&api, [pia, ben, kim]).await,
        ["good", "good", "stranger"]
    );
    assert_eq!(
        open(&api, "seat_removed").await.len(),
        1,
        "only of seats that were named"
    );
    quantity(&api, 2).await;
    assert_eq!(open(&api, "seat_removed").await.len(), 0);
    assert_eq!(
        states(&api, [pia, ben, kim]).await,
        ["good", "good", "stranger"]
    );
}
