//! Stripe's own command line runs its triggers against the simulated account, whose webhooks reach the built server: nobody
//! answers with an error, and everybody stands as the table of states says.

use crate::hand_clock::HandClock;
use crate::kill::found::{at_rest, furnish};
use crate::server::{SECRET, Server};
use crate::stripe_cli::{AT_ONCE, BEGIN, Cli, KEY, OTHERWISE};
use crate::wait;
use serde_json::{Value, json};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use tempfile::TempDir;
use tests::stripe_sim::deliver;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Requests that Stripe declines because the trigger wants it to: the answer to a card that does not work.
const DECLINED: &str = "402 ";

/// The account, the command line and the server.
struct Club {
    cli: Cli,
    server: Server,
    clock: HandClock,
    /// Gone after the server, whose log is in it.
    _folder: TempDir,
}

impl Club {
    fn open() -> Self {
        let cli = Cli::start();
        let folder = wait::scratch();
        let clock = HandClock::start(folder.path(), Timestamp::from_seconds(BEGIN));
        let mut settings = vec![
            ("STRIPE_SECRET_KEY", KEY.to_owned()),
            ("STRIPE_API_BASE", cli.base.clone()),
        ];
        settings.extend(clock.settings());
        let mut server = Server::new(folder.path(), &settings);
        server.start();
        furnish(&server);
        Self {
            cli,
            server,
            clock,
            _folder: folder,
        }
    }

    /// Delivers what happened since the last call; the kinds that were delivered.
    fn deliver(&self) -> BTreeSet<String> {
        let mut sim = self.cli.sim();
        let mut events = sim.take_event_records();
        events.extend(sim.take_connect_events());
        drop(sim);
        let now = self.clock.now().as_seconds();
        let mut kinds = BTreeSet::new();
        for event in events {
            let body = event.body(event.shape, false).to_string().into_bytes();
            let header = deliver::sign(SECRET, now, &body);
            let answer = self.server.deliver(Some(&header), &body);
            assert_eq!(answer.status, 200, "{}: {}", event.kind, answer.text());
            kinds.insert(event.kind);
        }
        kinds
    }

    /// Lets so many seconds pass everywhere, and everything come to rest.
    fn pass(&self, seconds: i64) {
        let mut sim = self.cli.sim();
        // While it waited for the server, the clock ran ahead of the account.
        let later = (sim.now() + seconds).max(self.clock.now().as_seconds());
        sim.advance_to(later);
        drop(sim);
        self.clock.turn_to(Timestamp::from_seconds(later));
        self.deliver();
        at_rest(&self.server, &self.clock);
    }

    fn member(&self, name: &str) -> i64 {
        let body = json!({"name": name, "mail": mail(name)});
        let made = self.server.post("/members", &body);
        made["id"].as_i64().expect("a number")
    }

    fn state(&self, member: i64) -> String {
        let shown = self.server.get(&format!("/members/{member}"));
        let state = &shown["standing"]["state"];
        state.as_str().unwrap_or("none").to_owned()
    }

