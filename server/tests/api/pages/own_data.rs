//! What is kept about a member: told whole, and erased so that no byte of it is left.

use super::Browser;
use super::own_in::{ADA, BOB, links, member};
use crate::catalogue::subscribe;
use crate::stripe::hear;
use crate::support::Api;
use crate::twin::{Trouble, Twin};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use server::membership::forget::WAIT;
use server::store::trip::Statement;
use shared::time::Span;
use std::path::Path;
use std::sync::Arc;

/// What must be nowhere once she is forgotten.
const NAME: &str = "Adalbertine Quux-Lovelace";
const UID: [u8; 7] = [0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6];
const REMARK: &str = "owes Adalbertine a beer";

struct Club {
    folder: tempfile::TempDir,
    path: std::path::PathBuf,
    api: Api,
    twin: Twin,
    ada: i64,
}

/// Ada has a card, pays by Stripe and in cash, has a grant, and Stripe has told much about her.
async fn club() -> Club {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("club.db");
    let twin = Twin::default();
    twin.price("price_1", json!({"nickname": "membertype_full-Full"}));
    let api = Api::in_file(&path, Arc::new(twin.clone())).await;
    api.furnish().await;
    api.get("/api/v1/catalogue").await;
    let ada = member(&api, NAME, ADA).await;
    let uid: String = UID.iter().map(|byte| format!("{byte:02X}")).collect();
    let card = json!({"member": ada, "uid": uid, "label": format!("fob of {NAME}")});
    api.post("/api/v1/cards", card).await;
    subscribe(&api, "cus_ada", "sub_ada", "price_1").await;
    let row = json!({"id": "sub_ada", "object": "subscription", "status": "active", "cancel_at_period_end": false});
    twin.rows().subscriptions.insert("sub_ada".to_owned(), row);
    let customer = json!({"id": "cus_ada", "object": "customer", "name": NAME, "email": ADA, "phone": "+49 30 1234567"});
    hear(&api, "customer.updated", customer).await;
    api.post("/api/v1/customers/cus_ada/link", json!({"member": ada}))
        .await;
    let grant = json!({"membership": "full", "reason": REMARK});
    api.post(&format!("/api/v1/members/{ada}/grants"), grant)
        .await;
    let paid = json!({"member": ada, "source": "cash", "amount": 4000, "currency": "eur", "membership": "full",
        "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z", "note": REMARK});
    api.post("/api/v1/payments", paid).await;
    Club {
        folder,
        path,
        api,
        twin,
        ada,
    }
}

/// In which of the database's files something is found, in any spelling.
fn found(path: &Path, what: &[u8]) -> Vec<String> {
    let wal = format!("{}-wal", path.display());
    let files = [path.display().to_string(), wal];
    let holds = |file: &String| {
        let bytes = std::fs::read(file).unwrap_or_default();
        let folded = bytes.to_ascii_lowercase();
        let what = what.to_ascii_lowercase();
        bytes.windows(what.len()).any(|part| part == what)
            || folded.windows(what.len()).any(|part| part == what)
    };
    files.into_iter().filter(holds).collect()
}

async fn rows(api: &Api, sql: &'static str) -> Vec<(i64, String)> {
    api.tx().await.ask(Statement::new(sql)).await.expect("read")
}

