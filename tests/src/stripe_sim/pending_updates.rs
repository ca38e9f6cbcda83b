//! Changes of a subscription that wait until they are paid (docs.stripe.com/billing/subscriptions/pending-updates).

use super::StripeSim;
use super::billing::{NewInvoice, Payer};
use super::calendar::HOUR;
use super::model::{InvoiceStatus, PendingItem, PendingUpdate};
use super::subscriptions::ItemChange;

impl StripeSim {
    /// Changes items only if what they cost is paid; answers whether it was paid at once.
    pub fn change_items_if_paid(&mut self, id: &str, changes: &[ItemChange]) -> bool {
        let row = self.subscriptions.must(id).clone();
        if row.status.is_terminal() {
            return false;
        }
        let before = self.subscription_value(id);
        let plan = self.plan_change(&row, changes);
        let now = self.now;
        let customer = row.customer.clone();
        self.pending.extend(
            plan.prorated
                .into_iter()
                .map(|line| PendingItem::of(&customer, line)),
        );
        let mut lines = plan.new_cycle;
        lines.extend(self.take_pending(&row.customer, id));
        let invoice = self.draft_invoice(NewInvoice {
            customer: row.customer,
            subscription: Some(id.to_owned()),
            reason: "subscription_update",
            lines,
            period: (now, now),
        });
        let held = self.subscriptions.must_mut(id);
        held.latest_invoice = Some(invoice.clone());
        held.pending_update = Some(PendingUpdate {
            items: plan.items,
            invoice: invoice.clone(),
            expires_at: now + 23 * HOUR,
            visible: false,
        });
        self.emit("invoice.created", self.invoice_value(&invoice));
        self.finalize(&invoice, Payer::DefaultCard);
        let paid = self.invoices.must(&invoice).status == InvoiceStatus::Paid;
        let held = self.subscriptions.must_mut(id);
        if paid {
            if let Some(update) = held.pending_update.take() {
                held.items = update.items;
            }
        } else if let Some(update) = &mut held.pending_update {
            update.visible = true;
        }
        self.tell_change(id, before);
        paid
    }

    /// The invoice was paid: the change that waited for it happens.
    pub(crate) fn apply_pending_update(&mut self, id: &str, invoice: &str) {
        let row = self.subscriptions.must(id);
        let waits = row
            .pending_update
            .as_ref()
            .is_some_and(|update| update.visible && update.invoice == invoice);
        if !waits {
            return;
        }
        self.change_subscription(id, |row| {
            if let Some(update) = row.pending_update.take() {
                row.items = update.items;
            }
        });
        let value = self.subscription_value(id);
        self.emit("customer.subscription.pending_update_applied", value);
    }

    /// Nobody paid within 23 hours: the change is dropped and its invoice void.
    pub(crate) fn expire_pending_update(&mut self, id: &str) {
        let update = self.subscriptions.must(id).pending_update.clone();
        let Some(update) = update else { return };
        self.change_subscription(id, |row| row.pending_update = None);
        let value = self.subscription_value(id);
        self.emit("customer.subscription.pending_update_expired", value);
        if self.invoices.must(&update.invoice).status == InvoiceStatus::Open {
            self.void(&update.invoice);
        }
    }
}
