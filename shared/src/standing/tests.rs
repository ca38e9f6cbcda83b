//! Laws and single cases; the stories with a whole Stripe stand in the scenarios.
use super::*;
use crate::calendar::Calendar;
use crate::facts::*;
use crate::ids::MembershipTypeId;
use std::collections::BTreeMap;

const DAY: i64 = 86_400;

fn day(number: i64) -> Timestamp {
    Timestamp::from_seconds(number * DAY)
}

fn membership(name: &str) -> MembershipTypeId {
    MembershipTypeId::new(name).expect("valid")
}

fn rules() -> Rules {
    let types = ["5", "7"].map(|name| (membership(name), TypePolicy::standard(true)));
    Rules {
        types: BTreeMap::from(types),
        calendar: Calendar::default(),
    }
}

fn item(from: i64, to: i64) -> Item {
    Item {
        id: "si_1".into(),
        price: "membertype_5-monthly".into(),
        membership: Some(membership("5")),
        quantity: 1,
        period_start: day(from),
        period_end: day(to),
    }
}

fn subscription(status: &str, from: i64, to: i64) -> Subscription {
    Subscription {
        id: "sub_1".into(),
        customer: "cus_1".into(),
        status: SubscriptionStatus::from(status.to_owned()),
        created: day(0),
        cancel_at_period_end: false,
        cancel_at: None,
        ended_at: None,
        cancellation: None,
        pause: None,
        paused_because: None,
        collection: Collection::Automatic,
        trial_end: None,
        items: vec![item(from, to)],
    }
}

fn next_change(facts: &Facts, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    change_after(&windows(facts, rules), facts, now)
}

fn next_look(facts: &Facts, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
    look_after(&windows(facts, rules), now)
}

fn invoice(id: &str, status: InvoiceStatus, from: i64, to: i64) -> Invoice {
    Invoice {
        id: id.into(),
        subscription: Some("sub_1".into()),
        customer: Some("cus_1".into()),
        status,
        reason: "subscription_cycle".into(),
        total: 5000,
        amount_paid: if status == InvoiceStatus::Paid {
            5000
        } else {
            0
        },
        credit_used: 0,
        carried_over: 0,
        discounted: 0,
        currency: "eur".into(),
        created: day(from),
        paid_at: None,
        due_date: None,
        refunded: false,
        stuck: false,
        parked: false,
        reversal: crate::reversals::Reversal::default(),
        lines: vec![Line {
            item: Some("si_1".into()),
            price: Some("membertype_5-monthly".into()),
            membership: Some(membership("5")),
            from: day(from),
            to: day(to),
            amount: 5000,
            proration: false,
            quantity: 1,
        }],
    }
}

fn facts(subscription: Subscription, invoices: Vec<Invoice>) -> Facts {
    let coverage = Coverage {
        account: crate::ids::AccountId(1),
        item: "si_1".into(),
        seat: 1,
        place: 1,
        named_at: None,
        unread: None,
        subscription,
        invoices,
    };
    Facts {
        coverage: vec![coverage],
        ..Facts::default()
    }
}

fn until(facts: &Facts) -> Option<Timestamp> {
    windows(facts, &rules())
        .first()
        .and_then(|access| access.until)
}

#[test]
fn a_paid_period_gives_access_to_its_end_plus_slack_at_a_working_noon() {
    let paid = facts(
        subscription("active", 0, 30),
        vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)],
    );
    // Day 33 is Tuesday 3 February 1970; its noon is the first at or after midnight.
    assert_eq!(until(&paid), Some(day(33) + Span::hours(12)));
    assert!(standing(&paid, &rules(), day(32)).state.is_in());
    assert_eq!(
        standing(&paid, &rules(), day(40)).state,
        State::Lapsed {
            since: day(33) + Span::hours(12)
        }
    );
}

