//! How this server hears of Stripe: which way events come in, whether they do, and what the key may read.

use super::Here;
use super::attention::Attention;
use super::problem::{Answer, Problem};
use super::values::Moment;
use crate::app::Billing;
use crate::attention::Kind;
use crate::billing::client::{Request, Stripe, StripeError};
use crate::said::Said;
use crate::store::reading;
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Which way events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// None is set up.
    None,
    /// Stripe posts them, and nothing confirms them.
    Webhook,
    /// Stripe posts them, and is asked.
    WebhookAndKey,
    /// They are pulled; nothing is public.
    Pull,
}

impl Way {
    /// By what was set.
    #[must_use]
    pub fn of(billing: &Billing) -> Self {
        match (billing.stripe.is_some(), billing.secrets.is_empty()) {
            (false, true) => Self::None,
            (false, false) => Self::Webhook,
            (true, false) => Self::WebhookAndKey,
            (true, true) => Self::Pull,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Webhook => "webhook",
            Self::WebhookAndKey => "webhook-and-key",
            Self::Pull => "pull",
        }
    }
}

/// How this server hears of Stripe.
#[derive(Debug, Serialize, ToSchema)]
pub struct StripeState {
    /// Which way events come in.
    #[schema(inline)]
    pub way: Way,
    /// `live` or `test`.
    pub mode: &'static str,
    /// `acct_…`, once a key has named it.
    pub account: Option<String>,
    /// When a key last proved to be of this account.
    pub confirmed_at: Option<Moment>,
    /// When the last event came; none: none ever did.
    pub last_event_at: Option<Moment>,
    /// Events that wait to be applied.
    pub pending: i64,
    /// Events about which Stripe is to be asked.
    pub asking: i64,
    /// Old news that waits for an admin's yes.
    pub held: i64,
    /// When the catalogue was last listed.
    pub listed_at: Option<Moment>,
    /// When everything was last compared with Stripe.
    pub reconciled_at: Option<Moment>,
    /// What the attention list says of it.
    pub troubles: Vec<Attention>,
}

impl StripeState {
    /// Whether news of Stripe comes in, as far as can be seen: a key has read, or an event has come.
    pub fn is_heard(&self) -> bool {
        match self.way {
            Way::None => false,
            Way::Webhook => self.last_event_at.is_some(),
            Way::WebhookAndKey | Way::Pull => self.confirmed_at.is_some() && !self.is_shut_out(),
        }
    }

    fn is_shut_out(&self) -> bool {
        let shut = Kind::StripeNotReadable.word();
        self.troubles.iter().any(|item| item.kind == shut)
    }
}

/// What the attention list may say of Stripe as a whole.
const TROUBLES: [Kind; 9] = [
    Kind::WebhooksUnverified,
    Kind::ThinEvents,
    Kind::StripeNotReadable,
    Kind::Disconnected,
    Kind::StripeUnreachable,
    Kind::PoisonedEvent,
    Kind::LateNews,
    Kind::MassBrake,
    Kind::ReconciliationBrake,
];

/// How this server hears of Stripe, and since when
#[utoipa::path(get, path = "/api/v1/stripe", tag = "billing",
    responses((status = OK, body = StripeState), Problem))]
pub async fn show(state: Here) -> Answer<Json<StripeState>> {
    let (app, organisation) = (&state.app, &state.app.organisation);
    let mut tx = app.store.begin_read().await?;
    let account = app.account_row(&mut tx).await?;
    let newest = reading::inbox(&mut tx, app.account, None, i64::MAX, 1).await?;
    let [pending, asking, held] = reading::waiting_events(&mut tx, app.account).await?;
    let troubles = reading::open_of(&mut tx, organisation, &TROUBLES).await?;
    Ok(Json(StripeState {
        way: Way::of(&app.billing),
        mode: app.billing.mode.word(),
        account: account.stripe_id,
        confirmed_at: account.confirmed_at.map(Moment::of),
        last_event_at: newest.first().map(|event| Moment::of(event.received_at)),
        pending,
        asking,
        held,
        listed_at: account.listed_at.map(Moment::of),
        reconciled_at: account.reconciled_at.map(Moment::of),
        troubles: troubles.into_iter().map(Attention::from).collect(),
    }))
}

/// What is read of Stripe, by the name of the restricted key's permission in the dashboard
/// (docs.stripe.com/keys/restricted-api-keys); and whether the server cannot do without.
pub const READ: [(&str, &str, bool); 11] = [
    ("Customers", "/v1/customers", true),
    ("Events", "/v1/events", true),
    ("Products", "/v1/products", true),
    ("Invoices", "/v1/invoices", true),
    ("Prices", "/v1/prices", true),
    ("Subscriptions", "/v1/subscriptions", true),
    ("Charges and Refunds", "/v1/charges", false),
    ("Disputes", "/v1/disputes", false),
    ("Credit notes", "/v1/credit_notes", false),
    ("Promotion codes", "/v1/promotion_codes", false),
    ("Checkout Sessions", "/v1/checkout/sessions", false),
];

/// What the key may read.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyCheck {
    /// Whether it reads the account on record, in the right mode.
    pub account: bool,
    /// Each permission.
    pub permissions: Vec<Permission>,
}

impl KeyCheck {
    /// Whether the server can do its work with it.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        let lacks = |permission: &Permission| permission.needed && !permission.readable;
        self.account && !self.permissions.iter().any(lacks)
    }
}

/// A permission of a restricted key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Permission {
    /// As the dashboard calls it.
    pub name: &'static str,
    /// Whether the server cannot do without; else refunds, disputes or codes go unseen.
    pub needed: bool,
    /// Whether the key may read it.
    pub readable: bool,
    /// Why not.
    pub why: Option<String>,
}

/// Ask Stripe what the key may read
#[utoipa::path(post, path = "/api/v1/stripe/check", tag = "billing",
    responses((status = OK, body = KeyCheck), Problem))]
pub async fn check(state: Here) -> Answer<Json<KeyCheck>> {
    let stripe = state.app.billing.stripe.clone();
    let detail = Said::of("refused-set-the-key");
    let stripe = stripe.ok_or_else(|| Problem::conflict("STRIPE_SECRET_KEY", detail))?;
    let account = state.app.confirm(state.now()).await?;
    let mut permissions = Vec::with_capacity(READ.len());
    for (name, path, needed) in READ {
        let why = ask(stripe.as_ref(), path).await.err();
        permissions.push(Permission {
            name,
            needed,
            readable: why.is_none(),
            why: why.map(|error| error.to_string()),
        });
    }
    Ok(Json(KeyCheck {
        account,
        permissions,
    }))
}

async fn ask(stripe: &dyn Stripe, path: &str) -> Result<(), StripeError> {
    let request = Request::get(path).with("limit", "1");
    stripe.call(request).await.map(drop)
}
