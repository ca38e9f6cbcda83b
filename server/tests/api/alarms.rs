//! What events of doors tell staff at once.

use crate::doors::{Pi, paired};
use crate::stripe::{one, open, path, resolve};
use crate::support::Api;
use serde_json::{Value, json};
use shared::badge::{Alarm, BadgeEvent, What};
use shared::card::{CardToken, CardUid};
use shared::door_clock::Quality;
use shared::ids::{BootId, DoorId, Holder, ZoneId};
use shared::reasons::Reason;
use shared::time::Span;
use shared::wire::topics::Channel;
use shared::wire::{Events, Kind, Topic, seal};

const UID: &str = "0415AB3C";

/// The paired agent `pi`, with its doors.
struct Doors {
    api: Api,
    pi: Pi,
    told: u64,
}

impl Doors {
    /// With Ada, who may pass, and the doors `front` and `back`.
    async fn new() -> Self {
        let api = Api::new().await;
        let pi = paired(&api).await;
        let door = json!({"name": "Back", "zone": "hall", "agent": "pi"});
        api.put("/api/v1/doors/back", door).await;
        let grant = json!({"membership": "full", "reason": "founder"});
        api.post("/api/v1/members/1/grants", grant).await;
        api.post("/api/v1/cards", json!({"member": 1, "uid": UID}))
            .await;
        Self { api, pi, told: 0 }
    }

    /// The agent tells what happened at a door so long ago, by a clock of that quality.
    async fn tell(&mut self, door: &str, what: What, ago: Span, quality: Quality) {
        self.told += 1;
        let event = BadgeEvent {
            sequence: self.told,
            at: self.api.now() - ago,
            quality,
            door: (!door.is_empty()).then(|| DoorId::new(door).expect("a name")),
            what,
        };
        let body = minicbor::to_vec(&event).expect("encodes");
        let events = Events {
            boot: BootId([7; 16]),
            first: self.told,
            lowest_kept: 1,
            events: vec![body.into()],
        };
        let agent = "pi".parse().expect("a name");
        let topic = Topic::new(&self.api.app.organisation, Channel::Events(agent)).to_string();
        let sealed = seal(Kind::Events, &topic, &events, &self.pi.signer);
        let taken = self.api.app.message(&topic, &sealed, self.api.now()).await;
        assert_eq!(taken.expect("taken").refused, None);
    }

    async fn alarm(&mut self, door: &str, alarm: Alarm, on: bool) {
        let what = What::Alarm { alarm, on };
        self.tell(door, what, Span(0), Quality::Trusted).await;
    }

    /// Ada's card is shown at a door.
    async fn card(&mut self, door: &str, reason: Reason) {
        let what = self.shown(reason).await;
        self.tell(door, what, Span(0), Quality::Trusted).await;
    }

    async fn shown(&self, reason: Reason) -> What {
        let zone = ZoneId::new("hall").expect("a name");
        let uid = CardUid::parse(UID).expect("a card number");
        let holder = self.api.get("/api/v1/members/1").await["holder"].as_i64();
        What::Card {
            token: CardToken::of(&uid, &self.api.app.keys.card_key(&zone, 1)),
            holder: holder.map(Holder),
            reason,
            list: None,
            policy: None,
            contact: None,
        }
    }

    async fn count(&self, kind: &str) -> usize {
        open(&self.api, kind).await.len()
    }
}

