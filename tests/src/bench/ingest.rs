//! How many webhooks a second: until they are stored and answered, and until they are applied.

use super::prepare::{self, Club};
use super::{Effort, Figure, floor, in_turns, load, timing};
use anyhow::Context as _;
use server::serve::{self, serve};
use server::store::{Connection, StoreError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::runtime::Runtime;

const MEMBERS: usize = 5000;
const THREADS: usize = 2;

/// Bare server and measured server run on the same number of threads; the load has one of its own.
pub fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?)
}

/// The club that is measured.
pub fn club() -> anyhow::Result<Club> {
    runtime()?.block_on(Club::make(MEMBERS, 2))
}

fn bodies(club: &Club, effort: Effort) -> Vec<Vec<u8>> {
    let mut bodies = club.story.renewals(club.members);
    if effort.quick {
        // From the middle: as many that move on as are paid.
        bodies.drain(..MEMBERS / 2);
        bodies.truncate(MEMBERS);
    }
    bodies
}

/// Signed webhooks a second that are verified, durable and answered, over so many connections, while the server applies
/// what it has stored as it always does. Floor: [`floor::bare`], sent the same events by the same [`load::send_all`].
pub fn stored(connections: usize, effort: Effort) -> anyhow::Result<Figure> {
    let club = club()?;
    let bodies = bodies(&club, effort);
    let name = format!("ingest_stored_{connections}");
    in_turns(
        &name,
        || store_all(&club, &bodies, connections, false),
        || floor_all(&bodies, connections),
    )
}

/// Events a second from the first that is sent until standing, ledger and list changes of all are committed: 5000
/// members renew, 32 connections, webhooks only. Floor: [`floor::bare`], which applies nothing.
pub fn applied(effort: Effort) -> anyhow::Result<Figure> {
    let club = club()?;
    let bodies = bodies(&club, effort);
    in_turns(
        "ingest_applied_32",
        || store_all(&club, &bodies, 32, true),
        || floor_all(&bodies, 32),
    )
}

/// [`stored`] over 32 connections in a process of its own, for which every `fsync` and `fdatasync` takes 5 ms longer:
/// server and floor alike are preloaded with `slow_fsync.c`.
pub fn stored_slowly(effort: Effort) -> anyhow::Result<Figure> {
    if SlowDisk::is_here() {
        return stored(32, effort);
    }
    let directory = prepare::directory()?;
    let library = compile(directory.path())?;
    let mut child = Command::new(std::env::current_exe()?);
    child
        .arg("ingest_stored_32_slow")
        .env("LD_PRELOAD", &library);
    if effort.quick {
        child.arg("--quick");
    }
    let output = child.stderr(std::process::Stdio::inherit()).output()?;
    anyhow::ensure!(
        output.status.success(),
        "the slowed bench ended with {}",
        output.status
    );
    read_row(&String::from_utf8(output.stdout)?)
}

/// What a bench of its own process printed.
///
/// # Errors
/// If that is no row with a floor.
pub fn read_row(row: &str) -> anyhow::Result<Figure> {
    let mut words = row.split_whitespace().skip(1);
    let mut number = |skip: usize| words.nth(skip).and_then(|word| word.parse::<f64>().ok());
    let value = number(0).context("another bench printed no value")?;
    let ratio = number(2).context("another bench printed no ratio")?;
    Ok(Figure {
        value,
        floor: Some(value / ratio),
    })
}

struct SlowDisk;

impl SlowDisk {
    /// Whether this process was started with the library that slows the disk.
    fn is_here() -> bool {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        maps.contains("slow_fsync.so")
    }
}

fn compile(directory: &Path) -> anyhow::Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bench/slow_fsync.c");
    let library = directory.join("slow_fsync.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source);
    let status = compiler
        .status()
        .context("cannot run the C compiler `cc`")?;
    anyhow::ensure!(
        status.success(),
        "cc could not compile {}",
        source.display()
    );
    Ok(library)
}

fn floor_all(bodies: &[Vec<u8>], connections: usize) -> anyhow::Result<f64> {
    let directory = prepare::directory()?;
    let runtime = runtime()?;
    let bare = runtime.block_on(floor::bare(directory.path()))?;
    let seconds = send(bare.http, connections, bodies)?.1;
    runtime.block_on(bare.stop());
    Ok(rate(bodies.len(), seconds))
}

fn store_all(
    club: &Club,
    bodies: &[Vec<u8>],
    connections: usize,
    until_applied: bool,
) -> anyhow::Result<f64> {
    let copy = club.copy()?;
    let runtime = runtime()?;
    let running = runtime.block_on(serve(copy.settings()))?;
    let (start, mut seconds) = send(running.http, connections, bodies)?;
    if until_applied {
        while runtime.block_on(count(
            &running,
            "SELECT COUNT(*) FROM inbox WHERE state = 'pending'",
        ))? > 0
        {
            timing::pause(Duration::from_millis(2));
        }
        seconds = timing::seconds_since(start);
        let applied = runtime.block_on(count(
            &running,
            "SELECT COUNT(*) FROM inbox WHERE state = 'applied'",
        ))?;
        let wanted = i64::try_from(2 * club.members + bodies.len())?;
        anyhow::ensure!(
            applied == wanted,
            "{applied} events were applied, not {wanted}"
        );
    }
    runtime.block_on(running.stop());
    Ok(rate(bodies.len(), seconds))
}

/// Warms up with events that are sent again afterwards, then sends everything.
fn send(
    http: std::net::SocketAddr,
    connections: usize,
    bodies: &[Vec<u8>],
) -> anyhow::Result<(std::time::Instant, f64)> {
    let warm_up: Vec<Vec<u8>> = (0..connections * 8).map(unknown_event).collect();
    load::send_all(http, connections, load::signed(&warm_up))?;
    load::send_all(http, connections, load::signed(bodies))
}

/// An event of a kind that says nothing about access.
fn unknown_event(number: usize) -> Vec<u8> {
    let created = timing::now().as_seconds();
    let event = serde_json::json!({
        "id": format!("evt_warm_up_{number}"), "object": "event", "api_version": null, "created": created,
        "data": {"object": {"object": "balance", "padding": "x".repeat(4000)}}, "livemode": false,
        "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null}, "type": "balance.available",
    });
    event.to_string().into_bytes()
}

/// The one number that a query on the database of a running server asks for.
pub async fn count(running: &serve::Running, sql: &'static str) -> anyhow::Result<i64> {
    let mut tx = running.app.store.begin_read().await?;
    let count: i64 = match &mut tx.connection {
        Connection::Sqlite(transaction) => {
            sqlx::query_scalar(sql).fetch_one(&mut **transaction).await
        }
        Connection::Postgres(transaction) => {
            sqlx::query_scalar(sql).fetch_one(&mut **transaction).await
        }
    }
    .map_err(StoreError::Query)?;
    Ok(count)
}

/// So many events in so many seconds, by the second.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
pub fn rate(events: usize, seconds: f64) -> f64 {
    events as f64 / seconds
}
