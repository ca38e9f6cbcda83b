//! Who may connect to the embedded broker, and which topics each of them may use.

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use shared::ids::{AgentId, DoorId, OrganisationId, ZoneId};
use shared::wire::topics::{Channel, Topic};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use subtle::ConstantTimeEq;
use tokio::sync::watch;

/// The user name under which the server's own link connects.
pub const SERVER_USER: &str = "server";

/// The user name of whoever may only look at the doors' status.
pub const WATCHER_USER: &str = "watcher";

/// What every topic starts with, and any wildcard of the server.
const ROOT: &str = "gs/1/";

/// The broker asks this for every connection, every published message and every subscription.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// Whether this client may connect; a client without user name or password is refused before this is asked.
    async fn authenticate(&self, client_id: &str, username: &str, password: &[u8]) -> bool;

    /// Whether this user may publish to exactly this topic, also as last will.
    fn may_publish(&self, username: &str, topic: &str) -> bool;

    /// Whether this user may subscribe to this filter.
    fn may_subscribe(&self, username: &str, filter: &str) -> bool;

    /// The edition of what this user is granted, `None` if nothing is; a session ends as soon as this differs from its start.
    fn edition(&self, username: &str) -> Option<u64>;

    /// Wakes whenever the edition of some user may have changed.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// What one agent may do on the broker.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentGrant {
    /// Whose topics the agent uses.
    pub organisation: OrganisationId,
    /// SHA-256 of the agent's password; the password is random and long, so no slower hash is needed.
    pub password_sha256: [u8; 32],
    /// The zones whose lists the agent may read.
    pub zones: BTreeSet<ZoneId>,
    /// The doors whose status the agent may publish.
    pub doors: BTreeSet<DoorId>,
}

impl fmt::Debug for AgentGrant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AgentGrant")
            .field("organisation", &self.organisation)
            .field("zones", &self.zones)
            .field("doors", &self.doors)
            .finish_non_exhaustive()
    }
}

impl AgentGrant {
    fn may_publish(&self, agent: &str, topic: &str) -> bool {
        match self.own_channel(topic) {
            Some(
                Channel::Request(id)
                | Channel::Report(id)
                | Channel::Events(id)
                | Channel::Result(id),
            ) => id.as_str() == agent,
            Some(Channel::Status(door)) => self.doors.contains(&door),
            Some(
                Channel::Head(_)
                | Channel::Policy(_)
                | Channel::Delta(_)
                | Channel::Config(_)
                | Channel::Sync(_)
                | Channel::Ack(_)
                | Channel::Command(_),
            )
            | None => false,
        }
    }

    fn may_subscribe(&self, agent: &str, filter: &str) -> bool {
        match self.own_channel(filter) {
            Some(
                Channel::Config(id) | Channel::Sync(id) | Channel::Ack(id) | Channel::Command(id),
            ) => id.as_str() == agent,
            Some(Channel::Head(zone) | Channel::Policy(zone) | Channel::Delta(zone)) => {
                self.zones.contains(&zone)
            }
            Some(
                Channel::Request(_)
                | Channel::Report(_)
                | Channel::Events(_)
                | Channel::Result(_)
                | Channel::Status(_),
            )
            | None => false,
        }
    }

    /// What the topic is about, if it is exactly one of the agent's own organisation; so no wildcard ever passes.
    fn own_channel(&self, topic: &str) -> Option<Channel> {
        Topic::parse(topic)
            .filter(|topic| topic.organisation == self.organisation)
            .map(|topic| topic.channel)
    }
}

/// Who may look at the doors' status, and nothing else: a house's own automation.
pub struct Watcher {
    /// SHA-256 of its password.
    pub password_sha256: [u8; 32],
    /// Below which prefix it is told of the doors; none: it knows them.
    pub discovery: Option<String>,
}

impl Watcher {
    /// It says there that it is there and that it is gone, and nothing else anywhere.
    fn may_publish(&self, topic: &str) -> bool {
        let own = self.discovery.as_deref();
        own.and_then(|prefix| topic.strip_prefix(prefix)) == Some("/status")
    }

