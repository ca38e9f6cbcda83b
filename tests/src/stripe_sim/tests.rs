use serde_json::{Value, json};

use super::calendar::{DAY, HOUR, next_boundary, utc};
use super::*;

const KEY: &str = "sk_test_sim";
const SIGNATURE: &str = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";

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
            "charge.succeeded",
            "invoice.updated",
            "invoice.paid",
            "invoice.payment_succeeded",
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
fn a_coupon_of_a_hundred_percent_renews_without_charge() {
    let mut sim = space();
    let plan = sim.create_plan("membertype_1", None, 5000, Interval::Month);
    let customer = sim.create_customer(None, None, &[]);
    sim.set_payment_method(&customer, Card::None);
    let sub = sim.subscribe(
        &customer,
        &[(&plan, 1)],
        Subscribe {
            percent_off: 100,
            ..Subscribe::default()
        },
    );
    sim.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(sim.status(&sub), Status::Active);
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 3, 15, 12)));
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
            "charge.dispute.closed",
        ]
    );
    assert_eq!(
        events[0]["data"]["previous_attributes"],
        json!({"amount_refunded": 0, "refunded": false})
    );
    assert_eq!(sim.status(&sub), Status::Active);
}

#[test]
fn events_page_in_both_directions_and_are_forgotten_after_thirty_days() {
    let (mut sim, customer, _) = member();
    let (_, newest) = get(&mut sim, "/v1/events", &[("limit", "2")]);
    assert_eq!(newest["has_more"], true);
    let cursor = newest["data"][0]["id"].as_str().expect("an id").to_owned();
    for cents in 1..=5 {
        sim.add_balance(&customer, -cents);
    }
    let mut seen = Vec::new();
    let mut cursor_now = cursor.clone();
    loop {
        let (_, page) = get(
            &mut sim,
            "/v1/events",
            &[("limit", "2"), ("ending_before", &cursor_now)],
        );
        let data = page["data"].as_array().expect("a page");
        seen.extend(
            data.iter()
                .rev()
                .map(|event| event["data"]["object"]["balance"].clone()),
        );
        let Some(first) = data.first() else { break };
        cursor_now = first["id"].as_str().expect("an id").to_owned();
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(
        seen,
        [json!(-1), json!(-3), json!(-6), json!(-10), json!(-15)]
    );
    let (_, typed) = get(
        &mut sim,
        "/v1/events",
        &[("types[]", "invoice.paid"), ("types[]", "charge.succeeded")],
    );
    assert_eq!(typed["data"].as_array().expect("a page").len(), 2);

    let later = sim.now() + 31 * DAY;
    sim.advance_to(later);
    let (_, all) = get(&mut sim, "/v1/events", &[("limit", "100")]);
    assert!(
        all["data"]
            .as_array()
            .expect("a page")
            .iter()
            .all(|event| event["type"] != "customer.created")
    );
    let (status, _) = get(&mut sim, "/v1/events", &[("ending_before", &cursor)]);
    assert_eq!(
        status, 400,
        "a cursor that Stripe has forgotten is an error"
    );
}

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

#[test]
fn lists_expand_four_levels_and_no_deeper() {
    let (mut sim, customer, _) = member();
    let wish = [
        ("customer", customer.as_str()),
        ("expand[]", "data.latest_invoice"),
        ("expand[]", "data.customer"),
    ];
    let (status, body) = get(&mut sim, "/v1/subscriptions", &wish);
    assert_eq!(status, 200);
    assert_eq!(body["data"][0]["latest_invoice"]["object"], "invoice");
    assert_eq!(body["data"][0]["customer"]["email"], "ada@example.org");
    let (status, body) = get(
        &mut sim,
        "/v1/subscriptions",
        &[("expand[]", "data.items.data.price.product")],
    );
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "property_expansion_max_depth");
    let sub = sim.subscriptions_of(&customer).remove(0);
    let (_, body) = get(
        &mut sim,
        &format!("/v1/subscriptions/{sub}"),
        &[("expand[]", "items.data.price.product")],
    );
    assert_eq!(body["items"]["data"][0]["price"]["product"]["name"], "Full");
}

#[test]
fn keys_decide_which_data_is_seen() {
    let (mut sim, _, sub) = member();
    let path = format!("/v1/subscriptions/{sub}");
    sim.add_key("sk_live_sim", "acct_space");
    sim.add_key("sk_test_other", "acct_other");
    let mut ask = |key: &str| sim.request("GET", &path, &[], Headers::with_key(key));
    assert_eq!(ask("sk_test_wrong").0, 401);
    assert_eq!(ask("sk_test_sim").0, 200);
    assert_eq!(ask("rk_test_sim").0, 200);
    let (status, body) = ask("sk_test_other");
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("resource_missing"))
    );
    assert_eq!(ask("sk_live_sim").0, 404);
    let (_, account) = sim.request(
        "GET",
        "/v1/account",
        &[],
        Headers::with_key("sk_test_other"),
    );
    assert_eq!(account["id"], "acct_other");
}

#[test]
fn failures_come_on_demand_and_then_stop() {
    let (mut sim, _, _) = member();
    sim.fail_next(429, 2);
    sim.fail_next(500, 1);
    let statuses: Vec<u16> = (0..4)
        .map(|_| get(&mut sim, "/v1/account", &[]).0)
        .collect();
    assert_eq!(statuses, [429, 429, 500, 200]);
    sim.set_outage(true);
    assert_eq!(get(&mut sim, "/v1/account", &[]).0, 503);
}

