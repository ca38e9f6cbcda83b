//! Sync, second half: a customer's state is fetched outside any transaction and applied only if its ticket is newest.

use super::client::StripeError;
use super::news::MEMBER_KEY;
use super::prices::said_stamp;
use super::read;
use super::receive::arrival;
use crate::app::{App, Step, Work};
use crate::billing::read::PriceInfo;
use crate::store::attention::{Item, raise, settle};
use crate::store::inbox::{self, Arrival};
use crate::store::mirror::{self, CustomerNews, Kept, Object};
use serde_json::Value;
use shared::facts::{Invoice, InvoiceStatus, Subscription, SubscriptionStatus};
use shared::ids::AccountId;
use shared::time::{Span, Timestamp};
use std::collections::BTreeSet;

/// How many customers one step fetches at most.
const BATCH: i64 = 16;
/// Events are listed again from so long before the cursor: Stripe's list lags behind its events.
const OVERLAP: Span = Span::minutes(5);
/// A fetch without an answer by then was cut off by a crash and is asked for again.
const ANSWER_TIME: Span = Span::minutes(1);
/// So long an answer may lag behind the events.
const LAG: Span = Span::seconds(30);
/// So long after an answer that denies an event Stripe is asked again.
const ASK_AGAIN: Span = Span::seconds(10);
/// The longest pause between two tries.
const LONGEST_PAUSE: Span = Span::minutes(10);

/// What Stripe said about a customer.
#[derive(Clone)]
pub(super) struct Fetched {
    pub subscriptions: Vec<(Subscription, Vec<PriceInfo>)>,
    pub invoices: Vec<(Invoice, Vec<PriceInfo>)>,
    pub customer: Option<CustomerNews>,
}

/// Why a fetch was not applied.
pub(super) enum Failure {
    /// Stripe did not answer, or not us.
    Stripe(Box<StripeError>),
    /// The answer lacks what we know to exist: an empty answer is no end.
    Implausible,
    /// The answer is not readable.
    Unreadable(read::ReadError),
}

impl Failure {
    fn stripe(error: StripeError) -> Self {
        Self::Stripe(Box::new(error))
    }
}

/// How often events are pulled where nothing else brings them.
pub const PULL_EVERY: Span = Span::seconds(5);
/// How often they are pulled beside webhooks, for a delivery that was lost for good; and the longest wait for a Stripe
/// that does not answer.
pub const PULL_SELDOM: Span = Span::minutes(10);

/// How long to wait before the next pull: twice as long as the `last` time while Stripe does not answer.
#[must_use]
pub fn pull_again(often: Span, last: Span, answered: bool) -> Span {
    if answered {
        often
    } else {
        Span((2 * last.0).clamp(often.0, PULL_SELDOM.0))
    }
}

impl App {
    /// Fetches customers whose turn it is. `clock` is asked when an answer has come.
    pub async fn fetch(&self, clock: impl Fn() -> Timestamp) -> Step {
        let mut publications = self.trace(&clock).await?;
        let mut tx = self.store.begin_read().await?;
        let due = mirror::due_fetches(&mut tx, clock(), BATCH).await?;
        drop(tx);
        if due.is_empty() || !self.confirm(clock()).await? {
            return Ok(publications);
        }
        for (account, customer) in due {
            publications.extend(self.fetch_one(account, &customer, &clock).await?);
        }
        Ok(publications)
    }

    /// Whether the key belongs to the account and mode on record; only then do its answers count.
    pub async fn confirm(&self, now: Timestamp) -> Step<bool> {
        let Some(stripe) = &self.billing.stripe else {
            return Ok(false);
        };
        let answer = stripe.account().await;
        let mut tx = self.store.begin().await?;
        let good = match &answer {
            Ok(found)
                if found
                    .livemode
                    .is_none_or(|livemode| self.billing.mode.fits(livemode)) =>
            {
                mirror::confirm_account(&mut tx, self.account, &found.id, now).await?
            }
            Ok(_) | Err(_) => false,
        };
        if good {
            settle(
                &mut tx,
                &self.organisation,
                "stripe_not_readable",
                "key",
                now,
            )
            .await?;
        } else {
            let sentence = match answer {
                Ok(_) => {
                    "The Stripe key belongs to another account or mode than the one on record. Nobody lost access."
                }
                Err(_) => "Stripe cannot be read with this key. Nobody lost access.",
            };
            let item = Item {
                kind: "stripe_not_readable",
                subject: "key",
                sentence,
                remedy: "Set STRIPE_SECRET_KEY to a key of the right account and mode.",
                member: None,
            };
            raise(&mut tx, &self.organisation, item, now).await?;
            for (account, customer) in mirror::due_fetches(&mut tx, now, 10_000).await? {
                mirror::fetch_failed(&mut tx, account, &customer, now, now + Span::minutes(1))
                    .await?;
            }
        }
        tx.commit().await?;
        if !good {
            self.derive_unread(now).await?;
        }
        Ok(good)
    }

