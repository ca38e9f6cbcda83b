//! A request that is sent again, for its answer was lost, is done once (draft-ietf-httpapi-idempotency-key-header).

use super::State;
use super::extract::json;
use super::problem::{Answer, Problem};
use crate::app::Work;
use crate::store::idempotency_keys;
use crate::store::to_json;
use axum::extract::{FromRequest, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use shared::time::Span;

/// The header that names a request.
pub const HEADER: &str = "Idempotency-Key";
/// So long a key is remembered.
const REMEMBERED: Span = Span::days(7);
/// The longest key.
const LONGEST: usize = 255;

/// What its client calls a request.
pub struct Key {
    text: String,
    request_sha256: [u8; 32],
}

impl Key {
    /// The key of a form, and what was sent with it.
    pub fn of_form(key: &str, sent: &str) -> Self {
        Self {
            text: format!("form {key}"),
            request_sha256: Sha256::digest(sent).into(),
        }
    }
}

/// A JSON body, with what its client calls the request.
pub struct Named<T>(pub Option<Key>, pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let text = match request.headers().get(HEADER) {
            None => None,
            Some(text) => {
                let text = text.to_str().ok().filter(|text| {
                    (1..=LONGEST).contains(&text.len()) && !text.contains(char::is_whitespace)
                });
                let valid = "Write 1 to 255 ASCII characters without spaces, new for each request.";
                let text = text.ok_or_else(|| Problem::field(HEADER, valid))?;
                Some(text.to_owned())
            }
        };
        let path = request.uri().path().to_owned();
        let (bytes, value) = json(request, state).await?;
        let request_sha256 = || Sha256::digest([path.as_bytes(), b" ", &bytes].concat()).into();
        let key = text.map(|text| Key {
            text,
            request_sha256: request_sha256(),
        });
        Ok(Self(key, value))
    }
}

impl State {
    /// What was answered when the request of this key was done; none: it is done now, in this transaction.
    pub(super) async fn done_before<T: DeserializeOwned>(
        &self,
        work: &mut Work,
        key: Option<&Key>,
    ) -> Answer<Option<T>> {
        let Some(key) = key else { return Ok(None) };
        let (organisation, now) = (&self.app.organisation, work.now);
        idempotency_keys::forget(&mut work.tx, organisation, now - REMEMBERED);
        let sha256 = &key.request_sha256;
        let done =
            idempotency_keys::take(&mut work.tx, organisation, &key.text, sha256, now).await?;
        let Some(done) = done else { return Ok(None) };
        if done.request_sha256 != sha256 {
            let valid = "This key names another request already: write a new one for each request.";
            return Err(Problem::field(HEADER, valid));
        }
        let answer = done.answer.as_deref();
        let answer = answer.and_then(|answer| serde_json::from_str(answer).ok());
        answer.map(Some).ok_or(Problem::fault())
    }

    /// Keeps the answer to the request of a key.
    pub(super) fn answered(&self, work: &mut Work, key: Option<&Key>, answer: &impl Serialize) {
        if let Some(key) = key {
            let answer = to_json(answer);
            idempotency_keys::answer(&mut work.tx, &self.app.organisation, &key.text, &answer);
        }
    }
}
