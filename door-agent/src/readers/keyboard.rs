//! Readers that type: a USB keyboard that presses the keys of a number, and Enter.
//!
//! Key codes are those of Linux (`input-event-codes.h`); they name places on a keyboard, so a reader that is set to
//! another country's layout presses the same digits.

use super::{Ascii, Parser, Read, Rejection};
use crate::config::Number;

/// How the kernel says that a key went down; 0 is up, and 2 that it is still down.
const DOWN: i32 = 1;
const ENTER: u16 = 28;
const KEYPAD_ENTER: u16 = 96;
/// Shift on both sides, and the locks: letters mean the same in either case.
const CASE: [u16; 4] = [42, 54, 58, 69];

/// Eats key codes.
pub struct Keyboard(Ascii);

impl Keyboard {
    /// Before the first key of a number.
    #[must_use]
    pub fn new(number: Number) -> Self {
        Self(Ascii::new(number.into()))
    }

    /// Takes what the kernel says of a key.
    pub fn push(&mut self, code: u16, value: i32, out: &mut Vec<Read>) {
        if value == DOWN && !CASE.contains(&code) {
            self.0.push(&[letter(code)], out);
        }
    }

    /// There was no key for longer than a reader pauses: what was typed is no number.
    pub fn silence(&mut self, out: &mut Vec<Read>) {
        if self.0.give_up() {
            out.push(Read::Rejected(Rejection::NoEnter));
        }
    }

    /// Whether no number has begun.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.is_idle()
    }
}

/// What a key writes, as far as it can be in a number; anything else is told when the line ends.
fn letter(code: u16) -> u8 {
    match code {
        ENTER | KEYPAD_ENTER => b'\n',
        2..=10 => b"123456789"[usize::from(code) - 2],
        11 => b'0',
        71..=73 => b"789"[usize::from(code) - 71],
        75..=77 => b"456"[usize::from(code) - 75],
        79..=81 => b"123"[usize::from(code) - 79],
        82 => b'0',
        30 => b'a',
        48 => b'b',
        46 => b'c',
        32 => b'd',
        18 => b'e',
        33 => b'f',
        // Minus, tab, colon, dot and blank, as between the bytes of a line.
        12 | 74 => b'-',
        15 => b'\t',
        39 => b':',
        52 | 83 => b'.',
        57 => b' ',
        _ => b'?',
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared::card::CardUid;

    /// The codes of the top row's digits, and of the letters of hexadecimal digits.
    fn code(letter: char) -> u16 {
        let codes = [
            ('0', 11),
            ('A', 30),
            ('B', 48),
            ('C', 46),
            ('D', 32),
            ('E', 18),
            ('F', 33),
            (':', 39),
            ('\n', ENTER),
        ];
        match letter {
            '1'..='9' => u16::from(u8::try_from(letter).expect("a digit") - b'1') + 2,
            letter => codes
                .into_iter()
                .find_map(|(known, code)| (known == letter).then_some(code))
                .expect("a key of a number"),
        }
    }

    fn type_text(keyboard: &mut Keyboard, text: &str, out: &mut Vec<Read>) {
        for letter in text.chars() {
            keyboard.push(code(letter), 1, out);
            keyboard.push(code(letter), 0, out);
        }
    }

    /// What is read of this text, typed.
    pub(in crate::readers) fn typed(number: Number, text: &str) -> Vec<Read> {
        let (mut keyboard, mut out) = (Keyboard::new(number), Vec::new());
        type_text(&mut keyboard, text, &mut out);
        out
    }

    fn uid(text: &str) -> Read {
        Read::Card(CardUid::parse(text).expect("a good number"))
    }

    #[test]
    fn a_typed_number_is_the_card_it_says() {
        assert_eq!(typed(Number::Decimal, "0141061357\n"), [uid("08686CED")]);
        assert_eq!(typed(Number::Hex, "04:A1:B2:C3\n"), [uid("04A1B2C3")]);
        assert_eq!(
            typed(Number::Hex, "0123456789ABCDEF\n"),
            [uid("0123456789ABCDEF")]
        );
    }

    #[test]
    fn the_number_block_types_the_same_digits() {
        let (mut keyboard, mut out) = (Keyboard::new(Number::Decimal), Vec::new());
        // 0141061357 and Enter.
        for code in [82, 79, 75, 79, 82, 77, 79, 81, 76, 71, KEYPAD_ENTER] {
            keyboard.push(code, 1, &mut out);
        }
        assert_eq!(out, [uid("08686CED")]);
    }

    #[test]
    fn capitals_and_keys_held_down_change_nothing() {
        let (mut keyboard, mut out) = (Keyboard::new(Number::Hex), Vec::new());
        for letter in "04A1B2C3\n".chars() {
            keyboard.push(42, 1, &mut out);
            keyboard.push(code(letter), 1, &mut out);
            for _ in 0..100 {
                keyboard.push(code(letter), 2, &mut out);
            }
            keyboard.push(code(letter), 0, &mut out);
            keyboard.push(42, 0, &mut out);
        }
        assert_eq!(out, [uid("04A1B2C3")]);
    }

    #[test]
    fn a_key_that_is_no_digit_and_a_number_without_enter_are_told() {
        let (mut keyboard, mut out) = (Keyboard::new(Number::Hex), Vec::new());
        keyboard.push(16, 1, &mut out);
        type_text(&mut keyboard, "04A1B2C3\n", &mut out);
        type_text(&mut keyboard, "04A1", &mut out);
        assert!(!keyboard.is_idle());
        keyboard.silence(&mut out);
        keyboard.silence(&mut out);
        assert!(keyboard.is_idle());
        type_text(&mut keyboard, "04A1B2C3\n", &mut out);
        let rejected = Read::Rejected;
        assert_eq!(
            out,
            [
                rejected(Rejection::NotDigits),
                rejected(Rejection::NoEnter),
                uid("04A1B2C3")
            ]
        );
    }

    proptest! {
        #[test]
        fn after_any_keys_and_a_silence_the_next_number_is_read(
            keys in prop::collection::vec((any::<u16>(), -1..3), 0..200),
        ) {
            let (mut keyboard, mut out) = (Keyboard::new(Number::Hex), Vec::new());
            for (code, value) in keys {
                keyboard.push(code, value, &mut out);
            }
            keyboard.silence(&mut out);
            let before = out.len();
            type_text(&mut keyboard, "04A1B2C3\n", &mut out);
            prop_assert_eq!(&out[before..], &[uid("04A1B2C3")]);
        }
    }
}
