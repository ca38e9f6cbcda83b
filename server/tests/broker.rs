//! The embedded broker and the server's link, over real sockets on loopback.

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    Packet, Publish, QoS, SubscribeFilter, SubscribeReasonCode, TlsConfiguration, Transport,
};
use server::doors::broker::{
    self, AgentAccess, AgentGrant, BrokerError, MAX_PAYLOAD, Running, Settings, TlsSettings,
    WATCHER_USER, Watcher,
};
use server::doors::mqtt::{self, Incoming, LinkHandle, MqttTarget, PublishError};
use server::doors::tls::{BrokerIdentity, KeyPin, Trust, install_crypto};
use sha2::{Digest, Sha256};
use shared::ids::{AgentId, DoorId, OrganisationId, ZoneId};
use shared::wire::topics::server_hears;
use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

#[tokio::test]
async fn an_agent_uses_its_own_topics_and_the_server_all() {
    let building = Building::start().await;
    let mut server = building.server().await;
    assert!(server.subscribe("gs/1/#").await);
    let mut agent = building.agent("a").await;

    for topic in OWN_READING {
        assert!(agent.subscribe(topic).await, "{topic}");
        server.publish(topic, b"from the server").await;
        assert_eq!(server.message().await.topic, topic);
        assert_eq!(agent.message().await.topic, topic);
    }
    for topic in OWN_WRITING {
        agent.publish(topic, b"from the agent").await;
        assert_eq!(server.message().await.topic, topic);
    }
}

#[tokio::test]
async fn a_watcher_sees_the_status_of_every_door_and_can_do_nothing_else() {
    let building = Building::start().await;
    let mut server = building.server().await;
    assert!(server.subscribe("gs/1/#").await);
    let mut agent = building.agent("a").await;
    let mut watcher = building.watcher().await;

    assert!(watcher.subscribe("gs/1/club/doors/+/status").await);
    assert!(watcher.subscribe("homeassistant/#").await);
    agent.publish("gs/1/club/doors/front/status", b"{}").await;
    assert_eq!(
        watcher.message().await.topic,
        "gs/1/club/doors/front/status"
    );
    let document = "homeassistant/sensor/front/badge/config";
    server.publish(document, b"{}").await;
    assert_eq!(watcher.message().await.topic, document);
    watcher.publish("homeassistant/status", b"online").await;
    assert_eq!(watcher.message().await.topic, "homeassistant/status");
    for foreign in [
        "gs/1/#",
        "#",
        "gs/1/club/#",
        "gs/1/+/doors/+/status",
        "gs/1/club/zones/ground/head",
        "gs/1/club/agents/a/events",
        "gs/1/club/doors/front/#",
        "homeassistants",
    ] {
        assert!(!watcher.subscribe(foreign).await, "{foreign}");
    }
    assert!(!agent.subscribe("homeassistant/status").await);
    for foreign in [
        "gs/1/club/doors/front/status",
        "gs/1/club/agents/a/command",
        "homeassistant/sensor/front/badge/config",
    ] {
        watcher.publish(foreign, b"forged").await;
    }
    agent.publish("gs/1/club/agents/a/report", b"last").await;
    loop {
        let message = server.message().await;
        assert_ne!(&message.payload[..], b"forged", "{}", message.topic);
        if message.topic.ends_with("/report") {
            break;
        }
    }
}

#[tokio::test]
async fn an_agent_publishes_nothing_but_its_own() {
    let building = Building::start().await;
    let mut server = building.server().await;
    assert!(server.subscribe("gs/1/#").await);
    let mut agent = building.agent("a").await;

    let foreign = [
        "gs/1/club/agents/b/request",
        "gs/1/club/agents/b/report",
        "gs/1/club/agents/b/events",
        "gs/1/club/agents/b/result",
        "gs/1/club/doors/back/status",
        "gs/1/other/agents/a/report",
        "gs/1/other/doors/front/status",
        "gs/1/club/agents/a/report/more",
        "gs/1/club/agents/a",
        "gs/1/club/agents/a/",
        "gs/2/club/agents/a/report",
        "gs/1//agents/a/report",
    ];
    for topic in foreign.into_iter().chain(OWN_READING) {
        agent.publish(topic, b"forged").await;
    }
    agent.publish("gs/1/club/agents/a/report", b"honest").await;
    assert_eq!(server.message().await.payload, "honest");
}

