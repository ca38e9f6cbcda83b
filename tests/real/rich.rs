//! A space in which everything has happened that the simulated account can do.

use serde_json::Value;
use tests::stripe_sim::{
    AfterRetries, Card, Checkout, CollectionMethod, Duration, Headers, Interval, MissingMethod,
    Off, PaymentBehavior, Proration, StripeSim, Subscribe,
};

/// The key of the account.
pub const KEY: &str = "sk_test_of_a_rich_space";
/// An account that is connected to it.
pub const CONNECTED: &str = "acct_1Connected";
const DAY: i64 = 86_400;

/// The account, and every answer that its interface gave on the way.
pub struct Rich {
    /// The account.
    pub sim: StripeSim,
    /// The bodies of all good answers.
    pub answers: Vec<Value>,
}

impl Rich {
    /// Lives through it; Unix seconds of the beginning.
    pub fn live(begin: i64) -> Self {
        let mut sim = StripeSim::new("acct_1Rich", false, begin);
        sim.add_key(KEY, "acct_1Rich");
        let mut rich = Self {
            sim,
            answers: Vec::new(),
        };
        rich.members();
        rich.money_back();
        rich.banks_and_checkouts();
        rich.changes();
        rich.by_hand();
        rich.connect();
        rich
    }

    /// A request that must succeed.
    pub fn ask(&mut self, method: &str, path: &str, params: &[(&str, &str)]) -> Value {
        let owned: Vec<(String, String)> = params
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let headers = Headers::with_key(KEY);
        let (status, body) = self.sim.request(method, path, &owned, headers);
        assert_eq!(status, 200, "{method} {path} {params:?}: {body}");
        self.answers.push(body.clone());
        body
    }

    fn id(&mut self, path: &str, params: &[(&str, &str)]) -> String {
        let made = self.ask("POST", path, params);
        made["id"]
            .as_str()
            .expect("what is made has an id")
            .to_owned()
    }

    fn wait(&mut self, days: i64) {
        self.sim.advance_to(self.sim.now() + days * DAY);
    }

    fn plan(&mut self, id: &str, amount: i64) -> String {
        self.sim
            .create_plan(id, Some("Full member"), amount, Interval::Month)
    }

    /// Trials, coupons, failures in every way they end.
    fn members(&mut self) {
        let plan = self.plan("membertype_1-month", 5000);
        let coupon = self.id(
            "/v1/coupons",
            &[
                ("percent_off", "12.5"),
                ("duration", "repeating"),
                ("duration_in_months", "2"),
            ],
        );
        let code = self.id(
            "/v1/promotion_codes",
            &[
                ("promotion[type]", "coupon"),
                ("promotion[coupon]", &coupon),
                ("code", "WELCOME"),
            ],
        );
        let all = self
            .sim
            .create_coupon("free", Off::Percent(10_000), Duration::Once);
        let subscribes = [
            Subscribe::default(),
            Subscribe {
                trial_days: 14,
                ..Subscribe::default()
            },
            Subscribe {
                trial_days: 2,
                missing_method: MissingMethod::Pause,
                ..Subscribe::default()
            },
            Subscribe {
                coupon: Some(coupon),
                promotion_code: Some(code),
                ..Subscribe::default()
            },
            Subscribe {
                coupon: Some(all),
                ..Subscribe::default()
            },
            Subscribe {
                collection_method: CollectionMethod::SendInvoice,
                days_until_due: 7,
                ..Subscribe::default()
            },
            Subscribe {
                payment_behavior: PaymentBehavior::DefaultIncomplete,
                ..Subscribe::default()
            },
        ];
        for how in subscribes {
            let paused = how.missing_method == MissingMethod::Pause;
            let customer =
                self.sim
                    .create_customer(Some("ada@example.org"), Some("Ada"), &[("desk", "3")]);
            if paused {
                self.sim.set_payment_method(&customer, Card::None);
            }
            self.sim.subscribe(&customer, &[(&plan, 1)], how);
        }
        for (after, card) in [
            (AfterRetries::Cancel, Card::Declines),
            (AfterRetries::MarkUnpaid, Card::Declines),
            (AfterRetries::Pause, Card::Declines),
            (AfterRetries::LeavePastDue, Card::NeedsAction),
        ] {
            self.sim.set_dunning(&[3, 5], after);
            let customer = self.sim.create_customer(None, None, &[]);
            self.sim
                .subscribe(&customer, &[(&plan, 2)], Subscribe::default());
            self.sim.set_payment_method(&customer, card);
            self.wait(40);
        }
        let gift = self
            .sim
            .create_customer(Some("bo@example.org"), Some("Bo"), &[]);
        self.sim.add_balance(&gift, -7480);
        self.sim
            .subscribe(&gift, &[(&plan, 1)], Subscribe::default());
        self.wait(65);
        self.sim.delete_customer(&gift);
    }

