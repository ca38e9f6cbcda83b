//! Heads in any order: a server's clock that was fast and is set right, replays, policies that come late.

use super::*;

const FAST: Span = Span::hours(1);

/// A world with this list whose newest head was signed by a clock an hour fast; the clock is right again.
fn after_a_fast_clock(entries: &[Entry]) -> World {
    let mut world = World::with_list(entries);
    let fast = fast_head(&world);
    send(&mut world, &fast);
    assert_eq!(world.contact(), fast.issued_at);
    world.run(Span::seconds(1));
    world
}

fn fast_head(world: &World) -> Head {
    Head {
        issued_at: world.sources.wall + FAST,
        ..world.head()
    }
}

fn send(world: &mut World, head: &Head) -> Vec<Output> {
    world.send(Channel::Head(wood()), Kind::Head, head)
}

fn set_lockdown(world: &mut World, number: u64, lockdown: bool) {
    world.policy.revision = revision(number);
    world.policy.policy.lockdown = lockdown;
}

/// Everything a head could change.
fn known(world: &World) -> (shared::wire::ZoneReport, Timestamp, Timestamp, bool, bool) {
    let zone = world.agent.zones().next().expect("there is one zone");
    let floor = world.agent.clock.floor(world.sources.uptime);
    (
        zone.report(),
        zone.contact(),
        floor,
        zone.wants_list(),
        zone.wants_policy(),
    )
}

fn asks_for_policy(out: &[Output]) -> bool {
    out.contains(&Output::Subscribe(vec![topic(Channel::Policy(wood()))]))
}

#[test]
fn a_lockdown_reaches_a_door_though_the_servers_clock_was_set_back() {
    let mut world = after_a_fast_clock(&[entry(1, None)]);
    let before = known(&world);
    set_lockdown(&mut world, 2, true);
    world.send_policy();
    assert!(world.opens(1), "no head names it yet");
    world.send_head();
    assert!(!world.opens(1));
    let after = known(&world);
    assert_eq!(after.1, before.1, "contact stays");
    assert_eq!(after.0.newest_head, before.0.newest_head);
    assert!(after.2 >= before.2, "the floor never goes back");
    assert_eq!((after.3, after.4), (false, false), "nothing is missing");
}

#[test]
fn a_lockdown_whose_policy_comes_after_its_head_rules_when_it_comes() {
    let mut world = after_a_fast_clock(&[entry(1, None)]);
    set_lockdown(&mut world, 2, true);
    world.send_head();
    let out = world.run(Span::seconds(5));
    assert!(asks_for_policy(&out));
    assert!(world.opens(1));
    world.send_policy();
    assert!(!world.opens(1));
    assert!(!known(&world).4);
}

#[test]
fn a_lockdown_lifted_before_the_wrong_hour_is_over_is_lifted() {
    let mut world = after_a_fast_clock(&[entry(1, None)]);
    for (number, lockdown) in [(2, true), (3, false), (4, true), (5, false)] {
        set_lockdown(&mut world, number, lockdown);
        world.run(Span::seconds(1));
        world.send_policy();
        world.send_head();
        assert_eq!(world.opens(1), !lockdown, "policy {number}");
    }
}

#[test]
fn a_higher_revision_is_news_though_its_head_was_issued_earlier() {
    let mut world = after_a_fast_clock(&[entry(1, None)]);
    let contact = world.contact();
    world.change_list(&[]);
    world.send_head();
    world.catch_up();
    assert_eq!(
        world.held().map(|held| held.revision),
        Some(world.list.revision())
    );
    assert!(!world.opens(1));
    assert_eq!(world.contact(), contact, "contact does not go back");

    let delta = world.change_list(&[entry(1, None)]);
    world.send_delta(&delta);
    world.send_head();
    assert!(world.opens(1));
    assert!(!known(&world).3);
}

#[test]
fn a_new_epoch_is_news_though_its_head_was_issued_earlier() {
    let mut world = after_a_fast_clock(&[entry(1, None)]);
    let restored = Revision {
        epoch: Epoch {
            number: 2,
            id: [8; 8],
        },
        number: 1,
    };
    world.list = AllowList::build(restored, []);
    world.send_head();
    world.catch_up();
    assert_eq!(world.held().map(|held| held.revision), Some(restored));
}

#[test]
fn a_replayed_head_of_equal_or_lower_numbers_changes_nothing() {
    let mut world = World::with_list(&[entry(1, None)]);
    let first = world.head();
    world.run(Span::seconds(1));
    let fast = fast_head(&world);
    send(&mut world, &fast);
    let same = known(&world);
    send(&mut world, &first);
    send(&mut world, &fast);
    assert_eq!(known(&world), same, "equal numbers, earlier or again");

    let old_policy = world.policy.clone();
    set_lockdown(&mut world, 2, true);
    world.run(Span::seconds(1));
    world.send_policy();
    let locked = world.head();
    send(&mut world, &locked);
    let before = known(&world).0;
    for replayed in [&first, &fast] {
        send(&mut world, replayed);
        assert_eq!(known(&world).0, before);
        assert!(!world.opens(1));
        let refused = world.refused(RefusedWhy::Older);
        world.send(Channel::Policy(wood()), Kind::Policy, &old_policy);
        assert_eq!(world.refused(RefusedWhy::Older), refused + 1);
        assert!(!world.opens(1));
    }
    assert_eq!(known(&world).0, before);

    // The question that the replay led to has an answer, and nothing more is asked.
    world.send_policy();
    assert!(!asks_for_policy(&world.run(Span::minutes(30))));
}

#[test]
fn a_later_head_that_names_a_lower_policy_is_contact_and_brings_no_policy_back() {
    let mut world = World::with_list(&[entry(1, None)]);
    let old_policy = world.policy.clone();
    set_lockdown(&mut world, 2, true);
    world.send_policy();
    world.send_head();
    world.run(Span::seconds(1));
    world.policy = old_policy;
    world.send_head();
    assert_eq!(world.contact(), world.sources.wall);
    assert!(asks_for_policy(&world.run(Span::seconds(5))));
    world.send_policy();
    assert_eq!(world.refused(RefusedWhy::Older), 1);
    assert!(!world.opens(1));
}

#[test]
fn a_policy_named_by_the_newest_head_rules_after_one_named_by_an_earlier_head() {
    let mut world = World::with_list(&[entry(1, None)]);
    set_lockdown(&mut world, 2, true);
    let earlier = (world.policy.clone(), world.head());
    world.run(Span::seconds(1));
    set_lockdown(&mut world, 3, false);
    world.policy.policy.hold_open_until = Some(NOON);
    world.send_head();
    world.send(Channel::Policy(wood()), Kind::Policy, &earlier.0);
    send(&mut world, &earlier.1);
    assert!(!world.opens(1), "it is newer than the one in force");
    assert!(known(&world).4, "and not what the newest head names");
    world.send_policy();
    assert!(world.opens(1));
    assert!(!known(&world).4);
}
