//! How long a card waits for its lock.

use super::prepare::{self, Club, door, zone};
use super::{Effort, Figure, in_turns, ingest, percentile, timing};
use anyhow::Context as _;
use door_agent::agent::{Agent, Drive, Input, LocalDoor, Output, Start};
use door_agent::clock::{boot_id, randomness};
use door_agent::config::Format;
use door_agent::controller::Settings;
use door_agent::disk::Directory;
use door_agent::hardware::Hardware as _;
use door_agent::hardware::simulated::Lines;
use door_agent::hasty_disk::HastyDisk;
use door_agent::keeper::{Job, Keeper, SharedDisk, Shelf, ShelfThread, Work};
use door_agent::readers::{Read, parser};
use shared::allow_list::{AllowList, Epoch, Revision};
use shared::card::{CardKey, CardToken, CardUid};
use shared::decide::Policy;
use shared::door_clock::Sources;
use shared::ids::Holder;
use shared::rights::{CardState, Entry, Flags, Right};
use shared::time::{Span, Timestamp};
use shared::wire::PolicyMessage;
use std::collections::HashMap;
use std::fs::File;
use std::io::{PipeReader, Read as _, Write as _, pipe};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const CARDS: u32 = 100_000;
/// A byte of a serial line at 9600 baud.
const BYTE: Duration = Duration::from_millis(1);
/// So long after a card its lock rests again.
const BETWEEN: Span = Span::seconds(10);
/// What one badge event takes in a journal.
const EVENT: usize = 96;

/// Microseconds from the last byte of a card's frame to the lock being driven, 99 of 100 cards, 100 000 cards on the
/// list: the agent's own parser, controller, list, badge log on a real disk and simulated lock, fed through a pipe by
/// another thread. Floor: [`bare_loop`], fed the same.
pub fn to_lock(effort: Effort) -> anyhow::Result<Figure> {
    let taps = if effort.quick { 2000 } else { 10_000 };
    let runtime = ingest::runtime()?;
    let club = runtime.block_on(Club::make(1, 2))?;
    let copy = club.copy()?;
    let key = runtime.block_on(async {
        let app = copy.app().await?;
        app.store.close().await;
        anyhow::Ok(app.keys.card_key(&zone(), 1))
    })?;
    let state = prepare::directory()?;
    fill(state.path(), &club, &key)?;
    in_turns(
        "card_to_lock_p99",
        || tap_agent(state.path(), &club, taps),
        || {
            let directory = prepare::directory()?;
            let list: HashMap<CardToken, bool> = (0..CARDS)
                .map(|number| (CardToken::of(&uid(number), &key), true))
                .collect();
            tap(taps, |line, done| {
                bare_loop(line, done, &key, &list, directory.path())
            })
        },
    )
}

/// The floor: read a frame, take the keyed hash of its number, look that up, write an event, write to the lock.
fn bare_loop(
    mut line: PipeReader,
    done: &Sender<Instant>,
    key: &CardKey,
    list: &HashMap<CardToken, bool>,
    directory: &Path,
) -> anyhow::Result<()> {
    let mut events = File::create(directory.join("events"))?;
    let mut lock = File::create(directory.join("lock"))?;
    let mut frame = [0; FRAME];
    while line.read_exact(&mut frame).is_ok() {
        let uid = CardUid::parse(std::str::from_utf8(&frame[1..11])?)?;
        if list.get(&CardToken::of(&uid, key)) == Some(&true) {
            events.write_all(&[7; EVENT])?;
            lock.write_all(b"released\n")?;
            done.send(timing::instant())?;
        }
    }
    Ok(())
}

/// An RDM6300 frame: STX, ten digits, two of checksum, ETX.
const FRAME: usize = 14;

fn uid(number: u32) -> CardUid {
    let [a, b, c, d] = (number + 0x1500_0000).to_be_bytes();
    CardUid::from_bytes(&[0x62, a, b, c, d]).expect("five bytes that are not alike")
}

fn frame(uid: &CardUid) -> Vec<u8> {
    let sum = uid.as_bytes().iter().fold(0, |sum, byte| sum ^ byte);
    format!("\x02{}{sum:02X}\x03", uid.reveal()).into_bytes()
}

fn fill(state: &Path, club: &Club, key: &CardKey) -> anyhow::Result<()> {
    let revision = Revision {
        epoch: Epoch {
            number: 1,
            id: *b"benching",
        },
        number: 1,
    };
    let always = Right {
        schedule: 0,
        not_before: None,
        not_after: None,
        certain: true,
    };
    let entries = (0..CARDS).map(|number| Entry {
        token: CardToken::of(&uid(number), key),
        holder: Holder(i64::from(number) + 1),
        state: CardState::Ok,
        rights: vec![always],
        flags: Flags::default(),
        pin: None,
    });
    let list = AllowList::build(revision, entries);
    let policy = PolicyMessage {
        revision,
        issued_at: Timestamp(0),
        policy: Policy::standard(),
    };
    let disk = SharedDisk::new(Directory::open(&state.join("lists"))?);
    let mut keeper = Keeper::open(Box::new(disk.clone()), Box::new(disk), &club.identity);
    keeper.submit(Job {
        number: 1,
        work: Work::List(zone(), list, Timestamp(0)),
    });
    keeper.submit(Job {
        number: 2,
        work: Work::Policy(zone(), minicbor::to_vec(policy)?),
    });
    Ok(())
}

