//! One disk with several handles.

use crate::disk::Disk;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle to a disk; clones are handles to the same disk.
pub struct SharedDisk<D>(Arc<Mutex<D>>);

impl<D: Disk> SharedDisk<D> {
    /// Takes a disk to share.
    #[must_use]
    pub fn new(disk: D) -> Self {
        Self(Arc::new(Mutex::new(disk)))
    }

    fn lock(&self) -> MutexGuard<'_, D> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D> Clone for SharedDisk<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: Disk> Disk for SharedDisk<D> {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.lock().read(name)
    }
    fn read_start(&self, name: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        self.lock().read_start(name, most)
    }
    fn write_atomic(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.lock().write_atomic(name, bytes)
    }
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.lock().append(name, bytes)
    }
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.lock().truncate(name, len)
    }
    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.lock().sync(name)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.lock().remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.lock().list()
    }
}
