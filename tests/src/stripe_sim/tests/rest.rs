//! The REST interface.

use serde_json::{Value, json};

use super::*;
use crate::stripe_sim::calendar::{DAY, utc};

const SIGNATURE: &str = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";

#[test]
fn events_page_in_both_directions_and_are_forgotten_after_thirty_days() {
    let (mut sim, customer, _) = member();
    let (_, newest) = get(&mut sim, "/v1/events", &[("limit", "2")]);
    assert_eq!(newest["has_more"], true);
    let cursor = newest["data"][0]["id"].as_str().expect("an id").to_owned();
    for cents in 1..=5 {
        sim.add_balance(&customer, -cents);
    }
    let mut seen = Vec::new();
    let mut cursor_now = cursor.clone();
    loop {
        let (_, page) = get(
            &mut sim,
            "/v1/events",
            &[("limit", "2"), ("ending_before", &cursor_now)],
        );
        let data = page["data"].as_array().expect("a page");
        seen.extend(
            data.iter()
                .rev()
                .map(|event| event["data"]["object"]["balance"].clone()),
        );
        let Some(first) = data.first() else { break };
        cursor_now = first["id"].as_str().expect("an id").to_owned();
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(
        seen,
        [json!(-1), json!(-3), json!(-6), json!(-10), json!(-15)]
    );
    let (_, typed) = get(
        &mut sim,
        "/v1/events",
        &[("types[]", "invoice.paid"), ("types[]", "charge.succeeded")],
    );
    assert_eq!(typed["data"].as_array().expect("a page").len(), 2);

    let later = sim.now() + 31 * DAY;
    sim.advance_to(later);
    let (_, all) = get(&mut sim, "/v1/events", &[("limit", "100")]);
    assert!(
        all["data"]
            .as_array()
            .expect("a page")
            .iter()
            .all(|event| event["type"] != "customer.created")
    );
    let (status, _) = get(&mut sim, "/v1/events", &[("ending_before", &cursor)]);
    assert_eq!(
        status, 400,
        "a cursor that Stripe has forgotten is an error"
    );
}

#[test]
fn lists_expand_four_levels_and_no_deeper() {
    let (mut sim, customer, _) = member();
    let wish = [
        ("customer", customer.as_str()),
        ("expand[]", "data.latest_invoice"),
        ("expand[]", "data.customer"),
    ];
    let (status, body) = get(&mut sim, "/v1/subscriptions", &wish);
    assert_eq!(status, 200);
    assert_eq!(body["data"][0]["latest_invoice"]["object"], "invoice");
    assert_eq!(body["data"][0]["customer"]["email"], "ada@example.org");
    let (status, body) = get(
        &mut sim,
        "/v1/subscriptions",
        &[("expand[]", "data.items.data.price.product")],
    );
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "property_expansion_max_depth");
    let sub = sim.subscriptions_of(&customer).remove(0);
    let (_, body) = get(
        &mut sim,
        &format!("/v1/subscriptions/{sub}"),
        &[("expand[]", "items.data.price.product")],
    );
    assert_eq!(body["items"]["data"][0]["price"]["product"]["name"], "Full");
}

#[test]
fn keys_decide_which_data_is_seen() {
    let (mut sim, _, sub) = member();
    let path = format!("/v1/subscriptions/{sub}");
    sim.add_key("sk_live_sim", "acct_space");
    sim.add_key("sk_test_other", "acct_other");
    let mut ask = |key: &str| sim.request("GET", &path, &[], Headers::with_key(key));
    assert_eq!(ask("sk_test_wrong").0, 401);
    assert_eq!(ask("sk_test_sim").0, 200);
    assert_eq!(ask("rk_test_sim").0, 200);
    let (status, body) = ask("sk_test_other");
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("resource_missing"))
    );
    assert_eq!(ask("sk_live_sim").0, 404);
    let (_, account) = sim.request(
        "GET",
        "/v1/account",
        &[],
        Headers::with_key("sk_test_other"),
    );
    assert_eq!(account["id"], "acct_other");
}

#[test]
fn failures_come_on_demand_and_then_stop() {
    let (mut sim, _, _) = member();
    sim.fail_next(429, 2);
    sim.fail_next(500, 1);
    let statuses: Vec<u16> = (0..4)
        .map(|_| get(&mut sim, "/v1/account", &[]).0)
        .collect();
    assert_eq!(statuses, [429, 429, 500, 200]);
    sim.set_outage(true);
    assert_eq!(get(&mut sim, "/v1/account", &[]).0, 503);
}

