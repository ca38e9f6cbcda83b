//! Doors that a zone's policy holds open: until a moment, or in hall hours.

use super::{Moment, View};
use shared::decide::HallHours;
use shared::time::Span;

/// A door that stands open is told so anew at least every half of this: if nobody tells it, it closes.
const HOLD: Span = Span::minutes(1);
const MINUTE: i64 = 60_000;

/// What the policy makes of the lock.
#[derive(Debug, Default)]
pub struct Held {
    open: Option<Open>,
    /// Hall hours begin and end with a minute; so often is looked whether the door may stand open at all.
    next_minute: Option<Span>,
    /// A card has passed in this opening of the hall hours.
    somebody_is_in: bool,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Span,
    ask_again: Span,
}

impl Held {
    /// A card has passed.
    pub fn passed(&mut self, now: Moment, view: View<'_>) {
        self.somebody_is_in |= hours(now, view).is_some();
    }

    /// Looks at what the policy wants now.
    pub fn look(&mut self, now: Moment, view: View<'_>) {
        let hours = hours(now, view);
        self.somebody_is_in &= hours.is_some();
        let by_hours = hours.filter(|hours| !hours.first_in || self.somebody_is_in);
        let left = by_hours.map(|_| HOLD).or_else(|| until(now, view));
        // The clock may come to be known meanwhile, or the contact be lost.
        self.next_minute = is_asked_for(now, view)
            .then(|| now.uptime + Span(MINUTE - now.reading.time.0.rem_euclid(MINUTE)));
        self.open = match (left, self.open) {
            (None, _) => None,
            (Some(_), Some(open)) if now.uptime < open.ask_again => Some(open),
            (Some(left), _) if left <= HOLD && by_hours.is_none() => Some(Open {
                until: now.uptime + left,
                ask_again: now.uptime + left,
            }),
            (Some(_), _) => Some(Open {
                until: now.uptime + HOLD,
                ask_again: now.uptime + Span(HOLD.0 / 2),
            }),
        };
    }

    /// Until when the lock is released.
    pub fn until(&self) -> Option<Span> {
        Some(self.open?.until)
    }

    /// When to look again.
    pub fn due(&self) -> Option<Span> {
        let again = self.open.map(|open| open.ask_again);
        [again, self.next_minute].into_iter().flatten().min()
    }
}

/// Whether the door is to stand open by itself, some time.
fn is_asked_for(now: Moment, view: View<'_>) -> bool {
    let policy = view.knowledge.map(|known| known.policy);
    let is_held = |until| now.reading.time < until;
    policy.is_some_and(|policy| {
        policy.hall_hours.is_some() || policy.hold_open_until.is_some_and(is_held)
    })
}

/// The hall hours, while they are open.
fn hours(now: Moment, view: View<'_>) -> Option<HallHours> {
    let known = view.knowledge?;
    let hours = known.policy.hall_hours?;
    let is_open = known.policy.is_open(hours.schedule, now.reading) == Some(true);
    (is_open && known.may_open_to_all(now.reading)).then_some(hours)
}

/// How long the door still stands open by itself.
fn until(now: Moment, view: View<'_>) -> Option<Span> {
    let known = view.knowledge?;
    let until = known.policy.hold_open_until?;
    let is_open = now.reading.time < until && known.may_open_to_all(now.reading);
    is_open.then(|| until - now.reading.time)
}
