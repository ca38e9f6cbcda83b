//! Heads, policies and lists: check, store, use, tell.

use super::{Agent, STORE_AGAIN};
use crate::controller;
use crate::keeper::held_policy;
use shared::allow_list::{Delta, Refusal};
use shared::door_clock::Sources;
use shared::ids::{DoorId, ZoneId};
use shared::time::Timestamp;
use shared::wire::{Head, Kept, RefusedWhy, SnapshotPart};

impl Agent {
    pub(super) fn head(&mut self, id: &ZoneId, head: Head, sources: Sources) -> Result<(), RefusedWhy> {
        let zone = self.zones.get(id).ok_or(RefusedWhy::NotOurs)?;
        zone.check_head(&head)?;
        self.hear_time(head.issued_at, sources)?;
        let zone = self.zones.get_mut(id).ok_or(RefusedWhy::NotOurs)?;
        zone.hear_head(head);
        self.use_named(id, sources);
        self.ask_for_zone(id, sources);
        Ok(())
    }

    pub(super) fn policy(
        &mut self,
        id: &ZoneId,
        issued_at: Timestamp,
        body: &[u8],
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        let offered = held_policy(body).ok_or(RefusedWhy::Unreadable)?;
        if offered.policy.schedules.iter().any(|schedule| schedule.check().is_err()) {
            return Err(RefusedWhy::Unreadable);
        }
        self.hear_time(issued_at, sources)?;
        let zone = self.zones.get_mut(id).ok_or(RefusedWhy::NotOurs)?;
        zone.offer_policy(offered)?;
        self.use_named(id, sources);
        Ok(())
    }

    pub(super) fn delta(&mut self, id: &ZoneId, delta: &Delta, sources: Sources) -> Result<(), RefusedWhy> {
        let zone = self.zones.get_mut(id).ok_or(RefusedWhy::NotOurs)?;
        match zone.check_delta(delta) {
            Ok(()) => {
                let stored = zone.list().is_some_and(|list| self.keeper.keep_delta(id, list, delta));
                zone.apply_delta(delta, stored)?;
                self.list_changed(id, sources);
                Ok(())
            }
            // Messages come at least once.
            Err(Refusal::Older) if zone.holds(delta.revision(), delta.digest) => Ok(()),
            // Nothing is wrong with the message; something before it was lost.
            Err(Refusal::Gap | Refusal::LaterEpoch) => {
                self.want_list(id, sources);
                Ok(())
            }
            Err(Refusal::Digest) => {
                zone.doubt();
                self.want_list(id, sources);
                Err(RefusedWhy::Digest)
            }
            Err(
                refusal @ (Refusal::Older
                | Refusal::EarlierEpoch
                | Refusal::EpochConflict
                | Refusal::ContentConflict),
            ) => Err(refusal.into()),
        }
    }

    pub(super) fn answer_delta(
        &mut self,
        id: &ZoneId,
        nonce: u64,
        delta: &Delta,
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        self.has_zone(id)?;
        self.zones.get(id).ok_or(RefusedWhy::NotOurs)?.check_answer(nonce)?;
        self.delta(id, delta, sources)
    }

    pub(super) fn answer_part(
        &mut self,
        id: &ZoneId,
        nonce: u64,
        part: &SnapshotPart,
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        let zone = self.zones.get_mut(id).ok_or(RefusedWhy::NotOurs)?;
        zone.check_answer(nonce)?;
        if zone.holds(part.revision, part.digest) && zone.kept() != Some(Kept::Degraded) {
            return Ok(());
        }
        zone.hear_part(part, sources.uptime)?;
        self.use_named(id, sources);
        Ok(())
    }

    /// Stores and uses what waited for a head to name it.
    fn use_named(&mut self, id: &ZoneId, sources: Sources) {
        let Some(zone) = self.zones.get_mut(id) else { return };
        if let Some(policy) = zone.take_named_policy() {
            // In memory it rules even if the disk refuses: the disk's copy is only older.
            self.keeper.keep_policy(id, &policy.body);
            tracing::info!(zone.id = %id, policy.revision = %policy.revision, "policy in force");
            zone.set_policy(policy);
            self.report_soon(sources);
            self.tell_doors(id, sources);
        }
        let Some(zone) = self.zones.get_mut(id) else { return };
        if let Some(list) = zone.take_named_list() {
            let stored = self.keeper.keep_list(id, &list);
            zone.set_list(list, stored);
            self.list_changed(id, sources);
        }
    }

    fn list_changed(&mut self, id: &ZoneId, sources: Sources) {
        let Some(zone) = self.zones.get(id) else { return };
        let epoch = zone.list().map_or(0, |list| list.revision().epoch.number);
        if let Some(list) = zone.list() {
            tracing::info!(zone.id = %id, list.revision = %list.revision(), "list in force");
        }
        if zone.kept() == Some(Kept::Volatile) {
            self.store_again.get_or_insert(sources.uptime + STORE_AGAIN);
        }
        self.note_epoch(epoch, sources);
        self.ask_for_zone(id, sources);
        self.report_soon(sources);
        self.tell_doors(id, sources);
    }

    /// Stores again what could not be stored.
    pub(super) fn store_again(&mut self, sources: Sources) {
        self.store_again = None;
        let mut told = false;
        for (id, zone) in &mut self.zones {
            if zone.kept() != Some(Kept::Volatile) {
                continue;
            }
            if zone.list().is_some_and(|list| self.keeper.keep_list(id, list)) {
                zone.now_stored();
                told = true;
            } else {
                self.store_again = Some(sources.uptime + STORE_AGAIN);
            }
        }
        if told {
            self.report_soon(sources);
        }
    }

    /// Lets the doors of a zone look at what holds now.
    pub(super) fn tell_doors(&mut self, id: &ZoneId, sources: Sources) {
        let follows = |door: &super::Door| door.zone.as_ref() == Some(id);
        let doors: Vec<DoorId> =
            self.doors.iter().filter(|(_, door)| follows(door)).map(|(id, _)| id.clone()).collect();
        for door in doors {
            self.door(&door, controller::Input::Tick, sources);
        }
    }
}
