//! How events, gaps and marks lie in a segment.
//!
//! What an event says itself is not written twice, and most events name their boot by its first bytes: the whole name
//! stands in the marks in front of them, in the first event of each boot in a segment, and in every sixteenth.

use shared::badge::Weight;
use shared::ids::BootId;
use shared::time::Timestamp;
use std::collections::BTreeMap;

/// An event as it was written before tags: read, not written any more.
const OLD_EVENT: u8 = 1;
const GAP: u8 = 2;
const MARK: u8 = 3;
/// An event that names its boot by a tag.
const TAGGED: u8 = 4;
/// An event that names its boot in full.
const EVENT: u8 = 5;
/// An event's weight stands here in the first byte.
const WEIGHT: u8 = 0x30;
const WEIGHT_SHIFT: u32 = 4;
/// Number and moment of an event are those that its own bytes begin with.
const TOLD: u8 = 0x80;
/// Nobody counts that far; and so high, many numbers can still be added up.
const HIGHEST: u64 = 1 << 48;

/// One record of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// A badge event.
    Event {
        boot: BootId,
        sequence: u64,
        at: Timestamp,
        weight: Weight,
        bytes: Vec<u8>,
    },
    /// `span` consecutive events that were dropped, `grants` of them grants.
    Gap {
        boot: BootId,
        sequence: u64,
        at: Timestamp,
        span: u64,
        grants: u64,
    },
    /// How far a boot had come; the last one in file order holds.
    Mark {
        boot: BootId,
        acknowledged: u64,
        sent: u64,
    },
}

/// The first bytes of a boot's name.
pub(super) type Tag = [u8; 4];

pub(super) fn tag(boot: BootId) -> Tag {
    let [a, b, c, d, ..] = boot.0;
    [a, b, c, d]
}

/// The whole names that were met, by their tags.
pub(super) type Names = BTreeMap<Tag, BootId>;

impl Record {
    /// The bytes; an event that is not `in_full` names its boot by a tag.
    pub fn encode(&self, in_full: bool) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Record::Event {
                boot,
                sequence,
                at,
                weight,
                bytes,
            } => {
                let told = told(bytes) == Some((*sequence, *at));
                let kind = if in_full { EVENT } else { TAGGED };
                let flag = if told { TOLD } else { 0 };
                out.push(kind | weight_code(*weight) << WEIGHT_SHIFT | flag);
                if in_full {
                    out.extend_from_slice(&boot.0);
                } else {
                    out.extend_from_slice(&tag(*boot));
                }
                if !told {
                    out.extend_from_slice(&sequence.to_le_bytes());
                    out.extend_from_slice(&at.0.to_le_bytes());
                }
                out.extend_from_slice(bytes);
            }
            Record::Gap {
                boot,
                sequence,
                at,
                span,
                grants,
            } => {
                head(&mut out, GAP, *boot, &[*sequence]);
                out.extend_from_slice(&at.0.to_le_bytes());
                out.extend_from_slice(&span.to_le_bytes());
                out.extend_from_slice(&grants.to_le_bytes());
            }
            Record::Mark {
                boot,
                acknowledged,
                sent,
            } => head(&mut out, MARK, *boot, &[*acknowledged, *sent]),
        }
        out
    }

    /// Reads a record, and notes the whole name that it carries for those that follow.
    pub fn decode(payload: &[u8], names: &mut Names) -> Option<Record> {
        let record = Self::decode_any(payload, names).filter(Self::plausible)?;
        names.insert(tag(record.boot()), record.boot());
        Some(record)
    }

    /// The run it belongs to.
    pub fn boot(&self) -> BootId {
        match self {
            Record::Event { boot, .. } | Record::Gap { boot, .. } | Record::Mark { boot, .. } => {
                *boot
            }
        }
    }

    /// Numbers so high that counting on from them could overflow were never written.
    fn plausible(&self) -> bool {
        match self {
            Record::Event { sequence, .. } => (1..HIGHEST).contains(sequence),
            Record::Gap { sequence, span, .. } => {
                let is_low = (1..HIGHEST).contains(sequence) && (1..HIGHEST).contains(span);
                is_low && sequence + span <= HIGHEST
            }
            Record::Mark {
                acknowledged, sent, ..
            } => *acknowledged < HIGHEST && *sent < HIGHEST,
        }
    }

    fn decode_any(payload: &[u8], names: &Names) -> Option<Record> {
        let (first, rest) = payload.split_first()?;
        let kind = first & !(WEIGHT | TOLD);
        let (boot, rest) = if kind == TAGGED {
            let (tag, rest) = rest.split_first_chunk::<4>()?;
            (*names.get(tag)?, rest)
        } else {
            let (boot, rest) = rest.split_first_chunk::<16>()?;
            (BootId(*boot), rest)
        };
        if kind == EVENT || kind == TAGGED {
            let weight = weight_of((first & WEIGHT) >> WEIGHT_SHIFT)?;
            let ((sequence, at), bytes) = if first & TOLD == 0 {
                let (sequence, rest) = number(rest)?;
                let (at, rest) = number(rest)?;
                ((sequence, Timestamp(at.cast_signed())), rest)
            } else {
                (told(rest)?, rest)
            };
            return Some(Record::Event {
                boot,
                sequence,
                at,
                weight,
                bytes: bytes.to_vec(),
            });
        }
        let (first, rest) = number(rest)?;
        let (second, rest) = number(rest)?;
        let at = Timestamp(second.cast_signed());
        match kind {
            OLD_EVENT => {
                let (weight, bytes) = rest.split_first()?;
                Some(Record::Event {
                    boot,
                    sequence: first,
                    at,
                    weight: weight_of(*weight)?,
                    bytes: bytes.to_vec(),
                })
            }
            GAP => {
                let (span, rest) = number(rest)?;
                let (grants, _) = number(rest)?;
                Some(Record::Gap {
                    boot,
                    sequence: first,
                    at,
                    span,
                    grants,
                })
            }
            MARK => Some(Record::Mark {
                boot,
                acknowledged: first,
                sent: second,
            }),
            _ => None,
        }
    }
}

