//! Locks that people at the machine release while no agent runs: however that is ended, they rest.

use crate::{Door, PAID, Running, pair_and_fill};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use tokio_serial::{SerialPort, SerialStream};

/// What `kill`, a connection that is lost and the last resort send.
const ENDS: [&str; 3] = ["TERM", "HUP", "KILL"];

fn send(signal: &str, running: &Running) {
    let pid = running.0.id().to_string();
    let sent = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(sent.expect("kill runs").success());
}

#[test]
fn a_lock_opened_by_hand_rests_however_the_command_is_ended() {
    for signal in ENDS {
        let mut door = Door::new();
        pair_and_fill(&door.state());
        let mut running = door.run_with(&["open", "front"]);
        door.wait_for("\"released\"");
        send(signal, &running);
        // The lock's own time is a minute.
        door.wait_for("\"rest\"");
        let ended = running.0.wait().expect("it ends");
        assert_eq!(ended.success(), signal != "KILL", "{signal}");
    }
}

#[tokio::test]
async fn a_lock_that_clicks_for_the_setup_rests_however_that_is_ended() {
    for signal in ENDS {
        let mut door = Door::new();
        let (mut reader, line) = SerialStream::pair().expect("a pseudo terminal");
        let name = line.name().expect("a pseudo terminal has a name");
        let setup = door
            .command(&["setup", "--force"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut running = Running(setup.expect("it starts"));
        let mut keys = running.0.stdin.take().expect("a pipe");
        let screen = running.0.stdout.take().expect("a pipe");
        let mut screen = BufReader::new(screen).lines().map_while(Result::ok);
        let mut read_to = |phrase: &str| {
            let line = screen.find(|line| line.contains(phrase));
            line.expect("the setup goes on");
        };
        let mut types = |text: &str| writeln!(keys, "{text}").expect("it listens");
        read_to("name on the server");
        types("");
        read_to("Hold a card");
        types(&name);
        read_to(&format!("{name}: listening"));
        read_to("Hold a card");
        reader.write_all(b"04A1B2C3\r\n").expect("it is heard");
        read_to("A card that ends in");
        let lock = door.folder.path().join("lock");
        types(&lock.display().to_string());
        read_to("Seconds");
        types("");
        read_to("Stand by the lock");
        types("");
        door.wait_for("\"released\"");
        send(signal, &running);
        door.wait_for("\"rest\"");
        assert!(!running.0.wait().expect("it ends").success(), "{signal}");
    }
}

#[test]
fn who_wires_or_sets_up_a_reader_is_told_to_stop_the_agent_first() {
    let mut door = Door::new();
    pair_and_fill(&door.state());
    let _running = door.run();
    door.tap(PAID);
    door.wait_for("\"released\"");
    for args in [&["watch"][..], &["setup", "--force"]] {
        let ended = door.says(args);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success(), "{args:?}");
        assert!(said.contains("sudo systemctl stop door-agent"), "{said}");
    }
}

#[test]
fn what_is_typed_as_it_is_printed_on_a_card_is_explained() {
    let door = Door::new();
    pair_and_fill(&door.state());
    let said = |uid| {
        let ended = door.says(&["decide", uid]);
        String::from_utf8_lossy(&ended.stderr).into_owned()
    };
    assert!(said("0012345678").contains("that is 00BC614E"));
    assert_eq!(said("001234567A"), "");
}
