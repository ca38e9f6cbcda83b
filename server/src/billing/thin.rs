//! Thin events say what happened to which object and not how it is now: that is asked, and taken for their payload
//! (docs.stripe.com/event-destinations#thin-events).

use super::client::{Stripe, StripeError};
use super::read::Event;
use super::sheet::{Line, Sheet};
use crate::app::{App, Step};
use crate::attention::Kind;
use crate::store::attention::settle;
use crate::store::inbox::{self, Fate, Waiting};
use serde_json::Value;
use shared::ids::AccountId;
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// How many events one step asks about at most.
const BATCH: i64 = 16;
/// The pause after the first answer that did not help; it doubles.
const AGAIN: Span = Span::seconds(10);
/// The longest pause.
const SELDOM: Span = Span::minutes(10);
/// The pause while the key is not that of the account on record, or Stripe does not say.
const UNCONFIRMED: Span = Span::minutes(1);
/// An object that Stripe would not show so often is not asked for again.
const TRIES: i64 = 5;

/// Thin events about one object.
struct Unseen {
    account: AccountId,
    kind: String,
    id: String,
    events: Vec<(Waiting, Event)>,
}

impl App {
    /// Asks how things are of which thin events only say that something happened. `clock` is asked when an answer has
    /// come.
    pub(super) async fn look_up(&self, clock: &impl Fn() -> Timestamp) -> Step {
        let mut publications = Vec::new();
        let Some(stripe) = self.billing.stripe.as_deref() else {
            return Ok(publications);
        };
        let mut tx = self.store.begin_read().await?;
        let waiting = inbox::asking(&mut tx, self.account, clock(), BATCH).await?;
        drop(tx);
        if waiting.is_empty() {
            return Ok(publications);
        }
        if !self.confirm(clock()).await? {
            let mut tx = self.store.begin().await?;
            for row in waiting {
                inbox::ask_again(&mut tx, row.id, row.tries, clock() + UNCONFIRMED);
            }
            tx.commit().await?;
            return Ok(publications);
        }
        for unseen in by_object(waiting) {
            publications.extend(self.look_up_one(stripe, unseen, clock).await?);
        }
        Ok(publications)
    }

    async fn look_up_one(
        &self,
        stripe: &dyn Stripe,
        unseen: Unseen,
        clock: &impl Fn() -> Timestamp,
    ) -> Step {
        // Whole seconds, as Stripe counts them.
        let asked_at = Timestamp::from_seconds(clock().as_seconds());
        let answer = stripe.related(&unseen.kind, &unseen.id).await;
        let now = clock();
        match answer {
            Ok(object) => self.show(unseen, &object, asked_at, now).await,
            Err(error) => {
                self.ask_later(unseen, &error, now).await?;
                Ok(Vec::new())
            }
        }
    }

    /// Applies events as if they had shown the object; what their snapshots said already, they need not.
    async fn show(
        &self,
        unseen: Unseen,
        object: &Value,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Step {
        let account = unseen.account;
        let mut work = self.work(now).await?;
        let mut lines = Vec::new();
        for (waiting, event) in unseen.events {
            let told = match &event.snapshot {
                Some(snapshot) => inbox::is_closed(&mut work.tx, account, snapshot).await?,
                None => false,
            };
            if told {
                inbox::finish(&mut work.tx, waiting.id, Fate::Ignored, None).await?;
                continue;
            }
            match Line::of(account, event.showing(object.clone(), asked_at)) {
                Ok(line) => {
                    inbox::finish(&mut work.tx, waiting.id, line.fate(), None).await?;
                    lines.push(line);
                }
                Err(error) => {
                    self.poisoned(&mut work.tx, waiting.id, &error.to_string(), now)
                        .await?
                }
            }
        }
        settle(
            &mut work.tx,
            &self.organisation,
            Kind::ThinEvents,
            "key",
            now,
        )
        .await?;
        let asked = Sheet::ask(&mut work.tx, &lines);
        let sheet = Sheet::read(&mut work.tx, asked, now).await?;
        self.apply_all(&mut work, lines, sheet).await?;
        self.finish(work).await
    }

    async fn ask_later(&self, unseen: Unseen, error: &StripeError, now: Timestamp) -> Step<()> {
        let object = &unseen.id;
        tracing::warn!(object, %error, "what an event is about could not be read");
        let mut tx = self.store.begin().await?;
        for (waiting, _) in unseen.events {
            if !error.is_passing() && waiting.tries + 1 >= TRIES {
                self.poisoned(&mut tx, waiting.id, &error.to_string(), now)
                    .await?;
                continue;
            }
            let pause = AGAIN.0 << waiting.tries.clamp(0, 10);
            let again = now + Span(pause.min(SELDOM.0));
            inbox::ask_again(&mut tx, waiting.id, waiting.tries + 1, again);
        }
        tx.commit().await
    }
}

fn by_object(waiting: Vec<Waiting>) -> Vec<Unseen> {
    let mut objects: BTreeMap<(AccountId, String, String), Vec<(Waiting, Event)>> = BTreeMap::new();
    for row in waiting {
        // It was read when it came.
        let Ok(event) = Event::read(&row.body) else {
            continue;
        };
        if let (Some(kind), Some(id)) = (event.object_kind.clone(), event.object_id.clone()) {
            let of = objects.entry((AccountId(row.account), kind, id));
            of.or_default().push((row, event));
        }
    }
    let unseen = objects.into_iter();
    unseen
        .map(|((account, kind, id), events)| Unseen {
            account,
            kind,
            id,
            events,
        })
        .collect()
}
