//! A member's plan is changed from here: previewed, then performed once.

use crate::catalogue::{payer, subscribe};
use crate::support::Api;
use crate::twin::{Trouble, Twin, param};
use axum::http::Method;
use serde_json::{Value, json};
use server::store::mirror;
use shared::ids::MemberId;
use shared::time::Span;
use std::sync::Arc;

/// A member on `price_1` who may move to `price_2`; nobody is moved to `price_shop` or `price_old`.
async fn club() -> (Api, Twin, i64) {
    let twin = Twin::default();
    twin.price("price_1", json!({"nickname": "membertype_full-Full"}));
    twin.price("price_2", json!({"nickname": "membertype_less-Less"}));
    twin.price(
        "price_old",
        json!({"nickname": "membertype_less-Less", "active": false}),
    );
    twin.price("price_shop", json!({}));
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    api.furnish().await;
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    api.get("/api/v1/catalogue").await;
    let ada = payer(&api, "Ada", "price_1").await;
    at_stripe(&twin, &format!("sub_{ada}"), "price_1");
    (api, twin, ada)
}

fn at_stripe(twin: &Twin, id: &str, price: &str) {
    let item = json!({"id": format!("si_of_{id}"), "object": "subscription_item", "quantity": 2,
        "price": {"id": price, "object": "price"}});
    let row = json!({"id": id, "object": "subscription", "status": "active", "schedule": null, "cancel_at": null,
        "cancel_at_period_end": false, "items": {"data": [item]}});
    twin.rows().subscriptions.insert(id.to_owned(), row);
}

fn body(price: &str, when: &str) -> Value {
    json!({"price": price, "when": when})
}

fn confirmed(price: &str, when: &str, token: &Value) -> Value {
    json!({"price": price, "when": when, "confirm": token})
}

fn path(member: i64) -> String {
    format!("/api/v1/members/{member}/plan-change")
}

#[tokio::test]
async fn a_plan_is_previewed_and_then_changed_once() {
    let (api, twin, ada) = club().await;
    let shown = api.post(&path(ada), body("price_2", "now")).await;
    assert_eq!(
        (
            &shown["performed"],
            &shown["from_price"],
            &shown["to_price"]
        ),
        (&json!(false), &json!("price_1"), &json!("price_2"))
    );
    let preview = &shown["preview"];
    assert_eq!(
        (
            &preview["from"],
            &preview["to"],
            &preview["amount_due"],
            &preview["currency"]
        ),
        (&json!("full"), &json!("less"), &json!(2500), &json!("eur"))
    );
    assert_eq!(
        preview["lines"][0],
        json!({"description": "Unused time", "amount": -1500})
    );
    let asked = twin.rows().changes[0].clone();
    assert_eq!(asked.path, "/v1/invoices/create_preview");
    let date = api.now().as_seconds().to_string();
    for (name, value) in [
        ("subscription_details[items][0][price]", "price_2"),
        ("subscription_details[items][0][quantity]", "2"),
        (
            "subscription_details[proration_behavior]",
            "create_prorations",
        ),
        ("subscription_details[proration_date]", date.as_str()),
    ] {
        assert_eq!(param(&asked, name), Some(value));
    }
    let confirm = confirmed("price_2", "now", &shown["token"]);
    api.wait(Span::minutes(10));
    for _ in 0..2 {
        let done = api.post(&path(ada), confirm.clone()).await;
        assert_eq!(
            (&done["performed"], &done["preview"]),
            (&json!(true), &Value::Null)
        );
    }
    let update = format!("/v1/subscriptions/sub_{ada}");
    assert_eq!(twin.keys(&update).len(), 1);
    let asked = twin.rows().changes[1].clone();
    for (name, value) in [
        ("items[0][id]", format!("si_of_sub_{ada}")),
        ("items[0][price]", "price_2".to_owned()),
        ("proration_behavior", "create_prorations".to_owned()),
        ("proration_date", date),
    ] {
        assert_eq!(param(&asked, name), Some(value.as_str()));
    }
    let deeds = api.deeds().await;
    assert_eq!(deeds.last().map(String::as_str), Some("member.plan_change"));
    let mut tx = api.tx().await;
    let due = mirror::due_fetches(&mut tx, api.app.account, api.now(), 10)
        .await
        .expect("read");
    assert!(
        due.iter().any(|customer| *customer == format!("cus_{ada}")),
        "it is fetched"
    );
}

