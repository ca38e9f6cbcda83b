//! Badge events until the server has them, and a while longer: an append-only journal in segments, mirrored in memory.
//!
//! An event is named by (boot, sequence) and its bytes never change once they were handed out. When space runs out,
//! acknowledged events go first, then the newest diagnostics, then refusals, grants last; each one dropped leaves
//! its sequence number to a counted gap.

mod boot;
mod record;
mod recover;

pub use recover::Recovery;

use crate::disk::Disk;
use crate::records;
use boot::{Boot, Content, IN_MEMORY, Kept};
use record::{Record, tag};
use shared::badge::Weight;
use shared::ids::BootId;
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// The longest event, in bytes; a longer one is kept as a gap.
pub const MAX_EVENT: usize = 64 * 1024;

/// So often an event names its boot in full.
const IN_FULL_EVERY: u64 = 16;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all events together, in memory and (but for fragments of a few segments) on disk.
    pub bytes: usize,
    /// Bytes after which a segment is closed and the next begun.
    pub segment_bytes: u64,
    /// How long acknowledged events are kept for a new epoch.
    pub keep: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            bytes: 16 << 20,
            segment_bytes: 256 << 10,
            keep: Span::days(7),
        }
    }
}

/// What became of an appended event.
#[derive(Debug)]
pub struct Appended {
    /// Its number within this boot; with the boot its name for ever.
    pub sequence: u64,
    /// Whether it was written (not yet synced); if not it is kept in memory, and [`Spool::sync`] tries again.
    pub written: io::Result<()>,
}

/// What an acknowledgement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// So many events are newly acknowledged.
    Newly(u64),
    /// All of it was known.
    Nothing,
    /// No event of that boot is kept.
    UnknownBoot,
    /// The server claims events which this boot has not made: nothing was changed; somebody else uses our name.
    NeverMade,
}

/// Events of one boot with consecutive sequence numbers, from the lowest unacknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The run of the agent they belong to.
    pub boot: BootId,
    /// The lowest sequence number of that boot which is still kept.
    pub lowest_kept: u64,
    /// At least one.
    pub entries: Vec<Entry>,
}

/// One sequence number of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number within the boot.
    pub sequence: u64,
    /// When it was appended; for a gap, when the first event of its run was.
    pub at: Timestamp,
    /// What is known of it.
    pub body: Body,
}

/// What is known of one sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The event as it was appended.
    Event(Vec<u8>),
    /// It was dropped; the first number of a run counts the run, the numbers after it count nothing.
    Gap {
        /// How many events the run lost.
        lost: u64,
        /// How many of them are known to have been grants.
        grants: u64,
    },
}

/// The journal of badge events.
pub struct Spool {
    disk: Box<dyn Disk>,
    limits: Limits,
    /// In the order they began; the last is the one that runs now.
    boots: Vec<Boot>,
    bytes: usize,
    /// How many entries each segment file still holds.
    live: BTreeMap<u64, usize>,
    /// Segments which still hold events that became gaps in memory.
    outdated: BTreeSet<u64>,
    /// Segments which may go only after a mark on disk says that their events were acknowledged.
    unmarked: BTreeSet<u64>,
    current: Option<Segment>,
    next_segment: u64,
    /// Whether it is known which segments lie on disk; until then none is begun, for it might take another's place.
    listed: bool,
    marks_changed: bool,
    /// Segments that were written to since a sync of them was begun; more than one if the disk made us give one up.
    unsynced: BTreeSet<u64>,
    /// Segments of which a sync was begun.
    syncing: BTreeSet<u64>,
}

/// The segment being written.
#[derive(Debug, Clone, Copy)]
struct Segment {
    number: u64,
    len: u64,
    /// Whose whole name stands in an event here, last of all.
    named: Option<BootId>,
}

impl Spool {
    /// The sequence number which the next event of this boot will get.
    pub fn next_sequence(&self) -> u64 {
        self.now().last() + 1
    }

    /// How many events wait to be acknowledged.
    pub fn waiting(&self) -> u64 {
        self.boots
            .iter()
            .map(|boot| boot.last() - boot.acknowledged)
            .sum()
    }

    /// Keeps an event; on return it is written but not synced, or the disk failed and it is in memory only.
    pub fn append(&mut self, at: Timestamp, weight: Weight, bytes: &[u8]) -> Appended {
        let sequence = self.next_sequence();
        let content = if bytes.len() <= MAX_EVENT {
            Content::Event {
                weight,
                bytes: bytes.to_vec(),
            }
        } else {
            Content::Gap {
                span: 1,
                grants: u64::from(weight == Weight::Grant),
            }
        };
        let mut kept = Kept {
            at,
            segment: IN_MEMORY,
            content,
        };
        let written = self.write(&[kept.record(self.now().id, sequence)]);
        if let Ok(number) = &written {
            kept.segment = *number;
        }
        let newest_segment = kept.segment;
        self.bytes += kept.cost();
        *self.live.entry(kept.segment).or_default() += 1;
        let running = self
            .boots
            .last_mut()
            .expect("a spool is opened with the boot that runs");
        running.newest_segment = running.newest_segment.max(newest_segment);
        running.entries.insert(sequence, kept);
        self.make_room();
        Appended {
            sequence,
            written: written.map(|_| ()),
        }
    }