#[tokio::test]
async fn an_agent_subscribes_to_nothing_but_its_own() {
    let building = Building::start().await;
    let mut agent = building.agent("a").await;

    let foreign = [
        "#",
        "+/1/club/agents/a/sync",
        "gs/1/club/#",
        "gs/1/+/agents/a/sync",
        "gs/1/club/agents/+/sync",
        "gs/1/club/agents/a/#",
        "gs/1/club/agents/a/+",
        "gs/1/club/zones/+/head",
        "gs/1/club/zones/basement/head",
        "gs/1/club/zones/basement/policy",
        "gs/1/club/zones/basement/delta",
        "gs/1/club/agents/b/command",
        "gs/1/other/zones/ground/head",
        "gs/1/club/doors/front/status",
        "$SYS/#",
        "$SYS/broker/version",
        "$share/group/gs/1/club/zones/ground/head",
    ];
    for filter in foreign.into_iter().chain(OWN_WRITING) {
        assert!(!agent.subscribe(filter).await, "{filter}");
    }
    assert!(
        agent.subscribe("gs/1/club/zones/ground/head").await,
        "the session still works"
    );
}

#[tokio::test]
async fn even_the_server_has_nothing_outside_the_protocols_topics() {
    let building = Building::start().await;
    let mut server = building.server().await;
    for filter in [
        "#",
        "+/1/#",
        "$SYS/#",
        "$share/group/gs/1/club/zones/ground/head",
        "elsewhere",
    ] {
        assert!(!server.subscribe(filter).await, "{filter}");
    }
}

#[tokio::test]
async fn nobody_connects_without_the_right_password_on_either_listener() {
    let building = Building::start().await;
    for listener in [building.plain(), building.encrypted()] {
        for (client, login) in [
            ("a", None),
            ("a", Some(("a", ""))),
            ("a", Some(("a", "wrong"))),
            ("a", Some(("a", "password of b"))),
            ("server", Some(("server", "wrong"))),
            ("server", Some(("server", ""))),
            ("nobody", Some(("nobody", "password of a"))),
            ("", Some(("", ""))),
            ("", None),
        ] {
            let refusal = Peer::try_connect(&listener, client, login, None)
                .await
                .err()
                .expect("refused");
            let refused_by_name = matches!(
                refusal,
                ConnectionError::ConnectionRefused(
                    ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized
                )
            );
            assert!(refused_by_name, "{client} {login:?}: {refusal}");
        }
        Peer::connect(&listener, "a", "password of a").await;
    }
}

#[tokio::test]
async fn an_agent_cannot_take_over_another_ones_session() {
    let building = Building::start().await;
    let mut server = building.server().await;
    assert!(server.subscribe("gs/1/club/agents/a/report").await);
    let mut agent = building.agent("a").await;
    for client_id in ["a", "test-server", "anything"] {
        let attempt = Peer::try_connect(
            &building.plain(),
            client_id,
            Some(("b", "password of b")),
            None,
        )
        .await;
        assert!(attempt.is_err(), "{client_id}");
    }
    agent
        .publish("gs/1/club/agents/a/report", b"still here")
        .await;
    assert_eq!(server.message().await.payload, "still here");
}

#[tokio::test]
async fn both_listeners_reach_the_same_broker() {
    let building = Building::start().await;
    let mut server = building.server().await;
    server.retain("gs/1/club/zones/ground/head", b"head").await;
    let mut agent = Peer::connect(&building.encrypted(), "a", "password of a").await;
    assert!(agent.subscribe("gs/1/club/zones/ground/head").await);
    assert_eq!(agent.message().await.payload, "head");
}

