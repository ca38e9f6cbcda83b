//! The busy day as one server lives it: in one piece, or killed and started again all the time.

use super::asking::{AGAIN, Letter, Progress, Task};
use super::blow::Blow;
use super::books::{Books, Faults, Outcome};
use super::day::{DAY, Deed, Errand, Files, plan};
use super::found::{Club, at_rest, midnight, settings};
use crate::hand_clock::HandClock;
use crate::http::RUNTIME;
use crate::server::Server;
use crate::wait;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use serde_json::json;
use shared::card::CardUid;
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;
use tests::chance::Chance;
use tests::demo::doors::{Door, Event};
use tests::stripe_sim::{StripeSim, http};
use tokio::sync::oneshot;

/// Doors and their zones.
const DOORS: [(&str, &str); 2] = [("front", "wood"), ("back", "metal")];
/// A day that is not disturbed is lived in so many parts.
const CALM_PARTS: i64 = 48;
/// After the day everything is compared so much later.
const LAST: Span = Span::hours(6);
/// Badge events that have not come after so many looks are lost.
const LOOKS: u32 = 600;

/// What is known of the points at which it was killed.
#[derive(Default)]
pub struct Points {
    kills: u64,
    starting: u64,
    between: u64,
    /// Requests that were open.
    open: usize,
    /// Those of them that had been done.
    done: usize,
}

impl std::fmt::Display for Points {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            kills,
            starting,
            between,
            open,
            done,
        } = self;
        let within = kills - starting - between;
        write!(
            out,
            "points: {starting} while it started, {within} with {open} requests open of which {done} were done, {between} \
             after all answers"
        )
    }
}

/// A day being lived.
pub struct Life<'a> {
    club: &'a Club,
    pub server: Server,
    /// Gone after the server, whose log is in it.
    _folder: TempDir,
    pub clock: HandClock,
    sim: Arc<Mutex<StripeSim>>,
    pub doors: BTreeMap<&'static str, Door>,
    is_linked: bool,
    chance: Chance,
    /// What has yet to happen, the next last.
    to_come: Vec<(i64, Deed)>,
    files: Files,
    /// What is not done yet.
    letters: Vec<Letter>,
    errands: Vec<Errand>,
    /// Events that were answered with 200.
    acknowledged: BTreeSet<String>,
    /// Of errands that were done.
    proofs: Vec<(&'static str, String)>,
    /// Who showed a card, and what became of it.
    taps: Vec<(usize, String)>,
    pub told: Sender<Progress>,
    pub progress: Receiver<Progress>,
    faults: Faults,
    points: Points,
}

