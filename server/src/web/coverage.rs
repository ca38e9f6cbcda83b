//! Who pays for whom: customers at Stripe, the members they are, and the seats they pay for.

use super::extract::{Asked, At, Body};
use super::members::expect_member;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::Moment;
use super::{Here, State};
use crate::app::Work;
use crate::membership::link::forget_made;
use crate::said::{Part, Said};
use crate::store::attention::settle_link;
use crate::store::members::concerned;
use crate::store::mirror::{self, Object};
use crate::store::payers::{self, CustomerFace, Whose};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// A customer at Stripe.
#[derive(Debug, Serialize, ToSchema)]
pub struct Customer {
    /// `cus_…`
    pub id: String,
    /// Whose it is; none: nobody's yet.
    pub member: Option<i64>,
    /// By what it was linked: `reference`, `mail`, `created` or `admin`.
    pub link: Option<String>,
    /// Whether nobody has to look at the link any more.
    pub confirmed: bool,
    /// The name Stripe has.
    pub name: Option<String>,
    /// The mail address Stripe has.
    pub mail: Option<String>,
    /// When we first heard of it.
    pub seen_at: Moment,
    /// Since when Stripe could not be read.
    pub unread_since: Option<Moment>,
}

impl From<CustomerFace> for Customer {
    fn from(customer: CustomerFace) -> Self {
        Self {
            id: customer.id,
            member: customer.member,
            link: customer.link,
            confirmed: customer.confirmed != 0,
            name: customer.name,
            mail: customer.mail,
            seen_at: Moment::of(customer.seen_at),
            unread_since: customer.unread_since.map(Moment::of),
        }
    }
}

/// A seat named by an admin.
#[derive(Debug, Serialize, ToSchema)]
pub struct Seat {
    /// `cus_…`, who pays.
    pub customer: String,
    /// `si_…`
    pub item: String,
    /// Counted from 1.
    pub seat: i64,
    /// Whom it covers.
    pub member: i64,
    /// Since when.
    pub named_at: Moment,
}

impl From<payers::Seat> for Seat {
    fn from(seat: payers::Seat) -> Self {
        let payers::Seat {
            account: _,
            customer,
            item,
            seat,
            member,
            named_at,
        } = seat;
        Self {
            customer,
            item,
            seat,
            member,
            named_at: Moment::of(named_at),
        }
    }
}

/// Which customers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustomerFilter {
    /// Only of this member; 0: of nobody yet.
    pub member: Option<i64>,
    /// The `next` of the part before.
    pub after: Option<String>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// Customers at Stripe and the members they are
#[utoipa::path(get, path = "/api/v1/customers", tag = "billing", params(CustomerFilter),
    responses((status = OK, body = Page<Customer>), Problem))]
pub async fn customers(
    state: Here,
    Asked(filter): Asked<CustomerFilter>,
) -> Answer<Json<Page<Customer>>> {
    let limit = limit(filter.limit)?;
    let whose = match filter.member {
        None => Whose::Anybodys,
        Some(0) => Whose::Nobodys,
        Some(member) => Whose::Of(MemberId(member)),
    };
    let mut tx = state.app.store.begin_read().await?;
    let after = filter.after.unwrap_or_default();
    let rows = payers::customers(&mut tx, state.app.account, whose, &after, limit + 1).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |customer| customer.id.clone(),
        Customer::from,
    )))
}

/// Whose a customer is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// The member.
    #[schema(value_type = i64)]
    pub member: MemberId,
}

/// Say which member a customer is
#[utoipa::path(post, path = "/api/v1/customers/{customer}/link", tag = "billing", params(("customer" = String, Path)),
    request_body = LinkBody, responses((status = OK, body = Customer), Problem))]
pub async fn link(
    state: Here,
    At(id): At<String>,
    Body(body): Body<LinkBody>,
) -> Answer<Json<Customer>> {
    let mut work = state.work().await?;
    let answer = link_to(&state, &mut work, &id, body.member).await?;
    state.done(work).await?;
    Ok(Json(answer))
}

/// Links a customer by an admin's word; whoever it was before and whoever it is now is derived.
pub async fn link_to(
    state: &Here,
    work: &mut Work,
    id: &str,
    member: MemberId,
) -> Answer<Customer> {
    let (organisation, account, now) = (&state.app.organisation, state.app.account, work.now);
    let before = mirror::customer(&mut work.tx, account, id)
        .await?
        .ok_or(Problem::not_found("customer"))?;
    expect_member(state, &mut work.tx, "member", member).await?;
    let mut whom: BTreeSet<MemberId> = concerned(&mut work.tx, account, id)
        .await?
        .into_iter()
        .collect();
    mirror::link(&mut work.tx, account, id, member, "admin", true);
    settle_link(&mut work.tx, organisation, account, id, now).await?;
    state.note(work, "customer.link", Some(member), id);
    if let Some(gone) = forget_made(&mut work.tx, &before, member).await? {
        whom.remove(&gone);
    }
    whom.extend(concerned(&mut work.tx, account, id).await?);
    for member in whom {
        state
            .app
            .derive(work, member, &format!("customer {id} was linked"))
            .await?;
    }
    if state.app.billing.stripe.is_some() {
        mirror::want_fetch(&mut work.tx, account, id, now);
    }
    let id = id.to_owned();
    let all = payers::customers(&mut work.tx, account, Whose::Of(member), "", i64::MAX).await?;
    Ok(all
        .into_iter()
        .find(|customer| customer.id == id)
        .ok_or(Problem::fault())?
        .into())
}

