//! Gift cards, and the credit that customers have at Stripe.

use super::extract::{Asked, At, Body};
use super::members::expect_member;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::{Currency, Moment, Remark, Title};
use super::{Here, through};
use crate::billing::client::Stripe;
use crate::billing::gift::{GiftCode, GiftError};
use crate::billing::read;
use crate::said::Said;
use crate::store::gift_cards::{self, NewGiftCard};
use crate::store::payers::{self, Whose};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A gift card.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftCard {
    /// Its number.
    id: i64,
    /// The last letters of its code.
    last_letters: String,
    /// Minor units.
    amount: i64,
    /// ISO 4217, lower case.
    currency: String,
    /// Who bought it.
    buyer: String,
    /// A remark.
    note: String,
    /// When it was issued.
    issued_at: Moment,
    /// `issued`, `redeeming` (Stripe has not confirmed it yet), `redeemed` or `void`.
    state: String,
    /// For whom it was redeemed.
    member: Option<i64>,
    /// `cus_…` who got the credit.
    customer: Option<String>,
    /// When it was redeemed or declared void.
    settled_at: Option<Moment>,
}

impl From<gift_cards::GiftCard> for GiftCard {
    fn from(card: gift_cards::GiftCard) -> Self {
        Self {
            id: card.id,
            last_letters: card.last_letters,
            amount: card.amount,
            currency: card.currency,
            buyer: card.buyer,
            note: card.note,
            issued_at: Moment::of(card.issued_at),
            state: card.state,
            member: card.member,
            customer: card.customer,
            settled_at: card.settled_at.map(Moment::of),
        }
    }
}

/// A gift card just issued.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedCard {
    /// Its code, shown only now: whoever knows it can redeem the card.
    code: String,
    /// The card.
    card: GiftCard,
}

/// Which gift cards.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GiftCardFilter {
    /// The `next` of the part before.
    before: Option<i64>,
    /// At most so many, up to 500.
    limit: Option<i64>,
}

/// Gift cards, newest first
#[utoipa::path(get, path = "/api/v1/gift-cards", tag = "billing", params(GiftCardFilter),
    responses((status = OK, body = Page<GiftCard>), Problem))]
pub async fn list(
    state: Here,
    Asked(filter): Asked<GiftCardFilter>,
) -> Answer<Json<Page<GiftCard>>> {
    let limit = limit(filter.limit)?;
    let mut tx = state.app.store.begin_read().await?;
    let before = filter.before.unwrap_or(i64::MAX);
    let cards = gift_cards::all(&mut tx, &state.app.organisation, before, limit + 1).await?;
    Ok(Json(Page::cut(
        cards,
        limit,
        |card| card.id.to_string(),
        GiftCard::from,
    )))
}

/// A gift card to issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiftCardToIssue {
    /// Minor units: cents, pence.
    amount: i64,
    /// ISO 4217, like `eur`: the one that members pay in.
    currency: Currency,
    /// Who bought it.
    buyer: Title,
    /// A remark.
    note: Option<Remark>,
}

/// The most that a balance at Stripe can be changed by.
const MOST: i64 = 99_999_999;

/// Issue a gift card
#[utoipa::path(post, path = "/api/v1/gift-cards", tag = "billing", request_body = GiftCardToIssue,
    responses((status = CREATED, body = IssuedCard), Problem))]
pub async fn create(
    state: Here,
    Body(body): Body<GiftCardToIssue>,
) -> Answer<(StatusCode, Json<IssuedCard>)> {
    if !(1..=MOST).contains(&body.amount) {
        let valid = format!("Write minor units, 1 to {MOST}.");
        return Err(Problem::field("amount", valid));
    }
    let code = state.app.with_random(GiftCode::fresh);
    let mut work = state.work().await?;
    let (organisation, now) = (&state.app.organisation, work.now);
    let new = NewGiftCard {
        code_sha256: &code.sha256(),
        last_letters: code.last_letters(),
        amount: body.amount,
        currency: body.currency.as_str(),
        buyer: body.buyer.as_str(),
        note: body.note.as_ref().map_or("", Remark::as_str),
        made_by: state.actor(),
    };
    let id = gift_cards::issue(&mut work.tx, organisation, new, now).await?;
    state.note(
        &mut work,
        "gift_card.issue",
        None,
        &format!("gift card {id}"),
    );
    let card = gift_cards::one(&mut work.tx, organisation, id).await?;
    let card = card.ok_or(Problem::fault())?.into();
    state.done(work).await?;
    let code = code.shown();
    Ok((StatusCode::CREATED, Json(IssuedCard { code, card })))
}

/// Declare a gift card void, because it was lost or given back
#[utoipa::path(post, path = "/api/v1/gift-cards/{card}/void", tag = "billing", params(("card" = i64, Path)),
    responses((status = OK, body = GiftCard), Problem))]
