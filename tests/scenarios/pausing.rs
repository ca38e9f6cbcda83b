//! States in which Stripe stops by itself, and one that nobody knows yet.

use shared::standing::State;
use shared::time::{Span, Timestamp};
use tests::building::Building;
use tests::building::story::WOOD;
use tests::stripe_sim::calendar::utc;
use tests::stripe_sim::{AfterRetries, Card, MissingMethod, PauseBehavior, Subscribe};

stories! {
    fn a_trial_that_ends_without_any_means_of_payment_is_paused_and_resumes_when_there_is_one(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.sim().set_payment_method(&customer, Card::None);
        let trial = Subscribe { trial_days: 14, missing_method: MissingMethod::Pause, ..Subscribe::default() };
        let subscription = b.subscribe_as(&customer, &[(WOOD, 1)], trial);
        assert!(b.tap(ada, "front").opens());
        b.advance(Span::days(14) + Span::hours(2));
        assert_eq!(b.sim().status(&subscription), tests::stripe_sim::Status::Paused);
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance(Span::days(3));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.sim().set_card(&customer, true);
        b.sim().resume(&subscription);
        b.advance(Span::hours(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn paused_at_the_first_failed_payment_there_is_grace(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_pause_at_first_failure(true);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        b.advance_to(end + Span::days(2));
        assert_eq!(b.sim().status(&subscription), tests::stripe_sim::Status::Paused);
        let State::Grace { until } = b.state(ada) else { panic!("{:?}", b.state(ada)) };
        assert!(until >= end + Span::days(14) && until < end + Span::days(18), "{until}");
        assert!(b.tap(ada, "front").opens());
        b.advance_to(until);
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn paused_when_the_last_try_has_failed_the_door_is_shut(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5], AfterRetries::Pause);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        b.advance_to(end + Span::days(4));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance_to(end + Span::days(6));
        assert_eq!(b.sim().status(&subscription), tests::stripe_sim::Status::Paused);
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.sim().pay_open_invoice(&customer);
        b.advance(Span::hours(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn a_status_that_nobody_knows_yet_keeps_what_was_decided_and_grants_nothing_new(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(3));
        b.sim().say_status(&subscription, Some("dreaming"));
        let payer = b.customer(ada);
        b.sim().set_card(&payer, false);
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens());
        assert!(b.attends("unknown_status"), "{:?}", b.attention());
        b.advance_to(end + Span::hours(2));
        assert!(b.tap(ada, "front").opens(), "slack");
        b.advance_to(end + Span::days(20));
        assert!(!b.tap(ada, "front").opens(), "no grace for what nobody knows");

        let ben = b.member("Ben", "04B0B0B0");
        let customer = b.customer(ben);
        b.sim().set_payment_method(&customer, Card::None);
        let never_paid = b.subscribe(ben, WOOD);
        b.sim().say_status(&never_paid, Some("dreaming"));
        b.advance(Span::seconds(10));
        assert!(!b.tap(ben, "front").opens());
        b.settle();
    }

    fn nobody_is_thrown_out_when_collection_goes_on(way: WayIn) {
        for pause in [PauseBehavior::MarkUncollectible, PauseBehavior::KeepAsDraft] {
            // Early and late in a month that nobody collects for.
            for days in [70, 85] {
                let mut b = Building::club(way);
                let ada = b.member("Ada", "04A1B2C3");
                let subscription = b.subscribe(ada, WOOD);
                b.sim().pause_collection(&subscription, pause, None);
                b.advance(Span::days(days));
                assert!(b.tap(ada, "front").opens(), "{pause:?} {:?}", b.state(ada));
                b.sim().resume(&subscription);
                b.advance(Span::minutes(5));
                assert!(b.tap(ada, "front").opens(), "{pause:?}, day {days}: {:?}", b.state(ada));
                // 2 March and three months.
                b.advance_to(Timestamp::from_seconds(utc(2026, 6, 2, 9)) + Span::minutes(10));
                assert!(b.tap(ada, "front").opens(), "a draft: {pause:?} {:?}", b.state(ada));
                b.settle();
            }
        }
    }
}
