//! What is asked of Stripe.
use serde_json::Value;
use shared::time::Timestamp;

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOwner {
    pub id: String,
    pub livemode: Option<bool>,
}
/// no answer
#[derive(Debug, Clone, thiserror::Error)]
#[error("no answer")]
pub struct StripeError;

#[async_trait::async_trait]
pub trait Stripe: Send + Sync {
    async fn account(&self) -> Result<KeyOwner, StripeError>;
    async fn subscriptions_of(&self, customer: &str) -> Result<Vec<Value>, StripeError>;
    async fn invoices_of(&self, customer: &str) -> Result<Vec<Value>, StripeError>;
    async fn customer(&self, customer: &str) -> Result<Value, StripeError>;
    async fn events_since(&self, from: Timestamp) -> Result<Vec<Value>, StripeError>;
}
