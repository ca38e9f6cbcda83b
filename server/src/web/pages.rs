//! Pages for people: what `/api/v1` does, as forms and tables that work without a script.

mod assets;
mod attention;
mod badges;
mod doors;
mod form;
mod live;
mod look;
mod member;
mod members;
mod people;
mod sign_in;
mod today;
mod welcome;
mod words;

use super::auth::asked;
use super::problem::{Answer, Problem};
use super::{State, Who};
use crate::staff;
use crate::store::staff as table;
use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts as _, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use look::Look;
use shared::time::{Span, Timestamp};
use std::sync::Arc;

/// The pages of one organisation.
pub fn routes(state: &Arc<State>) -> Router<Arc<State>> {
    let inside = Router::new()
        .route("/admin", get(today::show))
        .route("/admin/live", get(live::tell))
        .route("/admin/members", get(members::show).post(members::create))
        .route("/admin/members/search", post(members::find))
        .route(
            "/admin/members/{member}",
            get(member::show).post(member::change),
        )
        .route("/admin/members/{member}/cards", post(member::give_card))
        .route("/admin/members/{member}/grants", post(member::grant))
        .route("/admin/members/{member}/holds", post(member::hold))
        .route("/admin/members/{member}/payments", post(member::pay))
        .route("/admin/cards/{card}/mark", post(member::mark_card))
        .route("/admin/grants/{grant}/end", post(member::end_grant))
        .route("/admin/holds/{hold}/end", post(member::end_hold))
        .route("/admin/badges", get(badges::show))
        .route("/admin/doors", get(doors::show))
        .route("/admin/doors/{door}/commands", post(doors::command))
        .route("/admin/zones/{zone}/lockdown", post(doors::lock_down))
        .route("/admin/attention", get(attention::show))
        .route("/admin/attention/{item}/resolve", post(attention::resolve))
        .route("/admin/people", get(people::show).post(people::invite))
        .route("/admin/people/{staff}/role", post(people::change_role))
        .route("/admin/people/{staff}/remove", post(people::remove))
        .route("/admin/me", get(people::me))
        .route(
            "/admin/me/sessions/{session}/end",
            post(people::end_session),
        )
        .route("/admin/sign-out", post(sign_in::leave))
        .route_layer(from_fn_with_state(state.clone(), guard));
    let outside = Router::new()
        .route("/admin/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/admin/welcome", get(welcome::show).post(welcome::equip));
    inside
        .merge(outside)
        .layer(from_fn_with_state(state.clone(), dress))
        .route("/static/{name}", get(assets::file))
}

/// Words that are put together, and so are not found in the texts of pages.
#[cfg(test)]
fn spoken_words() -> Vec<String> {
    let states = [
        "good", "grace", "held", "pending", "lapsed", "stranger", "none",
    ];
    let roles = ["owner", "admin", "treasurer", "front-desk", "read-only"];
    let welcome = ["code-wrong", "incomplete", "password-weak", "token-wrong"];
    let parts = [
        ("state", &states[..]),
        ("role", &roles),
        ("welcome", &welcome),
    ];
    let parts = parts
        .into_iter()
        .flat_map(|(what, words)| words.iter().map(move |word| format!("{what}-{word}")));
    let attention = attention::words().into_iter().map(str::to_owned);
    parts.chain(attention).chain(people::words()).collect()
}

/// Lets whoever is signed in do what their role may, and sends everybody else to the door.
async fn guard(state: super::Open, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let (prefix, action) = asked(&mut parts, &state).await;
    let who = match signed_in(&state, &parts.headers).await {
        Ok(Some(who)) => who,
        Ok(None) if parts.method == Method::GET => {
            return Redirect::to(&format!("{prefix}/admin/sign-in")).into_response();
        }
        Ok(None) => return Problem::signed_out().into_response(),
        Err(problem) => return problem.into_response(),
    };
    if !action.is_some_and(|action| who.role.may(action)) {
        return Problem::forbidden().into_response();
    }
    parts.extensions.insert(who);
    next.run(Request::from_parts(parts, body)).await
}

