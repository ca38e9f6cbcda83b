//! PINs of members, and zones that ask for them.

use crate::support::Api;
use axum::http::Method;
use serde_json::{Value, json};
use server::store::lists;
use server::store::trip::Statement;
use shared::card::{CardToken, CardUid};
use shared::ids::{MemberId, ZoneId};
use shared::pin::{Pin, PinVerifier};
use shared::rights::Entry;
use shared::time::Span;

const SETTINGS: &str = "/api/v1/zones/hall/settings";

/// A member who may pass and has a card.
async fn equip(api: &Api, member: i64, uid: &str) {
    let grant = json!({"membership": "full", "reason": "founder"});
    api.post(&format!("/api/v1/members/{member}/grants"), grant)
        .await;
    api.post("/api/v1/cards", json!({"member": member, "uid": uid}))
        .await;
}

/// What the zones list of a member with one card, by their names.
async fn listed(api: &Api, member: i64) -> Vec<(ZoneId, Entry)> {
    let entries = lists::of_member(&mut api.tx().await, MemberId(member)).await;
    let mut entries = entries.expect("read");
    entries.sort();
    entries
}

/// What a zone keeps of a PIN for a card.
fn verifier(api: &Api, zone: &ZoneId, uid: &str, digits: &str) -> PinVerifier {
    let key = api.app.keys.card_key(zone, 1);
    let uid = CardUid::parse(uid).expect("a card number");
    let pin = Pin::typed(digits).expect("digits");
    PinVerifier::of(&pin, CardToken::of(&uid, &key), &key)
}

