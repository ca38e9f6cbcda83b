//! An imitation of Stripe by other people sends the webhooks.

use crate::agent::Seen;
use crate::club::{Club, Way};
use crate::http::Ask;
use crate::program::{Program, free_port, python};
use crate::server::SECRET;
use crate::wait;
use reqwest::Method;
use serde_json::{Value, json};

const CARD: &str = "62E3086CED";

struct Localstripe {
    port: u16,
    _program: Program,
}

impl Localstripe {
    fn start(club: &Club) -> Self {
        let port = free_port();
        let mut command = python("localstripe_on_loopback.py");
        command.arg(port.to_string());
        let mut program = Program::start("localstripe", club.folder.path(), &mut command);
        wait::until("localstripe listens", || {
            program.must_run();
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self {
            port,
            _program: program,
        }
    }

    fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let ask = Ask {
            method,
            url: format!("http://127.0.0.1:{}{path}", self.port),
            headers: vec![
                ("authorization", "Bearer sk_test_of_these_tests".to_owned()),
                ("content-type", "application/json".to_owned()),
            ],
            body: body.to_string().into_bytes(),
        };
        let answer = ask.send().expect("it answers");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask(Method::POST, path, body)
    }
}

#[test]
fn who_subscribes_at_localstripe_is_in_and_who_is_deleted_there_is_no_longer_renewed() {
    let mut club = Club::open(Way::Webhook);
    let stripe = Localstripe::start(&club);
    let endpoint = format!("{}/webhooks/stripe", club.server.url());
    stripe.post(
        "/_config/webhooks/club",
        &json!({"url": endpoint, "secret": SECRET}),
    );
    let plan = "membertype_5-every-1-month-5000-usd";
    stripe.post(
        "/v1/plans",
        &json!({"id": plan, "amount": 5000, "currency": "usd", "interval": "month", "product": {"name": "Wood shop"}}),
    );
    let card =
        json!({"number": "4242424242424242", "exp_month": 12, "exp_year": 2060, "cvc": "123"});
    let method = stripe.post(
        "/v1/payment_methods",
        &json!({"type": "card", "card": card}),
    );
    let customer = stripe.post(
        "/v1/customers",
        &json!({"email": "ada@example.org", "name": "Ada"}),
    );
    let customer = customer["id"].as_str().expect("an id");
    let method = method["id"].as_str().expect("an id");
    stripe.post(
        &format!("/v1/payment_methods/{method}/attach"),
        &json!({"customer": customer}),
    );
    stripe.post(
        &format!("/v1/customers/{customer}"),
        &json!({"invoice_settings": {"default_payment_method": method}}),
    );
    let subscription = stripe.post(
        "/v1/subscriptions",
        &json!({"customer": customer, "items": [{"plan": plan}]}),
    );
    assert_eq!(subscription["status"], "active");

    let member = wait::until("the member is in", || {
        let shown = club.server.get("/members?q=ada@example.org&state=good");
        shown["items"][0]["id"].as_i64()
    });
    let shown = club.server.get(&format!("/members/{member}"));
    assert_eq!(shown["name"], "Ada", "a member was made of the customer");
    assert_eq!(shown["covered"][0]["membership"], "5");
    club.server
        .post("/cards", &json!({"member": member, "uid": CARD}));
    club.settled();
    assert_eq!(club.tap("front", CARD), Seen::Opens);

    let id = subscription["id"].as_str().expect("an id");
    stripe.ask(
        Method::DELETE,
        &format!("/v1/subscriptions/{id}"),
        &json!({}),
    );
    wait::until("the server has heard of the end", || {
        let shown = club.server.get(&format!("/members/{member}"));
        (shown["covered"][0]["status"] == "canceled").then_some(())
    });
    club.settled();
    assert_eq!(club.tap("front", CARD), Seen::Opens, "the month is paid");
    let shown = club.server.get(&format!("/members/{member}"));
    assert_eq!(shown["standing"]["access"][0]["certain"], true);
}
