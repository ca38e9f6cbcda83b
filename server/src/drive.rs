//! Drivers: they own the timers and the link, call the steps of [`App`], and publish what those say.

use crate::app::{AUDIT_EVERY, App, HEAD_EVERY, Step, WATCH_EVERY};
use crate::billing::pull::{PULL_EVERY, PULL_SELDOM, SWEEP_EVERY, pull_again};
use crate::billing::receive::{Delivery, Writer};
use crate::billing::{catalogue, gift, reconcile};
use crate::clock::Clock;
use crate::doors::access_table;
use crate::doors::broker::AgentAccess;
use crate::doors::mqtt::{Incoming, LinkHandle};
use crate::doors::publish::Publication;
use crate::mail::REMIND_EVERY;
use shared::ids::AgentId;
use shared::time::{Span, Timestamp};
use shared::wire::CommandResult;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::task::JoinSet;

pub mod deliveries;
pub mod post;

/// How often the clock is looked at.
const TICK_EVERY: Span = Span::seconds(1);
/// How often customers without a mail address are looked at.
const LINK_EVERY: Span = Span::minutes(5);

/// Of the messages on a topic that may wait at most one goes out in this time.
const WAITING_EVERY: Duration = Duration::from_millis(100);

/// What wakes the drivers, and what they tell.
#[derive(Clone)]
pub struct Bells {
    /// Takes deliveries.
    pub inbox: Writer,
    /// Events were kept that have yet to be applied.
    pub kept: Arc<Notify>,
    /// A customer wants to be fetched.
    pub fetch: Arc<Notify>,
    /// Messages to publish.
    pub outbox: mpsc::UnboundedSender<Vec<Publication>>,
    /// Results of commands.
    pub results: broadcast::Sender<(AgentId, CommandResult)>,
    /// Agents or their doors changed.
    pub agents: Arc<Notify>,
    /// What time it is.
    pub clock: Clock,
}

/// What the drivers take from.
pub struct Ends {
    /// Messages to publish.
    pub outbox: mpsc::UnboundedReceiver<Vec<Publication>>,
    /// Deliveries to keep.
    pub deliveries: mpsc::Receiver<Delivery>,
}

impl Bells {
    /// Bells that nobody listens to yet, and what listens.
    #[must_use]
    pub fn new(clock: Clock) -> (Self, Ends) {
        let (outbox, waiting) = mpsc::unbounded_channel();
        let (inbox, deliveries) = Writer::new(4 * deliveries::GROUP);
        let bells = Self {
            inbox,
            kept: Arc::new(Notify::new()),
            fetch: Arc::new(Notify::new()),
            outbox,
            results: broadcast::channel(64).0,
            agents: Arc::new(Notify::new()),
            clock,
        };
        let ends = Ends {
            outbox: waiting,
            deliveries,
        };
        (bells, ends)
    }

    pub(crate) fn publish(&self, publications: Vec<Publication>) {
        if !publications.is_empty() {
            // The other end lives as long as the process.
            drop(self.outbox.send(publications));
        }
    }
}

