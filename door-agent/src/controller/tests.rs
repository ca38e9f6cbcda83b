//! Stories of one door: an input in, exactly these commands out.

use super::*;
use shared::allow_list::{AllowList, Epoch, Revision};
use shared::decide::Policy;
use shared::door_clock::Quality;
use shared::ids::Holder;
use shared::rights::{CardState, Entry, Flags, Right};
use shared::time::Timestamp;

mod guarding;
mod states;

const KEY: CardKey = CardKey([1; 32]);
const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);
const UNLOCK: Span = Span::seconds(5);

struct Door {
    controller: Controller,
    list: AllowList,
    policy: Policy,
    keys: Vec<CardKey>,
    uptime: Span,
    again_within: Option<Span>,
    quality: Quality,
}

fn uid(number: u8) -> CardUid {
    CardUid::from_bytes(&[4, 1, 2, number]).expect("a card")
}

fn revision() -> Revision {
    Revision {
        epoch: Epoch {
            number: 1,
            id: [0; 8],
        },
        number: 1,
    }
}

fn entry(number: u8, key: &CardKey, flags: Flags) -> Entry {
    Entry {
        token: CardToken::of(&uid(number), key),
        holder: Holder(number.into()),
        state: CardState::Ok,
        rights: vec![Right {
            schedule: 0,
            not_before: None,
            not_after: None,
            certain: true,
        }],
        flags,
        pin: None,
    }
}

impl Door {
    /// A door that knows card 1, and card 9 as a keyholder's.
    fn new() -> Self {
        let entries = [
            entry(1, &KEY, Flags::default()),
            entry(9, &KEY, Flags::KEYHOLDER),
        ];
        Self {
            controller: Controller::new(Settings::unlocking(UNLOCK)),
            list: AllowList::build(revision(), entries),
            policy: Policy::standard(),
            keys: vec![KEY],
            uptime: Span(0),
            again_within: None,
            quality: Quality::Trusted,
        }
    }

    fn hear(&mut self, input: Input) -> Vec<Command> {
        let reading = Reading {
            time: NOON + self.uptime,
            quality: self.quality,
        };
        let knowledge = Knowledge {
            list: &self.list,
            policy: &self.policy,
            policy_revision: revision(),
            contact: NOON,
        };
        let view = View {
            keys: &self.keys,
            knowledge: Some(knowledge),
            again_within: self.again_within,
        };
        self.controller.handle(
            input,
            Moment {
                reading,
                uptime: self.uptime,
            },
            view,
        )
    }

    fn at(&mut self, seconds: i64, input: Input) -> Vec<Command> {
        self.uptime = Span::seconds(seconds);
        self.hear(input)
    }

    /// Lets the time pass to a second, with every tick on the way.
    fn until(&mut self, seconds: i64) -> Vec<Command> {
        let mut out = Vec::new();
        while let Some(due) = self
            .controller
            .poll_timeout()
            .filter(|due| *due <= Span::seconds(seconds))
        {
            self.uptime = due;
            out.extend(self.hear(Input::Tick));
            assert_ne!(
                self.controller.poll_timeout(),
                Some(due),
                "a deadline that is reached is done with"
            );
        }
        self.uptime = Span::seconds(seconds);
        out
    }
}

fn judged(number: u8, reason: Reason) -> Command {
    let holder = [1, 9].contains(&number).then(|| Holder(number.into()));
    Command::Event(What::Card {
        token: CardToken::of(&uid(number), &KEY),
        holder,
        reason,
        list: Some(revision()),
        policy: Some(revision()),
        contact: Some(NOON),
    })
}

fn energise(seconds: i64) -> Command {
    Command::Energise {
        until: Span::seconds(seconds),
    }
}

#[test]
fn a_granted_card_is_logged_then_opens_then_shows_and_the_lock_rests_by_deadline() {
    let mut door = Door::new();
    let out = door.at(0, Input::Card(uid(1)));
    assert_eq!(
        out,
        [
            judged(1, Reason::Granted),
            energise(5),
            Command::Signal(Signal::Welcome)
        ]
    );
    assert_eq!(door.until(4), [Command::Signal(Signal::Rest)]);
    assert_eq!(door.until(5), [Command::Rest]);
    assert_eq!(door.controller.poll_timeout(), None);
    assert_eq!(door.until(1000), []);
}

