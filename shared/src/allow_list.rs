//! A zone's list: revisions, the digest, what a door accepts.

use crate::card::CardToken;
use crate::rights::Entry;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use table::{Rows, Table, overlaid};

mod table;

/// Which line of history a revision belongs to; a restore from backup begins a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, minicbor::Encode, minicbor::Decode)]
pub struct Epoch {
    /// Counts up.
    #[n(0)]
    pub number: u32,
    /// Random: two histories with one number are told apart.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub id: [u8; 8],
}

/// A point in a zone's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, minicbor::Encode, minicbor::Decode)]
pub struct Revision {
    /// The line of history.
    #[n(0)]
    pub epoch: Epoch,
    /// Counts up within it; 0 is the empty list.
    #[n(1)]
    pub number: u64,
}

impl fmt::Display for Revision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.epoch.number, self.number)
    }
}

/// Order-independent hash of a set of entries: the sum of their SHA-256 hashes modulo 2^256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct Digest(#[cbor(with = "minicbor::bytes")] pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .take(8)
            .try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl Digest {
    /// The digest of the set with this entry added.
    #[must_use]
    pub fn with(self, entry: &Entry) -> Self {
        self.sum(hash(entry), false)
    }

    /// The digest of the set with this entry taken out.
    #[must_use]
    pub fn without(self, entry: &Entry) -> Self {
        self.sum(hash(entry), true)
    }

    /// Adds, or subtracts as two's complement, over little-endian bytes.
    fn sum(self, other: [u8; 32], subtract: bool) -> Self {
        let mut carry = u16::from(subtract);
        let mut out = [0; 32];
        for ((out, own), other) in out.iter_mut().zip(self.0).zip(other) {
            let other = if subtract { !other } else { other };
            let sum = u16::from(own) + u16::from(other) + carry;
            *out = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        Self(out)
    }
}

fn hash(entry: &Entry) -> [u8; 32] {
    Sha256::digest(minicbor::to_vec(entry).expect("writing to memory cannot fail")).into()
}

/// The change from one revision to a later one of the same epoch.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
pub struct Delta {
    /// The line of history.
    #[n(0)]
    pub epoch: Epoch,
    /// Applies only to this number.
    #[n(1)]
    pub base: u64,
    /// Leads to this number.
    #[n(2)]
    pub number: u64,
    /// Entries new or changed.
    #[n(3)]
    pub upserts: Vec<Entry>,
    /// Entries gone.
    #[n(4)]
    pub removals: Vec<CardToken>,
    /// The digest of the whole list afterwards.
    #[n(5)]
    pub digest: Digest,
}

impl Delta {
    /// The revision it leads to.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision {
            epoch: self.epoch,
            number: self.number,
        }
    }

    /// This change and the next as one; gives the next back if it does not lead on from here.
    pub fn join(&mut self, next: Delta) -> Result<(), Delta> {
        if (next.epoch, next.base) != (self.epoch, self.number) {
            return Err(next);
        }
        let upserts = next.upserts.iter().map(|entry| entry.token);
        let changed: BTreeSet<CardToken> = upserts.chain(next.removals.iter().copied()).collect();
        self.upserts.retain(|entry| !changed.contains(&entry.token));
        self.removals.retain(|token| !changed.contains(token));
        self.upserts.extend(next.upserts);
        self.removals.extend(next.removals);
        (self.number, self.digest) = (next.number, next.digest);
        Ok(())
    }
}

/// A delta was not applied; the list is as it was.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error, minicbor::Encode, minicbor::Decode,
)]
#[cbor(index_only)]
pub enum Refusal {
    /// It leads to where the list is, or before.
    #[error("older than what is held")]
    #[n(0)]
    Older,
    /// It starts after where the list is.
    #[error("starts from a revision that is not held")]
    #[n(1)]
    Gap,
    /// It belongs to an earlier epoch.
    #[error("belongs to an earlier epoch")]
    #[n(2)]
    EarlierEpoch,
    /// It belongs to a later epoch, which begins with a snapshot.
    #[error("belongs to a later epoch: a snapshot is needed")]
    #[n(3)]
    LaterEpoch,
    /// Two histories claim one epoch number.
    #[error("two histories claim one epoch number")]
    #[n(4)]
    EpochConflict,
    /// Two contents claim one revision.
    #[error("two contents claim one revision")]
    #[n(5)]
    ContentConflict,
    /// The result would not be what was signed.
    #[error("the result does not have the digest that was signed")]
    #[n(6)]
    Digest,
}

