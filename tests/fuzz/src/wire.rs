//! What comes over the wire: topics, envelopes, bodies, pairing.

use minicbor::{Decode, Encode};
use shared::allow_list::{AllowList, Delta, Digest, Epoch, Revision};
use shared::badge::{BadgeEvent, Weight};
use shared::card::CardToken;
use shared::decide::{Knowledge, Policy, decide};
use shared::door_clock::{Quality, Reading};
use shared::ids::Holder;
use shared::keys::{KeyId, OpeningKey, Signer};
use shared::rights::{CardState, Entry, Flags, Right};
use shared::time::Timestamp;
use shared::wire::pairing::{PURPOSE, PairRequest, Pairing, PairingCode, ServerHello};
use shared::wire::{
    Ack, CardKeys, Command, CommandResult, Config, Events, Head, Kind, PolicyMessage, Report,
    Request, SnapshotPart, Sync, Topic, open, seal,
};

/// What was read is read again the same after it was written.
fn body<T>(data: &[u8]) -> Option<T>
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq,
{
    let read: T = minicbor::decode(data).ok()?;
    let written = minicbor::to_vec(&read).expect("writing to memory cannot fail");
    let again = minicbor::decode::<T>(&written).ok();
    assert!(again.as_ref() == Some(&read));
    Some(read)
}

fn signer() -> Signer {
    Signer::from_seed(&[7; 32])
}

fn text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}

const HEAD_TOPIC: &str = "gs/1/club/zones/wood/head";

/// Opens only what says what was signed, and only where it was sent.
pub fn envelope(data: &[u8]) -> bool {
    let signer = signer();
    let find = |id: KeyId| (id == signer.id()).then(|| signer.public());
    let Ok(opened) = open(data, HEAD_TOPIC, find) else {
        return false;
    };
    // The one message that this key has signed: the seed.
    let head: Head = opened.read(Kind::Head).expect("a head was signed");
    let signed = open(
        &seal(Kind::Head, HEAD_TOPIC, &head, &signer),
        HEAD_TOPIC,
        find,
    );
    assert_eq!(signed, Ok(opened));
    assert_eq!(head.card_key, 1);
    assert!(open(data, "gs/1/club/zones/metal/head", find).is_err());
    assert!(open(data, HEAD_TOPIC, |_| None).is_err());
    true
}

/// What [`OpeningKey::open`] opens of all that comes here: the seed.
const SEALED_BYTES: usize = 32 + 16 + 5;

/// Opens nothing that was not sealed.
pub fn sealed(data: &[u8]) -> bool {
    let opened = OpeningKey::from_seed(&[5; 32]).open(PURPOSE, data);
    opened.is_ok_and(|plain| {
        assert_eq!((&plain[..], data.len()), (&b"plain"[..], SEALED_BYTES));
        true
    })
}

pub fn topic(data: &[u8]) -> bool {
    let text = text(data);
    Topic::parse(&text).is_some_and(|topic| {
        assert_eq!(topic.to_string(), text);
        true
    })
}

pub fn head(data: &[u8]) -> bool {
    body::<Head>(data).is_some()
}

fn revision(number: u64) -> Revision {
    Revision {
        epoch: Epoch {
            number: 3,
            id: [0xe0; 8],
        },
        number,
    }
}

/// Any rules are rules for any card at any time, and those that are named are those that were read.
pub fn policy(data: &[u8]) -> bool {
    let Some(message) = body::<PolicyMessage>(data) else {
        return false;
    };
    if let Some(rules) = PolicyMessage::rules(data) {
        assert!(minicbor::decode::<Policy>(rules).ok().as_ref() == Some(&message.policy));
    }
    let token = CardToken([1; 8]);
    let rights = (0..4).map(|schedule| Right {
        schedule,
        not_before: Some(Timestamp(0)),
        not_after: Some(message.issued_at),
        certain: false,
    });
    let entry = Entry {
        token,
        holder: Holder(1),
        state: CardState::Ok,
        rights: rights.collect(),
        flags: Flags::default(),
        pin: None,
    };
    let list = AllowList::build(revision(1), [entry]);
    let knowledge = Knowledge {
        list: &list,
        policy: &message.policy,
        policy_revision: message.revision,
        contact: message.issued_at,
    };
    for time in [
        Timestamp::MIN,
        Timestamp(0),
        message.issued_at,
        Timestamp::MAX,
    ] {
        for quality in [Quality::Trusted, Quality::Untrusted] {
            let clock = Reading { time, quality };
            let known = decide(token, None, Some(knowledge), clock);
            assert!(!known.grants() || !message.policy.lockdown);
            let unknown = decide(CardToken([2; 8]), None, Some(knowledge), clock);
            let open_house = message
                .policy
                .open_house_until
                .is_some_and(|until| time < until);
            assert!(!unknown.grants() || open_house);
        }
    }
    true
}

