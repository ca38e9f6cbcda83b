//! The whole agent as a machine: cards, buttons and signed messages go in with the time; what to drive and what to
//! publish comes out.
//!
//! Whoever runs it calls [`Agent::handle`] with each input and with [`Input::Tick`] no later than
//! [`Agent::poll_timeout`], and carries out every [`Output`] in order. An event of the badge log is on disk, or has
//! failed to get there, before the output that drives the lock comes out.

use crate::controller::{self, Controller, Moment, Settings, State, View};
use crate::disk::Disk;
use crate::identity::{Identity, Paired};
use crate::keeper::{HeldConfig, Keeper, Shelf, Work, held_config};
use crate::readers::Key;
use crate::spool::{Limits, Spool};
use crate::store::AgentState;
use crate::zone::Zone;
use rand_core::CryptoRng;
use shared::badge::{Alarm, What};
use shared::card::CardUid;
use shared::door_clock::{DoorClock, Sources};
use shared::ids::{BootId, DoorId, ZoneId};
use shared::reasons::{Reason, Signal};
use shared::time::{Span, Timestamp};
use shared::wire::RefusedWhy;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use crate::controller::ENROL_TIME;
use commands::Commands;
use events::Upload;
use readers::Gone;
use reports::Reports;
use storing::Storing;

mod assignment;
mod commands;
mod doors;
mod events;
mod lists;
mod machine;
mod messages;
mod readers;
mod reports;
pub mod stored;
mod storing;

/// The marks (clock floor, contacts) are stored at least so often; soon after each badge and a zone's first contact.
const MARKS: Span = Span::hours(1);
const MARKS_SOON: Span = Span::seconds(1);

/// One door as the machine at hand knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDoor {
    /// Its name at the server.
    pub id: DoorId,
    /// What its lock and its contact are like.
    pub settings: Settings,
}

/// What an agent is started with.
pub struct Start {
    /// Its keys.
    pub identity: Identity,
    /// Whose agent it is.
    pub paired: Paired,
    /// This run's random name.
    pub boot: BootId,
    /// The doors it has hardware for.
    pub doors: Vec<LocalDoor>,
    /// Whether their locks are not driven, and what is decided only logged.
    pub shadow: bool,
    /// For nonces, delays and sealing.
    pub random: Box<dyn CryptoRng + Send>,
}

/// What an agent hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The broker is there; nothing is subscribed yet.
    Connected,
    /// The broker is gone.
    Disconnected,
    /// A message came.
    Message {
        /// By which topic.
        topic: String,
        /// As it came.
        payload: Vec<u8>,
    },
    /// A reader saw a card.
    Card {
        /// Where.
        door: DoorId,
        /// Which.
        uid: CardUid,
    },
    /// A key of a reader's keypad was pressed.
    Key {
        /// Where.
        door: DoorId,
        /// Which.
        key: Key,
    },
    /// An exit button was pressed or let go.
    Exit {
        /// Where.
        door: DoorId,
        /// True when it was pressed.
        pressed: bool,
    },
    /// A door contact reported.
    Contact {
        /// Where.
        door: DoorId,
        /// True when the door is open.
        open: bool,
    },
    /// A cover was opened or closed, a reader taken from the wall or put back.
    Tamper {
        /// Where.
        door: DoorId,
        /// True when opened or taken.
        on: bool,
    },
    /// The fire input changed; what it does to the lock it does in hardware.
    Fire {
        /// Where.
        door: DoorId,
        /// True when there is an alarm.
        on: bool,
    },
    /// The lock could not be driven, or can be again.
    LockFault {
        /// Where.
        door: DoorId,
        /// True when it could not.
        on: bool,
    },
    /// A reader does not answer, or does again.
    ReaderGone {
        /// Where.
        door: DoorId,
        /// True when it does not.
        on: bool,
    },
    /// Somebody at the machine opens a door once, or ends that.
    Local {
        /// Which.
        door: DoorId,
        /// True to open.
        open: bool,
    },
    /// A deadline is reached.
    Tick,
}

/// What has to be done for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Do this at a door.
    Drive {
        /// Where.
        door: DoorId,
        /// What.
        drive: Drive,
    },
    /// Publish this, at least once.
    Publish {
        /// Where to.
        topic: String,
        /// What.
        payload: Vec<u8>,
        /// Whether the broker keeps it.
        retain: bool,
    },
    /// Subscribe to these exact topics, even if they are subscribed: what is retained comes again.
    Subscribe(Vec<String>),
    /// Unsubscribe from these topics.
    Unsubscribe(Vec<String>),
    /// End, to be started again.
    Restart,
}

