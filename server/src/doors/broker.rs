//! The embedded MQTT broker: plain on loopback, TLS everywhere else, nobody without a password.
//!
//! Parsing, sessions and routing are the crate `mqtt5`'s. Listening is our own: a peer that never finishes its TLS
//! handshake must not keep others waiting, and a session must end when what it rests on is withdrawn.

pub use super::access::{Access, AgentAccess, AgentGrant, SERVER_USER, WATCHER_USER, Watcher};
use super::gate::Gate;
use super::tls::install_crypto;
use mqtt5::broker::auth::AuthProvider;
use mqtt5::broker::client_handler::ClientHandler;
use mqtt5::broker::config::BrokerConfig;
use mqtt5::broker::resource_monitor::{ResourceLimits, ResourceMonitor};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::storage::QueueLimits;
use mqtt5::broker::sys_topics::BrokerStats;
use mqtt5::broker::tls_acceptor::{TlsAcceptorConfig, TlsStreamWrapper};
use mqtt5::broker::transport::BrokerTransport;
use mqtt5::{MqttError, Result as MqttResult};
use std::future::{Future, ready};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// The largest message that passes, in bytes.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// What a packet needs beside its payload: topic, properties, header.
const PACKET_OVERHEAD: usize = 1024;
/// Connections per listener; more are closed as soon as they come.
const MAX_CONNECTIONS: usize = 1024;
/// Messages waiting for one slow client before the publisher is made to wait, and then the oldest are dropped.
const MAX_WAITING_MESSAGES: usize = 1024;
/// Bytes waiting for one slow client beyond those.
const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a session that must end may take to say goodbye before it is dropped.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);
/// Accepting fails when the process is out of file descriptors; this leaves it time to get some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where the broker listens.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Without encryption; must be a loopback address. Port 0 takes a free one.
    pub loopback: Option<SocketAddr>,
    /// With TLS, on any address. Port 0 takes a free one.
    pub tls: Option<TlsSettings>,
}

/// The TLS listener.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// The address to listen on.
    pub address: SocketAddr,
    /// PEM file of the certificate.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// The broker could not be started.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Neither listener is set.
    #[error(
        "the embedded broker has no address to listen on: set one, or set MQTT_URL to use another broker"
    )]
    NoListener,
    /// The plain listener would be reachable from outside.
    #[error(
        "the embedded broker refuses to listen on {0} without TLS: use a loopback address, or the TLS listener"
    )]
    NotLoopback(SocketAddr),
    /// An address could not be listened on.
    #[error(
        "the embedded broker cannot listen on {address}: see whether another program uses the port"
    )]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    /// The certificate or its key is missing, broken, or one does not belong to the other.
    #[error("the embedded broker cannot use the certificate {certificate} with the key {key}")]
    Certificate {
        certificate: PathBuf,
        key: PathBuf,
        source: MqttError,
    },
}

/// A broker at work; it stops when this is dropped, and [`Running::stop`] also waits for it.
pub struct Running {
    loopback: Option<SocketAddr>,
    tls: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
}

impl Running {
    /// The plain listener's address, with its real port.
    #[must_use]
    pub fn loopback(&self) -> Option<SocketAddr> {
        self.loopback
    }

    /// The TLS listener's address, with its real port.
    #[must_use]
    pub fn tls(&self) -> Option<SocketAddr> {
        self.tls
    }

    /// Closes the listeners and every session; when it returns, the ports are free.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for listener in self.listeners {
            if let Err(error) = listener.await {
                tracing::error!(%error, "a listener of the broker had died");
            }
        }
    }
}

