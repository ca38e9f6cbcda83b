//! Who may enter a zone when, and what a change of that would do to whom: pure, and looked at before anything is changed.

use shared::ids::MemberId;
use shared::rights::{CardState, ZoneAccess, rights};
use shared::schedule::{DAY_MINUTES, Schedule};
use shared::standing::Standing;
use shared::time::Timestamp;
use std::collections::BTreeSet;

/// What decides who may enter a zone when.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Which types open it, on which schedule.
    pub access: &'a [ZoneAccess],
    /// By index; 0 is always open.
    pub schedules: &'a [Schedule],
}

/// Whom a change concerns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Who may enter only after it.
    pub gain: Vec<MemberId>,
    /// Who may enter only before it.
    pub lose: Vec<MemberId>,
    /// Who may enter at other hours.
    pub other_hours: Vec<MemberId>,
}

impl Difference {
    /// Whether it concerns nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what a change does in another zone: whoever loses one loses, whatever else they get.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let join = |one: Vec<MemberId>, other: Vec<MemberId>, but: &[&[MemberId]]| {
            let all: BTreeSet<MemberId> = one.into_iter().chain(other).collect();
            let elsewhere = |member: &MemberId| but.iter().any(|list| list.contains(member));
            all.into_iter()
                .filter(|member| !elsewhere(member))
                .collect()
        };
        let lose: Vec<MemberId> = join(self.lose, other.lose, &[]);
        let gain: Vec<MemberId> = join(self.gain, other.gain, &[&lose]);
        let other_hours = join(self.other_hours, other.other_hours, &[&lose, &gain]);
        Self {
            gain,
            lose,
            other_hours,
        }
    }
}

/// The open minutes of a week and of a holiday.
type Minutes = BTreeSet<(u8, u16)>;

/// When a member may enter, as far as cards and hours say; empty: never.
fn minutes(standing: &Standing, opening: Opening<'_>, now: Timestamp) -> Minutes {
    let Some((CardState::Ok, rights)) = rights(standing, opening.access, now) else {
        return Minutes::new();
    };
    let schedules: BTreeSet<u16> = rights.iter().map(|right| right.schedule).collect();
    let known = |number: u16| opening.schedules.get(usize::from(number));
    let windows = schedules.into_iter().filter_map(known);
    let windows = windows.flat_map(|schedule| &schedule.windows);
    windows
        .flat_map(|window| {
            let days = (0..8).filter(|day| window.days >> day & 1 == 1);
            days.flat_map(|day| {
                (window.from..window.to.min(DAY_MINUTES)).map(move |minute| (day, minute))
            })
        })
        .collect()
}

/// What a change of a zone's opening does to members.
#[must_use]
pub fn difference(
    members: &[(MemberId, Standing)],
    [before, after]: [Opening<'_>; 2],
    now: Timestamp,
) -> Difference {
    let mut difference = Difference::default();
    for (member, standing) in members {
        let was = minutes(standing, before, now);
        let will = minutes(standing, after, now);
        let list = match (was.is_empty(), will.is_empty()) {
            (true, false) => &mut difference.gain,
            (false, true) => &mut difference.lose,
            (_, _) if was != will => &mut difference.other_hours,
            (_, _) => continue,
        };
        list.push(*member);
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::{GrantId, MembershipTypeId};
    use shared::schedule::Window;
    use shared::standing::{Access, Because, State};

    fn of(name: &str) -> MembershipTypeId {
        MembershipTypeId::new(name).expect("a name")
    }

    fn standing(types: &[&str]) -> Standing {
        let access = types.iter().map(|name| Access {
            membership: of(name),
            from: None,
            until: None,
            certain: true,
            because: Because::Grant { id: GrantId(1) },
        });
        Standing {
            state: State::Good { until: None },
            access: access.collect(),
        }
    }

    fn access(opens: &[(&str, u16)]) -> Vec<ZoneAccess> {
        let opens = opens.iter().map(|(name, schedule)| ZoneAccess {
            membership: of(name),
            schedule: *schedule,
        });
        opens.collect()
    }

    fn schedules(windows: Vec<Window>) -> Vec<Schedule> {
        vec![
            Schedule::always(),
            Schedule { windows },
            Schedule::default(),
        ]
    }

    const MORNING: Window = Window {
        days: 0b1,
        from: 480,
        to: 720,
    };

    fn compare(before: &[(&str, u16)], after: &[(&str, u16)]) -> Difference {
        let members = [
            (MemberId(1), standing(&["full"])),
            (MemberId(2), standing(&["day"])),
            (MemberId(3), standing(&["full", "day"])),
        ];
        let schedules = schedules(vec![MORNING]);
        let [before, after] = [access(before), access(after)];
        let opening = |access| Opening {
            access,
            schedules: &schedules,
        };
        difference(&members, [opening(&before), opening(&after)], Timestamp(0))
    }

    #[test]
    fn a_change_names_whom_it_concerns() {
        let ids = |ids: &[i64]| ids.iter().map(|id| MemberId(*id)).collect::<Vec<_>>();
        let opened = compare(&[("full", 0)], &[("full", 0), ("day", 1)]);
        assert_eq!(
            (opened.gain, opened.lose, opened.other_hours),
            (ids(&[2]), ids(&[]), ids(&[]))
        );
        let closed = compare(&[("full", 0), ("day", 1)], &[("day", 1)]);
        assert_eq!(
            (closed.gain, closed.lose, closed.other_hours),
            (ids(&[]), ids(&[1]), ids(&[3]))
        );
        assert!(compare(&[("full", 0)], &[("full", 0)]).is_empty());
        // A schedule that is never open opens nothing.
        assert_eq!(compare(&[("day", 1)], &[("day", 2)]).lose, ids(&[2, 3]));
    }

    #[test]
    fn windows_that_say_the_same_are_no_change() {
        let members = [(MemberId(1), standing(&["day"]))];
        let access = access(&[("day", 1)]);
        let halves = [(480, 600), (600, 720)].map(|(from, to)| Window {
            from,
            to,
            ..MORNING
        });
        let [before, after] = [schedules(vec![MORNING]), schedules(halves.to_vec())];
        let opening = |schedules| Opening {
            access: &access,
            schedules,
        };
        let both = [opening(&before), opening(&after)];
        assert!(difference(&members, both, Timestamp(0)).is_empty());
    }

    #[test]
    fn who_loses_one_zone_loses() {
        let one = Difference {
            lose: vec![MemberId(1)],
            gain: vec![MemberId(2)],
            ..Difference::default()
        };
        let other = Difference {
            gain: vec![MemberId(1)],
            other_hours: vec![MemberId(2), MemberId(3)],
            ..Difference::default()
        };
        let both = one.and(other);
        assert_eq!(both.lose, [MemberId(1)]);
        assert_eq!(both.gain, [MemberId(2)]);
        assert_eq!(both.other_hours, [MemberId(3)]);
    }
}
