//! Store, then use: a list that was accepted goes to disk first, and is used from memory if the disk takes too long.

use super::Agent;
use crate::keeper::{Finished, Job, Shelf, Work};
use shared::allow_list::{AllowList, Delta, Revision};
use shared::door_clock::Sources;
use shared::ids::ZoneId;
use shared::time::Span;
use shared::wire::Kept;
use std::collections::{BTreeMap, VecDeque};

/// A disk that has not stored a list by then counts as failed, until it has after all.
const PATIENCE: Span = Span::seconds(1);
/// A list that could not be stored is tried again so often.
const AGAIN: Span = Span::minutes(1);
/// The mark of how far a list had come is raised so long after its last change, and not much later while changes keep
/// coming: one write for many.
const MARK_AFTER: Span = Span::seconds(1);
/// So long after the first of them.
const MARK_AT_LATEST: Span = Span::seconds(10);
/// Changes that waited are stored as one, which is not made longer once it has so many entries.
const TOGETHER: usize = 256;
/// Changes that wait for the one being stored; with more the zone asks for what it missed.
const QUEUE: usize = 256;

/// Something that was checked and may come into force.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A change of the list in force.
    Delta(Delta),
    /// A whole list.
    List(AllowList),
}

/// What is on its way to disk.
pub(super) struct Storing {
    shelf: Box<dyn Shelf>,
    numbers: u64,
    zones: BTreeMap<ZoneId, Busy>,
    again: Option<Span>,
    mark: Option<Mark>,
}

/// When the marks are to be raised.
#[derive(Clone, Copy)]
struct Mark {
    due: Span,
    at_latest: Span,
}

#[derive(Default)]
struct Busy {
    loading: bool,
    current: Option<Current>,
    queue: VecDeque<Delta>,
    /// The newest work on the list.
    last: u64,
}

struct Current {
    number: u64,
    accepted: Accepted,
    give_up: Span,
}

impl Storing {
    pub fn on(shelf: Box<dyn Shelf>) -> Self {
        Self {
            shelf,
            numbers: 0,
            zones: BTreeMap::new(),
            again: None,
            mark: None,
        }
    }

    /// Hands over work and returns its number.
    pub fn submit(&mut self, work: Work) -> u64 {
        self.numbers += 1;
        self.shelf.submit(Job {
            number: self.numbers,
            work,
        });
        self.numbers
    }

    /// Whether a zone's list is being stored or read.
    pub fn is_busy(&self, zone: &ZoneId) -> bool {
        self.zones
            .get(zone)
            .is_some_and(|busy| busy.loading || busy.current.is_some())
    }

    /// Whether what is known of a zone is still being read.
    pub fn is_loading(&self, zone: &ZoneId) -> bool {
        self.zones.get(zone).is_some_and(|busy| busy.loading)
    }

    /// Reads what is known of a zone; until then its list is not touched.
    pub fn load(&mut self, zone: &ZoneId) {
        self.zones.entry(zone.clone()).or_default().loading = true;
        self.submit(Work::Load(zone.clone()));
    }

    fn mark_soon(&mut self, sources: Sources) {
        let latest = sources.uptime + MARK_AT_LATEST;
        let at_latest = self.mark.map_or(latest, |mark| mark.at_latest);
        let due = at_latest.min(sources.uptime + MARK_AFTER);
        self.mark = Some(Mark { due, at_latest });
    }

    pub fn forget(&mut self, zone: &ZoneId) {
        self.zones.remove(zone);
        self.submit(Work::Forget(zone.clone()));
    }

    pub fn poll_timeout(&self) -> Option<Span> {
        let give_up = self
            .zones
            .values()
            .filter_map(|busy| busy.current.as_ref())
            .map(|current| current.give_up);
        let mark = self.mark.map(|mark| mark.due);
        give_up.chain(self.again).chain(mark).min()
    }
}

impl Agent {
    /// Gives a change back if it can be judged now; otherwise it waits for its turn.
    pub(super) fn queue_if_busy(
        &mut self,
        id: &ZoneId,
        delta: Delta,
        sources: Sources,
    ) -> Option<Delta> {
        if !self.storing.is_busy(id) {
            return Some(delta);
        }
        let queue = &mut self.storing.zones.entry(id.clone()).or_default().queue;
        if queue.len() < QUEUE {
            queue.push_back(delta);
        } else {
            self.want_list(id, sources);
        }
        None
    }

    pub(super) fn store_then_use(&mut self, id: &ZoneId, accepted: Accepted, sources: Sources) {
        let floor = self.clock.floor(sources.uptime);
        let work = match &accepted {
            Accepted::Delta(delta) => Work::Delta(id.clone(), delta.clone(), floor),
            Accepted::List(list) => Work::List(id.clone(), list.clone(), floor),
        };
        let number = self.storing.submit(work);
        let busy = self.storing.zones.entry(id.clone()).or_default();
        busy.last = number;
        busy.current = Some(Current {
            number,
            accepted,
            give_up: sources.uptime + PATIENCE,
        });
        self.take_finished(sources);
    }

