use super::*;
use crate::disk::MemoryDisk;
use shared::allow_list::Digest;
use shared::time::Timestamp;

fn zone() -> ZoneId {
    ZoneId::new("workshop").expect("a good name")
}

fn revision(number: u64) -> Revision {
    Revision {
        epoch: Epoch {
            number: 1,
            id: [9; 8],
        },
        number,
    }
}

fn store(disk: &MemoryDisk) -> Store {
    Store::open(Box::new(disk.clone()))
}

fn list(number: u64) -> Vec<u8> {
    format!("list {number}").into_bytes()
}

fn delta(number: u64) -> Delta {
    Delta {
        revision: revision(number),
        bytes: format!("delta {number}").into_bytes(),
    }
}

fn append(store: &mut Store, number: u64) {
    let Delta { revision, bytes } = delta(number);
    store
        .append_delta(&zone(), revision, &bytes)
        .expect("it is stored");
}

/// Lists 10 and 20, each with the two deltas after it.
fn two_generations() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let mut store = store(&disk);
    for number in [10, 20] {
        save(&mut store, number).expect("it is stored");
        append(&mut store, number + 1);
        append(&mut store, number + 2);
    }
    disk
}

/// What lies on disk as the snapshot of this revision, if it is what was stored.
fn whole(revision: Revision, file: Vec<u8>, at: usize) -> Option<Vec<u8>> {
    let snapshot = file[at..].to_vec();
    (snapshot == list(revision.number)).then_some(snapshot)
}

/// Whatever lies on disk.
fn any(_: Revision, file: Vec<u8>, at: usize) -> Option<Vec<u8>> {
    Some(file[at..].to_vec())
}

fn save(store: &mut Store, number: u64) -> Result<(), StoreError> {
    store.save_snapshot(&zone(), revision(number), |file| file.extend(list(number)))
}

fn load(disk: &MemoryDisk) -> Option<Loaded<Vec<u8>>> {
    store(disk).load(&zone(), whole)
}

#[test]
fn the_newest_list_comes_back_with_its_deltas() {
    let loaded = load(&two_generations()).expect("it is there");
    let expected = Loaded {
        revision: revision(20),
        snapshot: list(20),
        deltas: vec![delta(21), delta(22)],
        degraded: false,
        log_unreadable: false,
    };
    assert_eq!(loaded, expected);
}

#[test]
fn nothing_stored_is_nothing_loaded() {
    assert_eq!(load(&MemoryDisk::new()), None);
}

#[test]
fn a_list_that_fails_the_check_gives_way_to_the_generation_before_it() {
    let disk = two_generations();
    let mut store = store(&disk);
    let loaded = store
        .load(&zone(), |revision, file, at| {
            whole(revision, file, at).filter(|_| revision.number < 20)
        })
        .expect("it is there");
    let expected = Loaded {
        revision: revision(10),
        snapshot: list(10),
        deltas: vec![delta(11), delta(12)],
        degraded: true,
        log_unreadable: false,
    };
    assert_eq!(loaded, expected);
    assert_eq!(store.load(&zone(), |_, _, _| None::<()>), None);
}

#[test]
fn after_a_degraded_start_the_good_generation_is_not_overwritten() {
    let disk = two_generations();
    disk.overwrite("list-workshop.b", b"rot".to_vec());
    let mut store = store(&disk);
    let loaded = store.load(&zone(), any).expect("it is there");
    assert!(loaded.degraded);
    save(&mut store, 30).expect("it is stored");
    disk.overwrite("list-workshop.b", b"rot".to_vec());
    assert_eq!(load(&disk).expect("it is there").revision, revision(10));
}

