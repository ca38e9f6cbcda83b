//! The building: server, broker, Stripe and door agents in one process, stepped by one hand-moved clock.
//!
//! Nothing happens by itself. [`Building::work`] does all that is due at this moment, [`Building::settle`] lets the few
//! seconds pass that messages and questions need, [`Building::advance`] goes from one due moment to the next. A
//! building that is dropped with work left undone fails its test.

pub mod agents;
pub mod any_order;
pub mod broker;
mod carrying;
pub mod desk;
mod endpoint;
pub mod gifts;
mod history;
mod lent;
mod list;
pub mod memory;
pub mod outcome;
mod pins;
pub mod post;
pub mod server;
pub mod story;
pub mod stripe;

use self::server::Server;
use crate::stripe_sim::StripeSim;
use crate::stripe_sim::calendar::utc;
use ::server::store::Store;
use agents::{Machine, Tap};
use broker::Broker;
use lent::Lent;
use post::Post;
use shared::ids::AgentId;
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use stripe::StripeTwin;
use tokio::runtime::Runtime;

/// Runs one query on whichever connection the transaction has.
macro_rules! on {
    ($tx:expr, $connection:ident => $body:expr) => {
        match &mut $tx.connection {
            ::server::store::Connection::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
            ::server::store::Connection::Postgres(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
        }
    };
}
pub(crate) use on;

/// How the server hears of what happens at Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayIn {
    /// Webhooks come in, and a key confirms them.
    WebhookAndKey,
    /// Webhooks only.
    WebhookOnly,
    /// A key and no public address.
    Pull,
}

impl WayIn {
    /// Whether the server has a key.
    #[must_use]
    pub fn has_key(self) -> bool {
        match self {
            Self::WebhookAndKey | Self::Pull => true,
            Self::WebhookOnly => false,
        }
    }
}

/// Settling takes this long at most; what wants to happen later has to wait for the clock.
const SETTLING: Span = Span::seconds(25);
/// More rounds than this at one moment mean that two parts answer each other for ever.
const ROUNDS: usize = 20_000;

/// A server, its doors, its Stripe account and everything in between.
pub struct Building {
    /// The one clock.
    pub now: Timestamp,
    /// The broker and the network.
    pub broker: Broker,
    /// Webhooks on their way.
    pub post: Post,
    /// The server.
    pub server: Server,
    /// Stripe, as this building's server sees it.
    pub stripe: StripeTwin,
    /// The machines at the doors.
    pub machines: BTreeMap<AgentId, Machine>,
    /// Every card shown at a door, in order.
    pub taps: Vec<(AgentId, Tap)>,
    /// What the server answered to deliveries that it did not keep.
    pub rejected: Vec<String>,
    /// What the server refused of the broker's messages: topic and cause.
    pub server_refused: Vec<(String, String)>,
    /// Whether silence is looked for; off, long stretches pass faster.
    pub watches: bool,
    /// Whether the last delivery was applied as it came.
    at_once: bool,
    /// Whether every deadline of every agent is met; off, long stretches pass faster.
    pub closely: bool,
    way: WayIn,
    people: Vec<story::Person>,
    runtime: Arc<Runtime>,
    list: list::List,
    out: bool,
    excused: bool,
    /// The last to go: nobody uses its database any more.
    lent: Option<Lent>,
}

impl Building {
    /// An empty building on a Monday morning, its database in memory.
    #[must_use]
    pub fn new(way: WayIn) -> Self {
        Self::seeded(way, 1)
    }

    /// The same, with other random numbers inside.
    #[must_use]
    pub fn seeded(way: WayIn, seed: u64) -> Self {
        let runtime = Arc::new(quiet_runtime());
        let lent = Lent::borrow(&runtime);
        let mut building = Self::on_store(way, seed, runtime, lent.store());
        building.lent = Some(lent);
        building
    }

    /// A building whose server has neither key nor secret; the way in says nothing then.
    #[must_use]
    pub fn without_stripe(way: WayIn) -> Self {
        let mut building = Self::new(way);
        building.server.billing.secrets.clear();
        building.server.billing.stripe = None;
        building.server.billing.pull = false;
        building.restart_server();
        building
    }

