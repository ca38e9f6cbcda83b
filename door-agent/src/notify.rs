//! What the agent tells the service manager that started it (`sd_notify(3)`): ready, alive, how it is, about to end.
//!
//! Once the doors are served nothing here waits: a manager that does not listen must not hold them up.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How long a busy manager may take to hear that the agent is ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service manager, or nobody.
#[derive(Debug, Default)]
pub struct Manager {
    socket: Option<UnixDatagram>,
    every: Option<Duration>,
}

impl Manager {
    /// The manager at `NOTIFY_SOCKET`, a path or an abstract name after `@`, which wants a sign of life every `WATCHDOG_USEC`
    /// microseconds if that is a number.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn at(socket: &OsStr, watchdog_usec: Option<&OsStr>) -> io::Result<Self> {
        let address = match socket.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(socket)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let patience: Option<u64> =
            watchdog_usec.and_then(|usec| usec.to_str()?.parse().ok().filter(|usec| *usec > 0));
        Ok(Self {
            socket: Some(socket),
            // Twice as often as asked, as the manual has it, and once more: one beat may be late.
            every: patience.map(|usec| Duration::from_micros(usec.div_ceil(3))),
        })
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn listens(&self) -> bool {
        self.socket.is_some()
    }

    /// How often to [`beat`](Self::beat), if at all.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        self.every
    }

    /// The first card can be decided now: the one word that a busy manager has to take.
    pub fn ready(&self) {
        self.tell("READY=1");
        if let Some(socket) = &self.socket {
            // Fails for no socket there is.
            drop(socket.set_nonblocking(true));
        }
    }

    /// The loop turns.
    pub fn beat(&self) {
        self.tell("WATCHDOG=1");
    }

    /// How it is, in words for people.
    pub fn status(&self, words: &str) {
        // A line break would begin another word to the manager.
        self.tell(&format!("STATUS={}", words.replace('\n', " ")));
    }

    /// It ends because it was told to.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, text: &str) {
        if let Some(socket) = &self.socket {
            // A manager that does not keep up gets the next one.
            drop(socket.send(text.as_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let count = socket.recv(&mut bytes).expect("something was said");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn the_manager_hears_each_word_at_a_path_or_an_abstract_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let name = format!("goodstanding-notify-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).expect("short enough");
        let sockets = [
            (
                UnixDatagram::bind(&path).expect("binds"),
                path.into_os_string(),
            ),
            (
                UnixDatagram::bind_addr(&abstract_name).expect("binds"),
                format!("@{name}").into(),
            ),
        ];
        for (socket, at) in sockets {
            let manager = Manager::at(&at, Some("3000000".as_ref())).expect("somebody listens");
            assert_eq!(manager.every(), Some(Duration::from_secs(1)));
            manager.ready();
            manager.status("all is\nwell");
            manager.beat();
            manager.stopping();
            let words = [(); 4].map(|()| heard(&socket));
            assert_eq!(
                words,
                ["READY=1", "STATUS=all is well", "WATCHDOG=1", "STOPPING=1"]
            );
        }
    }

    #[test]
    fn a_manager_that_does_not_listen_holds_nobody_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("binds");
        let manager = Manager::at(path.as_os_str(), None).expect("somebody listens");
        manager.ready();
        for _ in 0..10_000 {
            manager.beat();
        }
        drop(socket);
        manager.beat();
        assert!(Manager::at(folder.path().join("nobody").as_os_str(), None).is_err());
        assert_eq!(manager.every(), None);
    }
}
