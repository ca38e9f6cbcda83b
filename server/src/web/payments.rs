//! Payments: Stripe's, and those recorded by hand.

use super::deeds::stretch;
use super::extract::{Asked, At, Body};
use super::members::expect_member;
use super::once::Named;
use super::organisation::expect_type;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::{Currency, Moment, Month, Remark};
use super::{Here, State};
use crate::app::Work;
use crate::location_calendar::{Periods, end_of_day, end_of_periods};
use crate::said::Said;
use crate::store::ledger::{self, ByHand, PaymentRow, Wanted};
use crate::store::{Tx, places, records};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::{MemberId, MembershipTypeId, PaymentId};
use shared::standing::runs_on;
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// A payment.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Payment {
    /// Its number.
    pub id: i64,
    /// `stripe`, `cash` or `transfer`.
    pub source: String,
    /// Whose; none while the customer belongs to nobody.
    pub member: Option<i64>,
    /// `cus_…`
    pub customer: Option<String>,
    /// `in_…`
    pub invoice: Option<String>,
    /// What it paid for, if recorded by hand.
    pub membership: Option<String>,
    /// Minor units; none: it is not on record.
    pub amount: Option<i64>,
    /// ISO 4217, lower case; none without an amount.
    pub currency: Option<String>,
    /// Why, or why nothing had to be paid.
    pub reason: String,
    /// First moment paid for.
    pub from: Option<Moment>,
    /// First moment no longer paid for.
    pub until: Option<Moment>,
    /// When.
    pub paid_at: Moment,
    /// A remark.
    pub note: String,
    /// When it was declared void; none: it counts.
    pub voided_at: Option<Moment>,
    /// Why.
    pub void_reason: Option<String>,
}

impl From<PaymentRow> for Payment {
    fn from(row: PaymentRow) -> Self {
        let money = row.money();
        Self {
            amount: money.map(|(amount, _)| amount),
            currency: money.map(|(_, currency)| currency.to_owned()),
            id: row.id,
            source: row.source,
            member: row.member,
            customer: row.customer,
            invoice: row.invoice,
            membership: row.membership,
            reason: row.reason,
            from: row.period_from.map(Moment::of),
            until: row.period_until.map(Moment::of),
            paid_at: Moment::of(row.paid_at),
            note: row.note,
            voided_at: row.voided_at.map(Moment::of),
            void_reason: row.void_reason,
        }
    }
}

/// Which payments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentFilter {
    /// Only of this member.
    pub member: Option<i64>,
    /// Only that came this way.
    #[param(inline)]
    pub source: Option<AnySource>,
    /// Only of this month, like `2026-12`, by the clock of the organisation's first location.
    #[param(value_type = Option<String>)]
    pub month: Option<Month>,
    /// The `next` of the part before.
    pub before: Option<i64>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// How money came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnySource {
    /// By Stripe.
    Stripe,
    /// Into the till.
    Cash,
    /// Into the bank account.
    Transfer,
}

impl AnySource {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Stripe, Self::Cash, Self::Transfer];

    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Cash => "cash",
            Self::Transfer => "transfer",
        }
    }
}

/// Which payments are meant by a member, a way and a month.
pub async fn wanted<'a>(
    state: &State,
    tx: &mut Tx,
    member: Option<i64>,
    source: Option<AnySource>,
    month: Option<&Month>,
) -> Answer<Wanted<'a>> {
    let mut wanted = Wanted {
        member: member.map(MemberId),
        source: source.map(AnySource::word),
        ..Wanted::default()
    };
    if let Some(month) = month {
        let zone = places::time_zone(tx, &state.app.organisation).await?;
        let none = || Problem::field("month", Said::of("refused-a-month"));
        let first = month.first();
        let before = first.yesterday().map_err(|_| none())?;
        wanted.from = end_of_day(&zone, before).map_err(|_| none())?;
        wanted.until = end_of_day(&zone, first.last_of_month()).map_err(|_| none())?;
    }
    Ok(wanted)
}

/// Payments, newest first
#[utoipa::path(get, path = "/api/v1/payments", tag = "billing", params(PaymentFilter),
    responses((status = OK, body = Page<Payment>), Problem))]
pub async fn list(state: Here, Asked(filter): Asked<PaymentFilter>) -> Answer<Json<Page<Payment>>> {
    let limit = limit(filter.limit)?;
    let mut tx = state.app.store.begin_read().await?;
    let (member, month) = (filter.member, filter.month.as_ref());
    let wanted = wanted(&state, &mut tx, member, filter.source, month).await?;
    let before = filter.before.unwrap_or(i64::MAX);
    let rows = ledger::list(&mut tx, &state.app.organisation, wanted, before, limit + 1).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |payment| payment.id.to_string(),
        Payment::from,
    )))
}

/// How money came by hand.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Into the till.
    Cash,
    /// Into the bank account.
    Transfer,
}

/// Money received by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// Whose.
    #[schema(value_type = i64)]
    pub member: MemberId,
    /// How it came.
    pub source: Source,
    /// Minor units: cents, pence.
    pub amount: i64,
    /// ISO 4217, like `eur`.
    pub currency: Currency,
    /// What it pays for.
    #[schema(value_type = String)]
    pub membership: MembershipTypeId,
    /// First moment paid for; left out: where the last payment by hand for the same type ends, if access by it is not
    /// over, else when the money came.
    pub from: Option<Moment>,
    /// For how long it pays, on the calendar of the organisation's first location; instead of `until`.
    pub periods: Option<Periods>,
    /// First moment no longer paid for; instead of `periods`.
    pub until: Option<Moment>,
    /// When it came; left out: now.
    pub paid_at: Option<Moment>,
    /// A remark.
    pub note: Option<Remark>,
}

