//! Two doors with different zones, eight members whose stories differ.

use super::api::Api;
use super::stripe::Stripe;
use crate::stripe_sim::{Interval, Proration, StripeSim, Subscribe};
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

/// Membership types: id, name, rank.
const TIERS: [(&str, &str, i64); 3] = [("5", "Basic", 1), ("7", "Full", 2), ("9", "Workshop", 1)];

/// Which zone opens for which type.
const ACCESS: [(&str, &str); 4] = [
    ("house", "5"),
    ("house", "7"),
    ("workshop", "7"),
    ("workshop", "9"),
];

/// A member of the demo.
#[derive(Debug, Clone)]
pub struct Person {
    /// The member's number.
    pub id: i64,
    /// Name.
    pub name: &'static str,
    /// What is special, in words that stay true.
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
    ("Ada", "bought two seats", "04A1B2C301"),
    ("Ben", "began with a failed payment", "04A1B2C302"),
    ("Cleo", "began lapsed: stopped paying", "04A1B2C303"),
    ("Dana", "began with a gift card", "04A1B2C304"),
    ("Emil", "began with two subscriptions", "04A1B2C305"),
    ("Finn", "child, began on Ada's second seat", "04A1B2C306"),
    ("Hana", "began by paying cash", "04A1B2C307"),
    ("Ivo", "began paid, but on hold", "04A1B2C308"),
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
    for (id, name, rank) in TIERS {
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
    for (zone, membership) in ACCESS {
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
    let month = cash(hana.id, now - Span::days(5), now + Span::days(25));
    api.post("/payments", month).await?;
    let hold = json!({"reason": "Broke the laser cutter; talk to the board."});
    api.post(&format!("/members/{}/holds", ivo.id), hold)
        .await?;
    Ok(())
}

/// Cash for a month of Basic, as an admin writes it down.
#[must_use]
pub fn cash(member: i64, from: Timestamp, until: Timestamp) -> Value {
    json!({
        "member": member, "source": "cash", "membership": "5", "amount": 2500, "currency": "eur",
        "from": from.to_string(), "until": until.to_string(),
    })
}

/// The name of a membership type.
#[must_use]
pub fn tier(membership: &str) -> &'static str {
    TIERS
        .iter()
        .find(|(id, ..)| *id == membership)
        .map_or("another tier", |(_, name, _)| name)
}

/// What people call a door, and the tiers that open it.
#[must_use]
pub fn tiers_of(door: &str) -> (&'static str, Vec<&'static str>) {
    let Some(place) = PLACES.iter().find(|place| place.id == door) else {
        return ("", Vec::new());
    };
    let opens = ACCESS.iter().filter(|(zone, _)| *zone == place.zone);
    let names = opens.map(|(_, membership)| tier(membership)).collect();
    (place.title, names)
}

/// The people behind customers, each once.
pub fn names<'a>(people: &[Person], customers: impl Iterator<Item = &'a str>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for customer in customers {
        let found = people
            .iter()
            .find(|person| person.customer.as_deref() == Some(customer));
        if let Some(person) = found.filter(|person| !names.contains(&person.name)) {
            names.push(person.name);
        }
    }
    names
}

/// A customer's newest subscription that has not ended.
#[must_use]
pub fn running(sim: &StripeSim, customer: &str) -> Option<String> {
    let mut living = sim.subscriptions_of(customer);
    living.retain(|id| !sim.status(id).is_terminal());
    living.pop()
}

/// Presses a button of a member; an error says why nothing happened.
pub fn press(stripe: &Stripe, person: &Person, what: &str) -> anyhow::Result<String> {
    let name = person.name;
    let customer = person
        .customer
        .as_deref()
        .with_context(|| format!("{name} does not pay by Stripe."))?;
    let mut sim = stripe.now();
    let last = running(&sim, customer);
    if what == "pay" {
        sim.set_card(customer, true);
        let paid = sim.pay_open_invoice(customer);
        return Ok(if last.is_none() {
            sim.subscribe(customer, &[(FULL, 1)], Subscribe::default());
            format!("{name} subscribed again (Full) and paid.")
        } else if paid == 0 {
            format!("{name} had nothing open; the card will work at the next renewal.")
        } else {
            format!("{name} paid what was open.")
        });
    }
    let subscription = last.with_context(|| {
        format!("{name} has no running subscription: nothing changed. Pay begins a new one.")
    })?;
    let shown = sim.subscription(&subscription);
    let plan = shown["items"]["data"][0]["price"]["id"]
        .as_str()
        .unwrap_or_default();
    Ok(match what {
        "fail" => {
            sim.set_card(customer, false);
            format!("{name}'s card will fail at the next renewal; until then nothing changes.")
        }
        "gift" => {
            sim.add_balance(customer, -6000);
            format!("{name} got a gift card of 60\u{a0}€; the next invoice uses it.")
        }
        "tier" => {
            let next = if plan == FULL { BASIC } else { FULL };
            sim.change_price(&subscription, 0, next, Proration::CreateProrations);
            format!("{name} moved from {} to {}.", tier_of(plan), tier_of(next))
        }
        "cancel" => {
            let ending = shown["cancel_at_period_end"] == true;
            sim.cancel_at_period_end(&subscription, !ending);
            let tier = tier_of(plan);
            if ending {
                format!("{name} keeps the membership ({tier}) after all.")
            } else {
                format!("{name} cancelled; the membership ({tier}) ends with the paid period.")
            }
        }
        _ => anyhow::bail!("no such button"),
    })
}

fn tier_of(plan: &str) -> &'static str {
    match plan {
        BASIC => tier("5"),
        FULL => tier("7"),
        _ => tier("9"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::time::DemoClock;

    #[test]
    fn a_button_without_a_running_subscription_refuses_until_somebody_pays() {
        let stripe = Stripe::start(DemoClock::start(), 1);
        for plan in [BASIC, FULL] {
            stripe
                .now()
                .create_plan(plan, Some(tier_of(plan)), 2500, Interval::Month);
        }
        let customer = stripe.now().create_customer(None, Some("Cleo"), &[]);
        let person = Person {
            id: 1,
            name: "Cleo",
            story: "",
            uid: CardUid::parse("04A1B2C303").expect("ten digits are a card number"),
            customer: Some(customer),
        };
        for what in ["tier", "cancel", "fail", "gift"] {
            let refusal = press(&stripe, &person, what).expect_err("nothing runs");
            assert!(refusal.to_string().contains("no running subscription"));
        }
        press(&stripe, &person, "pay").expect("paying begins a subscription");
        for what in ["tier", "cancel", "fail", "gift"] {
            press(&stripe, &person, what).expect("a subscription runs");
        }
    }

    #[test]
    fn every_door_opens_for_some_tier() {
        for place in PLACES {
            assert!(!tiers_of(place.id).1.is_empty(), "{}", place.id);
        }
        assert_eq!(tiers_of("front"), ("Front door", vec!["Basic", "Full"]));
    }
}
