//! Doors that the server gives to the agent, and those it does not.

use super::*;
use crate::keeper::{Keeper, Shelf};

#[test]
fn of_a_door_that_is_not_its_own_the_agent_says_nothing() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.boots += 1;
    let mut start = started(&world.identity, &world.paired, world.boots);
    let back = DoorId::new("back").expect("a name");
    let settings = Settings::unlocking(UNLOCK);
    start.doors.push(LocalDoor {
        id: back.clone(),
        settings,
    });
    let disk = || Box::new(world.disk.clone());
    let keeper = Keeper::open(disk(), disk(), &world.identity);
    let on_shelf = |keeper| Ok(Box::new(keeper) as Box<dyn Shelf>);
    world.agent = Agent::start_on(keeper, on_shelf, disk(), start, world.sources).expect("starts");
    let will = world.agent.last_will().map(|(topic, _)| topic);
    assert_eq!(will, Some(topic(Channel::Status(front()))));
    let speaks = |out: &[Output], door: DoorId| {
        let status = topic(Channel::Status(door));
        let said = |out: &&Output| matches!(out, Output::Publish { topic, .. } if *topic == status);
        out.iter().any(|out| said(&out))
    };
    let out = world.connect();
    assert!(speaks(&out, front()) && !speaks(&out, back.clone()));
    assert!(world.opens(1));

    let mut config = world.paired.pairing.config.clone();
    config.revision = revision(2);
    let given = DoorConfig {
        door: back.clone(),
        zone: wood(),
        enrols: false,
        again_within: None,
    };
    config.doors.push(given);
    let out = world.send(Channel::Config(pi()), Kind::Config, &config);
    assert!(speaks(&out, back));
}

#[test]
fn a_door_that_the_settings_drop_is_gone_for_the_world_and_comes_back_at_rest_with_its_zone() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.connect();
    assert!(world.opens(1));
    let says = |out: &[Output], word: &str| {
        let status = topic(Channel::Status(front()));
        out.iter().any(|out| {
            matches!(out, Output::Publish { topic, payload, .. }
                if *topic == status && String::from_utf8_lossy(payload).contains(word))
        })
    };
    let fault = Input::LockFault {
        door: front(),
        on: true,
    };
    world.input(fault);
    world.agent.close_door(&front(), world.sources);
    let out = world.outputs();
    let over = What::Alarm {
        alarm: Alarm::LockFault,
        on: false,
    };
    let sent = world.run(Span::minutes(2));
    let sent = batches(&world.identity, &sent);
    let mut events = sent.iter().flat_map(read);
    assert!(
        events.any(|event| event.what == over),
        "nobody else will say so"
    );
    assert!(says(&out, "\"online\":false"), "{out:?}");
    let drives = |out: &Output| matches!(out, Output::Drive { .. });
    assert!(!world.tap(1).iter().any(drives));

    let door = LocalDoor {
        id: front(),
        settings: Settings::unlocking(UNLOCK),
    };
    world.agent.open_door(door, world.sources);
    let out = world.outputs();
    assert!(says(&out, "\"online\":true"), "{out:?}");
    assert!(!out.iter().any(drives), "{out:?}");
    assert!(world.opens(1));
}
