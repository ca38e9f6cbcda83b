//! A second process that lets every lock rest when the first one is killed: nobody else is left who could.

use crate::config::Config;
use crate::local;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// The word by which the guard ends without touching a lock.
const DISMISSED: u8 = b'.';

/// A guard that waits for this process to end.
pub struct Guard {
    child: Child,
    line: Option<ChildStdin>,
}

impl Guard {
    /// Starts `program guard` with the same settings and options; it stands apart, so that what ends this process spares it.
    ///
    /// # Errors
    /// If no process can be started.
    pub fn post(program: &Path, settings: &Path, options: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg("--config")
            .arg(settings)
            .args(options)
            .arg("guard")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()?;
        let line = child.stdin.take();
        Ok(Self { child, line })
    }

    /// Lets the guard go: every lock rests already.
    pub fn dismiss(mut self) {
        if let Some(mut line) = self.line.take() {
            // A guard that is gone needs no word.
            drop(line.write_all(&[DISMISSED]));
        }
        drop(self.child.wait());
    }
}

/// Waits for the end of the other process and lets every lock rest, unless it is dismissed.
///
/// # Errors
/// If a lock cannot be used; the others rest.
pub fn stand(mut line: impl Read, config: &Config) -> anyhow::Result<()> {
    let mut word = [0];
    // The line ends, or fails, when the other process is gone.
    if line.read_exact(&mut word).is_ok() && word[0] == DISMISSED {
        return Ok(());
    }
    local::rest_all(config)
}
