//! The packages for Raspberry Pis: their programs run under an emulator, beside the server of this machine.
//!
//! `tests/run pi` builds the packages and says where they are.

use crate::agent::{Agent, Seen};
use crate::club::{Club, Kill, Way};
use crate::program::command;
use crate::stripe::WOOD;
use crate::wait;
use door_agent::config::{Config, Door, Format, Level, Source, Wiring};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const CARD: &str = "62E3086CED";
const SECOND: &str = "62E3086CEF";
const STRANGER: &str = "62E3086CEE";
const UNIT: &str = "usr/lib/systemd/system/door-agent.service";

/// An unpacked package, and a program that starts its agent in the emulator.
struct Package {
    root: TempDir,
    agent: PathBuf,
}

impl Package {
    /// Of an architecture: the package that a variable names, and the emulator with the libraries of that kind of machine.
    fn unpack(variable: &str, emulator: &str, libraries: &str) -> Self {
        let root = wait::scratch();
        let unpacked = command("dpkg-deb")
            .arg("-x")
            .arg(wait::folder(variable))
            .arg(root.path())
            .status();
        assert!(unpacked.expect("dpkg-deb is there").success());
        let (agent, program) = (
            root.path().join("agent"),
            root.path().join("usr/bin/door-agent"),
        );
        // The agent starts its guard by the name it was started by itself.
        let script = format!(
            "#!/bin/sh\nexec {emulator} -L {libraries} -0 \"$0\" {} \"$@\"\n",
            program.display()
        );
        fs::write(&agent, script).expect("the test's own folder");
        fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).expect("its own file");
        Self { root, agent }
    }

    fn arm64() -> Self {
        Self::unpack(
            "GS_DEB_ARM64",
            "qemu-aarch64-static",
            "/usr/aarch64-linux-gnu",
        )
    }

    fn armhf() -> Self {
        Self::unpack(
            "GS_DEB_ARMHF",
            "qemu-arm-static",
            "/usr/arm-linux-gnueabihf",
        )
    }

    /// A file of the package by its path on the Pi.
    fn file(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn agent(&self) -> Command {
        command(&self.agent)
    }
}

/// What a line of a unit sets, each time it does.
pub fn set<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value)
        .collect()
}

fn pairs_decides_and_rests(package: &Package) {
    let mut club = Club::furnished(Way::Webhook, &[]);
    club.agent = Agent::emulated(club.folder.path(), &["front", "back"], &package.agent);
    club.bring_agent();
    let ada = club.member("Ada", CARD);
    club.server
        .post("/cards", &json!({"member": ada, "uid": SECOND}));
    club.subscribe("Ada", WOOD);
    club.deliver(Kill::Never);

    assert_eq!(club.tap("front", CARD), Seen::Opens);
    wait::until("the lock rests by its deadline", || {
        club.agent.rests().then_some(())
    });
    assert_eq!(club.tap("back", CARD), Seen::Refuses);
    assert_eq!(club.tap("front", STRANGER), Seen::Refuses);
    club.badges_are(&[
        ("front", "granted"),
        ("back", "unknown"),
        ("front", "unknown"),
    ]);

    // The Pi's clock is this machine's, which nothing may have synchronised, and of its hardware nothing is real: of all else nothing is wrong.
    let check = club.agent.says(&["check"]);
    let told = String::from_utf8_lossy(&check.stdout).into_owned();
    let wrong = |line: &&str| line.starts_with("WRONG ") && !line.starts_with("WRONG clock");
    assert_eq!(told.lines().find(wrong), None, "{told}");

    // Without a server, and killed while the lock is released: the guard lets it rest.
    club.server.kill();
    assert_eq!(club.tap("front", SECOND), Seen::Opens);
    club.agent.kill();
    wait::until("the guard lets the lock rest", || {
        club.agent.rests().then_some(())
    });
}

fn has_what_its_unit_expects(package: &Package) {
    let unit = package.text(UNIT);
    for key in ["ExecStart", "ExecStopPost"] {
        for line in set(&unit, key) {
            let mut words = line.trim_start_matches('-').split_whitespace();
            let program = package.file(words.next().expect("a program"));
            let mode = fs::metadata(&program).expect("it is in the package");
            assert_eq!(mode.permissions().mode() & 0o111, 0o111, "{program:?}");
            // Understood, though nothing is done: an option that the agent does not know would end this in failure.
            let understood = package.agent().args(words).arg("--help").output();
            assert!(understood.expect("it runs").status.success(), "{line}");
        }
    }

    let users = package.text("usr/lib/sysusers.d/door-agent.conf");
    let user = set(&unit, "User")[0];
    assert!(
        users
            .lines()
            .any(|line| line.starts_with(&format!("u {user} ")))
    );
    for group in set(&unit, "SupplementaryGroups")[0].split_whitespace() {
        let member = format!("m {user} {group}");
        assert!(users.lines().any(|line| line == member), "{member}");
    }

    let example = package.text("usr/share/doc/door-agent/door-agent.toml");
    let config = Config::parse(&example).expect("an example that is valid");
    let [Door { reader, wiring, .. }] = &config.doors[..] else {
        panic!("one door");
    };
    assert!(matches!(
        reader.source,
        Source::Serial {
            format: Format::Rdm6300,
            ..
        }
    ));
    assert!(matches!(wiring, Wiring::Gpio(pins) if pins.lock.active == Level::High));
    let state = Path::new("/var/lib").join(set(&unit, "StateDirectory")[0]);
    assert_eq!(config.state_dir, state);
    let made = format!(
        "d {} {} {user} {user}",
        state.display(),
        set(&unit, "StateDirectoryMode")[0]
    );
    let files = package.text("usr/lib/tmpfiles.d/door-agent.conf");
    assert!(files.lines().any(|line| line == made), "{made}");

    // Where the unit looks for settings, the program looks too.
    let help = package.agent().arg("--help").output().expect("it runs");
    let settings = set(&unit, "ConditionPathExists")[0];
    assert!(String::from_utf8_lossy(&help.stdout).contains(&format!("[default: {settings}]")));
}

#[test]
fn an_arm64_agent_pairs_decides_and_rests() {
    pairs_decides_and_rests(&Package::arm64());
}

#[test]
fn an_armhf_agent_pairs_decides_and_rests() {
    pairs_decides_and_rests(&Package::armhf());
}

#[test]
fn the_arm64_package_has_what_its_unit_expects() {
    has_what_its_unit_expects(&Package::arm64());
}

#[test]
fn the_armhf_package_has_what_its_unit_expects() {
    has_what_its_unit_expects(&Package::armhf());
}

/// Every line of the unit is one that systemd knows, where systemd is there to say so.
#[test]
fn systemd_understands_the_unit() {
    let package = Package::arm64();
    let unit = package.root.path().join("door-agent.service");
    // The program is where it would be on a Pi.
    let here = package
        .text(UNIT)
        .replace("/usr/bin/door-agent", &package.agent.display().to_string());
    fs::write(&unit, here).expect("the test's own folder");
    let verified = command("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(&unit)
        .output()
        .expect("systemd is there");
    let told = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && told.is_empty(), "{told}");
}
