//! A table of members as another system or a spreadsheet wrote it: what its columns are is recognised, or said.

mod cells;
mod line;
mod trouble;

pub use cells::CardForm;
pub use trouble::Trouble;

use super::roll::Row;
use crate::said::Said;
use cells::DayOrder;
use encoding_rs::{Encoding, WINDOWS_1252};
use line::{Line, Seen};
use shared::ids::MembershipTypeId;
use std::collections::BTreeMap;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// The whole name.
    Name,
    /// The first part of it.
    FirstName,
    /// The last part of it.
    LastName,
    /// The mail address.
    Mail,
    /// Numbers of cards.
    Cards,
    /// The membership type, by its id or its name.
    Membership,
    /// The last day that was paid for.
    PaidUntil,
    /// How much was paid.
    Amount,
    /// In which currency.
    Currency,
}

/// The word of a meaning, and how columns of it are called elsewhere, in letters and digits alone.
#[rustfmt::skip]
const CALLED: [(Meaning, &str, &str); 9] = [
    (Meaning::Name, "name", "name fullname vollername mitglied member membername"),
    (Meaning::FirstName, "first_name", "firstname vorname givenname first"),
    (Meaning::LastName, "last_name", "lastname nachname surname familienname familyname zuname last"),
    (Meaning::Mail, "mail", "mail email emailaddress mailaddress emailadresse mailadresse"),
    (Meaning::Cards, "cards", "card cards cardnumber cardnumbers cardid karte karten kartennummer rfid uid rfiduid rfidtag \
        chip chipnummer transponder fob keyfob tag badge token"),
    (Meaning::Membership, "membership", "membership membershiptype membershiplevel type plan tier level mitgliedschaft tarif \
        mitgliedsart beitragsart typ"),
    (Meaning::PaidUntil, "paid_until", "paiduntil paidtill paidthrough validuntil expires expiry expirydate expirationdate \
        enddate until bezahltbis gültigbis gueltigbis bis ablauf ablaufdatum"),
    (Meaning::Amount, "amount", "amount betrag beitrag fee price preis"),
    (Meaning::Currency, "currency", "currency währung waehrung"),
];

impl Meaning {
    /// Every meaning.
    pub fn all() -> impl Iterator<Item = Self> {
        CALLED.into_iter().map(|(meaning, ..)| meaning)
    }

    /// The word in forms and queries.
    #[must_use]
    pub fn word(self) -> &'static str {
        let called = CALLED.iter().find(|(meaning, ..)| *meaning == self);
        called.map_or("", |(_, word, _)| word)
    }

    /// What a column of this name holds, as far as that is recognised.
    #[must_use]
    pub fn guess(header: &str) -> Option<Self> {
        let lower = header.to_lowercase();
        let plain: String = lower
            .chars()
            .filter(|letter| letter.is_alphanumeric())
            .collect();
        let mut called = CALLED.iter();
        let called = called.find(|(.., names)| names.split(' ').any(|name| name == plain));
        called.map(|(meaning, ..)| *meaning)
    }
}

/// A table as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The first line.
    pub header: Vec<String>,
    /// The others that are not empty, by where they stand in the file.
    pub rows: Vec<(u64, Vec<String>)>,
}

/// What is wrong with a row; it never repeats what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which line of the file, counted from 1.
    pub line: u64,
    /// The column's name; none: the whole row.
    pub column: Option<String>,
    /// What.
    pub what: Trouble,
}

/// The text of a file: UTF-8 or UTF-16 if it says so, else UTF-8 if it is, else as Excel writes in western Europe
/// (encoding.spec.whatwg.org).
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let text = encoding.decode_without_bom_handling(&bytes[length..]);
        return text.0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}

