//! How often Stripe is asked: after a crowd of events, and when everything is compared.

use super::prepare::{self, SECRET, loopback, organisation};
use super::{Effort, Figure, ingest, load, tell, timing};
use crate::stripe_sim::{Interval, StripeSim, Subscribe, http};
use anyhow::Context as _;
use serde_json::Value;
use server::app::{App, Billing, Mode};
use server::billing::client::{ApiKey, HttpStripe};
use server::billing::read::Head;
use server::billing::receive;
use server::billing::signature::SigningSecret;
use server::serve::{Settings, serve};
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

const PLAN: &str = "membertype_5-every-1-week-5000-usd";
const KEY: &str = "rk_test_sim";
const WEEK: i64 = 7 * 86_400;
/// How often it is looked whether something is over.
const LOOK: Duration = Duration::from_millis(5);
/// The crowd: so many customers, and so many events of each.
const BUSY: usize = 100;
const EVENTS_EACH: usize = 10;
/// So many joins are told at once.
const CHUNK: usize = 500;
/// One of so many subscriptions ends without our hearing of it.
const MISSED_EVERY: usize = 100;

/// A simulated Stripe on a socket.
struct Stripe {
    sim: Arc<Mutex<StripeSim>>,
    address: String,
    /// Serves as long as this lives.
    _runtime: Runtime,
}

impl Stripe {
    fn begin(at: i64) -> anyhow::Result<Self> {
        let mut sim = StripeSim::new("acct_bench", false, at);
        sim.create_plan(PLAN, Some("Wood shop"), 5000, Interval::Week);
        let sim = Arc::new(Mutex::new(sim));
        let runtime = ingest::runtime()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind(loopback()))?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = http::router(sim.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            sim,
            address,
            _runtime: runtime,
        })
    }

    fn sim(&self) -> MutexGuard<'_, StripeSim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a minute pass; what has happened since the last call.
    fn a_minute_later(&self) -> Vec<Value> {
        let mut sim = self.sim();
        let then = sim.now() + 60;
        sim.advance_to(then);
        sim.take_events()
    }

    /// Somebody joins and pays; the subscription.
    fn join(&self, number: usize) -> String {
        let mut sim = self.sim();
        let mail = format!("member{number}@example.org");
        let customer = sim.create_customer(Some(&mail), Some("A Member"), &[]);
        sim.subscribe(&customer, &[(PLAN, 1)], Subscribe::default())
    }
}

/// Calls to Stripe for 1000 events of 100 customers, ten of each in one crowd over 32 connections, from the first delivery
/// until all are confirmed. It has no floor.
pub fn refetch() -> anyhow::Result<Figure> {
    let directory = prepare::directory()?;
    let (runtime, now) = (ingest::runtime()?, timing::now());
    runtime.block_on(async {
        let app = prepare::open(directory.path(), now).await?;
        prepare::furnish(&app, now).await?;
        app.store.close().await;
        anyhow::Ok(())
    })?;
    let end = now.as_seconds();
    let stripe = Stripe::begin(end - WEEK - 7_200)?;
    let running = runtime.block_on(serve(settings(directory.path(), &stripe)?))?;
    let subscriptions: Vec<String> = (0..BUSY).map(|number| stripe.join(number)).collect();
    stripe.sim().advance_to(end - WEEK - 7_000);
    let joined = in_turns(stripe.sim().take_events(), usize::MAX);
    send(running.http, &joined)?;
    wait_for_rest(&runtime, &running)?;

    let mut sim = stripe.sim();
    sim.advance_to(end);
    for on in [true, false].into_iter().cycle().take(EVENTS_EACH) {
        for subscription in &subscriptions {
            sim.cancel_at_period_end(subscription, on);
        }
    }
    let events = in_turns(sim.take_events(), EVENTS_EACH);
    anyhow::ensure!(
        events.len() == BUSY * EVENTS_EACH,
        "there are {} events",
        events.len()
    );
    let before = sim.request_count();
    drop(sim);
    send(running.http, &events)?;
    wait_for_rest(&runtime, &running)?;
    let calls = stripe.sim().request_count() - before;
    runtime.block_on(running.stop());
    Ok(Figure {
        value: count(usize::try_from(calls)?),
        floor: None,
    })
}

/// So many events of every customer at most, in turns: the first of each, then the second, and so on.
fn in_turns(events: Vec<Value>, most: usize) -> Vec<Vec<u8>> {
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut turns: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    for event in events {
        if let Some(customer) = event["data"]["object"]["customer"].as_str() {
            let turn = told.entry(customer.to_owned()).or_default();
            if *turn < most {
                let body = event.to_string().into_bytes();
                turns.entry(*turn).or_default().push(body);
            }
            *turn += 1;
        }
    }
    turns.into_values().flatten().collect()
}

fn send(to: std::net::SocketAddr, bodies: &[Vec<u8>]) -> anyhow::Result<()> {
    load::send_all(to, 32, load::signed(bodies))?;
    Ok(())
}

/// Until nothing waits to be applied or to be confirmed.
fn wait_for_rest(runtime: &Runtime, running: &server::serve::Running) -> anyhow::Result<()> {
    let waiting = "SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'pending') \
                   + (SELECT COUNT(*) FROM customers WHERE wants_fetch IS NOT NULL)";
    while runtime.block_on(ingest::count(running, waiting))? > 0 {
        timing::pause(LOOK);
    }
    Ok(())
}