    /// Members whose customers cannot be read now: what would end by the clock waits.
    async fn derive_unread(&self, now: Timestamp) -> Step {
        let mut work = self.work(now).await?;
        for (account, customer) in mirror::unread(&mut work.tx).await? {
            self.link_and_derive(&mut work, account, &customer, "Stripe cannot be read")
                .await?;
        }
        self.finish(work).await
    }

    async fn fetch_one(
        &self,
        account: AccountId,
        customer: &str,
        clock: &impl Fn() -> Timestamp,
    ) -> Step {
        let asked_at = clock();
        let again = asked_at + ANSWER_TIME;
        let mut tx = self.store.begin().await?;
        let ticket = mirror::take_ticket(&mut tx, account, customer, again).await?;
        tx.commit().await?;
        let answer = self.ask(account, customer).await;
        let mut work = self.work(clock()).await?;
        match answer {
            Ok(fetched) => {
                if mirror::fetched(&mut work.tx, account, customer, ticket, asked_at, again).await?
                {
                    self.apply_fetched(&mut work, account, customer, fetched, asked_at)
                        .await?;
                }
            }
            Err(failure) => {
                self.note_failure(&mut work, account, customer, &failure)
                    .await?
            }
        }
        self.link_and_derive(&mut work, account, customer, &format!("fetch {ticket}"))
            .await?;
        self.finish(work).await
    }

    async fn note_failure(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        failure: &Failure,
    ) -> Step<()> {
        let known = mirror::customer(&mut work.tx, account, customer).await?;
        let first = known.is_none_or(|known| known.unread_since.is_none());
        let asked = match failure {
            Failure::Stripe(error) => error.retry_after(),
            Failure::Implausible | Failure::Unreadable(_) => None,
        };
        let ours = if first {
            Span::seconds(5)
        } else {
            LONGEST_PAUSE
        };
        let pause = ours.max(asked.unwrap_or(ours));
        let now = work.now;
        mirror::fetch_failed(&mut work.tx, account, customer, now, now + pause).await?;
        let sentence = match failure {
            Failure::Stripe(_) => {
                "Stripe could not be asked about a customer; what is known stays in force."
            }
            Failure::Implausible => {
                "Stripe no longer shows subscriptions that it showed before; they stay in force."
            }
            Failure::Unreadable(_) => {
                "Stripe's answer about a customer could not be read; what is known stays in force."
            }
        };
        match failure {
            Failure::Stripe(error) => {
                tracing::warn!(customer, %error, "a customer could not be fetched")
            }
            Failure::Implausible => tracing::warn!(
                customer,
                "a customer's subscriptions are missing from Stripe's answer"
            ),
            Failure::Unreadable(error) => {
                tracing::warn!(customer, %error, "a customer's answer is not readable")
            }
        }
        let remedy =
            "It is tried again by itself; check Stripe's status and the key if this stays.";
        let item = Item {
            kind: "stripe_unreachable",
            subject: customer,
            sentence,
            remedy,
            member: None,
        };
        raise(&mut work.tx, &self.organisation, item, now).await?;
        Ok(())
    }

