//! What is asked of Stripe: every page of it, in one pinned API version, behind an interface that a simulation can fill.
//!
//! A question is asked once: an error says whether another try makes sense and how soon. A change is tried a few times
//! under one idempotency key, for nobody else may know whether it was made.

mod answer;
mod http;
mod pages;

pub use answer::{Hints, StripeError, judged};
pub use http::{ApiKey, DEFAULT_BASE, HttpStripe, KeyError, SetupError};
pub use pages::SubscriptionPage;

use async_trait::async_trait;
use serde_json::Value;
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The API version in which answers are read, whatever the account's own is.
pub const STRIPE_VERSION: &str = "2026-09-30.endive";

/// Where objects are read that events are about, as far as their events matter (docs.stripe.com/api).
pub const PLACES: [(&str, &str); 14] = [
    ("charge", "/v1/charges"),
    ("checkout.session", "/v1/checkout/sessions"),
    ("credit_note", "/v1/credit_notes"),
    ("customer", "/v1/customers"),
    ("dispute", "/v1/disputes"),
    ("invoice", "/v1/invoices"),
    ("invoice_payment", "/v1/invoice_payments"),
    ("mandate", "/v1/mandates"),
    ("plan", "/v1/plans"),
    ("price", "/v1/prices"),
    ("product", "/v1/products"),
    (
        "radar.early_fraud_warning",
        "/v1/radar/early_fraud_warnings",
    ),
    ("refund", "/v1/refunds"),
    ("subscription", "/v1/subscriptions"),
];
/// The kinds of events that [`Stripe::events_since`] lists; Stripe takes no more than 20 in one question.
pub const WATCHED: [&[&str]; 2] = [
    &[
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.refunded",
        "checkout.session.async_payment_failed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.completed",
        "customer.deleted",
        "customer.subscription.created",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.updated",
        "customer.updated",
        "invoice.finalized",
        "invoice.marked_uncollectible",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.voided",
        "price.updated",
        "product.updated",
    ],
    &[
        "charge.dispute.updated",
        "credit_note.created",
        "credit_note.voided",
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
        "customer.subscription.trial_will_end",
        "invoice.finalization_failed",
        "invoice.overdue",
        "invoice.payment_action_required",
        "invoice.payment_attempt_required",
        "invoice_payment.paid",
        "mandate.updated",
        "radar.early_fraud_warning.created",
        "refund.created",
        "refund.failed",
        "refund.updated",
    ],
];

/// How often [`Stripe::change`] sends a request at most.
pub const TRIES: u32 = 3;
/// The pause before the second of them; it doubles.
const PAUSE: Span = Span(500);
/// Whoever waits for an answer does not wait through a longer pause: then it is theirs to try again later.
const LONGEST_PAUSE: Span = Span::seconds(5);

/// How many events [`Stripe::events_since`] returns at most.
pub const MOST_EVENTS: usize = 10_000;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes or changes.
    Post,
    /// Takes away.
    Delete,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// One request to Stripe's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What it does.
    pub method: Method,
    /// Begins with `/v1/`; no query.
    pub path: String,
    /// Query of a GET, form of a POST, in Stripe's bracket notation, not yet encoded.
    pub params: Vec<(String, String)>,
    /// Idempotency key; every POST has one, and keeps it when it is tried again.
    pub key: Option<String>,
}

impl Request {
    /// A reading request.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            params: Vec::new(),
            key: None,
        }
    }

    /// A writing request; the same `key` makes the same change only once.
    #[must_use]
    pub fn post(path: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            method: Method::Post,
            path: path.into(),
            params: Vec::new(),
            key: Some(key.into()),
        }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOwner {
    /// `acct_…`
    pub id: String,
    /// Live or test, if the key says.
    pub livemode: Option<bool>,
}

/// Stripe's API under one key. Only [`Stripe::call`], [`Stripe::pause`] and [`Stripe::livemode`] differ between the real one
/// and a simulation.
#[async_trait]
pub trait Stripe: Send + Sync {
    /// Whether the key is for live mode; none if it does not say.
    fn livemode(&self) -> Option<bool>;

