//! The agent as a service: whose files it writes, how it looks just after its start, and that in shadow mode it drives nothing.

use crate::{Door, PAID, STRANGER, pair_and_fill};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

/// What the running agent says of itself.
fn status(state: &Path) -> String {
    let mut stream = UnixStream::connect(state.join("control.sock")).expect("it listens");
    stream.write_all(b"\"status\"\n").expect("it listens");
    let mut status = String::new();
    stream.read_to_string(&mut status).expect("it answers");
    status
}

/// How many badge events wait for the server.
fn events(state: &Path) -> u32 {
    let status = status(state);
    let line = status
        .lines()
        .find_map(|line| line.strip_suffix(" events wait in the spool"));
    line.and_then(|count| count.parse().ok())
        .unwrap_or_else(|| panic!("{status}"))
}

#[test]
fn what_an_agent_that_has_only_just_started_lacks_is_no_alarm() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    let _running = door.run();
    door.tap(STRANGER);
    door.wait_for("\"refused\"");
    let check = door.says(&["check"]);
    let text = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(
        text.contains("note  broker: ") && text.contains("look again in a minute"),
        "{text}"
    );
}

#[test]
fn in_shadow_mode_cards_are_decided_and_logged_and_nothing_is_driven() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    let mut running = door.run_with(&["--shadow", "run"]);
    let control = door.state().join("control.sock");
    while UnixStream::connect(&control).is_err() {
        assert!(running.0.try_wait().expect("a child").is_none());
        std::thread::yield_now();
    }
    let before = events(&door.state());
    door.tap(PAID);
    while events(&door.state()) == before {
        std::thread::yield_now();
    }
    running.0.kill().expect("it is killed");
    drop(running);

    // The first that the lock ever hears is a start that is none of a shadow.
    let _running = door.run();
    assert_eq!(door.wait_for("\"rest\""), Vec::<String>::new());
}

#[test]
fn what_root_calls_writes_as_the_owner_of_the_state_directory() {
    const NOBODY: u32 = 65_534;
    if fs::metadata("/proc/self").expect("there").uid() != 0 {
        // Only root can become somebody else.
        return;
    }
    let door = Door::new();
    pair_and_fill(&door.state());
    let folder = door.folder.path();
    // The other user has to reach the program and everything it is told to use.
    let program = folder.join("door-agent");
    fs::copy(env!("CARGO_BIN_EXE_door-agent"), &program).expect("its own folder");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("its own folder");
    let mut state = vec![door.state()];
    while let Some(path) = state.pop() {
        chown(&path, Some(NOBODY), Some(NOBODY)).expect("root may");
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("its own folder");
            state.extend(entries.map(|entry| entry.expect("an entry").path()));
        }
    }
    chown(folder.join("lock"), Some(NOBODY), Some(NOBODY)).expect("root may");
    let released = Command::new(&program)
        .arg("--config")
        .arg(folder.join("settings.toml"))
        .args(["release", "front"])
        .status();
    assert!(released.expect("it runs").success());
    let badges = fs::read_dir(door.state().join("badges")).expect("it is logged");
    let owners: Vec<u32> = badges
        .map(|entry| entry.expect("an entry").metadata().expect("there").uid())
        .collect();
    assert!(
        !owners.is_empty() && owners.iter().all(|owner| *owner == NOBODY),
        "{owners:?}"
    );
}

#[test]
fn without_a_door_every_lock_rests_unless_an_agent_runs() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    assert!(door.says(&["release"]).status.success());
    door.wait_for("\"rest\"");
    let running = door.run();
    door.tap(PAID);
    door.wait_for("\"released\"");
    let refused = door.says(&["release"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("name the door"));
    drop(running);
}