#[tokio::test]
async fn a_plain_listener_off_loopback_is_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:1883"] {
        let address: SocketAddr = address.parse().expect("an address");
        let settings = Settings {
            loopback: Some(address),
            tls: None,
        };
        let refusal = broker::start(settings, Arc::new(AgentAccess::new(b"x")))
            .await
            .err()
            .expect("refused");
        assert!(
            matches!(refusal, BrokerError::NotLoopback(refused) if refused == address),
            "{refusal}"
        );
    }
    let nowhere = Settings {
        loopback: None,
        tls: None,
    };
    let refusal = broker::start(nowhere, Arc::new(AgentAccess::new(b"x")))
        .await
        .err()
        .expect("refused");
    assert!(matches!(refusal, BrokerError::NoListener));
}

#[tokio::test]
async fn an_address_in_use_is_an_error_and_not_a_broker_without_it() {
    let building = Building::start().await;
    let settings = Settings {
        loopback: building.running.loopback(),
        tls: None,
    };
    let refusal = broker::start(settings, Arc::new(AgentAccess::new(b"x")))
        .await
        .err()
        .expect("refused");
    assert!(matches!(refusal, BrokerError::Listen { .. }), "{refusal}");
}

#[tokio::test]
async fn peers_that_never_finish_a_handshake_keep_nobody_waiting() {
    let building = Building::start().await;
    let mut silent = Vec::new();
    for address in [building.encrypted().address, building.plain().address] {
        for _ in 0..8 {
            silent.push(TcpStream::connect(address).await.expect("connects"));
        }
    }
    Peer::connect(&building.encrypted(), "a", "password of a").await;
    Peer::connect(&building.plain(), "b", "password of b").await;
}

#[tokio::test]
async fn revoking_an_agent_ends_its_session_and_keeps_it_out() {
    let building = Building::start().await;
    let mut server = building.server().await;
    assert!(server.subscribe("gs/1/#").await);
    let will = LastWill::new(
        "gs/1/club/doors/front/status",
        "gone",
        QoS::AtLeastOnce,
        true,
    );
    let login = Some(("a", "password of a"));
    let mut revoked = Peer::try_connect(&building.plain(), "a", login, Some(will))
        .await
        .expect("connects");
    assert!(revoked.subscribe("gs/1/club/zones/ground/head").await);
    let mut other = building.agent("b").await;

    building.access.revoke(&agent_id("a"));
    revoked.closed().await;
    assert!(
        Peer::try_connect(&building.plain(), "a", login, None)
            .await
            .is_err()
    );

    other
        .publish("gs/1/club/agents/b/report", b"unharmed")
        .await;
    assert_eq!(
        server.message().await.payload,
        "unharmed",
        "and no last will of the revoked agent before it"
    );
}

