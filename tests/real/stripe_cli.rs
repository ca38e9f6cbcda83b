//! Stripe's own command line runs its triggers against the simulated account; each must make the event of its name.

use crate::kill::life::serve;
use crate::program::command;
use crate::wait;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tests::stripe_sim::{AfterRetries, Headers, StripeSim, http};

/// The key that the command line uses.
pub const KEY: &str = "sk_test_of_the_stripe_cli";
const DAY: i64 = 86_400;
/// When the account begins: 2026-01-15 12:00 UTC.
pub const BEGIN: i64 = 1_768_478_400;

/// Triggers that make the event of their name at once.
pub const AT_ONCE: [&str; 74] = [
    "account.updated",
    "account.application.deauthorized",
    "billing_portal.configuration.created",
    "billing_portal.configuration.updated",
    "billing_portal.session.created",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "coupon.created",
    "coupon.deleted",
    "coupon.updated",
    "credit_note.created",
    "credit_note.updated",
    "credit_note.voided",
    "customer.created",
    "customer.deleted",
    "customer.discount.created",
    "customer.discount.deleted",
    "customer.discount.updated",
    "customer.source.created",
    "customer.source.updated",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.sent",
    "invoice.updated",
    "invoice.voided",
    "invoiceitem.created",
    "invoiceitem.deleted",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "plan.created",
    "plan.deleted",
    "plan.updated",
    "price.created",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "promotion_code.created",
    "promotion_code.updated",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
    "subscription_schedule.created",
    "subscription_schedule.updated",
];

/// Triggers whose name is not the event's, or whose event comes by the clock: the event, and days to wait for it.
pub const OTHERWISE: [(&str, &str, i64); 12] = [
    ("subscription.payment_failed", "invoice.payment_failed", 0),
    (
        "subscription.payment_succeeded",
        "invoice.payment_succeeded",
        0,
    ),
    (
        "checkout.session.async_payment_failed",
        "checkout.session.async_payment_failed",
        5,
    ),
    (
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_succeeded",
        5,
    ),
    // It cancels a schedule that never began; `aborted` is for want of payment.
    (
        "subscription_schedule.aborted",
        "subscription_schedule.canceled",
        0,
    ),
    (
        "subscription_schedule.canceled",
        "subscription_schedule.canceled",
        0,
    ),
    (
        "subscription_schedule.released",
        "subscription_schedule.released",
        0,
    ),
    (
        "subscription_schedule.completed",
        "subscription_schedule.completed",
        0,
    ),
    (
        "test_helpers.test_clock.advancing",
        "test_helpers.test_clock.advancing",
        0,
    ),
    (
        "test_helpers.test_clock.created",
        "test_helpers.test_clock.created",
        0,
    ),
    (
        "test_helpers.test_clock.deleted",
        "test_helpers.test_clock.deleted",
        0,
    ),
    (
        "test_helpers.test_clock.ready",
        "test_helpers.test_clock.ready",
        0,
    ),
];

/// What the account has nothing to do with: no membership hangs on it.
const ELSEWHERE: [&str; 9] = [
    "balance.",
    "cash_balance.",
    "customer_cash_balance_transaction.",
    "identity.",
    "issuing",
    "payment_intent.partially_funded",
    "payment_link.",
    "quote.",
    "reporting.",
];
const MONEY_OUT: [&str; 5] = ["payout.", "tax_rate.", "topup.", "transfer.", "v1."];

/// The command line, and the account that it reaches.
pub struct Cli {
    sim: Arc<Mutex<StripeSim>>,
    /// The account's address.
    pub base: String,
    /// What the account answered with an error: status and path.
    refused: Arc<Mutex<Vec<String>>>,
    home: tempfile::TempDir,
}

