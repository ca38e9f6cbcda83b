//! The whole server put together: database, broker, link, drivers and HTTP.

use crate::app::{App, AuditCopy, Billing};
use crate::clock::Clock;
use crate::doors::access_table;
use crate::doors::broker::{self, AgentAccess, SERVER_USER, TlsSettings, Watcher};
use crate::doors::mqtt::{self, MqttTarget, Trust};
use crate::doors::tls::{BrokerIdentity, KeyPin, install_crypto};
use crate::drive::{self, Bells};
use crate::keys::Keys;
use crate::mail::post::{self, Post};
use crate::oidc::provider::{self, Provider};
use crate::random;
use crate::store::Store;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
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
    /// Below which prefix Home Assistant is told of the doors; none: it is not told.
    pub home_assistant: Option<String>,
    /// How letters are sent.
    pub mail: post::Settings,
    /// The OpenID provider at which people with rights may sign in.
    pub provider: Option<provider::Settings>,
    /// For how many days browsers are told to come by https only.
    pub hsts_days: Option<u32>,
    /// Where lines of the audit log go beside the database.
    pub audit_copy: Option<AuditCopy>,
    /// The address people use, without a slash at its end; none: where HTTP is answered.
    pub public_url: Option<String>,
    /// SHA-256 of the admin token.
    pub admin_token: [u8; 32],
    /// Organisations beside the first one, whose Stripe accounts are connected to the platform; each is served under
    /// `/o/` and its name.
    pub connected: Vec<Connected>,
    /// What time it is.
    pub clock: Clock,
}

/// An organisation of its own, with its own members, doors, keys and admin.
#[derive(Clone)]
pub struct Connected {
    /// Its name.
    pub organisation: OrganisationId,
    /// Stripe, for its account.
    pub billing: Billing,
    /// SHA-256 of its admin token.
    pub admin_token: [u8; 32],
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
        /// The password of whoever may look at the doors' status.
        watcher: Option<String>,
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
    let store = Store::open(&settings.database)
        .await
        .context("cannot open the database")?;
    let first = Connected {
        organisation: settings.organisation,
        billing: settings.billing,
        admin_token: settings.admin_token,
    };
    let keys_dir = settings.data_dir.join("keys");
    let now = (settings.clock)();
    let address = match &settings.public_url {
        Some(address) => address.clone(),
        None => format!("http://{}", settings.listen),
    };
    let provider = settings.provider.map(Provider::new).transpose();
    let provider = provider.context("the HTTP client for the OpenID provider cannot be set up")?;
    let provider = provider.map(Arc::new);
    let mut apps = Vec::new();
    let mut tokens = Vec::new();
    for one in std::iter::once(first).chain(settings.connected) {
        let mut random = random::system();
        let keys = Keys::load_or_create(&keys_dir, &one.organisation, &mut random)?;
        let (store, organisation) = (store.clone(), one.organisation);
        let mut app = App::new(store, keys, organisation, one.billing, random, now).await?;
        app.home_assistant.clone_from(&settings.home_assistant);
        app.provider.clone_from(&provider);
        app.hsts_days = settings.hsts_days;
        app.audit_copy.clone_from(&settings.audit_copy);
        app.is_mailed = settings.mail.server.is_some();
        app.address = match apps.len() {
            0 => address.clone(),
            _ => format!("{address}/o/{}", app.organisation),
        };
        apps.push(Arc::new(app));
        tokens.push(one.admin_token);
    }
    let meeting = meet(
        settings.broker,
        settings.home_assistant,
        &settings.data_dir,
        &apps,
    )
    .await?;
    let mut drivers = JoinSet::new();
    let mut states = Vec::new();
    for (app, token) in apps.iter().zip(tokens) {
        let (bells, ends) = Bells::new(settings.clock.clone());
        let jitter = {
            let app = app.clone();
            move || app.with_random(|random| random.next_u32())
        };
        let target = meeting.target(app);
        let link = mqtt::connect(&target, &app.organisation, jitter)?;
        let access = meeting.access.clone();
        let post = Post::new(&settings.mail, &settings.data_dir, &app.organisation)?;
        drive::start(&mut drivers, app, &bells, ends, link, access);
        drivers.spawn(drive::post::send(app.clone(), bells.clone(), post));
        let (app, broker) = (app.clone(), meeting.address.clone());
        states.push(crate::web::State::new(app, bells, broker, token));
    }
    let (app, bells) = (states[0].app.clone(), states[0].bells.clone());
    let listener = TcpListener::bind(settings.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: is another server running there?",
            settings.listen
        )
    })?;
    let http = listener.local_addr()?;
    let router = crate::web::router(states);
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

impl Meeting {
    /// How the link of one organisation connects: under a client id that nobody else can have, for the newer of two
    /// connections with the same one drives the older out.
    fn target(&self, app: &App) -> MqttTarget {
        let mut target = self.target.clone();
        target.client_id = format!("{}-{}", target.client_id, app.name);
        target
    }
}

async fn meet(
    settings: BrokerSettings,
    home_assistant: Option<String>,
    data_dir: &std::path::Path,
    apps: &[Arc<App>],
) -> anyhow::Result<Meeting> {
    let (loopback, tls, public, watcher) = match settings {
        BrokerSettings::Embedded {
            loopback,
            tls,
            public,
            watcher,
        } => (loopback, tls, public, watcher),
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
    random::system().fill_bytes(&mut secret);
    let password = URL_SAFE_NO_PAD.encode(secret);
    let watcher = watcher.map(|password| Watcher {
        password_sha256: Sha256::digest(password).into(),
        discovery: home_assistant.clone(),
    });
    let access = AgentAccess::new(password.as_bytes()).watched(home_assistant, watcher);
    let access = Arc::new(access);
    for app in apps {
        access.replace(&app.organisation, access_table::read(app).await?);
    }
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
        client_id: "server".to_owned(),
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
