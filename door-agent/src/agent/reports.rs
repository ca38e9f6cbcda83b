//! What the agent says of itself: signed reports, questions for what is missing, and a status for people.

use super::{Agent, LastBadge, Output};
use crate::controller::State;
use minicbor::bytes::ByteVec;
use rand_core::Rng as _;
use serde::Serialize;
use shared::badge::Alarm;
use shared::door_clock::Sources;
use shared::ids::{AgentId, DoorId, ZoneId};
use shared::time::Span;
use shared::wire::topics::Channel;
use shared::wire::{Kind, Refused, RefusedWhy, Report, Request, Topic, seal};
use std::collections::BTreeMap;

/// A report goes out at least so often.
const EVERY: Span = Span::minutes(3);
/// Reports on what was just accepted are at least so far apart.
const GAP: Span = Span(200);
/// The badge log hears of refused messages at most so often for each cause.
const REJECTED_EVERY: Span = Span::minutes(1);

/// When reports go out, and what they still have to tell.
#[derive(Debug, Default)]
pub(super) struct Reports {
    counter: u64,
    last: Option<Span>,
    due: Option<Span>,
    refused: BTreeMap<RefusedWhy, u64>,
    told: BTreeMap<RefusedWhy, Span>,
}

impl Reports {
    pub fn refused(&self) -> &BTreeMap<RefusedWhy, u64> {
        &self.refused
    }

    /// Counts a refused message; true if the badge log should hear of it.
    pub fn refuse(&mut self, why: RefusedWhy, uptime: Span) -> bool {
        *self.refused.entry(why).or_default() += 1;
        let fresh = self
            .told
            .get(&why)
            .is_none_or(|told| uptime.0 - told.0 >= REJECTED_EVERY.0);
        if fresh {
            self.told.insert(why, uptime);
        }
        fresh
    }
}

#[derive(Serialize)]
struct Status {
    online: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    door: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    alarms: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_badge: Option<LastBadge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<ZoneId>,
}

/// What is published when the agent is gone.
pub(super) fn offline() -> Vec<u8> {
    let status = Status {
        online: false,
        lock: None,
        door: None,
        state: None,
        alarms: Vec::new(),
        last_badge: None,
        zone: None,
    };
    serde_json::to_vec(&status).expect("plain data is JSON")
}

impl Agent {
    /// Whether locks are driven from now on; the server hears of it soon.
    pub fn set_shadow(&mut self, shadow: bool, sources: Sources) {
        if self.shadow != shadow {
            self.shadow = shadow;
            self.report_soon(sources);
        }
    }

    /// A report goes out as soon as the gap to the last one allows.
    pub(super) fn report_soon(&mut self, sources: Sources) {
        let due = self
            .reports
            .last
            .map_or(sources.uptime, |last| sources.uptime.max(last + GAP));
        self.reports.due = Some(self.reports.due.map_or(due, |planned| planned.min(due)));
    }

    pub(super) fn publish_report(&mut self, sources: Sources) {
        let reading = self.clock.read(sources);
        self.reports.counter += 1;
        let refused = std::mem::take(&mut self.reports.refused);
        let seen: Vec<ByteVec> = self
            .state
            .witness
            .seen()
            .map(|audit| audit.to_vec().into())
            .collect();
        let report = Report {
            boot: self.boot,
            counter: self.reports.counter,
            at: reading.time,
            quality: reading.quality,
            zones: self.zones.values().map(crate::zone::Zone::report).collect(),
            spooled: self.spool.waiting(),
            config: Some(self.config.config.revision),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            refused: refused
                .into_iter()
                .map(|(why, count)| Refused { why, count })
                .collect(),
            command_counter: self.commands.counter(),
            audit: Some(seen).filter(|seen| !seen.is_empty()),
            shadow: self.shadow.then_some(true),
        };
        self.publish(Channel::Report, Kind::Report, &report);
        self.reports.last = Some(sources.uptime);
        self.reports.due = Some(sources.uptime + EVERY);
    }

