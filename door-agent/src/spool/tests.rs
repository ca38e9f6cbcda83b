use super::*;
use crate::disk::MemoryDisk;
use std::collections::HashMap;

mod syncing;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn boot(number: u8) -> BootId {
    BootId([number; 16])
}

fn open(disk: &MemoryDisk, number: u8, limits: Limits) -> (Spool, Recovery) {
    Spool::open(Box::new(disk.clone()), boot(number), limits, NOW)
}

fn small_segments() -> Limits {
    Limits {
        segment_bytes: 400,
        ..Limits::default()
    }
}

fn event(number: u64) -> Vec<u8> {
    format!("event {number}").into_bytes()
}

fn append(spool: &mut Spool, count: u64) {
    for _ in 0..count {
        let sequence = spool.next_sequence();
        let appended = spool.append(NOW, Weight::Grant, &event(sequence));
        assert_eq!(appended.sequence, sequence);
        appended.written.expect("it is written");
    }
}

fn all_pending(spool: &mut Spool) -> Vec<(BootId, u64, Body)> {
    let mut found = Vec::new();
    while let Some(batch) = spool.pending(3, 10_000) {
        let last = batch
            .entries
            .last()
            .expect("a batch is never empty")
            .sequence;
        found.extend(
            batch
                .entries
                .into_iter()
                .map(|entry| (batch.boot, entry.sequence, entry.body)),
        );
        assert!(matches!(
            spool.acknowledge(batch.boot, last),
            Acknowledged::Newly(_)
        ));
    }
    found
}

fn events(number: u8, sequences: impl IntoIterator<Item = u64>) -> Vec<(BootId, u64, Body)> {
    sequences
        .into_iter()
        .map(|sequence| (boot(number), sequence, Body::Event(event(sequence))))
        .collect()
}

#[test]
fn events_come_out_in_order_and_stay_out_once_acknowledged() {
    let disk = MemoryDisk::new();
    let (mut spool, recovery) = open(&disk, 1, Limits::default());
    assert_eq!(recovery, Recovery::default());
    append(&mut spool, 5);
    let batch = spool.pending(2, 10_000).expect("events wait");
    assert_eq!(
        batch
            .entries
            .iter()
            .map(|entry| entry.sequence)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(
        spool.pending(2, 10_000),
        Some(batch),
        "asked again, told again"
    );

    assert_eq!(spool.acknowledge(boot(1), 2), Acknowledged::Newly(2));
    assert_eq!(spool.acknowledge(boot(1), 1), Acknowledged::Nothing);
    assert_eq!(spool.acknowledge(boot(1), 6), Acknowledged::NeverMade);
    assert_eq!(spool.acknowledge(boot(9), 1), Acknowledged::UnknownBoot);
    assert_eq!(all_pending(&mut spool), events(1, 3..=5));
    assert_eq!(spool.waiting(), 0);
}

#[test]
fn after_a_restart_what_was_not_acknowledged_comes_back_once() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, small_segments());
    append(&mut spool, 30);
    spool.acknowledge(boot(1), 7);
    spool.sync(NOW).expect("it syncs");
    drop(spool);
    disk.power_cut(&mut |_| 0);

    let (mut spool, recovery) = open(&disk, 2, small_segments());
    assert_eq!(
        recovery,
        Recovery {
            waiting: 23,
            ..Recovery::default()
        }
    );
    assert_eq!(spool.next_sequence(), 1);
    append(&mut spool, 2);
    let mut expected = events(1, 8..=30);
    expected.extend(events(2, 1..=2));
    assert_eq!(all_pending(&mut spool), expected);
}

#[test]
fn a_new_epoch_gets_the_ring_from_the_start() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, small_segments());
    append(&mut spool, 20);
    all_pending(&mut spool);
    spool.replay();
    spool.sync(NOW).expect("it syncs");
    let (mut spool, _) = open(&disk, 2, small_segments());
    assert_eq!(all_pending(&mut spool), events(1, 1..=20));
}

