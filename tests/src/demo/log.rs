//! What happened in the demo, at the demo's time.

use serde::Serialize;
use shared::time::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

const KEPT: usize = 60;

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody did something, and it worked.
    Done,
    /// A door or a button refused.
    Refused,
    /// It followed by itself.
    News,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Counts from 1, so that a page can tell which lines it has.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// How it is drawn.
    pub kind: Kind,
    /// What happened, and why.
    pub text: String,
}

/// The last lines, newest first.
#[derive(Debug, Default)]
pub struct Log(Mutex<VecDeque<Line>>);

impl Log {
    /// Writes a line down.
    pub fn add(&self, at: Timestamp, kind: Kind, text: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = lines.front().map_or(1, |line| line.number + 1);
        lines.push_front(Line {
            number,
            at,
            kind,
            text,
        });
        lines.truncate(KEPT);
    }

    /// The lines that are kept.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}