#[tokio::test]
async fn whoever_is_forgotten_is_in_no_byte_of_the_database() {
    let Club {
        path,
        api,
        twin,
        ada,
        folder: _folder,
        ..
    } = club().await;
    let browser = Browser::new(&api);
    browser.comes_in(ADA).await;
    let page = browser.get("/me/erasure").await;
    assert!(page.says("open nothing from now on") && page.says("end my subscriptions"));
    assert_eq!(browser.post("/me/erasure", &[]).await.location(), "/me");
    // The cards are dead before anything else happens.
    let says = api.get(&format!("/api/v1/members/{ada}/explain")).await["zones"].to_string();
    assert!(says.contains("refused as held"), "{says}");
    assert!(browser.get("/me").await.says("You will be forgotten"));
    let step = async || drop(api.app.keep_forgetting(api.now()).await.expect("a step"));
    step().await;
    assert_eq!(
        twin.rows().subscriptions["sub_ada"]["cancel_at_period_end"],
        true
    );
    api.wait(Span(WAIT.0 - 1));
    step().await;
    assert_eq!(twin.rows().subscriptions["sub_ada"]["status"], "active");
    let found_name = || found(&path, NAME.as_bytes());
    assert!(
        !found_name().is_empty(),
        "or this test would find nothing ever"
    );

    // While Stripe does not answer, nothing is forgotten.
    api.wait(Span(1));
    twin.always(Trouble::LostBefore);
    step().await;
    assert!(!found_name().is_empty());
    twin.rows().troubles.clear();
    api.wait(Span::hours(1));
    step().await;
    assert_eq!(twin.rows().subscriptions["sub_ada"]["status"], "canceled");
    assert_eq!(
        rows(&api, "SELECT member, state FROM erasures").await,
        [(ada, "done".to_owned())]
    );
    let phone = "1234567";
    for secret in [NAME, "Adalbertine", ADA, REMARK, phone, "fob of"] {
        assert_eq!(found(&path, secret.as_bytes()), [""; 0], "{secret}");
    }
    assert_eq!(found(&path, &UID), [""; 0]);
    // The books stay, with a number.
    let paid = rows(&api, "SELECT member, note FROM payments").await;
    assert_eq!(paid, [(ada, String::new())]);
    assert_eq!(browser.get("/me").await.location(), "/me/sign-in");
    assert!(links(&api).await.is_empty());
    browser.post("/me/sign-in", &[("mail", ADA)]).await;
    assert!(links(&api).await.is_empty());
    let (status, _) = api
        .ask(
            Method::POST,
            &format!("/api/v1/members/{ada}/erasure"),
            None,
        )
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    // What Stripe says of her later is not kept either.
    let customer = json!({"id": "cus_ada", "object": "customer", "name": NAME, "email": ADA});
    hear(&api, "customer.updated", customer).await;
    step().await;
    api.app.store.clean().await.expect("cleaned");
    for secret in [NAME, ADA] {
        assert_eq!(found(&path, secret.as_bytes()), [""; 0], "{secret}");
    }
}

