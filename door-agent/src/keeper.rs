//! What the agent has accepted, kept over restarts and signed by the agent itself.
//!
//! Lists are kept as merged from many messages, so no signature of the server covers them as they lie on disk. The
//! agent signs what it verified; whoever can forge that signature owns the machine and its lock anyway.
//!
//! The agent hands over work and hears later what became of it ([`Shelf`]), so that a slow disk holds up no card.

use crate::disk::Disk;
use crate::identity::Identity;
use crate::store::{AgentState, Highest, Store, StoreError};
use crate::zone::{HeldPolicy, InForce, Remembered};
use sha2::{Digest as _, Sha256};
use shared::allow_list::{AllowList, Delta, Merged, Revision};
use shared::ids::{BootId, ZoneId};
use shared::keys::Signer;
use shared::time::Timestamp;
use shared::wire::{Config, Kept, PolicyMessage};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use shared_disk::SharedDisk;
pub use thread::ShelfThread;

mod shared_disk;
mod thread;

/// After so many changes the list is stored whole, so that loading it stays quick.
const CHANGES_BEFORE_WHOLE: u32 = 4000;
/// Policies and the configuration lie in two copies each.
const COPIES: [char; 2] = ['a', 'b'];
const SIGNATURE: usize = 64;
/// A moment in front of a list.
const FLOOR: usize = 8;

/// Where accepted things are kept; work is done in order.
pub trait Shelf: Send {
    /// Hands over work; it may be done when this returns, or later.
    fn submit(&mut self, job: Job);

    /// What became of work handed over before, if anything more is known.
    fn finished(&mut self) -> Option<Finished>;
}

/// Work with a number to know it by.
#[derive(Debug)]
pub struct Job {
    /// Chosen by whoever hands it over.
    pub number: u64,
    /// What to do.
    pub work: Work,
}

/// What a shelf does.
#[derive(Debug)]
pub enum Work {
    /// Read what is known of a zone.
    Load(ZoneId),
    /// Keep a change of a list, and the clock's floor.
    Delta(ZoneId, Delta, Timestamp),
    /// Keep a whole list, and the clock's floor.
    List(ZoneId, AllowList, Timestamp),
    /// Keep a policy: the body of its message.
    Policy(ZoneId, Vec<u8>),
    /// Keep the configuration: the body of its message.
    Config(Vec<u8>),
    /// Raise the marks of how far the lists had come to where their logs lead.
    Marks,
    /// Keep counters and marks.
    State(AgentState),
    /// Keep how far the server has the badge log.
    Links(BTreeMap<BootId, Link>),
    /// Forget the list and the policy of a zone that is served no more; how far it had come stays known.
    Forget(ZoneId),
}

/// What became of work on a zone's list; other work is done in silence, and failures are logged.
#[derive(Debug)]
pub enum Finished {
    /// What is known of a zone.
    Loaded {
        /// Whose.
        zone: ZoneId,
        /// What.
        remembered: Box<Remembered>,
    },
    /// A list, or a change of one, was stored or could not be.
    Stored {
        /// Whose.
        zone: ZoneId,
        /// The number of the work.
        number: u64,
        /// Whether it lies on disk now.
        stored: bool,
        /// Whether the whole list should be stored next.
        wants_whole: bool,
        /// A whole list in one piece, as it was written; none for a change.
        merged: Option<Box<Merged>>,
    },
}

/// The agent's memory on disk.
pub struct Keeper {
    store: Store,
    disk: Box<dyn Disk>,
    signer: Signer,
    changes: BTreeMap<ZoneId, u32>,
    /// How far a zone's log leads; the mark that outlives the log follows.
    logged: BTreeMap<ZoneId, Highest>,
    /// Zones of which a change was not stored: no later change leads on from what lies on disk.
    broken: BTreeSet<ZoneId>,
    /// The highest floor that was kept with a list that was read.
    listed_floor: Timestamp,
    finished: VecDeque<Finished>,
}

