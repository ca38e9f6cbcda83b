//! Events that come twice, late, or in another order.

use server::store::accounts;
use shared::time::Span;
use tests::building::post::{Letter, Mood};
use tests::building::story::{METAL, WOOD, Who};
use tests::building::{Building, WayIn};

/// A month with a plan change; all its events are held back.
fn a_month(way: WayIn) -> (Building, Who, Vec<Letter>) {
    let mut b = Building::club(way);
    let ada = b.member("Ada", "04A1B2C3");
    b.hold_events();
    let customer = b.customer(ada);
    let subscription = b.sim().subscribe(
        &customer,
        &[(WOOD, 1)],
        tests::stripe_sim::Subscribe::default(),
    );
    b.sim().change_price(
        &subscription,
        0,
        METAL,
        tests::stripe_sim::Proration::AlwaysInvoice,
    );
    b.work();
    let letters = b.held_events();
    (b, ada, letters)
}

stories! {
    fn an_event_delivered_twice_is_one_event(way: WayIn) {
        let mut b = Building::club(way);
        b.post.set_mood(Mood::Double);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (changes, revision) = (b.standing_changes(ada), b.heads());
        b.restart_server();
        b.settle();
        assert_eq!(b.standing_changes(ada), changes);
        assert_eq!(b.heads(), revision, "a duplicate makes no revision");
        b.advance_to(b.paid_until(&subscription) + Span::hours(2));
        assert_eq!(b.ledger().len(), 2);
        assert_eq!(b.terms(ada).len(), 1);
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn in_every_order_and_doubled_events_end_in_the_same_standing_ledger_and_list(way: WayIn) {
        let (mut straight, ada, letters) = a_month(way);
        let count = letters.len();
        assert!(count >= 10, "{count}");
        straight.release_events(letters);
        straight.settle();
        let expected = straight.outcome();
        assert!(straight.tap(ada, "back").opens());
        straight.settle();
        for round in 0..24_usize {
            let (mut b, _, letters) = a_month(way);
            // A different walk through the events each time, some of them met twice.
            let step = [1, 3, 7, 9, 11, 13][round % 6];
            let mut order: Vec<usize> = (0..count).map(|at| (at * step + round) % count).collect();
            order.extend((0..count).filter(|at| !order.contains(at)).collect::<Vec<_>>());
            if round % 2 == 1 {
                order.reverse();
            }
            order.extend([order[0], order[count / 2]]);
            for at in order {
                b.release_events([letters[at].clone()]);
                b.work();
            }
            b.settle();
            assert_eq!(b.outcome(), expected, "round {round}");
        }
    }

    fn webhooks_lost_for_good_lock_no_paid_member_out(way: WayIn) {
        if way == WayIn::WebhookOnly {
            // Without a key nobody could tell; ten days of slack are all there is.
            return;
        }
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        b.post.set_mood(Mood::Lost);
        for _ in 0..20 {
            b.advance(Span::days(7));
            assert!(b.tap(ada, "front").opens(), "{}", b.now);
        }
        b.settle();
    }

    fn a_delivery_that_was_given_up_days_ago_is_found_although_the_cursor_is_past_it(way: WayIn) {
        if way != WayIn::WebhookAndKey {
            return;
        }
        let mut b = Building::club(way);
        let (ada, ben) = (b.member("Ada", "04A1B2C3"), b.member("Ben", "04B0B0B0"));
        b.post.set_mood(Mood::Lost);
        b.subscribe(ada, WOOD);
        b.post.set_mood(Mood::Prompt);
        b.advance(Span::days(5));
        b.subscribe(ben, WOOD);
        let now = b.now;
        b.step(async |app| {
            let mut tx = app.store.begin().await?;
            accounts::pulled(&mut tx, app.account, now).await?;
            tx.commit().await?;
            Ok(Vec::new())
        });
        b.backfill();
        assert!(!b.tap(ada, "front").opens(), "the cursor is past it");
        assert!(b.tap(ben, "front").opens());
        b.settle();
        let found = b.sweep().expect("Stripe answers");
        assert!(found > 0);
        assert!(b.tap(ada, "front").opens());
        // Stripe lists it for ever as not delivered; it is not listed again for that.
        b.advance(Span::hours(1));
        let listed = b.stripe.wire().events_listed;
        assert_eq!(b.sweep(), Some(0));
        assert_eq!(b.stripe.wire().events_listed, listed);
        b.settle();
    }

    fn webhooks_delayed_by_days_lock_no_paid_member_out(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        b.hold_events();
        b.advance_to(end + Span::days(3));
        assert!(b.tap(ada, "front").opens(), "slack covers what Stripe's retries may take");
        let letters = b.held_events();
        b.release_events(letters);
        b.settle();
        b.advance(Span::days(20));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn an_event_of_the_other_mode_is_answered_and_ignored(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.settle();
        b.hold_events();
        b.sim().subscribe(&customer, &[(WOOD, 1)], tests::stripe_sim::Subscribe::default());
        b.work();
        if way == WayIn::Pull {
            b.forget_held_events();
            return;
        }
        for letter in b.held_events() {
            let body = String::from_utf8(letter.body).expect("JSON").replace("\"livemode\":false", "\"livemode\":true");
            let header = tests::stripe_sim::deliver::sign(tests::building::post::SECRET, b.now.as_seconds(), body.as_bytes());
            let receipt = b.receive(Some(header.as_bytes()), body.as_bytes()).expect("it runs").expect("200");
            assert_eq!(receipt, server::billing::receive::Receipt::OtherMode);
        }
        b.settle();
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }
}
