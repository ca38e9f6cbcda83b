//! What Stripe does, rule by rule.

mod banks;
mod billing;
mod changes;
mod checkouts;
mod coupons;
mod money_back;
mod platform;
mod rest;
mod schedules;
mod shapes;

use serde_json::Value;

use super::calendar::utc;
use super::*;

const KEY: &str = "sk_test_sim";

fn space() -> StripeSim {
    StripeSim::new("acct_space", false, utc(2026, 1, 15, 12))
}

/// A space with a 50 $ plan, a customer and a running subscription, its first events taken.
fn member() -> (StripeSim, String, String) {
    let mut sim = space();
    let plan = sim.create_plan(
        "membertype_1-every-1-month-5000-usd",
        Some("Full"),
        5000,
        Interval::Month,
    );
    let customer = sim.create_customer(Some("ada@example.org"), Some("Ada"), &[]);
    let sub = sim.subscribe(&customer, &[(&plan, 1)], Subscribe::default());
    sim.take_events();
    (sim, customer, sub)
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().expect("every event has a type"))
        .collect()
}

fn one<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == kind)
        .collect();
    assert_eq!(found.len(), 1, "{kind} in {:?}", kinds(events));
    found[0]
}

fn get(sim: &mut StripeSim, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
    call(sim, "GET", path, params)
}

fn call(sim: &mut StripeSim, method: &str, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
    let params: Vec<_> = params
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    sim.request(method, path, &params, Headers::with_key(KEY))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The newest invoice of a subscription.
fn latest(sim: &StripeSim, sub: &str) -> Value {
    sim.invoices_of(sub).pop().expect("it has an invoice")
}
