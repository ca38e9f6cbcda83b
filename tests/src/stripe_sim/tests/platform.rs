//! Connected accounts, thin events, test clocks, previews.

use serde_json::{Value, json};

use super::*;
use crate::stripe_sim::calendar::{DAY, utc};

const PLAN: &str = "membertype_1-every-1-month-5000-usd";
const OTHER: &str = "acct_other";

fn read_for(sim: &mut StripeSim, account: &str, path: &str) -> (u16, Value) {
    let headers = Headers {
        stripe_account: Some(account.to_owned()),
        ..Headers::with_key(KEY)
    };
    sim.request("GET", path, &[], headers)
}

#[test]
fn a_connected_account_has_data_of_its_own_until_it_takes_the_access_away() {
    let (mut sim, customer, _) = member();
    assert_eq!(read_for(&mut sim, OTHER, "/v1/customers").0, 403);
    sim.connect_account(OTHER);
    let there = sim.other_account(OTHER, false);
    let twin = there.create_customer(Some("twin@example.org"), None, &[]);
    let (status, shown) = read_for(&mut sim, OTHER, "/v1/customers");
    assert_eq!((status, &shown["data"][0]["id"]), (200, &json!(twin)));
    assert_eq!(
        read_for(&mut sim, OTHER, &format!("/v1/customers/{customer}")).0,
        404
    );

    let told = sim.take_connect_events();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].body(Shape::Endive, false)["account"], OTHER);
    assert!(
        sim.take_events().is_empty(),
        "it is no event of the platform's own"
    );
    sim.deauthorize_account(OTHER);
    let told = sim.take_connect_events();
    let body = told[0].body(Shape::Endive, false);
    assert_eq!(body["type"], "account.application.deauthorized");
    assert_eq!(
        (&body["account"], &body["data"]["object"]["object"]),
        (&json!(OTHER), &json!("application"))
    );
    assert_eq!(read_for(&mut sim, OTHER, "/v1/customers").0, 403);
}

#[test]
fn a_thin_event_names_the_object_and_its_snapshot_and_says_nothing_else() {
    let (mut sim, _, sub) = member();
    sim.cancel_at_period_end(&sub, true);
    let record = sim.take_event_records().remove(0);
    let thin = record.thin_body(false);
    assert_eq!(
        thin,
        json!({
            "id": thin["id"], "object": "v2.core.event", "context": null, "created": "2026-01-15T12:00:00.000Z",
            "livemode": false, "reason": null, "snapshot_event": record.id, "type": "v1.customer.subscription.updated",
            "related_object": {"id": sub, "type": "subscription", "url": format!("/v1/subscriptions/{sub}")},
        })
    );
    let url = text(&thin["related_object"]["url"]);
    assert_eq!(get(&mut sim, &url, &[]).1["id"], sub.as_str());
}

#[test]
fn a_test_clock_moves_its_own_customers_and_nobody_else() {
    let (mut sim, _, ours) = member();
    let frozen = utc(2020, 1, 1, 0).to_string();
    let (_, clock) = call(
        &mut sim,
        "POST",
        "/v1/test_helpers/test_clocks",
        &[("frozen_time", &frozen)],
    );
    let clock = text(&clock["id"]);
    let customer = [
        ("test_clock", clock.as_str()),
        ("invoice_settings[default_payment_method]", "pm_card_visa"),
    ];
    let (_, customer) = call(&mut sim, "POST", "/v1/customers", &customer);
    let customer = text(&customer["id"]);
    let begin = [("customer", customer.as_str()), ("items[0][price]", PLAN)];
    let (status, sub) = call(&mut sim, "POST", "/v1/subscriptions", &begin);
    assert_eq!((status, &sub["created"]), (200, &json!(utc(2020, 1, 1, 0))));
    assert_eq!(sub["test_clock"], clock.as_str());
    let later = (utc(2020, 3, 1, 1)).to_string();
    let advance = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    let (status, shown) = call(&mut sim, "POST", &advance, &[("frozen_time", &later)]);
    assert_eq!((status, &shown["status"]), (200, &json!("ready")));
    assert_eq!(sim.paid_until(&text(&sub["id"])), Some(utc(2020, 4, 1, 0)));
    assert_eq!(sim.paid_until(&ours), Some(utc(2026, 2, 15, 12)));
    assert_eq!(sim.now(), utc(2026, 1, 15, 12));
    let (status, _) = call(&mut sim, "POST", &advance, &[("frozen_time", &later)]);
    assert_eq!(status, 400, "time does not stand still or go back");
    let path = format!("/v1/test_helpers/test_clocks/{clock}");
    assert_eq!(call(&mut sim, "DELETE", &path, &[]).0, 200);
    assert_eq!(sim.status(&text(&sub["id"])), Status::Canceled);
}

#[test]
fn a_preview_shows_what_the_change_then_costs_and_changes_nothing() {
    let (mut sim, _, sub) = member();
    let better = sim.create_plan("membertype_2", None, 8000, Interval::Month);
    sim.advance_to(sim.now() + 10 * DAY);
    sim.take_events();
    let item = text(&sim.subscription(&sub)["items"]["data"][0]["id"]);
    for (proration, reason) in [("always_invoice", true), ("create_prorations", false)] {
        let wish = [
            ("subscription", sub.as_str()),
            ("subscription_details[items][0][id]", &item),
            ("subscription_details[items][0][price]", &better),
            ("subscription_details[proration_behavior]", proration),
        ];
        let (status, preview) = call(&mut sim, "POST", "/v1/invoices/create_preview", &wish);
        assert_eq!(status, 200, "{preview}");
        assert!(sim.take_events().is_empty());
        assert_eq!(sim.invoices_of(&sub).len(), 1);
        let mut twin = sim.clone();
        let how = if reason {
            Proration::AlwaysInvoice
        } else {
            Proration::CreateProrations
        };
        twin.change_price(&sub, 0, &better, how);
        twin.advance_to(utc(2026, 2, if reason { 1 } else { 16 }, 0));
        assert_eq!(
            preview["total"],
            latest(&twin, &sub)["total"],
            "{proration}"
        );
        assert!(text(&preview["id"]).starts_with("upcoming_in_"));
    }
}
