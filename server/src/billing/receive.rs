//! Receive: verify over the raw bytes, keep, answer. 200 is said only after the commit.

use super::read::{Head, ReadError};
use super::signature::{self, SignatureError};
use crate::app::{App, Step};
use crate::store::inbox::{self, Arrival};
use crate::store::{Store, StoreError};
use shared::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// What became of a delivery that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Kept.
    Kept,
    /// Kept before.
    Duplicate,
    /// Of the other mode: counted, not kept.
    OtherMode,
    /// Of another Stripe account: counted, not kept.
    OtherAccount,
}

/// A delivery was not kept; nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// No secret is configured: whoever sends, we could not tell.
    #[error("webhooks cannot be verified: STRIPE_WEBHOOK_SECRET is not set")]
    NoSecret,
    /// Not signed by Stripe for us, now.
    #[error("the signature was not accepted")]
    Signature(#[from] SignatureError),
    /// Larger than [`MAX_BODY`].
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    /// Verified, but not an event.
    #[error("the body is not a Stripe event")]
    Body(#[from] ReadError),
    /// The database did not keep it: Stripe shall try again.
    #[error("the event could not be stored")]
    Store(#[from] StoreError),
    /// The writer has ended: the process is going down.
    #[error("the server is going down")]
    Closed,
}

/// Checks a delivery and says what to keep; none for what belongs to another mode or account.
pub fn check(
    app: &App,
    header: Option<&[u8]>,
    body: &[u8],
    now: Timestamp,
) -> Result<Result<Arrival, Receipt>, ReceiveError> {
    if app.billing.secrets.is_empty() {
        return Err(ReceiveError::NoSecret);
    }
    if body.len() > MAX_BODY {
        return Err(ReceiveError::TooLarge);
    }
    signature::verify(header, body, &app.billing.secrets, now)?;
    arrival(app, body)
}

/// Reads the envelope of a verified or pulled event.
pub fn arrival(app: &App, body: &[u8]) -> Result<Result<Arrival, Receipt>, ReceiveError> {
    let head = Head::read(body)?;
    if !app.billing.mode.fits(head.livemode) {
        return Ok(Err(Receipt::OtherMode));
    }
    if head.account.is_some() {
        return Ok(Err(Receipt::OtherAccount));
    }
    Ok(Ok(Arrival {
        account: app.account,
        event: head.id,
        kind: head.kind,
        created: head.created,
        body: body.to_vec(),
    }))
}

impl App {
    /// Receives one delivery in a transaction of its own; the binary's writer groups many instead.
    pub async fn receive(
        &self,
        header: Option<&[u8]>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Receipt, ReceiveError> {
        match check(self, header, body, now)? {
            Err(receipt) => Ok(receipt),
            Ok(arrival) => Ok(keep(&self.store, &[arrival], now).await?[0]),
        }
    }
}

/// Keeps arrivals in one transaction.
pub async fn keep(store: &Store, arrivals: &[Arrival], now: Timestamp) -> Step<Vec<Receipt>> {
    let mut tx = store.begin().await?;
    let fresh = inbox::insert_all(&mut tx, arrivals, now).await?;
    let receipt = |fresh| {
        if fresh {
            Receipt::Kept
        } else {
            Receipt::Duplicate
        }
    };
    let receipts = fresh.into_iter().map(receipt).collect();
    tx.commit().await?;
    Ok(receipts)
}

struct Job {
    arrival: Arrival,
    now: Timestamp,
    answer: oneshot::Sender<Result<Receipt, StoreError>>,
}

/// Hands arrivals to the writer.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// How many arrivals one commit carries at most.
const GROUP: usize = 256;

impl Writer {
    /// Starts the writer: it commits what has gathered while the last commit ran, then answers all. `kept` is called
    /// after each commit that kept something new.
    #[must_use]
    pub fn start(store: Store, kept: impl Fn() + Send + Sync + 'static) -> Self {
        let (jobs, mut waiting) = mpsc::channel::<Job>(4 * GROUP);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP);
            while waiting.recv_many(&mut group, GROUP).await > 0 {
                commit(&store, std::mem::take(&mut group), &kept).await;
            }
        });
        Self { jobs }
    }

    /// Keeps an arrival; returns after the commit.
    pub async fn keep(&self, arrival: Arrival, now: Timestamp) -> Result<Receipt, ReceiveError> {
        let (answer, receipt) = oneshot::channel();
        self.jobs
            .send(Job {
                arrival,
                now,
                answer,
            })
            .await
            .map_err(|_| ReceiveError::Closed)?;
        Ok(receipt.await.map_err(|_| ReceiveError::Closed)??)
    }
}

async fn commit(store: &Store, group: Vec<Job>, kept: &(impl Fn() + Send + Sync)) {
    let mut arrivals = Vec::with_capacity(group.len());
    let mut answers = Vec::with_capacity(group.len());
    let mut now = Timestamp::MIN;
    for job in group {
        now = now.max(job.now);
        arrivals.push(job.arrival);
        answers.push(job.answer);
    }
    match keep(store, &arrivals, now).await {
        Ok(receipts) => {
            if receipts.contains(&Receipt::Kept) {
                kept();
            }
            for (answer, receipt) in answers.into_iter().zip(receipts) {
                // A client that went away does not need its answer.
                drop(answer.send(Ok(receipt)));
            }
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                events = answers.len(),
                "events were not stored"
            );
            for answer in answers {
                drop(answer.send(Err(StoreError::Query(sqlx::Error::WorkerCrashed))));
            }
        }
    }
}
