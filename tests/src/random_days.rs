//! Random days: a seed becomes a club's history of payments, badges, crashes and cut networks, and a small model of the
//! rules, written from what Stripe shows and not from the server's code, says at every door what must happen.

mod actions;
mod at_stripe;
mod checks;
mod gifts;
mod model;
mod replay;
mod troubles;

use crate::building::post::Form;
use crate::building::story::Who;
use crate::building::{Building, WayIn};
use crate::chance::Chance;
use crate::stripe_sim::AfterRetries;
use actions::World;
use shared::time::Span;

/// Lives through one history; fails by a panic that says what went wrong. With `tell`, every action is printed.
pub fn live(seed: u64, tell: bool) {
    let mut chance = Chance::new(seed);
    let way = chance.one_of(&[WayIn::WebhookAndKey, WayIn::WebhookOnly, WayIn::Pull]);
    let mut building = Building::seeded(way, seed);
    building.furnish();
    let after = chance.one_of(&[
        AfterRetries::Cancel,
        AfterRetries::MarkUnpaid,
        AfterRetries::LeavePastDue,
    ]);
    building.sim().set_dunning(&[3, 5, 7], after);
    let shape = chance.one_of(&at_stripe::SHAPES);
    building.sim().set_shape(shape);
    if way == WayIn::WebhookAndKey {
        let snapshot = Form::Snapshot;
        building.post.form = chance.one_of(&[snapshot, snapshot, snapshot, Form::Thin, Form::Both]);
    }
    let members = 2 + chance.below(2);
    let people: Vec<Who> = (0..members)
        .map(|at| building.member(&format!("Member{at}"), &format!("04A1B2{at:02X}")))
        .collect();
    if tell {
        let form = building.post.form;
        println!("{members} members, {way:?}, after the last retry {after:?}, {shape:?}, {form:?}");
    }
    let mut world = World::new(building, people, chance, tell);
    world.begin();
    let count = 8 + world.chance.below(12);
    for _ in 0..count {
        world.act();
    }
    world.mend();
    world.building.advance(Span::minutes(12));
    world.building.settle();
    world.check_at_rest();
    world.check_books();
    world.check_gift_cards();
    replay::check(&mut world, seed);
}
