//! Random histories on all cores; a failing seed is printed and can be lived through again with GS_SEED.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tests::cores::{cores, stay_on};
use tests::random_days::live;
use tests::settings;

/// So many histories unless GS_HISTORIES says otherwise.
const HISTORIES: u64 = 300;
/// After so many failures the rest tells nothing new.
const ENOUGH: usize = 5;

/// After so many it is told how far a run has come.
const MANY: u64 = 1000;

/// Lives through histories until there are no more; what failed is told at once, for a run may be ended from outside.
fn work(next: &AtomicU64, first: u64, last: u64, failed: &Mutex<Vec<u64>>) {
    let failures = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= last || failures().len() >= ENOUGH {
            return;
        }
        if seed > first && (seed - first).is_multiple_of(MANY) {
            println!("{} of {}", seed - first, last - first);
        }
        if catch_unwind(AssertUnwindSafe(|| live(seed, false))).is_err() {
            println!("seed {seed} fails: see it with GS_SEED={seed}");
            failures().push(seed);
        }
    }
}

#[test]
fn the_rules_hold_in_random_histories() {
    if let Some(seed) = settings::number("GS_SEED") {
        live(seed, true);
        println!("histories 1");
        return;
    }
    let count = settings::number("GS_HISTORIES").unwrap_or(HISTORIES);
    let first = settings::number("GS_FIRST").unwrap_or(1);
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for core in cores() {
            let (next, failed) = (&next, &failed);
            scope.spawn(move || {
                stay_on(core);
                work(next, first, first + count, failed);
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
