//! Zones: doors that share one policy and one list, and which types open them.

use super::extract::{Asked, At, Body};
use super::organisation::{Approval, refresh};
use super::problem::{Answer, Problem};
use super::values::{Moment, Remark, Title, given};
use super::{Here, State};
use crate::membership::demands::effect;
use crate::said::{Part, Said};
use crate::setup;
use crate::store::rulebook::{HallHours, Hours, ZoneSettings};
use crate::store::{Tx, places};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::allow_list::Epoch;
use shared::ids::{LocationId, MembershipTypeId, ScheduleId, ZoneId};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A zone.
#[derive(Debug, Serialize, ToSchema)]
pub struct Zone {
    /// Its name in addresses.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where.
    pub location: String,
    /// Knobs and lasting states.
    pub settings: Settings,
    /// Which types open it.
    pub access: Vec<Opens>,
    /// The newest revision of its list, as epoch and number.
    pub revision: String,
    /// How many entries its list has: one for each card, and one more for each size that its readers cut a number to.
    pub entries: u64,
    /// Why nothing is published any more.
    pub stopped: Option<String>,
}

/// A type that opens a zone.
#[derive(Debug, Serialize, ToSchema)]
pub struct Opens {
    /// Which type.
    pub membership: String,
    /// On which schedule; none: always.
    pub schedule: Option<String>,
}

/// Knobs and lasting states of a zone.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    /// Seconds an uncertain end is stretched while a door is out of contact; none: two weeks.
    pub offline_grace_seconds: Option<i64>,
    /// Seconds without contact after which only keyholders pass; none: never.
    pub staleness_seconds: Option<i64>,
    /// Refuse scheduled rights while a door's clock is untrusted.
    pub schedules_need_clock: bool,
    /// Only keyholders pass.
    pub lockdown: bool,
    /// Any card passes until then.
    pub open_house_until: Option<Moment>,
    /// The doors stand unlocked until then.
    pub hold_open_until: Option<Moment>,
    /// Besides readers that see whole card numbers there are some that see only so many of the last bytes, such as 3 of
    /// Wiegand with 26 bits.
    pub reader_bytes: BTreeSet<u8>,
    /// Only members pass who have had an induction.
    pub needs_induction: bool,
    /// When the doors stand unlocked by themselves; none: never.
    pub hall_hours: Option<HallHours>,
    /// While this schedule is open, or `always`, a PIN must follow the card; none: never.
    #[schema(value_type = Option<String>)]
    pub pin_schedule: Option<Hours>,
}

impl From<ZoneSettings> for Settings {
    fn from(settings: ZoneSettings) -> Self {
        Self {
            offline_grace_seconds: settings.offline_grace_seconds,
            staleness_seconds: settings.staleness_seconds,
            schedules_need_clock: settings.schedules_need_clock,
            lockdown: settings.lockdown,
            open_house_until: settings.open_house_until.map(Moment::of),
            hold_open_until: settings.hold_open_until.map(Moment::of),
            reader_bytes: settings.reader_bytes,
            needs_induction: settings.needs_induction,
            hall_hours: settings.hall_hours,
            pin_schedule: settings.pin_schedule,
        }
    }
}

/// What is to change; what is left out stays, `null` takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// Why, for the audit log.
    pub reason: Option<Remark>,
    /// Seconds an uncertain end is stretched while a door is out of contact; `null`: two weeks.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub offline_grace_seconds: Option<Option<i64>>,
    /// Seconds without contact after which only keyholders pass; `null`: never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub staleness_seconds: Option<Option<i64>>,
    /// Refuse scheduled rights while a door's clock is untrusted.
    pub schedules_need_clock: Option<bool>,
    /// Only keyholders pass.
    pub lockdown: Option<bool>,
    /// Any card passes until then.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Moment>)]
    pub open_house_until: Option<Option<Moment>>,
    /// The doors stand unlocked until then.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Moment>)]
    pub hold_open_until: Option<Option<Moment>>,
    /// Besides readers that see whole card numbers there are some that see only so many of the last bytes, such as 3 of
    /// Wiegand with 26 bits; an empty list: none.
    pub reader_bytes: Option<BTreeSet<u8>>,
    /// Only members pass who have had an induction.
    pub needs_induction: Option<bool>,
    /// When the doors stand unlocked by themselves; `null`: never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<HallHours>)]
    pub hall_hours: Option<Option<HallHours>>,
    /// While this schedule is open, or `always`, a PIN must follow the card; `null`: never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub pin_schedule: Option<Option<Hours>>,
}

