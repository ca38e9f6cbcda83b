//! Letters that the clock gives reason for: patience that ends soon, and what happened in a week.

use crate::app::{App, Step};
use crate::store::letters::{Content, Digest, Letter, Reader, put};
use crate::store::{Tx, places, weeks};
use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use shared::standing::State;
use shared::time::{Span, Timestamp};

/// So long before the patience with a failed payment ends, its payer is told.
const BEFORE: Span = Span::days(3);
/// A week that nobody could be told of for so long is past.
const LATE: Span = Span::days(1);

/// How often the clock is asked.
pub const REMIND_EVERY: Span = Span::minutes(5);

impl App {
    /// Puts the letters that the clock gives reason for.
    pub async fn remind(&self, now: Timestamp) -> Step<()> {
        let mut tx = self.store.begin().await?;
        self.warn_of_grace(&mut tx, now).await?;
        self.tell_week(&mut tx, now).await?;
        tx.commit().await
    }

    async fn warn_of_grace(&self, tx: &mut Tx, now: Timestamp) -> Step<()> {
        for (member, state) in weeks::in_grace(tx, &self.organisation, now + BEFORE).await? {
            let State::Grace { until } = state else {
                continue;
            };
            if until <= now || until > now + BEFORE {
                continue;
            }
            let letter = Letter {
                reader: Reader::Member(member),
                content: Content::GraceEnds { until },
                cause: &until.to_string(),
                secret: None,
            };
            put(tx, &self.organisation, letter, now);
        }
        Ok(())
    }

    async fn tell_week(&self, tx: &mut Tx, now: Timestamp) -> Step<()> {
        let zone = places::time_zone(tx, &self.organisation).await?;
        let Some((from, until)) = week_before(&zone, now) else {
            return Ok(());
        };
        let cause = format!("week to {until}");
        if until + LATE < now || weeks::is_told(tx, &self.organisation, &cause).await? {
            return Ok(());
        }
        let numbers = weeks::numbers(tx, &self.organisation, (from, until)).await?;
        let digest = Digest {
            from,
            until,
            joined: numbers.joined,
            lapsed: numbers.lapsed,
            grace: numbers.grace,
            unmatched: numbers.unmatched,
        };
        for staff in weeks::readers(tx, &self.organisation).await? {
            let letter = Letter {
                reader: Reader::Staff(staff),
                content: Content::Digest(digest),
                cause: &cause,
                secret: None,
            };
            put(tx, &self.organisation, letter, now);
        }
        Ok(())
    }
}

/// The last week that ended on a Monday at eight, by the clock of a zone.
fn week_before(zone: &str, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let here = jiff::Timestamp::from_millisecond(now.0)
        .ok()?
        .to_zoned(zone.clone());
    let days = here.weekday().since(Weekday::Monday);
    let monday = here.date().checked_sub(i32::from(days).days()).ok()?;
    let eight = |date: jiff::civil::Date| -> Option<Zoned> {
        date.to_datetime(time(8, 0, 0, 0))
            .to_zoned(zone.clone())
            .ok()
    };
    let mut until = eight(monday)?;
    if until.timestamp() > here.timestamp() {
        until = eight(monday.checked_sub(7.days()).ok()?)?;
    }
    let from = eight(until.date().checked_sub(7.days()).ok()?)?;
    let moment = |zoned: Zoned| Timestamp(zoned.timestamp().as_millisecond());
    Some((moment(from), moment(until)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_ends_on_monday_at_eight_by_the_clock_of_the_place() {
        let at = |text: &str| {
            let at: jiff::Timestamp = text.parse().expect("a moment");
            Timestamp(at.as_millisecond())
        };
        for (zone, now, from, until) in [
            (
                "UTC",
                "2026-01-05T08:00:00Z",
                "2025-12-29T08:00:00Z",
                "2026-01-05T08:00:00Z",
            ),
            (
                "UTC",
                "2026-01-05T07:59:59Z",
                "2025-12-22T08:00:00Z",
                "2025-12-29T08:00:00Z",
            ),
            (
                "UTC",
                "2026-01-11T23:00:00Z",
                "2025-12-29T08:00:00Z",
                "2026-01-05T08:00:00Z",
            ),
            // The clock was put forward on Sunday.
            (
                "Europe/Berlin",
                "2026-03-30T06:00:00Z",
                "2026-03-23T07:00:00Z",
                "2026-03-30T06:00:00Z",
            ),
            // It is Monday there already.
            (
                "Pacific/Auckland",
                "2026-01-04T20:00:00Z",
                "2025-12-28T19:00:00Z",
                "2026-01-04T19:00:00Z",
            ),
        ] {
            let week = week_before(zone, at(now));
            assert_eq!(week, Some((at(from), at(until))), "{zone} {now}");
        }
    }
}
