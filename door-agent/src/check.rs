//! Looks at everything an agent needs, in turn, and says what to do about what is wrong.

use crate::agent::stored::Stored;
use crate::clock::SystemClock;
use crate::config::{Config, Door, Lock, Source};
use crate::control::{self, Ask};
use crate::disk::Directory;
use crate::event_loop::Doors;
use crate::identity::{self, Paired};
use crate::keeper::{Keeper, chain};
use crate::link::probe;
use crate::listeners;
use crate::run::target;
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
enum Found {
    Good(String),
    Bad { what: String, to_do: &'static str },
}

/// Prints one line for each part, and returns how many are wrong.
///
/// # Errors
/// If nothing can be printed.
pub async fn check(config: &Config, mut out: impl Write) -> io::Result<u32> {
    let mut wrong = 0;
    let mut tell = |name: &str, found: Found| -> io::Result<()> {
        match found {
            Found::Good(text) => writeln!(out, "ok    {name}: {text}"),
            Found::Bad { what, to_do } => {
                wrong += 1;
                writeln!(out, "WRONG {name}: {what}\n      {to_do}")
            }
        }
    };
    tell(
        "settings",
        Found::Good(format!("doors: {}", config.doors.len())),
    )?;
    let running = control::ask(&config.state_dir, &Ask::Status)
        .await
        .ok()
        .flatten();
    tell("state directory", state_dir(config, running.is_some()))?;
    for door in &config.doors {
        tell(
            &format!("reader of {}", door.id),
            reader(door, running.is_some()),
        )?;
        tell(
            &format!("lock of {}", door.id),
            lock(door, running.is_some()),
        )?;
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
                    list(&stored, door, sources),
                )?;
            }
            tell("broker", broker(&paired, running.as_deref()).await)?;
        }
    }
    Ok(wrong)
}

fn bad(error: &dyn std::error::Error, to_do: &'static str) -> Found {
    Found::Bad {
        what: chain(error),
        to_do,
    }
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
    Found::Bad {
        what: "a copy of `highest` or `state` is damaged or cannot be read; another one is used"
            .to_owned(),
        to_do: "check the card and replace it soon; what else cannot be read, the agent's log names",
    }
}

fn reader(door: &Door, running: bool) -> Found {
    const SERIAL: &str = "check cable and name; on a Raspberry Pi enable the serial port and disable its login shell in raspi-config";
    const SPI: &str = "enable SPI in raspi-config; the user of the agent must be in the group spi";
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
        Source::Wiegand { d0, d1, chip, .. } => match listeners::gpio_chip(chip) {
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
        return Found::Bad {
            what: format!("{} is not there", path.display()),
            to_do,
        };
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

fn lock(door: &Door, running: bool) -> Found {
    if running {
        return Found::Good("in use by the running agent".to_owned());
    }
    if let Lock::Simulated { output, .. } = &door.lock {
        return Found::Good(format!("simulated, {}", output.display()));
    }
    match Doors::open(std::slice::from_ref(door), &SystemClock::start()) {
        Ok(_) => Found::Good("at rest".to_owned()),
        Err(error) => bad(
            &error,
            "on a Raspberry Pi the user of the agent must be in the group gpio",
        ),
    }
}

fn clock(stored: &Stored, sources: shared::door_clock::Sources) -> Found {
    let reading = stored.reading(sources);
    match reading.quality {
        Quality::Trusted => Found::Good(format!("{}, synchronised", reading.time)),
        Quality::Untrusted => Found::Bad {
            what: format!(
                "not synchronised by systemd-timesyncd; until the server tells the time, dates are judged by {}",
                reading.time
            ),
            to_do: "enable it (`timedatectl set-ntp true`) or fit a battery clock; while the broker is connected nothing is lost",
        },
    }
}

fn list(stored: &Stored, door: &Door, sources: shared::door_clock::Sources) -> Found {
    let Some(zone) = stored.zone(&door.id) else {
        return Found::Bad {
            what: "the server has not assigned this door to a zone".to_owned(),
            to_do: "add a door of this name to the agent at the server (PUT /api/v1/doors/NAME)",
        };
    };
    let Some(list) = zone.list() else {
        return Found::Bad {
            what: format!("no list of zone {} yet", zone.id()),
            to_do: "run the agent while the broker can be reached",
        };
    };
    let text = format!(
        "zone {}, revision {}, cards: {}",
        zone.id(),
        list.revision(),
        list.len()
    );
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
    Found::Bad {
        what: format!("{text}, last contact that was stored: {contact}"),
        to_do: "see to the network or the server; the door goes on from this list",
    }
}

async fn broker(paired: &Paired, running: Option<&str>) -> Found {
    let url = &paired.pairing.broker;
    if let Some(status) = running {
        // A second connection in the agent's name would end the agent's own.
        return if status.contains("broker: connected") {
            Found::Good(format!("{url}, the running agent is connected"))
        } else {
            Found::Bad {
                what: format!("{url}, the running agent is not connected"),
                to_do: "see the agent's log for the reason",
            }
        };
    }
    let to_do =
        "check the network and whether the server runs; if the agent was revoked, pair it again";
    let target = match target(paired) {
        Ok(target) => target,
        Err(error) => {
            return Found::Bad {
                what: format!("{error:#}"),
                to_do: "pair this agent again",
            };
        }
    };
    match timeout(BROKER_PATIENCE, probe(&target)).await {
        Ok(Ok(())) => Found::Good(format!("{url} lets this agent in")),
        Ok(Err(error)) => bad(&error, to_do),
        Err(_) => Found::Bad {
            what: format!("{url} does not answer"),
            to_do,
        },
    }
}
