//! Sync, second half: a customer's state is fetched outside any transaction and applied only if its ticket is newest.

use super::ask::{Failure, Fetched};
use super::client::KeyOwner;
use super::news::ACCOUNT;
use super::prices::said_stamp;
use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::said::Said;
use crate::store::accounts;
use crate::store::attention::{Item, raise, settle};
use crate::store::mirror::{self, CustomerNews, Kept, Object};
use shared::facts::InvoiceStatus;
use shared::ids::AccountId;
use shared::time::{Span, Timestamp};
use std::collections::BTreeSet;

/// How many customers one step fetches at most.
const BATCH: i64 = 16;
/// A fetch without an answer by then was cut off by a crash and is asked for again.
const ANSWER_TIME: Span = Span::minutes(1);
/// So long an answer may lag behind the events.
const LAG: Span = Span::seconds(30);
/// So long after an answer that denies an event Stripe is asked again.
const ASK_AGAIN: Span = Span::seconds(10);
/// The longest pause between two tries.
const LONGEST_PAUSE: Span = Span::minutes(10);

impl App {
    /// Fetches customers whose turn it is. `clock` is asked when an answer has come.
    pub async fn fetch(&self, clock: impl Fn() -> Timestamp) -> Step {
        let mut publications = self.look_up(&clock).await?;
        publications.extend(self.trace(&clock).await?);
        let mut tx = self.store.begin_read().await?;
        let due = mirror::due_fetches(&mut tx, self.account, clock(), BATCH).await?;
        drop(tx);
        if due.is_empty() || self.billing.stripe.is_none() {
            return Ok(publications);
        }
        if !self.confirm(clock()).await? {
            publications.extend(self.put_off(clock()).await?);
            return Ok(publications);
        }
        for customer in due {
            publications.extend(self.fetch_one(&customer, &clock).await?);
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
            Ok(found) if self.may_be(found) => {
                accounts::confirm(&mut tx, self.account, &found.id, now).await?
            }
            Ok(_) | Err(_) => false,
        };
        if good {
            let healed = [
                (Kind::StripeNotReadable, "key"),
                (Kind::Disconnected, ACCOUNT),
            ];
            for (kind, subject) in healed {
                settle(&mut tx, &self.organisation, kind, subject, now).await?;
            }
        } else {
            let sentence = match answer {
                Ok(_) => Said::of("attention-stripe-not-readable-other"),
                Err(_) => Said::of("attention-stripe-not-readable"),
            };
            let item = Item {
                kind: Kind::StripeNotReadable,
                subject: "key",
                sentence,
                remedy: match self.billing.connected {
                    None => Said::of("remedy-stripe-not-readable"),
                    Some(_) => Said::of("remedy-stripe-not-readable-connected"),
                },
                member: None,
            };
            raise(&mut tx, &self.organisation, item, now).await?;
        }
        tx.commit().await?;
        Ok(good)
    }

    /// Nobody's fetch that is due can be had now: what would end by the clock waits.
    async fn put_off(&self, now: Timestamp) -> Step {
        let mut work = self.work(now).await?;
        let account = self.account;
        let again = (now + Span::minutes(1), now + LONGEST_PAUSE);
        for customer in mirror::due_fetches(&mut work.tx, account, now, 10_000).await? {
            if mirror::fetch_failed(&mut work.tx, account, &customer, now, again).await? {
                self.link_and_derive(&mut work, account, &customer, "Stripe cannot be read")
                    .await?;
            }
        }
        self.finish(work).await
    }

    /// Whether an account that answered can be ours: of our mode, and the very one that is connected.
    fn may_be(&self, found: &KeyOwner) -> bool {
        let mode = self.billing.mode;
        let wanted = self.billing.connected.as_ref();
        found.livemode.is_none_or(|livemode| mode.fits(livemode))
            && wanted.is_none_or(|wanted| wanted.as_str() == found.id)
    }

