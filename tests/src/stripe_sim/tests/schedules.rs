//! Subscription schedules.

use serde_json::{Value, json};

use super::*;
use crate::stripe_sim::calendar::{DAY, HOUR, utc};

const LOW: &str = "membertype_1-every-1-month-5000-usd";

#[test]
fn a_change_at_period_end_bills_the_new_price_and_prorates_nothing() {
    let (mut sim, _, sub) = member();
    let better = sim.create_plan("membertype_2", None, 8000, Interval::Month);
    sim.take_events();
    let schedule = sim.change_price_at_period_end(&sub, &better);
    let events = sim.take_events();
    one(&events, "subscription_schedule.created");
    assert_eq!(sim.subscription(&sub)["schedule"], schedule.as_str());
    assert_eq!(
        sim.subscription(&sub)["items"]["data"][0]["price"]["id"],
        LOW
    );

    let end = utc(2026, 2, 15, 12);
    sim.advance_to(end + HOUR);
    let renewal = latest(&sim, &sub);
    let amounts: Vec<&Value> = renewal["lines"]["data"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| &line["amount"])
        .collect();
    assert_eq!(amounts, [&json!(8000)]);
    assert_eq!(renewal["billing_reason"], "subscription_cycle");
    let item = &sim.subscription(&sub)["items"]["data"][0];
    assert_eq!(item["price"]["id"], better.as_str());
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 3, 15, 12)));

    sim.advance_to(utc(2026, 3, 15, 12));
    let events = sim.take_events();
    assert_eq!(
        one(&events, "subscription_schedule.completed")["data"]["object"]["status"],
        "completed"
    );
    assert_eq!(sim.subscription(&sub)["schedule"], Value::Null);
    assert_eq!(sim.status(&sub), Status::Active);
}

#[test]
fn a_released_schedule_leaves_the_subscription_as_it_is() {
    let (mut sim, _, sub) = member();
    let better = sim.create_plan("membertype_2", None, 8000, Interval::Month);
    let schedule = sim.change_price_at_period_end(&sub, &better);
    sim.release_schedule(&schedule);
    sim.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(latest(&sim, &sub)["amount_paid"], 5000);
    let (_, shown) = get(
        &mut sim,
        &format!("/v1/subscription_schedules/{schedule}"),
        &[],
    );
    assert_eq!(shown["released_subscription"], sub.as_str());
    assert_eq!(shown["subscription"], Value::Null);
}

#[test]
fn phases_of_a_request_begin_one_after_the_other() {
    let (mut sim, customer, _) = member();
    let start = (sim.now() + 2 * DAY).to_string();
    let params = [
        ("customer", customer.as_str()),
        ("start_date", &start),
        ("end_behavior", "cancel"),
        ("phases[0][items][0][price]", LOW),
        ("phases[0][iterations]", "2"),
        ("phases[1][items][0][price]", LOW),
        ("phases[1][items][0][quantity]", "3"),
        ("phases[1][duration][interval]", "month"),
    ];
    let (status, schedule) = call(&mut sim, "POST", "/v1/subscription_schedules", &params);
    assert_eq!((status, &schedule["status"]), (200, &json!("not_started")));
    assert_eq!(schedule["phases"][0]["end_date"], utc(2026, 3, 17, 12));
    assert_eq!(schedule["phases"][1]["end_date"], utc(2026, 4, 17, 12));
    sim.take_events();

    sim.advance_to(utc(2026, 1, 17, 12));
    let events = sim.take_events();
    let created = &one(&events, "customer.subscription.created")["data"]["object"];
    let sub = text(&created["id"]);
    assert_eq!(created["status"], "active");
    assert_eq!(created["schedule"], schedule["id"]);
    assert_eq!(
        sim.paid_until(&sub),
        None,
        "its first invoice is a draft for an hour"
    );
    sim.advance_to(utc(2026, 3, 17, 13));
    assert_eq!(latest(&sim, &sub)["amount_paid"], 15_000);
    let lines = latest(&sim, &sub)["lines"]["total_count"].clone();
    assert_eq!(lines, 1, "nothing is prorated where a period begins");
    sim.take_events();
    sim.advance_to(utc(2026, 4, 10, 12));
    one(&sim.take_events(), "subscription_schedule.expiring");
    sim.advance_to(utc(2026, 4, 17, 12));
    assert_eq!(sim.status(&sub), Status::Canceled);
}

#[test]
fn a_subscription_that_ends_takes_its_schedule_along() {
    for (card, kind) in [
        (false, "subscription_schedule.aborted"),
        (true, "subscription_schedule.canceled"),
    ] {
        let (mut sim, customer, sub) = member();
        let better = sim.create_plan("membertype_2", None, 8000, Interval::Month);
        let schedule = sim.change_price_at_period_end(&sub, &better);
        if card {
            sim.cancel_schedule(&schedule);
        } else {
            sim.set_card(&customer, false);
            sim.advance_to(utc(2026, 2, 27, 12));
        }
        let events = sim.take_events();
        assert_eq!(one(&events, kind)["data"]["object"]["status"], "canceled");
        assert_eq!(sim.status(&sub), Status::Canceled);
        let path = format!("/v1/subscription_schedules/{schedule}/release");
        assert_eq!(call(&mut sim, "POST", &path, &[]).0, 400, "it is over");
    }
}
