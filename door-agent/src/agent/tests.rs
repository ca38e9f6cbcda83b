//! Stories of one agent: a server's messages, cards and buttons in, exactly what is driven and published out.

use super::*;
use crate::disk::MemoryDisk;
use crate::identity::{Identity, Paired};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest as _, Sha256};
use shared::allow_list::{AllowList, Delta, Epoch, Revision};
use shared::badge::BadgeEvent;
use shared::card::{CardKey, CardToken};
use shared::decide::Policy;
use shared::ids::{AgentId, Holder, OrganisationId};
use shared::keys::{OpeningKey, Signer};
use shared::reasons::Reason;
use shared::rights::{CardState, Entry, Flags, Right};
use shared::wire::pairing::Pairing;
use shared::wire::topics::Channel;
use shared::wire::{
    CARD_KEYS_PURPOSE, CardKeys, Config, DoorConfig, Events, Head, HeldList, Kept, Kind,
    PolicyMessage, Report, Request, SnapshotPart, Sync, Topic, ZoneCardKey, open, seal,
};

mod commands;
mod damage;
mod doors;
mod events;
mod heads;
mod messages;
mod readers;
mod restarts;
mod storing;

const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);
const EPOCH: Epoch = Epoch {
    number: 1,
    id: [7; 8],
};
const UNLOCK: Span = Span::seconds(5);
const CARD_KEY: CardKey = CardKey([9; 32]);

/// A server, a broker and the hardware of one agent with the door `front` in the zone `wood`.
struct World {
    disk: MemoryDisk,
    agent: Agent,
    identity: Identity,
    paired: Paired,
    server: Signer,
    opening: OpeningKey,
    list: AllowList,
    policy: PolicyMessage,
    sources: Sources,
    boots: u8,
}

fn organisation() -> OrganisationId {
    OrganisationId::new("club").expect("a name")
}

fn wood() -> ZoneId {
    ZoneId::new("wood").expect("a name")
}

fn front() -> DoorId {
    DoorId::new("front").expect("a name")
}

fn pi() -> AgentId {
    AgentId::new("pi").expect("a name")
}

fn topic(channel: Channel) -> String {
    Topic::new(&organisation(), channel).to_string()
}

fn card(number: u8) -> CardUid {
    CardUid::from_bytes(&[4, 0x15, 0xab, number]).expect("a card")
}

fn revision(number: u64) -> Revision {
    Revision {
        epoch: EPOCH,
        number,
    }
}

fn entry(number: u8, until: Option<Timestamp>) -> Entry {
    Entry {
        token: CardToken::of(&card(number), &CARD_KEY),
        holder: Holder(number.into()),
        state: CardState::Ok,
        rights: vec![Right {
            schedule: 0,
            not_before: None,
            not_after: until,
            certain: true,
        }],
        flags: Flags::default(),
        pin: None,
    }
}

