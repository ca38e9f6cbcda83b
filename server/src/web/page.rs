//! Lists come in parts.

use super::problem::{Answer, Problem};
use serde::Serialize;
use utoipa::ToSchema;

/// A part of a list, and where the next begins.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// In the order that the list has.
    pub items: Vec<T>,
    /// Where the next part begins; none: this is the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A part that was asked for with room for one more, which only tells that there is more.
    pub fn cut<R>(
        mut rows: Vec<R>,
        limit: i64,
        place: impl Fn(&R) -> String,
        view: impl Fn(R) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(place);
        Self {
            items: rows.into_iter().map(view).collect(),
            next,
        }
    }
}

/// How many a part has: 50, or what was asked for, up to 500.
pub fn limit(asked: Option<i64>) -> Answer<i64> {
    match asked {
        None => Ok(50),
        Some(limit @ 1..=500) => Ok(limit),
        Some(_) => Err(Problem::field("limit", "Write a number from 1 to 500.")),
    }
}