/// The number and the moment that an event's own bytes begin with, if they do: two items of an array in CBOR.
fn told(event: &[u8]) -> Option<(u64, Timestamp)> {
    let mut decoder = minicbor::Decoder::new(event);
    decoder.array().ok()??;
    Some((decoder.u64().ok()?, Timestamp(decoder.i64().ok()?)))
}

fn head(out: &mut Vec<u8>, kind: u8, boot: BootId, numbers: &[u64]) {
    out.push(kind);
    out.extend_from_slice(&boot.0);
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*number), rest))
}

fn weight_code(weight: Weight) -> u8 {
    match weight {
        Weight::Diagnostic => 0,
        Weight::Refusal => 1,
        Weight::Grant => 2,
    }
}

fn weight_of(code: u8) -> Option<Weight> {
    [Weight::Diagnostic, Weight::Refusal, Weight::Grant]
        .into_iter()
        .find(|weight| weight_code(*weight) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_comes_back_as_it_was_and_nonsense_is_none() {
        let (boot, at) = (BootId([7; 16]), Timestamp(-5));
        let records = [
            Record::Event {
                boot,
                sequence: 1,
                at,
                weight: Weight::Grant,
                bytes: b"in".to_vec(),
            },
            Record::Event {
                boot,
                sequence: 1,
                at,
                weight: Weight::Refusal,
                bytes: vec![0x83, 1, 0x24, 0],
            },
            Record::Event {
                boot,
                sequence: 2,
                at,
                weight: Weight::Diagnostic,
                bytes: Vec::new(),
            },
            Record::Gap {
                boot,
                sequence: 3,
                at,
                span: 4,
                grants: 1,
            },
            Record::Mark {
                boot,
                acknowledged: 2,
                sent: 6,
            },
        ];
        let decode = |bytes: &[u8]| Record::decode(bytes, &mut Names::new());
        for record in &records {
            let bytes = record.encode(true);
            assert_eq!(decode(&bytes).as_ref(), Some(record));
            assert_eq!(decode(&bytes[..17]), None);
        }
        // Of a run with such an end a mark would be written that is not read.
        let endless = |sequence, span| Record::Gap {
            boot,
            sequence,
            at,
            span,
            grants: 0,
        };
        let last = endless(HIGHEST / 2, HIGHEST / 2);
        assert_eq!(decode(&last.encode(true)), Some(last));
        assert_eq!(
            decode(&endless(HIGHEST / 2, HIGHEST / 2 + 1).encode(true)),
            None
        );
        assert_eq!(decode(&[9; 60]), None);
        let mut old = vec![OLD_EVENT];
        old.extend(
            [
                &[7; 16][..],
                &1_u64.to_le_bytes(),
                &at.0.to_le_bytes(),
                b"\x02in",
            ]
            .concat(),
        );
        assert_eq!(decode(&old).as_ref(), Some(&records[0]));
        assert_eq!(decode(&[]), None);
        let [_, told, .., mark] = records.map(|record| record.encode(true));
        assert_eq!(told.len(), 17 + 4);
        assert_eq!(mark.len(), 33);
    }

    #[test]
    fn an_event_may_name_its_boot_by_a_tag_once_the_whole_name_was_met() {
        let event = |boot| Record::Event {
            boot,
            sequence: 7,
            at: Timestamp(8),
            weight: Weight::Grant,
            bytes: vec![0x82, 7, 8],
        };
        let mut names = Names::new();
        let short = event(BootId([7; 16])).encode(false);
        assert_eq!(short.len(), 5 + 3);
        assert_eq!(Record::decode(&short, &mut names), None);
        for boot in [BootId([7; 16]), BootId([9; 16])] {
            let full = event(boot).encode(true);
            assert_eq!(Record::decode(&full, &mut names), Some(event(boot)));
        }
        let told = Record::decode(&short, &mut names);
        assert_eq!(told, Some(event(BootId([7; 16]))));
    }
}
