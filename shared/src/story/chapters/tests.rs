use super::*;
use crate::ids::{AccountId, PaymentId};
use crate::story::{Mark, Written, terms};
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400_000;

fn membership(name: &str) -> MembershipTypeId {
    MembershipTypeId::new(name).expect("valid")
}

fn subscription() -> Source {
    Source::Subscription(AccountId(1), "sub_1".to_owned())
}

/// A type from that day to that day, told half a second after Stripe's second.
fn step(name: &str, from: i64, to: Option<i64>) -> Written {
    let mark = |day: i64| Mark {
        at: Timestamp(day * DAY + 500),
        cause: format!("evt_{day}"),
    };
    Written {
        source: subscription(),
        membership: membership(name),
        opened: mark(from),
        closed: to.map(|to| (mark(to), Last::Gone)),
    }
}

/// An invoice of so many minor units, paid on a day for a month of a type.
fn receipt(record: &str, occasion: Occasion, day: i64, name: &str, amount: i64) -> Receipt {
    let at = Timestamp(day * DAY);
    let until = Timestamp((day + 30) * DAY);
    let mut receipt = Receipt::by_hand(
        PaymentId(1),
        membership(name),
        (at, until),
        (amount, "eur".to_owned()),
        None,
    );
    receipt.source = subscription();
    receipt.occasion = occasion;
    receipt.charge.record = record.to_owned();
    receipt
}

/// The same with what a change on a day came to.
fn with_change(mut receipt: Receipt, day: i64, name: &str, amount: i64) -> Receipt {
    let to = BTreeSet::from([membership(name)]);
    receipt.changes = BTreeMap::from([(Timestamp(day * DAY), Change { to, amount })]);
    receipt
}

/// What, and what was charged for it.
fn told(
    written: Vec<Written>,
    receipts: Vec<Receipt>,
) -> Vec<(&'static str, Option<(String, i64)>)> {
    let line = |chapter: Chapter| {
        let charge = chapter.charge;
        let charge = charge.map(|charge| (charge.record, charge.amount));
        (chapter.step.word(&chapter.source), charge)
    };
    let chapters = story(&terms(written), receipts);
    chapters.into_iter().map(line).collect()
}

fn charged(record: &str, amount: i64) -> Option<(String, i64)> {
    Some((record.to_owned(), amount))
}

#[test]
fn each_change_has_its_own_invoice_and_one_without_has_none() {
    let written = vec![
        step("5", 0, Some(2)),
        step("7", 2, Some(4)),
        step("5", 4, Some(6)),
        step("7", 6, None),
    ];
    let third = receipt("in_2", Occasion::Change, 6, "7", 1600);
    let receipts = vec![
        with_change(third, 6, "7", 1600),
        receipt("in_1", Occasion::First, 0, "5", 5000),
    ];
    let story = [
        ("opened", charged("in_1", 5000)),
        ("plan_changed", None),
        ("plan_changed", None),
        ("plan_changed", charged("in_2", 1600)),
    ];
    assert_eq!(told(written, receipts), story);
}

#[test]
fn a_change_without_an_invoice_is_a_part_of_a_later_one() {
    let written = vec![step("5", 0, Some(10)), step("7", 10, None)];
    let renewal = receipt("in_2", Occasion::Renewal, 30, "7", 10_000);
    let receipts = vec![
        receipt("in_1", Occasion::First, 0, "5", 5000),
        with_change(renewal, 10, "7", 2000),
    ];
    let story = [
        ("opened", charged("in_1", 5000)),
        ("plan_changed", charged("in_2", 2000)),
        ("renewed", charged("in_2", 10_000)),
    ];
    assert_eq!(told(written.clone(), receipts.clone()), story);
    let terms = terms(written);
    let chapters = super::story(&terms, receipts);
    let parts: Vec<bool> = chapters
        .iter()
        .filter_map(|chapter| Some(chapter.charge.as_ref()?.part))
        .collect();
    assert_eq!(parts, [false, true, false]);
}

#[test]
fn more_seats_bought_later_are_no_price_of_an_earlier_change() {
    let written = vec![step("5", 0, Some(10)), step("7", 10, None)];
    let seats = receipt("in_2", Occasion::Change, 15, "7", 4000);
    let story = told(written, vec![with_change(seats, 15, "7", 4000)]);
    let expected = [
        ("opened", None),
        ("plan_changed", None),
        ("paid", charged("in_2", 4000)),
    ];
    assert_eq!(story, expected);
}

#[test]
fn what_others_pay_counts_while_it_covers_the_member() {
    let written = || vec![step("5", 40, Some(70))];
    let months = |own: bool| -> Vec<Receipt> {
        let days = [0, 30, 60, 90];
        let month = |day| Receipt {
            own,
            ..receipt(&format!("in_{day}"), Occasion::Renewal, day, "5", 5000)
        };
        days.map(month).into()
    };
    let covered = [
        ("opened", charged("in_30", 5000)),
        ("renewed", charged("in_60", 5000)),
        ("ended", None),
    ];
    assert_eq!(told(written(), months(false)), covered);
    let words: Vec<&str> = told(written(), months(true))
        .into_iter()
        .map(|(word, _)| word)
        .collect();
    assert_eq!(words, ["renewed", "opened", "renewed", "ended", "renewed"]);
}

#[test]
fn what_was_declared_void_stays_told_and_lets_nobody_in_again() {
    let by_hand = |id: i64, paid: i64, void: Option<i64>| {
        let at = (Timestamp(paid * DAY), Timestamp((paid + 30) * DAY));
        let money = (4000, "eur".to_owned());
        let void = void.map(|day| Mark {
            at: Timestamp(day * DAY + 500),
            cause: format!("payment {id}: counted twice"),
        });
        Receipt::by_hand(PaymentId(id), membership("5"), at, money, void)
    };
    let term = |id: i64, from: i64, to: Option<i64>| {
        let mut term = step("5", from, to);
        term.source = Source::Payment(PaymentId(id));
        term
    };
    let receipts = vec![
        by_hand(1, 0, Some(3)),
        by_hand(2, 1, Some(3)),
        by_hand(3, -1, None),
    ];
    let story = told(vec![term(1, 0, Some(3)), term(3, 4, None)], receipts);
    assert_eq!(
        story,
        [
            ("opened", charged("payment 1", 4000)),
            ("renewed", charged("payment 2", 4000)),
            ("ended", None),
            ("voided", None),
            ("voided", None),
            ("opened", charged("payment 3", 4000)),
        ]
    );
}
