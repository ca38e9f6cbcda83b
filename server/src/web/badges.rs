//! Badge events: what happened at the doors.

use super::Here;
use super::extract::Asked;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::Moment;
use crate::store::reading::{self, BadgeFilter, BadgeRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::badge::{BadgeEvent, What};
use shared::ids::{DoorId, MemberId};
use shared::reasons::{Language, Reason};
use utoipa::{IntoParams, ToSchema};

/// Something that happened at a door.
#[derive(Debug, Serialize, ToSchema)]
pub struct Badge {
    /// Its number.
    pub id: i64,
    /// When, by the door's time.
    pub at: Moment,
    /// Whether that time could be relied on.
    pub clock_trusted: bool,
    /// When it arrived here.
    pub received_at: Moment,
    /// Told by which agent.
    pub agent: String,
    /// Where; none: it concerns the whole agent.
    pub door: Option<String>,
    /// `card`, `exit`, `command`, `local`, `gap`, `started`, `rejected`, `contact`, `alarm` or `refusals`.
    pub kind: String,
    /// Why the lock was released or not, if a card was shown.
    pub reason: Option<String>,
    /// Whether the lock was released.
    pub granted: Option<bool>,
    /// Who, if a listed card was shown.
    pub member: Option<i64>,
    /// What happened, in one sentence.
    pub sentence: String,
    /// The one thing to do; empty where there is nothing.
    pub remedy: &'static str,
}

/// A badge event as it is told in this language, as far as the table of reasons speaks it.
pub fn view(row: BadgeRow, language: Language) -> Badge {
    let event: Option<BadgeEvent> = minicbor::decode(&row.body).ok();
    let reason = row
        .reason
        .as_deref()
        .and_then(|name| Reason::ALL.into_iter().find(|known| known.name() == name));
    let told = reason.map(|reason| reason.row(language));
    let sentence = match (&event, told) {
        (_, Some(told)) => told.staff.to_owned(),
        (Some(event), None) => sentence(&event.what),
        (None, None) => "This version cannot read the event.".to_owned(),
    };
    Badge {
        id: row.id,
        at: Moment::of(row.at),
        clock_trusted: row.trusted != 0,
        received_at: Moment::of(row.received_at),
        agent: row.agent,
        door: row.door,
        kind: row.kind,
        reason: row.reason,
        granted: reason.map(Reason::grants),
        member: row.member,
        sentence,
        remedy: told.map_or("", |told| told.remedy),
    }
}

fn sentence(what: &What) -> String {
    match what {
        What::Card { reason, .. } => reason.row(Language::En).staff.to_owned(),
        What::Exit => "The exit button was pressed.".to_owned(),
        What::Command {
            counter,
            done: true,
        } => format!("Command {counter} was carried out."),
        What::Command {
            counter,
            done: false,
        } => format!("Command {counter} was refused."),
        What::Local { opened: true } => "Somebody at the machine opened the door.".to_owned(),
        What::Local { opened: false } => "Somebody at the machine released the door.".to_owned(),
        What::Gap { lost, grants } => {
            format!("{lost} events could not be kept, {grants} of them grants.")
        }
        What::Started => "The agent started.".to_owned(),
        What::Rejected { why } => format!("A message was refused: {why}."),
        What::Contact { open: true } => "The door was opened.".to_owned(),
        What::Contact { open: false } => "The door was closed.".to_owned(),
        What::Alarm { alarm, on: true } => alarm.sentence().to_owned(),
        What::Alarm { alarm, on: false } => format!("It is over: {}", alarm.sentence()),
        What::Refusals { count, .. } => {
            format!("A card that the list does not know was shown {count} times more.")
        }
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BadgeQuery {
    /// Only at this door.
    #[param(value_type = Option<String>)]
    pub door: Option<DoorId>,
    /// Only of this member.
    pub member: Option<i64>,
    /// Only with this reason.
    #[param(value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// The `next` of the part before.
    pub before: Option<String>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// Badge events, newest first
#[utoipa::path(get, path = "/api/v1/badges", tag = "events", params(BadgeQuery),
    responses((status = OK, body = Page<Badge>), Problem))]
pub async fn list(state: Here, Asked(query): Asked<BadgeQuery>) -> Answer<Json<Page<Badge>>> {
    let limit = limit(query.limit)?;
    let before = query.before.as_deref().map(place).transpose()?;
    let filter = BadgeFilter {
        door: query.door.as_ref().map(DoorId::as_str),
        member: query.member.map(MemberId),
        reason: query.reason.map(Reason::name),
        before,
        limit: limit + 1,
    };
    let mut tx = state.app.store.begin_read().await?;
    let rows = reading::badges(&mut tx, &state.app.organisation, filter).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| format!("{}.{}", row.at, row.id),
        |row| view(row, Language::En),
    )))
}

pub fn place(text: &str) -> Answer<(i64, i64)> {
    let parsed = text
        .split_once('.')
        .and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    parsed.ok_or(Problem::field(
        "before",
        "Write the `next` of the part before.",
    ))
}
