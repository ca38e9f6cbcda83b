//! Fobs that are lent: a pool, an end that the doors know, and what came back.

use crate::support::Api;
use axum::http::Method;
use serde_json::{Value, json};
use server::membership::forget::WAIT;
use server::store::lists;
use shared::ids::MemberId;
use shared::rights::{CardState, Entry};
use shared::time::{Span, Timestamp};

/// A pool of one fob, and a member who may pass.
async fn pool(api: &Api) -> i64 {
    let ada = api.furnish().await;
    let grant = json!({"membership": "full", "reason": "founder"});
    api.post(&format!("/api/v1/members/{ada}/grants"), grant)
        .await;
    let fob = json!({"label": "Fob 7", "uid": "0077705923", "format": "decimal"});
    let made = api.post("/api/v1/loaners", fob).await;
    let there = json!({"id": 1, "label": "Fob 7", "last_digits": "B2C3", "loan": null});
    assert_eq!(made, there);
    ada
}

async fn listed(api: &Api, member: i64) -> Vec<Entry> {
    let entries = lists::of_member(&mut api.tx().await, MemberId(member)).await;
    let entries = entries.expect("read").into_iter();
    entries.map(|(_, entry)| entry).collect()
}

fn until(api: &Api, span: Span) -> (Timestamp, Value) {
    let end = api.now() + span;
    let text = jiff::Timestamp::from_millisecond(end.0).expect("a moment");
    (end, json!(text.to_string()))
}

async fn lend(api: &Api, member: i64, span: Span) -> Value {
    let (_, until) = until(api, span);
    let body = json!({"member": member, "until": until});
    api.post("/api/v1/loaners/1/lend", body).await
}

#[tokio::test]
async fn a_fob_opens_until_its_end_and_the_doors_know_that_by_themselves() {
    let api = Api::new().await;
    let ada = pool(&api).await;
    let (end, text) = until(&api, Span::hours(8));
    let lent = lend(&api, ada, Span::hours(8)).await;
    assert_eq!(
        (&lent["loan"]["member"], &lent["loan"]["until"]),
        (&json!(ada), &text)
    );
    let [entry] = &listed(&api, ada).await[..] else {
        panic!("one card")
    };
    assert_eq!(entry.state, CardState::Ok);
    let ends: Vec<_> = entry
        .rights
        .iter()
        .map(|right| (right.not_after, right.certain))
        .collect();
    assert_eq!(ends, [(Some(end), true)]);
    // For longer: the list follows.
    lend(&api, ada, Span::hours(9)).await;
    assert_eq!(
        listed(&api, ada).await[0].rights[0].not_after,
        Some(end + Span::hours(1))
    );
    // And the end comes as a word, too, by the clock alone; the member is a member all the same.
    api.wait(Span::hours(9));
    api.app.tick(api.now()).await.expect("ticks");
    let [entry] = &listed(&api, ada).await[..] else {
        panic!("one card")
    };
    assert_eq!((entry.state, entry.rights.len()), (CardState::Ended, 0));
    assert_eq!(
        api.get(&format!("/api/v1/members/{ada}")).await["standing"]["state"],
        "good"
    );
    assert_eq!(api.get("/api/v1/loaners").await[0]["loan"]["overdue"], true);
    let back = api.post("/api/v1/loaners/1/return", Value::Null).await;
    assert_eq!(back["loan"], Value::Null);
    assert_eq!(listed(&api, ada).await, []);
    // Twice is once.
    api.post("/api/v1/loaners/1/return", Value::Null).await;
    let deeds = api.deeds().await;
    let of_fobs: Vec<&String> = deeds
        .iter()
        .filter(|deed| deed.starts_with("loaner."))
        .collect();
    assert_eq!(
        of_fobs,
        ["loaner.add", "loaner.lend", "loaner.lend", "loaner.return"]
    );
}

#[tokio::test]
async fn a_loan_ends_no_later_than_what_it_rests_on() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    pool_fob(&api).await;
    let (end, text) = until(&api, Span::hours(1));
    let grant = json!({"membership": "full", "until": text, "reason": "a guest"});
    api.post(&format!("/api/v1/members/{ada}/grants"), grant)
        .await;
    lend(&api, ada, Span::days(3)).await;
    assert_eq!(listed(&api, ada).await[0].rights[0].not_after, Some(end));
}

async fn pool_fob(api: &Api) {
    let fob = json!({"label": "Fob 7", "uid": "04A1B2C3"});
    api.post("/api/v1/loaners", fob).await;
}

