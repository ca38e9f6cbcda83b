//! Stripe's webhooks: verified over the raw bytes, kept, then answered.

use super::Estate;
use super::extract::bytes;
use super::problem::{Answer, Problem};
use crate::billing::doubts::Doubts;
use crate::billing::receive::{MAX_BODY, Receipt, ReceiveError, arrival, verify};
use axum::extract::Request;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
            let doubts = &state.webhooks.doubts;
            if let Err(error) = doubts.believed(&state.app, state.now()).await {
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
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a webhook was refused"
            );
            let doubts = &state.webhooks.doubts;
            doubts.refused(&state.app, &error, state.now()).await?;
            Err(problem)
        }
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
