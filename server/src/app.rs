//! The server as steps: each takes the moment and what came in, and says what is to be published. Drivers around it
//! own the timers and the sockets.

use crate::attention::Kind;
use crate::billing::client::Stripe;
use crate::billing::signature::SigningSecret;
use crate::doors::publish::{self, Publication};
use crate::doors::refused::Refusal;
use crate::doors::{home_assistant, intake};
use crate::keys::Keys;
use crate::membership::build::ZoneChanges;
use crate::membership::clock;
use crate::membership::derive::{Context, Derived, derive, derive_all};
use crate::oidc::provider::Provider;
use crate::random::Handed;
use crate::store::attention::{self, Item, raise};
use crate::store::audit::{self, Link};
use crate::store::lists::ZoneHead;
use crate::store::rulebook::{self, Rulebook};
use crate::store::trip::Question;
use crate::store::{Store, StoreError, Tx, accounts, lists, members, places, search};
use rand_core::CryptoRng;
use shared::ids::{AccountId, AgentId, MemberId, OrganisationId, ZoneId};
use shared::time::{Span, Timestamp};
use shared::wire::CommandResult;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Where Stripe's events come from, and how they are trusted.
#[derive(Clone)]
pub struct Billing {
    /// Live or test.
    pub mode: Mode,
    /// The Stripe account, if it is connected to a platform whose key and webhooks these are; none: the platform's or
    /// the organisation's own (docs.stripe.com/connect).
    pub connected: Option<ConnectedAccount>,
    /// Webhook secrets; none: the endpoint answers 503.
    pub secrets: Vec<SigningSecret>,
    /// The API, if there is a key.
    pub stripe: Option<Arc<dyn Stripe>>,
    /// Whether events are pulled as well.
    pub pull: bool,
}

impl Billing {
    /// What our row for the account is called.
    #[must_use]
    pub fn account_name(&self) -> &str {
        self.connected
            .as_ref()
            .map_or("direct", ConnectedAccount::as_str)
    }
}

/// The id of a Stripe account that is connected to a platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectedAccount(String);

impl ConnectedAccount {
    /// Takes `acct_` and what Stripe puts behind it; none if it is no such id.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        let rest = id.strip_prefix("acct_")?;
        let plain = !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        plain.then(|| Self(id.to_owned()))
    }

    /// As Stripe writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Stripe's two worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Real money.
    Live,
    /// Play money.
    Test,
}

impl Mode {
    /// The word in the database and in settings.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// Whether an event with this `livemode` belongs here.
    #[must_use]
    pub fn fits(self, livemode: bool) -> bool {
        (self == Self::Live) == livemode
    }
}

