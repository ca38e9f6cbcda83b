//! The server's link to a broker, its own or any other that speaks MQTT 3.1.1.
//!
//! The task that polls the connection never publishes, and publishing never waits: so the two cannot wait for each other.
//! What was handed over and not yet confirmed when the connection broke is forgotten; whoever publishes, publishes what
//! still matters again at [`Incoming::Connected`].

use super::broker::MAX_PAYLOAD;
pub use super::tls::Trust;
use super::tls::{TlsError, install_crypto};
use rumqttc::{
    AsyncClient, ConnectionError, Event, MqttOptions, NetworkOptions, Packet, QoS, SubAck,
    SubscribeFilter, SubscribeReasonCode, TlsConfiguration, Transport, valid_topic,
};
use shared::ids::OrganisationId;
use shared::wire::topics::server_hears;
use std::fmt;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

const PACKET_OVERHEAD: usize = 8 * 1024;
/// Messages handed over and not yet sent.
const OUTGOING_QUEUE: usize = 4096;
/// Messages received and not yet taken; when they are that many, the broker has to wait.
const INCOMING_QUEUE: usize = 1024;
/// Messages sent and not yet confirmed.
const IN_FLIGHT: u16 = 200;
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT_SECONDS: u64 = 10;
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A connection that lasted this long counts as good: the next pause is a short one again.
const GOOD_CONNECTION: Duration = Duration::from_secs(30);

/// Where the broker is and how to be let in.
#[derive(Clone)]
pub struct MqttTarget {
    /// `mqtt://host:port` or `mqtts://host:port`; without port 1883 or 8883. Without user name and password.
    pub url: String,
    /// Unique on this broker: of two clients with one id, the broker drops the older.
    pub client_id: String,
    /// The user name on the broker.
    pub username: String,
    /// The password on the broker.
    pub password: String,
    /// How the broker is known; only asked for with `mqtts`.
    pub trust: Trust,
}

impl fmt::Debug for MqttTarget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MqttTarget")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

/// The target makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not an address of a broker.
    #[error("`{0}` is not a broker's address: write mqtt://host:port or mqtts://host:port")]
    Url(String),
    /// The address carries credentials, and addresses get logged.
    #[error("the broker's address must not carry a user name or password: set them on their own")]
    Credentials,
    /// TLS could not be set up.
    #[error("cannot set up TLS to the broker")]
    Tls(#[source] TlsError),
}

/// What comes over the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Connected and subscribed; nothing published before is still under way.
    Connected,
    /// The connection is gone or could not be made, for this reason; the link tries again for ever.
    Disconnected(String),
    /// A message; can come twice, and a retained one can come before [`Incoming::Connected`].
    Message { topic: String, payload: Vec<u8> },
}

/// A message was not accepted for publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// There is no connection.
    #[error("not connected to the broker: publish again once connected")]
    Offline,
    /// The broker does not take messages as fast as they come.
    #[error("too many messages wait for the broker: publish again later")]
    Full,
    /// No broker would carry it.
    #[error("a message of {0} bytes is too large to publish")]
    TooLarge(usize),
    /// Wildcards or an empty topic.
    #[error("not a topic that can be published to")]
    Topic,
}

/// Publishes over the link; clones share it.
#[derive(Clone, Default)]
pub struct LinkHandle {
    client: Arc<RwLock<Option<AsyncClient>>>,
}

impl LinkHandle {
    /// Hands a message over for sending at least once (`QoS` 1). Never waits. Ok means neither received nor permitted.
    pub fn publish(&self, topic: &str, payload: Vec<u8>, retain: bool) -> Result<(), PublishError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(PublishError::TooLarge(payload.len()));
        }
        if topic.is_empty() || !valid_topic(topic) {
            return Err(PublishError::Topic);
        }
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        let client = client.as_ref().ok_or(PublishError::Offline)?;
        client
            .try_publish(topic, QoS::AtLeastOnce, retain, payload)
            .map_err(|_| PublishError::Full)
    }

    /// Whether messages are accepted just now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    fn set(&self, client: Option<AsyncClient>) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

