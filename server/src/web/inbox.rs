//! The inbox: Stripe's events as they came, and what became of each.

use super::Here;
use super::extract::{Asked, At};
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::Moment;
use crate::store::reading::{self, InboxRow};
use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An event from Stripe.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxEvent {
    /// Its number in order of arrival.
    id: i64,
    /// `evt_…`
    event: String,
    /// `customer.subscription.updated` and the like.
    kind: String,
    /// When Stripe made it.
    created: Moment,
    /// When it came.
    received_at: Moment,
    /// `pending`, `asking`, `held`, `applied`, `ignored` or `poisoned`.
    state: String,
    /// How often applying it failed.
    tries: i64,
    /// Why.
    note: Option<String>,
}

impl From<InboxRow> for InboxEvent {
    fn from(row: InboxRow) -> Self {
        let InboxRow {
            id,
            event,
            kind,
            created,
            received_at,
            state,
            tries,
            note,
        } = row;
        Self {
            id,
            event,
            kind,
            created: Moment::of(created),
            received_at: Moment::of(received_at),
            state,
            tries,
            note,
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It waits.
    Pending,
    /// Stripe is asked what it is about.
    Asking,
    /// Old news that would take access from many: an admin's yes is waited for.
    Held,
    /// Its content counts.
    Applied,
    /// It says nothing about access.
    Ignored,
    /// It could not be applied.
    Poisoned,
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxFilter {
    /// Only with this fate.
    #[param(inline)]
    state: Option<Fate>,
    /// The `next` of the part before.
    before: Option<i64>,
    /// At most so many, up to 500.
    limit: Option<i64>,
}

/// Stripe's events, newest first
#[utoipa::path(get, path = "/api/v1/inbox", tag = "events", params(InboxFilter),
    responses((status = OK, body = Page<InboxEvent>), Problem))]
pub async fn list(
    state: Here,
    Asked(filter): Asked<InboxFilter>,
) -> Answer<Json<Page<InboxEvent>>> {
    let limit = limit(filter.limit)?;
    let fate = filter.state.map(|fate| match fate {
        Fate::Pending => "pending",
        Fate::Asking => "asking",
        Fate::Held => "held",
        Fate::Applied => "applied",
        Fate::Ignored => "ignored",
        Fate::Poisoned => "poisoned",
    });
    let mut tx = state.app.store.begin_read().await?;
    let before = filter.before.unwrap_or(i64::MAX);
    let rows = reading::inbox(&mut tx, state.app.account, fate, before, limit + 1).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| row.id.to_string(),
        InboxEvent::from,
    )))
}

/// How an event is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Raw {
    /// `1`: the body as Stripe sent it, with all it says of the customer.
    raw: Option<u8>,
}

/// One event of Stripe's, and what became of it
#[utoipa::path(get, path = "/api/v1/inbox/{event}", tag = "events", params(("event" = i64, Path), Raw),
    responses((status = OK, body = InboxEvent), Problem))]
pub async fn show(
    state: Here,
    At(id): At<i64>,
    Asked(Raw { raw }): Asked<Raw>,
) -> Answer<Response> {
    let mut tx = state.app.store.begin_read().await?;
    let account = state.app.account;
    match raw {
        None | Some(0) => {
            let row = reading::inbox_one(&mut tx, account, id)
                .await?
                .ok_or(Problem::not_found("event"))?;
            Ok(Json(InboxEvent::from(row)).into_response())
        }
        Some(1) => {
            let body = reading::inbox_body(&mut tx, account, id)
                .await?
                .ok_or(Problem::not_found("event"))?;
            Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
        }
        Some(_) => Err(Problem::field("raw", "Write 1, or leave it out.")),
    }
}
