//! What goes wrong in a history, and how it is mended.

use super::actions::{AGENTS, World};
use crate::building::WayIn;
use crate::building::broker::{Party, Weather};
use crate::building::post::{Mood, NEXT_SECRET, SECRET};
use crate::building::server::Strike;
use server::billing::signature::SigningSecret;
use shared::ids::AgentId;
use shared::time::Span;

/// Stripe's list of events reaches back thirty days; what is older is for the nightly reconciliation.
const REMEMBERED: Span = Span::days(29);
/// Answers that failed are asked for again and deliveries come again within so long.
const SECOND_TRY: Span = Span::minutes(17);

impl World {
    /// From now on an event may be missed until all is well again.
    pub(super) fn deafen(&mut self) {
        self.deaf_since.get_or_insert(self.building.now);
    }

    /// Whether Stripe would have forgotten what nobody heard if so much more time passed.
    pub(super) fn would_forget(&self, span: Span) -> bool {
        let listed = self.building.way().has_key();
        self.deaf_since
            .is_some_and(|since| listed && since + REMEMBERED <= self.building.now + span)
    }

    pub(super) fn kill_server(&mut self) {
        if self.ails.contains("server down") {
            return;
        }
        match self.chance.below(3) {
            0 => {
                self.say(format_args!("the server is down"));
                self.building.crash_server();
                self.ails.insert("server down");
            }
            1 => {
                let step = u32::try_from(self.chance.below(12)).expect("small");
                let strike = self.chance.one_of(&[Strike::Before, Strike::After]);
                self.say(format_args!("the server dies {strike:?} step {step}"));
                self.building.server.crash_in = Some((step, strike));
            }
            _ => {
                let request = u32::try_from(self.chance.below(5)).expect("small");
                self.say(format_args!(
                    "the server dies while it waits for Stripe, request {request}"
                ));
                self.building.stripe.wire().hang_in = Some(request);
            }
        }
        self.ails.insert("killed");
        self.deafen();
    }

    /// An agent's process is killed and starts again, unless its disk would not let it remember.
    pub(super) fn restart(&mut self, agent: &'static str) {
        if self.disks_fail.contains(agent) {
            return;
        }
        self.say(format_args!("{agent} is killed"));
        let id = self.building.machine(agent).id.clone();
        self.building.restart_agent(&id);
    }

    pub(super) fn kill_agent(&mut self) {
        let (agent, _) = self.chance.one_of(&AGENTS);
        if self.chance.once_in(2) && !self.disks_fail.contains(agent) {
            self.say(format_args!("{agent}: the power fails"));
            let disk = self.building.machine(agent).disk.clone();
            disk.power_cut(&mut |most| self.chance.below(most + 1));
        }
        self.restart(agent);
    }

    pub(super) fn fail_disk(&mut self) {
        let (agent, _) = self.chance.one_of(&AGENTS);
        self.say(format_args!("{agent}: the disk takes nothing"));
        self.building.machine(agent).disk.fail_writes(true);
        self.disks_fail.insert(agent);
    }

    pub(super) fn mend_disks(&mut self) {
        if self.disks_fail.is_empty() {
            return;
        }
        for agent in std::mem::take(&mut self.disks_fail) {
            self.say(format_args!("{agent}: the disk works again"));
            self.building.machine(agent).disk.fail_writes(false);
        }
        // What could not be stored is tried again within a minute.
        self.building.advance(Span::seconds(70));
    }

    pub(super) fn turn_clock(&mut self) {
        let (agent, _) = self.chance.one_of(&AGENTS);
        let off = Span::days(self.chance.one_of(&[-4000, -1, 1, 900]));
        let days = off.0 / Span::days(1).0;
        self.say(format_args!("{agent}: the clock is wrong by {days} days"));
        let machine = self.building.machine(agent);
        (machine.wall_off, machine.synchronised) = (off, false);
        self.ails.insert("clock");
        if self.chance.once_in(2) {
            self.restart(agent);
        }
    }

