use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// False if rank or id had to decide between different states.
fn is_certain(stamp: &Stamp) -> bool {
    let (ends, chained) = stamp.ends();
    chained && ends.len() == 1
}

/// Whether the offered event's payload replaces the stored state; see [`Stamp::take_in`] for the third possibility.
fn supersedes(stored: &Stamp, offered: &Stamp) -> bool {
    stored.clone().take_in(offered) == Choice::Offered
}

/// The place of the event that shows the latest state; none if there are no events.
fn latest(events: &[Stamp]) -> Option<usize> {
    let (first, rest) = events.split_first()?;
    let all = rest
        .iter()
        .fold(first.clone(), |all, stamp| all.merged(stamp));
    events
        .iter()
        .position(|stamp| stamp.events.contains_key(all.event()))
}

const UPDATED: &str = "customer.subscription.updated";
const CREATED: &str = "customer.subscription.created";

/// A subscription in which `state` is the price, or the status where it is one.
fn subscription(state: &str) -> Value {
    let statuses = ["incomplete", "past_due", "canceled", "paused", "unpaid"];
    let known = statuses.contains(&state);
    json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "created": 1,
        "status": if known { state } else { "active" },
        "current_period_start": 1, "current_period_end": 100,
        "items": {"data": [{"id": "si_1", "price": {"id": if known { "p" } else { state }}, "quantity": 1}]},
    })
}

fn event(id: &str, kind: &str, created: i64, before: Option<&str>, after: &str) -> Stamp {
    let object = subscription(after);
    let previous = before.map(|before| {
        let before = subscription(before);
        json!({"status": before["status"], "items": before["items"]})
    });
    stamp(id, kind, created, object, previous)
}

fn stamp(id: &str, kind: &str, created: i64, object: Value, previous: Option<Value>) -> Stamp {
    let event = json!({
        "id": id, "object": "event", "type": kind, "created": created, "livemode": true,
        "data": {"object": object, "previous_attributes": previous},
    });
    Stamp::of(&mut Event::read(event.to_string().as_bytes()).expect("an event"))
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let shorter = permutations(last);
    let at_each = |order: Vec<usize>| {
        (0..count).map(move |place| {
            let mut order = order.clone();
            order.insert(place, last);
            order
        })
    };
    shorter.into_iter().flat_map(at_each).collect()
}

/// Takes the events in, in every order and each twice, as a mirror does; they must always end with the same one.
fn end(events: &[Stamp]) -> String {
    let mut ends = BTreeSet::new();
    for order in permutations(events.len()) {
        let (first, rest) = order.split_first().expect("some events");
        let mut stored = events[*first].clone();
        let mut shown = stored.event().to_owned();
        for at in rest.iter().chain(&order) {
            match stored.take_in(&events[*at]) {
                Choice::Stored => {}
                Choice::Offered => shown = events[*at].event().to_owned(),
                Choice::Earlier(event) => shown = event,
            }
        }
        assert_eq!(
            shown,
            stored.event(),
            "the payload in force is the winner's"
        );
        ends.insert((shown, serde_json::to_string(&stored).expect("text")));
        let shuffled: Vec<Stamp> = order.iter().map(|at| events[*at].clone()).collect();
        assert_eq!(
            latest(&shuffled)
                .map(|at| shuffled[at].event().to_owned())
                .as_deref(),
            Some(stored.event())
        );
    }
    assert_eq!(ends.len(), 1, "{ends:?}");
    ends.pop_first().expect("one end").0
}

#[test]
fn a_later_second_beats_an_earlier_one() {
    assert_eq!(
        end(&[
            event("evt_9", UPDATED, 5, Some("a"), "b"),
            event("evt_1", UPDATED, 6, Some("b"), "a")
        ]),
        "evt_1"
    );
}

#[test]
fn a_state_that_is_never_left_beats_whatever_comes_later() {
    let gone = event(
        "evt_1",
        "customer.subscription.deleted",
        5,
        None,
        "canceled",
    );
    let late = event("evt_2", UPDATED, 9, Some("past_due"), "a");
    assert!(gone.last && !late.last);
    assert_eq!(
        end(&[gone.clone(), late, event("evt_3", CREATED, 5, None, "a")]),
        "evt_1"
    );
    let noted = event("evt_4", UPDATED, 7, None, "canceled");
    assert_eq!(
        end(&[gone, noted]),
        "evt_4",
        "what is written down after the end is still news"
    );
}

