//! Agents: how each is by its own signed word, how it is paired, and what it is told.

use super::form::Form;
use super::look::Look;
use super::{see, shown};
use crate::web::Here;
use crate::web::agents::{self, AgentView, NewAgent, PairingCodeView};
use crate::web::commands::{self, AgentAction, AgentCommand, CommandOutcome};
use crate::web::doors::{self, Door};
use crate::web::extract::{At, Body};
use crate::web::problem::Answer;
use crate::web::values::Title;
use askama::Template;
use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::AgentId;

#[derive(Template)]
#[template(path = "agents.html")]
struct Page {
    look: Look,
    agents: Vec<AgentView>,
}

impl Page {
    fn state(&self, agent: &AgentView) -> String {
        state_word(&self.look, agent)
    }
}

fn state_word(look: &Look, agent: &AgentView) -> String {
    look.words.say(&format!("agent-{}", agent.state))
}

/// All agents.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    let Json(agents) = agents::list(state).await?;
    Ok(shown(&Page { look, agents }))
}

#[derive(Template)]
#[template(path = "agent.html")]
struct AgentPage {
    look: Look,
    agent: AgentView,
    doors: Vec<Door>,
    /// A pairing code, shown this once, and the command that takes it.
    code: Option<(PairingCodeView, String)>,
    /// What the agent told of itself just now.
    told: Option<String>,
}

impl AgentPage {
    fn state(&self) -> String {
        state_word(&self.look, &self.agent)
    }

    fn kept(&self, kept: &str) -> String {
        self.look.words.say(&format!("kept-{kept}"))
    }
}

async fn page(
    state: Here,
    look: Look,
    id: AgentId,
    code: Option<(PairingCodeView, String)>,
    told: Option<String>,
) -> Answer<Response> {
    let Json(agent) = agents::show(state.clone(), At(id)).await?;
    let Json(mut doors) = doors::list(state).await?;
    doors.retain(|door| door.agent.as_deref() == Some(&*agent.id));
    Ok(shown(&AgentPage {
        look,
        agent,
        doors,
        code,
        told,
    }))
}

/// One agent.
pub async fn one(state: Here, look: Look, At(id): At<AgentId>) -> Answer<Response> {
    page(state, look, id, None, None).await
}

/// The command that takes a code, on the machine at the door.
fn command(look: &Look, headers: &HeaderMap, code: &PairingCodeView) -> String {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let server = format!("{}{}", origin.unwrap_or("https://…"), look.to(""));
    format!(
        "sudo door-agent pair --server {server} --code {}",
        code.code
    )
}

/// A new agent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    id: AgentId,
    name: Title,
}

/// Makes an agent, and shows its code once.
pub async fn create(
    state: Here,
    look: Look,
    headers: HeaderMap,
    Form(New { id, name }): Form<New>,
) -> Answer<Response> {
    let body = NewAgent {
        id: id.clone(),
        name,
    };
    let (_, Json(code)) = agents::create(state.clone(), Body(body)).await?;
    let command = command(&look, &headers, &code);
    page(state, look, id, Some((code, command)), None).await
}

/// Makes a new code, and shows it once.
pub async fn code(
    state: Here,
    look: Look,
    headers: HeaderMap,
    At(id): At<AgentId>,
) -> Answer<Response> {
    let (_, Json(code)) = agents::code(state.clone(), At(id.clone())).await?;
    let command = command(&look, &headers, &code);
    page(state, look, id, Some((code, command)), None).await
}

/// Takes an agent's rights.
pub async fn revoke(state: Here, look: Look, At(id): At<AgentId>) -> Answer<Response> {
    drop(agents::revoke(state, At(id.clone())).await?);
    Ok(see(&look.to(&format!("/admin/agents/{id}"))))
}

/// What an agent is told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    action: AgentAction,
}

/// Tells an agent, and shows what it answers.
pub async fn tell(
    state: Here,
    look: Look,
    At(id): At<AgentId>,
    Form(Told { action }): Form<Told>,
) -> Answer<Response> {
    let body = Body(AgentCommand { action });
    let Json(outcome) = commands::agent(state.clone(), At(id.clone()), body).await?;
    let told = match outcome {
        CommandOutcome::Diagnostics { text } => text,
        CommandOutcome::Done
        | CommandOutcome::NoCard
        | CommandOutcome::Pooled { .. }
        | CommandOutcome::Enrolled { .. } => look.words.say("agent-told"),
    };
    page(state, look, id, None, Some(told)).await
}
