//! What comes by the broker, good and bad.

use super::*;
use crate::agent::assignment::card_keys;

/// Sends something bad and checks that nothing changed but one count.
fn refuses(world: &mut World, why: RefusedWhy, topic: String, payload: Vec<u8>) {
    let (held, contact, count) = (world.held(), world.contact(), world.refused(why));
    let out = world.receive(topic, payload);
    assert!(
        out.iter().all(|out| matches!(out, Output::Publish { .. })),
        "{out:?}"
    );
    assert_eq!((world.held(), world.contact()), (held, contact));
    assert_eq!(world.refused(why), count + 1, "{why:?}");
}

#[test]
fn a_paid_card_opens_for_its_time_and_an_unknown_one_does_not() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.run(Span::seconds(30));
    let now = world.sources.uptime;
    assert_eq!(
        without_status(world.tap(1)),
        [opened(now), shows(Reason::Granted)]
    );
    assert!(world.run(UNLOCK).contains(&drive(Drive::Rest)));
    assert_eq!(without_status(world.tap(2)), [shows(Reason::Unknown)]);
}

#[test]
fn without_a_list_every_card_is_refused() {
    let mut world = World::new();
    assert_eq!(world.tap(1), [shows(Reason::NoList)]);
}

#[test]
fn a_connection_subscribes_and_reports_before_anything_else() {
    let mut world = World::new();
    let out = world.connect();
    let Output::Subscribe(topics) = &out[0] else {
        panic!("not subscribed: {out:?}")
    };
    for channel in [
        Channel::Config(pi()),
        Channel::Sync(pi()),
        Channel::Ack(pi()),
        Channel::Command(pi()),
        Channel::Policy(wood()),
        Channel::Delta(wood()),
        Channel::Head(wood()),
    ] {
        assert!(topics.contains(&topic(channel)));
    }
    let report = reports(&world.identity, &out[1..2])
        .pop()
        .expect("a report");
    assert_eq!((report.boot, report.counter), (BootId([1; 16]), 1));
    assert_eq!(report.zones[0].list, None);
    assert_eq!(report.shadow, None);
}

#[test]
fn an_agent_that_only_watches_from_now_on_says_so() {
    let mut world = World::new();
    world.connect();
    world.pass(Span::seconds(60));
    for (shadow, told) in [
        (true, vec![Some(true)]),
        (true, vec![]),
        (false, vec![None]),
    ] {
        world.agent.set_shadow(shadow, world.sources);
        let out = world.run(Span::seconds(10));
        let reports = reports(&world.identity, &out);
        let says: Vec<Option<bool>> = reports.iter().map(|report| report.shadow).collect();
        assert_eq!(says, told);
    }
}

#[test]
fn a_delta_is_used_at_once_and_reported() {
    let mut world = World::with_list(&[]);
    assert!(!world.opens(1));
    let delta = world.change_list(&[entry(1, None)]);
    let mut out = world.send_delta(&delta);
    assert!(world.opens(1));
    out.extend(world.run(Span::seconds(1)));
    let report = reports(&world.identity, &out).remove(0);
    let held = report.zones[0].list.expect("a list");
    assert_eq!(
        (held.revision, held.digest, held.kept),
        (world.list.revision(), world.list.digest(), Kept::Stored)
    );
}

#[test]
fn contact_is_the_newest_head_whose_list_is_held() {
    let mut world = World::with_list(&[entry(1, None)]);
    let before = world.contact();
    world.run(Span::minutes(1));
    let delta = world.change_list(&[]);
    world.send_head();
    assert_eq!(
        world.contact(),
        before,
        "the change behind this head is withheld"
    );
    let named = world.sources.wall;
    world.run(Span::seconds(1));
    world.send_delta(&delta);
    assert_eq!(world.contact(), named);
}

#[test]
fn a_policy_rules_only_when_a_head_names_it() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.policy.revision = revision(2);
    world.policy.policy.lockdown = true;
    world.send_policy();
    assert!(world.opens(1));
    world.send_head();
    assert!(!world.opens(1));
    world.run(Span::seconds(10));
    assert_eq!(without_status(world.tap(1)), [shows(Reason::Lockdown)]);
}