fn tap_agent(state: &Path, club: &Club, taps: usize) -> anyhow::Result<f64> {
    let lists = SharedDisk::new(Directory::open(&state.join("lists"))?);
    let badges = prepare::directory()?;
    let journal = HastyDisk::start(Directory::open(badges.path())?)?;
    let keeper = Keeper::open(Box::new(lists.clone()), Box::new(lists), &club.identity);
    let mut random = randomness();
    let start = Start {
        identity: club.identity.clone(),
        paired: club.paired.clone(),
        boot: boot_id(&mut random),
        doors: vec![LocalDoor {
            id: door(),
            settings: Settings::unlocking(Span::seconds(5)),
        }],
        random: Box::new(random),
    };
    let begin = timing::now();
    let sources = |uptime| Sources {
        wall: begin + uptime,
        uptime,
        synchronised: true,
    };
    let shelf = |keeper| Ok(Box::new(ShelfThread::start(keeper, || {})?) as Box<dyn Shelf>);
    let mut agent = Agent::start_on(keeper, shelf, Box::new(journal), start, sources(Span(0)))?;
    let mut lock = Lines::open(door(), &badges.path().join("lock.jsonl"), begin)?;
    tap(taps, move |mut line, done| {
        let mut parser = parser(Format::Rdm6300);
        let (mut bytes, mut read, mut uptime) = ([0; 64], Vec::new(), Span(0));
        loop {
            let count = line.read(&mut bytes)?;
            if count == 0 {
                agent.stop(sources(uptime));
                return Ok(());
            }
            parser.push(&bytes[..count], &mut read);
            for read in read.drain(..) {
                let Read::Card(uid) = read else {
                    anyhow::bail!("a frame was not understood")
                };
                agent.handle(Input::Card { door: door(), uid }, sources(uptime));
                drive(&mut agent, &mut lock, sources(uptime), Some(done))?;
                uptime = uptime + BETWEEN;
                agent.handle(Input::Tick, sources(uptime));
                drive(&mut agent, &mut lock, sources(uptime), None)?;
            }
        }
    })
}

fn drive(
    agent: &mut Agent,
    lock: &mut Lines,
    at: Sources,
    done: Option<&Sender<Instant>>,
) -> anyhow::Result<()> {
    while let Some(output) = agent.next_output() {
        match output {
            Output::Drive {
                drive: Drive::Energise { .. },
                ..
            } => {
                lock.energise(at)?;
                if let Some(done) = done {
                    done.send(timing::instant())?;
                }
            }
            Output::Drive {
                drive: Drive::Rest, ..
            } => lock.rest(at)?,
            Output::Drive {
                drive: Drive::Signal(signal),
                ..
            } => lock.signal(signal, at)?,
            Output::Drive {
                drive: Drive::Siren(_),
                ..
            }
            | Output::Publish { .. }
            | Output::Subscribe(_)
            | Output::Unsubscribe(_)
            | Output::Restart => {}
        }
    }
    Ok(())
}

/// Shows so many cards, a millisecond before the last byte of each, and returns the microseconds that 99 of 100 keep to.
fn tap(
    taps: usize,
    read: impl FnOnce(PipeReader, &Sender<Instant>) -> anyhow::Result<()> + Send,
) -> anyhow::Result<f64> {
    let (line, mut reader) = pipe()?;
    let (done, driven): (Sender<Instant>, Receiver<Instant>) = channel();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || read(line, &done));
        let mut taken = Vec::with_capacity(taps);
        let mut show = || {
            for number in 0..taps {
                let place = u32::try_from(number * 7919 % CARDS as usize)?;
                let frame = frame(&uid(place));
                let (last, first) = frame.split_last().context("a frame has bytes")?;
                reader.write_all(first)?;
                timing::pause(BYTE);
                let start = timing::instant();
                reader.write_all(std::slice::from_ref(last))?;
                let at = driven
                    .recv_timeout(Duration::from_secs(5))
                    .context("a lock was not driven")?;
                taken.push(at.duration_since(start).as_secs_f64() * 1e6);
            }
            anyhow::Ok(())
        };
        let shown = show();
        drop(reader);
        let ended = thread
            .join()
            .map_err(|_| anyhow::anyhow!("the door's thread panicked"))?;
        ended.and(shown)?;
        Ok(percentile(&mut taken, 0.99))
    })
}
