//! The built door agent before a long list on a real disk, and whoever stands at its door.

use super::prepare::{self, Club, door, zone};
use super::{ingest, timing};
use anyhow::Context as _;
use door_agent::disk::Directory;
use door_agent::identity;
use door_agent::keeper::{Job, Keeper, SharedDisk, Shelf as _, Work};
use shared::allow_list::{AllowList, Epoch, Revision};
use shared::card::{CardKey, CardToken, CardUid};
use shared::decide::Policy;
use shared::ids::Holder;
use shared::rights::{CardState, Entry, Flags, Right};
use shared::time::{Span, Timestamp};
use shared::wire::PolicyMessage;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The last cards of a list open nothing: their holders' memberships have ended.
pub const LAPSED: u32 = 1000;
/// Rights end on so many different days: what we choose falls at noon, and a renewal is due within a year.
const ENDS: i64 = 365;
/// Nobody listens there: the agent decides without its server.
const NOWHERE: &str = "mqtt://127.0.0.1:9";
/// A door that has not answered by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a door did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// It released its lock.
    Released,
    /// It showed that it does not.
    Refused,
    /// Its lock rests, or a lamp showed something else.
    Other,
}

/// A paired agent's folder: settings, state, a line to its reader and one from its lock.
pub struct Folder {
    directory: TempDir,
    /// The key by which its zone knows cards.
    pub key: CardKey,
    cards: u32,
}

/// The number of a card, by its place on the list; behind the last place nobody knows it.
pub fn uid(place: u32) -> CardUid {
    let [a, b, c, d] = (place + 0x1500_0000).to_be_bytes();
    CardUid::from_bytes(&[0x62, a, b, c, d]).expect("five bytes that are not alike")
}

/// What a reader says of a card.
pub fn line(uid: &CardUid) -> String {
    format!(
        "{{\"door\":\"{}\",\"card\":\"{}\"}}\n",
        door(),
        uid.reveal()
    )
}

impl Folder {
    /// A paired agent that holds a list of so many cards and was never started.
    pub fn make(cards: u32) -> anyhow::Result<Self> {
        let runtime = ingest::runtime()?;
        let club = runtime.block_on(Club::make(1, 2))?;
        let copy = club.copy()?;
        let key = runtime.block_on(async {
            let app = copy.app().await?;
            app.store.close().await;
            anyhow::Ok(app.keys.card_key(&zone(), 1))
        })?;
        let folder = Self {
            directory: prepare::directory()?,
            key,
            cards,
        };
        let Club {
            identity,
            mut paired,
            ..
        } = club;
        paired.pairing.broker = NOWHERE.to_owned();
        let mut disk = SharedDisk::new(Directory::open(&folder.state())?);
        identity::store(&mut disk, &identity, &paired)?;
        let mut keeper = Keeper::open(Box::new(disk.clone()), Box::new(disk), &identity);
        folder.keep(&mut keeper)?;
        for end in [folder.reader(), folder.lock()] {
            let made = Command::new("mkfifo").arg(&end).status()?;
            anyhow::ensure!(made.success(), "mkfifo ended with {made}");
        }
        let settings = format!(
            "state_dir = {:?}\n[[door]]\nid = \"{}\"\n[door.reader]\nkind = \"simulated\"\ninput = {:?}\n\
             [door.lock]\nkind = \"simulated\"\noutput = {:?}\n",
            folder.state(),
            door(),
            folder.reader(),
            folder.lock()
        );
        fs::write(folder.settings(), settings)?;
        Ok(folder)
    }

    fn keep(&self, keeper: &mut Keeper) -> anyhow::Result<()> {
        let revision = Revision {
            epoch: Epoch {
                number: 1,
                id: *b"benching",
            },
            number: 1,
        };
        let now = timing::now();
        let entries = (0..self.cards).map(|place| self.entry(place, now));
        let policy = PolicyMessage {
            revision,
            issued_at: now,
            policy: Policy::standard(),
        };
        keeper.submit(Job {
            number: 1,
            work: Work::List(zone(), AllowList::build(revision, entries), now),
        });
        keeper.submit(Job {
            number: 2,
            work: Work::Policy(zone(), minicbor::to_vec(policy)?),
        });
        anyhow::ensure!(self.list()?.is_file(), "the list was not stored");
        Ok(())
    }

    fn entry(&self, place: u32, now: Timestamp) -> Entry {
        let token = CardToken::of(&uid(place), &self.key);
        // As the server draws them, but the same in every run.
        let holder = u64::from(place).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 12;
        let is_lapsed = place >= self.cards - LAPSED;
        let right = Right {
            schedule: 0,
            not_before: None,
            not_after: Some(now + Span::days(1 + i64::from(place) % ENDS)),
            certain: false,
        };
        Entry {
            token,
            holder: Holder(holder.cast_signed() + 1),
            state: if is_lapsed {
                CardState::Lapsed
            } else {
                CardState::Ok
            },
            rights: if is_lapsed { vec![] } else { vec![right] },
            flags: Flags::default(),
            pin: None,
        }
    }

