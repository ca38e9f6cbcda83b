//! Agents and doors: pairing, what is held, commands, enrolment.

use crate::support::{Api, keys};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use serde_json::{Value, json};
use server::doors::commands::Came;
use server::random::Handed;
use server::store::{agents, lists};
use sha2::{Digest, Sha256};
use shared::card::CardUid;
use shared::door_clock::Quality;
use shared::ids::{AgentId, BootId, ZoneId};
use shared::keys::{OpeningKey, Signer};
use shared::time::Span;
use shared::wire::pairing::{PURPOSE, PairRequest, Pairing, PairingCode, ServerHello};
use shared::wire::{CommandResult, ENROL_PURPOSE, HeldList, Kept, Outcome, Report, ZoneReport};

const NONCE: [u8; 32] = [9; 32];
const BOOT: BootId = BootId([3; 16]);

pub struct Pi {
    pub signer: Signer,
    opening: OpeningKey,
}

impl Pi {
    fn new() -> Self {
        Self {
            signer: Signer::from_seed(&[21; 32]),
            opening: OpeningKey::from_seed(&[22; 32]),
        }
    }

    fn request(&self, code: &PairingCode, hello: &ServerHello) -> PairRequest {
        let (key, sealing) = (self.signer.public(), self.opening.public());
        let proof = code.proof(hello, key, sealing);
        PairRequest {
            handle: code.handle(),
            nonce: NONCE,
            key,
            sealing,
            proof,
        }
    }
}

async fn post(api: &Api, path: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let response = api
        .send(
            Request::post(path)
                .body(Body::from(body))
                .expect("a request"),
        )
        .await;
    let status = response.status().as_u16();
    (
        status,
        to_bytes(response.into_body(), usize::MAX)
            .await
            .expect("a body")
            .to_vec(),
    )
}

async fn hello(api: &Api, code: &PairingCode) -> ServerHello {
    let (status, body) = post(api, "/api/v1/pair/hello", NONCE.to_vec()).await;
    assert_eq!(status, 200);
    let (key, signed) = body.split_at(32);
    let key = shared::keys::PublicKey(key.try_into().expect("32 bytes"));
    ServerHello::verify(signed, code, &NONCE, key).expect("the server that the code names")
}

async fn pair(api: &Api, request: &PairRequest) -> (u16, Vec<u8>) {
    post(
        api,
        "/api/v1/pair",
        minicbor::to_vec(request).expect("encodes"),
    )
    .await
}

fn code(made: &Value) -> PairingCode {
    PairingCode::parse(made["code"].as_str().expect("a code")).expect("a code")
}

/// The agent `pi` with the door `front` of the zone `hall`, paired.
pub async fn paired(api: &Api) -> Pi {
    api.furnish().await;
    let made = api
        .post(
            "/api/v1/agents",
            json!({"id": "pi", "name": "Pi at the front"}),
        )
        .await;
    let door = json!({"name": "Front", "zone": "hall", "agent": "pi", "enrols": true});
    api.put("/api/v1/doors/front", door).await;
    let pi = Pi::new();
    let code = code(&made);
    let (status, _) = pair(api, &pi.request(&code, &hello(api, &code).await)).await;
    assert_eq!(status, 200);
    pi
}

