//! Stripe's interface over the simulated account, as the server's client sees it.

use crate::stripe_sim::{Headers, StripeSim};
use serde_json::Value;
use server::billing::client::{Hints, Request, STRIPE_VERSION, Stripe, StripeError, judged};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The key that a building's server has unless a story gives it another.
pub const KEY: &str = "rk_test_sim";

/// What lies between the server and Stripe.
#[derive(Debug, Default)]
pub struct Wire {
    /// Events that Stripe's list does not show yet.
    pub hidden: BTreeSet<String>,
    /// Questions are answered out of an account as it was.
    pub stale: Option<Box<StripeSim>>,
    /// Lists answer as if there were nothing.
    pub empty: bool,
    /// After so many more requests no answer comes.
    pub hang_in: Option<u32>,
    /// Whether what is not answered is done all the same.
    pub hangs_late: bool,
    /// How many requests were not answered with what they asked for.
    pub failures: u32,
    /// How many events were listed in all.
    pub events_listed: usize,
}

/// The simulated account under one key.
#[derive(Clone)]
pub struct StripeTwin {
    sim: Arc<Mutex<StripeSim>>,
    wire: Arc<Mutex<Wire>>,
    hung: Arc<Notify>,
    key: String,
}

impl StripeTwin {
    /// The account as the holder of the key sees it.
    #[must_use]
    pub fn new(sim: Arc<Mutex<StripeSim>>, key: &str) -> Self {
        Self {
            sim,
            wire: Arc::default(),
            hung: Arc::new(Notify::new()),
            key: key.to_owned(),
        }
    }

    /// The same wire under another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// The account itself.
    pub fn sim(&self) -> MutexGuard<'_, StripeSim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lies in between.
    pub fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes when a request is left without an answer.
    pub async fn hung(&self) {
        self.hung.notified().await;
    }

    fn hangs(&self) -> bool {
        match &mut self.wire().hang_in {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }

    #[expect(
        clippy::result_large_err,
        reason = "the trait that this serves hands errors out by value"
    )]
    fn answer(&self, request: &Request) -> Result<Value, StripeError> {
        let headers = Headers {
            idempotency_key: request.key.clone(),
            stripe_version: Some(STRIPE_VERSION.to_owned()),
            ..Headers::with_key(&self.key)
        };
        let mut wire = self.wire();
        let mut sim = self.sim();
        let asked = wire.stale.as_deref_mut().unwrap_or(&mut sim);
        let (status, mut body) = asked.request(
            request.method.as_str(),
            &request.path,
            &request.params,
            headers,
        );
        drop((sim, wire));
        self.withhold(&request.path, &mut body);
        let answer = judged(
            &request.path,
            status,
            Hints::default(),
            body.to_string().as_bytes(),
        );
        self.wire().failures += u32::from(answer.is_err());
        answer
    }

    fn withhold(&self, path: &str, body: &mut Value) {
        let mut wire = self.wire();
        let Some(rows) = body.get_mut("data").and_then(Value::as_array_mut) else {
            return;
        };
        if wire.empty {
            rows.clear();
        }
        if path == "/v1/events" {
            let hidden = |event: &Value| {
                let id = event["id"].as_str();
                id.is_some_and(|id| wire.hidden.contains(id))
            };
            rows.retain(|event| !hidden(event));
            let count = rows.len();
            wire.events_listed += count;
        }
    }
}

#[async_trait::async_trait]
impl Stripe for StripeTwin {
    fn livemode(&self) -> Option<bool> {
        Some(self.key.contains("_live_"))
    }

    async fn call(&self, request: Request) -> Result<Value, StripeError> {
        if self.hangs() {
            if self.wire().hangs_late {
                // Nobody hears it.
                drop(self.answer(&request));
            }
            self.hung.notify_one();
            std::future::pending::<()>().await;
        }
        self.answer(&request)
    }
}
