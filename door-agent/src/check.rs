//! Looks at everything an agent needs, in turn, and says what to do about what is wrong.

mod live;
mod pi;
mod wiring;

use crate::agent::stored::Stored;
use crate::clock::SystemClock;
use crate::config::{Config, Door, Source, Wiring};
use crate::control::{self, Ask};
use crate::disk::Directory;
use crate::hardware::gpio::cdev;
use crate::identity::{self, Paired};
use crate::keeper::{Keeper, chain};
use crate::link::probe;
use crate::run::target;
use live::Live;
pub use pi::{Machine, boot_level, serial_line};
use shared::door_clock::Quality;
use shared::time::{Span, Timestamp};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// Without contact for so long, staff should look at the network.
const OLD: Span = Span::minutes(10);
const BROKER_PATIENCE: Duration = Duration::from_secs(15);

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// All is well.
    Good(String),
    /// Nothing is wrong, but somebody should know.
    Note {
        /// What was seen.
        what: String,
        /// What to do about it, or when to look again.
        to_do: String,
    },
    /// Something is wrong.
    Bad {
        /// What was seen.
        what: String,
        /// What to do about it.
        to_do: String,
    },
}

impl Found {
    fn bad(what: String, to_do: impl Into<String>) -> Self {
        let to_do = to_do.into();
        Self::Bad { what, to_do }
    }

    /// Not there yet, or not there at all: for an agent that has only just started, the first.
    fn missing(settles: bool, what: String, to_do: &str) -> Self {
        if settles {
            Self::Note {
                what: format!("{what}, but the agent has only just started"),
                to_do: "look again in a minute".to_owned(),
            }
        } else {
            Self::bad(what, to_do)
        }
    }
}

/// Prints what was found, part by part, and counts what is wrong.
struct Report<W> {
    out: W,
    wrong: u32,
}

impl<W: Write> Report<W> {
    fn tell(&mut self, name: &str, found: Found) -> io::Result<()> {
        match found {
            Found::Good(text) => writeln!(self.out, "ok    {name}: {text}"),
            Found::Note { what, to_do } => {
                writeln!(self.out, "note  {name}: {what}\n      {to_do}")
            }
            Found::Bad { what, to_do } => {
                self.wrong += 1;
                writeln!(self.out, "WRONG {name}: {what}\n      {to_do}")
            }
        }
    }
}

/// Prints one line for each part, and returns how many are wrong.
///
/// # Errors
/// If nothing can be printed.
pub async fn check(config: &Config, machine: &Machine, out: impl Write) -> io::Result<u32> {
    let mut report = Report { out, wrong: 0 };
    let mut tell = |name: &str, found| report.tell(name, found);
    tell(
        "settings",
        Found::Good(format!("doors: {}", config.doors.len())),
    )?;
    let running = control::ask(&config.state_dir, &Ask::Status)
        .await
        .ok()
        .flatten()
        .map(Live::new);
    tell("state directory", state_dir(config, running.is_some()))?;
    for door in &config.doors {
        tell(
            &format!("reader of {}", door.id),
            reader(door, running.as_ref()),
        )?;
        if let Source::Serial { device, .. } | Source::Pn532Serial { device, .. } =
            &door.reader.source
            && let Some(found) = pi::serial_line(machine, device)
        {
            tell(&format!("serial line of {}", door.id), found)?;
        }
        for (name, found) in wiring::look(machine, door, running.is_some()) {
            tell(&name, found)?;
        }
    }
    if config.shadow {
        let what = "cards are decided and logged, and no lock is driven".to_owned();
        let to_do = "take `shadow` out of the settings when the door may open".to_owned();
        tell("shadow mode", Found::Note { what, to_do })?;
    }
    if is_real(config) {
        tell("inside", inside(config))?;
        tell("disk", pi::storage(machine, &config.state_dir))?;
        tell("battery clock", pi::battery_clock(machine))?;
        if let Some(found) = pi::supply(machine) {
            tell("supply", found)?;
        }
    }
    let disk = Directory::read_only(&config.state_dir);
    match identity::load(&disk) {
        Err(error) => {
            tell(
                "pairing",
                bad(
                    &error,
                    "create the agent at the server (POST /api/v1/agents), then run `door-agent pair`",
                ),
            )?;
        }
        Ok((identity, paired)) => {
            tell(
                "pairing",
                Found::Good(format!(
                    "agent {} of {}",
                    paired.pairing.agent, paired.pairing.organisation
                )),
            )?;
            let sources = SystemClock::start().read();
            let other = Directory::read_only(&config.state_dir);
            let mut keeper = Keeper::open(Box::new(disk), Box::new(other), &identity);
            if keeper.damaged() {
                tell("state", marks())?;
            }
            let stored = Stored::read(&mut keeper, &identity, &paired, sources);
            tell("clock", clock(&stored, sources))?;
            for door in &config.doors {
                tell(
                    &format!("list of {}", door.id),
                    list(&stored, door, sources, running.as_ref()),
                )?;
            }
            tell("broker", broker(&paired, running.as_ref()).await)?;
        }
    }
    Ok(report.wrong)
}

