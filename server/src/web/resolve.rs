//! What an admin does about an item of the attention list: one call does the thing and settles the item.

mod deed;

use super::attention::{Attention, actions};
use super::cards::TypedUid;
use super::extract::{Asked, At, Body};
use super::organisation::Approval;
use super::problem::{Answer, Problem};
use super::values::{Remark, Title};
use super::{Here, State, through};
use crate::app::Work;
use crate::attention::{Kind, Resolution};
use crate::billing::reconcile::{ReconcileError, Repair};
use crate::rights::of_resolution;
use crate::said::Said;
use crate::store::reading::{self, AttentionRow};
use axum::Json;
use deed::Deed;
use serde::Deserialize;
use shared::ids::{MemberId, MembershipTypeId};
use utoipa::ToSchema;

/// What an admin does about an item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// What to do; left out: it was looked at.
    pub action: Option<Resolution>,
    /// For `link`, `cover` and `uncover`: the member. For `link` and `uncover` left out: the member that the item names.
    #[schema(value_type = Option<i64>)]
    pub member: Option<MemberId>,
    /// For `map` and `default_type`: the membership type.
    #[schema(value_type = Option<String>)]
    pub membership: Option<MembershipTypeId>,
    /// For `make_type`: what people call it; left out: what prices call it.
    pub name: Option<Title>,
    /// For `give_card`: the card's number, as `POST /api/v1/cards` takes it.
    #[schema(value_type = Option<String>)]
    pub uid: Option<TypedUid>,
    /// For `hold` and `end_now`: why; left out: the item's kind and subject.
    pub reason: Option<Remark>,
}

/// Settle an item, and do what it asks for
#[utoipa::path(post, path = "/api/v1/attention/{item}/resolve", tag = "events",
    params(("item" = i64, Path), Approval), request_body = Resolve,
    responses((status = OK, body = Attention), Problem))]
pub async fn resolve(
    state: Here,
    At(id): At<i64>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<Resolve>,
) -> Answer<Json<Attention>> {
    let action = body.action.unwrap_or(Resolution::Seen);
    state.may(of_resolution(action))?;
    let mut work = state.work().await?;
    let item = open_item(&state, &mut work, id, action).await?;
    let kind = Kind::read(&item.kind);
    if let Some(ask) = Asking::of(kind, action) {
        // Stripe is asked outside any transaction.
        drop(work);
        ask.run(&state).await?;
        work = state.work().await?;
    } else {
        let deed = Deed {
            state: &state,
            item: &item,
            body: &body,
            approved,
        };
        deed.run(&mut work, action).await?;
    }
    // What the facts of a member say goes when they no longer say it.
    let by_facts = matches!(kind, Some(Kind::Concern(_)))
        && !matches!(action, Resolution::Seen | Resolution::Hold);
    let organisation = &state.app.organisation;
    if !by_facts {
        let accepted = matches!(action, Resolution::Seen | Resolution::DefaultType)
            && kind.is_some_and(Kind::lasts);
        reading::settle_one(&mut work.tx, organisation, id, accepted, work.now).await?;
    }
    let cause = format!("{} {}", item.kind, item.subject);
    let member = item.member.map(MemberId);
    state.note(&mut work, "attention.resolve", member, &cause);
    let row = reading::attention_one(&mut work.tx, organisation, id)
        .await?
        .ok_or(Problem::fault())?;
    state.done(work).await?;
    ring(&state, action);
    Ok(Json(row.into()))
}

/// The item, if it is open and this can be done about it.
async fn open_item(
    state: &State,
    work: &mut Work,
    id: i64,
    action: Resolution,
) -> Answer<AttentionRow> {
    let item = reading::attention_one(&mut work.tx, &state.app.organisation, id)
        .await?
        .ok_or(Problem::not_found("item"))?;
    if item.resolved_at.is_some() {
        return Err(Problem::conflict(
            "item",
            Said::of("refused-settled-before"),
        ));
    }
    let known = actions(Kind::read(&item.kind));
    if known.contains(&action) {
        return Ok(item);
    }
    let words: Vec<String> = known
        .iter()
        .filter_map(|known| serde_json::to_string(known).ok())
        .collect();
    let detail = format!("For this item, write one of {}.", words.join(", "));
    Err(Problem::field("action", detail))
}

/// Wakes whoever goes on with what was done.
fn ring(state: &State, action: Resolution) {
    match action {
        Resolution::Replay | Resolution::Approve => state.bells.kept.notify_one(),
        Resolution::Retry | Resolution::Link | Resolution::NewMember => {
            state.bells.fetch.notify_one();
        }
        Resolution::Resend | Resolution::Revoke => state.agents_changed(),
        Resolution::Seen
        | Resolution::Confirm
        | Resolution::GiveCard
        | Resolution::MakeType
        | Resolution::DefaultType
        | Resolution::Map
        | Resolution::Accept
        | Resolution::EndNow
        | Resolution::Hold
        | Resolution::EndGrant
        | Resolution::Cover
        | Resolution::Uncover => {}
    }
}

/// What is asked of Stripe, however long that takes.
enum Asking {
    /// To be compared with everything, whoever loses access by it.
    Reconcile,
    /// Whether the key reads the account.
    Confirm,
}

impl Asking {
    fn of(kind: Option<Kind>, action: Resolution) -> Option<Self> {
        match (kind?, action) {
            (Kind::ReconciliationBrake, Resolution::Approve) => Some(Self::Reconcile),
            (Kind::StripeNotReadable | Kind::Disconnected, Resolution::Retry) => {
                Some(Self::Confirm)
            }
            _ => None,
        }
    }

    async fn run(self, state: &Here) -> Answer<()> {
        let held = state.clone();
        match self {
            Self::Reconcile => {
                let run = async move { held.app.reconcile(Repair::Approved, || held.now()).await };
                state.bells.publish(through(run).await??.publications);
                Ok(())
            }
            Self::Confirm => {
                let run = async move { held.app.confirm(held.now()).await };
                let detail = Said::of("refused-key-unread");
                if through(run).await?? {
                    Ok(())
                } else {
                    Err(Problem::conflict("STRIPE_SECRET_KEY", detail))
                }
            }
        }
    }
}

impl From<ReconcileError> for Problem {
    fn from(error: ReconcileError) -> Self {
        let said = error.to_string();
        match error {
            ReconcileError::NoKey | ReconcileError::WrongKey => {
                Self::conflict("STRIPE_SECRET_KEY", said)
            }
            ReconcileError::Stripe(error) => Self::stripe(&error, said),
            ReconcileError::Store(error) => error.into(),
        }
    }
}
