//! The benches: rows of figures, each against a floor that is measured in the same run, taking turns.
//!
//! A floor does only what nobody can leave out; the ratio of value to floor says what the rest costs, whatever the
//! machine. Every row's function tells what it measures and which function is its floor.

use std::io::{self, Write};

mod agent;
mod asking;
mod card;
mod delta;
mod disk;
mod door;
mod floor;
mod ingest;
mod load;
mod memory;
mod pages;
mod prepare;
mod replay;
mod rules;
mod timing;

/// How often each figure is taken; the middle one counts.
const ROUNDS: usize = 5;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Less of everything, so that each row ends within a minute.
    pub quick: bool,
}

/// A measured row.
#[derive(Debug, Clone, Copy)]
struct Figure {
    value: f64,
    floor: Option<f64>,
}

/// What a row must keep to.
#[derive(Debug, Clone, Copy)]
enum Limit {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    ValueAtMost(f64),
    /// The value, and its ratio to the floor.
    BothAtMost(f64, f64),
    ValueAtLeast(f64),
}

/// A row: name, unit, limit.
struct Row {
    name: &'static str,
    unit: &'static str,
    limit: Limit,
}

const ROWS: [Row; 26] = [
    Row {
        name: "ingest_stored_32",
        unit: "1/s",
        limit: Limit::RatioAtLeast(0.7),
    },
    Row {
        name: "ingest_stored_128",
        unit: "1/s",
        limit: Limit::RatioAtLeast(0.7),
    },
    Row {
        name: "ingest_stored_32_slow",
        unit: "1/s",
        limit: Limit::RatioAtLeast(0.7),
    },
    Row {
        name: "ingest_applied_32",
        unit: "1/s",
        limit: Limit::RatioAtLeast(0.25),
    },
    Row {
        name: "post_to_door_p50",
        unit: "ms",
        limit: Limit::RatioAtMost(3.0),
    },
    Row {
        name: "post_to_door_p99",
        unit: "ms",
        limit: Limit::RatioAtMost(3.0),
    },
    Row {
        name: "delta_bytes",
        unit: "B",
        limit: Limit::ValueAtMost(350.0),
    },
    Row {
        name: "card_to_lock_p99",
        unit: "us",
        limit: Limit::BothAtMost(100.0, 3.0),
    },
    Row {
        name: "card_to_lock_p999",
        unit: "us",
        limit: Limit::ValueAtMost(2000.0),
    },
    Row {
        name: "refusal_blocks",
        unit: "ms",
        limit: Limit::ValueAtMost(1.0),
    },
    Row {
        name: "agent_start_1m",
        unit: "ms",
        limit: Limit::BothAtMost(25.0, 3.0),
    },
    Row {
        name: "agent_rss_1m",
        unit: "MB",
        limit: Limit::ValueAtMost(20.0),
    },
    Row {
        name: "agent_rss_2m",
        unit: "MB",
        limit: Limit::ValueAtMost(34.0),
    },
    Row {
        name: "spool_1m",
        unit: "MB",
        limit: Limit::ValueAtMost(100.0),
    },
    Row {
        name: "idle_writes",
        unit: "KiB",
        limit: Limit::ValueAtMost(4.0),
    },
    Row {
        name: "server_rss_5000",
        unit: "MB",
        limit: Limit::ValueAtMost(40.0),
    },
    Row {
        name: "page_member_p99",
        unit: "ms",
        limit: Limit::BothAtMost(10.0, 10.0),
    },
    Row {
        name: "page_weight",
        unit: "kB",
        limit: Limit::ValueAtMost(60.0),
    },
    Row {
        name: "search_100k",
        unit: "ms",
        limit: Limit::ValueAtMost(20.0),
    },
    Row {
        name: "badge_to_browser",
        unit: "ms",
        limit: Limit::ValueAtMost(50.0),
    },
    Row {
        name: "standing_ns",
        unit: "ns",
        limit: Limit::ValueAtMost(5000.0),
    },
    Row {
        name: "standing_400_ns",
        unit: "ns",
        limit: Limit::RatioAtMost(10.0),
    },
    Row {
        name: "refetch_calls",
        unit: "1/1000",
        limit: Limit::ValueAtMost(150.0),
    },
    Row {
        name: "reconcile_10k",
        unit: "calls",
        limit: Limit::RatioAtMost(1.0),
    },
    Row {
        name: "reconcile_10k_rss",
        unit: "MB",
        limit: Limit::RatioAtMost(1.1),
    },
    Row {
        name: "replay_100k",
        unit: "1/s",
        limit: Limit::ValueAtLeast(10_000.0),
    },
];

