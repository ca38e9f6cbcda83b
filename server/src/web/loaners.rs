//! Fobs that are lent: a pool, and who has which until when.

use super::cards::{NumberBody, Typed, alike, owned};
use super::extract::{At, Body};
use super::members::expect_member;
use super::problem::{Answer, Problem};
use super::values::{Moment, Title};
use super::{Here, State};
use crate::membership::card_number::Format;
use crate::membership::cards::{self, Added};
use crate::said::{Part, Said};
use crate::store::loaners::{self, Loaner as Row};
use crate::store::members::CardRow;
use crate::store::{Tx, people};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::{CardId, LoanerId, MemberId};
use shared::time::{Span, Timestamp};
use utoipa::ToSchema;

/// A fob of the pool.
#[derive(Debug, Serialize, ToSchema)]
pub struct Loaner {
    /// Its number in this interface.
    pub id: i64,
    /// What people call it.
    pub label: String,
    /// The last digits of its number, to compare.
    pub last_digits: String,
    /// Who has it; none: it is there.
    pub loan: Option<Loan>,
}

/// A loan that has not ended by the fob's return.
#[derive(Debug, Serialize, ToSchema)]
pub struct Loan {
    /// As which card it is listed.
    pub card: i64,
    /// Whether it was reported lost.
    pub lost: bool,
    /// To whom.
    pub member: i64,
    /// Since when.
    pub from: Moment,
    /// From then on it opens nothing.
    pub until: Moment,
    /// Whether that is past.
    pub overdue: bool,
}

fn view(row: Row, now: Timestamp) -> Loaner {
    let loan = match (row.card, row.member, row.lent_at, row.ends_at) {
        (Some(card), Some(member), Some(from), Some(until)) => Some(Loan {
            card,
            lost: row.state.as_deref() == Some(CardRow::Lost.word()),
            member,
            from: Moment::of(from),
            until: Moment::of(until),
            overdue: until <= now.0,
        }),
        (_, _, _, _) => None,
    };
    Loaner {
        id: row.id,
        label: row.label,
        last_digits: row.last_digits,
        loan,
    }
}

async fn find(state: &State, tx: &mut Tx, id: LoanerId) -> Answer<Row> {
    let all = loaners::all(tx, &state.app.organisation).await?;
    let found = all.into_iter().find(|row| row.id == id.0);
    found.ok_or(Problem::not_found("fob"))
}

/// The fobs that are lent, in the order of their labels
#[utoipa::path(get, path = "/api/v1/loaners", tag = "cards", responses((status = OK, body = Vec<Loaner>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<Loaner>>> {
    let mut tx = state.app.store.begin_read().await?;
    let all = loaners::all(&mut tx, &state.app.organisation).await?;
    let now = state.now();
    Ok(Json(all.into_iter().map(|row| view(row, now)).collect()))
}

/// A fob for the pool.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLoaner {
    /// What people call it: what is written on it.
    pub label: Title,
    /// Its number.
    #[schema(value_type = String)]
    pub uid: Typed,
    /// How the number is written; left out: in hexadecimal digits.
    #[serde(default)]
    pub format: Format,
}

/// Add a fob to the pool
#[utoipa::path(post, path = "/api/v1/loaners", tag = "cards", request_body = NewLoaner,
    responses((status = CREATED, body = Loaner), Problem))]
pub async fn create(
    state: Here,
    Body(body): Body<NewLoaner>,
) -> Answer<(StatusCode, Json<Loaner>)> {
    let number = NumberBody {
        uid: body.uid,
        format: body.format,
    };
    let uid = number.read()?;
    let mut work = state.work().await?;
    let id = match cards::pool(&state.app, &mut work, &uid, body.label.as_str()).await? {
        Ok(id) => id,
        Err(Added::Owned(card)) => return Err(owned("uid", &card)),
        Err(Added::LooksLike(zone, other)) => {
            return Err(Problem::conflict("uid", alike(&zone, &other)));
        }
        Err(Added::Pooled | Added::Added(_)) => {
            return Err(Problem::conflict("uid", Said::of("refused-fob-known")));
        }
    };
    state.note(&mut work, "loaner.add", None, &format!("fob {id}"));
    let row = find(&state, &mut work.tx, id).await?;
    let now = work.now;
    state.done(work).await?;
    Ok((StatusCode::CREATED, Json(view(row, now))))
}