const YEAR: i64 = 366 * 86_400;

impl SettingsChange {
    /// Refuses hours of a schedule that is not there.
    fn expect_schedules(&self, known: &[places::NamedSchedule]) -> Answer<()> {
        let hall = self.hall_hours.as_ref().and_then(Option::as_ref);
        let named = [
            ("hall_hours.schedule", hall.map(|hall| &hall.schedule)),
            (
                "pin_schedule",
                self.pin_schedule.as_ref().and_then(Option::as_ref),
            ),
        ];
        for (field, hours) in named {
            let schedule = hours.and_then(Hours::schedule);
            if schedule.is_some_and(|id| !known.iter().any(|known| known.id == *id)) {
                return Err(Problem::unknown(field, "schedule"));
            }
        }
        Ok(())
    }

    fn apply(self, settings: &mut ZoneSettings, now: Timestamp) -> Answer<()> {
        let seconds = |field: &str, given: Option<Option<i64>>, old: Option<i64>| match given {
            None => Ok(old),
            Some(None) => Ok(None),
            Some(Some(seconds @ 0..=YEAR)) => Ok(Some(seconds)),
            Some(Some(_)) => Err(Problem::field(field, Said::of("refused-zone-seconds"))),
        };
        let moment = |field: &str, given: Option<Option<Moment>>, old: Option<i64>| match given {
            None => Ok(old),
            Some(None) => Ok(None),
            Some(Some(Moment(at))) if at > now => Ok(Some(at.0)),
            Some(Some(_)) => Err(Problem::field(field, Said::of("refused-ahead-or-null"))),
        };
        settings.offline_grace_seconds = seconds(
            "offline_grace_seconds",
            self.offline_grace_seconds,
            settings.offline_grace_seconds,
        )?;
        settings.staleness_seconds = seconds(
            "staleness_seconds",
            self.staleness_seconds,
            settings.staleness_seconds,
        )?;
        settings.open_house_until = moment(
            "open_house_until",
            self.open_house_until,
            settings.open_house_until,
        )?;
        settings.hold_open_until = moment(
            "hold_open_until",
            self.hold_open_until,
            settings.hold_open_until,
        )?;
        settings.schedules_need_clock = self
            .schedules_need_clock
            .unwrap_or(settings.schedules_need_clock);
        settings.lockdown = self.lockdown.unwrap_or(settings.lockdown);
        if let Some(counts) = self.reader_bytes {
            let sizes = 3..10_u8;
            if !counts.iter().all(|count| sizes.contains(count)) {
                let detail = Said::of("refused-reader-bytes");
                return Err(Problem::field("reader_bytes", detail));
            }
            settings.reader_bytes = counts;
        }
        settings.needs_induction = self.needs_induction.unwrap_or(settings.needs_induction);
        if let Some(hall_hours) = self.hall_hours {
            settings.hall_hours = hall_hours;
        }
        if let Some(pin_schedule) = self.pin_schedule {
            settings.pin_schedule = pin_schedule;
        }
        Ok(())
    }
}

/// A zone's name and place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneBody {
    /// What people call it.
    pub name: Title,
    /// Where.
    #[schema(value_type = String)]
    pub location: LocationId,
}

/// When a type opens a zone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessBody {
    /// On which schedule; left out: always.
    #[schema(value_type = Option<String>)]
    pub schedule: Option<ScheduleId>,
}

impl From<places::Zone> for Zone {
    fn from(zone: places::Zone) -> Self {
        let opens = |(membership, schedule): (MembershipTypeId, Option<ScheduleId>)| Opens {
            membership: membership.into(),
            schedule: schedule.map(String::from),
        };
        Self {
            id: zone.id.into(),
            name: zone.name,
            location: zone.location.into(),
            settings: zone.settings.into(),
            access: zone.access.into_iter().map(opens).collect(),
            revision: zone.head.revision.to_string(),
            entries: zone.head.entries,
            stopped: zone.head.stopped,
        }
    }
}

/// Finds a zone.
pub async fn find(state: &State, tx: &mut Tx, id: &ZoneId) -> Answer<places::Zone> {
    let all = places::zones(tx, &state.app.organisation).await?;
    all.into_iter()
        .find(|zone| zone.id == *id)
        .ok_or(Problem::not_found("zone"))
}

