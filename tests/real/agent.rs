//! The built door agent: its doors are a serial line that another program writes to, and a lock of JSON lines. An agent built for
//! another machine hears JSON lines too: the emulator has no serial lines.

use crate::program::{Answering, Program, built, command, python};
use crate::server::Site;
use crate::wait;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The agent's name on the server.
pub const AGENT: &str = "pi";

/// What a person with a card sees at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The lock was released.
    Opens,
    /// It was not, and a lamp says so.
    Refuses,
}

struct Door {
    reader: Reader,
    lock: PathBuf,
}

enum Reader {
    Serial(Answering),
    Simulated(File),
}

impl Reader {
    fn show(&mut self, door: &str, card: &str) {
        match self {
            Self::Serial(line) => assert_eq!(line.ask(card), "shown"),
            Self::Simulated(lines) => {
                writeln!(lines, "{}", json!({"door": door, "card": card})).expect("a FIFO");
            }
        }
    }
}

/// An agent with its folder.
pub struct Agent {
    folder: PathBuf,
    doors: BTreeMap<&'static str, Door>,
    /// Another program than the built one.
    emulated: Option<PathBuf>,
    program: Option<Program>,
}

impl Agent {
    /// An agent that does not run yet; the readers of its doors are there.
    pub fn new(folder: &Path, doors: &[&'static str]) -> Self {
        let mut settings = format!("state_dir = {:?}\n", folder.join("state"));
        let mut all = BTreeMap::new();
        for door in doors {
            let (device, lock) = (
                folder.join(format!("{door}.reader")),
                folder.join(format!("{door}.lock")),
            );
            write!(
                settings,
                "[[door]]\nid = {door:?}\n[door.reader]\nkind = \"serial\"\ndevice = {device:?}\nformat = \"rdm6300\"\n\
                 [door.lock]\nkind = \"simulated\"\noutput = {lock:?}\nunlock_seconds = 1\n"
            )
            .expect("writing to memory cannot fail");
            let name = format!("reader-{door}");
            let reader = Answering::start(&name, folder, python("reader.py").arg(&device));
            let reader = Reader::Serial(reader);
            all.insert(*door, Door { reader, lock });
        }
        Self::with(folder, &settings, all, None)
    }

    /// The same of another program, with FIFOs in place of serial lines.
    pub fn emulated(folder: &Path, doors: &[&'static str], program: &Path) -> Self {
        let mut settings = format!("state_dir = {:?}\n", folder.join("state"));
        let mut all = BTreeMap::new();
        for door in doors {
            let [cards, lock] = ["cards", "lock"].map(|end| folder.join(format!("{door}.{end}")));
            write!(
                settings,
                "[[door]]\nid = {door:?}\n[door.reader]\nkind = \"simulated\"\ninput = {cards:?}\n\
                 [door.lock]\nkind = \"simulated\"\noutput = {lock:?}\nunlock_seconds = 1\n"
            )
            .expect("writing to memory cannot fail");
            let made = command("mkfifo").arg(&cards).status();
            assert!(made.expect("coreutils are there").success());
            // Opened for both, so that it waits for nobody.
            let fifo = File::options().read(true).write(true).open(&cards);
            let reader = Reader::Simulated(fifo.expect("it is there"));
            all.insert(*door, Door { reader, lock });
        }
        Self::with(folder, &settings, all, Some(program.to_owned()))
    }

    fn with(
        folder: &Path,
        settings: &str,
        doors: BTreeMap<&'static str, Door>,
        emulated: Option<PathBuf>,
    ) -> Self {
        std::fs::write(folder.join("agent.toml"), settings).expect("the test's own folder");
        Self {
            folder: folder.to_owned(),
            doors,
            emulated,
            program: None,
        }
    }

    /// Where its identity and its lists lie.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    fn command(&self) -> Command {
        let mut command = self
            .emulated
            .as_ref()
            .map_or_else(|| built("door-agent"), command);
        command
            .arg("--config")
            .arg(self.folder.join("agent.toml"))
            .env("DOOR_AGENT_LOG", "debug,rumqttc=info");
        command
    }

    /// Runs one of its commands.
    pub fn says(&self, words: &[&str]) -> Output {
        self.command().args(words).output().expect("it runs")
    }

    /// Pairs it by a code; the answer is the command's.
    pub fn try_pair(&self, url: &str, code: &str) -> Output {
        self.says(&["pair", "--server", url, "--code", code])
    }

    /// Makes the agent at an organisation and pairs it.
    pub fn pair(&self, site: &Site) {
        let made = site.post("/agents", &json!({"id": AGENT, "name": "Pi"}));
        let code = made["code"].as_str().expect("a code");
        let paired = self.try_pair(&site.url, code);
        assert!(paired.status.success(), "{paired:?}");
    }

    /// Starts it.
    pub fn start(&mut self) {
        self.program = Some(Program::start(
            "door-agent",
            &self.folder,
            self.command().arg("run"),
        ));
    }

    /// Kills it and starts it again.
    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// What the agent says, from its files alone, would be decided for a card.
    pub fn decides(&self, card: &str) -> String {
        String::from_utf8_lossy(&self.says(&["decide", card]).stdout).into_owned()
    }

    /// Kills it; nobody starts it again.
    pub fn kill(&mut self) {
        self.program.take().expect("it runs").kill();
    }

    /// Holds a card at a door's reader until the door has answered.
    pub fn tap(&mut self, door: &str, card: &str) -> Seen {
        let there = format!("the reader is there door.id={door}");
        let program = self.program.as_mut().expect("it runs");
        wait::until("the agent has opened its reader", || {
            program.must_run();
            program.said().contains(&there).then_some(())
        });
        let Door { reader, lock } = self.doors.get_mut(door).expect("a door of this agent");
        let before = lines(lock).len();
        reader.show(door, card);
        wait::until("the door answers the card", || {
            program.must_run();
            lines(lock)[before..].iter().find_map(seen)
        })
    }

    /// Holds a card at a door's reader, whatever the door makes of it.
    pub fn show(&mut self, door: &str, card: &str) {
        let Door { reader, .. } = self.doors.get_mut(door).expect("a door of this agent");
        reader.show(door, card);
    }

    /// Whether every lock rests.
    pub fn rests(&self) -> bool {
        self.doors.values().all(|door| {
            let last = lines(&door.lock)
                .into_iter()
                .rev()
                .find(|line| !line["lock"].is_null());
            last.is_some_and(|line| line["lock"] == "rest")
        })
    }
}

/// What the lock did, line by line; a line that is being written does not count.
fn lines(lock: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(lock).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

fn seen(line: &Value) -> Option<Seen> {
    match (line["lock"].as_str(), line["signal"].as_str()) {
        (Some("released"), _) => Some(Seen::Opens),
        (_, Some("refused" | "see_staff" | "wrong_moment" | "door_trouble")) => Some(Seen::Refuses),
        (_, _) => None,
    }
}
