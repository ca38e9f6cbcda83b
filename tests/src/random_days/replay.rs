//! The whole inbox again: fresh servers come to the same standing, ledger and lists, whatever the order.

use super::Chance;
use super::actions::World;
use crate::building::desk::Payment;
use crate::building::post::Letter;
use crate::building::{Building, WayIn};
use shared::allow_list::Digest;
use shared::ids::ZoneId;
use shared::standing::{Access, Because, Standing};
use std::collections::BTreeMap;

#[derive(Debug, PartialEq)]
struct Outcome {
    standings: Vec<Option<Standing>>,
    ledger: Vec<Payment>,
    lists: BTreeMap<ZoneId, Digest>,
}

/// Fails if two orders of the history's events end differently, or otherwise than the server that lived through it.
pub fn check(world: &mut World, seed: u64) {
    let letters: Vec<Letter> = {
        let sim = world.building.sim();
        let body = |event: &crate::stripe_sim::Event| event.body(event.shape, sim.livemode());
        let events = sim.events().iter();
        events
            .map(|event| Letter::of(&body(event), world.building.now))
            .collect()
    };
    let lived = world.building.way() == WayIn::WebhookOnly;
    let mut chance = Chance::new(seed);
    // Without a server that knows no more than the inbox, two fresh ones are compared: dearer, so now and then.
    if !lived && !chance.once_in(4) {
        return;
    }
    let mut other = letters.clone();
    other.extend(letters.iter().filter(|_| chance.once_in(4)).cloned());
    let other = chance.shuffled(other);
    let shuffled = outcome(world, seed, other);
    if !lived {
        let straight = outcome(world, seed, letters);
        assert_eq!(straight, shuffled, "the order of events decides");
        return;
    }
    let lived = world
        .people
        .iter()
        .map(|who| from_stripe(world.building.standing(*who)));
    let told = shuffled.standings.into_iter().map(from_stripe);
    let (lived, told): (Vec<_>, Vec<_>) = (lived.collect(), told.collect());
    assert_eq!(lived, told, "a fresh server comes to another standing");
}

/// What rests on Stripe; what an admin did is not in the inbox.
fn from_stripe(standing: Option<Standing>) -> Vec<Access> {
    let access = standing.map(|standing| standing.access).unwrap_or_default();
    access
        .into_iter()
        .filter(|access| matches!(access.because, Because::Subscription { .. }))
        .collect()
}

/// A server without a key that hears of nothing but these letters, in this order.
fn outcome(world: &World, seed: u64, letters: Vec<Letter>) -> Outcome {
    let mut building = Building::seeded(WayIn::WebhookOnly, seed);
    building.watches = false;
    building.furnish_rooms();
    building.now = world.building.now;
    let mut people = Vec::new();
    for who in &world.people {
        let person = world.building.person(*who);
        people.push(building.member(&person.name, &person.card.reveal()));
    }
    for chunk in letters.chunks(5) {
        for letter in chunk {
            let header = letter.header(building.now);
            let kept = building.receive(Some(header.as_bytes()), &letter.body);
            assert!(matches!(kept, Some(Ok(_))), "{kept:?}");
        }
        building.work();
    }
    Outcome {
        standings: people.iter().map(|who| building.standing(*who)).collect(),
        ledger: building.ledger(),
        lists: building
            .heads()
            .into_iter()
            .map(|(zone, (_, digest))| (zone, digest))
            .collect(),
    }
}
