//! What the server tells the agent to do once.

use super::{Agent, Output};
use crate::controller;
use shared::badge::What;
use shared::card::CardUid;
use shared::door_clock::{Quality, Sources};
use shared::ids::DoorId;
use shared::time::{Span, Timestamp};
use shared::wire::messages::COMMAND_LIFE;
use shared::wire::topics::Channel;
use shared::wire::{Action, Command, CommandResult, ENROL_PURPOSE, Kind, Outcome, RefusedWhy};

/// How far the commands have come.
#[derive(Debug)]
pub(super) struct Commands {
    counter: u64,
}

impl Commands {
    pub fn after(counter: u64) -> Self {
        Self { counter }
    }

    pub fn counter(&self) -> u64 {
        self.counter
    }
}

/// Clocks that are synchronised differ by no more than this.
const APART: Span = Span::minutes(1);

impl Agent {
    pub(super) fn command(&mut self, command: Command, sources: Sources) -> Result<(), RefusedWhy> {
        let Command {
            boot,
            counter,
            issued_at,
            action,
        } = command;
        if boot != self.boot || counter <= self.commands.counter {
            return Err(RefusedWhy::Expired);
        }
        self.hear_time(issued_at, sources)?;
        self.commands.counter = counter;
        // A disk that fails does not stop the command: within this boot the counter in memory serves as well, and no
        // command outlives a boot.
        self.keep_marks(sources);
        let reading = self.clock.read(sources);
        // By the floor alone, whoever owns the broker could keep a command for hours.
        let is_late =
            reading.quality == Quality::Trusted && reading.time > issued_at + COMMAND_LIFE + APART;
        if is_late || self.clock.floor(sources.uptime) > issued_at + COMMAND_LIFE {
            self.refuse_command(counter, None, "it came too late", sources);
            return Err(RefusedWhy::Expired);
        }
        self.obey(counter, action, sources)
    }

    fn obey(&mut self, counter: u64, action: Action, sources: Sources) -> Result<(), RefusedWhy> {
        match action {
            Action::Unlock { door } => {
                self.known_door(counter, &door, sources)?;
                if self.clock.read(sources).quality == Quality::Untrusted {
                    self.refuse_command(
                        counter,
                        Some(&door),
                        "the door's clock cannot be relied on",
                        sources,
                    );
                    return Ok(());
                }
                self.door(&door, controller::Input::Unlock { counter }, sources);
                self.result(counter, Outcome::Done);
            }
            Action::Enrol { door } => {
                self.known_door(counter, &door, sources)?;
                if !self.doors.get(&door).is_some_and(|door| door.enrols) {
                    self.refuse_command(
                        counter,
                        Some(&door),
                        "the door is not marked for enrolment",
                        sources,
                    );
                    return Ok(());
                }
                self.door(&door, controller::Input::Enrol { counter }, sources);
            }
            Action::Identify { door } => {
                self.known_door(counter, &door, sources)?;
                self.door(&door, controller::Input::Identify { counter }, sources);
                self.result(counter, Outcome::Done);
            }
            Action::Diagnostics => {
                let text = self.diagnostics(sources);
                self.log_event(
                    None,
                    What::Command {
                        counter,
                        done: true,
                    },
                    sources,
                );
                self.result(counter, Outcome::Diagnostics { text });
            }
            Action::Restart => {
                self.log_event(
                    None,
                    What::Command {
                        counter,
                        done: true,
                    },
                    sources,
                );
                self.result(counter, Outcome::Done);
                self.out.push_back(Output::Restart);
            }
        }
        Ok(())
    }

    /// An enrolment ended; the card leaves the agent only sealed to the server.
    pub(super) fn enrolled(&mut self, counter: u64, uid: Option<&CardUid>) {
        let outcome = match uid {
            None => Outcome::NoCard,
            Some(uid) => {
                match self.config.config.sealing.seal(
                    ENROL_PURPOSE,
                    uid.as_bytes(),
                    &mut self.random,
                ) {
                    Ok(sealed_uid) => Outcome::Enrolled { sealed_uid },
                    Err(error) => Outcome::Refused {
                        why: format!("the card cannot be sealed to the server: {error}"),
                    },
                }
            }
        };
        self.result(counter, outcome);
    }

    fn known_door(
        &mut self,
        counter: u64,
        door: &DoorId,
        sources: Sources,
    ) -> Result<(), RefusedWhy> {
        if self.doors.contains_key(door) {
            return Ok(());
        }
        self.refuse_command(counter, None, "this agent has no such door", sources);
        Err(RefusedWhy::NotOurs)
    }

    fn refuse_command(&mut self, counter: u64, door: Option<&DoorId>, why: &str, sources: Sources) {
        self.log_event(
            door,
            What::Command {
                counter,
                done: false,
            },
            sources,
        );
        self.result(
            counter,
            Outcome::Refused {
                why: why.to_owned(),
            },
        );
    }

    fn result(&mut self, counter: u64, outcome: Outcome) {
        let result = CommandResult {
            boot: self.boot,
            counter,
            outcome,
        };
        self.publish(Channel::Result, Kind::Result, &result);
    }

    /// The agent about itself, for staff: lines of text without a name or a card in them.
    #[must_use]
    pub fn diagnostics(&self, sources: Sources) -> String {
        let reading = self.clock.read(sources);
        let seconds = sources.uptime.0 / 1000;
        let mut lines = vec![
            format!(
                "door-agent {}, running for {seconds} s, boot {}",
                env!("CARGO_PKG_VERSION"),
                self.boot
            ),
            format!("time {} ({:?})", reading.time, reading.quality),
            format!("configuration {}", self.config.config.revision),
            format!("{} events wait in the spool", self.spool.waiting()),
            format!(
                "broker: {}",
                if self.connected {
                    "connected"
                } else {
                    "not connected"
                }
            ),
        ];
        for zone in self.zones.values() {
            let list = zone.list().map_or("no list".to_owned(), |list| {
                format!("list {} with {} cards", list.revision(), list.len())
            });
            let kept = zone
                .kept()
                .map_or(String::new(), |kept| format!(", {kept:?}"));
            let contact = if zone.contact() > Timestamp::MIN {
                let age = (reading.time - zone.contact()).0 / 1000;
                format!("last contact {age} s ago")
            } else {
                "no contact yet".to_owned()
            };
            lines.push(format!("zone {}: {list}{kept}, {contact}", zone.id()));
        }
        for (id, door) in &self.doors {
            let zone = door.zone.as_ref().map_or("no zone", |zone| zone.as_str());
            let reader = if self.readerless.contains_key(id) {
                ", its reader does not answer"
            } else {
                ""
            };
            lines.push(format!("door {id}: {zone}{reader}"));
        }
        lines.join("\n")
    }
}
