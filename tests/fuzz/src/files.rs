//! What lies on the disk: the settings, and the state directory after whatever happened to it.

use door_agent::config::{Config, ConfigError};
use door_agent::disk::{Disk, MemoryDisk};
use door_agent::identity::{self, Paired};
use door_agent::records;
use door_agent::spool::{Limits, Spool};
use door_agent::store::{AgentState, Highest, Store, order};
use shared::allow_list::{AllowList, Digest, Epoch, Revision};
use shared::badge::Weight;
use shared::card::CardToken;
use shared::ids::{BootId, ZoneId};
use shared::keys::{OpeningKey, Signer};
use shared::rights::Entry;
use shared::time::Timestamp;
use shared::wire::pairing::Pairing;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong is told with the line in which it stands, and what is right makes doors that differ.
pub fn settings(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    match Config::parse(&text) {
        Ok(config) => {
            let names: BTreeSet<_> = config.doors.iter().map(|door| &door.id).collect();
            assert!(!names.is_empty() && names.len() == config.doors.len());
            true
        }
        Err(ConfigError::Wrong(problem)) => {
            assert!((1..=text.split('\n').count()).contains(&problem.line));
            assert!(!problem.what.is_empty() && !problem.valid.is_empty());
            false
        }
        Err(ConfigError::Read { .. }) => panic!("nothing was read from a disk"),
    }
}

/// A list finds what its entries say and nothing else, also when it was changed and made one piece.
pub fn list(data: &[u8]) -> bool {
    let Some(mut list) = AllowList::from_bytes(data.to_vec(), 0) else {
        return false;
    };
    let mut written = Vec::new();
    list.append_to(&mut written);
    assert_eq!(written, data);
    let entries: Vec<Entry> = list.entries().collect();
    assert!(entries.len() <= list.len());
    let tokens = data.windows(8).take(64);
    let tokens = tokens.map(|token| CardToken(token.try_into().expect("eight bytes")));
    let own = entries.iter().map(|entry| entry.token).take(64);
    for token in tokens.chain(own) {
        let found = list.find(token);
        assert!(found.is_none_or(|found| entries.contains(&found)));
    }
    let number = list.revision().number;
    if number == u64::MAX {
        return true;
    }

    let by_token = entries.iter().map(|entry| (entry.token, entry.clone()));
    let mut wanted: BTreeMap<_, _> = by_token.collect();
    if let Some((_, entry)) = wanted.pop_first() {
        let token = CardToken([0x5a; 8]);
        wanted.insert(token, Entry { token, ..entry });
    }
    // Rows that are out of order or name no terms were never written, and are not noticed; but they become no others.
    let as_written =
        entries.len() == list.len() && entries.is_sorted_by(|one, next| one.token < next.token);
    let check = |list: &AllowList| {
        let mut now = list.entries();
        if as_written {
            assert!(now.eq(wanted.values().cloned()));
            let found = |(token, entry)| list.find(token).as_ref() == Some(entry);
            assert!(
                wanted
                    .iter()
                    .map(|(token, entry)| (*token, entry))
                    .take(64)
                    .all(found)
            );
        } else {
            let known = |entry: &Entry| wanted.get(&entry.token) == Some(entry);
            assert!(now.all(|entry| known(&entry) || entries.contains(&entry)));
        }
    };
    let delta = list.delta_to(number + 1, &wanted);
    list.apply(&delta).expect("it leads on from here");
    check(&list);
    let merged = list.merged();
    check(&merged.list);
    list.rest_on(&merged);
    check(&list);
    as_written && !entries.is_empty()
}

fn zone() -> ZoneId {
    ZoneId::new("wood").expect("a name")
}

fn revision(number: u64) -> Revision {
    Revision {
        epoch: Epoch {
            number: 1,
            id: [1; 8],
        },
        number,
    }
}

fn snapshot(number: u64) -> Vec<u8> {
    format!("list {number}").into_bytes()
}

