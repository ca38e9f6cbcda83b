//! All orders of a case's events, and the server that hears them.

use serde_json::json;
use shared::standing::State;
use shared::time::{Span, Timestamp};
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::building::outcome::Outcome;
use tests::building::post::Letter;
use tests::building::story::Who;
use tests::building::{Building, WayIn, any_order};
use tests::chance::Chance;
use tests::cores::{cores, stay_on};
use tests::stripe_sim::StripeSim;

/// More make too many orders.
const MOST: usize = 6;

/// So many tests of this kind have begun, each on another core than the one before.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// Whose membership ends how: the types that let in at last.
type End = (Who, &'static [&'static str]);

/// A case that is being lived through.
pub struct Tangle {
    /// The server and Stripe.
    pub b: Building,
    from: usize,
    kinds: &'static [&'static str],
    ends: Vec<End>,
}

/// In which seconds Stripe made the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seconds {
    /// As the simulation did.
    Own,
    /// Each later than the one before.
    Apart,
    /// All in one.
    One,
}

impl Tangle {
    /// Stripe itself.
    pub fn sim(&self) -> MutexGuard<'_, StripeSim> {
        self.b.sim()
    }

    /// From here on the server hears nothing; events of these kinds will come in every order, the others anywhere
    /// between them.
    pub fn begin(&mut self, kinds: &'static [&'static str]) {
        self.b.settle();
        self.b.advance(Span::days(2));
        let from = self.sim().events().len();
        self.from = from;
        self.kinds = kinds;
    }

    /// Time passes at Stripe.
    pub fn pass(&mut self, span: Span) {
        self.b.now = self.b.now + span;
        let now = self.b.now.as_seconds();
        self.sim().advance_to(now);
    }

    /// In the end these types let a person in.
    pub fn ends(&mut self, who: Who, types: &'static [&'static str]) {
        self.ends.push((who, types));
    }

    /// What Stripe's webhook endpoint hears of all that happened, stamped as told.
    fn letters(&self, seconds: Seconds) -> Vec<(bool, Letter)> {
        let sim = self.b.sim();
        let events = &sim.events()[self.from..];
        let last = events.last().expect("something happened").created;
        let mut before = 0;
        let heard = events.iter().filter(|event| is_sent(&event.kind));
        let letters = heard.map(|event| {
            let mut body = event.body(event.shape, sim.livemode());
            let created = match seconds {
                Seconds::Own => event.created,
                Seconds::Apart => event.created.max(before + 1),
                Seconds::One => last,
            };
            before = created;
            body["created"] = json!(created);
            let tangled = self.kinds.contains(&event.kind.as_str());
            (tangled, Letter::of(&body, self.b.now))
        });
        letters.collect()
    }
}

/// The kinds that the manual says to send to a webhook endpoint.
fn is_sent(kind: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "customer.",
        "checkout.session.",
        "charge.",
        "refund.",
        "credit_note.",
        "price.",
        "product.",
        "invoice.",
        "subscription_schedule.",
    ];
    let named = kind == "invoice_payment.paid";
    let prefixed = PREFIXES.iter().any(|prefix| kind.starts_with(prefix));
    (named || prefixed) && !["invoice.created", "invoice.upcoming"].contains(&kind)
}

/// Every order of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let shorter = orders(last);
    let inserted = shorter.iter().flat_map(|order| {
        (0..=last).map(move |place| {
            let mut longer = order.clone();
            longer.insert(place, last);
            longer
        })
    });
    inserted.collect()
}

