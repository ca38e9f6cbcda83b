//! Debian's Mosquitto in place of the embedded broker, with a password and exact topics for everybody.

use crate::agent::{AGENT, Agent, Seen};
use crate::club::{Club, Kill, Way};
use crate::program::{Program, command, free_port};
use crate::stripe::WOOD;
use crate::wait;
use door_agent::disk::Directory;
use door_agent::identity;
use std::fs;
use std::path::{Path, PathBuf};

const CARD: &str = "62E3086CED";
const USER: &str = "goodstanding";
const PASSWORD: &str = "of the server, long enough";

/// What the embedded broker's table says, in Mosquitto's words.
const TOPICS: &str = "\
user goodstanding
topic readwrite gs/1/#

user pi
topic read gs/1/main/zones/wood/head
topic read gs/1/main/zones/wood/policy
topic read gs/1/main/zones/wood/delta
topic read gs/1/main/zones/metal/head
topic read gs/1/main/zones/metal/policy
topic read gs/1/main/zones/metal/delta
topic write gs/1/main/doors/front/status
topic write gs/1/main/doors/back/status

pattern read gs/1/main/agents/%u/config
pattern read gs/1/main/agents/%u/sync
pattern read gs/1/main/agents/%u/ack
pattern read gs/1/main/agents/%u/command
pattern write gs/1/main/agents/%u/request
pattern write gs/1/main/agents/%u/report
pattern write gs/1/main/agents/%u/events
pattern write gs/1/main/agents/%u/result
";

struct Mosquitto {
    folder: PathBuf,
    port: u16,
    program: Option<Program>,
}

impl Mosquitto {
    fn new(folder: &Path) -> Self {
        let port = free_port();
        let (passwords, topics) = (folder.join("passwords"), folder.join("topics"));
        let settings = format!(
            "listener {port} 127.0.0.1\nuser root\nallow_anonymous false\npassword_file {}\nacl_file {}\n\
             persistence false\nlog_dest stdout\n",
            passwords.display(),
            topics.display()
        );
        fs::write(folder.join("mosquitto.conf"), settings).expect("the test's own folder");
        fs::write(topics, TOPICS).expect("the test's own folder");
        let mosquitto = Self {
            folder: folder.to_owned(),
            port,
            program: None,
        };
        mosquitto.know(&[(USER, PASSWORD)]);
        mosquitto
    }

    /// Writes down who may come, each with a hash of the password.
    fn know(&self, users: &[(&str, &str)]) {
        let path = self.folder.join("passwords");
        let lines: Vec<String> = users
            .iter()
            .map(|(name, password)| format!("{name}:{password}\n"))
            .collect();
        fs::write(&path, lines.concat()).expect("the test's own folder");
        let hashed = command("mosquitto_passwd").arg("-U").arg(&path).status();
        assert!(hashed.expect("it is installed with mosquitto").success());
    }

    fn start(&mut self) {
        let mut command = command("mosquitto");
        command
            .arg("-c")
            .arg(self.folder.join("mosquitto.conf"))
            .arg("-v");
        let mut program = Program::start("mosquitto", &self.folder, &mut command);
        wait::until("mosquitto listens", || {
            program.must_run();
            std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
        self.program = Some(program);
    }

    fn kill(&mut self) {
        self.program.take().expect("it runs").kill();
    }

    fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

/// The password that the server gave the agent when it was paired.
fn password(agent: &Agent) -> String {
    let disk = Directory::read_only(&agent.state());
    let (_, paired) = identity::load(&disk).expect("it is paired");
    paired.pairing.password
}

#[test]
fn a_paid_card_opens_by_mosquitto_and_after_server_and_broker_were_killed() {
    let folder = wait::scratch();
    let mut mosquitto = Mosquitto::new(folder.path());
    mosquitto.start();
    let settings = [
        ("MQTT_URL", mosquitto.url()),
        ("MQTT_USERNAME", USER.to_owned()),
        ("MQTT_PASSWORD", PASSWORD.to_owned()),
    ];
    let mut club = Club::furnished(Way::Webhook, &settings);
    club.agent.pair(&club.server.site());
    club.place_doors();
    mosquitto.know(&[(USER, PASSWORD), (AGENT, &password(&club.agent))]);
    let program = mosquitto.program.as_ref().expect("it runs");
    program.signal("HUP");
    club.agent.start();
    club.settled();

    let ada = club.member("Ada", CARD);
    assert_eq!(club.tap("front", CARD), Seen::Refuses);
    club.subscribe("Ada", WOOD);
    club.deliver(Kill::Never);
    assert_eq!(club.state(ada), "good");
    assert_eq!(club.tap("front", CARD), Seen::Opens);
    club.badges_are(&[("front", "unknown"), ("front", "granted")]);

    mosquitto.kill();
    assert_eq!(club.tap("front", CARD), Seen::Opens);
    club.server.kill();
    club.agent.restart();
    assert_eq!(club.tap("front", CARD), Seen::Opens);
    club.server.start();
    mosquitto.start();
    club.badges_are(&[
        ("front", "unknown"),
        ("front", "granted"),
        ("front", "granted"),
        ("front", "granted"),
    ]);
    let log = fs::read_to_string(folder.path().join("mosquitto.log")).expect("a log");
    let denied: Vec<&str> = log.lines().filter(|line| line.contains("Denied")).collect();
    assert!(denied.is_empty(), "{denied:?}");
}
