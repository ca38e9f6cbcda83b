//! Small values that must survive a torn or rotten copy: two files take turns, the newest that holds is the value.
//!
//! A copy that cannot be read may still be good, and be the newest: it is left alone, and a spare file takes its turns.

use crate::disk::Disk;
use crate::records;
use std::collections::BTreeMap;
use std::io;

const SALT: u64 = u64::from_le_bytes(*b"gs-slots");
/// The two that take turns, and the spare one.
const FILES: usize = 3;
const SPARE: usize = 2;

/// One value kept in two files.
#[derive(Debug)]
pub(super) struct Slots {
    name: &'static str,
    turns: BTreeMap<usize, u64>,
    unreadable: [bool; FILES],
}

/// What was found of a value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The copies that hold, the newest last.
    pub copies: Vec<Vec<u8>>,
    /// Whether a copy was there and did not hold, or could not be read.
    pub damaged: bool,
}

impl Slots {
    /// Reads all copies.
    pub fn open(disk: &dyn Disk, name: &'static str) -> (Slots, Found) {
        let mut slots = Slots {
            name,
            turns: BTreeMap::new(),
            unreadable: [false; FILES],
        };
        let mut copies = Vec::new();
        let mut damaged = false;
        for slot in 0..FILES {
            let file = slots.file(slot);
            match disk.read(&file) {
                Ok(None) => {}
                Ok(Some(bytes)) => match decode(&bytes) {
                    Some((turn, value)) => {
                        slots.turns.insert(slot, turn);
                        copies.push((turn, value.to_vec()));
                    }
                    None => damaged = true,
                },
                Err(error) => {
                    tracing::error!(file, reason = %error, "cannot be read, another copy is used: check the card");
                    slots.unreadable[slot] = true;
                    damaged = true;
                }
            }
        }
        copies.sort_by_key(|(turn, _)| *turn);
        let copies = copies.into_iter().map(|(_, value)| value).collect();
        (slots, Found { copies, damaged })
    }

    /// Puts a new value in place of the older copy; durable on return.
    pub fn write(&mut self, disk: &mut dyn Disk, value: &[u8]) -> io::Result<()> {
        let newest = self.turns.iter().max_by_key(|(_, turn)| **turn);
        let (newest, turn) = newest.map_or((None, 0), |(slot, turn)| (Some(*slot), *turn));
        let slot = (0..FILES)
            .filter(|slot| !self.unreadable[*slot] && Some(*slot) != newest)
            .min_by_key(|slot| (*slot == SPARE, self.turns.get(slot).copied().unwrap_or(0)))
            .or(newest)
            .unwrap_or(SPARE);
        // One turn is left to a copy that could not be read and may be newer than what was.
        let turn = turn.saturating_add(if self.unreadable.contains(&true) {
            2
        } else {
            1
        });
        let payload = [&turn.to_le_bytes()[..], value].concat();
        disk.write_atomic(&self.file(slot), &records::frame(SALT, 0, &payload))?;
        self.turns.insert(slot, turn);
        Ok(())
    }

    fn file(&self, slot: usize) -> String {
        format!("{}.{slot}", self.name)
    }
}

fn decode(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (turn, value) = records::only(SALT, bytes)?.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*turn), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;

    #[test]
    fn the_newest_copy_that_holds_is_the_value() {
        let mut disk = MemoryDisk::new();
        let (mut slots, found) = Slots::open(&disk, "value");
        assert_eq!(found, Found::default());
        for value in [b"one", b"two", b"six"] {
            slots.write(&mut disk, value).expect("it writes");
        }
        let (_, found) = Slots::open(&disk, "value");
        assert_eq!(
            found,
            Found {
                copies: vec![b"two".to_vec(), b"six".to_vec()],
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
            let (mut slots, found) = Slots::open(&disk, "value");
            assert_eq!(
                found,
                Found {
                    copies: vec![b"two".to_vec()],
                    damaged: true
                },
                "bit {bit}"
            );
            slots
                .write(&mut disk, b"new")
                .expect("the rotten copy is replaced");
            let (_, found) = Slots::open(&disk, "value");
            assert_eq!(
                found,
                Found {
                    copies: vec![b"two".to_vec(), b"new".to_vec()],
                    damaged: false
                }
            );
        }
    }
    #[test]
    fn a_copy_that_cannot_be_read_is_left_alone_and_read_again_when_it_can_be() {
        for unreadable in ["value.0", "value.1"] {
            let mut disk = MemoryDisk::new();
            let (mut slots, _) = Slots::open(&disk, "value");
            for value in [b"one", b"two"] {
                slots.write(&mut disk, value).expect("it writes");
            }
            disk.fail_reads(unreadable, true);
            let (mut slots, found) = Slots::open(&disk, "value");
            assert_eq!(found.copies.len(), 1, "{unreadable}");
            assert!(found.damaged);
            for value in [b"new", b"six", b"ten"] {
                slots.write(&mut disk, value).expect("it writes");
            }
            let (_, found) = Slots::open(&disk, "value");
            assert_eq!(found.copies, [b"six".to_vec(), b"ten".to_vec()]);

            disk.fail_reads(unreadable, false);
            let (mut slots, found) = Slots::open(&disk, "value");
            let left_alone = if unreadable == "value.0" {
                b"one"
            } else {
                b"two"
            };
            let expected = Found {
                copies: vec![left_alone.to_vec(), b"six".to_vec(), b"ten".to_vec()],
                damaged: false,
            };
            assert_eq!(found, expected);
            slots.write(&mut disk, b"end").expect("it writes");
            let (_, found) = Slots::open(&disk, "value");
            assert_eq!(found.copies.last(), Some(&b"end".to_vec()));
        }
    }

    #[test]
    fn with_no_copy_to_be_read_a_value_is_still_kept() {
        let mut disk = MemoryDisk::new();
        let (mut slots, _) = Slots::open(&disk, "value");
        for value in [b"one", b"two"] {
            slots.write(&mut disk, value).expect("it writes");
        }
        disk.fail_reads("value.0", true);
        disk.fail_reads("value.1", true);
        let (mut slots, found) = Slots::open(&disk, "value");
        assert_eq!((found.copies.len(), found.damaged), (0, true));
        for value in [b"new", b"six"] {
            slots.write(&mut disk, value).expect("it writes");
        }
        let (_, found) = Slots::open(&disk, "value");
        assert_eq!(found.copies, [b"six".to_vec()]);
    }
}
