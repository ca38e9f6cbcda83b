//! The year: people join, pay, fail to pay, change their minds and leave; the treasurer edits prices.

use crate::hand_clock::HandClock;
use crate::http::RUNTIME;
use crate::kill::found::furnish;
use crate::kill::life::serve;
use crate::program::built;
use crate::server::{SECRET, Server};
use crate::stripe::KEY;
use crate::wait;
use serde_json::{Value, json};
use server::billing::client::WATCHED;
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;
use tests::building::story::{METAL, WOOD};
use tests::chance::Chance;
use tests::stripe_sim::calendar::utc;
use tests::stripe_sim::{Interval, Proration, Status, StripeSim, Subscribe, deliver, http};

const DAYS: i64 = 365;
const DAY: i64 = 86_400;
/// One of so many deliveries is lost.
const LOST: usize = 20;
/// So many events are delivered at once.
const CROWD: usize = 16;

/// A person, and what Stripe calls them; none before they join.
pub struct Person {
    /// As the server counts.
    pub member: i64,
    /// `cus_…`
    pub customer: Option<String>,
    /// `sub_…`, the newest last.
    pub subscriptions: Vec<String>,
}

/// A year that was lived.
pub struct Year {
    /// Everybody.
    pub people: Vec<Person>,
    /// How many deliveries were lost.
    pub dropped: usize,
    sim: Arc<Mutex<StripeSim>>,
    server: Server,
    clock: HandClock,
    chance: Chance,
    /// The price of a year, whose name carries its type.
    yearly: String,
    /// How often what was done.
    done: BTreeMap<&'static str, usize>,
    stripe: String,
    /// Gone after the server, whose log is in it.
    folder: TempDir,
}

/// What a comparison said.
pub struct Said {
    /// Ids of what differs.
    pub differing: BTreeSet<String>,
    /// Whether it would take access from too many.
    pub waits_for_a_yes: bool,
    /// All of it.
    pub lines: Vec<String>,
}

impl Year {
    /// Lives a year with so many people.
    pub fn live(seed: u64, members: usize) -> Self {
        let mut year = Self::begin(seed, members);
        for day in 0..DAYS {
            year.day(day);
        }
        // Between two hours, so that some invoices are drafts.
        let end = year.sim().now() + 1234;
        year.tell(end);
        year.at_rest();
        year.server.kill();
        year
    }

    fn begin(seed: u64, members: usize) -> Self {
        let begin = utc(2026, 2, 16, 0);
        let folder = wait::scratch();
        let clock = HandClock::start(folder.path(), Timestamp::from_seconds(begin));
        let mut sim = StripeSim::new("acct_club", false, begin);
        sim.create_plan(WOOD, Some("Wood shop"), 5000, Interval::Month);
        sim.create_plan(METAL, Some("Metal shop"), 8000, Interval::Month);
        let yearly = sim.create_price(Some("membertype_5-Year"), None, &[], 50_000, Interval::Year);
        let sim = Arc::new(Mutex::new(sim));
        let stripe = serve(http::router(sim.clone()));
        let mut server = Server::new(folder.path(), &clock.settings());
        server.start();
        furnish(&server);
        let enter = |at: usize| {
            let made = server.post("/members", &json!({"name": name(at), "mail": mail(at)}));
            Person {
                member: made["id"].as_i64().expect("a number"),
                customer: None,
                subscriptions: Vec::new(),
            }
        };
        let people = (0..members).map(enter).collect();
        Self {
            people,
            dropped: 0,
            sim,
            server,
            clock,
            chance: Chance::new(seed),
            yearly,
            done: BTreeMap::new(),
            stripe,
            folder,
        }
    }

    /// The account at Stripe.
    pub fn sim(&self) -> MutexGuard<'_, StripeSim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's database.
    pub fn database(&self) -> std::path::PathBuf {
        self.server.database()
    }

    /// How often what was done.
    pub fn deeds(&self) -> String {
        let done: Vec<String> = self
            .done
            .iter()
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        done.join(", ")
    }

