//! The broker's twin: retained messages, exact topics, the permissions of each agent, and a network that misbehaves.

use server::doors::access::{Access, AgentAccess};
use shared::ids::AgentId;
use shared::time::{Span, Timestamp};
use shared::wire::Topic;
use shared::wire::topics::Channel;
use std::collections::{BTreeMap, BTreeSet};

/// Who is at the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The server.
    Server,
    /// A door agent.
    Agent(AgentId),
}

/// A message as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}

/// What the network does to messages towards one party.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Every message comes so much later.
    pub delay: Span,
    /// Every message comes twice.
    pub doubles: bool,
    /// The newest message comes first.
    pub reorders: bool,
    /// The link looks alive, and nothing comes.
    pub withholds: bool,
}

struct Flight {
    due: Timestamp,
    to: Party,
    message: Message,
}

/// The broker and the network around it.
pub struct Broker {
    /// Who may do what; refreshed from the server's database as the embedded broker's is.
    pub access: AgentAccess,
    /// Everything that was published, in order.
    pub log: Vec<Message>,
    up: bool,
    retained: BTreeMap<String, Vec<u8>>,
    sessions: BTreeMap<Party, BTreeSet<String>>,
    weather: BTreeMap<Party, Weather>,
    flights: Vec<Flight>,
    /// Publications and subscriptions that were not permitted.
    pub refused: Vec<(Party, String)>,
}

impl Broker {
    /// A broker that knows nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            access: AgentAccess::new(b"the server's"),
            log: Vec::new(),
            up: true,
            retained: BTreeMap::new(),
            sessions: BTreeMap::new(),
            weather: BTreeMap::new(),
            flights: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Starts or stops it; sessions and what is under way end with it.
    pub fn set_up(&mut self, up: bool) {
        self.up = up;
        if !up {
            self.sessions.clear();
            self.flights.clear();
        }
    }

    /// Forgets everything that was retained.
    pub fn wipe(&mut self) {
        self.retained.clear();
    }

    /// What it keeps for those who come later.
    #[must_use]
    pub fn retained(&self, topic: &str) -> Option<&[u8]> {
        self.retained.get(topic).map(Vec::as_slice)
    }

    /// Sets what the network does to messages towards a party.
    pub fn set_weather(&mut self, party: Party, weather: Weather) {
        self.weather.insert(party, weather);
    }

    /// Whether a party has a session.
    #[must_use]
    pub fn has(&self, party: &Party) -> bool {
        self.sessions.contains_key(party)
    }

    /// Begins a clean session.
    pub fn connect(&mut self, party: Party) {
        self.sessions.insert(party, BTreeSet::new());
    }

    /// Ends a session; what was under way to it is lost.
    pub fn disconnect(&mut self, party: &Party) {
        self.sessions.remove(party);
        self.flights.retain(|flight| flight.to != *party);
    }

    /// Subscribes an agent; what is retained comes at once.
    pub fn subscribe(&mut self, agent: &AgentId, topics: Vec<String>, now: Timestamp) {
        let party = Party::Agent(agent.clone());
        for topic in topics {
            if !self.access.may_subscribe(agent.as_str(), &topic) {
                self.refused.push((party.clone(), topic));
                continue;
            }
            let Some(session) = self.sessions.get_mut(&party) else {
                return;
            };
            session.insert(topic.clone());
            if let Some(payload) = self.retained.get(&topic).cloned() {
                self.send(party.clone(), Message { topic, payload }, now);
            }
        }
    }

    /// Unsubscribes an agent.
    pub fn unsubscribe(&mut self, agent: &AgentId, topics: &[String]) {
        if let Some(session) = self.sessions.get_mut(&Party::Agent(agent.clone())) {
            session.retain(|topic| !topics.contains(topic));
        }
    }

    /// Takes a message from a party that has a session, and sends it on.
    pub fn publish(&mut self, from: &Party, message: Message, retain: bool, now: Timestamp) {
        if !self.up || !self.has(from) {
            return;
        }
        let permitted = match from {
            Party::Server => true,
            Party::Agent(agent) => self.access.may_publish(agent.as_str(), &message.topic),
        };
        if !permitted {
            self.refused.push((from.clone(), message.topic));
            return;
        }
        self.accept(message, retain, now);
    }

    /// Puts a message in as whoever owns the broker can.
    pub fn inject(&mut self, message: Message, retain: bool, now: Timestamp) {
        self.accept(message, retain, now);
    }

    fn accept(&mut self, message: Message, retain: bool, now: Timestamp) {
        if retain {
            self.retained
                .insert(message.topic.clone(), message.payload.clone());
        }
        self.log.push(message.clone());
        let hears = |(party, topics): (&Party, &BTreeSet<String>)| match party {
            Party::Server => server_hears(&message.topic),
            Party::Agent(_) => topics.contains(&message.topic),
        };
        let to: Vec<Party> = self
            .sessions
            .iter()
            .filter(|session| hears(*session))
            .map(|(party, _)| party.clone())
            .collect();
        for party in to {
            self.send(party, message.clone(), now);
        }
    }

    fn send(&mut self, to: Party, message: Message, now: Timestamp) {
        let weather = self.weather.get(&to).copied().unwrap_or_default();
        if weather.withholds {
            return;
        }
        let due = now + weather.delay;
        if weather.doubles {
            self.flights.push(Flight {
                due,
                to: to.clone(),
                message: message.clone(),
            });
        }
        self.flights.push(Flight { due, to, message });
    }

    /// The next message that has arrived by now.
    pub fn arrival(&mut self, now: Timestamp) -> Option<(Party, Message)> {
        let here: Vec<usize> = (0..self.flights.len())
            .filter(|at| self.flights[*at].due <= now)
            .collect();
        let first = *here.first()?;
        let to = self.flights[first].to.clone();
        let reorders = self
            .weather
            .get(&to)
            .is_some_and(|weather| weather.reorders);
        let chosen = if reorders {
            here.into_iter()
                .rev()
                .find(|at| self.flights[*at].to == to)
                .unwrap_or(first)
        } else {
            first
        };
        let flight = self.flights.remove(chosen);
        Some((flight.to, flight.message))
    }

    /// When the next message arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Timestamp> {
        self.flights.iter().map(|flight| flight.due).min()
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self::new()
    }
}

fn server_hears(topic: &str) -> bool {
    Topic::parse(topic).is_some_and(|topic| match topic.channel {
        Channel::Request(_) | Channel::Report(_) | Channel::Events(_) | Channel::Result(_) => true,
        Channel::Head(_)
        | Channel::Policy(_)
        | Channel::Delta(_)
        | Channel::Config(_)
        | Channel::Sync(_)
        | Channel::Ack(_)
        | Channel::Command(_)
        | Channel::Status(_) => false,
    })
}
