//! Who pays for whom, changed from a member's page: seats and the people whom they cover, customers and whose they are.

use super::form::Form;
use super::look::Look;
use super::see;
use crate::said::Said;
use crate::store::search::{self, Search};
use crate::web::coverage::{self, LinkBody, SeatBody};
use crate::web::extract::{At, Body};
use crate::web::problem::{Answer, Problem};
use crate::web::{Here, State};
use axum::response::Response;
use serde::Deserialize;
use shared::ids::MemberId;

fn back(look: &Look, member: MemberId) -> Answer<Response> {
    Ok(see(&look.to(&format!("/admin/members/{member}#paying"))))
}

/// Somebody for a seat.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// On whose page it was done.
    payer: i64,
    customer: String,
    item: String,
    seat: i64,
    who: String,
}

/// Names whom a seat covers.
pub async fn name(state: Here, look: Look, Form(named): Form<Named>) -> Answer<Response> {
    let body = SeatBody {
        customer: named.customer,
        member: meant(&state, &named.who).await?,
    };
    let seat = (named.item, named.seat);
    drop(coverage::name_seat(state, At(seat), Body(body)).await?);
    back(&look, MemberId(named.payer))
}

/// A seat that is to cover nobody any more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freed {
    payer: i64,
    item: String,
    seat: i64,
}

/// Takes a seat from whom it covers.
pub async fn free(state: Here, look: Look, Form(freed): Form<Freed>) -> Answer<Response> {
    coverage::free_seat(state, At((freed.item, freed.seat))).await?;
    back(&look, MemberId(freed.payer))
}

/// A customer who is to be this member.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linked {
    customer: String,
}

/// Links a customer to the member.
pub async fn link(
    state: Here,
    look: Look,
    At(member): At<MemberId>,
    Form(Linked { customer }): Form<Linked>,
) -> Answer<Response> {
    let customer = customer.trim().to_owned();
    drop(coverage::link(state, At(customer), Body(LinkBody { member })).await?);
    back(&look, member)
}

/// The member whose number, name or mail address somebody typed.
async fn meant(state: &State, who: &str) -> Answer<MemberId> {
    let who = who.trim();
    if let Ok(number) = who.parse() {
        return Ok(MemberId(number));
    }
    let wanted = Search {
        text: Some(who),
        limit: 2,
        ..Search::default()
    };
    let mut tx = state.app.store.begin_read().await?;
    let found = search::search(&mut tx, &state.app.organisation, wanted, state.now()).await?;
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Problem::unknown("who", "member")),
        _ => {
            let several = Said::of("refused-several-fit");
            Err(Problem::field("who", several))
        }
    }
}