pub async fn void(state: Here, At(id): At<i64>) -> Answer<Json<GiftCard>> {
    let organisation = &state.app.organisation;
    let mut work = state.work().await?;
    let now = work.now;
    let known = gift_cards::one(&mut work.tx, organisation, id).await?;
    known.ok_or(Problem::not_found("gift card"))?;
    if !gift_cards::void(&mut work.tx, id, now).await? {
        let detail = "It was redeemed or declared void before, or is being redeemed.";
        return Err(Problem::conflict("card", detail));
    }
    state.note(
        &mut work,
        "gift_card.void",
        None,
        &format!("gift card {id}"),
    );
    let card = gift_cards::one(&mut work.tx, organisation, id).await?;
    let card = card.ok_or(Problem::fault())?.into();
    state.done(work).await?;
    Ok(Json(card))
}

/// A gift card to redeem.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// Its code; case, spaces and dashes do not matter.
    code: String,
    /// For whom.
    #[schema(value_type = i64)]
    member: MemberId,
    /// Which of the member's customers; may be left out if there is one.
    customer: Option<String>,
}

impl From<GiftError> for Problem {
    fn from(error: GiftError) -> Self {
        let said = error.to_string();
        match error {
            GiftError::NoKey => Self::conflict("STRIPE_SECRET_KEY", said),
            GiftError::Unknown => Self::unknown("code", "gift card"),
            GiftError::Redeemed | GiftError::Void | GiftError::Busy => Self::conflict("code", said),
            GiftError::NoCustomer | GiftError::NotTheirs | GiftError::Several => {
                Self::field("customer", said)
            }
            GiftError::Unconfirmed => Self::conflict("customer", said),
            GiftError::Refused(error) => Self::stripe(&error, said),
            GiftError::Store(error) => error.into(),
        }
    }
}

/// Redeem a gift card as credit of a member's customer
#[utoipa::path(post, path = "/api/v1/gift-cards/redeem", tag = "billing", request_body = Redeem,
    responses((status = OK, body = GiftCard),
        (status = ACCEPTED, body = GiftCard, description = "Stripe has not confirmed it yet; it is finished by itself"),
        Problem))]
pub async fn redeem(state: Here, Body(body): Body<Redeem>) -> Answer<(StatusCode, Json<GiftCard>)> {
    let code = GiftCode::parse(&body.code).ok_or(Problem::unknown("code", "gift card"))?;
    let mut tx = state.app.store.begin_read().await?;
    expect_member(&state, &mut tx, "member", body.member).await?;
    drop(tx);
    let (held, now) = (state.clone(), state.now());
    let redeemed = through(async move {
        let whose = (body.member, body.customer.as_deref());
        held.app.redeem(&code, whose, held.actor(), now).await
    })
    .await??;
    let status = if redeemed.state == "redeemed" {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(redeemed.into())))
}

/// What a customer has at Stripe.
#[derive(Debug, Serialize, ToSchema)]
pub struct Credit {
    /// `cus_…`
    customer: String,
    /// Minor units that the next invoices take first.
    credit: i64,
    /// Minor units that the next invoice asks for besides.
    owed: i64,
    /// ISO 4217, lower case; none before the first invoice.
    currency: Option<String>,
}

/// What credit a member's customers have left at Stripe
#[utoipa::path(get, path = "/api/v1/members/{member}/credit", tag = "billing", params(("member" = i64, Path)),
    responses((status = OK, body = Vec<Credit>), Problem))]
pub async fn credit(state: Here, At(member): At<MemberId>) -> Answer<Json<Vec<Credit>>> {
    let mut tx = state.app.store.begin_read().await?;
    let known = expect_member(&state, &mut tx, "member", member).await;
    known.map_err(|_| Problem::not_found("member"))?;
    let whose = Whose::Of(member);
    let customers = payers::customers(&mut tx, state.app.account, whose, "", i64::MAX).await?;
    drop(tx);
    let stripe = stripe(&state)?;
    let mut credits = Vec::new();
    for face in customers {
        let said = stripe.customer(&face.id).await;
        let value = said.map_err(|error| Problem::stripe(&error, format!("{error}.")))?;
        let info = read::customer(&value).map_err(|_| Problem::fault())?;
        credits.push(Credit {
            customer: face.id,
            credit: (-info.balance).max(0),
            owed: info.balance.max(0),
            currency: value["currency"].as_str().map(str::to_owned),
        });
    }
    Ok(Json(credits))
}

/// Stripe, if there is a key.
pub fn stripe(state: &Here) -> Answer<Arc<dyn Stripe>> {
    let detail = Said::of("refused-no-key");
    let stripe = state.app.billing.stripe.clone();
    stripe.ok_or_else(|| Problem::conflict("STRIPE_SECRET_KEY", detail))
}
