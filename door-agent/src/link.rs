//! The link to the broker: what comes and what goes, over two channels; nothing outside this file knows the MQTT crate.
//!
//! It connects for ever. What was handed over and not confirmed when a connection broke is forgotten: the agent sends
//! what still matters again at [`Incoming::Connected`].

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    NetworkOptions, Packet, Publish, QoS, SubscribeFilter, SubscribeReasonCode, TlsConfiguration,
    Transport,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub use tls::TlsError;

mod tls;

/// Room for the largest message, its topic and its header, in bytes.
const MAX_PACKET: usize = shared::wire::envelope::MAX_BYTES + 8 * 1024;
/// Messages handed over and not yet sent.
const OUTGOING: usize = 1024;
/// Messages received and not yet taken; when they are that many, the broker has to wait.
const INCOMING: usize = 256;
const IN_FLIGHT: u16 = 64;
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const CONNECT_SECONDS: u64 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A connection that lasted so long was a good one: the next pause is a short one again.
const GOOD: Duration = Duration::from_secs(30);

/// Where the broker is, and how the agent is let in.
#[derive(Clone)]
pub struct Target {
    /// `mqtt://host:port` or `mqtts://host:port`; the pairing says which.
    pub url: String,
    /// The agent's name: client id and user name alike.
    pub agent: String,
    /// The password on the broker.
    pub password: String,
    /// SHA-256 of the broker's public key; none: a certificate of the system's authorities.
    pub pin: Option<[u8; 32]>,
}

/// The broker's address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not an address of a broker.
    #[error(
        "the pairing names `{0}` as the broker, which is no mqtt:// or mqtts:// address: pair this agent again"
    )]
    Url(String),
    /// TLS could not be set up.
    #[error("cannot set up TLS to the broker")]
    Tls(#[source] TlsError),
}

/// A message for the broker, or from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// In full.
    pub topic: String,
    /// As it is.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it for those who come later.
    pub retain: bool,
}

/// What comes over the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// Connected; nothing is subscribed, and nothing sent before is under way.
    Connected,
    /// There is no connection, for this reason.
    Disconnected(String),
    /// A message; it may come twice.
    Message(Message),
}

/// What goes over the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A message, at least once (`QoS` 1) while the connection lasts.
    Publish(Message),
    /// Exact topics from which messages are wanted.
    Subscribe(Vec<String>),
    /// Topics that no longer matter.
    Unsubscribe(Vec<String>),
}

/// Both ends of a link.
pub struct Link {
    /// What goes; it may be dropped to end the link, after what was sent before.
    pub outgoing: mpsc::Sender<Outgoing>,
    /// What comes.
    pub incoming: mpsc::Receiver<Incoming>,
}

/// Starts the link on the current runtime; the broker publishes the will when the link breaks. `jitter` gives random
/// numbers for the pauses between attempts, so that not all agents come at once.
pub fn connect(
    target: &Target,
    will: Option<Message>,
    jitter: impl FnMut() -> u32 + Send + 'static,
) -> Result<Link, TargetError> {
    let options = options(target, will)?;
    let (outgoing, from_agent) = mpsc::channel(OUTGOING);
    let (to_agent, incoming) = mpsc::channel(INCOMING);
    tokio::spawn(keep_connected(options, from_agent, to_agent, jitter));
    Ok(Link { outgoing, incoming })
}

/// Connects once and says whether the broker lets the agent in; ends the connection of a running agent of that name.
pub async fn probe(target: &Target) -> Result<(), ProbeError> {
    let (_client, mut events) = open(options(target, None).map_err(ProbeError::Target)?);
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) = events
            .poll()
            .await
            .map_err(|error| ProbeError::Connect(error.into()))?
        {
            return Ok(());
        }
    }
}

/// The broker was not reached.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Its address cannot be used.
    #[error("the broker's address cannot be used")]
    Target(#[source] TargetError),
    /// It does not answer, or lets nobody in.
    #[error("the broker cannot be reached")]
    Connect(#[source] Loss),
}

/// Why a connection ended, or why there is none.
#[derive(Debug, thiserror::Error)]
pub enum Loss {
    /// The broker knows the agent no more.
    #[error("the broker does not let this agent in: if it was not revoked, pair it again")]
    Refused,
    /// Anything between here and there.
    #[error("{0}")]
    Connection(Box<ConnectionError>),
    /// The agent ends.
    #[error("the link was closed")]
    Closed,
}

impl From<ConnectionError> for Loss {
    fn from(error: ConnectionError) -> Self {
        if let ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) = error
        {
            return Self::Refused;
        }
        Self::Connection(Box::new(error))
    }
}

fn options(target: &Target, will: Option<Message>) -> Result<MqttOptions, TargetError> {
    let (encrypted, host, port) =
        address(&target.url).ok_or_else(|| TargetError::Url(target.url.clone()))?;
    let mut options = MqttOptions::new(&target.agent, host, port);
    if encrypted {
        let config = tls::config(target.pin).map_err(TargetError::Tls)?;
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(
            Arc::new(config),
        )));
    }
    if let Some(will) = will {
        options.set_last_will(LastWill::new(
            will.topic,
            will.payload,
            QoS::AtLeastOnce,
            will.retain,
        ));
    }
    options
        .set_credentials(&target.agent, &target.password)
        .set_clean_session(true)
        .set_keep_alive(KEEP_ALIVE)
        .set_inflight(IN_FLIGHT)
        .set_max_packet_size(MAX_PACKET, MAX_PACKET);
    Ok(options)
}

