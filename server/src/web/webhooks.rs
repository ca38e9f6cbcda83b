//! Stripe's webhooks: verified over the raw bytes, kept, then answered.

use super::Estate;
use super::extract::bytes;
use super::problem::{Answer, Problem};
use crate::app::{App, Step};
use crate::attention::Kind;
use crate::billing::receive::{MAX_BODY, Receipt, ReceiveError, arrival, verify};
use crate::billing::signature::SignatureError;
use crate::store::attention::{Item, settle};
use axum::extract::Request;
use shared::time::{Span, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Takes a delivery; 200 is said only after the event is committed.
pub async fn stripe(
    estate: axum::extract::State<Arc<Estate>>,
    request: Request,
) -> Answer<&'static str> {
    let state = &estate.first;
    let header = request
        .headers()
        .get("stripe-signature")
        .map(|value| value.as_bytes().to_vec());
    let body = match bytes(request, &(), MAX_BODY).await {
        Ok(body) => body,
        Err(problem) => {
            state.webhooks.refused_body.fetch_add(1, Ordering::Relaxed);
            return Err(problem);
        }
    };
    match take(&estate, header.as_deref(), &body).await {
        Ok(receipt) => {
            let (counter, word) = state.webhooks.of(receipt);
            counter.fetch_add(1, Ordering::Relaxed);
            if state.webhooks.doubts.end()
                && let Err(error) = believed(&state.app, state.now()).await
            {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "what was told of webhooks stays on the list, although they are believed again"
                );
            }
            Ok(word)
        }
        Err(error) => {
            let (counter, problem) = state.webhooks.refused(&error);
            counter.fetch_add(1, Ordering::Relaxed);
            if let Some(item) = doubt(&error)
                && state.webhooks.doubts.may_tell(state.now())
            {
                state.app.raise(item, state.now()).await?;
            }
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a webhook was refused"
            );
            Err(problem)
        }
    }
}

/// What a refused delivery says of this server rather than of its sender.
fn doubt(error: &ReceiveError) -> Option<Item<'static>> {
    let item = |subject, sentence, remedy| Item {
        kind: Kind::WebhooksUnverified,
        subject,
        sentence,
        remedy,
        member: None,
    };
    match error {
        ReceiveError::NoSecret => Some(item(
            "webhooks",
            "Webhooks come in and cannot be verified: STRIPE_WEBHOOK_SECRET is not set. They are refused with 503.",
            "Set STRIPE_WEBHOOK_SECRET to the signing secret that Stripe shows at the endpoint; Stripe sends them again.",
        )),
        ReceiveError::Signature(SignatureError::Wrong) => Some(item(
            SIGNATURE,
            "Webhooks come in that are signed with another secret than STRIPE_WEBHOOK_SECRET. They are refused with 400.",
            "If Stripe shows failed deliveries at the endpoint, set STRIPE_WEBHOOK_SECRET to the signing secret shown \
             there; Stripe sends them again. If it shows none, somebody else knocks, and nothing is lost.",
        )),
        ReceiveError::Signature(
            SignatureError::TooOld { .. } | SignatureError::InFuture { .. },
        ) => Some(item(
            CLOCK,
            "Webhooks come in that are rightly signed, but more than 5 minutes away from this server's clock. They \
                 are refused with 400.",
            "Set the server's clock; Stripe sends them again. If the clock is right, somebody plays old deliveries \
                 back, and nothing is lost.",
        )),
        ReceiveError::Signature(
            SignatureError::NoHeader | SignatureError::Malformed(_) | SignatureError::NoV1,
        )
        | ReceiveError::TooLarge
        | ReceiveError::Body(_)
        | ReceiveError::Store(_)
        | ReceiveError::Closed => None,
    }
}

const SIGNATURE: &str = "signature";
const CLOCK: &str = "clock";

