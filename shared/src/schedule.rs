//! Weekly windows, and what holds on holidays.

use crate::calendar::Calendar;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Minutes in a day.
pub const DAY_MINUTES: u16 = 1440;
/// The bit that stands for holidays beside the seven weekdays.
pub const HOLIDAY: u8 = 1 << 7;

/// Open on some days between two minutes of the local day.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    minicbor::Encode,
    minicbor::Decode,
)]
pub struct Window {
    /// Bit 0 is Monday, bit 6 Sunday, bit 7 holidays. On a holiday only bit 7 counts.
    #[n(0)]
    pub days: u8,
    /// First open minute, 0 to 1439.
    #[n(1)]
    pub from: u16,
    /// First closed minute, 1 to 1440.
    #[n(2)]
    pub to: u16,
}

/// When a right may be used.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    minicbor::Encode,
    minicbor::Decode,
)]
pub struct Schedule {
    /// Any open window opens.
    #[n(0)]
    pub windows: Vec<Window>,
}

/// A window that no day has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a window runs from minute {from} to {to}: it must end after it begins, at minute 1440 at the latest"
)]
pub struct WindowError {
    from: u16,
    to: u16,
}

impl Schedule {
    /// Open at all times, holidays included.
    #[must_use]
    pub fn always() -> Self {
        Self {
            windows: vec![Window {
                days: 0xff,
                from: 0,
                to: DAY_MINUTES,
            }],
        }
    }

    /// Checks every window.
    pub fn check(&self) -> Result<(), WindowError> {
        match self
            .windows
            .iter()
            .find(|window| window.from >= window.to || window.to > DAY_MINUTES)
        {
            Some(bad) => Err(WindowError {
                from: bad.from,
                to: bad.to,
            }),
            None => Ok(()),
        }
    }

    /// Whether it never closes.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.windows
            .iter()
            .any(|window| window.days == 0xff && window.from == 0 && window.to == DAY_MINUTES)
    }

    /// Whether some window is open at this moment at this location.
    #[must_use]
    pub fn is_open(&self, calendar: &Calendar, at: Timestamp) -> bool {
        let local = calendar.local(at);
        let today = if calendar.is_holiday(local.day) {
            HOLIDAY
        } else {
            1 << local.day.weekday()
        };
        self.windows.iter().any(|window| {
            window.days & today != 0 && window.from <= local.minute && local.minute < window.to
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Day;

    const MONDAY_TEN: Timestamp = Timestamp::from_seconds(4 * 86_400 + 36_000);

    fn weekdays() -> Schedule {
        Schedule {
            windows: vec![Window {
                days: 0b0001_1111,
                from: 540,
                to: 1320,
            }],
        }
    }

    #[test]
    fn a_window_opens_on_its_first_minute_and_closes_on_its_last() {
        let day = |minute: i64| Timestamp::from_seconds(4 * 86_400 + minute * 60);
        let calendar = Calendar::default();
        assert!(!weekdays().is_open(&calendar, day(539)));
        assert!(weekdays().is_open(&calendar, day(540)));
        assert!(weekdays().is_open(&calendar, day(1319)));
        assert!(!weekdays().is_open(&calendar, day(1320)));
    }

    #[test]
    fn on_a_holiday_only_windows_for_holidays_count() {
        let calendar = Calendar {
            holidays: vec![Day(4)],
            ..Calendar::default()
        };
        assert!(!weekdays().is_open(&calendar, MONDAY_TEN));
        let too = Schedule {
            windows: vec![Window {
                days: HOLIDAY,
                from: 600,
                to: 660,
            }],
        };
        assert!(too.is_open(&calendar, MONDAY_TEN));
        assert!(Schedule::always().is_open(&calendar, MONDAY_TEN));
    }

    #[test]
    fn a_window_that_ends_before_it_begins_is_refused() {
        let night = Schedule {
            windows: vec![Window {
                days: 1,
                from: 1320,
                to: 360,
            }],
        };
        assert!(night.check().is_err());
        assert!(weekdays().check().is_ok());
    }
}
