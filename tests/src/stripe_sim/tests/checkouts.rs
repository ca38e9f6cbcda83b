//! Checkout sessions and the billing portal.

use serde_json::{Value, json};

use super::*;
use crate::stripe_sim::calendar::DAY;

const PLAN: &str = "membertype_1-every-1-month-5000-usd";

fn opened(sim: &mut StripeSim) -> String {
    sim.open_checkout(Checkout {
        email: Some("bo@example.org".to_owned()),
        client_reference_id: Some("gs-order-7".to_owned()),
        lines: vec![(PLAN.to_owned(), 1)],
        ..Checkout::default()
    })
}

fn shown(sim: &mut StripeSim, session: &str) -> Value {
    get(sim, &format!("/v1/checkout/sessions/{session}"), &[]).1
}

#[test]
fn a_paid_session_makes_a_customer_and_a_subscription() {
    let (mut sim, ..) = member();
    let session = opened(&mut sim);
    assert!(
        sim.take_events().is_empty(),
        "nobody is told of an open session"
    );
    sim.finish_checkout(&session, Card::Works)
        .expect("it is paid");
    let events = sim.take_events();
    let done = &one(&events, "checkout.session.completed")["data"]["object"];
    assert_eq!(
        (
            &done["payment_status"],
            &done["status"],
            &done["client_reference_id"]
        ),
        (&json!("paid"), &json!("complete"), &json!("gs-order-7"))
    );
    let customer = &one(&events, "customer.created")["data"]["object"];
    assert_eq!(customer["email"], "bo@example.org");
    assert_eq!(done["customer"], customer["id"]);
    assert_eq!(sim.status(&text(&done["subscription"])), Status::Active);
    let again = sim.finish_checkout(&session, Card::Works);
    assert!(again.is_err(), "it is finished");
}

#[test]
fn a_declined_card_leaves_the_session_open_and_no_subscription() {
    let (mut sim, ..) = member();
    let session = opened(&mut sim);
    assert!(sim.finish_checkout(&session, Card::Declines).is_err());
    assert!(sim.take_events().is_empty());
    assert_eq!(shown(&mut sim, &session)["status"], "open");
    sim.advance_to(sim.now() + DAY);
    let events = sim.take_events();
    assert_eq!(kinds(&events), ["checkout.session.expired"]);
    assert!(sim.finish_checkout(&session, Card::Works).is_err());
}

#[test]
fn a_session_paid_by_debit_is_completed_unpaid_and_answered_days_later() {
    for (card, kind, status) in [
        (
            Card::Settles,
            "checkout.session.async_payment_succeeded",
            "paid",
        ),
        (
            Card::Bounces,
            "checkout.session.async_payment_failed",
            "unpaid",
        ),
    ] {
        let (mut sim, ..) = member();
        let session = opened(&mut sim);
        sim.finish_checkout(&session, card)
            .expect("it is on its way");
        let events = sim.take_events();
        let done = &one(&events, "checkout.session.completed")["data"]["object"];
        assert_eq!(done["payment_status"], "unpaid");
        sim.advance_to(sim.now() + 4 * DAY);
        let events = sim.take_events();
        assert_eq!(
            one(&events, kind)["data"]["object"]["payment_status"],
            status
        );
    }
}

#[test]
fn a_trial_needs_no_payment() {
    let (mut sim, ..) = member();
    let session = sim.open_checkout(Checkout {
        lines: vec![(PLAN.to_owned(), 1)],
        trial_days: 14,
        ..Checkout::default()
    });
    sim.finish_checkout(&session, Card::None)
        .expect("nothing is due");
    let events = sim.take_events();
    let done = &one(&events, "checkout.session.completed")["data"]["object"];
    assert_eq!(done["payment_status"], "no_payment_required");
    assert_eq!(sim.status(&text(&done["subscription"])), Status::Trialing);
}

#[test]
fn the_rest_interface_opens_sessions_and_refuses_what_does_not_fit() {
    let (mut sim, customer, _) = member();
    let once = sim.create_one_time_price("Induction", 1500);
    let open = [
        ("mode", "payment"),
        ("customer", &customer),
        ("line_items[0][price]", &once),
        ("line_items[0][quantity]", "2"),
        ("metadata[order]", "7"),
    ];
    let (status, session) = call(&mut sim, "POST", "/v1/checkout/sessions", &open);
    assert_eq!((status, &session["amount_total"]), (200, &json!(3000)));
    let wrong = [("mode", "subscription"), ("line_items[0][price]", &once)];
    assert_eq!(
        call(&mut sim, "POST", "/v1/checkout/sessions", &wrong).0,
        400
    );
    let expire = format!("/v1/checkout/sessions/{}/expire", text(&session["id"]));
    assert_eq!(call(&mut sim, "POST", &expire, &[]).1["status"], "expired");
    assert_eq!(call(&mut sim, "POST", &expire, &[]).0, 400);
    let portal = [
        ("customer", customer.as_str()),
        ("return_url", "https://space.example/me"),
    ];
    let (_, portal) = call(&mut sim, "POST", "/v1/billing_portal/sessions", &portal);
    assert_eq!(portal["return_url"], "https://space.example/me");
    one(&sim.take_events(), "billing_portal.session.created");
}
