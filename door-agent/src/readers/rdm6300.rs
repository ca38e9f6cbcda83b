//! RDM630 and RDM6300 at 125 kHz.
//!
//! Seeed Studio, "125Khz RFID module - UART", section "TTL Interface RS232 Data output format": 9600 bps, N, 8, 1;
//! `02`, 10 ASCII data characters, checksum, `03`; the checksum is the XOR of the card's bytes. The example there:
//! card 62E3086CED, checksum 62 XOR E3 XOR 08 XOR 6C XOR ED = 08.

use super::frame::Frame;
use super::{Parser, Read};

const ENDING: &[u8] = &[0x03];

/// The parser for RDM6300.
pub struct Rdm6300(Frame);

impl Default for Rdm6300 {
    fn default() -> Self {
        Rdm6300(Frame::new(ENDING))
    }
}

impl Parser for Rdm6300 {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Read>) {
        self.0.push(bytes, out);
    }
}
