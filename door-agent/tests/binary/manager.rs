//! A service manager, played by a socket: it hears when the agent is ready, that its loop turns, and when it ends.

use crate::{Door, PAID, Running, pair_and_fill};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

/// A beat every tenth of a second.
const WATCHDOG_USEC: &str = "300000";
const BEAT: &str = "WATCHDOG=1";
/// So many beats of one agent are time enough for one beat of another that is not held up.
const ENOUGH: usize = 10;

/// A door whose agent is watched.
struct Watched {
    door: Door,
    manager: UnixDatagram,
    running: Running,
}

impl Watched {
    fn start(log: Stdio) -> Self {
        let door = Door::new();
        pair_and_fill(&door.state());
        let path = door.folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).expect("it binds");
        let child = door
            .command(&["run"])
            .env("NOTIFY_SOCKET", path)
            .env("WATCHDOG_USEC", WATCHDOG_USEC)
            .stderr(log)
            .spawn()
            .expect("it starts");
        Self {
            door,
            manager,
            running: Running(child),
        }
    }

    /// The next word it says.
    fn says(&self) -> String {
        let mut bytes = [0; 256];
        let count = self.manager.recv(&mut bytes).expect("it says something");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    /// Waits until it has beaten so often.
    fn beats(&self, times: usize) {
        for _ in 0..times {
            while self.says() != BEAT {}
        }
    }

    /// Forgets what it has said already, and tells how much that was.
    fn forget(&self) -> usize {
        self.manager.set_nonblocking(true).expect("a socket");
        let said = std::iter::from_fn(|| match self.manager.recv(&mut [0; 256]) {
            Ok(_) => Some(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("the socket fails: {error}"),
        })
        .count();
        self.manager.set_nonblocking(false).expect("a socket");
        said
    }

    fn signal(&self, name: &str) {
        let pid = self.running.0.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", name, &pid])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.running.0.id()));
        stat.expect("it is there").contains(") T ")
    }
}

#[test]
fn the_agent_is_ready_when_a_card_can_be_decided_then_beats_and_says_when_it_ends() {
    let mut watched = Watched::start(Stdio::null());
    assert_eq!(watched.says(), "READY=1");
    watched.door.tap(PAID);
    watched.door.wait_for("\"released\"");
    let mut said = Vec::new();
    while !said.iter().any(|word: &String| word.starts_with("STATUS=")) {
        said.push(watched.says());
    }
    let status = "STATUS=no connection to the broker: the doors go on from their lists";
    assert_eq!(said.pop().as_deref(), Some(status));
    watched.beats(3);
    watched.signal("TERM");
    while watched.says() != "STOPPING=1" {}
    watched.door.wait_for("\"rest\"");
    assert!(watched.running.0.wait().expect("it ends").success());
}

#[test]
fn an_agent_that_is_stopped_is_silent_and_beats_again_when_it_goes_on() {
    let (stopped, other) = (Watched::start(Stdio::null()), Watched::start(Stdio::null()));
    stopped.beats(1);
    stopped.signal("STOP");
    while !stopped.is_stopped() {
        other.beats(1);
    }
    stopped.forget();
    other.forget();
    other.beats(ENOUGH);
    assert_eq!(stopped.forget(), 0);
    stopped.signal("CONT");
    stopped.beats(2);
}

/// Its log goes into a pipe that nobody empties.
#[test]
fn a_log_that_nobody_takes_holds_up_no_door() {
    let mut watched = Watched::start(Stdio::piped());
    let _log = watched.running.0.stderr.take().expect("a pipe");
    watched.beats(1);
    let nonsense = "nonsense that is logged\n".repeat(1000);
    let mut reader = OpenOptions::new()
        .write(true)
        .open(watched.door.folder.path().join("reader"))
        .expect("it opens");
    // More lines than any pipe holds, each told in the log.
    for _ in 0..20 {
        reader
            .write_all(nonsense.as_bytes())
            .expect("the loop goes on reading");
    }
    watched.forget();
    watched.beats(2);
    watched.door.tap(PAID);
    watched.door.wait_for("\"released\"");
}
