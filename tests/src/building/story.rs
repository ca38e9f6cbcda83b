//! The words in which stories are told: who joins, who pays, who stands at which door.

use super::agents::{Machine, Tap};
use super::broker::{Party, Weather};
use super::server::organisation;
use super::{Building, WayIn};
use crate::stripe_sim::{Interval, Proration, StripeSim, Subscribe};
use door_agent::identity::Paired;
use server::doors::{pairing, publish};
use server::setup;
use server::store::places::Door;
use sha2::{Digest as _, Sha256};
use shared::allow_list::Epoch;
use shared::card::CardUid;
use shared::ids::{AgentId, DoorId, LocationId, MemberId, MembershipTypeId, ZoneId};
use shared::time::{Span, Timestamp};
use shared::wire::pairing::Pairing;

/// A person of the story.
#[derive(Debug, Clone)]
pub struct Person {
    /// What people say.
    pub name: String,
    /// As the server knows the person; none before it does.
    pub member: Option<MemberId>,
    /// The number of the card.
    pub card: CardUid,
    /// The customers at Stripe, the newest last.
    pub customers: Vec<String>,
}

impl Person {
    /// The mail address.
    #[must_use]
    pub fn mail(&self) -> String {
        format!("{}@example.org", self.name.to_lowercase())
    }
}

/// Names a person of a building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who(pub usize);

/// The monthly plan of type 5.
pub const WOOD: &str = "membertype_5-every-1-month-5000-usd";
/// The monthly plan of type 7.
pub const METAL: &str = "membertype_7-every-1-month-8000-usd";
/// A plan that names no type.
pub const UNTAGGED: &str = "newsletter-monthly";

impl Building {
    /// The club of most stories: type 5 opens *wood*, type 7 opens *wood* and *metal*; doors *front* (wood) and *back*
    /// (metal), each with an agent of its own.
    #[must_use]
    pub fn club(way: WayIn) -> Self {
        let mut building = Self::new(way);
        building.furnish();
        building
    }

    /// Puts doors, types and plans of the usual club in.
    pub fn furnish(&mut self) {
        self.furnish_rooms();
        self.agent("pi-front", &[("front", "wood")]);
        self.agent("pi-back", &[("back", "metal")]);
        self.furnish_catalogue();
    }

    /// Plans of the usual club.
    pub fn furnish_catalogue(&mut self) {
        {
            let mut sim = self.sim();
            sim.create_plan(WOOD, Some("Wood shop"), 5000, Interval::Month);
            sim.create_plan(METAL, Some("Metal shop"), 8000, Interval::Month);
            sim.create_plan(UNTAGGED, Some("Newsletter"), 500, Interval::Month);
        }
        self.settle();
    }

    /// Types and zones of the usual club alone: lists are made, and nobody reads them.
    pub fn furnish_rooms(&mut self) {
        self.membership_type("5", 1);
        self.membership_type("7", 2);
        self.zone("wood", &["5", "7"]);
        self.zone("metal", &["7"]);
    }