#[tokio::test]
async fn an_alarm_is_one_item_for_each_door_until_it_is_over_or_seen() {
    let mut doors = Doors::new().await;
    for alarm in Alarm::ALL {
        let kind = alarm.name();
        doors.alarm("front", alarm, true).await;
        doors.alarm("front", alarm, true).await;
        let item = one(&doors.api, kind).await;
        assert_eq!(item["subject"], "front");
        let sentence = item["sentence"].as_str().unwrap_or_default();
        assert!(
            sentence.starts_with("Door front at 2026-01-05T10:00:00Z: "),
            "{sentence}"
        );
        assert!(
            sentence.ends_with(&server::doors::alarms::sentence(alarm).english()),
            "{sentence}"
        );
        assert!(item["remedy"].as_str().is_some_and(|text| !text.is_empty()));
        doors.alarm("back", alarm, true).await;
        assert_eq!(doors.count(kind).await, 2);
        doors.alarm("front", alarm, false).await;
        let left = open(&doors.api, kind).await;
        let deed = matches!(alarm, Alarm::Forced | Alarm::Tamper | Alarm::Guessing);
        assert_eq!(left.len(), if deed { 2 } else { 1 }, "a deed is not undone");
        assert_eq!(left[0]["subject"], "back", "newest first");
        // Seen is not over for ever: when it begins once more, it is told once more.
        for item in left {
            doors
                .api
                .post(&path(&item), json!({"action": "seen"}))
                .await;
        }
        doors.alarm("back", alarm, true).await;
        assert_eq!(one(&doors.api, kind).await["subject"], "back");
    }
}

#[tokio::test]
async fn an_open_item_tells_the_newest_time_of_a_deed_and_the_first_of_what_lasts() {
    let mut doors = Doors::new().await;
    for alarm in Alarm::ALL {
        let (first, kind) = (doors.api.now(), alarm.name());
        doors.alarm("front", alarm, true).await;
        doors.api.wait(Span::minutes(2));
        let second = doors.api.now();
        doors.alarm("front", alarm, true).await;
        let deed = matches!(alarm, Alarm::Forced | Alarm::Tamper | Alarm::Guessing);
        let told = if deed { second } else { first };
        let sentence = one(&doors.api, kind).await["sentence"].clone();
        let beginning = format!("Door front at {told}: ");
        assert!(
            sentence
                .as_str()
                .is_some_and(|text| text.starts_with(&beginning)),
            "{sentence}"
        );
    }
}

#[tokio::test]
async fn events_that_an_agent_could_not_keep_are_told_once_an_hour() {
    let mut doors = Doors::new().await;
    let gap = async |doors: &mut Doors| {
        let (lost, grants) = (7, 2);
        doors
            .tell("", What::Gap { lost, grants }, Span(0), Quality::Untrusted)
            .await;
    };
    gap(&mut doors).await;
    let item = one(&doors.api, "events_lost").await;
    assert_eq!(item["subject"], "agent pi");
    let sentence = item["sentence"].as_str().unwrap_or_default();
    assert!(sentence.contains("lost 7 events"), "{sentence}");
    assert!(sentence.contains("2 of them"), "{sentence}");
    resolve(&doors.api, "events_lost", json!({})).await;
    gap(&mut doors).await;
    assert_eq!(doors.count("events_lost").await, 0, "told within the hour");
    doors.api.wait(Span::hours(1));
    gap(&mut doors).await;
    assert_eq!(doors.count("events_lost").await, 1);
}

#[tokio::test]
async fn what_was_over_days_ago_is_kept_in_the_log_and_calls_nobody() {
    let mut doors = Doors::new().await;
    for (ago, quality, called) in [
        (Span::hours(25), Quality::Trusted, 0),
        (Span::hours(23), Quality::Trusted, 1),
        // A clock that stood still may tell of just now.
        (Span::hours(25), Quality::Untrusted, 1),
    ] {
        let (alarm, on) = (Alarm::HeldOpen, true);
        doors
            .tell("front", What::Alarm { alarm, on }, ago, quality)
            .await;
        assert_eq!(
            doors.count("held_open").await,
            called,
            "{ago:?} {quality:?}"
        );
        doors.alarm("front", alarm, false).await;
        assert_eq!(doors.count("held_open").await, 0);
    }
    doors
        .api
        .post("/api/v1/cards/1/mark", json!({"mark": "lost"}))
        .await;
    let lost = doors.shown(Reason::Lost).await;
    doors
        .tell("front", lost, Span::hours(25), Quality::Trusted)
        .await;
    assert_eq!(doors.count("revoked_card").await, 0);
    let log = doors.api.get("/api/v1/badges").await;
    let kept = log["items"].as_array().map(Vec::len);
    assert_eq!(kept, usize::try_from(doors.told).ok());
}

