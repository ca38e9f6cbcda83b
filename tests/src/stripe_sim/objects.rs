//! Each row as JSON in the newest API shape; keys that begin with `_` serve older shapes and never leave this module tree.

use serde_json::{Value, json};

use super::StripeSim;
use super::model::{
    BalanceTransaction, CollectionMethod, Customer, Invoice, Item, Line, Price, Product, Status,
    Subscription,
};

/// A list as Stripe wraps it.
pub(crate) fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    let mut list = json!({"object": "list", "url": url, "has_more": has_more});
    // Moved: the macro would copy it.
    list["data"] = Value::Array(data);
    list
}

impl StripeSim {
    pub(crate) fn product_json(&self, product: &Product) -> Value {
        json!({
            "id": product.id, "object": "product", "active": product.active, "created": product.created,
            "default_price": null, "description": product.description, "images": [], "livemode": self.livemode,
            "marketing_features": [], "metadata": product.metadata, "name": product.name,
            "package_dimensions": null, "shippable": null, "statement_descriptor": null, "tax_code": null,
            "type": "service", "unit_label": null, "updated": product.updated, "url": null,
        })
    }

    pub(crate) fn price_json(&self, price: &Price) -> Value {
        json!({
            "id": price.id, "object": "price", "active": price.active, "billing_scheme": "per_unit",
            "created": price.created, "currency": price.currency, "custom_unit_amount": null,
            "livemode": self.livemode, "lookup_key": price.lookup_key, "metadata": price.metadata,
            "nickname": price.nickname, "product": price.product,
            "recurring": (!price.one_time).then(|| json!({
                "interval": price.interval.as_str(), "interval_count": price.interval_count,
                "meter": null, "trial_period_days": null, "usage_type": "licensed",
            })),
            "tax_behavior": "unspecified", "tiers_mode": null, "transform_quantity": null,
            "type": if price.one_time { "one_time" } else { "recurring" },
            "unit_amount": price.amount, "unit_amount_decimal": price.amount.to_string(),
        })
    }

    /// The plan of the same id as a price (docs.stripe.com/billing/migration/migrate-prices).
    pub(crate) fn plan_json(&self, price: &Price) -> Value {
        let name = price.nickname.clone().or_else(|| {
            self.products
                .get(&price.product)
                .map(|product| product.name.clone())
        });
        json!({
            "id": price.id, "object": "plan", "active": price.active, "amount": price.amount,
            "amount_decimal": price.amount.to_string(), "billing_scheme": "per_unit", "created": price.created,
            "currency": price.currency, "interval": price.interval.as_str(),
            "interval_count": price.interval_count, "livemode": self.livemode, "metadata": price.metadata,
            "meter": null, "nickname": price.nickname, "product": price.product, "tiers_mode": null,
            "transform_usage": null, "trial_period_days": null, "usage_type": "licensed", "_name": name,
        })
    }

    pub(crate) fn customer_json(&self, customer: &Customer) -> Value {
        let default = customer.default_method.as_deref();
        let source = default.filter(|id| id.starts_with("card_"));
        json!({
            "id": customer.id, "object": "customer", "address": null, "balance": customer.balance,
            "created": customer.created, "currency": "usd", "default_source": source,
            "delinquent": customer.delinquent, "description": customer.description,
            "discount": customer.discount.as_deref().map(|id| self.discount_value(id)), "email": customer.email,
            "invoice_prefix": self.invoice_prefix(&customer.id),
            "invoice_settings": {
                "custom_fields": null, "default_payment_method": default.filter(|_| source.is_none()), "footer": null,
                "rendering_options": null,
            },
            "livemode": self.livemode, "metadata": customer.metadata, "name": customer.name,
            "next_invoice_sequence": customer.next_number, "phone": null, "preferred_locales": [],
            "shipping": null, "tax_exempt": "none", "test_clock": customer.clock,
        })
    }

