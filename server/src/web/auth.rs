//! The admin's token.

use super::problem::Problem;
use super::{Here, State};
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Lets a request pass that carries the admin's token, wherever it comes from.
pub async fn admin(state: Here, request: Request, next: Next) -> Response {
    if is_admin(&state, &request) {
        next.run(request).await
    } else {
        Problem::unauthorised().into_response()
    }
}

fn is_admin(state: &State, request: &Request) -> bool {
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .map_or(b"".as_slice(), |value| value.as_bytes());
    let (scheme, token) = given.split_at_checked(BEARER.len()).unwrap_or_default();
    let digest: [u8; 32] = Sha256::digest(token).into();
    let fits: bool = digest.ct_eq(&state.admin_token).into();
    fits && scheme.eq_ignore_ascii_case(BEARER)
}

const BEARER: &[u8] = b"Bearer ";