/// Changes laid over a table before both are made one.
const CHANGES: usize = 1 << 14;
/// Bytes of a revision and a digest, in front of a table.
const HEAD: usize = 52;

/// A zone's entries at one revision; clones share the most of them.
#[derive(Clone)]
pub struct AllowList {
    revision: Revision,
    digest: Digest,
    len: usize,
    table: Arc<Table>,
    /// What has changed since the table was made; none: the token is gone.
    changes: BTreeMap<CardToken, Option<Entry>>,
}

/// A list in one piece.
#[derive(Debug, Clone)]
pub struct Merged {
    of: Arc<Table>,
    /// The list.
    pub list: AllowList,
}

/// A list on its way: its entries come in any order, in as many pieces as they like.
#[derive(Debug, Default)]
pub struct Gathering {
    rows: Rows,
    digest: Digest,
}

impl Gathering {
    /// Adds an entry; of a token added twice the last entry counts.
    pub fn push(&mut self, entry: Entry) {
        self.digest = self.digest.with(&entry);
        self.rows.push(entry);
    }

    /// The list of all that was added.
    #[must_use]
    pub fn build(self, revision: Revision) -> AllowList {
        let (table, replaced) = self.rows.build();
        AllowList {
            revision,
            digest: replaced.iter().fold(self.digest, Digest::without),
            len: table.len(),
            table: Arc::new(table),
            changes: BTreeMap::new(),
        }
    }
}

impl PartialEq for AllowList {
    fn eq(&self, other: &Self) -> bool {
        let named = |list: &Self| (list.revision, list.digest, list.len);
        named(self) == named(other) && self.entries().eq(other.entries())
    }
}

impl Eq for AllowList {}

impl fmt::Debug for AllowList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "AllowList({}, {}, {} entries)",
            self.revision, self.digest, self.len
        )
    }
}

impl AllowList {
    /// A list from its entries; a token listed twice keeps its last entry.
    #[must_use]
    pub fn build(revision: Revision, entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut gathering = Gathering::default();
        for entry in entries {
            gathering.push(entry);
        }
        gathering.build(revision)
    }

    /// Where in history it stands.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What it contains, as one number.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many cards it lists.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it lists none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What it says of a card.
    #[must_use]
    pub fn find(&self, token: CardToken) -> Option<Entry> {
        match self.changes.get(&token) {
            Some(change) => change.clone(),
            None => self.table.find(token),
        }
    }

