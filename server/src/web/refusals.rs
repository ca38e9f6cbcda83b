//! Whom a door refused of late, and why: what to look at before a door that only watches begins to drive its lock.

use super::Here;
use super::doors::find;
use super::extract::{Asked, At};
use super::problem::{Answer, Problem};
use super::values::Moment;
use crate::said::Said;
use crate::store::reading::{self, MetRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::DoorId;
use shared::reasons::{Language, Reason};
use shared::time::Span;
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Back {
    /// So many days, from 1 to 90; left out: 14.
    pub days: Option<i64>,
}

/// What cards met at a door.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refusals {
    /// Since when.
    pub since: Moment,
    /// How often a card was let in.
    pub granted: i64,
    /// How often a card was refused that no list names.
    pub unknown: i64,
    /// Members who were refused, by reason, the newest first.
    pub members: Vec<RefusedMember>,
}

/// A member who was refused for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedMember {
    /// The member's number.
    pub id: i64,
    /// The name.
    pub name: String,
    /// Why, in one word.
    pub reason: &'static str,
    /// Why, in one sentence.
    pub sentence: &'static str,
    /// How often.
    pub times: i64,
    /// When last.
    pub last: Moment,
}

impl Refusals {
    /// How many members were refused.
    pub fn concerned(&self) -> usize {
        let members = self.members.iter().map(|member| member.id);
        members.collect::<BTreeSet<i64>>().len()
    }
}

/// Sums up what cards met.
fn sum(rows: Vec<MetRow>, since: Moment, language: Language) -> Refusals {
    let mut refusals = Refusals {
        since,
        granted: 0,
        unknown: 0,
        members: Vec::new(),
    };
    for row in rows {
        let mut known = Reason::ALL.into_iter();
        let reason = known.find(|known| Some(known.name()) == row.reason.as_deref());
        match (reason, row.member) {
            (Some(reason), _) if reason.grants() => refusals.granted += row.times,
            (Some(reason), Some(id)) => refusals.members.push(RefusedMember {
                id,
                name: row.name.unwrap_or_default(),
                reason: reason.name(),
                sentence: reason.row(language).staff,
                times: row.times,
                last: Moment::of(row.last),
            }),
            // Of a reason that this version does not know, only that it was one is known.
            (_, _) => refusals.unknown += row.times,
        }
    }
    refusals
}

/// Whom a door refused of late, told in a language.
pub async fn told(
    state: &Here,
    id: &DoorId,
    days: Option<i64>,
    language: Language,
) -> Answer<Refusals> {
    let days = match days {
        None => 14,
        Some(days @ 1..=90) => days,
        Some(_) => return Err(Problem::field("days", Said::of("refused-days-back"))),
    };
    let since = state.now() - Span::days(days);
    let mut tx = state.app.store.begin_read().await?;
    find(state, &mut tx, id).await?;
    let rows = reading::met(&mut tx, &state.app.organisation, id.as_str(), since).await?;
    Ok(sum(rows, Moment(since), language))
}

/// Whom a door refused of late, and why; where a door only watches, whom it would have refused
#[utoipa::path(get, path = "/api/v1/doors/{door}/refusals", tag = "doors", params(("door" = String, Path), Back),
    responses((status = OK, body = Refusals), Problem))]
pub async fn list(
    state: Here,
    At(id): At<DoorId>,
    Asked(Back { days }): Asked<Back>,
) -> Answer<Json<Refusals>> {
    Ok(Json(told(&state, &id, days, Language::En).await?))
}
