//! Agents: pairing codes, what they hold by their own signed word, and their end.

use super::extract::{At, Body};
use super::problem::{Answer, Problem};
use super::values::{Moment, Title};
use super::{Here, State};
use crate::doors::access::SERVER_USER;
use crate::doors::intake::OUT_OF_CONTACT;
use crate::doors::pairing::{self, CODE_LIFE};
use crate::random::Handed;
use crate::said::Said;
use crate::setup;
use crate::store::agents::Agent;
use crate::store::lists::ZoneHead;
use crate::store::places::{self, AgentFace};
use crate::store::{Tx, agents, cbor, lists};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::door_clock::Quality;
use shared::ids::{AgentId, ZoneId};
use shared::time::Timestamp;
use shared::wire::{Kept, RefusedWhy, Report, ZoneReport};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An agent: one Raspberry Pi.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentView {
    /// Its name in addresses.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `unpaired`, `paired` or `revoked`.
    pub state: &'static str,
    /// When it was paired.
    pub paired_at: Option<Moment>,
    /// Whether a report came within ten minutes.
    pub in_contact: bool,
    /// When the last report came.
    pub reported_at: Option<Moment>,
    /// What the agent said of itself, signed.
    pub report: Option<ReportView>,
}

/// What an agent said of itself, signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportView {
    /// The agent's time.
    pub at: Moment,
    /// Whether that can be relied on.
    pub clock_trusted: bool,
    /// The agent's version.
    pub version: String,
    /// Whether it only logs what it decides and drives no lock.
    pub shadow: bool,
    /// Events waiting to be sent.
    pub spooled: u64,
    /// Messages refused since the report before, by cause.
    pub refused: BTreeMap<&'static str, u64>,
    /// Zone by zone.
    pub zones: Vec<HeldView>,
}

/// What an agent holds of one zone.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldView {
    /// Which.
    pub zone: String,
    /// The revision in force, as epoch and number; none: no list yet.
    pub revision: Option<String>,
    /// Whether it is the server's newest, by revision and digest.
    pub current: bool,
    /// Whether the policy is the server's newest.
    pub policy_current: bool,
    /// Revisions behind the server; none: not of its history.
    pub behind: Option<u64>,
    /// `stored`, `volatile` (only in memory) or `degraded` (an older generation).
    pub kept: Option<&'static str>,
    /// When the newest verified head was signed.
    pub newest_head: Option<Moment>,
    /// Seconds from then to the report.
    pub lag_seconds: Option<i64>,
}

fn held(zone: &ZoneReport, heads: &[(ZoneId, ZoneHead)], reported: Option<Timestamp>) -> HeldView {
    let head = heads
        .iter()
        .find(|(known, _)| *known == zone.zone)
        .map(|(_, head)| head);
    let newest = |list: shared::wire::HeldList| {
        head.is_some_and(|head| head.revision == list.revision && head.digest == list.digest)
    };
    let behind = |list: shared::wire::HeldList| {
        let head = head.filter(|head| head.revision.epoch == list.revision.epoch)?;
        head.revision.number.checked_sub(list.revision.number)
    };
    let policy: Option<[u8; 32]> = head.map(|head| Sha256::digest(&head.policy).into());
    HeldView {
        zone: zone.zone.to_string(),
        revision: zone.list.map(|list| list.revision.to_string()),
        current: zone.list.is_some_and(newest),
        policy_current: policy
            .is_some_and(|policy| zone.policy.as_deref() == Some(policy.as_slice())),
        behind: zone.list.and_then(behind),
        kept: zone.list.map(|list| match list.kept {
            Kept::Stored => "stored",
            Kept::Volatile => "volatile",
            Kept::Degraded => "degraded",
        }),
        newest_head: Moment::maybe(zone.newest_head),
        lag_seconds: zone
            .newest_head
            .zip(reported)
            .map(|(newest, reported)| (reported - newest).0 / 1000),
    }
}

