//! Doors: how they are, and what they are told.

use super::enrol::no_card;
use super::form::Form;
use super::look::Look;
use super::today::{DoorLine, door_lines};
use super::{see, shown};
use crate::web::Here;
use crate::web::agents::{self, AgentView};
use crate::web::commands::{self, CommandOutcome, DoorAction, DoorCommand};
use crate::web::extract::{Asked, At, Body};
use crate::web::organisation::Approval;
use crate::web::problem::Answer;
use crate::web::values::Remark;
use crate::web::zones::{self, SettingsChange, Zone};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{DoorId, MemberId, ZoneId};

#[derive(Template)]
#[template(path = "doors.html")]
struct Page {
    look: Look,
    zones: Vec<ZoneDoors>,
    agents: Vec<AgentView>,
}

/// A zone with its doors.
struct ZoneDoors {
    zone: Zone,
    doors: Vec<DoorLine>,
}

/// The page.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    let mut doors = door_lines(&state).await?;
    let Json(agents) = agents::list(state.clone()).await?;
    let Json(zones) = zones::list(state).await?;
    let with_doors = |zone: Zone| {
        let doors = doors.extract_if(.., |line| line.door.zone == zone.id);
        let doors = doors.collect();
        ZoneDoors { zone, doors }
    };
    let zones = zones.into_iter().map(with_doors).collect();
    Ok(shown(&Page {
        look,
        zones,
        agents,
    }))
}

/// Whether a zone is locked down, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lockdown {
    on: bool,
    reason: Remark,
}

/// Lets only keyholders pass, or everybody again who may.
pub async fn lock_down(
    state: Here,
    look: Look,
    At(zone): At<ZoneId>,
    Form(Lockdown { on, reason }): Form<Lockdown>,
) -> Answer<Response> {
    let change = SettingsChange {
        lockdown: Some(on),
        reason: Some(reason),
        ..SettingsChange::default()
    };
    let approval = Approval { approved: true };
    drop(zones::settings(state, At(zone), Asked(approval), Body(change)).await?);
    Ok(see(&look.to("/admin/doors")))
}

/// What a door is told, and for whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    action: DoorAction,
    member: Option<i64>,
}

/// Tells a door.
pub async fn command(
    state: Here,
    look: Look,
    At(door): At<DoorId>,
    Form(Told { action, member }): Form<Told>,
) -> Answer<Response> {
    let member = member.map(MemberId);
    let command = DoorCommand {
        action,
        member,
        fob: None,
    };
    let Json(outcome) = commands::door(state, At(door), Body(command)).await?;
    match (outcome, member) {
        (CommandOutcome::NoCard, _) => Err(no_card()),
        (_, Some(member)) => Ok(see(&look.to(&format!("/admin/members/{member}")))),
        (_, None) => Ok(see(&look.to("/admin/doors"))),
    }
}
