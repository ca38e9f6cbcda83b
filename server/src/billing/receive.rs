//! Receive: verify over the raw bytes, keep, answer. 200 is said only after the commit.

use super::late::is_late;
use super::read::{Head, ReadError};
use super::sheet::{Line, Sheet};
use super::signature::{self, SignatureError};
use crate::app::{App, ConnectedAccount, Step};
use crate::doors::publish::Publication;
use crate::store::inbox::{self, Arrival, Fate};
use crate::store::{Store, StoreError, lists, rulebook};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use tokio::sync::{mpsc, oneshot};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// So many arrivals are applied in the commit that keeps them: more would keep their senders waiting.
const AT_ONCE: usize = 8;

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

/// Verifies a delivery and reads its envelope.
pub fn verify(
    app: &App,
    header: Option<&[u8]>,
    body: &[u8],
    now: Timestamp,
) -> Result<Head, ReceiveError> {
    if app.billing.secrets.is_empty() {
        return Err(ReceiveError::NoSecret);
    }
    if body.len() > MAX_BODY {
        return Err(ReceiveError::TooLarge);
    }
    signature::verify(header, body, &app.billing.secrets, now)?;
    Ok(Head::read(body)?)
}

/// Verifies a delivery and says what to keep; nothing of what belongs to another mode or account.
pub fn check(
    app: &App,
    header: Option<&[u8]>,
    body: &[u8],
    now: Timestamp,
) -> Result<Result<Arrival, Receipt>, ReceiveError> {
    let head = verify(app, header, body, now)?;
    Ok(arrival(app, head, body))
}

/// What to keep of a verified or pulled event; nothing of what belongs to another mode or account.
pub fn arrival(app: &App, head: Head, body: &[u8]) -> Result<Arrival, Receipt> {
    if !app.billing.mode.fits(head.livemode) {
        return Err(Receipt::OtherMode);
    }
    let ours = app.billing.connected.as_ref();
    if head.account.as_deref() != ours.map(ConnectedAccount::as_str) {
        return Err(Receipt::OtherAccount);
    }
    Ok(Arrival {
        account: app.account,
        event: head.id,
        kind: head.kind,
        created: head.created,
        body: body.to_vec(),
    })
}

/// What became of arrivals.
#[derive(Debug)]
pub struct Taken {
    /// Of each, in order.
    pub receipts: Vec<Receipt>,
    /// What to publish of those that are applied already.
    pub publications: Vec<Publication>,
    /// Whether something was kept that has yet to be applied.
    pub waits: bool,
}

impl App {
    /// Receives one delivery.
    pub async fn receive(
        &self,
        header: Option<&[u8]>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Taken, ReceiveError> {
        match check(self, header, body, now)? {
            Ok(arrival) => Ok(self.take(&[arrival], vec![None], false, now).await?),
            Err(receipt) => Ok(Taken {
                receipts: vec![receipt],
                publications: Vec::new(),
                waits: false,
            }),
        }
    }

    /// Keeps arrivals, of which some were read ahead; a few with nothing older `behind` them are applied in the same
    /// commit, if they can be.
    pub async fn take(
        &self,
        arrivals: &[Arrival],
        ahead: Vec<Option<Line>>,
        behind: bool,
        now: Timestamp,
    ) -> Step<Taken> {
        if arrivals.len() <= AT_ONCE && !behind {
            match self.keep_and_apply(arrivals, ahead, now).await {
                Ok(Some(taken)) => return Ok(taken),
                // Old news that takes access from many: it is kept, and held back.
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "events could not be applied as they came; they are kept first"
                ),
            }
        }
        let receipts = keep(&self.store, arrivals, now).await?;
        let waits = receipts.contains(&Receipt::Kept);
        Ok(Taken {
            receipts,
            publications: Vec::new(),
            waits,
        })
    }

