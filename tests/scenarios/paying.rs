//! Paying: first payment, renewal, gift card.

use shared::reasons::Reason;
use shared::standing::State;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::WOOD;
use tests::stripe_sim::Subscribe;

stories! {
    fn a_first_payment_opens_the_door(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        assert_eq!(b.tap(ada, "front").reason, Reason::Unknown);
        b.settle();

        let subscription = b.subscribe(ada, WOOD);
        assert!(matches!(b.state(ada), State::Good { .. }));
        assert!(b.doors_agree());
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.tap(ada, "back").reason, Reason::Unknown, "type 5 does not open the metal shop");
        b.settle();

        b.badges_arrived_once_each();
        let ledger = b.ledger();
        assert_eq!(ledger.len(), 1);
        assert_eq!((ledger[0].amount, ledger[0].reason.as_str()), (5000, "first payment"));
        assert_eq!(ledger[0].period_until, Some(b.paid_until(&subscription).0));
    }

    fn a_first_payment_that_fails_opens_nothing(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.sim().set_card(&customer, false);
        b.subscribe(ada, WOOD);
        assert!(!b.state(ada).is_in());
        assert!(!b.tap(ada, "front").opens());
        b.advance(Span::days(3));
        assert!(!b.tap(ada, "front").opens(), "it expired, never paid");
        assert!(b.ledger().is_empty());
        b.settle();
    }

    fn a_renewal_leaves_no_gap_while_its_invoice_is_a_draft(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let end = b.paid_until(&subscription);
        for moment in [end - Span::seconds(2), end, end + Span::minutes(30), end + Span::minutes(59)] {
            b.advance_to(moment);
            assert!(b.tap(ada, "front").opens(), "at {moment}");
            assert_eq!(b.paid_until(&subscription), end, "the invoice is a draft");
            b.work();
        }
        b.advance_to(end + Span::hours(2));
        assert!(b.paid_until(&subscription) > end);
        assert!(b.tap(ada, "front").opens());
        b.settle();
        assert_eq!(b.ledger().len(), 2);
        assert_eq!(b.ledger()[1].reason, "renewal");
        assert_eq!(b.terms(ada).len(), 1, "a renewal is no new chapter");
        b.badges_arrived_once_each();
    }

    fn a_year_of_renewals_passes_without_a_word(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        b.subscribe(ada, WOOD);
        for _ in 0..24 {
            b.advance(Span::days(15));
            assert!(b.tap(ada, "front").opens(), "{}", b.now);
        }
        b.settle();
        assert_eq!(b.ledger().len(), 12);
        b.badges_arrived_once_each();
    }

    fn a_zero_charge_invoice_of_a_gift_card_renews_exactly_its_period(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let subscription = b.subscribe(ada, WOOD);
        let first = b.paid_until(&subscription);
        let customer = b.customer(ada);
        b.sim().add_balance(&customer, -7500);
        b.settle();
        b.advance_to(first + Span::hours(2));
        let second = b.paid_until(&subscription);
        let ledger = b.ledger();
        assert_eq!(ledger.len(), 2);
        assert_eq!((ledger[1].amount, ledger[1].reason.as_str()), (0, "credit balance"));
        assert_eq!((ledger[1].period_from, ledger[1].period_until), (Some(first.0), Some(second.0)));
        assert!(b.tap(ada, "front").opens());

        b.advance_to(second + Span::hours(2));
        let ledger = b.ledger();
        assert_eq!(ledger.len(), 3);
        assert_eq!(ledger[2].amount, 2500, "the card pays the rest");
        b.settle();
    }

    fn a_gift_card_pays_for_a_member_without_any_other_means(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        let customer = b.customer(ada);
        b.sim().set_payment_method(&customer, tests::stripe_sim::Card::None);
        b.sim().add_balance(&customer, -10_000);
        let subscription = b.subscribe_as(&customer, &[(WOOD, 1)], Subscribe::default());
        b.sim().set_dunning(&[3, 5], tests::stripe_sim::AfterRetries::Cancel);
        assert!(b.tap(ada, "front").opens());
        b.advance(Span::days(45));
        assert!(b.tap(ada, "front").opens(), "the second period is paid by the card too");
        b.advance_to(b.paid_until(&subscription) + Span::days(10));
        b.advance(Span::days(3));
        assert!(!b.tap(ada, "front").opens(), "two periods were given, not three");
        assert_eq!(b.ledger().iter().map(|payment| payment.amount).sum::<i64>(), 0);
        b.settle();
    }
}
