//! What a member's customers pay for at Stripe, seat by seat.

use super::extract::At;
use super::members::expect_member;
use super::problem::{Answer, Problem};
use super::{Here, State};
use crate::app::Work;
use crate::store::payers::{self, Whose};
use crate::store::{catalogue, people};
use axum::Json;
use serde::Serialize;
use shared::facts::{Item, Subscription};
use shared::ids::MemberId;
use utoipa::ToSchema;

/// An item of a running subscription.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaidItem {
    /// `cus_…`, who pays.
    pub customer: String,
    /// `sub_…`
    pub subscription: String,
    /// Stripe's word for its state.
    pub status: String,
    /// `si_…`
    pub item: String,
    /// `price_…`, or the id a plan was given.
    pub price: String,
    /// The type that its price names.
    pub membership: String,
    /// Its seats, the first of them first.
    pub seats: Vec<PaidSeat>,
}

/// A seat and whom it covers.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaidSeat {
    /// Counted from 1.
    pub seat: i64,
    /// Whom it covers; none: nobody.
    pub member: Option<i64>,
    /// Their name.
    pub name: Option<String>,
    /// Whether an admin named them; else it is the payer's own seat.
    pub named: bool,
}

/// What a member's customers pay for: running subscriptions with a membership type, seat by seat
#[utoipa::path(get, path = "/api/v1/members/{member}/pays-for", tag = "billing", params(("member" = i64, Path)),
    responses((status = OK, body = Vec<PaidItem>), Problem))]
pub async fn list(state: Here, At(member): At<MemberId>) -> Answer<Json<Vec<PaidItem>>> {
    let mut work = state.look().await?;
    let known = expect_member(&state, &mut work.tx, "member", member).await;
    known.map_err(|_| Problem::not_found("member"))?;
    let account = state.app.account;
    let whose = Whose::Of(member);
    let customers = payers::customers(&mut work.tx, account, whose, "", i64::MAX).await?;
    let mut items = Vec::new();
    for customer in customers {
        for running in catalogue::running(&mut work.tx, account, &customer.id).await? {
            for item in &running.items {
                items.extend(paid(&state, &mut work, member, &running, item).await?);
            }
        }
    }
    name(&state, &mut work, &mut items).await?;
    Ok(Json(items))
}

/// An item with its seats; none if its price names no type.
async fn paid(
    state: &State,
    work: &mut Work,
    payer: MemberId,
    subscription: &Subscription,
    item: &Item,
) -> Answer<Option<PaidItem>> {
    let account = state.app.account;
    let key = (account, item.price.clone());
    let Some(membership) = work.rulebook.prices.get(&key).cloned() else {
        return Ok(None);
    };
    let named = payers::named_seats(&mut work.tx, account, &item.id).await?;
    let last = named.iter().map(|seat| seat.seat).max().unwrap_or(0);
    let seat = |seat: i64| {
        let named = named.iter().find(|known| known.seat == seat);
        let own = (seat == 1).then_some(payer.0);
        PaidSeat {
            seat,
            member: named.map(|known| known.member).or(own),
            name: None,
            named: named.is_some(),
        }
    };
    Ok(Some(PaidItem {
        customer: subscription.customer.clone(),
        subscription: subscription.id.clone(),
        status: subscription.status.as_str().to_owned(),
        item: item.id.clone(),
        price: item.price.clone(),
        membership: membership.into(),
        seats: (1..=i64::from(item.quantity).max(last)).map(seat).collect(),
    }))
}

async fn name(state: &State, work: &mut Work, items: &mut [PaidItem]) -> Answer<()> {
    let seats = items.iter().flat_map(|item| &item.seats);
    let members = seats.filter_map(|seat| seat.member).collect();
    let names = people::names(&mut work.tx, &state.app.organisation, &members).await?;
    for seat in items.iter_mut().flat_map(|item| &mut item.seats) {
        seat.name = seat.member.and_then(|member| names.get(&member).cloned());
    }
    Ok(())
}
