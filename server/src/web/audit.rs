//! The audit log: who did what to whom, how things were before and after, and whether the log is whole.

use super::Here;
use super::extract::Asked;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::{Moment, Told};
use super::who::Change;
use crate::store::audit::{self, Line, Wanted};
use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::MemberId;
use utoipa::{IntoParams, ToSchema};

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLine {
    /// Its number, in the order in which lines were written.
    pub id: i64,
    /// When.
    pub at: Moment,
    /// `server`, `admin` for the server's token, or `staff` and a number.
    pub actor: String,
    /// What was done: `card.lost` and the like; `standing` when the server derived another standing.
    pub action: String,
    /// To whom.
    pub member: Option<i64>,
    /// Why: event ids, a command, the clock.
    pub cause: String,
    /// How things were before, if that is on record.
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    /// How they were after.
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
    /// Whether before and after were erased with the member's data.
    pub erased: bool,
    /// The line's hash in the chain, which is made of the hash before and of the line; none: not chained yet, which takes
    /// a minute.
    pub hash: Option<String>,
}

impl From<Line> for AuditLine {
    fn from(line: Line) -> Self {
        let body = line.body.as_deref();
        let body = body.and_then(|body| serde_json::from_str::<Value>(body).ok());
        let [before, after] = match body {
            // A line that the server wrote has only what came of it.
            Some(after) if line.action == "standing" => [None, Some(after)],
            Some(body) => match serde_json::from_value(body) {
                Ok(Change { before, after }) => [before, after],
                Err(_) => [None, None],
            },
            None => [None, None],
        };
        Self {
            id: line.id,
            at: Moment::of(line.at),
            erased: line.body.is_none() && line.digest.is_some(),
            hash: line.hash.map(|hash| hex(&hash)),
            actor: line.actor,
            action: line.action,
            member: line.member,
            cause: line.cause,
            before,
            after,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which lines; all that are given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Only by this one: `server`, `admin`, `staff 3`.
    pub actor: Option<String>,
    /// Only this action; `card` means all that begin with `card.`.
    pub action: Option<String>,
    /// Only what was done to this member.
    pub member: Option<i64>,
    /// The `next` of the part before.
    pub before: Option<i64>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// The audit log, newest first
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditFilter),
    responses((status = OK, body = Page<AuditLine>), Problem))]
pub async fn list(state: Here, Asked(filter): Asked<AuditFilter>) -> Answer<Json<Page<AuditLine>>> {
    let limit = limit(filter.limit)?;
    let wanted = Wanted {
        actor: filter.actor.as_deref(),
        action: filter.action.as_deref(),
        member: filter.member.map(MemberId),
        before: filter.before.unwrap_or(i64::MAX),
        limit: limit + 1,
    };
    let mut tx = state.app.store.begin_read().await?;
    let rows = audit::lines(&mut tx, &state.app.organisation, &wanted).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| row.id.to_string(),
        AuditLine::from,
    )))
}

/// Whether the audit log is whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditCheck {
    /// How many lines its chain has; none: it is broken.
    pub lines: Option<i64>,
    /// Which line was changed or is gone first; none: it is whole.
    pub broken: Option<Told>,
}

/// Read the whole audit log and check its chain
#[utoipa::path(get, path = "/api/v1/audit/check", tag = "audit",
    responses((status = OK, body = AuditCheck), Problem))]
pub async fn check(state: Here) -> Answer<Json<AuditCheck>> {
    let mut tx = state.app.store.begin_read().await?;
    let found = audit::verify(&mut tx, &state.app.organisation).await?;
    Ok(Json(match found {
        Ok(lines) => AuditCheck {
            lines: Some(lines),
            broken: None,
        },
        Err(broken) => AuditCheck {
            lines: None,
            broken: Some(Told(broken.said())),
        },
    }))
}
