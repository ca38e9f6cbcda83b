//! What Stripe says of money that went back, and of which invoice a payment paid: refunds, credit notes, disputes,
//! charges and the payments of invoices, of any API version.

use super::ReadError;
use super::event::Event;
use super::lenient::{Reading, customer_of, entries, moment, number, reference, text};
use crate::store::reversals::{Collected, Reversed};
use serde_json::Value;
use shared::reversals::{Returned, ReversalKind};

/// The payment that an object names: its intent, or its charge where there is none.
fn payment_of(value: &Value) -> Option<String> {
    reference(value, "payment_intent")
        .or_else(|| reference(value, "charge"))
        .map(str::to_owned)
}

/// Orders what is said of one record: by the moment, then towards where things usually go, then by kind and id.
fn stamp(event: &Event, status: &str) -> String {
    let progress = match status {
        "pending" | "requires_action" | "needs_response" | "warning_needs_response" => 0,
        "succeeded" | "issued" | "under_review" | "warning_under_review" => 1,
        _ => 2,
    };
    let step = crate::billing::order::step(&event.kind);
    format!("{:020} {progress} {step} {}", event.created.0, event.id)
}

fn record(
    event: &Event,
    kind: ReversalKind,
    object: &'static str,
    amount_key: &str,
) -> Result<Reversed, ReadError> {
    let value = &event.object;
    let reading = Reading::of(object, object, value)?;
    let status = text(value, "status").unwrap_or_default();
    let currency = reading.need("currency", text(value, "currency"))?;
    let amount = reading.need(amount_key, value.get(amount_key).and_then(number))?;
    Ok(Reversed {
        id: reading.id.to_owned(),
        payment: payment_of(value),
        invoice: reference(value, "invoice").map(str::to_owned),
        customer: customer_of(value).map(str::to_owned),
        currency: currency.to_ascii_lowercase(),
        reason: text(value, "reason").unwrap_or_default().to_owned(),
        returned: Returned {
            kind,
            status: status.to_owned(),
            amount,
            at: moment(value, "created").unwrap_or(event.created),
        },
        stamp: stamp(event, status),
    })
}

/// docs.stripe.com/api/refunds/object
pub fn refund(event: &Event) -> Result<Reversed, ReadError> {
    record(event, ReversalKind::Refund, "refund", "amount")
}

/// docs.stripe.com/api/disputes/object
pub fn dispute(event: &Event) -> Result<Reversed, ReadError> {
    record(event, ReversalKind::Dispute, "dispute", "amount")
}

/// A credit note for what had been paid; one that lowers what is due takes nothing back
/// (docs.stripe.com/api/credit_notes/object).
pub fn credit_note(event: &Event) -> Result<Option<Reversed>, ReadError> {
    let value = &event.object;
    let after_payment = match value.get("post_payment_amount").and_then(number) {
        Some(amount) => amount > 0,
        None => text(value, "type") == Some("post_payment"),
    };
    let mut note = record(event, ReversalKind::CreditNote, "credit_note", "amount")?;
    if let Some(amount) = value.get("post_payment_amount").and_then(number) {
        note.returned.amount = amount;
    }
    Ok(after_payment.then_some(note))
}

/// What a charge says of its refunds together, if there are any (docs.stripe.com/api/charges/object).
pub fn charge(event: &Event) -> Result<Option<Reversed>, ReadError> {
    let value = &event.object;
    if value.get("amount_refunded").and_then(number).unwrap_or(0) == 0 {
        return Ok(None);
    }
    let mut together = record(event, ReversalKind::Charge, "charge", "amount_refunded")?;
    let own = reference(value, "payment_intent").or_else(|| text(value, "id"));
    together.payment = own.map(str::to_owned);
    together.returned.at = event.created;
    Ok(Some(together))
}

/// Which payments paid which invoice: told by the payments of invoices, by charges, and until basil by invoices.
#[must_use]
pub fn collected(event: &Event) -> Vec<Collected> {
    let value = &event.object;
    match event.object_kind.as_deref() {
        Some("invoice_payment") => invoice_payment(value).into_iter().collect(),
        Some("charge") => charge_payment(value).into_iter().collect(),
        Some("invoice") => {
            let listed = entries(value, "payments").unwrap_or_default();
            let own = payment_of(value).and_then(|payment| paid(value, payment));
            let listed = listed.iter().filter_map(invoice_payment);
            own.into_iter().chain(listed).collect()
        }
        Some(_) | None => Vec::new(),
    }
}

/// docs.stripe.com/api/invoice-payment/object
pub fn invoice_payment(value: &Value) -> Option<Collected> {
    Some(Collected {
        payment: payment_of(value.get("payment")?)?,
        invoice: Some(reference(value, "invoice")?.to_owned()),
        customer: None,
    })
}

fn paid(invoice: &Value, payment: String) -> Option<Collected> {
    Some(Collected {
        payment,
        invoice: Some(text(invoice, "id")?.to_owned()),
        customer: customer_of(invoice).map(str::to_owned),
    })
}

/// docs.stripe.com/api/charges/object
fn charge_payment(value: &Value) -> Option<Collected> {
    let told = Collected {
        payment: reference(value, "payment_intent")
            .or_else(|| text(value, "id"))?
            .to_owned(),
        invoice: reference(value, "invoice").map(str::to_owned),
        customer: customer_of(value).map(str::to_owned),
    };
    (told.invoice.is_some() || told.customer.is_some()).then_some(told)
}
