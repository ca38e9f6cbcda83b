//! The same done to many members at once: told first, done with a yes.

use super::doing::owner;
use crate::support::Api;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use server::rights::Role;
use server::store::trip::Statement;

const BULK: &str = "/api/v1/members/bulk";

/// So many members who paid cash for a month, each with a card.
async fn club(api: &Api, members: i64) {
    api.furnish().await;
    let half = json!({"name": "Half", "rank": 1});
    api.put("/api/v1/membership-types/half", half).await;
    for number in 1..=members {
        if number > 1 {
            api.member(&format!("Member {number}")).await;
        }
        let paid = json!({"member": number, "source": "cash", "amount": 4000, "currency": "eur", "membership": "full",
            "periods": {"months": 1}});
        api.post("/api/v1/payments", paid).await;
        let card = json!({"member": number, "uid": format!("04A1B2{number:02X}")});
        api.post("/api/v1/cards", card).await;
    }
}

async fn state(api: &Api, member: i64) -> String {
    let member = api.get(&format!("/api/v1/members/{member}")).await;
    member["standing"]["state"]
        .as_str()
        .expect("a word")
        .to_owned()
}

#[tokio::test]
async fn everything_that_can_be_done_to_one_is_done_to_many_and_noted_for_each() {
    let api = Api::new().await;
    club(&api, 3).await;
    let api = &api;
    let run = async |deed: Value| {
        let told = api
            .post(BULK, json!({"members": [1, 2], "deed": deed}))
            .await;
        let done = json!({"members": [1, 2], "deed": deed, "write": true});
        let done = api.post(BULK, done).await;
        assert_eq!(
            told["lines"], done["lines"],
            "what was told is what is done"
        );
        done
    };
    let done = run(json!({"hold": {"reason": "a check"}})).await;
    assert_eq!(done["lines"][0]["after"], "held");
    assert_eq!(
        (&done["lost"], &done["needs_yes"]),
        (&json!([1, 2]), &json!(false))
    );
    assert_eq!(
        (state(api, 1).await, state(api, 3).await),
        ("held".into(), "good".into())
    );
    run(json!({"end_holds": {}})).await;
    assert_eq!(state(api, 2).await, "good");
    let again = run(json!({"end_holds": {}})).await;
    assert_eq!(again["lines"][0]["unaffected"], "no_hold");

    run(json!({"change_type": {"membership": "half"}})).await;
    let member = api.get("/api/v1/members/1").await;
    assert_eq!(member["payments"][0]["membership"], "half");
    assert_eq!(
        member["terms"].as_array().map(Vec::len),
        Some(2),
        "the old term is closed"
    );
    let until = member["payments"][0]["until"].clone();
    run(json!({"extend": {"days": 14}})).await;
    let member = api.get("/api/v1/members/1").await;
    assert_eq!(
        (until, &member["payments"][0]["until"]),
        (
            json!("2026-02-05T10:00:00Z"),
            &json!("2026-02-19T10:00:00Z")
        )
    );

    run(json!({"grant": {"membership": "full", "reason": "helped"}})).await;
    run(json!({"keyholder": {"on": true}})).await;
    run(json!({"label": {"label": "blue"}})).await;
    run(json!({"cards_lost": {}})).await;
    let cards = api.get("/api/v1/cards").await["items"].clone();
    assert_eq!(
        (&cards[0]["label"], &cards[0]["state"]),
        (&json!("blue"), &json!("lost"))
    );
    assert_eq!(cards[2]["state"], "ok");
    let again = run(json!({"cards_lost": {}})).await;
    assert_eq!(again["lines"][0]["unaffected"], "no_card");
    let sql = "SELECT action FROM audit WHERE member = 2 AND actor = 'admin' ORDER BY id";
    let deeds: Vec<(String,)> = api.tx().await.ask(Statement::new(sql)).await.expect("read");
    let deeds: Vec<&str> = deeds.iter().map(|(action,)| &**action).collect();
    assert_eq!(
        deeds[3..],
        [
            "hold.create",
            "hold.end",
            "payment.change",
            "payment.extend",
            "grant.create",
            "member.change",
            "card.label",
            "card.lost"
        ]
    );
}

