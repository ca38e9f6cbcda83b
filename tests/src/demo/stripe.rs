//! The demo's Stripe: the simulation on the demo's clock, its API on loopback, its events delivered by webhook.

use super::time::DemoClock;
use crate::stripe_sim::http::router;
use crate::stripe_sim::render::Shape;
use crate::stripe_sim::{StripeSim, deliver};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A Stripe that runs.
#[derive(Clone)]
pub struct Stripe {
    sim: Arc<Mutex<StripeSim>>,
    clock: DemoClock,
}

/// The key under which the simulated account is read.
pub const KEY: &str = "rk_test_sim";
const DAY: i64 = 86_400;

impl Stripe {
    /// Starts an account whose history begins some days ago.
    #[must_use]
    pub fn start(clock: DemoClock, days_ago: i64) -> Self {
        let begin = clock.now().as_seconds() - days_ago * DAY;
        Self {
            sim: Arc::new(Mutex::new(StripeSim::new("acct_demo", false, begin))),
            clock,
        }
    }

    /// The account, at the demo's time.
    pub fn now(&self) -> MutexGuard<'_, StripeSim> {
        let mut sim = self.lock();
        sim.advance_to(self.clock.now().as_seconds());
        sim
    }

    /// The account, some days ago: its history can only be written forward.
    pub fn days_ago(&self, days: i64) -> MutexGuard<'_, StripeSim> {
        let mut sim = self.lock();
        sim.advance_to(self.clock.now().as_seconds() - days * DAY);
        sim
    }

    fn lock(&self) -> MutexGuard<'_, StripeSim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the API on loopback.
    pub async fn serve(&self) -> anyhow::Result<SocketAddr> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = router(self.sim.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }

    /// Delivers events as they are made, signed, to the server's webhook.
    pub async fn deliver(self, webhook: String, secret: String) {
        let mut timer = tokio::time::interval(Duration::from_millis(50));
        loop {
            timer.tick().await;
            self.deliver_waiting(&webhook, &secret).await;
        }
    }

    /// Delivers what has happened so far, in order.
    pub async fn deliver_waiting(&self, webhook: &str, secret: &str) {
        let http = reqwest::Client::new();
        let events = self.now().take_event_records();
        for event in events {
            let body = event.body(Shape::Endive, false).to_string();
            let header = deliver::sign(secret, self.clock.now().as_seconds(), body.as_bytes());
            let sent = http
                .post(webhook)
                .header("Stripe-Signature", header)
                .body(body)
                .send()
                .await;
            if let Err(error) = sent.and_then(reqwest::Response::error_for_status) {
                tracing::warn!(%error, "an event was not delivered; the pull will bring it");
            }
        }
    }
}
