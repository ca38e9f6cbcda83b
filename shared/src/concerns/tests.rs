use super::*;
use crate::calendar::Calendar;
use crate::facts::{Grant, HandPayment, OpenSeats, Rules, TypePolicy};
use crate::ids::{AccountId, GrantId, MembershipTypeId, PaymentId};
use crate::reversals::Reversal;
use crate::standing::outlook;
use serde_json::json;

fn day(number: i64) -> Timestamp {
    Timestamp::from_seconds(number * 86_400)
}

fn membership() -> MembershipTypeId {
    MembershipTypeId::new("5").expect("valid")
}

/// A month of type 5, paid; `id` names the subscription, its customer, item and invoice.
fn month(id: &str, status: &str) -> Coverage {
    let subscription = json!({
        "id": format!("sub_{id}"), "customer": format!("cus_{id}"), "status": status, "created": day(0).0,
        "ended_at": (status == "canceled").then_some(day(10).0),
        "items": [{
            "id": format!("si_{id}"), "price": "price", "quantity": 1,
            "period_start": day(0).0, "period_end": day(30).0,
        }],
    });
    let invoice = json!({
        "id": format!("in_{id}"), "status": "paid", "reason": "subscription_create", "total": 5000,
        "amount_paid": 5000, "currency": "eur", "created": day(0).0,
        "lines": [{
            "item": format!("si_{id}"), "price": "price", "from": day(0).0, "to": day(30).0, "amount": 5000,
            "quantity": 1,
        }],
    });
    let mut subscription: Subscription =
        serde_json::from_value(subscription).expect("a subscription");
    let mut invoice: Invoice = serde_json::from_value(invoice).expect("an invoice");
    for item in &mut subscription.items {
        item.membership = Some(membership());
    }
    for line in &mut invoice.lines {
        line.membership = Some(membership());
    }
    Coverage {
        account: AccountId(1),
        item: format!("si_{id}"),
        seat: 1,
        place: 1,
        named_at: None,
        unread: None,
        subscription,
        invoices: vec![invoice],
    }
}

fn facts(coverage: Vec<Coverage>) -> Facts {
    Facts {
        coverage,
        ..Facts::default()
    }
}

fn kinds(facts: &Facts, now: Timestamp) -> Vec<(ConcernKind, String)> {
    let rules = Rules {
        types: BTreeMap::from([(membership(), TypePolicy::standard(true))]),
        calendar: Calendar::default(),
    };
    let found = outlook(facts, &rules, now).concerns;
    found
        .into_iter()
        .map(|concern| (concern.kind, concern.subject))
        .collect()
}

#[test]
fn a_paid_month_concerns_nobody() {
    assert_eq!(kinds(&facts(vec![month("a", "active")]), day(5)), []);
}

#[test]
fn a_refund_and_a_dispute_of_the_running_period_are_shown_until_it_is_over() {
    let mut refunded = month("a", "active");
    refunded.invoices[0].reversal = Reversal {
        refunded_at: Some(day(4)),
        dispute: Some((DisputeState::Lost, day(3))),
    };
    let refunded = facts(vec![refunded]);
    let both =
        [ConcernKind::Refund, ConcernKind::DisputeLost].map(|kind| (kind, "in_a".to_owned()));
    assert_eq!(kinds(&refunded, day(5)), both);
    assert_eq!(kinds(&refunded, day(31)), []);
}

#[test]
fn an_undecided_dispute_is_shown_however_old_the_period() {
    let mut disputed = month("a", "active");
    disputed.invoices[0].reversal.dispute = Some((DisputeState::Open, day(3)));
    let shown = [(ConcernKind::Dispute, "in_a".to_owned())];
    assert_eq!(kinds(&facts(vec![disputed]), day(31)), shown);
}

#[test]
fn cancelled_with_paid_time_left_is_shown_while_it_lasts() {
    let cancelled = facts(vec![month("a", "canceled")]);
    let shown = [(ConcernKind::CancelledEarly, "sub_a".to_owned())];
    assert_eq!(kinds(&cancelled, day(12)), shown);
    assert_eq!(kinds(&cancelled, day(30)), []);
}