/// Starts the link of an organisation; `jitter` gives random numbers, for the pauses between attempts.
/// It ends when the receiver is dropped, and stands still while nobody reads from a full receiver.
pub fn connect(
    target: &MqttTarget,
    organisation: &OrganisationId,
    jitter: impl FnMut() -> u32 + Send + 'static,
) -> Result<(LinkHandle, mpsc::Receiver<Incoming>), TargetError> {
    let options = options(target)?;
    let link = LinkHandle::default();
    let (incoming, received) = mpsc::channel(INCOMING_QUEUE);
    let line = Line {
        options,
        filters: server_hears(organisation),
    };
    tokio::spawn(keep_connected(line, link.clone(), incoming, jitter));
    Ok((link, received))
}

fn options(target: &MqttTarget) -> Result<MqttOptions, TargetError> {
    let (encrypted, host, port) = parse(&target.url)?;
    let mut options = MqttOptions::new(&target.client_id, host, port);
    if encrypted {
        install_crypto();
        let config = target.trust.client_config().map_err(TargetError::Tls)?;
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(
            Arc::new(config),
        )));
    }
    options
        .set_credentials(&target.username, &target.password)
        .set_clean_session(true)
        .set_keep_alive(KEEP_ALIVE)
        .set_inflight(IN_FLIGHT)
        .set_max_packet_size(MAX_PAYLOAD + PACKET_OVERHEAD, MAX_PAYLOAD + PACKET_OVERHEAD);
    Ok(options)
}

fn parse(url: &str) -> Result<(bool, String, u16), TargetError> {
    let wrong = || TargetError::Url(url.to_owned());
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(TargetError::Credentials);
    }
    let (encrypted, usual_port) = match parsed.scheme() {
        "mqtt" => (false, 1883),
        "mqtts" => (true, 8883),
        _ => return Err(wrong()),
    };
    let bare = matches!(parsed.path(), "" | "/")
        && parsed.query().is_none()
        && parsed.fragment().is_none();
    let host = parsed
        .host_str()
        .filter(|host| bare && !host.is_empty())
        .ok_or_else(wrong)?;
    Ok((
        encrypted,
        host.to_owned(),
        parsed.port().unwrap_or(usual_port),
    ))
}

/// Why a connection ended, or why there is none.
#[derive(Debug, thiserror::Error)]
enum Loss {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(
        "the broker refused the subscription to {0}: give the server's user permission to read it"
    )]
    Refused(String),
    #[error("the broker did not answer all subscriptions")]
    Unanswered,
    #[error("the link was closed")]
    Closed,
}

/// How to connect, and what to hear.
struct Line {
    options: MqttOptions,
    filters: Vec<String>,
}

async fn keep_connected(
    line: Line,
    link: LinkHandle,
    incoming: mpsc::Sender<Incoming>,
    mut jitter: impl FnMut() -> u32,
) {
    let mut failures = 0;
    loop {
        let mut connection = pin!(carry(&line, &link, &incoming));
        let (loss, lasted) = match timeout(GOOD_CONNECTION, &mut connection).await {
            Ok(loss) => (loss, false),
            Err(_) => (connection.await, true),
        };
        link.set(None);
        tracing::warn!(broker = %line.options.broker_address().0, reason = %loss, "no connection to the broker");
        if incoming
            .send(Incoming::Disconnected(loss.to_string()))
            .await
            .is_err()
        {
            return;
        }
        failures = if lasted { 1 } else { failures + 1 };
        if timeout(pause(failures, jitter()), incoming.closed())
            .await
            .is_ok()
        {
            return;
        }
    }
}