async fn says(api: &Api, member: i64) -> String {
    let told = api.get(&format!("/api/v1/members/{member}/explain")).await;
    told["zones"][0]["says"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_pin_is_set_and_taken_away_and_never_shown() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let (path, of) = (
        format!("/api/v1/members/{ada}/pin"),
        format!("/api/v1/members/{ada}"),
    );
    assert_eq!(api.get(&of).await["pin_since"], Value::Null);
    api.wait(Span::days(1));
    let set = api.put(&path, json!({"pin": "471147"})).await;
    assert_eq!(set, json!({"pin_since": "2026-01-06T10:00:00Z"}));
    assert_eq!(api.get(&of).await["pin_since"], set["pin_since"]);
    let mut shown = format!("{:?} {}", api.picture().await, api.get(&of).await);
    let mut tx = api.tx().await;
    let sql = "SELECT action || ' ' || cause || ' ' || COALESCE(body, '') FROM audit";
    let audit: Vec<(String,)> = tx.ask(Statement::new(sql)).await.expect("read");
    shown.extend(audit.into_iter().map(|(line,)| line));
    assert!(shown.contains("pin.set by hand"), "{shown}");
    assert!(!shown.contains("471147"), "{shown}");
    let sql = "SELECT pin_sealed FROM members";
    let sealed: Vec<(Vec<u8>,)> = tx.ask(Statement::new(sql)).await.expect("read");
    drop(tx);
    assert!(!sealed[0].0.windows(6).any(|bytes| bytes == b"471147"));
    api.wait(Span::days(1));
    let again = api.put(&path, json!({"pin": "471147"})).await;
    assert_eq!(again["pin_since"], "2026-01-07T10:00:00Z");
    api.delete(&path).await;
    assert_eq!(api.get(&of).await["pin_since"], Value::Null);
    assert_eq!(api.refused(Method::DELETE, &path, None).await.0, 404);
    let nobody = "/api/v1/members/99/pin";
    assert_eq!(api.refused(Method::DELETE, nobody, None).await.0, 404);
    let deeds = api.deeds().await;
    assert_eq!(
        deeds[deeds.len() - 3..],
        ["pin.set", "pin.set", "pin.remove"]
    );
}

#[tokio::test]
async fn only_a_zone_that_asks_lists_what_a_pin_is_held_against() {
    let mut api = Api::new().await;
    let (ada, uid) = (api.furnish().await, "0415AB3C");
    api.put(
        "/api/v1/zones/yard",
        json!({"name": "Yard", "location": "main"}),
    )
    .await;
    api.put("/api/v1/zones/yard/access/full", json!({})).await;
    equip(&api, ada, uid).await;
    let pin = format!("/api/v1/members/{ada}/pin");
    api.published();
    api.put(&pin, json!({"pin": "4711"})).await;
    assert!(api.published().is_empty(), "no zone asks");
    api.patch(SETTINGS, json!({"pin_schedule": "always"})).await;
    let topics: Vec<String> = api.published().into_iter().map(|told| told.topic).collect();
    assert!(
        topics.contains(&"gs/1/club/zones/hall/delta".to_owned()),
        "{topics:?}"
    );
    let pins = async || -> Vec<Option<PinVerifier>> {
        let entries = listed(&api, ada).await.into_iter();
        entries.map(|(_, entry)| entry.pin).collect()
    };
    let hall = ZoneId::new("hall").expect("a name");
    let kept = |digits: &str| Some(verifier(&api, &hall, uid, digits));
    assert_eq!(pins().await, [kept("4711"), None]);
    api.put(&pin, json!({"pin": "20252"})).await;
    assert_eq!(pins().await, [kept("20252"), None]);
    api.post("/api/v1/cards/1/mark", json!({"mark": "lost"}))
        .await;
    assert_eq!(pins().await, [None, None], "it opens nothing");
    api.post("/api/v1/cards/1/mark", json!({"mark": "found"}))
        .await;
    assert_eq!(pins().await, [kept("20252"), None]);
    api.delete(&pin).await;
    assert_eq!(pins().await, [None, None]);
    api.put(&pin, json!({"pin": "20252"})).await;
    api.patch(SETTINGS, json!({"pin_schedule": null})).await;
    assert_eq!(pins().await, [None, None]);
}

#[tokio::test]
async fn explain_tells_who_must_type_a_pin_and_who_cannot() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    equip(&api, ada, "0415AB3C").await;
    api.put(
        "/api/v1/doors/front",
        json!({"name": "Front", "zone": "hall"}),
    )
    .await;
    let front = async || {
        let told = api.get(&format!("/api/v1/members/{ada}/explain")).await;
        told["doors"][0]["says"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(!says(&api, ada).await.contains("PIN"));
    assert!(front().await.starts_with("opens."));
    let windows = json!([{"days": ["mon"], "from": "08:00", "to": "12:00"}]);
    let mornings = json!({"name": "Mornings", "windows": windows});
    api.put("/api/v1/schedules/mornings", mornings).await;
    api.patch(SETTINGS, json!({"pin_schedule": "mornings"}))
        .await;
    let asks = "the door asks for a PIN on schedule `mornings`";
    let without = says(&api, ada).await;
    assert!(
        without.ends_with(&format!(
            "a card opens at all hours, but {asks}, and the member has none."
        )),
        "{without}"
    );
    assert!(
        front()
            .await
            .starts_with("stays shut. The zone asks for a PIN"),
        "{}",
        front().await
    );
    api.put(
        &format!("/api/v1/members/{ada}/pin"),
        json!({"pin": "4711"}),
    )
    .await;
    let with = says(&api, ada).await;
    assert!(
        with.ends_with(&format!("a card opens at all hours, and {asks}.")),
        "{with}"
    );
    assert_eq!(
        front().await,
        "asks for a PIN, and opens when the right one is typed."
    );
    api.wait(Span::hours(3));
    assert!(front().await.starts_with("opens."), "{}", front().await);
    // The past is told by the rules of then.
    api.patch(SETTINGS, json!({"pin_schedule": null})).await;
    api.wait(Span::hours(1));
    assert!(!says(&api, ada).await.contains("PIN"));
    let then = format!("/api/v1/members/{ada}/explain?at=2026-01-05T12:00:00Z");
    let told = api.get(&then).await["zones"][0]["says"].clone();
    assert!(
        told.as_str().is_some_and(|says| says.contains(asks)),
        "{told}"
    );
}

#[tokio::test]
async fn a_zone_that_would_shut_out_many_for_want_of_a_pin_waits_for_a_yes() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    equip(&api, ada, "0415AB3C").await;
    api.put(
        &format!("/api/v1/members/{ada}/pin"),
        json!({"pin": "4711"}),
    )
    .await;
    for number in 0..6_u8 {
        let member = api.member(&format!("Member {number}")).await;
        equip(&api, member, &format!("0415AB{number:02}")).await;
    }
    let windows = json!([{"days": ["mon"], "from": "08:00", "to": "12:00"}]);
    let mornings = json!({"name": "Mornings", "windows": windows});
    api.put("/api/v1/schedules/mornings", mornings).await;
    let waits = async |hours: &str| {
        let before = api.picture().await;
        let ask = json!({"pin_schedule": hours});
        let (status, problem) = api.ask(Method::PATCH, SETTINGS, Some(ask.clone())).await;
        assert_eq!(
            (status.as_u16(), &problem["field"], &problem["members"]),
            (409, &json!("approved"), &json!([2, 3, 4, 5, 6, 7])),
            "{problem}"
        );
        assert_eq!(api.picture().await, before);
        api.patch(&format!("{SETTINGS}?approved=true"), ask).await;
    };
    waits("mornings").await;
    waits("always").await;
    // What stays, or asks of fewer, asks nobody.
    api.patch(
        SETTINGS,
        json!({"pin_schedule": "always", "lockdown": false}),
    )
    .await;
    api.patch(SETTINGS, json!({"pin_schedule": null})).await;
    // Three lack the one, three others the other.
    for member in 2..5 {
        let pin = format!("/api/v1/members/{member}/pin");
        api.put(&pin, json!({"pin": "4711"})).await;
        let noted = format!("/api/v1/members/{}/inductions/hall", member + 3);
        api.put(&noted, Value::Null).await;
    }
    let noted = format!("/api/v1/members/{ada}/inductions/hall");
    api.put(&noted, Value::Null).await;
    let both = json!({"pin_schedule": "always", "needs_induction": true});
    let (status, problem) = api.ask(Method::PATCH, SETTINGS, Some(both)).await;
    assert_eq!(
        (status.as_u16(), &problem["members"]),
        (409, &json!([2, 3, 4, 5, 6, 7])),
        "{problem}"
    );
    for one in [
        json!({"pin_schedule": "always"}),
        json!({"needs_induction": true}),
    ] {
        api.patch(SETTINGS, one).await;
        api.patch(
            SETTINGS,
            json!({"pin_schedule": null, "needs_induction": false}),
        )
        .await;
    }
}
