//! Bad input: a clear answer that names the field, and nothing changed.

use crate::support::{Api, TOKEN, read};
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

type Case = (Method, &'static str, Value, u16, &'static str);

fn cases() -> Vec<Case> {
    let (get, post, put, patch) = (Method::GET, Method::POST, Method::PUT, Method::PATCH);
    let payment = |change: Value| {
        let mut body = json!({"member": 1, "source": "cash", "amount": 1, "currency": "eur", "membership": "full",
            "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"});
        for (field, value) in change.as_object().expect("fields") {
            body[field] = value.clone();
        }
        body
    };
    vec![
        // --- wrong, missing, unknown and doubled fields
        (
            patch.clone(),
            "organisation",
            json!({"name": ""}),
            422,
            "name",
        ),
        (
            patch.clone(),
            "organisation",
            json!({"name": 5}),
            422,
            "name",
        ),
        (
            patch.clone(),
            "organisation",
            json!({"color": "red"}),
            422,
            "color",
        ),
        (
            patch.clone(),
            "organisation",
            json!({"default_type": "none"}),
            422,
            "default_type",
        ),
        (
            put.clone(),
            "locations/mill",
            json!({"name": "Mill"}),
            422,
            "time_zone",
        ),
        (
            put.clone(),
            "locations/mill",
            json!({"name": "Mill", "time_zone": "Mars/Base"}),
            422,
            "time_zone",
        ),
        (
            put.clone(),
            "locations/mill",
            json!({"name": "Mill", "time_zone": "UTC", "holidays": ["25.12."]}),
            422,
            "holidays[0]",
        ),
        (
            put.clone(),
            "membership-types/full",
            json!({"name": "F", "policy": {"slack_days": -1}}),
            422,
            "policy.slack_days",
        ),
        (
            put.clone(),
            "membership-types/full",
            json!({"name": "F", "policy": {"slack": 1}}),
            422,
            "policy.slack",
        ),
        (
            put.clone(),
            "membership-types/full",
            json!({"name": "F", "rank": "high"}),
            422,
            "rank",
        ),
        (
            put.clone(),
            "schedules/s",
            json!({"name": "S", "windows": [{"days": ["mon"], "from": "22:00", "to": "06:00"}]}),
            422,
            "windows[0].to",
        ),
        (
            put.clone(),
            "schedules/s",
            json!({"name": "S", "windows": [{"days": ["mon"], "from": "8", "to": "9:00"}]}),
            422,
            "windows[0].from",
        ),
        (
            put.clone(),
            "schedules/s",
            json!({"name": "S", "windows": [{"days": [], "from": "08:00", "to": "09:00"}]}),
            422,
            "windows[0].days",
        ),
        (
            put.clone(),
            "schedules/s",
            json!({"name": "S", "windows": [{"days": ["maandag"], "from": "08:00", "to": "09:00"}]}),
            422,
            "windows[0].days[0]",
        ),
        (
            put.clone(),
            "zones/hall",
            json!({"name": "Hall", "location": "nowhere"}),
            422,
            "location",
        ),
        (
            put.clone(),
            "zones/hall",
            json!({"name": "Hall", "location": "no where"}),
            422,
            "location",
        ),
        (
            patch.clone(),
            "zones/hall/settings",
            json!({"staleness_seconds": -5}),
            422,
            "staleness_seconds",
        ),
        (
            patch.clone(),
            "zones/hall/settings",
            json!({"open_house_until": "2020-01-01T00:00:00Z"}),
            422,
            "open_house_until",
        ),
        (
            patch.clone(),
            "zones/hall/settings",
            json!({"hold_open_until": "tomorrow"}),
            422,
            "hold_open_until",
        ),
        (
            patch.clone(),
            "zones/hall/settings",
            json!({"hall_hours": {"schedule": "none"}}),
            422,
            "hall_hours.schedule",
        ),
        (
            patch.clone(),
            "zones/hall/settings",
            json!({"hall_hours": {"first_in": true}}),
            422,
            "hall_hours.schedule",
        ),
        (
            patch.clone(),
            "zones/hall/settings",
            json!({"pin_schedule": "none"}),
            422,
            "pin_schedule",
        ),
        (
            patch.clone(),
            "zones/hall/settings",
            json!({"pin_schedule": "no ne"}),
            422,
            "pin_schedule",
        ),
        (patch.clone(), "zones/none/settings", json!({}), 404, ""),
        (
            put.clone(),
            "schedules/always",
            json!({"name": "S", "windows": []}),
            422,
            "schedule",
        ),
        (
            put.clone(),
            "doors/front",
            json!({"name": "Front", "zone": "hall", "again_within_seconds": 0}),
            422,
            "again_within_seconds",
        ),
        (put.clone(), "members/1/pin", json!({}), 422, "pin"),
        (
            put.clone(),
            "members/1/pin",
            json!({"pin": "secret"}),
            422,
            "pin",
        ),
        (
            put.clone(),
            "members/1/pin",
            json!({"pin": "1234"}),
            422,
            "pin",
        ),
        (
            put.clone(),
            "members/1/pin",
            json!({"pin": 4_159_012}),
            422,
            "pin",
        ),
        (
            put.clone(),
            "members/99/pin",
            json!({"pin": "4711"}),
            404,
            "",
        ),
        (
            put.clone(),
            "zones/hall/access/none",
            json!({}),
            422,
            "type",
        ),
        (
            put.clone(),
            "zones/hall/access/full",
            json!({"schedule": "none"}),
            422,
            "schedule",
        ),
        (post.clone(), "members", json!({}), 422, "name"),
        (
            post.clone(),
            "members",
            json!({"name": "A", "mail": "secret at example"}),
            422,
            "mail",
        ),
        (
            post.clone(),
            "members",
            json!({"name": "A", "keyholder": "secret"}),
            422,
            "keyholder",
        ),
        (patch.clone(), "members/99", json!({"name": "A"}), 404, ""),
        (
            patch.clone(),
            "members/secret",
            json!({"name": "A"}),
            404,
            "",
        ),
        (
            post.clone(),
            "cards",
            json!({"member": 1, "uid": "secret"}),
            422,
            "uid",
        ),
        (
            post.clone(),
            "cards",
            json!({"member": 1, "uid": "00000000"}),
            422,
            "uid",
        ),
        (
            post.clone(),
            "cards",
            json!({"member": 1, "uid": 4_159_012}),
            422,
            "uid",
        ),
        (
            post.clone(),
            "cards",
            json!({"member": 99, "uid": "0415AB3C"}),
            422,
            "member",
        ),
        (
            post.clone(),
            "cards/99/mark",
            json!({"mark": "lost"}),
            404,
            "",
        ),
        (
            post.clone(),
            "cards/99/mark",
            json!({"mark": "secret"}),
            422,
            "mark",
        ),
        (
            post.clone(),
            "customers/cus_9/link",
            json!({"member": 1}),
            404,
            "",
        ),
        (
            put.clone(),
            "coverage/si_9/1",
            json!({"customer": "cus_9", "member": 1}),
            422,
            "customer",
        ),
        (
            post.clone(),
            "members/1/grants",
            json!({"membership": "full"}),
            422,
            "reason",
        ),
        (
            post.clone(),
            "members/1/grants",
            json!({"membership": "none", "reason": "r"}),
            422,
            "membership",
        ),
        (
            post.clone(),
            "members/1/grants",
            json!({"membership": "full", "reason": "r", "until": "2020-01-01T00:00:00Z"}),
            422,
            "until",
        ),
        (
            post.clone(),
            "members/99/grants",
            json!({"membership": "full", "reason": "r"}),
            404,
            "",
        ),
        (
            post.clone(),
            "members/1/holds",
            json!({"reason": ""}),
            422,
            "reason",
        ),
        (
            post.clone(),
            "members/99/holds",
            json!({"reason": "r"}),
            404,
            "",
        ),
        (post.clone(), "grants/99/end", json!({}), 404, ""),
        (post.clone(), "holds/99/end", json!({"at": 5}), 422, "at"),
        (
            post.clone(),
            "payments",
            payment(json!({"amount": -1})),
            422,
            "amount",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"amount": 1.5})),
            422,
            "amount",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"currency": "euro"})),
            422,
            "currency",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"source": "stripe"})),
            422,
            "source",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"until": "2026-01-01T00:00:00Z"})),
            422,
            "until",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"periods": {"months": 1}})),
            422,
            "periods",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"until": null})),
            422,
            "periods",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"until": null, "periods": {"months": 0}})),
            422,
            "periods",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"until": null, "periods": {"years": 30_000}})),
            422,
            "periods",
        ),
        (
            post.clone(),
            "payments/99/void",
            json!({"reason": "r"}),
            404,
            "",
        ),
        (
            post.clone(),
            "payments/99/void",
            json!({"reason": ""}),
            422,
            "reason",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"paid_at": "2027-01-01T00:00:00Z"})),
            422,
            "paid_at",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"membership": "none"})),
            422,
            "membership",
        ),
        (
            post.clone(),
            "payments",
            payment(json!({"member": 99})),
            422,
            "member",
        ),
        (
            post.clone(),
            "agents",
            json!({"id": "front door", "name": "Front"}),
            422,
            "id",
        ),
        (
            post.clone(),
            "agents",
            json!({"id": "server", "name": "Hall"}),
            409,
            "id",
        ),
        (post.clone(), "agents/none/revoke", json!({}), 404, ""),
        (post.clone(), "agents/none/pairing-code", json!({}), 404, ""),
        (
            post.clone(),
            "agents/none/commands",
            json!({"action": "restart"}),
            404,
            "",
        ),
        (
            post.clone(),
            "agents/none/commands",
            json!({"action": "explode"}),
            422,
            "action",
        ),
        (
            put.clone(),
            "doors/front",
            json!({"name": "Front", "zone": "none"}),
            422,
            "zone",
        ),
        (
            put.clone(),
            "doors/front",
            json!({"name": "Front", "zone": "hall", "agent": "none"}),
            422,
            "agent",
        ),
        (
            post.clone(),
            "doors/none/commands",
            json!({"action": "unlock"}),
            404,
            "",
        ),
        (post.clone(), "attention/99/resolve", json!({}), 404, ""),
        (
            post.clone(),
            "attention/99/resolve",
            json!({"action": "secret"}),
            422,
            "action",
        ),
        // --- queries
        (get.clone(), "members?limit=0", Value::Null, 422, "limit"),
        (get.clone(), "members?limit=many", Value::Null, 422, "limit"),
        (get.clone(), "members?order=name", Value::Null, 422, "order"),
        (
            get.clone(),
            "members?state=secret",
            Value::Null,
            422,
            "state",
        ),
        (
            get.clone(),
            "members/1/explain?at=secret",
            Value::Null,
            422,
            "at",
        ),
        (
            get.clone(),
            "members/1/explain?at=2030-01-01T00:00:00Z",
            Value::Null,
            422,
            "at",
        ),
        (
            get.clone(),
            "badges?reason=secret",
            Value::Null,
            422,
            "reason",
        ),
        (
            get.clone(),
            "badges?before=secret",
            Value::Null,
            422,
            "before",
        ),
        (get.clone(), "inbox?state=lost", Value::Null, 422, "state"),
        (get.clone(), "inbox/99", Value::Null, 404, ""),
        (get.clone(), "inbox/99?raw=1", Value::Null, 404, ""),
        (
            put,
            "membership-types/full?approved=perhaps",
            json!({"name": "Full"}),
            422,
            "approved",
        ),
        // --- addresses and methods
        (get.clone(), "nothing", Value::Null, 404, ""),
        (get.clone(), "zones/none", Value::Null, 404, ""),
        (get, "members/99", Value::Null, 404, ""),
        (Method::DELETE, "members", Value::Null, 405, ""),
        (
            Method::DELETE,
            "zones/hall/access/none",
            Value::Null,
            404,
            "",
        ),
        (Method::DELETE, "doors/none", Value::Null, 404, ""),
        (post, "zones/hall", json!({}), 405, ""),
    ]
}

