//! A Stripe account that lives in memory and moves by a hand-held clock.
//!
//! One truth (`model`), changed by billing rules (`billing`, `subscriptions`), by the dashboard and the world (`world`) and by
//! the REST interface (`api`); shown in any API shape (`objects`, `render`); told as events (`events`). No real time, no
//! randomness, no input or output: `http` alone serves it on a socket. Each rule names the page it rests on.
//!
//! Not verified against Stripe itself, only plausible:
//! - the order of events within one second; the created event of a subscription showing the state after its first payment;
//! - a negative invoice total booked to the balance as `applied_to_invoice`;
//! - `incomplete_expired` announced by `customer.subscription.updated`;
//! - prorations at list price rounded half away from zero (flexible billing credits what was really billed);
//! - `cancel_at` inside a later period neither shortens that period nor prorates it;
//! - paused collection acts when the draft would be finalized;
//! - pending prorations are dropped at an immediate cancellation;
//! - after a void of the latest invoice a past-due subscription follows the invoice before it;
//! - a resumed subscription begins a new cycle at once, its invoice a draft for an hour;
//! - an overdue sent invoice leaves the subscription past due for good;
//! - no top-level `plan` in the newer shapes, as their schema says (answers in the wild may still carry it);
//! - the portal's cancellation in old shapes shows `cancel_at_period_end`.

mod api;
mod billing;
pub mod calendar;
mod catalogue;
pub mod deliver;
mod dunning;
mod events;
pub mod http;
mod items;
mod model;
mod objects;
mod params;
mod reads;
mod refunds;
pub mod render;
mod subscriptions;
mod table;
mod world;
mod write_catalogue;
mod writes;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

pub use api::Headers;
pub use calendar::Interval;
pub use events::Event;
pub use model::{Card, CollectionMethod, PauseBehavior, Status};
pub use render::Shape;
pub use subscriptions::{ItemChange, PaymentBehavior, Proration};
pub use world::Subscribe;

use model::{
    BalanceTransaction, Charge, Customer, Dispute, Invoice, PendingItem, Price, Product, Refund,
    Subscription,
};
use table::Table;

/// What becomes of a subscription when the last retry has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRetries {
    /// It is cancelled, with the reason `payment_failed`.
    Cancel,
    /// It becomes `unpaid`.
    MarkUnpaid,
    /// It stays `past_due`.
    LeavePastDue,
}

/// One Stripe account in one mode.
#[derive(Clone, Debug)]
pub struct StripeSim {
    pub(crate) account: String,
    pub(crate) livemode: bool,
    pub(crate) now: i64,
    pub(crate) shape: Shape,
    pub(crate) retry_days: Vec<i64>,
    pub(crate) after_retries: AfterRetries,
    pub(crate) products: Table<Product>,
    pub(crate) prices: Table<Price>,
    pub(crate) customers: Table<Customer>,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) invoices: Table<Invoice>,
    pub(crate) charges: Table<Charge>,
    pub(crate) refunds: Table<Refund>,
    pub(crate) disputes: Table<Dispute>,
    pub(crate) balance_transactions: Table<BalanceTransaction>,
    pub(crate) pending: Vec<PendingItem>,
    pub(crate) timers: BTreeSet<(i64, u64, String)>,
    pub(crate) events: Vec<Event>,
    pub(crate) taken: usize,
    pub(crate) counter: u64,
    pub(crate) current_request: Option<(String, Option<String>)>,
    pub(crate) being_created: Option<String>,
    pub(crate) keys: BTreeMap<String, String>,
    pub(crate) forbidden: BTreeSet<(String, String)>,
    pub(crate) others: BTreeMap<String, StripeSim>,
    pub(crate) failures: Vec<(u16, u32)>,
    pub(crate) outage: bool,
    pub(crate) answered: HashMap<String, (String, u16, Value)>,
    pub(crate) requests: u64,
}

