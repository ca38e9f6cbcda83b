//! An organisation's rules, read once and kept in memory until they change.

use super::catalogue;
use super::journal;
use super::prices::{self, PriceRow};
use super::trip::{Question, Statement};
use super::{Result, StoreError, Tx, json, on};
use crate::billing::tag;
use crate::location_calendar;
use shared::decide::{self, Policy};
use shared::facts::{Rules, TypePolicy};
use shared::ids::{AccountId, IdError, MembershipTypeId, OrganisationId, ScheduleId, ZoneId};
use shared::rights::ZoneAccess;
use shared::schedule::Schedule;
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything that standing and lists need and that seldom changes.
#[derive(Debug, Clone)]
pub struct Rulebook {
    /// Whose.
    pub organisation: OrganisationId,
    /// Type knobs and the calendar.
    pub rules: Rules,
    /// Which types open which zones.
    pub zones: BTreeMap<ZoneId, ZoneRules>,
    /// The type of every price that names one or was given one.
    pub prices: HashMap<(AccountId, String), MembershipTypeId>,
    /// The types that an admin gave to prices, whatever they are called.
    pub mapped: HashMap<(AccountId, String), MembershipTypeId>,
    /// Every `X` that a price names, has no other type for, and that is no type; whatever stands in for it.
    pub unknown: BTreeSet<String>,
    /// What is on record of every price.
    pub on_record: HashMap<(AccountId, String), PriceRow>,
    /// Version of the rules this was read at.
    pub version: i64,
}

/// What a zone's list is built from.
#[derive(Debug, Clone)]
pub struct ZoneRules {
    /// Which types open it, on which schedule.
    pub access: Vec<ZoneAccess>,
    /// Which card key its tokens are made with.
    pub card_key: u32,
    /// Besides readers that see whole card numbers there are some that see only so many of the last bytes.
    pub reader_bytes: BTreeSet<u8>,
    /// Whether only members pass who have had an induction.
    pub needs_induction: bool,
    /// Whether its doors ask for a PIN at some hours.
    pub asks_pin: bool,
    /// How long a door out of contact stretches an uncertain end.
    pub offline_grace: Span,
}

/// A zone's knobs and lasting states, as an admin set them.
#[derive(
    Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct ZoneSettings {
    /// Seconds an uncertain end is stretched while a door is out of contact; none: two weeks.
    pub offline_grace_seconds: Option<i64>,
    /// Seconds without contact after which only keyholders pass; none: never.
    pub staleness_seconds: Option<i64>,
    /// Refuse scheduled rights while a door's clock is untrusted.
    pub schedules_need_clock: bool,
    /// Only keyholders pass.
    pub lockdown: bool,
    /// Any card passes until then, in milliseconds since 1970.
    pub open_house_until: Option<i64>,
    /// The doors stand unlocked until then, in milliseconds since 1970.
    pub hold_open_until: Option<i64>,
    /// Besides readers that see whole card numbers there are some that see only so many of the last bytes.
    pub reader_bytes: BTreeSet<u8>,
    /// Only members pass who have had an induction.
    pub needs_induction: bool,
    /// When the doors stand unlocked by themselves; none: never.
    pub hall_hours: Option<HallHours>,
    /// When a PIN must follow the card: a schedule, or `always`; none: never.
    #[schema(value_type = Option<String>)]
    pub pin_schedule: Option<Hours>,
}

impl ZoneSettings {
    /// How long a door out of contact stretches an uncertain end.
    #[must_use]
    pub fn offline_grace(&self) -> Span {
        let standard = Policy::standard().offline_grace;
        self.offline_grace_seconds.map_or(standard, Span::seconds)
    }
}

/// When doors stand unlocked by themselves.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HallHours {
    /// While this schedule is open, or `always`.
    #[schema(value_type = String)]
    pub schedule: Hours,
    /// Whether they stay locked until a first card has passed in each opening.
    #[serde(default)]
    pub first_in: bool,
}

/// Hours as settings name them: those of a schedule, or all.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Hours {
    /// At all hours.
    Always,
    /// While the schedule is open.
    On(ScheduleId),
}

impl Hours {
    /// The word for all hours; no schedule is called so.
    pub const ALWAYS: &str = "always";

    /// The schedule; none: all hours.
    #[must_use]
    pub fn schedule(&self) -> Option<&ScheduleId> {
        match self {
            Self::Always => None,
            Self::On(schedule) => Some(schedule),
        }
    }
}

impl TryFrom<String> for Hours {
    type Error = IdError;

    fn try_from(text: String) -> std::result::Result<Self, IdError> {
        if text == Self::ALWAYS {
            return Ok(Self::Always);
        }
        ScheduleId::new(text).map(Self::On)
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        match hours {
            Hours::Always => Hours::ALWAYS.to_owned(),
            Hours::On(schedule) => schedule.into(),
        }
    }
}

