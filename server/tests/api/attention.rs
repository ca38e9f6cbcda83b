//! The attention list: every kind says what resolves it, and each resolution does the thing in one call.

mod money;
mod payers;
mod prices;

use crate::stripe::{customer, hear, one, path, resolve};
use crate::support::Api;
use crate::twin::Twin;
use axum::http::Method;
use serde_json::{Value, json};
use server::attention::Kind;
use server::store::attention::{Item, raise, settle};
use server::store::trip::Statement;
use shared::ids::MemberId;
use std::sync::Arc;
use std::time::Duration;

/// An item as any part of the server opens one.
fn item(kind: Kind, subject: &str, member: Option<i64>) -> Item<'_> {
    Item {
        kind,
        subject,
        sentence: "It happened.".into(),
        remedy: "Look.".into(),
        member: member.map(MemberId),
    }
}

#[tokio::test]
async fn every_kind_says_what_resolves_it_and_so_does_the_description() {
    let api = Api::new().await;
    let table = api.get("/api/v1/attention/kinds").await;
    let rows = table.as_array().expect("a list");
    let document = api.get("/api/v1/openapi.json").await;
    let schemas = &document["components"]["schemas"];
    let words: Vec<&Value> = rows.iter().map(|row| &row["kind"]).collect();
    assert_eq!(
        json!(words),
        schemas["Attention"]["properties"]["kind"]["enum"]
    );
    let described = schemas["Resolution"]["oneOf"]
        .as_array()
        .expect("each with a sentence");
    for row in rows {
        let word = row["kind"].as_str().expect("a word");
        let kind = Kind::read(word).expect("a kind");
        assert!(
            api.app
                .raise(item(kind, "1", None), api.now())
                .await
                .expect("raised")
        );
        let shown = one(&api, word).await;
        assert_eq!(shown["actions"], row["actions"]);
        assert!(shown["opened_at"].is_string(), "since when");
        let actions = row["actions"].as_array().expect("a list");
        assert!(!actions.is_empty(), "{word} has no resolution");
        for action in actions {
            let same =
                |schema: &&Value| schema["enum"][0] == *action && schema["description"].is_string();
            assert!(
                described.iter().any(|schema| same(&schema)),
                "{action} is not described"
            );
        }
        // Only what may be left as it is can be looked at and laid aside.
        let body = if actions.contains(&json!("seen")) {
            json!({})
        } else {
            json!({"action": actions[0]})
        };
        let settled = api.post(&path(&shown), body).await;
        assert!(settled["resolved_at"].is_string(), "{word}");
    }
    assert_eq!(api.get("/api/v1/attention").await["items"], json!([]));
}

#[tokio::test]
async fn what_is_settled_by_hand_stays_settled_while_its_cause_lasts() {
    let api = Api::new().await;
    let again = async |kind: Kind| {
        api.app
            .raise(item(kind, "pi", None), api.now())
            .await
            .expect("raised")
    };
    assert!(again(Kind::OutOfContact).await && !again(Kind::OutOfContact).await);
    resolve(&api, "out_of_contact", json!({"action": "seen"})).await;
    assert!(!again(Kind::OutOfContact).await, "it was accepted");
    let mut tx = api.tx().await;
    let organisation = &api.app.organisation;
    settle(&mut tx, organisation, Kind::OutOfContact, "pi", api.now())
        .await
        .expect("settled");
    assert!(
        raise(
            &mut tx,
            organisation,
            item(Kind::OutOfContact, "pi", None),
            api.now()
        )
        .await
        .expect("raised")
    );
    tx.commit().await.expect("committed");
    // What happens is told as often as it happens.
    assert!(again(Kind::MessagesRefused).await);
    resolve(&api, "messages_refused", json!({})).await;
    assert!(again(Kind::MessagesRefused).await);
}

