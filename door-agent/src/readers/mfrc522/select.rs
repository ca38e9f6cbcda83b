//! How the cards in a field are found one by one.
//!
//! ISO/IEC 14443-3, type A: REQA wakes those that are idle (6.4.1), an anticollision loop for each cascade level finds one
//! number bit by bit (6.5.3), SELECT takes it, HLTA puts that card to rest so that the next REQA finds the others.

use std::io;
use zeroize::Zeroize;

/// The most cards that are told in one look: more do not fit before a reader.
const MOST_CARDS: usize = 4;
/// REQA, of which seven bits are sent.
pub const REQA: u8 = 0x26;
/// SELECT of each cascade level, which gives 4, 7 and 10 bytes.
const LEVELS: [u8; 3] = [0x93, 0x95, 0x97];
const HLTA: [u8; 2] = [0x50, 0x00];
/// In place of the first byte while the number goes on in the next level.
const CASCADE_TAG: u8 = 0x88;
/// SAK: the number goes on in the next level.
const GOES_ON: u8 = 0x04;
const LEVEL_BYTES: usize = 5;
const LEVEL_BITS: u8 = 32;
const CRC_PRESET: u16 = 0x6363;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nobody answered.
    Nothing,
    /// Something answered that is not to be understood.
    Broken,
    /// Whole bytes; if bits of the first one were sent, they are not in it.
    Bytes(Vec<u8>),
    /// Several cards answered, and differ first in this bit of the level's number, from 1.
    Collision {
        /// What came before that bit counts.
        bytes: Vec<u8>,
        /// The bit.
        bit: u8,
    },
}

/// Whatever sends to cards and hears their answer.
pub trait Field {
    /// Sends REQA, a frame of seven bits.
    fn request(&mut self) -> io::Result<Answer>;
    /// Sends bytes, of the last one only so many bits unless that is 0; the answer's first bit goes behind them.
    fn exchange(&mut self, bytes: &[u8], last_bits: u8) -> io::Result<Answer>;
}

/// What was found in the field.
#[derive(Clone, PartialEq, Eq)]
pub enum Found {
    /// A card, its number in the order in which it was sent.
    Card(Vec<u8>),
    /// Cards that could not be told apart.
    Several,
    /// Something that does not speak as a card does.
    Nonsense,
}

/// Why a card's number was not found.
enum Lost {
    Gone,
    Found(Found),
    Io(io::Error),
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// All cards in the field, which must all be idle.
///
/// # Errors
/// If there is no field.
pub fn all(field: &mut impl Field) -> io::Result<Vec<Found>> {
    let mut all = Vec::new();
    while all.len() < MOST_CARDS {
        // Cards of different kinds answer differently at once: that is no fault.
        if field.request()? == Answer::Nothing {
            break;
        }
        match one(field) {
            Ok(uid) => {
                all.push(Found::Card(uid));
                // A card that answers this has not understood it; then the next request finds it again.
                field.exchange(&with_crc(&HLTA), 0)?;
            }
            Err(Lost::Gone) => break,
            Err(Lost::Found(found)) => {
                all.push(found);
                break;
            }
            Err(Lost::Io(error)) => return Err(error),
        }
    }
    Ok(all)
}

/// The number of one of the cards that are ready.
fn one(field: &mut impl Field) -> Result<Vec<u8>, Lost> {
    let mut uid = Vec::new();
    for level in LEVELS {
        let mut part = anticollision(field, level)?;
        let sak = take(field, level, part)?;
        match (part[0] == CASCADE_TAG, sak & GOES_ON != 0) {
            (true, true) => uid.extend_from_slice(&part[1..4]),
            (false, false) => {
                uid.extend_from_slice(&part[..4]);
                part.zeroize();
                return Ok(uid);
            }
            (true, false) | (false, true) => break,
        }
    }
    Err(Lost::Found(Found::Nonsense))
}

/// One level's number and its checksum.
fn anticollision(field: &mut impl Field, level: u8) -> Result<[u8; LEVEL_BYTES], Lost> {
    let mut part = [0; LEVEL_BYTES];
    let mut known = 0_u8;
    // Each turn tells one more bit at least.
    for _ in 0..=LEVEL_BITS {
        let (whole, bits) = (usize::from(known / 8), known % 8);
        let sent = whole + usize::from(bits > 0);
        let mut frame = vec![level, (known / 8 + 2) << 4 | bits];
        frame.extend_from_slice(&part[..sent]);
        let answer = field.exchange(&frame, bits)?;
        frame.zeroize();
        match answer {
            Answer::Nothing => return Err(Lost::Gone),
            Answer::Broken => return Err(Lost::Found(Found::Nonsense)),
            Answer::Bytes(bytes) => {
                if bytes.len() != LEVEL_BYTES - whole {
                    return Err(Lost::Found(Found::Nonsense));
                }
                join(&mut part, &bytes, known);
                let check = part.iter().fold(0, |sum, byte| sum ^ byte);
                return if check == 0 {
                    Ok(part)
                } else {
                    Err(Lost::Found(Found::Nonsense))
                };
            }
            Answer::Collision { bytes, bit } => {
                if bit <= known || bit > LEVEL_BITS {
                    return Err(Lost::Found(Found::Several));
                }
                join(&mut part, &bytes, known);
                // Of the cards that differ there, those with a one go on.
                keep_bits(&mut part, bit);
                part[usize::from((bit - 1) / 8)] |= 1 << ((bit - 1) % 8);
                known = bit;
            }
        }
    }
    Err(Lost::Found(Found::Several))
}

/// Puts what was heard behind the bits that are known.
fn join(part: &mut [u8; LEVEL_BYTES], heard: &[u8], known: u8) {
    let (whole, bits) = (usize::from(known / 8), known % 8);
    let mask = 0xff_u8 << bits;
    for (place, (slot, byte)) in part[whole..].iter_mut().zip(heard).enumerate() {
        *slot = if place == 0 {
            (*slot & !mask) | (byte & mask)
        } else {
            *byte
        };
    }
}

/// Forgets everything behind the first bits.
fn keep_bits(part: &mut [u8; LEVEL_BYTES], count: u8) {
    let (whole, bits) = (usize::from(count / 8), count % 8);
    for (place, byte) in part.iter_mut().enumerate().skip(whole) {
        *byte &= if place == whole { !(0xff << bits) } else { 0 };
    }
}

/// Takes the card with this level's number; says its SAK.
fn take(field: &mut impl Field, level: u8, part: [u8; LEVEL_BYTES]) -> Result<u8, Lost> {
    let mut frame = with_crc(&[&[level, 0x70], &part[..]].concat());
    let answer = field.exchange(&frame, 0)?;
    frame.zeroize();
    match answer {
        Answer::Bytes(bytes) if bytes.len() == 3 && with_crc(&bytes[..1]) == bytes => Ok(bytes[0]),
        Answer::Nothing => Err(Lost::Gone),
        Answer::Broken | Answer::Bytes(_) | Answer::Collision { .. } => {
            Err(Lost::Found(Found::Nonsense))
        }
    }
}

/// The bytes with CRC_A behind them (ISO/IEC 14443-3, 6.2.4 and annex B).
#[must_use]
pub fn with_crc(bytes: &[u8]) -> Vec<u8> {
    let crc = bytes.iter().fold(CRC_PRESET, |crc, byte| {
        let low = byte ^ crc.to_le_bytes()[0];
        let turned = u16::from(low ^ low << 4);
        crc >> 8 ^ turned << 8 ^ turned << 3 ^ turned >> 4
    });
    [bytes, &crc.to_le_bytes()].concat()
}