#[test]
fn a_plan_made_again_under_its_old_id_is_not_gone() {
    let plan = |id, kind, created| {
        stamp(
            id,
            kind,
            created,
            json!({"id": "membertype_5", "object": "plan"}),
            None,
        )
    };
    assert_eq!(
        end(&[
            plan("evt_1", "plan.deleted", 5),
            plan("evt_2", "plan.created", 6)
        ]),
        "evt_2"
    );
    let customer = |id, kind, created| {
        stamp(
            id,
            kind,
            created,
            json!({"id": "cus_1", "object": "customer"}),
            None,
        )
    };
    assert_eq!(
        end(&[
            customer("evt_1", "customer.deleted", 5),
            customer("evt_2", "customer.updated", 6)
        ]),
        "evt_1"
    );
}

#[test]
fn created_with_an_older_state_does_not_undo_an_update_of_its_second() {
    for before in [Some("incomplete"), None] {
        let events = [
            event("evt_1", UPDATED, 5, before, "a"),
            event("evt_2", CREATED, 5, None, "incomplete"),
        ];
        assert_eq!(end(&events), "evt_1");
    }
}

#[test]
fn the_end_of_a_trial_does_not_undo_a_plan_change_of_its_second() {
    let will_end = |state| {
        event(
            "evt_9",
            "customer.subscription.trial_will_end",
            5,
            None,
            state,
        )
    };
    let changed = event("evt_1", UPDATED, 5, Some("old"), "new");
    assert_eq!(end(&[will_end("old"), changed.clone()]), "evt_1");
    assert_eq!(end(&[will_end("new"), changed.clone()]), "evt_1");
    assert_eq!(end(&[will_end("unheard"), changed]), "evt_1");
}

#[test]
fn changes_within_a_second_are_chained_by_what_was_before() {
    let events = [
        event("evt_9", CREATED, 5, None, "a"),
        event("evt_8", UPDATED, 5, Some("a"), "b"),
        event("evt_7", UPDATED, 5, Some("b"), "c"),
        event("evt_6", UPDATED, 5, Some("c"), "d"),
    ];
    assert_eq!(end(&events), "evt_6");
    assert!(is_certain(
        &events
            .iter()
            .skip(1)
            .fold(events[0].clone(), |all, stamp| all.merged(stamp)),
    ));
}

#[test]
fn a_change_and_its_reversal_in_one_second_end_where_they_began() {
    let there = event("evt_9", UPDATED, 5, Some("a"), "b");
    let back = event("evt_1", UPDATED, 5, Some("b"), "a");
    assert_eq!(
        end(&[
            event("evt_5", CREATED, 5, None, "a"),
            there.clone(),
            back.clone()
        ]),
        "evt_1"
    );
    assert_eq!(
        end(&[
            event("evt_5", UPDATED, 5, Some("z"), "a"),
            there.clone(),
            back.clone()
        ]),
        "evt_5"
    );
    let on = event("evt_0", UPDATED, 5, Some("a"), "c");
    assert_eq!(end(&[there, back, on]), "evt_0");
}

#[test]
fn a_ring_without_a_beginning_falls_to_the_members_side_and_is_not_certain() {
    let failed = event("evt_9", UPDATED, 5, Some("p"), "past_due");
    let recovered = event("evt_1", UPDATED, 5, Some("past_due"), "p");
    assert_eq!(end(&[failed.clone(), recovered.clone()]), "evt_1");
    assert!(!is_certain(&failed.merged(&recovered)));
    assert!(is_certain(&failed));
}

