//! The one question: may this card pass now? The same function answers at the door and on the server.

use crate::allow_list::{AllowList, Revision};
use crate::calendar::Calendar;
use crate::card::CardToken;
use crate::door_clock::{Quality, Reading};
use crate::ids::Holder;
use crate::pin::PinVerifier;
use crate::reasons::Reason;
use crate::rights::{CardState, Entry, Flags, Right};
use crate::schedule::Schedule;
use crate::time::{Span, Timestamp};

/// A zone's rules and its lasting states; signed and revisioned like the list.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct Policy {
    /// By index; 0 is always open.
    #[n(0)]
    pub schedules: Vec<Schedule>,
    /// The location's offsets for ten years, and its holidays.
    #[n(1)]
    pub calendar: Calendar,
    /// How long an uncertain end is stretched while the door is out of contact.
    #[n(2)]
    pub offline_grace: Span,
    /// After so long without contact only keyholders pass; none: never.
    #[n(3)]
    pub staleness: Option<Span>,
    /// Whether scheduled rights pass while the clock is untrusted.
    #[n(4)]
    pub schedules_without_clock: bool,
    /// Only keyholders pass.
    #[n(5)]
    pub lockdown: bool,
    /// Any card passes until then.
    #[n(6)]
    pub open_house_until: Option<Timestamp>,
    /// The door stands unlocked until then.
    #[n(7)]
    pub hold_open_until: Option<Timestamp>,
    /// The door stands unlocked while this schedule is open; none: never.
    #[n(8)]
    pub hall_hours: Option<HallHours>,
    /// A PIN must follow the card while this schedule is open, as an index; none: never.
    #[n(9)]
    pub pin_schedule: Option<u16>,
}

/// When a door stands unlocked by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct HallHours {
    /// Index into the policy's schedules.
    #[n(0)]
    pub schedule: u16,
    /// Whether it stays locked until a first card has passed in this opening.
    #[n(1)]
    pub first_in: bool,
}

impl Policy {
    /// Always open schedules only, two weeks of offline grace, no lasting state.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            schedules: vec![Schedule::always()],
            calendar: Calendar::default(),
            offline_grace: Span::days(14),
            staleness: None,
            schedules_without_clock: true,
            lockdown: false,
            open_house_until: None,
            hold_open_until: None,
            hall_hours: None,
            pin_schedule: None,
        }
    }

    /// Whether the schedule of that index is open; none: the clock cannot be trusted with it, or there is no such schedule.
    #[must_use]
    pub fn is_open(&self, schedule: u16, clock: Reading) -> Option<bool> {
        let schedule = self.schedules.get(usize::from(schedule))?;
        if schedule.is_always() {
            return Some(true);
        }
        match clock.quality {
            Quality::Trusted => Some(schedule.is_open(&self.calendar, clock.time)),
            Quality::Untrusted => None,
        }
    }
}

/// What a door knows when a card is read.
#[derive(Debug, Clone, Copy)]
pub struct Knowledge<'a> {
    /// The newest list it accepted.
    pub list: &'a AllowList,
    /// The newest policy it accepted.
    pub policy: &'a Policy,
    /// Which policy that is.
    pub policy_revision: Revision,
    /// Issue time of the newest verified head whose revision it holds.
    pub contact: Timestamp,
}

impl Knowledge<'_> {
    /// Whether the last contact is so long ago that only keyholders pass.
    #[must_use]
    pub fn is_stale(&self, clock: Reading) -> bool {
        let limit = self.policy.staleness;
        limit.is_some_and(|limit| clock.time > self.contact + limit)
    }

    /// Whether the door may open to everybody, where the policy asks for it: the hour is known, there is no lockdown, and
    /// none that could not reach this door.
    #[must_use]
    pub fn may_open_to_all(&self, clock: Reading) -> bool {
        clock.quality == Quality::Trusted && !self.policy.lockdown && !self.is_stale(clock)
    }
}

/// What became of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the lock is released, and why.
    pub reason: Reason,
    /// Whose card it is, if listed.
    pub holder: Option<Holder>,
}

impl Decision {
    /// Whether the lock is released.
    #[must_use]
    pub fn grants(&self) -> bool {
        self.reason.grants()
    }

    /// Whether a card was refused that no list names: it may be somebody's guess.
    #[must_use]
    pub fn may_be_guessed(&self) -> bool {
        !self.grants() && self.holder.is_none() && self.reason != Reason::NoList
    }
}

