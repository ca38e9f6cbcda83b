//! Reconciliation on demand: everything is held against what Stripe lists, and what differs is told and, if wished, mended.

use super::extract::Body;
use super::problem::{Answer, Problem};
use super::{Here, through};
use crate::billing::reconcile::{Difference, Repair};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use utoipa::ToSchema;

/// What is to be done about differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mending {
    /// They are told only.
    None,
    /// They are mended, unless too many members would lose access at once.
    Careful,
    /// They are mended, whoever loses access.
    Approved,
}

impl From<Mending> for Repair {
    fn from(mending: Mending) -> Self {
        match mending {
            Mending::None => Self::No,
            Mending::Careful => Self::Careful,
            Mending::Approved => Self::Approved,
        }
    }
}

/// A comparison to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// What is to be done about differences.
    #[schema(inline)]
    pub mend: Mending,
}

/// What came of a comparison.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    /// How many subscriptions Stripe listed.
    pub listed: usize,
    /// What differs, prices first.
    pub differences: Vec<DifferenceView>,
    /// Members who would lose access and keep it, because they are too many: that waits for a yes.
    #[schema(value_type = Vec<i64>)]
    pub held: Vec<MemberId>,
}

/// What differs in one subscription or price.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceView {
    /// `sub_…`, or the id of a price.
    pub subject: String,
    /// `cus_…`; none of a price.
    pub customer: Option<String>,
    /// In words.
    pub words: Vec<String>,
    /// Who comes in by mending it.
    #[schema(value_type = Vec<i64>)]
    pub gained: Vec<MemberId>,
    /// Who goes out by mending it.
    #[schema(value_type = Vec<i64>)]
    pub lost: Vec<MemberId>,
}

impl From<Difference> for DifferenceView {
    fn from(difference: Difference) -> Self {
        let Difference {
            subject,
            customer,
            words,
            gained,
            lost,
        } = difference;
        Self {
            subject,
            customer,
            words,
            gained,
            lost,
        }
    }
}

/// Compare everything with Stripe; what differs is told in words, and mended if wished
#[utoipa::path(post, path = "/api/v1/reconciliation", tag = "billing", request_body = Comparison,
    responses((status = OK, body = Report), Problem))]
pub async fn compare(
    state: Here,
    Body(Comparison { mend }): Body<Comparison>,
) -> Answer<Json<Report>> {
    let cause = match mend {
        Mending::None => None,
        Mending::Careful => Some("with care"),
        Mending::Approved => Some("whoever loses access"),
    };
    if let Some(cause) = cause {
        let mut work = state.work().await?;
        state.note(&mut work, "stripe.reconcile", None, cause);
        state.done(work).await?;
    }
    let held = state.clone();
    let run = async move { held.app.reconcile(mend.into(), || held.now()).await };
    let done = through(run).await??;
    state.bells.publish(done.publications);
    Ok(Json(Report {
        listed: done.listed,
        differences: done
            .differences
            .into_iter()
            .map(DifferenceView::from)
            .collect(),
        held: done.held.into_iter().collect(),
    }))
}
