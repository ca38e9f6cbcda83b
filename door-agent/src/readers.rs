//! Card readers: parsers that eat what a reader sends, be it bytes, edges or keys, and say what was read.
//!
//! No parser keeps more than one frame, and every parser is in step again at the next whole frame after noise. A parser
//! that must know when the line fell silent is told so; none looks at a clock.
//!
//! All readers here tell a number that a card gives to anybody who asks. A card that proves itself with a key (DESFire,
//! OSDP's secure channel, a smart card) is another thing to tell: it would be a variant of [`Read`] of its own, with what
//! was proven and by which key, made by a parser that also says what to write and until when to wait, as [`pn532`] does.

mod ascii;
mod explain;
mod frame;
mod id12;
mod keyboard;
pub mod mfrc522;
pub mod pn532;
mod rdm6300;
mod wiegand;

pub use ascii::{Ascii, Digits};
pub use explain::explain;
pub use id12::Id12;
pub use keyboard::Keyboard;
pub use rdm6300::Rdm6300;
pub use wiegand::{Edge, Line, Wiegand};

use crate::config::{Format, Number};
use shared::card::{CardUid, CardUidError};
use std::fmt;
use zeroize::Zeroize;

/// Eats the bytes of one reader, cut anywhere.
pub trait Parser: Send {
    /// Adds what these bytes complete to `out`, in order.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Read>);
}

/// What the bytes said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A card.
    Card(CardUid),
    /// A key of the reader's keypad.
    Key(Key),
    /// Something that was no card; for the person who looks for a wiring fault.
    Rejected(Rejection),
}

/// A key of a keypad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A digit.
    Digit(Digit),
    /// `*` or C: what was typed so far does not count.
    Clear,
    /// `#` or OK: all is typed.
    Enter,
}

/// A digit that somebody typed: perhaps a piece of a secret, so it is not shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digit(u8);

impl Digit {
    /// A digit from 0 to 9; none of a larger number.
    #[must_use]
    pub fn new(value: u8) -> Option<Self> {
        (value < 10).then_some(Self(value))
    }

    /// From 0 to 9.
    #[must_use]
    pub fn value(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Digit(secret)")
    }
}

/// Why bytes were no card; says nothing that would give a card number away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Bytes before any frame began; said once for each run of them.
    #[error("bytes outside a frame: wrong baud rate, wrong format, or noise on the line")]
    OutsideFrame,
    /// A frame ended before it was whole.
    #[error("a frame broke off after {0} bytes: a byte was lost, or two readers share the line")]
    BrokenOff(usize),
    /// A byte that cannot stand where it stood.
    #[error(
        "byte {byte:#04x} cannot stand at place {place} of a frame: wrong format, or noise on the line"
    )]
    Unexpected {
        /// The byte.
        byte: u8,
        /// Its place in the frame, from 0.
        place: usize,
    },
    /// The frame's checksum is not that of its digits.
    #[error("the checksum is wrong: noise on the line, or the card left too soon")]
    Checksum,
    /// A line that is longer than any card number.
    #[error("a line of more than {0} bytes: wrong format")]
    LineTooLong(usize),
    /// A line with something that is no digit.
    #[error("a line that is no number: set `format` to what the reader writes")]
    NotDigits,
    /// A decimal number that needs more bytes than the settings allow.
    #[error("a number that does not fit in {0} bytes: set `format` to what the reader writes")]
    TooLarge(usize),
    /// A Wiegand frame of a length that says nothing.
    #[error(
        "a frame of {0} bits: cards have 26, 34 or 37 and keys 4 or 8; set the reader to one of these, or look for noise on the line"
    )]
    Bits(usize),
    /// A Wiegand frame that does not end.
    #[error(
        "a frame of more than {0} bits: noise on the line, or a line that belongs to no reader"
    )]
    FrameTooLong(usize),
    /// Pulses that no reader sends.
    #[error(
        "pulses less than {0} µs apart: noise on the line, no common ground, or D0 and D1 touch each other"
    )]
    PulsesTooClose(u64),
    /// One half of a Wiegand frame.
    #[error("the parity of one half is wrong: noise on the line")]
    Parity,
    /// Both halves of a Wiegand frame.
    #[error(
        "the parity of both halves is wrong: if it is so with every card, D0 and D1 are swapped"
    )]
    BothParities,
    /// A key code that no key has.
    #[error(
        "a code that no key has: noise on the line, or a keypad that sends neither 4 nor 8 bits for a key"
    )]
    NoKey,
    /// A chip or a card that says what it cannot say.
    #[error("an answer that makes no sense: the card left too soon, or noise on the line")]
    Nonsense,
    /// Cards that cannot be told apart.
    #[error("several cards at once: hold one alone to the reader")]
    SeveralCards,
    /// A number that is another one at the next look.
    #[error(
        "a number that begins with 08 is made up anew each time, by a telephone or a card that hides its own: it cannot open a door"
    )]
    Random,
    /// Keys that stopped before Enter.
    #[error(
        "keys without Enter after them: set the reader to end with Enter (CR), or a key is stuck"
    )]
    NoEnter,
    /// The digits are no card number.
    #[error(transparent)]
    Uid(#[from] CardUidError),
}

/// A parser for what a reader writes, at the start of a frame.
#[must_use]
pub fn parser(format: Format) -> Box<dyn Parser> {
    match format {
        Format::Rdm6300 => Box::new(Rdm6300::default()),
        Format::Id12 => Box::new(Id12::default()),
        Format::Ascii => Box::new(Ascii::new(Number::Hex.into())),
        Format::Decimal => Box::new(Ascii::new(Number::Decimal.into())),
    }
}

/// The card whose number somebody typed as a line; none if it is no card's.
#[must_use]
pub fn typed(number: Number, line: &str) -> Option<CardUid> {
    let mut reads = Vec::new();
    Ascii::new(number.into()).push(format!("{line}\n").as_bytes(), &mut reads);
    match reads.pop() {
        Some(Read::Card(uid)) => Some(uid),
        Some(Read::Key(_) | Read::Rejected(_)) | None => None,
    }
}

/// The same number with its bytes in the other order.
#[must_use]
pub fn reversed(uid: &CardUid) -> CardUid {
    let mut bytes = uid.as_bytes().to_vec();
    bytes.reverse();
    let turned = CardUid::from_bytes(&bytes).expect("order changes neither length nor blankness");
    bytes.zeroize();
    turned
}

fn card(bytes: &[u8]) -> Read {
    match CardUid::from_bytes(bytes) {
        Ok(uid) => Read::Card(uid),
        Err(error) => Read::Rejected(Rejection::Uid(error)),
    }
}

/// The number that a chip of ISO/IEC 14443 type A has read of a card.
fn type_a(bytes: &[u8]) -> Read {
    // ISO/IEC 14443-3, 6.5.4: a single size UID that begins with 08 is a random number.
    if matches!(bytes, [0x08, _, _, _]) {
        return Read::Rejected(Rejection::Random);
    }
    card(bytes)
}

#[cfg(test)]
mod tests;