    /// The next events to send, oldest boot first; at least one if any waits, then up to the limits given.
    ///
    /// Call [`Spool::sync`] before, so that what is sent is also written.
    pub fn pending(&mut self, max_events: usize, max_bytes: usize) -> Option<Batch> {
        let boot = self
            .boots
            .iter_mut()
            .find(|boot| boot.last() > boot.acknowledged)?;
        let mut entries = Vec::new();
        let mut bytes = 0;
        let mut sequence = boot.acknowledged + 1;
        while let Some((first, kept)) = boot.entry_at(sequence) {
            let body = match &kept.content {
                Content::Event { bytes, .. } => Body::Event(bytes.clone()),
                Content::Gap { span, grants } if first == sequence => Body::Gap {
                    lost: *span,
                    grants: *grants,
                },
                Content::Gap { .. } => Body::Gap { lost: 0, grants: 0 },
            };
            bytes += kept.cost();
            if !entries.is_empty() && (entries.len() >= max_events || bytes > max_bytes) {
                break;
            }
            entries.push(Entry {
                sequence,
                at: kept.at,
                body,
            });
            sequence += 1;
        }
        let last = entries.last()?.sequence;
        // A run of which a part was handed out may not be joined to any more: all of it counts as sent.
        let run_end = boot
            .entry_at(last)
            .map_or(last, |(first, kept)| first + kept.span() - 1);
        if run_end > boot.sent {
            boot.sent = run_end;
            self.marks_changed = true;
        }
        Some(Batch {
            boot: boot.id,
            lowest_kept: boot.lowest_kept(),
            entries,
        })
    }

    /// Notes that the server has committed a boot's events up to a number; they stay in the ring for a new epoch.
    pub fn acknowledge(&mut self, boot: BootId, up_to: u64) -> Acknowledged {
        let running = self.now().id;
        let Some(boot) = self.boots.iter_mut().find(|known| known.id == boot) else {
            return Acknowledged::UnknownBoot;
        };
        if up_to <= boot.acknowledged {
            return Acknowledged::Nothing;
        }
        // An earlier boot may have sent events which the power cut took before they were synced.
        if boot.id == running && up_to > boot.last() {
            return Acknowledged::NeverMade;
        }
        let newly = up_to - boot.acknowledged;
        boot.acknowledged = up_to;
        self.marks_changed = true;
        Acknowledged::Newly(newly)
    }

    /// Lets everything still kept be sent again, for a server that began a new epoch; durable after [`Spool::sync`].
    pub fn replay(&mut self) {
        for boot in &mut self.boots {
            boot.acknowledged = boot.acknowledged.min(boot.lowest_kept() - 1);
        }
        self.marks_changed = true;
    }

    /// Makes everything durable, writes what could not be written before, and removes what is acknowledged and older
    /// than the limit at `now`. To be called about once a second.
    ///
    /// # Errors
    /// `WouldBlock` while the disk is at it; any other if it refuses. Nothing is lost from memory, and the next call goes
    /// on or tries again.
    pub fn sync(&mut self, now: Timestamp) -> io::Result<()> {
        self.expire(now);
        let first = self.write_all_down();
        if first
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
        {
            self.release_acknowledged()?;
            return self.write_all_down();
        }
        first
    }

    fn now(&self) -> &Boot {
        self.boots
            .last()
            .expect("a spool is opened with the boot that runs")
    }

    fn write_all_down(&mut self) -> io::Result<()> {
        self.write_marks()?;
        self.write_unwritten()?;
        self.rewrite_outdated()?;
        self.sync_written()?;
        self.remove_empty()
    }

    /// Whether nothing was written since the last sync was begun.
    pub fn is_synced(&self) -> bool {
        self.unsynced.is_empty()
    }

    fn sync_written(&mut self) -> io::Result<()> {
        if self.syncing.is_empty() {
            self.syncing = std::mem::take(&mut self.unsynced);
        }
        while let Some(number) = self.syncing.first().copied() {
            if let Err(error) = self.disk.sync(&file(number)) {
                if error.kind() != io::ErrorKind::WouldBlock {
                    self.unsynced.append(&mut self.syncing);
                }
                return Err(error);
            }
            self.syncing.remove(&number);
        }
        // What was written meanwhile may hold the marks.
        if !self.marks_changed && self.unsynced.is_empty() {
            self.unmarked.clear();
            for boot in &mut self.boots {
                boot.acknowledged_on_disk = boot.acknowledged;
            }
        }
        Ok(())
    }

