//! Switching over: a table of members from another system is told row by row, taken over, and undone as a whole.

use super::Here;
use super::extract::{Asked, At, bytes};
use super::organisation::Approval;
use super::problem::{Answer, Problem};
use super::values::{Currency, Moment};
use crate::billing::foreign::{self, CardForm, Fault, Meaning, Reading, Table};
use crate::billing::import::{Taken, Undone};
use crate::billing::receive::MAX_BODY;
use crate::membership::forget::BADGES_KEPT;
use crate::said::{Part, Said};
use crate::store::imports::{self, ImportRow};
use crate::store::{Tx, places};
use crate::words::Words;
use axum::Json;
use axum::extract::{FromRequest, Request};
use serde::{Deserialize, Serialize};
use shared::ids::{MemberId, MembershipTypeId};
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// How a table is to be understood, and what is to be done with it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TakeOver {
    /// What the columns hold, in their order, with commas between: `name`, `first_name`, `last_name`, `mail`, `cards`,
    /// `membership`, `paid_until`, `amount`, `currency`, or nothing. Left out: as their names are recognised.
    pub columns: Option<String>,
    /// How card numbers are written: `hexadecimal`, `decimal` or `wiegand`. Left out: as they look.
    pub cards: Option<String>,
    /// The membership type of rows that name none.
    #[param(value_type = Option<String>)]
    pub membership: Option<MembershipTypeId>,
    /// The currency of amounts that name none.
    #[param(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// Take the rows over that are good, although others are not.
    #[serde(default)]
    pub good_ones: bool,
    /// Do it; left out: only tell what would be done.
    #[serde(default)]
    pub write: bool,
}

/// A table as it was sent.
pub struct Sent(pub String);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = bytes(request, state, MAX_BODY).await?;
        Ok(Self(foreign::decode(&bytes)))
    }
}

/// A column of the table.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakeOverColumn {
    /// Its name there.
    pub name: String,
    /// What it holds; none: it is left out.
    pub holds: Option<&'static str>,
}

/// What becomes of a good row.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakeOverRow {
    /// Where it stands in the file, counted from 1.
    pub line: u64,
    /// The name there.
    pub name: String,
    /// Whose it is; told only, of a new member the number that they would get.
    #[schema(value_type = i64)]
    pub member: MemberId,
    /// Whether the member is new.
    pub is_new: bool,
    /// How many cards are new.
    pub cards: usize,
    /// Whether a payment is booked.
    pub payment: bool,
    /// What is to be known besides.
    pub note: Option<String>,
}

impl From<Taken> for TakeOverRow {
    fn from(row: Taken) -> Self {
        Self {
            line: row.line,
            member: row.member,
            is_new: row.made,
            cards: row.cards.len(),
            payment: row.payment.is_some(),
            note: row.note,
            name: row.name,
        }
    }
}

/// What is wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakeOverFault {
    /// Where it stands in the file, counted from 1.
    pub line: u64,
    /// In which column; none: as a whole.
    pub column: Option<String>,
    /// What, and what to do.
    pub what: String,
}

impl TakeOverFault {
    fn of(Fault { line, column, what }: Fault, words: &Words) -> Self {
        let key = format!("trouble-{}", what.word());
        let what = words.with(&key, "about", &what.about());
        Self { line, column, what }
    }
}

/// What was taken over, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakeOverReport {
    /// Whether it was done.
    pub written: bool,
    /// Under which number it can be undone; none: nothing of it is new.
    pub import: Option<i64>,
    /// How the columns were understood.
    pub columns: Vec<TakeOverColumn>,
    /// How the card numbers were.
    pub cards: &'static str,
    /// The good rows.
    pub rows: Vec<TakeOverRow>,
    /// What is wrong with the others.
    pub faults: Vec<TakeOverFault>,
}

impl TakeOver {
    async fn reading(&self, state: &Here, tx: &mut Tx) -> Answer<Reading> {
        let types = places::types(tx, &state.app.organisation).await?;
        if let Some(chosen) = &self.membership
            && types.iter().all(|known| known.id != *chosen)
        {
            return Err(Problem::unknown("membership", "membership type"));
        }
        let named = types.into_iter().flat_map(|known| {
            let names = [known.name.to_lowercase(), known.id.as_str().to_lowercase()];
            names.map(|name| (name, known.id.clone()))
        });
        Ok(Reading {
            columns: self.columns.as_deref().map(meanings).transpose()?,
            cards: self.cards.as_deref().map(form).transpose()?,
            membership: self.membership.clone(),
            currency: self.currency.as_ref().map(|code| code.as_str().to_owned()),
            types: named.collect(),
        })
    }
}

fn meanings(text: &str) -> Answer<Vec<Option<Meaning>>> {
    let meaning = |word: &str| match word.trim() {
        "" => Ok(None),
        word => {
            let known = Meaning::all().find(|known| known.word() == word);
            known.map(Some).ok_or_else(|| {
                let words: Vec<&str> = Meaning::all().map(Meaning::word).collect();
                Problem::field("columns", format!("Write some of {}.", words.join(", ")))
            })
        }
    };
    text.split(',').map(meaning).collect()
}

fn form(word: &str) -> Answer<CardForm> {
    let known = CardForm::ALL.into_iter().find(|form| form.word() == word);
    known.ok_or_else(|| Problem::field("cards", "Write hexadecimal, decimal or wiegand."))
}

/// Take over the members of another system, or see first what that would do
///
/// The same table again adds nothing that is there already.
#[utoipa::path(post, path = "/api/v1/imports", tag = "members", params(TakeOver),
    request_body(content = String, content_type = "text/csv"), responses((status = OK, body = TakeOverReport), Problem))]
