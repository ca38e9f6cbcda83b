//! Every kind of card at every kind of door, as one table that can be read and reviewed.

use shared::allow_list::{AllowList, Epoch, Revision};
use shared::calendar::{Calendar, Day};
use shared::card::CardToken;
use shared::decide::{Knowledge, Policy, decide};
use shared::door_clock::{Quality, Reading};
use shared::ids::Holder;
use shared::pin::PinVerifier;
use shared::rights::{CardState, Entry, Flags, Right};
use shared::schedule::{HOLIDAY, Schedule, Window};
use shared::time::{Span, Timestamp};
use std::fmt::Write as _;

const GOLDEN: &str = include_str!("golden/access.txt");
/// Monday, 5 January 1970, 10:00.
const MONDAY: Timestamp = Timestamp::from_seconds(4 * 86_400 + 36_000);
const TOKEN: CardToken = CardToken([1; 8]);

fn right(until: Option<Timestamp>, certain: bool) -> Right {
    Right {
        schedule: 0,
        not_before: None,
        not_after: until,
        certain,
    }
}

fn entry(state: CardState, rights: Vec<Right>, flags: Flags) -> Option<Entry> {
    Some(Entry {
        token: TOKEN,
        holder: Holder(1),
        state,
        rights,
        flags,
        pin: None,
    })
}

fn ok(right: Right) -> Option<Entry> {
    entry(CardState::Ok, vec![right], Flags::default())
}

const PIN: PinVerifier = PinVerifier([9; 8]);

fn with_pin(entry: Option<Entry>) -> Option<Entry> {
    entry.map(|entry| Entry {
        pin: Some(PIN),
        ..entry
    })
}

/// What is typed after the card, by the words of its row.
fn typed(card: &str) -> Option<PinVerifier> {
    if card.ends_with("types another") {
        Some(PinVerifier([8; 8]))
    } else if card.ends_with("types it") || card.ends_with("types its PIN") {
        Some(PIN)
    } else {
        None
    }
}

fn cards() -> Vec<(&'static str, Option<Entry>)> {
    let always = right(None, true);
    let hours = Right {
        schedule: 1,
        ..always
    };
    let ended = |certain| right(Some(MONDAY - Span::hours(1)), certain);
    vec![
        ("not on the list", None),
        ("paid, no end", ok(always)),
        (
            "paid until tomorrow",
            ok(right(Some(MONDAY + Span::days(1)), false)),
        ),
        ("ended an hour ago, renewal possible", ok(ended(false))),
        ("ended an hour ago, for certain", ok(ended(true))),
        ("ends at this very second", ok(right(Some(MONDAY), true))),
        (
            "begins tomorrow",
            ok(Right {
                not_before: Some(MONDAY + Span::days(1)),
                ..always
            }),
        ),
        ("weekdays 9 to 22 only", ok(hours)),
        (
            "weekends only",
            ok(Right {
                schedule: 2,
                ..always
            }),
        ),
        (
            "ended, and weekends only",
            entry(
                CardState::Ok,
                vec![
                    ended(true),
                    Right {
                        schedule: 2,
                        ..always
                    },
                ],
                Flags::default(),
            ),
        ),
        (
            "a schedule the door lacks",
            ok(Right {
                schedule: 9,
                ..always
            }),
        ),
        ("lapsed", entry(CardState::Lapsed, vec![], Flags::default())),
        (
            "lapsed, with a right left in",
            entry(CardState::Lapsed, vec![always], Flags::default()),
        ),
        (
            "a member, but not here any more",
            entry(CardState::Ended, vec![], Flags::default()),
        ),
        (
            "on hold",
            entry(CardState::Held, vec![always], Flags::default()),
        ),
        (
            "reported lost",
            entry(CardState::Lost, vec![always], Flags::default()),
        ),
        (
            "keyholder",
            entry(CardState::Ok, vec![always], Flags::KEYHOLDER),
        ),
        (
            "always with a PIN, none given",
            entry(CardState::Ok, vec![always], Flags::PIN),
        ),
        ("has a PIN, types none", with_pin(ok(always))),
        ("has a PIN, types it", with_pin(ok(always))),
        ("has a PIN, types another", with_pin(ok(always))),
        (
            "ended for certain, types its PIN",
            with_pin(ok(ended(true))),
        ),
        (
            "guest until this evening",
            ok(Right {
                not_before: Some(MONDAY - Span::hours(2)),
                ..right(Some(MONDAY + Span::hours(8)), true)
            }),
        ),
        (
            "holidays only",
            ok(Right {
                schedule: 3,
                ..always
            }),
        ),
        (
            "weekdays, and weekends by another right",
            entry(
                CardState::Ok,
                vec![
                    hours,
                    Right {
                        schedule: 2,
                        ..always
                    },
                ],
                Flags::default(),
            ),
        ),
        (
            "without the induction",
            entry(CardState::Ok, vec![always], Flags::INDUCTION),
        ),
        (
            "keyholder without the induction",
            entry(
                CardState::Ok,
                vec![always],
                Flags::KEYHOLDER.and(Flags::INDUCTION),
            ),
        ),
        (
            "a flag from the future",
            entry(CardState::Ok, vec![always], Flags(1 << 9)),
        ),
    ]
}

