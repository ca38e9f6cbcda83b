//! An unknown card that is shown again and again fills no log: the first time is told at once, the others by number.

use shared::badge::What;
use shared::card::CardToken;
use shared::time::{Span, Timestamp};

/// Repetitions are told at most so often.
const TELL: Span = Span::minutes(1);
/// A card that was away for so long is told anew.
const FORGET: Span = Span::minutes(10);
/// So many cards are remembered.
const CARDS: usize = 32;

/// The unknown cards of the last minutes.
#[derive(Debug, Default)]
pub struct Refusals {
    cards: Vec<Repeated>,
}

#[derive(Debug)]
struct Repeated {
    token: CardToken,
    seen: Span,
    told: Span,
    untold: Option<Untold>,
}

#[derive(Debug)]
struct Untold {
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Repeated {
    fn tell(&mut self, uptime: Span) -> Option<What> {
        self.told = uptime;
        let Untold { count, first, last } = self.untold.take()?;
        Some(What::Refusals {
            token: self.token,
            count,
            first,
            last,
        })
    }

    fn due(&self) -> Span {
        match self.untold {
            Some(_) => self.told + TELL,
            None => self.seen + FORGET,
        }
    }
}

impl Refusals {
    /// Whether this card was there a moment ago, so that it is only counted; what has to give way to it is told.
    pub fn repeats(
        &mut self,
        token: CardToken,
        at: Timestamp,
        uptime: Span,
    ) -> (bool, Option<What>) {
        if let Some(card) = self.cards.iter_mut().find(|card| card.token == token) {
            card.seen = uptime;
            let untold = card.untold.get_or_insert(Untold {
                count: 0,
                first: at,
                last: at,
            });
            untold.count += 1;
            untold.last = at;
            return (true, None);
        }
        let told = if self.cards.len() < CARDS {
            None
        } else {
            self.cards.remove(0).tell(uptime)
        };
        self.cards.push(Repeated {
            token,
            seen: uptime,
            told: uptime,
            untold: None,
        });
        (false, told)
    }

    /// What is to be told now.
    pub fn tell(&mut self, uptime: Span) -> Vec<What> {
        let due = self.cards.iter_mut().filter(|card| card.due() <= uptime);
        let told = due.filter_map(|card| card.tell(uptime)).collect();
        self.cards.retain(|card| uptime < card.due());
        told
    }

    /// All that was not told yet; the door ends.
    pub fn tell_all(&mut self, uptime: Span) -> Vec<What> {
        let mut cards = std::mem::take(&mut self.cards);
        cards
            .iter_mut()
            .filter_map(|card| card.tell(uptime))
            .collect()
    }

    /// When there is something to do.
    pub fn due(&self) -> Option<Span> {
        self.cards.iter().map(Repeated::due).min()
    }
}
