//! Each thread and the one that its database makes on one core: they only ever wait for each other, and waking a thread
//! on another core takes longer than most queries.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that this process may use; none told: one thread at a time.
#[must_use]
pub fn cores() -> Vec<Option<usize>> {
    let Ok(all) = sched_getaffinity(None) else {
        return vec![None];
    };
    let all = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core));
    all.map(Some).collect()
}

/// Keeps this thread, and those that it will make, on one core.
pub fn stay_on(core: Option<usize>) {
    let Some(core) = core else { return };
    let mut only = CpuSet::new();
    only.set(core);
    if let Err(error) = sched_setaffinity(None, &only) {
        eprintln!("not kept on core {core}, slower: {error}");
    }
}
