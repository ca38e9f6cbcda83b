//! Payments as JSON in the newest API shape.

use serde_json::{Value, json};

use super::StripeSim;
use super::calendar::DAY;
use super::model::{Invoice, InvoiceStatus, PendingItem};
use super::money::{
    Charge, ChargeStatus, CreditNote, Dispute, Intent, IntentStatus, Method, MethodKind, Refund,
};
use super::objects::{list, merge};

impl StripeSim {
    pub(crate) fn method_json(&self, row: &Method) -> Value {
        let mut value = json!({
            "id": row.id, "object": "payment_method", "allow_redisplay": "unspecified",
            "billing_details": {"address": null, "email": row.email, "name": row.name, "phone": null, "tax_id": null},
            "created": row.created, "customer": row.customer, "customer_account": null, "livemode": self.livemode,
            "metadata": row.metadata, "type": row.kind.as_str(),
        });
        value[row.kind.as_str()] = match row.kind {
            MethodKind::Card => json!({
                "brand": "visa", "checks": null, "country": "US", "display_brand": "visa", "exp_month": 8,
                "exp_year": 2030, "fingerprint": null, "funding": "credit", "generated_from": null, "last4": "4242",
                "networks": null, "regulated_status": null, "three_d_secure_usage": null, "wallet": null,
            }),
            MethodKind::SepaDebit => json!({
                "bank_code": "19043", "branch_code": "", "country": "AT", "fingerprint": null, "generated_from": null,
                "last4": "3201",
            }),
            MethodKind::UsBankAccount => json!({
                "account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
                "financial_connections_account": null, "fingerprint": null, "last4": "6789", "networks": null,
                "routing_number": "110000000", "status_details": null,
            }),
        };
        value
    }

    /// A card in its older form (docs.stripe.com/api/cards/object).
    pub(crate) fn source_json(&self, row: &Method) -> Value {
        json!({
            "id": row.id, "object": "card", "address_city": null, "address_country": null, "address_line1": null,
            "address_line1_check": null, "address_line2": null, "address_state": null, "address_zip": null,
            "address_zip_check": null, "brand": "Visa", "country": "US", "customer": row.customer, "cvc_check": null,
            "dynamic_last4": null, "exp_month": 8, "exp_year": 2030, "fingerprint": null, "funding": "credit",
            "last4": "4242", "metadata": row.metadata, "name": null, "regulated_status": null,
            "tokenization_method": null,
        })
    }

    pub(crate) fn intent_json(&self, row: &Intent) -> Value {
        let received = if row.status == IntentStatus::Succeeded {
            row.amount
        } else {
            0
        };
        let capturable = if row.status == IntentStatus::RequiresCapture {
            row.amount
        } else {
            0
        };
        let error = row.declined.then(|| {
            json!({
                "charge": row.latest_charge, "code": "card_declined", "decline_code": "generic_decline",
                "message": "Your card was declined.", "type": "card_error",
            })
        });
        let action = (row.status == IntentStatus::RequiresAction).then(|| {
            json!({
                "redirect_to_url": {"return_url": null, "url": format!("https://hooks.stripe.com/3d_secure/{}", row.id)},
                "type": "redirect_to_url",
            })
        });
        json!({
            "id": row.id, "object": "payment_intent", "amount": row.amount, "amount_capturable": capturable,
            "amount_received": received, "application": null, "application_fee_amount": null,
            "automatic_payment_methods": null, "canceled_at": row.canceled_at,
            "cancellation_reason": row.cancel_reason,
            "capture_method": if row.manual_capture { "manual" } else { "automatic" },
            "client_secret": format!("{}_secret_sim", row.id), "confirmation_method": "automatic",
            "created": row.created, "currency": row.currency, "customer": row.customer, "customer_account": null,
            "description": row.description, "excluded_payment_method_types": null, "last_payment_error": error,
            "latest_charge": row.latest_charge, "livemode": self.livemode, "metadata": row.metadata,
            "next_action": action, "on_behalf_of": null, "payment_method": row.method,
            "payment_method_configuration_details": null, "payment_method_options": {},
            "payment_method_types": row.kinds, "processing": null, "receipt_email": null, "review": null,
            "setup_future_usage": null, "shipping": null, "statement_descriptor": null,
            "statement_descriptor_suffix": null, "status": row.status.as_str(), "transfer_data": null,
            "transfer_group": null, "_invoice": row.invoice,
        })
    }