    async fn fetch_one(&self, customer: &str, clock: &impl Fn() -> Timestamp) -> Step {
        let account = self.account;
        let asked_at = clock();
        let again = asked_at + ANSWER_TIME;
        let mut tx = self.store.begin().await?;
        let ticket = mirror::take_ticket(&mut tx, account, customer, again).await?;
        tx.commit().await?;
        let answer = self.ask(account, customer).await?;
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
        let asked = match failure {
            Failure::Stripe(error) => error.retry_after(),
            Failure::Implausible | Failure::Unreadable(_) => None,
        };
        let now = work.now;
        let after = |pause: Span| now + pause.max(asked.unwrap_or(pause));
        let again = (after(Span::seconds(5)), after(LONGEST_PAUSE));
        mirror::fetch_failed(&mut work.tx, account, customer, now, again).await?;
        let sentence = match failure {
            Failure::Stripe(_) => Said::of("attention-stripe-unreachable"),
            Failure::Implausible => Said::of("attention-stripe-unreachable-implausible"),
            Failure::Unreadable(_) => Said::of("attention-stripe-unreachable-unreadable"),
        };
        tracing::warn!(customer, error = %failure, "a customer could not be fetched");
        let item = Item {
            kind: Kind::StripeUnreachable,
            subject: customer,
            sentence,
            remedy: Said::of("remedy-stripe-unreachable"),
            member: None,
        };
        raise(&mut work.tx, &self.organisation, item, now).await?;
        Ok(())
    }

    pub(super) async fn apply_fetched(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        fetched: Fetched,
        asked_at: Timestamp,
    ) -> Step<()> {
        let changed = self
            .keep_all_fetched(work, account, customer, fetched, asked_at)
            .await?;
        if !changed.is_empty() {
            self.reread(work).await?;
            self.derive_payers(work, &changed).await?;
        }
        Ok(())
    }

    /// Keeps all that was fetched of a customer, unless something newer is known; the prices that changed with it.
    pub(super) async fn keep_all_fetched(
        &self,
        work: &mut Work,
        account: AccountId,
        customer: &str,
        fetched: Fetched,
        asked_at: Timestamp,
    ) -> Step<BTreeSet<(AccountId, String)>> {
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
            Kind::StripeUnreachable,
            customer,
            work.now,
        )
        .await?;
        Ok(changed)
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
        match known
            .as_ref()
            .map(|known| weigh(known, &object, as_of, work.now))
        {
            Some(Weight::Late) => return Ok(false),
            Some(Weight::Doubtful) => {
                mirror::want_fetch(&mut work.tx, account, customer, work.now + ASK_AGAIN);
                return Ok(false);
            }
            Some(Weight::Counts) | None => {}
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
            work.now,
        );
        Ok(true)
    }
}

/// What an answer about an object counts beside what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// It is the newest word.
    Counts,
    /// What is known is newer.
    Late,
    /// It may lag behind an event that was said a moment ago.
    Doubtful,
}

/// Weighs an answer to a question asked at `as_of`.
fn weigh(known: &Kept, answer: &Object, as_of: Timestamp, now: Timestamp) -> Weight {
    let is_over = |object: &Object| match object {
        Object::Subscription(subscription) => subscription.status.is_terminal(),
        Object::Invoice(invoice) => invoice.status == InvoiceStatus::Paid,
    };
    let said_at = known.stamp.as_ref().map(|stamp| stamp.at());
    let asked_before = known.fetched(now);
    // An event of a later second than the question, or an end, is news that this answer does not have.
    if asked_before > Some(as_of)
        || said_at > Some(as_of)
        || is_over(&known.object) && !is_over(answer)
    {
        return Weight::Late;
    }
    // What an event said a moment ago and no answer has confirmed yet may be newer than an answer that denies it:
    // Stripe's answers can lag behind its events.
    let unconfirmed = said_at > Some(asked_before.unwrap_or(Timestamp::MIN));
    if unconfirmed && said_at.is_some_and(|at| as_of < at + LAG) && known.object != *answer {
        return Weight::Doubtful;
    }
    Weight::Counts
}

#[cfg(test)]
mod tests;