#[test]
fn a_named_policy_that_does_not_come_is_asked_for_by_subscribing_again() {
    let mut world = World::with_list(&[]);
    world.policy.revision = revision(2);
    world.policy.policy.lockdown = true;
    world.send_head();
    let out = world.run(Span::seconds(5));
    assert!(out.contains(&Output::Subscribe(vec![topic(Channel::Policy(wood()))])));
}

#[test]
fn a_door_held_open_by_policy_stands_open_until_the_moment_and_then_rests() {
    let mut world = World::with_list(&[]);
    world.policy.revision = revision(2);
    world.policy.policy.hold_open_until = Some(world.sources.wall + Span::minutes(10));
    world.send_policy();
    let out = world.send_head();
    assert!(out.iter().any(|out| matches!(
        out,
        Output::Drive {
            drive: Drive::Energise { .. },
            ..
        }
    )));
    let out = world.run(Span(Span::minutes(10).0 - 1));
    assert!(!out.contains(&drive(Drive::Rest)));
    assert!(world.run(Span(1)).contains(&drive(Drive::Rest)));
}

#[test]
fn a_door_that_is_held_open_stands_open_from_the_start_of_the_agent() {
    let mut world = World::with_list(&[]);
    world.policy.revision = revision(2);
    world.policy.policy.hold_open_until = Some(world.sources.wall + Span::minutes(10));
    world.send_policy();
    world.send_head();
    world.run(Span::seconds(5));
    let out = world.restart();
    let released = |out: &Output| {
        matches!(
            out,
            Output::Drive {
                drive: Drive::Energise { .. },
                ..
            }
        )
    };
    assert!(out.iter().any(released), "{out:?}");
}

#[test]
fn what_is_older_than_the_list_changes_nothing() {
    let mut world = World::with_list(&[entry(1, None)]);
    let (old_list, old_head) = (world.list.clone(), world.head());
    let delta = world.change_list(&[]);
    world.send_delta(&delta);
    world.send_head();

    let older = old_list.delta_to(
        old_list.revision().number,
        &std::collections::BTreeMap::new(),
    );
    let to = topic(Channel::Delta(wood()));
    let payload = seal(Kind::Delta, &to, &older, &world.server);
    refuses(&mut world, RefusedWhy::Older, to, payload);

    let to = topic(Channel::Head(wood()));
    let payload = seal(Kind::Head, &to, &old_head, &world.server);
    refuses(&mut world, RefusedWhy::Older, to, payload);
    assert!(!world.opens(1));
}

#[test]
fn an_older_snapshot_is_refused_even_as_an_answer() {
    let mut world = World::with_list(&[entry(1, None)]);
    let old = SnapshotPart::cut(&world.list).remove(0);
    let delta = world.change_list(&[]);
    world.send_delta(&delta);
    world.change_list(&[entry(2, None)]);
    world.send_head();
    let asked = world.run(Span::seconds(5));
    let nonce = requests(&world.identity, &asked)[0].nonce;
    let to = topic(Channel::Sync(pi()));
    let payload = seal(
        Kind::Sync,
        &to,
        &Sync::Snapshot {
            zone: wood(),
            nonce,
            part: old,
        },
        &world.server,
    );
    refuses(&mut world, RefusedWhy::Older, to, payload);
}

#[test]
fn two_contents_of_one_revision_are_a_conflict() {
    let mut world = World::with_list(&[entry(1, None)]);
    let mut head = world.head();
    head.digest = AllowList::build(revision(1), [entry(2, None)]).digest();
    let to = topic(Channel::Head(wood()));
    let payload = seal(Kind::Head, &to, &head, &world.server);
    refuses(&mut world, RefusedWhy::Conflict, to, payload);

    let mut head = world.head();
    head.revision.epoch.id = [8; 8];
    let to = topic(Channel::Head(wood()));
    let payload = seal(Kind::Head, &to, &head, &world.server);
    refuses(&mut world, RefusedWhy::Conflict, to, payload);
}

