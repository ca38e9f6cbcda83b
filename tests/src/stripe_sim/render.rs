//! API shapes: views of one truth, newest first; each older shape puts back what its successors moved.

use serde_json::{Map, Value, json};

use super::render_invoice::{invoice, line};

/// A generation of Stripe's API, named by the first version that looks like it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Plans with names, no prices, no products behind plans, no invoice status.
    V2017,
    /// Periods and plan on the subscription; `invoice.subscription`, `invoice.charge`, `line.price`.
    V2020_03_02,
    /// Periods on items, `invoice.parent`, `line.pricing`.
    Basil,
    /// `billing_mode`, flexible by default.
    Clover,
    /// `status_details` and the paused status.
    #[default]
    Endive,
}

impl Shape {
    /// The `api_version` that events of this shape carry.
    pub fn version(self) -> &'static str {
        match self {
            Self::V2017 => "2017-08-15",
            Self::V2020_03_02 => "2020-03-02",
            Self::Basil => "2025-03-31.basil",
            Self::Clover => "2025-09-30.clover",
            Self::Endive => "2026-09-30.endive",
        }
    }

    /// The shape in which a `Stripe-Version` answers; `None` if that is no version.
    pub fn of_version(version: &str) -> Option<Self> {
        let date = version.get(..10)?;
        let plausible = date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            0..=3 | 5..=6 | 8..=9 => byte.is_ascii_digit(),
            10.. => false,
        });
        if !plausible {
            return None;
        }
        // docs.stripe.com/upgrades: the version in which each of these moves happened.
        Some(match date {
            date if date < "2018-02-05" => Self::V2017,
            date if date < "2025-03-31" => Self::V2020_03_02,
            date if date < "2025-09-30" => Self::Basil,
            date if date < "2026-09-30" => Self::Clover,
            _ => Self::Endive,
        })
    }
}

/// `value` as an API of that shape would show it, all the way down.
pub fn render(value: &Value, shape: Shape) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| render(item, shape)).collect()),
        Value::Object(map) => {
            let mut out: Map<String, Value> = map
                .iter()
                .filter(|(key, _)| !key.starts_with('_'))
                .map(|(key, inner)| (key.clone(), render(inner, shape)))
                .collect();
            match map.get("object").and_then(Value::as_str) {
                Some("subscription") => subscription(map, &mut out, shape),
                Some("subscription_item") => subscription_item(&mut out, shape),
                Some("invoice") => invoice(map, &mut out, shape),
                Some("line_item") => line(map, &mut out, shape),
                Some("plan") => plan(map, &mut out, shape),
                Some("customer") => customer(&mut out, shape),
                Some("charge") | Some("payment_intent") => invoice_of(map, &mut out, shape),
                Some("discount") => discount(map, &mut out, shape),
                Some("promotion_code") => promotion_code(map, &mut out, shape),
                Some("subscription_schedule") => schedule(&mut out, shape),
                Some("checkout.session") if shape < Shape::Clover => {
                    remove(&mut out, &["customer_account"]);
                }
                Some(_) | None => {}
            }
            Value::Object(out)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

pub(crate) fn remove(out: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        out.remove(*key);
    }
}

pub(crate) fn put(out: &mut Map<String, Value>, key: &str, value: Value) {
    out.insert(key.to_owned(), value);
}

pub(crate) fn rename(out: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = out.remove(from) {
        put(out, to, value);
    }
}

