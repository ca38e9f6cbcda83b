//! The demo's doors: real agents on the real broker, with a lock that is drawn instead of driven.

use super::time::DemoClock;
use anyhow::Context as _;
use door_agent::agent::{Agent, Drive, Input, LocalDoor, Output, Start};
use door_agent::clock::{boot_id, randomness};
use door_agent::controller::Settings;
use door_agent::disk::MemoryDisk;
use door_agent::identity;
use door_agent::link::{self, Incoming, Link, Message, Outgoing, Target};
use door_agent::pairing::pair;
use shared::card::CardUid;
use shared::door_clock::Sources;
use shared::ids::DoorId;
use shared::reasons::{Language, Reason};
use shared::time::Span;
use shared::wire::pairing::PairingCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// What a page shows of a door.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Shown {
    /// Its name.
    pub door: String,
    /// Whether the lock is released.
    pub released: bool,
    /// The lamp.
    pub signal: String,
    /// What the member reads.
    pub sentence: String,
    /// The reason's name.
    pub reason: String,
    /// Whether the last tap was let in.
    pub granted: bool,
    /// What the building knows about the last tap and the door does not.
    pub note: String,
    /// The card tapped last.
    #[serde(skip)]
    pub card: Option<CardUid>,
    /// The card for which the lock was released; none: not for a card.
    #[serde(skip)]
    pub opener: Option<CardUid>,
    /// From tap to lock or refusal.
    pub milliseconds: f64,
    /// The list it decides from.
    pub revision: String,
    /// Cards on it.
    pub cards: usize,
    /// Seconds since the last signed head.
    pub contact_seconds: i64,
    /// Whether the broker is there.
    pub connected: bool,
    /// Whether the network is cut.
    pub cut: bool,
}

/// What can happen at a door.
pub enum Event {
    /// A card is shown.
    Tap(CardUid, oneshot::Sender<()>),
    /// The cable is pulled or put back.
    Cut(bool),
}

/// A door that runs.
#[derive(Clone)]
pub struct Door {
    /// Its name.
    pub id: DoorId,
    /// What happens to it.
    pub events: mpsc::Sender<Event>,
    shown: Arc<Mutex<Shown>>,
}

impl Door {
    /// Pairs an agent with the server and starts it.
    pub async fn start(
        id: DoorId,
        server: &str,
        code: &str,
        clock: DemoClock,
    ) -> anyhow::Result<Self> {
        let mut disk = MemoryDisk::default();
        let code = PairingCode::parse(code)?;
        let http = reqwest::Client::new();
        let server = server.to_owned();
        let post = async |path: &'static str, body: Vec<u8>| -> anyhow::Result<Vec<u8>> {
            let answer = http
                .post(format!("{server}{path}"))
                .body(body)
                .send()
                .await?
                .error_for_status()?;
            Ok(answer.bytes().await?.to_vec())
        };
        pair(&mut disk, &code, &mut randomness(), post)
            .await
            .context("the demo's door was not paired")?;
        let (events, waiting) = mpsc::channel(16);
        let shown = Arc::new(Mutex::new(Shown {
            door: id.to_string(),
            ..Shown::default()
        }));
        let runner = Runner::new(id.clone(), disk, clock, shown.clone())?;
        tokio::spawn(runner.run(waiting));
        Ok(Self { id, events, shown })
    }

    /// What a page shows.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Adds what the building knows about the last tap.
    pub fn note(&self, note: String) {
        self.shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .note = note;
    }
}

struct Runner {
    id: DoorId,
    agent: Agent,
    target: Target,
    clock: DemoClock,
    link: Option<Link>,
    rest_at: Option<Span>,
    shown: Arc<Mutex<Shown>>,
}

impl Runner {
    fn new(
        id: DoorId,
        disk: MemoryDisk,
        clock: DemoClock,
        shown: Arc<Mutex<Shown>>,
    ) -> anyhow::Result<Self> {
        let (identity, paired) = identity::load(&disk)?;
        let target = Target {
            url: paired.pairing.broker.clone(),
            agent: paired.pairing.agent.to_string(),
            password: paired.pairing.password.clone(),
            pin: None,
        };
        let mut random = randomness();
        let start = Start {
            identity,
            paired,
            shadow: false,
            boot: boot_id(&mut random),
            doors: vec![LocalDoor {
                id: id.clone(),
                settings: Settings::unlocking(Span::seconds(5)),
            }],
            random: Box::new(random),
        };
        let agent = Agent::start(disk, start, clock.sources())?;
        Ok(Self {
            id,
            agent,
            target,
            clock,
            link: None,
            rest_at: None,
            shown,
        })
    }

    fn change(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn connect(&mut self) {
        let mut random = randomness();
        let will = self.agent.last_will().map(|(topic, payload)| Message {
            topic,
            payload,
            retain: true,
        });
        let jitter = move || rand_core::Rng::next_u32(&mut random);
        match link::connect(&self.target, will, jitter) {
            Ok(link) => self.link = Some(link),
            Err(error) => tracing::error!(%error, "the demo's door has no link"),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the demo runs in real time")]
    async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        self.connect();
        loop {
            self.carry_out().await;
            self.show();
            let pause = Duration::from_millis(self.pause());
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.happen(event).await,
                    None => break,
                },
                incoming = hear(&mut self.link) => self.hear(incoming),
                () = tokio::time::sleep(pause) => self.tick(),
            }
        }
    }

    fn sources(&self) -> Sources {
        self.clock.sources()
    }

