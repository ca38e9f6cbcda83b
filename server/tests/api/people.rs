//! Members, cards, grants, holds, payments, and who pays for whom.

use crate::support::{Api, organisation};
use axum::http::Method;
use serde_json::{Value, json};
use server::store::mirror::{self, Kept, Object};
use server::store::prices::{self, PriceRow};
use shared::facts::{Collection, Item, Subscription, SubscriptionStatus};
use shared::ids::{AccountId, MemberId};
use shared::time::{Span, Timestamp};

#[tokio::test]
async fn members_are_made_found_and_changed() {
    let api = Api::new().await;
    let body = json!({"name": "Ada Lovelace", "mail": "Ada@Example.org", "keyholder": true});
    let ada = api.post("/api/v1/members", body).await;
    assert_eq!(
        (&ada["standing"]["state"], &ada["keyholder"]),
        (&json!("stranger"), &json!(true))
    );
    for name in ["Grace 100%", "Öz"] {
        api.member(name).await;
    }
    let found =
        async |text: &str| api.get(&format!("/api/v1/members?q={text}")).await["items"].clone();
    assert_eq!(found("lovelace").await[0]["id"], ada["id"]);
    assert_eq!(found("ada%40example").await[0]["id"], ada["id"]);
    assert_eq!(found("100%25").await.as_array().map(Vec::len), Some(1));
    assert_eq!(found("0_%25").await, json!([]), "wildcards are only text");
    assert_eq!(found("%C3%96z").await[0]["name"], "Öz");
    let first = api.get("/api/v1/members?limit=2").await;
    assert_eq!(
        (first["items"].as_array().map(Vec::len), &first["next"]),
        (Some(2), &json!("2"))
    );
    let rest = api.get("/api/v1/members?limit=2&after=2").await;
    assert_eq!(
        (rest["items"].as_array().map(Vec::len), &rest["next"]),
        (Some(1), &Value::Null)
    );
    let changed = api.patch("/api/v1/members/1", json!({"mail": null})).await;
    assert_eq!(
        (&changed["mail"], &changed["name"]),
        (&Value::Null, &json!("Ada Lovelace"))
    );
}

