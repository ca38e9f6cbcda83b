//! What comes to the webhook endpoint and must not count: each gets a reason, and nothing changes.

use crate::club::{Club, Way};
use crate::server::SECRET;
use crate::stripe::{Signer, WOOD};
use crate::wait;
use reqwest::Method;
use serde_json::{Value, json};

/// Everything that a refused delivery must not change.
const PICTURE: [&str; 7] = [
    "/members",
    "/cards",
    "/customers",
    "/payments",
    "/badges",
    "/inbox",
    "/zones",
];

fn picture(club: &Club) -> Vec<Value> {
    let mut picture: Vec<Value> = PICTURE.iter().map(|path| club.server.get(path)).collect();
    let (_, others) = attention(club, "/attention?all=true");
    picture.push(others.into());
    picture
}

/// What staff are told about deliveries that are not believed.
fn doubts(club: &Club) -> Vec<String> {
    let (doubts, _) = attention(club, "/attention");
    let subject = |item: &Value| item["subject"].as_str().expect("a subject").to_owned();
    let mut subjects: Vec<String> = doubts.iter().map(subject).collect();
    subjects.sort();
    subjects
}

/// What staff are told: of deliveries that are not believed, and of anything else.
fn attention(club: &Club, path: &str) -> (Vec<Value>, Vec<Value>) {
    let listed = club.server.get(path);
    let items = listed["items"].as_array().expect("a list").clone();
    items
        .into_iter()
        .partition(|item| item["kind"] == "webhooks_unverified")
}

/// An event that says of Ada's subscription that it has ended.
fn event(id: &str) -> Value {
    let now = wait::now().as_seconds();
    json!({
        "id": id, "object": "event", "type": "customer.subscription.deleted", "created": now, "livemode": false,
        "api_version": "2026-09-30.endive", "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
        "data": {"object": {
            "id": "sub_of_ada", "object": "subscription", "customer": "cus_of_ada", "status": "canceled",
            "ended_at": now, "cancel_at_period_end": false, "items": {"object": "list", "data": []},
        }},
    })
}

fn club_with_a_paid_member() -> (Club, i64) {
    let club = Club::furnished(Way::Webhook, &[]);
    let made = club.server.post(
        "/members",
        &json!({"name": "Ada", "mail": "ada@example.org"}),
    );
    let ada = made["id"].as_i64().expect("a number");
    let mut club = club;
    club.subscribe("Ada", WOOD);
    let letters = club.stripe.letters();
    club.post(&letters);
    applied(&club);
    assert_eq!(club.state(ada), "good");
    (club, ada)
}

fn applied(club: &Club) {
    wait::until("every event is applied", || {
        (club.server.get("/inbox?state=pending")["items"] == json!([])).then_some(())
    });
}

/// Delivers and expects a refusal with this status whose reason says this.
fn refused(club: &Club, header: Option<&str>, body: &[u8], status: u16, reason: &str) {
    let answer = club.server.deliver(header, body);
    let shown = format!("{header:?}: {} {}", answer.status, answer.text());
    assert_eq!(answer.status, status, "{shown}");
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{shown}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(reason), "{shown} should say: {reason}");
}

