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
    ahead: Arc<AtomicI64>,
}

impl DemoClock {
    /// Starts at the real time.
    #[expect(clippy::disallowed_methods, reason = "the demo runs in real time")]
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            ahead: Arc::new(AtomicI64::new(0)),
        }
    }

    /// What time it is in the demo.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        server::clock::now() + Span(self.ahead.load(Ordering::Relaxed))
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
        let ahead = self.ahead.load(Ordering::Relaxed);
        let elapsed = i64::try_from(self.stopwatch().as_millis()).unwrap_or(i64::MAX);
        Sources {
            wall: self.now(),
            uptime: Span(elapsed.saturating_add(ahead)),
            synchronised: true,
        }
    }
}
