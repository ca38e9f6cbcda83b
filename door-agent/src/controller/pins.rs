//! What is typed after a card, and which cards have seen too many wrong PINs.

use crate::readers::Key;
use shared::card::{CardToken, CardUid};
use shared::pin::{DIGITS, Pin};
use shared::time::Span;
use zeroize::Zeroize as _;

/// The first key, and the next one, must come within this time.
const TYPE: Span = Span::seconds(10);
/// Enough digits count after this time, for keypads that have no key to say so.
const ENOUGH: Span = Span::seconds(5);
/// After so many wrong PINs a card waits.
const WRONG: u8 = 3;
/// So long; and wrong PINs before that are forgotten.
const WAIT: Span = Span::minutes(10);
/// So many cards are remembered.
const CARDS: usize = 64;

/// A door's keypad.
#[derive(Debug, Default)]
pub struct Pins {
    typing: Option<Typing>,
    wrong: Vec<Wrong>,
}

#[derive(Debug)]
struct Typing {
    uid: CardUid,
    digits: Digits,
    until: Span,
}

/// Secret.
#[derive(Default)]
struct Digits(String);

impl std::fmt::Debug for Digits {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Digits(secret)")
    }
}

impl Drop for Digits {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[derive(Debug)]
struct Wrong {
    token: CardToken,
    count: u8,
    last: Span,
}

/// What somebody at the keypad has done.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing that counts yet.
    Nothing,
    /// A key, while a PIN is awaited.
    Key,
    /// All of it: the card, and the PIN if that can be one.
    All(CardUid, Option<Pin>),
}

impl Pins {
    /// A PIN has to follow this card.
    pub fn begin(&mut self, uid: CardUid, uptime: Span) {
        // Room for every digit that counts, so that no copy of them is left behind.
        let digits = Digits(String::with_capacity(DIGITS.end() + 1));
        self.typing = Some(Typing {
            uid,
            digits,
            until: uptime + TYPE,
        });
    }

    /// Another card is there: whatever was typed does not count, and this card was left without its PIN.
    pub fn leave(&mut self) -> Option<CardUid> {
        self.typing.take().map(|typing| typing.uid)
    }

    /// Whether a PIN is awaited.
    pub fn is_typing(&self) -> bool {
        self.typing.is_some()
    }

    /// Hears a key.
    pub fn key(&mut self, key: Key, uptime: Span) -> Typed {
        let Some(typing) = &mut self.typing else {
            return Typed::Nothing;
        };
        match key {
            Key::Enter => return self.all(),
            Key::Clear => typing.digits.0.zeroize(),
            // One digit too many is kept, to be refused.
            Key::Digit(_) if typing.digits.0.len() > *DIGITS.end() => {}
            Key::Digit(digit) => typing.digits.0.push(char::from(b'0' + digit.value())),
        }
        let enough = typing.digits.0.len() >= *DIGITS.start();
        typing.until = uptime + if enough { ENOUGH } else { TYPE };
        Typed::Key
    }

    /// What was typed, when its time is over.
    pub fn over(&mut self, uptime: Span) -> Typed {
        match &self.typing {
            Some(typing) if typing.until <= uptime => self.all(),
            Some(_) | None => Typed::Nothing,
        }
    }

    fn all(&mut self) -> Typed {
        match self.typing.take() {
            Some(Typing { uid, digits, .. }) => Typed::All(uid, Pin::typed(&digits.0)),
            None => Typed::Nothing,
        }
    }

    /// Notes a wrong PIN.
    pub fn was_wrong(&mut self, token: CardToken, uptime: Span) {
        self.wrong.retain(|wrong| uptime.0 - wrong.last.0 < WAIT.0);
        match self.wrong.iter_mut().find(|wrong| wrong.token == token) {
            Some(wrong) => {
                wrong.count = wrong.count.saturating_add(1);
                wrong.last = uptime;
            }
            None => {
                if self.wrong.len() == CARDS {
                    self.wrong.remove(0);
                }
                self.wrong.push(Wrong {
                    token,
                    count: 1,
                    last: uptime,
                });
            }
        }
    }

    /// The right PIN makes wrong ones forgotten.
    pub fn was_right(&mut self, token: CardToken) {
        self.wrong.retain(|wrong| wrong.token != token);
    }

    /// Whether a card has to wait.
    pub fn is_locked(&self, token: CardToken, uptime: Span) -> bool {
        self.wrong.iter().any(|wrong| {
            wrong.token == token && wrong.count >= WRONG && uptime.0 - wrong.last.0 < WAIT.0
        })
    }

    /// When there is something to do.
    pub fn due(&self) -> Option<Span> {
        self.typing.as_ref().map(|typing| typing.until)
    }
}
