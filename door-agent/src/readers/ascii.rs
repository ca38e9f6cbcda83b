//! Readers that write one number on each line, ended by CR, LF or both.

use super::frame::hex;
use super::{Parser, Read, Rejection, card};
use crate::config::Number;
use shared::card::{MAX_UID_BYTES, MIN_UID_BYTES};
use zeroize::Zeroize;

/// The longest line that can be a card number: 20 digits, a separator after each, and a few blanks.
const MAX_LINE: usize = 64;

/// What the digits of a line are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// Two hexadecimal digits for each byte, most significant first.
    Hex,
    /// One decimal number.
    Decimal {
        /// How many bytes of the card it stands for, 3 to 8: readers do not write leading zeros alike.
        bytes: usize,
    },
}

/// What readers mean that write ten decimal digits: the low four bytes of a 125 kHz card, leading zeros or not.
const DECIMAL_BYTES: usize = 4;

impl From<Number> for Digits {
    fn from(number: Number) -> Self {
        match number {
            Number::Hex => Self::Hex,
            Number::Decimal => Self::Decimal {
                bytes: DECIMAL_BYTES,
            },
        }
    }
}

/// The parser for lines.
pub struct Ascii {
    digits: Digits,
    line: [u8; MAX_LINE],
    len: usize,
    too_long: bool,
}

impl Ascii {
    /// A parser at the start of a line.
    pub fn new(digits: Digits) -> Ascii {
        Ascii {
            digits,
            line: [0; MAX_LINE],
            len: 0,
            too_long: false,
        }
    }

    /// Whether no line has begun.
    pub(super) fn is_idle(&self) -> bool {
        self.len == 0
    }

    /// Forgets what came of a line; true if that was not told yet.
    pub(super) fn give_up(&mut self) -> bool {
        let untold = self.len > 0 && !self.too_long;
        self.clear();
        untold
    }

    fn clear(&mut self) {
        self.line.zeroize();
        self.len = 0;
        self.too_long = false;
    }

    fn take(&mut self, byte: u8) -> Option<Read> {
        if byte == b'\r' || byte == b'\n' {
            return self.end_line();
        }
        match self.line.get_mut(self.len) {
            Some(slot) => {
                *slot = byte;
                self.len += 1;
                None
            }
            None if self.too_long => None,
            None => {
                self.too_long = true;
                Some(Read::Rejected(Rejection::LineTooLong(MAX_LINE)))
            }
        }
    }

    fn end_line(&mut self) -> Option<Read> {
        let line = self.line[..self.len].trim_ascii();
        let read = match self.digits {
            Digits::Hex | Digits::Decimal { .. } if self.too_long || line.is_empty() => None,
            Digits::Hex => Some(hex_line(line)),
            Digits::Decimal { bytes } => Some(decimal_line(line, bytes)),
        };
        self.clear();
        read
    }
}

impl Parser for Ascii {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Read>) {
        out.extend(bytes.iter().filter_map(|byte| self.take(*byte)));
    }
}

fn digits(line: &[u8]) -> impl Iterator<Item = u8> + '_ {
    line.iter()
        .copied()
        .filter(|byte| !matches!(byte, b' ' | b':' | b'-' | b'.' | b'\t'))
}

fn hex_line(line: &[u8]) -> Read {
    let mut bytes = [0; MAX_UID_BYTES];
    let mut count = 0;
    for digit in digits(line) {
        let Some(value) = hex(digit) else {
            return Read::Rejected(Rejection::NotDigits);
        };
        let Some(slot) = bytes.get_mut(count / 2) else {
            return Read::Rejected(Rejection::TooLarge(MAX_UID_BYTES));
        };
        *slot = *slot << 4 | value;
        count += 1;
    }
    if count % 2 == 1 {
        return Read::Rejected(Rejection::NotDigits);
    }
    let read = card(&bytes[..count / 2]);
    bytes.zeroize();
    read
}

fn decimal_line(line: &[u8], bytes: usize) -> Read {
    let bytes = bytes.clamp(MIN_UID_BYTES, size_of::<u64>());
    let mut number = 0_u64;
    for digit in digits(line) {
        if !digit.is_ascii_digit() {
            return Read::Rejected(Rejection::NotDigits);
        }
        let next = number
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
        let Some(next) = next else {
            return Read::Rejected(Rejection::TooLarge(bytes));
        };
        number = next;
    }
    let all = number.to_be_bytes();
    let (above, uid) = all.split_at(all.len() - bytes);
    if above.iter().any(|byte| *byte != 0) {
        Read::Rejected(Rejection::TooLarge(bytes))
    } else {
        card(uid)
    }
}
