//! How long a payment takes to reach a door.

use super::prepare::{self, Club, PASSWORD, Renewal, agent, card, zone};
use super::{Effort, Figure, ROUNDS, floor, ingest, load, median, percentile, tell, timing};
use anyhow::Context as _;
use door_agent::agent::{Agent, Input, LocalDoor, Output, Start};
use door_agent::clock::{SystemClock, boot_id, randomness};
use door_agent::controller::Settings;
use door_agent::disk::Directory;
use door_agent::keeper::{Keeper, SharedDisk, ShelfThread};
use door_agent::link::{self, Incoming, Link, Message, Outgoing, Target};
use server::doors::tls::install_crypto;
use server::serve::serve;
use shared::card::{CardKey, CardToken, CardUid};
use shared::rights::Entry;
use shared::time::Span;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const PER_SECOND: usize = 1000;
const CONNECTIONS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(20);

/// Both figures of one measurement.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Half of all changes are in force by then, in milliseconds.
    pub middle: Figure,
    /// 99 of 100 changes are.
    pub late: Figure,
}

/// Milliseconds from the POST of a signed event to its change being stored and in force at a door agent: 1000 events a
/// second from 5000 members whose subscriptions move on, embedded broker and agent over TCP, the agent's state directory
/// on disk. Floor: [`floor::pipe`], loaded the same, to the arrival of the message at the same link.
pub fn figures(known: &mut Option<Figures>, effort: Effort) -> anyhow::Result<Figures> {
    if let Some(known) = *known {
        return Ok(known);
    }
    install_crypto();
    let club = ingest::club()?;
    let events = if effort.quick { 2000 } else { 5000 };
    let mut taken = [const { Vec::new() }; 4];
    for round in 1..=ROUNDS {
        let mut bare = through_pipe(&club, events)?;
        let mut real = to_agent(&club, events)?;
        let row = [
            percentile(&mut real, 0.5),
            percentile(&mut bare, 0.5),
            percentile(&mut real, 0.99),
            percentile(&mut bare, 0.99),
        ];
        tell(&format!(
            "post_to_door {round}/{ROUNDS}: p50 {:.2} floor {:.2}, p99 {:.2} floor {:.2}",
            row[0], row[1], row[2], row[3]
        ));
        taken
            .iter_mut()
            .zip(row)
            .for_each(|(list, value)| list.push(value));
    }
    let [middle, middle_floor, late, late_floor] = taken.map(median);
    let figures = Figures {
        middle: Figure {
            value: middle,
            floor: Some(middle_floor),
        },
        late: Figure {
            value: late,
            floor: Some(late_floor),
        },
    };
    *known = Some(figures);
    Ok(figures)
}

/// An arrival: the member's place among those that were sent.
type Arrivals = Receiver<(usize, Instant)>;

fn to_agent(club: &Club, events: usize) -> anyhow::Result<Vec<f64>> {
    let copy = club.copy()?;
    let runtime = ingest::runtime()?;
    let running = runtime.block_on(serve(copy.settings()))?;
    let key = running.app.keys.card_key(&zone(), 1);
    let state = prepare::directory()?;
    let door = Door::start(
        club,
        running.broker.url.clone(),
        state.path().to_owned(),
        tokens(&key, events),
    )?;
    door.wait()?;
    let sent = post_steadily(running.http, bodies(club, events))?;
    let taken = collect(&sent, &door.arrivals);
    door.stop();
    runtime.block_on(running.stop());
    taken
}

fn through_pipe(club: &Club, events: usize) -> anyhow::Result<Vec<f64>> {
    let directory = prepare::directory()?;
    let runtime = ingest::runtime()?;
    let running = runtime.block_on(floor::pipe(directory.path(), PASSWORD))?;
    let broker = running
        .broker
        .as_ref()
        .and_then(server::doors::broker::Running::loopback)
        .context("no broker")?;
    let bodies = bodies(club, events);
    let names = bodies.iter().map(|body| {
        let event: serde_json::Value = serde_json::from_slice(body)?;
        anyhow::Ok(floor::message(
            event["id"].as_str().context("an event without id")?,
        ))
    });
    let names: Vec<Vec<u8>> = names.collect::<anyhow::Result<_>>()?;
    let (ready, arrivals, stop) = hear_pipe(format!("mqtt://{broker}"), names)?;
    ready
        .recv_timeout(PATIENCE)
        .context("the pipe's end is not connected")?;
    let sent = post_steadily(running.http, bodies)?;
    let taken = collect(&sent, &arrivals);
    stop.notify_one();
    runtime.block_on(running.stop());
    taken
}

fn bodies(club: &Club, events: usize) -> Vec<Vec<u8>> {
    (0..events)
        .map(|place| club.story.renewal(Renewal::MovedOn, place))
        .collect()
}

