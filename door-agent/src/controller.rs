//! One door as a machine: what happened goes in with the time, what to do comes out.
//!
//! It opens nothing by itself and never waits. Whoever drives it calls [`Controller::handle`] with [`Input::Tick`] no
//! later than [`Controller::poll_timeout`].

use crate::readers::Key;
use guessing::{Admitted, Guard};
use held::Held;
use passages::Passages;
use pins::{Pins, Typed};
use presence::Presence;
use refusals::Refusals;
use shared::badge::{Alarm, What};
use shared::card::{CardKey, CardToken, CardUid};
use shared::decide::{Decision, Knowledge, decide};
use shared::door_clock::Reading;
use shared::pin::{Pin, PinVerifier};
use shared::reasons::{Reason, Signal};
use shared::time::Span;
use std::collections::BTreeSet;
use watch::{Lock, Watch};

mod guessing;
mod held;
mod passages;
mod pins;
mod presence;
mod refusals;
mod watch;

/// A card to be enrolled must be shown twice within this time.
pub const ENROL_TIME: Span = Span::seconds(20);
/// A lamp that asks for nothing more goes out after this time.
const SIGNAL_TIME: Span = Span::seconds(3);
/// A key ticks for this time.
const KEY_TIME: Span = Span(100);

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
    /// A card that passes again within this time is marked; none: never.
    pub again_within: Option<Span>,
}

impl View<'_> {
    /// Judges a card and what was typed after it; while a zone's key is being changed, the key under which the card is
    /// listed counts.
    #[must_use]
    pub fn judge(
        &self,
        uid: &CardUid,
        pin: Option<&Pin>,
        reading: Reading,
    ) -> (CardToken, Decision) {
        let tokens = || self.keys.iter().map(|key| (key, CardToken::of(uid, key)));
        let listed = |(_, token): &(&CardKey, CardToken)| {
            self.knowledge
                .is_some_and(|known| known.list.find(*token).is_some())
        };
        match tokens().find(listed).or_else(|| tokens().next()) {
            Some((key, token)) => {
                let typed = pin.map(|pin| PinVerifier::of(pin, token, key));
                (token, decide(token, typed, self.knowledge, reading))
            }
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
}

/// What a door's lock and its contact are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long the lock is released at a time.
    pub unlock: Span,
    /// Whether the lock rests as soon as the contact says that the door has opened.
    pub until_open: bool,
    /// People are asked to close a door that is open for longer than this after it was released, and after the same time
    /// again it calls for help; none: it has no contact.
    pub held_open: Option<Span>,
    /// Whether a door that opens unreleased was forced: everybody who leaves presses a button that is heard.
    pub forced: bool,
}

impl Settings {
    /// A door without a contact.
    #[must_use]
    pub fn unlocking(unlock: Span) -> Self {
        Self {
            unlock,
            until_open: false,
            held_open: None,
            forced: false,
        }
    }
}

/// What a door is like now, in one word for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// At rest, and not known to be open.
    Closed,
    /// The lock is released for somebody.
    Released,
    /// Open, as it should be for a moment.
    Open,
    /// The zone's policy holds the lock open.
    Propped,
    /// Open for too long.
    HeldOpen,
    /// Opened though nothing had released it.
    ForcedOpen,
    /// The lock does not do what it is told.
    LockFault,
}

/// One door: its lock, its lamp, the card on its reader.
#[derive(Debug)]
pub struct Controller {
    settings: Settings,
    presence: Presence,
    guard: Guard,
    refusals: Refusals,
    pins: Pins,
    passages: Passages,
    watch: Watch,
    held: Held,
    granted_until: Option<Span>,
    released_until: Option<Span>,
    shown: Shown,
    alarms: BTreeSet<Alarm>,
    is_loud: bool,
    enrolment: Option<Enrolment>,
}

