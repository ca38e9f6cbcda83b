//! A change that concerns members is looked at before it is made: whom it concerns, by name.

use super::look::Look;
use super::shown;
use crate::store::people;
use crate::web::Here;
use crate::web::preview::{Concerned, Preview};
use crate::web::problem::{Answer, Problem};
use askama::Template;
use axum::response::Response;

/// What a form sent.
pub type Pairs = Vec<(String, String)>;

/// The field that says yes.
const SURE: &str = "sure";

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm {
    look: Look,
    /// What is to be changed.
    title: String,
    preview: Preview,
    action: String,
    pairs: Pairs,
}

impl Confirm {
    /// Each kind of concern with its heading.
    fn parts(&self) -> [(String, &[Concerned]); 3] {
        let Preview {
            gain,
            lose,
            other_hours,
            waits: _,
        } = &self.preview;
        let said = |key: &str, list: &[Concerned]| self.look.words.with(key, "count", &list.len());
        [
            (said("preview-lose", lose), lose),
            (said("preview-gain", gain), gain),
            (said("preview-other-hours", other_hours), other_hours),
        ]
    }
}

/// Takes the yes out of what a form sent.
pub fn take_yes(pairs: &mut Pairs) -> bool {
    let all = pairs.len();
    pairs.retain(|(name, _)| name != SURE);
    pairs.len() < all
}

/// Asks for a yes, with everything that the form sent.
pub fn ask(look: Look, title: String, path: &str, preview: Preview, pairs: Pairs) -> Response {
    shown(&Confirm {
        action: look.to(path),
        look,
        title,
        preview,
        pairs,
    })
}

/// What a braked change would take from whom; any other refusal stays one.
pub async fn braked(state: &Here, problem: Problem) -> Answer<Preview> {
    if problem.members.is_empty() {
        return Err(problem);
    }
    let mut tx = state.app.store.begin_read().await?;
    let all = people::standings(&mut tx, &state.app.organisation).await?;
    let lose = all
        .into_iter()
        .filter(|(member, ..)| problem.members.contains(member))
        .map(|(member, name, _)| Concerned { id: member.0, name });
    Ok(Preview {
        gain: Vec::new(),
        lose: lose.collect(),
        other_hours: Vec::new(),
        waits: true,
    })
}
