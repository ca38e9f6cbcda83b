//! What members, staff and time do in a history.

use super::Chance;
use super::at_stripe::Beginning;
use super::checks::Seen;
use super::gifts::Gifts;
use super::model::{ByHand, Truth};
use crate::building::Building;
use crate::building::server::Strike;
use crate::building::story::{METAL, WOOD, Who};
use crate::stripe_sim::{Proration, Status};
use server::store::members::CardRow;
use shared::allow_list::Revision;
use shared::ids::{AgentId, ZoneId};
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Every agent and its door.
pub const AGENTS: [(&str, &str); 2] = [("pi-front", "front"), ("pi-back", "back")];

/// There and back within one second leaves events that tell no order; nobody is that quick.
pub(super) const NEXT_SECOND: Span = Span(1100);

/// A building, the model beside it, and what ails the building.
pub struct World {
    /// What is tested.
    pub building: Building,
    /// The people.
    pub people: Vec<Who>,
    /// The choices.
    pub chance: Chance,
    /// What the model knows.
    pub truth: BTreeMap<Who, Truth>,
    /// What ails the building.
    pub ails: BTreeSet<&'static str>,
    /// What was right at each door since all was well last.
    pub(super) seen: BTreeMap<(Who, &'static str), Seen>,
    /// The list that each agent was last seen to hold.
    pub(super) revisions: BTreeMap<(AgentId, ZoneId), Revision>,
    /// Every list that was ever seen at a door.
    pub(super) lists: BTreeSet<(ZoneId, u64, [u8; 32])>,
    /// Since when events may be missed.
    pub(super) deaf_since: Option<Timestamp>,
    /// Gift cards and what became of them.
    pub(super) gifts: Gifts,
    /// How far the change of the signing secret is.
    pub(super) secrets_stage: usize,
    /// Agents whose disks take nothing.
    pub(super) disks_fail: BTreeSet<&'static str>,
    tell: bool,
}

impl World {
    /// A world in which nothing has happened.
    #[must_use]
    pub fn new(building: Building, people: Vec<Who>, chance: Chance, tell: bool) -> Self {
        let truth = people.iter().map(|who| (*who, Truth::default())).collect();
        Self {
            building,
            people,
            chance,
            truth,
            ails: BTreeSet::new(),
            seen: BTreeMap::new(),
            revisions: BTreeMap::new(),
            lists: BTreeSet::new(),
            deaf_since: None,
            gifts: Gifts::default(),
            secrets_stage: 0,
            disks_fail: BTreeSet::new(),
            tell,
        }
    }

    pub(super) fn say(&self, what: std::fmt::Arguments<'_>) {
        if self.tell {
            println!("{} {what}", self.building.now);
        }
    }

    /// Does one random thing, and checks what came of it.
    pub fn act(&mut self) {
        match self.chance.below(40) {
            0..=2 => {
                let who = self.someone();
                self.subscribe(who);
            }
            3 | 4 => self.fail_or_mend_card(),
            5 => self.change_plan(),
            6 => self.give_credit(),
            7 | 8 => self.cancel(),
            9..=12 => self.pass_time(),
            13..=16 => self.tap_around(),
            17 | 18 => self.deed(),
            19 => self.kill_server(),
            20 => self.kill_agent(),
            21 => self.turn_clock(),
            22 => self.cut(),
            23 => self.disturb_post(),
            24 => self.weather(),
            25 => self.wipe_broker(),
            26 => self.fail_disk(),
            27..=34 => self.at_stripe(),
            35 => self.roll_secret(),
            36 | 37 => self.redeem_gift_card(),
            38 => self.edit_catalogue(),
            _ => self.mend(),
        }
        self.building.settle();
        self.check();
    }

    pub(super) fn someone(&mut self) -> Who {
        let people = self.people.clone();
        self.chance.one_of(&people)
    }

    fn living(&self, who: Who) -> Vec<String> {
        let sim = self.building.sim();
        let living = |id: &&String| !sim.status(id).is_terminal();
        self.truth[&who]
            .subscriptions
            .iter()
            .filter(living)
            .cloned()
            .collect()
    }

    /// Some have been members before the story begins.
    pub fn begin(&mut self) {
        for who in self.people.clone() {
            if self.chance.once_in(2) {
                self.subscribe(who);
            }
        }
        self.building.settle();
        self.check();
    }

    fn subscribe(&mut self, who: Who) {
        if self.living(who).len() >= 2 {
            return;
        }
        let (items, how) = (self.some_items(), self.some_beginning());
        let customer = if self.chance.once_in(6) {
            self.building.new_customer(who)
        } else {
            self.building.customer(who)
        };
        let said = format!("{how:?}");
        self.say(format_args!(
            "{who:?} subscribes to {items:?} as {customer}, {said}"
        ));
        let id = match how {
            Beginning::Plain(how) => Some(self.building.sim().subscribe(&customer, &items, how)),
            Beginning::Checkout(how) => self.check_out(who, customer, &items, how),
        };
        let Some(id) = id else { return };
        self.say(format_args!("{who:?} has {id}"));
        let truth = self.truth.get_mut(&who).expect("known");
        truth.subscriptions.push(id);
    }