#[tokio::test]
async fn a_changed_grant_ends_the_session_it_was_made_under_and_no_other() {
    let building = Building::start().await;
    let mut server = building.server().await;
    assert!(server.subscribe("gs/1/#").await);
    let mut moved = building.agent("a").await;
    let mut other = building.agent("b").await;
    assert!(moved.subscribe("gs/1/club/zones/ground/head").await);

    building.access.replace(
        &club(),
        [
            (
                agent_id("a"),
                grant("password of a", &["attic"], &["front"]),
            ),
            (
                agent_id("b"),
                grant("password of b", &["basement"], &["back"]),
            ),
        ],
    );
    moved.closed().await;
    let mut moved = building.agent("a").await;
    assert!(!moved.subscribe("gs/1/club/zones/ground/head").await);
    assert!(moved.subscribe("gs/1/club/zones/attic/head").await);

    other
        .publish("gs/1/club/agents/b/report", b"unharmed")
        .await;
    assert_eq!(server.message().await.payload, "unharmed");

    building.access.replace(
        &club(),
        [(
            agent_id("a"),
            grant("password of a", &["attic"], &["front"]),
        )],
    );
    other.closed().await;
    assert!(
        Peer::try_connect(&building.plain(), "b", Some(("b", "password of b")), None)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_last_will_is_for_own_doors_only() {
    let building = Building::start().await;
    let mut server = building.server().await;
    assert!(server.subscribe("gs/1/club/doors/+/status").await);
    let login = Some(("a", "password of a"));

    let foreign = LastWill::new(
        "gs/1/club/doors/back/status",
        "gone",
        QoS::AtLeastOnce,
        true,
    );
    assert!(
        Peer::try_connect(&building.plain(), "a", login, Some(foreign))
            .await
            .is_err()
    );

    let own = LastWill::new(
        "gs/1/club/doors/front/status",
        "gone",
        QoS::AtLeastOnce,
        true,
    );
    drop(
        Peer::try_connect(&building.plain(), "a", login, Some(own))
            .await
            .expect("connects"),
    );
    assert_eq!(server.message().await.topic, "gs/1/club/doors/front/status");
}

#[tokio::test]
async fn five_hundred_retained_messages_all_arrive_at_exact_subscriptions() {
    let building = Building::start().await;
    let zones: Vec<String> = (0..500).map(|number| format!("zone{number}")).collect();
    let names: Vec<&str> = zones.iter().map(String::as_str).collect();
    building
        .access
        .grant(&agent_id("many"), grant("password of many", &names, &[]));
    let topics: BTreeSet<String> = zones
        .iter()
        .map(|zone| format!("gs/1/club/zones/{zone}/head"))
        .collect();

    let mut server = building.server().await;
    for topic in &topics {
        server.retain(topic, b"head").await;
    }
    let mut agent = building.agent("many").await;
    assert!(agent.subscribe_all(topics.iter().cloned()).await);
    let mut received = BTreeSet::new();
    for _ in &topics {
        received.insert(agent.message().await.topic);
    }
    assert_eq!(received, topics);
}

#[tokio::test]
async fn the_largest_message_passes_and_a_larger_one_ends_the_session() {
    let building = Building::start().await;
    let mut server = building.server().await;
    assert!(server.subscribe("gs/1/club/agents/a/events").await);
    let mut agent = building.agent("a").await;
    agent
        .publish("gs/1/club/agents/a/events", &vec![7; MAX_PAYLOAD])
        .await;
    assert_eq!(server.message().await.payload.len(), MAX_PAYLOAD);

    let too_large = vec![7; MAX_PAYLOAD + 2048];
    agent
        .client
        .try_publish(
            "gs/1/club/agents/a/events",
            QoS::AtLeastOnce,
            false,
            too_large,
        )
        .expect("room");
    agent.closed().await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_client_that_does_not_read() {
    let building = Building::start().await;
    let mut server = building.server().await;
    let mut deaf = building.agent("a").await;
    assert!(deaf.subscribe("gs/1/club/zones/ground/delta").await);
    for _ in 0..64 {
        server
            .publish("gs/1/club/zones/ground/delta", &vec![7; MAX_PAYLOAD])
            .await;
    }
    guarded(building.running.stop()).await;
    deaf.closed().await;
}

#[tokio::test]
async fn a_version_5_client_is_told_what_is_refused() {
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
    use rumqttc::v5::{AsyncClient, Event, MqttOptions};

    let building = Building::start().await;
    let mut options = MqttOptions::new("a", "127.0.0.1", building.plain().address.port());
    options
        .set_credentials("a", "password of a")
        .set_keep_alive(Duration::from_secs(60));
    let (client, mut events) = AsyncClient::new(options, 10);
    client
        .try_publish(
            "gs/1/club/agents/b/report",
            QoS::AtLeastOnce,
            false,
            "forged",
        )
        .expect("room");
    client
        .try_publish(
            "gs/1/club/agents/a/report",
            QoS::AtLeastOnce,
            false,
            "honest",
        )
        .expect("room");
    client
        .try_subscribe("gs/1/club/zones/+/head", QoS::AtLeastOnce)
        .expect("room");
    let (mut published, mut subscribed) = (Vec::new(), Vec::new());
    while published.len() < 2 || subscribed.is_empty() {
        match guarded(events.poll()).await.expect("connected") {
            Event::Incoming(Packet::PubAck(answer)) => published.push(answer.reason),
            Event::Incoming(Packet::SubAck(answer)) => subscribed = answer.return_codes,
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
    }
    assert_eq!(published[0], PubAckReason::NotAuthorized);
    assert!(matches!(
        published[1],
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers
    ));
    assert_eq!(subscribed, [SubscribeReasonCode::NotAuthorized]);
}

#[tokio::test]
async fn the_link_carries_messages_both_ways() {
    let building = Building::start().await;
    let (link, mut incoming) =
        building.link(building.encrypted_url(), Trust::PinnedKey(building.pin));
    assert_eq!(next(&mut incoming).await, Incoming::Connected);

    let mut agent = building.agent("a").await;
    assert!(agent.subscribe("gs/1/club/agents/a/command").await);
    link.publish("gs/1/club/agents/a/command", b"unlock".to_vec(), false)
        .expect("accepted");
    assert_eq!(agent.message().await.payload, "unlock");

    for topic in
        ["request", "report", "events", "result"].map(|leaf| format!("gs/1/club/agents/a/{leaf}"))
    {
        agent.publish(&topic, b"hello").await;
        assert_eq!(
            next(&mut incoming).await,
            Incoming::Message {
                topic,
                payload: b"hello".to_vec()
            }
        );
    }
}

#[tokio::test]
async fn the_link_comes_back_after_a_restart_of_the_broker_and_subscribes_again() {
    let mut building = Building::start().await;
    let (link, mut incoming) = building.link(building.plain_url(), Trust::SystemRoots);
    assert_eq!(next(&mut incoming).await, Incoming::Connected);

    let settings = building.settings();
    let replaced = std::mem::replace(&mut building.running, Building::spare().await);
    replaced.stop().await;
    assert!(matches!(
        next(&mut incoming).await,
        Incoming::Disconnected(_)
    ));
    assert_eq!(
        link.publish("gs/1/club/agents/a/command", Vec::new(), false),
        Err(PublishError::Offline)
    );

    building.running = broker::start(settings, building.access.clone())
        .await
        .expect("the ports are free again");
    loop {
        match next(&mut incoming).await {
            Incoming::Connected => break,
            Incoming::Disconnected(_) => {}
            Incoming::Message { topic, .. } => panic!("nothing was published, yet {topic} came"),
        }
    }
    let mut agent = building.agent("a").await;
    assert!(agent.subscribe("gs/1/club/agents/a/command").await);
    agent.publish("gs/1/club/agents/a/report", b"back").await;
    let expected = Incoming::Message {
        topic: "gs/1/club/agents/a/report".to_owned(),
        payload: b"back".to_vec(),
    };
    assert_eq!(next(&mut incoming).await, expected);
    link.publish("gs/1/club/agents/a/command", b"unlock".to_vec(), false)
        .expect("accepted");
    assert_eq!(agent.message().await.payload, "unlock");
}

#[tokio::test]
async fn the_link_refuses_a_broker_with_another_key_or_an_unknown_authority() {
    let building = Building::start().await;
    let mut other = building.pin;
    other.0[31] ^= 1;
    for trust in [Trust::PinnedKey(other), Trust::SystemRoots] {
        let (link, mut incoming) = building.link(building.encrypted_url(), trust);
        let Incoming::Disconnected(reason) = next(&mut incoming).await else {
            panic!("connected to a stranger")
        };
        assert!(reason.contains("certificate"), "{reason}");
        assert!(!link.is_connected());
    }
}

#[tokio::test]
async fn the_link_says_when_its_password_is_refused() {
    let building = Building::start().await;
    let mut target = building.target(building.plain_url(), Trust::SystemRoots);
    target.password = "wrong".to_owned();
    let (_link, mut incoming) = mqtt::connect(&target, &club(), || 0).expect("a good target");
    let Incoming::Disconnected(reason) = next(&mut incoming).await else {
        panic!("connected with a wrong password")
    };
    assert!(reason.contains("BadUserNamePassword"), "{reason}");
}

#[tokio::test]
async fn publishing_to_a_broker_that_does_not_read_is_refused_and_never_waits() {
    let stuck = HandmadeBroker::start().await;
    let (link, mut incoming) =
        mqtt::connect(&stuck.target(), &club(), || 0).expect("a good target");
    let _stuck = stuck.serve([1, 1, 1, 1]).await;
    assert_eq!(next(&mut incoming).await, Incoming::Connected);

    let refusal = (0..100_000).find_map(|_| {
        link.publish("gs/1/club/zones/ground/head", vec![0; 1000], true)
            .err()
    });
    assert_eq!(refusal, Some(PublishError::Full));
    let too_large = vec![0; MAX_PAYLOAD + 1];
    assert_eq!(
        link.publish("gs/1/club/t", too_large, false),
        Err(PublishError::TooLarge(MAX_PAYLOAD + 1))
    );
    assert_eq!(
        link.publish("gs/1/+/t", Vec::new(), false),
        Err(PublishError::Topic)
    );
}

#[tokio::test]
async fn the_link_is_not_connected_while_a_subscription_is_refused() {
    let strict = HandmadeBroker::start().await;
    let (link, mut incoming) =
        mqtt::connect(&strict.target(), &club(), || 0).expect("a good target");
    let _strict = strict.serve([1, 1, 0x80, 1]).await;
    let Incoming::Disconnected(reason) = next(&mut incoming).await else {
        panic!("counted as connected")
    };
    assert!(reason.contains(&server_hears(&club())[2]), "{reason}");
    assert!(!link.is_connected());
}

// ---------------------------------------------------------------------------------------------------------- helpers

const OWN_READING: [&str; 7] = [
    "gs/1/club/zones/ground/head",
    "gs/1/club/zones/ground/policy",
    "gs/1/club/zones/ground/delta",
    "gs/1/club/agents/a/config",
    "gs/1/club/agents/a/sync",
    "gs/1/club/agents/a/ack",
    "gs/1/club/agents/a/command",
];

const OWN_WRITING: [&str; 5] = [
    "gs/1/club/agents/a/request",
    "gs/1/club/agents/a/report",
    "gs/1/club/agents/a/events",
    "gs/1/club/agents/a/result",
    "gs/1/club/doors/front/status",
];

/// Fails the test instead of letting it hang.
async fn guarded<T>(expected: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), expected)
        .await
        .expect("this should have happened long ago")
}

async fn next(incoming: &mut mpsc::Receiver<Incoming>) -> Incoming {
    guarded(incoming.recv())
        .await
        .expect("the link goes on for ever")
}

fn agent_id(name: &str) -> AgentId {
    AgentId::new(name).expect("a good name")
}

fn grant(password: &str, zones: &[&str], doors: &[&str]) -> AgentGrant {
    AgentGrant {
        organisation: club(),
        password_sha256: Sha256::digest(password).into(),
        zones: zones
            .iter()
            .map(|zone| ZoneId::new(*zone).expect("a good name"))
            .collect(),
        doors: doors
            .iter()
            .map(|door| DoorId::new(*door).expect("a good name"))
            .collect(),
    }
}

/// A broker with agent `a` (zone `ground`, door `front`) and agent `b` (zone `basement`, door `back`).
struct Building {
    access: Arc<AgentAccess>,
    running: Running,
    identity: BrokerIdentity,
    pin: KeyPin,
    _keys: TempDir,
}

impl Building {
    async fn start() -> Self {
        let keys = TempDir::new().expect("a directory");
        let identity = BrokerIdentity::load_or_create(keys.path()).expect("a key");
        let watcher = Watcher {
            password_sha256: Sha256::digest(b"password of the watcher").into(),
            discovery: Some("homeassistant".to_owned()),
        };
        let access = AgentAccess::new(b"password of the server")
            .watched(Some("homeassistant".to_owned()), Some(watcher));
        let access = Arc::new(access);
        access.grant(
            &agent_id("a"),
            grant("password of a", &["ground"], &["front"]),
        );
        access.grant(
            &agent_id("b"),
            grant("password of b", &["basement"], &["back"]),
        );
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let settings = settings(any, any, &identity);
        let running = broker::start(settings, access.clone())
            .await
            .expect("a broker");
        Self {
            access,
            running,
            pin: identity.pin(),
            identity,
            _keys: keys,
        }
    }

    async fn spare() -> Running {
        let settings = Settings {
            loopback: Some(([127, 0, 0, 1], 0).into()),
            tls: None,
        };
        broker::start(settings, Arc::new(AgentAccess::new(b"x")))
            .await
            .expect("a broker")
    }

    fn settings(&self) -> Settings {
        settings(
            self.plain().address,
            self.encrypted().address,
            &self.identity,
        )
    }

    fn plain(&self) -> Listener {
        Listener {
            address: self.running.loopback().expect("listening"),
            pin: None,
        }
    }

    fn encrypted(&self) -> Listener {
        Listener {
            address: self.running.tls().expect("listening"),
            pin: Some(self.pin),
        }
    }

    fn plain_url(&self) -> String {
        format!("mqtt://{}", self.plain().address)
    }

    fn encrypted_url(&self) -> String {
        format!("mqtts://{}", self.encrypted().address)
    }

    fn target(&self, url: String, trust: Trust) -> MqttTarget {
        MqttTarget {
            url,
            client_id: "server".to_owned(),
            username: "server".to_owned(),
            password: "password of the server".to_owned(),
            trust,
        }
    }

    fn link(&self, url: String, trust: Trust) -> (LinkHandle, mpsc::Receiver<Incoming>) {
        mqtt::connect(&self.target(url, trust), &club(), || 0).expect("a good target")
    }

    async fn agent(&self, name: &str) -> Peer {
        Peer::connect(&self.plain(), name, &format!("password of {name}")).await
    }

    async fn watcher(&self) -> Peer {
        let login = Some((WATCHER_USER, "password of the watcher"));
        Peer::try_connect(&self.plain(), "watcher-house", login, None)
            .await
            .expect("connects")
    }

    async fn server(&self) -> Peer {
        let login = Some(("server", "password of the server"));
        Peer::try_connect(&self.plain(), "test-server", login, None)
            .await
            .expect("connects")
    }
}

fn club() -> OrganisationId {
    OrganisationId::new("club").expect("a good name")
}

fn settings(loopback: SocketAddr, encrypted: SocketAddr, identity: &BrokerIdentity) -> Settings {
    let tls = TlsSettings {
        address: encrypted,
        certificate: identity.certificate.clone(),
        key: identity.key.clone(),
    };
    Settings {
        loopback: Some(loopback),
        tls: Some(tls),
    }
}

struct Listener {
    address: SocketAddr,
    pin: Option<KeyPin>,
}

/// A client that is connected once and never again.
struct Peer {
    client: AsyncClient,
    events: EventLoop,
    inbox: VecDeque<Publish>,
}

impl Peer {
    async fn connect(listener: &Listener, name: &str, password: &str) -> Self {
        Self::try_connect(listener, name, Some((name, password)), None)
            .await
            .expect("connects")
    }

    async fn try_connect(
        listener: &Listener,
        client_id: &str,
        login: Option<(&str, &str)>,
        will: Option<LastWill>,
    ) -> Result<Self, ConnectionError> {
        let mut options = MqttOptions::new(
            client_id,
            listener.address.ip().to_string(),
            listener.address.port(),
        );
        options
            .set_keep_alive(Duration::from_secs(60))
            .set_max_packet_size(1 << 20, 1 << 20)
            .set_inflight(1000);
        if let Some((username, password)) = login {
            options.set_credentials(username, password);
        }
        if let Some(will) = will {
            options.set_last_will(will);
        }
        if let Some(pin) = listener.pin {
            install_crypto();
            let config = Trust::PinnedKey(pin)
                .client_config()
                .expect("good settings");
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(
                Arc::new(config),
            )));
        }
        let (client, mut events) = AsyncClient::new(options, 1000);
        let first = guarded(events.poll()).await?;
        assert!(
            matches!(first, Event::Incoming(Packet::ConnAck(_))),
            "{first:?} came before the answer to connecting"
        );
        Ok(Self {
            client,
            events,
            inbox: VecDeque::new(),
        })
    }

    /// Whether every one of these filters is granted.
    async fn subscribe_all(&mut self, filters: impl IntoIterator<Item = String>) -> bool {
        let filters = filters
            .into_iter()
            .map(|filter| SubscribeFilter::new(filter, QoS::AtLeastOnce));
        self.client
            .try_subscribe_many(filters)
            .expect("good filters");
        guarded(async {
            loop {
                if let Packet::SubAck(answer) = self.packet().await.expect("connected") {
                    return answer
                        .return_codes
                        .iter()
                        .all(|code| *code != SubscribeReasonCode::Failure);
                }
            }
        })
        .await
    }

    async fn subscribe(&mut self, filter: &str) -> bool {
        self.subscribe_all([filter.to_owned()]).await
    }

    /// Returns when the broker has answered, which does not mean that it passed the message on.
    async fn publish(&mut self, topic: &str, payload: &[u8]) {
        self.client
            .try_publish(topic, QoS::AtLeastOnce, false, payload)
            .expect("room");
        self.acknowledged().await;
    }

    async fn retain(&mut self, topic: &str, payload: &[u8]) {
        self.client
            .try_publish(topic, QoS::AtLeastOnce, true, payload)
            .expect("room");
        self.acknowledged().await;
    }

    async fn acknowledged(&mut self) {
        guarded(async {
            while !matches!(self.packet().await.expect("connected"), Packet::PubAck(_)) {}
        })
        .await;
    }

    async fn message(&mut self) -> Publish {
        guarded(async {
            while self.inbox.is_empty() {
                self.packet().await.expect("connected");
            }
        })
        .await;
        self.inbox.pop_front().expect("not empty")
    }

    async fn closed(&mut self) {
        guarded(async { while self.packet().await.is_ok() {} }).await;
    }

    async fn packet(&mut self) -> Result<Packet, ConnectionError> {
        loop {
            if let Event::Incoming(packet) = self.events.poll().await? {
                if let Packet::Publish(message) = &packet {
                    self.inbox.push_back(message.clone());
                }
                return Ok(packet);
            }
        }
    }
}