#[tokio::test]
async fn many_who_would_lose_access_wait_for_a_yes() {
    let api = Api::new().await;
    club(&api, 6).await;
    let before = api.picture().await;
    let hold = json!({"hold": {"reason": "a flood"}});
    let all = json!([1, 2, 3, 4, 5, 6]);
    let told = api.post(BULK, json!({"members": all, "deed": hold})).await;
    assert_eq!(
        (&told["needs_yes"], &told["written"]),
        (&json!(true), &json!(false))
    );
    let wish = json!({"members": all, "deed": hold, "write": true});
    let refused = api.refused(Method::POST, BULK, Some(wish.clone())).await;
    assert_eq!((refused.0, refused.1.as_deref()), (409, Some("approved")));
    assert_eq!(api.picture().await, before);
    api.post(&format!("{BULK}?approved=true"), wish).await;
    assert_eq!(state(&api, 6).await, "held");
}

#[tokio::test]
async fn what_is_wrong_changes_nothing() {
    let api = Api::new().await;
    club(&api, 1).await;
    let before = api.picture().await;
    for (wish, field) in [
        (json!({"members": [], "deed": {"end_holds": {}}}), "members"),
        (
            json!({"members": [1, 9], "deed": {"end_holds": {}}}),
            "members",
        ),
        (
            json!({"members": [1], "deed": {"extend": {"days": 0}}}),
            "days",
        ),
        (
            json!({"members": [1], "deed": {"change_type": {"membership": "none"}}}),
            "membership",
        ),
        (
            json!({"members": [1], "deed": {"hold": {"reason": "x", "until": "2020-01-01T00:00:00Z"}}}),
            "until",
        ),
    ] {
        let mut wish = wish;
        wish["write"] = json!(true);
        let refused = api.refused(Method::POST, BULK, Some(wish)).await;
        assert_eq!((refused.0, refused.1.as_deref()), (422, Some(field)));
    }
    assert_eq!(api.picture().await, before);
}

#[tokio::test]
async fn a_page_asks_then_shows_then_does() {
    let api = Api::new().await;
    club(&api, 6).await;
    let browser = owner(&api).await;
    let chosen = [("member", "1"), ("member", "2"), ("what", "hold")];
    let page = browser.post("/admin/members/bulk", &chosen).await;
    assert!(
        page.says("2 members are chosen.") && page.says("name=\"reason\""),
        "{}",
        page.text
    );
    assert!(!page.says("name=\"yes\""));
    let mut fields = chosen.to_vec();
    fields.push(("reason", "a check"));
    let page = browser.post("/admin/members/bulk", &fields).await;
    assert!(page.says("2 members lose access.") && page.says("Do it, to 2 members"));
    assert_eq!(state(&api, 1).await, "good");
    fields.push(("yes", "true"));
    let page = browser.post("/admin/members/bulk", &fields).await;
    assert_eq!(page.location(), "/admin/members?done=2", "{}", page.text);
    assert_eq!(state(&api, 1).await, "held");
    assert!(
        browser
            .get("/admin/members?done=2")
            .await
            .says("Done, to 2 members.")
    );

    // All that fit, whatever page they stand on.
    let all = [
        ("all", "true"),
        ("of_state", "held"),
        ("what", "end_holds"),
        ("yes", "true"),
    ];
    let page = browser.post("/admin/members/bulk", &all).await;
    assert_eq!(page.location(), "/admin/members?done=2", "{}", page.text);
    let none = browser
        .post("/admin/members/bulk", &[("what", "hold")])
        .await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);

    // Who may do things to many may not do more to one.
    let (treasurer, _) = browser.invites(Role::Treasurer).await;
    let page = treasurer.post("/admin/members/bulk", &fields).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let lost = [("member", "1"), ("what", "cards_lost"), ("yes", "true")];
    let page = treasurer.post("/admin/members/bulk", &lost).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
}

#[tokio::test]
async fn members_are_saved_as_a_table_without_formulas() {
    let api = Api::new().await;
    club(&api, 2).await;
    api.member("=HYPERLINK(1)").await;
    let browser = owner(&api).await;
    let page = browser
        .post("/admin/members/export", &[("all", "true")])
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let lines: Vec<&str> = page.text.lines().collect();
    assert_eq!(
        lines[0],
        "\u{feff}Number,Name,Mail address,Standing,Until / since,Membership type,Cards"
    );
    assert!(
        lines[1].starts_with("1,Ada,,in good standing,2026-02-"),
        "{}",
        lines[1]
    );
    assert_eq!(lines[3], "3,'=HYPERLINK(1),,never in,,,0");
    let page = browser
        .post("/admin/members/export", &[("member", "2")])
        .await;
    assert_eq!(page.text.lines().count(), 2);
}