#[tokio::test]
async fn a_poisoned_event_is_applied_once_more() {
    let api = Api::new().await;
    hear(
        &api,
        "customer.created",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    let mut tx = api.tx().await;
    tx.later(Statement::new(
        "UPDATE inbox SET state = 'poisoned', tries = 5",
    ));
    tx.later(Statement::new("DELETE FROM customers"));
    let put_aside = item(Kind::PoisonedEvent, "1", None);
    raise(&mut tx, &api.app.organisation, put_aside, api.now())
        .await
        .expect("raised");
    tx.commit().await.expect("committed");
    resolve(&api, "poisoned_event", json!({"action": "replay"})).await;
    assert_eq!(api.get("/api/v1/inbox/1").await["state"], "pending");
    api.app.apply(api.now()).await.expect("applied");
    assert_eq!(api.get("/api/v1/inbox/1").await["state"], "applied");
    assert_eq!(
        api.get("/api/v1/customers").await["items"][0]["id"],
        "cus_1"
    );
}

#[tokio::test]
async fn doors_are_told_again_and_a_doubled_agent_loses_its_rights() {
    let api = Api::new().await;
    api.post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
        .await;
    let told = async || {
        let minute = Duration::from_secs(60);
        tokio::time::timeout(minute, api.bells.agents.notified())
            .await
            .expect("the doors are told");
    };
    for (kind, action) in [
        (Kind::PaidButRefused, "resend"),
        (Kind::TwoAgents, "revoke"),
    ] {
        assert!(
            api.app
                .raise(item(kind, "pi", None), api.now())
                .await
                .expect("raised")
        );
        resolve(&api, kind.word(), json!({"action": action})).await;
        told().await;
    }
    assert_eq!(api.get("/api/v1/agents/pi").await["state"], "revoked");
}

#[tokio::test]
async fn stripe_is_asked_once_more() {
    let twin = Twin::default();
    let api = Api::with_stripe(Arc::new(twin.clone())).await;
    hear(
        &api,
        "customer.created",
        customer("cus_1", "eve@example.org"),
    )
    .await;
    let mut tx = api.tx().await;
    tx.later(Statement::new("UPDATE customers SET wants_fetch = NULL"));
    tx.commit().await.expect("committed");
    for kind in [
        Kind::StripeUnreachable,
        Kind::StripeNotReadable,
        Kind::ReconciliationBrake,
    ] {
        let subject = if kind == Kind::StripeUnreachable {
            "cus_1"
        } else {
            "key"
        };
        assert!(
            api.app
                .raise(item(kind, subject, None), api.now())
                .await
                .expect("raised")
        );
    }
    resolve(&api, "stripe_unreachable", json!({"action": "retry"})).await;
    let sql = "SELECT COUNT(*) FROM customers WHERE wants_fetch IS NOT NULL";
    let waiting: Vec<(i64,)> = api.tx().await.ask(Statement::new(sql)).await.expect("read");
    assert_eq!(waiting, [(1,)]);
    resolve(&api, "stripe_not_readable", json!({"action": "retry"})).await;
    resolve(&api, "reconciliation_brake", json!({"action": "approve"})).await;

    let keyless = Api::new().await;
    for (kind, action) in [
        (Kind::StripeNotReadable, "retry"),
        (Kind::ReconciliationBrake, "approve"),
    ] {
        assert!(
            keyless
                .app
                .raise(item(kind, "key", None), keyless.now())
                .await
                .expect("raised")
        );
        let asked = one(&keyless, kind.word()).await;
        let refused = keyless
            .refused(Method::POST, &path(&asked), Some(json!({"action": action})))
            .await;
        assert_eq!(
            (refused.0, refused.1.as_deref()),
            (409, Some("STRIPE_SECRET_KEY"))
        );
        one(&keyless, kind.word()).await;
    }
}

#[tokio::test]
async fn old_news_goes_on_when_an_admin_says_yes() {
    let api = Api::new().await;
    let eve = customer("cus_1", "eve@example.org");
    hear(&api, "customer.created", eve).await;
    let mut tx = api.tx().await;
    tx.later(Statement::new("UPDATE inbox SET state = 'held'"));
    tx.commit().await.expect("committed");
    let raised = api
        .app
        .raise(item(Kind::LateNews, "backlog", None), api.now());
    assert!(raised.await.expect("raised"));
    let count = async |state: &str| {
        let listed = api.get(&format!("/api/v1/inbox?state={state}")).await;
        listed["items"].as_array().map(Vec::len)
    };
    assert_eq!(
        (count("held").await, count("applied").await),
        (Some(1), Some(0))
    );
    resolve(&api, "late_news", json!({"action": "approve"})).await;
    // Whoever applies it, it was for the writer before this.
    while api.app.apply(api.now()).await.expect("applied").events > 0 {}
    assert_eq!(
        (count("held").await, count("applied").await),
        (Some(0), Some(1))
    );
}
