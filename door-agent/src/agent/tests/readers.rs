//! Readers that go away.

use super::*;
use shared::badge::Alarm;

impl World {
    fn reader_gone(&mut self, on: bool) -> Vec<Output> {
        let door = front();
        self.input(Input::ReaderGone { door, on })
    }
}

/// What the events say of the reader; nothing is acknowledged, so the last batch, which is
/// sent again within ten minutes, has all of them.
fn told(world: &World, out: &[Output]) -> Vec<bool> {
    let batch = batches(&world.identity, out).pop();
    let events = batch.iter().flat_map(read);
    let of_reader = events.filter_map(|event| match event.what {
        What::Alarm {
            alarm: Alarm::ReaderGone,
            on,
        } if event.door == Some(front()) => Some(on),
        What::Card { .. }
        | What::Exit
        | What::Command { .. }
        | What::Local { .. }
        | What::Gap { .. }
        | What::Started
        | What::Rejected { .. }
        | What::Contact { .. }
        | What::Alarm { .. }
        | What::Refusals { .. } => None,
    });
    of_reader.collect()
}

/// Whether the newest status names the alarm.
fn shown(out: &[Output]) -> Option<bool> {
    let status = topic(Channel::Status(front()));
    let mut of_door = out.iter().rev().filter_map(|out| match out {
        Output::Publish { topic, payload, .. } if *topic == status => Some(payload),
        Output::Publish { .. }
        | Output::Drive { .. }
        | Output::Subscribe(_)
        | Output::Unsubscribe(_)
        | Output::Restart => None,
    });
    let newest = of_door.next()?;
    Some(String::from_utf8_lossy(newest).contains("\"alarms\":[\"reader_gone\"]"))
}

#[test]
fn a_reader_that_is_gone_for_ten_seconds_is_an_alarm_until_it_is_back() {
    let mut world = World::new();
    world.connect();
    world.run(Span::seconds(5));
    world.reader_gone(true);
    let mut out = world.run(Span(9_999));
    out.extend(world.reader_gone(false));
    out.extend(world.run(Span::minutes(10)));
    assert!(told(&world, &out).is_empty());

    world.reader_gone(true);
    let mut out = world.run(Span(9_999));
    assert_eq!(shown(&out), None);
    out.extend(world.run(Span(1)));
    assert_eq!(shown(&out), Some(true));
    out.extend(world.reader_gone(true));
    out.extend(world.run(Span::minutes(10)));
    assert_eq!(told(&world, &out), [true]);
    let mut out = world.reader_gone(false);
    assert_eq!(shown(&out), Some(false));
    out.extend(world.run(Span::minutes(10)));
    assert_eq!(told(&world, &out), [true, false]);
}

#[test]
fn a_door_that_the_settings_drop_misses_no_reader() {
    let mut world = World::new();
    world.connect();
    world.reader_gone(true);
    let mut out = world.run(Span::seconds(20));
    // Closed and opened at once, its reader the same: that one is still gone.
    world.agent.close_door(&front(), world.sources);
    let settings = Settings::unlocking(UNLOCK);
    let door = LocalDoor {
        id: front(),
        settings,
    };
    world.agent.open_door(door, world.sources);
    out.extend(world.run(Span::minutes(1)));
    assert_eq!(told(&world, &out), [true]);
    world.agent.close_door(&front(), world.sources);
    let mut out = world.input(Input::Tick);
    out.extend(world.run(Span::minutes(10)));
    assert_eq!(told(&world, &out), [true, false]);
}
