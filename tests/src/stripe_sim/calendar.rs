//! Civil dates for billing periods, all in UTC.

/// Length of a day in seconds.
pub(crate) const DAY: i64 = 86_400;
/// Length of an hour in seconds.
pub(crate) const HOUR: i64 = 3_600;

/// The unit of a recurring price's period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// A calendar month, clamped to its last day.
    Month,
    /// 12 calendar months.
    Year,
}

impl Interval {
    /// Stripe's word for this interval.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Reads Stripe's word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month, Self::Year]
            .into_iter()
            .find(|interval| interval.as_str() == word)
    }
}

/// The first end of a period later than `after`, counted from `anchor` so that the 31st does not drift.
///
/// docs.stripe.com/billing/subscriptions/billing-cycle: an anchor on the 31st bills on the last day of shorter months.
pub(crate) fn next_boundary(anchor: i64, after: i64, interval: Interval, count: i64) -> i64 {
    let count = count.max(1);
    match interval {
        Interval::Day => next_fixed(anchor, after, DAY * count),
        Interval::Week => next_fixed(anchor, after, 7 * DAY * count),
        Interval::Month => next_months(anchor, after, count),
        Interval::Year => next_months(anchor, after, 12 * count),
    }
}

fn next_fixed(anchor: i64, after: i64, step: i64) -> i64 {
    anchor + ((after - anchor).div_euclid(step) + 1) * step
}

fn next_months(anchor: i64, after: i64, step: i64) -> i64 {
    let mut k = (after - anchor).div_euclid(31 * DAY * step) - 1;
    loop {
        let candidate = add_months(anchor, k * step);
        if candidate > after {
            return candidate;
        }
        k += 1;
    }
}

/// `time` moved by whole months, clamped to the month's last day.
pub(crate) fn add_months(time: i64, months: i64) -> i64 {
    let (year, month, day) = date(time.div_euclid(DAY));
    let index = year * 12 + (month - 1) + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
    let day = day.min(days_in_month(year, month));
    days(year, month, day) * DAY + time.rem_euclid(DAY)
}

/// Unix seconds of a UTC date and hour; for tests that speak of dates.
pub fn utc(year: i64, month: i64, day: i64, hour: i64) -> i64 {
    days(year, month, day) * DAY + hour * HOUR
}

fn leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in_month(year: i64, month: i64) -> i64 {
    const DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if month == 2 && leap(year) {
        return 29;
    }
    usize::try_from(month - 1)
        .ok()
        .and_then(|index| DAYS.get(index).copied())
        .unwrap_or(31)
}

/// Days since 1970-01-01; years are counted from March so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month > 2 { year } else { year - 1 };
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let leap_days = shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400);
    shifted * 365 + leap_days + day_of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
pub(crate) fn date(day_number: i64) -> (i64, i64, i64) {
    let mut year = 1970 + day_number.div_euclid(366);
    while days(year + 1, 1, 1) <= day_number {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days(year, month + 1, 1) <= day_number {
        month += 1;
    }
    (year, month, day_number - days(year, month, 1) + 1)
}