/// A change that is taken leaves what it says, and the digest of that.
pub fn delta(data: &[u8]) -> bool {
    body::<Delta>(data).is_some_and(apply)
}

fn apply(mut delta: Delta) -> bool {
    let base = Revision {
        epoch: delta.epoch,
        number: delta.base,
    };
    let before = AllowList::build(base, []);
    // As whoever signs it would, who knows what the list was.
    delta.digest = delta.upserts.iter().fold(Digest::default(), Digest::with);
    let mut after = before.clone();
    if after.apply(&delta).is_err() {
        assert!(after == before);
        return false;
    }
    assert_eq!(after.revision(), delta.revision());
    let built = AllowList::build(delta.revision(), after.entries());
    assert_eq!((built.digest(), built.len()), (after.digest(), after.len()));
    for entry in &delta.upserts {
        let last = delta
            .upserts
            .iter()
            .rfind(|other| other.token == entry.token);
        assert_eq!(after.find(entry.token).as_ref(), last);
    }
    true
}

pub fn config(data: &[u8]) -> bool {
    body::<Config>(data).is_some()
}

pub fn card_keys(data: &[u8]) -> bool {
    body::<CardKeys>(data).is_some()
}

pub fn sync(data: &[u8]) -> bool {
    match body::<Sync>(data) {
        None => false,
        Some(Sync::Delta { delta, .. }) => apply(delta),
        Some(Sync::Snapshot { part, .. }) => {
            let Some(entries) = part.unpack() else {
                return false;
            };
            assert_eq!(entries.len(), part.entries.len());
            let list = AllowList::build(part.revision, entries);
            let parts = SnapshotPart::cut(&list);
            let unpacked = parts
                .iter()
                .flat_map(|part| part.unpack().expect("it was cut"));
            assert!(unpacked.eq(list.entries()));
            true
        }
    }
}

pub fn request(data: &[u8]) -> bool {
    body::<Request>(data).is_some()
}

pub fn report(data: &[u8]) -> bool {
    body::<Report>(data).is_some()
}

pub fn events(data: &[u8]) -> bool {
    body::<Events>(data).is_some_and(|events| {
        let events = events.events.iter();
        let read: Vec<bool> = events.map(|event| badge_event(event)).collect();
        read.contains(&true)
    })
}

pub fn badge_event(data: &[u8]) -> bool {
    body::<BadgeEvent>(data).is_some_and(|event| event.weight() <= Weight::Grant)
}

pub fn ack(data: &[u8]) -> bool {
    body::<Ack>(data).is_some()
}

pub fn command(data: &[u8]) -> bool {
    body::<Command>(data).is_some()
}

pub fn result(data: &[u8]) -> bool {
    body::<CommandResult>(data).is_some()
}

pub fn pairing_code(data: &[u8]) -> bool {
    PairingCode::parse(&text(data)).is_ok_and(|code| {
        assert!(PairingCode::parse(&code.to_string()) == Ok(code));
        true
    })
}

/// Only the server that the code names is believed, and only what it signed for this nonce: the seed.
pub fn server_hello(data: &[u8]) -> bool {
    let server = signer().public();
    let code = PairingCode::new([9; 10], &server);
    let verified = ServerHello::verify(data, &code, &[1; 32], server);
    if let Ok(hello) = &verified {
        assert_eq!((hello.key, hello.sealing.0), (server, [0x52; 32]));
        assert!(ServerHello::verify(data, &code, &[2; 32], server).is_err());
    }
    if let Some(hello) = body::<ServerHello>(data) {
        assert_ne!(code.proof(&hello, server, hello.sealing), [0; 32]);
    }
    verified.is_ok()
}

pub fn pair_request(data: &[u8]) -> bool {
    body::<PairRequest>(data).is_some()
}

pub fn pairing(data: &[u8]) -> bool {
    assert!(Pairing::verify(data, signer().public()).is_err());
    body::<Pairing>(data).is_some()
}
