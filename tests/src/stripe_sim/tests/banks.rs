//! Bank debits, which take days.

use serde_json::{Value, json};

use super::*;
use crate::stripe_sim::calendar::{DAY, utc};

const PLAN: &str = "membertype_1-every-1-month-5000-usd";

fn debited(card: Card) -> (StripeSim, String, String) {
    let (mut sim, customer, _) = member();
    sim.set_payment_method(&customer, card);
    let sub = sim.subscribe(&customer, &[(PLAN, 1)], Subscribe::default());
    (sim, customer, sub)
}

#[test]
fn a_first_debit_makes_it_active_before_the_money_is_there() {
    let (mut sim, _, sub) = debited(Card::Settles);
    let events = sim.take_events();
    assert_eq!(
        one(&events, "customer.subscription.created")["data"]["object"]["status"],
        "active"
    );
    assert_eq!(
        one(&events, "payment_intent.processing")["data"]["object"]["status"],
        "processing"
    );
    assert_eq!(latest(&sim, &sub)["status"], "open");
    assert_eq!(sim.paid_until(&sub), None);
    sim.advance_to(sim.now() + 4 * DAY);
    let events = sim.take_events();
    assert_eq!(
        one(&events, "invoice.paid")["data"]["object"]["amount_paid"],
        5000
    );
    one(&events, "charge.succeeded");
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 2, 15, 12)));
}

#[test]
fn a_debit_that_bounces_days_later_makes_it_past_due() {
    let (mut sim, customer, sub) = debited(Card::Bounces);
    assert_eq!(sim.status(&sub), Status::Active);
    sim.take_events();
    sim.advance_to(sim.now() + 4 * DAY);
    let events = sim.take_events();
    let failed = &one(&events, "invoice.payment_failed")["data"]["object"];
    assert_eq!(failed["status"], "open");
    assert_eq!(sim.status(&sub), Status::PastDue);
    sim.pay_open_invoice(&customer);
    assert_eq!(sim.status(&sub), Status::Active);
}

#[test]
fn a_renewal_by_debit_stays_active_until_the_bank_answers() {
    let (mut sim, customer, sub) = member();
    sim.set_payment_method(&customer, Card::Bounces);
    sim.advance_to(utc(2026, 2, 15, 13));
    let events = sim.take_events();
    one(&events, "charge.pending");
    let attempted: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "invoice.updated")
        .map(|event| &event["data"]["object"]["next_payment_attempt"])
        .collect();
    assert_eq!(attempted.last(), Some(&&Value::Null));
    assert_eq!(sim.status(&sub), Status::Active);
    sim.advance_to(utc(2026, 2, 19, 13));
    assert_eq!(sim.status(&sub), Status::PastDue);
}

#[test]
fn a_debit_of_a_voided_invoice_is_never_answered() {
    let (mut sim, _, sub) = debited(Card::Settles);
    let invoice = text(&latest(&sim, &sub)["id"]);
    sim.void_invoice(&invoice);
    sim.take_events();
    sim.advance_to(sim.now() + 5 * DAY);
    assert!(sim.take_events().is_empty());
    assert_eq!(latest(&sim, &sub)["status"], "void");
}

#[test]
fn the_numbers_of_test_accounts_decide() {
    let mut sim = space();
    for (number, end) in [
        ("AT611904300234573201", "succeeded"),
        ("AT861904300235473202", "requires_payment_method"),
    ] {
        let bank = [("type", "sepa_debit"), ("sepa_debit[iban]", number)];
        let (_, method) = call(&mut sim, "POST", "/v1/payment_methods", &bank);
        let method = text(&method["id"]);
        let intent = [
            ("amount", "1000"),
            ("currency", "eur"),
            ("payment_method", &method),
            ("confirm", "true"),
        ];
        let (_, intent) = call(&mut sim, "POST", "/v1/payment_intents", &intent);
        assert_eq!(intent["status"], "processing");
        sim.advance_to(sim.now() + 4 * DAY);
        let path = format!("/v1/payment_intents/{}", text(&intent["id"]));
        assert_eq!(get(&mut sim, &path, &[]).1["status"], json!(end));
    }
}