/// Lives through a case, and lets a server hear of it in every order.
pub fn every_order(name: &str, live: fn(&mut Tangle), way: WayIn, seconds: Seconds) {
    let cores = cores();
    stay_on(cores[STARTED.fetch_add(1, Ordering::Relaxed) % cores.len()]);
    let mut chance = any_order::chance(name);
    let mut b = Building::new(way);
    b.server.network = false;
    b.watches = false;
    b.furnish_rooms();
    b.furnish_catalogue();
    let mut t = Tangle {
        b,
        from: 0,
        kinds: &[],
        ends: Vec::new(),
    };
    live(&mut t);
    t.pass(Span::seconds(30));
    let letters = t.letters(seconds);
    drop(t.sim().take_events());
    let count = of(&letters, true).len();
    let kinds = kinds_of(&[of(&letters, true), of(&letters, false)]);
    println!("{count} in every order: {kinds:?}");
    assert!((4..=MOST).contains(&count), "{count} events");
    let memory = t.b.remember();
    t.b.go_back(&memory);
    let tangled: Vec<&Letter> = of(&letters, true);
    let others: Vec<&Letter> = of(&letters, false);
    let all: Vec<&Letter> = letters.iter().map(|(_, letter)| letter).collect();
    // An endpoint may send these kinds alone, or everything.
    let straight = [&tangled, &all].map(|letters| {
        t.b.go_back(&memory);
        t.hear(&alone(letters))
    });
    t.check_ends();
    for (at, order) in orders(count).into_iter().enumerate() {
        let whole = at % 2 == usize::from(seconds == Seconds::One);
        let mut told: Vec<&Letter> = order.iter().map(|at| tangled[*at]).collect();
        if whole {
            let again = told.clone();
            for letter in others.iter().chain(&again) {
                told.insert(chance.below(told.len() + 1), letter);
            }
        }
        let crowds = in_crowds(&told, &mut chance);
        t.b.go_back(&memory);
        let end = t.hear(&crowds);
        assert_eq!(
            end,
            straight[usize::from(whole)],
            "{:#?}",
            kinds_of(&crowds)
        );
    }
}

fn of(letters: &[(bool, Letter)], tangled: bool) -> Vec<&Letter> {
    let chosen = letters.iter().filter(|(is, _)| *is == tangled);
    chosen.map(|(_, letter)| letter).collect()
}

fn alone<'a>(letters: &[&'a Letter]) -> Vec<Vec<&'a Letter>> {
    letters.iter().map(|letter| vec![*letter]).collect()
}

fn kinds_of<'a>(crowds: &[Vec<&'a Letter>]) -> Vec<Vec<&'a str>> {
    let kinds = |crowd: &Vec<&'a Letter>| crowd.iter().map(|letter| letter.kind.as_str()).collect();
    crowds.iter().map(kinds).collect()
}

/// Some alone, some that come at once.
fn in_crowds<'a>(letters: &[&'a Letter], chance: &mut Chance) -> Vec<Vec<&'a Letter>> {
    let (mut rest, mut crowds) = (letters, Vec::new());
    while !rest.is_empty() {
        let size = chance.one_of(&[1, 1, 2, 4, 8]).min(rest.len());
        let (crowd, others) = rest.split_at(size);
        crowds.push(crowd.to_vec());
        rest = others;
    }
    crowds
}

impl Tangle {
    /// A server hears of letters in these crowds; what it makes of them.
    fn hear(&mut self, crowds: &[Vec<&Letter>]) -> Outcome {
        for crowd in crowds {
            if let [letter] = crowd[..] {
                let header = letter.header(self.b.now);
                let kept = self.b.receive(Some(header.as_bytes()), &letter.body);
                assert!(matches!(kept, Some(Ok(_))), "{}: {kept:?}", letter.kind);
            } else {
                self.b.keep_crowd(crowd);
            }
            self.b.work();
        }
        self.b.settle();
        self.b.outcome()
    }

    fn check_ends(&self) {
        assert!(!self.ends.is_empty(), "the case says how it ends");
        for (who, types) in &self.ends {
            let standing = self.b.standing(*who).expect("derived");
            let now = self.b.now;
            let holds = |from: Option<Timestamp>, until: Option<Timestamp>| {
                from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until)
            };
            let mut open: Vec<&str> = standing
                .access
                .iter()
                .filter(|access| holds(access.from, access.until))
                .map(|access| access.membership.as_str())
                .collect();
            open.sort_unstable();
            open.dedup();
            assert_eq!(open, *types, "{who:?}: {standing:?}");
            let is_in = matches!(standing.state, State::Good { .. } | State::Grace { .. });
            assert_eq!(is_in, !types.is_empty(), "{who:?}: {standing:?}");
        }
    }
}
