//! Readers and lines as a kernel has them: the built agent in a machine whose kernel plays the GPIO lines (gpio-sim), the
//! terminal and the keyboard (uinput), with somebody at the other end of each. `tests/run uml` builds that kernel.
//!
//! The server of this machine pairs the agent and sends it lists; then both end, and the agent's state goes into the other
//! machine, where no server can be reached. That machine's time is its own: it stands while anybody has something to do,
//! and else jumps to the next deadline. So how long something took there tells which deadlines it waited for, and nothing of
//! how fast or how busy this machine is.

use crate::club::{Club, Kill, Way};
use crate::pi::set;
use crate::program::{Program, command};
use crate::stripe::WOOD;
use crate::wait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const UNIT: &str = include_str!("../../door-agent/packaging/door-agent.service");
/// What the chip of a Raspberry Pi 4's header is called, and how many lines it has.
const HEADER: &str = "pinctrl-bcm2711";
const LINES: u32 = 58;
const LOCK: u32 = 17;
const RED: u32 = 22;
const EXIT: u32 = 27;
const D0: u32 = 5;
const D1: u32 = 6;
const UNLOCK_SECONDS: u64 = 2;
/// How late a line is seen to change, at most: the person there looks every 5 ms.
const LOOK_MS: u64 = 10;
/// How long a lock may stay released when the agent was killed.
const KILLED_MS: u64 = 1_000;
/// The unit's word for it.
const WATCHDOG_MS: u64 = 10_000;

/// What the agent's reader is to the other machine.
const SERIAL: Reader = Reader {
    settings: "kind = \"serial\"\ndevice = \"/run/reader\"\nformat = \"rdm6300\"",
    device: "terminal",
};
const KEYBOARD: Reader = Reader {
    settings: "kind = \"keyboard\"\ndevice = \"/run/reader\"\nformat = \"hex\"",
    device: "keyboard",
};
const WIEGAND: Reader = Reader {
    settings: "kind = \"wiegand\"\nd0 = 5\nd1 = 6",
    device: "lines",
};
/// A card, and one that is nobody's.
const CARD: &str = "62E3086CED";
const STRANGER: &str = "62E3086CEE";

#[derive(Clone, Copy)]
struct Reader {
    settings: &'static str,
    device: &'static str,
}

/// What happens in the other machine.
#[derive(Clone, Copy)]
struct Life {
    reader: Reader,
    /// What the chip is called; the settings name it unless it is a header's.
    chip: &'static str,
    /// The level that releases the lock. The board pulls it to the other one.
    active: u8,
    /// Whether a line that is given up keeps its level, as with the kernels of Raspberry Pi OS, or is what it is pulled to.
    keeps: bool,
    unlock_seconds: u64,
    /// Whether the service manager runs what the unit says follows the agent's end.
    stop_post: bool,
    /// Whether it starts the agent again.
    restart: bool,
}

const LIFE: Life = Life {
    reader: SERIAL,
    chip: HEADER,
    active: 1,
    keeps: false,
    unlock_seconds: UNLOCK_SECONDS,
    stop_post: true,
    restart: true,
};

/// Something that was done or seen.
#[derive(Debug, Deserialize)]
struct Seen {
    /// In the other machine's milliseconds.
    at: u64,
    what: String,
}

/// A club whose agent was told of its cards, and where nothing runs any more.
fn club(card: &str) -> Club {
    let mut club = Club::open(Way::Webhook);
    club.member("Ada", card);
    club.subscribe("Ada", WOOD);
    club.deliver(Kill::Never);
    club.agent.kill();
    club.server.kill();
    club
}

impl Life {
    fn settings(self) -> String {
        let (reader, level) = (
            self.reader.settings,
            ["low", "high"][usize::from(self.active)],
        );
        let chip = match self.chip {
            HEADER => String::new(),
            other => format!("chip = {other:?}\n"),
        };
        format!(
            "state_dir = \"/run/state\"\n[[door]]\nid = \"front\"\n{chip}exit_pin = {EXIT}\nred_pin = {RED}\n[door.reader]\n{reader}\n\
             [door.lock]\nkind = \"gpio\"\npin = {LOCK}\nactive = \"{level}\"\nunlock_seconds = {}\n",
            self.unlock_seconds
        )
    }

    fn story(self, steps: &[Value]) -> Value {
        let words = |line: &'static str| line.split_whitespace().skip(1).collect::<Vec<_>>();
        let after: Vec<_> = set(UNIT, "ExecStopPost").into_iter().map(words).collect();
        assert_eq!(
            set(UNIT, "WatchdogSec"),
            [(WATCHDOG_MS / 1_000).to_string()]
        );
        let rest = ["up", "down"][usize::from(self.active)];
        json!({
            "agent": wait::folder("GS_BIN_DIR").join("door-agent"),
            "unit": {
                "start": words(set(UNIT, "ExecStart")[0]),
                "stop_post": if self.stop_post { after } else { Vec::new() },
                "restart": self.restart && set(UNIT, "Restart") == ["always"],
                "watchdog_ms": WATCHDOG_MS,
            },
            "chip": self.chip,
            "lines": LINES,
            "keeps": self.keeps,
            "pulls": {LOCK.to_string(): rest, D0.to_string(): "up", D1.to_string(): "up"},
            "watched": {"lock": LOCK, "red": RED},
            "reader": self.reader.device,
            "steps": steps,
        })
    }

