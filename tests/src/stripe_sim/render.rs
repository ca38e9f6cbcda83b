//! API shapes: views of one truth, newest first; each older shape puts back what its successors moved.

use serde_json::{Map, Value, json};

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
                Some("charge") => charge(map, &mut out, shape),
                Some(_) | None => {}
            }
            Value::Object(out)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn remove(out: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        out.remove(*key);
    }
}

fn put(out: &mut Map<String, Value>, key: &str, value: Value) {
    out.insert(key.to_owned(), value);
}

fn rename(out: &mut Map<String, Value>, from: &str, to: &str) {
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
    put(out, "discount", Value::Null);
    put(out, "tax_percent", Value::Null);
    if shape == Shape::V2017 {
        rename(out, "collection_method", "billing");
        rename(out, "start_date", "start");
        remove(
            out,
            &[
                "cancel_at",
                "cancellation_details",
                "pause_collection",
                "latest_invoice",
                "pending_update",
                "schedule",
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

fn charge(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
    if shape < Shape::Basil {
        put(
            out,
            "invoice",
            full.get("_invoice").cloned().unwrap_or(Value::Null),
        );
    }
}

fn invoice(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
    if shape < Shape::Endive {
        remove(out, &["amount_paid_off_stripe"]);
    }
    if shape < Shape::Clover {
        remove(out, &["customer_account"]);
    }
    if shape >= Shape::Basil {
        return;
    }
    // docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects
    let details = full
        .get("parent")
        .and_then(|parent| parent.get("subscription_details"));
    put(
        out,
        "subscription",
        details.map_or(Value::Null, |details| details["subscription"].clone()),
    );
    put(
        out,
        "subscription_details",
        details.map_or(
            Value::Null,
            |details| json!({"metadata": details["metadata"]}),
        ),
    );
    let charge = full.get("_charge").cloned().unwrap_or(Value::Null);
    let intent = charge.as_str().map(|id| id.replacen("ch_", "pi_", 1));
    put(out, "charge", charge);
    put(out, "payment_intent", json!(intent));
    let status = full
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    put(out, "paid", json!(status == "paid"));
    put(
        out,
        "paid_out_of_band",
        full.get("_out_of_band")
            .cloned()
            .unwrap_or(Value::Bool(false)),
    );
    put(out, "discount", Value::Null);
    put(out, "tax", Value::Null);
    remove(
        out,
        &[
            "parent",
            "amount_overpaid",
            "total_taxes",
            "automatically_finalizes_at",
        ],
    );
    if shape == Shape::V2017 {
        rename(out, "collection_method", "billing");
        rename(out, "created", "date");
        put(
            out,
            "closed",
            json!(matches!(status.as_str(), "paid" | "void")),
        );
        put(out, "forgiven", json!(status == "uncollectible"));
        remove(
            out,
            &[
                "status",
                "status_transitions",
                "account_country",
                "account_name",
                "amount_shipping",
                "auto_advance",
                "billing_reason",
                "customer_email",
                "customer_name",
                "hosted_invoice_url",
                "payment_settings",
                "subscription_details",
                "issuer",
                "automatic_tax",
                "paid_out_of_band",
                "effective_at",
                "discounts",
            ],
        );
    }
}

fn line(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
    if shape >= Shape::Basil {
        return;
    }
    let parent = full.get("parent").cloned().unwrap_or(Value::Null);
    let from_item = parent["type"] == "invoice_item_details";
    let key = if from_item {
        "invoice_item_details"
    } else {
        "subscription_item_details"
    };
    let details = &parent[key];
    put(
        out,
        "type",
        json!(if from_item {
            "invoiceitem"
        } else {
            "subscription"
        }),
    );
    put(out, "proration", json!(details["proration"] == true));
    put(out, "subscription", details["subscription"].clone());
    put(
        out,
        "plan",
        render(full.get("_plan").unwrap_or(&Value::Null), shape),
    );
    if from_item {
        put(out, "invoice_item", details["invoice_item"].clone());
    } else {
        put(
            out,
            "subscription_item",
            details["subscription_item"].clone(),
        );
    }
    if shape > Shape::V2017 {
        put(
            out,
            "price",
            render(full.get("_price").unwrap_or(&Value::Null), shape),
        );
    }
    remove(out, &["parent", "pricing", "taxes", "subtotal"]);
}
