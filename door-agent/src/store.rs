//! What an agent keeps over restarts beside its spool: each zone's list, how far it had come, and a few counters.
//!
//! A list is a snapshot in two generations, each with a log of the deltas accepted after it. What the bytes mean is
//! the caller's business: whoever loads a list says whether it takes what was read, and makes of it what it will.

mod slots;
mod small;

pub use small::{AgentState, Highest};

use crate::disk::Disk;
use crate::records;
use shared::allow_list::{Epoch, Revision};
use shared::ids::ZoneId;
use slots::Slots;
use std::collections::BTreeMap;
use std::io;

const MAGIC: [u8; 8] = *b"gs-list2";
const REVISION_BYTES: usize = 20;
/// In front of a snapshot: magic, CRC-32 of what follows up to the snapshot, its revision, CRC-32 of the snapshot.
const HEADER: usize = 8 + 4 + REVISION_BYTES + 4;
const GENERATIONS: [char; 2] = ['a', 'b'];

/// Something could not be kept or read; the variant says what.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The list in memory is newer than the one on disk.
    #[error(
        "the list of zone {zone} could not be stored: check the disk; the door goes on from memory until it restarts"
    )]
    SaveSnapshot {
        /// Whose list.
        zone: ZoneId,
        /// Why.
        source: io::Error,
    },
    /// A delta was not stored; a snapshot may be.
    #[error(
        "a change of the list of zone {zone} could not be stored: store the whole list instead"
    )]
    AppendDelta {
        /// Whose list.
        zone: ZoneId,
        /// Why.
        source: io::Error,
    },
    /// There is no snapshot whose log could take the delta.
    #[error("zone {0} has no stored list to add a change to: store the whole list instead")]
    NoSnapshot(ZoneId),
    /// The log behind the snapshot ends in bytes that could not be cut off.
    #[error("the log of zone {0} cannot be added to: store the whole list instead")]
    LogUnusable(ZoneId),
    /// The delta is longer than a record may be.
    #[error(
        "a change of {bytes} bytes is too long for the log of zone {zone}: store the whole list instead"
    )]
    DeltaTooLong {
        /// Whose list.
        zone: ZoneId,
        /// How long it is.
        bytes: usize,
    },
    /// A withdrawn zone's files could not be removed.
    #[error("the list of zone {zone} could not be removed: check the disk")]
    Forget {
        /// Whose list.
        zone: ZoneId,
        /// Why.
        source: io::Error,
    },
    /// Counters or marks could not be written.
    #[error("`{file}` could not be stored: check the disk")]
    WriteSmall {
        /// Which file.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A highest accepted revision may never go down.
    #[error("zone {zone} holds revision {held}; it cannot go back to {asked}")]
    Backwards {
        /// Which zone.
        zone: ZoneId,
        /// What it holds.
        held: Revision,
        /// What was asked for.
        asked: Revision,
    },
}

/// A list as it was found on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded<T> {
    /// The snapshot's revision.
    pub revision: Revision,
    /// What was made of the snapshot.
    pub snapshot: T,
    /// The deltas accepted after it, in order, as they were stored; unchecked but for their checksums.
    pub deltas: Vec<Delta>,
    /// True if another generation was there and did not hold, or deltas were lost: ask for a sync first.
    pub degraded: bool,
    /// True if nobody knows what changes followed, because their log could not be read.
    pub log_unreadable: bool,
}

/// One stored change of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The revision after it.
    pub revision: Revision,
    /// The bytes as they were handed in.
    pub bytes: Vec<u8>,
}

/// The state directory's lists and counters.
pub struct Store {
    disk: Box<dyn Disk>,
    zones: BTreeMap<ZoneId, Current>,
    highest: BTreeMap<ZoneId, Highest>,
    highest_slots: Slots,
    state: AgentState,
    state_slots: Slots,
    damaged: bool,
}

/// The generation in use and where its log ends.
#[derive(Debug)]
struct Current {
    generation: usize,
    salt: u64,
    log_len: u64,
    log_usable: bool,
    /// The other generation could not be read and may be the newer one.
    other_unreadable: bool,
}

/// What was read of a log.
struct Log {
    deltas: Vec<Delta>,
    torn: bool,
    unreadable: bool,
}

/// A generation as the header of its snapshot file tells of it.
#[derive(Clone, Copy)]
struct Generation {
    index: usize,
    revision: Revision,
    /// CRC-32 of the snapshot.
    sum: u32,
}

