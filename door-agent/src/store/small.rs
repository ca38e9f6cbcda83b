//! The small files: how far each zone had come, and the agent's counters and marks.

use super::{Slots, Store, StoreError, order};
use crate::disk::Disk;
use crate::witness::Witness;
use serde::{Deserialize, Serialize};
use shared::allow_list::{Digest, Epoch, Revision};
use shared::ids::ZoneId;
use shared::time::Timestamp;
use std::collections::BTreeMap;

const HIGHEST: &str = "highest";
const STATE: &str = "state";

/// The highest revision this agent ever accepted for a zone, and what it contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Highest {
    /// The revision.
    pub revision: Revision,
    /// The digest of its entries, so that the same number with other content is known.
    pub digest: Digest,
}

/// Counters and marks over all runs of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentState {
    /// How often the agent was started.
    pub boots: u64,
    /// The highest command counter that was obeyed or refused.
    pub command_counter: u64,
    /// The time is never earlier than this.
    pub clock_floor: Option<Timestamp>,
    /// Per zone, the issue time of the newest verified head whose revision was held.
    pub contact: BTreeMap<ZoneId, Timestamp>,
    /// What was seen of the server's audit log.
    pub witness: Witness,
}

impl AgentState {
    /// Takes what another copy knows better.
    fn raise(&mut self, other: Self) {
        self.boots = self.boots.max(other.boots);
        self.command_counter = self.command_counter.max(other.command_counter);
        self.clock_floor = self.clock_floor.max(other.clock_floor);
        for (zone, contact) in other.contact {
            let held = self.contact.entry(zone).or_insert(contact);
            *held = contact.max(*held);
        }
        self.witness.join(other.witness);
    }
}

/// How [`Highest`] lies in its file.
#[derive(Serialize, Deserialize)]
struct HighestRecord {
    epoch: u32,
    epoch_id: [u8; 8],
    number: u64,
    digest: [u8; 32],
}

impl Store {
    /// Reads the counters and marks; lists are read by [`Store::load`]. Copies that are damaged or cannot be read are no
    /// error, but remembered.
    #[must_use]
    pub fn open(disk: Box<dyn Disk>) -> Store {
        let (highest_slots, highest) = Slots::open(disk.as_ref(), HIGHEST);
        let (state_slots, state) = Slots::open(disk.as_ref(), STATE);
        let (records, highest_read) = parse::<BTreeMap<ZoneId, HighestRecord>>(&highest.copies);
        let (states, state_read) = parse::<AgentState>(&state.copies);
        let mut store = Store {
            disk,
            zones: BTreeMap::new(),
            highest: BTreeMap::new(),
            highest_slots,
            state: AgentState::default(),
            state_slots,
            damaged: highest.damaged || state.damaged || !highest_read || !state_read,
        };
        // All of it only goes up, and a copy that could not be read for a while may know more than newer ones.
        for (zone, record) in records.into_iter().flatten() {
            let found = Highest::from(record);
            let held = store.highest.entry(zone).or_insert(found);
            if order(held.revision) <= order(found.revision) {
                *held = found;
            }
        }
        for state in states {
            store.state.raise(state);
        }
        store
    }

    /// Whether a copy of the counters or marks was damaged or could not be read when the store was opened: worth a word to staff.
    pub fn damaged(&self) -> bool {
        self.damaged
    }

    /// The highest revision ever accepted for a zone.
    pub fn highest(&self, zone: &ZoneId) -> Option<Highest> {
        self.highest.get(zone).copied()
    }

    /// Raises a zone's highest accepted revision; durable on return.
    ///
    /// # Errors
    /// If it would go down, or the disk refuses: then the one before still stands.
    pub fn raise_highest(&mut self, zone: &ZoneId, highest: Highest) -> Result<(), StoreError> {
        let held = self.highest.get(zone).copied();
        if held == Some(highest) {
            return Ok(());
        }
        if let Some(held) = held.filter(|held| order(held.revision) > order(highest.revision)) {
            let (held, asked) = (held.revision, highest.revision);
            return Err(StoreError::Backwards {
                zone: zone.clone(),
                held,
                asked,
            });
        }
        let mut raised = self.highest.clone();
        raised.insert(zone.clone(), highest);
        let records: BTreeMap<&ZoneId, HighestRecord> = raised
            .iter()
            .map(|(zone, highest)| (zone, (*highest).into()))
            .collect();
        let bytes = serde_json::to_vec(&records).expect("names and numbers can be written as JSON");
        let written = self.highest_slots.write(self.disk.as_mut(), &bytes);
        written.map_err(|source| StoreError::WriteSmall {
            file: HIGHEST,
            source,
        })?;
        self.highest = raised;
        Ok(())
    }

    /// The counters and marks as last stored.
    pub fn state(&self) -> &AgentState {
        &self.state
    }

    /// Stores counters and marks; durable on return.
    ///
    /// # Errors
    /// If the disk refuses: then the ones before still stand.
    pub fn save_state(&mut self, state: &AgentState) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(state).expect("names and numbers can be written as JSON");
        let written = self.state_slots.write(self.disk.as_mut(), &bytes);
        written.map_err(|source| StoreError::WriteSmall {
            file: STATE,
            source,
        })?;
        self.state = state.clone();
        Ok(())
    }
}

impl From<Highest> for HighestRecord {
    fn from(highest: Highest) -> Self {
        let Revision { epoch, number } = highest.revision;
        Self {
            epoch: epoch.number,
            epoch_id: epoch.id,
            number,
            digest: highest.digest.0,
        }
    }
}

impl From<HighestRecord> for Highest {
    fn from(record: HighestRecord) -> Self {
        let epoch = Epoch {
            number: record.epoch,
            id: record.epoch_id,
        };
        Self {
            revision: Revision {
                epoch,
                number: record.number,
            },
            digest: Digest(record.digest),
        }
    }
}

/// What the copies say, and whether all of them could be understood.
fn parse<T: for<'a> Deserialize<'a>>(copies: &[Vec<u8>]) -> (Vec<T>, bool) {
    let parsed: Vec<T> = copies
        .iter()
        .filter_map(|bytes| serde_json::from_slice(bytes).ok())
        .collect();
    let all = parsed.len() == copies.len();
    (parsed, all)
}
