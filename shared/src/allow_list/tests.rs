use super::*;
use crate::ids::Holder;
use crate::pin::PinVerifier;
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
        pin: None,
    }
}

const REVISION: Revision = Revision {
    epoch: EPOCH,
    number: 1,
};

fn list(entries: &[Entry]) -> AllowList {
    AllowList::build(REVISION, entries.iter().cloned())
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

fn terms(kind: i64) -> Entry {
    let right = crate::rights::Right {
        schedule: 0,
        not_before: None,
        not_after: Some(crate::time::Timestamp(kind)),
        certain: kind % 2 == 0,
    };
    Entry {
        state: if kind % 3 == 0 {
            CardState::Lapsed
        } else {
            CardState::Ok
        },
        rights: vec![right; usize::from(kind % 3 != 0)],
        flags: Flags(u32::from(kind % 5 == 0)),
        pin: (kind % 7 == 0).then(|| PinVerifier(kind.to_le_bytes())),
        ..entry(0, kind)
    }
}

/// So many entries, spread over all tokens.
fn many(count: u32) -> impl Iterator<Item = Entry> {
    (0..count).map(|number| Entry {
        token: CardToken((u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes()),
        // As random as real ones: 52 bits.
        holder: Holder((u64::from(number).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 12).cast_signed()),
        ..terms(i64::from(number % 300))
    })
}

#[test]
fn a_list_of_any_length_says_of_every_card_what_was_put_in() {
    for count in [0, 1, 2, 4095, 4096, 530_000] {
        let list = AllowList::build(REVISION, many(count));
        assert_eq!(list.len(), usize::try_from(count).expect("small"));
        for wanted in many(count).step_by(97) {
            assert_eq!(list.find(wanted.token).as_ref(), Some(&wanted));
            let mut other = wanted.token;
            other.0[7] ^= 1;
            assert_eq!(list.find(other), None, "{count}");
        }
        assert!(list.entries().is_sorted_by_key(|entry| entry.token));
        assert_eq!(list.entries().count(), list.len());
    }
}

#[test]
fn a_million_cards_take_few_bytes_each() {
    let count = 600_000;
    let list = AllowList::build(REVISION, many(count));
    let mut bytes = Vec::new();
    list.append_to(&mut bytes);
    let each = bytes.len() / usize::try_from(count).expect("small");
    assert!(each <= 14, "{each} bytes for each card");
}

#[test]
fn of_a_token_listed_twice_the_last_entry_counts_everywhere() {
    let twice = AllowList::build(REVISION, [entry(1, 1), entry(2, 2), entry(1, 3)]);
    assert_eq!(
        twice,
        AllowList::build(REVISION, [entry(2, 2), entry(1, 3)])
    );
}

#[test]
fn holders_of_any_size_come_back() {
    for holder in [0, 255, 256, i64::MAX, -1] {
        let one = AllowList::build(REVISION, [entry(1, 1), entry(2, holder)]);
        let found = one.find(CardToken([2; 8])).map(|entry| entry.holder);
        assert_eq!(found, Some(Holder(holder)));
    }
}

#[test]
fn a_list_comes_back_from_its_bytes_and_from_no_others() {
    let mut list = AllowList::build(REVISION, many(5000));
    let first = list.entries().next().expect("there are entries").token;
    let delta = Delta {
        upserts: vec![entry(7, 1 << 40)],
        removals: vec![first],
        ..list.delta_to(2, &BTreeMap::new())
    };
    let digest = list.digest_after(&delta.upserts, &delta.removals);
    list.apply(&Delta { digest, ..delta }).expect("applies");

    let mut bytes = b"head".to_vec();
    list.append_to(&mut bytes);
    assert_eq!(AllowList::from_bytes(bytes.clone(), 4), Some(list));
    assert_eq!(AllowList::from_bytes(bytes.clone(), bytes.len() + 1), None);
    for cut in (0..bytes.len()).step_by(7).chain(0..100) {
        assert_eq!(
            AllowList::from_bytes(bytes[..cut].to_vec(), 4),
            None,
            "{cut}"
        );
    }
    // Whatever the bytes are, nobody panics over them.
    for at in (0..bytes.len()).step_by(11).chain(0..300) {
        let mut other = bytes.clone();
        other[at] ^= 0x55;
        if let Some(list) = AllowList::from_bytes(other, 4) {
            std::hint::black_box(list.find(first));
            assert!(list.entries().count() <= list.len());
        }
    }
}

#[test]
fn a_row_that_names_no_terms_lists_nobody_even_after_the_list_has_changed() {
    let state = |number, state| Entry {
        state,
        ..entry(number, 1)
    };
    let all = [
        state(1, CardState::Ok),
        state(2, CardState::Held),
        state(3, CardState::Lost),
    ];
    let mut bytes = Vec::new();
    list(&all).append_to(&mut bytes);
    // The last row ends in a byte with its holder in one bit and the place of its terms in two: there is no fourth place.
    *bytes.last_mut().expect("it has bytes") = 0b111;
    let mut damaged = AllowList::from_bytes(bytes, 0).expect("it is not noticed");
    assert!(damaged.entries().eq(all[..2].iter().cloned()));
    let delta = damaged.delta_to(2, &map(&all[..1]));
    damaged.apply(&delta).expect("applies");
    assert!(damaged.merged().list.entries().eq(all[..1].iter().cloned()));
}

#[test]
fn a_list_rests_on_what_was_made_of_it_and_on_nothing_else() {
    let everything = |list: &AllowList| list.entries().collect::<Vec<_>>();
    let mut list = list(&[entry(1, 1), entry(2, 2)]);
    let step = |list: &mut AllowList, to: &[Entry]| {
        let delta = list.delta_to(list.revision().number + 1, &map(to));
        list.apply(&delta).expect("applies");
    };
    step(&mut list, &[entry(2, 3), entry(4, 4)]);
    let merged = list.merged();
    assert_eq!(merged.list, list);
    step(&mut list, &[entry(2, 3), entry(4, 5), entry(1, 1)]);
    let before = everything(&list);
    list.rest_on(&merged);
    assert_eq!(everything(&list), before);
    // Token 1 is as it was before it was taken out; 4 has changed again.
    assert_eq!(list.changes.len(), 2);
    step(&mut list, &[entry(9, 9)]);
    list.rest_on(&merged);
    assert_eq!(everything(&list), [entry(9, 9)]);
}

#[test]
fn changes_without_end_are_made_one_with_the_list() {
    let mut list = list(&[]);
    for number in 2..=4 {
        let all: Vec<Entry> = many(20_000)
            .map(|entry| Entry {
                holder: Holder(number),
                ..entry
            })
            .collect();
        let delta = list.delta_to(number.cast_unsigned(), &map(&all));
        list.apply(&delta).expect("applies");
        assert!(list.changes.is_empty());
        assert_eq!(list.len(), 20_000);
    }
}

#[test]
fn a_card_named_twice_in_one_change_is_counted_once() {
    let before = list(&[entry(1, 1)]);
    let twice = [entry(2, 2), entry(2, 3)];
    let doubled = Delta {
        upserts: twice.to_vec(),
        digest: twice.iter().fold(before.digest(), Digest::with),
        ..before.delta_to(2, &map(&[entry(1, 1)]))
    };
    let mut after = before.clone();
    assert_eq!(after.apply(&doubled), Err(Refusal::Digest));
    let right = Delta {
        upserts: [&twice[..], &[entry(1, 5)]].concat(),
        removals: vec![entry(1, 1).token; 2],
        digest: list(&[entry(1, 5), entry(2, 3)]).digest(),
        ..doubled
    };
    after.apply(&right).expect("it comes to what was signed");
    assert!(after.entries().eq([entry(1, 5), entry(2, 3)]));
}