    pub(super) fn cut(&mut self) {
        match self.chance.below(5) {
            0 => {
                self.say(format_args!("pi-front is cut off"));
                self.building.cut_agent("pi-front", true);
                self.ails.insert("pi-front cut");
            }
            1 => {
                self.say(format_args!("pi-back is cut off"));
                self.building.cut_agent("pi-back", true);
                self.ails.insert("pi-back cut");
            }
            2 => {
                self.say(format_args!("the server is cut off from the broker"));
                self.building.cut_server(true);
                self.ails.insert("server cut");
            }
            3 => {
                self.say(format_args!("the broker is down"));
                self.building.broker.set_up(false);
                self.ails.insert("broker down");
            }
            _ => {
                self.say(format_args!("Stripe is out"));
                self.building.set_stripe_out(true);
                self.ails.insert("stripe out");
                self.deafen();
            }
        }
    }

    pub(super) fn disturb_post(&mut self) {
        // A part of the post that overtakes the rest by days is a story of its own.
        if self.ails.contains("post") {
            return;
        }
        let mood = match self.building.way() {
            WayIn::WebhookAndKey => self.chance.one_of(&[Mood::Double, Mood::Held, Mood::Lost]),
            WayIn::WebhookOnly => self.chance.one_of(&[Mood::Double, Mood::Held]),
            WayIn::Pull => return,
        };
        self.say(format_args!("the post is {mood:?}"));
        self.building.post.set_mood(mood);
        if mood != Mood::Double {
            self.ails.insert("post");
            self.deafen();
        }
    }

    /// The signing secret is replaced, one stage a time: nothing is lost over it.
    pub(super) fn roll_secret(&mut self) {
        if self.building.way() == WayIn::Pull || self.ails.contains("server down") {
            return;
        }
        self.secrets_stage += 1;
        let (known, signs): (&[&str], &[&'static str]) = match self.secrets_stage {
            1 => (&[SECRET, NEXT_SECRET], &[SECRET]),
            2 => (&[SECRET, NEXT_SECRET], &[NEXT_SECRET, SECRET]),
            3 => (&[SECRET, NEXT_SECRET], &[NEXT_SECRET]),
            4 => (&[NEXT_SECRET], &[NEXT_SECRET]),
            _ => return,
        };
        self.say(format_args!(
            "the server knows {} secrets, Stripe signs with {}",
            known.len(),
            signs.len()
        ));
        let secrets = known.iter().map(|secret| SigningSecret::new(secret));
        self.building.server.billing.secrets =
            secrets.map(|secret| secret.expect("a secret")).collect();
        self.building.post.secrets = signs.to_vec();
        self.building.restart_server();
    }

    pub(super) fn weather(&mut self) {
        let parties = [Party::Server, agent("pi-front"), agent("pi-back")];
        let party = parties[self.chance.below(3)].clone();
        let weather = Weather {
            delay: Span(self.chance.one_of(&[0, 300, 4000])),
            doubles: self.chance.once_in(2),
            reorders: self.chance.once_in(2),
            withholds: false,
        };
        self.say(format_args!("{party:?}: {weather:?}"));
        self.building.broker.set_weather(party, weather);
        self.ails.insert("weather");
    }

    pub(super) fn wipe_broker(&mut self) {
        if self.ails.contains("broker down") {
            return;
        }
        self.say(format_args!("the broker forgets everything"));
        self.building.wipe_broker();
    }

    /// Everything is well again.
    pub fn mend(&mut self) {
        self.say(format_args!("all is mended: {:?}", self.ails));
        self.mend_disks();
        self.deaf_since = None;
        let building = &mut self.building;
        building.broker.set_up(true);
        for party in [Party::Server, agent("pi-front"), agent("pi-back")] {
            building.broker.set_weather(party, Weather::default());
        }
        for (agent, _) in AGENTS {
            building.cut_agent(agent, false);
            let machine = building.machine(agent);
            (machine.wall_off, machine.synchronised) = (Span(0), true);
        }
        building.cut_server(false);
        building.set_stripe_out(false);
        building.sim().fail_no_more();
        building.server.crash_in = None;
        building.stripe.wire().hang_in = None;
        if building.server.app().is_none() {
            building.start_server();
        }
        let held = building.post.take_held();
        let mut letters = self.chance.shuffled(held);
        if let Some(again) = letters.first().cloned() {
            letters.push(again);
        }
        building.post.set_mood(Mood::Prompt);
        let now = building.now;
        building.post.release(letters, now);
        building.settle();
        if building.way() == WayIn::WebhookAndKey {
            building.backfill();
        }
        building.advance(SECOND_TRY);
        building.settle();
        self.ails.clear();
    }
}

fn agent(name: &str) -> Party {
    Party::Agent(AgentId::new(name).expect("a name"))
}
