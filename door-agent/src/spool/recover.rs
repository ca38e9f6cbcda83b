//! Reads the segments back after a restart, whatever the power cut left of them.

use super::boot::{Boot, Content, IN_MEMORY, Kept};
use super::record::{Names, Record};
use super::{Limits, Segment, Spool, file};
use crate::disk::Disk;
use crate::records;
use shared::ids::BootId;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// What was found on disk when the spool was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Events that still wait to be acknowledged, gaps included.
    pub waiting: u64,
    /// Bytes at the ends of segments that made no whole record: what was being written when the power went.
    pub torn_bytes: usize,
    /// Bytes between good records that made none: damage.
    pub damaged_bytes: usize,
    /// Events known to be missing; each is now a gap.
    pub missing: u64,
    /// Segments that could not be read, or 1 if not even their names could; they are left as they are.
    pub unreadable: u64,
}

/// Everything the segments say about one boot.
#[derive(Debug, Default)]
struct Pieces {
    entries: BTreeMap<u64, Kept>,
    gaps: Vec<(u64, Kept)>,
    mark: Option<(u64, u64)>,
    newest_segment: u64,
}

impl Spool {
    /// Opens the spool for a new run of the agent and reads back what earlier runs left; neither damage nor what cannot
    /// be read is an error. What is found to be lost without a number is a gap of `now`.
    pub fn open(
        disk: Box<dyn Disk>,
        boot: BootId,
        limits: Limits,
        now: Timestamp,
    ) -> (Spool, Recovery) {
        let mut spool = Spool {
            disk,
            limits,
            boots: Vec::new(),
            bytes: 0,
            live: BTreeMap::new(),
            outdated: BTreeSet::new(),
            unmarked: BTreeSet::new(),
            current: None,
            next_segment: IN_MEMORY + 1,
            listed: true,
            marks_changed: true,
            unsynced: BTreeSet::new(),
            syncing: BTreeSet::new(),
        };
        let mut recovery = Recovery::default();
        let mut pieces: Vec<(BootId, Pieces)> = Vec::new();
        let newest_unreadable = spool.read_segments(&mut pieces, &mut recovery);
        for (id, pieces) in pieces {
            let rebuilt = rebuild(id, pieces, &mut recovery);
            if id == boot || !rebuilt.entries.is_empty() {
                spool.boots.push(rebuilt);
            }
        }
        match spool.boots.iter().position(|known| known.id == boot) {
            Some(index) => {
                let running = spool.boots.remove(index);
                spool.boots.push(running);
            }
            None => spool.boots.push(Boot::new(boot)),
        }
        for kept in spool.boots.iter().flat_map(|boot| boot.entries.values()) {
            spool.bytes += kept.cost();
            *spool.live.entry(kept.segment).or_default() += 1;
        }
        if newest_unreadable {
            spool.count_unknown(now, &mut recovery);
        }
        recovery.waiting = spool.waiting();
        spool.make_room();
        (spool, recovery)
    }

    /// Reads all segments that can be read, and says whether the newest one could not be.
    fn read_segments(
        &mut self,
        pieces: &mut Vec<(BootId, Pieces)>,
        recovery: &mut Recovery,
    ) -> bool {
        let numbers = match self.segments() {
            Ok(numbers) => numbers,
            Err(error) => {
                tracing::error!(reason = %error, "the names of the badge log's files cannot be read, events are in memory until they can be: check the card");
                self.listed = false;
                recovery.unreadable = 1;
                return true;
            }
        };
        let (mut newest_unreadable, mut names) = (false, Names::new());
        for number in numbers {
            let bytes = self.disk.read(&file(number));
            newest_unreadable = bytes.is_err();
            match bytes {
                Ok(bytes) => {
                    let bytes = bytes.unwrap_or_default();
                    self.read_segment(number, &bytes, &mut names, pieces, recovery);
                }
                Err(error) => {
                    tracing::error!(file = file(number), reason = %error, "cannot be read, it is left as it is and the badge log goes on in a new file: check the card");
                    recovery.unreadable += 1;
                    self.next_segment = number.saturating_add(1);
                    self.current = None;
                }
            }
        }
        newest_unreadable
    }

