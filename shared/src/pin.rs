//! PINs: what is typed after a card, and what a zone's list keeps of it.

use crate::card::{CardKey, CardToken};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use std::ops::RangeInclusive;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// How many digits a PIN has; EN 60839-11-1 asks for at least four.
pub const DIGITS: RangeInclusive<usize> = 4..=8;

/// The digits that a member types after the card; secret.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Pin(String);

/// Digits that are no PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Something else than digits, or too few or too many of them.
    #[error("a PIN is {} to {} digits", DIGITS.start(), DIGITS.end())]
    Digits,
    /// The first that anybody would try.
    #[error(
        "this PIN is among the first that anybody would try: take one that is no run and not one digit only"
    )]
    Guessable,
}

impl Pin {
    /// A PIN that a member may have.
    ///
    /// # Errors
    /// If it is not four to eight digits, all the same digit, or a run like 1234 or 8765.
    pub fn choose(digits: &str) -> Result<Self, PinError> {
        let pin = Self::typed(digits).ok_or(PinError::Digits)?;
        let steps = |step: i16| {
            let digits = pin.0.as_bytes();
            digits
                .windows(2)
                .all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step)
        };
        if [-1, 0, 1].into_iter().any(steps) {
            return Err(PinError::Guessable);
        }
        Ok(pin)
    }

    /// What was typed at a door; none if it cannot be anybody's PIN.
    #[must_use]
    pub fn typed(digits: &str) -> Option<Self> {
        let valid =
            DIGITS.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        valid.then(|| Self(digits.to_owned()))
    }

    /// The digits; for sealing, never for logs.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pin(secret)")
    }
}

/// What a zone's list keeps of a PIN: the first 8 bytes of HMAC-SHA-256 of "pin", the card's token and the digits under
/// the zone's card key.
///
/// It tells nobody the digits who lacks the key; whoever steals a door's Pi has the key and can try all digits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode,
)]
#[cbor(transparent)]
pub struct PinVerifier(#[cbor(with = "minicbor::bytes")] pub [u8; 8]);

impl PinVerifier {
    /// The verifier of a PIN for one card of the zone that owns the key.
    #[must_use]
    pub fn of(pin: &Pin, token: CardToken, key: &CardKey) -> Self {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
        // A token's own HMAC begins with the length of a card number, which no letter is.
        mac.update(b"pin");
        mac.update(&token.0);
        mac.update(pin.0.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut verifier = [0; 8];
        verifier.copy_from_slice(&digest[..8]);
        Self(verifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_four_to_eight_digits_that_nobody_tries_first() {
        for digits in ["4711", "10000", "20252025", "1235"] {
            assert!(Pin::choose(digits).is_ok(), "{digits}");
        }
        for digits in ["", "471", "471100000", "47a1", "４７１１", "47 1"] {
            assert_eq!(Pin::choose(digits), Err(PinError::Digits), "{digits}");
        }
        for digits in ["0000", "7777777", "1234", "345678", "9876", "3210"] {
            assert_eq!(Pin::choose(digits), Err(PinError::Guessable), "{digits}");
        }
        assert!(Pin::typed("1234").is_some(), "typed is not chosen");
    }

    #[test]
    fn a_verifier_depends_on_digits_card_and_zone() {
        let pin = |digits| Pin::typed(digits).expect("digits");
        let (token, key) = (CardToken([1; 8]), CardKey([2; 32]));
        let verifier = PinVerifier::of(&pin("4711"), token, &key);
        assert_eq!(verifier, PinVerifier::of(&pin("4711"), token, &key));
        for other in [
            PinVerifier::of(&pin("4712"), token, &key),
            PinVerifier::of(&pin("47110"), token, &key),
            PinVerifier::of(&pin("4711"), CardToken([3; 8]), &key),
            PinVerifier::of(&pin("4711"), token, &CardKey([4; 32])),
        ] {
            assert_ne!(verifier, other);
        }
        assert_eq!(format!("{:?}", pin("4711")), "Pin(secret)");
    }
}
