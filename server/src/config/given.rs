//! Settings as they were given: by flag, by environment variable, or in the settings file, with their origin.

use super::ConfigError;
use crate::suggest::nearest;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, value_parser};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

/// One setting under its three names.
pub(super) struct Setting {
    /// As an environment variable, and in messages.
    pub name: &'static str,
    flag: &'static str,
    key: &'static str,
    secret: bool,
    help: &'static str,
}

macro_rules! settings {
    ($($name:ident $flag:literal $key:literal $secret:literal $help:literal)*) => {
        $(pub(super) const $name: Setting = Setting {
            name: stringify!($name), flag: $flag, key: $key, secret: $secret, help: $help,
        };)*
        pub(super) const SETTINGS: &[Setting] = &[$($name),*];
    };
}

settings! {
    DATA_DIR "data-dir" "data_dir" false
        "Where keys and, without DATABASE_URL, the database lie [default: ./data]"
    DATABASE_URL "database-url" "database_url" true
        "`sqlite:` or `postgres:` address [default: a file in DATA_DIR]"
    LISTEN "listen" "listen" false
        "Where HTTP is answered [default: 127.0.0.1:8080]"
    PUBLIC_URL "public-url" "public_url" false
        "The address people use, for links"
    ORGANISATION "organisation" "organisation" false
        "The organisation's id in topics [default: main]"
    STRIPE_SECRET_KEY "stripe-secret-key" "stripe_secret_key" true
        "Restricted or secret Stripe key"
    STRIPE_WEBHOOK_SECRET "stripe-webhook-secret" "stripe_webhook_secret" true
        "Webhook signing secrets, comma-separated"
    STRIPE_API_BASE "stripe-api-base" "stripe_api_base" false
        "Stripe's address [default: Stripe's own]"
    STRIPE_MODE "stripe-mode" "stripe_mode" false
        "live or test [default: told from the key, else live]"
    CONNECTED "connected" "connected" false
        "Organisations whose Stripe accounts are connected to the platform of STRIPE_SECRET_KEY, as \
         name=acct_…,name=acct_…; each is served under /o/name [default: none]"
    MQTT_URL "mqtt-url" "mqtt_url" true
        "An outside broker, mqtt:// or mqtts:// [default: the embedded one]"
    MQTT_USERNAME "mqtt-username" "mqtt_username" false
        "User name on the outside broker"
    MQTT_PASSWORD "mqtt-password" "mqtt_password" true
        "Password on the outside broker"
    MQTT_PIN "mqtt-pin" "mqtt_pin" false
        "SHA-256 of the outside broker's public key, 64 hexadecimal digits [default: public authorities]"
    MQTT_LISTEN "mqtt-listen" "mqtt_listen" false
        "Where the embedded broker listens with TLS for agents elsewhere, such as 192.168.1.5:8883 [default: nowhere]"
    MQTT_LOOPBACK "mqtt-loopback" "mqtt_loopback" false
        "Where the embedded broker listens on loopback [default: 127.0.0.1:1883]"
    MQTT_PUBLIC_URL "mqtt-public-url" "mqtt_public_url" false
        "The address of the embedded broker that agents are told, such as mqtts://doors.example.org:8883"
    HOME_ASSISTANT "home-assistant" "home_assistant" false
        "The prefix below which Home Assistant is told of the doors, such as homeassistant [default: it is not told]"
    WATCHER_PASSWORD "watcher-password" "watcher_password" true
        "Password of the user watcher, who may read the doors' status on the embedded broker [default: nobody may]"
    ADMIN_TOKEN "admin-token" "admin_token" true
        "Token for /api/v1 [default: made at the first start and shown once]"
    SMTP_URL "smtp-url" "smtp_url" true
        "The mail server, smtps:// or smtp:// with user name and password [default: letters lie in DATA_DIR/mail]"
    MAIL_FROM "mail-from" "mail_from" false
        "Who writes the letters, such as Woodshop <club@example.org>"
    OIDC_ISSUER "oidc-issuer" "oidc_issuer" false
        "The OpenID provider at which people with rights may sign in, too, such as https://login.example.org [default: none]"
    OIDC_CLIENT_ID "oidc-client-id" "oidc_client_id" false
        "What the OpenID provider calls this server"
    OIDC_CLIENT_SECRET "oidc-client-secret" "oidc_client_secret" true
        "By which the OpenID provider knows this server"
    OIDC_NAME "oidc-name" "oidc_name" false
        "What people call the OpenID provider, on the button [default: its host]"
    OIDC_ACR "oidc-acr" "oidc_acr" false
        "How sure the OpenID provider has to make who it is (acr) [default: that is its business]"
    HSTS_DAYS "hsts-days" "hsts_days" false
        "For so many days browsers that came by https come by nothing else, to this host name and whatever it serves; that \
         cannot be taken back at once. 365 and more are usual [default: they are told nothing]"
    AUDIT_COPY "audit-copy" "audit_copy" false
        "stdout: each line of the audit log goes to standard output, too, as a line of JSON without names [default: nowhere]"
    LOG "log" "log" false
        "What is logged, such as info or info,server=debug [default: info,mqtt5=warn]"
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag(&'static str),
    /// In the environment.
    Variable,
    /// In the settings file.
    File(PathBuf, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(out, "flag --{flag}"),
            Self::Variable => out.write_str("environment variable"),
            Self::File(path, line) => write!(out, "{}:{line}", path.display()),
        }
    }
}

