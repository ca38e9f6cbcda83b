//! Stripe's events: what came, whom it is about, what it did.

use super::look::Look;
use super::{see, shown};
use crate::web::Here;
use crate::web::extract::{Asked, At};
use crate::web::inbox::{self, Fate, InboxDetail, InboxEvent, InboxFilter};
use crate::web::problem::Answer;
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;

const LINES: i64 = 100;

#[derive(Template)]
#[template(path = "inbox.html")]
struct Page {
    look: Look,
    /// The fate that was asked for.
    state: &'static str,
    events: Vec<InboxEvent>,
    next: Option<String>,
}

impl Page {
    fn fates(&self) -> [(&'static str, String); 6] {
        Fate::ALL.map(|fate| (fate.word(), self.look.fate(&fate)))
    }
}

/// Which events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    #[serde(default)]
    state: String,
    before: Option<i64>,
}

/// The page.
pub async fn show(state: Here, look: Look, Asked(part): Asked<Part>) -> Answer<Response> {
    let fate = Fate::ALL.into_iter().find(|fate| fate.word() == part.state);
    let filter = InboxFilter {
        state: fate,
        before: part.before,
        limit: Some(LINES),
    };
    let Json(found) = inbox::list(state, Asked(filter)).await?;
    Ok(shown(&Page {
        look,
        state: fate.map_or("", Fate::word),
        events: found.items,
        next: found.next,
    }))
}

#[derive(Template)]
#[template(path = "event.html")]
struct One {
    look: Look,
    detail: InboxDetail,
}

impl One {
    fn may_replay(&self) -> bool {
        self.look.may("inbox.replay") && self.detail.event.state != Fate::Held
    }

    /// Why it has this fate, in words.
    fn why(&self) -> String {
        let word = self.detail.event.state.word();
        self.look.words.say(&format!("fate-why-{word}"))
    }
}

/// One event.
pub async fn event(state: Here, look: Look, At(id): At<i64>) -> Answer<Response> {
    let detail = inbox::detail(&state, id).await?;
    Ok(shown(&One { look, detail }))
}

/// Applies an event once more.
pub async fn replay(state: Here, look: Look, At(id): At<i64>) -> Answer<Response> {
    drop(inbox::replay(state, At(id)).await?);
    Ok(see(&look.to(&format!("/admin/stripe/inbox/{id}"))))
}

/// The words of fates.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = String> {
    let words = |fate: Fate| ["fate", "fate-why"].map(|what| format!("{what}-{}", fate.word()));
    Fate::ALL.into_iter().flat_map(words)
}
