//! Paying: first payment, renewal, gift card.

use shared::reasons::Reason;
use shared::standing::State;
use shared::time::Span;
use tests::building::Building;
use tests::building::story::WOOD;

stories! {
    fn a_first_payment_opens_the_door(way: WayIn) {
        let mut b = Building::club(way);
        let ada = b.member("Ada", "04A1B2C3");
        assert_eq!(b.tap(ada, "front").reason, Reason::Unknown);
        b.settle();

        let subscription = b.subscribe(ada, WOOD);
        assert!(matches!(b.state(ada), State::Good { .. }));
        assert!(b.doors_agree());
        b.advance(Span::seconds(2));
        assert!(b.tap(ada, "front").opens());
        assert_eq!(b.tap(ada, "back").reason, Reason::Unknown, "type 5 does not open the metal shop");
        b.settle();

        b.badges_arrived_once_each();
        let ledger = b.ledger();
        assert_eq!(ledger.len(), 1);
        assert_eq!((ledger[0].amount, ledger[0].reason.as_str()), (5000, "first payment"));
        assert_eq!(ledger[0].period_until, Some(b.paid_until(&subscription).0));
    }
}