    /// Asks for all subscriptions, and for the invoices that paid them where they are not known yet.
    async fn ask(&self, account: AccountId, customer: &str) -> Result<Fetched, Failure> {
        let stripe = self.billing.stripe.as_ref().ok_or(Failure::Implausible)?;
        let listed = stripe
            .subscriptions_of(customer)
            .await
            .map_err(Failure::stripe)?;
        let mut subscriptions = Vec::new();
        let mut invoices = Vec::new();
        for value in &listed {
            let subscription = read::subscription(value).map_err(Failure::Unreadable)?;
            if let Some(latest) = value
                .get("latest_invoice")
                .filter(|latest| latest.is_object())
            {
                invoices.push(read_invoice(latest)?);
            }
            subscriptions.push((subscription, prices(value.get("items"))));
        }
        let kept = self
            .kept(account, customer)
            .await
            .map_err(|_| Failure::Implausible)?;
        if kept.0.iter().any(|known| {
            !subscriptions
                .iter()
                .any(|(subscription, _)| subscription.id == *known)
        }) {
            return Err(Failure::Implausible);
        }
        let paid: Vec<&Invoice> = invoices
            .iter()
            .map(|(invoice, _)| invoice)
            .chain(&kept.1)
            .collect();
        if subscriptions
            .iter()
            .any(|(subscription, _)| needs_invoices(subscription, &paid))
        {
            let listed = stripe
                .invoices_of(customer)
                .await
                .map_err(Failure::stripe)?;
            invoices = listed.iter().map(read_invoice).collect::<Result<_, _>>()?;
        }
        let customer = match stripe.customer(customer).await {
            Ok(value) => Some(customer_news(&value).map_err(Failure::Unreadable)?),
            Err(_) if !subscriptions.is_empty() => None,
            Err(error) => return Err(Failure::stripe(error)),
        };
        Ok(Fetched {
            subscriptions,
            invoices,
            customer,
        })
    }

    /// Ids of subscriptions that still run as far as we know, and paid invoices we have.
    async fn kept(&self, account: AccountId, customer: &str) -> Step<(Vec<String>, Vec<Invoice>)> {
        let mut tx = self.store.begin_read().await?;
        let mut running = Vec::new();
        let mut paid = Vec::new();
        for kept in mirror::of_customer(&mut tx, account, customer).await? {
            match kept.object {
                Object::Subscription(subscription) if !subscription.status.is_terminal() => {
                    running.push(subscription.id)
                }
                Object::Invoice(invoice) if invoice.status == InvoiceStatus::Paid => {
                    paid.push(invoice)
                }
                Object::Subscription(_) | Object::Invoice(_) => {}
            }
        }
        Ok((running, paid))
    }

    pub(super) async fn apply_fetched(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        fetched: Fetched,
        asked_at: Timestamp,
    ) -> Step<()> {
        // Stripe counts whole seconds: an event of the second in which we asked may still be news.
        let as_of = Timestamp::from_seconds(asked_at.as_seconds());
        let mut changed = BTreeSet::new();
        let prices = fetched.subscriptions.iter().flat_map(|(_, prices)| prices);
        for price in prices.chain(fetched.invoices.iter().flat_map(|(_, prices)| prices)) {
            let stamp = said_stamp(as_of, "");
            if self.meet_price(work, account, price, &stamp).await? {
                changed.insert((account, price.id.clone()));
            }
        }
        if let Some(news) = fetched.customer {
            let news = CustomerNews {
                stamp: Some(said_stamp(as_of, "")),
                ..news
            };
            mirror::describe(&mut work.tx, account, customer, &news);
        }
        for (subscription, _) in fetched.subscriptions {
            self.keep_fetched(
                work,
                account,
                customer,
                Object::Subscription(subscription),
                as_of,
            )
            .await?;
        }
        for (invoice, _) in fetched.invoices {
            let object = Object::Invoice(invoice.clone());
            let kept = self
                .keep_fetched(work, account, customer, object, as_of)
                .await?;
            // The ledger says what the mirror says.
            if kept && invoice.status == InvoiceStatus::Paid {
                let paid_at = invoice.created;
                crate::store::members::book(
                    &mut work.tx,
                    &self.organisation,
                    account,
                    customer,
                    &invoice,
                    paid_at,
                );
            }
        }
        settle(
            &mut work.tx,
            &self.organisation,
            "stripe_unreachable",
            customer,
            work.now,
        )
        .await?;
        if !changed.is_empty() {
            self.reread(work).await?;
            self.derive_payers(work, &changed).await?;
        }
        Ok(())
    }