    /// Counts one event as lost: behind a newest segment that cannot be read, nothing says how many there were. Behind
    /// an older one, what follows it tells.
    fn count_unknown(&mut self, now: Timestamp, recovery: &mut Recovery) {
        let Some(running) = self.boots.last_mut() else {
            return;
        };
        let gap = Kept {
            at: now,
            segment: IN_MEMORY,
            content: Content::Gap { span: 1, grants: 0 },
        };
        self.bytes += gap.cost();
        *self.live.entry(IN_MEMORY).or_default() += 1;
        running.entries.insert(running.last() + 1, gap);
        recovery.missing += 1;
    }

    pub(super) fn segments(&self) -> io::Result<Vec<u64>> {
        let names = self.disk.list()?;
        let mut numbers: Vec<u64> = names
            .iter()
            .filter_map(|name| segment_number(name))
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read_segment(
        &mut self,
        number: u64,
        bytes: &[u8],
        names: &mut Names,
        pieces: &mut Vec<(BootId, Pieces)>,
        recovery: &mut Recovery,
    ) {
        let scan = records::scan_all(number, bytes);
        recovery.damaged_bytes += scan.damaged;
        let torn = bytes.len() - scan.good_len;
        recovery.torn_bytes += torn;
        for record in scan
            .payloads
            .iter()
            .filter_map(|payload| Record::decode(payload, names))
        {
            sort_in(pieces, number, record);
        }
        self.live.insert(number, 0);
        // A run that was killed may not have synced it, and later syncs speak for everything kept.
        self.unsynced.insert(number);
        self.next_segment = number.saturating_add(1);
        let len = scan.good_len as u64;
        let clean = torn == 0 || self.disk.truncate(&file(number), len).is_ok();
        self.current = (clean && len > 0).then_some(Segment {
            number,
            len,
            named: None,
        });
    }
}

fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("spool-")?.strip_suffix(".log")?;
    u64::from_str_radix(digits, 16)
        .ok()
        .filter(|number| *number != IN_MEMORY && file(*number) == name)
}

fn sort_in(pieces: &mut Vec<(BootId, Pieces)>, segment: u64, record: Record) {
    let boot = record.boot();
    let index = pieces
        .iter()
        .position(|(id, _)| *id == boot)
        .unwrap_or_else(|| {
            pieces.push((boot, Pieces::default()));
            pieces.len() - 1
        });
    let found = &mut pieces[index].1;
    match record {
        Record::Event {
            sequence,
            at,
            weight,
            bytes,
            ..
        } => {
            found.newest_segment = segment;
            let content = Content::Event { weight, bytes };
            found.entries.entry(sequence).or_insert(Kept {
                at,
                segment,
                content,
            });
        }
        Record::Gap {
            sequence,
            at,
            span,
            grants,
            ..
        } => {
            found.newest_segment = segment;
            found.gaps.push((
                sequence,
                Kept {
                    at,
                    segment,
                    content: Content::Gap { span, grants },
                },
            ));
        }
        Record::Mark {
            acknowledged, sent, ..
        } => found.mark = Some((acknowledged, sent)),
    }
}

/// Puts the pieces in order; numbers which nothing accounts for become gaps.
fn rebuild(id: BootId, pieces: Pieces, recovery: &mut Recovery) -> Boot {
    let mut entries = pieces.entries;
    for (first, gap) in pieces.gaps {
        // A gap was decided after the event it stands for.
        let covered: Vec<u64> = entries
            .range(first..first.saturating_add(gap.span()))
            .map(|(key, _)| *key)
            .collect();
        for sequence in covered {
            entries.remove(&sequence);
        }
        entries.insert(first, gap);
    }
    let lowest = entries.first_key_value().map_or(1, |(first, _)| *first);
    let (acknowledged, sent) = pieces.mark.unwrap_or((lowest.saturating_sub(1), 0));
    let mut boot = Boot {
        id,
        entries: BTreeMap::new(),
        acknowledged,
        acknowledged_on_disk: 0,
        sent,
        newest_segment: pieces.newest_segment,
    };
    let mut expected = lowest.min(acknowledged.saturating_add(1));
    for (first, kept) in entries {
        if first < expected {
            continue;
        }
        if first > expected {
            let span = first - expected;
            recovery.missing += span;
            let content = Content::Gap { span, grants: 0 };
            // Still to be written: once sent, its run must look the same after every restart.
            let (at, segment) = (kept.at, IN_MEMORY);
            let gap = Kept {
                at,
                segment,
                content,
            };
            boot.entries.insert(expected, gap);
        }
        expected = first.saturating_add(kept.span());
        boot.entries.insert(first, kept);
    }
    boot
}
