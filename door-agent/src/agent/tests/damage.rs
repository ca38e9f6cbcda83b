//! Every file of the state directory, cut at every byte and with a bit flipped in every byte: the agent starts, goes on from
//! the newest list that holds, says so if that is not the newest it ever had, and opens for nobody who is not on it.

use super::*;
use crate::identity::{self, IdentityError};

const PAID: u8 = 1;
const SHUT_OUT: u8 = 2;
const LET_IN: u8 = 4;
const STRANGER: u8 = 9;

/// What an agent has after a while: two generations of its list and changes behind the newer one, policies,
/// configurations, marks, counters, acknowledgements, badges; and the lists it has ever accepted.
fn lived() -> (World, Vec<AllowList>) {
    let mut world = World::with_list(&[entry(PAID, None), entry(SHUT_OUT, None)]);
    identity::store(&mut world.disk, &world.identity, &world.paired).expect("it is stored");
    let mut accepted = vec![world.list.clone()];
    let mut accept = |world: &mut World, cards: &[u8]| {
        let entries: Vec<Entry> = cards.iter().map(|card| entry(*card, None)).collect();
        let delta = world.change_list(&entries);
        accepted.push(world.list.clone());
        delta
    };
    let delta = accept(&mut world, &[PAID, SHUT_OUT, 3]);
    world.send_delta(&delta);
    world.run(Span::seconds(5));
    world.restart();
    world.connect();
    // Without the change that leads to it, the list comes whole.
    accept(&mut world, &[PAID, 3]);
    world.send_head();
    world.catch_up();
    for cards in [&[PAID, SHUT_OUT, LET_IN][..], &[PAID, LET_IN]] {
        let delta = accept(&mut world, cards);
        world.send_delta(&delta);
    }
    let config = configuration(2, &world.server, &world.opening, &world.identity, true);
    world.send(Channel::Config(pi()), Kind::Config, &config);
    let mut out = world.tap(PAID);
    // What is under way already goes again after a while.
    out.extend(world.run(Span::seconds(30)));
    for batch in batches(&world.identity, &out) {
        acknowledge(&mut world, &batch);
    }
    world.run(Span::hours(2));
    world.tap(LET_IN);
    world.run(Span::seconds(2));
    (world, accepted)
}

/// The server has a batch; its events are the first of their boot.
fn acknowledge(world: &mut World, batch: &Events) {
    let digest = batch.events.iter().fold([0; 32], |digest, event| {
        shared::badge::chain(digest, batch.boot, event)
    });
    let ack = shared::wire::Ack {
        boot: batch.boot,
        up_to: batch.first - 1 + batch.events.len() as u64,
        digest,
    };
    world.send(Channel::Ack(pi()), Kind::Ack, &ack);
}

/// Another disk with the same files.
fn copy(disk: &MemoryDisk) -> MemoryDisk {
    let twin = MemoryDisk::new();
    for name in disk.list().expect("it lists") {
        let bytes = disk.read(&name).expect("it reads").expect("it is there");
        twin.overwrite(&name, bytes);
    }
    twin
}

/// What the world's agent is after a start from such a disk.
fn start_from(world: &mut World, disk: MemoryDisk) {
    let (identity, paired) = identity::load(&disk).expect("one copy of each holds");
    assert_eq!(identity.signer.public(), world.identity.signer.public());
    (world.disk, world.identity, world.paired) = (disk, identity, paired);
    // Every start is another life after the same one.
    world.boots = 100;
    world.restart();
}

fn check(world: &mut World, accepted: &[AllowList], what: &str) {
    let held = world.held().unwrap_or_else(|| panic!("{what}: no list"));
    let list = accepted
        .iter()
        .find(|list| (list.revision(), list.digest()) == (held.revision, held.digest))
        .unwrap_or_else(|| panic!("{what}: a list that was never accepted"));
    let newest = accepted.last().expect("there are lists");
    let told = held.kept == Kept::Degraded;
    assert!(
        told || list == newest,
        "{what}: an older list, and not a word"
    );
    for card in [PAID, SHUT_OUT, 3, LET_IN, STRANGER] {
        let listed = list.find(CardToken::of(&super::card(card), &CARD_KEY));
        assert_eq!(world.opens(card), listed.is_some(), "{what}: card {card}");
    }
}

#[test]
fn any_file_cut_or_flipped_anywhere_stops_no_agent_and_opens_for_nobody() {
    let (mut world, accepted) = lived();
    let whole = copy(&world.disk);
    let names = whole.list().expect("it lists");
    for kind in [
        "identity",
        "identity.copy",
        "pairing",
        "pairing.copy",
        "list-wood.a",
        "list-wood.b",
        "list-wood.b.deltas",
        "policy-wood.a",
        "policy-wood.b",
        "config.a",
        "config.b",
        "highest.0",
        "highest.1",
        "state.0",
        "state.1",
        "acknowledged",
    ] {
        assert!(
            names.iter().any(|name| name == kind),
            "{kind} is not in {names:?}"
        );
    }
    assert!(names.iter().any(|name| name.starts_with("spool-")));
    start_from(&mut world, copy(&whole));
    check(&mut world, &accepted, "nothing damaged");
    assert_eq!(world.held().map(|held| held.kept), Some(Kept::Stored));

    for name in &names {
        let bytes = whole.read(name).expect("it reads").expect("it is there");
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            for (how, damaged) in [("cut", bytes[..at].to_vec()), ("flipped", flipped)] {
                let disk = copy(&whole);
                disk.overwrite(name, damaged);
                start_from(&mut world, disk);
                check(&mut world, &accepted, &format!("{name} {how} at {at}"));
            }
        }
    }
}

#[test]
fn an_identity_without_a_copy_that_holds_says_what_to_do_and_one_that_holds_mends_the_other() {
    let (mut world, _) = lived();
    let whole = copy(&world.disk);
    for name in ["identity", "pairing"] {
        let both = [name.to_owned(), format!("{name}.copy")];
        let bytes = whole.read(name).expect("it reads").expect("it is there");
        for at in 0..bytes.len() {
            let mut disk = copy(&whole);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            disk.overwrite(&both[at % 2], flipped.clone());
            identity::mend(&mut disk, &world.identity, &world.paired).expect("it is mended");
            for file in &both {
                assert_eq!(disk.read(file).expect("it reads").as_ref(), Some(&bytes));
            }
            both.iter()
                .for_each(|file| disk.overwrite(file, flipped.clone()));
            let error = identity::load(&disk).map(drop).expect_err("none holds");
            assert!(matches!(error, IdentityError::Damaged(damaged) if damaged == name));
            assert!(error.to_string().contains("pair this agent again"));
        }
    }
    start_from(&mut world, whole);
    assert!(world.opens(PAID));
}
