//! Badge events: what happened at the doors.

use super::Here;
use super::extract::Asked;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::{Moment, Told};
use crate::doors::alarms;
use crate::said::{Part, Said};
use crate::store::reading::{self, BadgeFilter, BadgeRow};
use crate::words::Words;
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::badge::{BadgeEvent, What};
use shared::ids::{DoorId, MemberId};
use shared::reasons::Reason;
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
    pub sentence: Told,
    /// The one thing to do; empty where there is nothing.
    pub remedy: Told,
}

impl From<BadgeRow> for Badge {
    fn from(row: BadgeRow) -> Self {
        let event: Option<BadgeEvent> = minicbor::decode(&row.body).ok();
        let reason = row
            .reason
            .as_deref()
            .and_then(|name| Reason::ALL.into_iter().find(|known| known.name() == name));
        let sentence = match (&event, reason) {
            (_, Some(reason)) => Said::Reason(reason),
            (Some(event), None) => sentence(&event.what),
            (None, None) => Said::of("badge-unreadable"),
        };
        Self {
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
            sentence: Told(sentence),
            remedy: Told(reason.map_or_else(|| "".into(), Said::Remedy)),
        }
    }
}

impl Badge {
    /// The same, also in the interface in this language.
    pub fn in_words(self, words: Words) -> Self {
        let told = |told: Told| Told(told.told(words, &|at| at.to_string()).into());
        Self {
            sentence: told(self.sentence),
            remedy: told(self.remedy),
            ..self
        }
    }
}

fn sentence(what: &What) -> Said {
    match what {
        What::Card { reason, .. } => Said::Reason(*reason),
        What::Exit => Said::of("badge-exit"),
        What::Command { counter, done } => {
            let said = match done {
                true => Said::of("badge-command-done"),
                false => Said::of("badge-command-refused"),
            };
            said.put("number", Part::word(counter))
        }
        What::Local { opened: true } => Said::of("badge-local-opened"),
        What::Local { opened: false } => Said::of("badge-local-released"),
        What::Gap { lost, grants } => Said::of("badge-gap")
            .put("lost", Part::count(*lost))
            .put("grants", Part::count(*grants)),
        What::Started => Said::of("badge-started"),
        What::Rejected { why } => Said::of("badge-rejected").put("why", Part::word(why)),
        What::Contact { open: true } => Said::of("badge-opened"),
        What::Contact { open: false } => Said::of("badge-closed"),
        What::Alarm { alarm, on: true } => alarms::sentence(*alarm),
        What::Alarm { alarm, on: false } => {
            Said::of("badge-alarm-over").put("alarm", alarms::sentence(*alarm))
        }
        What::Refusals { count, .. } => {
            Said::of("badge-refusals").put("count", Part::count(*count))
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
        Badge::from,
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
