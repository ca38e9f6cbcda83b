//! When to ask: after a random delay, then rarer and rarer, never often.

use rand_core::Rng;
use shared::time::Span;

/// All agents of a zone fall behind at the same moment; they ask spread over this time.
const SPREAD: Span = Span::seconds(2);
/// Two questions are at least so far apart.
const GAP: Span = Span::seconds(2);
/// The first answer is waited for so long; then twice as long, and so on.
const PATIENCE: Span = Span::seconds(10);
const LONGEST: Span = Span::minutes(5);

/// When the next question is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asking {
    due: Option<Span>,
    asked: Option<Span>,
    attempts: u32,
}

impl Asking {
    /// Something is missing: a question becomes due if none is.
    pub fn want(&mut self, uptime: Span, random: &mut impl Rng) {
        if self.due.is_none() {
            let spread = uptime + share(SPREAD, random);
            self.due = Some(self.asked.map_or(spread, |asked| spread.max(asked + GAP)));
        }
    }

    /// Nothing is missing any more.
    pub fn satisfied(&mut self) {
        self.due = None;
        self.attempts = 0;
    }

    /// Whether to ask now; the next question is then due after the patience for this one.
    pub fn is_due(&mut self, uptime: Span, random: &mut impl Rng) -> bool {
        if self.due.is_none_or(|due| uptime < due) {
            return false;
        }
        self.asked = Some(uptime);
        self.attempts += 1;
        self.due = Some(uptime + self.patience() + share(SPREAD, random));
        true
    }

    /// Part of the answer came: the rest is waited for anew.
    pub fn progress(&mut self, uptime: Span) {
        if self.due.is_some() {
            self.due = Some(uptime + self.patience());
        }
    }

    /// When [`Asking::is_due`] has to be asked.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Span> {
        self.due
    }

    fn patience(&self) -> Span {
        let doubled = PATIENCE
            .0
            .saturating_mul(1_i64 << self.attempts.saturating_sub(1).min(20));
        Span(doubled).min(LONGEST)
    }
}

fn share(span: Span, random: &mut impl Rng) -> Span {
    Span(span.0 * i64::from(random.next_u32()) / i64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Randomness that always says the same.
    struct Says(u32);

    impl rand_core::TryRng for Says {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(self.0)
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(self.0.into())
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.fill(0);
            Ok(())
        }
    }

    #[test]
    fn the_first_question_waits_a_random_time_and_is_asked_once() {
        let mut asking = Asking::default();
        asking.want(Span(0), &mut Says(u32::MAX));
        assert_eq!(asking.poll_timeout(), Some(SPREAD));
        assert!(!asking.is_due(Span(SPREAD.0 - 1), &mut Says(0)));
        assert!(asking.is_due(SPREAD, &mut Says(0)));
        assert!(!asking.is_due(SPREAD, &mut Says(0)));
    }

    #[test]
    fn without_an_answer_it_asks_again_rarer_and_rarer() {
        let mut asking = Asking::default();
        asking.want(Span(0), &mut Says(0));
        let mut waits = Vec::new();
        for _ in 0..8 {
            let due = asking.poll_timeout().expect("something is missing");
            assert!(asking.is_due(due, &mut Says(0)));
            waits.push((asking.poll_timeout().expect("still missing").0 - due.0) / 1000);
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn whatever_happens_two_questions_are_seconds_apart() {
        let mut asking = Asking::default();
        asking.want(Span(0), &mut Says(0));
        assert!(asking.is_due(Span(0), &mut Says(0)));
        asking.satisfied();
        asking.want(Span(1), &mut Says(0));
        assert!(!asking.is_due(Span(1), &mut Says(0)));
        assert_eq!(asking.poll_timeout(), Some(GAP));
    }

    #[test]
    fn an_answer_in_parts_is_waited_for() {
        let mut asking = Asking::default();
        asking.want(Span(0), &mut Says(0));
        assert!(asking.is_due(Span(0), &mut Says(0)));
        asking.progress(Span::seconds(9));
        assert!(!asking.is_due(Span::seconds(18), &mut Says(0)));
        assert!(asking.is_due(Span::seconds(19), &mut Says(0)));
    }
}
