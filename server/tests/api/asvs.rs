//! What an attacker with a laptop tries (OWASP ASVS 5.0), and whether `server/ASVS.md` tells the truth.

mod checklist;
mod neighbours;

use crate::pages::Browser;
use crate::support::{Api, TOKEN};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;
use server::rights::TABLE;

const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

#[tokio::test]
async fn what_people_type_is_text_on_every_page() {
    let api = Api::new().await;
    api.furnish().await;
    let ada = api.member(EVIL).await;
    let olga = Browser::new(&api);
    olga.found().await;
    let hold = json!({"reason": EVIL});
    api.post(&format!("/api/v1/members/{ada}/holds"), hold)
        .await;
    let fields = [
        ("name", EVIL),
        ("mail", "evil@club.example"),
        ("role", "admin"),
    ];
    assert_eq!(
        olga.post("/admin/people", &fields).await.status,
        StatusCode::OK
    );
    let (page, mut told) = (format!("/admin/members/{ada}"), 0);
    for path in [
        "/admin",
        "/admin/members",
        &page,
        "/admin/people",
        "/admin/audit",
        "/admin/attention",
    ] {
        let page = olga.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            !page.says("<script>alert") && !page.says("<img src=x"),
            "{path}"
        );
        told += usize::from(page.says("alert(1)"));
    }
    assert!(told >= 4, "it is told as text: {told}");
}

