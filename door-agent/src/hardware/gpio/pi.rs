//! Lines of a Raspberry Pi's header through rppal; the only file that knows its GPIO.

use super::lines::{Input, Lines, Output};
use rppal::gpio::{Error, Gpio, InputPin, OutputPin, Pin};
use std::io;

/// The header.
pub struct Header(Gpio);

impl Header {
    /// Of this machine.
    ///
    /// # Errors
    /// If it is no Raspberry Pi that is known, or its registers cannot be reached.
    pub fn open() -> io::Result<Self> {
        Gpio::new().map(Self).map_err(error)
    }

    fn pin(&self, line: u32) -> io::Result<Pin> {
        let number = u8::try_from(line).map_err(io::Error::other)?;
        self.0.get(number).map_err(error)
    }
}

impl Lines for Header {
    fn output(&self, line: u32, high: bool) -> io::Result<Box<dyn Output>> {
        let pin = self.pin(line)?;
        let mut wire = if high {
            pin.into_output_high()
        } else {
            pin.into_output_low()
        };
        // Reset on drop would make it an input, whose level is whatever the board pulls it to; it stays an output at rest.
        wire.set_reset_on_drop(false);
        Ok(Box::new(wire))
    }

    fn input(&self, line: u32) -> io::Result<Box<dyn Input>> {
        Ok(Box::new(self.pin(line)?.into_input_pullup()))
    }
}

impl Output for OutputPin {
    fn set(&mut self, high: bool) -> io::Result<()> {
        if high {
            self.set_high();
        } else {
            self.set_low();
        }
        Ok(())
    }
}

impl Input for InputPin {
    fn is_high(&mut self) -> io::Result<bool> {
        Ok(Self::is_high(self))
    }
}

fn error(error: Error) -> io::Error {
    io::Error::other(error)
}
