//! Deliveries, and the backlog of what was kept but not applied: both write, and whoever waits for an answer goes first.

use super::Bells;
use crate::app::App;
use crate::billing::apply::MOST;
use crate::billing::receive::Delivery;
use crate::store::StoreError;
use shared::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A commit carries so many deliveries at most.
pub(super) const GROUP: usize = 256;
/// After so many deliveries a batch of the backlog is applied, however many more wait.
const TURN: usize = 4096;
/// The first batch of the backlog after a delivery: its sender may be back with the next one. Each further batch is
/// twice as large.
const FIRST: usize = 16;

/// Keeps deliveries as they come, and applies the backlog while none waits; looks once a second in case another server
/// left one.
pub async fn take(app: Arc<App>, bells: Bells, mut deliveries: mpsc::Receiver<Delivery>) {
    let mut timer = tokio::time::interval(Duration::from_secs(1));
    let mut group = Vec::with_capacity(GROUP);
    // A crash may have left a backlog.
    let mut behind = true;
    let (mut batch, mut passed) = (FIRST, 0);
    loop {
        if behind && (deliveries.is_empty() || passed >= TURN) {
            behind = apply(&app, &bells, batch).await;
            batch = (2 * batch).min(MOST);
            passed = 0;
        }
        tokio::select! {
            biased;
            count = deliveries.recv_many(&mut group, GROUP) => {
                if count == 0 {
                    return;
                }
                passed += count;
                batch = FIRST;
                behind |= keep(&app, &bells, std::mem::take(&mut group), behind).await;
            }
            () = std::future::ready(()), if behind => {}
            () = bells.kept.notified() => behind = true,
            _ = timer.tick() => behind = true,
        }
    }
}

/// Keeps deliveries and answers their senders; true if something now waits to be applied.
async fn keep(app: &App, bells: &Bells, group: Vec<Delivery>, behind: bool) -> bool {
    let (mut arrivals, mut ahead, mut senders) = (Vec::new(), Vec::new(), Vec::new());
    let mut now = Timestamp::MIN;
    for delivery in group {
        arrivals.push(delivery.arrival);
        ahead.push(delivery.line);
        senders.push(delivery.answer);
        now = now.max(delivery.now);
    }
    match app.take(&arrivals, ahead, behind, now).await {
        Ok(taken) => {
            bells.publish(taken.publications);
            bells.fetch.notify_one();
            for (sender, receipt) in senders.into_iter().zip(taken.receipts) {
                drop(sender.send(Ok(receipt)));
            }
            taken.waits
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                events = senders.len(),
                "events were not stored"
            );
            for sender in senders {
                drop(sender.send(Err(StoreError::Query(sqlx::Error::WorkerCrashed))));
            }
            false
        }
    }
}

/// Applies a batch of the backlog; true if there may be more.
async fn apply(app: &App, bells: &Bells, batch: usize) -> bool {
    match app.apply_some(batch, (bells.clock)()).await {
        Ok(applied) => {
            bells.publish(applied.publications);
            if applied.events > 0 {
                bells.fetch.notify_one();
            }
            applied.events == batch
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "events could not be applied; they are tried again"
            );
            false
        }
    }
}