impl Shelf for Keeper {
    fn submit(&mut self, job: Job) {
        let Job { number, work } = job;
        match work {
            Work::Load(zone) => {
                let remembered = Box::new(self.load_zone(&zone));
                self.finished
                    .push_back(Finished::Loaded { zone, remembered });
            }
            Work::Delta(zone, delta, floor) => {
                let stored = self.keep_delta(&zone, &delta, floor);
                let wants_whole = self
                    .changes
                    .get(&zone)
                    .is_some_and(|changes| *changes >= CHANGES_BEFORE_WHOLE);
                self.finished.push_back(Finished::Stored {
                    zone,
                    number,
                    stored,
                    wants_whole,
                    merged: None,
                });
            }
            Work::List(zone, list, floor) => {
                let merged = Box::new(list.merged());
                let stored = self.keep_list(&zone, &merged.list, floor);
                self.finished.push_back(Finished::Stored {
                    zone,
                    number,
                    stored,
                    wants_whole: false,
                    merged: Some(merged),
                });
            }
            Work::Policy(zone, body) => self.keep_copies(&policy_name(&zone), &body),
            Work::Config(body) => self.keep_copies(CONFIG, &body),
            Work::Marks => {
                for (zone, highest) in self.logged.clone() {
                    self.raise(&zone, highest);
                }
            }
            Work::State(state) => {
                logged(self.store.save_state(&state));
            }
            Work::Links(links) => self.keep_links(&links),
            Work::Forget(zone) => self.forget(&zone),
        }
    }

    fn finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }
}

/// A digest of a boot's events up to one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct Link {
    /// The last event it covers.
    #[n(0)]
    pub up_to: u64,
    /// The digest.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub digest: [u8; 32],
}

/// A configuration with what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldConfig {
    /// The configuration.
    pub config: Config,
    /// SHA-256 of what it says, whenever it was signed and the card keys were sealed.
    pub digest: [u8; 32],
}

impl Keeper {
    /// Opens what lies on disk; both handles are for the same disk. What cannot be read is told in the log and done
    /// without.
    #[must_use]
    pub fn open(store: Box<dyn Disk>, disk: Box<dyn Disk>, identity: &Identity) -> Self {
        Self {
            store: Store::open(store),
            disk,
            signer: identity.signer.clone(),
            changes: BTreeMap::new(),
            logged: BTreeMap::new(),
            broken: BTreeSet::new(),
            listed_floor: Timestamp::MIN,
            finished: VecDeque::new(),
        }
    }

    /// Whether a copy of the counters or marks was damaged or could not be read.
    #[must_use]
    pub fn damaged(&self) -> bool {
        self.store.damaged()
    }

    /// Counters and marks as last stored.
    #[must_use]
    pub fn state(&self) -> &AgentState {
        self.store.state()
    }

    /// The clock's floor as last stored, with the marks or with a list that was read since: a right may have begun in the
    /// moment in which its list came.
    #[must_use]
    pub fn clock_floor(&self) -> Timestamp {
        let marked = self.state().clock_floor.unwrap_or(Timestamp::MIN);
        marked.max(self.listed_floor)
    }

    /// What is still known of a zone.
    pub fn load_zone(&mut self, zone: &ZoneId) -> Remembered {
        let marked = self
            .store
            .highest(zone)
            .map(|highest| (highest.revision, highest.digest));
        let list = self.load_list(zone, marked.map(|(revision, _)| revision));
        let held = list
            .as_ref()
            .map(|held| (held.list.revision(), held.list.digest()));
        let highest = [held, marked]
            .into_iter()
            .flatten()
            .max_by_key(|(revision, _)| order(*revision));
        if let Some((revision, digest)) = highest {
            self.logged
                .insert(zone.clone(), Highest { revision, digest });
        }
        Remembered {
            list,
            highest,
            policy: self.load_policy(zone),
            contact: self.store.state().contact.get(zone).copied(),
        }
    }

    /// The newest configuration that was stored under the agent's present keys.
    #[must_use]
    pub fn load_config(&self) -> Option<HeldConfig> {
        let read = |body: Vec<u8>| held_config(&body);
        self.load_copies(CONFIG)
            .into_iter()
            .filter_map(read)
            .max_by_key(|held| order(held.config.revision))
    }

