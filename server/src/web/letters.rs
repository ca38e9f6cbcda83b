//! Letters that were sent or wait, and the texts that an organisation writes in place of ours.

use super::extract::{Asked, At, Body};
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::Moment;
use super::{Here, State};
use crate::mail::Shown;
use crate::mail::text::{self, Text};
use crate::store::Tx;
use crate::store::letters::{Kind, Reader};
use crate::store::post::{self, LetterRow};
use crate::words::Words;
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A letter to a member, a payer or staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct Letter {
    /// Its number.
    pub id: i64,
    /// A short word, such as `payment_failed`.
    pub kind: String,
    /// The member whom it is for.
    pub member: Option<i64>,
    /// `cus_…`: the payer whom it is for.
    pub customer: Option<String>,
    /// The person with rights whom it is for.
    pub staff: Option<i64>,
    /// When there was reason for it.
    pub made_at: Moment,
    /// When it is tried next; none: it is done with.
    pub due_at: Option<Moment>,
    /// How often it was tried.
    pub tries: i64,
    /// When it went out last.
    pub sent_at: Option<Moment>,
    /// What came of the last try: `sent`, `refused 550`, `unreachable` …; or why there was none: `over`, `no_address` …
    pub outcome: Option<String>,
}

impl From<LetterRow> for Letter {
    fn from(row: LetterRow) -> Self {
        let (mut member, mut customer, mut staff) = (None, None, None);
        match Reader::read(&row.reader) {
            Some(Reader::Member(id)) => member = Some(id.0),
            Some(Reader::Payer(_, id)) => customer = Some(id),
            Some(Reader::Staff(id)) => staff = Some(id),
            None => {}
        }
        Self {
            id: row.id,
            kind: row.kind,
            member,
            customer,
            staff,
            made_at: Moment::of(row.made_at),
            due_at: row.due_at.map(Moment::of),
            tries: row.tries,
            sent_at: row.sent_at.map(Moment::of),
            outcome: row.outcome,
        }
    }
}

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LetterFilter {
    /// The `next` of the part before.
    pub before: Option<i64>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// Letters, newest first
#[utoipa::path(get, path = "/api/v1/letters", tag = "letters", params(LetterFilter),
    responses((status = OK, body = Page<Letter>), Problem))]
pub async fn list(state: Here, Asked(filter): Asked<LetterFilter>) -> Answer<Json<Page<Letter>>> {
    let limit = limit(filter.limit)?;
    let part = (filter.before.unwrap_or(i64::MAX), limit + 1);
    let mut tx = state.app.store.begin_read().await?;
    let rows = post::list(&mut tx, &state.app.organisation, part).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| row.id.to_string(),
        Letter::from,
    )))
}

/// What a letter says; a link that only its reader may follow is left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterView {
    /// One line; none: there is no reason for the letter any more.
    pub subject: Option<String>,
    /// Plain text.
    pub body: Option<String>,
}

/// What a letter says
#[utoipa::path(get, path = "/api/v1/letters/{letter}", tag = "letters", params(("letter" = i64, Path)),
    responses((status = OK, body = LetterView), Problem))]
pub async fn show(state: Here, At(id): At<i64>) -> Answer<Json<LetterView>> {
    let shown = state.app.shown_letter(id, state.now()).await?;
    let (subject, body) = match shown.ok_or(Problem::not_found("letter"))? {
        Shown::Text(Text { subject, body }) => (Some(subject), Some(body)),
        Shown::Unneeded => (None, None),
    };
    Ok(Json(LetterView { subject, body }))
}

/// The text of a kind of letter in a language.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterText {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// Whether the organisation wrote it.
    pub own: bool,
    /// What may stand in it, each in braces, such as `{name}`.
    pub places: Vec<&'static str>,
}

/// A kind of letter and a language, as they stand in the address.
pub fn which(kind: &str, language: &str) -> Answer<(Kind, Words)> {
    let kind = Kind::read(kind).ok_or(Problem::not_found("kind of letter"))?;
    let words = Words::named(language).ok_or(Problem::not_found("language"))?;
    Ok((kind, words))
}

/// The text that is sent now.
pub async fn current(
    state: &State,
    tx: &mut Tx,
    (kind, words): (Kind, &Words),
) -> Answer<LetterText> {
    let at = (kind.word(), words.language);
    let own = post::text(tx, &state.app.organisation, at).await?;
    let is_own = own.is_some();
    let Text { subject, body } = match own {
        Some((subject, body)) => Text { subject, body },
        None => text::own(words, kind),
    };
    Ok(LetterText {
        subject,
        body,
        own: is_own,
        places: text::places(kind),
    })
}

/// The text of a kind of letter
#[utoipa::path(get, path = "/api/v1/letter-texts/{kind}/{language}", tag = "letters",
    params(("kind" = String, Path), ("language" = String, Path)),
    responses((status = OK, body = LetterText), Problem))]
pub async fn text(
    state: Here,
    At((kind, language)): At<(String, String)>,
) -> Answer<Json<LetterText>> {
    let (kind, words) = which(&kind, &language)?;
    let mut tx = state.app.store.begin_read().await?;
    Ok(Json(current(&state, &mut tx, (kind, &words)).await?))
}

/// An organisation's own text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterTextBody {
    /// One line, with places such as `{name}`.
    pub subject: String,
    /// Plain text, with places such as `{link}`.
    pub body: String,
}

impl LetterTextBody {
    /// The text, if it can be sent; browsers end lines in their own way.
    pub fn checked(self, kind: Kind) -> Answer<Text> {
        let text = Text {
            subject: self.subject.trim().to_owned(),
            body: self.body.replace("\r\n", "\n"),
        };
        text.check(kind)
            .map_err(|(part, valid)| Problem::field(part, valid))?;
        Ok(text)
    }
}

/// Write the text of a kind of letter
#[utoipa::path(put, path = "/api/v1/letter-texts/{kind}/{language}", tag = "letters",
    params(("kind" = String, Path), ("language" = String, Path)), request_body = LetterTextBody,
    responses((status = OK, body = LetterText), Problem))]
pub async fn put_text(
    state: Here,
    At((kind, language)): At<(String, String)>,
    Body(body): Body<LetterTextBody>,
) -> Answer<Json<LetterText>> {
    let (kind, words) = which(&kind, &language)?;
    let Text { subject, body } = body.checked(kind)?;
    let mut work = state.work().await?;
    let at = (kind.word(), words.language);
    let text = Some((subject.as_str(), body.as_str()));
    post::put_text(&mut work.tx, &state.app.organisation, at, text).await?;
    state.note(&mut work, "letter.text", None, kind.word());
    let answer = current(&state, &mut work.tx, (kind, &words)).await?;
    work.tx.commit().await?;
    Ok(Json(answer))
}

/// Take back the text of a kind of letter: the server's own is sent again
#[utoipa::path(delete, path = "/api/v1/letter-texts/{kind}/{language}", tag = "letters",
    params(("kind" = String, Path), ("language" = String, Path)),
    responses((status = NO_CONTENT), Problem))]
pub async fn remove_text(
    state: Here,
    At((kind, language)): At<(String, String)>,
) -> Answer<StatusCode> {
    let (kind, words) = which(&kind, &language)?;
    let mut work = state.work().await?;
    let at = (kind.word(), words.language);
    post::put_text(&mut work.tx, &state.app.organisation, at, None).await?;
    state.note(&mut work, "letter.text", None, kind.word());
    work.tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
