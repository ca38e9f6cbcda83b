//! What Stripe's states mean at the door, one by one.

use shared::reasons::Reason;
use shared::standing::State;
use shared::time::{Span, Timestamp};
use tests::building::Building;
use tests::building::story::{METAL, WOOD, Who};
use tests::stripe_sim::{AfterRetries, Card, CollectionMethod, PauseBehavior, Shape, Subscribe};

/// What is billed by mail, to be paid within so many days.
fn by_mail(days_until_due: i64) -> Subscribe {
    Subscribe {
        collection_method: CollectionMethod::SendInvoice,
        days_until_due,
        ..Subscribe::default()
    }
}

/// Somebody pays the first invoice that came by mail; answers the end of what was paid.
fn paid_by_mail(b: &mut Building, who: Who, days_until_due: i64) -> Timestamp {
    let customer = b.customer(who);
    let subscription = b.subscribe_as(&customer, &[(WOOD, 1)], by_mail(days_until_due));
    b.advance(Span::hours(2));
    b.sim().pay_open_invoice(&customer);
    b.settle();
    b.paid_until(&subscription)
}

stories! {
    fn a_trial_opens_the_door_and_is_no_payment(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        let trial = Subscribe { trial_days: 14, ..Subscribe::default() };
        let subscription = b.subscribe_as(&customer, &[(WOOD, 1)], trial);
        assert!(b.tap(ada, "front").opens());
        assert!(b.ledger().iter().all(|payment| payment.amount == 0), "{:?}", b.ledger());
        b.advance(Span::days(12));
        assert_eq!(b.told("trial_ends"), 1);
        b.advance(Span::days(3));
        assert!(b.tap(ada, "front").opens(), "the trial became a membership");
        assert!(b.ledger().iter().any(|payment| payment.amount == 5000));
        assert_eq!(b.terms(ada).len(), 1);
        assert!(b.sim().status(&subscription) == tests::stripe_sim::Status::Active);
        b.settle();
    }

    fn a_trial_whose_first_payment_fails_has_grace_from_the_unpaid_period(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        let trial = Subscribe { trial_days: 14, ..Subscribe::default() };
        let begun = b.now;
        b.subscribe_as(&customer, &[(WOOD, 1)], trial);
        b.sim().set_card(&customer, false);
        b.advance_to(begun + Span::days(16));
        let State::Grace { until } = b.state(ada) else { panic!("{:?}", b.state(ada)) };
        assert!(until >= begun + Span::days(28) && until < begun + Span::days(32), "{until}");
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn paused_with_voided_invoices_access_runs_to_the_paid_end_and_comes_back(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(5));
        b.sim().pause_collection(&subscription, PauseBehavior::Void, None);
        b.settle();
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end);
        assert!(!b.tap(ada, "front").opens());
        b.advance(Span::days(3));
        b.sim().resume(&subscription);
        b.advance(Span::days(31));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn paused_with_drafts_or_written_off_invoices_the_service_goes_on(way: WayIn) {
        for behavior in [PauseBehavior::KeepAsDraft, PauseBehavior::MarkUncollectible] {
            let mut b = Building::club(way);
            let ada = b.member("Ada", "04A1B2C3");
            let subscription = b.subscribe(ada, WOOD);
            b.sim().pause_collection(&subscription, behavior, None);
            b.advance(Span::days(40));
            assert!(b.tap(ada, "front").opens(), "{behavior:?} {:?}", b.state(ada));
            b.settle();
        }
    }

    fn paused_for_real_the_door_is_shut_until_it_is_resumed(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(5));
        b.sim().pause(&subscription);
        b.advance(Span::seconds(10));
        assert!(!b.tap(ada, "front").opens());
        b.advance(Span::days(2));
        b.sim().resume(&subscription);
        b.advance(Span::hours(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn a_first_invoice_by_mail_opens_to_its_due_date_and_no_longer(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        let begun = b.now;
        b.subscribe_as(&customer, &[(WOOD, 1)], by_mail(7));
        b.advance(Span::hours(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance_to(begun + Span::days(6));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(begun + Span::days(7) + Span::hours(2));
        assert!(!b.tap(ada, "front").opens(), "due, unpaid, and never a member before");
        b.sim().pay_open_invoice(&customer);
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_renewal_by_mail_that_is_overdue_has_grace_from_its_due_date(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let end = paid_by_mail(&mut b, ada, 7);
        b.advance_to(end + Span::days(8));
        let State::Grace { until } = b.state(ada) else { panic!("{:?}", b.state(ada)) };
        assert!(until >= end + Span::days(21) && until < end + Span::days(26), "{until}");
        b.advance_to(until);
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_mailed_renewal_shuts_nobody_out_before_it_is_due(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let end = paid_by_mail(&mut b, ada, 25);
        for day in [10, 20, 24, 26, 28] {
            b.advance_to(end + Span::days(day));
            assert!(b.tap(ada, "front").opens(), "day {day}: {:?}", b.state(ada));
        }
        b.settle();
    }

    fn two_items_of_one_subscription_open_both_zones(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.subscribe_as(&customer, &[(WOOD, 1), (METAL, 1)], Subscribe::default());
        assert!(b.tap(ada, "front").opens());
        assert!(b.tap(ada, "back").opens());
        b.settle();
    }

    fn a_discount_for_ever_renews_every_month_without_a_charge(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.sim().set_payment_method(&customer, Card::None);
        let free = Subscribe { percent_off: 100, ..Subscribe::default() };
        b.subscribe_as(&customer, &[(WOOD, 1)], free);
        for _ in 0..4 {
            b.advance(Span::days(31));
            assert!(b.tap(ada, "front").opens());
        }
        let ledger = b.ledger();
        assert!(ledger.len() >= 4, "{ledger:?}");
        assert!(ledger.iter().all(|payment| payment.amount == 0 && payment.reason.contains("discount")), "{ledger:?}");
        assert_eq!(b.terms(ada).len(), 1);
        b.settle();
    }

    fn an_amount_below_the_smallest_charge_is_paid_and_carried_over(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.sim().add_balance(&customer, -4980);
        b.subscribe(ada, WOOD);
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.sim().balance(&customer), 20);
        b.advance(Span::days(32));
        assert!(b.tap(ada, "front").opens());
        let paid: Vec<i64> = b.ledger().iter().map(|payment| payment.amount).collect();
        assert_eq!(paid, [0, 5020]);
        b.settle();
    }

    fn part_of_a_gift_card_and_the_rest_by_card_renew_once(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.sim().add_balance(&customer, -3000);
        let subscription = b.subscribe(ada, WOOD);
        assert!(b.tap(ada, "front").opens());
        let paid: Vec<i64> = b.ledger().iter().map(|payment| payment.amount).collect();
        assert_eq!(paid, [2000]);
        let end = b.paid_until(&subscription);
        assert!(end > b.now + Span::days(27) && end < b.now + Span::days(32));
        b.settle();
    }

    fn a_voided_renewal_keeps_the_member_in_and_is_shown(way: WayIn) {
        // Until 2018 only the event's name said that an invoice was void.
        for shape in [Shape::V2017, Shape::Endive] {
            let mut b = Building::club(way);
            b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::LeavePastDue);
            let ada = b.member("Ada", "04A1B2C3");
            let subscription = b.subscribe(ada, WOOD);
            let customer = b.customer(ada);
            let end = b.paid_until(&subscription);
            b.sim().set_card(&customer, false);
            b.advance_to(end + Span::days(2));
            assert!(matches!(b.state(ada), State::Grace { .. }));
            let open = b.sim().invoices_of(&subscription)
                .into_iter()
                .find(|invoice| invoice["status"] == "open")
                .expect("the renewal");
            b.sim().set_shape(shape);
            b.sim().void_invoice(open["id"].as_str().expect("an id"));
            b.advance(Span::seconds(10));
            assert!(b.tap(ada, "front").opens(), "{shape:?} {:?}", b.state(ada));
            assert!(b.attends("active_without_payment"), "{shape:?} {:?}", b.attention());
            b.advance(Span::days(20));
            assert!(b.tap(ada, "front").opens(), "{shape:?} {:?}", b.state(ada));
            b.settle();
        }
    }

    fn money_by_hand_is_reminded_of_before_it_is_used_up(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let until = b.now + Span::days(30);
        b.cash(ada, "5", until);
        b.advance(Span::days(22));
        assert!(!b.attends("payment_ending"));
        b.advance(Span::days(2));
        assert!(b.attends("payment_ending"), "{:?}", b.attention());
        b.advance_to(until + Span::hours(1));
        assert!(b.tap(ada, "front").opens(), "the same slack as for anybody");
        b.advance(Span::days(17));
        assert_eq!(b.tap(ada, "front").reason, Reason::Lapsed);
        assert!(!b.attends("payment_ending"));
        b.settle();
    }

    fn the_same_type_paid_twice_is_shown_and_ending_one_changes_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.advance(Span::days(1));
        let doubled = b.subscribe(ada, WOOD);
        b.advance(Span::seconds(10));
        assert!(b.attention().contains(&("duplicate_subscription".to_owned(), doubled.clone())));
        b.sim().cancel_now(&doubled);
        b.advance(Span::seconds(10));
        assert!(!b.attends("duplicate_subscription"), "{:?}", b.attention());
        b.advance(Span::days(50));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn an_open_ended_grant_that_outlives_the_subscription_is_shown(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.grant(ada, "5", None);
        b.sim().cancel_at_period_end(&subscription, true);
        b.settle();
        assert!(!b.attends("granted_not_active"));
        b.advance(Span::days(40));
        assert!(b.tap(ada, "front").opens(), "the grant");
        assert!(b.attends("granted_not_active"), "{:?}", b.attention());
        b.settle();
    }

    fn a_seat_that_covers_nobody_is_shown_until_somebody_is_named(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        let customer = b.customer(ada);
        let family = b.subscribe_as(&customer, &[(WOOD, 2)], Subscribe::default());
        assert!(b.attends("seat_unnamed"), "{:?}", b.attention());
        b.seat(&family, 2, ben);
        assert!(!b.attends("seat_unnamed"));
        b.settle();
    }
}
