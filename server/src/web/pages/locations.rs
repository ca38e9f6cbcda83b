//! Locations: where they are, by which clock, and on which days something else holds.

use super::confirm::{self, Pairs};
use super::form::Form;
use super::look::Look;
use super::{see, shown};
use crate::said::Said;
use crate::web::Here;
use crate::web::extract::{Asked, At, Body};
use crate::web::organisation::{self, Approval, Location, LocationBody};
use crate::web::problem::{Answer, Problem};
use crate::web::values::{Date, Remark, TimeZone, Title};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::ids::LocationId;

#[derive(Template)]
#[template(path = "location.html")]
struct Page {
    look: Look,
    location: Location,
}

impl Page {
    fn days(&self) -> String {
        self.location.holidays.join("\n")
    }
}

/// One location.
pub async fn one(state: Here, look: Look, At(id): At<LocationId>) -> Answer<Response> {
    let Json(location) = organisation::location(state, At(id)).await?;
    Ok(shown(&Page { look, location }))
}

/// A new location.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    id: LocationId,
    name: Title,
    time_zone: TimeZone,
}

fn to(look: &Look, id: &LocationId) -> Response {
    see(&look.to(&format!("/admin/locations/{id}")))
}

/// Makes a location, and shows it.
pub async fn create(state: Here, look: Look, Form(new): Form<New>) -> Answer<Response> {
    let Json(known) = organisation::locations(state.clone()).await?;
    if known.iter().any(|known| known.id == new.id.as_str()) {
        let detail = Said::of("refused-location-name");
        return Err(Problem::conflict("id", detail));
    }
    let body = LocationBody {
        name: new.name,
        address: None,
        time_zone: new.time_zone,
        holidays: Vec::new(),
    };
    let (id, approval) = (new.id, Approval { approved: false });
    drop(organisation::put_location(state, At(id.clone()), Asked(approval), Body(body)).await?);
    Ok(to(&look, &id))
}

/// A location as the form has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    name: Title,
    #[serde(default)]
    address: String,
    time_zone: TimeZone,
    /// A day in each line; what follows a day is for people.
    #[serde(default)]
    holidays: String,
    #[serde(default, skip_serializing)]
    sure: bool,
}

impl Changed {
    fn body(&self) -> Answer<LocationBody> {
        let lines = self.holidays.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        let valid = |_| Problem::field("holidays", Said::of("refused-days-by-line"));
        let days: Answer<Vec<Date>> = lines.map(|line| line.parse().map_err(valid)).collect();
        // Browsers end lines in two letters (html.spec.whatwg.org, form submission).
        let address = self.address.replace('\r', "");
        let address: Option<Remark> = match address.trim() {
            "" => None,
            address => Some(
                address
                    .parse()
                    .map_err(|rule: &str| Problem::field("address", format!("{rule}.")))?,
            ),
        };
        Ok(LocationBody {
            name: self.name.clone(),
            address: Some(address),
            time_zone: self.time_zone.clone(),
            holidays: days?,
        })
    }

    fn pairs(&self) -> Pairs {
        let text = serde_html_form::to_string(self).unwrap_or_default();
        serde_html_form::from_str(&text).unwrap_or_default()
    }
}

/// Changes a location; if its calendar takes access from many, it is asked first.
pub async fn change(
    state: Here,
    look: Look,
    At(id): At<LocationId>,
    Form(changed): Form<Changed>,
) -> Answer<Response> {
    let (body, approved) = (changed.body()?, changed.sure);
    let asked = Asked(Approval { approved });
    match organisation::put_location(state.clone(), At(id.clone()), asked, Body(body)).await {
        Ok(_) => Ok(to(&look, &id)),
        Err(problem) => {
            let preview = confirm::braked(&state, problem).await?;
            let title = look.words.say("location");
            let path = format!("/admin/locations/{id}");
            Ok(confirm::ask(look, title, &path, preview, changed.pairs()))
        }
    }
}
