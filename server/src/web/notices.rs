//! What payers and members are to be told, each cause once.

use super::Here;
use super::extract::Asked;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::Moment;
use crate::store::notices::{self, NoticeRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Something to tell a payer or a member.
#[derive(Debug, Serialize, ToSchema)]
pub struct Notice {
    /// Its number.
    id: i64,
    /// `cus_…`; none if it is about no customer.
    customer: Option<String>,
    /// Which member that is; none while the customer belongs to nobody.
    member: Option<i64>,
    /// A short word, such as `payment_failed`.
    kind: String,
    /// The invoice, subscription, session or payment it is about.
    subject: String,
    /// The event, the deed or the clock that gave reason to it.
    cause: String,
    /// Since when.
    at: Moment,
}

impl From<NoticeRow> for Notice {
    fn from(row: NoticeRow) -> Self {
        Self {
            id: row.id,
            customer: row.customer,
            member: row.member,
            kind: row.kind,
            subject: row.subject,
            cause: row.cause,
            at: Moment::of(row.made_at),
        }
    }
}

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoticeFilter {
    /// The `next` of the part before.
    before: Option<i64>,
    /// At most so many, up to 500.
    limit: Option<i64>,
}

/// What payers and members are to be told, newest first
#[utoipa::path(get, path = "/api/v1/notices", tag = "billing", params(NoticeFilter),
    responses((status = OK, body = Page<Notice>), Problem))]
pub async fn list(state: Here, Asked(filter): Asked<NoticeFilter>) -> Answer<Json<Page<Notice>>> {
    let limit = limit(filter.limit)?;
    let before = filter.before.unwrap_or(i64::MAX);
    let mut tx = state.app.store.begin_read().await?;
    let app = &state.app;
    let part = (before, limit + 1);
    let rows = notices::list(&mut tx, &app.organisation, app.account, part).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| row.id.to_string(),
        Notice::from,
    )))
}
