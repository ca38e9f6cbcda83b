//! A second process that lets every lock rest when the first one is killed: nobody else is left who could.

use crate::config::Config;
use crate::local;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// The word by which the guard ends without touching a lock.
const DISMISSED: u8 = b'.';
/// What follows settings that the guard is told: no text has it.
const TOLD: u8 = 0;

/// A guard that waits for this process to end.
pub struct Guard {
    child: Option<Child>,
    line: Option<ChildStdin>,
}

impl Guard {
    /// Starts `program guard` with the same settings and options; it stands apart, so that what ends this process spares it.
    ///
    /// # Errors
    /// If no process can be started.
    pub fn post(program: &Path, settings: &Path, options: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("--config").arg(settings).args(options);
        Self::start(command.arg("guard"))
    }

    /// Starts `program guard --told` for settings that lie in no file yet.
    ///
    /// # Errors
    /// If no process can be started, or it does not listen.
    pub fn post_telling(program: &Path, settings: &str) -> io::Result<Self> {
        let mut guard = Self::start(Command::new(program).args(["guard", "--told"]))?;
        guard.tell(settings)?;
        Ok(guard)
    }

    /// Nobody: a process that is started in one test holds for a moment what is open in all others.
    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        let (child, line) = (None, None);
        Self { child, line }
    }

    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()?;
        let line = child.stdin.take();
        Ok(Self {
            child: Some(child),
            line,
        })
    }

    fn tell(&mut self, settings: &str) -> io::Result<()> {
        let Some(line) = &mut self.line else {
            return Ok(());
        };
        line.write_all(settings.as_bytes())?;
        line.write_all(&[TOLD])
    }

    /// Lets the guard go: every lock rests already.
    pub fn dismiss(mut self) {
        if let Some(mut line) = self.line.take() {
            // A guard that is gone needs no word.
            drop(line.write_all(&[DISMISSED]));
        }
        if let Some(mut child) = self.child.take() {
            drop(child.wait());
        }
    }
}

/// The settings that the other process tells, before it touches a lock.
///
/// # Errors
/// If it is gone before it has told them all, or they are wrong.
pub fn told(line: &mut impl BufRead) -> anyhow::Result<Config> {
    let mut text = Vec::new();
    line.read_until(TOLD, &mut text)?;
    anyhow::ensure!(text.pop() == Some(TOLD), "the settings were not told");
    Ok(Config::parse(&String::from_utf8(text)?)?)
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
