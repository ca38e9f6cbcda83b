//! Version 1 of every message body.

use crate::allow_list::{Delta, Digest, Refusal, Revision};
use crate::card::CardToken;
use crate::decide::Policy;
use crate::door_clock::Quality;
use crate::ids::{BootId, DoorId, Holder, ZoneId};
use crate::keys::{PublicKey, SealingKey};
use crate::pin::PinVerifier;
use crate::rights::{CardState, Entry, Flags, Right};
use crate::time::{Span, Timestamp};
use minicbor::{Decode, Encode};

/// The newest revision of a zone's list; signed anew every minute.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// Which revision.
    #[n(0)]
    pub revision: Revision,
    /// How many entries it has.
    #[n(1)]
    pub entries: u64,
    /// What they add up to.
    #[n(2)]
    pub digest: Digest,
    /// SHA-256 of the rules of the policy in force, as [`PolicyMessage::rules`] cuts them out.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub policy: [u8; 32],
    /// Under which card key the tokens are made.
    #[n(4)]
    pub card_key: u32,
    /// When it was signed: the door's contact with the server.
    #[n(5)]
    pub issued_at: Timestamp,
    /// Head of the audit log.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub audit: Option<Vec<u8>>,
}

/// A zone's rules with their revision.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PolicyMessage {
    /// Goes up with every change.
    #[n(0)]
    pub revision: Revision,
    /// When it was signed.
    #[n(1)]
    pub issued_at: Timestamp,
    /// The rules.
    #[n(2)]
    pub policy: Policy,
}

impl PolicyMessage {
    /// The encoded rules alone, cut out of a message's body; none if it has none.
    ///
    /// A policy is signed anew now and then, so what names it must not hang on when it was signed.
    #[must_use]
    pub fn rules(body: &[u8]) -> Option<&[u8]> {
        let mut decoder = minicbor::Decoder::new(body);
        let mut rules = None;
        for _ in 0..decoder.map().ok()?? {
            let key = decoder.u64().ok()?;
            let start = decoder.position();
            decoder.skip().ok()?;
            if key == 2 {
                // Of rules said twice the last are read.
                rules = body.get(start..decoder.position());
            }
        }
        rules
    }
}

/// An agent's doors and keys.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Config {
    /// Goes up with every change.
    #[n(0)]
    pub revision: Revision,
    /// When it was signed.
    #[n(1)]
    pub issued_at: Timestamp,
    /// What it serves.
    #[n(2)]
    pub doors: Vec<DoorConfig>,
    /// Whose signatures count from now on.
    #[n(3)]
    pub signers: Vec<PublicKey>,
    /// To whom card numbers are sealed.
    #[n(4)]
    pub sealing: SealingKey,
    /// [`CardKeys`], sealed to the agent.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub card_keys: Vec<u8>,
}

/// One door of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DoorConfig {
    /// Which.
    #[n(0)]
    pub door: DoorId,
    /// Whose list it follows.
    #[n(1)]
    pub zone: ZoneId,
    /// Whether cards may be enrolled there.
    #[n(2)]
    pub enrols: bool,
    /// A card that passes again within this time is marked, and passes (soft anti-passback); none: never.
    #[n(3)]
    pub again_within: Option<Span>,
}

/// The card keys of an agent's zones; only ever sealed.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CardKeys {
    /// By zone.
    #[n(0)]
    pub keys: Vec<ZoneCardKey>,
}

/// One zone's card key.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ZoneCardKey {
    /// Which zone.
    #[n(0)]
    pub zone: ZoneId,
    /// Which of the zone's keys.
    #[n(1)]
    pub id: u32,
    /// The key.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub key: [u8; 32],
}

impl Drop for ZoneCardKey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

/// What card keys are sealed for.
pub const CARD_KEYS_PURPOSE: &str = "goodstanding card keys v1";
/// What an enrolled card number is sealed for.
pub const ENROL_PURPOSE: &str = "goodstanding enrolment v1";

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Sync {
    /// What leads from the held revision to the newest.
    #[n(0)]
    Delta {
        /// Whose list.
        #[n(0)]
        zone: ZoneId,
        /// The request it answers.
        #[n(1)]
        nonce: u64,
        /// The change.
        #[n(2)]
        delta: Delta,
    },
    /// One part of the whole list.
    #[n(1)]
    Snapshot {
        /// Whose list.
        #[n(0)]
        zone: ZoneId,
        /// The request it answers.
        #[n(1)]
        nonce: u64,
        /// The part.
        #[n(2)]
        part: SnapshotPart,
    },
}

/// One part of a whole list, at most 64 KiB; equal sets of rights are stored once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SnapshotPart {
    /// Of which revision.
    #[n(0)]
    pub revision: Revision,
    /// Counted from 0.
    #[n(1)]
    pub index: u32,
    /// How many there are.
    #[n(2)]
    pub parts: u32,
    /// The digest of the whole list.
    #[n(3)]
    pub digest: Digest,
    /// The sets of rights used in this part.
    #[n(4)]
    pub rights: Vec<Vec<Right>>,
    /// The entries of this part.
    #[n(5)]
    pub entries: Vec<PackedEntry>,
}

