//! Letters of the built server at a real mail server, which refuses, hangs and vanishes; the server is killed between.

use crate::hand_clock::HandClock;
use crate::program::{Program, free_port, python};
use crate::server::Server;
use crate::wait;
use reqwest::Method;
use serde_json::{Value, json};
use shared::time::{Span, Timestamp};
use std::path::Path;
use tempfile::TempDir;

/// Monday 5 January 2026, 10:00 UTC.
const BEGIN: i64 = 1_767_607_200;

struct Club {
    server: Server,
    clock: HandClock,
    mail: Option<Program>,
    port: u16,
    /// Gone after the programs, whose logs are in it.
    folder: TempDir,
}

impl Club {
    /// With Ada, who has a mail address and a card.
    fn open() -> Self {
        let folder = wait::scratch();
        let clock = HandClock::start(folder.path(), Timestamp::from_seconds(BEGIN));
        let port = free_port();
        let mut settings = vec![
            ("SMTP_URL", format!("smtp://127.0.0.1:{port}")),
            ("MAIL_FROM", "club@example.org".to_owned()),
            ("PUBLIC_URL", "https://members.example.org".to_owned()),
        ];
        settings.extend(clock.settings());
        let mut server = Server::new(folder.path(), &settings);
        server.start();
        let ada = json!({"name": "Ada Ömer", "mail": "ada@example.org"});
        server.post("/members", &ada);
        server.post(
            "/cards",
            &json!({"member": 1, "uid": "0415AB3C", "label": "blue fob"}),
        );
        let mut club = Self {
            server,
            clock,
            mail: None,
            port,
            folder,
        };
        club.serve_mail();
        club
    }

