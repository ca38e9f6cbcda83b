//! History: what doors and facts said at a past moment, judged by the same functions as the present.

use crate::store::places::Door;
use crate::store::{Result, Tx, journal, places};
use shared::allow_list::{AllowList, Epoch, Revision};
use shared::badge::{BadgeEvent, What};
use shared::card::CardToken;
use shared::decide::{Knowledge, Policy, decide};
use shared::door_clock::{Quality, Reading};
use shared::ids::{DoorId, MemberId, OrganisationId};
use shared::pin::PinVerifier;
use shared::reasons::Reason;
use shared::rights::Entry;
use shared::time::Timestamp;

/// What a door would have done with a member's cards at a moment, had it heard everything by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorSays {
    /// Which.
    pub door: Door,
    /// The best that any card got; none: no card of the member was listed.
    pub reason: Option<Reason>,
}

/// What every door, as doors are placed today, would have done with a member's cards at a moment.
pub async fn doors_at(
    tx: &mut Tx,
    organisation: &OrganisationId,
    member: MemberId,
    at: Timestamp,
) -> Result<Vec<DoorSays>> {
    let entries = journal::entries_at(tx, organisation, member, at).await?;
    let mut said = Vec::new();
    for door in places::doors(tx, organisation).await? {
        let policy = journal::policy_at(tx, organisation, &door.zone, at).await?;
        let policy = policy.unwrap_or_else(Policy::standard);
        let of_zone = entries.iter().filter(|(zone, ..)| *zone == door.zone);
        let reasons = of_zone.map(|(_, _, entry)| {
            let reading = Reading {
                time: at,
                quality: Quality::Trusted,
            };
            let no_revision = Revision {
                epoch: Epoch {
                    number: 0,
                    id: [0; 8],
                },
                number: 0,
            };
            judge(
                entry.token,
                Some(entry),
                None,
                (&policy, no_revision, at),
                reading,
            )
        });
        let reason = reasons.min_by_key(|reason| reason.rank());
        said.push(DoorSays { door, reason });
    }
    Ok(said)
}

fn judge(
    token: CardToken,
    entry: Option<&Entry>,
    typed: Option<PinVerifier>,
    (policy, revision, contact): (&Policy, Revision, Timestamp),
    reading: Reading,
) -> Reason {
    let list = AllowList::build(revision, entry.cloned());
    let knowledge = Knowledge {
        list: &list,
        policy,
        policy_revision: revision,
        contact,
    };
    decide(token, typed, Some(knowledge), reading).reason
}

/// A card shown at a door, judged again by what the door went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejudged {
    /// Where.
    pub door: DoorId,
    /// When, by the door's time.
    pub at: Timestamp,
    /// What the door recorded.
    pub recorded: Reason,
    /// What the same list, policy, contact and clock say here; none where the door had none, or is too old to say.
    pub judged: Option<Reason>,
    /// The list that the door went by.
    pub list: Option<Revision>,
    /// What that list said of the card.
    pub entry: Option<Entry>,
}

/// Judges a badge event again; none if it is about no card, or its door is gone.
pub async fn rejudge(
    tx: &mut Tx,
    organisation: &OrganisationId,
    event: &BadgeEvent,
) -> Result<Option<Rejudged>> {
    let What::Card {
        token,
        holder: _,
        reason,
        list,
        policy,
        contact,
    } = &event.what
    else {
        return Ok(None);
    };
    let doors = places::doors(tx, organisation).await?;
    let placed = doors
        .iter()
        .find(|door| Some(&door.id) == event.door.as_ref());
    let Some(Door { id, zone, .. }) = placed else {
        return Ok(None);
    };
    let mut rejudged = Rejudged {
        door: id.clone(),
        at: event.at,
        recorded: *reason,
        judged: None,
        list: *list,
        entry: None,
    };
    let (Some(list), Some(policy), Some(contact)) = (list, policy, contact) else {
        return Ok(Some(rejudged));
    };
    rejudged.entry = journal::entry_in(tx, organisation, zone, *token, *list).await?;
    let rules = journal::policy_numbered(tx, organisation, zone, policy.number).await?;
    let reading = Reading {
        time: event.at,
        quality: event.quality,
    };
    rejudged.judged = rules.map(|rules| {
        let went_by = (&rules, *list, *contact);
        let entry = rejudged.entry.as_ref();
        // What was typed is not recorded: the reason says whether it was right.
        let typed = entry.and_then(|entry| entry.pin);
        let typed = typed.filter(|_| reason.by_list() != Reason::PinNeeded);
        let judged = judge(*token, entry, typed, went_by, reading);
        if judged == reason.by_list() {
            *reason
        } else {
            judged
        }
    });
    Ok(Some(rejudged))
}
