//! A story told once more, its deliveries doubled and in an order left to chance: it ends as in Stripe's own order.
//!
//! A story makes its buildings itself; so those that are made while it is told look here for their order, and leave
//! their outcome here when it is over.

use super::outcome::Outcome;
use super::{Building, WayIn};
use crate::chance::Chance;
use crate::settings;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;

/// The setting that repeats a run.
pub const SETTING: &str = "GS_ORDER";

/// A story on this thread.
struct Telling {
    /// None: in Stripe's own order.
    chance: Option<Chance>,
    /// Of its buildings that are no more; none if its server was down at last.
    ends: Vec<Option<Outcome>>,
}

thread_local! {
    static TELLING: RefCell<Option<Telling>> = const { RefCell::new(None) };
}

/// The choices of one test: others in each run unless [`SETTING`] says which.
#[must_use]
pub fn chance(name: &str) -> Chance {
    let seed = settings::number(SETTING).unwrap_or_else(settings::fresh_seed);
    println!("{name}: tell it so again with {SETTING}={seed}");
    let digest: [u8; 32] = Sha256::digest(format!("{name} {seed}")).into();
    let (first, _) = digest.split_first_chunk().expect("longer than that");
    Chance::new(u64::from_be_bytes(*first))
}

/// Tells a story in one of its ways, in Stripe's order and in another, and fails if they end differently.
///
/// # Panics
/// If they do, or if what the story itself expects does not hold in the other order.
pub fn same_end(name: &str, story: fn(WayIn)) {
    let mut chance = chance(name);
    let ways = chance.shuffled(vec![WayIn::WebhookAndKey, WayIn::WebhookOnly, WayIn::Pull]);
    for way in ways {
        let plain = tell(None, || story(way));
        if plain.is_empty() {
            // There is nothing to tell in this way.
            continue;
        }
        println!("{way:?}, in an order left to chance");
        let told = tell(Some(chance.branch()), || story(way));
        assert_eq!(told.len(), plain.len());
        for (told, plain) in told.iter().zip(&plain) {
            assert_eq!(told, plain, "the order of deliveries decides");
        }
        return;
    }
}

fn tell(chance: Option<Chance>, story: impl FnOnce()) -> Vec<Option<Outcome>> {
    let ends = Vec::new();
    TELLING.set(Some(Telling { chance, ends }));
    story();
    TELLING.take().map_or_else(Vec::new, |telling| telling.ends)
}

/// The order for a building that is made now; none: Stripe's own.
pub(super) fn order() -> Option<Chance> {
    TELLING.with_borrow_mut(|telling| Some(telling.as_mut()?.chance.as_mut()?.branch()))
}

/// Keeps what a building has come to if a story is being told.
pub(super) fn note_end(building: &Building) {
    TELLING.with_borrow_mut(|telling| {
        if let Some(telling) = telling {
            let end = building.server.app().map(|_| building.outcome());
            telling.ends.push(end);
        }
    });
}