    pub(crate) fn balance_transaction_json(&self, row: &BalanceTransaction) -> Value {
        json!({
            "id": row.id, "object": "customer_balance_transaction", "amount": row.amount,
            "checkout_session": null, "created": row.created, "credit_note": row.credit_note, "currency": "usd",
            "customer": row.customer, "customer_account": null, "description": row.description, "ending_balance": row.ending_balance,
            "invoice": row.invoice, "livemode": self.livemode, "metadata": row.metadata, "type": row.kind,
        })
    }

    fn item_json(&self, subscription: &Subscription, item: &Item) -> Value {
        let price = self.prices.must(&item.price);
        json!({
            "id": item.id, "object": "subscription_item", "billing_thresholds": null, "created": item.created,
            "current_period_end": item.period_end, "current_period_start": item.period_start, "discounts": [],
            "metadata": item.metadata, "plan": self.plan_json(price), "price": self.price_json(price),
            "quantity": item.quantity, "subscription": subscription.id, "tax_rates": [],
        })
    }

    pub(crate) fn subscription_json(&self, row: &Subscription) -> Value {
        let items: Vec<Value> = row
            .items
            .iter()
            .map(|item| self.item_json(row, item))
            .collect();
        let paused = row
            .paused_because
            .filter(|_| row.status == Status::Paused)
            .map(|reason| json!({"subscription": {"type": reason}}));
        let pending = row
            .pending_update
            .as_ref()
            .filter(|pending| pending.visible);
        let pending = pending.map(|pending| {
            let items: Vec<Value> = pending
                .items
                .iter()
                .map(|item| self.item_json(row, item))
                .collect();
            json!({
                "billing_cycle_anchor": null, "expires_at": pending.expires_at, "subscription_items": items,
                "trial_end": null, "trial_from_plan": null,
            })
        });
        let mut value = json!({
            "id": row.id, "object": "subscription", "application": null, "application_fee_percent": null,
            "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
            "billing_cycle_anchor": row.anchor, "billing_cycle_anchor_config": null,
            "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
            "billing_schedules": [], "billing_thresholds": null, "cancel_at": row.cancel_at,
            "cancel_at_period_end": row.cancel_at_period_end, "canceled_at": row.canceled_at,
            "cancellation_details": {
                "comment": row.cancel_comment, "feedback": null, "reason": row.cancel_reason,
            },
            "collection_method": row.collection.as_str(), "created": row.created, "currency": "usd",
            "customer": row.customer, "customer_account": null, "days_until_due": days_until_due(row),
            "default_payment_method": row.default_method, "default_source": null, "default_tax_rates": [],
            "description": row.description, "discounts": row.discounts, "ended_at": row.ended_at,
            "invoice_settings": {"account_tax_ids": null, "issuer": {"type": "self"}},
            "items": {
                "object": "list", "data": items, "has_more": false, "total_count": row.items.len(),
                "url": format!("/v1/subscription_items?subscription={}", row.id),
            },
            "latest_invoice": row.latest_invoice, "livemode": self.livemode, "metadata": row.metadata,
            "next_pending_invoice_item_invoice": null, "on_behalf_of": null,
        });
        let rest = json!({
            "pause_collection": row.pause.map(|(behavior, resumes_at)| json!({
                "behavior": behavior.as_str(), "resumes_at": resumes_at,
            })),
            "payment_settings": {
                "payment_method_options": null, "payment_method_types": null,
                "save_default_payment_method": "off",
            },
            "pending_invoice_item_interval": null, "pending_setup_intent": null, "pending_update": pending,
            "schedule": row.schedule, "start_date": row.created, "status": row.said.unwrap_or(row.status.as_str()),
            "status_details": {"paused": paused}, "test_clock": self.customers.must(&row.customer).clock, "transfer_data": null,
            "trial_end": row.trial_end,
            "trial_settings": {"end_behavior": {"missing_payment_method": row.missing_method.as_str()}},
            "trial_start": row.trial_start, "_portal": row.cancelled_in_portal,
            "_discount": row.discounts.first().map(|id| self.discount_value(id)),
        });
        merge(&mut value, rest);
        value
    }

