//! A door's lines: whether the relays rest from power-on, and what the inputs say now.

use super::pi::{self, Machine};
use super::{Found, bad};
use crate::clock::SystemClock;
use crate::config::{Chip, Door, Follows, Pins, Wiring};
use crate::hardware::sensors::{Kind, Sensors};
use crate::hardware::{self, HardwareError};

const GROUP: &str = "on a Raspberry Pi the user of the agent must be in the group gpio; on another board name its `chip`, and see in `gpioinfo` who else has the line";

/// Everything about the lines of a door, each by its name.
pub fn look(machine: &Machine, door: &Door, running: bool) -> Vec<(String, Found)> {
    let mut told = vec![(format!("lock of {}", door.id), lock(door, running))];
    if let Wiring::Gpio(pins) = &door.wiring {
        let wiring = relays(machine, pins);
        told.extend(wiring.map(|found| (format!("wiring of {}", door.id), found)));
        let clock = pi::clock_pins(machine, pins);
        told.extend(clock.map(|found| (format!("wiring of {}", door.id), found)));
    }
    if running {
        return told;
    }
    match Sensors::open(door) {
        Ok(mut sensors) => {
            let now = sensors.now().into_iter();
            told.extend(
                now.map(|(kind, on)| (format!("{} of {}", name(kind), door.id), says(kind, on))),
            );
        }
        Err(error) => told.push((format!("inputs of {}", door.id), bad(&error, GROUP))),
    }
    told
}

fn lock(door: &Door, running: bool) -> Found {
    if running {
        return Found::Good("in use by the running agent, with the door's inputs".to_owned());
    }
    if let Wiring::Simulated { output } = &door.wiring {
        return Found::Good(format!("simulated, {}", output.display()));
    }
    let opened: Result<_, HardwareError> = hardware::open(door, SystemClock::start().read());
    match opened {
        Ok(_) => Found::Good("at rest".to_owned()),
        Err(error) => bad(&error, GROUP),
    }
}

/// The relays of a door, the lock's first.
fn relays(machine: &Machine, pins: &Pins) -> impl Iterator<Item = Found> {
    let second = pins.relay.map(|second| (second.relay, second.follows));
    let all = [Some((pins.lock, Follows::Lock)), second];
    let look = |(relay, follows)| match &pins.chip {
        chip if chip.has_header_pins() => pi::boot_level(machine, relay, follows),
        chip => unknown_level(chip, relay.pin),
    };
    all.into_iter().flatten().map(look)
}

fn unknown_level(chip: &Chip, line: u32) -> Found {
    Found::Note {
        what: format!("at which level line {line} of {chip} is from power-on is not known here"),
        to_do: "measure it with the relay unplugged, from the first second on: it must be the level at which the relay rests".to_owned(),
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Exit => "exit button",
        Kind::Contact => "door contact",
        Kind::Tamper => "tamper contact",
        Kind::Fire => "fire input",
    }
}

fn says(kind: Kind, on: bool) -> Found {
    let good = |text: &str| Found::Good(text.to_owned());
    let wrong = |what: &str, to_do: &str| Found::bad(what.to_owned(), to_do);
    match (kind, on) {
        (Kind::Exit, false) => good("not pressed; `door-agent watch` shows when it is"),
        (Kind::Exit, true) => wrong(
            "pressed",
            "let it go and look again; if nobody presses it, its wire touches ground, or it opens when pressed instead of closing",
        ),
        (Kind::Contact, false) => {
            good("closed, the door is shut; `door-agent watch` shows when it opens")
        }
        (Kind::Contact, true) => Found::Note {
            what: "open".to_owned(),
            to_do: "shut the door and look again; if it is shut, its wire is cut or the magnet is too far away".to_owned(),
        },
        (Kind::Tamper, false) => good("closed, all is in place"),
        (Kind::Tamper, true) => wrong(
            "open",
            "close the covers and look again; if they are closed, its wire is cut",
        ),
        (Kind::Fire, false) => good("closed, no alarm"),
        (Kind::Fire, true) => wrong(
            "open, which means fire",
            "look at the fire panel; if it is quiet, its wire is cut, or its contact closes on fire instead of opening",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    #[test]
    fn an_input_that_is_not_at_rest_is_told_with_what_to_do() {
        for kind in [Kind::Exit, Kind::Contact, Kind::Tamper, Kind::Fire] {
            assert!(matches!(says(kind, false), Found::Good(_)), "{kind:?}");
            let (Found::Bad { to_do, .. } | Found::Note { to_do, .. }) = says(kind, true) else {
                panic!("{kind:?}");
            };
            assert!(to_do.contains("wire"), "{to_do}");
        }
    }

    fn relays_of(text: &str) -> Vec<Found> {
        let settings = format!(
            "[[door]]\nid = \"front\"\n{text}[door.reader]\nkind = \"simulated\"\ninput = \"/run/cards\"\n\
             [door.lock]\nkind = \"gpio\"\npin = 17\n[door.relay]\nactive = \"low\"\npin = 22\nfollows = \"siren\"\n"
        );
        let config = Config::parse(&settings).expect("valid");
        let Wiring::Gpio(pins) = &config.doors[0].wiring else {
            panic!("wired");
        };
        relays(&Machine::at(Path::new("/nowhere")), pins).collect()
    }

    #[test]
    fn the_second_relay_must_rest_from_power_on_too_and_another_board_has_to_be_measured() {
        let found = relays_of("");
        assert!(
            matches!(&found[..], [Found::Good(_), Found::Bad { what, .. }] if what.contains("the siren is on at every start")),
            "{found:?}"
        );
        let found = relays_of("chip = \"gpio-sim\"\n");
        assert!(
            matches!(&found[..], [Found::Note { .. }, Found::Note { what, .. }] if what.contains("line 22 of gpio-sim")),
            "{found:?}"
        );
    }
}