    /// How many cards its list has.
    pub fn cards(&self) -> u32 {
        self.cards
    }

    /// The file in which its list lies.
    ///
    /// # Errors
    /// If there is none, or no folder.
    pub fn list(&self) -> anyhow::Result<PathBuf> {
        let mut files = fs::read_dir(self.state())?;
        let largest = files.try_fold((0, PathBuf::new()), |largest, file| {
            let file = file?;
            anyhow::Ok(largest.max((file.metadata()?.len(), file.path())))
        })?;
        Ok(largest.1)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    fn settings(&self) -> PathBuf {
        self.path().join("agent.toml")
    }

    fn reader(&self) -> PathBuf {
        self.path().join("reader")
    }

    fn lock(&self) -> PathBuf {
        self.path().join("lock")
    }

    /// Shows a card and starts the agent, its badge log empty; returns it with the milliseconds from there to the lock
    /// being released for that card.
    ///
    /// # Errors
    /// If it does not start, or does not release the lock.
    pub fn start(&self) -> anyhow::Result<(Running, f64)> {
        let badges = door_agent::run::badges_dir(&self.state());
        if badges.exists() {
            fs::remove_dir_all(badges)?;
        }
        let own = std::env::current_exe()?;
        let target = own
            .ancestors()
            .nth(2)
            .context("this program lies in a folder of its profile")?;
        let binary = target.join("agent/door-agent");
        // Opened for both: it waits for nobody, and keeps what is written until somebody reads it.
        let mut reader = File::options().read(true).write(true).open(self.reader())?;
        reader.write_all(line(&uid(0)).as_bytes())?;
        let (seen, watch) = watch(self.lock())?;
        let mut command = Command::new(&binary);
        command
            .arg("--config")
            .arg(self.settings())
            .args(["--log", "error", "run"])
            .stdin(Stdio::null());
        let begun = timing::instant();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}: build it first", binary.display()))?;
        let mut running = Running {
            child,
            reader,
            seen,
            watch: Some(watch),
        };
        let at = running.until(Did::Released)?;
        let taken = at.duration_since(begun).as_secs_f64() * 1e3;
        Ok((running, taken))
    }
}

/// What a lock did when, and the thread that looks.
type Watched = (Receiver<(Instant, Did)>, JoinHandle<()>);

/// Tells what a lock did and when, until nobody has it open any more.
fn watch(lock: PathBuf) -> anyhow::Result<Watched> {
    let (tell, seen) = channel();
    let thread = std::thread::Builder::new()
        .name("lock".to_owned())
        .spawn(move || {
            if let Err(error) = hear(&lock, &tell) {
                tracing::error!("the lock cannot be read: {error}");
            }
        })?;
    Ok((seen, thread))
}

fn hear(lock: &Path, tell: &Sender<(Instant, Did)>) -> std::io::Result<()> {
    let mut lines = BufReader::new(File::open(lock)?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let at = timing::instant();
        let says = |word: &str| line.windows(word.len()).any(|part| part == word.as_bytes());
        let did = if says("\"released\"") {
            Did::Released
        } else if says("\"refused\"") || says("\"see_staff\"") {
            Did::Refused
        } else {
            Did::Other
        };
        // When nobody wants to know any more, the rest is read all the same: the next agent's lines are not for this thread.
        _ = tell.send((at, did));
        line.clear();
    }
    Ok(())
}

/// An agent at work; it is stopped in the end.
pub struct Running {
    child: Child,
    reader: File,
    seen: Receiver<(Instant, Did)>,
    watch: Option<JoinHandle<()>>,
}

impl Running {
    /// Lets the reader say something in one breath.
    ///
    /// # Errors
    /// If the agent is gone.
    pub fn say(&mut self, lines: &str) -> anyhow::Result<()> {
        Ok(self.reader.write_all(lines.as_bytes())?)
    }

    /// Waits until the door does that; when it did.
    ///
    /// # Errors
    /// If it does not.
    pub fn until(&mut self, wanted: Did) -> anyhow::Result<Instant> {
        loop {
            let (at, did) = self
                .seen
                .recv_timeout(PATIENCE)
                .with_context(|| format!("the agent's door never was {wanted:?}"))?;
            if did == wanted {
                return Ok(at);
            }
        }
    }

    /// Its resident memory (`VmRSS`), in megabytes.
    ///
    /// # Errors
    /// If this is no Linux.
    pub fn resident(&self) -> anyhow::Result<f64> {
        super::memory::resident_of(self.child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not killed: its guard would come and let the lock rest while the next agent has it.
        let process = self.child.id().to_string();
        drop(Command::new("kill").args(["-s", "TERM", &process]).status());
        drop(self.child.wait());
        drop(self.watch.take().map(JoinHandle::join));
    }
}
