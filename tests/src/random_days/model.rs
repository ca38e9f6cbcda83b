//! The reference: what a member may do, told from Stripe's own state by the written rules alone.

use crate::building::story::{METAL, WOOD};
use crate::stripe_sim::model::{Invoice, InvoiceStatus};
use crate::stripe_sim::{Status, StripeSim};
use serde_json::Value;
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Plans and the doors that they open.
const PLANS: [(&str, &[&str]); 2] = [(WOOD, &["front"]), (METAL, &["front", "back"])];

/// What must happen when a card is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It must not open.
    Not,
    /// Slack, grace and news on their way may decide either way.
    May,
    /// It must open.
    Must,
}

/// What must happen, and until when at least it must if it must and no news comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// What must happen.
    pub verdict: Verdict,
    /// The end of what is paid or granted.
    pub until: Timestamp,
}

/// What gives access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A subscription at Stripe.
    Subscription(String),
    /// What was given by hand, by its place among all that was.
    ByHand(usize),
}

const NOTHING: Due = Due {
    verdict: Verdict::Not,
    until: Timestamp::MIN,
};

/// Access that an admin gave.
#[derive(Debug, Clone)]
pub struct ByHand {
    /// The plan whose type was given.
    pub plan: &'static str,
    /// First moment after it.
    pub until: Timestamp,
    /// Whether the end has slack.
    pub slack: bool,
}

/// What the model knows of a person.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Subscriptions at Stripe.
    pub subscriptions: Vec<String>,
    /// Grants and cash.
    pub by_hand: Vec<ByHand>,
    /// Whether an admin withholds access.
    pub held: bool,
    /// Whether the card was reported lost.
    pub lost: bool,
}

impl Truth {
    /// Whether the card must open nothing, whatever was paid.
    #[must_use]
    pub fn barred(&self) -> bool {
        self.held || self.lost
    }
}

/// Ends that we choose fall at the next working noon: three days and a bit later at most.
const NOON: Span = Span::days(4);
const GRACE: Span = Span::days(14);
/// Around a boundary neither side is tested.
const EDGE: Span = Span::seconds(90);
/// Without a key; with one it is three.
const LONGEST_SLACK: Span = Span::days(10);

/// What each thing that gives this person access makes of their card at a door, as Stripe shows their subscriptions.
#[must_use]
pub fn each_due(
    truth: &Truth,
    shown: &[Shown],
    door: &str,
    now: Timestamp,
) -> BTreeMap<Source, Due> {
    if truth.barred() {
        return BTreeMap::new();
    }
    let by_hand = truth.by_hand.iter().enumerate();
    let by_hand = by_hand
        .filter(|(_, given)| opens(given.plan, door))
        .map(|(number, given)| (Source::ByHand(number), hand(given, now)));
    let paid = shown
        .iter()
        .map(|shown| (Source::Subscription(shown.id.clone()), shown.due(door, now)));
    by_hand.chain(paid).collect()
}

/// What must happen when all of it is taken together.
#[must_use]
pub fn together(each: &BTreeMap<Source, Due>) -> Due {
    each.values().max().copied().unwrap_or(NOTHING)
}

fn opens(plan: &str, door: &str) -> bool {
    PLANS
        .iter()
        .any(|(known, doors)| *known == plan && doors.contains(&door))
}

fn hand(given: &ByHand, now: Timestamp) -> Due {
    let last = if given.slack {
        given.until + LONGEST_SLACK + NOON
    } else {
        given.until
    };
    Due {
        verdict: within(given.until, last, now),
        until: given.until,
    }
}

/// Must until the first end, may until the last, not after it.
fn within(must: Timestamp, last: Timestamp, now: Timestamp) -> Verdict {
    if now + EDGE < must {
        Verdict::Must
    } else if now < last + EDGE {
        Verdict::May
    } else {
        Verdict::Not
    }
}

/// What Stripe shows of a subscription, as far as doors are concerned.
#[derive(Debug)]
pub struct Shown {
    id: String,
    plans: Vec<String>,
    /// A change waits for its payment. Until then the plan before rules, which the subscription shows no more.
    waits: bool,
    /// Until when it must give access, and until when it may.
    must: Timestamp,
    last: Timestamp,
    /// An end that was set beforehand.
    set: Timestamp,
    paid: Option<Timestamp>,
}

impl Shown {
    /// What Stripe shows of these subscriptions.
    pub fn all(truth: &Truth, sim: &StripeSim) -> Vec<Self> {
        let ids = truth.subscriptions.iter();
        ids.map(|id| Self::of(id, sim)).collect()
    }

    fn of(id: &str, sim: &StripeSim) -> Self {
        let shown = sim.subscription_value(id);
        let invoices: Vec<&Invoice> = sim.bills_of(id).collect();
        let items = shown["items"]["data"].as_array().expect("a list");
        let plan = |item: &Value| item["price"]["id"].as_str().unwrap_or_default().to_owned();
        let (must, last) = ends(id, sim, &shown, &invoices);
        let running = !sim.status(id).is_terminal();
        let set = shown["cancel_at"].as_i64().map(Timestamp::from_seconds);
        let with_period = shown["cancel_at_period_end"] == true && running;
        let set = set.filter(|_| running);
        let set = set.or(period_end(&shown).filter(|_| with_period));
        Self {
            id: id.to_owned(),
            plans: items.iter().map(plan).collect(),
            waits: invoices.iter().any(|invoice| {
                invoice.reason == "subscription_update" && invoice.status != InvoiceStatus::Paid
            }),
            must,
            last,
            set: set.unwrap_or(Timestamp::MAX),
            paid: sim.paid_until(id).map(Timestamp::from_seconds),
        }
    }

