//! What the server tells the agent to do once, and what it may not.

use super::*;
use shared::wire::{Action, Command, CommandResult, ENROL_PURPOSE, Outcome};

fn command(world: &World, counter: u64, action: Action) -> Command {
    Command {
        boot: world.agent.boot(),
        counter,
        issued_at: world.sources.wall,
        action,
    }
}

fn give(world: &mut World, command: &Command) -> Vec<Output> {
    world.send(Channel::Command(pi()), Kind::Command, command)
}

fn outcomes(world: &World, out: &[Output]) -> Vec<Outcome> {
    published::<CommandResult>(&world.identity, Kind::Result, out)
        .into_iter()
        .map(|result| result.outcome)
        .collect()
}

fn unlocks(out: &[Output]) -> bool {
    out.iter().any(|output| {
        matches!(
            output,
            Output::Drive {
                drive: Drive::Energise { .. },
                ..
            }
        )
    })
}

#[test]
fn an_unlock_command_opens_once_and_a_repeated_one_does_not() {
    let mut world = World::with_list(&[]);
    let unlock = command(&world, 7, Action::Unlock { door: front() });
    let out = give(&mut world, &unlock);
    assert!(unlocks(&out));
    assert_eq!(outcomes(&world, &out), [Outcome::Done]);

    world.run(Span::seconds(1));
    let count = world.refused(RefusedWhy::Expired);
    assert!(!unlocks(&give(&mut world, &unlock)));
    let lower = command(&world, 6, Action::Unlock { door: front() });
    assert!(!unlocks(&give(&mut world, &lower)));
    assert_eq!(world.refused(RefusedWhy::Expired), count + 2);
}

#[test]
fn a_command_that_was_held_back_opens_nothing_by_a_clock_that_knows() {
    let mut world = World::with_list(&[]);
    for (seconds, opens) in [(60, true), (70, false)] {
        let counter = 7 + u64::try_from(seconds).expect("small");
        let unlock = command(&world, counter, Action::Unlock { door: front() });
        // Only the wall clock moves, as where a broker holds everything back.
        world.sources.wall = world.sources.wall + Span::seconds(seconds);
        assert_eq!(unlocks(&give(&mut world, &unlock)), opens, "{seconds} s");
    }
}

#[test]
fn a_command_for_another_run_is_refused_and_the_counter_outlives_a_restart() {
    let mut world = World::with_list(&[]);
    let unlock = command(&world, 7, Action::Unlock { door: front() });
    give(&mut world, &unlock);
    world.restart();
    world.connect();
    assert!(!unlocks(&give(&mut world, &unlock)));
    let replayed = Command {
        boot: world.agent.boot(),
        ..unlock
    };
    assert!(!unlocks(&give(&mut world, &replayed)));
    assert_eq!(world.refused(RefusedWhy::Expired), 2);
    let next = command(&world, 8, Action::Unlock { door: front() });
    assert!(unlocks(&give(&mut world, &next)));
}

#[test]
fn a_command_that_was_held_back_for_more_than_five_seconds_is_refused() {
    let mut world = World::with_list(&[]);
    world.send_head();
    let held_back = command(&world, 7, Action::Unlock { door: front() });
    let in_time = Command {
        counter: 6,
        ..held_back.clone()
    };
    world.run(Span::seconds(5));
    assert!(unlocks(&give(&mut world, &in_time)));
    world.run(Span(1));
    let out = give(&mut world, &held_back);
    assert!(!unlocks(&out));
    assert!(matches!(
        &outcomes(&world, &out)[..],
        [Outcome::Refused { .. }]
    ));
}

#[test]
fn remote_unlock_is_refused_while_the_clock_is_untrusted_and_identify_is_not() {
    let mut world = World::with_list(&[]);
    world.sources.synchronised = false;
    world.sources.wall = Timestamp(0);
    let reading = world.agent.reading(world.sources);
    assert_eq!(reading.quality, shared::door_clock::Quality::Untrusted);
    let unlock = Command {
        issued_at: reading.time,
        ..command(&world, 7, Action::Unlock { door: front() })
    };
    let out = give(&mut world, &unlock);
    assert!(!unlocks(&out));
    assert!(matches!(
        &outcomes(&world, &out)[..],
        [Outcome::Refused { .. }]
    ));
    let identify = Command {
        counter: 8,
        action: Action::Identify { door: front() },
        ..unlock
    };
    let out = give(&mut world, &identify);
    assert_eq!(outcomes(&world, &out), [Outcome::Done]);
}

