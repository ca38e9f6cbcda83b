//! Stripe's list of events as the server pulls it, and events that reach the server late.

use super::Building;
use super::post::{Letter, Mood};
use crate::chance::Chance;
use server::billing::pull::{PULL_EVERY, pull_again};
use shared::time::{Span, Timestamp};

/// Stripe's list lags behind its events by no more.
const LAG: Span = Span::minutes(1);

/// What Stripe's list shows.
#[derive(Debug, Default)]
pub(super) struct List {
    /// How often something was shown that had been hidden.
    unhidden: usize,
    /// From this event on everything is hidden.
    held_from: Option<usize>,
    /// Decides which new events are shown first; none: all at once.
    chance: Option<Chance>,
    /// So many events are no longer new.
    old: usize,
    /// New events that are not shown yet.
    late: Vec<String>,
}

impl List {
    /// A list that shows what happens at once, or one after another as chance has it.
    pub(super) fn in_order(chance: Option<Chance>) -> Self {
        Self {
            chance,
            ..Self::default()
        }
    }
}

impl Building {
    pub(super) fn pull(&mut self) -> bool {
        self.hide_events();
        if !self.server.billing.pull || self.now < self.server.pull_again {
            return false;
        }
        self.show_some();
        let there = self.stripe.sim().events().len() + self.list.unhidden;
        if self.server.pulled == Some(there) {
            return false;
        }
        let now = self.now;
        match self.ask(async |app| app.pull(now).await) {
            Some(Some(_)) => {
                self.server.pull_wait = PULL_EVERY;
                self.server.pulled = Some(there);
            }
            Some(None) => {
                self.server.pull_wait = pull_again(PULL_EVERY, self.server.pull_wait, false);
                self.server.pull_again = now + self.server.pull_wait;
            }
            // The server went down over it.
            None => {}
        }
        true
    }

    /// Where chance rules, new events are hidden and some of those shown that were.
    fn show_some(&mut self) {
        let list = &mut self.list;
        let Some(chance) = &mut list.chance else {
            return;
        };
        let sim = self.stripe.sim();
        let end = list.held_from.unwrap_or(sim.events().len());
        let new = sim.events().get(list.old..end).unwrap_or_default();
        let since = (self.now - LAG).as_seconds();
        let new = new.iter().filter(|event| event.created >= since);
        let new: Vec<String> = new.map(|event| event.id.clone()).collect();
        list.old = sim.events().len();
        drop(sim);
        let mut wire = self.stripe.wire();
        wire.hidden.extend(new.iter().cloned());
        list.late.extend(new);
        let shown = match list.late.len() {
            0 => return,
            count => chance.below(count) + 1,
        };
        list.late = chance.shuffled(std::mem::take(&mut list.late));
        for event in list.late.drain(..shown) {
            wire.hidden.remove(&event);
            list.unhidden += 1;
        }
    }

    /// When Stripe's list is read next because reading it failed.
    pub(super) fn pull_due(&self) -> Option<Timestamp> {
        let there = self.stripe.sim().events().len() + self.list.unhidden;
        let wants = self.server.app().is_some()
            && self.server.billing.pull
            && self.server.pulled != Some(there);
        (wants && !self.out).then_some(self.server.pull_again)
    }

    /// Pulls the events of Stripe's list once, whatever the way in; the safety net after lost webhooks.
    pub fn backfill(&mut self) {
        let now = self.now;
        self.ask(async |app| app.pull(now).await);
        self.settle();
    }

    /// Looks once for events whose deliveries failed; how many were new.
    pub fn sweep(&mut self) -> Option<usize> {
        let now = self.now;
        let fresh = self.ask(async |app| app.sweep(now).await).flatten();
        self.settle();
        fresh
    }

    /// Events do not reach the server until they are released.
    pub fn hold_events(&mut self) {
        self.work();
        self.post.set_mood(Mood::Held);
        self.list.held_from = Some(self.stripe.sim().events().len());
    }

    /// What was held back so far, oldest first; later events come as usual.
    pub fn held_events(&mut self) -> Vec<Letter> {
        self.hide_events();
        self.post.set_mood(Mood::Prompt);
        let Some(from) = self.list.held_from.take() else {
            return Vec::new();
        };
        self.post.take_held();
        let sim = self.stripe.sim();
        let events = sim.events()[from..].iter();
        events
            .map(|event| Letter::of(&event.body(event.shape, sim.livemode()), self.now))
            .collect()
    }

    /// Stripe's list shows nothing of what happened since [`Building::hold_events`].
    pub(super) fn hide_events(&mut self) {
        let Some(from) = self.list.held_from else {
            return;
        };
        let hidden: Vec<String> = self.stripe.sim().events()[from..]
            .iter()
            .map(|event| event.id.clone())
            .collect();
        self.stripe.wire().hidden.extend(hidden);
    }

    /// Lets the server hear of events, in this order: by webhook, or by Stripe's list where there is no webhook.
    pub fn release_events(&mut self, letters: impl IntoIterator<Item = Letter>) {
        for letter in letters {
            if self.server.billing.secrets.is_empty() {
                self.stripe.wire().hidden.remove(&letter.event);
                self.list.unhidden += 1;
                self.work();
            } else {
                self.post.release([letter], self.now);
            }
        }
    }

    /// What was held back never comes.
    pub fn forget_held_events(&mut self) {
        drop(self.held_events());
    }
}
