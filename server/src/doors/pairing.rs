//! Pairing, the server's side: a code is good once, for 15 minutes and five tries; the secret never travels.

use crate::keys::Keys;
use crate::store::{Result, Tx, on};
use rand_core::CryptoRng;
use shared::ids::{AgentId, OrganisationId};
use shared::keys::{PublicKey, SealingKey};
use shared::time::{Span, Timestamp};
use shared::wire::pairing::{PairRequest, PairingCode, ServerHello};
use subtle::ConstantTimeEq;

/// How long a code is good.
pub const CODE_LIFE: Span = Span::minutes(15);
/// How many wrong proofs a code survives.
pub const TRIES: i64 = 5;
const PURPOSE: &str = "pairing secret";

/// Why an agent was not paired. The one who asks is told nothing but *refused*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairingRefused {
    /// No such code.
    #[error("no such pairing code")]
    Unknown,
    /// Older than 15 minutes.
    #[error("the pairing code is too old")]
    Expired,
    /// Used before.
    #[error("the pairing code was used before")]
    Used,
    /// Five wrong proofs.
    #[error("the pairing code was tried too often")]
    TooOften,
    /// The secret is not the code's.
    #[error("the proof does not fit the pairing code")]
    Proof,
}

/// Who was paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// Which agent.
    pub agent: AgentId,
    /// Whose reports count from now on.
    pub key: PublicKey,
    /// To whom its secrets are sealed.
    pub sealing: SealingKey,
}

/// Makes a code for an agent; codes made before are void.
pub async fn create(
    tx: &mut Tx,
    keys: &Keys,
    organisation: &OrganisationId,
    agent: &AgentId,
    now: Timestamp,
    random: &mut impl CryptoRng,
) -> Result<PairingCode> {
    let mut secret = [0; 10];
    random.fill_bytes(&mut secret);
    let code = PairingCode::new(secret, &keys.signer().public());
    let sql = "DELETE FROM pairing_codes WHERE organisation = $1 AND agent = $2";
    on!(tx, c => sqlx::query(sql).bind(organisation.as_str()).bind(agent.as_str()).execute(c).await?.rows_affected());
    let sql = "INSERT INTO pairing_codes (handle, organisation, agent, secret, expires_at, tries_left) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    on!(tx, c => sqlx::query(sql)
        .bind(code.handle().as_slice()).bind(organisation.as_str()).bind(agent.as_str())
        .bind(keys.seal_secret(&secret, PURPOSE, random)).bind((now + CODE_LIFE).0).bind(TRIES)
        .execute(c).await?.rows_affected());
    Ok(code)
}

/// What a server says of itself to an agent's nonce.
#[must_use]
pub fn hello(keys: &Keys, nonce: [u8; 32]) -> Vec<u8> {
    let hello = ServerHello {
        nonce,
        key: keys.signer().public(),
        sealing: keys.opening().public(),
    };
    [hello.key.0.as_slice(), &hello.sign(keys.signer())].concat()
}

#[derive(sqlx::FromRow)]
struct Row {
    agent: String,
    secret: Vec<u8>,
    expires_at: i64,
    tries_left: i64,
    used_at: Option<i64>,
}

/// Judges a request; a wrong proof costs a try, a right one uses the code up. Commit the transaction either way.
pub async fn judge(
    tx: &mut Tx,
    keys: &Keys,
    organisation: &OrganisationId,
    request: &PairRequest,
    now: Timestamp,
) -> Result<std::result::Result<Paired, PairingRefused>> {
    let sql = "SELECT agent, secret, expires_at, tries_left, used_at FROM pairing_codes \
               WHERE handle = $1 AND organisation = $2";
    let row: Option<Row> = on!(tx, c => sqlx::query_as(sql)
        .bind(request.handle.as_slice()).bind(organisation.as_str()).fetch_optional(c).await?);
    let Some(row) = row else {
        return Ok(Err(PairingRefused::Unknown));
    };
    if row.used_at.is_some() {
        return Ok(Err(PairingRefused::Used));
    }
    if row.expires_at <= now.0 {
        return Ok(Err(PairingRefused::Expired));
    }
    if row.tries_left <= 0 {
        return Ok(Err(PairingRefused::TooOften));
    }
    if !proves(keys, &row.secret, request) {
        let sql = "UPDATE pairing_codes SET tries_left = tries_left - 1 WHERE handle = $1";
        on!(tx, c => sqlx::query(sql).bind(request.handle.as_slice()).execute(c).await?.rows_affected());
        return Ok(Err(PairingRefused::Proof));
    }
    let sql = "UPDATE pairing_codes SET used_at = $2 WHERE handle = $1 AND used_at IS NULL";
    let used = on!(tx, c => sqlx::query(sql).bind(request.handle.as_slice()).bind(now.0)
        .execute(c).await?.rows_affected());
    if used != 1 {
        return Ok(Err(PairingRefused::Used));
    }
    let agent = crate::store::rulebook::name(&row.agent, "pairing_codes")?;
    Ok(Ok(Paired {
        agent,
        key: request.key,
        sealing: request.sealing,
    }))
}

fn proves(keys: &Keys, sealed: &[u8], request: &PairRequest) -> bool {
    let Some(secret) = keys.open_secret(sealed, PURPOSE) else {
        return false;
    };
    let Ok(secret) = <[u8; 10]>::try_from(secret.as_slice()) else {
        return false;
    };
    let server = ServerHello {
        nonce: request.nonce,
        key: keys.signer().public(),
        sealing: keys.opening().public(),
    };
    let expected =
        PairingCode::new(secret, &server.key).proof(&server, request.key, request.sealing);
    expected.ct_eq(&request.proof).into()
}

/// Writes the paired agent's keys and the hash of its new broker password.
pub async fn enter(
    tx: &mut Tx,
    organisation: &OrganisationId,
    paired: &Paired,
    password_sha256: [u8; 32],
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE agents SET public_key = $3, sealing_key = $4, password_sha256 = $5, paired_at = $6, \
               revoked_at = NULL, config_number = config_number + 1 WHERE organisation = $1 AND id = $2";
    on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(paired.agent.as_str()).bind(paired.key.0.as_slice())
        .bind(paired.sealing.0.as_slice()).bind(password_sha256.as_slice()).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(())
}