#[tokio::test]
async fn the_cookie_is_for_this_host_over_tls_and_for_no_script() {
    let api = Api::new().await;
    let olga = Browser::new(&api);
    let codes = olga.found().await;
    let page = olga
        .signs_in("olga@club.example", crate::pages::PASSWORD, &codes)
        .await;
    let cookie = page.headers.get(header::SET_COOKIE).expect("a cookie");
    let cookie = cookie.to_str().expect("text");
    assert!(cookie.starts_with("__Host-goodstanding-club="), "{cookie}");
    for part in ["; Path=/;", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

/// What a stranger's request is answered, with more headers.
async fn ask(
    api: &Api,
    method: Method,
    path: &str,
    more: &[(&str, &str)],
) -> axum::response::Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    api.send(request.body(Body::empty()).expect("a request"))
        .await
}

#[tokio::test]
async fn no_other_site_may_read_an_answer() {
    let api = Api::new().await;
    let evil = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "PUT"),
    ];
    for method in [Method::GET, Method::OPTIONS] {
        for path in [
            "/api/v1/members",
            "/api/v1/openapi.json",
            "/admin/sign-in",
            "/healthz",
        ] {
            let answer = ask(&api, method.clone(), path, &evil).await;
            let names = answer.headers().keys();
            let cors = names.filter(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(cors.count(), 0, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_proxys_headers_let_nobody_in() {
    let api = Api::new().await;
    api.furnish().await;
    Browser::new(&api).found().await;
    let believed = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-forwarded-user", "olga@club.example"),
        ("x-original-url", "/healthz"),
    ];
    let answer = ask(&api, Method::GET, "/api/v1/members", &believed).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let answer = ask(&api, Method::GET, "/admin", &believed).await;
    assert_eq!(answer.headers()[header::LOCATION], "/admin/sign-in");
}

#[tokio::test]
async fn looking_at_every_page_changes_nothing() {
    let api = Api::new().await;
    api.furnish().await;
    let olga = Browser::new(&api);
    olga.found().await;
    let before = (api.picture().await, api.get("/api/v1/audit").await);
    let mut seen = 0;
    for route in TABLE.iter().flat_map(|row| row.2) {
        let Some(("GET", path)) = route.split_once(' ') else {
            continue;
        };
        if path.starts_with("/admin") && path != "/admin/live" {
            let page = olga.get(&path.replace("{member}", "1")).await;
            // There is only a member: of other things their page says that they are not there.
            let missing = path.contains('{') && page.status == StatusCode::NOT_FOUND;
            assert!(missing || page.status == StatusCode::OK, "{path}");
            seen += usize::from(!missing);
        }
    }
    assert!(seen > 20, "{seen} pages");
    assert_eq!(
        (api.picture().await, api.get("/api/v1/audit").await),
        before
    );
}

#[tokio::test]
async fn every_answer_with_a_body_names_its_type() {
    let api = Api::new().await;
    for (path, kind) in [
        ("/healthz", "text/plain; charset=utf-8"),
        ("/api/v1/openapi.json", "application/json"),
        ("/api/v1/members", "application/problem+json"),
        ("/nowhere", "application/problem+json"),
        ("/admin/welcome", "text/html; charset=utf-8"),
        ("/static/style.css", "text/css; charset=utf-8"),
        ("/static/passkey.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = ask(&api, Method::GET, path, &[]).await;
        assert_eq!(answer.headers()[header::CONTENT_TYPE], kind, "{path}");
    }
}

#[tokio::test]
async fn answers_are_kept_nowhere() {
    let api = Api::new().await;
    api.furnish().await;
    let olga = Browser::new(&api);
    olga.found().await;
    for path in ["/admin", "/admin/members/1", "/admin/sign-in", "/nowhere"] {
        assert_eq!(
            olga.get(path).await.headers[header::CACHE_CONTROL],
            "no-store",
            "{path}"
        );
    }
    let token = format!("Bearer {TOKEN}");
    let answer = ask(
        &api,
        Method::GET,
        "/api/v1/members",
        &[("authorization", &token)],
    )
    .await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn what_is_not_served_is_not_there() {
    let api = Api::new().await;
    for path in [
        "/static",
        "/static/",
        "/static/..%2fCargo.toml",
        "/.git/config",
        "/data",
        "/etc/passwd",
    ] {
        let answer = ask(&api, Method::GET, path, &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let answer = ask(&api, Method::TRACE, "/healthz", &[]).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_field_that_comes_twice_is_refused() {
    let api = Api::new().await;
    api.furnish().await;
    let olga = Browser::new(&api);
    olga.found().await;
    let before = api.picture().await;
    let fields = [("name", "Eve"), ("name", "Mallory")];
    let page = olga.post("/admin/members", &fields).await;
    assert!(page.status.is_client_error(), "{}", page.status);
    let body = "{\"name\": \"Eve\", \"name\": \"Mallory\"}";
    let request = Request::post("/api/v1/members")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(header::CONTENT_TYPE, "application/json");
    let answer = api
        .send(request.body(body.into()).expect("a request"))
        .await;
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert_eq!(api.picture().await, before);
}

/// Stripe, database and broker are called where the settings say; nothing that is sent names an address.
#[tokio::test]
async fn no_address_that_somebody_sends_is_called() {
    let api = Api::new().await;
    let document = api.get("/api/v1/openapi.json").await;
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let mut fields = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").values() {
            let Some(body) = method["requestBody"]["content"]["application/json"].as_object()
            else {
                continue;
            };
            let name = body["schema"]["$ref"]
                .as_str()
                .and_then(|name| name.rsplit('/').next());
            let schema = name.map_or(&body["schema"], |name| &schemas[name]);
            for field in schema["properties"].as_object().into_iter().flatten() {
                fields += 1;
                let name = field.0.to_lowercase();
                let is_address = ["url", "uri", "host", "callback", "endpoint", "href"]
                    .iter()
                    .any(|word| name.contains(word));
                assert!(!is_address && field.1["format"] != "uri", "{path}: {name}");
            }
        }
    }
    assert!(fields > 40, "{fields}");
}

#[tokio::test]
async fn browsers_stay_with_tls_where_the_operator_wants_it() {
    let of = async |api: Api, path: &str| {
        let answer = ask(&api, Method::GET, path, &[]).await;
        let told = answer.headers().get(header::STRICT_TRANSPORT_SECURITY);
        told.map(|told| told.to_str().expect("text").to_owned())
    };
    let day = |app: &mut server::app::App| app.hsts_days = Some(365);
    for path in ["/admin/sign-in", "/api/v1/members", "/me", "/nothing"] {
        let told = of(Api::furnished(day).await, path).await;
        assert_eq!(told.as_deref(), Some("max-age=31536000"), "{path}");
        assert_eq!(of(Api::new().await, path).await, None, "{path}");
    }
}

#[tokio::test]
async fn a_browser_forgets_the_pages_when_somebody_signs_out() {
    let api = Api::new().await;
    let olga = Browser::new(&api);
    olga.found().await;
    let page = olga.post("/admin/sign-out", &[]).await;
    assert_eq!(page.headers["clear-site-data"], "\"cache\", \"storage\"");
    assert!(olga.cookies.borrow().is_empty());
}

#[tokio::test]
async fn lines_of_the_audit_log_are_copied_once_each_and_without_names() {
    let copied = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let lines = copied.clone();
    let copy = move |line: &str| lines.lock().expect("no panic").push(line.to_owned());
    let copy = std::sync::Arc::new(copy);
    let api = Api::furnished(|app| app.audit_copy = Some(copy)).await;
    let ada = api.member("Ada Lovelace").await;
    let path = format!("/api/v1/members/{ada}");
    api.patch(&path, json!({"name": "Ada Byron"})).await;
    for _ in 0..2 {
        api.app.sign_heads(api.now()).await.expect("signed");
    }
    let copied = copied.lock().expect("no panic").clone();
    let text = copied.join("\n");
    assert!(!text.contains("Ada") && !text.contains("Byron"), "{text}");
    let read = |line: &String| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    let copied: Vec<serde_json::Value> = copied.iter().map(read).collect();
    let places: Vec<i64> = copied
        .iter()
        .filter_map(|line| line["place"].as_i64())
        .collect();
    let expected: Vec<i64> = (1..).take(copied.len()).collect();
    assert!(copied.len() >= 2 && places == expected, "{text}");
    let last = &copied[copied.len() - 1];
    assert_eq!(
        (&last["audit"], &last["action"]),
        (&json!("club"), &json!("member.change"))
    );
    assert_eq!(
        (&last["actor"], &last["member"]),
        (&json!("admin"), &json!(ada))
    );
    assert_eq!(last["hash"].as_str().map(str::len), Some(64));
}
