//! One card, every reader: what each of them sends for it, and what becomes of that.

use super::*;
use crate::config::Number;
use crate::readers::keyboard::tests::typed;
use crate::readers::mfrc522::tests::seen_by_chip;
use crate::readers::pn532::tests::listed;
use crate::readers::wiegand::tests::framed;
use proptest::prelude::*;

/// A way in which readers tell cards.
struct Way {
    name: &'static str,
    /// What the reader sends for this card, read by its parser.
    read: fn(&[u8]) -> Vec<Read>,
    /// How many bytes of the card's end it tells; all of them if none is said.
    keeps: Option<usize>,
    /// Of which lengths it sees cards at all.
    sees: fn(usize) -> bool,
}

const WAYS: &[Way] = &[
    Way {
        name: "RDM6300",
        read: |card| frame(Format::Rdm6300, card, b"\x03"),
        keeps: None,
        sees: |len| len == 5,
    },
    Way {
        name: "ID-12",
        read: |card| frame(Format::Id12, card, b"\r\n\x03"),
        keeps: None,
        sees: |len| len == 5,
    },
    Way {
        name: "hexadecimal line",
        read: |card| super::read(HEX, format!("{}\r\n", hex_digits(card)).as_bytes()),
        keeps: None,
        sees: |_| true,
    },
    Way {
        name: "decimal line",
        read: |card| {
            super::read(
                Format::Decimal,
                format!("{:010}\r\n", low(card, 4)).as_bytes(),
            )
        },
        keeps: Some(4),
        sees: |_| true,
    },
    Way {
        name: "typed hexadecimal digits",
        read: |card| typed(Number::Hex, &format!("{}\n", hex_digits(card))),
        keeps: None,
        sees: |_| true,
    },
    Way {
        name: "typed decimal number",
        read: |card| typed(Number::Decimal, &format!("{:010}\n", low(card, 4))),
        keeps: Some(4),
        sees: |_| true,
    },
    Way {
        name: "Wiegand 26",
        read: |card| framed(low(card, 3), 26),
        keeps: Some(3),
        sees: |_| true,
    },
    Way {
        name: "Wiegand 34",
        read: |card| framed(low(card, 4), 34),
        keeps: Some(4),
        sees: |_| true,
    },
    Way {
        name: "PN532",
        read: listed,
        keeps: None,
        sees: |len| len != 5,
    },
    Way {
        name: "MFRC522",
        read: seen_by_chip,
        keeps: None,
        sees: |len| len != 5,
    },
];

/// EM4100, and ISO/IEC 14443 type A of each size.
const CARDS: &[&[u8]] = &[
    &[0x62, 0xe3, 0x08, 0x6c, 0xed],
    &[0x1a, 0xda, 0x74, 0x44],
    &[0x04, 0x5d, 0x46, 0xb2, 0x50, 0x5d, 0x80],
    &[0x04, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18, 0x29],
];

fn hex_digits(card: &[u8]) -> String {
    card.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The last bytes as a number.
fn low(card: &[u8], bytes: usize) -> u64 {
    card[card.len() - bytes..]
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The frame that 125 kHz readers share, made from their data sheets' description.
fn frame(format: Format, card: &[u8], ending: &[u8]) -> Vec<Read> {
    let checksum = card.iter().fold(0, |sum, byte| sum ^ byte);
    let digits = format!("\x02{}{checksum:02X}", hex_digits(card));
    super::read(format, &[digits.as_bytes(), ending].concat())
}

/// The bytes of a card that this way tells.
fn told<'a>(way: &Way, card: &'a [u8]) -> &'a [u8] {
    let keeps = way.keeps.unwrap_or(card.len()).min(card.len());
    &card[card.len() - keeps..]
}

fn uid_of(way: &Way, card: &[u8]) -> Option<CardUid> {
    match &(way.read)(card)[..] {
        [Read::Card(uid)] => Some(uid.clone()),
        [Read::Rejected(Rejection::Uid(CardUidError::Blank) | Rejection::Random)] => None,
        other => panic!("{}: {other:?}", way.name),
    }
}

#[test]
fn one_card_is_one_number_at_every_reader_that_tells_all_of_it_and_its_end_at_the_others() {
    for card in CARDS {
        for way in WAYS.iter().filter(|way| (way.sees)(card.len())) {
            let uid = uid_of(way, card).expect("no card here is blank");
            let told = told(way, card);
            assert_eq!(uid.as_bytes(), told, "{}", way.name);
            // A reader of the same kind that writes its bytes in the other order.
            let mut turned = card.to_vec();
            turned.reverse();
            if way.keeps.is_none() && (way.sees)(card.len()) && turned[0] != 0x88 {
                let other = uid_of(way, &turned).expect("no card here is blank");
                assert_eq!(reversed(&other), uid, "{} with `reversed`", way.name);
            }
        }
    }
}

#[test]
fn a_number_made_up_anew_at_each_look_is_no_card_where_a_chip_read_it() {
    let chip = |way: &&Way| matches!(way.name, "PN532" | "MFRC522");
    assert_eq!(WAYS.iter().filter(chip).count(), 2);
    for card in [&[0x08, 0x68, 0x6c, 0xed][..], &[0x08, 0xff, 0x00, 0x01]] {
        for way in WAYS.iter().filter(|way| (way.sees)(4)) {
            if chip(&way) {
                assert_eq!((way.read)(card), [rejected(Rejection::Random)]);
            } else {
                assert!(uid_of(way, card).is_some(), "{} knows no better", way.name);
            }
        }
    }
    // Longer numbers that begin so are a maker's.
    for len in [7, 10] {
        let card = [&[0x08][..], &[0x21; 9]].concat();
        for way in WAYS.iter().filter(chip) {
            assert!(uid_of(way, &card[..len]).is_some(), "{}", way.name);
        }
    }
}

fn any_card() -> impl Strategy<Value = Vec<u8>> {
    // Bytes of few values, so that many cards share an end; 88 begins no card.
    let byte = || prop_oneof![Just(0_u8), Just(1), Just(0xff), 0_u8..0x88];
    prop_oneof![
        prop::collection::vec(byte(), 4..=5),
        prop::collection::vec(byte(), 7..=7),
        prop::collection::vec(byte(), 10..=10),
    ]
}

proptest! {
    /// Over all pairs of ways: if two cards come out as one, either they are one, or a way left out where they differ.
    #[test]
    fn two_cards_never_become_one_unless_a_reader_left_bytes_out(one in any_card(), other in any_card()) {
        for first in WAYS.iter().filter(|way| (way.sees)(one.len())) {
            for second in WAYS.iter().filter(|way| (way.sees)(other.len())) {
                let (uid, same) = (uid_of(first, &one), uid_of(second, &other));
                if uid.is_none() || uid != same || one == other {
                    continue;
                }
                prop_assert_eq!(told(first, &one), told(second, &other));
                prop_assert!(
                    told(first, &one).len() < one.len() || told(second, &other).len() < other.len(),
                    "{} and {}: {:02x?} and {:02x?}", first.name, second.name, one, other
                );
            }
        }
    }
}