#[test]
fn an_idempotency_key_answers_the_same_again_and_refuses_other_parameters() {
    let (mut sim, customer, _) = member();
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let headers = Headers {
        idempotency_key: Some("gift-1".to_owned()),
        ..Headers::with_key(KEY)
    };
    let params = |amount: &str| {
        vec![
            ("amount".to_owned(), amount.to_owned()),
            ("currency".to_owned(), "usd".to_owned()),
        ]
    };
    let first = sim.request("POST", &path, &params("-3000"), headers.clone());
    let second = sim.request("POST", &path, &params("-3000"), headers.clone());
    assert_eq!(first, second);
    assert_eq!(sim.balance(&customer), -3000);
    let (status, body) = sim.request("POST", &path, &params("-1"), headers.clone());
    assert_eq!(
        (status, &body["error"]["type"]),
        (400, &json!("idempotency_error"))
    );
    let told = sim.take_events();
    assert_eq!(
        one(&told, "customer.updated")["request"]["idempotency_key"],
        "gift-1"
    );
    let later = sim.now() + DAY;
    sim.advance_to(later);
    sim.request("POST", &path, &params("-3000"), headers);
    assert_eq!(sim.balance(&customer), -6000, "the key is forgotten");
}

#[test]
fn the_rest_interface_makes_what_the_dashboard_makes() {
    let mut sim = space();
    let plan = [
        ("id", "membertype_7"),
        ("amount", "3000"),
        ("currency", "usd"),
        ("interval", "month"),
        ("product[name]", "Basic"),
    ];
    assert_eq!(call(&mut sim, "POST", "/v1/plans", &plan).0, 200);
    assert_eq!(
        call(&mut sim, "POST", "/v1/plans", &plan).1["error"]["code"],
        "resource_already_exists"
    );
    let (_, customer) = call(
        &mut sim,
        "POST",
        "/v1/customers",
        &[("email", "b@example.org"), ("source", "tok_visa")],
    );
    let customer = customer["id"].as_str().expect("an id").to_owned();
    let wish = [
        ("customer", customer.as_str()),
        ("items[0][plan]", "membertype_7"),
        ("metadata[member]", "9"),
    ];
    let (status, sub) = call(&mut sim, "POST", "/v1/subscriptions", &wish);
    assert_eq!(
        (status, &sub["status"], &sub["metadata"]["member"]),
        (200, &json!("active"), &json!("9"))
    );
    let path = format!("/v1/subscriptions/{}", sub["id"].as_str().expect("an id"));
    let (_, sub) = call(&mut sim, "POST", &path, &[("cancel_at_period_end", "true")]);
    assert_eq!(sub["cancel_at_period_end"], true);
    let (_, sub) = call(&mut sim, "DELETE", &path, &[]);
    assert_eq!(sub["status"], "canceled");
    assert_eq!(call(&mut sim, "DELETE", &path, &[]).0, 404);
    assert_eq!(get(&mut sim, "/v1/subscriptions", &[]).1["data"], json!([]));
    assert_eq!(get(&mut sim, "/v1/nothing/x", &[]).0, 404);
}

#[test]
fn a_transferred_lookup_key_leaves_the_old_price() {
    let mut sim = space();
    let old = sim.create_price(None, Some("membertype_4"), &[], 4000, Interval::Month);
    let new = sim.create_price(None, None, &[("membertype", "4")], 4500, Interval::Month);
    sim.take_events();
    sim.set_lookup_key(&new, Some("membertype_4"));
    assert_eq!(
        kinds(&sim.take_events()),
        ["price.updated", "price.updated"]
    );
    assert_eq!(
        get(&mut sim, &format!("/v1/prices/{old}"), &[]).1["lookup_key"],
        Value::Null
    );
}

#[test]
fn a_forked_history_goes_its_own_way() {
    let (sim, customer, sub) = member();
    let (mut paying, mut failing) = (sim.clone(), sim);
    failing.set_card(&customer, false);
    paying.advance_to(utc(2026, 2, 16, 0));
    failing.advance_to(utc(2026, 2, 16, 0));
    assert_eq!(
        (paying.status(&sub), failing.status(&sub)),
        (Status::Active, Status::PastDue)
    );
}

#[test]
fn the_same_story_told_twice_is_the_same_to_the_last_byte() {
    let tell = || {
        let (mut sim, _, _) = member();
        sim.advance_to(utc(2026, 6, 1, 0));
        sim.take_events()
    };
    assert_eq!(tell(), tell());
}

#[test]
fn a_signature_is_the_hmac_of_time_and_body() {
    // Computed with: printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
    let header = deliver::sign("whsec_test", 1_700_000_000, b"{}");
    assert_eq!(header, format!("t=1700000000,v1={SIGNATURE}"));
    let two = deliver::sign_with(&["whsec_old", "whsec_test"], 1_700_000_000, b"{}");
    assert!(two.ends_with(SIGNATURE) && two.matches(",v1=").count() == 2);
}

