//! What lamps and buzzer do over time for each signal, with a green and a red lamp and a buzzer: yellow is both lamps at
//! once, and so is the blue that a door of this kind has not.

use shared::reasons::Signal;
use shared::time::Span;

/// What is on at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Show {
    /// The green lamp.
    pub green: bool,
    /// The red lamp.
    pub red: bool,
    /// The buzzer.
    pub buzzer: bool,
}

impl Show {
    /// All off.
    pub const NOTHING: Self = Self::new(false, false);
    const GREEN: Self = Self::new(true, false);
    const RED: Self = Self::new(false, true);
    const YELLOW: Self = Self::new(true, true);

    const fn new(green: bool, red: bool) -> Self {
        Self {
            green,
            red,
            buzzer: false,
        }
    }
}

/// How a lamp or the buzzer changes.
///
/// A track plays its steps, then those that it repeats; with none to repeat it stays as its last step left it.
#[derive(Debug, Clone, Copy)]
struct Track<T: 'static> {
    first: &'static [Step<T>],
    again: &'static [Step<T>],
    rest: T,
}

type Step<T> = (T, Span);

const SHORT: Span = Span(100);
const BLINK: Span = Span(250);
const LONG: Span = Span::seconds(1);

/// What the lamps do.
const fn lamps(signal: Signal) -> Track<Show> {
    const OFF: Show = Show::NOTHING;
    match signal {
        Signal::Rest => steady(OFF),
        Signal::Welcome => steady(Show::GREEN),
        Signal::WelcomeNotice => Track {
            first: &[(Show::GREEN, BLINK), (Show::YELLOW, BLINK)],
            again: &[],
            rest: Show::GREEN,
        },
        Signal::Refused => Track {
            first: &[
                (Show::RED, BLINK),
                (OFF, BLINK),
                (Show::RED, BLINK),
                (OFF, BLINK),
                (Show::RED, BLINK),
            ],
            again: &[],
            rest: OFF,
        },
        Signal::WrongMoment => again(&[(Show::RED, BLINK), (Show::YELLOW, BLINK)]),
        Signal::SeeStaff => again(&[(Show::RED, LONG), (OFF, LONG)]),
        Signal::DoorTrouble => again(&[(Show::YELLOW, SHORT), (OFF, SHORT)]),
        Signal::Waiting | Signal::Key => steady(Show::YELLOW),
        Signal::CloseDoor => again(&[(Show::YELLOW, LONG), (OFF, LONG)]),
        Signal::Identify => again(&[(Show::GREEN, BLINK), (Show::RED, BLINK)]),
    }
}

/// What the buzzer does.
const fn buzzer(signal: Signal) -> Track<bool> {
    match signal {
        Signal::Welcome => Track {
            first: &[(true, SHORT)],
            again: &[],
            rest: false,
        },
        Signal::Refused => Track {
            first: &[(true, LONG)],
            again: &[],
            rest: false,
        },
        Signal::WrongMoment => Track {
            first: &[(true, SHORT), (false, SHORT), (true, SHORT)],
            again: &[],
            rest: false,
        },
        Signal::Key => Track {
            first: &[(true, SHORT)],
            again: &[],
            rest: false,
        },
        Signal::CloseDoor => again(&[(true, LONG), (false, LONG)]),
        Signal::WelcomeNotice
        | Signal::SeeStaff
        | Signal::DoorTrouble
        | Signal::Waiting
        | Signal::Identify
        | Signal::Rest => steady(false),
    }
}

/// What the buzzer does while the door calls for help.
const SIREN: Track<bool> = again(&[(true, Span(500)), (false, Span(500))]);

const fn steady<T: Copy>(rest: T) -> Track<T> {
    Track {
        first: &[],
        again: &[],
        rest,
    }
}

const fn again<T: Copy>(steps: &'static [Step<T>]) -> Track<T> {
    Track {
        first: &[],
        again: steps,
        rest: steps[0].0,
    }
}

impl<T: Copy> Track<T> {
    /// What holds at this age, and until which age; none: for ever.
    fn at(&self, age: Span) -> (T, Option<Span>) {
        let mut end = 0;
        for (what, length) in self.first {
            end += length.0;
            if age.0 < end {
                return (*what, Some(Span(end)));
            }
        }
        let round: i64 = self.again.iter().map(|(_, length)| length.0).sum();
        if round > 0 {
            end += (age.0 - end) / round * round;
        }
        for (what, length) in self.again {
            end += length.0;
            if age.0 < end {
                return (*what, Some(Span(end)));
            }
        }
        (self.rest, None)
    }
}

/// What is to be seen and heard now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What is on.
    pub show: Show,
    /// Until which uptime; none: for ever.
    pub until: Option<Span>,
}

/// Plays the signals of one door: a new signal ends the one before, and the siren is heard over all of them.
#[derive(Debug, Clone, Copy)]
pub struct Player {
    signal: Signal,
    since: Span,
    siren_since: Option<Span>,
}

impl Default for Player {
    fn default() -> Self {
        Self {
            signal: Signal::Rest,
            since: Span(0),
            siren_since: None,
        }
    }
}

impl Player {
    /// Begins a signal.
    pub fn signal(&mut self, signal: Signal, uptime: Span) {
        (self.signal, self.since) = (signal, uptime);
    }

    /// Begins or ends the call for help.
    pub fn siren(&mut self, on: bool, uptime: Span) {
        self.siren_since = on.then(|| self.siren_since.unwrap_or(uptime));
    }

    /// What is to be seen and heard.
    #[must_use]
    pub fn look(&self, uptime: Span) -> Look {
        let age = |since: Span| Span((uptime.0 - since.0).max(0));
        let (show, lamps_until) = lamps(self.signal).at(age(self.since));
        let (track, since) = match self.siren_since {
            Some(since) => (SIREN, since),
            None => (buzzer(self.signal), self.since),
        };
        let (buzzer, buzzer_until) = track.at(age(since));
        let lamps_until = lamps_until.map(|until| self.since + until);
        let buzzer_until = buzzer_until.map(|until| since + until);
        Look {
            show: Show { buzzer, ..show },
            until: [lamps_until, buzzer_until].into_iter().flatten().min(),
        }
    }
}

#[cfg(test)]
mod tests;
