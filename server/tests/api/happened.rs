//! What happened: webhooks and the inbox, badge events, the attention list, numbers.

use crate::people::subscribe;
use crate::support::{Api, WEBHOOK_SECRET, read};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use server::attention::Kind;
use server::membership::forget::BADGES_KEPT;
use server::store::agents::{self, Badge};
use server::store::attention::{Item, raise};
use server::store::mirror;
use server::store::prices;
use sha2::{Digest, Sha256};
use shared::badge::{BadgeEvent, What};
use shared::card::CardToken;
use shared::door_clock::Quality;
use shared::ids::{AgentId, BootId, DoorId, Holder};
use shared::reasons::Reason;
use shared::time::Span;
use std::sync::Arc;
use tokio::task::JoinSet;

pub fn signed(api: &Api, body: &str) -> String {
    let seconds = api.now().as_seconds();
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).expect("any length");
    mac.update(format!("{seconds}.{body}").as_bytes());
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={seconds},v1={hex}")
}

pub async fn deliver(api: &Api, signature: Option<&str>, body: impl Into<Body>) -> u16 {
    let mut request = Request::post("/webhooks/stripe");
    if let Some(signature) = signature {
        request = request.header("stripe-signature", signature);
    }
    api.send(request.body(body.into()).expect("a request"))
        .await
        .status()
        .as_u16()
}

fn event(id: &str) -> String {
    let object = json!({"id": "cus_1", "object": "customer", "email": "ada@example.org"});
    json!({"id": id, "object": "event", "type": "customer.created", "created": 1_767_607_200, "livemode": false,
        "api_version": "2025-03-31.basil", "data": {"object": object}})
    .to_string()
}

pub async fn page(api: &Api, path: &str) -> (u16, String) {
    let response = api
        .send(Request::get(path).body(Body::empty()).expect("a request"))
        .await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn a_delivery_is_kept_once_and_its_body_is_shown_only_on_demand() {
    let api = Api::new().await;
    let body = event("evt_1");
    assert_eq!(
        deliver(&api, Some(&signed(&api, &body)), body.clone()).await,
        200
    );
    assert_eq!(
        deliver(&api, Some(&signed(&api, &body)), body.clone()).await,
        200
    );
    let list = api.get("/api/v1/inbox").await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&list["items"][0]["event"], &list["items"][0]["state"]),
        (&json!("evt_1"), &json!("applied"))
    );
    assert!(!list.to_string().contains("ada@"));
    let one = api.get("/api/v1/inbox/1").await;
    assert_eq!(one["state"], "applied");
    assert!(!one.to_string().contains("ada@"));
    assert_eq!(
        api.get("/api/v1/inbox/1?raw=1").await.to_string().len(),
        serde_json::from_str::<Value>(&body)
            .expect("JSON")
            .to_string()
            .len()
    );
    assert_eq!(
        api.get("/api/v1/inbox?state=pending").await["items"],
        json!([])
    );
    let numbers = page(&api, "/metrics").await.1;
    for line in [
        "webhooks_total{outcome=\"kept\"} 1",
        "webhooks_total{outcome=\"duplicate\"} 1",
        "inbox_waiting 0",
    ] {
        assert!(
            numbers.contains(&format!("goodstanding_{line}\n")),
            "{line} in {numbers}"
        );
    }
}

/// Waits until nothing waits to be applied.
async fn applied(api: &Api) {
    while api.app.apply(api.now()).await.expect("applied").events > 0 {}
}

