//! A sheet: what a batch of events found in the mirror, read once; changed in memory; written once.

use super::news::{News, news};
use super::notices::notice;
use super::order::Stamp;
use super::read::{Event, ReadError, money};
use crate::store::inbox::Fate;
use crate::store::members::{self, Booking};
use crate::store::mirror::{self, Customer, CustomerNews, Kept, Object, ObjectRow, Seat};
use crate::store::notices::Notice;
use crate::store::reversals::Collected;
use crate::store::trip::Question;
use crate::store::{Result, Tx};
use serde_json::Value;
use shared::ids::{AccountId, OrganisationId};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// An object or a customer of an account.
type Key = (AccountId, String);

/// An event that was read, with what it is news of.
#[derive(Debug)]
pub struct Line {
    /// Whose account.
    pub account: AccountId,
    /// The event, without its payload.
    pub event: Event,
    /// What it says.
    pub news: News,
    /// Its place among the events of its object.
    pub stamp: Stamp,
    /// Which payments paid what, if it says so.
    pub collected: Vec<Collected>,
    /// What it gives reason to tell the payer.
    pub notice: Option<Notice>,
}

impl Line {
    /// Reads an event's body.
    pub fn read(account: AccountId, body: &[u8]) -> std::result::Result<Self, ReadError> {
        Self::of(account, Event::read(body)?)
    }

    /// Reads what an event says.
    pub fn of(account: AccountId, mut event: Event) -> std::result::Result<Self, ReadError> {
        let news = news(&event)?;
        let (notice, collected) = (notice(&event, &news), money::collected(&event));
        let stamp = Stamp::of(&mut event);
        // It is large, and whoever read it ahead frees it beside the others.
        event.object = Value::Null;
        Ok(Self {
            account,
            event,
            news,
            stamp,
            collected,
            notice,
        })
    }

    /// What becomes of the event in the inbox.
    #[must_use]
    pub fn fate(&self) -> Fate {
        if self.news == News::Unseen {
            return Fate::Asking;
        }
        let says = matches!(self.news, News::Price(_) | News::Money(_) | News::Flag(..));
        if says || self.customer().is_some() {
            Fate::Applied
        } else {
            Fate::Ignored
        }
    }

    /// The customer it concerns.
    #[must_use]
    pub fn customer(&self) -> Option<&str> {
        match &self.news {
            News::Subscription(subscription, ..) => Some(&subscription.customer),
            News::Invoice(invoice, ..) => invoice.customer.as_deref(),
            News::Customer(customer, _) | News::Hint(customer) => Some(customer),
            News::Money(_) => self.event.customer.as_deref(),
            News::Price(_) | News::Flag(..) | News::Unseen | News::Nothing => None,
        }
    }

    fn object(&self) -> Option<&str> {
        match &self.news {
            News::Subscription(subscription, ..) => Some(&subscription.id),
            News::Invoice(invoice, ..) => Some(&invoice.id),
            News::Customer(..)
            | News::Hint(_)
            | News::Money(_)
            | News::Flag(..)
            | News::Price(_)
            | News::Unseen
            | News::Nothing => None,
        }
    }
}

/// What was asked for a sheet.
#[must_use]
pub struct Asked(Vec<AskedOf>);

struct AskedOf {
    account: AccountId,
    customers: Vec<String>,
    known: Question<Seat>,
    objects: Question<ObjectRow>,
}

/// What is on the sheet.
#[derive(Debug, Default)]
pub struct Sheet {
    customers: BTreeMap<Key, Customer>,
    objects: BTreeMap<Key, Kept>,
    changed: BTreeMap<Key, String>,
    bookings: BTreeMap<Key, Booking>,
}

