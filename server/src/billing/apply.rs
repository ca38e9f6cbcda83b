//! Sync, first half: what an event's payload says goes into the mirror at once; a fetch confirms it.

use super::late::Losers;
use super::news::{Flag, News, news};
use super::order::{Choice, Stamp};
use super::read::{Event, ReadError};
use super::sheet::{Line, Sheet};
use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::said::Said;
use crate::store::attention::{Item, raise};
use crate::store::catalogue;
use crate::store::inbox::{self, Fate};
use crate::store::mirror::{Customer, CustomerNews, Kept, Object};
use crate::store::notices;
use crate::store::reversals::{self, Collected};
use shared::facts::InvoiceStatus;
use shared::ids::{AccountId, MemberId};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::spawn_blocking;

/// How many events one transaction applies at most.
pub const MOST: usize = 512;
/// So many events are read on two cores.
const MANY: usize = 32;
/// An event that failed so often is put aside.
const TRIES: i64 = 5;

/// Whom a batch of events concerns, and which events those were; what they found on record.
pub(super) struct Batch {
    sheet: Sheet,
    /// Customers, and which events concern them.
    pub customers: BTreeMap<AccountId, BTreeMap<String, Vec<String>>>,
    /// Payments that events spoke of, and which events those were.
    payments: BTreeMap<AccountId, BTreeMap<String, Vec<String>>>,
    /// What they said of what payments paid.
    collected: BTreeMap<AccountId, BTreeMap<String, Collected>>,
    /// Prices that changed.
    pub prices: BTreeSet<(AccountId, String)>,
}

impl Batch {
    fn paid_by(&mut self, account: AccountId, payment: &str, event: &str) {
        let payments = self.payments.entry(account).or_default();
        let events = payments.entry(payment.to_owned()).or_default();
        events.push(event.to_owned());
    }

    fn collect(&mut self, account: AccountId, said: Collected, event: &str) {
        self.paid_by(account, &said.payment, event);
        let collected = self.collected.entry(account).or_default();
        let known = collected.entry(said.payment.clone());
        let known = known.or_insert_with(|| said.clone());
        known.invoice = known.invoice.take().or(said.invoice);
        known.customer = known.customer.take().or(said.customer);
    }
}

/// What one step applied.
#[derive(Debug)]
pub struct Applied {
    /// How many events.
    pub events: usize,
    /// What to publish.
    pub publications: Vec<crate::doors::publish::Publication>,
}

/// Reads events in their order, half of many on another core.
async fn read_all(waiting: &[inbox::Waiting]) -> Vec<Result<Line, ReadError>> {
    let read = |row: &inbox::Waiting| Line::read(AccountId(row.account), &row.body);
    if waiting.len() < MANY {
        return waiting.iter().map(read).collect();
    }
    let (first, second) = waiting.split_at(waiting.len() / 2);
    let second = second.to_vec();
    let second = spawn_blocking(move || second.iter().map(read).collect::<Vec<_>>());
    let mut lines: Vec<_> = first.iter().map(read).collect();
    lines.extend(second.await.expect("reading does not panic"));
    lines
}

impl App {
    /// Applies the oldest waiting events; standing, ledger and list changes commit with them.
    pub async fn apply(&self, now: Timestamp) -> Step<Applied> {
        self.apply_some(MOST, now).await
    }

