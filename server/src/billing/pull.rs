//! Pulling: events are listed from a durable cursor, where nothing public receives them and for deliveries that were lost;
//! beside webhooks, those that Stripe could not deliver are looked for as well, from a cursor of their own.

use super::client::MOST_EVENTS;
use super::read::Head;
use super::receive::arrival;
use crate::app::{App, Step};
use crate::store::accounts;
use crate::store::inbox::{self, Arrival};
use shared::time::{Span, Timestamp};

/// Events are listed again from so long before the cursor: Stripe's list lags behind its events.
const OVERLAP: Span = Span::minutes(5);
/// How far back Stripe's list goes (docs.stripe.com/api/events).
const LISTED: Span = Span::days(30);
/// How often deliveries that failed are looked for. What Stripe tries for three days needs no haste, and the pull beside
/// it finds most: it alone tells of an endpoint that is not asked for or was switched off.
pub const SWEEP_EVERY: Span = Span::hours(1);
/// How often events are pulled where nothing else brings them.
pub const PULL_EVERY: Span = Span::seconds(5);
/// How often they are pulled beside webhooks, for a delivery that was lost for good; and the longest wait for a Stripe
/// that does not answer.
pub const PULL_SELDOM: Span = Span::minutes(10);

/// How long to wait before the next pull: twice as long as the `last` time while Stripe does not answer.
#[must_use]
pub fn pull_again(often: Span, last: Span, answered: bool) -> Span {
    if answered {
        often
    } else {
        Span((2 * last.0).clamp(often.0, PULL_SELDOM.0))
    }
}

/// What is asked for of Stripe's list of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    /// Everything.
    All,
    /// What was not delivered everywhere.
    Undelivered,
}

impl App {
    /// Pulls events into the inbox, from the durable cursor on; returns how many were new, none if Stripe did not say.
    pub async fn pull(&self, now: Timestamp) -> Step<Option<usize>> {
        self.take_listed(Listed::All, now).await
    }

    /// Pulls events whose delivery failed or is still tried; returns how many were new, none if Stripe did not say.
    ///
    /// An event is listed from its beginning until it is delivered: what was looked through once holds no other. The
    /// first look goes back as far as the list does.
    pub async fn sweep(&self, now: Timestamp) -> Step<Option<usize>> {
        self.take_listed(Listed::Undelivered, now).await
    }

    async fn take_listed(&self, which: Listed, now: Timestamp) -> Step<Option<usize>> {
        let Some(stripe) = &self.billing.stripe else {
            return Ok(None);
        };
        if !self.confirm(now).await? {
            return Ok(None);
        }
        let mut tx = self.store.begin_read().await?;
        let account = self.account_row(&mut tx).await?;
        drop(tx);
        let cursor = match which {
            Listed::All => Timestamp(account.pull_created),
            Listed::Undelivered => account.swept_created.map_or(now - LISTED, Timestamp),
        };
        // A clock that was ahead must not hide what came since.
        let cursor = cursor.min(now);
        let listed = match which {
            Listed::All => stripe.events_since(cursor - OVERLAP).await,
            Listed::Undelivered => stripe.undelivered_since(cursor - OVERLAP).await,
        };
        let events = match listed {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%error, "events could not be pulled");
                return Ok(None);
            }
        };
        let arrivals: Vec<Arrival> = events
            .iter()
            .filter_map(|event| self.listed(event.to_string().as_bytes()))
            .collect();
        let newest = arrivals.iter().map(|arrival| arrival.created).max();
        let mut tx = self.store.begin().await?;
        let inserted = inbox::insert_all(&mut tx, &arrivals, &[], now);
        let fresh = inbox::fresh(&mut tx, &arrivals, inserted).await?;
        match which {
            Listed::All => {
                let newest = newest.unwrap_or(cursor);
                accounts::pulled(&mut tx, self.account, cursor.max(newest)).await?;
            }
            Listed::Undelivered => {
                let whole = events.len() < MOST_EVENTS;
                let reached = if whole { now } else { newest.unwrap_or(cursor) };
                accounts::swept(&mut tx, self.account, reached).await?;
            }
        }
        tx.commit().await?;
        Ok(Some(fresh.into_iter().filter(|fresh| *fresh).count()))
    }

    /// An event of the list of our account, which need not name it.
    fn listed(&self, body: &[u8]) -> Option<Arrival> {
        let unread = |error: &_| tracing::warn!(%error, "a listed event cannot be read");
        let mut head = Head::read(body).inspect_err(unread).ok()?;
        let ours = || self.billing.connected.as_ref();
        head.account = head.account.or_else(|| Some(ours()?.as_str().to_owned()));
        arrival(self, head, body).ok()
    }
}
