//! Schedules: weekly windows, and what holds on holidays.

use super::extract::{Asked, At, Body};
use super::organisation::{Approval, refresh};
use super::preview::{Preview, weigh};
use super::problem::{Answer, Problem};
use super::values::Title;
use super::{Here, State};
use crate::app::Work;
use crate::membership::entrance::Opening;
use crate::said::Said;
use crate::setup;
use crate::store::rulebook::{self, Hours};
use crate::store::{Tx, places};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::ids::{ScheduleId, ZoneId};
use shared::schedule::{self, DAY_MINUTES};
use utoipa::ToSchema;

/// A day of the week, or any holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
    /// A holiday, whatever its weekday.
    Holiday,
}

/// In the order of a week, holidays last.
pub const DAYS: [Weekday; 8] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
    Weekday::Holiday,
];

/// Open on some days between two hours of the wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// On which days; on a holiday only `holiday` counts.
    pub days: Vec<Weekday>,
    /// First open minute, like `08:00`.
    pub from: String,
    /// First closed minute, like `22:00`; `24:00` is midnight.
    pub to: String,
}

impl Window {
    fn of(window: schedule::Window) -> Self {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let days = (0..)
            .zip(DAYS)
            .filter(|(bit, _)| window.days >> bit & 1 == 1)
            .map(|(_, day)| day)
            .collect();
        Self {
            days,
            from: clock(window.from),
            to: clock(window.to),
        }
    }

    fn read(&self, index: usize) -> Answer<schedule::Window> {
        let at = |name: &str| format!("windows[{index}].{name}");
        let clock = |name: &str, text: &str| {
            minute(text).ok_or(Problem::field(at(name), Said::of("refused-clock-time")))
        };
        let (from, to) = (clock("from", &self.from)?, clock("to", &self.to)?);
        if from >= to {
            let valid = Said::of("refused-window-order");
            return Err(Problem::field(at("to"), valid));
        }
        if self.days.is_empty() {
            return Err(Problem::field(at("days"), Said::of("refused-some-day")));
        }
        let bits = (0..).zip(DAYS).filter(|(_, day)| self.days.contains(day));
        Ok(schedule::Window {
            days: bits.fold(0, |days, (bit, _)| days | 1_u8 << bit),
            from,
            to,
        })
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok())?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    let all = hour * 60 + minute;
    (minute < 60 && all <= DAY_MINUTES).then_some(all)
}

/// A schedule.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScheduleView {
    /// Its name in addresses.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Any open window opens.
    pub windows: Vec<Window>,
}

/// A schedule's settings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleBody {
    /// What people call it.
    pub name: Title,
    /// Any open window opens.
    pub windows: Vec<Window>,
}

impl ScheduleBody {
    fn read(&self) -> Answer<schedule::Schedule> {
        let windows = self.windows.iter().enumerate();
        let windows = windows.map(|(index, window)| window.read(index));
        Ok(schedule::Schedule {
            windows: windows.collect::<Answer<_>>()?,
        })
    }
}

/// What other hours of a schedule would change in all zones, weighed.
async fn weighed(
    state: &State,
    work: &mut Work,
    id: &ScheduleId,
    after: &schedule::Schedule,
) -> Answer<Preview> {
    let organisation = &state.app.organisation;
    let (before, numbers) = rulebook::schedules(&mut work.tx, organisation).await?;
    let mut changed = before.clone();
    if let Some(number) = numbers.get(id) {
        changed[usize::from(*number)] = after.clone();
    }
    let rulebook = work.rulebook.clone();
    let both = rulebook.zones.values().map(|rules| {
        [&before, &changed].map(|schedules| Opening {
            access: &rules.access,
            schedules,
        })
    });
    let openings: Vec<[Opening<'_>; 2]> = both.collect();
    weigh(work, organisation, &openings).await
}

/// Look at what other hours would do to whom, and change nothing
#[utoipa::path(post, path = "/api/v1/schedules/{schedule}/preview", tag = "organisation",
    params(("schedule" = String, Path)), request_body = ScheduleBody,
    responses((status = OK, body = Preview), Problem))]
pub async fn preview(
    state: Here,
    At(id): At<ScheduleId>,
    Body(body): Body<ScheduleBody>,
) -> Answer<Json<Preview>> {
    let schedule = body.read()?;
    let mut work = state.work().await?;
    Ok(Json(weighed(&state, &mut work, &id, &schedule).await?))
}

async fn all(state: &State, tx: &mut Tx) -> Answer<Vec<ScheduleView>> {
    let schedules = places::schedules(tx, &state.app.organisation).await?;
    Ok(schedules
        .into_iter()
        .map(|known| ScheduleView {
            id: known.id.into(),
            name: known.name,
            windows: known.schedule.windows.into_iter().map(Window::of).collect(),
        })
        .collect())
}

async fn one(state: &State, tx: &mut Tx, id: &ScheduleId) -> Answer<Json<ScheduleView>> {
    let found = all(state, tx)
        .await?
        .into_iter()
        .find(|known| known.id == id.as_str());
    Ok(Json(found.ok_or(Problem::not_found("schedule"))?))
}

/// All schedules
#[utoipa::path(get, path = "/api/v1/schedules", tag = "organisation",
    responses((status = OK, body = Vec<ScheduleView>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<ScheduleView>>> {
    Ok(Json(
        all(&state, &mut state.app.store.begin_read().await?).await?,
    ))
}

/// One schedule
#[utoipa::path(get, path = "/api/v1/schedules/{schedule}", tag = "organisation",
    params(("schedule" = String, Path)), responses((status = OK, body = ScheduleView), Problem))]
pub async fn show(state: Here, At(id): At<ScheduleId>) -> Answer<Json<ScheduleView>> {
    one(&state, &mut state.app.store.begin_read().await?, &id).await
}

/// Make or change a schedule
#[utoipa::path(put, path = "/api/v1/schedules/{schedule}", tag = "organisation",
    params(("schedule" = String, Path), Approval), request_body = ScheduleBody,
    responses((status = OK, body = ScheduleView), Problem))]
pub async fn put(
    state: Here,
    At(id): At<ScheduleId>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<ScheduleBody>,
) -> Answer<Json<ScheduleView>> {
    if id.as_str() == Hours::ALWAYS {
        let detail = Said::of("refused-always");
        return Err(Problem::field("schedule", detail));
    }
    let schedule = body.read()?;
    let mut work = state.work().await?;
    let weighed = weighed(&state, &mut work, &id, &schedule).await?;
    weighed.expect(approved)?;
    let before = one(&state, &mut work.tx, &id).await.ok();
    let (organisation, name) = (&state.app.organisation, body.name.as_str());
    setup::schedule(&mut work.tx, organisation, &id, name, &schedule).await?;
    let zones: Vec<ZoneId> = work.rulebook.zones.keys().cloned().collect();
    refresh(&state, &mut work.tx, &zones, work.now).await?;
    let answer = one(&state, &mut work.tx, &id).await?;
    let what = ("schedule.put", None, id.as_str());
    let before = before.map(|Json(before)| before);
    state.note_change(&mut work, what, [before.as_ref(), Some(&answer.0)]);
    state.done(work).await?;
    Ok(answer)
}
