//! Stripe's own pages for payers: an invoice to pay or to print, and the portal where card and subscription are theirs.

use super::client::{Request, Stripe, StripeError};
use crate::app::App;
use crate::store::StoreError;
use serde_json::Value;
use shared::time::Timestamp;

/// Why there is no page to send a payer to.
#[derive(Debug, thiserror::Error)]
pub enum PayerPageError {
    /// There is no key, or not the right one.
    #[error("without a Stripe key of the account on record nobody can be sent to Stripe's pages")]
    NoKey,
    /// Stripe did not do it.
    #[error("Stripe did not give a page for a payer")]
    Stripe(#[from] StripeError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Result<T> = std::result::Result<T, PayerPageError>;

/// An invoice as Stripe has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoicePage {
    /// Whether money is still wanted for it.
    pub is_open: bool,
    /// Where it is paid, or printed once it is (docs.stripe.com/invoicing/hosted-invoice-page); none for a draft.
    pub url: Option<String>,
}

/// What somebody wants to do in the portal (docs.stripe.com/customer-management/portal-deep-links).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Look around.
    Any,
    /// Change the card on file.
    Card,
    /// End this subscription.
    Cancel(String),
}

impl App {
    /// An invoice's page.
    pub async fn invoice_page(&self, invoice: &str, now: Timestamp) -> Result<InvoicePage> {
        let invoice = self.stripe_for_payers(now).await?.invoice(invoice).await?;
        let is_open = matches!(invoice["status"].as_str(), Some("open" | "uncollectible"));
        let url = address(&invoice["hosted_invoice_url"]);
        Ok(InvoicePage { is_open, url })
    }

    /// A fresh way into the portal for a customer, and back from there
    /// (docs.stripe.com/api/customer_portal/sessions/create).
    pub async fn portal(
        &self,
        customer: &str,
        errand: &Errand,
        back: &str,
        now: Timestamp,
    ) -> Result<String> {
        let stripe = self.stripe_for_payers(now).await?;
        let (one, other) = self.with_random(|random| (random.next_u64(), random.next_u64()));
        let path = "/v1/billing_portal/sessions";
        let mut request = Request::post(path, format!("portal {one:016x}{other:016x}"));
        request = request.with("customer", customer).with("return_url", back);
        request = match errand {
            Errand::Any => request,
            Errand::Card => request.with("flow_data[type]", "payment_method_update"),
            Errand::Cancel(subscription) => request
                .with("flow_data[type]", "subscription_cancel")
                .with("flow_data[subscription_cancel][subscription]", subscription),
        };
        let session = stripe.change(request).await?;
        address(&session["url"]).ok_or_else(|| StripeError::garbled(path).into())
    }

    async fn stripe_for_payers(&self, now: Timestamp) -> Result<&dyn Stripe> {
        let stripe = self.billing.stripe.as_ref();
        let stripe = stripe.ok_or(PayerPageError::NoKey)?;
        if !self.confirm(now).await? {
            return Err(PayerPageError::NoKey);
        }
        Ok(stripe.as_ref())
    }
}

/// Where a browser may be sent.
fn address(value: &Value) -> Option<String> {
    let url = value.as_str().filter(|url| url.starts_with("https://"));
    url.map(str::to_owned)
}