/// What to do at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// Release the lock; it rests at this uptime whatever else happens.
    Energise {
        /// When.
        until: Span,
    },
    /// Let the lock rest.
    Rest,
    /// Show this.
    Signal(Signal),
    /// Switch what calls for help.
    Siren(bool),
}

/// The agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no thread to store lists on.
    #[error("no thread can be started for the disk")]
    Shelf(#[source] std::io::Error),
}

struct Door {
    controller: Controller,
    /// From the configuration; none: this door is not assigned.
    zone: Option<ZoneId>,
    enrols: bool,
    again_within: Option<Span>,
    last_badge: Option<LastBadge>,
}

/// What everybody may know of a door.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    released: bool,
    open: Option<bool>,
    state: State,
    alarms: BTreeSet<Alarm>,
    last_badge: Option<LastBadge>,
}

/// The last card that was shown, without whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
struct LastBadge {
    /// In milliseconds since 1970.
    at: Timestamp,
    reason: Reason,
}

/// The agent.
pub struct Agent {
    identity: Identity,
    paired: Paired,
    boot: BootId,
    random: Box<dyn CryptoRng + Send>,
    config: HeldConfig,
    clock: DoorClock,
    storing: Storing,
    /// Counters and marks as last handed over to be stored.
    state: AgentState,
    spool: Spool,
    doors: BTreeMap<DoorId, Door>,
    shadow: bool,
    /// Whose reader does not answer.
    readerless: BTreeMap<DoorId, Gone>,
    zones: BTreeMap<ZoneId, Zone>,
    connected: bool,
    commands: Commands,
    upload: Upload,
    /// The highest epoch of anything accepted.
    epoch: u32,
    reports: Reports,
    marks_due: Span,
    out: VecDeque<Output>,
    /// What is due by the clocks of the last input, once its outputs are taken: no lock waits for it.
    due: Option<Sources>,
    /// What became of cards, not yet in the log.
    shown: Vec<(DoorId, Reason)>,
}

