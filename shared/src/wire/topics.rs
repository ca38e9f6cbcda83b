//! The only place that knows topics: value to text and back.

use super::Kind;
use crate::ids::{AgentId, DoorId, OrganisationId, ZoneId};
use std::fmt;

/// A topic below `gs/1/{organisation}/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    /// Whose.
    pub organisation: OrganisationId,
    /// Which.
    pub channel: Channel,
}

/// What a topic is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Server to a zone's agents; retained.
    Head(ZoneId),
    /// Server to a zone's agents; retained.
    Policy(ZoneId),
    /// Server to a zone's agents.
    Delta(ZoneId),
    /// Server to an agent; retained.
    Config(AgentId),
    /// Server to an agent.
    Sync(AgentId),
    /// Agent to server.
    Request(AgentId),
    /// Agent to server.
    Report(AgentId),
    /// Agent to server.
    Events(AgentId),
    /// Server to an agent.
    Ack(AgentId),
    /// Server to an agent.
    Command(AgentId),
    /// Agent to server.
    Result(AgentId),
    /// Agent to the world; retained, unsigned, decoration.
    Status(DoorId),
}

const ROOT: &str = "gs/1";

impl Channel {
    /// The kind of message it carries; none for decoration.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Head(_) => Some(Kind::Head),
            Self::Policy(_) => Some(Kind::Policy),
            Self::Delta(_) => Some(Kind::Delta),
            Self::Config(_) => Some(Kind::Config),
            Self::Sync(_) => Some(Kind::Sync),
            Self::Request(_) => Some(Kind::Request),
            Self::Report(_) => Some(Kind::Report),
            Self::Events(_) => Some(Kind::Events),
            Self::Ack(_) => Some(Kind::Ack),
            Self::Command(_) => Some(Kind::Command),
            Self::Result(_) => Some(Kind::Result),
            Self::Status(_) => None,
        }
    }

    /// Whether a broker keeps the last message for those who come later.
    #[must_use]
    pub fn is_retained(&self) -> bool {
        matches!(
            self,
            Self::Head(_) | Self::Policy(_) | Self::Config(_) | Self::Status(_)
        )
    }
}

impl Topic {
    /// A topic of an organisation.
    #[must_use]
    pub fn new(organisation: &OrganisationId, channel: Channel) -> Self {
        Self {
            organisation: organisation.clone(),
            channel,
        }
    }

    /// Reads a topic; none for anything that is not exactly one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text
            .strip_prefix(ROOT)?
            .strip_prefix('/')?
            .split('/')
            .collect();
        let [organisation, class, name, leaf] = parts[..] else {
            return None;
        };
        let zone = || ZoneId::new(name).ok();
        let agent = || AgentId::new(name).ok();
        let channel = match (class, leaf) {
            ("zones", "head") => Channel::Head(zone()?),
            ("zones", "policy") => Channel::Policy(zone()?),
            ("zones", "delta") => Channel::Delta(zone()?),
            ("agents", "config") => Channel::Config(agent()?),
            ("agents", "sync") => Channel::Sync(agent()?),
            ("agents", "request") => Channel::Request(agent()?),
            ("agents", "report") => Channel::Report(agent()?),
            ("agents", "events") => Channel::Events(agent()?),
            ("agents", "ack") => Channel::Ack(agent()?),
            ("agents", "command") => Channel::Command(agent()?),
            ("agents", "result") => Channel::Result(agent()?),
            ("doors", "status") => Channel::Status(DoorId::new(name).ok()?),
            _ => return None,
        };
        Some(Self {
            organisation: OrganisationId::new(organisation).ok()?,
            channel,
        })
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, name, leaf) = match &self.channel {
            Channel::Head(zone) => ("zones", zone.as_str(), "head"),
            Channel::Policy(zone) => ("zones", zone.as_str(), "policy"),
            Channel::Delta(zone) => ("zones", zone.as_str(), "delta"),
            Channel::Config(agent) => ("agents", agent.as_str(), "config"),
            Channel::Sync(agent) => ("agents", agent.as_str(), "sync"),
            Channel::Request(agent) => ("agents", agent.as_str(), "request"),
            Channel::Report(agent) => ("agents", agent.as_str(), "report"),
            Channel::Events(agent) => ("agents", agent.as_str(), "events"),
            Channel::Ack(agent) => ("agents", agent.as_str(), "ack"),
            Channel::Command(agent) => ("agents", agent.as_str(), "command"),
            Channel::Result(agent) => ("agents", agent.as_str(), "result"),
            Channel::Status(door) => ("doors", door.as_str(), "status"),
        };
        write!(out, "{ROOT}/{}/{class}/{name}/{leaf}", self.organisation)
    }
}

/// Every exact topic that an agent listens to.
#[must_use]
pub fn agent_hears(organisation: &OrganisationId, agent: &AgentId, zones: &[ZoneId]) -> Vec<Topic> {
    let own = [
        Channel::Config,
        Channel::Sync,
        Channel::Ack,
        Channel::Command,
    ]
    .map(|channel| channel(agent.clone()));
    let zones = zones.iter().flat_map(|zone| {
        [Channel::Policy, Channel::Delta, Channel::Head].map(|channel| channel(zone.clone()))
    });
    own.into_iter()
        .chain(zones)
        .map(|channel| Topic::new(organisation, channel))
        .collect()
}

/// The wildcards that the server of an organisation listens to; nobody else may use any.
#[must_use]
pub fn server_hears(organisation: &OrganisationId) -> Vec<String> {
    ["request", "report", "events", "result"]
        .map(|leaf| format!("{ROOT}/{organisation}/agents/+/{leaf}"))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_read_back_as_it_was_written() {
        let organisation = OrganisationId::new("club").expect("valid");
        let agent = AgentId::new("pi-1").expect("valid");
        let zones = [ZoneId::new("wood").expect("valid")];
        let mut topics = agent_hears(&organisation, &agent, &zones);
        let up = [
            Channel::Request,
            Channel::Report,
            Channel::Events,
            Channel::Result,
        ];
        topics.extend(up.map(|channel| Topic::new(&organisation, channel(agent.clone()))));
        topics.push(Topic::new(
            &organisation,
            Channel::Status(DoorId::new("front").expect("valid")),
        ));
        assert_eq!(topics.len(), 12);
        for topic in topics {
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
    }

    #[test]
    fn what_is_not_exactly_a_topic_of_ours_is_none() {
        for text in [
            "gs/2/club/zones/wood/head",
            "gs/1/club/zones/wood/head/",
            "gs/1/club/zones/+/head",
            "gs/1/club/zones//head",
            "gs/1/club/agents/pi-1/status",
            "gs/1/club/doors/front/head",
            "xgs/1/club/zones/wood/head",
            "",
        ] {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }
}
