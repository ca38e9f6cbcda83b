//! What happens on the busy day, by a seed: at Stripe, at the desk and at the doors.

use super::found::{Club, GIFTS, GUESTS, PAYERS, Person, midnight, renews};
use reqwest::Method;
use serde_json::{Value, json};
use shared::time::Timestamp;
use std::collections::BTreeMap;
use tests::building::story::{METAL, WOOD};
use tests::chance::Chance;
use tests::stripe_sim::{Proration, StripeSim, Subscribe};

/// Seconds.
pub const DAY: i64 = 86_400;
const HOUR: i64 = 3600;
const MINUTE: i64 = 60;

/// Each payer has a story of one of so many kinds.
const KINDS: usize = 12;
const GETS_CREDIT: usize = 0;
const MOVES: usize = 1;
const REDEEMS: usize = 2;
const CARD_FAILS_AND_IS_MENDED: usize = 3;
const CARD_FAILS: usize = 4;
const CHANGES_PLAN: usize = 5;
const ENDS_WITH_PERIOD: usize = 6;
const ENDS_NOW: usize = 7;
const REFUND: usize = 8;
const DISPUTE: usize = 9;
/// Pays for two, and the desk names the other.
pub const SECOND_SEAT: usize = 10;
const CHANGES_ITS_MIND: usize = 11;
/// So many people whom nobody knows yet begin to pay.
const NEWCOMERS: usize = 20;
/// Cards are shown so often.
const TAPS: usize = 300;

/// Whether a payer's story is of a kind.
pub fn is_of(payer: usize, kind: usize) -> bool {
    payer % KINDS == kind
}

