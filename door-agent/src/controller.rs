//! One door as a machine: what happened goes in with the time, what to do comes out.
//!
//! It opens nothing by itself and never waits. Whoever drives it calls [`Controller::handle`] with [`Input::Tick`] no
//! later than [`Controller::poll_timeout`].

use crate::readers::Key;
use presence::Presence;
use shared::badge::What;
use shared::card::{CardKey, CardToken, CardUid};
use shared::decide::{Decision, Knowledge, decide};
use shared::door_clock::Reading;
use shared::reasons::{Reason, Signal};
use shared::time::Span;

mod presence;

/// A card to be enrolled must be shown twice within this time.
pub const ENROL_TIME: Span = Span::seconds(20);
/// A door that stands open is told so anew at least every half of this: if nobody tells it, it closes.
const HOLD: Span = Span::minutes(1);
/// A lamp that asks for nothing more goes out after this time.
const SIGNAL_TIME: Span = Span::seconds(3);

/// What a door hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A reader saw a card; a resting card may be reported again and again.
    Card(CardUid),
    /// A key of the reader's keypad was pressed.
    Key(Key),
    /// The exit button was pressed or let go.
    Exit {
        /// True when it was pressed.
        pressed: bool,
    },
    /// The door contact says whether the door is open.
    Contact {
        /// True when open.
        open: bool,
    },
    /// A cover was opened or closed, the reader taken from the wall or put back.
    Tamper {
        /// True when opened or taken.
        on: bool,
    },
    /// The fire input changed.
    Fire {
        /// True when there is an alarm.
        on: bool,
    },
    /// The lock could not be driven, or can be again.
    LockFault {
        /// True when it could not.
        on: bool,
    },
    /// An admin releases the lock once.
    Unlock {
        /// The command's counter.
        counter: u64,
    },
    /// An admin wants the next card, shown twice, instead of having it judged.
    Enrol {
        /// The command's counter.
        counter: u64,
    },
    /// An admin looks for this door.
    Identify {
        /// The command's counter.
        counter: u64,
    },
    /// Somebody at the machine opens the door once, or ends that.
    Local {
        /// True to open.
        open: bool,
    },
    /// Time has passed, or the list or the policy is another.
    Tick,
}

/// What has to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Keep what happened, before anything that follows is done.
    Event(What),
    /// Release the lock, and let it rest at this uptime whatever else happens.
    Energise {
        /// When the lock is at rest again.
        until: Span,
    },
    /// Let the lock rest.
    Rest,
    /// Show this with lamp and buzzer.
    Signal(Signal),
    /// Switch what calls for help.
    Siren(bool),
    /// An enrolment ended, with the card that was shown twice or with none.
    Enrolled {
        /// The counter of the command that began it.
        counter: u64,
        /// The card; to be sealed at once.
        uid: Option<CardUid>,
    },
}

/// The time of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What decisions are judged by.
    pub reading: Reading,
    /// What deadlines are counted by.
    pub uptime: Span,
}

/// What a door knows of its zone.
#[derive(Debug, Clone, Copy, Default)]
pub struct View<'a> {
    /// The zone's card keys, the one in use first.
    pub keys: &'a [CardKey],
    /// List and policy; none: nothing that could be judged by.
    pub knowledge: Option<Knowledge<'a>>,
}

impl View<'_> {
    /// Judges a card; while a zone's key is being changed, the key under which the card is listed counts.
    #[must_use]
    pub fn judge(&self, uid: &CardUid, reading: Reading) -> (CardToken, Decision) {
        let tokens = || self.keys.iter().map(|key| CardToken::of(uid, key));
        let listed = |token: &CardToken| {
            self.knowledge
                .is_some_and(|known| known.list.find(*token).is_some())
        };
        match tokens().find(listed).or_else(|| tokens().next()) {
            Some(token) => (token, decide(token, None, self.knowledge, reading)),
            // Without a key no card can be told from another, whatever the list says.
            None => (
                CardToken([0; 8]),
                Decision {
                    reason: Reason::NoList,
                    holder: None,
                },
            ),
        }
    }

    fn is_held_open(&self, reading: Reading) -> Option<Span> {
        let policy = self.knowledge?.policy;
        let until = policy
            .hold_open_until
            .filter(|until| reading.time < *until && !policy.lockdown)?;
        Some(until - reading.time)
    }
}

