//! The frames of a PN532, the same on every wire.
//!
//! NXP UM0701-02, "PN532 User Manual", section 6.2.1: `00 00 FF LEN LCS D4|D5 … DCS 00`; LEN counts from D4 or D5 on, LEN
//! and LCS add up to 0, and so do the bytes from there with DCS. An extended frame writes `FF FF LENM LENL LCS` in place of
//! the length. ACK is `00 00 FF 00 FF 00`, NACK `00 00 FF FF 00 00`, a syntax error `00 00 FF 01 FF 7F 81 00`.

use crate::readers::Rejection;
use zeroize::Zeroize;

/// From us to the PN532.
const TO_CHIP: u8 = 0xd4;
/// From the PN532 to us.
const FROM_CHIP: u8 = 0xd5;
const SYNTAX_ERROR: u8 = 0x7f;
const START: [u8; 2] = [0x00, 0xff];
/// The longest frame of any firmware (UM0701-02, 6.2.1.2), counted as LEN does.
const MAX_LEN: usize = 265;

/// A frame that came.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// The command was understood.
    Ack,
    /// The command has to be said again.
    Nack,
    /// The command was not understood.
    SyntaxError,
    /// The answer: the command's code plus one, and what belongs to it.
    Answer(Vec<u8>),
}

/// A command as a frame, from its code on.
#[must_use]
pub fn encode(command: &[u8]) -> Vec<u8> {
    let len = u8::try_from(command.len() + 1).expect("no command is longer than some bytes");
    let sum = command
        .iter()
        .fold(TO_CHIP, |sum, byte| sum.wrapping_add(*byte));
    let mut frame = vec![0x00, START[0], START[1], len, len.wrapping_neg(), TO_CHIP];
    frame.extend_from_slice(command);
    frame.extend_from_slice(&[sum.wrapping_neg(), 0x00]);
    frame
}

/// Finds frames among bytes, cut anywhere.
#[derive(Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

/// What bytes are that begin with the start of a frame.
enum Parsed {
    /// A frame that is not whole yet.
    More,
    /// A frame, and how many bytes it takes.
    Frame(usize, Frame),
    /// No frame.
    No,
    /// A frame whose last checksum is wrong.
    Damaged,
}

impl Decoder {
    /// Takes bytes; [`Decoder::next_frame`] must be asked until it has no more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, or why something that began as one was none.
    pub fn next_frame(&mut self) -> Option<Result<Frame, Rejection>> {
        loop {
            self.skip_to_start();
            let (taken, found) = match parse(&self.bytes) {
                Parsed::More => return None,
                Parsed::Frame(taken, frame) => (taken, Some(Ok(frame))),
                // The bytes after a start that was none may hold one that is.
                Parsed::No => (1, None),
                Parsed::Damaged => (1, Some(Err(Rejection::Checksum))),
            };
            self.drop_first(taken);
            if found.is_some() {
                return found;
            }
        }
    }

    /// Forgets what came.
    pub fn clear(&mut self) {
        self.bytes.zeroize();
    }

    /// How many bytes wait for the rest of their frame.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.bytes.len()
    }

    fn skip_to_start(&mut self) {
        let start = self.bytes.windows(2).position(|pair| pair == START);
        let half = usize::from(self.bytes.last() == Some(&START[0]));
        self.drop_first(start.unwrap_or(self.bytes.len() - half));
    }

    fn drop_first(&mut self, count: usize) {
        self.bytes[..count].zeroize();
        self.bytes.drain(..count);
    }
}

fn parse(bytes: &[u8]) -> Parsed {
    let Some(&[first, second]) = bytes.get(2..4) else {
        return Parsed::More;
    };
    match (first, second) {
        (0x00, 0xff) => Parsed::Frame(4, Frame::Ack),
        (0xff, 0x00) => Parsed::Frame(4, Frame::Nack),
        (0xff, 0xff) => match bytes.get(4..7) {
            None => Parsed::More,
            Some(&[high, low, check]) if sum(&[high, low, check]) == 0 => {
                body(bytes, 7, usize::from(high) << 8 | usize::from(low))
            }
            Some(_) => Parsed::No,
        },
        (len, check) if sum(&[len, check]) == 0 => body(bytes, 4, usize::from(len)),
        _ => Parsed::No,
    }
}

fn body(bytes: &[u8], begin: usize, len: usize) -> Parsed {
    if len == 0 || len > MAX_LEN {
        return Parsed::No;
    }
    let end = begin + len;
    let Some(body) = bytes.get(begin..=end) else {
        return Parsed::More;
    };
    if sum(body) != 0 {
        return Parsed::Damaged;
    }
    match &body[..len] {
        [SYNTAX_ERROR] => Parsed::Frame(end + 1, Frame::SyntaxError),
        [FROM_CHIP, answer @ ..] if !answer.is_empty() => {
            Parsed::Frame(end + 1, Frame::Answer(answer.to_vec()))
        }
        _ => Parsed::No,
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}
