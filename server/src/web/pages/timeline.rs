//! A member's last year as a drawing: rows of bars over the months, and the same as a table.

use super::look::Look;
use crate::money;
use crate::store::visits::{self, Visits, Whose};
use crate::store::{Tx, people};
use crate::web::members::MemberView;
use crate::web::problem::Answer;
use crate::web::standing::{StateWord, word};
use crate::web::values::Moment;
use shared::ids::MemberId;
use shared::standing::Standing;
use shared::time::{Span, Timestamp};

/// Units of the drawing: the names of rows, then the time.
const NAMES: i64 = 150;
const WIDTH: i64 = 1000;
const ROW: i64 = 26;
const HEAD: i64 = 24;
/// A bar is seen however short it is.
const NARROWEST: i64 = 3;
const WEEK: Span = Span::days(7);

/// A stretch or a moment of time in a row.
pub struct Mark {
    pub x: i64,
    pub width: i64,
    /// Names its colour.
    pub class: &'static str,
    pub from: String,
    pub until: String,
    pub says: String,
}

/// A row.
pub struct Lane {
    pub name: String,
    pub y: i64,
    pub marks: Vec<Mark>,
}

/// A month's beginning.
pub struct Month {
    pub x: i64,
    pub name: String,
}

/// The drawing.
pub struct Timeline {
    pub years: i64,
    pub lanes: Vec<Lane>,
    pub months: Vec<Month>,
    pub height: i64,
}

/// The time that is drawn.
#[derive(Clone, Copy)]
struct Frame<'a> {
    look: &'a Look,
    from: Timestamp,
    until: Timestamp,
}

impl Frame<'_> {
    fn x(&self, at: Timestamp) -> i64 {
        let at = at.0.clamp(self.from.0, self.until.0) - self.from.0;
        NAMES + at * (WIDTH - NAMES) / (self.until.0 - self.from.0).max(1)
    }

    /// A bar; none if nothing of it lies within the time that is drawn.
    fn bar(
        &self,
        (from, until): (Option<Timestamp>, Option<Timestamp>),
        class: &'static str,
        says: String,
    ) -> Option<Mark> {
        let begins = from.unwrap_or(self.from);
        let ends = until.unwrap_or(self.until);
        if ends <= self.from || begins >= self.until {
            return None;
        }
        let x = self.x(begins);
        let day = |at: Option<Timestamp>| at.map_or(String::new(), |at| self.look.day(&Moment(at)));
        Some(Mark {
            x: x.min(WIDTH - NARROWEST),
            width: (self.x(ends) - x).max(NARROWEST),
            class,
            from: day(from),
            until: day(until),
            says,
        })
    }
}

/// Reads and draws so many of a member's last years.
pub async fn draw(
    tx: &mut Tx,
    look: &Look,
    member: &MemberView,
    name: impl Fn(&str) -> String,
    years: i64,
) -> Answer<Timeline> {
    let id = MemberId(member.id);
    let frame = Frame {
        look,
        from: look.now - Span::days(365 * years),
        until: look.now,
    };
    let before = people::standing_at(tx, id, frame.from).await?;
    let before = before.map(|(_, _, standing)| (frame.from, standing));
    let since = visits::standings(tx, id, frame.from).await?;
    let standings: Vec<(Timestamp, Standing)> = before.into_iter().chain(since).collect();
    let whose = Whose::Holder(member.holder);
    let visits = visits::counted(tx, whose, frame.from, WEEK).await?;
    let say = |key: &str| look.words.say(key);
    let mut lanes = vec![(say("standing"), standing_marks(frame, &standings))];
    lanes.extend(term_lanes(frame, member, name));
    lanes.push((say("payments"), payment_marks(frame, member)));
    lanes.push((say("grants"), deed_marks(frame, member)));
    lanes.push((say("visits"), visit_marks(frame, &visits)));
    let lanes = lanes.into_iter().filter(|(_, marks)| !marks.is_empty());
    let lane = |(place, (name, marks))| Lane {
        name,
        y: HEAD + ROW * place,
        marks,
    };
    let lanes: Vec<Lane> = (0..).zip(lanes).map(lane).collect();
    Ok(Timeline {
        years,
        height: HEAD + ROW * i64::try_from(lanes.len()).unwrap_or(0),
        lanes,
        months: months(frame, years),
    })
}

