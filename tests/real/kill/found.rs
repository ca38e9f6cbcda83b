//! The club before its busy day: founded a month ago, when most of its members began to pay.

use super::books::Books;
use super::day::{DAY, SECOND_SEAT, is_of};
use super::life::serve;
use crate::hand_clock::HandClock;
use crate::http::RUNTIME;
use crate::server::{SECRET, Server};
use crate::stripe::KEY;
use crate::wait;
use serde_json::{Value, json};
use shared::time::{Span, Timestamp};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;
use tests::building::story::{METAL, WOOD};
use tests::stripe_sim::calendar::utc;
use tests::stripe_sim::{Interval, StripeSim, Subscribe, deliver, http};

/// So many pay at Stripe.
pub const PAYERS: usize = 160;
/// So many further members do not.
pub const GUESTS: usize = 40;
/// So many gift cards were sold.
pub const GIFTS: usize = 6;
/// So many events of the founding are delivered at once.
const CROWD: usize = 16;
/// When the first of them pays, seconds after midnight, and how far apart the others follow.
const FIRST: i64 = 2 * 3600;
const APART: i64 = 18 * 3600 / PAYERS as i64;

/// A member of the club.
#[derive(Clone)]
pub struct Person {
    /// As the server counts.
    pub member: i64,
    /// The number on the card.
    pub uid: String,
    /// The card, as the server counts.
    pub card: i64,
}

/// What a member pays at Stripe.
#[derive(Clone)]
pub struct Paying {
    /// `cus_…`
    pub customer: String,
    /// `sub_…`
    pub subscription: String,
    /// `si_…`
    pub item: String,
}

/// The club as it is at midnight.
pub struct Club {
    /// Payers first, then guests.
    pub people: Vec<Person>,
    /// One for each payer.
    pub paying: Vec<Paying>,
    /// Codes of gift cards.
    pub gifts: Vec<String>,
    /// The account at Stripe.
    pub sim: StripeSim,
    /// Where the server's data lies.
    pub folder: TempDir,
}

/// When the busy day begins, a Monday; four weeks and a month after the founding.
pub fn midnight() -> i64 {
    utc(2026, 3, 16, 0)
}

/// When a payer's period ends on that day, seconds after midnight.
pub fn renews(payer: usize) -> i64 {
    FIRST + i64::try_from(payer).expect("few") * APART
}

/// What the server is told of the account at Stripe, and of the clock.
pub fn settings(clock: &HandClock, stripe: String) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("STRIPE_SECRET_KEY", KEY.to_owned()),
        ("STRIPE_API_BASE", stripe),
    ];
    settings.extend(clock.settings());
    settings
}

/// Waits until nothing is left to do; time passes meanwhile, for some of it waits for that.
pub fn at_rest(server: &Server, clock: &HandClock) {
    let mut books = Books::live(&server.database());
    wait::until("everything is applied, fetched and derived", || {
        let rests = books.is_at_rest(clock.now());
        if !rests {
            clock.turn_to(clock.now() + Span::seconds(10));
        }
        rests.then_some(())
    });
}

impl Club {
    /// Founds it, with the built server.
    pub fn found() -> Self {
        let month_ago = utc(2026, 2, 16, 0);
        let folder = wait::scratch();
        let clock = HandClock::start(folder.path(), Timestamp::from_seconds(month_ago));
        let mut sim = StripeSim::new("acct_club", false, month_ago);
        sim.create_plan(WOOD, Some("Wood shop"), 5000, Interval::Month);
        sim.create_plan(METAL, Some("Metal shop"), 8000, Interval::Month);
        let sim = Arc::new(Mutex::new(sim));
        let stripe = serve(http::router(sim.clone()));
        let mut server = Server::new(folder.path(), &settings(&clock, stripe));
        server.start();
        furnish(&server);
        let people: Vec<Person> = (0..PAYERS + GUESTS).map(|at| enter(&server, at)).collect();
        let gift = json!({"amount": 5000, "currency": "usd", "buyer": "A friend"});
        let gifts = (0..GIFTS).map(|at| {
            let mut gift = gift.clone();
            gift["note"] = json!(format!("gift {at}"));
            let code = server.post("/gift-cards", &gift)["code"].clone();
            code.as_str().expect("a code").to_owned()
        });
        let gifts = gifts.collect();
        let lock = || sim.lock().unwrap_or_else(PoisonError::into_inner);
        let pay = |(at, person)| {
            let mut sim = lock();
            sim.advance_to(month_ago + renews(at));
            pay(&mut sim, at, person)
        };
        let paying = people.iter().take(PAYERS).enumerate().map(pay).collect();
        // The founding is told when its day is over, and then a month passes.
        for now in [month_ago + DAY, midnight()] {
            lock().advance_to(now);
            clock.turn_to(Timestamp::from_seconds(now));
            let events = lock().take_events();
            events
                .chunks(CROWD)
                .for_each(|some| tell(&server, &clock, some));
            at_rest(&server, &clock);
        }
        server.kill();
        let sim = lock().clone();
        Self {
            people,
            paying,
            gifts,
            sim,
            folder,
        }
    }