/// What a door's lock and its contact are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long the lock is released at a time.
    pub unlock: Span,
    /// Whether the lock rests as soon as the contact says that the door has opened.
    pub until_open: bool,
    /// A door that is open for longer than this after it was released calls for help; none: it has no contact.
    pub held_open: Option<Span>,
}

impl Settings {
    /// A door without a contact.
    #[must_use]
    pub fn unlocking(unlock: Span) -> Self {
        Self {
            unlock,
            until_open: false,
            held_open: None,
        }
    }
}

/// One door: its lock, its lamp, the card on its reader.
#[derive(Debug)]
pub struct Controller {
    settings: Settings,
    presence: Presence,
    granted_until: Option<Span>,
    held: Option<Held>,
    released_until: Option<Span>,
    signal_until: Option<Span>,
    enrolment: Option<Enrolment>,
    open: Option<bool>,
}

/// A policy holds the door open.
#[derive(Debug, Clone, Copy)]
struct Held {
    until: Span,
    ask_again: Span,
}

#[derive(Debug)]
struct Enrolment {
    counter: u64,
    until: Span,
    first: Option<CardUid>,
}

impl Controller {
    /// A door at rest.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            presence: Presence::default(),
            granted_until: None,
            held: None,
            released_until: None,
            signal_until: None,
            enrolment: None,
            open: None,
        }
    }

    /// Hears an input and says what to do.
    pub fn handle(&mut self, input: Input, now: Moment, view: View<'_>) -> Vec<Command> {
        let mut out = Vec::new();
        self.end_what_is_over(now.uptime, &mut out);
        match input {
            Input::Card(uid) => self.card(uid, now, view, &mut out),
            Input::Key(_)
            | Input::Exit { pressed: false }
            | Input::Tamper { .. }
            | Input::Fire { .. }
            | Input::LockFault { .. } => {}
            Input::Exit { pressed: true } => {
                out.push(Command::Event(What::Exit));
                self.release(now.uptime);
                self.signal(Signal::Welcome, now.uptime, &mut out);
            }
            Input::Contact { open } => {
                if self.open != Some(open) {
                    self.open = Some(open);
                    out.push(Command::Event(What::Contact { open }));
                }
            }
            Input::Unlock { counter } => {
                out.push(Command::Event(What::Command {
                    counter,
                    done: true,
                }));
                self.release(now.uptime);
                self.signal(Signal::Welcome, now.uptime, &mut out);
            }
            Input::Enrol { counter } => {
                self.end_enrolment(None, now.uptime, &mut out);
                self.enrolment = Some(Enrolment {
                    counter,
                    until: now.uptime + ENROL_TIME,
                    first: None,
                });
                self.wait_for_card(&mut out);
            }
            Input::Identify { counter } => {
                out.push(Command::Event(What::Command {
                    counter,
                    done: true,
                }));
                self.signal(Signal::Identify, now.uptime, &mut out);
            }
            Input::Local { open } => {
                out.push(Command::Event(What::Local { opened: open }));
                self.granted_until = open.then(|| now.uptime + self.settings.unlock);
                let signal = if open { Signal::Welcome } else { Signal::Rest };
                self.signal(signal, now.uptime, &mut out);
            }
            Input::Tick => {}
        }
        self.drive(now, view, &mut out);
        out
    }

    /// The uptime by which [`Input::Tick`] is due; none: nothing is waited for.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Span> {
        let renew = self.held.map(|held| held.ask_again);
        let enrolment = self.enrolment.as_ref().map(|enrolment| enrolment.until);
        [self.granted_until, renew, self.signal_until, enrolment]
            .into_iter()
            .flatten()
            .min()
    }

    /// Until which uptime the lock is released; none: it rests.
    #[must_use]
    pub fn released_until(&self) -> Option<Span> {
        self.released_until
    }

    /// What the door contact said last; true when open.
    #[must_use]
    pub fn is_open(&self) -> Option<bool> {
        self.open
    }

    fn card(&mut self, uid: CardUid, now: Moment, view: View<'_>, out: &mut Vec<Command>) {
        if !self.presence.is_new(&uid, now.uptime) {
            return;
        }
        if let Some(enrolment) = &mut self.enrolment {
            if enrolment.first.replace(uid.clone()).as_ref() == Some(&uid) {
                self.end_enrolment(Some(uid), now.uptime, out);
            } else {
                self.wait_for_card(out);
            }
            return;
        }
        let (token, decision) = view.judge(&uid, now.reading);
        let known = view.knowledge;
        out.push(Command::Event(What::Card {
            token,
            holder: decision.holder,
            reason: decision.reason,
            list: known.map(|known| known.list.revision()),
            policy: known.map(|known| known.policy_revision),
            contact: known.map(|known| known.contact),
        }));
        if decision.grants() {
            self.release(now.uptime);
        }
        self.signal(decision.reason.signal(), now.uptime, out);
    }

    fn release(&mut self, uptime: Span) {
        self.granted_until = Some(uptime + self.settings.unlock);
    }

    fn signal(&mut self, signal: Signal, uptime: Span, out: &mut Vec<Command>) {
        self.signal_until = (signal != Signal::Rest).then(|| uptime + SIGNAL_TIME);
        out.push(Command::Signal(signal));
    }

    fn wait_for_card(&mut self, out: &mut Vec<Command>) {
        self.signal_until = None;
        out.push(Command::Signal(Signal::Waiting));
    }

    fn end_enrolment(&mut self, uid: Option<CardUid>, uptime: Span, out: &mut Vec<Command>) {
        let Some(Enrolment { counter, .. }) = self.enrolment.take() else {
            return;
        };
        let done = uid.is_some();
        out.push(Command::Event(What::Command { counter, done }));
        out.push(Command::Enrolled { counter, uid });
        self.signal(
            if done { Signal::Welcome } else { Signal::Rest },
            uptime,
            out,
        );
    }

    fn end_what_is_over(&mut self, uptime: Span, out: &mut Vec<Command>) {
        if self.granted_until.is_some_and(|until| until <= uptime) {
            self.granted_until = None;
        }
        if self
            .enrolment
            .as_ref()
            .is_some_and(|enrolment| enrolment.until <= uptime)
        {
            self.end_enrolment(None, uptime, out);
        }
        if self.signal_until.is_some_and(|until| until <= uptime) {
            self.signal_until = None;
            let rest = if self.enrolment.is_some() {
                Signal::Waiting
            } else {
                Signal::Rest
            };
            out.push(Command::Signal(rest));
        }
    }

    /// Drives the lock if it has to be driven otherwise than before; lamps come after the lock.
    fn drive(&mut self, now: Moment, view: View<'_>, out: &mut Vec<Command>) {
        self.held = match (view.is_held_open(now.reading), self.held) {
            (None, _) => None,
            (Some(_), Some(held)) if now.uptime < held.ask_again => Some(held),
            (Some(left), _) if left <= HOLD => Some(Held {
                until: now.uptime + left,
                ask_again: now.uptime + left,
            }),
            (Some(_), _) => Some(Held {
                until: now.uptime + HOLD,
                ask_again: now.uptime + Span(HOLD.0 / 2),
            }),
        };
        let wanted = self.granted_until.max(self.held.map(|held| held.until));
        if wanted == self.released_until {
            return;
        }
        self.released_until = wanted;
        let command = wanted.map_or(Command::Rest, |until| Command::Energise { until });
        let place = out
            .iter()
            .position(|command| matches!(command, Command::Signal(_)))
            .unwrap_or(out.len());
        out.insert(place, command);
    }
}

#[cfg(test)]
mod tests;
