//! The built door agent is killed with -9 again and again, while cards are shown to it and its list changes. In the end
//! the server has every badge once, and every list that the agent held was one that the server had signed.

mod blow;
mod books;
mod door;
mod life;

use crate::wait;
use life::live;

/// So many kills unless GS_KILLS says otherwise.
const KILLS: u64 = 30;

#[test]
fn an_agent_killed_again_and_again_loses_no_badge_and_keeps_its_list() {
    let kills = wait::number("GS_KILLS").unwrap_or(KILLS);
    let seed = wait::number("GS_SEED");
    let seed = seed.unwrap_or_else(|| wait::now().0.unsigned_abs() % 1_000_000);
    println!("seed {seed}: the same kills again with GS_SEED={seed} tests/run kill-agent {kills}");
    let (faults, points) = live(seed, kills);
    println!("{points}");
    println!(
        "kills {kills} lost {} doubled {} wrong {}",
        faults.lost.len(),
        faults.doubled.len(),
        faults.wrong.len()
    );
    assert!(faults.is_empty(), "{faults:#?}");
}