#[tokio::test]
async fn a_lost_answer_is_no_second_change() {
    for trouble in [Trouble::LostAfter, Trouble::LostBefore] {
        for when in ["now", "period_end"] {
            let (api, twin, ada) = club().await;
            let shown = api.post(&path(ada), body("price_2", when)).await;
            let confirm = confirmed("price_2", when, &shown["token"]);
            twin.always(trouble);
            let refused = api
                .refused(Method::POST, &path(ada), Some(confirm.clone()))
                .await;
            assert_eq!(refused.0, 503, "{}", refused.2);
            twin.rows().troubles.clear();
            let done = api.post(&path(ada), confirm).await;
            assert_eq!(done["performed"], true);
            assert_eq!(
                twin.rows().schedules.len(),
                usize::from(when == "period_end")
            );
            let phases = twin
                .rows()
                .schedules
                .values()
                .map(|row| row["phases"].clone())
                .next();
            assert!(phases.is_none_or(|phases| phases.as_array().map(Vec::len) == Some(2)));
            if when == "now" {
                let rows = twin.rows();
                let item = &rows.subscriptions[&format!("sub_{ada}")]["items"]["data"][0];
                assert_eq!(item["price"]["id"], "price_2");
            }
        }
    }
}

#[tokio::test]
async fn what_stripe_made_is_gone_on_from_after_it_forgot_the_keys() {
    // Nobody heard whether the schedule was made, or whether it got its second phase.
    for heard in [0, 1] {
        let (api, twin, ada) = club().await;
        let shown = api.post(&path(ada), body("price_2", "period_end")).await;
        let confirm = confirmed("price_2", "period_end", &shown["token"]);
        twin.always(Trouble::LostAfter);
        for _ in 0..=heard {
            let lost = api
                .refused(Method::POST, &path(ada), Some(confirm.clone()))
                .await;
            assert_eq!(lost.0, 503, "{}", lost.2);
        }
        let phases = |twin: &Twin| {
            let rows = twin.rows();
            let phases = rows.schedules["sub_sched_1"]["phases"].as_array();
            phases.map(Vec::len)
        };
        assert_eq!(phases(&twin), Some(1 + heard));
        twin.rows().troubles.clear();
        twin.rows().answered.clear();
        api.wait(Span::days(2));
        let done = api.post(&path(ada), confirm).await;
        assert_eq!(
            (&done["performed"], &done["schedule"]),
            (&json!(true), &json!("sub_sched_1"))
        );
        assert_eq!(phases(&twin), Some(2));
        assert_eq!(twin.rows().schedules.len(), 1);
    }
}

#[tokio::test]
async fn a_schedule_that_is_not_the_changes_is_left_alone() {
    for (phases, end) in [
        (json!(["price_1", "price_old"]), "release"),
        (json!(["price_1", "price_2", "price_1"]), "release"),
        (json!(["price_1"]), "cancel"),
        (json!([]), "release"),
    ] {
        let (api, twin, ada) = club().await;
        let shown = api.post(&path(ada), body("price_2", "period_end")).await;
        let confirm = confirmed("price_2", "period_end", &shown["token"]);
        twin.always(Trouble::LostBefore);
        api.refused(Method::POST, &path(ada), Some(confirm.clone()))
            .await;
        twin.rows().troubles.clear();
        // Somebody plans otherwise in the dashboard meanwhile.
        let phases = phases.as_array().expect("a list").iter();
        let phase = |price: &Value| json!({"start_date": 1, "end_date": 2, "items": [{"price": price, "quantity": 2}]});
        let phases: Vec<Value> = phases.map(phase).collect();
        let row = json!({"id": "sub_sched_9", "end_behavior": end, "phases": phases});
        twin.rows()
            .schedules
            .insert("sub_sched_9".to_owned(), row.clone());
        twin.rows()
            .subscriptions
            .get_mut(&format!("sub_{ada}"))
            .expect("a row")["schedule"] = json!("sub_sched_9");
        let refused = api.refused(Method::POST, &path(ada), Some(confirm)).await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (409, Some("subscription")),
            "{}",
            refused.2
        );
        assert_eq!(twin.rows().schedules["sub_sched_9"], row);
    }
}