    fn write_marks(&mut self) -> io::Result<()> {
        if self.marks_changed {
            self.write(&[])?;
        }
        Ok(())
    }

    fn write_unwritten(&mut self) -> io::Result<()> {
        if !self.live.contains_key(&IN_MEMORY) {
            return Ok(());
        }
        for index in 0..self.boots.len() {
            let id = self.boots[index].id;
            let unwritten: Vec<u64> = (self.boots[index].entries.iter())
                .filter(|(_, kept)| kept.segment == IN_MEMORY)
                .map(|(sequence, _)| *sequence)
                .collect();
            for sequence in unwritten {
                let record = self.boots[index].entries[&sequence].record(id, sequence);
                let number = self.write(&[record])?;
                let kept = self.boots[index]
                    .entries
                    .get_mut(&sequence)
                    .expect("nothing was removed meanwhile");
                kept.segment = number;
                self.boots[index].newest_segment = number;
                forget_one(&mut self.live, IN_MEMORY);
                *self.live.entry(number).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Replaces each segment that holds dropped events by one with gaps in their place.
    fn rewrite_outdated(&mut self) -> io::Result<()> {
        while let Some(number) = self.outdated.first().copied() {
            let marks = self.boots.iter().map(Boot::mark);
            let entries = self.boots.iter().flat_map(|boot| {
                let kept = boot
                    .entries
                    .iter()
                    .filter(|(_, kept)| kept.segment == number);
                kept.map(|(sequence, kept)| kept.record(boot.id, *sequence))
            });
            let (all, mut named) = (marks.chain(entries), None);
            let mut content = Vec::new();
            for record in all {
                let encoded = self.encode(&record, &mut named);
                content.extend(records::frame(number, content.len() as u64, &encoded));
            }
            self.disk.write_atomic(&file(number), &content)?;
            if let Some(segment) = self
                .current
                .as_mut()
                .filter(|segment| segment.number == number)
            {
                segment.len = content.len() as u64;
            }
            self.is_durable(number);
            self.outdated.remove(&number);
        }
        Ok(())
    }

    /// Removes segments without live entries, oldest first, but never the newest: it carries the marks.
    fn remove_empty(&mut self) -> io::Result<()> {
        let newest = self
            .live
            .last_key_value()
            .map_or(IN_MEMORY, |(number, _)| *number);
        let empty: Vec<u64> = (self.live.iter())
            .filter(|(number, entries)| **entries == 0 && **number != newest)
            .filter(|(number, _)| !self.unmarked.contains(number))
            .map(|(number, _)| *number)
            .collect();
        for number in empty {
            if number != IN_MEMORY {
                // Emptied durably first: a removed name may come back after a power cut, and must then mean nothing.
                self.disk.truncate(&file(number), 0)?;
                self.is_durable(number);
                self.disk.remove(&file(number))?;
            }
            self.live.remove(&number);
        }
        Ok(())
    }

    /// Nothing of a segment is left to be synced.
    fn is_durable(&mut self, number: u64) {
        self.unsynced.remove(&number);
        self.syncing.remove(&number);
    }

    /// Writes changed marks and records at the end of the current segment, or of a new one; returns its number.
    fn write(&mut self, records: &[Record]) -> io::Result<u64> {
        let segment = match self
            .current
            .filter(|segment| segment.len < self.limits.segment_bytes)
        {
            Some(segment) => segment,
            None => self.begin_segment()?,
        };
        // A boot's first mark goes before its first event: without it, lost events at its start could not be told.
        let marks = self
            .boots
            .iter()
            .map(Boot::mark)
            .filter(|_| self.marks_changed);
        let all: Vec<Record> = marks.chain(records.iter().cloned()).collect();
        self.write_to(segment, &all)?;
        self.marks_changed = false;
        Ok(segment.number)
    }

    fn begin_segment(&mut self) -> io::Result<Segment> {
        match self.sync_written() {
            // A card waits.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => done?,
        }
        if !self.listed {
            let newest = self.segments()?.last().copied().unwrap_or(IN_MEMORY);
            self.next_segment = self.next_segment.max(newest.saturating_add(1));
            self.listed = true;
        }
        let segment = Segment {
            number: self.next_segment,
            len: 0,
            named: None,
        };
        // A failed attempt at this number may have left bytes behind.
        self.disk.truncate(&file(segment.number), 0)?;
        let marks: Vec<Record> = self.boots.iter().map(Boot::mark).collect();
        let begun = self.write_to(segment, &marks)?;
        self.marks_changed = false;
        self.next_segment = segment.number.saturating_add(1);
        self.live.insert(segment.number, 0);
        Ok(begun)
    }

    fn write_to(&mut self, segment: Segment, records: &[Record]) -> io::Result<Segment> {
        let (mut bytes, mut named) = (Vec::new(), segment.named);
        for record in records {
            let encoded = self.encode(record, &mut named);
            let place = segment.len + bytes.len() as u64;
            bytes.extend(records::frame(segment.number, place, &encoded));
        }
        self.unsynced.insert(segment.number);
        if let Err(error) = self.disk.append(&file(segment.number), &bytes) {
            let repaired = segment.len > 0
                && self
                    .disk
                    .truncate(&file(segment.number), segment.len)
                    .is_ok();
            self.current = repaired.then_some(segment);
            return Err(error);
        }
        let grown = Segment {
            len: segment.len + bytes.len() as u64,
            named,
            ..segment
        };
        self.current = Some(grown);
        Ok(grown)
    }

    /// A record's bytes; an event names its boot in full unless the one before it did, and now and then all the same.
    fn encode(&self, record: &Record, named: &mut Option<BootId>) -> Vec<u8> {
        let Record::Event { boot, sequence, .. } = record else {
            return record.encode(true);
        };
        let shares_tag = |other: &Boot| other.id != *boot && tag(other.id) == tag(*boot);
        let in_full = *named != Some(*boot)
            || sequence % IN_FULL_EVERY == 0
            || self.boots.iter().any(shares_tag);
        *named = Some(*boot);
        record.encode(in_full)
    }

    fn expire(&mut self, now: Timestamp) {
        let oldest = now - self.limits.keep;
        for index in 0..self.boots.len() {
            while let Some((first, kept)) = self.boots[index].oldest_acknowledged()
                && kept.at < oldest
            {
                self.remove(index, first);
            }
        }
        let running = self.now().id;
        let oldest_file = self
            .live
            .keys()
            .find(|number| **number != IN_MEMORY)
            .copied();
        self.boots.retain(|boot| {
            let on_disk = oldest_file.is_some_and(|oldest| oldest <= boot.newest_segment);
            boot.id == running || on_disk || !boot.entries.is_empty()
        });
    }

    fn remove(&mut self, boot: usize, first: u64) {
        if let Some(kept) = self.boots[boot].entries.remove(&first) {
            self.bytes -= kept.cost();
            forget_one(&mut self.live, kept.segment);
            if first + kept.span() - 1 > self.boots[boot].acknowledged_on_disk {
                self.unmarked.insert(kept.segment);
            }
        }
    }

    /// Gives acknowledged events up before their time: the disk is full, though our own limit is not reached.
    fn release_acknowledged(&mut self) -> io::Result<()> {
        for index in 0..self.boots.len() {
            while let Some((first, kept)) = self.boots[index].oldest_acknowledged()
                && first + kept.span() - 1 <= self.boots[index].acknowledged_on_disk
            {
                self.remove(index, first);
            }
        }
        self.remove_empty()
    }

    /// Drops what matters least until the limit is kept with some room to spare, so that this is rare.
    fn make_room(&mut self) {
        if self.bytes <= self.limits.bytes {
            return;
        }
        let target = self.limits.bytes - self.limits.bytes / 32;
        for index in 0..self.boots.len() {
            while self.bytes > target
                && let Some((first, _)) = self.boots[index].oldest_acknowledged()
            {
                self.remove(index, first);
            }
        }
        for weight in [Weight::Diagnostic, Weight::Refusal, Weight::Grant] {
            for index in (0..self.boots.len()).rev() {
                while self.bytes > target && self.drop_newest(index, weight, target) {}
            }
        }
    }

    /// Drops about as many events as it takes; false if there are none to drop.
    fn drop_newest(&mut self, boot: usize, weight: Weight, target: usize) -> bool {
        let mut victims = Vec::new();
        let mut left = self.bytes;
        for sequence in self.boots[boot].droppable(weight) {
            if left <= target {
                break;
            }
            left -= self.boots[boot].entries[&sequence].cost().min(left);
            victims.push(sequence);
        }
        for sequence in victims.iter().copied() {
            let segment = self.boots[boot].entries[&sequence].segment;
            let entries = self.boots[boot].entries.len();
            self.bytes -= self.boots[boot].drop_event(sequence).min(self.bytes);
            for _ in self.boots[boot].entries.len()..entries {
                forget_one(&mut self.live, segment);
            }
            if segment != IN_MEMORY {
                self.outdated.insert(segment);
            }
        }
        !victims.is_empty()
    }
}

fn forget_one(live: &mut BTreeMap<u64, usize>, segment: u64) {
    if let Some(entries) = live.get_mut(&segment) {
        *entries = entries.saturating_sub(1);
    }
}

fn file(segment: u64) -> String {
    format!("spool-{segment:016x}.log")
}

#[cfg(test)]
mod tests;
