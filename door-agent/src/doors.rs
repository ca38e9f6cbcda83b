//! The hardware of all doors, driven and looked at by whoever holds it.

use crate::agent::{Drive, Input};
use crate::config::Door;
use crate::hardware::sensors::Sensors;
use crate::hardware::{self, Hardware, HardwareError};
use shared::door_clock::Sources;
use shared::ids::DoorId;
use shared::time::Span;
use std::collections::BTreeMap;

/// A lock that could not be driven is tried again after this time.
const AGAIN: Span = Span::seconds(1);

/// The hardware of all doors; every lock is at rest when this is made, and when it is dropped.
pub struct Doors {
    doors: BTreeMap<DoorId, Wired>,
}

struct Wired {
    hardware: Box<dyn Hardware>,
    sensors: Sensors,
    lock: Lock,
    siren: Siren,
    /// When lamps or buzzer change next.
    plays_at: Option<Span>,
}

/// What a lock was told last.
#[derive(Debug, Default)]
struct Lock {
    released: bool,
    /// It did not do so, and is told again at this uptime.
    again: Option<Span>,
    /// Whether the agent knows that.
    told: bool,
}

/// What a siren was told last.
#[derive(Debug, Default)]
struct Siren {
    on: bool,
    /// It did not do so, and is told again at this uptime.
    again: Option<Span>,
}

impl Wired {
    fn open(door: &Door, now: Sources) -> Result<Self, HardwareError> {
        // The lock first: whatever is wrong with an input, it rests.
        let hardware = hardware::open(door, now)?;
        Ok(Self {
            hardware,
            sensors: Sensors::open(door)?,
            lock: Lock::default(),
            siren: Siren::default(),
            plays_at: None,
        })
    }

    fn lock(&mut self, released: bool, now: Sources) -> Result<(), HardwareError> {
        let done = if released {
            self.hardware.energise(now)
        } else {
            self.hardware.rest(now)
        };
        self.lock.released = released;
        self.lock.again = done.is_err().then(|| now.uptime + AGAIN);
        done
    }

    fn siren(&mut self, on: bool, now: Sources) -> Result<(), HardwareError> {
        let done = self.hardware.siren(on, now);
        let again = done.is_err().then(|| now.uptime + AGAIN);
        self.siren = Siren { on, again };
        done
    }

    fn drive(&mut self, drive: Drive, now: Sources) -> Result<(), HardwareError> {
        let done = match drive {
            Drive::Energise { .. } => return self.lock(true, now),
            Drive::Rest => return self.lock(false, now),
            Drive::Signal(signal) => self.hardware.signal(signal, now),
            Drive::Siren(on) => self.siren(on, now),
        };
        self.plays_at = self.hardware.play(now.uptime);
        done
    }

    fn due(&self) -> Option<Span> {
        let due = [self.plays_at, self.lock.again, self.siren.again];
        due.into_iter().flatten().min()
    }
}

impl Doors {
    /// Opens the hardware that the settings name.
    ///
    /// # Errors
    /// If some of it is not there.
    pub fn open(doors: &[Door], now: Sources) -> Result<Self, HardwareError> {
        let doors = open(doors, now)?;
        Ok(Self { doors })
    }

    /// Opens further doors.
    ///
    /// # Errors
    /// If some of their hardware is not there; none of them is opened then.
    pub fn add<'a>(
        &mut self,
        doors: impl IntoIterator<Item = &'a Door>,
        now: Sources,
    ) -> Result<(), HardwareError> {
        self.doors.append(&mut open(doors, now)?);
        Ok(())
    }

    /// Lets a door's lock rest and gives its lines up.
    pub fn remove(&mut self, id: &DoorId) {
        self.doors.remove(id);
    }

    /// Whether there is a door of this name.
    #[must_use]
    pub fn has(&self, id: &DoorId) -> bool {
        self.doors.contains_key(id)
    }

    /// Whether any door has inputs to look at.
    #[must_use]
    pub fn has_inputs(&self) -> bool {
        self.doors.values().any(|door| !door.sensors.is_empty())
    }

    /// Does something at a door; a lock that did not do it is told again by [`Doors::go_on`].
    ///
    /// # Errors
    /// If the hardware refuses.
    pub fn drive(&mut self, id: &DoorId, drive: Drive, now: Sources) -> Result<(), HardwareError> {
        match self.doors.get_mut(id) {
            Some(door) => door.drive(drive, now),
            None => Ok(()),
        }
    }

    /// The uptime by which [`Doors::go_on`] is due; none: nothing changes by itself.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Span> {
        self.doors.values().filter_map(Wired::due).min()
    }

    /// Goes on with what lamps and buzzers show, and tells locks and sirens again what they did not do.
    pub fn go_on(&mut self, now: Sources) {
        let due = |at: Option<Span>| at.is_some_and(|at| at <= now.uptime);
        for (id, door) in &mut self.doors {
            if due(door.lock.again)
                && let Err(error) = door.lock(door.lock.released, now)
            {
                tracing::debug!(door.id = %id, reason = %crate::keeper::chain(&error), "the lock cannot be driven yet");
            }
            if due(door.siren.again)
                && let Err(error) = door.siren(door.siren.on, now)
            {
                tracing::debug!(door.id = %id, reason = %crate::keeper::chain(&error), "the siren cannot be driven yet");
            }
            if due(door.plays_at) {
                door.plays_at = door.hardware.play(now.uptime);
            }
        }
    }

    /// Whether a lock has failed or has done again what it was told, and the agent has not heard of it.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        let news = |door: &Wired| door.lock.again.is_some() != door.lock.told;
        self.doors.values().any(news)
    }

    /// The locks that have failed, or do again what they are told, since this was asked last.
    pub fn faults(&mut self) -> Vec<Input> {
        let faults = self.doors.iter_mut().filter_map(|(id, door)| {
            let on = door.lock.again.is_some();
            let is_new = std::mem::replace(&mut door.lock.told, on) != on;
            is_new.then(|| Input::LockFault {
                door: id.clone(),
                on,
            })
        });
        faults.collect()
    }

    /// Looks at every input once and tells what is new.
    pub fn look(&mut self) -> Vec<Input> {
        let news = self.doors.values_mut().flat_map(|door| door.sensors.look());
        news.collect()
    }
}

fn open<'a>(
    doors: impl IntoIterator<Item = &'a Door>,
    now: Sources,
) -> Result<BTreeMap<DoorId, Wired>, HardwareError> {
    let open = |door: &Door| Ok((door.id.clone(), Wired::open(door, now)?));
    doors.into_iter().map(open).collect()
}

#[cfg(test)]
mod tests;
