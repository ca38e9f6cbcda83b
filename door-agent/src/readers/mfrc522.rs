//! MFRC522 at 13.56 MHz on SPI.
//!
//! NXP, "MFRC522 Standard performance MIFARE and NTAG frontend", data sheet 3.9: SPI (8.1.2), registers (9.3), commands
//! (10.3), timer (8.5). The chip sends and receives; how a card is found is in [`select`]. The field is on only while cards
//! are looked for, so that every look finds them as if they had just come; a card that rests is seen about eight times a
//! second, as other readers write theirs again and again.

use super::{Read, Rejection, type_a};
use select::{Answer, Field, Found, REQA};
use std::io;
use std::time::Duration;
use zeroize::Zeroize;

pub mod select;

/// From one look for cards to the next.
pub const REST: Duration = Duration::from_millis(110);
/// A card has this long to wake up in a field (ISO/IEC 14443-3, 5).
const WAKE_UP: Duration = Duration::from_millis(5);
/// From one look at the chip to the next; a card's answer takes about as long.
const STEP: Duration = Duration::from_micros(200);
/// The chip's own timer ends what is not answered after 3 ms; one that says nothing for this many steps is not there.
const PATIENCE: u32 = 100;
/// More than anything a card answers here, in bytes.
const LONGEST_ANSWER: usize = 8;

/// The registers used here, by their addresses (table 20).
mod register {
    pub const COMMAND: u8 = 0x01;
    pub const COM_IRQ: u8 = 0x04;
    pub const ERROR: u8 = 0x06;
    pub const FIFO_DATA: u8 = 0x09;
    pub const FIFO_LEVEL: u8 = 0x0a;
    pub const CONTROL: u8 = 0x0c;
    pub const BIT_FRAMING: u8 = 0x0d;
    pub const COLL: u8 = 0x0e;
    pub const MODE: u8 = 0x11;
    pub const TX_CONTROL: u8 = 0x14;
    pub const TX_ASK: u8 = 0x15;
    pub const T_MODE: u8 = 0x2a;
    pub const T_PRESCALER: u8 = 0x2b;
    pub const T_RELOAD_HIGH: u8 = 0x2c;
    pub const T_RELOAD_LOW: u8 = 0x2d;
    pub const VERSION: u8 = 0x37;
}
use register as r;

const IDLE: u8 = 0x00;
const TRANSCEIVE: u8 = 0x0c;
const SOFT_RESET: u8 = 0x0f;
const POWER_DOWN: u8 = 0x10;
const ALL_IRQS: u8 = 0x7f;
const RECEIVED_OR_IDLE: u8 = 0x30;
const TIMER: u8 = 0x01;
const FLUSH: u8 = 0x80;
const START_SEND: u8 = 0x80;
const ANTENNA: u8 = 0x03;
/// Overflow, parity and protocol.
const BROKEN: u8 = 0x13;
const COLLISION: u8 = 0x08;
const PLACE_UNKNOWN: u8 = 0x20;

/// What is done once after a reset: a timer of 25 µs that starts after each transmission and ends it after 120 of them
/// (8.5), full modulation, the CRC's preset of ISO/IEC 14443-3, and no bits deleted after a collision.
const SETUP: [(u8, u8); 7] = [
    (r::T_MODE, 0x80),
    (r::T_PRESCALER, 0xa9),
    (r::T_RELOAD_HIGH, 0x00),
    (r::T_RELOAD_LOW, 0x78),
    (r::TX_ASK, 0x40),
    (r::MODE, 0x3d),
    (r::COLL, 0x00),
];

/// How a chip's registers are reached, and how time passes meanwhile.
pub trait Registers {
    /// Reads one register.
    fn read(&mut self, register: u8) -> io::Result<u8>;
    /// Writes one register.
    fn write(&mut self, register: u8, value: u8) -> io::Result<()>;
    /// Lets time pass.
    fn wait(&mut self, time: Duration) -> io::Result<()>;
}

/// The bytes of an SPI transfer that reads a register; its value comes back last.
#[must_use]
pub fn read_transfer(register: u8) -> [u8; 2] {
    [0x80 | register << 1, 0]
}

/// The bytes of an SPI transfer that writes a register.
#[must_use]
pub fn write_transfer(register: u8, value: u8) -> [u8; 2] {
    [register << 1, value]
}

/// A chip that is set up, its field off.
pub struct Mfrc522<R> {
    registers: R,
}

