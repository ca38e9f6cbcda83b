//! The whole server put together: database, broker, link, drivers and HTTP.

use crate::app::{App, Billing};
use crate::clock::Clock;
use crate::doors::broker::{self, AgentAccess, SERVER_USER, TlsSettings};
use crate::doors::mqtt::{self, MqttTarget, Trust};
use crate::doors::tls::{BrokerIdentity, KeyPin, install_crypto};
use crate::drive::{self, Bells};
use crate::keys::Keys;
use crate::random;
use crate::store::Store;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::ids::OrganisationId;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What a server is started with.
#[derive(Clone)]
pub struct Settings {
    /// The database's address.
    pub database: String,
    /// Where keys and the broker's files lie.
    pub data_dir: PathBuf,
    /// Where HTTP is answered; port 0 takes any.
    pub listen: SocketAddr,
    /// Whose server it is.
    pub organisation: OrganisationId,
    /// Stripe.
    pub billing: Billing,
    /// The broker.
    pub broker: BrokerSettings,
    /// SHA-256 of the admin token.
    pub admin_token: [u8; 32],
    /// What time it is.
    pub clock: Clock,
}

/// Which broker doors and server meet at.
#[derive(Clone)]
pub enum BrokerSettings {
    /// Our own, inside this process.
    Embedded {
        /// Plain, on loopback only.
        loopback: SocketAddr,
        /// With TLS, anywhere.
        tls: Option<SocketAddr>,
        /// The address that agents are told; none: the listener's own.
        public: Option<String>,
    },
    /// Somebody else's.
    External(MqttTarget),
}

/// How agents reach the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// `mqtt://` or `mqtts://`.
    pub url: String,
    /// The key it must have; none where a public authority vouches for it.
    pub pin: Option<KeyPin>,
}

/// A server at work; it ends when this is dropped.
pub struct Running {
    /// Where HTTP is answered.
    pub http: SocketAddr,
    /// Where agents find the broker.
    pub broker: BrokerAddress,
    /// The steps.
    pub app: Arc<App>,
    /// What wakes the drivers.
    pub bells: Bells,
    embedded: Option<broker::Running>,
    drivers: JoinSet<()>,
}

/// Starts a server.
pub async fn serve(settings: Settings) -> anyhow::Result<Running> {
    install_crypto();
    let mut random = random::system();
    let keys_dir = settings.data_dir.join("keys");
    let keys = Keys::load_or_create(&keys_dir, &settings.organisation, &mut random)?;
    let store = Store::open(&settings.database)
        .await
        .context("cannot open the database")?;
    let now = (settings.clock)();
    let app = App::new(
        store,
        keys,
        settings.organisation,
        settings.billing,
        random,
        now,
    )
    .await?;
    let app = Arc::new(app);
    let (bells, ends) = Bells::new(settings.clock.clone());
    let meeting = meet(settings.broker, &settings.data_dir, &app).await?;
    let jitter = {
        let app = app.clone();
        move || app.with_random(|random| random.next_u32())
    };
    let link = mqtt::connect(&meeting.target, jitter)?;
    let mut drivers = drive::start(&app, &bells, ends, link, meeting.access);
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: is another server running there?",
            settings.listen
        )
    })?;
    let http = listener.local_addr()?;
    let state = crate::web::State::with_clock(
        app.clone(),
        bells.clone(),
        meeting.address.clone(),
        settings.admin_token,
        move || (settings.clock)(),
    );
    let router = crate::web::router(state);
    drivers.spawn(async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "HTTP has ended");
        }
    });
    Ok(Running {
        http,
        broker: meeting.address,
        app,
        bells,
        embedded: meeting.embedded,
        drivers,
    })
}

impl Running {
    /// Waits until a driver ends, which none should.
    pub async fn wait(&mut self) {
        drop(self.drivers.join_next().await);
    }

    /// Ends every driver, closes the broker and the database.
    pub async fn stop(mut self) {
        self.drivers.shutdown().await;
        if let Some(broker) = self.embedded.take() {
            broker.stop().await;
        }
        self.app.store.close().await;
    }
}

struct Meeting {
    target: MqttTarget,
    address: BrokerAddress,
    access: Option<Arc<AgentAccess>>,
    embedded: Option<broker::Running>,
}

async fn meet(
    settings: BrokerSettings,
    data_dir: &std::path::Path,
    app: &App,
) -> anyhow::Result<Meeting> {
    let (loopback, tls, public) = match settings {
        BrokerSettings::Embedded {
            loopback,
            tls,
            public,
        } => (loopback, tls, public),
        BrokerSettings::External(target) => {
            let pin = match target.trust {
                Trust::PinnedKey(pin) => Some(pin),
                Trust::SystemRoots => None,
            };
            let address = BrokerAddress {
                url: target.url.clone(),
                pin,
            };
            return Ok(Meeting {
                target,
                address,
                access: None,
                embedded: None,
            });
        }
    };
    let identity = BrokerIdentity::load_or_create(&data_dir.join("keys"))?;
    let mut secret = [0; 32];
    app.with_random(|random| random.fill_bytes(&mut secret));
    let password = URL_SAFE_NO_PAD.encode(secret);
    let access = Arc::new(AgentAccess::new(password.as_bytes()));
    access.replace(crate::doors::access_table::read(app).await?);
    let tls = tls.map(|address| TlsSettings {
        address,
        certificate: identity.certificate.clone(),
        key: identity.key.clone(),
    });
    let embedded = broker::start(
        broker::Settings {
            loopback: Some(loopback),
            tls,
        },
        access.clone(),
    )
    .await?;
    let plain = embedded
        .loopback()
        .context("the broker has no plain listener")?;
    let address = match embedded.tls() {
        Some(tls) => BrokerAddress {
            url: public.unwrap_or_else(|| format!("mqtts://{tls}")),
            pin: Some(identity.pin()),
        },
        None => BrokerAddress {
            url: format!("mqtt://{plain}"),
            pin: None,
        },
    };
    let target = MqttTarget {
        url: format!("mqtt://{plain}"),
        client_id: format!("server-{}", app.name),
        username: SERVER_USER.to_owned(),
        password,
        trust: Trust::SystemRoots,
    };
    Ok(Meeting {
        target,
        address,
        access: Some(access),
        embedded: Some(embedded),
    })
}
