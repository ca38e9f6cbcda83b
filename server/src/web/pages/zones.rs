//! Zones: who may enter when, and every knob in plain words.

use super::confirm::{self, Pairs};
use super::form::Form;
use super::look::Look;
use super::today::{DoorLine, door_lines};
use super::{see, shown};
use crate::said::Said;
use crate::store::places;
use crate::store::rulebook::{HallHours, Hours};
use crate::web::Here;
use crate::web::access::{self, AccessTable, Opener};
use crate::web::extract::{Asked, At, Body};
use crate::web::organisation::{self, Approval, Location};
use crate::web::problem::{Answer, Problem};
use crate::web::schedules::{self, ScheduleView};
use crate::web::values::{Moment, Remark, Title};
use crate::web::zones::{self, SettingsChange, Zone, ZoneBody};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{LocationId, MembershipTypeId, ZoneId};
use std::collections::BTreeSet;

#[derive(Template)]
#[template(path = "zones.html")]
struct Page {
    look: Look,
    zones: Vec<Zone>,
    locations: Vec<Location>,
}

/// All zones and locations.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    let Json(zones) = zones::list(state.clone()).await?;
    let Json(locations) = organisation::locations(state).await?;
    Ok(shown(&Page {
        look,
        zones,
        locations,
    }))
}

/// A new zone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    id: ZoneId,
    name: Title,
    location: LocationId,
}

fn back(look: &Look, zone: &ZoneId) -> Response {
    see(&look.to(&format!("/admin/zones/{zone}")))
}

/// Makes a zone, and shows it.
pub async fn create(state: Here, look: Look, Form(new): Form<New>) -> Answer<Response> {
    let New { id, name, location } = new;
    let Json(known) = zones::list(state.clone()).await?;
    if known.iter().any(|known| known.id == id.as_str()) {
        let detail = Said::of("refused-zone-name");
        return Err(Problem::conflict("id", detail));
    }
    let body = ZoneBody { name, location };
    drop(zones::put(state, At(id.clone()), Body(body)).await?);
    Ok(back(&look, &id))
}

#[derive(Template)]
#[template(path = "zone.html")]
struct ZonePage {
    look: Look,
    zone: Zone,
    doors: Vec<DoorLine>,
    types: Vec<places::Type>,
    schedules: Vec<ScheduleView>,
    locations: Vec<Location>,
}

impl ZonePage {
    /// When a type opens the zone, as the form has it: a schedule, `always`, or nothing.
    fn when(&self, membership: &MembershipTypeId) -> &str {
        let mut opens = self.zone.access.iter();
        let opens = opens.find(|opens| opens.membership == membership.as_str());
        opens.map_or("", |opens| {
            opens.schedule.as_deref().unwrap_or(Hours::ALWAYS)
        })
    }

    fn chosen(&self, given: &str, hours: &str) -> bool {
        given == hours
    }

    fn hours_of(&self, seconds: &Option<i64>) -> String {
        hours(*seconds).map_or(String::new(), |hours| hours.to_string())
    }

    fn pin_hours(&self) -> String {
        let hours = self.zone.settings.pin_schedule.clone();
        hours.map_or(String::new(), String::from)
    }

    fn hall_hours(&self) -> String {
        let hall = self.zone.settings.hall_hours.clone();
        hall.map_or(String::new(), |hall| hall.schedule.into())
    }

    fn first_in(&self) -> bool {
        let hall = self.zone.settings.hall_hours.as_ref();
        hall.is_some_and(|hall| hall.first_in)
    }

    fn reader_bytes(&self) -> String {
        let sizes = self.zone.settings.reader_bytes.iter();
        let sizes: Vec<String> = sizes.map(u8::to_string).collect();
        sizes.join(", ")
    }

    fn lasts(&self, until: &Option<Moment>) -> bool {
        until.is_some_and(|until| self.look.now < until.0)
    }
}

/// Whole hours, rounded up.
fn hours(seconds: Option<i64>) -> Option<i64> {
    seconds.map(|seconds| (seconds + 3599) / 3600)
}

/// One zone.
pub async fn one(state: Here, look: Look, At(id): At<ZoneId>) -> Answer<Response> {
    let Json(zone) = zones::show(state.clone(), At(id)).await?;
    let mut doors = door_lines(&state).await?;
    doors.retain(|line| line.door.zone == zone.id);
    let Json(schedules) = schedules::list(state.clone()).await?;
    let Json(locations) = organisation::locations(state.clone()).await?;
    let mut tx = state.app.store.begin_read().await?;
    let types = places::types(&mut tx, &state.app.organisation).await?;
    Ok(shown(&ZonePage {
        look,
        zone,
        doors,
        types,
        schedules,
        locations,
    }))
}

/// A zone's name and place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    name: Title,
    location: LocationId,
}

/// Renames a zone, or moves it.
pub async fn rename(
    state: Here,
    look: Look,
    At(id): At<ZoneId>,
    Form(Named { name, location }): Form<Named>,
) -> Answer<Response> {
    let body = ZoneBody { name, location };
    drop(zones::put(state, At(id.clone()), Body(body)).await?);
    Ok(back(&look, &id))
}

/// Reads a field for each type: a schedule or `always`; what is empty opens nothing.
fn table(pairs: &Pairs) -> Answer<AccessTable> {
    let opener = |(field, when): &(String, String)| {
        let valid = || Problem::field(field, Said::of("refused-from-the-list"));
        let membership = field.strip_prefix("type-").ok_or_else(valid)?;
        let hours: Hours = when.clone().try_into().map_err(|_| valid())?;
        Ok(Opener {
            membership: MembershipTypeId::new(membership).map_err(|_| valid())?,
            schedule: hours.schedule().cloned(),
        })
    };
    let access = pairs.iter().map(opener).collect::<Answer<_>>()?;
    Ok(AccessTable { access })
}

