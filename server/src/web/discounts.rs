//! Discount codes at Stripe.

use super::extract::Body;
use super::gift_cards::stripe;
use super::problem::{Answer, Problem};
use super::values::{Currency, Title};
use super::{Here, through};
use crate::billing::catalogue::refusal;
use crate::billing::client::StripeError;
use crate::billing::discounts::{self, Code, NewCode, Off};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long a discount lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountKind {
    /// The first term only.
    #[default]
    Introductory,
    /// Every term.
    Permanent,
}

/// A discount code to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDiscount {
    /// What people type: letters, digits and dashes; left out: Stripe makes one up.
    code: Option<String>,
    /// What invoices call it.
    name: Title,
    /// How long it lasts; left out: `introductory`.
    #[serde(default)]
    kind: DiscountKind,
    /// Whole percents, 1 to 100; or an amount.
    percent_off: Option<i64>,
    /// Minor units; needs a currency.
    amount_off: Option<i64>,
    /// ISO 4217, like `eur`.
    currency: Option<Currency>,
    /// How often it can be used in all; left out: without end.
    max_uses: Option<i64>,
}

/// A discount code.
#[derive(Debug, Serialize, ToSchema)]
pub struct Discount {
    /// `promo_…`
    id: String,
    /// What people type.
    code: String,
    /// What invoices call it.
    name: Option<String>,
    /// How long it lasts; none: neither, made in Stripe's dashboard.
    kind: Option<DiscountKind>,
    /// Percents.
    percent_off: Option<String>,
    /// Minor units.
    amount_off: Option<i64>,
    /// ISO 4217, lower case.
    currency: Option<String>,
    /// Whether it can be used.
    active: bool,
    /// How often it was.
    used: i64,
    /// How often it can be.
    max_uses: Option<i64>,
}

impl From<Code> for Discount {
    fn from(code: Code) -> Self {
        Self {
            id: code.id,
            code: code.code,
            name: code.name,
            kind: match code.duration.as_str() {
                "once" => Some(DiscountKind::Introductory),
                "forever" => Some(DiscountKind::Permanent),
                _ => None,
            },
            percent_off: code.percent_off,
            amount_off: code.amount_off,
            currency: code.currency,
            active: code.active,
            used: code.used,
            max_uses: code.most,
        }
    }
}

impl NewDiscount {
    fn checked(self, nonce: u64) -> Answer<NewCode> {
        let plain = |code: &String| {
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=500).contains(&code.len()) && code.bytes().all(letters)
        };
        if !self.code.as_ref().is_none_or(plain) {
            let valid = "Write letters a to z, digits and dashes, or leave it out.";
            return Err(Problem::field("code", valid));
        }
        // Stripe's limit (docs.stripe.com/api/coupons/create).
        if self.name.as_str().chars().count() > 40 {
            return Err(Problem::field("name", "Write at most 40 characters."));
        }
        if self.max_uses.is_some_and(|most| most < 1) {
            return Err(Problem::field(
                "max_uses",
                "Write 1 or more, or leave it out.",
            ));
        }
        let off = match (self.percent_off, self.amount_off, self.currency) {
            (Some(percent @ 1..=100), None, None) => Off::Percent(percent),
            (Some(_), None, None) => {
                return Err(Problem::field(
                    "percent_off",
                    "Write whole percents, 1 to 100.",
                ));
            }
            (None, Some(amount @ 1..), Some(currency)) => {
                Off::Amount(amount, currency.as_str().to_owned())
            }
            (None, Some(1..), None) => {
                return Err(Problem::field("currency", "An amount needs its currency."));
            }
            (None, Some(_), _) => {
                return Err(Problem::field(
                    "amount_off",
                    "Write minor units, 1 or more.",
                ));
            }
            (Some(_), _, _) | (None, None, _) => {
                let valid = "Write either `percent_off`, or `amount_off` with `currency`.";
                return Err(Problem::field("percent_off", valid));
            }
        };
        Ok(NewCode {
            code: self.code,
            name: self.name.as_str().to_owned(),
            kind: match self.kind {
                DiscountKind::Introductory => discounts::Kind::Introductory,
                DiscountKind::Permanent => discounts::Kind::Permanent,
            },
            off,
            most: self.max_uses,
            nonce,
        })
    }
}

fn problem(error: &StripeError) -> Problem {
    let said = refusal(
        error,
        "make or list discount codes",
        "Coupons and promotion codes",
    );
    Problem::stripe(error, said)
}

/// Discount codes, newest first
#[utoipa::path(get, path = "/api/v1/discount-codes", tag = "billing",
    responses((status = OK, body = Vec<Discount>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<Discount>>> {
    let stripe = stripe(&state)?;
    let codes = discounts::list(stripe.as_ref()).await;
    let codes = codes.map_err(|error| problem(&error))?;
    Ok(Json(codes.into_iter().map(Discount::from).collect()))
}

/// Make a discount code at Stripe
#[utoipa::path(post, path = "/api/v1/discount-codes", tag = "billing", request_body = NewDiscount,
    responses((status = CREATED, body = Discount), Problem))]
pub async fn create(
    state: Here,
    Body(body): Body<NewDiscount>,
) -> Answer<(StatusCode, Json<Discount>)> {
    let stripe = stripe(&state)?;
    let nonce = state.app.with_random(|random| random.next_u64());
    let new = body.checked(nonce)?;
    let held = state.clone();
    let made = through(async move {
        let made = discounts::create(stripe.as_ref(), &new).await;
        let made = made.map_err(|error| problem(&error))?;
        let detail = "This code is there already; choose another.";
        let code = made.ok_or(Problem::conflict("code", detail))?;
        let mut work = held.work().await?;
        held.note(&mut work, "discount.create", None, &code.id);
        held.done(work).await?;
        Answer::Ok(code)
    })
    .await??;
    Ok((StatusCode::CREATED, Json(made.into())))
}
