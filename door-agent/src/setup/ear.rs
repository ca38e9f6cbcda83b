//! Listens at everything that may be a reader until a card is held to one of them.
//!
//! Serial lines are asked for a PN532 and then heard in every format at once; keyboards are heard as they are; SPI devices
//! are asked for every chip in turn. The lines of a Wiegand reader have to be named: a pin that is listened at is pulled
//! up, and it may be the lock's.

use super::found::{Heard, place};
use super::keys::Keys;
use super::serial::{Line, Recognised};
use crate::agent::Input;
use crate::check::{self, Found, Machine};
use crate::config::{Chip, Number, Reader, Source, SpiDevice};
use crate::listeners::{self, Listeners};
use crate::readers::Rejection;
use shared::card::CardUid;
use shared::ids::DoorId;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// The speed at which a PN532 begins.
const PN532_BAUD: u32 = 115_200;
const FRAME_GAP: Duration = Duration::from_millis(25);

/// Where somebody says that a reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A serial line.
    Serial(PathBuf),
    /// The lines of a Wiegand reader on the header.
    Wiegand {
        /// Of the zeros.
        d0: u32,
        /// Of the ones.
        d1: u32,
    },
}

/// All that listens.
pub struct Ears {
    lines: Vec<Line>,
    keyboards: Vec<Keys>,
    asked: Asked,
}

enum Sound {
    Line(usize, Recognised),
    Keys(usize, Number, CardUid),
    Asked(listeners::Heard),
}

impl Ears {
    /// Opens everything that may be a reader and that nothing else uses, and what somebody has named, and tells what was
    /// found.
    pub async fn open(machine: &Machine, named: &[Named]) -> (Self, Vec<String>) {
        let mut told = Vec::new();
        let serial = free_lines(machine, named, &mut told);
        let mut asked = Asked::new();
        for device in &serial {
            let path = machine.path(&device.to_string_lossy());
            asked.add(Candidate::new(
                vec![pn532(device.clone())],
                vec![pn532(path)],
            ));
        }
        let silent = asked.wait_for_answers().await;
        let mut lines = Vec::new();
        for device in serial {
            if !silent.contains(&pn532(device.clone())) {
                told.push(format!("{}: a PN532", device.display()));
                continue;
            }
            let path = machine.path(&device.to_string_lossy());
            match Line::open(device.clone(), &path) {
                Ok(line) => {
                    told.push(format!("{}: listening", device.display()));
                    lines.push(line);
                }
                Err(error) => told.push(format!("{}: cannot be used: {error}", device.display())),
            }
        }
        let keyboards = keyboards(machine, &mut told);
        for device in spi_devices(machine) {
            told.push(format!("{device}: asking for an MFRC522 and a PN532"));
            let sources = vec![Source::Mfrc522 { device }, Source::Pn532Spi { device }];
            asked.add(Candidate::new(sources.clone(), sources));
        }
        for name in named {
            if let Named::Wiegand { d0, d1 } = *name {
                let source = wiegand(d0, d1);
                told.push(format!("{}: listening", place(&source)));
                asked.add(Candidate::new(vec![source.clone()], vec![source]));
            }
        }
        if lines.is_empty() && keyboards.is_empty() && asked.is_empty() {
            told.push("There is nothing to listen at: plug the reader in, switch on the header's serial line or SPI, or name its pins.".to_owned());
        }
        let ears = Self {
            lines,
            keyboards,
            asked,
        };
        (ears, told)
    }