fn tokens(key: &CardKey, events: usize) -> Vec<CardToken> {
    (0..events)
        .map(|place| CardToken::of(&card(place), key))
        .collect()
}

/// Milliseconds of each event.
fn collect(sent: &[Instant], arrivals: &Arrivals) -> anyhow::Result<Vec<f64>> {
    let mut taken = Vec::with_capacity(sent.len());
    while taken.len() < sent.len() {
        let (place, at) = arrivals
            .recv_timeout(PATIENCE)
            .with_context(|| format!("{} of {} changes arrived", taken.len(), sent.len()))?;
        let start = sent.get(place).context("nobody sent that")?;
        taken.push(at.duration_since(*start).as_secs_f64() * 1000.0);
    }
    Ok(taken)
}

/// Sends one request each millisecond, whatever became of those before; returns when each was handed to its connection.
fn post_steadily(http: SocketAddr, bodies: Vec<Vec<u8>>) -> anyhow::Result<Vec<Instant>> {
    let requests = load::signed(&bodies);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (free, mut idle) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..CONNECTIONS {
            free.send(load::Sender::connect(http).await?)?;
        }
        let mut timer = tokio::time::interval(Duration::from_secs(1) / u32::try_from(PER_SECOND)?);
        let mut tasks = tokio::task::JoinSet::new();
        let mut sent = Vec::with_capacity(requests.len());
        for request in requests {
            timer.tick().await;
            sent.push(timing::instant());
            let mut sender = idle
                .recv()
                .await
                .context("a connection is always given back")?;
            let free = free.clone();
            tasks.spawn(async move {
                sender.send(&request).await?;
                // At the end nobody waits for it.
                drop(free.send(sender));
                anyhow::Ok(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(sent)
    })
}

fn target(url: String) -> Target {
    Target {
        url,
        agent: agent().as_str().to_owned(),
        password: PASSWORD.to_owned(),
        pin: None,
    }
}

fn thread_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// The end of the pipe: the agent's link, and nothing behind it.
fn hear_pipe(
    url: String,
    names: Vec<Vec<u8>>,
) -> anyhow::Result<(Receiver<()>, Arrivals, Arc<Notify>)> {
    let (ready, is_ready) = channel();
    let (arrived, arrivals) = channel();
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    let places: std::collections::HashMap<Vec<u8>, usize> = names
        .into_iter()
        .enumerate()
        .map(|(place, name)| (name, place))
        .collect();
    std::thread::Builder::new()
        .name("pipe".to_owned())
        .spawn(move || {
            let hear = async {
                let mut link = link::connect(&target(url), None, || 0)?;
                let topic = shared::wire::Topic::new(
                    &prepare::organisation(),
                    shared::wire::topics::Channel::Delta(zone()),
                );
                while let Some(incoming) = link.incoming.recv().await {
                    match incoming {
                        Incoming::Connected => {
                            link.outgoing
                                .send(Outgoing::Subscribe(vec![topic.to_string()]))
                                .await?;
                            // The broker has taken the subscription well before the first event is committed.
                            ready.send(())?;
                        }
                        Incoming::Disconnected(reason) => {
                            tracing::warn!(reason, "the pipe's end lost the broker")
                        }
                        Incoming::Message(message) => {
                            let at = timing::instant();
                            if let Some(place) = places.get(&message.payload) {
                                arrived.send((*place, at))?;
                            }
                        }
                    }
                }
                anyhow::Ok(())
            };
            let run = async {
                tokio::select! {
                    ended = hear => ended,
                    () = stopped.notified() => Ok(()),
                }
            };
            report(
                thread_runtime()
                    .map_err(Into::into)
                    .and_then(|runtime| runtime.block_on(run)),
            );
        })?;
    Ok((is_ready, arrivals, stop))
}

fn report(ended: anyhow::Result<()>) {
    if let Err(error) = ended {
        tracing::error!("a thread of the bench ended: {error:#}");
    }
}

/// A door agent on a thread of its own.
pub struct Door {
    ready: Receiver<()>,
    arrivals: Arrivals,
    taps: UnboundedSender<CardUid>,
    stop: Arc<Notify>,
    thread: std::thread::JoinHandle<()>,
}

impl Door {
    /// Starts it; it says when the lists of these cards change.
    pub fn start(
        club: &Club,
        url: String,
        state: std::path::PathBuf,
        tokens: Vec<CardToken>,
    ) -> anyhow::Result<Self> {
        let (is_ready, ready) = channel();
        let (arrived, arrivals) = channel();
        let (taps, shown) = unbounded_channel();
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let (identity, paired) = (club.identity.clone(), club.paired.clone());
        let thread = std::thread::Builder::new().name("door".to_owned()).spawn(move || {
            let mut random = randomness();
            let start = Start {
                identity,
                paired,
                shadow: false,
                boot: boot_id(&mut random),
                doors: vec![LocalDoor { id: prepare::door(), settings: Settings::unlocking(Span::seconds(5)) }],
                random: Box::new(random),
            };
            let run = async {
                tokio::select! {
                    ended = run(start, &state, url, Watch { tokens, seen: None, is_ready, arrived, shown }) => ended,
                    () = stopped.notified() => Ok(()),
                }
            };
            report(thread_runtime().map_err(Into::into).and_then(|runtime| runtime.block_on(run)));
        })?;
        Ok(Self {
            ready,
            arrivals,
            taps,
            stop,
            thread,
        })
    }

    /// Waits until it has a list.
    pub fn wait(&self) -> anyhow::Result<()> {
        let ready = self.ready.recv_timeout(PATIENCE);
        ready.context("the agent has no list")
    }

    /// Shows a card at it.
    pub fn tap(&self, card: CardUid) -> anyhow::Result<()> {
        self.taps.send(card).context("the agent has ended")
    }

    /// Ends it.
    pub fn stop(self) {
        self.stop.notify_one();
        if self.thread.join().is_err() {
            tracing::error!("the agent's thread panicked");
        }
    }
}

/// Sees when the change of each card is in force.
struct Watch {
    tokens: Vec<CardToken>,
    /// The entries at first, and those whose change has not come yet; none before there is a list.
    seen: Option<Vec<(usize, Entry)>>,
    is_ready: Sender<()>,
    arrived: Sender<(usize, Instant)>,
    /// Cards that are shown at the door.
    shown: UnboundedReceiver<CardUid>,
}

impl Watch {
    fn look(&mut self, agent: &Agent) {
        let Some(list) = agent.zones().next().and_then(door_agent::zone::Zone::list) else {
            return;
        };
        let at = timing::instant();
        match &mut self.seen {
            None => {
                let entries = self
                    .tokens
                    .iter()
                    .enumerate()
                    .filter_map(|(place, token)| Some((place, list.find(*token)?)));
                let entries: Vec<(usize, Entry)> = entries.rev().collect();
                if entries.len() == self.tokens.len() {
                    self.seen = Some(entries);
                    _ = self.is_ready.send(());
                }
            }
            Some(waiting) => {
                // Events are sent in this order, and hardly more than one for each connection overtakes another.
                let (mut index, mut unchanged) = (waiting.len(), 0);
                while index > 0 && unchanged < 2 * CONNECTIONS {
                    index -= 1;
                    let (place, before) = &waiting[index];
                    if list.find(before.token).as_ref() == Some(before) {
                        unchanged += 1;
                    } else {
                        _ = self.arrived.send((*place, at));
                        waiting.remove(index);
                    }
                }
            }
        }
    }
}

async fn run(start: Start, state: &Path, url: String, mut watch: Watch) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let lists = SharedDisk::new(Directory::open(&state.join("lists"))?);
    let badges = Directory::open(&state.join("badges"))?;
    let keeper = Keeper::open(Box::new(lists.clone()), Box::new(lists), &start.identity);
    let stored = Arc::new(Notify::new());
    let bell = stored.clone();
    let shelf = |keeper| {
        Ok(
            Box::new(ShelfThread::start(keeper, move || bell.notify_one())?)
                as Box<dyn door_agent::keeper::Shelf>,
        )
    };
    let mut agent = Agent::start_on(keeper, shelf, Box::new(badges), start, clock.read())?;
    let Link {
        outgoing,
        mut incoming,
    } = link::connect(&target(url), None, || 0)?;
    let mut revision = None;
    loop {
        while let Some(output) = agent.next_output() {
            let item = match output {
                Output::Publish {
                    topic,
                    payload,
                    retain,
                } => Outgoing::Publish(Message {
                    topic,
                    payload,
                    retain,
                }),
                Output::Subscribe(topics) => Outgoing::Subscribe(topics),
                Output::Unsubscribe(topics) => Outgoing::Unsubscribe(topics),
                Output::Drive { .. } | Output::Restart => continue,
            };
            outgoing.send(item).await?;
        }
        let held = agent
            .zones()
            .next()
            .and_then(|zone| zone.list())
            .map(|list| list.revision());
        if held != revision {
            revision = held;
            watch.look(&agent);
        }
        let due = tokio::time::Instant::from_std(clock.instant(agent.poll_timeout()));
        let input = tokio::select! {
            item = incoming.recv() => match item.context("the link ended")? {
                Incoming::Connected => Input::Connected,
                Incoming::Disconnected(reason) => {
                    tracing::warn!(reason, "the agent lost the broker");
                    Input::Disconnected
                }
                Incoming::Message(Message { topic, payload, .. }) => Input::Message { topic, payload },
            },
            () = stored.notified() => Input::Tick,
            Some(uid) = watch.shown.recv() => Input::Card { door: prepare::door(), uid },
            _ = tokio::time::timeout_at(due, std::future::pending::<()>()) => Input::Tick,
        };
        agent.handle(input, clock.read());
    }
}
