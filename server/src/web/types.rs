//! Membership types: the `X` of `membertype_X`.

use super::extract::{Asked, At, Body};
use super::organisation::Approval;
use super::problem::{Answer, Problem};
use super::values::Title;
use super::{Here, State};
use crate::said::Said;
use crate::setup;
use crate::store::{Tx, places};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::facts::TypePolicy;
use shared::ids::MembershipTypeId;
use shared::time::Span;
use utoipa::ToSchema;

/// A membership type.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipType {
    /// The `X` of `membertype_X`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Higher is more.
    pub rank: i64,
    /// The knobs in force.
    pub policy: PolicyBody,
    /// Whether these are the defaults.
    pub standard: bool,
    /// Whether members may change to it by themselves.
    pub members_choose: bool,
}

/// The knobs of a type; what is left out has its default.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyBody {
    /// Days that access outlasts a paid period, waiting for news of the renewal.
    pub slack_days: Option<i64>,
    /// Days that access outlasts the start of an unpaid period.
    pub grace_days: Option<i64>,
    /// Whether a trial opens doors.
    pub trial_access: Option<bool>,
    /// Whether a plan change must be paid before its type counts.
    pub upgrade_needs_payment: Option<bool>,
    /// Whether a full refund of the running period ends access at once.
    pub refund_revokes: Option<bool>,
    /// Whether a dispute of the running period's payment ends access until it is decided for the club.
    pub dispute_revokes: Option<bool>,
}

const DAY: i64 = Span::days(1).0;

impl From<&TypePolicy> for PolicyBody {
    fn from(policy: &TypePolicy) -> Self {
        Self {
            slack_days: Some(policy.slack.0 / DAY),
            grace_days: Some(policy.grace.0 / DAY),
            trial_access: Some(policy.trial_access),
            upgrade_needs_payment: Some(policy.upgrade_needs_payment),
            refund_revokes: Some(policy.refund_revokes),
            dispute_revokes: Some(policy.dispute_revokes),
        }
    }
}

impl PolicyBody {
    fn over(self, standard: TypePolicy) -> Answer<TypePolicy> {
        let days = |field: &str, days: Option<i64>, standard: Span| match days {
            None => Ok(standard),
            Some(days @ 0..=366) => Ok(Span::days(days)),
            Some(_) => Err(Problem::field(
                format!("policy.{field}"),
                Said::of("refused-policy-days"),
            )),
        };
        Ok(TypePolicy {
            slack: days("slack_days", self.slack_days, standard.slack)?,
            grace: days("grace_days", self.grace_days, standard.grace)?,
            trial_access: self.trial_access.unwrap_or(standard.trial_access),
            upgrade_needs_payment: self
                .upgrade_needs_payment
                .unwrap_or(standard.upgrade_needs_payment),
            refund_revokes: self.refund_revokes.unwrap_or(standard.refund_revokes),
            dispute_revokes: self.dispute_revokes.unwrap_or(standard.dispute_revokes),
        })
    }
}

/// A type's settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeBody {
    /// What people call it.
    pub name: Title,
    /// Higher is more.
    #[serde(default)]
    pub rank: i64,
    /// Its knobs; left out: the defaults.
    pub policy: Option<PolicyBody>,
    /// Whether members may change to it by themselves; left out: as it was.
    pub members_choose: Option<bool>,
}

fn standard(state: &State) -> TypePolicy {
    TypePolicy::standard(state.app.billing.stripe.is_some())
}

/// Knobs, unless they are those of a type that was never changed; what is wrong with them.
pub fn unless_standard(state: &State, knobs: PolicyBody) -> Answer<Option<PolicyBody>> {
    let standard = standard(state);
    let changed = knobs.over(standard.clone())? != standard;
    Ok(changed.then_some(knobs))
}

async fn all(state: &State, tx: &mut Tx) -> Answer<Vec<MembershipType>> {
    let defaults = standard(state);
    let types = places::types(tx, &state.app.organisation).await?;
    let chosen = places::members_choose(tx, &state.app.organisation).await?;
    Ok(types
        .into_iter()
        .map(|known| MembershipType {
            members_choose: chosen.contains(&known.id),
            id: known.id.into(),
            name: known.name,
            rank: known.rank,
            policy: known.policy.as_ref().unwrap_or(&defaults).into(),
            standard: known.policy.is_none(),
        })
        .collect())
}

async fn one(state: &State, tx: &mut Tx, id: &MembershipTypeId) -> Answer<Json<MembershipType>> {
    let found = all(state, tx)
        .await?
        .into_iter()
        .find(|known| known.id == id.as_str());
    Ok(Json(found.ok_or(Problem::not_found("membership type"))?))
}

/// All membership types, highest rank first
#[utoipa::path(get, path = "/api/v1/membership-types", tag = "organisation",
    responses((status = OK, body = Vec<MembershipType>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<MembershipType>>> {
    Ok(Json(
        all(&state, &mut state.app.store.begin_read().await?).await?,
    ))
}

/// One membership type
#[utoipa::path(get, path = "/api/v1/membership-types/{type}", tag = "organisation",
    params(("type" = String, Path)), responses((status = OK, body = MembershipType), Problem))]
pub async fn show(state: Here, At(id): At<MembershipTypeId>) -> Answer<Json<MembershipType>> {
    one(&state, &mut state.app.store.begin_read().await?, &id).await
}

/// Make or change a membership type
#[utoipa::path(put, path = "/api/v1/membership-types/{type}", tag = "organisation",
    params(("type" = String, Path), Approval), request_body = TypeBody,
    responses((status = OK, body = MembershipType), Problem))]
pub async fn put(
    state: Here,
    At(id): At<MembershipTypeId>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<TypeBody>,
) -> Answer<Json<MembershipType>> {
    if id.as_str().starts_with("membertype") {
        return Err(Problem::field("type", Said::of("refused-type-x")));
    }
    let policy = body
        .policy
        .map(|policy| policy.over(standard(&state)))
        .transpose()?;
    let mut work = state.work().await?;
    let before = one(&state, &mut work.tx, &id).await.ok();
    let (organisation, name) = (&state.app.organisation, body.name.as_str());
    setup::membership_type(
        &mut work.tx,
        organisation,
        &id,
        name,
        body.rank,
        policy.as_ref(),
    )
    .await?;
    if let Some(choose) = body.members_choose {
        places::let_members_choose(&mut work.tx, organisation, &id, choose).await?;
    }
    let cause = format!("membership type {id} was changed");
    state.derive_all(&mut work, &cause, approved).await?;
    let answer = one(&state, &mut work.tx, &id).await?;
    let what = ("membership_type.put", None, id.as_str());
    let before = before.map(|Json(before)| before);
    state.note_change(&mut work, what, [before.as_ref(), Some(&answer.0)]);
    state.done(work).await?;
    Ok(answer)
}
