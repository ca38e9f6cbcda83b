//! How long a card waits for its lock, and the next card for one that was refused.

use super::agent::{Did, Folder, LAPSED, line, uid};
use super::{Effort, Figure, ROUNDS, median, percentile, prepare, tell, timing};
use crate::cores::{cores, stay_on};
use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use shared::card::{CardKey, CardToken, CardUid};
use std::collections::HashMap;
use std::fs::File;
use std::io::{PipeReader, Read as _, Write, pipe};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

const CARDS: u32 = 1_000_000;
const BUSY: usize = 4;
/// So long after a card the next is shown.
const BETWEEN: Duration = Duration::from_millis(2);
/// Cards that nobody knows, shown to one agent: with more it would take them for somebody's guesses.
const UNKNOWN: u32 = 4;
/// What is put before a command so that it, and all that it starts, goes before other programs.
const FIRST: [&str; 3] = ["chrt", "--fifo", "10"];
/// The same, so that it may hold its memory.
const HOLDING: [&str; 2] = ["prlimit", "--memlock=unlimited"];

/// Both figures of one measurement.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// 99 of 100 cards wait no longer, in microseconds.
    pub late: Figure,
    /// 999 of 1000.
    pub latest: Figure,
}

/// Microseconds from the last byte of what a reader says of a card to the line by which the lock is released: the built
/// `door-agent` with a million cards on its list and its state on a real disk, out of contact, a card every two
/// milliseconds, beside four processes that never rest. All of them share one core, as on the smallest Pi: to wake
/// somebody on another one takes a virtual machine longer than a decision. Where the system allows it, agent, floor and
/// whoever measures have `SCHED_FIFO` and the agent's memory is held. Floor: [`bare_loop`] on a thread, shown the same
/// cards beside the same processes.
pub fn to_lock(known: &mut Option<Figures>, effort: Effort) -> anyhow::Result<Figures> {
    if let Some(known) = *known {
        return Ok(known);
    }
    let figures = if comes_first()? {
        beside_busy_ones(effort)?
    } else if is_granted(&FIRST) {
        first_of_all(effort)?
    } else {
        tell(
            "card_to_lock: the system grants no SCHED_FIFO, so figures are those of a normal program",
        );
        beside_busy_ones(effort)?
    };
    *known = Some(figures);
    Ok(figures)
}

/// Whether this process has `SCHED_FIFO`: field 41 of `stat` (proc(5)), of which two are before the program's name.
fn comes_first() -> anyhow::Result<bool> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields);
    Ok(fields.and_then(|fields| fields.split_whitespace().nth(38)) == Some("1"))
}

