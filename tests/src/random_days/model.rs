//! The reference: what a member may do, told from Stripe's own state by the written rules alone.

use crate::building::story::{METAL, WOOD};
use crate::stripe_sim::{Status, StripeSim};
use shared::time::{Span, Timestamp};

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

/// What must happen when this person's card is shown at a door.
#[must_use]
pub fn due(truth: &Truth, door: &str, sim: &StripeSim, now: Timestamp) -> Due {
    if truth.barred() {
        return NOTHING;
    }
    let by_hand = truth
        .by_hand
        .iter()
        .filter(|given| opens(given.plan, door))
        .map(|given| hand(given, now));
    let paid = truth
        .subscriptions
        .iter()
        .map(|id| subscription(id, door, sim, now));
    by_hand.chain(paid).max().unwrap_or(NOTHING)
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

fn subscription(id: &str, door: &str, sim: &StripeSim, now: Timestamp) -> Due {
    let shown = sim.subscription(id);
    let plan = shown["items"]["data"][0]["price"]["id"]
        .as_str()
        .unwrap_or_default();
    if !opens(plan, door) {
        // A type that was paid for and changed since keeps nothing.
        return NOTHING;
    }
    let Some(paid) = sim.paid_until(id).map(Timestamp::from_seconds) else {
        return NOTHING;
    };
    let seconds = |key: &str| shown[key].as_i64().map(Timestamp::from_seconds);
    let set_beforehand = seconds("cancel_at");
    let (must, last) = match sim.status(id) {
        Status::Incomplete | Status::IncompleteExpired => return NOTHING,
        // A period that is not paid has begun, or will: grace from its start; the slack is shorter.
        Status::Active | Status::Trialing | Status::PastDue => (paid + GRACE, paid + GRACE + NOON),
        Status::Unpaid | Status::Paused => (paid, paid),
        Status::Canceled => {
            let ended = seconds("ended_at").unwrap_or(paid);
            let failed = shown["cancellation_details"]["reason"] == "payment_failed";
            let end = if failed || set_beforehand.is_some() {
                ended
            } else {
                paid.max(ended)
            };
            (end, end)
        }
    };
    let running = !sim.status(id).is_terminal();
    let set = set_beforehand.filter(|_| running).unwrap_or(Timestamp::MAX);
    Due {
        verdict: within(must.min(set), last.min(set), now),
        until: paid.min(set),
    }
}