impl Cli {
    /// An account in which nothing has happened yet.
    pub fn start() -> Self {
        let mut sim = StripeSim::new("acct_1Cli", false, BEGIN);
        sim.add_key(KEY, "acct_1Cli");
        // The schedules' customers have no card; a subscription that is cancelled for it would end its schedule early.
        sim.set_dunning(&[3, 5, 7], AfterRetries::LeavePastDue);
        let sim = Arc::new(Mutex::new(sim));
        let refused: Arc<Mutex<Vec<String>>> = Arc::default();
        let list = refused.clone();
        let listen = from_fn(move |request: Request, next: Next| {
            let (list, path) = (list.clone(), request.uri().path().to_owned());
            async move {
                let answer = next.run(request).await;
                if answer.status().as_u16() >= 400 {
                    let line = format!("{} {path}", answer.status().as_u16());
                    list.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(line);
                }
                answer
            }
        });
        let base = serve(http::router(sim.clone()).layer(listen));
        Self {
            sim,
            base,
            refused,
            home: wait::scratch(),
        }
    }

    /// The account itself.
    pub fn sim(&self) -> MutexGuard<'_, StripeSim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the account has answered with an error since the last call: status and path.
    pub fn take_refused(&self) -> Vec<String> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut refused)
    }

    /// Runs it.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let program = wait::folder("GS_STRIPE_CLI").join("stripe");
        let home: &Path = self.home.path();
        let mut command = command(program);
        command
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home)
            .env("STRIPE_CLI_TELEMETRY_OPTOUT", "1")
            // It would look for newer versions of itself elsewhere; loopback is never reached through a proxy.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .args(arguments);
        command.output().expect("the Stripe CLI runs")
    }

    /// Runs a trigger; the types of the events that it made.
    fn trigger(&self, name: &str, days: i64) -> Vec<String> {
        self.sim().take_event_records();
        self.sim().take_connect_events();
        self.ask(&["trigger", name]);
        self.events(days)
    }

    /// Runs it with the account's address and key; it must succeed.
    pub fn ask(&self, words: &[&str]) {
        let account = ["--api-base", &self.base, "--api-key", KEY];
        let output = self.run(&[words, &account].concat());
        assert!(
            output.status.success(),
            "{words:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn events(&self, days: i64) -> Vec<String> {
        let mut sim = self.sim();
        let later = sim.now() + days * DAY;
        sim.advance_to(later);
        let mut events = sim.take_event_records();
        events.extend(sim.take_connect_events());
        events.into_iter().map(|event| event.kind).collect()
    }
}

#[test]
fn every_trigger_makes_the_event_of_its_name() {
    let cli = Cli::start();
    let wanted = AT_ONCE.iter().map(|name| (*name, *name, 0));
    let mut silent = Vec::new();
    for (name, event, days) in wanted.chain(OTHERWISE) {
        let made = cli.trigger(name, days);
        if !made.iter().any(|kind| kind == event) {
            silent.push(format!("{name} made only {made:?}"));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn a_schedule_is_told_to_expire_seven_days_before_its_end() {
    let cli = Cli::start();
    // The trigger stops its clock nine days before the end of the phase.
    let made = cli.trigger("subscription_schedule.expiring", 0);
    let expiring = |made: &[String]| {
        made.iter()
            .any(|kind| kind == "subscription_schedule.expiring")
    };
    assert!(!expiring(&made));
    let headers = || Headers::with_key(KEY);
    let clocks = cli
        .sim()
        .request("GET", "/v1/test_helpers/test_clocks", &[], headers());
    let clock = clocks.1["data"][0]["id"]
        .as_str()
        .expect("the trigger's clock")
        .to_owned();
    let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
    let later = [(
        "frozen_time".to_owned(),
        (1_580_256_000 - 7 * DAY).to_string(),
    )];
    let answer = cli.sim().request("POST", &path, &later, headers());
    assert_eq!(answer.0, 200, "{}", answer.1);
    assert!(expiring(&cli.events(0)));
}

#[test]
fn no_trigger_of_the_cli_is_forgotten() {
    let cli = Cli::start();
    let help = cli.run(&["trigger", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let offered: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Supported events:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect();
    assert!(offered.len() > 100, "{help}");
    let forgotten: Vec<&&str> = offered
        .iter()
        .filter(|name| {
            let served = AT_ONCE.contains(name) || OTHERWISE.iter().any(|(own, ..)| own == *name);
            let elsewhere = ELSEWHERE.iter().chain(&MONEY_OUT);
            !served
                && **name != "subscription_schedule.expiring"
                && !elsewhere.into_iter().any(|prefix| name.starts_with(prefix))
        })
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
