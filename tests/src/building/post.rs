//! Stripe's webhook deliveries: signed, and late, doubled, lost or in another order if a story wants it so.

use crate::chance::Chance;
use crate::stripe_sim::deliver::{sign, sign_with};
use serde_json::Value;
use shared::time::{Span, Timestamp};
use std::collections::VecDeque;

/// The endpoint's signing secret.
pub const SECRET: &str = "whsec_building";
/// The one that replaces it.
pub const NEXT_SECRET: &str = "whsec_building_next";
/// Stripe tries again so long after a failure, at least.
const AGAIN: Span = Span::minutes(5);
/// So many letters may come again long after they came.
const OLD: usize = 64;

/// One event on its way to the endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// `evt_…`
    pub event: String,
    /// The event's type.
    pub kind: String,
    /// The raw body.
    pub body: Vec<u8>,
    due: Timestamp,
}

impl Letter {
    /// An event to be delivered now.
    #[must_use]
    pub fn of(event: &Value, now: Timestamp) -> Self {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        Self {
            event: text("id"),
            kind: text("type"),
            body: event.to_string().into_bytes(),
            due: now,
        }
    }

    /// The header of a delivery at that moment.
    #[must_use]
    pub fn header(&self, now: Timestamp) -> String {
        sign(SECRET, now.as_seconds(), &self.body)
    }
}

/// What happens to letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Each comes once, at once.
    Prompt,
    /// Each comes twice.
    Double,
    /// They wait until [`Post::release`].
    Held,
    /// They are lost for good.
    Lost,
}

/// In which form Stripe sends its events (docs.stripe.com/event-destinations).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With the object as it was.
    Snapshot,
    /// Without the object.
    Thin,
    /// Each in both forms, the thin one first.
    Both,
}

/// The way from Stripe to the endpoint.
#[derive(Debug)]
pub struct Post {
    /// In which form events are sent.
    pub form: Form,
    /// What deliveries are signed with: two, while one secret replaces the other.
    pub secrets: Vec<&'static str>,
    mood: Mood,
    waiting: VecDeque<Letter>,
    held: Vec<Letter>,
    /// Decides what comes next of what is due, and what comes twice; none: everything in its turn.
    chance: Option<Chance>,
    /// Some of what was sent.
    old: Vec<Letter>,
}

impl Post {
    /// Everything comes once, at once, and in its turn.
    #[must_use]
    pub fn new() -> Self {
        Self::in_order(None)
    }

    /// Everything comes at once; with a chance, some of it twice, and in any order.
    #[must_use]
    pub fn in_order(chance: Option<Chance>) -> Self {
        Self {
            form: Form::Snapshot,
            secrets: vec![SECRET],
            mood: Mood::Prompt,
            waiting: VecDeque::new(),
            held: Vec::new(),
            chance,
            old: Vec::new(),
        }
    }

    /// Sets what happens to letters from now on.
    pub fn set_mood(&mut self, mood: Mood) {
        self.mood = mood;
    }

    /// Takes a letter.
    pub fn post(&mut self, letter: Letter) {
        match self.mood {
            Mood::Prompt => self.send(letter),
            Mood::Double => {
                self.send(letter.clone());
                self.send(letter);
            }
            Mood::Held => self.held.push(letter),
            Mood::Lost => {}
        }
    }

    fn send(&mut self, letter: Letter) {
        if let Some(chance) = &mut self.chance {
            if chance.once_in(3) {
                self.waiting.push_back(letter.clone());
            }
            if chance.once_in(8) && !self.old.is_empty() {
                let again = self.old[chance.below(self.old.len())].clone();
                self.waiting.push_back(Letter {
                    due: letter.due,
                    ..again
                });
            }
            if self.old.len() == OLD {
                self.old.swap_remove(chance.below(OLD));
            }
            self.old.push(letter.clone());
        }
        self.waiting.push_back(letter);
    }

    /// What waits to be released, oldest first.
    pub fn take_held(&mut self) -> Vec<Letter> {
        std::mem::take(&mut self.held)
    }

    /// Sends letters, in this order.
    pub fn release(&mut self, letters: impl IntoIterator<Item = Letter>, now: Timestamp) {
        for letter in letters {
            self.send(Letter { due: now, ..letter });
        }
    }

    /// The next letter that is due.
    pub fn next(&mut self, now: Timestamp) -> Option<Letter> {
        let letters = self.waiting.iter().enumerate();
        let mut due = letters.filter(|(_, letter)| letter.due <= now);
        let (at, _) = match &mut self.chance {
            None => due.next(),
            Some(chance) => {
                let count = due.clone().count().max(1);
                due.nth(chance.below(count))
            }
        }?;
        self.waiting.remove(at)
    }

    /// The header of a delivery at that moment.
    #[must_use]
    pub fn header(&self, letter: &Letter, now: Timestamp) -> String {
        sign_with(&self.secrets, now.as_seconds(), &letter.body)
    }

    /// A letter that was not accepted comes again later.
    pub fn again(&mut self, letter: Letter, now: Timestamp) {
        self.waiting.push_back(Letter {
            due: now + AGAIN,
            ..letter
        });
    }

    /// When the next letter is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|letter| letter.due).min()
    }
}

impl Default for Post {
    fn default() -> Self {
        Self::new()
    }
}
