//! Changes, pauses and ends.

use serde_json::{Value, json};

use super::*;
use crate::stripe_sim::calendar::{DAY, HOUR, utc};

#[test]
fn a_plan_change_in_the_middle_waits_for_the_next_invoice_and_says_what_it_was_before() {
    let (mut sim, _, sub) = member();
    let better = sim.create_plan(
        "membertype_2-every-1-month-8000-usd",
        Some("Workshop"),
        8000,
        Interval::Month,
    );
    let start = sim.now();
    sim.advance_to(start + (utc(2026, 2, 15, 12) - start) / 2);
    sim.take_events();
    sim.change_price(&sub, 0, &better, Proration::CreateProrations);
    let events = sim.take_events();
    assert_eq!(kinds(&events), ["customer.subscription.updated"]);
    let before = &events[0]["data"]["previous_attributes"]["items"]["data"][0];
    assert_eq!(before["price"]["id"], "membertype_1-every-1-month-5000-usd");
    assert_eq!(before["plan"]["nickname"], "Full");
    assert_eq!(
        events[0]["data"]["object"]["items"]["data"][0]["price"]["id"],
        better.as_str()
    );

    sim.advance_to(utc(2026, 2, 15, 13));
    let invoice = sim.invoices_of(&sub).pop().expect("the renewal");
    let amounts: Vec<_> = invoice["lines"]["data"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| line["amount"].clone())
        .collect();
    assert_eq!(amounts, [json!(8000), json!(-2500), json!(4000)]);
    assert_eq!(invoice["amount_paid"], 9500);
}

#[test]
fn a_downgrade_invoiced_at_once_is_a_negative_invoice_that_becomes_credit() {
    let (mut sim, customer, sub) = member();
    let smaller = sim.create_plan("membertype_3", None, 1000, Interval::Month);
    sim.advance_to(utc(2026, 1, 31, 0));
    sim.take_events();
    sim.change_price(&sub, 0, &smaller, Proration::AlwaysInvoice);
    let events = sim.take_events();
    let paid = &one(&events, "invoice.paid")["data"]["object"];
    assert_eq!(
        (&paid["billing_reason"], &paid["amount_paid"]),
        (&json!("subscription_update"), &json!(0))
    );
    let total = paid["total"].as_i64().expect("a total");
    assert!(total < 0);
    assert_eq!(sim.balance(&customer), total);
    assert_eq!(
        sim.paid_until(&sub),
        Some(utc(2026, 2, 15, 12)),
        "no extra term"
    );
}

#[test]
fn an_upgrade_whose_card_fails_keeps_the_new_item_and_is_past_due() {
    let (mut sim, customer, sub) = member();
    let better = sim.create_plan("membertype_2", None, 8000, Interval::Month);
    sim.set_card(&customer, false);
    sim.change_price(&sub, 0, &better, Proration::AlwaysInvoice);
    assert_eq!(sim.status(&sub), Status::PastDue);
    let latest = sim.invoices_of(&sub).pop().expect("the upgrade's invoice");
    assert_eq!(
        (&latest["status"], &latest["billing_reason"]),
        (&json!("open"), &json!("subscription_update"))
    );
}

#[test]
fn a_change_of_interval_starts_a_new_cycle_and_cuts_the_old_period() {
    let (mut sim, customer, sub) = member();
    let yearly = sim.create_plan("membertype_1-yearly", None, 50_000, Interval::Year);
    sim.advance_to(utc(2026, 1, 31, 0));
    sim.change_price(&sub, 0, &yearly, Proration::CreateProrations);
    assert_eq!(sim.paid_until(&sub), Some(utc(2027, 1, 31, 0)));
    let monthly = "membertype_1-every-1-month-5000-usd";
    sim.set_card(&customer, false);
    sim.advance_to(utc(2026, 2, 1, 0));
    sim.add_balance(&customer, 90_000);
    sim.change_price(&sub, 0, monthly, Proration::CreateProrations);
    assert_eq!(
        sim.paid_until(&sub),
        Some(utc(2026, 2, 1, 0)),
        "the year was given back, the month is not paid"
    );
}

