//! A club of built programs: type 5 opens the wood shop (door *front*), type 7 the metal shop (door *back*).

use crate::agent::{AGENT, Agent, Seen};
use crate::server::Server;
use crate::stripe::{KEY, Letter, Stripe};
use crate::wait;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::stripe_sim::Subscribe;

/// How the server hears of Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Webhooks, and nothing that confirms them.
    Webhook,
    /// Webhooks, confirmed at Stripe's interface.
    WebhookAndKey,
}

/// When the server is killed while something comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// It is not.
    Never,
    /// Nobody answers; Stripe delivers again.
    Before,
    /// While deliveries are under way; Stripe delivers again what was not answered.
    During,
    /// As soon as it has answered; Stripe does not deliver again.
    After,
}

/// The programs and their folder.
pub struct Club {
    /// The door agent.
    pub agent: Agent,
    /// The server.
    pub server: Server,
    /// Stripe.
    pub stripe: Stripe,
    /// Where everything lies.
    pub folder: TempDir,
}

impl Club {
    /// A club with server and agent running.
    pub fn open(way: Way) -> Self {
        Self::open_with(way, &[])
    }

    /// The same with further settings of the server.
    pub fn open_with(way: Way, settings: &[(&'static str, String)]) -> Self {
        let mut club = Self::furnished(way, settings);
        club.bring_agent();
        club
    }

    /// Pairs the agent, puts its doors where it serves them, and starts it.
    pub fn bring_agent(&mut self) {
        self.agent.pair(&self.server.site());
        self.place_doors();
        self.agent.start();
        self.settled();
    }

    /// A club whose agent is not paired yet.
    pub fn furnished(way: Way, settings: &[(&'static str, String)]) -> Self {
        let folder = wait::scratch();
        let stripe = Stripe::start(folder.path());
        let mut settings = settings.to_vec();
        match way {
            Way::Webhook => {}
            Way::WebhookAndKey => {
                settings.push(("STRIPE_SECRET_KEY", KEY.to_owned()));
                settings.push(("STRIPE_API_BASE", stripe.serve()));
            }
        }
        let mut server = Server::new(folder.path(), &settings);
        server.start();
        for (id, name, zone) in [("5", "Wood", "wood"), ("7", "Metal", "metal")] {
            server.put(
                &format!("/membership-types/{id}"),
                &json!({"name": name, "rank": 1}),
            );
            server.put(
                &format!("/zones/{zone}"),
                &json!({"name": name, "location": "main"}),
            );
            server.put(&format!("/zones/{zone}/access/{id}"), &json!({}));
        }
        let agent = Agent::new(folder.path(), &["front", "back"]);
        Self {
            agent,
            server,
            stripe,
            folder,
        }
    }

    /// Puts the doors where the agent serves them.
    pub fn place_doors(&self) {
        for (door, zone) in [("front", "wood"), ("back", "metal")] {
            self.server.put(
                &format!("/doors/{door}"),
                &json!({"name": door, "zone": zone, "agent": AGENT}),
            );
        }
    }

    /// A member with a card; the answer is the member's number.
    pub fn member(&self, name: &str, card: &str) -> i64 {
        let body = json!({"name": name, "mail": mail(name)});
        let made = self.server.post("/members", &body);
        let member = made["id"].as_i64().expect("a number");
        self.server
            .post("/cards", &json!({"member": member, "uid": card}));
        self.settled();
        member
    }

    /// A person subscribes at Stripe and pays; the answer is the subscription's id.
    pub fn subscribe(&self, name: &str, plan: &str) -> String {
        let mut sim = self.stripe.sim();
        let customer = sim.create_customer(Some(&mail(name)), Some(name), &[]);
        sim.subscribe(&customer, &[(plan, 1)], Subscribe::default())
    }

    /// Delivers what has happened at Stripe, and waits until the doors know.
    pub fn deliver(&mut self, kill: Kill) {
        let letters = self.stripe.letters();
        assert!(!letters.is_empty(), "something has happened");
        match kill {
            Kill::Never => self.post(&letters),
            Kill::Before => {
                self.server.kill();
                let tried = self.delivery(&letters[0]).send();
                assert!(tried.is_err(), "the server is down");
                self.server.start();
                self.post(&letters);
            }
            Kill::During => {
                let under_way: Vec<_> = letters
                    .iter()
                    .map(|letter| self.delivery(letter).begin())
                    .collect();
                self.server.restart();
                let answers = under_way.into_iter().map(|answer| {
                    let answer = crate::http::RUNTIME.block_on(answer);
                    answer.expect("it does not panic")
                });
                let again: Vec<Letter> = letters
                    .into_iter()
                    .zip(answers)
                    .filter(|(_, answer)| {
                        answer.as_ref().is_ok_and(|it| it.status != 200) || answer.is_err()
                    })
                    .map(|(letter, _)| letter)
                    .collect();
                self.post(&again);
            }
            Kill::After => {
                self.post(&letters);
                self.server.restart();
            }
        }
        self.settled();
    }

    fn delivery(&self, letter: &Letter) -> crate::http::Ask {
        self.server
            .delivery(Some(&letter.header), letter.body.as_bytes())
    }

    /// Delivers letters, each of which must be kept.
    pub fn post(&self, letters: &[Letter]) {
        for letter in letters {
            let answer = self
                .server
                .deliver(Some(&letter.header), letter.body.as_bytes());
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }

    /// Waits until every event is applied, and the agent says itself that it holds the newest lists.
    pub fn settled(&self) {
        wait::until("events are applied and doors hold the newest lists", || {
            let waiting = self.server.get("/inbox?state=pending");
            let agent = self.server.get(&format!("/agents/{AGENT}"));
            let zones = agent["report"]["zones"].as_array()?;
            let all = zones.len() == 2
                && zones
                    .iter()
                    .all(|zone| zone["current"] == true && zone["policy_current"] == true);
            (waiting["items"] == json!([]) && all).then_some(())
        });
    }

    /// Waits until a member has this standing, then until the doors know.
    pub fn becomes(&self, member: i64, state: &str) {
        wait::until(&format!("member {member} becomes {state}"), || {
            (self.state(member) == state).then_some(())
        });
        self.settled();
    }

    /// Waits until a member has access as this type and no other, then until the doors know.
    ///
    /// News of the second in which Stripe was asked counts when Stripe has been asked again.
    pub fn has_type(&self, member: i64, membership: &str) {
        wait::until(&format!("member {member} is of type {membership}"), || {
            let shown = self.server.get(&format!("/members/{member}"));
            let access = shown["standing"]["access"].as_array()?;
            let all = access.iter().all(|it| it["membership"] == membership);
            (all && !access.is_empty()).then_some(())
        });
        self.settled();
    }

    /// A member's standing in one word.
    pub fn state(&self, member: i64) -> String {
        let shown = self.server.get(&format!("/members/{member}"));
        let state = shown["standing"]["state"].as_str();
        state.unwrap_or_default().to_owned()
    }

    /// A card is shown at a door.
    pub fn tap(&mut self, door: &str, card: &str) -> Seen {
        self.agent.tap(door, card)
    }

    /// Fails unless exactly these cards were shown at the doors by the server's badge log: door, reason. Of unknown cards
    /// that came again to a door the first is enough: a running agent counts the others.
    ///
    /// In no order: an agent started anew without a synchronised clock knows only a time that is over.
    pub fn badges_are(&self, expected: &[(&str, &str)]) {
        let unknown = |(_, reason): &(&str, &str)| *reason == "unknown";
        let (unknown, mut expected): (Vec<_>, Vec<_>) = expected.iter().copied().partition(unknown);
        expected.sort_unstable();
        let kept = wait::until("every badge event has arrived", || {
            let kept = self.badges();
            let doors = unknown.iter().all(|(door, _)| {
                kept.iter()
                    .any(|(at, reason)| at == door && reason == "unknown")
            });
            let others = kept.iter().filter(|(_, reason)| reason != "unknown");
            (doors && others.count() >= expected.len()).then_some(kept)
        });
        let shown = self.server.get("/badges?limit=500");
        let mut others: Vec<(&str, &str)> = kept
            .iter()
            .map(|(door, reason)| (door.as_str(), reason.as_str()))
            .filter(|(_, reason)| *reason != "unknown")
            .collect();
        others.sort_unstable();
        assert_eq!(others, expected, "{shown:#}");
        assert!(kept.len() - others.len() <= unknown.len(), "{shown:#}");
    }

    fn badges(&self) -> Vec<(String, String)> {
        let shown = self.server.get("/badges?limit=500");
        assert_eq!(shown["next"], Value::Null, "that is all of them");
        let text = |badge: &Value, key: &str| badge[key].as_str().unwrap_or_default().to_owned();
        let all = shown["items"].as_array().expect("a list").iter();
        all.filter(|badge| badge["kind"] == "card")
            .map(|badge| (text(badge, "door"), text(badge, "reason")))
            .collect()
    }
}

fn mail(name: &str) -> String {
    format!("{}@example.org", name.to_lowercase())
}
