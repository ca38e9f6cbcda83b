//! Contact, button, covers and hours.

use super::*;
use shared::decide::HallHours;
use shared::schedule::{Schedule, Window};

const CONTACT: Settings = Settings {
    unlock: UNLOCK,
    until_open: false,
    held_open: Some(Span::seconds(30)),
    forced: true,
};

fn watched(settings: Settings) -> Door {
    let mut door = Door {
        controller: Controller::new(settings),
        ..Door::new()
    };
    door.hear(Input::Contact { open: false });
    door
}

fn told(out: &[Command]) -> Vec<(Alarm, bool)> {
    let told = |command: &Command| {
        let Command::Event(What::Alarm { alarm, on }) = command else {
            return None;
        };
        Some((*alarm, *on))
    };
    out.iter().filter_map(told).collect()
}

const OPEN: Input = Input::Contact { open: true };
const SHUT: Input = Input::Contact { open: false };

#[test]
fn a_door_that_opens_unreleased_was_forced_until_it_is_shut() {
    let mut door = watched(CONTACT);
    let out = door.at(10, OPEN);
    assert_eq!(told(&out), [(Alarm::Forced, true)]);
    assert!(out.contains(&Command::Siren(true)));
    assert_eq!(door.controller.state(), State::ForcedOpen);
    let out = door.at(20, SHUT);
    assert_eq!(told(&out), [(Alarm::Forced, false)]);
    assert!(out.contains(&Command::Siren(false)));
    assert_eq!(door.controller.state(), State::Closed);
}

#[test]
fn whoever_was_let_through_forces_nothing() {
    for let_through in [
        Input::Card(uid(1)),
        Input::Exit { pressed: true },
        Input::Unlock { counter: 1 },
        Input::Local { open: true },
    ] {
        let mut door = watched(CONTACT);
        door.at(10, let_through.clone());
        assert_eq!(told(&door.at(12, OPEN)), [], "{let_through:?}");
        assert_eq!(door.controller.state(), State::Open);
        door.at(13, SHUT);
        door.until(16);
        assert_eq!(
            told(&door.at(17, OPEN)),
            [],
            "just after the lock came to rest"
        );
        door.at(18, SHUT);
        door.at(19, Input::Exit { pressed: false });
        assert_eq!(told(&door.at(20, OPEN)), [(Alarm::Forced, true)]);
    }
}

#[test]
fn where_people_leave_by_a_handle_nothing_is_forced_and_a_door_found_open_was_not_either() {
    let mut door = watched(Settings {
        forced: false,
        ..CONTACT
    });
    assert_eq!(told(&door.at(10, OPEN)), []);
    let mut door = Door {
        controller: Controller::new(CONTACT),
        ..Door::new()
    };
    assert_eq!(told(&door.at(10, OPEN)), []);
}

#[test]
fn fire_opens_in_copper_and_is_only_told() {
    let mut door = watched(CONTACT);
    let out = door.at(1, Input::Fire { on: true });
    assert_eq!(
        out,
        [Command::Event(What::Alarm {
            alarm: Alarm::Fire,
            on: true
        })]
    );
    assert_eq!(told(&door.at(2, OPEN)), [], "nobody forced it");
    let out = door.at(100, Input::Fire { on: false });
    assert_eq!(told(&out), [(Alarm::Fire, false)]);
}

#[test]
fn a_door_held_open_asks_to_be_closed_and_then_calls_for_help() {
    let mut door = watched(CONTACT);
    door.at(0, Input::Card(uid(1)));
    door.at(2, OPEN);
    let out = door.until(31);
    assert!(!out.contains(&Command::Signal(Signal::CloseDoor)));
    let out = door.until(32);
    assert_eq!(out, [Command::Signal(Signal::CloseDoor)]);
    let out = door.until(62);
    assert_eq!(told(&out), [(Alarm::HeldOpen, true)]);
    assert!(out.contains(&Command::Siren(true)));
    assert_eq!(door.controller.state(), State::HeldOpen);
    let out = door.at(70, SHUT);
    assert_eq!(told(&out), [(Alarm::HeldOpen, false)]);
    assert!(out.contains(&Command::Signal(Signal::Rest)));
}