impl Agent {
    /// Starts on one disk that answers at once, and does all work on it before anything else. Every door is told to
    /// rest.
    ///
    /// # Errors
    /// If there is no thread to store lists on.
    pub fn start<D: Disk + Clone + 'static>(
        disk: D,
        start: Start,
        sources: Sources,
    ) -> Result<Self, StartError> {
        let keeper = Keeper::open(
            Box::new(disk.clone()),
            Box::new(disk.clone()),
            &start.identity,
        );
        Self::start_on(
            keeper,
            |keeper| Ok(Box::new(keeper)),
            Box::new(disk),
            start,
            sources,
        )
    }

    /// Starts with lists kept by what `shelf` makes of the keeper, and badge events kept on a disk of their own. Every
    /// door is told to rest.
    ///
    /// # Errors
    /// If there is no thread to store lists on.
    pub fn start_on(
        mut keeper: Keeper,
        shelf: impl FnOnce(Keeper) -> std::io::Result<Box<dyn Shelf>>,
        badges: Box<dyn Disk>,
        start: Start,
        sources: Sources,
    ) -> Result<Self, StartError> {
        let Start {
            identity,
            paired,
            boot,
            doors,
            shadow,
            random,
        } = start;
        let state = keeper.state().clone();
        let links = keeper.load_links();
        let config = newest_config(&keeper, &paired);
        let zones = known_zones(&mut keeper, &config);
        let epoch = config.config.revision.epoch.number;
        let floor = keeper.clock_floor().max(config.config.issued_at);
        let clock = DoorClock::start(floor, sources.uptime);
        let (spool, recovery) =
            Spool::open(badges, boot, Limits::default(), clock.read(sources).time);
        if recovery.damaged_bytes > 0 || recovery.missing > 0 || recovery.unreadable > 0 {
            tracing::error!(
                missing = recovery.missing,
                damaged_bytes = recovery.damaged_bytes,
                unreadable_files = recovery.unreadable,
                "the badge log is damaged: check the card"
            );
        }
        let doors = doors
            .into_iter()
            .map(|door| (door.id, Door::at_rest(door.settings)))
            .collect();
        let mut agent = Self {
            identity,
            paired,
            boot,
            random,
            config,
            clock,
            doors,
            shadow,
            readerless: BTreeMap::new(),
            zones,
            connected: false,
            commands: Commands::after(state.command_counter),
            upload: Upload::after(links),
            epoch,
            storing: Storing::on(shelf(keeper).map_err(StartError::Shelf)?),
            state,
            spool,
            reports: Reports::default(),
            marks_due: sources.uptime + MARKS,
            out: VecDeque::new(),
            due: None,
            shown: Vec::new(),
        };
        agent.assign();
        let lists = agent.zones.values().filter_map(|zone| zone.list());
        agent.epoch = lists
            .map(|list| list.revision().epoch.number)
            .fold(agent.epoch, u32::max);
        for door in agent.doors.keys() {
            agent.out.push_back(Output::Drive {
                door: door.clone(),
                drive: Drive::Rest,
            });
        }
        agent.log_event(None, What::Started, sources);
        // What holds now may release a lock.
        let doors: Vec<DoorId> = agent.doors.keys().cloned().collect();
        for door in doors {
            agent.door(&door, controller::Input::Tick, sources);
        }
        Ok(agent)
    }

    /// Hears an input; what follows from it waits in [`Agent::next_output`].
    pub fn handle(&mut self, input: Input, sources: Sources) {
        match input {
            Input::Connected => self.connected(sources),
            Input::Disconnected => self.disconnected(),
            Input::Message { topic, payload } => self.message(&topic, &payload, sources),
            Input::Card { door, uid } => self.door(&door, controller::Input::Card(uid), sources),
            Input::Key { door, key } => self.door(&door, controller::Input::Key(key), sources),
            Input::Exit { door, pressed } => {
                self.door(&door, controller::Input::Exit { pressed }, sources)
            }
            Input::Tamper { door, on } => {
                self.door(&door, controller::Input::Tamper { on }, sources)
            }
            Input::Fire { door, on } => self.door(&door, controller::Input::Fire { on }, sources),
            Input::LockFault { door, on } => {
                self.door(&door, controller::Input::LockFault { on }, sources)
            }
            Input::ReaderGone { door, on } => self.reader_gone(door, on, sources),
            Input::Contact { door, open } => {
                self.door(&door, controller::Input::Contact { open }, sources)
            }
            Input::Local { door, open } => {
                self.door(&door, controller::Input::Local { open }, sources)
            }
            Input::Tick => {}
        }
        self.due = Some(sources);
    }

    /// The next thing to do, if any.
    pub fn next_output(&mut self) -> Option<Output> {
        if self.out.is_empty()
            && let Some(sources) = self.due.take()
        {
            self.tick(sources);
        }
        self.out.pop_front()
    }

    /// The uptime by which [`Input::Tick`] is due, once every output is taken.
    #[must_use]
    pub fn poll_timeout(&self) -> Span {
        let doors = self
            .doors
            .values()
            .filter_map(|door| door.controller.poll_timeout());
        let link = self.link_timeout();
        doors
            .chain(self.readers_timeout())
            .chain(link)
            .chain(self.storing.poll_timeout())
            .chain(self.upload.sync_timeout())
            .fold(self.marks_due, Span::min)
    }

    /// What everybody is to hear from a broker that misses this agent: the status of the first door that is its own.
    #[must_use]
    pub fn last_will(&self) -> Option<(String, Vec<u8>)> {
        let topic = self.doors.keys().find_map(|door| self.status_topic(door))?;
        Some((topic, reports::offline()))
    }

    /// Lets every lock rest, stores what is only in memory, and says good-bye.
    pub fn stop(&mut self, sources: Sources) {
        let doors: Vec<DoorId> = self.doors.keys().cloned().collect();
        for door in doors {
            let untold = self.doors.get_mut(&door);
            let untold = untold.map(|door| door.controller.end(sources.uptime));
            for what in untold.into_iter().flatten() {
                self.log_event(Some(&door), what, sources);
            }
            self.out.push_back(Output::Drive {
                door: door.clone(),
                drive: Drive::Rest,
            });
            self.out.push_back(Output::Drive {
                door: door.clone(),
                drive: Drive::Signal(Signal::Rest),
            });
            if self.connected
                && let Some(topic) = self.status_topic(&door)
            {
                self.out.push_back(Output::Publish {
                    topic,
                    payload: reports::offline(),
                    retain: true,
                });
            }
        }
        self.keep_marks(sources);
        self.sync_spool(sources);
    }

    /// What is held of each zone.
    pub fn zones(&self) -> impl Iterator<Item = &Zone> {
        self.zones.values()
    }

    /// What time it is for this agent, and whether that can be relied on.
    #[must_use]
    pub fn reading(&self, sources: Sources) -> shared::door_clock::Reading {
        self.clock.read(sources)
    }

    /// Judges a card at every door from what is known now; nothing is done and nothing is logged.
    #[must_use]
    pub fn judge(
        &self,
        uid: &CardUid,
        sources: Sources,
    ) -> Vec<(DoorId, Option<ZoneId>, shared::decide::Decision)> {
        let reading = self.clock.read(sources);
        let judge = |(id, door): (&DoorId, &Door)| {
            (
                id.clone(),
                door.zone.clone(),
                door.zone
                    .as_ref()
                    .and_then(|zone| self.zones.get(zone))
                    .map_or_else(View::default, zone_view)
                    .judge(uid, None, reading)
                    .1,
            )
        };
        self.doors.iter().map(judge).collect()
    }

    /// Whether the broker is there.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// This run's name.
    #[must_use]
    pub fn boot(&self) -> BootId {
        self.boot
    }

    /// How many messages were refused since the last report, by cause.
    #[must_use]
    pub fn refused(&self) -> &BTreeMap<RefusedWhy, u64> {
        self.reports.refused()
    }

    fn moment(&self, sources: Sources) -> Moment {
        Moment {
            reading: self.clock.read(sources),
            uptime: sources.uptime,
        }
    }

    fn connected(&mut self, sources: Sources) {
        self.connected = true;
        let topics = self.topics();
        self.out.push_back(Output::Subscribe(topics));
        self.publish_report(sources);
        let doors: Vec<DoorId> = self.doors.keys().cloned().collect();
        for door in doors {
            self.publish_status(&door);
        }
        self.upload.connected(sources.uptime);
        self.ask_for_what_is_missing(sources);
    }

    fn disconnected(&mut self) {
        self.connected = false;
        self.upload.disconnected();
        self.zones.values_mut().for_each(Zone::forget_questions);
    }

    fn tick(&mut self, sources: Sources) {
        self.tick_doors(sources);
        self.tick_readers(sources);
        for (door, reason) in self.shown.drain(..) {
            tracing::info!(door.id = %door, reason = reason.name(), "a card was shown");
        }
        let stored = &self.state.contact;
        let is_first =
            |zone: &Zone| zone.contact() > Timestamp::MIN && !stored.contains_key(zone.id());
        if self.zones.values().any(is_first) {
            self.marks_due = self.marks_due.min(sources.uptime + MARKS_SOON);
        }
        if self.marks_due <= sources.uptime {
            self.keep_marks(sources);
        }
        self.tick_storing(sources);
        self.tick_spool(sources);
        if self.connected {
            self.tick_link(sources);
        }
    }

    fn keep_marks(&mut self, sources: Sources) {
        self.marks_due = sources.uptime + MARKS;
        let contacts = self
            .zones
            .values()
            .map(|zone| (zone.id().clone(), zone.contact()));
        self.state
            .contact
            .extend(contacts.filter(|(_, contact)| *contact > Timestamp::MIN));
        self.state.clock_floor = Some(self.clock.floor(sources.uptime));
        self.state.command_counter = self.commands.counter();
        self.storing.submit(Work::State(self.state.clone()));
    }
}