#[test]
fn a_delivery_that_stripe_did_not_sign_for_us_now_is_refused_with_the_reason() {
    let (club, ada) = club_with_a_paid_member();
    let mut signer = Signer::start(club.folder.path());
    let before = picture(&club);
    let body = event("evt_bad").to_string();
    let now = wait::now().as_seconds();
    let good = signer.sign(&body, SECRET, None);
    let forged = signer.sign(&body, "whsec_of_somebody_else", None);
    let (time, signature) = good.split_once(',').expect("t=…,v1=…");
    let other_signature = forged.split_once(',').expect("t=…,v1=…").1;

    let bytes = body.as_bytes();
    refused(&club, None, bytes, 400, "no Stripe-Signature header");
    for malformed in [
        "",
        "nonsense",
        "t=,v1=",
        time,
        signature,
        &format!("t=today,{signature}"),
        &format!("{time},{good}"),
        &format!("{time}, {signature}"),
        &format!("{good},"),
        &format!("{time},v0={}", &signature[3..]),
        &format!("t=-{},{signature}", &time[2..]),
        &"t".repeat(5000),
    ] {
        refused(
            &club,
            Some(malformed),
            bytes,
            400,
            "Stripe-Signature header",
        );
    }
    for wrong in [
        forged.clone(),
        format!("{time},v1="),
        format!("{time},v1={}", &signature[4..]),
        format!("t={},{signature}", now + 5),
        format!("{time},{other_signature},{other_signature}"),
    ] {
        refused(&club, Some(&wrong), bytes, 400, "no v1 signature fits");
    }
    let changed = body.replace("sub_of_ada", "sub_of_eve");
    refused(
        &club,
        Some(&good),
        changed.as_bytes(),
        400,
        "no v1 signature fits",
    );
    let with_mark = format!("\u{feff}{body}");
    refused(
        &club,
        Some(&good),
        with_mark.as_bytes(),
        400,
        "no v1 signature fits",
    );

    let stale = signer.sign(&body, SECRET, Some(now - 400));
    refused(&club, Some(&stale), bytes, 400, "s ago");
    let future = signer.sign(&body, SECRET, Some(now + 400));
    refused(&club, Some(&future), bytes, 400, "in the future");

    // Staff are told that a secret or a clock may be wrong; nothing else changed.
    assert_eq!(doubts(&club), ["clock", "signature"]);
    assert_eq!(picture(&club), before, "nothing changed");
    assert_eq!(club.state(ada), "good");

    // While a secret is rolled there are two signatures, in any order; and clocks may differ a little.
    for (at, header) in [
        format!("{time},{other_signature},{signature}"),
        format!("{time},{signature},{other_signature}"),
        format!("v0=0,{signature},{time}"),
    ]
    .iter()
    .enumerate()
    {
        let answer = club.server.deliver(Some(header), bytes);
        assert_eq!(answer.status, 200, "{header}: {}", answer.text());
        let said = if at == 0 { "kept\n" } else { "kept before\n" };
        assert_eq!(answer.text(), said);
        assert_eq!(doubts(&club), [""; 0]);
    }
    for distance in [-280, 280] {
        let header = signer.sign(&body, SECRET, Some(wait::now().as_seconds() + distance));
        assert_eq!(club.server.deliver(Some(&header), bytes).status, 200);
    }
}

#[test]
fn a_signed_body_that_is_no_event_is_refused_with_the_reason() {
    let (club, _) = club_with_a_paid_member();
    let mut signer = Signer::start(club.folder.path());
    let before = picture(&club);
    let mut sign_and_refuse = |body: &str, status: u16, reason: &str| {
        let header = signer.sign(body, SECRET, None);
        refused(&club, Some(&header), body.as_bytes(), status, reason);
    };
    let good = event("evt_bad").to_string();
    for body in [
        "",
        "not JSON",
        "null",
        "[]",
        "\"evt_bad\"",
        &good[..good.len() - 1],
        &format!("[{good}]"),
        &format!("\u{feff}{good}"),
        &format!("{good}{good}"),
    ] {
        sign_and_refuse(body, 400, "not a Stripe event");
    }
    for field in ["id", "type", "created", "livemode"] {
        let mut event = event("evt_bad");
        event[field] = Value::Null;
        sign_and_refuse(&event.to_string(), 400, field);
        event[field] = json!({"of": "another kind"});
        sign_and_refuse(&event.to_string(), 400, field);
        event.as_object_mut().expect("an object").remove(field);
        sign_and_refuse(&event.to_string(), 400, field);
    }
    let large = format!("{good}{}", " ".repeat(2 * 1024 * 1024));
    sign_and_refuse(&large, 413, "at most 1048576 bytes");
    assert_eq!(picture(&club), before, "nothing changed");
    let mut asked = club.server.delivery(None, b"");
    asked.method = Method::GET;
    assert_eq!(asked.send().expect("it answers").status, 405);
}

