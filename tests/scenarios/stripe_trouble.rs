//! Stripe cannot be read, or not rightly: nobody is locked out for it.

use shared::standing::State;
use shared::time::Span;
use tests::building::post::Mood;
use tests::building::story::{WOOD, Who};
use tests::building::{Building, WayIn};
use tests::stripe_sim::AfterRetries;

stories! {
    fn a_key_of_another_account_locks_nobody_out(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.sim().add_key("rk_test_other", "acct_other");
        if way.has_key() {
            b.use_key("rk_test_other");
        }
        b.advance_to(end + Span::days(2));
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.attends("stripe_not_readable"), way.has_key());
        b.use_key(tests::building::stripe::KEY);
        b.advance(Span::days(10));
        assert!(b.tap(ada, "front").opens());
        assert!(!b.attends("stripe_not_readable"));
        b.settle();
    }

    fn a_live_key_on_a_test_server_locks_nobody_out(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.sim().add_key("rk_live_club", "acct_club");
        if way.has_key() {
            b.use_key("rk_live_club");
        }
        b.advance(Span::days(32));
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.attends("stripe_not_readable"), way.has_key());
        b.use_key(tests::building::stripe::KEY);
        b.advance(Span::days(10));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn an_empty_answer_locks_nobody_out(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        b.stripe.wire().empty = true;
        b.advance_to(b.paid_until(&subscription) + Span::days(4));
        assert!(b.tap(ada, "front").opens());
        b.stripe.wire().empty = false;
        b.advance(Span::days(10));
        assert!(b.tap(ada, "front").opens());
        assert!(!b.attends("stripe_unreachable"), "{:?}", b.attention());
        b.settle();
    }

    fn a_server_that_was_off_over_an_end_asks_before_anybody_lapses(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.post.set_mood(tests::building::post::Mood::Lost);
        b.advance_to(end - Span::days(1));
        b.crash_server();
        b.advance_to(end + Span::days(5));
        b.set_stripe_out(true);
        b.start_server();
        b.advance(Span::minutes(5));
        assert!(b.tap(ada, "front").opens(), "Stripe has not answered yet");
        b.set_stripe_out(false);
        b.advance(Span::minutes(11));
        assert!(b.tap(ada, "front").opens(), "it was renewed");
        assert!(matches!(b.state(ada), State::Good { .. }));
        b.settle();
    }

    fn who_has_cancelled_while_the_server_was_off_lapses_when_stripe_says_so(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance_to(end - Span::days(1));
        b.post.set_mood(tests::building::post::Mood::Lost);
        b.crash_server();
        b.sim().cancel_at_period_end(&subscription, true);
        b.advance_to(end + Span::days(5));
        b.start_server();
        b.advance(Span::minutes(1));
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_revoked_key_locks_nobody_out_for_a_week(way: WayIn) {
        if way == WayIn::WebhookOnly {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.sim().revoke_key(tests::building::stripe::KEY);
        b.post.set_mood(tests::building::post::Mood::Lost);
        b.advance_to(end + Span::days(9));
        assert!(b.attends("stripe_not_readable"));
        assert!(b.tap(ada, "front").opens(), "a lapse by the clock waits for an answer");
        b.sim().add_key(tests::building::stripe::KEY, "acct_club");
        b.advance(Span::hours(2));
        assert!(b.tap(ada, "front").opens());
        assert!(!b.attends("stripe_not_readable"));
        b.settle();
    }

    fn an_outage_of_days_is_caught_up_with(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        let subscription = b.subscribe(ada, WOOD);
        b.hold_events();
        b.set_stripe_out(true);
        let customer = b.customer(ben);
        b.sim().subscribe(&customer, &[(WOOD, 1)], tests::stripe_sim::Subscribe::default());
        b.advance_to(b.paid_until(&subscription) + Span::days(2));
        assert!(b.tap(ada, "front").opens());
        assert!(!b.tap(ben, "front").opens(), "nobody could tell");
        b.set_stripe_out(false);
        let letters = b.held_events();
        b.release_events(letters);
        b.advance(Span::minutes(10));
        assert!(b.tap(ada, "front").opens());
        assert!(b.tap(ben, "front").opens());
        b.settle();
        b.badges_arrived_once_each();
    }

    fn failing_requests_are_tried_again(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.sim().fail_next(429, 2);
        b.sim().fail_next(500, 2);
        b.subscribe(ada, WOOD);
        b.advance(Span::minutes(30));
        assert!(b.tap(ada, "front").opens());
        assert!(!b.attends("stripe_not_readable"), "{:?}", b.attention());
        assert!(!b.attends("stripe_unreachable"), "{:?}", b.attention());
        b.settle();
    }

    fn news_of_the_second_of_a_question_counts_though_stripe_goes_down(way: WayIn) {
        if way != WayIn::WebhookAndKey {
            return;
        }
        for pays in [true, false] {
            let mut b = Building::club(way);
            let ada = b.member("Ada", "04A1B2C3");
            let customer = b.customer(ada);
            b.sim().set_card(&customer, !pays);
            let subscription = b.subscribe(ada, WOOD);
            b.advance(Span::minutes(2));
            b.sim().add_balance(&customer, -1);
            b.work();
            b.advance(Span::seconds(2));
            if pays {
                b.sim().pay_open_invoice(&customer);
            } else {
                b.sim().cancel_because(&subscription, "payment_disputed");
            }
            b.set_stripe_out(true);
            b.settle();
            b.advance(Span::hours(20));
            assert_eq!(b.tap(ada, "front").opens(), pays, "{:?}", b.state(ada));
            b.set_stripe_out(false);
            b.advance(Span::hours(1));
            assert_eq!(b.tap(ada, "front").opens(), pays, "{:?}", b.state(ada));
            b.settle();
        }
    }

    fn a_server_that_was_off_for_two_weeks_asks_before_anybody_lapses(way: WayIn) {
        if !way.has_key() {
            return;
        }
        for out in [false, true] {
            let mut b = Building::club(way);
            let all: Vec<Who> = (0..8)
                .map(|at| b.member(&format!("Member{at}"), &format!("04A1B2{at:02X}")))
                .collect();
            let paid: Vec<String> = all.iter().map(|who| b.subscribe(*who, WOOD)).collect();
            let end = b.paid_until(&paid[0]);
            b.post.set_mood(Mood::Lost);
            b.advance_to(end - Span::hours(5));
            b.crash_server();
            b.advance_to(end + Span::days(14));
            b.set_stripe_out(out);
            b.start_server();
            b.advance(Span::minutes(5));
            for who in &all {
                assert!(b.tap(*who, "front").opens(), "{:?}", b.state(*who));
                let lapses = b.chapters(*who).iter().filter(|(what, ..)| *what == "lapsed").count();
                assert_eq!(lapses, 0, "{:?}", b.chapters(*who));
            }
            b.set_stripe_out(false);
            b.advance(Span::hours(2));
            assert!(b.tap(all[0], "front").opens());
            b.settle();
        }
    }

    fn a_lapse_that_stripe_confirmed_is_not_taken_back_when_it_goes_down(way: WayIn) {
        if !way.has_key() {
            return;
        }
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        b.advance_to(end + Span::days(19));
        assert!(!b.tap(ada, "front").opens());
        b.set_stripe_out(true);
        b.sim().set_email(&customer, "other@example.org");
        b.advance(Span::hours(2));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.set_stripe_out(false);
        b.advance(Span::hours(2));
        b.settle();
    }

    fn who_waits_for_an_answer_when_the_key_is_taken_away_is_not_called_unread(way: WayIn) {
        if way != WayIn::WebhookAndKey {
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let customer = b.customer(ada);
        b.advance(Span::minutes(2));
        b.sim().add_balance(&customer, -1);
        b.work();
        b.server.billing.stripe = None;
        b.restart_server();
        let end = b.paid_until(&subscription);
        b.advance_to(end - Span::hours(2));
        let State::Good { until: Some(until) } = b.state(ada) else { panic!("{:?}", b.state(ada)) };
        assert!(until < end + Span::days(14), "slack, and no week for want of an answer: {until}");
        b.settle();
    }
}