    pub(crate) fn charge_json(&self, row: &Charge) -> Value {
        let failed = row.status == ChargeStatus::Failed;
        let paid = row.status == ChargeStatus::Succeeded;
        let kind = self.methods.get(&row.method).map(|method| method.kind);
        let details = kind.map(|kind| match kind {
            MethodKind::Card => json!({"card": {
                "amount_authorized": row.amount, "brand": "visa", "checks": null, "country": "US", "exp_month": 8,
                "exp_year": 2030, "funding": "credit", "last4": "4242", "mandate": null, "network": "visa",
                "three_d_secure": null, "wallet": null,
            }, "type": "card"}),
            MethodKind::SepaDebit => json!({"sepa_debit": {
                "bank_code": "19043", "branch_code": null, "country": "AT", "fingerprint": null, "last4": "3201", "mandate": null,
            }, "type": "sepa_debit"}),
            MethodKind::UsBankAccount => json!({"type": "us_bank_account"}),
        });
        let mut value = json!({
            "id": row.id, "object": "charge", "amount": row.amount,
            "amount_captured": if row.captured { row.amount } else { 0 }, "amount_refunded": row.amount_refunded,
            "application": null, "application_fee": null, "application_fee_amount": null,
            "balance_transaction": (paid && row.captured).then(|| row.id.replacen("ch_", "txn_", 1)),
            "billing_details": {"address": null, "email": null, "name": null, "phone": null, "tax_id": null},
            "calculated_statement_descriptor": null, "captured": row.captured, "created": row.created,
            "currency": row.currency, "customer": row.customer, "description": row.description,
        });
        let rest = json!({
            "disputed": row.disputed, "failure_balance_transaction": null,
            "failure_code": failed.then_some("card_declined"),
            "failure_message": failed.then_some("Your card was declined."), "fraud_details": {},
            "livemode": self.livemode, "metadata": {}, "on_behalf_of": null, "outcome": null,
            "paid": !failed, "payment_intent": row.intent, "payment_method": row.method,
            "payment_method_details": details, "receipt_email": null, "receipt_number": null, "receipt_url": null,
            "refunded": row.amount_refunded == row.amount && row.amount > 0, "review": null, "shipping": null,
            "source_transfer": null, "statement_descriptor": null, "statement_descriptor_suffix": null,
            "status": row.status.as_str(), "transfer_data": null, "transfer_group": null, "_invoice": row.invoice,
        });
        merge(&mut value, rest);
        value
    }

    pub(crate) fn refund_json(&self, row: &Refund) -> Value {
        let charge = self.charges.must(&row.charge);
        let mut value = json!({
            "id": row.id, "object": "refund", "amount": row.amount, "balance_transaction": null,
            "charge": row.charge, "created": row.created, "currency": charge.currency, "metadata": row.metadata,
            "payment_intent": charge.intent, "reason": row.reason, "receipt_number": null,
            "source_transfer_reversal": null, "status": row.status, "transfer_reversal": null,
        });
        if row.status == "failed" {
            value["failure_reason"] = json!("unknown");
        }
        value
    }

    pub(crate) fn dispute_json(&self, row: &Dispute) -> Value {
        let charge = self.charges.must(&row.charge);
        let refundable = row.status.starts_with("warning_");
        json!({
            "id": row.id, "object": "dispute", "amount": row.amount, "balance_transactions": [],
            "charge": row.charge, "created": row.created, "currency": charge.currency,
            "enhanced_eligibility_types": [], "evidence": evidence(), "evidence_details": {
                "due_by": row.created + 7 * DAY, "enhanced_eligibility": {}, "has_evidence": row.submissions > 0,
                "past_due": false, "submission_count": row.submissions,
            },
            "is_charge_refundable": refundable, "livemode": self.livemode, "metadata": row.metadata,
            "payment_intent": charge.intent, "reason": row.reason, "status": row.status,
        })
    }

    pub(crate) fn credit_note_json(&self, row: &CreditNote) -> Value {
        let amount = row.before_payment + row.after_payment;
        let kind = match (row.before_payment > 0, row.after_payment > 0) {
            (true, true) => "mixed",
            (false, true) => "post_payment",
            (true | false, false) => "pre_payment",
        };
        let line = json!({
            "id": row.id.replacen("cn_", "cnli_", 1), "object": "credit_note_line_item", "amount": amount,
            "description": row.description, "discount_amount": 0, "discount_amounts": [], "livemode": self.livemode,
            "metadata": {}, "pretax_credit_amounts": [], "quantity": 1, "tax_rates": [], "taxes": [],
            "type": "custom_line_item", "unit_amount": amount, "unit_amount_decimal": amount.to_string(),
        });
        let refunds: Vec<Value> = row
            .refund
            .iter()
            .map(|id| {
                let amount = self.refunds.must(id).amount;
                json!({"amount_refunded": amount, "payment_record_refund": null, "refund": id, "type": "refund"})
            })
            .collect();
        json!({
            "id": row.id, "object": "credit_note", "amount": amount, "amount_shipping": 0, "created": row.created,
            "currency": row.currency, "customer": row.customer, "customer_account": null,
            "customer_balance_transaction": row.balance_transaction, "discount_amount": 0, "discount_amounts": [],
            "effective_at": row.created, "invoice": row.invoice,
            "lines": list(&format!("/v1/credit_notes/{}/lines", row.id), vec![line], false),
            "livemode": self.livemode, "memo": row.memo, "metadata": row.metadata, "number": row.number,
            "out_of_band_amount": row.out_of_band, "pdf": format!("https://pay.stripe.com/credit_notes/{}/pdf", row.id),
            "post_payment_amount": row.after_payment, "pre_payment_amount": row.before_payment,
            "pretax_credit_amounts": [], "reason": row.reason, "refunds": refunds, "shipping_cost": null,
            "status": if row.voided_at.is_some() { "void" } else { "issued" }, "subtotal": amount,
            "subtotal_excluding_tax": amount, "total": amount, "total_excluding_tax": amount, "total_taxes": [],
            "type": kind, "voided_at": row.voided_at,
        })
    }

