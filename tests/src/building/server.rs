//! The server of a building: its steps, its link to the broker, and its crashes.

use super::broker::{Broker, Message, Party};
use super::stripe::StripeTwin;
use super::{Building, WayIn};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use server::app::{App, Billing, HEAD_EVERY, Mode, Step, WATCH_EVERY};
use server::billing::pull::PULL_EVERY;
use server::billing::signature::SigningSecret;
use server::doors::access_table;
use server::doors::publish::Publication;
use server::keys::Keys;
use server::store::trip::Statement;
use server::store::{Store, Tx};
use shared::ids::OrganisationId;
use shared::time::{Span, Timestamp};
use std::sync::Arc;

/// Whose building it is.
#[must_use]
pub fn organisation() -> OrganisationId {
    OrganisationId::new("club").expect("a name")
}

/// Customers whose mail address never came are looked at so often.
const LINK_EVERY: Span = Span::minutes(5);
const ROOT: [u8; 32] = [7; 32];
const RECOVERY: [u8; 32] = [8; 32];

/// Where a crash strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// Before a step.
    Before,
    /// After a step's commit; what it said to publish is lost.
    After,
}

/// The server and what survives it.
pub struct Server {
    /// The database.
    pub store: Store,
    /// How it is configured.
    pub billing: Billing,
    /// Whether its link to the broker is there.
    pub network: bool,
    /// It crashes at the step with this number from now on, and is started again.
    pub crash_in: Option<(u32, Strike)>,
    /// How often it crashed.
    pub crashes: u32,
    app: Option<App>,
    pub(super) random: ChaCha20Rng,
    heads_at: Timestamp,
    watch_at: Timestamp,
    link_at: Timestamp,
    looked_at: Timestamp,
    pub(super) pulled: Option<usize>,
    pub(super) pull_again: Timestamp,
    pub(super) pull_wait: Span,
    dirty: bool,
    /// What waited when that was looked at last; nothing changes it but a step.
    known: Waiting,
}

/// What waits in the database.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waiting {
    /// Events not yet applied.
    pub events: i64,
    /// When the clock changes a standing next.
    pub clock: Option<Timestamp>,
    /// When a customer is to be fetched next.
    pub fetch: Option<Timestamp>,
}

/// How the server hears of Stripe.
#[must_use]
pub fn billing(way: WayIn, twin: &StripeTwin) -> Billing {
    let secret = SigningSecret::new(super::post::SECRET).expect("a secret");
    let stripe: Arc<dyn server::billing::client::Stripe> = Arc::new(twin.clone());
    match way {
        WayIn::WebhookAndKey => Billing {
            mode: Mode::Test,
            connected: None,
            secrets: vec![secret],
            stripe: Some(stripe),
            pull: false,
        },
        WayIn::WebhookOnly => Billing {
            mode: Mode::Test,
            connected: None,
            secrets: vec![secret],
            stripe: None,
            pull: false,
        },
        WayIn::Pull => Billing {
            mode: Mode::Test,
            connected: None,
            secrets: Vec::new(),
            stripe: Some(stripe),
            pull: true,
        },
    }
}

impl Server {
    /// A server that is not running yet.
    #[must_use]
    pub fn new(store: Store, billing: Billing, seed: u64) -> Self {
        Self {
            store,
            billing,
            network: true,
            crash_in: None,
            crashes: 0,
            app: None,
            random: ChaCha20Rng::seed_from_u64(seed),
            heads_at: Timestamp::MIN,
            watch_at: Timestamp::MIN,
            link_at: Timestamp::MIN,
            looked_at: Timestamp::MIN,
            pulled: None,
            pull_again: Timestamp::MIN,
            pull_wait: PULL_EVERY,
            dirty: true,
            known: Waiting::default(),
        }
    }

    /// The steps, while it runs.
    #[must_use]
    pub fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }

    /// Something may wait that did not before.
    pub fn wake(&mut self) {
        self.dirty = true;
    }

    async fn start(&mut self, now: Timestamp) {
        let organisation = organisation();
        let keys = Keys::from_roots(&ROOT, &RECOVERY, &organisation);
        let random = Box::new(ChaCha20Rng::seed_from_u64(self.random.next_u64()));
        let app = App::new(
            self.store.clone(),
            keys,
            organisation,
            self.billing.clone(),
            random,
            now,
        )
        .await;
        self.app = Some(app.expect("the server starts"));
        self.heads_at = now;
        self.watch_at = now;
        self.link_at = now;
        self.pulled = None;
        self.dirty = true;
    }
}

