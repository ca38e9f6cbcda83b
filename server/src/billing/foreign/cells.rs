//! Cells as people and spreadsheets write them: days, card numbers, amounts.

use super::trouble::Trouble;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use shared::card::CardUid;

/// Which number of `03/04/2026` is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayOrder {
    /// The first.
    DayFirst,
    /// The second.
    MonthFirst,
}

impl DayOrder {
    /// The month comes first where a second number is none.
    pub fn guess<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let second = |cell: &str| cell.split('/').nth(1)?.trim().parse::<i8>().ok();
        let mut seconds = cells.filter_map(second);
        if seconds.any(|number| number > 12) {
            Self::MonthFirst
        } else {
            Self::DayFirst
        }
    }
}

/// A day: `2026-12-31`, `31.12.2026`, `31.12.26`, `31/12/2026`, with or without a time of day, or a spreadsheet's number
/// of days since 1899-12-30.
pub fn day(cell: &str, order: DayOrder) -> Option<Date> {
    let text = cell.split([' ', 'T']).next()?;
    if let Ok(days @ 20_000..=80_000) = text.parse::<i32>() {
        return date(1899, 12, 30).checked_add(days.days()).ok();
    }
    let separator = ['.', '/', '-']
        .into_iter()
        .find(|mark| text.contains(*mark))?;
    let parts: Vec<i16> = text
        .split(separator)
        .map(|part| part.trim().parse().ok())
        .collect::<Option<_>>()?;
    let [a, b, c] = parts[..] else {
        return None;
    };
    let (year, month, day) = match (a > 31, separator, order) {
        (true, _, _) => (a, b, c),
        (false, '/', DayOrder::MonthFirst) => (c, a, b),
        (false, _, _) => (c, b, a),
    };
    let year = if (0..100).contains(&year) {
        2000 + year
    } else {
        year
    };
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// How card numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardForm {
    /// `04A1B2C3`, as readers show it.
    Hexadecimal,
    /// `0077705923`: the same as one decimal number, as it is printed on many cards.
    Decimal,
    /// `118,02135`: three and five decimal digits of Wiegand 26.
    Wiegand,
}

impl CardForm {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Hexadecimal, Self::Decimal, Self::Wiegand];

    /// The word in forms and queries.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hexadecimal => "hexadecimal",
            Self::Decimal => "decimal",
            Self::Wiegand => "wiegand",
        }
    }

    /// By how all cells of a column look. Of three numbers in hexadecimal digits at least one has a letter.
    pub fn guess<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let cells: Vec<&str> = cells.collect();
        if !cells.is_empty() && cells.iter().all(|cell| wiegand(cell).is_some()) {
            return Self::Wiegand;
        }
        let numbers: Vec<&str> = cells.iter().flat_map(|cell| split(cell)).collect();
        let is_decimal = |number: &&str| number.bytes().all(|byte| byte.is_ascii_digit());
        let whole_bytes = |number: &&str| [8, 14].contains(&number.len());
        let few = numbers.len() < 3 && numbers.iter().all(whole_bytes);
        if numbers.iter().all(is_decimal) && !few {
            Self::Decimal
        } else {
            Self::Hexadecimal
        }
    }

    /// The card numbers in a cell.
    pub fn read(self, cell: &str) -> Result<Vec<CardUid>, Trouble> {
        if cell.to_uppercase().contains("E+") {
            return Err(Trouble::Rounded);
        }
        let one = |number: &str| match self {
            Self::Hexadecimal => hexadecimal(number),
            Self::Decimal => decimal(number),
            Self::Wiegand => wiegand(number),
        };
        let numbers = match self {
            Self::Wiegand => cell.split_whitespace().collect(),
            Self::Hexadecimal | Self::Decimal => split(cell),
        };
        let cards: Option<Vec<CardUid>> = numbers.into_iter().map(one).collect();
        cards.ok_or(match self {
            Self::Hexadecimal => Trouble::Hexadecimal,
            Self::Decimal => Trouble::Decimal,
            Self::Wiegand => Trouble::Wiegand,
        })
    }
}

