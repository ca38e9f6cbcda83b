//! Several organisations on one server, their Stripe accounts connected to one platform (docs.stripe.com/connect).

use crate::agent::{AGENT, Agent, Seen};
use crate::program::built;
use crate::server::{SECRET, Server, Site};
use crate::stripe::{KEY, Stripe, WOOD};
use crate::wait;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use tests::stripe_sim::{Interval, Shape, Subscribe};

const ACCOUNTS: &str = "north=acct_north,south=acct_south";
const CARD: &str = "62E3086CED";

/// A server for the platform's own club and for two others.
fn served(folder: &Path, more: &[(&'static str, String)]) -> (Server, Site, Site) {
    let mut settings = vec![("CONNECTED", ACCOUNTS.to_owned())];
    settings.extend_from_slice(more);
    let mut server = Server::new(folder, &settings);
    server.start();
    let (north, south) = (server.connected("north"), server.connected("south"));
    for site in [&north, &south, &server.site()] {
        furnish(site);
    }
    (server, north, south)
}

fn furnish(site: &Site) {
    site.put("/membership-types/5", &json!({"name": "Wood", "rank": 1}));
    site.put("/zones/wood", &json!({"name": "Wood", "location": "main"}));
    site.put("/zones/wood/access/5", &json!({}));
}

/// Somebody joins at a connected account and pays; what Stripe tells the platform, as bodies.
fn join(stripe: &Stripe, account: &str) -> (String, String, Vec<Value>) {
    let mut sim = stripe.sim();
    sim.connect_account(account);
    let there = sim.other_account(account, false);
    there.create_plan(WOOD, Some("Wood shop"), 500, Interval::Day);
    let customer = there.create_customer(Some("ada@example.org"), Some("Ada"), &[]);
    let subscription = there.subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
    drop(sim);
    (customer, subscription, told(stripe))
}

fn told(stripe: &Stripe) -> Vec<Value> {
    let now = wait::now().as_seconds();
    let mut sim = stripe.sim();
    sim.advance_to(now);
    let events = sim.take_connect_events();
    events
        .iter()
        .map(|event| event.body(Shape::Clover, false))
        .collect()
}

/// Delivers bodies to the platform's endpoint; what it answers to each.
fn deliver(server: &Server, stripe: &mut Stripe, bodies: &[Value]) -> Vec<String> {
    let deliver = |body: &Value| {
        let letter = stripe.letter(&body.to_string());
        let answer = server.deliver(Some(&letter.header), letter.body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    };
    bodies.iter().map(deliver).collect()
}

/// Waits until the members of an organisation have exactly these standings.
fn members_are(site: &Site, states: &[&str]) {
    wait::until(&format!("{} has {states:?}", site.url), || {
        let listed = site.get("/members");
        let members = listed["items"].as_array()?;
        let found: Vec<&Value> = members.iter().map(|member| &member["state"]).collect();
        (found == states).then_some(())
    });
}

fn open_items(site: &Site) -> Vec<String> {
    let listed = site.get("/attention");
    let items = listed["items"].as_array().expect("a list");
    let kind = |item: &Value| item["kind"].as_str().unwrap_or_default().to_owned();
    items.iter().map(kind).collect()
}

fn counted(server: &Server, outcome: &str) -> String {
    let asked = server.request(Method::GET, "/metrics", None).send();
    let page = asked.expect("it answers").text();
    let line = format!("goodstanding_webhooks_total{{outcome=\"{outcome}\"}} ");
    let count = page.lines().find_map(|row| row.strip_prefix(&line));
    count.expect("it is counted").to_owned()
}

/// What happens under another account, with every id the same.
fn elsewhere(bodies: &[Value], account: &str) -> Vec<Value> {
    let moved = |body: &Value| {
        let mut body = body.clone();
        body["account"] = json!(account);
        body
    };
    bodies.iter().map(moved).collect()
}

#[test]
fn the_same_ids_in_two_accounts_are_two_peoples() {
    let folder = wait::scratch();
    let mut stripe = Stripe::start(folder.path());
    let (server, north, south) = served(folder.path(), &[]);
    let (_, subscription, joined) = join(&stripe, "acct_north");
    let kept = deliver(&server, &mut stripe, &joined);
    assert!(kept.iter().all(|answer| answer == "kept\n"), "{kept:?}");
    members_are(&north, &["good"]);
    members_are(&south, &[]);

    let twins = elsewhere(&joined, "acct_south");
    let kept = deliver(&server, &mut stripe, &twins);
    assert!(
        kept.iter().all(|answer| answer == "kept\n"),
        "the same event id in another account is another event: {kept:?}"
    );
    members_are(&south, &["good"]);
    let again = deliver(&server, &mut stripe, &twins);
    assert!(
        again.iter().all(|answer| answer == "kept before\n"),
        "{again:?}"
    );

    stripe
        .sim()
        .other_account("acct_north", false)
        .cancel_because(&subscription, "payment_failed");
    let ended = told(&stripe);
    deliver(&server, &mut stripe, &ended);
    members_are(&north, &["lapsed"]);
    members_are(&south, &["good"]);

    let strangers = elsewhere(&joined, "acct_nobody");
    let answers = deliver(&server, &mut stripe, &strangers);
    let dropped = |answer: &String| answer == "of another account: not kept\n";
    assert!(answers.iter().all(dropped), "{answers:?}");
    let count = strangers.len().to_string();
    assert_eq!(counted(&server, "other_account"), count);
    assert_eq!(server.get("/members")["items"], json!([]));
    let crossed = north.request(Method::GET, "/api/v1/members", None);
    let crossed = crate::http::Ask {
        url: format!("{}/api/v1/members", south.url),
        ..crossed
    };
    assert_eq!(crossed.send().expect("it answers").status, 401);
    nobody_sees_across(&north, &south);
}

/// What one organisation has is not there for the admin of another.
fn nobody_sees_across(north: &Site, south: &Site) {
    let member = north.get("/members")["items"][0]["id"].clone();
    let event = north.get("/inbox")["items"][0]["id"].clone();
    for path in ["", "/explain", "/grants", "/holds", "/credit"] {
        let path = format!("/api/v1/members/{member}{path}");
        let asked = south.request(Method::GET, &path, None).send();
        assert_eq!(asked.expect("it answers").status, 404, "{path}");
    }
    let held = json!({"reason": "none of their business"});
    let path = format!("/api/v1/members/{member}/holds");
    let asked = south.request(Method::POST, &path, Some(&held)).send();
    assert_eq!(asked.expect("it answers").status, 404);
    let path = format!("/api/v1/inbox/{event}?raw=1");
    let asked = south.request(Method::GET, &path, None).send();
    assert_eq!(asked.expect("it answers").status, 404);
    members_are(north, &["lapsed"]);
}

#[test]
fn every_account_is_asked_for_itself_until_its_owner_takes_the_access_away() {
    let folder = wait::scratch();
    let mut stripe = Stripe::start(folder.path());
    let key = [
        ("STRIPE_SECRET_KEY", KEY.to_owned()),
        ("STRIPE_API_BASE", stripe.serve()),
    ];
    for account in ["acct_north", "acct_south"] {
        stripe.sim().connect_account(account);
    }
    let (server, north, south) = served(folder.path(), &key);
    let mut agent = Agent::new(folder.path(), &["front"]);
    agent.pair(&north);
    north.put(
        "/doors/front",
        &json!({"name": "front", "zone": "wood", "agent": AGENT}),
    );
    let taken = json!({"id": AGENT, "name": "Pi"});
    let taken = south.request(Method::POST, "/api/v1/agents", Some(&taken));
    assert_eq!(taken.send().expect("it answers").status, 409);
    agent.start();

    // Only the customer is told of: what is paid must be asked for, there and not with the platform.
    for (account, site) in [("acct_north", &north), ("acct_south", &south)] {
        let (_, _, joined) = join(&stripe, account);
        let hint = joined
            .iter()
            .find(|body| body["type"] == "customer.created");
        deliver(&server, &mut stripe, &[hint.expect("it is told").clone()]);
        members_are(site, &["good"]);
    }
    let member = north.get("/members")["items"][0]["id"].clone();
    north.post("/cards", &json!({"member": member, "uid": CARD}));
    wait::until("the door has north's list", || {
        let shown = north.get(&format!("/agents/{AGENT}"));
        (shown["report"]["zones"][0]["current"] == true).then_some(())
    });
    assert_eq!(agent.tap("front", CARD), Seen::Opens);

    stripe.sim().deauthorize_account("acct_north");
    let ended = told(&stripe);
    deliver(&server, &mut stripe, &ended);
    wait::until("staff of north are told", || {
        open_items(&north)
            .contains(&"disconnected".to_owned())
            .then_some(())
    });
    assert!(!open_items(&south).contains(&"disconnected".to_owned()));
    members_are(&north, &["good"]);
    let listed = north.get("/attention");
    let items = listed["items"].as_array().expect("a list");
    let item = items.iter().find(|item| item["kind"] == "disconnected");
    let item = &item.expect("it was just there")["id"];
    let retry = |expect: u16| {
        let path = format!("/api/v1/attention/{}/resolve", item);
        let body = json!({"action": "retry"});
        let asked = north.request(Method::POST, &path, Some(&body)).send();
        let answer = asked.expect("it answers");
        assert_eq!(answer.status, expect, "{}", answer.text());
    };
    retry(409);
    stripe.sim().connect_account("acct_north");
    retry(200);
    assert!(!open_items(&north).contains(&"disconnected".to_owned()));
    members_are(&north, &["good"]);

    let mut reconcile = built("goodstanding");
    reconcile
        .args(["--organisation", "south", "reconcile", "--dry-run"])
        .env("DATA_DIR", folder.path().join("data"))
        .env("STRIPE_WEBHOOK_SECRET", SECRET)
        .env("CONNECTED", ACCOUNTS)
        .envs(key.iter().map(|(name, value)| (name, value)));
    let told = reconcile.output().expect("it runs");
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.status.success() && text.contains("subscriptions 1, differences 0"),
        "{told:?}"
    );
}