/// Serves on a port of this machine; the address.
pub fn serve(router: Router) -> String {
    let bound = RUNTIME.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = bound.expect("a port of this machine");
    let address = listener.local_addr().expect("it listens");
    RUNTIME.spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Lives the day with so many kills; what came of it.
pub fn live(club: &Club, seed: u64, kills: u64) -> (Outcome, Faults, Points) {
    let mut life = Life::begin(club, seed);
    let parts = match i64::try_from(kills) {
        Ok(kills @ 1..) => kills,
        Ok(_) | Err(_) => CALM_PARTS,
    };
    let mut part = 0;
    loop {
        let is_killed = life.points.kills < kills;
        if life.is_over() && !is_killed && life.letters.is_empty() && life.errands.is_empty() {
            return life.end();
        }
        // While a card is redeemed nothing else happens at Stripe, lest it be another history.
        if !life.errands.iter().any(|errand| errand.at_stripe) {
            part += 1;
            life.happen(midnight() + DAY * part / parts);
        }
        if life.is_over() {
            life.clock.turn_to(life.clock.now() + AGAIN);
        }
        life.part(is_killed);
    }
}

impl<'a> Life<'a> {
    fn begin(club: &'a Club, seed: u64) -> Self {
        let folder = wait::scratch();
        club.copy_to(folder.path());
        let clock = HandClock::start(folder.path(), Timestamp::from_seconds(midnight()));
        let sim = Arc::new(Mutex::new(club.sim.clone()));
        let (told, progress) = channel();
        let asked = told.clone();
        let listen = from_fn(move |request: Request, next: Next| {
            // Nobody may be listening any more.
            drop(asked.send(Progress::Question));
            next.run(request)
        });
        let stripe = serve(http::router(sim.clone()).layer(listen));
        let server = Server::new(folder.path(), &settings(&clock, stripe));
        let mut chance = Chance::new(seed);
        let mut to_come = plan(club, &mut chance);
        to_come.reverse();
        let mut life = Self {
            club,
            _folder: folder,
            clock,
            sim,
            server,
            doors: BTreeMap::new(),
            is_linked: true,
            chance,
            to_come,
            files: Files::default(),
            letters: Vec::new(),
            errands: Vec::new(),
            acknowledged: BTreeSet::new(),
            proofs: Vec::new(),
            taps: Vec::new(),
            told,
            progress,
            faults: Faults::default(),
            points: Points::default(),
        };
        life.server.start();
        for (door, zone) in DOORS {
            life.open(door, zone);
        }
        life
    }

    /// Pairs a door's agent, which follows the zone's list from now on.
    fn open(&mut self, door: &'static str, zone: &str) {
        let agent = format!("pi-{door}");
        let made = self
            .server
            .post("/agents", &json!({"id": agent, "name": agent}));
        let placed = json!({"name": door, "zone": zone, "agent": agent});
        self.server.put(&format!("/doors/{door}"), &placed);
        let code = made["code"].as_str().expect("a code");
        let (id, url) = (door.parse().expect("a name"), self.server.url());
        let started = Door::start(id, &url, code, self.clock.for_doors());
        let door_there = RUNTIME.block_on(started).expect("a door");
        self.doors.insert(door, door_there);
    }

    fn sim(&self) -> MutexGuard<'_, StripeSim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.to_come.is_empty() && self.sim().now() >= midnight() + DAY
    }

    /// Lets the world go on to a moment, or to the next errand that changes something at Stripe.
    fn happen(&mut self, until: i64) {
        let mut until = until.min(midnight() + DAY);
        while let Some((at, deed)) = self.to_come.pop_if(|(at, _)| midnight() + *at <= until) {
            let at = midnight() + at;
            self.sim().advance_to(at);
            match deed {
                Deed::Stripe(deed) => {
                    let mut sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
                    self.files.happen(deed, self.club, &mut sim);
                }
                Deed::Tap(who, door) => self.tap(who, door, at),
                Deed::Desk(errand) => {
                    if errand.at_stripe {
                        until = at;
                    }
                    self.errands.push(errand);
                }
            }
        }
        let mut sim = self.sim();
        sim.advance_to(until);
        let events = sim.take_events();
        drop(sim);
        let due = Timestamp::from_seconds(until);
        self.clock.turn_to(due);
        self.letters.extend(events.iter().map(|event| Letter {
            event: event["id"].as_str().expect("an id").to_owned(),
            body: event.to_string().into_bytes(),
            due,
            tries: 0,
        }));
    }

    /// A card is shown at a door, whether the server runs or not.
    fn tap(&mut self, who: usize, door: &'static str, at: i64) {
        let uid = CardUid::parse(&self.club.people[who].uid).expect("a card");
        self.clock.turn_to(Timestamp::from_seconds(at));
        // The same card within a second is one event, and at two doors within two seconds an alarm.
        self.clock.turn_to(self.clock.now() + Span::seconds(5));
        let door_there = &self.doors[door];
        RUNTIME.block_on(async {
            let (done, answered) = oneshot::channel();
            let shown = door_there.events.send(Event::Tap(uid, done)).await;
            shown.expect("the door runs");
            answered.await.expect("the door answers");
        });
        let came = format!("{door} {}", door_there.shown().reason);
        self.taps.push((who, came));
    }

    /// A part of the day: all that is due is asked of the server, which is killed over it or is not.
    fn part(&mut self, is_killed: bool) {
        let tasks = self.due();
        let blow = is_killed.then(|| Blow::choose(&mut self.chance, tasks.len()));
        if let Some(Blow::Starting(after)) = blow {
            if self.server.is_running() {
                self.server.kill();
            }
            self.server.launch();
            wait::spin(after);
            self.points.starting += 1;
            self.kill();
            self.take(tasks.into_iter().map(|task| (task, None)).collect(), true);
            return;
        }
        if !self.server.is_running() {
            self.server.start();
        }
        self.link(true);
        let (count, crowd) = (tasks.len(), self.chance.one_of(&[1, 3, 16]));
        let stop = Arc::new(AtomicBool::new(false));
        let asked = self.ask(tasks, crowd, &stop);
        let open = count - self.watch(blow, count);
        if is_killed {
            stop.store(true, Ordering::Relaxed);
            self.kill();
            self.points.open += open;
            self.points.between += u64::from(open == 0);
        }
        let answers = asked.into_iter().map(|task| RUNTIME.block_on(task));
        let answers: Vec<_> = answers.map(|it| it.expect("it does not panic")).collect();
        self.take(answers, is_killed);
    }

    /// What is due now, in some order.
    fn due(&mut self) -> Vec<Task> {
        let now = self.clock.now();
        let letters = self.letters.extract_if(.., |letter| letter.due <= now);
        let mut tasks: Vec<Task> = letters.map(Task::Letter).collect();
        if self.chance.once_in(3) {
            tasks = self.chance.shuffled(tasks);
        }
        for errand in std::mem::take(&mut self.errands) {
            let at = self.chance.below(tasks.len() + 1);
            tasks.insert(at, Task::Errand(errand));
        }
        tasks
    }

    /// The server has no moment left; the doors find nobody.
    fn kill(&mut self) {
        self.server.kill();
        self.link(false);
        self.points.kills += 1;
    }

    /// Lets the doors look for the broker, or takes the cable out.
    fn link(&mut self, on: bool) {
        if self.is_linked == on {
            return;
        }
        self.is_linked = on;
        for door in self.doors.values() {
            let told = RUNTIME.block_on(door.events.send(Event::Cut(!on)));
            told.expect("the door runs");
        }
    }

    /// What was answered must be in the books; what was not comes again, unless it is there all the same.
    fn take(&mut self, answers: Vec<(Task, Option<u16>)>, is_killed: bool) {
        let database = self.server.database();
        let mut books = if is_killed {
            Books::dead(&database)
        } else {
            Books::live(&database)
        };
        let kept: BTreeSet<String> = books.events().into_iter().collect();
        for (task, status) in answers {
            match (task, status) {
                (Task::Letter(letter), Some(200)) => drop(self.acknowledged.insert(letter.event)),
                (Task::Letter(letter), None) => {
                    self.points.done += usize::from(kept.contains(&letter.event));
                    self.letters.push(letter.again(self.clock.now()));
                }
                (Task::Errand(errand), Some(200 | 201)) => self.proofs.push(errand.proof),
                // A gift card may be redeemed by now, or will be.
                (Task::Errand(errand), None | Some(202 | 409)) => {
                    if books.count(&errand.proof) == 0 {
                        self.errands.push(errand);
                    } else {
                        self.points.done += 1;
                        self.proofs.push(errand.proof);
                    }
                }
                (Task::Letter(letter), status) => panic!("{}: {status:?}", letter.event),
                (Task::Errand(errand), status) => panic!("{}: {status:?}", errand.path),
            }
        }
        let lost = self
            .acknowledged
            .extract_if(.., |event| !kept.contains(event));
        let lost = lost.map(|event| format!("acknowledged: {event}"));
        self.faults.lost.extend(lost);
        let lost = self.proofs.extract_if(.., |proof| books.count(proof) == 0);
        let lost = lost.map(|(sql, text)| format!("acknowledged: {sql} {text}"));
        self.faults.lost.extend(lost);
    }

    /// When all has been told: what the books say, held against Stripe, the desk and the doors.
    fn end(mut self) -> (Outcome, Faults, Points) {
        // What was cut off is asked for again within minutes.
        at_rest(&self.server, &self.clock);
        self.clock
            .turn_to(Timestamp::from_seconds(midnight() + DAY) + LAST);
        let mut books = Books::live(&self.server.database());
        wait::until("everything has come to rest at last", || {
            books.is_at_rest(self.clock.now()).then_some(())
        });
        let revisions = books.revisions();
        wait::until("the doors hold the newest lists", || {
            let holds = |(door, zone): &(&str, &str)| {
                let number = format!(".{}", revisions[*zone]);
                self.doors[door].shown().revision.ends_with(&number)
            };
            DOORS.iter().all(holds).then_some(())
        });
        let before = self.taps.len();
        for who in (0..self.club.people.len()).step_by(3) {
            for (door, _) in DOORS {
                self.tap(who, door, midnight());
            }
        }
        let told = once(&self.taps);
        let mut looks = 0;
        wait::until("the badge events have arrived, or will not", || {
            looks += 1;
            (books.badges().len() >= told.len() || looks == LOOKS).then_some(())
        });
        self.server.kill();
        let mut books = Books::dead(&self.server.database());
        let faults = &mut self.faults;
        faults.compare("badges", &books.badges(), &told);
        faults.compare("terms at the same time", &books.overlaps(), &[]);
        for proof in &self.proofs {
            let count = usize::try_from(books.count(proof)).expect("a count");
            let done = vec![proof.1.clone(); count];
            faults.compare("errands", &done, std::slice::from_ref(&proof.1));
        }
        let sim = self.sim.lock().unwrap_or_else(PoisonError::into_inner);
        let events: Vec<String> = sim.events().iter().map(|event| event.id.clone()).collect();
        faults.compare("events", &books.events(), &events);
        faults.compare("paid invoices", &books.paid(), &paid(&sim));
        let last = self.taps[before..].iter().map(|(_, came)| came.clone());
        let outcome = books.outcome(last.collect());
        drop(sim);
        (outcome, self.faults, self.points)
    }
}

/// What doors tell of cards: those that are unknown each once, for a door counts those that come again.
fn once(taps: &[(usize, String)]) -> Vec<String> {
    let mut unknown = BTreeSet::new();
    let mut told = taps.to_vec();
    told.retain(|tap| !tap.1.ends_with(" unknown") || unknown.insert(tap.clone()));
    told.into_iter().map(|(_, came)| came).collect()
}

/// Every paid invoice at Stripe, with what was paid.
fn paid(sim: &StripeSim) -> Vec<String> {
    let customers = sim.customer_ids();
    let subscriptions = customers.iter().flat_map(|id| sim.subscriptions_of(id));
    let invoices = subscriptions.flat_map(|id| sim.invoices_of(&id));
    let paid = invoices.filter(|invoice| invoice["status"] == "paid");
    let shown = paid.map(|invoice| {
        let id = invoice["id"].as_str().expect("an id");
        format!("{id} {}", invoice["amount_paid"])
    });
    shown.collect()
}