impl Store {
    /// A zone's newest generation that can be read, holds and is taken; `None` if none is. `take` gets the revision, the
    /// file's bytes, and where in them the snapshot begins.
    ///
    /// Of an older generation no more is read than which one it is.
    pub fn load<T>(
        &mut self,
        zone: &ZoneId,
        mut take: impl FnMut(Revision, Vec<u8>, usize) -> Option<T>,
    ) -> Option<Loaded<T>> {
        let mut degraded = false;
        let mut unreadable = [false; GENERATIONS.len()];
        let mut generations = Vec::new();
        for (index, unreadable) in unreadable.iter_mut().enumerate() {
            let file = snapshot_file(zone, index);
            match told(&file, self.disk.read_start(&file, HEADER)) {
                Ok(None) => {}
                Ok(Some(header)) => match decode_header(index, &header) {
                    Some(generation) => generations.push(generation),
                    None => degraded = true,
                },
                Err(Unreadable) => {
                    *unreadable = true;
                    degraded = true;
                }
            }
        }
        generations.sort_by_key(|generation| std::cmp::Reverse(order(generation.revision)));
        for generation in generations {
            match self.read_snapshot(zone, generation) {
                Ok(file) => {
                    if let Some(snapshot) =
                        file.and_then(|file| take(generation.revision, file, HEADER))
                    {
                        let other_unreadable = unreadable[1 - generation.index];
                        let log = self.load_log(zone, generation, other_unreadable);
                        return Some(Loaded {
                            revision: generation.revision,
                            snapshot,
                            deltas: log.deltas,
                            degraded: degraded || log.torn || log.unreadable,
                            log_unreadable: log.unreadable,
                        });
                    }
                }
                Err(Unreadable) => unreadable[generation.index] = true,
            }
            degraded = true;
        }
        None
    }

    /// A generation's file; none if it does not hold what its header says.
    fn read_snapshot(
        &self,
        zone: &ZoneId,
        generation: Generation,
    ) -> Result<Option<Vec<u8>>, Unreadable> {
        let file = snapshot_file(zone, generation.index);
        let bytes = told(&file, self.disk.read(&file))?;
        Ok(bytes.filter(|bytes| {
            let snapshot = bytes.get(HEADER..);
            snapshot.is_some_and(|snapshot| crc32fast::hash(snapshot) == generation.sum)
        }))
    }

    /// Stores a whole list as the newest generation; durable on return, and the generation before it is kept. `append`
    /// adds the snapshot to the file's bytes.
    ///
    /// # Errors
    /// If the disk refuses; what was stored before is untouched.
    pub fn save_snapshot(
        &mut self,
        zone: &ZoneId,
        revision: Revision,
        append: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), StoreError> {
        let failed = |source| StoreError::SaveSnapshot {
            zone: zone.clone(),
            source,
        };
        let generation = match self.zones.get(zone) {
            // Without whole marks nothing says that this list is newer than the one that could not be read; it is newer
            // than the one in use.
            Some(current) if current.other_unreadable && self.damaged => current.generation,
            Some(current) => 1 - current.generation,
            None => 0,
        };
        let other_unreadable = self
            .zones
            .get(zone)
            .is_some_and(|current| current.other_unreadable && current.generation == generation);
        let mut content = vec![0; HEADER];
        append(&mut content);
        let sum = crc32fast::hash(&content[HEADER..]);
        content[..HEADER].copy_from_slice(&encode_header(revision, sum));
        self.disk
            .write_atomic(&snapshot_file(zone, generation), &content)
            .map_err(failed)?;
        // The old log's records carry the old snapshot's salt: should it stay behind, none of them passes.
        let log_usable = self.disk.remove(&log_file(zone, generation)).is_ok();
        self.zones.insert(
            zone.clone(),
            Current {
                generation,
                salt: log_salt(sum, revision),
                log_len: 0,
                log_usable,
                other_unreadable,
            },
        );
        Ok(())
    }

    /// Adds one accepted change to the list in use; durable on return.
    ///
    /// # Errors
    /// If it could not be stored: then [`Store::save_snapshot`] is the way on.
    pub fn append_delta(
        &mut self,
        zone: &ZoneId,
        revision: Revision,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let current = self
            .zones
            .get_mut(zone)
            .ok_or_else(|| StoreError::NoSnapshot(zone.clone()))?;
        if !current.log_usable {
            return Err(StoreError::LogUnusable(zone.clone()));
        }
        if bytes.len() > records::MAX_PAYLOAD - REVISION_BYTES {
            return Err(StoreError::DeltaTooLong {
                zone: zone.clone(),
                bytes: bytes.len(),
            });
        }
        let payload = [&encode_revision(revision)[..], bytes].concat();
        let record = records::frame(current.salt, current.log_len, &payload);
        let file = log_file(zone, current.generation);
        let written = self
            .disk
            .append(&file, &record)
            .and_then(|()| self.disk.sync(&file));
        if let Err(source) = written {
            current.log_usable = self.disk.truncate(&file, current.log_len).is_ok();
            return Err(StoreError::AppendDelta {
                zone: zone.clone(),
                source,
            });
        }
        current.log_len += record.len() as u64;
        Ok(())
    }

