//! Coupons, schedules and checkout sessions as JSON in the newest API shape.

use serde_json::{Value, json};

use super::StripeSim;
use super::objects::list;
use super::subscriptions::Proration;
use super::terms::{
    Coupon, Discount, Duration, Off, Phase, PromotionCode, Schedule, ScheduleStatus, Session,
};

impl StripeSim {
    pub(crate) fn coupon_json(&self, row: &Coupon) -> Value {
        let (percent, amount) = match &row.off {
            Off::Percent(hundredths) if hundredths % 100 == 0 => (json!(hundredths / 100), None),
            Off::Percent(hundredths) => (json!(f64::from(*hundredths) / 100.0), None),
            Off::Amount(cents, currency) => (Value::Null, Some((cents, currency))),
        };
        let months = match row.duration {
            Duration::Repeating(months) => Some(months),
            Duration::Once | Duration::Forever => None,
        };
        json!({
            "id": row.id, "object": "coupon", "amount_off": amount.map(|(cents, _)| cents), "created": row.created,
            "currency": amount.map(|(_, currency)| currency), "duration": row.duration.as_str(),
            "duration_in_months": months, "livemode": self.livemode, "max_redemptions": row.max_redemptions,
            "metadata": row.metadata, "name": row.name, "percent_off": percent, "redeem_by": row.redeem_by,
            "times_redeemed": row.times_redeemed, "valid": self.coupon_is_valid(row),
        })
    }

    pub(crate) fn promotion_code_json(&self, row: &PromotionCode) -> Value {
        json!({
            "id": row.id, "object": "promotion_code", "active": self.promotion_code_is_active(row),
            "code": row.code, "created": row.created, "customer": row.customer, "customer_account": null,
            "expires_at": row.expires_at, "livemode": self.livemode, "max_redemptions": row.max_redemptions,
            "metadata": row.metadata, "promotion": {"coupon": row.coupon, "type": "coupon"},
            "restrictions": {
                "first_time_transaction": row.first_time,
                "minimum_amount": row.minimum.as_ref().map(|(amount, _)| amount),
                "minimum_amount_currency": row.minimum.as_ref().map(|(_, currency)| currency),
            },
            "times_redeemed": row.times_redeemed, "_coupon": self.coupon_json(self.coupons.must(&row.coupon)),
        })
    }

    pub(crate) fn discount_json(&self, row: &Discount) -> Value {
        json!({
            "id": row.id, "object": "discount", "checkout_session": null, "customer": row.customer,
            "customer_account": null, "end": row.end, "invoice": null, "invoice_item": null,
            "promotion_code": row.promotion_code, "source": {"coupon": row.coupon, "type": "coupon"},
            "start": row.start, "subscription": row.subscription, "subscription_item": null,
            "_coupon": self.coupons.get(&row.coupon).map(|coupon| self.coupon_json(coupon)),
        })
    }

    pub(crate) fn schedule_json(&self, row: &Schedule) -> Value {
        let phases: Vec<Value> = row
            .phases
            .iter()
            .map(|phase| self.phase_json(phase))
            .collect();
        let current = row.current.and_then(|at| row.phases.get(at));
        let ended = |status: ScheduleStatus| row.ended_at.filter(|_| row.status == status);
        json!({
            "id": row.id, "object": "subscription_schedule", "application": null,
            "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
            "canceled_at": ended(ScheduleStatus::Canceled), "completed_at": ended(ScheduleStatus::Completed),
            "created": row.created,
            "current_phase": current.map(|phase| json!({"end_date": phase.end, "start_date": phase.start})),
            "customer": row.customer, "customer_account": null,
            "default_settings": {
                "application_fee_percent": null,
                "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
                "billing_cycle_anchor": "automatic", "billing_thresholds": null,
                "collection_method": "charge_automatically", "default_payment_method": null, "description": null,
                "invoice_settings": {"account_tax_ids": null, "days_until_due": null, "issuer": {"type": "self"}},
                "on_behalf_of": null, "transfer_data": null,
            },
            "end_behavior": if row.cancels { "cancel" } else { "release" }, "livemode": self.livemode,
            "metadata": row.metadata, "phases": phases, "released_at": ended(ScheduleStatus::Released),
            "released_subscription": row.released_subscription, "status": row.status.as_str(),
            "subscription": row.subscription,
            "test_clock": self.customers.get(&row.customer).and_then(|row| row.clock.clone()),
        })
    }

    fn phase_json(&self, phase: &Phase) -> Value {
        let items: Vec<Value> = phase
            .items
            .iter()
            .map(|(price, quantity)| {
                json!({
                    "billing_thresholds": null, "discounts": [], "metadata": {}, "price": price,
                    "quantity": quantity, "tax_rates": [],
                })
            })
            .collect();
        let price = phase.items.first().and_then(|(id, _)| self.prices.get(id));
        let proration = match phase.proration {
            Proration::None => "none",
            Proration::CreateProrations => "create_prorations",
            Proration::AlwaysInvoice => "always_invoice",
        };
        json!({
            "add_invoice_items": [], "application_fee_percent": null,
            "billing_cycle_anchor": null, "billing_thresholds": null, "collection_method": null,
            "currency": price.map_or("usd", |price| &price.currency), "default_payment_method": null,
            "default_tax_rates": [], "description": null, "discounts": [], "end_date": phase.end,
            "invoice_settings": null, "items": items, "metadata": phase.metadata, "on_behalf_of": null,
            "proration_behavior": proration, "start_date": phase.start, "transfer_data": null, "trial_end": null,
        })
    }

