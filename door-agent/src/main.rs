//! The door agent's commands.

use anyhow::Context;
use clap::{Parser, Subcommand};
use door_agent::agent::stored::Stored;
use door_agent::check::Machine;
use door_agent::clock::{SystemClock, randomness};
use door_agent::config::{Config, ConfigError};
use door_agent::control::{self, Ask};
use door_agent::disk::Directory;
use door_agent::event_loop::End;
use door_agent::guard::{self, Guard};
use door_agent::identity::IdentityError;
use door_agent::keeper::Keeper;
use door_agent::log::Log;
use door_agent::notify::Manager;
use door_agent::setup::Setup;
use door_agent::{check, identity, local, pairing, run, watch};
use rustix::process::geteuid;
use shared::card::CardUid;
use shared::ids::DoorId;
use shared::reasons::Language;
use shared::wire::pairing::PairingCode;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::time::Duration;
use tokio::io::BufReader;
use tokio::runtime::Runtime;
use tokio::time::timeout;
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
    /// Read, decide and log, but drive no lock: to try a door beside the system that opens it today.
    #[arg(long, global = true)]
    shadow: bool,
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
    /// Ask what this machine cannot know, find its reader by a card, try its lock, and write the settings.
    Setup {
        /// Write the settings anew although they are there.
        #[arg(long)]
        force: bool,
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
        /// The door. Without one every lock rests, which is what the service does when the agent has ended, and no person's act
        /// for the log.
        door: Option<DoorId>,
    },
    /// Tell what would be decided for a card at each door, and why.
    Decide {
        /// The card number in hexadecimal digits.
        uid: String,
    },
    /// Let every lock rest when the agent that started this is killed.
    #[command(hide = true)]
    Guard {
        /// The settings come by standard input and not from the file.
        #[arg(long)]
        told: bool,
    },
}

