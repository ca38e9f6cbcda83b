//! What happened at the doors, newest first.

use super::look::Look;
use super::shown;
use super::today::{BadgeLine, badge_lines};
use crate::store::reading::BadgeFilter;
use crate::web::Here;
use crate::web::extract::Asked;
use crate::web::problem::Answer;
use askama::Template;
use axum::response::Response;
use serde::Deserialize;

const LINES: u8 = 100;

#[derive(Template)]
#[template(path = "badges.html")]
struct Page {
    look: Look,
    badges: Vec<BadgeLine>,
    /// Where the next part begins; none: this is the end.
    next: Option<String>,
}

/// Which part.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    before: Option<String>,
}

/// The page.
pub async fn show(
    state: Here,
    look: Look,
    Asked(Part { before }): Asked<Part>,
) -> Answer<Response> {
    let before = before
        .as_deref()
        .map(crate::web::badges::place)
        .transpose()?;
    // One more tells whether there is more.
    let filter = BadgeFilter {
        before,
        limit: i64::from(LINES) + 1,
        ..BadgeFilter::default()
    };
    let mut badges = badge_lines(&state, filter).await?;
    let more = badges.len() > usize::from(LINES);
    badges.truncate(usize::from(LINES));
    let last = badges.last().filter(|_| more);
    let next = last.map(|line| format!("{}.{}", line.badge.at.0.0, line.badge.id));
    Ok(shown(&Page { look, badges, next }))
}
