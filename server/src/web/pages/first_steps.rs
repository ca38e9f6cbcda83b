//! What the forms of the guide do: each as `/api/v1` does it, and back to the guide.

use super::form::Form;
use super::look::Look;
use super::see;
use super::start::{Fresh, HOME, first_location, page};
use super::sure::sure;
use super::types as kinds;
use crate::said::Said;
use crate::web::access;
use crate::web::agents::{self, NewAgent};
use crate::web::doors::{self, DoorBody};
use crate::web::extract::{Asked, At, Body};
use crate::web::organisation::{self, Approval, LocationBody, OrganisationChange};
use crate::web::problem::{Answer, Problem};
use crate::web::types;
use crate::web::values::{TimeZone, Title};
use crate::web::zones::{self, AccessBody, ZoneBody};
use crate::web::{Here, adopt, catalogue, stripe};
use axum::Json;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::{AgentId, DoorId, MembershipTypeId, ZoneId};

/// The club's name and clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Club {
    name: Title,
    time_zone: TimeZone,
    #[serde(default)]
    approved: bool,
}

/// Names the club and sets its clock.
pub async fn club(state: Here, look: Look, Form(club): Form<Club>) -> Answer<Response> {
    let before = first_location(&state).await?;
    let read = |text: &String| text.parse().map_err(|_| Problem::fault());
    let holidays: Answer<Vec<_>> = before.holidays.iter().map(read).collect();
    let body = LocationBody {
        name: before.name.parse().map_err(|_| Problem::fault())?,
        address: None,
        time_zone: club.time_zone.clone(),
        holidays: holidays?,
    };
    let id = before.id.parse().map_err(|_| Problem::fault())?;
    let approval = Approval {
        approved: club.approved,
    };
    let fields = [
        ("name", club.name.as_str().to_owned()),
        ("time_zone", club.time_zone.as_str().to_owned()),
    ];
    let mut done = Ok(());
    if before.time_zone != club.time_zone.as_str() {
        let put = organisation::put_location(state.clone(), At(id), Asked(approval), Body(body));
        done = put.await.map(drop);
    }
    if done.is_ok() {
        let change = OrganisationChange {
            name: Some(club.name),
            language: None,
            default_type: None,
        };
        let approval = Asked(Approval { approved: false });
        drop(organisation::change(state, approval, Body(change)).await?);
    }
    sure(look, done, "/admin/start/club", &fields, HOME)
}

/// Asks Stripe what the key may read.
pub async fn check(state: Here, look: Look, headers: HeaderMap) -> Answer<Response> {
    let Json(check) = stripe::check(state.clone()).await?;
    if check.is_enough() {
        let known = catalogue::Known { known: false };
        drop(catalogue::list(state.clone(), Asked(known)).await?);
    }
    let fresh = Fresh {
        check: Some(check),
        code: None,
    };
    page(state, look, &headers, fresh).await
}

/// Makes all types that prices name and that are not there.
pub async fn take_over(state: Here, look: Look, Form(wish): Form<Approval>) -> Answer<Response> {
    let done = adopt::adopt(state, Asked(wish)).await;
    sure(look, done, "/admin/start/types", &[], HOME)
}

/// Makes a type that no price names yet.
pub async fn make_type(state: Here, look: Look, Form(new): Form<kinds::New>) -> Answer<Response> {
    kinds::make(state, new).await?;
    Ok(see(&look.to(HOME)))
}

/// A zone, and the types that open it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewZone {
    /// One that is there; none: a new one is made.
    zone: Option<ZoneId>,
    name: Option<Title>,
    #[serde(default)]
    membership: Vec<MembershipTypeId>,
}

