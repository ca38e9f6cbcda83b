//! Two doors with different zones, eight members whose stories differ.

use super::api::Api;
use super::stripe::Stripe;
use crate::stripe_sim::{Interval, Proration, Subscribe};
use anyhow::Context as _;
use serde_json::{Value, json};
use shared::card::CardUid;
use shared::time::{Span, Timestamp};

/// The plan that opens the front door.
pub const BASIC: &str = "membertype_5-basic-monthly";
/// The plan that opens the workshop too.
pub const FULL: &str = "membertype_7-full-monthly";
/// A plan for the workshop alone.
pub const WORKSHOP: &str = "membertype_9-workshop-monthly";
/// How long ago the stories begin.
pub const DAYS: i64 = 80;

/// A member of the demo.
#[derive(Debug, Clone)]
pub struct Person {
    /// The member's number.
    pub id: i64,
    /// Name.
    pub name: &'static str,
    /// What is special.
    pub story: &'static str,
    /// The card.
    pub uid: CardUid,
    /// The customer at Stripe, if there is one.
    pub customer: Option<String>,
}

/// A door of the demo.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name in topics.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Its zone.
    pub zone: &'static str,
}

/// The two doors.
pub const PLACES: [Place; 2] = [
    Place {
        id: "front",
        title: "Front door",
        zone: "house",
    },
    Place {
        id: "workshop",
        title: "Workshop",
        zone: "workshop",
    },
];

const PEOPLE: [(&str, &str, &str); 8] = [
    ("Ada", "paid, two seats", "04A1B2C301"),
    ("Ben", "payment failed, in grace", "04A1B2C302"),
    ("Cleo", "stopped paying", "04A1B2C303"),
    ("Dana", "pays by gift card", "04A1B2C304"),
    ("Emil", "two subscriptions", "04A1B2C305"),
    ("Finn", "child, covered by Ada", "04A1B2C306"),
    ("Hana", "pays cash", "04A1B2C307"),
    ("Ivo", "paid, but on hold", "04A1B2C308"),
];

/// Zones, types and doors; returns each door's pairing code.
pub async fn furnish(api: &Api) -> anyhow::Result<Vec<(&'static str, String)>> {
    api.call(
        reqwest::Method::PATCH,
        "/organisation",
        Some(json!({"name": "The demo space"})),
    )
    .await?;
    api.put(
        "/locations/main",
        json!({"name": "Main street", "time_zone": "Europe/Berlin", "holidays": []}),
    )
    .await?;
    for (id, name, rank) in [
        ("5", "Basic", 1),
        ("7", "Full", 2),
        ("9", "Workshop only", 1),
    ] {
        api.put(
            &format!("/membership-types/{id}"),
            json!({"name": name, "rank": rank}),
        )
        .await?;
    }
    let mut codes = Vec::new();
    for place in PLACES {
        api.put(
            &format!("/zones/{}", place.zone),
            json!({"name": place.title, "location": "main"}),
        )
        .await?;
        let agent = format!("pi-{}", place.id);
        let made = api
            .post(
                "/agents",
                json!({"id": agent, "name": format!("Pi at the {}", place.title)}),
            )
            .await?;
        let door = json!({"name": place.title, "zone": place.zone, "agent": agent, "enrols": place.id == "front"});
        api.put(&format!("/doors/{}", place.id), door).await?;
        codes.push((
            place.id,
            made["code"]
                .as_str()
                .context("the server made no pairing code")?
                .to_owned(),
        ));
    }
    for (zone, membership) in [
        ("house", "5"),
        ("house", "7"),
        ("workshop", "7"),
        ("workshop", "9"),
    ] {
        api.put(&format!("/zones/{zone}/access/{membership}"), json!({}))
            .await?;
    }
    Ok(codes)
}

/// Members with their cards; nobody has paid yet.
pub async fn invite(api: &Api) -> anyhow::Result<Vec<Person>> {
    let mut people = Vec::new();
    for (name, story, uid) in PEOPLE {
        let mail = format!("{}@example.org", name.to_lowercase());
        let member = api
            .post("/members", json!({"name": name, "mail": mail}))
            .await?;
        let id = member["id"].as_i64().unwrap_or_default();
        api.post("/cards", json!({"member": id, "uid": uid, "label": "Fob"}))
            .await?;
        people.push(Person {
            id,
            name,
            story,
            uid: CardUid::parse(uid)?,
            customer: None,
        });
    }
    Ok(people)
}

