//! The bytes of version 1, frozen. When this fails, revert the change: doors in the field speak these bytes.

use shared::allow_list::{AllowList, Delta, Digest, Epoch, Revision};
use shared::badge::{Alarm, BadgeEvent, What};
use shared::calendar::{Calendar, Day, Transition};
use shared::card::{CardKey, CardToken, CardUid};
use shared::decide::{HallHours, Policy};
use shared::door_clock::Quality;
use shared::ids::{BootId, Holder};
use shared::keys::{OpeningKey, PublicKey, SealingKey, Signer};
use shared::pin::PinVerifier;
use shared::reasons::Reason;
use shared::rights::{CardState, Entry, Flags, Right};
use shared::schedule::{Schedule, Window};
use shared::time::{Span, Timestamp};
use shared::wire::pairing::{PairRequest, PairingCode, ServerHello};
use shared::wire::*;

const FROZEN: &str = include_str!("golden/wire_v1.txt");
const AT: Timestamp = Timestamp(1_795_000_000_123);
const BOOT: BootId = BootId([0xb0; 16]);
const EPOCH: Epoch = Epoch {
    number: 3,
    id: [0xe0; 8],
};
const REVISION: Revision = Revision {
    epoch: EPOCH,
    number: 41,
};

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a name")
}

fn signer() -> Signer {
    Signer::from_seed(&[7; 32])
}

fn right() -> Right {
    Right {
        schedule: 2,
        not_before: Some(Timestamp(1)),
        not_after: Some(AT),
        certain: false,
    }
}

fn entry() -> Entry {
    Entry {
        token: CardToken([0xc0; 8]),
        holder: Holder(77),
        state: CardState::Ok,
        rights: vec![right()],
        flags: Flags::KEYHOLDER,
        pin: None,
    }
}

fn delta() -> Delta {
    Delta {
        epoch: EPOCH,
        base: 40,
        number: 41,
        upserts: vec![entry()],
        removals: vec![CardToken([0xd0; 8])],
        digest: Digest([0xda; 32]),
    }
}

fn policy() -> Policy {
    Policy {
        schedules: vec![
            Schedule::always(),
            Schedule {
                windows: vec![Window {
                    days: 31,
                    from: 540,
                    to: 1320,
                }],
            },
        ],
        calendar: Calendar {
            first_offset_seconds: 3600,
            transitions: vec![Transition {
                at: AT,
                offset_seconds: 7200,
            }],
            holidays: vec![Day(20_000)],
        },
        offline_grace: Span::days(14),
        staleness: Some(Span::hours(72)),
        schedules_without_clock: true,
        lockdown: false,
        open_house_until: None,
        hold_open_until: Some(AT),
        hall_hours: None,
        pin_schedule: None,
    }
}

fn event() -> BadgeEvent {
    let what = What::Card {
        token: CardToken([0xc0; 8]),
        holder: Some(Holder(77)),
        reason: Reason::Granted,
        list: Some(REVISION),
        policy: None,
        contact: None,
    };
    BadgeEvent {
        sequence: 5,
        at: AT,
        quality: Quality::Trusted,
        door: Some(name("front")),
        what,
    }
}

/// A card judged by a door that says what it went by.
fn informed_card() -> What {
    What::Card {
        token: CardToken([0xc0; 8]),
        holder: Some(Holder(77)),
        reason: Reason::Granted,
        list: Some(REVISION),
        policy: Some(REVISION),
        contact: Some(AT),
    }
}

fn report() -> Report {
    let held = HeldList {
        revision: REVISION,
        digest: Digest([0xda; 32]),
        kept: Kept::Stored,
    };
    let zone = ZoneReport {
        zone: name("wood"),
        list: Some(held),
        policy: Some(vec![0x50; 32]),
        newest_head: Some(AT),
    };
    Report {
        boot: BOOT,
        counter: 9,
        at: AT,
        quality: Quality::Trusted,
        zones: vec![zone],
        spooled: 2,
        config: Some(REVISION),
        version: "1".into(),
        refused: vec![Refused {
            why: RefusedWhy::Signature,
            count: 4,
        }],
        command_counter: 6,
        audit: None,
        shadow: None,
    }
}