#[test]
fn an_idempotency_key_answers_the_same_again_and_refuses_other_parameters() {
    let (mut sim, customer, _) = member();
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let headers = Headers {
        idempotency_key: Some("gift-1".to_owned()),
        ..Headers::with_key(KEY)
    };
    let params = |amount: &str| {
        vec![
            ("amount".to_owned(), amount.to_owned()),
            ("currency".to_owned(), "usd".to_owned()),
        ]
    };
    let first = sim.request("POST", &path, &params("-3000"), headers.clone());
    let second = sim.request("POST", &path, &params("-3000"), headers.clone());
    assert_eq!(first, second);
    assert_eq!(sim.balance(&customer), -3000);
    let (status, body) = sim.request("POST", &path, &params("-1"), headers);
    assert_eq!(
        (status, &body["error"]["type"]),
        (400, &json!("idempotency_error"))
    );
    let told = sim.take_events();
    assert_eq!(
        one(&told, "customer.updated")["request"]["idempotency_key"],
        "gift-1"
    );
}

#[test]
fn the_rest_interface_makes_what_the_dashboard_makes() {
    let mut sim = space();
    let plan = [
        ("id", "membertype_7"),
        ("amount", "3000"),
        ("currency", "usd"),
        ("interval", "month"),
        ("product[name]", "Basic"),
    ];
    assert_eq!(call(&mut sim, "POST", "/v1/plans", &plan).0, 200);
    assert_eq!(
        call(&mut sim, "POST", "/v1/plans", &plan).1["error"]["code"],
        "resource_already_exists"
    );
    let (_, customer) = call(
        &mut sim,
        "POST",
        "/v1/customers",
        &[("email", "b@example.org"), ("source", "tok_visa")],
    );
    let customer = customer["id"].as_str().expect("an id").to_owned();
    let wish = [
        ("customer", customer.as_str()),
        ("items[0][plan]", "membertype_7"),
        ("metadata[member]", "9"),
    ];
    let (status, sub) = call(&mut sim, "POST", "/v1/subscriptions", &wish);
    assert_eq!(
        (status, &sub["status"], &sub["metadata"]["member"]),
        (200, &json!("active"), &json!("9"))
    );
    let path = format!("/v1/subscriptions/{}", sub["id"].as_str().expect("an id"));
    let (_, sub) = call(&mut sim, "POST", &path, &[("cancel_at_period_end", "true")]);
    assert_eq!(sub["cancel_at_period_end"], true);
    let (_, sub) = call(&mut sim, "DELETE", &path, &[]);
    assert_eq!(sub["status"], "canceled");
    assert_eq!(call(&mut sim, "DELETE", &path, &[]).0, 404);
    assert_eq!(get(&mut sim, "/v1/subscriptions", &[]).1["data"], json!([]));
    assert_eq!(get(&mut sim, "/v1/nothing/x", &[]).0, 404);
}

#[test]
fn a_transferred_lookup_key_leaves_the_old_price() {
    let mut sim = space();
    let old = sim.create_price(None, Some("membertype_4"), &[], 4000, Interval::Month);
    let new = sim.create_price(None, None, &[("membertype", "4")], 4500, Interval::Month);
    sim.take_events();
    sim.set_lookup_key(&new, Some("membertype_4"));
    assert_eq!(
        kinds(&sim.take_events()),
        ["price.updated", "price.updated"]
    );
    assert_eq!(
        get(&mut sim, &format!("/v1/prices/{old}"), &[]).1["lookup_key"],
        Value::Null
    );
}

#[test]
fn a_forked_history_goes_its_own_way() {
    let (sim, customer, sub) = member();
    let (mut paying, mut failing) = (sim.clone(), sim);
    failing.set_card(&customer, false);
    paying.advance_to(utc(2026, 2, 16, 0));
    failing.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(
        (paying.status(&sub), failing.status(&sub)),
        (Status::Active, Status::PastDue)
    );
}

#[test]
fn the_same_story_told_twice_is_the_same_to_the_last_byte() {
    let tell = || {
        let (mut sim, _, _) = member();
        sim.advance_to(utc(2026, 6, 1, 0));
        sim.take_events()
    };
    assert_eq!(tell(), tell());
}

#[test]
fn a_signature_is_the_hmac_of_time_and_body() {
    // Computed with: printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
    let header = deliver::sign("whsec_test", 1_700_000_000, b"{}");
    assert_eq!(header, format!("t=1700000000,v1={SIGNATURE}"));
    let two = deliver::sign_with(&["whsec_old", "whsec_test"], 1_700_000_000, b"{}");
    assert!(two.ends_with(SIGNATURE) && two.matches(",v1=").count() == 2);
}

#[tokio::test]
async fn the_router_serves_form_parameters_and_bearer_keys() {
    use std::sync::{Arc, Mutex};
    let (sim, customer, sub) = member();
    let sim = Arc::new(Mutex::new(sim));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    let server = tokio::spawn(async move { axum::serve(listener, http::router(sim)).await });
    let text = {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = tokio::net::TcpStream::connect(address)
            .await
            .expect("the server listens");
        let request = format!(
            "GET /v1/subscriptions?customer={customer}&expand%5B%5D=data.latest_invoice HTTP/1.1\r\nHost: stripe\r\n\
             Authorization: Bearer {KEY}\r\nConnection: close\r\n\r\n"
        );
        socket
            .write_all(request.as_bytes())
            .await
            .expect("the request is sent");
        let mut text = String::new();
        socket
            .read_to_string(&mut text)
            .await
            .expect("the answer is text");
        text
    };
    server.abort();
    assert!(text.starts_with("HTTP/1.1 200"));
    assert!(text.contains(&sub) && text.contains("subscription_create"));
}