#[test]
fn the_same_type_twice_is_shown_as_the_later_one_and_ends_with_either() {
    let (mut first, second) = (month("b", "active"), month("a", "active"));
    first.subscription.created = day(-1);
    let both = facts(vec![second, first.clone()]);
    let shown = [
        (ConcernKind::DuplicateSubscription, "sub_a".to_owned()),
        (ConcernKind::TwoCustomers, "cus_a".to_owned()),
    ];
    assert_eq!(kinds(&both, day(5)), shown);
    let one_ended = facts(vec![first, month("a", "canceled")]);
    let left = [(ConcernKind::CancelledEarly, "sub_a".to_owned())];
    assert_eq!(kinds(&one_ended, day(12)), left);
}

#[test]
fn money_by_hand_is_reminded_of_a_week_before_unless_something_follows() {
    let payment = HandPayment {
        id: PaymentId(3),
        membership: membership(),
        from: day(0),
        until: day(30),
    };
    let mut paid = Facts {
        payments: vec![payment.clone()],
        ..Facts::default()
    };
    assert_eq!(kinds(&paid, day(23) - Span::seconds(1)), []);
    assert_eq!(next(&paid, day(1)), Some(day(23)));
    let shown = [(ConcernKind::PaymentEnding, "payment 3".to_owned())];
    assert_eq!(kinds(&paid, day(23)), shown);
    paid.payments.push(HandPayment {
        id: PaymentId(4),
        from: day(30),
        until: day(60),
        ..payment
    });
    assert_eq!(kinds(&paid, day(23)), []);
}

#[test]
fn of_payments_by_hand_that_run_together_the_last_is_reminded_of() {
    let payment = |id: i64, until: i64| HandPayment {
        id: PaymentId(id),
        membership: membership(),
        from: day(0),
        until: day(until),
    };
    let paid = Facts {
        payments: vec![payment(1, 30), payment(2, 28), payment(3, 30)],
        ..Facts::default()
    };
    let shown = [(ConcernKind::PaymentEnding, "payment 3".to_owned())];
    assert_eq!(kinds(&paid, day(24)), shown);
}

#[test]
fn a_grant_without_end_is_shown_only_when_all_at_stripe_has_ended() {
    let mut granted = facts(vec![month("a", "canceled")]);
    granted.grants.push(Grant {
        id: GrantId(2),
        membership: membership(),
        from: day(0),
        until: None,
    });
    let shown = [(ConcernKind::GrantedNotActive, "grant 2".to_owned())];
    assert_eq!(kinds(&granted, day(40)), shown);
    granted.coverage.push(month("b", "active"));
    assert_eq!(kinds(&granted, day(40)), []);
}

#[test]
fn seats_that_cover_nobody_and_drafts_that_are_stuck_are_shown() {
    let mut paid = facts(vec![month("a", "active")]);
    paid.open_seats.push(OpenSeats {
        item: "si_a".to_owned(),
        count: 1,
    });
    let mut draft = paid.coverage[0].invoices[0].clone();
    draft.id = "in_next".to_owned();
    draft.status = InvoiceStatus::Draft;
    draft.stuck = true;
    paid.coverage[0].invoices.push(draft);
    let shown = [
        (ConcernKind::SeatUnnamed, "si_a".to_owned()),
        (ConcernKind::InvoiceStuck, "in_next".to_owned()),
    ];
    assert_eq!(kinds(&paid, day(5)), shown);
}

#[test]
fn a_seat_that_is_no_longer_paid_for_is_shown_until_its_end() {
    let mut second = month("a", "active");
    (second.seat, second.place, second.named_at) = (4, 2, Some(day(3)));
    let lost = facts(vec![second.clone()]);
    let shown = [(ConcernKind::SeatRemoved, "si_a seat 4".to_owned())];
    assert_eq!(kinds(&lost, day(5)), shown);
    assert_eq!(kinds(&lost, day(30)), []);
    second.subscription.items[0].quantity = 2;
    assert_eq!(kinds(&facts(vec![second]), day(5)), []);
}

#[test]
fn every_kind_has_its_own_word() {
    let words: BTreeSet<&str> = ConcernKind::ALL.iter().map(|kind| kind.word()).collect();
    assert_eq!(words.len(), ConcernKind::ALL.len());
    for (at, kind) in ConcernKind::ALL.into_iter().enumerate() {
        assert_eq!(
            kind as usize, at,
            "in the order in which they are written down"
        );
        assert_eq!(json!(kind), json!(kind.word()), "one word everywhere");
    }
}
