//! Who comes in, who does not, and for how long.

use super::Browser;
use super::browser::PASSWORD;
use crate::support::{Api, TOKEN};
use axum::http::StatusCode;
use server::rights::Role;
use server::staff::{IDLE, LIFE};
use shared::time::Span;

const OLGA: &str = "olga@club.example";

#[tokio::test]
async fn the_first_owner_comes_by_the_servers_token_and_nobody_after_that() {
    let api = Api::new().await;
    let browser = Browser::new(&api);
    assert_eq!(browser.get("/admin").await.location(), "/admin/sign-in");
    assert_eq!(
        browser.get("/admin/sign-in").await.location(),
        "/admin/welcome"
    );
    let page = browser.get("/admin/welcome").await;
    let secret = page.field("secret");
    let codes = server::staff::CodeSecret::read(&secret).expect("a secret");
    let code = codes.code(api.now());
    let attempts = [
        ("wrong", PASSWORD, &*code),
        ("", PASSWORD, &code),
        (TOKEN, "sesame", &code),
        (TOKEN, "password1234", &code),
        (TOKEN, "Olga@club.example", &code),
        (TOKEN, PASSWORD, "000000"),
    ];
    for (token, password, code) in attempts {
        let fields = [
            ("token", token),
            ("name", "Olga"),
            ("mail", OLGA),
            ("password", password),
            ("secret", &secret),
            ("code", code),
        ];
        let page = browser.post("/admin/welcome", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.says("role=\"alert\"") && !page.says(password));
        assert!(browser.cookies.borrow().is_empty());
    }
    browser.found().await;
    assert!(browser.get("/admin").await.says("<h1>"));
    let stranger = Browser::new(&api);
    assert_eq!(
        stranger.get("/admin/welcome").await.location(),
        "/admin/sign-in"
    );
    let fields = [("token", TOKEN), ("secret", &secret)];
    assert_eq!(
        stranger.post("/admin/welcome", &fields).await.location(),
        "/admin/sign-in"
    );
}