/// What the lamp shows, and until when; without an end it is what the door's state asks for.
#[derive(Debug)]
struct Shown {
    signal: Signal,
    until: Option<Span>,
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
            guard: Guard::default(),
            refusals: Refusals::default(),
            pins: Pins::default(),
            passages: Passages::default(),
            watch: Watch::default(),
            held: Held::default(),
            granted_until: None,
            released_until: None,
            shown: Shown {
                signal: Signal::Rest,
                until: None,
            },
            alarms: BTreeSet::new(),
            is_loud: false,
            enrolment: None,
        }
    }

    /// Hears an input and says what to do.
    pub fn handle(&mut self, input: Input, now: Moment, view: View<'_>) -> Vec<Command> {
        let mut out = Vec::new();
        self.end_what_is_over(now, view, &mut out);
        match input {
            Input::Card(uid) => self.card(uid, now, view, &mut out),
            Input::Key(key) => {
                let typed = self.pins.key(key, now.uptime);
                self.typed(typed, now, view, &mut out);
            }
            Input::Exit { pressed } => {
                if self.watch.button(pressed, now.uptime) {
                    out.push(Command::Event(What::Exit));
                    self.release(now.uptime);
                    self.show(Signal::Welcome, now.uptime, &mut out);
                }
            }
            Input::Contact { open } => {
                let lock = self.lock();
                if self.watch.contact(open, lock, self.settings, now.uptime) {
                    out.push(Command::Event(What::Contact { open }));
                    if open && self.settings.until_open {
                        self.granted_until = None;
                    }
                }
            }
            Input::Tamper { on } => self.watch.set(Alarm::Tamper, on),
            Input::Fire { on } => self.watch.fire(on, self.lock(), now.uptime),
            Input::LockFault { on } => self.watch.set(Alarm::LockFault, on),
            Input::Unlock { counter } => {
                self.done(counter, true, &mut out);
                self.release(now.uptime);
                self.show(Signal::Welcome, now.uptime, &mut out);
            }
            Input::Enrol { counter } => {
                if let Some(left) = self.pins.leave() {
                    let (token, decision) = view.judge(&left, None, now.reading);
                    out.push(told(token, decision, view));
                }
                self.end_enrolment(None, now.uptime, &mut out);
                self.enrolment = Some(Enrolment {
                    counter,
                    until: now.uptime + ENROL_TIME,
                    first: None,
                });
                self.show_waiting(&mut out);
            }
            Input::Identify { counter } => {
                self.done(counter, true, &mut out);
                self.show(Signal::Identify, now.uptime, &mut out);
            }
            Input::Local { open } => {
                out.push(Command::Event(What::Local { opened: open }));
                self.granted_until = open.then(|| now.uptime + self.settings.unlock);
                let signal = if open { Signal::Welcome } else { Signal::Rest };
                self.show(signal, now.uptime, &mut out);
            }
            Input::Tick => {}
        }
        self.drive(now, view, &mut out);
        self.raise(now.uptime, &mut out);
        out
    }

    /// What is still to be told of unknown cards, and that alarms are over of which nobody will know any more; the door
    /// ends.
    pub fn end(&mut self, uptime: Span) -> Vec<What> {
        let alarms = std::mem::take(&mut self.alarms).into_iter();
        let over = alarms.map(|alarm| What::Alarm { alarm, on: false });
        self.refusals
            .tell_all(uptime)
            .into_iter()
            .chain(over)
            .collect()
    }

    /// The uptime by which [`Input::Tick`] is due; none: nothing is waited for.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Span> {
        [
            self.granted_until,
            self.held.due(),
            self.shown.until,
            self.enrolment.as_ref().map(|enrolment| enrolment.until),
            self.guard.due(),
            self.refusals.due(),
            self.pins.due(),
            self.watch.due(self.settings),
        ]
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
        self.watch.is_open()
    }

    /// What wants a human.
    #[must_use]
    pub fn alarms(&self) -> &BTreeSet<Alarm> {
        &self.alarms
    }

    /// What the door is like, in one word.
    #[must_use]
    pub fn state(&self) -> State {
        if self.alarms.contains(&Alarm::LockFault) {
            State::LockFault
        } else if self.alarms.contains(&Alarm::Forced) {
            State::ForcedOpen
        } else if self.alarms.contains(&Alarm::HeldOpen) {
            State::HeldOpen
        } else if self.lock() == Lock::Propped {
            State::Propped
        } else if self.is_open() == Some(true) {
            State::Open
        } else if self.lock() == Lock::Released {
            State::Released
        } else {
            State::Closed
        }
    }

    fn lock(&self) -> Lock {
        if self.held.until().is_some() {
            Lock::Propped
        } else if self.released_until.is_some() {
            Lock::Released
        } else {
            Lock::Resting
        }
    }

    fn card(&mut self, uid: CardUid, now: Moment, view: View<'_>, out: &mut Vec<Command>) {
        if !self.presence.is_new(&uid, now.uptime) {
            return;
        }
        if let Some(enrolment) = &mut self.enrolment {
            if enrolment.first.replace(uid.clone()).as_ref() == Some(&uid) {
                self.end_enrolment(Some(uid), now.uptime, out);
            } else {
                self.show_waiting(out);
            }
            return;
        }
        match self.guard.admit(uid, now.uptime) {
            Admitted::Now(uid) => self.judge(uid, now, view, out),
            Admitted::Waits(Some(given_way)) => self.presence.forget(&given_way),
            Admitted::Waits(None) => {}
        }
    }

    fn judge(&mut self, uid: CardUid, now: Moment, view: View<'_>, out: &mut Vec<Command>) {
        if let Some(left) = self.pins.leave() {
            let (token, decision) = view.judge(&left, None, now.reading);
            out.push(told(token, decision, view));
        }
        let (token, mut decision) = view.judge(&uid, None, now.reading);
        if decision.reason == Reason::PinNeeded {
            if !self.pins.is_locked(token, now.uptime) {
                self.pins.begin(uid, now.uptime);
                self.show_waiting(out);
                return;
            }
            decision.reason = Reason::PinLocked;
        }
        self.decided(token, decision, now, view, out);
    }

    fn typed(&mut self, typed: Typed, now: Moment, view: View<'_>, out: &mut Vec<Command>) {
        let (uid, pin) = match typed {
            Typed::Nothing => return,
            Typed::Key => {
                self.shown = Shown {
                    signal: Signal::Key,
                    until: Some(now.uptime + KEY_TIME),
                };
                out.push(Command::Signal(Signal::Key));
                return;
            }
            Typed::All(uid, pin) => (uid, pin),
        };
        let (token, mut decision) = view.judge(&uid, pin.as_ref(), now.reading);
        // What cannot be a PIN is no guess.
        if decision.reason == Reason::WrongPin {
            self.pins.was_wrong(token, now.uptime);
        } else if decision.grants() {
            self.pins.was_right(token);
        }
        if decision.reason == Reason::WrongPin && self.pins.is_locked(token, now.uptime) {
            decision.reason = Reason::PinLocked;
        }
        self.decided(token, decision, now, view, out);
    }

    fn decided(
        &mut self,
        token: CardToken,
        mut decision: Decision,
        now: Moment,
        view: View<'_>,
        out: &mut Vec<Command>,
    ) {
        if decision.grants() {
            let again = self.passages.again(token, view.again_within, now.uptime);
            if again && decision.reason == Reason::Granted {
                decision.reason = Reason::GrantedAgain;
            }
            // In an open house a stranger passes.
            if decision.reason != Reason::OpenHouse {
                self.held.passed(now, view);
            }
            self.release(now.uptime);
        }
        let mut is_told = true;
        if decision.may_be_guessed() {
            self.guard.unknown(token, now.uptime);
            let (repeats, untold) = self.refusals.repeats(token, now.reading.time, now.uptime);
            out.extend(untold.map(Command::Event));
            is_told = !repeats;
        }
        if is_told {
            out.push(told(token, decision, view));
        }
        // No PIN came, and none is waited for any more.
        let signal = if decision.reason == Reason::PinNeeded {
            Signal::Refused
        } else {
            decision.reason.signal()
        };
        self.show(signal, now.uptime, out);
    }

    fn release(&mut self, uptime: Span) {
        self.granted_until = Some(uptime + self.settings.unlock);
        self.watch.let_in(uptime);
    }

    fn done(&self, counter: u64, done: bool, out: &mut Vec<Command>) {
        out.push(Command::Event(What::Command { counter, done }));
    }

    fn show(&mut self, signal: Signal, uptime: Span, out: &mut Vec<Command>) {
        let until = (signal != Signal::Rest).then(|| uptime + SIGNAL_TIME);
        self.shown = Shown { signal, until };
        out.push(Command::Signal(signal));
    }

    fn show_waiting(&mut self, out: &mut Vec<Command>) {
        self.shown = Shown {
            signal: Signal::Waiting,
            until: None,
        };
        out.push(Command::Signal(Signal::Waiting));
    }

    fn end_enrolment(&mut self, uid: Option<CardUid>, uptime: Span, out: &mut Vec<Command>) {
        let Some(Enrolment { counter, .. }) = self.enrolment.take() else {
            return;
        };
        let done = uid.is_some();
        self.done(counter, done, out);
        out.push(Command::Enrolled { counter, uid });
        self.show(
            if done { Signal::Welcome } else { Signal::Rest },
            uptime,
            out,
        );
    }

    fn end_what_is_over(&mut self, now: Moment, view: View<'_>, out: &mut Vec<Command>) {
        if self.granted_until.is_some_and(|until| until <= now.uptime) {
            self.granted_until = None;
        }
        if self
            .enrolment
            .as_ref()
            .is_some_and(|enrolment| enrolment.until <= now.uptime)
        {
            self.end_enrolment(None, now.uptime, out);
        }
        out.extend(
            self.refusals
                .tell(now.uptime)
                .into_iter()
                .map(Command::Event),
        );
        if let Some(uid) = self.guard.next(now.uptime) {
            self.judge(uid, now, view, out);
        }
        let typed = self.pins.over(now.uptime);
        self.typed(typed, now, view, out);
        self.watch.tick(self.settings, now.uptime);
    }

    /// Drives the lock if it has to be driven otherwise than before; lamps come after the lock.
    fn drive(&mut self, now: Moment, view: View<'_>, out: &mut Vec<Command>) {
        let before = self.lock();
        self.held.look(now, view);
        let wanted = self.granted_until.max(self.held.until());
        if wanted != self.released_until {
            self.released_until = wanted;
            let command = wanted.map_or(Command::Rest, |until| Command::Energise { until });
            let place = out
                .iter()
                .position(|command| matches!(command, Command::Signal(_)))
                .unwrap_or(out.len());
            out.insert(place, command);
        }
        if self.lock() != before {
            self.watch.lock(self.lock(), now.uptime);
        }
    }

    /// Tells which alarms are new or over, and shows what the door's state asks for when nothing else is shown.
    fn raise(&mut self, uptime: Span, out: &mut Vec<Command>) {
        let mut alarms = self.watch.alarms().clone();
        if self.guard.is_slow(uptime) {
            alarms.insert(Alarm::Guessing);
        }
        for (on, which) in [
            (true, alarms.difference(&self.alarms)),
            (false, self.alarms.difference(&alarms)),
        ] {
            out.extend(which.map(|alarm| Command::Event(What::Alarm { alarm: *alarm, on })));
        }
        self.alarms = alarms;
        if self.is_loud != self.watch.is_loud() {
            self.is_loud = self.watch.is_loud();
            out.push(Command::Siren(self.is_loud));
        }
        if self.shown.until.is_some_and(|until| uptime < until) {
            return;
        }
        let signal = if self.enrolment.is_some() || self.pins.is_typing() {
            Signal::Waiting
        } else if self.watch.asks_to_close(self.settings) {
            Signal::CloseDoor
        } else {
            Signal::Rest
        };
        if self.shown.signal != signal {
            out.push(Command::Signal(signal));
        }
        self.shown = Shown {
            signal,
            until: None,
        };
    }
}

/// The badge event of a card that was judged.
fn told(token: CardToken, decision: Decision, view: View<'_>) -> Command {
    let known = view.knowledge;
    Command::Event(What::Card {
        token,
        holder: decision.holder,
        reason: decision.reason,
        list: known.map(|known| known.list.revision()),
        policy: known.map(|known| known.policy_revision),
        contact: known.map(|known| known.contact),
    })
}

#[cfg(test)]
mod tests;
