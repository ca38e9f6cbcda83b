//! Checkout sessions: opened, paid at once or days later, expired (docs.stripe.com/payments/checkout/how-checkout-works).

use serde_json::Value;

use super::StripeSim;
use super::begin::NewSubscription;
use super::calendar::DAY;
use super::intents::NewIntent;
use super::model::{Card, Metadata, MissingMethod, Status};
use super::money::{IntentStatus, MethodKind};
use super::params::Problem;
use super::terms::Session;

/// What a session sells, and to whom.
#[derive(Clone, Debug, Default)]
pub struct Checkout {
    /// An existing customer; none makes a new one at the end.
    pub customer: Option<String>,
    /// The mail address of a new customer.
    pub email: Option<String>,
    /// The organisation's own reference.
    pub client_reference_id: Option<String>,
    /// Prices and quantities; a recurring price makes it a subscription.
    pub lines: Vec<(String, i64)>,
    /// A coupon.
    pub coupon: Option<String>,
    /// Days of free trial; 0 for none.
    pub trial_days: i64,
    /// The session's metadata.
    pub metadata: Vec<(String, String)>,
}

impl StripeSim {
    /// A hosted checkout that the customer's own card pays at once; answers the subscription's id.
    pub fn checkout(
        &mut self,
        customer: &str,
        price: &str,
        client_reference_id: Option<&str>,
    ) -> String {
        let session = self.open_checkout(Checkout {
            customer: Some(customer.to_owned()),
            client_reference_id: client_reference_id.map(str::to_owned),
            lines: vec![(price.to_owned(), 1)],
            ..Checkout::default()
        });
        let method = self.customers.must(customer).default_method.clone();
        let paid = self.finish_session(&session, method.as_deref());
        paid.expect("the story's card pays");
        let subscription = self.sessions.must(&session).subscription.clone();
        subscription.expect("a recurring price makes a subscription")
    }

    /// Opens a session; answers its id.
    pub fn open_checkout(&mut self, new: Checkout) -> String {
        let recurring = new
            .lines
            .iter()
            .any(|(price, _)| !self.prices.must(price).one_time);
        let row = self.new_session(
            if recurring { "subscription" } else { "payment" },
            new.lines,
        );
        let id = row.id.clone();
        self.insert_session(Session {
            customer: new.customer,
            email: new.email,
            client_reference_id: new.client_reference_id,
            discount: new.coupon.map(|coupon| (coupon, None)),
            trial_days: new.trial_days,
            metadata: new.metadata.into_iter().collect(),
            ..row
        });
        id
    }

    pub(crate) fn new_session(&mut self, mode: &'static str, lines: Vec<(String, i64)>) -> Session {
        let prefix = if self.livemode {
            "cs_live_"
        } else {
            "cs_test_"
        };
        let priced = lines.first().map(|(price, _)| self.prices.must(price));
        let currency = priced.map_or("usd", |price| &price.currency).to_owned();
        let subtotal = lines
            .iter()
            .map(|(price, quantity)| self.prices.must(price).amount * quantity)
            .sum();
        Session {
            id: self.next_id(prefix),
            mode,
            status: "open",
            payment_status: "unpaid",
            customer: None,
            email: None,
            client_reference_id: None,
            lines,
            currency,
            amount_subtotal: subtotal,
            amount_total: subtotal,
            discount: None,
            trial_days: 0,
            missing_method: MissingMethod::default(),
            subscription_metadata: Metadata::new(),
            subscription: None,
            invoice: None,
            intent: None,
            setup_intent: None,
            kinds: vec!["card".to_owned()],
            success_url: None,
            cancel_url: None,
            metadata: Metadata::new(),
            created: self.now,
            expires_at: self.now + DAY,
        }
    }

    pub(crate) fn insert_session(&mut self, mut row: Session) {
        if row.trial_days > 0 {
            row.amount_total = 0;
        } else if let Some((coupon, _)) = &row.discount {
            row.amount_total -= self.coupon_off(coupon, row.amount_subtotal);
        }
        let (at, id) = (row.expires_at, row.id.clone());
        self.sessions.insert(row);
        self.wake(at, &id);
    }

    fn coupon_off(&self, coupon: &str, amount: i64) -> i64 {
        match &self.coupons.must(coupon).off {
            super::terms::Off::Percent(hundredths) => {
                (amount * i64::from(*hundredths) + 5_000) / 10_000
            }
            super::terms::Off::Amount(cents, _) => (*cents).min(amount),
        }
    }

    pub(crate) fn session_value(&self, id: &str) -> Value {
        self.session_json(self.sessions.must(id))
    }

