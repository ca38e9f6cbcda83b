//! Heads, policies and lists: check, store, use, tell.

use super::Agent;
use super::storing::Accepted;
use crate::keeper::{Work, held_policy};
use shared::allow_list::{Delta, Refusal};
use shared::door_clock::Sources;
use shared::ids::ZoneId;
use shared::time::Timestamp;
use shared::wire::{Head, Kept, RefusedWhy, SnapshotPart};

impl Agent {
    pub(super) fn head(
        &mut self,
        id: &ZoneId,
        head: Head,
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        let zone = self.zones.get(id).ok_or(RefusedWhy::NotOurs)?;
        zone.check_head(&head)?;
        self.hear_time(head.issued_at, sources)?;
        if let Some(audit) = &head.audit {
            self.state.witness.see(head.issued_at, audit);
        }
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
        if offered
            .policy
            .schedules
            .iter()
            .any(|schedule| schedule.check().is_err())
        {
            return Err(RefusedWhy::Unreadable);
        }
        self.hear_time(issued_at, sources)?;
        let zone = self.zones.get_mut(id).ok_or(RefusedWhy::NotOurs)?;
        zone.offer_policy(offered)?;
        self.use_named(id, sources);
        self.ask_for_zone(id, sources);
        Ok(())
    }

    pub(super) fn delta(
        &mut self,
        id: &ZoneId,
        delta: Delta,
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        let Some(delta) = self.queue_if_busy(id, delta, sources) else {
            return Ok(());
        };
        let zone = self.zones.get_mut(id).ok_or(RefusedWhy::NotOurs)?;
        match zone.check_delta(&delta) {
            Ok(()) => {
                self.store_then_use(id, Accepted::Delta(delta), sources);
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
        delta: Delta,
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        self.has_zone(id)?;
        self.zones
            .get(id)
            .ok_or(RefusedWhy::NotOurs)?
            .check_answer(nonce)?;
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
    pub(super) fn use_named(&mut self, id: &ZoneId, sources: Sources) {
        let Some(zone) = self.zones.get_mut(id) else {
            return;
        };
        if let Some(policy) = zone.take_named_policy() {
            // In memory it rules even if the disk refuses: the disk's copy is only older.
            self.storing
                .submit(Work::Policy(id.clone(), policy.body.clone()));
            tracing::info!(zone.id = %id, policy.revision = %policy.revision, "policy in force");
            zone.set_policy(policy);
            self.report_soon(sources);
            self.tell_doors(id, sources);
        }
        if self.storing.is_busy(id) {
            return;
        }
        let list = self
            .zones
            .get_mut(id)
            .and_then(crate::zone::Zone::take_named_list);
        if let Some(list) = list {
            self.store_then_use(id, Accepted::List(list), sources);
        }
    }

    /// Lets everybody know that another list is in force.
    pub(super) fn list_changed(&mut self, id: &ZoneId, sources: Sources) {
        let Some(zone) = self.zones.get(id) else {
            return;
        };
        if let Some(list) = zone.list() {
            let revision = list.revision();
            tracing::info!(zone.id = %id, list.revision = %revision, list.entries = list.len(), "list in force");
            self.note_epoch(revision.epoch.number, sources);
        }
        self.ask_for_zone(id, sources);
        self.report_soon(sources);
        self.tell_doors(id, sources);
    }
}
