//! A disk that takes its time.

use super::*;
use crate::keeper::{Finished, Job, Keeper, Shelf, Work};
use std::sync::{Arc, Mutex, MutexGuard};

/// A shelf that does nothing until it is told to.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Inside>>);

type Inside = (Option<Keeper>, VecDeque<Job>, VecDeque<Finished>);

impl Slow {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().expect("no test panics while it holds this")
    }

    /// Whether the marks are to be raised.
    fn marks(&self) -> bool {
        let is_marks = |job: &Job| matches!(job.work, Work::Marks);
        self.lock().1.iter().any(is_marks)
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
fn a_change_is_used_when_it_is_stored_and_the_changes_behind_it_follow_together() {
    let (mut world, slow) = slow_world(&[entry(9, None)]);
    for last in 1..4 {
        let entries: Vec<Entry> = (last..=last + 1).map(|card| entry(card, None)).collect();
        let delta = world.change_list(&entries);
        world.send_delta(&delta);
        if last == 1 {
            // Messages come at least once.
            world.send_delta(&delta);
        }
    }
    world.send_head();
    assert_eq!(number(&world), 1);
    slow.work();
    world.input(Input::Tick);
    assert_eq!(number(&world), 2);
    slow.work();
    world.input(Input::Tick);
    assert_eq!(number(&world), 4);
    assert_eq!(world.contact(), world.sources.wall);
    let out = world.run(Span::seconds(5));
    assert!(requests(&world.identity, &out).is_empty());
    assert_eq!(world.refused(RefusedWhy::Older), 0);
    slow.work();
    world.restart();
    assert_eq!(number(&world), 4);
    assert_eq!(
        [1, 2, 3, 4, 9].map(|card| world.opens(card)),
        [false, false, true, true, false]
    );
}

#[test]
fn changes_that_wait_behind_a_lost_one_are_not_used() {
    let (mut world, slow) = slow_world(&[entry(1, None)]);
    let deltas = [&[entry(2, None)][..], &[entry(3, None)], &[entry(4, None)]]
        .map(|entries| world.change_list(entries));
    world.send_delta(&deltas[0]);
    world.send_delta(&deltas[2]);
    slow.work();
    world.input(Input::Tick);
    slow.work();
    world.input(Input::Tick);
    assert_eq!(number(&world), 2);
    world.send_head();
    world.catch_up();
    slow.work();
    world.input(Input::Tick);
    assert_eq!(number(&world), 4);
}

#[test]
fn the_mark_is_raised_when_changes_rest_and_now_and_then_while_they_do_not() {
    let (mut world, slow) = slow_world(&[]);
    let mut raised = Vec::new();
    for half_second in 0..40 {
        if half_second < 30 {
            let delta = world.change_list(&[entry(half_second, None)]);
            world.send_delta(&delta);
        }
        slow.work();
        world.input(Input::Tick);
        world.pass(Span(500));
        world.input(Input::Tick);
        if slow.marks() {
            raised.push(half_second);
        }
    }
    assert_eq!(raised, [19, 30]);
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
    world.run(Span::seconds(1));
    assert!(slow.marks());
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

#[test]
fn nothing_of_a_forgotten_zone_stays_but_how_far_it_had_come() {
    let mut world = World::with_list(&[entry(1, None)]);
    let mut keeper = Keeper::open(
        Box::new(world.disk.clone()),
        Box::new(world.disk.clone()),
        &world.identity,
    );
    let delta = world.change_list(&[entry(2, None)]);
    let changed = world.list.clone();
    world.change_list(&[entry(3, None)]);
    let works = [
        Work::Load(wood()),
        Work::Delta(wood(), delta, NOON),
        Work::List(wood(), changed, NOON),
        Work::List(wood(), world.list.clone(), NOON),
        Work::Forget(wood()),
    ];
    for (number, work) in (1..).zip(works) {
        keeper.submit(Job { number, work });
    }
    let left = world.disk.list().expect("it lists");
    assert!(!left.iter().any(|name| name.contains("wood")), "{left:?}");
    let remembered = keeper.load_zone(&wood());
    let highest = remembered.highest.map(|(revision, _)| revision.number);
    assert_eq!(highest, Some(3));
}
