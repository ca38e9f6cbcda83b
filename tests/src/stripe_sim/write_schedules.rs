//! The REST interface: what makes and changes schedules.

use super::StripeSim;
use super::calendar::{Interval, next_boundary};
use super::params::{Params, Problem};
use super::subscriptions::Proration;
use super::terms::{Phase, ScheduleStatus};
use super::writes::{Answer, edit_metadata, metadata};

impl StripeSim {
    pub(crate) fn post_schedule(&mut self, params: &Params<'_>) -> Answer {
        if let Some(subscription) = params.filled("from_subscription") {
            self.living_subscription(subscription)?;
            if self.subscriptions.must(subscription).schedule.is_some() {
                let text = "This subscription is already attached to a schedule.";
                return Err(Problem::invalid(text, "from_subscription"));
            }
            let id = self.schedule_from(subscription);
            return Ok(self.schedule_value(&id));
        }
        let customer = self.living_customer(params.need("customer")?)?;
        let start = match params.filled("start_date") {
            None | Some("now") => self.now,
            Some(_) => params.number("start_date")?.unwrap_or(self.now),
        };
        let phases = self.phases(params, start)?;
        if phases.is_empty() {
            return Err(Problem::required("phases"));
        }
        let cancels = ends(params)?.unwrap_or(false);
        let id = self.add_schedule(&customer, None, phases, cancels, metadata(params));
        Ok(self.schedule_value(&id))
    }

    /// The phases that a request names, each beginning where the one before ends.
    fn phases(&self, params: &Params<'_>, start: i64) -> Result<Vec<Phase>, Problem> {
        let mut phases = Vec::new();
        let mut start = start;
        for inner in params.nested_rows("phases") {
            let inner = Params(&inner);
            let mut items = Vec::new();
            for row in inner.rows("items") {
                let price = row.get("price").or(row.get("plan"));
                let price = price.ok_or_else(|| Problem::required("phases[0][items][0][price]"))?;
                let quantity = row.get("quantity").and_then(|value| value.parse().ok());
                items.push((self.living_price(price)?, quantity.unwrap_or(1)));
            }
            start = inner.number("start_date")?.unwrap_or(start);
            let end = self.phase_end(&inner, start, &items)?;
            if end <= start {
                let text = "The end date of a phase must be after its start date.";
                return Err(Problem::invalid(text, "phases[0][end_date]"));
            }
            phases.push(Phase {
                start,
                end,
                items,
                proration: proration(&inner)?,
                metadata: metadata(&inner),
            });
            start = end;
        }
        Ok(phases)
    }

    fn phase_end(
        &self,
        inner: &Params<'_>,
        start: i64,
        items: &[(String, i64)],
    ) -> Result<i64, Problem> {
        if let Some(end) = inner.number("end_date")? {
            return Ok(end);
        }
        if let Some(interval) = inner.filled("duration[interval]").and_then(Interval::parse) {
            let count = inner.number("duration[interval_count]")?.unwrap_or(1);
            return Ok(next_boundary(start, start, interval, count));
        }
        let periods = inner.number("iterations")?.unwrap_or(1);
        Ok(self.end_of_phase(start, items, periods))
    }

    fn running_schedule(&self, id: &str) -> Result<(), Problem> {
        let row = self
            .schedules
            .get(id)
            .ok_or_else(|| Problem::missing("subscription_schedule", id))?;
        if matches!(
            row.status,
            ScheduleStatus::NotStarted | ScheduleStatus::Active
        ) {
            return Ok(());
        }
        let text = format!("This schedule is {} already.", row.status.as_str());
        Err(Problem::invalid(text, "id"))
    }

    pub(crate) fn update_schedule(&mut self, id: &str, params: &Params<'_>) -> Answer {
        self.running_schedule(id)?;
        let row = self.schedules.must(id);
        let start = row.phases.first().map_or(self.now, |phase| phase.start);
        let phases = self.phases(params, start)?;
        let cancels = ends(params)?;
        self.change_schedule(id, |row| {
            if !phases.is_empty() {
                row.phases = phases;
            }
            row.cancels = cancels.unwrap_or(row.cancels);
            edit_metadata(&mut row.metadata, &params.hash("metadata"));
        });
        Ok(self.schedule_value(id))
    }

    pub(crate) fn act_on_schedule(&mut self, id: &str, action: &str) -> Answer {
        self.running_schedule(id)?;
        match action {
            "cancel" => self.cancel_schedule(id),
            "release" => self.release_schedule(id),
            _ => {
                return Err(super::api::unrecognized(&[
                    "subscription_schedules",
                    id,
                    action,
                ]));
            }
        }
        Ok(self.schedule_value(id))
    }
}

/// Whether the subscription ends with the schedule.
fn ends(params: &Params<'_>) -> Result<Option<bool>, Problem> {
    match params.filled("end_behavior") {
        None => Ok(None),
        Some("cancel") => Ok(Some(true)),
        Some("release") => Ok(Some(false)),
        Some(other) => {
            let text = format!("Invalid end_behavior: {other}");
            Err(Problem::invalid(text, "end_behavior"))
        }
    }
}

pub(crate) fn proration(params: &Params<'_>) -> Result<Proration, Problem> {
    match params.filled("proration_behavior") {
        None | Some("create_prorations") => Ok(Proration::CreateProrations),
        Some("none") => Ok(Proration::None),
        Some("always_invoice") => Ok(Proration::AlwaysInvoice),
        Some(other) => {
            let text = format!("Invalid proration_behavior: {other}");
            Err(Problem::invalid(text, "proration_behavior"))
        }
    }
}