    fn note(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    fn day(&mut self, day: i64) {
        let midnight = utc(2026, 2, 16, 0) + day * DAY;
        let joining = self.joining(day);
        for who in joining {
            self.sometime(midnight);
            self.join(who);
        }
        for _ in 0..3 {
            self.sometime(midnight);
            self.something();
        }
        self.tell(midnight + DAY);
    }

    /// Three of five are there from the first day; the others join over ten months.
    fn joining(&self, day: i64) -> Vec<usize> {
        let (all, day) = (self.people.len(), usize::try_from(day).expect("not before"));
        let first = all * 3 / 5;
        if day == 0 {
            return (0..first).collect();
        }
        let later = |at: &usize| (at - first) * 300 / (all - first) + 1 == day;
        (first..all).filter(later).collect()
    }

    /// Lets some of the day pass.
    fn sometime(&mut self, midnight: i64) {
        let now = self.sim().now();
        let left = usize::try_from(midnight + DAY - now).expect("the day is not over");
        let later = i64::try_from(self.chance.below(left / 4 + 1)).expect("a day");
        self.sim().advance_to(now + later);
    }

    fn join(&mut self, who: usize) {
        self.note("joins");
        let member = self.people[who].member.to_string();
        // One half is linked by a reference, the other by mail.
        let named = [("goodstanding_member", member.as_str())];
        let named = if who.is_multiple_of(2) {
            &named[..]
        } else {
            &[]
        };
        let known = self.people[who].customer.clone();
        let customer = known.unwrap_or_else(|| {
            self.sim()
                .create_customer(Some(&mail(who)), Some(&name(who)), named)
        });
        let yearly = self.yearly.clone();
        let plan = [WOOD, WOOD, METAL, &yearly][self.chance.below(4)];
        let subscription = self
            .sim()
            .subscribe(&customer, &[(plan, 1)], Subscribe::default());
        let person = &mut self.people[who];
        person.customer = Some(customer);
        person.subscriptions.push(subscription);
    }

    fn something(&mut self) {
        let who = self.chance.below(self.people.len());
        let Some(customer) = self.people[who].customer.clone() else {
            return;
        };
        let newest = self.people[who]
            .subscriptions
            .last()
            .expect("joined")
            .clone();
        let status = self.sim().status(&newest);
        match self.chance.below(24) {
            0..=6 => {
                self.note("payment methods that fail");
                self.sim().set_card(&customer, false);
            }
            7..=10 => self.mend_cards(),
            11..=14 if status == Status::Active => {
                self.note("plan changes");
                let plan = self.chance.one_of(&[WOOD, METAL]);
                // Whoever is moved out of a year without credit keeps the year when they leave: hard to foretell.
                let how = self
                    .chance
                    .one_of(&[Proration::CreateProrations, Proration::AlwaysInvoice]);
                self.sim().change_price(&newest, 0, plan, how);
            }
            15..=18 if !status.is_terminal() => self.cancel(&newest),
            19 => {
                self.note("customers deleted");
                self.sim().delete_customer(&customer);
                self.people[who].customer = None;
            }
            // Whoever is known by nothing else, and before anything that shows it came, cannot be found again.
            20 if who.is_multiple_of(2) => {
                self.note("addresses changed");
                self.sim()
                    .set_email(&customer, &format!("new.{}", mail(who)));
            }
            21 | 22 => self.edit_price(),
            _ if status.is_terminal() => self.join(who),
            _ => {}
        }
    }

    /// Everybody whose payment fails pays after all.
    fn mend_cards(&mut self) {
        let customers: Vec<String> = self
            .people
            .iter()
            .filter_map(|person| person.customer.clone())
            .collect();
        for customer in customers {
            if self.chance.once_in(2) {
                continue;
            }
            let mut sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
            if sim.pay_open_invoice(&customer) > 0 {
                sim.set_card(&customer, true);
                drop(sim);
                self.note("late payments");
            }
        }
    }

    fn cancel(&mut self, subscription: &str) {
        self.note("cancellations");
        let how = self.chance.below(4);
        let mut sim = self.sim();
        let later = sim.now() + 9 * DAY;
        match how {
            0 => sim.cancel_now(subscription),
            1 => sim.cancel_at_period_end(subscription, true),
            2 => sim.cancel_at(subscription, Some(later)),
            _ => sim.cancel_at_period_end(subscription, false),
        }
    }

    fn edit_price(&mut self) {
        self.note("price edits");
        let yearly = self.yearly.clone();
        let turn = self.done["price edits"];
        // Each more often than not for the last time, so that a lost word about it stays lost.
        let price = [WOOD, METAL, &yearly][self.chance.below(3)].to_owned();
        let named = if price == yearly {
            "membertype_5-Year"
        } else {
            "Shop"
        };
        let what = self.chance.below(4);
        let mut sim = self.sim();
        match what {
            0 => sim.set_lookup_key(&price, Some(&format!("key-{turn}"))),
            1 => sim.set_price_metadata(&price, "note", &turn.to_string()),
            _ => sim.edit_nickname(&price, Some(&format!("{named} {turn}"))),
        }
    }

    /// Lets the account come up to a moment, and delivers what happened, or loses it.
    fn tell(&mut self, now: i64) {
        self.sim().advance_to(now);
        self.clock.turn_to(Timestamp::from_seconds(now));
        let events = self.sim().take_events();
        let watched = |event: &&Value| {
            let mut kinds = WATCHED.into_iter().flatten().chain(&["customer.created"]);
            kinds.any(|kind| event["type"] == *kind)
        };
        let events: Vec<&Value> = events.iter().filter(watched).collect();
        let (mut lost, chance) = (0, &mut self.chance);
        let mut arrives = |_: &&Value| {
            let is_lost = chance.once_in(LOST);
            lost += usize::from(is_lost);
            !is_lost
        };
        let arriving: Vec<&Value> = events.into_iter().filter(|event| arrives(event)).collect();
        self.dropped += lost;
        for some in arriving.chunks(CROWD) {
            self.deliver(some);
        }
        *self.done.entry("deliveries").or_default() += arriving.len();
    }

    fn deliver(&self, events: &[&Value]) {
        let begin = |event: &&Value| {
            let body = event.to_string().into_bytes();
            let header = deliver::sign(SECRET, self.clock.now().as_seconds(), &body);
            self.server.delivery(Some(&header), &body).begin()
        };
        let under_way: Vec<_> = events.iter().map(begin).collect();
        for answer in under_way {
            let answer = RUNTIME.block_on(answer).expect("it does not panic");
            let answer = answer.expect("the server answers");
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }

    /// Waits until everything that was delivered is applied, and everybody stands as the clock says.
    fn at_rest(&self) {
        let mut books = super::oracle::Books::open(&self.database());
        wait::until("everything is applied and derived", || {
            books.is_at_rest(self.clock.now()).then_some(())
        });
    }

    /// Runs `goodstanding reconcile` with a key that reads the account.
    pub fn reconcile(&self, words: &[&str]) -> Said {
        let mut command = built("goodstanding");
        command.arg("reconcile").args(words);
        command.env("DATA_DIR", self.folder.path().join("data"));
        command
            .env("STRIPE_SECRET_KEY", KEY)
            .env("STRIPE_API_BASE", &self.stripe);
        command.envs(self.clock.settings());
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        let named = lines
            .iter()
            .filter_map(|line| Some(line.split_once(':')?.0));
        let id = |head: &str| head.split(' ').next().map(str::to_owned);
        Said {
            differing: named
                .filter(|head| !head.starts_with(' '))
                .filter_map(id)
                .collect(),
            waits_for_a_yes: said.contains("would lose access at once and keep it"),
            lines,
        }
    }
}

/// A member's name.
fn name(at: usize) -> String {
    format!("Member{at:03}")
}

/// A member's mail address.
pub fn mail(at: usize) -> String {
    format!("{}@example.org", name(at).to_lowercase())
}
