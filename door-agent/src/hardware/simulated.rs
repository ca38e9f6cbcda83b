//! A door made of JSON lines: any outside program can act as a person in front of it.
//!
//! Outputs are lines like `{"at":1795000000123,"door":"front","lock":"released"}`, inputs lines like
//! `{"door":"front","card":"04A1B2C3"}`, `{"door":"front","key":"4"}` (also `*` and `#`), `{"door":"front","exit":true}`
//! (or `"press"` and, later, `"release"`), `{"door":"front","contact":"open"}` (or `"closed"`), `{"door":"front","tamper":"open"}`
//! (or `"closed"`) and `{"door":"front","fire":"active"}` (or `"quiet"`).

use super::{Hardware, HardwareError};
use crate::agent::Input;
use crate::readers::{Digit, Key};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::card::CardUid;
use shared::door_clock::Sources;
use shared::ids::DoorId;
use shared::reasons::Signal;
use shared::time::{Span, Timestamp};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The word for a lock that nobody releases.
const REST: &str = "rest";

/// A door's outputs as lines of a file, a FIFO or a socket somebody listens at.
pub struct Lines {
    door: DoorId,
    path: PathBuf,
    output: Box<dyn Write + Send>,
    last: Timestamp,
}

impl Lines {
    /// Opens what `path` is, a new file if it is nothing yet, and writes that the lock rests.
    pub fn open(door: DoorId, path: &Path, at: Timestamp) -> Result<Self, HardwareError> {
        let output = open(path).map_err(|source| HardwareError::Output {
            path: path.to_owned(),
            source,
        })?;
        let mut lines = Self {
            door,
            path: path.to_owned(),
            output,
            last: at,
        };
        lines.write(at, "lock", REST.into())?;
        Ok(lines)
    }

    fn write(&mut self, at: Timestamp, key: &str, value: Value) -> Result<(), HardwareError> {
        self.last = at;
        let mut line = json!({"at": at, "door": self.door});
        line[key] = value;
        // One write, so that lines of several doors in one file never mix.
        match self.output.write_all(format!("{line}\n").as_bytes()) {
            // Nobody reads, and what they did not read fills the pipe: a simulated door must not wait for that.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            written => written.map_err(|source| HardwareError::Output {
                path: self.path.clone(),
                source,
            }),
        }
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    let mut options = OpenOptions::new();
    match std::fs::metadata(path).map(|metadata| metadata.file_type()) {
        Ok(kind) if kind.is_socket() => {
            let stream = UnixStream::connect(path)?;
            stream.set_nonblocking(true)?;
            return Ok(Box::new(stream));
        }
        // Opened for reading too, so that neither opening nor writing needs somebody at the other end.
        Ok(kind) if kind.is_fifo() => options
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK),
        Ok(_) | Err(_) => options.create(true).append(true),
    };
    Ok(Box::new(options.open(path)?))
}

impl Hardware for Lines {
    fn energise(&mut self, now: Sources) -> Result<(), HardwareError> {
        self.write(now.wall, "lock", "released".into())
    }

    fn rest(&mut self, now: Sources) -> Result<(), HardwareError> {
        self.write(now.wall, "lock", REST.into())
    }

    fn signal(&mut self, signal: Signal, now: Sources) -> Result<(), HardwareError> {
        let signal = serde_json::to_value(signal).unwrap_or_default();
        self.write(now.wall, "signal", signal)
    }

    fn siren(&mut self, on: bool, now: Sources) -> Result<(), HardwareError> {
        let word = if on { "on" } else { "off" };
        self.write(now.wall, "siren", word.into())
    }

    fn play(&mut self, _: Span) -> Option<Span> {
        // A signal is one word, however long it would take.
        None
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let at = self.last;
        // Nobody is left to be told of an error.
        drop(self.write(at, "lock", REST.into()));
    }
}

/// A line that an outside program wrote.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    door: DoorId,
    card: Option<String>,
    key: Option<String>,
    exit: Option<Exit>,
    contact: Option<Contact>,
    tamper: Option<Contact>,
    fire: Option<Fire>,
}

/// `true` is whoever presses and lets go.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Exit {
    Both(bool),
    One(Button),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Button {
    Press,
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Contact {
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fire {
    Active,
    Quiet,
}

/// A line that means nothing.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not JSON, or not such a line.
    #[error(
        "not an input line: write {{\"door\":\"front\",\"card\":\"04A1B2C3\"}}, \"key\":\"4\", \"exit\":\"press\" or \"release\", \"contact\":\"open\" or \"closed\", \"tamper\":\"open\" or \"closed\", \"fire\":\"active\" or \"quiet\""
    )]
    Line(#[from] serde_json::Error),
    /// The card number.
    #[error("the card is not valid")]
    Card(#[from] shared::card::CardUidError),
    /// A key that no keypad has.
    #[error("the key is not one of 0 to 9, `*` and `#`")]
    Key,
}

/// Reads one line; a line may say several things.
///
/// # Errors
/// If it means nothing; nothing of it is heard then.
pub fn inputs(line: &str) -> Result<Vec<Input>, LineError> {
    let line: Line = serde_json::from_str(line)?;
    let door = || line.door.clone();
    let mut inputs = Vec::new();
    if let Some(card) = &line.card {
        inputs.push(Input::Card {
            door: door(),
            uid: CardUid::parse(card)?,
        });
    }
    if let Some(key) = &line.key {
        inputs.push(Input::Key {
            door: door(),
            key: self::key(key).ok_or(LineError::Key)?,
        });
    }
    let presses: &[bool] = match line.exit {
        None | Some(Exit::Both(false)) => &[],
        Some(Exit::Both(true)) => &[true, false],
        Some(Exit::One(Button::Press)) => &[true],
        Some(Exit::One(Button::Release)) => &[false],
    };
    inputs.extend(presses.iter().map(|pressed| Input::Exit {
        door: door(),
        pressed: *pressed,
    }));
    if let Some(contact) = line.contact {
        inputs.push(Input::Contact {
            door: door(),
            open: contact == Contact::Open,
        });
    }
    if let Some(tamper) = line.tamper {
        inputs.push(Input::Tamper {
            door: door(),
            on: tamper == Contact::Open,
        });
    }
    if let Some(fire) = line.fire {
        inputs.push(Input::Fire {
            door: door(),
            on: fire == Fire::Active,
        });
    }
    Ok(inputs)
}

fn key(text: &str) -> Option<Key> {
    match text.as_bytes() {
        [b'*'] => Some(Key::Clear),
        [b'#'] => Some(Key::Enter),
        [digit @ b'0'..=b'9'] => Digit::new(digit - b'0').map(Key::Digit),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
