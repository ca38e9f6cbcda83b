//! Older API shapes.

use serde_json::json;

use super::*;
use crate::stripe_sim::calendar::utc;

#[test]
fn each_shape_shows_the_same_subscription_in_its_own_places() {
    let (mut sim, _, sub) = member();
    let better = sim.create_plan(
        "membertype_2",
        Some("membertype_2-Workshop"),
        8000,
        Interval::Month,
    );
    sim.take_events();
    sim.change_price(&sub, 0, &better, Proration::None);
    sim.cancel_in_portal(&sub, true);
    let records = sim.take_event_records();
    let end = json!(utc(2026, 2, 15, 12));

    for shape in [Shape::V2017, Shape::V2020_03_02] {
        let body = records[0].body(shape, false);
        let object = &body["data"]["object"];
        assert_eq!(object["plan"]["id"], "membertype_2");
        assert_eq!(object["current_period_end"], end);
        assert!(
            object["items"]["data"][0]
                .get("current_period_end")
                .is_none()
        );
        assert_eq!(
            body["data"]["previous_attributes"]["plan"]["id"],
            "membertype_1-every-1-month-5000-usd"
        );
        assert_eq!(
            records[1].body(shape, false)["data"]["object"]["cancel_at_period_end"],
            true
        );
    }
    let oldest = records[0].body(Shape::V2017, false);
    assert_eq!(
        oldest["data"]["object"]["plan"]["name"],
        "membertype_2-Workshop"
    );
    assert!(oldest["data"]["object"]["plan"].get("nickname").is_none());
    for shape in [Shape::Basil, Shape::Clover, Shape::Endive] {
        let object = &records[1].body(shape, false)["data"]["object"];
        assert!(object.get("plan").is_none() && object.get("current_period_end").is_none());
        assert_eq!(object["items"]["data"][0]["current_period_end"], end);
        assert_eq!(object["cancel_at"], end);
        assert_eq!(object["cancel_at_period_end"], shape == Shape::Basil);
        assert_eq!(object.get("billing_mode").is_some(), shape >= Shape::Clover);
        assert_eq!(
            object.get("status_details").is_some(),
            shape >= Shape::Endive
        );
    }
    assert_eq!(
        records[0].body(Shape::Endive, false)["api_version"],
        "2026-09-30.endive"
    );
}

#[test]
fn each_shape_shows_the_same_invoice_in_its_own_places() {
    let (mut sim, _, sub) = member();
    let id = sim.invoices_of(&sub)[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut show = |version: &str| {
        let headers = Headers {
            stripe_version: Some(version.to_owned()),
            ..Headers::with_key(KEY)
        };
        sim.request("GET", &format!("/v1/invoices/{id}"), &[], headers)
            .1
    };
    let old = show("2020-08-27");
    assert_eq!(old["subscription"], sub.as_str());
    assert_eq!(
        (&old["paid"], &old["lines"]["data"][0]["type"]),
        (&json!(true), &json!("subscription"))
    );
    assert_eq!(old["lines"]["data"][0]["price"]["unit_amount"], 5000);
    assert!(old["charge"].is_string() && old.get("parent").is_none());
    let new = show("2026-03-25.dahlia");
    assert_eq!(
        new["parent"]["subscription_details"]["subscription"],
        sub.as_str()
    );
    assert!(new.get("subscription").is_none() && new.get("charge").is_none());
    assert_eq!(
        new["lines"]["data"][0]["pricing"]["price_details"]["price"],
        "membertype_1-every-1-month-5000-usd"
    );
    assert!(!new.to_string().contains("\"_"), "no inner key leaves");
    assert_eq!(show("2016-07-06")["date"], new["created"]);
    assert_eq!(show("nonsense")["error"]["type"], "invalid_request_error");
}
