//! The agent's lives, one after the other, each with its end.

use super::blow::{Blow, Plan};
use super::books::{Books, Faults, Tap, ZONE};
use super::door::{DOOR, Door};
use crate::http::{Answer, RUNTIME};
use crate::kill::life::serve;
use crate::server::Server;
use crate::stripe::KEY;
use crate::wait;
use reqwest::Method;
use serde_json::json;
use shared::allow_list::Revision;
use shared::card::CardUid;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tests::chance::Chance;
use tests::stripe_sim::{StripeSim, http};
use tokio::task::JoinHandle;

/// Cards on the list; each is shown once at most.
const CARDS: u32 = 3000;
/// A roll in one request has so many lines.
const AT_ONCE: usize = 1000;
/// In the end so many are shown that nobody interrupts.
const LAST: usize = 5;

/// What is known of the points at which it was killed.
#[derive(Default)]
pub struct Points {
    starting: u64,
    shown: u64,
    linked: u64,
    changing: u64,
    bare: u64,
    /// Cards that were shown and not answered.
    open: usize,
}

impl std::fmt::Display for Points {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            starting,
            shown,
            linked,
            changing,
            bare,
            open,
        } = self;
        write!(
            out,
            "points: {starting} while it started, {shown} over a card of which {open} were not answered, {linked} at its \
             link, {changing} over a change of its list of which {bare} over a whole one"
        )
    }
}

/// Everything there is.
struct Life {
    door: Door,
    books: Books,
    server: Server,
    /// Gone last, with everybody's files in it.
    _folder: TempDir,
    chance: Chance,
    /// The server's numbers of the cards.
    cards: Vec<i64>,
    next: u32,
    /// The places of those that are lost.
    lost: BTreeSet<u32>,
    taps: Vec<Tap>,
    /// The newest list that it was known to have stored.
    floor: Option<Revision>,
    faults: Faults,
    points: Points,
}

/// The number of a card by its place.
fn uid(place: u32) -> CardUid {
    let [_, a, b, c] = place.to_be_bytes();
    CardUid::from_bytes(&[4, 0xa0 ^ a, b, c]).expect("four bytes that are not alike")
}

/// Lives so many lives and one in peace; what should not be.
pub fn live(seed: u64, kills: u64) -> (Faults, Points) {
    let mut life = Life::begin(seed);
    for number in 1..=kills {
        life.one(number);
    }
    life.end()
}

impl Life {
    fn begin(seed: u64) -> Self {
        let folder = wait::scratch();
        // A roll is held against what Stripe knows.
        let sim = StripeSim::new("acct_club", false, wait::now().as_seconds());
        let stripe = serve(http::router(Arc::new(Mutex::new(sim))));
        let settings = [
            ("STRIPE_SECRET_KEY", KEY.to_owned()),
            ("STRIPE_API_BASE", stripe),
        ];
        let mut server = Server::new(folder.path(), &settings);
        server.start();
        server.put("/membership-types/5", &json!({"name": "Wood", "rank": 1}));
        let zone = format!("/zones/{ZONE}");
        server.put(&zone, &json!({"name": "Wood", "location": "main"}));
        server.put(&format!("{zone}/access/5"), &json!({}));
        let places: Vec<u32> = (0..CARDS).collect();
        for some in places.chunks(AT_ONCE) {
            let mut roll = "name,cards,membership,paid_until\n".to_owned();
            for place in some {
                let card = uid(*place).reveal();
                writeln!(roll, "Member {place},{card},5,2090-01-01").expect("memory");
            }
            server.post("/import", &json!({"roll": roll, "write": true}));
        }
        let made = server.post("/agents", &json!({"id": "pi", "name": "Pi"}));
        let placed = json!({"name": "Front", "zone": ZONE, "agent": "pi"});
        server.put(&format!("/doors/{DOOR}"), &placed);
        let door = Door::new(folder.path());
        door.pair(&server.url(), made["code"].as_str().expect("a code"));
        let mut books = Books::open(&folder.path().join("data"));
        let cards = books.cards();
        let right =
            |(place, (_, digits)): (u32, &(i64, String))| *digits == uid(place).last_digits();
        assert!(
            (0..CARDS).zip(&cards).all(right),
            "cards have the roll's order"
        );
        let mut life = Self {
            door,
            books,
            server,
            _folder: folder,
            chance: Chance::new(seed),
            cards: cards.into_iter().map(|(id, _)| id).collect(),
            next: 0,
            lost: BTreeSet::new(),
            taps: Vec::new(),
            floor: None,
            faults: Faults::default(),
            points: Points::default(),
        };
        // What everybody else begins with: a list.
        life.door.launch();
        life.rest(1);
        life.kill(0);
        life
    }

    /// One life and its end.
    fn one(&mut self, number: u64) {
        let plan = Plan::choose(&mut self.chance);
        if plan.bare {
            self.door.lose_list();
            self.floor = None;
        }
        let before = self.taps.len();
        self.door.launch();
        let asked = self.until(plan);
        self.kill(before);
        self.count(plan, before);
        if let Some(asked) = asked {
            let answer = RUNTIME.block_on(asked).expect("it does not panic");
            assert_eq!(answer.expect("the server answers").status, 200);
        }
        self.judge(&format!("kill {number}, {plan:?}"));
    }

