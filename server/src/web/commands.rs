//! Commands: an admin asks, one run of one agent answers within seconds.

use super::cards::{Card, alike, owned, pooled};
use super::doors::find;
use super::extract::{At, Body};
use super::members::expect_member;
use super::problem::{Answer, Problem};
use super::values::Title;
use super::{Here, State};
use crate::app::{App, Step, Work};
use crate::doors::commands::{self, Asked, Came, Enrolment};
use crate::doors::publish::Publication;
use crate::membership::cards::{Added, add, pool};
use crate::said::Said;
use crate::store::agents;
use crate::store::attention::{AuditLine, audit};
use crate::store::people::{self, CardFace};
use axum::Json;
use serde::{Deserialize, Serialize};
use shared::card::CardUid;
use shared::ids::{AgentId, DoorId, LoanerId, MemberId, ZoneId};
use shared::time::Timestamp;
use shared::wire::topics::Channel;
use shared::wire::{Action, CommandResult};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use utoipa::ToSchema;

/// What a door is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DoorAction {
    /// Release the lock once.
    Unlock,
    /// Take the next card, shown twice, for a member or into the pool of fobs.
    Enrol,
    /// Blink.
    Identify,
}

/// What a door is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorCommand {
    /// What to do.
    pub action: DoorAction,
    /// Whose card is enrolled.
    #[schema(value_type = Option<i64>)]
    pub member: Option<MemberId>,
    /// As what the fob is called that is put into the pool, in place of a member's card.
    pub fob: Option<Title>,
}

/// What an agent is told.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentAction {
    /// Tell about yourself.
    Diagnostics,
    /// End, to be started again.
    Restart,
}

/// What an agent is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentCommand {
    /// What to do.
    pub action: AgentAction,
}

/// What came of a command.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum CommandOutcome {
    /// Done.
    Done,
    /// A card is the member's now; compare the last digits.
    Enrolled {
        /// The card.
        card: Card,
    },
    /// A fob is in the pool now.
    Pooled {
        /// Which.
        loaner: i64,
    },
    /// No card was shown twice in time.
    NoCard,
    /// The agent about itself.
    Diagnostics {
        /// Lines of text.
        text: String,
    },
}

/// What came of a command, in the database too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Done.
    Done,
    /// Not done, and why.
    Refused(String),
    /// A card is the member's now.
    Enrolled(CardFace),
    /// The card that was shown has an owner; nothing was changed.
    Owned(CardFace),
    /// A fob is in the pool now.
    Pooled(LoanerId),
    /// The card that was shown is a fob of the pool already; nothing was changed.
    Lent,
    /// A zone's readers could not tell the card that was shown from this one; nothing was changed.
    LooksLike(ZoneId, CardFace),
    /// No card was shown twice in time.
    NoCard,
    /// The agent about itself.
    Diagnostics(String),
}

/// Tell a door: unlock once, enrol a member's card, or blink
#[utoipa::path(post, path = "/api/v1/doors/{door}/commands", tag = "doors", params(("door" = String, Path)),
    request_body = DoorCommand, responses((status = OK, body = CommandOutcome), Problem))]
pub async fn door(
    state: Here,
    At(id): At<DoorId>,
    Body(body): Body<DoorCommand>,
) -> Answer<Json<CommandOutcome>> {
    let mut tx = state.app.store.begin_read().await?;
    let door = find(&state, &mut tx, &id).await?;
    if !matches!(body.action, DoorAction::Enrol) && body.fob.is_some() {
        return Err(Problem::field("fob", Said::of("refused-fob-only-enrol")));
    }
    let (action, enrolment) = match body.action {
        DoorAction::Unlock => (Action::Unlock { door: id }, None),
        DoorAction::Identify => (Action::Identify { door: id }, None),
        DoorAction::Enrol => {
            let enrolment = match (body.member, body.fob) {
                (Some(member), None) => Enrolment::Of(member),
                (None, Some(label)) => Enrolment::Pool(label.as_str().to_owned()),
                (_, _) => {
                    let detail = Said::of("refused-enrol-whose");
                    return Err(Problem::field("member", detail));
                }
            };
            if let Some(member) = enrolment.member() {
                expect_member(&state, &mut tx, "member", member).await?;
            }
            if !door.enrols {
                return Err(Problem::conflict("door", Said::of("refused-enrol-door")));
            }
            (Action::Enrol { door: id }, Some(enrolment))
        }
    };
    drop(tx);
    let agent = door
        .agent
        .ok_or(Problem::conflict("door", Said::of("refused-no-agent")))?;
    tell(&state, &agent, action, enrolment).await
}

