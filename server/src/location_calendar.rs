//! A location's time zone as data: UTC transitions for ten years, from the bundled zone database.

use crate::suggest::nearest;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use shared::calendar::{Calendar, Day, Transition};
use shared::time::{Span, Timestamp};

/// The calendar begins and ends at moments that move only so often: one that changed every minute would be a new
/// policy for every door every minute.
const STEP: Span = Span::days(365);
/// How far back doors know the offsets, at least.
const BACK: Span = Span::days(366);
/// How far ahead, at least.
const AHEAD: Span = Span::days(3653);

/// A location's settings make no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No such time zone.
    #[error("`{name}` is not a time zone: {}", hint(.near.as_deref()))]
    Zone {
        /// What was written.
        name: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// Not a date.
    #[error("`{0}` is not a date: write it as 2026-12-24")]
    Date(String),
}

fn hint(near: Option<&str>) -> String {
    match near {
        Some(near) => format!("did you mean {near}?"),
        None => "write a name such as Europe/Berlin or America/New_York".to_owned(),
    }
}

/// The calendar of a zone and its holidays (`YYYY-MM-DD`): offsets from at least a year ago to at least ten years ahead.
pub fn calendar(
    zone: &str,
    holidays: &[String],
    now: Timestamp,
) -> Result<Calendar, CalendarError> {
    let tz = time_zone(zone)?;
    let base = Timestamp(now.0.div_euclid(STEP.0) * STEP.0);
    let start = moment(base - BACK);
    let end = moment(base + STEP + AHEAD);
    let first = tz.to_offset(start).seconds();
    let mut offset = first;
    let mut transitions = Vec::new();
    for transition in tz
        .following(start)
        .take_while(|transition| transition.timestamp() < end)
    {
        let next = transition.offset().seconds();
        // Some entries of the database change only a name.
        if next != offset {
            let at = Timestamp(transition.timestamp().as_millisecond());
            transitions.push(Transition {
                at,
                offset_seconds: next,
            });
            offset = next;
        }
    }
    let mut holidays: Vec<Day> = holidays
        .iter()
        .map(|text| day(text))
        .collect::<Result<_, _>>()?;
    holidays.sort_unstable();
    holidays.dedup();
    Ok(Calendar {
        first_offset_seconds: first,
        transitions,
        holidays,
    })
}

fn time_zone(name: &str) -> Result<TimeZone, CalendarError> {
    // The bundled database only: what doors are told must not depend on the machine that the server runs on.
    let database = TimeZoneDatabase::bundled();
    database.get(name).map_err(|_| {
        let known: Vec<_> = database
            .available()
            .map(|known| known.to_string())
            .collect();
        let near = nearest_zone(name, &known).map(str::to_owned);
        CalendarError::Zone {
            name: name.to_owned(),
            near,
        }
    })
}

/// By a slip in the name, or by the city alone.
fn nearest_zone<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let city = |zone: &'a String| zone.rsplit('/').next().unwrap_or(zone);
    let written = name.trim().replace(' ', "_");
    let whole = known.iter().map(String::as_str);
    let by_city = || {
        let meant = nearest(written.rsplit('/').next()?, known.iter().map(city))?;
        known
            .iter()
            .find(|zone| city(zone) == meant)
            .map(String::as_str)
    };
    nearest(&written, whole).or_else(by_city)
}

/// The first moment after a day in a time zone; none beyond what calendars reach.
#[must_use]
pub fn end_of_day(zone: &str, day: Date) -> Option<Timestamp> {
    let midnight = day.tomorrow().ok()?.to_zoned(time_zone(zone).ok()?).ok()?;
    Some(Timestamp(midnight.timestamp().as_millisecond()))
}