/// An entry that names its rights by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct PackedEntry {
    /// The card.
    #[n(0)]
    pub token: CardToken,
    /// Whose.
    #[n(1)]
    pub holder: Holder,
    /// In one word.
    #[n(2)]
    pub state: CardState,
    /// Index into the part's sets of rights.
    #[n(3)]
    pub rights: u32,
    /// Special handling.
    #[n(4)]
    pub flags: Flags,
    /// What the holder's PIN is held against.
    #[n(5)]
    pub pin: Option<PinVerifier>,
}

/// Entries in one part: at most about 60 bytes each with their own rights, so a part stays below 64 KiB.
pub const PART_ENTRIES: usize = 1000;

impl SnapshotPart {
    /// Cuts a list into parts; an empty list is one empty part.
    #[must_use]
    pub fn cut(list: &crate::allow_list::AllowList) -> Vec<Self> {
        let mut entries = list.entries();
        let parts = u32::try_from(list.len().div_ceil(PART_ENTRIES).max(1));
        let parts = parts.expect("fewer than 2^32 parts");
        (0..parts)
            .map(|index| {
                let mut rights: Vec<Vec<Right>> = Vec::new();
                let chunk = entries.by_ref().take(PART_ENTRIES);
                let entries = chunk.map(|entry| pack(entry, &mut rights)).collect();
                Self {
                    revision: list.revision(),
                    index,
                    parts,
                    digest: list.digest(),
                    rights,
                    entries,
                }
            })
            .collect()
    }

    /// The entries with their rights; none where an index points nowhere.
    #[must_use]
    pub fn unpack(&self) -> Option<Vec<Entry>> {
        self.entries
            .iter()
            .map(|packed| {
                let rights = self
                    .rights
                    .get(usize::try_from(packed.rights).ok()?)?
                    .clone();
                Some(Entry {
                    token: packed.token,
                    holder: packed.holder,
                    state: packed.state,
                    rights,
                    flags: packed.flags,
                    pin: packed.pin,
                })
            })
            .collect()
    }
}

fn pack(entry: Entry, rights: &mut Vec<Vec<Right>>) -> PackedEntry {
    let index = rights
        .iter()
        .position(|set| *set == entry.rights)
        .unwrap_or_else(|| {
            rights.push(entry.rights);
            rights.len() - 1
        });
    PackedEntry {
        token: entry.token,
        holder: entry.holder,
        state: entry.state,
        rights: u32::try_from(index).expect("a part has few entries"),
        flags: entry.flags,
        pin: entry.pin,
    }
}

/// What an agent asks for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Request {
    /// This run of the agent.
    #[n(0)]
    pub boot: BootId,
    /// Made anew for each request; the answer repeats it.
    #[n(1)]
    pub nonce: u64,
    /// Which zone.
    #[n(2)]
    pub zone: ZoneId,
    /// What is held; none: nothing, or nothing that can be built on.
    #[n(3)]
    pub holds: Option<Revision>,
}

/// What an agent holds, signed by it: the only proof that counts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Report {
    /// This run of the agent.
    #[n(0)]
    pub boot: BootId,
    /// Counts up within a boot.
    #[n(1)]
    pub counter: u64,
    /// The agent's time.
    #[n(2)]
    pub at: Timestamp,
    /// Whether that can be relied on.
    #[n(3)]
    pub quality: Quality,
    /// Zone by zone.
    #[n(4)]
    pub zones: Vec<ZoneReport>,
    /// Events waiting in the spool.
    #[n(5)]
    pub spooled: u64,
    /// The configuration held.
    #[n(6)]
    pub config: Option<Revision>,
    /// The agent's version.
    #[n(7)]
    pub version: String,
    /// Messages refused since the last report, by cause.
    #[n(8)]
    pub refused: Vec<Refused>,
    /// The highest command counter ever carried out.
    #[n(9)]
    pub command_counter: u64,
    /// Heads of the audit log that came with heads of lists, oldest first: a log that was made anew lacks them.
    #[n(10)]
    pub audit: Option<Vec<minicbor::bytes::ByteVec>>,
    /// True: its doors' locks are not driven, its decisions only logged; none: they are driven.
    #[n(11)]
    pub shadow: Option<bool>,
}

/// What an agent holds of one zone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ZoneReport {
    /// Which.
    #[n(0)]
    pub zone: ZoneId,
    /// The list in force; none: no list yet.
    #[n(1)]
    pub list: Option<HeldList>,
    /// SHA-256 of the rules of the policy in force, as [`PolicyMessage::rules`] cuts them out.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub policy: Option<Vec<u8>>,
    /// Issue time of the newest verified head, whatever its revision.
    #[n(3)]
    pub newest_head: Option<Timestamp>,
}

