use super::lines::{Input, Output};
use super::*;
use crate::config::{Chip, Inputs, SecondRelay};
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

const LOCK: u32 = 17;
const SECOND: u32 = 27;
const GREEN: u32 = 22;
const RED: u32 = 23;
const BUZZER: u32 = 24;

/// The levels of a board that outlives whoever drives it, in the order in which they were driven.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<Driven>>);

#[derive(Default)]
struct Driven {
    levels: BTreeMap<u32, Vec<bool>>,
    /// A line that is broken.
    broken: Option<u32>,
}

struct Trace(Board, u32);

impl Board {
    fn with<T>(&self, does: impl FnOnce(&mut Driven) -> T) -> T {
        does(&mut self.0.lock().expect("nobody panics with it"))
    }

    fn drive(&self, line: u32, high: bool) -> io::Result<()> {
        self.with(|driven| {
            if driven.broken == Some(line) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            driven.levels.entry(line).or_default().push(high);
            Ok(())
        })
    }

    fn levels(&self, line: u32) -> Vec<bool> {
        self.with(|driven| driven.levels.get(&line).cloned().unwrap_or_default())
    }

    fn level(&self, line: u32) -> Option<bool> {
        self.levels(line).last().copied()
    }
}

impl Lines for Board {
    fn output(&self, line: u32, high: bool) -> io::Result<Box<dyn Output>> {
        self.drive(line, high)?;
        Ok(Box::new(Trace(self.clone(), line)))
    }

    fn input(&self, _: u32) -> io::Result<Box<dyn Input>> {
        unreachable!("outputs need no inputs")
    }
}

impl Output for Trace {
    fn set(&mut self, high: bool) -> io::Result<()> {
        self.0.drive(self.1, high)
    }
}

fn pins(active: Level, follows: Follows) -> Pins {
    let relay = Relay {
        pin: SECOND,
        active,
    };
    Pins {
        chip: Chip::Header,
        lock: Relay { pin: LOCK, active },
        relay: Some(SecondRelay { relay, follows }),
        green: Some(GREEN),
        red: Some(RED),
        buzzer: Some(BUZZER),
        inputs: Inputs::default(),
    }
}

fn outputs(board: &Board, active: Level, follows: Follows) -> Outputs {
    Outputs::on(board, &pins(active, follows)).expect("the lines are there")
}

fn at(uptime: i64) -> Sources {
    Sources {
        wall: Timestamp(0),
        uptime: Span(uptime),
        synchronised: false,
    }
}

#[test]
fn a_lock_line_begins_at_rest_is_energised_at_its_active_level_and_rests_at_the_other() {
    for (active, energised) in [(Level::High, true), (Level::Low, false)] {
        let board = Board::default();
        let mut outputs = outputs(&board, active, Follows::Lock);
        outputs.energise(at(0)).expect("it is driven");
        outputs.rest(at(0)).expect("it is driven");
        for line in [LOCK, SECOND] {
            assert_eq!(board.levels(line), [!energised, energised, !energised]);
        }
    }
}

#[test]
fn a_relay_that_follows_the_siren_does_not_follow_the_lock() {
    let board = Board::default();
    let mut outputs = outputs(&board, Level::Low, Follows::Siren);
    outputs.energise(at(0)).expect("it is driven");
    outputs.siren(true, at(0)).expect("it is driven");
    outputs.rest(at(0)).expect("it is driven");
    assert_eq!(board.levels(SECOND), [true, false]);
    outputs.siren(false, at(0)).expect("it is driven");
    assert_eq!(board.levels(SECOND), [true, false, true]);
    assert_eq!(board.levels(LOCK), [true, false, true]);
}

#[test]
fn every_line_rests_when_given_up_by_a_panic_too() {
    for active in [Level::High, Level::Low] {
        let board = Board::default();
        let mut outputs = outputs(&board, active, Follows::Siren);
        let ran = catch_unwind(AssertUnwindSafe(move || {
            outputs.energise(at(0)).expect("it is driven");
            outputs.siren(true, at(0)).expect("it is driven");
            outputs
                .signal(Signal::Waiting, at(0))
                .expect("it is driven");
            panic!("in the middle of a grant");
        }));
        assert!(ran.is_err());
        for line in [LOCK, SECOND] {
            assert_eq!(board.level(line), Some(active == Level::Low));
        }
        for line in [GREEN, RED, BUZZER] {
            assert_eq!(board.levels(line), [false, true, false], "{line}");
        }
    }
}

#[test]
fn a_door_without_a_lamp_shows_what_it_can() {
    let board = Board::default();
    let pins = Pins {
        red: None,
        ..pins(Level::High, Follows::Lock)
    };
    let mut outputs = Outputs::on(&board, &pins).expect("the lines are there");
    outputs
        .signal(Signal::Refused, at(0))
        .expect("it is driven");
    let shown = [GREEN, RED, BUZZER].map(|line| board.level(line));
    assert_eq!(shown, [Some(false), None, Some(true)]);
    outputs.signal(Signal::Rest, at(0)).expect("it is driven");
    assert_eq!(board.level(BUZZER), Some(false));
}

#[test]
fn a_signal_is_played_by_its_deadlines_each_change_driven_once() {
    let board = Board::default();
    let mut outputs = outputs(&board, Level::High, Follows::Lock);
    outputs
        .signal(Signal::Refused, at(1_000))
        .expect("it is driven");
    let mut due = outputs.play(Span(1_000));
    while let Some(uptime) = due {
        // Late, as a busy machine is, and asked more often than needed.
        outputs.play(Span(uptime.0 + 3));
        due = outputs.play(Span(uptime.0 + 4));
    }
    assert_eq!(
        board.levels(RED),
        [false, true, false, true, false, true, false]
    );
    assert_eq!(board.levels(BUZZER), [false, true, false]);
    assert_eq!(board.levels(GREEN), [false]);
}

#[test]
fn a_lamp_that_is_broken_is_no_obstacle_to_the_lock() {
    let board = Board::default();
    let mut outputs = outputs(&board, Level::High, Follows::Lock);
    board.with(|driven| driven.broken = Some(GREEN));
    assert!(outputs.signal(Signal::Welcome, at(0)).is_err());
    outputs.play(Span(50));
    outputs.energise(at(60)).expect("the lock is not broken");
    assert_eq!(board.level(LOCK), Some(true));
    board.with(|driven| driven.broken = Some(LOCK));
    assert!(outputs.rest(at(70)).is_err());
}

#[test]
fn of_two_relays_each_rests_whatever_is_wrong_with_the_other() {
    for (broken, other) in [(LOCK, SECOND), (SECOND, LOCK)] {
        let board = Board::default();
        let mut outputs = outputs(&board, Level::High, Follows::Lock);
        outputs.energise(at(0)).expect("they are driven");
        board.with(|driven| driven.broken = Some(broken));
        assert!(outputs.rest(at(10)).is_err());
        assert_eq!(board.level(other), Some(false), "{other}");
    }
}

#[test]
fn a_siren_whose_relay_is_broken_is_heard_at_the_buzzer() {
    let board = Board::default();
    let mut outputs = outputs(&board, Level::High, Follows::Siren);
    board.with(|driven| driven.broken = Some(SECOND));
    assert!(outputs.siren(true, at(0)).is_err());
    assert_eq!(board.level(BUZZER), Some(true));
}
