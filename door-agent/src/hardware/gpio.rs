//! A door on the lines of a GPIO chip.

use super::pattern::{Player, Show};
use super::{Hardware, HardwareError};
use crate::config::{Follows, Level, Pins, Relay};
use lines::Lines;
use shared::door_clock::Sources;
use shared::reasons::Signal;
use shared::time::Span;

pub mod cdev;
pub mod lines;
mod pi;

/// A door's outputs, dropped in this order: the lock first.
pub struct Outputs {
    lock: Line,
    relay: Option<(Line, Follows)>,
    green: Option<Line>,
    red: Option<Line>,
    buzzer: Option<Line>,
    player: Player,
    shows: Show,
}

/// One output, at rest when it is given up, in whatever way that happens.
struct Line {
    number: u32,
    wire: Box<dyn lines::Output>,
    active: Level,
}

impl Line {
    /// At rest in the same step in which it becomes an output.
    fn open(lines: &dyn Lines, relay: Relay) -> Result<Self, HardwareError> {
        let Relay { pin, active } = relay;
        let wire = lines.output(pin, high(active, false));
        Ok(Self {
            number: pin,
            wire: wire.map_err(|source| HardwareError::Line { line: pin, source })?,
            active,
        })
    }

    fn lamp(lines: &dyn Lines, pin: Option<u32>) -> Result<Option<Self>, HardwareError> {
        let active = Level::High;
        pin.map(|pin| Self::open(lines, Relay { pin, active }))
            .transpose()
    }

    fn set(&mut self, on: bool) -> Result<(), HardwareError> {
        let line = self.number;
        self.wire
            .set(high(self.active, on))
            .map_err(|source| HardwareError::Line { line, source })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Nobody is left to be told of an error.
        drop(self.set(false));
    }
}

fn high(active: Level, on: bool) -> bool {
    match active {
        Level::High => on,
        Level::Low => !on,
    }
}

impl Outputs {
    /// Takes the lines, all at rest.
    ///
    /// # Errors
    /// If one of them cannot be had.
    pub fn open(pins: &Pins) -> Result<Self, HardwareError> {
        let lines = lines::of(&pins.chip).map_err(|source| HardwareError::Chip {
            chip: pins.chip.clone(),
            source,
        })?;
        Self::on(&*lines, pins)
    }

    fn on(lines: &dyn Lines, pins: &Pins) -> Result<Self, HardwareError> {
        let lock = Line::open(lines, pins.lock)?;
        let relay = pins
            .relay
            .map(|second| Ok((Line::open(lines, second.relay)?, second.follows)));
        Ok(Self {
            lock,
            relay: relay.transpose()?,
            green: Line::lamp(lines, pins.green)?,
            red: Line::lamp(lines, pins.red)?,
            buzzer: Line::lamp(lines, pins.buzzer)?,
            player: Player::default(),
            shows: Show::NOTHING,
        })
    }

    fn release(&mut self, on: bool) -> Result<(), HardwareError> {
        let lock = self.lock.set(on);
        if on && lock.is_err() {
            return lock;
        }
        // One that does not rest must not keep the other from it.
        let second = self.follow(Follows::Lock, on);
        lock.and(second)
    }

    fn follow(&mut self, what: Follows, on: bool) -> Result<(), HardwareError> {
        match &mut self.relay {
            Some((line, follows)) if *follows == what => line.set(on),
            Some(_) | None => Ok(()),
        }
    }

    /// Drives the lamps that are to be driven otherwise than before.
    fn show(&mut self, show: Show) -> Result<(), HardwareError> {
        let before = std::mem::replace(&mut self.shows, show);
        for (line, before, on) in [
            (&mut self.green, before.green, show.green),
            (&mut self.red, before.red, show.red),
            (&mut self.buzzer, before.buzzer, show.buzzer),
        ] {
            if let Some(line) = line
                && before != on
            {
                line.set(on)?;
            }
        }
        Ok(())
    }
}

impl Hardware for Outputs {
    fn energise(&mut self, _: Sources) -> Result<(), HardwareError> {
        self.release(true)
    }

    fn rest(&mut self, _: Sources) -> Result<(), HardwareError> {
        self.release(false)
    }

    fn signal(&mut self, signal: Signal, now: Sources) -> Result<(), HardwareError> {
        self.player.signal(signal, now.uptime);
        self.show(self.player.look(now.uptime).show)
    }

    fn siren(&mut self, on: bool, now: Sources) -> Result<(), HardwareError> {
        self.player.siren(on, now.uptime);
        let relay = self.follow(Follows::Siren, on);
        let buzzer = self.show(self.player.look(now.uptime).show);
        relay.and(buzzer)
    }

    fn play(&mut self, uptime: Span) -> Option<Span> {
        let look = self.player.look(uptime);
        if let Err(error) = self.show(look.show) {
            // The lock is what matters; a lamp that cannot be driven is told when a signal begins.
            tracing::debug!(reason = %crate::keeper::chain(&error), "a lamp was not driven");
        }
        look.until
    }
}

#[cfg(test)]
mod tests;