#[tokio::test]
async fn a_change_that_was_made_meanwhile_is_done() {
    let (api, twin, ada) = club().await;
    let shown = api.post(&path(ada), body("price_2", "period_end")).await;
    let confirm = confirmed("price_2", "period_end", &shown["token"]);
    twin.always(Trouble::LostAfter);
    api.refused(Method::POST, &path(ada), Some(confirm.clone()))
        .await;
    twin.rows().troubles.clear();
    // The period has ended, and the schedule let the subscription go.
    at_stripe(&twin, &format!("sub_{ada}"), "price_2");
    let done = api.post(&path(ada), confirm).await;
    assert_eq!(
        (&done["performed"], &done["schedule"]),
        (&json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn at_the_end_of_the_period_a_schedule_changes_the_plan_and_keeps_the_rest() {
    let (api, twin, ada) = club().await;
    let shown = api.post(&path(ada), body("price_2", "period_end")).await;
    let asked = twin.rows().changes[0].clone();
    assert_eq!(
        param(&asked, "subscription_details[proration_behavior]"),
        Some("none")
    );
    let confirm = confirmed("price_2", "period_end", &shown["token"]);
    let done = api.post(&path(ada), confirm).await;
    assert_eq!(
        (&done["performed"], &done["schedule"]),
        (&json!(true), &json!("sub_sched_1"))
    );
    let asked = twin.rows().changes.last().cloned().expect("a change");
    assert_eq!(asked.path, "/v1/subscription_schedules/sub_sched_1");
    for (name, value) in [
        ("end_behavior", "release"),
        ("phases[0][items][0][price]", "price_1"),
        ("phases[0][start_date]", "1767000000"),
        ("phases[0][end_date]", "1769600000"),
        ("phases[0][discounts][0][discount]", "di_1"),
        ("phases[1][items][0][price]", "price_2"),
        ("phases[1][items][0][quantity]", "2"),
        ("phases[1][discounts][0][discount]", "di_1"),
        ("phases[1][proration_behavior]", "none"),
    ] {
        assert_eq!(param(&asked, name), Some(value), "{name}");
    }
    let again = api
        .refused(Method::POST, &path(ada), Some(body("price_2", "now")))
        .await;
    assert_eq!(
        (again.0, again.1.as_deref()),
        (409, Some("subscription")),
        "a schedule is there"
    );
}

#[tokio::test]
async fn a_schedule_of_no_use_is_released() {
    let (api, twin, ada) = club().await;
    let shown = api.post(&path(ada), body("price_2", "period_end")).await;
    let confirm = confirmed("price_2", "period_end", &shown["token"]);
    // The schedule is made, its second phase is refused.
    twin.rows().answered.clear();
    twin.rows()
        .forbidden
        .push("/v1/subscription_schedules/sub_sched_1".to_owned());
    let refused = api
        .refused(Method::POST, &path(ada), Some(confirm.clone()))
        .await;
    assert_eq!(
        (refused.0, refused.1.as_deref()),
        (409, Some("STRIPE_SECRET_KEY"))
    );
    assert_eq!(
        twin.keys("/v1/subscription_schedules/sub_sched_1/release")
            .len(),
        1
    );
    let again = api.refused(Method::POST, &path(ada), Some(confirm)).await;
    assert_eq!(
        (again.0, again.1.as_deref()),
        (409, Some("confirm")),
        "ask for another preview"
    );
}

#[tokio::test]
async fn only_what_was_previewed_is_performed() {
    let (api, twin, ada) = club().await;
    let grace = api.member("Grace").await;
    let shown = api.post(&path(ada), body("price_2", "now")).await;
    let token = &shown["token"];
    for (member, body) in [
        (ada, confirmed("price_2", "now", &json!("guessed"))),
        (ada, confirmed("price_1", "now", token)),
        (ada, confirmed("price_2", "period_end", token)),
        (grace, confirmed("price_2", "now", token)),
    ] {
        let refused = api
            .refused(Method::POST, &path(member), Some(body.clone()))
            .await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (409, Some("confirm")),
            "{body}"
        );
    }
    // Somebody changed it in the dashboard meanwhile.
    at_stripe(&twin, &format!("sub_{ada}"), "price_2");
    let late = confirmed("price_2", "now", token);
    let refused = api.refused(Method::POST, &path(ada), Some(late)).await;
    assert_eq!((refused.0, refused.1.as_deref()), (409, Some("confirm")));
    at_stripe(&twin, &format!("sub_{ada}"), "price_1");
    let shown = api.post(&path(ada), body("price_2", "now")).await;
    api.wait(Span::hours(2));
    let late = confirmed("price_2", "now", &shown["token"]);
    let refused = api.refused(Method::POST, &path(ada), Some(late)).await;
    assert_eq!(
        (refused.0, refused.1.as_deref()),
        (409, Some("confirm")),
        "too old"
    );
    assert_eq!(twin.keys(&format!("/v1/subscriptions/sub_{ada}")), [""; 0]);
}

#[tokio::test]
async fn where_nobody_can_be_moved_it_is_said() {
    let (api, twin, ada) = club().await;
    for price in ["price_shop", "price_old", "price_9"] {
        let refused = api
            .refused(Method::POST, &path(ada), Some(body(price, "now")))
            .await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (422, Some("price")),
            "{price}"
        );
    }
    let same = api
        .refused(Method::POST, &path(ada), Some(body("price_1", "now")))
        .await;
    assert_eq!((same.0, same.1.as_deref()), (409, Some("price")));
    let grace = api.member("Grace").await;
    let none = api
        .refused(Method::POST, &path(grace), Some(body("price_2", "now")))
        .await;
    assert_eq!((none.0, none.1.as_deref()), (422, Some("subscription")));
    assert_eq!(
        api.refused(Method::POST, &path(99), Some(body("price_2", "now")))
            .await
            .0,
        404
    );
    let id = format!("sub_{ada}");
    twin.rows().subscriptions.get_mut(&id).expect("a row")["cancel_at_period_end"] = json!(true);
    let ending = body("price_2", "period_end");
    let ending = api.refused(Method::POST, &path(ada), Some(ending)).await;
    assert_eq!((ending.0, ending.1.as_deref()), (409, Some("when")));
    // With a second subscription the caller names which.
    subscribe(&api, "cus_second", "sub_second", "price_1").await;
    let mut tx = api.tx().await;
    mirror::link(
        &mut tx,
        api.app.account,
        "cus_second",
        MemberId(ada),
        "admin",
        true,
    );
    tx.commit().await.expect("committed");
    let several = api
        .refused(Method::POST, &path(ada), Some(body("price_2", "now")))
        .await;
    assert_eq!(
        (several.0, several.1.as_deref()),
        (422, Some("subscription"))
    );
    assert!(several.2.contains("sub_second"), "{}", several.2);
    at_stripe(&twin, "sub_second", "price_1");
    let named = json!({"price": "price_2", "when": "now", "subscription": "sub_second"});
    assert_eq!(
        api.post(&path(ada), named).await["subscription"],
        "sub_second"
    );
    let foreign = json!({"price": "price_2", "when": "now", "subscription": "sub_of_others"});
    let foreign = api.refused(Method::POST, &path(ada), Some(foreign)).await;
    assert_eq!(
        (foreign.0, foreign.1.as_deref()),
        (422, Some("subscription"))
    );
}
