//! The badge log on its way to the server: a batch, its acknowledgement, the next batch.
//!
//! Every event links to all before it by a running digest, and the server's acknowledgement must name the same one.
//! An acknowledgement that does not is refused: then somebody else speaks in this agent's name.

use super::Agent;
use crate::keeper::{Link, Work};
use crate::spool::{Acknowledged, Batch, Body};
use minicbor::bytes::ByteVec;
use shared::badge::{BadgeEvent, What, chain};
use shared::door_clock::{Quality, Sources};
use shared::ids::{BootId, DoorId};
use shared::time::Span;
use shared::wire::topics::Channel;
use shared::wire::{Ack, Events, Kind, RefusedWhy};
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// Events of one moment go together, and are written before they go, if the disk takes them.
const GATHER: Span = Span(200);
/// How far the disk has come with a sync is looked at so often.
const LOOK: Span = Span(50);
/// A disk that is at one sync for so long counts as failed, until it has done it after all.
const SYNC_PATIENCE: Span = Span::seconds(1);
/// An acknowledgement is waited for so long; then twice as long, and so on.
const PATIENCE: Span = Span::seconds(10);
const LONGEST: Span = Span::minutes(5);
const MAX_EVENTS: usize = 200;
const MAX_BYTES: usize = 64 * 1024;

/// How far the server is known to have come, and what is under way to it.
#[derive(Debug, Default)]
pub(super) struct Upload {
    known: BTreeMap<BootId, Link>,
    under_way: Option<UnderWay>,
    due: Option<Span>,
    sync_due: Option<Span>,
    /// Since when the disk has been at a sync.
    syncing: Option<Span>,
    attempts: u32,
    /// The disk does not take events; so many have come since.
    unwritten: Option<u64>,
}

#[derive(Debug)]
struct UnderWay {
    boot: BootId,
    last: u64,
    /// None where events before these are no longer known.
    links: Option<Vec<Link>>,
}

impl Upload {
    pub fn after(known: BTreeMap<BootId, Link>) -> Self {
        Self {
            known,
            ..Self::default()
        }
    }

    pub fn connected(&mut self, uptime: Span) {
        self.attempts = 0;
        self.under_way = None;
        self.due = Some(uptime);
    }

    pub fn disconnected(&mut self) {
        self.under_way = None;
    }

    /// When [`Agent::tick_spool`] is due.
    pub fn sync_timeout(&self) -> Option<Span> {
        self.sync_due
    }

    /// When events are to be sent, or sent again.
    pub fn poll_timeout(&self) -> Option<Span> {
        self.due
    }

    fn appended(&mut self, uptime: Span) {
        self.sync_due.get_or_insert(uptime + GATHER);
        if self.under_way.is_none() {
            self.due.get_or_insert(uptime + GATHER);
        }
    }

    /// The disk refused or did not answer: that is said once, until it takes events again.
    fn not_written(&mut self, error: &std::io::Error) {
        if self.unwritten.is_none() {
            self.unwritten = Some(0);
            tracing::error!(reason = %error, "events are not safe on disk, the doors go on from memory: check the disk");
        }
    }

    fn written(&mut self) {
        if let Some(events) = self.unwritten.take() {
            tracing::info!(
                events,
                "the disk takes events again, and those that came meanwhile are on it"
            );
        }
    }

    /// The running digests of a batch; none where it does not follow on what is known.
    fn links(&self, boot: BootId, first: u64, events: &[ByteVec]) -> Option<Vec<Link>> {
        let start = self.known.get(&boot).copied().unwrap_or(Link {
            up_to: 0,
            digest: [0; 32],
        });
        let skip = usize::try_from((start.up_to + 1).checked_sub(first)?).ok()?;
        let mut link = start;
        let mut links = vec![start];
        for event in events.iter().skip(skip) {
            link = Link {
                up_to: link.up_to + 1,
                digest: chain(link.digest, boot, event),
            };
            links.push(link);
        }
        Some(links)
    }
}

impl Agent {
    /// Keeps an event: written on return, or in memory if the disk refuses; never an obstacle to what follows.
    pub(super) fn log_event(&mut self, door: Option<&DoorId>, what: What, sources: Sources) {
        let reading = self.clock.read(sources);
        let event = BadgeEvent {
            sequence: self.spool.next_sequence(),
            at: reading.time,
            quality: reading.quality,
            door: door.cloned(),
            what,
        };
        let appended = self.spool.append(event.at, event.weight(), &encode(&event));
        if let Err(error) = &appended.written {
            self.upload.not_written(error);
        }
        if let Some(events) = &mut self.upload.unwritten {
            *events += 1;
        }
        self.upload.appended(sources.uptime);
        self.marks_due = self.marks_due.min(sources.uptime + super::MARKS_SOON);
    }

    /// Syncs what was written a moment ago.
    pub(super) fn tick_spool(&mut self, sources: Sources) {
        if self
            .upload
            .sync_due
            .is_some_and(|due| due <= sources.uptime)
        {
            self.sync_spool(sources);
        }
    }

