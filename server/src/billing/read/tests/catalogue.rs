//! Prices and what they sell.

use super::super::*;
use serde_json::{Value, json};

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
