//! Roles and actions: what the table says is what happens.

use super::Browser;
use crate::support::{Api, TOKEN};
use axum::http::{Method, Request, StatusCode, header};
use futures_util::StreamExt as _;
use serde_json::json;
use server::attention::Kind;
use server::rights::{self, Role, TABLE};
use server::store::attention::Item;
use shared::ids::MemberId;

#[test]
fn the_table_is_the_one_that_was_agreed_on() {
    let agreed = include_str!("../../golden/rights.txt");
    assert_eq!(
        rights::golden(),
        agreed,
        "if the new one is right, make it the agreed one"
    );
}

#[tokio::test]
async fn every_route_of_the_interface_and_of_the_pages_is_in_the_table() {
    let api = Api::new().await;
    let document = api.get("/api/v1/openapi.json").await;
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            routes.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let staff = include_str!("../../../src/web/pages.rs");
    let own = include_str!("../../../src/web/pages/own.rs");
    let inside = [staff, own].map(|source| source.split("let outside").next().expect("it begins"));
    for route in inside
        .iter()
        .flat_map(|inside| inside.split(".route(").skip(1))
    {
        let path = route.split('"').nth(1).expect("a path");
        for (call, method) in [("get(", "GET"), ("post(", "POST")] {
            if route.contains(call) {
                routes.push(format!("{method} {path}"));
            }
        }
    }
    routes.retain(|route| !route.contains("/api/v1/pair"));
    let mut tabled: Vec<String> = TABLE
        .iter()
        .flat_map(|row| row.2)
        .map(|route| (*route).to_owned())
        .collect();
    routes.sort();
    tabled.sort();
    assert_eq!(routes, tabled);
}

#[tokio::test]
async fn who_has_no_right_changes_nothing_and_sees_no_button() {
    let api = Api::new().await;
    api.furnish().await;
    let owner = Browser::new(&api);
    owner.found().await;
    for role in [
        Role::Admin,
        Role::Treasurer,
        Role::FrontDesk,
        Role::ReadOnly,
    ] {
        let (browser, _) = owner.invites(role).await;
        for (action, roles, routes) in TABLE {
            for route in *routes {
                let Some(("POST", path)) = route.split_once(' ') else {
                    continue;
                };
                let may = roles.contains(&role);
                if !path.starts_with("/admin") || may {
                    continue;
                }
                let before = api.picture().await;
                let page = browser.post(&numbered(path), &[]).await;
                assert_eq!(
                    page.status,
                    StatusCode::FORBIDDEN,
                    "{role:?} {action} {path}"
                );
                assert_eq!(api.picture().await, before);
            }
        }
        let page = browser.get("/admin/members/1").await;
        for (action, path) in [
            ("holds.make", "/admin/members/1/holds"),
            ("payments.record", "/admin/members/1/payments"),
            ("cards.give", "/admin/members/1/cards"),
        ] {
            let button = format!("action=\"{path}\"");
            assert_eq!(page.says(&button), role.may(action), "{role:?} {action}");
        }
    }
}

#[tokio::test]
async fn an_item_is_settled_only_in_ways_that_are_allowed_elsewhere_too() {
    let api = Api::new().await;
    api.furnish().await;
    let item = Item {
        kind: Kind::read("refund").expect("a kind"),
        subject: "1",
        sentence: "It happened.".into(),
        remedy: "Look.".into(),
        member: Some(MemberId(1)),
    };
    assert!(api.app.raise(item, api.now()).await.expect("raised"));
    let owner = Browser::new(&api);
    owner.found().await;
    let (treasurer, _) = owner.invites(Role::Treasurer).await;
    let button = "value=\"hold\"";
    assert!(owner.get("/admin/attention").await.says(button));
    let page = treasurer.get("/admin/attention").await;
    assert!(page.says("value=\"seen\"") && !page.says(button));
    let fields = [("action", "hold"), ("reason", "x")];
    let page = treasurer.post("/admin/attention/1/resolve", &fields).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let holds = api.get("/api/v1/members/1/holds").await;
    assert_eq!(holds.as_array().map(Vec::len), Some(0));
    let page = treasurer
        .post("/admin/attention/1/resolve", &[("action", "seen")])
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
}

