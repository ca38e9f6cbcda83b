//! A line of a GPIO chip, whoever makes it.

use super::{cdev, pi};
use crate::config::Chip;
use std::io;

/// A line that is driven.
pub trait Output: Send {
    /// Drives it to this level.
    fn set(&mut self, high: bool) -> io::Result<()>;
}

/// A line that is read; it is pulled up.
pub trait Input: Send {
    /// The level it has.
    fn is_high(&mut self) -> io::Result<bool>;
}

/// Makes lines of one chip.
pub trait Lines {
    /// A line that is driven to this level in the same step in which it becomes an output.
    fn output(&self, line: u32, high: bool) -> io::Result<Box<dyn Output>>;
    /// A line with a pull-up.
    fn input(&self, line: u32) -> io::Result<Box<dyn Input>>;
}

/// The lines of a chip: of a Raspberry Pi that is known, by its registers; of any other, by the kernel.
pub fn of(chip: &Chip) -> io::Result<Box<dyn Lines>> {
    if *chip == Chip::Header {
        match pi::Header::open() {
            Ok(header) => return Ok(Box::new(header)),
            // A later model, perhaps: the kernel knows it.
            Err(reason) => tracing::debug!(%reason, "no Raspberry Pi whose registers are known"),
        }
    }
    Ok(Box::new(cdev::Lines::open(chip)?))
}
