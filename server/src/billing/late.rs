//! Late news: a backlog of old events that would take access from many members waits for an admin's yes.
//!
//! What Stripe says now counts at once, whoever it concerns. What it said while nobody listened comes in one run, and a
//! run with a false cause must not shut everybody out.

use crate::app::{App, Step, Work};
use crate::attention::Kind;
use crate::membership::clock::{brake_limit, members_in};
use crate::said::{Part, Said};
use crate::store::attention::{Item, raise};
use crate::store::inbox;
use shared::ids::MemberId;
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// News that comes so long after it was made is old.
const LATE: Span = Span::minutes(10);
/// What old news takes away within so long counts as one run.
const ONE_RUN: Span = Span::hours(1);
const SUBJECT: &str = "backlog";

/// Whether an event came long after it was made.
#[must_use]
pub fn is_late(created: Timestamp, received_at: Timestamp) -> bool {
    created + LATE < received_at
}

/// Who lost access, and the events that took it.
#[derive(Debug, Default)]
pub struct Losers(pub BTreeMap<MemberId, Vec<String>>);

impl Losers {
    /// Those who lost it by certain events, and by which of them.
    pub(super) fn by(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        for events in self.0.values_mut() {
            events.retain(|event| wanted(event));
        }
        self.0.retain(|_, events| !events.is_empty());
        self
    }

    /// The events of all of them.
    pub(super) fn events(&self) -> impl Iterator<Item = &str> {
        self.0.values().flatten().map(String::as_str)
    }
}

impl App {
    /// From how many old news would take access in this run, these members among them, if that is too many.
    pub(super) async fn too_many(&self, work: &mut Work, losers: &Losers) -> Step<Option<usize>> {
        if losers.0.is_empty() {
            return Ok(None);
        }
        let since = work.now - ONE_RUN;
        let mut run = inbox::late_losers(&mut work.tx, self.account, since).await?;
        run.extend(losers.0.keys());
        let (many, inside) = (
            run.len(),
            members_in(&mut work.tx, &self.organisation).await?,
        );
        if many > brake_limit(inside + many) {
            return Ok(Some(many));
        }
        for member in losers.0.keys() {
            inbox::note_late_loser(&mut work.tx, self.account, *member, work.now);
        }
        Ok(None)
    }

    /// Puts old events aside until an admin says yes, and tells staff.
    pub(super) async fn hold_back(&self, events: &[i64], lost: usize, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin().await?;
        inbox::hold(&mut tx, events);
        let item = Item {
            kind: Kind::LateNews,
            subject: SUBJECT,
            sentence: Said::of("attention-late-news").put("count", Part::count(lost)),
            remedy: Said::of("remedy-late-news"),
            member: None,
        };
        raise(&mut tx, &self.organisation, item, now).await?;
        tx.commit().await
    }
}
