//! `goodstanding`: the server and its tools.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Parser, Subcommand};
use rand_core::Rng as _;
use server::app::{App, AuditCopy};
use server::billing::reconcile::Repair;
use server::billing::retrofit::Retrofit;
use server::config::{Config, Given};
use server::keys::Keys;
use server::oidc::provider::Provider;
use server::serve::{Connected, Settings, serve};
use server::store::{Store, places};
use server::{clock, random};
use sha2::{Digest as _, Sha256};
use shared::ids::{MemberId, MembershipTypeId, OrganisationId};
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Members in good standing get in.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    given: Given,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server; the default.
    Serve,
    /// Checks settings, keys, database and the Stripe key, and says what is missing.
    Check,
    /// Tells a member's standing and the facts it rests on.
    Explain {
        /// The member's number.
        member: MemberId,
        /// At this moment in the past, as 2026-11-21T12:00:00Z; without it: now.
        #[arg(long)]
        at: Option<String>,
    },
    /// Compares everything with Stripe, says what differs, and mends it.
    Reconcile {
        /// Say only what differs, and who would come in or go out.
        #[arg(long, conflicts_with = "yes")]
        dry_run: bool,
        /// Mend it although more than a few members lose access by it.
        #[arg(long)]
        yes: bool,
    },
    /// Brings in the members that an organisation has already, and those of Stripe's customers who are theirs.
    Import {
        /// Say only what would be done.
        #[arg(long)]
        dry_run: bool,
        /// Link these customers to the members proposed for them, separated by commas.
        #[arg(long, value_delimiter = ',')]
        link: Vec<String>,
        /// Do it although more than a few members lose access by it.
        #[arg(long)]
        yes: bool,
        /// The roll as comma-separated values; its first line names the columns: name, mail, customer, cards, membership,
        /// paid_until, amount, currency. Without it, only Stripe is asked.
        roll: Option<std::path::PathBuf>,
    },
    /// Applies every stored event once more, at once or, if more than a few members lose access by it, not at all. A
    /// server that runs beside it keeps nothing meanwhile; Stripe sends again what came then.
    Replay {
        /// Do it although more than a few members lose access by it.
        #[arg(long)]
        yes: bool,
    },
    /// Lists what Stripe sells: the membership type of each price, where it stands, and what to look at.
    Catalogue,
    /// Shows what writing a membership type into a price at Stripe changes, and does it with --yes.
    Retrofit {
        /// The price or plan, as `goodstanding catalogue` lists it.
        price: String,
        /// The membership type: the X of membertype_X.
        membership: MembershipTypeId,
        /// Into the metadata rather than in front of the nickname.
        #[arg(long)]
        metadata: bool,
        /// Write it.
        #[arg(long)]
        yes: bool,
    },
    /// Begins a new line of history after a restore from backup.
    NewEpoch,
    /// Lists the people with rights, or lets one of them in again who lost phone and password.
    Admin {
        /// Whom to let in again, by mail address; without it: list them.
        invite: Option<String>,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = cli.given.read();
    start_log(config.as_ref().map_or("info", |config| &config.log));
    let outcome = config.map_err(anyhow::Error::from).and_then(|config| {
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        runtime.block_on(run(config, cli.command.unwrap_or(Command::Serve)))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start_log(filter: &str) {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // A log that cannot be written must not end the server.
        .log_internal_errors(false)
        .init();
}

async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve => run_server(config).await,
        Command::Check => check(config).await,
        Command::Explain { member, at } => explain(config, member, at.as_deref()).await,
        Command::Reconcile { dry_run, yes } => {
            let repair = match (dry_run, yes) {
                (true, _) => Repair::No,
                (false, true) => Repair::Approved,
                (false, false) => Repair::Careful,
            };
            show_all(server::tools::reconcile(&app(config).await?, repair).await?)
        }
        Command::Import {
            dry_run,
            link,
            yes,
            roll,
        } => {
            let text = match &roll {
                Some(path) => std::fs::read(path)
                    .with_context(|| format!("cannot read {}", path.display()))?,
                None => b"name".to_vec(),
            };
            let wish = server::tools::import_wish(&text, link, !dry_run, yes)?;
            show_all(server::tools::import(&app(config).await?, &wish).await?)
        }
        Command::Replay { yes } => show_all(server::tools::replay(&app(config).await?, yes).await?),
        Command::Catalogue => show_all(server::tools::catalogue(&app(config).await?).await?),
        Command::Retrofit {
            price,
            membership,
            metadata,
            yes,
        } => {
            let wish = Retrofit {
                price,
                membership,
                metadata,
                approved: false,
            };
            show_all(server::tools::retrofit(&app(config).await?, &wish, yes).await?)
        }
        Command::NewEpoch => server::tools::new_epoch(&app(config).await?).await,
        Command::Admin { invite: None } => {
            show_all(server::tools::staff(&app(config).await?).await?)
        }
        Command::Admin { invite: Some(mail) } => {
            let base = config.public_url.clone().unwrap_or_default();
            let path = server::tools::invite(&app(config).await?, &mail).await?;
            show(&format!("Good for 7 days and once: {base}{path}"));
            Ok(())
        }
    }
}

async fn run_server(config: Config) -> anyhow::Result<()> {
    make_private(&config.data_dir)?;
    for line in config.missing() {
        tracing::warn!("{line}");
    }
    let given = config.admin_token.as_deref();
    let mut tokens = vec![admin_token(&config.data_dir, None, given)?];
    let mut connected = Vec::new();
    for (organisation, billing) in config.connected {
        let token = admin_token(&config.data_dir, Some(organisation.clone()), None)?;
        connected.push(Connected {
            organisation,
            billing,
            admin_token: token.hash,
        });
        tokens.push(token);
    }
    let mut running = serve(Settings {
        database: config.database,
        data_dir: config.data_dir,
        listen: config.listen,
        organisation: config.organisation,
        billing: config.billing,
        broker: config.broker,
        home_assistant: config.home_assistant,
        mail: config.mail,
        provider: config.provider,
        hsts_days: config.hsts_days,
        audit_copy: config
            .copies_audit
            .then(|| std::sync::Arc::new(copy) as AuditCopy),
        public_url: config.public_url,
        admin_token: tokens[0].hash,
        connected,
        clock: std::sync::Arc::new(clock::now),
    })
    .await?;
    for token in &tokens {
        let Some(fresh) = &token.fresh else { continue };
        // Not before: a start that fails shows no token, and a token that nobody saw must not count.
        std::fs::write(&token.file, token.hash)
            .with_context(|| format!("cannot write {}", token.file.display()))?;
        let whose = match &token.whose {
            None => String::new(),
            Some(name) => format!(" of {name}, under /o/{name}"),
        };
        show(&format!("Admin token{whose}, shown only now: {fresh}"));
        show("It makes the first owner at /admin, and is what scripts send to /api/v1.");
    }
    show(&format!(
        "Listening on http://{}; agents meet at {}",
        running.http, running.broker.url
    ));
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        () = running.wait() => anyhow::bail!("a part of the server ended by itself; see the log above"),
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    running.stop().await;
    Ok(())
}

/// Makes the data directory if it is not there: names, tokens and keys are nobody else's business.
fn make_private(data_dir: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .with_context(|| format!("cannot make the data directory {}", data_dir.display()))
}

#[expect(
    clippy::print_stdout,
    reason = "what a person or a script started this for"
)]
fn show(line: &str) {
    println!("{line}");
}

