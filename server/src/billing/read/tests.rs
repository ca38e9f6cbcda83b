use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::facts::{Cancellation, Collection, InvoiceStatus, Item, Pause, SubscriptionStatus};
use shared::time::Timestamp;

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn endive() -> Value {
    json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "created": 1000,
        "billing_mode": {"type": "flexible"}, "cancel_at": null, "cancel_at_period_end": false,
        "cancellation_details": {"comment": null, "feedback": null, "reason": null},
        "collection_method": "charge_automatically", "ended_at": null, "pause_collection": null, "trial_end": null,
        "status_details": {"paused": null}, "latest_invoice": "in_1",
        "items": {"object": "list", "has_more": false, "data": [{
            "id": "si_1", "object": "subscription_item", "current_period_start": 1000, "current_period_end": 2000,
            "price": {"id": "membertype_5-x", "object": "price", "product": "prod_1"},
            "plan": {"id": "membertype_5-x", "object": "plan", "product": "prod_1"}, "quantity": 2,
        }]},
    })
}

fn item() -> Item {
    Item {
        id: "si_1".to_owned(),
        price: "membertype_5-x".to_owned(),
        membership: None,
        quantity: 2,
        period_start: at(1000),
        period_end: at(2000),
    }
}

/// The same subscription as older versions show it.
fn older() -> Vec<(&'static str, Value)> {
    let basil = {
        let mut value = endive();
        for key in ["billing_mode", "status_details"] {
            value.as_object_mut().expect("an object").remove(key);
        }
        value
    };
    let of_2020 = json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "created": 1000,
        "current_period_start": 1000, "current_period_end": 2000, "cancel_at": null, "cancel_at_period_end": false,
        "collection_method": "charge_automatically",
        "plan": {"id": "membertype_5-x", "object": "plan"}, "quantity": 2,
        "items": {"object": "list", "data": [{
            "id": "si_1", "price": {"id": "membertype_5-x"}, "plan": {"id": "membertype_5-x"}, "quantity": 2,
        }]},
    });
    let of_2017 = json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "created": 1000, "start": 1000,
        "current_period_start": 1000, "current_period_end": 2000, "cancel_at_period_end": false,
        "billing": "charge_automatically", "plan": {"id": "membertype_5-x", "name": "Basic"}, "quantity": 2,
        "items": {"data": [{"id": "si_1", "plan": {"id": "membertype_5-x", "name": "Basic"}, "quantity": 2}]},
    });
    vec![
        ("basil", basil),
        ("2020-03-02", of_2020),
        ("2017-08-15", of_2017),
    ]
}

#[test]
fn a_subscription_reads_the_same_in_every_version() {
    let newest = subscription(&endive()).expect("readable");
    assert_eq!(newest.items, [item()]);
    assert_eq!(
        (
            newest.status.as_str(),
            newest.created,
            newest.customer.as_str()
        ),
        ("active", at(1000), "cus_1")
    );
    for (version, value) in older() {
        assert_eq!(subscription(&value).as_ref(), Ok(&newest), "{version}");
    }
}

#[test]
fn a_subscription_from_before_items_has_its_plan_as_the_one_item() {
    let (_, mut value) = older().pop().expect("three versions");
    value.as_object_mut().expect("an object").remove("items");
    let items = subscription(&value).expect("readable").items;
    assert_eq!(
        items,
        [Item {
            id: "sub_1".to_owned(),
            ..item()
        }]
    );
}

#[test]
fn items_keep_their_own_periods_and_deleted_ones_are_left_out() {
    let mut value = endive();
    let mut year = value["items"]["data"][0].clone();
    year["id"] = json!("si_2");
    year["current_period_end"] = json!(9000);
    year["quantity"] = Value::Null;
    let gone = json!({"id": "si_3", "object": "subscription_item", "deleted": true});
    value["items"]["data"]
        .as_array_mut()
        .expect("a list")
        .extend([year, gone]);
    let items = subscription(&value).expect("readable").items;
    let ends: Vec<_> = items
        .iter()
        .map(|item| (item.period_end, item.quantity))
        .collect();
    assert_eq!(ends, [(at(2000), 2), (at(9000), 1)]);
}

