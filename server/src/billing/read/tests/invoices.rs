//! Invoices of every version, and what they say of money.

use super::super::*;
use super::{at, endive};
use serde_json::{Value, json};
use shared::facts::InvoiceStatus;

pub(super) fn bill() -> Value {
    json!({
        "id": "in_1", "object": "invoice", "customer": "cus_1", "status": "paid", "billing_reason": "subscription_cycle",
        "created": 1000, "currency": "usd", "total": 5000, "amount_due": 2000, "amount_paid": 2000,
        "starting_balance": -3000, "ending_balance": 0, "due_date": null, "post_payment_credit_notes_amount": 0,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1", "metadata": {}}},
        "lines": {"object": "list", "has_more": false, "data": [{
            "id": "il_1", "object": "line_item", "amount": 5000, "period": {"start": 1000, "end": 2000}, "quantity": 2,
            "parent": {"type": "subscription_item_details", "invoice_item_details": null, "subscription_item_details": {
                "subscription": "sub_1", "subscription_item": "si_1", "proration": false}},
            "pricing": {"type": "price_details", "price_details": {"price": "membertype_5-x", "product": "prod_1"}},
        }]},
    })
}

pub(super) fn old_bill() -> Value {
    json!({
        "id": "in_1", "object": "invoice", "customer": "cus_1", "status": "paid", "paid": true,
        "billing_reason": "subscription_cycle", "created": 1000, "currency": "usd", "total": 5000, "amount_due": 2000,
        "amount_paid": 2000, "starting_balance": -3000, "ending_balance": 0, "subscription": "sub_1", "charge": "ch_1",
        "lines": {"data": [{
            "id": "il_1", "type": "subscription", "amount": 5000, "period": {"start": 1000, "end": 2000}, "quantity": 2,
            "subscription": "sub_1", "subscription_item": "si_1", "proration": false,
            "price": {"id": "membertype_5-x"}, "plan": {"id": "membertype_5-x"},
        }]},
    })
}

#[test]
fn an_invoice_reads_the_same_in_every_version() {
    let newest = invoice(&bill()).expect("readable");
    assert_eq!(newest.subscription.as_deref(), Some("sub_1"));
    assert_eq!(
        (newest.total, newest.amount_paid, newest.credit_used),
        (5000, 2000, 3000)
    );
    assert_eq!(newest.lines[0].item.as_deref(), Some("si_1"));
    assert_eq!(newest.lines[0].price.as_deref(), Some("membertype_5-x"));
    assert_eq!(
        (
            newest.lines[0].from,
            newest.lines[0].to,
            newest.lines[0].quantity
        ),
        (at(1000), at(2000), 2)
    );
    assert_eq!(invoice(&old_bill()), Ok(newest.clone()), "2020-03-02");

    let mut of_2017 = old_bill();
    for key in ["status", "billing_reason", "created", "amount_paid"] {
        of_2017.as_object_mut().expect("an object").remove(key);
    }
    of_2017["date"] = json!(1000);
    of_2017["lines"]["data"][0]
        .as_object_mut()
        .expect("an object")
        .remove("price");
    let wanted = shared::facts::Invoice {
        reason: "subscription".to_owned(),
        ..newest
    };
    assert_eq!(invoice(&of_2017), Ok(wanted), "2017-08-15");
}

#[test]
fn the_subscription_of_an_invoice_may_be_expanded() {
    let mut value = bill();
    value["parent"]["subscription_details"]["subscription"] = endive();
    assert_eq!(
        invoice(&value).map(|read| read.subscription),
        Ok(Some("sub_1".to_owned()))
    );
    value["parent"] = Value::Null;
    assert_eq!(invoice(&value).map(|read| read.subscription), Ok(None));
}

#[test]
fn an_invoice_of_nothing_is_an_invoice() {
    let mut value = bill();
    for (key, amount) in [
        ("total", 0),
        ("amount_due", 0),
        ("amount_paid", 0),
        ("starting_balance", 0),
    ] {
        value[key] = json!(amount);
    }
    let read = invoice(&value).expect("readable");
    assert_eq!(
        (read.status, read.total, read.amount_paid, read.credit_used),
        (InvoiceStatus::Paid, 0, 0, 0)
    );
}

#[test]
fn credit_that_was_used_is_told_from_what_is_carried_over() {
    for (starting, ending, used, carried) in [
        (json!(-5000), json!(-3000), 2000, 0),
        (json!(0), json!(-1000), -1000, 0),
        (json!(0), json!(20), 0, 20),
        (json!(20), json!(0), 0, -20),
        (json!(-4980), json!(20), 4980, 20),
        (json!(-5000), Value::Null, 0, 0),
        (Value::Null, json!(20), 0, 20),
        (json!(i64::MAX), json!(i64::MIN), -i64::MAX, -i64::MAX),
    ] {
        let mut value = bill();
        value["starting_balance"] = starting;
        value["ending_balance"] = ending;
        assert_eq!(
            invoice(&value).map(|read| (read.credit_used, read.carried_over)),
            Ok((used, carried))
        );
    }
}

