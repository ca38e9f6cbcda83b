//! Payment methods: made, attached, detached; the test cards and test bank accounts by their names.

use super::StripeSim;
use super::model::{Card, Metadata};
use super::money::{Method, MethodKind};
use super::params::{Params, Problem};
use super::writes::{Answer, edit_metadata, metadata};

/// How charges of a test card turn out, by the name of its token or payment method (docs.stripe.com/testing).
fn card_by_name(name: &str) -> Card {
    let holds = |part: &str| name.contains(part);
    if holds("hargeCustomerFail") || holds("hargeDeclined") {
        Card::Declines
    } else if holds("uthenticationRequired") || holds("threeDSecure") {
        Card::NeedsAction
    } else if holds("createDisputeInquiry") {
        Card::Inquires
    } else if holds("createDispute") {
        Card::Disputes
    } else if holds("refundFail") {
        Card::RefundFails
    } else if holds("pendingRefund") {
        Card::RefundWaits
    } else if holds("usBankAccount") {
        Card::Settles
    } else {
        Card::Works
    }
}

/// How debits of a test bank account turn out: these numbers fail
/// (docs.stripe.com/payments/sepa-debit/accept-a-payment, docs.stripe.com/payments/ach-direct-debit/accept-a-payment;
/// the Italian one as the Stripe CLI's `checkout.session.async_payment_failed` uses it).
fn card_by_account(number: &str) -> Card {
    const FAIL: [&str; 5] = [
        "AT861904300235473202",
        "DE62370400440532013001",
        "IT60X0542811101000000123456",
        "000111111113",
        "000111111116",
    ];
    if FAIL.contains(&number) {
        Card::Bounces
    } else {
        Card::Settles
    }
}

/// Ids that every test account knows without having made them.
pub(crate) fn is_test_name(id: &str) -> bool {
    ["pm_card_", "pm_usBankAccount", "tok_"]
        .iter()
        .any(|prefix| id.starts_with(prefix))
}

impl StripeSim {
    /// How charges of the customer's default payment method turn out.
    pub(crate) fn card_of(&self, customer: &str) -> Card {
        let default = self
            .customers
            .must(customer)
            .default_method
            .as_deref()
            .and_then(|id| self.methods.get(id));
        default.map_or(Card::None, |method| method.card)
    }

    /// The story's own default payment method of a customer, made or changed.
    pub(crate) fn give_method(&mut self, customer: &str, card: Card) -> Option<String> {
        if card == Card::None {
            return None;
        }
        let id = customer.replacen("cus_", "pm_", 1);
        match self.methods.get_mut(&id) {
            Some(method) => method.card = card,
            None => {
                let kind = match card {
                    Card::Settles | Card::Bounces => MethodKind::UsBankAccount,
                    Card::None
                    | Card::Works
                    | Card::Declines
                    | Card::NeedsAction
                    | Card::Disputes
                    | Card::Inquires
                    | Card::RefundFails
                    | Card::RefundWaits => MethodKind::Card,
                };
                self.methods.insert(Method {
                    id: id.clone(),
                    customer: Some(customer.to_owned()),
                    kind,
                    card,
                    email: None,
                    name: None,
                    created: self.now,
                    metadata: Metadata::new(),
                });
            }
        }
        Some(id)
    }

    pub(crate) fn new_method(&mut self, prefix: &str, kind: MethodKind, card: Card) -> Method {
        Method {
            id: self.next_id(prefix),
            customer: None,
            kind,
            card,
            email: None,
            name: None,
            created: self.now,
            metadata: Metadata::new(),
        }
    }

    /// A payment method by id; a test name makes a new one, as Stripe does.
    pub(crate) fn named_method(&mut self, name: &str) -> Result<String, Problem> {
        if self.methods.get(name).is_some() {
            return Ok(name.to_owned());
        }
        if !is_test_name(name) {
            return Err(Problem {
                status: 400,
                ..Problem::missing("PaymentMethod", name)
            });
        }
        let kind = if name.starts_with("pm_usBankAccount") {
            MethodKind::UsBankAccount
        } else {
            MethodKind::Card
        };
        let method = self.new_method("pm_1", kind, card_by_name(name));
        let id = method.id.clone();
        self.methods.insert(method);
        Ok(id)
    }

    pub(crate) fn post_method(&mut self, params: &Params<'_>) -> Answer {
        let word = params.need("type")?;
        let kind = MethodKind::parse(word)
            .ok_or_else(|| Problem::invalid(format!("Unsupported type: {word}"), "type"))?;
        let card = match kind {
            MethodKind::Card => card_by_name(params.filled("card[token]").unwrap_or_default()),
            MethodKind::SepaDebit => card_by_account(params.need("sepa_debit[iban]")?),
            MethodKind::UsBankAccount => {
                card_by_account(params.need("us_bank_account[account_number]")?)
            }
        };
        let own = |key: &str| params.filled(key).map(str::to_owned);
        let mut method = self.new_method("pm_1", kind, card);
        method.email = own("billing_details[email]");
        method.name = own("billing_details[name]");
        method.metadata = metadata(params);
        let id = method.id.clone();
        self.methods.insert(method);
        Ok(self.method_value(&id))
    }

