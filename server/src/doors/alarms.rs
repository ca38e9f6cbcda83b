//! Alarms: what staff are told at once of the events of doors.

use crate::attention::Kind;
use crate::said::{Part, Said};
use crate::store::attention::{Item, raise, raise_newest, raise_seldom, settle};
use crate::store::passages::{self, Passage};
use crate::store::{Result, Tx, lists};
use shared::badge::{Alarm, BadgeEvent, What};
use shared::card::CardToken;
use shared::door_clock::Quality;
use shared::ids::{AgentId, DoorId, Holder, MemberId, OrganisationId};
use shared::reasons::Reason;
use shared::rights::CardState;
use shared::time::{Span, Timestamp};
use shared::wire::DoorConfig;
use std::collections::{BTreeMap, BTreeSet};

/// What is older, by a clock that could be relied on, is history: the badge log has it, and nobody is called for it.
const HISTORY: Span = Span::days(1);
/// Nobody walks from one door of a location to another within so little time.
const LEGS: Span = Span::seconds(2);
/// Nobody travels from one location to another within so little time.
const WHEELS: Span = Span::minutes(5);
/// Staff are told of the same card, or of the same two doors, so often at most.
const TELL_EVERY: Span = Span::hours(1);

/// An agent whose events came.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Whose.
    pub organisation: &'a OrganisationId,
    /// Which.
    pub agent: &'a AgentId,
    /// The doors that it serves: of others it has no say.
    pub doors: &'a [DoorConfig],
    /// The moment.
    pub now: Timestamp,
}

/// Tells staff what new events of an agent, in their order, want a human for, and what no longer does.
pub async fn tell(tx: &mut Tx, source: Source<'_>, events: &[BadgeEvent]) -> Result<()> {
    let mut cards = BTreeSet::new();
    let (mut passed, mut gaps) = (Vec::new(), (0_u64, 0_u64));
    for event in events {
        match &event.what {
            What::Alarm { alarm, on } => source.alarm(tx, event, *alarm, *on).await?,
            What::Started => source.started(tx).await?,
            What::Gap { lost, grants } => {
                gaps.0 = gaps.0.saturating_add(*lost);
                gaps.1 = gaps.1.saturating_add(*grants);
            }
            What::Card { token, reason, .. } if is_alarming(*reason) => {
                // Of a card that is shown again and again the first time will do.
                if !source.is_history(event) && cards.insert((&event.door, *token, *reason)) {
                    source.card(tx, event, *token, *reason).await?;
                }
            }
            What::Card {
                holder: Some(holder),
                reason,
                ..
            } if reason.grants() && event.quality == Quality::Trusted => {
                if !source.is_history(event) {
                    passed.push((*holder, event.at));
                }
            }
            What::Card { .. }
            | What::Exit
            | What::Command { .. }
            | What::Local { .. }
            | What::Rejected { .. }
            | What::Contact { .. }
            | What::Refusals { .. } => {}
        }
    }
    source.gaps(tx, gaps).await?;
    source.passages(tx, &passed).await
}

/// Whether staff want to know that a card was refused for this.
fn is_alarming(reason: Reason) -> bool {
    matches!(reason, Reason::Held | Reason::Lost | Reason::PinLocked)
}

