//! The organisation and its locations.

use super::extract::{Asked, At, Body};
use super::problem::{Answer, Problem};
use super::values::{Date, Remark, TimeZone, Title, given};
use super::{Here, State};
use crate::doors::publish::refresh_policy;
use crate::setup;
use crate::store::{Tx, places, post};
use crate::words::Words;
use axum::Json;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use shared::ids::{LocationId, MembershipTypeId, ZoneId};
use shared::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// An admin's yes to a change that takes access from many.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Approval {
    /// Go on although the change takes access from many members at once.
    #[serde(default)]
    pub approved: bool,
}

/// One club.
#[derive(Debug, Serialize, ToSchema)]
pub struct Organisation {
    /// Its name in topics.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// In which language letters are written.
    language: String,
    /// The type that stands in for a well-formed but unknown `membertype_X`.
    pub default_type: Option<String>,
}

/// A language that there are words in.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(value_type = String)]
pub struct Language(Words);

impl Language {
    /// Its name (BCP 47).
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.language
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Words::named(&name).map(Self).ok_or_else(|| {
            let known: Vec<&str> = Words::languages().collect();
            D::Error::custom(format!("Write one of {}", known.join(", ")))
        })
    }
}

/// What is to change; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationChange {
    /// What people call it.
    pub name: Option<Title>,
    /// In which language letters are written, like `de`.
    pub language: Option<Language>,
    /// The stand-in type; `null`: none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub default_type: Option<Option<MembershipTypeId>>,
}

async fn read(state: &State, tx: &mut Tx) -> Answer<Json<Organisation>> {
    let (name, default_type) = places::organisation(tx, &state.app.organisation).await?;
    let default_type = default_type.map(String::from);
    Ok(Json(Organisation {
        id: state.app.organisation.to_string(),
        name,
        language: post::language(tx, &state.app.organisation).await?,
        default_type,
    }))
}

/// The organisation
#[utoipa::path(get, path = "/api/v1/organisation", tag = "organisation",
    responses((status = OK, body = Organisation), Problem))]
pub async fn show(state: Here) -> Answer<Json<Organisation>> {
    read(&state, &mut state.app.store.begin_read().await?).await
}

/// Change the organisation
#[utoipa::path(patch, path = "/api/v1/organisation", tag = "organisation", params(Approval),
    request_body = OrganisationChange, responses((status = OK, body = Organisation), Problem))]
pub async fn change(
    state: Here,
    Asked(Approval { approved }): Asked<Approval>,
    Body(change): Body<OrganisationChange>,
) -> Answer<Json<Organisation>> {
    let mut work = state.work().await?;
    let before = read(&state, &mut work.tx).await?;
    if let Some(name) = &change.name {
        places::rename(&mut work.tx, &state.app.organisation, name.as_str()).await?;
    }
    if let Some(language) = change.language {
        post::put_language(&mut work.tx, &state.app.organisation, language.name()).await?;
    }
    if let Some(default) = &change.default_type {
        if let Some(id) = default {
            expect_type(&work.rulebook, "default_type", id)?;
        }
        setup::default_type(&mut work.tx, &state.app.organisation, default.as_ref()).await?;
        state
            .derive_all(
                &mut work,
                "the stand-in membership type was changed",
                approved,
            )
            .await?;
    }
    let answer = read(&state, &mut work.tx).await?;
    let what = ("organisation.change", None, "by hand");
    state.note_change(&mut work, what, [Some(&before.0), Some(&answer.0)]);
    state.done(work).await?;
    Ok(answer)
}

/// Refuses a type that is not there.
pub fn expect_type(
    rulebook: &crate::store::rulebook::Rulebook,
    field: &str,
    id: &MembershipTypeId,
) -> Answer<()> {
    if rulebook.rules.types.contains_key(id) {
        return Ok(());
    }
    Err(Problem::unknown(field, "membership type"))
}

