//! Derive: lock the members, re-read all facts, write standing, story, audit line and list changes together.

use super::build::{Holding, ZoneChanges, entries};
use super::concerns::{remedy, sentence};
use crate::attention::Kind;
use crate::keys::Keys;
use crate::store::attention::{AuditLine, Item, audit_all, raise, settle};
use crate::store::notices::{self, NoticeKind};
use crate::store::records::{Record, records};
use crate::store::rulebook::Rulebook;
use crate::store::terms::{self, Open};
use crate::store::{Result, Tx, journal, members, to_json};
use shared::concerns::{Concern, ConcernKind};
use shared::ids::MemberId;
use shared::standing::{Access, Because, Outlook, State, outlook};
use shared::story::{Last, Mark, Source};
use shared::time::Timestamp;
use std::collections::BTreeSet;

/// So many members are in memory at once.
const MANY: usize = 64;

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
    let derived = derive_all(tx, &[(member, context.cause)], context, changes).await?;
    derived.first().copied().ok_or(members::missing(member))
}

/// Derives members, each named once with its cause, which counts instead of the context's; the same as one by one, but
/// read and written together.
pub async fn derive_all(
    tx: &mut Tx,
    whom: &[(MemberId, &str)],
    context: Context<'_>,
    changes: &mut ZoneChanges,
) -> Result<Vec<Derived>> {
    let mut derived = Vec::with_capacity(whom.len());
    for part in whom.chunks(MANY) {
        derived.extend(derive_part(tx, part, context, changes).await?);
    }
    Ok(derived)
}

/// A member with what was derived.
struct Fresh<'a> {
    member: MemberId,
    cause: &'a str,
    outlook: Outlook,
    /// What a human should look at since now, and no longer.
    concerns: [Vec<Concern>; 2],
    derived: Derived,
    /// Whether anything is to be written.
    stale: bool,
    /// The member's terms that have not ended.
    open: Vec<Open>,
    /// The facts for the journal, if they are news to it.
    news: Option<(String, [u8; 32])>,
}

async fn derive_part(
    tx: &mut Tx,
    whom: &[(MemberId, &str)],
    context: Context<'_>,
    changes: &mut ZoneChanges,
) -> Result<Vec<Derived>> {
    let Context {
        rulebook,
        keys,
        now,
        ..
    } = context;
    let ids: Vec<MemberId> = whom.iter().map(|(member, _)| *member).collect();
    members::lock_all(tx, &ids);
    let mut records = records(tx, &ids, rulebook).await?;
    let mut fresh = Vec::with_capacity(whom.len());
    for (member, cause) in whom {
        let Record {
            member: row,
            facts,
            cards,
            listed,
            inducted,
            open,
            news,
        } = records.remove(member).unwrap_or_default();
        let row = row.ok_or(members::missing(*member))?;
        let mut outlook = outlook(&facts, &rulebook.rules, now);
        let loans = cards.iter().filter_map(|card| card.lent_until);
        let ends = loans.filter(|end| now < *end);
        outlook.next = ends.chain(outlook.next).min();
        let standing = &outlook.standing;
        let before = row.standing.as_ref();
        let changed = before != Some(standing);
        if !(cards.is_empty() && listed.is_empty()) {
            let whose = Holding {
                member: &row,
                cards: &cards,
                inducted: &inducted,
            };
            let wanted = entries(whose, standing, rulebook, keys, now);
            changes.compare(*member, listed, wanted);
        }
        let was_in = before.is_some_and(|standing| standing.state.is_in());
        let derived = Derived {
            was_in,
            is_in: standing.state.is_in(),
            changed,
        };
        let difference = |of: &BTreeSet<Concern>, without: &BTreeSet<Concern>| {
            of.difference(without).cloned().collect::<Vec<Concern>>()
        };
        let concerns = [
            difference(&outlook.concerns, &row.concerns),
            difference(&row.concerns, &outlook.concerns),
        ];
        let stale = changed
            || row.next_change != outlook.next
            || concerns.iter().any(|changed| !changed.is_empty());
        fresh.push(Fresh {
            member: *member,
            cause,
            outlook,
            concerns,
            derived,
            stale,
            open,
            news,
        });
    }
    write(tx, &fresh, context);
    show_concerns(tx, &fresh, context).await?;
    Ok(fresh.iter().map(|fresh| fresh.derived).collect())
}

