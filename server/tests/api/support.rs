//! A server in memory, asked without a socket, on a clock that the test moves.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use server::app::{App, Billing, Mode};
use server::billing::client::Stripe;
use server::billing::signature::SigningSecret;
use server::doors::publish::Publication;
use server::drive::{Bells, deliveries};
use server::keys::Keys;
use server::random::Handed;
use server::serve::BrokerAddress;
use server::store::trip::Statement;
use server::store::{Store, Tx};
use server::web::{State, router};
use sha2::{Digest, Sha256};
use shared::ids::OrganisationId;
use shared::time::{Span, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::mpsc::UnboundedReceiver;
use tower::ServiceExt;

/// A database of this test alone.
const IN_MEMORY: &str = "sqlite::memory:";
pub const TOKEN: &str = "the token of the test";
pub const WEBHOOK_SECRET: &str = "whsec_of_the_test";
/// Monday 5 January 2026, 10:00 UTC.
pub const START: Timestamp = Timestamp::from_seconds(1_767_607_200);

pub struct Api {
    pub app: Arc<App>,
    pub bells: Bells,
    pub outbox: UnboundedReceiver<Vec<Publication>>,
    pub state: Arc<State>,
    router: Router,
    clock: Arc<AtomicI64>,
}

/// Bytes that are the same in every run.
fn seeded(seed: u64) -> Handed<impl FnMut(&mut [u8]) + Send> {
    let mut counter = 0_u64;
    Handed::new(move |bytes: &mut [u8]| {
        for chunk in bytes.chunks_mut(32) {
            counter += 1;
            let digest = Sha256::digest([seed.to_be_bytes(), counter.to_be_bytes()].concat());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    })
}

pub fn keys(seed: u8) -> Keys {
    keys_of(seed, &organisation())
}

pub fn keys_of(seed: u8, organisation: &OrganisationId) -> Keys {
    Keys::from_roots(&[seed; 32], &[seed + 1; 32], organisation)
}

/// The same in every run, for a server of its own.
pub fn random(seed: u64) -> Box<dyn rand_core::CryptoRng + Send> {
    Box::new(seeded(seed))
}

pub fn organisation() -> OrganisationId {
    OrganisationId::new("club").expect("a name")
}

impl Api {
    pub async fn new() -> Self {
        Self::with_secrets(vec![SigningSecret::new(WEBHOOK_SECRET).expect("a secret")]).await
    }

    pub async fn with_secrets(secrets: Vec<SigningSecret>) -> Self {
        Self::with(secrets, None).await
    }

    /// With a key of an account at Stripe.
    pub async fn with_stripe(stripe: Arc<dyn Stripe>) -> Self {
        let secret = SigningSecret::new(WEBHOOK_SECRET).expect("a secret");
        Self::with(vec![secret], Some(stripe)).await
    }

    /// With a database in a file.
    pub async fn in_file(path: &std::path::Path, stripe: Arc<dyn Stripe>) -> Self {
        let secret = SigningSecret::new(WEBHOOK_SECRET).expect("a secret");
        let address = format!("sqlite://{}", path.display());
        Self::at(&address, vec![secret], Some(stripe), |_| ()).await
    }

    /// With a mail server.
    pub async fn mailing() -> Self {
        Self::furnished(|app| app.is_mailed = true).await
    }

    /// With what is set before anything is asked.
    pub async fn furnished(furnish: impl FnOnce(&mut App)) -> Self {
        Self::at(IN_MEMORY, Vec::new(), None, furnish).await
    }

    async fn with(secrets: Vec<SigningSecret>, stripe: Option<Arc<dyn Stripe>>) -> Self {
        Self::at(IN_MEMORY, secrets, stripe, |_| ()).await
    }

    async fn at(
        address: &str,
        secrets: Vec<SigningSecret>,
        stripe: Option<Arc<dyn Stripe>>,
        furnish: impl FnOnce(&mut App),
    ) -> Self {
        let store = Store::open(address).await.expect("a database");
        let billing = Billing {
            mode: Mode::Test,
            connected: None,
            secrets,
            stripe,
            pull: false,
        };
        let app = App::new(
            store,
            keys(1),
            organisation(),
            billing,
            Box::new(seeded(1)),
            START,
        );
        let mut app = app.await.expect("a server");
        furnish(&mut app);
        let app = Arc::new(app);
        let clock = Arc::new(AtomicI64::new(START.0));
        let hand = clock.clone();
        let (bells, ends) = Bells::new(Arc::new(move || Timestamp(hand.load(Ordering::SeqCst))));
        let broker = BrokerAddress {
            url: "mqtt://127.0.0.1:1883".to_owned(),
            pin: None,
        };
        tokio::spawn(deliveries::take(
            app.clone(),
            bells.clone(),
            ends.deliveries,
        ));
        let token = Sha256::digest(TOKEN).into();
        let state = State::new(app.clone(), bells.clone(), broker, token);
        Self {
            app,
            bells,
            outbox: ends.outbox,
            router: router(vec![state.clone()]),
            state,
            clock,
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::SeqCst))
    }

    pub fn wait(&self, span: Span) {
        self.clock.fetch_add(span.0, Ordering::SeqCst);
    }

    /// What was handed to be published since the last look.
    pub fn published(&mut self) -> Vec<Publication> {
        std::iter::from_fn(|| self.outbox.try_recv().ok())
            .flatten()
            .collect()
    }

    pub async fn tx(&self) -> Tx {
        self.app.store.begin().await.expect("a transaction")
    }

    /// What admins did, as the audit log has it.
    pub async fn deeds(&self) -> Vec<String> {
        self.audit("admin").await
    }

    /// What somebody did, as the audit log has it.
    pub async fn audit(&self, actor: &str) -> Vec<String> {
        let sql = "SELECT action FROM audit WHERE actor = $1 ORDER BY id";
        let question = Statement::new(sql).bind(actor);
        let rows: Vec<(String,)> = self.tx().await.ask(question).await.expect("read");
        rows.into_iter().map(|(action,)| action).collect()
    }

    pub async fn send(&self, request: Request<Body>) -> Response {
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("the router answers always")
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string().into()),
            None => request.body(Body::empty()),
        };
        read(self.send(request.expect("a request")).await).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "GET {path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.good(Method::POST, path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.good(Method::PUT, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.good(Method::PATCH, path, body).await
    }

    async fn good(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method.clone(), path, Some(body)).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    pub async fn delete(&self, path: &str) {
        let (status, answer) = self.ask(Method::DELETE, path, None).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "DELETE {path}: {answer}");
    }

    /// A refused request: status, field at fault, detail.
    pub async fn refused(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Option<String>, String) {
        let (status, problem) = self.ask(method.clone(), path, body).await;
        assert!(
            !status.is_success(),
            "{method} {path} was not refused: {problem}"
        );
        assert_eq!(problem["status"], status.as_u16(), "{problem}");
        for field in ["type", "title", "detail"] {
            assert!(problem[field].is_string(), "{method} {path}: {problem}");
        }
        let field = problem["field"].as_str().map(str::to_owned);
        (
            status.as_u16(),
            field,
            problem["detail"].as_str().unwrap_or_default().to_owned(),
        )
    }

    /// A type, a zone that it opens, and a member.
    pub async fn furnish(&self) -> i64 {
        self.put(
            "/api/v1/membership-types/full",
            json!({"name": "Full", "rank": 2}),
        )
        .await;
        self.put(
            "/api/v1/zones/hall",
            json!({"name": "Hall", "location": "main"}),
        )
        .await;
        self.put("/api/v1/zones/hall/access/full", json!({})).await;
        self.member("Ada").await
    }

    pub async fn member(&self, name: &str) -> i64 {
        let made = self.post("/api/v1/members", json!({"name": name})).await;
        made["id"].as_i64().expect("a number")
    }

    /// Everything that a refused request must not change.
    pub async fn picture(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for path in [
            "organisation",
            "locations",
            "membership-types",
            "schedules",
            "zones",
            "members",
            "cards",
            "customers",
            "payments",
            "catalogue",
            "gift-cards",
            "agents",
            "doors",
            "badges",
            "inbox",
            "attention?all=true",
        ] {
            all.push(self.get(&format!("/api/v1/{path}")).await);
        }
        all
    }
}

/// Status and body; every refusal is problem details.
pub async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.to_str().unwrap_or("").to_owned());
    let body = to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("a body");
    if !status.is_success() {
        assert_eq!(
            kind.as_deref(),
            Some("application/problem+json"),
            "{status}"
        );
    }
    let value = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).expect("JSON")
    };
    (status, value)
}