#[test]
fn messages_of_another_key_moved_truncated_or_of_another_version_change_nothing() {
    let mut world = World::with_list(&[]);
    let delta = world.change_list(&[entry(1, None)]);
    let to = topic(Channel::Delta(wood()));
    let good = seal(Kind::Delta, &to, &delta, &world.server);

    let other = Signer::from_seed(&[66; 32]);
    refuses(
        &mut world,
        RefusedWhy::Key,
        to.clone(),
        seal(Kind::Delta, &to, &delta, &other),
    );
    let elsewhere = topic(Channel::Delta(ZoneId::new("metal").expect("a name")));
    let moved = seal(Kind::Delta, &elsewhere, &delta, &world.server);
    refuses(&mut world, RefusedWhy::Signature, to.clone(), moved.clone());
    refuses(&mut world, RefusedWhy::NotOurs, elsewhere, moved);
    refuses(
        &mut world,
        RefusedWhy::Unreadable,
        to.clone(),
        good[..good.len() - 1].to_vec(),
    );
    refuses(
        &mut world,
        RefusedWhy::Unreadable,
        to.clone(),
        b"{}".to_vec(),
    );
    refuses(
        &mut world,
        RefusedWhy::Unreadable,
        to.clone(),
        vec![0; 300 * 1024],
    );
    let mut newer = good.clone();
    let place = newer
        .windows(9)
        .position(|window| window == b"gs1/delta")
        .expect("the content type");
    newer[place + 2] = b'2';
    refuses(&mut world, RefusedWhy::Version, to.clone(), newer);
    let wrong_kind = seal(Kind::Sync, &to, &delta, &world.server);
    refuses(&mut world, RefusedWhy::Version, to.clone(), wrong_kind);
    let unknown = "gs/1/club/zones/wood/surprise".to_owned();
    refuses(&mut world, RefusedWhy::NotOurs, unknown, good.clone());
    let another_club = to.replace("club", "rival");
    refuses(&mut world, RefusedWhy::NotOurs, another_club, good.clone());

    assert!(!world.opens(1));
    world.receive(to, good);
    assert!(world.opens(1));
}

#[test]
fn refused_messages_are_reported_once_each_and_logged_once_a_minute() {
    let mut world = World::with_list(&[]);
    world.run(Span::minutes(4));
    let to = topic(Channel::Head(wood()));
    let mut out = Vec::new();
    for _ in 0..50 {
        out.extend(world.receive(to.clone(), b"noise".to_vec()));
    }
    out.extend(world.run(Span::minutes(3)));
    let refused: Vec<u64> = reports(&world.identity, &out)
        .iter()
        .flat_map(|report| report.refused.iter().map(|one| one.count))
        .collect();
    assert_eq!(refused, [50]);
    let events: Vec<BadgeEvent> = batches(&world.identity, &out)
        .iter()
        .flat_map(read)
        .collect();
    let rejected = events
        .iter()
        .filter(|event| matches!(event.what, What::Rejected { .. }));
    let mut sequences: Vec<u64> = rejected.map(|event| event.sequence).collect();
    sequences.dedup();
    assert_eq!(sequences.len(), 1);
}

#[test]
fn an_agent_that_lost_a_change_asks_once_after_a_random_delay_and_takes_the_answer() {
    let mut world = World::with_list(&[]);
    let lost = world.change_list(&[entry(1, None)]);
    let delta = world.change_list(&[entry(1, None), entry(2, None)]);
    world.send_delta(&delta);
    world.send_head();
    let mut merged = lost;
    merged.number = delta.number;
    merged.upserts = vec![entry(1, None), entry(2, None)];
    merged.digest = delta.digest;

    let asked = world.run(Span::seconds(20));
    let request = requests(&world.identity, &asked).pop().expect("it asks");
    assert_eq!(request.holds, Some(revision(1)));
    let wrong = Sync::Delta {
        zone: wood(),
        nonce: request.nonce ^ 1,
        delta: merged.clone(),
    };
    world.send(Channel::Sync(pi()), Kind::Sync, &wrong);
    assert_eq!(world.held().map(|held| held.revision), Some(revision(1)));
    let answer = Sync::Delta {
        zone: wood(),
        nonce: request.nonce,
        delta: merged,
    };
    world.send(Channel::Sync(pi()), Kind::Sync, &answer);
    assert_eq!(
        world.held().map(|held| held.revision),
        Some(world.list.revision())
    );
    let later = world.run(Span::minutes(20));
    assert!(requests(&world.identity, &later).is_empty());
}