    /// How far the server was known to have the badge log, boot by boot.
    #[must_use]
    pub fn load_links(&self) -> BTreeMap<BootId, Link> {
        let bytes = self.disk.read(LINKS).inspect_err(|error| {
            tracing::error!(file = LINKS, reason = %error, "cannot be read, events may be sent again: check the card");
        });
        let bytes = bytes.ok().flatten().unwrap_or_default();
        let links = verified(&self.signer.public(), LINKS, &bytes);
        let links = links.and_then(|bytes| minicbor::decode::<Vec<(BootId, Link)>>(bytes).ok());
        links.unwrap_or_default().into_iter().collect()
    }

    fn keep_delta(&mut self, zone: &ZoneId, delta: &Delta, floor: Timestamp) -> bool {
        let bytes = sign(&self.signer, &delta_name(zone), &encode(&(floor, delta)));
        let kept = !self.broken.contains(zone)
            && logged(self.store.append_delta(zone, delta.revision(), &bytes));
        if kept {
            *self.changes.entry(zone.clone()).or_default() += 1;
            let highest = Highest {
                revision: delta.revision(),
                digest: delta.digest,
            };
            self.logged.insert(zone.clone(), highest);
        } else {
            self.broken.insert(zone.clone());
        }
        kept
    }

    fn keep_list(&mut self, zone: &ZoneId, list: &AllowList, floor: Timestamp) -> bool {
        let (signer, name) = (&self.signer, list_name(zone));
        let append = |file: &mut Vec<u8>| {
            let at = file.len();
            file.extend_from_slice(&[0; SIGNATURE]);
            file.extend_from_slice(&floor.0.to_le_bytes());
            list.append_to(file);
            let signature = signer.sign(&named(&name, &file[at + SIGNATURE..]));
            file[at..at + SIGNATURE].copy_from_slice(&signature);
        };
        let highest = Highest {
            revision: list.revision(),
            digest: list.digest(),
        };
        let kept = logged(self.store.save_snapshot(zone, list.revision(), append))
            && self.raise(zone, highest);
        if kept {
            self.logged.insert(zone.clone(), highest);
            self.changes.insert(zone.clone(), 0);
            self.broken.remove(zone);
        }
        kept
    }

    fn keep_links(&mut self, links: &BTreeMap<BootId, Link>) {
        let links: Vec<(BootId, Link)> = links.iter().map(|(boot, link)| (*boot, *link)).collect();
        if let Err(error) = self
            .disk
            .write_atomic(LINKS, &sign(&self.signer, LINKS, &encode(&links)))
        {
            tracing::warn!(file = LINKS, reason = %error, "not stored: check the disk");
        }
    }

    fn forget(&mut self, zone: &ZoneId) {
        // A disk that cannot take the mark keeps the log that says the same.
        if let Some(highest) = self.logged.get(zone).copied()
            && !self.raise(zone, highest)
        {
            return;
        }
        self.logged.remove(zone);
        logged(self.store.forget(zone));
        for copy in COPIES {
            if let Err(error) = self.disk.remove(&format!("{}.{copy}", policy_name(zone))) {
                tracing::warn!(zone.id = %zone, reason = %error, "an old policy could not be removed");
            }
        }
    }

    fn raise(&mut self, zone: &ZoneId, highest: Highest) -> bool {
        logged(self.store.raise_highest(zone, highest))
    }

    fn load_list(&mut self, zone: &ZoneId, highest: Option<Revision>) -> Option<InForce> {
        let public = self.signer.public();
        let name = list_name(zone);
        let loaded = self.store.load(zone, |revision, file, at| {
            let signed = verified(&public, &name, file.get(at..)?)?;
            let floor = Timestamp(i64::from_le_bytes(*signed.first_chunk()?));
            let list = AllowList::from_bytes(file, at + SIGNATURE + FLOOR)?;
            (list.revision() == revision).then_some((floor, list))
        })?;
        let (floor, mut list) = loaded.snapshot;
        self.listed_floor = self.listed_floor.max(floor);
        let mut whole = true;
        for stored in &loaded.deltas {
            let delta = verified(&public, &delta_name(zone), &stored.bytes);
            let delta = delta.and_then(|bytes| minicbor::decode::<(Timestamp, Delta)>(bytes).ok());
            whole &= delta.is_some_and(|(floor, delta)| {
                self.listed_floor = self.listed_floor.max(floor);
                list.apply(&delta).is_ok()
            });
        }
        if !whole {
            self.broken.insert(zone.clone());
        }
        let behind = highest.is_some_and(|highest| order(list.revision()) < order(highest));
        let doubtful = loaded.log_unreadable || (loaded.degraded && self.store.damaged());
        let kept = if behind || !whole || doubtful {
            Kept::Degraded
        } else {
            Kept::Stored
        };
        let changes = u32::try_from(loaded.deltas.len()).unwrap_or(u32::MAX);
        self.changes.insert(zone.clone(), changes);
        Some(InForce { list, kept })
    }