#[tokio::test]
async fn an_agent_is_paired_by_its_code_and_gets_everything_sealed() {
    let api = Api::new().await;
    api.furnish().await;
    let made = api
        .post(
            "/api/v1/agents",
            json!({"id": "pi", "name": "Pi at the front"}),
        )
        .await;
    assert_eq!(made["expires_at"], "2026-01-05T10:15:00Z");
    api.put(
        "/api/v1/doors/front",
        json!({"name": "Front", "zone": "hall", "agent": "pi"}),
    )
    .await;
    assert_eq!(api.get("/api/v1/agents/pi").await["state"], "unpaired");
    let (pi, code) = (Pi::new(), code(&made));
    let hello = hello(&api, &code).await;
    let request = pi.request(&code, &hello);
    let (status, sealed) = pair(&api, &request).await;
    assert_eq!(status, 200);
    let plain = pi
        .opening
        .open(PURPOSE, &sealed)
        .expect("sealed to this agent");
    let pairing = Pairing::verify(&plain, hello.key).expect("signed by the server");
    assert_eq!(
        (pairing.agent.as_str(), pairing.broker.as_str()),
        ("pi", "mqtt://127.0.0.1:1883")
    );
    assert_eq!(pairing.config.doors.len(), 1);
    assert_eq!(api.get("/api/v1/agents").await[0]["state"], "paired");
    let mut tx = api.tx().await;
    let id = AgentId::new("pi").expect("a name");
    let agent = agents::find(&mut tx, &api.app.organisation, &id)
        .await
        .expect("read")
        .expect("there");
    drop(tx);
    assert_eq!(
        agent.password,
        Some(Sha256::digest(&pairing.password).into())
    );
    assert_eq!(agent.key, Some(pi.signer.public()));
    assert_eq!(pair(&api, &request).await.0, 403, "a code is good once");
    let revoked = api.post("/api/v1/agents/pi/revoke", json!({})).await;
    assert_eq!(revoked["state"], "revoked");
}

#[tokio::test]
async fn an_impostor_gets_nothing() {
    let api = Api::new().await;
    let made = api
        .post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
        .await;
    let (pi, code) = (Pi::new(), code(&made));
    // A server with other keys is refused by the code's fingerprint before anything is proved.
    let other = keys(7);
    let answer = server::doors::pairing::hello(&other, NONCE);
    let key = other.signer().public();
    assert!(ServerHello::verify(&answer[32..], &code, &NONCE, key).is_err());
    // Somebody in the middle who puts in keys of its own breaks the proof.
    let mut relayed = pi.request(&code, &hello(&api, &code).await);
    relayed.sealing = OpeningKey::from_seed(&[66; 32]).public();
    assert_eq!(pair(&api, &relayed).await.0, 403);
    // A code of another server names nothing here.
    let foreign = PairingCode::new([5; 10], &key);
    let hello = ServerHello {
        nonce: NONCE,
        key,
        sealing: other.opening().public(),
    };
    assert_eq!(pair(&api, &pi.request(&foreign, &hello)).await.0, 403);
    assert_eq!(
        post(&api, "/api/v1/pair", b"not CBOR".to_vec()).await.0,
        400
    );
    assert_eq!(post(&api, "/api/v1/pair", vec![0; 4000]).await.0, 413);
    assert_eq!(post(&api, "/api/v1/pair/hello", vec![1; 31]).await.0, 422);
    assert_eq!(api.get("/api/v1/agents/pi").await["state"], "unpaired");
}

#[tokio::test]
async fn a_code_survives_four_wrong_proofs_and_not_five() {
    for (wrong, status) in [(4, 200), (5, 403)] {
        let api = Api::new().await;
        let made = api
            .post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
            .await;
        let (pi, code) = (Pi::new(), code(&made));
        let right = pi.request(&code, &hello(&api, &code).await);
        for _ in 0..wrong {
            assert_eq!(
                pair(
                    &api,
                    &PairRequest {
                        proof: [0; 32],
                        ..right.clone()
                    }
                )
                .await
                .0,
                403
            );
        }
        assert_eq!(pair(&api, &right).await.0, status);
    }
}

#[tokio::test]
async fn a_code_is_too_old_after_fifteen_minutes_and_void_after_the_next() {
    let api = Api::new().await;
    let first = code(
        &api.post("/api/v1/agents", json!({"id": "pi", "name": "Pi"}))
            .await,
    );
    let pi = Pi::new();
    let hello = hello(&api, &first).await;
    let second = code(&api.post("/api/v1/agents/pi/pairing-code", json!({})).await);
    assert_eq!(pair(&api, &pi.request(&first, &hello)).await.0, 403);
    api.wait(Span::minutes(15));
    assert_eq!(pair(&api, &pi.request(&second, &hello)).await.0, 403);
    let third = code(&api.post("/api/v1/agents/pi/pairing-code", json!({})).await);
    api.wait(Span::seconds(15 * 60 - 1));
    assert_eq!(pair(&api, &pi.request(&third, &hello)).await.0, 200);
}