#[test]
fn a_delta_goes_to_the_snapshot_in_use_and_needs_one() {
    let disk = MemoryDisk::new();
    let mut store = store(&disk);
    assert!(matches!(
        store.append_delta(&zone(), revision(1), b"x"),
        Err(StoreError::NoSnapshot(_))
    ));
    let long = vec![0; records::MAX_PAYLOAD];
    save(&mut store, 1).expect("it is stored");
    assert!(matches!(
        store.append_delta(&zone(), revision(2), &long),
        Err(StoreError::DeltaTooLong { .. })
    ));
}

#[test]
fn a_delta_that_does_not_fit_leaves_the_log_as_it_was() {
    let disk = two_generations();
    let mut store = store(&disk);
    store.load(&zone(), any);
    disk.set_capacity(Some(disk.used() + 5));
    assert!(matches!(
        store.append_delta(&zone(), revision(23), b"delta 23"),
        Err(StoreError::AppendDelta { .. })
    ));
    disk.set_capacity(None);
    append(&mut store, 23);
    let loaded = load(&disk).expect("it is there");
    assert_eq!(loaded.deltas, [delta(21), delta(22), delta(23)]);
    assert!(!loaded.degraded);
}

#[test]
fn a_log_that_cannot_be_repaired_asks_for_a_snapshot() {
    let disk = two_generations();
    let mut store = store(&disk);
    store.load(&zone(), any);
    disk.fail_writes(true);
    assert!(matches!(
        store.append_delta(&zone(), revision(23), b"x"),
        Err(StoreError::AppendDelta { .. })
    ));
    disk.fail_writes(false);
    assert!(matches!(
        store.append_delta(&zone(), revision(23), b"x"),
        Err(StoreError::LogUnusable(_))
    ));
    save(&mut store, 23).expect("it is stored");
    append(&mut store, 24);
    assert_eq!(load(&disk).expect("it is there").deltas, [delta(24)]);
}

#[test]
fn any_file_cut_at_any_byte_never_invents_a_list() {
    let disk = two_generations();
    for name in disk.list().expect("it lists") {
        let whole = disk.read(&name).expect("it reads").expect("it is there");
        for cut in 0..whole.len() {
            disk.overwrite(&name, whole[..cut].to_vec());
            assert_one_of_the_stored_lists(&disk);
        }
        disk.overwrite(&name, whole);
    }
}

#[test]
fn any_flipped_bit_never_invents_a_list() {
    let disk = two_generations();
    for name in disk.list().expect("it lists") {
        let whole = disk.read(&name).expect("it reads").expect("it is there");
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            disk.overwrite(&name, flipped);
            assert_one_of_the_stored_lists(&disk);
        }
        disk.overwrite(&name, whole);
    }
}

/// One damaged file costs at most the newer generation, or deltas from the end.
fn assert_one_of_the_stored_lists(disk: &MemoryDisk) {
    let loaded = store(disk)
        .load(&zone(), any)
        .expect("one generation is whole");
    let base = loaded.revision.number;
    assert!(base == 10 || base == 20);
    assert_eq!(loaded.snapshot, list(base));
    let all = [delta(base + 1), delta(base + 2)];
    assert!(all.starts_with(&loaded.deltas));
    assert!(loaded.degraded || base == 20);
}

#[test]
fn with_the_power_cut_between_any_two_changes_what_was_stored_is_there() {
    for changes in 0.. {
        for survive in [0, usize::MAX] {
            let disk = MemoryDisk::new();
            disk.cut_power_after(changes);
            let mut store = store(&disk);
            let mut stored = 0;
            for number in 1..=12 {
                let kept = if number % 4 == 1 {
                    save(&mut store, number)
                } else {
                    store.append_delta(&zone(), revision(number), &delta(number).bytes)
                };
                if kept.is_err() {
                    break;
                }
                stored = number;
            }
            disk.power_cut(&mut |most| most.min(survive));
            let found = load(&disk);
            let newest = found.map_or(0, |list| {
                list.deltas
                    .last()
                    .map_or(list.revision, |delta| delta.revision)
                    .number
            });
            assert!(
                newest == stored || newest == stored + 1,
                "power cut after {changes} changes: {newest} of {stored}"
            );
            if stored == 12 {
                return;
            }
        }
    }
}