    /// Starts the agent there and goes through the steps; what was done and seen.
    fn live(self, club: &Club, steps: &[Value]) -> Vec<Seen> {
        let begin = [
            json!(["serve"]),
            json!(["sees", "agent ready"]),
            json!(["pass", 1]),
        ];
        let story = self.story(&[&begin, steps].concat());
        let folder = club.folder.path();
        fs::write(folder.join("uml.toml"), self.settings()).expect("the test's own folder");
        fs::write(folder.join("story.json"), story.to_string()).expect("the test's own folder");
        // What an earlier life left is no proof of this one.
        drop(fs::remove_file(folder.join("seen.jsonl")));
        boot(folder);
        let told = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let seen = told("seen.jsonl");
        let seen: Vec<Seen> = seen
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect();
        let ended = seen.last().is_some_and(|last| last.what == "the end");
        let (person, agent) = (told("person.log"), told("agent.log"));
        assert!(ended, "the story has no end: {seen:#?}\n{person}\n{agent}");
        seen
    }
}

/// Runs the other machine until it switches itself off.
fn boot(folder: &Path) {
    let person = Path::new(env!("CARGO_MANIFEST_DIR")).join("uml/person.py");
    let python = wait::folder("GS_VENV").join("bin/python");
    let mut kernel = Program::start(
        "kernel",
        folder,
        command(wait::folder("GS_UML"))
            .args(["mem=256M", "root=none", "rootfstype=hostfs", "ro"])
            .args(["console=stderr0", "quiet", "time-travel=inf-cpu"])
            // What it keeps of itself would else lie in somebody's home.
            .arg(format!("uml_dir={}/", folder.display()))
            .arg(format!("init={}", python.display()))
            .arg("--")
            .arg(person)
            .arg(folder),
    );
    let ended = wait::until("the machine has switched itself off", || kernel.ended());
    assert!(ended.success(), "{ended}");
}

/// When something was last done or seen.
fn at(seen: &[Seen], what: &str) -> u64 {
    let last = seen.iter().rev().find(|seen| seen.what == what);
    last.unwrap_or_else(|| panic!("no `{what}` in {seen:#?}"))
        .at
}

/// The levels the lock has had, one after the other.
fn levels(seen: &[Seen]) -> Vec<u8> {
    let levels = seen
        .iter()
        .filter_map(|seen| seen.what.strip_prefix("lock "));
    levels.map(|level| level.parse().expect("0 or 1")).collect()
}

/// A card in an RDM6300's frame, in hexadecimal digits.
fn send(card: &str) -> Value {
    let number = u64::from_str_radix(card, 16).expect("hexadecimal digits");
    let checksum = number.to_be_bytes().iter().fold(0, |all, byte| all ^ byte);
    let letters = format!("\x02{card}{checksum:02X}\x03");
    let bytes: Vec<String> = letters.bytes().map(|it| format!("{it:02x}")).collect();
    json!(["send", bytes.concat()])
}

/// The keys of a card's digits, and Enter (input-event-codes.h).
fn typed(card: &str) -> Value {
    let code = |digit| {
        let decimal = "1234567890".find(digit).map(|place| 2 + place);
        let letter = || Some([30, 48, 46, 32, 18, 33]["ABCDEF".find(digit)?]);
        decimal.or_else(letter).expect("a hexadecimal digit")
    };
    let codes: Vec<usize> = card.chars().map(code).chain([28]).collect();
    json!(["type", codes])
}

/// Bits as pulses of the two lines.
fn pulse(bits: &str) -> Value {
    let bits = bits.chars().filter(|bit| *bit != ' ');
    let lines: Vec<u32> = bits.map(|bit| if bit == '0' { D0 } else { D1 }).collect();
    json!(["pulse", lines])
}

/// A card releases the lock for its time, and a stranger's only lights the red lamp.
fn opens_for_its_card_alone(reader: Reader, number: &str, card: Value, stranger: Value) {
    let seen = Life { reader, ..LIFE }.live(
        &club(number),
        &[
            card,
            json!(["sees", "lock 1"]),
            json!(["sees", "lock 0"]),
            stranger,
            json!(["sees", "red 1"]),
            json!(["pass", 2 * UNLOCK_SECONDS]),
        ],
    );
    assert_eq!(levels(&seen), [0, 1, 0], "{seen:#?}");
    let released = at(&seen, "lock 0") - at(&seen, "lock 1");
    let unlock = UNLOCK_SECONDS * 1_000;
    assert!(
        (unlock - LOOK_MS..=unlock + LOOK_MS).contains(&released),
        "{seen:#?}"
    );
}

