//! A list's entries as they lie in memory and on disk: sorted rows of one width, one for each card.
//!
//! What many cards have in common (state, rights, flags) is stored once, and rows name it by its place. In a long list
//! the first bytes of the tokens are left out of the rows: where each beginning starts is written in front of them, which
//! also leads a search to a few rows that lie side by side. A million cards with random holders take fourteen bytes each.
//!
//! The bytes, all numbers little-endian: how many bytes of each token are left out (1), bits of a holder (1), bits of the
//! place of its terms (1), a zero, the number of rows (4), the length of the terms (4); the terms in CBOR; where each
//! beginning starts and where the last one ends, counted in rows (4 each); the rows: the rest of the token, and in as few
//! bytes as hold both a number with the holder in its low bits and the place above it.

use crate::card::CardToken;
use crate::ids::Holder;
use crate::pin::PinVerifier;
use crate::rights::{CardState, Entry, Flags, Right};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

const HEADER: usize = 12;
const TOKEN: usize = 8;
/// From so many rows on, one byte of each token is left out.
const LONG: usize = 1 << 12;
/// From so many rows on, two are.
const VERY_LONG: usize = 1 << 19;

/// What a list says of a card, without whose it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, minicbor::Encode, minicbor::Decode)]
struct Terms {
    #[n(0)]
    state: CardState,
    #[n(1)]
    rights: Vec<Right>,
    #[n(2)]
    flags: Flags,
    #[n(3)]
    pin: Option<PinVerifier>,
}

/// One card's row.
#[derive(Debug, Clone, Copy)]
struct Row {
    token: CardToken,
    holder: Holder,
    terms: u32,
}

/// Entries, each token once.
pub(super) struct Table {
    bytes: Vec<u8>,
    widths: Widths,
    /// Where in the bytes the table begins, the starts, and the rows.
    at: usize,
    starts: usize,
    rows: usize,
    len: usize,
    terms: Vec<Terms>,
}

/// How many bytes of a token are left out; how many bits a holder and the place of its terms take.
#[derive(Debug, Clone, Copy)]
struct Widths {
    left_out: usize,
    holder: u32,
    place: u32,
}

impl fmt::Debug for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Table({} rows)", self.len)
    }
}

impl Widths {
    fn row(self) -> usize {
        let rest = (self.holder + self.place).div_ceil(8);
        TOKEN - self.left_out + usize::try_from(rest).expect("at most twelve")
    }

    fn beginnings(self) -> usize {
        1 << (8 * self.left_out)
    }
}

/// Rows on their way to a table.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    places: BTreeMap<Terms, u32>,
}

impl Rows {
    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) {
        let row = self.row(entry);
        self.rows.push(row);
    }

    fn row(&mut self, entry: Entry) -> Row {
        let Entry {
            token,
            holder,
            state,
            rights,
            flags,
            pin,
        } = entry;
        let terms = Terms {
            state,
            rights,
            flags,
            pin,
        };
        let next = u32::try_from(self.places.len()).expect("there are fewer than 2^32 cards");
        let terms = *self.places.entry(terms).or_insert(next);
        Row {
            token,
            holder,
            terms,
        }
    }

    fn terms(self) -> Vec<Terms> {
        let mut terms: Vec<(u32, Terms)> = self
            .places
            .into_iter()
            .map(|(terms, place)| (place, terms))
            .collect();
        terms.sort_unstable_by_key(|(place, _)| *place);
        terms.into_iter().map(|(_, terms)| terms).collect()
    }

    /// The table of all rows, and the entries that were there under a token that came again later: the last one counts.
    pub fn build(mut self) -> (Table, Vec<Entry>) {
        let mut rows = std::mem::take(&mut self.rows);
        // Stable: of one token, the last one stays the last.
        rows.sort_by_key(|row| row.token);
        let terms = self.terms();
        let mut replaced = Vec::new();
        rows.dedup_by(|later, kept| {
            let is_again = later.token == kept.token;
            if is_again {
                replaced.extend(entry(kept, &terms));
                *kept = *later;
            }
            is_again
        });
        let holder = rows.iter().map(|row| row.holder).fold(0, widest);
        (
            Table::write(rows.len(), holder, terms, rows.into_iter()),
            replaced,
        )
    }
}

fn entry(row: &Row, terms: &[Terms]) -> Option<Entry> {
    let place = usize::try_from(row.terms).ok()?;
    let Terms {
        state,
        rights,
        flags,
        pin,
    } = terms.get(place)?.clone();
    Some(Entry {
        token: row.token,
        holder: row.holder,
        state,
        rights,
        flags,
        pin,
    })
}

