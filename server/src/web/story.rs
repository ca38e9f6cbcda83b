//! A member's story, as the interface shows it.

use super::values::Moment;
use serde::Serialize;
use shared::story::{self, End};
use utoipa::ToSchema;

/// A term of a member's story.
#[derive(Debug, Serialize, ToSchema)]
pub struct Term {
    /// What it rests on.
    source: String,
    /// As which type.
    membership: String,
    /// From when.
    from: Moment,
    /// Why it began.
    cause: String,
    /// The type before, if a plan change began it.
    instead_of: Option<String>,
    /// Until when; none: it runs.
    until: Option<Moment>,
    /// Why it ended.
    end_cause: Option<String>,
    /// The type after, if a plan change ended it.
    changed_to: Option<String>,
}

impl From<story::Term> for Term {
    fn from(term: story::Term) -> Self {
        let (mark, end) = match term.closed {
            Some(closed) => (Some(closed.mark), Some(closed.end)),
            None => (None, None),
        };
        Self {
            source: term.source.to_string(),
            membership: term.membership.into(),
            from: Moment(term.opened.at),
            cause: term.opened.cause,
            instead_of: term.instead_of.map(String::from),
            until: mark.as_ref().map(|mark| Moment(mark.at)),
            end_cause: mark.map(|mark| mark.cause),
            changed_to: match end {
                Some(End::Changed(to)) => Some(to.into()),
                Some(End::Over(_)) | None => None,
            },
        }
    }
}
