//! What would take access from many is asked about once more, with whom it concerns.

use super::look::Look;
use super::{see, shown};
use crate::web::problem::{Answer, Problem};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "sure.html")]
struct Page {
    look: Look,
    problem: Problem,
    /// Where the form goes, and what it sends again.
    action: String,
    fields: Vec<(&'static str, String)>,
}

/// To another page if it was done; if the mass brake held it, the same form again with a yes in it.
pub fn sure<T>(
    look: Look,
    done: Answer<T>,
    action: &str,
    fields: &[(&'static str, String)],
    to: &str,
) -> Answer<Response> {
    match done {
        Ok(_) => Ok(see(&look.to(to))),
        Err(problem) if !problem.members.is_empty() => Ok(shown(&Page {
            action: look.to(action),
            look,
            problem,
            fields: fields.to_vec(),
        })),
        Err(problem) => Err(problem),
    }
}
