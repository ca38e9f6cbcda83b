//! Import: an organisation that has members already brings them in, and Stripe says which of them pay.
//!
//! All of it is one transaction after all that Stripe has to say was listed: a run that is cut short or refused changed
//! nothing, and a second one finds what the first has done. A customer is linked by what an admin or our own reference
//! says; a mail address alone is proposed.

mod rows;
mod take_over;
mod undo;

pub use take_over::{Taken, TakenOver};
pub use undo::Undone;

use super::ask::{Failure, Fetched};
use super::client::StripeError;
use super::oddities;
use super::roll::{Row, Wrong};
use crate::app::{App, Work};
use crate::attention::Kind;
use crate::doors::publish::Publication;
use crate::membership::clock::Run;
use crate::membership::link::{self, named, pays_for_membership};
use crate::said::Said;
use crate::store::StoreError;
use crate::store::attention::{AuditLine, Item, audit, raise, settle_link};
use crate::store::members;
use crate::store::mirror::{self, Customer};
use serde_json::Value;
use shared::facts::Subscription;
use shared::ids::MemberId;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be brought in.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// The roll.
    pub rows: Vec<Row>,
    /// Proposed customers that an admin said yes to, having seen them.
    pub link: BTreeSet<String>,
    /// Whether it is done; else it is only told.
    pub write: bool,
    /// Also if more members lose access by it than by one cause without a yes.
    pub approved: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Members made.
    pub made: Vec<MemberId>,
    /// Members of the roll who were there.
    pub found: Vec<MemberId>,
    /// Customers linked now, to whom and by what.
    pub linked: Vec<(String, MemberId, &'static str)>,
    /// Customers with the mail address of exactly one member, which nobody has said yes to.
    pub proposed: Vec<(String, MemberId)>,
    /// Customers who pay for a membership and are nobody's.
    pub without_member: Vec<String>,
    /// Members who have no customer.
    pub without_customer: Vec<MemberId>,
    /// What is unusual about lines of the roll, customers and their subscriptions, in words.
    pub notes: Vec<String>,
    /// Members who come in.
    pub gained: Vec<MemberId>,
}

/// Nothing was brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Lines of the roll.
    #[error("{}", lines(.0))]
    Rows(Vec<Wrong>),
    /// Not the key of the account on record, or none.
    #[error(
        "without a Stripe key of the account on record nothing can be asked: set STRIPE_SECRET_KEY"
    )]
    NoKey,
    /// Too many would lose access.
    #[error("this would take access from {} members at once: nothing was changed", .0.len())]
    Braked(Vec<MemberId>),
    /// Stripe did not answer.
    #[error(transparent)]
    Stripe(Box<StripeError>),
    /// The database did not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StripeError> for ImportError {
    fn from(error: StripeError) -> Self {
        Self::Stripe(Box::new(error))
    }
}

fn lines(wrong: &[Wrong]) -> String {
    let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    format!("nothing was brought in. {}", lines.join(" "))
}

/// What Stripe listed of one customer.
struct Listed {
    fetched: Fetched,
    asked_at: Timestamp,
    notes: Vec<String>,
}

type Result<T> = std::result::Result<T, ImportError>;

