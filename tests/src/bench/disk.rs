//! What the agent writes: a million events, and an hour in which nothing happens.

use super::{Effort, Figure, prepare, tell};
use crate::building::story::WOOD;
use crate::building::{Building, WayIn};
use door_agent::disk::Directory;
use door_agent::spool::{Limits, Spool};
use shared::allow_list::{Epoch, Revision};
use shared::badge::{BadgeEvent, What};
use shared::card::CardToken;
use shared::door_clock::Quality;
use shared::ids::{BootId, Holder};
use shared::reasons::Reason;
use shared::time::{Span, Timestamp};
use std::path::Path;

const EVENTS: u64 = 1_000_000;
/// Events that are appended before all are synced, as an agent does that is never idle.
const TOGETHER: u64 = 200;
/// A bench's events are of 2026.
const BEGIN: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// A disk writes at least so much, in KiB.
const BLOCK: f64 = 4.0;

/// Megabytes of the files in which a million badge events lie, none of them acknowledged: what the agent says of a
/// listed card, through the agent's own spool on a real disk, with room for all of them. It has no floor.
pub fn spool(effort: Effort) -> anyhow::Result<Figure> {
    let events = if effort.quick { EVENTS / 10 } else { EVENTS };
    let directory = prepare::directory()?;
    let disk = Box::new(Directory::open(directory.path())?);
    let room = Limits {
        bytes: usize::MAX,
        ..Limits::default()
    };
    let (mut spool, _) = Spool::open(disk, BootId([7; 16]), room, BEGIN);
    for number in 1..=events {
        let event = event(number);
        let bytes = minicbor::to_vec(&event)?;
        let kept = spool.append(event.at, event.weight(), &bytes);
        kept.written?;
        if number % TOGETHER == 0 {
            spool.sync(event.at)?;
        }
    }
    drop(spool);
    let bytes = size(directory.path())?;
    // Read back as after a restart: all of them are there.
    let disk = Box::new(Directory::open(directory.path())?);
    let (spool, found) = Spool::open(disk, BootId([8; 16]), room, BEGIN);
    anyhow::ensure!(
        spool.waiting() == events && found.missing == 0,
        "{} of {events} events are kept",
        spool.waiting()
    );
    #[expect(clippy::cast_precision_loss, reason = "a hundred million")]
    let value = bytes as f64 / 1e6 * (EVENTS / events) as f64;
    Ok(Figure { value, floor: None })
}

/// What is said of a card: a member's now and then, a refusal now and then.
fn event(number: u64) -> BadgeEvent {
    let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let at = BEGIN + Span(i64::try_from(number * 31_536).unwrap_or(i64::MAX));
    let revision = |number| Revision {
        epoch: Epoch {
            number: 1,
            id: *b"benching",
        },
        number,
    };
    let reason = match number % 10 {
        0 => Reason::Expired,
        _ => Reason::Granted,
    };
    BadgeEvent {
        sequence: number,
        at,
        quality: Quality::Trusted,
        door: Some(prepare::door()),
        what: What::Card {
            token: CardToken(random.to_be_bytes()),
            holder: Some(Holder((random >> 12).cast_signed())),
            reason,
            list: Some(revision(40_000 + number / 100)),
            policy: Some(revision(12)),
            contact: Some(at - Span::seconds(17)),
        },
    }
}

fn size(directory: &Path) -> anyhow::Result<u64> {
    std::fs::read_dir(directory)?.try_fold(0, |sum, file| Ok(sum + file?.metadata()?.len()))
}

/// KiB that an agent has its disk write in an hour in which its server publishes a head each minute and nobody comes: in
/// the busiest of the hours of a day on the hand-moved clock, counted as whole blocks of 4 KiB by each call that puts
/// bytes in a file. It has no floor.
pub fn idle() -> anyhow::Result<Figure> {
    let mut building = Building::club(WayIn::WebhookOnly);
    building.closely = true;
    let ada = building.member("Ada", "04A1B2C3");
    building.subscribe(ada, WOOD);
    building.settle();
    anyhow::ensure!(building.tap(ada, "front").opens(), "the door is shut");
    // Until what the badge led to is over.
    building.advance(Span::hours(1));
    let mut busiest = 0;
    for hour in 1..=24 {
        let before = building.machine("pi-front").disk.blocks_written();
        building.advance(Span::hours(1));
        let blocks = building.machine("pi-front").disk.blocks_written() - before;
        tell(&format!("idle_writes {hour}/24: {blocks} blocks"));
        busiest = busiest.max(blocks);
    }
    anyhow::ensure!(busiest > 0, "an agent keeps its clock's floor each hour");
    building.excuse();
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    Ok(Figure {
        value: busiest as f64 * BLOCK,
        floor: None,
    })
}