    /// Applies so many of the oldest waiting events at most.
    pub async fn apply_some(&self, most: usize, now: Timestamp) -> Step<Applied> {
        let mut work = self.work(now).await?;
        let waiting = inbox::waiting(&mut work.tx, self.account, most).await?;
        if waiting.is_empty() {
            return Ok(Applied {
                events: 0,
                publications: Vec::new(),
            });
        }
        match self.apply_waiting(&mut work, &waiting).await {
            Ok(losers) => {
                let publications = self.finish_or_hold(work, &waiting, losers).await?;
                Ok(Applied {
                    events: waiting.len(),
                    publications,
                })
            }
            Err(error) if waiting.len() > 1 => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a batch of events failed; trying one by one"
                );
                drop(work);
                self.apply_singly(&waiting, now).await
            }
            Err(error) => {
                drop(work);
                self.put_aside(&waiting[0], &error.to_string(), now).await?;
                Ok(Applied {
                    events: 1,
                    publications: Vec::new(),
                })
            }
        }
    }

    async fn apply_singly(&self, waiting: &[inbox::Waiting], now: Timestamp) -> Step<Applied> {
        let mut publications = Vec::new();
        for event in waiting {
            let mut work = self.work(now).await?;
            match self
                .apply_waiting(&mut work, std::slice::from_ref(event))
                .await
            {
                Ok(losers) => {
                    let alone = std::slice::from_ref(event);
                    publications.extend(self.finish_or_hold(work, alone, losers).await?);
                }
                Err(error) => {
                    drop(work);
                    self.put_aside(event, &error.to_string(), now).await?;
                }
            }
        }
        Ok(Applied {
            events: waiting.len(),
            publications,
        })
    }

    /// Commits what was applied, unless old news among it would take access from too many: then that is held back, and
    /// the rest is applied without it.
    async fn finish_or_hold(
        &self,
        mut work: Work,
        waiting: &[inbox::Waiting],
        losers: Losers,
    ) -> Step {
        let late = waiting.iter().filter(|event| event.is_late());
        let late: BTreeMap<&str, i64> = late.map(|row| (row.event.as_str(), row.id)).collect();
        let losers = losers.by(|event| late.contains_key(event));
        let now = work.now;
        let Some(many) = self.too_many(&mut work, &losers).await? else {
            return self.finish(work).await;
        };
        drop(work);
        let held: Vec<i64> = losers
            .events()
            .filter_map(|event| late.get(event).copied())
            .collect();
        self.hold_back(&held, many, now).await?;
        Ok(Vec::new())
    }

    async fn put_aside(&self, event: &inbox::Waiting, why: &str, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin().await?;
        inbox::failed(&mut tx, event.id, why).await?;
        if event.tries + 1 >= TRIES {
            self.poisoned(&mut tx, event.id, why, now).await?;
        }
        tx.commit().await
    }

    pub(super) async fn poisoned(
        &self,
        tx: &mut crate::store::Tx,
        id: i64,
        why: &str,
        now: Timestamp,
    ) -> Step<()> {
        inbox::finish(tx, id, Fate::Poisoned, Some(why)).await?;
        let subject = id.to_string();
        let item = Item {
            kind: Kind::PoisonedEvent,
            subject: &subject,
            sentence: Said::of("attention-poisoned-event"),
            remedy: Said::of("remedy-poisoned-event"),
            member: None,
        };
        raise(tx, &self.organisation, item, now).await?;
        Ok(())
    }

    /// Applies events, and says who lost access by them.
    async fn apply_waiting(&self, work: &mut Work, waiting: &[inbox::Waiting]) -> Step<Losers> {
        let mut lines = Vec::with_capacity(waiting.len());
        let mut fates: [(Fate, Vec<i64>); 3] =
            [Fate::Applied, Fate::Ignored, Fate::Asking].map(|fate| (fate, Vec::new()));
        for (row, line) in waiting.iter().zip(read_all(waiting).await) {
            match line {
                Ok(line) => {
                    let fate = line.fate();
                    fates
                        .iter_mut()
                        .filter(|(of, _)| *of == fate)
                        .for_each(|(_, rows)| rows.push(row.id));
                    lines.push(line);
                }
                Err(error) => {
                    self.poisoned(&mut work.tx, row.id, &error.to_string(), work.now)
                        .await?;
                }
            }
        }
        for (fate, rows) in fates {
            inbox::finish_all(&mut work.tx, &rows, fate);
        }
        let asked = Sheet::ask(&mut work.tx, &lines);
        let sheet = Sheet::read(&mut work.tx, asked, work.now).await?;
        self.apply_all(work, lines, sheet).await
    }

    /// Applies events within a transaction and says who lost access by them; an error leaves it to be undone.
    pub(super) async fn apply_all(
        &self,
        work: &mut Work,
        lines: Vec<Line>,
        sheet: Sheet,
    ) -> Step<Losers> {
        let batch = self.absorb(work, lines, sheet).await?;
        if !batch.prices.is_empty() {
            self.reread(work).await?;
        }
        let mut whom: BTreeMap<MemberId, Vec<String>> = BTreeMap::new();
        for (account, customers) in batch.customers {
            self.settle(work, account, customers, &batch.sheet, &mut whom)
                .await?;
        }
        let causes: BTreeMap<MemberId, String> = whom
            .iter()
            .map(|(member, causes)| (*member, causes.join(" ")))
            .collect();
        let derived = self.derive_each(work, &causes).await?;
        self.derive_payers(work, &batch.prices).await?;
        let lost = derived.into_iter().filter(|(_, derived)| derived.lost());
        let events = |(member, _)| Some((member, whom.remove(&member)?));
        Ok(Losers(lost.filter_map(events).collect()))
    }

    /// Puts what events say into mirror and ledger; nobody's standing follows yet.
    pub(super) async fn absorb(
        &self,
        work: &mut Work,
        lines: Vec<Line>,
        sheet: Sheet,
    ) -> Step<Batch> {
        let mut batch = Batch {
            sheet,
            customers: BTreeMap::new(),
            payments: BTreeMap::new(),
            collected: BTreeMap::new(),
            prices: BTreeSet::new(),
        };
        for line in lines {
            self.apply_one(work, line, &mut batch).await?;
        }
        batch
            .sheet
            .write(&mut work.tx, &self.organisation, work.now);
        self.follow_money(work, &mut batch).await?;
        Ok(batch)
    }

    async fn apply_one(&self, work: &mut Work, line: Line, batch: &mut Batch) -> Step<()> {
        let customer = line.customer().map(str::to_owned);
        // A product may name the type of all its prices, and its events show none of them.
        if line.event.object_kind.as_deref() == Some("product") {
            catalogue::want_list(&mut work.tx, line.account, work.now);
        }
        let Line {
            account,
            event,
            news,
            stamp,
            collected,
            notice,
        } = line;
        if let Some(notice) = notice {
            let whose = (&self.organisation, account);
            notices::put(&mut work.tx, whose, &notice, &event.id, work.now);
        }
        if let News::Money(Some(reversed)) = &news {
            reversals::put(&mut work.tx, account, reversed, work.now);
            if let Some(payment) = &reversed.payment {
                batch.paid_by(account, payment, &event.id);
            }
        }
        for collected in collected {
            batch.collect(account, collected, &event.id);
        }
        let Some(customer) = customer else {
            return match news {
                News::Price(price) => {
                    self.meet_prices(work, account, &[price], &event, batch)
                        .await
                }
                News::Flag(flag, about) => self.flag(work, flag, &about).await,
                News::Subscription(..)
                | News::Invoice(..)
                | News::Customer(..)
                | News::Money(_)
                | News::Hint(_)
                | News::Nothing => Ok(()),
                News::Unseen => self.expect_key(work).await,
            };
        };
        match news {
            News::Subscription(subscription, prices, reference) => {
                self.meet_prices(work, account, &prices, &event, batch)
                    .await?;
                let news = CustomerNews {
                    reference,
                    ..CustomerNews::default()
                };
                batch
                    .sheet
                    .describe(&mut work.tx, account, &customer, &news);
                self.keep(
                    work,
                    (account, &customer),
                    Object::Subscription(*subscription),
                    (event.created, stamp),
                    batch,
                )
                .await?;
            }
            News::Invoice(invoice, prices, news) => {
                self.meet_prices(work, account, &prices, &event, batch)
                    .await?;
                // An invoice's mail address is second best: the customer's own word counts if there is one.
                let mailless = |row: &Customer| row.mail.is_none();
                if news.mail.is_some()
                    && batch
                        .sheet
                        .customer(account, &customer)
                        .is_some_and(mailless)
                {
                    batch
                        .sheet
                        .describe(&mut work.tx, account, &customer, &news);
                }
                let (id, paid) = (invoice.id.clone(), invoice.status == InvoiceStatus::Paid);
                self.keep(
                    work,
                    (account, &customer),
                    Object::Invoice(*invoice),
                    (event.created, stamp),
                    batch,
                )
                .await?;
                if paid {
                    batch.sheet.book(account, &customer, &id, event.created);
                }
            }
            News::Customer(_, news) => {
                batch
                    .sheet
                    .describe(&mut work.tx, account, &customer, &news);
            }
            News::Hint(_)
            | News::Money(_)
            | News::Flag(..)
            | News::Price(_)
            | News::Unseen
            | News::Nothing => {}
        }
        let customers = batch.customers.entry(account).or_default();
        customers.entry(customer).or_default().push(event.id);
        Ok(())
    }

    /// Keeps the newest state of an object; news from before the last fetch says nothing. News of the very second in
    /// which Stripe was asked counts: the answer may be older, and if it was not, the next one mends it.
    async fn keep(
        &self,
        work: &mut Work,
        (account, customer): (AccountId, &str),
        object: Object,
        (created, offered): (Timestamp, Stamp),
        batch: &mut Batch,
    ) -> Step<()> {
        let known = batch.sheet.object(account, object.id());
        let as_of = known
            .and_then(|known| known.fetched(work.now))
            .unwrap_or(Timestamp::MIN);
        if created < as_of {
            return Ok(());
        }
        let (stamp, object) =
            match known.and_then(|known| Some((known.stamp.as_ref()?, &known.object))) {
                None => (offered, object),
                Some((before, _)) if before.knows(&offered) => return Ok(()),
                Some((before, stored)) => {
                    let mut stamp = before.clone();
                    let object = match stamp.take_in(&offered) {
                        Choice::Stored if stamp == *before => return Ok(()),
                        Choice::Stored => stored.clone(),
                        Choice::Offered => object,
                        Choice::Earlier(event) => self
                            .of_event(work, account, &event)
                            .await?
                            .unwrap_or_else(|| stored.clone()),
                    };
                    (stamp, object)
                }
            };
        let stamp = Some(stamp);
        batch.sheet.put(
            account,
            customer,
            Kept {
                object,
                stamp,
                as_of,
            },
        );
        Ok(())
    }

    /// The object that an event in the inbox showed.
    async fn of_event(
        &self,
        work: &mut Work,
        account: AccountId,
        event: &str,
    ) -> Step<Option<Object>> {
        let Some(body) = inbox::body(&mut work.tx, account, event).await? else {
            return Ok(None);
        };
        Ok(match Event::read(&body).and_then(|event| news(&event)) {
            Ok(News::Subscription(subscription, ..)) => Some(Object::Subscription(*subscription)),
            Ok(News::Invoice(invoice, ..)) => Some(Object::Invoice(*invoice)),
            Ok(
                News::Customer(..)
                | News::Price(_)
                | News::Money(_)
                | News::Flag(..)
                | News::Hint(_)
                | News::Unseen
                | News::Nothing,
            )
            | Err(_) => None,
        })
    }

    /// Finds out whom the money of these events concerns: they are of the batch too.
    async fn follow_money(&self, work: &mut Work, batch: &mut Batch) -> Step<()> {
        for (account, collected) in std::mem::take(&mut batch.collected) {
            let collected: Vec<&Collected> = collected.values().collect();
            reversals::collected(&mut work.tx, account, &collected);
        }
        for (account, payments) in std::mem::take(&mut batch.payments) {
            let ids: Vec<&str> = payments.keys().map(String::as_str).collect();
            let whose = reversals::resolve(&mut work.tx, account, &ids).await?;
            let customers: Vec<&str> = whose
                .iter()
                .map(|(_, customer)| customer.as_str())
                .collect();
            batch.sheet.learn(&mut work.tx, account, &customers).await?;
            let concerned = batch.customers.entry(account).or_default();
            for (payment, customer) in whose {
                let events = payments.get(&payment).into_iter().flatten().cloned();
                concerned.entry(customer).or_default().extend(events);
            }
        }
        Ok(())
    }

    /// Without a key nobody can ask what a thin event means.
    async fn expect_key(&self, work: &mut Work) -> Step<()> {
        if self.billing.stripe.is_some() {
            return Ok(());
        }
        let item = Item {
            kind: Kind::ThinEvents,
            subject: "key",
            sentence: Said::of("attention-thin-events"),
            remedy: Said::of("remedy-thin-events"),
            member: None,
        };
        raise(&mut work.tx, &self.organisation, item, work.now).await?;
        Ok(())
    }

    async fn flag(&self, work: &mut Work, flag: Flag, about: &str) -> Step<()> {
        let (kind, sentence, remedy) = match flag {
            Flag::FraudWarning => (
                Kind::FraudWarning,
                Said::of("attention-fraud-warning"),
                Said::of("remedy-fraud-warning"),
            ),
            Flag::MandateEnded => (
                Kind::MandateEnded,
                Said::of("attention-mandate-ended"),
                Said::of("remedy-mandate-ended"),
            ),
            Flag::Disconnected => (
                Kind::Disconnected,
                Said::of("attention-disconnected"),
                Said::of("remedy-disconnected"),
            ),
        };
        let item = Item {
            kind,
            subject: about,
            sentence,
            remedy,
            member: None,
        };
        raise(&mut work.tx, &self.organisation, item, work.now).await?;
        Ok(())
    }
}