    /// Stripe's own side: the dashboard and the world.
    pub fn sim(&self) -> std::sync::MutexGuard<'_, StripeSim> {
        self.stripe.sim()
    }

    /// Makes a membership type with the default policy.
    pub fn membership_type(&mut self, id: &str, rank: i64) {
        let id = MembershipTypeId::new(id).expect("a name");
        let now = self.now;
        self.step(async |app| {
            let mut work = app.work(now).await?;
            setup::membership_type(&mut work.tx, &organisation(), &id, id.as_str(), rank, None)
                .await?;
            app.finish(work).await
        });
    }

    /// Makes a zone that some types open.
    pub fn zone(&mut self, id: &str, types: &[&str]) {
        let id = ZoneId::new(id).expect("a name");
        let main = LocationId::new(setup::FIRST_LOCATION).expect("a name");
        let now = self.now;
        self.step(async |app| {
            let mut work = app.work(now).await?;
            let epoch = Epoch {
                number: 1,
                id: *b"building",
            };
            setup::zone(
                &mut work.tx,
                &organisation(),
                &id,
                id.as_str(),
                &main,
                epoch,
                now,
            )
            .await?;
            for name in types {
                let membership = MembershipTypeId::new(*name).expect("a name");
                setup::zone_access(&mut work.tx, &organisation(), &id, &membership, None).await?;
            }
            app.finish(work).await
        });
        self.step(async |app| app.publish_changes(now).await);
    }

    /// Pairs an agent that serves doors, and starts it.
    pub fn agent(&mut self, name: &str, doors: &[(&str, &str)]) {
        let id = AgentId::new(name).expect("a name");
        let ids: Vec<DoorId> = doors
            .iter()
            .map(|(door, _)| DoorId::new(*door).expect("a name"))
            .collect();
        let seed = u64::try_from(self.machines.len()).expect("few agents") + 100;
        let mut machine = Machine::new(id.clone(), ids, seed);
        let identity = machine.keys();
        let (key, sealing) = (identity.signer.public(), identity.opening.public());
        let now = self.now;
        let pairing = self.ask(async |app| {
            let mut work = app.work(now).await?;
            setup::agent(&mut work.tx, &organisation(), &id, id.as_str()).await?;
            for (door, zone) in doors {
                let (door, zone) = (
                    DoorId::new(*door).expect("a name"),
                    ZoneId::new(*zone).expect("a name"),
                );
                let door = Door {
                    name: door.to_string(),
                    id: door,
                    zone,
                    agent: Some(id.clone()),
                    enrols: true,
                    again_within: None,
                };
                setup::door(&mut work.tx, &organisation(), &door).await?;
            }
            let paired = pairing::Paired {
                agent: id.clone(),
                key,
                sealing,
            };
            let password = Sha256::digest(id.as_str()).into();
            pairing::enter(&mut work.tx, &organisation(), &paired, password, now).await?;
            let agent = server::store::agents::find(&mut work.tx, &organisation(), &id)
                .await?
                .expect("just made");
            let mut random = server::random::Handed::new(|bytes| {
                app.with_random(|random| random.fill_bytes(bytes))
            });
            let config = publish::config(
                &mut work.tx,
                &app.keys,
                &organisation(),
                &agent,
                now,
                &mut random,
            )
            .await?;
            app.finish(work).await?;
            Ok(Pairing {
                organisation: organisation(),
                agent: id.clone(),
                broker: "mqtt://building".to_owned(),
                broker_pin: None,
                password: id.as_str().to_owned(),
                recovery: app.keys.recovery(),
                config: config.expect("the agent is paired"),
            })
        });
        let pairing = pairing.expect("the server runs");
        let server = self
            .server
            .app()
            .expect("the server runs")
            .keys
            .signer()
            .public();
        machine.keep_pairing(
            &identity,
            &Paired {
                server,
                agent: key,
                pairing,
            },
        );
        machine.boot(now);
        self.machines.insert(id, machine);
        self.admit();
        self.settle();
    }

    /// A person with a card who is not known to the server.
    pub fn stranger(&mut self, name: &str, card: &str) -> Who {
        let card = CardUid::parse(card).expect("a card number");
        self.people.push(Person {
            name: name.to_owned(),
            member: None,
            card,
            customers: Vec::new(),
        });
        Who(self.people.len() - 1)
    }

    /// A member with a card.
    pub fn member(&mut self, name: &str, card: &str) -> Who {
        let who = self.stranger(name, card);
        let mail = self.person(who).mail();
        let member = self.enter_member(name, Some(&mail));
        self.people[who.0].member = Some(member);
        self.enrol(who);
        who
    }

    /// A person.
    #[must_use]
    pub fn person(&self, who: Who) -> &Person {
        &self.people[who.0]
    }

    /// As the server knows a person.
    #[must_use]
    pub fn id(&self, who: Who) -> MemberId {
        self.people[who.0]
            .member
            .expect("the server knows this person")
    }

    /// Says which member of the server a person is.
    pub fn is(&mut self, who: Who, member: MemberId) {
        self.people[who.0].member = Some(member);
    }

    /// The person's customer at Stripe, made if there is none.
    pub fn customer(&mut self, who: Who) -> String {
        match self.people[who.0].customers.last() {
            Some(customer) => customer.clone(),
            None => self.new_customer(who),
        }
    }

    /// A further customer at Stripe for the same person and mail address.
    pub fn new_customer(&mut self, who: Who) -> String {
        let (name, mail) = (self.people[who.0].name.clone(), self.people[who.0].mail());
        let customer = self.sim().create_customer(Some(&mail), Some(&name), &[]);
        self.people[who.0].customers.push(customer.clone());
        customer
    }

    /// A person subscribes to a plan and pays at once; answers the subscription's id.
    pub fn subscribe(&mut self, who: Who, plan: &str) -> String {
        let customer = self.customer(who);
        self.subscribe_as(&customer, &[(plan, 1)], Subscribe::default())
    }

    /// A customer subscribes; answers the subscription's id.
    pub fn subscribe_as(
        &mut self,
        customer: &str,
        items: &[(&str, i64)],
        how: Subscribe,
    ) -> String {
        let subscription = self.sim().subscribe(customer, items, how);
        self.settle();
        subscription
    }

    /// The plan of a subscription is changed in the dashboard.
    pub fn change_plan(&mut self, subscription: &str, plan: &str) {
        self.change_plan_with(subscription, plan, Proration::CreateProrations);
    }

    /// The same, with a word on what becomes of the rest of the period.
    pub fn change_plan_with(&mut self, subscription: &str, plan: &str, proration: Proration) {
        self.sim().change_price(subscription, 0, plan, proration);
        self.settle();
    }

    /// Until when Stripe shows a subscription as paid.
    #[must_use]
    pub fn paid_until(&self, subscription: &str) -> Timestamp {
        Timestamp::from_seconds(
            self.sim()
                .paid_until(subscription)
                .expect("something was paid"),
        )
    }

    /// A person shows the card at a door.
    pub fn tap(&mut self, who: Who, door: &str) -> Tap {
        let card = self.person(who).card.clone();
        self.tap_card(&card, door)
    }

    /// A card is shown at a door; the server hears of it when the building next works.
    pub fn tap_card(&mut self, card: &CardUid, door: &str) -> Tap {
        let door = DoorId::new(door).expect("a name");
        let now = self.now;
        let (id, machine) = self
            .machines
            .iter_mut()
            .find(|(_, machine)| machine.has_door(&door))
            .expect("a door of this building");
        let tap = machine.tap(&door, card, now);
        assert_eq!(
            tap.reason.grants(),
            tap.released,
            "{tap:?}: what was judged is what the lock does"
        );
        self.taps.push((id.clone(), tap.clone()));
        tap
    }

    /// Cuts an agent from the network, or connects it again.
    pub fn cut_agent(&mut self, agent: &str, cut: bool) {
        self.machine(agent).network = !cut;
        self.work();
    }

    /// Cuts the server from the broker, or connects it again.
    pub fn cut_server(&mut self, cut: bool) {
        self.server.network = !cut;
        self.work();
    }

    /// Withholds what is sent to an agent while its link looks alive.
    pub fn withhold_from(&mut self, agent: &str, withholds: bool) {
        let party = Party::Agent(AgentId::new(agent).expect("a name"));
        self.broker.set_weather(
            party,
            Weather {
                withholds,
                ..Weather::default()
            },
        );
    }

    /// A machine of this building.
    pub fn machine(&mut self, agent: &str) -> &mut Machine {
        self.machines
            .get_mut(&AgentId::new(agent).expect("a name"))
            .expect("an agent of this building")
    }

    /// Whether every running agent holds the list and the policy that the server has.
    #[must_use]
    pub fn doors_agree(&self) -> bool {
        let heads = self.heads();
        self.machines
            .values()
            .filter_map(Machine::agent)
            .all(|agent| {
                agent.zones().all(|zone| {
                    let head = &heads[zone.id()];
                    zone.holds(head.0, head.1) && !zone.wants_policy()
                })
            })
    }

    /// A day, for stories in which the hour does not matter.
    pub fn a_day(&mut self) {
        self.advance(Span::days(1));
    }
}

impl std::fmt::Debug for Building {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let log: Vec<&str> = self
            .broker
            .log
            .iter()
            .map(|message| message.topic.as_str())
            .collect();
        let refused: Vec<_> = self
            .machines
            .values()
            .filter_map(|machine| Some((&machine.id, machine.agent()?.refused())))
            .collect();
        out.debug_struct("Building")
            .field("now", &self.now.to_string())
            .field("waiting", &self.waiting())
            .field("attention", &self.attention())
            .field("messages", &log)
            .field("refused by the broker", &self.broker.refused)
            .field("refused by the server", &self.server_refused)
            .field("refused by agents", &refused)
            .field("deliveries rejected", &self.rejected)
            .finish_non_exhaustive()
    }
}
