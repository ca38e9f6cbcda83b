//! Grants and holds: what an admin gives and withholds, with reason and end.

use super::Here;
use super::extract::{At, Body};
use super::members::expect_member;
use super::organisation::expect_type;
use super::problem::{Answer, Problem};
use super::values::{Moment, Remark};
use crate::app::Work;
use crate::said::Said;
use crate::store::ledger::{self, Deed, Stretch};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::{GrantId, HoldId, MemberId, MembershipTypeId};
use shared::time::Timestamp;
use utoipa::ToSchema;

/// Access given by an admin.
#[derive(Debug, Serialize, ToSchema)]
pub struct Grant {
    /// Its number.
    pub id: i64,
    /// Whom.
    pub member: i64,
    /// As which type.
    pub membership: String,
    /// First moment.
    pub from: Moment,
    /// First moment after it; none: until ended.
    pub until: Option<Moment>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub made_by: String,
}

/// Access withheld by an admin.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// Whom.
    pub member: i64,
    /// First moment.
    pub from: Moment,
    /// First moment after it; none: until lifted.
    pub until: Option<Moment>,
    /// `sub_…`, if only what that one gives is withheld.
    pub subscription: Option<String>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub made_by: String,
}

impl From<Deed> for Grant {
    fn from(deed: Deed) -> Self {
        let Deed {
            id,
            member,
            membership,
            subscription: _,
            starts_at,
            ends_at,
            reason,
            made_by,
        } = deed;
        let (from, until) = (Moment::of(starts_at), ends_at.map(Moment::of));
        Self {
            id,
            member,
            membership: membership.unwrap_or_default(),
            from,
            until,
            reason,
            made_by,
        }
    }
}

impl From<Deed> for Hold {
    fn from(deed: Deed) -> Self {
        let Deed {
            id,
            member,
            membership: _,
            subscription,
            starts_at,
            ends_at,
            reason,
            made_by,
        } = deed;
        Self {
            id,
            member,
            from: Moment::of(starts_at),
            until: ends_at.map(Moment::of),
            subscription,
            reason,
            made_by,
        }
    }
}

/// Access to give.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// As which type.
    #[schema(value_type = String)]
    pub membership: MembershipTypeId,
    /// First moment; left out: now.
    pub from: Option<Moment>,
    /// First moment after it; left out: until ended.
    pub until: Option<Moment>,
    /// Why.
    pub reason: Remark,
}

/// Access to withhold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// First moment; left out: now.
    pub from: Option<Moment>,
    /// First moment after it; left out: until lifted.
    pub until: Option<Moment>,
    /// Why.
    pub reason: Remark,
}

/// When something ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// First moment after it; left out: now.
    pub at: Option<Moment>,
}

/// Checks that a stretch ends after it begins.
pub fn stretch(from: Timestamp, until: Option<Moment>) -> Answer<Option<Timestamp>> {
    match until {
        Some(Moment(until)) if until <= from => {
            Err(Problem::field("until", Said::of("refused-after-beginning")))
        }
        Some(Moment(until)) => Ok(Some(until)),
        None => Ok(None),
    }
}

/// A member's grants, newest first
#[utoipa::path(get, path = "/api/v1/members/{member}/grants", tag = "members", params(("member" = i64, Path)),
    responses((status = OK, body = Vec<Grant>), Problem))]
pub async fn grants(state: Here, At(member): At<MemberId>) -> Answer<Json<Vec<Grant>>> {
    let mut tx = state.app.store.begin_read().await?;
    expect_member(&state, &mut tx, "member", member)
        .await
        .map_err(|_| Problem::not_found("member"))?;
    Ok(Json(
        ledger::grants(&mut tx, member)
            .await?
            .into_iter()
            .map(Grant::from)
            .collect(),
    ))
}

/// Give access
#[utoipa::path(post, path = "/api/v1/members/{member}/grants", tag = "members", params(("member" = i64, Path)),
    request_body = NewGrant, responses((status = CREATED, body = Grant), Problem))]
pub async fn create_grant(
    state: Here,
    At(member): At<MemberId>,
    Body(body): Body<NewGrant>,
) -> Answer<(StatusCode, Json<Grant>)> {
    let mut work = state.work().await?;
    expect_member(&state, &mut work.tx, "member", member)
        .await
        .map_err(|_| Problem::not_found("member"))?;
    expect_type(&work.rulebook, "membership", &body.membership)?;
    let from = body.from.map_or(work.now, |moment| moment.0);
    let until = stretch(from, body.until)?;
    let stretch = Stretch {
        from,
        until,
        reason: body.reason.as_str(),
        made_by: state.actor(),
    };
    let id = ledger::grant(&mut work.tx, member, &body.membership, stretch).await?;
    state
        .app
        .derive(&mut work, member, &format!("grant {id} was made"))
        .await?;
    let grant = ledger::find_grant(&mut work.tx, &state.app.organisation, id).await?;
    let grant = Grant::from(grant.ok_or(Problem::fault())?);
    let cause = format!("grant {id}");
    let what = ("grant.create", Some(member), cause.as_str());
    state.note_change(&mut work, what, [None, Some(&grant)]);
    state.done(work).await?;
    Ok((StatusCode::CREATED, Json(grant)))
}

/// End a grant
#[utoipa::path(post, path = "/api/v1/grants/{grant}/end", tag = "members", params(("grant" = i64, Path)),
    request_body = End, responses((status = OK, body = Grant), Problem))]
