//! The only place in the server that asks what time it is, and that lets time pass.

use shared::time::{Span, Timestamp};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks; everything else is told"
)]
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Lets a span pass, between two tries of one request whose asker waits for the answer.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that sleeps; everything else has a deadline"
)]
pub async fn pause(span: Span) {
    tokio::time::sleep(Duration::from_millis(span.0.unsigned_abs())).await;
}

/// What time it is, for those who cannot be told: timers and requests. The demo has one that can be moved.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
