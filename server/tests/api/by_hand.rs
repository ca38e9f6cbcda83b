//! Money received by hand: periods on the calendar, the reminder, and payments that are declared void.

use crate::stripe::state;
use crate::support::{Api, TOKEN, read};
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use shared::time::Span;

fn cash(member: i64, rest: Value) -> Value {
    let mut body = json!({"member": member, "source": "cash", "amount": 2500, "currency": "eur", "membership": "full"});
    for (field, value) in rest.as_object().expect("fields") {
        body[field] = value.clone();
    }
    body
}

/// Sends a payment under a key.
async fn keyed(api: &Api, key: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post("/api/v1/payments")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("Idempotency-Key", key);
    let request = request.body(body.to_string().into());
    read(api.send(request.expect("a request")).await).await
}

/// The clock goes on, and what it brings is derived.
async fn wait(api: &Api, span: Span) {
    api.wait(span);
    api.app.tick(api.now()).await.expect("the clock moved");
}

#[tokio::test]
async fn months_are_counted_on_the_locations_calendar_and_go_on_from_their_anchor() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    api.put(
        "/api/v1/locations/main",
        json!({"name": "Main", "time_zone": "Europe/Berlin"}),
    )
    .await;
    let month = json!({"periods": {"months": 1}});
    let first = json!({"periods": {"months": 1}, "from": "2026-01-31T09:00:00Z"});
    let paid = api.post("/api/v1/payments", cash(ada, first)).await;
    assert_eq!(paid["until"], "2026-02-28T09:00:00Z");
    // Ten in the morning in Berlin, in summer an hour earlier by UTC.
    for until in [
        "2026-03-31T08:00:00Z",
        "2026-04-30T08:00:00Z",
        "2026-05-31T08:00:00Z",
    ] {
        let paid = api.post("/api/v1/payments", cash(ada, month.clone())).await;
        assert_eq!(paid["until"], until);
    }
    let view = api.get(&format!("/api/v1/payments?member={ada}")).await;
    assert_eq!(view["items"][0]["from"], "2026-04-30T08:00:00Z");
    // Another type, and somebody else, begin when the money comes.
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    let other = json!({"periods": {"weeks": 2}, "membership": "less"});
    let paid = api.post("/api/v1/payments", cash(ada, other)).await;
    assert_eq!(paid["from"], "2026-01-05T10:00:00Z");
    assert_eq!(paid["until"], "2026-01-19T10:00:00Z");
    let ben = api.member("Ben").await;
    let paid = api.post("/api/v1/payments", cash(ben, month.clone())).await;
    assert_eq!(paid["from"], "2026-01-05T10:00:00Z");
    // In the slack the next goes on where the last ended; after it, it begins when the money comes.
    wait(&api, Span::days(33)).await;
    assert_eq!(state(&api, ben).await, "good");
    let paid = api.post("/api/v1/payments", cash(ben, month.clone())).await;
    assert_eq!(paid["from"], "2026-02-05T10:00:00Z");
    wait(&api, Span::days(60)).await;
    assert_eq!(state(&api, ben).await, "lapsed");
    let paid = api.post("/api/v1/payments", cash(ben, month)).await;
    assert_eq!(paid["from"], "2026-04-08T10:00:00Z");
    assert_eq!(paid["until"], "2026-05-08T10:00:00Z");
}