impl Table {
    /// Reads comma-separated values, or what stands between semicolons or tabulators (RFC 4180).
    ///
    /// # Errors
    /// If there is no table; says what is valid.
    pub fn read(text: &str) -> Result<Self, Said> {
        // The reader counts lines by what ends them.
        let text = text.replace("\r\n", "\n");
        let first = text.lines().next().unwrap_or_default();
        let count = |mark: &u8| first.bytes().filter(|byte| byte == mark).count();
        let mark = [b'\t', b';', b','].into_iter().max_by_key(count);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(mark.unwrap_or(b','))
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let unreadable = || Said::of("refused-a-table");
        let header = reader.headers().map_err(|_| unreadable())?;
        let header: Vec<String> = header.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|_| unreadable())?;
            let line = record.position().map_or(0, csv::Position::line);
            let cells: Vec<String> = record.iter().map(str::to_owned).collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                rows.push((line, cells));
            }
        }
        if header.iter().all(String::is_empty) || rows.is_empty() {
            return Err(unreadable());
        }
        Ok(Self { header, rows })
    }

    /// What the columns hold, as far as their names are recognised; each meaning once.
    #[must_use]
    pub fn guess(&self) -> Vec<Option<Meaning>> {
        let mut known = Vec::new();
        for header in &self.header {
            let meaning = Meaning::guess(header);
            known.push(meaning.filter(|meaning| !known.contains(&Some(*meaning))));
        }
        known
    }

    fn column(&self, at: Option<&usize>) -> impl Iterator<Item = &str> {
        let at = at.copied();
        let cells = self.rows.iter();
        let cells = cells.filter_map(move |(_, cells)| Some(cells.get(at?)?.as_str()));
        cells.filter(|cell| !cell.is_empty())
    }
}

/// How a table is to be understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// What the columns hold, in their order; none: as recognised.
    pub columns: Option<Vec<Option<Meaning>>>,
    /// How card numbers are written; none: as recognised.
    pub cards: Option<CardForm>,
    /// The type of rows that name none.
    pub membership: Option<MembershipTypeId>,
    /// The currency of amounts that name none (ISO 4217, lower case).
    pub currency: Option<String>,
    /// Types by what people call them, in lower case.
    pub types: BTreeMap<String, MembershipTypeId>,
}

/// A table as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// What the columns hold.
    pub columns: Vec<Option<Meaning>>,
    /// How card numbers are written.
    pub cards: CardForm,
    /// Rows that can be taken over.
    pub rows: Vec<Row>,
    /// What is wrong with the others.
    pub faults: Vec<Fault>,
}

impl Understood {
    /// What is wrong with a line.
    #[must_use]
    pub fn fault(&self, table: &Table, line: u64, what: Trouble) -> Fault {
        let mut columns = self.columns.iter();
        let at = columns.position(|column| *column == Some(what.column()));
        let column = at.and_then(|at| table.header.get(at)).cloned();
        Fault { line, column, what }
    }
}

/// Understands a table row by row.
#[must_use]
pub fn understand(table: &Table, reading: &Reading) -> Understood {
    let columns = reading.columns.clone().unwrap_or_else(|| table.guess());
    let places = columns.iter().enumerate();
    let places: BTreeMap<Meaning, usize> = places
        .filter_map(|(at, meaning)| Some(((*meaning)?, at)))
        .collect();
    let cards = table.column(places.get(&Meaning::Cards));
    let cards = reading.cards.unwrap_or_else(|| CardForm::guess(cards));
    let order = DayOrder::guess(table.column(places.get(&Meaning::PaidUntil)));
    let mut understood = Understood {
        columns,
        cards,
        rows: Vec::new(),
        faults: Vec::new(),
    };
    let mut seen = Seen::default();
    for (number, cells) in &table.rows {
        let line = Line {
            number: *number,
            cells,
            places: &places,
            reading,
        };
        match line.read(cards, order).and_then(|row| seen.take(row)) {
            Ok(row) => understood.rows.push(row),
            Err(wrong) => {
                for what in wrong {
                    let fault = understood.fault(table, *number, what);
                    understood.faults.push(fault);
                }
            }
        }
    }
    understood
}

#[cfg(test)]
mod tests;
