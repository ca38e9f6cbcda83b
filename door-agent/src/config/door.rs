//! A door: its reader, its lock, and what else is wired to it.

use super::reader::{Reader, reader};
use super::section::{At, Section};
use super::taken::{Chip, Taken};
use super::{Problem, absolute};
use crate::controller::Settings;
use shared::ids::DoorId;
use shared::time::Span;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Lock times that make sense, in seconds.
const UNLOCK: RangeInclusive<u32> = 1..=60;
const UNLOCK_SECONDS: u32 = 5;
/// So long may a door stand open, in seconds, before it calls for help.
const HELD_OPEN: RangeInclusive<u32> = 5..=3_600;
const HELD_OPEN_SECONDS: u32 = 30;
/// What a simulated door must not name: it would be taken for wired and never move.
const WIRED: [&str; 9] = [
    "chip",
    "exit_pin",
    "contact_pin",
    "tamper_pin",
    "fire_pin",
    "green_pin",
    "red_pin",
    "buzzer_pin",
    "relay",
];

/// One door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its name, as on the server.
    pub id: DoorId,
    /// What reads cards.
    pub reader: Reader,
    /// What its lock and its contact are like.
    pub settings: Settings,
    /// What its lock, its lamps and its inputs are connected to.
    pub wiring: Wiring,
}

/// What a door is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wiring {
    /// Lines of a GPIO chip.
    Gpio(Pins),
    /// JSON lines to a file, a FIFO or a socket.
    Simulated {
        /// Written to.
        output: PathBuf,
    },
}

/// The lines of a door, by their numbers on one chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    /// Which chip.
    pub chip: Chip,
    /// The relay of the lock.
    pub lock: Relay,
    /// Another relay.
    pub relay: Option<SecondRelay>,
    /// A green lamp.
    pub green: Option<u32>,
    /// A red lamp.
    pub red: Option<u32>,
    /// A buzzer.
    pub buzzer: Option<u32>,
    /// What is heard.
    pub inputs: Inputs,
}

/// A relay on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relay {
    /// The line.
    pub pin: u32,
    /// The level that pulls it: that of a lock releases the door.
    pub active: Level,
}

/// A relay beside the lock's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondRelay {
    /// Where it is.
    pub relay: Relay,
    /// When it is pulled.
    pub follows: Follows,
}

/// When a second relay is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// While the lock is released: a second lock, a door drive, a light.
    Lock,
    /// While the door calls for help: a horn, a lamp, the input of an alarm system.
    Siren,
}

/// The lines of a door's inputs, each a contact to ground with the chip's pull-up. A wire that is cut reads as an open contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inputs {
    /// The exit button: closed while it is pressed.
    pub exit: Option<u32>,
    /// The door contact: closed while the door is shut; cut, the door counts as open.
    pub contact: Option<u32>,
    /// The tamper contact: closed while covers and readers are in place; cut, it tells of tampering.
    pub tamper: Option<u32>,
    /// The contact of the fire panel: closed while there is no alarm; cut, there is one.
    pub fire: Option<u32>,
}

/// A level of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// 3.3 V.
    #[default]
    High,
    /// 0 V.
    Low,
}

pub(super) fn door(mut section: Section<'_>, taken: &mut Taken) -> Result<Door, Problem> {
    let name = section.required_text("id", "the door's name on the server")?;
    let id = DoorId::new(name.value).map_err(|_| {
        name.problem(
            format!("is {:?}", name.value),
            "1 to 64 of a-z, A-Z, 0-9, `_` and `-`",
        )
    })?;
    taken.claim(format!("the name `{id}`"), &name)?;
    let chip = Chip::named(&mut section)?.unwrap_or(Chip::Header);
    let reader = reader(section.required_section("reader")?, &chip, taken)?;
    let lock = lock(section.required_section("lock")?, &chip, taken)?;
    let wiring = match lock.kind {
        LockKind::Gpio(relay) => Wiring::Gpio(pins(&mut section, chip, relay, taken)?),
        LockKind::Simulated { output } => {
            if let Some(wired) = WIRED.into_iter().find_map(|name| section.given(name)) {
                return Err(wired.problem(
                    "needs a lock of kind \"gpio\"",
                    "left out: a simulated door is all JSON lines",
                ));
            }
            Wiring::Simulated { output }
        }
    };
    section.finish()?;
    let (has_contact, has_exit) = match &wiring {
        Wiring::Gpio(pins) => (pins.inputs.contact.is_some(), pins.inputs.exit.is_some()),
        Wiring::Simulated { .. } => (true, true),
    };
    if let Some(key) = lock.needs_contact.filter(|_| !has_contact) {
        return Err(key.problem(
            "needs a door contact",
            "left out, or `contact_pin` at the door",
        ));
    }
    Ok(Door {
        id,
        reader,
        settings: Settings {
            unlock: lock.unlock,
            until_open: lock.until_open,
            held_open: has_contact.then_some(lock.held_open),
            forced: has_contact && lock.forced.unwrap_or(has_exit),
        },
        wiring,
    })
}

