//! Signing in by an OpenID provider that lies, and by one that does not.

mod issuer;

use super::Browser;
use super::browser::{PASSWORD, Shown};
use axum::http::StatusCode;
use issuer::{Change, Issuer, Sent, Signed};
use serde_json::{Value, json};
use server::rights::Role;
use shared::time::Span;

/// Why nobody comes in, in short.
fn refused(page: &Shown) -> &'static str {
    assert_ne!(page.status, StatusCode::SEE_OTHER);
    for (words, short) in [
        ("is not linked to anybody", "unlinked"),
        ("did not say who you are", "not there"),
        ("was not begun in this browser", "elsewhere"),
        ("does not answer as it should", "away"),
        ("Too many tries", "wait"),
    ] {
        if page.says(words) {
            return short;
        }
    }
    panic!("{} {}", page.status, page.text)
}

#[tokio::test]
async fn an_account_lets_in_from_when_it_is_linked_until_it_is_not() {
    let issuer = Issuer::start().await;
    let api = issuer.api().await;
    let (olga, elsewhere) = (Browser::new(&api), Browser::new(&api));
    olga.found().await;
    assert!(
        elsewhere
            .get("/admin/sign-in")
            .await
            .says("Sign in with Club account")
    );
    // A mail address of ours at the provider is nothing.
    let sent = elsewhere.goes().await;
    let mail = |claims: &mut Value| claims["email"] = json!("olga@club.example");
    let back = issuer.lets_back(&api, &sent, "olga", (Signed::Rightly, &mail));
    assert_eq!(refused(&elsewhere.get(&back).await), "unlinked");
    assert!(elsewhere.cookies.borrow().is_empty());
    assert_eq!(api.audit("server").await, ["staff.sign_in_refused"]);

    assert_eq!(olga.links(&issuer, "olga").await.location(), "/admin/me");
    let page = olga.get("/admin/me").await;
    assert!(page.says(&issuer.address) && page.says("never used"));
    let chosen = ("__Host-goodstanding-club".to_owned(), "chosen".to_owned());
    elsewhere.cookies.borrow_mut().extend([chosen]);
    let page = elsewhere.comes_by(&issuer, "olga").await;
    assert_eq!(page.location(), "/admin", "{}", page.text);
    assert!(elsewhere.get("/admin/me").await.says("Olga Owner"));
    let kept = elsewhere.cookies.borrow().clone();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_ne!(kept["__Host-goodstanding-club"], "chosen");
    assert!(olga.get("/admin/me").await.says("last used"));

    // The provider may not have asked who sits there.
    let page = elsewhere.post("/admin/me/identities/1/remove", &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let invitation = |mail| [("name", "Eve"), ("mail", mail), ("role", "owner")];
    let eve = invitation("eve@club.example");
    let page = elsewhere.post("/admin/people", &eve).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    // Nor does somebody who sits there for a minute leave with an invitation to come in as Olga.
    let own = invitation("olga@club.example");
    let page = olga.post("/admin/people", &own).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let page = olga.post("/admin/me/identities/1/remove", &[]).await;
    assert_eq!(page.location(), "/admin/me");
    assert_eq!(elsewhere.get("/admin").await.location(), "/admin/sign-in");
    assert_eq!(
        refused(&elsewhere.comes_by(&issuer, "olga").await),
        "unlinked"
    );
    let expected = [
        "staff.arrive",
        "staff.identity_add",
        "staff.sign_in",
        "staff.identity_remove",
    ];
    assert_eq!(api.audit("staff 1").await, expected);
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let api = issuer.api().await;
    let (olga, thief) = (Browser::new(&api), Browser::new(&api));
    olga.found().await;
    olga.links(&issuer, "olga").await;
    let now = api.now().0 / 1000;
    let unchanged = |_: &mut Value| ();
    let set =
        |field: &'static str, value: Value| move |claims: &mut Value| claims[field] = value.clone();
    let changes: [Change<'_>; 11] = [
        (Signed::Not, &unchanged),
        (Signed::WithThePublicKey, &unchanged),
        (Signed::WithAnotherKey, &unchanged),
        (Signed::Rightly, &set("nonce", json!("of another"))),
        (Signed::Rightly, &set("nonce", Value::Null)),
        (Signed::Rightly, &set("aud", json!("lamp"))),
        (Signed::Rightly, &set("aud", json!(["door & co", "lamp"]))),
        (Signed::Rightly, &set("exp", json!(now - 300))),
        (Signed::Rightly, &set("iat", json!(now - 300))),
        (Signed::Rightly, &set("iss", json!("https://evil.example"))),
        (Signed::Rightly, &set("sub", json!(""))),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let sent = thief.goes().await;
        let back = issuer.lets_back(&api, &sent, "olga", change);
        assert_eq!(refused(&thief.get(&back).await), "not there", "{number}");
        assert!(thief.cookies.borrow().is_empty(), "{number}");
    }
    // Not each of them has a line of its own: whoever can make us write could fill the disk.
    let refusals = api.audit("server").await.len();
    assert!((1..11).contains(&refusals), "{refusals}");
    assert_eq!(thief.comes_by(&issuer, "olga").await.location(), "/admin");
}

#[tokio::test]
async fn only_the_browser_that_went_comes_back_once_and_in_time() {
    let issuer = Issuer::start().await;
    let api = issuer.api().await;
    let (olga, thief) = (Browser::new(&api), Browser::new(&api));
    olga.found().await;
    olga.links(&issuer, "olga").await;
    let good = (
        Signed::Rightly,
        &(|_: &mut Value| ()) as &dyn Fn(&mut Value),
    );

    // Somebody else's way back, with and without a cookie.
    let victim = Browser::new(&api);
    let sent = victim.goes().await;
    let back = issuer.lets_back(&api, &sent, "olga", good);
    assert_eq!(refused(&thief.get(&back).await), "elsewhere");
    let own = thief.goes().await;
    assert_eq!(refused(&thief.get(&back).await), "elsewhere");
    assert_ne!(own.0["state"], sent.0["state"]);
    // The code under one's own state: it was promised to another verifier.
    let code = "code/0";
    assert_eq!(refused(&thief.get(&own.back(code)).await), "not there");
    assert!(thief.cookies.borrow().is_empty());

    // The same way back a second time, and its code in a new sign-in.
    let sent = thief.goes().await;
    let back = issuer.lets_back(&api, &sent, "olga", good);
    assert_eq!(thief.get(&back).await.location(), "/admin");
    assert_eq!(refused(&thief.get(&back).await), "elsewhere");
    let again = thief.goes().await;
    assert_eq!(refused(&thief.get(&again.back(code)).await), "not there");

    let late = thief.goes().await;
    let back = issuer.lets_back(&api, &late, "olga", good);
    api.wait(Span::minutes(10) + Span(1));
    assert_eq!(refused(&thief.get(&back).await), "elsewhere");

    let sent = thief.goes().await;
    let back = issuer.lets_back(&api, &sent, "olga", good);
    let mixed = format!("{back}&iss=https%3A%2F%2Fevil.example");
    assert_eq!(refused(&thief.get(&mixed).await), "elsewhere");
    let sent = thief.goes().await;
    let denied = format!(
        "/admin/sign-in/provider?error=access_denied&state={}",
        sent.0["state"]
    );
    assert_eq!(refused(&thief.get(&denied).await), "not there");
    for junk in ["", "?state=", "?code=a&state=b"] {
        let page = thief.get(&format!("/admin/sign-in/provider{junk}")).await;
        assert_eq!(refused(&page), "elsewhere");
    }
}

#[tokio::test]
async fn who_has_no_rights_any_more_has_no_account_either() {
    let issuer = Issuer::start().await;
    let api = issuer.api().await;
    let (olga, elsewhere) = (Browser::new(&api), Browser::new(&api));
    olga.found().await;
    let (desk, _) = olga.invites(Role::FrontDesk).await;
    assert_eq!(desk.links(&issuer, "desk").await.location(), "/admin/me");
    let page = olga.links(&issuer, "desk").await;
    assert_eq!(page.status, StatusCode::CONFLICT, "another one's");
    let page = olga.post("/admin/me/identities/1/remove", &[]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "another one's");
    assert_eq!(
        elsewhere.comes_by(&issuer, "desk").await.location(),
        "/admin"
    );

    // Who lost everything comes again by an invitation: what was linked before is not any more.
    let (again, _) = olga.invites(Role::FrontDesk).await;
    assert_eq!(elsewhere.get("/admin").await.location(), "/admin/sign-in");
    assert_eq!(
        refused(&elsewhere.comes_by(&issuer, "desk").await),
        "unlinked"
    );
    assert_eq!(again.links(&issuer, "desk").await.location(), "/admin/me");
    olga.post("/admin/people/2/remove", &[]).await;
    assert_eq!(
        refused(&elsewhere.comes_by(&issuer, "desk").await),
        "unlinked"
    );
    for _ in 0..8 {
        elsewhere.comes_by(&issuer, "desk").await;
    }
    assert_eq!(refused(&elsewhere.comes_by(&issuer, "desk").await), "wait");
}

#[tokio::test]
async fn an_account_is_linked_only_to_who_went_for_it_and_signed_in_a_short_while_ago() {
    let issuer = Issuer::start().await;
    let api = issuer.api().await;
    let olga = Browser::new(&api);
    let codes = olga.found().await;
    let good = (
        Signed::Rightly,
        &(|_: &mut Value| ()) as &dyn Fn(&mut Value),
    );
    // Other sites' pages begin nothing here: else one could have one's own account linked to somebody else.
    for path in ["/admin/me/identities", "/admin/sign-in/provider"] {
        let page = olga.post_from(path, &[], "cross-site").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    // What was begun to sign in links nothing.
    assert_eq!(refused(&olga.comes_by(&issuer, "evil").await), "unlinked");
    // Signed out meanwhile, and as another session.
    let sent = Sent::by(&olga.post("/admin/me/identities", &[]).await);
    let back = issuer.lets_back(&api, &sent, "evil", good);
    let page = olga.signs_in("olga@club.example", PASSWORD, &codes).await;
    assert_eq!(page.location(), "/admin");
    assert_eq!(olga.get(&back).await.status, StatusCode::UNAUTHORIZED);
    let sent = Sent::by(&olga.post("/admin/me/identities", &[]).await);
    let back = issuer.lets_back(&api, &sent, "olga", good);
    api.wait(Span::minutes(15) + Span(1));
    let page = olga.get(&back).await;
    assert_ne!(page.status, StatusCode::SEE_OTHER);
    let page = olga.post("/admin/me/identities", &[]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    let stranger = Browser::new(&api);
    let page = stranger.post("/admin/me/identities", &[]).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    for subject in ["evil", "olga"] {
        assert_eq!(
            refused(&stranger.comes_by(&issuer, subject).await),
            "unlinked"
        );
    }
}

#[tokio::test]
async fn a_provider_that_is_none_or_leads_elsewhere_is_not_followed() {
    let issuer = Issuer::start().await;
    let api = issuer.api().await;
    let olga = Browser::new(&api);
    olga.found().await;
    let mut open = issuer.document();
    open["authorization_endpoint"] = json!("http://login.example.org/door");
    let mut other = issuer.document();
    other["issuer"] = json!("https://evil.example");
    let long = format!("{}{}", issuer.document(), " ".repeat(300_000));
    for instead in [
        (StatusCode::OK, open.to_string()),
        (StatusCode::OK, other.to_string()),
        (StatusCode::OK, long),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::FOUND, format!("{}/moved", issuer.address)),
        (StatusCode::NOT_FOUND, String::new()),
    ] {
        // What was read is kept for an hour.
        api.wait(Span::hours(1));
        *issuer.instead.lock().expect("no panic") = Some(instead);
        let page = olga.post("/admin/sign-in/provider", &[]).await;
        assert!(matches!(refused(&page), "away" | "not there"));
        assert!(!page.says("evil.example"));
    }
    *issuer.instead.lock().expect("no panic") = None;
    olga.goes().await;
}

#[tokio::test]
async fn without_a_provider_there_is_no_way_by_it() {
    let api = crate::support::Api::new().await;
    let olga = Browser::new(&api);
    olga.found().await;
    assert!(!olga.get("/admin/me").await.says("Accounts elsewhere"));
    let page = olga.post("/admin/sign-in/provider", &[]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let page = olga.get("/admin/sign-in/provider?code=a&state=b").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
