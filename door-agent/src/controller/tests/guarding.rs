//! Somebody who guesses, types, or hands cards on.

use super::*;
use crate::readers::{Digit, Key};
use proptest::prelude::*;

fn unknown(number: u16) -> Input {
    let [high, low] = number.to_be_bytes();
    Input::Card(CardUid::from_bytes(&[0xee, 1, high, low]).expect("a card"))
}

fn alarm(alarm: Alarm, on: bool) -> Command {
    Command::Event(What::Alarm { alarm, on })
}

fn reasons(out: &[Command]) -> Vec<Reason> {
    let reason = |command: &Command| {
        let Command::Event(What::Card { reason, .. }) = command else {
            return None;
        };
        Some(*reason)
    };
    out.iter().filter_map(reason).collect()
}

impl Door {
    /// A door whose zone asks for a PIN, and whose card 1 has one.
    fn asking() -> Self {
        let mut door = Self::new();
        let pin = Pin::typed("4711").expect("digits");
        let mut entries: Vec<Entry> = door.list.entries().collect();
        for entry in &mut entries {
            let own = CardToken::of(&uid(1), &KEY);
            entry.pin = (entry.token == own).then(|| PinVerifier::of(&pin, own, &KEY));
        }
        door.list = AllowList::build(revision(), entries);
        door.policy.pin_schedule = Some(0);
        door
    }

    fn types(&mut self, keys: &str) -> Vec<Command> {
        let key = |key: char| match key {
            '#' => Key::Enter,
            '*' => Key::Clear,
            digit => {
                let value = digit
                    .to_digit(10)
                    .and_then(|digit| u8::try_from(digit).ok());
                Key::Digit(value.and_then(Digit::new).expect("a digit"))
            }
        };
        keys.chars()
            .flat_map(|typed| self.hear(Input::Key(key(typed))))
            .collect()
    }
}

#[test]
fn the_sixth_unknown_card_in_a_minute_slows_the_reader_and_a_member_still_gets_in_within_a_second()
{
    let mut door = Door::new();
    for number in 0..5 {
        let out = door.at(i64::from(number), unknown(number));
        assert_eq!(reasons(&out), [Reason::Unknown]);
        assert!(!out.contains(&alarm(Alarm::Guessing, true)));
    }
    let out = door.at(5, unknown(5));
    assert!(out.contains(&alarm(Alarm::Guessing, true)), "{out:?}");
    assert_eq!(door.at(5, unknown(6)), [], "it waits");
    assert_eq!(door.hear(Input::Card(uid(1))), [], "the newest waits");
    let out = door.until(6);
    assert_eq!(reasons(&out), [Reason::Granted]);
    assert!(out.contains(&energise(11)));
    let out = door.until(5 + 300);
    assert_eq!(
        out.last(),
        Some(&alarm(Alarm::Guessing, false)),
        "five minutes later it is over"
    );
    let both = [uid(1), uid(9)].map(|uid| reasons(&door.hear(Input::Card(uid))));
    assert_eq!(
        both,
        [[Reason::Granted], [Reason::Granted]],
        "at full speed"
    );
}

#[test]
fn of_a_thousand_cards_a_minute_one_a_second_is_judged() {
    let mut door = Door::new();
    let mut judged = 0;
    for number in 0..1000 {
        let until = Span(i64::from(number) * 60);
        while let Some(due) = door.controller.poll_timeout().filter(|due| *due <= until) {
            door.uptime = due;
            judged += reasons(&door.hear(Input::Tick)).len();
        }
        door.uptime = until;
        judged += reasons(&door.hear(unknown(number))).len();
    }
    assert!((60..=66).contains(&judged), "{judged}");
}

#[test]
fn whoever_guesses_in_a_lockdown_is_slowed_down_too() {
    let mut door = Door::new();
    door.policy.lockdown = true;
    let mut judged = 0;
    for number in 0..200 {
        let out = door.at(0, unknown(number));
        judged += reasons(&out).len();
    }
    assert_eq!(judged, 6);
    let alarms = door.controller.alarms();
    assert!(alarms.contains(&Alarm::Guessing), "{alarms:?}");
}