fn config() -> Config {
    let door = DoorConfig {
        door: name("front"),
        zone: name("wood"),
        enrols: true,
        again_within: None,
    };
    Config {
        revision: REVISION,
        issued_at: AT,
        doors: vec![door],
        signers: vec![PublicKey([0x51; 32])],
        sealing: SealingKey([0x52; 32]),
        card_keys: vec![1, 2, 3],
    }
}

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    fn cbor(message: impl minicbor::Encode<()>) -> Vec<u8> {
        minicbor::to_vec(message).expect("writing to memory cannot fail")
    }
    let list = AllowList::build(
        REVISION,
        [
            entry(),
            Entry {
                token: CardToken([0xc1; 8]),
                ..entry()
            },
        ],
    );
    let part = SnapshotPart::cut(&list).remove(0);
    let what = |what: What| cbor(BadgeEvent { what, ..event() });
    let with_pin = Entry {
        pin: Some(PinVerifier([0xd0; 8])),
        ..entry()
    };
    let with_hours = Policy {
        hall_hours: Some(HallHours {
            schedule: 1,
            first_in: true,
        }),
        pin_schedule: Some(2),
        ..Policy::standard()
    };
    let witness = Report {
        audit: Some(vec![vec![0xa0; 40].into()]),
        ..report()
    };
    let mut marking = config();
    marking.doors[0].again_within = Some(Span::minutes(5));
    let card_keys = CardKeys {
        keys: vec![ZoneCardKey {
            zone: name("wood"),
            id: 1,
            key: [0x4b; 32],
        }],
    };
    let hello = ServerHello {
        nonce: [1; 32],
        key: signer().public(),
        sealing: SealingKey([0x52; 32]),
    };
    let code = PairingCode::new([9; 10], &signer().public());
    let request = PairRequest {
        handle: code.handle(),
        nonce: [1; 32],
        key: PublicKey([0x61; 32]),
        sealing: SealingKey([0x62; 32]),
        proof: code.proof(&hello, PublicKey([0x61; 32]), SealingKey([0x62; 32])),
    };
    let pairing = pairing::Pairing {
        organisation: name("club"),
        agent: name("pi-1"),
        broker: "mqtts://broker:8883".into(),
        broker_pin: Some(vec![0x70; 32]),
        password: "secret".into(),
        recovery: PublicKey([0x72; 32]),
        config: config(),
    };
    let head = Head {
        revision: REVISION,
        entries: 2,
        digest: Digest([0xda; 32]),
        policy: [0x50; 32],
        card_key: 1,
        issued_at: AT,
        audit: Some(vec![0xa0; 32]),
    };
    let command = |action| {
        cbor(Command {
            boot: BOOT,
            counter: 6,
            issued_at: AT,
            action,
        })
    };
    let result = |outcome| {
        cbor(CommandResult {
            boot: BOOT,
            counter: 6,
            outcome,
        })
    };
    let door = || name("front");
    vec![
        ("head", cbor(&head)),
        (
            "policy",
            cbor(PolicyMessage {
                revision: REVISION,
                issued_at: AT,
                policy: policy(),
            }),
        ),
        ("delta", cbor(delta())),
        ("config", cbor(config())),
        ("card keys", cbor(card_keys)),
        (
            "sync delta",
            cbor(Sync::Delta {
                zone: name("wood"),
                nonce: 8,
                delta: delta(),
            }),
        ),
        (
            "sync snapshot",
            cbor(Sync::Snapshot {
                zone: name("wood"),
                nonce: 8,
                part,
            }),
        ),
        (
            "request",
            cbor(Request {
                boot: BOOT,
                nonce: 8,
                zone: name("wood"),
                holds: Some(REVISION),
            }),
        ),
        ("report", cbor(report())),
        (
            "report of an agent that only watches",
            cbor(Report {
                shadow: Some(true),
                ..report()
            }),
        ),
        (
            "events",
            cbor(Events {
                boot: BOOT,
                first: 5,
                lowest_kept: 1,
                events: vec![cbor(event()).into()],
            }),
        ),
        (
            "ack",
            cbor(Ack {
                boot: BOOT,
                up_to: 5,
                digest: [0xac; 32],
            }),
        ),
        ("command unlock", command(Action::Unlock { door: door() })),
        ("command enrol", command(Action::Enrol { door: door() })),
        (
            "command identify",
            command(Action::Identify { door: door() }),
        ),
        ("command diagnostics", command(Action::Diagnostics)),
        ("command restart", command(Action::Restart)),
        ("result done", result(Outcome::Done)),
        (
            "result refused",
            result(Outcome::Refused { why: "no".into() }),
        ),
        (
            "result enrolled",
            result(Outcome::Enrolled {
                sealed_uid: vec![1, 2],
            }),
        ),
        ("result no card", result(Outcome::NoCard)),
        (
            "result diagnostics",
            result(Outcome::Diagnostics {
                text: "well".into(),
            }),
        ),
        ("badge card", cbor(event())),
        ("badge card informed", what(informed_card())),
        ("badge exit", what(What::Exit)),
        (
            "badge command",
            what(What::Command {
                counter: 6,
                done: true,
            }),
        ),
        ("badge local", what(What::Local { opened: true })),
        ("badge gap", what(What::Gap { lost: 3, grants: 1 })),
        ("badge started", what(What::Started)),
        (
            "badge rejected",
            what(What::Rejected {
                why: "older".into(),
            }),
        ),
        ("badge contact", what(What::Contact { open: true })),
        (
            "badge alarm",
            what(What::Alarm {
                alarm: Alarm::Guessing,
                on: true,
            }),
        ),
        (
            "badge refusals",
            what(What::Refusals {
                token: CardToken([0xc0; 8]),
                count: 9,
                first: Timestamp(1),
                last: AT,
            }),
        ),
        ("entry with a pin", cbor(with_pin)),
        ("policy with hours", cbor(with_hours)),
        ("config with a door that marks", cbor(marking)),
        ("report of a witness", cbor(witness)),
        ("pair request", cbor(request)),
        ("pairing", cbor(pairing)),
        ("server hello", hello.sign(&signer())),
        (
            "envelope",
            seal(Kind::Head, "gs/1/club/zones/wood/head", &head, &signer()),
        ),
        ("pairing code", code.to_string().into_bytes()),
        ("card token", token().0.to_vec()),
        ("key id", signer().id().0.to_vec()),
        (
            "sealing key",
            OpeningKey::from_seed(&[5; 32]).public().0.to_vec(),
        ),
    ]
}