impl<R: Registers> Mfrc522<R> {
    /// Resets and sets up a chip.
    ///
    /// # Errors
    /// If there is none.
    pub fn start(registers: R) -> io::Result<Self> {
        let mut chip = Self { registers };
        chip.registers.write(r::COMMAND, SOFT_RESET)?;
        let mut left = PATIENCE;
        while chip.registers.read(r::COMMAND)? & POWER_DOWN != 0 {
            chip.step(&mut left)?;
        }
        // Copies of the chip have other versions than NXP's 91 and 92; a line that nothing drives has none.
        if matches!(chip.registers.read(r::VERSION)?, 0x00 | 0xff) {
            return Err(silent());
        }
        for (register, value) in SETUP {
            chip.registers.write(register, value)?;
        }
        chip.antenna(false)?;
        Ok(chip)
    }

    /// Looks once for cards and adds what it saw.
    ///
    /// # Errors
    /// If the chip does not answer; it has to be started anew.
    pub fn look(&mut self, out: &mut Vec<Read>) -> io::Result<()> {
        self.antenna(true)?;
        self.registers.wait(WAKE_UP)?;
        let found = select::all(self);
        self.antenna(false)?;
        for found in found? {
            out.push(match found {
                Found::Card(mut uid) => {
                    let read = type_a(&uid);
                    uid.zeroize();
                    read
                }
                Found::Several => Read::Rejected(Rejection::SeveralCards),
                Found::Nonsense => Read::Rejected(Rejection::Nonsense),
            });
        }
        Ok(())
    }

    fn antenna(&mut self, on: bool) -> io::Result<()> {
        let others = self.registers.read(r::TX_CONTROL)? & !ANTENNA;
        let value = if on { others | ANTENNA } else { others };
        self.registers.write(r::TX_CONTROL, value)
    }

    fn step(&mut self, left: &mut u32) -> io::Result<()> {
        *left = left.checked_sub(1).ok_or_else(silent)?;
        self.registers.wait(STEP)
    }

    /// Sends these bytes, of the last one only so many bits (0: all), and says whether it is answered at all; the first bit
    /// of the answer goes to that place of its byte.
    fn send(&mut self, bytes: &[u8], last_bits: u8, first_bit: u8) -> io::Result<bool> {
        let registers = &mut self.registers;
        registers.write(r::COMMAND, IDLE)?;
        registers.write(r::COM_IRQ, ALL_IRQS)?;
        registers.write(r::FIFO_LEVEL, FLUSH)?;
        for byte in bytes {
            registers.write(r::FIFO_DATA, *byte)?;
        }
        let framing = first_bit << 4 | last_bits;
        registers.write(r::BIT_FRAMING, framing)?;
        registers.write(r::COMMAND, TRANSCEIVE)?;
        registers.write(r::BIT_FRAMING, START_SEND | framing)?;
        let mut left = PATIENCE;
        loop {
            let irq = self.registers.read(r::COM_IRQ)?;
            if irq & RECEIVED_OR_IDLE != 0 {
                return Ok(true);
            }
            if irq & TIMER != 0 {
                return Ok(false);
            }
            self.step(&mut left)?;
        }
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let registers = &mut self.registers;
        let error = registers.read(r::ERROR)?;
        let level = usize::from(registers.read(r::FIFO_LEVEL)?);
        if error & BROKEN != 0 || level == 0 || level > LONGEST_ANSWER {
            return Ok(Answer::Broken);
        }
        let mut bytes = Vec::with_capacity(level);
        for _ in 0..level {
            bytes.push(registers.read(r::FIFO_DATA)?);
        }
        if error & COLLISION == 0 {
            let whole = registers.read(r::CONTROL)? & 0x07 == 0;
            return Ok(if whole {
                Answer::Bytes(bytes)
            } else {
                Answer::Broken
            });
        }
        let place = registers.read(r::COLL)?;
        Ok(match place & 0x1f {
            _ if place & PLACE_UNKNOWN != 0 => Answer::Broken,
            0 => Answer::Collision { bytes, bit: 32 },
            bit => Answer::Collision { bytes, bit },
        })
    }
}

impl<R: Registers> Field for Mfrc522<R> {
    fn request(&mut self) -> io::Result<Answer> {
        if self.send(&[REQA], 7, 0)? {
            self.answer()
        } else {
            Ok(Answer::Nothing)
        }
    }

    fn exchange(&mut self, bytes: &[u8], last_bits: u8) -> io::Result<Answer> {
        if self.send(bytes, last_bits, last_bits)? {
            self.answer()
        } else {
            Ok(Answer::Nothing)
        }
    }
}

fn silent() -> io::Error {
    io::Error::other(
        "the MFRC522 does not answer: check its wires (SDA is the select line), its supply of 3.3 V, and that SPI is enabled",
    )
}

#[cfg(test)]
pub(super) mod tests;
