//! The guide from an empty server to the first card at the first door; what is done is told by what exists.

use super::look::Look;
use super::shown;
use super::today::{DoorLine, door_lines};
use crate::billing::catalogue::Offer;
use crate::billing::client::WATCHED;
use crate::web::Here;
use crate::web::adopt::named;
use crate::web::agents::{self, AgentView, PairingCodeView};
use crate::web::locked_out::{self, LockedOut};
use crate::web::organisation::{self, Location};
use crate::web::problem::{Answer, Problem};
use crate::web::start::{Step, steps};
use crate::web::stripe::{self, KeyCheck, READ, StripeState};
use crate::web::types::{self, MembershipType};
use crate::web::zones::{self, Zone};
use askama::Template;
use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::response::Response;

/// Where the guide is.
pub const HOME: &str = "/admin/start";
/// So many members who would be locked out are named.
const NAMED: usize = 100;

#[derive(Template)]
#[template(path = "start.html")]
struct Page {
    look: Look,
    steps: Vec<Step>,
    location: Location,
    heard: StripeState,
    check: Option<KeyCheck>,
    types: Vec<MembershipType>,
    /// Types that Stripe's prices name and that are not there: what it names, and what is sold.
    found: Vec<(String, String)>,
    /// How many prices somebody should look at.
    odd: usize,
    zones: Vec<Zone>,
    doors: Vec<DoorLine>,
    agents: Vec<AgentView>,
    code: Option<PairingCodeView>,
    /// The address of this server as the browser has it.
    server: String,
    /// Whether agents on other machines reach the broker.
    is_far: bool,
    locked_out: Vec<LockedOut>,
    /// How many more there are than are named.
    more: usize,
}

impl Page {
    fn is_done(&self, part: &str) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| step.part.word() == part && step.done)
    }

    /// Whether it is the first that is not done; what was just asked for is open, too.
    fn is_open(&self, part: &str) -> bool {
        let first = self.steps.iter().find(|step| !step.done);
        let asked = match part {
            "stripe" => self.check.is_some(),
            "door" => self.code.is_some(),
            _ => false,
        };
        asked || first.is_some_and(|step| step.part.word() == part)
    }

    fn all_done(&self) -> bool {
        self.steps.iter().all(|step| step.done)
    }

    fn head(&self, part: &str) -> String {
        self.look.words.say(&format!("start-{part}"))
    }

    fn way(&self) -> String {
        let word = self.heard.way.word();
        self.look.words.say(&format!("way-{word}"))
    }

    fn has_key(&self) -> bool {
        matches!(
            self.heard.way,
            stripe::Way::Pull | stripe::Way::WebhookAndKey
        )
    }

    fn time_zones(&self) -> Vec<String> {
        crate::location_calendar::time_zones()
    }

    fn permissions(&self) -> [(&'static str, &'static str, bool); 11] {
        READ
    }

    fn events(&self) -> impl Iterator<Item = &'static &'static str> {
        WATCHED.into_iter().flatten()
    }

    fn why(&self, line: &LockedOut) -> String {
        self.look
            .words
            .say(&format!("locked-out-{}", line.why.word()))
    }

    fn waiting_agents(&self) -> impl Iterator<Item = &AgentView> {
        self.agents.iter().filter(|agent| agent.state == "unpaired")
    }

    /// The doors of the agent for whom a code was made.
    fn doors_of(&self, agent: &str) -> impl Iterator<Item = &DoorLine> {
        let serves = move |line: &&DoorLine| line.door.agent.as_deref() == Some(agent);
        self.doors.iter().filter(serves)
    }
}

/// What was just made or asked, to be shown once.
#[derive(Default)]
pub struct Fresh {
    pub check: Option<KeyCheck>,
    pub code: Option<PairingCodeView>,
}

/// The page.
pub async fn show(state: Here, look: Look, headers: HeaderMap) -> Answer<Response> {
    page(state, look, &headers, Fresh::default()).await
}

/// The page, with what was just made or asked.
pub async fn page(state: Here, look: Look, headers: &HeaderMap, fresh: Fresh) -> Answer<Response> {
    let Json(heard) = stripe::show(state.clone()).await?;
    let Json(types) = types::list(state.clone()).await?;
    let Json(zones) = zones::list(state.clone()).await?;
    let Json(agents) = agents::list(state.clone()).await?;
    let Json(mut locked_out) = locked_out::list(state.clone()).await?;
    let location = first_location(&state).await?;
    let doors = door_lines(&state).await?;
    let mut work = state.look().await?;
    let offers = state.app.offers(&mut work).await?;
    let steps = steps(&state, &mut work, &heard).await?;
    let found = named(&offers, |x| work.rulebook.unknown.contains(x));
    // What names a type that is not there yet is taken over with it.
    let taken = |x: &String| found.keys().any(|id| id.as_str() == x);
    let named = |offer: &&Offer| !offer.sold.row.x.as_ref().is_some_and(taken);
    let odd = offers
        .iter()
        .filter(named)
        .filter(|offer| super::catalogue::is_odd(&offer.warnings))
        .count();
    let more = locked_out.len().saturating_sub(NAMED);
    locked_out.truncate(NAMED);
    Ok(shown(&Page {
        odd,
        found: found
            .into_iter()
            .map(|(id, name)| (id.into(), name))
            .collect(),
        server: address(&look, headers),
        is_far: !state.broker.url.contains("//127.0.0.1"),
        look,
        steps,
        location,
        heard,
        check: fresh.check,
        types,
        zones,
        doors,
        agents,
        code: fresh.code,
        locked_out,
        more,
    }))
}

/// The location that an organisation begins with.
pub async fn first_location(state: &Here) -> Answer<Location> {
    let Json(locations) = organisation::locations(state.clone()).await?;
    locations.into_iter().next().ok_or(Problem::fault())
}

/// Where a browser finds this server: where it says that it is, or the host that it asked for.
fn address(look: &Look, headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(ORIGIN).map(str::to_owned);
    let origin = origin.or_else(|| text(HOST).map(|host| format!("http://{host}")));
    look.to(&origin.unwrap_or_default())
}

/// Whether the guide is to be gone on with, and how far it is: done, and all.
pub async fn progress(state: &Here) -> Answer<Option<(usize, usize)>> {
    let Json(steps) = crate::web::start::show(state.clone()).await?;
    let done = steps.iter().filter(|step| step.done).count();
    Ok((done < steps.len()).then_some((done, steps.len())))
}

/// Words that are put together.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = String> {
    use crate::membership::locked_out::Why;
    use crate::web::start::Part;
    let why = Why::ALL.map(|why| format!("locked-out-{}", why.word()));
    let parts = [
        Part::Club,
        Part::Stripe,
        Part::Types,
        Part::Zone,
        Part::Door,
        Part::Card,
    ];
    let parts = parts.map(|part| format!("start-{}", part.word()));
    why.into_iter().chain(parts)
}
