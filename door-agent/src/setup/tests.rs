use super::*;
use crate::config::{Format, Source, Wiring};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, duplex};
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
            post: |_| Ok(Guard::nobody()),
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

/// Answers as a PN532 does that always has the same card before it.
async fn be_a_pn532(mut line: SerialStream) {
    const ACK: &[u8] = &[0x00, 0x00, 0xff, 0x00, 0xff, 0x00];
    let mut bytes = [0; 64];
    loop {
        // Nobody has opened the other end yet, or it was closed: it comes again.
        let Ok(count) = line.read(&mut bytes).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let frame = bytes[..count].windows(3);
        let Some(start) = frame
            .into_iter()
            .rposition(|three| three == [0x00, 0x00, 0xff])
        else {
            continue;
        };
        let Some(command) = bytes[..count].get(start + 6) else {
            continue;
        };
        let body = match command {
            0x4a => &[0xd5, 0x4b, 1, 1, 0, 4, 8, 4, 0x04, 0xa1, 0xb2, 0xc3][..],
            other => &[0xd5, other + 1],
        };
        let sum = body.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let len = u8::try_from(body.len()).expect("short");
        let head = [0x00, 0x00, 0xff, len, len.wrapping_neg()];
        let answer = [ACK, &head, body, &[sum.wrapping_neg(), 0x00]].concat();
        AsyncWriteExt::write_all(&mut line, &answer)
            .await
            .expect("somebody reads");
    }
}

#[tokio::test]
async fn a_pn532_on_a_serial_line_is_found_by_its_answer() {
    let mut desk = Desk::new();
    let (other, _end) = SerialStream::pair().expect("a pseudo terminal");
    let chip = tokio::spawn(be_a_pn532(std::mem::replace(&mut desk.reader, other)));
    let lock = desk.root.path().join("lock").display().to_string();
    let steps = [
        ("name on the server", Types("")),
        (
            "A card that ends in B2C3 at the PN532 at /dev/ttyUSB0.",
            Types(&lock),
        ),
        ("Seconds", Types("")),
        ("Stand by the lock", Types("")),
        ("Did it click?", Types("yes")),
        ("inside already?", Types("yes")),
    ];
    let (done, screen) = desk.sit(false, &steps).await;
    done.expect("it is written");
    assert!(screen.contains("/dev/ttyUSB0: a PN532"), "{screen}");
    let config = Config::load(&desk.settings()).expect("valid");
    let reader = Source::Pn532Serial {
        device: PathBuf::from("/dev/ttyUSB0"),
        baud: 115_200,
    };
    assert_eq!(config.doors[0].reader.source, reader);
    chip.abort();
}

#[tokio::test]
async fn the_pins_of_a_wiegand_reader_are_taken_as_they_are_named() {
    let mut desk = Desk::new();
    let steps = [
        ("name on the server", Types("")),
        ("Hold a card", Types("14 15")),
        ("D0 at GPIO 14 and D1 at GPIO 15: listening", Types("q")),
    ];
    let (done, screen) = desk.sit(false, &steps).await;
    assert!(done.is_err(), "{screen}");
    assert_eq!(place("14,15"), Some(Named::Wiegand { d0: 14, d1: 15 }));
    let line = Named::Serial(PathBuf::from("/dev/ttyS4"));
    assert_eq!(place("/dev/ttyS4"), Some(line));
    // A reader that types is no place.
    assert_eq!(place("0012345678"), None);
}

/// What is asked and said while a person answers these lines.
async fn talked(
    lines: &str,
    reader: Option<Heard>,
    lock: &Lock,
) -> (anyhow::Result<String>, String) {
    let machine = Machine::at(Path::new("/nowhere"));
    let setup = Setup {
        machine: &machine,
        settings: Path::new("/nowhere/door-agent.toml"),
        force: false,
        click: Duration::ZERO,
        post: |_| Ok(Guard::nobody()),
    };
    let screen = Screen::default();
    let mut talk = Talk {
        input: BufReader::new(lines.as_bytes()).lines(),
        out: screen.clone(),
        reader: reader.clone(),
        ending: Ending::hear().expect("the system tells"),
    };
    let door = "front".parse().expect("a name");
    let heard = reader.unwrap_or_else(|| typing_reader("hex"));
    let text = setup.inputs(&door, &heard, lock, 5, &mut talk).await;
    (text, screen.text())
}

fn typing_reader(format: &str) -> Heard {
    Heard {
        source: Source::Keyboard {
            device: PathBuf::from("/dev/input/event0"),
            number: match format {
                "hex" => crate::config::Number::Hex,
                _ => crate::config::Number::Decimal,
            },
        },
        card: shared::card::CardUid::parse("00BC614E").expect("a card"),
    }
}

const RELAY: Lock = Lock::Gpio {
    pin: 17,
    active: Level::High,
};

#[tokio::test]
async fn inputs_are_asked_for_only_if_they_are_wanted_and_a_pin_that_is_taken_is_asked_for_again() {
    let (text, screen) = talked("no\n", None, &RELAY).await;
    assert!(!text.expect("none").contains("_pin"), "{screen}");
    let (text, screen) = talked("", None, &Lock::File("/tmp/lock".to_owned())).await;
    assert!(
        !text.expect("none").contains("_pin") && screen.is_empty(),
        "{screen}"
    );

    let (text, screen) = talked("yes\n17\n6\n\n5\n\n12\n", None, &RELAY).await;
    assert!(
        screen.contains("That cannot be: `door.exit_pin` is GPIO 17"),
        "{screen}"
    );
    let config = Config::parse(&text.expect("in the end")).expect("valid");
    let Wiring::Gpio(pins) = &config.doors[0].wiring else {
        panic!("wired");
    };
    let inputs = crate::config::Inputs {
        exit: Some(5),
        tamper: Some(12),
        ..Default::default()
    };
    assert_eq!(pins.inputs, inputs);
}

#[tokio::test]
async fn what_a_keyboard_reader_types_is_no_answer() {
    let reader = Some(typing_reader("decimal"));
    let (text, screen) = talked("0012345678\nno\n", reader, &RELAY).await;
    assert!(text.is_ok() && screen.lines().count() == 1, "{screen}");
}