#[test]
fn a_plan_changed_back_in_its_second_is_another_state_if_it_was_invoiced() {
    let change = |id: &str, before: (&str, &str), after: (&str, &str)| {
        let mut object = subscription(after.0);
        object["latest_invoice"] = json!(after.1);
        let previous =
            json!({"items": subscription(before.0)["items"], "latest_invoice": before.1});
        stamp(id, UPDATED, 5, object, Some(previous))
    };
    let there = change("evt_9", ("a", "in_1"), ("b", "in_2"));
    let back = change("evt_1", ("b", "in_2"), ("a", "in_2"));
    assert_eq!(end(&[there.clone(), back.clone()]), "evt_1");
    assert!(is_certain(&there.merged(&back)));
}

#[test]
fn a_chain_with_a_missing_link_is_not_certain_until_the_link_comes() {
    let (first, last) = (
        event("evt_9", UPDATED, 5, Some("a"), "b"),
        event("evt_1", UPDATED, 5, Some("c"), "d"),
    );
    let link = event("evt_5", UPDATED, 5, Some("b"), "c");
    let mut stored = first.clone();
    assert_eq!(stored.take_in(&last), Choice::Stored);
    assert!(!is_certain(&stored));
    assert_eq!(stored.take_in(&link), Choice::Earlier("evt_1".to_owned()));
    assert!(is_certain(&stored));
    assert_eq!(end(&[first, link, last]), "evt_1");
}

#[test]
fn two_events_of_one_change_do_not_hide_the_change_after_it() {
    let events = [
        event("evt_8", UPDATED, 5, Some("a"), "b"),
        event("evt_9", UPDATED, 5, Some("a"), "b"),
        event("evt_1", UPDATED, 5, Some("b"), "c"),
    ];
    assert_eq!(end(&events), "evt_1");
}

#[test]
fn a_change_of_what_we_do_not_read_orders_nothing() {
    let mut object = subscription("b");
    object["metadata"] = json!({"shirt": "M"});
    let noted = stamp(
        "evt_9",
        UPDATED,
        5,
        object,
        Some(json!({"metadata": {"shirt": null}})),
    );
    assert_eq!(
        end(&[noted.clone(), event("evt_1", UPDATED, 5, Some("b"), "c")]),
        "evt_1"
    );
    assert_eq!(
        end(&[noted, event("evt_1", UPDATED, 5, Some("a"), "b")]),
        "evt_9"
    );
}

#[test]
fn versions_of_one_event_and_of_its_neighbours_fit_together() {
    let old = event("evt_1", UPDATED, 5, Some("a"), "b");
    let mut new = subscription("b");
    for key in ["current_period_start", "current_period_end"] {
        new["items"]["data"][0][key] = new[key].clone();
        new.as_object_mut().expect("an object").remove(key);
    }
    new["items"]["object"] = json!("list");
    let mut before = new["items"].clone();
    before["data"][0]["price"] = json!({"id": "a"});
    assert_eq!(
        stamp("evt_1", UPDATED, 5, new, Some(json!({"items": before}))),
        old
    );
}

fn bill(id: &str, kind: &str, status: &str, before: Option<&str>) -> Stamp {
    let object = json!({
        "id": "in_1", "object": "invoice", "customer": "cus_1", "status": status, "created": 1, "currency": "usd",
        "total": 5, "amount_paid": 0, "lines": {"data": []},
    });
    stamp(
        id,
        kind,
        5,
        object,
        before.map(|status| json!({"status": status})),
    )
}

#[test]
fn an_invoice_paid_in_a_second_stays_paid_whatever_else_that_second_says() {
    let events = [
        bill("evt_8", "invoice.created", "draft", None),
        bill("evt_7", "invoice.finalized", "open", None),
        bill("evt_9", "invoice.payment_failed", "open", None),
        bill("evt_2", "invoice.updated", "paid", Some("open")),
        bill("evt_1", "invoice.paid", "paid", None),
    ];
    assert_eq!(end(&events), "evt_1");
    assert_eq!(end(&events[..3]), "evt_9");
    assert_eq!(end(&[events[2].clone(), events[4].clone()]), "evt_1");
    assert_eq!(
        end(&[
            bill("evt_9", "invoice.updated", "open", None),
            bill("evt_1", "invoice.updated", "paid", None)
        ]),
        "evt_1"
    );
}

