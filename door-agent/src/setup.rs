//! Asks a person at the Pi what no machine can know, finds out the rest, and writes the settings file.

mod ear;
mod found;
mod keys;
mod serial;

use crate::agent::Drive;
use crate::check::{self, Found, Machine};
use crate::clock::SystemClock;
use crate::config::{Config, ConfigError, Follows, Level, Problem, Relay};
use crate::doors::Doors;
use crate::ending::Ending;
use crate::guard::Guard;
use anyhow::{Context, bail};
use ear::{Ears, Named};
use found::Heard;
use shared::ids::DoorId;
use shared::time::Span;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, Lines};

/// How a setup is done.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The machine at hand.
    pub machine: &'a Machine,
    /// The file to write.
    pub settings: &'a Path,
    /// Whether it may be there already.
    pub force: bool,
    /// How long a lock is released to hear it click.
    pub click: Duration,
    /// Posts a guard for settings with this text.
    pub post: fn(&str) -> io::Result<Guard>,
}

/// What switches the lock.
enum Lock {
    Gpio {
        pin: u32,
        active: Level,
    },
    /// Lines in a file, for whoever has no relay yet.
    File(String),
}

const GIVEN_UP: &str = "given up; nothing was written";

/// What may be wired besides the lock: its key in the settings, and what it is, with how its contact must be.
const INPUTS: [(&str, &str); 3] = [
    ("exit_pin", "exit button (closes when pressed)"),
    (
        "contact_pin",
        "door contact (closed while the door is shut)",
    ),
    (
        "tamper_pin",
        "tamper contact (closed while all is in place)",
    ),
];