    pub(crate) fn method_value(&self, id: &str) -> serde_json::Value {
        self.method_json(self.methods.must(id))
    }

    pub(crate) fn attach_method(&mut self, name: &str, customer: &str) -> Result<String, Problem> {
        let customer = self.living_customer(customer)?;
        let id = self.named_method(name)?;
        if self.methods.must(&id).customer.as_deref() != Some(customer.as_str()) {
            // Grouped by customer: the row has to be put in again.
            let mut row = self.methods.must(&id).clone();
            row.customer = Some(customer);
            self.methods.remove(&id);
            self.methods.insert(row);
            self.emit("payment_method.attached", self.method_value(&id));
        }
        Ok(id)
    }

    pub(crate) fn act_on_method(&mut self, id: &str, action: &str, params: &Params<'_>) -> Answer {
        if action == "attach" {
            let id = self.attach_method(id, params.need("customer")?)?;
            return Ok(self.method_value(&id));
        }
        let row = self
            .methods
            .get(id)
            .ok_or_else(|| Problem::missing("PaymentMethod", id))?;
        if action != "detach" {
            return Err(super::api::unrecognized(&["payment_methods", id, action]));
        }
        let before = self.method_json(row);
        let owner = row.customer.clone();
        self.methods.must_mut(id).customer = None;
        let after = self.method_value(id);
        self.emit_change("payment_method.detached", before, after);
        if let Some(owner) =
            owner.filter(|owner| self.customers.must(owner).default_method.as_deref() == Some(id))
        {
            self.change_customer_row(&owner, |row| row.default_method = None);
        }
        Ok(self.method_value(id))
    }

    pub(crate) fn update_method(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let row = self
            .methods
            .get(id)
            .ok_or_else(|| Problem::missing("PaymentMethod", id))?;
        let before = self.method_json(row);
        edit_metadata(
            &mut self.methods.must_mut(id).metadata,
            &params.hash("metadata"),
        );
        let after = self.method_value(id);
        self.emit_change("payment_method.updated", before, after);
        Ok(self.method_value(id))
    }

    /// The older way to keep a card on file (docs.stripe.com/api/cards/create).
    pub(crate) fn post_source(&mut self, customer: &str, params: &Params<'_>) -> Answer {
        let customer = self.living_customer(customer)?;
        let name = params.need("source")?;
        let mut method = self.new_method("card_1", MethodKind::Card, card_by_name(name));
        method.customer = Some(customer.clone());
        let id = method.id.clone();
        self.methods.insert(method);
        let value = self.source_json(self.methods.must(&id));
        self.emit("customer.source.created", value.clone());
        if self.customers.must(&customer).default_method.is_none() {
            self.change_customer_row(&customer, |row| row.default_method = Some(id));
        }
        Ok(value)
    }

    pub(crate) fn update_source(&mut self, id: &str, params: &Params<'_>) -> Answer {
        let row = self
            .methods
            .get(id)
            .ok_or_else(|| Problem::missing("source", id))?;
        let before = self.source_json(row);
        edit_metadata(
            &mut self.methods.must_mut(id).metadata,
            &params.hash("metadata"),
        );
        let after = self.source_json(self.methods.must(id));
        self.emit_change("customer.source.updated", before, after.clone());
        Ok(after)
    }

    /// The payment method that a request about a customer names, under any of its old and new keys.
    pub(crate) fn asked_method(
        &mut self,
        customer: &str,
        params: &Params<'_>,
    ) -> Result<Option<String>, Problem> {
        if let Some(token) = params.filled("source") {
            let token = [("source".to_owned(), token.to_owned())];
            let card = self.post_source(customer, &Params(&token))?;
            return Ok(card["id"].as_str().map(str::to_owned));
        }
        let attached = params
            .filled("payment_method")
            .map(|name| self.attach_method(name, customer))
            .transpose()?;
        let Some(name) = params
            .filled("invoice_settings[default_payment_method]")
            .or(params.filled("default_source"))
        else {
            // docs.stripe.com/api/customers/create: attached only, not the default.
            return Ok(None);
        };
        // The same test name twice in one request is one card.
        match attached.filter(|_| is_test_name(name)) {
            Some(id) => Ok(Some(id)),
            None => self.attach_method(name, customer).map(Some),
        }
    }
}