/// Writes standings, audit lines and stories of those that changed.
fn write(tx: &mut Tx, fresh: &[Fresh<'_>], context: Context<'_>) {
    let stale = fresh.iter().filter(|fresh| fresh.stale);
    let outlooks: Vec<_> = stale.map(|fresh| (fresh.member, &fresh.outlook)).collect();
    members::put_outlooks(tx, &outlooks);
    for fresh in fresh {
        if let Some((body, sha256)) = &fresh.news {
            journal::facts(tx, fresh.member, (body, sha256), context.now);
        }
    }
    let changed: Vec<&Fresh<'_>> = fresh.iter().filter(|fresh| fresh.derived.changed).collect();
    let bodies: Vec<String> = changed
        .iter()
        .map(|fresh| to_json(&fresh.outlook.standing))
        .collect();
    let line = |(fresh, body)| {
        let (fresh, body): (&&Fresh<'_>, &String) = (fresh, body);
        AuditLine {
            actor: "server",
            action: "standing",
            member: Some(fresh.member),
            cause: fresh.cause,
            body: Some(body),
        }
    };
    let lines: Vec<AuditLine<'_>> = changed.iter().zip(&bodies).map(line).collect();
    audit_all(tx, &context.rulebook.organisation, context.now, &lines);
    tell_stories(tx, &changed, context.now);
}

/// What a human should look at goes on the attention list, and off it again when the facts no longer say so. What was
/// settled by hand stays settled while they do.
async fn show_concerns(tx: &mut Tx, fresh: &[Fresh<'_>], context: Context<'_>) -> Result<()> {
    let (organisation, now) = (&context.rulebook.organisation, context.now);
    for fresh in fresh {
        let [new, gone] = &fresh.concerns;
        for concern in gone {
            let kind = Kind::Concern(concern.kind);
            settle(tx, organisation, kind, &concern.subject, now).await?;
        }
        for concern in new {
            let item = Item {
                kind: Kind::Concern(concern.kind),
                subject: &concern.subject,
                sentence: sentence(concern.kind),
                remedy: remedy(concern.kind),
                member: Some(fresh.member),
            };
            raise(tx, organisation, item, now).await?;
            if let Some(kind) = told_of(concern.kind) {
                let what = (fresh.member, kind, concern.subject.as_str());
                notices::put_for(tx, organisation, what, fresh.cause, now);
            }
        }
    }
    Ok(())
}

/// What a member is told of besides staff.
fn told_of(kind: ConcernKind) -> Option<NoticeKind> {
    (kind == ConcernKind::PaymentEnding).then_some(NoticeKind::PaymentEnds)
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
fn tell_stories(tx: &mut Tx, changed: &[&Fresh<'_>], now: Timestamp) {
    for fresh in changed {
        let Fresh { open, outlook, .. } = fresh;
        let standing = &outlook.standing;
        let mark = Mark {
            at: now,
            cause: fresh.cause.to_owned(),
        };
        let held = !matches!(standing.state, State::Stranger);
        let current: BTreeSet<(String, &str)> = standing
            .access
            .iter()
            .filter(|access| held && access.holds(now))
            .map(key)
            .collect();
        for term in open.iter().filter(|term| !current.contains(&key_of(term))) {
            let over = |access: &&Access| {
                key(access) == key_of(term) && access.until.is_some_and(|until| until <= now)
            };
            let ended = standing.access.iter().filter(over);
            let last = ended
                .max_by_key(|access| access.until)
                .map_or(Last::Gone, |access| last(&access.because));
            terms::close(tx, term.id, &mark, last);
        }
        for (source, membership) in current {
            let opened = (source.clone(), membership);
            if !open.iter().any(|term| key_of(term) == opened) {
                terms::begin(tx, fresh.member, (&source, membership), &mark);
            }
        }
    }
}

/// The fact that access rests on, and the type: what makes one term.
fn key(access: &Access) -> (String, &str) {
    (
        Source::from(&access.because).to_string(),
        access.membership.as_str(),
    )
}

fn key_of(term: &Open) -> (String, &str) {
    (term.source.clone(), term.membership.as_str())
}

fn last(because: &Because) -> Last {
    match because {
        Because::Subscription { cause, .. } => Last::Said(*cause),
        Because::Payment { .. } | Because::Grant { .. } => Last::Up,
    }
}
