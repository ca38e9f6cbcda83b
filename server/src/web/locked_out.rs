//! Who would be locked out tonight though they pay or may come in.

use super::problem::{Answer, Problem};
use super::standing::word;
use super::values::Moment;
use super::{Here, State};
use crate::app::Work;
use crate::membership::locked_out::{Building, Candidate, Why, locked_out};
use crate::store::people::Person;
use crate::store::search::{self, Search};
use crate::store::{agents, inductions, payers, places};
use axum::Json;
use serde::Serialize;
use shared::ids::{AgentId, ZoneId};
use shared::time::Span;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// So far ahead is looked.
const TONIGHT: Span = Span::days(1);

/// A member who would stand outside.
#[derive(Debug, Serialize, ToSchema)]
pub struct LockedOut {
    /// The member's number.
    pub member: i64,
    /// The name.
    pub name: String,
    /// Why.
    #[schema(inline)]
    pub why: Why,
    /// In until then, out since then, or in from then on.
    pub date: Option<Moment>,
}

/// Members who pay or may come in, and would stand outside within a day, with the first reason
#[utoipa::path(get, path = "/api/v1/locked-out", tag = "members",
    responses((status = OK, body = Vec<LockedOut>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<LockedOut>>> {
    let mut work = state.look().await?;
    let served = served(&state, &mut work).await?;
    let (organisation, now) = (&state.app.organisation, work.now);
    let all = Search {
        limit: i64::MAX,
        ..Search::default()
    };
    let people = search::search(&mut work.tx, organisation, all, now).await?;
    let paying = payers::paying(&mut work.tx, state.app.account).await?;
    let inducted = inductions::all(&mut work.tx, organisation).await?;
    let building = Building {
        zones: &work.rulebook.zones,
        served: &served,
    };
    let judged = people.into_iter().filter_map(|person: Person| {
        let standing = person.standing.as_ref()?;
        let candidate = Candidate {
            standing,
            cards: person.cards,
            pays: paying.contains(&person.id),
            inducted: inducted.get(&person.id),
        };
        let why = locked_out(candidate, building, now, now + TONIGHT)?;
        Some(LockedOut {
            member: person.id.0,
            why,
            date: word(&standing.state).1,
            name: person.name,
        })
    });
    Ok(Json(judged.collect()))
}

/// Zones with a door that a paired agent serves.
pub async fn served(state: &State, work: &mut Work) -> Answer<BTreeSet<ZoneId>> {
    let organisation = &state.app.organisation;
    let agents = agents::all(&mut work.tx, organisation).await?;
    let paired = agents
        .into_iter()
        .filter(|agent| agent.key.is_some() && agent.revoked_at.is_none());
    let paired: BTreeSet<AgentId> = paired.map(|agent| agent.id).collect();
    let doors = places::doors(&mut work.tx, organisation).await?;
    let served = doors
        .into_iter()
        .filter(|door| door.agent.as_ref().is_some_and(|id| paired.contains(id)));
    Ok(served.map(|door| door.zone).collect())
}