    /// Starts the mail server; it takes letters.
    fn serve_mail(&mut self) {
        self.mode("take");
        let mut command = python("mail_server.py");
        command.arg(self.port.to_string()).arg(self.folder.path());
        let mut program = Program::start("mail", self.folder.path(), &mut command);
        wait::until("the mail server listens", || {
            program.must_run();
            std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
        self.mail = Some(program);
    }

    fn mode(&self, mode: &str) {
        std::fs::write(self.folder.path().join("mode"), mode).expect("the test's own folder");
    }

    /// Ada's card is lost once more, and the doors know it: she is written to.
    fn lose(&self) {
        for mark in ["found", "lost"] {
            self.server.post("/cards/1/mark", &json!({"mark": mark}));
        }
        self.pass(Span::seconds(5));
    }

    fn pass(&self, span: Span) {
        self.clock.turn_to(self.clock.now() + span);
    }

    /// Waits until this came of the newest letter.
    fn comes_of_it(&self, outcome: &str) {
        wait::until(outcome, || {
            let newest = self.server.get("/letters?limit=1")["items"][0].clone();
            (newest["outcome"] == outcome).then_some(())
        });
    }

    fn kept(&self, file: &str) -> Vec<Value> {
        lines(&self.folder.path().join(file))
    }

    /// Waits until so many letters were taken.
    fn takes(&self, count: usize) -> Value {
        let taken = wait::until("the letter is taken", || {
            let taken = self.kept("taken");
            (taken.len() >= count).then_some(taken)
        });
        assert_eq!(taken.len(), count, "{taken:?}");
        taken.last().cloned().unwrap_or_default()
    }

    fn open_items(&self, kind: &str) -> usize {
        let listed = self.server.get("/attention");
        let items = listed["items"].as_array().expect("a list").iter();
        items.filter(|item| item["kind"] == kind).count()
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // A line that is being written is read at the next look.
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[test]
fn a_mail_server_gets_each_letter_once_whatever_it_did_before() {
    let mut club = Club::open();
    club.lose();
    let letter = club.takes(1);
    assert_eq!(letter["to"], json!(["ada@example.org"]));
    assert_eq!(letter["from"], "main <club@example.org>");
    assert_eq!(letter["subject"], "Your card is blocked");
    assert_eq!(letter["automatic"], "auto-generated");
    let body = letter["body"].as_str().unwrap_or_default();
    for part in [
        "Hello Ada Ömer",
        "blue fob",
        "https://members.example.org/me",
    ] {
        assert!(body.contains(part), "{body}");
    }
    club.comes_of_it("sent");

    // Later, says the mail server; and meanwhile the server is killed.
    club.mode("later");
    club.lose();
    club.comes_of_it("later 451");
    club.mode("take");
    club.server.restart();
    club.pass(Span::seconds(30));
    club.takes(2);
    club.comes_of_it("sent");

    // It vanishes, and comes back.
    club.mail.take().expect("it runs").kill();
    club.lose();
    club.comes_of_it("unreachable");
    club.serve_mail();
    club.server.restart();
    club.pass(Span::seconds(30));
    club.takes(3);
    club.comes_of_it("sent");

    // It takes nothing from us, whatever it is.
    club.mode("unwelcome");
    club.lose();
    club.comes_of_it("unwelcome 530");
    assert_eq!(club.open_items("mail_stuck"), 1);
    club.mode("take");
    club.server.restart();
    club.pass(Span::seconds(30));
    club.takes(4);
    club.comes_of_it("sent");
    assert_eq!(club.open_items("mail_stuck"), 0);

    // It will never take this one.
    club.mode("refuse");
    club.lose();
    club.comes_of_it("refused 550");
    assert_eq!(club.open_items("mail_refused"), 1);
    club.mode("take");
    club.server.restart();
    club.pass(Span::days(1));
    club.lose();
    let last = club.takes(5);
    let taken = club.kept("taken");
    let ids: std::collections::BTreeSet<&str> = taken
        .iter()
        .filter_map(|letter| letter["id"].as_str())
        .collect();
    assert_eq!(ids.len(), 5, "{ids:?}");
    assert!(
        last["id"]
            .as_str()
            .is_some_and(|id| id.ends_with("@example.org>"))
    );
    let said = club.server.said();
    assert!(!said.contains("ada@") && !said.contains("Ömer"), "{said}");
}

#[test]
fn a_mail_server_that_hangs_holds_up_nothing_and_gets_the_letter_again_under_its_old_id() {
    let mut club = Club::open();
    club.mode("hang");
    club.lose();
    let held = wait::until("the mail server hangs", || club.kept("held").pop());
    // Everything else goes on, and a kill in the middle loses nothing.
    let asked = club.server.request(Method::GET, "/readyz", None).send();
    assert_eq!(asked.expect("it answers").status, 200);
    club.mode("take");
    club.server.restart();
    assert!(
        club.kept("taken").is_empty(),
        "who took it may still be sending it"
    );
    club.pass(Span::minutes(5));
    let taken = club.takes(1);
    assert_eq!(taken["id"], held["id"]);
    assert_eq!(taken["date"], held["date"]);
    club.comes_of_it("sent");

    club.mode("hang");
    club.lose();
    club.comes_of_it("unreachable");
}

#[test]
fn without_a_mail_server_letters_lie_where_only_the_server_reads_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = wait::scratch();
    let mut server = Server::new(folder.path(), &[]);
    server.start();
    let ada = json!({"name": "Ada", "mail": "ada@example.org"});
    server.post("/members", &ada);
    server.post("/cards", &json!({"member": 1, "uid": "0415AB3C"}));
    server.post("/cards/1/mark", &json!({"mark": "lost"}));
    let place = folder.path().join("data/mail/main");
    let file = wait::until("the letter lies there", || {
        let mut files = std::fs::read_dir(&place).ok()?;
        files.next()?.ok().map(|file| file.path())
    });
    let rights = std::fs::metadata(&file).expect("it is there").permissions();
    assert_eq!(rights.mode() & 0o777, 0o600);
    wait::until("it is whole", || {
        let text = std::fs::read_to_string(&file).ok()?;
        (text.contains("To: Ada <ada@example.org>") && text.contains("/me")).then_some(())
    });
}
