//! What a zone's list says of one card.

use crate::card::CardToken;
use crate::ids::{Holder, MembershipTypeId};
use crate::pin::PinVerifier;
use crate::standing::{Standing, State};
use crate::time::Timestamp;

/// May pass on a schedule between two moments.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode,
)]
pub struct Right {
    /// Index into the policy's schedules.
    #[n(0)]
    pub schedule: u16,
    /// First moment; none: since ever.
    #[n(1)]
    pub not_before: Option<Timestamp>,
    /// First moment after it; none: until removed.
    #[n(2)]
    pub not_after: Option<Timestamp>,
    /// False while a renewal may move the end on.
    #[n(3)]
    pub certain: bool,
}

/// What the list says of a card in one word.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode,
)]
#[cbor(index_only)]
pub enum CardState {
    /// Its rights decide.
    #[n(0)]
    Ok,
    /// Its holder's membership has ended.
    #[n(1)]
    Lapsed,
    /// An admin withholds access.
    #[n(2)]
    Held,
    /// The card was reported lost.
    #[n(3)]
    Lost,
    /// Its holder is a member, but what gave access to this zone has ended.
    #[n(4)]
    Ended,
}

/// Bits that change how a card is judged; a door refuses a card with a bit it does not know.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    minicbor::Encode,
    minicbor::Decode,
)]
#[cbor(transparent)]
pub struct Flags(pub u32);

impl Flags {
    /// Exempt from lockdown and staleness.
    pub const KEYHOLDER: Self = Self(1);
    /// A PIN must follow the card.
    pub const PIN: Self = Self(2);
    /// The zone demands an induction, and the holder has had none.
    pub const INDUCTION: Self = Self(4);
    const KNOWN: u32 = Self::KEYHOLDER.0 | Self::PIN.0 | Self::INDUCTION.0;

    /// These bits and the other's.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all bits of the other are set.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether a newer server set a bit that this version does not know.
    #[must_use]
    pub fn has_unknown(self) -> bool {
        self.0 & !Self::KNOWN != 0
    }
}

/// One card on a zone's list; no names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, minicbor::Encode, minicbor::Decode)]
pub struct Entry {
    /// The card as this zone knows it.
    #[n(0)]
    pub token: CardToken,
    /// Whose it is, as an opaque number.
    #[n(1)]
    pub holder: Holder,
    /// In one word.
    #[n(2)]
    pub state: CardState,
    /// Any right that holds grants; sorted, each once.
    #[n(3)]
    pub rights: Vec<Right>,
    /// Special handling.
    #[n(4)]
    pub flags: Flags,
    /// What the holder's PIN is held against; none: the holder has none.
    #[n(5)]
    pub pin: Option<PinVerifier>,
}

/// A membership type opens this zone on a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneAccess {
    /// The type.
    pub membership: MembershipTypeId,
    /// Index into the zone policy's schedules.
    pub schedule: u16,
}

/// State and rights of a member's cards in one zone; none where the zone's list has nothing to say of the member.
#[must_use]
pub fn rights(
    standing: &Standing,
    zone: &[ZoneAccess],
    now: Timestamp,
) -> Option<(CardState, Vec<Right>)> {
    let mut rights: Vec<Right> = standing
        .access
        .iter()
        .flat_map(|access| {
            zone.iter()
                .filter(|opens| opens.membership == access.membership)
                .map(|opens| Right {
                    schedule: opens.schedule,
                    not_before: access.from,
                    not_after: access.until,
                    certain: access.certain,
                })
        })
        .collect();
    if rights.is_empty() {
        return None;
    }
    rights.sort();
    rights.dedup();
    rights.retain(|right| right.not_after.is_none_or(|until| now < until));
    match &standing.state {
        State::Held { .. } => Some((CardState::Held, Vec::new())),
        // The word, not the date: a door whose clock runs behind must not revive what has ended.
        State::Good { .. } | State::Grace { .. } | State::Pending { .. } if rights.is_empty() => {
            Some((CardState::Ended, Vec::new()))
        }
        State::Lapsed { .. } | State::Stranger if rights.is_empty() => {
            Some((CardState::Lapsed, Vec::new()))
        }
        State::Good { .. }
        | State::Grace { .. }
        | State::Pending { .. }
        | State::Lapsed { .. }
        | State::Stranger => Some((CardState::Ok, rights)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::GrantId;
    use crate::standing::{Access, Because};

    fn membership(name: &str) -> MembershipTypeId {
        MembershipTypeId::new(name).expect("valid")
    }

    fn access(name: &str, until: i64) -> Access {
        Access {
            membership: membership(name),
            from: None,
            until: Some(Timestamp(until)),
            certain: true,
            because: Because::Grant { id: GrantId(1) },
        }
    }

    fn zone() -> Vec<ZoneAccess> {
        vec![ZoneAccess {
            membership: membership("5"),
            schedule: 2,
        }]
    }

    #[test]
    fn only_types_that_open_the_zone_give_rights_there() {
        let standing = Standing {
            state: State::Good { until: None },
            access: vec![access("5", 100), access("7", 200)],
        };
        let (state, rights) = rights(&standing, &zone(), Timestamp(0)).expect("listed");
        assert_eq!(state, CardState::Ok);
        assert_eq!(rights.len(), 1);
        assert_eq!(
            (rights[0].schedule, rights[0].not_after),
            (2, Some(Timestamp(100)))
        );
    }

    #[test]
    fn a_member_of_other_zones_is_not_listed_here() {
        let standing = Standing {
            state: State::Good { until: None },
            access: vec![access("7", 200)],
        };
        assert_eq!(rights(&standing, &zone(), Timestamp(0)), None);
    }

    #[test]
    fn a_right_that_ended_is_told_as_a_word_and_not_as_a_date() {
        let standing = Standing {
            state: State::Lapsed {
                since: Timestamp(100),
            },
            access: vec![access("5", 100)],
        };
        assert_eq!(
            rights(&standing, &zone(), Timestamp(100)),
            Some((CardState::Lapsed, Vec::new()))
        );
        let elsewhere = Standing {
            state: State::Good { until: None },
            access: vec![access("5", 100), access("7", 900)],
        };
        assert_eq!(
            rights(&elsewhere, &zone(), Timestamp(100)),
            Some((CardState::Ended, Vec::new()))
        );
    }
}