fn moment(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn day(text: &str) -> Result<Day, CalendarError> {
    let wrong = || CalendarError::Date(text.to_owned());
    let date: Date = text.parse().map_err(|_| wrong())?;
    let span = date
        .since(jiff::civil::date(1970, 1, 1))
        .map_err(|_| wrong())?;
    Ok(Day(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 18 November 2026.
    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    fn at(text: &str) -> Timestamp {
        Timestamp(
            text.parse::<jiff::Timestamp>()
                .expect("a moment")
                .as_millisecond(),
        )
    }

    fn of(zone: &str) -> Calendar {
        calendar(zone, &[], NOW).expect("a calendar")
    }

    #[test]
    fn berlin_follows_summer_time_for_ten_years() {
        let berlin = of("Europe/Berlin");
        assert_eq!(berlin.offset_at(at("2026-03-29T00:59:59Z")), 3600);
        assert_eq!(berlin.offset_at(at("2026-03-29T01:00:00Z")), 7200);
        assert_eq!(berlin.offset_at(at("2036-10-26T00:59:59Z")), 7200);
        assert_eq!(berlin.offset_at(at("2036-10-26T01:00:00Z")), 3600);
        assert!(
            berlin
                .transitions
                .is_sorted_by_key(|transition| transition.at)
        );
    }

    #[test]
    fn at_every_hour_the_calendar_shows_what_the_zone_shows() {
        for name in [
            "America/New_York",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "Asia/Kathmandu",
            "UTC",
        ] {
            let calendar = of(name);
            let tz = TimeZoneDatabase::bundled().get(name).expect("a zone");
            let from = NOW - Span::days(365);
            for hour in 0..11 * 365 * 24 {
                let now = from + Span::hours(hour);
                assert_eq!(
                    calendar.offset_at(now),
                    tz.to_offset(moment(now)).seconds(),
                    "{name} {now}"
                );
            }
        }
    }

    #[test]
    fn whatever_the_day_a_year_back_and_ten_years_ahead_are_covered() {
        let tz = TimeZoneDatabase::bundled()
            .get("Europe/Berlin")
            .expect("a zone");
        for days in 0..800 {
            let now = NOW + Span::days(days);
            let calendar = calendar("Europe/Berlin", &[], now).expect("a calendar");
            let (from, to) = (
                moment(now - Span::days(365)),
                moment(now + Span::days(3652)),
            );
            let expected: Vec<_> = tz
                .following(from)
                .take_while(|transition| transition.timestamp() <= to)
                .collect();
            for transition in expected {
                let at = Timestamp(transition.timestamp().as_millisecond());
                assert!(
                    calendar.transitions.iter().any(|known| known.at == at),
                    "day {days}, {at}"
                );
            }
        }
    }

    #[test]
    fn holidays_are_days_of_the_location_written_once_and_in_order() {
        let given = ["2026-12-26", "2026-12-25", "2026-12-26"].map(str::to_owned);
        let calendar = calendar("Europe/Berlin", &given, NOW).expect("a calendar");
        assert_eq!(calendar.holidays.len(), 2);
        assert!(calendar.is_holiday(calendar.local(at("2026-12-24T23:00:00Z")).day));
        assert!(!calendar.is_holiday(calendar.local(at("2026-12-24T22:59:59Z")).day));
    }

    #[test]
    fn what_is_no_zone_or_no_date_is_named_with_what_was_meant() {
        let said = |zone: &str| calendar(zone, &[], NOW).expect_err("no zone").to_string();
        assert_eq!(
            said("Europe/Berlln"),
            "`Europe/Berlln` is not a time zone: did you mean Europe/Berlin?"
        );
        assert_eq!(
            said("Germany/Berlin"),
            "`Germany/Berlin` is not a time zone: did you mean Europe/Berlin?"
        );
        assert_eq!(
            said("Berlin"),
            "`Berlin` is not a time zone: did you mean Europe/Berlin?"
        );
        assert_eq!(
            said("New York"),
            "`New York` is not a time zone: did you mean America/New_York?"
        );
        assert!(
            said("Barsoom/Helium_City")
                .ends_with("write a name such as Europe/Berlin or America/New_York")
        );
        assert!(said("").ends_with("write a name such as Europe/Berlin or America/New_York"));
        assert_eq!(
            calendar("UTC", &["25.12.".to_owned()], NOW),
            Err(CalendarError::Date("25.12.".into()))
        );
        assert_eq!(
            calendar("UTC", &["2026-02-30".to_owned()], NOW),
            Err(CalendarError::Date("2026-02-30".into()))
        );
    }

    #[test]
    fn a_minute_later_the_calendar_is_the_same() {
        assert_eq!(
            calendar("UTC", &[], NOW),
            calendar("UTC", &[], NOW + Span::minutes(1))
        );
        assert_eq!(
            of("Europe/Berlin"),
            calendar("Europe/Berlin", &[], NOW + Span::days(1)).expect("a calendar")
        );
    }
}
