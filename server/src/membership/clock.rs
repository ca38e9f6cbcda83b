//! The clock: members whose standing changes by itself, and the brake on a run that would lock out many.

use super::build::ZoneChanges;
use super::derive::{Context, Derived, derive_all};
use crate::attention::Kind;
use crate::said::{Part, Said};
use crate::store::attention::{Item, raise};
use crate::store::{Result, Tx, members, mirror, on};
use shared::ids::{AccountId, MemberId, OrganisationId};
use shared::standing::{Because, LOOK_AHEAD};

/// A run takes access from so many members at most without an admin's yes.
pub const BRAKE_MEMBERS: usize = 5;

/// The most members that one cause may lock out by itself: five, or two of a hundred, whichever is more.
#[must_use]
pub fn brake_limit(members_in: usize) -> usize {
    BRAKE_MEMBERS.max(members_in * 2 / 100)
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// All derived.
    Done {
        /// Members who lost access.
        lost: Vec<MemberId>,
        /// Members who gained access.
        gained: Vec<MemberId>,
        /// How many members' standing changed in any way.
        changed: usize,
    },
    /// Nothing was changed: too many would have lost access by one cause.
    Braked {
        /// Members who would have lost access.
        lost: Vec<MemberId>,
    },
}

/// Derives members as one run with one cause; a run over the limit is undone, and staff are told.
///
/// To be called at the beginning of a transaction's work: a braked run undoes all of its own.
pub async fn run(
    tx: &mut Tx,
    members: &[MemberId],
    context: Context<'_>,
    approved: bool,
    changes: &mut ZoneChanges,
) -> Result<Run> {
    tx.part().await?;
    let mut run_changes = ZoneChanges::default();
    let whom: Vec<(MemberId, &str)> = members
        .iter()
        .map(|member| (*member, context.cause))
        .collect();
    let derived = derive_all(tx, &whom, context, &mut run_changes).await?;
    let those = |which: fn(&Derived) -> bool| -> Vec<MemberId> {
        let all = members.iter().zip(&derived);
        all.filter(|(_, derived)| which(derived))
            .map(|(member, _)| *member)
            .collect()
    };
    let lost = those(|derived| derived.lost());
    let gained = those(|derived| !derived.was_in && derived.is_in);
    let changed = derived.iter().filter(|derived| derived.changed).count();
    let inside = members_in(tx, &context.rulebook.organisation).await? + lost.len();
    if lost.len() > brake_limit(inside) && !approved {
        tx.undo().await?;
        let item = Item {
            kind: Kind::MassBrake,
            subject: context.cause,
            sentence: Said::of("attention-mass-brake")
                .put("cause", context.cause)
                .put("count", Part::count(lost.len())),
            remedy: Said::of("remedy-mass-brake"),
            member: None,
        };
        raise(tx, &context.rulebook.organisation, item, context.now).await?;
        return Ok(Run::Braked { lost });
    }
    tx.keep().await?;
    changes.merge(run_changes);
    Ok(Run::Done {
        lost,
        gained,
        changed,
    })
}

/// How many members can enter now.
pub async fn members_in(tx: &mut Tx, organisation: &OrganisationId) -> Result<usize> {
    let sql = "SELECT COUNT(*) FROM members WHERE organisation = $1 AND state IN ('good', 'grace')";
    let count: i64 =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_one(c).await?);
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Asks Stripe once more about those whose access would end within the hour though a renewal may have moved it. Whose end
/// is past although Stripe was not asked in that hour (the server was off, or its clock jumped) counts as unread until
/// Stripe answers. Only customers of the account that can be asked are meant.
pub async fn look_ahead(
    tx: &mut Tx,
    account: AccountId,
    member: MemberId,
    context: Context<'_>,
) -> Result<()> {
    let standing = members::standing(tx, member).await?;
    let end = standing
        .into_iter()
        .flat_map(|standing| standing.access)
        .filter(|access| !access.certain && matches!(access.because, Because::Subscription { .. }))
        .filter_map(|access| access.until)
        .filter(|until| *until <= context.now + LOOK_AHEAD)
        .max();
    let Some(end) = end else {
        return Ok(());
    };
    let sql = "SELECT id FROM customers WHERE member = $1 AND account = $2 \
               UNION SELECT customer FROM coverage WHERE member = $1 AND account = $2";
    let customers: Vec<String> =
        on!(tx, c => sqlx::query_scalar(sql).bind(member.0).bind(account.0).fetch_all(c).await?);
    for customer in &customers {
        mirror::want_fetch(tx, account, customer, context.now);
        if end <= context.now {
            mirror::not_asked(tx, account, customer, end - LOOK_AHEAD, context.now).await?;
        }
    }
    Ok(())
}
