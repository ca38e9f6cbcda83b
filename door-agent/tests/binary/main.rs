//! The built agent with a simulated door, paired by hand, at a broker that is not there.

mod local;
mod manager;
mod reload;
mod service;

use door_agent::agent::{Agent, Input, LocalDoor, Start};
use door_agent::controller::Settings;
use door_agent::disk::{Directory, Disk};
use door_agent::identity::{self, Identity, Paired};
use door_agent::keeper::SharedDisk;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest as _, Sha256};
use shared::allow_list::{AllowList, Epoch, Revision};
use shared::card::{CardKey, CardToken, CardUid};
use shared::decide::Policy;
use shared::door_clock::Sources;
use shared::ids::{AgentId, BootId, DoorId, Holder, OrganisationId, ZoneId};
use shared::keys::{OpeningKey, Signer};
use shared::rights::{CardState, Entry, Flags, Right};
use shared::time::{Span, Timestamp};
use shared::wire::pairing::Pairing;
use shared::wire::topics::Channel;
use shared::wire::{
    CARD_KEYS_PURPOSE, CardKeys, Config, DoorConfig, Head, Kind, PolicyMessage, Request,
    SnapshotPart, Sync, Topic, ZoneCardKey, open, seal,
};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

const KEY: CardKey = CardKey([9; 32]);
const PAID: &str = "0415AB01";
const STRANGER: &str = "0415AB02";

fn random() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([1; 32])
}

fn zone() -> ZoneId {
    ZoneId::new("wood").expect("a name")
}

fn front() -> DoorId {
    DoorId::new("front").expect("a name")
}

/// A folder with settings, and the FIFOs that are the door's card reader and its lock.
struct Door {
    folder: TempDir,
    lock: BufReader<File>,
    reader: File,
}

impl Door {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["reader", "lock"] {
            let made = Command::new("mkfifo")
                .arg(folder.path().join(name))
                .status()
                .expect("mkfifo runs");
            assert!(made.success());
        }
        let path = folder.path().display();
        let settings = format!(
            "state_dir = \"{path}/state\"\n[[door]]\nid = \"front\"\n[door.reader]\nkind = \"simulated\"\n\
             input = \"{path}/reader\"\n[door.lock]\nkind = \"simulated\"\noutput = \"{path}/lock\"\nunlock_seconds = 60\n"
        );
        std::fs::write(folder.path().join("settings.toml"), settings).expect("it writes");
        // Opened for both, so that nothing waits for the other end.
        let both = |name: &str| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(folder.path().join(name))
                .expect("it opens")
        };
        let (lock, reader) = (BufReader::new(both("lock")), both("reader"));
        Self {
            folder,
            lock,
            reader,
        }
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_door-agent"));
        command
            .arg("--config")
            .arg(self.folder.path().join("settings.toml"))
            .args(words);
        command
    }

    fn run(&self) -> Running {
        self.run_with(&["run"])
    }

    fn run_with(&self, words: &[&str]) -> Running {
        Running(
            self.command(words)
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts"),
        )
    }

    fn says(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it runs")
    }

    fn tap(&mut self, uid: &str) {
        writeln!(self.reader, "{{\"door\":\"front\",\"card\":\"{uid}\"}}").expect("it writes");
    }

    /// Waits for the next line that says this of the lock or the lamp, and returns what came before it.
    fn wait_for(&mut self, word: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let mut line = String::new();
            self.lock.read_line(&mut line).expect("it reads");
            if line.contains(word) {
                return before;
            }
            before.push(line);
        }
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Pairs the state directory by hand and lets an agent in this process accept a list with one paid card.
fn pair_and_fill(state: &Path) {
    let (server, opening) = (Signer::from_seed(&[2; 32]), OpeningKey::from_seed(&[3; 32]));
    let identity = Identity::generate(&mut random());
    let keys = CardKeys {
        keys: vec![ZoneCardKey {
            zone: zone(),
            id: 1,
            key: KEY.0,
        }],
    };
    let keys = minicbor::to_vec(keys).expect("encodes");
    let epoch = Epoch {
        number: 1,
        id: [7; 8],
    };
    let now = Timestamp::from_seconds(1_790_000_000);
    let config = Config {
        revision: Revision { epoch, number: 1 },
        issued_at: now,
        doors: vec![DoorConfig {
            door: front(),
            zone: zone(),
            enrols: false,
            again_within: None,
        }],
        signers: vec![server.public()],
        sealing: opening.public(),
        card_keys: identity
            .opening
            .public()
            .seal(CARD_KEYS_PURPOSE, &keys, &mut random())
            .expect("seals"),
    };
    let pairing = Pairing {
        organisation: OrganisationId::new("club").expect("a name"),
        agent: AgentId::new("pi").expect("a name"),
        // The port of a service that no machine offers.
        broker: "mqtt://127.0.0.1:9".to_owned(),
        broker_pin: None,
        password: "secret".to_owned(),
        recovery: server.public(),
        config,
    };
    let paired = Paired {
        server: server.public(),
        agent: identity.signer.public(),
        pairing,
    };
    let mut disk = SharedDisk::new(Directory::open(state).expect("it opens"));
    identity::store(&mut disk, &identity, &paired).expect("it stores");
    accept_list(&disk, identity, paired, &server, epoch, now);
}

