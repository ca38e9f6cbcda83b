//! A card for somebody, from any page: by two taps at a door, or by its number.

use super::cards::to;
use super::form::Form;
use super::look::Look;
use super::shown;
use super::whom::{Meant, meant};
use crate::membership::card_number::Format;
use crate::said::Said;
use crate::store::places;
use crate::web::Here;
use crate::web::cards::{self, NewCard, Typed};
use crate::web::commands::{self, CommandOutcome, DoorAction, DoorCommand};
use crate::web::extract::{At, Body};
use crate::web::members::MemberLine;
use crate::web::problem::{Answer, Problem};
use crate::web::values::Title;
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{DoorId, MemberId};

#[derive(Template)]
#[template(path = "enrol.html")]
struct Choose {
    look: Look,
    /// What was typed.
    asked: String,
    members: Vec<MemberLine>,
    doors: Vec<places::Door>,
}

/// For whom, and where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    #[serde(default)]
    who: String,
    member: Option<i64>,
    door: Option<DoorId>,
}

/// Enrols a card by two taps; asks whose and where if that is not clear.
pub async fn by_tap(state: Here, look: Look, Form(asked): Form<Enrol>) -> Answer<Response> {
    let meant = match asked.member {
        Some(member) => Meant::One(MemberId(member)),
        None => meant(&state, &asked.who).await?,
    };
    let doors = doors(&state).await?;
    let door = match (&asked.door, &doors[..]) {
        (Some(door), _) => Some(door.clone()),
        (None, [only]) => Some(only.id.clone()),
        (None, []) => {
            let detail = Said::of("refused-no-enrolling-door");
            return Err(Problem::conflict("door", detail));
        }
        (None, _) => None,
    };
    match (meant, door) {
        (Meant::One(member), Some(door)) => tapped(state, &look, member, door).await,
        (Meant::One(member), None) => {
            let asked = member.to_string();
            let members = super::whom::one(&state, member).await?;
            Ok(choose(look, asked, members, doors))
        }
        (Meant::Several(members), _) => Ok(choose(look, asked.who, members, doors)),
    }
}

fn choose(
    look: Look,
    asked: String,
    members: Vec<MemberLine>,
    doors: Vec<places::Door>,
) -> Response {
    shown(&Choose {
        look,
        asked,
        members,
        doors,
    })
}

/// Said when a door waited in vain.
pub fn no_card() -> Problem {
    Problem::no_answer(Said::of("refused-no-card-shown"))
}

/// The doors at which cards are enrolled.
pub async fn doors(state: &Here) -> Answer<Vec<places::Door>> {
    let mut tx = state.app.store.begin_read().await?;
    let mut doors = places::doors(&mut tx, &state.app.organisation).await?;
    doors.retain(|door| door.enrols && door.agent.is_some());
    Ok(doors)
}

async fn tapped(state: Here, look: &Look, member: MemberId, door: DoorId) -> Answer<Response> {
    let command = DoorCommand {
        action: DoorAction::Enrol,
        member: Some(member),
        fob: None,
    };
    let Json(outcome) = commands::door(state, At(door), Body(command)).await?;
    match outcome {
        CommandOutcome::Enrolled { card } => Ok(to(look, card.id)),
        CommandOutcome::NoCard => Err(no_card()),
        CommandOutcome::Done
        | CommandOutcome::Pooled { .. }
        | CommandOutcome::Diagnostics { .. } => Err(Problem::fault()),
    }
}

/// A card by its number, for whoever is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    who: String,
    uid: Typed,
    #[serde(default)]
    format: Format,
    label: Option<Title>,
}

/// Gives a card by its number, as a reader at the desk types it or somebody does.
pub async fn by_number(state: Here, look: Look, Form(given): Form<Given>) -> Answer<Response> {
    let member = super::whom::exactly(&state, &given.who).await?;
    let new = NewCard {
        member,
        uid: given.uid,
        format: given.format,
        label: given.label,
    };
    let (_, Json(card)) = cards::create(state, Body(new)).await?;
    Ok(to(&look, card.id))
}
