//! Doors: which zone's list each follows, and which agent serves it.

use super::extract::{At, Body};
use super::problem::{Answer, Problem};
use super::values::Title;
use super::{Here, State};
use crate::said::Said;
use crate::setup;
use crate::store::{Tx, agents, places};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::{AgentId, DoorId, ZoneId};
use shared::time::Span;
use utoipa::ToSchema;

/// A door.
#[derive(Debug, Serialize, ToSchema)]
pub struct Door {
    /// Its name in addresses.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whose list it follows.
    pub zone: String,
    /// Who serves it; none yet.
    pub agent: Option<String>,
    /// Whether cards may be enrolled there.
    pub enrols: bool,
    /// A card that passes again within so many seconds is marked, and passes; none: never.
    pub again_within_seconds: Option<i64>,
}

impl From<places::Door> for Door {
    fn from(door: places::Door) -> Self {
        let places::Door {
            id,
            name,
            zone,
            agent,
            enrols,
            again_within,
        } = door;
        Self {
            id: id.into(),
            name,
            zone: zone.into(),
            agent: agent.map(String::from),
            enrols,
            again_within_seconds: again_within.map(|span| span.0 / 1000),
        }
    }
}

/// A door's settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorBody {
    /// What people call it.
    pub name: Title,
    /// Whose list it follows.
    #[schema(value_type = String)]
    pub zone: ZoneId,
    /// Who serves it; left out: nobody yet.
    #[schema(value_type = Option<String>)]
    pub agent: Option<AgentId>,
    /// Whether cards may be enrolled there.
    #[serde(default)]
    pub enrols: bool,
    /// A card that passes again within so many seconds, up to a day, is marked, and passes; left out: never.
    pub again_within_seconds: Option<i64>,
}

const DAY: i64 = 86_400;

/// Finds a door.
pub async fn find(state: &State, tx: &mut Tx, id: &DoorId) -> Answer<places::Door> {
    let all = places::doors(tx, &state.app.organisation).await?;
    all.into_iter()
        .find(|door| door.id == *id)
        .ok_or(Problem::not_found("door"))
}

/// All doors
#[utoipa::path(get, path = "/api/v1/doors", tag = "doors", responses((status = OK, body = Vec<Door>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<Door>>> {
    let mut tx = state.app.store.begin_read().await?;
    let all = places::doors(&mut tx, &state.app.organisation).await?;
    Ok(Json(all.into_iter().map(Door::from).collect()))
}

/// One door
#[utoipa::path(get, path = "/api/v1/doors/{door}", tag = "doors", params(("door" = String, Path)),
    responses((status = OK, body = Door), Problem))]
pub async fn show(state: Here, At(id): At<DoorId>) -> Answer<Json<Door>> {
    Ok(Json(
        find(&state, &mut state.app.store.begin_read().await?, &id)
            .await?
            .into(),
    ))
}

/// Make or change a door; the agents concerned get a new configuration
#[utoipa::path(put, path = "/api/v1/doors/{door}", tag = "doors", params(("door" = String, Path)),
    request_body = DoorBody, responses((status = OK, body = Door), Problem))]
pub async fn put(
    state: Here,
    At(id): At<DoorId>,
    Body(body): Body<DoorBody>,
) -> Answer<Json<Door>> {
    let organisation = &state.app.organisation;
    if body
        .again_within_seconds
        .is_some_and(|seconds| !(1..=DAY).contains(&seconds))
    {
        let detail = Said::of("refused-passing-seconds");
        return Err(Problem::field("again_within_seconds", detail));
    }
    let mut work = state.work().await?;
    if !work.rulebook.zones.contains_key(&body.zone) {
        return Err(Problem::unknown("zone", "zone"));
    }
    if let Some(agent) = &body.agent
        && agents::find(&mut work.tx, organisation, agent)
            .await?
            .is_none()
    {
        return Err(Problem::unknown("agent", "agent"));
    }
    let door = places::Door {
        id: id.clone(),
        name: body.name.as_str().to_owned(),
        zone: body.zone,
        agent: body.agent,
        enrols: body.enrols,
        again_within: body.again_within_seconds.map(Span::seconds),
    };
    let before = find(&state, &mut work.tx, &id).await.ok().map(Door::from);
    setup::door(&mut work.tx, organisation, &door).await?;
    let answer = find(&state, &mut work.tx, &id).await?.into();
    let what = ("door.put", None, id.as_str());
    state.note_change(&mut work, what, [before.as_ref(), Some(&answer)]);
    state.done(work).await?;
    state.agents_changed();
    Ok(Json(answer))
}

/// Take a door away; what happened there stays
#[utoipa::path(delete, path = "/api/v1/doors/{door}", tag = "doors", params(("door" = String, Path)),
    responses((status = NO_CONTENT), Problem))]
pub async fn remove(state: Here, At(id): At<DoorId>) -> Answer<StatusCode> {
    let organisation = &state.app.organisation;
    let mut work = state.work().await?;
    let door = find(&state, &mut work.tx, &id).await?;
    places::remove_door(&mut work.tx, organisation, &id).await?;
    if let Some(agent) = &door.agent {
        agents::config_changed(&mut work.tx, organisation, agent).await?;
    }
    let what = ("door.remove", None, id.as_str());
    state.note_change(&mut work, what, [Some(&Door::from(door)), None]);
    state.done(work).await?;
    state.agents_changed();
    Ok(StatusCode::NO_CONTENT)
}