impl App {
    /// Brings a roll and Stripe's customers together. `clock` is asked when an answer has come.
    pub async fn import(
        &self,
        wish: &Import,
        actor: &str,
        clock: impl Fn() -> Timestamp,
    ) -> Result<(Imported, Vec<Publication>)> {
        if !self.confirm(clock()).await? {
            return Err(ImportError::NoKey);
        }
        // Prices first: then nobody is linked for a price that is met only now.
        let (_, mut publications) = self.list_catalogue(clock()).await?;
        let listed = self.list_customers(&clock).await?;
        let known = self.known_customers(wish, &listed).await?;
        let now = clock();
        let mut work = self.work(now).await?;
        let mut done = Imported::default();
        let claims = self.bring_in(&mut work, wish, &known, &mut done).await?;
        for (customer, listed) in &listed {
            mirror::meet(&mut work.tx, self.account, customer, now);
            let fetched = listed.fetched.clone();
            self.keep_all_fetched(&mut work, self.account, customer, fetched, listed.asked_at)
                .await?;
        }
        self.reread(&mut work).await?;
        let all: BTreeSet<&String> = listed.keys().chain(claims.keys()).collect();
        for customer in all {
            mirror::meet(&mut work.tx, self.account, customer, now);
            self.claim(&mut work, customer, &claims, wish, &mut done)
                .await?;
            done.notes
                .extend(self.notes_of(&work, customer, listed.get(customer)));
        }
        match self.derive_all(&mut work, "import", wish.approved).await? {
            Run::Done { gained, .. } => done.gained = gained,
            Run::Braked { lost } => return Err(ImportError::Braked(lost)),
        }
        done.without_customer = members::without_customer(&mut work.tx, &self.organisation).await?;
        if wish.write {
            let line = AuditLine {
                actor,
                action: "import",
                member: None,
                cause: "import",
                body: None,
            };
            audit(&mut work.tx, &self.organisation, now, line);
            publications.extend(self.finish(work).await?);
        }
        Ok((done, publications))
    }