const VERSION: &str = "rulebook";

/// Asks for the version of the rules now.
pub fn ask_version(tx: &mut Tx) -> Question<(i64,)> {
    let sql = "SELECT value FROM counters WHERE name = $1";
    tx.put([Statement::new(sql).bind(VERSION)])
}

/// The version that was asked for; 0 if the rules were never changed.
pub async fn version(tx: &mut Tx, asked: Question<(i64,)>) -> Result<i64> {
    Ok(tx.answer(asked).await?.first().map_or(0, |row| row.0))
}

/// To be called by whoever changes a row that a rulebook reads, in the same transaction.
pub async fn changed(tx: &mut Tx) -> Result<()> {
    tx.count(VERSION).await?;
    Ok(())
}

/// Reads everything; the journal keeps what is new of it.
pub async fn load(
    tx: &mut Tx,
    organisation: &OrganisationId,
    with_key: bool,
    now: Timestamp,
) -> Result<Rulebook> {
    let asked = ask_version(tx);
    let version = version(tx, asked).await?;
    let types = types(tx, organisation, with_key).await?;
    let calendar = calendar(tx, organisation, None, now).await?;
    let rules = Rules { types, calendar };
    let zones = zones(tx, organisation).await?;
    let on_record = prices::all(tx, organisation).await?;
    let mapped = catalogue::mappings(tx, organisation).await?;
    let mut prices = prices(tx, organisation, &rules, &on_record).await?;
    prices.extend(mapped.clone());
    let unknown = unknown(&rules, &on_record, &mapped);
    let rulebook = Rulebook {
        organisation: organisation.clone(),
        rules,
        zones,
        prices,
        mapped,
        unknown,
        on_record,
        version,
    };
    journal::rules(tx, &rulebook, now);
    Ok(rulebook)
}

async fn types(
    tx: &mut Tx,
    organisation: &OrganisationId,
    with_key: bool,
) -> Result<BTreeMap<MembershipTypeId, TypePolicy>> {
    let sql = "SELECT id, policy FROM membership_types WHERE organisation = $1";
    let rows: Vec<(String, Option<String>)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    rows.into_iter()
        .map(|(id, policy)| {
            let policy = match policy {
                Some(text) => json(&text, "membership_types", "policy", &id)?,
                None => TypePolicy::standard(with_key),
            };
            Ok((name(&id, "membership_types")?, policy))
        })
        .collect()
}

/// A location's calendar; without a location, the organisation's first.
async fn calendar(
    tx: &mut Tx,
    organisation: &OrganisationId,
    location: Option<&str>,
    now: Timestamp,
) -> Result<shared::calendar::Calendar> {
    let sql = "SELECT id, time_zone, holidays FROM locations WHERE organisation = $1 \
               AND ($2 IS NULL OR id = $2) ORDER BY id LIMIT 1";
    let row: Option<(String, String, String)> = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(location).fetch_optional(c).await?);
    let Some((id, zone, holidays)) = row else {
        return Ok(shared::calendar::Calendar::default());
    };
    let holidays: Vec<String> = json(&holidays, "locations", "holidays", &id)?;
    location_calendar::calendar(&zone, &holidays, now).map_err(|_| StoreError::Row {
        table: "locations",
        row: id,
        column: "time_zone",
    })
}

async fn zones(tx: &mut Tx, organisation: &OrganisationId) -> Result<BTreeMap<ZoneId, ZoneRules>> {
    let sql = "SELECT id, card_key, settings FROM zones WHERE organisation = $1";
    let rows: Vec<(String, i64, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    let mut zones = BTreeMap::new();
    for (id, card_key, settings) in rows {
        let card_key = u32::try_from(card_key).map_err(|_| StoreError::Row {
            table: "zones",
            row: id.clone(),
            column: "card_key",
        })?;
        let settings: ZoneSettings = json(&settings, "zones", "settings", &id)?;
        zones.insert(
            name::<ZoneId>(&id, "zones")?,
            ZoneRules {
                access: Vec::new(),
                card_key,
                offline_grace: settings.offline_grace(),
                reader_bytes: settings.reader_bytes,
                needs_induction: settings.needs_induction,
                asks_pin: settings.pin_schedule.is_some(),
            },
        );
    }
    let sql = "SELECT a.zone, a.membership, s.number FROM zone_access a \
               LEFT JOIN schedules s ON s.organisation = a.organisation AND s.id = a.schedule \
               WHERE a.organisation = $1 ORDER BY a.zone, a.membership";
    let rows: Vec<(String, String, Option<i64>)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    for (zone, membership, number) in rows {
        let schedule = u16::try_from(number.unwrap_or(0)).map_err(|_| StoreError::Row {
            table: "schedules",
            row: zone.clone(),
            column: "number",
        })?;
        if let Some(rules) = zones.get_mut(&name(&zone, "zone_access")?) {
            rules.access.push(ZoneAccess {
                membership: name(&membership, "zone_access")?,
                schedule,
            });
        }
    }
    Ok(zones)
}

async fn prices(
    tx: &mut Tx,
    organisation: &OrganisationId,
    rules: &Rules,
    on_record: &HashMap<(AccountId, String), PriceRow>,
) -> Result<HashMap<(AccountId, String), MembershipTypeId>> {
    let sql = "SELECT default_type FROM organisations WHERE id = $1";
    let default: Option<Option<String>> =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_optional(c).await?);
    let default = default
        .flatten()
        .and_then(|text| MembershipTypeId::new(text).ok());
    let types: BTreeSet<MembershipTypeId> = rules.types.keys().cloned().collect();
    let known = |x: &str| {
        tag::match_type(x, &types)
            .membership
            .or_else(|| default.clone())
    };
    Ok(on_record
        .iter()
        .filter_map(|(price, row)| Some((price.clone(), known(row.x.as_deref()?)?)))
        .collect())
}

