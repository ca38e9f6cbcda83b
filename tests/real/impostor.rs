//! Pairing with somebody else in the server's place, or in between: whoever it is gets nothing.

use crate::agent::{AGENT, Agent};
use crate::http::{Answer, Ask, RUNTIME};
use crate::server::Server;
use crate::wait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use door_agent::disk::Directory;
use door_agent::identity::{self, IdentityError};
use serde_json::json;
use shared::wire::pairing::{PairRequest, PairingCode};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// A request and its answer, as somebody in between sees them.
#[derive(Debug, Clone)]
struct Heard {
    path: String,
    asked: Vec<u8>,
    answered: Answer,
}

/// What somebody in between does to a request or to an answer.
type Meddle = fn(&str, Vec<u8>) -> Vec<u8>;

struct Between {
    to: String,
    asking: Meddle,
    answering: Meddle,
    heard: Mutex<Vec<Heard>>,
}

fn nothing(_: &str, bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

impl Between {
    /// Somebody who passes on what is sent to a server; also the address at which that goes on.
    fn start(to: &Server, asking: Meddle, answering: Meddle) -> (Arc<Self>, String) {
        let between = Arc::new(Self {
            to: to.url(),
            asking,
            answering,
            heard: Mutex::default(),
        });
        let router = Router::new().fallback(pass_on).with_state(between.clone());
        let bound = RUNTIME.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = bound.expect("a port of this machine");
        let address = listener.local_addr().expect("it listens");
        RUNTIME.spawn(async move { axum::serve(listener, router).await });
        (between, format!("http://{address}"))
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether these bytes were ever sent, in either direction.
    fn saw(&self, bytes: &[u8]) -> bool {
        let within = |text: &[u8]| text.windows(bytes.len()).any(|part| part == bytes);
        self.heard()
            .iter()
            .any(|heard| within(&heard.asked) || within(&heard.answered.body))
    }
}

async fn pass_on(
    State(between): State<Arc<Between>>,
    uri: Uri,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    let path = uri.path().to_owned();
    let ask = Ask {
        method: Method::POST,
        url: format!("{}{path}", between.to),
        headers: vec![("content-type", "application/cbor".to_owned())],
        body: (between.asking)(&path, body.to_vec()),
    };
    let answered = ask.begin().await.expect("it does not panic");
    let answered = answered.expect("the server answers");
    let answer = (between.answering)(&path, answered.body.clone());
    let status = StatusCode::from_u16(answered.status).expect("a status");
    let heard = Heard {
        path,
        asked: body.to_vec(),
        answered,
    };
    between
        .heard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(heard);
    (status, answer)
}

fn server() -> (TempDir, Server) {
    let folder = wait::scratch();
    let mut server = Server::new(folder.path(), &[]);
    server.start();
    (folder, server)
}

fn code(server: &Server, agent: &str) -> String {
    let made = server.post("/agents", &json!({"id": agent, "name": agent}));
    made["code"].as_str().expect("a code").to_owned()
}

/// The command must fail with these words, and leave the agent unpaired.
fn fails(agent: &Agent, url: &str, code: &str, words: &str) {
    let tried = agent.try_pair(url, code);
    let said = String::from_utf8_lossy(&tried.stderr).into_owned();
    assert!(!tried.status.success(), "{said}");
    assert!(said.contains(words), "{said} should say: {words}");
    let disk = Directory::read_only(&agent.state());
    assert!(matches!(
        identity::load(&disk),
        Err(IdentityError::NotPaired)
    ));
}

fn state_on(server: &Server, agent: &str) -> String {
    let shown = server.get(&format!("/agents/{agent}"));
    shown["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn another_server_in_its_place_is_told_nothing_and_the_code_stays_good() {
    let ((_own, server), (_others, impostor)) = (server(), server());
    let folder = wait::scratch();
    let agent = Agent::new(folder.path(), &["front"]);
    let good = code(&server, AGENT);
    // The impostor even has an agent of that name waiting.
    code(&impostor, AGENT);
    let (between, url) = Between::start(&impostor, nothing, nothing);

    let words = "this is not the server that made the code";
    fails(&agent, &url, &good, words);
    let heard = between.heard();
    assert_eq!(heard.len(), 1, "one greeting: {heard:?}");
    assert_eq!(
        (heard[0].path.as_str(), heard[0].asked.len()),
        ("/api/v1/pair/hello", 32)
    );
    let secret = PairingCode::parse(&good).expect("a code");
    assert!(!between.saw(&secret.secret()));
    assert_eq!(state_on(&impostor, AGENT), "unpaired");

    let paired = agent.try_pair(&server.url(), &good);
    assert!(paired.status.success(), "{paired:?}");
    assert_eq!(state_on(&server, AGENT), "paired");
}

#[test]
fn whoever_passes_on_everything_can_neither_read_nor_use_it() {
    let (_own, server) = server();
    let folder = wait::scratch();
    let agent = Agent::new(folder.path(), &["front"]);
    let good = code(&server, AGENT);
    let (between, url) = Between::start(&server, nothing, nothing);
    let paired = agent.try_pair(&url, &good);
    assert!(paired.status.success(), "{paired:?}");

    let disk = Directory::read_only(&agent.state());
    let (_, paired) = identity::load(&disk).expect("it is paired");
    let pairing = &paired.pairing;
    let own_secret = PairingCode::parse(&good).expect("a code").secret();
    for (what, bytes) in [
        ("the code's secret", own_secret.as_slice()),
        ("the password", pairing.password.as_bytes()),
        ("the broker", pairing.broker.as_bytes()),
    ] {
        assert!(!between.saw(bytes), "{what} went over the wire");
    }
    let heard = between.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    // The same proof a second time.
    let again = Ask {
        method: Method::POST,
        url: format!("{}{}", server.url(), heard[1].path),
        headers: vec![("content-type", "application/cbor".to_owned())],
        body: heard[1].asked.clone(),
    };
    assert_eq!(again.send().expect("it answers").status, 403);
}

fn turn_a_bit(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut turned = bytes.to_vec();
    turned[place] ^= 1;
    turned
}

/// Puts a sealing key of one's own into the agent's proof.
fn ask_for_oneself(path: &str, bytes: Vec<u8>) -> Vec<u8> {
    if path != "/api/v1/pair" {
        return bytes;
    }
    let mut request: PairRequest = minicbor::decode(&bytes).expect("a request");
    request.sealing = shared::keys::OpeningKey::from_seed(&[7; 32]).public();
    minicbor::to_vec(request).expect("writing to memory cannot fail")
}

fn change_the_greeting(path: &str, bytes: Vec<u8>) -> Vec<u8> {
    match path {
        "/api/v1/pair/hello" => turn_a_bit(&bytes, bytes.len() - 1),
        _ => bytes,
    }
}

fn change_the_key(path: &str, bytes: Vec<u8>) -> Vec<u8> {
    match path {
        "/api/v1/pair/hello" => turn_a_bit(&bytes, 0),
        _ => bytes,
    }
}

fn change_the_answer(path: &str, bytes: Vec<u8>) -> Vec<u8> {
    match path {
        "/api/v1/pair" => turn_a_bit(&bytes, bytes.len() / 2),
        _ => bytes,
    }
}

#[test]
fn whoever_changes_what_passes_is_noticed() {
    let (_own, server) = server();
    let folder = wait::scratch();
    let agent = Agent::new(folder.path(), &["front"]);
    let wrong = "this is not the server that made the code";
    let cases: [(&str, Meddle, Meddle, &str, &str); 4] = [
        ("greeting", nothing, change_the_greeting, wrong, "unpaired"),
        ("key", nothing, change_the_key, wrong, "unpaired"),
        ("proof", ask_for_oneself, nothing, "403", "unpaired"),
        (
            "answer",
            nothing,
            change_the_answer,
            "not sealed to this agent",
            "paired",
        ),
    ];
    for (name, asking, answering, words, state) in cases {
        let good = code(&server, name);
        let (_between, url) = Between::start(&server, asking, answering);
        fails(&agent, &url, &good, words);
        assert_eq!(state_on(&server, name), state, "{name}");
        if state == "unpaired" {
            let paired = agent.try_pair(&server.url(), &good);
            assert!(
                paired.status.success(),
                "the code of {name} is still good: {paired:?}"
            );
            std::fs::remove_dir_all(agent.state()).expect("the test's own folder");
        }
    }
}