/// Exit status: start me again (`EX_TEMPFAIL`).
const AGAIN: u8 = 75;
/// Exit status: starting again cannot help (`EX_CONFIG`); the unit knows it.
const NEEDS_A_PERSON: u8 = 78;
/// A service that cannot be started is not tried faster than this.
const BREATH: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let args = Args::parse();
    let log = match Log::start(io::stderr()) {
        Ok(log) => log,
        Err(error) => {
            // Nothing is left to do if even this cannot be written.
            let _ = writeln!(io::stderr(), "door-agent: no thread for the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = try_main(&args, &log);
    log.finish();
    match ended {
        Ok(code) => code,
        Err(error) => {
            tell(&error);
            if matches!(args.command, Command::Run) && needs_a_person(&error) {
                ExitCode::from(NEEDS_A_PERSON)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn try_main(args: &Args, log: &Log) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_new(&args.log)
        .with_context(|| format!("`{}` is no log filter", args.log))?;
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        // A log that cannot be written must not end what keeps the doors.
        .log_internal_errors(false)
        .init();
    // Fails only if it is set already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Command::Setup { force } = args.command {
        let runtime = runtime()?;
        let done = runtime.block_on(set_up(args, force));
        // Whoever gives up does not press Enter first.
        runtime.shutdown_background();
        return done.map(|()| ExitCode::SUCCESS);
    }
    if matches!(args.command, Command::Guard { told: true }) {
        let mut line = io::stdin().lock();
        let config = guard::told(&mut line)?;
        guard::stand(line, &config)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = settings(&args.config, args.shadow)?;
    as_owner_of(&config.state_dir)?;
    if matches!(args.command, Command::Guard { .. }) {
        guard::stand(io::stdin(), &config)?;
        return Ok(ExitCode::SUCCESS);
    }
    runtime()?.block_on(command(args, &config))
}

fn settings(path: &Path, shadow: bool) -> Result<Config, ConfigError> {
    let config = Config::load(path)?;
    Ok(if shadow { config.shadowed() } else { config })
}

/// One thread: nothing the agent does may wait for another.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

async fn set_up(args: &Args, force: bool) -> anyhow::Result<()> {
    if let Ok(config) = Config::load(&args.config) {
        is_stopped(&config.state_dir).await?;
    }
    let setup = Setup {
        machine: &Machine::at(Path::new("/")),
        settings: &args.config,
        force,
        click: Duration::from_secs(1),
        post: |text| Guard::post_telling(&this_program().map_err(io::Error::other)?, text),
    };
    setup
        .run(BufReader::new(tokio::io::stdin()), io::stdout())
        .await
}

async fn is_running(state_dir: &Path) -> bool {
    matches!(control::ask(state_dir, &Ask::Status).await, Ok(Some(_)))
}

/// Readers and lines have one user at a time.
///
/// # Errors
/// If the agent runs.
async fn is_stopped(state_dir: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        !is_running(state_dir).await,
        "the agent runs and has the readers and the lock: stop it first, with `sudo systemctl stop door-agent`"
    );
    Ok(())
}

/// Root becomes whoever owns the state directory: a file of root's in it would be one that the service cannot read.
fn as_owner_of(state_dir: &Path) -> anyhow::Result<()> {
    const ROOT: u32 = 0;
    let Ok(owner) = std::fs::metadata(state_dir) else {
        return Ok(());
    };
    if geteuid().as_raw() != ROOT || owner.uid() == ROOT {
        return Ok(());
    }
    let error = process::Command::new("setpriv")
        .arg(format!("--reuid={}", owner.uid()))
        .arg(format!("--regid={}", owner.gid()))
        .arg("--init-groups")
        .arg(this_program()?)
        .args(std::env::args_os().skip(1))
        .exec();
    Err(error).context("root cannot become the owner of the state directory: run this as that user")
}

/// The program by the name it was started by: what it is to the system may be something that only an emulator can start.
fn this_program() -> anyhow::Result<PathBuf> {
    let name = std::env::args_os().next().map(PathBuf::from);
    match name.filter(|name| name.is_absolute()) {
        Some(name) => Ok(name),
        None => std::env::current_exe().context("this program cannot find itself"),
    }
}

async fn command(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Pair { server, code } => pair(config, server, code).await?,
        Command::Run => return serve(args, config).await,
        Command::Check => {
            let wrong = check::check(config, &Machine::at(Path::new("/")), io::stdout()).await?;
            return Ok(if wrong == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Watch { reveal } => {
            is_stopped(&config.state_dir).await?;
            watch::watch(config, *reveal, io::stdout()).await?;
        }
        Command::Open { door } => {
            local::find(config, door)?;
            match control::ask(&config.state_dir, &Ask::Open(door.clone())).await? {
                Some(answer) => writeln!(io::stdout(), "{answer}")?,
                None => local::open(config, door, posting(args)?).await?,
            }
            if config.shadow {
                writeln!(io::stdout(), "shadow mode: no lock was driven")?;
            }
        }
        Command::Release { door: Some(door) } => {
            local::find(config, door)?;
            match control::ask(&config.state_dir, &Ask::Release(door.clone())).await? {
                Some(answer) => writeln!(io::stdout(), "{answer}")?,
                None => local::release(config, door)?,
            }
        }
        Command::Release { door: None } => {
            anyhow::ensure!(
                !is_running(&config.state_dir).await,
                "the agent runs and lets its locks rest in time: name the door that should rest now"
            );
            local::rest_all(config)?;
        }
        Command::Decide { uid } => decide(config, uid)?,
        // Both were done before there were settings, or without a runtime.
        Command::Setup { .. } | Command::Guard { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    let (manager, managed) = manager();
    let (path, shadow) = (args.config.clone(), args.shadow);
    let load = move || settings(&path, shadow);
    match run::run(config, manager, load, posting(args)?).await {
        Ok(End::Stopped) => Ok(ExitCode::SUCCESS),
        // Whoever starts the agent starts it again after a failure.
        Ok(End::Restart) => Ok(ExitCode::from(AGAIN)),
        Err(error) if managed && !needs_a_person(&error) => {
            tell(&error);
            // It will be started again at once and for ever: a disk or a reader that is gone must not wear out the rest.
            drop(timeout(BREATH, tokio::signal::ctrl_c()).await);
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error),
    }
}

/// How a guard for the same settings is posted.
fn posting(args: &Args) -> anyhow::Result<impl Fn() -> io::Result<Guard> + use<>> {
    let (program, path, shadow) = (this_program()?, args.config.clone(), args.shadow);
    Ok(move || {
        let options: &[&str] = if shadow { &["--shadow"] } else { &[] };
        Guard::post(&program, &path, options)
    })
}

/// Who started this program and wants to hear of it, and whether anybody did.
#[expect(
    clippy::disallowed_methods,
    reason = "the named place where the agent learns who started it"
)]
fn manager() -> (Manager, bool) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else {
        return (Manager::default(), false);
    };
    let watchdog = std::env::var_os("WATCHDOG_USEC");
    let manager = Manager::at(&socket, watchdog.as_deref()).unwrap_or_else(|error| {
        tracing::warn!(reason = %error, "whoever started this program does not listen");
        Manager::default()
    });
    (manager, true)
}

/// Whether starting again cannot help.
fn needs_a_person(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<ConfigError>(),
        Some(ConfigError::Wrong(_))
    ) || matches!(
        error.downcast_ref::<IdentityError>(),
        Some(IdentityError::NotPaired)
    )
}

fn tell(error: &anyhow::Error) {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.dedup();
    // Nothing is left to do if even this cannot be written.
    let _ = writeln!(io::stderr(), "door-agent: {}", causes.join(": "));
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
        let answer = request.send().await.with_context(|| {
            format!("{server} cannot be reached: check the address, and that no firewall keeps this machine from its port")
        })?;
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
        "This is now the agent {} of {}. Next: sudo systemctl enable --now door-agent && sudo door-agent check",
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

/// The card whose printed decimal number was typed, if ten digits without a letter were.
fn printed_number(uid: &CardUid) -> Option<u32> {
    let digits = uid.reveal();
    (digits.len() == 10).then(|| digits.parse().ok())?
}

fn decide(config: &Config, uid: &str) -> anyhow::Result<()> {
    let uid = CardUid::parse(uid)?;
    if let Some(number) = printed_number(&uid) {
        writeln!(
            io::stderr(),
            "ten decimal digits are what is printed on many cards; as a card's number that is {number:08X}"
        )?;
    }
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
