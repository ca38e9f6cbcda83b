//! An MFRC522 on SPI.

use super::Post;
use super::spi::{Bus, open};
use super::thread::{self, Speaker};
use crate::config::SpiDevice;
use crate::readers::mfrc522::{Mfrc522, REST, Registers, read_transfer, write_transfer};
use std::convert::Infallible;
use std::io;
use std::time::Duration;

/// The chip stands ten times that (data sheet, 8.1.2); wires of some length do not.
const CLOCK_HZ: u32 = 1_000_000;

pub(super) async fn listen(device: SpiDevice, post: &mut Post) -> io::Result<Infallible> {
    thread::run(post, move |speaker| {
        let bus = open(device, CLOCK_HZ)?;
        let mut chip = Mfrc522::start(OnSpi {
            bus,
            speaker: &speaker,
        })?;
        speaker.there()?;
        let mut reads = Vec::new();
        loop {
            chip.look(&mut reads)?;
            speaker.tell(&mut reads)?;
            speaker.wait(REST)?;
        }
    })
    .await
}

struct OnSpi<'a, B> {
    bus: B,
    speaker: &'a Speaker,
}

impl<B: Bus> Registers for OnSpi<'_, B> {
    fn read(&mut self, register: u8) -> io::Result<u8> {
        let mut bytes = read_transfer(register);
        self.bus.transfer(&mut bytes)?;
        Ok(bytes[1])
    }

    fn write(&mut self, register: u8, value: u8) -> io::Result<()> {
        self.bus.transfer(&mut write_transfer(register, value))
    }

    fn wait(&mut self, time: Duration) -> io::Result<()> {
        self.speaker.wait(time)
    }
}
