//! Payments that take days, and checkout sessions in all their ends.

use server::billing::news::REFERENCE_PREFIX;
use shared::standing::State;
use shared::time::Span;
use tests::building::story::{WOOD, Who};
use tests::building::{Building, WayIn};
use tests::stripe_sim::{AfterRetries, Card, Checkout, Subscribe};

/// A member at the checkout, with a session that names her.
fn at_the_checkout(way: WayIn) -> (Building, Who, String) {
    let mut b = Building::club(way);
    let ada = b.member("Ada", "04A1B2C3");
    let customer = b.customer(ada);
    let session = b.sim().open_checkout(Checkout {
        customer: Some(customer),
        client_reference_id: Some(format!("{REFERENCE_PREFIX}{}", b.id(ada))),
        lines: vec![(WOOD.to_owned(), 1)],
        ..Checkout::default()
    });
    b.settle();
    (b, ada, session)
}

stories! {
    fn a_first_payment_from_a_bank_opens_when_it_has_arrived_and_not_before(way: WayIn) {
        let (mut b, ada, session) = at_the_checkout(way);
        b.sim().finish_checkout(&session, Card::Settles).expect("a bank account");
        b.settle();
        assert_eq!(b.told("payment_pending"), 1, "{:?}", b.notices());
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance(Span::days(3));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert_eq!(b.ledger(), []);
        b.advance(Span::days(2));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert_eq!(b.ledger().len(), 1);
        assert_eq!(b.told("first_payment_failed"), 0);
        b.settle();
    }

    fn a_checkout_that_nobody_finishes_changes_nothing(way: WayIn) {
        let (mut b, ada, session) = at_the_checkout(way);
        let before = b.heads();
        b.sim().expire_checkout(&session);
        b.settle();
        b.advance(Span::days(2));
        assert_eq!(b.heads(), before);
        assert_eq!(b.state(ada), State::Stranger);
        assert_eq!((b.notices(), b.ledger().len()), (vec![], 0));
        b.settle();
    }

    fn a_number_of_another_shop_names_no_member_of_ours(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let number = b.id(ada).to_string();
        for reference in [number.clone(), format!("order-{number}"), format!("member-{number}")] {
            let customer = b.sim().create_customer(Some("eve@example.org"), Some("Eve"), &[]);
            b.sim().checkout(&customer, WOOD, Some(&reference));
            b.settle();
        }
        b.advance(Span::hours(2));
        assert!(!b.tap(ada, "front").opens(), "somebody else's order");
        assert_eq!(b.state(ada), State::Stranger);
        assert!(b.ledger().iter().all(|payment| payment.member != Some(b.id(ada).0)), "{:?}", b.ledger());
        b.settle();
    }

    fn a_payment_that_is_heard_of_before_its_checkout_is_linked_by_the_checkout(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.sim().create_customer(None, None, &[]);
        b.settle();
        b.hold_events();
        let reference = format!("{REFERENCE_PREFIX}{}", b.id(ada));
        b.sim().checkout(&customer, WOOD, Some(&reference));
        b.work();
        let letters = b.held_events();
        let (checkout, mut others): (Vec<_>, Vec<_>) =
            letters.into_iter().partition(|letter| letter.kind == "checkout.session.completed");
        assert_eq!(checkout.len(), 1);
        others.sort_by_key(|letter| letter.kind != "invoice.payment_succeeded");
        assert_eq!(others[0].kind, "invoice.payment_succeeded");
        b.release_events(others);
        b.settle();
        assert!(!b.tap(ada, "front").opens(), "nobody could tell whose it is");
        assert_eq!(b.ledger().len(), 1, "and yet it is kept");
        b.advance(Span::minutes(1));
        b.release_events(checkout);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert_eq!(b.member_count(), 1);
        assert_eq!(b.ledger().len(), 1);
        assert_eq!(b.ledger()[0].member, Some(b.id(ada).0));
        b.settle();
    }

    fn a_renewal_from_a_bank_leaves_no_gap_while_it_is_on_its_way(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_payment_method(&customer, Card::Settles);
        for day in 0..4 {
            b.advance_to(end + Span::days(day) + Span::hours(2));
            assert!(b.tap(ada, "front").opens(), "day {day} {:?}", b.state(ada));
            assert_eq!(b.paid_until(&subscription), end, "it has not arrived");
        }
        b.advance_to(end + Span::days(5));
        assert!(b.paid_until(&subscription) > end);
        assert!(matches!(b.state(ada), State::Good { .. }));
        assert_eq!(b.told("payment_failed"), 0);
        b.settle();
    }

    fn a_renewal_that_the_bank_sends_back_days_later_has_grace_and_then_ends(way: WayIn) {
        for after in [AfterRetries::LeavePastDue, AfterRetries::Cancel] {
            let mut b = Building::club(way);
            b.sim().set_dunning(&[], after);
            let ada = b.member("Ada", "04A1B2C3");
            let subscription = b.subscribe(ada, WOOD);
            let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
            b.sim().set_payment_method(&customer, Card::Bounces);
            b.advance_to(end + Span::days(3));
            assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
            b.advance_to(end + Span::days(5));
            let grace = after == AfterRetries::LeavePastDue;
            assert_eq!(matches!(b.state(ada), State::Grace { .. }), grace, "{after:?} {:?}", b.state(ada));
            assert_eq!(b.tap(ada, "front").opens(), grace, "{after:?}");
            b.advance_to(end + Span::days(20));
            assert!(!b.tap(ada, "front").opens(), "{after:?} {:?}", b.state(ada));
            b.settle();
        }
    }

    fn a_renewal_that_waits_for_its_payer_has_grace_and_is_told_once(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_payment_method(&customer, Card::NeedsAction);
        b.advance_to(end + Span::days(9));
        assert_eq!(b.told("action_required"), 1, "{:?}", b.notices());
        assert!(matches!(b.state(ada), State::Grace { .. }), "{:?}", b.state(ada));
        assert!(b.tap(ada, "front").opens());
        b.sim().pay_open_invoice(&customer);
        b.settle();
        assert!(matches!(b.state(ada), State::Good { .. }));
        b.settle();
    }

    fn a_first_payment_that_waits_for_its_payer_opens_nothing_and_is_no_failed_renewal(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.sim().set_payment_method(&customer, Card::NeedsAction);
        b.subscribe_as(&customer, &[(WOOD, 1)], Subscribe::default());
        b.advance(Span::minutes(5));
        assert!(!b.tap(ada, "front").opens());
        assert_eq!(b.notices(), []);
        b.sim().pay_open_invoice(&customer);
        b.settle();
        b.advance(Span::seconds(10));
        assert!(b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert_eq!(b.notices(), []);
        b.settle();
    }

    fn a_renewal_without_any_means_of_payment_has_grace_and_is_told(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5], AfterRetries::LeavePastDue);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_payment_method(&customer, Card::None);
        b.advance_to(end + Span::days(4));
        let open = b.sim().invoices_of(&subscription).pop().expect("the renewal");
        assert_eq!(open["status"], "open");
        assert!(matches!(b.state(ada), State::Grace { .. }), "{:?}", b.state(ada));
        assert_eq!(b.told("payment_failed"), 1, "{:?}", b.notices());
        assert!(!b.attends("poisoned_event"), "{:?}", b.attention());
        b.settle();
    }

    fn a_payment_on_the_eleventh_day_comes_in_time(way: WayIn) {
        let mut b = Building::club(way);
        b.sim().set_dunning(&[3, 5, 7, 11], AfterRetries::Cancel);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let (customer, end) = (b.customer(ada), b.paid_until(&subscription));
        b.sim().set_card(&customer, false);
        for day in 1..11 {
            b.advance_to(end + Span::days(day));
            assert!(b.tap(ada, "front").opens(), "day {day} {:?}", b.state(ada));
        }
        b.sim().set_card(&customer, true);
        b.advance_to(end + Span::days(11) + Span::hours(2));
        assert!(matches!(b.state(ada), State::Good { .. }), "{:?}", b.state(ada));
        assert_eq!(b.told("payment_failed"), 1, "{:?}", b.notices());
        assert_eq!(b.terms(ada).len(), 1);
        b.advance(Span::days(10));
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_first_payment_that_the_bank_sends_back_opens_nothing_and_is_told(way: WayIn) {
        let (mut b, ada, session) = at_the_checkout(way);
        b.sim().finish_checkout(&session, Card::Bounces).expect("a bank account");
        b.advance(Span::days(3));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        b.advance(Span::days(2));
        assert!(!b.tap(ada, "front").opens(), "{:?}", b.state(ada));
        assert_eq!(b.told("first_payment_failed"), 1, "{:?}", b.notices());
        assert_eq!(b.ledger(), []);
        b.settle();
    }
}