#[test]
fn a_lapse_by_the_clock_waits_a_week_while_stripe_cannot_be_read() {
    let mut paid = facts(
        subscription("active", 0, 30),
        vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)],
    );
    let end = until(&paid).expect("paid");
    assert_eq!(
        next_look(&paid, &rules(), day(1)),
        Some(end - Span::hours(1))
    );
    paid.coverage[0].unread = Some(Unread {
        since: day(44),
        read_at: None,
    });
    assert_eq!(until(&paid), Some(end + Span::days(7)));
    let unread = |read_at| {
        Some(Unread {
            since: end + Span::days(9),
            read_at: Some(read_at),
        })
    };
    // Who was asked about before is out; of whom nobody was asked before everything was down is not.
    paid.coverage[0].unread = unread(end - Span::hours(1));
    assert_eq!(until(&paid), Some(end));
    paid.coverage[0].unread = unread(end - Span::hours(2));
    assert_eq!(until(&paid), Some(end + Span::days(16)));
    paid.coverage[0].subscription.cancel_at_period_end = true;
    assert_eq!(until(&paid), Some(day(30)));
}

#[test]
fn an_open_renewal_gives_access_to_the_end_of_grace_and_retries_do_not_move_it() {
    let mut owed = facts(
        subscription("past_due", 30, 60),
        vec![
            invoice("in_1", InvoiceStatus::Paid, 0, 30),
            invoice("in_2", InvoiceStatus::Open, 30, 60),
        ],
    );
    let end = until(&owed);
    assert_eq!(end, Some(rules().calendar.working_noon(day(44))));
    assert!(matches!(
        standing(&owed, &rules(), day(40)).state,
        State::Grace { .. }
    ));
    owed.coverage[0].subscription.items[0].period_start = day(60);
    owed.coverage[0].subscription.items[0].period_end = day(90);
    owed.coverage[0]
        .invoices
        .push(invoice("in_3", InvoiceStatus::Open, 60, 90));
    assert_eq!(until(&owed), end);
}

#[test]
fn a_first_payment_that_has_not_arrived_grants_nothing() {
    let ach = facts(
        subscription("active", 0, 30),
        vec![invoice("in_1", InvoiceStatus::Open, 0, 30)],
    );
    assert_eq!(until(&ach), None);
    assert_eq!(
        standing(&ach, &rules(), day(1)).state,
        State::Pending { from: None }
    );
}

#[test]
fn an_end_set_beforehand_holds_to_the_second() {
    let mut ending = facts(
        subscription("active", 0, 30),
        vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)],
    );
    ending.coverage[0].subscription.cancel_at_period_end = true;
    assert_eq!(until(&ending), Some(day(30)));
    assert!(
        standing(&ending, &rules(), Timestamp(day(30).0 - 1))
            .state
            .is_in()
    );
    assert!(!standing(&ending, &rules(), day(30)).state.is_in());
}

#[test]
fn an_end_beyond_the_next_renewal_does_not_lock_out_while_the_renewal_is_processed() {
    let mut ending = facts(
        subscription("active", 0, 30),
        vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)],
    );
    ending.coverage[0].subscription.cancel_at = Some(day(200));
    assert!(standing(&ending, &rules(), day(31)).state.is_in());
}

#[test]
fn a_cancelled_subscription_gives_access_to_the_end_of_what_was_paid_and_kept() {
    let mut gone = subscription("canceled", 0, 30);
    gone.ended_at = Some(day(10));
    let mut paid = invoice("in_1", InvoiceStatus::Paid, 0, 30);
    assert_eq!(
        until(&facts(gone.clone(), vec![paid.clone()])),
        Some(day(30))
    );
    paid.refunded = true;
    assert_eq!(
        until(&facts(gone.clone(), vec![paid.clone()])),
        Some(day(10))
    );
    paid.refunded = false;
    gone.cancellation = Some(Cancellation::PaymentDisputed);
    assert_eq!(until(&facts(gone, vec![paid])), Some(day(10)));
}

