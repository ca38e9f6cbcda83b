//! Zones that demand an induction.

use crate::support::Api;
use axum::http::Method;
use serde_json::{Value, json};

const SETTINGS: &str = "/api/v1/zones/hall/settings";

async fn says(api: &Api, member: i64) -> String {
    let told = api.get(&format!("/api/v1/members/{member}/explain")).await;
    told["zones"][0]["says"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// A member who may pass and has a card.
async fn equip(api: &Api, member: i64, uid: &str) {
    let grant = json!({"membership": "full", "reason": "founder"});
    api.post(&format!("/api/v1/members/{member}/grants"), grant)
        .await;
    api.post("/api/v1/cards", json!({"member": member, "uid": uid}))
        .await;
}

#[tokio::test]
async fn a_zone_may_demand_an_induction() {
    let mut api = Api::new().await;
    let ada = api.furnish().await;
    equip(&api, ada, "0415AB3C").await;
    let zone = api.patch(SETTINGS, json!({"needs_induction": true})).await;
    assert_eq!(zone["settings"]["needs_induction"], true);
    assert!(
        says(&api, ada)
            .await
            .contains("until an induction is noted")
    );
    api.published();
    let inductions = format!("/api/v1/members/{ada}/inductions");
    let noted = api.put(&format!("{inductions}/hall"), Value::Null).await;
    assert_eq!(noted[0]["zone"], "hall");
    assert_eq!(noted[0]["given_by"], "admin");
    assert!(says(&api, ada).await.contains("a card opens"));
    let topics: Vec<String> = api
        .published()
        .into_iter()
        .map(|message| message.topic)
        .collect();
    assert_eq!(topics[0], "gs/1/club/zones/hall/delta", "{topics:?}");
    // Once more changes nothing, not even when it was.
    assert_eq!(
        api.put(&format!("{inductions}/hall"), Value::Null).await,
        noted
    );
    assert!(api.published().is_empty());
    assert_eq!(api.get(&inductions).await, noted);
    api.delete(&format!("{inductions}/hall")).await;
    assert!(
        says(&api, ada)
            .await
            .contains("until an induction is noted")
    );
    api.patch(SETTINGS, json!({"needs_induction": false})).await;
    assert!(says(&api, ada).await.contains("a card opens"));
    assert_eq!(
        api.deeds()
            .await
            .iter()
            .filter(|deed| deed.starts_with("induction."))
            .count(),
        2
    );
}

#[tokio::test]
async fn an_induction_for_nothing_or_nobody_is_refused() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    for path in [
        format!("{ada}/inductions/attic"),
        "99/inductions/hall".to_owned(),
    ] {
        let path = format!("/api/v1/members/{path}");
        for method in [Method::PUT, Method::DELETE] {
            let status = api.refused(method, &path, None).await.0;
            assert!([404, 422].contains(&status), "{path}: {status}");
        }
    }
    let nothing = format!("/api/v1/members/{ada}/inductions/hall");
    assert_eq!(api.refused(Method::DELETE, &nothing, None).await.0, 404);
}

#[tokio::test]
async fn a_demand_that_would_shut_out_many_waits_for_a_yes() {
    let api = Api::new().await;
    api.furnish().await;
    for number in 0..7_u8 {
        let member = api.member(&format!("Member {number}")).await;
        equip(&api, member, &format!("0415AB{number:02}")).await;
    }
    let before = api.picture().await;
    let demand = json!({"needs_induction": true});
    let (status, problem) = api.ask(Method::PATCH, SETTINGS, Some(demand.clone())).await;
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (409, &json!("approved")),
        "{problem}"
    );
    assert_eq!(problem["members"].as_array().map(Vec::len), Some(7));
    assert_eq!(api.picture().await, before);
    api.patch(&format!("{SETTINGS}?approved=true"), demand)
        .await;
    assert!(says(&api, 2).await.contains("until an induction is noted"));
}