#[test]
fn what_ends_or_pauses_a_subscription_is_read() {
    let mut value = endive();
    value["cancel_at"] = json!(1500);
    value["cancel_at_period_end"] = json!(true);
    value["ended_at"] = json!(1600);
    value["trial_end"] = json!(1100);
    value["status"] = json!("paused");
    value["collection_method"] = json!("send_invoice");
    value["cancellation_details"]["reason"] = json!("payment_disputed");
    value["pause_collection"] = json!({"behavior": "void", "resumes_at": 1700});
    value["status_details"] =
        json!({"paused": {"subscription": {"type": "first_payment_failure"}}});
    let read = subscription(&value).expect("readable");
    assert_eq!(
        (read.cancel_at, read.ended_at, read.trial_end),
        (Some(at(1500)), Some(at(1600)), Some(at(1100)))
    );
    assert!(read.cancel_at_period_end);
    assert_eq!(read.status, SubscriptionStatus::Paused);
    assert_eq!(read.collection, Collection::SendInvoice);
    assert_eq!(read.cancellation, Some(Cancellation::PaymentDisputed));
    assert_eq!(read.pause, Some(Pause::Void));
    assert_eq!(
        read.paused_because.as_deref(),
        Some("first_payment_failure")
    );
}

#[test]
fn words_that_nobody_knows_are_data() {
    let mut value = endive();
    value["status"] = json!("zombie");
    value["pause_collection"] = json!({"behavior": "levitate"});
    value["cancellation_details"]["reason"] = json!("canceled_by_retention_policy");
    value["collection_method"] = json!("carrier_pigeon");
    value["new_field"] = json!([[{"a": 1}]]);
    let read = subscription(&value).expect("readable");
    assert_eq!(read.status, SubscriptionStatus::Other("zombie".to_owned()));
    assert_eq!((read.pause, read.collection), (None, Collection::Automatic));
    assert_eq!(read.cancellation, Some(Cancellation::Requested));
}

#[test]
fn a_customer_may_be_expanded_deleted_or_an_account() {
    for customer in [
        json!("cus_1"),
        json!({"id": "cus_1", "email": "a@b"}),
        json!({"id": "cus_1", "deleted": true}),
    ] {
        let mut value = endive();
        value["customer"] = customer;
        assert_eq!(
            subscription(&value).map(|read| read.customer),
            Ok("cus_1".to_owned())
        );
    }
    let mut value = endive();
    value["customer"] = Value::Null;
    value["customer_account"] = json!("acct_9");
    assert_eq!(
        subscription(&value).map(|read| read.customer),
        Ok("acct_9".to_owned())
    );
}

#[test]
fn what_is_missing_is_named() {
    let missing = |value: &Value| match subscription(value) {
        Err(ReadError::Field { field, .. }) => field,
        other => format!("{other:?}"),
    };
    for key in ["id", "customer", "status", "created"] {
        let mut value = endive();
        value[key] = Value::Null;
        assert_eq!(missing(&value), key);
    }
    for key in ["id", "current_period_start", "current_period_end"] {
        let mut value = endive();
        value["items"]["data"][0][key] = json!({});
        assert_eq!(missing(&value), format!("items[0].{key}"));
    }
    let mut value = endive();
    value["items"] = json!({"data": [{"id": "si_1"}]});
    assert_eq!(missing(&value), "items[0].price");
    value["items"] = Value::Null;
    assert_eq!(missing(&value), "items");
    value["object"] = json!("invoice");
    assert_eq!(missing(&value), "object");
    assert_eq!(missing(&json!(null)), "id");
    let text = subscription(&json!({"id": "sub_1", "status": "active"}))
        .expect_err("no customer")
        .to_string();
    assert_eq!(text, "the subscription `sub_1` has no readable `customer`");
}