/// A line for whoever collects logs; one that cannot be written must not end the server.
fn copy(line: &str) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        tracing::error!(%error, "a line of the audit log could not be copied");
    }
}

fn show_all(lines: Vec<String>) -> anyhow::Result<()> {
    lines.iter().for_each(|line| show(line));
    Ok(())
}

/// An admin's token.
struct Token {
    /// Of a connected organisation; none: of the first one.
    whose: Option<OrganisationId>,
    hash: [u8; 32],
    /// The token itself, if it was just made.
    fresh: Option<String>,
    /// Where its hash lies.
    file: PathBuf,
}

/// The token that was given or kept; at the first start without one, a fresh token.
fn admin_token(
    data_dir: &Path,
    whose: Option<OrganisationId>,
    given: Option<&str>,
) -> anyhow::Result<Token> {
    let file = data_dir.join(match &whose {
        None => "admin-token.sha256".to_owned(),
        Some(organisation) => format!("admin-token-{organisation}.sha256"),
    });
    let (hash, fresh) = if let Some(token) = given {
        (Sha256::digest(token).into(), None)
    } else if let Ok(bytes) = std::fs::read(&file) {
        let hash = bytes.try_into().map_err(|_| {
            anyhow::anyhow!("{} is damaged: delete it for a new token", file.display())
        })?;
        (hash, None)
    } else {
        let mut secret = [0; 32];
        random::system().fill_bytes(&mut secret);
        let token = URL_SAFE_NO_PAD.encode(secret);
        (Sha256::digest(&token).into(), Some(token))
    };
    Ok(Token {
        whose,
        hash,
        fresh,
        file,
    })
}

