//! Which doors follow which zones, and whose signatures count: the configuration.

use super::{Agent, Output};
use crate::keeper::{HeldConfig, Work, held_config};
use crate::zone::Zone;
use shared::allow_list::{Digest, Revision, compare};
use shared::card::CardKey;
use shared::door_clock::Sources;
use shared::ids::{DoorId, ZoneId};
use shared::keys::OpeningKey;
use shared::time::Timestamp;
use shared::wire::topics::agent_hears;
use shared::wire::{CARD_KEYS_PURPOSE, CardKeys, Config, RefusedWhy};
use std::collections::BTreeSet;

impl Agent {
    pub(super) fn configuration(
        &mut self,
        issued_at: Timestamp,
        body: &[u8],
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        let offered = held_config(body).ok_or(RefusedWhy::Unreadable)?;
        if compare(identity(&self.config), identity(&offered))?.is_eq() {
            return Ok(());
        }
        if offered.config.signers.is_empty()
            || card_keys(&offered.config, &self.identity.opening).is_none()
        {
            return Err(RefusedWhy::Unreadable);
        }
        self.hear_time(issued_at, sources)?;
        self.storing.submit(Work::Config(body.to_vec()));
        tracing::info!(config.revision = %offered.config.revision, "configuration in force");
        let before: BTreeSet<String> = self.topics().into_iter().collect();
        self.config = offered;
        self.note_epoch(self.config.config.revision.epoch.number, sources);
        self.assign();
        self.change_subscriptions(&before);
        self.tick_storing(sources);
        let zones: Vec<ZoneId> = self.zones.keys().cloned().collect();
        for zone in zones {
            self.tell_doors(&zone, sources);
        }
        if self.connected {
            let doors: Vec<DoorId> = self.doors.keys().cloned().collect();
            doors.iter().for_each(|door| self.publish_status(door));
        }
        self.ask_for_what_is_missing(sources);
        self.report_soon(sources);
        Ok(())
    }

    /// Every exact topic to listen to; a zone that is still read from disk hears nothing yet.
    pub(super) fn topics(&self) -> Vec<String> {
        let zones: Vec<ZoneId> = self
            .zones
            .keys()
            .filter(|zone| !self.storing.is_loading(zone))
            .cloned()
            .collect();
        self.topics_with(&zones)
    }

    fn topics_with(&self, zones: &[ZoneId]) -> Vec<String> {
        let pairing = &self.paired.pairing;
        agent_hears(&pairing.organisation, &pairing.agent, zones)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// A zone was read from disk: now it hears what comes.
    pub(super) fn loaded(&mut self, zone: &ZoneId) {
        if self.connected {
            let own = self.topics_with(&[]);
            let mut topics = self.topics_with(std::slice::from_ref(zone));
            topics.retain(|topic| !own.contains(topic));
            self.out.push_back(Output::Subscribe(topics));
        }
    }

    /// Makes doors, zones and keys follow the configuration.
    pub(super) fn assign(&mut self) {
        let config = self.config.config.clone();
        for (id, door) in &mut self.doors {
            let assigned = config.doors.iter().find(|assigned| assigned.door == *id);
            door.zone = assigned.map(|assigned| assigned.zone.clone());
            door.enrols = assigned.is_some_and(|assigned| assigned.enrols);
            door.again_within = assigned.and_then(|assigned| assigned.again_within);
            if assigned.is_none() {
                tracing::warn!(
                    door.id = %id,
                    "the server has not given this door to this agent: it opens for no card; correct its name or add it there"
                );
            }
        }
        let wanted: BTreeSet<ZoneId> = config.doors.iter().map(|door| door.zone.clone()).collect();
        let gone: Vec<ZoneId> = self
            .zones
            .keys()
            .filter(|zone| !wanted.contains(*zone))
            .cloned()
            .collect();
        for zone in gone {
            self.zones.remove(&zone);
            self.storing.forget(&zone);
        }
        let keys = card_keys(&config, &self.identity.opening);
        if keys.is_none() {
            tracing::error!(
                "the card keys do not open: no card can be judged until the server sends them anew"
            );
        }
        for id in wanted {
            let zone = self.zones.entry(id).or_insert_with_key(|id| {
                self.storing.load(id);
                Zone::new(id.clone())
            });
            let own = keys
                .iter()
                .flat_map(|keys| &keys.keys)
                .filter(|key| key.zone == *zone.id());
            zone.set_keys(own.map(|key| (key.id, CardKey(key.key))).collect());
        }
    }

    fn change_subscriptions(&mut self, before: &BTreeSet<String>) {
        if !self.connected {
            return;
        }
        let after: BTreeSet<String> = self.topics().into_iter().collect();
        let lost: Vec<String> = before.difference(&after).cloned().collect();
        let gained: Vec<String> = after.difference(before).cloned().collect();
        if !lost.is_empty() {
            self.out.push_back(Output::Unsubscribe(lost));
        }
        if !gained.is_empty() {
            self.out.push_back(Output::Subscribe(gained));
        }
    }
}

fn identity(held: &HeldConfig) -> (Revision, Digest) {
    (held.config.revision, Digest(held.digest))
}

/// The zones' card keys; none if they are not sealed to this agent.
pub(super) fn card_keys(config: &Config, opening: &OpeningKey) -> Option<CardKeys> {
    let plain = opening.open(CARD_KEYS_PURPOSE, &config.card_keys).ok()?;
    minicbor::decode(&plain).ok()
}