/// The list in force at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct HeldList {
    /// Which revision.
    #[n(0)]
    pub revision: Revision,
    /// What it contains.
    #[n(1)]
    pub digest: Digest,
    /// How safe it is.
    #[n(2)]
    pub kept: Kept,
}

/// How safe a door's list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kept {
    /// On disk.
    #[n(0)]
    Stored,
    /// Only in memory: storing failed.
    #[n(1)]
    Volatile,
    /// The newest could not be read; an older generation is used.
    #[n(2)]
    Degraded,
}

/// Messages refused for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refused {
    /// Why.
    #[n(0)]
    pub why: RefusedWhy,
    /// How many.
    #[n(1)]
    pub count: u64,
}

/// Why an agent refused a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum RefusedWhy {
    /// Not readable, too large or not signed.
    #[n(0)]
    Unreadable,
    /// Of an unknown version or kind.
    #[n(1)]
    Version,
    /// Signed by a key that does not count.
    #[n(2)]
    Key,
    /// The signature does not fit: altered, or moved from another topic.
    #[n(3)]
    Signature,
    /// Older than what is held.
    #[n(4)]
    Older,
    /// Two contents or two histories claim one revision.
    #[n(5)]
    Conflict,
    /// The result does not have the digest that was signed.
    #[n(6)]
    Digest,
    /// Issued more than a day ahead of a trusted clock.
    #[n(7)]
    FarAhead,
    /// A command for another boot, a used counter, or too late.
    #[n(8)]
    Expired,
    /// For a zone or a door that is not ours.
    #[n(9)]
    NotOurs,
}

impl From<&super::WireError> for RefusedWhy {
    fn from(error: &super::WireError) -> Self {
        match error {
            super::WireError::TooLarge(_) | super::WireError::Envelope | super::WireError::Body => {
                Self::Unreadable
            }
            super::WireError::Version | super::WireError::Kind => Self::Version,
            super::WireError::Key => Self::Key,
            super::WireError::Signature => Self::Signature,
        }
    }
}

impl From<Refusal> for RefusedWhy {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Older | Refusal::EarlierEpoch => Self::Older,
            Refusal::EpochConflict | Refusal::ContentConflict => Self::Conflict,
            Refusal::Digest | Refusal::Gap | Refusal::LaterEpoch => Self::Digest,
        }
    }
}

/// Badge events of one boot, consecutive; each as the bytes that were spooled.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Events {
    /// Of which run of the agent.
    #[n(0)]
    pub boot: BootId,
    /// Sequence number of the first.
    #[n(1)]
    pub first: u64,
    /// The lowest number of this boot that the agent still keeps.
    #[n(2)]
    pub lowest_kept: u64,
    /// Encoded badge events.
    #[n(3)]
    pub events: Vec<minicbor::bytes::ByteVec>,
}

/// What the server has committed of one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ack {
    /// Of which run of the agent.
    #[n(0)]
    pub boot: BootId,
    /// All up to this number are committed.
    #[n(1)]
    pub up_to: u64,
    /// The running digest of those events.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub digest: [u8; 32],
}

/// What an agent is told to do once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Command {
    /// Only in this run of the agent.
    #[n(0)]
    pub boot: BootId,
    /// Higher than any before, over all runs.
    #[n(1)]
    pub counter: u64,
    /// When it was signed; good for 5 s.
    #[n(2)]
    pub issued_at: Timestamp,
    /// What to do.
    #[n(3)]
    pub action: Action,
}

/// What to do once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Action {
    /// Release a door's lock once.
    #[n(0)]
    Unlock {
        /// Which.
        #[n(0)]
        door: DoorId,
    },
    /// Take the next card, shown twice within 20 s, instead of judging it.
    #[n(1)]
    Enrol {
        /// Where.
        #[n(0)]
        door: DoorId,
    },
    /// Blink.
    #[n(2)]
    Identify {
        /// Which.
        #[n(0)]
        door: DoorId,
    },
    /// Tell about yourself.
    #[n(3)]
    Diagnostics,
    /// End, to be started again.
    #[n(4)]
    Restart,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CommandResult {
    /// In which run.
    #[n(0)]
    pub boot: BootId,
    /// Of which command.
    #[n(1)]
    pub counter: u64,
    /// What came of it.
    #[n(2)]
    pub outcome: Outcome,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Outcome {
    /// Done.
    #[n(0)]
    Done,
    /// Not done.
    #[n(1)]
    Refused {
        /// Why, for staff.
        #[n(0)]
        why: String,
    },
    /// A card was shown twice.
    #[n(2)]
    Enrolled {
        /// Its number, sealed to the server.
        #[cbor(n(0), with = "minicbor::bytes")]
        sealed_uid: Vec<u8>,
    },
    /// No card was shown twice in time.
    #[n(3)]
    NoCard,
    /// The agent about itself, for staff.
    #[n(4)]
    Diagnostics {
        /// Lines of text.
        #[n(0)]
        text: String,
    },
}

/// A command is good for so long after it was signed.
pub const COMMAND_LIFE: Span = Span::seconds(5);
