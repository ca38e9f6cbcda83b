//! Doors on their own: broker and server down, clocks wrong, and everything back afterwards.

use shared::reasons::Reason;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::{METAL, WOOD};

stories! {
    fn with_server_and_broker_down_the_paid_card_opens_and_the_lapsed_does_not(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let ben = b.member("Ben", "04B0B0B0");
        b.subscribe(ada, WOOD);
        let ended = b.subscribe(ben, WOOD);
        b.sim().cancel_at(&ended, Some((b.now + Span::days(2)).as_seconds()));
        b.settle();
        b.advance(Span::days(3));

        b.crash_server();
        b.broker.set_up(false);
        b.work();
        let front = b.machine("pi-front").id.clone();
        b.restart_agent(&front);
        for _ in 0..3 {
            assert!(b.tap(ada, "front").opens());
            assert!(!b.tap(ben, "front").opens());
            b.advance(Span::hours(5));
            b.restart_agent(&front);
        }
        b.broker.set_up(true);
        b.start_server();
        b.settle();
        b.advance(Span::minutes(11));
        b.badges_arrived_once_each();
        assert_eq!(b.badges().len(), 6);
    }

    fn a_renewal_that_could_not_reach_the_door_opens_it_all_the_same(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.advance_to(end - Span::days(5));
        b.cut_agent("pi-front", true);
        b.advance_to(end + Span::days(12));
        let tap = b.tap(ada, "front");
        assert!(tap.opens(), "{tap:?}");
        b.cut_agent("pi-front", false);
        b.settle();
        b.advance(Span::seconds(2));
        assert_eq!(b.tap(ada, "front").reason, Reason::Granted);
        b.settle();
        b.badges_arrived_once_each();
    }

    fn an_end_set_beforehand_holds_offline_too(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.sim().cancel_at_period_end(&subscription, true);
        b.settle();
        b.cut_agent("pi-front", true);
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.advance_to(end);
        assert_eq!(b.tap(ada, "front").reason, Reason::Expired);
        b.cut_agent("pi-front", false);
        b.settle();
    }

    fn a_wall_clock_far_ahead_expires_nobody(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.advance(Span::hours(2));
        b.broker.set_up(false);
        b.work();
        let machine = b.machine("pi-front");
        (machine.wall_off, machine.synchronised) = (Span::days(4000), false);
        let front = machine.id.clone();
        b.restart_agent(&front);
        assert!(b.tap(ada, "front").opens());
        b.broker.set_up(true);
        b.settle();
        b.advance(Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        b.settle();
        b.badges_arrived_once_each();
    }

    fn a_lost_card_is_dead_at_once_where_the_network_is_there(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, METAL);
        assert!(b.tap(ada, "back").opens());
        b.mark_card(ada, server::store::members::CardRow::Lost);
        assert_eq!(b.tap(ada, "back").reason, Reason::Lost);
        assert_eq!(b.tap(ada, "front").reason, Reason::Lost);
        b.settle();
    }

    fn a_door_without_contact_raises_an_alarm_after_ten_minutes(way: WayIn) {
        let mut b = Building::club(way);
        b.closely = true;
        b.cut_agent("pi-front", true);
        b.advance(Span::minutes(9));
        assert!(!b.attends("out_of_contact"), "{:?}", b.attention());
        b.advance(Span::minutes(5));
        assert_eq!(b.attention(), [("out_of_contact".to_owned(), "pi-front".to_owned())]);
        b.cut_agent("pi-front", false);
        b.advance(Span::minutes(4));
        assert_eq!(b.attention(), [], "it is settled by the next report");
    }
}