/// Tell an agent: diagnostics or restart
#[utoipa::path(post, path = "/api/v1/agents/{agent}/commands", tag = "doors", params(("agent" = String, Path)),
    request_body = AgentCommand, responses((status = OK, body = CommandOutcome), Problem))]
pub async fn agent(
    state: Here,
    At(id): At<AgentId>,
    Body(body): Body<AgentCommand>,
) -> Answer<Json<CommandOutcome>> {
    let action = match body.action {
        AgentAction::Diagnostics => Action::Diagnostics,
        AgentAction::Restart => Action::Restart,
    };
    tell(&state, &id, action, None).await
}

/// A command lives five seconds, its answer takes one way more.
const ANSWER: Duration = Duration::from_secs(10);
/// Enrolment waits twenty seconds for a card.
const ENROLMENT: Duration = Duration::from_secs(30);

async fn tell(
    state: &Here,
    id: &AgentId,
    action: Action,
    enrolment: Option<Enrolment>,
) -> Answer<Json<CommandOutcome>> {
    let (app, now) = (&state.app, state.now());
    let patience = match &action {
        Action::Enrol { .. } => ENROLMENT,
        Action::Unlock { .. } | Action::Identify { .. } | Action::Diagnostics | Action::Restart => {
            ANSWER
        }
    };
    // Listening begins before anything is said, so that no answer is too quick.
    let results = state.bells.results.subscribe();
    let mut tx = app.store.begin().await?;
    let agent = agents::find(&mut tx, &app.organisation, id)
        .await?
        .ok_or(Problem::not_found("agent"))?;
    if agent.key.is_none() || agent.revoked_at.is_some() {
        return Err(Problem::conflict("agent", Said::of("refused-not-paired")));
    }
    let asked = Asked {
        by: state.actor(),
        enrolment: enrolment.as_ref(),
    };
    let command = commands::issue(&mut tx, &app.organisation, &agent, action, asked, now).await?;
    let command = command.ok_or(Problem::conflict("agent", Said::of("refused-agent-silent")))?;
    let cause = format!("command {} to agent {id}", command.counter);
    let line = AuditLine {
        actor: state.actor(),
        action: "command",
        member: enrolment.as_ref().and_then(Enrolment::member),
        cause: &cause,
        body: None,
    };
    audit(&mut tx, &app.organisation, now, line);
    tx.commit().await?;
    let publication = Publication::new(
        &app.keys,
        &app.organisation,
        Channel::Command(id.clone()),
        &command,
    );
    if state.bells.outbox.send(vec![publication]).is_err() {
        return Err(Problem::unavailable(Said::of("refused-going-down")));
    }
    // In a task of its own: what was enrolled counts although the one who asked went away.
    let (state, id, counter) = (state.clone(), id.clone(), command.counter);
    let waiting = tokio::spawn(async move { heard(&state, &id, counter, results, patience).await });
    let settled = waiting.await.map_err(|_| Problem::fault())??;
    answer(settled)
}

async fn heard(
    state: &State,
    id: &AgentId,
    counter: u64,
    results: Receiver<(AgentId, CommandResult)>,
    patience: Duration,
) -> Answer<Settled> {
    let nothing = Said::of("refused-agent-late");
    let Ok(Some(result)) = timeout(patience, result(results, id, counter)).await else {
        return Err(Problem::no_answer(nothing));
    };
    match settle(&state.app, id, &result, state.now()).await? {
        Some((settled, publications)) => {
            // The other end lives as long as the process.
            drop(state.bells.outbox.send(publications));
            Ok(settled)
        }
        None => Err(Problem::no_answer(nothing)),
    }
}