fn widest(bits: u64, holder: Holder) -> u64 {
    bits | holder.0.cast_unsigned()
}

/// How many bits a number takes.
fn bits_of(number: u64) -> u32 {
    u64::BITS - number.leading_zeros()
}

impl Table {
    /// Writes rows that are sorted by token; `holders` has every bit of every holder.
    fn write(len: usize, holders: u64, terms: Vec<Terms>, rows: impl Iterator<Item = Row>) -> Self {
        let left_out = if len < LONG {
            0
        } else if len < VERY_LONG {
            1
        } else {
            2
        };
        let widths = Widths {
            left_out,
            holder: bits_of(holders),
            place: bits_of(terms.len().saturating_sub(1) as u64),
        };
        let count = u32::try_from(len).expect("there are fewer than 2^32 cards");
        let common = minicbor::to_vec(&terms).expect("writing to memory cannot fail");
        let common_len = u32::try_from(common.len()).expect("far fewer than 2^32 bytes");
        let starts = HEADER + common.len();
        let first_row = starts + 4 * (widths.beginnings() + 1);
        let mut bytes = Vec::with_capacity(first_row + len * widths.row());
        bytes.push(u8::try_from(widths.left_out).expect("at most two"));
        for width in [widths.holder, widths.place, 0] {
            bytes.push(u8::try_from(width).expect("at most 64"));
        }
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&common_len.to_le_bytes());
        bytes.extend_from_slice(&common);
        bytes.resize(first_row, 0);
        let mut next = 0;
        for (number, row) in (0_u32..).zip(rows) {
            let (beginning, rest) = row.token.0.split_at(widths.left_out);
            let beginning = place_of(beginning);
            while next <= beginning {
                bytes[starts + 4 * next..][..4].copy_from_slice(&number.to_le_bytes());
                next += 1;
            }
            bytes.extend_from_slice(rest);
            let rest =
                u128::from(row.terms) << widths.holder | u128::from(row.holder.0.cast_unsigned());
            let width = widths.row() - (TOKEN - widths.left_out);
            bytes.extend_from_slice(&rest.to_le_bytes()[..width]);
        }
        for next in next..=widths.beginnings() {
            bytes[starts + 4 * next..][..4].copy_from_slice(&count.to_le_bytes());
        }
        Self {
            bytes,
            widths,
            at: 0,
            starts,
            rows: first_row,
            len,
            terms,
        }
    }

    /// Reads a table from byte `at` on to the end, without a copy; none if they are no table's bytes. Rows that are out of
    /// order are not noticed, and not found: whoever hands in the bytes knows that they are as they were written.
    pub fn read(bytes: Vec<u8>, at: usize) -> Option<Self> {
        let number = |at: usize| {
            let bytes = *bytes.get(at..)?.first_chunk::<4>()?;
            usize::try_from(u32::from_le_bytes(bytes)).ok()
        };
        let [left_out, holder, place, 0] = *bytes.get(at..)?.first_chunk::<4>()? else {
            return None;
        };
        let widths = Widths {
            left_out: usize::from(left_out),
            holder: u32::from(holder),
            place: u32::from(place),
        };
        if left_out > 2 || widths.holder > u64::BITS || widths.place > u32::BITS {
            return None;
        }
        let (len, common_len) = (number(at + 4)?, number(at + 8)?);
        let starts = (at + HEADER).checked_add(common_len)?;
        let terms = minicbor::decode(bytes.get(at + HEADER..starts)?).ok()?;
        let rows = starts.checked_add(4 * (widths.beginnings() + 1))?;
        if bytes.len() != rows.checked_add(len.checked_mul(widths.row())?)? {
            return None;
        }
        let table = Self {
            bytes,
            widths,
            at,
            starts,
            rows,
            len,
            terms,
        };
        let starts = || (0..=widths.beginnings()).map(|beginning| table.start(beginning));
        let each_once = table.terms.iter().collect::<BTreeSet<_>>().len() == table.terms.len();
        (starts().is_sorted() && starts().next_back() == Some(len) && each_once).then_some(table)
    }

    /// What [`Table::read`] takes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// At which row the tokens with a beginning start.
    fn start(&self, beginning: usize) -> usize {
        let bytes = self.bytes[self.starts + 4 * beginning..].first_chunk::<4>();
        let start =
            u32::from_le_bytes(*bytes.expect("there is one more than there are beginnings"));
        usize::try_from(start).unwrap_or(usize::MAX)
    }

    fn row(&self, index: usize) -> &[u8] {
        let width = self.widths.row();
        &self.bytes[self.rows + index * width..][..width]
    }

    fn rest(&self) -> usize {
        TOKEN - self.widths.left_out
    }

    fn parse(&self, beginning: usize, index: usize) -> Row {
        let (rest, row) = self.row(index).split_at(self.rest());
        let mut number = [0; 16];
        number[..row.len()].copy_from_slice(row);
        let number = u128::from_le_bytes(number);
        let low = |bits: u32| (1_u128 << bits) - 1;
        let holder = u64::try_from(number & low(self.widths.holder)).expect("at most 64 bits");
        let place = number >> self.widths.holder & low(self.widths.place);
        let mut token = [0; TOKEN];
        token[self.widths.left_out..].copy_from_slice(rest);
        for (at, byte) in token[..self.widths.left_out].iter_mut().rev().enumerate() {
            *byte = (beginning >> (8 * at)).to_le_bytes()[0];
        }
        Row {
            token: CardToken(token),
            holder: Holder(holder.cast_signed()),
            terms: u32::try_from(place).expect("at most 32 bits"),
        }
    }

    pub fn find(&self, token: CardToken) -> Option<Entry> {
        let (beginning, wanted) = token.0.split_at(self.widths.left_out);
        let beginning = place_of(beginning);
        let (mut from, mut to) = (self.start(beginning), self.start(beginning + 1));
        while from < to {
            let middle = from.midpoint(to);
            match self.row(middle)[..self.rest()].cmp(wanted) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => {
                    return entry(&self.parse(beginning, middle), &self.terms);
                }
            }
        }
        None
    }

    /// All rows; one that names terms that are not there is none.
    fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        let rows = (0..self.widths.beginnings()).flat_map(move |beginning| {
            (self.start(beginning)..self.start(beginning + 1))
                .map(move |index| self.parse(beginning, index))
        });
        rows.filter(|row| usize::try_from(row.terms).is_ok_and(|place| place < self.terms.len()))
    }

    /// All entries, by token.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.rows().filter_map(|row| entry(&row, &self.terms))
    }

    /// This table with changes: an entry instead of the one with its token, or none.
    pub fn with(&self, changes: &BTreeMap<CardToken, Option<Entry>>) -> Self {
        let mut all = Rows::default();
        all.places.extend(self.terms.iter().cloned().zip(0..));
        let changes: Vec<(CardToken, Option<Row>)> = changes
            .iter()
            .map(|(token, entry)| (*token, entry.clone().map(|entry| all.row(entry))))
            .collect();
        let all = all.terms();
        let rows = || overlaid(self.rows(), changes.iter().copied());
        let (mut len, mut holders, mut used) = (0, 0, vec![false; all.len()]);
        for row in rows() {
            len += 1;
            holders = widest(holders, row.holder);
            if let Some(used) = usize::try_from(row.terms)
                .ok()
                .and_then(|at| used.get_mut(at))
            {
                *used = true;
            }
        }
        let mut terms = Vec::new();
        let places: Vec<u32> = all
            .into_iter()
            .zip(used)
            .map(|(one, used)| {
                let place = u32::try_from(terms.len()).expect("there are fewer than 2^32 cards");
                terms.extend(used.then_some(one));
                place
            })
            .collect();
        let rows = rows().map(|row| {
            let place = usize::try_from(row.terms)
                .ok()
                .and_then(|at| places.get(at));
            Row {
                terms: place.copied().unwrap_or(u32::MAX),
                ..row
            }
        });
        Self::write(len, holders, terms, rows)
    }
}

/// Sorted rows with sorted changes laid over them.
pub(super) fn overlaid<R: HasToken>(
    rows: impl Iterator<Item = R>,
    changes: impl Iterator<Item = (CardToken, Option<R>)>,
) -> impl Iterator<Item = R> {
    let (mut rows, mut changes) = (rows.peekable(), changes.peekable());
    std::iter::from_fn(move || {
        loop {
            let row = rows.peek().map(HasToken::token);
            let change = changes.peek().map(|(token, _)| *token);
            match (row, change) {
                (Some(row), Some(change)) if row >= change => {
                    if row == change {
                        rows.next();
                    }
                }
                (None, Some(_)) => {}
                (_, _) => return rows.next(),
            }
            if let Some((_, Some(row))) = changes.next() {
                return Some(row);
            }
        }
    })
}

/// What is sorted by token.
pub(super) trait HasToken {
    fn token(&self) -> CardToken;
}

impl HasToken for Row {
    fn token(&self) -> CardToken {
        self.token
    }
}

impl HasToken for Entry {
    fn token(&self) -> CardToken {
        self.token
    }
}

/// The number that bytes are, the most significant first.
fn place_of(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}
