//! What a change of a zone's settings would do to members and their cards, looked at before anything is changed.

use super::cards::alike;
use super::clock::{brake_limit, members_in};
use crate::app::{App, Step, Work};
use crate::store::rulebook::ZoneSettings;
use crate::store::{inductions, pins};
use shared::ids::{CardId, MemberId, ZoneId};
use std::collections::BTreeSet;

/// What a change would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Two cards that the zone's readers could not tell apart any more.
    pub alike: Option<[CardId; 2]>,
    /// Members whom the zone's doors would refuse for what they lack; nobody, if there are no more of them than one cause
    /// may shut out by itself.
    pub shut_out: Vec<MemberId>,
    /// Whether the zone's list is to be made anew, and not its policy alone.
    pub relists: bool,
}

/// What a change of a zone's settings would do.
pub async fn effect(
    app: &App,
    work: &mut Work,
    zone: &ZoneId,
    [before, after]: [&ZoneSettings; 2],
) -> Step<Effect> {
    let other_readers = before.reader_bytes != after.reader_bytes;
    let alike = if other_readers {
        alike(app, work, &after.reader_bytes).await?
    } else {
        None
    };
    let mut without = BTreeSet::new();
    if after.needs_induction && !before.needs_induction {
        without.extend(inductions::listed_without(&mut work.tx, &app.organisation, zone).await?);
    }
    // At other hours it meets other members, or the same ones more often.
    if after.pin_schedule.is_some() && after.pin_schedule != before.pin_schedule {
        without.extend(pins::listed_without(&mut work.tx, &app.organisation, zone).await?);
    }
    if !without.is_empty() {
        let inside = members_in(&mut work.tx, &app.organisation).await?;
        if without.len() <= brake_limit(inside) {
            without.clear();
        }
    }
    Ok(Effect {
        alike,
        shut_out: without.into_iter().collect(),
        relists: other_readers
            || before.offline_grace() != after.offline_grace()
            || before.needs_induction != after.needs_induction
            || before.pin_schedule.is_some() != after.pin_schedule.is_some(),
    })
}