async fn result(
    mut results: Receiver<(AgentId, CommandResult)>,
    id: &AgentId,
    counter: u64,
) -> Option<CommandResult> {
    loop {
        match results.recv().await {
            Ok((agent, result)) if agent == *id && result.counter == counter => {
                return Some(result);
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

fn answer(settled: Settled) -> Answer<Json<CommandOutcome>> {
    Ok(Json(match settled {
        Settled::Done => CommandOutcome::Done,
        Settled::Refused(why) => {
            return Err(Problem::conflict(
                "action",
                Said::of("refused-agent-refused").put("why", why),
            ));
        }
        Settled::Enrolled(card) => CommandOutcome::Enrolled { card: card.into() },
        Settled::Owned(card) => return Err(owned("card", &card)),
        Settled::Pooled(LoanerId(loaner)) => CommandOutcome::Pooled { loaner },
        Settled::Lent => return Err(Problem::conflict("card", pooled())),
        Settled::LooksLike(zone, other) => {
            return Err(Problem::conflict("card", alike(&zone, &other)));
        }
        Settled::NoCard => CommandOutcome::NoCard,
        Settled::Diagnostics(text) => CommandOutcome::Diagnostics { text },
    }))
}

/// Records a result once and does what follows from it; an enrolled card becomes the member's. None if nobody asked.
pub async fn settle(
    app: &App,
    agent: &AgentId,
    result: &CommandResult,
    now: Timestamp,
) -> Step<Option<(Settled, Vec<Publication>)>> {
    let mut work = app.work(now).await?;
    let came = commands::record(&mut work.tx, &app.keys, &app.organisation, agent, result).await?;
    let settled = match came {
        None => return Ok(None),
        Some(Came::Done) => Settled::Done,
        Some(Came::Refused(why)) => Settled::Refused(why),
        Some(Came::NoCard) => Settled::NoCard,
        Some(Came::Diagnostics(text)) => Settled::Diagnostics(text),
        Some(Came::Card { uid, enrolment, by }) => {
            enrolled(app, &mut work, agent, &uid, &enrolment, &by).await?
        }
    };
    Ok(Some((settled, app.finish(work).await?)))
}

/// The card that was shown becomes a member's, or a fob of the pool.
async fn enrolled(
    app: &App,
    work: &mut Work,
    agent: &AgentId,
    uid: &CardUid,
    enrolment: &Enrolment,
    by: &str,
) -> Step<Settled> {
    let added = match enrolment {
        Enrolment::Of(member) => {
            let added = add(app, work, *member, uid, "", "a card was enrolled").await?;
            match added {
                Added::Added(id) => {
                    let card = people::card(&mut work.tx, &app.organisation, id).await?;
                    let settled = card.map_or(Settled::NoCard, Settled::Enrolled);
                    Ok(("card.enrol", format!("card {id} at agent {agent}"), settled))
                }
                other @ (Added::Owned(_) | Added::LooksLike(..) | Added::Pooled) => Err(other),
            }
        }
        Enrolment::Pool(label) => pool(app, work, uid, label).await?.map(|id| {
            let cause = format!("fob {id} at agent {agent}");
            ("loaner.add", cause, Settled::Pooled(id))
        }),
    };
    Ok(match added {
        Ok((action, cause, settled)) => {
            let line = AuditLine {
                actor: by,
                action,
                member: enrolment.member(),
                cause: &cause,
                body: None,
            };
            audit(&mut work.tx, &app.organisation, work.now, line);
            settled
        }
        Err(Added::Owned(card)) => Settled::Owned(card),
        Err(Added::LooksLike(zone, card)) => Settled::LooksLike(zone, card),
        Err(Added::Pooled | Added::Added(_)) => Settled::Lent,
    })
}