fn token() -> CardToken {
    CardToken::of(
        &CardUid::parse("0415AB3C").expect("valid"),
        &CardKey([3; 32]),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_bytes_of_version_one_have_not_changed() {
    let now: String = bodies()
        .iter()
        .map(|(name, bytes)| format!("{name}: {}\n", hex(bytes)))
        .collect();
    assert_eq!(
        now, FROZEN,
        "revert the change: doors in the field speak the frozen bytes"
    );
}

#[test]
fn a_message_that_grew_is_still_read() {
    // A map with one more field than this version knows.
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.map(4).expect("memory");
    encoder
        .u8(0)
        .expect("memory")
        .bytes(&[0xb0; 16])
        .expect("memory");
    encoder.u8(1).expect("memory").u64(5).expect("memory");
    encoder
        .u8(2)
        .expect("memory")
        .bytes(&[0xac; 32])
        .expect("memory");
    encoder.u8(9).expect("memory").str("new").expect("memory");
    let ack: Ack =
        minicbor::decode(encoder.writer()).expect("an unknown optional field is ignored");
    assert_eq!(
        ack,
        Ack {
            boot: BOOT,
            up_to: 5,
            digest: [0xac; 32]
        }
    );
}

#[test]
fn every_cut_and_every_flipped_bit_of_an_envelope_is_refused() {
    let topic = "gs/1/club/zones/wood/delta";
    let good = seal(Kind::Delta, topic, &delta(), &signer());
    let find = |id| (id == signer().id()).then(|| signer().public());
    assert_eq!(
        open(&good, topic, find)
            .expect("good")
            .read::<Delta>(Kind::Delta)
            .expect("a delta"),
        delta()
    );
    for end in 0..good.len() {
        assert!(open(&good[..end], topic, find).is_err(), "cut at {end}");
    }
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&bad, topic, find).is_err(), "bit {bit}");
    }
}

