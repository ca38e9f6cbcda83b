//! The only place of these tests that reads the clock, pauses, and reads the environment.

use shared::time::Timestamp;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long something that must happen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(90);
/// How long a look at files or sockets is put off for the next.
const PAUSE: Duration = Duration::from_millis(30);
/// Files here are in memory. A disk that others keep busy would hold up every step, and no test cuts the power.
const MEMORY: &str = "/dev/shm";

/// Looks until there is something to see.
#[expect(
    clippy::disallowed_methods,
    reason = "the named place where these tests wait for what other programs do"
)]
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    looking(what, look, || std::thread::sleep(PAUSE))
}

/// The same without a pause between two looks, where the moment at which something is seen counts.
pub fn closely<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    looking(what, look, std::thread::yield_now)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the named place where these tests wait for what other programs do"
)]
fn looking<T>(what: &str, mut look: impl FnMut() -> Option<T>, pause: impl Fn()) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(
            begun.elapsed() < DEADLINE,
            "waited {} s in vain until {what}",
            DEADLINE.as_secs()
        );
        pause();
    }
}

/// Keeps this thread busy for a stretch too short to sleep.
#[expect(
    clippy::disallowed_methods,
    reason = "the named place where these tests wait for what other programs do"
)]
pub fn spin(stretch: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < stretch {
        std::hint::spin_loop();
    }
}

/// What time it is.
pub fn now() -> Timestamp {
    server::clock::now()
}

/// A folder of the test's own, gone with its handle.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in(MEMORY)
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

/// A folder that `tests/run real` names in the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the named place where these tests learn where things are"
)]
pub fn folder(variable: &str) -> PathBuf {
    let named = std::env::var_os(variable);
    PathBuf::from(named.unwrap_or_else(|| panic!("{variable} is not set: use `tests/run real`")))
}

/// A whole number that `tests/run` gives in the environment, if it does.
#[expect(
    clippy::disallowed_methods,
    reason = "the named place where these tests learn what is wanted"
)]
pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.trim().parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is a whole number, not `{text}`")))
}
