use super::given::SETTINGS;
use super::*;
use clap::builder::Resettable;
use clap::{Args as _, Command, FromArgMatches as _};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn from_flags(flags: &[&str]) -> Given {
    // The machine that runs the tests may have settings of its own.
    let command =
        Given::augment_args(Command::new("test")).mut_args(|arg| arg.env(Resettable::Reset));
    let matches = command
        .try_get_matches_from([&["test"], flags].concat())
        .expect("known flags");
    Given::from_arg_matches(&matches).expect("texts")
}

fn flags(flags: &[&str]) -> Result<Config> {
    from_flags(flags).read()
}

fn problem(given: &[&str]) -> String {
    flags(given).expect_err("not valid").to_string()
}

fn file(text: &str) -> (TempDir, String) {
    let place = TempDir::new().expect("a directory");
    let path = place.path().join("settings.toml");
    fs::write(&path, text).expect("written");
    let path = path.display().to_string();
    (place, path)
}

fn file_problem(text: &str) -> String {
    let (place, path) = file(text);
    let said = problem(&["--config", &path]);
    said.replace(&place.path().display().to_string(), "")
        .replace("/settings.toml", "settings.toml")
}

fn outside(config: &Config) -> &MqttTarget {
    match &config.broker {
        BrokerSettings::External(target) => target,
        BrokerSettings::Embedded { .. } => panic!("an outside broker was set"),
    }
}

#[test]
fn with_nothing_set_it_runs_and_says_what_is_missing() {
    let config = flags(&[]).expect("valid");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database, "sqlite:data/goodstanding.db");
    assert_eq!(config.billing.mode, Mode::Live);
    let missing = config.missing().join("\n");
    for key in [
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "MQTT_LISTEN",
        "LISTEN is on this machine",
        "SMTP_URL",
    ] {
        assert!(missing.contains(key), "{key}: {missing}");
    }
}

#[test]
fn a_key_alone_is_enough_for_stripe() {
    let config = flags(&["--stripe-secret-key", "rk_test_1"]).expect("valid");
    assert!(config.billing.pull);
    assert!(!config.missing().join("\n").contains("STRIPE"));
}

#[test]
fn everything_set_misses_nothing() {
    let config = flags(&[
        "--stripe-secret-key=rk_live_1",
        "--stripe-webhook-secret=whsec_1,whsec_2",
        "--mqtt-listen=0.0.0.0:8883",
        "--mqtt-public-url=mqtts://doors.example.org:8883",
        "--public-url=https://members.example.org/",
        "--smtp-url=smtps://club:secret@mail.example.org",
        "--mail-from=Woodshop <club@example.org>",
    ])
    .expect("valid");
    assert_eq!(config.missing(), Vec::<String>::new());
    assert_eq!(config.billing.secrets.len(), 2);
    assert_eq!(
        config.public_url.as_deref(),
        Some("https://members.example.org")
    );
}

#[test]
fn a_flag_counts_before_a_variable_and_a_variable_before_the_file() {
    let (_place, path) =
        file("listen = \"127.0.0.1:3\"\norganisation = \"file\"\nlog = \"warn\"\n");
    let mut given = from_flags(&["--config", &path, "--listen", "127.0.0.1:1"]);
    let variable = |text: &str| given::Value {
        text: text.to_owned().into(),
        origin: Origin::Variable,
    };
    given
        .values
        .entry("LISTEN")
        .or_insert(variable("127.0.0.1:2"));
    given
        .values
        .entry("ORGANISATION")
        .or_insert(variable("variable"));
    let config = given.read().expect("valid");
    assert_eq!(config.listen.port(), 1);
    assert_eq!(config.organisation.as_str(), "variable");
    assert_eq!(config.log, "warn");
}