/// Whether there is a lock that opens a real door.
fn is_real(config: &Config) -> bool {
    let real = |door: &Door| matches!(door.wiring, Wiring::Gpio(_));
    config.doors.iter().any(real)
}

/// The one thing that no machine can see.
fn inside(config: &Config) -> Found {
    let what = match config.inside {
        Some(true) => {
            return Found::Good("the agent is on the secure side of its doors".to_owned());
        }
        Some(false) => {
            "the settings say that the agent is outside: whoever opens its case opens the door"
        }
        None => {
            "nobody has said whether the agent and its relay are on the secure side of the door"
        }
    };
    Found::bad(
        what.to_owned(),
        "put Pi, relay and their wires where only people are who are inside already, then write `inside = true` in the settings",
    )
}

fn bad(error: &dyn std::error::Error, to_do: &'static str) -> Found {
    Found::bad(chain(error), to_do)
}

fn state_dir(config: &Config, running: bool) -> Found {
    let path = config.state_dir.display();
    if running {
        return Found::Good(format!("{path}, in use by the running agent"));
    }
    match Directory::open(&config.state_dir) {
        Ok(_) => Found::Good(path.to_string()),
        Err(error) => bad(
            &error,
            "it must exist and belong to the user of the agent; run this as that user or as root",
        ),
    }
}

fn marks() -> Found {
    Found::bad(
        "a copy of `highest` or `state` is damaged or cannot be read; another one is used"
            .to_owned(),
        "check the card and replace it soon; what else cannot be read, the agent's log names",
    )
}

fn reader(door: &Door, running: Option<&Live>) -> Found {
    const SERIAL: &str = "check cable and name; on a Raspberry Pi enable the serial port and disable its login shell in raspi-config";
    const SPI: &str = "enable SPI in raspi-config; the user of the agent must be in the group spi";
    if running.is_some_and(|live| !live.has_reader(&door.id)) {
        return Found::bad(
            "the running agent has no answer from it".to_owned(),
            "check its cable, its supply and its name; the agent's log tells more: journalctl -u door-agent",
        );
    }
    let running = running.is_some();
    match &door.reader.source {
        Source::Serial { device, baud, .. } | Source::Pn532Serial { device, baud } => {
            device_file(device, running, SERIAL, || {
                match tokio_serial::new(device.to_string_lossy(), *baud).open() {
                    Ok(_) => Found::Good(format!(
                        "{} at {baud} baud; try `door-agent watch`",
                        device.display()
                    )),
                    Err(error) => bad(
                        &error,
                        "the user of the agent must be in the group dialout, and nothing else may use the device",
                    ),
                }
            })
        }
        Source::Keyboard { device, .. } => device_file(
            device,
            running,
            "plug it in and check its name; see the names in /dev/input/by-id",
            || readable(device, "the user of the agent must be in the group input"),
        ),
        Source::Pn532Spi { device } | Source::Mfrc522 { device } => {
            let path = PathBuf::from(device.to_string());
            device_file(&path, running, SPI, || readable(&path, SPI))
        }
        Source::Wiegand { .. } if running => Found::Good("in use by the running agent".to_owned()),
        Source::Wiegand { d0, d1, chip, .. } => match cdev::find(chip) {
            Ok(path) => Found::Good(format!(
                "D0 at line {d0} and D1 at line {d1} of {}; try `door-agent watch`",
                path.display()
            )),
            Err(error) => bad(
                &error,
                "the user of the agent must be in the group gpio; on another board than a Raspberry Pi name its `chip`",
            ),
        },
        Source::Simulated { input } if running || input.exists() => {
            Found::Good(format!("simulated, {}", input.display()))
        }
        Source::Simulated { input } => Found::Good(format!(
            "simulated, {} will be a socket, for it is no FIFO or file yet",
            input.display()
        )),
    }
}