    /// What of the invoice's discounts falls on a line: the whole, if it is the only one; else by its share.
    fn line_discounts(&self, invoice: &Invoice, line: &Line) -> Vec<Value> {
        let subtotal = invoice.subtotal().max(1);
        let discounts = invoice.discounts.iter();
        discounts
            .map(|(id, amount)| json!({"amount": amount * line.amount / subtotal, "discount": id}))
            .collect()
    }

    fn line_json(&self, invoice: &Invoice, line: &Line) -> Value {
        let price = line.price.as_deref().and_then(|id| self.prices.get(id));
        let parent = match (&line.invoice_item, &line.subscription) {
            (Some(item), subscription) => json!({
                "invoice_item_details": {
                    "invoice_item": item, "proration": line.proration,
                    "proration_details": {"credited_items": null}, "subscription": subscription,
                },
                "subscription_item_details": null, "type": "invoice_item_details",
            }),
            (None, Some(subscription)) => json!({
                "invoice_item_details": null,
                "subscription_item_details": {
                    "invoice_item": null, "proration": line.proration,
                    "proration_details": {"credited_items": null}, "subscription": subscription,
                    "subscription_item": line.item,
                },
                "type": "subscription_item_details",
            }),
            (None, None) => Value::Null,
        };
        let line_currency = price.map_or(&invoice.currency, |price| &price.currency);
        json!({
            "id": line.id, "object": "line_item", "amount": line.amount, "currency": line_currency,
            "description": line.description, "discount_amounts": self.line_discounts(invoice, line), "discountable": !line.proration,
            "discounts": [], "invoice": invoice.id, "livemode": self.livemode, "metadata": {}, "parent": parent,
            "period": {"start": line.period.0, "end": line.period.1}, "pretax_credit_amounts": [],
            "pricing": price.map(|price| json!({
                "price_details": {"price": price.id, "product": price.product}, "type": "price_details",
                "unit_amount_decimal": price.amount.to_string(),
            })),
            "quantity": line.quantity, "subtotal": line.amount, "taxes": [],
            "_price": price.map(|price| self.price_json(price)),
            "_plan": price.map(|price| self.plan_json(price)),
        })
    }

