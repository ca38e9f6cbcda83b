//! Crashes between any two steps, of the server and of the agents.

use server::store::ledger::{self, Stretch};
use shared::ids::MembershipTypeId;
use shared::standing::State;
use shared::time::Span;
use tests::building::Building;
use tests::building::server::Strike;
use tests::building::story::{METAL, WOOD};

stories! {
    fn a_server_killed_at_any_step_of_a_first_payment_comes_to_the_same_result(way: WayIn) {
        for strike in [Strike::Before, Strike::After] {
            for step in 0..14 {
                let mut b = Building::club(way);
                let ada = b.member("Ada", "04A1B2C3");
                b.server.crash_in = Some((step, strike));
                b.subscribe(ada, WOOD);
                b.server.crash_in = None;
                // Stripe delivers again what was not answered.
                b.advance(Span::minutes(6));
                b.settle();
                assert!(matches!(b.state(ada), State::Good { .. }), "step {step} {strike:?}");
                assert!(b.doors_agree(), "step {step} {strike:?}");
                assert!(b.tap(ada, "front").opens(), "step {step} {strike:?}");
                b.settle();
                b.badges_arrived_once_each();
                assert_eq!(b.ledger().len(), 1);
            }
        }
    }

    fn a_server_killed_at_any_step_of_a_plan_change_comes_to_the_same_result(way: WayIn) {
        for strike in [Strike::Before, Strike::After] {
            for step in 0..12 {
                let mut b = Building::club(way);
                let ada = b.member("Ada", "04A1B2C3");
                let subscription = b.subscribe(ada, WOOD);
                b.server.crash_in = Some((step, strike));
                b.change_plan(&subscription, METAL);
                b.server.crash_in = None;
                // Stripe delivers again what was not answered.
                b.advance(Span::minutes(6));
                b.settle();
                assert!(b.tap(ada, "back").opens(), "step {step} {strike:?}");
                assert_eq!(b.terms(ada).len(), 2);
                b.settle();
                b.badges_arrived_once_each();
            }
        }
    }

    fn a_server_killed_while_stripe_is_asked_asks_again(way: WayIn) {
        if !way.has_key() {
            return;
        }
        for request in 0..6 {
            let mut b = Building::club(way);
            let ada = b.member("Ada", "04A1B2C3");
            b.stripe.wire().hang_in = Some(request);
            b.subscribe(ada, WOOD);
            b.stripe.wire().hang_in = None;
            b.settle();
            b.advance(Span::minutes(10));
            assert!(b.tap(ada, "front").opens(), "request {request}");
            assert!(b.was_fetched(ada), "request {request}: the wish to fetch outlived the crash");
            b.settle();
        }
    }

    fn an_agent_killed_and_started_again_opens_as_before(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        for _ in 0..3 {
            assert!(b.tap(ada, "front").opens());
            let front = b.machine("pi-front").id.clone();
            b.restart_agent(&front);
            assert!(b.tap(ada, "front").opens(), "before any network");
            b.settle();
            b.advance(Span::minutes(5));
        }
        b.badges_arrived_once_each();
    }

    fn what_a_tool_changed_beside_the_server_reaches_the_doors_with_the_next_head(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        assert!(!b.tap(ada, "front").opens());
        let (member, now) = (b.id(ada), b.now);
        // As a tool does: it commits, and nobody publishes what it made.
        b.ask(async |app| {
            let mut work = app.work(now).await?;
            let membership = MembershipTypeId::new("5").expect("a name");
            let stretch = Stretch { from: now, until: None, reason: "a guest", made_by: "a tool" };
            ledger::grant(&mut work.tx, member, &membership, stretch).await?;
            app.derive(&mut work, member, "a tool").await?;
            app.finish(work).await
        });
        b.closely = true;
        b.advance(Span::minutes(3));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_wiped_broker_is_filled_again(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.wipe_broker();
        b.subscribe(ada, WOOD);
        b.wipe_broker();
        assert!(b.doors_agree());
        assert!(b.tap(ada, "front").opens());
        b.settle();
        b.badges_arrived_once_each();
    }
}