pub async fn create(
    state: Here,
    Asked(wish): Asked<TakeOver>,
    Sent(text): Sent,
) -> Answer<Json<TakeOverReport>> {
    told(&state, wish, &text, &Words::of("en")).await.map(Json)
}

/// The same, with what is wrong in these words.
pub async fn told(
    state: &Here,
    wish: TakeOver,
    text: &str,
    words: &Words,
) -> Answer<TakeOverReport> {
    let table = Table::read(text).map_err(|valid| Problem::field("table", valid))?;
    let mut work = state.work().await?;
    let reading = wish.reading(state, &mut work.tx).await?;
    let understood = foreign::understand(&table, &reading);
    let columns = table.header.iter().zip(&understood.columns);
    let columns = columns.map(|(name, holds)| TakeOverColumn {
        name: name.clone(),
        holds: holds.map(Meaning::word),
    });
    let (columns, cards) = (columns.collect(), understood.cards.word());
    let over = match wish.write {
        true => {
            let actor = state.actor();
            state
                .app
                .take_table(&mut work, &table, understood, actor)
                .await?
        }
        false => {
            state
                .app
                .look_at_table(&mut work, &table, understood)
                .await?
        }
    };
    if wish.write && !over.faults.is_empty() && !wish.good_ones {
        let valid = Said::of("refused-rows-wrong").put("rows", Part::count(over.faults.len()));
        return Err(Problem::field("table", valid));
    }
    if wish.write && over.import.is_some() {
        state.done(work).await?;
    }
    let faults = over.faults.into_iter();
    Ok(TakeOverReport {
        written: wish.write,
        import: over.import.filter(|_| wish.write),
        columns,
        cards,
        rows: over.taken.into_iter().map(TakeOverRow::from).collect(),
        faults: faults
            .map(|fault| TakeOverFault::of(fault, words))
            .collect(),
    })
}

/// A table that was taken over.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenTable {
    /// Its number.
    pub id: i64,
    /// By whom.
    pub made_by: String,
    /// When.
    pub made_at: Moment,
    /// Who undid it.
    pub undone_by: Option<String>,
    /// When.
    pub undone_at: Option<Moment>,
    /// How many members it made.
    pub members: i64,
    /// How many cards.
    pub cards: i64,
    /// How many payments.
    pub payments: i64,
}

impl From<ImportRow> for TakenTable {
    fn from(row: ImportRow) -> Self {
        Self {
            id: row.id,
            made_by: row.made_by,
            made_at: Moment::of(row.made_at),
            undone_by: row.undone_by,
            undone_at: row.undone_at.map(Moment::of),
            members: row.members,
            cards: row.cards,
            payments: row.payments,
        }
    }
}

/// Tables that were taken over, newest first
#[utoipa::path(get, path = "/api/v1/imports", tag = "members", responses((status = OK, body = Vec<TakenTable>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<TakenTable>>> {
    let mut tx = state.app.store.begin_read().await?;
    let rows = imports::all(&mut tx, &state.app.organisation).await?;
    Ok(Json(rows.into_iter().map(TakenTable::from).collect()))
}

/// Somebody who is left as they are.
#[derive(Debug, Serialize, ToSchema)]
pub struct LeftMember {
    /// Who.
    #[schema(value_type = i64)]
    pub member: MemberId,
    /// Why: `changed` by staff since, `came` to a door since, or `pays` by Stripe.
    pub why: &'static str,
}

/// What was undone.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoReport {
    /// How many members had something undone.
    pub members: usize,
    /// Who is left as they are, for something has happened to them since.
    pub left: Vec<LeftMember>,
}

impl From<Undone> for UndoReport {
    fn from(undone: Undone) -> Self {
        let left = undone.left.into_iter();
        Self {
            members: undone.things.len(),
            left: left
                .map(|(member, why)| LeftMember { member, why })
                .collect(),
        }
    }
}

/// Undo what was taken over, but for members to whom something has happened since
#[utoipa::path(post, path = "/api/v1/imports/{import}/undo", tag = "members", params(("import" = i64, Path), Approval),
    responses((status = OK, body = UndoReport), Problem))]
pub async fn undo(
    state: Here,
    At(id): At<i64>,
    Asked(Approval { approved }): Asked<Approval>,
) -> Answer<Json<UndoReport>> {
    let mut work = state.work().await?;
    let all = imports::all(&mut work.tx, &state.app.organisation).await?;
    let import = all.into_iter().find(|import| import.id == id);
    let import = import.ok_or(Problem::not_found("import"))?;
    if import.undone_at.is_some() {
        return Err(Problem::conflict(
            "import",
            Said::of("refused-undone-before"),
        ));
    }
    if work.now >= Timestamp(import.made_at) + BADGES_KEPT {
        let detail = Said::of("refused-undo-late");
        return Err(Problem::conflict("import", detail));
    }
    let undone = state.app.undoable(&mut work, &import).await?;
    let (of, actor) = ((id, &undone), state.actor());
    let (lost, needs_yes) = state.app.withdraw(&mut work, of, actor).await?;
    if needs_yes && !approved {
        return Err(Problem::braked(lost));
    }
    state.done(work).await?;
    // No list names what was withdrawn any more.
    match forget(&state, of, actor).await {
        Ok(()) => Ok(Json(undone.into())),
        Err(_) => {
            let detail = Said::of("refused-undo-half");
            Err(Problem::unavailable(detail))
        }
    }
}

async fn forget(state: &Here, of: (i64, &Undone), actor: &str) -> Answer<()> {
    let mut work = state.work().await?;
    state.app.forget_withdrawn(&mut work, of, actor).await?;
    state.done(work).await
}
