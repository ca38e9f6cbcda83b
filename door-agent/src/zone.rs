//! What an agent holds of one zone, and what it lets in: the revision rules as plain state, no disk and no signature.
//!
//! Accepting has two steps, so that the caller can store in between: `check_…` says whether something fits, the
//! method named like the thing puts it in force.

use shared::allow_list::{AllowList, Delta, Digest, Merged, Refusal, Revision, compare};
use shared::card::CardKey;
use shared::decide::{Knowledge, Policy};
use shared::ids::ZoneId;
use shared::time::{Span, Timestamp};
use shared::wire::{Head, HeldList, Kept, RefusedWhy, SnapshotPart, ZoneReport};
use std::collections::VecDeque;

pub use asking::Asking;
use assembly::Assembly;

mod asking;
mod assembly;
mod heads;

/// A policy with what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPolicy {
    /// Its revision.
    pub revision: Revision,
    /// SHA-256 of its message's body; heads name it by this.
    pub digest: [u8; 32],
    /// The rules.
    pub policy: Policy,
    /// The message's body, as it is stored.
    pub body: Vec<u8>,
}

/// A list with how safe it is.
#[derive(Debug, Clone)]
pub struct InForce {
    /// What decisions are made from.
    pub list: AllowList,
    /// How safe it is.
    pub kept: Kept,
}

/// One zone as this agent knows it.
#[derive(Debug)]
pub struct Zone {
    id: ZoneId,
    list: Option<InForce>,
    highest: Option<(Revision, Digest)>,
    policy: Option<HeldPolicy>,
    offered_policy: Option<HeldPolicy>,
    /// The newest by what it names.
    head: Option<Head>,
    /// Issued before others, and names a policy of which it is not known yet whether it is news.
    set_aside: Option<Head>,
    /// When the newest of all heads was issued.
    issued: Option<Timestamp>,
    heads: VecDeque<(Revision, Digest)>,
    contact: Timestamp,
    keys: Vec<(u32, CardKey)>,
    keys_in_order: Vec<CardKey>,
    nonces: VecDeque<u64>,
    /// Changes lead nowhere from here: the whole list is needed.
    doubtful: bool,
    assembly: Option<Assembly>,
    assembled: Option<AllowList>,
    /// When to ask for the list.
    pub ask_list: Asking,
    /// When to ask for the policy.
    pub ask_policy: Asking,
}

/// What a restarted agent still knows of a zone.
#[derive(Debug, Default)]
pub struct Remembered {
    /// The list, and how safe it is.
    pub list: Option<InForce>,
    /// The highest revision ever accepted.
    pub highest: Option<(Revision, Digest)>,
    /// The policy in force.
    pub policy: Option<HeldPolicy>,
    /// The last contact that was stored.
    pub contact: Option<Timestamp>,
}

impl Zone {
    /// A zone of which nothing is known.
    #[must_use]
    pub fn new(id: ZoneId) -> Self {
        Self {
            id,
            highest: None,
            list: None,
            policy: None,
            offered_policy: None,
            head: None,
            set_aside: None,
            issued: None,
            heads: VecDeque::new(),
            contact: Timestamp::MIN,
            keys: Vec::new(),
            keys_in_order: Vec::new(),
            nonces: VecDeque::new(),
            doubtful: false,
            assembly: None,
            assembled: None,
            ask_list: Asking::default(),
            ask_policy: Asking::default(),
        }
    }

    /// Takes what was known before a restart, before anything else is heard.
    pub fn remember(&mut self, remembered: Remembered) {
        let Remembered {
            list,
            highest,
            policy,
            contact,
        } = remembered;
        let held = list.as_ref().map(|held| identity(&held.list));
        self.highest = highest.or(held);
        self.list = list;
        self.policy = policy;
        self.contact = contact.unwrap_or(Timestamp::MIN);
    }

    /// Which zone.
    #[must_use]
    pub fn id(&self) -> &ZoneId {
        &self.id
    }

