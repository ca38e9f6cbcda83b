//! Test clocks: customers with a time of their own (docs.stripe.com/billing/testing/test-clocks).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::StripeSim;
use super::calendar::DAY;
use super::params::{Params, Problem};
use super::writes::Answer;

/// A test clock and what falls due by it.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    pub now: i64,
    pub timers: BTreeSet<(i64, u64, String)>,
    pub name: Option<String>,
    pub created: i64,
    pub status: &'static str,
}

impl StripeSim {
    /// Does something at the time of a test clock, or of the account if there is none.
    pub(crate) fn at_clock<T>(
        &mut self,
        clock: Option<&str>,
        deed: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.swap_clock(clock);
        let before = self.wall_time;
        if clock.is_some() {
            self.wall_time = before.or_else(|| self.clocks.get(clock?).map(|clock| clock.now));
        }
        let answer = deed(self);
        self.wall_time = before;
        self.swap_clock(clock);
        answer
    }

    fn swap_clock(&mut self, clock: Option<&str>) {
        if let Some(row) = clock.and_then(|id| self.clocks.get_mut(id)) {
            std::mem::swap(&mut self.now, &mut row.now);
            std::mem::swap(&mut self.timers, &mut row.timers);
        }
    }

    /// The clock of the customer that a request is about, by the ids it names.
    pub(crate) fn clock_of(&self, segments: &[&str], params: &Params<'_>) -> Option<String> {
        let named = ["customer", "subscription", "invoice", "from_subscription"];
        let named = named.iter().filter_map(|key| params.filled(key));
        named
            .chain(segments.iter().copied())
            .find_map(|id| self.clock_of_id(id))
    }

    fn clock_of_id(&self, id: &str) -> Option<String> {
        let customer = if let Some(row) = self.subscriptions.get(id) {
            &row.customer
        } else if let Some(row) = self.invoices.get(id) {
            &row.customer
        } else if let Some(row) = self.schedules.get(id) {
            &row.customer
        } else {
            id
        };
        self.customers.get(customer)?.clock.clone()
    }

    pub(crate) fn clock_json(&self, id: &str) -> Option<Value> {
        let row = self.clocks.get(id)?;
        let details = if row.status == "advancing" {
            json!({"advancing": {"target_frozen_time": row.now}})
        } else {
            json!({})
        };
        Some(json!({
            "id": id, "object": "test_helpers.test_clock", "created": row.created,
            "deletes_after": row.created + 30 * DAY, "frozen_time": row.now, "livemode": false, "name": row.name,
            "status": row.status, "status_details": details,
        }))
    }

    fn clock_value(&self, id: &str) -> Answer {
        self.clock_json(id)
            .ok_or_else(|| Problem::missing("test_clock", id))
    }

    pub(crate) fn write_clock(
        &mut self,
        method: &str,
        segments: &[&str],
        params: &Params<'_>,
    ) -> Answer {
        match (method, segments) {
            ("POST", []) => {
                let frozen = params
                    .number("frozen_time")?
                    .ok_or_else(|| Problem::required("frozen_time"))?;
                let id = self.next_id("clock_1");
                self.clocks.insert(
                    id.clone(),
                    Clock {
                        now: frozen,
                        timers: BTreeSet::new(),
                        name: params.filled("name").map(str::to_owned),
                        created: self.now,
                        status: "ready",
                    },
                );
                let value = self.clock_value(&id)?;
                self.emit("test_helpers.test_clock.created", value.clone());
                Ok(value)
            }
            ("POST", [id, "advance"]) => self.advance_clock(id, params),
            ("DELETE", [id]) => {
                let value = self.clock_value(id)?;
                let theirs = |clock: &Option<String>| clock.as_deref() == Some(*id);
                let customers: Vec<String> = self
                    .customers
                    .iter()
                    .filter(|row| theirs(&row.clock) && !row.deleted)
                    .map(|row| row.id.clone())
                    .collect();
                for customer in customers {
                    self.at_clock(Some(id), |sim| sim.delete_customer(&customer));
                }
                self.clocks.remove(*id);
                self.emit("test_helpers.test_clock.deleted", value);
                Ok(super::objects::deleted(id, "test_helpers.test_clock"))
            }
            _ => Err(super::api::unrecognized(segments)),
        }
    }

    fn advance_clock(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.clock_value(id)?;
        let to = params
            .number("frozen_time")?
            .ok_or_else(|| Problem::required("frozen_time"))?;
        let now = self.clocks.get(id).map_or(to, |clock| clock.now);
        if to <= now {
            let text = "The frozen time must be after the clock's current time.";
            return Err(Problem::invalid(text, "frozen_time"));
        }
        self.tell_clock(id, "advancing");
        self.at_clock(Some(id), |sim| sim.run_until(to));
        self.tell_clock(id, "ready");
        self.clock_value(id)
    }

    fn tell_clock(&mut self, id: &str, status: &'static str) {
        if let Some(row) = self.clocks.get_mut(id) {
            row.status = status;
        }
        if let Some(value) = self.clock_json(id) {
            self.emit(&format!("test_helpers.test_clock.{status}"), value);
        }
    }
}