impl Door {
    /// What everybody may know of it.
    fn shown(&self) -> Shown {
        let controller = &self.controller;
        Shown {
            released: controller.released_until().is_some(),
            open: controller.is_open(),
            state: controller.state(),
            alarms: controller.alarms().clone(),
            last_badge: self.last_badge,
        }
    }

    fn at_rest(settings: Settings) -> Self {
        Self {
            controller: Controller::new(settings),
            zone: None,
            enrols: false,
            again_within: None,
            last_badge: None,
        }
    }
}

/// The configuration on disk, unless a pairing since then handed over a newer one.
fn newest_config(keeper: &Keeper, paired: &Paired) -> HeldConfig {
    let body = minicbor::to_vec(&paired.pairing.config).expect("writing to memory cannot fail");
    let handed_over = held_config(&body).expect("what was encoded is decoded");
    let order = |held: &HeldConfig| crate::store::order(held.config.revision);
    match keeper.load_config() {
        Some(stored) if order(&stored) >= order(&handed_over) => stored,
        Some(_) | None => handed_over,
    }
}

/// The zones of a configuration with what is known of them.
fn known_zones(keeper: &mut Keeper, config: &HeldConfig) -> BTreeMap<ZoneId, Zone> {
    let mut zones = BTreeMap::new();
    for assigned in &config.config.doors {
        zones.entry(assigned.zone.clone()).or_insert_with_key(|id| {
            let mut zone = Zone::new(id.clone());
            zone.remember(keeper.load_zone(id));
            zone
        });
    }
    zones
}

fn zone_view(zone: &Zone) -> View<'_> {
    View {
        keys: zone.keys(),
        knowledge: zone.knowledge(),
        again_within: None,
    }
}

#[cfg(test)]
mod tests;