#[tokio::test]
async fn the_router_serves_form_parameters_and_bearer_keys() {
    use std::sync::{Arc, Mutex};
    let (sim, customer, sub) = member();
    let sim = Arc::new(Mutex::new(sim));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    let server = tokio::spawn(async move { axum::serve(listener, http::router(sim)).await });
    let text = {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut socket = tokio::net::TcpStream::connect(address)
            .await
            .expect("the server listens");
        let request = format!(
            "GET /v1/subscriptions?customer={customer}&expand%5B%5D=data.latest_invoice HTTP/1.1\r\nHost: stripe\r\n\
             Authorization: Bearer {KEY}\r\nConnection: close\r\n\r\n"
        );
        socket
            .write_all(request.as_bytes())
            .await
            .expect("the request is sent");
        let mut text = String::new();
        socket
            .read_to_string(&mut text)
            .await
            .expect("the answer is text");
        text
    };
    server.abort();
    assert!(text.starts_with("HTTP/1.1 200"));
    assert!(text.contains(&sub) && text.contains("subscription_create"));
}

#[test]
fn events_are_asked_for_by_at_most_twenty_types_and_by_what_became_of_their_delivery() {
    let (mut sim, customer, _) = member();
    sim.set_email(&customer, "bo@example.org");
    let lost = sim.take_event_records().remove(0);
    sim.note_delivery(&lost.id, false);
    let many = [("types[]", "customer.updated"); 21];
    assert_eq!(get(&mut sim, "/v1/events", &many).0, 400);
    assert_eq!(get(&mut sim, "/v1/events", &many[..20]).0, 200);
    let (_, undelivered) = get(&mut sim, "/v1/events", &[("delivery_success", "false")]);
    let ids: Vec<&Value> = undelivered["data"]
        .as_array()
        .expect("a page")
        .iter()
        .map(|event| &event["id"])
        .collect();
    assert_eq!(ids, [&json!(lost.id)]);
    assert_eq!(undelivered["data"][0]["pending_webhooks"], 1);
}

#[test]
fn a_first_payment_that_must_succeed_leaves_nothing_behind_if_it_fails() {
    let (mut sim, customer, _) = member();
    sim.set_card(&customer, false);
    let known = sim.subscriptions_of(&customer).len();
    let params = [
        ("customer", customer.as_str()),
        ("items[0][price]", "membertype_1-every-1-month-5000-usd"),
        ("payment_behavior", "error_if_incomplete"),
    ];
    assert_eq!(call(&mut sim, "POST", "/v1/subscriptions", &params).0, 402);
    assert_eq!(sim.subscriptions_of(&customer).len(), known);
    assert!(sim.take_events().is_empty());
}

#[test]
fn an_invoice_made_by_hand_bills_what_waits_and_charges_nobody_unasked() {
    let (mut sim, customer, _) = member();
    let item = [
        ("customer", customer.as_str()),
        ("amount", "2000"),
        ("currency", "usd"),
        ("description", "A sheet of plywood"),
    ];
    assert_eq!(call(&mut sim, "POST", "/v1/invoiceitems", &item).0, 200);
    let (_, gone) = call(&mut sim, "POST", "/v1/invoiceitems", &item);
    let gone = format!("/v1/invoiceitems/{}", gone["id"].as_str().expect("an id"));
    assert_eq!(call(&mut sim, "DELETE", &gone, &[]).0, 200);
    let (_, invoice) = call(&mut sim, "POST", "/v1/invoices", &[("customer", &customer)]);
    assert_eq!(
        (
            &invoice["total"],
            &invoice["billing_reason"],
            &invoice["status"]
        ),
        (&json!(2000), &json!("manual"), &json!("draft"))
    );
    let path = format!("/v1/invoices/{}", invoice["id"].as_str().expect("an id"));
    sim.advance_to(sim.now() + DAY);
    assert_eq!(get(&mut sim, &path, &[]).1["status"], "draft");
    sim.take_events();
    let finalize = format!("{path}/finalize");
    assert_eq!(call(&mut sim, "POST", &finalize, &[]).1["status"], "open");
    assert!(!kinds(&sim.take_events()).contains(&"charge.succeeded"));
    let pay = format!("{path}/pay");
    let declined = [("payment_method", "pm_card_chargeCustomerFail")];
    assert_eq!(call(&mut sim, "POST", &pay, &declined).0, 402);
    assert_eq!(call(&mut sim, "POST", &pay, &[]).1["amount_paid"], 2000);
    assert_eq!(
        call(&mut sim, "DELETE", &path, &[]).0,
        400,
        "it is no draft"
    );
}
