//! The door agents of a building: machines with their disks, clocks and locks.

use door_agent::agent::{Agent, Drive, Input, LocalDoor, Output, Start};
use door_agent::controller::Settings;
use door_agent::disk::MemoryDisk;
use door_agent::identity::{self, Identity, Paired};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use shared::card::CardUid;
use shared::door_clock::Sources;
use shared::ids::{AgentId, BootId, DoorId};
use shared::reasons::{Reason, Signal};
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// How long a lock is released at a time.
pub const UNLOCK: Span = Span::seconds(5);
/// An unknown card that was away for less is only counted.
const AGAIN: Span = Span::minutes(10);
/// So long a door waits for a PIN.
const TYPE: Span = Span::seconds(10);

/// A Raspberry Pi.
pub struct Machine {
    /// Its name.
    pub id: AgentId,
    /// What survives a crash.
    pub disk: MemoryDisk,
    /// How far its wall clock is off.
    pub wall_off: Span,
    /// Whether its kernel says that the wall clock is right.
    pub synchronised: bool,
    /// Whether its network is there.
    pub network: bool,
    doors: Vec<DoorId>,
    agent: Option<Agent>,
    booted_at: Timestamp,
    random: ChaCha20Rng,
    wanted: VecDeque<Output>,
    /// Everything its doors were told, in order.
    pub driven: Vec<(DoorId, Drive)>,
    /// When unknown cards were last shown, by uptime.
    unknown: BTreeMap<(DoorId, String), Span>,
}

/// What came of a card at a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tap {
    /// Where.
    pub door: DoorId,
    /// Why it opened or not.
    pub reason: Reason,
    /// The time it was judged by.
    pub judged_at: Timestamp,
    /// Whether the lock was released.
    pub released: bool,
    /// What the lamp showed.
    pub signal: Option<Signal>,
    /// When the badge log has it; never, if the door only counts it, as it does with unknown cards that come again.
    pub told_at: Option<Timestamp>,
}

impl Tap {
    /// Whether the lock was released.
    #[must_use]
    pub fn opens(&self) -> bool {
        self.released
    }
}

impl Machine {
    /// A machine with doors; it is off.
    #[must_use]
    pub fn new(id: AgentId, doors: Vec<DoorId>, seed: u64) -> Self {
        Self {
            id,
            disk: MemoryDisk::new(),
            wall_off: Span(0),
            synchronised: true,
            network: true,
            doors,
            agent: None,
            booted_at: Timestamp(0),
            random: ChaCha20Rng::seed_from_u64(seed),
            wanted: VecDeque::new(),
            driven: Vec::new(),
            unknown: BTreeMap::new(),
        }
    }

    /// Fresh keys of an agent.
    pub fn keys(&mut self) -> Identity {
        Identity::generate(&mut self.random)
    }

    /// Keeps the outcome of a pairing on the disk.
    pub fn keep_pairing(&mut self, identity: &Identity, paired: &Paired) {
        identity::store(&mut self.disk, identity, paired).expect("the disk in memory takes it");
    }

    /// Starts the agent from its disk.
    pub fn boot(&mut self, now: Timestamp) {
        let (identity, paired) = identity::load(&self.disk).expect("the agent is paired");
        let mut boot = [0; 16];
        self.random.fill_bytes(&mut boot);
        self.booted_at = now;
        let start = Start {
            identity,
            paired,
            boot: BootId(boot),
            doors: self
                .doors
                .iter()
                .map(|id| LocalDoor {
                    id: id.clone(),
                    settings: Settings::unlocking(UNLOCK),
                })
                .collect(),
            shadow: false,
            random: Box::new(ChaCha20Rng::seed_from_u64(self.random.next_u64())),
        };
        let sources = self.sources(now);
        let agent = Agent::start(self.disk.clone(), start, sources);
        self.agent = Some(agent.expect("the disk in memory can be read"));
        self.unknown.clear();
        self.hear(Input::Tick, now);
    }