fn accept_list(
    disk: &(impl Disk + Clone + 'static),
    identity: Identity,
    paired: Paired,
    server: &Signer,
    epoch: Epoch,
    now: Timestamp,
) {
    let public = identity.signer.public();
    let doors = vec![LocalDoor {
        id: front(),
        settings: Settings::unlocking(Span::seconds(5)),
    }];
    let start = Start {
        identity,
        paired,
        boot: BootId([1; 16]),
        doors,
        shadow: false,
        random: Box::new(random()),
    };
    let mut sources = Sources {
        wall: now,
        uptime: Span(0),
        synchronised: true,
    };
    let mut agent = Agent::start(disk.clone(), start, sources).expect("it starts");

    let policy = PolicyMessage {
        revision: Revision { epoch, number: 1 },
        issued_at: now,
        policy: Policy::standard(),
    };
    let token = CardToken::of(&CardUid::parse(PAID).expect("a card"), &KEY);
    let right = Right {
        schedule: 0,
        not_before: None,
        not_after: None,
        certain: true,
    };
    let entry = Entry {
        token,
        holder: Holder(1),
        state: CardState::Ok,
        rights: vec![right],
        flags: Flags::default(),
        pin: None,
    };
    let list = AllowList::build(Revision { epoch, number: 1 }, [entry]);
    let head = Head {
        revision: list.revision(),
        entries: 1,
        digest: list.digest(),
        policy: Sha256::digest(minicbor::to_vec(&policy.policy).expect("encodes")).into(),
        card_key: 1,
        issued_at: now,
        audit: None,
    };
    let topic =
        |channel| Topic::new(&OrganisationId::new("club").expect("a name"), channel).to_string();
    let message = |topic: String, payload| Input::Message { topic, payload };
    agent.handle(Input::Connected, sources);
    let to = topic(Channel::Policy(zone()));
    agent.handle(
        message(to.clone(), seal(Kind::Policy, &to, &policy, server)),
        sources,
    );
    let to = topic(Channel::Head(zone()));
    agent.handle(
        message(to.clone(), seal(Kind::Head, &to, &head, server)),
        sources,
    );
    sources.uptime = Span::seconds(5);
    agent.handle(Input::Tick, sources);
    let nonce = std::iter::from_fn(|| agent.next_output())
        .find_map(|output| match output {
            door_agent::agent::Output::Publish { topic, payload, .. } => {
                let opened = open(&payload, &topic, |_| Some(public)).ok()?;
                opened
                    .read::<Request>(Kind::Request)
                    .ok()
                    .map(|request| request.nonce)
            }
            door_agent::agent::Output::Drive { .. }
            | door_agent::agent::Output::Subscribe(_)
            | door_agent::agent::Output::Unsubscribe(_)
            | door_agent::agent::Output::Restart => None,
        })
        .expect("the agent asks for the list");
    let part = SnapshotPart::cut(&list).remove(0);
    let to = topic(Channel::Sync(AgentId::new("pi").expect("a name")));
    let answer = Sync::Snapshot {
        zone: zone(),
        nonce,
        part,
    };
    agent.handle(
        message(to.clone(), seal(Kind::Sync, &to, &answer, server)),
        sources,
    );
    assert_eq!(
        agent
            .zones()
            .next()
            .and_then(|zone| zone.list())
            .map(AllowList::len),
        Some(1)
    );
    agent.stop(sources);
}

#[test]
fn a_paid_card_opens_without_any_network_and_when_the_agent_is_killed_the_lock_rests() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    let mut running = door.run();
    door.wait_for("\"rest\"");
    door.tap(STRANGER);
    assert!(
        !door
            .wait_for("\"refused\"")
            .iter()
            .any(|line| line.contains("released"))
    );
    door.tap(PAID);
    door.wait_for("\"released\"");

    running.0.kill().expect("it is killed");
    // The lock's own time is a minute.
    door.wait_for("\"rest\"");
}

