//! Refunds, disputes and credit notes.

use serde_json::{Value, json};

use super::*;
use crate::stripe_sim::calendar::{DAY, utc};

#[test]
fn refunds_and_disputes_touch_the_charge_and_not_the_subscription() {
    let (mut sim, _, sub) = member();
    let invoice = sim.invoices_of(&sub)[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    sim.refund(&invoice, 5000);
    let dispute = sim.dispute(&invoice);
    sim.close_dispute(&dispute, false);
    let events = sim.take_events();
    assert_eq!(
        kinds(&events),
        [
            "charge.refunded",
            "refund.created",
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.closed",
        ]
    );
    assert_eq!(
        events[0]["data"]["previous_attributes"],
        json!({"amount_refunded": 0, "refunded": false})
    );
    assert_eq!(sim.status(&sub), Status::Active);
}

/// A paid invoice of 5000 by a card of that kind.
fn paid_by(card: Card) -> (StripeSim, String, String) {
    let (mut sim, customer, _) = member();
    sim.set_payment_method(&customer, card);
    let sub = sim.subscribe(
        &customer,
        &[("membertype_1-every-1-month-5000-usd", 1)],
        Subscribe::default(),
    );
    let invoice = text(&latest(&sim, &sub)["id"]);
    (sim, sub, invoice)
}

fn refunded(sim: &mut StripeSim, invoice: &str) -> Value {
    let path = format!("/v1/invoices/{invoice}");
    let deep = [("expand[]", "payments.data.payment.payment_intent")];
    let intent =
        get(sim, &path, &deep).1["payments"]["data"][0]["payment"]["payment_intent"].clone();
    let charge = format!("/v1/charges/{}", text(&intent["latest_charge"]));
    get(sim, &charge, &[]).1["amount_refunded"].clone()
}

#[test]
fn a_refund_that_fails_gives_the_money_back_to_the_space() {
    let (mut sim, _, invoice) = paid_by(Card::RefundFails);
    sim.refund(&invoice, 2000);
    sim.refund(&invoice, 1000);
    assert_eq!(refunded(&mut sim, &invoice), 3000);
    sim.take_events();
    sim.advance_to(sim.now() + DAY);
    assert_eq!(refunded(&mut sim, &invoice), 0);
    let events = sim.take_events();
    let failed = events
        .iter()
        .filter(|event| event["type"] == "refund.failed");
    assert_eq!(failed.count(), 2);
    let (_, refunds) = get(&mut sim, "/v1/refunds", &[("status", "failed")]);
    assert_eq!(refunds["data"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_refund_that_waits_succeeds_later() {
    let (mut sim, _, invoice) = paid_by(Card::RefundWaits);
    sim.refund(&invoice, 5000);
    let events = sim.take_events();
    assert_eq!(
        one(&events, "refund.created")["data"]["object"]["status"],
        "pending"
    );
    sim.advance_to(sim.now() + DAY);
    let events = sim.take_events();
    let updated = &one(&events, "refund.updated")["data"];
    assert_eq!(updated["object"]["status"], "succeeded");
    assert_eq!(updated["previous_attributes"], json!({"status": "pending"}));
}

#[test]
fn more_than_was_paid_is_never_refunded() {
    let (mut sim, _, invoice) = paid_by(Card::Works);
    sim.refund(&invoice, 4000);
    let events = sim.take_events();
    let charge = text(&one(&events, "charge.refunded")["data"]["object"]["id"]);
    let too_much = [("charge", charge.as_str()), ("amount", "1001")];
    assert_eq!(call(&mut sim, "POST", "/v1/refunds", &too_much).0, 400);
    let rest = [("charge", charge.as_str())];
    let (status, refund) = call(&mut sim, "POST", "/v1/refunds", &rest);
    assert_eq!((status, &refund["amount"]), (200, &json!(1000)));
    assert_eq!(call(&mut sim, "POST", "/v1/refunds", &rest).0, 400);
}

#[test]
fn an_inquiry_takes_no_money_until_it_becomes_a_dispute() {
    let (mut sim, _, invoice) = paid_by(Card::Works);
    sim.take_events();
    let dispute = sim.inquire(&invoice);
    assert_eq!(kinds(&sim.take_events()), ["charge.dispute.created"]);
    sim.respond_to_dispute(&dispute);
    sim.escalate_dispute(&dispute);
    sim.respond_to_dispute(&dispute);
    sim.close_dispute(&dispute, true);
    let events = sim.take_events();
    let states: Vec<&str> = events
        .iter()
        .filter(|event| !kinds(std::slice::from_ref(event))[0].contains("funds"))
        .filter_map(|event| event["data"]["object"]["status"].as_str())
        .collect();
    assert_eq!(
        states,
        [
            "warning_under_review",
            "needs_response",
            "under_review",
            "won"
        ]
    );
    one(&events, "charge.dispute.funds_withdrawn");
    one(&events, "charge.dispute.funds_reinstated");
}

#[test]
fn an_inquiry_that_comes_to_nothing_is_closed() {
    let (mut sim, _, invoice) = paid_by(Card::Inquires);
    let (_, listed) = get(&mut sim, "/v1/disputes", &[]);
    let dispute = text(&listed["data"][0]["id"]);
    assert_eq!(listed["data"][0]["status"], "warning_needs_response");
    let path = format!("/v1/disputes/{dispute}/close");
    let (_, closed) = call(&mut sim, "POST", &path, &[]);
    assert_eq!(closed["status"], "warning_closed");
    sim.take_events();
    sim.prevent_dispute(&invoice);
    let kinds_of_prevented = sim.take_events();
    assert_eq!(
        kinds(&kinds_of_prevented),
        ["charge.dispute.created", "charge.dispute.closed"]
    );
}

#[test]
fn a_credit_note_before_payment_leaves_less_to_pay() {
    let (mut sim, customer, sub) = member();
    sim.set_card(&customer, false);
    sim.advance_to(utc(2026, 2, 16, 0));
    let open = text(&latest(&sim, &sub)["id"]);
    sim.credit(&open, 1500);
    let shown = latest(&sim, &sub);
    assert_eq!(
        (
            &shown["amount_due"],
            &shown["pre_payment_credit_notes_amount"]
        ),
        (&json!(3500), &json!(1500))
    );
    let note = sim.credit(&open, 500);
    let void = format!("/v1/credit_notes/{note}/void");
    assert_eq!(call(&mut sim, "POST", &void, &[]).0, 200);
    assert_eq!(latest(&sim, &sub)["amount_due"], 3500);
    sim.set_card(&customer, true);
    sim.take_events();
    sim.pay_open_invoice(&customer);
    let events = sim.take_events();
    assert_eq!(
        one(&events, "charge.succeeded")["data"]["object"]["amount"],
        3500
    );
    assert_eq!(
        call(&mut sim, "POST", &void, &[]).0,
        400,
        "the invoice is paid"
    );
}

#[test]
fn a_credit_note_for_all_that_is_owed_pays_the_invoice() {
    let (mut sim, customer, sub) = member();
    sim.set_card(&customer, false);
    sim.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(sim.status(&sub), Status::PastDue);
    let open = text(&latest(&sim, &sub)["id"]);
    sim.credit(&open, 5000);
    assert_eq!(latest(&sim, &sub)["status"], "paid");
    assert_eq!(sim.status(&sub), Status::Active);
}

#[test]
fn a_credit_note_after_payment_goes_where_it_is_told() {
    let (mut sim, sub, invoice) = paid_by(Card::Works);
    let customer = text(&sim.subscription(&sub)["customer"]);
    let wrong = [
        ("invoice", invoice.as_str()),
        ("amount", "1000"),
        ("refund_amount", "400"),
    ];
    assert_eq!(call(&mut sim, "POST", "/v1/credit_notes", &wrong).0, 400);
    let mixed = [
        ("invoice", invoice.as_str()),
        ("amount", "1000"),
        ("refund_amount", "400"),
        ("credit_amount", "600"),
    ];
    let (status, note) = call(&mut sim, "POST", "/v1/credit_notes", &mixed);
    assert_eq!((status, &note["type"]), (200, &json!("post_payment")));
    assert_eq!(sim.balance(&customer), -600);
    assert_eq!(refunded(&mut sim, &invoice), 400);
    let too_much = [("invoice", invoice.as_str()), ("amount", "4001")];
    assert_eq!(call(&mut sim, "POST", "/v1/credit_notes", &too_much).0, 400);
    assert_eq!(latest(&sim, &sub)["post_payment_credit_notes_amount"], 1000);
}
