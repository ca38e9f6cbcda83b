//! Who would stand outside tonight though they pay or may come in, and why: the last look before a club relies on its doors.

use crate::store::rulebook::ZoneRules;
use serde::Serialize;
use shared::ids::{MembershipTypeId, ZoneId};
use shared::standing::{Standing, State};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Why somebody would stand outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// An admin withholds access.
    Held,
    /// The first payment has not arrived, or access begins later.
    NotYet,
    /// The subscription runs, and what is due is not paid.
    NotPaid,
    /// No card counts.
    NoCard,
    /// No zone is opened by the member's types.
    NoZone,
    /// What would open needs an induction first.
    NoInduction,
    /// Where the member may go in, no agent serves a door.
    NoDoor,
    /// Access ends before the morning.
    Ends,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::NotYet,
        Self::NotPaid,
        Self::NoCard,
        Self::NoZone,
        Self::NoInduction,
        Self::NoDoor,
        Self::Ends,
    ];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::NotYet => "not-yet",
            Self::NotPaid => "not-paid",
            Self::NoCard => "no-card",
            Self::NoZone => "no-zone",
            Self::NoInduction => "no-induction",
            Self::NoDoor => "no-door",
            Self::Ends => "ends",
        }
    }
}

/// Somebody who may expect to get in.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// What the member may do now.
    pub standing: &'a Standing,
    /// How many cards count.
    pub cards: i64,
    /// Whether a running subscription covers the member.
    pub pays: bool,
    /// For which zones an induction is noted.
    pub inducted: Option<&'a BTreeSet<ZoneId>>,
}

/// The zones, and what it takes to get in.
#[derive(Debug, Clone, Copy)]
pub struct Building<'a> {
    /// Which types open which zone.
    pub zones: &'a BTreeMap<ZoneId, ZoneRules>,
    /// Zones with a door that a paired agent serves.
    pub served: &'a BTreeSet<ZoneId>,
}

/// Why somebody would stand outside between now and the `morning`; none: a door opens, or nobody expects it to.
#[must_use]
pub fn locked_out(
    candidate: Candidate<'_>,
    building: Building<'_>,
    now: Timestamp,
    morning: Timestamp,
) -> Option<Why> {
    let accesses = &candidate.standing.access;
    match &candidate.standing.state {
        State::Held { .. } => {
            let expects = candidate.pays || accesses.iter().any(|access| access.holds(now));
            expects.then_some(Why::Held)
        }
        State::Pending { .. } => Some(Why::NotYet),
        State::Lapsed { .. } | State::Stranger => candidate.pays.then_some(Why::NotPaid),
        State::Good { until: Some(until) } | State::Grace { until } => {
            outside(candidate, building, now).or((*until <= morning).then_some(Why::Ends))
        }
        State::Good { until: None } => outside(candidate, building, now),
    }
}

/// What keeps somebody outside who is in good standing.
fn outside(candidate: Candidate<'_>, building: Building<'_>, now: Timestamp) -> Option<Why> {
    if candidate.cards == 0 {
        return Some(Why::NoCard);
    }
    let accesses = candidate.standing.access.iter();
    let types: BTreeSet<&MembershipTypeId> = accesses
        .filter(|access| access.holds(now))
        .map(|access| &access.membership)
        .collect();
    let opened = |zone: &&ZoneRules| {
        let mut access = zone.access.iter();
        access.any(|access| types.contains(&access.membership))
    };
    let mut zones: Vec<(&ZoneId, &ZoneRules)> = building
        .zones
        .iter()
        .filter(|(_, zone)| opened(zone))
        .collect();
    if zones.is_empty() {
        return Some(Why::NoZone);
    }
    zones.retain(|(id, zone)| {
        let inducted = candidate.inducted.is_some_and(|zones| zones.contains(*id));
        !zone.needs_induction || inducted
    });
    if zones.is_empty() {
        return Some(Why::NoInduction);
    }
    let served = zones.iter().any(|(id, _)| building.served.contains(*id));
    (!served).then_some(Why::NoDoor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::rights::ZoneAccess;
    use shared::time::Span;

    const NOW: Timestamp = Timestamp(1_000_000);
    const MORNING: Timestamp = Timestamp(2_000_000);

    fn standing(state: serde_json::Value) -> Standing {
        let access = json!({"membership": "5", "from": null, "until": null, "certain": true,
            "because": {"kind": "grant", "id": 1}});
        serde_json::from_value(json!({"state": state, "access": [access]})).expect("a standing")
    }

    fn zone(membership: &str, needs_induction: bool) -> ZoneRules {
        ZoneRules {
            access: vec![ZoneAccess {
                membership: MembershipTypeId::new(membership).expect("a name"),
                schedule: 0,
            }],
            card_key: 1,
            reader_bytes: BTreeSet::new(),
            needs_induction,
            asks_pin: false,
            offline_grace: Span(0),
        }
    }

    fn judged(
        standing: &Standing,
        cards: i64,
        pays: bool,
        zone: ZoneRules,
        served: bool,
    ) -> Option<Why> {
        let id = ZoneId::new("hall").expect("a name");
        let zones = BTreeMap::from([(id.clone(), zone)]);
        let served = served.then_some(id).into_iter().collect();
        let candidate = Candidate {
            standing,
            cards,
            pays,
            inducted: None,
        };
        let building = Building {
            zones: &zones,
            served: &served,
        };
        locked_out(candidate, building, NOW, MORNING)
    }

    #[test]
    fn the_first_thing_that_is_missing_is_told() {
        let good = standing(json!({"state": "good", "until": null}));
        for (cards, membership, induction, served, why) in [
            (0, "5", false, true, Some(Why::NoCard)),
            (1, "7", false, true, Some(Why::NoZone)),
            (1, "5", true, true, Some(Why::NoInduction)),
            (1, "5", false, false, Some(Why::NoDoor)),
            (1, "5", false, true, None),
        ] {
            let judged = judged(&good, cards, false, zone(membership, induction), served);
            assert_eq!(judged, why);
        }
        let soon = standing(json!({"state": "good", "until": MORNING}));
        assert_eq!(
            judged(&soon, 1, true, zone("5", false), true),
            Some(Why::Ends)
        );
    }

    #[test]
    fn who_is_out_and_pays_is_told_and_who_only_was_a_member_is_not() {
        let lapsed = standing(json!({"state": "lapsed", "since": 0}));
        let judge = |standing: &Standing, pays| judged(standing, 1, pays, zone("5", false), true);
        assert_eq!(judge(&lapsed, true), Some(Why::NotPaid));
        assert_eq!(judge(&lapsed, false), None);
        let pending = standing(json!({"state": "pending", "from": null}));
        assert_eq!(judge(&pending, false), Some(Why::NotYet));
        let held = standing(json!({"state": "held", "hold": 1, "until": null}));
        assert_eq!(judge(&held, false), Some(Why::Held));
    }
}