fn settings(directory: &Path, stripe: &Stripe) -> anyhow::Result<Settings> {
    let client = HttpStripe::new(&stripe.address, &ApiKey::new(KEY)?, None)?;
    let billing = Billing {
        mode: Mode::Test,
        connected: None,
        secrets: vec![SigningSecret::new(SECRET).expect("a secret")],
        stripe: Some(Arc::new(client)),
        pull: false,
    };
    Ok(prepare::settings(directory, billing))
}

/// What comparing everything takes.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// Calls to Stripe; floor: one for a hundred subscriptions, one for the account, two for the catalogue (what is sold,
    /// and what is not any more), one for each difference.
    pub calls: Figure,
    /// The most memory of the process with twice the customers; floor: with those, who fill SQLite's cache already.
    pub memory: Figure,
}

/// `goodstanding reconcile --dry-run` of 10 000 customers, of whom one in a hundred has ended unheard.
pub fn reconcile(known: &mut Option<Compared>, effort: Effort) -> anyhow::Result<Compared> {
    if let Some(known) = known {
        return Ok(*known);
    }
    let customers = if effort.quick { 1_000 } else { 10_000 };
    let (once, twice) = (compare(customers)?, compare(2 * customers)?);
    let allowed = customers.div_ceil(100) + 3 + customers / MISSED_EVERY;
    let compared = Compared {
        calls: Figure {
            value: count(once.calls),
            floor: Some(count(allowed)),
        },
        memory: Figure {
            value: twice.megabytes,
            floor: Some(once.megabytes),
        },
    };
    *known = Some(compared);
    Ok(compared)
}

struct Comparison {
    calls: usize,
    megabytes: f64,
}

fn compare(customers: usize) -> anyhow::Result<Comparison> {
    let directory = prepare::directory()?;
    let (runtime, now) = (ingest::runtime()?, timing::now());
    let stripe = Stripe::begin(now.as_seconds() - 86_400)?;
    let subscriptions = runtime.block_on(told(directory.path(), &stripe, customers, now))?;
    let missed = subscriptions.iter().step_by(MISSED_EVERY);
    missed.for_each(|subscription| stripe.sim().cancel_now(subscription));
    let before = stripe.sim().request_count();
    let (said, megabytes) = run_reconcile(directory.path(), &stripe)?;
    let calls = stripe.sim().request_count() - before;
    let expected = format!(
        "subscriptions {customers}, differences {}",
        customers / MISSED_EVERY
    );
    let last = said.lines().last().unwrap_or_default();
    anyhow::ensure!(last == expected, "it said `{last}`, not `{expected}`");
    tell(&format!(
        "reconciled {customers}: {calls} calls, {megabytes:.2} MB"
    ));
    Ok(Comparison {
        calls: usize::try_from(calls)?,
        megabytes,
    })
}

/// So many join, and the server hears of it; their subscriptions.
async fn told(
    directory: &Path,
    stripe: &Stripe,
    customers: usize,
    now: Timestamp,
) -> anyhow::Result<Vec<String>> {
    let app = prepare::open(directory, now).await?;
    prepare::furnish(&app, now).await?;
    let mut subscriptions = Vec::with_capacity(customers);
    for number in 0..customers {
        subscriptions.push(stripe.join(number));
        if (number + 1) % CHUNK == 0 || number + 1 == customers {
            let events = stripe.a_minute_later();
            apply(&app, &events, now).await?;
        }
    }
    app.store.close().await;
    Ok(subscriptions)
}

async fn apply(app: &App, events: &[Value], now: Timestamp) -> anyhow::Result<()> {
    let kinds = ["customer.subscription.created", "invoice.paid"];
    let wanted = events
        .iter()
        .filter(|event| kinds.iter().any(|kind| event["type"] == **kind));
    let mut arrivals = Vec::new();
    for event in wanted {
        let body = event.to_string().into_bytes();
        let arrival = receive::arrival(app, Head::read(&body)?, &body);
        arrivals.push(arrival.map_err(|receipt| anyhow::anyhow!("not kept: {receipt:?}"))?);
    }
    receive::keep(&app.store, &arrivals, now).await?;
    while app.apply(now).await?.events > 0 {}
    Ok(())
}

/// Ends with its handle.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself unless something failed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What the command said, and the most memory it had.
fn run_reconcile(directory: &Path, stripe: &Stripe) -> anyhow::Result<(String, f64)> {
    let binary = std::env::current_exe()?.with_file_name("goodstanding");
    let said = directory.join("said");
    let child = Command::new(&binary)
        .args(["reconcile", "--dry-run"])
        .env("DATA_DIR", directory)
        .env("ORGANISATION", organisation().as_str())
        .env("STRIPE_SECRET_KEY", KEY)
        .env("STRIPE_API_BASE", &stripe.address)
        .env("LOG", "error")
        .stdout(Stdio::from(std::fs::File::create(&said)?))
        .spawn()
        .with_context(|| format!("cannot start {}: build it first", binary.display()))?;
    let mut running = Running(child);
    let status = format!("/proc/{}/status", running.0.id());
    let mut most = 0.0_f64;
    let ended = loop {
        if let Some(ended) = running.0.try_wait()? {
            break ended;
        }
        let now = std::fs::read_to_string(&status).unwrap_or_default();
        let line = now.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        most = kilobytes.map_or(most, |kilobytes: f64| most.max(kilobytes / 1024.0));
        timing::pause(LOOK);
    };
    anyhow::ensure!(ended.success(), "the comparison ended with {ended}");
    Ok((std::fs::read_to_string(said)?, most))
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn count(number: usize) -> f64 {
    number as f64
}