#[test]
fn the_highest_revision_only_goes_up_and_survives() {
    let disk = MemoryDisk::new();
    let mut store = store(&disk);
    let at = |number, digest| Highest {
        revision: revision(number),
        digest: Digest([digest; 32]),
    };
    store
        .raise_highest(&zone(), at(7, 1))
        .expect("it is stored");
    assert!(matches!(
        store.raise_highest(&zone(), at(6, 1)),
        Err(StoreError::Backwards { .. })
    ));
    disk.fail_writes(true);
    assert!(store.raise_highest(&zone(), at(8, 2)).is_err());
    assert_eq!(store.highest(&zone()), Some(at(7, 1)));
    disk.fail_writes(false);
    store
        .raise_highest(&zone(), at(9, 2))
        .expect("it is stored");

    let again = self::store(&disk);
    assert_eq!(again.highest(&zone()), Some(at(9, 2)));
    assert!(!again.damaged());
}

#[test]
fn a_new_epoch_is_higher_whatever_its_number() {
    let mut store = store(&MemoryDisk::new());
    let digest = Digest([0; 32]);
    store
        .raise_highest(
            &zone(),
            Highest {
                revision: revision(70),
                digest,
            },
        )
        .expect("it is stored");
    let restored = Revision {
        epoch: Epoch {
            number: 2,
            id: [3; 8],
        },
        number: 1,
    };
    store
        .raise_highest(
            &zone(),
            Highest {
                revision: restored,
                digest,
            },
        )
        .expect("it is stored");
    assert_eq!(
        store.highest(&zone()).expect("it is there").revision,
        restored
    );
}

#[test]
fn counters_and_marks_survive_and_damage_is_told() {
    let disk = MemoryDisk::new();
    let mut store = store(&disk);
    let mut state = AgentState {
        boots: 3,
        command_counter: 17,
        clock_floor: Some(Timestamp(1_000)),
        ..Default::default()
    };
    state.contact.insert(zone(), Timestamp(900));
    store
        .save_state(&AgentState::default())
        .expect("it is stored");
    store.save_state(&state).expect("it is stored");
    assert_eq!(self::store(&disk).state(), &state);

    disk.overwrite("state.0", b"rot".to_vec());
    let rotten = self::store(&disk);
    assert!(rotten.damaged());
    assert_eq!(rotten.state(), &state);
}

#[test]
fn a_forgotten_zone_has_no_list_but_cannot_go_back() {
    let disk = two_generations();
    let mut store = store(&disk);
    let highest = Highest {
        revision: revision(22),
        digest: Digest([1; 32]),
    };
    store.raise_highest(&zone(), highest).expect("it is stored");
    store.forget(&zone()).expect("it is removed");
    assert_eq!(load(&disk), None);
    assert_eq!(self::store(&disk).highest(&zone()), Some(highest));
}

#[test]
fn a_list_whose_other_generation_cannot_be_read_is_loaded() {
    for (unreadable, base) in [("a", 20), ("b", 10)] {
        let disk = two_generations();
        disk.fail_reads(&format!("list-workshop.{unreadable}"), true);
        let loaded = load(&disk).expect("the other one is there");
        let expected = Loaded {
            revision: revision(base),
            snapshot: list(base),
            deltas: vec![delta(base + 1), delta(base + 2)],
            degraded: true,
            log_unreadable: false,
        };
        assert_eq!(loaded, expected);
    }
}

