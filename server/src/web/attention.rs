//! The attention list: what a human must look at, and the one thing to do.

use super::coverage::link_to;
use super::extract::{Asked, At, Body};
use super::organisation::Approval;
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::values::Moment;
use super::{Here, State};
use crate::app::Work;
use crate::membership::clock::Run;
use crate::store::catalogue;
use crate::store::payers;
use crate::store::prices::{self, PriceRow};
use crate::store::reading::{self, AttentionRow};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use utoipa::{IntoParams, ToSchema};

/// Something a human must look at.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attention {
    /// Its number.
    id: i64,
    /// A short word, the same everywhere.
    kind: String,
    /// What it is about: an id.
    subject: String,
    /// What happened.
    sentence: String,
    /// The one thing to do.
    remedy: String,
    /// What this list can do about it itself.
    actions: Vec<Resolution>,
    /// Whom it concerns.
    member: Option<i64>,
    /// Since when.
    opened_at: Moment,
    /// When it was settled; none: it is open.
    resolved_at: Option<Moment>,
}

/// What an admin does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// It was looked at.
    Seen,
    /// The customer is the member named.
    Link,
    /// The customer was linked rightly.
    Confirm,
    /// The held catalogue change is meant.
    Accept,
    /// The run that was held back may take access from that many.
    Approve,
}

fn actions(kind: &str) -> Vec<Resolution> {
    match kind {
        "unmatched_customer" => vec![Resolution::Link, Resolution::Seen],
        "confirm_link" => vec![Resolution::Confirm, Resolution::Link, Resolution::Seen],
        "catalogue_change" => vec![Resolution::Accept, Resolution::Seen],
        "mass_brake" => vec![Resolution::Approve, Resolution::Seen],
        _ => vec![Resolution::Seen],
    }
}

impl From<AttentionRow> for Attention {
    fn from(row: AttentionRow) -> Self {
        let AttentionRow {
            id,
            kind,
            subject,
            sentence,
            remedy,
            member,
            opened_at,
            resolved_at,
        } = row;
        let (opened_at, resolved_at) = (Moment::of(opened_at), resolved_at.map(Moment::of));
        Self {
            id,
            actions: actions(&kind),
            kind,
            subject,
            sentence,
            remedy,
            member,
            opened_at,
            resolved_at,
        }
    }
}

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttentionFilter {
    /// Also what was settled.
    #[serde(default)]
    all: bool,
    /// The `next` of the part before.
    before: Option<i64>,
    /// At most so many, up to 500.
    limit: Option<i64>,
}

/// What a human must look at, newest first
#[utoipa::path(get, path = "/api/v1/attention", tag = "events", params(AttentionFilter),
    responses((status = OK, body = Page<Attention>), Problem))]
pub async fn list(
    state: Here,
    Asked(filter): Asked<AttentionFilter>,
) -> Answer<Json<Page<Attention>>> {
    let limit = limit(filter.limit)?;
    let mut tx = state.app.store.begin_read().await?;
    let (organisation, before) = (&state.app.organisation, filter.before.unwrap_or(i64::MAX));
    let rows = reading::attention(&mut tx, organisation, !filter.all, before, limit + 1).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| row.id.to_string(),
        Attention::from,
    )))
}

/// What an admin does about an item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// What to do; left out: it was looked at.
    action: Option<Resolution>,
    /// For `link`: the member.
    #[schema(value_type = Option<i64>)]
    member: Option<MemberId>,
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
    let organisation = &state.app.organisation;
    let action = body.action.unwrap_or(Resolution::Seen);
    let mut work = state.work().await?;
    let now = work.now;
    let item = reading::attention_one(&mut work.tx, organisation, id)
        .await?
        .ok_or(Problem::not_found("item"))?;
    if item.resolved_at.is_some() {
        return Err(Problem::conflict("item", "It was settled before."));
    }
    let known = actions(&item.kind);
    if !known.contains(&action) {
        let words: Vec<String> = known
            .iter()
            .filter_map(|known| serde_json::to_string(known).ok())
            .collect();
        return Err(Problem::field(
            "action",
            format!("For this item, write one of {}.", words.join(", ")),
        ));
    }
    match action {
        Resolution::Seen => {}
        Resolution::Link => {
            let member = body.member.ok_or(Problem::field(
                "member",
                "Name the member whose customer it is.",
            ))?;
            link_to(&state, &mut work, &item.subject, member).await?;
        }
        Resolution::Confirm => {
            payers::confirm_link(&mut work.tx, state.app.account, &item.subject).await?;
        }
        Resolution::Accept => accept(&state, &mut work, &item.subject, approved).await?,
        Resolution::Approve => match state.app.derive_all(&mut work, &item.subject, true).await? {
            Run::Done { .. } => {}
            Run::Braked { lost } => return Err(Problem::braked(lost)),
        },
    }
    reading::settle_one(&mut work.tx, organisation, id, now).await?;
    let member = item.member.map(MemberId);
    state.note(
        &mut work,
        "attention.resolve",
        member,
        &format!("{} {}", item.kind, item.subject),
    );
    let row = reading::attention_one(&mut work.tx, organisation, id)
        .await?
        .ok_or(Problem::fault())?;
    state.done(work).await?;
    Ok(Json(row.into()))
}

async fn accept(state: &State, work: &mut Work, price: &str, approved: bool) -> Answer<()> {
    let account = state.app.account;
    let waiting = payers::waiting_price(&mut work.tx, account, price).await?;
    let (x, stamp) = waiting.ok_or(Problem::conflict(
        "action",
        "No change of this price waits any more.",
    ))?;
    let x = Some(x).filter(|x| !x.is_empty());
    let face = catalogue::one(&mut work.tx, account, price).await?;
    let face = face.map(|known| known.face).filter(|face| face.x == x);
    let face = face.unwrap_or_default();
    let row = PriceRow {
        x,
        place: face.place,
        warnings: face.warnings,
        waiting: false,
    };
    prices::put(&mut work.tx, account, price, &row, &stamp).await?;
    state.app.reread(work).await?;
    state.app.link_payers(work, account, price).await?;
    state
        .derive_all(
            work,
            &format!("price {price} names another membership type"),
            approved,
        )
        .await
}
