//! Settings: every one is a flag, an environment variable and a key of one TOML file; in this order the first counts.
//!
//! This is the only place that reads the environment.

mod given;
mod mail;
mod oidc;
#[cfg(test)]
mod tests;

pub use given::{Given, Origin};

use crate::app::{Billing, ConnectedAccount, Mode};
use crate::billing::client::{ApiKey, DEFAULT_BASE, HttpStripe, Stripe};
use crate::billing::signature::SigningSecret;
use crate::doors::mqtt::MqttTarget;
use crate::doors::tls::{KeyPin, Trust};
use crate::serve::BrokerSettings;
use given::{
    ADMIN_TOKEN, AUDIT_COPY, CONNECTED, DATA_DIR, DATABASE_URL, HOME_ASSISTANT, HSTS_DAYS, LISTEN,
    LOG, MQTT_LISTEN, MQTT_LOOPBACK, MQTT_PASSWORD, MQTT_PIN, MQTT_PUBLIC_URL, MQTT_URL,
    MQTT_USERNAME, ORGANISATION, PUBLIC_URL, STRIPE_API_BASE, STRIPE_MODE, STRIPE_SECRET_KEY,
    STRIPE_WEBHOOK_SECRET, Setting, WATCHER_PASSWORD,
};
use reqwest::Url;
use shared::ids::OrganisationId;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// A setting is not usable. No value is ever shown: it may be secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error(
        "cannot read the settings file {path}: see that it exists and that the server's user may read it"
    )]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error(
        "{path}:{line}: this is not TOML: {problem}; a setting is written as `key = \"value\"`"
    )]
    Toml {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What the parser says.
        problem: String,
    },
    /// The file has a key that means nothing.
    #[error("{path}:{line}: there is no setting `{key}`: {hint}")]
    Unknown {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// As written.
        key: String,
        /// What may have been meant.
        hint: String,
    },
    /// The file has something else than text.
    #[error("{path}:{line}: {key} is not valid: write its value in quotation marks")]
    Shape {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The setting.
        key: &'static str,
    },
    /// The file says it twice, in capitals and without.
    #[error("{path}:{line}: {key} is in this file twice: keep one")]
    Twice {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The setting.
        key: &'static str,
    },
    /// A value is not valid.
    #[error("{key} ({origin}) is not valid: {problem}")]
    Value {
        /// The setting.
        key: &'static str,
        /// Where it was given.
        origin: Origin,
        /// What would be valid.
        problem: String,
    },
    /// A setting is needed by another.
    #[error("{key} is not set: {problem}")]
    Needed {
        /// The setting.
        key: &'static str,
        /// By which, and what would be valid.
        problem: String,
    },
}

/// It stands in a house's automation, and nobody types it.
const WATCHER_PASSWORD_LENGTH: usize = 12;

type Result<T> = std::result::Result<T, ConfigError>;

/// Checked settings.
#[derive(Clone)]
pub struct Config {
    /// Where keys lie.
    pub data_dir: PathBuf,
    /// The database's address.
    pub database: String,
    /// Where HTTP is answered.
    pub listen: SocketAddr,
    /// The address people use; without a slash at its end.
    pub public_url: Option<String>,
    /// Whose server it is.
    pub organisation: OrganisationId,
    /// Stripe.
    pub billing: Billing,
    /// Other organisations that are served beside it, each with its connected account.
    pub connected: Vec<(OrganisationId, Billing)>,
    /// The broker.
    pub broker: BrokerSettings,
    /// Below which prefix Home Assistant is told of the doors.
    pub home_assistant: Option<String>,
    /// How letters are sent.
    pub mail: crate::mail::post::Settings,
    /// The OpenID provider at which people with rights may sign in.
    pub provider: Option<crate::oidc::provider::Settings>,
    /// For how many days browsers are told to come by https only.
    pub hsts_days: Option<u32>,
    /// Whether lines of the audit log go to standard output, too.
    pub copies_audit: bool,
    /// The admin token, if one was given.
    pub admin_token: Option<String>,
    /// What is logged.
    pub log: String,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Config")
            .field("data_dir", &self.data_dir)
            .field("listen", &self.listen)
            .field("organisation", &self.organisation)
            .finish_non_exhaustive()
    }
}

impl Given {
    /// Adds the file's settings where neither flag nor variable gave one, then checks everything.
    pub fn read(mut self) -> Result<Config> {
        self.add_file()?;
        self.check()
    }