/// Something that happens.
#[derive(Clone)]
pub enum Deed {
    /// At Stripe.
    Stripe(AtStripe),
    /// At the desk.
    Desk(Errand),
    /// A person shows the card at a door.
    Tap(usize, &'static str),
}

/// What happens at Stripe, mostly to a payer.
#[derive(Clone, Copy)]
pub enum AtStripe {
    Card { of: usize, works: bool },
    Pays(usize),
    ChangesPlan(usize),
    EndsWithPeriod { of: usize, on: bool },
    EndsNow(usize),
    Refund { of: usize, cents: i64 },
    Dispute(usize),
    DisputeEnds { of: usize, won: bool },
    Credit(usize),
    NewMail(usize),
    Joins(usize),
}

/// Something that an admin wants done, once.
#[derive(Clone)]
pub struct Errand {
    /// How it is asked for.
    pub method: Method,
    /// Below `/api/v1`.
    pub path: String,
    /// In full, with its own times: asked for later it is the same.
    pub body: Value,
    /// Counts in the database how often it was done, by the text beside it.
    pub proof: (&'static str, String),
    /// Whether it changes something at Stripe: meanwhile nothing else happens there.
    pub at_stripe: bool,
}

/// Everything that happens, each at its second after midnight.
pub fn plan(club: &Club, chance: &mut Chance) -> Vec<(i64, Deed)> {
    let mut day = Vec::new();
    for payer in 0..PAYERS {
        let story = story(payer, chance).into_iter();
        day.extend(story.map(|(at, deed)| (at, Deed::Stripe(deed))));
    }
    for newcomer in 0..NEWCOMERS {
        let at = moment(chance);
        day.push((at, Deed::Stripe(AtStripe::Joins(newcomer))));
    }
    let errands = errands(club, chance).into_iter();
    day.extend(errands.map(|(at, errand)| (at, Deed::Desk(errand))));
    for _ in 0..TAPS {
        let (at, who) = (moment(chance), chance.below(PAYERS + GUESTS));
        day.push((at, Deed::Tap(who, chance.one_of(&["front", "back"]))));
    }
    day.sort_by_key(|(at, _)| *at);
    day
}

/// Some second of the day.
fn moment(chance: &mut Chance) -> i64 {
    i64::try_from(chance.below(86_400)).expect("small")
}

fn story(of: usize, chance: &mut Chance) -> Vec<(i64, AtStripe)> {
    use AtStripe::*;
    let (renews, some) = (renews(of), moment(chance));
    match of % KINDS {
        GETS_CREDIT => vec![(some, Credit(of))],
        MOVES => vec![(some, NewMail(of))],
        CARD_FAILS_AND_IS_MENDED => vec![
            (renews - HOUR, Card { of, works: false }),
            (renews + 3 * HOUR, Card { of, works: true }),
            (renews + 3 * HOUR + MINUTE, Pays(of)),
        ],
        CARD_FAILS => vec![(renews - HOUR, Card { of, works: false })],
        CHANGES_PLAN => vec![(some, ChangesPlan(of))],
        ENDS_WITH_PERIOD => vec![(renews - HOUR, EndsWithPeriod { of, on: true })],
        ENDS_NOW => vec![(some, EndsNow(of))],
        REFUND => {
            let cents = chance.one_of(&[1000, 5000]);
            vec![(some, Refund { of, cents })]
        }
        DISPUTE => {
            let (some, won) = (some * 3 / 4, chance.once_in(2));
            let end = DisputeEnds { of, won };
            vec![(some, Dispute(of)), (some + 4 * HOUR, end)]
        }
        CHANGES_ITS_MIND => vec![
            (renews - HOUR, EndsWithPeriod { of, on: true }),
            (renews - HOUR / 2, EndsWithPeriod { of, on: false }),
        ],
        _ => Vec::new(),
    }
}

/// What became of people whom the plan names.
#[derive(Default)]
pub struct Files {
    disputes: BTreeMap<usize, String>,
}

impl Files {
    /// Lets it happen.
    pub fn happen(&mut self, deed: AtStripe, club: &Club, sim: &mut StripeSim) {
        let subscription = |of: usize| club.paying[of].subscription.as_str();
        let customer = |of: usize| club.paying[of].customer.as_str();
        match deed {
            AtStripe::Card { of, works } => sim.set_card(customer(of), works),
            AtStripe::Pays(of) => drop(sim.pay_open_invoice(customer(of))),
            AtStripe::ChangesPlan(of) => {
                let id = subscription(of);
                let shown = sim.subscription(id)["items"]["data"][0]["price"]["id"].clone();
                let other = if shown == WOOD { METAL } else { WOOD };
                sim.change_price(id, 0, other, Proration::CreateProrations);
            }
            AtStripe::EndsWithPeriod { of, on } => sim.cancel_at_period_end(subscription(of), on),
            AtStripe::EndsNow(of) => sim.cancel_now(subscription(of)),
            AtStripe::Refund { of, cents } => drop(sim.refund(&paid(sim, subscription(of)), cents)),
            AtStripe::Dispute(of) => {
                let dispute = sim.dispute(&paid(sim, subscription(of)));
                self.disputes.insert(of, dispute);
            }
            AtStripe::DisputeEnds { of, won } => sim.close_dispute(&self.disputes[&of], won),
            AtStripe::Credit(of) => sim.add_balance(customer(of), -2000),
            AtStripe::NewMail(of) => sim.set_email(customer(of), &format!("new{of}@example.org")),
            AtStripe::Joins(newcomer) => {
                let name = format!("Newcomer{newcomer:02}");
                let mail = format!("{}@example.org", name.to_lowercase());
                let customer = sim.create_customer(Some(&mail), Some(&name), &[]);
                sim.subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
            }
        }
    }
}

/// The newest paid invoice.
fn paid(sim: &StripeSim, subscription: &str) -> String {
    let all = sim.invoices_of(subscription);
    let paid = all.iter().rfind(|invoice| invoice["status"] == "paid");
    let id = paid.and_then(|invoice| invoice["id"].as_str());
    id.expect("something was paid").to_owned()
}

fn errands(club: &Club, chance: &mut Chance) -> Vec<(i64, Errand)> {
    let mut errands = Vec::new();
    for guest in PAYERS..PAYERS + GUESTS {
        let at = moment(chance);
        errands.push((at, for_guest(club.people[guest].member, guest, at)));
    }
    for payer in (0..PAYERS).step_by(9) {
        let at = moment(chance);
        errands.push((at, about_payer(&club.people[payer], payer, at)));
    }
    let two_seats = (0..PAYERS).filter(|at| is_of(*at, SECOND_SEAT));
    for (payer, guest) in two_seats.zip(&club.people[PAYERS..]) {
        let paying = &club.paying[payer];
        let body = json!({"customer": paying.customer, "member": guest.member});
        let sql = "SELECT COUNT(*) FROM coverage WHERE item = $1 AND seat = 2";
        let path = format!("/coverage/{}/2", paying.item);
        let errand = Errand {
            method: Method::PUT,
            ..Errand::post(path, body, (sql, &paying.item))
        };
        errands.push((moment(chance), errand));
    }
    // Cards are redeemed after the renewal, by people who are linked for sure.
    let redeemers = (0..PAYERS).filter(|at| is_of(*at, REDEEMS)).take(GIFTS);
    for (gift, payer) in redeemers.enumerate() {
        let body = json!({"code": club.gifts[gift], "member": club.people[payer].member});
        let sql = "SELECT COUNT(*) FROM gift_cards WHERE note = $1 AND state = 'redeemed'";
        let path = "/gift-cards/redeem".to_owned();
        let errand = Errand {
            at_stripe: true,
            ..Errand::post(path, body, (sql, &format!("gift {gift}")))
        };
        errands.push((renews(payer) + 2 * HOUR, errand));
    }
    errands
}

fn time(seconds: i64) -> String {
    Timestamp::from_seconds(midnight() + seconds).to_string()
}

/// Somebody without a subscription pays cash, is let in for some hours, gets another card, or brings somebody along.
fn for_guest(member: i64, guest: usize, at: i64) -> Errand {
    let note = format!("errand {guest}");
    let (from, until) = (time(at), time(at + 5 * HOUR));
    let (path, body, sql) = match guest % 5 {
        0 | 1 => (
            "/payments".to_owned(),
            json!({"member": member, "source": "cash", "amount": 4000, "currency": "usd", "membership": "5",
                "from": from, "until": time(at + 30 * DAY), "paid_at": from, "note": note}),
            "SELECT COUNT(*) FROM payments WHERE note = $1",
        ),
        2 => (
            format!("/members/{member}/grants"),
            json!({"membership": "7", "from": from, "until": until, "reason": note}),
            "SELECT COUNT(*) FROM grants WHERE reason = $1",
        ),
        3 => (
            "/cards".to_owned(),
            json!({"member": member, "uid": format!("05{guest:06X}"), "label": note}),
            "SELECT COUNT(*) FROM cards WHERE label = $1",
        ),
        _ => (
            "/members".to_owned(),
            json!({"name": note}),
            "SELECT COUNT(*) FROM members WHERE name = $1",
        ),
    };
    Errand::post(path, body, (sql, &note))
}

/// A payer is held for some hours, or a card is lost.
fn about_payer(person: &Person, payer: usize, at: i64) -> Errand {
    let note = format!("errand {payer}");
    if payer.is_multiple_of(2) {
        let body = json!({"from": time(at), "until": time(at + 3 * HOUR), "reason": note});
        let path = format!("/members/{}/holds", person.member);
        let sql = "SELECT COUNT(*) FROM holds WHERE reason = $1";
        Errand::post(path, body, (sql, &note))
    } else {
        let card = person.card.to_string();
        let sql = "SELECT COUNT(*) FROM cards WHERE state = 'lost' AND CAST(id AS TEXT) = $1";
        let body = json!({"mark": "lost"});
        Errand::post(format!("/cards/{card}/mark"), body, (sql, &card))
    }
}

impl Errand {
    fn post(path: String, body: Value, (sql, text): (&'static str, &str)) -> Self {
        Self {
            method: Method::POST,
            path,
            body,
            proof: (sql, text.to_owned()),
            at_stripe: false,
        }
    }
}