/// The server: rules, keys and database; no clock, no socket.
pub struct App {
    /// The database.
    pub store: Store,
    /// The organisation's keys.
    pub keys: Keys,
    /// Whose server it is.
    pub organisation: OrganisationId,
    /// Stripe.
    pub billing: Billing,
    /// Our row for the Stripe account.
    pub account: AccountId,
    /// Names this process at the broker.
    pub name: String,
    /// Below which prefix Home Assistant is told of the doors; none: it is not told.
    pub home_assistant: Option<String>,
    /// The address that people use, without a slash at its end: what stands before the links of letters.
    pub address: String,
    /// Whether letters go to a mail server; else they lie in a folder.
    pub is_mailed: bool,
    /// The OpenID provider at which people with rights may sign in; none: they sign in here.
    pub provider: Option<Arc<Provider>>,
    /// For how many days browsers are told to come by https only; none: they are told nothing.
    pub hsts_days: Option<u32>,
    /// Where lines of the audit log go beside the database; none: nowhere.
    pub audit_copy: Option<AuditCopy>,
    /// Changes with everything that open pages may show.
    pub news: watch::Sender<u64>,
    random: Mutex<Box<dyn CryptoRng + Send>>,
    rulebook: Mutex<Option<Arc<Rulebook>>>,
    published: Mutex<BTreeMap<ZoneId, Published>>,
    /// The latest moment that the clock has shown; none before the first look.
    latest: Mutex<Option<Timestamp>>,
    /// The end of the audit log as it was last seen.
    chained: Mutex<Option<Link>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Published {
    number: u64,
    policy: u64,
}

/// Takes a line of the audit log as JSON, without the break at its end.
pub type AuditCopy = Arc<dyn Fn(&str) + Send + Sync>;

/// A step's outcome.
pub type Step<T = Vec<Publication>> = Result<T, StoreError>;

/// Changes waiting in a transaction, with the rules they were made under.
pub struct Work {
    /// The transaction.
    pub tx: Tx,
    /// The rules.
    pub rulebook: Arc<Rulebook>,
    /// List changes so far.
    pub changes: ZoneChanges,
    /// Zones that were read ahead.
    pub zones: BTreeMap<ZoneId, ZoneHead>,
    /// The moment.
    pub now: Timestamp,
}

impl App {
    /// Puts the server together and makes sure that its organisation and account exist.
    pub async fn new(
        store: Store,
        keys: Keys,
        organisation: OrganisationId,
        billing: Billing,
        random: Box<dyn CryptoRng + Send>,
        now: Timestamp,
    ) -> Step<Self> {
        let mut random = random;
        let name = format!("{:016x}", random.next_u64());
        let mut tx = store.begin().await?;
        crate::setup::organisation(&mut tx, &organisation, now).await?;
        accounts::meet(
            &mut tx,
            &organisation,
            billing.account_name(),
            billing.mode,
            now,
        );
        let name_of = billing.account_name();
        let account = accounts::find(&mut tx, &organisation, name_of, billing.mode).await?;
        if !billing.secrets.is_empty() {
            let kind = Kind::WebhooksUnverified;
            attention::settle(&mut tx, &organisation, kind, "webhooks", now).await?;
        }
        tx.commit().await?;
        loop {
            let mut tx = store.begin().await?;
            let some = search::index_some(&mut tx, &organisation).await?;
            tx.commit().await?;
            if some == 0 {
                break;
            }
        }
        Ok(Self {
            store,
            keys,
            organisation,
            billing,
            account: AccountId(account.id),
            name,
            home_assistant: None,
            address: "http://localhost".to_owned(),
            is_mailed: false,
            provider: None,
            hsts_days: None,
            audit_copy: None,
            news: watch::Sender::new(0),
            random: Mutex::new(random),
            rulebook: Mutex::new(None),
            published: Mutex::new(BTreeMap::new()),
            latest: Mutex::new(None),
            chained: Mutex::new(None),
        })
    }

    /// Runs something with the process's randomness.
    pub fn with_random<T>(&self, run: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        run(random.as_mut())
    }

    /// What a letter's link carries, sealed: the address below the organisation's own, such as `/me/enter?key=…`.
    #[must_use]
    pub fn seal_link(&self, path: &str) -> Vec<u8> {
        let mut random = Handed::new(|bytes| self.with_random(|random| random.fill_bytes(bytes)));
        self.keys.seal_secret(path.as_bytes(), LETTER, &mut random)
    }

    /// Begins a transaction with the rules in force.
    pub async fn work(&self, now: Timestamp) -> Step<Work> {
        let mut tx = self.store.begin().await?;
        let version = rulebook::ask_version(&mut tx);
        self.work_on(tx, version, now).await
    }

    /// Goes on with a transaction in which the version of the rules was asked for.
    pub async fn work_on(
        &self,
        mut tx: Tx,
        version: Question<(i64,)>,
        now: Timestamp,
    ) -> Step<Work> {
        let version = rulebook::version(&mut tx, version).await?;
        let rulebook = self.rulebook(&mut tx, version, now).await?;
        Ok(Work {
            tx,
            rulebook,
            changes: ZoneChanges::default(),
            zones: BTreeMap::new(),
            now,
        })
    }