    pub(super) fn publish_status(&mut self, id: &DoorId) {
        let (Some(door), Some(topic)) = (self.doors.get(id), self.status_topic(id)) else {
            return;
        };
        let mut shown = door.shown();
        shown
            .alarms
            .extend(self.is_readerless(id).then_some(Alarm::ReaderGone));
        let status = Status {
            online: true,
            lock: Some(if shown.released {
                "released"
            } else {
                "resting"
            }),
            door: shown.open.map(|open| if open { "open" } else { "closed" }),
            state: Some(shown.state),
            alarms: shown.alarms.into_iter().map(Alarm::name).collect(),
            last_badge: shown.last_badge,
            zone: door.zone.clone(),
        };
        let payload = serde_json::to_vec(&status).expect("plain data is JSON");
        self.out.push_back(Output::Publish {
            topic,
            payload,
            retain: true,
        });
    }

    /// Where to speak of a door; nowhere if the server has not given it to this agent: the broker shuts out who does.
    pub(super) fn status_topic(&self, door: &DoorId) -> Option<String> {
        self.doors.get(door)?.zone.as_ref()?;
        let channel = Channel::Status(door.clone());
        Some(Topic::new(&self.paired.pairing.organisation, channel).to_string())
    }

    /// Signs a message for one of the agent's own topics; without a connection it is not worth keeping.
    pub(super) fn publish<M: minicbor::Encode<()>>(
        &mut self,
        channel: fn(AgentId) -> Channel,
        kind: Kind,
        message: &M,
    ) {
        if !self.connected {
            return;
        }
        let channel = channel(self.paired.pairing.agent.clone());
        let retain = channel.is_retained();
        let topic = Topic::new(&self.paired.pairing.organisation, channel).to_string();
        let payload = seal(kind, &topic, message, &self.identity.signer);
        self.out.push_back(Output::Publish {
            topic,
            payload,
            retain,
        });
    }

    pub(super) fn link_timeout(&self) -> Option<Span> {
        if !self.connected {
            return None;
        }
        let asking = self
            .zones
            .values()
            .flat_map(|zone| [zone.ask_list.poll_timeout(), zone.ask_policy.poll_timeout()]);
        asking
            .chain([self.reports.due, self.upload.poll_timeout()])
            .flatten()
            .min()
    }

    pub(super) fn tick_link(&mut self, sources: Sources) {
        if self.reports.due.is_some_and(|due| due <= sources.uptime) {
            self.publish_report(sources);
        }
        self.ask(sources);
        self.send_events(sources);
    }

    pub(super) fn ask_for_what_is_missing(&mut self, sources: Sources) {
        let zones: Vec<ZoneId> = self.zones.keys().cloned().collect();
        for zone in zones {
            self.ask_for_zone(&zone, sources);
        }
    }

    /// Plans questions for what a zone lacks, and drops those that were answered.
    pub(super) fn ask_for_zone(&mut self, id: &ZoneId, sources: Sources) {
        if !self.connected {
            return;
        }
        let Some(zone) = self.zones.get_mut(id) else {
            return;
        };
        if zone.wants_list() {
            zone.ask_list.want(sources.uptime, &mut self.random);
        } else {
            zone.ask_list.satisfied();
        }
        if zone.wants_policy() {
            zone.ask_policy.want(sources.uptime, &mut self.random);
        } else {
            zone.ask_policy.satisfied();
        }
    }

    /// Plans a question for a list although no head says that one is missing.
    pub(super) fn want_list(&mut self, id: &ZoneId, sources: Sources) {
        if let Some(zone) = self.zones.get_mut(id).filter(|_| self.connected) {
            zone.ask_list.want(sources.uptime, &mut self.random);
        }
    }

    fn ask(&mut self, sources: Sources) {
        let zones: Vec<ZoneId> = self.zones.keys().cloned().collect();
        for id in zones {
            let Some(zone) = self.zones.get_mut(&id) else {
                continue;
            };
            let list = zone.ask_list.is_due(sources.uptime, &mut self.random);
            let policy = zone.ask_policy.is_due(sources.uptime, &mut self.random);
            if list {
                let nonce = self.random.next_u64();
                zone.asked(nonce);
                let request = Request {
                    boot: self.boot,
                    nonce,
                    zone: id.clone(),
                    holds: zone.holds_for_request(),
                };
                self.publish(Channel::Request, Kind::Request, &request);
            }
            if policy {
                // What a broker retains comes with each new subscription.
                let topic =
                    Topic::new(&self.paired.pairing.organisation, Channel::Policy(id)).to_string();
                self.out.push_back(Output::Subscribe(vec![topic]));
            }
        }
    }
}
