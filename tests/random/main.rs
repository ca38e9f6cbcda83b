//! Random histories on all cores; a failing seed is printed and can be lived through again with GS_SEED.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tests::random_days::live;

/// So many histories unless GS_HISTORIES says otherwise.
const HISTORIES: u64 = 300;
/// After so many failures the rest tells nothing new.
const ENOUGH: usize = 5;

#[expect(
    clippy::disallowed_methods,
    reason = "the named place for this test's settings"
)]
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a whole number, not `{text}`")),
    )
}

/// The cores that this process may use; none told: one history at a time.
fn cores() -> Vec<Option<usize>> {
    let Ok(all) = sched_getaffinity(None) else {
        return vec![None];
    };
    let all = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core));
    all.map(Some).collect()
}

/// Keeps this thread, and the one that its database makes, on one core: they only ever wait for each other, and waking a
/// thread on another core takes longer than most queries.
fn stay_on(core: Option<usize>) {
    let Some(core) = core else { return };
    let mut only = CpuSet::new();
    only.set(core);
    if let Err(error) = sched_setaffinity(None, &only) {
        eprintln!("not kept on core {core}, slower: {error}");
    }
}

/// Lives through histories until there are no more; what failed is told at once, for a run may be ended from outside.
fn work(next: &AtomicU64, last: u64, failed: &Mutex<Vec<u64>>) {
    let failures = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= last || failures().len() >= ENOUGH {
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| live(seed, false))).is_err() {
            println!("seed {seed} fails: see it with GS_SEED={seed}");
            failures().push(seed);
        }
    }
}

#[test]
fn the_rules_hold_in_random_histories() {
    if let Some(seed) = setting("GS_SEED") {
        live(seed, true);
        println!("histories 1");
        return;
    }
    let count = setting("GS_HISTORIES").unwrap_or(HISTORIES);
    let first = setting("GS_FIRST").unwrap_or(1);
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for core in cores() {
            let (next, failed) = (&next, &failed);
            scope.spawn(move || {
                stay_on(core);
                work(next, first + count, failed);
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("histories {}", (next.into_inner() - first).min(count));
    assert!(
        failed.is_empty(),
        "failing seeds {failed:?}: see one with GS_SEED={} tests/run random",
        failed[0]
    );
}