/// A list's files with changes in them, four bytes each: which file, where (its end is cut off there if the highest bit is
/// set), and what is turned. What is loaded was stored, and is followed by what followed it.
pub fn list_files(data: &[u8]) -> bool {
    let (disk, zone) = (MemoryDisk::new(), zone());
    let mut store = Store::open(Box::new(disk.clone()));
    for number in [1, 4] {
        let save = |bytes: &mut Vec<u8>| bytes.extend(snapshot(number));
        store
            .save_snapshot(&zone, revision(number), save)
            .expect("it stores");
        for number in number + 1..number + 3 {
            store
                .append_delta(&zone, revision(number), &snapshot(number))
                .expect("it stores");
        }
    }
    let names = disk.list().expect("it lists");
    for change in data.chunks_exact(4) {
        let name = &names[usize::from(change[0]) % names.len()];
        let at = u16::from_le_bytes([change[1], change[2]]);
        let mut bytes = disk.read(name).expect("it reads").unwrap_or_default();
        let place = usize::from(at & 0x7fff);
        if at & 0x8000 != 0 {
            bytes.truncate(place);
        } else if let Some(byte) = bytes.get_mut(place) {
            *byte ^= change[3];
        }
        disk.overwrite(name, bytes);
    }

    let mut store = Store::open(Box::new(disk.clone()));
    let loaded = store.load(&zone, |revision, bytes, at| {
        Some((revision, bytes[at..].to_vec()))
    });
    let Some(loaded) = loaded else {
        return false;
    };
    assert!([revision(1), revision(4)].contains(&loaded.revision));
    let first = loaded.revision.number;
    assert_eq!(loaded.snapshot, (loaded.revision, snapshot(first)));
    for (delta, number) in loaded.deltas.iter().zip(first + 1..) {
        assert_eq!(
            (delta.revision, &delta.bytes),
            (revision(number), &snapshot(number))
        );
    }
    // A file cut off at a record's end looks whole; everything else that is missing is told.
    let cut = data.chunks_exact(4).any(|change| change[2] & 0x80 != 0);
    assert!(loaded.degraded || cut || (first, loaded.deltas.len()) == (4, 2));
    let newest = first + loaded.deltas.len() as u64 + 1;
    let save = |bytes: &mut Vec<u8>| bytes.extend(snapshot(newest));
    store
        .save_snapshot(&zone, revision(newest), save)
        .expect("it stores");
    let mut store = Store::open(Box::new(disk));
    let loaded = store.load(&zone, |_, bytes, at| Some(bytes[at..].to_vec()));
    assert_eq!(loaded.expect("it was stored").snapshot, snapshot(newest));
    true
}

/// The value of one copy with a right checksum: counters and marks, or highest revisions; none goes down.
pub fn counters(data: &[u8]) -> bool {
    let Some((which, value)) = data.split_first() else {
        return false;
    };
    let disk = MemoryDisk::new();
    let mut store = Store::open(Box::new(disk.clone()));
    let state = AgentState {
        boots: 7,
        command_counter: 9,
        ..AgentState::default()
    };
    let highest = Highest {
        revision: revision(4),
        digest: Digest([4; 32]),
    };
    store.save_state(&state).expect("it stores");
    store.raise_highest(&zone(), highest).expect("it stores");
    let name = ["state", "highest"][usize::from(which & 1)];
    let slot = which >> 1 & 3;
    let salt = u64::from_le_bytes(*b"gs-slots");
    let file = if which & 0x80 == 0 {
        records::frame(salt, 0, value)
    } else {
        value.to_vec()
    };
    // The copy that holds is in the first slot.
    disk.overwrite(&format!("{name}.{}", slot.max(1)), file);

    let mut store = Store::open(Box::new(disk.clone()));
    let read = store.state().clone();
    assert!(read.boots >= 7 && read.command_counter >= 9);
    let held = store.highest(&zone()).expect("it was stored");
    assert!(order(held.revision) >= order(highest.revision));
    let next = AgentState {
        boots: read.boots.saturating_add(1),
        ..read
    };
    store.save_state(&next).expect("it stores");
    assert_eq!(*Store::open(Box::new(disk)).state(), next);
    next.boots > 8 || held != highest
}

