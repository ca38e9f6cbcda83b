//! The built server is killed with -9 again and again through one busy day: events come in, an admin works, cards are
//! shown. In the end nothing is lost or doubled, and everybody stands as if it had never been killed.

mod asking;
mod blow;
mod books;
mod day;
pub mod found;
pub mod life;

use crate::wait;
use books::Faults;
use found::Club;
use life::live;

/// So many kills unless GS_KILLS says otherwise.
const KILLS: u64 = 20;

#[test]
fn a_server_killed_again_and_again_through_a_busy_day_loses_nothing() {
    let kills = wait::number("GS_KILLS").unwrap_or(KILLS);
    let seed = wait::number("GS_SEED");
    let seed = seed.unwrap_or_else(|| wait::now().0.unsigned_abs() % 1_000_000);
    println!("seed {seed}: the same day again with GS_SEED={seed} tests/run kill {kills}");
    let club = Club::found();
    let (calm, undisturbed, _) = live(&club, seed, 0);
    if !undisturbed.is_empty() {
        tell(0, &undisturbed);
        panic!("without any kill: {undisturbed:#?}");
    }
    let (outcome, mut faults, points) = live(&club, seed, kills);
    faults.compare_all(&outcome, &calm);
    println!("{points}");
    tell(kills, &faults);
    assert!(faults.is_empty(), "{faults:#?}");
}

fn tell(kills: u64, faults: &Faults) {
    println!(
        "kills {kills} lost {} doubled {} wrong {}",
        faults.lost.len(),
        faults.doubled.len(),
        faults.wrong.len()
    );
}