#[test]
fn told_to_end_the_agent_lets_the_lock_rest_first() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    let mut running = door.run();
    door.tap(PAID);
    door.wait_for("\"released\"");
    let term = Command::new("kill")
        .arg(running.0.id().to_string())
        .status()
        .expect("kill runs");
    assert!(term.success());
    door.wait_for("\"rest\"");
    assert!(running.0.wait().expect("it ends").success());
}

#[test]
fn people_at_the_machine_open_and_release_a_door_of_the_running_agent() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    let running = door.run();
    door.tap(STRANGER);
    door.wait_for("\"refused\"");
    let open = door.says(&["open", "front"]);
    assert!(open.status.success(), "{open:?}");
    door.wait_for("\"released\"");
    assert!(door.says(&["release", "front"]).status.success());
    door.wait_for("\"rest\"");
    let unknown = door.says(&["open", "back"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no door `back`"));
    drop(running);
}

#[test]
fn while_the_agent_does_not_run_a_release_is_logged_and_a_decision_explained() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    assert!(door.says(&["release", "front"]).status.success());
    door.wait_for("\"rest\"");
    let log = Directory::read_only(&door.state().join("badges"));
    assert!(
        log.list()
            .expect("it lists")
            .iter()
            .any(|name| name.starts_with("spool-"))
    );

    let paid = String::from_utf8(door.says(&["decide", PAID]).stdout).expect("text");
    assert_eq!(paid, "front opens: granted (Let in.)\n");
    let stranger = String::from_utf8(door.says(&["decide", STRANGER]).stdout).expect("text");
    assert_eq!(
        stranger,
        "front refuses: unknown (The card is not on the zone's list.)\n"
    );
}

#[test]
fn an_agent_that_is_not_paired_says_what_to_do_and_its_lock_rests() {
    let mut door = Door::new();
    let run = door.says(&["run"]);
    assert_eq!(run.status.code(), Some(78));
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(text.contains("door-agent pair"), "{text}");
    door.wait_for("\"rest\"");
    let check = door.says(&["check"]);
    assert_eq!(check.status.code(), Some(1));
    let text = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(
        text.contains("ok    lock of front: simulated") && text.contains("WRONG pairing"),
        "{text}"
    );
}

#[test]
fn settings_that_are_wrong_are_told_by_line_and_key() {
    let door = Door::new();
    let path = door.folder.path().join("settings.toml");
    let text = std::fs::read_to_string(&path)
        .expect("it reads")
        .replace("unlock_seconds", "unlock_second");
    std::fs::write(&path, text).expect("it writes");
    let run = door.says(&["run"]);
    assert_eq!(run.status.code(), Some(78));
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        text.contains("line 10") && text.contains("unlock_second"),
        "{text}"
    );
}

#[test]
fn settings_that_are_no_text_are_not_tried_again() {
    let door = Door::new();
    let path = door.folder.path().join("settings.toml");
    std::fs::write(&path, b"# K\xfcche\n").expect("it writes");
    let run = door.says(&["run"]);
    assert_eq!(run.status.code(), Some(78));
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(text.contains("line 1: is not UTF-8"), "{text}");
}