/// Accepts one connection, answers its subscription as told, and reads nothing more.
struct HandmadeBroker(TcpListener);

impl HandmadeBroker {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    fn target(&self) -> MqttTarget {
        MqttTarget {
            url: format!("mqtt://{}", self.0.local_addr().expect("listening")),
            client_id: "server".to_owned(),
            username: "server".to_owned(),
            password: "any".to_owned(),
            trust: Trust::SystemRoots,
        }
    }

    async fn serve(self, codes: [u8; 4]) -> (TcpListener, TcpStream) {
        let (mut stream, _) = guarded(self.0.accept()).await.expect("a connection");
        read_packet(&mut stream).await;
        stream.write_all(&[0x20, 2, 0, 0]).await.expect("CONNACK");
        let subscribe = read_packet(&mut stream).await;
        stream
            .write_all(&[0x90, 6, subscribe[0], subscribe[1]])
            .await
            .expect("SUBACK");
        stream.write_all(&codes).await.expect("its codes");
        (self.0, stream)
    }
}

/// What follows the fixed header of a packet shorter than 16 KiB.
async fn read_packet(stream: &mut TcpStream) -> Vec<u8> {
    guarded(stream.read_u8()).await.expect("packet type");
    let low = guarded(stream.read_u8()).await.expect("length");
    let high = if low & 0x80 == 0 {
        0
    } else {
        guarded(stream.read_u8()).await.expect("length")
    };
    let mut rest = vec![0; usize::from(low & 0x7f) + usize::from(high) * 128];
    guarded(stream.read_exact(&mut rest))
        .await
        .expect("the rest");
    rest
}
