//! Somebody who tries card numbers: after too many unknown ones, a reader is read once a second for a while.

use shared::card::{CardToken, CardUid};
use shared::time::Span;

/// So many different unknown cards within [`WITHIN`] are no accident.
const CARDS: usize = 5;
const WITHIN: Span = Span::minutes(1);
/// So long the reader is read slowly.
const SLOW: Span = Span::minutes(5);
/// And so seldom; a member's card that lies on the reader alone waits no longer than this.
const EVERY: Span = Span::seconds(1);

/// How a reader is read.
#[derive(Debug, Default)]
pub struct Guard {
    unknown: Vec<(CardToken, Span)>,
    slow: Option<Slow>,
}

#[derive(Debug)]
struct Slow {
    until: Span,
    next: Span,
    waiting: Option<CardUid>,
}

/// What becomes of a card that has just come.
#[derive(Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It may be judged.
    Now(CardUid),
    /// It is the one that comes next, instead of another one.
    Waits(Option<CardUid>),
}

impl Guard {
    /// The card, if it may be judged now; else it waits, and the newest card that waits is the one that comes next.
    pub fn admit(&mut self, uid: CardUid, uptime: Span) -> Admitted {
        let Some(slow) = &mut self.slow else {
            return Admitted::Now(uid);
        };
        if uptime < slow.next {
            return Admitted::Waits(slow.waiting.replace(uid));
        }
        slow.next = uptime + EVERY;
        Admitted::Now(uid)
    }

    /// The card that has waited, when its time has come.
    pub fn next(&mut self, uptime: Span) -> Option<CardUid> {
        let slow = self.slow.as_mut().filter(|slow| slow.next <= uptime)?;
        let uid = slow.waiting.take()?;
        slow.next = uptime + EVERY;
        Some(uid)
    }

    /// Notes an unknown card.
    pub fn unknown(&mut self, token: CardToken, uptime: Span) {
        self.unknown
            .retain(|(known, at)| *known != token && uptime.0 - at.0 < WITHIN.0);
        self.unknown.push((token, uptime));
        if self.unknown.len() > CARDS {
            self.unknown.remove(0);
            let slow = self.slow.get_or_insert(Slow {
                until: uptime,
                next: uptime + EVERY,
                waiting: None,
            });
            slow.until = uptime + SLOW;
        }
    }

    /// Whether the reader is read slowly.
    pub fn is_slow(&mut self, uptime: Span) -> bool {
        // Whoever waits is judged first.
        let over = |slow: &Slow| slow.until <= uptime && slow.waiting.is_none();
        if self.slow.as_ref().is_some_and(over) {
            self.slow = None;
            self.unknown.clear();
        }
        self.slow.is_some()
    }

    /// When there is something to do.
    pub fn due(&self) -> Option<Span> {
        let slow = self.slow.as_ref()?;
        Some(if slow.waiting.is_some() {
            slow.next
        } else {
            slow.until
        })
    }
}
