//! Coupons, promotion codes, and the discounts that they make (docs.stripe.com/billing/subscriptions/coupons).

use serde_json::Value;

use super::StripeSim;
use super::calendar::add_months;
use super::model::{Line, Metadata};
use super::params::Problem;
use super::terms::{Coupon, Discount, Duration, Off, PromotionCode};

impl StripeSim {
    /// A coupon; an empty id lets Stripe choose one.
    pub fn create_coupon(&mut self, id: &str, off: Off, duration: Duration) -> String {
        let id = if id.is_empty() {
            self.next_id("")
        } else {
            id.to_owned()
        };
        self.add_coupon(Coupon {
            id,
            name: None,
            off,
            duration,
            max_redemptions: None,
            redeem_by: None,
            times_redeemed: 0,
            metadata: Metadata::new(),
            created: self.now,
            deleted: false,
        })
    }

    pub(crate) fn add_coupon(&mut self, row: Coupon) -> String {
        let id = row.id.clone();
        let value = self.coupon_json(&row);
        self.coupons.insert(row);
        self.emit("coupon.created", value);
        id
    }

    /// Deletes a coupon; discounts made of it stay (docs.stripe.com/api/coupons/delete).
    pub fn delete_coupon(&mut self, id: &str) {
        let value = self.coupon_json(self.coupons.must(id));
        self.coupons.must_mut(id).deleted = true;
        self.emit("coupon.deleted", value);
    }

    /// A code that customers can type in to redeem a coupon; answers its id.
    pub fn create_promotion_code(&mut self, code: &str, coupon: &str) -> String {
        let id = self.next_id("promo_1");
        self.add_promotion_code(PromotionCode {
            id,
            code: code.to_owned(),
            coupon: coupon.to_owned(),
            customer: None,
            active: true,
            max_redemptions: None,
            expires_at: None,
            first_time: false,
            minimum: None,
            times_redeemed: 0,
            metadata: Metadata::new(),
            created: self.now,
        })
    }

    pub(crate) fn add_promotion_code(&mut self, row: PromotionCode) -> String {
        let id = row.id.clone();
        let value = self.promotion_code_json(&row);
        self.promotion_codes.insert(row);
        self.emit("promotion_code.created", value);
        id
    }

    /// Whether a coupon can still be redeemed (docs.stripe.com/api/coupons/object#coupon_object-valid).
    pub(crate) fn coupon_is_valid(&self, coupon: &Coupon) -> bool {
        !coupon.deleted
            && coupon.redeem_by.is_none_or(|by| self.now < by)
            && coupon
                .max_redemptions
                .is_none_or(|max| coupon.times_redeemed < max)
    }

    pub(crate) fn promotion_code_is_active(&self, row: &PromotionCode) -> bool {
        let coupon = self.coupons.must(&row.coupon);
        row.active
            && self.coupon_is_valid(coupon)
            && row.expires_at.is_none_or(|at| self.now < at)
            && row
                .max_redemptions
                .is_none_or(|max| row.times_redeemed < max)
    }

    /// The coupon behind a promotion code, if that customer may use it
    /// (docs.stripe.com/billing/subscriptions/coupons#promotion-codes).
    pub(crate) fn redeemable(&self, code: &str, customer: Option<&str>) -> Result<String, Problem> {
        let row = self.promotion_codes.get(code).ok_or_else(|| Problem {
            status: 400,
            ..Problem::missing("promotion code", code)
        })?;
        let others = row
            .customer
            .as_deref()
            .is_some_and(|own| Some(own) != customer);
        let paid_before = customer.is_some_and(|customer| {
            self.invoices
                .of(customer)
                .any(|invoice| invoice.paid_at.is_some())
        });
        if others || !self.promotion_code_is_active(row) || (row.first_time && paid_before) {
            return Err(Problem {
                code: Some("promotion_code_invalid"),
                ..Problem::invalid("This promotion code cannot be redeemed.", "promotion_code")
            });
        }
        Ok(row.coupon.clone())
    }

