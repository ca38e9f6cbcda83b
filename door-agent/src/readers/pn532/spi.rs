//! How frames travel on SPI (UM0701-02, section 6.2.5): each transfer begins with a byte that says what it is, and each byte
//! goes with its lowest bit first. The SPI of a Raspberry Pi sends the highest first, so the bits are turned here.

const STATUS: u8 = 0x02;
const WRITE: u8 = 0x01;
const READ: u8 = 0x03;
const READY: u8 = 0x01;
/// The longest frame, with all that stands around it.
const LONGEST: usize = 276;

/// The bytes of a transfer that writes a frame.
#[must_use]
pub fn write(frame: &[u8]) -> Vec<u8> {
    turned([&[WRITE], frame].concat())
}

/// The bytes of a transfer that asks whether there is something to read.
#[must_use]
pub fn status() -> Vec<u8> {
    turned(vec![STATUS, 0])
}

/// Whether there is, from what came back in that transfer.
#[must_use]
pub fn is_ready(came: &[u8]) -> bool {
    came.last()
        .is_some_and(|byte| byte.reverse_bits() & READY != 0)
}

/// The bytes of a transfer that reads a frame of any length.
#[must_use]
pub fn read() -> Vec<u8> {
    let mut bytes = vec![0; 1 + LONGEST];
    bytes[0] = READ;
    turned(bytes)
}

/// The frame, and what came behind it, from what came back in that transfer.
#[must_use]
pub fn came(came: Vec<u8>) -> Vec<u8> {
    let mut bytes = turned(came);
    bytes.drain(..1.min(bytes.len()));
    bytes
}

fn turned(mut bytes: Vec<u8>) -> Vec<u8> {
    for byte in &mut bytes {
        *byte = byte.reverse_bits();
    }
    bytes
}
