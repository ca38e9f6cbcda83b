//! What is checked after each thing that happened, and at the end.

use super::actions::{AGENTS, World};
use super::model::{Due, Shown, Source, Verdict, each_due, together};
use crate::building::on;
use crate::building::story::Who;
use crate::stripe_sim::model::InvoiceStatus;
use shared::allow_list::{AllowList, Delta};
use shared::ids::{DoorId, ZoneId};
use shared::time::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What was right for one person at one door since all was well last.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// What gave access all the time: the least it had to, until when at least. News of what came since may be lost.
    steady: BTreeMap<Source, Due>,
    most: Verdict,
    barred: bool,
}

/// An end that passes while nobody can be asked is judged by clocks that may differ so much.
const SLIP: Span = Span::minutes(2);

impl World {
    /// Every card at every door, every list at every agent.
    pub fn check(&mut self) {
        if self.ails.is_empty() {
            self.expect_agreement();
        }
        self.check_lists();
        for who in self.people.clone() {
            let shown = Shown::all(&self.truth[&who], &self.building.sim());
            for (_, door) in AGENTS {
                let due = each_due(&self.truth[&who], &shown, door, self.building.now);
                let verdict = together(&due).verdict;
                self.note_due(who, door, due);
                if let Some(opens) = self.would_open(who, door) {
                    self.judge_opening(who, door, verdict, opens);
                }
            }
        }
    }

    fn expect_agreement(&mut self) {
        if !self.building.doors_agree() {
            // Questions are asked rarer and rarer; the next one brings it.
            self.building.advance(Span::minutes(6));
            self.building.settle();
        }
        assert!(
            self.building.doors_agree(),
            "a door is behind though all is well: {:#?}",
            self.building
        );
    }

    fn note_due(&mut self, who: Who, door: &'static str, due: BTreeMap<Source, Due>) {
        let most = together(&due).verdict;
        let barred = self.truth[&who].barred();
        let fresh = Seen {
            steady: due,
            most,
            barred,
        };
        let ails = !self.ails.is_empty();
        let Some(seen) = self.seen.get_mut(&(who, door)).filter(|_| ails) else {
            self.seen.insert((who, door), fresh);
            return;
        };
        seen.steady.retain(|source, least| {
            let Some(now) = fresh.steady.get(source) else {
                return false;
            };
            least.verdict = least.verdict.min(now.verdict);
            least.until = least.until.min(now.until);
            true
        });
        seen.most = seen.most.max(most);
        seen.barred &= barred;
    }

    /// What the door would do with the card at this moment; none while its agent is off.
    fn would_open(&self, who: Who, door: &str) -> Option<bool> {
        let id = DoorId::new(door).expect("a name");
        let card = &self.building.person(who).card;
        let machine = self
            .building
            .machines
            .values()
            .find(|machine| machine.has_door(&id))?;
        let judged = machine
            .agent()?
            .judge(card, machine.sources(self.building.now));
        let (_, _, decision) = judged.into_iter().find(|(of, _, _)| *of == id)?;
        Some(decision.reason.grants())
    }

    /// Fails if a door may not do this.
    pub(super) fn check_opening(&self, who: Who, door: &'static str, opens: bool) {
        let truth = &self.truth[&who];
        let shown = Shown::all(truth, &self.building.sim());
        let due = each_due(truth, &shown, door, self.building.now);
        let current = together(&due).verdict;
        self.judge_opening(who, door, current, opens);
    }

    fn judge_opening(&self, who: Who, door: &'static str, current: Verdict, opens: bool) {
        let (now, ails) = (self.building.now, &self.ails);
        if ails.is_empty() {
            let of = || format!("{who:?} at {door} at {now}: {}", self.explain(who));
            assert!(
                current != Verdict::Must || opens,
                "locked out although paid: {}",
                of()
            );
            assert!(
                current != Verdict::Not || !opens,
                "in without cause: {}",
                of()
            );
            return;
        }
        self.check_deed(who, door, opens);
        let seen = &self.seen[&(who, door)];
        let of = || {
            format!(
                "{who:?} at {door} at {now} with {ails:?}, {seen:?}: {}",
                self.explain(who)
            )
        };
        let mut steady = seen.steady.values();
        let must = steady.any(|least| least.verdict == Verdict::Must && now + SLIP < least.until);
        if must && current == Verdict::Must {
            assert!(opens, "locked out although paid: {}", of());
        }
        // A clock that went back to its floor may still be before an end.
        let time_is_right = !ails.contains("clock");
        if seen.most == Verdict::Not && current == Verdict::Not && (seen.barred || time_is_right) {
            assert!(!opens, "in without cause: {}", of());
        }
    }

    /// What the front desk did counts at once, whatever ails Stripe.
    fn check_deed(&self, who: Who, door: &str, opens: bool) {
        let elsewhere = ["post", "stripe out"];
        if !self.ails.iter().all(|ail| elsewhere.contains(ail)) {
            return;
        }
        let truth = &self.truth[&who];
        let (now, ails) = (self.building.now, &self.ails);
        assert!(
            !(truth.barred() && opens),
            "barred and in: {who:?} at {door} at {now} with {ails:?}"
        );
        let by_hand = together(&each_due(truth, &[], door, now)).verdict;
        assert!(
            by_hand != Verdict::Must || opens,
            "given access and locked out: {who:?} at {door} at {now} with {ails:?}"
        );
    }

