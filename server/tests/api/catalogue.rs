//! What Stripe sells: types, places, warnings; an admin's own word; tags written into Stripe.

use crate::happened::{deliver, signed};
use crate::support::Api;
use crate::twin::{Trouble, Twin};
use axum::http::Method;
use serde_json::{Value, json};
use server::store::mirror::{self, Kept, Object};
use shared::facts::{Collection, Item, Subscription, SubscriptionStatus};
use shared::time::{Span, Timestamp};
use std::sync::Arc;

/// A member, with a customer and a running subscription at a price.
pub async fn payer(api: &Api, name: &str, price: &str) -> i64 {
    let member = api.member(name).await;
    subscribe(
        api,
        &format!("cus_{member}"),
        &format!("sub_{member}"),
        price,
    )
    .await;
    let link = format!("/api/v1/customers/cus_{member}/link");
    api.post(&link, json!({"member": member})).await;
    member
}

pub async fn subscribe(api: &Api, customer: &str, id: &str, price: &str) {
    let now = api.now();
    let item = Item {
        id: format!("si_of_{id}"),
        price: price.to_owned(),
        membership: None,
        quantity: 1,
        period_start: now - Span::days(1),
        period_end: now + Span::days(29),
    };
    let subscription = Subscription {
        id: id.to_owned(),
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
    let kept = Kept {
        object: Object::Subscription(subscription),
        stamp: None,
        as_of: Timestamp::MIN,
    };
    let mut tx = api.tx().await;
    mirror::meet(&mut tx, api.app.account, customer, now);
    mirror::put(&mut tx, api.app.account, customer, &kept, api.now());
    tx.commit().await.expect("committed");
}

async fn event(api: &Api, kind: &str, seconds: i64, price: Value) {
    let created = api.now().as_seconds() + seconds;
    let body = json!({"id": format!("evt_{kind}_{seconds}"), "object": "event", "type": kind, "created": created,
        "livemode": false, "api_version": "2026-09-30.endive", "data": {"object": price}})
    .to_string();
    assert_eq!(
        deliver(api, Some(&signed(api, &body)), body.clone()).await,
        200
    );
    while api.app.apply(api.now()).await.expect("applied").events > 0 {}
}

pub async fn state(api: &Api, member: i64) -> Value {
    let view = api.get(&format!("/api/v1/members/{member}")).await;
    view["standing"]["state"].clone()
}

async fn all_are(api: &Api, members: &[i64], wanted: &str) -> bool {
    for member in members {
        if state(api, *member).await != wanted {
            return false;
        }
    }
    true
}

fn price<'a>(catalogue: &'a Value, id: &str) -> &'a Value {
    let prices = catalogue["prices"].as_array().expect("prices");
    let found = prices.iter().find(|price| price["id"] == id);
    found.unwrap_or_else(|| panic!("{id} in {catalogue}"))
}

fn warns(price: &Value, about: &str) -> bool {
    let warnings = price["warnings"].as_array().expect("warnings");
    let mut texts = warnings.iter().filter_map(Value::as_str);
    texts.any(|text| text.contains(about))
}

#[tokio::test]
async fn the_catalogue_tells_each_price_its_type_where_it_stands_and_what_to_look_at() {
    let twin = Twin::default();
    let product = |name: &str| json!({"id": "prod_1", "object": "product", "name": name, "metadata": {}, "active": true});
    twin.price("membertype_full-monthly", json!({}));
    twin.price("price_nick", json!({"nickname": "membertype_full-Full"}));
    twin.price(
        "price_product",
        json!({"product": product("membertype_full")}),
    );
    twin.price(
        "price_old",
        json!({"nickname": "membertype_full", "active": false}),
    );
    twin.price("price_near", json!({"nickname": "Membertype_full"}));
    twin.price(
        "price_both",
        json!({"nickname": "membertype_full-a", "metadata": {"membertype": "less"}}),
    );
    twin.price("price_unknown", json!({"nickname": "membertype_99"}));
    for number in 0..120 {
        twin.price(
            &format!("price_shop_{number:03}"),
            json!({"recurring": null}),
        );
    }
    let api = Api::with_stripe(Arc::new(twin)).await;
    api.furnish().await;
    payer(&api, "Grace", "price_nick").await;
    let catalogue = api.get("/api/v1/catalogue").await;
    assert_eq!(catalogue["source"], "stripe");
    assert_eq!(catalogue["prices"].as_array().map(Vec::len), Some(127));
    for (id, place) in [
        ("membertype_full-monthly", "id"),
        ("price_nick", "nickname"),
        ("price_product", "product_name"),
        ("price_old", "nickname"),
        ("price_both", "nickname"),
    ] {
        let price = price(&catalogue, id);
        assert_eq!(
            (&price["membership"], &price["place"]),
            (&json!("full"), &json!(place))
        );
    }
    let nick = price(&catalogue, "price_nick");
    assert_eq!(
        (&nick["payers"], &nick["warnings"]),
        (&json!(1), &json!([]))
    );
    assert_eq!(
        (&nick["amount"], &nick["currency"], &nick["interval"]),
        (&json!(4000), &json!("eur"), &json!("month"))
    );
    assert_eq!(price(&catalogue, "price_old")["active"], false);
    for (id, about) in [
        ("price_near", "looks like a membertype"),
        ("price_both", "nickname) rules"),
        ("price_unknown", "there is no membership type `99`"),
        ("price_old", "nobody pays by it"),
    ] {
        let price = price(&catalogue, id);
        assert!(warns(price, about), "{price}");
    }
    let shop = price(&catalogue, "price_shop_007");
    assert_eq!(
        (&shop["membership"], &shop["warnings"]),
        (&Value::Null, &json!([]))
    );
    api.patch("/api/v1/organisation", json!({"default_type": "full"}))
        .await;
    let catalogue = api.get("/api/v1/catalogue").await;
    let unknown = price(&catalogue, "price_unknown");
    assert_eq!(
        (&unknown["membership"], &unknown["place"]),
        (&json!("full"), &json!("default"))
    );
}

