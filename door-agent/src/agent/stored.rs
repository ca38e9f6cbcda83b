//! What an agent that is not running would say, from what lies on its disk.

use super::assignment::card_keys;
use super::{known_zones, newest_config, zone_view};
use crate::identity::{Identity, Paired};
use crate::keeper::Keeper;
use crate::zone::Zone;
use shared::card::{CardKey, CardUid};
use shared::decide::Decision;
use shared::door_clock::{DoorClock, Reading, Sources};
use shared::ids::{DoorId, ZoneId};
use std::collections::BTreeMap;

/// An agent's memory, to look at.
pub struct Stored {
    doors: BTreeMap<DoorId, ZoneId>,
    zones: BTreeMap<ZoneId, Zone>,
    clock: DoorClock,
}

impl Stored {
    /// Reads what lies on disk; nothing is changed.
    #[must_use]
    pub fn read(
        keeper: &mut Keeper,
        identity: &Identity,
        paired: &Paired,
        sources: Sources,
    ) -> Self {
        let held = newest_config(keeper, paired);
        let mut zones = known_zones(keeper, &held);
        let keys = card_keys(&held.config, &identity.opening);
        for zone in zones.values_mut() {
            let own = keys
                .iter()
                .flat_map(|keys| &keys.keys)
                .filter(|key| key.zone == *zone.id());
            zone.set_keys(own.map(|key| (key.id, CardKey(key.key))).collect());
        }
        let doors = held
            .config
            .doors
            .iter()
            .map(|door| (door.door.clone(), door.zone.clone()))
            .collect();
        let floor = keeper.clock_floor().max(held.config.issued_at);
        Self {
            doors,
            zones,
            clock: DoorClock::start(floor, sources.uptime),
        }
    }

    /// What time the agent would judge by.
    #[must_use]
    pub fn reading(&self, sources: Sources) -> Reading {
        self.clock.read(sources)
    }

    /// The zone of a door, as the server assigned it.
    #[must_use]
    pub fn zone(&self, door: &DoorId) -> Option<&Zone> {
        self.zones.get(self.doors.get(door)?)
    }

    /// What would be decided for a card at a door.
    #[must_use]
    pub fn judge(&self, door: &DoorId, uid: &CardUid, reading: Reading) -> Decision {
        self.zone(door)
            .map(zone_view)
            .unwrap_or_default()
            .judge(uid, None, reading)
            .1
    }
}
