//! What people do on the pages, and what that does.

use super::Browser;
use crate::support::Api;
use axum::http::{StatusCode, header};
use serde_json::json;

pub async fn owner(api: &Api) -> Browser<'_> {
    let browser = Browser::new(api);
    browser.found().await;
    browser
}

#[tokio::test]
async fn a_member_is_made_pays_cash_gets_a_card_and_loses_it() {
    let api = Api::new().await;
    api.furnish().await;
    let browser = owner(&api).await;
    let fields = [("name", "Bea & <Co>"), ("mail", "bea@club.example")];
    let page = browser.post("/admin/members", &fields).await;
    assert_eq!(page.location(), "/admin/members/2");
    let page = browser.get("/admin/members/2").await;
    assert!(page.says("Bea &#38; &#60;Co&#62;") && !page.says("<Co>"));
    let paid = [
        ("key", &*page.field("key")),
        ("source", "cash"),
        ("amount", "40,50"),
        ("currency", "eur"),
        ("membership", "full"),
        ("months", "1"),
        ("note", ""),
    ];
    // Whoever clicks twice pays once.
    for _ in 0..2 {
        let page = browser.post("/admin/members/2/payments", &paid).await;
        assert_eq!(page.location(), "/admin/members/2", "{}", page.text);
    }
    let member = api.get("/api/v1/members/2").await;
    assert_eq!(member["payments"].as_array().map(Vec::len), Some(1));
    assert_eq!(member["payments"][0]["amount"], json!(4050));
    assert_eq!(member["standing"]["state"], "good");
    let card = [("uid", "04:A1:B2:C3"), ("label", "fob")];
    let page = browser.post("/admin/members/2/cards", &card).await;
    assert_eq!(page.location(), "/admin/members/2");
    let page = browser.get("/admin/members/2").await;
    assert!(page.says("…B2C3") && !page.says("04A1"));
    browser
        .post("/admin/cards/1/mark", &[("mark", "lost")])
        .await;
    assert_eq!(api.get("/api/v1/cards").await["items"][0]["state"], "lost");
    let actions = "SELECT action FROM audit WHERE actor = 'staff 1' ORDER BY id";
    let statement = server::store::trip::Statement::new(actions);
    let rows: Vec<(String,)> = api.tx().await.ask(statement).await.expect("read");
    let rows: Vec<&str> = rows.iter().map(|row| &*row.0).collect();
    assert_eq!(
        rows,
        [
            "staff.arrive",
            "member.create",
            "payment.record",
            "card.give",
            "card.lost"
        ]
    );
}

#[tokio::test]
async fn what_a_form_got_wrong_is_told_on_a_page_and_nothing_is_changed() {
    let api = Api::new().await;
    api.furnish().await;
    let browser = owner(&api).await;
    let before = api.picture().await;
    for (path, fields) in [
        ("/admin/members", &[("name", "")][..]),
        ("/admin/members", &[("name", "x"), ("mail", "no address")]),
        ("/admin/members/1/cards", &[("uid", "12")]),
        ("/admin/members/9/cards", &[("uid", "04A1B2C3")]),
        (
            "/admin/members/1/holds",
            &[("last_day", "2026-02-30"), ("reason", "x")],
        ),
        ("/admin/cards/1/mark", &[("mark", "eaten")]),
        ("/admin/members/1/payments", &[("months", "0")]),
    ] {
        let page = browser.post(path, fields).await;
        assert!(page.status.is_client_error(), "{path}");
        assert!(
            page.says("<!doctype html>") && page.says("role=\"alert\""),
            "{path}: {}",
            page.text
        );
    }
    assert_eq!(api.picture().await, before);
    let page = browser.get("/admin/members/9").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.says("<!doctype html>"));
}