    /// The rules in force, for what only reads.
    pub async fn rules(&self, tx: &mut Tx, now: Timestamp) -> Step<Arc<Rulebook>> {
        let version = rulebook::ask_version(tx);
        let version = rulebook::version(tx, version).await?;
        self.rulebook(tx, version, now).await
    }

    async fn rulebook(&self, tx: &mut Tx, version: i64, now: Timestamp) -> Step<Arc<Rulebook>> {
        let known = self
            .rulebook
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(known) = known.filter(|known| known.version == version) {
            return Ok(known);
        }
        let fresh =
            rulebook::load(tx, &self.organisation, self.billing.stripe.is_some(), now).await?;
        let fresh = Arc::new(fresh);
        *self.rulebook.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }

    /// Reads the rules anew after this transaction changed them.
    pub async fn reread(&self, work: &mut Work) -> Step<()> {
        rulebook::changed(&mut work.tx).await?;
        let fresh = rulebook::load(
            &mut work.tx,
            &self.organisation,
            self.billing.stripe.is_some(),
            work.now,
        )
        .await?;
        let before = std::mem::replace(&mut work.rulebook, Arc::new(fresh));
        self.tell_unknown_types(work, &before).await
    }

    /// Derives a member within a transaction.
    pub async fn derive(&self, work: &mut Work, member: MemberId, cause: &str) -> Step<Derived> {
        let rulebook = work.rulebook.clone();
        let context = Context {
            rulebook: &rulebook,
            keys: &self.keys,
            now: work.now,
            cause,
        };
        derive(&mut work.tx, member, context, &mut work.changes).await
    }

    /// Derives members within a transaction, each with its cause; what came of each.
    pub async fn derive_each(
        &self,
        work: &mut Work,
        whom: &BTreeMap<MemberId, String>,
    ) -> Step<BTreeMap<MemberId, Derived>> {
        let rulebook = work.rulebook.clone();
        let context = Context {
            rulebook: &rulebook,
            keys: &self.keys,
            now: work.now,
            cause: "",
        };
        let whom: Vec<(MemberId, &str)> = whom
            .iter()
            .map(|(member, cause)| (*member, cause.as_str()))
            .collect();
        let derived = derive_all(&mut work.tx, &whom, context, &mut work.changes).await?;
        let members = whom.into_iter().map(|(member, _)| member);
        Ok(members.zip(derived).collect())
    }

    /// Derives all members as one run with one cause, under the mass brake.
    pub async fn derive_all(
        &self,
        work: &mut Work,
        cause: &str,
        approved: bool,
    ) -> Step<clock::Run> {
        let all = members::all(&mut work.tx, &self.organisation).await?;
        let rulebook = work.rulebook.clone();
        let context = Context {
            rulebook: &rulebook,
            keys: &self.keys,
            now: work.now,
            cause,
        };
        clock::run(&mut work.tx, &all, context, approved, &mut work.changes).await
    }

    /// Builds the waiting list changes, commits, and says what to publish.
    pub async fn finish(&self, mut work: Work) -> Step {
        let deltas = std::mem::take(&mut work.changes)
            .build(&mut work.tx, &self.organisation, work.zones, work.now)
            .await?;
        let sign = async {
            let published = deltas.iter().filter(|(_, _, head)| head.stopped.is_none());
            published
                .flat_map(|(zone, delta, head)| {
                    publish::revision(&self.keys, &self.organisation, zone, delta, head, work.now)
                })
                .collect()
        };
        // The disk and the signer work at the same time; without the commit nothing is published.
        let (committed, out) = tokio::join!(work.tx.commit(), sign);
        committed?;
        self.news.send_modify(|count| *count += 1);
        Ok(out)
    }

