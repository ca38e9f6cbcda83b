//! Schedules: the hours of a week, in a grid or as lines.

use super::confirm::{self, Pairs};
use super::form::Form;
use super::hours::{self, FIELDS};
use super::look::Look;
use super::{see, shown};
use crate::said::Said;
use crate::web::Here;
use crate::web::extract::{Asked, At, Body};
use crate::web::organisation::Approval;
use crate::web::problem::{Answer, Problem};
use crate::web::schedules::{self, ScheduleBody, ScheduleView};
use crate::web::values::Title;
use crate::web::zones::{self, Zone};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::ScheduleId;

#[derive(Template)]
#[template(path = "schedules.html")]
struct Page {
    look: Look,
    schedules: Vec<ScheduleView>,
}

/// All schedules.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    let Json(schedules) = schedules::list(state).await?;
    Ok(shown(&Page { look, schedules }))
}

/// A new schedule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    id: ScheduleId,
    name: Title,
}

/// Makes a schedule that is never open, and shows it.
pub async fn create(
    state: Here,
    look: Look,
    Form(New { id, name }): Form<New>,
) -> Answer<Response> {
    let Json(known) = schedules::list(state.clone()).await?;
    if known.iter().any(|known| known.id == id.as_str()) {
        let detail = Said::of("refused-schedule-name");
        return Err(Problem::conflict("id", detail));
    }
    let body = ScheduleBody {
        name,
        windows: Vec::new(),
    };
    let approval = Approval { approved: false };
    drop(schedules::put(state, At(id.clone()), Asked(approval), Body(body)).await?);
    Ok(see(&look.to(&format!("/admin/schedules/{id}"))))
}

#[derive(Template)]
#[template(path = "schedule.html")]
struct SchedulePage {
    look: Look,
    schedule: ScheduleView,
    lines: Vec<(&'static str, String)>,
    /// Zones with the types that open them on it.
    used: Vec<(Zone, String)>,
}

impl SchedulePage {
    fn day(&self, field: &str) -> String {
        self.look.words.say(&format!("day-{field}"))
    }
}

/// One schedule.
pub async fn one(state: Here, look: Look, At(id): At<ScheduleId>) -> Answer<Response> {
    let Json(schedule) = schedules::show(state.clone(), At(id.clone())).await?;
    let Json(zones) = zones::list(state).await?;
    let on_it = |zone: Zone| {
        let opens = zone.access.iter();
        let opens = opens.filter(|opens| opens.schedule.as_deref() == Some(id.as_str()));
        let types: Vec<&str> = opens.map(|opens| &*opens.membership).collect();
        let types = types.join(", ");
        (!types.is_empty()).then_some((zone, types))
    };
    let used = zones.into_iter().filter_map(on_it).collect();
    let lines = FIELDS.into_iter().zip(hours::written(&schedule.windows));
    Ok(shown(&SchedulePage {
        look,
        lines: lines.collect(),
        schedule,
        used,
    }))
}

fn body(pairs: &Pairs) -> Answer<ScheduleBody> {
    let field = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    };
    let name = field("name").parse::<Title>();
    let name = name.map_err(|rule: &str| Problem::field("name", format!("{rule}.")))?;
    let windows = hours::read(&FIELDS.map(field))?;
    Ok(ScheduleBody { name, windows })
}

/// Changes a schedule; whom that concerns is looked at first.
pub async fn change(
    state: Here,
    look: Look,
    At(id): At<ScheduleId>,
    Form(mut pairs): Form<Pairs>,
) -> Answer<Response> {
    let sure = confirm::take_yes(&mut pairs);
    let path = format!("/admin/schedules/{id}");
    if !sure {
        let Json(preview) =
            schedules::preview(state.clone(), At(id.clone()), Body(body(&pairs)?)).await?;
        if !preview.is_empty() {
            let title = look.words.say("schedule");
            return Ok(confirm::ask(look, title, &path, preview, pairs));
        }
    }
    let approval = Approval { approved: sure };
    drop(schedules::put(state, At(id), Asked(approval), Body(body(&pairs)?)).await?);
    Ok(see(&look.to(&path)))
}