/// Runs one connection from connecting to its end.
async fn carry(line: &Line, link: &LinkHandle, incoming: &mpsc::Sender<Incoming>) -> Loss {
    // Made anew each time: the crate's event loop carries confirmations and collisions over into its next connection.
    let (client, mut events) = AsyncClient::new(line.options.clone(), OUTGOING_QUEUE);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_TIMEOUT_SECONDS);
    events.set_network_options(network);
    let filter = |filter: &String| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce);
    let filters = line.filters.iter().map(filter);
    // Waits in the empty queue as the first packet after the connection is made.
    if client.try_subscribe_many(filters).is_err() {
        return Loss::Unanswered;
    }
    let mut client = Some(client);
    loop {
        let polled = tokio::select! {
            polled = events.poll() => polled,
            () = incoming.closed() => return Loss::Closed,
        };
        let handled = match polled {
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let payload = publish.payload.into();
                pass_on(
                    incoming,
                    Incoming::Message {
                        topic: publish.topic,
                        payload,
                    },
                )
                .await
            }
            Ok(Event::Incoming(Packet::SubAck(answer))) => match refused(&line.filters, &answer) {
                Some(loss) => ControlFlow::Break(loss),
                None => {
                    link.set(client.take());
                    pass_on(incoming, Incoming::Connected).await
                }
            },
            Ok(Event::Incoming(_) | Event::Outgoing(_)) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error.into()),
        };
        if let ControlFlow::Break(loss) = handled {
            return loss;
        }
    }
}

async fn pass_on(incoming: &mpsc::Sender<Incoming>, item: Incoming) -> ControlFlow<Loss> {
    match incoming.send(item).await {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(Loss::Closed),
    }
}

fn refused(filters: &[String], answer: &SubAck) -> Option<Loss> {
    if answer.return_codes.len() != filters.len() {
        return Some(Loss::Unanswered);
    }
    let mut answers = filters.iter().zip(&answer.return_codes);
    let (filter, _) = answers.find(|(_, code)| **code == SubscribeReasonCode::Failure)?;
    Some(Loss::Refused(filter.clone()))
}

/// The pause before the next attempt: doubling, and for a random part of up to half shorter, so that many do not come at once.
fn pause(failures: u32, randomness: u32) -> Duration {
    let doubled = SHORTEST_PAUSE.saturating_mul(
        1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX),
    );
    let longest = doubled.min(LONGEST_PAUSE);
    longest - longest.mul_f64(0.5 * f64::from(randomness) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brokers_address_is_read_and_anything_else_refused() {
        assert_eq!(
            parse("mqtt://127.0.0.1:1884").expect("good"),
            (false, "127.0.0.1".to_owned(), 1884)
        );
        assert_eq!(
            parse("mqtts://broker.example").expect("good"),
            (true, "broker.example".to_owned(), 8883)
        );
        assert_eq!(
            parse("mqtt://[::1]:1").expect("good"),
            (false, "[::1]".to_owned(), 1)
        );
        for bad in [
            "",
            "broker.example:1883",
            "http://broker.example",
            "mqtt://",
            "mqtt://b/topic",
            "mqtt://b?x=1",
        ] {
            assert!(matches!(parse(bad), Err(TargetError::Url(_))), "{bad}");
        }
        assert!(matches!(
            parse("mqtt://user:secret@b"),
            Err(TargetError::Credentials)
        ));
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_are_shortened_by_at_most_half() {
        assert_eq!(pause(1, 0), SHORTEST_PAUSE);
        assert_eq!(pause(1, u32::MAX), SHORTEST_PAUSE / 2);
        assert_eq!(pause(3, 0), SHORTEST_PAUSE * 4);
        assert_eq!(pause(60, 0), LONGEST_PAUSE);
        assert_eq!(pause(60, u32::MAX), LONGEST_PAUSE / 2);
    }

    #[test]
    fn a_target_does_not_show_its_password() {
        let target = MqttTarget {
            url: "mqtt://b".to_owned(),
            client_id: "server".to_owned(),
            username: "server".to_owned(),
            password: "open sesame".to_owned(),
            trust: Trust::SystemRoots,
        };
        assert!(!format!("{target:?}").contains("sesame"));
    }
}
