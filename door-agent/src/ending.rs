//! How a command that holds a lock released is told to end before its time.

use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

/// The signals that end this process, heard from now on; a line that hangs up (SIGHUP) is one of them.
pub struct Ending {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Ending {
    /// Hears them instead of dying of them.
    ///
    /// # Errors
    /// If the system's signals cannot be heard.
    pub fn hear() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until one of them comes.
    pub async fn comes(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }

    /// Waits for this time; whether one of them came first.
    pub async fn comes_within(&mut self, time: Duration) -> bool {
        timeout(time, self.comes()).await.is_ok()
    }
}
