//! What a club still has to do until its doors work, told by what exists: nothing is remembered of where somebody left.

use super::problem::{Answer, Problem};
use super::stripe::StripeState;
use super::{Here, State, locked_out, stripe};
use crate::app::Work;
use crate::store::ledger::Wanted;
use crate::store::{ledger, places, reading};
use crate::web::adopt::named;
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// A part of what there is to do, in the order in which it is done best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The club has a name.
    Club,
    /// News of Stripe comes in, or money came by hand.
    Stripe,
    /// There is a membership type, and no price in use names one that is not there.
    Types,
    /// A type opens a zone.
    Zone,
    /// A paired agent serves a door.
    Door,
    /// Somebody passed a door by a card.
    Card,
}

impl Part {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Club => "club",
            Self::Stripe => "stripe",
            Self::Types => "types",
            Self::Zone => "zone",
            Self::Door => "door",
            Self::Card => "card",
        }
    }
}

/// A part, and whether it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// Which.
    #[schema(inline)]
    pub part: Part,
    /// Whether it is done.
    pub done: bool,
}

/// What there is to do until doors work, and what of it is done
#[utoipa::path(get, path = "/api/v1/start", tag = "organisation",
    responses((status = OK, body = Vec<Step>), Problem))]
pub async fn show(state: Here) -> Answer<Json<Vec<Step>>> {
    let Json(heard) = stripe::show(state.clone()).await?;
    let mut work = state.look().await?;
    Ok(Json(steps(&state, &mut work, &heard).await?))
}

/// The parts, each with whether it is done; cheap where all are, for the first page asks.
pub async fn steps(state: &State, work: &mut Work, heard: &StripeState) -> Answer<Vec<Step>> {
    let organisation = &state.app.organisation;
    let (name, _) = places::organisation(&mut work.tx, organisation).await?;
    let mut zones = work.rulebook.zones.values();
    let zone = zones.any(|zone| !zone.access.is_empty());
    let door = !locked_out::served(state, work).await?.is_empty();
    let passed = reading::has_passed(&mut work.tx, organisation).await?;
    let parts = [
        (Part::Club, name != organisation.as_str()),
        (
            Part::Stripe,
            heard.is_heard() || paid_by_hand(state, work).await?,
        ),
        (Part::Types, has_types(state, work).await?),
        (Part::Zone, zone),
        (Part::Door, door),
        (Part::Card, passed),
    ];
    Ok(parts.map(|(part, done)| Step { part, done }).to_vec())
}

async fn paid_by_hand(state: &State, work: &mut Work) -> Answer<bool> {
    let totals = ledger::totals(&mut work.tx, &state.app.organisation, Wanted::default()).await?;
    Ok(totals.iter().any(|(_, source, ..)| source != "stripe"))
}

/// Whether there are types, and every one that a price in use names is there.
async fn has_types(state: &State, work: &mut Work) -> Answer<bool> {
    if work.rulebook.unknown.is_empty() {
        return Ok(!work.rulebook.rules.types.is_empty());
    }
    let offers = state.app.offers(work).await?;
    let unknown = named(&offers, |x| work.rulebook.unknown.contains(x));
    Ok(unknown.is_empty() && !work.rulebook.rules.types.is_empty())
}