#[tokio::test]
async fn whoever_asks_too_often_waits_a_minute() {
    let api = Api::new().await;
    for _ in 0..60 {
        assert_eq!(
            post(&api, "/api/v1/pair/hello", NONCE.to_vec()).await.0,
            200
        );
    }
    assert_eq!(
        post(&api, "/api/v1/pair/hello", NONCE.to_vec()).await.0,
        429
    );
    api.wait(Span::minutes(1));
    assert_eq!(
        post(&api, "/api/v1/pair/hello", NONCE.to_vec()).await.0,
        200
    );
}

async fn report(api: &Api, counter: u64, zones: Vec<ZoneReport>) {
    let report = Report {
        boot: BOOT,
        counter,
        at: api.now(),
        quality: Quality::Untrusted,
        zones,
        spooled: 4,
        config: None,
        version: "0.1.0".to_owned(),
        refused: Vec::new(),
        command_counter: 0,
        audit: None,
        shadow: None,
    };
    let mut tx = api.tx().await;
    let body = minicbor::to_vec(&report).expect("encodes");
    let id = AgentId::new("pi").expect("a name");
    let kept = agents::put_report(
        &mut tx,
        &api.app.organisation,
        &id,
        BOOT,
        counter,
        &body,
        api.now(),
    )
    .await;
    assert!(kept.expect("kept"));
    tx.commit().await.expect("committed");
}

/// The agent says that it holds what is newest of the zone `hall`.
pub async fn reports_what_is_newest(api: &Api, counter: u64) {
    let zone = ZoneId::new("hall").expect("a name");
    let mut tx = api.tx().await;
    let head = lists::lock_zone(&mut tx, &api.app.organisation, &zone).await;
    let head = head.expect("a zone");
    drop(tx);
    let held = HeldList {
        revision: head.revision,
        digest: head.digest,
        kept: Kept::Stored,
    };
    let policy: [u8; 32] = Sha256::digest(&head.policy).into();
    let zone = ZoneReport {
        zone,
        list: Some(held),
        policy: Some(policy.to_vec()),
        newest_head: Some(api.now()),
    };
    report(api, counter, vec![zone]).await;
}

