//! The organisation, its types, schedules and zones; the description of the interface.

use crate::support::{Api, START};
use axum::http::Method;
use serde_json::{Value, json};
use shared::time::Span;

#[tokio::test]
async fn an_organisation_and_its_location_are_shown_and_changed() {
    let api = Api::new().await;
    let start = api.get("/api/v1/organisation").await;
    assert_eq!(
        start,
        json!({"id": "club", "name": "club", "language": "en", "default_type": null})
    );
    api.put("/api/v1/membership-types/5", json!({"name": "Five"}))
        .await;
    let changed = api
        .patch(
            "/api/v1/organisation",
            json!({"name": "The Club", "default_type": "5"}),
        )
        .await;
    assert_eq!(
        changed,
        json!({"id": "club", "name": "The Club", "language": "en", "default_type": "5"})
    );
    let changed = api
        .patch("/api/v1/organisation", json!({"default_type": null}))
        .await;
    assert_eq!(changed["default_type"], Value::Null);
    let body = json!({"name": "Mill", "time_zone": "Europe/Berlin", "holidays": ["2026-12-25", "2026-12-24", "2026-12-25"]});
    let mill = api.put("/api/v1/locations/mill", body).await;
    assert_eq!(mill["holidays"], json!(["2026-12-24", "2026-12-25"]));
    assert_eq!(api.get("/api/v1/locations/mill").await, mill);
    assert_eq!(
        api.get("/api/v1/locations").await.as_array().map(Vec::len),
        Some(2)
    );
}

#[tokio::test]
async fn a_type_has_the_default_knobs_until_others_are_given() {
    let api = Api::new().await;
    let five = api
        .put(
            "/api/v1/membership-types/5",
            json!({"name": "Five", "rank": 5}),
        )
        .await;
    assert_eq!(five["standard"], true);
    assert_eq!(five["policy"]["slack_days"], 10);
    let five = api
        .put(
            "/api/v1/membership-types/5",
            json!({"name": "Five", "policy": {"slack_days": 1}}),
        )
        .await;
    assert_eq!(
        (&five["standard"], &five["policy"]["slack_days"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(five["policy"]["grace_days"], 14);
    assert_eq!(api.get("/api/v1/membership-types/5").await, five);
    assert_eq!(api.get("/api/v1/membership-types").await, json!([five]));
}

#[tokio::test]
async fn a_schedule_is_written_as_people_write_hours() {
    let api = Api::new().await;
    let body = json!({"name": "Evenings", "windows": [{"days": ["mon", "sun", "holiday"], "from": "18:00", "to": "24:00"}]});
    let evenings = api.put("/api/v1/schedules/evenings", body.clone()).await;
    assert_eq!(evenings["windows"], body["windows"]);
    assert_eq!(api.get("/api/v1/schedules/evenings").await, evenings);
    assert_eq!(api.get("/api/v1/schedules").await, json!([evenings]));
}

#[tokio::test]
async fn a_change_of_a_zone_reaches_its_doors_as_policy() {
    let mut api = Api::new().await;
    api.furnish().await;
    assert!(!api.published().is_empty());
    let zone = api
        .patch("/api/v1/zones/hall/settings", json!({"lockdown": true}))
        .await;
    assert_eq!(zone["settings"]["lockdown"], true);
    let topics: Vec<String> = api
        .published()
        .into_iter()
        .map(|message| message.topic)
        .collect();
    assert_eq!(
        topics,
        ["gs/1/club/zones/hall/policy", "gs/1/club/zones/hall/head"]
    );
    let zone = api
        .patch(
            "/api/v1/zones/hall/settings",
            json!({"open_house_until": "2026-01-05T22:00:00Z"}),
        )
        .await;
    assert_eq!(zone["settings"]["open_house_until"], "2026-01-05T22:00:00Z");
    assert_eq!(zone["settings"]["lockdown"], true, "what is left out stays");
    let zone = api
        .patch(
            "/api/v1/zones/hall/settings",
            json!({"open_house_until": null}),
        )
        .await;
    assert_eq!(zone["settings"]["open_house_until"], Value::Null);
    assert_eq!(api.get("/api/v1/zones/hall").await, zone);
}

#[tokio::test]
async fn a_schedule_given_to_a_type_reaches_the_list_and_the_policy() {
    let mut api = Api::new().await;
    let ada = api.furnish().await;
    api.post("/api/v1/cards", json!({"member": ada, "uid": "0415AB3C"}))
        .await;
    let grant = json!({"membership": "full", "reason": "founder"});
    api.post(&format!("/api/v1/members/{ada}/grants"), grant)
        .await;
    let windows = json!([{"days": ["mon"], "from": "08:00", "to": "12:00"}]);
    api.put(
        "/api/v1/schedules/mornings",
        json!({"name": "Mornings", "windows": windows}),
    )
    .await;
    api.published();
    let zone = api
        .put(
            "/api/v1/zones/hall/access/full",
            json!({"schedule": "mornings"}),
        )
        .await;
    assert_eq!(
        zone["access"],
        json!([{"membership": "full", "schedule": "mornings"}])
    );
    let topics: Vec<String> = api
        .published()
        .into_iter()
        .map(|message| message.topic)
        .collect();
    assert!(
        topics.contains(&"gs/1/club/zones/hall/delta".to_owned()),
        "{topics:?}"
    );
    let told = api.get(&format!("/api/v1/members/{ada}/explain")).await;
    assert!(
        told["zones"][0]["says"]
            .as_str()
            .is_some_and(|says| says.contains("on schedule `mornings`")),
        "{told}"
    );
    api.delete("/api/v1/zones/hall/access/full").await;
    assert_eq!(api.get("/api/v1/zones/hall").await["entries"], 0);
}

#[tokio::test]
async fn a_rule_that_would_lock_out_many_waits_for_a_yes() {
    let mut api = Api::new().await;
    api.furnish().await;
    let (from, until) = ("2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z");
    for number in 0..7 {
        let member = api.member(&format!("Member {number}")).await;
        let body = json!({"member": member, "source": "cash", "amount": 2000, "currency": "eur", "membership": "full",
            "from": from, "until": until});
        api.post("/api/v1/payments", body).await;
    }
    api.published();
    let before = api.picture().await;
    let strict = json!({"name": "Full", "rank": 2, "policy": {"slack_days": 0}});
    let (status, problem) = api
        .ask(
            Method::PUT,
            "/api/v1/membership-types/full",
            Some(strict.clone()),
        )
        .await;
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (409, &json!("approved")),
        "{problem}"
    );
    assert_eq!(problem["members"].as_array().map(Vec::len), Some(7));
    assert_eq!(api.picture().await, before, "a brake changes nothing");
    assert!(api.published().is_empty());
    api.put("/api/v1/membership-types/full?approved=true", strict)
        .await;
    let out = api.get("/api/v1/members?state=lapsed").await;
    assert_eq!(out["items"].as_array().map(Vec::len), Some(7));
}

#[tokio::test]
async fn the_description_lists_every_route() {
    let api = Api::new().await;
    let document = api.get("/api/v1/openapi.json").await;
    let paths = document["paths"].as_object().expect("paths");
    let mut listed: Vec<String> = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            assert!(
                operation["responses"]["default"].is_object(),
                "{method} {path} tells no problem details"
            );
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            listed.push(format!(
                "{} {}",
                method.to_uppercase(),
                path.trim_start_matches("/api/v1")
            ));
        }
    }
    listed.sort();
    let mut expected: Vec<&str> = ROUTES
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap_or_default();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name} is referred to and not described"
        );
    }
    assert_eq!(
        document["components"]["securitySchemes"]["token"]["scheme"],
        "bearer"
    );
}