#[tokio::test]
async fn without_a_key_the_catalogue_is_what_events_showed() {
    let api = Api::new().await;
    api.furnish().await;
    let price_1 = |nickname: &str, active: bool| {
        json!({"id": "price_1", "object": "price", "product": "prod_1",
        "nickname": nickname, "active": active, "unit_amount": 2500, "currency": "eur"})
    };
    event(
        &api,
        "price.created",
        0,
        price_1("membertype_full-Full", true),
    )
    .await;
    let ada = payer(&api, "Ada", "price_1").await;
    let catalogue = api.get("/api/v1/catalogue").await;
    assert_eq!(catalogue["source"], "events");
    let shown = price(&catalogue, "price_1");
    assert_eq!(
        (&shown["membership"], &shown["amount"]),
        (&json!("full"), &json!(2500))
    );
    // Older news than what was shown, and then archived and deleted: nobody loses a type.
    event(
        &api,
        "price.updated",
        20,
        price_1("membertype_full-Full", false),
    )
    .await;
    event(
        &api,
        "price.updated",
        10,
        price_1("membertype_full-Fuller", true),
    )
    .await;
    let shown = api.get("/api/v1/catalogue").await["prices"][0].clone();
    assert_eq!(
        (&shown["active"], &shown["nickname"]),
        (&json!(false), &json!("membertype_full-Full"))
    );
    event(
        &api,
        "price.deleted",
        30,
        price_1("membertype_full-Full", false),
    )
    .await;
    let shown = api.get("/api/v1/catalogue").await["prices"][0].clone();
    assert!(
        shown["gone_at"].is_string() && warns(&shown, "keeps the type"),
        "{shown}"
    );
    assert_eq!(
        (&shown["membership"], state(&api, ada).await),
        (&json!("full"), json!("good"))
    );
}

#[tokio::test]
async fn what_stripe_does_not_list_any_more_takes_nobodys_type() {
    let twin = Twin::default();
    twin.price("price_1", json!({"nickname": "membertype_full-Full"}));
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    api.furnish().await;
    api.get("/api/v1/catalogue").await;
    let ada = payer(&api, "Ada", "price_1").await;
    let kept = twin.rows().prices.remove("price_1").expect("a price");
    api.wait(Span::hours(1));
    let gone = api.get("/api/v1/catalogue").await["prices"][0].clone();
    assert!(
        gone["gone_at"].is_string() && gone["active"] == false,
        "{gone}"
    );
    assert_eq!(
        (&gone["membership"], state(&api, ada).await),
        (&json!("full"), json!("good"))
    );
    twin.rows().prices.insert("price_1".to_owned(), kept);
    let back = api.get("/api/v1/catalogue").await["prices"][0].clone();
    assert_eq!(
        (&back["gone_at"], &back["active"]),
        (&Value::Null, &json!(true))
    );
}