    pub(crate) fn invoice_json(&self, row: &Invoice) -> Value {
        let lines: Vec<Value> = row
            .lines
            .iter()
            .map(|line| self.line_json(row, line))
            .collect();
        let customer = self.customers.must(&row.customer);
        let hosted = row
            .finalized_at
            .map(|_| format!("https://invoice.stripe.com/i/{}/{}", self.account, row.id));
        let remaining = match row.paid_at {
            Some(_) => 0,
            None => row.amount_due - row.amount_paid,
        };
        let stuck = self.is_stuck(row).then(
            || json!({"type": "invalid_request_error", "code": "customer_tax_location_invalid"}),
        );
        let discounts: Vec<&String> = row.discounts.iter().map(|(id, _)| id).collect();
        let discounted: Vec<Value> = row
            .discounts
            .iter()
            .map(|(id, amount)| json!({"amount": amount, "discount": id}))
            .collect();
        let mut value = json!({
            "id": row.id, "object": "invoice", "account_country": "US", "account_name": "Space",
            "account_tax_ids": null, "amount_due": row.amount_due, "amount_overpaid": 0,
            "amount_paid": row.amount_paid, "amount_paid_off_stripe": 0, "amount_remaining": remaining, "amount_shipping": 0,
            "application": null, "attempt_count": row.attempt_count, "attempted": row.attempt_count > 0 || row.paid_at.is_some(),
            "auto_advance": row.auto_advance,
            "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null},
            "automatically_finalizes_at": row.finalize_at, "billing_reason": row.reason,
            "collection_method": row.collection.as_str(), "created": row.created, "currency": row.currency,
            "customer": row.customer, "customer_account": null,
        });
        let middle = json!({
            "custom_fields": null, "customer_address": null,
            "customer_email": customer.email, "customer_name": customer.name, "customer_phone": null,
            "customer_shipping": null, "customer_tax_exempt": "none", "customer_tax_ids": [],
            "default_payment_method": null, "default_source": null, "default_tax_rates": [], "description": row.description,
            "discounts": discounts, "due_date": row.due_date, "effective_at": row.finalized_at,
            "ending_balance": row.ending_balance, "footer": null, "from_invoice": null,
            "hosted_invoice_url": hosted, "invoice_pdf": hosted.as_ref().map(|url| format!("{url}/pdf")),
            "issuer": {"type": "self"}, "last_finalization_error": stuck, "latest_revision": null,
        });
        merge(&mut value, middle);
        let rest = json!({
            "lines": {
                "object": "list", "data": lines, "has_more": false, "total_count": row.lines.len(),
                "url": format!("/v1/invoices/{}/lines", row.id),
            },
            "livemode": self.livemode, "metadata": row.metadata, "next_payment_attempt": row.next_attempt,
            "number": row.number, "on_behalf_of": null,
            "parent": row.subscription.as_ref().map(|subscription| json!({
                "quote_details": null,
                "subscription_details": {"metadata": self.subscriptions.get(subscription).map(|s| s.metadata.clone()), "subscription": subscription},
                "type": "subscription_details",
            })),
            "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
            "period_end": row.period.1, "period_start": row.period.0, "post_payment_credit_notes_amount": row.credited.1,
            "pre_payment_credit_notes_amount": row.credited.0, "receipt_number": null, "rendering": null, "shipping_cost": null,
            "shipping_details": null, "starting_balance": row.starting_balance, "statement_descriptor": null,
            "status": row.status.as_str(),
            "status_transitions": {
                "finalized_at": row.finalized_at, "marked_uncollectible_at": row.uncollectible_at,
                "paid_at": row.paid_at, "voided_at": row.voided_at,
            },
            "subtotal": row.subtotal(), "subtotal_excluding_tax": row.subtotal(), "test_clock": customer.clock,
            "total": row.total(), "total_discount_amounts": discounted, "total_excluding_tax": row.total(),
            "total_pretax_credit_amounts": [], "total_taxes": [], "webhooks_delivered_at": row.created,
            "_charge": row.charge, "_discount": discounts.first().map(|id| self.discount_value(id)), "_intent": row.intent, "_out_of_band": row.paid_out_of_band,
        });
        merge(&mut value, rest);
        value
    }

    /// Any object by its id, in the newest shape; deleted ones as Stripe's stub.
    pub(crate) fn object(&self, id: &str) -> Option<Value> {
        if let Some(row) = self.subscriptions.get(id) {
            return Some(self.subscription_json(row));
        }
        if let Some(row) = self.invoices.get(id) {
            return Some(self.invoice_json(row));
        }
        if let Some(row) = self.customers.get(id) {
            return Some(if row.deleted {
                deleted(id, "customer")
            } else {
                self.customer_json(row)
            });
        }
        if let Some(row) = self.products.get(id) {
            return Some(if row.deleted {
                deleted(id, "product")
            } else {
                self.product_json(row)
            });
        }
        if let Some(row) = self.prices.get(id).filter(|row| !row.deleted) {
            return Some(self.price_json(row));
        }
        self.money_object(id).or_else(|| self.terms_object(id))
    }
}

fn days_until_due(row: &Subscription) -> Value {
    match row.collection {
        CollectionMethod::ChargeAutomatically => Value::Null,
        CollectionMethod::SendInvoice => json!(row.days_until_due),
    }
}

/// Stripe's stub of a deleted object.
pub(crate) fn deleted(id: &str, object: &str) -> Value {
    json!({"id": id, "object": object, "deleted": true})
}

/// Adds the members of `more` to `value`; both are objects.
pub(crate) fn merge(value: &mut Value, more: Value) {
    if let (Some(into), Value::Object(from)) = (value.as_object_mut(), more) {
        into.extend(from);
    }
}