fn why(why: RefusedWhy) -> &'static str {
    match why {
        RefusedWhy::Unreadable => "unreadable",
        RefusedWhy::Version => "unknown_version",
        RefusedWhy::Key => "unknown_key",
        RefusedWhy::Signature => "wrong_signature",
        RefusedWhy::Older => "older",
        RefusedWhy::Conflict => "two_histories",
        RefusedWhy::Digest => "wrong_digest",
        RefusedWhy::FarAhead => "far_ahead",
        RefusedWhy::Expired => "expired_command",
        RefusedWhy::NotOurs => "not_ours",
    }
}

fn view(
    agent: &Agent,
    face: AgentFace,
    heads: &[(ZoneId, ZoneHead)],
    now: Timestamp,
) -> Answer<AgentView> {
    let report: Option<Report> = face
        .report
        .as_ref()
        .map(|body| cbor(body, "agents", "report", &face.id))
        .transpose()?;
    let state = match (agent.key, agent.revoked_at) {
        (_, Some(_)) => "revoked",
        (None, None) => "unpaired",
        (Some(_), None) => "paired",
    };
    let report = report.map(|report| ReportView {
        at: Moment(report.at),
        clock_trusted: report.quality == Quality::Trusted,
        zones: report
            .zones
            .iter()
            .map(|zone| held(zone, heads, agent.report_at))
            .collect(),
        version: report.version,
        shadow: report.shadow.unwrap_or_default(),
        spooled: report.spooled,
        refused: report
            .refused
            .iter()
            .map(|refused| (why(refused.why), refused.count))
            .collect(),
    });
    Ok(AgentView {
        id: face.id,
        name: face.name,
        state,
        paired_at: face.paired_at.map(Moment::of),
        in_contact: agent.revoked_at.is_none()
            && agent.report_at.is_some_and(|at| at + OUT_OF_CONTACT >= now),
        reported_at: Moment::maybe(agent.report_at),
        report,
    })
}

/// All agents, as they are now.
pub async fn all(state: &State, tx: &mut Tx) -> Answer<Vec<AgentView>> {
    let (organisation, now) = (&state.app.organisation, state.now());
    let heads = lists::zones(tx, organisation).await?;
    let agents = agents::all(tx, organisation).await?;
    let faces = places::agent_faces(tx, organisation).await?;
    agents
        .iter()
        .zip(faces)
        .map(|(agent, face)| view(agent, face, &heads, now))
        .collect()
}

async fn one(state: &State, tx: &mut Tx, id: &AgentId) -> Answer<AgentView> {
    let found = all(state, tx)
        .await?
        .into_iter()
        .find(|agent| agent.id == id.as_str());
    found.ok_or(Problem::not_found("agent"))
}

/// All agents, with what each holds by its own signed word
#[utoipa::path(get, path = "/api/v1/agents", tag = "doors", responses((status = OK, body = Vec<AgentView>), Problem))]
pub async fn list(state: Here) -> Answer<Json<Vec<AgentView>>> {
    Ok(Json(
        all(&state, &mut state.app.store.begin_read().await?).await?,
    ))
}

/// One agent
#[utoipa::path(get, path = "/api/v1/agents/{agent}", tag = "doors", params(("agent" = String, Path)),
    responses((status = OK, body = AgentView), Problem))]
pub async fn show(state: Here, At(id): At<AgentId>) -> Answer<Json<AgentView>> {
    Ok(Json(
        one(&state, &mut state.app.store.begin_read().await?, &id).await?,
    ))
}

/// An agent to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// Its name in addresses and topics.
    #[schema(value_type = String)]
    pub id: AgentId,
    /// What people call it.
    pub name: Title,
}

/// A pairing code; shown this once.
#[derive(Serialize, ToSchema)]
pub struct PairingCodeView {
    /// For which agent.
    pub agent: String,
    /// To be typed after `door-agent pair --code`.
    pub code: String,
    /// Good until then, once, for five tries.
    pub expires_at: Moment,
}

