//! Zones whose readers see only the last bytes of a card's number.

use crate::support::Api;
use axum::http::Method;
use serde_json::json;
use server::store::lists;
use shared::card::{CardToken, CardUid};
use shared::ids::ZoneId;
use shared::rights::CardState;

/// What the list of the hall says of a card with this number.
async fn listed(api: &Api, number: &str) -> Option<CardState> {
    let hall = ZoneId::new("hall").expect("a name");
    let mut tx = api.tx().await;
    let head = lists::lock_zone(&mut tx, &api.app.organisation, &hall).await;
    let revision = head.expect("a zone").revision;
    let list = lists::list(&mut tx, &api.app.organisation, &hall, revision).await;
    let uid = CardUid::parse(number).expect("a number");
    let token = CardToken::of(&uid, &api.app.keys.card_key(&hall, 1));
    list.expect("a list").find(token).map(|entry| entry.state)
}

async fn short_readers(api: &Api, counts: &[u8]) {
    let zone = api
        .patch(
            "/api/v1/zones/hall/settings",
            json!({"reader_bytes": counts}),
        )
        .await;
    assert_eq!(zone["settings"]["reader_bytes"], json!(counts));
}

/// A club with a member who may pass and has a card.
async fn club() -> (Api, i64) {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let grant = json!({"membership": "full", "reason": "founder"});
    api.post(&format!("/api/v1/members/{ada}/grants"), grant)
        .await;
    api.post("/api/v1/cards", json!({"member": ada, "uid": "0415AB3C01"}))
        .await;
    (api, ada)
}

#[tokio::test]
async fn one_card_opens_at_every_reader_of_its_zone() {
    let (api, _) = club().await;
    assert_eq!(listed(&api, "0415AB3C01").await, Some(CardState::Ok));
    assert_eq!(listed(&api, "AB3C01").await, None);
    short_readers(&api, &[3, 4]).await;
    for seen in ["0415AB3C01", "15AB3C01", "AB3C01"] {
        assert_eq!(listed(&api, seen).await, Some(CardState::Ok), "{seen}");
    }
    let told = api.get("/api/v1/members/1/explain").await;
    let says = told["zones"][0]["says"].as_str().unwrap_or_default();
    assert_eq!(says.matches("a card opens").count(), 1, "{says}");
    api.post("/api/v1/cards/1/mark", json!({"mark": "lost"}))
        .await;
    for seen in ["0415AB3C01", "15AB3C01", "AB3C01"] {
        assert_eq!(listed(&api, seen).await, Some(CardState::Lost), "{seen}");
    }
    short_readers(&api, &[]).await;
    assert_eq!(listed(&api, "0415AB3C01").await, Some(CardState::Lost));
    assert_eq!(listed(&api, "AB3C01").await, None);
}

#[tokio::test]
async fn a_card_that_a_zones_readers_could_not_tell_from_another_is_refused() {
    let (api, _) = club().await;
    let grace = api.member("Grace").await;
    short_readers(&api, &[3]).await;
    let before = api.picture().await;
    // The second is what a short reader saw when it enrolled the card.
    for twin in ["0999AB3C01", "AB3C01"] {
        let body = json!({"member": grace, "uid": twin});
        let (status, field, detail) = api.refused(Method::POST, "/api/v1/cards", Some(body)).await;
        assert_eq!((status, field.as_deref()), (409, Some("uid")));
        assert!(
            detail.contains("zone hall") && detail.contains("card 1 of member 1"),
            "{detail}"
        );
    }
    assert_eq!(api.picture().await, before);
    api.post("/api/v1/cards/1/mark", json!({"mark": "returned"}))
        .await;
    api.post(
        "/api/v1/cards",
        json!({"member": grace, "uid": "0999AB3C01"}),
    )
    .await;
}

#[tokio::test]
async fn readers_that_could_not_tell_cards_in_use_apart_are_refused() {
    let (api, ada) = club().await;
    api.post("/api/v1/cards", json!({"member": ada, "uid": "0999AB3C01"}))
        .await;
    let before = api.picture().await;
    let settings = "/api/v1/zones/hall/settings";
    let body = json!({"reader_bytes": [3]});
    let (status, field, detail) = api.refused(Method::PATCH, settings, Some(body)).await;
    assert_eq!((status, field.as_deref()), (409, Some("reader_bytes")));
    assert!(detail.contains("card 1 from card 2"), "{detail}");
    for none in [json!([2]), json!([10]), json!([3, 0])] {
        let body = json!({"reader_bytes": none});
        let refused = api.refused(Method::PATCH, settings, Some(body)).await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (422, Some("reader_bytes"))
        );
    }
    assert_eq!(api.picture().await, before);
    short_readers(&api, &[4]).await;
}
