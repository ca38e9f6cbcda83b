//! Deliveries that Stripe could not make are looked for from a cursor of their own.

use crate::support::Api;
use crate::twin::param;
use async_trait::async_trait;
use serde_json::{Value, json};
use server::billing::client::{MOST_EVENTS, Request, Stripe, StripeError};
use shared::time::Timestamp;
use std::sync::Arc;

/// More events than one look takes, and than are listed again from before its cursor.
const EVENTS: usize = MOST_EVENTS + 1000;

/// Stripe after a long outage: an event a second was not delivered, the last one at the moment given.
struct Backlog(Timestamp);

impl Backlog {
    /// An event by its place; 0 is the newest.
    fn event(&self, place: usize) -> Value {
        let created = self.0.as_seconds() - i64::try_from(place).expect("small");
        json!({"id": format!("evt_{place}"), "object": "event", "type": "customer.deleted", "created": created,
            "livemode": false, "api_version": "2026-09-30.endive",
            "data": {"object": {"id": "cus_1", "object": "customer", "deleted": true}}})
    }
}

#[async_trait]
impl Stripe for Backlog {
    fn livemode(&self) -> Option<bool> {
        Some(false)
    }

    async fn call(&self, request: Request) -> Result<Value, StripeError> {
        if request.path == "/v1/account" {
            return Ok(json!({"id": "acct_1", "object": "account"}));
        }
        assert_eq!(request.path, "/v1/events");
        let kinds = request.params.iter();
        let asked = kinds.clone().any(|(_, value)| value == "customer.deleted");
        let failed = param(&request, "delivery_success") == Some("false");
        let since = param(&request, "created[gte]").and_then(|since| since.parse().ok());
        let newer = self.0.as_seconds() - since.unwrap_or(0) + 1;
        let count = usize::try_from(newer).unwrap_or(0).min(EVENTS);
        let count = if asked && failed { count } else { 0 };
        let after = param(&request, "starting_after").and_then(|id| id.strip_prefix("evt_"));
        let from = after.map_or(0, |place| 1 + place.parse::<usize>().expect("a place"));
        let to = count.min(from + 100);
        let page: Vec<Value> = (from..to).map(|place| self.event(place)).collect();
        Ok(json!({"object": "list", "data": page, "has_more": to < count}))
    }
}

#[tokio::test]
async fn what_one_look_could_not_hold_is_found_by_the_next() {
    let stripe = Arc::new(Backlog(crate::support::START));
    let api = Api::with_stripe(stripe).await;
    let sweep = async || api.app.sweep(api.now()).await.expect("swept");
    assert_eq!(sweep().await, Some(MOST_EVENTS), "the oldest first");
    assert_eq!(sweep().await, Some(EVENTS - MOST_EVENTS));
    assert_eq!(sweep().await, Some(0));
}
