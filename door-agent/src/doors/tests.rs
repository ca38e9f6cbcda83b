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
        inputs_at: None,
    };
    Doors {
        doors: [(front(), wired)].into(),
        missing: BTreeMap::new(),
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

/// Doors whose locks are files of these folders.
fn in_folders(folders: &[(&str, &std::path::Path)]) -> Vec<Door> {
    let door = |(id, folder): &(&str, &std::path::Path)| {
        let folder = folder.display();
        format!(
            "[[door]]\nid = \"{id}\"\n[door.reader]\nkind = \"simulated\"\ninput = \"{folder}/reader-{id}\"\n\
             [door.lock]\nkind = \"simulated\"\noutput = \"{folder}/lock\"\n"
        )
    };
    let text: String = folders.iter().map(door).collect();
    crate::config::Config::parse(&text).expect("valid").doors
}

#[test]
fn a_door_whose_hardware_is_not_there_is_a_fault_keeps_no_other_from_its_service_and_is_looked_for_again()
 {
    let folder = tempfile::tempdir().expect("a folder");
    let later = folder.path().join("later");
    let settings = in_folders(&[("front", &later), ("back", folder.path())]);
    let mut doors = Doors::serve(&settings, at(0)).expect("one is there");
    assert!(folder.path().join("lock").exists());
    assert!(doors.has(&front()) && doors.is_missing(&front()));
    assert!(doors.has_faults());
    assert_eq!(doors.faults(), [fault(true)]);
    assert!(!doors.has_faults());
    assert_eq!(doors.poll_timeout(), Some(Span(30_000)));
    doors.go_on(at(30_000));
    assert_eq!(doors.poll_timeout(), Some(Span(60_000)));
    // What it is told meanwhile is what it does when it is there.
    let until = Span(90_000);
    let told = doors.drive(&front(), Drive::Energise { until }, at(50_000));
    told.expect("it is noted");
    std::fs::create_dir(&later).expect("its own folder");
    doors.go_on(at(59_999));
    assert!(!doors.has_faults());
    doors.go_on(at(60_000));
    assert!(!doors.is_missing(&front()));
    assert_eq!(doors.faults(), [fault(false)]);
    assert_eq!(doors.poll_timeout(), None);
    let told = std::fs::read_to_string(later.join("lock")).expect("there");
    assert!(told.trim_end().ends_with("\"released\"}"), "{told}");
}

#[test]
fn a_missing_door_is_looked_for_at_once_when_somebody_asks_and_no_more_when_it_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let later = folder.path().join("later");
    let settings = in_folders(&[("front", &later), ("back", folder.path())]);
    let mut doors = Doors::serve(&settings, at(0)).expect("one is there");
    doors.remove(&front());
    assert!(!doors.has(&front()) && doors.poll_timeout().is_none());
    assert!(doors.add_what_is_there(&settings[..1], at(5)).is_some());
    std::fs::create_dir(&later).expect("its own folder");
    doors.look_for_missing(at(10));
    assert!(doors.has(&front()) && !doors.is_missing(&front()));
}

#[test]
fn doors_of_which_none_is_there_are_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let later = folder.path().join("later");
    let settings = in_folders(&[("front", &later)]);
    assert!(Doors::serve(&settings, at(0)).is_err());
}