/// Makes a zone if there is none, and lets types open it at all hours.
pub async fn zone(state: Here, look: Look, Form(new): Form<NewZone>) -> Answer<Response> {
    if new.membership.is_empty() {
        return Err(Problem::field(
            "membership",
            Said::of("refused-type-that-opens"),
        ));
    }
    let Json(types) = types::list(state.clone()).await?;
    let known = |id: &&MembershipTypeId| types.iter().any(|known| known.id == id.as_str());
    if new.membership.iter().filter(known).count() < new.membership.len() {
        return Err(Problem::unknown("membership", "membership type"));
    }
    let zone = match (new.zone, new.name) {
        (Some(zone), _) => zone,
        (None, None) => return Err(Problem::field("name", Said::of("refused-field-missing"))),
        (None, Some(name)) => {
            let id = id_of::<ZoneId>(&name)?;
            let location = first_location(&state).await?.id;
            let location = location.parse().map_err(|_| Problem::fault())?;
            let body = ZoneBody { name, location };
            drop(zones::put(state.clone(), At(id.clone()), Body(body)).await?);
            id
        }
    };
    for membership in new.membership {
        let approval = Asked(Approval { approved: false });
        let always = Body(AccessBody { schedule: None });
        let place = At((zone.clone(), membership));
        drop(access::put(state.clone(), place, approval, always).await?);
    }
    Ok(see(&look.to(HOME)))
}

/// A door, and the Raspberry Pi that serves it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDoor {
    name: Title,
    zone: ZoneId,
    agent: Title,
}

/// Makes a door and its agent, and shows the agent's code; cards can be enrolled there. Sent again it makes nothing more.
pub async fn door(
    state: Here,
    look: Look,
    headers: HeaderMap,
    Form(new): Form<NewDoor>,
) -> Answer<Response> {
    let (id, agent) = (id_of::<DoorId>(&new.name)?, id_of::<AgentId>(&new.agent)?);
    let Json(zones) = zones::list(state.clone()).await?;
    if !zones.iter().any(|zone| zone.id == new.zone.as_str()) {
        return Err(Problem::unknown("zone", "zone"));
    }
    let Json(known) = agents::list(state.clone()).await?;
    let known = known.iter().find(|known| known.id == agent.as_str());
    let code = match known.map(|known| known.state) {
        None => {
            let body = NewAgent {
                id: agent.clone(),
                name: new.agent,
            };
            let (_, Json(code)) = agents::create(state.clone(), Body(body)).await?;
            Some(code)
        }
        Some("unpaired") => {
            let (_, Json(code)) = agents::code(state.clone(), At(agent.clone())).await?;
            Some(code)
        }
        Some(_) => None,
    };
    let body = DoorBody {
        name: new.name,
        zone: new.zone,
        agent: Some(agent),
        enrols: true,
        again_within_seconds: None,
    };
    drop(doors::put(state.clone(), At(id), Body(body)).await?);
    let fresh = Fresh { check: None, code };
    page(state, look, &headers, fresh).await
}

/// An agent that is to be paired.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpaired {
    agent: AgentId,
}

/// Makes a new code for an agent.
pub async fn code(
    state: Here,
    look: Look,
    headers: HeaderMap,
    Form(Unpaired { agent }): Form<Unpaired>,
) -> Answer<Response> {
    let (_, Json(code)) = agents::code(state.clone(), At(agent)).await?;
    let fresh = Fresh {
        check: None,
        code: Some(code),
    };
    page(state, look, &headers, fresh).await
}

/// An id that is made of what people call something.
fn id_of<T: std::str::FromStr>(name: &Title) -> Answer<T> {
    let valid = Said::of("refused-short-name");
    let id = slug(name.as_str());
    id.parse().map_err(|_| Problem::field("name", valid))
}

fn slug(name: &str) -> String {
    let mut id = String::new();
    for letter in name.to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => id.push(letter),
            'ä' => id.push_str("ae"),
            'ö' => id.push_str("oe"),
            'ü' => id.push_str("ue"),
            'ß' => id.push_str("ss"),
            _ if id.ends_with('-') || id.is_empty() => {}
            _ => id.push('-'),
        }
    }
    let short: String = id.chars().take(40).collect();
    short.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_of_a_name() {
        for (name, id) in [
            ("Front door", "front-door"),
            ("Werkstatt Süd / 2", "werkstatt-sued-2"),
            (" -- ", ""),
            ("Größe!", "groesse"),
        ] {
            assert_eq!(slug(name), id);
        }
        assert_eq!(slug(&"x".repeat(99)).len(), 40);
    }
}
