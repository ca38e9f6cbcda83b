//! Members come to their own pages by a link in their mail, and to nobody else's.

use super::Browser;
use crate::support::Api;
use axum::http::{Method, StatusCode, header};
use serde_json::json;
use server::own::{BY_ADDRESS, IDLE, LINK};
use server::store::{members, post};
use shared::ids::MemberId;
use shared::time::Span;

pub const ADA: &str = "ada@members.example";
pub const BOB: &str = "bob@members.example";

/// A member with a mail address.
pub async fn member(api: &Api, name: &str, mail: &str) -> i64 {
    let made = json!({"name": name, "mail": mail});
    let made = api.post("/api/v1/members", made).await;
    made["id"].as_i64().expect("a number")
}

/// Where the links lead that were put into letters since the last look.
pub async fn links(api: &Api) -> Vec<String> {
    api.app.mail_links(api.now()).await.expect("mailed");
    let mut found = Vec::new();
    loop {
        let mut tx = api.tx().await;
        let club = &api.app.organisation;
        let due = post::take(&mut tx, club, Span::days(365), api.now());
        let Some(due) = due.await.expect("read") else {
            break;
        };
        tx.commit().await.expect("taken");
        if let Some(sealed) = due.secret {
            let path = api.app.keys.open_secret(&sealed, "letter").expect("ours");
            found.push(String::from_utf8(path.to_vec()).expect("text"));
        }
    }
    found
}

impl Browser<'_> {
    /// Asks for a link; where it leads.
    pub async fn asks_for_link(&self, mail: &str) -> String {
        let page = self.post("/me/sign-in", &[("mail", mail)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        links(self.api).await.pop().expect("a letter")
    }

    /// Comes in by a link.
    pub async fn comes_in(&self, mail: &str) {
        let link = self.asks_for_link(mail).await;
        let page = self.get(&link).await;
        let link = page.field("link");
        let page = self.post("/me/enter", &[("link", &link)]).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::SEE_OTHER, "/me"),
            "{}",
            page.text
        );
    }
}

