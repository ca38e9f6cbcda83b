//! Deliveries that are not believed: staff are told, not too often, and until one is believed.

use crate::happened::{deliver, signed};
use crate::stripe::one;
use crate::support::Api;
use shared::time::Span;

#[tokio::test]
async fn webhooks_that_cannot_be_verified_are_told_of_until_there_is_a_secret() {
    let api = Api::with_secrets(Vec::new()).await;
    for _ in 0..3 {
        assert_eq!(deliver(&api, Some("t=1,v1=00"), "{}").await, 503);
    }
    one(&api, "webhooks_unverified").await;
}

#[tokio::test]
async fn a_wrong_secret_and_a_wrong_clock_are_told_of_until_a_delivery_is_believed() {
    let api = Api::new().await;
    let body = r#"{"id": "evt_1", "type": "ping", "created": 1767607200, "livemode": false}"#;
    let forged = format!("t={},v1={:064}", api.now().as_seconds(), 0);
    let early = signed(&api, body);
    assert_eq!(deliver(&api, None, body).await, 400);
    assert_eq!(unverified(&api).await, [0; 0]);
    for _ in 0..3 {
        assert_eq!(deliver(&api, Some(&forged), body).await, 400);
    }
    let told = unverified(&api).await;
    assert_eq!(told.len(), 1);
    assert_eq!(deliver(&api, Some(&early), body).await, 200);
    assert_eq!(unverified(&api).await, [0; 0]);

    // So soon nobody is told again.
    assert_eq!(deliver(&api, Some(&forged), body).await, 400);
    assert_eq!(unverified(&api).await, [0; 0]);
    api.wait(Span::hours(1));
    assert_eq!(deliver(&api, Some(&early), body).await, 400);
    let told_again = unverified(&api).await;
    assert_eq!(told_again.len(), 1);
    assert_ne!(told_again, told);
    // A stranger who knocks does not keep quiet what the clock does.
    assert_eq!(deliver(&api, Some(&forged), body).await, 400);
    assert_eq!(unverified(&api).await.len(), 2);
    assert_eq!(deliver(&api, Some(&signed(&api, body)), body).await, 200);
    assert_eq!(unverified(&api).await, [0; 0]);
}

/// Open items about deliveries that are not believed.
async fn unverified(api: &Api) -> Vec<i64> {
    let listed = api.get("/api/v1/attention").await;
    let items = listed["items"].as_array().expect("a list").iter();
    items
        .filter(|item| item["kind"] == "webhooks_unverified")
        .map(|item| item["id"].as_i64().expect("an id"))
        .collect()
}