    /// The payer finishes a session with a payment method of that kind.
    ///
    /// # Errors
    /// Stripe's words, if the payment is declined; the session stays open.
    pub fn finish_checkout(&mut self, session: &str, card: Card) -> Result<(), String> {
        let kind = match card {
            Card::Settles | Card::Bounces => MethodKind::UsBankAccount,
            Card::None => {
                return self
                    .finish_session(session, None)
                    .map_err(|problem| problem.message);
            }
            Card::Works
            | Card::Declines
            | Card::NeedsAction
            | Card::Disputes
            | Card::Inquires
            | Card::RefundFails
            | Card::RefundWaits => MethodKind::Card,
        };
        let method = self.new_method("pm_1", kind, card);
        let id = method.id.clone();
        self.methods.insert(method);
        self.finish_session(session, Some(&id))
            .map_err(|problem| problem.message)
    }

    /// docs.stripe.com/payments/checkout/fulfill-orders: completed when the payer is done, paid or not yet.
    pub(crate) fn finish_session(&mut self, id: &str, method: Option<&str>) -> Result<(), Problem> {
        let row = self.sessions.must(id).clone();
        if row.status != "open" {
            let text = "This session is not open any more.";
            return Err(Problem::invalid(text, "session"));
        }
        let card = method.map_or(Card::None, |id| self.methods.must(id).card);
        let declined = match card {
            Card::Declines | Card::NeedsAction => true,
            Card::None => row.amount_total > 0,
            Card::Works
            | Card::Disputes
            | Card::Inquires
            | Card::RefundFails
            | Card::RefundWaits
            | Card::Settles
            | Card::Bounces => false,
        };
        if declined {
            return Err(declined_card());
        }
        if row.mode == "subscription" {
            self.finish_subscription(&row, method)?;
        } else {
            self.finish_payment(&row, method.unwrap_or_default());
        }
        self.sessions.must_mut(id).status = "complete";
        self.emit("checkout.session.completed", self.session_value(id));
        Ok(())
    }

    fn finish_payment(&mut self, row: &Session, method: &str) {
        let intent = self.add_intent(NewIntent {
            customer: row.customer.clone(),
            invoice: None,
            session: Some(row.id.clone()),
            amount: row.amount_total,
            currency: row.currency.clone(),
            kinds: row.kinds.clone(),
            manual_capture: false,
            description: None,
            metadata: Metadata::new(),
        });
        let paid = self.confirm_intent(&intent, method) == IntentStatus::Succeeded;
        let held = self.sessions.must_mut(&row.id);
        held.intent = Some(intent);
        held.payment_status = if paid { "paid" } else { "unpaid" };
    }

    fn finish_subscription(&mut self, row: &Session, method: Option<&str>) -> Result<(), Problem> {
        let customer = match &row.customer {
            Some(customer) => customer.clone(),
            None => self.add_customer(row.email.clone(), None, Metadata::new(), Card::None),
        };
        if let Some(method) = method {
            self.attach_method(method, &customer)?;
        }
        let subscription = self.begin(NewSubscription {
            customer: customer.clone(),
            items: row.lines.clone(),
            trial_end: (row.trial_days > 0).then(|| self.now + row.trial_days * DAY),
            days_until_due: 30,
            coupons: row.discount.clone().into_iter().collect(),
            missing_method: row.missing_method,
            default_method: method.map(str::to_owned),
            metadata: row.subscription_metadata.clone(),
            ..NewSubscription::default()
        });
        let invoice = self
            .subscriptions
            .must(&subscription)
            .latest_invoice
            .clone();
        let due = invoice
            .as_deref()
            .map_or(0, |id| self.invoices.must(id).amount_due);
        let waits = invoice
            .as_deref()
            .is_some_and(|id| self.invoices.must(id).paid_at.is_none());
        let active = self.subscriptions.must(&subscription).status != Status::Incomplete;
        let held = self.sessions.must_mut(&row.id);
        held.customer = Some(customer);
        held.subscription = Some(subscription);
        held.invoice = invoice;
        held.amount_total = due;
        held.payment_status = match (due, waits || !active) {
            (0, _) => "no_payment_required",
            (_, true) => "unpaid",
            (_, false) => "paid",
        };
        Ok(())
    }

    /// The bank has answered, days after the session was completed.
    pub(crate) fn session_settled(&mut self, id: &str, arrived: bool) {
        let kind = if arrived {
            self.sessions.must_mut(id).payment_status = "paid";
            "checkout.session.async_payment_succeeded"
        } else {
            "checkout.session.async_payment_failed"
        };
        self.emit(kind, self.session_value(id));
    }

    /// Nobody can finish it any more (docs.stripe.com/api/checkout/sessions/expire).
    pub fn expire_checkout(&mut self, id: &str) {
        let row = self.sessions.must_mut(id);
        if row.status == "open" {
            row.status = "expired";
            self.emit("checkout.session.expired", self.session_value(id));
        }
    }

    /// An open session expires a day after it was opened.
    pub(crate) fn run_session(&mut self, id: &str) {
        if self.sessions.must(id).expires_at <= self.now {
            self.expire_checkout(id);
        }
    }
}

pub(crate) fn declined_card() -> Problem {
    Problem::plain(
        402,
        "card_error",
        Some("card_declined"),
        "Your card was declined.",
    )
}
