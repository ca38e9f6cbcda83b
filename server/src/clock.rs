//! The only place in the server that asks what time it is.

use shared::time::Timestamp;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

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

/// What time it is, for those who cannot be told: timers and requests. The demo has one that can be moved.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
