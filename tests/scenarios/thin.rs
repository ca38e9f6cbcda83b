//! Events without their content: Stripe is asked what happened.

use shared::standing::State;
use shared::time::Span;
use tests::building::post::Form;
use tests::building::story::{METAL, WOOD, Who};
use tests::building::stripe::KEY;
use tests::building::{Building, WayIn};

/// A few months in which much happens.
fn a_life(way: WayIn, form: Form) -> (Building, Who) {
    let mut b = Building::club(way);
    b.post.form = form;
    let ada = b.member("Ada", "04A1B2C3");
    let subscription = b.subscribe(ada, WOOD);
    assert!(b.tap(ada, "front").opens());
    b.advance_to(b.paid_until(&subscription) + Span::hours(2));
    b.change_plan(&subscription, METAL);
    b.settle();
    assert!(b.tap(ada, "back").opens());
    let customer = b.customer(ada);
    let invoice = b.sim().invoices_of(&subscription)[0]["id"].clone();
    b.sim().refund(invoice.as_str().expect("an id"), 100);
    b.settle();
    b.sim().cancel_at_period_end(&subscription, true);
    b.advance_to(b.paid_until(&subscription) + Span::hours(2));
    assert!(!b.tap(ada, "front").opens());
    b.sim().delete_customer(&customer);
    b.settle();
    (b, ada)
}

stories! {
    fn thin_events_alone_say_enough_with_a_key(way: WayIn) {
        if way != WayIn::WebhookAndKey {
            return;
        }
        let (thin, _) = a_life(way, Form::Thin);
        let (plain, _) = a_life(way, Form::Snapshot);
        assert_eq!(thin.outcome(), plain.outcome());
    }

    fn thin_events_beside_snapshots_do_nothing_twice(way: WayIn) {
        if way == WayIn::WebhookOnly {
            return;
        }
        let (both, ada) = a_life(way, Form::Both);
        let (plain, same) = a_life(way, Form::Snapshot);
        assert_eq!(both.outcome(), plain.outcome());
        assert_eq!(both.terms(ada).len(), plain.terms(same).len());
    }

    fn without_a_key_thin_events_are_kept_until_there_is_one_and_staff_are_told(way: WayIn) {
        if way != WayIn::WebhookOnly {
            return;
        }
        let mut b = Building::club(way);
        b.post.form = Form::Thin;
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        assert!(!b.tap(ada, "front").opens());
        assert!(b.attends("thin_events"));
        b.give_key(KEY);
        assert!(b.tap(ada, "front").opens());
        assert!(!b.attends("thin_events"), "{:?}", b.attention());
        assert!(matches!(b.state(ada), State::Good { .. }));
    }

    fn while_stripe_does_not_answer_thin_events_wait(way: WayIn) {
        if way != WayIn::WebhookAndKey {
            return;
        }
        let mut b = Building::club(way);
        b.post.form = Form::Thin;
        let ada = b.member("Ada", "04A1B2C3");
        b.set_stripe_out(true);
        b.subscribe(ada, WOOD);
        b.advance(Span::hours(3));
        assert!(!b.tap(ada, "front").opens());
        b.set_stripe_out(false);
        b.advance(Span::minutes(11));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }
}