/// So many days were paid; on day 20 another plan of a month came in their place, and the rest was given back.
fn given_back_for_a_month(paid: i64, instead: Option<&str>) -> Vec<Invoice> {
    let first = invoice("in_1", InvoiceStatus::Paid, 0, paid);
    let mut change = invoice("in_2", InvoiceStatus::Paid, 20, 50);
    change.lines[0].price = Some("membertype_5-other".into());
    change.lines[0].membership = instead.map(membership);
    change.lines.push(Line {
        item: None,
        from: day(20),
        amount: -4726,
        proration: true,
        ..first.lines[0].clone()
    });
    vec![first, change]
}

#[test]
fn a_year_that_was_given_back_for_a_month_pays_for_no_year() {
    let renewal = || invoice("in_3", InvoiceStatus::Open, 50, 80);
    let with = |subscription: Subscription, further: Vec<Invoice>| {
        let mut all = given_back_for_a_month(365, Some("5"));
        all.extend(further);
        until(&facts(subscription, all))
    };
    let mut ended = subscription("canceled", 20, 50);
    ended.ended_at = Some(day(30));
    assert_eq!(with(ended, vec![]), Some(day(50)));
    let owing = with(subscription("past_due", 50, 80), vec![renewal()]);
    assert!(owing > Some(day(63)) && owing < Some(day(70)), "{owing:?}");
    assert_eq!(
        with(subscription("unpaid", 50, 80), vec![renewal()]),
        Some(day(50))
    );
}

#[test]
fn what_was_given_back_for_another_plan_lasts_as_long_as_that_whichever_plan_it_is_now() {
    let mut back = subscription("active", 0, 30);
    back.items[0].price = "membertype_5-monthly".into();
    let mut all = given_back_for_a_month(30, Some("7"));
    // Such lines name no item, and the plan has been changed back since.
    all[1].lines[0] = Line {
        item: None,
        proration: true,
        to: day(30),
        ..all[1].lines[0].clone()
    };
    let until = until(&facts(back, all));
    assert!(until > Some(day(32)), "{until:?}");
}

#[test]
fn credit_for_what_nobody_paid_pays_for_nothing() {
    let mut sent = subscription("active", 0, 30);
    sent.collection = Collection::SendInvoice;
    let mut all = given_back_for_a_month(30, Some("5"));
    all[0].status = InvoiceStatus::Open;
    all[0].due_date = Some(day(12));
    all[1].lines[0].proration = true;
    assert_eq!(until(&facts(sent.clone(), all.clone())), Some(day(12)));
    // Withdrawn, and the next one is a draft.
    all[0].status = InvoiceStatus::Void;
    all[1] = invoice("in_2", InvoiceStatus::Draft, 30, 60);
    assert_eq!(until(&facts(sent, all)), None);
}

/// The same; five days later what had come in its place was given back for so many days of a third plan.
fn given_back_twice(first: &Invoice, days: i64) -> Vec<Invoice> {
    let mut all = given_back_for_a_month(30, Some("5"));
    all[0] = first.clone();
    all[1].lines[0].proration = true;
    let mut again = all[1].clone();
    again.id = "in_3".into();
    for line in &mut again.lines {
        line.from = day(25);
    }
    again.lines[0].price = Some("membertype_5-third".into());
    again.lines[0].to = day(25 + days);
    again.lines[1].price = Some("membertype_5-other".into());
    again.lines[1].to = day(50);
    all.push(again);
    all
}

#[test]
fn credit_that_was_bought_with_credit_is_worth_what_was_paid_at_first() {
    let mut first = invoice("in_1", InvoiceStatus::Open, 0, 30);
    let left = |first: &Invoice| {
        let mut left = subscription("canceled", 0, 30);
        left.ended_at = Some(day(26));
        until(&facts(left, given_back_twice(first, 3)))
    };
    assert_eq!(left(&first), None);
    first.status = InvoiceStatus::Paid;
    // Neither the first plan nor the second counts to its end.
    assert_eq!(left(&first), Some(day(28)));
}