    /// None if old news among it would take access from too many.
    async fn keep_and_apply(
        &self,
        arrivals: &[Arrival],
        ahead: Vec<Option<Line>>,
        now: Timestamp,
    ) -> Step<Option<Taken>> {
        let read = |(arrival, line): (&Arrival, Option<Line>)| line.or_else(|| read(arrival));
        let lines: Vec<Option<Line>> = arrivals.iter().zip(ahead).map(read).collect();
        // What cannot be read is left to be put aside.
        let fates: Vec<Option<Fate>> = lines
            .iter()
            .map(|line| Some(line.as_ref()?.fate()))
            .collect();
        let mut tx = self.store.begin().await?;
        let version = rulebook::ask_version(&mut tx);
        let zones = lists::ask_zones(&mut tx, &self.organisation);
        let inserted = inbox::insert_all(&mut tx, arrivals, &fates, now);
        let asked = Sheet::ask(&mut tx, lines.iter().flatten());
        let mut work = self.work_on(tx, version, now).await?;
        work.zones = lists::zones_ahead(&mut work.tx, zones).await?;
        let fresh = inbox::fresh(&mut work.tx, arrivals, inserted).await?;
        let sheet = Sheet::read(&mut work.tx, asked, now).await?;
        let news = fresh.iter().zip(lines).filter(|(fresh, _)| **fresh);
        let lines: Vec<Option<Line>> = news.map(|(_, line)| line).collect();
        let waits = lines.iter().any(Option::is_none);
        let lines = lines.into_iter().flatten().collect();
        let losers = self.apply_all(&mut work, lines, sheet).await?;
        let late = arrivals
            .iter()
            .filter(|arrival| is_late(arrival.created, now));
        let late: BTreeSet<&str> = late.map(|arrival| arrival.event.as_str()).collect();
        let losers = losers.by(|event| late.contains(event));
        if self.too_many(&mut work, &losers).await?.is_some() {
            return Ok(None);
        }
        Ok(Some(Taken {
            receipts: receipts(&fresh),
            publications: self.finish(work).await?,
            waits,
        }))
    }
}

/// What an event says; none if it cannot be read.
fn read(arrival: &Arrival) -> Option<Line> {
    Line::read(arrival.account, &arrival.body).ok()
}

/// Keeps arrivals in one transaction.
pub async fn keep(store: &Store, arrivals: &[Arrival], now: Timestamp) -> Step<Vec<Receipt>> {
    let mut tx = store.begin().await?;
    let inserted = inbox::insert_all(&mut tx, arrivals, &[], now);
    let fresh = inbox::fresh(&mut tx, arrivals, inserted).await?;
    tx.commit().await?;
    Ok(receipts(&fresh))
}

fn receipts(fresh: &[bool]) -> Vec<Receipt> {
    let receipt = |fresh: &bool| {
        if *fresh {
            Receipt::Kept
        } else {
            Receipt::Duplicate
        }
    };
    fresh.iter().map(receipt).collect()
}

/// A verified event whose sender waits for an answer.
#[derive(Debug)]
pub struct Delivery {
    /// The event.
    pub arrival: Arrival,
    /// What it says, if it was read ahead.
    pub line: Option<Line>,
    /// When it came.
    pub now: Timestamp,
    /// Takes the answer; the sender may have gone away.
    pub answer: oneshot::Sender<Result<Receipt, StoreError>>,
}

/// Hands arrivals to the driver that keeps them.
#[derive(Debug, Clone)]
pub struct Writer {
    deliveries: mpsc::Sender<Delivery>,
}

impl Writer {
    /// A writer, and the end at which its deliveries arrive; so many may wait there.
    #[must_use]
    pub fn new(waiting: usize) -> (Self, mpsc::Receiver<Delivery>) {
        let (deliveries, arriving) = mpsc::channel(waiting);
        (Self { deliveries }, arriving)
    }

    /// Keeps an arrival; returns after the commit.
    pub async fn keep(&self, arrival: Arrival, now: Timestamp) -> Result<Receipt, ReceiveError> {
        let waiting = self.deliveries.max_capacity() - self.deliveries.capacity();
        // What will be applied in the commit that keeps it is read here, where nothing waits for it.
        let line = (waiting < AT_ONCE).then(|| read(&arrival)).flatten();
        let (answer, receipt) = oneshot::channel();
        self.deliveries
            .send(Delivery {
                arrival,
                line,
                now,
                answer,
            })
            .await
            .map_err(|_| ReceiveError::Closed)?;
        Ok(receipt.await.map_err(|_| ReceiveError::Closed)??)
    }
}