    /// Refunds, disputes, credit notes.
    fn money_back(&mut self) {
        let plan = self.plan("membertype_2-month", 8000);
        let paid = |sim: &mut StripeSim, card: Card| {
            let customer = sim.create_customer(None, Some("Cy"), &[]);
            sim.set_payment_method(&customer, card);
            let subscription = sim.subscribe(&customer, &[(&plan, 1)], Subscribe::default());
            let invoice = sim
                .invoices_of(&subscription)
                .pop()
                .expect("its first invoice");
            invoice["id"].as_str().expect("an id").to_owned()
        };
        for card in [Card::Works, Card::RefundFails, Card::RefundWaits] {
            let invoice = paid(&mut self.sim, card);
            self.sim.refund(&invoice, 3000);
            self.sim.refund(&invoice, 5000);
            self.wait(2);
        }
        for won in [true, false] {
            let invoice = paid(&mut self.sim, Card::Works);
            let dispute = self.sim.dispute(&invoice);
            self.sim.respond_to_dispute(&dispute);
            self.sim.close_dispute(&dispute, won);
        }
        let invoice = paid(&mut self.sim, Card::Works);
        let inquiry = self.sim.inquire(&invoice);
        self.sim.escalate_dispute(&inquiry);
        let invoice = paid(&mut self.sim, Card::Works);
        self.sim.prevent_dispute(&invoice);
        paid(&mut self.sim, Card::Inquires);
        paid(&mut self.sim, Card::Disputes);
        let invoice = paid(&mut self.sim, Card::Works);
        self.ask(
            "POST",
            "/v1/credit_notes",
            &[
                ("invoice", &invoice),
                ("amount", "2000"),
                ("refund_amount", "2000"),
            ],
        );
        self.ask(
            "POST",
            "/v1/credit_notes",
            &[
                ("invoice", &invoice),
                ("amount", "1000"),
                ("reason", "duplicate"),
            ],
        );
    }

    fn banks_and_checkouts(&mut self) {
        let plan = self.plan("membertype_3-month", 2500);
        let once = self.sim.create_one_time_price("Induction", 1500);
        for card in [Card::Settles, Card::Bounces, Card::Works] {
            let customer = self.sim.create_customer(None, None, &[]);
            let sessions = [
                Checkout {
                    customer: Some(customer),
                    lines: vec![(plan.clone(), 1)],
                    ..Checkout::default()
                },
                Checkout {
                    email: Some("di@example.org".to_owned()),
                    lines: vec![(plan.clone(), 1)],
                    trial_days: 7,
                    ..Checkout::default()
                },
                Checkout {
                    lines: vec![(once.clone(), 2)],
                    client_reference_id: Some("gs-7".to_owned()),
                    ..Checkout::default()
                },
            ];
            for session in sessions {
                let session = self.sim.open_checkout(session);
                self.sim
                    .finish_checkout(&session, card)
                    .expect("it is paid or on its way");
                self.ask(
                    "GET",
                    &format!("/v1/checkout/sessions/{session}"),
                    &[("expand[]", "line_items")],
                );
            }
        }
        self.sim.open_checkout(Checkout {
            lines: vec![(once, 1)],
            ..Checkout::default()
        });
        self.wait(6);
        let customer = self.sim.customer_ids().pop().expect("there are customers");
        self.ask(
            "POST",
            "/v1/billing_portal/sessions",
            &[("customer", &customer)],
        );
    }

