//! The demo's page: what it shows, and what its buttons do.

use super::api::Api;
use super::deeds::carry_out;
use super::doors::Door;
use super::log::{Kind, Log};
use super::story::{Person, running, tiers_of};
use super::stripe::Stripe;
use super::time::DemoClock;
use super::watch::tiers;
use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use server::store::members;
use shared::card::CardUid;
use shared::ids::MemberId;
use std::sync::Arc;

/// Everything the page reaches.
pub struct Stage {
    /// The one clock.
    pub clock: DemoClock,
    /// The server.
    pub app: Arc<server::app::App>,
    /// What wakes its drivers.
    pub bells: server::drive::Bells,
    /// Stripe.
    pub stripe: Stripe,
    /// The doors.
    pub doors: Vec<Door>,
    /// The members.
    pub people: Vec<Person>,
    /// How to feed the demo from outside.
    pub connect: Vec<(&'static str, String)>,
    /// What an admin does.
    pub api: Api,
    /// What happened.
    pub log: Log,
}

/// A button.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Press {
    /// A card is shown at a door.
    Tap {
        /// Whose.
        member: i64,
        /// Where.
        door: String,
    },
    /// Money arrives.
    Pay {
        /// Whose.
        member: i64,
    },
    /// The card will fail.
    Fail {
        /// Whose.
        member: i64,
    },
    /// The plan changes.
    Tier {
        /// Whose.
        member: i64,
    },
    /// Credit is added.
    Gift {
        /// Whose.
        member: i64,
    },
    /// The subscription is cancelled, or kept after all.
    Cancel {
        /// Whose.
        member: i64,
    },
    /// An admin withholds access, or gives it back.
    Hold {
        /// Whose.
        member: i64,
    },
    /// A month is paid in cash.
    Cash {
        /// Whose.
        member: i64,
    },
    /// The clock moves.
    Clock {
        /// So far ahead.
        hours: i64,
    },
    /// The cable is pulled, or put back.
    Cut {},
}

/// The page's routes.
pub fn router(stage: Arc<Stage>) -> Router {
    Router::new()
        .route(
            "/",
            get(|| async { file("text/html; charset=utf-8", include_str!("page.html")) }),
        )
        .route(
            "/page.css",
            get(|| async { file("text/css; charset=utf-8", include_str!("page.css")) }),
        )
        .route(
            "/page.js",
            get(|| async { file("text/javascript; charset=utf-8", include_str!("page.js")) }),
        )
        .route("/state", get(state))
        .route("/do", post(act))
        .with_state(stage)
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let csp = "default-src 'self'; img-src 'self' data:";
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, csp),
        ],
        text,
    )
}

type Failed = (StatusCode, String);

fn failed(error: impl std::fmt::Display) -> Failed {
    (StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
}

async fn state(State(stage): State<Arc<Stage>>) -> Result<Json<Value>, Failed> {
    let now = stage.clock.now();
    let doors: Vec<Value> = stage.doors.iter().map(|door| stage.draw(door)).collect();
    let mut shown = Vec::new();
    let mut tx = stage.app.store.begin_read().await.map_err(failed)?;
    for person in &stage.people {
        let standing = members::standing(&mut tx, MemberId(person.id))
            .await
            .map_err(failed)?;
        let (subscribed, ending) = subscription(&stage, person);
        shown.push(json!({
            "id": person.id, "name": person.name, "story": person.story, "customer": person.customer.is_some(),
            "subscribed": subscribed, "ending": ending,
            "tiers": standing.as_ref().map(|standing| tiers(standing, now)),
            "standing": standing.map(|standing| standing.state),
        }));
    }
    Ok(Json(json!({
        "now": now, "cut": stage.doors.iter().any(|door| door.shown().cut),
        "doors": doors, "members": shown, "log": stage.log.lines(), "connect": stage.connect,
    })))
}

/// Whether a subscription runs, and whether the last one is about to end.
fn subscription(stage: &Stage, person: &Person) -> (bool, bool) {
    let Some(customer) = &person.customer else {
        return (false, false);
    };
    let sim = stage.stripe.now();
    running(&sim, customer).map_or((false, false), |id| {
        let ending = sim.subscription(&id)["cancel_at_period_end"] == true;
        (true, ending)
    })
}

async fn act(State(stage): State<Arc<Stage>>, Json(button): Json<Press>) -> Result<(), Failed> {
    let said = carry_out(&stage, button).await;
    let now = stage.clock.now();
    match said {
        Ok((kind, text)) => {
            stage.log.add(now, kind, text);
            Ok(())
        }
        Err(error) => {
            stage.log.add(now, Kind::Refused, format!("{error:#}"));
            Err(failed(error))
        }
    }
}

impl Stage {
    /// The member of that number.
    pub fn person(&self, member: i64) -> anyhow::Result<&Person> {
        self.people
            .iter()
            .find(|person| person.id == member)
            .context("no such member")
    }

    fn holder(&self, card: Option<&CardUid>) -> Option<&'static str> {
        let card = card?;
        let found = self.people.iter().find(|person| person.uid == *card);
        Some(found.map_or("An unknown card", |person| person.name))
    }

    fn draw(&self, door: &Door) -> Value {
        let shown = door.shown();
        let (title, opened_by) = tiers_of(&shown.door);
        let mut value = serde_json::to_value(&shown).unwrap_or_default();
        value["title"] = title.into();
        value["tiers"] = opened_by.into();
        value["who"] = self.holder(shown.card.as_ref()).into();
        value["opener"] = self.holder(shown.opener.as_ref()).into();
        value
    }
}
