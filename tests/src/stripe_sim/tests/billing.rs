//! Periods and payments.

use serde_json::json;

use super::*;
use crate::stripe_sim::calendar::{self, DAY, HOUR, next_boundary, utc};

#[test]
fn an_anchor_on_the_31st_bills_on_the_last_day_of_short_months_and_comes_back() {
    let anchor = utc(2027, 12, 31, 9);
    let feb = next_boundary(anchor, utc(2028, 1, 31, 9), Interval::Month, 1);
    assert_eq!(feb, utc(2028, 2, 29, 9));
    assert_eq!(
        next_boundary(anchor, feb, Interval::Month, 1),
        utc(2028, 3, 31, 9)
    );
    let leap = utc(2028, 2, 29, 0);
    assert_eq!(
        next_boundary(leap, leap, Interval::Year, 1),
        utc(2029, 2, 28, 0)
    );
}

#[test]
fn a_new_subscription_is_charged_at_once_and_told_as_active() {
    let mut sim = space();
    let plan = sim.create_plan("membertype_1", None, 5000, Interval::Month);
    let customer = sim.create_customer(None, None, &[]);
    sim.take_events();
    let sub = sim.subscribe(&customer, &[(&plan, 1)], Subscribe::default());
    let events = sim.take_events();
    assert_eq!(
        kinds(&events),
        [
            "customer.subscription.created",
            "invoice.created",
            "invoice.updated",
            "invoice.finalized",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
    );
    assert_eq!(events[0]["data"]["object"]["status"], "active");
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 2, 15, 12)));
    let invoice = &sim.invoices_of(&sub)[0];
    assert_eq!(
        (&invoice["billing_reason"], &invoice["amount_paid"]),
        (&json!("subscription_create"), &json!(5000))
    );
    assert_eq!(
        invoice["period_start"], invoice["period_end"],
        "the first invoice looks back on nothing"
    );
}

#[test]
fn at_renewal_the_period_moves_on_at_once_and_the_invoice_stays_a_draft_for_an_hour() {
    let (mut sim, _, sub) = member();
    let end = utc(2026, 2, 15, 12);
    sim.advance_to(end);
    let events = sim.take_events();
    assert_eq!(
        kinds(&events),
        ["customer.subscription.updated", "invoice.created"]
    );
    let updated = &events[0]["data"];
    assert_eq!(
        updated["object"]["items"]["data"][0]["current_period_start"],
        end
    );
    assert_eq!(
        updated["previous_attributes"]["items"]["data"][0]["current_period_end"],
        end
    );
    assert!(updated["previous_attributes"]["latest_invoice"].is_string());
    assert!(updated["previous_attributes"].get("status").is_none());
    assert_eq!(events[1]["data"]["object"]["status"], "draft");
    assert_eq!(
        events[1]["data"]["object"]["period_end"], end,
        "the invoice looks back on the old period"
    );
    assert_eq!(sim.paid_until(&sub), Some(end), "a draft pays nothing");

    sim.advance_to(end + HOUR - 1);
    assert!(sim.take_events().is_empty());
    sim.advance_to(end + HOUR);
    let events = sim.take_events();
    assert_eq!(
        one(&events, "invoice.paid")["data"]["object"]["billing_reason"],
        "subscription_cycle"
    );
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 3, 15, 12)));
}

#[test]
fn a_gift_card_covers_one_and_a_half_periods_and_the_card_pays_the_rest() {
    let (mut sim, customer, sub) = member();
    sim.add_balance(&customer, -7500);
    assert_eq!(
        one(&sim.take_events(), "customer.updated")["data"]["previous_attributes"],
        json!({"balance": 0})
    );

    sim.advance_to(utc(2026, 2, 15, 12));
    assert_eq!(
        sim.balance(&customer),
        -7500,
        "a draft does not touch the balance"
    );
    sim.advance_to(utc(2026, 2, 15, 13));
    let events = sim.take_events();
    let paid = &one(&events, "invoice.paid")["data"]["object"];
    assert_eq!(
        (&paid["amount_paid"], &paid["status"], &paid["amount_due"]),
        (&json!(0), &json!("paid"), &json!(0))
    );
    assert_eq!(
        (&paid["starting_balance"], &paid["ending_balance"]),
        (&json!(-7500), &json!(-2500))
    );
    one(&events, "invoice.payment_succeeded");
    assert!(!kinds(&events).contains(&"charge.succeeded"));
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 3, 15, 12)));

    sim.advance_to(utc(2026, 3, 15, 13));
    let events = sim.take_events();
    assert_eq!(
        one(&events, "charge.succeeded")["data"]["object"]["amount"],
        2500
    );
    assert_eq!(
        one(&events, "invoice.paid")["data"]["object"]["amount_paid"],
        2500
    );
    assert_eq!(sim.balance(&customer), 0);
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 4, 15, 12)));
}

#[test]
fn a_rest_too_small_to_charge_is_carried_as_a_debit() {
    let (mut sim, customer, _) = member();
    sim.add_balance(&customer, -4980);
    sim.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(sim.balance(&customer), 20);
    sim.take_events();
    sim.advance_to(utc(2026, 3, 16, 0));
    assert_eq!(
        one(&sim.take_events(), "charge.succeeded")["data"]["object"]["amount"],
        5020
    );
}