/// The description names schemas by their types, and knows only one of a name.
#[tokio::test]
async fn what_has_the_same_name_elsewhere_is_described_as_what_it_is() {
    let api = Api::new().await;
    let document = api.get("/api/v1/openapi.json").await;
    let described = |from: &Value| -> Value {
        let name = from["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next());
        document["components"]["schemas"][name.unwrap_or_default()].clone()
    };
    let body = |path: &str| {
        let operation = &document["paths"][format!("/api/v1/{path}")]["post"];
        described(&operation["requestBody"]["content"]["application/json"]["schema"])
    };
    assert!(body("cards")["properties"]["uid"].is_object());
    assert!(body("gift-cards")["properties"]["buyer"].is_object());
    let source = described(&body("payments")["properties"]["source"]);
    assert_eq!(source["enum"], json!(["cash", "transfer"]));
}

#[tokio::test]
async fn every_route_of_the_description_asks_for_the_token() {
    let api = Api::new().await;
    let document = api.get("/api/v1/openapi.json").await;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        if path.starts_with("/api/v1/pair") {
            continue;
        }
        let path: String = path
            .split('/')
            .map(|part| if part.starts_with('{') { "1" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        for method in methods.as_object().expect("methods").keys() {
            for token in [
                None,
                Some("Bearer "),
                Some("Bearer wrong"),
                Some("Basic the token of the test"),
            ] {
                let mut request = axum::http::Request::builder()
                    .method(method.to_uppercase().as_str())
                    .uri(&path);
                if let Some(token) = token {
                    request = request.header("authorization", token);
                }
                let response = api
                    .send(request.body(axum::body::Body::empty()).expect("a request"))
                    .await;
                assert_eq!(
                    response
                        .headers()
                        .get("www-authenticate")
                        .map(|value| value.as_bytes()),
                    Some(&b"Bearer"[..])
                );
                let (status, problem) = crate::support::read(response).await;
                assert_eq!(
                    (status.as_u16(), &problem["field"]),
                    (401, &json!("Authorization")),
                    "{method} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn explain_tells_a_past_moment_from_the_audit_log() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    api.wait(Span::days(1));
    let body = json!({"membership": "full", "until": "2026-02-01T00:00:00Z", "reason": "helps at the desk"});
    api.post(&format!("/api/v1/members/{ada}/grants"), body)
        .await;
    api.wait(Span::days(1));
    api.post(
        &format!("/api/v1/members/{ada}/holds"),
        json!({"reason": "lost the key"}),
    )
    .await;
    let told = api.get(&format!("/api/v1/members/{ada}/explain")).await;
    assert!(
        told["standing"]
            .as_str()
            .is_some_and(|text| text.contains("lost the key")),
        "{told}"
    );
    let told = api
        .get(&format!(
            "/api/v1/members/{ada}/explain?at=2026-01-06T12:00:00Z"
        ))
        .await;
    assert!(
        told["standing"]
            .as_str()
            .is_some_and(|text| text.starts_with("in good standing")),
        "{told}"
    );
    assert!(
        told["reasons"][0]
            .as_str()
            .is_some_and(|text| text.contains("helps at the desk")),
        "{told}"
    );
    assert!(
        told["next"]
            .as_str()
            .is_some_and(|text| text.contains("hold 1 was made")),
        "{told}"
    );
    let told = api
        .get(&format!(
            "/api/v1/members/{ada}/explain?at=2026-01-01T12:00:00Z"
        ))
        .await;
    assert!(
        told["standing"]
            .as_str()
            .is_some_and(|text| text.starts_with("nothing was known")),
        "{told}"
    );
    let lines =
        server::web::explain_lines(&api.app, shared::ids::MemberId(ada), START + Span::days(1));
    let lines = lines.await.expect("told").expect("there is such a member");
    assert!(
        lines[0].starts_with("Member 1 at 2026-01-06T10:00:00Z: in good standing"),
        "{lines:?}"
    );
}

const ROUTES: &str = "
    GET /notices
    GET /letters
    GET /letters/{letter}
    GET /letter-texts/{kind}/{language}
    PUT /letter-texts/{kind}/{language}
    DELETE /letter-texts/{kind}/{language}
    GET /organisation
    PATCH /organisation
    GET /locations
    GET /locations/{location}
    PUT /locations/{location}
    PUT /members/{member}/inductions/{zone}
    GET /membership-types
    GET /membership-types/{type}
    PUT /membership-types/{type}
    GET /schedules
    GET /schedules/{schedule}
    PUT /schedules/{schedule}
    POST /schedules/{schedule}/preview
    GET /zones
    GET /zones/{zone}
    PUT /zones/{zone}
    PATCH /zones/{zone}/settings
    PUT /zones/{zone}/access
    POST /zones/{zone}/access/preview
    PUT /zones/{zone}/access/{type}
    DELETE /zones/{zone}/access/{type}
    GET /members
    POST /members
    POST /members/bulk
    GET /members/{member}/notes
    POST /members/{member}/notes
    POST /notes/{note}/erase
    GET /imports
    POST /imports
    POST /imports/{import}/undo
    GET /members/{member}
    PATCH /members/{member}
    GET /members/{member}/explain
    GET /members/{member}/data
    POST /members/{member}/erasure
    DELETE /members/{member}/erasure
    GET /members/{member}/grants
    POST /members/{member}/grants
    POST /grants/{grant}/end
    GET /members/{member}/holds
    GET /members/{member}/inductions
    PUT /members/{member}/pin
    DELETE /members/{member}/pin
    POST /members/{member}/holds
    POST /holds/{hold}/end
    GET /cards
    POST /cards
    GET /cards/{card}
    PATCH /cards/{card}
    POST /cards/{card}/mark
    GET /loaners
    POST /loaners
    DELETE /loaners/{loaner}
    POST /loaners/{loaner}/lend
    POST /loaners/{loaner}/return
    GET /customers
    POST /customers/{customer}/link
    PUT /coverage/{item}/{seat}
    DELETE /coverage/{item}/{seat}
    POST /import
    GET /payments
    GET /reversals
    POST /payments
    POST /payments/{payment}/void
    GET /catalogue
    PUT /catalogue/{price}/mapping
    DELETE /catalogue/{price}/mapping
    GET /locked-out
    GET /members/paying-nothing
    GET /members/{member}/pays-for
    GET /payments.csv
    GET /payments/totals
    GET /start
    GET /stripe
    POST /catalogue/types
    POST /inbox/{event}/replay
    POST /reconciliation
    POST /stripe/check
    POST /catalogue/{price}/retrofit
    POST /members/{member}/plan-change
    GET /gift-cards
    POST /gift-cards
    POST /gift-cards/{card}/void
    POST /gift-cards/redeem
    GET /members/{member}/credit
    GET /discount-codes
    POST /discount-codes
    GET /agents
    POST /agents
    GET /agents/{agent}
    POST /agents/{agent}/pairing-code
    POST /agents/{agent}/revoke
    POST /agents/{agent}/commands
    GET /doors
    GET /doors/{door}
    GET /doors/{door}/refusals
    PUT /doors/{door}
    DELETE /doors/{door}
    DELETE /members/{member}/inductions/{zone}
    POST /doors/{door}/commands
    GET /badges
    GET /badges/{badge}/explain
    GET /inbox
    GET /inbox/{event}
    GET /audit
    GET /audit/check
    GET /attention
    GET /attention/kinds
    POST /attention/{item}/resolve
    POST /pair/hello
    POST /pair
";
