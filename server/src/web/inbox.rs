//! The inbox: Stripe's events as they came, whom they are about, and what became of each.

use super::extract::{Asked, At};
use super::page::{Page, limit};
use super::problem::{Answer, Problem};
use super::standing::{StateWord, word};
use super::values::Moment;
use super::{Here, State};
use crate::attention::Kind;
use crate::billing::read::Event;
use crate::said::Said;
use crate::store::attention::settle;
use crate::store::mirror::{self, Customer};
use crate::store::reading::{self, InboxRow};
use crate::store::{Tx, inbox};
use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};

/// An event from Stripe.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxEvent {
    /// Its number in order of arrival.
    pub id: i64,
    /// `evt_…`
    pub event: String,
    /// `customer.subscription.updated` and the like.
    pub kind: String,
    /// When Stripe made it.
    pub created: Moment,
    /// When it came.
    pub received_at: Moment,
    /// What became of it.
    #[schema(inline)]
    pub state: Fate,
    /// How often applying it failed.
    pub tries: i64,
    /// Why.
    pub note: Option<String>,
    /// What it is about: `sub_…`, `in_…`, `cus_…` and the like.
    pub object: Option<String>,
    /// `cus_…`, whom it is about.
    pub customer: Option<String>,
    /// Members whom that customer concerns: its own, and those whom it pays for.
    pub members: Vec<i64>,
}

impl InboxEvent {
    fn of(row: InboxRow, about: About, customers: &[Customer]) -> Answer<Self> {
        let of = |customer: &&Customer| Some(&customer.id) == about.customer.as_ref();
        let concerned = customers.iter().find(of).map(Customer::concerned);
        let members = concerned.unwrap_or_default();
        Ok(Self {
            id: row.id,
            event: row.event,
            kind: row.kind,
            created: Moment::of(row.created),
            received_at: Moment::of(row.received_at),
            state: Fate::read(&row.state).ok_or(Problem::fault())?,
            tries: row.tries,
            note: row.note,
            object: about.object,
            customer: about.customer,
            members: members.into_iter().map(|member| member.0).collect(),
        })
    }
}

/// What an event is about, by ids.
#[derive(Default)]
struct About {
    object: Option<String>,
    customer: Option<String>,
}

impl About {
    fn read(body: &[u8]) -> Self {
        // What cannot be read was put aside, with its reason.
        let Ok(event) = Event::read(body) else {
            return Self::default();
        };
        let own = event.object_id.clone();
        let is_customer = event.object_kind.as_deref() == Some("customer");
        Self {
            customer: event.customer.or(own.filter(|_| is_customer)),
            object: event.object_id,
        }
    }
}

async fn views(state: &State, tx: &mut Tx, rows: Vec<InboxRow>) -> Answer<Vec<InboxEvent>> {
    let about: Vec<About> = rows.iter().map(|row| About::read(&row.body)).collect();
    let ids: BTreeSet<&str> = about
        .iter()
        .filter_map(|about| about.customer.as_deref())
        .collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let asked = mirror::ask_customers(tx, state.app.account, &ids);
    let customers = mirror::customers(tx, asked).await?;
    let rows = rows.into_iter().zip(about);
    rows.map(|(row, about)| InboxEvent::of(row, about, &customers))
        .collect()
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It waits.
    Pending,
    /// Stripe is asked what it is about.
    Asking,
    /// Old news that would take access from many: an admin's yes is waited for.
    Held,
    /// Its content counts.
    Applied,
    /// It says nothing about access.
    Ignored,
    /// It could not be applied.
    Poisoned,
}

impl Fate {
    /// Every fate.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Asking,
        Self::Held,
        Self::Applied,
        Self::Ignored,
        Self::Poisoned,
    ];

    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Asking => "asking",
            Self::Held => "held",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Poisoned => "poisoned",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fate| fate.word() == word)
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxFilter {
    /// Only with this fate.
    #[param(inline)]
    pub state: Option<Fate>,
    /// The `next` of the part before.
    pub before: Option<i64>,
    /// At most so many, up to 500.
    pub limit: Option<i64>,
}

/// Stripe's events, newest first
#[utoipa::path(get, path = "/api/v1/inbox", tag = "events", params(InboxFilter),
    responses((status = OK, body = Page<InboxEvent>), Problem))]
