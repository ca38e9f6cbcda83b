//! A location's time zone as data: UTC transitions for ten years, from the bundled zone database.

use crate::suggest::nearest;
use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::Deserialize;
use shared::calendar::{Calendar, Day, Transition};
use shared::time::{Span, Timestamp};
use utoipa::ToSchema;

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

/// The names of all time zones.
#[must_use]
pub fn time_zones() -> Vec<String> {
    let known = TimeZoneDatabase::bundled();
    let known = known.available().map(|zone| zone.to_string());
    let places = known.filter(|zone| zone.contains('/') && !zone.starts_with("Etc/"));
    let mut zones: Vec<String> = places.collect();
    zones.push("UTC".to_owned());
    zones.sort();
    zones
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

/// The first moment after a day in a time zone; beyond what calendars reach, the last or the first moment that they do:
/// 9999-12-31 is how many write that something never ends.
pub fn end_of_day(zone: &str, day: Date) -> Result<Timestamp, CalendarError> {
    let zone = time_zone(zone)?;
    let midnight = day.tomorrow().and_then(|next| next.to_zoned(zone));
    let moment = match midnight {
        Ok(midnight) => midnight.timestamp(),
        Err(_) if day.year() > 0 => jiff::Timestamp::MAX,
        Err(_) => jiff::Timestamp::MIN,
    };
    Ok(Timestamp(moment.as_millisecond()))
}

/// A number of periods of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Periods {
    /// Days on the wall calendar.
    Days(u16),
    /// Weeks on the wall calendar.
    Weeks(u16),
    /// Months of whatever length.
    Months(u16),
    /// Years.
    Years(u16),
}

/// Where periods that begin at `from` end on a time zone's calendar, and the anchor of those that follow; none beyond
/// what calendars reach. Months keep the anchor's day and time of day: from the 31st they end on the last day of a
/// shorter month, and the next on the 31st again.
#[must_use]
pub fn end_of_periods(
    zone: &str,
    (anchor, from): (Timestamp, Timestamp),
    periods: Periods,
) -> Option<(Timestamp, Timestamp)> {
    let zone = time_zone(zone).ok()?;
    let local = |at| moment(at).to_zoned(zone.clone());
    let (anchored, begun) = (local(anchor), local(from));
    let months = |at: &Zoned, count: i32| {
        at.checked_add(jiff::Span::new().try_months(count).ok()?)
            .ok()
    };
    let of = |at: &Zoned| Timestamp(at.timestamp().as_millisecond());
    let count = match periods {
        Periods::Months(count) => i32::from(count),
        Periods::Years(count) => 12 * i32::from(count),
        Periods::Days(count) | Periods::Weeks(count) => {
            let week = matches!(periods, Periods::Weeks(_));
            let days = i32::from(count) * if week { 7 } else { 1 };
            let end = begun
                .checked_add(jiff::Span::new().try_days(days).ok()?)
                .ok()?;
            return Some((of(&end), of(&end)));
        }
    };
    let passed = 12 * i32::from(begun.year() - anchored.year())
        + i32::from(begun.month() - anchored.month());
    let goes_on = months(&anchored, passed).is_some_and(|at| of(&at) == from);
    let (start, count) = if goes_on {
        (anchored, passed + count)
    } else {
        (begun, count)
    };
    Some((of(&start), of(&months(&start, count)?)))
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
    fn months_keep_the_day_and_the_time_of_day_of_their_anchor() {
        let mut from = at("2026-01-31T09:00:00Z");
        let mut anchor = from;
        let mut ends = Vec::new();
        for _ in 0..4 {
            (anchor, from) =
                end_of_periods("Europe/Berlin", (anchor, from), Periods::Months(1)).expect("ends");
            ends.push(from);
        }
        // Ten in the morning in Berlin, in summer an hour earlier by UTC.
        let expected = [
            "2026-02-28T09",
            "2026-03-31T08",
            "2026-04-30T08",
            "2026-05-31T08",
        ];
        assert_eq!(ends, expected.map(|hour| at(&format!("{hour}:00:00Z"))));
        let year = end_of_periods("Europe/Berlin", (anchor, from), Periods::Years(1));
        assert_eq!(year, Some((anchor, at("2027-05-31T08:00:00Z"))));
    }

    #[test]
    fn months_after_days_are_counted_from_where_the_days_end() {
        let from = at("2024-02-29T12:00:00Z");
        let year = end_of_periods("UTC", (from, from), Periods::Years(1));
        assert_eq!(year, Some((from, at("2025-02-28T12:00:00Z"))));
        let days = end_of_periods("UTC", (from, at("2024-03-29T12:00:00Z")), Periods::Days(2));
        let end = at("2024-03-31T12:00:00Z");
        assert_eq!(days, Some((end, end)));
        let month = end_of_periods("UTC", (from, end), Periods::Months(1));
        assert_eq!(month, Some((end, at("2024-04-30T12:00:00Z"))));
        // The night of the change has 23 hours.
        let weeks = end_of_periods(
            "Europe/Berlin",
            (from, at("2026-03-27T11:00:00Z")),
            Periods::Weeks(1),
        );
        let end = at("2026-04-03T10:00:00Z");
        assert_eq!(weeks, Some((end, end)));
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
