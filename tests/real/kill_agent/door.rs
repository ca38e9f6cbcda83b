//! The built agent with one door: lines go to its reader, and come from its lock and from its log.

use crate::program::{built, command};
use crate::wait;
use door_agent::agent::stored::Stored;
use door_agent::disk::Directory;
use door_agent::identity;
use door_agent::keeper::Keeper;
use serde_json::json;
use shared::allow_list::{Digest, Revision};
use shared::card::CardUid;
use shared::door_clock::Sources;
use shared::time::{Span, Timestamp};
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The door's name.
pub const DOOR: &str = "front";

/// What the agent wrote that nobody has looked at.
struct Heard {
    file: File,
    waiting: Vec<u8>,
}

impl Heard {
    fn of(file: File) -> Self {
        Self {
            file,
            waiting: Vec::new(),
        }
    }

    /// Whole lines that are new.
    fn lines(&mut self) -> Vec<String> {
        let mut bytes = [0; 4096];
        loop {
            match self.file.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => self.waiting.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("what the agent wrote cannot be read: {error}"),
            }
        }
        let end = self.waiting.iter().rposition(|byte| *byte == b'\n');
        let whole: Vec<u8> = self.waiting.drain(..end.map_or(0, |end| end + 1)).collect();
        let text = String::from_utf8_lossy(&whole);
        text.lines().map(str::to_owned).collect()
    }
}

/// The agent, and whoever stands at its door.
pub struct Door {
    folder: PathBuf,
    reader: File,
    lock: Heard,
    log: Heard,
    child: Option<Child>,
    is_linked: bool,
    boot: Option<String>,
    answers: Vec<bool>,
}

impl Door {
    /// An agent that is not paired yet.
    pub fn new(folder: &Path) -> Self {
        let at = |name: &str| folder.join(name);
        for end in ["reader", "lock"] {
            let made = command("mkfifo").arg(at(end)).status();
            assert!(made.expect("coreutils are there").success());
        }
        let settings = format!(
            "state_dir = {:?}\n[[door]]\nid = {DOOR:?}\n[door.reader]\nkind = \"simulated\"\ninput = {:?}\n\
             [door.lock]\nkind = \"simulated\"\noutput = {:?}\nunlock_seconds = 1\n",
            at("state"),
            at("reader"),
            at("lock")
        );
        fs::write(at("agent.toml"), settings).expect("the test's own folder");
        // Opened for both: each is there whether the agent runs or not.
        let open = |name: &str| {
            let mut options = File::options();
            let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("a flag");
            options.read(true).write(true).custom_flags(flags);
            options.open(at(name)).expect("a FIFO")
        };
        File::create(at("agent.log")).expect("the test's own folder");
        Self {
            folder: folder.to_owned(),
            reader: open("reader"),
            lock: Heard::of(open("lock")),
            log: Heard::of(File::open(at("agent.log")).expect("just made")),
            child: None,
            is_linked: false,
            boot: None,
            answers: Vec::new(),
        }
    }

    fn command(&self) -> Command {
        let mut command = built("door-agent");
        let settings = self.folder.join("agent.toml");
        command.arg("--config").arg(settings);
        command.env("DOOR_AGENT_LOG", "info,rumqttc=error");
        command
    }

    /// Makes it known to the server.
    pub fn pair(&self, server: &str, code: &str) {
        let words = ["pair", "--server", server, "--code", code];
        let paired = self.command().args(words).output().expect("it runs");
        assert!(paired.status.success(), "{paired:?}");
    }

    /// Launches it and waits for nothing.
    pub fn launch(&mut self) {
        (self.is_linked, self.boot) = (false, None);
        let mut log = File::options();
        let log = log.append(true).open(self.folder.join("agent.log"));
        let mut command = self.command();
        command.arg("run").stderr(log.expect("just made"));
        self.child = Some(command.spawn().expect("it is built"));
    }

    /// Kills it; what it has answered until then.
    pub fn kill(&mut self) -> Vec<bool> {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it runs");
        child.wait().expect("a child of this process");
        // Nobody takes these any more: its next run must not.
        drop(Heard::of(self.reader.try_clone().expect("a file")).lines());
        self.look();
        std::mem::take(&mut self.answers)
    }

    /// Reads all that it wrote.
    fn look(&mut self) {
        for line in self.lock.lines() {
            let line: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
            match (line["lock"].as_str(), line["signal"].as_str()) {
                (Some("released"), _) => self.answers.push(true),
                (_, Some("refused" | "see_staff" | "wrong_moment" | "door_trouble")) => {
                    self.answers.push(false);
                }
                (_, _) => {}
            }
        }
        for line in self.log.lines() {
            self.is_linked |= line.contains("connected to the broker");
            let named = line.split_once("the agent runs boot=");
            let named = named.and_then(|(_, rest)| rest.split(' ').next());
            self.boot = named.map(str::to_owned).or(self.boot.take());
        }
    }

    /// The name of the run that was launched last, if it said so.
    pub fn boot(&self) -> Option<String> {
        self.boot.clone()
    }

    /// Holds a card to the reader.
    pub fn show(&mut self, uid: &CardUid) {
        let line = json!({"door": DOOR, "card": uid.reveal()});
        writeln!(self.reader, "{line}").expect("a FIFO with room");
    }

    /// Waits until so many cards are answered.
    pub fn answered(&mut self, count: usize) {
        wait::closely("the door answers", || {
            self.look();
            (self.answers.len() >= count).then_some(())
        });
    }

    /// Waits until it has reached the broker.
    pub fn linked(&mut self) {
        wait::closely("the agent reaches the broker", || {
            self.look();
            self.is_linked.then_some(())
        });
    }

    fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// How the badge log lies on disk.
    pub fn badges(&self) -> Vec<(String, u64)> {
        files(&self.state().join("badges"), "spool-")
    }

    /// How the list lies on disk, with what is being written in its place.
    pub fn list(&self) -> Vec<(String, u64)> {
        files(&self.state(), "list-")
    }

    /// Removes the files of the list, as a check of the disk may.
    pub fn lose_list(&self) {
        for (name, _) in self.list() {
            fs::remove_file(self.state().join(name)).expect("the agent is not running");
        }
    }

    /// Which list the agent will find when it starts next.
    pub fn held(&self) -> Option<(Revision, Digest)> {
        let disk = || Box::new(Directory::read_only(&self.state()));
        let (identity, paired) = identity::load(&*disk()).expect("it is paired");
        let mut keeper = Keeper::open(disk(), disk(), &identity);
        let sources = Sources {
            wall: Timestamp(0),
            uptime: Span(0),
            synchronised: false,
        };
        let stored = Stored::read(&mut keeper, &identity, &paired, sources);
        let list = stored.zone(&DOOR.parse().expect("a name"))?.list()?;
        Some((list.revision(), list.digest()))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.join("agent.log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(40)..];
            eprintln!("--- the agent said last:\n{}", last.join("\n"));
        }
    }
}

/// Names and lengths of the files with such a name; one that goes meanwhile is left out.
fn files(folder: &Path, part: &str) -> Vec<(String, u64)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<(String, u64)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let length = entry.metadata().ok()?.len();
            name.contains(part).then_some((name, length))
        })
        .collect();
    files.sort();
    files
}