/// Starts every driver of an organisation; they end with the set.
pub fn start(
    drivers: &mut JoinSet<()>,
    app: &Arc<App>,
    bells: &Bells,
    ends: Ends,
    link: (LinkHandle, mpsc::Receiver<Incoming>),
    access: Option<Arc<AgentAccess>>,
) {
    drivers.spawn(deliveries::take(
        app.clone(),
        bells.clone(),
        ends.deliveries,
    ));
    drivers.spawn(send(link.0, ends.outbox));
    drivers.spawn(listen(app.clone(), bells.clone(), link.1));
    if app.billing.stripe.is_some() {
        drivers.spawn(fetch(app.clone(), bells.clone()));
        let often = if app.billing.pull {
            PULL_EVERY
        } else {
            PULL_SELDOM
        };
        drivers.spawn(pull(often, app.clone(), bells.clone()));
        if !app.billing.secrets.is_empty() {
            drivers.spawn(every(
                SWEEP_EVERY,
                app.clone(),
                bells.clone(),
                "failed deliveries",
                |app, bells, now| async move {
                    if app.sweep(now).await?.is_some_and(|fresh| fresh > 0) {
                        bells.kept.notify_one();
                    }
                    Ok(())
                },
            ));
        }
        drivers.spawn(every(
            catalogue::LOOK_EVERY,
            app.clone(),
            bells.clone(),
            "catalogue",
            |app, bells, now| async move {
                bells.publish(app.keep_catalogue(now).await?);
                Ok(())
            },
        ));
        drivers.spawn(every(
            reconcile::LOOK_EVERY,
            app.clone(),
            bells.clone(),
            "reconciliation",
            |app, bells, _| async move {
                bells.publish(app.keep_reconciled(|| (bells.clock)()).await?);
                Ok(())
            },
        ));
        drivers.spawn(every(
            gift::FINISH_EVERY,
            app.clone(),
            bells.clone(),
            "gift cards",
            |app, _, now| async move {
                app.finish_gift_cards(now).await?;
                Ok(())
            },
        ));
    }
    drivers.spawn(every(
        TICK_EVERY,
        app.clone(),
        bells.clone(),
        "clock",
        |app, bells, now| async move {
            bells.publish(app.tick(now).await?);
            bells.fetch.notify_one();
            app.mail_links(now).await
        },
    ));
    drivers.spawn(every(
        HEAD_EVERY,
        app.clone(),
        bells.clone(),
        "heads",
        |app, bells, now| async move {
            bells.publish(app.sign_heads(now).await?);
            Ok(())
        },
    ));
    drivers.spawn(every(
        AUDIT_EVERY,
        app.clone(),
        bells.clone(),
        "audit log",
        |app, _, now| async move { app.check_audit(now).await },
    ));
    drivers.spawn(every(
        WATCH_EVERY,
        app.clone(),
        bells.clone(),
        "watch",
        |app, bells, now| async move {
            bells.publish(app.watch(now).await?);
            app.let_badges_go(now).await?;
            bells.publish(app.keep_forgetting(now).await?);
            Ok(())
        },
    ));
    drivers.spawn(every(
        LINK_EVERY,
        app.clone(),
        bells.clone(),
        "link",
        |app, bells, now| async move {
            bells.publish(app.link_waiting(now).await?);
            Ok(())
        },
    ));
    drivers.spawn(every(
        REMIND_EVERY,
        app.clone(),
        bells.clone(),
        "reminders",
        |app, _, now| async move { app.remind(now).await },
    ));
    drivers.spawn(admit(app.clone(), bells.clone(), access));
}

async fn every<F, Fut>(span: Span, app: Arc<App>, bells: Bells, name: &'static str, step: F)
where
    F: Fn(Arc<App>, Bells, Timestamp) -> Fut,
    Fut: Future<Output = Step<()>>,
{
    let mut timer = tokio::time::interval(duration(span));
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        timer.tick().await;
        if let Err(error) = step(app.clone(), bells.clone(), (bells.clock)()).await {
            tracing::error!(
                step = name,
                error = &error as &dyn std::error::Error,
                "a step failed; it is tried again"
            );
        }
    }
}

async fn fetch(app: Arc<App>, bells: Bells) {
    let mut timer = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = bells.fetch.notified() => {}
            _ = timer.tick() => {}
        }
        match app.fetch(|| (bells.clock)()).await {
            Ok(publications) => bells.publish(publications),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "a fetch could not be applied"
            ),
        }
    }
}

async fn pull(often: Span, app: Arc<App>, bells: Bells) {
    let mut wait = often;
    let mut timer = tokio::time::interval(duration(often));
    loop {
        timer.tick().await;
        let pulled = app.pull((bells.clock)()).await;
        if let Err(error) = &pulled {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "pulled events could not be stored; they are pulled again"
            );
        }
        let pulled = pulled.ok().flatten();
        if pulled.is_some_and(|fresh| fresh > 0) {
            bells.kept.notify_one();
        }
        wait = pull_again(often, wait, pulled.is_some());
        timer.reset_after(duration(wait));
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(span.0.unsigned_abs())
}

/// Publishes in order; what finds no broker is dropped, for everything is published anew at the next connect.
async fn send(link: LinkHandle, mut outbox: mpsc::UnboundedReceiver<Vec<Publication>>) {
    let mut moment = Moment::default();
    let mut timer = tokio::time::interval(WAITING_EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let publications = tokio::select! {
            publications = outbox.recv() => match publications {
                Some(publications) => moment.pass(publications),
                None => return,
            },
            _ = timer.tick(), if !moment.recent.is_empty() => moment.due(),
        };
        for publication in publications {
            if let Err(error) =
                link.publish(&publication.topic, publication.payload, publication.retain)
            {
                tracing::debug!(topic = publication.topic, %error, "not published");
            }
        }
    }
}

