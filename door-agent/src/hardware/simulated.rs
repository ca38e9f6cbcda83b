//! A door made of JSON lines: any outside program can act as a person in front of it.
//!
//! Outputs are lines like `{"at":1795000000123,"door":"front","lock":"released"}`, inputs lines like
//! `{"door":"front","card":"04A1B2C3"}`, `{"door":"front","exit":true}` or `{"door":"front","contact":"open"}`.

use super::{Hardware, HardwareError};
use crate::agent::Input;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::card::CardUid;
use shared::ids::DoorId;
use shared::reasons::Signal;
use shared::time::Timestamp;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

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
        lines.rest(at)?;
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
    fn energise(&mut self, at: Timestamp) -> Result<(), HardwareError> {
        self.write(at, "lock", "released".into())
    }

    fn rest(&mut self, at: Timestamp) -> Result<(), HardwareError> {
        self.write(at, "lock", "rest".into())
    }

    fn signal(&mut self, signal: Signal, at: Timestamp) -> Result<(), HardwareError> {
        self.write(
            at,
            "signal",
            serde_json::to_value(signal).unwrap_or_default(),
        )
    }

    fn inputs(&mut self) -> (Option<bool>, Option<bool>) {
        (None, None)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let at = self.last;
        // Nobody is left to be told of an error.
        drop(self.rest(at));
    }
}

/// A line that an outside program wrote.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    door: DoorId,
    card: Option<String>,
    #[serde(default)]
    exit: bool,
    contact: Option<Contact>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Contact {
    Open,
    Closed,
}

/// A line that means nothing.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not JSON, or not such a line.
    #[error(
        "not an input line: write {{\"door\":\"front\",\"card\":\"04A1B2C3\"}}, \"exit\":true or \"contact\":\"open\""
    )]
    Line(#[from] serde_json::Error),
    /// The card number.
    #[error("the card is not valid")]
    Card(#[from] shared::card::CardUidError),
}

/// Reads one line; a line may say several things.
pub fn inputs(line: &str) -> Result<Vec<Input>, LineError> {
    let line: Line = serde_json::from_str(line)?;
    let mut inputs = Vec::new();
    if let Some(card) = &line.card {
        inputs.push(Input::Card {
            door: line.door.clone(),
            uid: CardUid::parse(card)?,
        });
    }
    if line.exit {
        // Whoever writes a line presses and lets go.
        for pressed in [true, false] {
            inputs.push(Input::Exit {
                door: line.door.clone(),
                pressed,
            });
        }
    }
    if let Some(contact) = line.contact {
        inputs.push(Input::Contact {
            door: line.door,
            open: matches!(contact, Contact::Open),
        });
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_rests_when_opened_and_when_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let mut lines =
            Lines::open("front".parse().expect("a name"), &path, Timestamp(1)).expect("opens");
        lines.energise(Timestamp(2)).expect("writes");
        drop(lines);
        let text = std::fs::read_to_string(&path).expect("there");
        let locks: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let words: Vec<&Value> = locks.iter().map(|line| &line["lock"]).collect();
        assert_eq!(words, ["rest", "released", "rest"]);
    }

    #[test]
    fn a_fifo_that_nobody_reads_holds_nobody_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .expect("coreutils are there");
        assert!(made.success());
        let mut lines =
            Lines::open("front".parse().expect("a name"), &path, Timestamp(1)).expect("opens");
        for _ in 0..5_000 {
            lines.energise(Timestamp(2)).expect("goes on");
        }
    }

    #[test]
    fn a_listener_at_a_socket_gets_the_lines() {
        use std::io::{BufRead, BufReader};
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let listener = std::os::unix::net::UnixListener::bind(&path).expect("binds");
        let mut lines =
            Lines::open("front".parse().expect("a name"), &path, Timestamp(1)).expect("opens");
        lines.energise(Timestamp(2)).expect("writes");
        drop(lines);
        let (stream, _) = listener.accept().expect("the door connected");
        let got: Vec<String> = BufReader::new(stream)
            .lines()
            .map(|line| line.expect("text"))
            .collect();
        assert_eq!(got.len(), 3);
        assert_eq!(got[1], r#"{"at":2,"door":"front","lock":"released"}"#);
    }

    #[test]
    fn a_line_says_what_a_person_does_and_nonsense_says_what_would_be_valid() {
        let card = inputs(r#"{"door":"front","card":"04A1B2C3"}"#).expect("valid");
        assert!(matches!(&card[..], [Input::Card { .. }]));
        assert!(matches!(
            &inputs(r#"{"door":"front","exit":true}"#).expect("valid")[..],
            [
                Input::Exit { pressed: true, .. },
                Input::Exit { pressed: false, .. }
            ]
        ));
        assert!(inputs(r#"{"door":"front","card":"zz"}"#).is_err());
        assert!(
            inputs(r#"{"door":"front","crad":"04A1B2C3"}"#)
                .expect_err("a typo")
                .to_string()
                .contains("04A1B2C3")
        );
    }
}
