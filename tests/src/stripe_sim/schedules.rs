//! Subscription schedules: phases that begin by the clock (docs.stripe.com/billing/subscriptions/subscription-schedules).

use serde_json::Value;

use super::StripeSim;
use super::begin::NewSubscription;
use super::calendar::DAY;
use super::model::Metadata;
use super::subscriptions::{ItemChange, Proration};
use super::terms::{Phase, Schedule, ScheduleStatus};

/// How long before its end a schedule is told to expire (docs.stripe.com/api/events/types).
const EXPIRES_IN: i64 = 7 * DAY;

impl StripeSim {
    /// Lets another price follow at the end of the current period; answers the schedule's id.
    pub fn change_price_at_period_end(&mut self, subscription: &str, price: &str) -> String {
        let id = self.schedule_from(subscription);
        let first = self.schedules.must(&id).phases.first().cloned();
        if let Some(first) = first {
            let items = match first.items.first() {
                Some((_, quantity)) => vec![(price.to_owned(), *quantity)],
                None => Vec::new(),
            };
            let end = self.end_of_phase(first.end, &items, 1);
            self.change_schedule(&id, |row| {
                row.phases.push(Phase {
                    start: first.end,
                    end,
                    items,
                    proration: Proration::None,
                    metadata: Metadata::new(),
                });
            });
        }
        id
    }

    /// A schedule whose only phase is the current period of a running subscription
    /// (docs.stripe.com/api/subscription_schedules/create#create_subscription_schedule-from_subscription).
    pub fn schedule_from(&mut self, subscription: &str) -> String {
        let row = self.subscriptions.must(subscription).clone();
        let start = row.items.iter().map(|item| item.period_start).min();
        let end = row.items.iter().map(|item| item.period_end).max();
        let items = row
            .items
            .iter()
            .map(|item| (item.price.clone(), item.quantity))
            .collect();
        let phase = Phase {
            start: start.unwrap_or(self.now),
            end: end.unwrap_or(self.now),
            items,
            proration: Proration::CreateProrations,
            metadata: Metadata::new(),
        };
        self.add_schedule(
            &row.customer,
            Some(subscription),
            vec![phase],
            false,
            Metadata::new(),
        )
    }

    pub(crate) fn schedule_value(&self, id: &str) -> Value {
        self.schedule_json(self.schedules.must(id))
    }

    pub(crate) fn add_schedule(
        &mut self,
        customer: &str,
        subscription: Option<&str>,
        phases: Vec<Phase>,
        cancels: bool,
        metadata: Metadata,
    ) -> String {
        let id = self.next_id("sub_sched_1");
        self.schedules.insert(Schedule {
            id: id.clone(),
            customer: customer.to_owned(),
            subscription: subscription.map(str::to_owned),
            released_subscription: None,
            status: ScheduleStatus::NotStarted,
            phases,
            cancels,
            warned: false,
            current: None,
            ended_at: None,
            metadata,
            created: self.now,
        });
        if let Some(subscription) = subscription {
            let row = self.schedules.must_mut(&id);
            row.status = ScheduleStatus::Active;
            row.current = Some(0);
            self.change_subscription(subscription, |row| row.schedule = Some(id.clone()));
        } else if self.first_start(&id) <= self.now {
            self.start_schedule(&id);
        }
        self.emit("subscription_schedule.created", self.schedule_value(&id));
        self.wake_schedule(&id);
        id
    }

    fn first_start(&self, id: &str) -> i64 {
        let phases = &self.schedules.must(id).phases;
        phases.first().map_or(self.now, |phase| phase.start)
    }

    /// The end of a phase that lasts so many periods of its first price.
    pub(crate) fn end_of_phase(&self, start: i64, items: &[(String, i64)], periods: i64) -> i64 {
        let price = items.first().map(|(price, _)| self.prices.must(price));
        price.map_or(start, |price| {
            let count = price.interval_count * periods.max(1);
            super::calendar::next_boundary(start, start, price.interval, count)
        })
    }

    pub(crate) fn change_schedule(&mut self, id: &str, change: impl FnOnce(&mut Schedule)) {
        let before = self.schedule_value(id);
        change(self.schedules.must_mut(id));
        let after = self.schedule_value(id);
        self.emit_change("subscription_schedule.updated", before, after);
        self.wake_schedule(id);
    }

    fn wake_schedule(&mut self, id: &str) {
        let row = self.schedules.must(id);
        if !matches!(
            row.status,
            ScheduleStatus::NotStarted | ScheduleStatus::Active
        ) {
            return;
        }
        let now = self.now;
        let last = row.phases.last().map(|phase| phase.end);
        let moments = row.phases.iter().flat_map(|phase| [phase.start, phase.end]);
        let moments = moments.chain(last.map(|end| end - EXPIRES_IN));
        if let Some(next) = moments.filter(|at| *at > now).min() {
            self.wake(next, id);
        }
    }

