//! Pages for people: what `/api/v1` does, as forms and tables that work without a script.

mod agents;
mod assets;
mod attention;
mod audit;
mod badges;
mod bulk;
mod cards;
mod catalogue;
mod confirm;
mod coverage;
mod door;
mod doors;
mod enrol;
mod first_steps;
mod form;
mod hours;
mod import;
mod inbox;
mod live;
mod loaners;
mod locations;
mod look;
mod mail;
mod member;
mod members;
mod oidc;
mod own;
mod own_data;
mod own_money;
mod own_outlook;
mod own_sign_in;
mod passkeys;
mod password;
mod payments;
mod people;
mod plan;
mod schedules;
mod sign_in;
mod start;
mod stripe;
mod sure;
mod timeline;
mod today;
mod types;
mod week;
mod welcome;
mod whom;
mod zones;

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
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use look::Look;
use shared::time::{Span, Timestamp};
use std::sync::Arc;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// The pages of one organisation.
pub fn routes(state: &Arc<State>) -> Router<Arc<State>> {
    let inside = Router::new()
        .route("/admin", get(today::show))
        .route("/admin/live", get(live::tell))
        .route("/admin/members", get(members::show).post(members::create))
        .route("/admin/members/search", post(members::find))
        .route("/admin/members/bulk", post(bulk::act))
        .route("/admin/members/export", post(bulk::export))
        .route(
            "/admin/members/{member}",
            get(member::show).post(member::change),
        )
        .route("/admin/members/{member}/cards", post(member::give_card))
        .route("/admin/members/{member}/grants", post(member::grant))
        .route("/admin/members/{member}/holds", post(member::hold))
        .route("/admin/members/{member}/payments", post(member::pay))
        .route("/admin/members/{member}/lend", post(loaners::lend_to))
        .route("/admin/cards", get(cards::show).post(enrol::by_number))
        .route("/admin/cards/search", post(cards::find))
        .route("/admin/cards/enrol", post(enrol::by_tap))
        .route("/admin/cards/{card}", get(cards::one).post(cards::name))
        .route("/admin/members/{member}/data", get(own_data::export_of))
        .route("/admin/members/{member}/erasure", post(own_data::ask_for))
        .route(
            "/admin/members/{member}/erasure/end",
            post(own_data::take_back_for),
        )
        .route("/admin/members/{member}/notes", post(member::note))
        .route("/admin/notes/{note}/erase", post(member::erase_note))
        .route("/admin/cards/{card}/mark", post(member::mark_card))
        .route("/admin/loaners", post(loaners::add))
        .route("/admin/loaners/tap", post(loaners::tap))
        .route("/admin/loaners/{loaner}/lend", post(loaners::lend))
        .route("/admin/loaners/{loaner}/return", post(loaners::take_back))
        .route("/admin/loaners/{loaner}/remove", post(loaners::remove))
        .route("/admin/grants/{grant}/end", post(member::end_grant))
        .route("/admin/holds/{hold}/end", post(member::end_hold))
        .route(
            "/admin/members/{member}/plan",
            get(plan::show).post(plan::change),
        )
        .route("/admin/members/{member}/customers", post(coverage::link))
        .route("/admin/coverage", post(coverage::name))
        .route("/admin/coverage/free", post(coverage::free))
        .route("/admin/payments", get(payments::show))
        .route("/admin/payments.csv", get(payments::file))
        .route("/admin/payments/{payment}/void", post(payments::void))
        .route("/admin/paying-nothing", get(payments::nothing))
        .route("/admin/stripe", get(stripe::show))
        .route("/admin/stripe/check", post(stripe::check))
        .route("/admin/stripe/inbox", get(inbox::show))
        .route("/admin/stripe/inbox/{event}", get(inbox::event))
        .route("/admin/stripe/inbox/{event}/replay", post(inbox::replay))
        .route(
            "/admin/stripe/catalogue",
            get(catalogue::show).post(catalogue::list),
        )
        .route("/admin/stripe/catalogue/map", post(catalogue::map))
        .route("/admin/stripe/catalogue/unmap", post(catalogue::unmap))
        .route(
            "/admin/stripe/catalogue/retrofit",
            post(catalogue::retrofit),
        )
        .route(
            "/admin/stripe/reconciliation",
            get(stripe::reconciliation).post(stripe::compare),
        )
        .route("/admin/start", get(start::show))
        .route("/admin/start/club", post(first_steps::club))
        .route("/admin/start/check", post(first_steps::check))
        .route("/admin/start/types", post(first_steps::take_over))
        .route("/admin/start/type", post(first_steps::make_type))
        .route("/admin/start/zone", post(first_steps::zone))
        .route("/admin/start/door", post(first_steps::door))
        .route("/admin/start/code", post(first_steps::code))
        .route("/admin/import", get(import::show).post(import::act))
        .route("/admin/import/{import}/undo", post(import::undo))
        .route("/admin/badges", get(badges::show))
        .route("/admin/doors", get(doors::show).post(door::create))
        .route("/admin/doors/{door}", get(door::one).post(door::change))
        .route("/admin/doors/{door}/remove", post(door::remove))
        .route("/admin/agents", get(agents::show).post(agents::create))
        .route("/admin/agents/{agent}", get(agents::one))
        .route("/admin/agents/{agent}/code", post(agents::code))
        .route("/admin/agents/{agent}/revoke", post(agents::revoke))
        .route("/admin/agents/{agent}/commands", post(agents::tell))
        .route("/admin/zones", get(zones::show).post(zones::create))
        .route("/admin/zones/{zone}", get(zones::one).post(zones::rename))
        .route("/admin/zones/{zone}/access", post(zones::change_access))
        .route("/admin/zones/{zone}/settings", post(zones::change_knobs))
        .route("/admin/zones/{zone}/open", post(zones::open))
        .route(
            "/admin/schedules",
            get(schedules::show).post(schedules::create),
        )
        .route(
            "/admin/schedules/{schedule}",
            get(schedules::one).post(schedules::change),
        )
        .route("/admin/types", get(types::show).post(types::create))
        .route("/admin/types/stand-in", post(types::stand_in))
        .route("/admin/types/{type}", get(types::one).post(types::change))
        .route("/admin/locations", post(locations::create))
        .route(
            "/admin/locations/{location}",
            get(locations::one).post(locations::change),
        )
        .route("/admin/doors/{door}/commands", post(doors::command))
        .route("/admin/zones/{zone}/lockdown", post(doors::lock_down))
        .route("/admin/attention", get(attention::show))
        .route("/admin/attention/{item}/resolve", post(attention::resolve))
        .route("/admin/people", get(people::show).post(people::invite))
        .route("/admin/people/{staff}/role", post(people::change_role))
        .route("/admin/people/{staff}/remove", post(people::remove))
        .route("/admin/mail", get(mail::show))
        .route("/admin/mail/language", post(mail::change_language))
        .route("/admin/mail/{letter}", get(mail::letter))
        .route(
            "/admin/mail/texts/{kind}/{language}",
            get(mail::write).post(mail::rewrite),
        )
        .route("/admin/me", get(people::me))
        .route("/admin/me/mail", post(mail::switch))
        .route("/admin/people/{staff}/sign-out", post(people::sign_out))
        .route("/admin/audit", get(audit::show))
        .route("/admin/me/password", post(password::change))
        .route("/admin/me/identities", post(oidc::link))
        .route("/admin/me/identities/{identity}/remove", post(oidc::unlink))
        .route("/admin/me/passkeys", post(passkeys::add))
        .route(
            "/admin/me/passkeys/{passkey}/remove",
            post(passkeys::remove),
        )
        .route(
            "/admin/me/sessions/{session}/end",
            post(people::end_session),
        )
        .route("/admin/sign-out", post(sign_in::leave))
        .route_layer(from_fn_with_state(state.clone(), guard));
    let outside = Router::new()
        .route("/admin/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/admin/sign-in/passkey", post(passkeys::enter))
        .route(
            "/admin/sign-in/provider",
            get(oidc::come_back).post(oidc::leave),
        )
        .route("/admin/welcome", get(welcome::show).post(welcome::equip));
    inside
        .merge(outside)
        .merge(own::routes(state))
        .layer(from_fn_with_state(state.clone(), dress))
        .route("/static/{name}", get(assets::file))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
}