#[tokio::test]
async fn a_link_lets_its_member_in_once_and_not_by_being_looked_at() {
    let api = Api::new().await;
    member(&api, "Ada", ADA).await;
    let browser = Browser::new(&api);
    assert_eq!(browser.get("/me").await.location(), "/me/sign-in");
    let link = browser.asks_for_link("ADA@members.example ").await;
    // Programs that look through mail follow links.
    for _ in 0..2 {
        let page = browser.get(&link).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(browser.cookies.borrow().is_empty());
    }
    let carried = browser.get(&link).await.field("link");
    let page = browser.post("/me/enter", &[("link", &carried)]).await;
    assert_eq!(page.location(), "/me");
    let page = browser.get("/me").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.says("Ada") && page.says("You have no membership here yet."));
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");

    let thief = Browser::new(&api);
    let page = thief.post("/me/enter", &[("link", &carried)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.says("used, or is too old"));
    let link = thief.asks_for_link(ADA).await;
    api.wait(LINK);
    let carried = thief.get(&link).await.field("link");
    let page = thief.post("/me/enter", &[("link", &carried)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    for wrong in ["", "x", &carried[1..]] {
        let page = thief.post("/me/enter", &[("link", wrong)]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    assert!(thief.cookies.borrow().is_empty());
}

#[tokio::test]
async fn nobody_learns_by_asking_who_is_a_member() {
    let api = Api::new().await;
    member(&api, "Ada", ADA).await;
    let stranger = Browser::new(&api);
    let mut told = Vec::new();
    for mail in [ADA, "nobody@members.example"] {
        for asked in 0..=BY_ADDRESS {
            let page = stranger.post("/me/sign-in", &[("mail", mail)]).await;
            let waits = page.status == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(waits, asked == BY_ADDRESS, "{mail} {asked}");
            told.push((page.status, page.text));
        }
    }
    let (known, unknown) = told.split_at(told.len() / 2);
    assert_eq!(known, unknown);
    assert_eq!(links(&api).await.len(), BY_ADDRESS as usize);
    // Of the address that is nobody's nothing is left.
    let sql = "SELECT COUNT(*) FROM member_links WHERE mail_folded LIKE 'nobody%'";
    let statement = server::store::trip::Statement::new(sql);
    let left: Vec<(i64,)> = api.tx().await.ask(statement).await.expect("read");
    assert_eq!(left, [(0,)]);
    api.wait(Span::hours(1));
    stranger.asks_for_link(ADA).await;
}

#[tokio::test]
async fn a_family_with_one_address_chooses_and_nobody_else_can_be_chosen() {
    let api = Api::new().await;
    let ada = member(&api, "Ada", ADA).await;
    let kid = member(&api, "Kid of Ada", ADA).await;
    let bob = member(&api, "Bob", BOB).await;
    let browser = Browser::new(&api);
    let link = browser.asks_for_link(ADA).await;
    let link = browser.get(&link).await.field("link");
    let page = browser.post("/me/enter", &[("link", &link)]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.says("Kid of Ada") && !page.says("Bob"));
    let as_member = async |member: i64| {
        let member = member.to_string();
        let fields = [("link", &*link), ("member", &*member)];
        browser.post("/me/enter", &fields).await
    };
    assert_eq!(as_member(bob).await.status, StatusCode::FORBIDDEN);
    assert_eq!(as_member(kid).await.location(), "/me");
    assert!(browser.get("/me").await.says("Kid of Ada"));
    assert_eq!(as_member(ada).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn sessions_are_seen_and_end() {
    let api = Api::new().await;
    let ada = member(&api, "Ada", ADA).await;
    let (phone, desk) = (Browser::new(&api), Browser::new(&api));
    phone.comes_in(ADA).await;
    desk.comes_in(ADA).await;
    let page = desk.get("/me").await;
    let other = page.text.split("/me/sessions/").nth(1).expect("the phone");
    let other = other.split('/').next().expect("a number").to_owned();
    let end = format!("/me/sessions/{other}/end");
    assert_eq!(desk.post(&end, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(phone.get("/me").await.location(), "/me/sign-in");
    assert_eq!(desk.get("/me").await.status, StatusCode::OK);
    assert_eq!(
        desk.post("/me/sign-out", &[]).await.location(),
        "/me/sign-in"
    );
    assert!(desk.cookies.borrow().is_empty());

    desk.comes_in(ADA).await;
    api.wait(Span(IDLE.0 - 1));
    assert_eq!(desk.get("/me").await.status, StatusCode::OK);
    api.wait(IDLE);
    assert_eq!(desk.get("/me").await.location(), "/me/sign-in");

    // Who has the old address is out once staff wrote another one.
    desk.comes_in(ADA).await;
    let path = format!("/api/v1/members/{ada}");
    api.patch(&path, json!({"name": "Ada L."})).await;
    assert_eq!(desk.get("/me").await.status, StatusCode::OK);
    api.patch(&path, json!({"mail": BOB})).await;
    assert_eq!(desk.get("/me").await.location(), "/me/sign-in");
}

#[tokio::test]
async fn a_member_reaches_nothing_of_another_and_nothing_of_staff() {
    let api = Api::new().await;
    api.furnish().await;
    let ada = member(&api, "Ada", ADA).await;
    let bob = member(&api, "Bob", BOB).await;
    let card = json!({"member": bob, "uid": "04A1B2C3", "label": "Bob's fob"});
    let card = api.post("/api/v1/cards", card).await["id"].to_string();
    let paid = json!({"member": bob, "source": "cash", "amount": 4000, "currency": "eur", "membership": "full",
        "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"});
    let paid = api.ask(Method::POST, "/api/v1/payments", Some(paid)).await;
    assert!(paid.0.is_success(), "{}", paid.1);
    let (alice, bobs) = (Browser::new(&api), Browser::new(&api));
    alice.comes_in(ADA).await;
    bobs.comes_in(BOB).await;
    let page = alice.get("/me").await;
    for secret in ["Bob", "B2C3", "40.00", BOB] {
        assert!(!page.says(secret), "{secret}");
    }
    let before = api.picture().await;
    let session = {
        let mut tx = api.tx().await;
        let found = server::store::member_sessions::sessions(&mut tx, shared::ids::MemberId(bob));
        found.await.expect("read")[0].id
    };
    for path in [
        format!("/me/cards/{card}/lost"),
        format!("/me/sessions/{session}/end"),
    ] {
        alice.post(&path, &[("member", &bob.to_string())]).await;
        alice.post(&path, &[]).await;
    }
    let receipt = format!("/me/payments/{}/receipt", paid.1["id"]);
    assert_eq!(alice.get(&receipt).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.picture().await, before);
    assert_eq!(bobs.get("/me").await.status, StatusCode::OK);

    // Nor does the one cookie open what the other is for.
    assert_eq!(alice.get("/admin").await.location(), "/admin/sign-in");
    let hold = format!("/admin/members/{ada}/holds");
    let page = alice.post(&hold, &[("reason", "x")]).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let owner = Browser::new(&api);
    owner.found().await;
    assert_eq!(owner.get("/me").await.location(), "/me/sign-in");
    let token = alice.cookies.borrow().values().next().expect("one").clone();
    let forged = [("goodstanding-club".to_owned(), token)];
    *alice.cookies.borrow_mut() = forged.into_iter().collect();
    assert_eq!(alice.get("/admin").await.location(), "/admin/sign-in");
}

#[tokio::test]
async fn a_lost_card_is_dead_at_once_and_only_staff_undo_that() {
    let api = Api::new().await;
    api.furnish().await;
    let ada = member(&api, "Ada", ADA).await;
    let grant = json!({"membership": "full", "reason": "a guest"});
    api.post(&format!("/api/v1/members/{ada}/grants"), grant)
        .await;
    let card = json!({"member": ada, "uid": "04A1B2C3"});
    let card = api.post("/api/v1/cards", card).await["id"].to_string();
    let says = async || {
        let path = format!("/api/v1/members/{ada}/explain");
        api.get(&path).await["zones"].to_string()
    };
    assert!(says().await.contains("opens"));
    let browser = Browser::new(&api);
    browser.comes_in(ADA).await;
    let lost = format!("/me/cards/{card}/lost");
    for site in ["cross-site", "same-site", "none"] {
        let page = browser.post_from(&lost, &[], site).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    assert!(says().await.contains("opens"));
    assert_eq!(browser.post(&lost, &[]).await.location(), "/me");
    assert!(says().await.contains("refused as lost"), "{}", says().await);
    let page = browser.get("/me").await;
    assert!(page.says("Doors refuse it.") && !page.says(&lost));
    // Neither again, nor back.
    assert_eq!(browser.post(&lost, &[]).await.status, StatusCode::NOT_FOUND);
    let found = format!("/admin/cards/{card}/mark");
    let page = browser.post(&found, &[("mark", "found")]).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let sql = "SELECT actor FROM audit WHERE action = 'card.lost'";
    let statement = server::store::trip::Statement::new(sql);
    let by: Vec<(String,)> = api.tx().await.ask(statement).await.expect("read");
    assert_eq!(by, [(format!("member {ada}"),)]);
}

#[tokio::test]
async fn a_member_made_for_a_payment_is_removed_although_they_signed_in() {
    let api = Api::new().await;
    let ada = member(&api, "Ada", ADA).await;
    let browser = Browser::new(&api);
    browser.comes_in(ADA).await;
    let mut tx = api.tx().await;
    members::forget_if_empty(&mut tx, MemberId(ada))
        .await
        .expect("removed");
    tx.commit().await.expect("committed");
    let path = format!("/api/v1/members/{ada}");
    assert_eq!(api.refused(Method::GET, &path, None).await.0, 404);
    assert_eq!(browser.get("/me").await.location(), "/me/sign-in");
}
