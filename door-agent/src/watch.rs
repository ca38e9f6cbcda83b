//! What the readers see, for the person who wires one.

use crate::agent::Input;
use crate::config::Config;
use crate::listeners::{self, Heard};
use crate::readers::Key;
use shared::card::CardUid;
use std::io::Write;

/// Prints what the readers say until interrupted; card numbers only by their last digits unless they are to be revealed.
///
/// # Errors
/// If nothing can be printed.
pub async fn watch(config: &Config, reveal: bool, mut out: impl Write) -> std::io::Result<()> {
    let mut heard = listeners::start(&config.doors);
    loop {
        let heard = tokio::select! {
            heard = heard.recv() => heard,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        let Some(heard) = heard else { return Ok(()) };
        writeln!(out, "{}", words(heard, reveal))?;
        out.flush()?;
    }
}

fn words(heard: Heard, reveal: bool) -> String {
    match heard {
        Heard::Input(Input::Card { door, uid }) => format!("{door}: card {}", number(&uid, reveal)),
        Heard::Input(Input::Key { door, key }) => format!("{door}: key {}", pressed(key, reveal)),
        Heard::Input(Input::Exit { door }) => format!("{door}: exit button"),
        Heard::Input(Input::Contact { door, open }) => {
            format!("{door}: {}", if open { "open" } else { "closed" })
        }
        Heard::Input(
            Input::Connected
            | Input::Disconnected
            | Input::Message { .. }
            | Input::Local { .. }
            | Input::Tick,
        ) => String::new(),
        Heard::Rejected(door, why) => format!("{door}: no card: {why}"),
        Heard::Device(door, Ok(())) => format!("{door}: the reader is there; hold a card to it"),
        Heard::Device(door, Err(error)) => {
            format!("{door}: no reader ({error}): check its cable and device name")
        }
    }
}

fn number(uid: &CardUid, reveal: bool) -> String {
    if reveal {
        uid.reveal()
    } else {
        format!("…{} ({} bytes)", uid.last_digits(), uid.as_bytes().len())
    }
}

fn pressed(key: Key, reveal: bool) -> String {
    match key {
        Key::Digit(digit) if reveal => digit.value().to_string(),
        Key::Digit(_) => "of a digit".to_owned(),
        Key::Clear => "* (clear)".to_owned(),
        Key::Enter => "# (enter)".to_owned(),
    }
}
