//! Stripe: a simulated account on the real clock, its interface on a socket, its events signed by Stripe's own library.

use crate::http::RUNTIME;
use crate::program::{Answering, python};
use crate::server::SECRET;
use crate::wait;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tests::stripe_sim::{Interval, StripeSim, http};

/// The daily plan of type 5.
pub const WOOD: &str = "membertype_5-every-1-day-500-usd";
/// The daily plan of type 7.
pub const METAL: &str = "membertype_7-every-1-day-800-usd";
/// A key that reads the account.
pub const KEY: &str = "rk_test_sim";
/// The period of the plans.
pub const DAY: i64 = 86_400;

/// Signs as Stripe does.
pub struct Signer(Answering);

impl Signer {
    /// Starts the program that has Stripe's library.
    pub fn start(folder: &Path) -> Self {
        Self(Answering::start("signer", folder, &mut python("sign.py")))
    }

    /// The header of a body; `at` in Unix seconds.
    pub fn sign(&mut self, body: &str, secret: &str, at: Option<i64>) -> String {
        self.0
            .ask(&json!({"body": body, "secret": secret, "at": at}).to_string())
    }
}

/// The account, and what signs its events.
pub struct Stripe {
    sim: Arc<Mutex<StripeSim>>,
    signer: Signer,
}

/// An event on its way: header and body.
pub struct Letter {
    /// `Stripe-Signature`
    pub header: String,
    /// The raw body.
    pub body: String,
}

impl Stripe {
    /// An account in which nothing has happened yet.
    pub fn start(folder: &Path) -> Self {
        let stripe = Self {
            sim: Arc::new(Mutex::new(StripeSim::new("acct_club", false, 0))),
            signer: Signer::start(folder),
        };
        stripe.begin(wait::now().as_seconds());
        stripe
    }

    /// The account begins anew at a moment, Unix seconds, with the plans and without customers.
    pub fn begin(&self, at: i64) {
        let mut sim = self.sim();
        *sim = StripeSim::new("acct_club", false, at);
        sim.create_plan(WOOD, Some("Wood shop"), 500, Interval::Day);
        sim.create_plan(METAL, Some("Metal shop"), 800, Interval::Day);
    }

    /// The account's interface on a socket; the address.
    pub fn serve(&self) -> String {
        let router = http::router(self.sim.clone());
        let bound = RUNTIME.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = bound.expect("a port of this machine");
        let address = listener.local_addr().expect("it listens");
        RUNTIME.spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// The account itself.
    pub fn sim(&self) -> MutexGuard<'_, StripeSim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the account's clock come up to now, and signs what has happened since the last call.
    pub fn letters(&mut self) -> Vec<Letter> {
        let now = wait::now().as_seconds();
        let mut sim = self.sim();
        if sim.now() < now {
            sim.advance_to(now);
        }
        let events = sim.take_events();
        drop(sim);
        events
            .iter()
            .map(|event| self.letter(&event.to_string()))
            .collect()
    }

    /// A body signed now.
    pub fn letter(&mut self, body: &str) -> Letter {
        Letter {
            header: self.signer.sign(body, SECRET, None),
            body: body.to_owned(),
        }
    }
}
