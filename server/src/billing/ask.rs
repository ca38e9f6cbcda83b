//! Asking: what Stripe has about a customer, read from its answers.

use super::client::{Stripe, StripeError};
use super::news::{MEMBER_KEY, prices};
use super::read::{self, PriceInfo, ReadError};
use crate::app::{App, Step};
use crate::store::mirror::{self, CustomerNews, Object};
use serde_json::Value;
use shared::facts::{Invoice, InvoiceStatus, Subscription, SubscriptionStatus};
use shared::ids::AccountId;
use shared::time::Timestamp;

/// What Stripe said about a customer.
#[derive(Clone, Default)]
pub(super) struct Fetched {
    pub subscriptions: Vec<(Subscription, Vec<PriceInfo>)>,
    pub invoices: Vec<(Invoice, Vec<PriceInfo>)>,
    pub customer: Option<CustomerNews>,
    /// Whether Stripe was asked for all invoices.
    all_invoices: bool,
}

/// Why an answer says nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Stripe did not answer, or not us.
    #[error(transparent)]
    Stripe(Box<StripeError>),
    /// The answer lacks what we know to exist: an empty answer is no end.
    #[error("subscriptions that run are missing from the answer")]
    Implausible,
    /// The answer is not readable.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
}

impl From<StripeError> for Failure {
    fn from(error: StripeError) -> Self {
        Self::Stripe(Box::new(error))
    }
}

impl Fetched {
    /// Adds a listed subscription with what is expanded in it: its latest invoice and its customer.
    pub fn read(&mut self, value: &Value) -> Result<(), ReadError> {
        let expanded = |key: &str| value.get(key).filter(|inner| inner.is_object());
        let subscription = read::subscription(value)?;
        let latest = expanded("latest_invoice").map(read_invoice).transpose()?;
        let customer = expanded("customer").map(customer_news).transpose()?;
        self.subscriptions
            .push((subscription, prices(value.get("items"))));
        self.invoices.extend(latest);
        self.customer = customer.or(self.customer.take());
        Ok(())
    }

    /// Asks for all invoices of the customer where neither the latest ones nor those `known` say what was paid.
    pub async fn complete(
        &mut self,
        stripe: &dyn Stripe,
        customer: &str,
        known: &[Invoice],
    ) -> Result<(), Failure> {
        let latest = self.invoices.iter().map(|(invoice, _)| invoice);
        let paid: Vec<&Invoice> = latest.chain(known).collect();
        let wanting = |(row, _): &(Subscription, _)| needs_invoices(row, &paid);
        if !self.all_invoices && self.subscriptions.iter().any(wanting) {
            self.ask_invoices(stripe, customer).await?;
        }
        Ok(())
    }

    /// Asks for all invoices of the customer.
    pub async fn ask_invoices(
        &mut self,
        stripe: &dyn Stripe,
        customer: &str,
    ) -> Result<(), Failure> {
        let listed = stripe.invoices_of(customer).await?;
        self.invoices = listed.iter().map(read_invoice).collect::<Result<_, _>>()?;
        self.all_invoices = true;
        Ok(())
    }
}

/// What runs and what was paid, as far as we know.
pub(super) struct Known {
    /// Ids of subscriptions that did not end.
    running: Vec<String>,
    /// Paid invoices.
    pub paid: Vec<Invoice>,
}

impl App {
    /// Asks for all subscriptions, and for the invoices that paid them where they are not known yet.
    pub(super) async fn ask(
        &self,
        account: AccountId,
        customer: &str,
    ) -> Step<Result<Fetched, Failure>> {
        let known = self.known(account, customer).await?;
        let Some(stripe) = self.billing.stripe.as_deref() else {
            return Ok(Err(Failure::Implausible));
        };
        Ok(ask(stripe, customer, &known).await)
    }

    /// What we know of a customer.
    pub(super) async fn known(&self, account: AccountId, customer: &str) -> Step<Known> {
        let mut tx = self.store.begin_read().await?;
        let mut known = Known {
            running: Vec::new(),
            paid: Vec::new(),
        };
        for kept in mirror::of_customer(&mut tx, account, customer).await? {
            match kept.object {
                Object::Subscription(row) if !row.status.is_terminal() => {
                    known.running.push(row.id)
                }
                Object::Invoice(row) if row.status == InvoiceStatus::Paid => known.paid.push(row),
                Object::Subscription(_) | Object::Invoice(_) => {}
            }
        }
        Ok(known)
    }
}

async fn ask(stripe: &dyn Stripe, customer: &str, known: &Known) -> Result<Fetched, Failure> {
    let mut fetched = Fetched::default();
    for value in stripe.subscriptions_of(customer).await? {
        fetched.read(&value)?;
    }
    let listed = |id: &String| fetched.subscriptions.iter().any(|(row, _)| row.id == *id);
    if !known.running.iter().all(listed) {
        return Err(Failure::Implausible);
    }
    fetched.complete(stripe, customer, &known.paid).await?;
    // It came with its subscriptions, if it has any.
    if fetched.subscriptions.is_empty() {
        fetched.customer = Some(customer_news(&stripe.customer(customer).await?)?);
    }
    Ok(fetched)
}

/// Whether a subscription has begun and no invoice says that all of it is paid.
fn needs_invoices(subscription: &Subscription, paid: &[&Invoice]) -> bool {
    let begun = !matches!(
        subscription.status,
        SubscriptionStatus::Incomplete | SubscriptionStatus::IncompleteExpired
    );
    let covered = |until: Timestamp| {
        paid.iter().any(|invoice| {
            invoice.status == InvoiceStatus::Paid
                && invoice.subscription.as_ref() == Some(&subscription.id)
                && invoice.lines.iter().any(|line| line.to >= until)
        })
    };
    begun
        && subscription
            .items
            .iter()
            .any(|item| !covered(item.period_end))
}

fn read_invoice(value: &Value) -> Result<(Invoice, Vec<PriceInfo>), ReadError> {
    Ok((read::invoice(value)?, prices(value.get("lines"))))
}

fn customer_news(value: &Value) -> Result<CustomerNews, ReadError> {
    let info = read::customer(value)?;
    Ok(CustomerNews {
        mail: info.email,
        name: info.name,
        reference: info.metadata.get(MEMBER_KEY).cloned(),
        known: true,
        deleted_at: None,
        stamp: None,
    })
}