    /// A building on a database.
    #[must_use]
    pub fn on_store(way: WayIn, seed: u64, runtime: Arc<Runtime>, store: Store) -> Self {
        let start = utc(2026, 3, 2, 9);
        let sim = Arc::new(Mutex::new(StripeSim::new("acct_club", false, start)));
        let stripe = StripeTwin::new(sim, stripe::KEY);
        let billing = server::billing(way, &stripe);
        let mut building = Self {
            now: Timestamp::from_seconds(start),
            broker: server::fresh_broker(),
            post: Post::in_order(any_order::order()),
            server: Server::new(store, billing, seed),
            stripe,
            machines: BTreeMap::new(),
            taps: Vec::new(),
            rejected: Vec::new(),
            server_refused: Vec::new(),
            watches: true,
            at_once: false,
            closely: false,
            way,
            people: Vec::new(),
            runtime,
            list: list::List::in_order(any_order::order()),
            out: false,
            excused: false,
            lent: None,
        };
        building.start_server();
        building
    }

    /// How the server hears of Stripe.
    #[must_use]
    pub fn way(&self) -> WayIn {
        self.way
    }

    /// Does all that is due at this moment.
    pub fn work(&mut self) {
        for _ in 0..ROUNDS {
            self.run_links();
            let worked = self.post_events()
                | self.deliver()
                | self.serve()
                | self.carry()
                | self.run_agents();
            if !worked {
                return;
            }
        }
        panic!("the building does not come to rest at {}", self.now);
    }

    /// Does all that is due, and lets the few seconds pass that messages and questions need.
    pub fn settle(&mut self) {
        let end = self.now + SETTLING;
        self.work();
        while let Some(next) = self.soon().filter(|next| *next <= end) {
            self.move_clock(next);
            self.work();
        }
    }

    /// Lets time pass, from one due moment to the next.
    pub fn advance(&mut self, span: Span) {
        self.advance_to(self.now + span);
    }

    /// The same, to a moment.
    pub fn advance_to(&mut self, end: Timestamp) {
        self.work();
        while self.now < end {
            let next = self.next_due().map_or(end, |next| next.min(end));
            self.move_clock(next);
            self.work();
        }
    }

    /// What has to happen within seconds: messages on their way, questions, acknowledgements.
    fn soon(&self) -> Option<Timestamp> {
        let agents = self.machines.values().filter_map(Machine::wakes_at);
        let letters = self.server.app().and_then(|_| self.post.next_due());
        agents
            .chain(self.broker.next_arrival())
            .chain(letters)
            .chain(self.pull_due())
            .chain(self.fetch_due())
            .filter(|at| *at > self.now)
            .min()
    }

    fn next_due(&self) -> Option<Timestamp> {
        let horizon = if self.closely {
            Timestamp::MAX
        } else {
            self.now + SETTLING
        };
        let soon = self.soon().filter(|at| *at <= horizon);
        let letters = self.server.app().and_then(|_| self.post.next_due());
        let stripe = self.stripe.sim().next_due().map(Timestamp::from_seconds);
        let regular = self.closely.then(|| self.now + Span::seconds(30));
        let pull = self.pull_due();
        [soon, letters, pull, stripe, regular, self.server_due()]
            .into_iter()
            .flatten()
            .filter(|at| *at > self.now)
            .min()
    }

    fn move_clock(&mut self, to: Timestamp) {
        self.now = self.now.max(to);
        self.stripe.sim().advance_to(self.now.as_seconds());
    }

    /// Whether Stripe gives no answers.
    #[must_use]
    pub fn stripe_is_out(&self) -> bool {
        self.out
    }

    /// Stripe's interface stops answering, or answers again.
    pub fn set_stripe_out(&mut self, out: bool) {
        self.out = out;
        self.stripe.sim().set_outage(out);
        self.server.wake();
    }

    /// Nothing is checked when this building is dropped.
    pub fn excuse(&mut self) {
        self.excused = true;
    }
}

/// A runtime for a database in memory: without sockets to look at it wakes sooner.
fn quiet_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

/// The runtime on which steps run.
#[must_use]
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

impl Drop for Building {
    fn drop(&mut self) {
        if std::thread::panicking() || self.excused {
            return;
        }
        any_order::note_end(self);
        if self.server.app().is_none() {
            return;
        }
        let waiting = self.waiting();
        let late = waiting.clock.is_some_and(|at| at <= self.now);
        assert!(
            waiting.events == 0 && !late,
            "work was left undone: {waiting:?}"
        );
        let arrived = self.broker.next_arrival().is_some_and(|at| at <= self.now);
        assert!(!arrived, "messages were left on their way");
    }
}