#[test]
fn a_card_that_rests_on_the_reader_is_one_event_and_after_a_second_away_another() {
    let mut door = Door::new();
    assert_eq!(door.hear(Input::Card(uid(1))).len(), 3);
    for tenth in 1..100 {
        door.uptime = Span(tenth * 100);
        let out = door.hear(Input::Card(uid(1)));
        assert!(
            !out.iter()
                .any(|command| matches!(command, Command::Event(_))),
            "{tenth}"
        );
    }
    door.uptime = door.uptime + Span::seconds(1);
    let out = door.hear(Input::Card(uid(1)));
    assert_eq!(out[0], judged(1, Reason::Granted));
}

#[test]
fn a_refusal_never_blocks_the_next_card() {
    let mut door = Door::new();
    assert_eq!(
        door.hear(Input::Card(uid(2))),
        [judged(2, Reason::Unknown), Command::Signal(Signal::Refused)]
    );
    let out = door.hear(Input::Card(uid(1)));
    assert_eq!(
        out,
        [
            judged(1, Reason::Granted),
            energise(5),
            Command::Signal(Signal::Welcome)
        ]
    );
}

#[test]
fn a_second_card_keeps_an_open_door_open_for_its_own_time() {
    let mut door = Door::new();
    door.hear(Input::Card(uid(1)));
    let out = door.at(2, Input::Card(uid(9)));
    assert_eq!(
        out,
        [
            judged(9, Reason::Granted),
            energise(7),
            Command::Signal(Signal::Welcome)
        ]
    );
    assert_eq!(
        door.until(10),
        [Command::Signal(Signal::Rest), Command::Rest]
    );
}

#[test]
fn a_late_tick_still_closes() {
    let mut door = Door::new();
    door.hear(Input::Card(uid(1)));
    assert_eq!(
        door.at(500, Input::Tick),
        [Command::Rest, Command::Signal(Signal::Rest)]
    );
}

#[test]
fn exit_opens_in_a_lockdown_and_without_any_list() {
    let mut door = Door::new();
    door.policy.lockdown = true;
    let opens = [
        Command::Event(What::Exit),
        energise(5),
        Command::Signal(Signal::Welcome),
    ];
    assert_eq!(door.hear(Input::Exit { pressed: true }), opens);

    let mut bare = Controller::new(Settings::unlocking(UNLOCK));
    let reading = Reading {
        time: Timestamp::MIN,
        quality: Quality::Untrusted,
    };
    assert_eq!(
        bare.handle(
            Input::Exit { pressed: true },
            Moment {
                reading,
                uptime: Span(0)
            },
            View::default()
        ),
        opens
    );
}

#[test]
fn a_lockdown_lets_keyholders_pass() {
    let mut door = Door::new();
    door.policy.lockdown = true;
    assert_eq!(
        door.hear(Input::Card(uid(1)))[0],
        judged(1, Reason::Lockdown)
    );
    assert_eq!(door.hear(Input::Card(uid(9)))[1], energise(5));
}

#[test]
fn without_a_key_no_card_is_known_whatever_the_list_says() {
    let mut door = Door::new();
    door.keys.clear();
    let out = door.hear(Input::Card(uid(1)));
    let Command::Event(What::Card { reason, .. }) = &out[0] else {
        panic!("no event: {out:?}")
    };
    assert_eq!(*reason, Reason::NoList);
    assert_eq!(out.len(), 2);
}

#[test]
fn while_a_key_is_changed_a_card_listed_under_either_passes() {
    let mut door = Door::new();
    door.keys = vec![CardKey([2; 32]), KEY];
    assert_eq!(door.hear(Input::Card(uid(1)))[1], energise(5));
}

#[test]
fn a_door_held_open_is_told_so_again_and_again_and_rests_when_the_time_is_over() {
    let mut door = Door::new();
    door.policy.hold_open_until = Some(NOON + Span::seconds(100));
    assert_eq!(door.hear(Input::Tick), [energise(60)]);
    assert_eq!(door.until(99), [energise(90), energise(100)]);
    assert_eq!(door.until(100), [Command::Rest]);
    assert_eq!(door.controller.poll_timeout(), None);
}

