//! Reconciliation: everything that Stripe lists is held against what is known here, and what differs is told and mended.
//!
//! Whoever would lose access by it waits until all differences are known: more than a few at once need an admin's yes.
//! What Stripe does not list is no end of anything.

use super::ask::{Failure, Fetched};
use super::client::{Stripe, StripeError};
use super::differences::{Asked, of_customer, of_invoice, of_subscription, was_missed};
use crate::app::{App, Step};
use crate::attention::Kind;
use crate::doors::publish::Publication;
use crate::membership::clock::{brake_limit, members_in};
use crate::said::{Part, Said};
use crate::store::accounts;
use crate::store::attention::{Item, raise, settle};
use crate::store::mirror::{self, Customer, Object};
use crate::store::{Result, StoreError};
use serde_json::Value;
use shared::facts::{Invoice, Subscription};
use shared::ids::MemberId;
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How often everything is compared.
const RECONCILE_EVERY: Span = Span::days(1);
/// How often it is looked whether that is due.
pub const LOOK_EVERY: Span = Span::minutes(10);
/// So many of our own subscriptions are in memory at once.
const PAGE: i64 = 500;

/// What may be done about differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// They are told only.
    No,
    /// They are mended, unless too many members would lose access at once.
    Careful,
    /// They are mended, whoever loses access: an admin said so.
    Approved,
}

/// What differs in one subscription or price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `sub_…`, or the id of a price.
    pub subject: String,
    /// `cus_…`; none of a price.
    pub customer: Option<String>,
    /// In words.
    pub words: Vec<String>,
    /// Who comes in by mending it.
    pub gained: Vec<MemberId>,
    /// Who goes out by mending it.
    pub lost: Vec<MemberId>,
}

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Reconciliation {
    /// How many subscriptions Stripe listed.
    pub listed: usize,
    /// What differs, prices first.
    pub differences: Vec<Difference>,
    /// Members who would lose access and keep it, because they are too many.
    pub held: BTreeSet<MemberId>,
    /// What to publish.
    pub publications: Vec<Publication>,
}

