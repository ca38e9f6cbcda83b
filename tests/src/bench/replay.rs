//! How fast everything that was ever stored is applied once more.

use super::prepare::Club;
use super::{Effort, Figure, ROUNDS, ingest, median, tell, timing};

/// Events a second that a replay applies: 100 000 stored events of 5000 members, from the first read to the commit of all
/// standings. It has no floor.
pub fn rate(effort: Effort) -> anyhow::Result<Figure> {
    let (members, rounds) = if effort.quick {
        (500, 1)
    } else {
        (5000, ROUNDS)
    };
    let runtime = ingest::runtime()?;
    // Eleven weeks, of which the last is not told: twenty events each.
    let club = runtime.block_on(Club::make(members, 11))?;
    let copy = club.copy()?;
    let app = runtime.block_on(copy.app())?;
    let mut values = Vec::new();
    for round in 1..=rounds {
        let start = timing::instant();
        let done = runtime.block_on(app.replay(false, timing::now()))?;
        let seconds = timing::seconds_since(start);
        anyhow::ensure!(
            done.events == 20 * members && done.unreadable.is_empty(),
            "{} events were applied",
            done.events
        );
        values.push(ingest::rate(done.events, seconds));
        tell(&format!(
            "replay_100k {round}/{rounds}: {:.0}",
            values[round - 1]
        ));
    }
    runtime.block_on(app.store.close());
    Ok(Figure {
        value: median(values),
        floor: None,
    })
}