/// Words that are put together, and so are not found in the texts of pages.
#[cfg(test)]
pub(crate) fn spoken_words() -> Vec<String> {
    let states = [
        "good", "grace", "held", "pending", "lapsed", "stranger", "none",
    ];
    let lists = ["ok", "lapsed", "held", "lost", "ended", "unlisted"];
    let formats = crate::membership::card_number::Format::ALL.map(|(_, word)| word);
    let roles = ["owner", "admin", "treasurer", "front-desk", "read-only"];
    let welcome = ["code-wrong", "incomplete", "password-weak", "token-wrong"];
    let only = ["paying_nothing", "no_card"];
    let parts = [
        ("state", &states[..]),
        ("list", &lists),
        ("format", &formats),
        ("day", &hours::FIELDS),
        ("preview", &["gain", "lose", "other-hours"]),
        ("agent", &["unpaired", "paired", "revoked"]),
        ("kept", &["stored", "volatile", "degraded"]),
        ("only", &only),
        ("role", &roles),
        ("welcome", &welcome),
    ];
    let parts = parts
        .into_iter()
        .flat_map(|(what, words)| words.iter().map(move |word| format!("{what}-{word}")));
    let own = [
        "own-good-renews",
        "own-good-until",
        "own-grace",
        "own-held-until",
        "own-lapsed",
        "own-link-gone",
        "own-pending-from",
        "own-per-month",
        "own-per-period",
        "own-per-year",
        "own-stripe-away",
        "own-wait",
    ];
    let own = own.into_iter().map(str::to_owned);
    let attention = attention::words().into_iter().map(str::to_owned);
    let explained = formats.map(|word| format!("format-{word}-what"));
    let money = catalogue::words()
        .chain(inbox::words())
        .chain(stripe::words())
        .chain(start::words());
    let letters = crate::mail::text::words();
    parts
        .chain(own)
        .chain(attention)
        .chain(people::words())
        .chain(explained)
        .chain(money)
        .chain(letters)
        .chain(audit::words())
        .chain(bulk::words())
        .chain(import::words())
        .collect()
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
        tracing::warn!(actor = who.actor, action, "not allowed");
        return Problem::forbidden().into_response();
    }
    parts.extensions.insert(who);
    next.run(Request::from_parts(parts, body)).await
}

