use super::*;
use crate::config::{Level, Relay};
use crate::hardware::gpio::lines::Output;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

const EXIT: u32 = 5;
const CONTACT: u32 = 6;
const TAMPER: u32 = 12;
const FIRE: u32 = 13;

/// Contacts that somebody closes and opens; a line that is not there is a cut wire, pulled up.
#[derive(Clone, Default)]
struct Contacts(Arc<Mutex<BTreeMap<u32, io::Result<bool>>>>);

impl Contacts {
    fn set(&self, line: u32, high: io::Result<bool>) {
        let mut lines = self.0.lock().expect("nobody panics with it");
        lines.insert(line, high);
    }

    fn close(&self, line: u32) {
        self.set(line, Ok(false));
    }

    fn open(&self, line: u32) {
        self.set(line, Ok(true));
    }
}

impl Lines for Contacts {
    fn output(&self, _: u32, _: bool) -> io::Result<Box<dyn Output>> {
        unreachable!("inputs need no outputs")
    }

    fn input(&self, line: u32) -> io::Result<Box<dyn Wire>> {
        Ok(Box::new((self.clone(), line)))
    }
}

impl Wire for (Contacts, u32) {
    fn is_high(&mut self) -> io::Result<bool> {
        let lines = self.0.0.lock().expect("nobody panics with it");
        match lines.get(&self.1) {
            None => Ok(true),
            Some(Ok(high)) => Ok(*high),
            Some(Err(error)) => Err(error.kind().into()),
        }
    }
}

fn door() -> DoorId {
    DoorId::new("front").expect("a name")
}

fn pins() -> Pins {
    Pins {
        chip: Chip::Header,
        lock: Relay {
            pin: 17,
            active: Level::High,
        },
        relay: None,
        green: None,
        red: None,
        buzzer: None,
        inputs: Inputs {
            exit: Some(EXIT),
            contact: Some(CONTACT),
            tamper: Some(TAMPER),
            fire: Some(FIRE),
        },
    }
}

fn sensors(contacts: &Contacts) -> Sensors {
    Sensors::on(contacts, door(), &pins()).expect("the lines are there")
}

/// All lines but the one of the door contact.
struct WithoutContact(Contacts);

impl Lines for WithoutContact {
    fn output(&self, line: u32, high: bool) -> io::Result<Box<dyn Output>> {
        self.0.output(line, high)
    }

    fn input(&self, line: u32) -> io::Result<Box<dyn Wire>> {
        if line == CONTACT {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        self.0.input(line)
    }
}

/// What is told by so many looks.
fn looks(sensors: &mut Sensors, times: u32) -> Vec<Input> {
    (0..times).flat_map(|_| sensors.look()).collect()
}

fn says(kind: Kind, on: bool) -> Input {
    kind.input(door(), on)
}

#[test]
fn each_input_is_told_at_the_second_look_once_and_when_it_changes() {
    let contacts = Contacts::default();
    for line in [CONTACT, TAMPER, FIRE] {
        contacts.close(line);
    }
    let mut sensors = sensors(&contacts);
    assert_eq!(looks(&mut sensors, 1), []);
    let all = [Kind::Exit, Kind::Contact, Kind::Tamper, Kind::Fire];
    assert_eq!(looks(&mut sensors, 1), all.map(|kind| says(kind, false)));
    assert_eq!(looks(&mut sensors, 100), []);
    contacts.close(EXIT);
    for line in [CONTACT, TAMPER, FIRE] {
        contacts.open(line);
    }
    assert_eq!(looks(&mut sensors, 100), all.map(|kind| says(kind, true)));
}

#[test]
fn a_wire_that_is_cut_or_cannot_be_read_is_an_open_door_tampering_and_fire_and_no_button() {
    let fails = Contacts::default();
    for line in [EXIT, CONTACT, TAMPER, FIRE] {
        fails.set(line, Err(io::ErrorKind::NotFound.into()));
    }
    for contacts in [Contacts::default(), fails] {
        let told = looks(&mut sensors(&contacts), 2);
        let wanted = [
            says(Kind::Exit, false),
            says(Kind::Contact, true),
            says(Kind::Tamper, true),
            says(Kind::Fire, true),
        ];
        assert_eq!(told, wanted);
    }
}

#[test]
fn a_contact_that_bounces_is_told_once() {
    let contacts = Contacts::default();
    let mut sensors = sensors(&contacts);
    looks(&mut sensors, 2);
    for closed in [true, false, true, false, true, true, true, true, true, true] {
        if closed {
            contacts.close(EXIT);
        } else {
            contacts.open(EXIT);
        }
        let told = looks(&mut sensors, 1);
        assert!(told.is_empty() || closed, "{told:?}");
    }
    // Told within the looks above, or in the few that follow.
    let mut told = looks(&mut sensors, 10);
    told.extend(looks(&mut sensors, 100));
    assert!(told.len() <= 1, "{told:?}");
    assert_eq!(sensors.sensors[0].steady.counts, Some(true));
}

/// Noise is faster than looks: each sees what it happens to see.
#[test]
fn a_noisy_line_tells_next_to_nothing_and_counts_within_400_ms_when_it_is_quiet() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed & 1 == 1
    };
    let second = u32::try_from(1_000 / LOOK.as_millis()).expect("50");
    let mut steady = Steady::default();
    let told = (0..60 * 60 * second)
        .filter(|_| steady.look(noise()).is_some())
        .count();
    // In an hour, of 180 000 looks.
    assert!(told <= 10, "{told}");
    for to in [true, false, true] {
        for _ in 0..10 * second {
            steady.look(noise());
        }
        steady.counts = Some(!to);
        let until = (1..)
            .find(|_| steady.look(to).is_some())
            .expect("it counts");
        assert!(until * LOOK.as_millis() < 400, "{until}");
    }
}

#[test]
fn a_line_that_toggles_with_the_looks_tells_nothing() {
    let mut steady = Steady::default();
    let told = (0..10_000)
        .filter(|look| steady.look(look % 2 == 0).is_some())
        .count();
    assert_eq!(told, 0);
}

#[test]
fn an_input_that_cannot_be_had_counts_as_cut_until_it_can_and_the_others_are_heard() {
    let contacts = Contacts::default();
    for line in [CONTACT, TAMPER, FIRE] {
        contacts.close(line);
    }
    let mut sensors = Sensors::missing(door(), &pins());
    assert!(!sensors.take_missing(&WithoutContact(contacts.clone())));
    let others = [Kind::Exit, Kind::Contact, Kind::Tamper, Kind::Fire];
    let wanted = others.map(|kind| says(kind, kind == Kind::Contact));
    assert_eq!(looks(&mut sensors, 2), wanted);
    assert!(sensors.take_missing(&contacts));
    assert_eq!(looks(&mut sensors, 10), [says(Kind::Contact, false)]);
}
