//! Import: an organisation that has members already, told first and then brought in.

use super::extract::{Asked, Body};
use super::organisation::Approval;
use super::problem::{Answer, Problem};
use super::{Here, through};
use crate::billing::import::{Import, ImportError, Imported};
use crate::billing::roll;
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What is to be brought in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// The roll as comma-separated values; its first line names the columns: `name`, and any of `mail`, `customer`,
    /// `cards`, `membership`, `paid_until`, `amount` and `currency`. Left out: only Stripe is asked.
    roll: Option<String>,
    /// Customers to link to the members who were proposed for them.
    #[serde(default)]
    link: BTreeSet<String>,
    /// Do it; left out: only tell what would be done.
    #[serde(default)]
    write: bool,
}

/// A customer and a member.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pair {
    /// `cus_…`
    customer: String,
    /// Who it is.
    #[schema(value_type = i64)]
    member: MemberId,
    /// By what it was linked; none: it is a proposal.
    by: Option<&'static str>,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    /// Whether it was done.
    written: bool,
    /// Members made; told only, the numbers that they would get.
    #[schema(value_type = Vec<i64>)]
    made: Vec<MemberId>,
    /// Members of the roll who were there.
    #[schema(value_type = Vec<i64>)]
    found: Vec<MemberId>,
    /// Customers linked, to whom and by what.
    linked: Vec<Pair>,
    /// Customers with the mail address of exactly one member, which nobody has said yes to.
    proposed: Vec<Pair>,
    /// Customers who pay for a membership and are nobody's.
    without_member: Vec<String>,
    /// Members who have no customer.
    #[schema(value_type = Vec<i64>)]
    without_customer: Vec<MemberId>,
    /// What is unusual about lines of the roll, customers and their subscriptions, in words.
    notes: Vec<String>,
    /// Members who come in.
    #[schema(value_type = Vec<i64>)]
    gained: Vec<MemberId>,
}

impl Report {
    fn of(done: Imported, written: bool) -> Self {
        let pair = |customer, member, by| Pair {
            customer,
            member,
            by,
        };
        let linked = done.linked.into_iter();
        let proposed = done.proposed.into_iter();
        Self {
            written,
            made: done.made,
            found: done.found,
            linked: linked
                .map(|(customer, member, by)| pair(customer, member, Some(by)))
                .collect(),
            proposed: proposed
                .map(|(customer, member)| pair(customer, member, None))
                .collect(),
            without_member: done.without_member,
            without_customer: done.without_customer,
            notes: done.notes,
            gained: done.gained,
        }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        let said = error.to_string();
        match error {
            ImportError::Rows(_) => Self::field("roll", said),
            ImportError::NoKey => Self::conflict("STRIPE_SECRET_KEY", said),
            ImportError::Braked(lost) => Self::braked(lost),
            ImportError::Stripe(error) => Self::stripe(&error, said),
            ImportError::Store(error) => error.into(),
        }
    }
}

/// Bring in members whom the organisation has already, or see first what that would do
#[utoipa::path(post, path = "/api/v1/import", tag = "members", params(Approval), request_body = Wish,
    responses((status = OK, body = Report), Problem))]
pub async fn import(
    state: Here,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<Wish>,
) -> Answer<Json<Report>> {
    let rows = match &body.roll {
        Some(text) => roll::read(text.as_bytes()).map_err(ImportError::Rows)?,
        None => Vec::new(),
    };
    let wish = Import {
        rows,
        link: body.link,
        write: body.write,
        approved,
    };
    let held = state.clone();
    let run = async move { held.app.import(&wish, held.actor(), || held.now()).await };
    let (done, publications) = through(run).await??;
    state.bells.publish(publications);
    Ok(Json(Report::of(done, body.write)))
}
