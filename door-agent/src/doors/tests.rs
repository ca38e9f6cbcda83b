use super::*;
use shared::reasons::Signal;
use shared::time::Timestamp;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Hardware that says what it was told, and refuses while it is broken.
#[derive(Clone, Default)]
struct Relay(Arc<Mutex<(bool, Vec<&'static str>)>>);

impl Relay {
    fn told(&self, word: &'static str) -> Result<(), HardwareError> {
        let mut relay = self.0.lock().expect("nobody panics with it");
        if relay.0 {
            return Err(HardwareError::Output {
                path: PathBuf::from("/relay"),
                source: io::ErrorKind::BrokenPipe.into(),
            });
        }
        relay.1.push(word);
        Ok(())
    }

    fn breaks(&self, broken: bool) {
        self.0.lock().expect("nobody panics with it").0 = broken;
    }

    fn words(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it").1)
    }
}

impl Hardware for Relay {
    fn energise(&mut self, _: Sources) -> Result<(), HardwareError> {
        self.told("energise")
    }

    fn rest(&mut self, _: Sources) -> Result<(), HardwareError> {
        self.told("rest")
    }

    fn signal(&mut self, _: Signal, _: Sources) -> Result<(), HardwareError> {
        self.told("signal")
    }

    fn siren(&mut self, _: bool, _: Sources) -> Result<(), HardwareError> {
        self.told("siren")
    }

    fn play(&mut self, uptime: Span) -> Option<Span> {
        (uptime < Span(500)).then_some(Span(500))
    }
}

fn front() -> DoorId {
    DoorId::new("front").expect("a name")
}

fn at(uptime: i64) -> Sources {
    Sources {
        wall: Timestamp(0),
        uptime: Span(uptime),
        synchronised: false,
    }
}

fn doors(relay: &Relay) -> Doors {
    let wired = Wired {
        hardware: Box::new(relay.clone()),
        sensors: Sensors::none(front()),
        lock: Lock::default(),
        siren: Siren::default(),
        plays_at: None,
    };
    Doors {
        doors: [(front(), wired)].into(),
    }
}

fn fault(on: bool) -> Input {
    Input::LockFault { door: front(), on }
}

#[test]
fn a_lock_that_does_not_rest_is_told_again_every_second_until_it_does_and_the_agent_hears_of_both()
{
    let relay = Relay::default();
    let mut doors = doors(&relay);
    let until = Span(5_000);
    doors
        .drive(&front(), Drive::Energise { until }, at(0))
        .expect("it works");
    assert!(!doors.has_faults());
    relay.breaks(true);
    assert!(doors.drive(&front(), Drive::Rest, at(5_000)).is_err());
    assert!(doors.has_faults());
    assert_eq!(doors.faults(), [fault(true)]);
    assert!(!doors.has_faults() && doors.faults().is_empty());
    assert_eq!(doors.poll_timeout(), Some(Span(6_000)));
    doors.go_on(at(5_999));
    doors.go_on(at(6_000));
    assert!(!doors.has_faults());
    assert_eq!(doors.poll_timeout(), Some(Span(7_000)));
    relay.breaks(false);
    relay.words();
    doors.go_on(at(6_999));
    assert_eq!(relay.words(), [""; 0]);
    doors.go_on(at(7_000));
    assert_eq!(relay.words(), ["rest"]);
    assert_eq!(doors.faults(), [fault(false)]);
    assert_eq!(doors.poll_timeout(), None);
}

#[test]
fn a_lock_that_works_again_at_the_next_command_is_told_to_the_agent() {
    let relay = Relay::default();
    let mut doors = doors(&relay);
    let drive = Drive::Energise { until: Span(5_000) };
    relay.breaks(true);
    assert!(doors.drive(&front(), drive, at(0)).is_err());
    assert_eq!(doors.faults(), [fault(true)]);
    relay.breaks(false);
    doors
        .drive(&front(), Drive::Rest, at(300))
        .expect("it works");
    assert_eq!(doors.faults(), [fault(false)]);
    doors.go_on(at(5_000));
    assert_eq!(relay.words(), ["rest"]);
}

#[test]
fn a_lamp_that_fails_is_no_fault_of_the_lock_and_a_signal_goes_on_by_its_deadline() {
    let relay = Relay::default();
    let mut doors = doors(&relay);
    relay.breaks(true);
    let signal = Drive::Signal(Signal::Refused);
    assert!(doors.drive(&front(), signal, at(0)).is_err());
    assert!(!doors.has_faults());
    assert_eq!(doors.poll_timeout(), Some(Span(500)));
    doors.go_on(at(500));
    assert_eq!(doors.poll_timeout(), None);
}

#[test]
fn a_siren_that_does_not_go_off_is_told_again_every_second_and_is_no_fault_of_the_lock() {
    let relay = Relay::default();
    let mut doors = doors(&relay);
    doors
        .drive(&front(), Drive::Siren(true), at(0))
        .expect("it works");
    doors.go_on(at(500));
    relay.breaks(true);
    assert!(
        doors
            .drive(&front(), Drive::Siren(false), at(5_000))
            .is_err()
    );
    assert!(!doors.has_faults());
    assert_eq!(doors.poll_timeout(), Some(Span(6_000)));
    doors.go_on(at(6_000));
    relay.breaks(false);
    relay.words();
    doors.go_on(at(6_999));
    assert_eq!(relay.words(), [""; 0]);
    doors.go_on(at(7_000));
    assert_eq!(relay.words(), ["siren"]);
    assert_eq!(doors.poll_timeout(), None);
}