    /// The process is gone, whatever it was doing.
    pub fn crash(&mut self) {
        self.agent = None;
        self.wanted.clear();
    }

    /// Whether a door is its own.
    #[must_use]
    pub fn has_door(&self, door: &DoorId) -> bool {
        self.doors.contains(door)
    }

    /// The agent, while it runs.
    #[must_use]
    pub fn agent(&self) -> Option<&Agent> {
        self.agent.as_ref()
    }

    /// What its clocks say.
    #[must_use]
    pub fn sources(&self, now: Timestamp) -> Sources {
        Sources {
            wall: now + self.wall_off,
            uptime: now - self.booted_at,
            synchronised: self.synchronised,
        }
    }

    /// When it wants to be woken.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.agent
            .as_ref()
            .map(|agent| self.booted_at + agent.poll_timeout())
    }

    /// Hands it an input.
    pub fn hear(&mut self, input: Input, now: Timestamp) {
        let sources = self.sources(now);
        let Some(agent) = &mut self.agent else { return };
        agent.handle(input, sources);
        while let Some(output) = agent.next_output() {
            match output {
                Output::Drive { door, drive } => self.driven.push((door, drive)),
                Output::Publish { .. }
                | Output::Subscribe(_)
                | Output::Unsubscribe(_)
                | Output::Restart => {
                    self.wanted.push_back(output);
                }
            }
        }
    }

    /// What it wants done next on the network.
    pub fn wants(&mut self) -> Option<Output> {
        self.wanted.pop_front()
    }

    /// Shows a card to a door.
    pub fn tap(&mut self, door: &DoorId, uid: &CardUid, now: Timestamp) -> Tap {
        let sources = self.sources(now);
        let agent = self.agent.as_ref().expect("the agent runs");
        let judged = agent
            .judge(uid, sources)
            .into_iter()
            .find(|(id, _, _)| id == door);
        let reason = judged.expect("the agent has this door").2.reason;
        let judged_at = agent.reading(sources).time;
        let before = self.driven.len();
        self.hear(
            Input::Card {
                door: door.clone(),
                uid: uid.clone(),
            },
            now,
        );
        let drives = self.driven[before..]
            .iter()
            .filter(|(id, _)| id == door)
            .map(|(_, drive)| drive);
        let signal = drives.clone().filter_map(shown).next_back();
        let energised = drives
            .clone()
            .any(|drive| matches!(drive, Drive::Energise { .. }));
        // A lock that another card has just released for as long is not told again.
        let released = energised
            || reason.grants() && self.released_until(door) == Some(sources.uptime + UNLOCK);
        let mut told_at = Some(judged_at);
        if reason == Reason::Unknown {
            let card = (door.clone(), uid.reveal());
            let before = self.unknown.insert(card, sources.uptime);
            told_at = told_at.filter(|_| before.is_none_or(|at| at + AGAIN <= sources.uptime));
        } else if reason == Reason::PinNeeded {
            // Nobody types anything in these stories.
            told_at = Some(judged_at + TYPE);
        }
        Tap {
            door: door.clone(),
            reason,
            judged_at,
            released,
            signal,
            told_at,
        }
    }

    /// Until which uptime a lock is released; none: it rests.
    #[must_use]
    pub fn released_until(&self, door: &DoorId) -> Option<Span> {
        let told = self.driven.iter().rev().filter(|(id, _)| id == door);
        told.filter_map(|(_, drive)| match drive {
            Drive::Energise { until } => Some(Some(*until)),
            Drive::Rest => Some(None),
            Drive::Signal(_) | Drive::Siren(_) => None,
        })
        .next()
        .flatten()
    }
}

fn shown(drive: &Drive) -> Option<Signal> {
    match drive {
        Drive::Signal(signal) => Some(*signal),
        Drive::Energise { .. } | Drive::Rest | Drive::Siren(_) => None,
    }
}
