//! Letters: what went out and what waits, in which language, and in whose words.

use super::form::Form;
use super::look::Look;
use super::{see, shown};
use crate::mail::text::{self, Text};
use crate::store::letters::Kind;
use crate::store::post;
use crate::web::Here;
use crate::web::extract::{Asked, At, Body};
use crate::web::letters::{self, Letter, LetterFilter, LetterText, LetterTextBody, LetterView};
use crate::web::organisation::{self, Approval, OrganisationChange};
use crate::web::problem::{Answer, Problem};
use crate::web::values::Moment;
use crate::words::Words;
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;

const LINES: i64 = 100;

#[derive(Template)]
#[template(path = "mail.html")]
struct Page {
    look: Look,
    is_mailed: bool,
    language: String,
    letters: Vec<Letter>,
    next: Option<String>,
}

impl Page {
    fn kind(&self, word: &str) -> String {
        self.look.words.say(&text::kind_key(word))
    }

    /// What came of a letter so far, in the words of people.
    fn outcome(&self, letter: &Letter) -> String {
        let Some(outcome) = &letter.outcome else {
            return self.look.words.say("mail-waits");
        };
        let (word, code) = outcome.split_once(' ').unwrap_or((outcome, ""));
        let said = self.look.words.say(&text::outcome_key(word));
        format!("{said} {code}").trim_end().to_owned()
    }

    fn due(&self, at: &Moment) -> String {
        let at = self.look.moment(at);
        self.look.words.with("mail-due", "at", &at)
    }

    fn kinds(&self) -> impl Iterator<Item = &'static str> {
        Kind::all().map(Kind::word)
    }

    fn languages(&self) -> impl Iterator<Item = &'static str> {
        Words::languages()
    }
}

/// Which part.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    before: Option<i64>,
}

/// The page.
pub async fn show(
    state: Here,
    look: Look,
    Asked(Part { before }): Asked<Part>,
) -> Answer<Response> {
    let filter = LetterFilter {
        before,
        limit: Some(LINES),
    };
    let Json(found) = letters::list(state.clone(), Asked(filter)).await?;
    let mut tx = state.app.store.begin_read().await?;
    let language = post::language(&mut tx, &state.app.organisation).await?;
    let (letters, next) = (found.items, found.next);
    Ok(shown(&Page {
        look,
        is_mailed: state.app.is_mailed,
        language,
        letters,
        next,
    }))
}

/// In which language letters are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    language: organisation::Language,
}

/// Lets letters be written in another language.
pub async fn change_language(
    state: Here,
    look: Look,
    Form(Language { language }): Form<Language>,
) -> Answer<Response> {
    let change = OrganisationChange {
        language: Some(language),
        ..OrganisationChange::default()
    };
    let approval = Approval { approved: false };
    drop(organisation::change(state, Asked(approval), Body(change)).await?);
    Ok(see(&look.to("/admin/mail")))
}

#[derive(Template)]
#[template(path = "letter.html")]
struct One {
    look: Look,
    letter: LetterView,
}

/// What a letter says.
pub async fn letter(state: Here, look: Look, id: At<i64>) -> Answer<Response> {
    let Json(letter) = letters::show(state, id).await?;
    Ok(shown(&One { look, letter }))
}

#[derive(Template)]
#[template(path = "letter_text.html")]
struct Texts {
    look: Look,
    kind: &'static str,
    language: &'static str,
    text: LetterText,
    /// How it reads.
    example: Text,
}

impl Texts {
    fn title(&self) -> String {
        self.look.words.say(&text::kind_key(self.kind))
    }

    fn languages(&self) -> impl Iterator<Item = &'static str> {
        Words::languages()
    }
}

/// The text of a kind, as it may be written anew.
pub async fn write(
    state: Here,
    look: Look,
    At((kind, language)): At<(String, String)>,
) -> Answer<Response> {
    let (kind, words) = letters::which(&kind, &language)?;
    let mut tx = state.app.store.begin_read().await?;
    let current = letters::current(&state, &mut tx, (kind, &words)).await?;
    Ok(page(look, (kind, &words), current))
}

fn page(look: Look, (kind, words): (Kind, &Words), current: LetterText) -> Response {
    let date = look.moment(&Moment(look.now));
    let values = text::example(words, &look.club, &date);
    let example = Text {
        subject: current.subject.clone(),
        body: current.body.clone(),
    };
    shown(&Texts {
        kind: kind.word(),
        language: words.language,
        example: example.fill(&values),
        text: current,
        look,
    })
}

/// What is to become of a text.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Deed {
    Save,
    Preview,
    Reset,
}

/// A text that somebody wrote.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    deed: Deed,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    body: String,
}

/// Keeps a text, shows how it reads, or takes it back.
pub async fn rewrite(
    state: Here,
    look: Look,
    At((kind, language)): At<(String, String)>,
    Form(written): Form<Written>,
) -> Answer<Response> {
    let at = At((kind.clone(), language.clone()));
    let body = LetterTextBody {
        subject: written.subject,
        body: written.body,
    };
    match written.deed {
        Deed::Save => drop(letters::put_text(state, at, Body(body)).await?),
        Deed::Reset => drop(letters::remove_text(state, at).await?),
        Deed::Preview => {
            let (kind, words) = letters::which(&kind, &language)?;
            let Text { subject, body } = body.checked(kind)?;
            let text = LetterText {
                subject,
                body,
                own: true,
                places: text::places(kind),
            };
            return Ok(page(look, (kind, &words), text));
        }
    }
    Ok(see(
        &look.to(&format!("/admin/mail/texts/{kind}/{language}"))
    ))
}

/// Whether somebody wants to be written to of what cannot wait.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    #[serde(default)]
    mailed: bool,
}

/// Writes to oneself, or no more.
pub async fn switch(
    state: Here,
    look: Look,
    Form(Wish { mailed }): Form<Wish>,
) -> Answer<Response> {
    let Some((id, _)) = state.who.session else {
        return Err(Problem::signed_out());
    };
    let mut work = state.work().await?;
    post::put_mailed(&mut work.tx, id, mailed).await?;
    let cause = if mailed { "wanted" } else { "not wanted" };
    state.note(&mut work, "staff.mailed", None, cause);
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/me")))
}
