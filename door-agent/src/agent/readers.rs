//! Readers that do not answer: nobody gets in by a card, and whoever stands there sees nothing of it.

use super::Agent;
use shared::badge::{Alarm, What};
use shared::door_clock::Sources;
use shared::ids::DoorId;
use shared::time::Span;

/// A reader that answers again so soon was plugged in anew.
const PATIENCE: Span = Span::seconds(10);

/// A reader that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// From this uptime on that is an alarm.
    Until(Span),
    /// It is told.
    Told,
}

impl Agent {
    /// A reader does not answer, or does again.
    pub(super) fn reader_gone(&mut self, door: DoorId, on: bool, sources: Sources) {
        if on {
            let due = Gone::Until(sources.uptime + PATIENCE);
            self.readerless.entry(door).or_insert(due);
        } else if self.readerless.remove(&door) == Some(Gone::Told) {
            self.tell_reader(&door, false, sources);
        }
    }

    /// When [`Agent::tick_readers`] is due.
    pub(super) fn readers_timeout(&self) -> Option<Span> {
        let due = |gone: &Gone| match gone {
            Gone::Until(due) => Some(*due),
            Gone::Told => None,
        };
        self.readerless.values().filter_map(due).min()
    }

    /// Tells of readers that have not answered for long; a door that the settings dropped misses none.
    pub(super) fn tick_readers(&mut self, sources: Sources) {
        let doors = &self.doors;
        let dropped = self
            .readerless
            .extract_if(.., |door, _| !doors.contains_key(door));
        let dropped: Vec<_> = dropped.filter(|(_, gone)| *gone == Gone::Told).collect();
        for (door, _) in dropped {
            self.tell_reader(&door, false, sources);
        }
        let is_due = |gone: Gone| matches!(gone, Gone::Until(due) if due <= sources.uptime);
        let missing = self
            .readerless
            .iter_mut()
            .filter(|(_, gone)| is_due(**gone));
        let missing = missing.map(|(door, gone)| {
            *gone = Gone::Told;
            door.clone()
        });
        for door in missing.collect::<Vec<_>>() {
            self.tell_reader(&door, true, sources);
        }
    }

    /// Whether it is told that a door's reader does not answer.
    pub(super) fn is_readerless(&self, door: &DoorId) -> bool {
        self.readerless.get(door) == Some(&Gone::Told)
    }

    fn tell_reader(&mut self, door: &DoorId, on: bool, sources: Sources) {
        let alarm = Alarm::ReaderGone;
        self.log_event(Some(door), What::Alarm { alarm, on }, sources);
        if self.connected {
            self.publish_status(door);
        }
    }
}
