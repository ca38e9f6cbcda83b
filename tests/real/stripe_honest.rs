//! The simulated account held against what Stripe itself publishes: its library and its schema.

use crate::http::RUNTIME;
use crate::program::python;
use crate::rich::{CONNECTED, KEY, Rich};
use crate::wait;
use serde_json::Value;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tests::stripe_sim::http;
use tests::stripe_sim::render::Shape;

/// 2026-01-15 12:00 UTC; the story takes less than a year.
const BEGIN: i64 = 1_768_478_400;
const RESOURCES: [&str; 20] = [
    "/v1/charges",
    "/v1/checkout/sessions",
    "/v1/coupons",
    "/v1/credit_notes",
    "/v1/customers",
    "/v1/disputes",
    "/v1/invoice_payments",
    "/v1/invoiceitems",
    "/v1/invoices",
    "/v1/payment_intents",
    "/v1/payment_methods",
    "/v1/plans",
    "/v1/prices",
    "/v1/products",
    "/v1/promotion_codes",
    "/v1/refunds",
    "/v1/setup_intents",
    "/v1/subscription_schedules",
    "/v1/test_helpers/test_clocks",
    "/v1/accounts",
];

fn said(command: &mut Command) -> String {
    let output = command.output().expect("Python runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{errors}");
    said
}

#[test]
fn stripes_own_library_lists_and_retrieves_every_resource() {
    let rich = Rich::live(BEGIN);
    let router = http::router(Arc::new(Mutex::new(rich.sim)));
    let bound = RUNTIME.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = bound.expect("a port of this machine");
    let base = format!("http://{}", listener.local_addr().expect("it listens"));
    RUNTIME.spawn(async move { axum::serve(listener, router).await });
    let said = said(python("reads.py").args([&base, KEY, CONNECTED]));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.last(), Some(&"end"));
    let empty: Vec<&&str> = lines.iter().filter(|line| line.ends_with(" 0")).collect();
    assert!(empty.is_empty(), "nothing was read of {empty:?}");
    assert!(lines.len() > RESOURCES.len());
}

#[test]
fn every_object_fits_stripes_schema() {
    let mut rich = Rich::live(BEGIN);
    for path in RESOURCES {
        let mut after = None;
        loop {
            let mut params = vec![("limit", "100")];
            params.extend(after.as_deref().map(|id| ("starting_after", id)));
            let page = rich.ask("GET", path, &params);
            let last = page["data"].as_array().and_then(|rows| rows.last());
            after = last.and_then(|row| row["id"].as_str()).map(str::to_owned);
            assert!(after.is_some(), "{path} shows nothing");
            if page["has_more"] == false {
                break;
            }
        }
    }
    let events = rich.sim.take_event_records();
    assert!(events.len() > 500);
    let mut lines: Vec<Value> = rich.answers;
    for event in events.iter().chain(&rich.sim.take_connect_events()) {
        lines.push(event.body(Shape::Endive, false));
        lines.push(event.thin_body(false));
    }
    let folder = wait::scratch();
    let file = folder.path().join("objects.jsonl");
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&file, text.join("\n")).expect("a file of the test's own");
    let said = said(python("schema.py").arg(&file));
    assert!(said.ends_with("problems 0\n"), "{said}");
}
