//! The one settings file of an agent, checked once.

mod reader;
mod section;

pub use reader::{Chip, Format, Number, Reader, Source, SpiDevice};

use reader::reader;
use section::{At, Section, line_of};
use shared::ids::DoorId;
use shared::time::Span;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Where the lock of a door lies that is only watched.
const NOWHERE: &str = "/dev/null";
const STATE_DIR: &str = "/var/lib/door-agent";
/// GPIO numbers on every Raspberry Pi's header; 0 and 1 belong to add-on boards.
const PINS: std::ops::RangeInclusive<u32> = 2..=27;
/// Lock times that make sense, in seconds.
const UNLOCK: std::ops::RangeInclusive<u32> = 1..=60;
const UNLOCK_SECONDS: u32 = 5;
/// What the machine at hand has: doors, readers, locks. What they may do comes from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where identity, lists and the badge log lie.
    pub state_dir: PathBuf,
    /// Whether agent and relays are on the secure side of the doors, if somebody has said so.
    pub inside: Option<bool>,
    /// Whether readers are read and cards decided, but no lock is driven.
    pub shadow: bool,
    /// The doors.
    pub doors: Vec<Door>,
}

/// One door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its name, as on the server.
    pub id: DoorId,
    /// What reads cards.
    pub reader: Reader,
    /// What holds the door shut.
    pub lock: Lock,
    /// GPIO number of the exit button, to ground, if it is heard at all.
    pub exit_pin: Option<u8>,
    /// GPIO number of the door contact, closed to ground while the door is shut.
    pub contact_pin: Option<u8>,
    /// GPIO number of a green lamp.
    pub green_pin: Option<u8>,
    /// GPIO number of a red lamp.
    pub red_pin: Option<u8>,
    /// GPIO number of a buzzer.
    pub buzzer_pin: Option<u8>,
}

/// What holds the door shut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// A relay on a GPIO line of a Raspberry Pi.
    Gpio {
        /// GPIO (BCM) number.
        pin: u8,
        /// The level that releases the lock.
        active: Level,
        /// How long at a time.
        unlock_seconds: u32,
    },
    /// JSON lines to a file, a FIFO or a socket.
    Simulated {
        /// Written to.
        output: PathBuf,
        /// How long at a time.
        unlock_seconds: u32,
    },
}

/// A level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// 3.3 V.
    #[default]
    High,
    /// 0 V.
    Low,
}

impl Lock {
    /// How long it is released at a time.
    #[must_use]
    pub fn unlock(&self) -> Span {
        match self {
            Self::Gpio { unlock_seconds, .. } | Self::Simulated { unlock_seconds, .. } => {
                Span::seconds(i64::from(*unlock_seconds))
            }
        }
    }
}

/// What is wrong in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, from 1.
    pub line: usize,
    /// Which key, with dots; empty if the file is no TOML.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
    /// What would be right.
    pub valid: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            key,
            what,
            valid,
        } = self;
        let named = if key.is_empty() {
            String::new()
        } else {
            format!("`{key}` ")
        };
        write!(out, "line {line}: {named}{what}; valid: {valid}")
    }
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the settings file {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("the settings file is wrong in {0}")]
    Wrong(Problem),
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// If it cannot be read, or at the first thing in it that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Checks the text of a settings file.
    ///
    /// # Errors
    /// At the first thing that is wrong: its line, its key, and what would be right.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        read(text).map_err(ConfigError::Wrong)
    }
}

impl Config {
    /// The same readers and decisions, for a time beside another system: no line of a lock is touched.
    #[must_use]
    pub fn shadowed(mut self) -> Self {
        self.shadow = true;
        for door in &mut self.doors {
            let unlock_seconds = match door.lock {
                Lock::Gpio { unlock_seconds, .. } | Lock::Simulated { unlock_seconds, .. } => {
                    unlock_seconds
                }
            };
            door.lock = Lock::Simulated {
                output: PathBuf::from(NOWHERE),
                unlock_seconds,
            };
            door.exit_pin = None;
            door.contact_pin = None;
            (door.green_pin, door.red_pin, door.buzzer_pin) = (None, None, None);
        }
        self
    }
}

fn read(text: &str) -> Result<Config, Problem> {
    let root = DeTable::parse(text).map_err(|error| Problem {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        key: String::new(),
        what: error.message().to_owned(),
        valid: "a TOML file".to_owned(),
    })?;
    let mut top = Section::top(text, &root);
    let state_dir = top.text("state_dir")?.map(absolute).transpose()?;
    let inside = top.flag("inside")?;
    let shadow = top.flag("shadow")?.unwrap_or_default();
    let sections = top.sections("door")?;
    let top_line = top.here();
    top.finish()?;
    if sections.is_empty() {
        let missing = top_line.problem(
            "is missing: an agent serves one door or more",
            "a `[[door]]` for each",
        );
        return Err(Problem {
            key: "door".to_owned(),
            ..missing
        });
    }
    let mut taken = Taken::default();
    let doors = sections
        .into_iter()
        .map(|section| door(section, &mut taken))
        .collect::<Result<_, _>>()?;
    let config = Config {
        state_dir: state_dir.unwrap_or_else(|| PathBuf::from(STATE_DIR)),
        inside,
        shadow: false,
        doors,
    };
    Ok(if shadow { config.shadowed() } else { config })
}