#[test]
fn acknowledged_events_leave_after_seven_days_and_others_never() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, small_segments());
    append(&mut spool, 40);
    spool.acknowledge(boot(1), 30);
    spool.sync(NOW + Span::days(7)).expect("it syncs");
    assert_eq!(spool.pending(1, 1).expect("events wait").lowest_kept, 1);
    let before = disk.used();

    spool.sync(NOW + Span::days(7) + Span(1)).expect("it syncs");
    assert!(disk.used() < before / 2, "{} of {before}", disk.used());
    assert_eq!(spool.pending(1, 1).expect("events wait").lowest_kept, 31);
    disk.power_cut(&mut |most| most);
    let (mut spool, recovery) = open(&disk, 2, small_segments());
    assert_eq!(
        recovery.missing, 0,
        "what expired is not missed, though removed files came back"
    );
    assert_eq!(all_pending(&mut spool), events(1, 31..=40));
}

#[test]
fn when_space_runs_out_diagnostics_go_first_and_grants_last_and_all_are_counted() {
    let disk = MemoryDisk::new();
    let limits = Limits {
        bytes: 6_000,
        segment_bytes: 1_000,
        ..Limits::default()
    };
    let (mut spool, _) = open(&disk, 1, limits);
    let weights = [
        Weight::Grant,
        Weight::Diagnostic,
        Weight::Refusal,
        Weight::Diagnostic,
    ];
    let mut all = Vec::new();
    for number in 1..=100_u64 {
        let weight = weights[usize::try_from(number).expect("small") % 4];
        let appended = spool.append(NOW, weight, &[7; 72]);
        all.push((appended.sequence, weight));
    }
    spool.sync(NOW).expect("it syncs");
    let (mut spool, recovery) = open(&disk, 2, limits);
    assert_eq!(recovery.missing, 0);

    let found = all_pending(&mut spool);
    assert_eq!(found.len(), 100, "no sequence number is skipped");
    let kept = |wanted| {
        let of_weight = all
            .iter()
            .filter(move |(_, weight)| *weight == wanted)
            .map(|(sequence, _)| *sequence);
        of_weight.filter(|sequence: &u64| {
            matches!(
                found[usize::try_from(*sequence).expect("small") - 1].2,
                Body::Event(_)
            )
        })
    };
    assert_eq!(kept(Weight::Diagnostic).count(), 0);
    assert!(kept(Weight::Grant).count() > kept(Weight::Refusal).count());
    let (lost, grants) = counted(found.iter().map(|(_, _, body)| body));
    let left =
        [Weight::Diagnostic, Weight::Refusal, Weight::Grant].map(|weight| kept(weight).count());
    assert_eq!(
        usize::try_from(lost).expect("small"),
        100 - left.iter().sum::<usize>()
    );
    assert_eq!(usize::try_from(grants).expect("small"), 25 - left[2]);
}

#[test]
fn grants_stay_as_long_as_anything_else_can_go() {
    let limits = Limits {
        bytes: 6_000,
        ..Limits::default()
    };
    let (mut spool, _) = open(&MemoryDisk::new(), 1, limits);
    for number in 0..90 {
        let weight = if number % 3 == 0 {
            Weight::Grant
        } else {
            Weight::Diagnostic
        };
        spool.append(NOW, weight, &[7; 60]);
    }
    let found = all_pending(&mut spool);
    assert_eq!(counted(found.iter().map(|(_, _, body)| body)).1, 0);
}

#[test]
fn acknowledged_events_make_room_before_anything_is_dropped() {
    let limits = Limits {
        bytes: 6_000,
        ..Limits::default()
    };
    let (mut spool, _) = open(&MemoryDisk::new(), 1, limits);
    for _ in 0..300 {
        let appended = spool.append(NOW, Weight::Diagnostic, &[7; 60]);
        let batch = spool.pending(100, 10_000).expect("one waits");
        assert!(
            batch
                .entries
                .iter()
                .all(|entry| matches!(entry.body, Body::Event(_)))
        );
        spool.acknowledge(boot(1), appended.sequence);
    }
}