#[test]
fn a_signed_event_that_says_nothing_usable_is_kept_and_changes_nobodys_standing() {
    let (mut club, ada) = club_with_a_paid_member();
    let mut strange = Vec::new();
    let mut of = |change: &dyn Fn(&mut Value)| {
        let mut event = event(&format!("evt_strange_{}", strange.len()));
        change(&mut event);
        strange.push(event.to_string());
    };
    of(&|event| event["type"] = json!("brand.new.thing"));
    of(&|event| event["data"]["object"]["customer"] = Value::Null);
    of(&|event| event["data"]["object"]["items"] = Value::Null);
    of(&|event| event["data"]["object"]["status"] = json!("brand_new"));
    of(&|event| event["data"]["object"] = Value::Null);
    of(&|event| event["data"] = Value::Null);
    of(&|event| event["data"] = json!("text"));
    of(&|event| event["data"]["object"] = json!({"id": 5, "object": ["subscription"]}));
    of(&|event| {
        event["type"] = json!("invoice.paid");
        event["data"]["object"] = json!({"id": "in_x", "object": "invoice", "customer": null});
    });
    of(&|event| {
        event["type"] = json!("invoice.paid");
        event["data"]["object"] =
            json!({"id": "in_y", "object": "invoice", "customer": "cus_y", "lines": 7});
    });
    of(&|event| {
        event["type"] = json!("customer.updated");
        event["data"]["object"] = json!({"object": "customer", "email": 12});
    });
    of(&|event| event["brand_new_field"] = json!({"deep": [1, 2, {"x": null}]}));

    let kept = club.server.get("/inbox?limit=500")["items"].clone();
    let kept = kept.as_array().expect("a list").len();
    for body in &strange {
        let letter = club.stripe.letter(body);
        let answer = club
            .server
            .deliver(Some(&letter.header), letter.body.as_bytes());
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "kept\n"),
            "{body}"
        );
    }
    applied(&club);
    let now_kept = club.server.get("/inbox?limit=500")["items"].clone();
    assert_eq!(
        now_kept.as_array().expect("a list").len(),
        kept + strange.len()
    );

    // Of the other mode or another account: answered, so that Stripe is content, and not kept.
    for (field, value) in [("livemode", json!(true)), ("account", json!("acct_other"))] {
        let mut other = event("evt_other");
        other[field] = value;
        let letter = club.stripe.letter(&other.to_string());
        let answer = club
            .server
            .deliver(Some(&letter.header), letter.body.as_bytes());
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("not kept"), "{}", answer.text());
    }
    assert_eq!(club.server.get("/inbox?limit=500")["items"], now_kept);

    assert_eq!(club.state(ada), "good");
    let out = club.server.get("/members?state=good")["items"].clone();
    assert_eq!(
        out.as_array().map(Vec::len),
        Some(1),
        "nobody else is in: {out}"
    );

    // What comes after them counts as ever.
    club.server.post(
        "/members",
        &json!({"name": "Ben", "mail": "ben@example.org"}),
    );
    club.subscribe("Ben", WOOD);
    let letters = club.stripe.letters();
    club.post(&letters);
    applied(&club);
    let members = club.server.get("/members?state=good")["items"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(2), "{members}");
}

#[test]
fn a_server_without_a_secret_says_so_and_an_empty_secret_does_not_start() {
    let folder = wait::scratch();
    let mut server = crate::server::Server::without_secret(folder.path());
    server.start();
    let answer = server.deliver(Some("t=1,v1=00"), event("evt_bad").to_string().as_bytes());
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("STRIPE_WEBHOOK_SECRET"),
        "{}",
        answer.text()
    );

    let mut refused = crate::program::built("goodstanding");
    refused
        .args(["serve", "--data-dir"])
        .arg(folder.path().join("other"));
    let ended = refused.env("STRIPE_WEBHOOK_SECRET", "").output();
    let ended = ended.expect("it runs");
    assert!(!ended.status.success());
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("STRIPE_WEBHOOK_SECRET"), "{said}");
}
