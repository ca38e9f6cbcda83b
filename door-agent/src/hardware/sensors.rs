//! What a door's inputs say, by looking at them again and again.
//!
//! A line is looked at rather than listened to: one that is noisy, however fast, costs no more than one that is quiet.

use super::HardwareError;
use super::gpio::lines::{self, Input as Wire, Lines};
use crate::agent::Input;
use crate::config::{Chip, Door, Inputs, Pins, Wiring};
use shared::ids::DoorId;
use std::time::Duration;

/// The inputs are looked at so often.
pub const LOOK: Duration = Duration::from_millis(20);
/// What a look that differs from the one before weighs against those that agree, when the line was quiet before.
const DIFFERS: u32 = 2;
/// A contact that bounced for however long counts again after so many looks that agree: within the 400 ms in which
/// EN 60839-11-1 wants an input to be taken note of.
const MOST: u32 = 17;

/// What an input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The exit button.
    Exit,
    /// The door contact.
    Contact,
    /// The tamper contact.
    Tamper,
    /// The contact of the fire panel.
    Fire,
}

impl Kind {
    /// What it says at a level: each is a contact to ground, so that a wire that is cut is high.
    ///
    /// A cut wire is an open door, tampering and fire; as an exit button it is nobody.
    #[must_use]
    pub fn says(self, high: bool) -> bool {
        match self {
            Self::Exit => !high,
            Self::Contact | Self::Tamper | Self::Fire => high,
        }
    }

    /// As the agent hears it.
    #[must_use]
    pub fn input(self, door: DoorId, on: bool) -> Input {
        match self {
            Self::Exit => Input::Exit { door, pressed: on },
            Self::Contact => Input::Contact { door, open: on },
            Self::Tamper => Input::Tamper { door, on },
            Self::Fire => Input::Fire { door, on },
        }
    }
}

/// An input that counts when it is steady: a clean contact at the second look, one that bounces or is noisy only after it
/// has been quiet for longer.
#[derive(Debug, Default)]
struct Steady {
    seen: Option<bool>,
    counts: Option<bool>,
    unrest: u32,
}

impl Steady {
    /// What it says now, if that is new and counts.
    fn look(&mut self, now: bool) -> Option<bool> {
        let differs = self.seen.replace(now) != Some(now);
        self.unrest = if differs {
            (2 * self.unrest + DIFFERS).min(MOST)
        } else {
            self.unrest.saturating_sub(1)
        };
        if self.unrest >= DIFFERS || self.counts == Some(now) {
            return None;
        }
        self.counts = Some(now);
        self.counts
    }
}

struct Sensor {
    kind: Kind,
    line: u32,
    /// None: it cannot be had.
    wire: Option<Box<dyn Wire>>,
    steady: Steady,
    fails: bool,
}

impl Sensor {
    /// What it says; one that cannot be read is as one whose wire is cut.
    fn read(&mut self, door: &DoorId) -> bool {
        let level = match &mut self.wire {
            Some(wire) => wire.is_high(),
            None => Err(std::io::ErrorKind::NotConnected.into()),
        };
        match &level {
            Err(error) if !self.fails => {
                tracing::error!(door.id = %door, line = self.line, reason = %error, "an input cannot be read and counts as cut");
            }
            Err(_) | Ok(_) => {}
        }
        self.fails = level.is_err();
        self.kind.says(level.unwrap_or(true))
    }
}

/// The inputs of a door.
pub struct Sensors {
    door: DoorId,
    chip: Chip,
    sensors: Vec<Sensor>,
}

impl Sensors {
    /// Of a door whose lines are taken by [`Sensors::look_for_missing`]; until then each counts as cut.
    #[must_use]
    pub fn serve(door: &Door) -> Self {
        match &door.wiring {
            Wiring::Gpio(pins) => Self::missing(door.id.clone(), pins),
            Wiring::Simulated { .. } => Self::none(door.id.clone()),
        }
    }