impl Source<'_> {
    fn is_history(&self, event: &BadgeEvent) -> bool {
        event.quality == Quality::Trusted && event.at + HISTORY < self.now
    }

    fn door(&self, event: &BadgeEvent) -> Option<&DoorConfig> {
        let mut doors = self.doors.iter();
        doors.find(|door| Some(&door.door) == event.door.as_ref())
    }

    /// One open item for each door and alarm.
    async fn alarm(&self, tx: &mut Tx, event: &BadgeEvent, alarm: Alarm, on: bool) -> Result<()> {
        let (subject, place) = match (&event.door, self.door(event)) {
            (None, _) => (
                format!("agent {}", self.agent),
                Said::of("place-agent").put("name", Part::word(self.agent)),
            ),
            (Some(_), Some(door)) => (
                door.door.to_string(),
                Said::of("place-door").put("name", Part::word(&door.door)),
            ),
            (Some(_), None) => return Ok(()),
        };
        let kind = Kind::Alarm(alarm);
        if !on {
            // Whoever broke in shuts the door behind them.
            return if lasts(alarm) {
                settle(tx, self.organisation, kind, &subject, self.now).await
            } else {
                Ok(())
            };
        }
        if self.is_history(event) {
            return Ok(());
        }
        let item = Item {
            kind,
            subject: &subject,
            sentence: happened(place, event.at, sentence(alarm)),
            remedy: remedy(alarm),
            member: None,
        };
        if lasts(alarm) {
            raise(tx, self.organisation, item, self.now).await?;
            return Ok(());
        }
        // Whoever looks at an old item must see that it was done again.
        raise_newest(tx, self.organisation, item, self.now).await
    }

    /// A new run finds anew what lasts, and does not know how to end what an earlier one told. What somebody did to a
    /// door stays told.
    async fn started(&self, tx: &mut Tx) -> Result<()> {
        for door in self.doors {
            for alarm in Alarm::ALL.into_iter().filter(|alarm| lasts(*alarm)) {
                let kind = Kind::Alarm(alarm);
                settle(tx, self.organisation, kind, door.door.as_str(), self.now).await?;
            }
        }
        Ok(())
    }

    /// So many events could not be kept, so many of them grants: the badge log will never have them.
    async fn gaps(&self, tx: &mut Tx, (lost, grants): (u64, u64)) -> Result<()> {
        if lost == 0 {
            return Ok(());
        }
        let agent = self.agent;
        let item = Item {
            kind: Kind::EventsLost,
            subject: &format!("agent {agent}"),
            sentence: Said::of("attention-events-lost")
                .put("agent", Part::word(agent))
                .put("lost", Part::count(lost))
                .put("grants", Part::count(grants)),
            remedy: Said::of("remedy-events-lost"),
            member: None,
        };
        raise_seldom(tx, self.organisation, item, TELL_EVERY, self.now).await?;
        Ok(())
    }

    /// A card that is revoked now was presented, or one for which wrong PINs were typed.
    async fn card(
        &self,
        tx: &mut Tx,
        event: &BadgeEvent,
        token: CardToken,
        reason: Reason,
    ) -> Result<()> {
        let Some(DoorConfig { door, zone, .. }) = self.door(event) else {
            return Ok(());
        };
        let listed = lists::listed(tx, self.organisation, zone, token).await?;
        let Some((member, card, entry)) = listed else {
            return Ok(());
        };
        let (kind, sentence, remedy) = if reason == Reason::PinLocked {
            let sentence = Said::of("attention-pin-locked").put("what", Said::Reason(reason));
            (Kind::PinLocked, sentence, Said::of("remedy-pin-locked"))
        } else {
            let sentence = match entry.state {
                CardState::Lost => Said::of("attention-revoked-card-lost"),
                CardState::Held => Said::of("attention-revoked-card-held"),
                CardState::Ok | CardState::Lapsed | CardState::Ended => return Ok(()),
            };
            (Kind::RevokedCard, sentence, Said::Remedy(reason))
        };
        let place = Said::of("place-door").put("name", Part::word(door));
        let item = Item {
            kind,
            subject: &format!("card {card}"),
            sentence: happened(place, event.at, sentence),
            remedy,
            member: Some(member),
        };
        raise_seldom(tx, self.organisation, item, TELL_EVERY, self.now).await?;
        Ok(())
    }

    /// A member's cards passed two doors faster than anybody gets there.
    async fn passages(&self, tx: &mut Tx, passed: &[(Holder, Timestamp)]) -> Result<()> {
        let times = || passed.iter().map(|(_, at)| *at);
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            return Ok(());
        };
        let holders: BTreeSet<Holder> = passed.iter().map(|(holder, _)| *holder).collect();
        let holders: Vec<Holder> = holders.into_iter().collect();
        let span = (first - WHEELS, last + WHEELS);
        let passages = passages::of(tx, self.organisation, &holders, span).await?;
        for ((member, [one, other]), [earlier, later]) in too_fast(&passages, self.now) {
            let sentence = Said::of("attention-two-doors")
                .put("one", Part::word(&earlier.door))
                .put("then", earlier.at)
                .put("other", Part::word(&later.door))
                .put("later", later.at);
            let item = Item {
                kind: Kind::TwoDoors,
                subject: &format!("member {member} {one} {other}"),
                sentence,
                remedy: Said::of("remedy-two-doors"),
                member: Some(member),
            };
            raise_seldom(tx, self.organisation, item, TELL_EVERY, self.now).await?;
        }
        Ok(())
    }
}