#[tokio::test]
async fn a_week_before_its_end_the_member_is_told_once() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let month = json!({"periods": {"months": 1}});
    api.post("/api/v1/payments", cash(ada, month.clone())).await;
    let told = async || api.get("/api/v1/notices").await["items"].clone();
    wait(&api, Span::seconds(24 * 86_400 - 1)).await;
    assert_eq!(told().await, json!([]));
    for span in [Span::seconds(1), Span::days(1), Span::days(1)] {
        wait(&api, span).await;
        let told = told().await;
        assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
        assert_eq!(
            (
                &told[0]["kind"],
                &told[0]["subject"],
                &told[0]["member"],
                &told[0]["customer"]
            ),
            (
                &json!("payment_ends"),
                &json!("payment 1"),
                &json!(ada),
                &Value::Null
            )
        );
        assert_eq!(told[0]["cause"], "the clock");
        assert_eq!(told[0]["at"], "2026-01-29T10:00:00Z");
    }
    // What follows is void again: of the same end nobody is told twice.
    api.post("/api/v1/payments", cash(ada, month)).await;
    assert_eq!(api.get("/api/v1/attention").await["items"], json!([]));
    api.post("/api/v1/payments/2/void", json!({"reason": "bounced"}))
        .await;
    let open = api.get("/api/v1/attention").await["items"].clone();
    assert_eq!(open[0]["kind"], "payment_ending");
    assert_eq!(told().await.as_array().map(Vec::len), Some(1));
    wait(&api, Span::days(20)).await;
    assert_eq!(told().await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_payment_by_hand_is_declared_void_and_access_ends_at_once() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let month = json!({"periods": {"months": 1}});
    api.post("/api/v1/payments", cash(ada, month.clone())).await;
    assert_eq!(state(&api, ada).await, "good");
    wait(&api, Span::days(2)).await;
    let void = "/api/v1/payments/1/void";
    let paid = api.post(void, json!({"reason": "counted twice"})).await;
    assert_eq!(
        (&paid["voided_at"], &paid["void_reason"], &paid["amount"]),
        (
            &json!("2026-01-07T10:00:00Z"),
            &json!("counted twice"),
            &json!(2500)
        )
    );
    assert_eq!(state(&api, ada).await, "stranger");
    assert_eq!(
        api.deeds().await.last().map(String::as_str),
        Some("payment.void")
    );
    let again = api
        .refused(Method::POST, void, Some(json!({"reason": "again"})))
        .await;
    assert_eq!((again.0, again.1.as_deref()), (409, Some("payment")));
    // A void payment is none to go on from.
    wait(&api, Span::days(1)).await;
    let paid = api.post("/api/v1/payments", cash(ada, month)).await;
    assert_eq!(paid["from"], "2026-01-08T10:00:00Z");
    let view = api.get(&format!("/api/v1/members/{ada}")).await;
    let told: Vec<(&str, &str)> = view["story"]
        .as_array()
        .expect("a story")
        .iter()
        .map(|chapter| {
            let word = |field: &str| chapter[field].as_str().expect("a word");
            (word("what"), word("sentence"))
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "opened",
                "Member as Full. 25.00 EUR were charged (payment 1)."
            ),
            ("ended", "Full ended. What it rested on was taken away."),
            (
                "voided",
                "What was paid for Full was declared void (payment 1: counted twice)."
            ),
            (
                "opened",
                "Member as Full. 25.00 EUR were charged (payment 2)."
            ),
        ]
    );
    // What was known before is still known.
    let then = format!("/api/v1/members/{ada}/explain?at=2026-01-06T10:00:00Z");
    let told = api.get(&then).await;
    let standing = told["standing"].as_str().expect("a sentence");
    assert!(standing.starts_with("in good standing"), "{standing}");
}

#[tokio::test]
async fn a_payment_sent_again_under_its_key_is_booked_once() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let month = cash(ada, json!({"periods": {"months": 1}}));
    let booked = async || {
        let payments = api.get("/api/v1/payments").await;
        payments["items"].as_array().map(Vec::len)
    };
    // What was refused took no key.
    let nobody = cash(99, json!({"periods": {"months": 1}}));
    assert_eq!(keyed(&api, "desk-1", &nobody).await.0, 422);
    let first = keyed(&api, "desk-1", &month).await;
    assert_eq!(first.0, StatusCode::CREATED, "{}", first.1);
    api.post("/api/v1/payments/1/void", json!({"reason": "bounced"}))
        .await;
    wait(&api, Span::days(6)).await;
    assert_eq!(
        keyed(&api, "desk-1", &month).await,
        first,
        "as it was answered"
    );
    assert_eq!(booked().await, Some(1));
    let two = cash(ada, json!({"periods": {"months": 2}}));
    let (status, problem) = keyed(&api, "desk-1", &two).await;
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (422, &json!("Idempotency-Key"))
    );
    for key in ["", "a b", "ü", &"k".repeat(256)] {
        let (status, problem) = keyed(&api, key, &month).await;
        assert_eq!(
            (status.as_u16(), &problem["field"]),
            (422, &json!("Idempotency-Key")),
            "{key}"
        );
    }
    assert_eq!(booked().await, Some(1));
    assert_eq!(keyed(&api, "desk-2", &month).await.0, StatusCode::CREATED);
    // Without a key each is another.
    api.post("/api/v1/payments", month.clone()).await;
    assert_eq!(booked().await, Some(3));
    // A key is forgotten after a week.
    wait(&api, Span::days(2)).await;
    assert_eq!(keyed(&api, "desk-1", &two).await.0, StatusCode::CREATED);
    assert_eq!(booked().await, Some(4));
}

#[tokio::test]
async fn two_payments_under_one_key_at_once_are_one() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let month = cash(ada, json!({"periods": {"months": 1}}));
    let (first, second) = tokio::join!(keyed(&api, "desk", &month), keyed(&api, "desk", &month));
    assert_eq!(first, second);
    assert_eq!(first.0, StatusCode::CREATED);
    let payments = api.get("/api/v1/payments").await;
    assert_eq!(payments["items"].as_array().map(Vec::len), Some(1));
}