#[test]
fn a_message_is_good_only_at_its_topic_by_its_signer_and_as_its_kind() {
    let topic = "gs/1/club/zones/wood/delta";
    let good = seal(Kind::Delta, topic, &delta(), &signer());
    let find = |id| (id == signer().id()).then(|| signer().public());
    assert_eq!(
        open(&good, "gs/1/club/zones/metal/delta", find),
        Err(WireError::Signature)
    );
    assert_eq!(open(&good, topic, |_| None), Err(WireError::Key));
    let other = Signer::from_seed(&[8; 32]).public();
    assert_eq!(
        open(&good, topic, |_| Some(other)),
        Err(WireError::Signature)
    );
    assert_eq!(
        open(&good, topic, find)
            .expect("good")
            .read::<Delta>(Kind::Head),
        Err(WireError::Kind)
    );
    assert!(matches!(
        open(&vec![0; 300_000], topic, find),
        Err(WireError::TooLarge(_))
    ));
}

#[test]
fn one_members_change_takes_less_than_350_bytes_with_its_topic() {
    let topic = "gs/1/makerspace/zones/woodworking/delta";
    let one = Delta {
        removals: Vec::new(),
        ..delta()
    };
    let bytes = seal(Kind::Delta, topic, &one, &signer()).len() + topic.len();
    assert!(bytes <= 330, "{bytes} bytes, and MQTT adds about 8");
}

#[test]
fn a_pairing_code_survives_being_typed_and_a_wrong_one_proves_nothing() {
    let server = signer().public();
    let code = PairingCode::new([0xa5; 10], &server);
    let typed = code
        .to_string()
        .to_lowercase()
        .replace('-', " ")
        .replace('0', "o");
    assert_eq!(PairingCode::parse(&typed), Ok(code.clone()));
    assert!(PairingCode::parse("ABCD").is_err());
    let hello = ServerHello {
        nonce: [1; 32],
        key: server,
        sealing: SealingKey([2; 32]),
    };
    let (key, sealing) = (PublicKey([3; 32]), SealingKey([4; 32]));
    let proof = code.proof(&hello, key, sealing);
    assert_ne!(
        PairingCode::new([0xa6; 10], &server).proof(&hello, key, sealing),
        proof
    );
    assert_ne!(
        code.proof(
            &ServerHello {
                nonce: [9; 32],
                ..hello.clone()
            },
            key,
            sealing
        ),
        proof
    );
    assert_ne!(code.proof(&hello, PublicKey([9; 32]), sealing), proof);
}

#[test]
fn an_impostors_hello_is_refused() {
    let code = PairingCode::new([1; 10], &signer().public());
    let impostor = Signer::from_seed(&[66; 32]);
    let own = ServerHello {
        nonce: [1; 32],
        key: impostor.public(),
        sealing: SealingKey([2; 32]),
    };
    let signed = own.sign(&impostor);
    assert_eq!(
        ServerHello::verify(&signed, &code, &[1; 32], impostor.public()),
        Err(WireError::Key)
    );
    let borrowed = ServerHello {
        key: signer().public(),
        ..own
    };
    assert!(
        ServerHello::verify(
            &borrowed.sign(&impostor),
            &code,
            &[1; 32],
            signer().public()
        )
        .is_err()
    );
    let good = ServerHello {
        nonce: [1; 32],
        key: signer().public(),
        sealing: SealingKey([2; 32]),
    };
    assert!(
        ServerHello::verify(&good.sign(&signer()), &code, &[2; 32], signer().public()).is_err()
    );
    assert_eq!(
        ServerHello::verify(&good.sign(&signer()), &code, &[1; 32], signer().public()),
        Ok(good)
    );
}
