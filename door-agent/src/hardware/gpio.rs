//! GPIO of a Raspberry Pi through rppal; the only file that knows it.

use super::{Hardware, HardwareError};
use crate::config::{Door, Level};
use rppal::gpio::{Gpio, InputPin, OutputPin};
use shared::reasons::Signal;
use shared::time::Timestamp;

/// A door's lines.
pub struct Pins {
    outputs: Outputs<OutputPin>,
    exit: Option<InputPin>,
    contact: Option<InputPin>,
}

/// What a line needs to do; a test has none of a Pi's.
trait Wire {
    fn set(&mut self, high: bool);
}

impl Wire for OutputPin {
    fn set(&mut self, high: bool) {
        if high {
            self.set_high()
        } else {
            self.set_low()
        }
    }
}

/// One output, at rest when it is given up, in whatever way that happens.
struct Line<W: Wire> {
    wire: W,
    active: Level,
}

impl<W: Wire> Line<W> {
    fn set(&mut self, on: bool) {
        self.wire.set(high(self.active, on));
    }
}

impl<W: Wire> Drop for Line<W> {
    fn drop(&mut self) {
        self.set(false);
    }
}

/// Dropped in this order: the lock first.
struct Outputs<W: Wire> {
    lock: Line<W>,
    green: Option<Line<W>>,
    red: Option<Line<W>>,
    buzzer: Option<Line<W>>,
}

impl<W: Wire> Outputs<W> {
    fn show(&mut self, signal: Signal) {
        let (green, red, buzzer) = match signal {
            Signal::Welcome | Signal::WelcomeNotice => (true, false, false),
            Signal::Refused | Signal::SeeStaff => (false, true, true),
            Signal::WrongMoment | Signal::DoorTrouble => (true, true, true),
            Signal::Waiting | Signal::Identify => (true, true, false),
            Signal::Rest => (false, false, false),
        };
        for (line, on) in [
            (&mut self.green, green),
            (&mut self.red, red),
            (&mut self.buzzer, buzzer),
        ] {
            if let Some(line) = line {
                line.set(on);
            }
        }
    }
}

impl Pins {
    /// Takes the lines; each output is at rest in the same step in which it becomes an output.
    pub fn open(door: &Door, lock: u8, active: Level) -> Result<Self, HardwareError> {
        let gpio = Gpio::new()?;
        let lamp = |pin: Option<u8>| pin.map(|pin| output(&gpio, pin, Level::High)).transpose();
        let input = |pin: Option<u8>| {
            pin.map(|pin| Ok::<_, HardwareError>(gpio.get(pin)?.into_input_pullup()))
                .transpose()
        };
        let outputs = Outputs {
            lock: output(&gpio, lock, active)?,
            green: lamp(door.green_pin)?,
            red: lamp(door.red_pin)?,
            buzzer: lamp(door.buzzer_pin)?,
        };
        Ok(Self {
            outputs,
            exit: input(door.exit_pin)?,
            contact: input(door.contact_pin)?,
        })
    }
}

fn output(gpio: &Gpio, pin: u8, active: Level) -> Result<Line<OutputPin>, HardwareError> {
    let pin = gpio.get(pin)?;
    let mut wire = if high(active, false) {
        pin.into_output_high()
    } else {
        pin.into_output_low()
    };
    // Reset on drop would make it an input, whose level is whatever the board pulls it to; it stays an output at rest.
    wire.set_reset_on_drop(false);
    Ok(Line { wire, active })
}

fn high(active: Level, on: bool) -> bool {
    match active {
        Level::High => on,
        Level::Low => !on,
    }
}

impl Hardware for Pins {
    fn energise(&mut self, _: Timestamp) -> Result<(), HardwareError> {
        self.outputs.lock.set(true);
        Ok(())
    }

    fn rest(&mut self, _: Timestamp) -> Result<(), HardwareError> {
        self.outputs.lock.set(false);
        Ok(())
    }

    fn signal(&mut self, signal: Signal, _: Timestamp) -> Result<(), HardwareError> {
        self.outputs.show(signal);
        Ok(())
    }

    fn inputs(&mut self) -> (Option<bool>, Option<bool>) {
        (
            self.exit.as_ref().map(InputPin::is_low),
            self.contact.as_ref().map(InputPin::is_high),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::{Arc, Mutex};

    /// The levels of a board that outlives whoever drives it.
    #[derive(Clone, Default)]
    struct Board(Arc<Mutex<BTreeMap<&'static str, bool>>>);

    struct Trace(Board, &'static str);

    impl Wire for Trace {
        fn set(&mut self, high: bool) {
            self.0
                .0
                .lock()
                .expect("nobody panics with it")
                .insert(self.1, high);
        }
    }

    impl Board {
        fn outputs(&self, active: Level) -> Outputs<Trace> {
            let line = |name, active| Line {
                wire: Trace(self.clone(), name),
                active,
            };
            Outputs {
                lock: line("lock", active),
                green: Some(line("green", Level::High)),
                red: None,
                buzzer: Some(line("buzzer", Level::High)),
            }
        }

        fn level(&self, name: &str) -> Option<bool> {
            self.0
                .lock()
                .expect("nobody panics with it")
                .get(name)
                .copied()
        }
    }

    #[test]
    fn a_lock_line_is_energised_at_its_active_level_and_rests_at_the_other() {
        for (active, energised) in [(Level::High, true), (Level::Low, false)] {
            let board = Board::default();
            let mut outputs = board.outputs(active);
            outputs.lock.set(true);
            assert_eq!(board.level("lock"), Some(energised));
            outputs.lock.set(false);
            assert_eq!(board.level("lock"), Some(!energised));
        }
    }

    #[test]
    fn every_line_rests_when_given_up_by_a_panic_too() {
        for active in [Level::High, Level::Low] {
            let board = Board::default();
            let mut outputs = board.outputs(active);
            let ran = catch_unwind(AssertUnwindSafe(move || {
                outputs.lock.set(true);
                outputs.show(Signal::DoorTrouble);
                panic!("in the middle of a grant");
            }));
            assert!(ran.is_err());
            assert_eq!(board.level("lock"), Some(active == Level::Low));
            assert_eq!(
                (board.level("green"), board.level("buzzer")),
                (Some(false), Some(false))
            );
        }
    }

    #[test]
    fn a_door_without_a_lamp_shows_what_it_can() {
        let board = Board::default();
        let mut outputs = board.outputs(Level::High);
        outputs.show(Signal::Refused);
        assert_eq!(
            (
                board.level("green"),
                board.level("red"),
                board.level("buzzer")
            ),
            (Some(false), None, Some(true))
        );
        outputs.show(Signal::Rest);
        assert_eq!(board.level("buzzer"), Some(false));
    }
}