#[test]
fn cancelled_at_period_end_it_ends_then_and_not_before() {
    let (mut sim, _, sub) = member();
    sim.cancel_at_period_end(&sub, true);
    let events = sim.take_events();
    assert_eq!(
        events[0]["data"]["previous_attributes"]["cancel_at_period_end"],
        false
    );
    sim.cancel_at_period_end(&sub, false);
    assert_eq!(sim.subscription(&sub)["cancel_at"], Value::Null);
    sim.cancel_at_period_end(&sub, true);
    sim.take_events();
    let end = utc(2026, 2, 15, 12);
    sim.advance_to(end - 1);
    assert_eq!(sim.status(&sub), Status::Active);
    sim.advance_to(end + DAY);
    let events = sim.take_events();
    assert_eq!(kinds(&events), ["customer.subscription.deleted"]);
    assert_eq!(events[0]["created"], end);
    assert_eq!(events[0]["data"]["object"]["ended_at"], end);
    assert_eq!(sim.invoices_of(&sub).len(), 1, "no renewal");
}

#[test]
fn paused_collection_voids_renewals_and_leaves_the_status_active() {
    let (mut sim, _, sub) = member();
    sim.pause_collection(&sub, PauseBehavior::Void, None);
    sim.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(sim.status(&sub), Status::Active);
    assert_eq!(sim.invoices_of(&sub)[1]["status"], "void");
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 2, 15, 12)));
    sim.resume(&sub);
    sim.advance_to(utc(2026, 3, 16, 0));
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 4, 15, 12)));
}

#[test]
fn a_paused_subscription_bills_nothing_and_begins_a_new_cycle_when_resumed() {
    let (mut sim, _, sub) = member();
    sim.pause(&sub);
    assert_eq!(
        kinds(&sim.take_events()),
        [
            "customer.subscription.updated",
            "customer.subscription.paused"
        ]
    );
    assert_eq!(
        sim.subscription(&sub)["status_details"]["paused"]["subscription"]["type"],
        "pause_requested"
    );
    let back = utc(2026, 5, 3, 8);
    sim.advance_to(back);
    assert!(sim.take_events().is_empty());
    sim.resume(&sub);
    sim.advance_to(back + HOUR);
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 6, 3, 8)));
    sim.advance_to(utc(2026, 6, 3, 9));
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 7, 3, 8)));
}

#[test]
fn what_has_ended_never_changes_again() {
    let (mut sim, _, sub) = member();
    sim.cancel_now(&sub);
    sim.take_events();
    let ended = sim.subscription(&sub);
    sim.cancel_at_period_end(&sub, true);
    sim.pause(&sub);
    sim.resume(&sub);
    sim.set_quantity(&sub, 0, 3, Proration::AlwaysInvoice);
    sim.advance_to(utc(2026, 9, 1, 0));
    assert!(sim.take_events().is_empty());
    assert_eq!(sim.subscription(&sub), ended);
}

#[test]
fn a_deleted_customer_takes_its_subscriptions_along() {
    let (mut sim, customer, sub) = member();
    sim.delete_customer(&customer);
    assert_eq!(
        kinds(&sim.take_events()),
        ["customer.deleted", "customer.subscription.deleted"]
    );
    assert_eq!(sim.status(&sub), Status::Canceled);
    let (status, body) = get(&mut sim, &format!("/v1/customers/{customer}"), &[]);
    assert_eq!((status, &body["deleted"]), (200, &json!(true)));
    let (_, body) = get(
        &mut sim,
        "/v1/subscriptions",
        &[("customer", &customer), ("status", "all")],
    );
    assert_eq!(body["data"][0]["id"], sub.as_str());
}