#[test]
fn a_variable_is_named_as_such() {
    let given = |flags: &[&str]| {
        // Every test process has PATH.
        let command = Given::augment_args(Command::new("test"))
            .mut_args(|arg| arg.env(Resettable::Reset))
            .mut_arg("LISTEN", |arg| arg.env("PATH"));
        let matches = command
            .try_get_matches_from([&["test"], flags].concat())
            .expect("known flags");
        Given::from_arg_matches(&matches).expect("texts")
    };
    let said = given(&[]).read().expect_err("no address").to_string();
    assert!(
        said.starts_with("LISTEN (environment variable) is not valid"),
        "{said}"
    );
    assert!(given(&["--listen=127.0.0.1:1"]).read().is_ok());
}

#[test]
fn every_setting_has_one_name_in_three_spellings() {
    let command = Given::augment_args(Command::new("test"));
    for setting in SETTINGS {
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_id() == setting.name)
            .expect("an argument");
        assert_eq!(
            arg.get_env().and_then(|name| name.to_str()),
            Some(setting.name)
        );
        assert_eq!(
            arg.get_long()
                .map(|flag| flag.replace('-', "_").to_uppercase())
                .as_deref(),
            Some(setting.name)
        );
        let (_place, path) = file(&format!("{} = 1\n", setting.name.to_lowercase()));
        assert!(
            problem(&["--config", &path]).contains("write its value in quotation marks"),
            "{}",
            setting.name
        );
    }
}

#[test]
fn secrets_are_not_shown_by_help() {
    let command = Given::augment_args(Command::new("test"));
    for name in [
        "DATABASE_URL",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "MQTT_URL",
        "MQTT_PASSWORD",
        "ADMIN_TOKEN",
    ] {
        let arg = command
            .get_arguments()
            .find(|arg| arg.get_id() == name)
            .expect("an argument");
        assert!(arg.is_hide_env_values_set(), "{name}");
    }
}

#[test]
fn an_empty_webhook_secret_is_an_error_and_not_an_open_door() {
    for text in ["", " ", "whsec_1,,whsec_2", ","] {
        let said = problem(&["--stripe-webhook-secret", text]);
        assert!(
            said.starts_with("STRIPE_WEBHOOK_SECRET (flag --stripe-webhook-secret) is not valid: "),
            "{said}"
        );
        assert!(said.contains("empty"), "{said}");
    }
}

#[test]
fn a_mode_that_contradicts_the_key_is_named() {
    let said = problem(&["--stripe-mode", "live", "--stripe-secret-key", "rk_test_1"]);
    assert!(
        said.contains("it says live, but STRIPE_SECRET_KEY is a test key"),
        "{said}"
    );
    let mode = |given: &[&str]| flags(given).expect("valid").billing.mode;
    assert_eq!(mode(&["--stripe-secret-key", "sk_test_1"]), Mode::Test);
    assert_eq!(
        mode(&["--stripe-secret-key", "rk_live_1", "--stripe-mode", "live"]),
        Mode::Live
    );
    assert_eq!(mode(&["--stripe-mode", "test"]), Mode::Test);
    assert!(problem(&["--stripe-secret-key", "sk_1"]).starts_with("STRIPE_MODE is not set: "));
    assert_eq!(
        mode(&["--stripe-secret-key", "sk_1", "--stripe-mode", "test"]),
        Mode::Test
    );
}