    /// Fails if anybody asked the account for something that it answered with an error, but for cards that do not work.
    fn nothing_was_refused(&self) {
        let refused = self.cli.take_refused();
        let wrong: Vec<&String> = refused
            .iter()
            .filter(|line| !line.starts_with(DECLINED))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// Runs a trigger for a member, its price named so that it is of a type.
    fn trigger_for(&self, name: &str, membership: &str) {
        let mail = format!("customer:email={}", mail(name));
        let nickname = format!("price:nickname=membertype_{membership}-{name}");
        let tagged = ["trigger", name, "--override", &nickname, "--add", &mail];
        self.cli.ask(&tagged);
    }
}

fn mail(name: &str) -> String {
    format!("{name}@example.org")
}

#[test]
fn no_trigger_meets_an_error_and_none_of_untagged_prices_makes_a_member() {
    let club = Club::open();
    let at_once = AT_ONCE.iter().map(|name| (*name, *name, 0));
    for (name, event, days) in at_once.chain(OTHERWISE) {
        club.cli.ask(&["trigger", name]);
        let mut told = club.deliver();
        if days > 0 {
            let mut sim = club.cli.sim();
            let later = sim.now() + days * DAY;
            sim.advance_to(later);
            drop(sim);
            club.clock.turn_to(Timestamp::from_seconds(later));
            told.extend(club.deliver());
        }
        assert!(told.contains(event), "{name} told only of {told:?}");
    }
    club.pass(2 * HOUR);
    club.nothing_was_refused();
    let members = club.server.get("/members");
    assert_eq!(
        members["items"],
        json!([]),
        "an untagged price makes no member"
    );
}

/// Triggers for a member on a tagged price: what the table of states says at once, two hours later and two months later.
/// In the first hour a schedule's first invoice is a draft, and what was never paid grants nothing.
const STANDINGS: [(&str, [&str; 3]); 13] = [
    ("customer.subscription.created", ["good", "good", "good"]),
    ("customer.subscription.updated", ["good", "good", "good"]),
    ("subscription.payment_succeeded", ["good", "good", "good"]),
    // What was paid lasts to its end.
    ("customer.subscription.deleted", ["good", "good", "lapsed"]),
    (
        "customer.subscription.paused",
        ["lapsed", "lapsed", "lapsed"],
    ),
    (
        "customer.subscription.trial_will_end",
        ["good", "good", "lapsed"],
    ),
    (
        "subscription.payment_failed",
        ["stranger", "stranger", "stranger"],
    ),
    ("subscription_schedule.created", ["pending", "good", "good"]),
    ("subscription_schedule.updated", ["pending", "good", "good"]),
    (
        "subscription_schedule.released",
        ["pending", "good", "good"],
    ),
    (
        "subscription_schedule.canceled",
        ["stranger", "stranger", "stranger"],
    ),
    (
        "subscription_schedule.aborted",
        ["stranger", "stranger", "stranger"],
    ),
    (
        "subscription_schedule.completed",
        ["stranger", "stranger", "stranger"],
    ),
];

#[test]
fn with_tagged_prices_everybody_stands_as_the_table_says() {
    let club = Club::open();
    let members: Vec<i64> = STANDINGS
        .iter()
        .map(|(name, _)| club.member(name))
        .collect();
    for (name, _) in STANDINGS {
        club.trigger_for(name, "5");
    }
    let states =
        |club: &Club| -> Vec<String> { members.iter().map(|member| club.state(*member)).collect() };
    let mut seen = Vec::new();
    for later in [0, 2 * HOUR, 62 * DAY] {
        club.pass(later);
        seen.push(states(&club));
    }
    let told = |at: usize| {
        let states = seen.iter().map(|states| states[at].as_str());
        states.collect::<Vec<&str>>()
    };
    let wrong: Vec<String> = (0..STANDINGS.len())
        .filter(|at| told(*at) != STANDINGS[*at].1)
        .map(|at| format!("{}: {:?}", STANDINGS[at].0, told(at)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    club.nothing_was_refused();
}

#[test]
fn access_comes_and_goes_with_what_the_command_line_does() {
    let club = Club::open();
    let name = "customer.subscription.created";
    let member = club.member(name);
    club.trigger_for(name, "7");
    club.pass(0);
    assert_eq!(club.state(member), "good");
    let subscription = {
        let sim = club.cli.sim();
        let customers = sim.customer_ids();
        sim.subscriptions_of(&customers[0])[0].clone()
    };
    let path = format!("/v1/subscriptions/{subscription}");
    let post = |path: &str, data: &str| {
        club.cli.ask(&["post", path, "-d", data]);
        club.pass(60);
    };
    post(&path, "pause_collection[behavior]=void");
    assert_eq!(club.state(member), "good", "what was paid");
    club.pass(32 * DAY);
    assert_eq!(club.state(member), "lapsed");
    post(&path, "pause_collection=");
    assert_eq!(club.state(member), "good", "it is collected again");
    post(&path, "cancel_at_period_end=true");
    assert_eq!(club.state(member), "good", "to the end of the period");
    club.pass(62 * DAY);
    assert_eq!(club.state(member), "lapsed");
    let over: Value = club.cli.sim().subscription(&subscription)["status"].clone();
    assert_eq!(over, "canceled");
    club.nothing_was_refused();
}
