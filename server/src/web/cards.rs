//! Cards and fobs: shown by their last digits, never by their number.

use super::Here;
use super::extract::{Asked, At, Body};
use super::members::expect_member;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::{Moment, Title};
use crate::app::Work;
use crate::membership::cards::{Added, add};
use crate::store::members::CardRow;
use crate::store::people::{self, CardFace};
use axum::Json;
use axum::http::StatusCode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use shared::card::CardUid;
use shared::ids::{CardId, MemberId, ZoneId};
use utoipa::{IntoParams, ToSchema};

/// A card or fob.
#[derive(Debug, Serialize, ToSchema)]
pub struct Card {
    /// The card's number in this interface.
    pub id: i64,
    /// Whose.
    pub member: i64,
    /// The last digits of its number, to compare.
    pub last_digits: String,
    /// What people call it.
    pub label: String,
    /// `ok`, `lost` or `returned`.
    pub state: String,
    /// Since when.
    pub since: Moment,
}

impl From<CardFace> for Card {
    fn from(card: CardFace) -> Self {
        let CardFace {
            id,
            member,
            last_digits,
            label,
            state,
            state_since,
        } = card;
        Self {
            id,
            member,
            last_digits,
            label,
            state,
            since: Moment::of(state_since),
        }
    }
}

/// Which cards.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CardFilter {
    /// Only of this member.
    pub member: Option<i64>,
    /// The `next` of the part before.
    pub after: Option<i64>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// Cards, in the order of their numbers
#[utoipa::path(get, path = "/api/v1/cards", tag = "cards", params(CardFilter),
    responses((status = OK, body = Page<Card>), Problem))]
pub async fn list(state: Here, Asked(filter): Asked<CardFilter>) -> Answer<Json<Page<Card>>> {
    let limit = limit(filter.limit)?;
    let mut tx = state.app.store.begin_read().await?;
    let (member, after) = (filter.member.map(MemberId), filter.after.unwrap_or(0));
    let rows = people::cards(&mut tx, &state.app.organisation, member, after, limit + 1).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |card| card.id.to_string(),
        Card::from,
    )))
}

/// A card's number as it was typed.
pub struct TypedUid(CardUid);

impl TypedUid {
    /// The number.
    #[must_use]
    pub fn uid(&self) -> &CardUid {
        &self.0
    }
}

impl<'de> Deserialize<'de> for TypedUid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = zeroize::Zeroizing::new(String::deserialize(deserializer)?);
        CardUid::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A card for a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCard {
    /// Whose it will be.
    #[schema(value_type = i64)]
    pub member: MemberId,
    /// Its number in hexadecimal digits, as printed or as a reader shows it.
    #[schema(value_type = String)]
    pub uid: TypedUid,
    /// What people call it.
    pub label: Option<Title>,
}

/// Give a card to a member by its typed number
#[utoipa::path(post, path = "/api/v1/cards", tag = "cards", request_body = NewCard,
    responses((status = CREATED, body = Card), Problem))]
pub async fn create(state: Here, Body(body): Body<NewCard>) -> Answer<(StatusCode, Json<Card>)> {
    let mut work = state.work().await?;
    expect_member(&state, &mut work.tx, "member", body.member).await?;
    let label = body.label.as_ref().map_or("", Title::as_str);
    let card = give(
        &state,
        &mut work,
        (body.member, body.uid.uid()),
        label,
        "uid",
    )
    .await?;
    state.done(work).await?;
    Ok((StatusCode::CREATED, Json(card)))
}

/// Gives a card to a member; one that has an owner is refused.
pub async fn give(
    state: &Here,
    work: &mut Work,
    (member, uid): (MemberId, &CardUid),
    label: &str,
    field: &str,
) -> Answer<Card> {
    let id = match add(&state.app, work, member, uid, label, "a card was given").await? {
        Added::Added(id) => id,
        Added::Owned(card) => {
            let owner = card.member;
            let detail = format!(
                "This card has an owner: it is card {} of member {owner}. Mark it as returned first.",
                card.id
            );
            return Err(Problem::conflict(field, detail));
        }
        Added::LooksLike(zone, other) => {
            return Err(Problem::conflict(field, alike(&zone, &other)));
        }
    };
    state.note(work, "card.give", Some(member), &format!("card {id}"));
    let card = people::card(&mut work.tx, &state.app.organisation, id).await?;
    Ok(card.ok_or(Problem::fault())?.into())
}

/// That a zone's readers could not tell a new card from one in use.
pub fn alike(zone: &ZoneId, other: &CardFace) -> String {
    format!(
        "Readers of zone {zone} see only the last bytes of a card, and could not tell this one from card {} of member \
         {}. Take another card.",
        other.id, other.member
    )
}

/// What became of a card.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Reported lost: refused at every door.
    Lost,
    /// Found again.
    Found,
    /// Given back: it may be given to another member.
    Returned,
}

/// What became of a card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkBody {
    /// Lost, found or returned.
    pub mark: Mark,
}

/// Mark a card as lost, found or returned
#[utoipa::path(post, path = "/api/v1/cards/{card}/mark", tag = "cards", params(("card" = i64, Path)),
    request_body = MarkBody, responses((status = OK, body = Card), Problem))]
pub async fn mark(
    state: Here,
    At(id): At<CardId>,
    Body(body): Body<MarkBody>,
) -> Answer<Json<Card>> {
    let mut work = state.work().await?;
    let organisation = &state.app.organisation;
    let card = people::card(&mut work.tx, organisation, id)
        .await?
        .ok_or(Problem::not_found("card"))?;
    let (row, action) = match body.mark {
        Mark::Lost => (CardRow::Lost, "card.lost"),
        Mark::Found => (CardRow::Ok, "card.found"),
        Mark::Returned => (CardRow::Returned, "card.returned"),
    };
    if matches!(body.mark, Mark::Found) && card.row()? == CardRow::Returned {
        return Err(Problem::conflict(
            "mark",
            "A returned card is given out anew by its number.",
        ));
    }
    let (member, now) = (MemberId(card.member), work.now);
    if card.row()? != row {
        people::mark_card(&mut work.tx, id, row, now).await?;
        state.note(&mut work, action, Some(member), &format!("card {id}"));
        state.app.derive(&mut work, member, action).await?;
    }
    let card = people::card(&mut work.tx, organisation, id)
        .await?
        .ok_or(Problem::fault())?;
    state.done(work).await?;
    Ok(Json(card.into()))
}