    /// The first card, or what to tell a person about something that speaks and cannot be understood.
    pub async fn hear(&mut self) -> Result<Heard, String> {
        loop {
            match self.next().await {
                Sound::Line(_, Recognised::Nothing) => {}
                Sound::Line(index, Recognised::Nonsense) => {
                    return Err(self.lines[index].next_baud());
                }
                Sound::Line(index, Recognised::Card(format, card)) => {
                    let line = &self.lines[index];
                    let source = Source::Serial {
                        device: line.device.clone(),
                        format,
                        baud: line.baud(),
                    };
                    return Ok(Heard { source, card });
                }
                Sound::Keys(index, number, card) => {
                    let device = self.keyboards[index].device.clone();
                    let source = Source::Keyboard { device, number };
                    return Ok(Heard { source, card });
                }
                Sound::Asked(heard) => {
                    if let Some(heard) = self.asked.understand(heard) {
                        return heard;
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Sound {
        self.asked.follow().await;
        tokio::select! {
            (index, heard) = poll_fn(|context| first(&mut self.lines, context, Line::poll)) => {
                Sound::Line(index, heard)
            }
            (index, (number, card)) = poll_fn(|context| first(&mut self.keyboards, context, Keys::poll)) => {
                Sound::Keys(index, number, card)
            }
            Some(heard) = self.asked.heard.recv() => Sound::Asked(heard),
        }
    }
}

/// What the first of many says that says something.
fn first<T, S>(
    many: &mut [T],
    context: &mut Context<'_>,
    poll: impl Fn(&mut T, &mut Context<'_>) -> Poll<S>,
) -> Poll<(usize, S)> {
    for (index, one) in many.iter_mut().enumerate() {
        if let Poll::Ready(said) = poll(one, context) {
            return Poll::Ready((index, said));
        }
    }
    Poll::Pending
}

/// Readers that have to be asked, by the listeners that the agent itself has.
struct Asked {
    candidates: Vec<Candidate>,
    listeners: Listeners,
    heard: mpsc::Receiver<listeners::Heard>,
}

/// A place where there may be a reader, and what it may be, in turn.
struct Candidate {
    /// As the settings will say it.
    sources: Vec<Source>,
    /// As it is opened.
    opened: Vec<Source>,
    now: usize,
}

impl Candidate {
    fn new(sources: Vec<Source>, opened: Vec<Source>) -> Self {
        Self {
            sources,
            opened,
            now: 0,
        }
    }
}

impl Asked {
    fn new() -> Self {
        let (listeners, heard) = Listeners::new();
        Self {
            candidates: Vec::new(),
            listeners,
            heard,
        }
    }

    fn add(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
    }

    fn is_empty(&self) -> bool {
        self.candidates
            .iter()
            .all(|candidate| candidate.opened.get(candidate.now).is_none())
    }

    /// Listens at what each candidate may be now.
    async fn follow(&mut self) {
        let readers = self.candidates.iter().enumerate();
        let readers = readers.filter_map(|(index, candidate)| {
            let source = candidate.opened.get(candidate.now)?.clone();
            let reversed = false;
            Some((name(index), Reader { source, reversed }))
        });
        self.listeners.follow(readers).await;
    }

    /// Waits until every candidate has answered or has not; the sources of those that have not, which are listened at no
    /// more.
    async fn wait_for_answers(&mut self) -> Vec<Source> {
        self.follow().await;
        let mut waits: BTreeSet<DoorId> = (0..self.candidates.len()).map(name).collect();
        let mut silent = Vec::new();
        while !waits.is_empty() {
            let Some(listeners::Heard::Device(id, answer)) = self.heard.recv().await else {
                continue;
            };
            waits.remove(&id);
            if answer.is_err()
                && let Some(candidate) = self.candidate(&id)
            {
                silent.push(candidate.sources[candidate.now].clone());
                candidate.now = candidate.sources.len();
            }
        }
        self.follow().await;
        silent
    }

    fn candidate(&mut self, id: &DoorId) -> Option<&mut Candidate> {
        let index = (0..self.candidates.len()).find(|index| name(*index) == *id)?;
        self.candidates.get_mut(index)
    }

    /// A card, or what a person should know; none if there is nothing to tell.
    fn understand(&mut self, heard: listeners::Heard) -> Option<Result<Heard, String>> {
        match heard {
            listeners::Heard::Input(Input::Card { door, uid }) => {
                let candidate = self.candidate(&door)?;
                let source = candidate.sources.get(candidate.now)?.clone();
                Some(Ok(Heard { source, card: uid }))
            }
            listeners::Heard::Rejected(id, why) => {
                let candidate = self.candidate(&id)?;
                let source = candidate.sources.get(candidate.now)?.clone();
                match (source, why) {
                    (Source::Wiegand { d0, d1, .. }, Rejection::BothParities) => {
                        let turned = wiegand(d1, d0);
                        let text = format!(
                            "D0 and D1 are the other way round; now {}: hold the card again.",
                            place(&turned)
                        );
                        *candidate = Candidate::new(vec![turned.clone()], vec![turned]);
                        Some(Err(text))
                    }
                    (source, why) => Some(Err(format!("{}: {why}", place(&source)))),
                }
            }
            listeners::Heard::Device(id, Ok(())) => {
                let candidate = self.candidate(&id)?;
                let source = candidate.sources.get(candidate.now)?;
                Some(Err(format!(
                    "{} is there: hold a card to it.",
                    place(source)
                )))
            }
            listeners::Heard::Device(id, Err(error)) => {
                let candidate = self.candidate(&id)?;
                let source = candidate.sources.get(candidate.now)?.clone();
                candidate.now += 1;
                let is_last = candidate.now == candidate.sources.len();
                is_last.then(|| Err(format!("{}: {error}", place(&source))))
            }
            listeners::Heard::Input(_) => None,
        }
    }
}

fn name(index: usize) -> DoorId {
    DoorId::new(format!("candidate-{index}")).expect("letters and digits")
}

fn pn532(device: PathBuf) -> Source {
    let baud = PN532_BAUD;
    Source::Pn532Serial { device, baud }
}

fn wiegand(d0: u32, d1: u32) -> Source {
    Source::Wiegand {
        d0,
        d1,
        chip: Chip::Header,
        frame_gap: FRAME_GAP,
    }
}

/// The serial lines that nothing else uses.
fn free_lines(machine: &Machine, named: &[Named], told: &mut Vec<String>) -> Vec<PathBuf> {
    let mut lines = serial_lines(machine, named);
    lines.retain(|device| match check::serial_line(machine, device) {
        Some(Found::Bad { what, to_do }) => {
            told.push(format!("{}: {what}. To use it: {to_do}", device.display()));
            false
        }
        Some(Found::Good(_) | Found::Note { .. }) | None => true,
    });
    lines
}

fn keyboards(machine: &Machine, told: &mut Vec<String>) -> Vec<Keys> {
    let mut keyboards = Vec::new();
    for device in names(machine, "/dev/input/by-id", |name| {
        name.ends_with("-event-kbd")
    }) {
        let path = machine.path(&device.to_string_lossy());
        match Keys::open(device.clone(), &path) {
            Ok(keys) => {
                told.push(format!("{}: listening", device.display()));
                keyboards.push(keys);
            }
            Err(error) => told.push(format!("{}: cannot be used: {error}", device.display())),
        }
    }
    keyboards
}

fn spi_devices(machine: &Machine) -> Vec<SpiDevice> {
    let devices = names(machine, "/dev", |name| name.starts_with("spidev"));
    devices
        .iter()
        .filter_map(|device| SpiDevice::parse(device.to_str()?))
        .collect()
}

/// The serial lines of a machine, each once, by the name that stays the same when it is plugged in again.
fn serial_lines(machine: &Machine, named: &[Named]) -> Vec<PathBuf> {
    let named = named.iter().filter_map(|named| match named {
        Named::Serial(path) => Some(path.clone()),
        Named::Wiegand { .. } => None,
    });
    let by_id = names(machine, "/dev/serial/by-id", |_| true);
    let beginnings = ["serial0", "ttyUSB", "ttyACM", "ttyAMA"];
    let dev = names(machine, "/dev", |name| {
        beginnings.iter().any(|begin| name.starts_with(begin))
    });
    let mut seen = BTreeSet::new();
    named
        .chain(by_id)
        .chain(dev)
        .filter(|device| {
            let path = machine.path(&device.to_string_lossy());
            path.canonicalize().is_ok_and(|real| seen.insert(real))
        })
        .collect()
}

/// What lies in a folder by a name that is wanted, in order.
fn names(machine: &Machine, folder: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(machine.path(folder)) else {
        return Vec::new();
    };
    let all = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut wanted: Vec<PathBuf> = all
        .filter(|name| is_wanted(name))
        .map(|name| Path::new(folder).join(name))
        .collect();
    wanted.sort();
    wanted
}

#[cfg(test)]
mod tests;
