//! The demo's clock: real time that can be moved ahead.

use shared::door_clock::Sources;
use shared::time::{Span, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// One clock for Stripe, the server and the doors.
#[derive(Clone)]
pub struct DemoClock {
    started: Instant,
    /// Milliseconds by which it was ahead when it started.
    begun: i64,
    ahead: Arc<AtomicI64>,
}

impl DemoClock {
    /// Starts at the real time.
    #[must_use]
    pub fn start() -> Self {
        Self::ahead_by(Span(0))
    }

    /// Starts ahead of the real time, or behind it.
    #[expect(clippy::disallowed_methods, reason = "the demo runs in real time")]
    #[must_use]
    pub fn ahead_by(span: Span) -> Self {
        Self {
            started: Instant::now(),
            begun: span.0,
            ahead: Arc::new(AtomicI64::new(span.0)),
        }
    }

    /// How far it is ahead of the real time.
    #[must_use]
    pub fn ahead(&self) -> Span {
        Span(self.ahead.load(Ordering::Relaxed))
    }

    /// What time it is in the demo.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        server::clock::now() + self.ahead()
    }

    /// Moves everything ahead.
    pub fn advance(&self, span: Span) {
        self.ahead.fetch_add(span.0, Ordering::Relaxed);
    }

    /// Time since the start, for measuring.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the demo runs in real time")]
    pub fn stopwatch(&self) -> Duration {
        self.started.elapsed()
    }

    /// What a door's clocks say: the demo's doors are synchronised.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let moved = self.ahead().0 - self.begun;
        let elapsed = i64::try_from(self.stopwatch().as_millis()).unwrap_or(i64::MAX);
        Sources {
            wall: self.now(),
            uptime: Span(elapsed.saturating_add(moved)),
            synchronised: true,
        }
    }
}
