//! A zone's list: revisions, the digest, what a door accepts.

use crate::card::CardToken;
use crate::rights::Entry;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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

/// A zone's entries at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList {
    revision: Revision,
    entries: BTreeMap<CardToken, Entry>,
    digest: Digest,
}

impl AllowList {
    /// A list from its entries; a token listed twice keeps its last entry.
    #[must_use]
    pub fn build(revision: Revision, entries: impl IntoIterator<Item = Entry>) -> Self {
        let entries: BTreeMap<_, _> = entries
            .into_iter()
            .map(|entry| (entry.token, entry))
            .collect();
        let digest = entries
            .values()
            .fold(Digest::default(), |digest, entry| digest.with(entry));
        Self {
            revision,
            entries,
            digest,
        }
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
        self.entries.len()
    }

    /// Whether it lists none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What it says of a card.
    #[must_use]
    pub fn find(&self, token: CardToken) -> Option<&Entry> {
        self.entries.get(&token)
    }

    /// All entries, by token.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// What leads from this list to those entries at that number.
    #[must_use]
    pub fn delta_to(&self, number: u64, entries: &BTreeMap<CardToken, Entry>) -> Delta {
        let upserts: Vec<Entry> = entries
            .values()
            .filter(|entry| self.entries.get(&entry.token) != Some(entry))
            .cloned()
            .collect();
        let removals: Vec<CardToken> = self
            .entries
            .keys()
            .filter(|token| !entries.contains_key(token))
            .copied()
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
            self.entries.remove(token);
        }
        for entry in &delta.upserts {
            self.entries.insert(entry.token, entry.clone());
        }
        self.revision = delta.revision();
        self.digest = delta.digest;
        Ok(())
    }

    fn digest_after(&self, upserts: &[Entry], removals: &[CardToken]) -> Digest {
        let removed = removals.iter().filter_map(|token| self.entries.get(token));
        let replaced = upserts
            .iter()
            .filter_map(|entry| self.entries.get(&entry.token));
        let digest = removed.chain(replaced).fold(self.digest, Digest::without);
        upserts.iter().fold(digest, Digest::with)
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
mod tests {
    use super::*;
    use crate::ids::Holder;
    use crate::rights::{CardState, Flags};
    use proptest::prelude::*;

    const EPOCH: Epoch = Epoch {
        number: 1,
        id: [7; 8],
    };

    fn entry(token: u8, holder: i64) -> Entry {
        Entry {
            token: CardToken([token; 8]),
            holder: Holder(holder),
            state: CardState::Ok,
            rights: Vec::new(),
            flags: Flags::default(),
        }
    }

    fn list(entries: &[Entry]) -> AllowList {
        AllowList::build(
            Revision {
                epoch: EPOCH,
                number: 1,
            },
            entries.iter().cloned(),
        )
    }

    fn map(entries: &[Entry]) -> BTreeMap<CardToken, Entry> {
        entries
            .iter()
            .map(|entry| (entry.token, entry.clone()))
            .collect()
    }

    #[test]
    fn a_delta_leads_to_the_list_it_was_made_for() {
        let mut list = list(&[entry(1, 1), entry(2, 2)]);
        let target = [entry(2, 9), entry(3, 3)];
        let delta = list.delta_to(2, &map(&target));
        list.apply(&delta).expect("applies");
        assert_eq!(
            list,
            AllowList::build(
                Revision {
                    epoch: EPOCH,
                    number: 2
                },
                target
            )
        );
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let before = list(&[entry(1, 1)]);
        let good = before.delta_to(2, &map(&[entry(1, 2)]));
        let wrong = [
            (
                Delta {
                    base: 0,
                    ..good.clone()
                },
                Refusal::Gap,
            ),
            (
                Delta {
                    number: 1,
                    ..good.clone()
                },
                Refusal::ContentConflict,
            ),
            (
                Delta {
                    number: 1,
                    digest: before.digest(),
                    ..good.clone()
                },
                Refusal::Older,
            ),
            (
                Delta {
                    number: 0,
                    ..good.clone()
                },
                Refusal::Older,
            ),
            (
                Delta {
                    digest: Digest::default(),
                    ..good.clone()
                },
                Refusal::Digest,
            ),
            (
                Delta {
                    upserts: vec![entry(1, 3)],
                    ..good.clone()
                },
                Refusal::Digest,
            ),
            (
                Delta {
                    epoch: Epoch { number: 0, ..EPOCH },
                    ..good.clone()
                },
                Refusal::EarlierEpoch,
            ),
            (
                Delta {
                    epoch: Epoch { number: 2, ..EPOCH },
                    ..good.clone()
                },
                Refusal::LaterEpoch,
            ),
            (
                Delta {
                    epoch: Epoch {
                        id: [8; 8],
                        ..EPOCH
                    },
                    ..good.clone()
                },
                Refusal::EpochConflict,
            ),
        ];
        for (delta, refusal) in wrong {
            let mut list = before.clone();
            assert_eq!(list.apply(&delta), Err(refusal));
            assert_eq!(list, before);
        }
    }

    #[test]
    fn only_what_leads_on_is_joined() {
        let start = list(&[entry(1, 1)]);
        let first = start.delta_to(2, &map(&[entry(1, 2)]));
        let next = Delta {
            base: 2,
            number: 3,
            ..first.clone()
        };
        let elsewhere = Epoch {
            id: [8; 8],
            ..EPOCH
        };
        for wrong in [
            first.clone(),
            Delta {
                base: 3,
                number: 4,
                ..next.clone()
            },
            Delta {
                epoch: elsewhere,
                ..next.clone()
            },
        ] {
            let mut joined = first.clone();
            assert_eq!(joined.join(wrong.clone()), Err(wrong));
            assert_eq!(joined, first);
        }
        let mut joined = first;
        assert_eq!(joined.join(next.clone()), Ok(()));
        assert_eq!(joined, Delta { base: 1, ..next });
    }

    proptest! {
        #[test]
        fn the_digest_is_of_the_set_and_not_of_its_order(tokens in proptest::collection::btree_set(0_u8..50, 0..20), turn in 0_usize..20) {
            let mut entries: Vec<Entry> = tokens.into_iter().map(|token| entry(token, i64::from(token))).collect();
            let straight = list(&entries).digest();
            let middle = turn.min(entries.len());
            entries.rotate_left(middle);
            prop_assert_eq!(list(&entries).digest(), straight);
        }

        #[test]
        fn changes_joined_lead_where_they_lead_one_by_one(steps in proptest::collection::vec(proptest::collection::vec((0_u8..6, 0_i64..3), 0..5), 1..6)) {
            let start = list(&[entry(1, 1), entry(2, 2), entry(3, 3)]);
            let (mut here, mut joined) = (start.clone(), None::<Delta>);
            for (number, holders) in (2..).zip(steps) {
                let wanted: Vec<Entry> = holders.into_iter().map(|(token, holder)| entry(token, holder)).collect();
                let delta = here.delta_to(number, &map(&wanted));
                here.apply(&delta).expect("applies");
                match &mut joined {
                    Some(joined) => joined.join(delta).expect("leads on"),
                    None => joined = Some(delta),
                }
            }
            let joined = joined.expect("there was one");
            let mut at_once = start;
            at_once.apply(&joined).expect("applies");
            prop_assert_eq!(at_once, here);
        }

        #[test]
        fn what_is_added_and_taken_out_leaves_no_trace(first in 0_u8..200, second in 0_u8..200) {
            let start = Digest::default().with(&entry(first, 1));
            prop_assert_eq!(start.with(&entry(second, 2)).without(&entry(second, 2)), start);
        }
    }
}
