use super::*;
use crate::config::{Format, Source, Wiring};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt, BufReader, duplex};
use tokio_serial::{SerialPort, SerialStream};

/// What the person waits for, and what they do then.
type Step<'a> = (&'a str, Does<'a>);

#[derive(Clone, Copy)]
enum Does<'a> {
    Types(&'a str),
    Taps(&'a [u8]),
}
use Does::{Taps, Types};

const RDM6300: &[u8] = b"\x0262E3086CED08\x03";

/// A machine with one serial line at `/dev/ttyUSB0`, and a person at its keyboard.
struct Desk {
    root: TempDir,
    reader: SerialStream,
}

/// What was said to the person.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().expect("nobody panics with it"), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("nobody panics with it").clone()).expect("text")
    }
}

impl Desk {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let (reader, line) = SerialStream::pair().expect("a pseudo terminal");
        std::fs::create_dir_all(root.path().join("dev")).expect("its own folder");
        let name = line.name().expect("a pseudo terminal has a name");
        std::os::unix::fs::symlink(name, root.path().join("dev/ttyUSB0")).expect("its own folder");
        // The other end is opened by whoever listens.
        drop(line);
        Self { root, reader }
    }

    fn settings(&self) -> PathBuf {
        self.root.path().join("door-agent.toml")
    }

    /// A person sits down and goes away after the last step; what came of it, and what stood on the screen.
    async fn sit(&mut self, force: bool, steps: &[Step<'_>]) -> (anyhow::Result<()>, String) {
        let machine = Machine::at(self.root.path());
        let settings = self.settings();
        let setup = Setup {
            machine: &machine,
            settings: &settings,
            force,
            click: Duration::ZERO,
        };
        let screen = Screen::default();
        let (mut keys, input) = duplex(4096);
        let reader = &mut self.reader;
        let person = async {
            let mut read = 0;
            for (phrase, does) in steps {
                while !screen.text()[read..].contains(phrase) {
                    tokio::task::yield_now().await;
                }
                read = screen.text().len();
                match does {
                    Types(line) => keys.write_all(format!("{line}\n").as_bytes()).await,
                    Taps(bytes) => AsyncWriteExt::write_all(reader, bytes).await,
                }
                .expect("somebody reads");
            }
            drop(keys);
            std::future::pending().await
        };
        let done = tokio::select! {
            done = setup.run(BufReader::new(input), screen.clone()) => done,
            () = person => unreachable!("it waits for ever"),
        };
        (done, screen.text())
    }
}

#[tokio::test]
async fn a_card_tells_reader_and_format_the_lock_clicks_and_the_settings_are_written() {
    let mut desk = Desk::new();
    let lock = desk.root.path().join("lock").display().to_string();
    let steps = [
        ("name on the server [front]:", Types("side")),
        ("Hold a card", Taps(RDM6300)),
        ("A card that ends in", Types(&lock)),
        ("Seconds", Types("")),
        ("Stand by the lock", Types("")),
        ("Did it click?", Types("again")),
        ("Stand by the lock", Types("")),
        ("Did it click?", Types("y")),
        ("inside already?", Types("yes")),
    ];
    let (done, screen) = desk.sit(false, &steps).await;
    done.expect("it is written");
    assert!(!screen.contains("62E3086CED"), "{screen}");
    let config = Config::load(&desk.settings()).expect("valid");
    assert_eq!(config.inside, Some(true));
    let door = &config.doors[0];
    assert_eq!((door.id.as_str(), config.doors.len()), ("side", 1));
    let reader = Source::Serial {
        device: PathBuf::from("/dev/ttyUSB0"),
        format: Format::Rdm6300,
        baud: 9_600,
    };
    assert_eq!(door.reader.source, reader);
    assert!(
        matches!(&door.wiring, Wiring::Simulated { output } if output.to_str() == Some(&*lock))
    );
    let clicks = std::fs::read_to_string(&lock).expect("there");
    let words: Vec<_> = clicks
        .lines()
        .map(|line| {
            if line.contains("released") {
                "released"
            } else {
                "rest"
            }
        })
        .collect();
    assert_eq!(
        words,
        ["rest", "released", "rest", "rest", "released", "rest"]
    );
}