#[test]
fn a_card_at_a_door_held_open_is_logged_and_the_lock_stays_as_it_is() {
    let mut door = Door::new();
    door.policy.hold_open_until = Some(NOON + Span::seconds(3600));
    door.hear(Input::Tick);
    assert_eq!(
        door.hear(Input::Card(uid(1))),
        [judged(1, Reason::Granted), Command::Signal(Signal::Welcome)]
    );
}

#[test]
fn a_lockdown_closes_a_door_held_open_at_once() {
    let mut door = Door::new();
    door.policy.hold_open_until = Some(NOON + Span::seconds(3600));
    door.hear(Input::Tick);
    door.policy.lockdown = true;
    assert_eq!(door.at(1, Input::Tick), [Command::Rest]);
}

#[test]
fn a_card_is_enrolled_when_it_is_shown_twice_within_twenty_seconds() {
    let mut door = Door::new();
    assert_eq!(
        door.hear(Input::Enrol { counter: 4 }),
        [Command::Signal(Signal::Waiting)]
    );
    assert_eq!(
        door.at(2, Input::Card(uid(1))),
        [Command::Signal(Signal::Waiting)]
    );
    assert_eq!(door.hear(Input::Card(uid(1))), [], "it rests");
    assert_eq!(
        door.at(4, Input::Card(uid(2))),
        [Command::Signal(Signal::Waiting)],
        "another one"
    );
    let out = door.at(6, Input::Card(uid(2)));
    let done = Command::Event(What::Command {
        counter: 4,
        done: true,
    });
    let enrolled = Command::Enrolled {
        counter: 4,
        uid: Some(uid(2)),
    };
    assert_eq!(out, [done, enrolled, Command::Signal(Signal::Welcome)]);
    assert_eq!(
        door.at(8, Input::Card(uid(1)))[0],
        judged(1, Reason::Granted),
        "judged again"
    );
}

#[test]
fn an_enrolment_without_a_second_time_ends_by_itself() {
    let mut door = Door::new();
    door.hear(Input::Enrol { counter: 4 });
    door.at(19, Input::Card(uid(2)));
    let ended = Command::Event(What::Command {
        counter: 4,
        done: false,
    });
    let out = door.until(20);
    assert_eq!(
        out,
        [
            ended,
            Command::Enrolled {
                counter: 4,
                uid: None
            },
            Command::Signal(Signal::Rest)
        ]
    );
    assert_eq!(
        door.at(21, Input::Card(uid(2)))[0],
        judged(2, Reason::Unknown)
    );
}

#[test]
fn commands_and_people_at_the_machine_open_and_are_logged() {
    let mut door = Door::new();
    let done = Command::Event(What::Command {
        counter: 7,
        done: true,
    });
    assert_eq!(
        door.hear(Input::Unlock { counter: 7 }),
        [done, energise(5), Command::Signal(Signal::Welcome)]
    );
    door.until(60);
    let opened = Command::Event(What::Local { opened: true });
    assert_eq!(
        door.hear(Input::Local { open: true }),
        [opened, energise(65), Command::Signal(Signal::Welcome)]
    );
    let ended = Command::Event(What::Local { opened: false });
    assert_eq!(
        door.at(61, Input::Local { open: false }),
        [ended, Command::Rest, Command::Signal(Signal::Rest)]
    );
    let done = Command::Event(What::Command {
        counter: 8,
        done: true,
    });
    assert_eq!(
        door.hear(Input::Identify { counter: 8 }),
        [done, Command::Signal(Signal::Identify)]
    );
}

#[test]
fn the_door_contact_is_logged_when_it_changes() {
    let mut door = Door::new();
    let opened = [Command::Event(What::Contact { open: true })];
    assert_eq!(door.hear(Input::Contact { open: true }), opened);
    assert_eq!(door.hear(Input::Contact { open: true }), []);
    assert_eq!(
        door.hear(Input::Contact { open: false }),
        [Command::Event(What::Contact { open: false })]
    );
}
