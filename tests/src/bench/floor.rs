//! What nobody can leave out: verify, parse, make durable, answer; and, for the way to a door, publish and receive.

use super::prepare::{SECRET, agent, loopback, organisation, zone};
use super::timing;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use server::billing::signature::{SigningSecret, verify};
use server::doors::broker::{self, AgentAccess, AgentGrant, SERVER_USER};
use server::doors::mqtt::{self, Incoming, LinkHandle, MqttTarget};
use server::doors::tls::Trust;
use sha2::{Digest as _, Sha256};
use shared::wire::Topic;
use shared::wire::topics::Channel;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, SqlitePool};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

/// A commit carries so many bodies at most.
const GROUP: usize = 256;
/// One statement carries so many; a shorter one is prepared for each smaller power of two.
const ROWS: usize = 32;
/// The pipe publishes about as many bytes as a delta has.
const MESSAGE: usize = 256;

/// What the pipe publishes of an event: its id, and bytes that say nothing.
pub fn message(event: &str) -> Vec<u8> {
    format!("{event:<MESSAGE$}").into_bytes()
}

struct Job {
    body: Bytes,
    event: String,
    answer: oneshot::Sender<()>,
}

struct Bare {
    secrets: Vec<SigningSecret>,
    jobs: mpsc::Sender<Job>,
}

/// A bare server at work.
pub struct Running {
    /// Where it answers.
    pub http: SocketAddr,
    /// The broker, if it publishes.
    pub broker: Option<broker::Running>,
    pool: SqlitePool,
    tasks: tokio::task::JoinSet<()>,
}

impl Running {
    /// Ends it.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        if let Some(broker) = self.broker.take() {
            broker.stop().await;
        }
        self.pool.close().await;
    }
}

/// The floor of the ingest rows: verifies the signature, parses the body, commits all bodies that wait in one
/// transaction (SQLite, WAL, synchronous FULL, through the same library), then answers 200.
pub async fn bare(directory: &Path) -> anyhow::Result<Running> {
    start(directory, None, None).await
}

/// The floor of the way to a door: the bare server publishes each body's event id through the same kind of broker after
/// the commit; whoever subscribes to the delta topic receives it.
pub async fn pipe(directory: &Path, password: &str) -> anyhow::Result<Running> {
    let access = Arc::new(AgentAccess::new(password.as_bytes()));
    let grant = AgentGrant {
        organisation: organisation(),
        password_sha256: Sha256::digest(password).into(),
        zones: BTreeSet::from([zone()]),
        doors: BTreeSet::new(),
    };
    access.grant(&agent(), grant);
    let broker = broker::start(
        broker::Settings {
            loopback: Some(loopback()),
            tls: None,
        },
        access,
    )
    .await?;
    let address = broker
        .loopback()
        .ok_or_else(|| anyhow::anyhow!("the broker has no listener"))?;
    let target = MqttTarget {
        url: format!("mqtt://{address}"),
        client_id: "pipe".to_owned(),
        username: SERVER_USER.to_owned(),
        password: password.to_owned(),
        trust: Trust::SystemRoots,
    };
    let (link, mut incoming) = mqtt::connect(&target, &super::prepare::organisation(), || 0)?;
    while !matches!(incoming.recv().await, Some(Incoming::Connected) | None) {}
    start(directory, Some((link, incoming)), Some(broker)).await
}

async fn start(
    directory: &Path,
    link: Option<(LinkHandle, mpsc::Receiver<Incoming>)>,
    broker: Option<broker::Running>,
) -> anyhow::Result<Running> {
    let options = SqliteConnectOptions::new()
        .filename(directory.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "4000");
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    sqlx::query("CREATE TABLE raw (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
        .execute(&pool)
        .await?;
    let (jobs, waiting) = mpsc::channel(4 * GROUP);
    let mut tasks = tokio::task::JoinSet::new();
    let (handle, hearing) = link.unzip();
    tasks.spawn(write(pool.clone(), waiting, handle));
    if let Some(mut hearing) = hearing {
        tasks.spawn(async move { while hearing.recv().await.is_some() {} });
    }
    let state = Arc::new(Bare {
        secrets: vec![SigningSecret::new(SECRET)?],
        jobs,
    });
    let router = Router::new()
        .route("/webhooks/stripe", post(take))
        .with_state(state);
    let listener = TcpListener::bind(loopback()).await?;
    let http = listener.local_addr()?;
    tasks.spawn(async move { drop(axum::serve(listener, router).await) });
    Ok(Running {
        http,
        broker,
        pool,
        tasks,
    })
}

async fn take(State(bare): State<Arc<Bare>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = headers
        .get("stripe-signature")
        .map(axum::http::HeaderValue::as_bytes);
    if verify(header, &body, &bare.secrets, timing::now()).is_err() {
        return StatusCode::BAD_REQUEST;
    }
    let Ok(parsed) = serde_json::from_slice::<serde_json::Value>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let event = parsed["id"].as_str().unwrap_or_default().to_owned();
    let (answer, committed) = oneshot::channel();
    if bare
        .jobs
        .send(Job {
            body,
            event,
            answer,
        })
        .await
        .is_err()
        || committed.await.is_err()
    {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::OK
}

async fn write(pool: SqlitePool, mut waiting: mpsc::Receiver<Job>, link: Option<LinkHandle>) {
    let topic = Topic::new(&organisation(), Channel::Delta(zone())).to_string();
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        // Whoever waits for an answer that cannot come gets an error.
        if let Err(error) = commit(&pool, &group).await {
            tracing::error!(%error, "the bare server could not commit");
            group.clear();
        }
        for job in group.drain(..) {
            if let Some(link) = &link
                && let Err(error) = link.publish(&topic, message(&job.event), false)
            {
                tracing::error!(%error, "the pipe could not publish");
            }
            // The client may be gone.
            _ = job.answer.send(());
        }
    }
}

async fn commit(pool: &SqlitePool, group: &[Job]) -> sqlx::Result<()> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let mut rest = group;
    while !rest.is_empty() {
        let rows = ROWS.min(1 << rest.len().ilog2());
        let (some, more) = rest.split_at(rows);
        rest = more;
        let places = vec!["(?)"; rows].join(",");
        let sql = format!("INSERT INTO raw (body) VALUES {places}");
        let query = some
            .iter()
            .fold(sqlx::query(AssertSqlSafe(sql)), |query, job| {
                query.bind(&job.body[..])
            });
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
