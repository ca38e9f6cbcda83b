//! What the agent asks of a disk: small, flat, and with its durability spelled out.

pub mod directory;
pub mod memory;

pub use directory::Directory;
pub use memory::MemoryDisk;

use std::io;

/// Files by flat name in one place; nothing else of the agent touches the state directory.
pub trait Disk: Send {
    /// The whole content of a file, or `None` if there is no such file.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// The first bytes of a file, `most` at most, or `None` if there is no such file.
    fn read_start(&self, name: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        let whole = self.read(name)?;
        Ok(whole.map(|mut bytes| {
            bytes.truncate(most);
            bytes
        }))
    }

    /// Puts `bytes` in place of the file whole or not at all; durable on return.
    fn write_atomic(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Adds `bytes` at the end of a file, which is created if need be; durable only after [`Disk::sync`], and a
    /// failed call may leave some of the bytes behind.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Cuts a file to `len` bytes; durable on return.
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()>;

    /// Makes everything appended to a file durable, and its name with it; `WouldBlock` while that is under way, and then
    /// it is told when it is asked again, as of the first time.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Removes a file if it exists; after a power cut it may be back.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// The names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
}