fn pins(
    section: &mut Section<'_>,
    chip: Chip,
    lock: Relay,
    taken: &mut Taken,
) -> Result<Pins, Problem> {
    let relay = section.section("relay")?;
    let relay = relay
        .map(|section| second_relay(section, &chip, taken))
        .transpose()?;
    let mut line = |name| taken.line(section, name, &chip);
    let inputs = Inputs {
        exit: line("exit_pin")?,
        contact: line("contact_pin")?,
        tamper: line("tamper_pin")?,
        fire: line("fire_pin")?,
    };
    let (green, red, buzzer) = (line("green_pin")?, line("red_pin")?, line("buzzer_pin")?);
    Ok(Pins {
        chip,
        lock,
        relay,
        green,
        red,
        buzzer,
        inputs,
    })
}

/// What the table of a lock says.
struct Lock {
    kind: LockKind,
    unlock: Span,
    until_open: bool,
    held_open: Span,
    /// What is said of doors that open unreleased; unsaid, they were forced if there is an exit button.
    forced: Option<bool>,
    /// A key that means nothing without a contact.
    needs_contact: Option<At<()>>,
}

enum LockKind {
    Gpio(Relay),
    Simulated { output: PathBuf },
}

fn lock(mut section: Section<'_>, chip: &Chip, taken: &mut Taken) -> Result<Lock, Problem> {
    let is_wired = section.required_choice("kind", &[("gpio", true), ("simulated", false)])?;
    let mut seconds = |name, range, unsaid| -> Result<Span, Problem> {
        let seconds = section.number(name, range)?;
        Ok(Span::seconds(
            seconds.map_or(unsaid, |seconds| seconds.value).into(),
        ))
    };
    let unlock = seconds("unlock_seconds", UNLOCK, UNLOCK_SECONDS)?;
    let held_open = seconds("held_open_seconds", HELD_OPEN, HELD_OPEN_SECONDS)?;
    let until_open = section
        .choice("release", &[("pulse", false), ("until_open", true)])?
        .unwrap_or_default();
    let forced = section.choice("unreleased", &[("alarm", true), ("ignored", false)])?;
    let held = section.given("held_open_seconds");
    let release = section.given("release").filter(|_| until_open);
    let unreleased = section.given("unreleased").filter(|_| forced == Some(true));
    let needs_contact = held.or(release).or(unreleased);
    let kind = if is_wired {
        LockKind::Gpio(relay(&mut section, chip, taken)?)
    } else {
        let output = section.required_text("output", "the path of a file, FIFO or socket")?;
        LockKind::Simulated {
            output: absolute(output, "/run/door-agent/lock")?,
        }
    };
    section.finish()?;
    Ok(Lock {
        kind,
        unlock,
        until_open,
        held_open,
        forced,
        needs_contact,
    })
}

fn second_relay(
    mut section: Section<'_>,
    chip: &Chip,
    taken: &mut Taken,
) -> Result<SecondRelay, Problem> {
    let relay = relay(&mut section, chip, taken)?;
    let follows = [("lock", Follows::Lock), ("siren", Follows::Siren)];
    let follows = section.required_choice("follows", &follows)?;
    section.finish()?;
    Ok(SecondRelay { relay, follows })
}

fn relay(section: &mut Section<'_>, chip: &Chip, taken: &mut Taken) -> Result<Relay, Problem> {
    let pin = taken.required_line(section, "pin", chip)?;
    let levels = [("high", Level::High), ("low", Level::Low)];
    let active = section.choice("active", &levels)?.unwrap_or_default();
    Ok(Relay { pin, active })
}