#[tokio::test]
async fn only_who_may_names_keyholders() {
    let api = Api::new().await;
    api.furnish().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let (desk, _) = owner.invites(Role::FrontDesk).await;
    let fields = [
        ("name", "Ada"),
        ("names_keyholders", "true"),
        ("keyholder", "true"),
    ];
    assert_eq!(
        desk.post("/admin/members/1", &fields).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(api.get("/api/v1/members/1").await["keyholder"], false);
    assert_eq!(
        owner.post("/admin/members/1", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(api.get("/api/v1/members/1").await["keyholder"], true);
    // Who only corrects the name leaves that as it is.
    let name = [("name", "Ada L.")];
    assert_eq!(
        desk.post("/admin/members/1", &name).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(api.get("/api/v1/members/1").await["keyholder"], true);
}

#[tokio::test]
async fn only_who_handles_money_puts_another_address_in_the_place_of_one() {
    let api = Api::new().await;
    api.furnish().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let (desk, _) = owner.invites(Role::FrontDesk).await;
    let (treasurer, _) = owner.invites(Role::Treasurer).await;
    for (who, mail, status) in [
        (&desk, "ada@example.org", StatusCode::SEE_OTHER),
        (&desk, "ada@example.org", StatusCode::SEE_OTHER),
        (&desk, "eve@example.org", StatusCode::FORBIDDEN),
        (&desk, "", StatusCode::FORBIDDEN),
        (&treasurer, "ada@home.example", StatusCode::SEE_OTHER),
    ] {
        let before = api.get("/api/v1/members/1").await["mail"].clone();
        let page = who
            .post("/admin/members/1", &[("name", "Ada"), ("mail", mail)])
            .await;
        assert_eq!(page.status, status, "{mail} {}", page.text);
        let after = api.get("/api/v1/members/1").await["mail"].clone();
        match status {
            StatusCode::FORBIDDEN => assert_eq!(before, after),
            _ => assert_eq!(after, mail),
        }
    }
    let page = desk.get("/admin/members/1").await;
    assert!(page.says("type=\"email\" readonly"), "{}", page.text);
    assert!(!owner.get("/admin/members/1").await.says("readonly"));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_language_of_its_reader() {
    let api = Api::new().await;
    api.furnish().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let (desk, _) = owner.invites(Role::FrontDesk).await;
    let cookies = desk.cookies.borrow().clone();
    let (name, value) = cookies.first_key_value().expect("signed in");
    for (language, says) in [
        ("en", "Your role does not allow this"),
        ("de", "Deine Rolle erlaubt das nicht"),
    ] {
        let request = Request::get("/admin/audit")
            .header(header::COOKIE, format!("{name}={value}"))
            .header(header::ACCEPT_LANGUAGE, language);
        let response = api.send(request.body("".into()).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        let page = String::from_utf8(body.expect("a body").to_vec()).expect("text");
        assert!(page.contains(says), "{page}");
    }
    let (_, problem) = api.ask(Method::GET, "/api/v1/members/77", None).await;
    assert_eq!(problem["detail"], "There is no member at this address.");
}

#[tokio::test]
async fn an_open_page_hears_nothing_after_its_session_was_ended() {
    let api = Api::new().await;
    api.furnish().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let (desk, _) = owner.invites(Role::FrontDesk).await;
    let cookies = desk.cookies.borrow().clone();
    let (name, value) = cookies.first_key_value().expect("signed in");
    let request = Request::get("/admin/live").header(header::COOKIE, format!("{name}={value}"));
    let response = api.send(request.body("".into()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut stream = response.into_body().into_data_stream();
    let first = stream
        .next()
        .await
        .expect("what came before")
        .expect("read");
    assert_eq!(&first[..], b"data: changed\n\n");
    api.post("/api/v1/members", json!({"name": "Bea"})).await;
    assert!(stream.next().await.is_some(), "something changed");
    let page = owner.post("/admin/people/2/sign-out", &[]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    api.post("/api/v1/members", json!({"name": "Cleo"})).await;
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn neither_other_sites_nor_the_token_alone_reach_the_pages() {
    let api = Api::new().await;
    api.furnish().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let fields = [("reason", "prank")];
    for site in ["cross-site", "same-site", "none"] {
        let page = owner
            .post_from("/admin/members/1/holds", &fields, site)
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    let with_token = Request::post("/admin/members/1/holds")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let response = api
        .send(with_token.body("reason=prank".into()).expect("a request"))
        .await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let (status, _) = api.ask(Method::GET, "/api/v1/members/1/holds", None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        api.get("/api/v1/members/1/holds")
            .await
            .as_array()
            .map(Vec::len),
        Some(0)
    );
    // And no cookie reaches what the token is for.
    let cookies = owner.cookies.borrow().clone();
    let (name, value) = cookies.first_key_value().expect("signed in");
    let request = Request::get("/api/v1/members").header(header::COOKIE, format!("{name}={value}"));
    let response = api.send(request.body("".into()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_answer_says_what_it_must_not_be_taken_for_and_no_page_has_a_script_of_its_own() {
    let api = Api::new().await;
    api.furnish().await;
    let owner = Browser::new(&api);
    owner.found().await;
    for path in [
        "/healthz",
        "/api/v1/openapi.json",
        "/api/v1/members",
        "/nowhere",
        "/static/style.css",
        "/admin",
        "/admin/sign-in",
        "/admin/members/1",
        "/admin/audit",
        "/admin/people",
        "/admin/me",
    ] {
        let page = owner.get(path).await;
        let header = |name: &str| {
            let value = page.headers.get(name).expect("a header");
            value.to_str().expect("text").to_owned()
        };
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        let scripts = page.text.split("<script").skip(1);
        for script in scripts {
            assert!(
                script.starts_with(" src=") && script.contains("></script>"),
                "{path}"
            );
        }
        for own in [" style=", " onclick=", " onsubmit=", "javascript:"] {
            assert!(!page.says(own), "{path}: {own}");
        }
    }
}

fn numbered(path: &str) -> String {
    let part = |part: &'static str| part;
    path.split('/')
        .map(|piece| {
            if piece.starts_with('{') {
                part("1")
            } else {
                piece
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}