#[tokio::test]
async fn every_class_of_bad_input_names_the_field_and_changes_nothing() {
    let mut api = Api::new().await;
    api.furnish().await;
    api.published();
    let before = api.picture().await;
    for (method, path, body, status, field) in cases() {
        let body = if body.is_null() { None } else { Some(body) };
        let refused = api
            .refused(method.clone(), &format!("/api/v1/{path}"), body)
            .await;
        let told = (refused.0, refused.1.as_deref().unwrap_or(""));
        assert_eq!(told, (status, field), "{method} {path}: {}", refused.2);
        assert!(
            !refused.2.contains("secret"),
            "{method} {path} repeats what was sent: {}",
            refused.2
        );
    }
    assert_eq!(api.picture().await, before);
    assert!(api.published().is_empty());
}

async fn raw(api: &Api, path: &str, kind: &str, body: impl Into<Body>) -> (u16, Value) {
    let request = Request::post(path)
        .header("authorization", format!("bearer {TOKEN}"))
        .header("content-type", kind)
        .body(body.into())
        .expect("a request");
    let (status, problem) = read(api.send(request).await).await;
    (status.as_u16(), problem)
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_apart_from_one_that_is_wrong() {
    let api = Api::new().await;
    let json = "application/json";
    for (text, says) in [
        ("", "line 1"),
        ("{", "line 1"),
        ("{\"name\":}", "line 1"),
        ("{\"name\": \"A\"} x", "line 1"),
    ] {
        let (status, problem) = raw(&api, "/api/v1/members", json, text).await;
        assert_eq!(status, 400, "{text}");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(says)),
            "{problem}"
        );
    }
    let (status, problem) = raw(
        &api,
        "/api/v1/members",
        json,
        "{\"name\": \"A\", \"name\": \"B\"}",
    )
    .await;
    assert_eq!(
        (status, &problem["field"]),
        (422, &serde_json::json!("name"))
    );
    let (status, problem) = raw(&api, "/api/v1/members", "text/plain", "{\"name\": \"A\"}").await;
    assert_eq!(
        (status, &problem["field"]),
        (415, &serde_json::json!("Content-Type"))
    );
    let long = format!("{{\"name\": \"{}\"}}", "a".repeat(70_000));
    let (status, _) = raw(&api, "/api/v1/members", json, long).await;
    assert_eq!(status, 413);
    let (status, _) = raw(&api, "/api/v1/members", json, vec![b' '; 2 * 1024 * 1024]).await;
    assert_eq!(status, 413);
    let (status, _) = raw(
        &api,
        "/api/v1/members",
        "application/json; charset=utf-8",
        "{\"name\": \"A\"}",
    )
    .await;
    assert_eq!(status, 201);
}

#[tokio::test]
async fn a_method_that_is_not_allowed_tells_which_are() {
    let api = Api::new().await;
    let request = Request::delete("/api/v1/zones/hall")
        .body(Body::empty())
        .expect("a request");
    let response = api.send(request).await;
    assert_eq!(response.status().as_u16(), 405);
    let allowed = response
        .headers()
        .get("allow")
        .map(|value| value.to_str().unwrap_or("").to_owned());
    assert_eq!(allowed.as_deref(), Some("GET,HEAD,PUT"));
    let told = api.refused(Method::GET, "/webhooks/stripe", None).await;
    assert_eq!(told.0, 405);
}
