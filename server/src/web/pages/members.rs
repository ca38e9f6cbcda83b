//! Members: found by name or address, by standing, type, and what is odd about them.

use super::form::Form;
use super::look::Look;
use super::{bulk, see, shown};
use crate::store::{places, search};
use crate::web::extract::{Asked, Body};
use crate::web::members::{MemberFilter, MemberLine, NewMemberBody, Only};
use crate::web::problem::Answer;
use crate::web::standing::StateWord;
use crate::web::values::{Mail, Title};
use crate::web::{Here, members};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::MembershipTypeId;
use std::collections::BTreeMap;

const LINES: i64 = 100;

#[derive(Template)]
#[template(path = "members.html")]
struct Page {
    look: Look,
    search: Search,
    lines: Vec<MemberLine>,
    /// Where the next part begins; none: this is the end.
    next: Option<String>,
    /// How many members there are of each standing; not asked for while somebody types.
    counts: BTreeMap<String, i64>,
    /// To how many members something was just done.
    done: Option<i64>,
    types: Vec<places::Type>,
}

impl Page {
    fn states(&self) -> [&'static str; 6] {
        StateWord::ALL.map(StateWord::word)
    }

    fn deeds(&self) -> Vec<(&'static str, String)> {
        bulk::deeds(&self.look)
    }

    fn only(&self) -> [(&'static str, String); 2] {
        let said = |word: &str| self.look.words.say(&format!("only-{word}"));
        Only::ALL.map(|only| (only.word(), said(only.word())))
    }

    /// What people call the types of a line.
    fn named(&self, line: &MemberLine) -> String {
        let name = |id: &String| {
            let known = self.types.iter().find(|known| known.id.as_str() == id);
            known.map_or_else(|| id.clone(), |known| known.name.clone())
        };
        let names: Vec<String> = line.memberships.iter().map(name).collect();
        names.join(", ")
    }
}

/// What is looked for. Names come in a form's body: an address is kept in logs and histories.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    membership: String,
    #[serde(default)]
    only: String,
    after: Option<i64>,
}

impl Search {
    /// What somebody looked for before.
    pub fn of(q: &str, state: &str, membership: &str, only: &str) -> Self {
        Self {
            q: q.to_owned(),
            state: state.to_owned(),
            membership: membership.to_owned(),
            only: only.to_owned(),
            after: None,
        }
    }

    /// What is meant; words that mean nothing are left out.
    pub fn filter(&self) -> MemberFilter {
        let state = StateWord::ALL.into_iter();
        let only = Only::ALL.into_iter();
        MemberFilter {
            q: Some(self.q.trim().to_owned()).filter(|text| !text.is_empty()),
            state: state.clone().find(|known| known.word() == self.state),
            membership: MembershipTypeId::new(self.membership.as_str()).ok(),
            only: only.clone().find(|known| known.word() == self.only),
            after: self.after,
            limit: Some(LINES),
        }
    }
}

/// What of it may stand in an address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    #[serde(default)]
    state: String,
    #[serde(default)]
    membership: String,
    #[serde(default)]
    only: String,
    /// To how many members something was just done.
    done: Option<i64>,
}

/// The page.
pub async fn show(state: Here, look: Look, Asked(part): Asked<Part>) -> Answer<Response> {
    let search = Search {
        state: part.state,
        membership: part.membership,
        only: part.only,
        ..Search::default()
    };
    let mut tx = state.app.store.begin_read().await?;
    let counts = search::count_by_state(&mut tx, &state.app.organisation).await?;
    drop(tx);
    page(state, look, search, (counts, part.done)).await
}

/// The page with what is looked for.
pub async fn find(state: Here, look: Look, Form(search): Form<Search>) -> Answer<Response> {
    page(state, look, search, (BTreeMap::new(), None)).await
}

async fn page(
    state: Here,
    look: Look,
    search: Search,
    (counts, done): (BTreeMap<String, i64>, Option<i64>),
) -> Answer<Response> {
    let Json(found) = members::list(state.clone(), Asked(search.filter())).await?;
    let mut tx = state.app.store.begin_read().await?;
    let types = places::types(&mut tx, &state.app.organisation).await?;
    Ok(shown(&Page {
        look,
        search,
        lines: found.items,
        next: found.next,
        counts,
        done,
        types,
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
