//! When the agent is killed.

use std::time::Duration;
use tests::chance::Chance;

/// A moment within the agent's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// So long after it was launched.
    Starting(Duration),
    /// So long after the last of its cards was shown, whether the door has answered or not.
    Shown(Duration),
    /// So long after the badge log on disk began to grow for the last of its cards.
    Badge(Duration),
    /// So long after the door answered the last of its cards.
    Answered(Duration),
    /// So long after it reached the broker.
    Linked(Duration),
    /// So long after an admin's change of the list was asked for.
    Changed(Duration),
    /// So long after the files of its list on disk began to change.
    List(Duration),
}

/// One life of the agent.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many cards are shown.
    pub taps: usize,
    /// Whether the files of its list are gone before it starts, so that it is given a whole one.
    pub bare: bool,
    /// The end.
    pub blow: Blow,
}

/// In microseconds: what a start takes, what follows a card, a connection, a write.
const START: usize = 60_000;
const CARD: usize = 3000;
const MESSAGES: usize = 15_000;
const WRITE: usize = 1200;

impl Plan {
    /// A life by chance.
    pub fn choose(chance: &mut Chance) -> Self {
        let mut within = |most| {
            let micros = u64::try_from(chance.below(most)).expect("small");
            Duration::from_micros(micros)
        };
        let [start, card, messages, write] = [START, CARD, MESSAGES, WRITE].map(&mut within);
        let blow = match chance.below(16) {
            0 => Blow::Starting(start),
            1..=3 => Blow::Shown(card),
            4..=6 => Blow::Badge(write),
            7 => Blow::Answered(card),
            8..=10 => Blow::Linked(messages),
            11 | 12 => Blow::Changed(messages),
            _ => Blow::List(write),
        };
        let needed = match blow {
            // The log also grows when the agent starts.
            Blow::Badge(_) => 2,
            Blow::Shown(_) | Blow::Answered(_) => 1,
            Blow::Starting(_) | Blow::Linked(_) | Blow::Changed(_) | Blow::List(_) => 0,
        };
        Self {
            taps: needed + chance.below(3),
            bare: matches!(blow, Blow::List(_)) && chance.once_in(4),
            blow,
        }
    }
}