    /// All entries, by token.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let changes = self.changes.iter();
        overlaid(
            self.table.entries(),
            changes.map(|(token, entry)| (*token, entry.clone())),
        )
    }

    /// What leads from this list to those entries at that number.
    #[must_use]
    pub fn delta_to(&self, number: u64, entries: &BTreeMap<CardToken, Entry>) -> Delta {
        let upserts: Vec<Entry> = entries
            .values()
            .filter(|entry| self.find(entry.token).as_ref() != Some(*entry))
            .cloned()
            .collect();
        let removals: Vec<CardToken> = self
            .entries()
            .map(|entry| entry.token)
            .filter(|token| !entries.contains_key(token))
            .collect();
        let digest = self.digest_after(&upserts, &removals);
        Delta {
            epoch: self.revision.epoch,
            base: self.revision.number,
            number,
            upserts,
            removals,
            digest,
        }
    }

    /// Whether the delta may be applied: it starts here and its result is what was signed.
    pub fn accept(&self, delta: &Delta) -> Result<(), Refusal> {
        compare_epochs(self.revision.epoch, delta.epoch)?;
        if delta.number == self.revision.number && delta.digest != self.digest {
            return Err(Refusal::ContentConflict);
        }
        if delta.number <= self.revision.number {
            return Err(Refusal::Older);
        }
        if delta.base != self.revision.number {
            return Err(Refusal::Gap);
        }
        if self.digest_after(&delta.upserts, &delta.removals) != delta.digest {
            return Err(Refusal::Digest);
        }
        Ok(())
    }

    /// Applies an accepted delta; a refused one changes nothing.
    pub fn apply(&mut self, delta: &Delta) -> Result<(), Refusal> {
        self.accept(delta)?;
        for token in &delta.removals {
            self.change(*token, None);
        }
        for entry in &delta.upserts {
            self.change(entry.token, Some(entry.clone()));
        }
        self.revision = delta.revision();
        self.digest = delta.digest;
        if self.changes.len() > CHANGES.max(self.table.len() / 8) {
            *self = self.merged().list;
        }
        Ok(())
    }

    fn change(&mut self, token: CardToken, entry: Option<Entry>) {
        let was_listed = match self.changes.get(&token) {
            Some(change) => change.is_some(),
            None => self.table.find(token).is_some(),
        };
        self.len = self.len - usize::from(was_listed) + usize::from(entry.is_some());
        self.changes.insert(token, entry);
    }

    /// The same list in one piece, for [`AllowList::rest_on`]: a copy of all of it if anything has changed since it was.
    #[must_use]
    pub fn merged(&self) -> Merged {
        let table = if self.changes.is_empty() {
            self.table.clone()
        } else {
            Arc::new(self.table.with(&self.changes))
        };
        Merged {
            of: self.table.clone(),
            list: Self {
                table,
                changes: BTreeMap::new(),
                ..*self
            },
        }
    }

    /// Takes over what was made of an earlier state of this very list, so that only what has changed since is laid over
    /// it; what it lists stays what it is. Anything else changes nothing.
    pub fn rest_on(&mut self, merged: &Merged) {
        if Arc::ptr_eq(&merged.of, &self.table) {
            self.table = merged.list.table.clone();
            self.changes
                .retain(|token, entry| self.table.find(*token) != *entry);
        }
    }

    /// Adds the list to some bytes, for [`AllowList::from_bytes`].
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        if !self.changes.is_empty() {
            return self.merged().list.append_to(bytes);
        }
        bytes.reserve_exact(HEAD + self.table.as_bytes().len());
        bytes.extend_from_slice(&self.revision.epoch.number.to_le_bytes());
        bytes.extend_from_slice(&self.revision.epoch.id);
        bytes.extend_from_slice(&self.revision.number.to_le_bytes());
        bytes.extend_from_slice(&self.digest.0);
        bytes.extend_from_slice(self.table.as_bytes());
    }

    /// The list that was added to some bytes from byte `at` on, used as it lies there; none if it is none.
    ///
    /// It is believed that the digest is the entries': whoever hands in the bytes knows that they are as they were written.
    pub fn from_bytes(bytes: Vec<u8>, at: usize) -> Option<Self> {
        let (number, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
        let (id, rest) = rest.split_first_chunk::<8>()?;
        let (revision, rest) = rest.split_first_chunk::<8>()?;
        let digest = Digest(*rest.first_chunk::<32>()?);
        let epoch = Epoch {
            number: u32::from_le_bytes(*number),
            id: *id,
        };
        let revision = Revision {
            epoch,
            number: u64::from_le_bytes(*revision),
        };
        let table = Table::read(bytes, at + HEAD)?;
        Some(Self {
            revision,
            digest,
            len: table.len(),
            table: Arc::new(table),
            changes: BTreeMap::new(),
        })
    }

    fn digest_after(&self, upserts: &[Entry], removals: &[CardToken]) -> Digest {
        // Of a card named twice the last entry counts, and it is taken out once.
        let after: BTreeMap<CardToken, &Entry> =
            upserts.iter().map(|entry| (entry.token, entry)).collect();
        let touched: BTreeSet<CardToken> = removals.iter().chain(after.keys()).copied().collect();
        let gone = touched.into_iter().filter_map(|token| self.find(token));
        let digest = gone.fold(self.digest, |digest, entry| digest.without(&entry));
        after.into_values().fold(digest, Digest::with)
    }
}

/// Whether something of the offered epoch may follow what is held.
pub fn compare_epochs(held: Epoch, offered: Epoch) -> Result<(), Refusal> {
    match offered.number.cmp(&held.number) {
        std::cmp::Ordering::Less => Err(Refusal::EarlierEpoch),
        std::cmp::Ordering::Greater => Err(Refusal::LaterEpoch),
        std::cmp::Ordering::Equal if offered.id != held.id => Err(Refusal::EpochConflict),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// How a signed statement of the newest revision compares with the highest one ever accepted.
pub fn compare(
    held: (Revision, Digest),
    offered: (Revision, Digest),
) -> Result<std::cmp::Ordering, Refusal> {
    match compare_epochs(held.0.epoch, offered.0.epoch) {
        Ok(()) => {}
        Err(Refusal::LaterEpoch) => return Ok(std::cmp::Ordering::Greater),
        Err(refusal) => return Err(refusal),
    }
    let order = offered.0.number.cmp(&held.0.number);
    if order.is_eq() && offered.1 != held.1 {
        return Err(Refusal::ContentConflict);
    }
    if order.is_lt() {
        Err(Refusal::Older)
    } else {
        Ok(order)
    }
}

#[cfg(test)]
mod tests;
