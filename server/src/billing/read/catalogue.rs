//! Prices, plans, products and customers (docs.stripe.com/api/prices/object, …/plans/object, …/customers/object).

use super::ReadError;
use super::lenient::{Reading, flag, id_of, reference, text, texts, whole};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a product says that may carry a membership type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductInfo {
    /// `prod_…`
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// Still sold; false also when deleted.
    pub active: bool,
}

/// What a price or plan says that may carry a membership type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceInfo {
    /// `price_…`, or the id a plan was given.
    pub id: String,
    /// Id of its plan where that differs.
    pub plan: Option<String>,
    /// The description staff see.
    pub nickname: Option<String>,
    /// The name plans had until 2018.
    pub name: Option<String>,
    /// The key by which others find it.
    pub lookup_key: Option<String>,
    /// Metadata of the price and the plan; the price's rules.
    pub metadata: BTreeMap<String, String>,
    /// Id of its product.
    pub product_id: Option<String>,
    /// Its product, if it was expanded.
    pub product: Option<ProductInfo>,
    /// Still sold; false also when deleted.
    pub active: bool,
    /// Minor units; none where it depends on the quantity.
    pub amount: Option<i64>,
    /// ISO 4217, lower case.
    pub currency: Option<String>,
    /// `day`, `week`, `month` or `year`; none for what is sold once.
    pub interval: Option<String>,
    /// So many of those.
    pub interval_count: i64,
}

impl PriceInfo {
    /// Whether its product was shown too. Events show ids only: a tag that stands on the product is then not seen, which
    /// does not mean that it is gone.
    #[must_use]
    pub fn shows_product(&self) -> bool {
        self.product_id.is_none() || self.product.is_some()
    }
}

/// What we want to know of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerInfo {
    /// `cus_…`
    pub id: String,
    /// Mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// Gone at Stripe.
    pub deleted: bool,
    /// Minor units; negative is credit.
    pub balance: i64,
}

/// Reads a price or a plan.
pub fn price(value: &Value) -> Result<PriceInfo, ReadError> {
    let reading = Reading::of("price", "plan", value)?;
    Ok(tagged(reading.id, value))
}

/// Reads the price of a subscription item, with what its plan adds; none if the item names none.
#[must_use]
pub fn item_price(item: &Value) -> Option<PriceInfo> {
    let part = |key: &str| Some((reference(item, key)?, item.get(key)?));
    let (Some((id, price)), plan) = (part("price").or_else(|| part("plan")), part("plan")) else {
        return None;
    };
    let mut info = tagged(id, price);
    if let Some((plan_id, plan)) = plan {
        let plan = tagged(plan_id, plan);
        info.plan = (plan.id != info.id).then_some(plan.id);
        info.nickname = info.nickname.or(plan.nickname);
        info.name = info.name.or(plan.name);
        info.product_id = info.product_id.or(plan.product_id);
        info.product = info.product.or(plan.product);
        for (key, value) in plan.metadata {
            info.metadata.entry(key).or_insert(value);
        }
    }
    Some(info)
}

/// Reads a product.
pub fn product(value: &Value) -> Result<ProductInfo, ReadError> {
    let reading = Reading::of("product", "product", value)?;
    Ok(described(reading.id, value))
}

/// Reads a customer, also one that is gone.
pub fn customer(value: &Value) -> Result<CustomerInfo, ReadError> {
    let reading = Reading::of("customer", "customer", value)?;
    Ok(CustomerInfo {
        id: reading.id.to_owned(),
        email: owned(value, "email"),
        name: owned(value, "name"),
        metadata: texts(value, "metadata"),
        deleted: flag(value, "deleted"),
        // Until 2019 `account_balance`.
        balance: whole(value, "balance")
            .or_else(|| whole(value, "account_balance"))
            .unwrap_or(0),
    })
}

fn owned(value: &Value, key: &str) -> Option<String> {
    text(value, key).map(str::to_owned)
}

fn is_active(value: &Value) -> bool {
    value.get("active").and_then(Value::as_bool).unwrap_or(true) && !flag(value, "deleted")
}

fn tagged(id: &str, value: &Value) -> PriceInfo {
    let product = value.get("product");
    let expanded = product.filter(|product| product.is_object());
    let product_id = product.and_then(id_of);
    // A plan says itself what a price says under `recurring`.
    let recurring = value.get("recurring").filter(|part| part.is_object());
    let recurring = recurring.unwrap_or(value);
    PriceInfo {
        id: id.to_owned(),
        plan: None,
        nickname: owned(value, "nickname"),
        name: owned(value, "name"),
        lookup_key: owned(value, "lookup_key"),
        metadata: texts(value, "metadata"),
        product_id: product_id.map(str::to_owned),
        product: expanded
            .zip(product_id)
            .map(|(product, id)| described(id, product)),
        active: is_active(value),
        amount: whole(value, "unit_amount").or_else(|| whole(value, "amount")),
        currency: owned(value, "currency"),
        interval: owned(recurring, "interval"),
        interval_count: whole(recurring, "interval_count").unwrap_or(1),
    }
}

fn described(id: &str, value: &Value) -> ProductInfo {
    ProductInfo {
        id: id.to_owned(),
        name: owned(value, "name"),
        description: owned(value, "description"),
        metadata: texts(value, "metadata"),
        active: is_active(value),
    }
}
