//! Derive: lock the member, re-read all facts, write standing, story, audit line and list changes together.

use super::build::{ZoneChanges, entries};
use crate::keys::Keys;
use crate::store::attention::{AuditLine, audit};
use crate::store::rulebook::Rulebook;
use crate::store::{Result, Tx, lists, members, on, to_json};
use shared::ids::MemberId;
use shared::standing::{Because, State, next_change, next_look, standing};
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// What a derivation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    /// Whether the member could enter before.
    pub was_in: bool,
    /// Whether the member can enter now.
    pub is_in: bool,
    /// Whether standing changed at all.
    pub changed: bool,
}

impl Derived {
    /// Whether access was taken.
    #[must_use]
    pub fn lost(self) -> bool {
        self.was_in && !self.is_in
    }
}

/// Derives one member's standing; list changes are added to `changes`, to be built in the same transaction.
pub async fn derive(
    tx: &mut Tx,
    member: MemberId,
    context: Context<'_>,
    changes: &mut ZoneChanges,
) -> Result<Derived> {
    let Context {
        rulebook,
        keys,
        now,
        cause,
    } = context;
    let row = members::lock(tx, member).await?;
    let facts = members::facts(tx, member, rulebook).await?;
    let standing = standing(&facts, &rulebook.rules, now);
    let clock = next_change(&facts, &rulebook.rules, now);
    let look = next_look(&facts, &rulebook.rules, now);
    let next = [clock, look].into_iter().flatten().min();
    let before = row.standing.as_ref();
    let changed = before != Some(&standing);
    if changed || row.next_change != next {
        members::put_standing(tx, member, &standing, next).await?;
    }
    if changed {
        let body = to_json(&standing);
        let line = AuditLine {
            actor: "server",
            action: "standing",
            member: Some(member),
            cause,
            body: Some(&body),
        };
        audit(tx, &rulebook.organisation, now, line).await?;
        tell_story(tx, member, &standing, now, cause).await?;
    }
    let cards = members::cards(tx, member).await?;
    let listed = lists::of_member(tx, member).await?;
    if !(cards.is_empty() && listed.is_empty()) {
        let wanted = entries(&row, &standing, &cards, rulebook, keys, now);
        changes.compare(member, listed, wanted);
    }
    let was_in = before.is_some_and(|standing| standing.state.is_in());
    Ok(Derived {
        was_in,
        is_in: standing.state.is_in(),
        changed,
    })
}

/// What every derivation of one run shares.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The organisation's rules.
    pub rulebook: &'a Rulebook,
    /// For card tokens.
    pub keys: &'a Keys,
    /// The moment.
    pub now: Timestamp,
    /// Event ids, an admin's deed, or the clock; for the audit log.
    pub cause: &'a str,
}

/// A change of type closes the old term and opens a new one; nothing is rewritten.
async fn tell_story(
    tx: &mut Tx,
    member: MemberId,
    standing: &shared::standing::Standing,
    now: Timestamp,
    cause: &str,
) -> Result<()> {
    let sql = "SELECT id, source, membership FROM terms WHERE member = $1 AND closed_at IS NULL";
    let open: Vec<(i64, String, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(member.0).fetch_all(c).await?);
    let held = !matches!(standing.state, State::Stranger);
    let current: BTreeMap<String, &str> = standing
        .access
        .iter()
        .filter(|access| held && access.holds(now))
        .map(|access| (source(&access.because), access.membership.as_str()))
        .collect();
    for (id, source, membership) in &open {
        if current.get(source) != Some(&membership.as_str()) {
            let sql = "UPDATE terms SET closed_at = $2 WHERE id = $1";
            on!(tx, c => sqlx::query(sql).bind(id).bind(now.0).execute(c).await?.rows_affected());
        }
    }
    for (source, membership) in current {
        if open
            .iter()
            .any(|(_, known, kind)| *known == source && kind == membership)
        {
            continue;
        }
        let sql = "INSERT INTO terms (member, source, membership, opened_at, cause) VALUES ($1, $2, $3, $4, $5)";
        on!(tx, c => sqlx::query(sql).bind(member.0).bind(source).bind(membership).bind(now.0).bind(cause)
            .execute(c).await?.rows_affected());
    }
    Ok(())
}

fn source(because: &Because) -> String {
    match because {
        Because::Subscription { account, id, .. } => format!("subscription {account} {id}"),
        Because::Payment { id } => format!("payment {id}"),
        Because::Grant { id } => format!("grant {id}"),
    }
}
