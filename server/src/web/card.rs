//! One card: what it is called, which numbers come next to its own, and which doors know what became of it.

use super::agents::{self, AgentView};
use super::cards::Card;
use super::extract::{At, Body};
use super::problem::{Answer, Problem};
use super::values::{Moment, Title};
use super::{Here, State};
use crate::membership::cards::{neighbours, tokens};
use crate::store::lists::ZoneHead;
use crate::store::people::{self, CardFace};
use crate::store::rulebook::Rulebook;
use crate::store::{Tx, journal, lists, places};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::{CardId, MemberId, ZoneId};
use shared::rights::CardState;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A card with what hangs on it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CardView {
    /// The card.
    pub card: Card,
    /// Cards in use with the number before or after its own: easily taken for each other, and easily guessed.
    pub neighbours: Vec<i64>,
    /// The doors that were ever told of it.
    pub doors: Vec<DoorKnows>,
}

/// What a door knows of a card.
#[derive(Debug, Serialize, ToSchema)]
pub struct DoorKnows {
    /// Which.
    pub door: String,
    /// What people call it.
    pub name: String,
    /// What its list says since it was last changed: `ok`, `lapsed`, `held`, `lost`, `ended`, or `unlisted`.
    pub says: &'static str,
    /// Whether its agent has said, signed, that it holds that or what came later.
    pub acknowledged: bool,
    /// Whether its agent reported within ten minutes.
    pub in_contact: bool,
    /// When its agent last reported.
    pub reported_at: Option<Moment>,
}

fn word(state: Option<CardState>) -> &'static str {
    match state {
        Some(CardState::Ok) => "ok",
        Some(CardState::Lapsed) => "lapsed",
        Some(CardState::Held) => "held",
        Some(CardState::Lost) => "lost",
        Some(CardState::Ended) => "ended",
        None => "unlisted",
    }
}

/// Since which revision each zone's list says what it says of a card.
async fn said(
    state: &State,
    tx: &mut Tx,
    rules: &Rulebook,
    card: CardId,
) -> Answer<BTreeMap<ZoneId, (u64, &'static str)>> {
    let mut said = BTreeMap::new();
    for (zone, token) in tokens(&state.app, tx, &rules.zones, card).await? {
        let since = journal::said_since(tx, &state.app.organisation, &zone, token).await?;
        if let Some((number, entry)) = since {
            let told = (number, word(entry.map(|entry| entry.state)));
            // Of a card that readers see in several sizes the latest word counts.
            said.entry(zone)
                .and_modify(|known: &mut (u64, &str)| *known = (*known).max(told))
                .or_insert(told);
        }
    }
    Ok(said)
}

/// Whether an agent has said that it holds this revision of a zone, or a later one.
fn holds(agent: &AgentView, zone: &ZoneId, head: &ZoneHead, number: u64) -> bool {
    let zones = agent.report.iter().flat_map(|report| &report.zones);
    let held = zones.filter(|held| held.zone == zone.as_str());
    held.filter_map(|held| held.behind)
        .any(|behind| number.saturating_add(behind) <= head.revision.number)
}

async fn doors(
    state: &State,
    tx: &mut Tx,
    rules: &Rulebook,
    card: CardId,
) -> Answer<Vec<DoorKnows>> {
    let organisation = &state.app.organisation;
    let said = said(state, tx, rules, card).await?;
    let heads: BTreeMap<ZoneId, ZoneHead> =
        lists::zones(tx, organisation).await?.into_iter().collect();
    let agents = agents::all(state, tx).await?;
    let all = places::doors(tx, organisation).await?.into_iter();
    let knows = |door: places::Door| {
        let (number, says) = *said.get(&door.zone)?;
        let head = heads.get(&door.zone)?;
        let agent = agents.iter().find(|agent| {
            door.agent
                .as_ref()
                .is_some_and(|id| id.as_str() == agent.id)
        });
        Some(DoorKnows {
            acknowledged: agent.is_some_and(|agent| holds(agent, &door.zone, head, number)),
            in_contact: agent.is_some_and(|agent| agent.in_contact),
            reported_at: agent.and_then(|agent| agent.reported_at),
            door: door.id.into(),
            name: door.name,
            says,
        })
    };
    Ok(all.filter_map(knows).collect())
}

async fn find(state: &State, tx: &mut Tx, id: CardId) -> Answer<CardFace> {
    let card = people::card(tx, &state.app.organisation, id).await?;
    card.ok_or(Problem::not_found("card"))
}

/// One card, and which doors know what became of it
#[utoipa::path(get, path = "/api/v1/cards/{card}", tag = "cards", params(("card" = i64, Path)),
    responses((status = OK, body = CardView), Problem))]
pub async fn show(state: Here, At(id): At<CardId>) -> Answer<Json<CardView>> {
    let mut work = state.work().await?;
    let (rules, tx) = (work.rulebook.clone(), &mut work.tx);
    let card = find(&state, tx, id).await?.into();
    let near = neighbours(&state.app, tx, id).await?;
    Ok(Json(CardView {
        card,
        neighbours: near.into_iter().map(|card| card.0).collect(),
        doors: doors(&state, tx, &rules, id).await?,
    }))
}

/// What a card is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CardChange {
    /// What people call it; `null` or left out: nothing.
    pub label: Option<Title>,
}

/// Name a card
#[utoipa::path(patch, path = "/api/v1/cards/{card}", tag = "cards", params(("card" = i64, Path)),
    request_body = CardChange, responses((status = OK, body = Card), Problem))]
pub async fn change(
    state: Here,
    At(id): At<CardId>,
    Body(change): Body<CardChange>,
) -> Answer<Json<Card>> {
    let mut work = state.work().await?;
    let member = find(&state, &mut work.tx, id).await?.member;
    let label = change.label.as_ref().map_or("", Title::as_str);
    people::name_card(&mut work.tx, id, label).await?;
    let member = Some(MemberId(member));
    state.note(&mut work, "card.name", member, &format!("card {id}"));
    let card = find(&state, &mut work.tx, id).await?;
    state.done(work).await?;
    Ok(Json(card.into()))
}
