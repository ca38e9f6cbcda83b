//! Sync, first half: what an event's payload says goes into the mirror at once; a fetch confirms it.

use super::news::{News, Trouble, news};
use super::order::{Choice, Stamp};
use super::read::{Event, PriceInfo};
use super::sheet::{Line, Sheet};
use super::tag;
use crate::app::{App, Step, Work};
use crate::membership::link::{link, may_be_linked};
use crate::random::Handed;
use crate::store::attention::{Item, raise};
use crate::store::inbox::{self, Fate};
use crate::store::members;
use crate::store::mirror::{self, Customer, CustomerNews, Kept, Object, PriceRow};
use crate::store::rulebook;
use shared::facts::InvoiceStatus;
use shared::ids::{AccountId, MemberId};
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How many events one transaction applies at most.
pub const MOST: usize = 256;
/// An event that failed so often is put aside.
const TRIES: i64 = 5;

/// Whom a batch of events concerns, and which events those were; what they found on record.
struct Batch {
    sheet: Sheet,
    customers: BTreeMap<AccountId, BTreeMap<String, Vec<String>>>,
    /// Prices that changed.
    prices: BTreeSet<(AccountId, String)>,
}

/// What one step applied.
#[derive(Debug)]
pub struct Applied {
    /// How many events.
    pub events: usize,
    /// What to publish.
    pub publications: Vec<crate::doors::publish::Publication>,
}

impl App {
    /// Applies the oldest waiting events; standing, ledger and list changes commit with them.
    pub async fn apply(&self, now: Timestamp) -> Step<Applied> {
        self.apply_some(MOST, now).await
    }