    /// Copies the server's data into another folder.
    pub fn copy_to(&self, folder: &Path) {
        copy(&self.folder.path().join("data"), &folder.join("data"));
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("the test's own folder");
    let rights = std::fs::metadata(from).expect("the server's folder");
    std::fs::set_permissions(to, rights.permissions()).expect("the test's own folder");
    for entry in std::fs::read_dir(from).expect("the server's folder") {
        let entry = entry.expect("it can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("it has a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}

/// Type 5 opens *wood*, type 7 opens *wood* and *metal*.
pub fn furnish(server: &Server) {
    for (id, rank) in [("5", 1), ("7", 2)] {
        let path = format!("/membership-types/{id}");
        server.put(&path, &json!({"name": id, "rank": rank}));
    }
    for (zone, types) in [("wood", &["5", "7"][..]), ("metal", &["7"])] {
        let path = format!("/zones/{zone}");
        server.put(&path, &json!({"name": zone, "location": "main"}));
        for id in types {
            server.put(&format!("{path}/access/{id}"), &json!({}));
        }
    }
}

/// Delivers events, all at once.
fn tell(server: &Server, clock: &HandClock, events: &[Value]) {
    let begin = |event: &Value| {
        let body = event.to_string().into_bytes();
        let header = deliver::sign(SECRET, clock.now().as_seconds(), &body);
        server.delivery(Some(&header), &body).begin()
    };
    let under_way: Vec<_> = events.iter().map(begin).collect();
    for answer in under_way {
        let answer = RUNTIME.block_on(answer).expect("it does not panic");
        let answer = answer.expect("the server answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// A member's name.
fn name(at: usize) -> String {
    format!("Member{at:03}")
}

fn mail(at: usize) -> String {
    format!("{}@example.org", name(at).to_lowercase())
}

fn enter(server: &Server, at: usize) -> Person {
    let made = server.post("/members", &json!({"name": name(at), "mail": mail(at)}));
    let member = made["id"].as_i64().expect("a number");
    let uid = format!("04{:06X}", 0x00A0_0000 + at);
    let card = server.post("/cards", &json!({"member": member, "uid": uid}));
    let card = card["id"].as_i64().expect("a number");
    Person { member, uid, card }
}

fn pay(sim: &mut StripeSim, at: usize, person: &Person) -> Paying {
    // One half is linked by a reference, the other by mail.
    let reference = person.member.to_string();
    let named = [("goodstanding_member", reference.as_str())];
    let named = if at.is_multiple_of(2) {
        &named[..]
    } else {
        &[]
    };
    let customer = sim.create_customer(Some(&mail(at)), Some(&name(at)), named);
    let plan = if at.is_multiple_of(3) { METAL } else { WOOD };
    let seats = if is_of(at, SECOND_SEAT) { 2 } else { 1 };
    let subscription = sim.subscribe(&customer, &[(plan, seats)], Subscribe::default());
    let shown = sim.subscription(&subscription);
    let item = shown["items"]["data"][0]["id"].as_str();
    let item = item.expect("an item").to_owned();
    Paying {
        customer,
        subscription,
        item,
    }
}