#[test]
fn a_failed_renewal_is_retried_on_days_3_5_7_and_11_and_a_payment_makes_it_active_again() {
    let (mut sim, customer, sub) = member();
    sim.set_card(&customer, false);
    let failed = utc(2026, 2, 15, 13);
    sim.advance_to(failed);
    let events = sim.take_events();
    let updated = events
        .iter()
        .rfind(|event| event["type"] == "customer.subscription.updated")
        .expect("it changed");
    assert_eq!(
        updated["data"]["previous_attributes"],
        json!({"status": "active"})
    );
    assert_eq!(
        one(&events, "invoice.payment_failed")["data"]["object"]["next_payment_attempt"],
        failed + 3 * DAY
    );
    assert_eq!(sim.status(&sub), Status::PastDue);
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 2, 15, 12)));

    sim.advance_to(failed + 10 * DAY);
    let tries = sim
        .take_events()
        .iter()
        .filter(|event| event["type"] == "invoice.payment_failed")
        .count();
    assert_eq!(tries, 3);
    assert_eq!(sim.pay_open_invoice(&customer), 1);
    assert_eq!(sim.status(&sub), Status::Active);
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 3, 15, 12)));
    sim.advance_to(failed + 12 * DAY);
    assert!(!kinds(&sim.take_events()).contains(&"customer.subscription.deleted"));
}

#[test]
fn after_the_last_retry_the_account_setting_decides() {
    for (after, status) in [
        (AfterRetries::Cancel, Status::Canceled),
        (AfterRetries::MarkUnpaid, Status::Unpaid),
        (AfterRetries::LeavePastDue, Status::PastDue),
    ] {
        let (mut sim, customer, sub) = member();
        sim.set_dunning(&[3, 5, 7], after);
        sim.set_card(&customer, false);
        sim.advance_to(utc(2026, 2, 22, 13));
        assert_eq!(sim.status(&sub), status);
        if after == AfterRetries::Cancel {
            let ended = sim.subscription(&sub);
            assert_eq!(ended["cancellation_details"]["reason"], "payment_failed");
            assert_eq!(ended["ended_at"], utc(2026, 2, 22, 13));
        }
    }
}

#[test]
fn a_first_payment_that_fails_leaves_the_subscription_incomplete_and_expires_after_23_hours() {
    let mut sim = space();
    let plan = sim.create_plan("membertype_1", None, 5000, Interval::Month);
    let customer = sim.create_customer(None, None, &[]);
    sim.set_card(&customer, false);
    let sub = sim.subscribe(&customer, &[(&plan, 1)], Subscribe::default());
    assert_eq!(sim.status(&sub), Status::Incomplete);
    sim.advance_to(sim.now() + 23 * HOUR - 1);
    assert_eq!(sim.status(&sub), Status::Incomplete);
    sim.advance_to(sim.now() + 1);
    assert_eq!(sim.status(&sub), Status::IncompleteExpired);
    assert_eq!(sim.invoices_of(&sub)[0]["status"], "void");
    assert_eq!(sim.paid_until(&sub), None);
}

#[test]
fn a_trial_is_a_paid_invoice_of_nothing_and_converts_at_its_end() {
    let mut sim = space();
    let plan = sim.create_plan("membertype_1", None, 5000, Interval::Month);
    let customer = sim.create_customer(None, None, &[]);
    let start = sim.now();
    let sub = sim.subscribe(
        &customer,
        &[(&plan, 1)],
        Subscribe {
            trial_days: 14,
            ..Subscribe::default()
        },
    );
    assert_eq!(sim.status(&sub), Status::Trialing);
    assert_eq!(sim.paid_until(&sub), Some(start + 14 * DAY));
    sim.take_events();
    sim.advance_to(start + 14 * DAY);
    let events = sim.take_events();
    assert_eq!(kinds(&events)[0], "customer.subscription.trial_will_end");
    assert_eq!(events[0]["created"], start + 11 * DAY);
    assert_eq!(sim.status(&sub), Status::Active);
    sim.advance_to(start + 14 * DAY + HOUR);
    assert_eq!(
        sim.paid_until(&sub),
        Some(calendar::add_months(start + 14 * DAY, 1))
    );
}

#[test]
fn a_sent_invoice_is_past_due_after_its_due_date_and_paying_it_helps() {
    let mut sim = space();
    let plan = sim.create_plan("membertype_1", None, 5000, Interval::Month);
    let customer = sim.create_customer(None, None, &[]);
    let how = Subscribe {
        collection_method: CollectionMethod::SendInvoice,
        days_until_due: 7,
        ..Subscribe::default()
    };
    let sub = sim.subscribe(&customer, &[(&plan, 1)], how);
    let sent = sim.now() + HOUR;
    sim.advance_to(sent);
    assert_eq!(
        (sim.status(&sub), sim.paid_until(&sub)),
        (Status::Active, None)
    );
    assert_eq!(sim.invoices_of(&sub)[0]["due_date"], sent + 7 * DAY);
    sim.advance_to(sent + 7 * DAY);
    assert_eq!(sim.status(&sub), Status::PastDue);
    sim.pay_open_invoice(&customer);
    assert_eq!(sim.status(&sub), Status::Active);
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 2, 15, 12)));
}

#[test]
fn a_void_of_the_only_open_invoice_makes_it_active_though_nothing_was_paid() {
    let (mut sim, customer, sub) = member();
    sim.set_card(&customer, false);
    sim.advance_to(utc(2026, 2, 16, 0));
    let open = sim.invoices_of(&sub).pop().expect("the renewal");
    sim.void_invoice(open["id"].as_str().expect("an id"));
    assert_eq!(sim.status(&sub), Status::Active);
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 2, 15, 12)));
}