/// Record money received by hand
#[utoipa::path(post, path = "/api/v1/payments", tag = "billing", request_body = NewPayment,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "What you call this request: 1 to 255 ASCII characters without spaces. Sent again with the same key \
            and the same body within a week, it is answered as before and nothing is recorded twice; with another body it \
            is refused.")),
    responses((status = CREATED, body = Payment), Problem))]
pub async fn create(
    state: Here,
    Named(key, body): Named<NewPayment>,
) -> Answer<(StatusCode, Json<Payment>)> {
    if body.amount < 0 {
        return Err(Problem::field("amount", Said::of("refused-minor-units")));
    }
    let mut work = state.work().await?;
    if let Some(payment) = state.done_before(&mut work, key.as_ref()).await? {
        return Ok((StatusCode::CREATED, Json(payment)));
    }
    expect_member(&state, &mut work.tx, "member", body.member).await?;
    expect_type(&work.rulebook, "membership", &body.membership)?;
    let paid_at = body.paid_at.map_or(work.now, |moment| moment.0);
    if paid_at > work.now {
        return Err(Problem::field("paid_at", Said::of("refused-passed")));
    }
    let (from, until, anchor) = period(&state, &mut work, &body, paid_at).await?;
    let payment = ByHand {
        source: match body.source {
            Source::Cash => "cash",
            Source::Transfer => "transfer",
        },
        member: body.member,
        membership: &body.membership,
        money: Some((body.amount, body.currency.as_str())),
        from,
        until,
        anchor,
        paid_at,
        note: body.note.as_ref().map_or("", Remark::as_str),
    };
    let organisation = &state.app.organisation;
    let id = ledger::record(&mut work.tx, organisation, payment).await?;
    state
        .app
        .derive(
            &mut work,
            body.member,
            &format!("payment {id} was recorded"),
        )
        .await?;
    let row = ledger::payment(&mut work.tx, organisation, id).await?;
    let payment = Payment::from(row.ok_or(Problem::fault())?);
    let cause = format!("payment {id}");
    let what = ("payment.record", Some(body.member), cause.as_str());
    state.note_change(&mut work, what, [None, Some(&payment)]);
    state.answered(&mut work, key.as_ref(), &payment);
    state.done(work).await?;
    Ok((StatusCode::CREATED, Json(payment)))
}

/// What a payment pays for: from when, until when, and the anchor of the next one.
async fn period(
    state: &State,
    work: &mut Work,
    body: &NewPayment,
    paid_at: Timestamp,
) -> Answer<(Timestamp, Timestamp, Timestamp)> {
    let organisation = &state.app.organisation;
    let (from, anchor) = match body.from {
        Some(Moment(from)) => (from, from),
        None => {
            let facts = records::facts(&mut work.tx, body.member, &work.rulebook).await?;
            let rules = &work.rulebook.rules;
            match runs_on(&facts.payments, &body.membership, rules, work.now) {
                Some(last) => {
                    let row = ledger::payment(&mut work.tx, organisation, last.id).await?;
                    let anchor = row.and_then(|row| row.anchor_at).map(Timestamp);
                    (last.until, anchor.unwrap_or(last.until))
                }
                None => (paid_at, paid_at),
            }
        }
    };
    let either = || Problem::field("periods", Said::of("refused-periods-or-until"));
    match (body.periods, body.until) {
        (Some(_), Some(_)) | (None, None) => Err(either()),
        (None, Some(until)) => {
            let until = stretch(from, Some(until))?.unwrap_or(from);
            Ok((from, until, until))
        }
        (Some(periods), None) => {
            let zone = places::time_zone(&mut work.tx, organisation).await?;
            let end = end_of_periods(&zone, (anchor, from), periods);
            let (anchor, until) = end
                .filter(|(_, until)| *until > from)
                .ok_or_else(|| Problem::field("periods", Said::of("refused-some-periods")))?;
            Ok((from, until, anchor))
        }
    }
}

/// Why a payment does not count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Void {
    /// Why.
    pub reason: Remark,
}

/// Declare a payment that was recorded by hand void, because it was a mistake
#[utoipa::path(post, path = "/api/v1/payments/{payment}/void", tag = "billing", params(("payment" = i64, Path)),
    request_body = Void, responses((status = OK, body = Payment), Problem))]
pub async fn void(
    state: Here,
    At(id): At<PaymentId>,
    Body(body): Body<Void>,
) -> Answer<Json<Payment>> {
    let organisation = &state.app.organisation;
    let mut work = state.work().await?;
    let known = ledger::payment(&mut work.tx, organisation, id).await?;
    let known = known.ok_or(Problem::not_found("payment"))?;
    if known.source == "stripe" {
        let detail = Said::of("refused-by-stripe");
        return Err(Problem::conflict("payment", detail));
    }
    let (reason, now) = (body.reason.as_str(), work.now);
    if !ledger::void(&mut work.tx, id, reason, now).await? {
        let detail = Said::of("refused-void-before");
        return Err(Problem::conflict("payment", detail));
    }
    let member = known.member.map(MemberId);
    if let Some(member) = member {
        let cause = format!("payment {id} was declared void");
        state.app.derive(&mut work, member, &cause).await?;
    }
    let row = ledger::payment(&mut work.tx, organisation, id).await?;
    let after = Payment::from(row.ok_or(Problem::fault())?);
    let cause = format!("payment {id}");
    let what = ("payment.void", member, cause.as_str());
    let before = Payment::from(known);
    state.note_change(&mut work, what, [Some(&before), Some(&after)]);
    state.done(work).await?;
    Ok(Json(after))
}
