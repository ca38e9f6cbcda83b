//! Money that goes back: refunds, credit notes and disputes. The ledger tells of them; access stays, and staff look.

use shared::standing::State;
use shared::time::Span;
use tests::building::story::{WOOD, Who};
use tests::building::{Building, WayIn};
use tests::stripe_sim::Card;

/// A member who has paid a month, with the subscription and the invoice of it.
fn paid_month(way: WayIn) -> (Building, Who, String, String) {
    let mut b = Building::club(way);
    let ada = b.member("Ada", "04A1B2C3");
    let subscription = b.subscribe(ada, WOOD);
    let invoice = b.sim().invoices_of(&subscription)[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    b.advance(Span::days(3));
    (b, ada, subscription, invoice)
}

/// What is open on the attention list, but for the link by mail that every story begins with.
fn kinds(b: &Building) -> Vec<String> {
    let open = b.attention().into_iter().map(|(kind, _)| kind);
    open.filter(|kind| kind != "confirm_link").collect()
}

stories! {
    fn a_full_refund_of_the_running_period_is_for_staff_to_look_at_and_locks_nobody_out(way: WayIn) {
        let (mut b, ada, _, invoice) = paid_month(way);
        b.sim().refund(&invoice, 5000);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens());
        assert!(b.attention().contains(&("refund".to_owned(), invoice.clone())));
        assert!(
            b.reversals().contains(&("refund".to_owned(), Some(invoice), 5000, "succeeded".to_owned())),
            "{:?}", b.reversals()
        );
        assert_eq!(b.ledger().len(), 1, "the payment stays as it was");
        b.advance(Span::days(28));
        assert!(!b.attends("refund"), "the next period is paid");
        b.settle();
    }

    fn a_refund_in_parts_counts_when_the_parts_add_up(way: WayIn) {
        let (mut b, ada, _, invoice) = paid_month(way);
        b.sim().refund(&invoice, 2000);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!(kinds(&b), [""; 0], "a part is for the ledger only");
        b.sim().refund(&invoice, 3000);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!(kinds(&b), ["refund"]);
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_refund_that_fails_is_taken_back(way: WayIn) {
        let (mut b, _, _, invoice) = paid_month(way);
        let refund = b.sim().refund(&invoice, 5000);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!(kinds(&b), ["refund"]);
        b.advance(Span::days(2));
        b.sim().fail_refund(&refund);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!(kinds(&b), [""; 0]);
        assert!(b.reversals().iter().any(|(kind, _, _, status)| kind == "refund" && status == "failed"));
    }

    fn a_cancellation_after_a_refund_ends_at_once_and_not_with_the_period(way: WayIn) {
        let (mut b, ada, subscription, invoice) = paid_month(way);
        b.sim().refund(&invoice, 5000);
        b.settle();
        b.advance(Span::seconds(10));
        b.sim().cancel_now(&subscription);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(matches!(b.state(ada), State::Lapsed { .. }), "{:?}", b.state(ada));
        assert!(!b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_dispute_is_shown_until_it_is_won_and_kept_in_view_when_it_is_lost(way: WayIn) {
        for (won, shown) in [(true, &[][..]), (false, &["dispute_lost"][..])] {
            let (mut b, ada, _, invoice) = paid_month(way);
            let dispute = b.sim().dispute(&invoice);
            b.settle();
            b.advance(Span::seconds(10));
            assert_eq!(kinds(&b), ["dispute"]);
            assert!(b.tap(ada, "front").opens(), "only a hold takes access away");
            b.advance(Span::days(5));
            b.sim().close_dispute(&dispute, won);
            b.settle();
            b.advance(Span::seconds(10));
            assert_eq!(kinds(&b), shown);
            assert!(b.tap(ada, "front").opens());
            b.settle();
        }
    }

    fn cancelled_for_a_dispute_access_ends_and_the_reason_is_told(way: WayIn) {
        let (mut b, ada, subscription, invoice) = paid_month(way);
        b.sim().dispute(&invoice);
        b.sim().cancel_because(&subscription, "payment_disputed");
        b.settle();
        b.advance(Span::seconds(10));
        assert!(!b.tap(ada, "front").opens());
        assert!(b.attends("dispute"));
        b.settle();
    }

    fn a_payer_hears_of_a_failed_renewal_once_however_often_it_is_tried(way: WayIn) {
        let (mut b, ada, subscription, _) = paid_month(way);
        let customer = b.customer(ada);
        b.sim().set_card(&customer, false);
        b.advance_to(b.paid_until(&subscription) + Span::days(9));
        assert!(matches!(b.state(ada), State::Grace { .. }));
        assert_eq!(b.told("payment_failed"), 1, "{:?}", b.notices());
        b.settle();
    }

    fn a_first_payment_that_fails_is_between_the_payer_and_stripe(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.sim().set_payment_method(&customer, Card::Declines);
        b.subscribe(ada, WOOD);
        b.advance(Span::hours(2));
        assert_eq!(b.notices(), []);
        assert!(!b.tap(ada, "front").opens());
        b.advance(Span::days(1));
        assert_eq!(b.notices(), [], "nor when Stripe gives up");
        assert_eq!(b.state(ada), State::Stranger);
        b.settle();
    }

    fn an_end_that_is_set_is_told_once_and_again_only_when_set_anew(way: WayIn) {
        let (mut b, _, subscription, _) = paid_month(way);
        for (cancels, told) in [(true, 1), (false, 1), (true, 1)] {
            b.sim().cancel_at_period_end(&subscription, cancels);
            b.advance(Span::days(1));
            assert_eq!(b.told("ends_on"), told);
        }
        b.sim().cancel_at_period_end(&subscription, false);
        b.advance(Span::days(40));
        b.sim().cancel_at_period_end(&subscription, true);
        b.advance(Span::days(1));
        assert_eq!(b.told("ends_on"), 2, "another end");
    }

    fn an_inquiry_and_a_dispute_settled_beforehand_are_no_disputes(way: WayIn) {
        let (mut b, ada, _, invoice) = paid_month(way);
        let inquiry = b.sim().inquire(&invoice);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!(kinds(&b), ["dispute_inquiry"]);
        b.sim().close_dispute(&inquiry, false);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!(kinds(&b), [""; 0]);
        b.sim().prevent_dispute(&invoice);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!(kinds(&b), [""; 0]);
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_credit_note_for_the_whole_period_is_looked_at_and_locks_nobody_out(way: WayIn) {
        let (mut b, ada, _, invoice) = paid_month(way);
        b.sim().credit(&invoice, 5000);
        b.settle();
        b.advance(Span::seconds(10));
        assert_eq!(kinds(&b), ["refund"]);
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.ledger().len(), 1);
        b.settle();
    }

    fn a_renewal_written_off_keeps_the_member_in_and_is_shown(way: WayIn) {
        let (mut b, ada, subscription, _) = paid_month(way);
        b.sim().set_dunning(&[3, 5, 7, 11], tests::stripe_sim::AfterRetries::LeavePastDue);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        b.advance_to(end + Span::days(2));
        let open = b.sim().invoices_of(&subscription).into_iter()
            .find(|invoice| invoice["status"] == "open").expect("the renewal");
        b.sim().write_off_invoice(open["id"].as_str().expect("an id"));
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        if b.sim().status(&subscription) == tests::stripe_sim::Status::Active {
            assert!(b.attends("active_without_payment"), "{:?}", b.attention());
        }
        b.settle();
    }

    fn a_purchase_that_is_no_membership_changes_no_standing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        let shirt = b.sim().create_one_time_price("membertype_5-Shirt", 2500);
        let session = b.sim().open_checkout(tests::stripe_sim::Checkout {
            customer: Some(customer),
            lines: vec![(shirt, 1)],
            ..tests::stripe_sim::Checkout::default()
        });
        b.sim().finish_checkout(&session, Card::Works).expect("it is paid");
        b.advance(Span::hours(2));
        assert!(!b.tap(ada, "front").opens());
        assert_eq!(b.state(ada), State::Stranger);
        b.settle();
    }
}