pub async fn end_grant(
    state: Here,
    At(id): At<GrantId>,
    Body(end): Body<End>,
) -> Answer<Json<Grant>> {
    let mut work = state.work().await?;
    end_grant_at(&state, &mut work, id, end).await?;
    let grant = ledger::find_grant(&mut work.tx, &state.app.organisation, id)
        .await?
        .ok_or(Problem::fault())?;
    state.done(work).await?;
    Ok(Json(grant.into()))
}

/// Ends a grant now.
pub async fn end_grant_now(state: &Here, work: &mut Work, id: GrantId) -> Answer<()> {
    end_grant_at(state, work, id, End { at: None }).await
}

async fn end_grant_at(state: &Here, work: &mut Work, id: GrantId, end: End) -> Answer<()> {
    let grant = ledger::find_grant(&mut work.tx, &state.app.organisation, id)
        .await?
        .ok_or(Problem::not_found("grant"))?;
    let (at, member) = (ending(&grant, end, work.now)?, MemberId(grant.member));
    ledger::end_grant(&mut work.tx, id, at).await?;
    let after = ledger::find_grant(&mut work.tx, &state.app.organisation, id).await?;
    let change = [Some(grant), after].map(|grant| grant.map(Grant::from));
    let cause = format!("grant {id}");
    let what = ("grant.end", Some(member), cause.as_str());
    state.note_change(work, what, change.each_ref().map(Option::as_ref));
    let cause = format!("grant {id} was ended");
    state.app.derive(work, member, &cause).await?;
    Ok(())
}

/// A member's holds, newest first
#[utoipa::path(get, path = "/api/v1/members/{member}/holds", tag = "members", params(("member" = i64, Path)),
    responses((status = OK, body = Vec<Hold>), Problem))]
pub async fn holds(state: Here, At(member): At<MemberId>) -> Answer<Json<Vec<Hold>>> {
    let mut tx = state.app.store.begin_read().await?;
    expect_member(&state, &mut tx, "member", member)
        .await
        .map_err(|_| Problem::not_found("member"))?;
    Ok(Json(
        ledger::holds(&mut tx, member)
            .await?
            .into_iter()
            .map(Hold::from)
            .collect(),
    ))
}

/// Withhold access
#[utoipa::path(post, path = "/api/v1/members/{member}/holds", tag = "members", params(("member" = i64, Path)),
    request_body = NewHold, responses((status = CREATED, body = Hold), Problem))]
pub async fn create_hold(
    state: Here,
    At(member): At<MemberId>,
    Body(body): Body<NewHold>,
) -> Answer<(StatusCode, Json<Hold>)> {
    let mut work = state.work().await?;
    expect_member(&state, &mut work.tx, "member", member)
        .await
        .map_err(|_| Problem::not_found("member"))?;
    let from = body.from.map_or(work.now, |moment| moment.0);
    let until = stretch(from, body.until)?;
    let stretch = Stretch {
        from,
        until,
        reason: body.reason.as_str(),
        made_by: state.actor(),
    };
    let id = withhold(&state, &mut work, member, None, stretch).await?;
    let hold = ledger::find_hold(&mut work.tx, &state.app.organisation, id)
        .await?
        .ok_or(Problem::fault())?;
    state.done(work).await?;
    Ok((StatusCode::CREATED, Json(hold.into())))
}

/// Withholds a member's access, or what one `subscription` gives.
pub async fn withhold(
    state: &Here,
    work: &mut Work,
    member: MemberId,
    subscription: Option<&str>,
    stretch: Stretch<'_>,
) -> Answer<HoldId> {
    let id = ledger::hold(&mut work.tx, member, subscription, stretch).await?;
    let after = ledger::find_hold(&mut work.tx, &state.app.organisation, id).await?;
    let cause = format!("hold {id}");
    let what = ("hold.create", Some(member), cause.as_str());
    state.note_change(work, what, [None, after.map(Hold::from).as_ref()]);
    let cause = format!("hold {id} was made");
    state.app.derive(work, member, &cause).await?;
    Ok(id)
}

/// Lift a hold
#[utoipa::path(post, path = "/api/v1/holds/{hold}/end", tag = "members", params(("hold" = i64, Path)),
    request_body = End, responses((status = OK, body = Hold), Problem))]
pub async fn end_hold(state: Here, At(id): At<HoldId>, Body(end): Body<End>) -> Answer<Json<Hold>> {
    let mut work = state.work().await?;
    let organisation = &state.app.organisation;
    let hold = ledger::find_hold(&mut work.tx, organisation, id)
        .await?
        .ok_or(Problem::not_found("hold"))?;
    let (at, member) = (ending(&hold, end, work.now)?, MemberId(hold.member));
    ledger::end_hold(&mut work.tx, id, at).await?;
    let lifted = ledger::find_hold(&mut work.tx, organisation, id).await?;
    let lifted = Hold::from(lifted.ok_or(Problem::fault())?);
    let cause = format!("hold {id}");
    let what = ("hold.end", Some(member), cause.as_str());
    state.note_change(&mut work, what, [Some(&hold.into()), Some(&lifted)]);
    state
        .app
        .derive(&mut work, member, &format!("hold {id} was lifted"))
        .await?;
    state.done(work).await?;
    Ok(Json(lifted))
}

/// What is over stays over; nothing ends before now.
fn ending(deed: &Deed, end: End, now: Timestamp) -> Answer<Timestamp> {
    if deed.ends_at.is_some_and(|ends| ends <= now.0) {
        return Err(Problem::conflict("at", Said::of("refused-ended-already")));
    }
    match end.at {
        None => Ok(now),
        Some(Moment(at)) if at >= now => Ok(at),
        Some(_) => Err(Problem::field("at", Said::of("refused-ahead"))),
    }
}