/// Several cards in one cell; pairs of digits with spaces between are one.
fn split(cell: &str) -> Vec<&str> {
    let pairs = cell.split_whitespace().all(|part| part.len() <= 2);
    if pairs && cell.contains(' ') {
        return vec![cell];
    }
    let parts = cell.split([' ', ',', ';', '|', '/', '\n']);
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

/// With the zero that a spreadsheet takes from the front.
fn hexadecimal(text: &str) -> Option<CardUid> {
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    let zero = if digits % 2 == 1 { "0" } else { "" };
    CardUid::parse(&format!("{zero}{text}")).ok()
}

/// As many bytes as cards have that hold such a number: 4, 5 or 7.
fn decimal(text: &str) -> Option<CardUid> {
    let number: u64 = text.parse().ok()?;
    let bytes = number.to_be_bytes();
    let length = [4, 5, 7]
        .into_iter()
        .find(|length| number < 1 << (8 * length))?;
    CardUid::from_bytes(&bytes[8 - length..]).ok()
}

fn wiegand(text: &str) -> Option<CardUid> {
    let (facility, number) = text.trim().split_once([',', ':'])?;
    let facility: u8 = facility.trim().parse().ok()?;
    let [high, low] = number.trim().parse::<u16>().ok()?.to_be_bytes();
    CardUid::from_bytes(&[facility, high, low]).ok()
}

/// An amount as [`crate::money::read`] wants it: `1.234,5 €` is `1234.50`.
pub fn amount(cell: &str) -> String {
    let mark = |letter: &char| letter.is_ascii_digit() || matches!(letter, '.' | ',' | '-');
    let text: String = cell.chars().filter(mark).collect();
    let cut = text.rfind(['.', ',']).filter(|at| text.len() - at <= 3);
    let (whole, part) = cut.map_or((text.as_str(), ""), |at| (&text[..at], &text[at + 1..]));
    let whole = whole.replace(['.', ','], "");
    match part.len() {
        0 => whole,
        1 => format!("{whole}.{part}0"),
        _ => format!("{whole}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_and_spreadsheets_write_them() {
        let last = date(2026, 12, 31);
        for text in [
            "2026-12-31",
            "31.12.2026",
            "31.12.26",
            "31/12/2026",
            "31.12.2026 00:00:00",
            "2026-12-31T00:00:00",
            "46387",
        ] {
            assert_eq!(day(text, DayOrder::DayFirst), Some(last), "{text}");
        }
        let american = DayOrder::guess(["1/2/2026", "12/31/2026"].into_iter());
        assert_eq!(day("12/31/2026", american), Some(last));
        for text in [
            "",
            "soon",
            "31.02.2026",
            "12",
            "31.12",
            "2026-13-01",
            "1.2.3.4",
        ] {
            assert_eq!(day(text, DayOrder::DayFirst), None, "{text}");
        }
    }

    #[test]
    fn a_card_is_the_same_card_in_every_form() {
        let read = |form: CardForm, cell: &str| -> Vec<String> {
            let cards = form.read(cell).expect("card numbers");
            cards.iter().map(CardUid::reveal).collect()
        };
        let hex = CardForm::Hexadecimal;
        assert_eq!(read(hex, "04a1b2c3"), ["04A1B2C3"]);
        assert_eq!(read(hex, "04 A1 B2 C3"), ["04A1B2C3"]);
        assert_eq!(read(hex, "4A1B2C3"), ["04A1B2C3"], "a zero was lost");
        assert_eq!(read(hex, "04A1B2C3; 04A1B2C4"), ["04A1B2C3", "04A1B2C4"]);
        assert_eq!(read(CardForm::Decimal, "0077705923"), ["04A1B2C3"]);
        assert_eq!(read(CardForm::Decimal, "77705923"), ["04A1B2C3"]);
        assert_eq!(read(CardForm::Decimal, "17547223491"), ["0415E561C3"]);
        assert_eq!(read(CardForm::Wiegand, "118,02135"), ["760857"]);
        for (form, cell) in [
            (hex, "4,01E+07"),
            (hex, "xyz"),
            (hex, "04"),
            (CardForm::Decimal, "04A1"),
            (CardForm::Decimal, "0"),
            (CardForm::Wiegand, "300,1"),
            (CardForm::Wiegand, "118"),
        ] {
            assert!(form.read(cell).is_err(), "{cell}");
        }
    }

    #[test]
    fn the_form_is_told_by_all_numbers_of_a_column() {
        let guess = |cells: &[&'static str]| CardForm::guess(cells.iter().copied());
        assert_eq!(guess(&["04151234", "04A1B2C3"]), CardForm::Hexadecimal);
        assert_eq!(guess(&["04151234"]), CardForm::Hexadecimal);
        let many = ["77705923", "77705924", "12345678"];
        assert_eq!(guess(&many), CardForm::Decimal);
        assert_eq!(guess(&["0077705923"]), CardForm::Decimal);
        assert_eq!(guess(&["118,02135", "12,00001"]), CardForm::Wiegand);
        assert_eq!(guess(&["04 A1 B2 C4"]), CardForm::Hexadecimal);
    }

    #[test]
    fn amounts_are_read_with_points_and_commas() {
        for (text, read) in [
            ("40", "40"),
            ("40,00", "40.00"),
            ("40.5", "40.50"),
            ("1.234,50 €", "1234.50"),
            ("€1,234.50", "1234.50"),
            ("1.234", "1234"),
        ] {
            assert_eq!(amount(text), read, "{text}");
        }
    }
}