    /// Everything that Stripe lists, by customer.
    async fn list_customers(
        &self,
        clock: &impl Fn() -> Timestamp,
    ) -> Result<BTreeMap<String, Listed>> {
        let stripe = self.billing.stripe.as_deref().ok_or(ImportError::NoKey)?;
        let mut all: BTreeMap<String, Listed> = BTreeMap::new();
        let (mut after, mut products) = (None, BTreeMap::new());
        loop {
            let asked_at = clock();
            let page = stripe
                .subscription_page(after.as_deref(), &mut products)
                .await?;
            for value in &page.data {
                take(&mut all, value, asked_at);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for (customer, listed) in &mut all {
            let known = self.known(self.account, customer).await?;
            match listed.fetched.complete(stripe, customer, &known.paid).await {
                Err(Failure::Stripe(error)) => return Err((*error).into()),
                Err(error @ (Failure::Unreadable(_) | Failure::Implausible)) => {
                    tracing::warn!(%customer, %error, "a customer's invoices cannot be read");
                }
                Ok(()) => {}
            }
        }
        Ok(all)
    }

    /// Which customers exist, as far as the roll names any that have no subscription.
    async fn known_customers(
        &self,
        wish: &Import,
        listed: &BTreeMap<String, Listed>,
    ) -> Result<BTreeSet<String>> {
        let mut known: BTreeSet<String> = listed.keys().cloned().collect();
        let mut asked = wish.rows.iter().filter_map(|row| row.customer.as_ref());
        if asked.any(|customer| !known.contains(customer)) {
            let stripe = self.billing.stripe.as_deref().ok_or(ImportError::NoKey)?;
            let ids = stripe.customers().await?;
            known.extend(
                ids.iter()
                    .filter_map(|value| Some(value["id"].as_str()?.to_owned())),
            );
        }
        Ok(known)
    }

    /// Links a customer where somebody has said whose it is; proposes and tells otherwise.
    async fn claim(
        &self,
        work: &mut Work,
        id: &str,
        claims: &BTreeMap<String, MemberId>,
        wish: &Import,
        done: &mut Imported,
    ) -> Result<()> {
        let (account, now) = (self.account, work.now);
        let row = mirror::customer(&mut work.tx, account, id).await?;
        let Some(row) = row else { return Ok(()) };
        let rulebook = work.rulebook.clone();
        if let Some(member) = claims.get(id) {
            if row.member != Some(member.0) {
                self.link_import(work, &row, *member, ("admin", "the roll"), done)
                    .await?;
            }
            return Ok(());
        }
        let objects = mirror::of_customer(&mut work.tx, account, id).await?;
        if row.member.is_some() || !pays_for_membership(&objects, account, &rulebook) {
            return Ok(());
        }
        if let Some(member) = named(&mut work.tx, &row, &rulebook).await? {
            return self
                .link_import(work, &row, member, ("reference", "its metadata"), done)
                .await;
        }
        let same_mail = match &row.mail {
            Some(mail) => members::by_mail(&mut work.tx, &self.organisation, mail).await?,
            None => Vec::new(),
        };
        let (kind, sentence, remedy, member) = match same_mail[..] {
            [only] if wish.link.contains(id) => {
                return self
                    .link_import(work, &row, only, ("admin", "your yes"), done)
                    .await;
            }
            [only] => {
                done.proposed.push((id.to_owned(), only));
                let sentence = Said::of("attention-proposed-link");
                let remedy = Said::of("remedy-proposed-link");
                (Kind::ProposedLink, sentence, remedy, Some(only))
            }
            _ => {
                done.without_member.push(id.to_owned());
                let sentence = Said::of("attention-unmatched-customer");
                let remedy = Said::of("remedy-unmatched-customer");
                (Kind::UnmatchedCustomer, sentence, remedy, None)
            }
        };
        let item = Item {
            kind,
            subject: id,
            sentence,
            remedy,
            member,
        };
        raise(&mut work.tx, &self.organisation, item, now).await?;
        Ok(())
    }

    async fn link_import(
        &self,
        work: &mut Work,
        customer: &Customer,
        member: MemberId,
        (how, by): (&str, &'static str),
        done: &mut Imported,
    ) -> Result<()> {
        let (account, id) = (self.account, customer.id.as_str());
        mirror::link(&mut work.tx, account, id, member, how, true);
        settle_link(&mut work.tx, &self.organisation, account, id, work.now).await?;
        link::forget_made(&mut work.tx, customer, member).await?;
        done.linked.push((id.to_owned(), member, by));
        Ok(())
    }

    /// What a human should know of a customer's subscriptions.
    fn notes_of(&self, work: &Work, customer: &str, listed: Option<&Listed>) -> Vec<String> {
        let Some(listed) = listed else {
            return vec![format!("{customer} has no subscription at Stripe")];
        };
        let all: Vec<&Subscription> = listed
            .fetched
            .subscriptions
            .iter()
            .map(|(row, _)| row)
            .collect();
        let typed = |row: &&&Subscription| {
            let mut items = row.items.iter();
            items.any(|item| {
                work.rulebook
                    .prices
                    .contains_key(&(self.account, item.price.clone()))
            })
        };
        // What pays for no membership may be another tool's.
        if !all.iter().any(|row| typed(&row)) {
            return Vec::new();
        }
        let running: Vec<&&Subscription> =
            all.iter().filter(|row| !row.status.is_terminal()).collect();
        let mut notes = Vec::new();
        if running.len() > 1 {
            notes.push(format!(
                "{customer} has {} subscriptions that run",
                running.len()
            ));
        }
        for row in running.iter().filter(|row| !typed(row)) {
            notes.push(format!(
                "{}: none of its prices names a membership type",
                row.id
            ));
        }
        notes.extend(oddities::recreated(&all));
        notes.extend(listed.notes.iter().cloned());
        notes
    }
}

/// Adds a listed subscription to its customer's.
fn take(all: &mut BTreeMap<String, Listed>, value: &Value, asked_at: Timestamp) {
    let mut one = Fetched::default();
    if let Err(error) = one.read(value) {
        tracing::warn!(%error, "a subscription in Stripe's list cannot be read");
        return;
    }
    let Some((subscription, _)) = one.subscriptions.first() else {
        return;
    };
    let listed = all
        .entry(subscription.customer.clone())
        .or_insert_with(|| Listed {
            asked_at,
            fetched: Fetched::default(),
            notes: Vec::new(),
        });
    if !subscription.status.is_terminal() {
        let words = oddities::of_one(value, subscription);
        let note = |words: String| format!("{}: {words}", subscription.id);
        listed.notes.extend(words.into_iter().map(note));
    }
    listed.fetched.subscriptions.extend(one.subscriptions);
    listed.fetched.invoices.extend(one.invoices);
    listed.fetched.customer = one.customer.or(listed.fetched.customer.take());
}