#[test]
fn a_list_whose_log_cannot_be_read_is_loaded_without_changes_and_takes_none() {
    let disk = two_generations();
    disk.fail_reads("list-workshop.b.deltas", true);
    let mut store = store(&disk);
    let loaded = store.load(&zone(), any).expect("it is there");
    let expected = Loaded {
        revision: revision(20),
        snapshot: list(20),
        deltas: Vec::new(),
        degraded: true,
        log_unreadable: true,
    };
    assert_eq!(loaded, expected);
    assert!(matches!(
        store.append_delta(&zone(), revision(21), b"other"),
        Err(StoreError::LogUnusable(_))
    ));
    disk.fail_reads("list-workshop.b.deltas", false);
    let loaded = load(&disk).expect("it is there");
    assert_eq!(loaded.deltas, [delta(21), delta(22)]);
}

#[test]
fn a_generation_that_cannot_be_read_is_not_overwritten_while_it_may_be_the_newest_known() {
    let disk = two_generations();
    store(&disk)
        .save_state(&AgentState::default())
        .expect("it is stored");
    disk.overwrite("state.0", b"rot".to_vec());
    disk.fail_reads("list-workshop.b", true);
    let mut degraded = store(&disk);
    degraded.load(&zone(), any).expect("it is there");
    for number in [12, 13] {
        save(&mut degraded, number).expect("it is stored");
        let loaded = load(&disk).expect("it is there");
        assert_eq!(loaded.revision, revision(number));
    }
    disk.fail_reads("list-workshop.b", false);
    assert_eq!(load(&disk).expect("it is there").revision, revision(20));
}

#[test]
fn with_nothing_to_be_read_there_is_no_list_and_the_next_one_is_stored() {
    let disk = two_generations();
    disk.fail_reads("list-workshop.a", true);
    disk.fail_reads("list-workshop.b", true);
    let mut store = store(&disk);
    assert_eq!(store.load(&zone(), any), None);
    save(&mut store, 30).expect("it is stored");
}

#[test]
fn marks_of_which_one_copy_cannot_be_read_are_told_and_never_fall_back_for_good() {
    let at = |number| Highest {
        revision: revision(number),
        digest: Digest([1; 32]),
    };
    let other = ZoneId::new("yard").expect("a good name");
    for unreadable in ["highest.0", "highest.1"] {
        let disk = MemoryDisk::new();
        let mut store = store(&disk);
        store.raise_highest(&zone(), at(7)).expect("it is stored");
        store.raise_highest(&other, at(3)).expect("it is stored");
        store.raise_highest(&zone(), at(8)).expect("it is stored");
        store.raise_highest(&other, at(4)).expect("it is stored");

        disk.fail_reads(unreadable, true);
        let mut store = self::store(&disk);
        assert!(store.damaged(), "{unreadable}");
        let known = store.highest(&other).expect("the other copy is read");
        assert_eq!(known, at(if unreadable == "highest.1" { 3 } else { 4 }));
        store.raise_highest(&zone(), at(9)).expect("it is stored");

        disk.fail_reads(unreadable, false);
        let store = self::store(&disk);
        assert!(!store.damaged());
        assert_eq!(store.highest(&zone()), Some(at(9)));
        assert_eq!(store.highest(&other), Some(at(4)), "{unreadable}");
    }
}

#[test]
fn counters_of_which_one_copy_cannot_be_read_are_told_and_never_fall_back_for_good() {
    let state = |command_counter, floor| AgentState {
        command_counter,
        clock_floor: Some(Timestamp(floor)),
        ..Default::default()
    };
    for (unreadable, known) in [("state.0", 18), ("state.1", 17)] {
        let disk = MemoryDisk::new();
        let mut store = store(&disk);
        for state in [state(17, 100), state(18, 900)] {
            store.save_state(&state).expect("it is stored");
        }
        disk.fail_reads(unreadable, true);
        let mut store = self::store(&disk);
        assert!(store.damaged(), "{unreadable}");
        assert_eq!(store.state().command_counter, known);
        store.save_state(&state(19, 300)).expect("it is stored");
        assert_eq!(self::store(&disk).state().command_counter, 19);

        disk.fail_reads(unreadable, false);
        assert_eq!(self::store(&disk).state(), &state(19, 900));
    }
}
