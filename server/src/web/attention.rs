//! The attention list: what a human must look at, and the one thing to do.

use super::Here;
use super::extract::Asked;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::{Moment, Told};
use crate::attention::{Kind, Resolution};
use crate::store::reading::{self, AttentionRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

/// Something a human must look at.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attention {
    /// Its number.
    pub id: i64,
    /// A short word, the same everywhere.
    #[schema(schema_with = words)]
    pub kind: String,
    /// What it is about: an id.
    pub subject: String,
    /// What happened.
    pub sentence: Told,
    /// The one thing to do.
    pub remedy: Told,
    /// What this list can do about it itself, in one step: first what the item asks for.
    pub actions: Vec<Resolution>,
    /// Whom it concerns.
    pub member: Option<i64>,
    /// Since when.
    pub opened_at: Moment,
    /// When it was settled; none: it is open.
    pub resolved_at: Option<Moment>,
}

impl From<AttentionRow> for Attention {
    fn from(row: AttentionRow) -> Self {
        let [sentence, remedy] = row.said().map(Told);
        let AttentionRow {
            id,
            kind,
            subject,
            sentence: _,
            remedy: _,
            told: _,
            member,
            opened_at,
            resolved_at,
        } = row;
        let (opened_at, resolved_at) = (Moment::of(opened_at), resolved_at.map(Moment::of));
        Self {
            id,
            actions: actions(Kind::read(&kind)).to_vec(),
            kind,
            subject,
            sentence,
            remedy,
            member,
            opened_at,
            resolved_at,
        }
    }
}

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttentionFilter {
    /// Also what was settled.
    #[serde(default)]
    pub all: bool,
    /// The `next` of the part before.
    pub before: Option<i64>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// What a human must look at, newest first
#[utoipa::path(get, path = "/api/v1/attention", tag = "events", params(AttentionFilter),
    responses((status = OK, body = Page<Attention>), Problem))]
pub async fn list(
    state: Here,
    Asked(filter): Asked<AttentionFilter>,
) -> Answer<Json<Page<Attention>>> {
    let limit = limit(filter.limit)?;
    let mut tx = state.app.store.begin_read().await?;
    let (organisation, before) = (&state.app.organisation, filter.before.unwrap_or(i64::MAX));
    let rows = reading::attention(&mut tx, organisation, !filter.all, before, limit + 1).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| row.id.to_string(),
        Attention::from,
    )))
}

/// A kind of item.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttentionKind {
    /// Its word.
    pub kind: &'static str,
    /// What the list can do about it, in one step: first what the item asks for.
    pub actions: Vec<Resolution>,
    /// Whether it stays settled while its cause lasts; else it is told again when it happens again.
    pub lasts: bool,
}

/// Every kind of item, and what resolves it
#[utoipa::path(get, path = "/api/v1/attention/kinds", tag = "events",
    responses((status = OK, body = Vec<AttentionKind>), Problem))]
pub async fn kinds() -> Json<Vec<AttentionKind>> {
    let row = |kind: Kind| AttentionKind {
        kind: kind.word(),
        actions: kind.resolutions().to_vec(),
        lasts: kind.lasts(),
    };
    Json(Kind::all().map(row).collect())
}

/// What a word of another version can be answered with.
const OF_UNKNOWN: [Resolution; 1] = [Resolution::Seen];

/// What can be done about items of a kind.
#[must_use]
pub fn actions(kind: Option<Kind>) -> &'static [Resolution] {
    kind.map_or(&OF_UNKNOWN, Kind::resolutions)
}

/// All words, for the description of the interface.
fn words() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A short word, the same everywhere."))
        .enum_values(Some(Kind::all().map(Kind::word)))
        .build()
        .into()
}
