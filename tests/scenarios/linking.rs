//! Whose customer is it? The written rule.

use server::billing::news::{MEMBER_KEY, REFERENCE_PREFIX};
use shared::time::Span;
use tests::building::Building;
use tests::building::story::WOOD;
use tests::stripe_sim::Subscribe;

stories! {
    fn an_unknown_customer_becomes_a_member_who_needs_a_card(way: WayIn) {
        let mut b = Building::club(way);
        let eve = b.stranger("Eve", "04E5E5E5");
        b.subscribe(eve, WOOD);
        b.advance(Span::hours(2));
        let member = b.member_by_mail("eve@example.org").expect("a member was made");
        assert!(b.attends("needs_card"));
        b.is(eve, member);
        assert!(b.state(eve).is_in());
        b.enrol(eve);
        assert!(b.tap(eve, "front").opens());
        b.settle();
    }

    fn the_only_member_with_that_mail_is_linked_at_once_and_shown(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.sim().create_customer(Some("ADA@example.org"), Some("A. Lovelace"), &[]);
        b.subscribe_as(&customer, &[(WOOD, 1)], Subscribe::default());
        assert!(b.attends("confirm_link"));
        assert_eq!(b.member_count(), 1);
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_member_named_in_metadata_is_linked_without_asking(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let number = b.id(ada).to_string();
        let customer = b.sim().create_customer(Some("firm@example.org"), Some("Firm"), &[(MEMBER_KEY, &number)]);
        b.subscribe_as(&customer, &[(WOOD, 1)], Subscribe::default());
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.attention(), []);
        assert_eq!(b.member_count(), 1);
        b.settle();
    }

    fn what_a_mail_address_made_guess_and_metadata_then_says_is_no_guess(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let number = b.id(ada).to_string();
        b.hold_events();
        let customer = b.sim().create_customer(Some("ada@example.org"), Some("Ada"), &[(MEMBER_KEY, &number)]);
        b.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        b.work();
        // The invoices, with their mail address, come before the customer.
        let (late, early): (Vec<_>, Vec<_>) =
            b.held_events().into_iter().partition(|letter| letter.kind == "customer.created");
        b.release_events(early);
        b.settle();
        b.release_events(late);
        b.settle();
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.attention(), [], "nobody has to confirm it");
        b.settle();
    }

    fn who_paid_is_known_by_the_invoice_while_the_subscription_was_not_heard_of(way: WayIn) {
        let mut b = Building::club(way);
        let (ada, bob) = (b.member("Ada", "04A1B2C3"), b.member("Bob", "04B1B2C3"));
        b.subscribe(bob, WOOD);
        b.hold_events();
        let customer = b.sim().create_customer(Some("ada@example.org"), Some("Ada"), &[]);
        b.sim().subscribe(&customer, &[(WOOD, 1)], Subscribe::default());
        b.work();
        let (late, early): (Vec<_>, Vec<_>) = b.held_events().into_iter()
            .partition(|letter| letter.kind.starts_with("customer.subscription"));
        assert!(!late.is_empty());
        b.release_events(early);
        b.settle();
        b.sim().set_email(&customer, "ada@elsewhere.example");
        b.settle();
        b.release_events(late);
        b.settle();
        assert_eq!(b.member_count(), 2);
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_member_named_by_the_checkout_is_linked(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let reference = format!("{REFERENCE_PREFIX}{}", b.id(ada));
        let customer = b.sim().create_customer(None, None, &[]);
        b.sim().checkout(&customer, WOOD, Some(&reference));
        b.settle();
        b.advance(Span::hours(2));
        assert_eq!(b.member_count(), 1, "{b:#?}");
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn a_checkout_told_after_its_payer_was_linked_by_mail_confirms_the_link(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.settle();
        b.hold_events();
        let reference = format!("{REFERENCE_PREFIX}{}", b.id(ada));
        b.sim().checkout(&customer, WOOD, Some(&reference));
        b.work();
        let (checkout, others): (Vec<_>, Vec<_>) = b.held_events().into_iter()
            .partition(|letter| letter.kind == "checkout.session.completed");
        b.release_events(others);
        b.settle();
        assert!(b.attends("confirm_link"), "{:?}", b.attention());
        b.release_events(checkout);
        b.settle();
        assert!(!b.attends("confirm_link"), "{:?}", b.attention());
        assert!(b.tap(ada, "front").opens());
        b.settle();
    }

    fn of_several_members_with_that_mail_nobody_is_chosen(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.enter_member("Ada's twin", Some("ada@example.org"));
        b.subscribe(ada, WOOD);
        assert!(b.attends("unmatched_customer"));
        assert!(!b.tap(ada, "front").opens());
        assert_eq!(b.member_count(), 2);
        assert_eq!(b.ledger()[0].member, None, "the payment is kept");
        b.settle();
    }

    fn a_mail_address_that_comes_late_corrects_a_guess(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.sim().create_customer(None, Some("No Mail"), &[]);
        b.subscribe_as(&customer, &[(WOOD, 1)], Subscribe::default());
        b.advance(Span::hours(2));
        assert_eq!(b.member_count(), 2);
        b.sim().set_email(&customer, "ada@example.org");
        b.settle();
        b.advance(Span::minutes(1));
        assert_eq!(b.member_count(), 1);
        assert!(b.tap(ada, "front").opens());
        assert!(b.attends("confirm_link"));
        b.settle();
    }

    fn a_customer_that_never_shows_a_mail_address_becomes_a_member_within_hours(way: WayIn) {
        let mut b = Building::club(way);
        let customer = b.sim().create_customer(None, Some("No Mail"), &[]);
        b.subscribe_as(&customer, &[(WOOD, 1)], Subscribe::default());
        b.advance(Span::hours(2));
        assert_eq!(b.member_count(), 1);
        assert!(b.attends("needs_card"));
    }
}