fn random(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn configuration(
    number: u64,
    server: &Signer,
    sealing: &OpeningKey,
    agent: &Identity,
    enrols: bool,
) -> Config {
    let keys = CardKeys {
        keys: vec![ZoneCardKey {
            zone: wood(),
            id: 1,
            key: CARD_KEY.0,
        }],
    };
    let keys = minicbor::to_vec(keys).expect("encodes");
    Config {
        revision: revision(number),
        issued_at: NOON,
        doors: vec![DoorConfig {
            door: front(),
            zone: wood(),
            enrols,
            again_within: None,
        }],
        signers: vec![server.public()],
        sealing: sealing.public(),
        card_keys: agent
            .opening
            .public()
            .seal(CARD_KEYS_PURPOSE, &keys, &mut random(3))
            .expect("seals"),
    }
}

fn started(identity: &Identity, paired: &Paired, boot: u8) -> Start {
    Start {
        identity: identity.clone(),
        paired: paired.clone(),
        boot: BootId([boot; 16]),
        doors: vec![LocalDoor {
            id: front(),
            settings: Settings::unlocking(UNLOCK),
        }],
        shadow: false,
        random: Box::new(random(boot)),
    }
}

fn start(
    disk: &MemoryDisk,
    identity: &Identity,
    paired: &Paired,
    boot: u8,
    sources: Sources,
) -> Agent {
    Agent::start(disk.clone(), started(identity, paired, boot), sources)
        .expect("the disk can be read")
}

impl World {
    /// An agent just paired, started and not connected; the server's list is empty.
    fn new() -> Self {
        let identity = Identity::generate(&mut random(1));
        let (server, opening) = (Signer::from_seed(&[2; 32]), OpeningKey::from_seed(&[3; 32]));
        let pairing = Pairing {
            organisation: organisation(),
            agent: pi(),
            broker: "mqtt://127.0.0.1".to_owned(),
            broker_pin: None,
            password: "secret".to_owned(),
            recovery: Signer::from_seed(&[5; 32]).public(),
            config: configuration(1, &server, &opening, &identity, true),
        };
        let paired = Paired {
            server: server.public(),
            agent: identity.signer.public(),
            pairing,
        };
        let disk = MemoryDisk::new();
        let sources = Sources {
            wall: NOON,
            uptime: Span(0),
            synchronised: true,
        };
        let agent = start(&disk, &identity, &paired, 1, sources);
        let policy = PolicyMessage {
            revision: revision(1),
            issued_at: NOON,
            policy: Policy::standard(),
        };
        let list = AllowList::build(revision(0), []);
        let mut world = Self {
            disk,
            agent,
            identity,
            paired,
            server,
            opening,
            list,
            policy,
            sources,
            boots: 1,
        };
        assert_eq!(world.outputs(), [drive(Drive::Rest)]);
        world
    }

    /// The same, connected, with an accepted list that holds these entries.
    fn with_list(entries: &[Entry]) -> Self {
        let mut world = Self::new();
        world.connect();
        world.change_list(entries);
        world.send_policy();
        world.send_head();
        world.catch_up();
        assert_eq!(
            world.held().map(|held| held.revision),
            Some(world.list.revision())
        );
        world
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.agent.next_output()).collect()
    }

    fn input(&mut self, input: Input) -> Vec<Output> {
        self.agent.handle(input, self.sources);
        self.outputs()
    }

    fn pass(&mut self, time: Span) {
        self.sources.wall = self.sources.wall + time;
        self.sources.uptime = self.sources.uptime + time;
    }

    /// Lets time pass and gives the agent every tick it asks for on the way.
    fn run(&mut self, time: Span) -> Vec<Output> {
        let end = self.sources.uptime + time;
        let mut out = Vec::new();
        while self.agent.poll_timeout() <= end {
            let wait = self.agent.poll_timeout().0 - self.sources.uptime.0;
            self.pass(Span(wait.max(0)));
            let before = self.agent.poll_timeout();
            out.extend(self.input(Input::Tick));
            assert_ne!(
                self.agent.poll_timeout(),
                before,
                "a deadline that is reached is done with"
            );
        }
        self.pass(Span(end.0 - self.sources.uptime.0));
        out
    }

    fn connect(&mut self) -> Vec<Output> {
        self.input(Input::Connected)
    }

    fn restart(&mut self) -> Vec<Output> {
        self.boots += 1;
        self.sources.uptime = Span(0);
        self.agent = start(
            &self.disk,
            &self.identity,
            &self.paired,
            self.boots,
            self.sources,
        );
        self.outputs()
    }

    fn tap(&mut self, number: u8) -> Vec<Output> {
        self.input(Input::Card {
            door: front(),
            uid: card(number),
        })
    }

    fn opens(&mut self, number: u8) -> bool {
        self.run(Span::seconds(10));
        let out = self.tap(number);
        out.iter().any(|output| {
            matches!(
                output,
                Output::Drive {
                    drive: Drive::Energise { .. },
                    ..
                }
            )
        })
    }

    fn receive(&mut self, topic: String, payload: Vec<u8>) -> Vec<Output> {
        self.input(Input::Message { topic, payload })
    }

    fn send<M: minicbor::Encode<()>>(
        &mut self,
        channel: Channel,
        kind: Kind,
        message: &M,
    ) -> Vec<Output> {
        let topic = topic(channel);
        let payload = seal(kind, &topic, message, &self.server);
        self.receive(topic, payload)
    }

    fn change_list(&mut self, entries: &[Entry]) -> Delta {
        let target = entries
            .iter()
            .map(|entry| (entry.token, entry.clone()))
            .collect();
        let delta = self.list.delta_to(self.list.revision().number + 1, &target);
        self.list.apply(&delta).expect("leads on");
        delta
    }

    fn policy_digest(&self) -> [u8; 32] {
        Sha256::digest(minicbor::to_vec(&self.policy.policy).expect("encodes")).into()
    }

    fn head(&self) -> Head {
        Head {
            revision: self.list.revision(),
            entries: self.list.len() as u64,
            digest: self.list.digest(),
            policy: self.policy_digest(),
            card_key: 1,
            issued_at: self.sources.wall,
            audit: None,
        }
    }

    fn send_head(&mut self) -> Vec<Output> {
        let head = self.head();
        self.send(Channel::Head(wood()), Kind::Head, &head)
    }

    fn send_policy(&mut self) -> Vec<Output> {
        let policy = self.policy.clone();
        self.send(Channel::Policy(wood()), Kind::Policy, &policy)
    }

    fn send_delta(&mut self, delta: &Delta) -> Vec<Output> {
        self.send(Channel::Delta(wood()), Kind::Delta, delta)
    }

    /// Waits for the agent's question and answers it with the whole list.
    fn catch_up(&mut self) -> Vec<Output> {
        let asked = self.run(Span::seconds(5));
        let request = requests(&self.identity, &asked)
            .pop()
            .expect("the agent asks");
        self.answer(request.nonce)
    }

    fn answer(&mut self, nonce: u64) -> Vec<Output> {
        let parts = SnapshotPart::cut(&self.list);
        let answers = parts.into_iter().map(|part| Sync::Snapshot {
            zone: wood(),
            nonce,
            part,
        });
        answers
            .collect::<Vec<_>>()
            .iter()
            .flat_map(|answer| self.send(Channel::Sync(pi()), Kind::Sync, answer))
            .collect()
    }

    fn held(&self) -> Option<HeldList> {
        self.agent
            .zones()
            .next()
            .and_then(|zone| zone.report().list)
    }

    fn contact(&self) -> Timestamp {
        self.agent
            .zones()
            .next()
            .expect("there is one zone")
            .contact()
    }

    fn refused(&self, why: RefusedWhy) -> u64 {
        self.agent.refused().get(&why).copied().unwrap_or(0)
    }
}