    fn explain(&self, who: Who) -> String {
        let standing = self.building.standing(who);
        let sim = self.building.sim();
        let stripe: Vec<_> = self.truth[&who]
            .subscriptions
            .iter()
            .map(|id| {
                (
                    id,
                    sim.status(id),
                    sim.paid_until(id).map(Timestamp::from_seconds),
                    sim.bills_of(id).collect::<Vec<_>>(),
                )
            })
            .collect();
        format!(
            "{:?}\nat Stripe {stripe:?}\non the server {standing:?}",
            self.truth[&who]
        )
    }

    fn check_lists(&mut self) {
        let mut held = Vec::new();
        for machine in self.building.machines.values() {
            let Some(agent) = machine.agent() else {
                continue;
            };
            for zone in agent.zones() {
                let Some(list) = zone.list() else { continue };
                let key = (machine.id.clone(), zone.id().clone());
                let really = AllowList::build(list.revision(), list.entries());
                assert_eq!(
                    really.digest(),
                    list.digest(),
                    "{key:?}: the list is not what was signed"
                );
                held.push((key, list.revision(), list.digest()));
            }
        }
        for (key, revision, digest) in held {
            let list = (key.1.clone(), revision.number, digest.0);
            self.lists.insert(list);
            let before = self.revisions.insert(key.clone(), revision);
            assert!(
                before.is_none_or(|before| before.number <= revision.number),
                "{key:?}: the list went back from {before:?} to {revision:?}",
            );
        }
    }

    /// Nothing moves any more: badge log, doors and reports tell the same.
    pub fn check_at_rest(&mut self) {
        self.check();
        for kind in ["two_agents", "door_ahead"] {
            let attention = self.building.attention();
            assert!(!self.building.attends(kind), "{attention:?}");
        }
        for who in self.people.clone() {
            for (_, door) in AGENTS {
                self.building.advance(Span(1500));
                let tap = self.building.tap(who, door);
                self.say(format_args!("{who:?} at {door}, at last: {:?}", tap.reason));
                self.check_opening(who, door, tap.opens());
            }
        }
        self.building.settle();
        self.building.badges_arrived_once_each();
        self.check_sequences();
        self.check_reports();
        self.check_that_lists_were_given();
        self.building.history_holds();
    }

    /// Every agent's log is there from the first event of each boot to the last, in one order.
    fn check_sequences(&self) {
        const SQL: &str =
            "SELECT agent, boot, sequence, at FROM badges ORDER BY agent, boot, sequence";
        type Row = (String, Vec<u8>, i64, i64);
        let rows: Vec<Row> = self
            .building
            .read(async |tx| on!(tx, c => sqlx::query_as(SQL).fetch_all(c).await));
        for pair in rows.windows(2) {
            let [(agent, boot, one, _), (of, other, next, _)] = pair else {
                continue;
            };
            let expected = if (agent, boot) == (of, other) {
                one + 1
            } else {
                1
            };
            assert_eq!(*next, expected, "{of}: an event is missing or doubled");
        }
    }

    /// What each agent last reported is what it holds.
    fn check_reports(&self) {
        const SQL: &str = "SELECT report FROM agents WHERE id = $1";
        for machine in self.building.machines.values() {
            let body: Option<Vec<u8>> = self.building.read(
                async |tx| on!(tx, c => sqlx::query_scalar(SQL).bind(machine.id.as_str()).fetch_one(c).await),
            );
            let body = body.expect("an agent that ran has reported");
            let report: shared::wire::Report = minicbor::decode(&body).expect("a report");
            let agent = machine.agent().expect("the agent runs");
            let held: Vec<_> = agent
                .zones()
                .map(|zone| (zone.id().clone(), zone.list().map(|list| list.digest())))
                .collect();
            let told: Vec<_> = report
                .zones
                .iter()
                .map(|zone| (zone.zone.clone(), zone.list.map(|list| list.digest)))
                .collect();
            assert_eq!(told, held, "{} reports what it holds", machine.id);
        }
    }

    /// Every list that was ever seen at a door is one that the server made.
    fn check_that_lists_were_given(&self) {
        const SQL: &str = "SELECT zone, delta FROM revisions";
        let rows: Vec<(String, Vec<u8>)> = self
            .building
            .read(async |tx| on!(tx, c => sqlx::query_as(SQL).fetch_all(c).await));
        let made: BTreeSet<(ZoneId, u64, [u8; 32])> = rows
            .into_iter()
            .map(|(zone, delta)| {
                let delta: Delta = minicbor::decode(&delta).expect("a delta");
                let zone = ZoneId::new(zone.as_str()).expect("a name");
                (zone, delta.number, delta.digest.0)
            })
            .collect();
        for list in &self.lists {
            assert!(
                list.1 == 0 || made.contains(list),
                "a door held a list that the server never made: {list:?}"
            );
        }
    }

    /// The ledger has every paid invoice once, with what was really paid.
    pub fn check_books(&self) {
        let sim = self.building.sim();
        let mut paid: Vec<(String, i64)> = Vec::new();
        for id in self.truth.values().flat_map(|truth| &truth.subscriptions) {
            let bills = sim.bills_of(id);
            let bills = bills.filter(|bill| bill.status == InvoiceStatus::Paid);
            paid.extend(bills.map(|bill| (bill.id.clone(), bill.amount_paid)));
        }
        drop(sim);
        paid.sort();
        let mut booked: Vec<(String, i64)> = self
            .building
            .ledger()
            .into_iter()
            .filter_map(|payment| Some((payment.invoice?, payment.amount)))
            .collect();
        booked.sort();
        assert_eq!(booked, paid, "the ledger is what Stripe was paid");
    }
}