/// Messages that may wait: of many in a moment only the last says anything, so those between are left out.
#[derive(Default)]
struct Moment {
    /// Topics on which one went out in this moment.
    recent: BTreeSet<String>,
    /// The newest that did not, by topic.
    held: BTreeMap<String, Publication>,
}

impl Moment {
    /// What goes out at once.
    fn pass(&mut self, publications: Vec<Publication>) -> Vec<Publication> {
        let mut now = Vec::with_capacity(publications.len());
        for publication in publications {
            if !publication.may_wait {
                self.held.remove(&publication.topic);
                now.push(publication);
            } else if self.recent.insert(publication.topic.clone()) {
                now.push(publication);
            } else {
                self.held.insert(publication.topic.clone(), publication);
            }
        }
        now
    }

    /// What goes out when the moment is over.
    fn due(&mut self) -> Vec<Publication> {
        self.recent = self.held.keys().cloned().collect();
        std::mem::take(&mut self.held).into_values().collect()
    }
}

async fn listen(app: Arc<App>, bells: Bells, mut incoming: mpsc::Receiver<Incoming>) {
    while let Some(heard) = incoming.recv().await {
        match heard {
            Incoming::Connected => match app.publish_all((bells.clock)()).await {
                Ok(publications) => bells.publish(publications),
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "nothing could be published"
                ),
            },
            Incoming::Disconnected(reason) => {
                tracing::warn!(reason, "no connection to the broker; trying again")
            }
            Incoming::Message { topic, payload } => {
                match app.message(&topic, &payload, (bells.clock)()).await {
                    Ok(taken) => {
                        bells.publish(taken.answers);
                        if let Some(result) = taken.result {
                            // Nobody may be waiting for it.
                            drop(bells.results.send(result));
                        }
                    }
                    Err(error) => {
                        tracing::error!(
                            topic,
                            error = &error as &dyn std::error::Error,
                            "a message could not be taken"
                        );
                    }
                }
            }
        }
    }
}

/// Lets agents hear of changes that concern them, whichever the broker, and keeps the embedded one's table in step with
/// the database; a revoked agent is out within seconds.
async fn admit(app: Arc<App>, bells: Bells, access: Option<Arc<AgentAccess>>) {
    let mut timer = tokio::time::interval(Duration::from_secs(20));
    loop {
        tokio::select! {
            () = bells.agents.notified() => {}
            _ = timer.tick() => {}
        }
        if let Some(access) = &access {
            match access_table::read(&app).await {
                Ok(grants) => access.replace(&app.organisation, grants),
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "agents could not be read"
                ),
            }
        }
        match app.publish_all((bells.clock)()).await {
            Ok(publications) => bells.publish(publications),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "nothing could be published"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: u8, may_wait: bool) -> Publication {
        Publication {
            topic: topic.to_owned(),
            payload: vec![payload],
            retain: topic != "delta",
            may_wait,
        }
    }

    #[test]
    fn of_what_may_wait_the_first_and_the_last_of_a_moment_go_out() {
        let (head, delta) = (
            |number| message("head", number, true),
            |number| message("delta", number, false),
        );
        let mut moment = Moment::default();
        assert_eq!(moment.pass(vec![delta(1), head(1)]), [delta(1), head(1)]);
        assert_eq!(moment.pass(vec![delta(2), head(2)]), [delta(2)]);
        assert_eq!(moment.pass(vec![delta(3), head(3)]), [delta(3)]);
        assert_eq!(moment.due(), [head(3)]);
        assert_eq!(moment.pass(vec![head(4)]), []);
        assert_eq!(moment.due(), [head(4)]);
        assert_eq!(moment.due(), []);
        assert_eq!(moment.pass(vec![head(5)]), [head(5)]);
        // A lockdown waits for nothing, and nothing older follows it.
        assert_eq!(moment.pass(vec![head(6)]), []);
        let lockdown = [message("policy", 7, false), message("head", 7, false)];
        assert_eq!(moment.pass(lockdown.to_vec()), lockdown);
        assert_eq!(moment.due(), []);
    }
}