#[test]
fn a_snapshot_of_several_parts_is_put_together_in_any_order() {
    let entries: Vec<Entry> = (0..2500_u16)
        .map(|number| {
            let uid =
                CardUid::from_bytes(&[4, 1, number.to_be_bytes()[0], number.to_be_bytes()[1]])
                    .expect("a card");
            Entry {
                token: CardToken::of(&uid, &CARD_KEY),
                ..entry(1, None)
            }
        })
        .chain([entry(1, None)])
        .collect();
    let mut world = World::new();
    world.connect();
    world.change_list(&entries);
    world.send_policy();
    world.send_head();
    let asked = world.run(Span::seconds(5));
    let nonce = requests(&world.identity, &asked)[0].nonce;
    let mut parts = SnapshotPart::cut(&world.list);
    assert_eq!(parts.len(), 3);
    parts.swap(0, 2);
    let last = parts.pop().expect("three parts");
    for part in parts.iter().chain(&parts) {
        let part = Sync::Snapshot {
            zone: wood(),
            nonce,
            part: part.clone(),
        };
        world.send(Channel::Sync(pi()), Kind::Sync, &part);
    }
    assert_eq!(world.held(), None);
    world.send(
        Channel::Sync(pi()),
        Kind::Sync,
        &Sync::Snapshot {
            zone: wood(),
            nonce,
            part: last,
        },
    );
    assert_eq!(
        world.held().map(|held| held.digest),
        Some(world.list.digest())
    );
    assert!(world.opens(1));
}

#[test]
fn a_snapshot_waits_for_the_head_that_names_it() {
    let mut world = World::new();
    world.connect();
    let asked = world.run(Span::seconds(5));
    let nonce = requests(&world.identity, &asked)[0].nonce;
    world.change_list(&[entry(1, None)]);
    world.answer(nonce);
    assert_eq!(world.held(), None);
    world.send_policy();
    world.send_head();
    assert_eq!(world.held().map(|held| held.revision), Some(revision(1)));
}

#[test]
fn a_snapshot_that_is_not_what_was_signed_is_refused() {
    let mut world = World::new();
    world.connect();
    world.change_list(&[entry(1, None)]);
    world.send_head();
    let asked = world.run(Span::seconds(5));
    let nonce = requests(&world.identity, &asked)[0].nonce;
    let good = SnapshotPart::cut(&world.list).remove(0);
    let mut short = good.clone();
    short.entries.clear();
    let mut wild = good.clone();
    wild.entries[0].rights = 7;
    let mut huge = good.clone();
    huge.parts = u32::MAX;
    let mut beyond = good;
    beyond.index = 1;
    let to = topic(Channel::Sync(pi()));
    for (part, why) in [
        (short, RefusedWhy::Digest),
        (wild, RefusedWhy::Unreadable),
        (huge, RefusedWhy::Unreadable),
        (beyond, RefusedWhy::Unreadable),
    ] {
        let payload = seal(
            Kind::Sync,
            &to,
            &Sync::Snapshot {
                zone: wood(),
                nonce,
                part,
            },
            &world.server,
        );
        refuses(&mut world, why, to.clone(), payload);
    }
}

#[test]
fn a_change_that_does_not_lead_to_its_digest_is_refused_and_the_whole_list_is_asked_for() {
    let mut world = World::with_list(&[]);
    let mut delta = world.change_list(&[entry(1, None)]);
    delta.upserts[0].holder = Holder(99);
    let to = topic(Channel::Delta(wood()));
    let payload = seal(Kind::Delta, &to, &delta, &world.server);
    refuses(&mut world, RefusedWhy::Digest, to, payload);
    let asked = world.run(Span::seconds(10));
    assert_eq!(requests(&world.identity, &asked)[0].holds, None);
}

#[test]
fn a_new_epoch_begins_with_a_snapshot() {
    let mut world = World::with_list(&[entry(1, None)]);
    let epoch = Epoch {
        number: 2,
        id: [1; 8],
    };
    world.list = AllowList::build(Revision { epoch, number: 1 }, [entry(2, None)]);
    world.send_head();
    world.catch_up();
    assert!(world.opens(2));
    assert!(!world.opens(1));
}