/// A reader behind a device file, looked at if it is there and not in use.
fn device_file(
    path: &Path,
    running: bool,
    to_do: &'static str,
    look: impl FnOnce() -> Found,
) -> Found {
    if !path.exists() {
        return Found::bad(format!("{} is not there", path.display()), to_do);
    }
    if running {
        return Found::Good(format!("{}, in use by the agent", path.display()));
    }
    look()
}

fn readable(path: &Path, to_do: &'static str) -> Found {
    match std::fs::File::open(path) {
        Ok(_) => Found::Good(format!("{}; try `door-agent watch`", path.display())),
        Err(error) => bad(&error, to_do),
    }
}

fn clock(stored: &Stored, sources: shared::door_clock::Sources) -> Found {
    let reading = stored.reading(sources);
    match reading.quality {
        Quality::Trusted => Found::Good(format!("{}, synchronised", reading.time)),
        Quality::Untrusted => Found::bad(
            format!(
                "not synchronised by systemd-timesyncd; until the server tells the time, dates are judged by {}",
                reading.time
            ),
            "enable it (`timedatectl set-ntp true`) or fit a battery clock; while the broker is connected nothing is lost",
        ),
    }
}

fn list(
    stored: &Stored,
    door: &Door,
    sources: shared::door_clock::Sources,
    running: Option<&Live>,
) -> Found {
    let settles = running.is_some_and(Live::settles);
    let Some(zone) = stored.zone(&door.id) else {
        return Found::missing(
            settles,
            "the server has not assigned this door to a zone".to_owned(),
            "add a door of this name to the agent at the server (PUT /api/v1/doors/NAME)",
        );
    };
    let Some(list) = zone.list() else {
        return Found::missing(
            settles,
            format!("no list of zone {} yet", zone.id()),
            "run the agent while the broker can be reached",
        );
    };
    let text = format!(
        "zone {}, revision {}, cards: {}",
        zone.id(),
        list.revision(),
        list.len()
    );
    let to_do = "see to the network or the server; the door goes on from this list";
    if let Some(live) = running {
        // What it has stored may be an hour behind what it knows.
        return match live.contact_age(zone.id()) {
            Some(age) if Span::seconds(age) <= OLD => {
                Found::Good(format!("{text}, contact {age} s ago"))
            }
            Some(age) => Found::bad(format!("{text}, last contact {age} s ago"), to_do),
            None => Found::missing(settles, format!("{text}, no contact yet"), to_do),
        };
    }
    // The later of both clocks: a wrong one must not make an old list look fresh.
    let age = stored.reading(sources).time.max(sources.wall) - zone.contact();
    if zone.contact() > Timestamp::MIN && age <= Span(Span::hours(1).0 + OLD.0) {
        return Found::Good(format!("{text}, contact {}", zone.contact()));
    }
    let contact = if zone.contact() > Timestamp::MIN {
        zone.contact().to_string()
    } else {
        "never".to_owned()
    };
    Found::bad(
        format!("{text}, last contact that was stored: {contact}"),
        to_do,
    )
}

async fn broker(paired: &Paired, running: Option<&Live>) -> Found {
    let url = &paired.pairing.broker;
    if let Some(live) = running {
        // A second connection in the agent's name would end the agent's own.
        return if live.connected() {
            Found::Good(format!("{url}, the running agent is connected"))
        } else {
            Found::missing(
                live.settles(),
                format!("{url}, the running agent is not connected"),
                "see the agent's log for the reason: journalctl -u door-agent",
            )
        };
    }
    let to_do =
        "check the network and whether the server runs; if the agent was revoked, pair it again";
    let target = match target(paired) {
        Ok(target) => target,
        Err(error) => return Found::bad(format!("{error:#}"), "pair this agent again"),
    };
    match timeout(BROKER_PATIENCE, probe(&target)).await {
        Ok(Ok(())) => Found::Good(format!("{url} lets this agent in")),
        Ok(Err(error)) => bad(&error, to_do),
        Err(_) => Found::bad(format!("{url} does not answer"), to_do),
    }
}

#[cfg(test)]
mod tests;
