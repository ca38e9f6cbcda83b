//! `cargo run --release --bin demo`: the whole building in real time, with a page to play with.

use anyhow::Context as _;
use clap::Parser;
use server::app::{Billing, Mode};
use server::billing::client::{ApiKey, DEFAULT_BASE, HttpStripe};
use server::billing::signature::SigningSecret;
use server::serve::{BrokerSettings, Settings, serve};
use sha2::{Digest as _, Sha256};
use shared::ids::OrganisationId;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tests::demo::api::Api;
use tests::demo::doors::Door;
use tests::demo::page::{Stage, router};
use tests::demo::story::{self, PLACES};
use tests::demo::stripe::{KEY, Stripe};
use tests::demo::time::DemoClock;

/// Server, broker, a simulated Stripe, two doors and eight members.
#[derive(Parser)]
struct Cli {
    /// Where the page is shown.
    #[arg(long, default_value = "127.0.0.1:8088")]
    listen: SocketAddr,
    /// Where the server answers, for webhooks from outside.
    #[arg(long, default_value = "127.0.0.1:8080")]
    server: SocketAddr,
    /// A serial reader (RDM6300 frames at 9600 baud) at the front door, such as /dev/ttyUSB0.
    #[arg(long)]
    reader: Option<PathBuf>,
    /// A key of a real Stripe test account to pull from as well.
    #[arg(long, env = "STRIPE_SECRET_KEY", hide_env_values = true)]
    stripe_secret_key: Option<String>,
    /// A further secret that signs webhooks, such as the one that `stripe listen --print-secret` tells.
    #[arg(long, env = "STRIPE_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
}

const SECRET: &str = "whsec_demo_only_never_in_production";
const TOKEN: &str = "demo-admin-token";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter("warn,mqtt5=error")
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    say("Starting Stripe's simulation, the server and its broker ...");
    let folder = tempfile::tempdir()?;
    let clock = DemoClock::start();
    let stripe = Stripe::start(clock.clone(), story::DAYS);
    let (base, key) = match &cli.stripe_secret_key {
        Some(key) => (DEFAULT_BASE.to_owned(), key.clone()),
        None => (format!("http://{}", stripe.serve().await?), KEY.to_owned()),
    };
    let secrets = std::iter::once(SECRET).chain(cli.webhook_secret.as_deref());
    let secrets = SigningSecret::list(&secrets.collect::<Vec<_>>().join(","))?;
    server::doors::tls::install_crypto();
    let running = serve(Settings {
        database: format!("sqlite:{}", folder.path().join("demo.db").display()),
        data_dir: folder.path().to_owned(),
        listen: cli.server,
        organisation: OrganisationId::new("demo")?,
        billing: Billing {
            mode: Mode::Test,
            connected: None,
            secrets,
            stripe: Some(Arc::new(HttpStripe::new(&base, &ApiKey::new(&key)?, None)?)),
            pull: true,
        },
        broker: BrokerSettings::Embedded {
            loopback: "127.0.0.1:0".parse()?,
            tls: None,
            public: None,
            watcher: None,
        },
        home_assistant: None,
        mail: server::mail::post::Settings::default(),
        provider: None,
        hsts_days: None,
        audit_copy: None,
        public_url: None,
        admin_token: Sha256::digest(TOKEN).into(),
        connected: Vec::new(),
        clock: {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        },
    })
    .await
    .context("the server did not start; --server takes another address if its own is in use")?;
    let server = format!("http://{}", running.http);
    say("Furnishing two zones, two doors and three membership types ...");
    let api = Api::new(&server, TOKEN);
    let codes = story::furnish(&api).await?;
    let mut people = story::invite(&api).await?;
    say("Living through eighty days at Stripe ...");
    story::live(&stripe, &mut people);
    let webhook = format!("{server}/webhooks/stripe");
    stripe.deliver_waiting(&webhook, SECRET).await;
    api.caught_up().await?;
    tokio::spawn(stripe.clone().deliver(webhook.clone(), SECRET.to_owned()));
    story::administer(&api, &stripe, &people, clock.now()).await?;
    say("Pairing the doors ...");
    let mut doors = Vec::new();
    for (id, code) in codes {
        doors.push(Door::start(id.parse()?, &server, &code, clock.clone()).await?);
    }
    if let Some(device) = cli.reader {
        tests::demo::doors::read_serial(&doors[0], &device)?;
    }
    let stage = Arc::new(Stage {
        clock,
        app: running.app.clone(),
        bells: running.bells.clone(),
        stripe,
        doors,
        people,
        connect: vec![
            ("Server", server.clone()),
            ("Admin token", TOKEN.to_owned()),
            ("Webhook address", webhook.clone()),
            ("Webhook secret", SECRET.to_owned()),
            (
                "Stripe CLI",
                format!(
                    "stripe listen --forward-to {webhook}, with the demo started by \
                     STRIPE_WEBHOOK_SECRET=$(stripe listen --print-secret)"
                ),
            ),
        ],
        api,
        log: tests::demo::log::Log::default(),
    });
    say(&format!(
        "Pages for staff: {server}/admin, to begin with by the token {TOKEN}"
    ));
    tokio::spawn(tests::demo::watch::watch(stage.clone()));
    let listener = tokio::net::TcpListener::bind(cli.listen)
        .await
        .with_context(|| {
            format!(
                "cannot show the page on {}; --listen takes another address",
                cli.listen
            )
        })?;
    say(&format!("Webhook address {webhook}, secret {SECRET}"));
    say(&format!(
        "Open http://{} ({} doors, 8 members). Ctrl-C ends it.",
        listener.local_addr()?,
        PLACES.len()
    ));
    axum::serve(listener, router(stage))
        .with_graceful_shutdown(async {
            let terminate = async {
                match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                    Ok(mut signal) => signal.recv().await,
                    Err(_) => std::future::pending().await,
                }
            };
            // Without a signal handler the process ends all the same.
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate => {}
            }
        })
        .await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what a person started this for")]
fn say(line: &str) {
    println!("{line}");
}
