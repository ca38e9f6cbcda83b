//! An invoice of any API version (docs.stripe.com/api/invoices/object).

use super::ReadError;
use super::lenient::{
    Reading, customer_of, entries, flag, id_of, moment, number, reference, seats, text,
};
use serde_json::Value;
use shared::facts::{Invoice, InvoiceStatus, Line};
use shared::time::Timestamp;

/// Reads an invoice; lines have no membership yet.
pub fn invoice(value: &Value) -> Result<Invoice, ReadError> {
    let reading = Reading::of("invoice", "invoice", value)?;
    let amount = |key: &str| value.get(key).and_then(number);
    let subscription = value
        .pointer("/parent/subscription_details/subscription")
        .and_then(id_of)
        .or_else(|| reference(value, "subscription"));
    let status = status(value);
    let reason = match (text(value, "billing_reason"), subscription) {
        (Some(reason), _) => reason,
        // Until 2018 invoices gave no reason; Stripe calls those `subscription` since.
        (None, Some(_)) => "subscription",
        (None, None) => "manual",
    };
    let total = reading.need("total", amount("total"))?;
    let amount_paid = amount("amount_paid").or_else(|| {
        let paid = status == InvoiceStatus::Paid;
        paid.then(|| amount("amount_due")).flatten()
    });
    let lines = reading.need("lines", entries(value, "lines"))?;
    let before = amount("starting_balance").unwrap_or(0);
    let after = amount("ending_balance").unwrap_or(before);
    // A negative balance is credit, a positive one is owed (docs.stripe.com/billing/customer/balance).
    let [credit_before, credit_after] =
        [before, after].map(|balance| balance.min(0).saturating_neg());
    let [owed_before, owed_after] = [before, after].map(|balance| balance.max(0));
    let created = moment(value, "created").or_else(|| moment(value, "date"));
    Ok(Invoice {
        id: reading.id.to_owned(),
        subscription: subscription.map(str::to_owned),
        customer: customer_of(value).map(str::to_owned),
        status,
        reason: reason.to_owned(),
        total,
        amount_paid: amount_paid.unwrap_or(0),
        credit_used: credit_before.saturating_sub(credit_after),
        carried_over: owed_after.saturating_sub(owed_before),
        discounted: discounted(value),
        currency: reading
            .need("currency", text(value, "currency"))?
            .to_ascii_lowercase(),
        created: reading.need("created", created)?,
        paid_at: value
            .get("status_transitions")
            .and_then(|transitions| moment(transitions, "paid_at")),
        due_date: moment(value, "due_date"),
        refunded: is_refunded(value),
        stuck: value
            .get("last_finalization_error")
            .is_some_and(|error| !error.is_null()),
        parked: status == InvoiceStatus::Draft
            && value.get("auto_advance") == Some(&Value::Bool(false)),
        reversal: shared::reversals::Reversal::default(),
        lines: lines
            .iter()
            .enumerate()
            .map(|(at, entry)| line(&reading, at, entry))
            .collect::<Result<_, _>>()?,
    })
}

/// Whether Stripe shows only the first lines; the rest is on further pages.
#[must_use]
pub fn has_more_lines(value: &Value) -> bool {
    value
        .get("lines")
        .is_some_and(|lines| flag(lines, "has_more"))
}

/// `status`, until 2018 told by flags. A word this version does not know is an unpaid invoice unless it says `paid`.
fn status(value: &Value) -> InvoiceStatus {
    match text(value, "status") {
        Some("draft") => InvoiceStatus::Draft,
        Some("uncollectible") => InvoiceStatus::Uncollectible,
        Some("void") => InvoiceStatus::Void,
        Some("paid") => InvoiceStatus::Paid,
        Some(_) | None if flag(value, "paid") => InvoiceStatus::Paid,
        Some(_) => InvoiceStatus::Open,
        None if flag(value, "forgiven") => InvoiceStatus::Uncollectible,
        None if !flag(value, "attempted")
            && !flag(value, "closed")
            && value["ending_balance"].is_null() =>
        {
            InvoiceStatus::Draft
        }
        None => InvoiceStatus::Open,
    }
}

/// What discounts took off: told since 2020, before that the difference that no tax explains.
fn discounted(value: &Value) -> i64 {
    let amount = |key: &str| value.get(key).and_then(number).unwrap_or(0);
    if let Some(discounts) = entries(value, "total_discount_amounts") {
        let amounts = discounts
            .iter()
            .filter_map(|one| number(one.get("amount")?));
        return amounts.fold(0, i64::saturating_add);
    }
    match value.get("discount") {
        Some(Value::Object(_)) => (amount("subtotal").saturating_add(amount("tax")))
            .saturating_sub(amount("total"))
            .max(0),
        Some(_) | None => 0,
    }
}

/// All that was paid was given back, as far as the payload shows.
fn is_refunded(value: &Value) -> bool {
    let credited = value
        .get("post_payment_credit_notes_amount")
        .and_then(number)
        .unwrap_or(0);
    let total = value.get("total").and_then(number).unwrap_or(0);
    let charge = value
        .get("charge")
        .is_some_and(|charge| flag(charge, "refunded"));
    charge || (total > 0 && credited >= total) || payments_are_refunded(value)
}

/// Since basil the payments of an invoice are a list, and its charges two steps further.
fn payments_are_refunded(value: &Value) -> bool {
    let mut charges = entries(value, "payments")
        .unwrap_or_default()
        .iter()
        .filter(|payment| text(payment, "status") == Some("paid"))
        .map(|payment| {
            let payment = &payment["payment"];
            let charge = payment.get("charge").filter(|charge| charge.is_object());
            charge
                .or_else(|| payment.pointer("/payment_intent/latest_charge"))
                .unwrap_or(&Value::Null)
        })
        .peekable();
    charges.peek().is_some() && charges.all(|charge| flag(charge, "refunded"))
}

fn line(reading: &Reading<'_>, at: usize, entry: &Value) -> Result<Line, ReadError> {
    let parent = |field: &str| {
        ["subscription_item_details", "invoice_item_details"]
            .iter()
            .filter_map(|details| entry.get("parent")?.get(*details)?.get(field))
            .find(|found| !found.is_null())
    };
    let item = parent("subscription_item")
        .and_then(id_of)
        .or_else(|| reference(entry, "subscription_item"));
    let price = entry
        .pointer("/pricing/price_details/price")
        .and_then(id_of)
        .or_else(|| reference(entry, "price"))
        .or_else(|| reference(entry, "plan"));
    let amount = entry.get("amount").and_then(number);
    let period = |key: &str| -> Option<Timestamp> { moment(entry.get("period")?, key) };
    Ok(Line {
        item: item.map(str::to_owned),
        price: price.map(str::to_owned),
        membership: None,
        from: reading.need_in("lines", at, "period.start", period("start"))?,
        to: reading.need_in("lines", at, "period.end", period("end"))?,
        amount: reading.need_in("lines", at, "amount", amount)?,
        proration: parent("proration")
            .and_then(Value::as_bool)
            .unwrap_or_else(|| flag(entry, "proration")),
        quantity: seats(entry),
    })
}