#[test]
fn what_was_handed_out_is_never_changed() {
    let limits = Limits {
        bytes: 6_000,
        ..Limits::default()
    };
    let (mut spool, _) = open(&MemoryDisk::new(), 1, limits);
    for _ in 0..20 {
        spool.append(NOW, Weight::Diagnostic, &[7; 60]);
    }
    let batch = spool.pending(20, 100_000).expect("events wait");
    for _ in 0..200 {
        spool.append(NOW, Weight::Grant, &[8; 60]);
    }
    let again = spool.pending(20, 100_000).expect("events wait");
    assert_eq!(again, batch);
}

#[test]
fn a_dead_disk_stops_nothing_and_gets_everything_when_it_is_back() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, small_segments());
    append(&mut spool, 3);
    disk.fail_writes(true);
    for sequence in 4..=12 {
        assert!(
            spool
                .append(NOW, Weight::Grant, &event(sequence))
                .written
                .is_err()
        );
    }
    assert!(spool.sync(NOW).is_err());
    disk.fail_writes(false);
    append(&mut spool, 3);
    spool.sync(NOW).expect("it syncs");
    disk.power_cut(&mut |_| 0);
    let (mut spool, recovery) = open(&disk, 2, small_segments());
    assert_eq!(recovery.missing, 0);
    assert_eq!(all_pending(&mut spool), events(1, 1..=15));
}

#[test]
fn a_full_disk_gives_the_ring_up_first() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, small_segments());
    append(&mut spool, 40);
    spool.acknowledge(boot(1), 40);
    spool.sync(NOW).expect("it syncs");
    disk.set_capacity(Some(disk.used() + 20));
    for sequence in 41..=50 {
        spool
            .append(NOW, Weight::Grant, &event(sequence))
            .written
            .ok();
    }
    spool.sync(NOW).expect("the ring made room");
    let (mut spool, recovery) = open(&disk, 2, small_segments());
    assert_eq!(recovery.missing, 0);
    assert_eq!(all_pending(&mut spool), events(1, 41..=50));
}

#[test]
fn an_event_too_long_to_keep_is_counted() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, Limits::default());
    spool
        .append(NOW, Weight::Grant, &vec![0; MAX_EVENT + 1])
        .written
        .expect("its gap is written");
    let (mut spool, _) = open(&disk, 2, Limits::default());
    assert_eq!(
        all_pending(&mut spool),
        [(boot(1), 1, Body::Gap { lost: 1, grants: 1 })]
    );
}

#[test]
fn a_segment_cut_at_any_byte_gives_whole_events_from_its_start() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, Limits::default());
    append(&mut spool, 8);
    let name = disk.list().expect("it lists").remove(0);
    let whole = disk.read(&name).expect("it reads").expect("it is there");
    for cut in 0..whole.len() {
        disk.overwrite(&name, whole[..cut].to_vec());
        let (mut spool, recovery) = open(&disk, 2, Limits::default());
        let found = all_pending(&mut spool);
        let count = u64::try_from(found.len()).expect("small");
        assert_eq!(found, events(1, 1..=count));
        assert_eq!(
            (recovery.waiting, recovery.damaged_bytes),
            (count, 0),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_flipped_bit_costs_one_event_and_it_is_counted() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, Limits::default());
    append(&mut spool, 8);
    let name = disk.list().expect("it lists").remove(0);
    let whole = disk.read(&name).expect("it reads").expect("it is there");
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        disk.overwrite(&name, flipped);
        let (mut spool, _) = open(&disk, 2, Limits::default());
        let found = all_pending(&mut spool);
        let good = found
            .iter()
            .filter(|(_, sequence, body)| *body == Body::Event(event(*sequence)))
            .count();
        let (lost, _) = counted(found.iter().map(|(_, _, body)| body));
        assert!(good >= 7, "bit {bit}");
        assert_eq!(
            usize::try_from(lost).expect("small"),
            found.len() - good,
            "bit {bit}"
        );
    }
}