    /// The error for a setting that is there.
    fn wrong(&self, setting: &Setting, problem: impl ToString) -> ConfigError {
        let (key, problem) = (setting.name, problem.to_string());
        match self.values.get(key) {
            Some(value) => ConfigError::Value {
                key,
                origin: value.origin.clone(),
                problem,
            },
            None => ConfigError::Needed { key, problem },
        }
    }

    fn check(self) -> Result<Config> {
        for setting in given::SETTINGS {
            if self.get(setting).is_some_and(|text| text.trim().is_empty()) {
                return Err(self.wrong(
                    setting,
                    "it is empty: give it a value, or leave it out altogether",
                ));
            }
        }
        let data_dir = PathBuf::from(self.get(&DATA_DIR).unwrap_or("data"));
        let log = self.get(&LOG).unwrap_or("info,mqtt5=warn").to_owned();
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&log) {
            return Err(self.wrong(
                &LOG,
                format!("{error}; write a level such as info, or info,server=debug"),
            ));
        }
        let organisation = OrganisationId::new(self.get(&ORGANISATION).unwrap_or("main"))
            .map_err(|error| self.wrong(&ORGANISATION, error))?;
        let accounts = self.connected()?;
        let mut connected = Vec::new();
        for (name, account) in &accounts {
            if *name != organisation {
                connected.push((name.clone(), self.billing(Some(account.clone()))?));
            }
        }
        Ok(Config {
            database: self.database(&data_dir)?,
            listen: self.address(&LISTEN, "127.0.0.1:8080")?,
            public_url: self.public_url()?,
            billing: self.billing(accounts.get(&organisation).cloned())?,
            organisation,
            connected,
            broker: self.broker()?,
            home_assistant: self.home_assistant()?,
            mail: self.mail()?,
            provider: self.provider()?,
            hsts_days: self.hsts_days()?,
            copies_audit: self.copies_audit()?,
            admin_token: self.admin_token()?,
            data_dir,
            log,
        })
    }

    fn database(&self, data_dir: &std::path::Path) -> Result<String> {
        let Some(text) = self.get(&DATABASE_URL) else {
            // In an address these three begin something else.
            let path = data_dir.join("goodstanding.db").display().to_string();
            return Ok(format!(
                "sqlite:{}",
                path.replace('%', "%25")
                    .replace('?', "%3F")
                    .replace('#', "%23")
            ));
        };
        if ["sqlite:", "postgres:", "postgresql:"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            Ok(text.to_owned())
        } else {
            Err(self.wrong(&DATABASE_URL, "it begins with sqlite: or postgres:"))
        }
    }

    fn public_url(&self) -> Result<Option<String>> {
        let Some(text) = self.get(&PUBLIC_URL) else {
            return Ok(None);
        };
        let good = Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if good {
            Ok(Some(text.trim().trim_end_matches('/').to_owned()))
        } else {
            Err(self.wrong(
                &PUBLIC_URL,
                "it is an address such as https://members.example.org",
            ))
        }
    }

    /// Of no use where people do not come by https, and there it would shut them out.
    fn hsts_days(&self) -> Result<Option<u32>> {
        let Some(text) = self.get(&HSTS_DAYS) else {
            return Ok(None);
        };
        let days = text
            .trim()
            .parse()
            .ok()
            .filter(|days| (1..=3650).contains(days));
        let days =
            days.ok_or_else(|| self.wrong(&HSTS_DAYS, "it is a number of days such as 365"))?;
        let address = self.get(&PUBLIC_URL).unwrap_or_default();
        if !address.trim().starts_with("https://") {
            let problem = "it is for people who come by https: PUBLIC_URL has to begin with that";
            return Err(self.wrong(&HSTS_DAYS, problem));
        }
        Ok(Some(days))
    }

    fn copies_audit(&self) -> Result<bool> {
        match self.get(&AUDIT_COPY).map(str::trim) {
            None => Ok(false),
            Some("stdout") => Ok(true),
            Some(_) => Err(self.wrong(&AUDIT_COPY, "it is stdout")),
        }
    }

    fn admin_token(&self) -> Result<Option<String>> {
        match self.get(&ADMIN_TOKEN) {
            Some(token) if token.len() < 16 => Err(self.wrong(
                &ADMIN_TOKEN,
                "it needs 16 characters or more; leave it out to have one made",
            )),
            Some(token) => Ok(Some(token.to_owned())),
            None => Ok(None),
        }
    }

    /// The organisations with connected accounts, by name.
    fn connected(&self) -> Result<BTreeMap<OrganisationId, ConnectedAccount>> {
        let mut accounts = BTreeMap::new();
        for pair in self
            .get(&CONNECTED)
            .into_iter()
            .flat_map(|text| text.split(','))
        {
            let pair = pair.trim().split_once('=').and_then(|(name, account)| {
                let name = OrganisationId::new(name.trim()).ok()?;
                Some((name, ConnectedAccount::new(account.trim())?))
            });
            let Some((name, account)) = pair else {
                let problem = "it is a list such as north=acct_1AbC,south=acct_2DeF";
                return Err(self.wrong(&CONNECTED, problem));
            };
            if accounts.contains_key(&name) || accounts.values().any(|known| *known == account) {
                let problem = "it names an organisation or an account twice";
                return Err(self.wrong(&CONNECTED, problem));
            }
            accounts.insert(name, account);
        }
        let key = self.values.get(STRIPE_SECRET_KEY.name);
        if !accounts.is_empty() && key.is_some_and(|key| key.origin != Origin::Variable) {
            let problem = "with CONNECTED it is the platform's key, which opens every account: give it as an \
                           environment variable only";
            return Err(self.wrong(&STRIPE_SECRET_KEY, problem));
        }
        Ok(accounts)
    }

    /// Stripe, as the account of the key or as one that is connected to it.
    fn billing(&self, connected: Option<ConnectedAccount>) -> Result<Billing> {
        let key = match self.get(&STRIPE_SECRET_KEY) {
            None => None,
            Some(text) => {
                Some(ApiKey::new(text).map_err(|error| self.wrong(&STRIPE_SECRET_KEY, error))?)
            }
        };
        let mode = self.mode(key.as_ref())?;
        let secrets = match self.get(&STRIPE_WEBHOOK_SECRET) {
            None => Vec::new(),
            Some(text) => SigningSecret::list(text)
                .map_err(|error| self.wrong(&STRIPE_WEBHOOK_SECRET, error))?,
        };
        let base = self.get(&STRIPE_API_BASE).unwrap_or(DEFAULT_BASE);
        if mode == Mode::Live && !is_private_on_the_way(base) {
            let problem = "with a live key it is an https:// address, or one on this machine";
            return Err(self.wrong(&STRIPE_API_BASE, problem));
        }
        let stripe = match key {
            None => None,
            Some(key) => {
                let client = HttpStripe::new(base, &key, connected.as_ref())
                    .map_err(|error| self.wrong(&STRIPE_API_BASE, error))?;
                Some(Arc::new(client) as Arc<dyn Stripe>)
            }
        };
        Ok(Billing {
            mode,
            connected,
            pull: stripe.is_some(),
            secrets,
            stripe,
        })
    }

    fn mode(&self, key: Option<&ApiKey>) -> Result<Mode> {
        let said = match self.get(&STRIPE_MODE) {
            None => None,
            Some("live") => Some(Mode::Live),
            Some("test") => Some(Mode::Test),
            Some(_) => return Err(self.wrong(&STRIPE_MODE, "it is live or test")),
        };
        let of_key = key.map(ApiKey::livemode);
        match (of_key, said) {
            (Some(Some(live)), Some(said)) if !said.fits(live) => {
                let word = if live { "live" } else { "test" };
                let problem = format!(
                    "it says {}, but STRIPE_SECRET_KEY is a {word} key: remove one of them",
                    said.word()
                );
                Err(self.wrong(&STRIPE_MODE, problem))
            }
            (Some(Some(true)), _) => Ok(Mode::Live),
            (Some(Some(false)), _) => Ok(Mode::Test),
            (Some(None), None) => Err(self.wrong(
                &STRIPE_MODE,
                "the Stripe key does not tell whether it is live or test, so say it here",
            )),
            (Some(None) | None, Some(said)) => Ok(said),
            // Were it taken for test, play money would open doors.
            (None, None) => Ok(Mode::Live),
        }
    }

    fn broker(&self) -> Result<BrokerSettings> {
        let Some(text) = self.get(&MQTT_URL) else {
            let outside = [&MQTT_USERNAME, &MQTT_PASSWORD, &MQTT_PIN];
            if let Some(setting) = outside
                .into_iter()
                .find(|setting| self.get(setting).is_some())
            {
                return Err(self.wrong(
                    setting,
                    "it is for an outside broker: set MQTT_URL too, or leave it out",
                ));
            }
            return self.embedded_broker();
        };
        let embedded = [
            &MQTT_LISTEN,
            &MQTT_LOOPBACK,
            &MQTT_PUBLIC_URL,
            &WATCHER_PASSWORD,
        ];
        if let Some(setting) = embedded
            .into_iter()
            .find(|setting| self.get(setting).is_some())
        {
            return Err(self.wrong(
                setting,
                "it is for the embedded broker: leave it or MQTT_URL out",
            ));
        }
        let shape = || self.wrong(&MQTT_URL, "it is mqtt://host:port or mqtts://host:port");
        let mut url = Url::parse(text).map_err(|_| shape())?;
        if !matches!(url.scheme(), "mqtt" | "mqtts") || !url.has_host() {
            return Err(shape());
        }
        let trust = match self.get(&MQTT_PIN) {
            None => Trust::SystemRoots,
            Some(_) if url.scheme() == "mqtt" => {
                return Err(self.wrong(
                    &MQTT_PIN,
                    "a key is only known with TLS: write mqtts:// in MQTT_URL",
                ));
            }
            Some(text) => Trust::PinnedKey(
                pin(text).ok_or_else(|| self.wrong(&MQTT_PIN, "64 hexadecimal digits"))?,
            ),
        };
        let username = self.credential(&MQTT_USERNAME, url.username())?;
        let password = self.credential(&MQTT_PASSWORD, url.password().unwrap_or_default())?;
        // Addresses get logged.
        url.set_username("").map_err(|()| shape())?;
        url.set_password(None).map_err(|()| shape())?;
        let client_id = "goodstanding".to_owned();
        Ok(BrokerSettings::External(MqttTarget {
            url: url.into(),
            client_id,
            username,
            password,
            trust,
        }))
    }

    /// User name or password, on its own or in the address.
    fn credential(&self, setting: &Setting, in_url: &str) -> Result<String> {
        let in_url = percent_decoded(in_url).ok_or_else(|| {
            self.wrong(
                &MQTT_URL,
                "its user name or password has a `%` that is no code: write %25",
            )
        })?;
        match self.get(setting) {
            Some(text) if !in_url.is_empty() && text != in_url => {
                Err(self.wrong(setting, "MQTT_URL says otherwise: remove one of them"))
            }
            Some(text) => Ok(text.to_owned()),
            None if in_url.is_empty() => Err(self.wrong(
                setting,
                "an outside broker needs MQTT_USERNAME and MQTT_PASSWORD",
            )),
            None => Ok(in_url),
        }
    }

    /// A topic, without anything that means something to a broker.
    fn home_assistant(&self) -> Result<Option<String>> {
        let prefix = self.get(&HOME_ASSISTANT).map(str::trim);
        let letter = |letter: char| letter.is_ascii_alphanumeric() || "-_/".contains(letter);
        let good = |prefix: &str| {
            prefix.chars().all(letter)
                && !prefix.split('/').any(str::is_empty)
                && prefix.split('/').next() != Some("gs")
        };
        if prefix.is_some_and(|prefix| !good(prefix)) {
            let problem = "it is a topic such as homeassistant, of letters, digits, - and _";
            return Err(self.wrong(&HOME_ASSISTANT, problem));
        }
        Ok(prefix.map(str::to_owned))
    }

    fn embedded_broker(&self) -> Result<BrokerSettings> {
        let loopback = self.address(&MQTT_LOOPBACK, "127.0.0.1:1883")?;
        if !loopback.ip().is_loopback() {
            let problem = "without TLS the broker listens only on this machine: use MQTT_LISTEN for agents elsewhere";
            return Err(self.wrong(&MQTT_LOOPBACK, problem));
        }
        let tls = self
            .get(&MQTT_LISTEN)
            .map(|text| self.address(&MQTT_LISTEN, text))
            .transpose()?;
        let public = self.get(&MQTT_PUBLIC_URL).map(str::to_owned);
        let shape = |text: &String| {
            Url::parse(text).is_ok_and(|url| {
                matches!(url.scheme(), "mqtt" | "mqtts")
                    && url.has_host()
                    && url.username().is_empty()
            })
        };
        if public.as_ref().is_some_and(|text| !shape(text)) {
            let problem = "it is an address such as mqtts://doors.example.org:8883, without user name and password";
            return Err(self.wrong(&MQTT_PUBLIC_URL, problem));
        }
        if public.is_none() && tls.is_some_and(|address| address.ip().is_unspecified()) {
            let problem = "agents have to be told an address: name this machine's own here, or set MQTT_PUBLIC_URL \
                           to what they reach it by, such as mqtts://doors.example.org:8883";
            return Err(self.wrong(&MQTT_LISTEN, problem));
        }
        let watcher = self.get(&WATCHER_PASSWORD).map(str::to_owned);
        if watcher
            .as_ref()
            .is_some_and(|password| password.len() < WATCHER_PASSWORD_LENGTH)
        {
            let problem = format!("it has at least {WATCHER_PASSWORD_LENGTH} characters");
            return Err(self.wrong(&WATCHER_PASSWORD, problem));
        }
        Ok(BrokerSettings::Embedded {
            loopback,
            tls,
            public,
            watcher,
        })
    }

    fn address(&self, setting: &Setting, default: &str) -> Result<SocketAddr> {
        let text = self.get(setting).unwrap_or(default).trim();
        text.parse().map_err(|_| {
            self.wrong(
                setting,
                "it is an IP address and a port, such as 127.0.0.1:8080",
            )
        })
    }
}