impl Building {
    /// Starts the server; it connects to the broker if that can be reached.
    pub fn start_server(&mut self) {
        self.runtime.block_on(self.server.start(self.now));
        self.link_server();
    }

    /// The server's process is gone, whatever it was doing.
    pub fn crash_server(&mut self) {
        self.server.app = None;
        self.server.crashes += 1;
        self.broker.disconnect(&Party::Server);
    }

    /// Connects the server if it can, and lets it publish everything anew.
    pub(super) fn link_server(&mut self) {
        let can = self.server.network && self.broker.is_up();
        if !can {
            self.broker.disconnect(&Party::Server);
            return;
        }
        if self.broker.has(&Party::Server) || self.server.app.is_none() {
            return;
        }
        self.broker.connect(Party::Server);
        self.admit();
        let now = self.now;
        self.step(async |app| app.publish_all(now).await);
    }

    /// Refreshes the broker's table of agents, as the server does when agents or doors change.
    pub fn admit(&mut self) {
        let Some(app) = &self.server.app else { return };
        let table = self
            .runtime
            .block_on(access_table::read(app))
            .expect("the table is read");
        self.broker.access.replace(&app.organisation, table);
    }

    /// Runs one step and publishes what it says; none if the server is down or goes down with it.
    pub fn step(&mut self, run: impl AsyncFnOnce(&App) -> Step) -> Option<()> {
        let publications = self.ask(run)?;
        self.publish(publications);
        Some(())
    }

