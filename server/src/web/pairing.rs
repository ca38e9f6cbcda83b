//! Pairing: the only part that an agent asks for over HTTP. Whoever has no code learns nothing of use.

use super::extract::bytes;
use super::problem::{Answer, Problem};
use super::{Open, State};
use crate::doors::{pairing, publish};
use crate::random::Handed;
use crate::store::agents;
use crate::store::attention::{AuditLine, audit};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use shared::time::{Span, Timestamp};
use shared::wire::pairing::{PairRequest, Pairing};
use std::sync::{Mutex, PoisonError};

/// The largest request, in bytes.
const MAX_REQUEST: usize = 1024;
const CBOR: &str = "application/cbor";
const BYTES: &str = "application/octet-stream";

/// The server's keys, signed over the agent's nonce: 32 bytes in; the public key and the signed hello out
#[utoipa::path(post, path = "/api/v1/pair/hello", tag = "pairing", security(()),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = OK, content_type = "application/octet-stream", body = Vec<u8>), Problem))]
pub async fn hello(state: Open, request: Request) -> Answer<impl IntoResponse + use<>> {
    state.pairing.spend(state.now())?;
    let body = bytes(request, &(), MAX_REQUEST).await?;
    let Ok(nonce) = <[u8; 32]>::try_from(&body[..]) else {
        return Err(Problem::field("nonce", "Send 32 random bytes as the body."));
    };
    Ok((
        [(CONTENT_TYPE, BYTES)],
        pairing::hello(&state.app.keys, nonce),
    ))
}

/// Pair an agent by the proof of its code; the answer is sealed to the agent
#[utoipa::path(post, path = "/api/v1/pair", tag = "pairing", security(()),
    request_body(content = Vec<u8>, content_type = "application/cbor"),
    responses((status = OK, content_type = "application/cbor", body = Vec<u8>), Problem))]
pub async fn pair(state: Open, request: Request) -> Answer<impl IntoResponse + use<>> {
    state.pairing.spend(state.now())?;
    let body = bytes(request, &(), MAX_REQUEST).await?;
    let request: PairRequest = minicbor::decode(&body)
        .map_err(|_| Problem::malformed("The body is not a pairing request in CBOR."))?;
    let sealed = enter(&state, &request).await?;
    state.agents_changed();
    Ok(([(CONTENT_TYPE, CBOR)], sealed))
}

async fn enter(state: &State, request: &PairRequest) -> Answer<Vec<u8>> {
    let (app, now) = (&state.app, state.now());
    let (keys, organisation) = (&app.keys, &app.organisation);
    let mut tx = app.store.begin().await?;
    let paired = match pairing::judge(&mut tx, keys, organisation, request, now).await? {
        Ok(paired) => paired,
        Err(refused) => {
            // A wrong proof has cost a try.
            tx.commit().await?;
            tracing::warn!(%refused, "an agent was not paired");
            return Err(Problem::refused());
        }
    };
    let mut random = Handed::new(|bytes| app.with_random(|random| random.fill_bytes(bytes)));
    let mut secret = [0; 32];
    app.with_random(|random| random.fill_bytes(&mut secret));
    let password = URL_SAFE_NO_PAD.encode(secret);
    pairing::enter(
        &mut tx,
        organisation,
        &paired,
        Sha256::digest(&password).into(),
        now,
    )
    .await?;
    let agent = agents::find(&mut tx, organisation, &paired.agent)
        .await?
        .ok_or(Problem::fault())?;
    let config = publish::config(&mut tx, keys, organisation, &agent, now, &mut random).await?;
    let answer = Pairing {
        organisation: organisation.clone(),
        agent: paired.agent.clone(),
        broker: state.broker.url.clone(),
        broker_pin: state.broker.pin.map(|pin| pin.0.to_vec()),
        password,
        recovery: keys.recovery(),
        config: config.ok_or(Problem::malformed("The sealing key is not a key."))?,
    };
    let sealed = answer.seal(keys.signer(), paired.sealing, &mut random);
    let sealed = sealed.map_err(|_| Problem::malformed("The sealing key is not a key."))?;
    let cause = format!("agent {} was paired", paired.agent);
    let line = AuditLine {
        actor: "agent",
        action: "agent.pair",
        member: None,
        cause: &cause,
        body: None,
    };
    audit(&mut tx, organisation, now, line);
    tx.commit().await?;
    tracing::info!(agent.id = %paired.agent, "{cause}");
    Ok(sealed)
}

/// How many pairing requests are answered in a minute, whoever asks.
const PER_MINUTE: u32 = 60;

/// Counts requests by the minute: guessing is slow, and nobody keeps the processor busy with signatures.
#[derive(Debug, Default)]
pub struct Limit(Mutex<(Timestamp, u32)>);

impl Limit {
    fn spend(&self, now: Timestamp) -> Answer<()> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now - window.0 >= Span::minutes(1) || now < window.0 {
            *window = (now, 0);
        }
        window.1 += 1;
        if window.1 > PER_MINUTE {
            Err(Problem::too_often())
        } else {
            Ok(())
        }
    }
}