    pub(super) fn sync_spool(&mut self, sources: Sources) {
        self.upload.sync_due = None;
        let now = self.clock.read(sources).time;
        match self.spool.sync(now) {
            Ok(()) => {
                self.upload.syncing = None;
                self.upload.written();
                if !self.spool.is_synced() {
                    self.upload.sync_due = Some(sources.uptime + GATHER);
                }
            }
            Err(error) => {
                let is_at_it = error.kind() == ErrorKind::WouldBlock;
                let since = *self.upload.syncing.get_or_insert(sources.uptime);
                let again = if is_at_it && sources.uptime < since + SYNC_PATIENCE {
                    LOOK
                } else {
                    self.upload.not_written(&error);
                    Span::seconds(1)
                };
                if !is_at_it {
                    self.upload.syncing = None;
                }
                self.upload.sync_due = Some(sources.uptime + again);
            }
        }
    }

    /// Sends the oldest events that wait, if it is time.
    pub(super) fn send_events(&mut self, sources: Sources) {
        if self.upload.due.is_none_or(|due| sources.uptime < due) {
            return;
        }
        self.sync_spool(sources);
        self.upload.due = None;
        let Some(batch) = self.spool.pending(MAX_EVENTS, MAX_BYTES) else {
            self.upload.under_way = None;
            return;
        };
        let Batch {
            boot,
            lowest_kept,
            entries,
        } = batch;
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return;
        };
        let (first, last) = (first.sequence, last.sequence);
        let events: Vec<ByteVec> = entries
            .into_iter()
            .map(|entry| ByteVec::from(event_bytes(entry)))
            .collect();
        let links = self.upload.links(boot, first, &events);
        self.upload.under_way = Some(UnderWay { boot, last, links });
        self.upload.attempts += 1;
        let patience = PATIENCE
            .0
            .saturating_mul(1 << self.upload.attempts.saturating_sub(1).min(10));
        self.upload.due = Some(sources.uptime + Span(patience).min(LONGEST));
        self.publish(
            Channel::Events,
            Kind::Events,
            &Events {
                boot,
                first,
                lowest_kept,
                events,
            },
        );
    }

    pub(super) fn acknowledged(&mut self, ack: &Ack, sources: Sources) -> Result<(), RefusedWhy> {
        let known = self.upload.known.get(&ack.boot);
        if known.is_some_and(|known| ack.up_to < known.up_to) {
            return Ok(());
        }
        if !self.fits(ack)? {
            return Ok(());
        }
        match self.spool.acknowledge(ack.boot, ack.up_to) {
            Acknowledged::Newly(_) => {}
            Acknowledged::Nothing | Acknowledged::UnknownBoot => return Ok(()),
            Acknowledged::NeverMade => return Err(RefusedWhy::Conflict),
        }
        self.upload.known.insert(
            ack.boot,
            Link {
                up_to: ack.up_to,
                digest: ack.digest,
            },
        );
        if self.spool.waiting() == 0 {
            // Earlier boots have nothing more to say.
            self.upload.known.retain(|boot, _| *boot == self.boot);
        }
        self.storing.submit(Work::Links(self.upload.known.clone()));
        self.upload
            .sync_due
            .get_or_insert(sources.uptime + Span::seconds(1));
        if self
            .upload
            .under_way
            .as_ref()
            .is_some_and(|sent| sent.boot == ack.boot && sent.last <= ack.up_to)
        {
            self.upload.under_way = None;
            self.upload.attempts = 0;
            self.upload.due = (self.spool.waiting() > 0).then_some(sources.uptime);
        }
        Ok(())
    }

    /// Whether the acknowledgement is for what was sent; an error if the server's history of this boot is not ours.
    fn fits(&self, ack: &Ack) -> Result<bool, RefusedWhy> {
        let sent = self
            .upload
            .under_way
            .as_ref()
            .filter(|sent| sent.boot == ack.boot);
        let known = self.upload.known.get(&ack.boot);
        let links = sent
            .and_then(|sent| sent.links.as_ref())
            .into_iter()
            .flatten();
        if let Some(link) = known
            .into_iter()
            .chain(links)
            .find(|link| link.up_to == ack.up_to)
        {
            return if link.digest == ack.digest {
                Ok(true)
            } else {
                Err(RefusedWhy::Digest)
            };
        }
        match sent {
            // Nothing to compare with: the events before are not known any more.
            Some(UnderWay {
                links: None, last, ..
            }) if ack.up_to <= *last => Ok(true),
            Some(_) => Err(RefusedWhy::Conflict),
            None if ack.boot == self.boot && ack.up_to >= self.spool.next_sequence() => {
                Err(RefusedWhy::Conflict)
            }
            // For a batch of the connection before; it is sent again and acknowledged again.
            None => Ok(false),
        }
    }

    /// A server that began a new epoch may have lost what it had acknowledged: everything still kept goes again.
    pub(super) fn note_epoch(&mut self, number: u32, sources: Sources) {
        if number > self.epoch {
            self.epoch = number;
            self.spool.replay();
            self.upload.known.clear();
            self.upload.under_way = None;
            self.storing.submit(Work::Links(self.upload.known.clone()));
            self.upload.due = Some(sources.uptime);
        }
    }
}

fn encode(event: &BadgeEvent) -> Vec<u8> {
    minicbor::to_vec(event).expect("writing to memory cannot fail")
}

/// The event as it was appended, or what says that it was dropped.
fn event_bytes(entry: crate::spool::Entry) -> Vec<u8> {
    match entry.body {
        Body::Event(bytes) => bytes,
        Body::Gap { lost, grants } => encode(&BadgeEvent {
            sequence: entry.sequence,
            at: entry.at,
            quality: Quality::Untrusted,
            door: None,
            what: What::Gap { lost, grants },
        }),
    }
}
