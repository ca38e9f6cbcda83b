//! For machines that watch: alive, ready, and numbers as Prometheus reads them.

use super::Open;
use super::problem::{Answer, Problem};
use crate::doors::intake::OUT_OF_CONTACT;
use crate::store::{agents, lists, reading};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use std::fmt::Write as _;

/// The process runs.
pub async fn alive() -> &'static str {
    std::future::ready("alive\n").await
}

/// The database answers.
pub async fn ready(state: Open) -> Answer<&'static str> {
    let mut tx = state.app.store.begin_read().await?;
    if reading::answers(&mut tx).await? {
        Ok("ready\n")
    } else {
        Err(Problem::unavailable("The database is empty."))
    }
}

/// Numbers in Prometheus' text format; none of them names a person.
pub async fn metrics(state: Open) -> Answer<impl IntoResponse + use<>> {
    let (app, now) = (&state.app, state.now());
    let mut tx = app.store.begin_read().await?;
    let numbers = reading::numbers(&mut tx, &app.organisation, app.account).await?;
    let number = |name: &str| {
        numbers
            .iter()
            .find(|(known, _)| known == name)
            .map_or(0, |(_, count)| *count)
    };
    let mut page = Numbers::default();
    page.one(
        "inbox_waiting",
        "gauge",
        "Stripe events not yet applied",
        number("inbox_pending"),
    );
    page.one(
        "inbox_held",
        "gauge",
        "Old Stripe events that wait for an admin's yes",
        number("inbox_held"),
    );
    page.one(
        "inbox_poisoned",
        "gauge",
        "Stripe events that could not be applied",
        number("inbox_poisoned"),
    );
    let open = numbers
        .iter()
        .filter_map(|(name, count)| Some((name.strip_prefix("attention_")?, *count)));
    page.many(
        "attention_open",
        "gauge",
        "Things a human must look at, alarms of doors among them",
        "kind",
        open,
    );
    page.one("members", "gauge", "Members", number("members"));
    page.one(
        "badge_events",
        "gauge",
        "Badge events kept",
        number("badges"),
    );
    let agents = agents::all(&mut tx, &app.organisation).await?;
    let paired = agents
        .iter()
        .filter(|agent| agent.key.is_some() && agent.revoked_at.is_none());
    let silent = paired
        .clone()
        .filter(|agent| agent.report_at.is_none_or(|at| at + OUT_OF_CONTACT < now))
        .count();
    page.one("agents", "gauge", "Paired agents", paired.clone().count());
    page.one(
        "agents_out_of_contact",
        "gauge",
        "Paired agents silent for ten minutes",
        silent,
    );
    let reports =
        paired.filter_map(|agent| Some((agent.id.as_str(), agent.report_at?.0.div_euclid(1000))));
    page.many(
        "agent_last_report_timestamp_seconds",
        "gauge",
        "When an agent last said what it holds",
        "agent",
        reports,
    );
    let zones = lists::zones(&mut tx, &app.organisation).await?;
    let revisions = zones
        .iter()
        .map(|(zone, head)| (zone.as_str(), head.revision.number));
    page.many(
        "list_revision",
        "gauge",
        "Newest revision of a zone's list",
        "zone",
        revisions,
    );
    let entries = zones
        .iter()
        .map(|(zone, head)| (zone.as_str(), head.entries));
    page.many(
        "list_entries",
        "gauge",
        "Cards on a zone's list",
        "zone",
        entries,
    );
    page.many(
        "webhooks_total",
        "counter",
        "Stripe deliveries since the start",
        "outcome",
        state.webhooks.all(),
    );
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], page.0))
}

#[derive(Default)]
struct Numbers(String);

impl Numbers {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(
            self.0,
            "# HELP goodstanding_{name} {help}.\n# TYPE goodstanding_{name} {kind}"
        )
        .expect("writing to memory cannot fail");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        writeln!(self.0, "goodstanding_{name} {value}").expect("writing to memory cannot fail");
    }

    fn many<'a, V: std::fmt::Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, V)>,
    ) {
        self.head(name, kind, help);
        for (which, value) in values {
            writeln!(self.0, "goodstanding_{name}{{{label}=\"{which}\"}} {value}")
                .expect("writing to memory cannot fail");
        }
    }
}