/// Make an agent; the answer shows its pairing code once
#[utoipa::path(post, path = "/api/v1/agents", tag = "doors", request_body = NewAgent,
    responses((status = CREATED, body = PairingCodeView), Problem))]
pub async fn create(
    state: Here,
    Body(body): Body<NewAgent>,
) -> Answer<(StatusCode, Json<PairingCodeView>)> {
    if body.id.as_str() == SERVER_USER {
        return Err(Problem::conflict("id", Said::of("refused-broker-name")));
    }
    let mut work = state.work().await?;
    let organisation = &state.app.organisation;
    if agents::is_taken(&mut work.tx, organisation, &body.id).await? {
        return Err(Problem::conflict("id", Said::of("refused-broker-shared")));
    }
    if agents::find(&mut work.tx, organisation, &body.id)
        .await?
        .is_some()
    {
        return Err(Problem::conflict("id", Said::of("refused-agent-name")));
    }
    setup::agent(&mut work.tx, organisation, &body.id, body.name.as_str()).await?;
    state.note(&mut work, "agent.create", None, body.id.as_str());
    let code = fresh_code(&state, &mut work, &body.id).await?;
    state.done(work).await?;
    Ok((StatusCode::CREATED, Json(code)))
}

async fn fresh_code(
    state: &Here,
    work: &mut crate::app::Work,
    id: &AgentId,
) -> Answer<PairingCodeView> {
    let app = &state.app;
    let mut random = Handed::new(|bytes| app.with_random(|random| random.fill_bytes(bytes)));
    let code = pairing::create(
        &mut work.tx,
        &app.keys,
        &app.organisation,
        id,
        work.now,
        &mut random,
    )
    .await?;
    Ok(PairingCodeView {
        agent: id.to_string(),
        code: code.to_string(),
        expires_at: Moment(work.now + CODE_LIFE),
    })
}

/// Make a new pairing code; codes made before are void
#[utoipa::path(post, path = "/api/v1/agents/{agent}/pairing-code", tag = "doors", params(("agent" = String, Path)),
    responses((status = CREATED, body = PairingCodeView), Problem))]
pub async fn code(state: Here, At(id): At<AgentId>) -> Answer<(StatusCode, Json<PairingCodeView>)> {
    let mut work = state.work().await?;
    let agent = agents::find(&mut work.tx, &state.app.organisation, &id).await?;
    agent.ok_or(Problem::not_found("agent"))?;
    state.note(&mut work, "agent.code", None, id.as_str());
    let code = fresh_code(&state, &mut work, &id).await?;
    state.done(work).await?;
    Ok((StatusCode::CREATED, Json(code)))
}

/// Take an agent's rights: its signature and its password no longer count
#[utoipa::path(post, path = "/api/v1/agents/{agent}/revoke", tag = "doors", params(("agent" = String, Path)),
    responses((status = OK, body = AgentView), Problem))]
pub async fn revoke(state: Here, At(id): At<AgentId>) -> Answer<Json<AgentView>> {
    let mut work = state.work().await?;
    revoke_now(&state, &mut work, &id).await?;
    let answer = one(&state, &mut work.tx, &id).await?;
    state.done(work).await?;
    state.agents_changed();
    Ok(Json(answer))
}

/// Takes an agent's rights; whoever calls this tells of it with [`State::agents_changed`] when it is committed.
pub async fn revoke_now(state: &Here, work: &mut crate::app::Work, id: &AgentId) -> Answer<()> {
    let (organisation, now) = (&state.app.organisation, work.now);
    one(state, &mut work.tx, id).await?;
    places::revoke_agent(&mut work.tx, organisation, id, now).await?;
    state.note(work, "agent.revoke", None, id.as_str());
    Ok(())
}