/// Who is signed in where this cookie lies.
async fn signed_in(state: &State, headers: &HeaderMap) -> Answer<Option<Who>> {
    let Some(token) = cookie(state, headers) else {
        return Ok(None);
    };
    let (organisation, now) = (&state.app.organisation, state.now());
    let mut tx = state.app.store.begin_read().await?;
    let session = table::session(&mut tx, organisation, &staff::digest(&token)).await?;
    let Some(session) = session else {
        return Ok(None);
    };
    let seen = Timestamp(session.seen_at);
    if staff::is_over(Timestamp(session.created_at), seen, now) {
        return Ok(None);
    }
    let Some(person) = table::find(&mut tx, organisation, session.staff).await? else {
        return Ok(None);
    };
    drop(tx);
    if now >= seen + Span::minutes(1) {
        let mut tx = state.app.store.begin().await?;
        table::seen(&mut tx, session.id, now).await?;
        tx.commit().await?;
    }
    Ok(Some(Who {
        actor: format!("staff {}", person.id),
        role: person.role,
        session: Some((person.id, session.id)),
    }))
}

/// The cookie of a session: only for this host and over TLS where that is how people come.
fn cookie_name(state: &State, is_secure: bool) -> String {
    let host = if is_secure { "__Host-" } else { "" };
    format!("{host}goodstanding-{}", state.app.organisation)
}

fn cookie(state: &State, headers: &HeaderMap) -> Option<String> {
    let texts = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let pairs: Vec<(&str, &str)> = texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .collect();
    [true, false].into_iter().find_map(|is_secure| {
        let name = cookie_name(state, is_secure);
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// Refuses what another site's page sent, shows refusals as pages, and tells browsers what pages may do.
async fn dress(state: super::Open, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let allowed = is_ours(&parts.method, &parts.headers);
    let mut response = if allowed {
        let request = Request::from_parts(parts.clone(), body);
        next.run(request).await
    } else {
        Problem::other_site().into_response()
    };
    if let Some(problem) = response.extensions().get::<Problem>().cloned() {
        let status = response.status();
        if let Ok(Some(who)) = signed_in(&state, &parts.headers).await {
            parts.extensions.insert(who);
        }
        if let Ok(look) = Look::from_request_parts(&mut parts, &state.0).await {
            response = (status, shown(&Refused { look, problem })).into_response();
        }
    }
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Only our own style, script and forms; nobody frames a page (www.w3.org/TR/CSP3).
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whether a request comes from one of our own pages, as far as its browser says: what only looks may come from anywhere
/// (www.w3.org/TR/fetch-metadata; browsers before it name the origin).
fn is_ours(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return true;
    }
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(&HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let host = text(&ORIGIN)
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, host)| host);
    host.is_some() && host == text(&HOST)
}

/// A page as it is sent.
fn shown(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a page cannot be shown"
            );
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// To another page, after something was done (RFC 9110, 15.4.4).
fn see(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(LOCATION, address);
    }
    response
}

/// Why something was not done.
#[derive(Template)]
#[template(path = "refused.html")]
struct Refused {
    look: Look,
    problem: Problem,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_change_anything() {
        let asked = |method: Method, headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            is_ours(&method, &headers.collect())
        };
        let site = |site| asked(Method::POST, &[("sec-fetch-site", site)]);
        assert!(site("same-origin"));
        assert!(!site("cross-site") && !site("same-site") && !site("none"));
        let from = |origin| {
            asked(
                Method::POST,
                &[("origin", origin), ("host", "club.example")],
            )
        };
        assert!(from("https://club.example") && from("http://club.example"));
        assert!(
            !from("https://evil.example") && !from("null") && !from("https://club.example.evil")
        );
        assert!(!asked(Method::POST, &[("host", "club.example")]));
        assert!(asked(Method::GET, &[("sec-fetch-site", "cross-site")]));
    }
}