    /// Applies a coupon to a customer or to one of its subscriptions; answers the discount's id.
    pub(crate) fn add_discount(
        &mut self,
        coupon: &str,
        promotion_code: Option<String>,
        customer: &str,
        subscription: Option<&str>,
    ) -> String {
        let id = self.next_id("di_1");
        let now = self.now;
        self.coupons.must_mut(coupon).times_redeemed += 1;
        if let Some(code) = &promotion_code {
            self.promotion_codes.must_mut(code).times_redeemed += 1;
        }
        let end = match self.coupons.must(coupon).duration {
            Duration::Once | Duration::Forever => None,
            Duration::Repeating(months) => Some(add_months(now, months)),
        };
        self.discounts.insert(Discount {
            id: id.clone(),
            coupon: coupon.to_owned(),
            promotion_code,
            customer: customer.to_owned(),
            subscription: subscription.map(str::to_owned),
            start: now,
            end,
        });
        self.emit("customer.discount.created", self.discount_value(&id));
        id
    }

    pub(crate) fn discount_value(&self, id: &str) -> Value {
        self.discount_json(self.discounts.must(id))
    }

    /// What each discount takes off these lines, one after the other, never more than there is
    /// (docs.stripe.com/billing/subscriptions/coupons#multiple-coupons).
    pub(crate) fn discounts_on(&self, lines: &[Line], discounts: &[String]) -> Vec<(String, i64)> {
        let mut left: i64 = lines.iter().map(|line| line.amount).sum();
        let mut taken = Vec::new();
        for id in discounts {
            let row = self.discounts.must(id);
            if left <= 0 || row.end.is_some_and(|end| end <= self.now) {
                continue;
            }
            let amount = match &self.coupons.must(&row.coupon).off {
                Off::Percent(hundredths) => (left * i64::from(*hundredths) + 5_000) / 10_000,
                Off::Amount(cents, _) => *cents,
            };
            let amount = amount.min(left);
            left -= amount;
            taken.push((id.clone(), amount));
        }
        taken
    }

    /// A discount for one invoice is gone with that invoice, and one for some months with their end.
    pub(crate) fn use_up_discounts(&mut self, invoice: &str) {
        let row = self.invoices.must(invoice).clone();
        let spent = |id: &String| {
            let discount = self.discounts.must(id);
            let once = self.coupons.must(&discount.coupon).duration == Duration::Once;
            let used = row.discounts.iter().any(|(used, _)| used == id);
            (once && used) || discount.end.is_some_and(|end| end <= self.now)
        };
        let subscription = row.subscription.as_deref();
        let of_subscription: Vec<String> = subscription
            .map_or(Vec::new(), |id| {
                self.subscriptions.must(id).discounts.clone()
            })
            .into_iter()
            .filter(spent)
            .collect();
        let of_customer = self.customers.must(&row.customer).discount.clone();
        let of_customer = of_customer.filter(spent);
        if let Some(id) = subscription.filter(|_| !of_subscription.is_empty()) {
            let gone = of_subscription.clone();
            self.change_subscription(id, |row| row.discounts.retain(|own| !gone.contains(own)));
        }
        if of_customer.is_some() {
            self.change_customer_row(&row.customer, |row| row.discount = None);
        }
        for id in of_subscription.iter().chain(&of_customer) {
            self.emit("customer.discount.deleted", self.discount_value(id));
        }
    }

    /// Gives a customer a discount on all its invoices, in place of the one it had; or takes it away.
    pub(crate) fn set_customer_discount(&mut self, customer: &str, coupon: Option<&str>) {
        let old = self.customers.must(customer).discount.clone();
        let new = coupon.map(|coupon| self.next_discount(coupon, customer, old.as_deref()));
        self.change_customer_row(customer, |row| row.discount.clone_from(&new));
        if let (Some(old), None) = (&old, &new) {
            self.emit("customer.discount.deleted", self.discount_value(old));
        }
    }

    fn next_discount(&mut self, coupon: &str, customer: &str, old: Option<&str>) -> String {
        let before = old.map(|old| self.discount_value(old));
        let id = self.add_discount(coupon, None, customer, None);
        if let Some(before) = before {
            // It is told as a change of the one that was there.
            self.events.pop();
            let after = self.discount_value(&id);
            self.emit_change("customer.discount.updated", before, after);
        }
        id
    }
}