#[tokio::test]
async fn a_code_works_once_and_what_is_wrong_is_not_told() {
    let api = Api::new().await;
    let browser = Browser::new(&api);
    let codes = browser.found().await;
    browser.post("/admin/sign-out", &[]).await;
    assert_eq!(browser.get("/admin").await.location(), "/admin/sign-in");
    let mut refused = Vec::new();
    // The code that let her in for the first time.
    let used = codes.code(api.now());
    for (mail, password, code) in [
        (OLGA, PASSWORD, &*used),
        (OLGA, "another password", "123456"),
        ("nobody@club.example", PASSWORD, "123456"),
    ] {
        let fields = [("mail", mail), ("password", password), ("code", code)];
        let page = browser.post("/admin/sign-in", &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        let challenge = page.field("challenge");
        refused.push(page.text.replace(mail, "").replace(&challenge, ""));
    }
    assert!(refused.windows(2).all(|two| two[0] == two[1]));
    let before = browser.cookies.borrow().clone();
    let page = browser
        .signs_in("OLGA@club.example", PASSWORD, &codes)
        .await;
    assert_eq!(page.location(), "/admin");
    assert_ne!(*browser.cookies.borrow(), before);
}

#[tokio::test]
async fn who_guesses_waits_and_so_does_who_knows() {
    let api = Api::new().await;
    let (browser, thief) = (Browser::new(&api), Browser::new(&api));
    let codes = browser.found().await;
    for _ in 0..5 {
        let page = thief.signs_in(OLGA, "a guess", &codes).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    let code = codes.code(api.now());
    let fields = [("mail", OLGA), ("password", PASSWORD), ("code", &code)];
    let page = thief.post("/admin/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    // Nor does waiting tell who is there.
    for tried in 0..6 {
        let nobody = [
            ("mail", "nobody@club.example"),
            ("password", "a guess"),
            ("code", "123456"),
        ];
        let page = thief.post("/admin/sign-in", &nobody).await;
        assert_eq!(page.status == StatusCode::TOO_MANY_REQUESTS, tried == 5);
    }
    // Whoever is in stays in.
    assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
    api.wait(Span::minutes(1));
    assert_eq!(
        thief.signs_in(OLGA, PASSWORD, &codes).await.location(),
        "/admin"
    );
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_at_last_always() {
    let api = Api::new().await;
    let browser = Browser::new(&api);
    browser.found().await;
    let mut used = Span(0);
    while used < LIFE {
        assert_eq!(browser.get("/admin").await.status, StatusCode::OK);
        let step = Span(IDLE.0 - 1);
        api.wait(step);
        used = Span(used.0 + step.0);
    }
    assert_eq!(browser.get("/admin").await.location(), "/admin/sign-in");

    let (api, browser) = (&api, Browser::new(&api));
    let owner = Browser::new(api);
    drop(owner);
    assert_eq!(browser.get("/admin").await.location(), "/admin/sign-in");
}

#[tokio::test]
async fn sessions_are_ones_own_to_end_and_a_new_role_ends_them_all() {
    let api = Api::new().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let (desk, codes) = owner.invites(Role::FrontDesk).await;
    let elsewhere = Browser::new(&api);
    let page = elsewhere
        .signs_in("front_desk@club.example", PASSWORD, &codes)
        .await;
    assert_eq!(page.location(), "/admin");
    let own = desk.get("/admin/me").await;
    let path = own
        .text
        .split("action=\"")
        .find(|part| part.contains("/sessions/"));
    let path = path
        .and_then(|part| part.split('"').next())
        .expect("a form")
        .to_owned();
    // Not another one's.
    owner.post(&path, &[]).await;
    assert_eq!(elsewhere.get("/admin").await.status, StatusCode::OK);
    desk.post(&path, &[]).await;
    assert_eq!(elsewhere.get("/admin").await.location(), "/admin/sign-in");
    assert_eq!(desk.get("/admin").await.status, StatusCode::OK);
    let page = owner
        .post("/admin/people/2/role", &[("role", "treasurer")])
        .await;
    assert_eq!(page.location(), "/admin/people");
    assert_eq!(desk.get("/admin").await.location(), "/admin/sign-in");
}

#[tokio::test]
async fn an_owner_ends_all_sessions_of_somebody() {
    let api = Api::new().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let (desk, codes) = owner.invites(Role::FrontDesk).await;
    assert_eq!(
        owner.post("/admin/people/2/sign-out", &[]).await.location(),
        "/admin/people"
    );
    assert_eq!(desk.get("/admin").await.location(), "/admin/sign-in");
    let page = desk
        .signs_in("front_desk@club.example", PASSWORD, &codes)
        .await;
    assert_eq!(page.location(), "/admin", "the rights stay");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_other_sessions_end() {
    let api = Api::new().await;
    let olga = Browser::new(&api);
    let codes = olga.found().await;
    let elsewhere = Browser::new(&api);
    elsewhere.signs_in(OLGA, PASSWORD, &codes).await;
    let fresh = "nine kilns over a quiet harbour";
    for (current, password, field) in [
        ("a guess", fresh, "current"),
        (PASSWORD, "password1234", "password"),
        (PASSWORD, "olga@club.example", "password"),
    ] {
        let fields = [("current", current), ("password", password)];
        let page = olga.post("/admin/me/password", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.says(field) && !page.says(password), "{}", page.text);
    }
    assert_eq!(elsewhere.get("/admin").await.status, StatusCode::OK);
    let fields = [("current", PASSWORD), ("password", fresh)];
    let page = olga.post("/admin/me/password", &fields).await;
    assert_eq!(page.location(), "/admin/me", "{}", page.text);
    assert_eq!(elsewhere.get("/admin").await.location(), "/admin/sign-in");
    assert_eq!(olga.get("/admin").await.status, StatusCode::OK);
    let page = elsewhere.signs_in(OLGA, PASSWORD, &codes).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(
        elsewhere.signs_in(OLGA, fresh, &codes).await.location(),
        "/admin"
    );
}

#[tokio::test]
async fn a_flood_is_sent_away_and_counts_nobodys_tries() {
    let api = Api::new().await;
    let olga = Browser::new(&api);
    let codes = olga.found().await;
    let flood: Vec<_> = (0..40)
        .map(|number| {
            let api = &api;
            async move {
                let mail = format!("nobody{number}@club.example");
                let fields = [
                    ("mail", &*mail),
                    ("password", "a guess"),
                    ("code", "123456"),
                ];
                Browser::new(api).post("/admin/sign-in", &fields).await
            }
        })
        .collect();
    let answers = futures_util::future::join_all(flood).await;
    let count = |status| answers.iter().filter(|page| page.status == status).count();
    let busy = count(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(count(StatusCode::FORBIDDEN) + busy, 40);
    assert!(busy > 0, "nobody was sent away");
    for page in answers
        .iter()
        .filter(|page| page.status == StatusCode::SERVICE_UNAVAILABLE)
    {
        assert_eq!(page.headers.get("retry-after").expect("it says when"), "5");
    }
    // Nobody who was sent away has failed.
    let page = Browser::new(&api).signs_in(OLGA, PASSWORD, &codes).await;
    assert_eq!(page.location(), "/admin");
}

#[tokio::test]
async fn a_session_that_somebody_else_chose_is_not_taken() {
    let api = Api::new().await;
    let olga = Browser::new(&api);
    let codes = olga.found().await;
    let name = olga
        .cookies
        .borrow()
        .keys()
        .next()
        .expect("signed in")
        .clone();
    let victim = Browser::new(&api);
    victim
        .cookies
        .borrow_mut()
        .insert(name.clone(), "chosen".to_owned());
    let page = victim.signs_in(OLGA, PASSWORD, &codes).await;
    assert_eq!(page.location(), "/admin");
    assert_ne!(victim.cookies.borrow()[&name], "chosen");
    let thief = Browser::new(&api);
    thief.cookies.borrow_mut().insert(name, "chosen".to_owned());
    assert_eq!(thief.get("/admin").await.location(), "/admin/sign-in");
}

#[tokio::test]
async fn whoever_lost_everything_is_let_in_again_from_the_command_line() {
    let api = Api::new().await;
    let olga = Browser::new(&api);
    olga.found().await;
    let staff = server::tools::staff(&api.app).await.expect("listed");
    assert_eq!(staff, ["1 owner olga@club.example"]);
    assert!(
        server::tools::invite(&api.app, "nobody@club.example")
            .await
            .is_err()
    );
    let path = server::tools::invite(&api.app, OLGA)
        .await
        .expect("invited");
    let page = Browser::new(&api).get(&path).await;
    assert!(page.says("Olga Owner"), "{}", page.text);
    assert_eq!(api.audit("command line").await, ["staff.invite"]);
}

#[tokio::test]
async fn an_invitation_works_once_and_for_a_week_and_the_last_owner_stays() {
    let api = Api::new().await;
    let owner = Browser::new(&api);
    owner.found().await;
    let fields = [
        ("name", "Tom"),
        ("mail", "tom@club.example"),
        ("role", "admin"),
    ];
    let page = owner.post("/admin/people", &fields).await;
    let link = page
        .text
        .split("/admin/welcome?invitation=")
        .nth(1)
        .expect("a link");
    let link = format!(
        "/admin/welcome?invitation={}",
        link.split(['"', '<']).next().expect("it ends")
    );
    let tom = Browser::new(&api);
    assert_eq!(tom.get(&link).await.status, StatusCode::OK);
    api.wait(Span::days(7));
    assert_eq!(tom.get(&link).await.location(), "/admin/sign-in");
    let owner = Browser::new(&api);
    assert_eq!(
        owner.get("/admin/people").await.location(),
        "/admin/sign-in"
    );

    let api = Api::new().await;
    let owner = Browser::new(&api);
    owner.found().await;
    for (path, fields) in [
        ("/admin/people/1/role", &[("role", "read_only")][..]),
        ("/admin/people/1/remove", &[]),
    ] {
        let page = owner.post(path, fields).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
    }
    let (admin, _) = owner.invites(Role::Admin).await;
    assert_eq!(
        owner.post("/admin/people/2/remove", &[]).await.location(),
        "/admin/people"
    );
    assert_eq!(admin.get("/admin").await.location(), "/admin/sign-in");
    assert!(!owner.get("/admin/people").await.says("admin@club.example"));
}
