//! What an agent still knows after a restart, a cut, a failing disk and a wrong clock.

use super::*;
use shared::door_clock::Quality;

#[test]
fn a_restarted_agent_without_any_network_opens_for_the_paid_and_not_for_the_lapsed() {
    let mut world = World::with_list(&[]);
    let lapsed = Entry {
        state: CardState::Lapsed,
        rights: Vec::new(),
        ..entry(2, None)
    };
    let delta = world.change_list(&[entry(1, None), lapsed]);
    world.send_delta(&delta);
    world.restart();
    assert!(world.opens(1));
    world.run(Span::seconds(10));
    assert_eq!(world.tap(2), [shows(Reason::Lapsed)]);
}

#[test]
fn a_policy_and_a_configuration_outlive_a_restart() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.policy.revision = revision(2);
    world.policy.policy.lockdown = true;
    world.send_policy();
    world.send_head();
    let next = Signer::from_seed(&[77; 32]);
    let config = configuration(2, &next, &world.opening, &world.identity, true);
    world.send(Channel::Config(pi()), Kind::Config, &config);
    world.restart();
    world.connect();
    assert!(!world.opens(1));
    world.server = next;
    world.policy.revision = revision(3);
    world.policy.policy.lockdown = false;
    world.send_policy();
    world.send_head();
    assert!(world.opens(1));
}

#[test]
fn an_uncertain_right_is_stretched_only_while_its_renewal_could_not_have_come() {
    let end = NOON + Span::hours(1);
    let mut uncertain = entry(1, Some(end));
    uncertain.rights[0].certain = false;
    let mut world = World::with_list(&[uncertain, entry(2, Some(end))]);
    world.restart();
    world.run(Span::hours(2));
    world.run(Span::seconds(10));
    assert!(world.tap(1).contains(&shows(Reason::GrantedOffline)));
    assert!(world.tap(2).contains(&shows(Reason::Expired)));

    world.connect();
    world.send_head();
    assert!(!world.opens(1));
}

#[test]
fn a_list_that_cannot_be_stored_is_used_and_reported_volatile_until_it_is() {
    let mut world = World::with_list(&[]);
    world.disk.fail_writes(true);
    let delta = world.change_list(&[entry(1, None)]);
    let mut out = world.send_delta(&delta);
    out.extend(world.run(Span::seconds(1)));
    assert!(world.opens(1));
    let told = |out: &[Output], world: &World| {
        reports(&world.identity, out)
            .last()
            .and_then(|report| report.zones[0].list)
    };
    assert_eq!(
        told(&out, &world).map(|held| held.kept),
        Some(Kept::Volatile)
    );
    world.disk.fail_writes(false);
    let out = world.run(Span::minutes(2));
    assert_eq!(told(&out, &world).map(|held| held.kept), Some(Kept::Stored));
    world.restart();
    assert!(world.opens(1));
}

#[test]
fn with_a_dead_disk_the_paid_card_still_opens() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.disk.fail_writes(true);
    assert!(world.opens(1));
}

#[test]
fn the_first_contact_outlives_a_power_cut() {
    let mut world = World::with_list(&[entry(1, None)]);
    let contact = world.contact();
    world.run(Span::seconds(2));
    world.restart();
    assert_eq!(world.contact(), contact);
}

#[test]
fn an_agent_that_lost_its_newest_list_says_so_and_asks_before_it_claims_contact() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.restart();
    let before = world.disk.clone();
    let delta = world.change_list(&[]);
    world.connect();
    world.send_delta(&delta);
    world.run(Span::seconds(1));
    for name in before.list().expect("it lists") {
        if name.ends_with(".deltas") {
            before.overwrite(&name, Vec::new());
        }
    }
    world.restart();
    assert_eq!(world.held().map(|held| held.kept), Some(Kept::Degraded));
    let mut out = world.connect();
    out.extend(world.run(Span::seconds(5)));
    assert_eq!(requests(&world.identity, &out).len(), 1);
    assert_eq!(world.held().map(|held| held.revision), Some(revision(1)));
    world.send_head();
    let nonce = requests(&world.identity, &out)[0].nonce;
    world.answer(nonce);
    assert_eq!(
        world.held().map(|held| (held.revision, held.kept)),
        Some((revision(2), Kept::Stored))
    );
}