fn is_granted(wish: &[&str]) -> bool {
    let mut command = Command::new("env");
    command.args(wish).arg("true").stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The same in a process of its own, which has the place that this one asks for.
fn first_of_all(effort: Effort) -> anyhow::Result<Figures> {
    let mut command = Command::new("env");
    if is_granted(&HOLDING) {
        command.args(HOLDING);
    } else {
        tell("card_to_lock: the system holds no memory for this");
    }
    command.args(FIRST).arg(std::env::current_exe()?);
    if effort.quick {
        command.arg("--quick");
    }
    command.args(["card_to_lock_p99", "card_to_lock_p999"]);
    let output = command.stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(
        output.status.success(),
        "the bench that comes first ended with {}",
        output.status
    );
    let text = String::from_utf8(output.stdout)?;
    let mut rows = text.lines().map(super::ingest::read_row);
    let mut row = || rows.next().context("a row is missing")?;
    Ok(Figures {
        late: row()?,
        latest: row()?,
    })
}

fn beside_busy_ones(effort: Effort) -> anyhow::Result<Figures> {
    let taps = if effort.quick { 2000 } else { 10_000 };
    // So do all threads and processes that are started from here on.
    stay_on(cores().into_iter().next().flatten());
    let folder = Folder::make(CARDS)?;
    let list: HashMap<CardToken, bool> = (0..CARDS)
        .map(|place| (CardToken::of(&uid(place), &folder.key), true))
        .collect();
    let _busy = Busy::start()?;
    let mut taken = [const { Vec::new() }; 4];
    for round in 1..=ROUNDS {
        let mut bare = bare(&folder.key, &list, taps)?;
        let mut real = real(&folder, taps)?;
        let row = [
            percentile(&mut real, 0.99),
            percentile(&mut bare, 0.99),
            percentile(&mut real, 0.999),
            percentile(&mut bare, 0.999),
        ];
        let [middle, middle_bare] = [percentile(&mut real, 0.5), percentile(&mut bare, 0.5)];
        tell(&format!(
            "card_to_lock {round}/{ROUNDS}: p50 {middle:.0} floor {middle_bare:.0}, p99 {:.0} floor {:.0}, p999 {:.0} floor {:.0}",
            row[0], row[1], row[2], row[3]
        ));
        taken
            .iter_mut()
            .zip(row)
            .for_each(|(list, value)| list.push(value));
    }
    let [late, late_floor, latest, latest_floor] = taken.map(median);
    let figure = |value, floor| Figure {
        value,
        floor: Some(floor),
    };
    Ok(Figures {
        late: figure(late, late_floor),
        latest: figure(latest, latest_floor),
    })
}

/// Processes that never rest, as long as they last.
struct Busy(Vec<Child>);

impl Busy {
    fn start() -> anyhow::Result<Self> {
        // It ends by itself when whoever started it is gone.
        let hog = || {
            Command::new("chrt")
                .args(["--other", "0", "sh", "-c"])
                .arg("while kill -0 $PPID; do :; done")
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        let mut busy = Self(Vec::new());
        for _ in 0..BUSY {
            busy.0.push(hog().context("cannot start `chrt`")?);
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            drop(hog.kill());
            drop(hog.wait());
        }
    }
}

fn real(folder: &Folder, taps: u32) -> anyhow::Result<Vec<f64>> {
    let (mut running, _) = folder.start()?;
    let opening = folder.cards() - LAPSED;
    show(taps, opening, |line| {
        let begun = timing::instant();
        running.say(line)?;
        Ok(running.until(Did::Released)?.duration_since(begun))
    })
}

fn bare(key: &CardKey, list: &HashMap<CardToken, bool>, taps: u32) -> anyhow::Result<Vec<f64>> {
    let (line, mut reader) = pipe()?;
    let (mut released, lock) = pipe()?;
    let (done, driven) = channel();
    std::thread::scope(|scope| {
        let door = scope.spawn(move || bare_loop(line, lock, key, list));
        let watch = scope.spawn(move || see(&mut released, &done));
        let taken = show(taps, CARDS - LAPSED, |line| {
            let begun = timing::instant();
            reader.write_all(line.as_bytes())?;
            let at = driven.recv_timeout(Duration::from_secs(5));
            Ok(at.context("a lock was not driven")?.duration_since(begun))
        });
        drop(reader);
        for thread in [door, watch] {
            let ended = thread.join();
            ended.map_err(|_| anyhow::anyhow!("a thread of the floor panicked"))??;
        }
        taken
    })
}

/// The floor: read a line, take the keyed hash of its number, look that up, write an event, write a line.
fn bare_loop(
    mut line: PipeReader,
    mut lock: impl Write,
    key: &CardKey,
    list: &HashMap<CardToken, bool>,
) -> anyhow::Result<()> {
    let directory = prepare::directory()?;
    let mut events = File::create(directory.path().join("events"))?;
    let mut bytes = [0; 256];
    loop {
        let count = line.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        let text = std::str::from_utf8(&bytes[..count])?;
        let number = text.rsplit('"').nth(1).context("a line holds a number")?;
        if list.get(&CardToken::of(&CardUid::parse(number)?, key)) == Some(&true) {
            events.write_all(&[7; EVENT])?;
            lock.write_all(RELEASED)?;
        }
    }
}

const RELEASED: &[u8] = b"released\n";
/// What one badge event takes in a journal.
const EVENT: usize = 96;

fn see(lock: &mut PipeReader, done: &Sender<Instant>) -> anyhow::Result<()> {
    let mut line = [0; RELEASED.len()];
    while lock.read_exact(&mut line).is_ok() {
        done.send(timing::instant())?;
    }
    Ok(())
}

/// Shows so many cards one after the other; what each took in microseconds.
fn show(
    taps: u32,
    opening: u32,
    mut take: impl FnMut(&str) -> anyhow::Result<Duration>,
) -> anyhow::Result<Vec<f64>> {
    let places = (1..=taps).map(|tap| u64::from(tap) * 7919 % u64::from(opening));
    places
        .map(|place| {
            let line = line(&uid(u32::try_from(place)?));
            timing::pause(BETWEEN);
            Ok(take(&line)?.as_secs_f64() * 1e6)
        })
        .collect()
}

/// Milliseconds from the start of the built `door-agent` to the lock being released for a card that was held to the
/// reader before: a million cards, whose list was proven by its hash and the agent's signature. Floor: [`read_and_hash`]
/// of the same list, in this process.
pub fn start() -> anyhow::Result<Figure> {
    let folder = Folder::make(CARDS)?;
    let list = folder.list()?;
    super::in_turns(
        "agent_start_1m",
        || Ok(folder.start()?.1),
        || read_and_hash(&list),
    )
}

/// The floor: read a file and take its SHA-256; in milliseconds.
fn read_and_hash(file: &std::path::Path) -> anyhow::Result<f64> {
    let begun = timing::instant();
    let digest = Sha256::digest(std::fs::read(file)?);
    let taken = timing::seconds_since(begun) * 1e3;
    anyhow::ensure!(digest.iter().any(|byte| *byte != 0), "it is all zeros");
    Ok(taken)
}

/// Milliseconds from a refusal being shown to the lock being released for a card that waited behind the refused one, in
/// the slowest of all pairs: cards whose membership has ended, and some that nobody knows; the built `door-agent` with a
/// million cards. It has no floor.
pub fn after_refusal(effort: Effort) -> anyhow::Result<Figure> {
    let pairs = if effort.quick { 100 } else { LAPSED };
    let folder = Folder::make(CARDS)?;
    let mut values = Vec::new();
    for round in 1..=ROUNDS {
        let (mut running, _) = folder.start()?;
        let mut slowest = Duration::ZERO;
        for pair in 0..pairs {
            // Of what is released anew within a millisecond until the same moment the lock does not hear.
            timing::pause(BETWEEN);
            // The last ones are behind the end of the list.
            let refused = folder.cards() - pairs + UNKNOWN + pair;
            running.say(&(line(&uid(refused)) + &line(&uid(1 + pair))))?;
            let shown = running.until(Did::Refused)?;
            let released = running
                .until(Did::Released)
                .with_context(|| format!("behind the {pair}th refused card"))?;
            slowest = slowest.max(released.duration_since(shown));
        }
        values.push(slowest.as_secs_f64() * 1e3);
        tell(&format!(
            "refusal_blocks {round}/{ROUNDS}: {:.3} ms",
            values[round - 1]
        ));
    }
    Ok(Figure {
        value: median(values),
        floor: None,
    })
}
