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
/// Hardware that is not there is looked for again after this time.
const LOOK_AGAIN: Span = Span::seconds(30);

/// The hardware of all doors; every lock is at rest when this is made, and when it is dropped.
pub struct Doors {
    doors: BTreeMap<DoorId, Wired>,
    missing: BTreeMap<DoorId, Missing>,
}

/// A door whose hardware is not there.
struct Missing {
    door: Door,
    /// It is looked for again at this uptime.
    again: Span,
    /// Whether the agent knows that.
    told: bool,
    /// What its lock should do.
    released: bool,
}

struct Wired {
    hardware: Box<dyn Hardware>,
    sensors: Sensors,
    lock: Lock,
    siren: Siren,
    /// When lamps or buzzer change next.
    plays_at: Option<Span>,
    /// When inputs that are not there are looked for again.
    inputs_at: Option<Span>,
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
            inputs_at: None,
        })
    }

    /// With whatever inputs are there: the others count as cut and are looked for again.
    fn serve(door: &Door, now: Sources) -> Result<Self, HardwareError> {
        let hardware = hardware::open(door, now)?;
        let mut sensors = Sensors::serve(door);
        let inputs_at = look_for(&mut sensors, now);
        Ok(Self {
            hardware,
            sensors,
            lock: Lock::default(),
            siren: Siren::default(),
            plays_at: None,
            inputs_at,
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
        let due = [
            self.plays_at,
            self.lock.again,
            self.siren.again,
            self.inputs_at,
        ];
        due.into_iter().flatten().min()
    }
}

impl Doors {
    /// Opens the hardware that the settings name.
    ///
    /// # Errors
    /// If some of it is not there.
    pub fn open(doors: &[Door], now: Sources) -> Result<Self, HardwareError> {
        Ok(Self {
            doors: open(doors, now)?,
            missing: BTreeMap::new(),
        })
    }

    /// Opens the doors whose hardware is there; the others are faults, and are looked for again by [`Doors::go_on`].
    ///
    /// # Errors
    /// If there is none of which the hardware is there.
    pub fn serve(doors: &[Door], now: Sources) -> Result<Self, HardwareError> {
        let mut served = Self {
            doors: BTreeMap::new(),
            missing: BTreeMap::new(),
        };
        let failed = served.add_what_is_there(doors, now);
        match failed {
            Some(error) if served.doors.is_empty() => Err(error),
            Some(_) | None => Ok(served),
        }
    }

    /// Opens further doors as far as their hardware is there; the first fault, if there is one.
    pub fn add_what_is_there<'a>(
        &mut self,
        doors: impl IntoIterator<Item = &'a Door>,
        now: Sources,
    ) -> Option<HardwareError> {
        let mut first = None;
        for door in doors {
            match Wired::serve(door, now) {
                Ok(wired) => drop(self.doors.insert(door.id.clone(), wired)),
                Err(error) => {
                    tracing::error!(door.id = %door.id, reason = %crate::keeper::chain(&error), "the door cannot be used, the others are served; it is tried again every 30 s");
                    let missing = Missing {
                        door: door.clone(),
                        again: now.uptime + LOOK_AGAIN,
                        told: false,
                        released: false,
                    };
                    self.missing.insert(door.id.clone(), missing);
                    first.get_or_insert(error);
                }
            }
        }
        first
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
        self.missing.remove(id);
    }

    /// Whether there is a door of this name.
    #[must_use]
    pub fn has(&self, id: &DoorId) -> bool {
        self.doors.contains_key(id) || self.is_missing(id)
    }

    /// Whether the hardware of this door is not there.
    #[must_use]
    pub fn is_missing(&self, id: &DoorId) -> bool {
        self.missing.contains_key(id)
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
        if let Some(door) = self.doors.get_mut(id) {
            return door.drive(drive, now);
        }
        if let Some(missing) = self.missing.get_mut(id) {
            missing.released = match drive {
                Drive::Energise { .. } => true,
                Drive::Rest => false,
                Drive::Signal(_) | Drive::Siren(_) => missing.released,
            };
        }
        Ok(())
    }

    /// The uptime by which [`Doors::go_on`] is due; none: nothing changes by itself.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Span> {
        let missing = self.missing.values().map(|missing| missing.again);
        let doors = self.doors.values().filter_map(Wired::due);
        doors.chain(missing).min()
    }

    /// Looks now for all hardware that was not there.
    pub fn look_for_missing(&mut self, now: Sources) {
        for missing in self.missing.values_mut() {
            missing.again = now.uptime;
        }
        for door in self.doors.values_mut() {
            door.inputs_at = door.inputs_at.map(|_| now.uptime);
        }
        self.go_on(now);
    }

    fn open_missing(&mut self, now: Sources) {
        let due = |missing: &Missing| missing.again <= now.uptime;
        let ids = self.missing.iter().filter(|(_, missing)| due(missing));
        let ids: Vec<DoorId> = ids.map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(missing) = self.missing.get_mut(&id) else {
                continue;
            };
            match Wired::serve(&missing.door, now) {
                Ok(mut door) => {
                    tracing::info!(door.id = %id, "the door can be used again");
                    door.lock.told = missing.told;
                    if missing.released
                        && let Err(error) = door.lock(true, now)
                    {
                        tracing::error!(door.id = %id, reason = %crate::keeper::chain(&error), "the door did not do what it was told");
                    }
                    self.missing.remove(&id);
                    self.doors.insert(id, door);
                }
                Err(error) => {
                    tracing::debug!(door.id = %id, reason = %crate::keeper::chain(&error), "the door cannot be used yet");
                    missing.again = now.uptime + LOOK_AGAIN;
                }
            }
        }
    }

    /// Goes on with what lamps and buzzers show, and tells locks and sirens again what they did not do.
    pub fn go_on(&mut self, now: Sources) {
        self.open_missing(now);
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
            if due(door.inputs_at) {
                door.inputs_at = look_for(&mut door.sensors, now);
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
        self.doors.values().any(news) || self.missing.values().any(|missing| !missing.told)
    }

    /// The locks that have failed, or do again what they are told, since this was asked last.
    pub fn faults(&mut self) -> Vec<Input> {
        let missing = self.missing.iter_mut().filter_map(|(id, missing)| {
            let is_new = !std::mem::replace(&mut missing.told, true);
            is_new.then(|| Input::LockFault {
                door: id.clone(),
                on: true,
            })
        });
        let faults = self.doors.iter_mut().filter_map(|(id, door)| {
            let on = door.lock.again.is_some();
            let is_new = std::mem::replace(&mut door.lock.told, on) != on;
            is_new.then(|| Input::LockFault {
                door: id.clone(),
                on,
            })
        });
        missing.chain(faults).collect()
    }

    /// Looks at every input once and tells what is new.
    pub fn look(&mut self) -> Vec<Input> {
        let news = self.doors.values_mut().flat_map(|door| door.sensors.look());
        news.collect()
    }
}

/// Looks for a door's inputs that are not there; when to do so again, if some still are not.
fn look_for(sensors: &mut Sensors, now: Sources) -> Option<Span> {
    (!sensors.look_for_missing()).then(|| now.uptime + LOOK_AGAIN)
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
