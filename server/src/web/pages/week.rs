//! The last seven days as a drawing: when people came, by day and hour.

use super::look::Look;
use crate::store::visits::{self, Visits, Whose};
use crate::store::{Result, Tx};
use crate::web::values::Moment;
use jiff::ToSpan as _;
use jiff::civil::Date;
use shared::ids::OrganisationId;
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// What every time zone's hours are made of.
const STRETCH: Span = Span::minutes(30);
/// Units of the drawing.
const NAMES: i64 = 70;
const CELL: i64 = 22;
const HEAD: i64 = 20;

/// Cards shown within one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    passed: i64,
    refused: i64,
}

/// An hour in which somebody came.
pub struct Cell {
    pub x: i64,
    /// From 1 to 4: how busy it was, as part of the busiest.
    pub level: i64,
    pub hour: i8,
    pub passed: i64,
    pub refused: i64,
}

impl Cell {
    pub fn says(&self, look: &Look) -> String {
        let (passed, refused) = (&self.passed, &self.refused);
        let words = &look.words;
        words.with_two("visits-counted", ("passed", passed), ("refused", refused))
    }
}

/// A day.
pub struct Day {
    pub name: String,
    pub y: i64,
    pub cells: Vec<Cell>,
    pub passed: i64,
    pub refused: i64,
    /// The hour in which most came; none: nobody came.
    pub busiest: Option<i8>,
}

/// The drawing.
pub struct Week {
    pub days: Vec<Day>,
}

impl Week {
    /// Where the hours stand that have a name.
    pub fn hours(&self) -> Vec<(i64, i64)> {
        let named = (0..24).step_by(3);
        named.map(|hour| (NAMES + hour * CELL, hour)).collect()
    }

    pub fn total(&self) -> i64 {
        self.days.iter().map(|day| day.passed).sum()
    }
}

/// Reads and draws the last seven days, today among them.
pub async fn draw(tx: &mut Tx, look: &Look, organisation: &OrganisationId) -> Result<Week> {
    let today = look.zoned(look.now).date();
    let first = today.saturating_sub(6.days());
    let since = look.start_of(first).map_or(look.now, |start| start.0);
    let visits = visits::counted(tx, Whose::All(organisation), since, STRETCH).await?;
    let hour_of = |at: Timestamp| {
        let at = look.zoned(at);
        (at.date(), at.hour())
    };
    let counts = by_hour(&visits, since, hour_of);
    let busiest = counts.values().map(|count| count.passed).max().unwrap_or(0);
    let days = (0..7).map(|place| {
        let date = first.saturating_add(place.days());
        let name = look.start_of(date).map_or(String::new(), |start: Moment| {
            look.shown(start.0, &look.words.say("format-weekday"))
        });
        day(date, name, HEAD + place * CELL, &counts, busiest)
    });
    Ok(Week {
        days: days.collect(),
    })
}

/// Adds stretches up to the hours of a clock on the wall, which is set forth and back.
fn by_hour(
    visits: &[Visits],
    since: Timestamp,
    hour_of: impl Fn(Timestamp) -> (Date, i8),
) -> BTreeMap<(Date, i8), Count> {
    let mut counts: BTreeMap<(Date, i8), Count> = BTreeMap::new();
    for visits in visits {
        let at = since + Span(STRETCH.0 * visits.place);
        let count = counts.entry(hour_of(at)).or_default();
        count.passed += visits.passed;
        count.refused += visits.refused;
    }
    counts
}

fn day(
    date: Date,
    name: String,
    y: i64,
    counts: &BTreeMap<(Date, i8), Count>,
    busiest: i64,
) -> Day {
    let of_day = counts.range((date, 0)..=(date, 23));
    let cells: Vec<Cell> = of_day
        .map(|((_, hour), count)| Cell {
            x: NAMES + i64::from(*hour) * CELL,
            level: level(count.passed, busiest),
            hour: *hour,
            passed: count.passed,
            refused: count.refused,
        })
        .collect();
    let most = cells.iter().filter(|cell| cell.passed > 0);
    // The earlier of two that are as busy.
    let most = most.max_by_key(|cell| (cell.passed, -cell.hour));
    Day {
        name,
        y,
        busiest: most.map(|cell| cell.hour),
        passed: cells.iter().map(|cell| cell.passed).sum(),
        refused: cells.iter().map(|cell| cell.refused).sum(),
        cells,
    }
}

/// 0 for none, and 4 for the busiest hour.
fn level(count: i64, busiest: i64) -> i64 {
    match busiest {
        0 => 0,
        _ => (count * 4 + busiest - 1) / busiest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn stretches_are_added_up_by_the_hours_of_the_wall() {
        let visit = |place, passed, refused| Visits {
            place,
            passed,
            refused,
        };
        // A zone that is half an hour off: its hours begin in the middle of ours.
        let zone = jiff::tz::Offset::from_seconds(5 * 3600 + 1800).expect("an offset");
        let since = Timestamp::from_seconds(1_767_551_400);
        let hour_of = |at: Timestamp| {
            let at = jiff::Timestamp::from_millisecond(at.0).expect("a moment");
            let at = zone.to_datetime(at);
            (at.date(), at.hour())
        };
        let visits = [
            visit(0, 1, 0),
            visit(1, 2, 1),
            visit(2, 4, 0),
            visit(48, 0, 1),
        ];
        let counts = by_hour(&visits, since, hour_of);
        let monday = date(2026, 1, 5);
        let count = |passed, refused| Count { passed, refused };
        assert_eq!(counts[&(monday, 0)], count(3, 1));
        assert_eq!(counts[&(monday, 1)], count(4, 0));
        assert_eq!(counts[&(date(2026, 1, 6), 0)], count(0, 1));
        let day = day(monday, String::new(), 0, &counts, 4);
        assert_eq!((day.passed, day.refused, day.busiest), (7, 1, Some(1)));
        let levels: Vec<i64> = day.cells.iter().map(|cell| cell.level).collect();
        assert_eq!(levels, [3, 4]);
        assert_eq!((level(0, 0), level(0, 9), level(1, 9)), (0, 0, 1));
    }
}