impl Setup<'_> {
    /// Talks until the file is written.
    ///
    /// # Errors
    /// If the file is there already, the person gives up, or something cannot be used; nothing is written then.
    pub async fn run(
        &self,
        input: impl AsyncBufRead + Unpin,
        out: impl Write,
    ) -> anyhow::Result<()> {
        if !self.force && self.settings.exists() {
            bail!(
                "{} is there already: edit it, or write it anew with --force",
                self.settings.display()
            );
        }
        let mut talk = Talk {
            input: input.lines(),
            out,
            reader: None,
            ending: Ending::hear()?,
        };
        talk.say("This sets up one door; what Enter alone answers stands in brackets.")?;
        let door: DoorId = talk
            .ask("The door's name on the server", Some("front"))
            .await?;
        let reader = self.reader(&mut talk).await?;
        let text = loop {
            let lock = self.lock(&mut talk).await?;
            let seconds: u32 = talk
                .ask("Seconds for which it is released", Some("5"))
                .await?;
            let text = text(&door, "", &reader, &lock, seconds);
            match Config::parse(&text) {
                Ok(config) if self.clicks(&config, &text, &mut talk).await? => {
                    break self
                        .inputs(&door, &reader, &lock, seconds, &mut talk)
                        .await?;
                }
                Ok(_) => {}
                Err(error) => talk.say(&format!("That cannot be: {}", asked(&error)))?,
            }
        };
        let inside = talk
            .yes("Are the Pi, the relay and their wires where only people are who are inside already")
            .await?;
        if !inside {
            talk.say("Whoever opens its case from outside opens the door: `door-agent check` will say so until that is changed.")?;
        }
        self.write(&format!("inside = {inside}\n\n{text}"))?;
        let settings = self.settings.display();
        talk.say(&format!(
            "Written to {settings}. Next: sudo door-agent pair --server https://… --code …, as the server shows them"
        ))
    }

    async fn reader<I: AsyncBufRead + Unpin, O: Write>(
        &self,
        talk: &mut Talk<I, O>,
    ) -> anyhow::Result<Heard> {
        let mut named = Vec::new();
        loop {
            let (mut ears, told) = Ears::open(self.machine, &named).await;
            for line in told {
                talk.say(&line)?;
            }
            talk.say("Hold a card to the reader. (Enter: look for readers again; /dev/…: listen there too; two numbers: the GPIO of D0 and D1 of a Wiegand reader; q: give up)")?;
            loop {
                tokio::select! {
                    heard = ears.hear() => match heard {
                        Ok(heard) => {
                            talk.say(&heard.to_string())?;
                            // What it typed may come as an answer, too.
                            talk.reader = Some(heard.clone());
                            return Ok(heard);
                        }
                        Err(unknown) => talk.say(&unknown)?,
                    },
                    answer = talk.answer() => {
                        let answer = answer?;
                        if answer.eq_ignore_ascii_case("q") {
                            bail!(GIVEN_UP);
                        }
                        match place(&answer) {
                            Some(place) => named.push(place),
                            None if answer.is_empty() => {}
                            // What a reader types stands here too.
                            None => continue,
                        }
                        break;
                    }
                }
            }
        }
    }

    async fn lock<I: AsyncBufRead + Unpin, O: Write>(
        &self,
        talk: &mut Talk<I, O>,
    ) -> anyhow::Result<Lock> {
        loop {
            let what = "The GPIO number that switches the lock's relay, or the path of a file to write to instead";
            let answer: String = talk.ask(what, Some("17")).await?;
            if answer.starts_with('/') {
                return Ok(Lock::File(answer));
            }
            let Ok(pin) = answer.parse() else {
                talk.say("That is neither a number nor a path.")?;
                continue;
            };
            let active = match &*talk
                .ask::<String>(
                    "The level at which the relay switches and the lock lets go, high or low",
                    Some("high"),
                )
                .await?
            {
                "high" => Level::High,
                "low" => Level::Low,
                _ => {
                    talk.say("It is high or low.")?;
                    continue;
                }
            };
            match check::boot_level(self.machine, Relay { pin, active }, Follows::Lock) {
                Found::Bad { what, to_do } => talk.say(&format!("No: {what}. {to_do}."))?,
                Found::Good(text) | Found::Note { what: text, .. } => {
                    talk.say(&text)?;
                    return Ok(Lock::Gpio { pin, active });
                }
            }
        }
    }

    /// The settings with the inputs that the door has, if any are wanted.
    async fn inputs<I: AsyncBufRead + Unpin, O: Write>(
        &self,
        door: &DoorId,
        reader: &Heard,
        lock: &Lock,
        seconds: u32,
        talk: &mut Talk<I, O>,
    ) -> anyhow::Result<String> {
        let bare = text(door, "", reader, lock, seconds);
        let wanted = match lock {
            Lock::Gpio { .. } => {
                talk.yes("Is an exit button, a door contact or a tamper contact wired to the Pi")
                    .await?
            }
            // It is all lines in a file.
            Lock::File(_) => false,
        };
        if !wanted {
            return Ok(bare);
        }
        loop {
            let mut lines = String::new();
            for (key, what) in INPUTS {
                let question = format!("The GPIO number of the {what}, to ground");
                let answer: String = talk.ask(&question, Some("none")).await?;
                if answer != "none" {
                    lines += &format!("{key} = {answer}\n");
                }
            }
            let text = text(door, &lines, reader, lock, seconds);
            match Config::parse(&text) {
                Ok(_) => return Ok(text),
                Err(error) => talk.say(&format!("That cannot be: {}", asked(&error)))?,
            }
        }
    }

    /// Releases the lock for a moment, as often as is wished.
    async fn clicks<I: AsyncBufRead + Unpin, O: Write>(
        &self,
        config: &Config,
        text: &str,
        talk: &mut Talk<I, O>,
    ) -> anyhow::Result<bool> {
        loop {
            talk.ask::<String>(
                "Stand by the lock: Enter releases it for a moment",
                Some("now"),
            )
            .await?;
            match self.release(config, text, &mut talk.ending).await {
                Ok(true) => {}
                Ok(false) => bail!(GIVEN_UP),
                Err(error) => {
                    talk.say(&format!("It cannot be driven: {error:#}"))?;
                    return Ok(false);
                }
            }
            match &*talk
                .ask::<String>("Did it click? yes, no, again", None)
                .await?
            {
                "y" | "yes" => return Ok(true),
                "n" | "no" => {
                    talk.say("Then look at the relay's supply, at its wire to the pin, and at its jumper for high or low.")?;
                    return Ok(false);
                }
                _ => {}
            }
        }
    }

    /// Releases the lock for its moment; false if the process was told to end meanwhile.
    async fn release(
        &self,
        config: &Config,
        text: &str,
        ending: &mut Ending,
    ) -> anyhow::Result<bool> {
        let clock = SystemClock::start();
        // Before the lock, so that it outlives the lock's rest in every way this can end.
        let guard = (self.post)(text).context("no guard can be started")?;
        // At rest when it goes, however that happens.
        let mut doors = Doors::open(&config.doors, clock.read())?;
        for door in &config.doors {
            let until = clock.uptime() + Span::seconds(1);
            doors.drive(&door.id, Drive::Energise { until }, clock.read())?;
        }
        let told = ending.comes_within(self.click).await;
        drop(doors);
        guard.dismiss();
        Ok(!told)
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o644);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let written = options
            .open(self.settings)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("{} cannot be written", self.settings.display()))
    }
}