#[tokio::test]
async fn an_agent_has_a_say_of_itself_and_of_its_own_doors_only() {
    let mut doors = Doors::new().await;
    let door = json!({"name": "Side", "zone": "hall"});
    doors.api.put("/api/v1/doors/side", door).await;
    for door in ["side", "attic"] {
        doors.alarm(door, Alarm::Fire, true).await;
    }
    assert_eq!(doors.count("fire").await, 0);
    doors.alarm("", Alarm::Fire, true).await;
    assert_eq!(one(&doors.api, "fire").await["subject"], "agent pi");
    doors.alarm("", Alarm::Fire, false).await;
    assert_eq!(doors.count("fire").await, 0);
}

#[tokio::test]
async fn a_new_run_ends_what_lasts_and_forgets_no_deed() {
    let mut doors = Doors::new().await;
    for alarm in Alarm::ALL {
        doors.alarm("front", alarm, true).await;
    }
    doors
        .tell("", What::Started, Span(0), Quality::Trusted)
        .await;
    let items = doors.api.get("/api/v1/attention").await["items"].clone();
    let left: Vec<&Value> = items
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| &item["kind"])
        .collect();
    assert_eq!(json!(left), json!(["guessing", "tamper", "forced"]));
}

#[tokio::test]
async fn a_revoked_card_that_is_shown_is_told_once_an_hour() {
    let mut doors = Doors::new().await;
    doors.card("front", Reason::Lost).await;
    assert_eq!(doors.count("revoked_card").await, 0, "it was found again");
    doors
        .api
        .post("/api/v1/cards/1/mark", json!({"mark": "lost"}))
        .await;
    for door in ["front", "back", "front"] {
        doors.card(door, Reason::Lost).await;
    }
    let item = one(&doors.api, "revoked_card").await;
    assert_eq!(
        (&item["subject"], &item["member"], &item["sentence"]),
        (
            &json!("card 1"),
            &json!(1),
            &json!(
                "Door front at 2026-01-05T10:00:00Z: a card reported lost was presented, and refused."
            )
        )
    );
    assert!(!item.to_string().contains("AB3C"));
    resolve(&doors.api, "revoked_card", json!({})).await;
    doors.card("front", Reason::Lost).await;
    assert_eq!(doors.count("revoked_card").await, 0);
    doors.api.wait(Span::hours(1));
    doors.card("front", Reason::Lost).await;
    resolve(&doors.api, "revoked_card", json!({})).await;

    doors.api.wait(Span::hours(1));
    doors
        .api
        .post("/api/v1/cards/1/mark", json!({"mark": "found"}))
        .await;
    doors
        .api
        .post("/api/v1/members/1/holds", json!({"reason": "talk to us"}))
        .await;
    doors.card("back", Reason::Held).await;
    let sentence = one(&doors.api, "revoked_card").await["sentence"].clone();
    assert!(
        sentence
            .as_str()
            .is_some_and(|text| text.contains("of a member on hold")),
        "{sentence}"
    );
}