    /// Hears what became of work, and gives up on work that takes too long.
    pub(super) fn tick_storing(&mut self, sources: Sources) {
        self.take_finished(sources);
        let late = |busy: &Busy| {
            busy.current
                .as_ref()
                .is_some_and(|current| current.give_up <= sources.uptime)
        };
        let late: Vec<ZoneId> = self
            .storing
            .zones
            .iter()
            .filter(|(_, busy)| late(busy))
            .map(|(id, _)| id.clone())
            .collect();
        for id in late {
            tracing::error!(zone.id = %id, "the disk takes too long: the list is used from memory");
            self.put_in_force(&id, false, sources);
        }
        if let Some(mark) = self.storing.mark
            && mark.due <= sources.uptime
        {
            self.storing.mark = None;
            self.storing.submit(Work::Marks);
        }
        if self.storing.again.is_some_and(|due| due <= sources.uptime) {
            self.storing.again = None;
            let volatile = self
                .zones
                .values()
                .filter(|zone| zone.kept() == Some(Kept::Volatile));
            let volatile: Vec<ZoneId> = volatile.map(|zone| zone.id().clone()).collect();
            for id in volatile {
                self.store_whole(&id, sources);
            }
        }
    }

    fn take_finished(&mut self, sources: Sources) {
        while let Some(finished) = self.storing.shelf.finished() {
            match finished {
                Finished::Loaded {
                    zone: id,
                    remembered,
                } => {
                    if let (Some(zone), Some(busy)) =
                        (self.zones.get_mut(&id), self.storing.zones.get_mut(&id))
                    {
                        busy.loading = false;
                        zone.remember(*remembered);
                        self.loaded(&id);
                        self.list_changed(&id, sources);
                    }
                }
                Finished::Stored {
                    zone,
                    number,
                    stored,
                    wants_whole,
                    merged,
                } => {
                    self.stored(&zone, number, stored, sources);
                    if let (Some(merged), Some(zone)) = (merged, self.zones.get_mut(&zone)) {
                        zone.rest_on(&merged);
                    }
                    if wants_whole {
                        self.store_whole(&zone, sources);
                    }
                }
            }
        }
    }

    fn stored(&mut self, id: &ZoneId, number: u64, stored: bool, sources: Sources) {
        let Some(busy) = self.storing.zones.get(id) else {
            return;
        };
        if let Some(current) = busy
            .current
            .as_ref()
            .filter(|current| current.number == number)
        {
            let is_change = matches!(current.accepted, Accepted::Delta(_));
            self.put_in_force(id, stored, sources);
            match (is_change, stored) {
                (true, true) => self.storing.mark_soon(sources),
                (true, false) => self.store_whole(id, sources),
                (false, _) => {}
            }
        } else if busy.last == number && stored {
            self.storing.mark_soon(sources);
            if let Some(zone) = self.zones.get_mut(id) {
                zone.now_stored();
                self.report_soon(sources);
            }
        } else if !stored {
            self.storing.again.get_or_insert(sources.uptime + AGAIN);
        }
    }

    /// Uses what was being stored.
    fn put_in_force(&mut self, id: &ZoneId, stored: bool, sources: Sources) {
        let current = self
            .storing
            .zones
            .get_mut(id)
            .and_then(|busy| busy.current.take());
        let (Some(current), Some(zone)) = (current, self.zones.get_mut(id)) else {
            return;
        };
        match current.accepted {
            // Nothing else changes the list while a change of it is being stored.
            Accepted::Delta(delta) => {
                if let Err(refusal) = zone.apply_delta(&delta, stored) {
                    tracing::error!(zone.id = %id, reason = %refusal, "an accepted change no longer fits");
                }
            }
            Accepted::List(list) => zone.set_list(list, stored),
        }
        if !stored {
            self.storing.again.get_or_insert(sources.uptime + AGAIN);
        }
        self.list_changed(id, sources);
        self.run_queue(id, sources);
    }

    fn run_queue(&mut self, id: &ZoneId, sources: Sources) {
        self.use_named(id, sources);
        while !self.storing.is_busy(id) {
            let held = self.zones.get(id).and_then(|zone| zone.list());
            let held = held.map(AllowList::revision);
            let waiting = self.storing.zones.get_mut(id);
            let Some(delta) = waiting.and_then(|busy| next_of(&mut busy.queue, held)) else {
                return;
            };
            if let Err(why) = self.delta(id, delta, sources) {
                self.refuse("delta", why, sources);
            }
        }
    }

    /// Stores the list in force whole; nothing waits for it.
    fn store_whole(&mut self, id: &ZoneId, sources: Sources) {
        let Some(list) = self.zones.get(id).and_then(|zone| zone.list()).cloned() else {
            return;
        };
        let floor = self.clock.floor(sources.uptime);
        let number = self.storing.submit(Work::List(id.clone(), list, floor));
        self.storing.zones.entry(id.clone()).or_default().last = number;
        self.take_finished(sources);
    }
}

/// The next change to judge: of those that lead on from what is held, all at once.
fn next_of(queue: &mut VecDeque<Delta>, held: Option<Revision>) -> Option<Delta> {
    let mut change = queue.pop_front()?;
    let base = Revision {
        epoch: change.epoch,
        number: change.base,
    };
    while held == Some(base)
        && change.upserts.len() + change.removals.len() < TOGETHER
        && let Some(next) = queue.pop_front()
    {
        if let Err(next) = change.join(next) {
            queue.push_front(next);
            break;
        }
    }
    Some(change)
}