/// All zones
#[utoipa::path(get, path = "/api/v1/zones", tag = "zones", responses((status = OK, body = Vec<Zone>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<Zone>>> {
    let mut tx = state.app.store.begin_read().await?;
    let all = places::zones(&mut tx, &state.app.organisation).await?;
    Ok(Json(all.into_iter().map(Zone::from).collect()))
}

/// One zone
#[utoipa::path(get, path = "/api/v1/zones/{zone}", tag = "zones", params(("zone" = String, Path)),
    responses((status = OK, body = Zone), Problem))]
pub async fn show(state: Here, At(id): At<ZoneId>) -> Answer<Json<Zone>> {
    Ok(Json(
        find(&state, &mut state.app.store.begin_read().await?, &id)
            .await?
            .into(),
    ))
}

/// Make a zone, or change its name and place
#[utoipa::path(put, path = "/api/v1/zones/{zone}", tag = "zones", params(("zone" = String, Path)),
    request_body = ZoneBody, responses((status = OK, body = Zone), Problem))]
pub async fn put(
    state: Here,
    At(id): At<ZoneId>,
    Body(body): Body<ZoneBody>,
) -> Answer<Json<Zone>> {
    let organisation = &state.app.organisation;
    let mut work = state.work().await?;
    let before = find(&state, &mut work.tx, &id).await.ok().map(Zone::from);
    let (tx, now) = (&mut work.tx, work.now);
    if !places::locations(tx, organisation)
        .await?
        .iter()
        .any(|known| known.id == body.location)
    {
        return Err(Problem::unknown("location", "location"));
    }
    if work.rulebook.zones.contains_key(&id) {
        places::rename_zone(tx, organisation, &id, body.name.as_str()).await?;
        places::move_zone(tx, organisation, &id, &body.location).await?;
        refresh(&state, tx, std::slice::from_ref(&id), now).await?;
    } else {
        let mut epoch = Epoch {
            number: 1,
            id: [0; 8],
        };
        state
            .app
            .with_random(|random| random.fill_bytes(&mut epoch.id));
        setup::zone(
            tx,
            organisation,
            &id,
            body.name.as_str(),
            &body.location,
            epoch,
            now,
        )
        .await?;
    }
    let answer = find(&state, &mut work.tx, &id).await?.into();
    let what = ("zone.put", None, id.as_str());
    state.note_change(&mut work, what, [before.as_ref(), Some(&answer)]);
    state.done(work).await?;
    Ok(Json(answer))
}

/// Change a zone's knobs and lasting states: lockdown, open house, doors held open
#[utoipa::path(patch, path = "/api/v1/zones/{zone}/settings", tag = "zones",
    params(("zone" = String, Path), Approval), request_body = SettingsChange, responses((status = OK, body = Zone), Problem))]
pub async fn settings(
    state: Here,
    At(id): At<ZoneId>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(change): Body<SettingsChange>,
) -> Answer<Json<Zone>> {
    let (app, organisation) = (&state.app, &state.app.organisation);
    let mut work = state.work().await?;
    let found = find(&state, &mut work.tx, &id).await?;
    let before = found.settings.clone();
    let why = change.reason.as_ref().map_or("", Remark::as_str);
    let cause = format!("{id} {why}");
    change.expect_schedules(&places::schedules(&mut work.tx, organisation).await?)?;
    let mut settings = before.clone();
    change.apply(&mut settings, work.now)?;
    let effect = effect(app, &mut work, &id, [&before, &settings]).await?;
    if let Some([one, other]) = effect.alike {
        let detail = Said::of("refused-alike")
            .put("one", Part::word(one))
            .put("other", Part::word(other));
        return Err(Problem::conflict("reader_bytes", detail));
    }
    if !approved && !effect.shut_out.is_empty() {
        return Err(Problem::braked(effect.shut_out));
    }
    setup::zone_settings(&mut work.tx, organisation, &id, &settings, work.now).await?;
    if effect.relists {
        app.reread(&mut work).await?;
        let deed = format!("settings of zone {id}");
        // Nobody's standing hangs on them: the brake would not see it.
        app.derive_all(&mut work, &deed, true).await?;
    }
    let answer = find(&state, &mut work.tx, &id).await?.into();
    let what = ("zone.settings", None, cause.trim_end());
    state.note_change(&mut work, what, [Some(&found.into()), Some(&answer)]);
    state.done(work).await?;
    Ok(Json(answer))
}