/// The first pair of passages at each two doors that one person cannot have made, if one of them came just now; the
/// passages in the order of their times.
fn too_fast(
    passages: &[Passage],
    now: Timestamp,
) -> BTreeMap<(MemberId, [&DoorId; 2]), [&Passage; 2]> {
    let mut found = BTreeMap::new();
    for (at, earlier) in passages.iter().enumerate() {
        let soon = passages.iter().skip(at + 1);
        let soon = soon.take_while(|later| later.at - earlier.at <= WHEELS);
        for later in soon.filter(|later| later.member == earlier.member) {
            let limit = if earlier.location == later.location {
                LEGS
            } else {
                WHEELS
            };
            let news = earlier.received_at == now || later.received_at == now;
            if earlier.door != later.door && later.at - earlier.at <= limit && news {
                let mut doors = [&earlier.door, &later.door];
                doors.sort();
                found
                    .entry((earlier.member, doors))
                    .or_insert([earlier, later]);
            }
        }
    }
    found
}

/// Whether it is a state of the door, not something that was done to it.
fn lasts(alarm: Alarm) -> bool {
    match alarm {
        Alarm::HeldOpen | Alarm::LockFault | Alarm::Fire | Alarm::ExitStuck | Alarm::ReaderGone => {
            true
        }
        Alarm::Forced | Alarm::Tamper | Alarm::Guessing => false,
    }
}

/// The one thing to do.
/// What happened at a place, and when.
fn happened(place: Said, at: Timestamp, what: Said) -> Said {
    Said::of("happened")
        .put("place", place)
        .put("at", at)
        .put("what", what)
}

/// What an alarm says to staff.
#[must_use]
pub fn sentence(alarm: Alarm) -> Said {
    match alarm {
        Alarm::Forced => Said::of("attention-forced"),
        Alarm::HeldOpen => Said::of("attention-held-open"),
        Alarm::LockFault => Said::of("attention-lock-fault"),
        Alarm::Tamper => Said::of("attention-tamper"),
        Alarm::Fire => Said::of("attention-fire"),
        Alarm::Guessing => Said::of("attention-guessing"),
        Alarm::ExitStuck => Said::of("attention-exit-stuck"),
        Alarm::ReaderGone => Said::of("attention-reader-gone"),
    }
}

fn remedy(alarm: Alarm) -> Said {
    match alarm {
        Alarm::Forced => Said::of("remedy-forced"),
        Alarm::HeldOpen => Said::of("remedy-held-open"),
        Alarm::LockFault => Said::of("remedy-lock-fault"),
        Alarm::Tamper => Said::of("remedy-tamper"),
        Alarm::Fire => Said::of("remedy-fire"),
        Alarm::Guessing => Said::of("remedy-guessing"),
        Alarm::ExitStuck => Said::of("remedy-exit-stuck"),
        Alarm::ReaderGone => Said::of("remedy-reader-gone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::LocationId;

    const NOW: Timestamp = Timestamp(10_000_000);

    /// A member at a door of a location, so many milliseconds after the beginning, told of before or just now.
    fn passage(member: i64, place: &str, at: i64, news: bool) -> Passage {
        let (location, door) = place.split_once('/').expect("location and door");
        Passage {
            member: MemberId(member),
            door: DoorId::new(door).expect("a name"),
            location: LocationId::new(location).expect("a name"),
            at: Timestamp(at),
            received_at: if news { NOW } else { Timestamp(1) },
        }
    }

    fn found(passages: &[Passage]) -> usize {
        too_fast(passages, NOW).len()
    }

    #[test]
    fn two_doors_are_too_far_apart_for_the_time_between() {
        let pair = |place: &str, after: i64| {
            found(&[
                passage(1, "mill/front", 0, false),
                passage(1, place, after, true),
            ])
        };
        for (place, after, told) in [
            ("mill/back", 0, 1),
            ("mill/back", 2_000, 1),
            ("mill/back", 2_001, 0),
            ("mill/front", 100, 0),
            ("barn/shed", 2_001, 1),
            ("barn/shed", 300_000, 1),
            ("barn/shed", 300_001, 0),
        ] {
            assert_eq!(pair(place, after), told, "{place} after {after} ms");
        }
    }

    #[test]
    fn another_member_old_news_and_the_same_pair_again_are_no_news() {
        let (front, back) = ("mill/front", "mill/back");
        assert_eq!(
            found(&[passage(1, front, 0, true), passage(2, back, 1, true)]),
            0
        );
        assert_eq!(
            found(&[passage(1, front, 0, false), passage(1, back, 1, false)]),
            0
        );
        let often: Vec<Passage> = (0..6)
            .map(|at| passage(1, if at % 2 == 0 { front } else { back }, at, true))
            .collect();
        assert_eq!(found(&often), 1);
    }
}
