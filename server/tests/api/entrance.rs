//! Who may enter when: looked at before it is changed, and under the mass brake.

use crate::support::Api;
use axum::http::Method;
use serde_json::{Value, json};

/// Seven members who may pass, besides Ada, who may not.
async fn seven(api: &Api) -> Vec<i64> {
    api.furnish().await;
    let mut members = Vec::new();
    for number in 0..7 {
        let member = api.member(&format!("Member {number}")).await;
        let grant = json!({"membership": "full", "reason": "founder"});
        api.post(&format!("/api/v1/members/{member}/grants"), grant)
            .await;
        members.push(member);
    }
    members
}

fn numbers(list: &Value) -> Vec<i64> {
    let list = list.as_array().expect("a list").iter();
    list.map(|member| member["id"].as_i64().expect("a number"))
        .collect()
}

async fn schedule(api: &Api, id: &str, windows: Value) {
    let body = json!({"name": id, "windows": windows});
    api.put(&format!("/api/v1/schedules/{id}?approved=true"), body)
        .await;
}

#[tokio::test]
async fn what_a_change_of_access_does_is_shown_and_nothing_is_changed() {
    let api = Api::new().await;
    let members = seven(&api).await;
    let morning = json!([{"days": ["mon"], "from": "08:00", "to": "12:00"}]);
    schedule(&api, "morning", morning).await;
    let before = api.picture().await;
    let look = async |body: Value| api.post("/api/v1/zones/hall/access/preview", body).await;
    let none = look(json!({"access": []})).await;
    assert_eq!(numbers(&none["lose"]), members);
    assert_eq!(
        (&none["waits"], &none["lose"][0]["name"]),
        (&json!(true), &json!("Member 0"))
    );
    let same = look(json!({"access": [{"membership": "full"}]})).await;
    assert_eq!(
        same,
        json!({"gain": [], "lose": [], "other_hours": [], "waits": false})
    );
    let mornings = json!({"access": [{"membership": "full", "schedule": "morning"}]});
    assert_eq!(numbers(&look(mornings).await["other_hours"]), members);
    assert_eq!(api.picture().await, before);
}

#[tokio::test]
async fn a_zone_is_taken_from_many_only_with_a_yes() {
    let mut api = Api::new().await;
    let members = seven(&api).await;
    api.published();
    let before = api.picture().await;
    let none = json!({"access": []});
    for (method, path, body) in [
        (Method::PUT, "/api/v1/zones/hall/access", Some(none.clone())),
        (Method::DELETE, "/api/v1/zones/hall/access/full", None),
    ] {
        let (status, problem) = api.ask(method, path, body).await;
        assert_eq!(
            (status.as_u16(), &problem["field"]),
            (409, &json!("approved"))
        );
        assert_eq!(problem["members"], json!(members));
    }
    assert_eq!(api.picture().await, before);
    assert!(api.published().is_empty());
    api.put("/api/v1/zones/hall/access?approved=true", none)
        .await;
    assert_eq!(api.get("/api/v1/zones/hall").await["access"], json!([]));
    let all = json!({"access": [{"membership": "full"}]});
    let back = api.put("/api/v1/zones/hall/access", all).await;
    assert_eq!(
        back["access"],
        json!([{"membership": "full", "schedule": null}])
    );
}

#[tokio::test]
async fn hours_that_shut_many_out_wait_for_a_yes() {
    let api = Api::new().await;
    let members = seven(&api).await;
    let morning = json!([{"days": ["mon"], "from": "08:00", "to": "12:00"}]);
    schedule(&api, "morning", morning).await;
    api.put(
        "/api/v1/zones/hall/access/full",
        json!({"schedule": "morning"}),
    )
    .await;
    let closed = json!({"name": "morning", "windows": []});
    let path = "/api/v1/schedules/morning";
    let preview = api.post(&format!("{path}/preview"), closed.clone()).await;
    assert_eq!(
        (numbers(&preview["lose"]), &preview["waits"]),
        (members, &json!(true))
    );
    let (status, field, _) = api.refused(Method::PUT, path, Some(closed.clone())).await;
    assert_eq!((status, field.as_deref()), (409, Some("approved")));
    assert_eq!(api.get(path).await["windows"][0]["from"], "08:00");
    api.put(&format!("{path}?approved=true"), closed).await;
    assert_eq!(api.get(path).await["windows"], json!([]));
}

#[tokio::test]
async fn a_table_that_is_none_changes_nothing() {
    let api = Api::new().await;
    seven(&api).await;
    let before = api.picture().await;
    for (access, field) in [
        (json!([{"membership": "half"}]), "type"),
        (
            json!([{"membership": "full", "schedule": "never"}]),
            "schedule",
        ),
        (
            json!([{"membership": "full"}, {"membership": "full"}]),
            "access[1].membership",
        ),
    ] {
        for (method, path) in [
            (Method::PUT, "/api/v1/zones/hall/access"),
            (Method::POST, "/api/v1/zones/hall/access/preview"),
        ] {
            let body = json!({"access": access});
            let (status, at, _) = api.refused(method, path, Some(body)).await;
            assert_eq!((status, at.as_deref()), (422, Some(field)), "{access}");
        }
    }
    let body = json!({"access": []});
    let path = "/api/v1/zones/attic/access";
    assert_eq!(api.refused(Method::PUT, path, Some(body)).await.0, 404);
    assert_eq!(api.picture().await, before);
}
