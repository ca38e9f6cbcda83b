//! Pulling: events are listed from a durable cursor, where nothing public receives them and for deliveries that were lost.

use super::receive::arrival;
use crate::app::{App, Step};
use crate::store::accounts;
use crate::store::inbox::{self, Arrival};
use shared::time::{Span, Timestamp};

/// Events are listed again from so long before the cursor: Stripe's list lags behind its events.
const OVERLAP: Span = Span::minutes(5);
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

impl App {
    /// Pulls events into the inbox, from the durable cursor on; returns how many were new, none if Stripe did not say.
    pub async fn pull(&self, now: Timestamp) -> Step<Option<usize>> {
        let Some(stripe) = &self.billing.stripe else {
            return Ok(None);
        };
        if !self.confirm(now).await? {
            return Ok(None);
        }
        let mut tx = self.store.begin_read().await?;
        // A clock that was ahead must not hide what came since.
        let cursor = Timestamp(
            accounts::find(&mut tx, &self.organisation, self.billing.mode.word())
                .await?
                .pull_created,
        )
        .min(now);
        drop(tx);
        let events = match stripe.events_since(cursor - OVERLAP).await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%error, "events could not be pulled");
                return Ok(None);
            }
        };
        let arrivals: Vec<Arrival> = events
            .iter()
            .filter_map(|event| arrival(self, event.to_string().as_bytes()).ok()?.ok())
            .collect();
        let newest = arrivals.iter().map(|arrival| arrival.created).max();
        let mut tx = self.store.begin().await?;
        let inserted = inbox::insert_all(&mut tx, &arrivals, &[], now);
        let fresh = inbox::fresh(&mut tx, &arrivals, inserted).await?;
        accounts::pulled(&mut tx, self.account, cursor.max(newest.unwrap_or(cursor))).await?;
        tx.commit().await?;
        Ok(Some(fresh.into_iter().filter(|fresh| *fresh).count()))
    }
}
