//! The real disk: one directory that belongs to one running agent.

use super::Disk;
use atomic_write_file::AtomicWriteFile;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "lock";

/// A state directory, locked against a second agent for as long as this value lives.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    lock: Option<File>,
    /// It could not be locked, and is tried again before every change.
    tries_again: bool,
    open: BTreeMap<String, Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    name_durable: bool,
}

impl Directory {
    /// Opens `path` for writing, creates it (mode 0700) if need be, and clears what an interrupted write left behind.
    ///
    /// # Errors
    /// If it cannot be made or locked; `WouldBlock` if another process holds it.
    pub fn open(path: &Path) -> io::Result<Directory> {
        let mut directory = Self::read_only(path);
        directory.lock = Some(lock(path)?);
        Ok(directory)
    }

    /// The same; what cannot be written is read, and every change tries anew whether it can be.
    ///
    /// # Errors
    /// `WouldBlock` if another process holds it.
    pub fn open_as_it_is(path: &Path) -> io::Result<Directory> {
        match Self::open(path) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                tracing::error!(directory = %path.display(), reason = %error, "nothing can be stored, the doors go on from what lies there: check the disk");
                let mut directory = Self::read_only(path);
                directory.tries_again = true;
                Ok(directory)
            }
            opened => opened,
        }
    }

    /// Opens `path` to look at it beside a running agent: every change is refused.
    pub fn read_only(path: &Path) -> Directory {
        Directory {
            path: path.to_owned(),
            lock: None,
            tries_again: false,
            open: BTreeMap::new(),
        }
    }

    /// What makes a file durable and its name with it, beside whoever writes to it.
    pub fn syncer(&self) -> impl FnMut(&str) -> io::Result<()> + Send + use<> {
        let (path, mut last) = (self.path.clone(), String::new());
        move |name| {
            match File::open(path.join(name)) {
                Ok(file) => file.sync_data()?,
                // Nothing is left of it to lose.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
            if last != name {
                File::open(&path)?.sync_all()?;
                name.clone_into(&mut last);
            }
            Ok(())
        }
    }

    fn writable(&mut self, name: &str) -> io::Result<PathBuf> {
        if self.lock.is_none() && self.tries_again {
            self.lock = Some(lock(&self.path)?);
        }
        if self.lock.is_none() {
            return Err(io::Error::new(
                ErrorKind::PermissionDenied,
                "the state directory was opened to be read only",
            ));
        }
        Ok(self.path.join(name))
    }

    fn appendable(&mut self, name: &str) -> io::Result<&mut Open> {
        let path = self.writable(name)?;
        if !self.open.contains_key(name) {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)?;
            self.open.insert(
                name.to_owned(),
                Open {
                    file,
                    name_durable: false,
                },
            );
        }
        Ok(self
            .open
            .get_mut(name)
            .expect("it was inserted if it was missing"))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Disk for Directory {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_start(&self, name: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::with_capacity(most);
        file.take(most as u64).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn write_atomic(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.writable(name)?;
        self.open.remove(name);
        let mut options = AtomicWriteFile::options();
        atomic_write_file::unix::OpenOptionsExt::preserve_mode(&mut options, false);
        let mut file = options.mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.commit()
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.appendable(name)?.file.write_all(bytes)
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        let file = &self.appendable(name)?.file;
        file.set_len(len)?;
        file.sync_all()
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let open = self.appendable(name)?;
        open.file.sync_data()?;
        if !open.name_durable {
            self.sync_names()?;
            self.appendable(name)?.name_durable = true;
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let path = self.writable(name)?;
        self.open.remove(name);
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut found = match names(&self.path) {
            // Nothing was ever written to it.
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            named => named?,
        };
        found.retain(|name| !name.starts_with('.') && name != LOCK_FILE);
        found.sort();
        Ok(found)
    }
}

/// Makes and locks a directory, and clears what an interrupted write left behind.
fn lock(path: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let lock = private()
        .create(true)
        .truncate(false)
        .open(path.join(LOCK_FILE))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let text = format!("{} is in use by another door-agent", path.display());
            return Err(io::Error::new(ErrorKind::WouldBlock, text));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for name in names(path)?.iter().filter(|name| name.starts_with('.')) {
        fs::remove_file(path.join(name))?;
    }
    Ok(lock)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// The plain files of a directory; names that are not UTF-8 are none of ours.
fn names(path: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_file()
            && let Ok(name) = entry.file_name().into_string()
        {
            found.push(name);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_second_agent_cannot_open_the_same_directory_but_anyone_may_look() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut first = Directory::open(dir.path()).expect("the first opens");
        first.append("log", b"seen").expect("the first writes");

        let second = Directory::open(dir.path()).expect_err("the second is refused");
        assert_eq!(second.kind(), ErrorKind::WouldBlock);

        let mut looker = Directory::read_only(dir.path());
        assert_eq!(
            looker.read("log").expect("it can be read"),
            Some(b"seen".to_vec())
        );
        assert!(looker.append("log", b"!").is_err());
        assert!(looker.write_atomic("log", b"!").is_err());

        drop(first);
        assert!(Directory::open(dir.path()).is_ok());
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_read_until_it_can_be() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join("list"), b"kept").expect("it writes");
        // Nobody, not even root, opens a directory to write to it.
        let in_the_way = dir.path().join(LOCK_FILE);
        fs::create_dir(&in_the_way).expect("a directory");
        assert!(Directory::open(dir.path()).is_err());
        let mut disk = Directory::open_as_it_is(dir.path()).expect("it is read");
        assert_eq!(disk.read("list").expect("it reads"), Some(b"kept".to_vec()));
        assert!(disk.append("log", b"one").is_err());
        fs::remove_dir(&in_the_way).expect("it is removed");
        disk.append("log", b"two").expect("it is written now");
        let second = Directory::open_as_it_is(dir.path()).expect_err("it is locked now");
        assert_eq!(second.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn files_are_private_and_what_an_interrupted_write_left_is_cleared() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::write(dir.path().join(".list.aBcDeF"), b"half").expect("a leftover");
        let mut disk = Directory::open(dir.path()).expect("it opens");
        disk.write_atomic("list", b"whole").expect("it writes");
        disk.append("log", b"line").expect("it appends");

        assert_eq!(disk.list().expect("it lists"), ["list", "log"]);
        assert!(!dir.path().join(".list.aBcDeF").exists());
        for name in ["list", "log", LOCK_FILE] {
            let mode = fs::metadata(dir.path().join(name))
                .expect("it exists")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn appending_goes_on_at_the_end_after_a_cut_and_after_a_replacement() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut disk = Directory::open(dir.path()).expect("it opens");
        disk.append("log", b"abcdef").expect("it appends");
        disk.truncate("log", 2).expect("it cuts");
        disk.append("log", b"X").expect("it appends");
        disk.sync("log").expect("it syncs");
        assert_eq!(disk.read("log").expect("it reads"), Some(b"abX".to_vec()));

        disk.write_atomic("log", b"new").expect("it replaces");
        disk.append("log", b"er").expect("it appends");
        assert_eq!(disk.read("log").expect("it reads"), Some(b"newer".to_vec()));
        for (most, start) in [(3, &b"new"[..]), (9, b"newer")] {
            let read = disk.read_start("log", most).expect("it reads");
            assert_eq!(read.as_deref(), Some(start));
        }

        disk.remove("log").expect("it removes");
        disk.remove("log").expect("removing nothing is fine");
        assert_eq!(disk.read("log").expect("it reads"), None);
        assert_eq!(disk.read_start("log", 1).expect("it reads"), None);
    }
}
