//! How long the rules themselves take: no database, no network.

use super::{Effort, Figure, ROUNDS, median, tell, timing};
use crate::stripe_sim::{Headers, Interval, StripeSim, Subscribe};
use anyhow::Context as _;
use serde_json::Value;
use server::billing::read;
use server::location_calendar;
use shared::facts::{Coverage, Facts, Invoice, Rules, Subscription, TypePolicy};
use shared::ids::{AccountId, MembershipTypeId};
use shared::standing::outlook;
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::hint::black_box;

const PLAN: &str = "membertype_5-every-1-week-5000-usd";
const SUBSCRIPTIONS: usize = 3;
const BEGUN: i64 = 1_700_000_000;
const WEEK: i64 = 7 * 86_400;

/// Nanoseconds to derive standing, next change and concerns of a member with 3 subscriptions and 40 invoices. It has no
/// floor.
pub fn standing(effort: Effort) -> anyhow::Result<Figure> {
    Ok(Figure {
        value: middle(40, effort)?,
        floor: None,
    })
}

/// The same with 400 invoices; floor: with 40. Ten times the facts take no more than ten times as long.
pub fn ten_times_the_facts(effort: Effort) -> anyhow::Result<Figure> {
    Ok(Figure {
        value: middle(400, effort)?,
        floor: Some(middle(40, effort)?),
    })
}

fn middle(invoices: usize, effort: Effort) -> anyhow::Result<f64> {
    let (facts, now) = facts(invoices)?;
    let types = BTreeMap::from([(membership()?, TypePolicy::standard(true))]);
    let calendar = location_calendar::calendar("America/New_York", &[], now);
    let rules = Rules {
        types,
        calendar: calendar.ok().context("a time zone")?,
    };
    let times = if effort.quick { 2_000 } else { 20_000 };
    let mut values = Vec::new();
    for round in 1..=ROUNDS {
        let start = timing::instant();
        for _ in 0..times {
            black_box(outlook(black_box(&facts), black_box(&rules), now));
        }
        values.push(timing::seconds_since(start) * 1e9 / f64::from(times));
        let value = values[round - 1];
        tell(&format!(
            "{invoices} invoices {round}/{ROUNDS}: {value:.0} ns"
        ));
    }
    Ok(median(values))
}

fn membership() -> anyhow::Result<MembershipTypeId> {
    MembershipTypeId::new("5").ok().context("a name")
}

/// What a member's facts are who has paid by three subscriptions for many weeks, as Stripe shows it, and when.
fn facts(invoices: usize) -> anyhow::Result<(Facts, Timestamp)> {
    let mut sim = StripeSim::new("acct_bench", false, BEGUN);
    sim.create_plan(PLAN, Some("Wood shop"), 5000, Interval::Week);
    let customer = sim.create_customer(Some("member@example.org"), Some("A Member"), &[]);
    for _ in 0..SUBSCRIPTIONS {
        sim.subscribe(&customer, &[(PLAN, 1)], Subscribe::default());
    }
    let weeks = i64::try_from(invoices.div_ceil(SUBSCRIPTIONS))? - 1;
    let end = BEGUN + weeks * WEEK + 7_200;
    sim.advance_to(end);
    let mut subscriptions = Vec::new();
    for value in listed(&mut sim, "/v1/subscriptions") {
        subscriptions.push(read::subscription(&value)?);
    }
    let mut paid = Vec::new();
    for value in listed(&mut sim, "/v1/invoices") {
        paid.push(read::invoice(&value)?);
    }
    anyhow::ensure!(paid.len() >= invoices, "only {} invoices", paid.len());
    paid.truncate(invoices);
    let mut facts = Facts::default();
    for subscription in subscriptions {
        facts.coverage.push(coverage(subscription, &paid)?);
    }
    Ok((facts, Timestamp::from_seconds(end)))
}

/// Seat 1 of a subscription, its prices' types as the server resolves them.
fn coverage(mut subscription: Subscription, paid: &[Invoice]) -> anyhow::Result<Coverage> {
    for item in &mut subscription.items {
        item.membership = Some(membership()?);
    }
    let own = paid
        .iter()
        .filter(|invoice| invoice.subscription.as_ref() == Some(&subscription.id));
    let mut invoices: Vec<Invoice> = own.cloned().collect();
    for line in invoices.iter_mut().flat_map(|invoice| &mut invoice.lines) {
        line.membership = Some(membership()?);
    }
    Ok(Coverage {
        account: AccountId(1),
        item: subscription.items[0].id.clone(),
        seat: 1,
        place: 1,
        named_at: None,
        unread: None,
        subscription,
        invoices,
    })
}

/// Everything of a list, newest first.
fn listed(sim: &mut StripeSim, path: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let mut params = vec![("limit".to_owned(), "100".to_owned())];
        let last = all.last().and_then(|last| last["id"].as_str());
        params.extend(last.map(|last| ("starting_after".to_owned(), last.to_owned())));
        let (_, page) = sim.request("GET", path, &params, Headers::with_key("rk_test_sim"));
        all.extend(page["data"].as_array().into_iter().flatten().cloned());
        if page["has_more"] != true {
            return all;
        }
    }
}