/// Starts the broker; retained messages and sessions live in memory only.
pub async fn start(settings: Settings, access: Arc<dyn Access>) -> Result<Running, BrokerError> {
    let plain = match settings.loopback {
        None => None,
        Some(address) if address.ip().is_loopback() => Some(bind(address).await?),
        Some(address) => return Err(BrokerError::NotLoopback(address)),
    };
    let encrypted = match settings.tls {
        None => None,
        Some(tls) => {
            let opening = tls_opening(&tls.certificate, &tls.key)
                .await
                .map_err(|source| BrokerError::Certificate {
                    certificate: tls.certificate.clone(),
                    key: tls.key.clone(),
                    source,
                })?;
            Some((bind(tls.address).await?, opening))
        }
    };
    let running = Running {
        loopback: plain.as_ref().map(|(_, address)| *address),
        tls: encrypted.as_ref().map(|((_, address), _)| *address),
        stop: watch::Sender::new(false),
        listeners: Vec::new(),
    };
    if running.loopback.is_none() && running.tls.is_none() {
        return Err(BrokerError::NoListener);
    }
    let core = Core::new(access);
    let plain = plain.map(|(listener, _)| (listener, plain_opening()));
    let encrypted = encrypted.map(|((listener, _), opening)| (listener, opening));
    let listeners = plain
        .into_iter()
        .chain(encrypted)
        .map(|(listener, opening)| {
            tokio::spawn(listen(
                listener,
                opening,
                core.clone(),
                running.stop.subscribe(),
            ))
        })
        .collect();
    Ok(Running {
        listeners,
        ..running
    })
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BrokerError> {
    let failed = |source| BrokerError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let real = listener.local_addr().map_err(failed)?;
    Ok((listener, real))
}

/// Turns an accepted socket into what the protocol runs over.
type Opening = Arc<
    dyn Fn(TcpStream) -> Pin<Box<dyn Future<Output = MqttResult<BrokerTransport>> + Send>>
        + Send
        + Sync,
>;

fn plain_opening() -> Opening {
    Arc::new(|stream| Box::pin(ready(Ok(BrokerTransport::tcp(stream)))))
}

async fn tls_opening(certificate: &Path, key: &Path) -> MqttResult<Opening> {
    install_crypto();
    let chain = TlsAcceptorConfig::load_cert_chain_from_file(certificate).await?;
    let key = TlsAcceptorConfig::load_private_key_from_file(key).await?;
    let acceptor = TlsAcceptorConfig::new(chain, key).build_acceptor()?;
    Ok(Arc::new(move |stream| {
        let handshake = acceptor.accept(stream);
        Box::pin(async move {
            Ok(BrokerTransport::tls(TlsStreamWrapper::new(
                handshake.await?,
            )))
        })
    }))
}

/// What all connections share.
#[derive(Clone)]
struct Core {
    config: Arc<BrokerConfig>,
    router: Arc<MessageRouter>,
    stats: Arc<BrokerStats>,
    monitor: Arc<ResourceMonitor>,
    access: Arc<dyn Access>,
}

impl Core {
    fn new(access: Arc<dyn Access>) -> Self {
        let mut config = BrokerConfig::default()
            .with_max_packet_size(MAX_PAYLOAD + PACKET_OVERHEAD)
            .with_maximum_qos(1)
            .with_client_channel_capacity(MAX_WAITING_MESSAGES);
        config.topic_alias_maximum = 0;
        config.shared_subscription_available = false;
        let limits = QueueLimits {
            max_messages: MAX_WAITING_MESSAGES,
            max_bytes: MAX_WAITING_BYTES,
        };
        let unlimited = ResourceLimits {
            max_message_rate_per_client: 0,
            max_bandwidth_per_client: 0,
            ..Default::default()
        };
        Self {
            config: Arc::new(config),
            router: Arc::new(MessageRouter::new().with_fallback_queue_limits(limits)),
            stats: Arc::new(BrokerStats::new()),
            monitor: Arc::new(ResourceMonitor::new(unlimited)),
            access,
        }
    }
}

async fn listen(
    listener: TcpListener,
    opening: Opening,
    core: Core,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < MAX_CONNECTIONS => {
                    connections.spawn(connection(stream, peer, Arc::clone(&opening), core.clone(), stop.clone()));
                }
                Ok((_, peer)) => tracing::warn!(%peer, "the broker has too many connections; refused one more"),
                Err(error) => {
                    tracing::warn!(%error, "the broker cannot accept connections just now");
                    if timeout(ACCEPT_PAUSE, stop.changed()).await.is_ok() {
                        break;
                    }
                }
            }
        }
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        log_panic(ended);
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection of the broker died");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    opening: Opening,
    core: Core,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "messages to this peer may be delayed by up to 40 ms");
    }
    let opened = tokio::select! {
        opened = timeout(TLS_HANDSHAKE_TIMEOUT, opening(stream)) => opened,
        _ = stop.changed() => return,
    };
    let transport = match opened {
        Ok(Ok(transport)) => transport,
        Ok(Err(error)) => {
            return tracing::info!(%peer, %error, "a TLS handshake with the broker failed");
        }
        Err(_) => return tracing::info!(%peer, "a TLS handshake with the broker took too long"),
    };
    let gate = Arc::new(Gate::new(Arc::clone(&core.access)));
    let (goodbye, told) = broadcast::channel(1);
    let handler = ClientHandler::new(
        transport,
        peer,
        core.config,
        Arc::clone(&core.router),
        Arc::clone(&gate) as Arc<dyn AuthProvider>,
        None,
        core.stats,
        core.monitor,
        told,
    );
    let mut session = pin!(handler.run());
    tokio::select! {
        ended = &mut session => return log_end(peer, &gate, ended),
        () = gate.withdrawn() => tracing::info!(%peer, client = gate.client_id(), "grant changed or withdrawn; session closed"),
        _ = stop.changed() => {}
    }
    // Fails only if the handler is gone already, which is what it asks for.
    drop(goodbye.send(()));
    if timeout(GOODBYE_TIMEOUT, session).await.is_err() {
        core.router.unregister_client(gate.client_id()).await;
    }
}

fn log_end(peer: SocketAddr, gate: &Gate, ended: MqttResult<()>) {
    if let Err(error) = ended
        && !error.is_normal_disconnect()
    {
        tracing::info!(%peer, client = gate.client_id(), %error, "a session on the broker ended");
    }
}