/// A place where somebody says that a reader is.
fn place(answer: &str) -> Option<Named> {
    if answer.starts_with('/') {
        return Some(Named::Serial(PathBuf::from(answer)));
    }
    let (d0, d1) = answer.split_once([' ', ',', '/'])?;
    Some(Named::Wiegand {
        d0: d0.trim().parse().ok()?,
        d1: d1.trim().parse().ok()?,
    })
}

/// The settings file of one door, but for what is said last.
fn text(door: &DoorId, inputs: &str, reader: &Heard, lock: &Lock, seconds: u32) -> String {
    let lock = match lock {
        Lock::Gpio { pin, active } => {
            let active = match active {
                Level::High => "high",
                Level::Low => "low",
            };
            format!("kind = \"gpio\"\npin = {pin}\nactive = \"{active}\"")
        }
        Lock::File(path) => format!("kind = \"simulated\"\noutput = {}", quoted(path)),
    };
    format!(
        "[[door]]\nid = \"{door}\"\n{inputs}\n[door.reader]\n{}\n\n[door.lock]\n{lock}\nunlock_seconds = {seconds}\n",
        reader.settings()
    )
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A conversation in lines.
struct Talk<I, O> {
    input: Lines<I>,
    out: O,
    /// What reads cards, once it is known: if it types them, they are no answers.
    reader: Option<Heard>,
    ending: Ending,
}

impl<I: AsyncBufRead + Unpin, O: Write> Talk<I, O> {
    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.out, "{text}")?;
        Ok(self.out.flush()?)
    }

    async fn answer(&mut self) -> anyhow::Result<String> {
        loop {
            let line = tokio::select! {
                line = self.input.next_line() => line?.context("nobody answers; nothing was written")?,
                () = self.ending.comes() => bail!(GIVEN_UP),
            };
            let line = line.trim();
            if !self
                .reader
                .as_ref()
                .is_some_and(|reader| reader.is_typed(line))
            {
                return Ok(line.to_owned());
            }
        }
    }

    /// Asks until the answer means something.
    async fn ask<T: FromStr<Err: Display>>(
        &mut self,
        question: &str,
        default: Option<&str>,
    ) -> anyhow::Result<T> {
        loop {
            let brackets = default.map_or(String::new(), |default| format!(" [{default}]"));
            self.say(&format!("{question}{brackets}:"))?;
            let answer = self.answer().await?;
            let answer = match default {
                Some(default) if answer.is_empty() => default,
                _ => &answer,
            };
            match answer.parse() {
                Ok(value) => return Ok(value),
                Err(error) => self.say(&format!("`{answer}`: {error}"))?,
            }
        }
    }

    async fn yes(&mut self, question: &str) -> anyhow::Result<bool> {
        loop {
            match &*self
                .ask::<String>(&format!("{question}? yes, no"), None)
                .await?
            {
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => {}
            }
        }
    }
}

/// What is wrong with an answer, without the line of a file that nobody has seen yet.
fn asked(error: &ConfigError) -> String {
    match error {
        ConfigError::Wrong(problem) => {
            let Problem {
                key, what, valid, ..
            } = problem;
            format!("`{key}` {what}; valid: {valid}")
        }
        ConfigError::Read { .. } => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
