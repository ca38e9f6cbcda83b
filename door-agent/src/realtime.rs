//! What the system may grant so that a card never waits for other programs: memory that stays, and a place before them.
//!
//! The place is the service manager's to give (`CPUSchedulingPolicy=fifo`): it knows it before there are threads. Memory can only be held by
//! the program itself.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use std::fs;

/// Where `policy` stands in `/proc/PID/stat` after the program's name (proc(5): field 41 of which two are before).
const POLICY: usize = 38;
const SCHED_FIFO: &str = "1";

/// Keeps the program's memory from being swapped out, and says in the log what the system does not grant and what that means.
pub fn claim() {
    if let Err(why) = hold_memory() {
        tracing::info!(
            reason = why,
            "memory may be swapped out: a card may wait for the disk; the unit has LimitMEMLOCK=infinity for this"
        );
    }
    if !comes_first() {
        tracing::info!(
            "normal priority: on a busy machine a card may wait some milliseconds; the unit has CPUSchedulingPolicy=fifo for this"
        );
    }
}

fn hold_memory() -> Result<(), &'static str> {
    // Under a limit, memory that comes later would be refused rather than not held.
    if getrlimit(Resource::Memlock).current.is_some() {
        return Err("there is a limit on memory that may be held");
    }
    // Only what is used: most of the threads' stacks never is.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    mlockall(flags).map_err(|_| "the system refuses")
}

fn comes_first() -> bool {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    policy(&stat) == Some(SCHED_FIFO)
}

/// The scheduling policy in the text of a `stat` file; the program's name before it may hold anything.
fn policy(stat: &str) -> Option<&str> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(POLICY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_found_behind_any_name() {
        // A shell under `chrt -f 10`, its name changed.
        let stat = "2231 (a ) 1 b) S 2229 2231 2229 34816 2249 4194304 1214 11560 0 0 0 0 4 3 -11 0 1 0 66113 8044544 1031 18446744073709551615 \
                    94246459564032 94246460513533 140724903403536 0 0 0 65536 3686404 1266761467 1 0 0 17 0 10 1 0 0 0 94246460749424";
        assert_eq!(policy(stat), Some(SCHED_FIFO));
        assert_eq!(policy(""), None);
        let own = fs::read_to_string("/proc/self/stat").expect("every process has one");
        assert!(policy(&own).is_some_and(|policy| policy.len() == 1));
    }
}