fn item_data(map: &Map<String, Value>) -> Vec<Value> {
    map.get("items")
        .and_then(|items| items.get("data"))
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn subscription(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
    // docs.stripe.com/changelog/clover/2025-09-30/billing-mode-default-flexible
    if full.get("_portal") == Some(&Value::Bool(true)) {
        put(
            out,
            "cancel_at_period_end",
            Value::Bool(shape < Shape::Clover),
        );
    }
    // docs.stripe.com/changelog/endive/2026-09-30/pause-subscription
    if shape < Shape::Endive {
        remove(out, &["status_details", "billing_schedules"]);
    }
    if shape < Shape::Clover {
        remove(
            out,
            &[
                "billing_mode",
                "customer_account",
                "billing_cycle_anchor_config",
            ],
        );
    }
    if shape >= Shape::Basil {
        return;
    }
    // docs.stripe.com/changelog/basil/2025-03-31/deprecate-subscription-current-period-start-and-end
    let items = item_data(full);
    let start = items
        .iter()
        .filter_map(|item| item["current_period_start"].as_i64())
        .min();
    let end = items
        .iter()
        .filter_map(|item| item["current_period_end"].as_i64())
        .max();
    put(out, "current_period_start", json!(start));
    put(out, "current_period_end", json!(end));
    let single = if let [only] = items.as_slice() {
        Some(only)
    } else {
        None
    };
    put(
        out,
        "plan",
        single.map_or(Value::Null, |item| render(&item["plan"], shape)),
    );
    put(
        out,
        "quantity",
        single.map_or(Value::Null, |item| item["quantity"].clone()),
    );
    put(out, "discount", old_discount(full, shape));
    put(out, "tax_percent", Value::Null);
    if shape == Shape::V2017 {
        rename(out, "collection_method", "billing");
        rename(out, "start_date", "start");
        // What came later and says how a subscription goes on is shown by every version (docs.stripe.com/upgrades); of
        // the rest a reader must do without.
        remove(
            out,
            &[
                "payment_settings",
                "pending_setup_intent",
                "pending_invoice_item_interval",
                "default_tax_rates",
                "discounts",
                "next_pending_invoice_item_invoice",
                "billing_thresholds",
                "automatic_tax",
                "invoice_settings",
                "trial_settings",
                "description",
                "on_behalf_of",
                "test_clock",
                "transfer_data",
                "currency",
            ],
        );
    }
}

fn subscription_item(out: &mut Map<String, Value>, shape: Shape) {
    if shape < Shape::Basil {
        remove(
            out,
            &["current_period_start", "current_period_end", "discounts"],
        );
    }
    if shape == Shape::V2017 {
        remove(
            out,
            &["price", "billing_thresholds", "tax_rates", "subscription"],
        );
    }
}

fn plan(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
    if shape == Shape::V2017 {
        // docs.stripe.com/upgrades#2018-02-05: plans lost their name to products.
        put(
            out,
            "name",
            full.get("_name").cloned().unwrap_or(Value::Null),
        );
        put(out, "statement_descriptor", Value::Null);
        remove(
            out,
            &[
                "nickname",
                "product",
                "active",
                "amount_decimal",
                "billing_scheme",
                "meter",
                "tiers_mode",
                "transform_usage",
                "usage_type",
            ],
        );
    }
}

fn customer(out: &mut Map<String, Value>, shape: Shape) {
    if shape == Shape::V2017 {
        // docs.stripe.com/upgrades#2019-10-17
        rename(out, "balance", "account_balance");
        remove(
            out,
            &[
                "name",
                "phone",
                "preferred_locales",
                "tax_exempt",
                "address",
                "next_invoice_sequence",
                "test_clock",
            ],
        );
    }
}

/// The first of the discounts, which older shapes show whole.
pub(crate) fn old_discount(full: &Map<String, Value>, shape: Shape) -> Value {
    render(full.get("_discount").unwrap_or(&Value::Null), shape)
}

// docs.stripe.com/changelog/clover/2025-09-30: a coupon is one of several sources.
fn discount(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
    if shape < Shape::Clover {
        remove(out, &["source", "customer_account"]);
        let coupon = full.get("_coupon").cloned().unwrap_or(Value::Null);
        put(out, "coupon", coupon);
    }
}

fn promotion_code(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
    if shape < Shape::Clover {
        remove(out, &["promotion", "customer_account"]);
        let coupon = full.get("_coupon").cloned().unwrap_or(Value::Null);
        put(out, "coupon", coupon);
    }
}

fn schedule(out: &mut Map<String, Value>, shape: Shape) {
    if shape < Shape::Clover {
        remove(out, &["billing_mode", "customer_account"]);
    }
}

// docs.stripe.com/changelog/basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices
fn invoice_of(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
    if shape < Shape::Basil {
        put(
            out,
            "invoice",
            full.get("_invoice").cloned().unwrap_or(Value::Null),
        );
    }
}
