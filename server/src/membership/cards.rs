//! Cards come to a member and go: typed by staff, or shown twice at a door that enrols.

use super::build::as_seen;
use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::random::Handed;
use crate::store::attention::settle;
use crate::store::loaners::{self, Loaner, NewLoaner};
use crate::store::members::CardRow;
use crate::store::people::{self, CardFace, NewCard};
use crate::store::reading;
use crate::store::rulebook::ZoneRules;
use crate::store::{StoreError, Tx};
use shared::card::{CardToken, CardUid};
use shared::ids::{CardId, LoanerId, MemberId, ZoneId};
use shared::time::Timestamp;
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
    /// It is a fob that is lent, and never given; nothing was changed.
    Pooled,
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
    if loaners::is_pooled(&mut work.tx, &app.organisation, &index).await? {
        return Ok(Added::Pooled);
    }
    list(app, work, member, uid, label, cause).await
}

/// Lends a fob of the pool to a member until a moment, as a card that opens nothing from then on, and derives.
pub async fn lend(
    app: &App,
    work: &mut Work,
    loaner: &Loaner,
    member: MemberId,
    ends_at: Timestamp,
) -> Step<Added> {
    let id = LoanerId(loaner.id);
    let sealed = loaners::sealed(&mut work.tx, id).await?;
    let uid = app.keys.open_uid(&sealed).ok_or(StoreError::Row {
        table: "loaners",
        row: id.to_string(),
        column: "uid_sealed",
    })?;
    let cause = format!("fob {id} was lent");
    let added = list(app, work, member, &uid, &loaner.label, &cause).await?;
    if let Added::Added(card) = added {
        loaners::lend(&mut work.tx, id, (card, member), ends_at, work.now).await?;
        app.derive(work, member, &cause).await?;
    }
    Ok(added)
}

/// Adds a fob to the pool; a card of a member is none, unless it was returned.
pub async fn pool(
    app: &App,
    work: &mut Work,
    uid: &CardUid,
    label: &str,
) -> Step<Result<LoanerId, Added>> {
    let index = app.keys.uid_index(uid);
    let known = people::card_by_index(&mut work.tx, &app.organisation, &index).await?;
    if let Some(known) = known
        && known.row()? != CardRow::Returned
    {
        return Ok(Err(Added::Owned(known)));
    }
    if loaners::is_pooled(&mut work.tx, &app.organisation, &index).await? {
        return Ok(Err(Added::Pooled));
    }
    if let Some((zone, other)) = looks_like(app, work, uid).await? {
        return Ok(Err(Added::LooksLike(zone, other)));
    }
    let mut random = Handed::new(|bytes| app.with_random(|random| random.fill_bytes(bytes)));
    let sealed = app.keys.seal_uid(uid, &mut random);
    let digits = uid.last_digits();
    let new = NewLoaner {
        label,
        uid_sealed: &sealed,
        uid_index: &index,
        last_digits: &digits,
    };
    let id = loaners::add(&mut work.tx, &app.organisation, new, work.now).await?;
    Ok(Ok(id))
}

/// Lists a card as a member's.
async fn list(
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
pub async fn looks_like(
    app: &App,
    work: &mut Work,
    uid: &CardUid,
) -> Step<Option<(ZoneId, CardFace)>> {
    let zones = work.rulebook.zones.iter();
    let cutting: Vec<(ZoneId, BTreeSet<u8>)> = zones
        .filter(|(_, rules)| !rules.reader_bytes.is_empty())
        .map(|(zone, rules)| (zone.clone(), rules.reader_bytes.clone()))
        .collect();
    if cutting.is_empty() {
        return Ok(None);
    }
    let cards = in_use(app, &mut work.tx).await?;
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
    for (card, uid) in in_use(app, &mut work.tx).await? {
        for seen in as_seen(&uid, reader_bytes) {
            if let Some(other) = first.insert(seen, card) {
                return Ok(Some([other, card]));
            }
        }
    }
    Ok(None)
}

/// By which tokens a zone's list names a card.
pub async fn tokens(
    app: &App,
    tx: &mut Tx,
    rules: &BTreeMap<ZoneId, ZoneRules>,
    card: CardId,
) -> Step<Vec<(ZoneId, CardToken)>> {
    let sealed = people::sealed_card(tx, card).await?;
    let Some(uid) = app.keys.open_uid(&sealed) else {
        return Ok(Vec::new());
    };
    let named = rules.iter().flat_map(|(zone, rules)| {
        let key = app.keys.card_key(zone, rules.card_key);
        let seen = as_seen(&uid, &rules.reader_bytes);
        let tokens: Vec<CardToken> = seen.map(|seen| CardToken::of(&seen, &key)).collect();
        tokens.into_iter().map(|token| (zone.clone(), token))
    });
    Ok(named.collect())
}

/// The cards in use whose numbers come right before or after a card's own: sold together, they are taken for each other,
/// and who reads one can guess the other.
pub async fn neighbours(app: &App, tx: &mut Tx, card: CardId) -> Step<Vec<CardId>> {
    let all = in_use(app, tx).await?;
    let Some((_, own)) = all.iter().find(|(id, _)| *id == card) else {
        return Ok(Vec::new());
    };
    let number = |uid: &CardUid| {
        let bytes = uid.as_bytes().iter();
        bytes.fold(0_u128, |number, byte| number << 8 | u128::from(*byte))
    };
    let next_to = |other: &&(CardId, CardUid)| {
        let same_size = other.1.as_bytes().len() == own.as_bytes().len();
        same_size && number(&other.1).abs_diff(number(own)) == 1
    };
    let found = all.iter().filter(next_to);
    Ok(found.map(|(id, _)| *id).collect())
}

/// The cards that lists name, with their numbers.
async fn in_use(app: &App, tx: &mut Tx) -> Step<Vec<(CardId, CardUid)>> {
    let sealed = people::sealed_cards(tx, &app.organisation).await?;
    let open = |(card, sealed): (CardId, Vec<u8>)| Some((card, app.keys.open_uid(&sealed)?));
    Ok(sealed.into_iter().filter_map(open).collect())
}
