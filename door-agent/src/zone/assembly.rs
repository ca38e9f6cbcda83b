//! A list put together from the parts of one snapshot, in any order.

use shared::allow_list::{AllowList, Digest, Gathering, Revision};
use shared::wire::messages::PART_ENTRIES;
use shared::wire::{RefusedWhy, SnapshotPart};

/// Four million cards: more than any club has. What claims more is not kept in memory.
const MAX_PARTS: u32 = 4096;

/// The parts of one snapshot that have come.
#[derive(Debug)]
pub struct Assembly {
    revision: Revision,
    digest: Digest,
    has: Vec<bool>,
    gathering: Gathering,
}

/// What a further part makes of it.
#[derive(Debug)]
pub enum Step {
    /// Parts are missing.
    More(Assembly),
    /// The list is whole, and is what was signed.
    Whole(AllowList),
}

impl Assembly {
    /// Of the snapshot that this part belongs to.
    pub fn begin(part: &SnapshotPart) -> Result<Self, RefusedWhy> {
        let parts = usize::try_from(part.parts).unwrap_or(usize::MAX);
        if part.parts == 0 || part.parts > MAX_PARTS {
            return Err(RefusedWhy::Unreadable);
        }
        Ok(Self {
            revision: part.revision,
            digest: part.digest,
            has: vec![false; parts],
            gathering: Gathering::default(),
        })
    }

    /// Whether the part belongs to the same snapshot.
    #[must_use]
    pub fn continues(&self, part: &SnapshotPart) -> bool {
        let parts = u32::try_from(self.has.len()).expect("there are few parts");
        (self.revision, self.digest, parts) == (part.revision, part.digest, part.parts)
    }

    /// Takes a part; one that comes twice changes nothing.
    pub fn add(mut self, part: &SnapshotPart) -> Result<Step, RefusedWhy> {
        let has = usize::try_from(part.index)
            .ok()
            .and_then(|index| self.has.get_mut(index));
        let has = has
            .filter(|_| part.entries.len() <= PART_ENTRIES)
            .ok_or(RefusedWhy::Unreadable)?;
        if !std::mem::replace(has, true) {
            let entries = part.unpack().ok_or(RefusedWhy::Unreadable)?;
            entries
                .into_iter()
                .for_each(|entry| self.gathering.push(entry));
        }
        if self.has.contains(&false) {
            return Ok(Step::More(self));
        }
        let list = self.gathering.build(self.revision);
        if list.digest() == self.digest {
            Ok(Step::Whole(list))
        } else {
            Err(RefusedWhy::Digest)
        }
    }
}
