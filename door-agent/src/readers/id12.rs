//! ID-2, ID-12, ID-20 and their LA successors at 125 kHz, with the format pin set to ASCII.
//!
//! ID Innovations, "ID series datasheet", section "Output Data Structure - ASCII": STX (02h), data (10 ASCII),
//! checksum (2 ASCII), CR, LF, ETX (03h); the checksum is the exclusive or of the 5 bytes which the data stands for.

use super::frame::Frame;
use super::{Parser, Read};

const ENDING: &[u8] = b"\r\n\x03";

/// The parser for ID-12 and its family.
pub struct Id12(Frame);

impl Default for Id12 {
    fn default() -> Self {
        Id12(Frame::new(ENDING))
    }
}

impl Parser for Id12 {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Read>) {
        self.0.push(bytes, out);
    }
}
