//! The door itself: its contact, its button, its covers, and what of it wants a human.

use super::Settings;
use shared::badge::Alarm;
use shared::time::Span;
use std::collections::BTreeSet;

/// A door that opens so soon after its lock came to rest was released.
const SLACK: Span = Span::seconds(2);
/// Nobody presses an exit button for longer.
const STUCK: Span = Span::minutes(1);
/// These call for help at the door too.
const LOUD: [Alarm; 3] = [Alarm::Forced, Alarm::HeldOpen, Alarm::Tamper];

/// What a door's inputs have said.
#[derive(Debug, Default)]
pub struct Watch {
    open: Option<bool>,
    /// Since when it has stood open without leave.
    open_since: Option<Span>,
    pressed_since: Option<Span>,
    rested_at: Option<Span>,
    now: Span,
    alarms: BTreeSet<Alarm>,
}

/// The lock, as far as the door is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// At rest.
    Resting,
    /// Released for somebody.
    Released,
    /// Held open by the zone's policy.
    Propped,
}

impl Watch {
    /// The contact says something; false if that is not new.
    pub fn contact(&mut self, open: bool, lock: Lock, settings: Settings, uptime: Span) -> bool {
        if self.open == Some(open) {
            return false;
        }
        let first = self.open.replace(open).is_none();
        let may_stand_open = lock == Lock::Propped || self.alarms.contains(&Alarm::Fire);
        self.open_since = (open && !may_stand_open).then_some(uptime);
        let rested = |at: Span| uptime.0 - at.0 <= SLACK.0;
        let let_go = lock != Lock::Resting
            || self.rested_at.is_some_and(rested)
            || self.pressed_since.is_some()
            || self.alarms.contains(&Alarm::Fire);
        if !open {
            self.alarms.remove(&Alarm::Forced);
            self.alarms.remove(&Alarm::HeldOpen);
        } else if settings.forced && !let_go && !first {
            self.alarms.insert(Alarm::Forced);
        }
        true
    }

    /// The exit button; true when it was pressed just now.
    pub fn button(&mut self, pressed: bool, uptime: Span) -> bool {
        let new = pressed && self.pressed_since.is_none();
        if !pressed {
            self.pressed_since = None;
            self.alarms.remove(&Alarm::ExitStuck);
        } else if new {
            self.pressed_since = Some(uptime);
        }
        new
    }

    /// An input that is an alarm by itself.
    pub fn set(&mut self, alarm: Alarm, on: bool) {
        if on {
            self.alarms.insert(alarm);
        } else {
            self.alarms.remove(&alarm);
        }
    }

    /// The fire input: in a fire every door may stand open.
    pub fn fire(&mut self, on: bool, lock: Lock, uptime: Span) {
        self.set(Alarm::Fire, on);
        let may_stand_open = on || lock == Lock::Propped;
        self.open_since = (self.open == Some(true) && !may_stand_open).then_some(uptime);
    }

    /// Somebody is let through: an open door may stay open for a while more.
    pub fn let_in(&mut self, uptime: Span) {
        self.alarms.remove(&Alarm::HeldOpen);
        self.open_since = self.open_since.map(|_| uptime);
    }

    /// The lock has changed.
    pub fn lock(&mut self, lock: Lock, uptime: Span) {
        self.rested_at = (lock == Lock::Resting).then_some(uptime);
        if lock == Lock::Propped {
            self.alarms.remove(&Alarm::HeldOpen);
            self.open_since = None;
        } else if self.open == Some(true) && !self.alarms.contains(&Alarm::Fire) {
            self.open_since.get_or_insert(uptime);
        }
    }

    /// Lets time raise what it raises.
    pub fn tick(&mut self, settings: Settings, uptime: Span) {
        self.now = uptime;
        if self.alarm_due(settings).is_some_and(|due| due <= uptime) {
            self.alarms.insert(Alarm::HeldOpen);
        }
        if self.stuck_due().is_some_and(|due| due <= uptime) {
            self.alarms.insert(Alarm::ExitStuck);
        }
    }

    /// Whether people at the door are asked to close it.
    pub fn asks_to_close(&self, settings: Settings) -> bool {
        self.warning_due(settings)
            .is_some_and(|due| due <= self.now)
    }

    /// What wants a human.
    pub fn alarms(&self) -> &BTreeSet<Alarm> {
        &self.alarms
    }

    /// Whether something calls for help at the door.
    pub fn is_loud(&self) -> bool {
        LOUD.iter().any(|alarm| self.alarms.contains(alarm))
    }

    /// What the contact said last; true when open.
    pub fn is_open(&self) -> Option<bool> {
        self.open
    }

    /// When there is something to do.
    pub fn due(&self, settings: Settings) -> Option<Span> {
        let held = if self.asks_to_close(settings) {
            self.alarm_due(settings)
                .filter(|_| !self.alarms.contains(&Alarm::HeldOpen))
        } else {
            self.warning_due(settings)
        };
        let stuck = self
            .stuck_due()
            .filter(|_| !self.alarms.contains(&Alarm::ExitStuck));
        [held, stuck].into_iter().flatten().min()
    }

    fn warning_due(&self, settings: Settings) -> Option<Span> {
        Some(self.open_since? + settings.held_open?)
    }

    /// The same time again after the warning.
    fn alarm_due(&self, settings: Settings) -> Option<Span> {
        Some(self.warning_due(settings)? + settings.held_open?)
    }

    fn stuck_due(&self) -> Option<Span> {
        Some(self.pressed_since? + STUCK)
    }
}
