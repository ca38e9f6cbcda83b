//! When the server is killed.

use std::time::Duration;
use tests::chance::Chance;

/// A moment within the server's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// While it starts, so long after it was launched.
    Starting(Duration),
    /// So long after it gave that many answers; others may be under way.
    Answered(usize, Duration),
    /// While it waits for Stripe's answer to that many questions, or is about to ask.
    Asking(u64),
    /// So long after a door has reached its broker.
    Linked(Duration),
}

/// A start takes about so long, in microseconds.
const START: usize = 40_000;
/// What follows an answer takes about so long.
const WORK: usize = 4000;
/// What follows a connection.
const MESSAGES: usize = 12_000;

impl Blow {
    /// A moment of a life in which so many requests come.
    pub fn choose(chance: &mut Chance, requests: usize) -> Self {
        let mut within = |most| {
            let micros = u64::try_from(chance.below(most)).expect("small");
            Duration::from_micros(micros)
        };
        let (start, work, messages) = (within(START), within(WORK), within(MESSAGES));
        match chance.below(10) {
            0 => Self::Starting(start),
            1 | 2 => Self::Asking(1 + u64::try_from(chance.below(8)).expect("small")),
            3 => Self::Linked(messages),
            4..=6 => Self::Answered(chance.below(requests + 1), Duration::ZERO),
            _ => Self::Answered(chance.below(requests + 1), work),
        }
    }
}
