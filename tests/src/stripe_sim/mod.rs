//! A Stripe account that lives in memory and moves by a hand-held clock.
//!
//! One truth (`model`), changed by billing rules (`billing`, `subscriptions`), by the dashboard and the world (`world`) and by
//! the REST interface (`api`); shown in any API shape (`objects`, `render`); told as events (`events`). No real time, no
//! randomness, no input or output: `http` alone serves it on a socket. Each rule names the page it rests on.
//!
//! Held against Stripe by `tests/real/stripe_cli.rs` (the triggers of Stripe's command line) and `tests/real/stripe_honest.rs`
//! (Stripe's library reads every resource; every object fits Stripe's schema of 2026-05-27.dahlia).
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
//! - a resumed subscription begins a new cycle at once, its invoice a draft for an hour (Stripe finalizes a resumption invoice at once);
//! - an overdue sent invoice leaves the subscription past due for good;
//! - no top-level `plan` in the newer shapes, as their schema says (answers in the wild may still carry it);
//! - the portal's cancellation in old shapes shows `cancel_at_period_end`;
//! - a subscription paused for a failed payment is resumed by that payment;
//! - a discount falls on prorations too, is rounded half up, and its share of a line is rounded down;
//! - a coupon for one invoice leaves the subscription when that invoice is finalized, told by `customer.discount.deleted`;
//! - a subscription begun by a schedule is active at once, its first invoice a draft for an hour;
//! - a schedule that ran to its end is `completed`, also if it releases the subscription (the Stripe CLI's trigger says so);
//! - `subscription_schedule.aborted` only if the subscription was cancelled for want of payment, else `canceled`;
//! - a bank debit is answered after exactly four days, a refund that waits or fails after one;
//! - a charge under inquiry is shown as disputed; closing an inquiry makes it `warning_closed`;
//! - a pending change of interval does not move the cycle;
//! - a customer's coupon is told by `customer.discount.updated` when another takes its place;
//! - an invoice that cannot be finalized stays a draft, is told of once, and goes on when the address is mended;
//! - events of a test clock's customers carry the account's time, not the clock's;
//! - thin events have the snapshot's type behind `v1.`; those of finer grain, such as
//!   `v1.customer.subscription.item_price_changed`, are not made.

mod api;
mod begin;
mod billing;
pub mod calendar;
mod catalogue;
mod checkout;
mod clocks;
mod connect;
mod coupons;
mod credit_notes;
pub mod deliver;
mod disputes;
mod dunning;
mod events;
pub mod http;
mod intents;
mod items;
mod lists;
mod methods;
pub(crate) mod model;
mod money;
mod objects;
mod objects_money;
mod objects_terms;
mod params;
mod pending_updates;
mod preview;
mod reads;
mod refunds;
pub mod render;
mod render_invoice;
mod schedules;
mod subscriptions;
mod table;
mod terms;
mod thin;
mod world;
mod write_catalogue;
mod write_checkout;
mod write_coupons;
mod write_customers;
mod write_invoices;
mod write_payments;
mod write_schedules;
mod write_subscriptions;
mod writes;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use api::Answered;
pub use api::Headers;
pub use calendar::Interval;
pub use checkout::Checkout;
pub use events::Event;
pub use model::{Card, CollectionMethod, MissingMethod, PauseBehavior, Status};
pub use money::MethodKind;
pub use render::Shape;
pub use subscriptions::{ItemChange, PaymentBehavior, Proration};
pub use terms::{Duration, Off};
pub use world::Subscribe;

use clocks::Clock;
use model::{
    BalanceTransaction, Customer, Invoice, Metadata, PendingItem, Price, Product, Subscription,
};
use money::{Charge, CreditNote, Dispute, Intent, Method, Refund};
use table::Table;
use terms::{Coupon, Discount, Plain, PromotionCode, Schedule, Session};

/// What becomes of a subscription when the last retry has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRetries {
    /// It is cancelled, with the reason `payment_failed`.
    Cancel,
    /// It becomes `unpaid`.
    MarkUnpaid,
    /// It is paused (docs.stripe.com/billing/revenue-recovery/smart-retries/pause-on-payment-failure).
    Pause,
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
    pub(crate) credit_notes: Table<CreditNote>,
    pub(crate) methods: Table<Method>,
    pub(crate) intents: Table<Intent>,
    pub(crate) setup_intents: Table<Plain>,
    pub(crate) configurations: Table<Plain>,
    pub(crate) coupons: Table<Coupon>,
    pub(crate) promotion_codes: Table<PromotionCode>,
    pub(crate) discounts: Table<Discount>,
    pub(crate) schedules: Table<Schedule>,
    pub(crate) sessions: Table<Session>,
    pub(crate) clocks: BTreeMap<String, Clock>,
    /// The account's own time while a test clock's rules.
    pub(crate) wall_time: Option<i64>,
    pub(crate) pauses_at_first_failure: bool,
    /// Customers whose invoices cannot be finalized.
    pub(crate) unplaceable: BTreeSet<String>,
    pub(crate) account_metadata: Metadata,
    pub(crate) connected: BTreeSet<String>,
    /// Whether this is an account connected to a platform, so that its events name it.
    pub(crate) platform: bool,
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
    pub(crate) answered: HashMap<String, Answered>,
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
            credit_notes: Table::default(),
            methods: Table::default(),
            intents: Table::default(),
            setup_intents: Table::default(),
            configurations: Table::default(),
            coupons: Table::default(),
            promotion_codes: Table::default(),
            discounts: Table::default(),
            schedules: Table::default(),
            sessions: Table::default(),
            clocks: BTreeMap::new(),
            wall_time: None,
            pauses_at_first_failure: false,
            unplaceable: BTreeSet::new(),
            account_metadata: Metadata::new(),
            connected: BTreeSet::new(),
            platform: false,
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
        self.run_until(now);
        for other in self.others.values_mut() {
            other.advance_to(now);
        }
    }

    fn run_until(&mut self, now: i64) {
        while let Some((due, _, id)) = self.timers.first().cloned() {
            if due > now {
                break;
            }
            self.timers.pop_first();
            self.now = self.now.max(due);
            self.run(&id);
        }
        self.now = self.now.max(now);
    }

    /// Whatever is due for an object now.
    fn run(&mut self, id: &str) {
        if self.subscriptions.get(id).is_some() {
            self.run_subscription(id);
        } else if self.schedules.get(id).is_some() {
            self.run_schedule(id);
        } else if self.intents.get(id).is_some() {
            self.settle_intent(id);
        } else if self.refunds.get(id).is_some() {
            self.settle_refund(id);
        } else if self.sessions.get(id).is_some() {
            self.run_session(id);
        } else {
            self.run_invoice(id);
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

    /// The setting that pauses a subscription as soon as a renewal fails; then it is never past due
    /// (docs.stripe.com/billing/revenue-recovery/smart-retries/pause-on-payment-failure).
    pub fn set_pause_at_first_failure(&mut self, on: bool) {
        self.pauses_at_first_failure = on;
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