impl Sheet {
    /// Asks what these events are news of.
    pub fn ask<'l>(tx: &mut Tx, lines: impl IntoIterator<Item = &'l Line>) -> Asked {
        let mut wanted: BTreeMap<AccountId, [BTreeSet<&str>; 2]> = BTreeMap::new();
        for line in lines {
            let [customers, objects] = wanted.entry(line.account).or_default();
            if let Some(customer) = line.customer() {
                customers.insert(customer);
                objects.extend(line.object());
            }
        }
        let mut ask = |(account, wanted): (AccountId, [BTreeSet<&str>; 2])| {
            let [customers, objects] = wanted.map(|ids| ids.into_iter().collect::<Vec<&str>>());
            AskedOf {
                account,
                known: mirror::ask_customers(tx, account, &customers),
                objects: mirror::ask_objects(tx, account, &objects),
                customers: customers.into_iter().map(str::to_owned).collect(),
            }
        };
        Asked(wanted.into_iter().map(&mut ask).collect())
    }

    /// Reads what was asked for; customers that are new are met.
    pub async fn read(tx: &mut Tx, Asked(asked): Asked, now: Timestamp) -> Result<Self> {
        let mut sheet = Self::default();
        for asked in asked {
            let account = asked.account;
            let known = mirror::customers(tx, asked.known).await?;
            sheet.note_customers(account, known);
            let customers = asked.customers.iter().map(String::as_str);
            let new: Vec<&str> = customers
                .filter(|id| sheet.customer(account, id).is_none())
                .collect();
            if !new.is_empty() {
                mirror::meet_all(tx, account, &new, now);
                let met = mirror::ask_customers(tx, account, &new);
                let met = mirror::customers(tx, met).await?;
                sheet.note_customers(account, met);
            }
            let objects = mirror::objects(tx, asked.objects).await?;
            sheet.objects.extend(
                objects
                    .into_iter()
                    .map(|kept| ((account, kept.object.id().to_owned()), kept)),
            );
        }
        Ok(sheet)
    }

    /// Reads customers that no event named.
    pub async fn learn(
        &mut self,
        tx: &mut Tx,
        account: AccountId,
        customers: &[&str],
    ) -> Result<()> {
        let unread: Vec<&str> = customers
            .iter()
            .copied()
            .filter(|id| self.customer(account, id).is_none())
            .collect();
        let asked = mirror::ask_customers(tx, account, &unread);
        let rows = mirror::customers(tx, asked).await?;
        self.note_customers(account, rows);
        Ok(())
    }

    fn note_customers(&mut self, account: AccountId, rows: Vec<Customer>) {
        let keyed = rows.into_iter().map(|row| ((account, row.id.clone()), row));
        self.customers.extend(keyed);
    }

    /// An object as it is after the events so far.
    #[must_use]
    pub fn object(&self, account: AccountId, id: &str) -> Option<&Kept> {
        self.objects.get(&(account, id.to_owned()))
    }

    /// Changes an object.
    pub fn put(&mut self, account: AccountId, customer: &str, kept: Kept) {
        let key = (account, kept.object.id().to_owned());
        self.changed.insert(key.clone(), customer.to_owned());
        self.objects.insert(key, kept);
    }

    /// Notes an invoice that was paid for the ledger, as it is after the events so far.
    pub fn book(&mut self, account: AccountId, customer: &str, invoice: &str, paid_at: Timestamp) {
        let Some(Object::Invoice(invoice)) = self.object(account, invoice).map(|kept| &kept.object)
        else {
            return;
        };
        let booking = Booking {
            account,
            customer: customer.to_owned(),
            invoice: invoice.clone(),
            paid_at,
        };
        let key = (account, invoice.id.clone());
        let first = self
            .bookings
            .get(&key)
            .map(|first| (first.paid_at.min(paid_at), first.customer.clone()));
        let booking = match first {
            // As in the ledger itself: the payer who was booked first stays.
            Some((paid_at, customer)) => Booking {
                paid_at,
                customer,
                ..booking
            },
            None => booking,
        };
        self.bookings.insert(key, booking);
    }

    /// A customer that one of the events is about.
    #[must_use]
    pub fn customer(&self, account: AccountId, id: &str) -> Option<&Customer> {
        self.customers.get(&(account, id.to_owned()))
    }

    /// Records what Stripe says about a customer, if that is anything new.
    pub fn describe(&mut self, tx: &mut Tx, account: AccountId, id: &str, news: &CustomerNews) {
        let Some(row) = self.customers.get_mut(&(account, id.to_owned())) else {
            mirror::describe(tx, account, id, news);
            return;
        };
        if news.stamp.as_ref().is_some_and(|stamp| *stamp < row.stamp) {
            return;
        }
        let before = row.clone();
        if let Some(stamp) = &news.stamp {
            row.stamp.clone_from(stamp);
        }
        let parts = [
            (&mut row.mail, &news.mail),
            (&mut row.name, &news.name),
            (&mut row.reference, &news.reference),
        ];
        for (known, said) in parts {
            if said.is_some() {
                known.clone_from(said);
            }
        }
        row.known |= i64::from(news.known);
        if *row != before || news.deleted_at.is_some() {
            mirror::describe(tx, account, id, news);
        }
    }

    /// Writes what changed.
    pub fn write(&self, tx: &mut Tx, organisation: &OrganisationId, now: Timestamp) {
        let changed: Vec<(AccountId, &str, &Kept)> = self
            .changed
            .iter()
            .filter_map(|(key, customer)| Some((key.0, customer.as_str(), self.objects.get(key)?)))
            .collect();
        mirror::put_all(tx, &changed, now);
        let bookings: Vec<Booking> = self.bookings.values().cloned().collect();
        members::book_all(tx, organisation, &bookings);
    }
}
