//! The REST interface: lists and single objects of the kinds that need no filter of their own.

use serde_json::{Value, json};

use super::StripeSim;
use super::api::unrecognized;
use super::objects::list;
use super::params::{Params, Problem};
use super::reads::page;
use super::writes::Answer;

/// A list is narrowed by these members of its objects, where the request names them.
const FILTERS: [&str; 12] = [
    "customer",
    "charge",
    "payment_intent",
    "invoice",
    "subscription",
    "status",
    "code",
    "active",
    "type",
    "scheduled",
    "id",
    "payment[payment_intent]",
];

/// Where the kinds of this file are read, and what one of them is called.
const KINDS: [(&str, &str); 16] = [
    ("charges", "charge"),
    ("payment_intents", "payment_intent"),
    ("payment_methods", "payment_method"),
    ("setup_intents", "setup_intent"),
    ("refunds", "refund"),
    ("disputes", "dispute"),
    ("credit_notes", "credit_note"),
    ("invoice_payments", "invoice_payment"),
    ("invoiceitems", "invoiceitem"),
    ("coupons", "coupon"),
    ("promotion_codes", "promotion_code"),
    ("subscription_schedules", "subscription_schedule"),
    ("checkout/sessions", "checkout.session"),
    (
        "billing_portal/configurations",
        "billing_portal.configuration",
    ),
    ("subscription_items", "subscription_item"),
    ("test_helpers/test_clocks", "test_helpers.test_clock"),
];

impl StripeSim {
    /// All objects of a kind, oldest first; `None` for no kind of this file.
    fn all_of(&self, kind: &str) -> Option<Vec<Value>> {
        Some(match kind {
            "charges" => self
                .charges
                .iter()
                .map(|row| self.charge_json(row))
                .collect(),
            "payment_intents" => self
                .intents
                .iter()
                .map(|row| self.intent_json(row))
                .collect(),
            "payment_methods" => {
                let rows = self
                    .methods
                    .iter()
                    .filter(|row| !row.id.starts_with("card_"));
                rows.map(|row| self.method_json(row)).collect()
            }
            "setup_intents" => self
                .setup_intents
                .iter()
                .map(|row| row.value.clone())
                .collect(),
            "refunds" => self
                .refunds
                .iter()
                .map(|row| self.refund_json(row))
                .collect(),
            "disputes" => self
                .disputes
                .iter()
                .map(|row| self.dispute_json(row))
                .collect(),
            "credit_notes" => {
                let rows = self.credit_notes.iter();
                rows.map(|row| self.credit_note_json(row)).collect()
            }
            "invoice_payments" => {
                let rows = self.invoices.iter();
                rows.filter_map(|row| Some(self.invoice_payment_json(row, row.intent.as_deref()?)))
                    .collect()
            }
            _ => return self.all_terms_of(kind),
        })
    }

    fn all_terms_of(&self, kind: &str) -> Option<Vec<Value>> {
        Some(match kind {
            "invoiceitems" => self.invoice_items(),
            "coupons" => {
                let rows = self.coupons.iter().filter(|row| !row.deleted);
                rows.map(|row| self.coupon_json(row)).collect()
            }
            "promotion_codes" => {
                let rows = self.promotion_codes.iter();
                rows.map(|row| self.promotion_code_json(row)).collect()
            }
            "subscription_schedules" => {
                let rows = self.schedules.iter();
                rows.map(|row| self.schedule_json(row)).collect()
            }
            "checkout/sessions" => self
                .sessions
                .iter()
                .map(|row| self.session_json(row))
                .collect(),
            "billing_portal/configurations" => self
                .configurations
                .iter()
                .map(|row| row.value.clone())
                .collect(),
            "test_helpers/test_clocks" => {
                let ids = self.clocks.keys();
                ids.filter_map(|id| self.clock_json(id)).collect()
            }
            "subscription_items" => {
                let values = self
                    .subscriptions
                    .iter()
                    .map(|row| self.subscription_json(row));
                values
                    .flat_map(|value| {
                        value["items"]["data"]
                            .as_array()
                            .cloned()
                            .unwrap_or_default()
                    })
                    .collect()
            }
            _ => return None,
        })
    }

    pub(crate) fn read_other(&self, segments: &[&str], params: &Params<'_>) -> Answer {
        match segments {
            ["checkout", "sessions", id, "line_items"] => {
                self.known_session(id)?;
                Ok(self.session_lines(self.sessions.must(id)))
            }
            ["payment_pages", id] => {
                self.known_session(id)?;
                Ok(self.session_value(id))
            }
            ["customers", id, "sources"] => {
                let customer = self.living_customer(id)?;
                let cards = self.methods.of(&customer);
                let cards = cards.filter(|row| row.id.starts_with("card_"));
                let data = cards.map(|row| self.source_json(row)).collect();
                page(&format!("/v1/customers/{id}/sources"), data, params)
            }
            ["customers", id, "payment_methods"] => {
                let customer = self.living_customer(id)?;
                let methods = self.methods.of(&customer);
                let methods = methods.filter(|row| !row.id.starts_with("card_"));
                let data = methods.map(|row| self.method_json(row)).collect();
                page(&format!("/v1/customers/{id}/payment_methods"), data, params)
            }
            [
                "customers",
                _,
                "balance_transactions" | "payment_methods",
                id,
            ] => self.read_any(id),
            ["credit_notes", id, "lines"] => {
                let note = self.credit_notes.get(id);
                let note = note.ok_or_else(|| Problem::missing("credit_note", id))?;
                let lines = self.credit_note_json(note)["lines"]["data"].clone();
                let lines = lines.as_array().cloned().unwrap_or_default();
                Ok(list(&format!("/v1/credit_notes/{id}/lines"), lines, false))
            }
            [kind] => self.read_list(kind, params),
            [
                space @ ("checkout" | "billing_portal" | "test_helpers"),
                kind,
            ] => self.read_list(&format!("{space}/{kind}"), params),
            [
                space @ ("checkout" | "billing_portal" | "test_helpers"),
                kind,
                id,
            ] => self.read_one_of(&format!("{space}/{kind}"), id),
            [kind, id] => self.read_one_of(kind, id),
            _ => Err(unrecognized(segments)),
        }
    }

    fn read_any(&self, id: &str) -> Answer {
        self.object(id)
            .ok_or_else(|| Problem::missing("object", id))
    }

    fn read_list(&self, kind: &str, params: &Params<'_>) -> Answer {
        let mut rows = self
            .all_of(kind)
            .ok_or_else(|| unrecognized(&kind.split('/').collect::<Vec<_>>()))?;
        for key in FILTERS {
            let Some(wanted) = params.filled(key) else {
                continue;
            };
            let path = key.replace('[', "/").replace(']', "");
            rows.retain(|row| match row.pointer(&format!("/{path}")) {
                Some(Value::String(text)) => text == wanted,
                Some(other) => *other == json!(wanted == "true"),
                None => false,
            });
        }
        page(&format!("/v1/{kind}"), rows, params)
    }

    fn read_one_of(&self, kind: &str, id: &str) -> Answer {
        let known = KINDS.iter().find(|(path, _)| *path == kind);
        let (_, object) = known.ok_or_else(|| unrecognized(&[kind, id]))?;
        let direct = self.object(id).filter(|value| value["object"] == *object);
        // Items have no table of their own.
        let found = direct.or_else(|| {
            let rows = self.all_of(kind)?;
            rows.into_iter().find(|row| row["id"] == id)
        });
        found.ok_or_else(|| Problem::missing(object, id))
    }
}
