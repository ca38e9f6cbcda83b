//! New settings while the agent runs: doors that are the same go on with their lines, their locks and their cards.

use crate::config::{Config, ConfigError, Door};
use crate::guard::Guard;
use std::io;

/// The settings in force, and how to get others.
pub struct Settings {
    config: Config,
    load: Box<dyn Fn() -> Result<Config, ConfigError>>,
    post: Box<dyn Fn() -> io::Result<Guard>>,
    guard: Guard,
}

/// Why the old settings stay.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The new ones are wrong.
    #[error("the new settings cannot be used")]
    Settings(#[from] ConfigError),
    /// The agent would be another one.
    #[error("`state_dir` is another one: restart the agent for that")]
    StateDir,
    /// Nobody would let the locks of the new doors rest.
    #[error("no guard can be started")]
    Guard(#[source] io::Error),
}

/// New settings that may be taken over, and their guard.
pub struct Offer {
    /// The settings.
    pub config: Config,
    guard: Guard,
}

impl Settings {
    /// Those that an agent starts with; `load` reads them anew, `post` posts a guard for what it reads.
    ///
    /// # Errors
    /// If no guard can be started.
    pub fn start(
        config: Config,
        load: Box<dyn Fn() -> Result<Config, ConfigError>>,
        post: Box<dyn Fn() -> io::Result<Guard>>,
    ) -> io::Result<Self> {
        Ok(Self {
            config,
            guard: post()?,
            load,
            post,
        })
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Reads the settings anew; those in force stay.
    ///
    /// # Errors
    /// If the new ones cannot be taken over.
    pub fn read(&self) -> Result<Offer, ReloadError> {
        let config = (self.load)()?;
        if config.state_dir != self.config.state_dir {
            return Err(ReloadError::StateDir);
        }
        // Before a line is touched: it is for the new lines too.
        let guard = (self.post)().map_err(ReloadError::Guard)?;
        Ok(Offer { config, guard })
    }

    /// From now on these are in force.
    pub fn take(&mut self, offer: Offer) {
        self.config = offer.config;
        std::mem::replace(&mut self.guard, offer.guard).dismiss();
    }

    /// Every lock rests already.
    pub fn dismiss(self) {
        self.guard.dismiss();
    }
}

impl Offer {
    /// They are not taken.
    pub fn decline(self) {
        self.guard.dismiss();
    }
}

/// What becomes of the doors.
#[derive(Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Those that go, or are to be other ones.
    pub closed: Vec<&'a Door>,
    /// Those that come, or are other ones.
    pub opened: Vec<&'a Door>,
}

impl<'a> Change<'a> {
    /// From these doors to those. The reader of a door is no part of it: another one changes nothing at the lock.
    #[must_use]
    pub fn between(old: &'a [Door], new: &'a [Door]) -> Self {
        let only_in = |these: &'a [Door], those: &[Door]| {
            let is_new = |door: &&Door| !those.iter().any(|other| is_same(door, other));
            these.iter().filter(is_new).collect()
        };
        Self {
            closed: only_in(old, new),
            opened: only_in(new, old),
        }
    }
}

fn is_same(one: &Door, other: &Door) -> bool {
    one.id == other.id && one.settings == other.settings && one.wiring == other.wiring
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors(text: &str) -> Vec<Door> {
        Config::parse(text).expect("valid").doors
    }

    fn door(id: &str, input: &str, pin: u32, seconds: u32) -> String {
        format!(
            "[[door]]\nid = \"{id}\"\n[door.reader]\nkind = \"simulated\"\ninput = \"/run/{input}\"\n\
             [door.lock]\nkind = \"gpio\"\npin = {pin}\nunlock_seconds = {seconds}\n"
        )
    }

    /// The names of what is closed, and of what is opened.
    fn change(old: &[String], new: &[String]) -> (Vec<String>, Vec<String>) {
        let (old, new) = (doors(&old.concat()), doors(&new.concat()));
        let change = Change::between(&old, &new);
        let names = |doors: Vec<&Door>| doors.iter().map(|door| door.id.to_string()).collect();
        (names(change.closed), names(change.opened))
    }

    #[test]
    fn a_door_that_is_the_same_goes_on_and_every_other_one_is_opened_anew() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (front, back) = (door("front", "a", 17, 5), door("back", "b", 27, 5));
        let both = [front.clone(), back.clone()];
        assert_eq!(change(&both, &both), (names(&[]), names(&[])));
        let turned = [back.clone(), front.clone()];
        assert_eq!(change(&both, &turned), (names(&[]), names(&[])));
        let one = [front.clone()];
        assert_eq!(change(&both, &one), (names(&["back"]), names(&[])));
        assert_eq!(change(&one, &both), (names(&[]), names(&["back"])));
        for other in [door("back", "b", 22, 5), door("back", "b", 27, 6)] {
            let new = [front.clone(), other];
            assert_eq!(change(&both, &new), (names(&["back"]), names(&["back"])));
        }
        let reader = [front, door("back", "c", 27, 5)];
        assert_eq!(change(&both, &reader), (names(&[]), names(&[])));
        // Two doors that change places are two other doors.
        let crossed = [door("front", "a", 27, 5), door("back", "b", 17, 5)];
        assert_eq!(
            change(&both, &crossed),
            (names(&["front", "back"]), names(&["front", "back"]))
        );
    }
}