/// A copy of the identity or of the pairing, with a checksum or without, beside one that holds: the agent is who it was.
pub fn identity(data: &[u8]) -> bool {
    let Some((which, content)) = data.split_first() else {
        return false;
    };
    let signer = Signer::from_seed(&[3; 32]);
    let seeds = [[3; 32], [4; 32]].concat();
    let paired = Paired {
        server: Signer::from_seed(&[7; 32]).public(),
        agent: signer.public(),
        pairing: golden_pairing(),
    };
    let pairing = minicbor::to_vec(&paired).expect("writing to memory cannot fail");
    let frame = |bytes: &[u8]| records::frame(u64::from_le_bytes(*b"gs-ident"), 0, bytes);
    let mut disk = MemoryDisk::new();
    for (name, good) in [("identity", &seeds), ("pairing", &pairing)] {
        disk.overwrite(name, frame(good));
        disk.overwrite(&format!("{name}.copy"), frame(good));
    }
    let names = ["identity", "identity.copy", "pairing", "pairing.copy"];
    let framed = which & 4 != 0;
    let content = if framed {
        frame(content)
    } else {
        content.to_vec()
    };
    disk.overwrite(names[usize::from(which & 3)], content);

    let (found, whose) = identity::load(&disk).expect("the other copy holds");
    assert_eq!(found.signer.public(), paired.agent);
    assert_eq!(
        found.opening.public(),
        OpeningKey::from_seed(&[4; 32]).public()
    );
    assert_eq!(whose.agent, paired.agent);
    identity::mend(&mut disk, &found, &whose).expect("it writes");
    let (_, again) = identity::load(&disk).expect("both copies hold");
    assert!(again == whose);
    whose != paired
}

fn golden_pairing() -> Pairing {
    minicbor::decode(include_bytes!("../corpus/pairing/golden")).expect("a pairing")
}

const BOOT: BootId = BootId([0xb0; 16]);
const NOW: Timestamp = Timestamp(1_795_000_000_123);

/// Two segments, either as they are or made of records with right checksums, each after its length; a length with the highest
/// bit set begins the second segment. Whatever they say, the log goes on, and what it says is the same after the next start.
pub fn spool(data: &[u8]) -> bool {
    let Some((how, mut rest)) = data.split_first() else {
        return false;
    };
    let disk = MemoryDisk::new();
    let file = |number: u64| format!("spool-{number:016x}.log");
    if how & 1 == 0 {
        disk.overwrite(&file(1), rest.to_vec());
    } else {
        let (mut number, mut segment) = (1, Vec::new());
        while let Some((len, tail)) = rest.split_first() {
            if len & 0x80 != 0 && number == 1 {
                disk.overwrite(&file(number), std::mem::take(&mut segment));
                number = 2;
            }
            let (payload, tail) = tail.split_at(usize::from(len & 0x7f).min(tail.len()));
            segment.extend(records::frame(number, segment.len() as u64, payload));
            rest = tail;
        }
        disk.overwrite(&file(number), segment);
    }
    let open = |boot| Spool::open(Box::new(disk.clone()), boot, Limits::default(), NOW);

    let bytes = disk.used();
    let (mut spool, recovery) = open(BOOT);
    assert!(recovery.torn_bytes + recovery.damaged_bytes <= bytes);
    assert_eq!(recovery.unreadable, 0);
    let sequence = spool.next_sequence();
    // A run begins under a name that nobody has had; one that has counted to the end cannot go on.
    if sequence >= 1 << 48 {
        return false;
    }
    let appended = spool.append(NOW, Weight::Grant, b"event");
    appended.written.expect("the disk works");
    assert_eq!(
        (appended.sequence, spool.next_sequence()),
        (sequence, sequence + 1)
    );
    spool.sync(NOW).expect("the disk works");
    let waiting = spool.waiting();
    let first = spool.pending(100, 10_000);
    let first = first.expect("one event waits at least");
    let numbers: Vec<u64> = first.entries.iter().map(|entry| entry.sequence).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    spool.sync(NOW).expect("the disk works");
    drop(spool);

    if sequence > 1 {
        // No boot has two lives; in which order such a log is told is nobody's matter.
        return waiting > 1;
    }
    let (mut spool, recovery) = open(BootId([0xb1; 16]));
    assert_eq!((spool.waiting(), recovery.missing), (waiting, 0));
    spool.sync(NOW).expect("the disk works");
    assert_eq!(spool.pending(100, 10_000), Some(first.clone()));
    let last = first.entries.last().expect("at least one").sequence;
    spool.acknowledge(first.boot, last);
    spool.sync(NOW).expect("the disk works");
    drop(spool);

    let (mut spool, _) = open(BootId([0xb2; 16]));
    assert!(spool.waiting() < waiting);
    if let Some(next) = spool.pending(100, 10_000) {
        assert!(next.boot != first.boot || next.entries[0].sequence == last + 1);
    }
    waiting > 1
}
