//! A location's days: its UTC offsets as data, its holidays, and when an office is open to help.

use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A local day: days since 1970-01-01.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    minicbor::Encode,
    minicbor::Decode,
)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct Day(pub i32);

impl Day {
    /// 0 is Monday, 6 is Sunday.
    #[must_use]
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        u8::try_from((i64::from(self.0) + 3).rem_euclid(7)).expect("a remainder of 7 fits")
    }
}

/// From this moment on, local time is UTC plus so many seconds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, minicbor::Encode, minicbor::Decode,
)]
pub struct Transition {
    /// When the offset begins.
    #[n(0)]
    pub at: Timestamp,
    /// Seconds east of UTC.
    #[n(1)]
    pub offset_seconds: i32,
}

/// A location's offsets and holidays, good for years without any zone database.
#[derive(
    Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, minicbor::Encode, minicbor::Decode,
)]
pub struct Calendar {
    /// Seconds east of UTC before the first transition.
    #[n(0)]
    pub first_offset_seconds: i32,
    /// In order of time.
    #[n(1)]
    pub transitions: Vec<Transition>,
    /// Days on which only the windows marked for holidays are open, and nobody works.
    #[n(2)]
    pub holidays: Vec<Day>,
}

/// A local day and the minute in it, 0 to 1439.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// The day on the wall calendar.
    pub day: Day,
    /// Minutes since local midnight.
    pub minute: u16,
}

const DAY_SECONDS: i64 = 86_400;

impl Calendar {
    /// Seconds east of UTC at a moment.
    #[must_use]
    pub fn offset_at(&self, at: Timestamp) -> i32 {
        let passed = self
            .transitions
            .partition_point(|transition| transition.at <= at);
        match passed.checked_sub(1) {
            Some(last) => self.transitions[last].offset_seconds,
            None => self.first_offset_seconds,
        }
    }

    /// What the clock on the wall shows.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> LocalTime {
        let local = at
            .as_seconds()
            .saturating_add(i64::from(self.offset_at(at)));
        let day = i32::try_from(local.div_euclid(DAY_SECONDS)).unwrap_or(if local > 0 {
            i32::MAX
        } else {
            i32::MIN
        });
        let minute =
            u16::try_from(local.rem_euclid(DAY_SECONDS) / 60).expect("a day has 1440 minutes");
        LocalTime {
            day: Day(day),
            minute,
        }
    }

    /// The moment at which the wall shows this; in the hour that a spring night skips, the moment just after.
    #[must_use]
    pub fn moment(&self, day: Day, minute: u16) -> Timestamp {
        let local = i64::from(day.0) * DAY_SECONDS + i64::from(minute) * 60;
        let guess = Timestamp::from_seconds(
            local - i64::from(self.offset_at(Timestamp::from_seconds(local))),
        );
        Timestamp::from_seconds(local - i64::from(self.offset_at(guess)))
    }

    /// Whether the day is listed as a holiday.
    #[must_use]
    pub fn is_holiday(&self, day: Day) -> bool {
        self.holidays.contains(&day)
    }

    /// The first noon of a working day (Monday to Friday, no holiday) at or after a moment: an end that we choose
    /// falls when somebody can help.
    #[must_use]
    pub fn working_noon(&self, at: Timestamp) -> Timestamp {
        const NOON: u16 = 12 * 60;
        let first = self.local(at).day;
        // A year without a working day is a calendar gone wrong; then the moment itself has to do.
        (0..366)
            .map(|ahead| Day(first.0.saturating_add(ahead)))
            .filter(|day| day.weekday() < 5 && !self.is_holiday(*day))
            .map(|day| self.moment(day, NOON))
            .find(|noon| *noon >= at)
            .unwrap_or(at + Span::days(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Berlin around 2026: winter +1 h, summer +2 h from 29 March to 25 October, both at 01:00 UTC.
    fn berlin() -> Calendar {
        Calendar {
            first_offset_seconds: 3600,
            transitions: vec![
                Transition {
                    at: at("2026-03-29T01:00:00Z"),
                    offset_seconds: 7200,
                },
                Transition {
                    at: at("2026-10-25T01:00:00Z"),
                    offset_seconds: 3600,
                },
            ],
            holidays: vec![Day(20_574)], // Friday 1 May 2026
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(
            text.parse::<jiff::Timestamp>()
                .expect("valid")
                .as_millisecond(),
        )
    }

    #[test]
    fn the_wall_clock_follows_summer_time() {
        assert_eq!(berlin().local(at("2026-03-29T00:59:00Z")).minute, 119);
        assert_eq!(berlin().local(at("2026-03-29T01:00:00Z")).minute, 180);
        assert_eq!(berlin().local(at("2026-10-25T01:00:00Z")).minute, 120);
    }

    #[test]
    fn an_end_on_a_weekend_moves_to_monday_noon() {
        assert_eq!(
            berlin().working_noon(at("2026-03-28T09:00:00Z")),
            at("2026-03-30T10:00:00Z")
        );
    }

    #[test]
    fn an_end_in_the_morning_falls_at_noon_and_in_the_afternoon_at_the_next() {
        assert_eq!(
            berlin().working_noon(at("2026-01-13T08:00:00Z")),
            at("2026-01-13T11:00:00Z")
        );
        assert_eq!(
            berlin().working_noon(at("2026-01-13T11:00:00Z")),
            at("2026-01-13T11:00:00Z")
        );
        assert_eq!(
            berlin().working_noon(at("2026-01-13T11:00:01Z")),
            at("2026-01-14T11:00:00Z")
        );
    }

    #[test]
    fn an_end_on_a_holiday_moves_past_it() {
        assert_eq!(
            berlin().working_noon(at("2026-05-01T06:00:00Z")),
            at("2026-05-04T10:00:00Z")
        );
    }

    #[test]
    fn weekdays_are_right() {
        assert_eq!(Day(0).weekday(), 3);
        assert_eq!(Day(-1).weekday(), 2);
        assert_eq!(Day(4).weekday(), 0);
    }
}