    /// Removes a zone's lists, because the agent no longer serves it; its highest accepted revision stays.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn forget(&mut self, zone: &ZoneId) -> Result<(), StoreError> {
        for generation in 0..GENERATIONS.len() {
            for file in [snapshot_file(zone, generation), log_file(zone, generation)] {
                self.disk
                    .remove(&file)
                    .map_err(|source| StoreError::Forget {
                        zone: zone.clone(),
                        source,
                    })?;
            }
        }
        self.zones.remove(zone);
        Ok(())
    }

    /// Reads the deltas behind a generation, makes it the one in use, and says whether some were lost.
    fn load_log(&mut self, zone: &ZoneId, generation: Generation, other_unreadable: bool) -> Log {
        let file = log_file(zone, generation.index);
        let salt = log_salt(generation.sum, generation.revision);
        let read = told(&file, self.disk.read(&file));
        let unreadable = read.is_err();
        let bytes = read.ok().flatten().unwrap_or_default();
        let scan = records::scan_chain(salt, &bytes);
        let torn = scan.good_len < bytes.len();
        let deltas = scan
            .payloads
            .iter()
            .filter_map(|payload| decode_delta(payload))
            .collect();
        let log_len = scan.good_len as u64;
        let log_usable = !unreadable && (!torn || self.disk.truncate(&file, log_len).is_ok());
        let current = Current {
            generation: generation.index,
            salt,
            log_len,
            log_usable,
            other_unreadable,
        };
        self.zones.insert(zone.clone(), current);
        Log {
            deltas,
            torn,
            unreadable,
        }
    }
}

/// A file is there, and what it holds cannot be had.
struct Unreadable;

/// What was read of a file; why it could not be read is told in the log.
fn told(file: &str, read: io::Result<Option<Vec<u8>>>) -> Result<Option<Vec<u8>>, Unreadable> {
    read.map_err(|error| {
        tracing::error!(file, reason = %error, "cannot be read, the door goes on without it: check the card");
        Unreadable
    })
}

/// Orders revisions: by epoch number, then by number.
pub fn order(revision: Revision) -> (u32, u64) {
    (revision.epoch.number, revision.number)
}

fn snapshot_file(zone: &ZoneId, generation: usize) -> String {
    format!("list-{zone}.{}", GENERATIONS[generation])
}

fn log_file(zone: &ZoneId, generation: usize) -> String {
    format!("list-{zone}.{}.deltas", GENERATIONS[generation])
}

fn encode_revision(revision: Revision) -> [u8; REVISION_BYTES] {
    let mut bytes = [0; REVISION_BYTES];
    bytes[..4].copy_from_slice(&revision.epoch.number.to_le_bytes());
    bytes[4..12].copy_from_slice(&revision.epoch.id);
    bytes[12..].copy_from_slice(&revision.number.to_le_bytes());
    bytes
}

fn decode_revision(bytes: &[u8]) -> Option<(Revision, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    let (id, rest) = rest.split_first_chunk::<8>()?;
    let (revision, rest) = rest.split_first_chunk::<8>()?;
    let epoch = Epoch {
        number: u32::from_le_bytes(*number),
        id: *id,
    };
    Some((
        Revision {
            epoch,
            number: u64::from_le_bytes(*revision),
        },
        rest,
    ))
}

fn decode_delta(payload: &[u8]) -> Option<Delta> {
    let (revision, bytes) = decode_revision(payload)?;
    Some(Delta {
        revision,
        bytes: bytes.to_vec(),
    })
}

fn encode_header(revision: Revision, sum: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[12..32].copy_from_slice(&encode_revision(revision));
    header[32..].copy_from_slice(&sum.to_le_bytes());
    let own = crc32fast::hash(&header[12..]);
    header[8..12].copy_from_slice(&own.to_le_bytes());
    header
}

fn decode_header(index: usize, header: &[u8]) -> Option<Generation> {
    let (revision, sum) = decode_revision(header.get(12..)?)?;
    let sum = u32::from_le_bytes(*sum.first_chunk()?);
    let is_whole = header == encode_header(revision, sum);
    is_whole.then_some(Generation {
        index,
        revision,
        sum,
    })
}

/// Which snapshot a log belongs to.
fn log_salt(sum: u32, revision: Revision) -> u64 {
    (u64::from(sum) << 32) ^ revision.number
}

#[cfg(test)]
mod tests;
