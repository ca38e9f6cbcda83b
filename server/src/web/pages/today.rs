//! The first page: what needs somebody, how the doors are, who came.

use super::look::Look;
use super::week::{self, Week};
use super::{shown, start};
use crate::store::reading::{self, BadgeFilter};
use crate::store::{places, search};
use crate::web::agents::AgentView;
use crate::web::attention::{Attention, AttentionFilter};
use crate::web::badges::Badge;
use crate::web::doors::Door;
use crate::web::extract::Asked;
use crate::web::problem::Answer;
use crate::web::standing::StateWord;
use crate::web::{Here, agents, attention, doors};
use askama::Template;
use axum::Json;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many of each are shown.
const LINES: i64 = 20;

#[derive(Template)]
#[template(path = "today.html")]
struct Page {
    look: Look,
    /// How far the guide is, done and all; none: it is done, or not for whoever looks.
    guide: Option<(usize, usize)>,
    items: Vec<Attention>,
    doors: Vec<DoorLine>,
    badges: Vec<BadgeLine>,
    members: Vec<(&'static str, i64)>,
    week: Week,
}

impl Page {
    /// How far the guide is, in words.
    fn progress(&self) -> Option<String> {
        let (done, all) = self.guide?;
        let words = &self.look.words;
        Some(words.with_two("start-progress", ("done", &done), ("all", &all)))
    }
}

/// A door with whoever serves it.
pub struct DoorLine {
    pub door: Door,
    pub agent: Option<Arc<AgentView>>,
}

impl DoorLine {
    /// Whether it follows the newest list, as far as is known.
    pub fn is_current(&self) -> bool {
        let report = self.agent.as_ref().and_then(|agent| agent.report.as_ref());
        report.is_some_and(|report| {
            let of_zone = report.zones.iter().find(|held| held.zone == self.door.zone);
            of_zone.is_some_and(|held| held.current && held.policy_current)
        })
    }

    /// Whether its agent only logs what it decides.
    pub fn is_shadow(&self) -> bool {
        let report = self.agent.as_ref().and_then(|agent| agent.report.as_ref());
        report.is_some_and(|report| report.shadow)
    }

    /// Whether its agent reported lately.
    pub fn is_in_contact(&self) -> bool {
        self.agent.as_ref().is_some_and(|agent| agent.in_contact)
    }
}

/// A badge event with names.
pub struct BadgeLine {
    pub badge: Badge,
    /// Of the member.
    pub name: Option<String>,
    /// Of the door, as far as it is there still.
    pub door: Option<String>,
}

/// The page.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    let filter = AttentionFilter {
        all: false,
        before: None,
        limit: Some(LINES),
    };
    let Json(items) = attention::list(state.clone(), Asked(filter)).await?;
    let doors = door_lines(&state).await?;
    let newest = BadgeFilter {
        limit: LINES,
        ..BadgeFilter::default()
    };
    let badges = badge_lines(&state, newest).await?;
    let mut tx = state.app.store.begin_read().await?;
    let counts = search::count_by_state(&mut tx, &state.app.organisation).await?;
    let count = |word: &str| counts.get(word).copied().unwrap_or(0);
    let words = StateWord::ALL.into_iter().map(StateWord::word);
    let members = words.map(|word| (word, count(word))).collect();
    let week = week::draw(&mut tx, &look, &state.app.organisation).await?;
    let items = items.items;
    drop(tx);
    let guide = match look.may("start.follow") {
        true => start::progress(&state).await?,
        false => None,
    };
    Ok(shown(&Page {
        look,
        guide,
        items,
        doors,
        badges,
        members,
        week,
    }))
}

/// All doors with their agents.
pub async fn door_lines(state: &Here) -> Answer<Vec<DoorLine>> {
    let Json(doors) = doors::list(state.clone()).await?;
    let Json(agents) = agents::list(state.clone()).await?;
    let named = agents
        .into_iter()
        .map(|agent| (agent.id.clone(), Arc::new(agent)));
    let agents: BTreeMap<String, Arc<AgentView>> = named.collect();
    let lines = doors.into_iter().map(|door| {
        let agent = door.agent.as_ref().and_then(|id| agents.get(id).cloned());
        DoorLine { door, agent }
    });
    Ok(lines.collect())
}

/// The newest badge events, with the names of members and doors.
pub async fn badge_lines(state: &Here, filter: BadgeFilter<'_>) -> Answer<Vec<BadgeLine>> {
    let mut tx = state.app.store.begin_read().await?;
    let organisation = &state.app.organisation;
    let rows = reading::badges(&mut tx, organisation, filter).await?;
    let doors = places::doors(&mut tx, organisation).await?;
    let doors = doors
        .into_iter()
        .map(|door| (door.id.to_string(), door.name));
    let doors: BTreeMap<String, String> = doors.collect();
    let line = |mut row: reading::BadgeRow| {
        let name = row.name.take();
        let badge = Badge::from(row);
        let door = badge.door.as_ref().and_then(|id| doors.get(id)).cloned();
        BadgeLine { badge, name, door }
    };
    Ok(rows.into_iter().map(line).collect())
}