/// An address with its time zone and holidays.
#[derive(Debug, Serialize, ToSchema)]
pub struct Location {
    /// Its name in addresses.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is, for people.
    pub address: String,
    /// Of the IANA database.
    pub time_zone: String,
    /// Days on which only windows for holidays are open.
    pub holidays: Vec<String>,
}

impl From<places::Location> for Location {
    fn from(location: places::Location) -> Self {
        let places::Location {
            id,
            name,
            address,
            time_zone,
            holidays,
        } = location;
        Self {
            id: id.into(),
            name,
            address,
            time_zone,
            holidays,
        }
    }
}

/// A location's settings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationBody {
    /// What people call it.
    pub name: Title,
    /// Where it is, for people; left out: as it was, `null`: nowhere.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub address: Option<Option<Remark>>,
    /// Of the IANA database, like `Europe/Berlin`.
    pub time_zone: TimeZone,
    /// Days like `2026-12-24`.
    #[serde(default)]
    pub holidays: Vec<Date>,
}

/// All locations
#[utoipa::path(get, path = "/api/v1/locations", tag = "organisation",
    responses((status = OK, body = Vec<Location>), Problem))]
pub async fn locations(state: Here) -> Answer<Json<Vec<Location>>> {
    let mut tx = state.app.store.begin_read().await?;
    let all = places::locations(&mut tx, &state.app.organisation).await?;
    Ok(Json(all.into_iter().map(Location::from).collect()))
}

/// One location
#[utoipa::path(get, path = "/api/v1/locations/{location}", tag = "organisation",
    params(("location" = String, Path)), responses((status = OK, body = Location), Problem))]
pub async fn location(state: Here, At(id): At<LocationId>) -> Answer<Json<Location>> {
    one(&state, &mut state.app.store.begin_read().await?, &id).await
}

async fn one(state: &State, tx: &mut Tx, id: &LocationId) -> Answer<Json<Location>> {
    let all = places::locations(tx, &state.app.organisation).await?;
    let found = all.into_iter().find(|location| location.id == *id);
    Ok(Json(found.ok_or(Problem::not_found("location"))?.into()))
}

/// Make or change a location
#[utoipa::path(put, path = "/api/v1/locations/{location}", tag = "organisation",
    params(("location" = String, Path), Approval), request_body = LocationBody,
    responses((status = OK, body = Location), Problem))]
pub async fn put_location(
    state: Here,
    At(id): At<LocationId>,
    Asked(Approval { approved }): Asked<Approval>,
    Body(body): Body<LocationBody>,
) -> Answer<Json<Location>> {
    let organisation = &state.app.organisation;
    let mut holidays: Vec<String> = body
        .holidays
        .iter()
        .map(|day| day.as_str().to_owned())
        .collect();
    holidays.sort();
    holidays.dedup();
    let mut work = state.work().await?;
    let before = one(&state, &mut work.tx, &id).await.ok();
    let (name, zone) = (body.name.as_str(), body.time_zone.as_str());
    setup::location(&mut work.tx, organisation, &id, name, zone, &holidays).await?;
    if let Some(address) = &body.address {
        let address = address.as_ref().map_or("", Remark::as_str);
        places::put_address(&mut work.tx, organisation, &id, address).await?;
    }
    state
        .derive_all(&mut work, "a location's calendar was changed", approved)
        .await?;
    let zones: Vec<ZoneId> = work.rulebook.zones.keys().cloned().collect();
    refresh(&state, &mut work.tx, &zones, work.now).await?;
    let answer = one(&state, &mut work.tx, &id).await?;
    let what = ("location.put", None, id.as_str());
    let before = before.map(|Json(before)| before);
    state.note_change(&mut work, what, [before.as_ref(), Some(&answer.0)]);
    state.done(work).await?;
    Ok(answer)
}

/// Writes the policies of zones anew.
pub async fn refresh(state: &State, tx: &mut Tx, zones: &[ZoneId], now: Timestamp) -> Answer<()> {
    for zone in zones {
        refresh_policy(tx, &state.app.organisation, zone, now).await?;
    }
    Ok(())
}
