//! The shell round the agent: the only place where it meets time, hardware, network and people.

use crate::agent::{Agent, Drive, Input, LocalDoor, Output};
use crate::clock::SystemClock;
use crate::config::{Door, Reader};
use crate::control::{Ask, Control, Question};
use crate::doors::Doors;
use crate::hardware::HardwareError;
use crate::hardware::sensors::LOOK;
use crate::keeper::chain;
use crate::link::{Incoming, Link, Message, Outgoing};
use crate::listeners::{self, Heard, Listeners};
use crate::notify::Manager;
use crate::reload::{Change, Settings};
use shared::ids::DoorId;
use std::io;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};

/// Everything the agent runs with.
pub struct Shell {
    // First, so that on a panic they are dropped first: a lock that is released must not wait for the agent's disk.
    /// Its doors, at rest.
    pub doors: Doors,
    /// The agent, started.
    pub agent: Agent,
    /// The clocks it was started by.
    pub clock: SystemClock,
    /// The settings it was started with.
    pub settings: Settings,
    /// Who listens at the readers.
    pub listeners: Listeners,
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

impl Shell {
    /// Runs until the system or the server asks for the end; then every lock is at rest.
    ///
    /// # Errors
    /// If the system's signals cannot be heard.
    pub async fn run(mut self) -> io::Result<End> {
        let (mut terminate, mut interrupt, mut hangup) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        );
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut beats = self.manager.every().map(tokio::time::interval);
        self.manager.ready();
        loop {
            // 1. Do what the agent says.
            if let Some(end) = self.carry_out() {
                return Ok(self.stop(end));
            }
            // 2. Set the timer anew, after everything that may have moved it.
            let agent = self.agent.poll_timeout();
            let due = self
                .doors
                .poll_timeout()
                .map_or(agent, |doors| agent.min(doors));
            let due = self.clock.instant(due).into();
            tokio::select! {
                biased;
                // Whoever watches sees the loop itself turn, and no crowd at the doors hides it.
                () = beat(&mut beats) => self.manager.beat(),
                // 3. Hear the doors: a person is waiting. The inputs first: no crowd at a reader hides a button.
                _ = looks.tick(), if self.doors.has_inputs() => self.look(),
                () = std::future::ready(()), if self.doors.has_faults() => self.tell_faults(),
                Some(heard) = self.heard.recv() => self.heard(heard),
                // 4. Deadlines: a lock has to rest.
                () = until(due) => self.handle(Input::Tick),
                // 5. The disk, and people at the machine.
                () = self.disk.notified() => self.handle(Input::Tick),
                Some(question) = self.control.questions.recv() => self.answer(question),
                // 6. The system; before the link, which may never be silent.
                _ = terminate.recv() => return Ok(self.stop(End::Stopped)),
                _ = interrupt.recv() => return Ok(self.stop(End::Stopped)),
                _ = hangup.recv() => self.reload().await,
                // 7. The link.
                Some(incoming) = self.link.incoming.recv() => self.incoming(incoming),
            }
        }
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

    fn tell_faults(&mut self) {
        for input in self.doors.faults() {
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
        if !self.doors.has(&door) {
            return format!("this agent has no door `{door}`");
        }
        let text = if self.doors.is_missing(&door) {
            format!("the hardware of door {door} cannot be used: `door-agent check` tells why")
        } else if open {
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
                    self.drive(&door, drive);
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
        self.doors.go_on(self.clock.read());
        end
    }

    fn drive(&mut self, door: &DoorId, drive: Drive) {
        if let Err(error) = self.doors.drive(door, drive, self.clock.read()) {
            tracing::error!(door.id = %door, reason = %chain(&error), "the door did not do what it was told");
        }
    }

    fn stop(mut self, end: End) -> End {
        self.manager.stopping();
        self.agent.stop(self.clock.read());
        self.carry_out();
        self.settings.dismiss();
        end
    }

    /// Takes over the settings that are in the file now, or says why not, and looks for hardware that was not there.
    async fn reload(&mut self) {
        self.take_settings().await;
        self.doors.look_for_missing(self.clock.read());
    }

    async fn take_settings(&mut self) {
        let offer = match self.settings.read() {
            Ok(offer) => offer,
            Err(error) => {
                tracing::error!(reason = %chain(&error), "the settings stay as they were");
                return;
            }
        };
        let (old, new) = (self.settings.config().clone(), offer.config.clone());
        let Change { closed, opened } = Change::between(&old.doors, &new.doors);
        // What goes gives up its lines before anything else asks for them.
        let stays = |reader: &(DoorId, Reader)| new.readers().any(|other| other == *reader);
        self.listeners.follow(old.readers().filter(stays)).await;
        for door in &closed {
            self.doors.remove(&door.id);
            self.agent.close_door(&door.id, self.clock.read());
        }
        let Err(error) = self.open(&opened) else {
            self.listeners.follow(new.readers()).await;
            self.agent.set_shadow(new.shadow, self.clock.read());
            self.settings.take(offer);
            tracing::info!(doors = new.doors.len(), "the settings were read anew");
            return;
        };
        tracing::error!(reason = %chain(&error), "the settings stay as they were: a door cannot be used");
        offer.decline();
        let now = self.clock.read();
        // One that cannot be used any more is told by itself.
        drop(self.doors.add_what_is_there(closed.iter().copied(), now));
        self.tell_agent(&closed);
        self.listeners.follow(old.readers()).await;
    }

    fn open(&mut self, doors: &[&Door]) -> Result<(), HardwareError> {
        let now = self.clock.read();
        self.doors.add(doors.iter().copied(), now)?;
        self.tell_agent(doors);
        Ok(())
    }

    fn tell_agent(&mut self, opened: &[&Door]) {
        let now = self.clock.read();
        for door in opened {
            self.agent.open_door(LocalDoor::from(*door), now);
        }
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
mod tests;
