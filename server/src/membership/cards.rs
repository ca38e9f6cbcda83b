//! Cards come to a member and go: typed by staff, or shown twice at a door that enrols.

use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::random::Handed;
use crate::store::attention::settle;
use crate::store::members::CardRow;
use crate::store::people::{self, CardFace, NewCard};
use crate::store::reading;
use shared::card::CardUid;
use shared::ids::{CardId, MemberId};

/// What came of a new card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is the member's.
    Added(CardId),
    /// It has an owner, perhaps this very member; nothing was changed.
    Owned(CardFace),
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
    let card = match known {
        Some(known) if known.row()? != CardRow::Returned => return Ok(Added::Owned(known)),
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
