//! Cards come to a member and go: typed by staff, or shown twice at a door that enrols.

use super::build::as_seen;
use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::random::Handed;
use crate::store::attention::settle;
use crate::store::members::CardRow;
use crate::store::people::{self, CardFace, NewCard};
use crate::store::reading;
use shared::card::CardUid;
use shared::ids::{CardId, MemberId, ZoneId};
use std::collections::{BTreeMap, BTreeSet};

/// What came of a new card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is the member's.
    Added(CardId),
    /// It has an owner, perhaps this very member; nothing was changed.
    Owned(CardFace),
    /// A zone's readers could not tell it from this card; nothing was changed.
    LooksLike(ZoneId, CardFace),
}

/// Gives a card to a member and derives; a card that was returned may be handed on, any other has an owner.
pub async fn add(
    app: &App,
    work: &mut Work,
    member: MemberId,
    uid: &CardUid,
    label: &str,
    cause: &str,
) -> Step<Added> {
    let index = app.keys.uid_index(uid);
    let known = people::card_by_index(&mut work.tx, &app.organisation, &index).await?;
    let returned = match known {
        Some(known) if known.row()? != CardRow::Returned => return Ok(Added::Owned(known)),
        known => known,
    };
    if let Some((zone, other)) = looks_like(app, work, uid).await? {
        return Ok(Added::LooksLike(zone, other));
    }
    let card = match returned {
        Some(returned) => {
            let card = CardId(returned.id);
            people::hand_on_card(&mut work.tx, card, member, label, work.now).await?;
            card
        }
        None => {
            let mut random =
                Handed::new(|bytes| app.with_random(|random| random.fill_bytes(bytes)));
            let sealed = app.keys.seal_uid(uid, &mut random);
            let digits = uid.last_digits();
            let new = NewCard {
                member,
                uid_sealed: &sealed,
                uid_index: &index,
                last_digits: &digits,
                label,
            };
            people::add_card(&mut work.tx, &app.organisation, new, work.now).await?
        }
    };
    for item in
        reading::open_items(&mut work.tx, &app.organisation, Kind::NeedsCard, member).await?
    {
        settle(
            &mut work.tx,
            &app.organisation,
            Kind::NeedsCard,
            &item,
            work.now,
        )
        .await?;
    }
    app.derive(work, member, cause).await?;
    Ok(Added::Added(card))
}

/// Another card that the readers of some zone could not tell from this one, and the zone.
async fn looks_like(app: &App, work: &mut Work, uid: &CardUid) -> Step<Option<(ZoneId, CardFace)>> {
    let zones = work.rulebook.zones.iter();
    let cutting: Vec<(ZoneId, BTreeSet<u8>)> = zones
        .filter(|(_, rules)| !rules.reader_bytes.is_empty())
        .map(|(zone, rules)| (zone.clone(), rules.reader_bytes.clone()))
        .collect();
    if cutting.is_empty() {
        return Ok(None);
    }
    let cards = in_use(app, work).await?;
    for (zone, reader_bytes) in cutting {
        let seen: BTreeSet<CardUid> = as_seen(uid, &reader_bytes).collect();
        let same = |other: &&(CardId, CardUid)| {
            as_seen(&other.1, &reader_bytes).any(|other| seen.contains(&other))
        };
        if let Some((card, _)) = cards.iter().find(same) {
            let face = people::card(&mut work.tx, &app.organisation, *card).await?;
            return Ok(face.map(|face| (zone, face)));
        }
    }
    Ok(None)
}

/// Two cards that readers which give only so many of the last bytes could not tell apart.
pub async fn alike(
    app: &App,
    work: &mut Work,
    reader_bytes: &BTreeSet<u8>,
) -> Step<Option<[CardId; 2]>> {
    if reader_bytes.is_empty() {
        return Ok(None);
    }
    let mut first: BTreeMap<CardUid, CardId> = BTreeMap::new();
    for (card, uid) in in_use(app, work).await? {
        for seen in as_seen(&uid, reader_bytes) {
            if let Some(other) = first.insert(seen, card) {
                return Ok(Some([other, card]));
            }
        }
    }
    Ok(None)
}

/// The cards that lists name, with their numbers.
async fn in_use(app: &App, work: &mut Work) -> Step<Vec<(CardId, CardUid)>> {
    let sealed = people::sealed_cards(&mut work.tx, &app.organisation).await?;
    let open = |(card, sealed): (CardId, Vec<u8>)| Some((card, app.keys.open_uid(&sealed)?));
    Ok(sealed.into_iter().filter_map(open).collect())
}
