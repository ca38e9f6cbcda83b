//! Fobs that are lent: handed out with an end, and taken back.

use super::enrol::no_card;
use super::form::Form;
use super::look::Look;
use super::{see, whom};
use crate::membership::card_number::Format;
use crate::said::Said;
use crate::web::Here;
use crate::web::cards::Typed;
use crate::web::commands::{self, CommandOutcome, DoorAction, DoorCommand};
use crate::web::extract::{At, Body};
use crate::web::loaners::{self, Lend, Loaner, NewLoaner};
use crate::web::problem::{Answer, Problem};
use crate::web::values::{Moment, Title};
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{DoorId, LoanerId, MemberId};

/// A fob with the name of whoever has it.
pub struct FobLine {
    pub fob: Loaner,
    pub name: String,
}

impl FobLine {
    /// Whether it should be here, or is lost.
    pub fn is_missed(&self) -> bool {
        let loan = self.fob.loan.as_ref();
        loan.is_some_and(|loan| loan.overdue || loan.lost)
    }
}

/// The pool.
pub async fn lines(state: &Here) -> Answer<Vec<FobLine>> {
    let Json(fobs) = loaners::list(state.clone()).await?;
    let mut lines = Vec::with_capacity(fobs.len());
    for fob in fobs {
        let name = match &fob.loan {
            Some(loan) => whom::one(state, MemberId(loan.member)).await?.pop(),
            None => None,
        };
        let name = name.map_or_else(String::new, |member| member.name);
        lines.push(FobLine { fob, name });
    }
    Ok(lines)
}

/// By when a fob is back, unless something else is chosen: the next morning at six, as a day pass.
pub fn back_by(look: &Look) -> Moment {
    look.next_morning(6)
}

fn back(look: &Look) -> Response {
    see(&look.to("/admin/cards"))
}

/// A fob for the pool.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    label: Title,
    uid: Typed,
    #[serde(default)]
    format: Format,
}

/// Adds a fob to the pool.
pub async fn add(state: Here, look: Look, Form(new): Form<New>) -> Answer<Response> {
    let New { label, uid, format } = new;
    let body = NewLoaner { label, uid, format };
    drop(loaners::create(state, Body(body)).await?);
    Ok(back(&look))
}

/// A fob for the pool, shown twice at a door.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tapped {
    label: Title,
    door: DoorId,
}

/// Adds a fob to the pool by two taps.
pub async fn tap(state: Here, look: Look, Form(tapped): Form<Tapped>) -> Answer<Response> {
    let command = DoorCommand {
        action: DoorAction::Enrol,
        member: None,
        fob: Some(tapped.label),
    };
    let Json(outcome) = commands::door(state, At(tapped.door), Body(command)).await?;
    match outcome {
        CommandOutcome::Pooled { loaner } => {
            Ok(see(&look.to(&format!("/admin/cards#fob-{loaner}"))))
        }
        CommandOutcome::NoCard => Err(no_card()),
        CommandOutcome::Done
        | CommandOutcome::Enrolled { .. }
        | CommandOutcome::Diagnostics { .. } => Err(Problem::fault()),
    }
}

fn until(look: &Look, text: &str) -> Answer<Moment> {
    let valid = Said::of("refused-day-and-time");
    look.at(text).ok_or_else(|| Problem::field("until", valid))
}

/// To whom, and until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lent {
    who: String,
    until: String,
}

/// Lends a fob to whoever is meant.
pub async fn lend(
    state: Here,
    look: Look,
    At(loaner): At<LoanerId>,
    Form(lent): Form<Lent>,
) -> Answer<Response> {
    let until = until(&look, &lent.until)?;
    let member = whom::exactly(&state, &lent.who).await?;
    drop(loaners::lend(state, At(loaner), Body(Lend { member, until })).await?);
    Ok(back(&look))
}

/// Which fob, and until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LentTo {
    loaner: i64,
    until: String,
}

/// Lends a fob to the member whose page this is.
pub async fn lend_to(
    state: Here,
    look: Look,
    At(member): At<MemberId>,
    Form(lent): Form<LentTo>,
) -> Answer<Response> {
    let until = until(&look, &lent.until)?;
    let loaner = LoanerId(lent.loaner);
    drop(loaners::lend(state, At(loaner), Body(Lend { member, until })).await?);
    Ok(see(&look.to(&format!("/admin/members/{member}"))))
}

/// Takes a fob back.
pub async fn take_back(state: Here, look: Look, At(loaner): At<LoanerId>) -> Answer<Response> {
    drop(loaners::take_back(state, At(loaner)).await?);
    Ok(back(&look))
}

/// Takes a fob out of the pool.
pub async fn remove(state: Here, look: Look, At(loaner): At<LoanerId>) -> Answer<Response> {
    loaners::remove(state, At(loaner)).await?;
    Ok(back(&look))
}