#[test]
fn a_card_at_a_serial_line_opens() {
    opens_for_its_card_alone(SERIAL, CARD, send(CARD), send(STRANGER));
}

#[test]
fn a_card_at_a_reader_that_types_opens() {
    opens_for_its_card_alone(KEYBOARD, CARD, typed(CARD), typed(STRANGER));
}

/// The card of a reader's manual (Civintec CN56, 6.4.2), and the next number.
#[test]
fn a_card_at_a_wiegand_reader_opens() {
    let card = pulse("1 11010100 00011011 10000001 0");
    let stranger = pulse("1 11010100 00011011 10000010 0");
    opens_for_its_card_alone(WIEGAND, "D41B81", card, stranger);
}

/// What a reader types is a card's number and goes to nobody else.
#[test]
fn a_reader_that_types_is_the_agents_alone() {
    let life = Life {
        reader: KEYBOARD,
        ..LIFE
    };
    let seen = life.live(&club(CARD), &[json!(["grab"])]);
    at(&seen, "is taken");
}

#[test]
fn the_exit_button_opens_on_another_board_too() {
    let life = Life {
        chip: "another board",
        ..LIFE
    };
    let seen = life.live(
        &club(CARD),
        &[
            json!(["pull", EXIT, "down"]),
            json!(["sees", "lock 1"]),
            json!(["pull", EXIT, "up"]),
            json!(["sees", "lock 0"]),
        ],
    );
    assert_eq!(levels(&seen), [0, 1, 0], "{seen:#?}");
}

/// Who is left to let the lock rest when the agent is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Guard,
    StopPost,
    NextAgent,
    Nobody,
}

/// The agent is killed while the lock is released.
fn killed(club: &Club, life: Life, left: Left) -> Vec<Seen> {
    let released = format!("lock {}", life.active);
    let mut steps = vec![send(CARD), json!(["sees", released])];
    if left != Left::Guard {
        steps.push(json!(["kill", "SIGKILL", "guard"]));
    }
    steps.push(json!(["kill", "SIGKILL", "agent"]));
    steps.push(json!(["sees", "agent ended"]));
    steps.push(json!(["pass", 2]));
    if left == Left::NextAgent {
        // The line is free for it.
        steps.extend([send(CARD), json!(["sees", released])]);
    }
    let life = Life {
        unlock_seconds: 30,
        stop_post: left == Left::StopPost,
        restart: left == Left::NextAgent,
        ..life
    };
    life.live(club, &steps)
}

/// With a kernel that lets go of a line, which is enough by itself, and with one that keeps its level: there each of the
/// three is enough, and without any of them the door stands open.
fn rests_within_a_second(active: u8) {
    let (club, rest) = (club(CARD), 1 - active);
    for keeps in [false, true] {
        for left in [Left::Guard, Left::StopPost, Left::NextAgent, Left::Nobody] {
            let life = Life {
                active,
                keeps,
                ..LIFE
            };
            let seen = killed(&club, life, left);
            let case = format!("active {active}, keeps {keeps}, left {left:?}: {seen:#?}");
            let expected = match left {
                Left::Nobody if keeps => vec![rest, active],
                Left::NextAgent => vec![rest, active, rest, active],
                Left::Guard | Left::StopPost | Left::Nobody => vec![rest, active, rest],
            };
            assert_eq!(levels(&seen), expected, "{case}");
            if expected.len() > 2 {
                let ended = at(&seen, "agent ended");
                let rests = at(&seen, &format!("lock {rest}"));
                assert!((ended..=ended + KILLED_MS).contains(&rests), "{case}");
            }
        }
    }
}

#[test]
fn killed_while_released_a_lock_that_is_active_high_rests() {
    rests_within_a_second(1);
}

#[test]
fn killed_while_released_a_lock_that_is_active_low_rests() {
    rests_within_a_second(0);
}

/// Stopped, the agent keeps the line, and its guard waits for its end; the service manager misses its beat.
#[test]
fn hung_while_released_the_lock_rests_when_the_watchdog_bites() {
    let life = Life {
        keeps: true,
        unlock_seconds: 60,
        ..LIFE
    };
    let seen = life.live(
        &club(CARD),
        &[
            send(CARD),
            json!(["sees", "lock 1"]),
            json!(["kill", "SIGSTOP", "agent"]),
            json!(["sees", "lock 0"]),
            json!(["pass", 2]),
            send(CARD),
            json!(["sees", "lock 1"]),
        ],
    );
    assert_eq!(levels(&seen), [0, 1, 0, 1], "{seen:#?}");
    let (hung, bitten, rests) = (
        at(&seen, "kill"),
        at(&seen, "watchdog bites"),
        at(&seen, "lock 0"),
    );
    let patience = hung..=hung + WATCHDOG_MS;
    assert!(patience.contains(&bitten), "{seen:#?}");
    assert!((bitten..=bitten + KILLED_MS).contains(&rests), "{seen:#?}");
}
