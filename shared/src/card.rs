//! Cards: what a reader saw, and the keyed hash by which doors know it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroize;

/// Fewest bytes of a card number: Wiegand 26 without its parity.
pub const MIN_UID_BYTES: usize = 3;
/// Most bytes of a card number: ISO/IEC 14443-3, triple size UID.
pub const MAX_UID_BYTES: usize = 10;

/// What a reader saw, in one canonical form for every length and reader: the bytes as printed, most significant first.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CardUid {
    length: u8,
    bytes: [u8; MAX_UID_BYTES],
}

/// A text or a frame does not hold a card number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardUidError {
    /// Too short or too long.
    #[error("a card number has {MIN_UID_BYTES} to {MAX_UID_BYTES} bytes, not {0}")]
    Length(usize),
    /// Something that is no hexadecimal digit.
    #[error("a card number is written in hexadecimal digits, two for each byte")]
    Digits,
    /// All bits equal: a reader's fault, never a card.
    #[error("a card number of only zeros or only ones is a reader's fault")]
    Blank,
}

impl CardUid {
    /// Takes the bytes most significant first; refuses wrong lengths and blank numbers.
    pub fn from_bytes(raw: &[u8]) -> Result<Self, CardUidError> {
        if !(MIN_UID_BYTES..=MAX_UID_BYTES).contains(&raw.len()) {
            return Err(CardUidError::Length(raw.len()));
        }
        if raw.iter().all(|byte| *byte == 0) || raw.iter().all(|byte| *byte == 0xff) {
            return Err(CardUidError::Blank);
        }
        let mut bytes = [0; MAX_UID_BYTES];
        bytes[..raw.len()].copy_from_slice(raw);
        Ok(Self {
            length: u8::try_from(raw.len()).map_err(|_| CardUidError::Length(raw.len()))?,
            bytes,
        })
    }

    /// Reads hexadecimal digits; spaces, `:` and `-` between bytes are allowed.
    pub fn parse(text: &str) -> Result<Self, CardUidError> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|letter| !matches!(letter, ' ' | ':' | '-'))
            .map(|letter| {
                letter
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
                    .ok_or(CardUidError::Digits)
            })
            .collect::<Result<_, _>>()?;
        if digits.len() % 2 == 1 {
            return Err(CardUidError::Digits);
        }
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        Self::from_bytes(&bytes)
    }

    /// The bytes, most significant first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The number in full, upper case; for sealing and for the person who holds the card, never for logs.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.as_bytes()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect()
    }

    /// The number as a reader sees it that gives only its last bytes; none if there are no more than that.
    #[must_use]
    pub fn last_bytes(&self, count: u8) -> Option<Self> {
        let first = self.length.checked_sub(count).filter(|first| *first > 0)?;
        Self::from_bytes(&self.as_bytes()[usize::from(first)..]).ok()
    }

    /// The last four digits, for people to compare.
    #[must_use]
    pub fn last_digits(&self) -> String {
        let text = self.reveal();
        text[text.len() - 4..].to_owned()
    }
}

impl fmt::Debug for CardUid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CardUid(…{})", self.last_digits())
    }
}

impl Drop for CardUid {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The key under which one zone knows its cards; secret.
#[derive(Clone, PartialEq, Eq, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct CardKey(pub [u8; 32]);

impl fmt::Debug for CardKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CardKey(secret)")
    }
}

/// How a zone's list names a card: the first 8 bytes of HMAC-SHA-256 of the canonical UID under the zone's card key.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode,
)]
#[cbor(transparent)]
pub struct CardToken(#[cbor(with = "minicbor::bytes")] pub [u8; 8]);

impl CardToken {
    /// The token of a card in the zone that owns the key.
    #[must_use]
    pub fn of(uid: &CardUid, key: &CardKey) -> Self {
        // The length goes first, so that no number is the beginning of another.
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
        mac.update(&[uid.length]);
        mac.update(uid.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut token = [0; 8];
        token.copy_from_slice(&digest[..8]);
        Self(token)
    }
}

impl fmt::Display for CardToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_card_written_in_many_ways_is_one_card() {
        let plain = CardUid::parse("0415AB3C").expect("valid");
        for text in ["04:15:ab:3c", "04 15 AB 3C", "04-15-AB-3c"] {
            assert_eq!(CardUid::parse(text), Ok(plain.clone()));
        }
        assert_eq!(plain.reveal(), "0415AB3C");
    }

    #[test]
    fn what_is_no_card_number_is_refused() {
        assert_eq!(CardUid::parse("0415"), Err(CardUidError::Length(2)));
        assert_eq!(CardUid::parse("0415A"), Err(CardUidError::Digits));
        assert_eq!(CardUid::parse("0415AX"), Err(CardUidError::Digits));
        assert_eq!(CardUid::from_bytes(&[0; 4]), Err(CardUidError::Blank));
        assert_eq!(CardUid::from_bytes(&[1; 11]), Err(CardUidError::Length(11)));
    }

    #[test]
    fn a_reader_may_see_only_the_last_bytes_of_a_card() {
        let uid = CardUid::parse("0415AB3C01").expect("valid");
        let last = |count| uid.last_bytes(count).map(|uid| uid.reveal());
        assert_eq!(last(3).as_deref(), Some("AB3C01"));
        assert_eq!(last(4).as_deref(), Some("15AB3C01"));
        for all_few_or_many in [0, 2, 5, 6, 255] {
            assert_eq!(last(all_few_or_many), None);
        }
        let blank = CardUid::parse("0415000000").expect("valid");
        assert_eq!(blank.last_bytes(3), None);
    }

    #[test]
    fn debug_shows_only_the_last_digits() {
        let uid = CardUid::parse("0415AB3C").expect("valid");
        assert_eq!(format!("{uid:?}"), "CardUid(…AB3C)");
    }

    #[test]
    fn a_token_depends_on_the_key_and_on_every_byte() {
        let (one, two) = (CardKey([1; 32]), CardKey([2; 32]));
        let uid = CardUid::parse("0415AB3C").expect("valid");
        let longer = CardUid::parse("0415AB3C00").expect("valid");
        assert_ne!(CardToken::of(&uid, &one), CardToken::of(&uid, &two));
        assert_ne!(CardToken::of(&uid, &one), CardToken::of(&longer, &one));
        assert_eq!(CardToken::of(&uid, &one), CardToken::of(&uid.clone(), &one));
    }
}