#[tokio::test]
async fn wrong_pins_and_cards_at_two_doors_at_once_are_told() {
    let mut doors = Doors::new().await;
    doors.card("front", Reason::WrongPin).await;
    assert_eq!(doors.count("pin_locked").await, 0);
    doors.card("front", Reason::PinLocked).await;
    doors.card("back", Reason::PinLocked).await;
    assert_eq!(one(&doors.api, "pin_locked").await["subject"], "card 1");

    doors.card("front", Reason::Granted).await;
    doors.api.wait(Span(2_001));
    doors.card("back", Reason::Granted).await;
    assert_eq!(doors.count("two_doors").await, 0, "that can be walked");
    doors.api.wait(Span(2_000));
    doors.card("front", Reason::GrantedAgain).await;
    let item = one(&doors.api, "two_doors").await;
    assert_eq!(
        (&item["subject"], &item["member"]),
        (&json!("member 1 back front"), &json!(1))
    );
    resolve(&doors.api, "two_doors", json!({})).await;
    doors.card("back", Reason::Granted).await;
    assert_eq!(doors.count("two_doors").await, 0, "told within the hour");
    doors.api.wait(Span::hours(1));
    for (door, reason, quality) in [
        ("front", Reason::Granted, Quality::Trusted),
        ("back", Reason::OutsideHours, Quality::Trusted),
        ("back", Reason::Granted, Quality::Untrusted),
    ] {
        let what = doors.shown(reason).await;
        doors.tell(door, what, Span(0), quality).await;
    }
    assert_eq!(doors.count("two_doors").await, 0, "{}", doors.told);
    doors.card("back", Reason::Granted).await;
    assert_eq!(doors.count("two_doors").await, 1);
}

#[tokio::test]
async fn who_is_in_another_town_minutes_later_did_not_walk() {
    let mut doors = Doors::new().await;
    let mill = json!({"name": "Mill", "time_zone": "UTC"});
    doors.api.put("/api/v1/locations/mill", mill).await;
    let zone = json!({"name": "Mill", "location": "mill"});
    doors.api.put("/api/v1/zones/mill", zone).await;
    let door = json!({"name": "Back", "zone": "mill", "agent": "pi"});
    doors.api.put("/api/v1/doors/back", door).await;
    doors.card("front", Reason::Granted).await;
    doors.api.wait(Span::minutes(5) + Span(1));
    doors.card("back", Reason::Granted).await;
    assert_eq!(doors.count("two_doors").await, 0);
    doors.api.wait(Span::minutes(5));
    doors.card("front", Reason::Granted).await;
    assert_eq!(doors.count("two_doors").await, 1);
}

#[tokio::test]
async fn metrics_count_what_is_open_by_kind() {
    let mut doors = Doors::new().await;
    doors.alarm("front", Alarm::Forced, true).await;
    doors.alarm("back", Alarm::Forced, true).await;
    doors.alarm("back", Alarm::HeldOpen, true).await;
    let numbers = crate::happened::page(&doors.api, "/metrics").await.1;
    for line in ["{kind=\"forced\"} 2", "{kind=\"held_open\"} 1"] {
        let line = format!("goodstanding_attention_open{line}\n");
        assert!(numbers.contains(&line), "{line} in {numbers}");
    }
}

#[tokio::test]
async fn who_stands_at_a_door_after_the_end_is_written_to_once() {
    let mut doors = Doors::new().await;
    let mail = json!({"mail": "ada@example.org"});
    doors.api.patch("/api/v1/members/1", mail).await;
    doors.api.wait(Span::hours(1));
    doors.api.post("/api/v1/grants/1/end", json!({})).await;
    doors.api.wait(Span::minutes(10));
    let old = doors.shown(Reason::Lapsed).await;
    doors
        .tell("front", old, Span::hours(25), Quality::Trusted)
        .await;
    let next = async |doors: &Doors| {
        let now = doors.api.now();
        doors.api.app.next_letter(now).await.expect("read")
    };
    doors.api.wait(Span::seconds(5));
    assert_eq!(next(&doors).await, None, "that is history");
    for _ in 0..2 {
        doors.card("front", Reason::Lapsed).await;
    }
    doors.api.wait(Span::seconds(5));
    let letter = next(&doors).await.expect("a letter is due");
    let body = &letter.text.body;
    for part in ["at the door front of", "over since 2026-01-05"] {
        assert!(body.contains(part), "{body}");
    }
    assert_eq!(next(&doors).await, None);
}
