//! How people and readers write the number of a card.

use shared::card::{CardUid, CardUidError};
use zeroize::Zeroizing;

/// In which way a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Hexadecimal digits, like `04A1B2C3`: as our own readers tell it.
    #[default]
    Hex,
    /// Hexadecimal digits, the last byte first, like `C3B2A104`.
    HexReversed,
    /// One decimal number, like `0077705923`: what many readers at a desk type, and what is printed on many fobs.
    Decimal,
    /// The decimal number of the bytes in reverse.
    DecimalReversed,
    /// Site and number in decimal, like `161,45763`: three bytes, as of Wiegand with 26 bits.
    Site,
}

/// Why a text is no number of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// In hexadecimal digits.
    #[error(transparent)]
    Hex(#[from] CardUidError),
    /// As one number.
    #[error("a decimal card number has 1 to 17 digits and nothing else")]
    Decimal,
    /// As two numbers.
    #[error("site and number are written like 161,45763: up to 255, and up to 65535")]
    Site,
}

impl Format {
    /// Every format with its word.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Hex, "hex"),
        (Self::Decimal, "decimal"),
        (Self::Site, "site"),
        (Self::HexReversed, "hex_reversed"),
        (Self::DecimalReversed, "decimal_reversed"),
    ];

    /// Reads a number as it was typed.
    pub fn read(self, text: &str) -> Result<CardUid, NumberError> {
        let text = text.trim();
        match self {
            Self::Hex => Ok(CardUid::parse(text)?),
            Self::HexReversed => reversed(&CardUid::parse(text)?),
            Self::Decimal => decimal(text),
            Self::DecimalReversed => reversed(&decimal(text)?),
            Self::Site => site(text).ok_or(NumberError::Site),
        }
    }
}

fn reversed(uid: &CardUid) -> Result<CardUid, NumberError> {
    let bytes: Zeroizing<Vec<u8>> = uid
        .as_bytes()
        .iter()
        .rev()
        .copied()
        .collect::<Vec<_>>()
        .into();
    Ok(CardUid::from_bytes(&bytes)?)
}

/// Cards have four, five or seven bytes: the fewest that hold the number.
fn decimal(text: &str) -> Result<CardUid, NumberError> {
    let digits = (1..=17).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = text.parse().map_err(|_| NumberError::Decimal)?;
    let size = [4_u32, 5, 7]
        .into_iter()
        .find(|size| number >> (8 * size) == 0);
    let size = size.filter(|_| digits).ok_or(NumberError::Decimal)?;
    let bytes = Zeroizing::new(number.to_be_bytes());
    let first = bytes.len() - usize::try_from(size).unwrap_or(bytes.len());
    Ok(CardUid::from_bytes(&bytes[first..])?)
}

fn site(text: &str) -> Option<CardUid> {
    let (site, number) = text.split_once([',', ':', ' '])?;
    let site: u8 = site.trim().parse().ok()?;
    let [high, low] = number.trim().parse::<u16>().ok()?.to_be_bytes();
    CardUid::from_bytes(&[site, high, low]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_card_is_written_in_many_ways() {
        for (format, text, number) in [
            (Format::Hex, " 04:a1:b2:c3 ", "04A1B2C3"),
            (Format::HexReversed, "C3B2A104", "04A1B2C3"),
            (Format::Decimal, "0077705923", "04A1B2C3"),
            (Format::DecimalReversed, "3283263748", "04A1B2C3"),
            (Format::Site, "161,45763", "A1B2C3"),
            (Format::Decimal, "0007742345", "00762389"),
            (Format::Decimal, "17530594764", "0414E7A5CC"),
        ] {
            let read = format.read(text).map(|uid| uid.reveal());
            assert_eq!(read.as_deref(), Ok(number), "{format:?} {text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for (format, text) in [
            (Format::Hex, "0077705923x"),
            (Format::Decimal, ""),
            (Format::Decimal, "04A1"),
            (Format::Decimal, "+77705923"),
            (Format::Decimal, "0"),
            (Format::Decimal, "99999999999999999"),
            (Format::Site, "256,1"),
            (Format::Site, "1,65536"),
            (Format::Site, "77705923"),
        ] {
            assert!(format.read(text).is_err(), "{format:?} {text}");
        }
    }

    #[test]
    fn every_format_has_a_word_that_is_read() {
        for (format, word) in Format::ALL {
            let read = serde_json::from_value(serde_json::json!(word));
            assert_eq!(read.ok(), Some(format));
        }
    }
}
