//! Switching over: a table is uploaded, looked at row by row, taken over, and undone.

use super::form::{Form, Upload};
use super::look::Look;
use super::shown;
#[cfg(test)]
use crate::billing::foreign::Trouble;
use crate::billing::foreign::{self, CardForm, Meaning};
use crate::store::places;
use crate::web::Here;
use crate::web::extract::{Asked, At};
use crate::web::imports::{self, TakeOver, TakeOverColumn, TakeOverReport, TakenTable, UndoReport};
use crate::web::organisation::Approval;
use crate::web::problem::{Answer, Problem};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::MembershipTypeId;

/// Words that are put together.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = String> {
    let holds = Meaning::all().map(|meaning| format!("holds-{}", meaning.word()));
    let forms = CardForm::ALL.map(|form| format!("form-{}", form.word()));
    let left = ["changed", "came", "pays"].map(|why| format!("left-{why}"));
    let troubles = Trouble::words().map(|word| format!("trouble-{word}"));
    holds.chain(forms).chain(left).chain(troubles)
}

#[derive(Template)]
#[template(path = "import.html")]
struct Page {
    look: Look,
    imports: Vec<TakenTable>,
    types: Vec<places::Type>,
    /// What was just undone.
    undone: Option<UndoReport>,
    /// Which import waits for a yes, and how many would lose access.
    waits: Option<(i64, usize)>,
    /// What was just looked at.
    seen: Option<Seen>,
}

/// A table with what it would do, or did.
struct Seen {
    text: String,
    report: TakeOverReport,
    membership: String,
    currency: String,
}

impl Page {
    /// What a column may hold.
    fn meanings(&self) -> Vec<(&'static str, String)> {
        let said = |word: &str| self.look.words.say(&format!("holds-{word}"));
        let words = Meaning::all().map(Meaning::word);
        words.map(|word| (word, said(word))).collect()
    }

    fn forms(&self) -> Vec<(&'static str, String)> {
        let said = |word: &str| self.look.words.say(&format!("form-{word}"));
        let words = CardForm::ALL.map(CardForm::word);
        words.map(|word| (word, said(word))).to_vec()
    }

    fn why(&self, word: &str) -> String {
        self.look.words.say(&format!("left-{word}"))
    }

    fn holds(&self, column: &TakeOverColumn, word: &str) -> bool {
        column.holds == Some(word)
    }
}

impl Seen {
    fn count(&self, what: impl Fn(&imports::TakeOverRow) -> bool) -> usize {
        self.report.rows.iter().filter(|row| what(row)).count()
    }

    fn made(&self) -> usize {
        self.count(|row| row.is_new)
    }

    fn cards(&self) -> usize {
        self.report.rows.iter().map(|row| row.cards).sum()
    }

    fn payments(&self) -> usize {
        self.count(|row| row.payment)
    }

    fn known(&self) -> usize {
        self.count(|row| !row.is_new && row.cards == 0 && !row.payment)
    }

    fn is_something(&self) -> bool {
        self.made() + self.cards() + self.payments() > 0
    }
}

/// What a page shows besides the imports.
#[derive(Default)]
struct News {
    seen: Option<Seen>,
    undone: Option<UndoReport>,
    waits: Option<(i64, usize)>,
}

async fn page(state: Here, look: Look, news: News) -> Answer<Response> {
    let Json(imports) = imports::list(state.clone()).await?;
    let mut tx = state.app.store.begin_read().await?;
    let types = places::types(&mut tx, &state.app.organisation).await?;
    let News {
        seen,
        undone,
        waits,
    } = news;
    Ok(shown(&Page {
        look,
        imports,
        types,
        undone,
        waits,
        seen,
    }))
}

/// The page.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    page(state, look, News::default()).await
}

/// Looks at a table, or takes it over.
pub async fn act(state: Here, look: Look, upload: Upload) -> Answer<Response> {
    let text = match upload.file("file") {
        Some(bytes) => foreign::decode(bytes),
        None => upload.text("text").unwrap_or_default().to_owned(),
    };
    let said = |name: &str| upload.text(name).unwrap_or_default().to_owned();
    let (membership, currency) = (said("membership"), said("currency"));
    let cards = Some(said("cards")).filter(|word| !word.is_empty());
    let columns = upload.all("column");
    let columns = (!columns.is_empty()).then(|| columns.join(","));
    let act = said("act");
    let wish = TakeOver {
        columns,
        cards,
        membership: MembershipTypeId::new(membership.as_str()).ok(),
        currency: currency.parse().ok(),
        good_ones: act == "good",
        write: act == "all" || act == "good",
    };
    if text.trim().is_empty() {
        return Err(Problem::field("file", "Choose a file first."));
    }
    let report = imports::told(&state, wish, &text, &look.words).await?;
    let seen = Seen {
        text,
        report,
        membership,
        currency,
    };
    let news = News {
        seen: Some(seen),
        ..News::default()
    };
    page(state, look, news).await
}

/// Whether it was seen how many lose access.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Yes {
    #[serde(default)]
    approved: bool,
}

/// Undoes what was taken over; asks again if many would lose access by it.
pub async fn undo(
    state: Here,
    look: Look,
    At(id): At<i64>,
    Form(Yes { approved }): Form<Yes>,
) -> Answer<Response> {
    let undone = imports::undo(state.clone(), At(id), Asked(Approval { approved })).await;
    let mut news = News::default();
    match undone {
        Ok(Json(undone)) => news.undone = Some(undone),
        Err(problem) if !problem.members.is_empty() => {
            news.waits = Some((id, problem.members.len()));
        }
        Err(problem) => return Err(problem),
    }
    page(state, look, news).await
}
