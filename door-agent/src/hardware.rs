//! What a door can do to the world. Real and simulated hardware share one small interface.

use crate::config::{Door, Lock};
use shared::reasons::Signal;
use shared::time::Timestamp;

pub mod gpio;
pub mod simulated;

/// The hardware did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// The GPIO lines cannot be used.
    #[error("cannot use the GPIO lines: this needs a Raspberry Pi and the group gpio")]
    Gpio(#[from] rppal::gpio::Error),
    /// The simulated output cannot be written.
    #[error("cannot write the simulated lock to {path}")]
    Output {
        /// Where.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// One door's outputs. At rest when made and when dropped.
pub trait Hardware: Send {
    /// Releases the lock.
    fn energise(&mut self, at: Timestamp) -> Result<(), HardwareError>;
    /// Lets the lock rest.
    fn rest(&mut self, at: Timestamp) -> Result<(), HardwareError>;
    /// Shows something.
    fn signal(&mut self, signal: Signal, at: Timestamp) -> Result<(), HardwareError>;
    /// What its inputs say, as (exit button pressed, door open); none where there is no such input.
    fn inputs(&mut self) -> (Option<bool>, Option<bool>);
}

/// The outputs of a door as its settings name them.
pub fn open(door: &Door, at: Timestamp) -> Result<Box<dyn Hardware>, HardwareError> {
    Ok(match &door.lock {
        Lock::Gpio { pin, active, .. } => Box::new(gpio::Pins::open(door, *pin, *active)?),
        Lock::Simulated { output, .. } => {
            Box::new(simulated::Lines::open(door.id.clone(), output, at)?)
        }
    })
}
