//! The benches' only clock and only pause.

use shared::time::Timestamp;
use std::time::{Duration, Instant};

/// An instant to measure from.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub fn instant() -> Instant {
    Instant::now()
}

/// Seconds since an instant.
pub fn seconds_since(start: Instant) -> f64 {
    instant().duration_since(start).as_secs_f64()
}

/// The wall clock, by which deliveries are signed.
pub fn now() -> Timestamp {
    server::clock::now()
}

/// Waits, where nothing can be waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "a bench lets a real process come to rest"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
