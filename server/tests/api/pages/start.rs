//! The first-run guide: from an empty server to the first card, told by what exists.

use super::Browser;
use crate::support::Api;
use crate::twin::Twin;
use axum::http::StatusCode;
use serde_json::{Value, json};
use server::rights::Role;
use std::sync::Arc;

async fn done(api: &Api) -> Vec<String> {
    let steps = api.get("/api/v1/start").await;
    let steps = steps.as_array().expect("steps").iter();
    let done = steps.filter(|step| step["done"] == true);
    done.map(|step| step["part"].as_str().expect("a word").to_owned())
        .collect()
}

/// Whether a step of the page is unfolded.
fn is_open(page: &str, part: &str) -> bool {
    let start = format!("<details id=\"{part}\"");
    let rest = page.split(&start).nth(1).expect("it is there");
    let tag = rest.split('>').next().expect("it ends");
    tag.contains(" open")
}

#[tokio::test]
async fn an_empty_server_is_led_to_its_first_door_step_by_step() {
    let twin = Twin::default();
    twin.price("price_1", json!({"nickname": "membertype_5-monthly"}));
    twin.price(
        "price_2",
        json!({"nickname": "membertype_7-Metal, monthly", "product": "prod_7"}),
    );
    twin.price("price_3", json!({"nickname": "Membertype_5"}));
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    let browser = Browser::new(&api);
    browser.found().await;
    let today = browser.get("/admin").await;
    assert!(
        today.says("href=\"/admin/start\"") && today.says("0 of 6 done"),
        "{}",
        today.text
    );
    let page = browser.get("/admin/start").await;
    assert!(is_open(&page.text, "club") && !is_open(&page.text, "stripe"));

    let club = [("name", "Sparks & Co"), ("time_zone", "Europe/Berlin")];
    let page = browser.post("/admin/start/club", &club).await;
    assert_eq!(page.location(), "/admin/start", "{}", page.text);
    assert_eq!(
        api.get("/api/v1/locations/main").await["time_zone"],
        "Europe/Berlin"
    );
    assert_eq!(done(&api).await, ["club"]);
    let page = browser.get("/admin/start").await;
    assert!(is_open(&page.text, "stripe") && page.says("Sparks &#38; Co"));

    let page = browser.post("/admin/start/check", &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.says("acct_1") && page.says("Subscriptions"));
    assert_eq!(done(&api).await, ["club", "stripe"]);

    api.get("/api/v1/catalogue").await;
    let page = browser.get("/admin/start").await;
    assert!(is_open(&page.text, "types") && page.says("membertype_5") && page.says("membertype_7"));
    assert!(page.says("1 price is to be looked at."), "{}", page.text);
    let page = browser.post("/admin/start/types", &[]).await;
    assert_eq!(page.location(), "/admin/start", "{}", page.text);
    let types = api.get("/api/v1/membership-types").await;
    let types = types.as_array().expect("types").iter();
    let types: Vec<(&Value, &Value)> = types.map(|known| (&known["id"], &known["name"])).collect();
    assert_eq!(
        types,
        [
            (&json!("5"), &json!("Membership")),
            (&json!("7"), &json!("Metal, monthly"))
        ]
    );

    let zone = [
        ("name", "Werkstatt Süd"),
        ("membership", "5"),
        ("membership", "7"),
    ];
    let page = browser.post("/admin/start/zone", &zone).await;
    assert_eq!(page.location(), "/admin/start", "{}", page.text);
    let zone = api.get("/api/v1/zones/werkstatt-sued").await;
    assert_eq!(zone["access"].as_array().map(Vec::len), Some(2));

    let door = [
        ("name", "Front door"),
        ("zone", "werkstatt-sued"),
        ("agent", "Pi"),
    ];
    let page = browser.post("/admin/start/door", &door).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.says("sudo door-agent pair --server http") && page.says("front-door"));
    assert!(is_open(&page.text, "door"));
    // Loaded again, it makes no other door and another code.
    let again = browser.post("/admin/start/door", &door).await;
    assert_ne!(code(&page.text), code(&again.text));
    assert_eq!(
        api.get("/api/v1/doors").await.as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(api.get("/api/v1/doors/front-door").await["enrols"], true);
    assert_eq!(done(&api).await, ["club", "stripe", "types", "zone"]);
    let page = browser.get("/admin/start").await;
    assert!(!page.says("--code"), "a code is shown once");
    let page = browser.post("/admin/start/code", &[("agent", "pi")]).await;
    assert!(page.says("--code"), "{}", page.text);
}