/// A value and where it was given; never printed, it may be secret.
#[derive(Clone)]
pub(super) struct Value {
    pub text: Zeroizing<String>,
    pub origin: Origin,
}

/// Settings as they were given, before they are checked.
#[derive(Clone, Default)]
pub struct Given {
    pub(super) file: Option<PathBuf>,
    pub(super) values: BTreeMap<&'static str, Value>,
}

impl fmt::Debug for Given {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origins = self
            .values
            .iter()
            .map(|(name, value)| (name, value.origin.to_string()));
        out.debug_map().entries(origins).finish()
    }
}

impl Given {
    pub(super) fn get(&self, setting: &Setting) -> Option<&str> {
        self.values
            .get(setting.name)
            .map(|value| value.text.as_str())
    }

    /// Adds the file's settings where neither flag nor variable gave one.
    pub(super) fn add_file(&mut self) -> Result<(), ConfigError> {
        let Some(path) = self.file.clone() else {
            return Ok(());
        };
        let text = std::fs::read_to_string(&path)
            .map(Zeroizing::new)
            .map_err(|source| ConfigError::File {
                path: path.clone(),
                source,
            })?;
        for (name, value) in read_file(&path, &text)? {
            self.values.entry(name).or_insert(value);
        }
        Ok(())
    }
}

fn read_file(path: &Path, text: &str) -> Result<BTreeMap<&'static str, Value>, ConfigError> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    // The error's own text would show the line, and there may be a secret in it.
    let table = DeTable::parse(text).map_err(|error| ConfigError::Toml {
        path: path.to_owned(),
        line: line(error.span().map_or(0, |span| span.start)),
        problem: error.message().to_owned(),
    })?;
    let mut found = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let line = line(key.span().start);
        let written = key.get_ref().as_ref();
        let Some(setting) = SETTINGS
            .iter()
            .find(|setting| setting.key.eq_ignore_ascii_case(written))
        else {
            let known = SETTINGS.iter().map(|setting| setting.key);
            let hint = match nearest(written, known.clone()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known are {}", known.collect::<Vec<_>>().join(", ")),
            };
            return Err(ConfigError::Unknown {
                path: path.to_owned(),
                line,
                key: written.to_owned(),
                hint,
            });
        };
        let text = text_of(value.get_ref()).ok_or_else(|| ConfigError::Shape {
            path: path.to_owned(),
            line,
            key: setting.key,
        })?;
        let value = Value {
            text: Zeroizing::new(text),
            origin: Origin::File(path.to_owned(), line),
        };
        if found.insert(setting.name, value).is_some() {
            return Err(ConfigError::Twice {
                path: path.to_owned(),
                line,
                key: setting.key,
            });
        }
    }
    Ok(found)
}

/// A text, or a list of texts as if they had been written with commas.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Array(texts) => {
            let texts: Vec<&str> = texts
                .iter()
                .map(|text| text.get_ref().as_str())
                .collect::<Option<_>>()?;
            Some(texts.join(","))
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Table(_) => None,
    }
}

const CONFIG: &str = "config";

impl clap::Args for Given {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(CONFIG)
            .long(CONFIG)
            .env("GOODSTANDING_CONFIG")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("TOML file with the settings below, in lower case");
        let settings = SETTINGS.iter().map(|setting| {
            Arg::new(setting.name)
                .long(setting.flag)
                .env(setting.name)
                .hide_env_values(setting.secret)
                .value_name("VALUE")
                .help(setting.help)
        });
        command.args(
            std::iter::once(file)
                .chain(settings)
                .map(|arg| arg.global(true)),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Self::default();
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        if let Some(file) = matches.get_one::<PathBuf>(CONFIG) {
            self.file = Some(file.clone());
        }
        for setting in SETTINGS {
            let Some(text) = matches.get_one::<String>(setting.name) else {
                continue;
            };
            let from_variable =
                matches.value_source(setting.name) == Some(ValueSource::EnvVariable);
            let origin = if from_variable {
                Origin::Variable
            } else {
                Origin::Flag(setting.flag)
            };
            self.values.insert(
                setting.name,
                Value {
                    text: Zeroizing::new(text.clone()),
                    origin,
                },
            );
        }
        Ok(())
    }
}