#[test]
fn an_offer_supersedes_only_if_its_own_payload_is_the_state() {
    let (a, b) = (
        event("evt_1", UPDATED, 5, Some("a"), "b"),
        event("evt_2", UPDATED, 6, Some("b"), "c"),
    );
    assert!(supersedes(&a, &b) && !supersedes(&b, &a) && !supersedes(&a, &a));
    assert_eq!(latest(&[]), None);
}

#[test]
fn a_second_full_of_events_is_remembered_in_part_and_still_decided_alike() {
    let events: Vec<Stamp> = (0..60)
        .map(|at| event(&format!("evt_{at:02}"), UPDATED, 5, None, &format!("s{at}")))
        .collect();
    let merge = |events: &mut dyn Iterator<Item = &Stamp>| {
        events.fold(None, |all: Option<Stamp>, stamp| {
            Some(all.map_or_else(|| stamp.clone(), |all| all.merged(stamp)))
        })
    };
    let forward = merge(&mut events.iter()).expect("some");
    assert_eq!(merge(&mut events.iter().rev()), Some(forward.clone()));
    assert_eq!(
        (forward.event(), forward.events.len()),
        ("evt_59", REMEMBERED)
    );
}

#[test]
fn a_stamp_survives_being_stored() {
    let stored =
        event("evt_1", UPDATED, 5, Some("a"), "b").merged(&event("evt_2", CREATED, 5, None, "a"));
    let text = serde_json::to_string(&stored).expect("text");
    assert_eq!(serde_json::from_str::<Stamp>(&text).ok(), Some(stored));
    assert!(text.len() < 300, "{text}");
}

const STATES: [&str; 7] = [
    "a",
    "b",
    "c",
    "incomplete",
    "past_due",
    "paused",
    "canceled",
];

fn any_event() -> impl Strategy<Value = (u8, usize, i64, Option<usize>, usize)> {
    (
        0..40_u8,
        0..4_usize,
        5..7_i64,
        prop::option::of(0..STATES.len()),
        0..STATES.len(),
    )
}

fn build((id, kind, created, before, after): (u8, usize, i64, Option<usize>, usize)) -> Stamp {
    let kind = [
        UPDATED,
        UPDATED,
        CREATED,
        "customer.subscription.trial_will_end",
    ][kind];
    event(
        &format!("evt_{id:02}"),
        kind,
        created,
        before.map(|at| STATES[at]),
        STATES[after],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_order_of_arrival_ends_alike(events in prop::collection::vec(any_event(), 1..6)) {
        let events: Vec<Stamp> = events.into_iter().map(build).collect();
        end(&events);
    }

    #[test]
    fn merging_is_associative_commutative_and_idempotent(events in prop::collection::vec(any_event(), 3..4)) {
        let events: Vec<Stamp> = events.into_iter().map(build).collect();
        let (a, b, c) = (&events[0], &events[1], &events[2]);
        prop_assert_eq!(a.merged(b).merged(c), a.merged(&b.merged(c)));
        prop_assert_eq!(a.merged(b), b.merged(a));
        prop_assert_eq!(&a.merged(a), a);
        let both = a.merged(b);
        prop_assert!(both.knows(a) && both.knows(b));
        prop_assert_eq!(both.knows(c), both.merged(c) == both);
    }

    #[test]
    fn a_history_told_by_one_second_ends_with_its_last_state(
        walk in prop::collection::vec(0..3_usize, 1..6),
        ids in prop::sample::subsequence((0..40_u8).collect::<Vec<_>>(), 6).prop_shuffle(),
    ) {
        let mut events = vec![event(&format!("evt_{}", ids[0]), CREATED, 5, None, "incomplete")];
        let mut state = "incomplete";
        for (step, id) in walk.iter().zip(ids.iter().skip(1)) {
            let next = STATES[*step];
            if next != state {
                events.push(event(&format!("evt_{id}"), UPDATED, 5, Some(state), next));
                state = next;
            }
        }
        let winner = end(&events);
        let shown = events.iter().find(|stamp| stamp.event() == winner).expect("one of them");
        let last = events.last().expect("some");
        prop_assert_eq!(shown.events.values().next().map(|link| link.after), last.events.values().next().map(|link| link.after));
    }
}