    pub(crate) fn session_json(&self, row: &Session) -> Value {
        let customer = row
            .customer
            .as_deref()
            .and_then(|id| self.customers.get(id));
        let email = customer
            .and_then(|row| row.email.clone())
            .or(row.email.clone());
        let details = (email.is_some() || row.status == "complete").then(|| {
            json!({
                "address": null, "business_name": null, "email": email, "individual_name": null,
                "name": customer.and_then(|row| row.name.clone()), "phone": null, "tax_exempt": "none", "tax_ids": null,
            })
        });
        let discounts = row.discount.iter().map(|(coupon, code)| {
            json!({"coupon": code.is_none().then_some(coupon), "promotion_code": code})
        });
        let discounts: Vec<Value> = discounts.collect();
        let url =
            (row.status == "open").then(|| format!("https://checkout.stripe.com/c/pay/{}", row.id));
        let mut value = json!({
            "id": row.id, "object": "checkout.session", "adaptive_pricing": null, "after_expiration": null,
            "allow_promotion_codes": null, "amount_subtotal": row.amount_subtotal, "amount_total": row.amount_total,
            "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null},
            "billing_address_collection": null, "cancel_url": row.cancel_url,
            "client_reference_id": row.client_reference_id, "client_secret": null, "collected_information": null,
            "consent": null, "consent_collection": null, "created": row.created, "currency": row.currency,
            "currency_conversion": null, "custom_fields": [],
            "custom_text": {"after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null},
            "customer": row.customer, "customer_account": null,
            "customer_creation": if row.mode == "subscription" { "always" } else { "if_required" },
            "customer_details": details, "customer_email": row.email, "discounts": discounts,
            "expires_at": row.expires_at, "invoice": row.invoice, "invoice_creation": null,
        });
        let rest = json!({
            "livemode": self.livemode, "locale": null, "metadata": row.metadata, "mode": row.mode,
            "origin_context": null, "payment_intent": row.intent, "payment_link": null,
            "payment_method_collection": "always", "payment_method_configuration_details": null,
            "payment_method_options": {}, "payment_method_types": row.kinds, "payment_status": row.payment_status,
            "permissions": null, "phone_number_collection": {"enabled": false}, "recovered_from": null,
            "saved_payment_method_options": null, "setup_intent": row.setup_intent,
            "shipping_address_collection": null, "shipping_cost": null, "shipping_options": [],
            "status": row.status, "submit_type": null, "subscription": row.subscription,
            "success_url": row.success_url,
            "total_details": {
                "amount_discount": row.amount_subtotal - row.amount_total, "amount_shipping": 0, "amount_tax": 0,
            },
            "ui_mode": "hosted_page", "url": url, "wallet_options": null,
        });
        super::objects::merge(&mut value, rest);
        value
    }

    /// docs.stripe.com/api/checkout/sessions/line_items
    pub(crate) fn session_lines(&self, row: &Session) -> Value {
        let lines = row.lines.iter().enumerate().map(|(at, (price, quantity))| {
            let price = self.prices.must(price);
            let amount = price.amount * quantity;
            json!({
                "id": format!("{}_{at}", row.id.replacen("cs_", "li_", 1)), "object": "item",
                "adjustable_quantity": null, "amount_discount": 0, "amount_subtotal": amount, "amount_tax": 0,
                "amount_total": amount, "currency": price.currency,
                "description": self.products.get(&price.product).map(|product| product.name.clone()),
                "metadata": null, "price": self.price_json(price), "quantity": quantity,
            })
        });
        let url = format!("/v1/checkout/sessions/{}/line_items", row.id);
        list(&url, lines.collect(), false)
    }

    pub(crate) fn terms_object(&self, id: &str) -> Option<Value> {
        if let Some(row) = self.schedules.get(id) {
            return Some(self.schedule_json(row));
        }
        if let Some(row) = self.sessions.get(id) {
            return Some(self.session_json(row));
        }
        if let Some(row) = self.discounts.get(id) {
            return Some(self.discount_json(row));
        }
        if let Some(row) = self.promotion_codes.get(id) {
            return Some(self.promotion_code_json(row));
        }
        if let Some(row) = self.coupons.get(id).filter(|row| !row.deleted) {
            return Some(self.coupon_json(row));
        }
        let plain = self.setup_intents.get(id);
        let plain = plain.or_else(|| self.configurations.get(id));
        plain
            .map(|row| row.value.clone())
            .or_else(|| self.clock_json(id))
    }
}
