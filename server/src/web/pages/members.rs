//! Members: found by a part of a name or address, and by standing.

use super::form::Form;
use super::look::Look;
use super::{see, shown};
use crate::web::extract::{Asked, Body};
use crate::web::members::{MemberFilter, MemberLine, NewMemberBody};
use crate::web::problem::Answer;
use crate::web::standing::StateWord;
use crate::web::values::{Mail, Title};
use crate::web::{Here, members};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;

const LINES: i64 = 100;

#[derive(Template)]
#[template(path = "members.html")]
struct Page {
    look: Look,
    asked: String,
    state: String,
    lines: Vec<MemberLine>,
    /// Where the next part begins; none: this is the end.
    next: Option<String>,
    states: [&'static str; 6],
}

impl Page {
    fn is_chosen(&self, word: &str) -> bool {
        self.state == word
    }
}

/// What is looked for. Names come in a form's body: an address is kept in logs and histories.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    after: Option<i64>,
}

/// The words by which members can be chosen.
pub const STATES: [StateWord; 6] = [
    StateWord::Good,
    StateWord::Grace,
    StateWord::Pending,
    StateWord::Lapsed,
    StateWord::Held,
    StateWord::Stranger,
];

/// What of it may stand in an address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    #[serde(default)]
    state: String,
}

/// The page.
pub async fn show(state: Here, look: Look, Asked(part): Asked<Part>) -> Answer<Response> {
    let search = Search {
        q: String::new(),
        state: part.state,
        after: None,
    };
    find(state, look, Form(search)).await
}

/// The page with what is looked for.
pub async fn find(state: Here, look: Look, Form(search): Form<Search>) -> Answer<Response> {
    let chosen = STATES
        .into_iter()
        .find(|known| known.word() == search.state);
    let filter = MemberFilter {
        q: Some(search.q.trim().to_owned()).filter(|text| !text.is_empty()),
        state: chosen,
        after: search.after,
        limit: Some(LINES),
    };
    let Json(found) = members::list(state, Asked(filter)).await?;
    Ok(shown(&Page {
        look,
        asked: search.q,
        state: chosen.map_or(String::new(), |chosen| chosen.word().to_owned()),
        lines: found.items,
        next: found.next,
        states: STATES.map(StateWord::word),
    }))
}

/// A new member.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    name: Title,
    mail: Option<Mail>,
}

/// Makes a member, and shows them.
pub async fn create(
    state: Here,
    look: Look,
    Form(NewMember { name, mail }): Form<NewMember>,
) -> Answer<Response> {
    let keyholder = false;
    let body = NewMemberBody {
        name,
        mail,
        keyholder,
    };
    let (_, Json(made)) = members::create(state, Body(body)).await?;
    Ok(see(&look.to(&format!("/admin/members/{}", made.id))))
}