impl StripeSim {
    /// An empty account; `now` is Unix seconds.
    pub fn new(account: &str, livemode: bool, now: i64) -> Self {
        let mode = if livemode { "live" } else { "test" };
        let keys = ["sk", "rk"]
            .into_iter()
            .map(|kind| (format!("{kind}_{mode}_sim"), account.to_owned()))
            .collect();
        Self {
            account: account.to_owned(),
            livemode,
            now,
            shape: Shape::default(),
            retry_days: vec![3, 5, 7, 11],
            after_retries: AfterRetries::Cancel,
            products: Table::default(),
            prices: Table::default(),
            customers: Table::default(),
            subscriptions: Table::default(),
            invoices: Table::default(),
            charges: Table::default(),
            refunds: Table::default(),
            disputes: Table::default(),
            balance_transactions: Table::default(),
            pending: Vec::new(),
            timers: BTreeSet::new(),
            events: Vec::new(),
            taken: 0,
            counter: 0,
            current_request: None,
            being_created: None,
            keys,
            forbidden: BTreeSet::new(),
            others: BTreeMap::new(),
            failures: Vec::new(),
            outage: false,
            answered: HashMap::new(),
            requests: 0,
        }
    }

    /// The account's clock, Unix seconds.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The account's id.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Whether this is the account's live mode.
    pub fn livemode(&self) -> bool {
        self.livemode
    }

    /// How many requests have reached the REST interface.
    pub fn request_count(&self) -> u64 {
        self.requests
    }

    /// Moves the clock and does everything that falls due on the way, in the order of time.
    pub fn advance_to(&mut self, now: i64) {
        while let Some((due, _, id)) = self.timers.first().cloned() {
            if due > now {
                break;
            }
            self.timers.pop_first();
            self.now = self.now.max(due);
            if self.subscriptions.get(&id).is_some() {
                self.run_subscription(&id);
            } else {
                self.run_invoice(&id);
            }
        }
        self.now = self.now.max(now);
        for other in self.others.values_mut() {
            other.advance_to(now);
        }
    }

    /// When something falls due next, Unix seconds; it may turn out that nothing has to be done.
    pub fn next_due(&self) -> Option<i64> {
        self.timers.first().map(|(due, _, _)| *due)
    }

    /// The API version of the account: of its events, and of answers to requests that name none.
    pub fn set_shape(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// The dunning setting: days after the first failure on which Stripe tries again, and what comes after the last.
    pub fn set_dunning(&mut self, retry_days: &[i64], after: AfterRetries) {
        self.retry_days = retry_days.to_vec();
        self.after_retries = after;
    }

    pub(crate) fn wake(&mut self, at: i64, id: &str) {
        self.counter += 1;
        self.timers
            .insert((at.max(self.now), self.counter, id.to_owned()));
    }

    /// An id that looks random and is the same in every run.
    pub(crate) fn next_id(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{}", scramble(self.counter, &self.account))
    }

    pub(crate) fn invoice_prefix(&self, customer: &str) -> String {
        let tail = customer.trim_start_matches("cus_");
        tail.get(..8).unwrap_or(tail).to_ascii_uppercase()
    }

    pub(crate) fn payment_method_of(&self, customer: &Customer) -> Option<String> {
        match customer.card {
            Card::None => None,
            Card::Works | Card::Declines => Some(customer.id.replacen("cus_", "pm_", 1)),
        }
    }
}

fn scramble(counter: u64, salt: &str) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = salt.bytes().fold(
        counter.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        |state, byte| state.rotate_left(7) ^ u64::from(byte),
    );
    (0..18)
        .map(|round: u64| {
            state = (state ^ (state >> 31))
                .wrapping_mul(0xD6E8_FEB8_6659_FD93)
                .wrapping_add(counter + round);
            let index = usize::try_from((state >> 33) % 62).unwrap_or(0);
            ALPHABET.get(index).map_or('0', |byte| char::from(*byte))
        })
        .collect()
}
