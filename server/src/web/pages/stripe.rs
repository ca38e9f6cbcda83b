//! How this server hears of Stripe, what its key may read, and what differs from Stripe.

use super::form::Form;
use super::look::Look;
use super::shown;
use crate::web::Here;
use crate::web::extract::Body;
use crate::web::problem::Answer;
use crate::web::reconciliation::{self, Comparison, Mending, Report};
use crate::web::stripe::{self, KeyCheck, StripeState, Way};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "stripe.html")]
struct Page {
    look: Look,
    heard: StripeState,
    /// What the key may read, if that was asked.
    check: Option<KeyCheck>,
}

impl Page {
    fn way(&self) -> String {
        self.look
            .words
            .say(&format!("way-{}", self.heard.way.word()))
    }

    fn has_key(&self) -> bool {
        matches!(self.heard.way, Way::Pull | Way::WebhookAndKey)
    }
}

/// The page.
pub async fn show(state: Here, look: Look) -> Answer<Response> {
    page(state, look, None).await
}

/// The page, with what the key may read.
pub async fn check(state: Here, look: Look) -> Answer<Response> {
    let Json(check) = stripe::check(state.clone()).await?;
    page(state, look, Some(check)).await
}

async fn page(state: Here, look: Look, check: Option<KeyCheck>) -> Answer<Response> {
    let Json(heard) = stripe::show(state).await?;
    Ok(shown(&Page { look, heard, check }))
}

#[derive(Template)]
#[template(path = "reconciliation.html")]
struct Comparing {
    look: Look,
    heard: StripeState,
    /// What came of a comparison that was just made, and whether it mended.
    report: Option<(Report, bool)>,
}

/// The page where everything is compared with Stripe.
pub async fn reconciliation(state: Here, look: Look) -> Answer<Response> {
    comparing(state, look, None).await
}

/// What is to be done about differences.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    mend: Mending,
}

/// Compares everything with Stripe.
pub async fn compare(state: Here, look: Look, Form(Wish { mend }): Form<Wish>) -> Answer<Response> {
    let body = Comparison { mend };
    let Json(report) = reconciliation::compare(state.clone(), Body(body)).await?;
    comparing(state, look, Some((report, mend != Mending::None))).await
}

async fn comparing(state: Here, look: Look, report: Option<(Report, bool)>) -> Answer<Response> {
    let Json(heard) = stripe::show(state).await?;
    Ok(shown(&Comparing {
        look,
        heard,
        report,
    }))
}

/// The words of the ways in.
#[cfg(test)]
pub fn words() -> impl Iterator<Item = String> {
    let ways = [Way::None, Way::Webhook, Way::WebhookAndKey, Way::Pull];
    ways.into_iter().map(|way| format!("way-{}", way.word()))
}