/// Who is signed in where this cookie lies.
async fn signed_in(state: &State, headers: &HeaderMap) -> Answer<Option<Who>> {
    let Some(token) = cookie(state, STAFF, headers) else {
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

/// How the cookies of people with rights begin.
const STAFF: &str = "goodstanding";
/// How those of members at their own pages do.
const MEMBERS: &str = "member-of";

/// The cookie of a session: only for this host and over TLS where that is how people come.
fn cookie_name(state: &State, whose: &str, is_secure: bool) -> String {
    let host = if is_secure { "__Host-" } else { "" };
    format!("{host}{whose}-{}", state.app.organisation)
}

fn cookie(state: &State, whose: &str, headers: &HeaderMap) -> Option<String> {
    let texts = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let pairs: Vec<(&str, &str)> = texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .collect();
    let forms: &[bool] = match is_over_tls(&state.app.address, headers) {
        true => &[true],
        false => &[true, false],
    };
    forms.iter().find_map(|is_secure| {
        let name = cookie_name(state, whose, *is_secure);
        let found = pairs.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// Whether a request came to the address that people use, and that over TLS: there, a cookie that any host of the same
/// domain could have set counts for nothing.
fn is_over_tls(address: &str, headers: &HeaderMap) -> bool {
    let home = address.strip_prefix("https://");
    let home = home.map(|rest| rest.split('/').next().unwrap_or_default());
    let here = headers.get(HOST).and_then(|host| host.to_str().ok());
    home.is_some() && home == here
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
        let wait = response.headers().get(RETRY_AFTER).cloned();
        if !own::is_below(parts.uri.path())
            && let Ok(Some(who)) = signed_in(&state, &parts.headers).await
        {
            parts.extensions.insert(who);
        }
        if let Ok(look) = Look::from_request_parts(&mut parts, &state.0).await {
            response = (status, shown(&Refused { look, problem })).into_response();
            let headers = response.headers_mut();
            headers.extend(wait.map(|wait| (RETRY_AFTER, wait)));
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

impl Refused {
    fn title(&self) -> String {
        let kind = self.problem.kind.rsplit('/').next().unwrap_or_default();
        self.look.words.say(&format!("problem-{kind}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_tls_only_cookies_of_this_very_host_count() {
        let at = |address: &str, host: &'static str| {
            let headers = [(HOST, HeaderValue::from_static(host))];
            is_over_tls(address, &headers.into_iter().collect())
        };
        assert!(at("https://club.example", "club.example"));
        assert!(at("https://club.example/doors", "club.example"));
        assert!(!at("https://club.example", "pi.local:8080"));
        assert!(!at("http://club.example", "club.example"));
    }

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
