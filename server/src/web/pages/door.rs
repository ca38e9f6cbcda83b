//! One door: how it is, who came, whom it refused, and what it is told.

use super::form::Form;
use super::look::Look;
use super::today::{BadgeLine, DoorLine, badge_lines, door_lines};
use super::{see, shown};
use crate::attention::Kind;
use crate::doors::home_assistant;
use crate::said::Said;
use crate::store::reading::BadgeFilter;
use crate::web::Here;
use crate::web::agents::{self, AgentView};
use crate::web::attention::{self, Attention, AttentionFilter};
use crate::web::doors::{self, DoorBody};
use crate::web::extract::{Asked, At, Body};
use crate::web::problem::{Answer, Problem};
use crate::web::refusals::{self, Refusals};
use crate::web::values::Title;
use crate::web::zones::{self, Zone};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{AgentId, DoorId, ZoneId};

const BADGES: i64 = 30;

#[derive(Template)]
#[template(path = "door.html")]
struct Page {
    look: Look,
    line: DoorLine,
    zones: Vec<Zone>,
    agents: Vec<AgentView>,
    alarms: Vec<Attention>,
    badges: Vec<BadgeLine>,
    refusals: Refusals,
    /// As Home Assistant knows it.
    device: String,
}

impl Page {
    fn zone(&self) -> Option<&Zone> {
        self.zones
            .iter()
            .find(|zone| zone.id == self.line.door.zone)
    }

    fn is_zone(&self, id: &str) -> bool {
        self.line.door.zone == id
    }

    fn is_agent(&self, id: &str) -> bool {
        self.line.door.agent.as_deref() == Some(id)
    }

    /// How far it is behind, in seconds, as its agent last said.
    fn lag(&self) -> Option<i64> {
        let report = self.line.agent.as_ref()?.report.as_ref()?;
        let held = report.zones.iter().find(|held| self.is_zone(&held.zone));
        held.and_then(|held| held.lag_seconds)
    }

    fn again_within(&self) -> String {
        let seconds = self.line.door.again_within_seconds;
        seconds.map_or(String::new(), |seconds| seconds.to_string())
    }
}

/// One door.
pub async fn one(state: Here, look: Look, At(id): At<DoorId>) -> Answer<Response> {
    let lines = door_lines(&state).await?;
    let line = lines.into_iter().find(|line| line.door.id == id.as_str());
    let line = line.ok_or(Problem::not_found("door"))?;
    let Json(zones) = zones::list(state.clone()).await?;
    let Json(agents) = agents::list(state.clone()).await?;
    let language = look.words.spoken();
    let refusals = refusals::told(&state, &id, None, language).await?;
    let filter = BadgeFilter {
        door: Some(id.as_str()),
        limit: BADGES,
        ..BadgeFilter::default()
    };
    let badges = badge_lines(&state, filter).await?;
    Ok(shown(&Page {
        alarms: alarms(&state, &id).await?,
        device: home_assistant::device(&state.app.organisation, &id),
        badges,
        look,
        line,
        zones,
        agents,
        refusals,
    }))
}

/// The door's alarms that nobody has looked at.
async fn alarms(state: &Here, id: &DoorId) -> Answer<Vec<Attention>> {
    let filter = AttentionFilter {
        all: false,
        before: None,
        limit: Some(500),
    };
    let Json(items) = attention::list(state.clone(), Asked(filter)).await?;
    let mut items = items.items;
    items.retain(|item| {
        item.subject == id.as_str() && matches!(Kind::read(&item.kind), Some(Kind::Alarm(_)))
    });
    Ok(items)
}

/// A door's settings as the form has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    name: Title,
    zone: ZoneId,
    agent: Option<AgentId>,
    #[serde(default)]
    enrols: bool,
    again_within_seconds: Option<i64>,
}

fn to(look: &Look, id: &DoorId) -> Response {
    see(&look.to(&format!("/admin/doors/{id}")))
}

/// Changes a door.
pub async fn change(
    state: Here,
    look: Look,
    At(id): At<DoorId>,
    Form(changed): Form<Changed>,
) -> Answer<Response> {
    // Only one that is there: a mistyped address makes no door.
    drop(doors::show(state.clone(), At(id.clone())).await?);
    let body = DoorBody {
        name: changed.name,
        zone: changed.zone,
        agent: changed.agent,
        enrols: changed.enrols,
        again_within_seconds: changed.again_within_seconds,
    };
    drop(doors::put(state, At(id.clone()), Body(body)).await?);
    Ok(to(&look, &id))
}

/// A new door.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    id: DoorId,
    name: Title,
    zone: ZoneId,
    agent: Option<AgentId>,
}

/// Makes a door, and shows it.
pub async fn create(state: Here, look: Look, Form(new): Form<New>) -> Answer<Response> {
    let Json(known) = doors::list(state.clone()).await?;
    if known.iter().any(|known| known.id == new.id.as_str()) {
        let detail = Said::of("refused-door-name");
        return Err(Problem::conflict("id", detail));
    }
    let body = DoorBody {
        name: new.name,
        zone: new.zone,
        agent: new.agent,
        enrols: false,
        again_within_seconds: None,
    };
    drop(doors::put(state, At(new.id.clone()), Body(body)).await?);
    Ok(to(&look, &new.id))
}

/// Takes a door away.
pub async fn remove(state: Here, look: Look, At(id): At<DoorId>) -> Answer<Response> {
    doors::remove(state, At(id)).await?;
    Ok(see(&look.to("/admin/doors")))
}