/// What happened at Stripe in the last weeks.
pub fn live(stripe: &Stripe, people: &mut [Person]) {
    let customer = |person: &mut Person, stripe: &Stripe, days: i64| {
        let mail = format!("{}@example.org", person.name.to_lowercase());
        let id = stripe
            .days_ago(days)
            .create_customer(Some(&mail), Some(person.name), &[]);
        person.customer = Some(id.clone());
        id
    };
    let [ada, ben, cleo, dana, emil, _finn, _hana, ivo] = people else {
        return;
    };
    for (id, name, cents) in [
        (BASIC, "Basic", 2500),
        (FULL, "Full", 6000),
        (WORKSHOP, "Workshop", 4000),
    ] {
        stripe
            .days_ago(DAYS)
            .create_plan(id, Some(name), cents, Interval::Month);
    }
    let cleo = customer(cleo, stripe, 55);
    stripe
        .days_ago(55)
        .subscribe(&cleo, &[(FULL, 1)], Subscribe::default());
    stripe.days_ago(50).set_card(&cleo, false);
    let ben = customer(ben, stripe, 33);
    stripe
        .days_ago(33)
        .subscribe(&ben, &[(BASIC, 1)], Subscribe::default());
    stripe.days_ago(20).set_card(&ben, false);
    let dana = customer(dana, stripe, 18);
    stripe.days_ago(18).add_balance(&dana, -18_000);
    stripe
        .days_ago(18)
        .subscribe(&dana, &[(FULL, 1)], Subscribe::default());
    let ada = customer(ada, stripe, 12);
    stripe
        .days_ago(12)
        .subscribe(&ada, &[(FULL, 2)], Subscribe::default());
    let emil = customer(emil, stripe, 9);
    stripe
        .days_ago(9)
        .subscribe(&emil, &[(BASIC, 1)], Subscribe::default());
    stripe
        .days_ago(8)
        .subscribe(&emil, &[(WORKSHOP, 1)], Subscribe::default());
    let ivo = customer(ivo, stripe, 5);
    stripe
        .days_ago(5)
        .subscribe(&ivo, &[(FULL, 1)], Subscribe::default());
}

/// What an admin did: a seat named, cash taken, a hold placed.
pub async fn administer(
    api: &Api,
    stripe: &Stripe,
    people: &[Person],
    now: Timestamp,
) -> anyhow::Result<()> {
    let [ada, _, _, _, _, finn, hana, ivo] = people else {
        return Ok(());
    };
    let customer = ada.customer.clone().unwrap_or_default();
    let subscription = stripe.now().subscriptions_of(&customer).remove(0);
    let item = stripe.now().subscription(&subscription)["items"]["data"][0]["id"].clone();
    let item = item.as_str().unwrap_or_default().to_owned();
    api.put(
        &format!("/coverage/{item}/2"),
        json!({"customer": customer, "member": finn.id}),
    )
    .await?;
    api.post("/payments", cash(hana.id, now)).await?;
    let hold = json!({"reason": "Broke the laser cutter; talk to the board."});
    api.post(&format!("/members/{}/holds", ivo.id), hold)
        .await?;
    Ok(())
}

fn cash(member: i64, now: Timestamp) -> Value {
    json!({
        "member": member, "source": "cash", "membership": "5", "amount": 2500, "currency": "eur",
        "from": (now - Span::days(5)).to_string(), "until": (now + Span::days(25)).to_string(),
    })
}

/// Presses a button of a member.
pub fn press(stripe: &Stripe, person: &Person, what: &str) -> anyhow::Result<String> {
    let Some(customer) = person.customer.as_deref() else {
        anyhow::bail!("{} does not pay by Stripe", person.name)
    };
    let mut sim = stripe.now();
    let running: Vec<String> = sim.subscriptions_of(customer);
    let last = running.last().cloned();
    Ok(match (what, last) {
        ("pay", _) => {
            sim.set_card(customer, true);
            let paid = sim.pay_open_invoice(customer);
            let over = running
                .iter()
                .all(|id| sim.subscription(id)["status"] == "canceled");
            if over {
                sim.subscribe(customer, &[(FULL, 1)], Subscribe::default());
                format!("{} paid and subscribed again.", person.name)
            } else if paid == 0 {
                format!("{}'s card works; nothing was open.", person.name)
            } else {
                format!("{} paid what was open.", person.name)
            }
        }
        ("fail", _) => {
            sim.set_card(customer, false);
            format!("{}'s card will fail at the next renewal.", person.name)
        }
        ("gift", _) => {
            sim.add_balance(customer, -6000);
            format!(
                "{} got a gift card of 60.00; the next invoice uses it.",
                person.name
            )
        }
        ("tier", Some(subscription)) => {
            let shown = sim.subscription(&subscription);
            let full = shown["items"]["data"][0]["price"]["id"] == FULL;
            let next = if full { BASIC } else { FULL };
            sim.change_price(&subscription, 0, next, Proration::CreateProrations);
            format!("{} moved to {next}.", person.name)
        }
        ("cancel", Some(subscription)) => {
            let ending = sim.subscription(&subscription)["cancel_at_period_end"] == true;
            sim.cancel_at_period_end(&subscription, !ending);
            let word = if ending {
                "keeps the membership"
            } else {
                "cancelled at period end"
            };
            format!("{} {word}.", person.name)
        }
        _ => anyhow::bail!("{} has no subscription to change", person.name),
    })
}