#[tokio::test]
async fn settings_that_are_there_are_written_over_only_by_force() {
    let mut desk = Desk::new();
    std::fs::write(desk.settings(), "mine").expect("its own folder");
    let (done, screen) = desk.sit(false, &[]).await;
    let error = done.expect_err("refused").to_string();
    assert!(error.contains("--force") && screen.is_empty(), "{error}");
    assert_eq!(
        std::fs::read_to_string(desk.settings()).expect("there"),
        "mine"
    );
    let lock = desk.root.path().join("lock").display().to_string();
    let steps = [
        ("name on the server", Types("")),
        ("Hold a card", Taps(b"04A1B2C3\r\n")),
        ("A card that ends in", Types(&lock)),
        ("Seconds", Types("7")),
        ("Stand by the lock", Types("")),
        ("Did it click?", Types("yes")),
        ("inside already?", Types("no")),
    ];
    desk.sit(true, &steps).await.0.expect("it is written");
    assert_eq!(
        Config::load(&desk.settings()).expect("valid").inside,
        Some(false)
    );
}

#[tokio::test]
async fn a_relay_that_would_open_the_door_at_every_start_is_not_taken() {
    let mut desk = Desk::new();
    let steps = [
        ("name on the server", Types("")),
        ("Hold a card", Taps(RDM6300)),
        ("A card that ends in", Types("17")),
        ("high or low", Types("low")),
        ("No: the Pi pulls GPIO 17 low", Types("17")),
        ("high or low", Types("")),
        ("rests from power-on", Types("0")),
        ("That cannot be", Types("q")),
    ];
    let (done, screen) = desk.sit(false, &steps).await;
    assert!(done.is_err() && !desk.settings().exists(), "{screen}");
}

#[tokio::test]
async fn whoever_gives_up_or_goes_away_leaves_nothing_behind() {
    let mut desk = Desk::new();
    let (done, _) = desk
        .sit(
            false,
            &[
                ("name on the server", Types("")),
                ("Hold a card", Types("q")),
            ],
        )
        .await;
    assert!(
        done.expect_err("given up")
            .to_string()
            .contains("nothing was written")
    );
    let gone = [
        ("name on the server", Types("")),
        ("Hold a card", Types("")),
        ("Hold a card", Taps(RDM6300)),
    ];
    let (done, _) = desk.sit(false, &gone).await;
    assert!(
        done.expect_err("nobody")
            .to_string()
            .contains("nobody answers")
    );
    assert!(!desk.settings().exists());
}

#[tokio::test]
async fn a_line_that_speaks_another_rate_is_tried_at_the_next_one() {
    let mut desk = Desk::new();
    let steps = [
        ("name on the server", Types("")),
        (
            "Hold a card",
            Taps(&[
                0x80, 0, 0xf8, 0x1c, 0x80, 0, 0xf8, 0x1c, 0x80, 0, 0xf8, 0x1c, 0x80, 0, 0xf8, 0x1c,
                0x80, 0, 0xf8, 0x1c, 0x80, 0, 0xf8, 0x1c, 0x80, 0, 0xf8, 0x1c, 0x80, 0, 0xf8, 0x1c,
                0x80, 0, 0xf8, 0x1c, 0x80, 0, 0xf8, 0x1c, 0x80,
            ]),
        ),
        ("Now at 19200 baud", Taps(b"\x0262E3086CED08\r\n\x03")),
        ("id12 at 19200 baud", Types("q")),
    ];
    let (done, screen) = desk.sit(false, &steps).await;
    assert!(
        done.is_err() && screen.contains("id12 at 19200 baud"),
        "{screen}"
    );
}