/// A member whose change to 80 $ waits for a payment that failed.
fn waiting() -> (StripeSim, String, String) {
    let (mut sim, customer, sub) = member();
    let better = sim.create_plan("membertype_2", None, 8000, Interval::Month);
    sim.set_card(&customer, false);
    sim.take_events();
    let item = sim.subscription(&sub)["items"]["data"][0]["id"].clone();
    let change = [
        ("items[0][id]", item.as_str().expect("an id")),
        ("items[0][price]", &better),
        ("proration_behavior", "always_invoice"),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    let (status, _) = call(
        &mut sim,
        "POST",
        &format!("/v1/subscriptions/{sub}"),
        &change,
    );
    assert_eq!(status, 200);
    (sim, customer, sub)
}

fn price_of(sim: &StripeSim, sub: &str) -> Value {
    sim.subscription(sub)["items"]["data"][0]["price"]["id"].clone()
}

#[test]
fn a_change_that_waits_for_payment_changes_nothing_yet() {
    let (mut sim, customer, sub) = waiting();
    let shown = sim.subscription(&sub);
    assert_eq!(shown["status"], "active");
    assert_eq!(price_of(&sim, &sub), "membertype_1-every-1-month-5000-usd");
    let update = &shown["pending_update"];
    assert_eq!(
        update["subscription_items"][0]["price"]["id"],
        "membertype_2"
    );
    assert_eq!(update["expires_at"], sim.now() + 23 * HOUR);
    sim.take_events();
    sim.pay_open_invoice(&customer);
    let events = sim.take_events();
    one(&events, "customer.subscription.pending_update_applied");
    assert_eq!(price_of(&sim, &sub), "membertype_2");
    assert_eq!(sim.subscription(&sub)["pending_update"], Value::Null);
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 2, 15, 12)));
}

#[test]
fn a_change_that_nobody_pays_expires_after_23_hours() {
    let (mut sim, _, sub) = waiting();
    sim.take_events();
    sim.advance_to(sim.now() + 23 * HOUR);
    let events = sim.take_events();
    one(&events, "customer.subscription.pending_update_expired");
    one(&events, "invoice.voided");
    assert_eq!(price_of(&sim, &sub), "membertype_1-every-1-month-5000-usd");
    assert_eq!(sim.status(&sub), Status::Active);
}

#[test]
fn a_trial_without_a_card_ends_as_its_setting_says() {
    for (behavior, status) in [
        (MissingMethod::CreateInvoice, Status::PastDue),
        (MissingMethod::Cancel, Status::Canceled),
        (MissingMethod::Pause, Status::Paused),
    ] {
        let (mut sim, customer, _) = member();
        sim.set_payment_method(&customer, Card::None);
        let how = Subscribe {
            trial_days: 7,
            missing_method: behavior,
            ..Subscribe::default()
        };
        let sub = sim.subscribe(
            &customer,
            &[("membertype_1-every-1-month-5000-usd", 1)],
            how,
        );
        sim.advance_to(sim.now() + 7 * DAY + HOUR);
        assert_eq!(sim.status(&sub), status);
        if status == Status::Paused {
            assert_eq!(
                sim.subscription(&sub)["status_details"]["paused"]["subscription"]["type"],
                "trial_end_without_payment_method"
            );
            sim.set_payment_method(&customer, Card::Works);
            sim.resume(&sub);
            sim.advance_to(sim.now() + HOUR);
            assert_eq!(
                (sim.status(&sub), latest(&sim, &sub)["amount_paid"].clone()),
                (Status::Active, json!(5000))
            );
        }
    }
}

#[test]
fn an_account_may_pause_at_the_first_or_at_the_final_failure() {
    for (first, reason) in [
        (true, "first_payment_failure"),
        (false, "final_payment_failure"),
    ] {
        let (mut sim, customer, sub) = member();
        sim.set_dunning(&[3], AfterRetries::Pause);
        sim.set_pause_at_first_failure(first);
        sim.set_card(&customer, false);
        sim.advance_to(utc(2026, 2, 15, 13));
        assert_eq!(sim.status(&sub) == Status::Paused, first);
        sim.advance_to(utc(2026, 2, 18, 13));
        let shown = sim.subscription(&sub);
        assert_eq!(
            shown["status_details"]["paused"]["subscription"]["type"],
            reason
        );
        sim.take_events();
        sim.pay_open_invoice(&customer);
        one(&sim.take_events(), "customer.subscription.resumed");
        assert_eq!(sim.status(&sub), Status::Active);
    }
}

#[test]
fn a_payment_that_needs_an_action_leaves_a_first_subscription_incomplete() {
    let (mut sim, customer, _) = member();
    sim.set_payment_method(&customer, Card::NeedsAction);
    let sub = sim.subscribe(
        &customer,
        &[("membertype_1-every-1-month-5000-usd", 1)],
        Subscribe::default(),
    );
    let events = sim.take_events();
    one(&events, "invoice.payment_action_required");
    one(&events, "payment_intent.requires_action");
    assert_eq!(sim.status(&sub), Status::Incomplete);
    sim.pay_open_invoice(&customer);
    assert_eq!(sim.status(&sub), Status::Active);
}
