//! Sync, first half: what an event's payload says goes into the mirror at once; a fetch confirms it.

use super::news::{News, Trouble, news};
use super::order::{Choice, Stamp};
use super::read::{Event, PriceInfo};
use super::tag;
use crate::app::{App, Step, Work};
use crate::membership::link::link;
use crate::random::Handed;
use crate::store::attention::{Item, raise};
use crate::store::inbox::{self, Fate};
use crate::store::members;
use crate::store::mirror::{self, CustomerNews, Kept, Object, PriceRow};
use crate::store::rulebook;
use shared::facts::{Invoice, InvoiceStatus};
use shared::ids::{AccountId, MemberId};
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How many events one transaction applies at most.
const BATCH: i64 = 256;
/// An event that failed so often is put aside.
const TRIES: i64 = 5;

/// Whom a batch of events concerns, and which events those were.
#[derive(Debug, Default)]
struct Concerned {
    customers: BTreeMap<(AccountId, String), Vec<String>>,
    prices_changed: bool,
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
        let mut work = self.work(now).await?;
        let waiting = inbox::waiting(&mut work.tx, BATCH).await?;
        if waiting.is_empty() {
            return Ok(Applied {
                events: 0,
                publications: Vec::new(),
            });
        }
        match self.apply_all(&mut work, &waiting).await {
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
            match self.apply_all(&mut work, std::slice::from_ref(event)).await {
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

    async fn apply_all(&self, work: &mut Work, waiting: &[inbox::Waiting]) -> Step<()> {
        let mut concerned = Concerned::default();
        for row in waiting {
            let account = AccountId(row.account);
            let read = Event::read(&row.body).and_then(|event| Ok((news(&event)?, event)));
            match read {
                Ok((news, event)) => {
                    let fate = self
                        .apply_one(work, account, &event, news, &mut concerned)
                        .await?;
                    inbox::finish(&mut work.tx, row.id, fate, None).await?;
                }
                Err(error) => {
                    self.poisoned(&mut work.tx, row.id, &error.to_string(), work.now)
                        .await?
                }
            }
        }
        if concerned.prices_changed {
            self.reread(work).await?;
        }
        for ((account, customer), causes) in &concerned.customers {
            self.settle_customer(work, *account, customer, &causes.join(" "))
                .await?;
        }
        Ok(())
    }

    async fn apply_one(
        &self,
        work: &mut Work,
        account: AccountId,
        event: &Event,
        news: News,
        concerned: &mut Concerned,
    ) -> Step<Fate> {
        let customer = match news {
            News::Subscription(subscription, prices, reference) => {
                self.meet_prices(work, account, &prices, event, concerned)
                    .await?;
                let customer = subscription.customer.clone();
                mirror::meet(&mut work.tx, account, &customer, work.now).await?;
                if reference.is_some() {
                    let news = CustomerNews {
                        reference,
                        ..CustomerNews::default()
                    };
                    mirror::describe(&mut work.tx, account, &customer, &news).await?;
                }
                self.keep(
                    work,
                    account,
                    &customer,
                    Object::Subscription(*subscription),
                    event,
                )
                .await?;
                customer
            }
            News::Invoice(invoice, prices, news) => {
                let Some(customer) = invoice.customer.clone() else {
                    return Ok(Fate::Ignored);
                };
                self.meet_prices(work, account, &prices, event, concerned)
                    .await?;
                mirror::meet(&mut work.tx, account, &customer, work.now).await?;
                self.describe_if_unknown(work, account, &customer, &news)
                    .await?;
                self.keep_invoice(work, account, &customer, *invoice, event)
                    .await?;
                customer
            }
            News::Customer(customer, news) => {
                mirror::meet(&mut work.tx, account, &customer, work.now).await?;
                mirror::describe(&mut work.tx, account, &customer, &news).await?;
                customer
            }
            News::Price(price) => {
                self.meet_prices(work, account, &[price], event, concerned)
                    .await?;
                return Ok(Fate::Applied);
            }
            News::Trouble(trouble) => {
                self.trouble(work, event, trouble).await?;
                let Some(customer) = event.customer.clone() else {
                    return Ok(Fate::Applied);
                };
                mirror::meet(&mut work.tx, account, &customer, work.now).await?;
                customer
            }
            News::Hint(customer) => {
                mirror::meet(&mut work.tx, account, &customer, work.now).await?;
                customer
            }
            News::Nothing => return Ok(Fate::Ignored),
        };
        concerned
            .customers
            .entry((account, customer))
            .or_default()
            .push(event.id.clone());
        Ok(Fate::Applied)
    }

    async fn meet_prices(
        &self,
        work: &mut Work,
        account: AccountId,
        prices: &[PriceInfo],
        event: &Event,
        concerned: &mut Concerned,
    ) -> Step<()> {
        let place = format!("{} {}", super::order::step(&event.kind), event.id);
        let stamp = price_stamp(event.created, &place);
        for price in prices {
            concerned.prices_changed |= self.meet_price(work, account, price, &stamp).await?;
        }
        Ok(())
    }

    /// An invoice's mail address is second best: the customer's own word counts if there is one.
    async fn describe_if_unknown(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        news: &CustomerNews,
    ) -> Step<()> {
        if news.mail.is_none() {
            return Ok(());
        }
        let known = mirror::customer(&mut work.tx, account, customer).await?;
        if known.is_some_and(|known| known.mail.is_none()) {
            mirror::describe(&mut work.tx, account, customer, news).await?;
        }
        Ok(())
    }

    /// Keeps the newest state of an object; news from before the last fetch says nothing, and news of the very second
    /// in which Stripe was asked waits for the fetch that it asks for itself.
    async fn keep(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        object: Object,
        event: &Event,
    ) -> Step<()> {
        let offered = Stamp::of(event);
        let id = object.id().to_owned();
        let known = mirror::find(&mut work.tx, account, &id).await?;
        let as_of = known.as_ref().map_or(Timestamp::MIN, |known| known.as_of);
        if event.created < as_of || event.created == as_of && self.billing.stripe.is_some() {
            return Ok(());
        }
        let (stamp, object) = match known.and_then(|known| Some((known.stamp?, known.object))) {
            None => (offered, object),
            Some((before, stored)) => {
                let mut stamp = before.clone();
                let object = match stamp.take_in(&offered) {
                    Choice::Stored if stamp == before => return Ok(()),
                    Choice::Stored => stored,
                    Choice::Offered => object,
                    Choice::Earlier(event) => self
                        .of_event(work, account, &event)
                        .await?
                        .unwrap_or(stored),
                };
                (stamp, object)
            }
        };
        mirror::put(
            &mut work.tx,
            account,
            customer,
            &Kept {
                object,
                stamp: Some(stamp),
                as_of,
            },
        )
        .await
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

    async fn keep_invoice(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        invoice: Invoice,
        event: &Event,
    ) -> Step<()> {
        if invoice.status == InvoiceStatus::Paid {
            members::book(
                &mut work.tx,
                &self.organisation,
                account,
                customer,
                &invoice,
                event.created,
            )
            .await?;
        }
        self.keep(work, account, customer, Object::Invoice(invoice), event)
            .await
    }

    /// Learns a price; a change of the type of a price in use waits for an admin. True if rules changed.
    pub(crate) async fn meet_price(
        &self,
        work: &mut Work,
        account: AccountId,
        price: &PriceInfo,
        stamp: &str,
    ) -> Step<bool> {
        let tag = tag::resolve(price);
        let row = PriceRow {
            x: tag.found.as_ref().map(|found| found.x.clone()),
            place: tag
                .found
                .as_ref()
                .map(|found| found.place.as_str().to_owned()),
            warnings: tag.warnings.iter().map(ToString::to_string).collect(),
        };
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

    /// Links the customer if it is due, derives everybody it concerns, and asks Stripe to confirm.
    pub(crate) async fn settle_customer(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        cause: &str,
    ) -> Step<()> {
        if self.billing.stripe.is_some() {
            mirror::want_fetch(&mut work.tx, account, customer, work.now).await?;
        }
        self.link_and_derive(work, account, customer, cause).await
    }

    /// Links the customer if it is due and derives everybody it concerns.
    pub(crate) async fn link_and_derive(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        cause: &str,
    ) -> Step<()> {
        let before = members::concerned(&mut work.tx, account, customer).await?;
        if let Some(row) = mirror::customer(&mut work.tx, account, customer).await? {
            let (rulebook, now) = (work.rulebook.clone(), work.now);
            let mut random =
                Handed::new(|bytes| self.with_random(|random| random.fill_bytes(bytes)));
            link(&mut work.tx, account, &row, &rulebook, now, &mut random).await?;
        }
        let mut concerned: BTreeSet<MemberId> = members::concerned(&mut work.tx, account, customer)
            .await?
            .into_iter()
            .collect();
        for member in before {
            if !concerned.contains(&member)
                && members::exists(&mut work.tx, &self.organisation, member).await?
            {
                concerned.insert(member);
            }
        }
        for member in concerned {
            self.derive(work, member, cause).await?;
        }
        Ok(())
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
