//! The demo's page: what it shows, and what its buttons do.

use super::doors::{Door, Event};
use super::story::{PLACES, Person, press};
use super::stripe::Stripe;
use super::time::DemoClock;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use server::store::members;
use shared::ids::MemberId;
use shared::time::Span;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

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
    /// What happened, newest first.
    pub log: Mutex<VecDeque<String>>,
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
    let csp = "default-src 'self'";
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
    let doors: Vec<Value> = stage.doors.iter().map(door).collect();
    let mut shown = Vec::new();
    let mut tx = stage.app.store.begin_read().await.map_err(failed)?;
    for person in &stage.people {
        let standing = members::standing(&mut tx, MemberId(person.id))
            .await
            .map_err(failed)?;
        shown.push(json!({
            "id": person.id, "name": person.name, "story": person.story, "customer": person.customer.is_some(),
            "ending": ending(&stage, person), "standing": standing.map(|standing| standing.state),
        }));
    }
    let log: Vec<String> = stage
        .log
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
        .cloned()
        .collect();
    Ok(Json(json!({
        "now": stage.clock.now(), "cut": stage.doors.iter().any(|door| door.shown().cut),
        "doors": doors, "members": shown, "log": log, "connect": stage.connect,
    })))
}

fn door(door: &Door) -> Value {
    let mut value = serde_json::to_value(door.shown()).unwrap_or_default();
    value["title"] = PLACES
        .iter()
        .find(|place| place.id == door.id.as_str())
        .map(|place| place.title)
        .into();
    value
}

fn ending(stage: &Stage, person: &Person) -> bool {
    let Some(customer) = &person.customer else {
        return false;
    };
    let sim = stage.stripe.now();
    let running = sim.subscriptions_of(customer);
    running
        .last()
        .is_some_and(|id| sim.subscription(id)["cancel_at_period_end"] == true)
}

async fn act(State(stage): State<Arc<Stage>>, Json(button): Json<Press>) -> Result<(), Failed> {
    let line = match button {
        Press::Tap { member, door } => tap(&stage, member, &door).await?,
        Press::Pay { member } => stage.press(member, "pay")?,
        Press::Fail { member } => stage.press(member, "fail")?,
        Press::Tier { member } => stage.press(member, "tier")?,
        Press::Gift { member } => stage.press(member, "gift")?,
        Press::Cancel { member } => stage.press(member, "cancel")?,
        Press::Clock { hours } => stage.move_clock(hours).await?,
        Press::Cut {} => stage.cut().await,
    };
    let mut log = stage.log.lock().unwrap_or_else(PoisonError::into_inner);
    log.push_front(line);
    log.truncate(12);
    Ok(())
}

async fn tap(stage: &Stage, member: i64, door: &str) -> Result<String, Failed> {
    let person = stage.person(member)?;
    let door = stage
        .doors
        .iter()
        .find(|known| known.id.as_str() == door)
        .ok_or_else(|| failed("no such door"))?;
    let (done, seen) = oneshot::channel();
    door.events
        .send(Event::Tap(person.uid.clone(), done))
        .await
        .map_err(failed)?;
    seen.await.map_err(failed)?;
    let shown = door.shown();
    let title = PLACES
        .iter()
        .find(|place| place.id == shown.door)
        .map_or("", |place| place.title);
    Ok(format!(
        "{} tapped at the {}: {} ({:.2} ms)",
        person.name,
        title.to_lowercase(),
        shown.reason,
        shown.milliseconds
    ))
}

impl Stage {
    fn person(&self, member: i64) -> Result<&Person, Failed> {
        self.people
            .iter()
            .find(|person| person.id == member)
            .ok_or_else(|| failed("no such member"))
    }

    fn press(&self, member: i64, what: &str) -> Result<String, Failed> {
        press(&self.stripe, self.person(member)?, what).map_err(failed)
    }

    /// Moves every clock; the server signs its heads at once, so that the doors hear of it.
    async fn move_clock(&self, hours: i64) -> Result<String, Failed> {
        self.clock.advance(Span::hours(hours.clamp(1, 24 * 366)));
        drop(self.stripe.now());
        let now = self.clock.now();
        for step in [self.app.tick(now).await, self.app.sign_heads(now).await] {
            // The other end lives as long as the process.
            drop(self.bells.outbox.send(step.map_err(failed)?));
        }
        Ok(match hours {
            1 => "The clock moved an hour ahead.".to_owned(),
            24 => "The clock moved a day ahead.".to_owned(),
            hours if hours % 24 == 0 => format!("The clock moved {} days ahead.", hours / 24),
            hours => format!("The clock moved {hours} hours ahead."),
        })
    }

    async fn cut(&self) -> String {
        let cut = !self.doors.iter().any(|door| door.shown().cut);
        for door in &self.doors {
            // A door that ended shows itself on the page.
            drop(door.events.send(Event::Cut(cut)).await);
        }
        if cut {
            "The network was cut."
        } else {
            "The network is back."
        }
        .to_owned()
    }
}