    /// Every minute: policies and heads, signed anew, with the end of the audit log as it is then.
    pub async fn sign_heads(&self, now: Timestamp) -> Step {
        while self.chain_audit(now).await? == CHAIN_PART {}
        let mut tx = self.store.begin_read().await?;
        publish::zones(&mut tx, &self.keys, &self.organisation, now).await
    }

    /// Chains lines of the audit log that are not yet, some at a time; how many. What was chained before must still be there.
    async fn chain_audit(&self, now: Timestamp) -> Step<usize> {
        let seen = *self.chained.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tx = self.store.begin().await?;
        let whole =
            audit::witness(&mut tx, &self.organisation, "server", seen.as_slice(), now).await?;
        let limit = i64::try_from(CHAIN_PART).unwrap_or(i64::MAX);
        let mut random =
            crate::random::Handed::new(|bytes| self.with_random(|random| random.fill_bytes(bytes)));
        let (lines, end) = audit::chain(&mut tx, &self.organisation, limit, &mut random).await?;
        tx.commit().await?;
        if let Some(copy) = &self.audit_copy {
            let told = lines.iter().map(|line| line.told(&self.organisation));
            told.for_each(|line| copy(&line));
        }
        if whole {
            *self.chained.lock().unwrap_or_else(PoisonError::into_inner) = end;
        }
        Ok(lines.len())
    }

    /// At the start and once a day: reads the whole audit log, and tells staff if a line was changed or is gone.
    pub async fn check_audit(&self, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin_read().await?;
        let broken = audit::verify(&mut tx, &self.organisation).await?.err();
        drop(tx);
        let mut tx = self.store.begin().await?;
        audit::tell(&mut tx, &self.organisation, broken.as_ref(), now).await?;
        tx.commit().await
    }

    /// After a (re)connect to the broker, which may have forgotten everything: configurations, policies, heads.
    pub async fn publish_all(&self, now: Timestamp) -> Step {
        let mut tx = self.store.begin_read().await?;
        let mut out = {
            let mut seed = Handed::new(|bytes| self.with_random(|random| random.fill_bytes(bytes)));
            publish::configs(&mut tx, &self.keys, &self.organisation, now, &mut seed).await?
        };
        out.extend(publish::zones(&mut tx, &self.keys, &self.organisation, now).await?);
        if let Some(prefix) = &self.home_assistant {
            for door in places::doors(&mut tx, &self.organisation).await? {
                out.extend(home_assistant::documents(prefix, &self.organisation, &door));
            }
        }
        Ok(out)
    }

    /// After an admin's change: what differs from what was last published.
    pub async fn publish_changes(&self, now: Timestamp) -> Step {
        let mut tx = self.store.begin_read().await?;
        let mut out = Vec::new();
        for (zone, head) in lists::zones(&mut tx, &self.organisation).await? {
            let current = Published {
                number: head.revision.number,
                policy: head.policy_number,
            };
            let before = self
                .published
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(zone.clone(), current);
            if head.stopped.is_none() && before != Some(current) {
                out.extend(publish::policy(
                    &self.keys,
                    &self.organisation,
                    &zone,
                    &head,
                    now,
                ));
                out.push(publish::head(
                    &self.keys,
                    &self.organisation,
                    &zone,
                    &head,
                    now,
                ));
            }
        }
        Ok(out)
    }

    /// The clock moved: members whose standing changes by itself; if it was set back, everybody's.
    pub async fn tick(&self, now: Timestamp) -> Step {
        let mut work = self.work(now).await?;
        let due = if self.set_back(&mut work).await? {
            tracing::warn!("the clock was set back: everybody's standing is derived anew");
            members::all(&mut work.tx, &self.organisation).await?
        } else {
            members::due(&mut work.tx, &self.organisation, now, CLOCK_BATCH).await?
        };
        if due.is_empty() {
            self.note_clock(now);
            return Ok(Vec::new());
        }
        let rulebook = work.rulebook.clone();
        let context = Context {
            rulebook: &rulebook,
            keys: &self.keys,
            now,
            cause: "the clock",
        };
        if self.billing.stripe.is_some() {
            for member in &due {
                clock::look_ahead(&mut work.tx, self.account, *member, context).await?;
            }
        }
        let whom: Vec<(MemberId, &str)> =
            due.iter().map(|member| (*member, context.cause)).collect();
        derive_all(&mut work.tx, &whom, context, &mut work.changes).await?;
        let publications = self.finish(work).await?;
        self.note_clock(now);
        Ok(publications)
    }

