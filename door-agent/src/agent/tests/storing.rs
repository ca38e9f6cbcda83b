//! A disk that takes its time.

use super::*;
use crate::keeper::{Finished, Job, Keeper, Shelf};
use std::sync::{Arc, Mutex, MutexGuard};

/// A shelf that does nothing until it is told to.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Inside>>);

type Inside = (Option<Keeper>, VecDeque<Job>, VecDeque<Finished>);

impl Slow {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().expect("no test panics while it holds this")
    }

    fn work(&self) {
        let (keeper, jobs, finished) = &mut *self.lock();
        let keeper = keeper.as_mut().expect("the agent was started");
        for job in jobs.drain(..) {
            keeper.submit(job);
            finished.extend(std::iter::from_fn(|| keeper.finished()));
        }
    }
}

impl Shelf for Slow {
    fn submit(&mut self, job: Job) {
        self.lock().1.push_back(job);
    }

    fn finished(&mut self) -> Option<Finished> {
        self.lock().2.pop_front()
    }
}

/// A world whose agent was restarted on a slow shelf, connected and level.
fn slow_world(entries: &[Entry]) -> (World, Slow) {
    let mut world = World::with_list(entries);
    let slow = Slow::default();
    let shelf = slow.clone();
    let keeper = Keeper::open(
        Box::new(world.disk.clone()),
        Box::new(world.disk.clone()),
        &world.identity,
    );
    let on_shelf = |keeper| {
        slow.lock().0 = Some(keeper);
        Ok(Box::new(shelf) as Box<dyn Shelf>)
    };
    world.boots += 1;
    let start = started(&world.identity, &world.paired, world.boots);
    let badges = Box::new(world.disk.clone());
    world.agent =
        Agent::start_on(keeper, on_shelf, badges, start, world.sources).expect("it starts");
    world.connect();
    world.send_head();
    (world, slow)
}

fn number(world: &World) -> u64 {
    world.held().expect("a list").revision.number
}

#[test]
fn a_change_is_used_when_it_is_stored_and_the_changes_behind_it_follow() {
    let (mut world, slow) = slow_world(&[]);
    for last in 1..4 {
        let entries: Vec<Entry> = (1..=last).map(|card| entry(card, None)).collect();
        let delta = world.change_list(&entries);
        world.send_delta(&delta);
    }
    world.send_head();
    assert_eq!(number(&world), 1);
    slow.work();
    world.input(Input::Tick);
    assert_eq!(number(&world), 2);
    for _ in 0..2 {
        slow.work();
        world.input(Input::Tick);
    }
    assert_eq!(number(&world), 4);
    assert_eq!(world.contact(), world.sources.wall);
    let out = world.run(Span::seconds(5));
    assert!(requests(&world.identity, &out).is_empty());
}

#[test]
fn a_card_does_not_wait_for_the_disk() {
    let (mut world, _slow) = slow_world(&[entry(1, None)]);
    let delta = world.change_list(&[]);
    world.send_delta(&delta);
    assert!(world.tap(1).iter().any(|out| matches!(
        out,
        Output::Drive {
            drive: Drive::Energise { .. },
            ..
        }
    )));
}

#[test]
fn a_disk_that_hangs_for_a_second_makes_the_list_volatile_until_it_answers() {
    let (mut world, slow) = slow_world(&[entry(1, None)]);
    let delta = world.change_list(&[]);
    world.send_delta(&delta);
    world.run(Span::seconds(1));
    assert_eq!(
        world.held().map(|held| (held.revision.number, held.kept)),
        Some((2, Kept::Volatile))
    );
    assert!(!world.opens(1));
    slow.work();
    world.run(Span::seconds(1));
    assert_eq!(world.held().map(|held| held.kept), Some(Kept::Stored));
    world.restart();
    assert!(!world.opens(1));
}

#[test]
fn a_zone_that_was_just_assigned_is_read_before_its_list_changes() {
    let (mut world, slow) = slow_world(&[entry(1, None)]);
    let metal = ZoneId::new("metal").expect("a name");
    let mut config = configuration(2, &world.server, &world.opening, &world.identity, true);
    config.doors[0].zone = metal;
    world.send(Channel::Config(pi()), Kind::Config, &config);
    config.doors[0].zone = wood();
    config.revision = revision(3);
    config.card_keys = world.paired.pairing.config.card_keys.clone();
    world.send(Channel::Config(pi()), Kind::Config, &config);
    world.send_head();
    assert_eq!(world.refused(RefusedWhy::NotOurs), 1);
    slow.work();
    let out = world.input(Input::Tick);
    assert!(out.iter().any(
        |out| matches!(out, Output::Subscribe(new) if new.contains(&topic(Channel::Head(wood()))))
    ));
    world.send_policy();
    world.send_head();
    world.catch_up();
    assert_eq!(world.held(), None);
    slow.work();
    world.input(Input::Tick);
    assert_eq!(number(&world), 1);
    assert!(world.opens(1));
}