    /// Keeps what was fetched, unless something newer is known; whether it was kept.
    async fn keep_fetched(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        object: Object,
        as_of: Timestamp,
    ) -> Step<bool> {
        let known = mirror::find(&mut work.tx, account, object.id()).await?;
        let terminal = |object: &Object| match object {
            Object::Subscription(subscription) => subscription.status.is_terminal(),
            Object::Invoice(invoice) => invoice.status == InvoiceStatus::Paid,
        };
        // An event of a later second than the question, or an end, is news that this answer does not have.
        let newer = known.as_ref().is_some_and(|known| {
            known.fetched(work.now) > Some(as_of)
                || known.stamp.as_ref().is_some_and(|stamp| stamp.at() > as_of)
                || (terminal(&known.object) && !terminal(&object))
        });
        if newer {
            return Ok(false);
        }
        // What an event said a moment ago and no answer has confirmed yet may be newer than an answer that denies it:
        // Stripe's answers can lag behind its events.
        let lags = known.as_ref().is_some_and(|known| {
            let said_at = known.stamp.as_ref().map(|stamp| stamp.at());
            said_at > Some(known.fetched(work.now).unwrap_or(Timestamp::MIN))
                && said_at.is_some_and(|at| as_of < at + LAG)
                && known.object != object
        });
        if lags {
            mirror::want_fetch(&mut work.tx, account, customer, work.now + ASK_AGAIN);
            return Ok(false);
        }
        let stamp = known.and_then(|known| known.stamp);
        mirror::put(
            &mut work.tx,
            account,
            customer,
            &Kept {
                object,
                stamp,
                as_of,
            },
        );
        Ok(true)
    }

    /// Pulls events into the inbox, from the durable cursor on; returns how many were new, none if Stripe did not say.
    pub async fn pull(&self, now: Timestamp) -> Step<Option<usize>> {
        let Some(stripe) = &self.billing.stripe else {
            return Ok(None);
        };
        if !self.confirm(now).await? {
            return Ok(None);
        }
        let mut tx = self.store.begin_read().await?;
        // A clock that was ahead must not hide what came since.
        let cursor = Timestamp(
            mirror::account(&mut tx, &self.organisation, self.billing.mode.word())
                .await?
                .pull_created,
        )
        .min(now);
        drop(tx);
        let events = match stripe.events_since(cursor - OVERLAP).await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%error, "events could not be pulled");
                return Ok(None);
            }
        };
        let arrivals: Vec<Arrival> = events
            .iter()
            .filter_map(|event| arrival(self, event.to_string().as_bytes()).ok()?.ok())
            .collect();
        let newest = arrivals.iter().map(|arrival| arrival.created).max();
        let mut tx = self.store.begin().await?;
        let inserted = inbox::insert_all(&mut tx, &arrivals, &[], now);
        let fresh = inbox::fresh(&mut tx, &arrivals, inserted).await?;
        mirror::pulled(&mut tx, self.account, cursor.max(newest.unwrap_or(cursor))).await?;
        tx.commit().await?;
        Ok(Some(fresh.into_iter().filter(|fresh| *fresh).count()))
    }
}

pub(super) fn needs_invoices(subscription: &Subscription, paid: &[&Invoice]) -> bool {
    let begun = !matches!(
        subscription.status,
        SubscriptionStatus::Incomplete | SubscriptionStatus::IncompleteExpired
    );
    let covered = |until: Timestamp| {
        paid.iter().any(|invoice| {
            invoice.status == InvoiceStatus::Paid
                && invoice.subscription.as_ref() == Some(&subscription.id)
                && invoice.lines.iter().any(|line| line.to >= until)
        })
    };
    begun
        && subscription
            .items
            .iter()
            .any(|item| !covered(item.period_end))
}

pub(super) fn read_invoice(value: &Value) -> Result<(Invoice, Vec<PriceInfo>), Failure> {
    Ok((
        read::invoice(value).map_err(Failure::Unreadable)?,
        prices(value.get("lines")),
    ))
}

fn prices(list: Option<&Value>) -> Vec<PriceInfo> {
    super::news::prices(list)
}

pub(super) fn customer_news(value: &Value) -> Result<CustomerNews, read::ReadError> {
    let info = read::customer(value)?;
    Ok(CustomerNews {
        mail: info.email,
        name: info.name,
        reference: info.metadata.get(MEMBER_KEY).cloned(),
        known: true,
        deleted_at: None,
        stamp: None,
    })
}
