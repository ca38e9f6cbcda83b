//! The hours of a week as people type them: a line for each day, like `08:00-12:00, 14:00-22:00`.

use crate::said::Said;
use crate::web::problem::{Answer, Problem};
use crate::web::schedules::{DAYS, Weekday, Window};

/// The names of the days' fields, holidays last.
pub const FIELDS: [&str; 8] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"];

/// The lines of a schedule.
pub fn written(windows: &[Window]) -> [String; 8] {
    DAYS.map(|day| {
        let open = windows.iter().filter(|window| window.days.contains(&day));
        let mut open: Vec<String> = open
            .map(|window| format!("{}-{}", window.from, window.to))
            .collect();
        open.sort();
        open.join(", ")
    })
}

/// Reads the lines; days that are open alike become one window.
pub fn read(lines: &[&str; 8]) -> Answer<Vec<Window>> {
    let mut windows: Vec<Window> = Vec::new();
    for ((day, field), line) in DAYS.into_iter().zip(FIELDS).zip(lines) {
        for part in line.split([',', ';']).map(str::trim) {
            if part.is_empty() {
                continue;
            }
            let (from, to) = hours(part).ok_or_else(|| wrong(field))?;
            add(&mut windows, day, from, to);
        }
    }
    Ok(windows)
}

fn wrong(field: &str) -> Problem {
    let valid = Said::of("refused-hours");
    Problem::field(field, valid)
}

fn add(windows: &mut Vec<Window>, day: Weekday, from: String, to: String) {
    let same = |window: &&mut Window| window.from == from && window.to == to;
    match windows.iter_mut().find(same) {
        Some(window) if window.days.contains(&day) => {}
        Some(window) => window.days.push(day),
        None => windows.push(Window {
            days: vec![day],
            from,
            to,
        }),
    }
}

/// From when to when, as the interface writes it.
fn hours(text: &str) -> Option<(String, String)> {
    let (from, to) = text.split_once(['-', '–'])?;
    let (from, to) = (clock(from)?, clock(to)?);
    (from < to).then_some((from, to))
}

fn clock(text: &str) -> Option<String> {
    let (hour, minute) = text
        .trim()
        .split_once([':', '.'])
        .unwrap_or((text.trim(), "00"));
    let number = |text: &str| -> Option<u16> {
        let digits =
            (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok())?
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let good = minute < 60 && hour * 60 + minute <= 1440;
    good.then(|| format!("{hour:02}:{minute:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_written_again() {
        let mut lines = [
            "8-12, 14:00–22",
            "08:00-12:00",
            "",
            "",
            "",
            "0.00-24",
            "",
            "10:30-11",
        ];
        let windows = read(&lines).expect("hours");
        assert_eq!(windows.len(), 4, "{windows:?}");
        assert_eq!(windows[0].days, [Weekday::Mon, Weekday::Tue]);
        let again = written(&windows);
        lines[0] = "08:00-12:00, 14:00-22:00";
        lines[5] = "00:00-24:00";
        lines[7] = "10:30-11:00";
        assert_eq!(again, lines);
        assert_eq!(
            read(&again.each_ref().map(String::as_str)).expect("hours"),
            windows
        );
    }

    #[test]
    fn what_are_no_hours_is_told_by_its_day() {
        for line in [
            "8",
            "8-8",
            "22-6",
            "8-25",
            "8:60-9",
            "a-b",
            "8--9",
            "8-9 10-11",
            "+8-9",
        ] {
            let problem = read(&["", "", line, "", "", "", "", ""]).expect_err(line);
            assert_eq!(problem.field.as_deref(), Some("wed"), "{line}");
        }
    }
}