#[test]
fn a_dead_disk_does_not_stop_a_remote_unlock_nor_let_it_be_repeated() {
    let mut world = World::with_list(&[]);
    world.disk.fail_writes(true);
    let unlock = command(&world, 7, Action::Unlock { door: front() });
    assert!(unlocks(&give(&mut world, &unlock)));
    world.run(Span::seconds(10));
    let again = Command {
        issued_at: world.sources.wall,
        ..unlock
    };
    assert!(!unlocks(&give(&mut world, &again)));
}

#[test]
fn a_card_shown_twice_is_enrolled_and_leaves_the_agent_only_sealed() {
    let mut world = World::with_list(&[]);
    let enrol = command(&world, 7, Action::Enrol { door: front() });
    let out = give(&mut world, &enrol);
    assert_eq!(outcomes(&world, &out), []);
    let mut out = world.tap(42);
    world.run(Span::seconds(2));
    out.extend(world.tap(42));
    let [Outcome::Enrolled { sealed_uid }] = &outcomes(&world, &out)[..] else {
        panic!("not enrolled: {out:?}")
    };
    assert_eq!(
        world.opening.open(ENROL_PURPOSE, sealed_uid).as_deref(),
        Ok(card(42).as_bytes())
    );
    out.extend(world.run(Span::minutes(5)));
    let in_clear = |output: &Output| match output {
        Output::Publish { payload, .. } => {
            payload.windows(4).any(|bytes| bytes == card(42).as_bytes())
        }
        Output::Drive { .. } | Output::Subscribe(_) | Output::Unsubscribe(_) | Output::Restart => {
            false
        }
    };
    assert!(!out.iter().any(in_clear));
    for name in world.disk.list().expect("it lists") {
        let bytes = world
            .disk
            .read(&name)
            .expect("it reads")
            .unwrap_or_default();
        assert!(
            !bytes.windows(4).any(|bytes| bytes == card(42).as_bytes()),
            "{name}"
        );
    }
}

#[test]
fn a_door_that_is_not_marked_for_it_enrols_nothing() {
    let mut world = World::with_list(&[]);
    let config = configuration(2, &world.server, &world.opening, &world.identity, false);
    world.send(Channel::Config(pi()), Kind::Config, &config);
    let enrol = command(&world, 7, Action::Enrol { door: front() });
    let out = give(&mut world, &enrol);
    assert!(matches!(
        &outcomes(&world, &out)[..],
        [Outcome::Refused { .. }]
    ));
    assert_eq!(without_status(world.tap(42)), [shows(Reason::Unknown)]);
}

#[test]
fn an_enrolment_nobody_comes_to_says_so() {
    let mut world = World::with_list(&[]);
    let enrol = command(&world, 7, Action::Enrol { door: front() });
    give(&mut world, &enrol);
    let out = world.run(ENROL_TIME);
    assert_eq!(outcomes(&world, &out), [Outcome::NoCard]);
}

#[test]
fn a_door_of_another_agent_is_not_opened() {
    let mut world = World::with_list(&[]);
    let unlock = command(
        &world,
        7,
        Action::Unlock {
            door: DoorId::new("back").expect("a name"),
        },
    );
    let out = give(&mut world, &unlock);
    assert!(!unlocks(&out));
    assert_eq!(world.refused(RefusedWhy::NotOurs), 1);
}

#[test]
fn diagnostics_and_restart_are_answered() {
    let mut world = World::with_list(&[entry(1, None)]);
    let ask = command(&world, 7, Action::Diagnostics);
    let out = give(&mut world, &ask);
    let [Outcome::Diagnostics { text }] = &outcomes(&world, &out)[..] else {
        panic!("no answer: {out:?}")
    };
    assert!(text.contains("zone wood: list 1.1 with 1 cards"), "{text}");
    let restart = command(&world, 8, Action::Restart);
    let out = give(&mut world, &restart);
    assert_eq!(outcomes(&world, &out), [Outcome::Done]);
    assert!(out.contains(&Output::Restart));
}
