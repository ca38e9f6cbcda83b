//! Changes of subscription items and what they cost.

use super::StripeSim;
use super::billing::{NewInvoice, Payer};
use super::calendar::next_boundary;
use super::model::{Item, Line, PendingItem, Price, Status, Subscription};
use super::subscriptions::{ItemChange, Proration};

/// What a change of items comes to.
pub(crate) struct Plan {
    pub items: Vec<Item>,
    pub prorated: Vec<Line>,
    pub new_cycle: Vec<Line>,
}

impl StripeSim {
    /// Changes items (docs.stripe.com/billing/subscriptions/prorations, …/change-price).
    pub(crate) fn change_items(&mut self, id: &str, changes: &[ItemChange], proration: Proration) {
        let row = self.subscriptions.must(id).clone();
        if row.status.is_terminal() {
            return;
        }
        let before = self.subscription_value(id);
        let in_trial = row.status == Status::Trialing;
        let plan = self.plan_change(&row, changes);
        if proration != Proration::None && !in_trial {
            let items = plan.prorated.into_iter();
            self.pending
                .extend(items.map(|line| PendingItem::of(&row.customer, line)));
        }
        let mut lines = plan.new_cycle;
        let resets = !lines.is_empty();
        if resets {
            self.cut_periods(id, &row.customer);
            self.subscriptions.must_mut(id).anchor = self.now;
        }
        self.subscriptions.must_mut(id).items = plan.items;
        if resets || (proration == Proration::AlwaysInvoice && !in_trial) {
            lines.extend(self.take_pending(&row.customer, id));
        }
        if lines.is_empty() {
            self.tell_change(id, before);
            return;
        }
        let invoice = self.draft_invoice(NewInvoice {
            customer: row.customer,
            subscription: Some(id.to_owned()),
            reason: "subscription_update",
            lines,
            period: (self.now, self.now),
        });
        self.subscriptions.must_mut(id).latest_invoice = Some(invoice.clone());
        self.tell_change(id, before);
        self.emit("invoice.created", self.invoice_value(&invoice));
        self.finalize(&invoice, Payer::DefaultCard);
    }

    /// The items after a change, what it prorates, and the lines of a new cycle if it begins one.
    pub(crate) fn plan_change(&mut self, row: &Subscription, changes: &[ItemChange]) -> Plan {
        let now = self.now;
        let resets = row.status != Status::Trialing && self.resets_cycle(row, changes);
        let mut items = row.items.clone();
        let mut prorated = Vec::new();
        for change in changes {
            let old = items
                .iter()
                .find(|item| Some(&item.id) == change.item.as_ref())
                .cloned();
            let new = self.changed_item(row, old.as_ref(), change);
            let bill = |item: &Item| (item.price.clone(), item.quantity);
            // What is billed as before is not prorated.
            if resets || old.as_ref().map(bill) != new.as_ref().map(bill) {
                if let Some(old) = &old {
                    prorated.extend(self.proration_line(&row.id, old, -1));
                }
                if let Some(new) = new.as_ref().filter(|_| !resets) {
                    prorated.extend(self.proration_line(&row.id, new, 1));
                }
            }
            items.retain(|item| change.item.as_ref() != Some(&item.id));
            if let Some(new) = new {
                let place = row
                    .items
                    .iter()
                    .position(|item| item.id == new.id)
                    .unwrap_or(items.len());
                items.insert(place.min(items.len()), new);
            }
        }
        let mut new_cycle = Vec::new();
        if resets {
            for item in &mut items {
                let price = self.prices.must(&item.price);
                item.period_start = now;
                item.period_end = next_boundary(now, now, price.interval, price.interval_count);
                new_cycle.push(self.period_line(&row.id, item, false));
            }
        }
        Plan {
            items,
            prorated,
            new_cycle,
        }
    }

    /// docs.stripe.com/billing/subscriptions/billing-cycle#changing: another interval, or from free to paid, starts a new cycle.
    fn resets_cycle(&self, row: &Subscription, changes: &[ItemChange]) -> bool {
        changes.iter().any(|change| {
            let old = row
                .items
                .iter()
                .find(|item| Some(&item.id) == change.item.as_ref());
            let (Some(old), Some(new)) = (old, change.price.as_deref()) else {
                return false;
            };
            let (old, new) = (self.prices.must(&old.price), self.prices.must(new));
            !same_interval(old, new) || (old.amount == 0 && new.amount > 0)
        })
    }

    fn changed_item(
        &mut self,
        row: &Subscription,
        old: Option<&Item>,
        change: &ItemChange,
    ) -> Option<Item> {
        if change.deleted {
            return None;
        }
        let Some(old) = old else {
            let price = change.price.clone()?;
            let now = self.now;
            let first = row.items.first();
            let end = first.map_or_else(
                || {
                    let price = self.prices.must(&price);
                    next_boundary(now, now, price.interval, price.interval_count)
                },
                |item| item.period_end,
            );
            let start = first.map_or(now, |item| item.period_start);
            return Some(self.new_item(price, change.quantity.unwrap_or(1), (start, end)));
        };
        Some(Item {
            price: change.price.clone().unwrap_or_else(|| old.price.clone()),
            quantity: change.quantity.unwrap_or(old.quantity),
            ..old.clone()
        })
    }

    fn proration_line(&mut self, subscription: &str, item: &Item, sign: i64) -> Option<Line> {
        let price = self.prices.must(&item.price).clone();
        let whole = item.period_end - item.period_start;
        let rest = (item.period_end - self.now).clamp(0, whole);
        if whole <= 0 {
            return None;
        }
        let amount = sign * rounded_share(price.amount * item.quantity, rest, whole);
        let name = price.nickname.clone().unwrap_or_else(|| price.id.clone());
        Some(Line {
            id: self.next_id("il_1"),
            amount,
            description: if sign < 0 {
                format!("Unused time on {name}")
            } else {
                format!("Remaining time on {name}")
            },
            price: Some(price.id),
            quantity: item.quantity,
            period: (self.now, item.period_end),
            subscription: Some(subscription.to_owned()),
            item: Some(item.id.clone()),
            invoice_item: Some(self.next_id("ii_1")),
            proration: true,
            cut_at: None,
        })
    }

    fn cut_periods(&mut self, id: &str, customer: &str) {
        let now = self.now;
        let invoices: Vec<String> = self
            .invoices
            .of(customer)
            .filter(|invoice| invoice.subscription.as_deref() == Some(id))
            .map(|invoice| invoice.id.clone())
            .collect();
        for invoice in invoices {
            for line in &mut self.invoices.must_mut(&invoice).lines {
                line.cut_at.get_or_insert(now);
            }
        }
    }
}

fn same_interval(a: &Price, b: &Price) -> bool {
    a.interval == b.interval && a.interval_count == b.interval_count
}

fn rounded_share(amount: i64, part: i64, whole: i64) -> i64 {
    let doubled = 2 * i128::from(amount) * i128::from(part) + i128::from(whole);
    i64::try_from(doubled.div_euclid(2 * i128::from(whole))).unwrap_or(i64::MAX)
}
