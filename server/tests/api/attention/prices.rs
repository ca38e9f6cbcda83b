//! Prices that name no type, one that nobody knows, or no longer the same.

use crate::stripe::{
    customer, hear, invoice, member, one, open, path, pay, price, resolve, state, subscription,
};
use crate::support::Api;
use axum::http::Method;
use serde_json::{Value, json};
use shared::time::Span;

#[tokio::test]
async fn an_unknown_type_is_told_once_and_made_or_stood_in_for() {
    let api = Api::new().await;
    api.furnish().await;
    for number in ["1", "2"] {
        hear(
            &api,
            "price.created",
            price(&format!("price_{number}"), "membertype_wood-monthly"),
        )
        .await;
    }
    hear(
        &api,
        "price.created",
        price("price_3", "membertype_9-monthly"),
    )
    .await;
    let asked = open(&api, "unknown_type").await;
    let subjects: Vec<&Value> = asked.iter().map(|item| &item["subject"]).collect();
    assert_eq!(json!(subjects), json!(["9", "wood"]));
    for (id, of) in [("1", "price_1"), ("3", "price_3")] {
        let buyer = format!("cus_{id}");
        hear(
            &api,
            "customer.created",
            customer(&buyer, &format!("{buyer}@example.org")),
        )
        .await;
        pay(&api, id, &buyer, &json!(of)).await;
    }
    assert_eq!(
        api.get("/api/v1/members").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    api.post(
        &path(&asked[1]),
        json!({"action": "make_type", "name": "Wood shop"}),
    )
    .await;
    assert_eq!(
        api.get("/api/v1/membership-types/wood").await["name"],
        "Wood shop"
    );
    let people = api.get("/api/v1/members").await["items"].clone();
    assert_eq!(people[1]["state"], "good", "{people}");
    let body = json!({"action": "default_type", "membership": "no"});
    let at = path(&asked[0]);
    let refused = api.refused(Method::POST, &at, Some(body)).await;
    assert_eq!(refused.1.as_deref(), Some("membership"));
    api.post(
        &path(&asked[0]),
        json!({"action": "default_type", "membership": "full"}),
    )
    .await;
    assert_eq!(
        api.get("/api/v1/members").await["items"][2]["state"],
        "good"
    );
    // Another price of the same unknown type is no news.
    hear(
        &api,
        "price.created",
        price("price_4", "membertype_9-yearly"),
    )
    .await;
    assert_eq!(open(&api, "unknown_type").await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_price_that_names_no_type_is_given_one() {
    let api = Api::new().await;
    api.furnish().await;
    let slip = price("price_1", "Membertype_full monthly");
    hear(
        &api,
        "customer.created",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    pay(&api, "1", "cus_1", &slip).await;
    assert_eq!(
        api.get("/api/v1/members").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    resolve(
        &api,
        "near_miss",
        json!({"action": "map", "membership": "full"}),
    )
    .await;
    assert_eq!(
        api.get("/api/v1/members").await["items"][1]["state"],
        "good"
    );
    // Now the plan of this payer loses its type, and gets another.
    let plain = price("price_2", "Newsletter");
    api.wait(Span::seconds(1));
    let moved = subscription(&api, "1", "cus_1", &plain, "active", 1);
    hear(&api, "customer.subscription.updated", moved).await;
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    resolve(
        &api,
        "type_lost",
        json!({"action": "map", "membership": "less"}),
    )
    .await;
    assert_eq!(open(&api, "type_lost").await, [Value::Null; 0]);
    let view = api.get("/api/v1/members/2").await;
    assert_eq!(
        view["standing"]["access"][0]["membership"], "less",
        "{view}"
    );
}

#[tokio::test]
async fn the_type_of_an_item_that_was_taken_out_is_given_to_no_other() {
    let api = Api::new().await;
    api.furnish().await;
    let grace = member(&api, "Grace", "grace@example.org").await;
    let full = price("price_1", "membertype_full-monthly");
    let locker = price("price_2", "Locker");
    for (id, mail) in [("cus_1", "grace@example.org"), ("cus_2", "ben@example.org")] {
        hear(&api, "customer.created", customer(id, mail)).await;
    }
    // Ben rents a locker and nothing else.
    pay(&api, "2", "cus_2", &locker).await;
    let with = |prices: &[&Value]| {
        let mut row = subscription(&api, "1", "cus_1", &full, "active", 1);
        let first = row["items"]["data"][0].clone();
        let item = |price: &&Value| {
            let mut item = first.clone();
            item["id"] = json!(format!("si_{}", price["id"].as_str().expect("an id")));
            item["price"] = (*price).clone();
            item
        };
        row["items"]["data"] = prices.iter().map(item).collect();
        row
    };
    hear(
        &api,
        "customer.subscription.created",
        with(&[&full, &locker]),
    )
    .await;
    let mut paid = invoice(&api, "1", "cus_1", &full, true);
    paid["lines"]["data"][0]["parent"]["subscription_item_details"]["subscription_item"] =
        json!("si_price_1");
    hear(&api, "invoice.paid", paid).await;
    assert_eq!(state(&api, grace).await, "good");
    api.wait(Span::seconds(5));
    hear(&api, "customer.subscription.updated", with(&[&locker])).await;
    let lost = one(&api, "type_lost").await;
    let wish = json!({"action": "map", "membership": "full"});
    let (status, said) = api.ask(Method::POST, &path(&lost), Some(wish)).await;
    assert_eq!(status.as_u16(), 409, "{said}");
    let members = api.get("/api/v1/members").await;
    let ben = members["items"].as_array().expect("members").iter();
    assert!(
        !ben.clone().any(|row| row["mail"] == "ben@example.org"),
        "{members}"
    );
}

#[tokio::test]
async fn an_event_with_absurd_amounts_breaks_nothing() {
    let api = Api::new().await;
    api.furnish().await;
    let grace = member(&api, "Grace", "grace@example.org").await;
    let full = price("price_1", "membertype_full-monthly");
    hear(
        &api,
        "customer.created",
        customer("cus_1", "grace@example.org"),
    )
    .await;
    let row = subscription(&api, "1", "cus_1", &full, "past_due", i64::MAX);
    hear(&api, "customer.subscription.created", row).await;
    let mut odd = invoice(&api, "1", "cus_1", &full, true);
    odd["total"] = json!(i64::MAX);
    odd["starting_balance"] = json!(i64::MIN);
    odd["ending_balance"] = json!(i64::MAX);
    let line = odd["lines"]["data"][0].clone();
    let mut more = line.clone();
    more["amount"] = json!(i64::MAX);
    odd["lines"]["data"] = json!([line, more.clone(), more]);
    for (kind, status, paid) in [("finalized", "open", i64::MIN), ("paid", "paid", 0)] {
        odd["status"] = json!(status);
        odd["amount_paid"] = json!(paid);
        hear(&api, &format!("invoice.{kind}"), odd.clone()).await;
        api.wait(Span::seconds(5));
    }
    for path in [
        format!("/api/v1/members/{grace}"),
        format!("/api/v1/members/{grace}/explain"),
    ] {
        let (status, answer) = api.ask(Method::GET, &path, None).await;
        assert!(status.is_success(), "{path}: {answer}");
    }
    let waiting = api.get("/api/v1/inbox?state=pending").await;
    assert_eq!(waiting["items"], json!([]), "{waiting}");
}