/// Decides for a card at a door, and for what was typed after it; a door that knows nothing refuses.
#[must_use]
pub fn decide(
    token: CardToken,
    typed: Option<PinVerifier>,
    knowledge: Option<Knowledge<'_>>,
    clock: Reading,
) -> Decision {
    let Some(knowledge) = knowledge else {
        return Decision {
            reason: Reason::NoList,
            holder: None,
        };
    };
    let entry = knowledge.list.find(token);
    Decision {
        reason: reason(entry.as_ref(), typed, knowledge, clock),
        holder: entry.map(|entry| entry.holder),
    }
}

fn reason(
    entry: Option<&Entry>,
    typed: Option<PinVerifier>,
    knowledge: Knowledge<'_>,
    clock: Reading,
) -> Reason {
    let policy = knowledge.policy;
    let keyholder = entry.is_some_and(|entry| entry.flags.has(Flags::KEYHOLDER));
    // Of a card that somebody should not have, staff hear in a lockdown too.
    match entry.map(|entry| entry.state) {
        Some(CardState::Lost) => return Reason::Lost,
        Some(CardState::Held) => return Reason::Held,
        Some(CardState::Lapsed | CardState::Ended | CardState::Ok) | None => {}
    }
    if policy.lockdown && !keyholder {
        return Reason::Lockdown;
    }
    let is_open_house = policy
        .open_house_until
        .is_some_and(|until| clock.time < until);
    let is_readable = !entry.is_some_and(|entry| entry.flags.has_unknown());
    if is_open_house && is_readable && knowledge.may_open_to_all(clock) {
        return Reason::OpenHouse;
    }
    let Some(entry) = entry else {
        return Reason::Unknown;
    };
    match entry.state {
        CardState::Lapsed => return Reason::Lapsed,
        CardState::Ended => return Reason::Expired,
        CardState::Ok | CardState::Lost | CardState::Held => {}
    }
    if entry.flags.has_unknown() {
        return Reason::NewerRules;
    }
    if entry.flags.has(Flags::INDUCTION) {
        return Reason::InductionNeeded;
    }
    if !keyholder && knowledge.is_stale(clock) {
        return Reason::Stale;
    }
    let reason = entry
        .rights
        .iter()
        .map(|right| judge(right, knowledge, clock))
        .min_by_key(|reason| reason.rank())
        .unwrap_or(Reason::Lapsed);
    match missing_pin(entry, typed, policy, clock) {
        Some(missing) if reason.grants() => missing,
        Some(_) | None => reason,
    }
}

/// What is wrong with what was typed, or was not; none where no PIN is asked for or the right one was typed.
fn missing_pin(
    entry: &Entry,
    typed: Option<PinVerifier>,
    policy: &Policy,
    clock: Reading,
) -> Option<Reason> {
    let demanded = if entry.flags.has(Flags::PIN) {
        Some(true)
    } else {
        policy
            .pin_schedule
            .map_or(Some(false), |schedule| policy.is_open(schedule, clock))
    };
    match (demanded, entry.pin, typed) {
        (Some(false), _, _) => None,
        // The hour is not known: whoever has a PIN types it, and nobody is shut out for having none.
        (None, None, _) => None,
        (Some(true), None, _) => Some(Reason::NoPin),
        (_, Some(_), None) => Some(Reason::PinNeeded),
        (_, Some(pin), Some(typed)) => (pin != typed).then_some(Reason::WrongPin),
    }
}

fn judge(right: &Right, knowledge: Knowledge<'_>, clock: Reading) -> Reason {
    if right.not_before.is_some_and(|from| clock.time < from) {
        return Reason::NotYet;
    }
    let in_time = match right.not_after {
        None => Reason::Granted,
        Some(until) if clock.time < until => Reason::Granted,
        // The renewal could not have reached this door.
        Some(until)
            if !right.certain
                && until > knowledge.contact
                && clock.time < until + knowledge.policy.offline_grace =>
        {
            Reason::GrantedOffline
        }
        Some(_) => return Reason::Expired,
    };
    let Some(schedule) = knowledge.policy.schedules.get(usize::from(right.schedule)) else {
        return Reason::NewerRules;
    };
    if schedule.is_always() {
        return in_time;
    }
    match clock.quality {
        Quality::Untrusted if knowledge.policy.schedules_without_clock => {
            Reason::GrantedClockUnsure
        }
        Quality::Untrusted => Reason::ClockUnsure,
        Quality::Trusted if schedule.is_open(&knowledge.policy.calendar, clock.time) => in_time,
        Quality::Trusted => Reason::OutsideHours,
    }
}
