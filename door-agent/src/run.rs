//! Puts the agent together from its parts and runs it.

use crate::agent::{Agent, LocalDoor, Start};
use crate::clock::{SystemClock, boot_id, randomness};
use crate::config::{Config, ConfigError, Door};
use crate::control::Control;
use crate::disk::Directory;
use crate::doors::Doors;
use crate::event_loop::{End, Shell};
use crate::guard::Guard;
use crate::hasty_disk::HastyDisk;
use crate::identity::{self, Paired};
use crate::keeper::{Keeper, SharedDisk, Shelf, ShelfThread, chain};
use crate::link::{self, Message, Target};
use crate::listeners::Listeners;
use crate::notify::Manager;
use crate::realtime;
use crate::reload::Settings;
use anyhow::Context;
use rand_core::Rng;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::Notify;

/// Where the badge log lies: apart, so that it never waits for a list to be stored.
#[must_use]
pub fn badges_dir(state_dir: &Path) -> PathBuf {
    state_dir.join("badges")
}

/// Runs until it is told to end; all locks rest then. `load` reads the settings anew, `post` posts a guard for them, `manager` hears
/// how it goes.
///
/// # Errors
/// If it is not paired, or a part of it cannot be had.
pub async fn run(
    config: &Config,
    manager: Manager,
    load: impl Fn() -> Result<Config, ConfigError> + 'static,
    post: impl Fn() -> io::Result<Guard> + 'static,
) -> anyhow::Result<End> {
    realtime::claim();
    if config.shadow {
        tracing::warn!("shadow mode: cards are decided and logged, and no lock is driven");
    }
    let clock = SystemClock::start();
    // Before a door is touched: it may be another agent's.
    let state = Directory::open_as_it_is(&config.state_dir)?;
    let settings = Settings::start(config.clone(), Box::new(load), Box::new(post))
        .context("no guard can be started")?;
    // Before anything else that may fail: whatever the last run left, the locks rest.
    let doors = Doors::serve(&config.doors, clock.read()).context("no door can be used")?;
    let mut disk = SharedDisk::new(state);
    let (identity, paired) = identity::load(&disk)?;
    if let Err(error) = identity::mend(&mut disk, &identity, &paired) {
        tracing::error!(reason = %chain(&error), "not stored: check the disk");
    }
    let badges = Directory::open_as_it_is(&badges_dir(&config.state_dir))?;
    let syncer = badges.syncer();
    let link = target(&paired)?;

    let mut random = randomness();
    let rings = Arc::new(Notify::new());
    let ring = Arc::clone(&rings);
    let keeper = Keeper::open(Box::new(disk.clone()), Box::new(disk), &identity);
    let start = Start {
        identity,
        paired,
        boot: boot_id(&mut random),
        doors: config.doors.iter().map(LocalDoor::from).collect(),
        shadow: config.shadow,
        random: Box::new(random),
    };
    let on_thread = |keeper| {
        let thread = ShelfThread::start(keeper, move || ring.notify_one())?;
        Ok(Box::new(thread) as Box<dyn Shelf>)
    };
    let badges = HastyDisk::start(badges, syncer)?;
    let started = badges.started();
    let agent = Agent::start_on(keeper, on_thread, Box::new(badges), start, clock.read())?;
    started.store(true, Ordering::Relaxed);

    let will = agent.last_will().map(|(topic, payload)| Message {
        topic,
        payload,
        retain: true,
    });
    let link = link::connect(&link, will, move || random.next_u32())?;
    let control = Control::listen(&config.state_dir).unwrap_or_else(|error| {
        tracing::error!(reason = %error, "the control socket cannot be made, `open` and `release` find nobody: check the disk");
        Control::deaf(&config.state_dir)
    });
    let (mut listeners, heard) = Listeners::new();
    listeners.follow(config.readers()).await;
    tracing::info!(boot = %agent.boot(), doors = config.doors.len(), "the agent runs");
    let shell = Shell {
        agent,
        clock,
        doors,
        settings,
        listeners,
        heard,
        control,
        link,
        disk: rings,
        manager,
    };
    Ok(shell.run().await?)
}

impl From<&Door> for LocalDoor {
    fn from(door: &Door) -> Self {
        Self {
            id: door.id.clone(),
            settings: door.settings,
        }
    }
}

/// The broker as the pairing names it.
///
/// # Errors
/// If the pairing names a pin that is none.
pub fn target(paired: &Paired) -> anyhow::Result<Target> {
    let pairing = &paired.pairing;
    let pin = pairing
        .broker_pin
        .as_deref()
        .map(<[u8; 32]>::try_from)
        .transpose();
    Ok(Target {
        url: pairing.broker.clone(),
        agent: pairing.agent.to_string(),
        password: pairing.password.clone(),
        pin: pin
            .context("the pairing names a key of the broker that is none: pair this agent again")?,
    })
}