struct Door {
    name: &'static str,
    policy: Policy,
    contact: Timestamp,
    clock: Reading,
}

fn doors() -> Vec<Door> {
    let schedules = vec![
        Schedule::always(),
        Schedule {
            windows: vec![Window {
                days: 0b001_1111,
                from: 540,
                to: 1320,
            }],
        },
        Schedule {
            windows: vec![Window {
                days: 0b110_0000,
                from: 0,
                to: 1440,
            }],
        },
        Schedule {
            windows: vec![Window {
                days: HOLIDAY,
                from: 0,
                to: 1440,
            }],
        },
    ];
    let policy = Policy {
        schedules,
        ..Policy::standard()
    };
    let trusted = Reading {
        time: MONDAY,
        quality: Quality::Trusted,
    };
    let door = |name, policy: &Policy, contact, clock| Door {
        name,
        policy: policy.clone(),
        contact,
        clock,
    };
    let stale = Policy {
        staleness: Some(Span::days(2)),
        ..policy.clone()
    };
    let untrusted = Reading {
        time: MONDAY,
        quality: Quality::Untrusted,
    };
    let pin_by = |schedule| Policy {
        pin_schedule: Some(schedule),
        ..policy.clone()
    };
    vec![
        door("in contact", &policy, MONDAY, trusted),
        door(
            "3 days without contact",
            &policy,
            MONDAY - Span::days(3),
            trusted,
        ),
        door("3 days, 2 allowed", &stale, MONDAY - Span::days(3), trusted),
        door(
            "15 days after the end",
            &policy,
            MONDAY - Span::days(3),
            Reading {
                time: MONDAY + Span::days(15),
                ..trusted
            },
        ),
        door("clock unsure", &policy, MONDAY, untrusted),
        door(
            "clock unsure, strict",
            &Policy {
                schedules_without_clock: false,
                ..policy.clone()
            },
            MONDAY,
            untrusted,
        ),
        door(
            "lockdown",
            &Policy {
                lockdown: true,
                ..policy.clone()
            },
            MONDAY,
            trusted,
        ),
        door(
            "open house",
            &Policy {
                open_house_until: Some(MONDAY + Span(1)),
                ..policy.clone()
            },
            MONDAY,
            trusted,
        ),
        door(
            "open house, clock unsure",
            &Policy {
                open_house_until: Some(MONDAY + Span(1)),
                ..policy.clone()
            },
            MONDAY,
            untrusted,
        ),
        door(
            "open house, 3 days without contact, 2 allowed",
            &Policy {
                open_house_until: Some(MONDAY + Span(1)),
                ..stale.clone()
            },
            MONDAY - Span::days(3),
            trusted,
        ),
        door(
            "open house over",
            &Policy {
                open_house_until: Some(MONDAY),
                ..policy.clone()
            },
            MONDAY,
            trusted,
        ),
        door(
            "this Monday is a holiday",
            &Policy {
                calendar: Calendar {
                    holidays: vec![Day(4)],
                    ..Calendar::default()
                },
                ..policy.clone()
            },
            MONDAY,
            trusted,
        ),
        door("asks for a PIN", &pin_by(0), MONDAY, trusted),
        door("asks for a PIN at weekends", &pin_by(2), MONDAY, trusted),
        door(
            "asks on weekdays, clock unsure",
            &pin_by(1),
            MONDAY,
            untrusted,
        ),
        door(
            "asks for a PIN, open house",
            &Policy {
                open_house_until: Some(MONDAY + Span(1)),
                ..pin_by(0)
            },
            MONDAY,
            trusted,
        ),
    ]
}

fn table() -> String {
    let mut out = String::new();
    for door in doors() {
        writeln!(out, "{}", door.name).expect("memory");
        for (card, entry) in cards() {
            let revision = Revision {
                epoch: Epoch {
                    number: 1,
                    id: [0; 8],
                },
                number: 1,
            };
            let list = AllowList::build(revision, entry);
            let knowledge = Knowledge {
                list: &list,
                policy: &door.policy,
                policy_revision: revision,
                contact: door.contact,
            };
            let decision = decide(TOKEN, typed(card), Some(knowledge), door.clock);
            let word = if decision.grants() { "opens" } else { "shut" };
            writeln!(out, "    {card:38} {word:6} {}", decision.reason.name()).expect("memory");
        }
    }
    out
}

#[test]
fn the_table_of_decisions_is_as_reviewed() {
    assert_eq!(table(), GOLDEN, "read the difference as a change of policy");
}

#[test]
fn a_door_that_has_no_list_opens_for_nobody() {
    let clock = Reading {
        time: MONDAY,
        quality: Quality::Trusted,
    };
    let decision = decide(TOKEN, None, None, clock);
    assert_eq!((decision.reason.name(), decision.holder), ("no_list", None));
}