#[test]
fn there_and_back_on_one_invoice_is_worth_what_was_paid_at_first() {
    let mut first = invoice("in_1", InvoiceStatus::Void, 0, 30);
    let served = |first: &Invoice| {
        let rest = |from: i64, price: &str, amount: i64| Line {
            item: None,
            price: Some(price.into()),
            from: day(from),
            amount,
            proration: true,
            ..first.lines[0].clone()
        };
        let own = "membertype_5-monthly";
        let lines = [
            rest(20, own, -1667),
            rest(20, "membertype_5-other", 2667),
            rest(25, "membertype_5-other", -1333),
            rest(25, own, 833),
        ];
        let mut both = invoice("in_2", InvoiceStatus::Paid, 25, 30);
        both.lines = lines.to_vec();
        until(&facts(
            subscription("active", 0, 30),
            vec![first.clone(), both],
        ))
    };
    assert_eq!(served(&first), None);
    first.status = InvoiceStatus::Paid;
    assert!(served(&first) > Some(day(30)));
}

#[test]
fn credit_for_a_plan_that_came_without_an_invoice_is_worth_what_was_paid_before() {
    let mut first = invoice("in_1", InvoiceStatus::Open, 0, 30);
    first.lines[0].price = Some("membertype_5-before".into());
    let served = |first: &Invoice| {
        let mut change = given_back_for_a_month(30, Some("5")).remove(1);
        change.lines[0].proration = true;
        change.lines[0].to = day(30);
        until(&facts(
            subscription("active", 0, 30),
            vec![first.clone(), change],
        ))
    };
    assert_eq!(served(&first), None);
    first.status = InvoiceStatus::Paid;
    assert!(served(&first) > Some(day(30)));
}

#[test]
fn a_month_that_was_given_back_for_no_membership_is_kept() {
    let mut moved = subscription("active", 20, 50);
    moved.items[0].membership = None;
    let facts = facts(moved, given_back_for_a_month(30, None));
    assert_eq!(until(&facts), Some(day(30)));
}

#[test]
fn a_year_that_was_given_back_for_a_month_is_over_although_a_shelf_is_paid_beside_it() {
    let mut all = given_back_for_a_month(365, Some("5"));
    let shelf = Line {
        membership: None,
        item: Some("si_2".into()),
        price: Some("price_shelf".into()),
        ..all[1].lines[0].clone()
    };
    all[1].lines.push(shelf);
    let mut ended = subscription("canceled", 20, 50);
    ended.ended_at = Some(day(30));
    assert_eq!(until(&facts(ended, all)), Some(day(50)));
}

#[test]
fn a_plan_change_whose_invoice_failed_leaves_the_last_paid_type() {
    let mut upgraded = subscription("past_due", 0, 30);
    upgraded.items[0].price = "membertype_7-monthly".into();
    upgraded.items[0].membership = Some(membership("7"));
    let mut change = invoice("in_2", InvoiceStatus::Open, 10, 30);
    change.reason = "subscription_update".into();
    change.lines[0].price = Some("membertype_7-monthly".into());
    change.lines[0].membership = Some(membership("7"));
    change.lines[0].proration = true;
    let mut both = facts(
        upgraded,
        vec![invoice("in_1", InvoiceStatus::Paid, 0, 30), change],
    );
    assert_eq!(windows(&both, &rules())[0].membership, membership("5"));
    both.coverage[0].invoices[1].status = InvoiceStatus::Paid;
    both.coverage[0].subscription.status = SubscriptionStatus::Active;
    assert_eq!(windows(&both, &rules())[0].membership, membership("7"));
}

#[test]
fn a_plan_that_loses_its_tag_keeps_the_last_type_to_the_paid_end() {
    let mut untagged = subscription("active", 0, 30);
    untagged.items[0].membership = None;
    untagged.items[0].price = "price_other".into();
    let facts = facts(untagged, vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)]);
    let windows = windows(&facts, &rules());
    assert_eq!(windows[0].until, Some(day(30)));
    assert!(matches!(
        windows[0].because,
        Because::Subscription {
            cause: Cause::TypeLost,
            ..
        }
    ));
}