    /// Applies so many of the oldest waiting events at most.
    pub async fn apply_some(&self, most: usize, now: Timestamp) -> Step<Applied> {
        let mut work = self.work(now).await?;
        let waiting = inbox::waiting(&mut work.tx, most).await?;
        if waiting.is_empty() {
            return Ok(Applied {
                events: 0,
                publications: Vec::new(),
            });
        }
        match self.apply_waiting(&mut work, &waiting).await {
            Ok(()) => {
                let publications = self.finish(work).await?;
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
                Ok(()) => publications.extend(self.finish(work).await?),
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

    async fn put_aside(&self, event: &inbox::Waiting, why: &str, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin().await?;
        inbox::failed(&mut tx, event.id, why).await?;
        if event.tries + 1 >= TRIES {
            self.poisoned(&mut tx, event.id, why, now).await?;
        }
        tx.commit().await
    }

    async fn poisoned(
        &self,
        tx: &mut crate::store::Tx,
        id: i64,
        why: &str,
        now: Timestamp,
    ) -> Step<()> {
        inbox::finish(tx, id, Fate::Poisoned, Some(why)).await?;
        let subject = id.to_string();
        let item = Item {
            kind: "poisoned_event",
            subject: &subject,
            sentence: "A Stripe event could not be applied; it is kept.",
            remedy: "Look at it in the inbox, then replay it or ask for help.",
            member: None,
        };
        raise(tx, &self.organisation, item, now).await?;
        Ok(())
    }

    async fn apply_waiting(&self, work: &mut Work, waiting: &[inbox::Waiting]) -> Step<()> {
        let mut lines = Vec::with_capacity(waiting.len());
        let mut fates: [(Fate, Vec<i64>); 2] =
            [Fate::Applied, Fate::Ignored].map(|fate| (fate, Vec::new()));
        for row in waiting {
            match Line::read(AccountId(row.account), &row.body) {
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
            inbox::finish_all(&mut work.tx, &rows, fate).await?;
        }
        self.apply_all(work, lines).await
    }

    /// Applies events within a transaction; an error leaves it to be undone.
    pub(super) async fn apply_all(&self, work: &mut Work, lines: Vec<Line>) -> Step<()> {
        let mut batch = Batch {
            sheet: Sheet::read(&mut work.tx, &lines, work.now).await?,
            customers: BTreeMap::new(),
            prices: BTreeSet::new(),
        };
        for line in lines {
            self.apply_one(work, line, &mut batch).await?;
        }
        batch.sheet.write(&mut work.tx, &self.organisation).await?;
        if !batch.prices.is_empty() {
            self.reread(work).await?;
        }
        let mut whom: BTreeMap<MemberId, Vec<String>> = BTreeMap::new();
        for (account, customers) in batch.customers {
            self.settle(work, account, customers, &batch.sheet, &mut whom)
                .await?;
        }
        let causes: BTreeMap<MemberId, String> = whom
            .into_iter()
            .map(|(member, causes)| (member, causes.join(" ")))
            .collect();
        self.derive_each(work, &causes).await
    }

    async fn apply_one(&self, work: &mut Work, line: Line, batch: &mut Batch) -> Step<()> {
        let customer = line.customer().map(str::to_owned);
        let Line {
            account,
            event,
            news,
            stamp,
        } = line;
        let Some(customer) = customer else {
            return match news {
                News::Price(price) => {
                    self.meet_prices(work, account, &[price], &event, batch)
                        .await
                }
                News::Trouble(trouble) => self.trouble(work, &event, trouble).await,
                News::Subscription(..)
                | News::Invoice(..)
                | News::Customer(..)
                | News::Hint(_)
                | News::Nothing => Ok(()),
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
                    .describe(&mut work.tx, account, &customer, &news)
                    .await?;
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
                let mailless = |row: &mirror::Customer| row.mail.is_none();
                if news.mail.is_some()
                    && batch
                        .sheet
                        .customer(account, &customer)
                        .is_some_and(mailless)
                {
                    batch
                        .sheet
                        .describe(&mut work.tx, account, &customer, &news)
                        .await?;
                }
                if invoice.status == InvoiceStatus::Paid {
                    batch
                        .sheet
                        .book(account, &customer, &invoice, event.created);
                }
                self.keep(
                    work,
                    (account, &customer),
                    Object::Invoice(*invoice),
                    (event.created, stamp),
                    batch,
                )
                .await?;
            }
            News::Customer(_, news) => {
                batch
                    .sheet
                    .describe(&mut work.tx, account, &customer, &news)
                    .await?;
            }
            News::Trouble(trouble) => self.trouble(work, &event, trouble).await?,
            News::Hint(_) | News::Price(_) | News::Nothing => {}
        }
        let customers = batch.customers.entry(account).or_default();
        customers.entry(customer).or_default().push(event.id);
        Ok(())
    }

    async fn meet_prices(
        &self,
        work: &mut Work,
        account: AccountId,
        prices: &[PriceInfo],
        event: &Event,
        batch: &mut Batch,
    ) -> Step<()> {
        let place = format!("{} {}", super::order::step(&event.kind), event.id);
        let stamp = price_stamp(event.created, &place);
        for price in prices {
            let key = (account, price.id.clone());
            // What the rules say of a price that changed in this batch is out of date.
            if !batch.prices.contains(&key)
                && work.rulebook.on_record.get(&key) == Some(&price_row(price))
            {
                continue;
            }
            if self.meet_price(work, account, price, &stamp).await? {
                batch.prices.insert(key);
            }
        }
        Ok(())
    }

    /// Keeps the newest state of an object; news from before the last fetch says nothing, and news of the very second
    /// in which Stripe was asked waits for the fetch that it asks for itself.
    async fn keep(
        &self,
        work: &mut Work,
        (account, customer): (AccountId, &str),
        object: Object,
        (created, offered): (Timestamp, Stamp),
        batch: &mut Batch,
    ) -> Step<()> {
        let known = batch.sheet.object(account, object.id());
        let as_of = known.map_or(Timestamp::MIN, |known| known.as_of);
        if created < as_of || created == as_of && self.billing.stripe.is_some() {
            return Ok(());
        }
        let (stamp, object) =
            match known.and_then(|known| Some((known.stamp.as_ref()?, &known.object))) {
                None => (offered, object),
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
                | News::Trouble(_)
                | News::Hint(_)
                | News::Nothing,
            )
            | Err(_) => None,
        })
    }

    /// Learns a price; a change of the type of a price in use waits for an admin. True if rules changed.
    pub(crate) async fn meet_price(
        &self,
        work: &mut Work,
        account: AccountId,
        price: &PriceInfo,
        stamp: &str,
    ) -> Step<bool> {
        let row = price_row(price);
        match mirror::price(&mut work.tx, account, &price.id).await? {
            None => {}
            Some((known, _)) if known == row => return Ok(false),
            // An event shows a product by its id only: it cannot say that the product names no type.
            Some(_) if row.x.is_none() && !price.shows_product() => return Ok(false),
            Some((_, kept)) if kept.as_str() >= stamp => return Ok(false),
            Some((known, _)) if known.x.is_some() && known.x != row.x => {
                mirror::hold_price(&mut work.tx, account, &price.id, row.x.as_deref(), stamp)
                    .await?;
                let item = Item {
                    kind: "catalogue_change",
                    subject: &price.id,
                    sentence: "A price that members may pay by names another membership type now. Nothing was changed.",
                    remedy: "Accept the change, or set the old name again in Stripe.",
                    member: None,
                };
                raise(&mut work.tx, &self.organisation, item, work.now).await?;
                return Ok(false);
            }
            Some(_) => {}
        }
        mirror::put_price(&mut work.tx, account, &price.id, &row, stamp).await?;
        if row.x.is_none() && !row.warnings.is_empty() {
            let item = Item {
                kind: "near_miss",
                subject: &price.id,
                sentence: "A price looks as if it should name a membership type, but does not.",
                remedy: "Write `membertype_X-` in front of its nickname, or set its metadata.",
                member: None,
            };
            raise(&mut work.tx, &self.organisation, item, work.now).await?;
        }
        rulebook::changed(&mut work.tx).await?;
        Ok(true)
    }

    async fn trouble(&self, work: &mut Work, event: &Event, trouble: Trouble) -> Step<()> {
        let (kind, sentence) = match trouble {
            Trouble::Refund => (
                "refund",
                "A payment was given back. Access was not changed.",
            ),
            Trouble::Dispute => ("dispute", "A payment was disputed. Access was not changed."),
        };
        let subject = event.object_id.as_deref().unwrap_or(&event.id);
        let remedy = "Look at the member; to take access away, place a hold.";
        let item = Item {
            kind,
            subject,
            sentence,
            remedy,
            member: None,
        };
        raise(&mut work.tx, &self.organisation, item, work.now).await?;
        Ok(())
    }

    /// Asks Stripe to confirm, links the customers for which it is due, and gathers everybody they concern with the
    /// causes.
    async fn settle(
        &self,
        work: &mut Work,
        account: AccountId,
        customers: BTreeMap<String, Vec<String>>,
        sheet: &Sheet,
        whom: &mut BTreeMap<MemberId, Vec<String>>,
    ) -> Step<()> {
        let rows: Vec<&Customer> = customers
            .keys()
            .filter_map(|id| sheet.customer(account, id))
            .collect();
        if self.billing.stripe.is_some() {
            for row in &rows {
                mirror::want_fetch(&mut work.tx, account, &row.id, work.now).await?;
            }
        }
        for (customer, members) in self.link_all(work, account, &rows).await? {
            let causes = customers.get(&customer).map_or(&[][..], Vec::as_slice);
            for member in members {
                whom.entry(member).or_default().extend_from_slice(causes);
            }
        }
        Ok(())
    }

    /// Links the customers for which it is due; by customer, everybody it concerns now or concerned before.
    async fn link_all(
        &self,
        work: &mut Work,
        account: AccountId,
        rows: &[&Customer],
    ) -> Step<BTreeMap<String, BTreeSet<MemberId>>> {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let mut concerned = members::all_concerned(&mut work.tx, account, &ids).await?;
        for row in rows.iter().filter(|row| may_be_linked(row)) {
            let before = concerned.remove(&row.id).unwrap_or_default();
            let (rulebook, now) = (work.rulebook.clone(), work.now);
            let mut random =
                Handed::new(|bytes| self.with_random(|random| random.fill_bytes(bytes)));
            link(&mut work.tx, account, row, &rulebook, now, &mut random).await?;
            let mut after = members::concerned(&mut work.tx, account, &row.id).await?;
            for member in before.difference(&after.clone()) {
                if members::exists(&mut work.tx, &self.organisation, *member).await? {
                    after.insert(*member);
                }
            }
            concerned.insert(row.id.clone(), after);
        }
        Ok(concerned)
    }

    /// Links the customer if it is due and derives everybody it concerns.
    pub(crate) async fn link_and_derive(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        cause: &str,
    ) -> Step<()> {
        let Some(row) = mirror::customer(&mut work.tx, account, customer).await? else {
            return Ok(());
        };
        let concerned = self.link_all(work, account, &[&row]).await?;
        let causes: BTreeMap<MemberId, String> = concerned
            .into_values()
            .flatten()
            .map(|member| (member, cause.to_owned()))
            .collect();
        self.derive_each(work, &causes).await
    }

    /// Customers that nobody has claimed although their mail address never came.
    pub async fn link_waiting(&self, now: Timestamp) -> Step {
        let mut work = self.work(now).await?;
        let waiting = mirror::unclaimed(
            &mut work.tx,
            now - crate::membership::link::MAIL_WAIT,
            now - Span::days(1),
        )
        .await?;
        for (account, customer) in waiting {
            self.link_and_derive(&mut work, account, &customer, "no mail address came")
                .await?;
        }
        self.finish(work).await
    }
}

/// Orders what was said of a price: by the moment, and within its second a fetch before every event.
pub(crate) fn price_stamp(at: Timestamp, place: &str) -> String {
    format!("{:020} {place}", at.0)
}

/// What is kept of a price.
fn price_row(price: &PriceInfo) -> PriceRow {
    let tag = tag::resolve(price);
    PriceRow {
        x: tag.found.as_ref().map(|found| found.x.clone()),
        place: tag
            .found
            .as_ref()
            .map(|found| found.place.as_str().to_owned()),
        warnings: tag.warnings.iter().map(ToString::to_string).collect(),
    }
}