#[test]
fn a_spool_file_that_cannot_be_read_costs_a_counted_gap_and_is_left_alone() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, Limits::default());
    append(&mut spool, 8);
    let name = disk.list().expect("it lists").remove(0);
    let whole = disk.read(&name).expect("it reads");

    disk.fail_reads(&name, true);
    let (mut spool, recovery) = open(&disk, 2, Limits::default());
    assert_eq!((recovery.unreadable, recovery.missing), (1, 1));
    assert_eq!(spool.next_sequence(), 2, "the first number tells the loss");
    spool.append(NOW, Weight::Grant, &event(2));
    spool.sync(NOW).expect("it syncs");
    assert_eq!(spool.acknowledge(boot(2), 2), Acknowledged::Newly(2));
    spool.sync(NOW + Span::days(8)).expect("it syncs");

    let (mut spool, recovery) = open(&disk, 3, Limits::default());
    assert_eq!((recovery.unreadable, recovery.missing), (1, 0), "told once");
    append(&mut spool, 1);
    spool.sync(NOW).expect("it syncs");
    assert_eq!(all_pending(&mut spool), events(3, 1..=1));

    disk.fail_reads(&name, false);
    assert_eq!(disk.read(&name).expect("it reads"), whole);
    let (mut spool, recovery) = open(&disk, 4, Limits::default());
    assert_eq!((recovery.unreadable, recovery.missing), (0, 0));
    assert_eq!(all_pending(&mut spool)[..8], events(1, 1..=8));
}

#[test]
fn what_a_spool_file_that_cannot_be_read_hides_is_a_gap_of_its_length() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, small_segments());
    append(&mut spool, 30);
    spool.sync(NOW).expect("it syncs");
    let names = disk.list().expect("it lists");
    assert!(names.len() > 2);
    disk.fail_reads(&names[1], true);
    let (mut spool, recovery) = open(&disk, 2, small_segments());
    let found = all_pending(&mut spool);
    let good = found
        .iter()
        .filter(|(_, sequence, body)| *body == Body::Event(event(*sequence)))
        .count();
    let (lost, _) = counted(found.iter().map(|(_, _, body)| body));
    assert_eq!(found.len(), 30);
    assert_eq!((lost, recovery.missing), (30 - good as u64, lost));
    assert!(lost > 0);
}

#[test]
fn a_spool_whose_files_have_no_names_keeps_events_in_memory_and_begins_none_in_anothers_place() {
    let disk = MemoryDisk::new();
    let (mut spool, _) = open(&disk, 1, Limits::default());
    append(&mut spool, 8);
    drop(spool);

    disk.fail_lists(true);
    let (mut spool, recovery) = open(&disk, 2, Limits::default());
    assert_eq!((recovery.unreadable, recovery.missing), (1, 1));
    assert!(spool.append(NOW, Weight::Grant, &event(2)).written.is_err());
    assert!(spool.sync(NOW).is_err());
    disk.fail_lists(false);
    spool.sync(NOW).expect("it syncs");

    let (mut spool, _) = open(&disk, 3, Limits::default());
    let mut expected = events(1, 1..=8);
    expected.push((boot(2), 1, Body::Gap { lost: 1, grants: 0 }));
    expected.extend(events(2, 2..=2));
    assert_eq!(all_pending(&mut spool), expected);
}

fn counted<'a>(bodies: impl Iterator<Item = &'a Body>) -> (u64, u64) {
    bodies.fold((0, 0), |(all_lost, all_grants), body| match body {
        Body::Event(_) => (all_lost, all_grants),
        Body::Gap { lost, grants } => (all_lost + lost, all_grants + grants),
    })
}

/// A small generator, so that a failing day can be run again by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(limit).expect("a small number"))
            .expect("a small number")
    }
}

/// An agent and a server over one disk, and what must be true of them.
struct Day {
    dice: Dice,
    disk: MemoryDisk,
    limits: Limits,
    spool: Spool,
    boots: u8,
    now: Timestamp,
    made: HashMap<(BootId, u64), Vec<u8>>,
    synced: HashMap<BootId, u64>,
    server: HashMap<(BootId, u64), Body>,
    committed: HashMap<BootId, u64>,
}