/// Changes who may enter when; whom that concerns is looked at first.
pub async fn change_access(
    state: Here,
    look: Look,
    At(id): At<ZoneId>,
    Form(mut pairs): Form<Pairs>,
) -> Answer<Response> {
    let sure = confirm::take_yes(&mut pairs);
    let table = table(&pairs)?;
    if !sure {
        let asked = Body(table.clone());
        let Json(preview) = access::preview(state.clone(), At(id.clone()), asked).await?;
        if !preview.is_empty() {
            let title = look.words.say("zone-who");
            let path = format!("/admin/zones/{id}/access");
            return Ok(confirm::ask(look, title, &path, preview, pairs));
        }
    }
    let approval = Approval { approved: sure };
    drop(access::put_all(state, At(id.clone()), Asked(approval), Body(table)).await?);
    Ok(back(&look, &id))
}

/// The knobs as the form has them; empty is the default.
#[derive(Clone, serde::Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    offline_grace_hours: Option<i64>,
    staleness_hours: Option<i64>,
    #[serde(default)]
    schedules_need_clock: bool,
    #[serde(default)]
    needs_induction: bool,
    pin_schedule: Option<Hours>,
    hall_schedule: Option<Hours>,
    #[serde(default)]
    first_in: bool,
    #[serde(default)]
    reader_bytes: String,
    #[serde(default)]
    reason: String,
    #[serde(default, skip_serializing)]
    sure: bool,
}

/// What a field for hours changes; as it is shown, it changes nothing.
fn seconds(old: Option<i64>, given: Option<i64>) -> Option<Option<i64>> {
    let seconds = given.map(|hours| hours.saturating_mul(3600));
    (hours(old) != given).then_some(seconds)
}

impl Knobs {
    fn change(&self, zone: &Zone) -> Answer<SettingsChange> {
        let old = &zone.settings;
        let sizes = self.reader_bytes.split([',', ' ']);
        let sizes = sizes.map(str::trim).filter(|size| !size.is_empty());
        let valid = |_| Problem::field("reader_bytes", Said::of("refused-card-bytes"));
        let sizes: BTreeSet<u8> = sizes
            .map(|size| size.parse().map_err(valid))
            .collect::<Answer<_>>()?;
        let hall = self.hall_schedule.clone().map(|schedule| HallHours {
            schedule,
            first_in: self.first_in,
        });
        Ok(SettingsChange {
            reason: reason(&self.reason)?,
            offline_grace_seconds: seconds(old.offline_grace_seconds, self.offline_grace_hours),
            staleness_seconds: seconds(old.staleness_seconds, self.staleness_hours),
            schedules_need_clock: Some(self.schedules_need_clock),
            needs_induction: Some(self.needs_induction),
            reader_bytes: Some(sizes),
            hall_hours: Some(hall),
            pin_schedule: Some(self.pin_schedule.clone()),
            ..SettingsChange::default()
        })
    }

    fn pairs(&self) -> Pairs {
        let text = serde_html_form::to_string(self).unwrap_or_default();
        serde_html_form::from_str(&text).unwrap_or_default()
    }
}

fn reason(text: &str) -> Answer<Option<Remark>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let read = text.parse::<Remark>();
    read.map(Some)
        .map_err(|rule: &str| Problem::field("reason", format!("{rule}.")))
}

/// Turns a zone's knobs; if that shuts out many, it is asked first.
pub async fn change_knobs(
    state: Here,
    look: Look,
    At(id): At<ZoneId>,
    Form(knobs): Form<Knobs>,
) -> Answer<Response> {
    let Json(zone) = zones::show(state.clone(), At(id.clone())).await?;
    let change = knobs.change(&zone)?;
    let approval = Approval {
        approved: knobs.sure,
    };
    match zones::settings(state.clone(), At(id.clone()), Asked(approval), Body(change)).await {
        Ok(_) => Ok(back(&look, &id)),
        Err(problem) => {
            let preview = confirm::braked(&state, problem).await?;
            let title = look.words.say("zone-knobs");
            let path = format!("/admin/zones/{id}/settings");
            Ok(confirm::ask(look, title, &path, preview, knobs.pairs()))
        }
    }
}

/// What stands open.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opened {
    /// The doors are unlocked.
    Doors,
    /// Any card passes.
    House,
}

/// What stands open until when, and why; no moment: no longer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    what: Opened,
    #[serde(default)]
    until: String,
    reason: Remark,
}

/// Holds a zone's doors open, or lets any card pass, until a moment; or ends that.
pub async fn open(
    state: Here,
    look: Look,
    At(id): At<ZoneId>,
    Form(Open {
        what,
        until,
        reason,
    }): Form<Open>,
) -> Answer<Response> {
    let valid = Said::of("refused-day-and-time");
    let until = match until.as_str() {
        "" => None,
        until => Some(
            look.at(until)
                .ok_or_else(|| Problem::field("until", valid))?,
        ),
    };
    let mut change = SettingsChange {
        reason: Some(reason),
        ..SettingsChange::default()
    };
    match what {
        Opened::Doors => change.hold_open_until = Some(until),
        Opened::House => change.open_house_until = Some(until),
    }
    let approval = Approval { approved: false };
    drop(zones::settings(state, At(id.clone()), Asked(approval), Body(change)).await?);
    Ok(back(&look, &id))
}
