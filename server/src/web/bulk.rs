//! The same done to many members at once: told first, then done.

use super::Here;
use super::deeds::stretch;
use super::extract::{Asked, Body};
use super::organisation::{Approval, expect_type};
use super::problem::{Answer, Problem};
use super::values::{Moment, Remark, Title};
use crate::membership::bulk::{Deed, Done, Unaffected};
use crate::said::{Part, Said};
use crate::store::rulebook::Rulebook;
use crate::store::search;
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::{MemberId, MembershipTypeId};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// So many members at once; more would keep Stripe's events waiting.
pub const MOST: usize = 10_000;

/// What is to be done to whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkWish {
    /// To whom.
    #[schema(value_type = Vec<i64>)]
    pub members: BTreeSet<MemberId>,
    /// What.
    #[schema(inline)]
    pub deed: BulkDeed,
    /// Do it; left out: only tell what would be done.
    #[serde(default)]
    pub write: bool,
}

/// What is to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BulkDeed {
    /// Withhold access.
    Hold {
        /// First moment after it; left out: until lifted.
        until: Option<Moment>,
        /// Why.
        reason: Remark,
    },
    /// Lift every hold.
    EndHolds {},
    /// Give access.
    Grant {
        /// As which type.
        #[schema(value_type = String)]
        membership: MembershipTypeId,
        /// First moment after it; left out: until ended.
        until: Option<Moment>,
        /// Why.
        reason: Remark,
    },
    /// Say who passes in a lockdown.
    Keyholder {
        /// Whether they do.
        on: bool,
    },
    /// Say what people call the cards that work.
    Label {
        /// What.
        label: Title,
    },
    /// Let what was paid by hand and runs pay for another type.
    ChangeType {
        /// For which.
        #[schema(value_type = String)]
        membership: MembershipTypeId,
    },
    /// Let what was paid by hand last pay for longer.
    Extend {
        /// By so many days, 1 to 366.
        days: u16,
    },
    /// Mark every card that works as lost.
    CardsLost {},
}

impl BulkDeed {
    /// What somebody must be allowed for it, besides doing things to many at once.
    fn action(&self) -> &'static str {
        match self {
            Self::Hold { .. } | Self::EndHolds {} => "holds.make",
            Self::Grant { .. } => "grants.make",
            Self::Keyholder { .. } => "keyholders.name",
            Self::Label { .. } => "cards.give",
            Self::ChangeType { .. } | Self::Extend { .. } => "payments.record",
            Self::CardsLost {} => "cards.mark",
        }
    }

    fn deed(self, rulebook: &Rulebook, now: Timestamp) -> Answer<Deed> {
        Ok(match self {
            Self::Hold { until, reason } => Deed::Hold {
                until: stretch(now, until)?,
                reason: reason.as_str().to_owned(),
            },
            Self::EndHolds {} => Deed::EndHolds,
            Self::Grant {
                membership,
                until,
                reason,
            } => {
                expect_type(rulebook, "membership", &membership)?;
                Deed::Grant {
                    membership,
                    until: stretch(now, until)?,
                    reason: reason.as_str().to_owned(),
                }
            }
            Self::Keyholder { on } => Deed::Keyholder(on),
            Self::Label { label } => Deed::Label(label.as_str().to_owned()),
            Self::ChangeType { membership } => {
                expect_type(rulebook, "membership", &membership)?;
                Deed::ChangeType(membership)
            }
            Self::Extend {
                days: days @ 1..=366,
            } => Deed::Extend(days),
            Self::Extend { .. } => {
                return Err(Problem::field("days", Said::of("refused-days-ahead")));
            }
            Self::CardsLost {} => Deed::CardsLost,
        })
    }
}

/// What becomes of a member.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkLine {
    /// Who.
    #[schema(value_type = i64)]
    pub member: MemberId,
    /// The name.
    pub name: String,
    /// Standing's word before.
    pub before: Option<String>,
    /// And after.
    pub after: Option<String>,
    /// Why nothing is done: `no_hold`, `no_card`, `no_cash` or `already_so`; none: something is.
    pub unaffected: Option<&'static str>,
}

/// What was done, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkReport {
    /// Whether it was done.
    pub written: bool,
    /// To each, in the order of their numbers.
    pub lines: Vec<BulkLine>,
    /// Who loses access.
    #[schema(value_type = Vec<i64>)]
    pub lost: Vec<MemberId>,
    /// Whether that are so many that it needs `?approved=true`.
    pub needs_yes: bool,
}

/// The word of why nothing is done.
#[must_use]
pub fn unaffected(why: Unaffected) -> &'static str {
    match why {
        Unaffected::NoHold => "no_hold",
        Unaffected::NoCard => "no_card",
        Unaffected::NoCash => "no_cash",
        Unaffected::AlreadySo => "already_so",
    }
}

impl BulkReport {
    fn of(done: Done, written: bool) -> Self {
        let lines = done.effects.into_iter().map(|effect| BulkLine {
            member: effect.member,
            name: effect.name,
            before: effect.before,
            after: effect.after,
            unaffected: effect.unaffected.map(unaffected),
        });
        Self {
            written,
            lines: lines.collect(),
            lost: done.lost,
            needs_yes: done.needs_yes,
        }
    }
}

/// Do the same to many members, or see first what that would do
#[utoipa::path(post, path = "/api/v1/members/bulk", tag = "members", params(Approval), request_body = BulkWish,
    responses((status = OK, body = BulkReport), Problem))]
pub async fn run(
    state: Here,
    Asked(Approval { approved }): Asked<Approval>,
    Body(wish): Body<BulkWish>,
) -> Answer<Json<BulkReport>> {
    state.may(wish.deed.action())?;
    if !(1..=MOST).contains(&wish.members.len()) {
        let valid = Said::of("refused-choose-members").put("most", Part::count(MOST));
        return Err(Problem::field("members", valid));
    }
    let mut work = state.work().await?;
    let members: Vec<MemberId> = wish.members.into_iter().collect();
    let known = search::faces(&mut work.tx, &state.app.organisation, &members).await?;
    if known.len() < members.len() {
        return Err(Problem::unknown("members", "member"));
    }
    let deed = wish.deed.deed(&work.rulebook, work.now)?;
    let actor = state.actor();
    let done = state.app.in_bulk(&mut work, &members, &deed, actor).await?;
    if wish.write {
        if done.needs_yes && !approved {
            return Err(Problem::braked(done.lost));
        }
        state.done(work).await?;
    }
    Ok(Json(BulkReport::of(done, wish.write)))
}