#[tokio::test]
async fn members_are_found_by_a_form_whose_words_stand_in_no_address() {
    let api = Api::new().await;
    api.furnish().await;
    api.member("Grace Hopper").await;
    let browser = owner(&api).await;
    let page = browser
        .post("/admin/members/search", &[("q", "hopp")])
        .await;
    assert!(page.says("Grace Hopper") && !page.says(">Ada<"));
    let page = browser.get("/admin/members?state=stranger").await;
    assert!(page.says("Grace Hopper") && page.says(">Ada<"));
    assert_eq!(
        browser.get("/admin/members?q=hopp").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn no_page_lets_anything_of_others_in_or_is_kept() {
    let api = Api::new().await;
    crate::doors::paired(&api).await;
    api.post("/api/v1/cards", json!({"member": 1, "uid": "0415AB3C"}))
        .await;
    let mornings = json!({"name": "Mornings", "windows": []});
    api.put("/api/v1/schedules/mornings", mornings).await;
    let browser = owner(&api).await;
    for path in [
        "/admin",
        "/admin/members",
        "/admin/members/1",
        "/admin/members/1?years=2",
        "/admin/import",
        "/admin/badges",
        "/admin/cards",
        "/admin/cards/1",
        "/admin/doors",
        "/admin/doors/front",
        "/admin/zones",
        "/admin/zones/hall",
        "/admin/schedules",
        "/admin/schedules/mornings",
        "/admin/locations/main",
        "/admin/agents",
        "/admin/agents/pi",
        "/admin/attention",
        "/admin/people",
        "/admin/me",
        "/admin/payments",
        "/admin/paying-nothing",
        "/admin/stripe",
        "/admin/stripe/inbox",
        "/admin/stripe/catalogue",
        "/admin/stripe/reconciliation",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        let header = |name| {
            page.headers
                .get(name)
                .map(|value| value.to_str().expect("text"))
        };
        let policy = header(header::CONTENT_SECURITY_POLICY).expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(header(header::CACHE_CONTROL), Some("no-store"));
        assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"));
        for part in ["http://", "https://", " style=", " onclick=", "<style"] {
            assert!(!page.says(part), "{path} has {part}");
        }
        for address in page.text.split("/static/").skip(1) {
            let address = format!("/static/{}", address.split('"').next().expect("it ends"));
            let file = browser.get(&address).await;
            assert_eq!(file.status, StatusCode::OK, "{address}");
        }
    }
}

#[tokio::test]
async fn a_lockdown_begins_and_ends_with_its_reason_in_the_audit_log() {
    let api = Api::new().await;
    api.furnish().await;
    let browser = owner(&api).await;
    let lockdown = async || api.get("/api/v1/zones/hall").await["settings"]["lockdown"].clone();
    let page = browser
        .post("/admin/zones/hall/lockdown", &[("on", "true")])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(lockdown().await, false);
    for (on, reason) in [("true", "a fight"), ("false", "it is over")] {
        let fields = [("on", on), ("reason", reason)];
        let page = browser.post("/admin/zones/hall/lockdown", &fields).await;
        assert_eq!(page.location(), "/admin/doors", "{}", page.text);
        assert_eq!(lockdown().await, on == "true");
    }
    let causes =
        "SELECT cause FROM audit WHERE actor = 'staff 1' AND action = 'zone.settings' ORDER BY id";
    let statement = server::store::trip::Statement::new(causes);
    let rows: Vec<(String,)> = api.tx().await.ask(statement).await.expect("read");
    assert_eq!(
        rows,
        [
            ("hall a fight".to_owned(),),
            ("hall it is over".to_owned(),)
        ]
    );
}

#[tokio::test]
async fn a_standing_is_explained_at_a_moment_by_the_clubs_clock() {
    let api = Api::new().await;
    let location = json!({"name": "Main", "time_zone": "Europe/Berlin"});
    api.put("/api/v1/locations/main", location).await;
    api.furnish().await;
    let browser = owner(&api).await;
    api.wait(shared::time::Span::hours(1));
    // She was made at 10:00 in Greenwich.
    let before = browser.get("/admin/members/1?at=2026-01-05T10:59").await;
    assert!(before.says("Nothing was known"), "{}", before.text);
    let after = browser.get("/admin/members/1?at=2026-01-05T11:01").await;
    assert!(!after.says("Nothing was known"), "{}", after.text);
    let wrong = browser.get("/admin/members/1?at=noon").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}
