//! What the page's buttons do, and what is said of it.

use super::doors::Event;
use super::log::Kind;
use super::page::{Press, Stage};
use super::story::{Person, cash, names, press, tiers_of};
use super::watch::tiers;
use anyhow::Context as _;
use serde_json::json;
use server::store::members;
use shared::ids::MemberId;
use shared::standing::{Standing, State};
use shared::time::Span;
use tokio::sync::oneshot;

/// Presses a button; answers what happened, an error what stands against it.
pub async fn carry_out(stage: &Stage, button: Press) -> anyhow::Result<(Kind, String)> {
    let said = match button {
        Press::Tap { member, door } => return tap(stage, member, &door).await,
        Press::Pay { member } => press(&stage.stripe, stage.person(member)?, "pay")?,
        Press::Fail { member } => press(&stage.stripe, stage.person(member)?, "fail")?,
        Press::Tier { member } => press(&stage.stripe, stage.person(member)?, "tier")?,
        Press::Gift { member } => press(&stage.stripe, stage.person(member)?, "gift")?,
        Press::Cancel { member } => press(&stage.stripe, stage.person(member)?, "cancel")?,
        Press::Hold { member } => hold(stage, stage.person(member)?).await?,
        Press::Cash { member } => take_cash(stage, stage.person(member)?).await?,
        Press::Clock { hours } => move_clock(stage, hours).await?,
        Press::Cut {} => cut(stage).await,
    };
    Ok((Kind::Done, said))
}

async fn tap(stage: &Stage, member: i64, door: &str) -> anyhow::Result<(Kind, String)> {
    let person = stage.person(member)?;
    let door = stage
        .doors
        .iter()
        .find(|known| known.id.as_str() == door)
        .context("no such door")?;
    let (done, seen) = oneshot::channel();
    door.events
        .send(Event::Tap(person.uid.clone(), done))
        .await?;
    seen.await?;
    let shown = door.shown();
    let (title, opened_by) = tiers_of(&shown.door);
    let standing = standing(stage, person).await?;
    let inside = standing.as_ref().is_some_and(|known| known.state.is_in());
    let held = standing.map_or_else(Vec::new, |known| tiers(&known, stage.clock.now()));
    let fits = held.iter().any(|tier| opened_by.contains(tier));
    // The door cannot tell a stranger's card from one whose tier is not on its list; the page can.
    let note = if shown.granted {
        String::new()
    } else if inside && fits {
        format!(
            "{} may pass by now, but this door has not heard of it yet.",
            person.name
        )
    } else if shown.reason == "unknown" && inside {
        format!(
            "{} has {}; this door opens for {}.",
            person.name,
            held.join(" and "),
            opened_by.join(" and ")
        )
    } else if shown.reason == "unknown" && held.is_empty() {
        format!("{} has no running membership.", person.name)
    } else {
        String::new()
    };
    door.note(note.clone());
    let (kind, word) = if shown.granted {
        (Kind::Done, "opened")
    } else {
        (Kind::Refused, "refused")
    };
    let text = format!(
        "{} at {title}: {word}. {} {note}",
        person.name, shown.sentence
    );
    Ok((kind, text.trim_end().to_owned()))
}

async fn standing(stage: &Stage, person: &Person) -> anyhow::Result<Option<Standing>> {
    let mut tx = stage.app.store.begin_read().await?;
    Ok(members::standing(&mut tx, MemberId(person.id)).await?)
}

async fn hold(stage: &Stage, person: &Person) -> anyhow::Result<String> {
    if let Some(State::Held { hold, .. }) = standing(stage, person).await?.map(|known| known.state)
    {
        let path = format!("/holds/{}/end", hold.0);
        stage.api.post(&path, json!({})).await?;
        return Ok(format!("An admin lifted the hold on {}.", person.name));
    }
    let body = json!({"reason": "Placed on the demo's page."});
    let path = format!("/members/{}/holds", person.id);
    stage.api.post(&path, body).await?;
    Ok(format!("An admin put {} on hold.", person.name))
}

/// A month in cash begins where the access that is known ends.
async fn take_cash(stage: &Stage, person: &Person) -> anyhow::Result<String> {
    let now = stage.clock.now();
    let known = standing(stage, person).await?;
    let ends = known.iter().flat_map(|known| &known.access);
    let from = ends
        .filter_map(|access| access.until)
        .fold(now, shared::time::Timestamp::max);
    let until = from + Span::days(30);
    let payment = cash(person.id, from, until);
    stage.api.post("/payments", payment).await?;
    Ok(format!(
        "{} paid 25\u{a0}€ in cash for 30 more days of Basic.",
        person.name
    ))
}

/// Moves every clock; the server signs its heads at once, so that the doors hear of it.
async fn move_clock(stage: &Stage, hours: i64) -> anyhow::Result<String> {
    let told = stage.stripe.now().events().len();
    stage.clock.advance(Span::hours(hours.clamp(1, 24 * 366)));
    drop(stage.stripe.now());
    let now = stage.clock.now();
    for step in [stage.app.tick(now).await, stage.app.sign_heads(now).await] {
        // The other end lives as long as the process.
        drop(stage.bells.outbox.send(step?));
    }
    let span = match hours {
        1 => "an hour".to_owned(),
        24 => "a day".to_owned(),
        hours if hours % 24 == 0 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    };
    let meanwhile = at_stripe(stage, told);
    Ok(format!("The clock moved {span} ahead. {meanwhile}"))
}

/// What Stripe did since so many events.
fn at_stripe(stage: &Stage, told: usize) -> String {
    let sim = stage.stripe.now();
    let fresh = sim.events().get(told..).unwrap_or_default();
    let of = |kind: &str| {
        let customers = fresh
            .iter()
            .filter(|event| event.kind == kind)
            .filter_map(|event| event.object["customer"].as_str());
        names(&stage.people, customers)
    };
    let parts: Vec<String> = [
        ("paid:", of("invoice.paid")),
        ("payment failed:", of("invoice.payment_failed")),
        ("subscription ended:", of("customer.subscription.deleted")),
    ]
    .into_iter()
    .filter(|(_, who)| !who.is_empty())
    .map(|(what, who)| format!("{what} {}", who.join(", ")))
    .collect();
    if parts.is_empty() {
        "At Stripe nothing fell due.".to_owned()
    } else {
        format!("At Stripe meanwhile: {}.", parts.join("; "))
    }
}

async fn cut(stage: &Stage) -> String {
    let cut = !stage.doors.iter().any(|door| door.shown().cut);
    for door in &stage.doors {
        // A door that ended shows itself on the page.
        drop(door.events.send(Event::Cut(cut)).await);
    }
    if cut {
        "The network was cut: each door decides from the list it has."
    } else {
        "The network is back: the doors catch up."
    }
    .to_owned()
}