/// The names of all rows, in the order in which they are printed.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name)
}

/// Measures the named rows, all without names, and prints each as `name value unit limit ratio`.
///
/// # Errors
/// If a name is no row's, or something that was to be measured did not work; the limits are printed, not judged.
pub fn run(wanted: &[String], effort: Effort) -> anyhow::Result<()> {
    if let Some(unknown) = wanted
        .iter()
        .find(|name| ROWS.iter().all(|row| row.name != **name))
    {
        let names: Vec<&str> = names().collect();
        anyhow::bail!("`{unknown}` is no row; the rows are {}", names.join(", "));
    }
    let (mut doors, mut cards, mut compared) = (None, None, None);
    for row in &ROWS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == row.name) {
            continue;
        }
        let figure = match row.name {
            "ingest_stored_32" => ingest::stored(32, effort)?,
            "ingest_stored_128" => ingest::stored(128, effort)?,
            "ingest_stored_32_slow" => ingest::stored_slowly(effort)?,
            "ingest_applied_32" => ingest::applied(effort)?,
            "post_to_door_p50" => door::figures(&mut doors, effort)?.middle,
            "post_to_door_p99" => door::figures(&mut doors, effort)?.late,
            "delta_bytes" => delta::bytes()?,
            "card_to_lock_p99" => card::to_lock(&mut cards, effort)?.late,
            "card_to_lock_p999" => card::to_lock(&mut cards, effort)?.latest,
            "refusal_blocks" => card::after_refusal(effort)?,
            "agent_start_1m" => card::start()?,
            "agent_rss_1m" => memory::agent_resident(1_000_000)?,
            "agent_rss_2m" => memory::agent_resident(2_000_000)?,
            "spool_1m" => disk::spool(effort)?,
            "idle_writes" => disk::idle()?,
            "server_rss_5000" => memory::resident()?,
            "page_member_p99" => pages::member(effort)?,
            "page_weight" => pages::weight()?,
            "search_100k" => pages::search(effort)?,
            "badge_to_browser" => pages::badge(effort)?,
            "standing_ns" => rules::standing(effort)?,
            "standing_400_ns" => rules::ten_times_the_facts(effort)?,
            "refetch_calls" => asking::refetch()?,
            "reconcile_10k" => asking::reconcile(&mut compared, effort)?.calls,
            "reconcile_10k_rss" => asking::reconcile(&mut compared, effort)?.memory,
            _ => replay::rate(effort)?,
        };
        print(row, figure)?;
    }
    Ok(())
}

fn print(row: &Row, figure: Figure) -> io::Result<()> {
    let ratio = figure.floor.map_or("-".to_owned(), |floor| {
        format!("{:.2}", figure.value / floor)
    });
    let limit = match row.limit {
        Limit::RatioAtLeast(limit) => format!("ratio>={limit}"),
        Limit::RatioAtMost(limit) => format!("ratio<={limit}"),
        Limit::ValueAtMost(limit) => format!("<={limit}"),
        Limit::ValueAtLeast(limit) => format!(">={limit}"),
        Limit::BothAtMost(value, ratio) => format!("<={value},ratio<={ratio}"),
    };
    let value = match row.unit {
        "1/s" | "B" | "ns" | "calls" | "1/1000" => format!("{:.0}", figure.value),
        _ => format!("{:.2}", figure.value),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{} {value} {} {limit} {ratio}", row.name, row.unit)?;
    out.flush()
}

/// A line for whoever watches; the rows alone go to standard output.
fn tell(line: &str) {
    // Nobody may be watching.
    drop(writeln!(io::stderr(), "  {line}"));
}

/// Takes value and floor in turns and returns the middle one of each.
fn in_turns(
    name: &str,
    mut value: impl FnMut() -> anyhow::Result<f64>,
    mut floor: impl FnMut() -> anyhow::Result<f64>,
) -> anyhow::Result<Figure> {
    let (mut values, mut floors) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        floors.push(floor()?);
        values.push(value()?);
        tell(&format!(
            "{name} {round}/{ROUNDS}: value {:.2}, floor {:.2}",
            values[round - 1],
            floors[round - 1]
        ));
    }
    Ok(Figure {
        value: median(values),
        floor: Some(median(floors)),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value that so large a part of all values does not exceed.
fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let index = ((values.len() as f64 * part).ceil() as usize).clamp(1, values.len()) - 1;
    values[index]
}
