//! Programs that tests start: each ends with its handle, and shows the end of its log if its test fails.

use crate::wait;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

/// Where programs of this machine are that are not on everybody's path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const SHOWN_LINES: usize = 60;

/// A program that was started.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    /// What the log held before this start.
    before: usize,
}

/// A command without anything of this process's environment.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH).stdin(Stdio::null());
    command
}

/// One of the built programs.
pub fn built(name: &str) -> Command {
    command(wait::folder("GS_BIN_DIR").join(name))
}

/// A Python script of this folder, in the environment with Stripe's library.
pub fn python(script: &str) -> Command {
    let mut command = command(wait::folder("GS_VENV").join("bin/python"));
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("real");
    command.arg("-u").arg(scripts.join(script));
    command
}

fn appended(log: &Path) -> File {
    let file = OpenOptions::new().create(true).append(true).open(log);
    file.expect("a log in the test's own folder")
}

impl Program {
    /// Starts it; everything it says goes to a log in the folder.
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let before = std::fs::read(&log).map_or(0, |text| text.len());
        let child = command
            .stdout(appended(&log))
            .stderr(appended(&log))
            .spawn();
        Self {
            name: name.to_owned(),
            child: child.unwrap_or_else(|error| panic!("{name} cannot be started: {error}")),
            log,
            before,
        }
    }

    /// What it has said since it was started.
    pub fn said(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let own = log.get(self.before..).unwrap_or_default();
        String::from_utf8_lossy(own).into_owned()
    }

    /// Kills it: it has no moment left to do anything.
    pub fn kill(mut self) {
        self.end();
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, signal: &str) {
        let sent = command("kill")
            .args(["-s", signal, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success(), "{}", self.name);
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of this process")
    }

    /// Fails if it has ended by itself.
    pub fn must_run(&mut self) {
        if let Some(status) = self.ended() {
            panic!("{} ended by itself: {status}", self.name);
        }
    }

    fn end(&mut self) {
        // Fails only if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
            eprintln!("--- {} said last:\n{}", self.name, shown.join("\n"));
        }
    }
}

/// A program that answers each line with a line.
pub struct Answering {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    program: Program,
}

impl Answering {
    /// Starts it and waits for its first line.
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(appended(&log))
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        let mut answering = Self {
            input: child.stdin.take().expect("it was asked for"),
            output: BufReader::new(child.stdout.take().expect("it was asked for")),
            program: Program {
                name: name.to_owned(),
                child,
                log,
                before: 0,
            },
        };
        assert_eq!(answering.read(), "ready", "{name}");
        answering
    }

    /// Says a line and reads the answer.
    pub fn ask(&mut self, line: &str) -> String {
        writeln!(self.input, "{line}")
            .unwrap_or_else(|error| panic!("{} does not listen: {error}", self.program.name));
        self.read()
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .unwrap_or_else(|error| panic!("{} does not answer: {error}", self.program.name));
        assert!(!line.is_empty(), "{} has ended", self.program.name);
        line.trim_end().to_owned()
    }
}

/// A free port outside the range from which the system takes ports for outgoing connections.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run side by side begin at different places.
    let begin = u16::try_from(std::process::id().wrapping_mul(61) % u32::from(COUNT))
        .expect("less than that");
    (0..COUNT)
        .map(|_| FIRST + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of ten thousand ports is free")
}
