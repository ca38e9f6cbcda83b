mod catalogue;
mod events;
mod invoices;

use super::*;
use events::{event, read};
use invoices::{bill, old_bill};
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::facts::{Cancellation, Collection, Item, Pause, SubscriptionStatus};
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
