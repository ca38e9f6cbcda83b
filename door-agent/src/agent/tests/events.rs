//! The badge log on its way to the server.

use super::*;
use shared::badge::chain;
use shared::wire::Ack;
use std::collections::BTreeMap as Map;

/// The server's side: what it has committed, boot by boot.
#[derive(Default)]
struct Log {
    boots: Map<BootId, (u64, [u8; 32])>,
    events: Vec<(BootId, BadgeEvent)>,
}

impl Log {
    /// Commits what is new in what the agent published, and answers each batch.
    fn commit(&mut self, world: &World, out: &[Output]) -> Vec<Ack> {
        let mut acks = Vec::new();
        for batch in batches(&world.identity, out) {
            let (last, digest) = self.boots.entry(batch.boot).or_insert((0, [0; 32]));
            for (event, bytes) in read(&batch).into_iter().zip(&batch.events) {
                if event.sequence == *last + 1 {
                    (*last, *digest) = (event.sequence, chain(*digest, batch.boot, bytes));
                    self.events.push((batch.boot, event));
                }
            }
            acks.push(Ack {
                boot: batch.boot,
                up_to: *last,
                digest: *digest,
            });
        }
        acks
    }

    fn exchange(&mut self, world: &mut World, mut out: Vec<Output>) {
        loop {
            let acks = self.commit(world, &out);
            if acks.is_empty() {
                return;
            }
            out = acks
                .iter()
                .flat_map(|ack| world.send(Channel::Ack(pi()), Kind::Ack, ack))
                .collect();
        }
    }

    fn cards(&self) -> usize {
        self.events
            .iter()
            .filter(|(_, event)| matches!(event.what, What::Card { .. }))
            .count()
    }
}

#[test]
fn badges_arrive_in_order_and_are_not_sent_again_after_the_acknowledgement() {
    let mut world = World::with_list(&[entry(1, None)]);
    let mut log = Log::default();
    let out = world.run(Span::minutes(10));
    log.exchange(&mut world, out);
    for number in 1..4 {
        world.tap(number);
    }
    let out = world.run(Span::seconds(1));
    log.exchange(&mut world, out);
    assert_eq!(log.cards(), 3);
    let later = world.run(Span::hours(1));
    assert!(batches(&world.identity, &later).is_empty());
    assert_eq!(reports(&world.identity, &later)[0].spooled, 0);
}

#[test]
fn without_an_acknowledgement_the_same_bytes_are_sent_again() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.tap(1);
    let out = world.run(Span::minutes(2));
    let sent = batches(&world.identity, &out);
    assert!(sent.len() > 2, "{}", sent.len());
    let prefix = sent[0].events.len();
    for again in &sent {
        assert_eq!(
            (again.boot, again.first, &again.events[..prefix]),
            (sent[0].boot, 1, &sent[0].events[..])
        );
    }
}

#[test]
fn badges_made_offline_and_over_restarts_arrive_once_each_oldest_first() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.input(Input::Disconnected);
    let mut made = 0;
    for _ in 0..3 {
        for number in 1..5 {
            world.tap(number);
            made += 1;
            world.run(Span::seconds(2));
        }
        world.restart();
    }
    let mut log = Log::default();
    let mut out = world.connect();
    out.extend(world.run(Span::seconds(1)));
    log.exchange(&mut world, out);
    assert_eq!(log.cards(), made);
    let boots: Vec<u8> = log.events.iter().map(|(boot, _)| boot.0[0]).collect();
    assert!(boots.is_sorted());
    assert_eq!(log.boots.len(), 4);
}

#[test]
fn after_a_restart_an_acknowledged_boot_goes_on_from_its_digest() {
    let mut world = World::with_list(&[entry(1, None)]);
    let mut log = Log::default();
    world.tap(1);
    let out = world.run(Span::seconds(1));
    log.exchange(&mut world, out);
    world.tap(2);
    world.run(Span::seconds(2));
    world.restart();
    let mut out = world.connect();
    out.extend(world.run(Span::seconds(1)));
    log.exchange(&mut world, out);
    assert_eq!(log.cards(), 2);
    assert_eq!(world.refused(RefusedWhy::Digest), 0);
    assert_eq!(world.agent.spool.waiting(), 0);
}

#[test]
fn an_acknowledgement_of_another_history_is_refused_and_the_events_stay() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.tap(1);
    let out = world.run(Span::seconds(30));
    let mut ack = Log::default().commit(&world, &out).remove(0);
    let waiting = world.agent.spool.waiting();
    ack.digest[0] ^= 1;
    world.send(Channel::Ack(pi()), Kind::Ack, &ack);
    assert_eq!(world.refused(RefusedWhy::Digest), 1);
    // The refusal itself is one more event.
    assert_eq!(world.agent.spool.waiting(), waiting + 1);
    let beyond = Ack {
        up_to: ack.up_to + 100,
        ..ack
    };
    world.send(Channel::Ack(pi()), Kind::Ack, &beyond);
    assert_eq!(world.refused(RefusedWhy::Conflict), 1);
}

#[test]
fn a_new_epoch_gets_everything_that_is_still_kept() {
    let mut world = World::with_list(&[entry(1, None)]);
    let mut log = Log::default();
    world.tap(1);
    let out = world.run(Span::seconds(1));
    log.exchange(&mut world, out);
    let epoch = Epoch {
        number: 2,
        id: [1; 8],
    };
    world.list = AllowList::build(Revision { epoch, number: 1 }, [entry(2, None)]);
    world.send_head();
    let asked = world.run(Span::seconds(5));
    let nonce = requests(&world.identity, &asked)
        .pop()
        .expect("it asks")
        .nonce;
    let mut out = world.answer(nonce);
    let mut restored = Log::default();
    out.extend(world.run(Span::seconds(1)));
    restored.exchange(&mut world, out);
    assert_eq!(restored.cards(), 1);
}

#[test]
fn the_event_of_a_badge_is_on_disk_when_the_lock_is_driven() {
    let mut world = World::with_list(&[entry(1, None)]);
    world.run(Span::seconds(10));
    world.agent.handle(
        Input::Card {
            door: front(),
            uid: card(1),
        },
        world.sources,
    );
    let written = world.agent.spool.next_sequence() - 1;
    let power_cut_now = world.disk.clone();
    power_cut_now.power_cut(&mut |most| most);
    let (spool, _) = Spool::open(
        Box::new(power_cut_now),
        world.agent.boot(),
        Limits::default(),
        NOON,
    );
    assert_eq!(spool.next_sequence() - 1, written);
    assert!(matches!(
        world.agent.next_output(),
        Some(Output::Drive {
            drive: Drive::Energise { .. },
            ..
        })
    ));
}