impl Day {
    fn new(seed: u64) -> Day {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let bytes = [2_000, 6_000, 1 << 20][dice.below(3)];
        let limits = Limits {
            bytes,
            segment_bytes: 600,
            ..Limits::default()
        };
        let disk = MemoryDisk::new();
        let (spool, _) = open(&disk, 1, limits);
        let (made, synced, server, committed) = Default::default();
        Day {
            dice,
            disk,
            limits,
            spool,
            boots: 1,
            now: NOW,
            made,
            synced,
            server,
            committed,
        }
    }

    fn step(&mut self) {
        match self.dice.below(24) {
            0..=9 => self.append(),
            10..=13 => self.sync().ok().unwrap_or_default(),
            14..=17 => self.send(),
            18 => self.disk.cut_power_after(self.dice.below(6) as u64),
            19 => self.restart(true),
            20 => self.restart(false),
            21 => self.disk.fail_writes(self.dice.below(3) == 0),
            22 => self
                .disk
                .set_capacity((self.dice.below(3) == 0).then(|| self.disk.used() + 100)),
            _ => self.now = self.now + Span::days(1),
        }
    }

    fn append(&mut self) {
        let weight = [Weight::Diagnostic, Weight::Refusal, Weight::Grant][self.dice.below(3)];
        let bytes = vec![b'x'; self.dice.below(80)];
        let sequence = self.spool.append(self.now, weight, &bytes).sequence;
        assert!(
            self.made
                .insert((boot(self.boots), sequence), bytes)
                .is_none(),
            "a number is given once"
        );
    }

    fn sync(&mut self) -> io::Result<()> {
        self.spool.sync(self.now)?;
        self.synced
            .insert(boot(self.boots), self.spool.next_sequence() - 1);
        Ok(())
    }

    fn send(&mut self) {
        if self.sync().is_err() {
            return;
        }
        let Some(batch) = self.spool.pending(1 + self.dice.below(5), 2_000) else {
            return;
        };
        // What was handed out is marked durably before it leaves, so that no restart changes it.
        if self.sync().is_err() {
            return;
        }
        let committed = self.committed.entry(batch.boot).or_default();
        assert!(
            batch.entries[0].sequence <= *committed + 1,
            "the server sees no hole"
        );
        for entry in batch.entries {
            *committed = (*committed).max(entry.sequence);
            let known = self
                .server
                .entry((batch.boot, entry.sequence))
                .or_insert_with(|| entry.body.clone());
            assert_eq!(*known, entry.body, "one name, one content");
            if let Body::Event(bytes) = &entry.body {
                assert_eq!(
                    self.made.get(&(batch.boot, entry.sequence)),
                    Some(bytes),
                    "nothing is invented"
                );
            }
        }
        if self.dice.below(4) > 0 {
            self.spool.acknowledge(batch.boot, *committed);
        }
    }

    fn restart(&mut self, power_cut: bool) {
        if power_cut {
            let dice = &mut self.dice;
            self.disk.power_cut(&mut |most| dice.below(most + 1));
        }
        self.boots += 1;
        (self.spool, _) = open(&self.disk, self.boots, self.limits);
    }

    fn end(&mut self) {
        self.disk.fail_writes(false);
        self.disk.set_capacity(None);
        self.restart(true);
        self.disk.power_cut(&mut |most| most);
        while self.spool.waiting() > 0 {
            self.send();
        }
        for (id, last) in &self.synced {
            for sequence in 1..=*last {
                assert!(
                    self.server.contains_key(&(*id, sequence)),
                    "{sequence} of {id} was synced and is gone"
                );
            }
            let of_boot = self.server.iter().filter(|((boot, _), _)| boot == id);
            let missing = of_boot
                .clone()
                .filter(|(_, body)| matches!(body, Body::Gap { .. }))
                .count();
            let (lost, _) = counted(of_boot.map(|(_, body)| body));
            assert_eq!(
                usize::try_from(lost).expect("small"),
                missing,
                "every dropped event is counted once"
            );
        }
    }
}

#[test]
fn on_any_day_what_was_synced_arrives_once_or_is_counted() {
    for seed in 0..600 {
        let ran = std::panic::catch_unwind(|| {
            let mut day = Day::new(seed);
            for _ in 0..120 {
                day.step();
            }
            day.end();
        });
        assert!(ran.is_ok(), "the day with seed {seed} failed");
    }
}