    /// Schedules, pending changes, pauses, ends.
    fn changes(&mut self) {
        let (low, high) = (
            self.plan("membertype_4-month", 3000),
            self.plan("membertype_5-month", 6000),
        );
        let mut subscriptions = Vec::new();
        for _ in 0..6 {
            let customer = self.sim.create_customer(Some("ed@example.org"), None, &[]);
            subscriptions.push(
                self.sim
                    .subscribe(&customer, &[(&low, 1)], Subscribe::default()),
            );
        }
        self.sim
            .change_price_at_period_end(&subscriptions[0], &high);
        let released = self.sim.schedule_from(&subscriptions[1]);
        self.sim.release_schedule(&released);
        let cancelled = self.sim.schedule_from(&subscriptions[2]);
        self.sim.cancel_schedule(&cancelled);
        self.sim.pause(&subscriptions[3]);
        let waiting = self.sim.subscription(&subscriptions[4]);
        let (customer, item) = (&waiting["customer"], &waiting["items"]["data"][0]["id"]);
        let customer = customer.as_str().expect("an id").to_owned();
        self.sim.set_card(&customer, false);
        let item = item.as_str().expect("an id").to_owned();
        let change = [
            ("items[0][id]", item.as_str()),
            ("items[0][price]", &high),
            ("payment_behavior", "pending_if_incomplete"),
            ("proration_behavior", "always_invoice"),
        ];
        self.ask(
            "POST",
            &format!("/v1/subscriptions/{}", subscriptions[4]),
            &change,
        );
        self.ask(
            "GET",
            "/v1/subscriptions",
            &[("status", "all"), ("limit", "100")],
        );
        let last = subscriptions[5].clone();
        let preview = [
            ("subscription", last.as_str()),
            ("subscription_details[items][0][price]", &high),
        ];
        self.ask("POST", "/v1/invoices/create_preview", &preview);
        self.sim
            .change_price(&last, 0, &high, Proration::AlwaysInvoice);
        self.sim.cancel_at_period_end(&last, true);
        self.wait(40);
        self.sim.resume(&subscriptions[3]);
        self.wait(40);
    }

    /// Invoices made by hand, cards kept on file, test clocks.
    fn by_hand(&mut self) {
        let customer = self.id(
            "/v1/customers",
            &[
                ("email", "fay@example.org"),
                ("source", "tok_visa"),
                ("balance", "-100"),
            ],
        );
        self.ask(
            "POST",
            "/v1/invoiceitems",
            &[
                ("customer", &customer),
                ("amount", "2000"),
                ("currency", "usd"),
                ("description", "Wood"),
            ],
        );
        let invoice = self.id(
            "/v1/invoices",
            &[("customer", &customer), ("auto_advance", "false")],
        );
        self.ask("POST", &format!("/v1/invoices/{invoice}/finalize"), &[]);
        let note = self.id(
            "/v1/credit_notes",
            &[
                ("invoice", &invoice),
                ("amount", "500"),
                ("memo", "Broken tool"),
            ],
        );
        self.ask("POST", &format!("/v1/credit_notes/{note}/void"), &[]);
        self.ask("POST", &format!("/v1/invoices/{invoice}/pay"), &[]);
        self.ask(
            "POST",
            "/v1/invoiceitems",
            &[
                ("customer", &customer),
                ("amount", "300"),
                ("currency", "usd"),
            ],
        );
        let intent = [
            ("amount", "500"),
            ("currency", "usd"),
            ("payment_method", "pm_card_visa"),
            ("confirm", "true"),
            ("capture_method", "manual"),
        ];
        let intent = self.id("/v1/payment_intents", &intent);
        self.ask(
            "POST",
            &format!("/v1/payment_intents/{intent}/capture"),
            &[],
        );
        self.ask(
            "POST",
            "/v1/payment_intents",
            &[("amount", "500"), ("currency", "usd")],
        );
        self.ask(
            "POST",
            "/v1/setup_intents",
            &[
                ("payment_method", "pm_card_visa"),
                ("confirm", "true"),
                ("customer", &customer),
            ],
        );
        let bank = [
            ("type", "sepa_debit"),
            ("sepa_debit[iban]", "AT611904300234573201"),
            ("billing_details[name]", "Fay"),
        ];
        self.ask("POST", "/v1/payment_methods", &bank);
        let begin = self.sim.now().to_string();
        self.ask(
            "POST",
            "/v1/test_helpers/test_clocks",
            &[("frozen_time", &begin), ("name", "tomorrow")],
        );
        self.ask("DELETE", "/v1/coupons/free", &[]);
    }

    fn connect(&mut self) {
        self.sim.connect_account(CONNECTED);
        let other = self.sim.other_account(CONNECTED, false);
        let plan = other.create_plan("membertype_9", None, 900, Interval::Week);
        let customer = other.create_customer(Some("gil@example.org"), None, &[]);
        other.subscribe(&customer, &[(&plan, 1)], Subscribe::default());
    }
}