#[test]
fn a_card_that_gave_way_to_another_comes_anew_while_it_rests() {
    let mut door = Door::new();
    for number in 0..6 {
        door.at(0, unknown(number));
    }
    assert_eq!(door.hear(Input::Card(uid(1))), [], "it waits");
    assert_eq!(door.hear(unknown(7)), [], "the newest waits");
    assert_eq!(
        door.hear(Input::Card(uid(1))),
        [],
        "and is the newest again"
    );
    assert_eq!(reasons(&door.until(1)), [Reason::Granted]);
}

#[test]
fn five_unknown_cards_in_a_minute_are_a_group_of_visitors() {
    let mut door = Door::new();
    for number in 0..20 {
        let out = door.at(i64::from(number) * 13, unknown(number));
        assert_eq!(reasons(&out), [Reason::Unknown]);
        assert!(!out.contains(&alarm(Alarm::Guessing, true)), "{number}");
    }
}

#[test]
fn one_unknown_card_again_and_again_is_one_event_and_a_number() {
    let mut door = Door::new();
    assert_eq!(reasons(&door.at(0, unknown(7))), [Reason::Unknown]);
    let mut out = Vec::new();
    for seconds in (2..50).step_by(2) {
        out.extend(door.until(seconds));
        let again = door.hear(unknown(7));
        assert!(
            again.contains(&Command::Signal(Signal::Refused)),
            "it is told no each time"
        );
        out.extend(again);
    }
    assert_eq!(reasons(&out), []);
    let [
        Command::Event(What::Refusals {
            count, first, last, ..
        }),
    ] = &door
        .until(60)
        .into_iter()
        .filter(|command| matches!(command, Command::Event(_)))
        .collect::<Vec<_>>()[..]
    else {
        panic!("one event tells of the others");
    };
    assert_eq!(
        (*count, *first, *last),
        (24, NOON + Span::seconds(2), NOON + Span::seconds(48))
    );
    assert_eq!(door.until(600), [], "and no more");
    door.until(700);
    assert_eq!(
        reasons(&door.hear(unknown(7))),
        [Reason::Unknown],
        "told anew"
    );
}

#[test]
fn what_was_only_counted_is_told_when_the_door_ends() {
    let mut door = Door::new();
    door.at(0, unknown(7));
    door.at(2, unknown(7));
    let told = door.controller.end(Span::seconds(3));
    assert!(matches!(told[..], [What::Refusals { count: 1, .. }]));
    assert_eq!(door.controller.end(Span::seconds(3)), []);
}

#[test]
fn card_and_pin_open_and_neither_alone_does() {
    let mut door = Door::asking();
    assert_eq!(
        door.hear(Input::Card(uid(1))),
        [Command::Signal(Signal::Waiting)]
    );
    let out = door.types("4711#");
    assert_eq!(reasons(&out), [Reason::Granted]);
    assert!(out.contains(&energise(5)));
    assert_eq!(door.types("4711#"), [], "keys alone do nothing");
    let out = door.at(30, Input::Card(uid(9)));
    assert_eq!(reasons(&out), [Reason::NoPin], "who has none is told so");
    door.at(60, Input::Card(uid(1)));
    let out = door.until(71);
    assert_eq!(reasons(&out), [Reason::PinNeeded], "nobody typed");
    assert!(out.contains(&Command::Signal(Signal::Refused)));
    assert!(
        !out.iter()
            .any(|command| matches!(command, Command::Energise { .. }))
    );
}

#[test]
fn a_keypad_without_an_enter_key_is_waited_for_and_clear_begins_again() {
    let mut door = Door::asking();
    door.hear(Input::Card(uid(1)));
    door.types("99*4711");
    assert_eq!(reasons(&door.until(4)), [], "a digit may follow");
    assert_eq!(reasons(&door.until(5)), [Reason::Granted]);
}

#[test]
fn three_wrong_pins_lock_this_card_for_ten_minutes_and_no_other() {
    let mut door = Door::asking();
    let tries = [Reason::WrongPin, Reason::WrongPin, Reason::PinLocked];
    for (seconds, reason) in [(0, tries[0]), (10, tries[1]), (20, tries[2])] {
        door.at(seconds, Input::Card(uid(1)));
        assert_eq!(reasons(&door.types("4712#")), [reason]);
    }
    assert_eq!(
        reasons(&door.at(30, Input::Card(uid(1)))),
        [Reason::PinLocked]
    );
    assert_eq!(door.types("4711#"), []);
    door.until(619);
    assert_eq!(
        reasons(&door.hear(Input::Card(uid(1)))),
        [Reason::PinLocked]
    );
    door.until(625);
    assert_eq!(reasons(&door.hear(Input::Card(uid(1)))), []);
    assert_eq!(reasons(&door.types("4711#")), [Reason::Granted]);
}