/// Everything could not be compared; what was mended before stays.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// There is no key.
    #[error("STRIPE_SECRET_KEY is not set: there is nothing to compare with")]
    NoKey,
    /// Not the key of the account on record.
    #[error("the key does not read the account on record: nothing was changed")]
    WrongKey,
    /// Stripe did not answer.
    #[error(transparent)]
    Stripe(#[from] StripeError),
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A subscription as Stripe lists it, and how it differs.
struct Found {
    customer: String,
    difference: Difference,
    fetched: Fetched,
    asked_at: Timestamp,
}

/// What is known of the customers on a page.
#[derive(Default)]
struct Here {
    customers: BTreeMap<String, Customer>,
    subscriptions: BTreeMap<String, Subscription>,
    /// With when Stripe was last asked about them.
    invoices: BTreeMap<String, (Invoice, Timestamp)>,
}

impl Here {
    /// Whether news of an invoice of the subscription was missed, of which its latest one says nothing.
    fn missed_an_invoice(&self, subscription: &Subscription, latest: Option<&Invoice>) -> bool {
        let all = self.invoices.values().map(|(invoice, at)| (invoice, *at));
        let own =
            |(invoice, _): &Asked<'_>| invoice.subscription.as_ref() == Some(&subscription.id);
        let known: Vec<Asked<'_>> = all.filter(own).collect();
        let customer = self.customers.get(&subscription.customer);
        let heard_at = customer.map(|customer| Timestamp(customer.seen_at));
        was_missed(subscription, heard_at, &known, latest)
    }

    /// How what Stripe shows of a subscription differs.
    fn differences(&self, shown: &Fetched, subscription: &Subscription) -> Vec<String> {
        let customer = self.customers.get(&subscription.customer);
        let known = self.subscriptions.get(&subscription.id);
        let mut words = of_subscription(known, subscription);
        words.extend(of_customer(customer, shown.customer.as_ref()));
        for (invoice, _) in &shown.invoices {
            let known = self.invoices.get(&invoice.id);
            words.extend(of_invoice(known.map(|(known, _)| known), invoice));
        }
        words
    }
}

/// What runs here and not in Stripe's list.
fn unlisted(subscription: String, customer: String) -> Difference {
    let words = "it runs here, and Stripe does not list it: nothing is ended by that";
    Difference {
        subject: subscription,
        customer: Some(customer),
        words: vec![words.to_owned()],
        gained: Vec::new(),
        lost: Vec::new(),
    }
}

/// An answer about a customer's invoices that says nothing ends no comparison; no answer does.
fn comparable(
    customer: &str,
    answer: std::result::Result<(), Failure>,
) -> std::result::Result<(), Box<StripeError>> {
    match answer {
        Err(Failure::Stripe(error)) => Err(error),
        Err(error @ (Failure::Unreadable(_) | Failure::Implausible)) => {
            tracing::warn!(%customer, %error, "a customer's invoices could not be compared");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

impl App {
    /// Compares everything with Stripe. `clock` is asked when an answer has come.
    pub async fn reconcile(
        &self,
        repair: Repair,
        clock: impl Fn() -> Timestamp,
    ) -> std::result::Result<Reconciliation, ReconcileError> {
        let stripe = self
            .billing
            .stripe
            .as_deref()
            .ok_or(ReconcileError::NoKey)?;
        if !self.confirm(clock()).await? {
            return Err(ReconcileError::WrongKey);
        }
        let mut done = Reconciliation::default();
        self.compare_catalogue(stripe, repair, clock(), &mut done)
            .await?;
        let mut seen = BTreeSet::new();
        let mut waiting = Vec::new();
        let (mut after, mut products) = (None, BTreeMap::new());
        loop {
            let asked_at = clock();
            let page = stripe
                .subscription_page(after.as_deref(), &mut products)
                .await?;
            done.listed += page.data.len();
            seen.extend(
                page.data
                    .iter()
                    .filter_map(|value| Some(value["id"].as_str()?.to_owned())),
            );
            for mut found in self.compare(stripe, &page.data, asked_at).await? {
                self.complete(stripe, &mut found).await?;
                let kept = self
                    .mend(&mut found, repair != Repair::No, false, clock())
                    .await?;
                done.publications.extend(kept.unwrap_or_default());
                if found.difference.words.is_empty() {
                    continue;
                }
                if !found.difference.lost.is_empty() && repair != Repair::No {
                    waiting.push(found);
                } else {
                    done.differences.push(found.difference);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.take_away(waiting, repair, &clock, &mut done).await?;
        self.look_for_missing(&seen, repair, clock(), &mut done)
            .await?;
        Ok(done)
    }

    /// What differs in the catalogue; it is learned as well if something may be done.
    async fn compare_catalogue(
        &self,
        stripe: &dyn Stripe,
        repair: Repair,
        asked_at: Timestamp,
        done: &mut Reconciliation,
    ) -> std::result::Result<(), ReconcileError> {
        let listed = match stripe.prices().await {
            Ok(listed) => listed,
            // A key that reads no prices still reads who pays.
            Err(error @ StripeError::NotReadable { .. }) => {
                tracing::warn!(%error, "the catalogue was not compared");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        // No answer at all says nothing.
        if listed.is_empty() {
            return Ok(());
        }
        let differing = self.catalogue_differences(&listed).await?;
        let difference = |(price, words)| Difference {
            subject: price,
            customer: None,
            words,
            gained: Vec::new(),
            lost: Vec::new(),
        };
        done.differences
            .extend(differing.into_iter().map(difference));
        if repair != Repair::No {
            let publications = self.learn_catalogue(&listed, asked_at).await?;
            done.publications.extend(publications);
        }
        Ok(())
    }

    /// What differs on a page.
    async fn compare(
        &self,
        stripe: &dyn Stripe,
        page: &[Value],
        asked_at: Timestamp,
    ) -> std::result::Result<Vec<Found>, ReconcileError> {
        let mut listed = Vec::new();
        for value in page {
            let mut entry = Fetched::default();
            match entry.read(value) {
                Ok(()) => listed.push(entry),
                Err(error) => tracing::warn!(
                    subscription = value["id"].as_str(),
                    %error,
                    "a subscription in Stripe's list cannot be read"
                ),
            }
        }
        let here = self.here(&listed).await?;
        let mut found = Vec::new();
        for mut fetched in listed {
            let Some((subscription, _)) = fetched.subscriptions.first().cloned() else {
                continue;
            };
            let latest = fetched.invoices.first().map(|(invoice, _)| invoice);
            let doubted = here.missed_an_invoice(&subscription, latest);
            if doubted {
                let customer = &subscription.customer;
                let asked = fetched.ask_invoices(stripe, customer).await;
                comparable(customer, asked).map_err(|error| *error)?;
                fetched
                    .invoices
                    .retain(|(row, _)| row.subscription.as_ref() == Some(&subscription.id));
            }
            let words = here.differences(&fetched, &subscription);
            // That nothing was missed is worth keeping: it is not asked again.
            if words.is_empty() && !doubted {
                continue;
            }
            found.push(Found {
                difference: Difference {
                    subject: subscription.id,
                    customer: Some(subscription.customer.clone()),
                    words,
                    gained: Vec::new(),
                    lost: Vec::new(),
                },
                customer: subscription.customer,
                fetched,
                asked_at,
            });
        }
        Ok(found)
    }

    /// What is known of the customers of these subscriptions.
    async fn here(&self, listed: &[Fetched]) -> Result<Here> {
        let subscriptions = listed.iter().flat_map(|fetched| &fetched.subscriptions);
        let ids: BTreeSet<&str> = subscriptions
            .map(|(row, _)| row.customer.as_str())
            .collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut tx = self.store.begin_read().await?;
        let customers = mirror::ask_customers(&mut tx, self.account, &ids);
        let objects = mirror::ask_of_customers(&mut tx, self.account, &ids);
        let mut here = Here::default();
        for customer in mirror::customers(&mut tx, customers).await? {
            here.customers.insert(customer.id.clone(), customer);
        }
        for kept in mirror::objects(&mut tx, objects).await? {
            match kept.object {
                Object::Subscription(row) => {
                    here.subscriptions.insert(row.id.clone(), row);
                }
                Object::Invoice(row) => {
                    here.invoices.insert(row.id.clone(), (row, kept.as_of));
                }
            }
        }
        Ok(here)
    }

    /// Asks for the invoices that say what was paid, where the latest does not.
    async fn complete(
        &self,
        stripe: &dyn Stripe,
        found: &mut Found,
    ) -> std::result::Result<(), ReconcileError> {
        let customer = &found.customer;
        let known = self.known(self.account, customer).await?;
        let completed = found.fetched.complete(stripe, customer, &known.paid).await;
        Ok(comparable(customer, completed).map_err(|error| *error)?)
    }

    /// Tries a difference out and notes who comes in and who goes out by it. It is kept if that is wanted and, unless
    /// `even_if_lost`, nobody goes out; then what to publish is returned.
    async fn mend(
        &self,
        found: &mut Found,
        wanted: bool,
        even_if_lost: bool,
        now: Timestamp,
    ) -> Step<Option<Vec<Publication>>> {
        let (account, customer) = (self.account, found.customer.clone());
        let mut work = self.work(now).await?;
        mirror::meet_all(&mut work.tx, account, &[&customer], now);
        let fetched = found.fetched.clone();
        self.apply_fetched(&mut work, account, &customer, fetched, found.asked_at)
            .await?;
        let derived = self
            .link_and_derive(&mut work, account, &customer, "reconciliation")
            .await?;
        let those = |out: bool| {
            let moved = derived
                .iter()
                .filter(move |(_, derived)| derived.was_in == out && derived.is_in != out);
            moved.map(|(member, _)| *member).collect()
        };
        found.difference.lost = those(true);
        found.difference.gained = those(false);
        if !wanted || !(even_if_lost || found.difference.lost.is_empty()) {
            return Ok(None);
        }
        self.finish(work).await.map(Some)
    }

    /// Mends what takes access away, if it takes it from few or an admin said yes.
    async fn take_away(
        &self,
        waiting: Vec<Found>,
        repair: Repair,
        clock: &impl Fn() -> Timestamp,
        done: &mut Reconciliation,
    ) -> Step<()> {
        let losing: BTreeSet<MemberId> = waiting
            .iter()
            .flat_map(|found| found.difference.lost.iter().copied())
            .collect();
        let mut tx = self.store.begin().await?;
        let limit = brake_limit(members_in(&mut tx, &self.organisation).await?);
        let braked = losing.len() > limit && repair != Repair::Approved;
        if braked {
            let item = Item {
                kind: Kind::ReconciliationBrake,
                subject: "reconciliation",
                sentence: Said::of("attention-reconciliation-brake")
                    .put("count", Part::count(losing.len())),
                remedy: Said::of("remedy-reconciliation-brake"),
                member: None,
            };
            raise(&mut tx, &self.organisation, item, clock()).await?;
            done.held = losing;
        } else if repair != Repair::No {
            let subject = "reconciliation";
            settle(
                &mut tx,
                &self.organisation,
                Kind::ReconciliationBrake,
                subject,
                clock(),
            )
            .await?;
        }
        tx.commit().await?;
        for mut found in waiting {
            if !braked {
                let kept = self.mend(&mut found, true, true, clock()).await?;
                done.publications.extend(kept.unwrap_or_default());
            }
            done.differences.push(found.difference);
        }
        Ok(())
    }

    /// What runs here and is not listed: told, and asked for once more by itself; never an end.
    async fn look_for_missing(
        &self,
        seen: &BTreeSet<String>,
        repair: Repair,
        now: Timestamp,
        done: &mut Reconciliation,
    ) -> Step<()> {
        let mut tx = self.store.begin().await?;
        let mut after = String::new();
        loop {
            let running = mirror::running(&mut tx, self.account, &after, PAGE).await?;
            let Some((last, _)) = running.last() else {
                break;
            };
            after.clone_from(last);
            for (subscription, customer) in running {
                if seen.contains(&subscription) {
                    continue;
                }
                if repair != Repair::No {
                    mirror::want_fetch(&mut tx, self.account, &customer, now);
                }
                done.differences.push(unlisted(subscription, customer));
            }
        }
        if repair != Repair::No {
            accounts::reconciled(&mut tx, self.account, now);
        }
        tx.commit().await
    }

    /// Compares everything once a day, whatever events say.
    pub async fn keep_reconciled(&self, clock: impl Fn() -> Timestamp) -> Step {
        let mut tx = self.store.begin_read().await?;
        let now = clock();
        let since = now - RECONCILE_EVERY;
        let due = accounts::wants_reconciliation(&mut tx, self.account, since, now).await?;
        drop(tx);
        if !due || self.billing.stripe.is_none() {
            return Ok(Vec::new());
        }
        match self.reconcile(Repair::Careful, clock).await {
            Ok(done) => {
                let (listed, differences) = (done.listed, done.differences.len());
                tracing::info!(listed, differences, "compared everything with Stripe");
                Ok(done.publications)
            }
            Err(ReconcileError::Store(error)) => Err(error),
            Err(error) => {
                tracing::warn!(%error, "not everything could be compared with Stripe; it is tried again");
                Ok(Vec::new())
            }
        }
    }
}
