//! What an invoice would be (docs.stripe.com/api/invoices/create_preview): done on a copy of the account, then looked at.

use serde_json::{Value, json};

use super::StripeSim;
use super::begin::NewSubscription;
use super::billing::NewInvoice;
use super::model::{InvoiceStatus, Status};
use super::params::{Params, Problem};
use super::subscriptions::{PaymentBehavior, Proration};
use super::write_schedules::proration;
use super::writes::Answer;

impl StripeSim {
    pub(crate) fn post_preview(&self, params: &Params<'_>) -> Answer {
        let details = params.nested("subscription_details");
        let details = Params(&details);
        let mut copy = self.clone();
        let invoice = match params.filled("subscription") {
            Some(subscription) => {
                self.living_subscription(subscription)?;
                copy.preview_of(subscription, &details)?
            }
            None => copy.preview_of_new(params, &details)?,
        };
        let mut value = copy.invoice_json(copy.invoices.must(&invoice));
        // It was never stored: it has no id that anything could be done with.
        let id = invoice.replacen("in_", "upcoming_in_", 1);
        value["id"] = json!(id);
        value["status"] = json!("draft");
        value["number"] = Value::Null;
        value["billing_reason"] = match params.filled("subscription") {
            Some(_) => json!("upcoming"),
            None => json!("subscription_create"),
        };
        for line in value["lines"]["data"].as_array_mut().into_iter().flatten() {
            line["invoice"] = json!(id);
        }
        Ok(value)
    }

    /// The invoice of an immediate change, or the renewal with whatever waits for it.
    fn preview_of(&mut self, subscription: &str, details: &Params<'_>) -> Result<String, Problem> {
        if let Some(at) = details.number("proration_date")? {
            self.now = at;
        }
        let changes = self.item_changes(subscription, details)?;
        let proration = proration(details)?;
        let known = self.invoices.iter().count();
        if !changes.is_empty() {
            self.change_items(subscription, &changes, proration);
        }
        if self.invoices.iter().count() == known {
            self.renewal_preview(subscription, proration)?;
        }
        let made = self.invoices.iter().nth(known).map(|row| row.id.clone());
        made.ok_or_else(|| Problem {
            code: Some("invoice_upcoming_none"),
            ..Problem::invalid("No upcoming invoices for customer", "subscription")
        })
    }

    fn renewal_preview(&mut self, subscription: &str, proration: Proration) -> Result<(), Problem> {
        let row = self.subscriptions.must(subscription).clone();
        let end = row.items.iter().map(|item| item.period_end).min();
        let ends = row.status.is_terminal()
            || row.status == Status::Paused
            || row.cancel_at.is_some_and(|at| Some(at) <= end);
        let waiting = self
            .pending
            .iter()
            .any(|item| item.line.subscription.as_deref() == Some(subscription));
        if ends && waiting && proration != Proration::None {
            let lines = self.take_pending(&row.customer, subscription);
            self.draft_invoice(NewInvoice {
                customer: row.customer,
                subscription: Some(subscription.to_owned()),
                reason: "subscription_update",
                lines,
                period: (self.now, self.now),
            });
        } else if let (false, Some(end)) = (ends, end) {
            self.timers.clear();
            self.now = end;
            self.run_subscription(subscription);
        }
        Ok(())
    }

    fn preview_of_new(
        &mut self,
        params: &Params<'_>,
        details: &Params<'_>,
    ) -> Result<String, Problem> {
        let customer = self.living_customer(params.need("customer")?)?;
        let items = self.new_items(details)?;
        if items.is_empty() {
            return Err(Problem::required("subscription_details[items]"));
        }
        let coupons = self.asked_discounts(params, Some(&customer))?;
        let id = self.begin(NewSubscription {
            customer,
            items,
            trial_end: details.number("trial_end")?,
            behavior: PaymentBehavior::DefaultIncomplete,
            days_until_due: 30,
            coupons,
            ..NewSubscription::default()
        });
        let invoice = self.subscriptions.must(&id).latest_invoice.clone();
        let invoice = invoice.ok_or_else(|| Problem::required("subscription"))?;
        self.invoices.must_mut(&invoice).status = InvoiceStatus::Draft;
        Ok(invoice)
    }
}
