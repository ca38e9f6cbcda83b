//! What else a treasurer does at Stripe.

use serde_json::Value;
use shared::standing::State;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::{METAL, UNTAGGED, WOOD};
use tests::stripe_sim::{
    AfterRetries, Duration, Headers, Interval, Off, PauseBehavior, Proration, Subscribe,
};

/// Something is changed through Stripe's interface, by whoever else holds a key.
fn change(b: &mut Building, path: &str, params: &[(&str, &str)]) -> Value {
    let params: Vec<(String, String)> = params
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let (status, answer) = b
        .sim()
        .request("POST", path, &params, Headers::with_key("sk_test_sim"));
    assert_eq!(status, 200, "{answer}");
    b.settle();
    answer
}

/// The renewal that is not paid.
fn open_invoice(b: &Building, subscription: &str) -> String {
    let invoices = b.sim().invoices_of(subscription);
    let open = invoices
        .iter()
        .find(|invoice| invoice["status"] == "open")
        .expect("an open invoice");
    open["id"].as_str().expect("an id").to_owned()
}

stories! {
    fn a_renewal_that_cannot_be_finalized_is_shown_and_locks_nobody_out(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_address(&customer, false);
        b.advance_to(end + Span::days(2));
        assert!(b.attends("invoice_stuck"), "{:?}", b.attention());
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.sim().set_address(&customer, true);
        b.advance(Span::hours(2));
        assert!(b.paid_until(&subscription) > end);
        assert!(!b.attends("invoice_stuck"), "{:?}", b.attention());
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_trial_cut_short_is_not_told_to_end_soon(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        let trial = Subscribe { trial_days: 30, ..Subscribe::default() };
        let subscription = b.subscribe_as(&customer, &[(WOOD, 1)], trial);
        b.advance(Span::days(5));
        change(&mut b, &format!("/v1/subscriptions/{subscription}"), &[("trial_end", "now")]);
        b.advance(Span::hours(2));
        assert_eq!(b.told("trial_ends"), 0, "{:?}", b.notices());
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert!(b.ledger().iter().any(|payment| payment.amount == 5000));
        b.settle();
    }

    fn a_promotion_code_for_all_of_it_renews_without_a_charge(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        let coupon = b.sim().create_coupon("volunteers", Off::Percent(10_000), Duration::Forever);
        let code = b.sim().create_promotion_code("VOLUNTEER", &coupon);
        let free = Subscribe { promotion_code: Some(code), ..Subscribe::default() };
        b.subscribe_as(&customer, &[(WOOD, 1)], free);
        for _ in 0..3 {
            b.advance(Span::days(31));
            assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        }
        let ledger = b.ledger();
        assert!(ledger.len() >= 3 && ledger.iter().all(|payment| payment.amount == 0), "{ledger:?}");
        b.settle();
    }

    fn a_renewal_paid_in_cash_and_noted_at_stripe_counts(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        b.advance_to(end + Span::days(20));
        assert!(!b.tap(ada, "front").opens());
        let invoice = open_invoice(&b, &subscription);
        change(&mut b, &format!("/v1/invoices/{invoice}/pay"), &[("paid_out_of_band", "true")]);
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn cancelled_while_the_renewal_is_unpaid_access_ends_at_once(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        b.advance_to(end + Span::days(4));
        assert!(b.tap(ada, "front").opens(), "grace");
        b.sim().cancel_now(&subscription);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn who_cancels_and_subscribes_again_the_same_day_stays_in(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let first = b.subscribe(ada, WOOD);
        b.advance(Span::days(5));
        b.sim().cancel_because(&first, "payment_disputed");
        let customer = b.customer(ada);
        let second = b.subscribe_as(&customer, &[(WOOD, 1)], Subscribe::default());
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance_to(b.paid_until(&second) + Span::hours(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }

    fn a_plan_by_the_month_exchanged_for_one_by_the_year_counts_from_its_payment(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let yearly = b.sim().create_plan("membertype_5-yearly", None, 50_000, Interval::Year);
        let subscription = b.subscribe(ada, WOOD);
        b.advance(Span::days(10));
        b.change_plan_with(&subscription, &yearly, Proration::AlwaysInvoice);
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        for _ in 0..11 {
            b.advance(Span::days(31));
            assert!(b.tap(ada, "front").opens(), "{} {:?}", b.now, b.state(ada));
        }
        b.settle();
    }

    fn an_item_exchanged_for_another_keeps_what_was_paid(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, METAL);
        let end = b.paid_until(&subscription);
        b.advance(Span::days(5));
        b.sim().add_item(&subscription, WOOD, 1, Proration::None);
        b.sim().remove_item(&subscription, 0, Proration::None);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance_to(end + Span::hours(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert!(!b.tap(ada, "back").opens());
        b.settle();
    }

    fn a_pause_with_an_end_is_over_when_stripe_says_so(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        let resumes = end + Span::days(40);
        b.sim().pause_collection(&subscription, PauseBehavior::Void, Some(resumes.as_seconds()));
        b.settle();
        b.advance_to(end + Span::days(1));
        assert!(!b.tap(ada, "front").opens());
        b.advance_to(end + Span::days(66));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert!(matches!(b.state(ada), State::Good { .. }));
        b.settle();
    }

    fn a_membership_item_taken_out_of_a_subscription_lasts_to_its_paid_end(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        let subscription = b.subscribe_as(&customer, &[(WOOD, 1), (UNTAGGED, 1)], Subscribe::default());
        let end = b.paid_until(&subscription);
        b.advance(Span::days(5));
        b.sim().remove_item(&subscription, 0, Proration::None);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "it is paid: {:?}", b.state(ada));
        b.advance_to(end - Span::seconds(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance_to(end + Span::hours(2));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.settle();
    }
}