#[tokio::test]
async fn a_card_opens_is_lost_found_and_handed_on() {
    let mut api = Api::new().await;
    let ada = api.furnish().await;
    api.post(
        &format!("/api/v1/members/{ada}/grants"),
        json!({"membership": "full", "reason": "founder"}),
    )
    .await;
    api.published();
    let card = api
        .post(
            "/api/v1/cards",
            json!({"member": ada, "uid": "04:15:ab:3c", "label": "blue fob"}),
        )
        .await;
    assert_eq!(
        (&card["last_digits"], &card["state"]),
        (&json!("AB3C"), &json!("ok"))
    );
    assert!(!card.to_string().contains("0415"));
    let topics: Vec<String> = api
        .published()
        .into_iter()
        .map(|message| message.topic)
        .collect();
    assert_eq!(topics[0], "gs/1/club/zones/hall/delta", "{topics:?}");
    let says = |told: Value| {
        told["zones"][0]["says"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let explain = format!("/api/v1/members/{ada}/explain");
    assert!(says(api.get(&explain).await).contains("a card opens at all hours"));
    let mark = |word: &'static str| api.post("/api/v1/cards/1/mark", json!({"mark": word}));
    assert_eq!(mark("lost").await["state"], "lost");
    assert!(says(api.get(&explain).await).contains("refused as lost"));
    assert_eq!(mark("found").await["state"], "ok");
    assert_eq!(mark("returned").await["state"], "returned");
    assert_eq!(api.get("/api/v1/zones/hall").await["entries"], 0);
    let refused = api
        .refused(
            Method::POST,
            "/api/v1/cards/1/mark",
            Some(json!({"mark": "found"})),
        )
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (409, Some("mark")));
    let grace = api.member("Grace").await;
    let again = api
        .post("/api/v1/cards", json!({"member": grace, "uid": "0415AB3C"}))
        .await;
    assert_eq!((&again["id"], &again["member"]), (&json!(1), &json!(grace)));
    assert_eq!(
        api.get(&format!("/api/v1/cards?member={ada}")).await["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_card_that_has_an_owner_is_refused() {
    let api = Api::new().await;
    let (ada, grace) = (api.furnish().await, api.member("Grace").await);
    api.post("/api/v1/cards", json!({"member": ada, "uid": "0415AB3C"}))
        .await;
    let before = api.picture().await;
    for member in [ada, grace] {
        let body = json!({"member": member, "uid": "04-15-ab-3c"});
        let (status, field, detail) = api.refused(Method::POST, "/api/v1/cards", Some(body)).await;
        assert_eq!((status, field.as_deref()), (409, Some("uid")));
        assert!(
            detail.contains("card 1 of member 1") && !detail.to_uppercase().contains("0415"),
            "{detail}"
        );
    }
    assert_eq!(api.picture().await, before);
    api.post("/api/v1/cards", json!({"member": grace, "uid": "0415AB3D"}))
        .await;
}

#[tokio::test]
async fn a_grant_gives_and_a_hold_withholds_until_they_end() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let state =
        || async { api.get(&format!("/api/v1/members/{ada}")).await["standing"]["state"].clone() };
    let body = json!({"membership": "full", "until": "2026-02-01T00:00:00Z", "reason": "helps"});
    let grant = api
        .post(&format!("/api/v1/members/{ada}/grants"), body)
        .await;
    assert_eq!(
        (&grant["until"], &grant["made_by"]),
        (&json!("2026-02-01T00:00:00Z"), &json!("admin"))
    );
    assert_eq!(state().await, "good");
    api.post(
        &format!("/api/v1/members/{ada}/holds"),
        json!({"reason": "see the board"}),
    )
    .await;
    assert_eq!(state().await, "held");
    let held = api.get("/api/v1/members?state=held").await;
    assert_eq!(held["items"][0]["is_in"], false);
    api.wait(Span::hours(1));
    api.post("/api/v1/holds/1/end", json!({})).await;
    assert_eq!(state().await, "good");
    let refused = api
        .refused(Method::POST, "/api/v1/holds/1/end", Some(json!({})))
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (409, Some("at")));
    api.post("/api/v1/grants/1/end", json!({})).await;
    assert_eq!(state().await, "lapsed");
    let grants = api.get(&format!("/api/v1/members/{ada}/grants")).await;
    assert_eq!(grants[0]["until"], "2026-01-05T11:00:00Z");
    let view = api.get(&format!("/api/v1/members/{ada}")).await;
    assert_eq!(view["terms"][0]["membership"], "full");
    assert_eq!(view["holds"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn money_received_by_hand_opens_doors() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let body = json!({"member": ada, "source": "cash", "amount": 2500, "currency": "EUR", "membership": "full",
        "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "note": "envelope"});
    let paid = api.post("/api/v1/payments", body).await;
    assert_eq!(
        (&paid["amount"], &paid["currency"], &paid["reason"]),
        (&json!(2500), &json!("eur"), &json!("recorded by hand"))
    );
    let view = api.get(&format!("/api/v1/members/{ada}")).await;
    assert_eq!(view["standing"]["state"], "good");
    assert_eq!(view["standing"]["access"][0]["fact"], "payment");
    assert_eq!(api.get("/api/v1/payments").await["items"], json!([paid]));
    assert_eq!(
        api.get("/api/v1/payments?member=99").await["items"],
        json!([])
    );
}

/// A running subscription with two seats, paid by a customer that is nobody's.
pub async fn subscribe(api: &Api, customer: &str) -> AccountId {
    let account = api.app.account;
    let now = api.now();
    let item = Item {
        id: "si_1".to_owned(),
        price: "price_1".to_owned(),
        membership: None,
        quantity: 2,
        period_start: now - Span::days(1),
        period_end: now + Span::days(29),
    };
    let subscription = Subscription {
        id: "sub_1".to_owned(),
        customer: customer.to_owned(),
        status: SubscriptionStatus::Trialing,
        created: now - Span::days(1),
        cancel_at_period_end: false,
        cancel_at: None,
        ended_at: None,
        cancellation: None,
        pause: None,
        paused_because: None,
        collection: Collection::Automatic,
        trial_end: Some(now + Span::days(29)),
        items: vec![item],
    };
    let mut tx = api.tx().await;
    mirror::meet(&mut tx, account, customer, now);
    let kept = Kept {
        object: Object::Subscription(subscription),
        stamp: None,
        as_of: Timestamp::MIN,
    };
    mirror::put(&mut tx, account, customer, &kept, api.now());
    let price = PriceRow {
        x: Some("full".to_owned()),
        ..PriceRow::default()
    };
    prices::put(&mut tx, account, "price_1", &price, "1")
        .await
        .expect("kept");
    server::store::rulebook::changed(&mut tx)
        .await
        .expect("counted");
    tx.commit().await.expect("committed");
    account
}

#[tokio::test]
async fn a_seat_of_a_customer_that_belongs_to_nobody_covers_whom_it_names() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    subscribe(&api, "cus_1").await;
    api.put(
        "/api/v1/coverage/si_1/1",
        json!({"customer": "cus_1", "member": ada}),
    )
    .await;
    let view = api.get(&format!("/api/v1/members/{ada}")).await;
    assert_eq!(view["standing"]["state"], "good");
}

#[tokio::test]
async fn a_clock_that_is_set_back_gives_back_what_it_took() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    api.post(
        &format!("/api/v1/members/{ada}/grants"),
        json!({"membership": "full", "reason": "founder", "until": "2026-02-01T00:00:00Z"}),
    )
    .await;
    let state = async || {
        let view = api.get(&format!("/api/v1/members/{ada}")).await;
        view["standing"]["state"].clone()
    };
    let right = api.now();
    api.app.tick(right).await.expect("a step");
    api.app.tick(right + Span::days(45)).await.expect("a step");
    assert_ne!(state().await, "good");
    api.app
        .tick(right + Span::seconds(5))
        .await
        .expect("a step");
    assert_eq!(state().await, "good");
}

#[tokio::test]
async fn a_customer_is_linked_and_pays_for_two() {
    let api = Api::new().await;
    let (ada, grace) = (api.furnish().await, api.member("Grace").await);
    subscribe(&api, "cus_1").await;
    assert_eq!(
        api.get("/api/v1/customers?member=0").await["items"][0]["id"],
        "cus_1"
    );
    let linked = api
        .post("/api/v1/customers/cus_1/link", json!({"member": ada}))
        .await;
    assert_eq!(
        (&linked["member"], &linked["confirmed"], &linked["link"]),
        (&json!(ada), &json!(true), &json!("admin"))
    );
    let view = api.get(&format!("/api/v1/members/{ada}")).await;
    assert_eq!(
        (&view["standing"]["state"], &view["covered"][0]["seat"]),
        (&json!("good"), &json!(1))
    );
    let state = |member: i64| {
        let api = &api;
        async move { api.get(&format!("/api/v1/members/{member}")).await["standing"]["state"].clone() }
    };
    assert_eq!(state(grace).await, "stranger");
    api.put(
        "/api/v1/coverage/si_1/2",
        json!({"customer": "cus_1", "member": grace}),
    )
    .await;
    assert_eq!(state(grace).await, "good");
    assert_eq!(state(ada).await, "good");
    for (seat, item, field) in [
        (3, "si_1", "seat"),
        (0, "si_1", "seat"),
        (1, "si_9", "item"),
    ] {
        let body = json!({"customer": "cus_1", "member": grace});
        let refused = api
            .refused(
                Method::PUT,
                &format!("/api/v1/coverage/{item}/{seat}"),
                Some(body),
            )
            .await;
        assert_eq!((refused.0, refused.1.as_deref()), (422, Some(field)));
    }
    api.delete("/api/v1/coverage/si_1/2").await;
    assert_ne!(state(grace).await, "good");
    api.post("/api/v1/customers/cus_1/link", json!({"member": grace}))
        .await;
    assert_eq!(
        (state(grace).await, state(ada).await == "good"),
        (json!("good"), false)
    );
}

#[tokio::test]
async fn what_an_admin_did_is_in_the_audit_log() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    api.post(
        &format!("/api/v1/members/{ada}/holds"),
        json!({"reason": "see the board"}),
    )
    .await;
    let told = server::web::explain_lines(&api.app, MemberId(ada), api.now())
        .await
        .expect("told")
        .expect("there is such a member");
    assert!(
        told.iter().any(|line| line.contains("hold 1 was made")),
        "{told:?}"
    );
    let nobody = server::web::explain_lines(&api.app, MemberId(ada + 1), api.now()).await;
    assert_eq!(nobody.expect("told"), None);
    assert_eq!(api.app.organisation, organisation());
}