#[tokio::test]
async fn a_crowd_of_deliveries_is_answered_and_each_event_is_applied_once() {
    let api = Arc::new(Api::new().await);
    let bodies: Vec<String> = (0..40)
        .map(|number| event(&format!("evt_{number}")).replace("cus_1", &format!("cus_of_{number}")))
        .collect();
    // Each comes twice, and all come at once.
    let mut senders = JoinSet::new();
    for body in bodies.iter().cycle().take(80) {
        let (api, body, signature) = (api.clone(), body.clone(), signed(&api, body));
        senders.spawn(async move { deliver(&api, Some(&signature), body).await });
    }
    assert_eq!(senders.join_all().await, [200; 80]);
    applied(&api).await;
    let list = api.get("/api/v1/inbox?limit=100").await;
    let items = list["items"].as_array().expect("a list");
    assert_eq!(items.len(), 40);
    assert!(
        items.iter().all(|item| item["state"] == "applied"),
        "{list}"
    );
    let attention = api.get("/api/v1/attention").await;
    assert_eq!(attention["items"], json!([]), "nothing was poisoned");
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_put_aside_and_the_next_is_applied() {
    let api = Api::new().await;
    let broken = event("evt_1").replace("\"object\":\"customer\"", "\"object\":\"subscription\"");
    let broken = broken.replace("\"id\":\"cus_1\",", "");
    for body in [broken, event("evt_2")] {
        let signature = signed(&api, &body);
        assert_eq!(deliver(&api, Some(&signature), body).await, 200);
    }
    applied(&api).await;
    let state = async |row: u8| api.get(&format!("/api/v1/inbox/{row}")).await["state"].clone();
    assert_eq!(
        (state(1).await, state(2).await),
        (json!("poisoned"), json!("applied"))
    );
    let attention = api.get("/api/v1/attention").await;
    assert_eq!(attention["items"][0]["kind"], "poisoned_event");
}

#[tokio::test]
async fn a_delivery_that_is_not_stripes_changes_nothing() {
    let api = Api::new().await;
    let (body, junk) = (event("evt_1"), "not JSON");
    let good = signed(&api, &body);
    let old = good.replace(&api.now().as_seconds().to_string(), "1500000000");
    for (signature, text, status) in [
        (None, body.as_str(), 400),
        (Some("nonsense"), body.as_str(), 400),
        (Some(old.as_str()), body.as_str(), 400),
        (Some(good.as_str()), "{}", 400),
        (Some(signed(&api, junk).as_str()), junk, 400),
        (
            Some(good.as_str()),
            "x".repeat(2 * 1024 * 1024).as_str(),
            413,
        ),
    ] {
        assert_eq!(
            deliver(&api, signature, text.to_owned()).await,
            status,
            "{signature:?}"
        );
    }
    assert_eq!(api.get("/api/v1/inbox").await["items"], json!([]));
    let closed = Api::with_secrets(Vec::new()).await;
    assert_eq!(deliver(&closed, Some(&good), body).await, 503);
}

#[tokio::test]
async fn machines_see_whether_the_server_is_alive_and_ready() {
    let api = Api::new().await;
    assert_eq!(page(&api, "/healthz").await, (200, "alive\n".to_owned()));
    assert_eq!(page(&api, "/readyz").await, (200, "ready\n".to_owned()));
    api.app.store.close().await;
    let request = Request::get("/readyz")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(read(api.send(request).await).await.0.as_u16(), 503);
    assert_eq!(page(&api, "/healthz").await.0, 200);
}

async fn badge(api: &Api, sequence: u64, holder: Option<i64>, reason: Reason) {
    let agent = AgentId::new("pi").expect("a name");
    let what = What::Card {
        token: CardToken([1; 8]),
        holder: holder.map(Holder),
        reason,
        list: None,
        policy: None,
        contact: None,
    };
    let event = BadgeEvent {
        sequence,
        at: api.now() + Span::seconds(i64::try_from(sequence).expect("small")),
        quality: Quality::Trusted,
        door: Some(DoorId::new("front").expect("a name")),
        what,
    };
    let body = minicbor::to_vec(&event).expect("encodes");
    let sha256 = Sha256::digest(&body).into();
    let badge = Badge {
        agent: &agent,
        boot: BootId([7; 16]),
        event: &event,
        body: &body,
        sha256,
    };
    let mut tx = api.tx().await;
    agents::put_badge(&mut tx, &api.app.organisation, badge, api.now())
        .await
        .expect("kept");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn a_door_tells_whom_it_refused_of_late_and_why() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    api.post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
        .await;
    let door = json!({"name": "Front", "zone": "hall", "agent": "pi"});
    api.put("/api/v1/doors/front", door).await;
    let holder = api.get(&format!("/api/v1/members/{ada}")).await["holder"].as_i64();
    badge(&api, 1, holder, Reason::Lapsed).await;
    api.wait(Span::days(15));
    badge(&api, 2, holder, Reason::Lapsed).await;
    badge(&api, 3, holder, Reason::Lapsed).await;
    badge(&api, 4, holder, Reason::Lost).await;
    badge(&api, 5, holder, Reason::Granted).await;
    badge(&api, 6, None, Reason::Unknown).await;
    let told = api.get("/api/v1/doors/front/refusals").await;
    assert_eq!((&told["granted"], &told["unknown"]), (&json!(1), &json!(1)));
    let reasons: Vec<(&Value, &Value)> = told["members"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|member| (&member["reason"], &member["times"]))
        .collect();
    assert_eq!(
        reasons,
        [(&json!("lost"), &json!(1)), (&json!("lapsed"), &json!(2))]
    );
    assert_eq!(told["members"][0]["name"], "Ada");
    let all = api.get("/api/v1/doors/front/refusals?days=30").await;
    assert_eq!(all["members"][1]["times"], 3);
    let (status, field, _) = api
        .refused(Method::GET, "/api/v1/doors/front/refusals?days=0", None)
        .await;
    assert_eq!((status, field.as_deref()), (422, Some("days")));
    let nowhere = "/api/v1/doors/back/refusals";
    assert_eq!(api.refused(Method::GET, nowhere, None).await.0, 404);
}

#[tokio::test]
async fn badge_events_are_told_with_their_reason_newest_first() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    api.post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
        .await;
    let holder = api.get(&format!("/api/v1/members/{ada}")).await["holder"].as_i64();
    badge(&api, 1, holder, Reason::Granted).await;
    badge(&api, 2, None, Reason::Unknown).await;
    badge(&api, 3, holder, Reason::Lapsed).await;
    let all = api.get("/api/v1/badges").await;
    let ids = |page: &Value| -> Vec<i64> {
        page["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|badge| badge["id"].as_i64())
            .collect()
    };
    assert_eq!(ids(&all), [3, 2, 1]);
    assert_eq!(
        (&all["items"][0]["reason"], &all["items"][0]["granted"]),
        (&json!("lapsed"), &json!(false))
    );
    assert_eq!(all["items"][2]["member"], ada);
    assert!(
        all["items"][1]["remedy"]
            .as_str()
            .is_some_and(|remedy| remedy.contains("enrol"))
    );
    assert_eq!(
        ids(&api.get(&format!("/api/v1/badges?member={ada}")).await),
        [3, 1]
    );
    assert_eq!(
        ids(&api.get("/api/v1/badges?reason=unknown&door=front").await),
        [2]
    );
    assert_eq!(ids(&api.get("/api/v1/badges?door=back").await), [0_i64; 0]);
    let first = api.get("/api/v1/badges?limit=2").await;
    let next = first["next"].as_str().expect("more");
    assert_eq!(
        ids(&api
            .get(&format!("/api/v1/badges?limit=2&before={next}"))
            .await),
        [1]
    );
}

#[tokio::test]
async fn badge_events_are_let_go_when_they_were_kept_long_enough() {
    let api = Api::new().await;
    api.furnish().await;
    api.post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
        .await;
    let sequences = async || -> Vec<i64> {
        let page = api.get("/api/v1/badges").await;
        let items = page["items"].as_array().into_iter().flatten();
        items.filter_map(|badge| badge["id"].as_i64()).collect()
    };
    badge(&api, 1, None, Reason::Unknown).await;
    api.wait(Span::days(1));
    badge(&api, 2, None, Reason::Unknown).await;
    api.wait(Span(BADGES_KEPT.0 - Span::days(1).0));
    api.app.let_badges_go(api.now()).await.expect("done");
    assert_eq!(sequences().await, [2, 1], "to the last moment");
    api.wait(Span(1));
    api.app.let_badges_go(api.now()).await.expect("done");
    assert_eq!(sequences().await, [2]);
}

async fn attend(api: &Api, kind: &'static str, subject: &str) {
    let item = Item {
        kind: Kind::read(kind).expect("a kind"),
        subject,
        sentence: "It happened.".into(),
        remedy: "Look.".into(),
        member: None,
    };
    assert!(api.app.raise(item, api.now()).await.expect("raised"));
}

#[tokio::test]
async fn the_attention_list_does_what_it_asks_for() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let account = subscribe(&api, "cus_1").await;
    attend(&api, "unmatched_customer", "cus_1").await;
    attend(&api, "catalogue_change", "price_1").await;
    attend(&api, "mass_brake", "reconciliation").await;
    attend(&api, "dispute", "dp_1").await;
    let open = api.get("/api/v1/attention").await;
    assert_eq!(open["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        open["items"][3]["actions"],
        json!(["link", "new_member", "seen"])
    );
    let resolve = |item: i64| format!("/api/v1/attention/{item}/resolve");
    let refused = api
        .refused(
            Method::POST,
            &resolve(1),
            Some(json!({"action": "approve"})),
        )
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (422, Some("action")));
    let refused = api
        .refused(Method::POST, &resolve(1), Some(json!({"action": "link"})))
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (422, Some("member")));
    let settled = api
        .post(&resolve(1), json!({"action": "link", "member": ada}))
        .await;
    assert!(settled["resolved_at"].is_string());
    assert_eq!(
        api.get(&format!("/api/v1/members/{ada}")).await["standing"]["state"],
        "good"
    );
    let refused = api
        .refused(Method::POST, &resolve(2), Some(json!({"action": "accept"})))
        .await;
    assert_eq!(
        (refused.0, refused.1.as_deref()),
        (409, Some("action")),
        "no change waits"
    );
    let mut tx = api.tx().await;
    prices::hold(&mut tx, account, "price_1", Some("less"), "2")
        .await
        .expect("held");
    tx.commit().await.expect("committed");
    api.put("/api/v1/membership-types/less", json!({"name": "Less"}))
        .await;
    api.post(&resolve(2), json!({"action": "accept"})).await;
    let view = api.get(&format!("/api/v1/members/{ada}")).await;
    assert_eq!(view["covered"][0]["membership"], "less");
    api.post(&resolve(3), json!({"action": "approve"})).await;
    api.post(&resolve(4), json!({})).await;
    let refused = api
        .refused(Method::POST, &resolve(4), Some(json!({})))
        .await;
    assert_eq!((refused.0, refused.1.as_deref()), (409, Some("item")));
    // The link brought something of its own: a second seat was paid, and nobody was named for it.
    let left = api.get("/api/v1/attention").await["items"].clone();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert_eq!(left[0]["kind"], "seat_unnamed");
    assert_eq!(
        api.get("/api/v1/attention?all=true").await["items"]
            .as_array()
            .map(Vec::len),
        Some(5)
    );
}

#[tokio::test]
async fn a_link_by_mail_is_confirmed() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let account = subscribe(&api, "cus_1").await;
    let mut tx = api.tx().await;
    let member = shared::ids::MemberId(ada);
    mirror::link(&mut tx, account, "cus_1", member, "mail", false);
    let item = Item {
        kind: Kind::ConfirmLink,
        subject: "cus_1",
        sentence: "It happened.".into(),
        remedy: "Look.".into(),
        member: Some(member),
    };
    raise(&mut tx, &api.app.organisation, item, api.now())
        .await
        .expect("raised");
    tx.commit().await.expect("committed");
    api.post("/api/v1/attention/1/resolve", json!({"action": "confirm"}))
        .await;
    assert_eq!(
        api.get("/api/v1/customers").await["items"][0]["confirmed"],
        true
    );
}