/// To whom, and until when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lend {
    /// To whom.
    #[schema(value_type = i64)]
    pub member: MemberId,
    /// From then on it opens nothing, whether or not a door hears from the server.
    pub until: Moment,
}

/// So long at most a fob is lent.
const LONGEST: Span = Span::days(366);

/// Lend a fob: it opens what the member may, until then; lent to the same member again, the end moves
#[utoipa::path(post, path = "/api/v1/loaners/{loaner}/lend", tag = "cards", params(("loaner" = i64, Path)),
    request_body = Lend, responses((status = OK, body = Loaner), Problem))]
pub async fn lend(
    state: Here,
    At(id): At<LoanerId>,
    Body(Lend { member, until }): Body<Lend>,
) -> Answer<Json<Loaner>> {
    let mut work = state.work().await?;
    if until.0 <= work.now || until.0 > work.now + LONGEST {
        let detail = Said::of("refused-within-a-year");
        return Err(Problem::field("until", detail));
    }
    let row = find(&state, &mut work.tx, id).await?;
    expect_member(&state, &mut work.tx, "member", member).await?;
    match row.member {
        Some(borrower) if borrower == member.0 => {
            loaners::extend(&mut work.tx, id, until.0).await?;
            let cause = format!("fob {id} is lent for longer");
            state.app.derive(&mut work, member, &cause).await?;
        }
        Some(borrower) => {
            let detail = Said::of("refused-fob-of").put("member", Part::word(borrower));
            return Err(Problem::conflict("loaner", detail));
        }
        None => match cards::lend(&state.app, &mut work, &row, member, until.0).await? {
            Added::Added(_) => {}
            Added::Owned(card) => return Err(owned("loaner", &card)),
            Added::LooksLike(zone, other) => {
                return Err(Problem::conflict("loaner", alike(&zone, &other)));
            }
            Added::Pooled => return Err(Problem::fault()),
        },
    }
    let cause = format!("fob {id} until {}", until.0);
    state.note(&mut work, "loaner.lend", Some(member), &cause);
    let (row, now) = (find(&state, &mut work.tx, id).await?, work.now);
    state.done(work).await?;
    Ok(Json(view(row, now)))
}

/// Take a fob back
#[utoipa::path(post, path = "/api/v1/loaners/{loaner}/return", tag = "cards", params(("loaner" = i64, Path)),
    responses((status = OK, body = Loaner), Problem))]
pub async fn take_back(state: Here, At(id): At<LoanerId>) -> Answer<Json<Loaner>> {
    let mut work = state.work().await?;
    let row = find(&state, &mut work.tx, id).await?;
    if let (Some(card), Some(member)) = (row.card, row.member) {
        let (card, member, now) = (CardId(card), MemberId(member), work.now);
        loaners::give_back(&mut work.tx, card, now).await?;
        people::mark_card(&mut work.tx, card, CardRow::Returned, now).await?;
        let cause = format!("fob {id}");
        state.note(&mut work, "loaner.return", Some(member), &cause);
        state.app.derive(&mut work, member, "loaner.return").await?;
    }
    let (row, now) = (find(&state, &mut work.tx, id).await?, work.now);
    state.done(work).await?;
    Ok(Json(view(row, now)))
}

/// Take a fob out of the pool
#[utoipa::path(delete, path = "/api/v1/loaners/{loaner}", tag = "cards", params(("loaner" = i64, Path)),
    responses((status = NO_CONTENT), Problem))]
pub async fn remove(state: Here, At(id): At<LoanerId>) -> Answer<StatusCode> {
    let mut work = state.work().await?;
    let row = find(&state, &mut work.tx, id).await?;
    // Lost, it stays dead as the card it was lent as; found, it opens until the loan's end.
    if row.member.is_some() && row.state.as_deref() != Some(CardRow::Lost.word()) {
        let detail = Said::of("refused-fob-lent");
        return Err(Problem::conflict("loaner", detail));
    }
    loaners::remove(&mut work.tx, id, work.now).await?;
    state.note(&mut work, "loaner.remove", None, &format!("fob {id}"));
    state.done(work).await?;
    Ok(StatusCode::NO_CONTENT)
}