/// A delivery was believed: neither secret nor clock is wrong any more.
async fn believed(app: &App, now: Timestamp) -> Step<()> {
    let mut tx = app.store.begin().await?;
    for subject in [SIGNATURE, CLOCK] {
        let kind = Kind::WebhooksUnverified;
        settle(&mut tx, &app.organisation, kind, subject, now).await?;
    }
    tx.commit().await
}

/// Whoever knocks could be anybody: staff are told so often at most, not as often as they knock.
const TELL_EVERY: Span = Span::hours(1);

/// What staff were told of deliveries that are not believed.
#[derive(Debug)]
struct Doubts(Mutex<Told>);

#[derive(Debug)]
struct Told {
    at: Option<Timestamp>,
    /// Something of it may be on their list.
    open: bool,
}

impl Default for Doubts {
    /// What was told before the start may be on the list still.
    fn default() -> Self {
        Self(Mutex::new(Told {
            at: None,
            open: true,
        }))
    }
}

impl Doubts {
    fn may_tell(&self, now: Timestamp) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Either way: a clock that was wrong is set back, too.
        let may = told.at.is_none_or(|at| (now - at).0.abs() >= TELL_EVERY.0);
        if may {
            *told = Told {
                at: Some(now),
                open: true,
            };
        }
        may
    }

    /// Whether anything is to be taken from the list.
    fn end(&self) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut told.open)
    }
}

async fn take(
    estate: &Estate,
    header: Option<&[u8]>,
    body: &[u8],
) -> Result<Receipt, ReceiveError> {
    let now = estate.first.now();
    let head = verify(&estate.first.app, header, body, now)?;
    let state = estate.of(head.account.as_deref());
    match arrival(&state.app, head, body) {
        Err(receipt) => Ok(receipt),
        Ok(arrival) => state.bells.inbox.keep(arrival, now).await,
    }
}

/// What became of deliveries since the start.
#[derive(Debug, Default)]
pub struct Counters {
    kept: AtomicU64,
    duplicate: AtomicU64,
    other_mode: AtomicU64,
    other_account: AtomicU64,
    no_secret: AtomicU64,
    refused_signature: AtomicU64,
    refused_body: AtomicU64,
    not_stored: AtomicU64,
    doubts: Doubts,
}

impl Counters {
    fn of(&self, receipt: Receipt) -> (&AtomicU64, &'static str) {
        match receipt {
            Receipt::Kept => (&self.kept, "kept\n"),
            Receipt::Duplicate => (&self.duplicate, "kept before\n"),
            Receipt::OtherMode => (&self.other_mode, "of the other mode: not kept\n"),
            Receipt::OtherAccount => (&self.other_account, "of another account: not kept\n"),
        }
    }

    fn refused(&self, error: &ReceiveError) -> (&AtomicU64, Problem) {
        match error {
            ReceiveError::NoSecret => (&self.no_secret, Problem::unavailable(error.to_string())),
            ReceiveError::Signature(cause) => {
                let detail = format!("The signature was not accepted: {cause}.");
                (
                    &self.refused_signature,
                    Problem::malformed(detail).at("Stripe-Signature"),
                )
            }
            ReceiveError::TooLarge => (&self.refused_body, Problem::too_large(MAX_BODY)),
            ReceiveError::Body(cause) => (
                &self.refused_body,
                Problem::malformed(format!("The body is not a Stripe event: {cause}.")),
            ),
            ReceiveError::Store(_) | ReceiveError::Closed => (
                &self.not_stored,
                Problem::unavailable("The event could not be stored; send it again."),
            ),
        }
    }

    /// Every count by its name.
    pub fn all(&self) -> [(&'static str, u64); 8] {
        [
            ("kept", &self.kept),
            ("duplicate", &self.duplicate),
            ("other_mode", &self.other_mode),
            ("other_account", &self.other_account),
            ("no_secret", &self.no_secret),
            ("refused_signature", &self.refused_signature),
            ("refused_body", &self.refused_body),
            ("not_stored", &self.not_stored),
        ]
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}
