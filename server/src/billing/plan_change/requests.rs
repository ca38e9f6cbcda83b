//! What is asked of Stripe for a plan change.

use super::{PlanChangeError, Result};
use crate::billing::client::{Request, Stripe, StripeError, segment};
use crate::store::plan_changes::PlanChange;
use serde_json::Value;
use shared::ids::MembershipTypeId;

/// A subscription at Stripe and the one item of it that names a type.
pub(super) struct Current {
    subscription: Value,
    pub item: Value,
    pub price: String,
    pub membership: MembershipTypeId,
}

impl Current {
    pub fn id(&self) -> String {
        text(&self.subscription["id"])
    }

    pub fn schedule(&self) -> Option<&str> {
        let schedule = &self.subscription["schedule"];
        schedule.as_str().or_else(|| schedule["id"].as_str())
    }

    pub fn is_ending(&self) -> bool {
        self.subscription["cancel_at_period_end"] == true || self.subscription["cancel_at"].is_i64()
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value["items"]["data"].as_array().into_iter().flatten()
}

fn price_of(item: &Value) -> &str {
    let price = &item["price"];
    let id = price.as_str().or_else(|| price["id"].as_str());
    id.or_else(|| item["plan"]["id"].as_str())
        .unwrap_or_default()
}

/// Reads a subscription and the one item of it that has a type.
pub(super) async fn current(
    stripe: &dyn Stripe,
    id: &str,
    typed: impl Fn(&str) -> Option<MembershipTypeId> + Send,
) -> Result<Current> {
    let subscription = stripe.subscription(id).await?;
    if matches!(
        subscription["status"].as_str(),
        Some("canceled" | "incomplete_expired")
    ) {
        return Err(PlanChangeError::NoSubscription);
    }
    let tagged: Vec<(Value, String, MembershipTypeId)> = items(&subscription)
        .filter_map(|item| {
            let price = price_of(item).to_owned();
            let membership = typed(&price)?;
            Some((item.clone(), price, membership))
        })
        .collect();
    let mut tagged = tagged.into_iter();
    match (tagged.next(), tagged.next()) {
        (Some((item, price, membership)), None) => Ok(Current {
            subscription,
            item,
            price,
            membership,
        }),
        (None, _) => Err(PlanChangeError::NoSubscription),
        (Some(_), Some(_)) => Err(PlanChangeError::SeveralItems(id.to_owned())),
    }
}

/// docs.stripe.com/api/invoices/create_preview
pub(super) fn preview_request(change: &PlanChange, current: &Current) -> Request {
    let request = Request::post(
        "/v1/invoices/create_preview",
        format!("plan-change-{}-preview", change.token),
    )
    .with("subscription", change.subscription.as_str());
    let request = with_item(request, "subscription_details", change, &current.item);
    if change.at_period_end != 0 {
        return request.with("subscription_details[proration_behavior]", "none");
    }
    let date = change.proration_date.to_string();
    request
        .with(
            "subscription_details[proration_behavior]",
            "create_prorations",
        )
        .with("subscription_details[proration_date]", date)
}

fn with_item(request: Request, within: &str, change: &PlanChange, item: &Value) -> Request {
    let name = |field: &str| match within {
        "" => format!("items[0][{field}]"),
        within => format!("{within}[items][0][{field}]"),
    };
    let request = request
        .with(name("id"), change.item.as_str())
        .with(name("price"), change.to_price.as_str());
    match item["quantity"].as_i64() {
        Some(quantity) => request.with(name("quantity"), quantity.to_string()),
        None => request,
    }
}

/// Makes the change at Stripe; returns the schedule that performs it, if one does.
pub(super) async fn perform(
    stripe: &dyn Stripe,
    change: &PlanChange,
    begun: bool,
    typed: impl Fn(&str) -> Option<MembershipTypeId> + Send,
) -> Result<Option<String>> {
    let current = current(stripe, &change.subscription, typed).await?;
    // It was made, and what Stripe answered was lost.
    if begun && current.price == change.to_price {
        return Ok(current.schedule().map(str::to_owned));
    }
    if current.price != change.from_price || current.item["id"] != *change.item {
        return Err(PlanChangeError::Changed);
    }
    if change.at_period_end != 0 {
        return schedule(stripe, change, &current, begun).await.map(Some);
    }
    let path = format!("/v1/subscriptions/{}", segment(&change.subscription)?);
    let request = Request::post(path, format!("plan-change-{}", change.token));
    let request = with_item(request, "", change, &current.item)
        .with("proration_behavior", "create_prorations")
        .with("proration_date", change.proration_date.to_string());
    stripe.change(request).await?;
    Ok(None)
}

/// docs.stripe.com/billing/subscriptions/subscription-schedules: one made from the subscription has its current phase,
/// to which the next is added; then it lets the subscription go.
async fn schedule(
    stripe: &dyn Stripe,
    change: &PlanChange,
    current: &Current,
    begun: bool,
) -> Result<String> {
    let made = match current.schedule() {
        None => {
            let key = format!("plan-change-{}-schedule", change.token);
            let request = Request::post("/v1/subscription_schedules", key)
                .with("from_subscription", change.subscription.as_str());
            stripe.change(request).await?
        }
        // What was begun may have made it already, longer ago than Stripe remembers keys.
        Some(id) => {
            let path = format!("/v1/subscription_schedules/{}", segment(id)?);
            let found = stripe.call(Request::get(path)).await?;
            match follows(&found, change) {
                Some(Follows::Change) if begun => return Ok(text(&found["id"])),
                Some(Follows::Subscription) if begun => found,
                _ => return Err(PlanChangeError::Scheduled(change.subscription.clone())),
            }
        }
    };
    let (id, phase) = (text(&made["id"]), &made["phases"][0]);
    if id.is_empty() || !phase["end_date"].is_i64() {
        let path = "/v1/subscription_schedules".to_owned();
        return Err(StripeError::Garbled { path }.into());
    }
    let key = format!("plan-change-{}-phases", change.token);
    let path = format!("/v1/subscription_schedules/{}", segment(&id)?);
    let request = Request::post(&path, key).with("end_behavior", "release");
    let request = request.with("proration_behavior", "none");
    let request = with_phase(request, 0, phase, |price| price.to_owned())
        .with("phases[0][start_date]", phase["start_date"].to_string())
        .with("phases[0][end_date]", phase["end_date"].to_string());
    let request = with_phase(request, 1, phase, |price| changed(change, price).to_owned())
        .with("phases[1][proration_behavior]", "none");
    match stripe.change(request).await {
        Ok(_) => Ok(id),
        Err(error) if error.leaves_open() => Err(error.into()),
        Err(error) => {
            // Without its second phase the schedule would only be in everybody's way.
            let key = format!("plan-change-{}-release", change.token);
            let released = stripe
                .change(Request::post(format!("{path}/release"), key))
                .await;
            if let Err(error) = released {
                tracing::warn!(schedule = id, %error, "a schedule that is of no use could not be released");
            }
            Err(error.into())
        }
    }
}

/// The price of an item after a change.
fn changed<'p>(change: &'p PlanChange, price: &'p str) -> &'p str {
    if price == change.from_price {
        &change.to_price
    } else {
        price
    }
}

/// What a schedule that a change may have made does so far.
enum Follows {
    /// What the subscription would do without it: it was made from that and has no next phase yet.
    Subscription,
    /// The change.
    Change,
}

/// What a schedule does; none if it is not the change's: it has other phases, or ends the subscription.
fn follows(schedule: &Value, change: &PlanChange) -> Option<Follows> {
    let phases = schedule["phases"].as_array()?;
    let prices = |phase: &Value| {
        let items = phase["items"].as_array().into_iter().flatten();
        items
            .map(|item| price_of(item).to_owned())
            .collect::<Vec<String>>()
    };
    let now = prices(phases.first()?);
    if schedule["end_behavior"] != "release" || !now.contains(&change.from_price) {
        return None;
    }
    match &phases[..] {
        [_] => Some(Follows::Subscription),
        [_, next] => {
            let wanted = now.iter().map(|price| changed(change, price));
            prices(next).iter().eq(wanted).then_some(Follows::Change)
        }
        _ => None,
    }
}

/// The items and discounts of a phase, each item at the price that `price` makes of its own.
fn with_phase(
    request: Request,
    at: usize,
    phase: &Value,
    price: impl Fn(&str) -> String,
) -> Request {
    let mut request = request;
    let list = |key: &str| phase[key].as_array().cloned().unwrap_or_default();
    for (number, item) in list("items").iter().enumerate() {
        let name = |field: &str| format!("phases[{at}][items][{number}][{field}]");
        request = request.with(name("price"), price(price_of(item)));
        if let Some(quantity) = item["quantity"].as_i64() {
            request = request.with(name("quantity"), quantity.to_string());
        }
    }
    for (number, discount) in list("discounts").iter().enumerate() {
        for kind in ["discount", "promotion_code", "coupon"] {
            let id = &discount[kind];
            if let Some(id) = id.as_str().or_else(|| id["id"].as_str()) {
                let name = format!("phases[{at}][discounts][{number}][{kind}]");
                request = request.with(name, id);
                break;
            }
        }
    }
    request
}
