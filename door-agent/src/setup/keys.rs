//! Keyboards, one of which may be a reader. None is grabbed: one of them may be the person's own.

use super::serial::{first_card, is_rather_decimal};
use crate::config::Number;
use crate::listeners::PAUSE;
use crate::readers::{Keyboard, Read};
use evdev::{Device, EventStream, EventSummary};
use shared::card::CardUid;
use std::io;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::SystemTime;

/// How the kernel says that a key went down.
const DOWN: i32 = 1;
/// A reader types so many digits, and Enter; a person who answers a question types fewer.
const FEWEST: usize = 8;

/// A keyboard that is listened at.
pub struct Keys {
    /// As the settings name it.
    pub device: PathBuf,
    events: EventStream,
    typed: Typed,
}

impl Keys {
    /// Listens at `path`, which the settings will call `device`.
    pub fn open(device: PathBuf, path: &Path) -> io::Result<Self> {
        Ok(Self {
            device,
            events: Device::open(path)?.into_event_stream()?,
            typed: Typed::default(),
        })
    }

    /// A card that was typed; a keyboard that is gone types nothing.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<(Number, CardUid)> {
        while let Poll::Ready(Ok(event)) = self.events.poll_event(context) {
            let at = event.timestamp();
            if let EventSummary::Key(_, code, value) = event.destructure()
                && let Some(card) = self.typed.push(code.code(), value, at)
            {
                return Poll::Ready(card);
            }
        }
        Poll::Pending
    }
}

/// Both kinds of number at once.
struct Typed {
    hex: Keyboard,
    decimal: Keyboard,
    last: SystemTime,
    keys: usize,
}

impl Default for Typed {
    fn default() -> Self {
        Self {
            hex: Keyboard::new(Number::Hex),
            decimal: Keyboard::new(Number::Decimal),
            last: SystemTime::UNIX_EPOCH,
            keys: 0,
        }
    }
}

impl Typed {
    fn push(&mut self, code: u16, value: i32, at: SystemTime) -> Option<(Number, CardUid)> {
        // What a person typed long ago belongs to no card.
        let is_late = at.duration_since(self.last).is_ok_and(|gap| gap > PAUSE);
        self.last = at;
        if is_late {
            self.keys = 0;
        }
        let read = |keyboard: &mut Keyboard| {
            let mut reads: Vec<Read> = Vec::new();
            if is_late {
                keyboard.silence(&mut reads);
            }
            keyboard.push(code, value, &mut reads);
            first_card(reads)
        };
        let cards = (read(&mut self.hex), read(&mut self.decimal));
        self.keys += usize::from(value == DOWN);
        if self.hex.is_idle() && std::mem::take(&mut self.keys) <= FEWEST {
            return None;
        }
        match cards {
            (Some(hex), Some(_)) if !is_rather_decimal(&hex) => Some((Number::Hex, hex)),
            (_, Some(decimal)) => Some((Number::Decimal, decimal)),
            (Some(hex), None) => Some((Number::Hex, hex)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The keys of digits, of `a` to `f`, and of Enter.
    fn code(letter: char) -> u16 {
        match letter {
            '0' => 11,
            '1'..='9' => u16::try_from(letter.to_digit(10).expect("a digit") + 1).expect("small"),
            'a' => 30,
            'b' => 48,
            'c' => 46,
            'd' => 32,
            'e' => 18,
            'f' => 33,
            '\n' => 28,
            other => panic!("{other}"),
        }
    }

    /// Types with this pause between two keys.
    fn types(typed: &mut Typed, text: &str, pause: Duration) -> Option<(Number, String)> {
        let mut card = None;
        for letter in text.chars() {
            let at = typed.last + pause;
            for value in [1, 0] {
                card = card.or(typed.push(code(letter), value, at));
            }
        }
        card.map(|(number, card)| (number, card.reveal()))
    }

    #[test]
    fn a_card_that_is_typed_tells_how_its_number_is_meant() {
        let fast = Duration::from_millis(4);
        for (text, number, card) in [
            ("04a1b2c3\n", Number::Hex, "04A1B2C3"),
            ("12345678\n", Number::Hex, "12345678"),
            ("04a1b2c3d4e5f6\n", Number::Hex, "04A1B2C3D4E5F6"),
            ("62e3086ced\n", Number::Hex, "62E3086CED"),
            ("0012345678\n", Number::Decimal, "00BC614E"),
        ] {
            let heard = types(&mut Typed::default(), text, fast);
            assert_eq!(heard, Some((number, card.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_a_person_types_is_no_card() {
        let mut typed = Typed::default();
        let (fast, slow) = (Duration::from_millis(4), Duration::from_millis(600));
        assert_eq!(types(&mut typed, "1415\n", fast), None);
        assert_eq!(types(&mut typed, "0012345678\n", slow), None);
        // Begun and left, it spoils no card.
        assert_eq!(types(&mut typed, "12", fast), None);
        assert_eq!(types(&mut typed, "0", slow), None);
        let card = types(&mut typed, "012345678\n", fast);
        assert_eq!(card, Some((Number::Decimal, "00BC614E".to_owned())));
    }
}