#[tokio::test]
async fn a_fob_that_came_back_is_lent_to_the_next_one() {
    let api = Api::new().await;
    let ada = pool(&api).await;
    let bea = api.member("Bea").await;
    lend(&api, ada, Span::hours(1)).await;
    let (_, end) = until(&api, Span::hours(2));
    let to_bea = json!({"member": bea, "until": end});
    let (status, field, detail) = api
        .refused(Method::POST, "/api/v1/loaners/1/lend", Some(to_bea.clone()))
        .await;
    assert_eq!(
        (status, field.as_deref()),
        (409, Some("loaner")),
        "{detail}"
    );
    // Returned at the desk as any card is.
    api.post("/api/v1/cards/1/mark", json!({"mark": "returned"}))
        .await;
    let lent = api.post("/api/v1/loaners/1/lend", to_bea).await;
    assert_eq!(lent["loan"]["member"], bea);
    let card = &api.get("/api/v1/cards").await["items"][0];
    assert_eq!(
        (&card["member"], &card["label"]),
        (&json!(bea), &json!("Fob 7"))
    );
    assert_eq!(card["lent_until"], end);

    // Back in the drawer it is not lost and found for whoever had it last.
    api.post("/api/v1/cards/1/mark", json!({"mark": "returned"}))
        .await;
    for mark in ["lost", "found"] {
        let mark = Some(json!({"mark": mark}));
        let (status, ..) = api
            .refused(Method::POST, "/api/v1/cards/1/mark", mark)
            .await;
        assert_eq!(status, 409);
    }
    assert_eq!(listed(&api, bea).await, []);

    // Who had it after somebody else is forgotten like everybody.
    api.post(&format!("/api/v1/members/{bea}/erasure"), json!({}))
        .await;
    api.wait(WAIT);
    for _ in 0..3 {
        drop(api.app.keep_forgetting(api.now()).await.expect("a step"));
        api.wait(Span::hours(1));
    }
    let name = api.get(&format!("/api/v1/members/{bea}")).await["name"].clone();
    assert_eq!(name, json!(format!("#{bea}")));
}

#[tokio::test]
async fn a_lost_fob_is_dead_at_once_and_leaves_the_pool_as_it_is() {
    let api = Api::new().await;
    let ada = pool(&api).await;
    let (end, _) = until(&api, Span::hours(1));
    lend(&api, ada, Span::hours(1)).await;
    api.post("/api/v1/cards/1/mark", json!({"mark": "lost"}))
        .await;
    assert_eq!(listed(&api, ada).await[0].state, CardState::Lost);
    assert_eq!(api.get("/api/v1/loaners").await[0]["loan"]["lost"], true);
    api.delete("/api/v1/loaners/1").await;
    assert_eq!(api.get("/api/v1/loaners").await, json!([]));
    assert_eq!(listed(&api, ada).await[0].state, CardState::Lost);
    api.post("/api/v1/cards/1/mark", json!({"mark": "found"}))
        .await;
    let ends: Vec<_> = listed(&api, ada).await[0]
        .rights
        .iter()
        .map(|right| right.not_after)
        .collect();
    assert_eq!(ends, [Some(end)], "found, it ends with its loan");
}

#[tokio::test]
async fn what_does_not_fit_the_pool_changes_nothing() {
    let api = Api::new().await;
    let ada = pool(&api).await;
    api.post("/api/v1/cards", json!({"member": ada, "uid": "0415AB3C"}))
        .await;
    lend(&api, ada, Span::hours(1)).await;
    let before = (api.picture().await, api.get("/api/v1/loaners").await);
    let (_, past) = until(&api, Span(0));
    let (_, far) = until(&api, Span::days(400));
    let (_, good) = until(&api, Span::hours(2));
    for (method, path, body, status, field) in [
        (
            Method::POST,
            "/api/v1/loaners",
            json!({"label": "x", "uid": "0415AB3C"}),
            409,
            "uid",
        ),
        (
            Method::POST,
            "/api/v1/loaners",
            json!({"label": "x", "uid": "04A1B2C3"}),
            409,
            "uid",
        ),
        (
            Method::POST,
            "/api/v1/loaners",
            json!({"label": "x", "uid": "12"}),
            422,
            "uid",
        ),
        (
            Method::POST,
            "/api/v1/loaners",
            json!({"label": "x", "uid": "1", "format": "roman"}),
            422,
            "format",
        ),
        (
            Method::POST,
            "/api/v1/cards",
            json!({"member": ada, "uid": "04A1B2C3"}),
            409,
            "uid",
        ),
        (
            Method::POST,
            "/api/v1/loaners/1/lend",
            json!({"member": ada, "until": past}),
            422,
            "until",
        ),
        (
            Method::POST,
            "/api/v1/loaners/1/lend",
            json!({"member": ada, "until": far}),
            422,
            "until",
        ),
        (
            Method::POST,
            "/api/v1/loaners/1/lend",
            json!({"member": 99, "until": good}),
            422,
            "member",
        ),
        (
            Method::DELETE,
            "/api/v1/loaners/1",
            Value::Null,
            409,
            "loaner",
        ),
    ] {
        let refused = api.refused(method, path, Some(body)).await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (status, Some(field)),
            "{path}: {}",
            refused.2
        );
    }
    let (_, good) = until(&api, Span::hours(2));
    let body = json!({"member": ada, "until": good});
    assert_eq!(
        api.refused(Method::POST, "/api/v1/loaners/9/lend", Some(body))
            .await
            .0,
        404
    );
    assert_eq!(
        (api.picture().await, api.get("/api/v1/loaners").await),
        before
    );
}
