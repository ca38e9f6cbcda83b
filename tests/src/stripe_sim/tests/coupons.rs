//! Coupons and promotion codes.

use serde_json::{Value, json};

use super::*;
use crate::stripe_sim::calendar::utc;

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
fn a_coupon_for_one_invoice_is_gone_with_it() {
    let (mut sim, customer, _) = member();
    let half = sim.create_coupon("half", Off::Percent(5_000), Duration::Once);
    let how = Subscribe {
        coupon: Some(half),
        ..Subscribe::default()
    };
    let sub = sim.subscribe(
        &customer,
        &[("membertype_1-every-1-month-5000-usd", 1)],
        how,
    );
    let first = latest(&sim, &sub);
    assert_eq!(
        (&first["total"], &first["amount_paid"]),
        (&json!(2500), &json!(2500))
    );
    assert_eq!(first["total_discount_amounts"][0]["amount"], 2500);
    assert_eq!(
        first["lines"]["data"][0]["discount_amounts"][0]["amount"],
        2500
    );
    assert_eq!(sim.subscription(&sub)["discounts"], json!([]));
    one(&sim.take_events(), "customer.discount.deleted");
    sim.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(latest(&sim, &sub)["amount_paid"], 5000);
}

#[test]
fn a_coupon_for_two_months_takes_off_twice() {
    let (mut sim, customer, _) = member();
    let off = Off::Amount(1500, "usd".to_owned());
    let coupon = sim.create_coupon("", off, Duration::Repeating(2));
    let how = Subscribe {
        coupon: Some(coupon),
        ..Subscribe::default()
    };
    let sub = sim.subscribe(
        &customer,
        &[("membertype_1-every-1-month-5000-usd", 1)],
        how,
    );
    sim.advance_to(utc(2026, 4, 16, 0));
    let paid: Vec<Value> = sim
        .invoices_of(&sub)
        .iter()
        .map(|invoice| invoice["amount_paid"].clone())
        .collect();
    assert_eq!(paid, [json!(3500), json!(3500), json!(5000), json!(5000)]);
    assert_eq!(sim.subscription(&sub)["discounts"], json!([]));
}

#[test]
fn a_promotion_code_is_redeemed_only_by_whom_and_while_it_may() {
    let (mut sim, customer, sub) = member();
    let (_, coupon) = call(
        &mut sim,
        "POST",
        "/v1/coupons",
        &[("percent_off", "12.5"), ("duration", "forever")],
    );
    let coupon = text(&coupon["id"]);
    let code = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", &coupon),
        ("code", "WELCOME"),
        ("max_redemptions", "1"),
    ];
    let (_, code) = call(&mut sim, "POST", "/v1/promotion_codes", &code);
    let path = format!("/v1/subscriptions/{sub}");
    let redeem = [(
        "discounts[0][promotion_code]",
        code["id"].as_str().expect("an id"),
    )];
    let (status, body) = call(&mut sim, "POST", &path, &redeem);
    assert_eq!(status, 200, "{body}");
    let (_, read) = get(&mut sim, "/v1/promotion_codes", &[("code", "WELCOME")]);
    assert_eq!(read["data"][0]["active"], false);
    assert_eq!(read["data"][0]["times_redeemed"], 1);
    let (status, _) = call(&mut sim, "POST", &path, &redeem);
    assert_eq!(status, 400);
    let expanded = get(&mut sim, &path, &[("expand[]", "discounts.source.coupon")]).1;
    assert_eq!(
        expanded["discounts"][0]["source"]["coupon"]["percent_off"],
        12.5
    );
    sim.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(latest(&sim, &sub)["amount_paid"], 4375);

    let others = [("coupon", coupon.as_str()), ("customer", "cus_somebody")];
    let (_, others) = call(&mut sim, "POST", "/v1/promotion_codes", &others);
    let new = [
        ("customer", customer.as_str()),
        ("items[0][price]", "membertype_1-every-1-month-5000-usd"),
        (
            "discounts[0][promotion_code]",
            others["id"].as_str().expect("an id"),
        ),
    ];
    assert_eq!(call(&mut sim, "POST", "/v1/subscriptions", &new).0, 400);
}

#[test]
fn a_deleted_coupon_stays_with_those_who_have_it() {
    let (mut sim, customer, _) = member();
    let coupon = sim.create_coupon("old", Off::Percent(10_000), Duration::Forever);
    let how = Subscribe {
        coupon: Some(coupon),
        ..Subscribe::default()
    };
    let sub = sim.subscribe(
        &customer,
        &[("membertype_1-every-1-month-5000-usd", 1)],
        how,
    );
    assert_eq!(call(&mut sim, "DELETE", "/v1/coupons/old", &[]).0, 200);
    assert_eq!(get(&mut sim, "/v1/coupons/old", &[]).0, 404);
    sim.advance_to(utc(2026, 2, 16, 0));
    let renewal = latest(&sim, &sub);
    assert_eq!(
        (&renewal["total"], &renewal["status"]),
        (&json!(0), &json!("paid"))
    );
    assert_eq!(sim.paid_until(&sub), Some(utc(2026, 3, 15, 12)));
}