    /// Makes one request and returns the answer's body.
    async fn call(&self, request: Request) -> Result<Value, StripeError>;

    /// Waits between two tries; a simulation does not.
    async fn pause(&self, _: Span) {}

    /// Makes a change: sent again with the same idempotency key where that may help and Stripe does not ask for a long
    /// pause (docs.stripe.com/error-low-level). An error that may be retried leaves open whether the change was made.
    async fn change(&self, request: Request) -> Result<Value, StripeError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.call(request.clone()).await {
                Err(error)
                    if error.may_retry()
                        && error.retry_after().unwrap_or(pause) <= LONGEST_PAUSE =>
                {
                    self.pause(error.retry_after().unwrap_or(pause)).await;
                    pause = Span(2 * pause.0);
                }
                answer => return answer,
            }
        }
        self.call(request).await
    }

    /// The account that the key belongs to.
    async fn account(&self) -> Result<KeyOwner, StripeError> {
        let path = "/v1/account";
        let value = self.call(Request::get(path)).await?;
        let id = value["id"]
            .as_str()
            .ok_or_else(|| StripeError::garbled(path))?;
        Ok(KeyOwner {
            id: id.to_owned(),
            livemode: self.livemode(),
        })
    }

    /// All subscriptions of a customer, ended ones too, with their latest invoices and, if the key may read it, the
    /// customer.
    ///
    /// Products are filled in where a price does not name its membership type itself: Stripe does not expand that deep
    /// in a list. A product that the key may not read stays an id.
    async fn subscriptions_of(&self, customer: &str) -> Result<Vec<Value>, StripeError> {
        let request = Request::get("/v1/subscriptions")
            .with("customer", customer)
            .with("status", "all")
            .with("expand[]", "data.latest_invoice");
        let with_customer = request.clone().with("expand[]", "data.customer");
        let mut subscriptions = match pages::all(self, with_customer).await {
            Err(StripeError::NotReadable { .. }) => pages::all(self, request).await?,
            answer => answer?,
        };
        let mut products = BTreeMap::new();
        for subscription in &mut subscriptions {
            pages::complete(self, subscription, "/items").await?;
            pages::complete(self, subscription, "/latest_invoice/lines").await?;
            pages::fill_in_products(self, subscription, &mut products).await?;
        }
        Ok(subscriptions)
    }

    /// A page of all subscriptions of the account, ended ones too, with their latest invoices and their customers;
    /// `products` are those that are known already.
    async fn subscription_page(
        &self,
        after: Option<&str>,
        products: &mut BTreeMap<String, Value>,
    ) -> Result<SubscriptionPage, StripeError> {
        pages::subscriptions(self, after, products).await
    }

    /// All invoices of a customer with all their lines, newest first.
    async fn invoices_of(&self, customer: &str) -> Result<Vec<Value>, StripeError> {
        let mut invoices = pages::all(
            self,
            Request::get("/v1/invoices").with("customer", customer),
        )
        .await?;
        for invoice in &mut invoices {
            pages::complete(self, invoice, "/lines").await?;
        }
        Ok(invoices)
    }

    /// One subscription, its latest invoice and products expanded.
    async fn subscription(&self, id: &str) -> Result<Value, StripeError> {
        let request = Request::get(format!("/v1/subscriptions/{}", segment(id)?))
            .with("expand[]", "latest_invoice")
            .with("expand[]", "items.data.price.product");
        let mut subscription = self.call(request).await?;
        pages::complete(self, &mut subscription, "/items").await?;
        pages::complete(self, &mut subscription, "/latest_invoice/lines").await?;
        Ok(subscription)
    }

    /// One invoice with all its lines.
    async fn invoice(&self, id: &str) -> Result<Value, StripeError> {
        let mut invoice = self
            .call(Request::get(format!("/v1/invoices/{}", segment(id)?)))
            .await?;
        pages::complete(self, &mut invoice, "/lines").await?;
        Ok(invoice)
    }

    /// The invoices that a payment paid: `pi_…`, or `ch_…` where there is no intent.
    async fn invoice_payments(&self, payment: &str) -> Result<Vec<Value>, StripeError> {
        let kind = if payment.starts_with("pi_") {
            "payment_intent"
        } else {
            "charge"
        };
        let request = Request::get("/v1/invoice_payments")
            .with("payment[type]", kind)
            .with(format!("payment[{kind}]"), payment);
        pages::all(self, request).await
    }

    /// One price, its product expanded.
    async fn price(&self, id: &str) -> Result<Value, StripeError> {
        self.call(Request::get(format!("/v1/prices/{}", segment(id)?)).with("expand[]", "product"))
            .await
    }

    /// All prices and plans, still sold or not, their products expanded.
    async fn prices(&self) -> Result<Vec<Value>, StripeError> {
        let mut all = Vec::new();
        // Without a wish only those still sold are promised (docs.stripe.com/api/prices/list).
        for active in ["true", "false"] {
            let request = Request::get("/v1/prices")
                .with("active", active)
                .with("expand[]", "data.product");
            all.extend(pages::all(self, request).await?);
        }
        // One that was archived while the lists were read is in both.
        let mut seen = BTreeSet::new();
        all.retain(|price| seen.insert(price["id"].as_str().map(str::to_owned)));
        Ok(all)
    }

    /// All that ever changed a customer's balance, newest first.
    async fn balance_changes(&self, customer: &str) -> Result<Vec<Value>, StripeError> {
        let path = format!("/v1/customers/{}/balance_transactions", segment(customer)?);
        pages::all(self, Request::get(path)).await
    }

    /// All promotion codes, their coupons expanded, newest first.
    async fn promotion_codes(&self) -> Result<Vec<Value>, StripeError> {
        let request = Request::get("/v1/promotion_codes").with("expand[]", "data.promotion.coupon");
        pages::all(self, request).await
    }

    /// One product.
    async fn product(&self, id: &str) -> Result<Value, StripeError> {
        self.call(Request::get(format!("/v1/products/{}", segment(id)?)))
            .await
    }

    /// One customer; one that was deleted at Stripe is `{"deleted": true}`.
    async fn customer(&self, id: &str) -> Result<Value, StripeError> {
        self.call(Request::get(format!("/v1/customers/{}", segment(id)?)))
            .await
    }

    /// An object of a kind in [`PLACES`], with what its events show of it.
    async fn related(&self, kind: &str, id: &str) -> Result<Value, StripeError> {
        match kind {
            "subscription" => return self.subscription(id).await,
            "invoice" => return self.invoice(id).await,
            "price" => return self.price(id).await,
            _ => {}
        }
        let place = PLACES.iter().find(|(of, _)| *of == kind);
        let (_, path) = place.ok_or_else(|| StripeError::BadId(id.to_owned()))?;
        self.call(Request::get(format!("{path}/{}", segment(id)?)))
            .await
    }

    /// All customers.
    async fn customers(&self) -> Result<Vec<Value>, StripeError> {
        pages::all(self, Request::get("/v1/customers")).await
    }

    /// The events of the [`WATCHED`] kinds made at `from` or later, oldest first, each in the version of its day.
    ///
    /// Stripe keeps them for 30 days and lists them newest first; of more than [`MOST_EVENTS`] the oldest are returned,
    /// so that whoever asks again from the last one misses none.
    async fn events_since(&self, from: Timestamp) -> Result<Vec<Value>, StripeError> {
        pages::events(self, from, false).await
    }

    /// Those of them of which a delivery to an endpoint failed or is still tried (`delivery_success`,
    /// docs.stripe.com/api/events/list).
    async fn undelivered_since(&self, from: Timestamp) -> Result<Vec<Value>, StripeError> {
        pages::events(self, from, true).await
    }
}

/// An id as one segment of a path; plans have ids that people chose.
pub fn segment(id: &str) -> Result<String, StripeError> {
    if matches!(id, "" | "." | "..") {
        return Err(StripeError::BadId(id.to_owned()));
    }
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let encoded = id.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    Ok(encoded.collect())
}

#[cfg(test)]
mod tests;
