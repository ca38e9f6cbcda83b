//! How much memory the server and the agent take.

use super::agent::Folder;
use super::prepare::{self, Club};
use super::{Figure, ROUNDS, ingest, load, median, pages, tell, timing};
use anyhow::Context as _;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// So many pages are asked for, over so many connections.
const PAGES: usize = 10_000;
const CONNECTIONS: usize = 8;
/// After the last page, so long until the server is looked at: every driver has run once by then.
const SETTLED: Duration = Duration::from_secs(3);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Resident memory (`VmRSS`) of the built `goodstanding` binary at rest, on the database of a club with 5000 members, with
/// the embedded broker, three seconds after it has served 10 000 pages. It has no floor.
pub fn resident() -> anyhow::Result<Figure> {
    let club = ingest::club()?;
    let mut values = Vec::new();
    for round in 1..=ROUNDS {
        values.push(measure(&club)?);
        tell(&format!(
            "server_rss_5000 {round}/{ROUNDS}: {:.2} MB",
            values[round - 1]
        ));
    }
    Ok(Figure {
        value: median(values),
        floor: None,
    })
}

fn measure(club: &Club) -> anyhow::Result<f64> {
    let copy = club.copy()?;
    ingest::runtime()?.block_on(pages::sign_in(copy.path(), timing::now()))?;
    let binary = std::env::current_exe()?.with_file_name("goodstanding");
    let mut command = Command::new(&binary);
    command
        .arg("serve")
        .env("DATA_DIR", copy.path())
        .env("LISTEN", "127.0.0.1:0")
        .env("MQTT_LOOPBACK", "127.0.0.1:0")
        .env("ORGANISATION", prepare::organisation().as_str())
        .env("STRIPE_MODE", "test")
        .env("STRIPE_WEBHOOK_SECRET", prepare::SECRET)
        .env("LOG", "error")
        .stdout(Stdio::piped());
    let child = command
        .spawn()
        .with_context(|| format!("cannot start {}: build it first", binary.display()))?;
    let mut running = Running(child);
    let output = running
        .0
        .stdout
        .take()
        .context("the output was asked for")?;
    let mut lines = BufReader::new(output).lines();
    let line = lines
        .by_ref()
        .find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.starts_with("Listening"))
        })
        .context("the server ended")??;
    let said = line.split_whitespace();
    let address = said.filter_map(|word| {
        let word = word.trim_start_matches("http://");
        word.trim_end_matches([';', '/']).parse().ok()
    });
    let address: SocketAddr = { address }.next().context("no address in what it said")?;
    let page = |number: usize| {
        let member = number % club.members + 1;
        pages::ask("GET", &format!("/admin/members/{member}"), "", "")
    };
    load::send_all(address, CONNECTIONS, (0..PAGES).map(page).collect())?;
    timing::pause(SETTLED);
    resident_of(running.0.id())
}

/// Resident memory (`VmRSS`) of the built `door-agent`, just after it released its lock for a card, with so many cards on
/// its list. It has no floor.
pub fn agent_resident(cards: u32) -> anyhow::Result<Figure> {
    let folder = Folder::make(cards)?;
    let mut values = Vec::new();
    for round in 1..=ROUNDS {
        let (running, _) = folder.start()?;
        values.push(running.resident()?);
        tell(&format!(
            "agent_rss {cards} cards {round}/{ROUNDS}: {:.2} MB",
            values[round - 1]
        ));
    }
    Ok(Figure {
        value: median(values),
        floor: None,
    })
}

/// Resident memory (`VmRSS`) of a process, in megabytes.
///
/// # Errors
/// If there is no such process.
pub fn resident_of(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS: is this Linux?")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
