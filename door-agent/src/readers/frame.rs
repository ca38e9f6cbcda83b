//! The frame that 125 kHz readers share: STX, ten digits, two digits of checksum, and an ending of their own.

use super::{Read, Rejection, card};
use zeroize::Zeroize;

const STX: u8 = 0x02;
const DIGITS: usize = 12;
const UID_BYTES: usize = 5;

/// Collects one frame; STX begins a new one wherever it comes, because no digit and no ending is STX.
pub(super) struct Frame {
    ending: &'static [u8],
    bytes: [u8; DIGITS / 2],
    state: State,
}

enum State {
    /// Waiting for STX; true if stray bytes were told already.
    Idle { told: bool },
    /// STX came, and so many bytes after it.
    Within { taken: usize },
}

impl Frame {
    pub fn new(ending: &'static [u8]) -> Frame {
        Frame {
            ending,
            bytes: [0; DIGITS / 2],
            state: State::Idle { told: false },
        }
    }

    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Read>) {
        out.extend(bytes.iter().filter_map(|byte| self.take(*byte)));
    }

    fn take(&mut self, byte: u8) -> Option<Read> {
        if byte == STX {
            let before = std::mem::replace(&mut self.state, State::Within { taken: 0 });
            return match before {
                State::Idle { .. } => None,
                State::Within { taken } => Some(Read::Rejected(Rejection::BrokenOff(taken + 1))),
            };
        }
        match self.state {
            State::Idle { told: true } => None,
            State::Idle { told: false } => {
                self.state = State::Idle { told: true };
                Some(Read::Rejected(Rejection::OutsideFrame))
            }
            State::Within { taken } => self.take_within(byte, taken),
        }
    }

    fn take_within(&mut self, byte: u8, taken: usize) -> Option<Read> {
        let fits = match self.ending.get(taken.wrapping_sub(DIGITS)) {
            Some(expected) if taken >= DIGITS => byte == *expected,
            Some(_) | None => self.take_digit(byte, taken),
        };
        if !fits {
            // What follows belongs to the frame that was just rejected: it is not told again.
            self.state = State::Idle { told: true };
            return Some(Read::Rejected(Rejection::Unexpected {
                byte,
                place: taken + 1,
            }));
        }
        if taken + 1 < DIGITS + self.ending.len() {
            self.state = State::Within { taken: taken + 1 };
            return None;
        }
        self.state = State::Idle { told: false };
        Some(self.finish())
    }

    fn take_digit(&mut self, byte: u8, taken: usize) -> bool {
        let Some(digit) = hex(byte) else { return false };
        let slot = &mut self.bytes[taken / 2];
        *slot = if taken.is_multiple_of(2) {
            digit << 4
        } else {
            *slot | digit
        };
        true
    }

    fn finish(&mut self) -> Read {
        let (uid, checksum) = self.bytes.split_at(UID_BYTES);
        let sum = uid.iter().fold(0, |sum, byte| sum ^ byte);
        let read = if sum == checksum[0] {
            card(uid)
        } else {
            Read::Rejected(Rejection::Checksum)
        };
        self.bytes.zeroize();
        read
    }
}

/// The value of a hexadecimal digit in either case.
pub(super) fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