    pub(crate) fn pending_item_json(&self, row: &PendingItem, invoice: Option<&str>) -> Value {
        let line = &row.line;
        let price = line.price.as_deref().and_then(|id| self.prices.get(id));
        let parent = line.subscription.as_ref().map(|subscription| {
            json!({
                "subscription_details": {"subscription": subscription, "subscription_item": line.item},
                "type": "subscription_details",
            })
        });
        json!({
            "id": line.invoice_item, "object": "invoiceitem", "amount": line.amount, "currency": row.currency,
            "customer": row.customer, "customer_account": null, "date": line.period.0,
            "description": line.description, "discountable": !line.proration, "discounts": [], "invoice": invoice,
            "livemode": self.livemode, "metadata": row.metadata, "net_amount": line.amount, "parent": parent,
            "period": {"start": line.period.0, "end": line.period.1},
            "pricing": price.map(|price| json!({
                "price_details": {"price": price.id, "product": price.product}, "type": "price_details",
                "unit_amount_decimal": price.amount.to_string(),
            })),
            "proration": line.proration, "quantity": line.quantity, "quantity_decimal": line.quantity.to_string(),
            "tax_rates": [], "test_clock": self.customers.get(&row.customer).and_then(|row| row.clock.clone()),
        })
    }

    /// docs.stripe.com/api/invoice-payment
    pub(crate) fn invoice_payment_json(&self, row: &Invoice, intent: &str) -> Value {
        let held = self.intents.must(intent);
        let (status, paid) = match row.status {
            InvoiceStatus::Paid if held.status == IntentStatus::Succeeded => {
                ("paid", Some(held.amount))
            }
            InvoiceStatus::Paid | InvoiceStatus::Void => ("canceled", None),
            InvoiceStatus::Draft | InvoiceStatus::Open | InvoiceStatus::Uncollectible => {
                ("open", None)
            }
        };
        json!({
            "id": intent.replacen("pi_", "inpay_", 1), "object": "invoice_payment", "amount_paid": paid,
            "amount_requested": held.amount, "created": held.created, "currency": row.currency, "invoice": row.id,
            "is_default": true, "livemode": self.livemode,
            "payment": {"payment_intent": intent, "type": "payment_intent"}, "status": status,
            "status_transitions": {"canceled_at": held.canceled_at, "paid_at": paid.and(row.paid_at)},
        })
    }

    pub(crate) fn invoice_payments(&self, invoice: &str) -> Value {
        let row = self.invoices.must(invoice);
        let payments = row
            .intent
            .iter()
            .map(|id| self.invoice_payment_json(row, id));
        let url = format!("/v1/invoices/{invoice}/payments");
        list(&url, payments.collect(), false)
    }

    pub(crate) fn money_object(&self, id: &str) -> Option<Value> {
        if let Some(row) = self.charges.get(id) {
            return Some(self.charge_json(row));
        }
        if let Some(row) = self.intents.get(id) {
            return Some(self.intent_json(row));
        }
        if let Some(row) = self.methods.get(id) {
            let old = id.starts_with("card_");
            return Some(if old {
                self.source_json(row)
            } else {
                self.method_json(row)
            });
        }
        if let Some(row) = self.disputes.get(id) {
            return Some(self.dispute_json(row));
        }
        if let Some(row) = self.refunds.get(id) {
            return Some(self.refund_json(row));
        }
        if let Some(row) = self.credit_notes.get(id) {
            return Some(self.credit_note_json(row));
        }
        if let Some(row) = self.balance_transactions.get(id) {
            return Some(self.balance_transaction_json(row));
        }
        let intent = id.replacen("inpay_", "pi_", 1);
        let invoice = self.intents.get(&intent)?.invoice.as_deref()?;
        Some(self.invoice_payment_json(self.invoices.get(invoice)?, &intent))
    }
}

fn evidence() -> Value {
    json!({
        "access_activity_log": null, "billing_address": null, "cancellation_policy": null,
        "cancellation_policy_disclosure": null, "cancellation_rebuttal": null, "customer_communication": null,
        "customer_email_address": null, "customer_name": null, "customer_purchase_ip": null,
        "customer_signature": null, "duplicate_charge_documentation": null, "duplicate_charge_explanation": null,
        "duplicate_charge_id": null, "enhanced_evidence": {}, "product_description": null, "receipt": null,
        "refund_policy": null, "refund_policy_disclosure": null, "refund_refusal_explanation": null,
        "service_date": null, "service_documentation": null, "shipping_address": null, "shipping_carrier": null,
        "shipping_date": null, "shipping_documentation": null, "shipping_tracking_number": null,
        "uncategorized_file": null, "uncategorized_text": null,
    })
}
