//! What happened at a door, as told to the server.

use crate::allow_list::Revision;
use crate::card::CardToken;
use crate::door_clock::Quality;
use crate::ids::{BootId, DoorId, Holder};
use crate::reasons::Reason;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// One event of an agent; (agent, boot, sequence) names it for ever.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct BadgeEvent {
    /// Counts up from 1 within a boot.
    #[n(0)]
    pub sequence: u64,
    /// The time it was judged by.
    #[n(1)]
    pub at: Timestamp,
    /// Whether that time could be relied on.
    #[n(2)]
    pub quality: Quality,
    /// The door; none for what concerns the whole agent.
    #[n(3)]
    pub door: Option<DoorId>,
    /// What happened.
    #[n(4)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub enum What {
    /// A card was shown and judged.
    #[n(0)]
    Card {
        /// The card as the zone knows it.
        #[n(0)]
        token: CardToken,
        /// Whose it is, if listed.
        #[n(1)]
        holder: Option<Holder>,
        /// What was decided.
        #[n(2)]
        reason: Reason,
        /// From which list; none: there was none.
        #[n(3)]
        list: Option<Revision>,
        /// By which policy.
        #[n(4)]
        policy: Option<Revision>,
        /// Issue time of the newest head whose revision was held.
        #[n(5)]
        contact: Option<Timestamp>,
    },
    /// The exit button was pressed.
    #[n(1)]
    Exit,
    /// A command from the server was carried out or refused.
    #[n(2)]
    Command {
        /// The command's counter.
        #[n(0)]
        counter: u64,
        /// Whether it was carried out.
        #[n(1)]
        done: bool,
    },
    /// Somebody at the machine opened or released the door.
    #[n(3)]
    Local {
        /// True when opened.
        #[n(0)]
        opened: bool,
    },
    /// Events that could not be kept.
    #[n(4)]
    Gap {
        /// How many in all.
        #[n(0)]
        lost: u64,
        /// How many of them were grants.
        #[n(1)]
        grants: u64,
    },
    /// The agent started.
    #[n(5)]
    Started,
    /// A message was refused.
    #[n(6)]
    Rejected {
        /// Why, in a few words.
        #[n(0)]
        why: String,
    },
    /// The door contact changed.
    #[n(7)]
    Contact {
        /// True when it opened.
        #[n(0)]
        open: bool,
    },
    /// Something at the door wants a human, or no longer does.
    #[n(8)]
    Alarm {
        /// What.
        #[n(0)]
        alarm: Alarm,
        /// True when it begins.
        #[n(1)]
        on: bool,
    },
    /// A card that the list does not know was shown again and again; the first time has its own event.
    #[n(9)]
    Refusals {
        /// The card as the zone knows it.
        #[n(0)]
        token: CardToken,
        /// How often since it was last told.
        #[n(1)]
        count: u64,
        /// The first of those times.
        #[n(2)]
        first: Timestamp,
        /// The last of them.
        #[n(3)]
        last: Timestamp,
    },
}

/// What at a door wants a human.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    minicbor::Encode,
    minicbor::Decode,
)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// The door opened though nothing had released it.
    #[n(0)]
    Forced,
    /// The door has stood open for too long.
    #[n(1)]
    HeldOpen,
    /// The lock does not do what it is told.
    #[n(2)]
    LockFault,
    /// A cover was opened, or a reader taken from the wall.
    #[n(3)]
    Tamper,
    /// The fire input is active: the lock is released in hardware.
    #[n(4)]
    Fire,
    /// Too many different cards that the list does not know.
    #[n(5)]
    Guessing,
    /// An exit button has been pressed for longer than anybody presses it.
    #[n(6)]
    ExitStuck,
    /// A reader does not answer any more.
    #[n(7)]
    ReaderGone,
}

impl Alarm {
    /// Every alarm, in the order of the wire.
    pub const ALL: [Self; 8] = [
        Self::Forced,
        Self::HeldOpen,
        Self::LockFault,
        Self::Tamper,
        Self::Fire,
        Self::Guessing,
        Self::ExitStuck,
        Self::ReaderGone,
    ];

    /// The name in logs and in the interface.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::HeldOpen => "held_open",
            Self::LockFault => "lock_fault",
            Self::Tamper => "tamper",
            Self::Fire => "fire",
            Self::Guessing => "guessing",
            Self::ExitStuck => "exit_stuck",
            Self::ReaderGone => "reader_gone",
        }
    }
}

/// How long an event is kept when space runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Dropped first.
    Diagnostic,
    /// Dropped next.
    Refusal,
    /// Dropped last.
    Grant,
}

impl BadgeEvent {
    /// How long it is kept when space runs out.
    #[must_use]
    pub fn weight(&self) -> Weight {
        match &self.what {
            What::Card { reason, .. } if reason.grants() => Weight::Grant,
            What::Command { done: true, .. } | What::Local { opened: true } => Weight::Grant,
            What::Card { .. }
            | What::Exit
            | What::Gap { .. }
            | What::Alarm { .. }
            | What::Refusals { .. } => Weight::Refusal,
            What::Command { done: false, .. }
            | What::Local { opened: false }
            | What::Started
            | What::Rejected { .. }
            | What::Contact { .. } => Weight::Diagnostic,
        }
    }
}

/// The running digest of a boot's events: each links to all before it, so two histories cannot share one end.
#[must_use]
pub fn chain(before: [u8; 32], boot: BootId, event: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(before)
        .chain_update(boot.0)
        .chain_update(event)
        .finalize()
        .into()
}