#[tokio::test]
async fn it_can_be_taken_back_by_the_link_in_the_letter() {
    let Club {
        path,
        api,
        twin,
        ada,
        folder: _folder,
        ..
    } = club().await;
    let erase = format!("/api/v1/members/{ada}/erasure");
    let (_, first) = api.ask(Method::POST, &erase, None).await;
    let (_, again) = api.ask(Method::POST, &erase, None).await;
    assert_eq!(first, again);
    drop(api.app.keep_forgetting(api.now()).await.expect("a step"));
    api.wait(Span::days(6));
    let letters = links(&api).await;
    let [link] = &letters[..] else {
        panic!("one letter: {letters:?}");
    };
    let browser = Browser::new(&api);
    let link = browser.get(link).await.field("link");
    browser.post("/me/enter", &[("link", &link)]).await;
    let page = browser
        .post_from("/me/erasure/end", &[], "cross-site")
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post("/me/erasure/end", &[]).await.location(), "/me");
    let says = api.get(&format!("/api/v1/members/{ada}/explain")).await["zones"].to_string();
    assert!(says.contains("opens"), "{says}");
    drop(api.app.keep_forgetting(api.now()).await.expect("a step"));
    assert_eq!(
        twin.rows().subscriptions["sub_ada"]["cancel_at_period_end"],
        false
    );
    api.wait(WAIT + Span::days(1));
    drop(api.app.keep_forgetting(api.now()).await.expect("a step"));
    assert_eq!(twin.rows().subscriptions["sub_ada"]["status"], "active");
    assert!(!found(&path, NAME.as_bytes()).is_empty());
    assert_eq!(
        browser.post("/me/erasure/end", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_is_kept_is_told_whole_and_to_nobody_else() {
    let Club {
        api,
        ada,
        folder: _folder,
        ..
    } = club().await;
    member(&api, "Bob", BOB).await;
    api.post(
        &format!("/api/v1/members/{ada}/notes"),
        json!({"text": REMARK}),
    )
    .await;
    let fob = json!({"label": "Fob 7", "uid": "04112233445566"});
    let fob = api.post("/api/v1/loaners", fob).await["id"].clone();
    let loan = json!({"member": ada, "until": "2026-01-07T12:00:00Z"});
    api.post(&format!("/api/v1/loaners/{fob}/lend"), loan).await;
    // Another payer has the same address, and nobody has looked whether it is the same person.
    let other = json!({"id": "cus_eve", "object": "customer", "name": "Mallory", "email": ADA});
    hear(&api, "customer.created", other).await;
    let mut tx = api.tx().await;
    tx.later(
        Statement::new(
            "UPDATE customers SET member = $1, link = 'mail', confirmed = 0 WHERE id = 'cus_eve'",
        )
        .bind(ada),
    );
    tx.commit().await.expect("written");
    let browser = Browser::new(&api);
    browser.comes_in(ADA).await;
    let file = browser.get("/me/data").await;
    assert!(
        !file.says("cus_eve") && !file.says("Mallory"),
        "{}",
        file.text
    );
    let name = file.headers["content-disposition"]
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(name, format!("attachment; filename=\"member-{ada}.json\""));
    let kept: Value = serde_json::from_str(&file.text).expect("JSON");
    for (place, value) in [
        ("/record/data/name", json!(NAME)),
        ("/record/data/mail", json!(ADA)),
        ("/record/data/cards/0/last_digits", json!("E5F6")),
        ("/record/data/payments/0/note", json!(REMARK)),
        ("/record/data/grants/0/reason", json!(REMARK)),
        ("/notes/data/0/text", json!(REMARK)),
        ("/loans/data/0/fob", json!("Fob 7")),
        ("/letters/data/0/kind", json!("sign_in")),
        (
            "/stripe_events/data/0/data/object/phone",
            json!("+49 30 1234567"),
        ),
    ] {
        assert_eq!(kept.pointer(place), Some(&value), "{place} {kept}");
    }
    for part in [
        "record",
        "badges",
        "inductions",
        "deeds",
        "sessions",
        "notes",
        "loans",
        "letters",
        "stripe_events",
    ] {
        assert!(
            kept[part]["means"].is_string() && kept[part]["data"] != Value::Null,
            "{part}"
        );
    }
    assert!(!file.says("Bob"));
    let other = Browser::new(&api);
    other.comes_in(BOB).await;
    let file = other.get("/me/data").await;
    assert!(file.says("Bob") && !file.says(NAME) && !file.says("cus_ada"));
    // Staff do it for whoever asks them.
    let owner = Browser::new(&api);
    owner.found().await;
    let file = owner.get(&format!("/admin/members/{ada}/data")).await;
    assert!(file.says(NAME));
    let desk = owner.invites(server::rights::Role::FrontDesk).await.0;
    let file = desk.get(&format!("/admin/members/{ada}/data")).await;
    assert_eq!(file.status, StatusCode::FORBIDDEN);
    let page = owner.get(&format!("/admin/members/{ada}")).await;
    assert!(page.says("Forget this member"));
    let erasure = format!("/admin/members/{ada}/erasure");
    let page = owner.post(&erasure, &[]).await;
    assert_eq!(
        page.status,
        StatusCode::CONFLICT,
        "whose payer that is is not known"
    );
    api.post("/api/v1/customers/cus_eve/link", json!({"member": ada}))
        .await;
    owner.post(&erasure, &[]).await;
    let page = owner.get(&format!("/admin/members/{ada}")).await;
    assert!(page.says("Take that back"), "{}", page.text);
    let end = format!("/admin/members/{ada}/erasure/end");
    assert_eq!(owner.post(&end, &[]).await.status, StatusCode::SEE_OTHER);
}
