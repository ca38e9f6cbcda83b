//! Cards that pass again at once, perhaps handed back through the door: they pass, and are marked (soft anti-passback).

use shared::card::CardToken;
use shared::time::Span;

/// So many cards are remembered.
const CARDS: usize = 256;

/// The cards that have passed a moment ago.
#[derive(Debug, Default)]
pub struct Passages {
    passed: Vec<(CardToken, Span)>,
}

impl Passages {
    /// Notes that a card passes; true if it did within the time before.
    pub fn again(&mut self, token: CardToken, within: Option<Span>, uptime: Span) -> bool {
        let Some(within) = within else {
            self.passed.clear();
            return false;
        };
        self.passed.retain(|(_, at)| uptime.0 - at.0 < within.0);
        let before = self.passed.len();
        self.passed.retain(|(passed, _)| *passed != token);
        let again = self.passed.len() < before;
        if self.passed.len() == CARDS {
            self.passed.remove(0);
        }
        self.passed.push((token, uptime));
        again
    }
}