#[test]
fn too_few_digits_are_no_guess_and_too_many_are_no_pin() {
    let mut door = Door::asking();
    for round in 0..5 {
        door.at(round * 20, Input::Card(uid(1)));
        assert_eq!(reasons(&door.types("471#")), [Reason::PinNeeded]);
    }
    door.at(200, Input::Card(uid(1)));
    assert_eq!(reasons(&door.types("471100000#")), [Reason::PinNeeded]);
}

#[test]
fn another_card_ends_what_was_typed() {
    let mut door = Door::asking();
    door.hear(Input::Card(uid(1)));
    door.types("47");
    // The first card is told of, too.
    assert_eq!(
        reasons(&door.hear(Input::Card(uid(9)))),
        [Reason::PinNeeded, Reason::NoPin]
    );
    assert_eq!(door.types("11#"), []);
}

#[test]
fn every_key_ticks_alike() {
    let mut door = Door::asking();
    door.hear(Input::Card(uid(1)));
    let ticks: Vec<_> = ["1", "0", "9", "*"].map(|key| door.types(key)).into();
    assert!(
        ticks
            .iter()
            .all(|tick| *tick == [Command::Signal(Signal::Key)])
    );
}

#[test]
fn a_card_that_passes_again_at_once_is_marked_and_passes() {
    let mut door = Door::new();
    for (seconds, within, reason) in [
        (0, None, Reason::Granted),
        (5, None, Reason::Granted),
        (10, Some(60), Reason::Granted),
        (20, Some(60), Reason::GrantedAgain),
        (79, Some(60), Reason::GrantedAgain),
        (139, Some(60), Reason::Granted),
    ] {
        door.again_within = within.map(Span::seconds);
        let out = door.at(seconds, Input::Card(uid(1)));
        assert_eq!(reasons(&out), [reason], "at {seconds}");
        assert!(out.contains(&energise(seconds + 5)));
    }
    assert_eq!(
        reasons(&door.at(140, Input::Card(uid(9)))),
        [Reason::Granted]
    );
}

proptest! {
    /// Whatever is typed and shown, the lock is released only after the right PIN behind a listed card.
    #[test]
    fn no_keys_and_cards_open_without_the_right_pin(
        steps in proptest::collection::vec((0_u8..14, 0_i64..4000), 0..80)
    ) {
        let mut door = Door::asking();
        let mut typed: Option<String> = None;
        for (step, wait) in steps {
            let until = door.uptime + Span(wait);
            while let Some(due) = door.controller.poll_timeout().filter(|due| *due <= until) {
                door.uptime = due;
                let out = door.hear(Input::Tick);
                let opened = out.iter().any(|command| matches!(command, Command::Energise { .. }));
                prop_assert!(!opened || typed.as_deref() == Some("4711"), "{typed:?}");
            }
            door.uptime = until;
            let (input, key) = match step {
                0..=9 => (Input::Key(Key::Digit(Digit::new(step).expect("a digit"))), Some(step)),
                10 => (Input::Key(Key::Enter), None),
                11 => (Input::Key(Key::Clear), None),
                12 => (Input::Card(uid(1)), None),
                _ => (unknown(1), None),
            };
            let before = typed.clone();
            match (&input, key) {
                (Input::Card(card), _) if *card == uid(1) => typed = Some(String::new()),
                (Input::Key(Key::Clear), _) => typed = typed.map(|_| String::new()),
                (Input::Key(Key::Digit(digit)), _) => {
                    typed = typed.map(|all| all + &digit.value().to_string());
                }
                _ => {}
            }
            let out = door.hear(input);
            let opened = out.iter().any(|command| matches!(command, Command::Energise { .. }));
            prop_assert!(!opened || before.as_deref() == Some("4711"), "{before:?}");
        }
    }
}
