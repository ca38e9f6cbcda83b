//! Late news: a backlog of old events that would take access from many members waits for an admin's yes.
//!
//! What Stripe says now counts at once, whoever it concerns. What it said while nobody listened comes in one run, and a
//! run with a false cause must not shut everybody out.

use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::membership::clock::{brake_limit, members_in};
use crate::store::attention::{Item, raise, settle};
use crate::store::inbox;
use shared::ids::MemberId;
use shared::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// News that comes so long after it was made is old.
const LATE: Span = Span::minutes(10);
/// What old news takes away belongs to one run until none has come for so long.
const ONE_RUN: Span = Span::hours(1);
const SUBJECT: &str = "backlog";

/// Whether an event came long after it was made.
#[must_use]
pub fn is_late(created: Timestamp, received_at: Timestamp) -> bool {
    created + LATE < received_at
}

/// Who lost access by old news in this run, and when that was last.
#[derive(Debug, Default)]
pub struct Backlog(Mutex<Option<(Timestamp, BTreeSet<MemberId>)>>);

impl Backlog {
    fn before(&self, now: Timestamp) -> BTreeSet<MemberId> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_this_run = known.as_ref().filter(|(last, _)| now < *last + ONE_RUN);
        of_this_run
            .map(|(_, lost)| lost.clone())
            .unwrap_or_default()
    }

    fn note(&self, lost: BTreeSet<MemberId>, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, lost));
    }
}

impl App {
    /// Whether old news may take access from these members, beside those from whom it took it in this run.
    pub(super) async fn may_take(&self, work: &mut Work, lost: BTreeSet<MemberId>) -> Step<bool> {
        if lost.is_empty() {
            return Ok(true);
        }
        let mut run = self.backlog.before(work.now);
        run.extend(lost);
        let inside = members_in(&mut work.tx, &self.organisation).await? + run.len();
        let may = run.len() <= brake_limit(inside);
        if may {
            self.backlog.note(run, work.now);
        }
        Ok(may)
    }

    /// Puts old events aside until an admin says yes, and tells staff.
    pub(super) async fn hold_back(&self, events: &[i64], lost: usize, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin().await?;
        inbox::hold(&mut tx, events);
        let sentence = format!(
            "Old news of Stripe would take access from {lost} members at once. Nobody lost it."
        );
        let item = Item {
            kind: Kind::LateNews,
            subject: SUBJECT,
            sentence: &sentence,
            remedy: "Compare with Stripe (`goodstanding reconcile --dry-run`), then say yes.",
            member: None,
        };
        raise(&mut tx, &self.organisation, item, now).await?;
        tx.commit().await
    }

    /// An admin says yes: what was held back is applied, whoever loses access by it.
    pub async fn release_late(&self, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin().await?;
        inbox::release(&mut tx, self.account, now);
        settle(&mut tx, &self.organisation, Kind::LateNews, SUBJECT, now).await?;
        tx.commit().await
    }
}