fn without_status(out: Vec<Output>) -> Vec<Output> {
    let status = |out: &Output| matches!(out, Output::Publish { retain: true, .. });
    out.into_iter().filter(|out| !status(out)).collect()
}

fn drive(drive: Drive) -> Output {
    Output::Drive {
        door: front(),
        drive,
    }
}

fn opened(at: Span) -> Output {
    drive(Drive::Energise { until: at + UNLOCK })
}

fn shows(reason: Reason) -> Output {
    drive(Drive::Signal(reason.signal()))
}

/// Every message of one kind that the agent signed.
fn published<M>(identity: &Identity, kind: Kind, outputs: &[Output]) -> Vec<M>
where
    M: for<'b> minicbor::Decode<'b, ()>,
{
    let mut found = Vec::new();
    for output in outputs {
        if let Output::Publish { topic, payload, .. } = output
            && let Ok(opened) = open(payload, topic, |_| Some(identity.signer.public()))
            && let Ok(message) = opened.read(kind)
        {
            found.push(message);
        }
    }
    found
}

fn requests(identity: &Identity, outputs: &[Output]) -> Vec<Request> {
    published(identity, Kind::Request, outputs)
}

fn reports(identity: &Identity, outputs: &[Output]) -> Vec<Report> {
    published(identity, Kind::Report, outputs)
}

fn batches(identity: &Identity, outputs: &[Output]) -> Vec<Events> {
    published(identity, Kind::Events, outputs)
}

fn read(batch: &Events) -> Vec<BadgeEvent> {
    batch
        .events
        .iter()
        .map(|bytes| minicbor::decode(bytes).expect("an event"))
        .collect()
}
