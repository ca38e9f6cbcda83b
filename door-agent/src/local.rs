//! Opening a door by hand while the agent does not run; always a badge event.

use crate::agent::Drive;
use crate::clock::{SystemClock, boot_id, randomness};
use crate::config::{Config, Door};
use crate::disk::Directory;
use crate::doors::Doors;
use crate::ending::Ending;
use crate::guard::Guard;
use crate::run::badges_dir;
use crate::spool::{Limits, Spool};
use anyhow::Context;
use shared::badge::{BadgeEvent, What};
use shared::door_clock::Quality;
use shared::ids::DoorId;
use shared::time::Span;
use std::io;
use std::time::Duration;

/// Logs, then releases the lock for its time, or until the process is told to end; `post` posts a guard for when it is killed.
///
/// # Errors
/// If there is no such door, or its log, its lock or a guard cannot be had.
pub async fn open(
    config: &Config,
    id: &DoorId,
    post: impl Fn() -> io::Result<Guard>,
) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let door = find(config, id)?;
    let mut ending = Ending::hear()?;
    // Before the lock, so that it outlives the lock's rest in every way this can end.
    let guard = post().context("no guard can be started")?;
    log(config, id, true, &clock)?;
    let mut doors = Doors::open(std::slice::from_ref(door), clock.read())?;
    let unlock = door.settings.unlock;
    doors.drive(
        id,
        Drive::Energise {
            until: clock.uptime() + unlock,
        },
        clock.read(),
    )?;
    ending.comes_within(milliseconds(unlock)).await;
    // The lock rests by this.
    drop(doors);
    guard.dismiss();
    Ok(())
}

/// Logs, then lets the lock rest.
///
/// # Errors
/// If there is no such door, or its log or its lock cannot be used.
pub fn release(config: &Config, id: &DoorId) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let door = find(config, id)?;
    drop(Doors::open(std::slice::from_ref(door), clock.read())?);
    log(config, id, false, &clock)
}

/// Lets every lock rest, whatever is wrong with another one; nobody is asked and nothing is logged.
///
/// # Errors
/// If a lock cannot be used; the others rest.
pub fn rest_all(config: &Config) -> anyhow::Result<()> {
    let clock = SystemClock::start();
    let mut failed = None;
    for door in &config.doors {
        if let Err(error) = Doors::open(std::slice::from_ref(door), clock.read()) {
            failed = Some(anyhow::Error::from(error).context(format!("the lock of {}", door.id)));
        }
    }
    failed.map_or(Ok(()), Err)
}

/// A door of the settings.
///
/// # Errors
/// If there is no such door.
pub fn find<'a>(config: &'a Config, id: &DoorId) -> anyhow::Result<&'a Door> {
    let names = || {
        config
            .doors
            .iter()
            .map(|door| door.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let door = config.doors.iter().find(|door| door.id == *id);
    door.with_context(|| format!("there is no door `{id}`; the settings name: {}", names()))
}

fn log(config: &Config, door: &DoorId, opened: bool, clock: &SystemClock) -> anyhow::Result<()> {
    let disk = Directory::open(&badges_dir(&config.state_dir))
        .context("the badge log cannot be written")?;
    let boot = boot_id(&mut randomness());
    let sources = clock.read();
    let (mut spool, _) = Spool::open(Box::new(disk), boot, Limits::default(), sources.wall);
    let event = BadgeEvent {
        sequence: spool.next_sequence(),
        at: sources.wall,
        quality: if sources.synchronised {
            Quality::Trusted
        } else {
            Quality::Untrusted
        },
        door: Some(door.clone()),
        what: What::Local { opened },
    };
    let bytes = minicbor::to_vec(&event).expect("writing to memory cannot fail");
    spool
        .append(event.at, event.weight(), &bytes)
        .written
        .context("the badge log cannot be written")?;
    spool
        .sync(sources.wall)
        .context("the badge log cannot be written")
}

fn milliseconds(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.0).unwrap_or(0))
}