#[tokio::test]
async fn an_admins_own_word_counts_and_taking_it_back_from_many_waits_for_a_yes() {
    let api = Api::new().await;
    api.furnish().await;
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    event(
        &api,
        "price.created",
        0,
        json!({"id": "price_1", "object": "price", "nickname": "Monthly"}),
    )
    .await;
    let mut members = Vec::new();
    for number in 0..7 {
        members.push(payer(&api, &format!("Member {number}"), "price_1").await);
    }
    assert!(all_are(&api, &members, "stranger").await);
    let mapping = "/api/v1/catalogue/price_1/mapping";
    let nobody = api
        .refused(Method::PUT, mapping, Some(json!({"membership": "none"})))
        .await;
    assert_eq!((nobody.0, nobody.1.as_deref()), (422, Some("membership")));
    let missing = "/api/v1/catalogue/price_9/mapping";
    let missing = api
        .refused(Method::PUT, missing, Some(json!({"membership": "full"})))
        .await;
    assert_eq!(missing.0, 404);
    let mapped = api.put(mapping, json!({"membership": "full"})).await;
    assert_eq!(
        (&mapped["membership"], &mapped["place"], &mapped["payers"]),
        (&json!("full"), &json!("mapping"), &json!(7))
    );
    assert!(all_are(&api, &members, "good").await);
    // What the price is called at Stripe does not matter now, and is said.
    let named = json!({"id": "price_1", "object": "price", "nickname": "membertype_less-Monthly"});
    event(&api, "price.updated", 5, named).await;
    event(
        &api,
        "price.updated",
        6,
        json!({"id": "price_1", "object": "price", "nickname": "Monthly"}),
    )
    .await;
    assert_eq!(api.get("/api/v1/attention").await["items"], json!([]));
    assert!(all_are(&api, &members, "good").await);
    let before = api.picture().await;
    let (status, field, detail) = api.refused(Method::DELETE, mapping, None).await;
    assert_eq!((status, field.as_deref()), (409, Some("approved")));
    assert!(detail.contains("7 members"), "{detail}");
    assert_eq!(api.picture().await, before);
    assert!(all_are(&api, &members, "good").await);
    api.delete(&format!("{mapping}?approved=true")).await;
    assert!(all_are(&api, &members, "stranger").await);
    assert_eq!(api.refused(Method::DELETE, mapping, None).await.0, 404);
    let deeds = api.deeds().await;
    assert!(
        deeds.ends_with(&["catalogue.map".to_owned(), "catalogue.unmap".to_owned()]),
        "{deeds:?}"
    );
}

#[tokio::test]
async fn a_price_that_many_pay_loses_its_tag_only_with_two_yeses() {
    let api = Api::new().await;
    api.furnish().await;
    let named = |nickname: &str| json!({"id": "price_1", "object": "price", "nickname": nickname});
    event(&api, "price.created", 0, named("membertype_full-Full")).await;
    let mut members = Vec::new();
    for number in 0..7 {
        members.push(payer(&api, &format!("Member {number}"), "price_1").await);
    }
    event(&api, "price.updated", 5, named("Full")).await;
    assert!(all_are(&api, &members, "good").await);
    let shown = api.get("/api/v1/catalogue").await["prices"][0].clone();
    assert!(
        shown["waiting"] == true && warns(&shown, "names no type any more"),
        "{shown}"
    );
    let attention = api.get("/api/v1/attention").await;
    let item = &attention["items"][0];
    assert_eq!(
        (&item["kind"], &item["subject"]),
        (&json!("catalogue_change"), &json!("price_1"))
    );
    let resolve = format!("/api/v1/attention/{}/resolve", item["id"]);
    let accept = json!({"action": "accept"});
    let refused = api
        .refused(Method::POST, &resolve, Some(accept.clone()))
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (409, Some("approved")));
    assert!(all_are(&api, &members, "good").await);
    api.post(&format!("{resolve}?approved=true"), accept).await;
    assert!(all_are(&api, &members, "stranger").await);
}

#[tokio::test]
async fn an_accepted_change_keeps_where_it_stands() {
    let api = Api::new().await;
    api.furnish().await;
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    let named = |x: &str| json!({"id": "price_1", "object": "price", "nickname": format!("membertype_{x}-a")});
    event(&api, "price.created", 0, named("full")).await;
    event(&api, "price.updated", 5, named("less")).await;
    let item = api.get("/api/v1/attention").await["items"][0]["id"].clone();
    api.post(
        &format!("/api/v1/attention/{item}/resolve"),
        json!({"action": "accept"}),
    )
    .await;
    let shown = api.get("/api/v1/catalogue").await["prices"][0].clone();
    assert_eq!(
        (&shown["membership"], &shown["place"]),
        (&json!("less"), &json!("nickname"))
    );
    assert_eq!(shown["waiting"], false);
}

const RETROFIT: &str = "/api/v1/catalogue/price_1/retrofit";