#[tokio::test]
async fn an_agent_is_shown_by_its_own_signed_word() {
    let api = Api::new().await;
    paired(&api).await;
    let zone = ZoneId::new("hall").expect("a name");
    let mut tx = api.tx().await;
    let head = lists::lock_zone(&mut tx, &api.app.organisation, &zone)
        .await
        .expect("a zone");
    drop(tx);
    let held = HeldList {
        revision: head.revision,
        digest: head.digest,
        kept: Kept::Volatile,
    };
    let policy: [u8; 32] = Sha256::digest(&head.policy).into();
    let newest_head = Some(api.now() - Span::seconds(30));
    report(
        &api,
        1,
        vec![ZoneReport {
            zone,
            list: Some(held),
            policy: Some(policy.to_vec()),
            newest_head,
        }],
    )
    .await;
    let view = api.get("/api/v1/agents/pi").await;
    assert_eq!(
        (&view["in_contact"], &view["report"]["clock_trusted"]),
        (&json!(true), &json!(false))
    );
    let zone = &view["report"]["zones"][0];
    assert_eq!(
        (&zone["current"], &zone["policy_current"], &zone["behind"]),
        (&json!(true), &json!(true), &json!(0))
    );
    assert_eq!(
        (&zone["kept"], &zone["lag_seconds"]),
        (&json!("volatile"), &json!(30))
    );
    // The list goes on; the same word now tells that the door is behind.
    api.post(
        "/api/v1/members/1/grants",
        json!({"membership": "full", "reason": "founder"}),
    )
    .await;
    api.post("/api/v1/cards", json!({"member": 1, "uid": "0415AB3C"}))
        .await;
    api.wait(Span::minutes(11));
    let view = api.get("/api/v1/agents/pi").await;
    assert_eq!(
        (&view["in_contact"], &view["report"]["zones"][0]["behind"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(view["report"]["zones"][0]["current"], false);
}

#[tokio::test]
async fn doors_are_made_shown_and_taken_away() {
    let api = Api::new().await;
    paired(&api).await;
    let door = api.get("/api/v1/doors/front").await;
    assert_eq!(
        door,
        json!({"id": "front", "name": "Front", "zone": "hall", "agent": "pi", "enrols": true,
            "again_within_seconds": null})
    );
    assert_eq!(api.get("/api/v1/doors").await, json!([door]));
    let marks = json!({"name": "Front", "zone": "hall", "agent": "pi", "again_within_seconds": 90});
    let door = api.put("/api/v1/doors/front", marks).await;
    assert_eq!(door["again_within_seconds"], 90);
    let pi = AgentId::new("pi").expect("a name");
    let told = agents::doors(&mut api.tx().await, &api.app.organisation, &pi).await;
    assert_eq!(told.expect("read")[0].again_within, Some(Span::seconds(90)));
    api.delete("/api/v1/doors/front").await;
    assert_eq!(api.get("/api/v1/doors").await, json!([]));
}

/// Asks for a command, which an agent answers so; status and answer.
async fn command(
    api: &mut Api,
    path: &str,
    body: Value,
    counter: u64,
    outcome: Outcome,
) -> (u16, Value) {
    api.published();
    let mut outbox = std::mem::replace(&mut api.outbox, tokio::sync::mpsc::unbounded_channel().1);
    let results = api.bells.results.clone();
    let agent = async {
        let told = outbox.recv().await.expect("a command");
        assert_eq!(told[0].topic, "gs/1/club/agents/pi/command");
        let name = |text: &str| AgentId::new(text).expect("a name");
        // What others answer, and what was answered before, is not for this waiter.
        for (agent, counter) in [("other", counter), ("pi", counter - 1)] {
            let result = CommandResult {
                boot: BOOT,
                counter,
                outcome: Outcome::NoCard,
            };
            results.send((name(agent), result)).expect("somebody waits");
        }
        results
            .send((
                name("pi"),
                CommandResult {
                    boot: BOOT,
                    counter,
                    outcome,
                },
            ))
            .expect("somebody waits");
    };
    let (answer, ()) = tokio::join!(api.ask(Method::POST, path, Some(body)), agent);
    api.outbox = outbox;
    (answer.0.as_u16(), answer.1)
}

#[tokio::test]
async fn a_command_is_told_and_its_answer_comes_back() {
    let mut api = Api::new().await;
    paired(&api).await;
    let unlock = json!({"action": "unlock"});
    let (status, field, _) = api
        .refused(
            Method::POST,
            "/api/v1/doors/front/commands",
            Some(unlock.clone()),
        )
        .await;
    assert_eq!(
        (status, field.as_deref()),
        (409, Some("agent")),
        "it has not said which run it is in"
    );
    report(&api, 1, Vec::new()).await;
    let path = "/api/v1/doors/front/commands";
    let done = command(&mut api, path, unlock.clone(), 1, Outcome::Done).await;
    assert_eq!(done, (200, json!({"outcome": "done"})));
    let refused = Outcome::Refused {
        why: "the clock is untrusted".to_owned(),
    };
    let (status, problem) = command(&mut api, path, unlock, 2, refused).await;
    assert_eq!((status, &problem["field"]), (409, &json!("action")));
    let text = Outcome::Diagnostics {
        text: "all well".to_owned(),
    };
    let told = command(
        &mut api,
        "/api/v1/agents/pi/commands",
        json!({"action": "diagnostics"}),
        3,
        text,
    )
    .await;
    assert_eq!(
        told,
        (200, json!({"outcome": "diagnostics", "text": "all well"}))
    );
}

fn shown(api: &Api, uid: &str) -> Outcome {
    let uid = CardUid::parse(uid).expect("a card");
    let mut random = Handed::new(|bytes: &mut [u8]| bytes.fill(5));
    let sealed = api
        .app
        .keys
        .opening()
        .public()
        .seal(ENROL_PURPOSE, uid.as_bytes(), &mut random);
    Outcome::Enrolled {
        sealed_uid: sealed.expect("sealed"),
    }
}

#[tokio::test]
async fn a_card_shown_twice_becomes_the_members_and_one_with_an_owner_is_refused() {
    let mut api = Api::new().await;
    paired(&api).await;
    report(&api, 1, Vec::new()).await;
    let (ada, grace) = (1, api.member("Grace").await);
    let path = "/api/v1/doors/front/commands";
    let (status, field, _) = api
        .refused(Method::POST, path, Some(json!({"action": "enrol"})))
        .await;
    assert_eq!((status, field.as_deref()), (422, Some("member")));
    let card = shown(&api, "0415AB3C");
    let (status, told) = command(
        &mut api,
        path,
        json!({"action": "enrol", "member": ada}),
        1,
        card.clone(),
    )
    .await;
    assert_eq!(
        (status, &told["card"]["last_digits"]),
        (200, &json!("AB3C")),
        "{told}"
    );
    let (status, told) = command(
        &mut api,
        path,
        json!({"action": "enrol", "member": grace}),
        2,
        card,
    )
    .await;
    assert_eq!((status, &told["field"]), (409, &json!("card")), "{told}");
    let nothing = command(
        &mut api,
        path,
        json!({"action": "enrol", "member": grace}),
        3,
        Outcome::NoCard,
    )
    .await;
    assert_eq!(nothing, (200, json!({"outcome": "no_card"})));
    assert_eq!(
        api.get("/api/v1/cards").await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    api.put(
        "/api/v1/doors/front",
        json!({"name": "Front", "zone": "hall", "agent": "pi"}),
    )
    .await;
    let enrol = json!({"action": "enrol", "member": grace});
    let (status, field, _) = api.refused(Method::POST, path, Some(enrol)).await;
    assert_eq!((status, field.as_deref()), (409, Some("door")));
}

#[tokio::test]
async fn a_fob_shown_twice_goes_into_the_pool() {
    let mut api = Api::new().await;
    paired(&api).await;
    report(&api, 1, Vec::new()).await;
    let path = "/api/v1/doors/front/commands";
    for wrong in [
        json!({"action": "enrol", "member": 1, "fob": "Red"}),
        json!({"action": "enrol", "fob": ""}),
    ] {
        assert_eq!(api.refused(Method::POST, path, Some(wrong)).await.0, 422);
    }
    let fob = shown(&api, "0415AB3C");
    let red = json!({"action": "enrol", "fob": "Red"});
    let (status, told) = command(&mut api, path, red.clone(), 1, fob.clone()).await;
    assert_eq!(
        (status, &told["outcome"]),
        (200, &json!("pooled")),
        "{told}"
    );
    let pool = api.get("/api/v1/loaners").await;
    assert_eq!(
        (&pool[0]["id"], &pool[0]["label"], &pool[0]["last_digits"]),
        (&told["loaner"], &json!("Red"), &json!("AB3C"))
    );
    let (status, told) = command(&mut api, path, red.clone(), 2, fob.clone()).await;
    assert_eq!((status, &told["field"]), (409, &json!("card")), "{told}");
    let for_ada = json!({"action": "enrol", "member": 1});
    let (status, told) = command(&mut api, path, for_ada, 3, fob).await;
    assert_eq!((status, &told["field"]), (409, &json!("card")), "{told}");
    let nothing = command(&mut api, path, red, 4, Outcome::NoCard).await;
    assert_eq!(nothing, (200, json!({"outcome": "no_card"})));
    assert_eq!(
        api.get("/api/v1/loaners").await.as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(api.get("/api/v1/cards").await["items"], json!([]));
}

#[tokio::test]
async fn a_result_counts_once() {
    let api = Api::new().await;
    paired(&api).await;
    report(&api, 1, Vec::new()).await;
    let id = AgentId::new("pi").expect("a name");
    let result = CommandResult {
        boot: BOOT,
        counter: 9,
        outcome: Outcome::Done,
    };
    let mut tx = api.tx().await;
    let came = server::doors::commands::record(
        &mut tx,
        &api.app.keys,
        &api.app.organisation,
        &id,
        &result,
    )
    .await;
    assert_eq!(came.expect("read"), None::<Came>);
    drop(tx);
    let settled = server::web::settle(&api.app, &id, &result, api.now())
        .await
        .expect("read");
    assert!(settled.is_none(), "nobody asked for it");
}
