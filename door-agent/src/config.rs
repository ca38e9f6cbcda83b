//! The one settings file of an agent, checked once.

mod door;
mod reader;
mod section;
mod taken;

pub use door::{Door, Follows, Inputs, Level, Pins, Relay, SecondRelay, Wiring};
pub use reader::{Format, Number, Reader, Source, SpiDevice};
pub use taken::Chip;

use crate::controller::Settings;
use crate::hardware::gpio::cdev;
use door::door;
use section::{At, Section, line_of};
use shared::ids::DoorId;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use taken::Taken;
use toml::de::DeTable;

/// Where the lock of a door lies that is only watched.
const NOWHERE: &str = "/dev/null";
const STATE_DIR: &str = "/var/lib/door-agent";
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
    #[error("cannot read the settings file {path}{}", if source.kind() == ErrorKind::NotFound { " (`sudo door-agent setup` writes it)" } else { "" })]
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
        let bytes = std::fs::read(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(text(&bytes).map_err(ConfigError::Wrong)?)
    }

    /// Checks the text of a settings file.
    ///
    /// # Errors
    /// At the first thing that is wrong: its line, its key, and what would be right.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        read(text, cdev::one_name).map_err(ConfigError::Wrong)
    }
}

impl Config {
    /// The readers, each with its door.
    pub fn readers(&self) -> impl Iterator<Item = (DoorId, Reader)> {
        let reader = |door: &Door| (door.id.clone(), door.reader.clone());
        self.doors.iter().map(reader)
    }

    /// The same readers and decisions, for a time beside another system: no line of a lock is touched.
    #[must_use]
    pub fn shadowed(mut self) -> Self {
        self.shadow = true;
        for door in &mut self.doors {
            door.settings = Settings::unlocking(door.settings.unlock);
            door.wiring = Wiring::Simulated {
                output: PathBuf::from(NOWHERE),
            };
        }
        self
    }
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        Problem {
            line: line_of(&String::from_utf8_lossy(good), good.len()),
            key: String::new(),
            what: "is not UTF-8".to_owned(),
            valid: "a TOML file, which is UTF-8 text".to_owned(),
        }
    })
}

fn read(text: &str, chips: fn(&Chip) -> Chip) -> Result<Config, Problem> {
    let root = DeTable::parse(text).map_err(|error| Problem {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        key: String::new(),
        what: error.message().to_owned(),
        valid: "a TOML file".to_owned(),
    })?;
    let mut top = Section::top(text, &root);
    let state_dir = top
        .text("state_dir")?
        .map(|path| absolute(path, STATE_DIR))
        .transpose()?;
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
    let mut taken = Taken::nothing(chips);
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

fn absolute(path: At<&str>, such_as: &str) -> Result<PathBuf, Problem> {
    if Path::new(path.value).is_absolute() {
        return Ok(PathBuf::from(path.value));
    }
    Err(path.problem(
        format!("is {:?}", path.value),
        format!("an absolute path, such as {such_as:?}"),
    ))
}

#[cfg(test)]
mod tests;