/// What only one door may use, the line that has taken it, and for whom if others of the kind may join.
#[derive(Default)]
struct Taken(BTreeMap<String, (usize, Option<String>)>);

impl Taken {
    fn claim<T>(&mut self, what: String, at: &At<T>) -> Result<(), Problem> {
        self.take(what, None, at)
    }

    /// For what all devices on one bus use together.
    fn share<T>(&mut self, what: String, bus: &str, at: &At<T>) -> Result<(), Problem> {
        self.take(what, Some(bus.to_owned()), at)
    }

    fn take<T>(&mut self, what: String, by: Option<String>, at: &At<T>) -> Result<(), Problem> {
        match self.0.get(&what) {
            Some((_, others)) if by.is_some() && *others == by => Ok(()),
            Some((line, _)) => Err(at.problem(
                format!("is {what}, which line {line} has taken"),
                "each thing used once",
            )),
            None => {
                self.0.insert(what, (at.line, by));
                Ok(())
            }
        }
    }

    fn pin(&mut self, pin: Option<At<u32>>) -> Result<Option<u8>, Problem> {
        let Some(pin) = pin else { return Ok(None) };
        self.claim(format!("GPIO {}", pin.value), &pin)?;
        Ok(Some(
            u8::try_from(pin.value).expect("the header has 27 at most"),
        ))
    }
}

fn door(mut section: Section<'_>, taken: &mut Taken) -> Result<Door, Problem> {
    let name = section.required_text("id", "the door's name on the server")?;
    let id = DoorId::new(name.value).map_err(|_| {
        name.problem(
            format!("is {:?}", name.value),
            "1 to 64 of a-z, A-Z, 0-9, `_` and `-`",
        )
    })?;
    taken.claim(format!("the name `{id}`"), &name)?;
    let reader = reader(section.required_section("reader")?, taken)?;
    let lock = lock(section.required_section("lock")?, taken)?;
    let door = Door {
        id,
        reader,
        lock,
        exit_pin: taken.pin(section.number("exit_pin", PINS)?)?,
        contact_pin: taken.pin(section.number("contact_pin", PINS)?)?,
        green_pin: taken.pin(section.number("green_pin", PINS)?)?,
        red_pin: taken.pin(section.number("red_pin", PINS)?)?,
        buzzer_pin: taken.pin(section.number("buzzer_pin", PINS)?)?,
    };
    if let Lock::Simulated { .. } = door.lock {
        // They would be taken for wired and never move.
        let pins = [
            "exit_pin",
            "contact_pin",
            "green_pin",
            "red_pin",
            "buzzer_pin",
        ];
        if let Some(pin) = pins.into_iter().find_map(|name| section.given(name)) {
            return Err(pin.problem(
                "needs a lock of kind \"gpio\"",
                "left out: a simulated door is all JSON lines",
            ));
        }
    }
    section.finish()?;
    Ok(door)
}

#[derive(Clone, Copy)]
enum LockKind {
    Gpio,
    Simulated,
}

fn lock(mut section: Section<'_>, taken: &mut Taken) -> Result<Lock, Problem> {
    let kinds = [("gpio", LockKind::Gpio), ("simulated", LockKind::Simulated)];
    let kind = section.required_choice("kind", &kinds)?;
    let unlock_seconds = section
        .number("unlock_seconds", UNLOCK)?
        .map_or(UNLOCK_SECONDS, |seconds| seconds.value);
    let lock = match kind {
        LockKind::Gpio => {
            let pin = section.required_number("pin", PINS)?;
            taken.claim(format!("GPIO {}", pin.value), &pin)?;
            let pin = u8::try_from(pin.value).expect("the header has 27 at most");
            let active = section
                .choice("active", &[("high", Level::High), ("low", Level::Low)])?
                .unwrap_or_default();
            Lock::Gpio {
                pin,
                active,
                unlock_seconds,
            }
        }
        LockKind::Simulated => {
            let output =
                absolute(section.required_text("output", "the path of a file, FIFO or socket")?)?;
            Lock::Simulated {
                output,
                unlock_seconds,
            }
        }
    };
    section.finish()?;
    Ok(lock)
}

fn absolute(path: At<&str>) -> Result<PathBuf, Problem> {
    if Path::new(path.value).is_absolute() {
        return Ok(PathBuf::from(path.value));
    }
    Err(path.problem(
        format!("is {:?}", path.value),
        "an absolute path, such as \"/var/lib/door-agent\"",
    ))
}

#[cfg(test)]
mod tests;
