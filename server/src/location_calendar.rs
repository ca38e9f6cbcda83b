//! A location's time zone as data: UTC transitions for ten years, from the bundled zone database.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use shared::calendar::{Calendar, Day, Transition};
use shared::time::{Span, Timestamp};

/// How far ahead doors know the offsets.
const AHEAD: Span = Span::days(3653);
/// How far back.
const BACK: Span = Span::days(366);

/// A location's settings make no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No such time zone.
    #[error("`{0}` is not a time zone: write a name such as Europe/Berlin or America/New_York")]
    Zone(String),
    /// Not a date.
    #[error("`{0}` is not a date: write it as 2026-12-24")]
    Date(String),
}

/// The calendar of a zone and its holidays (`YYYY-MM-DD`), good for ten years from the start of this year.
pub fn calendar(
    zone: &str,
    holidays: &[String],
    now: Timestamp,
) -> Result<Calendar, CalendarError> {
    let tz = TimeZone::get(zone).map_err(|_| CalendarError::Zone(zone.to_owned()))?;
    // From a moment that moves once a year: a calendar that changes every minute would be a new policy every minute.
    const YEAR: i64 = Span::days(365).0;
    let base = Timestamp(now.0.div_euclid(YEAR) * YEAR);
    let start = moment(base - BACK);
    let end = moment(base + AHEAD);
    let transitions = tz
        .following(start)
        .take_while(|transition| transition.timestamp() < end)
        .map(|transition| Transition {
            at: Timestamp(transition.timestamp().as_millisecond()),
            offset_seconds: transition.offset().seconds(),
        })
        .collect();
    let holidays = holidays
        .iter()
        .map(|text| day(text))
        .collect::<Result<_, _>>()?;
    Ok(Calendar {
        first_offset_seconds: tz.to_offset(start).seconds(),
        transitions,
        holidays,
    })
}

fn moment(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn day(text: &str) -> Result<Day, CalendarError> {
    let wrong = || CalendarError::Date(text.to_owned());
    let date: Date = text.parse().map_err(|_| wrong())?;
    let epoch = jiff::civil::date(1970, 1, 1);
    let span = date.since(epoch).map_err(|_| wrong())?;
    Ok(Day(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    #[test]
    fn berlin_has_twenty_changes_in_ten_years_and_knows_its_holidays() {
        let calendar =
            calendar("Europe/Berlin", &["2026-12-25".to_owned()], NOW).expect("a calendar");
        assert!(
            (20..=24).contains(&calendar.transitions.len()),
            "{}",
            calendar.transitions.len()
        );
        let christmas = Timestamp::from_seconds(1_798_200_000);
        assert!(calendar.is_holiday(calendar.local(christmas).day));
        assert_eq!(calendar.offset_at(christmas), 3600);
    }

    #[test]
    fn what_is_no_zone_or_no_date_is_named() {
        assert_eq!(
            calendar("Mars/Base", &[], NOW),
            Err(CalendarError::Zone("Mars/Base".into()))
        );
        assert_eq!(
            calendar("UTC", &["25.12.".to_owned()], NOW),
            Err(CalendarError::Date("25.12.".into()))
        );
    }

    #[test]
    fn a_minute_later_the_calendar_is_the_same() {
        assert_eq!(
            calendar("UTC", &[], NOW),
            calendar("UTC", &[], NOW + Span::minutes(1))
        );
    }
}
