use super::*;
use crate::agent::Start;
use crate::config::Config;
use crate::disk::{Disk, MemoryDisk};
use crate::guard::Guard;
use crate::identity::{Identity, Paired};
use crate::keeper::Keeper;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use shared::allow_list::{Epoch, Revision};
use shared::ids::{AgentId, BootId, OrganisationId};
use shared::keys::{OpeningKey, Signer};
use shared::time::{Span, Timestamp};
use shared::wire;
use shared::wire::pairing::Pairing;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A disk that, when it goes, looks at what the lock was told last.
struct Witness {
    disk: MemoryDisk,
    lock: PathBuf,
    seen: Arc<Mutex<Option<String>>>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let told = std::fs::read_to_string(&self.lock).unwrap_or_default();
        let last = told.lines().last().map(str::to_owned);
        *self.seen.lock().expect("nobody panics with it") = last;
    }
}

impl Disk for Witness {
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
        self.disk.sync(name)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
}

fn random() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([1; 32])
}

/// What an agent starts with that is paired and serves no door of the server's.
fn start(doors: &[Door]) -> Start {
    let identity = Identity::generate(&mut random());
    let server = Signer::from_seed(&[2; 32]).public();
    let epoch = Epoch {
        number: 1,
        id: [7; 8],
    };
    let config = wire::Config {
        revision: Revision { epoch, number: 1 },
        issued_at: Timestamp(0),
        doors: Vec::new(),
        signers: vec![server],
        sealing: OpeningKey::from_seed(&[3; 32]).public(),
        card_keys: Vec::new(),
    };
    let pairing = Pairing {
        organisation: OrganisationId::new("club").expect("a name"),
        agent: AgentId::new("pi").expect("a name"),
        broker: "mqtt://127.0.0.1:9".to_owned(),
        broker_pin: None,
        password: "secret".to_owned(),
        recovery: server,
        config,
    };
    Start {
        paired: Paired {
            server,
            agent: identity.signer.public(),
            pairing,
        },
        identity,
        boot: BootId([1; 16]),
        doors: doors.iter().map(LocalDoor::from).collect(),
        shadow: false,
        random: Box::new(random()),
    }
}

fn settings(folder: &Path) -> Config {
    let folder = folder.display();
    let text = format!(
        "state_dir = \"{folder}\"\n[[door]]\nid = \"front\"\n[door.reader]\nkind = \"simulated\"\n\
         input = \"{folder}/reader\"\n[door.lock]\nkind = \"simulated\"\noutput = \"{folder}/lock\"\n"
    );
    Config::parse(&text).expect("valid")
}

/// A shell whose badge log lies on this disk.
fn shell(config: &Config, badges: Box<dyn Disk>) -> Shell {
    let clock = SystemClock::start();
    let doors = Doors::open(&config.doors, clock.read()).expect("they are files");
    let start = start(&config.doors);
    let lists = || Box::new(MemoryDisk::new());
    let keeper = Keeper::open(lists(), lists(), &start.identity);
    let on_no_thread = |keeper| Ok(Box::new(keeper) as Box<dyn crate::keeper::Shelf>);
    let agent = Agent::start_on(keeper, on_no_thread, badges, start, clock.read());
    let same = config.clone();
    let load = move || Ok(same.clone());
    let post = || Ok(Guard::nobody());
    let settings = Settings::start(config.clone(), Box::new(load), Box::new(post));
    let (listeners, heard) = Listeners::new();
    Shell {
        doors,
        agent: agent.expect("it starts"),
        clock,
        settings: settings.expect("it reads"),
        listeners,
        heard,
        control: Control::deaf(&config.state_dir),
        link: Link {
            outgoing: mpsc::channel(1).0,
            incoming: mpsc::channel(1).1,
        },
        disk: Arc::new(Notify::new()),
        manager: Manager::default(),
    }
}

#[tokio::test]
async fn when_the_agent_goes_in_the_middle_of_a_grant_the_lock_rests_before_its_disk_is_waited_for()
{
    let folder = tempfile::tempdir().expect("a folder");
    let config = settings(folder.path());
    let seen = Arc::new(Mutex::new(None));
    let disk = Witness {
        disk: MemoryDisk::new(),
        lock: folder.path().join("lock"),
        seen: Arc::clone(&seen),
    };
    let mut shell = shell(&config, Box::new(disk));
    let until = shell.clock.uptime() + Span::seconds(60);
    shell.drive(&config.doors[0].id, Drive::Energise { until });
    drop(shell);
    let seen = seen.lock().expect("nobody panics with it").take();
    let seen = seen.expect("the disk is gone");
    assert!(seen.contains("\"rest\""), "{seen}");
}