    /// List and policy; none: nothing that could be judged by.
    #[must_use]
    pub fn knowledge(&self) -> Option<Knowledge<'_>> {
        let (list, policy) = (&self.list.as_ref()?.list, self.policy.as_ref()?);
        Some(Knowledge {
            list,
            policy: &policy.policy,
            policy_revision: policy.revision,
            contact: self.contact,
        })
    }

    /// The card keys, the one in use first.
    #[must_use]
    pub fn keys(&self) -> &[CardKey] {
        &self.keys_in_order
    }

    /// The list in force.
    #[must_use]
    pub fn list(&self) -> Option<&AllowList> {
        self.list.as_ref().map(|held| &held.list)
    }

    /// How safe the list in force is.
    #[must_use]
    pub fn kept(&self) -> Option<Kept> {
        self.list.as_ref().map(|held| held.kept)
    }

    /// Whether the list in force is exactly this one.
    #[must_use]
    pub fn holds(&self, revision: Revision, digest: Digest) -> bool {
        self.list()
            .is_some_and(|list| identity(list) == (revision, digest))
    }

    /// Issue time of the newest verified head whose revision is held.
    #[must_use]
    pub fn contact(&self) -> Timestamp {
        self.contact
    }

    /// What the agent's report says of this zone.
    #[must_use]
    pub fn report(&self) -> ZoneReport {
        ZoneReport {
            zone: self.id.clone(),
            list: self.list.as_ref().map(|held| HeldList {
                revision: held.list.revision(),
                digest: held.list.digest(),
                kept: held.kept,
            }),
            policy: self.policy.as_ref().map(|held| held.digest.to_vec()),
            newest_head: self.issued,
        }
    }

    /// Takes the zone's card keys from a configuration.
    pub fn set_keys(&mut self, keys: Vec<(u32, CardKey)>) {
        self.keys = keys;
        self.order_keys();
    }

    /// Whether a delta leads on from the list in force.
    pub fn check_delta(&self, delta: &Delta) -> Result<(), Refusal> {
        let list = self.list().ok_or(Refusal::Gap)?;
        if let Some(highest) = self.highest {
            compare(highest, (delta.revision(), delta.digest))?;
        }
        list.accept(delta)
    }

    /// Applies a delta that was checked and stored, or could not be stored.
    pub fn apply_delta(&mut self, delta: &Delta, stored: bool) -> Result<(), Refusal> {
        let held = self.list.as_mut().ok_or(Refusal::Gap)?;
        held.list.apply(delta)?;
        held.kept = if stored { Kept::Stored } else { Kept::Volatile };
        self.moved();
        Ok(())
    }

    /// Puts a whole list in force that was checked and stored, or could not be stored.
    pub fn set_list(&mut self, list: AllowList, stored: bool) {
        self.list = Some(InForce {
            list,
            kept: if stored { Kept::Stored } else { Kept::Volatile },
        });
        self.moved();
    }

    /// The list in force, or an earlier state of it, was made one piece: what came since lies on that.
    pub fn rest_on(&mut self, merged: &Merged) {
        if let Some(held) = &mut self.list {
            held.list.rest_on(merged);
        }
    }

    /// The list in force was stored after all.
    pub fn now_stored(&mut self) {
        if let Some(held) = &mut self.list {
            held.kept = Kept::Stored;
        }
    }

    /// From which revision the server may lead on; none: only the whole list will do.
    #[must_use]
    pub fn holds_for_request(&self) -> Option<Revision> {
        self.list
            .as_ref()
            .filter(|_| !self.doubtful)
            .map(|held| held.list.revision())
    }

    /// A change did not lead to what was signed: the whole list is needed.
    pub fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// A request goes out under this nonce.
    pub fn asked(&mut self, nonce: u64) {
        // One more than the newest: a slow answer to the request before is as good.
        if self.nonces.len() == 2 {
            self.nonces.pop_front();
        }
        self.nonces.push_back(nonce);
    }

    /// Whether an answer answers a request of ours.
    pub fn check_answer(&self, nonce: u64) -> Result<(), RefusedWhy> {
        if self.nonces.contains(&nonce) {
            Ok(())
        } else {
            Err(RefusedWhy::Expired)
        }
    }

    /// Takes one part of a snapshot that answers a request; with the last part the list waits to be taken.
    pub fn hear_part(&mut self, part: &SnapshotPart, uptime: Span) -> Result<(), RefusedWhy> {
        if let Some(highest) = self.highest {
            compare(highest, (part.revision, part.digest))?;
        }
        let assembly = match self.assembly.take() {
            Some(assembly) if assembly.continues(part) => assembly,
            Some(_) | None => Assembly::begin(part)?,
        };
        self.ask_list.progress(uptime);
        match assembly.add(part)? {
            assembly::Step::More(assembly) => self.assembly = Some(assembly),
            assembly::Step::Whole(list) => self.assembled = Some(list),
        }
        Ok(())
    }

    /// The whole list that arrived, once a verified head names it.
    pub fn take_named_list(&mut self) -> Option<AllowList> {
        self.assembled
            .take_if(|list| self.heads.contains(&identity(list)))
    }

    /// The connection broke: nothing that was asked for will come.
    pub fn forget_questions(&mut self) {
        self.nonces.clear();
        self.assembly = None;
        self.assembled = None;
        // The broker keeps the newest and sends it again.
        self.set_aside = None;
        self.ask_list = Asking::default();
        self.ask_policy = Asking::default();
    }

    fn moved(&mut self) {
        self.doubtful = false;
        self.highest = self.list().map(identity);
        self.assembly = None;
        self.assembled = None;
        self.note_contact();
    }

    fn note_contact(&mut self) {
        if let (Some(head), Some(held)) = (&self.head, &mut self.list)
            && identity(&held.list) == (head.revision, head.digest)
        {
            self.contact = self.contact.max(head.issued_at);
            // The head says that nothing newer was lost.
            held.kept = if held.kept == Kept::Degraded {
                Kept::Stored
            } else {
                held.kept
            };
        }
    }

    fn order_keys(&mut self) {
        let in_use = self.head.as_ref().map(|head| head.card_key);
        self.keys
            .sort_by_key(|(id, _)| (Some(*id) != in_use, std::cmp::Reverse(*id)));
        self.keys_in_order = self.keys.iter().map(|(_, key)| key.clone()).collect();
    }
}

fn identity(list: &AllowList) -> (Revision, Digest) {
    (list.revision(), list.digest())
}

fn policy_identity(held: &HeldPolicy) -> (Revision, Digest) {
    (held.revision, Digest(held.digest))
}
