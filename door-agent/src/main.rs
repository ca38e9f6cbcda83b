//! The door agent's commands.

use anyhow::Context;
use clap::{Parser, Subcommand};
use door_agent::agent::stored::Stored;
use door_agent::clock::{SystemClock, randomness};
use door_agent::config::Config;
use door_agent::control::{self, Ask};
use door_agent::disk::Directory;
use door_agent::event_loop::End;
use door_agent::guard::{self, Guard};
use door_agent::keeper::Keeper;
use door_agent::{check, identity, local, pairing, run, watch};
use shared::card::CardUid;
use shared::ids::DoorId;
use shared::reasons::Language;
use shared::wire::pairing::PairingCode;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Decides at the door, offline, from signed lists.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// The settings file.
    #[arg(
        long,
        env = "DOOR_AGENT_CONFIG",
        default_value = "/etc/door-agent.toml",
        global = true
    )]
    config: PathBuf,
    /// What to log: error, warn, info, debug, trace, or a filter of them.
    #[arg(long, env = "DOOR_AGENT_LOG", default_value = "info", global = true)]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make this agent known to a server, by the code shown there.
    Pair {
        /// The server's address, such as https://club.example.
        #[arg(long)]
        server: String,
        /// The code: 32 letters and digits.
        #[arg(long)]
        code: String,
    },
    /// Serve the doors.
    Run,
    /// Look at everything the agent needs and say what to do about what is wrong.
    Check,
    /// Show what the readers see; stop the agent first, or they are in use.
    Watch {
        /// Show card numbers in full.
        #[arg(long)]
        reveal: bool,
    },
    /// Release a door's lock once; the badge log tells.
    Open {
        /// The door.
        door: DoorId,
    },
    /// Let a door's lock rest again before its time; the badge log tells.
    Release {
        /// The door.
        door: DoorId,
    },
    /// Tell what would be decided for a card at each door, and why.
    Decide {
        /// The card number in hexadecimal digits.
        uid: String,
    },
    /// Let every lock rest when the agent that started this is killed.
    #[command(hide = true)]
    Guard,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match try_main(&args) {
        Ok(code) => code,
        Err(error) => {
            let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            causes.dedup();
            // Nothing is left to do if even this cannot be written.
            let _ = writeln!(io::stderr(), "door-agent: {}", causes.join(": "));
            ExitCode::FAILURE
        }
    }
}

fn try_main(args: &Args) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_new(&args.log)
        .with_context(|| format!("`{}` is no log filter", args.log))?;
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(io::stderr)
        // A log that cannot be written must not end what keeps the doors.
        .log_internal_errors(false)
        .init();
    // Fails only if it is set already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::load(&args.config)?;
    if matches!(args.command, Command::Guard) {
        guard::stand(io::stdin(), &config)?;
        return Ok(ExitCode::SUCCESS);
    }
    // One thread: nothing the agent does may wait for another.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(command(args, &config))
}

async fn command(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Pair { server, code } => pair(config, server, code).await?,
        Command::Run => return serve(args, config).await,
        Command::Check => {
            let wrong = check::check(config, io::stdout()).await?;
            return Ok(if wrong == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Watch { reveal } => watch::watch(config, *reveal, io::stdout()).await?,
        Command::Open { door } => {
            local::find(config, door)?;
            match control::ask(&config.state_dir, &Ask::Open(door.clone())).await? {
                Some(answer) => writeln!(io::stdout(), "{answer}")?,
                None => local::open(config, door).await?,
            }
        }
        Command::Release { door } => {
            local::find(config, door)?;
            match control::ask(&config.state_dir, &Ask::Release(door.clone())).await? {
                Some(answer) => writeln!(io::stdout(), "{answer}")?,
                None => local::release(config, door)?,
            }
        }
        Command::Decide { uid } => decide(config, uid)?,
        Command::Guard => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("this program cannot find itself")?;
    match run::run(config, || Guard::post(&program, &args.config)).await? {
        End::Stopped => Ok(ExitCode::SUCCESS),
        // Whoever starts the agent starts it again after a failure.
        End::Restart => Ok(ExitCode::from(75)),
    }
}

async fn pair(config: &Config, server: &str, code: &str) -> anyhow::Result<()> {
    let code = PairingCode::parse(code)?;
    let mut disk = Directory::open(&config.state_dir).with_context(|| {
        format!(
            "the state directory {} cannot be used",
            config.state_dir.display()
        )
    })?;
    let server = server.trim_end_matches('/');
    anyhow::ensure!(
        reqwest::Url::parse(server).is_ok_and(|url| matches!(url.scheme(), "http" | "https")),
        "`{server}` is no address of a server: it begins with https:// (or http://)"
    );
    // What is said is checked by the code; any certificate will do, and there may be none.
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(15))
        .tls_danger_accept_invalid_certs(true)
        .build()?;
    let post = async |path: &'static str, body: Vec<u8>| -> anyhow::Result<Vec<u8>> {
        let request = client
            .post(format!("{server}{path}"))
            .header("content-type", "application/cbor")
            .body(body);
        let answer = request.send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        anyhow::ensure!(
            status.is_success(),
            "the server answers {status}{}",
            detail(&body)
        );
        Ok(body.to_vec())
    };
    let paired = pairing::pair(&mut disk, &code, &mut randomness(), post).await?;
    let pairing = &paired.pairing;
    writeln!(
        io::stdout(),
        "This is now the agent {} of {}. Next: door-agent check",
        pairing.agent,
        pairing.organisation
    )?;
    Ok(())
}

/// What a problem document says.
fn detail(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let text = |key| problem.as_ref()?.get(key)?.as_str().map(str::to_owned);
    text("detail")
        .or_else(|| text("title"))
        .map_or_else(String::new, |text| format!(": {text}"))
}

fn decide(config: &Config, uid: &str) -> anyhow::Result<()> {
    let uid = CardUid::parse(uid)?;
    let disk = Directory::read_only(&config.state_dir);
    let (identity, paired) = identity::load(&disk)?;
    let other = Directory::read_only(&config.state_dir);
    let mut keeper = Keeper::open(Box::new(disk), Box::new(other), &identity);
    let sources = SystemClock::start().read();
    let stored = Stored::read(&mut keeper, &identity, &paired, sources);
    let reading = stored.reading(sources);
    for door in &config.doors {
        let reason = stored.judge(&door.id, &uid, reading).reason;
        let word = if reason.grants() { "opens" } else { "refuses" };
        let staff = reason.row(Language::En).staff;
        writeln!(
            io::stdout(),
            "{} {word}: {} ({staff})",
            door.id,
            reason.name()
        )?;
    }
    Ok(())
}