#[test]
fn further_pages_are_flagged() {
    let mut value = endive();
    assert!(!has_more_items(&value));
    value["items"]["has_more"] = json!(true);
    assert!(has_more_items(&value));
    let mut value = bill();
    assert!(!has_more_lines(&value));
    value["lines"]["has_more"] = json!(true);
    assert!(has_more_lines(&value));
}

fn bill() -> Value {
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

fn old_bill() -> Value {
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

#[test]
fn a_price_says_what_may_carry_a_tag() {
    let value = json!({
        "id": "price_1", "object": "price", "active": true, "nickname": "membertype_5", "lookup_key": "five",
        "metadata": {"membertype": "5", "odd": 5}, "product": {
            "id": "prod_1", "object": "product", "name": "Basic", "description": null, "metadata": {"membertype": "6"},
            "active": false},
    });
    let read = price(&value).expect("readable");
    assert_eq!(read.nickname.as_deref(), Some("membertype_5"));
    assert_eq!(read.lookup_key.as_deref(), Some("five"));
    assert_eq!(
        read.metadata,
        [("membertype".to_owned(), "5".to_owned())].into()
    );
    assert_eq!(read.product_id.as_deref(), Some("prod_1"));
    let product = read.product.expect("expanded");
    assert_eq!(
        (product.name.as_deref(), product.description, product.active),
        (Some("Basic"), None, false)
    );
    assert!(read.active);

    let plan = price(
        &json!({"id": "membertype_5", "object": "plan", "name": "Basic", "product": "prod_1"}),
    );
    let plan = plan.expect("readable");
    assert_eq!(
        (plan.name.as_deref(), plan.product, plan.active),
        (Some("Basic"), None, true)
    );
    assert!(
        !price(&json!({"id": "price_1", "object": "price", "deleted": true}))
            .expect("readable")
            .active
    );
    assert!(price(&json!({"object": "price"})).is_err());
}

#[test]
fn the_price_of_an_item_knows_what_its_plan_says() {
    let item = json!({
        "price": {"id": "price_1", "metadata": {"a": "price"}, "product": {"id": "prod_1", "name": "Basic"}},
        "plan": {"id": "membertype_5", "nickname": "old", "metadata": {"a": "plan", "membertype": "5"}, "product": "prod_1"},
    });
    let read = item_price(&item).expect("a price");
    assert_eq!(
        (
            read.id.as_str(),
            read.plan.as_deref(),
            read.nickname.as_deref()
        ),
        ("price_1", Some("membertype_5"), Some("old"))
    );
    assert_eq!(
        read.metadata,
        [
            ("a".to_owned(), "price".to_owned()),
            ("membertype".to_owned(), "5".to_owned())
        ]
        .into()
    );
    assert_eq!(
        read.product.and_then(|product| product.name).as_deref(),
        Some("Basic")
    );
    let old =
        item_price(&json!({"plan": {"id": "membertype_5", "name": "Basic"}})).expect("a plan");
    assert_eq!(
        (old.id.as_str(), old.plan, old.name.as_deref()),
        ("membertype_5", None, Some("Basic"))
    );
    assert_eq!(
        item_price(&json!({"price": "price_1"}))
            .map(|read| read.id)
            .as_deref(),
        Some("price_1")
    );
    assert_eq!(item_price(&json!({"id": "si_1"})), None);
}

#[test]
fn a_price_whose_product_is_only_an_id_says_so() {
    let shows = |product: Value| {
        price(&json!({"id": "price_1", "product": product})).map(|read| read.shows_product())
    };
    assert_eq!(shows(json!("prod_1")), Ok(false));
    assert_eq!(shows(json!({"id": "prod_1", "name": "Basic"})), Ok(true));
    assert_eq!(shows(Value::Null), Ok(true));
}

#[test]
fn a_customer_is_read_with_its_balance_old_or_new() {
    let value = json!({"id": "cus_1", "object": "customer", "email": "a@example.org", "name": null, "balance": -500, "metadata": {"member": "7"}});
    let read = customer(&value).expect("readable");
    assert_eq!(
        (read.email.as_deref(), read.name, read.balance, read.deleted),
        (Some("a@example.org"), None, -500, false)
    );
    assert_eq!(
        read.metadata,
        [("member".to_owned(), "7".to_owned())].into()
    );
    assert_eq!(
        customer(&json!({"id": "cus_1", "account_balance": -7})).map(|read| read.balance),
        Ok(-7)
    );
    assert_eq!(
        customer(&json!({"id": "cus_1", "deleted": true})).map(|read| read.deleted),
        Ok(true)
    );
}

fn event(object: &Value, previous: &Value) -> Value {
    json!({
        "id": "evt_1", "object": "event", "api_version": "2026-09-30.endive", "created": 1000, "livemode": true,
        "type": "customer.subscription.updated", "pending_webhooks": 1, "request": {"id": null},
        "data": {"object": object, "previous_attributes": previous},
    })
}

fn read(value: &Value) -> Result<Event, ReadError> {
    Event::read(value.to_string().as_bytes())
}

#[test]
fn an_event_is_read_with_whom_it_is_about() {
    let value = event(&endive(), &json!({"status": "past_due"}));
    let mut read = read(&value).expect("readable");
    assert_eq!(
        (read.id.as_str(), read.created, read.livemode),
        ("evt_1", at(1000), true)
    );
    assert_eq!(read.kind, "customer.subscription.updated");
    assert_eq!(read.api_version.as_deref(), Some("2026-09-30.endive"));
    assert_eq!(
        (read.object_kind.as_deref(), read.object_id.as_deref()),
        (Some("subscription"), Some("sub_1"))
    );
    assert_eq!(
        (read.customer.as_deref(), read.account.as_deref()),
        (Some("cus_1"), None)
    );
    assert_eq!(read.previous, Some(json!({"status": "past_due"})));
    let before = subscription(&read.take_before().expect("it says how it was")).expect("readable");
    assert_eq!(before.status, SubscriptionStatus::PastDue);
    let head = Head::read(value.to_string().as_bytes()).expect("readable");
    assert_eq!(
        (head.id, head.kind, head.created, head.livemode),
        (read.id, read.kind, read.created, true)
    );
}

#[test]
fn a_customers_event_is_about_the_customer() {
    let read = read(&event(
        &json!({"id": "cus_1", "object": "customer"}),
        &Value::Null,
    ))
    .expect("readable");
    assert_eq!(
        (read.customer.as_deref(), read.previous),
        (Some("cus_1"), None)
    );
}

#[test]
fn a_thin_event_has_no_payload_but_says_what_to_fetch() {
    let thin = json!({
        "id": "evt_2", "object": "v2.core.event", "type": "v1.customer.subscription.past_due", "livemode": true,
        "created": "2026-10-01T00:00:00.250Z", "context": "acct_2",
        "related_object": {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"},
    });
    let read = read(&thin).expect("readable");
    assert_eq!(read.created, Timestamp(1_790_812_800_250));
    assert_eq!(
        (read.object_kind.as_deref(), read.object_id.as_deref()),
        (Some("subscription"), Some("sub_1"))
    );
    assert_eq!(
        (read.object, read.customer, read.account.as_deref()),
        (Value::Null, None, Some("acct_2"))
    );
}

#[test]
fn an_event_of_unknown_content_is_an_event() {
    for object in [
        Value::Null,
        json!(5),
        json!([]),
        json!({"object": "novelty"}),
        json!({"object": "upcoming", "id": null}),
    ] {
        let read = read(&event(&object, &json!("odd"))).expect("readable");
        assert_eq!(
            (read.object_id, read.customer, read.previous),
            (None, None, None),
            "{object}"
        );
    }
}

#[test]
fn an_event_whose_payload_cannot_be_read_says_so_instead_of_nothing() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for data in [
        "\"odd\"",
        r#"{"object": {"name": "\ud83d"}}"#,
        r#"{"object": {"amount": 1e400}}"#,
        &format!("{{\"object\": {deep}}}"),
    ] {
        let mut value = event(&Value::Null, &Value::Null);
        value["data"] = json!("here");
        let body = value.to_string().replace("\"here\"", data);
        assert!(
            matches!(Event::read(body.as_bytes()), Err(ReadError::Field { field, .. }) if field == "data"),
            "{data}"
        );
    }
}

#[test]
fn an_event_without_its_own_fields_is_none() {
    for (key, field) in [
        ("id", "id"),
        ("type", "type"),
        ("created", "created"),
        ("livemode", "livemode"),
    ] {
        for bad in [Value::Null, json!({}), json!([])] {
            let mut value = event(&endive(), &Value::Null);
            value[key] = bad;
            assert!(
                matches!(read(&value), Err(ReadError::Field { field: named, .. }) if named == field)
            );
        }
    }
    for body in [
        &b""[..],
        b"null",
        b"5",
        b"[]",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"{} {}",
    ] {
        assert!(
            matches!(Event::read(body), Err(ReadError::NotJson { .. })),
            "{body:?}"
        );
        assert!(
            matches!(Head::read(body), Err(ReadError::NotJson { .. })),
            "{body:?}"
        );
    }
}

#[test]
fn the_state_before_is_put_together_member_by_member() {
    let now = json!({"a": {"b": 1, "c": 2}, "list": [1, 2], "new": 5, "same": true, "pause": null});
    let previous = json!({"a": {"b": 0}, "list": [1], "new": null, "pause": {"behavior": "void"}});
    let before = json!({"a": {"b": 0, "c": 2}, "list": [1], "new": null, "same": true, "pause": {"behavior": "void"}});
    assert_eq!(overlaid(now, previous), before);
}

#[test]
fn an_error_text_shows_nothing_of_the_body() {
    for body in [
        r#"{"email":"a@example.org"}"#,
        r#""a@example.org""#,
        r#"["a@example.org"]"#,
        r#"{"email":"a@example.org""#,
    ] {
        let text = Event::read(body.as_bytes())
            .expect_err("no event")
            .to_string();
        assert!(!text.contains("example"), "{text}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// Paths of all values inside.
fn pointers(value: &Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    if let Some(map) = value.as_object() {
        map.iter()
            .for_each(|(key, inner)| pointers(inner, &format!("{path}/{key}"), out));
    }
    if let Some(list) = value.as_array() {
        list.iter()
            .enumerate()
            .for_each(|(at, inner)| pointers(inner, &format!("{path}/{at}"), out));
    }
}

fn read_all(value: &Value) {
    drop((
        subscription(value),
        invoice(value),
        price(value),
        product(value),
        customer(value),
        item_price(value),
    ));
    assert!(!has_more_items(value) || value["items"].is_object());
    assert!(!has_more_lines(value) || value["lines"].is_object());
    if let Ok(mut event) = read(value) {
        drop((event.invoice_id().map(str::to_owned), event.take_before()));
    }
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(value in any_json()) {
        read_all(&value);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        drop((Event::read(&bytes), Head::read(&bytes)));
    }

    #[test]
    fn a_payload_with_anything_anywhere_does_not_make_it_panic(patches in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4)) {
        for mut value in [endive(), bill(), old_bill(), event(&endive(), &json!({"items": {"data": []}}))] {
            for (index, patch) in &patches {
                let mut all = Vec::new();
                pointers(&value, "", &mut all);
                let path = index.get(&all).clone();
                if let Some(place) = value.pointer_mut(&path) {
                    *place = patch.clone();
                }
                read_all(&value);
            }
        }
    }
}