    fn due(&self, door: &str, now: Timestamp) -> Due {
        let waits = self.waits && door == "back";
        if !self.plans.iter().any(|plan| opens(plan, door)) && !waits {
            // A type that was paid for and changed since keeps nothing.
            return NOTHING;
        }
        let verdict = within(self.must.min(self.set), self.last.min(self.set), now);
        Due {
            verdict: if waits {
                verdict.min(Verdict::May)
            } else {
                verdict
            },
            until: self.paid.unwrap_or(self.must).min(self.set),
        }
    }
}

/// Until when a subscription must give access, and until when it may.
fn ends(id: &str, sim: &StripeSim, shown: &Value, invoices: &[&Invoice]) -> (Timestamp, Timestamp) {
    let never = (Timestamp::MIN, Timestamp::MIN);
    let seconds = |value: &Value| value.as_i64().map(Timestamp::from_seconds);
    let paid = sim.paid_until(id).map(Timestamp::from_seconds);
    let period = period_end(shown).unwrap_or(Timestamp::MIN);
    let pause = shown["pause_collection"]["behavior"].as_str();
    let sent = shown["collection_method"] == "send_invoice";
    let due = invoices.iter().filter_map(|invoice| invoice.due_date);
    let due = due.max().map(Timestamp::from_seconds);
    match (sim.status(id), paid) {
        (Status::Incomplete | Status::IncompleteExpired | Status::Paused, _) => never,
        // Service is given while nothing is collected.
        (Status::Active, _) if matches!(pause, Some("keep_as_draft" | "mark_uncollectible")) => {
            (period, period + GRACE + NOON)
        }
        (Status::Active | Status::Trialing | Status::PastDue, None) if sent => {
            (Timestamp::MIN, due.unwrap_or(period) + EDGE)
        }
        (_, None) => never,
        (Status::Active, Some(paid)) if pause == Some("void") => (paid, paid),
        // Given up, and Stripe goes on all the same: that period is a present, and the next has its grace.
        (Status::Active | Status::PastDue, Some(paid)) if invoices.iter().any(|i| given_up(i)) => {
            let running = seconds(&shown["items"]["data"][0]["current_period_start"]);
            let until = owed_until(invoices, running).unwrap_or(paid).min(period);
            (paid.max(until), paid.max(period) + GRACE + NOON)
        }
        (Status::Active | Status::PastDue, Some(paid)) if sent => {
            let open = invoices.iter().filter(|i| i.status == InvoiceStatus::Open);
            let first = open
                .filter_map(|i| i.due_date)
                .min()
                .map(Timestamp::from_seconds);
            let must = paid.max(first.unwrap_or(paid).min(period));
            (must, due.unwrap_or(paid).max(paid) + GRACE + NOON)
        }
        // A period that is not paid has begun, or will: grace from its start; the slack is shorter.
        (Status::Active | Status::Trialing | Status::PastDue, Some(paid)) => {
            (paid + GRACE, paid + GRACE + NOON)
        }
        (Status::Unpaid, Some(paid)) => (paid, paid),
        (Status::Canceled, Some(paid)) => {
            let ended = seconds(&shown["ended_at"]).unwrap_or(paid);
            let failed = shown["cancellation_details"]["reason"] == "payment_failed";
            let at_end = period_end(shown).filter(|_| shown["cancel_at_period_end"] == true);
            let set = seconds(&shown["cancel_at"]).into_iter().chain(at_end).min();
            let went_back = invoices.iter().any(|invoice| {
                let charged = invoice.status == InvoiceStatus::Paid && invoice.amount_paid > 0;
                charged && sim.whole_charge(&invoice.id).is_none()
            });
            // Who set an end has no more than that, and no less if somebody was quicker.
            let kept = paid
                .max(ended)
                .min(set.unwrap_or(Timestamp::MAX).max(ended));
            if failed {
                (ended, ended)
            } else if went_back {
                (ended, kept)
            } else {
                (kept, kept)
            }
        }
    }
}

/// Whether nobody collects an invoice any more.
fn given_up(invoice: &Invoice) -> bool {
    match invoice.status {
        InvoiceStatus::Void | InvoiceStatus::Uncollectible => true,
        InvoiceStatus::Draft => !invoice.auto_advance,
        InvoiceStatus::Open | InvoiceStatus::Paid => false,
    }
}

/// Until when what was given up and what is owed beside it give access: the grace of the first renewal that is owed; or
/// without end if the running period's own was given up.
fn owed_until(invoices: &[&Invoice], running: Option<Timestamp>) -> Option<Timestamp> {
    let renewals = || invoices.iter().filter(|i| i.reason == "subscription_cycle");
    let begun = |invoice: &&Invoice| Timestamp::from_seconds(invoice.created);
    let owed = renewals().filter(|i| !given_up(i) && i.status != InvoiceStatus::Paid);
    if let Some(owed) = owed.map(begun).min() {
        return Some(owed + GRACE);
    }
    let given = renewals().filter(|i| given_up(i)).map(begun).max()?;
    (given >= running?).then_some(Timestamp::MAX)
}

fn period_end(shown: &Value) -> Option<Timestamp> {
    let end = shown["items"]["data"][0]["current_period_end"].as_i64();
    end.map(Timestamp::from_seconds)
}
