//! Invoices and their lines in older API shapes.

use serde_json::{Map, Value, json};

use super::render::{Shape, old_discount, put, remove, rename, render};

pub(crate) fn invoice(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
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
    put(out, "charge", charge);
    let intent = full.get("_intent").cloned().unwrap_or(Value::Null);
    put(out, "payment_intent", intent);
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
    put(out, "discount", old_discount(full, shape));
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

pub(crate) fn line(full: &Map<String, Value>, out: &mut Map<String, Value>, shape: Shape) {
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
