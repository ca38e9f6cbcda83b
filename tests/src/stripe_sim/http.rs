//! The REST interface on a socket.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::{Headers, StripeSim};

/// Serves `/v1/…` of a simulated account; whoever holds the account may move its clock meanwhile.
pub fn router(sim: Arc<Mutex<StripeSim>>) -> Router {
    Router::new().fallback(answer).with_state(sim)
}

async fn answer(
    State(sim): State<Arc<Mutex<StripeSim>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut params = decode_form(uri.query().unwrap_or_default().as_bytes());
    params.extend(decode_form(&body));
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let heads = Headers {
        idempotency_key: text("idempotency-key"),
        stripe_version: text("stripe-version"),
        authorization: text("authorization"),
        stripe_account: text("stripe-account"),
    };
    let (status, value) = sim.lock().unwrap_or_else(PoisonError::into_inner).request(
        method.as_str(),
        uri.path(),
        &params,
        heads,
    );
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

/// `a[b]=c&d=e+f` as pairs.
pub fn decode_form(bytes: &[u8]) -> Vec<(String, String)> {
    bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let half = |bytes: Option<&[u8]>| percent_decode(bytes.unwrap_or_default());
            let key = half(halves.next());
            (key, half(halves.next()))
        })
        .collect()
}

fn percent_decode(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        let hex = rest
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                rest = rest.get(2..).unwrap_or_default();
            }
            (b'+', _) => out.push(b' '),
            (other, _) => out.push(*other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