fn code(page: &str) -> String {
    let code = page.split("--code ").nth(1).expect("a code");
    code.split_whitespace().next().expect("it ends").to_owned()
}

#[tokio::test]
async fn what_is_wrong_changes_nothing_and_who_may_not_is_not_asked() {
    let api = Api::new().await;
    api.furnish().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let before = api.picture().await;
    for (path, fields) in [
        (
            "club",
            &[("name", "x"), ("time_zone", "Europe/Nowhere")][..],
        ),
        ("type", &[("name", "Full"), ("id", "full")]),
        ("type", &[("name", "Tag"), ("id", "membertype_5")]),
        ("zone", &[("name", "Yard")]),
        ("zone", &[("name", "Yard"), ("membership", "nothing")]),
        (
            "door",
            &[("name", "Front"), ("zone", "nowhere"), ("agent", "pi")],
        ),
        (
            "door",
            &[("name", "!!!"), ("zone", "hall"), ("agent", "pi")],
        ),
        ("code", &[("agent", "nobody")]),
        ("check", &[]),
    ] {
        let page = owner.post(&format!("/admin/start/{path}"), fields).await;
        assert!(
            page.status.is_client_error(),
            "{path} {fields:?}: {}",
            page.status
        );
        assert!(page.says("role=\"alert\""), "{path}: {}", page.text);
        assert_eq!(api.picture().await, before, "{path} {fields:?}");
    }
    let (desk, _) = owner.invites(Role::FrontDesk).await;
    assert_eq!(desk.get("/admin/start").await.status, StatusCode::FORBIDDEN);
    assert!(!desk.get("/admin").await.says("/admin/start"));
}

#[tokio::test]
async fn a_club_without_stripe_gets_past_it_with_its_first_cash() {
    let api = Api::with_secrets(Vec::new()).await;
    let browser = Browser::new(&api);
    browser.found().await;
    let fields = [("name", "Full"), ("id", "full")];
    let page = browser.post("/admin/start/type", &fields).await;
    assert_eq!(page.location(), "/admin/start", "{}", page.text);
    assert_eq!(done(&api).await, ["types"]);
    let ada = api.member("Ada").await;
    let cash = json!({"member": ada, "source": "cash", "amount": 4000, "currency": "eur", "membership": "full",
        "periods": {"months": 1}});
    api.post("/api/v1/payments", cash).await;
    assert_eq!(done(&api).await, ["stripe", "types"]);
}

#[tokio::test]
async fn who_would_stand_outside_tonight_is_named_with_the_first_reason() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let browser = Browser::new(&api);
    browser.found().await;
    assert!(
        browser
            .get("/admin/start")
            .await
            .says("Nobody who pays or may come in.")
    );
    let grant = json!({"membership": "full", "reason": "the test"});
    api.post(&format!("/api/v1/members/{ada}/grants"), grant)
        .await;
    let why = async || {
        let all = api.get("/api/v1/locked-out").await;
        let all = all.as_array().expect("a list").iter();
        all.map(|line| line["why"].as_str().expect("a word").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(why().await, ["no_card"]);
    assert!(
        browser
            .get("/admin/start")
            .await
            .says("Has no card that works.")
    );
    api.post("/api/v1/cards", json!({"member": ada, "uid": "04A1B2C3"}))
        .await;
    assert_eq!(why().await, ["no_door"]);
    api.post(
        &format!("/api/v1/members/{ada}/holds"),
        json!({"reason": "a fight"}),
    )
    .await;
    assert_eq!(why().await, ["held"]);
}