    /// The first phase begins: so does the subscription.
    fn start_schedule(&mut self, id: &str) {
        let row = self.schedules.must(id).clone();
        let Some(first) = row.phases.first() else {
            return;
        };
        let subscription = self.begin(NewSubscription {
            customer: row.customer,
            items: first.items.clone(),
            days_until_due: 30,
            schedule: Some(id.to_owned()),
            metadata: first.metadata.clone(),
            ..NewSubscription::default()
        });
        let held = self.schedules.must_mut(id);
        held.subscription = Some(subscription);
        held.status = ScheduleStatus::Active;
        held.current = Some(0);
    }

    /// Whatever is due for a schedule now.
    pub(crate) fn run_schedule(&mut self, id: &str) {
        let row = self.schedules.must(id).clone();
        let now = self.now;
        match row.status {
            ScheduleStatus::NotStarted if self.first_start(id) <= now => {
                let before = self.schedule_value(id);
                self.start_schedule(id);
                let after = self.schedule_value(id);
                self.emit_change("subscription_schedule.updated", before, after);
            }
            ScheduleStatus::Active => self.run_phases(&row),
            ScheduleStatus::NotStarted
            | ScheduleStatus::Completed
            | ScheduleStatus::Released
            | ScheduleStatus::Canceled => {}
        }
        self.wake_schedule(id);
    }

    fn run_phases(&mut self, row: &Schedule) {
        let now = self.now;
        let (Some(last), Some(subscription)) = (row.phases.last(), &row.subscription) else {
            return;
        };
        if last.end <= now {
            self.complete_schedule(row, subscription);
            return;
        }
        let due = row.phases.iter().rposition(|phase| phase.start <= now);
        if due > row.current {
            let before = self.schedule_value(&row.id);
            self.schedules.must_mut(&row.id).current = due;
            let after = self.schedule_value(&row.id);
            if let Some(phase) = due.and_then(|at| row.phases.get(at)) {
                self.enter_phase(subscription, phase);
            }
            self.emit_change("subscription_schedule.updated", before, after);
        }
        if !row.warned && last.end - EXPIRES_IN <= now {
            self.schedules.must_mut(&row.id).warned = true;
            self.emit(
                "subscription_schedule.expiring",
                self.schedule_value(&row.id),
            );
        }
    }

    /// The subscription takes over the items of a phase, place by place.
    fn enter_phase(&mut self, subscription: &str, phase: &Phase) {
        let row = self.subscriptions.must(subscription);
        let mut changes: Vec<ItemChange> = Vec::new();
        for (at, (price, quantity)) in phase.items.iter().enumerate() {
            let old = row.items.get(at);
            if old.is_some_and(|old| old.price == *price && old.quantity == *quantity) {
                continue;
            }
            changes.push(ItemChange {
                item: old.map(|old| old.id.clone()),
                price: Some(price.clone()),
                quantity: Some(*quantity),
                deleted: false,
            });
        }
        let gone = row.items.iter().skip(phase.items.len());
        changes.extend(gone.map(|old| ItemChange {
            item: Some(old.id.clone()),
            deleted: true,
            ..ItemChange::default()
        }));
        // Nothing is left of a period that is over, so nothing is prorated.
        let over = row.items.iter().all(|item| item.period_end <= self.now);
        let proration = if over {
            Proration::None
        } else {
            phase.proration
        };
        if !changes.is_empty() {
            self.change_items(subscription, &changes, proration);
        }
    }

    fn complete_schedule(&mut self, row: &Schedule, subscription: &str) {
        let now = self.now;
        let held = self.schedules.must_mut(&row.id);
        held.status = ScheduleStatus::Completed;
        held.ended_at = Some(now);
        held.current = None;
        self.change_subscription(subscription, |row| row.schedule = None);
        self.emit(
            "subscription_schedule.completed",
            self.schedule_value(&row.id),
        );
        if row.cancels {
            self.end_subscription(subscription, "cancellation_requested");
        }
    }

    /// Leaves the subscription as it is and schedules nothing more.
    pub fn release_schedule(&mut self, id: &str) {
        let now = self.now;
        let held = self.schedules.must_mut(id);
        held.status = ScheduleStatus::Released;
        held.ended_at = Some(now);
        held.current = None;
        held.released_subscription = held.subscription.take();
        let subscription = held.released_subscription.clone();
        if let Some(subscription) = subscription {
            self.change_subscription(&subscription, |row| row.schedule = None);
        }
        self.emit("subscription_schedule.released", self.schedule_value(id));
    }

    /// Cancels a schedule and its subscription at once (docs.stripe.com/api/subscription_schedules/cancel).
    pub fn cancel_schedule(&mut self, id: &str) {
        match self.schedules.must(id).subscription.clone() {
            // The subscription takes the schedule with it.
            Some(subscription) => self.end_subscription(&subscription, "cancellation_requested"),
            None => self.schedule_lost(id, "cancellation_requested"),
        }
    }

    /// Its subscription is gone: `aborted` if for want of payment (docs.stripe.com/api/events/types).
    pub(crate) fn schedule_lost(&mut self, id: &str, reason: &str) {
        let now = self.now;
        let held = self.schedules.must_mut(id);
        held.status = ScheduleStatus::Canceled;
        held.ended_at = Some(now);
        held.current = None;
        let kind = if reason == "payment_failed" {
            "subscription_schedule.aborted"
        } else {
            "subscription_schedule.canceled"
        };
        self.emit(kind, self.schedule_value(id));
    }
}
