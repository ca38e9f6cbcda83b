//! What a door can do to the world, and what it hears from it. Real and simulated hardware share one small interface.

use crate::config::{Chip, Door, Wiring};
use shared::door_clock::Sources;
use shared::reasons::Signal;
use shared::time::Span;
use std::io;
use std::path::PathBuf;

pub mod gpio;
pub mod pattern;
pub mod sensors;
pub mod simulated;

/// The hardware did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// There are no GPIO lines to be had.
    #[error("the GPIO lines of {chip} cannot be used")]
    Chip {
        /// Whose.
        chip: Chip,
        /// Why.
        source: io::Error,
    },
    /// A GPIO line cannot be had or driven.
    #[error("the GPIO line {line} cannot be used")]
    Line {
        /// Which.
        line: u32,
        /// Why.
        source: io::Error,
    },
    /// The simulated output cannot be written.
    #[error("cannot write the simulated lock to {path}")]
    Output {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// One door's outputs. At rest when made and when dropped.
pub trait Hardware: Send {
    /// Releases the lock.
    fn energise(&mut self, now: Sources) -> Result<(), HardwareError>;
    /// Lets the lock rest.
    fn rest(&mut self, now: Sources) -> Result<(), HardwareError>;
    /// Shows something; what changes with time is shown by [`Hardware::play`].
    fn signal(&mut self, signal: Signal, now: Sources) -> Result<(), HardwareError>;
    /// Calls for help, or ceases.
    fn siren(&mut self, on: bool, now: Sources) -> Result<(), HardwareError>;
    /// Shows what is due; the uptime at which there is something else to show, if there will be.
    fn play(&mut self, uptime: Span) -> Option<Span>;
}

/// The outputs of a door as its settings name them.
pub fn open(door: &Door, now: Sources) -> Result<Box<dyn Hardware>, HardwareError> {
    Ok(match &door.wiring {
        Wiring::Gpio(pins) => Box::new(gpio::Outputs::open(pins)?),
        Wiring::Simulated { output } => {
            Box::new(simulated::Lines::open(door.id.clone(), output, now.wall)?)
        }
    })
}