#[test]
fn a_seat_taken_away_lasts_to_the_end_of_the_period_it_was_paid_for() {
    let mut paid = invoice("in_1", InvoiceStatus::Paid, 0, 30);
    paid.lines[0].quantity = 2;
    let mut two = facts(subscription("active", 0, 30), vec![paid]);
    (two.coverage[0].seat, two.coverage[0].place) = (2, 2);
    assert_eq!(until(&two), Some(day(30)));
    assert!(matches!(
        windows(&two, &rules())[0].because,
        Because::Subscription {
            cause: Cause::SeatRemoved,
            ..
        }
    ));
    two.coverage[0].place = 3;
    assert_eq!(until(&two), None);
    // There were three when it was named, although no invoice says so.
    two.coverage[0].named_at = Some(day(10));
    assert_eq!(until(&two), Some(day(30)));
    two.coverage[0].subscription.items[0].quantity = 3;
    assert!(until(&two) > Some(day(30)));
}

#[test]
fn a_seat_that_was_given_back_with_its_year_lasts_as_long_as_what_came_instead() {
    let mut all = given_back_for_a_month(365, Some("5"));
    all[0].lines[0].quantity = 2;
    let mut seat = facts(subscription("active", 20, 50), all);
    (seat.coverage[0].seat, seat.coverage[0].place) = (2, 2);
    assert_eq!(until(&seat), Some(day(50)));
}

#[test]
fn a_hold_closes_whatever_is_paid_and_ends_by_the_clock() {
    let mut held = facts(
        subscription("active", 0, 30),
        vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)],
    );
    held.holds.push(Hold {
        id: HoldId(1),
        from: day(3),
        until: Some(day(5)),
        subscription: None,
    });
    assert!(standing(&held, &rules(), day(2)).state.is_in());
    assert!(!standing(&held, &rules(), day(4)).state.is_in());
    assert_eq!(next_change(&held, &rules(), day(4)), Some(day(5)));
    assert!(standing(&held, &rules(), day(5)).state.is_in());
}

#[test]
fn a_hold_on_one_subscription_ends_what_that_gives_and_nothing_else() {
    let mut cancelled = subscription("canceled", 0, 30);
    cancelled.ended_at = Some(day(1));
    let mut ended = facts(cancelled, vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)]);
    assert_eq!(until(&ended), Some(day(30)));
    ended.holds.push(Hold {
        id: HoldId(1),
        from: day(10),
        until: None,
        subscription: Some("sub_1".to_owned()),
    });
    assert_eq!(until(&ended), Some(day(10)));
    let since = day(10);
    assert_eq!(
        standing(&ended, &rules(), day(11)).state,
        State::Lapsed { since }
    );
    assert!(matches!(
        windows(&ended, &rules())[0].because,
        Because::Subscription {
            cause: Cause::EndedByHand,
            ..
        }
    ));
    let mut granted = ended.clone();
    granted.grants.push(Grant {
        id: GrantId(1),
        membership: membership("7"),
        from: day(9),
        until: None,
    });
    assert!(standing(&granted, &rules(), day(11)).state.is_in());
    // Lifted, it counts again to the paid end.
    ended.holds[0].until = Some(day(12));
    let state = |at| standing(&ended, &rules(), day(at)).state;
    assert!(state(9).is_in() && !state(11).is_in() && state(12).is_in() && !state(30).is_in());
    ended.holds[0].subscription = Some("sub_2".to_owned());
    assert_eq!(until(&ended), Some(day(30)));
}

#[test]
fn between_two_changes_standing_stays_as_it_is() {
    let mut all = facts(
        subscription("past_due", 30, 60),
        vec![
            invoice("in_1", InvoiceStatus::Paid, 0, 30),
            invoice("in_2", InvoiceStatus::Open, 30, 60),
        ],
    );
    all.holds.push(Hold {
        id: HoldId(1),
        from: day(33),
        until: Some(day(35)),
        subscription: None,
    });
    all.grants.push(Grant {
        id: GrantId(1),
        membership: membership("7"),
        from: day(31),
        until: Some(day(50)),
    });
    let mut now = day(25);
    while let Some(next) = next_change(&all, &rules(), now) {
        let before = Timestamp(next.0 - 1);
        assert_eq!(
            standing(&all, &rules(), now),
            standing(&all, &rules(), before)
        );
        now = next;
    }
    assert!(now > day(60));
}

