//! The events of one boot in memory: what is kept, acknowledged, handed out, dropped.

use super::record::Record;
use crate::records;
use shared::badge::Weight;
use shared::ids::BootId;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// The segment of what no disk holds yet.
pub(super) const IN_MEMORY: u64 = 0;

/// One run of the agent.
#[derive(Debug)]
pub(super) struct Boot {
    pub id: BootId,
    /// By the first sequence number; consecutive, without holes.
    pub entries: BTreeMap<u64, Kept>,
    /// All up to here are committed by the server.
    pub acknowledged: u64,
    /// All up to here are committed, and a mark on disk says so.
    pub acknowledged_on_disk: u64,
    /// All up to here were handed out at least once: their content may no longer change.
    pub sent: u64,
    /// The newest segment that ever held one of its events: its mark must outlive that.
    pub newest_segment: u64,
}

/// One event, or one run of dropped ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub at: Timestamp,
    /// The segment that holds it, or [`IN_MEMORY`].
    pub segment: u64,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Event { weight: Weight, bytes: Vec<u8> },
    Gap { span: u64, grants: u64 },
}

impl Kept {
    /// How many sequence numbers it stands for.
    pub fn span(&self) -> u64 {
        match &self.content {
            Content::Event { .. } => 1,
            Content::Gap { span, .. } => *span,
        }
    }

    pub fn record(&self, boot: BootId, sequence: u64) -> Record {
        let at = self.at;
        match &self.content {
            Content::Event { weight, bytes } => Record::Event {
                boot,
                sequence,
                at,
                weight: *weight,
                bytes: bytes.clone(),
            },
            Content::Gap { span, grants } => Record::Gap {
                boot,
                sequence,
                at,
                span: *span,
                grants: *grants,
            },
        }
    }

    /// Bytes it takes on disk.
    pub fn cost(&self) -> usize {
        match &self.content {
            Content::Event { bytes, .. } => records::HEADER + 22 + bytes.len(),
            Content::Gap { .. } => records::HEADER + 49,
        }
    }
}

impl Boot {
    pub fn new(id: BootId) -> Boot {
        Boot {
            id,
            entries: BTreeMap::new(),
            acknowledged: 0,
            acknowledged_on_disk: 0,
            sent: 0,
            newest_segment: IN_MEMORY,
        }
    }

    /// The highest sequence number in use; 0: none.
    pub fn last(&self) -> u64 {
        let end = self
            .entries
            .last_key_value()
            .map_or(0, |(first, kept)| first + kept.span() - 1);
        end.max(self.acknowledged)
    }

    /// The lowest sequence number still kept.
    pub fn lowest_kept(&self) -> u64 {
        self.entries
            .first_key_value()
            .map_or(self.acknowledged + 1, |(first, _)| *first)
    }

    pub fn mark(&self) -> Record {
        Record::Mark {
            boot: self.id,
            acknowledged: self.acknowledged,
            sent: self.sent,
        }
    }

    /// The entry that stands for a sequence number.
    pub fn entry_at(&self, sequence: u64) -> Option<(u64, &Kept)> {
        let (first, kept) = self.entries.range(..=sequence).next_back()?;
        (sequence - first < kept.span()).then_some((*first, kept))
    }

    /// The oldest entry if all of it is acknowledged.
    pub fn oldest_acknowledged(&self) -> Option<(u64, &Kept)> {
        let (first, kept) = self.entries.first_key_value()?;
        (first + kept.span() - 1 <= self.acknowledged).then_some((*first, kept))
    }

    /// Sequence numbers of events of one weight that may be dropped, newest first.
    pub fn droppable(&self, wanted: Weight) -> impl Iterator<Item = u64> + '_ {
        let frozen = self.sent.max(self.acknowledged);
        self.entries
            .range(frozen + 1..)
            .rev()
            .filter_map(move |(first, kept)| match &kept.content {
                Content::Event { weight, .. } if *weight == wanted => Some(*first),
                Content::Event { .. } | Content::Gap { .. } => None,
            })
    }

    /// Puts a gap in an event's place and joins it to gaps beside it in the same segment; returns the bytes freed.
    pub fn drop_event(&mut self, sequence: u64) -> usize {
        let Some(kept) = self.entries.get_mut(&sequence) else {
            return 0;
        };
        let Content::Event { weight, .. } = &kept.content else {
            return 0;
        };
        let before = kept.cost();
        let grants = u64::from(*weight == Weight::Grant);
        kept.content = Content::Gap { span: 1, grants };
        let after = kept.cost();
        let mut joined = 0;
        let end = sequence + 1;
        if let Some((left, _)) = sequence.checked_sub(1).and_then(|left| self.entry_at(left)) {
            joined += self.join(left, sequence);
        }
        if let Some((first, _)) = self.entry_at(sequence) {
            joined += self.join(first, end);
        }
        (before + joined).saturating_sub(after)
    }

    /// Joins the gap at `second` to the gap at `first` which ends just before it; returns the bytes freed.
    fn join(&mut self, first: u64, second: u64) -> usize {
        let frozen = self.sent.max(self.acknowledged);
        let (Some(left), Some(right)) = (self.entries.get(&first), self.entries.get(&second))
        else {
            return 0;
        };
        let (
            Content::Gap { span, grants },
            Content::Gap {
                span: more,
                grants: more_grants,
            },
        ) = (&left.content, &right.content)
        else {
            return 0;
        };
        if left.segment != right.segment || first <= frozen {
            return 0;
        }
        let content = Content::Gap {
            span: span + more,
            grants: grants + more_grants,
        };
        let kept = Kept {
            at: left.at,
            segment: left.segment,
            content,
        };
        let freed = right.cost();
        self.entries.remove(&second);
        self.entries.insert(first, kept);
        freed
    }
}
