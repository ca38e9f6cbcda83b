//! The building: server, broker, Stripe and door agents in one process, stepped by one hand-moved clock.
//!
//! Nothing happens by itself. [`Building::work`] does all that is due at this moment, [`Building::settle`] lets the few
//! seconds pass that messages and questions need, [`Building::advance`] goes from one due moment to the next. A
//! building that is dropped with work left undone fails its test.

pub mod agents;
pub mod any_order;
pub mod broker;
pub mod desk;
mod history;
mod lent;
mod list;
pub mod memory;
pub mod outcome;
pub mod post;
pub mod server;
pub mod story;
pub mod stripe;

use self::server::Server;
use crate::stripe_sim::StripeSim;
use crate::stripe_sim::calendar::utc;
use ::server::billing::receive::{Receipt, ReceiveError, check, keep};
use ::server::store::Store;
use ::server::store::inbox::Arrival;
use agents::{Machine, Tap};
use broker::{Broker, Message, Party};
use door_agent::agent::{Input, Output};
use lent::Lent;
use post::{Form, Letter, Post};
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

    /// Events become letters if there is an endpoint.
    fn post_events(&mut self) -> bool {
        let events = self.stripe.sim().take_events();
        if self.server.billing.secrets.is_empty() {
            return false;
        }
        for snapshot in &events {
            if self.post.form != Form::Snapshot {
                let sim = self.stripe.sim();
                let mut all = sim.events().iter().rev();
                let event = all.find(|event| snapshot["id"] == *event.id);
                let thin = event.map(|event| event.thin_body(sim.livemode()));
                let letter = Letter::of(&thin.expect("it was made"), self.now);
                drop(sim);
                self.post.post(letter);
            }
            if self.post.form != Form::Thin {
                let letter = Letter::of(snapshot, self.now);
                self.stripe.sim().note_delivery(&letter.event, false);
                self.post.post(letter);
            }
        }
        !events.is_empty()
    }

    fn deliver(&mut self) -> bool {
        if self.server.app().is_none() {
            return false;
        }
        let Some(letter) = self.post.next(self.now) else {
            return false;
        };
        let header = letter.header(self.now);
        // In turns: applied as it comes, as single deliveries are, and kept to be applied later, as crowds are.
        self.at_once = !self.at_once;
        let receive = if self.at_once {
            Self::receive
        } else {
            Self::keep
        };
        match receive(self, Some(header.as_bytes()), &letter.body) {
            Some(Ok(_)) => self.stripe.sim().note_delivery(&letter.event, true),
            Some(Err(error)) => {
                self.rejected.push(error.to_string());
                self.post.again(letter, self.now);
            }
            None => self.post.again(letter, self.now),
        }
        true
    }

    /// Hands a body to the server, which applies it at once; none if the server went down over it.
    pub fn receive(
        &mut self,
        header: Option<&[u8]>,
        body: &[u8],
    ) -> Option<Result<Receipt, ReceiveError>> {
        let now = self.now;
        let taken = self.ask(async |app| Ok(app.receive(header, body, now).await))?;
        Some(taken.map(|taken| {
            self.publish(taken.publications);
            taken.receipts[0]
        }))
    }

    /// Hands a body to the server, which keeps it for later; none if the server went down over it.
    pub fn keep(
        &mut self,
        header: Option<&[u8]>,
        body: &[u8],
    ) -> Option<Result<Receipt, ReceiveError>> {
        let now = self.now;
        self.ask(async |app| {
            Ok(match check(app, header, body, now) {
                Ok(Ok(arrival)) => Ok(keep(&app.store, &[arrival], now).await?[0]),
                Ok(Err(receipt)) => Ok(receipt),
                Err(error) => Err(error),
            })
        })
    }

    /// Letters that come at once are kept in one commit, to be applied together.
    ///
    /// # Panics
    /// If one is refused.
    pub fn keep_crowd(&mut self, letters: &[&Letter]) {
        let now = self.now;
        self.ask(async |app| {
            let arrivals: Vec<Arrival> = letters
                .iter()
                .map(|letter| {
                    let header = letter.header(now);
                    let kept = check(app, Some(header.as_bytes()), &letter.body, now);
                    kept.expect("signed").expect("of this account")
                })
                .collect();
            keep(&app.store, &arrivals, now).await
        });
    }

    /// Brings every arrived message to its reader.
    fn carry(&mut self) -> bool {
        let mut worked = false;
        while let Some((to, message)) = self.broker.arrival(self.now) {
            worked = true;
            match to {
                Party::Server => self.server_hears(&message),
                Party::Agent(agent) => {
                    let Message { topic, payload } = message;
                    let now = self.now;
                    if let Some(machine) = self.machines.get_mut(&agent) {
                        machine.hear(Input::Message { topic, payload }, now);
                    }
                }
            }
        }
        worked
    }

    /// Links that should be there come up, others go down.
    fn run_links(&mut self) {
        self.link_server();
        let ids: Vec<AgentId> = self.machines.keys().cloned().collect();
        for id in ids {
            self.link_agent(&id);
        }
    }

    fn link_agent(&mut self, id: &AgentId) {
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        let party = Party::Agent(id.clone());
        let Some(agent) = machine.agent() else {
            self.broker.disconnect(&party);
            return;
        };
        let can = machine.network && self.broker.is_up();
        match (can && self.broker.has(&party), agent.is_connected()) {
            (true, true) | (false, false) if !can || agent.is_connected() => {}
            (_, true) => {
                let will = agent.last_will();
                self.broker.disconnect(&party);
                machine.hear(Input::Disconnected, self.now);
                if let Some((topic, payload)) = will.filter(|_| self.broker.is_up()) {
                    self.broker
                        .inject(Message { topic, payload }, true, self.now);
                }
            }
            (_, false) => {
                self.broker.connect(party);
                machine.hear(Input::Connected, self.now);
            }
        }
    }

    fn run_agents(&mut self) -> bool {
        let now = self.now;
        let mut worked = false;
        let ids: Vec<AgentId> = self.machines.keys().cloned().collect();
        for id in ids {
            let Some(machine) = self.machines.get_mut(&id) else {
                continue;
            };
            if machine.wakes_at().is_some_and(|at| at <= now) {
                machine.hear(Input::Tick, now);
                assert!(
                    machine.wakes_at().is_some_and(|at| at > now),
                    "a tick leaves {id} waiting for the past"
                );
                worked = true;
            }
            while let Some(output) = self.machines.get_mut(&id).and_then(Machine::wants) {
                worked = true;
                match output {
                    Output::Publish {
                        topic,
                        payload,
                        retain,
                    } => {
                        self.broker.publish(
                            &Party::Agent(id.clone()),
                            Message { topic, payload },
                            retain,
                            now,
                        );
                    }
                    Output::Subscribe(topics) => self.broker.subscribe(&id, topics, now),
                    Output::Unsubscribe(topics) => self.broker.unsubscribe(&id, &topics),
                    Output::Restart => self.restart_agent(&id),
                    Output::Drive { .. } => unreachable!("the machine drives its own doors"),
                }
            }
        }
        worked
    }

    /// The agent's process ends and is started again from its disk.
    pub fn restart_agent(&mut self, id: &AgentId) {
        self.broker.disconnect(&Party::Agent(id.clone()));
        let now = self.now;
        let machine = self
            .machines
            .get_mut(id)
            .expect("an agent of this building");
        machine.crash();
        machine.boot(now);
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