/// Whether nobody on the way can read along.
pub(crate) fn is_private_on_the_way(base: &str) -> bool {
    let Ok(url) = Url::parse(base) else {
        return true;
    };
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    url.scheme() != "http"
        || host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            hex(rest.next()?)? << 4 | hex(rest.next()?)?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn pin(text: &str) -> Option<KeyPin> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| *byte != b':')
        .map(hex)
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    (digits.len() == 64)
        .then(|| bytes.try_into().ok().map(KeyPin))
        .flatten()
}

impl Config {
    /// What is not set up, and how to get it.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let (key, webhook) = (
            self.billing.stripe.is_some(),
            !self.billing.secrets.is_empty(),
        );
        let address = self.public_url.as_deref().unwrap_or("https://YOUR-ADDRESS");
        if !key && !webhook {
            missing.push(
                "Stripe is not connected, so nobody's payments are known. Make a restricted key in Stripe (Developers, \
                 API keys) that may read customers, subscriptions, invoices, prices, products and events, and set \
                 STRIPE_SECRET_KEY to it: nothing has to be public then."
                    .to_owned(),
            );
            missing.push(format!(
                "Webhooks are refused until STRIPE_WEBHOOK_SECRET is set: add {address}/webhooks/stripe in Stripe \
                 (Developers, Webhooks) and copy its signing secret (whsec_…), or run `stripe listen --forward-to` this \
                 server. With a Stripe key webhooks are not needed; they only save seconds."
            ));
        }
        if !key && webhook {
            missing.push(
                "STRIPE_SECRET_KEY is not set: what a lost webhook said is never asked for, so ends are waited for \
                 longer. Make a restricted key in Stripe (Developers, API keys) that may read customers, subscriptions, \
                 invoices, prices, products and events."
                    .to_owned(),
            );
        }
        if webhook && self.public_url.is_none() {
            missing.push("PUBLIC_URL is not set: links to this server cannot be made. Set the address that people use.".to_owned());
        }
        if let BrokerSettings::Embedded { tls: None, .. } = self.broker {
            missing.push(
                "MQTT_LISTEN is not set: only door agents on this machine can connect. Set it to this machine's address and \
                 port 8883 for others."
                    .to_owned(),
            );
        }
        if self.mail.server.is_none() {
            missing.push(
                "SMTP_URL is not set: letters to members and staff lie in DATA_DIR/mail, and nobody gets them. Set it to \
                 your mail server, such as smtps://user:password@mail.example.org, and MAIL_FROM to who writes."
                    .to_owned(),
            );
        }
        if self.mail.server.is_some() && self.public_url.is_none() {
            missing.push("PUBLIC_URL is not set: links in letters lead to this machine only. Set the address that people use.".to_owned());
        }
        if self.listen.ip().is_loopback() && self.public_url.is_none() {
            missing.push(
                "LISTEN is on this machine only: agents and people elsewhere do not reach it. Set LISTEN to \
                 0.0.0.0:8080, or put a reverse proxy before it and set PUBLIC_URL."
                    .to_owned(),
            );
        }
        missing
    }
}