    fn load_policy(&self, zone: &ZoneId) -> Option<HeldPolicy> {
        let read = |body: Vec<u8>| held_policy(&body);
        self.load_copies(&policy_name(zone))
            .into_iter()
            .filter_map(read)
            .max_by_key(|held| order(held.revision))
    }

    fn keep_copies(&mut self, name: &str, body: &[u8]) {
        let bytes = sign(&self.signer, name, body);
        for copy in COPIES {
            let file = format!("{name}.{copy}");
            if let Err(error) = self.disk.write_atomic(&file, &bytes) {
                tracing::error!(file, reason = %error, "not stored: check the disk");
            }
        }
    }

    fn load_copies(&self, name: &str) -> Vec<Vec<u8>> {
        let public = self.signer.public();
        let read = |copy| {
            let file = format!("{name}.{copy}");
            let bytes = self.disk.read(&file);
            let told = bytes.inspect_err(|error| {
                tracing::error!(file, reason = %error, "cannot be read, another copy is used: check the card");
            });
            told.ok().flatten()
        };
        let copies = COPIES.into_iter().filter_map(read);
        copies
            .filter_map(|bytes| verified(&public, name, &bytes).map(<[u8]>::to_vec))
            .collect()
    }
}

const CONFIG: &str = "config";
const LINKS: &str = "acknowledged";

/// A policy from the body of its message; none if it is none.
#[must_use]
pub fn held_policy(body: &[u8]) -> Option<HeldPolicy> {
    let message: PolicyMessage = minicbor::decode(body).ok()?;
    let digest = Sha256::digest(PolicyMessage::rules(body)?).into();
    Some(HeldPolicy {
        revision: message.revision,
        digest,
        policy: message.policy,
        body: body.to_vec(),
    })
}

/// A configuration from the body of its message; none if it is none.
#[must_use]
pub fn held_config(body: &[u8]) -> Option<HeldConfig> {
    let config: Config = minicbor::decode(body).ok()?;
    // The server signs and seals anew each time it sends; its number changes with what it says.
    let said = Config {
        issued_at: Timestamp(0),
        card_keys: Vec::new(),
        ..config.clone()
    };
    let said = minicbor::to_vec(said).expect("writing to memory cannot fail");
    Some(HeldConfig {
        config,
        digest: Sha256::digest(said).into(),
    })
}

fn policy_name(zone: &ZoneId) -> String {
    format!("policy-{zone}")
}

fn list_name(zone: &ZoneId) -> String {
    format!("list-{zone}")
}

fn delta_name(zone: &ZoneId) -> String {
    format!("delta-{zone}")
}

fn order(revision: Revision) -> (u32, u64) {
    crate::store::order(revision)
}

fn encode(value: &impl minicbor::Encode<()>) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to memory cannot fail")
}

/// The agent's signature in front of the bytes, good only under this name.
fn sign(signer: &Signer, name: &str, bytes: &[u8]) -> Vec<u8> {
    [&signer.sign(&named(name, bytes))[..], bytes].concat()
}

fn verified<'a>(signer: &shared::keys::PublicKey, name: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (signature, bytes) = bytes.split_at_checked(SIGNATURE)?;
    signer
        .verify(&named(name, bytes), signature)
        .then_some(bytes)
}

fn named(name: &str, bytes: &[u8]) -> [u8; 32] {
    let length = u32::try_from(name.len())
        .expect("names are short")
        .to_le_bytes();
    let digest = Sha256::new()
        .chain_update(b"goodstanding agent disk v1")
        .chain_update(length);
    digest
        .chain_update(name)
        .chain_update(bytes)
        .finalize()
        .into()
}

fn logged(result: Result<(), StoreError>) -> bool {
    if let Err(error) = &result {
        tracing::error!(reason = %chain(error), "not stored");
    }
    result.is_ok()
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
