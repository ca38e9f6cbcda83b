//! Small values that must survive a torn or rotten copy: two files take turns, the newest that holds is the value.

use crate::disk::Disk;
use crate::records;
use std::io;

const SALT: u64 = u64::from_le_bytes(*b"gs-slots");

/// One value kept in two files.
#[derive(Debug)]
pub(super) struct Slots {
    name: &'static str,
    newest: Option<(usize, u64)>,
}

/// What was found of a value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The newest copy that holds.
    pub value: Option<Vec<u8>>,
    /// Whether a copy was there and did not hold.
    pub damaged: bool,
}

impl Slots {
    /// Reads both copies.
    pub fn open(disk: &dyn Disk, name: &'static str) -> io::Result<(Slots, Found)> {
        let mut slots = Slots { name, newest: None };
        let mut found = Found::default();
        for slot in 0..2 {
            let Some(bytes) = disk.read(&slots.file(slot))? else {
                continue;
            };
            match decode(&bytes) {
                Some((turn, value)) => {
                    if slots.newest.is_none_or(|(_, newest)| turn > newest) {
                        slots.newest = Some((slot, turn));
                        found.value = Some(value.to_vec());
                    }
                }
                None => found.damaged = true,
            }
        }
        Ok((slots, found))
    }

    /// Puts a new value in place of the older copy; durable on return.
    pub fn write(&mut self, disk: &mut dyn Disk, value: &[u8]) -> io::Result<()> {
        let (slot, turn) = self
            .newest
            .map_or((0, 1), |(slot, turn)| (1 - slot, turn.saturating_add(1)));
        let payload = [&turn.to_le_bytes()[..], value].concat();
        disk.write_atomic(&self.file(slot), &records::frame(SALT, 0, &payload))?;
        self.newest = Some((slot, turn));
        Ok(())
    }

    fn file(&self, slot: usize) -> String {
        format!("{}.{slot}", self.name)
    }
}

fn decode(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let scan = records::scan_chain(SALT, bytes);
    let payload = scan
        .payloads
        .first()
        .filter(|_| scan.good_len == bytes.len())?;
    let (turn, value) = payload.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*turn), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;

    #[test]
    fn the_newest_copy_that_holds_is_the_value() {
        let mut disk = MemoryDisk::new();
        let (mut slots, found) = Slots::open(&disk, "value").expect("it opens");
        assert_eq!(found, Found::default());
        for value in [b"one", b"two", b"six"] {
            slots.write(&mut disk, value).expect("it writes");
        }
        let (_, found) = Slots::open(&disk, "value").expect("it opens");
        assert_eq!(
            found,
            Found {
                value: Some(b"six".to_vec()),
                damaged: false
            }
        );

        let newest = disk
            .read("value.0")
            .expect("it reads")
            .expect("it is there");
        for bit in 0..newest.len() * 8 {
            let mut rotten = newest.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            disk.overwrite("value.0", rotten);
            let (mut slots, found) = Slots::open(&disk, "value").expect("it opens");
            assert_eq!(
                found,
                Found {
                    value: Some(b"two".to_vec()),
                    damaged: true
                },
                "bit {bit}"
            );
            slots
                .write(&mut disk, b"new")
                .expect("the rotten copy is replaced");
            let (_, found) = Slots::open(&disk, "value").expect("it opens");
            assert_eq!(
                found,
                Found {
                    value: Some(b"new".to_vec()),
                    damaged: false
                }
            );
        }
    }
}
