//! Paid but refused: a door turned a card away that, by what the server knew for a minute, may enter.

use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::membership::build::{Holding, entries};
use crate::said::{Part, Said};
use crate::store::attention::{Item, raise};
use crate::store::letters::{self, Content, Letter, Reader};
use crate::store::records::records;
use crate::store::{lists, members, people, rulebook};
use shared::allow_list::{AllowList, Epoch, Revision};
use shared::card::CardToken;
use shared::decide::{Knowledge, Policy, decide};
use shared::door_clock::{Quality, Reading};
use shared::ids::{DoorId, MemberId, ZoneId};
use shared::reasons::Reason;
use shared::rights::Entry;
use shared::standing::State;
use shared::time::{Span, Timestamp};

/// So long news may take to a door before a refusal is the door's fault.
const NEWS_TIME: Span = Span::minutes(1);

/// Nobody is written to of what a door tells later than this.
const STILL_NEWS: Span = Span::days(1);

/// A door turned a card away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where.
    pub door: DoorId,
    /// Of which zone.
    pub zone: ZoneId,
    /// When, by the door's clock.
    pub at: Timestamp,
    /// The card as the zone knows it.
    pub token: CardToken,
    /// Why, as the door saw it.
    pub reason: Reason,
}

impl App {
    /// Tells staff if a card was turned away that may enter: once per member and reason.
    pub(crate) async fn check_refusal(&self, work: &mut Work, refusal: &Refusal) -> Step<()> {
        // What was typed, or was not, is no door's fault.
        if refusal.reason.by_list() == Reason::PinNeeded {
            return Ok(());
        }
        let (organisation, zone) = (&self.organisation, &refusal.zone);
        let listed = lists::listed(&mut work.tx, organisation, zone, refusal.token).await?;
        let Some((member, ..)) = listed else {
            return Ok(());
        };
        self.write_of_lapse(work, member, refusal).await?;
        // A door's clock may run ahead, but what it tells of has happened.
        let at = refusal.at.min(work.now);
        let policy = rulebook::policy(&mut work.tx, organisation, zone, work.now).await?;
        for moment in [at, at - NEWS_TIME] {
            let entry = self.entry_then(work, member, refusal, moment).await?;
            if !entry.is_some_and(|entry| lets_in(entry, &policy, moment)) {
                return Ok(());
            }
        }
        let (door, reason) = (&refusal.door, refusal.reason.name());
        let item = Item {
            kind: Kind::PaidButRefused,
            subject: &format!("member {member} {reason}"),
            sentence: Said::of("attention-paid-but-refused")
                .put("door", Part::word(door))
                .put("why", Said::Reason(refusal.reason)),
            remedy: remedy(refusal.reason),
            member: Some(member),
        };
        raise(&mut work.tx, organisation, item, work.now).await?;
        Ok(())
    }

    /// Writes to a member whose membership is over and who stood at a door: once, with the way back in.
    async fn write_of_lapse(
        &self,
        work: &mut Work,
        member: MemberId,
        refusal: &Refusal,
    ) -> Step<()> {
        let over = matches!(refusal.reason, Reason::Lapsed | Reason::Expired);
        if !over || refusal.at + STILL_NEWS < work.now {
            return Ok(());
        }
        let standing = members::standing(&mut work.tx, member).await?;
        let Some(State::Lapsed { since }) = standing.map(|standing| standing.state) else {
            return Ok(());
        };
        let letter = Letter {
            reader: Reader::Member(member),
            content: Content::Lapsed {
                since,
                door: refusal.door.clone(),
            },
            cause: &since.to_string(),
            secret: None,
        };
        letters::put(&mut work.tx, &self.organisation, letter, work.now);
        Ok(())
    }

    /// What the zone's list had to say of the card at a moment, by the standing that was known then.
    async fn entry_then(
        &self,
        work: &mut Work,
        member: MemberId,
        refusal: &Refusal,
        moment: Timestamp,
    ) -> Step<Option<Entry>> {
        let Some((_, _, standing)) = people::standing_at(&mut work.tx, member, moment).await?
        else {
            return Ok(None);
        };
        let rulebook = work.rulebook.clone();
        let mut found = records(&mut work.tx, &[member], &rulebook).await?;
        let record = found.remove(&member).unwrap_or_default();
        let Some(row) = record.member else {
            return Ok(None);
        };
        let cards: Vec<_> = record
            .cards
            .into_iter()
            .filter(|card| card.since <= moment)
            .collect();
        let whose = Holding {
            member: &row,
            cards: &cards,
            inducted: &record.inducted,
        };
        let wanted = entries(whose, &standing, &rulebook, &self.keys, moment);
        let mut of_card = wanted
            .into_iter()
            .filter(|(zone, _, entry)| *zone == refusal.zone && entry.token == refusal.token);
        Ok(of_card.next().map(|(_, _, entry)| entry))
    }
}

/// Whether a door in contact that knows this entry lets the card in, by the rule that doors go by.
fn lets_in(entry: Entry, policy: &Policy, moment: Timestamp) -> bool {
    let (token, pin) = (entry.token, entry.pin);
    let nowhere = Revision {
        epoch: Epoch {
            number: 0,
            id: [0; 8],
        },
        number: 0,
    };
    let list = AllowList::build(nowhere, [entry]);
    let knowledge = Knowledge {
        list: &list,
        policy,
        policy_revision: nowhere,
        contact: moment,
    };
    let clock = Reading {
        time: moment,
        quality: Quality::Trusted,
    };
    decide(token, pin, Some(knowledge), clock).reason == Reason::Granted
}

/// The one thing to do.
fn remedy(reason: Reason) -> Said {
    match reason {
        Reason::Stale | Reason::NoList | Reason::NewerRules | Reason::ClockUnsure => {
            Said::Remedy(reason)
        }
        Reason::Granted
        | Reason::GrantedOffline
        | Reason::GrantedClockUnsure
        | Reason::OpenHouse
        | Reason::Unknown
        | Reason::Expired
        | Reason::Lapsed
        | Reason::Held
        | Reason::Lost
        | Reason::NotYet
        | Reason::OutsideHours
        | Reason::Lockdown
        | Reason::PinNeeded
        | Reason::GrantedAgain
        | Reason::WrongPin
        | Reason::NoPin
        | Reason::PinLocked
        | Reason::InductionNeeded => Said::of("remedy-paid-but-refused"),
    }
}
