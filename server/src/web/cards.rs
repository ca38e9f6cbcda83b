//! Cards and fobs: shown by their last digits, never by their number.

use super::Here;
use super::extract::{Asked, At, Body};
use super::members::expect_member;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::{Moment, Title};
use crate::app::Work;
use crate::membership::card_number::Format;
use crate::membership::cards::{Added, add};
use crate::said::{Part, Said};
use crate::store::letters::{self, Content, Letter, Reader};
use crate::store::loaners;
use crate::store::members::CardRow;
use crate::store::people::{self, CardFace, CardSearch};
use axum::Json;
use axum::http::StatusCode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use shared::card::CardUid;
use shared::ids::{CardId, MemberId, ZoneId};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

/// A card or fob.
#[derive(Debug, Serialize, ToSchema)]
pub struct Card {
    /// The card's number in this interface.
    pub id: i64,
    /// Whose.
    pub member: i64,
    /// Their name.
    pub name: String,
    /// The last digits of its number, to compare.
    pub last_digits: String,
    /// What people call it.
    pub label: String,
    /// `ok`, `lost` or `returned`.
    pub state: String,
    /// Since when.
    pub since: Moment,
    /// When it opens nothing any more, if it is a fob that is lent.
    pub lent_until: Option<Moment>,
}

impl From<CardFace> for Card {
    fn from(card: CardFace) -> Self {
        let CardFace {
            id,
            member,
            name,
            last_digits,
            label,
            state,
            state_since,
            lent_until,
        } = card;
        Self {
            id,
            member,
            name,
            last_digits,
            label,
            state,
            since: Moment::of(state_since),
            lent_until: lent_until.map(Moment::of),
        }
    }
}

/// A card's state in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardWord {
    /// It counts.
    Ok,
    /// Reported lost.
    Lost,
    /// Given back.
    Returned,
}

impl CardWord {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        CardRow::from(self).word()
    }
}

impl From<CardWord> for CardRow {
    fn from(word: CardWord) -> Self {
        match word {
            CardWord::Ok => Self::Ok,
            CardWord::Lost => Self::Lost,
            CardWord::Returned => Self::Returned,
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
    /// Part of what people call it, or of the last digits of its number.
    pub q: Option<String>,
    /// Only in this state.
    #[param(inline)]
    pub state: Option<CardWord>,
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
    let search = CardSearch {
        member: filter.member.map(MemberId),
        text: filter.q.as_deref(),
        state: filter.state.map(CardRow::from),
        after: filter.after.unwrap_or(0),
        limit: limit + 1,
    };
    let rows = people::cards(&mut tx, &state.app.organisation, search).await?;
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
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        CardUid::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

/// A card's number as it was typed, in whichever way.
pub struct Typed(Zeroizing<String>);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(Zeroizing::new(text)))
    }
}

/// A card's number, and how it is written.
pub struct NumberBody {
    /// As it was typed.
    pub uid: Typed,
    /// How it is written.
    pub format: Format,
}

impl NumberBody {
    /// The number.
    pub fn read(&self) -> Answer<CardUid> {
        let read = self.format.read(&self.uid.0);
        read.map_err(|error| Problem::field("uid", format!("{error}.")))
    }
}

/// A card for a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCard {
    /// Whose it will be.
    #[schema(value_type = i64)]
    pub member: MemberId,
    /// Its number, as printed or as a reader shows it.
    #[schema(value_type = String)]
    pub uid: Typed,
    /// How the number is written; left out: in hexadecimal digits.
    #[serde(default)]
    pub format: Format,
    /// What people call it.
    pub label: Option<Title>,
}

/// Give a card to a member by its typed number
#[utoipa::path(post, path = "/api/v1/cards", tag = "cards", request_body = NewCard,
    responses((status = CREATED, body = Card), Problem))]
pub async fn create(state: Here, Body(body): Body<NewCard>) -> Answer<(StatusCode, Json<Card>)> {
    let number = NumberBody {
        uid: body.uid,
        format: body.format,
    };
    let uid = number.read()?;
    let mut work = state.work().await?;
    expect_member(&state, &mut work.tx, "member", body.member).await?;
    let label = body.label.as_ref().map_or("", Title::as_str);
    let card = give(&state, &mut work, (body.member, &uid), label, "uid").await?;
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
        Added::Owned(card) => return Err(owned(field, &card)),
        Added::Pooled => return Err(Problem::conflict(field, pooled())),
        Added::LooksLike(zone, other) => {
            return Err(Problem::conflict(field, alike(&zone, &other)));
        }
    };
    let card = people::card(&mut work.tx, &state.app.organisation, id).await?;
    let card = Card::from(card.ok_or(Problem::fault())?);
    let cause = format!("card {id}");
    let what = ("card.give", Some(member), cause.as_str());
    state.note_change(work, what, [None, Some(&card)]);
    Ok(card)
}

/// That a fob of the pool is lent, and never given.
pub fn pooled() -> Said {
    Said::of("refused-in-pool")
}

/// That a card has an owner.
pub fn owned(field: &str, card: &CardFace) -> Problem {
    let (id, owner) = (card.id, card.member);
    let detail = Said::of("refused-card-owned")
        .put("card", Part::word(id))
        .put("owner", Part::word(owner));
    Problem::conflict(field, detail)
}

/// That a zone's readers could not tell a new card from one in use.
pub fn alike(zone: &ZoneId, other: &CardFace) -> Said {
    Said::of("refused-alike-there")
        .put("zone", Part::word(zone))
        .put("card", Part::word(other.id))
        .put("member", Part::word(other.member))
}

/// Confirms to a member that a card opens nothing any more.
fn write_of_loss(state: &Here, work: &mut Work, member: MemberId, card: CardId) {
    let letter = Letter {
        reader: Reader::Member(member),
        content: Content::CardLost { card },
        // It may be found, and lost again.
        cause: &format!("card {card} {}", work.now),
        secret: None,
    };
    letters::put(&mut work.tx, &state.app.organisation, letter, work.now);
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
    // Lost and found again, it would open for whoever had it last.
    if matches!(body.mark, Mark::Found | Mark::Lost) && card.row()? == CardRow::Returned {
        return Err(Problem::conflict("mark", Said::of("refused-card-returned")));
    }
    let (member, now) = (MemberId(card.member), work.now);
    if card.row()? != row {
        people::mark_card(&mut work.tx, id, row, now).await?;
        if row == CardRow::Returned {
            loaners::give_back(&mut work.tx, id, now).await?;
        }
        let (cause, before) = (format!("card {id}"), Card::from(card));
        let after = people::card(&mut work.tx, organisation, id).await?;
        let after = Card::from(after.ok_or(Problem::fault())?);
        let what = (action, Some(member), cause.as_str());
        state.note_change(&mut work, what, [Some(&before), Some(&after)]);
        state.app.derive(&mut work, member, action).await?;
        if row == CardRow::Lost {
            write_of_loss(&state, &mut work, member, id);
        }
    }
    let card = people::card(&mut work.tx, organisation, id)
        .await?
        .ok_or(Problem::fault())?;
    state.done(work).await?;
    Ok(Json(card.into()))
}
