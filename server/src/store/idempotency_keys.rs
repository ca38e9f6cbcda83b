//! Requests by what their clients called them, so that one that is sent again is answered and not done again.

use super::trip::Statement;
use super::{Result, Tx, on};
use shared::ids::OrganisationId;
use shared::time::Timestamp;

/// A request that was done before.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Done {
    /// SHA-256 of where it was sent and of its body.
    pub request_sha256: Vec<u8>,
    /// What was answered, as JSON.
    pub answer: Option<String>,
}

/// Takes a key for a request that is done in this transaction; or what was done under it before.
pub async fn take(
    tx: &mut Tx,
    organisation: &OrganisationId,
    key: &str,
    request_sha256: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Done>> {
    let sql = "INSERT INTO idempotency_keys (organisation, key, request_sha256, used_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (organisation, key) DO NOTHING";
    let rows = on!(tx, c => sqlx::query(sql)
        .bind(organisation.as_str()).bind(key).bind(request_sha256.as_slice()).bind(now.0)
        .execute(c).await?.rows_affected());
    if rows == 1 {
        return Ok(None);
    }
    let sql =
        "SELECT request_sha256, answer FROM idempotency_keys WHERE organisation = $1 AND key = $2";
    let question = Statement::new(sql).bind(organisation.as_str());
    Ok(tx.ask(question.bind(key)).await?.pop())
}

/// Keeps what is answered to the request of a key.
pub fn answer(tx: &mut Tx, organisation: &OrganisationId, key: &str, answer: &str) {
    let sql = "UPDATE idempotency_keys SET answer = $3 WHERE organisation = $1 AND key = $2";
    let write = Statement::new(sql).bind(organisation.as_str());
    tx.later(write.bind(key).bind(answer));
}

/// Forgets keys that were used before a moment.
pub fn forget(tx: &mut Tx, organisation: &OrganisationId, before: Timestamp) {
    let sql = "DELETE FROM idempotency_keys WHERE organisation = $1 AND used_at < $2";
    tx.later(
        Statement::new(sql)
            .bind(organisation.as_str())
            .bind(before.0),
    );
}