#[test]
fn the_first_of_all_set_ends_counts() {
    let mut both = subscription("active", 0, 30);
    assert_eq!(both.set_end(), None);
    both.items.push(Item {
        id: "si_2".into(),
        ..item(0, 20)
    });
    both.cancel_at_period_end = true;
    assert_eq!(both.set_end(), Some(day(20)));
    assert_eq!(both.set_end_of(&both.items[0]), Some(day(30)));
    both.cancel_at = Some(day(25));
    assert_eq!(both.set_end_of(&both.items[0]), Some(day(25)));
    assert_eq!(both.set_end(), Some(day(20)));
    both.items.clear();
    assert_eq!(both.set_end(), Some(day(25)));
}

#[test]
fn an_item_that_was_taken_out_is_remembered_by_what_was_paid_for_it() {
    let locker = Item {
        id: "si_2".into(),
        price: "locker".into(),
        membership: None,
        ..item(30, 60)
    };
    let paid = [
        invoice("in_2", InvoiceStatus::Paid, 30, 60),
        invoice("in_1", InvoiceStatus::Paid, 0, 30),
        invoice("in_3", InvoiceStatus::Open, 60, 90),
    ];
    let mut without = subscription("active", 30, 60);
    without.items = vec![locker.clone()];
    without.remember_gone_items(&paid);
    let gone = Item {
        membership: None,
        ..item(30, 60)
    };
    assert_eq!(without.items, [locker, gone]);

    let mut with = subscription("active", 30, 60);
    with.items[0].id = "si_3".into();
    with.remember_gone_items(&paid);
    assert_eq!(with.items.len(), 1, "another membership goes on");
}

#[test]
fn what_is_missing_is_named() {
    use super::missing::{Missing, Owed, missing};
    let of =
        |facts: &Facts, now: Timestamp| missing(&standing(facts, &rules(), now), facts, &rules());
    let mut all = facts(
        subscription("past_due", 30, 60),
        vec![
            invoice("in_1", InvoiceStatus::Paid, 0, 30),
            invoice("in_2", InvoiceStatus::Open, 30, 60),
        ],
    );
    let owed = Missing::Paid(vec![Owed {
        invoice: "in_2".into(),
        amount: 5000,
        currency: "eur".into(),
    }]);
    assert_eq!(of(&all, day(35)), Some(owed.clone()), "in grace");
    assert_eq!(of(&all, day(55)), Some(owed), "lapsed");
    all.holds.push(Hold {
        id: HoldId(4),
        from: day(0),
        until: None,
        subscription: None,
    });
    assert_eq!(of(&all, day(35)), Some(Missing::Lifted(HoldId(4))));

    let good = facts(
        subscription("active", 0, 30),
        vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)],
    );
    assert_eq!(of(&good, day(3)), None);
    let mut over = subscription("canceled", 0, 30);
    over.ended_at = Some(day(30));
    let over = facts(over, vec![invoice("in_1", InvoiceStatus::Paid, 0, 30)]);
    assert_eq!(of(&over, day(40)), Some(Missing::Renewed));
    let first = facts(subscription("incomplete", 0, 30), Vec::new());
    assert_eq!(of(&first, day(1)), Some(Missing::FirstPayment));
    assert_eq!(of(&Facts::default(), day(1)), Some(Missing::AnyFact));
}

#[test]
fn who_never_paid_has_no_grace_whether_or_not_the_invoice_says_it_is_the_first() {
    for reason in ["subscription_create", "subscription", "subscription_cycle"] {
        let mut first = invoice("in_1", InvoiceStatus::Open, 0, 30);
        first.reason = reason.into();
        let owing = facts(subscription("past_due", 0, 30), vec![first]);
        assert_eq!(until(&owing), None, "{reason}");
    }
    let second = invoice("in_2", InvoiceStatus::Open, 30, 60);
    let owing = facts(subscription("past_due", 30, 60), vec![second]);
    assert!(
        until(&owing).is_some(),
        "its first invoice may have been paid"
    );
}
