//! The only place that reads the machine's clocks and draws its randomness.

use getrandom::rand_core::UnwrapErr;
use shared::door_clock::Sources;
use shared::ids::BootId;
use shared::time::{Span, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// systemd-timesyncd makes this file when the clock was set from the network; it goes with each start of the machine.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// Whether that file is there is looked at so often.
const LOOK: Span = Span::seconds(1);

/// The machine's clocks, counted from when the agent started.
#[derive(Debug, Clone)]
pub struct SystemClock {
    started: Instant,
    synchronised: PathBuf,
    /// Until which uptime in milliseconds what was seen of it counts, doubled, and one more if it was there; a card does
    /// not wait for a file system.
    seen: Arc<AtomicI64>,
}

impl SystemClock {
    /// Uptime begins now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the named place for the monotonic clock"
    )]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            synchronised: PathBuf::from(SYNCHRONISED),
            seen: Arc::default(),
        }
    }

    /// What the clocks say now; whether the wall clock is synchronised, they said within the last second.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the named place for the wall clock"
    )]
    pub fn read(&self) -> Sources {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, milliseconds);
        let uptime = self.uptime();
        let mut seen = self.seen.load(Ordering::Relaxed);
        if seen >> 1 <= uptime.0 {
            let until = uptime + LOOK;
            seen = until.0 << 1 | i64::from(self.synchronised.exists());
            self.seen.store(seen, Ordering::Relaxed);
        }
        Sources {
            wall: Timestamp(wall),
            uptime,
            synchronised: seen & 1 == 1,
        }
    }

    /// Time since the start.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the named place for the monotonic clock"
    )]
    pub fn uptime(&self) -> Span {
        Span(milliseconds(self.started.elapsed()))
    }

    /// The instant at which that uptime is reached.
    #[must_use]
    pub fn instant(&self, uptime: Span) -> Instant {
        self.started + Duration::from_millis(u64::try_from(uptime.0).unwrap_or(0))
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The system's randomness.
#[expect(clippy::disallowed_types, reason = "the named place for randomness")]
pub type Randomness = UnwrapErr<getrandom::SysRng>;

/// The system's randomness; a machine without any stops the process.
#[must_use]
pub fn randomness() -> Randomness {
    UnwrapErr(getrandom::SysRng)
}

/// A name for this run of the agent that no other run has.
#[must_use]
pub fn boot_id(random: &mut impl rand_core::CryptoRng) -> BootId {
    let mut id = [0; 16];
    random.fill_bytes(&mut id);
    BootId(id)
}