#[test]
fn bad_values_name_their_key_where_they_were_given_and_what_would_be_valid() {
    let cases: &[(&[&str], &str)] = &[
        (
            &["--listen=8080"],
            "LISTEN (flag --listen) is not valid: it is an IP address and a port",
        ),
        (
            &["--database-url=mysql:x"],
            "DATABASE_URL (flag --database-url) is not valid: it begins with sqlite:",
        ),
        (
            &["--public-url=members.example.org"],
            "PUBLIC_URL (flag --public-url) is not valid",
        ),
        (
            &["--admin-token=short"],
            "ADMIN_TOKEN (flag --admin-token) is not valid: it needs 16",
        ),
        (
            &["--organisation=a/b"],
            "ORGANISATION (flag --organisation) is not valid: `a/b`",
        ),
        (
            &["--stripe-secret-key=pk_live_1"],
            "STRIPE_SECRET_KEY (flag --stripe-secret-key) is not valid",
        ),
        (
            &["--stripe-mode=prod"],
            "STRIPE_MODE (flag --stripe-mode) is not valid: it is live or test",
        ),
        (
            &[
                "--stripe-secret-key=sk_live_1",
                "--stripe-api-base=http://example.org",
            ],
            "STRIPE_API_BASE",
        ),
        (
            &["--mqtt-url=http://x"],
            "MQTT_URL (flag --mqtt-url) is not valid: it is mqtt://host:port",
        ),
        (
            &["--mqtt-url=mqtt://x"],
            "MQTT_USERNAME is not set: an outside broker needs",
        ),
        (
            &["--mqtt-url=mqtt://a:b@x", "--mqtt-password=c"],
            "MQTT_PASSWORD (flag --mqtt-password) is not valid: MQTT_URL says",
        ),
        (
            &["--mqtt-url=mqtts://a:b@x", "--mqtt-pin=12"],
            "MQTT_PIN (flag --mqtt-pin) is not valid: 64",
        ),
        (
            &["--mqtt-url=mqtt://a:b@x", "--mqtt-pin=12"],
            "MQTT_PIN (flag --mqtt-pin) is not valid: a key is only",
        ),
        (
            &["--mqtt-url=mqtt://a:b@x", "--mqtt-listen=0.0.0.0:1"],
            "MQTT_LISTEN (flag --mqtt-listen) is not valid: it is for",
        ),
        (
            &["--mqtt-password=c"],
            "MQTT_PASSWORD (flag --mqtt-password) is not valid: it is for an outside broker",
        ),
        (
            &["--mqtt-loopback=0.0.0.0:1883"],
            "MQTT_LOOPBACK (flag --mqtt-loopback) is not valid: without TLS",
        ),
        (
            &["--mqtt-listen=[::]:8883"],
            "MQTT_LISTEN (flag --mqtt-listen) is not valid: agents have to be told",
        ),
        (
            &["--watcher-password=short"],
            "WATCHER_PASSWORD (flag --watcher-password) is not valid: it has at least 12",
        ),
        (
            &[
                "--mqtt-url=mqtt://a:b@x",
                "--watcher-password=long enough for it",
            ],
            "WATCHER_PASSWORD (flag --watcher-password) is not valid: it is for",
        ),
        (
            &["--home-assistant=gs/1"],
            "HOME_ASSISTANT (flag --home-assistant) is not valid: it is a topic",
        ),
        (
            &["--home-assistant=house/#"],
            "HOME_ASSISTANT (flag --home-assistant) is not valid: it is a topic",
        ),
        (
            &["--mqtt-public-url=doors"],
            "MQTT_PUBLIC_URL (flag --mqtt-public-url) is not valid",
        ),
        (&["--log=info,server=loud"], "LOG (flag --log) is not valid"),
        (
            &["--data-dir="],
            "DATA_DIR (flag --data-dir) is not valid: it is empty",
        ),
    ];
    for (given, expected) in cases {
        let said = problem(given);
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn a_broker_takes_its_credentials_from_the_address_or_on_their_own() {
    let in_url = flags(&["--mqtt-url=mqtts://club:p%40ss@broker.example.org:8883"]).expect("valid");
    let target = outside(&in_url);
    assert_eq!(
        target.url.trim_end_matches('/'),
        "mqtts://broker.example.org:8883"
    );
    assert_eq!(
        (target.username.as_str(), target.password.as_str()),
        ("club", "p@ss")
    );
    assert_eq!(target.trust, Trust::SystemRoots);

    let digits = "ab".repeat(32);
    let alone = flags(&[
        "--mqtt-url=mqtts://10.0.0.2",
        "--mqtt-username=club",
        "--mqtt-password=p%40ss",
        &format!("--mqtt-pin={digits}"),
    ])
    .expect("valid");
    assert_eq!(outside(&alone).password, "p%40ss");
    assert_eq!(outside(&alone).trust, Trust::PinnedKey(KeyPin([0xab; 32])));
}

#[test]
fn errors_in_the_file_name_the_line_and_what_was_meant() {
    let good = "# club\nlisten = \"127.0.0.1:1\"\n";
    assert_eq!(
        file_problem(&format!("{good}public_uri = \"https://x\"\n")),
        "settings.toml:3: there is no setting `public_uri`: did you mean public_url?"
    );
    assert!(
        file_problem(&format!("{good}colour = \"red\"\n"))
            .contains("known are data_dir, database_url")
    );
    assert!(
        file_problem("[server]\nlisten = \"127.0.0.1:1\"\n")
            .starts_with("settings.toml:1: there is no setting `server`")
    );
    assert!(
        file_problem(&format!("{good}mqtt_listen = 8883\n"))
            .starts_with("settings.toml:3: mqtt_listen is not valid")
    );
    assert!(
        file_problem(&format!("{good}LISTEN = \"127.0.0.1:2\"\n")).starts_with("settings.toml:")
    );
    assert_eq!(
        file_problem(&format!("{good}\nstripe_mode = \"prod\"\n")),
        "STRIPE_MODE (settings.toml:4) is not valid: it is live or test"
    );
    assert!(
        problem(&["--config", "/nowhere/settings.toml"])
            .starts_with("cannot read the settings file /nowhere/")
    );
}

#[test]
fn names_of_the_environment_and_lists_are_good_in_the_file_too() {
    let (_place, path) = file("STRIPE_WEBHOOK_SECRET = [\"whsec_1\", \"whsec_2\"]\n");
    assert_eq!(
        flags(&["--config", &path])
            .expect("valid")
            .billing
            .secrets
            .len(),
        2
    );
}

#[test]
fn no_error_shows_a_secret() {
    let secret = "SeCrEt0123456789";
    let files = [
        format!("stripe_secret_key = sk_live_{secret}\n"),
        format!("stripe_secret_key = \"sk_live_{secret}\n"),
        format!("stripe_secret_key = \"pk_live_{secret}\"\n"),
        format!("stripe_webhook_secret = \"sk_live_{secret}\"\n"),
        format!("stripe_secret_key = \"sk_live_{secret}\"\nstripe_mode = \"test\"\n"),
        format!("database_url = \"mysql://club:{secret}@host/db\"\n"),
        format!("mqtt_url = \"mqtts//club:{secret}@host\"\n"),
        format!("mqtt_url = \"mqtts://club:{secret}%@host\"\n"),
        format!("mqtt_password = \"{secret}\"\n"),
        format!("admin_token = [\"{secret}\", 1]\n"),
    ];
    for text in files {
        let (_place, path) = file(&text);
        let error = flags(&["--config", &path]).expect_err("not valid");
        assert!(
            !format!("{error} {error:?}").contains(secret),
            "{text}{error:?}"
        );
    }
    let given = from_flags(&["--admin-token", secret]);
    assert!(!format!("{given:?} {:?}", given.clone().read()).contains(secret));
}

#[test]
fn the_database_lies_in_the_data_directory_whatever_its_name() {
    let config = flags(&["--data-dir", "/srv/100% club?"]).expect("valid");
    assert_eq!(config.data_dir, Path::new("/srv/100% club?"));
    assert_eq!(
        config.database,
        "sqlite:/srv/100%25 club%3F/goodstanding.db"
    );
}

fn from_environment(variables: &[(&str, &str)], flags: &[&str]) -> Result<Config> {
    let mut given = from_flags(flags);
    for (name, text) in variables {
        let setting = SETTINGS.iter().find(|setting| setting.name == *name);
        let value = super::given::Value {
            text: (*text).to_owned().into(),
            origin: Origin::Variable,
        };
        given.values.insert(setting.expect("a setting").name, value);
    }
    given.read()
}

#[test]
fn connected_organisations_have_accounts_of_their_own_under_the_platforms_key() {
    let key = [("STRIPE_SECRET_KEY", "sk_test_platform")];
    let both = ["--connected", "north=acct_1AbC, south=acct_2DeF"];
    let config = from_environment(&key, &both).expect("valid");
    let accounts = |config: &Config| -> Vec<(String, String)> {
        let one = |(name, billing): &(OrganisationId, Billing)| {
            (name.to_string(), billing.account_name().to_owned())
        };
        config.connected.iter().map(one).collect()
    };
    let pair = |name: &str, account: &str| (name.to_owned(), account.to_owned());
    assert_eq!(
        accounts(&config),
        [pair("north", "acct_1AbC"), pair("south", "acct_2DeF")]
    );
    assert_eq!(config.billing.account_name(), "direct");
    assert!(
        config
            .connected
            .iter()
            .all(|(_, billing)| billing.stripe.is_some())
    );

    // A tool that is told which organisation it is for finds its account.
    let flags = [&both[..], &["--organisation", "south"]].concat();
    let config = from_environment(&key, &flags).expect("valid");
    assert_eq!(config.billing.account_name(), "acct_2DeF");
    assert_eq!(accounts(&config), [pair("north", "acct_1AbC")]);

    for wrong in [
        "north",
        "north=1AbC",
        "north=acct_",
        "No rth=acct_1",
        "north=acct_1,",
    ] {
        let said = problem(&["--connected", wrong]);
        assert!(said.contains("north=acct_1AbC,south=acct_2DeF"), "{said}");
    }
    for twice in ["a=acct_1,a=acct_2", "a=acct_1,b=acct_1"] {
        assert!(problem(&["--connected", twice]).contains("twice"));
    }
    let written = [&both[..], &["--stripe-secret-key", "sk_test_platform"]].concat();
    assert!(problem(&written).contains("environment variable only"));
}

#[test]
fn a_provider_needs_all_that_belongs_to_it() {
    let issuer = "--oidc-issuer=https://login.example.org/club";
    let public = "--public-url=https://members.example.org";
    let client = ["--oidc-client-id=door", "--oidc-client-secret=secret"];
    for (given, key) in [
        (vec![client[0]], "OIDC_CLIENT_ID"),
        (vec!["--oidc-name=Club"], "OIDC_NAME"),
        (vec![issuer, client[0], client[1]], "PUBLIC_URL"),
        (vec![issuer, public], "OIDC_CLIENT_ID"),
        (vec![issuer, public, client[0]], "OIDC_CLIENT_SECRET"),
        (
            vec!["--oidc-issuer=http://login.example.org", public],
            "OIDC_ISSUER",
        ),
    ] {
        let said = problem(&given);
        assert!(said.starts_with(key) && !said.contains("=secret"), "{said}");
    }
    let config = flags(&[issuer, public, client[0], client[1]]).expect("valid");
    let provider = config.provider.expect("a provider");
    assert_eq!(provider.name, "login.example.org");
    assert!(!format!("{provider:?}").contains("secret"));
}

#[test]
fn browsers_are_bound_to_tls_only_where_people_come_by_it() {
    let public = "--public-url=https://members.example.org";
    let config = flags(&["--hsts-days=365", public]).expect("valid");
    assert_eq!(config.hsts_days, Some(365));
    for given in [
        vec!["--hsts-days=365"],
        vec!["--hsts-days=365", "--public-url=http://members.example.org"],
        vec!["--hsts-days=0", public],
        vec!["--hsts-days=for ever", public],
    ] {
        assert!(problem(&given).starts_with("HSTS_DAYS"), "{given:?}");
    }
    assert!(flags(&["--audit-copy=stdout"]).expect("valid").copies_audit);
    assert!(problem(&["--audit-copy=/tmp/a"]).starts_with("AUDIT_COPY"));
}