#[test]
fn everybody_who_is_let_in_may_hold_the_door_for_a_while() {
    let mut door = watched(CONTACT);
    door.at(0, Input::Card(uid(1)));
    door.at(2, OPEN);
    for round in 1..10 {
        let number = if round % 2 == 0 { 1 } else { 9 };
        assert_eq!(told(&door.until(round * 50)), []);
        door.hear(Input::Card(uid(number)));
    }
    assert_eq!(told(&door.until(450 + 59)), []);
    assert_eq!(told(&door.until(450 + 60)), [(Alarm::HeldOpen, true)]);
}

#[test]
fn a_lock_that_holds_until_the_door_opens_rests_then_and_at_its_deadline() {
    let mut door = watched(Settings {
        until_open: true,
        ..CONTACT
    });
    door.at(0, Input::Card(uid(1)));
    assert_eq!(door.at(2, OPEN)[1..], [Command::Rest]);
    door.at(3, SHUT);
    let out = door.at(10, Input::Card(uid(9)));
    assert!(out.contains(&energise(15)));
    assert!(door.until(15).contains(&Command::Rest));
}

#[test]
fn a_button_that_is_stuck_releases_once_and_is_told() {
    let mut door = watched(CONTACT);
    let pressed = Input::Exit { pressed: true };
    assert!(door.at(0, pressed.clone()).contains(&energise(5)));
    assert_eq!(door.at(1, pressed), [], "it is still pressed");
    let out = door.until(59);
    assert!(out.contains(&Command::Rest), "the lock comes to rest");
    assert_eq!(told(&out), []);
    assert_eq!(told(&door.until(60)), [(Alarm::ExitStuck, true)]);
    let out = door.at(100, Input::Exit { pressed: false });
    assert_eq!(told(&out), [(Alarm::ExitStuck, false)]);
    let out = door.at(101, Input::Exit { pressed: true });
    assert!(out.contains(&energise(106)), "and works again");
}

#[test]
fn the_exit_button_works_without_a_list_in_a_lockdown_and_while_somebody_guesses() {
    let mut door = watched(CONTACT);
    door.policy.lockdown = true;
    for number in 0..40 {
        let uid = CardUid::from_bytes(&[0xee, 1, 1, number]).expect("a card");
        door.hear(Input::Card(uid));
    }
    assert!(
        door.at(1, Input::Exit { pressed: true })
            .contains(&energise(6))
    );
}

#[test]
fn tamper_and_a_lock_that_does_not_obey_are_told_until_they_are_over() {
    let mut door = watched(CONTACT);
    for (input, over, alarm, loud) in [
        (
            Input::Tamper { on: true },
            Input::Tamper { on: false },
            Alarm::Tamper,
            true,
        ),
        (
            Input::LockFault { on: true },
            Input::LockFault { on: false },
            Alarm::LockFault,
            false,
        ),
    ] {
        let out = door.hear(input.clone());
        assert_eq!(told(&out), [(alarm, true)]);
        assert_eq!(out.contains(&Command::Siren(true)), loud);
        assert_eq!(door.hear(input), [], "once");
        assert_eq!(told(&door.hear(over)), [(alarm, false)]);
    }
}

/// Open from the minute that begins at `from` seconds after noon for two minutes.
fn hall(door: &mut Door, from: i64, first_in: bool) {
    let minute = u16::try_from((NOON.0 / 1000 + from) / 60 % 1440).expect("a minute");
    door.policy.schedules.push(Schedule {
        windows: vec![Window {
            days: 0xff,
            from: minute,
            to: minute + 2,
        }],
    });
    door.policy.hall_hours = Some(HallHours {
        schedule: 1,
        first_in,
    });
}

#[test]
fn in_hall_hours_the_door_stands_open_to_the_minute() {
    let mut door = watched(CONTACT);
    hall(&mut door, 120, false);
    door.hear(Input::Tick);
    let out = door.until(119);
    assert_eq!(out, []);
    let out = door.until(120);
    assert!(matches!(out[..], [Command::Energise { .. }]), "{out:?}");
    assert_eq!(door.controller.state(), State::Propped);
    assert_eq!(told(&door.at(130, OPEN)), []);
    let out = door.until(239);
    assert!(
        !out.contains(&Command::Rest) && told(&out).is_empty(),
        "{out:?}"
    );
    assert_eq!(door.until(240), [Command::Rest]);
    assert_eq!(told(&door.until(240 + 59)), []);
    assert_eq!(
        told(&door.until(240 + 60)),
        [(Alarm::HeldOpen, true)],
        "still open"
    );
}