/// Whom a seat covers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeatBody {
    /// `cus_…`, who pays.
    pub customer: String,
    /// Whom it covers.
    #[schema(value_type = i64)]
    pub member: MemberId,
}

/// Name the member whom a seat of a subscription item covers
#[utoipa::path(put, path = "/api/v1/coverage/{item}/{seat}", tag = "billing",
    params(("item" = String, Path), ("seat" = i64, Path)), request_body = SeatBody,
    responses((status = OK, body = Seat), Problem))]
pub async fn name_seat(
    state: Here,
    At((item, seat)): At<(String, i64)>,
    Body(body): Body<SeatBody>,
) -> Answer<Json<Seat>> {
    let customer = body.customer.as_str();
    let mut work = state.work().await?;
    expect_member(&state, &mut work.tx, "member", body.member).await?;
    let seats = paid_seats(&state, &mut work, customer, &item).await?;
    if !(1..=seats).contains(&seat) {
        return Err(Problem::field(
            "seat",
            Said::of("refused-seat-number").put("seats", Part::count(seats)),
        ));
    }
    let others = payers::named_seats(&mut work.tx, state.app.account, &item).await?;
    let others = others
        .iter()
        .filter(|other| other.seat > 1 && other.seat != seat);
    if seat > 1 && others.count() + 2 > usize::try_from(seats).unwrap_or(0) {
        let detail = Said::of("refused-seats-named");
        return Err(Problem::conflict("seat", detail));
    }
    let named = cover(&state, &mut work, customer, (&item, seat), body.member).await?;
    state.done(work).await?;
    Ok(Json(named.into()))
}

/// Lets a seat of a customer's item cover a member; everybody whom that concerns is derived.
pub async fn cover(
    state: &Here,
    work: &mut Work,
    customer: &str,
    (item, seat): (&str, i64),
    member: MemberId,
) -> Answer<payers::Seat> {
    let (account, now) = (state.app.account, work.now);
    let mut whom: BTreeSet<MemberId> = concerned(&mut work.tx, account, customer)
        .await?
        .into_iter()
        .collect();
    payers::name_seat(&mut work.tx, account, customer, (item, seat), member, now).await?;
    whom.insert(member);
    let cause = format!("seat {seat} of {item} covers member {member}");
    state.note(work, "coverage.name", Some(member), &cause);
    for member in whom {
        state.app.derive(work, member, &cause).await?;
    }
    let named = payers::seat(&mut work.tx, account, item, seat).await?;
    named.ok_or(Problem::fault())
}

async fn paid_seats(state: &State, work: &mut Work, customer: &str, item: &str) -> Answer<i64> {
    let account = state.app.account;
    if mirror::customer(&mut work.tx, account, customer)
        .await?
        .is_none()
    {
        return Err(Problem::unknown("customer", "customer"));
    }
    let objects = mirror::of_customer(&mut work.tx, account, customer).await?;
    let quantity = objects.iter().find_map(|kept| match &kept.object {
        Object::Subscription(subscription) => subscription
            .items
            .iter()
            .find(|known| known.id == item)
            .map(|known| known.quantity),
        Object::Invoice(_) => None,
    });
    quantity.map(i64::from).ok_or(Problem::unknown(
        "item",
        "subscription item of this customer",
    ))
}

/// Take a named seat away
#[utoipa::path(delete, path = "/api/v1/coverage/{item}/{seat}", tag = "billing",
    params(("item" = String, Path), ("seat" = i64, Path)), responses((status = NO_CONTENT), Problem))]
pub async fn free_seat(state: Here, At((item, seat)): At<(String, i64)>) -> Answer<StatusCode> {
    let account = state.app.account;
    let mut work = state.work().await?;
    let named = payers::seat(&mut work.tx, account, &item, seat).await?;
    let named = named.ok_or(Problem::not_found("named seat"))?;
    uncover(&state, &mut work, &named).await?;
    state.done(work).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a named seat away; everybody whom that concerns is derived.
pub async fn uncover(state: &Here, work: &mut Work, named: &payers::Seat) -> Answer<()> {
    let (account, item, seat) = (state.app.account, named.item.as_str(), named.seat);
    let whom = concerned(&mut work.tx, account, &named.customer).await?;
    payers::free_seat(&mut work.tx, account, item, seat).await?;
    let cause = format!("seat {seat} of {item} was taken away");
    let member = Some(MemberId(named.member));
    state.note(work, "coverage.free", member, &cause);
    for member in whom {
        state.app.derive(work, member, &cause).await?;
    }
    Ok(())
}
