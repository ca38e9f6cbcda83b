//! Which of several events of one object shows its latest state.
//!
//! Deliveries come late, doubled and in any order, and Stripe's clock counts whole seconds. Events of one object are
//! ordered by: states that are never left; then the moment; then, within the second, the chain in which each event
//! says how things were before; then the kind of event; then its id.
//!
//! Two stamps decide alone if they differ in finality or in the moment. Within one second a chain can only be followed
//! with all its links, so a [`Stamp`] keeps a small record of every event of its second and the choice is made over
//! that set. Merging stamps is associative, commutative and idempotent, so every order of arrival ends alike.

use super::read::{Event, invoice, subscription};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shared::facts::{Invoice, InvoiceStatus, Subscription, SubscriptionStatus};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// How many events of one second a stamp remembers; beyond that those of least rank are forgotten.
const REMEMBERED: usize = 32;

/// The events from which an object's state was taken, as far as they matter for what comes later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The object is in a state that it never leaves.
    last: bool,
    /// When Stripe made the events.
    at: Timestamp,
    /// All events of that second, by id.
    events: BTreeMap<String, Link>,
}

/// What one event says about its place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Link {
    /// Orders what no chain orders.
    #[serde(rename = "r")]
    rank: u16,
    /// The object came to be with it.
    #[serde(rename = "n")]
    first: bool,
    /// Digest of the state before, if it changed something.
    #[serde(rename = "b")]
    before: Option<u64>,
    /// Digest of the state it shows.
    #[serde(rename = "a")]
    after: u64,
}

/// What an offered event means for what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The stored state stays.
    Stored,
    /// The offered payload is the state now.
    Offered,
    /// The payload of this earlier event turns out to be the state: read it from the inbox.
    Earlier(String),
}

impl Stamp {
    /// The stamp of a single event, whose payload may be used up by it.
    #[must_use]
    pub fn of(event: &mut Event) -> Self {
        let now = Shown::of(event.object_kind.as_deref(), &event.object);
        let (after, progress) = (now.digest(), now.progress());
        let last = now.is_final() || FINAL_KINDS.contains(&event.kind.as_str());
        let before = event
            .take_before()
            .map(|before| Shown::of(event.object_kind.as_deref(), &before).digest());
        let step = step(&event.kind);
        let link = Link {
            rank: step * 16 + progress,
            first: step == 0,
            before: before.filter(|before| *before != after),
            after,
        };
        Self {
            last,
            at: event.created,
            events: BTreeMap::from([(event.id.clone(), link)]),
        }
    }

    /// Both together: the later one, or all events of their common second.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let (mine, theirs) = ((self.last, self.at), (other.last, other.at));
        if mine != theirs {
            return if mine > theirs {
                self.clone()
            } else {
                other.clone()
            };
        }
        let mut both = self.clone();
        for (id, link) in &other.events {
            let kept = both.events.entry(id.clone()).or_insert(*link);
            *kept = (*kept).max(*link);
        }
        while both.events.len() > REMEMBERED {
            let least = both
                .events
                .iter()
                .min_by_key(|(id, link)| (link.rank, *id))
                .map(|(id, _)| id.clone());
            least.and_then(|id| both.events.remove(&id));
        }
        both
    }

    /// Whether another stamp says nothing that this one does not: taking it in would change nothing.
    #[must_use]
    pub fn knows(&self, other: &Self) -> bool {
        let (mine, theirs) = ((self.last, self.at), (other.last, other.at));
        let known =
            |(id, link): (&String, &Link)| self.events.get(id).is_some_and(|own| own >= link);
        mine > theirs || mine == theirs && other.events.iter().all(known)
    }

    /// Takes in another stamp and says whose payload shows the latest state.
    pub fn take_in(&mut self, offered: &Self) -> Choice {
        let merged = self.merged(offered);
        let winner = merged.event();
        let choice = if winner == self.event() {
            Choice::Stored
        } else if winner == offered.event() {
            Choice::Offered
        } else {
            Choice::Earlier(winner.to_owned())
        };
        *self = merged;
        choice
    }

    /// When Stripe made the events.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The id of the event that shows the latest state; a stamp always has one.
    #[must_use]
    pub fn event(&self) -> &str {
        let (ends, _) = self.ends();
        let open_ended = |link: &Link| {
            !self
                .events
                .values()
                .any(|other| other.before == Some(link.after))
        };
        let candidates = self
            .events
            .iter()
            .filter(|(_, link)| ends.contains(&link.after));
        let winner = candidates.max_by_key(|(id, link)| (open_ended(link), link.rank, *id));
        winner.map_or("", |(id, _)| id.as_str())
    }

    /// States in which the second may have ended, and whether the chain says so.
    ///
    /// Events are steps between states: a walk ends where it arrives once more than it leaves. A state that no step
    /// touches was merely seen, at a time unknown. A walk in circles leaves all states possible.
    fn ends(&self) -> (BTreeSet<u64>, bool) {
        let mut balance: BTreeMap<u64, i32> = BTreeMap::new();
        let mut touched = BTreeSet::new();
        for link in self.events.values() {
            let count = balance.entry(link.after).or_default();
            if link.before.is_some() || link.first {
                *count += 1;
                touched.insert(link.after);
            }
            if let Some(before) = link.before {
                *balance.entry(before).or_default() -= 1;
                touched.insert(before);
            }
        }
        let ends: BTreeSet<u64> = self
            .events
            .values()
            .map(|link| link.after)
            .filter(|state| {
                balance.get(state).is_some_and(|count| *count > 0) || !touched.contains(state)
            })
            .collect();
        if ends.is_empty() {
            let all: BTreeSet<u64> = self.events.values().map(|link| link.after).collect();
            return (all, false);
        }
        (ends, true)
    }
}