#[test]
fn with_first_member_in_it_stays_locked_until_somebody_has_passed() {
    let mut door = watched(CONTACT);
    hall(&mut door, 60, true);
    door.hear(Input::Tick);
    door.at(10, Input::Card(uid(1)));
    assert!(
        door.until(59).contains(&Command::Rest),
        "before the hours nobody counts"
    );
    assert_eq!(door.until(80), []);
    door.hear(Input::Exit { pressed: true });
    assert!(
        door.until(86).contains(&Command::Rest),
        "nor does who leaves"
    );
    door.at(90, Input::Card(uid(9)));
    assert_eq!(door.controller.state(), State::Propped);
    assert!(!door.until(179).contains(&Command::Rest));
    assert_eq!(door.until(180), [Command::Rest]);
    assert!(!door.controller.state().eq(&State::Propped));
}

#[test]
fn no_door_is_propped_in_a_lockdown_or_by_a_clock_that_is_not_trusted() {
    let mut door = watched(CONTACT);
    hall(&mut door, 0, false);
    door.policy.lockdown = true;
    assert_eq!(door.until(10), []);
    door.policy.lockdown = false;
    assert!(matches!(
        door.hear(Input::Tick)[..],
        [Command::Energise { .. }]
    ));
    door.policy.lockdown = true;
    assert_eq!(door.hear(Input::Tick), [Command::Rest]);
    door.policy.lockdown = false;
    door.quality = Quality::Untrusted;
    assert_eq!(door.hear(Input::Tick), []);
}

#[test]
fn no_door_is_held_open_by_a_clock_that_is_not_trusted_or_without_contact_for_too_long() {
    let mut door = Door::new();
    door.policy.hold_open_until = Some(NOON + Span::seconds(3600));
    door.policy.staleness = Some(Span::seconds(200));
    door.quality = Quality::Untrusted;
    assert_eq!(door.hear(Input::Tick), []);
    assert!(door.until(70).is_empty(), "looked at again, and refused");
    door.quality = Quality::Trusted;
    assert_eq!(
        door.until(120),
        [energise(180)],
        "nothing but time is needed"
    );
    let out = door.until(300);
    assert_eq!(out.last(), Some(&Command::Rest), "{out:?}");
}

#[test]
fn hall_hours_end_where_only_keyholders_pass() {
    let mut door = Door::new();
    hall(&mut door, 0, false);
    door.policy.staleness = Some(Span::seconds(50));
    assert_eq!(door.hear(Input::Tick), [energise(60)]);
    let out = door.until(100);
    assert_eq!(out.last(), Some(&Command::Rest), "{out:?}");
}

#[test]
fn a_stranger_who_comes_to_an_open_house_is_not_the_first_member_in() {
    let mut door = Door::new();
    hall(&mut door, 0, true);
    door.policy.open_house_until = Some(NOON + Span::seconds(30));
    let out = door.at(1, Input::Card(uid(7)));
    assert_eq!(out[0], judged(7, Reason::OpenHouse));
    assert!(door.until(20).contains(&Command::Rest));
    door.at(40, Input::Card(uid(1)));
    assert_eq!(door.controller.state(), State::Propped, "a member is");
}

#[test]
fn when_a_fire_is_over_a_door_that_is_held_open_may_stay_so() {
    let mut door = watched(Settings {
        held_open: Some(Span::seconds(10)),
        ..Settings::unlocking(UNLOCK)
    });
    door.policy.hold_open_until = Some(NOON + Span::seconds(3600));
    door.hear(Input::Tick);
    door.at(1, Input::Contact { open: true });
    door.at(2, Input::Fire { on: true });
    door.at(3, Input::Fire { on: false });
    let out = door.until(200);
    assert!(!told(&out).contains(&(Alarm::HeldOpen, true)), "{out:?}");
}

#[test]
fn of_a_door_that_ends_no_alarm_stays() {
    let mut door = Door::new();
    door.hear(Input::LockFault { on: true });
    let over = What::Alarm {
        alarm: Alarm::LockFault,
        on: false,
    };
    assert_eq!(door.controller.end(door.uptime), [over]);
    assert_eq!(door.controller.end(door.uptime), []);
}
