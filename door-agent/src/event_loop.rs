//! The shell round the agent: the only place where it meets time, hardware, network and people.

use crate::agent::{Agent, Drive, Input, Output};
use crate::clock::SystemClock;
use crate::config::Door;
use crate::control::{Ask, Control, Question};
use crate::hardware::{self, Hardware, HardwareError};
use crate::link::{Incoming, Link, Message, Outgoing};
use crate::listeners::{self, Heard};
use crate::notify::Manager;
use shared::ids::DoorId;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};

/// Exit buttons and door contacts are looked at so often; what they say twice in a row counts.
const LOOK: Duration = Duration::from_millis(20);

/// Everything the agent runs with.
pub struct Shell {
    /// The agent, started.
    pub agent: Agent,
    /// The clocks it was started by.
    pub clock: SystemClock,
    /// Its doors, at rest.
    pub doors: Doors,
    /// What the readers say.
    pub heard: mpsc::Receiver<Heard>,
    /// What people at the machine ask.
    pub control: Control,
    /// The broker.
    pub link: Link,
    /// Rings when the disk has done something.
    pub disk: Arc<Notify>,
    /// Who started the agent and watches it.
    pub manager: Manager,
}

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The system asked for it.
    Stopped,
    /// The server asked for it: start again.
    Restart,
}

/// The hardware of all doors; every lock is at rest when this is made, and when it is dropped.
pub struct Doors {
    doors: BTreeMap<DoorId, Wired>,
}

struct Wired {
    hardware: Box<dyn Hardware>,
    exit: Steady,
    contact: Steady,
}

/// An input that counts when it says the same twice.
#[derive(Debug, Default)]
struct Steady {
    seen: Option<bool>,
    counts: Option<bool>,
}

impl Steady {
    /// What it says now, if that is new.
    fn look(&mut self, now: Option<bool>) -> Option<bool> {
        let steady = now.filter(|_| self.seen == now);
        self.seen = now;
        if steady.is_none() || self.counts == steady {
            return None;
        }
        self.counts = steady;
        steady
    }
}

impl Doors {
    /// Opens the hardware that the settings name.
    ///
    /// # Errors
    /// If some of it is not there.
    pub fn open(doors: &[Door], clock: &SystemClock) -> Result<Self, HardwareError> {
        let open = |door: &Door| {
            let hardware = hardware::open(door, clock.read().wall)?;
            let wired = Wired {
                hardware,
                exit: Steady::default(),
                contact: Steady::default(),
            };
            Ok::<_, HardwareError>((door.id.clone(), wired))
        };
        Ok(Self {
            doors: doors.iter().map(open).collect::<Result<_, _>>()?,
        })
    }

    /// Does something at a door; what the hardware refuses is logged, and the next command tries anew.
    pub fn drive(&mut self, id: &DoorId, drive: Drive, clock: &SystemClock) {
        let Some(door) = self.doors.get_mut(id) else {
            return;
        };
        let at = clock.read().wall;
        let done = match drive {
            Drive::Energise { .. } => door.hardware.energise(at),
            Drive::Rest => door.hardware.rest(at),
            Drive::Signal(signal) => door.hardware.signal(signal, at),
            Drive::Siren(_) => Ok(()),
        };
        if let Err(error) = done {
            tracing::error!(door.id = %id, reason = %crate::keeper::chain(&error), "the door did not do what it was told");
        }
    }

    fn has_inputs(&mut self) -> bool {
        self.doors
            .values_mut()
            .any(|door| door.hardware.inputs() != (None, None))
    }

    fn look(&mut self) -> Vec<Input> {
        let mut heard = Vec::new();
        for (id, door) in &mut self.doors {
            let (exit, contact) = door.hardware.inputs();
            if let Some(pressed) = door.exit.look(exit) {
                heard.push(Input::Exit {
                    door: id.clone(),
                    pressed,
                });
            }
            if let Some(open) = door.contact.look(contact) {
                heard.push(Input::Contact {
                    door: id.clone(),
                    open,
                });
            }
        }
        heard
    }
}