#[test]
fn a_new_signer_counts_only_through_a_configuration_signed_by_the_old() {
    let mut world = World::with_list(&[]);
    let next = Signer::from_seed(&[77; 32]);
    let config = configuration(2, &next, &world.opening, &world.identity, true);
    let to = topic(Channel::Config(pi()));
    let payload = seal(Kind::Config, &to, &config, &next);
    refuses(&mut world, RefusedWhy::Key, to, payload);

    world.send(Channel::Config(pi()), Kind::Config, &config);
    let delta = world.change_list(&[entry(1, None)]);
    let to = topic(Channel::Delta(wood()));
    let payload = seal(Kind::Delta, &to, &delta, &world.server);
    refuses(&mut world, RefusedWhy::Key, to, payload);
    world.server = next;
    world.send_delta(&delta);
    assert!(world.opens(1));
}

#[test]
fn the_recovery_key_replaces_a_lost_signer() {
    let mut world = World::with_list(&[]);
    let next = Signer::from_seed(&[77; 32]);
    let config = configuration(2, &next, &world.opening, &world.identity, true);
    let to = topic(Channel::Config(pi()));
    let payload = seal(Kind::Config, &to, &config, &Signer::from_seed(&[5; 32]));
    world.receive(to, payload);
    world.server = next;
    let delta = world.change_list(&[entry(1, None)]);
    world.send_delta(&delta);
    assert!(world.opens(1));
}

#[test]
fn a_configuration_with_keys_sealed_to_somebody_else_is_refused() {
    let mut world = World::with_list(&[entry(1, None)]);
    let other = Identity::generate(&mut random(50));
    let config = configuration(2, &world.server, &world.opening, &other, true);
    let to = topic(Channel::Config(pi()));
    let payload = seal(Kind::Config, &to, &config, &world.server);
    refuses(&mut world, RefusedWhy::Unreadable, to, payload);
    assert!(world.opens(1));
}

#[test]
fn a_configuration_signed_and_sealed_anew_is_the_same_and_one_that_says_else_is_refused() {
    let mut world = World::with_list(&[entry(1, None)]);
    let mut config = configuration(2, &world.server, &world.opening, &world.identity, true);
    world.send(Channel::Config(pi()), Kind::Config, &config);
    config.issued_at = NOON + Span::minutes(1);
    let keys = card_keys(&config, &world.identity.opening).expect("sealed to this agent");
    let keys = minicbor::to_vec(keys).expect("encodes");
    let sealing = world.identity.opening.public();
    config.card_keys = sealing
        .seal(CARD_KEYS_PURPOSE, &keys, &mut random(51))
        .expect("seals");
    world.send(Channel::Config(pi()), Kind::Config, &config);
    assert_eq!(world.refused(RefusedWhy::Conflict), 0);
    assert!(world.opens(1));

    config.doors.clear();
    let to = topic(Channel::Config(pi()));
    let payload = seal(Kind::Config, &to, &config, &world.server);
    refuses(&mut world, RefusedWhy::Conflict, to, payload);
    assert!(world.opens(1));
}

#[test]
fn a_door_moved_to_another_zone_listens_there_and_forgets_the_first() {
    let mut world = World::with_list(&[entry(1, None)]);
    let metal = ZoneId::new("metal").expect("a name");
    let mut config = configuration(2, &world.server, &world.opening, &world.identity, true);
    config.doors[0].zone = metal.clone();
    let out = world.send(Channel::Config(pi()), Kind::Config, &config);
    assert!(out.iter().any(|out| matches!(out, Output::Unsubscribe(gone) if gone.contains(&topic(Channel::Head(wood()))))));
    assert!(out.iter().any(|out| matches!(out, Output::Subscribe(new) if new.contains(&topic(Channel::Head(metal.clone()))))));
    assert!(!world.opens(1));
}

#[test]
fn a_head_more_than_a_day_ahead_of_a_trusted_clock_is_refused() {
    let mut world = World::with_list(&[entry(1, None)]);
    let mut head = world.head();
    head.issued_at = world.sources.wall + Span::days(2);
    let to = topic(Channel::Head(wood()));
    let payload = seal(Kind::Head, &to, &head, &world.server);
    refuses(&mut world, RefusedWhy::FarAhead, to, payload);
}