/// Stretches of one standing, until the next.
fn standing_marks(frame: Frame<'_>, standings: &[(Timestamp, Standing)]) -> Vec<Mark> {
    let words = standings
        .iter()
        .map(|(at, standing)| (*at, word(&standing.state).0));
    let mut stretches: Vec<(Timestamp, StateWord)> = Vec::new();
    for (at, word) in words {
        if stretches.last().is_none_or(|(_, last)| *last != word) {
            stretches.push((at, word));
        }
    }
    let ends = stretches.iter().skip(1).map(|(at, _)| Some(*at));
    let ends: Vec<Option<Timestamp>> = ends.chain([None]).collect();
    let mark = |((at, word), end): (&(Timestamp, StateWord), Option<Timestamp>)| {
        frame.bar((Some(*at), end), word.word(), frame.look.state(word.word()))
    };
    stretches.iter().zip(ends).filter_map(mark).collect()
}

/// A row for each type, in the order in which they began.
fn term_lanes(
    frame: Frame<'_>,
    member: &MemberView,
    name: impl Fn(&str) -> String,
) -> Vec<(String, Vec<Mark>)> {
    let mut lanes: Vec<(String, Vec<Mark>)> = Vec::new();
    for term in &member.terms {
        let name = name(&term.membership);
        let stretch = (Some(term.from.0), term.until.map(|until| until.0));
        let says = match &term.end_cause {
            Some(end) => format!("{name}: {} – {end}", term.cause),
            None => format!("{name}: {}", term.cause),
        };
        let Some(mark) = frame.bar(stretch, "term", says) else {
            continue;
        };
        match lanes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, marks)) => marks.push(mark),
            None => lanes.push((name, vec![mark])),
        }
    }
    lanes
}

fn payment_marks(frame: Frame<'_>, member: &MemberView) -> Vec<Mark> {
    let mark = |payment: &crate::web::payments::Payment| {
        let amount = match (payment.amount, &payment.currency) {
            (Some(amount), Some(currency)) => money::in_words(amount, currency),
            (_, _) => String::new(),
        };
        let class = if payment.voided_at.is_some() {
            "void"
        } else {
            "paid"
        };
        let at = Some(payment.paid_at.0);
        let says = format!("{amount} {} {}", payment.source, payment.reason);
        // A moment, not a stretch.
        let mark = frame.bar((at, at.map(|at| at + Span::seconds(1))), class, says)?;
        Some(Mark {
            until: String::new(),
            ..mark
        })
    };
    member.payments.iter().filter_map(mark).collect()
}

fn deed_marks(frame: Frame<'_>, member: &MemberView) -> Vec<Mark> {
    let until = |until: Option<Moment>| until.map(|until| until.0);
    let grants = member.grants.iter().filter_map(|grant| {
        let stretch = (Some(grant.from.0), until(grant.until));
        frame.bar(stretch, "grant", grant.reason.clone())
    });
    let holds = member.holds.iter().filter_map(|hold| {
        let stretch = (Some(hold.from.0), until(hold.until));
        let says = format!("{}: {}", frame.look.words.say("hold"), hold.reason);
        frame.bar(stretch, "held", says)
    });
    grants.chain(holds).collect()
}

/// A bar for each week; those with a refusal stand out.
fn visit_marks(frame: Frame<'_>, visits: &[Visits]) -> Vec<Mark> {
    let mark = |visits: &Visits| {
        let from = frame.from + Span(WEEK.0 * visits.place);
        let class = match (visits.passed, visits.refused) {
            (_, 1..) => "refused",
            (5.., _) => "often",
            (_, _) => "seldom",
        };
        let (passed, refused) = (&visits.passed, &visits.refused);
        let words = &frame.look.words;
        let says = words.with_two("visits-counted", ("passed", passed), ("refused", refused));
        frame.bar((Some(from), Some(from + WEEK)), class, says)
    };
    visits.iter().filter_map(mark).collect()
}

/// Every month of one year, every second of more.
fn months(frame: Frame<'_>, years: i64) -> Vec<Month> {
    let mut first = frame.look.month_of(frame.from);
    let mut months = Vec::new();
    while let Ok(next) = first.checked_add(jiff::Span::new().months(years)) {
        first = next;
        let Some(at) = frame.look.start_of(first) else {
            break;
        };
        if at.0 >= frame.until {
            break;
        }
        let name = frame
            .look
            .shown(at.0, &frame.look.words.say("format-month"));
        months.push(Month {
            x: frame.x(at.0),
            name,
        });
    }
    months
}
