//! New settings while the agent runs: no lock that is released rests for them, and wrong ones change nothing.

use crate::{Door, PAID, Running, STRANGER, pair_and_fill};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const REST: &str = "\"lock\":\"rest\"";
const BACK: &str = "\"back\"";

/// A second door of the agent, made of FIFOs as the first one is.
struct Back {
    lock: BufReader<File>,
    reader: File,
    /// What the settings say of it.
    settings: String,
}

impl Back {
    fn new(door: &Door) -> Self {
        let path = door.folder.path();
        let both = |name: &str| {
            let path = path.join(name);
            let made = Command::new("mkfifo").arg(&path).status();
            assert!(made.expect("mkfifo runs").success());
            let mut options = OpenOptions::new();
            options.read(true).write(true).open(path).expect("it opens")
        };
        let (lock, reader) = (BufReader::new(both("back-lock")), both("back-reader"));
        let path = path.display();
        Self {
            lock,
            reader,
            settings: format!(
                "[[door]]\nid = \"back\"\n[door.reader]\nkind = \"simulated\"\ninput = \"{path}/back-reader\"\n\
                 [door.lock]\nkind = \"simulated\"\noutput = \"{path}/back-lock\"\n"
            ),
        }
    }

    fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            self.lock.read_line(&mut line).expect("it reads");
            assert!(line.contains(BACK), "{line}");
        }
    }

    fn tap(&mut self, uid: &str) {
        writeln!(self.reader, "{{\"door\":\"back\",\"card\":\"{uid}\"}}").expect("it writes");
    }
}

fn hang_up(running: &Running) {
    let pid = running.0.id().to_string();
    let sent = Command::new("kill").args(["-s", "HUP", &pid]).status();
    assert!(sent.expect("kill runs").success());
}

fn settings(door: &Door) -> String {
    fs::read_to_string(door.folder.path().join("settings.toml")).expect("it reads")
}

fn write(door: &Door, settings: &str) {
    fs::write(door.folder.path().join("settings.toml"), settings).expect("it writes");
}

#[test]
fn a_door_that_comes_or_goes_lets_no_other_lock_rest_and_is_guarded_as_well() {
    let mut door = Door::new();
    let mut back = Back::new(&door);
    pair_and_fill(&door.state());
    let mut running = door.run();
    door.tap(PAID);
    door.wait_for("\"released\"");

    let one = settings(&door);
    let two = format!("{one}{}", back.settings);
    write(&door, &two);
    hang_up(&running);
    back.wait_for(REST);
    // It is the agent's own already, although the server has not given it a zone.
    back.tap(PAID);
    back.wait_for("\"door_trouble\"");

    // Gone: its lock rests once more, and then nobody is left who would say anything there.
    write(&door, &one);
    hang_up(&running);
    back.wait_for(REST);
    write(&door, &two);
    hang_up(&running);
    back.wait_for(REST);

    // Through all of that the first door stood released, and its reader was heard.
    door.tap(STRANGER);
    let before = door.wait_for("\"refused\"");
    assert!(
        before.iter().all(|line| !line.contains("\"lock\"")),
        "{before:?}"
    );

    running.0.kill().expect("it is killed");
    back.wait_for(REST);
    door.wait_for(REST);
}

#[test]
fn wrong_settings_are_refused_and_the_old_ones_stay() {
    let mut door = Door::new();
    let mut back = Back::new(&door);
    pair_and_fill(&door.state());
    let agent = door.command(&["run"]).stderr(Stdio::piped()).spawn();
    let mut running = Running(agent.expect("it starts"));
    let log = running.0.stderr.take().expect("a pipe");
    let mut log = BufReader::new(log).lines().map_while(Result::ok);
    door.tap(PAID);
    door.wait_for("\"released\"");
    let one = settings(&door);
    let two = format!("{one}{}", back.settings);
    let nowhere = format!("{}/nowhere/lock", door.folder.path().display());
    let lock = format!("{}/back-lock", door.folder.path().display());
    for (wrong, reason) in [
        (two.replace("kind", "kidn"), "`door.reader.kind` is missing"),
        (two.replace("/state\"", "/other\""), "restart the agent"),
        // The settings are right, and the hardware is not there.
        (two.replace(&lock, &nowhere), "nowhere/lock"),
    ] {
        write(&door, &wrong);
        hang_up(&running);
        let told = log.find(|line| line.contains("the settings stay as they were"));
        let told = told.expect("the agent runs");
        assert!(told.contains(reason), "{told}");
    }
    door.tap(STRANGER);
    let before = door.wait_for("\"refused\"");
    assert!(
        before.iter().all(|line| !line.contains("\"lock\"")),
        "{before:?}"
    );
    // The next right ones are taken.
    write(&door, &two);
    hang_up(&running);
    back.wait_for(REST);
}

#[test]
fn a_door_that_is_another_one_rests_first_and_a_reader_that_moves_is_heard_at_its_new_place() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    let running = door.run();
    door.tap(PAID);
    door.wait_for("\"released\"");
    let one = settings(&door);
    write(
        &door,
        &one.replace("unlock_seconds = 60", "unlock_seconds = 59"),
    );
    hang_up(&running);
    door.wait_for(REST);
    door.tap(PAID);
    door.wait_for("\"released\"");

    let mut back = Back::new(&door);
    let moved = settings(&door).replace("/reader\"", "/back-reader\"");
    write(&door, &moved);
    hang_up(&running);
    writeln!(
        back.reader,
        "{{\"door\":\"front\",\"card\":\"{STRANGER}\"}}"
    )
    .expect("it writes");
    let before = door.wait_for("\"refused\"");
    assert!(
        before.iter().all(|line| !line.contains("\"lock\"")),
        "{before:?}"
    );
}

#[test]
fn a_door_whose_hardware_is_not_there_keeps_no_other_from_its_service_and_comes_with_a_reload() {
    let mut door = Door::new();
    let mut back = Back::new(&door);
    pair_and_fill(&door.state());
    let folder = door.folder.path().to_owned();
    let later = back.settings.replace("/back-lock", "/later/back-lock");
    let two = format!("{}{later}", settings(&door));
    write(&door, &two);
    let running = door.run();
    door.tap(PAID);
    door.wait_for("\"released\"");
    fs::create_dir(folder.join("later")).expect("its own folder");
    let lock = folder.join("later/back-lock");
    std::os::unix::fs::symlink(folder.join("back-lock"), lock).expect("its own folder");
    hang_up(&running);
    back.wait_for(REST);
    back.tap(PAID);
    back.wait_for("\"door_trouble\"");
}