/// Whether the server has run here: only [`run_server`] may found a club.
fn is_founded(config: &Config) -> anyhow::Result<bool> {
    let keys = config.data_dir.join("keys");
    match std::fs::read_dir(&keys) {
        Ok(mut files) => Ok(files.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", keys.display())),
    }
}

async fn app(config: Config) -> anyhow::Result<App> {
    anyhow::ensure!(
        is_founded(&config)?,
        "there is no club in {}: `goodstanding serve` founds one, DATA_DIR names another directory",
        config.data_dir.display()
    );
    let mut random = random::system();
    let keys = Keys::load_or_create(
        &config.data_dir.join("keys"),
        &config.organisation,
        &mut random,
    )?;
    let store = Store::open(&config.database)
        .await
        .context("cannot open the database")?;
    let known = places::organisation(&mut store.begin_read().await?, &config.organisation).await;
    known.with_context(|| format!("no organisation {} is served here", config.organisation))?;
    server::doors::tls::install_crypto();
    Ok(App::new(
        store,
        keys,
        config.organisation,
        config.billing,
        random,
        clock::now(),
    )
    .await?)
}

async fn check(config: Config) -> anyhow::Result<()> {
    for line in config.missing() {
        show(&format!("missing: {line}"));
    }
    show("settings: good");
    if !is_founded(&config)? {
        show(&format!(
            "keys and database: none in {} yet, `goodstanding serve` makes them",
            config.data_dir.display()
        ));
        return Ok(());
    }
    let provider = config.provider.clone().map(Provider::new).transpose()?;
    let app = app(config).await?;
    show("keys: good");
    show("database: good");
    show(&server::tools::check_audit(&app).await?);
    if let Some(stripe) = &app.billing.stripe {
        let account = stripe.account().await;
        account.context("Stripe cannot be read with STRIPE_SECRET_KEY; nobody loses access")?;
        anyhow::ensure!(
            app.confirm(clock::now()).await?,
            "STRIPE_SECRET_KEY is of another account or mode than the one on record; nobody loses access"
        );
        show("Stripe: the key reads the right account");
    }
    if let Some(provider) = provider {
        provider.check(clock::now()).await?;
        show("OpenID provider: it answers");
    }
    Ok(())
}

async fn explain(config: Config, member: MemberId, at: Option<&str>) -> anyhow::Result<()> {
    let now = clock::now();
    let at = match at {
        None => now,
        Some(text) => server::tools::moment(text)
            .filter(|at| *at <= now)
            .context("--at takes a moment that has passed, such as 2026-11-21T12:00:00Z")?,
    };
    let lines = server::web::explain_lines(&app(config).await?, member, at).await?;
    for line in lines.with_context(|| format!("there is no member {member}"))? {
        show(&line);
    }
    Ok(())
}
