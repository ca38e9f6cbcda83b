//! A list put together from the parts of one snapshot, in any order.

use shared::allow_list::{AllowList, Digest, Revision};
use shared::rights::Entry;
use shared::wire::messages::PART_ENTRIES;
use shared::wire::{RefusedWhy, SnapshotPart};

/// More than any club has cards; what claims more is not kept in memory.
const MAX_PARTS: u32 = 256;

/// The parts of one snapshot that have come.
#[derive(Debug)]
pub struct Assembly {
    revision: Revision,
    digest: Digest,
    parts: Vec<Option<Vec<Entry>>>,
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
        if part.parts == 0 || part.parts > MAX_PARTS {
            return Err(RefusedWhy::Unreadable);
        }
        Ok(Self {
            revision: part.revision,
            digest: part.digest,
            parts: (0..part.parts).map(|_| None).collect(),
        })
    }

    /// Whether the part belongs to the same snapshot.
    #[must_use]
    pub fn continues(&self, part: &SnapshotPart) -> bool {
        let parts = u32::try_from(self.parts.len()).expect("there are few parts");
        (self.revision, self.digest, parts) == (part.revision, part.digest, part.parts)
    }

    /// Takes a part; one that comes twice changes nothing.
    pub fn add(mut self, part: &SnapshotPart) -> Result<Step, RefusedWhy> {
        let place = usize::try_from(part.index)
            .ok()
            .and_then(|index| self.parts.get_mut(index));
        let place = place
            .filter(|_| part.entries.len() <= PART_ENTRIES)
            .ok_or(RefusedWhy::Unreadable)?;
        *place = Some(part.unpack().ok_or(RefusedWhy::Unreadable)?);
        if self.parts.iter().any(Option::is_none) {
            return Ok(Step::More(self));
        }
        let list = AllowList::build(self.revision, self.parts.into_iter().flatten().flatten());
        if list.digest() == self.digest {
            Ok(Step::Whole(list))
        } else {
            Err(RefusedWhy::Digest)
        }
    }
}
