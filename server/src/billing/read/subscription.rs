//! A subscription of any API version (docs.stripe.com/api/subscriptions/object).

use super::ReadError;
use super::lenient::{
    Reading, customer_of, entries, flag, moment, reference, seats, text, text_at,
};
use serde_json::Value;
use shared::facts::{Cancellation, Collection, Item, Pause, Subscription, SubscriptionStatus};

/// Reads a subscription; items have no membership yet.
///
/// An item that has no id of its own, as before 2016, carries the subscription's.
pub fn subscription(value: &Value) -> Result<Subscription, ReadError> {
    let reading = Reading::of("subscription", "subscription", value)?;
    let status = reading.need("status", text(value, "status"))?;
    let created = ["created", "start_date", "start"]
        .iter()
        .find_map(|key| moment(value, key));
    Ok(Subscription {
        id: reading.id.to_owned(),
        customer: reading.need("customer", customer_of(value))?.to_owned(),
        status: SubscriptionStatus::from(status.to_owned()),
        created: reading.need("created", created)?,
        cancel_at_period_end: flag(value, "cancel_at_period_end"),
        cancel_at: moment(value, "cancel_at"),
        ended_at: moment(value, "ended_at"),
        cancellation: text_at(value, "/cancellation_details/reason").map(cancellation),
        pause: text_at(value, "/pause_collection/behavior").and_then(pause),
        paused_because: text_at(value, "/status_details/paused/subscription/type")
            .map(str::to_owned),
        collection: collection(value),
        trial_end: moment(value, "trial_end"),
        items: items(&reading)?,
    })
}

/// Whether Stripe shows only the first items; the rest is on further pages.
#[must_use]
pub fn has_more_items(value: &Value) -> bool {
    value
        .get("items")
        .is_some_and(|items| flag(items, "has_more"))
}

fn items(reading: &Reading<'_>) -> Result<Vec<Item>, ReadError> {
    let value = reading.value;
    let Some(list) = entries(value, "items") else {
        reading.need("items", reference(value, "plan"))?;
        return Ok(vec![item(reading, 0, value)?]);
    };
    list.iter()
        .enumerate()
        .filter(|(_, entry)| !flag(entry, "deleted"))
        .map(|(at, entry)| item(reading, at, entry))
        .collect()
}

fn item(reading: &Reading<'_>, at: usize, entry: &Value) -> Result<Item, ReadError> {
    let price = reference(entry, "price").or_else(|| reference(entry, "plan"));
    // Before basil the period was the subscription's.
    let period = |key: &str| moment(entry, key).or_else(|| moment(reading.value, key));
    Ok(Item {
        id: reading
            .need_in("items", at, "id", text(entry, "id"))?
            .to_owned(),
        price: reading.need_in("items", at, "price", price)?.to_owned(),
        membership: None,
        quantity: seats(entry),
        period_start: reading.need_in(
            "items",
            at,
            "current_period_start",
            period("current_period_start"),
        )?,
        period_end: reading.need_in(
            "items",
            at,
            "current_period_end",
            period("current_period_end"),
        )?,
    })
}

fn cancellation(reason: &str) -> Cancellation {
    match reason {
        "payment_failed" => Cancellation::PaymentFailed,
        "payment_disputed" => Cancellation::PaymentDisputed,
        _ => Cancellation::Requested,
    }
}

/// A behaviour this version does not know is no pause: what is paid still counts, what is not does not.
fn pause(behavior: &str) -> Option<Pause> {
    match behavior {
        "void" => Some(Pause::Void),
        "keep_as_draft" => Some(Pause::KeepAsDraft),
        "mark_uncollectible" => Some(Pause::MarkUncollectible),
        _ => None,
    }
}

/// `collection_method`, until 2019 `billing`.
fn collection(value: &Value) -> Collection {
    match text(value, "collection_method").or_else(|| text(value, "billing")) {
        Some("send_invoice") => Collection::SendInvoice,
        Some(_) | None => Collection::Automatic,
    }
}