/// Whether to encrypt, the host and the port.
fn address(url: &str) -> Option<(bool, String, u16)> {
    let parsed = reqwest::Url::parse(url).ok()?;
    let (encrypted, usual_port) = match parsed.scheme() {
        "mqtt" => (false, 1883),
        "mqtts" => (true, 8883),
        _ => return None,
    };
    let host = parsed.host_str().filter(|host| !host.is_empty())?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((
        encrypted,
        host.to_owned(),
        parsed.port().unwrap_or(usual_port),
    ))
}

fn open(options: MqttOptions) -> (AsyncClient, EventLoop) {
    let (client, mut events) = AsyncClient::new(options, OUTGOING);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_SECONDS);
    events.set_network_options(network);
    (client, events)
}

async fn keep_connected(
    options: MqttOptions,
    mut from_agent: mpsc::Receiver<Outgoing>,
    to_agent: mpsc::Sender<Incoming>,
    mut jitter: impl FnMut() -> u32,
) {
    let mut failures = 0;
    loop {
        let mut connection = Box::pin(carry(&options, &mut from_agent, &to_agent));
        let (loss, good) = match timeout(GOOD, &mut connection).await {
            Ok(loss) => (loss, false),
            Err(_) => (connection.as_mut().await, true),
        };
        drop(connection);
        if matches!(loss, Loss::Closed)
            || to_agent
                .send(Incoming::Disconnected(loss.to_string()))
                .await
                .is_err()
        {
            return;
        }
        failures = if good { 1 } else { failures + 1 };
        // What the agent still hands over is for the connection that broke.
        let pause = timeout(pause(failures, jitter()), async {
            while from_agent.recv().await.is_some() {}
        });
        if pause.await.is_ok() {
            return;
        }
    }
}

/// Runs one connection from connecting to its end.
async fn carry(
    options: &MqttOptions,
    from_agent: &mut mpsc::Receiver<Outgoing>,
    to_agent: &mpsc::Sender<Incoming>,
) -> Loss {
    // Made anew each time: the crate's event loop would carry what is unconfirmed over into its next connection.
    let (client, mut events) = open(options.clone());
    let mut asked: Vec<String> = Vec::new();
    loop {
        let item = tokio::select! {
            event = events.poll() => match event {
                Ok(event) => heard(event, &asked),
                Err(error) => return error.into(),
            },
            outgoing = from_agent.recv() => match outgoing {
                Some(outgoing) => {
                    send(&client, outgoing, &mut asked);
                    None
                }
                None => {
                    return finish(&client, &mut events).await;
                }
            },
        };
        if let Some(item) = item
            && to_agent.send(item).await.is_err()
        {
            return Loss::Closed;
        }
    }
}

fn heard(event: Event, asked: &[String]) -> Option<Incoming> {
    match event {
        Event::Incoming(Packet::ConnAck(_)) => Some(Incoming::Connected),
        Event::Incoming(Packet::Publish(Publish {
            topic,
            payload,
            retain,
            ..
        })) => Some(Incoming::Message(Message {
            topic,
            payload: payload.into(),
            retain,
        })),
        Event::Incoming(Packet::SubAck(answer)) => {
            if answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                tracing::warn!(topics = ?asked, "the broker refused some subscriptions: is this agent still paired?");
            }
            None
        }
        Event::Incoming(_) | Event::Outgoing(_) => None,
    }
}

/// Hands a message to the crate without waiting: the task that polls the connection must never wait for it.
fn send(client: &AsyncClient, outgoing: Outgoing, asked: &mut Vec<String>) {
    let sent = match outgoing {
        Outgoing::Publish(Message {
            topic,
            payload,
            retain,
        }) => client.try_publish(topic, QoS::AtLeastOnce, retain, payload),
        Outgoing::Subscribe(topics) => {
            asked.clone_from(&topics);
            client.try_subscribe_many(
                topics
                    .into_iter()
                    .map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce)),
            )
        }
        Outgoing::Unsubscribe(topics) => topics
            .into_iter()
            .try_for_each(|topic| client.try_unsubscribe(topic)),
    };
    if let Err(error) = sent {
        tracing::warn!(reason = %error, "a message for the broker was dropped; it is sent again later");
    }
}

/// Sends what was handed over, says good-bye and gives that a moment.
async fn finish(client: &AsyncClient, events: &mut EventLoop) -> Loss {
    const GOOD_BYE: Duration = Duration::from_millis(500);
    if client.try_disconnect().is_ok() {
        // Only the time is limited; the broker ends the connection, which is an error to the crate.
        drop(timeout(GOOD_BYE, async { while events.poll().await.is_ok() {} }).await);
    }
    Loss::Closed
}

/// Doubling, and for a random part of up to half shorter.
fn pause(failures: u32, randomness: u32) -> Duration {
    let factor = 1_u32
        .checked_shl(failures.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let longest = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
    longest - longest.mul_f64(0.5 * f64::from(randomness) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_brokers_are_addresses() {
        assert_eq!(
            address("mqtt://127.0.0.1"),
            Some((false, "127.0.0.1".to_owned(), 1883))
        );
        assert_eq!(
            address("mqtts://club.example:9000"),
            Some((true, "club.example".to_owned(), 9000))
        );
        assert_eq!(
            address("mqtts://[::1]"),
            Some((true, "::1".to_owned(), 8883))
        );
        for text in ["", "club.example", "http://club.example", "mqtt://"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_are_never_less_than_half() {
        assert_eq!(pause(1, 0), FIRST_PAUSE);
        assert_eq!(pause(2, u32::MAX), FIRST_PAUSE);
        assert_eq!(pause(40, 0), LONGEST_PAUSE);
        assert_eq!(pause(4_000, u32::MAX), LONGEST_PAUSE / 2);
    }
}
