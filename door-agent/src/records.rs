//! Framed records for append-only files: length, CRC-32, payload.
//!
//! The checksum also covers a salt (which file this is) and the record's own place in it, so that a frame which
//! happens to lie inside a payload, or a stale block of another file, never passes for a record.

/// Bytes in front of each payload: a little-endian length and a little-endian CRC-32.
pub const HEADER: usize = 8;

/// The longest payload a record may carry, in bytes.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// What a scan found in the bytes of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan<'a> {
    /// The payloads whose checksums hold, in file order.
    pub payloads: Vec<&'a [u8]>,
    /// Where the last good record ends; bytes after it are a torn tail.
    pub good_len: usize,
    /// Bytes between good records that belong to none.
    pub damaged: usize,
}

/// The frame for `payload` when it is put at byte `offset` of the file known by `salt`.
///
/// # Panics
/// If the payload is longer than [`MAX_PAYLOAD`].
pub fn frame(salt: u64, offset: u64, payload: &[u8]) -> Vec<u8> {
    assert!(
        payload.len() <= MAX_PAYLOAD,
        "a record carries at most {MAX_PAYLOAD} bytes"
    );
    let len = u32::try_from(payload.len()).expect("MAX_PAYLOAD fits in 32 bits");
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&checksum(salt, offset, len, payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload of a file that holds one whole record and nothing else.
pub fn only(salt: u64, bytes: &[u8]) -> Option<&[u8]> {
    record_at(salt, bytes, 0).filter(|payload| HEADER + payload.len() == bytes.len())
}

/// Reads records from the start and stops at the first that does not hold: for logs whose records build on each other.
pub fn scan_chain(salt: u64, bytes: &[u8]) -> Scan<'_> {
    let mut found = Scan::default();
    while let Some(payload) = record_at(salt, bytes, found.good_len) {
        found.good_len += HEADER + payload.len();
        found.payloads.push(payload);
    }
    found
}

/// Reads all records that hold and steps over damage between them: for logs whose records stand alone.
pub fn scan_all(salt: u64, bytes: &[u8]) -> Scan<'_> {
    let mut found = Scan::default();
    let mut at = 0;
    while at + HEADER <= bytes.len() {
        match record_at(salt, bytes, at) {
            Some(payload) => {
                found.damaged += at - found.good_len;
                at += HEADER + payload.len();
                found.good_len = at;
                found.payloads.push(payload);
            }
            None => at += 1,
        }
    }
    found
}

fn record_at(salt: u64, bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    let len = u32::from_le_bytes(*rest.first_chunk::<4>()?);
    let sum = u32::from_le_bytes(*rest.get(4..)?.first_chunk::<4>()?);
    let length = usize::try_from(len)
        .ok()
        .filter(|length| *length <= MAX_PAYLOAD)?;
    let payload = rest.get(HEADER..HEADER.checked_add(length)?)?;
    (checksum(salt, at as u64, len, payload) == sum).then_some(payload)
}

fn checksum(salt: u64, offset: u64, len: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(&len.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(salt: u64, payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for payload in payloads {
            let record = frame(salt, bytes.len() as u64, payload);
            bytes.extend(record);
        }
        bytes
    }

    #[test]
    fn what_was_framed_is_scanned() {
        let bytes = log(7, &[b"one", b"", b"three"]);
        let expected = Scan {
            payloads: vec![b"one", b"", b"three"],
            good_len: bytes.len(),
            damaged: 0,
        };
        assert_eq!(scan_chain(7, &bytes), expected);
        assert_eq!(scan_all(7, &bytes), expected);
    }

    #[test]
    fn a_log_cut_anywhere_gives_the_whole_records_before_the_cut() {
        let bytes = log(7, &[b"one", b"two", b"three"]);
        for cut in 0..=bytes.len() {
            let whole = [11, 22, 35].iter().filter(|end| **end <= cut).count();
            let found = scan_chain(7, &bytes[..cut]);
            assert_eq!(found.payloads.len(), whole, "cut at {cut}");
            assert_eq!(found.good_len, [0, 11, 22, 35][whole], "cut at {cut}");
            assert_eq!(
                scan_all(7, &bytes[..cut]).payloads.len(),
                whole,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_flipped_bit_costs_exactly_the_record_it_is_in() {
        let bytes = log(7, &[b"one", b"two", b"three"]);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let hit = [11, 22, 35].iter().filter(|end| **end <= bit / 8).count();
            let mut left: Vec<&[u8]> = vec![b"one", b"two", b"three"];
            left.remove(hit);
            assert_eq!(scan_all(7, &flipped).payloads, left, "bit {bit}");
            assert_eq!(scan_chain(7, &flipped).payloads, left[..hit], "bit {bit}");
        }
    }

    #[test]
    fn a_frame_inside_a_payload_or_from_another_file_is_no_record() {
        let inner = frame(7, 0, b"never written");
        let mut bytes = log(7, &[&inner]);
        bytes[0] ^= 1;
        assert!(scan_all(7, &bytes).payloads.is_empty());
        assert!(scan_all(8, &log(7, &[b"one"])).payloads.is_empty());
    }
}