    /// Runs one step; none if the server is down or goes down with it.
    pub fn ask<T>(&mut self, run: impl AsyncFnOnce(&App) -> Step<T>) -> Option<T> {
        let strike = match &mut self.server.crash_in {
            Some((0, strike)) => Some(*strike),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        if strike.is_some() {
            self.server.crash_in = None;
        }
        if strike == Some(Strike::Before) {
            self.restart_server();
            return None;
        }
        let app = self.server.app.as_ref()?;
        let twin = &self.stripe;
        let answer = self.runtime.block_on(async {
            tokio::select! {
                biased;
                answer = run(app) => Some(answer.unwrap_or_else(|error| panic!("a step failed: {error}: {error:?}"))),
                () = twin.hung() => None,
            }
        });
        self.server.dirty = true;
        if answer.is_none() {
            self.stripe.wire().hang_in = None;
        }
        if answer.is_none() || strike == Some(Strike::After) {
            self.restart_server();
            return None;
        }
        answer
    }

    /// Crashes and starts the server.
    pub fn restart_server(&mut self) {
        self.crash_server();
        self.start_server();
    }

    pub(super) fn publish(&mut self, publications: Vec<Publication>) {
        for Publication {
            topic,
            payload,
            retain,
            may_wait: _,
        } in publications
        {
            self.broker
                .publish(&Party::Server, Message { topic, payload }, retain, self.now);
        }
    }

    /// Does everything that is due on the server at this moment; true if anything was.
    pub(super) fn serve(&mut self) -> bool {
        if self.server.app.is_none() {
            return false;
        }
        let mut worked = self.pull();
        if self.server.dirty || self.server.looked_at != self.now {
            self.server.looked_at = self.now;
            let waiting = self.look();
            worked |= self.do_waiting(waiting);
        }
        worked | self.regularly()
    }

    /// What waits in the database, read anew only if a step may have changed it.
    fn look(&mut self) -> Waiting {
        if self.server.dirty {
            self.server.known = self.waiting();
            self.server.dirty = false;
        }
        self.server.known
    }

    fn do_waiting(&mut self, waiting: Waiting) -> bool {
        let now = self.now;
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let mut worked = false;
        if waiting.events > 0 {
            if let Some(applied) = self.ask(async |app| app.apply(now).await) {
                self.publish(applied.publications);
            }
            worked = true;
        }
        if due(waiting.fetch) && self.server.billing.stripe.is_some() {
            self.step(async |app| app.fetch(|| now).await);
            worked = true;
        }
        if due(waiting.clock) {
            self.step(async |app| app.tick(now).await);
            worked = true;
        }
        worked
    }

    fn regularly(&mut self) -> bool {
        let now = self.now;
        if self.server.heads_at + HEAD_EVERY <= now {
            self.server.heads_at = now;
            if let Some(mut signed) = self.ask(async |app| app.sign_heads(now).await) {
                // After a leap an agent reports on the first message; that shall not be of a stream withheld.
                signed.sort_by_key(|publication| !publication.topic.ends_with("/head"));
                self.publish(signed);
            }
            return true;
        }
        if self.server.watch_at + WATCH_EVERY <= now && self.watches {
            self.server.watch_at = now;
            self.step(async |app| app.watch(now).await);
            return true;
        }
        if self.server.link_at + LINK_EVERY <= now {
            self.server.link_at = now;
            self.step(async |app| app.link_waiting(now).await);
            self.step(async |app| app.keep_catalogue(now).await);
            self.ask(async |app| app.finish_gift_cards(now).await);
            return true;
        }
        false
    }

    /// What waits in the database.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        const SQL: &str = "SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'pending'), \
                           (SELECT MIN(next_change) FROM members), (SELECT MIN(wants_fetch) FROM customers), \
                           (SELECT MIN(trace_at) FROM reversals WHERE invoice IS NULL AND payment IS NOT NULL AND tries < 5), \
                           (SELECT MIN(COALESCE(ask_at, 0)) FROM inbox WHERE state = 'asking')";
        type Row = (i64, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
        let (events, clock, fetch, trace, ask): Row =
            self.read(async |tx| super::on!(tx, c => sqlx::query_as(SQL).fetch_one(c).await));
        Waiting {
            events,
            clock: clock.map(Timestamp),
            fetch: [fetch, trace, ask]
                .into_iter()
                .flatten()
                .min()
                .map(Timestamp),
        }
    }

    /// Reads the database.
    pub fn read<T>(&self, run: impl AsyncFnOnce(&mut Tx) -> sqlx::Result<T>) -> T {
        self.runtime.block_on(async {
            let mut tx = self
                .server
                .store
                .begin_read()
                .await
                .expect("the database answers");
            run(&mut tx).await.expect("the query fits the tables")
        })
    }

    /// Changes the database behind the server's back.
    pub fn tamper(&mut self, changes: &[&'static str]) {
        if let Some(lent) = &mut self.lent {
            lent.kept = true;
        }
        self.runtime.block_on(async {
            let begun = self.server.store.begin().await;
            let mut tx = begun.expect("the database answers");
            for change in changes {
                tx.later(Statement::new(*change));
            }
            tx.commit().await.expect("it is changed");
        });
    }

    /// When the server has something to do next.
    pub(super) fn server_due(&self) -> Option<Timestamp> {
        [self.due().clock, self.fetch_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// When the server asks Stripe next.
    pub(super) fn fetch_due(&self) -> Option<Timestamp> {
        self.due()
            .fetch
            .filter(|_| self.server.billing.stripe.is_some() && !self.stripe_is_out())
    }

    fn due(&self) -> Waiting {
        match self.server.app {
            Some(_) if self.server.dirty => self.waiting(),
            Some(_) => self.server.known,
            None => Waiting::default(),
        }
    }

    /// Hands a message from the broker to the server.
    pub(super) fn server_hears(&mut self, message: &Message) {
        let now = self.now;
        let taken = self.ask(async |app| app.message(&message.topic, &message.payload, now).await);
        if let Some(taken) = taken {
            if let Some(refused) = taken.refused {
                self.server_refused
                    .push((message.topic.clone(), refused.to_string()));
            }
            self.publish(taken.answers);
        }
    }

    /// The server is started anew with another Stripe key; without any key nothing happens.
    pub fn use_key(&mut self, key: &str) {
        if self.server.billing.stripe.is_some() {
            self.give_key(key);
        }
    }

    /// The server is started anew with a Stripe key, whether it had one or not.
    pub fn give_key(&mut self, key: &str) {
        self.server.billing.stripe = Some(Arc::new(self.stripe.with_key(key)));
        self.restart_server();
        self.settle();
    }

    /// A broker without memory, as one that was set up anew.
    pub fn wipe_broker(&mut self) {
        self.broker.set_up(false);
        self.run_links();
        self.broker.wipe();
        self.broker.set_up(true);
        self.settle();
    }
}

/// So that nobody else has to name the broker's type.
pub(super) fn fresh_broker() -> Broker {
    Broker::new()
}
