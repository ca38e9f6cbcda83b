//! Cancelling: to the last second, and not a second longer.

use shared::reasons::Reason;
use shared::time::Span;
use tests::building::post::Mood;
use tests::building::story::{METAL, WOOD};
use tests::building::{Building, WayIn};
use tests::stripe_sim::Proration;

stories! {
    fn cancelled_at_period_end_the_door_opens_to_the_last_second(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(3));
        b.sim().cancel_at_period_end(&subscription, true);
        b.settle();
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end);
        let tap = b.tap(ada, "front");
        assert!(matches!(tap.reason, Reason::Expired | Reason::Lapsed), "{tap:?}");
        b.settle();
        assert_eq!(b.sim().status(&subscription), tests::stripe_sim::Status::Canceled);
        assert!(!b.state(ada).is_in());
        assert!(b.terms(ada)[0].closed.is_some(), "the story has an end");
        b.advance(Span::days(1));
        assert_eq!(b.tap(ada, "front").reason, Reason::Lapsed);
        b.settle();
        b.badges_arrived_once_each();
    }

    fn cancelled_at_period_end_the_clock_closes_if_stripe_never_says_so(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.sim().cancel_at_period_end(&subscription, true);
        b.settle();
        b.post.set_mood(Mood::Lost);
        b.set_stripe_out(true);
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end);
        assert!(!b.tap(ada, "front").opens());
        b.advance(Span::days(2));
        assert_eq!(b.tap(ada, "front").reason, Reason::Lapsed);
        assert!(!b.state(ada).is_in());
        b.settle();
    }

    fn an_event_closes_the_door_although_stripe_answers_no_question(way: WayIn) {
        if way == WayIn::Pull {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, METAL);
        b.advance(Span::minutes(1));
        assert!(b.tap(ada, "back").opens());
        b.set_stripe_out(true);
        b.change_plan_with(&subscription, WOOD, Proration::None);
        b.advance(Span::seconds(2));
        assert!(!b.tap(ada, "back").opens());
        assert!(b.tap(ada, "front").opens());
        b.set_stripe_out(false);
        b.advance(Span::hours(1));
        assert!(!b.tap(ada, "back").opens());
        b.settle();
    }

    fn cancelled_in_the_portal_it_ends_as_well(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.sim().cancel_in_portal(&subscription, true);
        b.settle();
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end);
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_cancellation_withdrawn_in_time_ends_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.sim().cancel_at_period_end(&subscription, true);
        b.settle();
        b.advance(Span::days(9));
        b.sim().cancel_at_period_end(&subscription, false);
        b.settle();
        b.advance_to(end + Span::minutes(1));
        assert!(b.tap(ada, "front").opens());
        b.advance(Span::days(20));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn cancelled_at_once_paid_time_is_kept_and_staff_are_asked(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(4));
        b.sim().cancel_now(&subscription);
        b.settle();
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end);
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn an_end_set_beforehand_holds_though_paid_time_is_left(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, METAL);
        let end = b.now + Span::days(12);
        b.sim().cancel_at(&subscription, Some(end.as_seconds()));
        b.settle();
        b.advance_to(end - Span::seconds(3));
        assert!(b.tap(ada, "back").opens());
        b.advance_to(end + Span::seconds(1));
        assert!(!b.tap(ada, "back").opens());
        b.settle();
        b.advance(Span::days(1));
        assert!(!b.tap(ada, "back").opens());
        b.settle();
    }

    fn a_deleted_customer_keeps_the_paid_time(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(4));
        let customer = b.customer(ada);
        b.sim().delete_customer(&customer);
        b.settle();
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end);
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn who_set_an_end_and_is_deleted_before_it_keeps_what_was_paid_to_that_end(way: WayIn) {
        for (set, kept) in [(None, None), (Some(200), None), (Some(9), Some(9))] {
            let mut b = Building::club(way);
            let ada = b.member("Ada", "04A1B2C3");
            let subscription = b.subscribe(ada, WOOD);
            let (begun, end) = (b.now, b.paid_until(&subscription));
            b.advance(Span::days(3));
            match set {
                None => b.sim().cancel_at_period_end(&subscription, true),
                Some(days) => {
                    let at = begun + Span::days(days);
                    b.sim().cancel_at(&subscription, Some(at.as_seconds()));
                }
            }
            b.advance(Span::days(3));
            b.sim().cancel_now(&subscription);
            b.advance(Span::minutes(1));
            let last = kept.map_or(end, |days| begun + Span::days(days));
            b.advance_to(last - Span::hours(1));
            assert!(b.tap(ada, "front").opens(), "{set:?}: {:?}", b.state(ada));
            b.advance_to(last + Span::hours(1));
            assert!(!b.tap(ada, "front").opens(), "{set:?}: {:?}", b.state(ada));
            b.settle();
        }
    }
}
