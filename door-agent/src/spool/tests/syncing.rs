//! A disk that takes its time with a sync, and events that come meanwhile.

use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A disk on which a sync ends when it is let.
struct Slow {
    disk: MemoryDisk,
    /// Syncs that were begun, and that may end.
    begun: Arc<AtomicU64>,
    may_end: Arc<AtomicU64>,
    at_it: Option<String>,
}

impl Disk for Slow {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.disk.read(name)
    }
    fn write_atomic(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_atomic(name, bytes)
    }
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.append(name, bytes)
    }
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.disk.truncate(name, len)
    }
    fn sync(&mut self, name: &str) -> io::Result<()> {
        if self.at_it.as_deref() != Some(name) {
            self.at_it = Some(name.to_owned());
            self.begun.fetch_add(1, Ordering::Relaxed);
        }
        if self.begun.load(Ordering::Relaxed) > self.may_end.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.at_it = None;
        self.disk.sync(name)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
}

#[test]
fn a_sync_says_nothing_of_what_was_written_after_it_was_begun() {
    let [begun, may_end] = [0, 0].map(|none| Arc::new(AtomicU64::new(none)));
    let slow = Slow {
        disk: MemoryDisk::new(),
        begun: Arc::clone(&begun),
        may_end: Arc::clone(&may_end),
        at_it: None,
    };
    let (mut spool, _) = Spool::open(Box::new(slow), boot(1), Limits::default(), NOW);
    append(&mut spool, 1);
    let is_at_it = |synced: io::Result<()>| {
        synced.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    };
    assert!(is_at_it(spool.sync(NOW)));
    assert!(spool.is_synced(), "nothing came since");
    append(&mut spool, 1);
    assert!(is_at_it(spool.sync(NOW)));
    assert_eq!(begun.load(Ordering::Relaxed), 1, "one after the other");
    may_end.store(1, Ordering::Relaxed);
    spool.sync(NOW).expect("the first event is durable");
    assert!(!spool.is_synced(), "the second is not");
    assert!(is_at_it(spool.sync(NOW)));
    may_end.store(2, Ordering::Relaxed);
    spool.sync(NOW).expect("the second event is durable");
    assert!(spool.is_synced());
}

#[test]
fn a_segment_that_is_full_is_closed_although_the_disk_is_at_its_sync() {
    let none = || Arc::new(AtomicU64::new(0));
    let disk = MemoryDisk::new();
    let slow = Slow {
        disk: disk.clone(),
        begun: none(),
        may_end: none(),
        at_it: None,
    };
    let (mut spool, _) = Spool::open(Box::new(slow), boot(1), small_segments(), NOW);
    // Each must be written, or this fails.
    append(&mut spool, 30);
    drop(spool);
    let (mut spool, recovery) = open(&disk, 2, small_segments());
    assert_eq!(recovery.missing, 0);
    assert_eq!(all_pending(&mut spool), events(1, 1..=30));
}
