//! The disk's twin in memory, with knobs for everything a cheap SD card does to its owner.

use super::Disk;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A disk in memory; clones are handles to the same disk, so that it outlives the agent which used it.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    files: BTreeMap<String, Content>,
    /// Removed since names were last made durable: a power cut may bring them back.
    removed: BTreeMap<String, Content>,
    fail_writes: bool,
    unreadable: BTreeSet<String>,
    fail_lists: bool,
    capacity: Option<usize>,
    changes_left: Option<u64>,
    changes: u64,
    blocks_written: u64,
}

/// Bytes that a disk writes at least.
const BLOCK: usize = 4096;

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: usize,
    name_durable: bool,
}

impl MemoryDisk {
    /// An empty disk without limits.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// Lets every change fail, or work again.
    pub fn fail_writes(&self, fail: bool) {
        self.lock().fail_writes = fail;
    }

    /// Lets every read of a file fail, whatever it holds, or work again.
    pub fn fail_reads(&self, name: &str, fail: bool) {
        let unreadable = &mut self.lock().unreadable;
        if fail {
            unreadable.insert(name.to_owned());
        } else {
            unreadable.remove(name);
        }
    }

    /// Lets nobody learn which files there are, or lets them again.
    pub fn fail_lists(&self, fail: bool) {
        self.lock().fail_lists = fail;
    }