#[tokio::test]
async fn a_retrofit_shows_what_it_does_and_then_writes_it_once() {
    let twin = Twin::default();
    twin.price("price_1", json!({"nickname": "Monthly"}));
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    api.furnish().await;
    api.get("/api/v1/catalogue").await;
    let (ada, grace) = (
        payer(&api, "Ada", "price_1").await,
        payer(&api, "Grace", "price_1").await,
    );
    let shown = api.post(RETROFIT, json!({"membership": "full"})).await;
    let told = json!({"written": false, "before": "Monthly", "after": "membertype_full-Monthly",
        "gained": [ada, grace], "lost": [], "changed": 2});
    assert_eq!(shown, told);
    assert!(all_are(&api, &[ada, grace], "stranger").await);
    assert_eq!(twin.rows().changes, []);
    // Twice no answer comes, the first time although it was written.
    twin.rows().troubles = [Trouble::LostAfter, Trouble::Refused(500)].into();
    let written = api
        .post(RETROFIT, json!({"membership": "full", "write": true}))
        .await;
    assert_eq!(
        (&written["written"], &written["gained"]),
        (&json!(true), &json!([ada, grace]))
    );
    assert!(all_are(&api, &[ada, grace], "good").await);
    let keys = twin.keys("/v1/prices/price_1");
    assert!(
        keys.len() == 3 && keys.iter().all(|key| *key == keys[0]),
        "{keys:?}"
    );
    assert_eq!(
        twin.rows().prices["price_1"]["nickname"],
        "membertype_full-Monthly"
    );
    let deeds = api.deeds().await;
    assert_eq!(deeds.last().map(String::as_str), Some("catalogue.retrofit"));
    let again = api
        .refused(Method::POST, RETROFIT, Some(json!({"membership": "full"})))
        .await;
    assert_eq!((again.0, again.1.as_deref()), (409, Some("price")));
    let catalogue = api.get("/api/v1/catalogue").await;
    assert_eq!(price(&catalogue, "price_1")["place"], "nickname");
    assert_eq!(api.get("/api/v1/attention").await["items"], json!([]));
}

#[tokio::test]
async fn a_retrofit_that_cannot_be_says_why() {
    let twin = Twin::default();
    twin.price("price_1", json!({"nickname": "Monthly"}));
    twin.rows().forbidden.push("/v1/prices".to_owned());
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    api.furnish().await;
    api.put(
        "/api/v1/membership-types/wood-shop",
        json!({"name": "Wood"}),
    )
    .await;
    for (body, status, field, says) in [
        (
            json!({"membership": "none"}),
            422,
            "membership",
            "no membership type `none`",
        ),
        (
            json!({"membership": "wood-shop"}),
            422,
            "membership",
            "first `-`",
        ),
        (
            json!({"membership": "full", "write": true}),
            409,
            "STRIPE_SECRET_KEY",
            "Prices: write",
        ),
    ] {
        let refused = api.refused(Method::POST, RETROFIT, Some(body)).await;
        assert_eq!((refused.0, refused.1.as_deref()), (status, Some(field)));
        assert!(refused.2.contains(says), "{}", refused.2);
    }
    assert_eq!(twin.rows().prices["price_1"]["nickname"], "Monthly");
    let keyless = Api::new().await;
    let refused = keyless
        .refused(Method::POST, RETROFIT, Some(json!({"membership": "full"})))
        .await;
    assert_eq!(
        (refused.0, refused.1.as_deref()),
        (409, Some("STRIPE_SECRET_KEY"))
    );
}

#[tokio::test]
async fn a_retrofit_goes_into_the_metadata_too() {
    let twin = Twin::default();
    twin.price("price_1", json!({"nickname": "Monthly"}));
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    api.furnish().await;
    let body = json!({"membership": "full", "metadata": true, "write": true});
    assert_eq!(api.post(RETROFIT, body).await["after"], "full");
    assert_eq!(
        twin.rows().prices["price_1"]["metadata"]["membertype"],
        "full"
    );
    let shown = api.get("/api/v1/catalogue").await["prices"][0].clone();
    assert_eq!(
        (&shown["membership"], &shown["place"]),
        (&json!("full"), &json!("metadata"))
    );
}

#[tokio::test]
async fn the_table_for_people_has_a_line_for_each_price_and_its_warnings_below() {
    let api = Api::new().await;
    api.furnish().await;
    let named = json!({"id": "price_1", "object": "price", "nickname": "membertype_full-Full\u{1b}[2J", "unit_amount": 4000,
        "currency": "eur", "recurring": {"interval": "month", "interval_count": 3}});
    event(&api, "price.created", 0, named).await;
    let mut work = api.app.work(api.now()).await.expect("begun");
    let offers = api.app.offers(&mut work).await.expect("read");
    assert_eq!(
        server::billing::catalogue::table(&offers),
        [
            "PRICE    TYPE  SAID BY   PAYERS  SOLD  COSTS              CALLED",
            "price_1  full  nickname  0       yes   4000 eur/3 months  membertype_full-Full [2J",
            "    ! nobody pays by it",
        ]
    );
}
