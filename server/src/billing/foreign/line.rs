//! A line of a table becomes a row of the roll.

use super::cells::{CardForm, DayOrder, amount, day};
use super::{Meaning, Reading, Trouble};
use crate::billing::roll::{Paid, Row, is_mail};
use crate::money;
use crate::store::members::fold;
use shared::card::CardUid;
use shared::ids::MembershipTypeId;
use std::collections::BTreeMap;

/// A line that is not empty.
pub struct Line<'a> {
    /// Where it stands, counted from 1.
    pub number: u64,
    /// What stands in it.
    pub cells: &'a [String],
    /// Where which meaning stands.
    pub places: &'a BTreeMap<Meaning, usize>,
    /// How it is to be understood.
    pub reading: &'a Reading,
}

impl Line<'_> {
    fn cell(&self, meaning: Meaning) -> Option<&str> {
        let cell = self.cells.get(*self.places.get(&meaning)?)?;
        Some(cell.as_str()).filter(|cell| !cell.is_empty())
    }

    /// The row; or all that is wrong with it.
    pub fn read(&self, form: CardForm, order: DayOrder) -> Result<Row, Vec<Trouble>> {
        let (name, mail, cards) = (self.name(), self.mail(), self.cards(form));
        let paid = self.paid(order);
        match (name, mail, cards, paid) {
            (Ok(name), Ok(mail), Ok(cards), Ok(paid)) => {
                if mail.is_none() && cards.is_empty() {
                    return Err(vec![Trouble::Nameless]);
                }
                Ok(Row {
                    line: self.number,
                    name,
                    mail,
                    customer: None,
                    cards,
                    paid,
                })
            }
            (name, mail, cards, paid) => {
                let wrong = [name.err(), mail.err(), cards.err(), paid.err()];
                Err(wrong.into_iter().flatten().collect())
            }
        }
    }

    fn name(&self) -> Result<String, Trouble> {
        let parts = [Meaning::FirstName, Meaning::LastName].map(|part| self.cell(part));
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        let whole = self.cell(Meaning::Name).map(str::to_owned);
        let name = whole.unwrap_or_else(|| parts.join(" "));
        let length = name.chars().count();
        if (1..=200).contains(&length) && !name.chars().any(char::is_control) {
            return Ok(name);
        }
        Err(Trouble::Name)
    }

    fn mail(&self) -> Result<Option<String>, Trouble> {
        let Some(mail) = self.cell(Meaning::Mail) else {
            return Ok(None);
        };
        if is_mail(mail) {
            return Ok(Some(mail.to_owned()));
        }
        Err(Trouble::Mail)
    }

    fn cards(&self, form: CardForm) -> Result<Vec<CardUid>, Trouble> {
        let cell = self.cell(Meaning::Cards);
        cell.map_or(Ok(Vec::new()), |cell| form.read(cell))
    }

    fn paid(&self, order: DayOrder) -> Result<Option<Paid>, Trouble> {
        let membership = self.membership()?;
        let Some(cell) = self.cell(Meaning::PaidUntil) else {
            return Ok(None);
        };
        let until = day(cell, order).ok_or(Trouble::Day)?;
        let membership = membership.ok_or(Trouble::NoType)?;
        Ok(Some(Paid {
            membership,
            until,
            money: self.money()?,
        }))
    }

    fn membership(&self) -> Result<Option<MembershipTypeId>, Trouble> {
        let Some(cell) = self.cell(Meaning::Membership) else {
            return Ok(self.reading.membership.clone());
        };
        let types = &self.reading.types;
        let known = types.get(&cell.to_lowercase());
        known.cloned().map(Some).ok_or_else(|| {
            let known: Vec<&str> = types.keys().map(String::as_str).collect();
            Trouble::UnknownType(known.join(", "))
        })
    }

    fn money(&self) -> Result<Option<(i64, String)>, Trouble> {
        let Some(cell) = self.cell(Meaning::Amount) else {
            return Ok(None);
        };
        let currency = self.cell(Meaning::Currency);
        let currency = currency.or(self.reading.currency.as_deref());
        let currency = currency
            .and_then(money::currency)
            .ok_or(Trouble::Currency)?;
        let read = money::read(&amount(cell), &currency);
        let read = read.ok_or(Trouble::Amount)?;
        Ok(Some((read, currency)))
    }
}

/// What rows before named.
#[derive(Default)]
pub struct Seen {
    mails: BTreeMap<String, u64>,
    cards: BTreeMap<CardUid, u64>,
}

impl Seen {
    /// A row, unless an earlier one names the same.
    pub fn take(&mut self, row: Row) -> Result<Row, Vec<Trouble>> {
        let mail = row.mail.as_deref().map(fold);
        let same = mail.as_ref().and_then(|mail| self.mails.get(mail));
        if let Some(line) = same {
            return Err(vec![Trouble::SameMail(*line)]);
        }
        let same = row.cards.iter().find_map(|card| self.cards.get(card));
        if let Some(line) = same {
            return Err(vec![Trouble::SameCard(*line)]);
        }
        self.mails.extend(mail.map(|mail| (mail, row.line)));
        let cards = row.cards.iter().cloned();
        self.cards.extend(cards.map(|card| (card, row.line)));
        Ok(row)
    }
}