fn unknown(
    rules: &Rules,
    on_record: &HashMap<(AccountId, String), PriceRow>,
    mapped: &HashMap<(AccountId, String), MembershipTypeId>,
) -> BTreeSet<String> {
    let types: BTreeSet<MembershipTypeId> = rules.types.keys().cloned().collect();
    let named = on_record
        .iter()
        .filter(|(price, _)| !mapped.contains_key(price))
        .filter_map(|(_, row)| row.x.as_deref());
    named
        .filter(|x| tag::match_type(x, &types).membership.is_none())
        .map(str::to_owned)
        .collect()
}

/// A zone's policy as its doors get it.
pub async fn policy(
    tx: &mut Tx,
    organisation: &OrganisationId,
    zone: &ZoneId,
    now: Timestamp,
) -> Result<Policy> {
    let sql = "SELECT settings, location FROM zones WHERE organisation = $1 AND id = $2";
    let (settings, location): (String, String) = on!(tx, c => sqlx::query_as(sql)
        .bind(organisation.as_str()).bind(zone.as_str()).fetch_one(c).await?);
    let settings: ZoneSettings = json(&settings, "zones", "settings", zone)?;
    let calendar = calendar(tx, organisation, Some(&location), now).await?;
    let (schedules, numbers) = schedules(tx, organisation).await?;
    let number = |hours: &Hours| match hours.schedule() {
        None => Ok(0),
        Some(schedule) => numbers.get(schedule).copied().ok_or(StoreError::Missing {
            table: "schedules",
            row: schedule.to_string(),
        }),
    };
    let offline_grace = settings.offline_grace();
    let hall_hours = settings.hall_hours.map(|hall| {
        Ok::<_, StoreError>(decide::HallHours {
            schedule: number(&hall.schedule)?,
            first_in: hall.first_in,
        })
    });
    Ok(Policy {
        schedules,
        calendar,
        offline_grace,
        staleness: settings.staleness_seconds.map(Span::seconds),
        schedules_without_clock: !settings.schedules_need_clock,
        lockdown: settings.lockdown,
        open_house_until: settings.open_house_until.map(Timestamp),
        hold_open_until: settings.hold_open_until.map(Timestamp),
        hall_hours: hall_hours.transpose()?,
        pin_schedule: settings.pin_schedule.as_ref().map(number).transpose()?,
    })
}

/// By number, and the number of each; 0 is always open, a number no longer used never is.
pub async fn schedules(
    tx: &mut Tx,
    organisation: &OrganisationId,
) -> Result<(Vec<Schedule>, BTreeMap<ScheduleId, u16>)> {
    let sql = "SELECT id, number, windows FROM schedules WHERE organisation = $1 ORDER BY number";
    let rows: Vec<(String, i64, String)> =
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).fetch_all(c).await?);
    let mut schedules = vec![Schedule::always()];
    let mut numbers = BTreeMap::new();
    for (id, number, windows) in rows {
        let number = u16::try_from(number).map_err(|_| StoreError::Row {
            table: "schedules",
            row: id.clone(),
            column: "number",
        })?;
        numbers.insert(name(&id, "schedules")?, number);
        let number = usize::from(number);
        schedules.resize(schedules.len().max(number + 1), Schedule::default());
        schedules[number] = Schedule {
            windows: json(&windows, "schedules", "windows", &id)?,
        };
    }
    Ok((schedules, numbers))
}

pub(crate) fn name<T: std::str::FromStr>(text: &str, table: &'static str) -> Result<T> {
    text.parse().map_err(|_| StoreError::Row {
        table,
        row: text.to_owned(),
        column: "id",
    })
}
