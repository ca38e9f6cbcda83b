//! How events, gaps and marks lie in a segment.

use shared::badge::Weight;
use shared::ids::BootId;
use shared::time::Timestamp;

const EVENT: u8 = 1;
const GAP: u8 = 2;
const MARK: u8 = 3;
const HIGHEST: u64 = 1 << 60;

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

impl Record {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Record::Event {
                boot,
                sequence,
                at,
                weight,
                bytes,
            } => {
                head(&mut out, EVENT, *boot, &[*sequence]);
                out.extend_from_slice(&at.0.to_le_bytes());
                out.push(weight_code(*weight));
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

    pub fn decode(payload: &[u8]) -> Option<Record> {
        Self::decode_any(payload).filter(Self::plausible)
    }

    /// Numbers so high that counting on from them could overflow were never written.
    fn plausible(&self) -> bool {
        match self {
            Record::Event { sequence, .. } => (1..HIGHEST).contains(sequence),
            Record::Gap { sequence, span, .. } => {
                (1..HIGHEST).contains(sequence) && (1..HIGHEST).contains(span)
            }
            Record::Mark {
                acknowledged, sent, ..
            } => *acknowledged < HIGHEST && *sent < HIGHEST,
        }
    }

    fn decode_any(payload: &[u8]) -> Option<Record> {
        let (kind, rest) = payload.split_first()?;
        let (boot, rest) = rest.split_first_chunk::<16>()?;
        let boot = BootId(*boot);
        let (first, rest) = number(rest)?;
        let (second, rest) = number(rest)?;
        let at = Timestamp(second.cast_signed());
        match *kind {
            EVENT => {
                let (weight, bytes) = rest.split_first()?;
                let weight = weight_of(*weight)?;
                Some(Record::Event {
                    boot,
                    sequence: first,
                    at,
                    weight,
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
        for record in records {
            let bytes = record.encode();
            assert_eq!(Record::decode(&bytes), Some(record));
            assert_eq!(Record::decode(&bytes[..20]), None);
        }
        assert_eq!(Record::decode(&[9; 60]), None);
        assert_eq!(Record::decode(&[]), None);
    }
}
