//! Two organisations on one server and one database: what is one's own is not the other's.

use crate::support::{Api, TOKEN, keys_of, random};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use server::app::{App, Billing, ConnectedAccount, Mode};
use server::drive::Bells;
use server::rights::TABLE;
use server::serve::BrokerAddress;
use server::web::{State, router};
use sha2::{Digest as _, Sha256};
use shared::ids::OrganisationId;
use std::sync::Arc;
use tower::ServiceExt as _;

const GUILD_TOKEN: &str = "the token of the guild";

/// The guild beside the club, under `/o/guild`, on the club's database.
async fn with_guild(api: &Api) -> Router {
    let guild = OrganisationId::new("guild").expect("a name");
    let billing = Billing {
        mode: Mode::Test,
        connected: ConnectedAccount::new("acct_guild"),
        secrets: Vec::new(),
        stripe: None,
        pull: false,
    };
    let keys = keys_of(5, &guild);
    let store = api.app.store.clone();
    let app = App::new(store, keys, guild, billing, random(5), api.now()).await;
    let now = api.now();
    let (bells, _ends) = Bells::new(Arc::new(move || now));
    let broker = BrokerAddress {
        url: "mqtt://127.0.0.1:1883".to_owned(),
        pin: None,
    };
    let token = Sha256::digest(GUILD_TOKEN).into();
    let guild = State::new(Arc::new(app.expect("a server")), bells, broker, token);
    router(vec![api.state.clone(), guild])
}

async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    token: &str,
    body: Option<Value>,
) -> StatusCode {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json");
    let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
    let request = request.body(body).expect("a request");
    let answer = router.clone().oneshot(request).await;
    answer.expect("it answers always").status()
}

#[tokio::test]
async fn what_belongs_to_another_organisation_is_not_there() {
    let api = Api::new().await;
    let ada = api.furnish().await;
    let card = json!({"member": ada, "uid": "04A1B2C3"});
    api.post("/api/v1/cards", card).await;
    for deed in ["grants", "holds"] {
        let body = match deed {
            "grants" => json!({"membership": "full", "reason": "x"}),
            _ => json!({"reason": "x"}),
        };
        api.post(&format!("/api/v1/members/{ada}/{deed}"), body)
            .await;
    }
    api.post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
        .await;
    let door = json!({"name": "Front", "zone": "hall"});
    api.put("/api/v1/doors/front", door).await;
    let router = with_guild(&api).await;
    let before = api.picture().await;
    let own = |path: &str| format!("/o/guild{path}");
    let members = ask(
        &router,
        Method::GET,
        &own("/api/v1/members"),
        GUILD_TOKEN,
        None,
    )
    .await;
    assert_eq!(members, StatusCode::OK, "the guild is served");
    let mut asked = 0;
    for route in TABLE.iter().flat_map(|row| row.2) {
        let (method, path) = route.split_once(' ').expect("a method");
        let named = [
            "{member}", "{card}", "{grant}", "{hold}", "{agent}", "{door}", "{zone}", "{type}",
        ];
        let Some(of) = named.iter().find(|name| path.contains(**name)) else {
            continue;
        };
        // What is made by its name is made in one's own organisation.
        if !path.starts_with("/api") || (method == "PUT" && !["{member}", "{card}"].contains(of)) {
            continue;
        }
        let place = [
            ("{member}", "1"),
            ("{card}", "1"),
            ("{grant}", "1"),
            ("{hold}", "1"),
            ("{agent}", "pi"),
            ("{door}", "front"),
            ("{zone}", "hall"),
            ("{type}", "full"),
            ("{item}", "1"),
            ("{seat}", "1"),
        ];
        let path = place.iter().fold(path.to_owned(), |path, (name, value)| {
            path.replace(name, value)
        });
        let method: Method = method.parse().expect("a method");
        let body = (method != Method::GET).then(|| json!({}));
        let status = ask(&router, method.clone(), &own(&path), GUILD_TOKEN, body).await;
        // Before anything else is looked at, a body that lacks something may be refused.
        let refused = [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY].contains(&status);
        assert!(refused, "{method} {path}: {status}");
        for (path, token) in [(path.clone(), GUILD_TOKEN), (own(&path), TOKEN)] {
            let status = ask(&router, method.clone(), &path, token, Some(json!({}))).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
        }
        asked += 1;
    }
    assert!(asked > 20, "{asked}");
    for (path, body) in [
        ("/api/v1/members/1/holds", json!({"reason": "x"})),
        ("/api/v1/cards/1/mark", json!({"mark": "lost"})),
        ("/api/v1/grants/1/end", json!({})),
        ("/api/v1/holds/1/end", json!({})),
        ("/api/v1/doors/front/commands", json!({"action": "unlock"})),
        ("/api/v1/agents/pi/revoke", json!({})),
    ] {
        let status = ask(&router, Method::POST, &own(path), GUILD_TOKEN, Some(body)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let change = Some(json!({"name": "Eve"}));
    let status = ask(
        &router,
        Method::PATCH,
        &own("/api/v1/members/1"),
        GUILD_TOKEN,
        change,
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(api.picture().await, before);
}
