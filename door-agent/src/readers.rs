//! Card readers: parsers that eat the bytes of a serial line and say what was read.
//!
//! No parser keeps more than one frame, and every parser is in step again at the next whole frame after noise.

mod ascii;
mod frame;
mod id12;
mod rdm6300;

pub use ascii::{Ascii, Digits};
pub use id12::Id12;
pub use rdm6300::Rdm6300;

use crate::config::Format;
use shared::card::{CardUid, CardUidError};

/// What readers mean that write ten decimal digits: the low four bytes of a 125 kHz card, leading zeros or not.
const DECIMAL_BYTES: usize = 4;

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
    /// Something that was no card; for the person who looks for a wiring fault.
    Rejected(Rejection),
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
        Format::Ascii => Box::new(Ascii::new(Digits::Hex)),
        Format::Decimal => Box::new(Ascii::new(Digits::Decimal {
            bytes: DECIMAL_BYTES,
        })),
    }
}

fn card(bytes: &[u8]) -> Read {
    match CardUid::from_bytes(bytes) {
        Ok(uid) => Read::Card(uid),
        Err(error) => Read::Rejected(Rejection::Uid(error)),
    }
}

#[cfg(test)]
mod tests;