    /// Limits the bytes of all files together; an append that does not fit leaves what fits behind, as a real one may.
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.lock().capacity = bytes;
    }

    /// Lets `changes` more changes work and none after them, until [`MemoryDisk::power_cut`].
    pub fn cut_power_after(&self, changes: u64) {
        self.lock().changes_left = Some(changes);
    }

    /// How many changes (write, append, truncate, sync, remove) were asked for so far.
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// How many blocks of 4 KiB were written so far by calls that put bytes in files: each counts all that it touches.
    pub fn blocks_written(&self) -> u64 {
        self.lock().blocks_written
    }

    /// The bytes of all files together.
    pub fn used(&self) -> usize {
        self.lock().used()
    }

    /// Puts any bytes in a file, as damage does.
    pub fn overwrite(&self, name: &str, bytes: Vec<u8>) {
        let synced = bytes.len();
        self.lock().files.insert(
            name.to_owned(),
            Content {
                bytes,
                synced,
                name_durable: true,
            },
        );
    }

    /// Cuts the power and gives it back. `choose(n)` returns a number from 0 to n and decides what survives: how
    /// many of the n bytes which were not synced, whether the lost ones read as zeros instead of being gone, whether
    /// a new file's name is gone, whether a removed file is back.
    pub fn power_cut(&self, choose: &mut dyn FnMut(usize) -> usize) {
        let mut inner = self.lock();
        inner.changes_left = None;
        for (name, content) in std::mem::take(&mut inner.removed) {
            if choose(1) == 1 {
                inner.files.entry(name).or_insert(content);
            }
        }
        inner
            .files
            .retain(|_, content| content.name_durable || choose(1) == 1);
        for content in inner.files.values_mut() {
            let unsynced = content.bytes.len() - content.synced;
            if unsynced > 0 {
                let kept = content.synced + choose(unsynced).min(unsynced);
                if choose(1) == 1 {
                    content.bytes[kept..].fill(0);
                } else {
                    content.bytes.truncate(kept);
                }
            }
            content.synced = content.bytes.len();
            content.name_durable = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn used(&self) -> usize {
        self.files.values().map(|content| content.bytes.len()).sum()
    }

    fn begin_change(&mut self) -> io::Result<()> {
        self.changes += 1;
        match &mut self.changes_left {
            Some(0) => return Err(io::Error::other("the power is off")),
            Some(left) => *left -= 1,
            None => {}
        }
        if self.fail_writes {
            Err(io::Error::other("the disk fails"))
        } else {
            Ok(())
        }
    }

    /// Counts the blocks that bytes `from` to `to` of a file lie in.
    fn note_written(&mut self, from: usize, to: usize) {
        let blocks = to.div_ceil(BLOCK) - from / BLOCK;
        self.blocks_written += blocks as u64;
    }

    fn names_durable(&mut self) {
        self.removed.clear();
        for content in self.files.values_mut() {
            content.name_durable = true;
        }
    }
}

impl Disk for MemoryDisk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let inner = self.lock();
        if inner.unreadable.contains(name) {
            return Err(io::Error::other("the file cannot be read"));
        }
        Ok(inner.files.get(name).map(|content| content.bytes.clone()))
    }

    fn write_atomic(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.lock();
        inner.begin_change()?;
        if inner
            .capacity
            .is_some_and(|capacity| inner.used() + bytes.len() > capacity)
        {
            return Err(ErrorKind::StorageFull.into());
        }
        let content = Content {
            bytes: bytes.to_vec(),
            synced: bytes.len(),
            name_durable: true,
        };
        inner.files.insert(name.to_owned(), content);
        inner.note_written(0, bytes.len());
        inner.names_durable();
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.lock();
        inner.begin_change()?;
        let free = inner
            .capacity
            .map_or(usize::MAX, |capacity| capacity.saturating_sub(inner.used()));
        let fits = bytes.len().min(free);
        let content = inner.files.entry(name.to_owned()).or_default();
        let from = content.bytes.len();
        content.bytes.extend_from_slice(&bytes[..fits]);
        inner.note_written(from, from + fits);
        if fits < bytes.len() {
            Err(ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        let mut inner = self.lock();
        inner.begin_change()?;
        let content = inner.files.entry(name.to_owned()).or_default();
        content
            .bytes
            .resize(usize::try_from(len).map_err(io::Error::other)?, 0);
        content.synced = content.bytes.len();
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut inner = self.lock();
        inner.begin_change()?;
        let content = inner.files.entry(name.to_owned()).or_default();
        content.synced = content.bytes.len();
        inner.names_durable();
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut inner = self.lock();
        inner.begin_change()?;
        if let Some(content) = inner.files.remove(name) {
            inner.removed.insert(name.to_owned(), content);
        }
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let inner = self.lock();
        if inner.fail_lists {
            return Err(io::Error::other("the names cannot be read"));
        }
        Ok(inner.files.keys().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_cut_takes_only_what_was_not_synced() {
        let mut disk = MemoryDisk::new();
        disk.append("log", b"safe").expect("it appends");
        disk.sync("log").expect("it syncs");
        disk.append("log", b"lost").expect("it appends");
        disk.append("new", b"lost").expect("it appends");
        disk.power_cut(&mut |_| 0);
        assert_eq!(disk.read("log").expect("it reads"), Some(b"safe".to_vec()));
        assert_eq!(disk.read("new").expect("it reads"), None);
    }

    #[test]
    fn a_power_cut_can_bring_a_removed_file_back_and_leave_zeros() {
        let mut disk = MemoryDisk::new();
        disk.write_atomic("old", b"old").expect("it writes");
        disk.remove("old").expect("it removes");
        disk.append("log", b"abc").expect("it appends");
        disk.power_cut(&mut |most| most.min(1));
        assert_eq!(disk.read("old").expect("it reads"), Some(b"old".to_vec()));
        assert_eq!(disk.read("log").expect("it reads"), Some(b"a\0\0".to_vec()));
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let mut disk = MemoryDisk::new();
        disk.set_capacity(Some(3));
        let error = disk.append("log", b"abcd").expect_err("it is full");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(disk.read("log").expect("it reads"), Some(b"abc".to_vec()));
    }

    #[test]
    fn after_the_last_change_before_a_cut_nothing_changes() {
        let mut disk = MemoryDisk::new();
        disk.cut_power_after(1);
        disk.write_atomic("a", b"1").expect("one change is left");
        assert!(disk.write_atomic("a", b"2").is_err());
        disk.power_cut(&mut |_| 0);
        disk.write_atomic("a", b"3").expect("the power is back");
        assert_eq!(disk.read("a").expect("it reads"), Some(b"3".to_vec()));
    }
}