impl Shell {
    /// Runs until the system or the server asks for the end; then every lock is at rest.
    ///
    /// # Errors
    /// If the system's signals cannot be heard.
    pub async fn run(mut self) -> io::Result<End> {
        let (mut terminate, mut interrupt) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let has_inputs = self.doors.has_inputs();
        let mut beats = self.manager.every().map(tokio::time::interval);
        self.manager.ready();
        loop {
            // 1. Do what the agent says.
            if self.carry_out() == Some(End::Restart) {
                self.stop();
                return Ok(End::Restart);
            }
            // 2. Set the timer anew, after everything that may have moved it.
            let due = self.clock.instant(self.agent.poll_timeout()).into();
            tokio::select! {
                biased;
                // Whoever watches sees the loop itself turn, and no crowd at the doors hides it.
                () = beat(&mut beats) => self.manager.beat(),
                // 3. Hear the doors: a person is waiting.
                Some(heard) = self.heard.recv() => self.heard(heard),
                _ = looks.tick(), if has_inputs => self.look(),
                // 4. Deadlines: a lock has to rest.
                () = until(due) => self.handle(Input::Tick),
                // 5. The disk, and people at the machine.
                () = self.disk.notified() => self.handle(Input::Tick),
                Some(question) = self.control.questions.recv() => self.answer(question),
                // 6. The system; before the link, which may never be silent.
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                // 7. The link.
                Some(incoming) = self.link.incoming.recv() => self.incoming(incoming),
            }
        }
        self.stop();
        Ok(End::Stopped)
    }

    fn handle(&mut self, input: Input) {
        self.agent.handle(input, self.clock.read());
    }

    fn heard(&mut self, heard: Heard) {
        if let Some(input) = listeners::logged(heard) {
            self.handle(input);
        }
    }

    fn look(&mut self) {
        for input in self.doors.look() {
            self.handle(input);
        }
    }

    fn incoming(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected => {
                tracing::info!("connected to the broker");
                self.manager.status("connected to the broker");
                self.handle(Input::Connected);
            }
            Incoming::Disconnected(reason) => {
                tracing::warn!(%reason, "no connection to the broker: the doors go on from their lists");
                self.manager
                    .status("no connection to the broker: the doors go on from their lists");
                self.handle(Input::Disconnected);
            }
            Incoming::Message(Message { topic, payload, .. }) => {
                self.handle(Input::Message { topic, payload })
            }
        }
    }

    fn answer(&mut self, question: Question) {
        let text = match question.ask {
            Ask::Open(door) => self.local(door, true),
            Ask::Release(door) => self.local(door, false),
            Ask::Status => self.agent.diagnostics(self.clock.read()),
        };
        // Whoever asked may be gone.
        drop(question.answer.send(text));
    }

    fn local(&mut self, door: DoorId, open: bool) -> String {
        if !self.doors.doors.contains_key(&door) {
            return format!("this agent has no door `{door}`");
        }
        let text = if open {
            format!("door {door} is open")
        } else {
            format!("door {door} rests")
        };
        self.handle(Input::Local { door, open });
        text
    }

    fn carry_out(&mut self) -> Option<End> {
        let mut end = None;
        while let Some(output) = self.agent.next_output() {
            let outgoing = match output {
                Output::Drive { door, drive } => {
                    self.doors.drive(&door, drive, &self.clock);
                    continue;
                }
                Output::Restart => {
                    end = Some(End::Restart);
                    continue;
                }
                Output::Publish {
                    topic,
                    payload,
                    retain,
                } => Outgoing::Publish(Message {
                    topic,
                    payload,
                    retain,
                }),
                Output::Subscribe(topics) => Outgoing::Subscribe(topics),
                Output::Unsubscribe(topics) => Outgoing::Unsubscribe(topics),
            };
            if self.link.outgoing.try_send(outgoing).is_err() {
                tracing::warn!(
                    "the broker does not take messages as fast as they come; they are sent again later"
                );
            }
        }
        end
    }

    fn stop(&mut self) {
        self.manager.stopping();
        self.agent.stop(self.clock.read());
        self.carry_out();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the named place where the agent waits"
)]
async fn until(due: tokio::time::Instant) {
    tokio::time::sleep_until(due).await;
}

async fn beat(beats: &mut Option<tokio::time::Interval>) {
    match beats {
        Some(beats) => drop(beats.tick().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_counts_when_it_says_the_same_twice_and_only_when_it_changes() {
        let mut steady = Steady::default();
        let looks = [
            None,
            Some(false),
            Some(true),
            Some(false),
            Some(false),
            Some(true),
            Some(true),
            Some(true),
        ];
        let counts = looks.map(|now| steady.look(now));
        assert_eq!(
            counts,
            [None, None, None, None, Some(false), None, Some(true), None]
        );
    }
}