#[test]
fn what_discounts_took_off_is_told_by_a_list_or_by_the_difference() {
    let discounted = |patch: Value| {
        let mut value = bill();
        for (key, new) in patch.as_object().expect("a patch") {
            value[key] = new.clone();
        }
        invoice(&value).map(|read| read.discounted)
    };
    let list =
        json!({"total_discount_amounts": [{"amount": 1000, "discount": "di_1"}, {"amount": 500}]});
    assert_eq!(discounted(list), Ok(1500));
    let old = json!({"subtotal": 6000, "tax": 100, "discount": {"id": "di_1"}});
    assert_eq!(discounted(old), Ok(1100));
    assert_eq!(
        discounted(json!({"subtotal": 6000, "discount": null})),
        Ok(0)
    );
}

#[test]
fn when_an_invoice_was_paid_is_told_by_its_transitions() {
    let mut value = bill();
    value["status_transitions"] = json!({"paid_at": 1500});
    assert_eq!(invoice(&value).map(|read| read.paid_at), Ok(Some(at(1500))));
}

#[test]
fn the_status_of_an_invoice_is_told_by_a_word_or_by_old_flags() {
    let status = |patch: Value| {
        let mut value = bill();
        for (key, new) in patch.as_object().expect("a patch") {
            value[key] = new.clone();
        }
        invoice(&value).map(|read| read.status)
    };
    for (patch, wanted) in [
        (json!({"status": "draft"}), InvoiceStatus::Draft),
        (json!({"status": "open"}), InvoiceStatus::Open),
        (json!({"status": "void"}), InvoiceStatus::Void),
        (
            json!({"status": "uncollectible"}),
            InvoiceStatus::Uncollectible,
        ),
        (json!({"status": "zombie"}), InvoiceStatus::Open),
        (
            json!({"status": "zombie", "paid": true}),
            InvoiceStatus::Paid,
        ),
        (
            json!({"status": null, "paid": true, "closed": true}),
            InvoiceStatus::Paid,
        ),
        (
            json!({"status": null, "paid": false, "closed": true, "forgiven": true}),
            InvoiceStatus::Uncollectible,
        ),
        (
            json!({"status": null, "paid": false, "attempted": true}),
            InvoiceStatus::Open,
        ),
        (
            json!({"status": null, "paid": false, "ending_balance": null}),
            InvoiceStatus::Draft,
        ),
    ] {
        assert_eq!(status(patch.clone()), Ok(wanted), "{patch}");
    }
}

#[test]
fn an_invoice_is_refunded_only_if_all_of_it_was_given_back() {
    let refunded = |key: &str, new: Value| {
        let mut value = bill();
        value[key] = new;
        invoice(&value).map(|read| read.refunded)
    };
    let payment = |refunded: bool| json!({"status": "paid", "payment": {"type": "charge", "charge": {"id": "ch_1", "refunded": refunded}}});
    let intent = json!({"status": "paid", "payment": {"payment_intent": {"latest_charge": {"refunded": true}}}});
    assert_eq!(
        refunded("charge", json!({"id": "ch_1", "refunded": true})),
        Ok(true)
    );
    assert_eq!(
        refunded(
            "charge",
            json!({"id": "ch_1", "refunded": false, "amount_refunded": 1})
        ),
        Ok(false)
    );
    assert_eq!(refunded("charge", json!("ch_1")), Ok(false));
    assert_eq!(
        refunded("payments", json!({"data": [payment(true), intent]})),
        Ok(true)
    );
    assert_eq!(
        refunded("payments", json!({"data": [payment(true), payment(false)]})),
        Ok(false)
    );
    assert_eq!(refunded("payments", json!({"data": []})), Ok(false));
    assert_eq!(
        refunded("post_payment_credit_notes_amount", json!(4999)),
        Ok(false)
    );
    assert_eq!(
        refunded("post_payment_credit_notes_amount", json!(5000)),
        Ok(true)
    );
}

#[test]
fn a_proration_line_is_marked_wherever_it_says_so() {
    let mut value = bill();
    value["lines"]["data"][0]["parent"] =
        json!({"invoice_item_details": {"invoice_item": "ii_1", "proration": true}});
    value["lines"]["data"][0]["amount"] = json!(-1234);
    value["lines"]["data"][0]["quantity"] = Value::Null;
    let line = invoice(&value).expect("readable").lines.remove(0);
    assert_eq!(
        (line.proration, line.amount, line.item, line.quantity),
        (true, -1234, None, 1)
    );
    let mut value = old_bill();
    value["lines"]["data"][0]["proration"] = json!(true);
    assert!(invoice(&value).expect("readable").lines[0].proration);
}

#[test]
fn what_an_invoice_lacks_is_named() {
    for (pointer, field) in [
        ("/id", "id"),
        ("/total", "total"),
        ("/currency", "currency"),
        ("/created", "created"),
        ("/lines", "lines"),
        ("/lines/data/0/amount", "lines[0].amount"),
        ("/lines/data/0/period", "lines[0].period.start"),
        ("/lines/data/0/period/end", "lines[0].period.end"),
    ] {
        let mut value = bill();
        *value.pointer_mut(pointer).expect("there") = Value::Null;
        let wanted = field.to_owned();
        assert!(
            matches!(invoice(&value), Err(ReadError::Field { field, .. }) if field == wanted),
            "{pointer}"
        );
    }
}