    /// Kills it, and notes what it answered to the cards of this life.
    fn kill(&mut self, before: usize) {
        let answers = self.door.kill();
        for (tap, released) in self.taps[before..].iter_mut().zip(answers) {
            tap.released = Some(released);
        }
    }

    /// Lets it live until the moment of the blow; a request that is under way.
    fn until(&mut self, plan: Plan) -> Option<JoinHandle<Result<Answer, reqwest::Error>>> {
        if let Blow::Starting(after) = plan.blow {
            wait::spin(after);
            return None;
        }
        let in_peace = match plan.blow {
            Blow::Shown(_) | Blow::Badge(_) => plan.taps - 1,
            Blow::Starting(_)
            | Blow::Answered(_)
            | Blow::Linked(_)
            | Blow::Changed(_)
            | Blow::List(_) => plan.taps,
        };
        for tap in 1..=in_peace {
            self.show();
            self.door.answered(tap);
        }
        let (mut asked, after) = (
            None,
            match plan.blow {
                Blow::Starting(after)
                | Blow::Shown(after)
                | Blow::Badge(after)
                | Blow::Answered(after)
                | Blow::Linked(after)
                | Blow::Changed(after)
                | Blow::List(after) => after,
            },
        );
        match plan.blow {
            Blow::Starting(_) | Blow::Answered(_) => {}
            Blow::Shown(_) => self.show(),
            Blow::Badge(_) => {
                let before = self.door.badges();
                self.show();
                wait::closely("the badge log grows", || {
                    (self.door.badges() != before).then_some(())
                });
            }
            Blow::Linked(_) => self.door.linked(),
            Blow::Changed(_) => {
                self.door.linked();
                asked = Some(self.lose_card());
            }
            Blow::List(_) => {
                self.door.linked();
                let before = self.door.list();
                asked = Some(self.lose_card());
                wait::closely("the list on disk changes", || {
                    (self.door.list() != before).then_some(())
                });
            }
        }
        wait::spin(after);
        asked
    }

    fn show(&mut self) {
        // Within one millisecond two releases are one.
        wait::spin(Duration::from_millis(2));
        let uid = uid(self.next);
        self.next += 1;
        assert!(self.next < CARDS, "so many kills need more cards");
        self.door.show(&uid);
        self.taps.push(Tap {
            uid,
            released: None,
        });
    }

    /// An admin hears that the card which is shown next, or the one after, was lost; or, where that is known, a later one,
    /// for the list must change.
    fn lose_card(&mut self) -> JoinHandle<Result<Answer, reqwest::Error>> {
        let place = self.next + u32::try_from(self.chance.below(2)).expect("small");
        let place = (place..CARDS).find(|place| self.lost.insert(*place));
        let place = place.expect("so many kills need more cards");
        let id = self.cards[usize::try_from(place).expect("small")];
        let path = format!("/api/v1/cards/{id}/mark");
        let body = json!({"mark": "lost"});
        self.server
            .request(Method::POST, &path, Some(&body))
            .begin()
    }

    fn count(&mut self, plan: Plan, before: usize) {
        let points = &mut self.points;
        let open = self.taps[before..]
            .iter()
            .filter(|tap| tap.released.is_none());
        points.open += open.count();
        *match plan.blow {
            Blow::Starting(_) => &mut points.starting,
            Blow::Shown(_) | Blow::Badge(_) | Blow::Answered(_) => &mut points.shown,
            Blow::Linked(_) => &mut points.linked,
            Blow::Changed(_) | Blow::List(_) => &mut points.changing,
        } += 1;
        points.bare += u64::from(plan.bare);
    }

    /// What the agent left is a list that the server signed, and none that is older than it was known to have.
    fn judge(&mut self, when: &str) {
        let boot = self.door.boot();
        let reported = self.books.reported(boot.as_deref());
        let promised = [self.floor, reported].into_iter().flatten();
        let promised = promised.max_by_key(|revision| revision.number);
        let held = self.door.held();
        let mut wrong = |what: &str| self.faults.wrong.push(format!("{when}: {what}"));
        match (held, promised) {
            (None, Some(_)) => wrong("there is no list any more"),
            (Some((revision, _)), Some(promised)) if revision.number < promised.number => {
                wrong("its list is older than the one it had");
            }
            (_, _) => {}
        }
        if held.is_some_and(|held| !self.books.has_signed(held)) {
            wrong("its list was never signed");
        }
        self.floor = held.map(|(revision, _)| revision);
    }

    /// Shows a card and waits until the server knows of it, as of all before, and the agent has the newest list.
    fn rest(&mut self, tap: usize) {
        self.show();
        self.door.answered(tap);
        let shown = uid(self.next - 1);
        wait::until("the agent has nothing more to say or to learn", || {
            let newest = self.books.newest();
            (self.door.held() == Some(newest) && self.books.knows(&shown)).then_some(())
        });
    }

    fn end(mut self) -> (Faults, Points) {
        let before = self.taps.len();
        self.door.launch();
        for tap in 1..LAST {
            self.show();
            self.door.answered(tap);
        }
        self.rest(LAST);
        self.kill(before);
        self.judge("in the end");
        self.books.compare(&self.taps, &mut self.faults);
        (self.faults, self.points)
    }
}