    fn pause(&self) -> u64 {
        let uptime = self.sources().uptime;
        let due = self
            .rest_at
            .into_iter()
            .fold(self.agent.poll_timeout(), Span::min);
        u64::try_from((due.0 - uptime.0).clamp(1, 500)).unwrap_or(500)
    }

    fn tick(&mut self) {
        self.agent.handle(Input::Tick, self.sources());
        if self.rest_at.is_some_and(|at| at <= self.sources().uptime) {
            self.rest_at = None;
            self.change(|shown| shown.released = false);
        }
    }

    async fn happen(&mut self, event: Event) {
        match event {
            Event::Tap(uid, done) => {
                let decisions = self.agent.judge(&uid, self.sources());
                let reason = decisions
                    .first()
                    .map_or(Reason::NoList, |(_, _, decision)| decision.reason);
                let started = self.clock.stopwatch();
                self.agent.handle(
                    Input::Card {
                        door: self.id.clone(),
                        uid: uid.clone(),
                    },
                    self.sources(),
                );
                self.carry_out().await;
                let took = self.clock.stopwatch().saturating_sub(started);
                let row = reason.row(Language::En);
                self.change(|shown| {
                    shown.sentence = row.member.to_owned();
                    shown.reason = reason.name().to_owned();
                    shown.milliseconds = took.as_secs_f64() * 1000.0;
                    shown.granted = reason.grants();
                    shown.note.clear();
                    if shown.granted {
                        shown.opener = Some(uid.clone());
                    }
                    shown.card = Some(uid);
                });
                // Nobody may be waiting any more.
                _ = done.send(());
            }
            Event::Cut(true) => {
                self.link = None;
                self.agent.handle(Input::Disconnected, self.sources());
                self.change(|shown| shown.cut = true);
            }
            Event::Cut(false) => {
                self.connect();
                self.change(|shown| shown.cut = false);
            }
        }
    }

    fn hear(&mut self, incoming: Incoming) {
        let input = match incoming {
            Incoming::Connected => Input::Connected,
            Incoming::Disconnected(_) => Input::Disconnected,
            Incoming::Message(message) => Input::Message {
                topic: message.topic,
                payload: message.payload,
            },
        };
        self.agent.handle(input, self.sources());
    }

    async fn carry_out(&mut self) {
        while let Some(output) = self.agent.next_output() {
            match output {
                Output::Drive { drive, .. } => self.drive(drive),
                Output::Publish {
                    topic,
                    payload,
                    retain,
                } => {
                    self.send(Outgoing::Publish(Message {
                        topic,
                        payload,
                        retain,
                    }))
                    .await;
                }
                Output::Subscribe(topics) => self.send(Outgoing::Subscribe(topics)).await,
                Output::Unsubscribe(topics) => self.send(Outgoing::Unsubscribe(topics)).await,
                Output::Restart => {}
            }
        }
    }

    async fn send(&mut self, outgoing: Outgoing) {
        if let Some(link) = &self.link {
            // A broken link says so by itself.
            drop(link.outgoing.send(outgoing).await);
        }
    }

    fn drive(&mut self, drive: Drive) {
        match drive {
            Drive::Energise { until } => {
                self.rest_at = Some(until);
                self.change(|shown| {
                    shown.released = true;
                    shown.opener = None;
                });
            }
            Drive::Rest => {
                self.rest_at = None;
                self.change(|shown| shown.released = false);
            }
            Drive::Siren(_) => {}
            Drive::Signal(signal) => {
                let signal = serde_json::to_value(signal).unwrap_or_default();
                self.change(|shown| shown.signal = signal.as_str().unwrap_or_default().to_owned());
            }
        }
    }

    fn show(&self) {
        let now = self.agent.reading(self.sources()).time;
        let zone = self.agent.zones().next();
        let list = zone.and_then(|zone| zone.list());
        self.change(|shown| {
            shown.connected = self.agent.is_connected();
            shown.revision =
                list.map_or_else(|| "none".to_owned(), |list| list.revision().to_string());
            shown.cards = list.map_or(0, |list| list.len());
            shown.contact_seconds = zone.map_or(0, |zone| (now - zone.contact()).0 / 1000);
        });
    }
}

async fn hear(link: &mut Option<Link>) -> Incoming {
    match link {
        Some(link) => match link.incoming.recv().await {
            Some(incoming) => incoming,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Lets a real serial reader tap at a door.
pub fn read_serial(door: &Door, device: &std::path::Path) -> anyhow::Result<()> {
    use door_agent::readers::{Parser as _, Rdm6300, Read};
    use tokio::io::AsyncReadExt as _;
    use tokio_serial::SerialPortBuilderExt as _;
    let name = device.to_string_lossy();
    let mut port = tokio_serial::new(name.clone(), 9600)
        .open_native_async()
        .with_context(|| {
            format!("cannot open the reader {name}: check the path and the group dialout")
        })?;
    let events = door.events.clone();
    tokio::spawn(async move {
        let mut parser = Rdm6300::default();
        let (mut bytes, mut reads) = ([0; 64], Vec::new());
        while let Ok(count @ 1..) = port.read(&mut bytes).await {
            parser.push(&bytes[..count], &mut reads);
            for read in reads.drain(..) {
                if let Read::Card(uid) = read {
                    let (done, _) = oneshot::channel();
                    drop(events.send(Event::Tap(uid, done)).await);
                }
            }
        }
    });
    Ok(())
}