pub async fn list(
    state: Here,
    Asked(filter): Asked<InboxFilter>,
) -> Answer<Json<Page<InboxEvent>>> {
    let limit = limit(filter.limit)?;
    let fate = filter.state.map(Fate::word);
    let mut tx = state.app.store.begin_read().await?;
    let before = filter.before.unwrap_or(i64::MAX);
    let rows = reading::inbox(&mut tx, state.app.account, fate, before, limit + 1).await?;
    let page = Page::cut(rows, limit, |row| row.id.to_string(), |row| row);
    let items = views(&state, &mut tx, page.items).await?;
    Ok(Json(Page {
        items,
        next: page.next,
    }))
}

/// How an event is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Raw {
    /// `1`: the body as Stripe sent it, with all it says of the customer.
    raw: Option<u8>,
}

/// An event, and what it did.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxDetail {
    /// The event.
    #[serde(flatten)]
    pub event: InboxEvent,
    /// Whose standing changed by it, oldest first.
    pub effects: Vec<Effect>,
}

/// A standing that an event changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Effect {
    /// Whose.
    pub member: i64,
    /// When.
    pub at: Moment,
    /// To what.
    pub state: StateWord,
    /// In until then, out since then, or in from then on.
    pub date: Option<Moment>,
}

/// One event of Stripe's, and what became of it
#[utoipa::path(get, path = "/api/v1/inbox/{event}", tag = "events", params(("event" = i64, Path), Raw),
    responses((status = OK, body = InboxDetail), Problem))]
pub async fn show(
    state: Here,
    At(id): At<i64>,
    Asked(Raw { raw }): Asked<Raw>,
) -> Answer<Response> {
    match raw {
        None | Some(0) => Ok(Json(detail(&state, id).await?).into_response()),
        Some(1) => {
            let mut tx = state.app.store.begin_read().await?;
            let body = reading::inbox_body(&mut tx, state.app.account, id)
                .await?
                .ok_or(Problem::not_found("event"))?;
            Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
        }
        Some(_) => Err(Problem::field("raw", "Write 1, or leave it out.")),
    }
}

/// An event, and what it did.
pub async fn detail(state: &State, id: i64) -> Answer<InboxDetail> {
    let mut tx = state.app.store.begin_read().await?;
    let event = one(state, &mut tx, id).await?;
    let mut effects = Vec::new();
    for member in &event.members {
        let (member, since) = (MemberId(*member), event.received_at.0);
        for (at, standing) in reading::standings_by(&mut tx, member, &event.event, since).await? {
            let (state, date) = word(&standing.state);
            effects.push(Effect {
                member: member.0,
                at: Moment(at),
                state,
                date,
            });
        }
    }
    effects.sort_by_key(|effect| (effect.at, effect.member));
    Ok(InboxDetail { event, effects })
}

async fn one(state: &State, tx: &mut Tx, id: i64) -> Answer<InboxEvent> {
    let row = reading::inbox_one(tx, state.app.account, id).await?;
    let row = row.ok_or(Problem::not_found("event"))?;
    let views = views(state, tx, vec![row]).await?;
    views.into_iter().next().ok_or(Problem::fault())
}

/// Apply an event once more; what it says is not counted twice
#[utoipa::path(post, path = "/api/v1/inbox/{event}/replay", tag = "events", params(("event" = i64, Path)),
    responses((status = OK, body = InboxEvent), Problem))]
pub async fn replay(state: Here, At(id): At<i64>) -> Answer<Json<InboxEvent>> {
    let mut work = state.work().await?;
    let event = one(&state, &mut work.tx, id).await?;
    if event.state == Fate::Held {
        let detail = Said::of("refused-held-back");
        return Err(Problem::conflict("event", detail));
    }
    let (organisation, now) = (&state.app.organisation, work.now);
    inbox::again(&mut work.tx, state.app.account, id).await?;
    let subject = id.to_string();
    settle(
        &mut work.tx,
        organisation,
        Kind::PoisonedEvent,
        &subject,
        now,
    )
    .await?;
    state.note(&mut work, "inbox.replay", None, &event.event);
    let event = one(&state, &mut work.tx, id).await?;
    state.done(work).await?;
    state.bells.kept.notify_one();
    Ok(Json(event))
}