/// Kinds after which nothing comes. A plan or product may be made again under its old id, so theirs is none.
const FINAL_KINDS: [&str; 3] = [
    "customer.subscription.deleted",
    "customer.deleted",
    "invoice.deleted",
];

/// Where a kind of event stands among those of its second.
pub(super) fn step(kind: &str) -> u16 {
    match kind.rsplit_once('.').map_or(kind, |(_, last)| last) {
        "created" => 0,
        "trial_will_end" | "finalized" => 1,
        "paused" | "resumed" | "paid" | "payment_succeeded" | "voided" | "marked_uncollectible" => {
            3
        }
        "deleted" => 4,
        _ => 2,
    }
}

/// A payload as far as we understand it, so that the same state has the same digest in every API version.
enum Shown<'a> {
    /// With its latest invoice: a plan changed back in the same second is another state if it was invoiced.
    Subscription(Box<Subscription>, &'a Value),
    Invoice(Box<Invoice>),
    Other(&'a Value),
}

impl<'a> Shown<'a> {
    fn of(kind: Option<&str>, value: &'a Value) -> Self {
        let subscription = || {
            subscription(value)
                .ok()
                .map(|read| Self::Subscription(Box::new(read), &value["latest_invoice"]))
        };
        let invoice = || {
            invoice(value)
                .ok()
                .map(|read| Self::Invoice(Box::new(read)))
        };
        let shown = match kind {
            Some("subscription") => subscription(),
            Some("invoice") => invoice(),
            Some(_) | None => None,
        };
        shown.unwrap_or(Self::Other(value))
    }

    fn digest(&self) -> u64 {
        let mut hash = Sha256::new();
        let whole = |facts: serde_json::Result<Vec<u8>>| facts.expect("facts have text keys only");
        match self {
            Self::Subscription(read, latest) => {
                hash.update(whole(serde_json::to_vec(read)));
                absorb(&mut hash, latest);
            }
            Self::Invoice(read) => hash.update(whole(serde_json::to_vec(read))),
            Self::Other(value) => absorb(&mut hash, value),
        }
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    fn is_final(&self) -> bool {
        match self {
            Self::Subscription(read, _) => read.status.is_terminal(),
            Self::Invoice(read) => read.status == InvoiceStatus::Void,
            Self::Other(_) => false,
        }
    }

    /// Breaks ties that nothing else breaks: towards where things usually go, and not against the member.
    fn progress(&self) -> u16 {
        match self {
            Self::Subscription(read, _) => match read.status {
                SubscriptionStatus::Incomplete => 0,
                SubscriptionStatus::Paused => 1,
                SubscriptionStatus::Unpaid => 2,
                SubscriptionStatus::PastDue => 3,
                SubscriptionStatus::Other(_) => 4,
                SubscriptionStatus::Trialing => 5,
                SubscriptionStatus::Active => 6,
                SubscriptionStatus::IncompleteExpired => 7,
                SubscriptionStatus::Canceled => 8,
            },
            Self::Invoice(read) => match read.status {
                InvoiceStatus::Draft => 0,
                InvoiceStatus::Open => 1,
                InvoiceStatus::Uncollectible => 2,
                InvoiceStatus::Paid => 3,
                InvoiceStatus::Void => 4,
            },
            Self::Other(_) => 0,
        }
    }
}

/// Feeds a value in one spelling: members sorted, null as good as absent, every part with its length.
fn absorb(hash: &mut Sha256, value: &Value) {
    let mut part = |mark: u8, bytes: &[u8]| {
        hash.update([mark]);
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    match value {
        Value::Null => part(b'n', b""),
        Value::Bool(flag) => part(b'b', &[u8::from(*flag)]),
        Value::Number(number) => part(b'd', number.to_string().as_bytes()),
        Value::String(text) => part(b's', text.as_bytes()),
        Value::Array(items) => {
            part(b'[', b"");
            items.iter().for_each(|item| absorb(hash, item));
            hash.update(b"]");
        }
        Value::Object(map) => {
            part(b'{', b"");
            let sorted: BTreeMap<&String, &Value> =
                map.iter().filter(|(_, inner)| !inner.is_null()).collect();
            for (key, inner) in sorted {
                absorb(hash, &Value::String(key.clone()));
                absorb(hash, inner);
            }
            hash.update(b"}");
        }
    }
}

#[cfg(test)]
mod tests;
