//! Cards: found, given, named, and what every door knows of one.

use super::form::Form;
use super::loaners::FobLine;
use super::look::Look;
use super::{see, shown};
use crate::attention::Kind;
use crate::membership::card_number::Format;
use crate::store::places::Door;
use crate::web::Here;
use crate::web::attention::{self, Attention, AttentionFilter};
use crate::web::card::{self, CardChange, CardView};
use crate::web::cards::{self, Card, CardFilter, CardWord};
use crate::web::extract::{Asked, At, Body};
use crate::web::problem::Answer;
use crate::web::values::Title;
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::CardId;

const LINES: i64 = 100;

#[derive(Template)]
#[template(path = "cards.html")]
struct Page {
    look: Look,
    asked: String,
    state: String,
    cards: Vec<Card>,
    /// Where the next part begins; none: this is the end.
    next: Option<String>,
    fobs: Vec<FobLine>,
    /// Revoked cards that were presented.
    presented: Vec<Attention>,
    /// By when a fob is back, unless something else is chosen.
    back_by: String,
    formats: [(Format, &'static str); 5],
    /// Where a fob may be shown for the pool.
    doors: Vec<Door>,
}

impl Page {
    fn is_state(&self, word: &str) -> bool {
        self.state == word
    }

    fn overdue(&self) -> usize {
        self.fobs.iter().filter(|line| line.is_missed()).count()
    }
}

/// What is looked for. Labels and digits come in a form's body: an address is kept in logs and histories.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    q: String,
    state: Option<CardWord>,
    after: Option<i64>,
}

/// The page.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    find(state, look, Form(Search::default())).await
}

/// The page with what is looked for.
pub async fn find(state: Here, look: Look, Form(search): Form<Search>) -> Answer<Response> {
    let filter = CardFilter {
        member: None,
        q: Some(search.q.trim().to_owned()),
        state: search.state,
        after: search.after,
        limit: Some(LINES),
    };
    let Json(found) = cards::list(state.clone(), Asked(filter)).await?;
    let presented = presented(&state).await?;
    let fobs = super::loaners::lines(&state).await?;
    let doors = super::enrol::doors(&state).await?;
    Ok(shown(&Page {
        back_by: look.field_of(super::loaners::back_by(&look)),
        look,
        asked: search.q,
        state: search.state.map_or("", CardWord::word).to_owned(),
        cards: found.items,
        next: found.next,
        fobs,
        presented,
        formats: Format::ALL,
        doors,
    }))
}

/// Open items that tell of a revoked card at a door.
async fn presented(state: &Here) -> Answer<Vec<Attention>> {
    let filter = AttentionFilter {
        all: false,
        before: None,
        limit: Some(500),
    };
    let Json(items) = attention::list(state.clone(), Asked(filter)).await?;
    let mut items = items.items;
    items.retain(|item| item.kind == Kind::RevokedCard.word());
    Ok(items)
}

#[derive(Template)]
#[template(path = "card.html")]
struct CardPage {
    look: Look,
    view: CardView,
    presented: Vec<Attention>,
}

impl CardPage {
    /// How many doors that were told have not said yet that they know.
    fn waiting(&self) -> usize {
        let doors = self.view.doors.iter();
        doors.filter(|door| !door.acknowledged).count()
    }

    fn says(&self, word: &str) -> String {
        self.look.words.say(&format!("list-{word}"))
    }
}

/// One card.
pub async fn one(state: Here, look: Look, At(id): At<CardId>) -> Answer<Response> {
    let Json(view) = card::show(state.clone(), At(id)).await?;
    let mut presented = presented(&state).await?;
    presented.retain(|item| item.subject == format!("card {id}"));
    Ok(shown(&CardPage {
        look,
        view,
        presented,
    }))
}

/// What a card is called; empty: nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    label: Option<Title>,
}

/// Names a card.
pub async fn name(
    state: Here,
    look: Look,
    At(id): At<CardId>,
    Form(Named { label }): Form<Named>,
) -> Answer<Response> {
    drop(card::change(state, At(id), Body(CardChange { label })).await?);
    Ok(to(&look, id.0))
}

/// The page of a card.
pub fn to(look: &Look, card: i64) -> Response {
    see(&look.to(&format!("/admin/cards/{card}")))
}
