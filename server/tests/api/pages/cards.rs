//! Cards and lent fobs on the pages.

use super::Browser;
use crate::support::Api;
use axum::http::StatusCode;
use serde_json::{Value, json};

async fn owner(api: &Api) -> Browser<'_> {
    api.furnish().await;
    let browser = Browser::new(api);
    browser.found().await;
    browser
}

#[tokio::test]
async fn a_card_is_given_as_a_reader_types_it_and_one_beside_it_warns() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    let by_reader = [
        ("who", "ad"),
        ("uid", "0077705923"),
        ("format", "decimal"),
        ("label", "blue fob"),
    ];
    let page = browser.post("/admin/cards", &by_reader).await;
    assert_eq!(page.location(), "/admin/cards/1", "{}", page.text);
    let page = browser.get("/admin/cards/1").await;
    assert!(page.says("…B2C3") && page.says("blue fob") && !page.says("04A1B2C3"));
    assert!(!page.says("bought together"));
    // On the member's page, too, a warning is not passed by.
    let next = [("uid", "04A1B2C4")];
    let page = browser.post("/admin/members/1/cards", &next).await;
    assert_eq!(page.location(), "/admin/cards/2");
    let page = browser.get("/admin/cards/2").await;
    assert!(page.says("bought together") && page.says("/admin/cards/1\""));
    let far = [("uid", "04A1B2C9")];
    let page = browser.post("/admin/members/1/cards", &far).await;
    assert_eq!(page.location(), "/admin/members/1");
    for who in ["", "nobody", "9"] {
        let fields = [("who", who), ("uid", "0415AB3C")];
        let page = browser.post("/admin/cards", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{who}");
    }
    assert_eq!(
        api.get("/api/v1/cards").await["items"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
}

#[tokio::test]
async fn cards_are_found_by_label_digits_and_state() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    for (uid, label) in [("0415AB3C", "blue"), ("0415FF00", "red 100%")] {
        let body = json!({"member": 1, "uid": uid, "label": label});
        api.post("/api/v1/cards", body).await;
    }
    let found = async |q: &str, state: &str| {
        let page = browser
            .post("/admin/cards/search", &[("q", q), ("state", state)])
            .await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        (page.says("…AB3C"), page.says("…FF00"))
    };
    assert_eq!(found("", "").await, (true, true));
    assert_eq!(found("BLU", "").await, (true, false));
    assert_eq!(found("ff0", "").await, (false, true));
    assert_eq!(found("%", "").await, (false, true));
    api.post("/api/v1/cards/1/mark", json!({"mark": "lost"}))
        .await;
    assert_eq!(found("", "lost").await, (true, false));
    // And named anew.
    let page = browser.post("/admin/cards/2", &[("label", "green")]).await;
    assert_eq!(page.location(), "/admin/cards/2");
    assert_eq!(api.get("/api/v1/cards?q=green").await["items"][0]["id"], 2);
}

#[tokio::test]
async fn a_fob_is_lent_from_a_members_page_and_taken_back() {
    let api = Api::new().await;
    let browser = owner(&api).await;
    let fob = [("label", "Fob 7"), ("uid", "04A1B2C3"), ("format", "hex")];
    browser.post("/admin/loaners", &fob).await;
    let page = browser.get("/admin/members/1").await;
    let end = page.field("until");
    assert_eq!(end, "2026-01-06T06:00", "the next morning");
    let lent = [("loaner", "1"), ("until", &*end)];
    let page = browser.post("/admin/members/1/lend", &lent).await;
    assert_eq!(page.location(), "/admin/members/1", "{}", page.text);
    let page = browser.get("/admin/members/1").await;
    assert!(page.says("lent until 2026-01-06 06:00") && !page.says("/admin/members/1/lend"));
    let page = browser.get("/admin/cards").await;
    assert!(page.says(">Ada</a>, lent until") && !page.says("not returned"));
    // Somebody is at the desk all the time.
    for _ in 0..3 {
        api.wait(shared::time::Span::hours(7));
        browser.get("/admin").await;
    }
    assert!(browser.get("/admin/cards").await.says("not returned"));
    let page = browser.post("/admin/loaners/1/return", &[]).await;
    assert_eq!(page.location(), "/admin/cards");
    assert_eq!(api.get("/api/v1/loaners").await[0]["loan"], Value::Null);
    // From the list: to whoever is meant.
    let to = [("who", "Ada"), ("until", "2026-01-08T06:00")];
    browser.post("/admin/loaners/1/lend", &to).await;
    let fob = &api.get("/api/v1/loaners").await[0];
    assert_eq!(fob["loan"]["until"], "2026-01-08T06:00:00Z");
    let page = browser.post("/admin/loaners/1/remove", &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "it is lent");
}

#[tokio::test]
async fn whose_card_is_asked_where_it_is_not_clear() {
    let api = Api::new().await;
    crate::doors::paired(&api).await;
    let bea = api.member("Bea").await;
    let browser = Browser::new(&api);
    browser.found().await;
    let page = browser.get("/admin/badges").await;
    assert!(page.says("accesskey=\"e\""), "on every page");
    // Nothing typed: whoever has no card, the newest first, with the keyboard's focus.
    let page = browser.post("/admin/cards/enrol", &[]).await;
    let first = format!("name=\"member\" value=\"{bea}\"");
    assert!(page.says(&first), "{}", page.text);
    let (before, after) = page.text.split_once(&first).expect("it is there");
    assert!(!before.contains("value=\"1\"") && after.contains("value=\"1\""));
    assert_eq!(page.text.matches("autofocus").count(), 1);
    let page = browser
        .post("/admin/cards/enrol", &[("who", "nobody")])
        .await;
    assert!(page.says("Nobody fits."));
}

#[tokio::test]
async fn of_a_lost_card_each_door_is_shown_until_it_says_that_it_knows() {
    let api = Api::new().await;
    crate::doors::paired(&api).await;
    let grant = json!({"membership": "full", "reason": "founder"});
    api.post("/api/v1/members/1/grants", grant).await;
    api.post("/api/v1/cards", json!({"member": 1, "uid": "0415AB3C"}))
        .await;
    let browser = Browser::new(&api);
    browser.found().await;
    crate::doors::reports_what_is_newest(&api, 1).await;
    let knows = async || {
        let view = api.get("/api/v1/cards/1").await;
        let door = view["doors"][0].clone();
        (door["says"].clone(), door["acknowledged"].clone())
    };
    assert_eq!(knows().await, (json!("ok"), json!(true)));
    let page = browser
        .post("/admin/cards/1/mark", &[("mark", "lost")])
        .await;
    assert_eq!(page.location(), "/admin/cards/1");
    assert_eq!(knows().await, (json!("lost"), json!(false)));
    let page = browser.get("/admin/cards/1").await;
    assert!(
        page.says("One door has not said yet") && page.says("data-follow"),
        "{}",
        page.text
    );
    crate::doors::reports_what_is_newest(&api, 2).await;
    assert_eq!(knows().await, (json!("lost"), json!(true)));
    assert!(
        browser
            .get("/admin/cards/1")
            .await
            .says("Every door has said")
    );
    // What changes for others is no news about this card.
    let bea = api.member("Bea").await;
    api.post("/api/v1/cards", json!({"member": bea, "uid": "0415AB99"}))
        .await;
    assert_eq!(knows().await, (json!("lost"), json!(true)));
}
