//! What an event is news of.

use super::client::PLACES;
use super::read::{self, Event, PriceInfo, ReadError, money};
use crate::store::mirror::CustomerNews;
use crate::store::reversals::Reversed;
use serde_json::Value;
use shared::facts::{Invoice, InvoiceStatus, Subscription};

/// The metadata key by which a customer or a subscription names our member.
pub const MEMBER_KEY: &str = "goodstanding_member";
/// What comes before a member's number in a checkout's `client_reference_id`, so that no other system's id fits.
pub const REFERENCE_PREFIX: &str = "goodstanding-member-";

/// What an event is news of.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A subscription, and the prices it names.
    Subscription(Box<Subscription>, Vec<PriceInfo>, Option<String>),
    /// An invoice, the prices it names, and whose mail address it carries.
    Invoice(Box<Invoice>, Vec<PriceInfo>, CustomerNews),
    /// A customer.
    Customer(String, CustomerNews),
    /// A price or plan that is sold.
    Price(PriceInfo),
    /// Money that went back, if so; or which payment paid what.
    Money(Option<Box<Reversed>>),
    /// Something that staff should look at, with what it is about.
    Flag(Flag, String),
    /// Nothing about access, but a hint to ask about a customer.
    Hint(String),
    /// Something that a thin event does not show.
    Unseen,
    /// Nothing for us.
    Nothing,
}

/// What staff should look at, though no member's facts change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// The card's issuer suspects fraud (docs.stripe.com/api/radar/early_fraud_warnings).
    FraudWarning,
    /// A bank no longer lets the club collect (docs.stripe.com/api/mandates).
    MandateEnded,
    /// A connected account is not ours to read any more (docs.stripe.com/connect/oauth-reference#post-deauthorize).
    Disconnected,
}

/// What [`Flag::Disconnected`] is about: an organisation has one Stripe account.
pub const ACCOUNT: &str = "account";

/// Reads what an event is news of.
pub fn news(event: &Event) -> Result<News, ReadError> {
    let object = &event.object;
    if object.is_null() && event.object_id.is_some() {
        let kind = event.object_kind.as_deref();
        let readable = PLACES.iter().any(|(of, _)| Some(*of) == kind);
        return Ok(if readable {
            News::Unseen
        } else {
            News::Nothing
        });
    }
    Ok(match event.object_kind.as_deref() {
        Some("subscription") => {
            let subscription = read::subscription(object)?;
            News::Subscription(
                Box::new(subscription),
                prices(object.get("items")),
                member_of(object),
            )
        }
        // A preview of an invoice that does not exist yet has no id of its own to keep it under.
        Some("invoice") if event.kind != "invoice.upcoming" => {
            let mut invoice = read::invoice(object)?;
            // Until 2018 a payload told neither this nor `status` (docs.stripe.com/upgrades#2018-11-08).
            if event.kind == "invoice.voided" {
                invoice.status = InvoiceStatus::Void;
            }
            let customer = CustomerNews {
                mail: text(object, "customer_email"),
                name: text(object, "customer_name"),
                ..CustomerNews::default()
            };
            News::Invoice(Box::new(invoice), prices(object.get("lines")), customer)
        }
        Some("customer") => {
            let info = read::customer(object)?;
            let deleted = info.deleted || event.kind == "customer.deleted";
            let news = CustomerNews {
                mail: info.email,
                name: info.name,
                reference: info.metadata.get(MEMBER_KEY).cloned(),
                known: true,
                deleted_at: deleted.then_some(event.created),
                stamp: Some(super::prices::event_stamp(event)),
            };
            News::Customer(info.id, news)
        }
        Some("price" | "plan") => News::Price(read::price(object)?),
        Some("checkout.session") => match (&event.customer, member_of(object)) {
            (Some(customer), Some(reference)) => News::Customer(
                customer.clone(),
                CustomerNews {
                    reference: Some(reference),
                    ..CustomerNews::default()
                },
            ),
            (Some(customer), None) => News::Hint(customer.clone()),
            (None, _) => News::Nothing,
        },
        Some("charge") => News::Money(money::charge(event)?.map(Box::new)),
        Some("refund") => News::Money(Some(Box::new(money::refund(event)?))),
        Some("dispute") => News::Money(Some(Box::new(money::dispute(event)?))),
        Some("credit_note") => News::Money(money::credit_note(event)?.map(Box::new)),
        Some("invoice_payment") => News::Money(None),
        Some("radar.early_fraud_warning") => flag(event, Flag::FraudWarning),
        Some("mandate") if text(object, "status").as_deref() == Some("inactive") => {
            flag(event, Flag::MandateEnded)
        }
        Some("application")
            if event.kind == "account.application.deauthorized" && event.account.is_some() =>
        {
            News::Flag(Flag::Disconnected, ACCOUNT.to_owned())
        }
        Some(_) | None => event.customer.clone().map_or(News::Nothing, News::Hint),
    })
}

fn flag(event: &Event, flag: Flag) -> News {
    let about = text(&event.object, "charge").or_else(|| event.object_id.clone());
    News::Flag(flag, about.unwrap_or_else(|| event.id.clone()))
}

fn text(object: &Value, key: &str) -> Option<String> {
    object.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn member_of(object: &Value) -> Option<String> {
    let named = object
        .get("metadata")
        .and_then(|metadata| text(metadata, MEMBER_KEY));
    named.or_else(|| {
        text(object, "client_reference_id")?
            .strip_prefix(REFERENCE_PREFIX)
            .map(str::to_owned)
    })
}

pub(crate) fn prices(list: Option<&Value>) -> Vec<PriceInfo> {
    let rows = list
        .and_then(|list| list.get("data"))
        .and_then(Value::as_array);
    // A bare id says nothing about a price's name.
    let whole = |row: &&Value| {
        row.get("price").is_some_and(Value::is_object)
            || row.get("plan").is_some_and(Value::is_object)
    };
    rows.into_iter()
        .flatten()
        .filter(whole)
        .filter_map(read::item_price)
        .collect()
}
