//! What the readers and the inputs see, for the person who wires one.

use crate::agent::Input;
use crate::config::Config;
use crate::hardware::sensors::{LOOK, Sensors};
use crate::keeper::chain;
use crate::listeners::{Heard, Listeners};
use crate::readers::{Key, explain};
use shared::card::CardUid;
use shared::ids::DoorId;
use std::io::Write;

/// Prints what the readers and the inputs say until interrupted; card numbers only by their last digits unless they are to be revealed.
///
/// # Errors
/// If nothing can be printed.
pub async fn watch(config: &Config, reveal: bool, mut out: impl Write) -> std::io::Result<()> {
    let (mut listeners, mut heard) = Listeners::new();
    listeners.follow(config.readers()).await;
    let mut inputs = Vec::new();
    for door in &config.doors {
        match Sensors::open(door) {
            Ok(sensors) => inputs.push(sensors),
            Err(error) => writeln!(out, "{}: no inputs ({})", door.id, chain(&error))?,
        }
    }
    let mut looks = tokio::time::interval(LOOK);
    loop {
        let news = tokio::select! {
            Some(heard) = heard.recv() => vec![heard],
            _ = looks.tick() => {
                let news = inputs.iter_mut().flat_map(Sensors::look);
                news.map(Heard::Input).collect()
            }
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        for heard in news {
            writeln!(out, "{}", words(heard, config, reveal))?;
        }
        out.flush()?;
    }
}

fn words(heard: Heard, config: &Config, reveal: bool) -> String {
    match heard {
        Heard::Input(Input::Card { door, uid }) => card(&door, &uid, config, reveal),
        Heard::Input(Input::Key { door, key }) => format!("{door}: key {}", pressed(key, reveal)),
        Heard::Input(Input::Exit { door, pressed }) => {
            format!(
                "{door}: exit button {}",
                if pressed { "pressed" } else { "let go" }
            )
        }
        Heard::Input(Input::Tamper { door, on }) => {
            format!(
                "{door}: tamper contact {}",
                if on { "open" } else { "closed" }
            )
        }
        Heard::Input(Input::Fire { door, on }) => {
            format!("{door}: fire input {}", if on { "active" } else { "quiet" })
        }
        Heard::Input(Input::Contact { door, open }) => {
            format!("{door}: {}", if open { "open" } else { "closed" })
        }
        Heard::Input(
            Input::Connected
            | Input::Disconnected
            | Input::Message { .. }
            | Input::Local { .. }
            | Input::LockFault { .. }
            | Input::ReaderGone { .. }
            | Input::Tick,
        ) => String::new(),
        Heard::Rejected(door, why) => format!("{door}: no card: {why}"),
        Heard::Device(door, Ok(())) => format!("{door}: the reader is there; hold a card to it"),
        Heard::Device(door, Err(error)) => {
            format!("{door}: no reader ({error}): check its cable and device name")
        }
    }
}

fn card(door: &DoorId, uid: &CardUid, config: &Config, reveal: bool) -> String {
    let number = if reveal {
        uid.reveal()
    } else {
        format!("…{}", uid.last_digits())
    };
    let mut text = format!("{door}: card {number}");
    if let Some(door) = config.doors.iter().find(|known| known.id == *door) {
        for line in explain(&door.reader, uid, reveal) {
            text.push_str("\n    ");
            text.push_str(&line);
        }
    }
    text
}

fn pressed(key: Key, reveal: bool) -> String {
    match key {
        Key::Digit(digit) if reveal => digit.value().to_string(),
        Key::Digit(_) => "of a digit".to_owned(),
        Key::Clear => "* (clear)".to_owned(),
        Key::Enter => "# (enter)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readers::{Digit, Rejection};

    const SETTINGS: &str = "[[door]]\nid = \"front\"\n[door.reader]\nkind = \"wiegand\"\nd0 = 14\nd1 = 15\n\
        [door.lock]\nkind = \"gpio\"\npin = 17\n";

    fn said(heard: Heard, reveal: bool) -> String {
        let config = Config::parse(SETTINGS).expect("it is good");
        words(heard, &config, reveal)
    }

    fn door() -> DoorId {
        DoorId::new("front").expect("a good name")
    }

    fn card() -> Heard {
        Heard::Input(Input::Card {
            door: door(),
            uid: CardUid::parse("D41B81").expect("a good number"),
        })
    }

    #[test]
    fn a_card_is_explained_and_its_number_is_whole_only_when_asked_for() {
        let text = said(card(), true);
        assert!(
            text.starts_with("front: card D41B81\n    Wiegand, 26 bits"),
            "{text}"
        );
        assert!(text.contains("\n    facility 212, number 7041"), "{text}");
        let text = said(card(), false);
        assert!(text.starts_with("front: card …1B81\n"), "{text}");
        assert!(!text.contains("D41B") && !text.contains("212"), "{text}");
    }

    #[test]
    fn digits_are_shown_only_when_asked_for_and_rejections_always() {
        let digit = Key::Digit(Digit::new(7).expect("a digit"));
        let key = |key| Heard::Input(Input::Key { door: door(), key });
        assert_eq!(said(key(digit), true), "front: key 7");
        assert_eq!(said(key(digit), false), "front: key of a digit");
        assert_eq!(said(key(Key::Enter), false), "front: key # (enter)");
        let why = Rejection::BothParities;
        let text = said(Heard::Rejected(door(), why), false);
        assert!(text.contains("D0 and D1 are swapped"), "{text}");
    }
}