#[test]
fn any_one_file_that_cannot_be_read_stops_no_agent_and_locks_nobody_out() {
    let mut world = World::with_list(&[entry(1, None)]);
    let delta = world.change_list(&[entry(1, None), entry(2, None)]);
    world.send_delta(&delta);
    world.run(Span::seconds(5));
    world.restart();
    // A whole list in each generation, and a log behind the newer one.
    world.connect();
    world.change_list(&[entry(1, None), entry(3, None)]);
    world.send_head();
    world.catch_up();
    let delta = world.change_list(&[entry(1, None), entry(4, None)]);
    world.send_delta(&delta);
    world.run(Span::hours(2));

    let names = world.disk.list().expect("it lists");
    for kind in [
        "state.1",
        "highest.1",
        "spool-",
        "list-wood.b",
        ".b.deltas",
        "policy-wood.b",
        "config",
    ] {
        let has = |name: &String| name.contains(kind);
        assert!(kind == "config" || names.iter().any(has), "{kind}");
    }
    for name in &names {
        world.disk.fail_reads(name, true);
        world.restart();
        assert!(world.opens(1), "{name}");
        let degraded = world.held().map(|held| held.kept) == Some(Kept::Degraded);
        let newest = ["list-wood.b", "list-wood.b.deltas"].contains(&name.as_str());
        assert_eq!(degraded, newest, "{name}");
        world.disk.fail_reads(name, false);
    }
    world.restart();
    let held = world.held().expect("a list");
    assert_eq!(
        (held.revision, held.kept),
        (world.list.revision(), Kept::Stored)
    );
}

#[test]
fn an_older_list_beside_marks_that_cannot_be_read_is_told_to_be_degraded() {
    let mut world = World::with_list(&[entry(1, None)]);
    let old = world
        .disk
        .read("highest.0")
        .expect("it reads")
        .expect("it is there");
    let delta = world.change_list(&[]);
    world.send_delta(&delta);
    world.run(Span::seconds(5));
    assert_ne!(world.disk.read("highest.1").expect("it reads"), None);
    assert_eq!(world.disk.read("highest.0").expect("it reads"), Some(old));
    world.disk.fail_reads("highest.1", true);
    world.disk.fail_reads("list-wood.a.deltas", true);
    world.restart();
    assert_eq!(world.held().map(|held| held.kept), Some(Kept::Degraded));
}

#[test]
fn a_list_whose_changes_cannot_be_read_is_degraded_though_no_mark_says_that_there_were_any() {
    let mut world = World::with_list(&[entry(1, None)]);
    let delta = world.change_list(&[]);
    world.send_delta(&delta);
    world.disk.fail_reads("list-wood.a.deltas", true);
    world.restart();
    assert_eq!(
        world.held().map(|held| (held.revision, held.kept)),
        Some((revision(1), Kept::Degraded))
    );
}

#[test]
fn a_list_altered_on_disk_is_no_list() {
    let mut world = World::with_list(&[entry(1, None)]);
    for name in world.disk.list().expect("it lists") {
        if name.starts_with("list-") {
            let mut bytes = world
                .disk
                .read(&name)
                .expect("it reads")
                .expect("it is there");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            if !name.ends_with(".deltas") {
                let sum = crc32fast::hash(&bytes[36..]).to_le_bytes();
                bytes[32..36].copy_from_slice(&sum);
                let sum = crc32fast::hash(&bytes[12..36]).to_le_bytes();
                bytes[8..12].copy_from_slice(&sum);
            }
            world.disk.overwrite(&name, bytes);
        }
    }
    world.restart();
    assert_eq!(world.held(), None);
    assert_eq!(world.tap(1), [shows(Reason::NoList)]);
}

#[test]
fn time_never_falls_below_the_floor_that_was_stored_with_a_badge() {
    let mut world = World::with_list(&[entry(1, Some(NOON + Span::days(1)))]);
    world.run(Span::days(2));
    world.send_head();
    world.tap(1);
    world.run(Span::seconds(2));
    world.sources.synchronised = false;
    world.sources.wall = Timestamp(0);
    world.restart();
    let reading = world.agent.reading(world.sources);
    assert_eq!(reading.quality, Quality::Untrusted);
    assert!(reading.time >= NOON + Span::days(2));
    assert_eq!(world.tap(1), [shows(Reason::Expired)]);
}

#[test]
fn a_right_that_began_a_moment_ago_outlives_a_restart_with_a_wrong_clock() {
    for whole in [false, true] {
        let mut world = World::with_list(&[]);
        world.run(Span::minutes(30));
        let mut begun = entry(1, None);
        begun.rights[0].not_before = Some(world.sources.wall);
        let delta = world.change_list(&[begun]);
        if whole {
            world.send_head();
            world.catch_up();
        } else {
            world.send_delta(&delta);
        }
        world.sources.synchronised = false;
        world.sources.wall = Timestamp(0);
        world.restart();
        assert!(world.opens(1), "whole: {whole}");
    }
}

#[test]
fn a_wall_clock_years_ahead_locks_nobody_out() {
    let mut world = World::with_list(&[entry(1, Some(NOON + Span::days(30)))]);
    world.sources.synchronised = false;
    world.sources.wall = NOON + Span::days(4000);
    world.restart();
    assert!(world.opens(1));
}

#[test]
fn every_deadline_is_done_with_and_an_idle_agent_does_little() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.input(Input::Disconnected);
    world.run(Span::minutes(2));
    let changes = world.disk.changes();
    assert!(world.run(Span::hours(24)).is_empty());
    assert!(
        world.disk.changes() - changes <= 60,
        "{}",
        world.disk.changes() - changes
    );
}