    fn fail_or_mend_card(&mut self) {
        let who = self.someone();
        let works = self.chance.once_in(3);
        let customer = self.building.customer(who);
        self.say(format_args!("{who:?}: the payment card works: {works}"));
        let mut sim = self.building.sim();
        sim.set_card(&customer, works);
        if works {
            sim.pay_open_invoice(&customer);
        }
    }

    fn change_plan(&mut self) {
        self.building.advance(NEXT_SECOND);
        let who = self.someone();
        let runs = |id: &String| self.building.sim().status(id) == Status::Active;
        let Some(id) = self.living(who).into_iter().find(runs) else {
            return;
        };
        let plan = self.chance.one_of(&[WOOD, METAL]);
        if self.building.sim().subscription_value(&id)["items"]["data"][1].is_object() {
            return;
        }
        let proration = self.chance.one_of(&[
            Proration::None,
            Proration::CreateProrations,
            Proration::AlwaysInvoice,
        ]);
        self.say(format_args!(
            "{who:?}: {id} is changed to {plan}, {proration:?}"
        ));
        self.building.sim().change_price(&id, 0, plan, proration);
    }

    fn give_credit(&mut self) {
        let who = self.someone();
        let customer = self.building.customer(who);
        // What is left to pay may be less than the smallest charge.
        let cents = self.chance.one_of(&[-2000, -4970, -5000, -7960, -12_000]);
        self.say(format_args!("{who:?} gets a credit of {cents}"));
        self.building.sim().add_balance(&customer, cents);
    }

    fn cancel(&mut self) {
        self.building.advance(NEXT_SECOND);
        let who = self.someone();
        let Some(id) = self.living(who).pop() else {
            return;
        };
        let how = self.chance.below(6);
        let now = self.building.now;
        let mut sim = self.building.sim();
        let what = match how {
            0 => {
                sim.cancel_now(&id);
                "is cancelled now"
            }
            1 => {
                sim.cancel_at_period_end(&id, true);
                "is cancelled at the period's end"
            }
            2 => {
                sim.cancel_at(&id, Some((now + Span::days(9)).as_seconds()));
                "is cancelled in nine days"
            }
            3 => {
                sim.cancel_in_portal(&id, true);
                "is cancelled in the portal"
            }
            4 => {
                sim.cancel_in_portal(&id, false);
                "goes on, by the portal"
            }
            _ => {
                sim.cancel_at_period_end(&id, false);
                "goes on"
            }
        };
        drop(sim);
        self.say(format_args!("{who:?}: {id} {what}"));
    }

    fn pass_time(&mut self) {
        let hours = self
            .chance
            .one_of(&[1, 2, 9, 24, 24 * 4, 24 * 10, 24 * 17, 24 * 31]);
        let span = Span::hours(hours) + Span::minutes(2);
        if self.would_forget(span) {
            self.mend();
        }
        // An agent tries every second: too slow for long stretches.
        self.mend_disks();
        self.say(format_args!("{hours} hours pass"));
        self.building.advance(span);
    }

    fn deed(&mut self) {
        if self.ails.contains("server down") {
            return;
        }
        let who = self.someone();
        let until = self.building.now + Span::days(self.chance.one_of(&[1, 5, 20]));
        let what = self.chance.below(6);
        // The admin's page answers with an error then, and nothing was done.
        let fails = self.building.server.crash_in == Some((0, Strike::Before));
        let name = match what {
            0 => {
                self.building.hold(who, None);
                "held"
            }
            1 => {
                self.building.lift_holds(who);
                "no longer held"
            }
            2 => {
                self.building.grant(who, "7", Some(until));
                "granted type 7"
            }
            3 => {
                self.building.cash(who, "5", until);
                "paid cash for type 5"
            }
            4 => {
                self.building.mark_card(who, CardRow::Lost);
                "without a card"
            }
            _ => {
                self.building.mark_card(who, CardRow::Ok);
                "with a card"
            }
        };
        self.say(format_args!(
            "{who:?} is {name}, an end is {until}; the server dies over it: {fails}"
        ));
        if fails {
            return;
        }
        let by_hand = |plan, slack| ByHand { plan, until, slack };
        let truth = self.truth.get_mut(&who).expect("known");
        match what {
            0 => truth.held = true,
            1 => truth.held = false,
            2 => truth.by_hand.push(by_hand(METAL, false)),
            3 => truth.by_hand.push(by_hand(WOOD, true)),
            4 => truth.lost = true,
            _ => truth.lost = false,
        }
    }

    fn tap_around(&mut self) {
        for _ in 0..1 + self.chance.below(3) {
            let who = self.someone();
            let (agent, door) = self.chance.one_of(&AGENTS);
            self.building.advance(Span(1500));
            let tap = self.building.tap(who, door);
            self.say(format_args!("{who:?} at {door}: {:?}", tap.reason));
            self.check_opening(who, door, tap.opens());
            if self.chance.once_in(8) {
                self.restart(agent);
            }
        }
    }
}
