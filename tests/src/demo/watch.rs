//! Tells whose standing changed, whatever changed it: a button, the clock, or an event from outside.

use super::log::Kind;
use super::page::Stage;
use super::story::tier;
use server::store::members;
use shared::ids::MemberId;
use shared::standing::{Standing, State};
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The tiers that hold at a moment, by name, each once.
#[must_use]
pub fn tiers(standing: &Standing, now: Timestamp) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for access in standing.access.iter().filter(|access| access.holds(now)) {
        let name = tier(&access.membership.to_string());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Writes a line whenever standings have changed and come to rest.
pub async fn watch(stage: Arc<Stage>) {
    let mut told = BTreeMap::new();
    let mut before = BTreeMap::new();
    let mut timer = tokio::time::interval(Duration::from_millis(300));
    loop {
        timer.tick().await;
        let Ok(words) = words(&stage).await else {
            continue;
        };
        if told.is_empty() {
            told.clone_from(&words);
        }
        // While events wait to be applied, standings pass through states that nobody needs to read about.
        if words != told && words == before && stage.api.caught_up().await.is_ok() {
            let changed: Vec<String> = words
                .iter()
                .filter(|(id, (_, word))| told.get(id).is_none_or(|(_, old)| old != word))
                .map(|(_, (name, word))| format!("{name} is {word}"))
                .collect();
            let text = format!("Standing changed: {}.", changed.join("; "));
            stage.log.add(stage.clock.now(), Kind::News, text);
            told.clone_from(&words);
        }
        before = words;
    }
}

type Words = BTreeMap<i64, (&'static str, String)>;

async fn words(stage: &Stage) -> anyhow::Result<Words> {
    let now = stage.clock.now();
    let mut tx = stage.app.store.begin_read().await?;
    let mut words = Words::new();
    for person in &stage.people {
        let standing = members::standing(&mut tx, MemberId(person.id)).await?;
        let word = standing.map_or_else(|| "not a member".to_owned(), |known| word(&known, now));
        words.insert(person.id, (person.name, word));
    }
    Ok(words)
}

fn word(standing: &Standing, now: Timestamp) -> String {
    let names = tiers(standing, now).join(" and ");
    match standing.state {
        State::Good { .. } => format!("in good standing ({names})"),
        State::Grace { .. } => format!("in grace ({names}): a payment is missing"),
        State::Held { .. } => "on hold".to_owned(),
        State::Pending { .. } => "not yet in".to_owned(),
        State::Lapsed { .. } => "lapsed".to_owned(),
        State::Stranger => "not a member".to_owned(),
    }
}