    fn missing(door: DoorId, pins: &Pins) -> Self {
        let sensors = wanted(pins.inputs).map(|(kind, line)| Sensor {
            kind,
            line,
            wire: None,
            steady: Steady::default(),
            fails: false,
        });
        Self {
            sensors: sensors.collect(),
            chip: pins.chip.clone(),
            door,
        }
    }

    /// Takes the lines that are not taken; whether it has them all.
    pub fn look_for_missing(&mut self) -> bool {
        if self.sensors.iter().all(|sensor| sensor.wire.is_some()) {
            return true;
        }
        match lines::of(&self.chip) {
            Ok(lines) => self.take_missing(&*lines),
            Err(error) => {
                tracing::error!(door.id = %self.door, reason = %error, "the inputs cannot be had and count as cut");
                false
            }
        }
    }

    fn take_missing(&mut self, lines: &dyn Lines) -> bool {
        for sensor in &mut self.sensors {
            if sensor.wire.is_some() {
                continue;
            }
            match lines.input(sensor.line) {
                Ok(wire) => sensor.wire = Some(wire),
                Err(error) => {
                    tracing::error!(door.id = %self.door, line = sensor.line, reason = %error, "an input cannot be had and counts as cut");
                }
            }
        }
        self.sensors.iter().all(|sensor| sensor.wire.is_some())
    }

    /// Takes the lines that the settings name, and no other line of the door.
    ///
    /// # Errors
    /// If one of them cannot be had.
    pub fn open(door: &Door) -> Result<Self, HardwareError> {
        let pins = match &door.wiring {
            Wiring::Gpio(pins) if pins.inputs != Inputs::default() => pins,
            Wiring::Gpio(_) | Wiring::Simulated { .. } => {
                return Ok(Self::none(door.id.clone()));
            }
        };
        let lines = lines::of(&pins.chip).map_err(|source| HardwareError::Chip {
            chip: pins.chip.clone(),
            source,
        })?;
        Self::on(&*lines, door.id.clone(), pins)
    }

    /// Of a door without any.
    #[must_use]
    pub fn none(door: DoorId) -> Self {
        Self {
            door,
            chip: Chip::Header,
            sensors: Vec::new(),
        }
    }

    fn on(lines: &dyn Lines, door: DoorId, pins: &Pins) -> Result<Self, HardwareError> {
        let mut sensors = Self::missing(door, pins);
        for sensor in &mut sensors.sensors {
            let line = sensor.line;
            let wire = lines.input(line);
            sensor.wire = Some(wire.map_err(|source| HardwareError::Line { line, source })?);
        }
        Ok(sensors)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sensors.is_empty()
    }

    /// Looks at each once and tells what is new; to be called every [`LOOK`].
    pub fn look(&mut self) -> Vec<Input> {
        let door = &self.door;
        let news = self.sensors.iter_mut().filter_map(|sensor| {
            let on = sensor.read(door);
            let on = sensor.steady.look(on)?;
            Some(sensor.kind.input(door.clone(), on))
        });
        news.collect()
    }

    /// What each says at this moment.
    pub fn now(&mut self) -> Vec<(Kind, bool)> {
        let door = &self.door;
        let read = |sensor: &mut Sensor| (sensor.kind, sensor.read(door));
        self.sensors.iter_mut().map(read).collect()
    }
}

/// The inputs that are named.
fn wanted(inputs: Inputs) -> impl Iterator<Item = (Kind, u32)> {
    let Inputs {
        exit,
        contact,
        tamper,
        fire,
    } = inputs;
    let kinds = [
        (Kind::Exit, exit),
        (Kind::Contact, contact),
        (Kind::Tamper, tamper),
        (Kind::Fire, fire),
    ];
    kinds
        .into_iter()
        .filter_map(|(kind, line)| Some((kind, line?)))
}

#[cfg(test)]
mod tests;
