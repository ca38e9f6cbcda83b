//! The admin's token.

use super::problem::Problem;
use super::{Open, State, Who};
use crate::rights;
use axum::extract::{FromRequestParts as _, MatchedPath, NestedPath, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Lets a request pass that carries the admin's token, wherever it comes from, and is for something that is in the table
/// of rights.
pub async fn admin(state: Open, request: Request, next: Next) -> Response {
    if !is_admin(&state, &request) {
        tracing::warn!(
            path = request.uri().path(),
            "a request without the right token"
        );
        return Problem::unauthorised().into_response();
    }
    let (mut parts, body) = request.into_parts();
    let (_, action) = asked(&mut parts, &state).await;
    let who = Who::token();
    if !action.is_some_and(|action| who.role.may(action)) {
        return Problem::forbidden().into_response();
    }
    parts.extensions.insert(who);
    next.run(Request::from_parts(parts, body)).await
}

/// Below which address the organisation of a request is served, and what it asks for; none: nothing that is in the table.
pub async fn asked(parts: &mut Parts, state: &Arc<State>) -> (String, Option<&'static str>) {
    let prefix = match NestedPath::from_request_parts(parts, state).await {
        Ok(nested) => nested.as_str().to_owned(),
        Err(_) => String::new(),
    };
    let pattern = parts.extensions.get::<MatchedPath>();
    let pattern = pattern.map_or("", MatchedPath::as_str);
    let pattern = pattern.strip_prefix(&prefix).unwrap_or(pattern);
    let action = rights::action(parts.method.as_str(), pattern);
    (prefix, action)
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