    /// Remembers the clock once what it demanded is committed.
    fn note_clock(&self, now: Timestamp) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// Whether standings may have been derived at a moment that has yet to come.
    async fn set_back(&self, work: &mut Work) -> Step<bool> {
        let latest = *self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = match latest {
            Some(latest) => Some(latest),
            None => attention::last_derived(&mut work.tx, &self.organisation).await?,
        };
        Ok(latest.is_some_and(|latest| work.now + SET_BACK < latest))
    }

    /// Silent agents, customers still waiting for a mail address.
    pub async fn watch(&self, now: Timestamp) -> Step {
        let mut work = self.work(now).await?;
        intake::watch(&mut work.tx, &self.organisation, now).await?;
        self.finish(work).await
    }

    /// A message from the broker.
    pub async fn message(&self, topic: &str, payload: &[u8], now: Timestamp) -> Step<Taken> {
        let mut tx = self.store.begin().await?;
        let taken = intake::take(
            &mut tx,
            &self.keys,
            &self.organisation,
            (topic, payload),
            now,
        )
        .await?;
        self.check_refusals(tx, &taken.refusals, now).await?;
        self.news.send_modify(|count| *count += 1);
        if let Some(refused) = &taken.refused {
            tracing::warn!(topic, %refused, "a message from the broker changed nothing");
        }
        Ok(Taken {
            answers: taken.answers,
            result: taken.result,
            refused: taken.refused,
        })
    }

    /// Looks whether cards that were turned away may enter, and commits.
    async fn check_refusals(&self, mut tx: Tx, refusals: &[Refusal], now: Timestamp) -> Step<()> {
        if refusals.is_empty() {
            return tx.commit().await;
        }
        let version = rulebook::ask_version(&mut tx);
        let mut work = self.work_on(tx, version, now).await?;
        for refusal in refusals {
            self.check_refusal(&mut work, refusal).await?;
        }
        work.tx.commit().await
    }

    /// Our row for the Stripe account, as it is now.
    pub async fn account_row(&self, tx: &mut Tx) -> Step<accounts::Account> {
        let (name, mode) = (self.billing.account_name(), self.billing.mode);
        accounts::find(tx, &self.organisation, name, mode).await
    }

    /// Raises an attention item outside any other work.
    pub async fn raise(&self, item: Item<'_>, now: Timestamp) -> Step<bool> {
        let mut tx = self.store.begin().await?;
        let raised = raise(&mut tx, &self.organisation, item, now).await?;
        tx.commit().await?;
        Ok(raised)
    }
}

/// What came of a broker message.
pub struct Taken {
    /// What to publish in answer.
    pub answers: Vec<Publication>,
    /// A command's result.
    pub result: Option<(AgentId, CommandResult)>,
    /// Why it changed nothing.
    pub refused: Option<intake::Refused>,
}

/// What the secrets of letters are sealed for.
pub(crate) const LETTER: &str = "letter";
const CLOCK_BATCH: i64 = 500;
/// Smaller steps of the clock are what keeping it right looks like.
const SET_BACK: Span = Span::minutes(1);

/// So many lines of the audit log are chained at once, so that others need not wait for long.
const CHAIN_PART: usize = 200;

/// The whole audit log is read so often.
pub const AUDIT_EVERY: Span = Span::days(1);
/// Heads are signed anew so often.
pub const HEAD_EVERY: Span = Span::seconds(60);
/// Silence is looked for so often.
pub const WATCH_EVERY: Span = Span::seconds(30);