    fn may_subscribe(&self, filter: &str) -> bool {
        let below = |prefix: &str| {
            filter
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if self.discovery.as_deref().is_some_and(below) {
            return true;
        }
        // One door or all of them: gs/1/{organisation}/doors/{door}/status.
        let mut levels = filter.strip_prefix(ROOT).unwrap_or_default().split('/');
        let (Some(organisation), Some("doors"), Some(door), Some("status"), None) = (
            levels.next(),
            levels.next(),
            levels.next(),
            levels.next(),
            levels.next(),
        ) else {
            return false;
        };
        OrganisationId::new(organisation).is_ok() && (door == "+" || DoorId::new(door).is_ok())
    }
}

struct Entry {
    grant: AgentGrant,
    edition: u64,
}

#[derive(Default)]
struct Table {
    agents: HashMap<String, Entry>,
    last_edition: u64,
}

impl Table {
    fn put(&mut self, agent: &AgentId, grant: AgentGrant) -> bool {
        if self
            .agents
            .get(agent.as_str())
            .is_some_and(|entry| entry.grant == grant)
        {
            return false;
        }
        self.last_edition += 1;
        let edition = self.last_edition;
        self.agents
            .insert(agent.as_str().to_owned(), Entry { grant, edition });
        true
    }
}

/// [`Access`] for one server and its agents, from a table in memory that the server refreshes from its database.
pub struct AgentAccess {
    server_password_sha256: [u8; 32],
    watcher: Option<Watcher>,
    discovery: Option<String>,
    table: RwLock<Table>,
    changes: watch::Sender<u64>,
}

impl AgentAccess {
    /// Nobody but the server, with this password, may connect yet.
    #[must_use]
    pub fn new(server_password: &[u8]) -> Self {
        Self {
            server_password_sha256: Sha256::digest(server_password).into(),
            watcher: None,
            discovery: None,
            table: RwLock::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// The server speaks below this prefix too, and this user may look.
    #[must_use]
    pub fn watched(self, discovery: Option<String>, watcher: Option<Watcher>) -> Self {
        Self {
            discovery,
            watcher,
            ..self
        }
    }

    /// Makes an organisation's part of the table exactly this; sessions of its agents that are gone or changed end at
    /// once, all others go on.
    pub fn replace(
        &self,
        organisation: &OrganisationId,
        grants: impl IntoIterator<Item = (AgentId, AgentGrant)>,
    ) {
        let mut changed = false;
        {
            let mut table = self.write();
            let mut kept = BTreeSet::new();
            for (agent, grant) in grants {
                changed |= table.put(&agent, grant);
                kept.insert(agent);
            }
            let before = table.agents.len();
            table.agents.retain(|name, entry| {
                entry.grant.organisation != *organisation
                    || kept.iter().any(|agent| agent.as_str() == name)
            });
            changed |= table.agents.len() != before;
        }
        self.tell(changed);
    }

    /// Lets this agent in with this grant; a session it has under another grant ends at once.
    pub fn grant(&self, agent: &AgentId, grant: AgentGrant) {
        let changed = self.write().put(agent, grant);
        self.tell(changed);
    }

    /// Takes everything from this agent: its session ends at once, its last will is not published.
    pub fn revoke(&self, agent: &AgentId) {
        let changed = self.write().agents.remove(agent.as_str()).is_some();
        self.tell(changed);
    }

    fn tell(&self, changed: bool) {
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Access for AgentAccess {
    async fn authenticate(&self, client_id: &str, username: &str, password: &[u8]) -> bool {
        let given: [u8; 32] = Sha256::digest(password).into();
        if username == SERVER_USER {
            return given.ct_eq(&self.server_password_sha256).into();
        }
        if username == WATCHER_USER {
            let expected = self.watcher.as_ref().map(|watcher| watcher.password_sha256);
            let right: bool = given.ct_eq(&expected.unwrap_or_default()).into();
            // Under its own name, so that it pushes no agent off.
            return right && expected.is_some() && client_id.starts_with(WATCHER_USER);
        }
        // A broker ends the older of two sessions with one client id: with a foreign id, an agent could push another off.
        let own_id = client_id == username;
        let expected = self
            .read()
            .agents
            .get(username)
            .map(|entry| entry.grant.password_sha256);
        let right: bool = given.ct_eq(&expected.unwrap_or_default()).into();
        right && expected.is_some() && own_id
    }

    fn may_publish(&self, username: &str, topic: &str) -> bool {
        if username == SERVER_USER {
            let discovery = self.discovery.as_deref();
            return topic.starts_with(ROOT)
                || discovery
                    .and_then(|prefix| topic.strip_prefix(prefix))
                    .is_some_and(|rest| rest.starts_with('/'));
        }
        if username == WATCHER_USER {
            return self
                .watcher
                .as_ref()
                .is_some_and(|watcher| watcher.may_publish(topic));
        }
        self.read()
            .agents
            .get(username)
            .is_some_and(|entry| entry.grant.may_publish(username, topic))
    }

    fn may_subscribe(&self, username: &str, filter: &str) -> bool {
        if username == SERVER_USER {
            return filter.starts_with(ROOT);
        }
        if username == WATCHER_USER {
            return self
                .watcher
                .as_ref()
                .is_some_and(|watcher| watcher.may_subscribe(filter));
        }
        self.read()
            .agents
            .get(username)
            .is_some_and(|entry| entry.grant.may_subscribe(username, filter))
    }

    fn edition(&self, username: &str) -> Option<u64> {
        if username == SERVER_USER {
            return Some(0);
        }
        if username == WATCHER_USER {
            return self.watcher.as_ref().map(|_| 0);
        }
        self.read().agents.get(username).map(|entry| entry.edition)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
