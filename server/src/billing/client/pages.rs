//! Lists that come in pages, on their own or inside objects (docs.stripe.com/api/pagination).

use super::{MOST_EVENTS, Request, Stripe, StripeError, WATCHED};
use crate::billing::{read, tag};
use serde_json::Value;
use shared::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// Entries on one page; Stripe's largest.
const PAGE: &str = "100";

/// One page of a list.
pub(super) struct Page {
    pub(super) data: Vec<Value>,
    /// Id of the last entry, after which the next page starts.
    pub(super) last: Option<String>,
    pub(super) more: bool,
}

/// The page that follows an entry; none if it is empty.
pub(super) async fn page<S: Stripe + ?Sized>(
    stripe: &S,
    request: &Request,
    after: Option<&str>,
) -> Result<Option<Page>, StripeError> {
    let mut request = request.clone().with("limit", PAGE);
    if let Some(after) = after {
        request = request.with("starting_after", after);
    }
    let path = request.path.clone();
    let mut answer = stripe.call(request).await?;
    let Some(Value::Array(data)) = answer.get_mut("data").map(Value::take) else {
        return Err(StripeError::garbled(&path));
    };
    let Some(entry) = data.last() else {
        return Ok(None);
    };
    let last = entry["id"].as_str().map(str::to_owned);
    let more = answer["has_more"] == true;
    if more && (last.is_none() || last.as_deref() == after) {
        return Err(StripeError::garbled(&path));
    }
    Ok(Some(Page { data, last, more }))
}

/// All entries of a list.
pub(super) async fn all<S: Stripe + ?Sized>(
    stripe: &S,
    request: Request,
) -> Result<Vec<Value>, StripeError> {
    let mut entries = Vec::new();
    let mut after = None;
    while let Some(page) = page(stripe, &request, after.as_deref()).await? {
        after = page.last;
        entries.extend(page.data);
        if !page.more {
            break;
        }
    }
    Ok(entries)
}

/// A page of subscriptions, completed.
#[derive(Debug)]
pub struct SubscriptionPage {
    /// As Stripe lists them.
    pub data: Vec<Value>,
    /// After which one the next page begins; none: this is the last.
    pub next: Option<String>,
}

/// A page of all subscriptions of the account.
pub(super) async fn subscriptions<S: Stripe + ?Sized>(
    stripe: &S,
    after: Option<&str>,
    products: &mut BTreeMap<String, Value>,
) -> Result<SubscriptionPage, StripeError> {
    let request = Request::get("/v1/subscriptions")
        .with("status", "all")
        .with("expand[]", "data.latest_invoice")
        .with("expand[]", "data.customer");
    let Some(page) = page(stripe, &request, after).await? else {
        return Ok(SubscriptionPage {
            data: Vec::new(),
            next: None,
        });
    };
    let mut data = page.data;
    for subscription in &mut data {
        complete(stripe, subscription, "/items").await?;
        complete(stripe, subscription, "/latest_invoice/lines").await?;
        fill_in_products(stripe, subscription, products).await?;
    }
    let next = page.last.filter(|_| page.more);
    Ok(SubscriptionPage { data, next })
}

/// The oldest watched events since a moment, oldest first; all of them, or those that were not delivered everywhere.
pub(super) async fn events<S: Stripe + ?Sized>(
    stripe: &S,
    from: Timestamp,
    undelivered: bool,
) -> Result<Vec<Value>, StripeError> {
    let moment = |event: &Value| event["created"].as_i64().unwrap_or(i64::MAX);
    let mut events = Vec::new();
    let mut complete_to = i64::MAX;
    for kinds in WATCHED {
        let from = from.as_seconds().max(0).to_string();
        let mut request = Request::get("/v1/events").with("created[gte]", from);
        if undelivered {
            request = request.with("delivery_success", "false");
        }
        for kind in kinds {
            request = request.with("types[]", *kind);
        }
        let listed = oldest(stripe, &request).await?;
        if listed.len() == MOST_EVENTS {
            complete_to = complete_to.min(listed.last().map_or(i64::MAX, moment));
        }
        events.extend(listed);
    }
    events.retain(|event| moment(event) <= complete_to);
    events.sort_by_key(moment);
    Ok(events)
}

/// The oldest entries of a list that comes newest first, oldest first.
async fn oldest<S: Stripe + ?Sized>(
    stripe: &S,
    request: &Request,
) -> Result<Vec<Value>, StripeError> {
    let mut oldest = VecDeque::new();
    let mut after = None;
    while let Some(page) = page(stripe, request, after.as_deref()).await? {
        after = page.last;
        oldest.extend(page.data);
        oldest.drain(..oldest.len().saturating_sub(MOST_EVENTS));
        if !page.more {
            break;
        }
    }
    Ok(oldest.into_iter().rev().collect())
}

/// Puts all pages of a list inside an object into it.
pub(super) async fn complete<S: Stripe + ?Sized>(
    stripe: &S,
    object: &mut Value,
    pointer: &str,
) -> Result<(), StripeError> {
    let Some(list) = object
        .pointer_mut(pointer)
        .filter(|list| list["has_more"] == true)
    else {
        return Ok(());
    };
    let url = list["url"].as_str().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    if !path.starts_with("/v1/") {
        return Err(StripeError::garbled(pointer));
    }
    let mut request = Request::get(path);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        request = request.with(name, value);
    }
    list["data"] = Value::Array(all(stripe, request).await?);
    list["has_more"] = Value::Bool(false);
    Ok(())
}

/// Replaces product ids by products where a price names no membership type.
pub(super) async fn fill_in_products<S: Stripe + ?Sized>(
    stripe: &S,
    subscription: &mut Value,
    known: &mut BTreeMap<String, Value>,
) -> Result<(), StripeError> {
    let items = subscription
        .pointer_mut("/items/data")
        .and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        let untagged =
            read::item_price(item).is_some_and(|price| tag::resolve(&price).found.is_none());
        let Some(product) = item
            .pointer_mut("/price/product")
            .filter(|product| untagged && product.is_string())
        else {
            continue;
        };
        let id = product.as_str().unwrap_or_default().to_owned();
        if !known.contains_key(&id) {
            match stripe.product(&id).await {
                Ok(found) => drop(known.insert(id.clone(), found)),
                Err(StripeError::NotReadable { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(found) = known.get(&id) {
            *product = found.clone();
        }
    }
    Ok(())
}
