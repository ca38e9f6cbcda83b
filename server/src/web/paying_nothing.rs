//! Members who are let in and for whom nobody has paid lately: what lets them in, and whether that is meant.

use super::Here;
use super::extract::Asked;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::standing::{AccessView, StateWord, word};
use super::values::Moment;
use crate::store::people::Person;
use crate::store::search::{Oddity, Search, search};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// A member who is let in for nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unpaid {
    /// The member's number.
    pub member: i64,
    /// The name.
    pub name: String,
    /// Standing in one word.
    pub state: StateWord,
    /// In until then.
    pub date: Option<Moment>,
    /// What lets the member in.
    pub access: Vec<AccessView>,
}

/// Which part.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// The `next` of the part before.
    pub after: Option<i64>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// Members who are let in though nobody has paid for any day of the last month or later
#[utoipa::path(get, path = "/api/v1/members/paying-nothing", tag = "members", params(Part),
    responses((status = OK, body = Page<Unpaid>), Problem))]
pub async fn list(state: Here, Asked(part): Asked<Part>) -> Answer<Json<Page<Unpaid>>> {
    let limit = limit(part.limit)?;
    let now = state.now();
    let mut tx = state.app.store.begin_read().await?;
    let (organisation, after) = (&state.app.organisation, part.after.unwrap_or(0));
    let wanted = Search {
        oddity: Some(Oddity::PaysNothing),
        after,
        limit: limit + 1,
        ..Search::default()
    };
    let rows = search(&mut tx, organisation, wanted, now).await?;
    let place = |person: &Person| person.id.to_string();
    Ok(Json(Page::cut(rows, limit, place, |person| {
        view(person, now)
    })))
}

fn view(person: Person, now: Timestamp) -> Unpaid {
    let standing = person.standing.as_ref();
    let told = standing.map(|standing| word(&standing.state));
    let (state, date) = told.unwrap_or((StateWord::Stranger, None));
    let access = standing.into_iter().flat_map(|standing| &standing.access);
    let access = access
        .filter(|access| access.holds(now))
        .map(AccessView::from);
    Unpaid {
        member: person.id.0,
        name: person.name.clone(),
        state,
        date,
        access: access.collect(),
    }
}
